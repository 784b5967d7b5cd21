"""What entries say, each distinct wording read once, by the same code that reads the record of one patient.

Days are many, and whatever else an entry says repeats from patient to patient. So a *wording* is an entry without its
days: it is read with days that stand for any other, and what is said with them has a mark in the place of each day.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from citelog import patient
from citelog.patient.case import NAME_KEY, Case, Gathered, Item, ListName, Recorded
from citelog.patient.dates import period, shown
from citelog.patient.entries import content, match
from citelog.patient.intake import assemble
from citelog.patient.numbers import reading
from citelog.patient.reading import as_text, recorded
from citelog.population.plan import ENTRY
from citelog.values import Iri, Value
from citelog.vocab import Terms, folded

WHEN, SINCE = "\x01", "\x02"
"""Marks for the days of an entry: no record can have these characters."""

FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")

NONE, READ, UNREAD = 0, 1, 2
"""Whether a day stands in an entry, and can be read."""

DAY_KEYS: Mapping[str, str] = {"when": WHEN, "since": SINCE}


@dataclass(frozen=True, slots=True)
class Day:
    """A day as recorded: whether it can be read, the days that it can mean (as ordinals), and how it is shown."""

    text: str
    readable: int
    first: int
    last: int
    shown: str
    compared: str


def day(text: str) -> Day:
    """A recorded day, read.

    >>> day("2026-03"), day("last spring").readable
    (Day(text='2026-03', readable=1, first=739676, last=739706, shown='2026-03', compared='2026-03'), 2)
    """
    written = " ".join(text.split())
    found = period(written)
    first, last = (found.first.toordinal(), found.last.toordinal()) if found else (0, 0)
    return Day(text, READ if found else UNREAD, first, last, shown(written), folded(written))


@dataclass(frozen=True, slots=True)
class Wording:
    """An entry as a row has it, but for its days: of each, whether it is there and can be read."""

    list: ListName
    name: str
    codes: tuple[str, ...]
    keys: tuple[tuple[str, Recorded], ...]
    when: int = NONE
    since: int = NONE


Fact = tuple[str, tuple[Any, ...]]
"""A predicate and its arguments: `ENTRY` stands for the entry."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a wording says.

    `content` is equal for wordings that are one record on one day; `facts` are those without days, `days` the
    predicates that its days give. `sentence` and `notes` have the marks `WHEN` and `SINCE`. `is_entry` is false for
    what was entered in error. `key` is the place of a context's entry.
    """

    content: tuple[Any, ...]
    facts: frozenset[Fact]
    days: frozenset[str]
    sentence: str
    notes: tuple[str, ...]
    is_entry: bool = True
    key: str = ""


@dataclass(frozen=True, slots=True)
class Written:
    """A wording as it stands in the data: its hash, what it is, and what it says (of a context: several things)."""

    hash: int
    wording: Wording | None
    context: tuple[tuple[str, Recorded], ...]
    readings: tuple[Reading, ...]


def trouble(values: Iterable[object]) -> str:
    """Why some values cannot stand in a record; empty where they can."""
    for value in values:
        if isinstance(value, str) and (bad := FORBIDDEN.search(value)):
            return f"the control character U+{ord(bad[0]):04X} may not stand in a record"
    return ""


def wording(list_: ListName, row: Mapping[str, object], when: int, since: int) -> Wording:
    """The wording of a row, whose values are text, true, false or None; its days are left out."""
    dated = ("when", "since") if list_ == "medications" else ("when",)
    keys: list[tuple[str, Recorded]] = []
    for key, value in row.items():
        if key in (NAME_KEY[list_], "codes") or key in dated or value is None:
            continue
        kept = recorded(value)
        if kept != "":
            keys.append((key, kept))
    name = as_text(row.get(NAME_KEY[list_]))
    codes = tuple(as_text(row.get("codes")).split())
    return Wording(list_, name, codes, tuple(keys), when, since)


def item(said: Wording, when: str, since: str, place: str) -> Item:
    """A wording with its days, as a line of a record."""
    keys: dict[str, Recorded] = dict(said.keys)
    if said.when != NONE:
        keys["when"] = when
    if said.since != NONE:
        keys["since"] = since
    return Item(said.list, said.name, keys, place, said.codes)


def read(said: Wording, terms: Terms) -> Reading:
    """What a wording says, whatever its days."""
    texts = " ".join([said.name, *(str(value) for _, value in said.keys)])
    years = (f"{year:04d}" for year in range(1000, 9999))
    stand_ins = {}
    for key, readable in (("when", said.when), ("since", said.since)):
        year = next(year for year in years if year not in texts)
        stand_ins[key] = f"{year}-02-03" if readable == READ else DAY_KEYS[key]
    made = item(said, stand_ins["when"], stand_ins["since"], said.list)
    case = assemble(Gathered((made,)), "", "", terms)

    def marked(text: str) -> str:
        for key, stand_in in stand_ins.items():
            text = text.replace(stand_in, DAY_KEYS[key])
        return text

    facts, days = _facts(case, terms, None)
    compared = content(made, match(made, terms), terms)
    return Reading(
        (said.list, compared[0], *((key, marked(value)) for key, value in compared[1]), said.when, said.since),
        frozenset(fact for fact, _ in facts),
        frozenset(days),
        marked(case.entries[0].sentence) if case.entries else "",
        tuple(marked(note.text) for note in case.notes),
        bool(case.entries),
    )


_MEASURED = re.compile(r"([^0-9+-]*)([+-]?[0-9]+(?:\.[0-9]+)?)")


@dataclass(frozen=True, slots=True)
class _Around:
    """What a wording says whatever number it has: a reading with a number in it that stands for any other."""

    number: str
    content: tuple[Any, ...]
    at: int
    facts: frozenset[Fact]
    measured: tuple[tuple[str, tuple[Any, ...], tuple[Any, ...]], ...]
    reading: Reading


class Reader:
    """Reads wordings of which many differ in a number only: what stands around it is read once.

    All numbers with the same sign before them are read alike (`numbers.reading`), and a sentence shows them as they are
    written.

    >>> reader, said = Reader(Terms()), Wording("labs", "iron", (), (("value", "<80"), ("unit", "g/L")))
    >>> reader.read(said) == read(said, Terms())
    True
    """

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._known: dict[tuple[Any, ...], _Around] = {}

    def read(self, said: Wording) -> Reading:
        """What a wording says, whatever its days."""
        value = next((one for key, one in said.keys if key == "value"), None) if said.list == "labs" else None
        measured = _MEASURED.fullmatch(value) if isinstance(value, str) else None
        found = reading(value) if measured else None
        if measured is None or found is None:
            return read(said, self._terms)
        others = tuple(pair for pair in said.keys if pair[0] != "value")
        key = (said.name, said.codes, others, said.when, said.since, measured[1])
        around = self._known.get(key)
        if around is None:
            around = self._known[key] = self._around(said, measured[1])
        assert isinstance(value, str)
        content = around.content
        made = around.reading
        return Reading(
            (*content[: around.at], ("value", folded(value)), *content[around.at + 1 :]),
            around.facts.union((name, (*before, found.number, *after)) for name, before, after in around.measured),
            made.days,
            made.sentence.replace(around.number, value),
            tuple(note.replace(around.number, value) for note in made.notes),
            made.is_entry,
        )

    def _around(self, said: Wording, sign: str) -> _Around:
        texts = " ".join([said.name, *(str(one) for key, one in said.keys if key != "value")])
        digits = next(number for number in _NUMBERS if number not in texts)
        number = sign + digits
        keys = tuple((key, number if key == "value" else one) for key, one in said.keys)
        made = read(replace(said, keys=keys), self._terms)
        stands_for = Decimal(digits)
        measured = [
            (name, args[:i], args[i + 1 :])
            for name, args in made.facts
            for i, arg in enumerate(args)
            if arg == stands_for
        ]
        return _Around(
            number,
            made.content,
            next(i for i, one in enumerate(made.content) if isinstance(one, tuple) and one[0] == "value"),
            frozenset(fact for fact in made.facts if stands_for not in fact[1]),
            tuple(measured),
            made,
        )


_NUMBERS = tuple(f"{number}.{number}" for number in range(700001, 700100))
"""Numbers that stand for any other; one is taken that is nowhere else in the wording."""


def read_context(context: Mapping[str, Recorded], terms: Terms, at: datetime.date | None) -> list[Reading]:
    """What the keys of a patient's context say, together: an age that is recorded goes before a date of birth."""
    case = assemble(
        Gathered((), context={key: (value, f"context.{key}") for key, value in context.items()}), "", "", terms
    )
    facts, _ = _facts(case, terms, at)
    notes: dict[str, list[str]] = {}
    for note in sorted({*case.notes, *patient.notes_on(case, terms, at)}):
        notes.setdefault(note.read_from, []).append(note.text)
    found = []
    by_place = {entry.read_from: entry for entry in case.entries}
    for place in sorted({*notes, *by_place}):
        entry = by_place.get(place)
        own = frozenset(fact for fact, record in facts if entry is not None and record == entry.record)
        said: tuple[Any, ...] = ("context", place)
        if entry is not None:
            said = ("context", entry.term, *sorted((key, str(value).casefold()) for key, value in entry.keys.items()))
        found.append(
            Reading(
                (*said, tuple(sorted(map(repr, own)))),
                own,
                frozenset(),
                entry.sentence if entry else "",
                tuple(notes.get(place, ())),
                entry is not None,
                place,
            )
        )
    return found


def _facts(case: Case, terms: Terms, at: datetime.date | None) -> tuple[list[tuple[Fact, Iri | None]], set[str]]:
    """The facts of the entries of a case, and the predicates of those that have days."""
    found: list[tuple[Fact, Iri | None]] = []
    days: set[str] = set()
    for atom, record in patient.facts(case, terms, at):
        if record is None:
            continue
        if any(isinstance(arg, datetime.date) for arg in atom.args):
            days.add(atom.predicate)
        else:
            found.append(((atom.predicate, tuple(_placed(arg, record) for arg in atom.args)), record))
    return found, days


def _placed(arg: Value, record: Iri) -> Any:
    return ENTRY if arg == record else arg


__all__ = [
    "DAY_KEYS",
    "NONE",
    "READ",
    "SINCE",
    "UNREAD",
    "WHEN",
    "Day",
    "Fact",
    "Reader",
    "Reading",
    "Wording",
    "day",
    "item",
    "read",
    "read_context",
    "trouble",
    "wording",
]  # fmt: skip
