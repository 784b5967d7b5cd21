"""What can be told of a line of an export before it is read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

_CONTROL = bytes(one for one in (*range(32), 127) if one not in b"\t\r\n")

_C1 = re.compile(rb"\xc2[\x80-\x9f]")

_ODD = re.compile(rb"\\u(?:00[0189]|007[fF]|[dD][89a-fA-F])")


def is_plain(line: bytes, size: int, count: int) -> bool:
    """Whether nothing can be wrong with a line: no control characters, no key twice, text that is UTF-8.

    `size` is the length of all `count` elements that are known, so what is more in the line is an element twice.
    """
    if len(line.translate(None, _CONTROL)) != len(line):
        return False
    if not line.isascii():
        try:
            line.decode()
        except UnicodeDecodeError:
            return False
        if _C1.search(line):
            return False
    between = 6 * count if b'": ' in line[:20] else 4 * count + 1  # {"a": 1, "b": 2} and {"a":1,"b":2}
    return len(line) == size + between


def is_odd(line: bytes) -> bool:
    """Whether an escape of a line may stand for a character that may not stand in a record."""
    return b"\\u" in line and _ODD.search(line) is not None


def identity_of(kind: bytes, elements: Mapping[str, msgspec.Raw]) -> int:
    id_ = elements.get("id")
    if id_ is None:
        return 0
    return int.from_bytes(hashlib.blake2b(kind.strip(b'"') + bytes(id_), digest_size=8).digest(), "big", signed=True)


def text_of(raw: bytes) -> str:
    found = decoded(raw)
    return found if isinstance(found, str) else ""


def decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
