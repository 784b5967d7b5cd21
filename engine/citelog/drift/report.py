"""A knowledge base beside a new edition of its document: what moved, changed, vanished or is new, and what rests on it.

Everything is counted (`Drift.figures`), so that a script can ask for it. What a sentence means is not asked: every word
that differs is shown, and its sort says which to look at first.
"""

from __future__ import annotations

import datetime
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from citelog.audit.model import Figure, Item
from citelog.author.passages import placed
from citelog.author.sentences import headings
from citelog.compare.drift import quoted
from citelog.compare.editions import Edition
from citelog.compare.effects import Watch, unwatched
from citelog.compare.fates import Became, Documents, Place
from citelog.diagnostics import KnowledgeError, Span
from citelog.drift.resting import NOTHING, Ground, Resting, together
from citelog.drift.wording import SORTS, TURNING, Apart, apart
from citelog.evidence.sources import Source
from citelog.knowledge.base import state_of
from citelog.knowledge.triples import RDFS, Triples
from citelog.values import Iri
from citelog.vocab import CL

FORMAT = "citelog-drift/1"

ANOTHER = 0.2
"""The share of its sentences below which nobody would call a document an edition of another."""

STATEMENTS: Mapping[str, tuple[str, str, str]] = {
    "quote-vanished": ("broken", "the quote is gone", "The document does not say it any more, in any words."),
    "quote-figure": ("broken", "a number in the quote differs", "What the statement says may be wrong now."),
    "quote-unit": ("broken", "a unit in the quote differs", "The same number of something else."),
    "quote-negation": ("broken", "the quote says no where it said yes, or the reverse", "A word turns it round."),
    "sentence-turned": (
        "broken",
        "in the sentence around the quote a number, a unit or a “no” differs",
        "No quote holds the words that differ: the quote stands, and may be denied now.",
    ),
    "quote-strength": ("broken", "the quote is more or less firm", "It says how surely, how strongly or how soon."),
    "quote-limit": ("broken", "a limit, a condition or a choice in the quote differs", "It holds of others now."),
    "quote-words": ("broken", "other words in the quote differ", "Somebody has to read whether it says the same."),
    "quote-unsure": ("open", "the quote stands in several places", "Nothing tells which of them is meant."),
    "sentence-changed": ("open", "the sentence around the quote differs", "The quote stands; what bounds it may not."),
    "markers-changed": ("broken", "the sentence prints other citation markers", "It names other sources."),
    "section-changed": ("open", "the quote stands under another heading", "It may speak of others there."),
    "quote-writing": ("broken", "the quote is written otherwise", "The same words in other characters or blanks."),
    "quote-moved": ("disclosed", "the quote moved", "The same words on another line, or in another order."),
}
"""What can have become of a statement, worst first: how much it weighs, what it is called, what it means."""

FATES = tuple(STATEMENTS)
_WORSE = {code: i for i, code in enumerate((*FATES, ""))}


@dataclass(frozen=True, slots=True)
class Beside:
    """A difference in the sentence of a quote, outside of it; `quoted_by` are the statements that quote these words."""

    apart: Apart
    before: bool
    quoted_by: tuple[str, ...]

    @property
    def turns(self) -> bool:
        """Whether it can turn the sentence round, and stands in no quote that would tell it."""
        return self.apart.sort in TURNING and not self.quoted_by

    def to_dict(self) -> dict[str, Any]:
        """The difference as data."""
        return {**self.apart.to_dict(), "quoted_by": list(self.quoted_by)}


@dataclass(frozen=True, slots=True)
class Drifted:
    """A statement and its quote in the new document.

    `differences` are those in the quote, `sentence` those in its sentence, before it and after it; `markers` and
    `sections` are what was and what is, None where nothing is. `roles` say what of the document itself the statement is
    for, `review` how far it has been reviewed, with these words; empty where the knowledge base has errors.
    """

    statement: str
    became: Became
    differences: tuple[Apart, ...]
    sentence: tuple[Beside, ...]
    markers: tuple[tuple[str, ...], tuple[str, ...]]
    sections: tuple[str | None, str | None]
    other_section: bool
    roles: tuple[str, ...]
    review: str = ""
    resting: Resting = NOTHING

    @property
    def code(self) -> str:
        """The worst that can be said of it; empty where it was kept."""
        return next(iter(self.codes), "")

    @property
    def codes(self) -> tuple[str, ...]:
        """All that can be said of it, worst first."""
        turned = any(one.turns for one in self.sentence)
        said = {
            code
            for code, so in (
                ("quote-vanished", self.became.fate == "vanished"),
                *((f"quote-{sort}", True) for sort in SORTS if any(one.sort == sort for one in self.differences)),
                ("sentence-turned", turned),
                ("quote-unsure", not self.became.sure),
                ("sentence-changed", not turned and any(one.apart.sort != "writing" for one in self.sentence)),
                ("markers-changed", self.became.after is not None and self.markers[0] != self.markers[1]),
                ("section-changed", self.other_section),
                ("quote-moved", self.became.fate == "moved"),
            )
            if so
        }
        return tuple(code for code in STATEMENTS if code in said)

    @property
    def affects(self) -> bool:
        """Whether what rests on it has to be looked at."""
        return self.code not in ("", "quote-moved", "quote-writing")

    def to_dict(self) -> dict[str, Any]:
        """The statement as data."""
        return {
            "statement": self.statement,
            "codes": list(self.codes),
            **_became(self.became),
            "differences": [one.to_dict() for one in self.differences],
            "sentence": [one.to_dict() for one in self.sentence],
            "markers": {"before": list(self.markers[0]), "after": list(self.markers[1])},
            "section": {"before": self.sections[0], "after": self.sections[1]},
            "roles": list(self.roles),
            "review": self.review or None,
            "resting": self.resting.to_dict() if self.affects else None,
        }


def _became(found: Became) -> dict[str, Any]:
    return {
        "fate": found.fate,
        "quote": found.words,
        "before": found.before.to_dict(),
        "now": found.now or None,
        "after": found.after.to_dict() if found.after else None,
        "also": [place.to_dict() for place in found.also],
        "sure": found.sure,
        "in_order": found.in_order,
        "instead": found.sentence or None,
    }


@dataclass(frozen=True, slots=True)
class Part:
    """A segment in the new document: its statements, or the `reason` why it was set aside.

    `sentence` are differences beside it in its sentence, in words that no segment holds.
    """

    segment: str
    became: Became
    differences: tuple[Apart, ...]
    sentence: tuple[Apart, ...]
    encoded_as: tuple[str, ...]
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """The segment as data."""
        return {
            "segment": self.segment,
            **_became(self.became),
            "differences": [one.to_dict() for one in self.differences],
            "sentence": [one.to_dict() for one in self.sentence],
            "encoded_as": list(self.encoded_as),
            "out_of_scope": self.reason or None,
        }


@dataclass(frozen=True, slots=True)
class New:
    """A sentence that nothing accounts for: its words, its place, the heading above it, and what it holds that tells.

    `order` is a number that is free for it among the segments, as `citelog audit drift --write` counts them.
    """

    text: str
    place: Place
    section: str | None
    order: int
    figures: bool

    def to_dict(self) -> dict[str, Any]:
        """The sentence as data."""
        return {
            "text": self.text,
            "place": self.place.to_dict(),
            "section": self.section,
            "order": self.order,
            "figures": self.figures,
        }


@dataclass(frozen=True, slots=True)
class Heading:
    """A section of the document, by what its heading was and is; None where there is none.

    `iri` is its name in the knowledge base, empty where it has none. `in_order` is whether it kept its place among the
    others.
    """

    before: str | None
    after: str | None
    line_before: int | None
    line_after: int | None
    in_order: bool = True
    iri: str = ""

    @property
    def told(self) -> bool:
        """Whether there is anything to say of it."""
        return self.before != self.after or not self.in_order

    def to_dict(self) -> dict[str, Any]:
        """The section as data."""
        return {
            "before": self.before,
            "after": self.after,
            "line_before": self.line_before,
            "line_after": self.line_after,
            "in_order": self.in_order,
        }


@dataclass(frozen=True)
class Drift:
    """A knowledge base beside a new edition of its document.

    `statements` are all, worst first; `parts` all segments, in their order, and `orders` numbers for them in the new
    document, with one left free for each sentence that is `new`. `notes` are about the new file as a whole. `unasked`
    says why it is not told what rests on the statements.
    """

    edition: Edition
    documents: Documents
    statements: tuple[Drifted, ...]
    parts: tuple[Part, ...]
    new: tuple[New, ...]
    headings: tuple[Heading, ...]
    orders: Mapping[str, int]
    notes: tuple[str, ...]
    unasked: str = ""

    @property
    def same(self) -> bool:
        """Whether the two documents are the same, byte for byte."""
        return self.documents.old.sha256 == self.documents.new.sha256

    @cached_property
    def segments(self) -> tuple[Part, ...]:
        """The segments that changed or vanished, they or the words beside them, where no statement tells of it."""
        told = {one.statement for one in self.statements if one.code not in ("", "quote-moved")}
        return tuple(
            part
            for part in self.parts
            if (part.became.fate in ("changed", "vanished") or part.sentence) and not told & set(part.encoded_as)
        )

    @cached_property
    def affected(self) -> Resting:
        """What rests on any statement that has to be looked at."""
        return together((one.resting for one in self.statements if one.affects), self.edition.knowledge)

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """What is counted, worst first."""
        return tuple(_figures(self))

    def figure(self, code: str) -> Figure:
        """The figure of a code; raises KeyError where there is none."""
        return {one.code: one for one in self.figures}[code]

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-drift/1`."""
        knowledge, aligned = self.edition.knowledge, self.documents.aligned
        return {
            "format": FORMAT,
            "same": self.same,
            "knowledge": {
                "id": self.edition.id,
                "version": knowledge.version if knowledge else None,
                "sha256": knowledge.sha256 if knowledge else None,
            },
            "before": _document(self.documents.old, len(aligned.before)),
            "after": _document(self.documents.new, len(aligned.after)),
            "kept_sentences": aligned.same,
            "notes": list(self.notes),
            "figures": [{k: v for k, v in one.to_dict().items() if k not in _NOT_HERE} for one in self.figures],
            "statements": [one.to_dict() for one in self.statements],
            "segments": [one.to_dict() for one in self.segments],
            "new": [one.to_dict() for one in self.new],
            "headings": [one.to_dict() for one in self.headings],
            "affected": self.affected.to_dict(),
            "unasked": self.unasked or None,
        }


_NOT_HERE = ("items", "uncounted", "topic")
"""What of a figure stands elsewhere in the document, or is never so."""


def _document(source: Source, sentences: int) -> dict[str, Any]:
    return {
        "file": source.file,
        "sha256": source.sha256,
        "lines": source.line(len(source.text)),
        "sentences": sentences,
    }


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
            (documents.old.printed_markers(end), documents.new.printed_markers(after.end) if after else ()),
            (sections.label_before(before_section), sections.label_after(after_section)),
            after is not None and before_section != after_section,
            roles.get(id_, ()),
            state_of(knowledge.reviews.get(knowledge.statements[id_].iri, ())) if knowledge else "",
        )


_MARKERS = re.compile(r"(?: \d+(?:, \d+)*)?([.]?)\s*$")
"""The markers at the end of a sentence, which are told by themselves."""


def _beside(documents: Documents, became: Became, quotes: Sequence[tuple[str, int, int]]) -> Iterator[Beside]:
    """What differs in the sentence of a quote, before it and after it."""
    assert became.after is not None
    before = documents.around_old(became.before.start, became.before.end)
    after = documents.around_new(became.after.start, became.after.end)
    first = became.before.start - len(before.before)
    for one in apart(before.before, after.before):
        yield Beside(one, True, _quoted_by(first + one.old[0], first + one.old[1], quotes))
    first = became.before.end
    for one in apart(_MARKERS.sub(r"\1", before.after), _MARKERS.sub(r"\1", after.after)):
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


# what is counted


def _figures(found: Drift) -> Iterator[Figure]:
    before, after = found.documents.old, found.documents.new
    whole = len(found.statements)
    for code, (weight, title, meaning) in STATEMENTS.items():
        items = [
            Item(one.statement, one.became.words, _span(one.became, before, after))
            for one in found.statements
            if code in one.codes
        ]
        yield Figure(code, "statements", title, meaning, weight, whole, "statements", tuple(items))
    for role in ("review status", "date"):
        mine = [one for one in found.statements if role in one.roles]
        yield Figure(
            f"{role.replace(' ', '-')}-changed",
            "document",
            f"the {role} of the document differs",
            "It is said with every answer." if role == "review status" else "It is another edition, by its own words.",
            "open",
            len(mine),
            "sentences that say it",
            tuple(
                Item(one.statement, one.became.words, _span(one.became, before, after)) for one in mine if one.affects
            ),
        )
    yield Figure(
        "sentence-new",
        "segments",
        "a sentence is new",
        "Nobody has encoded it, or set it aside.",
        "open",
        len(found.documents.aligned.after),
        "sentences",
        tuple(Item("", one.text, Span(after.file, one.place.line)) for one in found.new),
    )
    for code, gone in (("segment-changed", False), ("segment-vanished", True)):
        items = [
            Item(one.segment, one.became.words, _span(one.became, before, after), one.reason)
            for one in found.segments
            if (one.became.after is None) == gone
        ]
        yield Figure(
            code,
            "segments",
            f"a segment {'vanished' if gone else 'changed'} in words that no statement quotes",
            "It was set aside, or is quoted in part: is that still right?",
            "open",
            len(found.edition.opened.triples.instances(CL + "Segment")),
            "segments",
            tuple(items),
        )
    told = [one for one in found.headings if one.told]
    yield Figure(
        "heading-changed",
        "segments",
        "a heading is new, gone, renamed or in another place",
        "What stands under it may speak of others.",
        "open",
        len(found.headings),
        "headings",
        tuple(
            Item(
                one.after or one.before or "",
                one.before or "",
                Span(after.file if one.line_after else before.file, one.line_after or one.line_before or 0),
            )
            for one in told
        ),
    )


def _span(became: Became, before: Source, after: Source) -> Span:
    """Where to look: in the new document, or where it stood in the old one."""
    return Span(after.file, became.after.line) if became.after else Span(before.file, became.before.line)


CODES: tuple[str, ...] = (
    *STATEMENTS,
    "review-status-changed",
    "date-changed",
    "sentence-new",
    "segment-changed",
    "segment-vanished",
    "heading-changed",
)
"""The codes of all figures."""
