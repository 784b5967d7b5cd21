"""Turtle and TriG read into triples that remember the graphs they stand in, and where people find them."""

from __future__ import annotations

import datetime
import errno
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property, lru_cache
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from citelog.diagnostics import STEERING, Diagnostic, Span, unseen
from citelog.values import Iri, Value

if TYPE_CHECKING:
    from pyoxigraph import BlankNode, Literal, NamedNode, Quad, Triple

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
DCTERMS = "http://purl.org/dc/terms/"
PAV = "http://purl.org/pav/"
PROV = "http://www.w3.org/ns/prov#"
XSD = "http://www.w3.org/2001/XMLSchema#"
TYPE = RDF + "type"

Drafts = Mapping[Path, str]
"""Texts that stand in for files, by their paths: what an editor shows and has not saved."""

NO_DRAFTS: Drafts = {}


class Whole(dict[Path, str]):
    """Drafts of every file there is: what is not among them is not there, and no disk is asked."""


class Held(dict[Path, str]):
    """Drafts, and beside them every file as it was read first: whoever reads it again has the same bytes."""

    def __init__(self, drafts: Drafts) -> None:
        super().__init__(drafts)
        self._read: dict[Path, bytes] = {}
        self._found: dict[tuple[Path, str], tuple[Path, ...]] = {}

    def bytes(self, path: Path) -> bytes:
        """A file as it was read first. Raises OSError."""
        if path not in self._read:
            self._read[path] = path.read_bytes()
        return self._read[path]

    def glob(self, folder: Path, pattern: str) -> tuple[Path, ...]:
        """The files that there were when they were looked for first."""
        return self._found.setdefault((folder, pattern), tuple(folder.glob(pattern)))


_NAMED = re.compile(
    r"(?m)^[ \t]*(?:[^\s#{}]+[ \t]*\{[ \t]*)?(?P<name>[^\s#{}]+)(?=\s+[^\s{])"
)  # a named graph may begin on the same line
_BLOCK_END = re.compile(r"\n(?:\s*\n|(?=[^\s#]))")


@dataclass(frozen=True)
class Text:
    """A file of the knowledge base: its name as shown to people, and what is in it."""

    name: str
    text: str

    @cached_property
    def _prefixes(self) -> dict[str, str]:
        """The prefix of each namespace, with its colon."""
        found = re.findall(r"(?m)^@prefix\s+([\w-]*:)\s+<([^<>\s]*)>", self.text)
        return {namespace: prefix for prefix, namespace in reversed(found)}

    @cached_property
    def _blocks(self) -> dict[str, int]:
        """Where the first line begins that starts with a name."""
        found: dict[str, int] = {}
        for match in _NAMED.finditer(self.text):
            found.setdefault(match["name"], match.start())
        return found

    def written(self, iri: str) -> str | None:
        """A name as this file writes it; None where the file has no prefix for its namespace."""
        local = Iri(iri).local
        prefix = self._prefixes.get(iri[: len(iri) - len(local)])
        return None if prefix is None else prefix + local

    def line(self, number: int) -> str:
        """A line of the file, counted from 1; empty where there is none."""
        lines = self.text.split("\n")
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def line_of(self, name: str, words: str = "") -> tuple[int, str]:
        """Where a block about a name starts, or the line in it that holds some words; (0, "") where there is none.

        >>> Text("a.ttl", "ex:iron a ex:Drug ;\\n    ex:dose 1.0 .\\n").line_of("ex:iron", "dose")
        (2, '    ex:dose 1.0 .')
        >>> Text("a.trig", "ex:S1 { ex:iron ex:dose 1.0 . }\\n").line_of("ex:iron")
        (1, 'ex:S1 { ex:iron ex:dose 1.0 . }')
        """
        start = self._blocks.get(name)
        if start is None:
            return 0, ""
        ends = _BLOCK_END.search(self.text, start)
        block = self.text[start : ends.start() if ends else len(self.text)].split("\n")
        number = self.text.count("\n", 0, start) + 1
        held = ((number + i, line) for i, line in enumerate(block) if words and words in line)
        return next(held, (number, block[0]))


@dataclass(slots=True)
class Triples:
    """All triples of a knowledge base and its ontology, by subject, each with the graphs that it stands in."""

    subjects: dict[str, dict[str, list[Any]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    graphs: dict[tuple[str, str, Any], list[str]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, Text] = field(default_factory=dict)
    classes: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def add(self, subject: str, predicate: str, value: Value, graph: str | None) -> None:
        """A triple more, and the graph that it stands in; the same triple in two graphs is one."""
        key = (subject, predicate, value)
        if key not in self.graphs:
            self.subjects[subject][predicate].append(value)
            if predicate == TYPE:
                self.classes[str(value)].add(subject)
        graphs = self.graphs[key]
        if graph is not None:
            graphs.append(graph)

    def one(self, subject: str, predicate: str) -> Any:
        """The value of a property, or None."""
        values = self.subjects.get(subject, {}).get(predicate)
        return values[0] if values else None

    def text(self, subject: str, predicate: str) -> str:
        """The value of a property as text; empty where there is none."""
        value = self.one(subject, predicate)
        return "" if value is None else str(value)

    def label(self, subject: str) -> str:
        """What a resource is called: its preferred label, its label, or its local name."""
        return self.text(subject, SKOS + "prefLabel") or self.text(subject, RDFS + "label") or Iri(subject).local

    def whole(self, subject: str, predicate: str) -> int:
        """The value of a property as a whole number; 0 where it is none, which `_values` reports."""
        value = self.one(subject, predicate)
        return value if isinstance(value, int) else 0

    def all(self, subject: str, predicate: str) -> list[Any]:
        """Every value of a property, in a fixed order."""
        return sorted(self.subjects.get(subject, {}).get(predicate, ()), key=str)

    def instances(self, class_: str) -> list[str]:
        """Every subject of a class, in the order of their names."""
        return sorted(self.classes.get(class_, ()))

    def written(self, iri: str) -> str:
        """A name as the files of the knowledge base write it."""
        return next((name for text in self.files.values() if (name := text.written(iri))), Iri(iri).local)

    def blocks(self, subject: str) -> list[tuple[Span, str]]:
        """Every place where a block about a subject begins, the blocks of its graph apart, with that line."""
        found = []
        for text in self.files.values():
            if name := text.written(subject):
                for match in re.finditer(rf"(?m)^[ \t]*{re.escape(name)}\s+[^\s{{,;.].*$", text.text):
                    found.append((Span(text.name, text.text.count("\n", 0, match.start()) + 1), match[0].strip()))
        return found

    def span(self, subject: str, words: str = "") -> tuple[Span, str]:
        """The place where some words stand in what is said of a subject, or else where that begins; with the line."""
        found: list[tuple[Span, str]] = []
        for text in self.files.values():
            name = text.written(subject)
            line, shown = text.line_of(name, words) if name else (0, "")
            if line:
                found.append((Span(text.name, line), shown.strip()))
        with_words = (one for one in found if words in one[1])
        return next(with_words, found[0] if found else (Span(next(iter(self.files), "?")), ""))


def shown_name(path: Path, folder: Path) -> str:
    """A file of a knowledge base as findings name it: its path, from the folder of the knowledge base."""
    return path.relative_to(folder.parent).as_posix() if path.is_relative_to(folder.parent) else path.name


def files_of(folder: Path, pattern: str, drafts: Drafts = NO_DRAFTS) -> list[Path]:
    """The files of a knowledge base by a pattern of their paths in it, those that are only drafts too, by name."""
    drawn = (path for path in drafts if path.is_relative_to(folder) and fits(path.relative_to(folder), pattern))
    if isinstance(drafts, Whole):
        return sorted({*drawn})
    return sorted({*(drafts.glob(folder, pattern) if isinstance(drafts, Held) else folder.glob(pattern)), *drawn})


def fits(path: PurePath, pattern: str) -> bool:
    """Whether a path in the folder is one that a pattern means."""
    return path.match(pattern) and len(path.parts) == len(Path(pattern).parts)


def leads_out(path: Path, folder: Path) -> bool:
    """Whether a file of a folder is a link to one elsewhere, which is then no file of the knowledge base."""
    return path.is_relative_to(folder) and not path.resolve().is_relative_to(folder.resolve())


def read_bytes(path: Path, drafts: Drafts = NO_DRAFTS) -> bytes:
    """A file as bytes, or its draft. Raises OSError."""
    if path in drafts:
        return drafts[path].encode("utf-8")
    if isinstance(drafts, Whole):
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")
    return drafts.bytes(path) if isinstance(drafts, Held) else path.read_bytes()


def read_text(path: Path, folder: Path, found: list[Diagnostic], drafts: Drafts = NO_DRAFTS) -> Text | None:
    """A file of a knowledge base as text, or its draft; None, and a finding, where it cannot be read."""
    name = shown_name(path, folder)
    if path not in drafts and leads_out(path, folder):
        message = "this is a link that leads out of the knowledge base"
        found.append(Diagnostic("unknown-reference", Span(name), message, "keep the file itself inside"))
        return None
    try:
        text = Text(name, re.sub(r"\r\n?", "\n", read_bytes(path, drafts).decode("utf-8")))
        if (hidden := _hidden(text)) is not None:
            found.append(hidden)
        return text
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        span = Span(name, before.count(b"\n") + 1, len(before.split(b"\n")[-1].decode("utf-8")) + 1)
        shown = error.object.split(b"\n")[span.line - 1].decode("utf-8", "replace")
        message = "a character is not UTF-8, in which every file of a knowledge base is kept"
        found.append(Diagnostic("not-utf-8", span, message, "save the file as UTF-8 in your editor", shown))
    except OSError as error:
        found.append(Diagnostic("file-missing", Span(name), str(error.strerror), "is the file there, and readable?"))
    return None


_HIDDEN = re.compile(
    rf"[{STEERING}]"
    r"|\\(?:u|U0000)00(?:0[0-8bBcCeEfF]|1[0-9a-fA-F]|7[fF]|[89][0-9a-fA-F])"
)
"""Control characters, also as Turtle can write them, and what turns the direction of writing."""


def _hidden(text: Text) -> Diagnostic | None:
    """The first character that would have a reader, or a terminal, see another text than the one that stands there."""
    match = _HIDDEN.search(text.text)
    if match is None:
        return None
    line = text.text.count("\n", 0, match.start()) + 1
    span = Span(text.name, line, match.start() - text.text.rfind("\n", 0, match.start()))
    shown = _HIDDEN.sub(lambda m: m[0] if len(m[0]) > 1 else f"\\u{ord(m[0]):04x}", text.line(line))
    character = match[0] if len(match[0]) > 1 else f"\\u{ord(match[0]):04x}"
    message = f"the character {character} shows a reader another text than the one that stands here"
    return Diagnostic("hidden-character", span, message, "remove it", shown)


def read_triples(folder: Path, ontology: Path, found: list[Diagnostic], drafts: Drafts = NO_DRAFTS) -> Triples:
    """Every triple of the ontology and of a knowledge base's Turtle and TriG files."""
    triples = Triples()
    for path in [ontology, *files_of(folder, "*.ttl", drafts), *files_of(folder, "*.trig", drafts)]:
        text = read_text(path, folder, found, drafts)
        if text is None:
            continue
        triples.files[text.name] = text
        if (odd := _odd(text)) is not None:
            found.append(odd)
            continue
        try:
            quads = read_rdf(text.text, path.suffix == ".trig")
        except SyntaxError as error:
            found.append(_unreadable(text, error))
            continue
        for quad in quads:
            triples.add(*quad)
    return triples


def _unreadable(text: Text, error: SyntaxError) -> Diagnostic:
    """What keeps a file from being read, in the parser's words."""
    said = re.sub(r"^Parser error (?:at|between) .*?: | \(line \d+\)$", "", str(error))
    hint = "each block ends with a full stop, and parts of one with ; or , (often the slip is on the line above)"
    if match := re.match(r"The prefix (\S+) has not been declared", said):
        hint = f"write @prefix {match[1]} <…> . at the top of the file, or correct the name"
    hint += "; what depends on this file is checked when it can be read"
    span = Span(text.name, error.lineno or 0, error.offset or 0)
    message = f"cannot be read: {said[:1].lower()}{said[1:]}"
    return Diagnostic("rdf-syntax", span, message, hint, text.line(span.line))


_STRINGS = re.compile(
    r"(?s:\"{3}(?:\\.|[^\\])*?\"{3})|(?s:'{3}(?:\\.|[^\\])*?'{3})"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|<[^<>\s]*>|#[^\n]*"
)


def _odd(text: Text) -> Diagnostic | None:
    """The first character outside strings that a word processor or a web page put there; RDF has no place for it."""
    if text.text.isascii():
        return None
    bare = _STRINGS.sub(lambda m: m[0] if m[0].isascii() else re.sub(r"[^\n]", "x", m[0]), text.text)
    for match in re.finditer(r"[^\x00-\x7f]", bare):
        at, character = match.start(), match[0]
        if at == 0 and character == "\ufeff":
            continue
        if character in "“”„‟":
            said = f"cannot be read: {character} is no quotation mark"
            hint = f'write " (word processors put {character} in its place)'
        elif named := unseen(character):
            said, hint = f"cannot be read: {named[0]}", named[1]
        else:
            continue
        line = text.text.count("\n", 0, at) + 1
        return Diagnostic("rdf-syntax", Span(text.name, line), said, hint, text.line(line).strip())
    return None


# reading RDF; what was read before is not read again, for an author changes one file at a time


@lru_cache(maxsize=64)
def rdf(text: str, graphs: bool) -> tuple[Quad, ...]:
    """The quads of a Turtle file, or of a TriG file with its `graphs`; raises SyntaxError, with its place."""
    from pyoxigraph import RdfFormat, parse

    return tuple(parse(text.removeprefix("\ufeff").encode(), format=RdfFormat.TRIG if graphs else RdfFormat.TURTLE))


@lru_cache(maxsize=64)
def read_rdf(text: str, graphs: bool) -> tuple[tuple[str, str, Value, str | None], ...]:
    """Subject, property, value and graph of each triple of a file, in a fixed order; raises SyntaxError."""
    from pyoxigraph import NamedNode

    read = [
        (
            _name(quad.subject),
            quad.predicate.value,
            _native(quad.object),
            quad.graph_name.value if isinstance(quad.graph_name, NamedNode) else None,
        )
        for quad in rdf(text, graphs)
    ]
    return tuple(sorted(read, key=lambda quad: tuple(map(str, quad))))


def _name(node: NamedNode | BlankNode | Triple) -> str:
    return str(getattr(node, "value", node))


def _native(node: NamedNode | BlankNode | Literal | Triple) -> Value:
    """An RDF node as a value of the language; a decimal keeps the digits that it is written with.

    What is not of the form that its datatype asks for stays a text, which is reported as such.
    """
    from pyoxigraph import Literal

    if not isinstance(node, Literal):
        return Iri(_name(node))
    text, kind = node.value, node.datatype.value
    try:
        match kind.removeprefix(XSD):
            case "decimal":
                return Decimal(text)
            case "integer":
                return int(text)
            case "boolean":
                return text in ("true", "1")
            case "date":
                return datetime.date.fromisoformat(text)
            case _:
                return text
    except (ValueError, InvalidOperation):
        return text
