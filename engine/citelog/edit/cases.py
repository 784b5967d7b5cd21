"""What the cases of a knowledge base name: the conclusions, steps and statements that their authors expect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from citelog.edit.mentions import Mention, Thing

_EXPECT = re.compile(r"(?ms)^expect\s*:(?P<block>.*?)(?=^[^\s#]|\Z)")
_EXPECT_JSON = re.compile(r"\"expect\"\s*:\s*(?=\{)")
_NAMED = re.compile(r"#[^\n]*|(?P<id>(?:(?P<kind>[a-z][a-z-]*):(?=\w))?(?P<local>[A-Za-z][\w-]*))(?P<key>[\"']?\s*:)?")
_KEYS = ("include", "exclude", "steps", "at", "cites", "proofs")


def mentions(text: str) -> Iterator[Mention]:
    """What the expectations of a case name.

    >>> [m.thing.name for m in mentions("id: one\\nexpect:\\n  include: [treat:now]\\n  cites: {treat:now: [G01]}\\n")]
    ['treat:now', 'treat:now', 'G01']
    """
    for found in _NAMED.finditer(text, *_block(text)):
        if not found["id"] or (found["local"] in _KEYS and found["key"] and not found["kind"]):
            continue
        thing = Thing("conclusion", found["id"]) if found["kind"] else Thing("word", found["local"])
        yield Mention(*found.span("id"), thing, "uses", found.span("local"))


def _block(text: str) -> tuple[int, int]:
    """Where the expectations stand; nowhere, if there are none that can be read."""
    if expect := _EXPECT.search(text):
        return expect.span("block")
    if expect := _EXPECT_JSON.search(text):
        try:
            return expect.end(), json.JSONDecoder().raw_decode(text, expect.end())[1]
        except json.JSONDecodeError:
            return 0, 0
    return 0, 0
