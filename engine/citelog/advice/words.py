"""Advice about words of the document that no statement quotes, in a segment that is said to be encoded."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

from citelog.advice.given import Advice, Given
from citelog.advice.hedges import hedges
from citelog.advice.reach import Reach
from citelog.diagnostics import shortened
from citelog.evidence.markers import without
from citelog.values import Iri
from citelog.vocab import CL

CODES: Mapping[str, str] = {
    "words-unquoted": "a part of an encoded segment that none of its statements quotes",
}

FEW = 6
"""Words that only lead to what is quoted (“in terms of treatment”) and say nothing themselves."""

_TELLING = re.compile(r"\b(?:not|no|never|unless|except|only|if|when|until|before|after|without|avoid)\b|\d", re.I)
"""A word that can turn what is quoted round, or bound it; or a figure."""


def unquoted(given: Given, _: Reach) -> Iterator[Advice]:
    """Parts of encoded segments that no statement quotes, where they are more than words that lead on.

    Citation markers are left out; a figure, an exception or a word of reserve is always more.
    """
    source, triples = given.knowledge.source, given.triples
    quotes = _joined(sorted((s.start, s.end) for s in given.knowledge.statements.values()))
    at = 0
    for segment in sorted(triples.instances(CL + "Segment"), key=lambda one: triples.whole(one, CL + "order")):
        text = triples.text(segment, CL + "text")
        start = source.text.find(text, at)
        if start < 0:
            continue
        at = start + len(text)
        if not triples.all(segment, CL + "encodedAs"):
            continue
        for left in _left(source.text, start, at, quotes):
            bare = without(left).strip()
            if len(re.findall(r"[^\W_]+", bare)) > FEW or _TELLING.search(bare) or hedges(bare):
                message = f"no statement quotes “{shortened(bare.strip(' .,;:•'), 80)}” of {Iri(segment).local}"
                hint = "quote it in a statement; or cut the segment there, and set that part aside with a reason"
                ids = tuple(one.local for one in triples.all(segment, CL + "encodedAs") if isinstance(one, Iri))
                yield Advice("words-unquoted", ids, triples.span(segment, "cl:text"), message, hint)


def _left(text: str, start: int, end: int, quotes: list[tuple[int, int]]) -> Iterator[str]:
    """The parts of a passage that no quote covers; the quotes are in order, and apart from each other."""
    at = start
    for first, last in quotes[max(0, bisect_left(quotes, (start, 0)) - 1) :]:
        if first >= end:
            break
        if first > at:
            yield text[at:first]
        at = max(at, last)
    if at < end:
        yield text[at:end]


def _joined(quotes: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Stretches of text, those that touch made one."""
    joined: list[tuple[int, int]] = []
    for start, end in quotes:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
