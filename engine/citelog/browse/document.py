"""The source document to be read: its lines, each stretch with the statements that quote it or why none does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from citelog.browse.shelf import Shelf
from citelog.knowledge.base import Statement
from citelog.render.quoted import Quote, TextLine, cut
from citelog.values import Iri
from citelog.vocab import CL

UNACCOUNTED = "no segment accounts for it"


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the document: its words, the statements that encode it, or the reason why none does.

    `start` and `end` are its place in code points, the end exclusive. One without an id is a part that no segment
    accounts for.
    """

    id: str
    words: str
    start: int
    end: int
    statements: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a line: the statements that quote it, those of them that begin here, the segment set aside here."""

    text: str
    statements: tuple[str, ...]
    begins: tuple[str, ...]
    aside: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the document, with what begins on it; `heading` is the section that it opens, where it opens one."""

    number: int
    runs: tuple[Run, ...]
    statements: tuple[Statement, ...]
    asides: tuple[Segment, ...]
    heading: str


def segments(shelf: Shelf) -> tuple[Segment, ...]:
    """Every part of the document but white space, in its order: segments, and what they leave out."""
    return tuple(_segments(shelf))


def lines(shelf: Shelf) -> tuple[Line, ...]:
    """The document, line by line."""
    known, text = shelf.knowledge, shelf.knowledge.source.text
    aside = {f"aside {place}": one for place, one in enumerate(segments(shelf)) if one.reason}
    quotes = [Quote(one.id, one.start, one.end) for one in known.statements.values()]
    quotes += [Quote(name, one.start, one.end) for name, one in aside.items()]
    titles = {
        shelf.triples.whole(iri, CL + "line"): shelf.triples.label(iri)
        for iri in shelf.triples.instances(CL + "Section")
    }
    return tuple(_line(shelf, line, aside, titles) for line in cut(text, quotes))


def around(shelf: Shelf, id_: str) -> tuple[Run, ...]:
    """The lines that a statement's quote stands on, with the quote in its place."""
    one = shelf.knowledge.statements[id_]
    text = shelf.knowledge.source.text
    first = text.rfind("\n", 0, one.start) + 1
    last = text.find("\n", one.end)
    part = text[first : last if last >= 0 else len(text)]
    found = cut(part, [Quote(id_, one.start - first, one.end - first)])
    return tuple(Run(piece.text, piece.quotes, piece.begins, "") for line in found for piece in line.pieces)


def _line(shelf: Shelf, line: TextLine, aside: Mapping[str, Segment], titles: Mapping[int, str]) -> Line:
    statements = shelf.knowledge.statements
    runs = tuple(
        Run(
            piece.text,
            tuple(name for name in piece.quotes if name in statements),
            tuple(name for name in piece.begins if name in statements),
            next((aside[name].reason for name in piece.quotes if name in aside), ""),
        )
        for piece in line.pieces
    )
    here = tuple(statements[name] for name in line.begins if name in statements)
    asides = tuple(aside[name] for name in line.begins if name in aside)
    return Line(line.number, runs, here, asides, titles.get(line.number, ""))


def _segments(shelf: Shelf) -> Iterator[Segment]:
    triples, text = shelf.triples, shelf.knowledge.source.text
    at = 0
    for iri in sorted(triples.instances(CL + "Segment"), key=lambda one: triples.whole(one, CL + "order")):
        words = triples.text(iri, CL + "text")
        start = text.find(words, at) if words else -1
        if start < 0:
            continue  # `check` says so; its words are then accounted for by nothing
        yield from _left_out(text, at, start)
        at = start + len(words)
        encoded = tuple(Iri(str(one)).local for one in triples.all(iri, CL + "encodedAs"))
        yield Segment(Iri(iri).local, words, start, at, encoded, triples.text(iri, CL + "outOfScope"))
    yield from _left_out(text, at, len(text))


def _left_out(text: str, start: int, end: int) -> Iterator[Segment]:
    """What stands between segments, line by line, but white space and bullets."""
    for match in re.finditer(r"[^\s•][^\n]*", text[start:end]):
        words = match[0].rstrip()
        yield Segment("", words, start + match.start(), start + match.start() + len(words), (), UNACCOUNTED)
