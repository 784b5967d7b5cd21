"""Figures about what `citelog check` finds: errors, advice that stands open, and advice that authors accept."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from citelog.advice.review import CODES as ADVICE
from citelog.audit.measure import Measure
from citelog.audit.model import Item
from citelog.audit.subject import Subject


def _errors(subject: Subject) -> Iterator[Item]:
    codes = {one.code for one in subject.findings if one.severity == "error"}
    return subject.told(*codes) if codes else iter(())


def _all(subject: Subject) -> int:
    return len(subject.findings)


def _advice(subject: Subject) -> int:
    return sum(one.severity == "advice" for one in subject.findings)


_measure = partial(Measure, topic="review", of_what="findings", among=_all)

MEASURES = (
    _measure(
        "check-error",
        weight="broken",
        title="errors of citelog check",
        meaning="All that is wrong with the files, whether or not a figure above counts it too.",
        counted=_errors,
    ),
    _measure(
        "advice-open",
        weight="open",
        title="advice that nobody accepts",
        meaning="What an expert would look at, and nobody has answered.",
        of_what="pieces of advice",
        among=_advice,
        counted=lambda subject: subject.told(*ADVICE, accepted=False),
        needs_rules=True,
    ),
    _measure(
        "advice-accepted",
        weight="disclosed",
        title="advice that is accepted",
        meaning="What an expert would look at, and an author has answered with a reason.",
        of_what="pieces of advice",
        among=_advice,
        counted=lambda subject: subject.told(*ADVICE, accepted=True),
        needs_rules=True,
    ),
)
