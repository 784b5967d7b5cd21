"""Figures about the document: whether it is the one that was encoded, and whether all of it is accounted for."""

from __future__ import annotations

from collections.abc import Iterator

from citelog.advice.statements import NOT_READ
from citelog.audit.measure import Measure
from citelog.audit.model import Item
from citelog.audit.subject import Subject
from citelog.evidence.sources import on_one_line
from citelog.values import Iri
from citelog.vocab import CL


def _documents(subject: Subject) -> list[str]:
    return subject.triples.instances(CL + "SourceDocument")


def _changed(subject: Subject) -> Iterator[Item]:
    source = subject.opened.source
    for iri in _documents(subject):
        pinned = subject.triples.text(iri, CL + "sha256")
        place = subject.place(iri, "cl:sha256")
        if source is None:
            yield Item(Iri(iri).local, "it cannot be read: check-error says why", place)
        elif source.sha256 != pinned:
            yield Item(Iri(iri).local, f"{source.file} has the SHA-256 {source.sha256}; {pinned} is pinned", place)


def _status(subject: Subject) -> Iterator[Item]:
    for iri in _documents(subject):
        if said := subject.triples.text(iri, CL + "reviewStatus"):
            by = subject.triples.one(iri, CL + "reviewStatusFrom")
            quote = f", says {by.local}: “{on_one_line(subject.triples.text(by.value, CL + 'quote'))}”" if by else ""
            yield Item(Iri(iri).local, f"{said}{quote}", subject.place(iri, "cl:reviewStatus"))


def _set_aside(subject: Subject, *, read: bool) -> Iterator[Item]:
    for iri in subject.segments:
        reason = subject.triples.text(iri, CL + "outOfScope")
        if reason and (reason.strip().casefold() != NOT_READ) == read:
            text = f"line {subject.triples.whole(iri, CL + 'line')}: {subject.triples.text(iri, CL + 'text')}"
            yield Item(Iri(iri).local, text, subject.place(iri, "cl:outOfScope"), reason if read else "")


MEASURES = (
    Measure(
        "document-changed",
        "document",
        "broken",
        "documents that are not the one that was encoded",
        "The bytes of the document do not have the recorded SHA-256, so no place in it can be relied on.",
        "documents",
        _documents,
        _changed,
    ),
    Measure(
        "document-status",
        "document",
        "disclosed",
        "documents that speak of their own review",
        "What a document says of its own review is shown with every answer, in its words.",
        "documents",
        _documents,
        _status,
    ),
    Measure(
        "segment-unaccounted",
        "document",
        "broken",
        "parts of the document that nothing accounts for",
        "A part of the document is in no segment, or a segment is not where it says, or neither encoded nor set aside.",
        "segments",
        lambda subject: subject.segments,
        lambda subject: subject.told("segment-missing", "segment-not-found", "segment-unclear"),
    ),
    Measure(
        "segment-unread",
        "document",
        "open",
        "segments that nobody has read yet",
        "A part of the document is set aside only because it has not been read.",
        "segments",
        lambda subject: subject.segments,
        lambda subject: _set_aside(subject, read=False),
    ),
    Measure(
        "segment-set-aside",
        "document",
        "disclosed",
        "segments that are set aside",
        "A part of the document is not encoded, for the reason that is given with it.",
        "segments",
        lambda subject: subject.segments,
        lambda subject: _set_aside(subject, read=True),
    ),
)
