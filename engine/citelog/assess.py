"""One patient, end to end: a record in, every conclusion out, and every explanation that can be asked for."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citelog import patient
from citelog.answer import Answer, Conclusion, DerivationError, NotConcludedError
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Case
from citelog.run.datalog import DEADLINE

if TYPE_CHECKING:
    from citelog.explain.contrast import Contrast, PatientContrast
    from citelog.explain.missing import Missing
    from citelog.explain.what_if import WhatIf
    from citelog.explain.why_not import WhyNot
    from citelog.patient.changes import Change


class Assessment(Answer):
    """An answer that can be asked: why, why not, what if, what is missing, why this and not that."""

    def why_not(self, conclusion: str) -> WhyNot:
        """Why a conclusion was not reached, and the smallest changes of the record that would reach it.

        Raises CitelogError where the knowledge base can never draw it, ReachedError where it was drawn.
        """
        from citelog.explain.why_not import why_not

        return why_not(self, conclusion)

    def what_if(self, *changes: Change) -> WhatIf:
        """What changes when the record changes: conclusions gained, lost, and kept for another reason.

        Raises CaseError where a change names an entry that is not there.
        """
        from citelog.explain.what_if import what_if

        return what_if(self, changes)

    def missing(self, conclusion: str | None = None) -> Missing:
        """Which one item that the record does not settle could change the answer, and how.

        Of one conclusion also the entries that it depends on, and those that are idle. Raises NotConcludedError
        where it was not reached.
        """
        from citelog.explain.missing import missing

        return missing(self, conclusion)

    def contrast(self, first: str, second: str) -> Contrast:
        """Why the one conclusion and not the other, whether both, one or neither was reached.

        Raises CitelogError where the knowledge base can never draw one of them.
        """
        from citelog.explain.contrast import contrast

        return contrast(self, first, second)

    def contrast_with(self, other: Assessment, conclusion: str | None = None) -> PatientContrast:
        """Why this patient and not that one: what only one is told, and which entries make the difference."""
        from citelog.explain.contrast import contrast_patients

        return contrast_patients(self, other, conclusion)


def assess(
    knowledge: Knowledge,
    source: str | Path | Mapping[str, Any],
    at: datetime.date | str | None = None,
    deadline: float = DEADLINE,
) -> Assessment:
    """Assess one patient.

    `source` is a case file or FHIR record: a path, `-` for standard input, or either already parsed.
    `at` is the date of the assessment for rules about time; the clock is never read. Raises CaseError
    where the record or the date cannot be used.
    """
    return assess_case(knowledge, patient.read(source, knowledge.terms), at, deadline)


def assess_case(
    knowledge: Knowledge, case: Case, at: datetime.date | str | None = None, deadline: float = DEADLINE
) -> Assessment:
    """Assess a case that has been read."""
    return Assessment.of(knowledge, case, at, deadline)


__all__ = ["Assessment", "Conclusion", "DerivationError", "NotConcludedError", "assess", "assess_case"]
