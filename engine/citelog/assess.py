"""One patient, end to end: a record in, every conclusion out, and every explanation that can be asked for."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from citelog import patient
from citelog.answer import Answer, NotConcludedError
from citelog.conclusions import Conclusion, DerivationError
from citelog.diagnostics import CitelogError
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Case
from citelog.run.datalog import DEADLINE

if TYPE_CHECKING:
    from citelog.explain.contrast import Contrast, PatientContrast
    from citelog.explain.missing import Missing
    from citelog.explain.what_if import WhatIf
    from citelog.explain.why_not import WhyNot
    from citelog.patient.changes import Change
    from citelog.proof.graph import Proof


class Assessment(Answer):
    """An answer that can be asked: why, why not, what if, what is missing, why this and not that.

    >>> from citelog.consult import open_base
    >>> kb = open_base("examples/short-nights")
    >>> night = kb.assess("examples/short-nights/cases/short-at-thirteen.yaml", at="2026-03-09")
    >>> night.why("night:SHORT").shortest().conclusion
    'night:SHORT'

    `why_not` shows records that would reach a conclusion, each tried:

    >>> [str(change) for near in night.why_not("night:LONG_ENOUGH").near for change in near.changes]
    ["--set 'labs[0].value=480'"]

    `what_if` changes the record:

    >>> [lost.conclusion.id for lost in night.what_if(set={"labs[0].value": 500}).lost]
    ['night:SHORT']

    `missing` says what to ask next:

    >>> [item.text for item in night.missing().items]
    ['falling asleep in lessons', 'cola in the afternoon']

    `contrast` compares two conclusions, or two patients:

    >>> night.contrast("night:SHORT", "night:LONG_ENOUGH").second.conclusion is None
    True
    >>> [conclusion.id for conclusion, _ in night.contrast(kb.assess({"labs": []})).only_first]
    ['night:SHORT']
    """

    def ids(self, asked: str) -> tuple[str, ...]:
        """The ids that `kind:value` means.

        Raises CitelogError, naming the nearest, where the knowledge base can never draw it, and NotConcludedError where
        it was not reached for this record.
        """
        from citelog.explain.catalogue import goal

        if not self.reached(asked):
            goal(self.knowledge, asked)
        return super().ids(asked)

    def why(self, conclusion: str) -> Proof:
        """The proof of a conclusion, by its id; raises what `ids` does."""
        return super().why(conclusion if conclusion in self.by_id else self.ids(conclusion)[0])

    def why_not(self, conclusion: str) -> WhyNot:
        """Why a conclusion was not reached, and the smallest changes of the record that would reach it.

        Raises CitelogError where the knowledge base can never draw it, ReachedError where it was drawn.
        """
        from citelog.explain.why_not import why_not

        return why_not(self, conclusion)

    def what_if(
        self,
        *changes: Change,
        set: Mapping[str, Any] | Iterable[str] = (),
        drop: Iterable[str] = (),
        add: Mapping[str, Any] | Iterable[str | Mapping[str, Any]] = (),
    ) -> WhatIf:
        """What changes when the record changes: conclusions gained, lost, and kept for another reason.

        Changes are values (`citelog.Set`, `Drop`, `Add`), or written as for the command: `set` as `{path: value}` or
        `["labs[0].value=120"]`, `drop` as paths, `add` as pieces of a case file, text or parsed; one alone needs no
        list. Raises CaseError where a change names an entry that is not there.
        """
        from citelog.explain.what_if import what_if
        from citelog.patient.written import written

        return what_if(self, (*changes, *written(self.case, self.knowledge.terms, set, drop, add)))

    def missing(self, conclusion: str | None = None) -> Missing:
        """Which one item that the record does not settle could change the answer, and how.

        Of one conclusion also the entries that it depends on, and those that are idle. Raises NotConcludedError
        where it was not reached, CitelogError where the knowledge base can never draw it.
        """
        from citelog.explain.missing import missing

        return missing(self, conclusion)

    @overload
    def contrast(self, first: str, second: str) -> Contrast: ...
    @overload
    def contrast(self, first: Assessment, second: str | None = None) -> PatientContrast: ...
    def contrast(self, first: str | Assessment, second: str | None = None) -> Contrast | PatientContrast:
        """Why the one conclusion and not the other, whether both, one or neither was reached.

        With another assessment: why this patient and not that one; of one conclusion only, where it is named after it.
        Raises CitelogError where the knowledge base can never draw a conclusion that is named.
        """
        from citelog.explain.contrast import contrast, contrast_patients

        if isinstance(first, Assessment):
            return contrast_patients(self, first, second)
        if second is None:
            raise CitelogError(
                f"{first}: one conclusion alone has no contrast", "name a second, or give another assessment"
            )
        return contrast(self, first, second)


def assess(
    knowledge: Knowledge,
    source: str | Path | Mapping[str, Any],
    at: datetime.date | str | None = None,
    deadline: float = DEADLINE,
    of: str | None = None,
) -> Assessment:
    """Assess one patient; `of` chooses one by id from a FHIR record about several.

    `source` is a case file or FHIR record: a path, `-` for standard input, or either already parsed.
    `at` is the date of the assessment for rules about time; the clock is never read. Raises CaseError
    where the record or the date cannot be used.
    """
    return assess_case(knowledge, patient.read(source, knowledge.terms, of), at, deadline)


def assess_case(
    knowledge: Knowledge, case: Case, at: datetime.date | str | None = None, deadline: float = DEADLINE
) -> Assessment:
    """Assess a case that has been read."""
    return Assessment.of(knowledge, case, at, deadline)


__all__ = ["Assessment", "Conclusion", "DerivationError", "NotConcludedError", "assess", "assess_case"]
