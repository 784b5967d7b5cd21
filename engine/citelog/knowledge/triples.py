"""Turtle and TriG read into triples that remember the graphs they stand in, and where people find them."""

from __future__ import annotations

import datetime
import re
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citelog.diagnostics import Diagnostic, Hint, Span, copied, unseen
from citelog.knowledge.files import NO_DRAFTS, Drafts, Text, files_of, read_text
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

    def said(self, graph: str, subject: str, words: re.Pattern[str]) -> tuple[Span, str] | None:
        """The line of a graph in which some words stand, first where it speaks of a subject; None where none does."""
        for text in self.files.values():
            name, about = text.written(graph), text.written(subject) or subject
            first, lines = text.graph_of(name) if name else (0, [])
            of_it = next((i for i, line in enumerate(lines) if about in line), 0)
            for i in (*range(of_it, len(lines)), *range(of_it)):
                if words.search(lines[i]):
                    return Span(text.name, first + i), lines[i].strip()
        return None

    def place(self, subject: str, predicate: str, name: str, value: Value) -> tuple[Span, str]:
        """Where a triple stands, with the line: in the graph that says it, or else in what is said of its subject.

        `name` is what of it is looked for, the property or the value, as an IRI.
        """
        words = re.compile(rf"(?<![\w-]){re.escape(self.written(name))}(?![\w-])")
        found = (self.said(graph, subject, words) for graph in self.graphs.get((subject, predicate, value), ()))
        return next((one for one in found if one), None) or self.span(subject, self.written(name))

    def span(self, subject: str, words: str = "") -> tuple[Span, str]:
        """The place where some words stand in what is said of a subject, or else where that begins; with the line."""
        found: list[tuple[Span, str]] = []
        for text in self.files.values():
            name = text.written(subject)
            line, shown = text.line_of(name, words) if name else (0, "")
            if line:
                found.append((Span(text.name, line), shown.strip()))
        with_words = (one for one in found if words in one[1])
        return next(with_words, found[0] if found else self._named(subject))

    def _named(self, iri: str) -> tuple[Span, str]:
        """The first line that names a resource of which nothing is said; the first file, where none does."""
        for text in self.files.values():
            words = re.escape(name) if (name := text.written(iri)) else r"(?!)"
            if match := re.search(rf"(?m)^.*(?<![\w:-]){words}(?![\w-]).*$", text.text):
                return Span(text.name, text.text.count("\n", 0, match.start()) + 1), match[0].strip()
        return Span(next(iter(self.files), "?")), ""

    def finding(
        self, code: str, about: tuple[str, ...], message: str, hint: Hint, words: str | None = None
    ) -> Diagnostic:
        """A finding about a resource, its property and a value; it stands where `words` or else the property do."""
        if words is None:
            words = self.written(about[1]) if len(about) > 1 else ""
        span, shown = self.span(about[0], words)
        return Diagnostic(code, span, message, hint, shown, about=named(*about))


def named(subject: str, property_: str = "", *values: object) -> tuple[str, ...]:
    """What a finding is about, as it names it: a resource, its property and a value, as far as it is about one.

    >>> named("https://example.org/S1", "https://w3id.org/citelog/ontology#quote")
    ('S1', 'quote')
    """
    return (Iri(subject).local, *([Iri(property_).local] if property_ else []), *map(str, values))


def read_triples(folder: Path, ontology: Path, found: list[Diagnostic], drafts: Drafts = NO_DRAFTS) -> Triples:
    """Every triple of the ontology and of a knowledge base's Turtle and TriG files."""
    triples = Triples()
    paths = [path for pattern in ("*.ttl", "*.trig") for path in files_of(folder, pattern, drafts, found)]
    for path in [ontology, *paths]:
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
    elif said.startswith("{ ") and (begins := _open_graph(text.text, error.lineno or 0)):
        hint = f"the graph that begins on line {begins} has no }}: write it where that ends"
    hint += "; what depends on this file is checked when it can be read"
    span = Span(text.name, error.lineno or 0, error.offset or 0)
    message = f"cannot be read: {said[:1].lower()}{said[1:]}"
    return Diagnostic("rdf-syntax", span, message, hint, text.line(span.line))


_STRINGS = re.compile(
    r"(?s:\"{3}(?:\\.|[^\\])*?\"{3})|(?s:'{3}(?:\\.|[^\\])*?'{3})"
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|<[^<>\s]*>|#[^\n]*"
)


def _open_graph(text: str, line: int) -> int:
    """The line on which the last graph before a line begins, if it has not ended there; else 0."""
    bare = _STRINGS.sub(lambda m: re.sub(r"[^\n]", "x", m[0]), text)
    before = "".join(bare.splitlines(keepends=True)[: line - 1])
    begins = before.rfind("{")
    return before.count("\n", 0, begins) + 1 if begins > before.rfind("}") else 0


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
            hint: Hint = copied(character, '"')
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
