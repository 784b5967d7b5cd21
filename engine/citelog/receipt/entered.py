"""What a log is given of an assessment: the receipt, and beside it nothing that is about the patient."""

from __future__ import annotations

from citelog.answer import Answer
from citelog.ledger.entry import Record
from citelog.receipt.content import engine, of
from citelog.receipt.manifest import Manifest


def record(assessment: Answer, files: Manifest, asked: str) -> Record:
    """The record of an assessment; `asked` names the command or interface. Raises CitelogError as `of`."""
    return Record(asked, assessment.whose["knowledge"], engine(), of(assessment, files))
