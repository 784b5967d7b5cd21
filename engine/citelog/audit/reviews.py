"""Figures about reviews: which statements and rules somebody has looked at, as they are now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from citelog.audit.measure import Measure
from citelog.audit.model import Item
from citelog.audit.subject import Subject
from citelog.diagnostics import Span
from citelog.knowledge import states
from citelog.knowledge.base import looked_at
from citelog.knowledge.states import Reviewed


def _all(subject: Subject) -> tuple[Reviewed, ...]:
    return states.of(subject.usable)


def _those(subject: Subject, chosen: Callable[[Reviewed], bool]) -> Iterator[Item]:
    rules = {rule.name: rule.span for rule in subject.usable.guarded.rules}
    for one in filter(chosen, _all(subject)):
        yield Item(one.name, f"{one.kind}: {looked_at(one.reviews)}", _place(one, rules, subject))


def _place(one: Reviewed, rules: dict[str, Span], subject: Subject) -> Span:
    return rules[one.name] if one.kind == "rule" else subject.place(one.iri.value)


_measure = partial(Measure, topic="review", weight="open", of_what="statements and rules", among=_all, needs_rules=True)

MEASURES = (
    _measure(
        "not-reviewed",
        title="statements and rules that nobody has reviewed as they are",
        meaning="A draft: nobody has looked at it, or it was changed since; each conclusion that rests on it says so.",
        counted=partial(_those, chosen=lambda one: one.state == "draft"),
    ),
    _measure(
        "review-outdated",
        title="statements and rules that were changed since their review",
        meaning="What somebody looked at is no longer what stands there.",
        counted=partial(_those, chosen=lambda one: one.stale),
    ),
    _measure(
        "not-approved",
        title="statements and rules that are not approved as they are",
        meaning="A draft, or reviewed and no more: nobody has put their name to its use.",
        counted=partial(_those, chosen=lambda one: one.state != "approved"),
    ),
)
