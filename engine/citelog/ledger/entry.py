"""What stands in a log: the entry that opens it, one for each assessment, and one for each erasure.

An entry is canonical JSON (keys in order, no blanks), and its bytes are the leaf of the tree. It holds nothing about a
patient. Of the receipt it has the *salted hash*: SHA-256 over 32 random bytes and the receipt's own SHA-256. The salt
stands beside the entry, not in it, and the entry has the salt's hash. So whoever has receipt and salt can show that the
receipt is this entry's; whoever has only the entries cannot guess a record, however few there could be; and when the
salt is erased nobody can tell any more whose entry it was, while the tree still verifies.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from citelog.ledger.note import PublicKey

FORMAT = "citelog-log-entry/1"
KEEP = ("hashes", "whole")
"""What a log keeps of a receipt: its salted hash alone, or all of it beside the entry."""

KINDS = {
    "opening": ("origin", "keep", "public_key", "engine"),
    "assessment": ("asked", "knowledge", "engine", "receipt", "salt"),
    "erasure": ("of",),
}
"""Every kind of entry, and what one says beside its number and its time."""


@dataclass(frozen=True, slots=True)
class Record:
    """An assessment that is to be entered: what was asked, of which knowledge and engine, and its receipt.

    `asked` names a command or an interface, never a patient; nor do `knowledge` and `engine`, which are as in the
    assessment document.
    """

    asked: str
    knowledge: Mapping[str, str]
    engine: Mapping[str, str]
    receipt: bytes


def opening(time: str, key: PublicKey, keep: str, engine: str) -> bytes:
    """The first entry: whose log it is, what it keeps, who signs it, and what made it."""
    said = {"origin": key.name, "keep": keep, "public_key": key.text, "engine": {"citelog": engine}}
    return _entry("opening", 0, time, said)


def assessment(number: int, time: str, record: Record, salt: bytes) -> bytes:
    """The entry of an assessment."""
    return _entry(
        "assessment",
        number,
        time,
        {
            "asked": record.asked,
            "knowledge": dict(record.knowledge),
            "engine": dict(record.engine),
            "receipt": salted(salt, record.receipt).hex(),
            "salt": hashlib.sha256(salt).hexdigest(),
        },
    )


def erasure(number: int, time: str, of: int) -> bytes:
    """The entry that says that what stood beside an earlier one was erased."""
    return _entry("erasure", number, time, {"of": of})


def salted(salt: bytes, receipt: bytes) -> bytes:
    """The hash under which a receipt is entered."""
    return salted_hash(salt, hashlib.sha256(receipt).digest())


def salted_hash(salt: bytes, receipt_sha256: bytes) -> bytes:
    """The same, of a receipt whose SHA-256 is known."""
    return hashlib.sha256(salt + receipt_sha256).digest()


def read(entry: bytes) -> dict[str, Any]:
    """An entry as data; raises ValueError where it is none that this module writes."""
    try:
        found = json.loads(entry)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(found, dict) or found.get("format") != FORMAT or str(found.get("kind")) not in KINDS:
        raise ValueError("it is no entry of a log")
    if not {"number", "time", *KINDS[found["kind"]]} <= found.keys() or found.get("keep", KEEP[0]) not in KEEP:
        raise ValueError("it does not say what an entry of its kind says")
    if canonical(found) != entry:
        raise ValueError("it is not written in the one way in which entries are")
    return found


def _entry(kind: str, number: int, time: str, said: Mapping[str, Any]) -> bytes:
    return canonical({"format": FORMAT, "kind": kind, "number": number, "time": time, **said})


def canonical(document: Mapping[str, Any]) -> bytes:
    """JSON with one way to write it: for what an entry holds, that of RFC 8785.

    >>> canonical({"b": 1, "a": "µ"}).decode()
    '{"a":"µ","b":1}'
    """
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
