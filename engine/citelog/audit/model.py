"""An audit as values: figures, each with what it counts, what that means, and where each thing counted stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from citelog.diagnostics import Span

FORMAT = "citelog-audit/1"

TOPICS: Mapping[str, str] = {
    "document": "The document",
    "statements": "What is said, and where it stands",
    "sources": "What the document itself rests on",
    "encoder": "What the encoder adds",
    "rules": "Rules",
    "cases": "Cases and properties",
    "review": "Findings and review",
}
"""The parts of an audit, in the order in which they are read, with their headings."""

WEIGHTS: Mapping[str, str] = {
    "broken": "a link between the document and an answer does not hold; there must be none",
    "open": "somebody has still to look at it, or to say why it may stay",
    "disclosed": "it is so and it is said: of the document, or decided by the encoder",
}
"""What one thing counted means for who relies on the knowledge base, heaviest first."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a figure counts: what it is about, what is to be said of it, and where it stands.

    `about` is the id of a statement, the name of a rule, and so on; `reason` is the author's, where one is given.
    """

    about: str
    text: str
    span: Span
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The item as data; `line` is 0 for a file as a whole."""
        return {
            "about": self.about,
            "text": self.text,
            "file": self.span.file,
            "line": self.span.line,
            "reason": self.reason or None,
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Item:
        """The item that was written as data."""
        return cls(data["about"], data["text"], Span(data["file"], data["line"]), data["reason"] or "")


@dataclass(frozen=True, slots=True)
class Figure:
    """A count with a stable word-code: how many of how many, what it means in one sentence, and each thing counted.

    `topic` is one of TOPICS and `weight` one of WEIGHTS. `uncounted` says why it could not be counted, where that is
    so; then `of` and `items` mean nothing.
    """

    code: str
    topic: str
    title: str
    meaning: str
    weight: str
    of: int
    of_what: str
    items: tuple[Item, ...]
    uncounted: str = ""

    @property
    def count(self) -> int:
        """How many things it counts."""
        return len(self.items)

    def to_dict(self) -> dict[str, Any]:
        """The figure as data; `count` and `of` are null where it could not be counted."""
        return {
            "code": self.code,
            "topic": self.topic,
            "title": self.title,
            "meaning": self.meaning,
            "weight": self.weight,
            "count": None if self.uncounted else self.count,
            "of": None if self.uncounted else self.of,
            "of_what": self.of_what,
            "uncounted": self.uncounted or None,
            "items": [item.to_dict() for item in self.items],
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Figure:
        """The figure that was written as data."""
        return cls(
            data["code"],
            data["topic"],
            data["title"],
            data["meaning"],
            data["weight"],
            data["of"] or 0,
            data["of_what"],
            tuple(Item.of_data(item) for item in data["items"]),
            data["uncounted"] or "",
        )


@dataclass(frozen=True, slots=True)
class Audit:
    """The figures of one knowledge base, in the order in which they are read.

    `sha256` is of every file that can change an answer, and empty where the knowledge base has errors; `document` is
    the file of the source document, and `document_sha256` the hash of its bytes, both empty where it cannot be read.
    """

    knowledge: str
    version: str
    sha256: str
    title: str
    document: str
    document_sha256: str
    review_status: str
    figures: tuple[Figure, ...]

    def figure(self, code: str) -> Figure:
        """The figure of a code; raises KeyError where there is none."""
        return {one.code: one for one in self.figures}[code]

    @property
    def holds(self) -> bool:
        """Whether no link is broken and none is left uncounted."""
        return not any(one.weight == "broken" and (one.count or one.uncounted) for one in self.figures)

    def to_dict(self) -> dict[str, Any]:
        """The audit as data, format `citelog-audit/1`."""
        return {
            "format": FORMAT,
            "knowledge": {
                "id": self.knowledge,
                "version": self.version,
                "sha256": self.sha256 or None,
                "title": self.title,
            },
            "document": {
                "file": self.document or None,
                "sha256": self.document_sha256 or None,
                "review_status": self.review_status or None,
            },
            "holds": self.holds,
            "figures": [one.to_dict() for one in self.figures],
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Audit:
        """The audit that was written as data."""
        knowledge, document = data["knowledge"], data["document"]
        return cls(
            knowledge["id"],
            knowledge["version"],
            knowledge["sha256"] or "",
            knowledge["title"],
            document["file"] or "",
            document["sha256"] or "",
            document["review_status"] or "",
            tuple(Figure.of_data(one) for one in data["figures"]),
        )


def total(figures: Iterable[Figure], weight: str) -> int:
    """How many things of a weight some figures count; one that two figures count in the same words is one."""
    return len({(item.span, item.text) for one in figures if one.weight == weight for item in one.items})
