"""What the cases of a knowledge base name: the conclusions, steps and statements that their authors expect.

A conclusion that they expect, and that no record at all can reach, is a name that is mistyped: `citelog test` says so
where the case fails, and an editor at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache

import yaml

from citelog.diagnostics import CitelogError, Diagnostic, Span, meant
from citelog.edit.lines import Lines
from citelog.edit.mentions import Mention, Thing
from citelog.explain.catalogue import catalogue, goal
from citelog.knowledge.base import Knowledge

_EXPECT = re.compile(r"(?ms)^expect\s*:(?P<block>.*?)(?=^[^\s#]|\Z)")
_EXPECT_JSON = re.compile(r"\"expect\"\s*:\s*(?=\{)")
_NAMED = re.compile(r"#[^\n]*|(?P<id>(?:(?P<kind>[a-z][a-z-]*):(?=\w))?(?P<local>[A-Za-z][\w-]*))(?P<key>[\"']?\s*:)?")
_LISTS, _TABLES = ("include", "exclude", "proofs"), ("cites", "facts")
"""The expectations that are lists of conclusions, and those that are about each of some."""
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
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


def unreachable(knowledge: Knowledge, text: str, file: str) -> Iterator[Diagnostic]:
    """The conclusions that a case expects and that the knowledge base can never draw, each at its place."""
    for id_, at in _expected(text):
        try:
            goal(knowledge, id_)
        except CitelogError as error:
            lines = Lines(text, "utf-32")  # as findings count
            line, column = lines.position(at)
            hint = meant(id_, catalogue(knowledge)) or error.remedy
            shown = text[slice(*lines.extent(line))]
            yield Diagnostic("unknown-conclusion", Span(file, line + 1, column + 1), error.what, hint, shown)


@lru_cache(maxsize=1024)
def _expected(text: str) -> tuple[tuple[str, int], ...]:
    """The ids of the conclusions that a case expects, and where they begin; none while it is no YAML."""
    start, end = _block(text)
    try:
        expect = yaml.compose(text[start:end], Loader=_LOADER)
    except yaml.YAMLError:
        return ()
    found = []
    for key, value in expect.value if isinstance(expect, yaml.MappingNode) else ():
        if key.value in _LISTS and isinstance(value, yaml.SequenceNode):
            found += value.value
        elif key.value in _TABLES and isinstance(value, yaml.MappingNode):
            found += [id_ for id_, _ in value.value]
    return tuple(
        (one.value, start + one.start_mark.index + (one.style in ("'", '"')))
        for one in found
        if isinstance(one, yaml.ScalarNode)
    )


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
