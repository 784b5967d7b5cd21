"""The entries of a log as they can be shown to anybody: what each says, and nothing that stands beside it.

A salt is never among it: with the salts, a suspicion about a patient could be tried (`ledger.entry`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from citelog.diagnostics import CitelogError
from citelog.ledger.log import reading, said, signed
from citelog.ledger.note import PublicKey, Signed
from citelog.ledger.proofs import Proof, prove
from citelog.ledger.rows import DamagedLogError
from citelog.ledger.tree import WIDTH


class NoEntryError(CitelogError):
    """It was asked for an entry that the log does not have."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry: its number, what it says, and its leaf hash."""

    number: int
    said: Mapping[str, Any]
    leaf: bytes


@dataclass(frozen=True, slots=True)
class Stretch:
    """Some entries of a log, the youngest first, and what the log was signed as when they were read."""

    key: PublicKey
    keep: str
    signed: Signed
    entries: tuple[Listed, ...]


def stretch(path: Path, until: int | None, most: int) -> Stretch:
    """The last `most` entries before the number `until`; of all, where none is named.

    Raises NoEntryError where there are none there, and CitelogError where the log cannot be read.
    """
    with reading(path) as (folder, rows):
        key, size = folder.public_key(), rows.size()
        head = signed(rows.head(), key, "the checkpoint in log.sqlite")
        if head.size != size:
            raise DamagedLogError(f"it holds {size} entries, and {head.size} were signed")
        end = size if until is None else until
        if not 0 < end <= size:
            raise NoEntryError(f"the log has the entries 0 to {size - 1:,}, and none before {end:,}")
        found = [Listed(row.number, said(row), row.hashes[:WIDTH]) for row in rows.rows(end, max(0, end - most))]
        return Stretch(key, str(said(rows.row(0))["keep"]), Signed.read(rows.head()), tuple(reversed(found)))


def shown(path: Path, number: int) -> Proof:
    """The proof of an entry without the salt beside it.

    Raises NoEntryError where there is no such entry, and CitelogError as `prove`.
    """
    with reading(path) as (_, rows):
        if not 0 <= number < (size := rows.size()):
            raise NoEntryError(f"the log has the entries 0 to {size - 1:,}, and no {number:,}")
    return replace(prove(path, number), salt=None)
