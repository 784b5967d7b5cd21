"""From a folder to a knowledge base, or to everything that is wrong with it.

Loading verifies what an answer rests on: the bytes of the source, every quote and its place, every
name in every rule. What costs more and can wait (shapes, codes, segments) is in check.py.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citelog.diagnostics import Diagnostic, Span, did_you_mean
from citelog.evidence.sources import Source
from citelog.knowledge.base import Caveat, Conflict, Field, Kind, Knowledge, Statement
from citelog.knowledge.fingerprint import fingerprint
from citelog.rules.check import Names, check
from citelog.rules.program import Absent, Argument, Predicate, Present, Program
from citelog.rules.syntax import parse
from citelog.values import Atom, Iri, Value
from citelog.vocab import CL, Terms, folded, folded_unit

if TYPE_CHECKING:
    from rdflib.term import Node

CODES: Mapping[str, str] = {
    "file-missing": "a file of the knowledge base is not there",
    "not-utf-8": "a file is not UTF-8 text",
    "rdf-syntax": "a Turtle or TriG file cannot be read",
    "source-changed": "the source document is not, byte for byte, the one that was encoded",
    "quote-not-found": "a quote does not stand in the source document",
    "quote-ambiguous": "a quote stands in the document more than once, and nothing says which is meant",
    "offset-wrong": "a statement's offsets or line are not where its quote stands",
    "marker-mismatch": "a statement's markers are not those printed in its sentence",
    "empty-statement": "a statement has a quote but says nothing",
    "incomplete": "something that must be said is not",
    "undefined-property": "a property or class of our own that nothing declares",
    "bad-signature": "a predicate's signature or sentence cannot be read",
    "ambiguous-name": "one name for two terms, or for two predicates",
    "wrong-value": "a value that is not of the kind that its property is declared for",
    "unknown-reference": "a name of a statement, or of a file, that does not exist",
}
"""Every code of this module, with its meaning."""

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
DCTERMS = "http://purl.org/dc/terms/"
PAV = "http://purl.org/pav/"
XSD = "http://www.w3.org/2001/XMLSchema#"
TYPE = RDF + "type"
NAME_KINDS = {
    "Analyte": ("analyte",),
    "Finding": ("finding",),
    "Condition": ("finding",),
    "Drug": ("drug",),
    "Unit": ("unit",),
    "Route": ("route", "choice"),
    "Topic": ("topic",),
    "Choice": ("choice",),
}
RANGES = {
    XSD + "decimal": "number",
    XSD + "integer": "integer",
    XSD + "string": "text",
    XSD + "boolean": "boolean",
    XSD + "date": "date",
}
SIGNATURE = re.compile(r"^(?P<name>[a-z_][a-z0-9_]*)\((?P<args>[^()]*)\)$")
TYPES = ("patient", "record", "term", "text", "number", "integer", "boolean", "date")


@dataclass(frozen=True, slots=True)
class Text:
    """A file of the knowledge base: its name as shown to people, and what is in it."""

    name: str
    text: str

    def written(self, iri: str) -> str | None:
        """A name as this file writes it; None where the file has no prefix for its namespace."""
        local = Iri(iri).local
        namespace = re.escape(iri[: len(iri) - len(local)])
        found = re.search(rf"(?m)^@prefix\s+([\w-]*:)\s+<{namespace}>", self.text)
        return found[1] + local if found else None

    def line_of(self, name: str, words: str = "") -> tuple[int, str]:
        """Where a block about a name starts, or the line in it that holds some words; (0, "") where there is none.

        >>> Text("a.ttl", "ex:iron a ex:Drug ;\\n    ex:dose 1.0 .\\n").line_of("ex:iron", "dose")
        (2, '    ex:dose 1.0 .')
        """
        found = re.search(rf"(?m)^[ \t]*{re.escape(name)}\s+(?!\{{).*$", self.text)
        if not found:
            return 0, ""
        number, shown = self.text.count("\n", 0, found.start()) + 1, found[0]
        block = re.split(r"\n(?:\s*\n|(?=[^\s#]))", self.text[found.start() :], maxsplit=1)[0].split("\n")
        return next(((number + i, line) for i, line in enumerate(block) if words and words in line), (number, shown))


@dataclass(slots=True)
class Triples:
    """All triples of a knowledge base and its ontology, by subject, each with the graphs that it stands in."""

    subjects: dict[str, dict[str, list[Any]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    graphs: dict[tuple[str, str, Any], list[str]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, Text] = field(default_factory=dict)

    def one(self, subject: str, predicate: str) -> Any:
        """The value of a property, or None."""
        values = self.subjects[subject].get(predicate)
        return values[0] if values else None

    def text(self, subject: str, predicate: str) -> str:
        """The value of a property as text; empty where there is none."""
        value = self.one(subject, predicate)
        return "" if value is None else str(value)

    def whole(self, subject: str, predicate: str) -> int:
        """The value of a property as a whole number; 0 where it is none, which `_values` reports."""
        value = self.one(subject, predicate)
        return value if isinstance(value, int) else 0

    def all(self, subject: str, predicate: str) -> list[Any]:
        """Every value of a property, in a fixed order."""
        return sorted(self.subjects[subject].get(predicate, ()), key=str)

    def instances(self, class_: str) -> list[str]:
        """Every subject of a class, in the order of their names."""
        return sorted(
            s for s, properties in self.subjects.items() if any(str(c) == class_ for c in properties.get(TYPE, ()))
        )

    def written(self, iri: str) -> str:
        """A name as the files of the knowledge base write it."""
        return next((name for text in self.files.values() if (name := text.written(iri))), Iri(iri).local)

    def span(self, subject: str, words: str = "") -> tuple[Span, str]:
        """The place where a subject is described, or where some words stand in its description, with that line."""
        for text in self.files.values():
            name = text.written(subject)
            line, shown = text.line_of(name, words) if name else (0, "")
            if line:
                return Span(text.name, line), shown.strip()
        return Span(next(iter(self.files), "?")), ""


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder as read: the knowledge base (None if there are errors), findings, and what check.py goes on with."""

    knowledge: Knowledge | None
    diagnostics: tuple[Diagnostic, ...]
    triples: Triples
    source: Source | None
    program: Program | None


def load(folder: Path, ontology: Path) -> Opened:
    """Read and verify a knowledge base; the findings say all that is wrong, in one run."""
    found: list[Diagnostic] = []
    triples = _triples(folder, ontology, found)
    source = _source(folder, triples, found)
    statements = _statements(triples, source, found)
    known = frozenset(Iri(s).local for s in triples.instances(CL + "Statement"))  # also those with a fault
    predicates = _predicates(triples, found)
    _undeclared(triples, predicates, found)
    _values(triples, found)
    terms = _terms(triples, found)
    files = [
        parse(text.text, text.name)
        for path in sorted(folder.glob("rules/*.rls"))
        if (text := _text(path, folder, found))
    ]
    names = Names(predicates, frozenset(Iri(s) for s in triples.subjects), known)
    program, wrong = check(files, names)
    found += wrong
    conflicts = _conflicts(triples, known, found)
    kinds = _kinds(triples, predicates, found)
    bases = triples.instances(CL + "KnowledgeBase")
    if len(bases) != 1:
        found.append(
            Diagnostic(
                "incomplete",
                Span(folder.name),
                f"{len(bases)} resources are a cl:KnowledgeBase",
                "there is one in about.ttl",
            )
        )
    found = _told_once(triples, found)
    errors = [d for d in found if d.severity == "error"]
    if errors or not bases:
        return Opened(None, tuple(found), triples, source, program)
    base = bases[0]
    document = triples.text(base, CL + "document")
    knowledge = Knowledge(
        id=triples.text(base, DCTERMS + "identifier"),
        version=triples.text(base, PAV + "version"),
        sha256=fingerprint(folder, ontology),
        title=triples.text(base, DCTERMS + "title"),
        review_status=triples.text(document, CL + "reviewStatus"),
        namespace=base[: len(base) - len(Iri(base).local)],
        program=program,
        stated=_stated(triples, program, predicates, set(statements)),
        terms=terms,
        statements=statements,
        conflicts=conflicts,
        kinds=kinds,
        fields=_fields(triples, kinds),
        ranks={
            Iri(s): triples.whole(s, CL + "rank") for s in triples.subjects if triples.one(s, CL + "rank") is not None
        },
        notes=tuple(triples.text(s, CL + "derivedBy") for s in triples.instances(CL + "NoteKind")),
        caveats=_caveats(triples),
    )
    return Opened(knowledge, tuple(found), triples, source, program)


FOLLOWS = frozenset(
    [
        "undefined-predicate",
        "undefined-term",
        "undefined-property",
        "unknown-statement",
        "unknown-reference",
        "incomplete",
    ]
)
"""Findings that a file which cannot be read, or a declaration, brings with it."""


def _told_once(triples: Triples, found: list[Diagnostic]) -> list[Diagnostic]:
    """The findings without those that only follow from another, which would hide it."""
    if any(d.code in ("rdf-syntax", "not-utf-8") and not d.span.file.endswith(".rls") for d in found):
        return [d for d in found if d.code not in FOLLOWS]
    unread = [d for d in found if d.code == "bad-signature"]
    named = {m[0] for d in unread for m in re.finditer(r"\w+(?=\()", d.message + d.text)}
    return [d for d in found if not (d.code == "undefined-predicate" and d.message.rsplit(" ", 1)[-1] in named)]


# files


def _text(path: Path, folder: Path, found: list[Diagnostic]) -> Text | None:
    name = path.relative_to(folder.parent).as_posix() if path.is_relative_to(folder.parent) else path.name
    try:
        return Text(name, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        span = Span(name, before.count(b"\n") + 1, len(before.split(b"\n")[-1].decode("utf-8")) + 1)
        shown = error.object.split(b"\n")[span.line - 1].decode("utf-8", "replace")
        message = "a character is not UTF-8, in which every file of a knowledge base is kept"
        found.append(Diagnostic("not-utf-8", span, message, "save the file as UTF-8 in your editor", shown))
    except OSError as error:
        found.append(Diagnostic("file-missing", Span(name), str(error.strerror), "is the file there, and readable?"))
    return None


def _triples(folder: Path, ontology: Path, found: list[Diagnostic]) -> Triples:
    from rdflib import Dataset, URIRef
    from rdflib.exceptions import ParserError
    from rdflib.plugins.parsers.notation3 import BadSyntax

    triples = Triples()
    for path in [ontology, *sorted(folder.glob("*.ttl")), *sorted(folder.glob("*.trig"))]:
        text = _text(path, folder, found)
        if text is None:
            continue
        triples.files[text.name] = text
        dataset = Dataset()
        try:
            dataset.parse(data=text.text, format="trig" if path.suffix == ".trig" else "turtle")
        except (BadSyntax, ParserError, SyntaxError, ValueError) as error:
            line = getattr(error, "lines", 0) + 1 if isinstance(error, BadSyntax) else 0
            lines = text.text.split("\n")
            message = getattr(error, "_why", "") or str(error).splitlines()[0]
            hint = (
                "each block ends with a full stop, and parts of one with ; or , (often the slip is on the line above);"
                " what depends on this file is checked when it can be read"
            )
            shown = lines[line - 1].strip() if 0 < line <= len(lines) else ""
            found.append(Diagnostic("rdf-syntax", Span(text.name, line), f"cannot be read: {message}", hint, shown))
            continue
        for s, p, o, graph in sorted(dataset.quads(), key=lambda quad: tuple(map(str, quad))):  # rdflib's order varies
            subject, predicate, value = str(s), str(p), _native(o)
            key = (subject, predicate, value)
            if value not in triples.subjects[subject][predicate]:
                triples.subjects[subject][predicate].append(value)
            if isinstance(graph, URIRef) and not str(graph).startswith("urn:x-rdflib"):
                triples.graphs[key].append(str(graph))
            else:
                triples.graphs.setdefault(key, [])
    return triples


def _native(node: Node) -> Value:
    """An RDF node as a value of the language; a decimal keeps the digits that it is written with."""
    from rdflib import Literal

    if not isinstance(node, Literal):
        return Iri(str(node))
    kind = str(node.datatype) if node.datatype else XSD + "string"
    if kind == XSD + "decimal":
        return Decimal(str(node))
    if kind == XSD + "integer":
        return int(str(node))
    if kind == XSD + "boolean":
        return str(node) in ("true", "1")
    if kind == XSD + "date" and not isinstance(node.value, str) and node.value is not None:
        return node.value  # type: ignore[no-any-return]
    return str(node)


def _source(folder: Path, triples: Triples, found: list[Diagnostic]) -> Source | None:
    for document in triples.instances(CL + "SourceDocument"):
        span, shown = triples.span(document)
        file, wanted = triples.text(document, CL + "file"), triples.text(document, CL + "sha256")
        if not file or not wanted:
            found.append(
                Diagnostic("incomplete", span, "the document has no cl:file or no cl:sha256", "say both", shown)
            )
            return None
        path = folder / file
        if not path.resolve().is_relative_to(folder.resolve()):
            found.append(
                Diagnostic(
                    "unknown-reference",
                    span,
                    f"{file} lies outside the knowledge base",
                    "keep the source inside",
                    shown,
                )
            )
            return None
        try:
            source = Source.of(path.name, path.read_bytes())
        except OSError:
            found.append(
                Diagnostic("file-missing", span, f"the source document {file} is not there", "restore it", shown)
            )
            return None
        except UnicodeDecodeError as error:
            found.append(
                Diagnostic(
                    "not-utf-8", Span(file), f"byte {error.start} of the source is not UTF-8", "restore the file"
                )
            )
            return None
        if source.sha256 != wanted:
            found.append(
                Diagnostic(
                    "source-changed",
                    span,
                    f"{file} is not the document that was encoded: its SHA-256 is {source.sha256}",
                    f"restore the file whose SHA-256 is {wanted}, or encode the new edition and pin its hash",
                    shown,
                )
            )
        return source
    found.append(
        Diagnostic("incomplete", Span(folder.name), "no resource is a cl:SourceDocument", "say so in about.ttl")
    )
    return None


def _statements(triples: Triples, source: Source | None, found: list[Diagnostic]) -> dict[str, Statement]:
    statements: dict[str, Statement] = {}
    said = {graph for graphs in triples.graphs.values() for graph in graphs}
    for iri in triples.instances(CL + "Statement"):
        local, quote = Iri(iri).local, triples.text(iri, CL + "quote")

        def report(code: str, message: str, hint: str, words: str = "", iri: str = iri) -> None:
            place, line = triples.span(iri, words)
            found.append(Diagnostic(code, place, message, hint, line))

        if not quote:
            report("incomplete", f"statement {local} has no quote", 'write cl:quote "…" with the words of the document')
        elif source is not None:
            place = _place(triples, iri, local, quote, source, report)
            if place is not None:
                section = triples.text(iri, CL + "section")
                markers = _numbers(triples.text(iri, CL + "markers"))
                printed = source.printed_markers(place + len(quote))
                if markers != printed:
                    hint = (
                        f'write cl:markers "{", ".join(printed)}"'
                        if printed
                        else "remove cl:markers: none is printed there"
                    )
                    given = ", ".join(markers) or "none"
                    report(
                        "marker-mismatch",
                        f"{local} gives the markers {given}; its sentence prints {', '.join(printed) or 'none'}",
                        hint,
                        "cl:markers",
                    )
                statements[local] = Statement(
                    id=local,
                    iri=Iri(iri),
                    kind=triples.text(iri, CL + "kind"),
                    quote=quote,
                    source=source.file,
                    section=_label(triples, section) if section else None,
                    line=source.line(place),
                    start=place,
                    end=place + len(quote),
                    markers=markers,
                    inherited=_numbers(triples.text(iri, CL + "inherited")),
                    modality=triples.text(iri, CL + "modality"),
                    voice=_label(triples, triples.text(iri, CL + "voice")),
                    population=triples.text(iri, CL + "population"),
                )
        if iri not in said:
            report(
                "empty-statement",
                f"statement {local} has a quote, but its graph says nothing",
                f"write what it says between braces: {triples.written(iri)} {{ … }}",
            )
    return statements


def _place(triples: Triples, iri: str, local: str, quote: str, source: Source, report: Any) -> int | None:
    """Where a quote starts; the words decide, and offsets that say otherwise are reported."""
    places = source.places(quote)
    if not places:
        near, line = source.nearest(quote)
        report(
            "quote-not-found",
            f"the quote of statement {local} is not in the document, letter for letter: {quote!r}",
            f"the nearest text is on line {line}: {near!r}",
            "cl:quote",
        )
        return None
    start, line = triples.one(iri, CL + "start"), triples.one(iri, CL + "line")
    if len(places) > 1 and start not in places:
        places = [p for p in places if source.line(p) == line] or places
    if len(places) > 1 and start not in places:
        lines = " and ".join(str(source.line(p)) for p in places)
        report(
            "quote-ambiguous",
            f"the quote of statement {local} stands on lines {lines}",
            "say cl:line, or quote more of it",
            "cl:quote",
        )
        return None
    place = start if isinstance(start, int) and start in places else places[0]
    end = triples.one(iri, CL + "end")
    right = (source.line(place), place, place + len(quote))
    given = (line, start, end)
    if any(g is not None and g != r for g, r in zip(given, right, strict=True)):
        report(
            "offset-wrong",
            f"the quote of statement {local} stands elsewhere than its offsets say",
            f"write cl:line {right[0]} ; cl:start {right[1]} ; cl:end {right[2]}",
            "cl:start",
        )
    return int(place)


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _label(triples: Triples, subject: str) -> str:
    return triples.text(subject, SKOS + "prefLabel") or triples.text(subject, RDFS + "label") or Iri(subject).local


# predicates and terms


def _predicates(triples: Triples, found: list[Diagnostic]) -> dict[str, Predicate]:
    predicates: dict[str, Predicate] = {}
    declared: dict[str, str] = {}
    for class_, layer in ((CL + "PatientPredicate", "patient"), (CL + "DerivedPredicate", "derived")):
        for iri in triples.instances(class_):
            predicate = _signature(triples, iri, layer, found)
            if predicate is not None and predicate.name in predicates:
                span, shown = triples.span(iri, "cl:signature")
                other = triples.written(declared[predicate.name])
                message = f"the predicate {predicate.name} is declared already, by {other}"
                found.append(Diagnostic("ambiguous-name", span, message, "choose another name for it", shown))
            elif predicate is not None:
                predicates[predicate.name] = predicate
                declared[predicate.name] = iri
    for iri in triples.instances(RDF + "Property"):
        arguments = (Argument("subject", "term"), Argument("object", _range(triples, iri)))
        predicates[iri] = Predicate(iri, arguments, "knowledge", triples.text(iri, CL + "sentence"))
    for iri in triples.instances(RDFS + "Class"):
        predicates[iri] = Predicate(
            iri, (Argument("subject", "term"),), "knowledge", triples.text(iri, CL + "sentence")
        )
    return predicates


def _range(triples: Triples, iri: str) -> str:
    """The type of a property's values: a term where nothing is said, a text where it is some other datatype."""
    range_ = triples.text(iri, RDFS + "range")
    return RANGES.get(range_, "text" if range_.startswith(XSD) else "term")


def _signature(triples: Triples, iri: str, layer: str, found: list[Diagnostic]) -> Predicate | None:
    span, shown = triples.span(iri, "cl:signature")
    text = triples.text(iri, CL + "signature")
    match = SIGNATURE.match(text.strip())
    hint = 'write cl:signature "name(patient: patient, value: term)"'
    if match is None:
        found.append(Diagnostic("bad-signature", span, f"the signature {text} cannot be read", hint, shown))
        return None
    arguments = []
    for part in filter(None, (p.strip() for p in match["args"].split(","))):
        name, _, type_ = (p.strip() for p in part.partition(":"))
        if type_ not in TYPES:
            more = did_you_mean(type_, TYPES) or f"types are {', '.join(TYPES)}"
            found.append(Diagnostic("bad-signature", span, f"{part} names no type", more, shown))
            return None
        arguments.append(Argument(name, type_))
    sentence, absence = triples.text(iri, CL + "sentence"), triples.text(iri, CL + "absence")
    known = {a.name for a in arguments}
    for template in (sentence, absence):
        for name in re.findall(r"\{([^{}]*)\}", template):
            if name not in known:
                more = did_you_mean(name, known) or f"it has {', '.join(a.name for a in arguments)}"
                place, line = triples.span(iri, f"{{{name}}}")
                message = f"the sentence names {{{name}}}, which is no argument of {match['name']}"
                found.append(Diagnostic("bad-signature", place, message, more, line))
    return Predicate(match["name"], tuple(arguments), layer, sentence, absence)


def _undeclared(triples: Triples, predicates: Mapping[str, Predicate], found: list[Diagnostic]) -> None:
    """Properties and classes in our own namespaces are declared, so that a misspelt one is not silently empty."""
    own = {CL} | {base[: len(base) - len(Iri(base).local)] for base in triples.instances(CL + "KnowledgeBase")}
    declared = set(predicates) | {RDF + "Property", RDFS + "Class"}
    reported: set[str] = set()
    for subject, properties in list(triples.subjects.items()):
        used = [*properties, *(str(c) for c in properties.get(TYPE, ()))]
        for name in used:
            if name not in declared and name not in reported and any(name.startswith(n) for n in own):
                reported.add(name)
                span, shown = triples.span(subject, Iri(name).local)
                local = {Iri(p).local for p in declared}
                hint = did_you_mean(Iri(name).local, local) or "declare it as an rdf:Property or rdfs:Class"
                found.append(Diagnostic("undefined-property", span, f"nothing declares {Iri(name).local}", hint, shown))


def _values(triples: Triples, found: list[Diagnostic]) -> None:
    """Every value is of the kind that its property is declared for, so that no rule compares a word with a number."""
    kinds = {iri: _range(triples, iri) for iri in triples.instances(RDF + "Property")}
    for subject, properties in list(triples.subjects.items()):
        for name in sorted(set(properties) & set(kinds)):
            wanted = kinds[name]
            for value in properties[name]:
                given = _kind(value)
                if given != wanted and not (wanted == "number" and given == "integer"):
                    span, shown = triples.span(subject, Iri(name).local)
                    message = f"{Iri(name).local} asks for {_WANTED[wanted]}, and {str(value)[:60]} is none"
                    found.append(Diagnostic("wrong-value", span, message, f"write {_EXAMPLES[wanted]}", shown))


_WANTED = {
    "number": "a number",
    "integer": "a whole number",
    "text": "a text",
    "boolean": "true or false",
    "date": "a date",
    "term": "a term",
}
_EXAMPLES = {
    "number": "it with a point and without quotation marks or an exponent, as 100.0",
    "integer": "it without a point or quotation marks, as 3",
    "text": "it between quotation marks",
    "boolean": "true or false, without quotation marks",
    "date": 'it as "2026-03-01"^^xsd:date',
    "term": "it with its prefix and without quotation marks",
}


def _kind(value: Value) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case Decimal():
            return "number"
        case str():
            return "text"
        case Iri():
            return "term"
        case _:
            return "date"


def _terms(triples: Triples, found: list[Diagnostic]) -> Terms:
    names: dict[str, dict[str, Iri]] = defaultdict(dict)
    labels: dict[Iri, str] = {}
    for subject, properties in list(triples.subjects.items()):
        term = Iri(subject)
        if SKOS + "prefLabel" in properties or RDFS + "label" in properties:
            labels[term] = _label(triples, subject)
        for class_ in properties.get(TYPE, ()):
            local = str(class_).removeprefix(CL)
            for kind in NAME_KINDS.get(local, ()):
                fold = folded_unit if kind == "unit" else folded
                for key in ("prefLabel", "altLabel", "notation"):
                    for name in properties.get(SKOS + key, ()):
                        _name(triples, names[kind], fold(str(name)), term, found)
                for name in properties.get(CL + "ucum", ()):
                    _name(triples, names[kind], fold(str(name)), term, found)
    return Terms({kind: dict(sorted(known.items())) for kind, known in names.items()}, labels)


def _name(triples: Triples, known: dict[str, Iri], name: str, term: Iri, found: list[Diagnostic]) -> None:
    other = known.setdefault(name, term)
    if other != term:
        span, shown = triples.span(term.value, name)
        message = f'the name "{name}" means both {other.local} and {term.local}'
        found.append(Diagnostic("ambiguous-name", span, message, "give it to one of them", shown))


# what the rules read, and what conclusions are made of


def _stated(
    triples: Triples, program: Program, predicates: Mapping[str, Predicate], statements: set[str]
) -> dict[Atom, tuple[str, ...]]:
    read = {x.predicate for rule in program.rules for x in rule.body if isinstance(x, Present | Absent)}
    stated: dict[Atom, tuple[str, ...]] = {}
    for (subject, predicate, value), graphs in sorted(triples.graphs.items(), key=lambda item: str(item[0])):
        name = str(value) if predicate == TYPE else predicate
        declared = predicates.get(name)
        if name not in read or declared is None or declared.layer != "knowledge":
            continue
        args: tuple[Value, ...] = (Iri(subject),) if predicate == TYPE else (Iri(subject), _typed(value, declared))
        by = tuple(sorted({Iri(g).local for g in graphs} & statements))
        stated[Atom(name, args)] = by
    return stated


def _typed(value: Value, predicate: Predicate) -> Value:
    if predicate.arguments[1].type == "number" and isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    return value


def _conflicts(triples: Triples, statements: frozenset[str], found: list[Diagnostic]) -> dict[str, Conflict]:
    conflicts = {}
    for iri in triples.instances(CL + "Conflict"):
        sides = []
        for side in ("sideA", "sideB"):
            ids = tuple(triples.text(iri, CL + side).split())
            for id_ in ids:
                if id_ not in statements:
                    hint = did_you_mean(id_, statements) or "is the statement in statements.trig?"
                    message = f"conflict {Iri(iri).local} names {id_}, which is no statement"
                    span, shown = triples.span(iri, f"cl:{side}")
                    found.append(Diagnostic("unknown-reference", span, message, hint, shown))
            sides.append(ids)
        conflicts[Iri(iri).local] = Conflict(
            Iri(iri).local,
            triples.text(iri, DCTERMS + "title"),
            (sides[0], sides[1]),
            triples.text(iri, CL + "conflictType"),
            triples.text(iri, CL + "level"),
            triples.text(iri, RDFS + "comment"),
        )
    return conflicts


def _kinds(triples: Triples, predicates: Mapping[str, Predicate], found: list[Diagnostic]) -> tuple[Kind, ...]:
    kinds = []
    for iri in [*triples.instances(CL + "ConclusionKind"), *triples.instances(CL + "NoteKind")]:
        for key in ("derivedBy", "candidates"):
            predicate = triples.text(iri, CL + key)
            if predicate not in predicates and (predicate or key == "derivedBy"):
                span, shown = triples.span(iri, f"cl:{key}")
                hint = did_you_mean(predicate, predicates) or "declare the predicate"
                found.append(Diagnostic("undefined-predicate", span, f"there is no predicate {predicate}", hint, shown))
    for iri in triples.instances(CL + "ConclusionKind"):
        predicate = triples.text(iri, CL + "derivedBy")
        kinds.append(
            Kind(
                name=triples.text(iri, SKOS + "notation"),
                predicate=predicate,
                order=triples.whole(iri, CL + "order"),
                exactly_one=triples.one(iri, CL + "exactlyOne") is True,
                value_as_label=triples.one(iri, CL + "valueAsLabel") is True,
                sided=triples.one(iri, CL + "sided") is True,
                candidates=triples.text(iri, CL + "candidates"),
                fields=tuple(triples.text(iri, CL + "fields").split()),
            )
        )
    return tuple(sorted(kinds, key=lambda k: k.order))


def _fields(triples: Triples, kinds: Iterable[Kind]) -> dict[Iri, dict[str, Field]]:
    wanted = sorted({name for kind in kinds for name in kind.fields})
    fields: dict[Iri, dict[str, Field]] = {}
    for subject in sorted(triples.subjects):
        for name in wanted:
            node = triples.one(subject, CL + name)
            if node is None or triples.one(str(node), CL + "text") is None:
                continue
            single, low, high = (triples.one(str(node), CL + key) for key in ("value", "low", "high"))
            value = (str(low), str(high)) if low is not None else None if single is None else str(single)
            inherited = triples.one(str(node), CL + "inheritedFrom")
            fields.setdefault(Iri(subject), {})[name] = Field(
                triples.text(str(node), CL + "text"),
                value,
                triples.text(str(node), CL + "unit") or None,
                inherited.local if isinstance(inherited, Iri) else None,
            )
    return fields


def _caveats(triples: Triples) -> tuple[Caveat, ...]:
    ordered = sorted(triples.instances(CL + "Caveat"), key=lambda s: triples.whole(s, CL + "order"))
    return tuple(
        Caveat(triples.text(s, CL + "text"), tuple(c.local for c in triples.all(s, CL + "cites") if isinstance(c, Iri)))
        for s in ordered
    )
