"""A document's text in segments: its sentences, and the lines that are none, each where it stands.

The segments leave out nothing but white space. Where a sentence ends is asked of sentencex, which gives the text back
unchanged, piece by piece. A line that begins with a small letter goes on from a long line above it, which was wrapped;
every other line begins a segment of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from citelog.evidence.markers import before_the_stop, without

_WRAPPED = 40
"""The fewest characters of a line that an editor may have wrapped; the items of a list are often shorter."""
_ITEM = re.compile(r"(?:[^\w\s\"'“‘«(\[]|\(?(?:\d{1,3}|[a-z]|[ivx]+)[.)])\s+")
"""The sign or the number that a list item begins with; sentencex does not look into what follows one."""
_SHORTENED = re.compile(
    r"\b(?:approx|avg|ch|est|excl|figs?|incl|max|nos?|refs?|resp|sect|temp|vol|wt)\.\s*\Z", re.IGNORECASE
)
"""The end of what may be a sentence, in a word that is shortened before a number; sentencex knows some of these."""
_HEADING = 80
"""The most characters of a line that is taken for a heading."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A segment to be: its words, the offset at which it starts, and its line, counted from 1."""

    text: str
    start: int
    line: int

    @property
    def end(self) -> int:
        """The offset after its last character."""
        return self.start + len(self.text)


def pieces(text: str) -> tuple[Piece, ...]:
    """The segments of a text, in its order.

    >>> for piece in pieces("A heading\\n\\nWait 2 h, e.g. at noon 1. Then go on.\\n"): print(piece.line, piece.text)
    1 A heading
    3 Wait 2 h, e.g. at noon 1.
    3 Then go on.
    """
    found = []
    line, counted = 1, 0
    for start, end in _blocks(text):
        for first, last in _sentences(text[start:end]):
            line += text.count("\n", counted, start + first)
            counted = start + first
            found.append(Piece(text[start + first : start + last], start + first, line))
    return tuple(found)


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """From where to where the lines go that belong together, without the white space around them."""
    block: tuple[int, int] | None = None
    for match in re.finditer(r"[^\r\n]+", text):
        words = match[0].strip()
        if not words:
            continue
        start = match.start() + len(match[0]) - len(match[0].lstrip())
        end = start + len(words)
        if block is not None and words[0].islower() and _goes_on(text, block, start):
            block = (block[0], end)
            continue
        if block is not None:
            yield block
        block = (start, end)
    if block is not None:
        yield block


def _goes_on(text: str, block: tuple[int, int], start: int) -> bool:
    """Whether the line that starts here goes on from a block: on the next line, after a long one, within a sentence."""
    between, words = text[block[1] : start], without(text[block[0] : block[1]])
    length = block[1] - max(block[0], text.rfind("\n", 0, block[1]) + 1)
    return between.count("\n") <= 1 and length >= _WRAPPED and words[-1:] not in (*".!?:;", "")


def _sentences(block: str) -> Iterator[tuple[int, int]]:
    """Each sentence of a block by its offsets; what holds no letter, such as the number of an item, joins the next."""
    from sentencex import segment  # type: ignore[import-untyped]  # only where a document is cut

    start = 0
    at = item.end() if (item := _ITEM.match(block)) else 0
    for piece in segment("en", before_the_stop(re.sub(r"[\r\n]", " ", block[at:]))):
        at += len(piece)
        held = block[start:at]
        if at == len(block) or (any(character.isalpha() for character in held) and not _is_open(held, block[at:])):
            first = start + len(held) - len(held.lstrip())
            if words := held.strip():
                yield first, first + len(words)
            start = at
    if at != len(block):
        raise RuntimeError(f"sentencex gave back {at} characters of {len(block)}")


def _is_open(held: str, following: str) -> bool:
    """Whether a sentence goes on after its full stop: with a small letter, or after a word that is only shortened.

    >>> _is_open("Take approx. ", "5 mg."), _is_open("Take it p.c. ", "or later."), _is_open("Take 5. ", "10 is much.")
    (True, True, False)
    """
    first = following.lstrip()[:1]
    shortened = _SHORTENED.search(held) is not None
    return held.rstrip().endswith(".") and (first.islower() or (shortened and not first.isupper()))


def headings(text: str, found: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """The segments that look like headings: short, below an empty line, above another or a sentence, and no sentence.

    The first segment is the title of the document, and no heading in it.
    """
    return tuple(
        piece
        for before, (piece, following) in zip(found, pairwise(found[1:]), strict=False)
        if len(piece.text) <= _HEADING
        and (piece.text[0].isupper() or piece.text[0] in "#0123456789")
        and without(piece.text)[-1:] not in (*".!?:;,", "")
        and "\n" not in piece.text
        and text.count("\n", before.end, piece.start) > 1
        and text.count("\n", piece.end, following.start) > (without(following.text)[-1:] not in (*".!?",))
    )
