"""Lines and columns as editors count them, against offsets in a text.

An editor's line ends at LF, CR or CRLF and nowhere else, and its columns count code units, of UTF-16 unless it was
agreed otherwise: µ is one, a character beyond the Basic Multilingual Plane two.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

UNITS = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}
"""How a text is encoded to count the units of its columns, and the bytes of one unit."""

_END = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Lines:
    """A text with the offsets at which its lines start; lines and columns count from 0.

    >>> lines = Lines("a\\n𝄞µ–x")
    >>> lines.position(4), lines.offset(1, 4)
    ((1, 3), 5)
    >>> lines.offset(1, 99), lines.offset(7, 0)  # past the end of a line or of the text: there
    (6, 6)
    """

    text: str
    units: str = "utf-16"
    starts: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "starts", (0, *(match.end() for match in _END.finditer(self.text))))

    def position(self, offset: int) -> tuple[int, int]:
        """The line and the column of an offset."""
        line = bisect_right(self.starts, offset) - 1
        return line, self._count(self.text[self.starts[line] : offset])

    def offset(self, line: int, column: int) -> int:
        """The offset of a column; a column within a character is that character's start."""
        if line >= len(self.starts):
            return len(self.text)
        start, end = self.extent(line)
        written = self.text[start:end]
        if written.isascii():
            return min(start + max(column, 0), end)
        at = start
        for character in written:
            column -= self._count(character)
            if column < 0:
                return at
            at += 1
        return end

    def extent(self, line: int) -> tuple[int, int]:
        """Where a line starts and ends, without what ends it."""
        start = self.starts[line]
        end = self.starts[line + 1] if line + 1 < len(self.starts) else len(self.text)
        return start, start + len(self.text[start:end].rstrip("\r\n"))

    def _count(self, piece: str) -> int:
        if piece.isascii():
            return len(piece)
        encoding, size = UNITS[self.units]
        return len(piece.encode(encoding, "surrogatepass")) // size
