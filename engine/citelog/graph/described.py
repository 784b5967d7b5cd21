"""What the files of a knowledge base and the proofs of a case leave to be said: rules, markers, sides, entries, notes.

Files and proofs are in the dataset as they are; here stand the links between them, so that a query follows a path
where it would otherwise have to take texts apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from citelog.answer import Answer
from citelog.knowledge.base import Knowledge, Statement, state_of
from citelog.knowledge.triples import DCTERMS, RDF, RDFS, TYPE, XSD
from citelog.patient.case import Entry
from citelog.render import prov
from citelog.rules.program import Absent, Constant, Literal, Present, Rule
from citelog.values import Iri, Value, show, type_of
from citelog.vocab import CL

if TYPE_CHECKING:
    from pyoxigraph import Quad

PROV = prov.PREFIXES["prov"]
DATATYPES = {"integer": "integer", "number": "decimal", "boolean": "boolean", "date": "date"}


def knowledge(known: Knowledge, quads: Iterable[Quad]) -> Iterator[Quad]:
    """What is derived of a knowledge base: its rules, how far rules and statements have been reviewed, markers, sides.

    `quads` are those of its files, which give names to its predicates, its markers and its document.
    """
    predicates: dict[str, str] = {}
    markers: dict[str, str] = {}
    for subject, property_, value in map(_texts, quads):
        match property_.removeprefix(CL):
            case "signature":
                predicates[value.partition("(")[0].strip()] = subject
            case "number":
                markers[value] = subject
            case "document":
                yield from _same(subject, value, known)
    for rule in known.program.rules:
        yield from _rule(rule, known, predicates)
    for thing in (
        *(known.rule(rule.name) for rule in known.program.rules),
        *(s.iri for s in known.statements.values()),
    ):
        yield _quad(thing.value, CL + "reviewState", Iri(CL + state_of(known.reviews.get(thing, ()))))
    for statement in known.statements.values():
        yield from _markers(statement, markers)
    for conflict in known.conflicts.values():
        for name, side in zip(("statementA", "statementB"), conflict.sides, strict=True):
            for statement_id in side:
                yield _quad(known.namespace + conflict.id, CL + name, known.statements[statement_id].iri)


def _texts(quad: Quad) -> tuple[str, str, str]:
    """The IRIs of a quad and the text of its value."""
    from pyoxigraph import Triple

    subject, value = ("" if isinstance(term, Triple) else term.value for term in (quad.subject, quad.object))
    return subject, quad.predicate.value, value


def _same(base: str, document: str, known: Knowledge) -> Iterator[Quad]:
    """That what assessments name by its bytes is what the knowledge base names: the base, and the document's text."""
    source = f"{known.namespace}source/{quote(known.source.file, safe='')}"
    yield _quad(f"urn:citelog:knowledge:{known.sha256}", PROV + "specializationOf", Iri(base))
    yield _quad(source, PROV + "specializationOf", Iri(document))
    yield _quad(source, CL + "text", known.source.text)


def _rule(rule: Rule, known: Knowledge, predicates: dict[str, str]) -> Iterator[Quad]:
    iri = known.rule(rule.name).value
    for class_ in (CL + "Rule", PROV + "Plan", PROV + "Entity"):
        yield _quad(iri, TYPE, Iri(class_))
    yield _quad(iri, DCTERMS + "identifier", rule.name)
    yield _quad(iri, CL + "file", rule.span.file)
    yield _quad(iri, CL + "line", rule.span.line)
    yield _quad(iri, CL + "ruleText", rule.text)
    for name, text in ((RDFS + "comment", rule.doc), (CL + "convention", rule.convention)):
        if text:
            yield _quad(iri, name, text)
    for statement in rule.cites:
        cited = known.statements[statement].iri
        yield _quad(iri, CL + "cites", cited)
        yield _quad(iri, PROV + "wasDerivedFrom", cited)
    yield _quad(iri, CL + "writes", Iri(predicates.get(rule.predicate, rule.predicate)))
    said: set[tuple[str, str]] = set()
    for literal in rule.body:
        said |= {(name, value) for name, value in _read(literal, predicates)}
    for name, value in sorted(said):
        yield _quad(iri, CL + name, Iri(value))


def _read(literal: Literal, predicates: dict[str, str]) -> Iterator[tuple[str, str]]:
    """What a literal of a body reads: its predicate, the terms that it names, and what it finds absent."""
    if isinstance(literal, Present | Absent):
        predicate = predicates.get(literal.predicate, literal.predicate)
        yield "reads", predicate
        if isinstance(literal, Absent):
            yield "assumes" if literal.assumed else "unless", predicate
        for argument in literal.args:
            if isinstance(argument, Constant) and isinstance(argument.value, Iri):
                yield "names", argument.value.value


def _markers(statement: Statement, markers: dict[str, str]) -> Iterator[Quad]:
    for name, numbers in (("marker", statement.markers), ("inheritedMarker", statement.inherited)):
        for number in numbers:
            if number in markers:
                yield _quad(statement.iri.value, CL + name, Iri(markers[number]))


def answer(found: Answer) -> Iterator[Quad]:
    """What is said of a case beside its proofs: whose its conclusions are, the rules that fired, entries and notes."""
    case, assessment = f"urn:citelog:case:{found.case.sha256}", prov.assessment_iri(found)
    for conclusion in found.conclusions:
        proof = found.why(conclusion.id)
        iri = prov.step_iri(found, proof.node(proof.root))
        yield _quad(iri, CL + "forCase", Iri(case))
        yield _quad(iri, RDF + "value", conclusion.atom.args[1])
    for entry in found.case.entries:
        yield from _entry(entry, f"{case}#{entry.id}")
    for number in sorted(
        {number for facts in found.run.facts.values() for held in facts.values() for number, _ in held}
    ):
        yield _quad(assessment, CL + "fired", found.knowledge.rule(found.knowledge.program.rules[number].name))
    places = {entry.read_from: f"{case}#{entry.id}" for entry in found.case.entries}
    for place, note in enumerate(found.notes, 1):
        iri = f"{assessment}#note-{place}"
        yield _quad(assessment, CL + "note", Iri(iri))
        yield _quad(iri, TYPE, Iri(CL + "Note"))
        yield _quad(iri, CL + "text", note.text)
        yield _quad(iri, CL + "readFrom", note.read_from)
        if note.read_from in places:
            yield _quad(iri, PROV + "wasDerivedFrom", Iri(places[note.read_from]))


def _entry(entry: Entry, iri: str) -> Iterator[Quad]:
    """What an entry holds, key by key, as recorded; and the term that its name means."""
    yield _quad(iri, CL + "list", entry.list)
    if entry.term is not None:
        yield _quad(iri, DCTERMS + "subject", entry.term)
    for key, value in sorted(entry.keys.items()):
        own = f"{iri}.{quote(key, safe='')}"
        yield _quad(iri, CL + "key", Iri(own))
        yield _quad(own, TYPE, Iri(CL + "Key"))
        yield _quad(own, CL + "name", key)
        yield _quad(own, RDF + "value", value if isinstance(value, bool) else str(value))


def _quad(subject: str, predicate: str, value: Value) -> Quad:
    """A triple of the default graph; a value of the language is a term, or a literal of its datatype."""
    from pyoxigraph import Literal, NamedNode, Quad

    if isinstance(value, Iri):
        return Quad(NamedNode(subject), NamedNode(predicate), NamedNode(value.value))
    if isinstance(value, str):
        return Quad(NamedNode(subject), NamedNode(predicate), Literal(value))
    datatype = NamedNode(XSD + DATATYPES[type_of(value)])
    return Quad(NamedNode(subject), NamedNode(predicate), Literal(show(value), datatype=datatype))
