"""Figures about rules: whether each has its statements, and whether each does what they say."""

from __future__ import annotations

from functools import partial

from citelog.audit.measure import Measure
from citelog.audit.subject import Subject


def _rules(subject: Subject) -> int:
    return len(subject.opened.program.rules) if subject.opened.program else 0


_measure = partial(Measure, topic="rules", of_what="rules", among=_rules)

MEASURES = (
    _measure(
        "rule-without-statement",
        weight="broken",
        title="rules without a statement",
        meaning="A rule cites no statement, speaks through no premise that does, and gives no reason.",
        counted=lambda subject: subject.told("uncited-rule", "unknown-statement"),
    ),
    _measure(
        "rule-wider-population",
        weight="open",
        title="rules that hold for more people than their statement speaks of",
        meaning="A rule says what to do, and does not ask whether the patient is one of them.",
        counted=lambda subject: subject.told("wider-population", accepted=False),
        needs_rules=True,
    ),
    _measure(
        "rule-hedge-dropped",
        weight="open",
        title="rules that say firmly what their statement says with reserve",
        meaning="“May”, “often”, “should be considered” in the document is lost in the sentence of the answer. "
        "Only English words of reserve are known.",
        counted=lambda subject: subject.told("hedge-dropped", accepted=False),
        needs_rules=True,
    ),
)
