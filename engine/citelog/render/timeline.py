"""A picture of the regimen steps of an assessment: what is done, what is now, what comes next, role by role.

The picture is an order, not a scale: a block is as wide as any other, and how long a step lasts is written on it.
What the document leaves open is drawn open: an end without a length, a range, a field that it does not state.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from citelog.assess import Assessment, Conclusion
from citelog.render.phrases import caption
from citelog.render.template import fill

ROLES = ("recommended", "alternative", "evidence-option", "may-be-indicated", "provisional")
"""The order of the lanes; a role that is not among them follows, by its name."""

STEPS = ("done", "now", "next")
"""The order of the columns; what follows a step of the last one stands further on."""

LENGTHS = ("duration",)
"""The fields that say how long a step lasts: they shape the end of its block."""

BLOCK, GAP, MARGIN, TOP, NARROWEST = 204, 30, 16, 58, 490
LINE, LETTER = 17, 7.3
"""The height of a line of text and the width that a letter is given, wide enough for most: nothing is measured."""


@dataclass(frozen=True, slots=True)
class Text:
    """One line of writing on a block, `y` below its top.

    `style` is `name`, `stated`, `range` (the document gives one) or `missing` (it states nothing), and `length` beside
    these for how long the step lasts.
    """

    text: str
    y: int
    style: str


@dataclass(frozen=True, slots=True)
class Block:
    """One step, as wide as every other.

    `end` is `stated`, `range`, `open` (in words, without a length) or `missing` (not stated). `begin` is `joined`
    where it follows the block before it, `open` where it is to come and no step before it is shown, else `drawn`.
    """

    x: int
    y: int
    height: int
    value: str
    step: str
    texts: tuple[Text, ...]
    begin: str
    end: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The blocks of one role."""

    role: str
    y: int
    height: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column by its heading; `present` is the one of what is to be done now."""

    heading: str
    x: int
    present: bool


@dataclass(frozen=True, slots=True)
class Sign:
    """One entry of the key: how something open is drawn, and what that means."""

    kind: str
    text: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Picture:
    """The whole picture: its columns (`done`, `now`, …), lanes, key, each step in words, and in lines whose it is."""

    columns: tuple[Column, ...]
    lanes: tuple[Lane, ...]
    signs: tuple[Sign, ...]
    described: tuple[str, ...]
    caption: tuple[str, ...]
    width: int
    height: int


def timeline(found: Assessment, styled: bool = True) -> str:
    """The regimen steps of an assessment as an SVG picture, with its style or without; empty where there are none."""
    drawn = picture(found)
    if drawn is None:
        return ""
    return fill("timeline.svg", picture=drawn, block=BLOCK, gap=GAP, margin=MARGIN, line=LINE, styled=styled)


def picture(found: Assessment) -> Picture | None:
    """Where each regimen step of an assessment stands; None where there are none.

    Lanes are roles; a column is `done`, `now` or `next`. A step of which a statement says what it follows stands
    after that in one row, joined to it; no other order is drawn.
    """
    steps = [c for c in found.conclusions if "role" in c.details and "step" in c.details]
    if not steps:
        return None
    fields = next(kind.fields for kind in found.knowledge.kinds if kind.name == steps[0].kind)
    follows = {step.local: before.local for step, before in found.knowledge.follows.items()}
    rows = _rows(steps, follows)
    places = _columns(rows)
    used = sorted(set(places.values()))
    left = {column: MARGIN + i * (BLOCK + GAP) for i, column in enumerate(used)}
    y, lanes = TOP, []
    for role in sorted({c.details["role"] for c in steps}, key=lambda r: (_rank(r, ROLES), r)):
        own = [row for row in rows if row[0].details["role"] == role]
        lanes.append(_lane(role, own, {id_: left[column] for id_, column in places.items()}, fields, y))
        y += lanes[-1].height + LINE
    width = max(NARROWEST, 2 * MARGIN + len(used) * (BLOCK + GAP) - GAP)
    signs = tuple(_signs([block for lane in lanes for block in lane.blocks], y + MARGIN // 2, width))
    whose = tuple(_wrapped(caption(found), width - 2 * MARGIN, at_hyphens=True))
    return Picture(
        columns=tuple(Column(_heading(column), left[column], column == STEPS.index("now")) for column in used),
        lanes=tuple(lanes),
        signs=signs,
        described=tuple(_described(c, fields, follows.get(c.value)) for c in steps),
        caption=whose,
        width=width,
        height=signs[-1].y + TOP + LINE * (len(whose) - 1),
    )


def _rank(name: str, order: tuple[str, ...]) -> int:
    return order.index(name) if name in order else len(order)


def _rows(steps: list[Conclusion], follows: Mapping[str, str]) -> list[tuple[Conclusion, ...]]:
    """Steps that follow each other in one row; every other step in a row of its own."""
    named = {(c.value, c.details["role"]): c for c in steps}
    before = {c.id: named.get((follows.get(c.value, ""), c.details["role"])) for c in steps}
    followed = {b.id for b in before.values() if b is not None}
    rows = []
    for last in steps:
        if last.id in followed:
            continue
        row = [last]
        while (earlier := before[row[0].id]) is not None and earlier not in row:
            row.insert(0, earlier)
        rows.append(tuple(row))
    return sorted(rows, key=lambda row: (_rank(row[0].details["step"], STEPS), row[0].id))


def _columns(rows: list[tuple[Conclusion, ...]]) -> dict[str, int]:
    """The column of each step: its own, or the one after the step that it follows, whichever is further."""
    columns: dict[str, int] = {}
    for row in rows:
        at = -1
        for conclusion in row:
            at = max(at + 1, _rank(conclusion.details["step"], STEPS))
            columns[conclusion.id] = at
    return columns


def _heading(column: int) -> str:
    return STEPS[column].capitalize() if column < len(STEPS) else "After that"


def _lane(
    role: str, rows: list[tuple[Conclusion, ...]], left: Mapping[str, int], fields: tuple[str, ...], y: int
) -> Lane:
    top, blocks = y + 30, []
    for row in rows:
        written = [tuple(_written(c, fields)) for c in row]
        height = max(texts[-1].y for texts in written) + 12
        for i, (conclusion, texts) in enumerate(zip(row, written, strict=True)):
            step = str(conclusion.details["step"])
            begin = "joined" if i else "open" if step == STEPS[-1] else "drawn"
            block = Block(
                left[conclusion.id], top, height, conclusion.value, step, texts, begin, _end(conclusion.details)
            )
            blocks.append(block)
        top += height + 12
    return Lane(role, y, top - y, tuple(blocks))


def _written(conclusion: Conclusion, fields: tuple[str, ...]) -> Iterator[Text]:
    """The writing of a block: its name, then each field, how long it lasts last and set apart."""
    y = 3
    for line in _wrapped(conclusion.value, BLOCK - 24):
        y += LINE
        yield Text(line, y, "name")
    for name in (*(f for f in fields if f not in LENGTHS), *(f for f in fields if f in LENGTHS)):
        y += 5 if name in LENGTHS else 0
        stated = conclusion.details[name]
        style = "missing" if stated is None else "range" if isinstance(stated["value"], list) else "stated"
        for line in _wrapped(_said(name, stated), BLOCK - 24):
            y += LINE
            yield Text(line, y, f"{style} length" if name in LENGTHS else style)


def _wrapped(text: str, width: int, at_hyphens: bool = False) -> list[str]:
    return textwrap.wrap(text, int(width / LETTER), break_on_hyphens=at_hyphens)


def _said(name: str, stated: Mapping[str, Any] | None) -> str:
    if stated is None:
        return f"{name} not stated"
    source = stated["inherited_from"]
    return f"{stated['text']} (from {source})" if source else str(stated["text"])


def _end(details: Mapping[str, Any]) -> str:
    """How a block ends: as its duration does."""
    for name in LENGTHS:
        stated = details.get(name)
        if stated is None:
            return "missing"
        if stated["value"] is None:
            return "open"
        if isinstance(stated["value"], list):
            return "range"
    return "stated"


def _signs(blocks: list[Block], y: int, width: int) -> Iterator[Sign]:
    """The key, of what is in the picture only."""
    told = {
        "stated": "stated length",
        "range": "a range is given",
        "open": "the end is given in words, not as a length",
        "missing": "the document states no duration",
    }
    ends = {b.end for b in blocks} | {"range" for b in blocks for t in b.texts if t.style.startswith("range")}
    kinds = [kind for kind in told if kind in ends]
    if any(b.begin == "open" for b in blocks):
        kinds.append("start")
        told["start"] = "no step is shown before it"
    x = MARGIN
    for kind in kinds:
        needed = 40 + round(len(told[kind]) * LETTER)
        if x > MARGIN and x + needed > width - MARGIN:
            x, y = MARGIN, y + 22
        yield Sign(kind, told[kind], x, y)
        x += needed + 12


def _described(conclusion: Conclusion, fields: tuple[str, ...], after: str | None) -> str:
    """A step in words, for those who cannot see it."""
    said = ", ".join(_said(name, conclusion.details[name]) for name in fields)
    head = f"{conclusion.value}, {conclusion.details['role']}, {conclusion.details['step']}"
    return f"{head}{f', after {after}' if after else ''}: {said}."
