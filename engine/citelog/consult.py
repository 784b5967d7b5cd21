"""The Python door: open a knowledge base, assess a patient."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog import home
from citelog.assess import Assessment, assess
from citelog.knowledge.base import Knowledge
from citelog.knowledge.cache import open_knowledge


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """A knowledge base, verified: every quote in its place, every rule checked."""

    knowledge: Knowledge
    folder: Path

    def assess(self, source: str | Path | Mapping[str, Any], at: datetime.date | str | None = None) -> Assessment:
        """Assess one patient: a path to a case file or FHIR R4 record, or either as a dict.

        `at` is the date of the assessment, for rules about time. Raises CaseError where the record
        cannot be used at all.
        """
        return assess(self.knowledge, source, at)

    def receipt(self, assessment: Assessment) -> bytes:
        """The receipt of an assessment by this knowledge base: all that is needed to derive it again years later.

        Raises CitelogError where its files were changed since it was opened, and for a changed record (`what_if`).
        """
        from citelog.receipt import content
        from citelog.receipt.manifest import manifest

        return content.of(assessment, manifest(self.folder, home.ontology()))


def open_base(name_or_folder: str | Path | None = None) -> KnowledgeBase:
    """Open a knowledge base: a shipped one by its name, any other by its folder, the default one for None.

    Raises KnowledgeError with everything that is wrong with it.
    """
    return KnowledgeBase(open_knowledge(name_or_folder), home.knowledge(name_or_folder))
