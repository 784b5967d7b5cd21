"""Figures about cases and safety properties: what has been tried, and what no machine decides."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from citelog.audit.measure import Measure
from citelog.audit.model import Item
from citelog.audit.subject import Subject
from citelog.audit.tracing import trace
from citelog.diagnostics import Span
from citelog.knowledge.files import shown_name
from citelog.trial.coverage import Point


def _failing(subject: Subject) -> Iterator[Item]:
    for ran in subject.ran:
        if ran.trial.failures:
            what = "; ".join(failure.what.splitlines()[0] for failure in ran.trial.failures)
            yield Item(ran.file.stem, what, Span(shown_name(ran.file, subject.folder)))


def _expecting_nothing(subject: Subject) -> Iterator[Item]:
    for ran in subject.ran:
        if not ran.trial.expectations:
            yield Item(ran.file.stem, "it expects nothing", Span(shown_name(ran.file, subject.folder)))


def _points(subject: Subject, aspect: str) -> list[Point]:
    return [point for point in subject.points if point.aspect == aspect]


def _untried(subject: Subject, aspect: str) -> Iterator[Item]:
    knowledge = subject.usable
    rules = {rule.name: rule.span for rule in knowledge.program.rules}
    by_conclusion = {kind.name: kind.predicate for kind in knowledge.kinds}
    for point in _points(subject, aspect):
        if point.cases:
            continue
        if aspect == "rule":
            span = rules[point.name]
        elif aspect == "conclusion":
            giving = by_conclusion[point.name.partition(":")[0]]
            span = next((rule.span for rule in knowledge.program.rules if rule.predicate == giving), Span("?"))
        else:
            span = subject.place(knowledge.namespace + point.name)
        yield Item(point.name, point.text or "it gives no conclusion by itself", span)


def _undecided(subject: Subject) -> Iterator[Item]:
    for one in subject.usable.properties:
        if one.undecided:
            yield Item(one.id, one.text, subject.place(one.iri.value), one.undecided)


def _orphans(subject: Subject) -> Iterator[Item]:
    for one in trace(subject).orphans:
        way = "back to the document" if one.towards == "document" else "on to an answer"
        yield Item(one.node.id, f"{one.node.level} without a way {way}: {one.what}", one.node.span)


_measure = partial(Measure, topic="cases", weight="open", needs_rules=True)

MEASURES = (
    _measure(
        "case-failing",
        weight="broken",
        title="cases that do not give what they expect",
        meaning="The knowledge base fails a test of its own authors.",
        of_what="cases",
        among=lambda subject: subject.ran,
        counted=_failing,
    ),
    _measure(
        "case-without-expectation",
        title="cases that expect nothing",
        meaning="The case is run, and no answer to it would be noticed as wrong.",
        of_what="cases",
        among=lambda subject: subject.ran,
        counted=_expecting_nothing,
    ),
    _measure(
        "rule-untried",
        title="rules that no case fires",
        meaning="A mistake in the rule would be seen by no test.",
        of_what="rules",
        among=partial(_points, aspect="rule"),
        counted=partial(_untried, aspect="rule"),
    ),
    _measure(
        "statement-untried",
        title="statements that rules read and no case cites",
        meaning="A mistake in the statement would be seen by no test.",
        of_what="statements that rules read",
        among=partial(_points, aspect="statement"),
        counted=partial(_untried, aspect="statement"),
    ),
    _measure(
        "conclusion-untried",
        title="conclusions that no case draws",
        meaning="The rules can draw the conclusion, and no test has ever seen it drawn.",
        of_what="conclusions",
        among=partial(_points, aspect="conclusion"),
        counted=partial(_untried, aspect="conclusion"),
    ),
    _measure(
        "conflict-untried",
        title="conflicts that no case shows",
        meaning="The rules can show the conflict for a patient, and no test has ever seen it shown.",
        of_what="conflicts that rules show",
        among=partial(_points, aspect="conflict"),
        counted=partial(_untried, aspect="conflict"),
    ),
    _measure(
        "orphan",
        title="things without a way back to the document, or on to an answer",
        meaning="From a sentence of the document to a place of the page: a link that is due is not there.",
        of_what="things that are traced",
        among=lambda subject: trace(subject).nodes,
        counted=_orphans,
    ),
    _measure(
        "property-undecided",
        weight="disclosed",
        title="safety properties that no machine decides",
        meaning="What must never be claimed, and only a reader can see: the reason says who or what looks instead.",
        of_what="safety properties",
        among=lambda subject: subject.usable.properties,
        counted=_undecided,
    ),
)
