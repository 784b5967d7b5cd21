"""A source document pinned byte for byte, and the finding of quotes in it.

Offsets count Unicode code points of the file as stored, the end exclusive, with no normalisation of
any kind: `source.text[start:end] == quote`.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One edition of a document: the name of its file, its text, and the SHA-256 of its bytes."""

    file: str
    text: str
    sha256: str

    @classmethod
    def of(cls, file: str, data: bytes) -> Source:
        """A source from the bytes of its file; raises UnicodeDecodeError where they are not UTF-8."""
        return cls(file, data.decode("utf-8"), hashlib.sha256(data).hexdigest())

    def line(self, offset: int) -> int:
        """The line, counted from 1, on which a code point stands."""
        return self.text.count("\n", 0, offset) + 1

    def places(self, quote: str) -> list[int]:
        """Every offset at which the quote starts, overlapping ones too.

        >>> Source("a.txt", "ab ab", "").places("ab")
        [0, 3]
        """
        return [m.start() for m in re.finditer(f"(?={re.escape(quote)})", self.text)] if quote else []

    def printed_markers(self, end: int) -> tuple[str, ...]:
        """The citation numbers printed where the sentence that holds the offset `end` ends.

        They stand behind a blank before the full stop: a sentence ends with a full stop before a
        blank or at the end of its line.

        >>> Source("a.txt", "Give 1 mg, then wait 3, 4. Next 7.", "").printed_markers(9)
        ('3', '4')
        """
        start = max(0, end - 1)
        found = re.compile(r"(?:[^.\n]|\.(?!\s|$))*?(?: (?P<numbers>\d+(?:, \d+)*))?\.(?=\s|$)", re.M).match(
            self.text, start
        )
        if found is None or found["numbers"] is None:
            return ()
        return tuple(found["numbers"].split(", "))

    def nearest(self, quote: str) -> tuple[str, int]:
        """The passage most like a quote that is not there, and its line: what an error can show."""
        start, end, _ = self.nearest_place(quote)
        return self.text[start:end], self.line(start)

    def nearest_place(self, quote: str) -> tuple[int, int, float]:
        """From where to where the passage goes that is most like a quote, as many words long, and how like it is.

        The likeness is 1 for the same text and 0 for nothing in common.

        >>> Source("a.txt", "Give one tablet daily.", "").nearest_place("Give two tablets")[:2]
        (0, 15)
        """
        words = quote.split()
        best, ratio = (0, 0), 0.0
        pieces = [(m.start(), m.end()) for m in re.finditer(r"\S+", self.text)]
        matcher = difflib.SequenceMatcher(autojunk=False)
        matcher.set_seq2(quote)
        for i in range(max(1, len(pieces) - len(words) + 1)):
            if not pieces:
                break
            start, end = pieces[i][0], pieces[min(i + len(words), len(pieces)) - 1][1]
            matcher.set_seq1(self.text[start:end])
            if matcher.real_quick_ratio() > ratio and matcher.quick_ratio() > ratio and matcher.ratio() > ratio:
                best, ratio = (start, end), matcher.ratio()
        return (*best, ratio)
