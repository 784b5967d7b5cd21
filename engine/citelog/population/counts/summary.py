"""What a run answered, summed up: who was told what, what held, what is missing, what was not used.

Every count is one of patients, unless it says otherwise. `counts.summing` counts, `population.covering` covers what
is too small to be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from citelog.knowledge.base import Knowledge

FORMAT = "citelog-population-summary/1"

Count = int | str
"""A count; or `<5` where it is smaller than may be seen, `hidden` where another could be told from it."""

HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Beside:
    """A conclusion that some patients have too, by its id, and how many of them."""

    id: str
    patients: Count


@dataclass(frozen=True, slots=True)
class Told:
    """A conclusion, and how many patients it is about.

    `id` is its `kind:value`, `says` what the knowledge base calls it, empty where that adds nothing. `only` counts
    those of whom it is the one conclusion of its kind. Of something to ask, `decided` is what was decided about these
    patients while it is open, among the candidates that the knowledge base weighs.
    """

    id: str
    value: str
    role: str | None
    says: str
    patients: Count
    only: Count
    decided: tuple[Beside, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The conclusions of one kind. `about` is `patient`, `question` (something to ask), `data` or `conflict`.

    `patients` counts those with any; `one_each` says that everyone has exactly one.
    """

    kind: str
    title: str
    about: str
    one_each: bool
    patients: Count
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A rule that held: where it stands, what it cites, and for how many patients, or for how many different entries.

    `convention` is what it is for, where it encodes no statement. One of the counts is None.
    """

    rule: str
    place: str
    statements: tuple[str, ...]
    convention: str
    patients: Count | None
    entries: int | None


@dataclass(frozen=True, slots=True)
class Never:
    """A rule that held for nobody."""

    rule: str
    place: str
    statements: tuple[str, ...]
    convention: str


@dataclass(frozen=True, slots=True)
class Rests:
    """What is not on record of patients, and the rules that held because it is not."""

    text: str
    rules: tuple[str, ...]
    patients: Count


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows or entries were not used, or not as they stand, and how many.

    `where` is the table of the rows, the list of the entries, or what a reader left out itself (a kind of resource);
    empty where rules put them aside, of whatever list.
    """

    where: str
    text: str
    count: Count


@dataclass(frozen=True, slots=True)
class Answer:
    """What some patients were told about themselves, all of it, and how many they are."""

    told: tuple[str, ...]
    patients: Count


@dataclass(frozen=True, slots=True)
class Sharing:
    """How patients share pictures: how many pictures there are (`count`), how many of them `half` of the patients have.

    `single` counts those that one patient alone has, `answers` the different sets of conclusions that they come to.
    `curve` has how many patients the most frequent 1, 10, 100 … pictures hold together, and all of them.
    """

    count: int
    half: int
    single: int
    answers: int
    curve: tuple[Together, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """How many patients the most frequent pictures hold together, of so many pictures."""

    pictures: int
    patients: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A run summed up. `without` counts patients of whom nothing was concluded, `alone` those answered alone."""

    run: Mapping[str, Any]
    knowledge: Knowledge = field(repr=False)
    at_least: int
    patients: Count
    conclusions: int
    notes: int
    rejected: int
    without: Count
    alone: Count
    groups: tuple[Group, ...]
    gaps: tuple[Rests, ...]
    held: tuple[Held, ...]
    never: tuple[Never, ...]
    set_aside: tuple[Reason, ...]
    unused: tuple[Reason, ...]
    unlisted: int
    answers: tuple[Answer, ...]
    sharing: Sharing

    @property
    def words(self) -> Mapping[str, str]:
        """What the knowledge base calls each conclusion, by its id in answers; empty where that adds nothing."""
        told = [one for group in self.groups for one in group.told]
        return {f"{one.id} ({one.role})" if one.role else one.id: one.says for one in told}

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-population-summary/1`."""
        knowledge = self.knowledge
        return {
            "format": FORMAT,
            "knowledge": knowledge.identity,
            "engine": dict(self.run["engine"]),
            "data": self.run["data"]["form"],
            "at": self.run["at"],
            "caveats": [{"text": c.text, "statements": list(c.statements)} for c in knowledge.caveats],
            "review_status": knowledge.review_status,
            "at_least": self.at_least,
            "counts": {
                "patients": self.patients,
                "without": self.without,
                "alone": self.alone,
                "conclusions": self.conclusions,
                "notes": self.notes,
                "rejected": self.rejected,
            },
            "kinds": [_plain(group) for group in self.groups],
            "gaps": [_plain(gap) for gap in self.gaps],
            "rules": {"held": [_plain(one) for one in self.held], "never": [_plain(one) for one in self.never]},
            "rejected": [_plain(one) for one in self.set_aside],
            "unused": {"reasons": [_plain(one) for one in self.unused], "more": self.unlisted},
            "answers": [_plain(one) for one in self.answers],
            "pictures": _plain(self.sharing),
        }


def _plain(one: Any) -> Any:
    """A value as JSON has it: what is paired is an object, by what the pairs are of."""
    if isinstance(one, tuple):
        return [_plain(part) for part in one]
    if not is_dataclass(one):
        return one
    return {part.name: _plain(getattr(one, part.name)) for part in fields(one)}


def size(count: Count | None) -> int:
    """A count as a number; 0 where it is covered, or there is none."""
    return count if isinstance(count, int) else 0
