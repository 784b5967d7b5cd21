"""What becomes of the quotes when the document changes: they stay, move, change or vanish, and what rests on them.

Where a quote changed or vanished (`compare.fates`), its statement has lost its words, and every conclusion that rests
on it has lost support until somebody has read the new document.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from citelog.author.passages import Difference, differences
from citelog.compare.changes import Renamed
from citelog.compare.editions import Edition
from citelog.compare.fates import Became, Documents, Fate, Place
from citelog.evidence.sources import Source
from citelog.knowledge.statements import place_of
from citelog.knowledge.triples import Triples
from citelog.values import Iri
from citelog.vocab import CL


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
class SourceChange:
    """The old document and the new one, and every quote that is not where it was; `kept` counts the others."""

    before: Source
    after: Source
    quotes: tuple[Quote, ...]
    kept: int

    def to_dict(self) -> dict[str, Any]:
        """The change as data."""
        return {
            "before": {"file": self.before.file, "sha256": self.before.sha256},
            "after": {"file": self.after.file, "sha256": self.after.sha256},
            "kept": self.kept,
            "quotes": [quote.to_dict() for quote in self.quotes],
        }


def source_change(old: Edition, new: Edition, renamed: Renamed) -> SourceChange | None:
    """What became of the quotes of the old edition; None where both have the same document, or one has none.

    Nothing is said yet of what rests on them (`supported`).
    """
    before, after = old.source, new.source
    if before is None or after is None or before.sha256 == after.sha256:
        return None
    documents = Documents(before, after)
    found, kept = [], 0
    for id_, start, end in quoted(old.opened.triples, before):
        quote = _quote(id_, documents.became(start, end))
        if quote.fate == "kept":
            kept += 1
        else:
            found.append(quote if quote.fate == "moved" else _requoted(quote, new, renamed))
    return SourceChange(before, after, tuple(sorted(found, key=lambda q: q.before.start)), kept)


def quoted(triples: Triples, source: Source) -> Iterable[tuple[str, int, int]]:
    """Every statement, by its id, with the offsets of its quote, where that stands in the document."""
    for iri in triples.instances(CL + "Statement"):
        quote = triples.text(iri, CL + "quote")
        place = place_of(triples, iri, source, lambda *_: None) if quote and source.places(quote) else None
        if place is not None:
            yield Iri(iri).local, place, place + len(quote)


def _quote(id_: str, found: Became) -> Quote:
    """What became of the quote of a statement."""
    differing = tuple(differences(found.words, found.now)) if found.fate == "changed" else ()
    return Quote(id_, found.fate, found.words, found.before, found.now, found.after, differing)


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
    place = Place(new.source.line(places[0]), places[0], places[0] + len(now))
    return replace(
        found, fate="changed", now=now, after=place, differences=tuple(differences(found.quote, now)), requoted=True
    )


def supported(found: SourceChange, rests: Mapping[str, Iterable[Support]]) -> SourceChange:
    """The change with what rests on each quote that has lost its words; `rests` says it of each statement."""
    quotes = tuple(
        replace(quote, supports=tuple(rests.get(quote.statement, ()))) if quote.fate != "moved" else quote
        for quote in found.quotes
    )
    return replace(found, quotes=quotes)
