"""Figures about what the document itself rests on, leaves open, or says in two ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from citelog.audit.measure import Measure
from citelog.audit.model import Item
from citelog.audit.subject import Subject, Triple
from citelog.diagnostics import Span
from citelog.evidence.sources import on_one_line
from citelog.explain.catalogue import Goal, catalogue
from citelog.values import Iri
from citelog.vocab import CL


def _markers(subject: Subject, *counts: int) -> Iterator[Item]:
    """The statements whose sentence prints as many markers."""
    for one in subject.verified.values():
        if len(one.markers) in counts:
            printed = f"[{', '.join(one.markers)}] " if one.markers else ""
            yield Item(one.id, f"{printed}“{on_one_line(one.quote)}”", subject.place(one.iri.value, "cl:markers"))


def _inherited(subject: Subject) -> Iterator[Item]:
    for one in subject.verified.values():
        if one.inherited:
            text = f"[{', '.join(one.inherited)}] taken over, not printed in its sentence: “{on_one_line(one.quote)}”"
            yield Item(one.id, text, subject.place(one.iri.value, "cl:inherited"))


def _numbers(subject: Subject) -> list[str]:
    """Every citation number that a statement prints or takes over."""
    numbers = {number for one in subject.verified.values() for number in (*one.markers, *one.inherited)}
    return sorted(numbers, key=lambda number: (len(number), number))


def _unresolved(subject: Subject) -> Iterator[Item]:
    triples, said = subject.triples, subject.verified.values()
    declared = {triples.text(iri, CL + "number"): iri for iri in triples.instances(CL + "Marker")}
    for number in _numbers(subject):
        printed = [one.id for one in said if number in one.markers]
        taken = [one.id for one in said if number in one.inherited]
        places = [f"printed in {' '.join(printed)}"] if printed else []
        places += [f"taken over in {' '.join(taken)}"] if taken else []
        if (marker := declared.get(number)) is None:
            told, place = "no marker of that number is declared", subject.verified[(printed or taken)[0]].iri.value
        else:
            told, place = "the work that it stands for cannot be looked up", marker
            reference = triples.one(marker, CL + "denotes")
            if reference is not None and triples.one(str(reference), CL + "resolution") == Iri(CL + "resolved"):
                continue
        yield Item(f"[{number}]", f"{told}; {', '.join(places)}", subject.place(place))


def _steps(subject: Subject) -> list[Goal]:
    """The conclusions of kinds that have fields, such as the dose of a step."""
    return [goal for goal in catalogue(subject.usable).values() if goal.kind.fields and isinstance(goal.value, Iri)]


def _fields(subject: Subject) -> list[tuple[Goal, str]]:
    return [(goal, name) for goal in _steps(subject) for name in goal.kind.fields]


def _not_stated(subject: Subject) -> Iterator[Item]:
    for goal, name in _fields(subject):
        assert isinstance(goal.value, Iri)
        if name not in subject.usable.fields.get(goal.value, {}):
            text = f"{name}: {_by(subject, goal.value.value)} not give it, and the answer says “not stated”"
            yield Item(goal.id, text, _described(subject, goal.value.value))


def _taken_over(subject: Subject) -> Iterator[Item]:
    for goal, name in _fields(subject):
        assert isinstance(goal.value, Iri)
        field = subject.usable.fields.get(goal.value, {}).get(name)
        if field is not None and field.inherited_from:
            text = f"{name} “{field.text}” is taken over from {field.inherited_from}, and shown so"
            yield Item(goal.id, text, _described(subject, goal.value.value, CL + name))


def _about(subject: Subject, iri: str) -> list[Triple]:
    """What statements say of something."""
    statements = frozenset(subject.said)
    return [one for one in subject.own if one.subject == iri and one.graph in statements]


def _by(subject: Subject, iri: str) -> str:
    """The statements that speak of something, as the beginning of “… not give it”."""
    ids = sorted({Iri(one.graph).local for one in _about(subject, iri)})
    return f"{' and '.join(ids)} do{'es' if len(ids) == 1 else ''}" if ids else "no statement speaks of it, and so does"


def _described(subject: Subject, iri: str, predicate: str = "") -> Span:
    """Where a statement says a property of something; any, where none is named."""
    said = _about(subject, iri)
    chosen = next((one for one in said if one.predicate == predicate), said[0] if said else None)
    return subject.where(chosen) if chosen is not None else subject.place(iri)


NOT_STATED = "not stated"
"""What stands as the population of a statement that names none."""


def _people(subject: Subject, *, named: bool) -> Iterator[Item]:
    """Statements whose people are named in words that are not the quote's, or are not named at all."""
    for one in subject.verified.values():
        told = one.population.strip()
        if not told or told.casefold() == NOT_STATED:
            if not named:
                yield Item(one.id, f"“{on_one_line(one.quote)}”", subject.place(one.iri.value, "cl:population"))
        elif named and not _within(told, one.quote):
            text = f"for “{told}”, in words that its quote does not have: “{on_one_line(one.quote)}”"
            yield Item(one.id, text, subject.place(one.iri.value, "cl:population"))


def _within(words: str, quote: str) -> bool:
    """Whether a quote has all the words, in their order; others may stand between them.

    >>> _within("deficiency, if present", "Treat the deficiency now, if symptoms are present"), _within("those", "all")
    (True, False)
    """
    rest = iter(re.findall(r"[^\W_]+", quote.casefold()))
    return all(word in rest for word in re.findall(r"[^\W_]+", words.casefold()))


def _conflicts(subject: Subject) -> Iterator[Item]:
    for iri in subject.triples.instances(CL + "Conflict"):
        told = subject.triples.text
        sides = " against ".join(told(iri, CL + side) for side in ("sideA", "sideB"))
        title = told(iri, "http://purl.org/dc/terms/title")
        yield Item(Iri(iri).local, f"{title}: {sides}", subject.place(iri))


def _unshown(subject: Subject, *, meant: bool) -> Iterator[Item]:
    """Conflicts that no rule shows for a patient, though the list says that both sides can bear on one; or the rest."""
    shown = {goal.value for goal in catalogue(subject.usable).values() if goal.kind.sided and goal.is_drawn}
    for id_, conflict in subject.usable.conflicts.items():
        iri = subject.usable.namespace + id_
        levels = [str(one) for one in subject.triples.all(iri, CL + "level")]
        if Iri(iri) not in shown and ("patient" in levels) == meant:
            yield Item(id_, f"{conflict.title} ({' and '.join(levels)} level)", subject.place(iri))


_measure = partial(
    Measure, topic="sources", weight="disclosed", of_what="statements", among=lambda subject: subject.verified
)

MEASURES = (
    _measure(
        "marker-mismatch",
        weight="broken",
        title="statements whose markers are not those printed",
        meaning="A citation number is pinned on a sentence that does not print it, or one that it prints is left out.",
        counted=lambda subject: subject.told("marker-mismatch"),
    ),
    _measure(
        "marker-unresolved",
        title="citation numbers that lead to no reference",
        meaning="The document prints the number, and nobody can look up the work that it stands for.",
        of_what="citation numbers",
        among=_numbers,
        counted=_unresolved,
    ),
    _measure(
        "marker-none",
        title="statements whose sentence prints no marker",
        meaning="The document names no source for the sentence; no other number is put in its place.",
        counted=lambda subject: _markers(subject, 0),
    ),
    _measure(
        "marker-one",
        title="statements that rest on one marker only",
        meaning="The document names a single source for the sentence.",
        counted=lambda subject: _markers(subject, 1),
    ),
    _measure(
        "marker-inherited",
        title="statements with a marker taken over from elsewhere",
        meaning="The number stands in another sentence; it is kept apart from the markers, and shown as inherited.",
        counted=_inherited,
    ),
    _measure(
        "detail-not-stated",
        title="details that the document does not state",
        meaning="A dose, a route, a duration … of a step stays empty, because no sentence gives it.",
        of_what="details",
        among=_fields,
        counted=_not_stated,
        needs_rules=True,
    ),
    _measure(
        "detail-inherited",
        title="details that are taken over from another statement",
        meaning="The sentence leaves the detail out, and the encoder takes it from the one that it continues.",
        of_what="details",
        among=_fields,
        counted=_taken_over,
        needs_rules=True,
    ),
    _measure(
        "population-differs",
        title="statements whose people are named in other words than their quote's",
        meaning="Whom the statement is for is said elsewhere in the document, or by the encoder.",
        counted=partial(_people, named=True),
    ),
    _measure(
        "population-not-stated",
        title="statements that do not say whom they are for",
        meaning="The sentence names no people, and none are put in.",
        counted=partial(_people, named=False),
    ),
    _measure(
        "conflict",
        title="places where the document disagrees with itself",
        meaning="Both sides stay, each with its quotes, and the engine picks none.",
        of_what="conflicts",
        among=lambda subject: subject.triples.instances(CL + "Conflict"),
        counted=_conflicts,
    ),
    _measure(
        "conflict-unreached",
        weight="open",
        title="conflicts about patients that no rule can show",
        meaning="The list of conflicts says that it can bear on a patient, and no rule shows both its sides for one.",
        of_what="conflicts",
        among=lambda subject: subject.usable.conflicts,
        counted=partial(_unshown, meant=True),
        needs_rules=True,
    ),
    _measure(
        "conflict-of-document",
        title="conflicts that are shown only of the document, for no patient",
        meaning="The list of conflicts says that it bears on no single patient; queries and this report show it.",
        of_what="conflicts",
        among=lambda subject: subject.usable.conflicts,
        counted=partial(_unshown, meant=False),
        needs_rules=True,
    ),
)
