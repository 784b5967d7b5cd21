"""Figures about what the encoder adds: triples, facts that rules read, conventions, gaps in a record as reasons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from citelog.advice.populations import POPULATION
from citelog.audit.measure import Measure
from citelog.audit.model import Item
from citelog.audit.subject import Subject, Triple
from citelog.knowledge.triples import TYPE
from citelog.rules.program import Absent, Rule
from citelog.values import Atom, Iri


def _added(subject: Subject) -> Iterator[Item]:
    """Triples in a graph that is no statement's, and of which it is said whose it is."""
    for one in subject.own:
        if one.graph and one.graph not in subject.said and (who := subject.vouches(one.graph)):
            yield subject.item(one, _by(one, who, subject))


def _by(one: Triple, who: str, subject: Subject) -> str:
    where = f"in {subject.triples.written(one.graph)}, " if one.graph else ""
    return f"{where}by {who}" if who else f"{where}nobody says by whom"


def _facts(subject: Subject) -> Iterator[tuple[Atom, Triple | None]]:
    """The facts that rules read and no statement states, each with its triple; None where the engine brings it."""
    triples = {(one.subject, one.predicate, one.value): one for one in subject.own}
    for atom, by in subject.usable.stated.items():
        if not by:
            first = atom.args[0]
            assert isinstance(first, Iri)
            typed = len(atom.args) == 1
            key = (first.value, TYPE, Iri(atom.predicate)) if typed else (first.value, atom.predicate, atom.args[1])
            yield atom, triples.get(key)


def _unstated(subject: Subject) -> Iterator[Item]:
    for _, one in _facts(subject):
        if one is not None:
            who = subject.vouches(one.graph)
            yield subject.item(one, _by(one, who, subject))


def _nobodys(subject: Subject) -> Iterator[Item]:
    for _, one in _facts(subject):
        if one is not None and not subject.vouches(one.graph):
            yield subject.item(one)


def _for_whom(subject: Subject) -> list[Triple]:
    return [one for one in subject.own if one.predicate in POPULATION]


def _added_people(subject: Subject) -> Iterator[Item]:
    for one in _for_whom(subject):
        if one.graph not in subject.said:
            who = subject.vouches(one.graph)
            yield subject.item(one, _by(one, who, subject))


def _rules(subject: Subject) -> tuple[Rule, ...]:
    return subject.usable.program.rules


def _conventions(subject: Subject) -> Iterator[Item]:
    for rule in _rules(subject):
        if rule.convention:
            yield Item(rule.name, rule.display or rule.doc, rule.span, rule.convention)


def _gaps(subject: Subject) -> Iterator[Item]:
    for rule in _rules(subject):
        gaps = [part.predicate for part in rule.body if isinstance(part, Absent) and part.assumed]
        if gaps:
            told = (subject.usable.program.predicates[gap] for gap in dict.fromkeys(gaps))
            said = " and ".join(f"“{_loosely(one.absence) or f'no {Iri(one.name).local}'}”" for one in told)
            yield Item(rule.name, f"rests on {said}, and the answer says so", rule.span)


def _loosely(absence: str) -> str:
    """How an absence reads where nothing is known of its places."""
    return re.sub(r"{[^{}]*}", "…", re.sub(r"\[[^][]*\]", "", absence))


_measure = partial(Measure, topic="encoder", weight="disclosed", needs_rules=True)

MEASURES = (
    _measure(
        "encoder-triple",
        title="triples in a graph of the encoder's",
        meaning="What the document does not say and the encoder adds, in a graph that says by whom.",
        of_what="triples in graphs",
        among=lambda subject: [one for one in subject.own if one.graph],
        counted=_added,
        needs_rules=False,
    ),
    _measure(
        "encoder-fact",
        title="facts that rules read and no statement states",
        meaning="Groups of terms, units, ranks and readings that rules rest on: the encoder's, not the document's.",
        of_what="facts that rules read",
        among=lambda subject: subject.usable.stated,
        counted=_unstated,
    ),
    _measure(
        "encoder-unnamed",
        weight="open",
        title="facts that rules read and nobody vouches for",
        meaning="No statement states the fact, and neither its graph nor the knowledge base says whose it is.",
        of_what="facts that rules read",
        among=lambda subject: subject.usable.stated,
        counted=_nobodys,
    ),
    _measure(
        "encoder-population",
        title="people that the encoder adds to what a statement says",
        meaning="For whom a step or an advice is meant is said in the encoder's graph, beside the statement.",
        of_what="triples that say for whom",
        among=_for_whom,
        counted=_added_people,
        needs_rules=False,
    ),
    _measure(
        "rule-convention",
        title="rules by convention",
        meaning="A rule that encodes no statement, for a reason that is the encoder's; most only read the record.",
        of_what="rules",
        among=_rules,
        counted=_conventions,
    ),
    _measure(
        "rule-assumes",
        title="rules that conclude from a gap in the record",
        meaning="Something not being recorded is taken for a reason; each such gap is named with the conclusion.",
        of_what="rules",
        among=_rules,
        counted=_gaps,
    ),
)
