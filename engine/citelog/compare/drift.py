"""What becomes of the quotes when the document changes: they stay, move, change or vanish, and what rests on them.

A quote is looked for letter for letter. Where it is no longer there, the passage most like it is shown with every word
that differs, as `citelog quote` shows it; where nothing is like it, it has vanished. Either way the statement has lost
its words, and every conclusion that rests on it has lost support until somebody has read the new document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from citelog.author.passages import Difference, differences, nearest
from citelog.compare.changes import Renamed
from citelog.compare.editions import Edition
from citelog.evidence.sources import Source
from citelog.knowledge.statements import place_of
from citelog.knowledge.triples import Triples
from citelog.values import Iri
from citelog.vocab import CL

Fate = Literal["moved", "changed", "vanished"]


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
class Support:
    """A conclusion that rests on a statement, and the cases of the old edition in which it does.

    `cites` is whether the statement is among its own citations, and does not only stand further down in its proof.
    """

    conclusion: str
    cases: tuple[str, ...]
    cites: bool

    def to_dict(self) -> dict[str, Any]:
        """The support as data."""
        return {"conclusion": self.conclusion, "cites": self.cites, "cases": list(self.cases)}


@dataclass(frozen=True, slots=True)
class Quote:
    """A quote of the old edition in the new document.

    `now` is the passage that stands in its place: the same words where it moved, those most like it where it changed,
    with what differs between the two. `requoted` is whether the new edition already quotes other words for the
    statement, or no longer has it. `supports` is what rests on the statement, for one that changed or vanished.
    """

    statement: str
    fate: Fate
    quote: str
    before: Place
    now: str
    after: Place | None
    differences: tuple[Difference, ...] = ()
    requoted: bool = False
    supports: tuple[Support, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The quote as data."""
        return {
            "statement": self.statement,
            "fate": self.fate,
            "quote": self.quote,
            "before": self.before.to_dict(),
            "now": self.now or None,
            "after": self.after.to_dict() if self.after else None,
            "differences": [{"before": d.asked, "after": d.document} for d in self.differences],
            "requoted": self.requoted,
            "supports": [support.to_dict() for support in self.supports],
        }


@dataclass(frozen=True, slots=True)
class Drift:
    """The old document and the new one, and every quote that is not where it was; `kept` counts the others."""

    before: Source
    after: Source
    quotes: tuple[Quote, ...]
    kept: int

    def to_dict(self) -> dict[str, Any]:
        """The drift as data."""
        return {
            "before": {"file": self.before.file, "sha256": self.before.sha256},
            "after": {"file": self.after.file, "sha256": self.after.sha256},
            "kept": self.kept,
            "quotes": [quote.to_dict() for quote in self.quotes],
        }


def drift(old: Edition, new: Edition, renamed: Renamed) -> Drift | None:
    """What became of the quotes of the old edition; None where both have the same document, or one has none.

    Nothing is said yet of what rests on them (`supported`).
    """
    before, after = old.source, new.source
    if before is None or after is None or before.sha256 == after.sha256:
        return None
    found, kept = [], 0
    for id_, quote, place in _quoted(old.opened.triples, before):
        fate = _fate(id_, quote, place, before, after)
        if fate is None:
            kept += 1
        elif fate.fate == "moved":
            found.append(fate)
        else:
            found.append(_requoted(fate, new, renamed))
    return Drift(before, after, tuple(sorted(found, key=lambda q: q.before.start)), kept)


def _quoted(triples: Triples, source: Source) -> Iterable[tuple[str, str, int]]:
    """Every statement with its quote, where that stands in the document."""
    for iri in triples.instances(CL + "Statement"):
        quote = triples.text(iri, CL + "quote")
        place = place_of(triples, iri, source, lambda *_: None) if quote and source.places(quote) else None
        if place is not None:
            yield Iri(iri).local, quote, place


def _fate(id_: str, quote: str, place: int, before: Source, after: Source) -> Quote | None:
    """What became of one quote; None where it stands on the line where it stood, or only its offset differs."""
    was = _place(before, place, place + len(quote))
    if places := after.places(quote):
        ahead = after.text.find(before.text[max(0, place - 80) : place + len(quote)])
        at = ahead + min(80, place) if ahead >= 0 else min(places, key=lambda p: abs(p - place))
        now = _place(after, at, at + len(quote))
        return None if now.line == was.line else Quote(id_, "moved", quote, was, quote, now)
    start, end = nearest(after, quote)
    if start == end:
        return Quote(id_, "vanished", quote, was, "", None)
    words = after.text[start:end]
    return Quote(id_, "changed", quote, was, words, _place(after, start, end), tuple(differences(quote, words)))


def _place(source: Source, start: int, end: int) -> Place:
    return Place(source.line(start), start, end)


def _requoted(found: Quote, new: Edition, renamed: Renamed) -> Quote:
    """The quote, with whether the new edition has other words for its statement; if they stand there, these."""
    said = {
        Iri(s).local: new.opened.triples.text(s, CL + "quote") for s in new.opened.triples.instances(CL + "Statement")
    }
    now = said.get(renamed.statement(found.statement))
    if now == found.quote or new.source is None:
        return found
    if now is None or not (places := new.source.places(now)):
        return replace(found, requoted=now is None)
    place = _place(new.source, places[0], places[0] + len(now))
    return replace(
        found, fate="changed", now=now, after=place, differences=tuple(differences(found.quote, now)), requoted=True
    )


def supported(found: Drift, rests: Mapping[str, Iterable[Support]]) -> Drift:
    """The drift with what rests on each quote that has lost its words; `rests` says it of each statement."""
    quotes = tuple(
        replace(quote, supports=tuple(rests.get(quote.statement, ()))) if quote.fate != "moved" else quote
        for quote in found.quotes
    )
    return replace(found, quotes=quotes)
