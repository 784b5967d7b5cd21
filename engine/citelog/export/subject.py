"""What is exported: a knowledge base, perhaps with a case, and what every export says of itself at its head."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from citelog.answer import Answer
from citelog.home import VERSION
from citelog.knowledge.base import Knowledge, Statement

LICENCE = (
    "The rules and what the statements are encoded as belong to the knowledge base and stand under its licence."
    " The quoted sentences are their publisher's; they are kept as evidence, and no licence of ours covers them."
)


@dataclass(frozen=True, slots=True)
class File:
    """One file of an export: its name, and what is in it."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What is exported: a knowledge base with its folder, and the assessment of a case where one is named.

    `at` is the date that the caller gives; the clock is never read, so without it an export has no date of its own.
    """

    knowledge: Knowledge
    folder: Path
    assessment: Answer | None = None
    at: datetime.date | None = None

    @property
    def stem(self) -> str:
        """The name of the export's file, without its suffix."""
        return plain(f"{self.knowledge.id}-{self.assessment.case.id}" if self.assessment else self.knowledge.id)


def plain(name: str) -> str:
    """A name as part of a file's name, whatever stood in it.

    >>> plain("../../etc/passwd")
    'etc-passwd'
    """
    return re.sub(r"[^\w.-]+|\.\.+", "-", name)[:100].strip("-.") or "unnamed"


def heading(what: str, subject: Subject) -> Iterator[str]:
    """What an export is, of which knowledge, in which state, for whom, under which terms: a line for each."""
    for line in _heading(what, subject):
        yield " ".join(line.split())  # a comment ends with its line, whatever a record has in its names


def _heading(what: str, subject: Subject) -> Iterator[str]:
    kb = subject.knowledge
    yield what
    yield f"Written by citelog {VERSION}; not to be edited: change the knowledge base, and export again."
    yield f"Knowledge base: {kb.id} {kb.version}, {kb.title}"
    yield f"SHA-256 of all its files: {kb.sha256}"
    yield f"Document: {kb.source.file}, SHA-256 {kb.source.sha256}"
    if kb.review_status:
        yield f"Review of the document: {kb.review_status}"
    for caveat in kb.caveats:
        yield f"Caveat: {caveat.text} [{' '.join(caveat.statements)}]"
    if subject.assessment:
        day = f"assessed on {subject.at.isoformat()}" if subject.at else "no date of the assessment was given"
        case = subject.assessment.case
        yield f"Case: {case.id}, SHA-256 {case.sha256}; {day}"
        yield "It holds a patient's record: it is as confidential as that."
    yield f"Licence: {LICENCE}"


def cited(statement: Statement) -> str:
    """A statement as a comment cites it: its id, its words, its place."""
    return f"{statement.id} “{' '.join(statement.quote.split())}” ({statement.source}, line {statement.line})"
