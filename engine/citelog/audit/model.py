"""An audit as values: figures, each with what it counts, what that means, and where each thing counted stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from citelog.diagnostics import Span

WEIGHTS: Mapping[str, str] = {
    "broken": "a link of the chain from the document to an answer does not hold: there must be none",
    "open": "somebody has still to look at it, or to say why it may stay",
    "disclosed": "so it is, and it is said: of the document, or decided by the encoder with a reason",
}
"""How much one thing that a figure counts weighs, heaviest first."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that a figure counts: what it is about, what is to be said of it, and where it stands.

    `about` is the id of a statement, the name of a rule, and so on; `reason` the author's reason, where one is given.
    """

    about: str
    text: str
    span: Span
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The item as data."""
        return {
            "about": self.about,
            "text": self.text,
            "file": self.span.file,
            "line": self.span.line,
            "reason": self.reason or None,
        }


@dataclass(frozen=True, slots=True)
class Figure:
    """A count with a stable word-code: how many of how many, what it means in one sentence, and each thing counted.

    `topic` is the part of the audit that it belongs to, `weight` one of WEIGHTS. `uncounted` says why it could not be
    counted, where that is so; then `items` is empty and means nothing.
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


@dataclass(frozen=True, slots=True)
class Audit:
    """The figures of one knowledge base, in the order in which they are read."""

    knowledge: str
    version: str
    sha256: str
    title: str
    figures: tuple[Figure, ...]

    def figure(self, code: str) -> Figure | None:
        """The figure of a code."""
        return next((one for one in self.figures if one.code == code), None)

    def to_dict(self) -> dict[str, Any]:
        """The audit as data."""
        return {
            "format": "citelog-audit/1",
            "knowledge": {"id": self.knowledge, "version": self.version, "sha256": self.sha256, "title": self.title},
            "figures": [one.to_dict() for one in self.figures],
        }


def total(figures: Iterable[Figure], weight: str) -> int:
    """How many things of a weight some figures count."""
    return sum(one.count for one in figures if one.weight == weight)
