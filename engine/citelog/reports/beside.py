"""A knowledge base beside a new edition of its document, as a page that stands alone: the old words and the new ones.

Every difference is marked in both, and told in words beneath, so that neither colour nor sight is needed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from citelog.compare.fates import Around
from citelog.drift.found import STATEMENTS, Drifted, Part
from citelog.drift.report import Drift
from citelog.drift.wording import TURNING, Apart
from citelog.home import VERSION
from citelog.render.phrases import counted
from citelog.render.template import fill
from citelog.reports.audited import SIGNS
from citelog.reports.drifted import (
    PLURALS,
    Note,
    became,
    beside_it,
    called,
    conclusions,
    heading,
    notes,
    notes_of,
    where,
)

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
    weight: str
    sign: str
    told: str
    place: str
    before: tuple[Words, ...]
    after: tuple[Words, ...] | None
    notes: tuple[Note, ...]
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
        turning=TURNING,
        engine=f"citelog {VERSION}",
    )


def _row(one: Drifted, found: Drift) -> Row:
    fate, weight, documents = one.became, STATEMENTS[one.code].weight, found.documents
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
    return Row(one.statement, weight, SIGNS[weight], told, place, before, after, tuple(notes(one)), one)


def _segment(one: Part) -> Row:
    after = tuple(_stretches(one.became.now, [(a.new, a.sort) for a in one.differences])) if one.became.after else None
    before = tuple(_stretches(one.became.words, [(a.old, a.sort) for a in one.differences]))
    place = where(one.became.before, one.became.after)
    notes_ = tuple(notes_of(one))
    return Row(one.segment, "open", SIGNS["open"], became(one), place, before, after, notes_, one)


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
