"""Advice about numbers: two statements that give different ones for one thing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from citelog.advice.given import Advice, Given
from citelog.advice.reach import Reach
from citelog.advice.units import plain_unit, told
from citelog.knowledge.triples import TYPE
from citelog.knowledge.vocabulary import NAME_KINDS
from citelog.values import Iri
from citelog.vocab import CL

CODES: Mapping[str, str] = {
    "numbers-differ": "two statements that give different numbers for one thing, and no conflict that says so",
}

NUMBERS = frozenset(CL + name for name in ("value", "low", "high"))
"""The numbers of a field, such as a dose."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A number or a range that a statement gives: of what, as which property, in which unit, and where it stands.

    `about` is what else is said of that, and decides whether two things are one.
    """

    statement: str
    subject: str
    property: str
    values: tuple[Decimal, ...]
    unit: str
    node: str
    about: frozenset[tuple[str, str]]


def differ(given: Given, _: Reach) -> Iterator[Advice]:
    """Numbers of two statements for one thing, of which no conflict says that they disagree.

    One thing is one resource; or two of one class where all is said of the one that is said of the other, so that a
    statement for everybody gives another number than one for some. Steps that follow each other are different things.
    """
    declared = {
        frozenset(pair)
        for conflict in given.knowledge.conflicts.values()
        for pair in combinations({id_ for side in conflict.sides for id_ in side}, 2)
    }
    groups: dict[tuple[str, str], list[Figure]] = defaultdict(list)
    for figure in _figures(given):
        groups[figure.property, plain_unit(figure.unit)].append(figure)
    for (property_, _unit), figures in sorted(groups.items()):
        for one, other in _pairs(figures):
            if one.values == other.values or frozenset((one.statement, other.statement)) in declared:
                continue
            if one.subject != other.subject and _in_sequence(given, one.subject, other.subject):
                continue
            both = " and ".join(f"{f.statement} gives {_shown(given, f)}" for f in (one, other))
            subjects = dict.fromkeys(Iri(f.subject).local for f in (one, other))
            message = f"{both} ({Iri(property_).local} of {' and '.join(subjects)}), and no conflict says so"
            hint = "correct one of them, or declare in conflicts.ttl that the document disagrees (a cl:Conflict)"
            place = given.said(other.statement, other.node, other.values[0])
            yield Advice("numbers-differ", (one.statement, other.statement), place, message, hint)


def _shown(given: Given, figure: Figure) -> str:
    """A number in the document's words, where the encoding keeps them."""
    text = given.triples.text(figure.node, CL + "text")
    return f"“{text}”" if text else told(figure.values, figure.unit)


def _figures(given: Given) -> Iterator[Figure]:
    """Every number that a statement gives, also by way of a field such as a dose."""
    triples = given.triples
    statements = {s.iri.value: s.id for s in given.knowledge.statements.values()}
    owners = {
        str(value): (subject, property_)
        for (subject, property_, value) in triples.graphs
        if isinstance(value, Iri) and NUMBERS & triples.subjects.get(value.value, {}).keys()
    }
    found: dict[tuple[str, str, str], list[Decimal]] = defaultdict(list)
    for (node, property_, value), graphs in triples.graphs.items():
        if isinstance(value, Decimal | int) and not isinstance(value, bool):
            for graph in graphs:
                if graph in statements:
                    named = owners[node][1] if node in owners and property_ in NUMBERS else property_
                    found[statements[graph], node, named].append(Decimal(value))
    abouts: dict[str, frozenset[tuple[str, str]]] = {}
    for (statement, node, property_), values in found.items():
        subject = owners[node][0] if node in owners and owners[node][1] == property_ else node
        if subject not in abouts:
            abouts[subject] = _about(given, subject)
        unit = triples.text(node, CL + "unit")
        yield Figure(statement, subject, property_, tuple(sorted(values)), unit, node, abouts[subject])


def _about(given: Given, subject: str) -> frozenset[tuple[str, str]]:
    """What is said of a thing with terms, also by way of its fields; nothing where it has no class.

    Nothing either of what records call by a name, such as an analyte: two of them are two things, however alike.
    """
    triples, said = given.triples, set()
    if any(subject in triples.classes.get(CL + kind, ()) for kind in NAME_KINDS):
        return frozenset()
    for property_, values in triples.subjects.get(subject, {}).items():
        for value in values:
            if isinstance(value, Iri) and property_ != CL + "follows" and property_ != CL + "printedAlongside":
                node = triples.subjects.get(value.value, {})
                meant = node.get(CL + "means", []) if CL + "text" in node else [value]  # a field, or a term
                said |= {(property_, str(one)) for one in meant}
    return frozenset(said) if any(property_ == TYPE for property_, _ in said) and len(said) > 1 else frozenset()


def _pairs(figures: list[Figure]) -> Iterator[tuple[Figure, Figure]]:
    """Figures of different statements for one thing, each pair once."""
    by_subject: dict[str, list[int]] = defaultdict(list)
    by_about: dict[frozenset[tuple[str, str]], list[int]] = defaultdict(list)
    for i, figure in enumerate(figures):
        by_subject[figure.subject].append(i)
        if figure.about:
            by_about[figure.about].append(i)
    met = {pair for group in (*by_subject.values(), *by_about.values()) for pair in combinations(group, 2)}
    having: dict[tuple[str, str], list[frozenset[tuple[str, str]]]] = defaultdict(list)
    for about in by_about:
        for one in about:
            having[one].append(about)
    for wide in by_about:
        for narrow in min((having[one] for one in wide), key=len):  # what says all of it says this, too
            if wide < narrow:
                met |= {(min(i, j), max(i, j)) for i in by_about[wide] for j in by_about[narrow]}
    for i, j in sorted(met):
        if figures[i].statement != figures[j].statement:
            yield figures[i], figures[j]


def _in_sequence(given: Given, one: str, other: str) -> bool:
    """Whether one step comes after the other, at once or later."""
    follows = given.knowledge.follows
    for start, goal in ((Iri(one), Iri(other)), (Iri(other), Iri(one))):
        met: set[Iri] = set()
        at: Iri | None = start
        while at is not None and at not in met:
            met.add(at)
            at = follows.get(at)
        if goal in met:
            return True
    return False
