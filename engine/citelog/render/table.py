"""Rows in columns that are as wide as they need to be; where long texts do not fit even wrapped, each row by itself.

The first values of a row that only repeat the row before are told once, in both forms.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from citelog.render.lines import Line, wrapped

GAP = "  "
WORD = 40
"""A word is not broken unless it is longer than this."""

READABLE = 24
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
    columns = [[name, *(row[place] for row in flat)] for place, name in enumerate(names)]
    room = _widths([_bounds(column) for column in columns], width - len(GAP) * (len(names) - 1))
    if room is None:
        yield from _stacked(names, flat, width)
        return
    yield Line(GAP.join(name.ljust(w) for name, w in zip(names, room, strict=True)).rstrip(), "bold")
    yield Line(GAP.join("─" * w for w in room), "dim")
    for repeated, row in _told_once(flat):
        told = ["" if place < repeated else value for place, value in enumerate(row)]
        cells = [textwrap.wrap(value, w, break_on_hyphens=False) or [""] for value, w in zip(told, room, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            yield Line(GAP.join(part.ljust(w) for part, w in zip(parts, room, strict=True)).rstrip())


def _told_once(rows: Sequence[Sequence[str]]) -> Iterator[tuple[int, Sequence[str]]]:
    """Each row, with how many of its first values only repeat the row before."""
    before: Sequence[str] = ()
    for row in rows:
        same = [a == b for a, b in zip(before, row, strict=False)]
        yield (same.index(False) if False in same else 0), row
        before = row


def _bounds(column: Sequence[str]) -> tuple[int, int]:
    """How narrow a column may be, so that no word is broken that is not very long, and how wide it wants to be."""
    longest = max((len(word) for value in column for word in value.split()), default=0)
    most = max(map(len, column))
    return min(most, max(min(longest, WORD), min(most // 2, READABLE))), most


def _widths(bounds: Sequence[tuple[int, int]], width: int) -> list[int] | None:
    """A width for each column: what it wants, the widest cut down to one size where that is too much for the page."""
    for most in range(max((wanted for _, wanted in bounds), default=0), -1, -1):
        cut = [max(least, min(wanted, most)) for least, wanted in bounds]
        if sum(cut) <= width:
            return cut
    return None


def _stacked(names: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[Line]:
    size = max(map(len, names))
    for place, (repeated, row) in enumerate(_told_once(rows)):
        if place:
            yield Line("")
        for name, value in list(zip(names, row, strict=True))[repeated:]:
            if value:
                yield from wrapped(f"{name.ljust(size)}{GAP}{value}", width, " " * (size + len(GAP)))
