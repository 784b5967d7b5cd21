"""The record of one patient as this engine holds it: entries, the distinct contents among them, and notes.

An entry is one line of the record, with its place; a record is one distinct content, so that the same line written
twice is one thing to every rule. Everything here is in an order that does not depend on the order of the source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from citelog.values import Iri

ListName = Literal["labs", "findings", "conditions", "medications", "preferences", "context"]

LISTS: tuple[ListName, ...] = ("labs", "findings", "conditions", "medications", "preferences")
PARTS: tuple[ListName, ...] = (*LISTS, "context")
"""Where entries stand: in the lists, and in the context, which is no list: each of its keys is an entry."""

NAME_KEY: Mapping[ListName, str] = {
    "labs": "analyte", "findings": "name", "conditions": "name", "medications": "name", "preferences": "topic",
    "context": "key",
}  # fmt: skip
"""The key of an entry that says what it is about."""

OWN_KEYS: Mapping[ListName, tuple[str, ...]] = {
    "labs": ("value", "unit"),
    "findings": ("state",),
    "conditions": ("state",),
    "medications": ("dose", "frequency", "status", "since", "course"),
    "preferences": ("value",),
    "context": ("value",),
}
SHARED_KEYS = ("when", "flag", "route")

KIND: Mapping[ListName, str] = {
    "labs": "analyte", "findings": "finding", "conditions": "finding", "medications": "drug", "preferences": "topic",
    "context": "context",
}  # fmt: skip
"""Which kind of name (`Terms`) an entry of a list carries; findings and conditions are one namespace."""

Recorded = str | bool
"""One value as recorded: numbers and dates keep their text; true and false are themselves."""


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """Something that was read and not used, and why. The text names the record; `read_from` is its place."""

    text: str
    read_from: str


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a source before its names are matched; `codes` (`loinc:2132-9`) go before the name."""

    list: ListName
    name: str
    keys: Mapping[str, Recorded]
    read_from: str
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the record: a fact that the assessment lists, `record` being what it says."""

    id: str
    list: ListName
    name: str
    term: Iri | None
    keys: Mapping[str, Recorded]
    read_from: str
    sentence: str
    record: Iri


@dataclass(frozen=True, slots=True)
class Record:
    """One distinct content, and the entries that say it."""

    iri: Iri
    entries: tuple[Entry, ...]

    @property
    def entry(self) -> Entry:
        """The first of the entries; the others say the same."""
        return self.entries[0]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the author of a case expects: ids of conclusions that must, and must not, be there.

    `steps` gives what stands beside values, such as `recommended now` of a regimen step; `at` is the day that
    the case is assessed on, where its expectations depend on one. `cites` gives the statements that conclusions
    cite, `facts` the places of the entries that they rest on, all of them each time; `proofs` lists the conclusions
    whose proof is kept as text.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    steps: Mapping[str, str] = field(default_factory=dict)
    at: str | None = None
    cites: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    proofs: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many things are expected."""
        return sum(map(len, (self.include, self.exclude, self.steps, self.cites, self.facts, self.proofs)))


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a reader of one format found: `id` is the case's own, where it has one."""

    items: tuple[Item, ...]
    notes: tuple[Note, ...] = ()
    id: str | None = None
    context: Mapping[str, tuple[Recorded, str]] = field(default_factory=dict)
    expect: Expectation | None = None


CHOSEN = "FHIR R4, of the patient whose id this is"
"""The form of a record from which one patient was chosen: the case has the id of that patient."""


@dataclass(frozen=True, slots=True)
class Original:
    """A record as it was read: its bytes, and the form that they were recognised as."""

    data: bytes = field(repr=False)
    form: str


@dataclass(frozen=True, slots=True)
class Case:
    """One patient's record, whole; `gathered` is what it was made of, so that a changed record can be made of it.

    `original` is None for a record that nobody wrote: one that a change was made in.
    """

    id: str
    sha256: str
    entries: tuple[Entry, ...] = ()
    records: tuple[Record, ...] = ()
    notes: tuple[Note, ...] = ()
    expect: Expectation | None = None
    context: Mapping[str, Recorded] = field(default_factory=dict)
    gathered: Gathered = field(default=Gathered(()), repr=False)
    original: Original | None = field(default=None, repr=False)
