"""A log: made once, and appended to.

An append is one transaction: the entries, the nodes that they complete, and the signed checkpoint over all of it. It
returns when all is on the disk; what was not returned from was not acknowledged. Before it signs, it makes sure that
the log still begins with what was signed last, in the table and in the checkpoint file: no log signs two stories.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog.diagnostics import CitelogError, proposal
from citelog.home import VERSION
from citelog.ledger import entry, keys, moment
from citelog.ledger.entry import Record
from citelog.ledger.folder import Folder, make
from citelog.ledger.note import Checkpoint, NoteError, PrivateKey, PublicKey, Signed, unusable_name
from citelog.ledger.rows import DamagedLogError, Row, Rows
from citelog.ledger.tree import WIDTH, Edge, leaf_hash

Beside = tuple[bytes, bytes | None, bytes | None]
"""An entry, and what stands beside it: its salt and its receipt."""


@dataclass(frozen=True, slots=True)
class Appended:
    """What an append wrote: the numbers of its entries, and the checkpoint that holds them.

    `notices` say what was found left over from an append that was interrupted.
    """

    numbers: range
    checkpoint: Checkpoint
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Log:
    """A log that can be written to: its folder, the key that it signs with, and what it keeps of receipts."""

    folder: Folder
    key: PrivateKey
    keep: str

    @classmethod
    def make(cls, path: Path, origin: str | None = None, keep: str = "hashes", key_file: Path | None = None) -> Log:
        """A new log in a new folder, with a new key; its first entry says whose it is and what it keeps.

        Without an `origin` the log is called after its folder and its key, so that no two are called alike. Raises
        CitelogError where something is there already, or nothing can be made.
        """
        folder = Folder(path)
        place = key_file or folder.key
        for taken in (path, place):
            if taken.exists():
                raise CitelogError(f"{taken}: it is there already", "name another place; a log is never made anew")
        key = keys.new_key(origin or Path(os.path.realpath(path)).name)
        if origin is None:
            key = PrivateKey(f"{key.name}/{key.public.raw[:4].hex()}", key.secret)
        if why := unusable_name(key.name):
            raise CitelogError(f"{key.name!r}: no log can be called so: {why}", "name it: --origin example.org/ward-7")

        def fill(rows: Rows) -> bytes:
            first = entry.opening(moment.stamp(), key.public, keep, VERSION)
            edge, hashes = Edge().add(leaf_hash(first))
            note = key.sign(Checkpoint(key.name, edge.size, edge.root))
            with rows.transaction():
                rows.append([Row(0, b"".join(hashes), first)], note)
            return note

        make(path, place, key, fill)
        return cls(folder, key, keep)

    @classmethod
    def open(cls, path: Path, key_file: Path | None = None) -> Log:
        """A log to append to, after a quick look at whether that can be done.

        Raises CitelogError where it cannot: the folder is none of a log, the key is not this log's, or the log does
        not hold what was signed last.
        """
        folder = Folder(path)
        folder.check()
        public = folder.public_key()
        key = keys.private_key(key_file or folder.key, public.name)
        if key.public != public:
            what = f"it is not the key that {path} is signed with"
            raise CitelogError(f"{key_file or folder.key}: {what}", "name the log's own: --log-key FILE")
        with folder.lock(write=False), _whole(folder), folder.table_to_read() as rows:
            _last(rows, folder.read("checkpoint"), public)
            keep = str(said(rows.row(0))["keep"])
        return cls(folder, key, keep)

    def append(self, records: Sequence[Record]) -> Appended:
        """Enter assessments, in this order, all or none; they are on the disk when it returns.

        Raises CitelogError where they could not be entered.
        """

        def rows(first: int) -> list[Beside]:
            time = moment.stamp()
            made: list[Beside] = []
            for number, record in enumerate(records, first):
                salt = moment.salt()
                whole = record.receipt if self.keep == "whole" else None
                made.append((entry.assessment(number, time, record, salt), salt, whole))
            return made

        return self._append(rows)

    def erase(self, number: int) -> Appended:
        """Erase what stands beside an entry, its salt and its receipt, and enter that this was done.

        Raises CitelogError where there is nothing to erase, or it could not be done.
        """

        def look(rows: Rows) -> None:
            if not 0 <= number < rows.size() or rows.row(number).salt is None:
                raise CitelogError(
                    f"{self.folder.path}: beside entry {number} there is nothing that could be erased",
                    "name the number of an assessment: citelog audit log find LOG RECEIPT",
                )
            rows.erase(number)

        return self._append(lambda first: [(entry.erasure(first, moment.stamp(), number), None, None)], look)

    def _append(
        self,
        make_rows: Callable[[int], list[Beside]],
        also: Callable[[Rows], None] | None = None,
    ) -> Appended:
        folder, notices = self.folder, []
        folder.check()
        with folder.lock(write=True), _whole(folder):
            if folder.journal.exists():
                notices.append("an append was interrupted before it was acknowledged, and is undone")
            try:
                with Rows.open(folder.table, write=True) as rows:
                    signed = _last(rows, folder.read("checkpoint"), self.key.public)
                    if signed.behind:
                        notices.append(f"{signed.behind} of its entries were written and never acknowledged")
                    edge = signed.edge
                    with rows.transaction():
                        if also is not None:
                            also(rows)
                        added = []
                        for number, (text, salt, receipt) in enumerate(make_rows(edge.size), edge.size):
                            edge, hashes = edge.add(leaf_hash(text))
                            added.append(Row(number, b"".join(hashes), text, salt, receipt))
                        checkpoint = Checkpoint(self.key.name, edge.size, edge.root)
                        note = self.key.sign(checkpoint)
                        new = folder.write_checkpoint(note)
                        rows.append(added, note)
                new.replace(folder.path / "checkpoint")
            except (sqlite3.Error, OSError) as error:
                raise CitelogError(
                    f"{folder.path}: it cannot be written to: {_reason(error)}",
                    "the answer is held back, nothing is acknowledged: make room, or see to the disk; ask again",
                ) from error
        return Appended(range(signed.edge.size, edge.size), checkpoint, tuple(notices))


@dataclass(frozen=True, slots=True)
class Last:
    """What a log was signed with last: the edge of its tree, and by how many entries the checkpoint file is behind."""

    edge: Edge
    behind: int


def _last(rows: Rows, beside: bytes, key: PublicKey) -> Last:
    """What the log holds now, if it is what was signed last; raises DamagedLogError."""
    edge = Edge.of(rows.node, rows.size())
    inside = signed(rows.head(), key, "the checkpoint in log.sqlite")
    if (inside.size, inside.root) != (edge.size, edge.root):
        raise DamagedLogError(f"it holds {edge.size} entries, and they are not the {inside.size} that were signed", -1)
    if beside == rows.head():
        return Last(edge, 0)
    outside = signed(beside, key, "the file checkpoint")
    if outside.size > edge.size:
        what = f"it was cut back: it holds {edge.size} entries, and its file checkpoint was signed over {outside.size}"
        raise DamagedLogError(what, edge.size)
    if outside.root != Edge.of(rows.node, outside.size).root:
        raise DamagedLogError(
            f"its first {outside.size} entries are not those that its file checkpoint was signed over", -1
        )
    return Last(edge, edge.size - outside.size)


def signed(note: bytes, key: PublicKey, where: str) -> Checkpoint:
    """A checkpoint that a key has signed; raises DamagedLogError where that is not so."""
    try:
        found = Signed.read(note)
    except NoteError as error:
        raise DamagedLogError(f"{where} is damaged: {error}", -1) from error
    if found.checkpoint.origin != key.name or not found.by(key):
        raise DamagedLogError(f"{where} is not signed by the log's key", -1)
    return found.checkpoint


def said(row: Row) -> dict[str, Any]:
    """What an entry says; raises DamagedLogError where it is not the one that was entered."""
    if leaf_hash(row.entry) != row.hashes[:WIDTH]:
        raise DamagedLogError(f"entry {row.number} is not the one whose hash is stored", row.number)
    try:
        return entry.read(row.entry)
    except ValueError as error:
        raise DamagedLogError(f"entry {row.number}: {error}", row.number) from error


def readable(note: bytes, what: str) -> Signed:
    """A checkpoint that a caller names, as it is read; raises CitelogError where it is none."""
    try:
        return Signed.read(note)
    except NoteError as error:
        raise CitelogError(f"{what} cannot be read: {error}", "give the text of a checkpoint, whole") from error


def head(path: Path) -> Signed:
    """The signed checkpoint of a log, of the size that it has; raises CitelogError where its key did not sign it."""
    with reading(path) as (folder, rows):
        found = signed(rows.head(), folder.public_key(), "the checkpoint in log.sqlite")
        if found.size != rows.size():
            raise DamagedLogError(f"it holds {rows.size()} entries, and {found.size} were signed")
        return Signed.read(rows.head())


@contextmanager
def reading(path: Path) -> Iterator[tuple[Folder, Rows]]:
    """The table of a log for a reader, while nobody writes; raises CitelogError where it cannot be read."""
    folder = Folder(path)
    folder.check()
    with folder.lock(write=False), _whole(folder), folder.table_to_read() as rows:
        yield folder, rows


@contextmanager
def _whole(folder: Folder) -> Iterator[None]:
    """What is damaged becomes a message that sends the reader to the command that looks at everything."""
    try:
        yield
    except DamagedLogError as error:
        look = f"see what is wrong: {proposal('audit', 'log', 'verify', str(folder.path))}"
        raise CitelogError(f"{folder.path}: {error.what}", look) from error


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
