"""The segments into which a document is cut: each stands where it says, and together they leave nothing of it out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

from citelog.diagnostics import Diagnostic, Span, meant
from citelog.evidence.sources import Source
from citelog.knowledge.files import shown_name
from citelog.knowledge.load import Opened
from citelog.knowledge.triples import Triples
from citelog.values import Iri, Value
from citelog.vocab import CL

CODES: Mapping[str, str] = {
    "segment-not-found": "a segment whose text does not stand on its line",
    "segment-unclear": "a segment that is neither encoded nor set aside, or both",
    "segment-missing": "a part of the document that no segment accounts for",
    "statement-outside-segments": "a statement whose quote lies in no segment that names it",
}
"""Every code of this module, with its meaning."""

LIKENESS = 0.6
"""How like a segment the passage is at least that its author meant; 1 is the same text."""

Stretch = tuple[int, int]
"""Where something starts in the document, and where it ends."""


def check_segments(folder: Path, opened: Opened, source: Source) -> list[Diagnostic]:
    """What is wrong with the segments of a document, and which part of it, or statement, lies in none."""
    found: list[Diagnostic] = []
    places, meant_for = _places(opened.triples, source, found)
    for segment in places:
        found += _about(segment, opened)
    file = opened.triples.text(opened.triples.instances(CL + "SourceDocument")[0], CL + "file")
    found += _left_out(shown_name(folder / file, folder), source, places.values(), meant_for.values())
    found += _outside(opened, places, meant_for)
    return found


def _places(triples: Triples, source: Source, found: list[Diagnostic]) -> tuple[dict[str, Stretch], dict[str, Stretch]]:
    """Where each segment stands, in their order; and what those are meant for that do not stand there.

    One that has no text, and one that is like nothing, has no place.
    """
    places: dict[str, Stretch] = {}
    meant_for: dict[str, Stretch] = {}
    at = 0
    for segment in sorted(triples.instances(CL + "Segment"), key=lambda one: triples.whole(one, CL + "order")):
        text = triples.text(segment, CL + "text")
        if not text.strip():
            continue  # which the shapes tell
        start = source.text.find(text, at)
        if start < 0 or source.line(start) != triples.one(segment, CL + "line"):
            first, last, likeness = source.nearest_place(text)
            if likeness >= LIKENESS:
                meant_for[segment] = (first, last)
            hint = f"the nearest text is on line {source.line(first)}: {source.text[first:last]!r}"
            message = f"{Iri(segment).local} is not, in its order and letter for letter, on its line"
            found.append(triples.finding("segment-not-found", (segment, CL + "text"), message, hint, ""))
            continue
        at = start + len(text)
        places[segment] = (start, at)
    return places, meant_for


def _about(segment: str, opened: Opened) -> Iterator[Diagnostic]:
    """What is wrong with what a segment says of itself: which statements encode it, or why none does."""
    triples = opened.triples
    encoded, aside = triples.all(segment, CL + "encodedAs"), triples.text(segment, CL + "outOfScope")
    if bool(encoded) == bool(aside):
        how = "both encoded and set aside" if aside else "neither encoded nor set aside"
        hint = "write cl:encodedAs with its statements, or cl:outOfScope with the reason"
        yield triples.finding("segment-unclear", (segment,), f"{Iri(segment).local} is {how}", hint)
    declared = frozenset(triples.instances(CL + "Statement"))
    for statement in encoded if opened.program is not None else ():
        iri, name = str(statement), _name(statement)
        if iri not in declared and (CL + "quote") not in triples.subjects.get(iri, {}):
            near = meant(name, (Iri(one).local for one in declared))
            message = f"{Iri(segment).local} names {name}, which is no statement"
            to_try = "is the statement in statements.trig?"
            about = (segment, CL + "encodedAs", iri)
            yield triples.finding("unknown-reference", about, message, near or to_try, triples.written(iri))


def _name(statement: Value) -> str:
    """A statement as a segment names it: by its IRI, or in words that are none."""
    return statement.local if isinstance(statement, Iri) else str(statement)


def _left_out(
    file: str, source: Source, places: Iterable[Stretch], meant_for: Collection[Stretch]
) -> Iterator[Diagnostic]:
    """The parts of the document that no segment accounts for, nor one that was meant for them."""
    covered = [False] * len(source.text)
    for start, end in places:
        covered[start:end] = [True] * (end - start)
    for match in re.finditer(r"[^\s•]+(?:[^\S\n]+[^\s•]+)*", source.text):
        line = source.line(match.start())
        for held, offsets in groupby(range(*match.span()), key=covered.__getitem__):
            stretch = list(offsets)
            left = source.text[stretch[0] : stretch[-1] + 1].strip()
            if left and not held and not any(start <= stretch[-1] and stretch[0] < end for start, end in meant_for):
                message, hint = f"no segment accounts for {left[:80]!r}", "add it to segments.ttl"
                yield Diagnostic("segment-missing", Span(file, line), message, hint, left[:100])


def _outside(opened: Opened, places: Mapping[str, Stretch], meant_for: Collection[str]) -> Iterator[Diagnostic]:
    """The statements whose quote lies in no segment that names them, nor in one that was meant for its text."""
    triples = opened.triples
    naming: dict[str, list[Stretch]] = {}
    for segment, place in places.items():
        for statement in triples.all(segment, CL + "encodedAs"):
            naming.setdefault(_name(statement), []).append(place)
    awaited = {_name(statement) for segment in meant_for for statement in triples.all(segment, CL + "encodedAs")}
    for one in opened.knowledge.statements.values() if opened.knowledge else ():
        if one.id in awaited:
            continue
        mine = naming.get(one.id, [])
        if not mine or not (min(s for s, _ in mine) <= one.start and one.end <= max(e for _, e in mine)):
            message = f"the quote of statement {one.id} lies in no segment that names it"
            around = [segment for segment, (start, end) in places.items() if start < one.end and one.start < end]
            written = " and ".join(map(triples.written, around)) or "the segment that it stands in"
            hint = f"write cl:encodedAs {triples.written(one.iri.value)} in {written}"
            about = (one.iri.value, "", *(Iri(segment).local for segment in around))
            yield triples.finding("statement-outside-segments", about, message, hint, "")
