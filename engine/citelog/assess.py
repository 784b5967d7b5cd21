"""One patient, end to end: a record in, every conclusion out, and every explanation that can be asked for."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from citelog import patient
from citelog.answer import Answer, Conclusion, DerivationError, NotConcludedError
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Case
from citelog.run.datalog import DEADLINE


class Assessment(Answer):
    """An answer that can be asked: why, why not, what if, what is missing, why this and not that."""


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
