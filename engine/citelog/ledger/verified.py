"""Whether a log is what it was: every entry, every stored hash, and the checkpoints that were signed over them.

Each fault has a word and, where it is about an entry, its number. Nothing is written: who looks changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from citelog.ledger import entry
from citelog.ledger.folder import Folder
from citelog.ledger.log import readable
from citelog.ledger.note import Checkpoint, NoteError, PublicKey, Signed
from citelog.ledger.rows import DamagedLogError, MissingError, Row, Rows
from citelog.ledger.tree import EMPTY, WIDTH, Edge, completes, leaf_hash, node_hash

CODES = {
    "unreadable": "SQLite cannot read the file from this entry on, or it is not the table of a log",
    "entry-missing": "an entry is not there",
    "entry-changed": "an entry is not the one whose hash is stored, or is none that a log holds",
    "hash-changed": "a stored hash above the entries is not what the hashes below it give",
    "salt-changed": "the salt beside an entry is not the one that it was entered with",
    "salt-missing": "the salt beside an entry is gone, and no later entry says that it was erased",
    "receipt-changed": "the receipt beside an entry is not the one that was entered, or none belongs there",
    "not-signed": "the entries are not those that the checkpoint was signed over",
    "cut-back": "a checkpoint was signed over more entries than there are",
    "not-continued": "the log does not begin with the entries that an earlier checkpoint was signed over",
    "checkpoint-damaged": "a checkpoint cannot be read, or its signature is not that of the key that it names",
    "other-key": "a checkpoint or the log is signed by another key than the one that is trusted",
    "file-damaged": "SQLite's own check of the file finds something wrong, though every entry can be read",
}
SHOWN = 20
"""How many faults are told; then nothing more is looked at. The first says where to begin."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was: a word of CODES, a sentence, and the entry, where it is about one."""

    code: str
    text: str
    number: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fault as data."""
        return {"code": self.code, "entry": self.number, "text": self.text}


@dataclass(frozen=True, slots=True)
class Verification:
    """What was found out about a log.

    `origin`, `keep` and `key` are what the log says of itself; `checkpoint` is the last that it signed, where that can
    be read; `read` counts the entries that were looked at; `trusted` says what was held against it from elsewhere.
    """

    origin: str
    keep: str
    key: PublicKey
    checkpoint: Checkpoint | None
    read: int
    faults: tuple[Fault, ...]
    notices: tuple[str, ...]
    trusted: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """The verification as data."""
        head = self.checkpoint
        return {
            "format": "citelog-log-verification/1",
            "holds": self.holds,
            "origin": self.origin,
            "keep": self.keep,
            "public_key": self.key.text,
            "size": head.size if head else None,
            "root": head.root.hex() if head else None,
            "read": self.read,
            "faults": [fault.to_dict() for fault in self.faults],
            "notices": list(self.notices),
            "trusted": list(self.trusted),
        }


Tick = Callable[[str, int, int], None]


def verify(
    path: Path,
    earlier: bytes | None = None,
    key: PublicKey | None = None,
    salts: bool = True,
    tick: Tick = lambda *_: None,
) -> Verification:
    """Look at everything in a log; with `earlier`, whether it still begins with what that checkpoint was signed over.

    `key` is the key to trust, if it is known from elsewhere. Without `salts` it is a copy that was made without them.
    Raises CitelogError where the folder is none of a log, or the earlier checkpoint cannot be read.
    """
    folder = Folder(path)
    folder.check()
    if earlier is not None:
        readable(earlier, "the earlier checkpoint")
    while True:
        found, again = _once(folder, earlier, key, salts, tick)
        if not again:
            return found


def _once(
    folder: Folder, earlier: bytes | None, key: PublicKey | None, salts: bool, tick: Tick
) -> tuple[Verification, bool]:
    """One look, and whether to look again: a writer was ended meanwhile, and SQLite cannot read past what it left."""
    own = folder.public_key()
    with ExitStack() as stack:
        with folder.lock(write=False):  # only until it is known what to look at: nobody waits for an audit
            notices = _left_over(folder)
            beside = folder.read("checkpoint")
            try:
                rows = stack.enter_context(folder.table_to_read())
                held = Held(rows.size(), rows.head(), beside)
            except DamagedLogError as error:  # not even the table
                fault = Fault("unreadable", error.what, error.number)
                return Verification(own.name, "", own, None, 0, (fault,), notices, ()), False
        found = look(rows, held, own, earlier, key, salts, tick)
        again = not found.holds and not notices and folder.journal.exists()
        return replace(found, notices=notices + found.notices), again


def _left_over(folder: Folder) -> tuple[str, ...]:
    if not folder.journal.exists():
        return ()
    return (
        f"{folder.journal.name} is left over: an append was interrupted before it was acknowledged; a copy was looked"
        " at, in which it is undone, and the next append will undo it here",
    )


@dataclass(frozen=True, slots=True)
class Held:
    """What a log is to be held against: how many entries it has, and its signed checkpoint inside and beside."""

    size: int
    inside: bytes
    beside: bytes


def look(
    rows: Rows,
    held: Held,
    own: PublicKey,
    earlier: bytes | None = None,
    key: PublicKey | None = None,
    salts: bool = True,
    tick: Tick = lambda *_: None,
    most: int = SHOWN,
) -> Verification:
    """Look at an open table, the checkpoint file beside it, and the key that the log names."""
    heads = [_Head("the checkpoint in log.sqlite", held.inside), _Head("the file checkpoint", held.beside)]
    if earlier is not None:
        heads.append(_Head("the earlier checkpoint", earlier))
    walk = _Walk(tick, salts, most, {head.signed.checkpoint.size for head in heads if head.signed})
    walk.over(rows, held.size)
    faults, trust = [*walk.faults], key or own
    if own != trust:
        faults.append(Fault("other-key", f"the log names the key {own.text}, and {trust.text} is trusted"))
    if walk.opening and walk.opening.get("public_key") != own.text:
        faults.append(Fault("other-key", "the file public-key is not the key that the first entry names"))
    for head in heads:
        faults += head.faults(trust, held.size, walk)
    if not faults:
        faults += [Fault("file-damaged", text) for text in rows.faults()]
    last, outside = (head.signed.checkpoint if head.signed else None for head in heads[:2])
    notices: tuple[str, ...] = ()
    if last and outside and outside.size < last.size and not faults:
        behind = f"the file checkpoint is {last.size - outside.size} behind"
        notices = (f"{behind}: whoever wrote these entries was ended before they were acknowledged",)
    given = (("public key", key), ("earlier checkpoint", earlier))
    trusted = tuple(what for what, thing in given if thing is not None)
    keep = str(walk.opening.get("keep", ""))
    return Verification(own.name, keep, own, last, walk.read, tuple(faults[:SHOWN]), notices, trusted)


class _Head:
    """A checkpoint that is held against the log."""

    def __init__(self, where: str, note: bytes) -> None:
        self.where, self.why = where, ""
        self.signed: Signed | None = None
        try:
            self.signed = Signed.read(note)
        except NoteError as error:
            self.why = str(error)

    def faults(self, key: PublicKey, size: int, walk: _Walk) -> Iterator[Fault]:
        """What is wrong with it, or with the log if it is believed."""
        if self.signed is None:
            yield Fault("checkpoint-damaged", f"{self.where} cannot be read: {self.why}")
            return
        found, inside = self.signed.checkpoint, self.where.endswith("log.sqlite")
        if not any((s.name, s.id) == (key.name, key.id) for s in self.signed.signatures):
            yield Fault("other-key", f"{self.where} is not signed by {key.name}+{key.id.hex()}, but by another key")
        elif found.origin != key.name or not self.signed.by(key):
            yield Fault("checkpoint-damaged", f"{self.where} is not what was signed: the signature does not fit")
        if found.size > size:
            yield Fault(
                "cut-back", f"{self.where} was signed over {found.size:,} entries, and there are {size:,}", size
            )
        elif inside and found.size < size:
            what = f"the entries from {found.size:,} on are in no checkpoint that was signed"
            yield Fault("not-signed", what, found.size)
        elif walk.roots[found.size] not in (None, found.root):
            code = "not-signed" if inside else "not-continued"
            yield Fault(code, f"the first {found.size:,} entries are not those that {self.where} was signed over")


class _EnoughError(Exception):
    """So much is wrong that there is no need to look on."""


class _Walk:
    """Reads the entries in order and checks each with what stands before it."""

    def __init__(self, tick: Tick, salts: bool, most: int, sizes: Iterable[int]) -> None:
        self.tick, self.salts, self.most = tick, salts, most
        self.roots: dict[int, bytes | None] = dict.fromkeys(sizes)  # asked for, and found on the way
        self.faults: list[Fault] = []
        self.read = 0
        self.opening: dict[str, Any] = {}
        self.erased: set[int] = set()
        self.gone: list[int] = []

    def over(self, rows: Rows, size: int) -> None:
        """Look at every entry of a table."""
        peaks: list[bytes] = []
        if 0 in self.roots:
            self.roots[0] = EMPTY
        with suppress(_EnoughError):
            self._over(rows, size, peaks)
        self.faults.sort(key=lambda fault: fault.number or 0)

    def _over(self, rows: Rows, size: int, peaks: list[bytes]) -> None:
        try:
            for row in rows.rows(size):
                if row.number % 10_000 == 0:
                    self.tick("entries", row.number, size)
                self._entry(row)
                self._hashes(row, peaks)
                if row.number + 1 in self.roots:
                    self.roots[row.number + 1] = Edge(row.number + 1, tuple(peaks)).root
                self.read += 1
        except DamagedLogError as error:
            code = "entry-missing" if isinstance(error, MissingError) else "unreadable"
            self._found(code, error.what, error.number)
        for number in self.gone:
            if number not in self.erased:
                what = f"entry {number}: its salt is gone, and no entry says that it was erased"
                self._found("salt-missing", what, number)
        for number in sorted(self.erased - set(self.gone)) if self.salts else ():
            self._found("salt-changed", f"entry {number}: what was erased beside it is there again", number)

    def _found(self, code: str, what: str, number: int) -> None:
        self.faults.append(Fault(code, what, number))
        if len(self.faults) >= self.most:
            raise _EnoughError

    def _entry(self, row: Row) -> None:
        n = row.number
        try:
            said = entry.read(row.entry)
        except ValueError:
            self._found("entry-changed", f"entry {n}: it is no entry of a log", n)
            return
        if said.get("number") != n:
            self._found("entry-changed", f"entry {n}: it says that it is entry {said.get('number')}", n)
        if (said["kind"] == "opening") != (n == 0):
            self._found("entry-changed", f"entry {n}: the entry that opens a log is the first, and no other", n)
        if n == 0:
            self.opening = said
        if said["kind"] == "erasure" and isinstance(said.get("of"), int):
            self.erased.add(said["of"])
        if said["kind"] == "assessment":
            self._beside(row, said)
        elif row.salt is not None or row.receipt is not None:
            self._found("receipt-changed", f"entry {n}: something stands beside it, and nothing belongs there", n)

    def _beside(self, row: Row, said: dict[str, Any]) -> None:
        n, salt, receipt = row.number, row.salt, row.receipt
        if not self.salts:
            if salt is not None or receipt is not None:
                self._found("receipt-changed", f"entry {n}: something stands beside it, in a copy without salts", n)
            return
        if salt is None:
            self.gone.append(n)
        elif hashlib.sha256(salt).hexdigest() != said.get("salt"):
            self._found("salt-changed", f"entry {n}: its salt is not the one that it was entered with", n)
        if self.opening.get("keep") == "whole":
            whole = (
                salt is None if receipt is None else salt and entry.salted(salt, receipt).hex() == said.get("receipt")
            )
        else:
            whole = receipt is None
        if not whole:
            self._found("receipt-changed", f"entry {n}: the receipt beside it is not the one that was entered", n)

    def _hashes(self, row: Row, peaks: list[bytes]) -> None:
        n = row.number
        stored = [row.hashes[i : i + WIDTH] for i in range(0, len(row.hashes), WIDTH)]
        if not stored or leaf_hash(row.entry) != stored[0]:
            self._found("entry-changed", f"entry {n}: it is not the one whose hash is stored", n)
        levels = completes(n) + 1
        if len(row.hashes) != levels * WIDTH:
            self._found("hash-changed", f"entry {n}: it has {len(stored)} hashes in place of {levels}", n)
        hash_ = stored[0] if stored else EMPTY
        for level in range(1, levels):
            hash_ = node_hash(peaks.pop(), hash_)
            if level < len(stored):
                if stored[level] != hash_:
                    self._found("hash-changed", f"entry {n}: the hash of level {level} is not what those below give", n)
                hash_ = stored[level]
        peaks.append(hash_)
