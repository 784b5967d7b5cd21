"""A knowledge base put beside a new edition of its document: each quote, segment and heading found again, or not."""

from __future__ import annotations

import datetime
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from citelog.author.passages import placed
from citelog.author.sentences import headings
from citelog.compare.editions import Edition
from citelog.compare.effects import Watch, unwatched
from citelog.compare.fates import Became, Documents, Place
from citelog.compare.quotes import quoted
from citelog.diagnostics import KnowledgeError
from citelog.drift.found import STATEMENTS, Beside, Drifted, Heading, New, Part
from citelog.drift.report import Drift
from citelog.drift.resting import Ground
from citelog.drift.wording import apart
from citelog.evidence.markers import without
from citelog.evidence.sources import Source
from citelog.knowledge.base import state_of
from citelog.knowledge.triples import RDFS, Triples
from citelog.values import Iri
from citelog.vocab import CL

ANOTHER = 0.2
"""The share of its sentences below which nobody would call a document an edition of another."""

_WORSE = {code: i for i, code in enumerate((*STATEMENTS, ""))}


def drift(edition: Edition, document: Source, watch: Watch = unwatched) -> Drift:
    """A knowledge base beside a new edition of its document.

    Raises KnowledgeError where its own document is not there, or is not the one that was encoded.
    """
    old = edition.source
    bars = [d for d in edition.errors if d.code in ("source-changed", "file-missing", "rdf-syntax", "not-utf-8")]
    if old is None or bars:
        raise KnowledgeError(bars or list(edition.errors))
    documents = Documents(old, document)
    if old.sha256 == document.sha256:
        return Drift(edition, documents, (), (), (), (), {}, ())
    sections = _Sections(edition.opened.triples, documents)
    statements = tuple(_drifted(edition, documents, sections))
    if any(one.affects for one in statements):
        ground = Ground(edition, watch)
        statements = tuple(
            replace(one, resting=ground.resting(one.statement, one.became.words, one.became.now))
            if one.affects
            else one
            for one in statements
        )
    parts = tuple(_parts(edition.opened.triples, documents))
    known = [*(one.became for one in statements), *(part.became for part in parts)]
    orders, new_ones = _ordered(parts, tuple(_new(documents, sections, known)))
    unasked = "" if edition.knowledge else f"{edition.name} has errors, so it is not told what rests on its statements"
    return Drift(
        edition,
        documents,
        tuple(sorted(statements, key=_worst_first)),
        parts,
        new_ones,
        sections.headings,
        orders,
        tuple(_notes(documents)),
        unasked,
    )


# statements


def _worst_first(one: Drifted) -> tuple[int, int, int]:
    """The worst that became of a statement, then how many cases rest on it, then the order of the document."""
    return _WORSE[one.code], -len(one.resting.cases), one.became.before.start


def _drifted(edition: Edition, documents: Documents, sections: _Sections) -> Iterator[Drifted]:
    triples, knowledge = edition.opened.triples, edition.knowledge
    roles, quotes = _roles(triples), tuple(quoted(triples, documents.old))
    for id_, start, end in quotes:
        became = documents.became(start, end)
        after = became.after
        before_section, after_section = sections.old(start), sections.new(after.start) if after else None
        yield Drifted(
            id_,
            became,
            apart(became.words, became.now) if became.fate == "changed" else (),
            tuple(_beside(documents, became, quotes)) if after else (),
            (
                documents.old.printed_markers(start, end),
                documents.new.printed_markers(after.start, after.end) if after else (),
            ),
            (sections.label_before(before_section), sections.label_after(after_section)),
            after is not None and before_section != after_section,
            roles.get(id_, ()),
            state_of(knowledge.reviews.get(knowledge.statements[id_].iri, ())) if knowledge else "",
        )


def _beside(documents: Documents, became: Became, quotes: Sequence[tuple[str, int, int]]) -> Iterator[Beside]:
    """What differs in the sentence of a quote, before it and after it."""
    assert became.after is not None
    before = documents.around_old(became.before.start, became.before.end)
    after = documents.around_new(became.after.start, became.after.end)
    first = became.before.start - len(before.before)
    for one in apart(before.before, after.before):
        yield Beside(one, True, _quoted_by(first + one.old[0], first + one.old[1], quotes))
    first = became.before.end
    for one in apart(without(before.after), without(after.after)):  # the markers are told by themselves
        yield Beside(one, False, _quoted_by(first + one.old[0], first + one.old[1], quotes))


def _quoted_by(first: int, last: int, quotes: Iterable[tuple[str, int, int]]) -> tuple[str, ...]:
    """The statements in whose quotes a stretch of the old document stands; what is put in, between their words."""
    return tuple(
        id_ for id_, start, end in quotes if start <= first and last <= end and (first < last or start < first < end)
    )


def _roles(triples: Triples) -> Mapping[str, tuple[str, ...]]:
    """What statements are to the document itself: where its review status is from, and its date."""
    found: dict[str, dict[str, None]] = {}
    for document in triples.instances(CL + "SourceDocument"):
        for statement in triples.all(document, CL + "reviewStatusFrom"):
            found.setdefault(Iri(str(statement)).local, {})["review status"] = None
        for property_, values in triples.subjects[document].items():
            for value in values:
                if isinstance(value, datetime.date):
                    for graph in triples.graphs[document, property_, value]:
                        found.setdefault(Iri(graph).local, {})["date"] = None
    return {statement: tuple(roles) for statement, roles in found.items()}


# sections


class _Sections:
    """The headings of both documents: those that the knowledge base names, and those that only the new one has."""

    def __init__(self, triples: Triples, documents: Documents) -> None:
        aligned = documents.aligned
        self._before: list[tuple[int, str, Became]] = []
        for iri in triples.instances(CL + "Section"):
            label, line = triples.text(iri, RDFS + "label"), triples.whole(iri, CL + "line")
            places = [at for at in documents.old.places(label) if documents.old.line(at) == line]
            if places:
                self._before.append((places[0], iri, documents.became(places[0], places[0] + len(label))))
        self._before.sort()
        self._after = [(became.after.start, iri, became.now) for _, iri, became in self._before if became.after]
        taken = {j for start, _, label in self._after for j in aligned.new(start, start + len(label))}
        self._more = [
            piece
            for piece in headings(documents.new.text, aligned.after)
            if (j := aligned.new(piece.start, piece.end)[0]) not in taken and j not in aligned.came_from
        ]
        self._after += [(piece.start, "", piece.text) for piece in self._more]
        self._after.sort()
        self._starts = [start for start, _, _ in self._before], [start for start, _, _ in self._after]
        self._labels = {iri or label: label for _, iri, label in self._after}

    @property
    def headings(self) -> tuple[Heading, ...]:
        """Every section, in the order of the new document, those that are gone last."""
        found = [
            (
                became.after.start if became.after else 1 << 60,
                Heading(
                    became.words,
                    became.now or None,
                    became.before.line,
                    became.after.line if became.after else None,
                    became.in_order,
                    iri,
                ),
            )
            for _, iri, became in self._before
        ]
        found += [(piece.start, Heading(None, piece.text, None, piece.line)) for piece in self._more]
        return tuple(heading for _, heading in sorted(found, key=lambda one: one[0]))

    def old(self, at: int) -> str | None:
        """Under which section a place of the old document stands, by its IRI."""
        i = bisect_right(self._starts[0], at)
        return self._before[i - 1][1] if i else None

    def new(self, at: int) -> str | None:
        """The same of the new document; of a heading that only that has, the heading."""
        i = bisect_right(self._starts[1], at)
        return (self._after[i - 1][1] or self._after[i - 1][2]) if i else None

    def label_before(self, section: str | None) -> str | None:
        """What a section was called."""
        return next((became.words for _, iri, became in self._before if iri == section), None)

    def label_after(self, section: str | None) -> str | None:
        """What a section is called."""
        return self._labels.get(section) if section else None


# segments, and sentences that none accounts for


def _parts(triples: Triples, documents: Documents) -> Iterator[Part]:
    segments = tuple(placed(triples, documents.old))
    held = [(segment.name, start, end) for start, end, segment in segments]
    for start, end, segment in segments:
        became = documents.became(start, end)
        differing = apart(became.words, became.now) if became.fate == "changed" else ()
        beside = _beside(documents, became, held) if became.after else ()
        unheld = tuple(one.apart for one in beside if not one.quoted_by and one.apart.sort != "writing")
        yield Part(segment.name, became, differing, unheld, segment.encoded_as, segment.out_of_scope)


def _new(documents: Documents, sections: _Sections, known: Iterable[Became]) -> Iterator[New]:
    """The sentences of the new document that are in no pair, and in which no known passage stands."""
    aligned = documents.aligned
    accounted = {j for one in known if one.after for j in aligned.new(one.after.start, one.after.end)}
    for j in aligned.alone:
        piece = aligned.after[j]
        if j not in accounted and any(map(str.isalnum, piece.text)):
            section = sections.label_after(sections.new(piece.start))
            place = Place(piece.line, piece.start, piece.end)
            yield New(piece.text, place, section, 0, any(map(str.isdigit, piece.text)))


def _ordered(parts: Iterable[Part], new: tuple[New, ...]) -> tuple[dict[str, int], tuple[New, ...]]:
    """Numbers in the order of the new document: of the segments, and of the sentences between them.

    A segment that vanished stays behind the one that it stood behind.
    """
    things: list[tuple[int, int, Part | New]] = []
    at = 0
    for part in parts:
        at = part.became.after.start if part.became.after else at
        things.append((at, 0, part))
    things += [(one.place.start, 1, one) for one in new]
    numbered = [(i, one) for i, (_, _, one) in enumerate(sorted(things, key=lambda t: t[:2]), 1)]
    return (
        {one.segment: i for i, one in numbered if isinstance(one, Part)},
        tuple(replace(one, order=i) for i, one in numbered if isinstance(one, New)),
    )


# the file as a whole


def _notes(documents: Documents) -> Iterator[str]:
    old, new, aligned = documents.old.text, documents.new.text, documents.aligned
    if aligned.before and aligned.same < ANOTHER * len(aligned.before):
        standing = f"only {aligned.same} of {len(aligned.before)} sentences stand in it"
        yield f"{standing}: is it an edition of the same document?"
    for told, has in (
        ("begins with a byte order mark", lambda text: text.startswith("\ufeff")),
        ("ends its lines with CR LF", lambda text: "\r\n" in text),
        ("has non-breaking blanks", lambda text: "\u00a0" in text or "\u202f" in text),
        ("writes letters and their accents apart", lambda text: bool(re.search("[A-Za-z][\u0300-\u036f]", text))),
    ):
        if has(new) != has(old):
            yield f"it {told}, unlike the old one" if has(new) else f"the old one {told}; it does not"
