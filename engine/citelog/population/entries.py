"""What entries say, each distinct frame read once, by the same code that reads the record of one patient.

Days and numbers are many, and whatever else an entry says repeats from patient to patient. So a *frame* is an entry
without its days and its number: it is read with ones that stand for any other, and what is said with them has a mark in
the place of each. A *wording* is a frame with its number: all that a row says but for its days.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from citelog import patient
from citelog.patient.case import NAME_KEY, Case, Gathered, Item, ListName, Recorded
from citelog.patient.dates import period, to_the_day
from citelog.patient.entries import content, match
from citelog.patient.facts import PATIENT
from citelog.patient.intake import assemble
from citelog.patient.numbers import reading
from citelog.patient.reading import as_text, recorded
from citelog.population.program.plan import SINCE_DAYS, WHEN_DAYS, beside_today
from citelog.population.program.sight import ENTRY
from citelog.values import Iri, Value
from citelog.vocab import Terms, folded

WHEN, SINCE, NUMBER = "\x01", "\x02", "\x04"
"""Marks for the days of an entry and for its number: no record can have these characters."""

NUMBERED: Mapping[ListName, str] = {"labs": "value"}
"""The key whose number is left out of a frame."""

NONE, READ, UNREAD = 0, 1, 2
"""Whether a day stands in an entry, and can be read.

Where there is a day of the assessment, what can be read says besides how its two ends lie to that day: it is then
`READ` and three to eleven more (`beside`).
"""


@dataclass(frozen=True, slots=True)
class Day:
    """A day as recorded: whether it can be read, the days that it can mean (as ordinals), and how it is shown.

    `readable` is `NONE` and the like.
    """

    text: str
    readable: int
    first: int
    last: int
    shown: str
    compared: str


def day(text: str, at: datetime.date | None) -> Day:
    """A recorded day, read, beside the day of the assessment, if there is one.

    >>> day("2026-03", None), day("last spring", None).readable
    (Day(text='2026-03', readable=1, first=739676, last=739706, shown='2026-03', compared='2026-03'), 2)
    """
    written = " ".join(text.split())
    found = period(written)
    if found is None:
        return Day(text, UNREAD, 0, 0, written, folded(written))
    ends = (found.first.toordinal(), found.last.toordinal())
    readable = READ
    if at is not None:
        first, last = ((end > at.toordinal()) - (end < at.toordinal()) for end in ends)
        readable += 3 + 3 * (first + 1) + (last + 1)
    return Day(text, readable, *ends, to_the_day(written), folded(written))


def is_read(readable: int) -> bool:
    """Whether a day stands there that can be read."""
    return readable not in (NONE, UNREAD)


def beside(readable: int, at: datetime.date) -> tuple[datetime.date, datetime.date]:
    """Two days that lie to the day of the assessment as the ends of a day do that was read: on it, or next to it.

    >>> beside(day("2026-03", today := datetime.date(2026, 3, 15)).readable, today)
    (datetime.date(2026, 3, 14), datetime.date(2026, 3, 16))
    """
    first, last = divmod(readable - READ - 3, 3)
    return at + datetime.timedelta(first - 1), at + datetime.timedelta(last - 1)


@dataclass(frozen=True, slots=True)
class Number:
    """What stands in an entry where its number should: the sign before it, its digits, and what they come to."""

    sign: str
    digits: str
    value: Decimal


_MEASURED = re.compile(r"([^0-9+-]*)(-?[0-9]+(?:\.[0-9]+)?)")


def number(text: object) -> Number | None:
    """A number as recorded, read; None where there is none, or not only one with a sign.

    All numbers with the same sign before them are read alike (`numbers.reading`), and a sentence shows them as they
    are written.

    >>> number("< 1.50"), number("80 mg"), number(True)
    (Number(sign='< ', digits='1.50', value=Decimal('1.50')), None, None)
    """
    kept = recorded(text)
    measured = _MEASURED.fullmatch(kept) if isinstance(kept, str) else None
    if measured is None or reading(kept) is None or (found := reading(measured[2])) is None:
        return None
    return Number(measured[1], measured[2], found.number)


@dataclass(frozen=True, slots=True)
class Frame:
    """An entry as a row has it, but for its days and its number.

    Of each day it is known whether it is there and can be read; a number that can be read is the mark `NUMBER`.
    """

    list: ListName
    name: str
    codes: tuple[str, ...]
    keys: tuple[tuple[str, Recorded], ...]
    when: int = NONE
    since: int = NONE

    def filled(self, digits: str) -> Frame:
        """The frame with a number in it."""
        keys = tuple((k, v.replace(NUMBER, digits) if isinstance(v, str) else v) for k, v in self.keys)
        return replace(self, keys=keys)


@dataclass(frozen=True, slots=True)
class Measured:
    """Stands for the number of an entry."""


MEASURED = Measured()

Fact = tuple[str, tuple[Any, ...]]
"""A predicate and its arguments: `ENTRY` stands for the entry, `MEASURED` for its number."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a frame says.

    `content` is equal for frames that are one record on one day, with one number; `facts` are those without days,
    `days` the predicates that its days give. Content, `sentence` and `notes` have the marks `WHEN`, `SINCE` and
    `NUMBER`. `is_entry` is false for what was entered in error. `key` is the place of a context's entry.
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
    """A frame as it stands in the data: its hash, what it is, and what it says (of a context: several things)."""

    hash: int
    frame: Frame | None
    context: tuple[tuple[str, Recorded], ...]
    readings: tuple[Reading, ...]


def frame(list_: ListName, row: Mapping[str, object], when: int, since: int) -> Frame:
    """The frame of a row, whose values are text, true, false or None; its days are left out."""
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
    return Frame(list_, name, codes, tuple(keys), when, since)


def item(said: Frame, when: str, since: str, place: str) -> Item:
    """A frame with its days, as a line of a record."""
    keys: dict[str, Recorded] = dict(said.keys)
    if said.when != NONE:
        keys["when"] = when
    if said.since != NONE:
        keys["since"] = since
    return Item(said.list, said.name, keys, place, said.codes)


_YEARS = tuple(f"{year:04d}" for year in range(1000, 9999))
_NUMBERS = tuple(f"{number}.{number}" for number in range(700001, 700100))


def read(said: Frame, terms: Terms, at: datetime.date | None) -> Reading:
    r"""What a frame says, whatever its days and its number; of days, how they lie to the day of the assessment.

    >>> read(Frame("labs", "iron", (), (("value", "<\x04"), ("unit", "g/L"))), Terms(), None).notes
    ('Iron: <\x04 g/L. Not used: no analyte is known as "iron".',)
    """
    texts = " ".join([said.name, *(str(value) for _, value in said.keys)])
    stand_ins = {NUMBER: next(one for one in _NUMBERS if one not in texts)}
    years = (year for year in _YEARS if year not in texts)
    for mark, readable in ((WHEN, said.when), (SINCE, said.since)):
        stand_ins[mark] = f"{next(years)}-02-03" if is_read(readable) else mark
    made = item(said.filled(stand_ins[NUMBER]), stand_ins[WHEN], stand_ins[SINCE], said.list)
    case = assemble(Gathered((made,)), "", "", terms)

    def marked(text: str) -> str:
        for mark, stand_in in stand_ins.items():
            text = text.replace(stand_in, mark)
        return text

    facts, days = _facts(case, terms, None)
    if at is not None:
        for predicate, readable in ((WHEN_DAYS, said.when), (SINCE_DAYS, said.since)):
            if predicate in days:
                record = case.entries[0].record
                facts.append(((beside_today(predicate), (PATIENT, ENTRY, *beside(readable, at))), record))
    any_number = Decimal(stand_ins[NUMBER])
    compared = content(made, match(made, terms), terms)
    return Reading(
        (said.list, compared[0], *((key, marked(value)) for key, value in compared[1]), said.when, said.since),
        frozenset((name, tuple(MEASURED if arg == any_number else arg for arg in args)) for (name, args), _ in facts),
        frozenset(days),
        marked(case.entries[0].sentence) if case.entries else "",
        tuple(marked(note.text) for note in case.notes),
        bool(case.entries),
    )


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
    "MEASURED", "NONE", "NUMBER", "NUMBERED", "READ", "SINCE", "UNREAD", "WHEN", "Day", "Fact", "Frame", "Number",
    "Reading", "Written", "beside", "day", "frame", "is_read", "item", "number", "read", "read_context",
]  # fmt: skip
