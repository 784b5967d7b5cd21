"""A knowledge base beside a new edition of its document, as a page that stands alone: the old words and the new ones.

Every difference is marked in both, and told in words beneath, so that neither colour nor sight is needed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from citelog.compare.fates import Around
from citelog.drift.report import STATEMENTS, Drift, Drifted, Part
from citelog.drift.wording import SORTS, Apart
from citelog.home import VERSION
from citelog.render.compared import one_line
from citelog.render.drifted import (
    PLURALS,
    SIGNS,
    SORTED,
    beside_it,
    called,
    conclusions,
    difference,
    elsewhere,
    first,
    heading,
    where,
)
from citelog.render.phrases import counted
from citelog.render.template import fill

NEAR = 240
"""The most characters of a sentence that are shown on either side of a quote."""


@dataclass(frozen=True, slots=True)
class Words:
    """A stretch of a passage; `sort` says what difference it is, empty for none, `quoted` whether a quote holds it."""

    text: str
    sort: str = ""
    quoted: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A statement or a segment as the page shows it: both passages in stretches, None where there is none."""

    name: str
    code: str
    weight: str
    sign: str
    told: str
    place: str
    before: tuple[Words, ...]
    after: tuple[Words, ...] | None
    notes: tuple[tuple[str, str], ...]
    one: Drifted | Part


def page(found: Drift) -> str:
    """The page, with its style; nothing is fetched."""
    return fill(
        "beside.html",
        found=found,
        knowledge=found.edition.knowledge,
        old=found.documents.old,
        new=found.documents.new,
        aligned=found.documents.aligned,
        figures=[one for one in found.figures if one.count],
        rows=[_row(one, found) for one in found.statements if one.code not in ("", "quote-moved")],
        moved=sorted((o for o in found.statements if o.became.fate == "moved"), key=lambda o: o.became.before.start),
        segments=[_segment(one) for one in found.segments],
        headings=[heading(one) for one in found.headings if one.told],
        conclusions=conclusions,
        counted=counted,
        plurals=PLURALS,
        signs=SIGNS,
        sorts=SORTS,
        engine=f"citelog {VERSION}",
    )


def _row(one: Drifted, found: Drift) -> Row:
    fate, weight, documents = one.became, STATEMENTS[one.code][0], found.documents
    around = documents.around_old(fate.before.start, fate.before.end)
    before = _sentence(around, fate.words, one.differences, one, old=True)
    after: tuple[Words, ...] | None = None
    if fate.after:
        around = documents.around_new(fate.after.start, fate.after.end)
        after = _sentence(around, fate.now, one.differences, one, old=False)
    elif fate.sentence:
        after = (Words(fate.sentence, quoted=False),)
    place = where(fate.before, fate.after, one.sections[1] if fate.after else one.sections[0])
    told = f"{called(one)}{beside_it(one)}"
    return Row(one.statement, one.code, weight, SIGNS[weight], told, place, before, after, tuple(_notes(one)), one)


def _segment(one: Part) -> Row:
    after = tuple(_stretches(one.became.now, [(a.new, a.sort) for a in one.differences])) if one.became.after else None
    before = tuple(_stretches(one.became.words, [(a.old, a.sort) for a in one.differences]))
    stands = f"encoded as {', '.join(one.encoded_as)}" if one.encoded_as else f"set aside: {one.reason}"
    notes = tuple((SORTED[a.sort], difference(a)) for a in first(one.differences))
    place = where(one.became.before, one.became.after)
    return Row(
        one.segment, one.became.fate, "open", "?", f"{one.became.fate}, {stands}", place, before, after, notes, one
    )


def _notes(one: Drifted) -> Iterable[tuple[str, str]]:
    """What differs, in words: the sort of each, and what it says."""
    yield from ((SORTED[apart.sort], difference(apart)) for apart in first(one.differences))
    for beside in sorted(one.sentence, key=lambda b: (bool(b.quoted_by), list(SORTED).index(b.apart.sort))):
        if beside.apart.sort != "writing":
            quoted = f", in the quote of {' and '.join(beside.quoted_by)}" if beside.quoted_by else ""
            yield "around", f"around it, {difference(beside.apart)}{quoted}"
    if "markers-changed" in one.codes:
        sides = [", ".join(side) or "none" for side in one.markers]
        yield "markers", f"markers: {sides[0]} → {sides[1]}"
    if one.other_section:
        names = [f"“{one_line(side)}”" if side else "no heading" for side in one.sections]
        yield "heading", f"heading: {names[0]} → {names[1]}"
    if one.became.also:
        yield "elsewhere", elsewhere(one)


def _sentence(around: Around, quote: str, differing: Sequence[Apart], one: Drifted, *, old: bool) -> tuple[Words, ...]:
    """A quote in its sentence, with what differs marked; a long sentence is cut on either side."""
    outside: tuple[list[Words], list[Words]] = ([], [])
    for text, before, into in ((around.before, True, outside[0]), (around.after, False, outside[1])):
        spans = [(b.apart.old if old else b.apart.new, b.apart.sort) for b in one.sentence if b.before == before]
        into += _stretches(text, spans, quoted=False)
    within = _stretches(quote, [(a.old if old else a.new, a.sort) for a in differing])
    return (*_cut(outside[0], last=True), *within, *_cut(outside[1], last=False))


def _stretches(text: str, spans: Iterable[tuple[tuple[int, int], str]], quoted: bool = True) -> list[Words]:
    """A text in stretches, those that differ apart."""
    made, at = [], 0
    for (start, end), sort in sorted(spans):
        if start >= at and end <= len(text):
            made += [Words(text[at:start], "", quoted), Words(text[start:end], sort, quoted)]
            at = end
    return [one for one in (*made, Words(text[at:], "", quoted)) if one.text]


def _cut(words: Sequence[Words], last: bool) -> tuple[Words, ...]:
    """Stretches beside a quote, the plain ones not longer than NEAR."""
    made = []
    for one in words:
        if one.sort or len(one.text) <= NEAR:
            made.append(one)
        elif last:
            made.append(Words(f"… {one.text[-NEAR:].split(' ', 1)[-1]}", "", one.quoted))
        else:
            made.append(Words(f"{one.text[:NEAR].rsplit(' ', 1)[0]} …", "", one.quoted))
    return tuple(made)
