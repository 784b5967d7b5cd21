"""What became of the things of a document in a new edition: of statements, segments and headings, and what is new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from citelog.compare.fates import Became, Place
from citelog.drift.resting import NOTHING, Resting
from citelog.drift.wording import SORTS, TURNING, Apart


class Code(NamedTuple):
    """What a code says: how much it weighs (as in `audit.model.WEIGHTS`), what it is called, and why it matters."""

    weight: str
    title: str
    meaning: str


STATEMENTS: Mapping[str, Code] = {
    "quote-vanished": Code("broken", "the quote is gone", "The document does not say it any more, in any words."),
    "quote-figure": Code("broken", "a number in the quote differs", "What the statement says may be wrong now."),
    "quote-unit": Code("broken", "a unit in the quote differs", "The same number of something else."),
    "quote-negation": Code("broken", "the quote says no where it said yes, or the reverse", "A word turns it round."),
    "sentence-turned": Code(
        "broken",
        "in the sentence around the quote a number, a unit or a “no” differs",
        "No quote holds the words that differ: the quote stands, and may be denied now.",
    ),
    "quote-strength": Code("broken", "the quote is more or less firm", "It says how surely, how strongly or how soon."),
    "quote-limit": Code("broken", "a limit, a condition or a choice in the quote differs", "It holds of others now."),
    "quote-words": Code("broken", "other words in the quote differ", "Somebody has to read whether it says the same."),
    "quote-unsure": Code("open", "the quote stands in several places", "Nothing tells which of them is meant."),
    "sentence-changed": Code(
        "open", "the sentence around the quote differs", "The quote stands; what bounds it may not."
    ),
    "markers-changed": Code("broken", "the sentence prints other citation markers", "It names other sources."),
    "section-changed": Code("open", "the quote stands under another heading", "It may speak of others there."),
    "quote-writing": Code("broken", "the quote is written otherwise", "The same words in other characters or blanks."),
    "quote-moved": Code("disclosed", "the quote moved", "The same words on another line, or in another order."),
}
"""What can have become of a statement, worst first."""


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
