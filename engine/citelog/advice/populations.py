"""Advice about whom a rule is for: fewer people may be meant by the statement that it encodes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from citelog.advice.given import Advice, Given
from citelog.advice.reach import Reach
from citelog.knowledge.triples import TYPE
from citelog.rules.program import Rule
from citelog.values import Iri
from citelog.vocab import CL

CODES: Mapping[str, str] = {
    "wider-population": "a rule that holds for more people than the statement that it encodes speaks of",
}

_ANY, _WITH, _WITHOUT = CL + "forAnyOf", CL + "forPopulation", CL + "forPopulationWithout"
_EXAMPLE = CL + "example"
POPULATION = frozenset((_ANY, _WITH, _WITHOUT))
"""The properties that say whom something is for."""

_DIRECTING = frozenset(CL + name for name in ("Advice", "Caution", "Monitoring", "Referral", "RegimenStep"))
"""What a statement says that tells what to do."""

Said = tuple[str, Iri]
"""A property that says whom something is for, and a finding or condition."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A finding that a statement asks for, or one of some; `without` where it must be absent."""

    terms: frozenset[Iri]
    without: bool = False


def wider(given: Given, reach: Reach) -> Iterator[Advice]:
    """Rules that say what to do for the people of a statement, and do not ask whether the patient is one of them."""
    said, directing = _said(given), _directing(given)
    for rule in given.rules:
        if rule.predicate not in given.directing:
            continue
        necessary = reach.necessary(rule)
        concluded = {value.value for value in reach.head(rule) if isinstance(value, Iri)}
        iris = [given.knowledge.statements[id_].iri.value for id_ in rule.cites]
        for_all = any(iri in directing and iri not in said for iri in iris)
        for id_, iri in zip(rule.cites, iris, strict=True):
            about = said.get(iri, {})
            own = {subject: values for subject, values in about.items() if subject in concluded}
            if reach.falls_back(rule, id_) or (for_all and not own):  # where one of them says it of everybody
                continue
            population = given.knowledge.statements[id_].population
            asked = _wanted(own or about, reach.recordable) if about else _in_words(given, population)
            for wanted in asked:
                states = {state for term in wanted.terms for state in reach.asks(necessary, term)}
                names = " or ".join(sorted(given.label(term) for term in wanted.terms))
                whom = f"“{population}”" if population else f"those {'without' if wanted.without else 'with'} {names}"
                other = "present" if wanted.without else "absent"
                if not states:
                    message = f"rule {rule.name} does not ask for {names}, and {id_} speaks of {whom}"
                    yield _advice(given, rule, id_, message, wanted)
                elif own and states - {None} == {Iri(CL + other)}:
                    message = f"rule {rule.name} holds where {names} is recorded as {other}, and {id_} speaks of {whom}"
                    yield _advice(given, rule, id_, message, wanted)


def _said(given: Given) -> dict[str, dict[str, set[Said]]]:
    """Whom each statement says that each of its subjects is for."""
    said: dict[str, dict[str, set[Said]]] = {}
    for (subject, property_, value), graphs in given.triples.graphs.items():
        if property_ in (_ANY, _WITH, _WITHOUT, _EXAMPLE) and isinstance(value, Iri):
            for graph in graphs:
                said.setdefault(graph, {}).setdefault(subject, set()).add((property_, value))
    return said


def _directing(given: Given) -> set[str]:
    """The statements that say what to do."""
    return {
        graph
        for (_, property_, value), graphs in given.triples.graphs.items()
        if property_ == TYPE and str(value) in _DIRECTING
        for graph in graphs
    }


def _wanted(about: Mapping[str, Iterable[Said]], recordable: frozenset[Iri]) -> Iterator[Wanted]:
    """What must be asked for: each finding, or one of several; an example of what is meant will do for it."""
    for _, values in sorted(about.items()):
        examples = frozenset(term for property_, term in values if property_ == _EXAMPLE) & recordable
        for property_, term in sorted(values):
            if property_ in (_WITH, _WITHOUT) and term in recordable:
                yield Wanted(examples | {term}, property_ == _WITHOUT)
        any_of = frozenset(term for property_, term in values if property_ == _ANY)
        if any_of and any_of <= recordable:
            yield Wanted(any_of)


def _in_words(given: Given, population: str) -> Iterator[Wanted]:
    """The findings that the words of a population name, any of them; they say too little to tell more."""
    words = _plain(population)
    names = given.knowledge.terms.names.get("finding", {})
    if named := frozenset(term for name, term in names.items() if _plain(name) in words):
        yield Wanted(named)


def _plain(text: str) -> str:
    """The words of a text, each between blanks."""
    return " ".join(["", *re.findall(r"[^\W_]+", text.casefold()), ""])


def _advice(given: Given, rule: Rule, id_: str, message: str, wanted: Wanted) -> Advice:
    term = given.triples.written(min(wanted.terms).value)
    hint = (
        f"ask for it in the body ({term}, cl:{'absent' if wanted.without else 'present'}),"
        " or cite a statement that speaks of these patients"
    )
    return Advice("wider-population", (rule.name, id_), given.rule(rule), message, hint)
