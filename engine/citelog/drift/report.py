"""A knowledge base beside a new edition of its document: what moved, changed, vanished or is new, and what rests on it.

Everything is counted (`Drift.figures`), so that a script can ask for it. What a sentence means is not asked: every word
that differs is shown, and its sort says which to look at first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from citelog.audit.model import Figure, Item
from citelog.compare.editions import Edition
from citelog.compare.fates import Became, Documents
from citelog.diagnostics import Span
from citelog.drift.found import STATEMENTS, Drifted, Heading, New, Part
from citelog.drift.resting import Resting, together
from citelog.evidence.sources import Source
from citelog.vocab import CL

FORMAT = "citelog-drift/1"

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


def _figures(found: Drift) -> Iterator[Figure]:
    yield from _of_statements(found)
    yield from _of_the_document(found)
    yield from _of_segments(found)
    yield _of_headings(found)


def _of_statements(found: Drift) -> Iterator[Figure]:
    for code, (weight, title, meaning) in STATEMENTS.items():
        items = [
            Item(one.statement, one.became.words, _span(one.became, found.documents))
            for one in found.statements
            if code in one.codes
        ]
        whole = len(found.statements)
        yield Figure(code, "statements", title, meaning, weight, whole, "statements", tuple(items))


def _of_the_document(found: Drift) -> Iterator[Figure]:
    for role, meaning in (
        ("review status", "It is said with every answer."),
        ("date", "It is another edition, by its own words."),
    ):
        mine = [one for one in found.statements if role in one.roles]
        items = [
            Item(one.statement, one.became.words, _span(one.became, found.documents)) for one in mine if one.affects
        ]
        yield Figure(
            f"{role.replace(' ', '-')}-changed",
            "document",
            f"the {role} of the document differs",
            meaning,
            "open",
            len(mine),
            "sentences that say it",
            tuple(items),
        )


def _of_segments(found: Drift) -> Iterator[Figure]:
    after = found.documents.new
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
            Item(one.segment, one.became.words, _span(one.became, found.documents), one.reason)
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


def _of_headings(found: Drift) -> Figure:
    before, after = found.documents.old, found.documents.new
    items = [
        Item(
            one.after or one.before or "",
            one.before or "",
            Span(after.file if one.line_after else before.file, one.line_after or one.line_before or 0),
        )
        for one in found.headings
        if one.told
    ]
    return Figure(
        "heading-changed",
        "segments",
        "a heading is new, gone, renamed or in another place",
        "What stands under it may speak of others.",
        "open",
        len(found.headings),
        "headings",
        tuple(items),
    )


def _span(became: Became, documents: Documents) -> Span:
    """Where to look: in the new document, or where it stood in the old one."""
    if became.after:
        return Span(documents.new.file, became.after.line)
    return Span(documents.old.file, became.before.line)
