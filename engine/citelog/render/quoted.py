"""A document cut where quotes begin and end, so that each can be marked in place even where they overlap.

Offsets count code points, the end exclusive. All pieces that carry the name of a quote are, put together,
`text[start:end]`; all pieces put together are the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Quote:
    """The place of one quote in the text, by its name."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of one line over which the same quotes lie. `begins` are those of them that start with it."""

    text: str
    quotes: tuple[str, ...]
    begins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line, counted from 1; its pieces include its line break."""

    number: int
    pieces: tuple[Piece, ...]

    @property
    def begins(self) -> tuple[str, ...]:
        """The quotes that start on this line, in the order of their places."""
        return tuple(name for piece in self.pieces for name in piece.begins)


def cut(text: str, quotes: Iterable[Quote]) -> tuple[TextLine, ...]:
    """The lines of a text, each cut at the ends of the quotes.

    >>> [line] = cut("abcde", [Quote("first", 0, 3), Quote("second", 2, 4)])
    >>> [(piece.text, piece.quotes) for piece in line.pieces]
    [('ab', ('first',)), ('c', ('first', 'second')), ('d', ('second',)), ('e', ())]
    """
    ordered = sorted(quotes, key=lambda q: (q.start, -q.end, q.name))
    lines = []
    for number, match in enumerate(re.finditer(r"[^\n]*\n|[^\n]+", text), 1):
        first, last = match.span()
        here = [q for q in ordered if q.start < last and q.end > first]
        places = {first, last} | {at for q in here for at in (q.start, q.end) if first < at < last}
        pieces = (_piece(text, here, start, end) for start, end in pairwise(sorted(places)))
        lines.append(TextLine(number, tuple(pieces)))
    return tuple(lines)


def _piece(text: str, here: Iterable[Quote], start: int, end: int) -> Piece:
    over = [q for q in here if q.start <= start and end <= q.end]
    return Piece(text[start:end], tuple(q.name for q in over), tuple(q.name for q in over if q.start == start))
