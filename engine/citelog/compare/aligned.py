"""Two editions of a document laid side by side, sentence by sentence: which stands in both, and which became which.

Sentences that are the same, letter for letter, are paired first; then those that differ only in how they are written
(blanks, line ends, quotation marks); then those that have most of their words in common. No sentence is in two pairs.
The cost grows with the length of the documents, whatever they hold.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from citelog.author.sentences import Piece, pieces

LIKE = 0.5
"""The share of their words that two sentences must have in common to be paired, wherever they stand."""

LIKE_IN_PLACE = 0.3
"""The same, of two that stand in the same place: between the same neighbours."""

_NARROW = 6
"""Sentences between two neighbours that still make it likely that one of them is the one that stood there."""

_COMMON, _TRIED = 200, 8
"""Sentences with a word that is too common to look up; sentences compared with one that has become another."""

_WRITTEN = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        **dict.fromkeys("\u2018\u2019\u201b\u02bc", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f", '"'),
        "\u03bc": "\u00b5",  # the Greek letter and the sign
        **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff", None),
    }
)
"""Characters of which several look the same, and those that nobody sees."""


def plain(text: str) -> str:
    """A text as it reads, however it is written: one form of each character, of blanks, dashes and quotation marks.

    >>> plain("1\\u00a0mg,\\r\\n every 2\\u20133 “months”") == plain('1 mg, every 2-3 "months"')
    True
    """
    return " ".join(unicodedata.normalize("NFC", text).translate(_WRITTEN).split())


@dataclass(frozen=True)
class Aligned:
    """Two documents in sentences, and the pairs: `became` says of a sentence of the old one, by its place among them,
    which one of the new it is now."""

    before: tuple[Piece, ...]
    after: tuple[Piece, ...]
    became: Mapping[int, int]

    @cached_property
    def came_from(self) -> Mapping[int, int]:
        """The pairs the other way round."""
        return {new: old for old, new in self.became.items()}

    @cached_property
    def out_of_order(self) -> frozenset[int]:
        """The fewest sentences of the old document that must be taken out for the others to have kept their order."""
        kept = set(_rising(sorted(self.became.items())))
        return frozenset(old for old in self.became if old not in kept)

    @cached_property
    def alone(self) -> tuple[int, ...]:
        """The sentences of the new document that are in no pair."""
        return tuple(i for i in range(len(self.after)) if i not in self.came_from)

    @cached_property
    def same(self) -> int:
        """How many sentences stand in both, letter for letter."""
        return sum(self.before[old].text == self.after[new].text for old, new in self.became.items())

    def old(self, start: int, end: int) -> range:
        """The sentences of the old document that a passage of it lies in, by their places among them."""
        return _between(self._old_starts, self.before, start, end)

    def new(self, start: int, end: int) -> range:
        """The sentences of the new document that a passage of it lies in, by their places among them."""
        return _between(self._new_starts, self.after, start, end)

    @cached_property
    def _old_starts(self) -> list[int]:
        return [piece.start for piece in self.before]

    @cached_property
    def _new_starts(self) -> list[int]:
        return [piece.start for piece in self.after]


def _between(starts: list[int], found: Sequence[Piece], start: int, end: int) -> range:
    first = max(0, bisect_right(starts, start) - 1)
    if first < len(found) and found[first].end <= start:
        first += 1
    return range(first, max(first, bisect_left(starts, end)))


def aligned(before: str, after: str) -> Aligned:
    """Two documents laid side by side.

    >>> found = aligned("Wait 2 days. Rest well.\\n", "A heading\\n\\nRest well. Wait 3 days.\\n")
    >>> [(found.before[i].text, found.after[j].text) for i, j in found.became.items()]
    [('Wait 2 days.', 'Wait 3 days.'), ('Rest well.', 'Rest well.')]
    """
    old, new = pieces(before), pieces(after)
    pairs: dict[int, int] = {}
    for written in (lambda text: text, plain):
        ours = [(i, written(old[i].text)) for i in range(len(old)) if i not in pairs]
        taken = set(pairs.values())
        theirs = [(j, written(new[j].text)) for j in range(len(new)) if j not in taken]
        pairs |= _same(ours, theirs)
    pairs |= _like(old, new, pairs)
    return Aligned(old, new, dict(sorted(pairs.items())))


# the same words


def _same(ours: list[tuple[int, str]], theirs: list[tuple[int, str]]) -> dict[int, int]:
    """Pairs of what is the same: first in order, as many as can be; then what stands elsewhere."""
    pairs: dict[int, int] = {}
    open_ = [(0, len(ours), 0, len(theirs))]
    while open_:
        a, b, c, d = open_.pop()
        while a < b and c < d and ours[a][1] == theirs[c][1]:
            pairs[ours[a][0]] = theirs[c][0]
            a, c = a + 1, c + 1
        while a < b and c < d and ours[b - 1][1] == theirs[d - 1][1]:
            b, d = b - 1, d - 1
            pairs[ours[b][0]] = theirs[d][0]
        if a == b or c == d:
            continue
        once = _once(ours, a, b), _once(theirs, c, d)
        both = sorted((place, once[1][text]) for text, place in once[0].items() if text in once[1])
        anchors = list(_rising(both).items())
        if not anchors:
            pairs |= _in_turn(ours[a:b], theirs[c:d])
            continue
        edges = [(a - 1, c - 1), *anchors, (b, d)]
        pairs |= {ours[i][0]: theirs[j][0] for i, j in anchors}
        open_ += [(i + 1, last, j + 1, end) for (i, j), (last, end) in pairwise(edges)]
    taken = set(pairs.values())
    left: dict[str, list[int]] = defaultdict(list)
    for j, text in reversed(theirs):
        if j not in taken:
            left[text].append(j)
    for i, text in ours:
        if i not in pairs and left.get(text):
            pairs[i] = left[text].pop()
    return pairs


def _once(found: list[tuple[int, str]], first: int, last: int) -> dict[str, int]:
    """Where the texts of a stretch are that stand there once."""
    counts = Counter(text for _, text in found[first:last])
    return {found[place][1]: place for place in range(first, last) if counts[found[place][1]] == 1}


def _in_turn(ours: list[tuple[int, str]], theirs: list[tuple[int, str]]) -> dict[int, int]:
    """Pairs in a stretch where every text stands more than once, or on one side alone: each takes the next."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, (_, text) in enumerate(theirs):
        places[text].append(place)
    pairs, at = {}, 0
    for i, text in ours:
        of = places.get(text, [])
        if (k := bisect_left(of, at)) < len(of):
            pairs[i] = theirs[of[k]][0]
            at = of[k] + 1
    return pairs


def _rising(pairs: Sequence[tuple[int, int]]) -> dict[int, int]:
    """The longest series of pairs, which come in the order of their first, in which the second rises too."""
    ends: list[int] = []  # of the best series of each length, the least second
    last: list[int] = []  # and which pair that is
    before: list[int] = []
    for place, (_, second) in enumerate(pairs):
        length = bisect_left(ends, second)
        before.append(last[length - 1] if length else -1)
        if length == len(ends):
            ends.append(second)
            last.append(place)
        else:
            ends[length], last[length] = second, place
    place, found = (last[-1] if last else -1), []
    while place >= 0:
        found.append(pairs[place])
        place = before[place]
    return dict(reversed(found))


# most of the words


def _like(old: Sequence[Piece], new: Sequence[Piece], pairs: Mapping[int, int]) -> dict[int, int]:
    """Pairs of what is most alike among the sentences that are in none yet."""
    taken = set(pairs.values())
    gone = {i: Counter(words(old[i].text)) for i in range(len(old)) if i not in pairs}
    if not gone:
        return {}
    come = {j: Counter(words(new[j].text)) for j in range(len(new)) if j not in taken}
    wanted = {word for bag in gone.values() for word in bag}
    holding: dict[str, list[int]] = defaultdict(list)
    for j, bag in come.items():
        for word in bag.keys() & wanted:
            holding[word].append(j)
    gaps = _Gaps(pairs, len(new))
    chances: list[tuple[float, int, int]] = []
    for i, bag in gone.items():
        low, high = gaps.of(i)
        votes: Counter[int] = Counter()
        for word in bag:
            if len(places := holding.get(word, ())) <= _COMMON:
                votes.update(places)
            else:
                votes.update(places[bisect_left(places, low) : bisect_left(places, high)][:_COMMON])
        tried = {j for j, _ in votes.most_common(_TRIED)} | {j for j in range(low, min(high, low + 2)) if j in come}
        for j in tried:
            likeness = _in_common(bag, come[j])
            in_place = low <= j < high <= low + _NARROW
            if likeness >= (LIKE_IN_PLACE if in_place else LIKE):
                chances.append((-likeness - 0.1 * in_place, i, j))
    found: dict[int, int] = {}
    given: set[int] = set()
    for _, i, j in sorted(chances):
        if i not in found and j not in given:
            found[i] = j
            given.add(j)
    return found


class _Gaps:
    """Where in the new document a sentence would stand that kept its neighbours."""

    def __init__(self, pairs: Mapping[int, int], end: int) -> None:
        kept = _rising(sorted(pairs.items()))
        self.old, self.new, self.end = list(kept), list(kept.values()), end

    def of(self, i: int) -> tuple[int, int]:
        """From which place to which, the last exclusive."""
        at = bisect_left(self.old, i)
        return (self.new[at - 1] + 1 if at else 0), (self.new[at] if at < len(self.new) else self.end)


def shared(one: str, other: str) -> float:
    """The share of their words that two texts have in common, in whatever order.

    >>> shared("Rest for two days", "for 2 days, rest")
    0.75
    """
    return _in_common(Counter(words(one)), Counter(words(other)))


def _in_common(one: Counter[str], other: Counter[str]) -> float:
    return 2 * (one & other).total() / ((one.total() + other.total()) or 1)


def words(text: str) -> list[str]:
    """The words and figures of a text in their order, however they are written.

    >>> words("Rest for 2–3 days")
    ['rest', 'for', '2', '3', 'days']
    """
    return [token.text for token in tokens(plain(text).casefold()) if token.text[0].isalnum()]


class Token(NamedTuple):
    """A word, a figure or a sign of a text, and its offsets."""

    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """A text in words, figures and signs; only blanks are left out.

    >>> [token.text for token in tokens("100-300 pmol/L of T4, isn't it?")]
    ['100', '-', '300', 'pmol', '/', 'L', 'of', 'T4', ',', "isn't", 'it', '?']
    """
    return [Token(match[0], *match.span()) for match in _TOKEN.finditer(text)]


_TOKEN = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_][^\W_\u0300-\u036f]*(?:[\u0300-\u036f]+[^\W_]*|['’][^\W_]+)*|\S")
