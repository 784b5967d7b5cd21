"""What becomes of a passage when its document changes: it is kept, moves, changes or vanishes.

A passage is looked for letter for letter, in the sentence that its own has become. Where it is no longer there, the
words that stand in its place are shown, found by laying the two sentences side by side; where its sentence is gone,
the passage most like it among the sentences that are new. The same words in another sentence, which had them before,
are no place for it to have moved to.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from citelog.author.passages import LIKENESS, nearest
from citelog.author.sentences import Piece
from citelog.compare.aligned import Aligned, aligned, plain, shared, tokens, words
from citelog.evidence.sources import Source

Fate = Literal["kept", "moved", "changed", "vanished"]

LIKENESS_ELSEWHERE = 0.8
"""How like a passage words must be that stand in a sentence which another has become."""

SHARED = 0.4
"""The share of words that it must have in common with them in any order; letters alone are alike by chance."""

LOOSELY = 0.3
"""The share of words that must stand together for it to be worth while to compare the letters."""

_SHORT = 2000
"""Words of a document in which every place is compared letter by letter."""

_WHOLE = 3000
"""Tokens of a passage that is still compared token by token; of a longer one, its beginning and its end."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where words stand: their line, counted from 1, and their offsets in code points, the end exclusive."""

    line: int
    start: int
    end: int

    def to_dict(self) -> dict[str, int]:
        """The place as data."""
        return {"line": self.line, "start": self.start, "end": self.end}


@dataclass(frozen=True, slots=True)
class Became:
    """What became of a passage of the old document.

    `now` is what stands in its place: the same words where it was kept (on the same line) or moved, other words where
    it changed; `after` is where. `also` are other places of the new document where the old words stand; only where it
    is `sure` does its sentence tell it from them. `in_order` is whether its sentence kept its place among the others.
    `sentence` is, of a passage that vanished, what its sentence has become, if that is still there.
    """

    fate: Fate
    words: str
    before: Place
    now: str
    after: Place | None
    also: tuple[Place, ...] = ()
    sure: bool = True
    in_order: bool = True
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class Around:
    """What stands in the sentence of a passage before it and after it; empty where the passage is the sentence."""

    before: str
    after: str


@dataclass(frozen=True)
class Documents:
    """Two editions of one document."""

    old: Source
    new: Source

    @cached_property
    def aligned(self) -> Aligned:
        """Their sentences, side by side."""
        return aligned(self.old.text, self.new.text)

    def became(self, start: int, end: int) -> Became:
        """What became of the passage of the old document between two offsets."""
        quote = self.old.text[start:end]
        before = _place(self.old, start, end)
        places = self.new.places(quote)
        mine = self.aligned.old(start, end)
        in_order = not any(i in self.aligned.out_of_order for i in mine)
        if (found := self._standing(start, len(quote), mine, places)) is not None:
            at, sure = found
            now = _place(self.new, at, at + len(quote))
            also = tuple(_place(self.new, p, p + len(quote)) for p in places if p != at)
            fate: Fate = "kept" if now.line == before.line and in_order else "moved"
            return Became(fate, quote, before, quote, now, also, sure, in_order)
        also = tuple(_place(self.new, p, p + len(quote)) for p in places)
        start, end, sentence = self._in_place(start, end, mine)
        if start == end:
            return Became("vanished", quote, before, "", None, also, True, in_order, sentence)
        return Became(
            "changed", quote, before, self.new.text[start:end], _place(self.new, start, end), also, True, in_order
        )

    def around_old(self, start: int, end: int) -> Around:
        """What stands in the sentence of a passage of the old document beside it."""
        return _around(self.old.text, start, end, [self.aligned.before[i] for i in self.aligned.old(start, end)])

    def around_new(self, start: int, end: int) -> Around:
        """What stands in the sentence of a passage of the new document beside it."""
        return _around(self.new.text, start, end, [self.aligned.after[i] for i in self.aligned.new(start, end)])

    def _standing(self, start: int, length: int, mine: range, places: list[int]) -> tuple[int, bool] | None:
        """Where the same words stand that are this passage, and whether that is sure; None where none of them are."""
        if not places:
            return None
        found = self.aligned
        first = next((i for i in mine if i in found.became), None)
        if first is not None:
            wanted = found.after[found.became[first]].start + start - found.before[first].start
            if wanted in places and found.before[first].text == found.after[found.became[first]].text:
                return wanted, True
            within = [p for p in places if found.became[first] in found.new(p, p + length)]
            if within:
                return min(within, key=lambda p: abs(p - wanted)), len(within) == 1
        free = [p for p in places if not self._stood_before(p, length, mine)]
        return (min(free, key=lambda p: abs(p - start)), len(free) == 1) if free else None

    def _stood_before(self, at: int, length: int, mine: range) -> bool:
        """Whether words of the new document stand in sentences that the old one had too, and that are not `mine`."""
        found = self.aligned
        own = {found.before[i].text for i in mine}
        over = found.new(at, at + length)
        return bool(over) and all(
            j in found.came_from
            and found.came_from[j] not in mine
            and found.before[found.came_from[j]].text == found.after[j].text
            and found.after[j].text not in own
            for j in over
        )

    def _in_place(self, start: int, end: int, mine: range) -> tuple[int, int, str]:
        """From where to where other words go that stand in place of a passage, nowhere if none do; and what its
        sentence has become."""
        found, quote = self.aligned, self.old.text[start:end]
        sentence = ""
        if now := sorted(found.became[i] for i in mine if i in found.became):
            first, last = found.after[now[0]], found.after[now[-1]]
            if now[-1] - now[0] > len(mine):
                last = first
            sentence = self.new.text[first.start : last.end]
            around = self.around_old(start, end)
            if not any(map(str.isalnum, around.before + around.after)):  # it is its sentence
                at = len(around.before) if sentence.startswith(around.before) else 0
                return first.start + at, first.start + len(_closed(sentence, quote)), sentence
            old, at = around.before + quote + around.after, len(around.before)
            a, b = counterpart(old, sentence, at, at + len(quote))
            if _alike(quote, sentence[a:b], LIKENESS):
                return first.start + a, first.start + b, sentence
        a, b = nearest(self._unclaimed, quote) if self._may_hold(quote) else (0, 0)
        if a < b and self._unclaimed.text[a:b] == self.new.text[a:b]:
            others = any(j in found.came_from and found.came_from[j] not in mine for j in found.new(a, b))
            if _alike(quote, self.new.text[a:b], LIKENESS_ELSEWHERE if others else LIKENESS):
                return a, b, sentence
        return 0, 0, sentence

    def _may_hold(self, asked: str) -> bool:
        """Whether so many of some words stand together in a sentence that is new; of long documents it is not asked."""
        text = self._unclaimed_words
        if len(text) > _SHORT:
            return True
        wanted = Counter(words(asked))
        size = wanted.total()
        left = wanted.copy()
        left.subtract(text[:size])
        missing = sum(count for count in left.values() if count > 0)
        least = missing
        for gone, come in zip(text, text[size:], strict=False):
            if gone in wanted:
                missing += left[gone] >= 0
                left[gone] += 1
            if come in wanted:
                missing -= left[come] > 0
                left[come] -= 1
            least = min(least, missing)
        return size - least >= LOOSELY * size

    @cached_property
    def _unclaimed_words(self) -> list[str]:
        return words(self._unclaimed.text)

    @cached_property
    def _unclaimed(self) -> Source:
        """The new document with blanks in place of every sentence that the old one had too, however it was written."""
        found, parts, at = self.aligned, [], 0
        for new, old in sorted(found.came_from.items()):
            piece = found.after[new]
            if plain(piece.text) == plain(found.before[old].text):
                parts += [self.new.text[at : piece.start], " " * len(piece.text)]
                at = piece.end
        return replace(self.new, text="".join((*parts, self.new.text[at:])))


def _place(source: Source, start: int, end: int) -> Place:
    return Place(source.line(start), start, end)


def _around(text: str, start: int, end: int, found: list[Piece]) -> Around:
    if not found:
        return Around("", "")
    return Around(text[found[0].start : start], text[end : found[-1].end])


def _closed(sentence: str, words: str) -> str:
    """A sentence, without its full stop and what else ends it if the words had none either."""
    return re.sub(r"(?:(?: \d+(?:, \d+)*)?\.|[.,;:!?])$", "", sentence) if words[-1].isalnum() else sentence


def _alike(one: str, other: str, least: float) -> bool:
    """Whether two passages are as like as that, letter by letter, and not by their letters alone."""
    return shared(one, other) >= SHARED and likeness(one, other) >= least


def likeness(one: str, other: str) -> float:
    """How like two texts are, in the order of their letters: 1 for the same, 0 for nothing in common."""
    if max(len(one), len(other)) > _WHOLE:
        ours, theirs = ([token.text for token in tokens(text)[:_WHOLE]] for text in (one, other))
        return difflib.SequenceMatcher(None, ours, theirs, autojunk=False).ratio()
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


@dataclass(frozen=True, slots=True)
class Step:
    """A stretch of two lists that lie side by side: the `same` in both, or not; the ends are exclusive."""

    same: bool
    old: range
    new: range


def steps(ours: Sequence[str], theirs: Sequence[str]) -> list[Step]:
    """Two lists of words side by side, in stretches that are the same and that are not.

    What differs is told as one stretch where it is very long.
    """
    a, b = len(ours), len(theirs)
    head = next((i for i, (x, y) in enumerate(zip(ours, theirs, strict=False)) if x != y), min(a, b))
    tail = 0
    while tail < min(a, b) - head and ours[a - 1 - tail] == theirs[b - 1 - tail]:
        tail += 1
    found = [Step(True, range(head), range(head))] if head else []
    if max(a, b) - head - tail > _WHOLE:
        found.append(Step(False, range(head, a - tail), range(head, b - tail)))
    else:
        matcher = difflib.SequenceMatcher(None, ours[head : a - tail], theirs[head : b - tail], autojunk=False)
        found += [
            Step(kind == "equal", range(i + head, j + head), range(k + head, m + head))
            for kind, i, j, k, m in matcher.get_opcodes()
        ]
    return [*found, Step(True, range(a - tail, a), range(b - tail, b))] if tail else found


def counterpart(old: str, new: str, start: int, end: int) -> tuple[int, int]:
    """From where to where the words go that stand, in the new form of a text, in place of a part of the old one.

    >>> old, new = "Give 1 mg daily, and rest.", "Always give 2 mg weekly, and rest."
    >>> a, b = counterpart(old, new, 5, 15)
    >>> old[5:15], new[a:b]
    ('1 mg daily', '2 mg weekly')

    A part may begin or end within a word, as where two texts were run together:

    >>> old, new = "BoardAll are read", "BoardAll were read"
    >>> a, b = counterpart(old, new, 5, len(old))
    >>> new[a:b]
    'All were read'
    """
    ours, theirs = tokens(old), tokens(new)
    within = [i for i, token in enumerate(ours) if token.start < end and start < token.end]
    if not within:
        return 0, 0
    first, last = within[0], within[-1] + 1
    found: list[int] = []
    for step in steps([token.text.casefold() for token in ours], [token.text.casefold() for token in theirs]):
        if step.old.stop <= first or step.old.start >= last:  # what is only put in at an edge is outside
            continue
        # where the part begins or ends within a stretch that differs, its other end tells where that is
        begins = step.new.stop - (step.old.stop - first) if step.old.start < first else step.new.start
        ends = step.new.start + last - step.old.start if step.old.stop > last else step.new.stop
        found += [min(max(begins, step.new.start), step.new.stop), min(max(ends, step.new.start), step.new.stop)]
    if not found or found[0] >= found[-1]:
        return 0, 0
    a, z = theirs[found[0]], theirs[found[-1] - 1]
    before = ours[first].text[: max(0, start - ours[first].start)]
    behind = ours[last - 1].text[len(ours[last - 1].text) - max(0, ours[last - 1].end - end) :]
    return (
        a.start + (len(before) if a.text.startswith(before) else 0),
        z.end - (len(behind) if z.text.endswith(behind) else 0),
    )
