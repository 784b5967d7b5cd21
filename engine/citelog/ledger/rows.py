"""The table of a log in SQLite: a row for each entry, with the nodes of the tree that the entry completes.

    entries  n        the number of the entry, from 0
             hashes   its leaf hash, then each node above that it completes: 32 bytes each
             entry    the entry, canonical JSON
             salt     what its receipt was salted with; NULL where it was erased, and where there is no receipt
             receipt  the receipt, where the log keeps it whole
    head     note     the signed checkpoint over all entries, written in the transaction that writes the last of them

So one insert is an append, a proof reads about as many rows as the size has binary digits, and who reads the rows in
order can check every hash that is stored with a stack of a few.

SQLite's rollback journal is used, not its write-ahead log: what is committed is in the one file and nowhere else, a log
at rest has no second file that might be left behind when it is copied, and what a journal that is left over belongs to
was never acknowledged. `synchronous=EXTRA` asks for fsync of the journal, of the file, and of the folder when the
journal is deleted: otherwise it could come back after a power failure, and undo what was acknowledged.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog.ledger.tree import WIDTH

_OF_THE_DISK = {
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
}

APPLICATION, VERSION = 0x634C6F67, 1  # "cLog"; the form of the table
TABLES = (
    "CREATE TABLE entries (n INTEGER PRIMARY KEY, hashes BLOB NOT NULL, entry TEXT NOT NULL, salt BLOB, receipt BLOB)",
    "CREATE TABLE head (one INTEGER PRIMARY KEY, note BLOB NOT NULL)",
)
_JOURNAL = bytes.fromhex("d9d505f920a163d7")
"""How SQLite begins a journal; and ends one that names a super-journal."""

CHUNK = 100
"""How many rows are read at once; between two chunks others may write."""

PATIENCE = 30.0
"""Seconds for which SQLite waits for another process that holds its file."""


class DamagedLogError(Exception):
    """What SQLite cannot read, or is not as this module wrote it; `number` is the first entry that is touched."""

    def __init__(self, what: str, number: int = 0) -> None:
        self.what, self.number = what, number
        super().__init__(what)


class MissingError(DamagedLogError):
    """An entry that is not in the table, or is there without its hashes."""


@contextmanager
def on_disk() -> Iterator[None]:
    """Within, what SQLite says of a disk that fails is raised as Python says it: as OSError."""
    try:
        yield
    except sqlite3.Error as error:
        number = _OF_THE_DISK.get(getattr(error, "sqlite_errorcode", 0) & 0xFF)
        if number is None:
            raise
        raise OSError(number, str(error)) from error


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as it is stored."""

    number: int
    hashes: bytes
    entry: bytes
    salt: bytes | None = None
    receipt: bytes | None = None


class Rows:
    """The table behind a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        connection.isolation_level = None
        connection.text_factory = bytes  # as they stand in the file, whatever a damaged byte makes of them

    @classmethod
    def create(cls, path: Path) -> Rows:
        """A new file with an empty table."""
        rows = cls(sqlite3.connect(path))
        rows._careful()
        rows.connection.execute(f"PRAGMA application_id={APPLICATION}")
        rows.connection.execute(f"PRAGMA user_version={VERSION}")
        for table in TABLES:
            rows.connection.execute(table)
        return rows

    @classmethod
    @contextmanager
    def open(cls, path: Path, write: bool = False) -> Iterator[Rows]:
        """The table in a file; raises DamagedLogError where the file is not such a one."""
        try:
            with path.open("rb") as file:
                check_header(file.read(100))
        except OSError as error:
            raise DamagedLogError(f"it cannot be read: {error.strerror}") from error
        check_beside(path)
        try:
            connection = sqlite3.connect(
                f"{path.resolve().as_uri()}?mode={'rw' if write else 'ro'}", PATIENCE, uri=True
            )
        except sqlite3.OperationalError as error:
            raise DamagedLogError(f"SQLite cannot open it: {error}") from error
        try:
            rows = cls(connection)
            rows.check_form()
            if write:
                rows._careful()
            yield rows
        finally:
            connection.close()

    def _careful(self) -> None:
        """Ask for commits that are on the disk when they return, and for what is erased to be overwritten."""
        self.connection.execute("PRAGMA journal_mode=DELETE")
        self.connection.execute("PRAGMA synchronous=EXTRA")
        self.connection.execute("PRAGMA secure_delete=ON")

    def check_form(self) -> None:
        """Raise DamagedLogError unless the file is marked as a log, and holds the two tables and nothing beside them.

        In them is no row before the first entry, and one checkpoint at most: nobody would look at any other.
        """
        with self._reading(0):
            found = self._one("PRAGMA application_id"), self._one("PRAGMA user_version")
            if found != (APPLICATION, VERSION):
                raise DamagedLogError(f"it is not marked as a log of citelog, version {VERSION}")
            tables = tuple(sql.decode() for (sql,) in self.connection.execute("SELECT sql FROM sqlite_schema"))
            if tables != TABLES:
                raise DamagedLogError("its tables are not those of a log")
            before = self._one("SELECT n FROM entries WHERE n < 0 LIMIT 1")
            beside = self._one("SELECT one FROM head WHERE one != 1 LIMIT 1")
            if before is not None or beside is not None:
                raise DamagedLogError("its tables hold rows that no log has")

    def size(self) -> int:
        """How many entries there are, if none is missing."""
        with self._reading(0):
            last: int | None = self._one("SELECT max(n) FROM entries")
            return 0 if last is None else last + 1

    def head(self) -> bytes:
        """The signed checkpoint that was committed with the last entry; empty where there is none."""
        with self._reading(0):
            note = self._one("SELECT note FROM head WHERE one = 1")
            return note if isinstance(note, bytes) else b""

    def row(self, number: int) -> Row:
        """An entry by its number."""
        with self._reading(number):
            found = self.connection.execute("SELECT * FROM entries WHERE n = ?", (number,)).fetchone()
        if found is None:
            raise MissingError(f"entry {number} is missing", number)
        return _row(found, number)

    def rows(self, end: int, first: int = 0) -> Iterator[Row]:
        """The entries from `first` up to `end` in order; raises DamagedLogError at the first that cannot be read."""
        for begin in range(first, end, CHUNK):
            chunk = range(begin, min(end, begin + CHUNK))
            found = self._chunk(chunk)
            for n in chunk:
                read = next(found, None)
                if read is None or read[0] != n:
                    raise MissingError(f"entry {n} is missing", n)
                yield _row(read, n)

    def _chunk(self, numbers: range) -> Iterator[tuple[object, ...]]:
        """Rows read at once, so that no writer waits for SQLite; as far as it goes, where they cannot all be read."""
        query, ends = "SELECT * FROM entries WHERE n BETWEEN ? AND ? ORDER BY n", (numbers[0], numbers[-1])
        found: list[tuple[object, ...]] = []
        try:
            for row in self.connection.execute(query, ends):
                found.append(row)  # one by one: those before one that is damaged are kept
        except (sqlite3.Error, OverflowError) as error:
            yield from found
            raise DamagedLogError(f"SQLite cannot read on: {error}", numbers[0] + len(found)) from error
        yield from found

    def node(self, level: int, i: int) -> bytes:
        """A stored node of the tree; it stands with the last leaf below it."""
        number = ((i + 1) << level) - 1
        with self._reading(number):
            hash_ = self._one(f"SELECT substr(hashes, {level * WIDTH + 1}, {WIDTH}) FROM entries WHERE n = {number}")
        if not isinstance(hash_, bytes) or len(hash_) != WIDTH:
            raise MissingError(f"the hashes of entry {number} are missing", number)
        return hash_

    def salted(self) -> Iterator[tuple[int, bytes, bytes]]:
        """The number, the salt and the text of each entry that has a salt."""
        with self._reading(0):
            yield from self.connection.execute("SELECT n, salt, entry FROM entries WHERE salt IS NOT NULL ORDER BY n")

    def faults(self) -> list[str]:
        """What SQLite's own check of the file finds."""
        with self._reading(0):
            told = [str(text, "utf-8", "replace") for (text,) in self.connection.execute("PRAGMA integrity_check(3)")]
        return [] if told == ["ok"] else told

    def append(self, rows: Iterable[Row], note: bytes) -> None:
        """Within a transaction: entries more, and the checkpoint over all."""
        values = ((r.number, r.hashes, r.entry.decode(), r.salt, r.receipt) for r in rows)
        self.connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", values)
        self.connection.execute("REPLACE INTO head VALUES (1, ?)", (note,))

    def copy(self, path: Path, salts: bool) -> None:
        """The whole table in another file; without `salts`, nothing that stands beside the entries."""
        with on_disk():
            made = sqlite3.connect(path)
        try:
            with self._reading(0), on_disk():
                self.connection.backup(made)
                if not salts:
                    made.execute("UPDATE entries SET salt = NULL, receipt = NULL")
                    made.commit()
                    made.execute("VACUUM")  # which reads every page: not until now is one that is damaged noticed
        finally:
            made.close()

    def erase(self, number: int) -> None:
        """Within a transaction: what stands beside an entry is overwritten."""
        self.connection.execute("UPDATE entries SET salt = NULL, receipt = NULL WHERE n = ?", (number,))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; on the disk when it ends. Raises sqlite3.Error where it cannot be."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise

    def _one(self, query: str) -> Any:
        found = self.connection.execute(query).fetchone()
        return found[0] if found else None

    @contextmanager
    def _reading(self, number: int) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:
            raise DamagedLogError(f"SQLite cannot read on: {error}", number) from error


def check_header(header: bytes) -> None:
    """Raise DamagedLogError unless a file begins as SQLite begins one with a rollback journal.

    Another mark would have SQLite make files beside it, also for a reader.
    """
    if header[:16] != b"SQLite format 3\0" or header[18:20] != b"\1\1":
        raise DamagedLogError("it does not begin as the table of a log does")


def check_beside(path: Path) -> None:
    """Raise DamagedLogError where beside a file lies what no log of citelog leaves there.

    A journal that names others (a super-journal, SQLite's word for it) would have SQLite delete what it names.
    """
    if path.with_name(f"{path.name}-wal").exists():
        raise DamagedLogError("beside it is a write-ahead log of SQLite, which no log of citelog has")
    journal = path.with_name(f"{path.name}-journal")
    if not journal.exists():
        return
    if not journal.is_file():
        raise DamagedLogError("beside it is a journal that is no file")
    try:
        with journal.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - len(_JOURNAL)))
            names_others = file.read() == _JOURNAL
    except OSError as error:
        raise DamagedLogError(f"the journal beside it cannot be read: {error.strerror}") from error
    if names_others:
        raise DamagedLogError("beside it is a journal that names other files, which no log of citelog leaves")


def _row(found: tuple[object, ...], number: int) -> Row:
    _, hashes, entry, salt, receipt = found
    kinds = isinstance(hashes, bytes) and isinstance(entry, bytes)
    if not kinds or not isinstance(salt, bytes | None) or not isinstance(receipt, bytes | None):
        raise DamagedLogError(f"entry {number} is not stored as bytes", number)
    assert isinstance(hashes, bytes) and isinstance(entry, bytes)
    return Row(number, hashes, entry, salt, receipt)
