"""A log as lines of text: what was found out about it, an entry of it, and what is shown to others."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from citelog.ledger.note import Checkpoint, PublicKey
from citelog.ledger.proofs import Comparison, Proof
from citelog.ledger.verified import Verification
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted

KEEPS = {"hashes": "of each receipt its salted hash, nothing else", "whole": "each receipt whole, beside its entry"}


def verification(found: Verification, name: str, width: int = WIDTH) -> Iterator[Line]:
    """Whether a log is what was signed, what is wrong first."""
    head = found.checkpoint
    if found.holds and head:
        yield Line(f"{name}: {_entries(head.size)}, as they were entered and signed", "bold green")
    else:
        bad = [fault.number for fault in found.faults if fault.number is not None]
        first = f"; the first bad entry is {min(bad)}" if bad else ""
        yield Line(f"{name}: not as it was signed{first}", "bold red")
        for fault in found.faults:
            yield from wrapped(f"  {fault.code}  {fault.text}", width, "      ", "red")
    yield from _about(found.key, found.keep, head)
    for notice in found.notices:
        yield from wrapped(f"  ! {notice}", width, "    ", "yellow")
    if found.holds and found.trusted:
        yield from wrapped(f"  It agrees with the {' and the '.join(found.trusted)} that you hold.", width, "  ")
    elif found.holds:
        yield from wrapped(
            "  Nothing from elsewhere was held against it, and whoever can replace the folder can make all of it anew:"
            " give a checkpoint that you kept (--checkpoint), or the key that you were given (--public-key).",
            width,
            "  ",
            "yellow",
        )


def overview(key: PublicKey, keep: str, head: Checkpoint, name: str) -> Iterator[Line]:
    """What a log says of itself."""
    yield Line(f"{name}: {_entries(head.size)}", "bold")
    yield from _about(key, keep, head)


def _about(key: PublicKey, keep: str, head: Checkpoint | None) -> Iterator[Line]:
    yield Line(f"  origin      {key.name}")
    if keep:
        yield Line(f"  keeps       {KEEPS.get(keep, keep)}")
    if head:
        yield Line(f"  root        {base64.b64encode(head.root).decode()}")
    yield Line(f"  public key  {key.text}")


def entry(number: int, said: Mapping[str, Any], salt: bytes | None, receipt: bytes | None) -> Iterator[Line]:
    """An entry, and what stands beside it."""
    yield Line(f"entry {number}: {said['kind']}, {said['time']}", "bold")
    for key, value in said.items():
        if key in ("format", "kind", "number", "time"):
            continue
        below = [f"{name} {part}" for name, part in value.items()] if isinstance(value, dict) else [value]
        for i, shown in enumerate(below):
            yield Line(f"  {'' if i else key:10}  {shown}")
    if said["kind"] == "assessment":
        beside = f"salt {salt.hex()}" if salt else "its salt was erased: nobody can tell any more whose entry it is"
        yield Line(f"  beside it   {beside}")
        if receipt is not None:
            yield Line(f"              the receipt, {len(receipt):,} bytes")


def checked(
    proof: Proof, wrong: list[str], said: Mapping[str, Any], by: str, receipt: str | None, width: int = WIDTH
) -> Iterator[Line]:
    """Whether a proof holds; `by` says what it was held against, `receipt` is the file that it is about."""
    head = proof.signed.checkpoint
    if wrong:
        yield Line("the proof does not hold", "bold red")
        for what in wrong:
            yield from wrapped(f"  {what}", width, "    ", "red")
        return
    where = f"{head.origin}, among its first {_entries(head.size)}"
    what = f"{receipt} is entry {proof.number} of" if receipt else f"entry {proof.number} is in"
    yield Line(f"{what} {where}", "bold green")
    yield from entry(proof.number, said, proof.salt, None)
    yield Line(f"  held against {by}")


def comparison(found: Comparison, width: int = WIDTH) -> Iterator[Line]:
    """Whether a log only grew between two checkpoints."""
    old, new = found.old, found.new
    if found.wrong:
        yield Line(f"{old.origin}: the two checkpoints are not of one history", "bold red")
        for what in found.wrong:
            yield from wrapped(f"  {what}", width, "    ", "red")
    elif old == new:
        yield Line(f"{old.origin}: the two checkpoints are the same", "bold green")
    else:
        grown = f"from {old.size:,} to {_entries(new.size)}, and what was there is unchanged"
        yield Line(f"{old.origin}: it grew {grown}", "bold green")
        yield Line(f"  shown by {counted(len(found.path), 'hash', 'hashes')} of its tree")


def _entries(number: int) -> str:
    return f"{number:,} {'entry' if number == 1 else 'entries'}"
