"""Rows in columns that are as wide as they need to be; long texts are wrapped, and where even that does not fit, each
row stands by itself, a line for each of its values."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from citelog.render.lines import Line, wrapped

GAP = "  "
NARROWEST = 14
"""No column with longer texts is made narrower than this: below, a quote is no longer read but spelt."""


def table(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[Line]:
    """Rows under their names.

    >>> for line in table(["id", "quote"], [["G01", "Treat now, whatever the level."]], 24): print(line.text)
    id   quote
    ───  ───────────────────
    G01  Treat now, whatever
         the level.
    """
    flat = [[" / ".join(value.split("\n")) for value in row] for row in rows]
    columns = [[name, *values] for name, values in zip(names, zip_longest(*flat, fillvalue=""), strict=False)]
    columns = columns if flat else [[name] for name in names]
    room = _widths([max(map(len, column)) for column in columns], width - len(GAP) * (len(names) - 1))
    if room is None:
        yield from _stacked(names, flat, width)
        return
    yield Line(GAP.join(name.ljust(w) for name, w in zip(names, room, strict=True)).rstrip(), "bold")
    yield Line(GAP.join("─" * w for w in room), "dim")
    for row in flat:
        cells = [textwrap.wrap(value, w) or [""] for value, w in zip(row, room, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            yield Line(GAP.join(part.ljust(w) for part, w in zip(parts, room, strict=True)).rstrip())


def _widths(needed: Sequence[int], width: int) -> list[int] | None:
    """A width for each column: what it needs, the widest cut down to one size where that is too much for the page."""
    for most in range(max(needed, default=0), NARROWEST - 1, -1):
        cut = [min(need, most) for need in needed]
        if sum(cut) <= width:
            return cut
    return None


def _stacked(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[Line]:
    size = max(map(len, names))
    for i, row in enumerate(rows):
        if i:
            yield Line("")
        for name, value in zip(names, row, strict=True):
            if value:
                yield from wrapped(f"{name.ljust(size)}{GAP}{value}", width, " " * (size + len(GAP)))
