"""Columns: where the same part of neighbouring lines begins.

A column that the author made is kept, so that what is laid out by hand stays as it is; lines that left it are put back.
Where there is none, the narrowest one is made in which all lines fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

Cell = tuple[int, int]
"""Where what stands before ends, and the blanks that the author put after it."""

APART = 2
"""The fewest blanks that make a column; one blank only parts two words."""


def agreed(cells: Sequence[Cell]) -> int | None:
    """The column in which most of the cells begin, after two blanks or more; None where there is none.

    >>> agreed([(4, 4), (6, 2), (5, 1)]), agreed([(4, 1), (6, 1)])
    (8, None)
    """
    votes = Counter(end + gap for end, gap in cells if gap >= APART)
    if not votes:
        return None
    column = min(votes, key=lambda column: (-votes[column], column))
    return column if 2 * votes[column] > len(cells) else None


def settled(cells: Sequence[Cell], usual: int | None = None, apart: int = APART) -> list[int]:
    """The blanks to put before each cell.

    They begin in the column that they agree on; otherwise in the usual one, if most of them fit there;
    otherwise as far left as all of them fit. A cell that comes too late for the column begins right after its line.

    >>> settled([(4, 4), (6, 2), (5, 1)])  # put back
    [4, 2, 3]
    >>> settled([(4, 1), (7, 1)])  # made
    [5, 2]
    >>> settled([(4, 1), (7, 1)], usual=10)
    [6, 3]
    """
    column = agreed(cells)
    if column is None and usual is not None and 2 * sum(end + APART <= usual for end, _ in cells) > len(cells):
        column = usual
    if column is None:
        column = max(end for end, _ in cells) + apart
    return [column - end if end < column else APART for end, _ in cells]
