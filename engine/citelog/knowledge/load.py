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
    "ambiguous-name": "one name for two terms",
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

    def line_of(self, local: str) -> tuple[int, str]:
        """Where a block about a name starts, with that line; (0, "") where it is not found."""
        found = re.search(rf"(?m)^[\w-]*:{re.escape(local)}\s+(?!\{{).*$", self.text)
        return (self.text.count("\n", 0, found.start()) + 1, found[0]) if found else (0, "")


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

    def all(self, subject: str, predicate: str) -> list[Any]:
        """Every value of a property, in a fixed order."""
        return sorted(self.subjects[subject].get(predicate, ()), key=str)

    def instances(self, class_: str) -> list[str]:
        """Every subject of a class, in the order of their names."""
        return sorted(
            s for s, properties in self.subjects.items() if any(str(c) == class_ for c in properties.get(TYPE, ()))
        )

    def span(self, subject: str) -> tuple[Span, str]:
        """The place where a subject is described, with its line."""
        local = Iri(subject).local
        for text in self.files.values():
            line, shown = text.line_of(local)
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
            Iri(s): int(triples.text(s, CL + "rank"))
            for s in triples.subjects
            if triples.one(s, CL + "rank") is not None
        },
        notes=tuple(triples.text(s, CL + "derivedBy") for s in triples.instances(CL + "NoteKind")),
        caveats=_caveats(triples),
    )
    return Opened(knowledge, tuple(found), triples, source, program)


# files


def _text(path: Path, folder: Path, found: list[Diagnostic]) -> Text | None:
    name = path.relative_to(folder.parent).as_posix() if path.is_relative_to(folder.parent) else path.name
    try:
        return Text(name, path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        found.append(Diagnostic("not-utf-8", Span(name), f"byte {error.start} is not UTF-8", "save the file as UTF-8"))
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
            lines = text.text.splitlines()
            message = getattr(error, "message", "") or str(error).splitlines()[0]
            hint = "each block ends with a full stop, and parts of one with ; or ,"
            shown = lines[line - 1].strip() if 0 < line <= len(lines) else ""
            found.append(Diagnostic("rdf-syntax", Span(text.name, line), f"cannot be read: {message}", hint, shown))
            continue
        for s, p, o, graph in dataset.quads():
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
        span, shown = triples.span(iri)
        local, quote = Iri(iri).local, triples.text(iri, CL + "quote")

        def report(code: str, message: str, hint: str, span: Span = span, shown: str = shown) -> None:
            found.append(Diagnostic(code, span, message, hint, shown))

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
                        f"statement {local} gives the markers {given}; printed are {', '.join(printed) or 'none'}",
                        hint,
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
                "empty-statement", f"statement {local} has a quote but its graph says nothing", f"write {local} {{ … }}"
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
        )
    return int(place)


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _label(triples: Triples, subject: str) -> str:
    return triples.text(subject, SKOS + "prefLabel") or triples.text(subject, RDFS + "label") or Iri(subject).local


# predicates and terms


def _predicates(triples: Triples, found: list[Diagnostic]) -> dict[str, Predicate]:
    predicates: dict[str, Predicate] = {}
    for class_, layer in ((CL + "PatientPredicate", "patient"), (CL + "DerivedPredicate", "derived")):
        for iri in triples.instances(class_):
            predicate = _signature(triples, iri, layer, found)
            if predicate is not None:
                predicates[predicate.name] = predicate
    for iri in triples.instances(RDF + "Property"):
        range_ = RANGES.get(triples.text(iri, RDFS + "range"), "term")
        arguments = (Argument("subject", "term"), Argument("object", range_))
        predicates[iri] = Predicate(iri, arguments, "knowledge", triples.text(iri, CL + "sentence"))
    for iri in triples.instances(RDFS + "Class"):
        predicates[iri] = Predicate(
            iri, (Argument("subject", "term"),), "knowledge", triples.text(iri, CL + "sentence")
        )
    return predicates


def _signature(triples: Triples, iri: str, layer: str, found: list[Diagnostic]) -> Predicate | None:
    span, shown = triples.span(iri)
    text = triples.text(iri, CL + "signature")
    match = SIGNATURE.match(text.strip())
    hint = 'write cl:signature "name(patient: patient, value: term)"'
    if match is None:
        found.append(Diagnostic("bad-signature", span, f"the signature {text!r} cannot be read", hint, shown))
        return None
    arguments = []
    for part in filter(None, (p.strip() for p in match["args"].split(","))):
        name, _, type_ = (p.strip() for p in part.partition(":"))
        if type_ not in TYPES:
            more = did_you_mean(type_, TYPES) or f"types are {', '.join(TYPES)}"
            found.append(Diagnostic("bad-signature", span, f"{part!r} has no known type", more, shown))
            return None
        arguments.append(Argument(name, type_))
    sentence, absence = triples.text(iri, CL + "sentence"), triples.text(iri, CL + "absence")
    known = {a.name for a in arguments}
    for template in (sentence, absence):
        for name in re.findall(r"\{([^{}]*)\}", template):
            if name not in known:
                more = did_you_mean(name, known) or f"it has {', '.join(sorted(known))}"
                found.append(Diagnostic("bad-signature", span, f"the sentence names {{{name}}}", more, shown))
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
                span, shown = triples.span(subject)
                local = {Iri(p).local for p in declared}
                hint = did_you_mean(Iri(name).local, local) or "declare it as an rdf:Property or rdfs:Class"
                found.append(Diagnostic("undefined-property", span, f"nothing declares {Iri(name).local}", hint, shown))


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
        span, shown = triples.span(term.value)
        message = f"the name {name!r} means both {other.local} and {term.local}"
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
        span, shown = triples.span(iri)
        sides = []
        for side in ("sideA", "sideB"):
            ids = tuple(triples.text(iri, CL + side).split())
            for id_ in ids:
                if id_ not in statements:
                    hint = did_you_mean(id_, statements) or "is the statement in statements.trig?"
                    message = f"conflict {Iri(iri).local} names {id_}, which is no statement"
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
    for iri in triples.instances(CL + "ConclusionKind"):
        predicate = triples.text(iri, CL + "derivedBy")
        if predicate not in predicates:
            span, shown = triples.span(iri)
            hint = did_you_mean(predicate, predicates) or "declare the predicate"
            found.append(Diagnostic("undefined-predicate", span, f"there is no predicate {predicate}", hint, shown))
        kinds.append(
            Kind(
                name=triples.text(iri, SKOS + "notation"),
                predicate=predicate,
                order=int(triples.text(iri, CL + "order") or 0),
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
    ordered = sorted(triples.instances(CL + "Caveat"), key=lambda s: int(triples.text(s, CL + "order") or 0))
    return tuple(
        Caveat(triples.text(s, CL + "text"), tuple(c.local for c in triples.all(s, CL + "cites") if isinstance(c, Iri)))
        for s in ordered
    )
