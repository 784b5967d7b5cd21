"""The Python door: open a knowledge base, assess a patient."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog.assess import Assessment, assess
from citelog.knowledge.base import Knowledge
from citelog.knowledge.cache import open_knowledge


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """A knowledge base, verified: every quote in its place, every rule checked."""

    knowledge: Knowledge

    def assess(self, source: str | Path | Mapping[str, Any], at: datetime.date | str | None = None) -> Assessment:
        """Assess one patient: a path to a case file or FHIR R4 record, or either as a dict.

        `at` is the date of the assessment, for rules about time. Raises CaseError where the record
        cannot be used at all.
        """
        return assess(self.knowledge, source, at)


def open_base(name_or_folder: str | Path | None = None) -> KnowledgeBase:
    """Open a knowledge base: a shipped one by its name, any other by its folder, the default one for None.

    Raises KnowledgeError with everything that is wrong with it.
    """
    return KnowledgeBase(open_knowledge(name_or_folder))
