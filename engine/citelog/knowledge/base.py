"""A knowledge base as the rest of the engine sees it: checked, frozen, and without its files."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from citelog.evidence.sources import Source
from citelog.rules.program import Program
from citelog.values import Atom, Iri
from citelog.vocab import Terms


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence, or part of one, that the document says: its words, their place, and who speaks.

    `start` and `end` count code points of the source file, end exclusive. `markers` are the citation
    numbers printed in its sentence, `inherited` those taken over from elsewhere; they are never mixed.
    """

    id: str
    iri: Iri
    kind: str
    quote: str
    source: str
    section: str | None
    line: int
    start: int
    end: int
    markers: tuple[str, ...]
    inherited: tuple[str, ...]
    modality: str
    voice: str
    population: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A statement as a conclusion or a proof cites it: its words, and where they stand."""

    statement: str
    quote: str
    source: str
    section: str | None
    line: int
    start: int
    end: int
    markers: tuple[str, ...]
    inherited: tuple[str, ...]

    @classmethod
    def of(cls, statement: Statement) -> Citation:
        """The citation of a statement."""
        return cls(
            statement.id,
            statement.quote,
            statement.source,
            statement.section,
            statement.line,
            statement.start,
            statement.end,
            statement.markers,
            statement.inherited,
        )

    def to_dict(self) -> dict[str, Any]:
        """The citation as it stands in the documents."""
        return {
            "statement": self.statement,
            "quote": self.quote,
            "source": self.source,
            "section": self.section,
            "line": self.line,
            "start": self.start,
            "end": self.end,
            "markers": list(self.markers),
            "inherited": list(self.inherited),
        }


@dataclass(frozen=True, slots=True)
class Conflict:
    """Statements of the document that disagree: both sides, in the order in which they are written."""

    id: str
    title: str
    sides: tuple[tuple[str, ...], tuple[str, ...]]
    type: str
    level: str
    note: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of conclusion that this knowledge base declares, its heading, and the predicate that derives it.

    `about_record` kinds say what the record lacks or what is wrong with it, and nothing about the patient.
    The predicate's arguments are the patient, the value, and what else the conclusion says (`role`,
    `step`, `severity`); an argument named `about` tells conclusions of one value apart and is not shown.
    `indicator` is how urgently its conclusions are to be seen, where the knowledge base says so.
    """

    name: str
    title: str
    predicate: str
    order: int
    exactly_one: bool
    value_as_label: bool
    sided: bool
    about_record: bool
    candidates: str
    fields: tuple[str, ...]
    indicator: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a regimen step as the document states it; `value` is a number, a range, or nothing.

    Numbers keep the digits that the statement is encoded with. `statements` are those that state it.
    """

    text: str
    value: str | tuple[str, str] | None
    unit: str | None
    inherited_from: str | None
    statements: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Caveat:
    """What is shown with every answer, and the statement that asks for it."""

    text: str
    statements: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SafetyProperty:
    """A claim that must never be made for any patient; `undecided` says why no machine can tell, where none can."""

    id: str
    iri: Iri
    text: str
    undecided: str


STATES = ("draft", "reviewed", "approved")
"""How far a statement or a rule has been reviewed, the weakest first; a draft is what nobody has looked at."""


@dataclass(frozen=True, slots=True)
class Review:
    """What somebody said of a statement or a rule after looking at it, and on which day.

    `name` is the reviewer's, `digest` the SHA-256 of what was looked at. A review is `outdated` where that has been
    changed since, and then says nothing of what there is now.
    """

    state: str
    by: Iri
    name: str
    on: datetime.date
    note: str
    digest: str
    outdated: bool


def state_of(reviews: tuple[Review, ...]) -> str:
    """The state that reviews leave something in: that of the last; a draft without one, or where it is outdated."""
    return STATES[0] if not reviews or reviews[-1].outdated else reviews[-1].state


def looked_at(reviews: tuple[Review, ...]) -> str:
    """Who looked at something last, and whether it was changed since, in words.

    >>> looked_at(())
    'nobody has looked at it'
    """
    if not reviews:
        return "nobody has looked at it"
    last = reviews[-1]
    changed = ", and it was changed since" if last.outdated else ""
    return f"{last.state} by {last.name} on {last.on.isoformat()}{changed}"


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Everything that an assessment needs of a knowledge base.

    `source` is the document. `stated` maps each fact that rules read to the statements that state it (none for what
    the encoder adds). `ranks` numbers the terms that have an order. `notes` are predicates whose facts put a record
    aside. `follows` says after which step a regimen step comes, where a statement does. `unresolved` is whether no
    work can be looked up that a citation marker denotes. `sha256` is of every file that can change an answer.
    `guarded` is the program with the rules of its safety properties, which answers never read. `reviews` are those of
    each statement and rule that has any, by its IRI, the last at the end, and `weakest` is the weakest state of all.
    `indicators` says of values of conclusions how urgently they are to be seen, where the knowledge base does.
    """

    id: str
    version: str
    sha256: str
    title: str
    review_status: str
    namespace: str
    program: Program
    guarded: Program
    properties: tuple[SafetyProperty, ...]
    stated: Mapping[Atom, tuple[str, ...]]
    terms: Terms
    statements: Mapping[str, Statement]
    conflicts: Mapping[str, Conflict]
    kinds: tuple[Kind, ...]
    fields: Mapping[Iri, Mapping[str, Field]]
    ranks: Mapping[Iri, int]
    follows: Mapping[Iri, Iri]
    notes: tuple[str, ...]
    caveats: tuple[Caveat, ...]
    unresolved: bool
    source: Source
    reviews: Mapping[Iri, tuple[Review, ...]] = field(default_factory=dict)
    indicators: Mapping[Iri, str] = field(default_factory=dict)
    weakest: str = STATES[0]

    def __repr__(self) -> str:
        return f"Knowledge(id={self.id!r}, version={self.version!r}, sha256={self.sha256!r})"

    @property
    def identity(self) -> dict[str, str]:
        """Which knowledge base it is, as every document says it."""
        return {"id": self.id, "version": self.version, "sha256": self.sha256}

    def rule(self, name: str) -> Iri:
        """The IRI of a rule."""
        return rule_iri(self.namespace, name)


def rule_iri(namespace: str, name: str) -> Iri:
    """The IRI of a rule in the namespace of its knowledge base.

    >>> rule_iri("https://example.org/kb#", "short-night").value
    'https://example.org/kb#rule/short-night'
    """
    return Iri(f"{namespace}rule/{quote(name, safe='')}")
