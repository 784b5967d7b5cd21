"""A source document pinned byte for byte, and the finding of quotes in it.

Offsets count Unicode code points of the file as stored, the end exclusive, with no normalisation of
any kind: `source.text[start:end] == quote`.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from citelog.evidence import markers
from citelog.evidence.printed import STOP


@dataclass(frozen=True)
class Source:
    """One edition of a document: the name of its file, its text, the SHA-256 of its bytes, and its decimal sign."""

    file: str
    text: str
    sha256: str
    decimal_sign: str = STOP

    @classmethod
    def of(cls, file: str, data: bytes, decimal_sign: str = STOP) -> Source:
        """A source from the bytes of its file; raises UnicodeDecodeError where they are not UTF-8."""
        return cls(file, data.decode("utf-8"), hashlib.sha256(data).hexdigest(), decimal_sign)

    def line(self, offset: int) -> int:
        """The line, counted from 1, on which a code point stands."""
        return bisect_left(self._breaks, offset) + 1

    @cached_property
    def _breaks(self) -> list[int]:
        """Where each line ends."""
        return [match.start() for match in re.finditer("\n", self.text)]

    def places(self, quote: str) -> list[int]:
        """Every offset at which the quote starts, overlapping ones too.

        >>> Source("a.txt", "ab ab", "").places("ab")
        [0, 3]
        """
        found: list[int] = []
        at = self.text.find(quote) if quote else -1
        while at >= 0:
            found.append(at)
            at = self.text.find(quote, at + 1)
        return found

    def printed_markers(self, start: int, end: int) -> tuple[str, ...]:
        """The citation numbers printed in the passage between two offsets, and behind it to the end of its sentence.

        >>> Source("a.txt", "Give 1 mg, then wait 3, 4. Next 7.", "").printed_markers(0, 9)
        ('3', '4')
        """
        return markers.printed(self.text, start, end)

    def before_markers(self, start: int, end: int) -> int:
        """Where a passage ends without the markers at its end, if its sentence ends there; otherwise where it ends.

        >>> source = Source("a.txt", "Give 1 mg for 3 days.2 Then 7.", "")
        >>> source.before_markers(0, 22), source.before_markers(0, 15)
        (20, 15)
        """
        passage = self.text[start:end]
        last = start + len(markers.words(passage))
        return last if markers.without(passage) != passage and markers.at_end(self.text, last) else end

    def nearest(self, quote: str) -> tuple[str, int]:
        """The passage most like a quote that is not there, and its line: what an error can show.

        It has a full stop and markers at its end only if the quote ends in more than words, too.
        """
        start, end, _ = self.nearest_place(quote)
        if quote and quote[-1] not in ".,;:":
            end = start + len(self.text[start : self.before_markers(start, end)].rstrip(".,;:"))
        return self.text[start:end], self.line(start)

    def nearest_place(self, quote: str) -> tuple[int, int, float]:
        """From where to where the passage goes that is most like a quote, as many words long, and how like it is.

        The likeness is 1 for the same text and 0 for nothing in common. Of a quote of pages only the beginning is
        compared: all of it would take as long as its length squared.

        >>> Source("a.txt", "Give one tablet daily.", "").nearest_place("Give two tablets")[:2]
        (0, 15)
        """
        words, beginning = quote.split(), quote[:LONGEST]
        compared = len(beginning.split())
        best, ratio = (0, 0), 0.0
        matcher = difflib.SequenceMatcher(autojunk=False)
        matcher.set_seq2(beginning)
        for i in self._promising(words[:compared]):
            start, end = self._words[i][0], self._end(i + compared)
            matcher.set_seq1(self.text[start:end])
            if matcher.real_quick_ratio() > ratio and matcher.quick_ratio() > ratio and matcher.ratio() > ratio:
                best, ratio = (start, self._end(i + len(words))), matcher.ratio()
        return (*best, ratio)

    def _end(self, words: int) -> int:
        """Where the last of so many words ends, or the last of all."""
        return self._words[min(words, len(self._words)) - 1][1]

    def _promising(self, words: list[str]) -> list[int]:
        """The words of the text at which a passage like some others may start: every one, in a text of a few pages.

        In a longer one, those from which the most words stand at the same distance as in the quote.
        """
        if len(self._words) <= _FEW:
            return list(range(len(self._words))) if words else []
        starts: Counter[int] = Counter()
        for distance, word in enumerate(words):
            for i in self._standing.get(word.casefold(), ()):
                starts[max(0, i - distance)] += 1
        return sorted(i for i, _ in starts.most_common(_TRIED))

    @cached_property
    def _words(self) -> list[tuple[int, int]]:
        """From where to where each word goes."""
        return [match.span() for match in re.finditer(r"\S+", self.text)]

    @cached_property
    def _standing(self) -> dict[str, list[int]]:
        """Which words of the text a word is, those left out that are everywhere."""
        found: dict[str, list[int]] = {}
        for i, (start, end) in enumerate(self._words):
            found.setdefault(self.text[start:end].casefold(), []).append(i)
        return {word: places for word, places in found.items() if len(places) <= _COMMON}


_FEW, _TRIED, _COMMON = 2000, 8, 200
"""Words of a text that is searched whole; passages compared in a longer one; places of a word that is too common."""

LONGEST = 300
"""Characters of a quote that are compared with passages: as many as the longest sentences have."""


def on_one_line(quote: str) -> str:
    """A quote as it is shown within a sentence: its lines behind each other, with a slash between.

    >>> on_one_line("Dose:\\n1 mg daily")
    'Dose: / 1 mg daily'
    """
    return " / ".join(quote.splitlines())
