"""What can be shown about a log to somebody who does not have it: that an entry is in it, and that it only grew.

A proof of an entry is a C2SP tlog-proof: the number of the entry, its inclusion path, and the signed checkpoint that
the path leads to. In the place that the format has for it (`extra`) stand the entry and its salt: nobody has to believe
them, since the path leads to the checkpoint from no other entry.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog.diagnostics import CitelogError
from citelog.ledger import entry, tree
from citelog.ledger.log import readable, reading
from citelog.ledger.note import Checkpoint, NoteError, PublicKey, Signed, from_base64, in_base64
from citelog.ledger.rows import DamagedLogError, Rows

FIRST = "c2sp.org/tlog-proof@v1"
LONGEST = 1_000_000
"""How many characters of a proof are read."""


@dataclass(frozen=True, slots=True)
class Proof:
    """That an entry is in a log: the entry and its salt, the path from it, and the checkpoint that it leads to."""

    number: int
    entry: bytes
    salt: bytes | None
    path: tuple[bytes, ...]
    signed: Signed

    @property
    def text(self) -> str:
        """The proof as a file."""
        beside = {"entry": self.entry.decode(), "salt": self.salt.hex() if self.salt else None}
        extra = in_base64(entry.canonical(beside))
        lines = [FIRST, f"extra {extra}", f"index {self.number}", *map(in_base64, self.path)]
        return "\n".join(lines) + f"\n\n{self.signed.note.decode()}"

    @classmethod
    def read(cls, text: str) -> Proof:
        """Read a file; raises NoteError where it is no proof."""
        body, blank, note = text[:LONGEST].partition("\n\n")
        lines = body.split("\n")
        if not blank or len(lines) < 3 or lines[0] != FIRST or not lines[1].startswith("extra "):
            raise NoteError(f"it does not begin with {FIRST}, an extra line and an index")
        word, _, number = lines[2].partition(" ")
        if word != "index" or not number.isdecimal() or str(int(number[:20])) != number:
            raise NoteError("its third line is no index")
        try:
            beside = json.loads(from_base64(lines[1].removeprefix("extra ")))
            written, salt = beside["entry"].encode(), beside["salt"]
            salted = bytes.fromhex(salt) if salt is not None else None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise NoteError("its extra line does not hold an entry and a salt") from error
        return cls(int(number), written, salted, tuple(map(from_base64, lines[3:])), Signed.read(note.encode()))


def prove(path: Path, number: int, earlier: bytes | None = None) -> Proof:
    """The proof of an entry, against the log's own checkpoint or one that it signed earlier.

    Raises CitelogError where there is no such entry, or the log is not what was signed.
    """
    with reading(path) as (folder, rows):
        given = "that checkpoint" if earlier is not None else "its checkpoint"
        signed = readable(earlier if earlier is not None else rows.head(), given)
        size = signed.checkpoint.size
        if not 0 <= number < size:
            raise CitelogError(
                f"{path}: {given} is over {size:,} entries, from 0 to {size - 1:,}, and {number} is not among them",
                "name one of them",
            )
        if size > rows.size():
            raise DamagedLogError(f"{given} is over {size:,} entries, and there are {rows.size():,}")
        return _proved(rows, number, signed, folder.public_key())


def _proved(rows: Rows, number: int, signed: Signed, key: PublicKey) -> Proof:
    """The proof of an entry, which holds; raises DamagedLogError where none does."""
    row = rows.row(number)
    found = Proof(number, row.entry, row.salt, tree.inclusion(rows.node, number, signed.checkpoint.size), signed)
    if wrong := check(found, key):
        raise DamagedLogError(wrong[0], number)
    return found


def check(
    proof: Proof, key: PublicKey | None = None, checkpoint: bytes | None = None, receipt: bytes | None = None
) -> list[str]:
    """What is wrong with a proof: nothing, if the entry is in the log that the key signs, or that the checkpoint is of.

    With `receipt`, also whether it is that receipt that was entered. It needs neither the log nor the folder. Raises
    CitelogError where a checkpoint is given that is of another size: it says nothing about this proof.
    """
    head = proof.signed.checkpoint
    wrong = []
    if checkpoint is not None:
        held = readable(checkpoint, "that checkpoint").checkpoint
        if (held.origin, held.size) != (head.origin, head.size):
            what = f"the proof is for {head.origin} at {head.size:,} entries, the checkpoint of {held.origin} at"
            ask = f"ask for a proof to it: citelog audit log prove LOG {proof.number} --checkpoint FILE"
            raise CitelogError(f"{what} {held.size:,}", ask)
        if held != head:
            wrong.append(
                f"the checkpoint in the proof is not the one that you hold: two roots of {head.size:,} entries"
            )
    if key is not None and (head.origin != key.name or not proof.signed.by(key)):
        wrong.append("the checkpoint in the proof is not signed by that key")
    if not tree.includes(head.root, head.size, proof.number, tree.leaf_hash(proof.entry), proof.path):
        wrong.append(f"the path does not lead from this entry, as number {proof.number}, to the checkpoint")
    try:
        said = entry.read(proof.entry)
    except ValueError as error:
        wrong.append(f"the entry: {error}")
        said = {}
    if said and said.get("number") != proof.number:
        wrong.append(f"the entry says that it is number {said.get('number')}")
    if said and proof.salt is not None and hashlib.sha256(proof.salt).hexdigest() != said.get("salt"):
        wrong.append("the salt beside the entry is not the one that it was entered with")
    if receipt is not None and not wrong:
        wrong += _receipt(proof, said, receipt)
    return wrong


def _receipt(proof: Proof, said: dict[str, Any], receipt: bytes) -> list[str]:
    if said["kind"] != "assessment":
        return [f"entry {proof.number} is no assessment, and has no receipt"]
    if proof.salt is None:
        return [f"the salt of entry {proof.number} was erased: nobody can tell any more whose entry it is"]
    if entry.salted(proof.salt, receipt).hex() != said.get("receipt"):
        return [f"the receipt is not the one that was entered as {proof.number}"]
    return []


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two checkpoints of a log, and what is wrong between them: nothing, if the log only grew from one to the other.

    `path` is the consistency proof, from the log, of which each was verified.
    """

    old: Checkpoint
    new: Checkpoint
    path: tuple[bytes, ...]
    wrong: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The comparison as data; hashes as they are written in checkpoints."""
        heads = {
            name: {"origin": c.origin, "size": c.size, "root": in_base64(c.root)}
            for name, c in (("old", self.old), ("new", self.new))
        }
        return {
            "format": "citelog-log-comparison/1",
            "holds": not self.wrong,
            **heads,
            "path": [in_base64(hash_) for hash_ in self.path],
            "wrong": list(self.wrong),
        }


def compare(path: Path, old: bytes, new: bytes, key: PublicKey | None = None) -> Comparison:
    """Whether the log that the newer checkpoint is of begins with what the older one is of.

    Raises CitelogError where one of them cannot be read, or the folder is none of a log.
    """
    first, second = readable(old, "the old checkpoint"), readable(new, "the new checkpoint")
    a, b = first.checkpoint, second.checkpoint
    with reading(path) as (folder, rows):
        trust = key or folder.public_key()
        wrong = [
            f"the {name} checkpoint is not signed by {trust.name}+{trust.id.hex()}"
            for name, signed in (("old", first), ("new", second))
            if signed.checkpoint.origin != trust.name or not signed.by(trust)
        ]
        proof: tuple[bytes, ...] = ()
        if a.origin != b.origin:
            wrong.append(f"they are of two logs: {a.origin} and {b.origin}")
        elif a.size > b.size:
            wrong.append(f"rolled back: the old one is over {a.size:,} entries, the new one over {b.size:,}")
        elif a.size == b.size:
            if a.root != b.root:
                wrong.append(f"split view: two roots of the same {a.size:,} entries; two stories were signed")
        elif b.size > rows.size():
            wrong.append(f"the log is cut back: it holds {rows.size():,} entries, and the new one is over {b.size:,}")
        else:
            proof = tree.consistency(rows.node, a.size, b.size)
            if not tree.extends(a.root, a.size, b.root, b.size, proof):
                wrong.append(_which(rows, a, b))
        return Comparison(a, b, proof, tuple(wrong))


def _which(rows: Rows, old: Checkpoint, new: Checkpoint) -> str:
    """What does not fit, where the log cannot connect two checkpoints."""
    fits = {name: tree.Edge.of(rows.node, c.size).root == c.root for name, c in (("old", old), ("new", new))}
    if not any(fits.values()):
        return "the log is of neither: it begins with other entries than both were signed over"
    stranger = next(name for name, fit in fits.items() if not fit)
    story = "its entries were changed since" if stranger == "old" else "it tells another story than this log"
    return f"the log does not go through the {stranger} checkpoint: {story}"


def find(path: Path, receipt: bytes) -> list[int]:
    """The numbers of the entries of a receipt: each salt is tried on it, and what is found is proved.

    Raises CitelogError where one is not what was signed.
    """
    hash_ = hashlib.sha256(receipt).digest()
    with reading(path) as (folder, rows):
        likely = [n for n, salt, text in rows.salted() if entry.salted_hash(salt, hash_).hex().encode() in text]
        if likely:
            signed, key = readable(rows.head(), "its checkpoint"), folder.public_key()
            for number in likely:
                proof = _proved(rows, number, signed, key)
                if wrong := _receipt(proof, entry.read(proof.entry), receipt):
                    raise DamagedLogError(wrong[0], number)
    return likely
