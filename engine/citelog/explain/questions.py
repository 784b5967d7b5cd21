"""What an answer could still be asked: the items that rules ask of a record by name, and that this record leaves open.

Each has the values that it could be recorded with. A number has as many as the rules can tell apart: it is moved past
one bound after another.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, partial

from citelog.answer import Answer, derive
from citelog.explain.bounds import bounds
from citelog.explain.model import Model, shape
from citelog.explain.near import Nearby
from citelog.explain.origin import NEGATED, Bound, decimal, nearest, tightest
from citelog.explain.reading import day_after, new_day
from citelog.patient.case import Case, Entry
from citelog.patient.changes import CONTEXT, Add, Change, Set, apply, dropping, place_of, setting
from citelog.patient.context import AGE, BIRTH, SEX
from citelog.patient.numbers import reading
from citelog.patient.predicates import DATED, SINCE, WHEN
from citelog.patient.wanted import PROBE, measured, with_number
from citelog.patient.words import state, status
from citelog.proof.words import number
from citelog.rules.program import Absent, Constant, Present, Variable
from citelog.values import Iri, Value
from citelog.vocab import CL, cl

_REGIONS = 40
"""Ranges of one number that are tried at most, and as many days."""

_LONG = 500
"""Entries of a record up to which everything is tried."""

_TRIED = 150
"""Records that are derived from at most where a record has just more entries; fewer as it is longer."""

_SAID = ("present", "absent")
"""States that settle a finding."""

_OFTEN = ("daily", "weekly", "monthly", "every 3 months", "yearly")
"""Frequencies that stand for all: rules compare them with each other in many ways."""


@dataclass(slots=True)
class Tries:
    """How many records were derived from, for one of `size` entries, and how many `before` this part of the answer."""

    size: int
    made: int = 0
    before: int = 0

    @property
    def are_spent(self) -> bool:
        """Whether a record is so long that enough was tried of this part of the answer."""
        return self.size > _LONG and self.made - self.before >= max(6, _TRIED * _LONG // (self.size * 2))


Ways = Iterable[tuple[str, Change | tuple[Change, ...] | datetime.date]]
"""Values in words, each with the changes that record it, or with another date of the assessment."""

Keys = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """An item that could be recorded, and the ways in which it could.

    `dated` are the ways to record it with a date, for where nothing changes without one; None where none would matter.
    """

    text: str
    state: str
    values: tuple[tuple[str, Change | tuple[Change, ...] | datetime.date], ...]
    dated: Callable[[], Ways] | None = None


class Questions:
    """What the rules ask of a record by name, and this record leaves open.

    `cut` says that the rules tell more ranges of some value apart than were looked at.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.case, self.knowledge = answer.case, answer.knowledge
        self.terms = answer.knowledge.terms
        self.shape = shape(answer.knowledge)
        self.tries = Tries(len(self.case.entries))
        self.cut = False

    def asking(self) -> set[str]:
        """The kinds of conclusions with which an answer asks for something."""
        return {kind.name for kind in self.knowledge.kinds if kind.about_record and kind.value_as_label}

    @cached_property
    def open_questions(self) -> set[str]:
        """What the answer itself asks for, by the labels of what it asks about."""
        asking = self.asking()
        return {c.value for c in self.answer.conclusions if c.kind in asking}

    @cached_property
    def new_day(self) -> datetime.date | None:
        """The day that an entry recorded now would have; None where it needs none."""
        return new_day(self.answer)

    def all(self) -> Iterator[Question]:
        """The items, in the order of lists and names."""
        yield from self._findings()
        yield from self._results()
        yield from self._medications()
        yield from self._preferences()
        yield from self._context()
        yield from self._dates()
        yield from self._day()

    def _asked(self, predicate: str, place: int) -> list[Iri]:
        values = self.shape.asked.get((predicate, place), ())
        return sorted((v for v in values if isinstance(v, Iri) and v in self.terms.labels), key=self.terms.label)

    def _of(self, term: Iri) -> list[Entry]:
        return [entry for entry in self.case.entries if entry.term == term]

    def _findings(self) -> Iterator[Question]:
        for name in self._asked("entry", 2):
            label, record = self.terms.label(name), partial(_found, self.terms.label(name))
            entries = [e for e in self._of(name) if state(str(e.keys.get("state", ""))) != "over"]
            if not entries:
                yield self._new(label, record)
                continue
            told = [*self._unsaid(label, entries), *self._contradiction(label, entries)]
            yield from told or self._once_more(label, record)

    def _unsaid(self, label: str, entries: list[Entry]) -> Iterator[Question]:
        """Each entry of a name that says neither present nor absent."""
        for entry in entries:
            said = str(entry.keys.get("state", ""))
            if state(said) in (None, "unknown"):
                yield Question(
                    label if len(entries) == 1 else f"{label} ({entry.read_from})",
                    f"recorded as {said}" if said else "recorded without a state",
                    tuple((s, setting(entry, "state", s)) for s in _SAID),
                    partial(self._said_now, label, entry, self.new_day) if self.new_day else None,
                )

    def _said_now(self, label: str, entry: Entry, day: datetime.date) -> Ways:
        """The same on a day: of an entry without a date that is its own, beside one with a date it is another's."""
        when = day.isoformat()
        if self._days(entry, WHEN) is None:
            dated = setting(entry, "when", when)
            return [(f"{said}, on {day}", (setting(entry, "state", said), dated)) for said in _SAID]
        return [(f"{said}, on {day}", add) for said, add in _found(label, (("when", when),)) if said in _SAID]

    def _contradiction(self, label: str, entries: list[Entry]) -> Iterator[Question]:
        """Entries of one name that say present and absent: each way to settle it, by leaving out the others."""
        said = {state(str(entry.keys.get("state", ""))) for entry in entries}
        if {"present", "absent"} <= said:
            values = tuple(
                (
                    f"settled as {one}",
                    tuple(dropping(e) for e in entries if state(str(e.keys.get("state", ""))) != one),
                )
                for one in ("present", "absent")
            )
            yield Question(label, "recorded as present and as absent", values)

    def _results(self) -> Iterator[Question]:
        flags = cl("low_flag") in self.shape.asked.get(("result_flag", 2), ())
        for analyte in self._asked("result", 2):
            label, units = self.terms.label(analyte), self._units(analyte)
            entries = self._of(analyte)
            record = partial(self._measured, label, [self.terms.label(unit) for unit in units] or [""])
            if not entries:
                yield self._new(label, record)
            else:
                yield from self._once_more(label, record)
            for entry in entries:
                unit = str(entry.keys.get("unit", ""))
                if reading(entry.keys.get("value")) is None:
                    values = list(self._regions(setting(entry, "value", PROBE), unit))
                    yield Question(
                        f"the value of “{entry.sentence}” ({entry.read_from})", "not a number", tuple(values)
                    )
                elif self.terms.match("unit", unit) not in self._accepted(analyte):
                    yield Question(
                        f"the unit of “{entry.sentence}” ({entry.read_from})",
                        "not usable" if unit else "not recorded",
                        tuple((self.terms.label(u), setting(entry, "unit", self.terms.label(u))) for u in units),
                    )
                if flags and not self._says(entry, "result_flag"):
                    yield Question(
                        f"the laboratory's flag of “{entry.sentence}” ({entry.read_from})",
                        "not recorded",
                        (("low", setting(entry, "flag", "L")),),
                    )

    def _new(self, label: str, values: Callable[[Keys], Ways]) -> Question:
        """An item of which there is no entry, given the ways in which one could say more beside some keys."""
        day, whole = self.new_day, tuple(values(()))
        if day is None:
            return Question(label, "not recorded", whole)

        def dated() -> Ways:
            return [(f"{value}, on {day}", change) for value, change in values((("when", day.isoformat()),))]

        return Question(label, "not recorded", whole, dated)

    def _once_more(self, label: str, values: Callable[[Keys], Ways]) -> Iterator[Question]:
        """An item that the answer asks for although it is recorded: one entry more, later than all that has a date."""
        if label not in self.open_questions:
            return
        day = day_after(self.answer)
        if day is None:
            yield Question(label, "recorded, and asked for", tuple(values(())))
            return
        ways = tuple((f"{value}, on {day}", change) for value, change in values((("when", day.isoformat()),)))
        yield Question(label, "recorded, and asked for", ways)

    def _measured(self, label: str, units: Iterable[str], more: Keys) -> Ways:
        """The ways to record a result: in each unit, a number in each range."""
        for unit in units:
            keys = (("value", PROBE), *((("unit", unit),) if unit else ()), *more)
            yield from self._regions(Add("labs", label, keys), unit)

    def _accepted(self, analyte: Iri) -> list[Iri]:
        """The units that a result of an analyte can have; where the document says so of none, those that rules know."""
        stated = [atom.args for atom in self.knowledge.stated if atom.predicate == CL + "acceptsUnit"]
        units = (unit for of, unit in stated if of == analyte) if stated else self.shape.met("result_unit", 2)
        return sorted(unit for unit in units if isinstance(unit, Iri) and unit in self.terms.labels)

    def _units(self, analyte: Iri) -> list[Iri]:
        """The units in which the document prints its numbers, of those that an analyte is reported in."""
        compared = {atom.args for atom in self.knowledge.stated if atom.predicate == CL + "comparedIn"}
        accepted = self._accepted(analyte)
        return [unit for unit in accepted if (unit, unit) in compared] or accepted

    def _regions(self, change: Add | Set, unit: str) -> Iterator[tuple[str, Change]]:
        """A number in each range that the rules tell apart, upwards; last the one below nought, which is a slip."""
        ranges = list(self._upwards(change))
        slips = [one for one in ranges if one[1] is not None and one[1].limit <= 0]
        for low, high, changed in (*(one for one in ranges if one not in slips), *slips):
            yield _range(low, high, unit), changed

    def _upwards(self, change: Add | Set) -> Iterator[tuple[Bound | None, Bound | None, Add | Set]]:
        """A number moved past one bound of the rules after another: the bounds on each side of it, and the change."""
        low: Bound | None = None
        for _ in range(_REGIONS):  # down to the lowest
            below, _ = self._span_of(change)
            lower = nearest(_beyond(below), Decimal(PROBE)) if below else None
            if lower is None:
                break
            change = with_number(change, str(lower))
        else:
            self.cut = True
        for _ in range(_REGIONS):
            _, high = self._span_of(change)
            yield low, high, change
            if high is None:
                return
            low = _beyond(high)
            value = nearest(low, Decimal(PROBE))
            if value is None:
                break
            change = with_number(change, str(value))
        self.cut = True

    def _span(
        self, case: Case, at: datetime.date | None, place: str | None, predicate: str
    ) -> tuple[Bound | None, Bound | None]:
        """Between which bounds a value of a changed record leaves all that the rules say as it is."""
        near = Nearby(self.shape, Model(derive(self.knowledge, case, at, self.answer.deadline)))
        self.tries.made += 1
        record = next((e.record for e in case.entries if e.read_from == place), None)
        found = tightest(bounds(near, predicate, record))
        self.cut = self.cut or near.cut
        return found

    def _span_of(self, change: Add | Set) -> tuple[Bound | None, Bound | None]:
        """The same of a number that a change records."""
        case = apply(self.case, [change], self.terms)
        return self._span(case, self.answer.at, place_of(change, self.case.gathered), measured(change))

    def _medications(self) -> Iterator[Question]:
        courses = [
            v for v in self.shape.asked.get(("medication_course", 2), ()) if v in (cl("loading"), cl("maintenance"))
        ]
        routes = self._routes()
        for drug in self._asked("medication", 2):
            label, entries = self.terms.label(drug), self._of(drug)
            if not entries:
                plain: list[tuple[str, Change]] = [
                    ("taken at present", Add("medications", label, (("status", "current"),)))
                ]
                named = [
                    (
                        f"taken at present, {self.terms.label(c)}",
                        Add("medications", label, (("course", c.local), ("status", "current"))),
                    )
                    for c in courses
                    if isinstance(c, Iri)
                ]
                yield Question(label, "not recorded", (*plain, *named))
            for entry in entries:
                yield from self._medication(entry, [c for c in courses if isinstance(c, Iri)], routes)

    def _routes(self) -> list[Iri]:
        """The routes that rules name; where one asks whether any is recorded, also the one stated most often."""
        named = self._asked("medication_route", 2)
        asks_for_any = any(
            isinstance(x, Present | Absent) and x.predicate == "medication_route" and isinstance(x.args[2], Variable)
            for rule in self.knowledge.program.rules
            for x in rule.body
        )
        stated = Counter(arg for atom in self.knowledge.stated for arg in atom.args)
        others = set(self.terms.names.get("route", {}).values()) - set(named)
        return [*named, *sorted(others, key=lambda route: (-stated[route], str(route)))[:asks_for_any]]

    def _medication(self, entry: Entry, courses: list[Iri], routes: list[Iri]) -> Iterator[Question]:
        text = f"“{entry.sentence}” ({entry.read_from})"
        taken = status(str(entry.keys.get("status", "")))
        if taken is None:
            words = ("current", "stopped", "planned", "on hold")
            yield Question(
                f"the status of {text}", "not recorded", tuple((w, setting(entry, "status", w)) for w in words)
            )
        if taken == "current" and not self._says(entry, "medication_course"):
            yield Question(
                f"the course of {text}", _wanting(entry, "course"),
                tuple((self.terms.label(c), setting(entry, "course", c.local)) for c in courses),
            )  # fmt: skip
        if taken == "current" and not self._says(entry, "medication_frequency") and self.reads("medication_frequency"):
            yield Question(
                f"the frequency of {text}", _wanting(entry, "frequency"),
                tuple((often, setting(entry, "frequency", often)) for often in _OFTEN),
            )  # fmt: skip
        if taken == "current":
            yield from self._day_of(entry, "start", "since", SINCE, self.answer.at)
        if taken == "current" and not self._says(entry, "medication_route"):
            yield Question(
                f"the route of {text}", _wanting(entry, "route"),
                tuple((self.terms.label(r), setting(entry, "route", self.terms.label(r))) for r in routes),
            )  # fmt: skip

    def _day_of(
        self, entry: Entry, what: str, key: str, predicate: str, latest: datetime.date | None
    ) -> Iterator[Question]:
        """A day of an entry, no later than some day, where the record does not give it; of a month, each of its."""
        if latest is None or not self.reads(predicate):
            return
        text, known = f"the {what} of “{entry.sentence}” ({entry.read_from})", self._days(entry, predicate)
        if known is None:
            yield Question(text, _wanting(entry, key), tuple(self._back(entry, key, predicate, latest)))
            return
        first, last = known
        if first < last and first <= latest:
            values = self._back(entry, key, predicate, min(last, latest), first)
            yield Question(text, "not known to the day", tuple(values))

    def _days(self, entry: Entry, predicate: str) -> tuple[datetime.date, datetime.date] | None:
        """The first and the last day that the record gives of an entry; None where it gives none."""
        return self._periods[predicate].get(entry.record)

    @cached_property
    def _periods(self) -> Mapping[str, Mapping[Value | None, tuple[datetime.date, datetime.date]]]:
        """The days of each record, by the predicate that gives them."""
        return {
            predicate: {
                record: (first, last)
                for _, record, first, last in (fact.args for fact in self.answer.run.atoms(predicate))
                if isinstance(first, datetime.date) and isinstance(last, datetime.date)
            }
            for predicate in DATED
        }

    def _says(self, entry: Entry, predicate: str) -> bool:
        return any(fact.args[1] == entry.record for fact in self.answer.run.atoms(predicate))

    def reads(self, predicate: str) -> bool:
        """Whether some rule asks for facts of a predicate."""
        return any(name == predicate for name, _ in self.shape.asked)

    def _back(
        self, entry: Entry, key: str, predicate: str, day: datetime.date, earliest: datetime.date = datetime.date.min
    ) -> Iterator[tuple[str, Change]]:
        """A day of an entry moved back from another, past one bound after another."""
        high: Bound | None = None
        for _ in range(_REGIONS):
            change = setting(entry, key, day.isoformat())
            case = apply(self.case, [change], self.terms)
            low, above = self._span(case, self.answer.at, entry.read_from, predicate)
            yield _days(low, high or above), change
            if low is None:
                return
            high = _beyond(low)
            before = nearest(high, day)
            if not isinstance(before, datetime.date) or before < earliest:
                return  # no day is as early
            day = before
        self.cut = True

    def _preferences(self) -> Iterator[Question]:
        """Each topic that a rule asks about, with the choices that rules tell apart on it."""
        asked = {
            (x.args[2].value, x.args[3].value)
            for rule in self.knowledge.program.rules
            for x in rule.body
            if isinstance(x, Present | Absent) and x.predicate == "preference"
            if isinstance(x.args[2], Constant) and isinstance(x.args[3], Constant)
        }
        for topic in self._asked("preference", 2):
            label, entries = self.terms.label(topic), self._of(topic)
            if any(self._says(entry, "preference") for entry in entries):
                continue
            shown = sorted(self.terms.label(c) for t, c in asked if t == topic and isinstance(c, Iri))
            ways: tuple[tuple[str, Change], ...]
            if entries:
                ways = tuple((c, setting(entries[0], "value", c)) for c in shown)
            else:
                ways = tuple((c, Add("preferences", label, (("value", c),))) for c in shown)
            yield Question(f"{label} preference", _wanting(entries[0], "value") if entries else "not recorded", ways)

    def _context(self) -> Iterator[Question]:
        """An age and a sex that rules read, where the record gives none that can be used."""
        terms = self.terms
        if self.reads("age_years") and not any(self.answer.run.atoms("age_years")):
            entries = [entry for key in (AGE, BIRTH) for entry in self._of(key)]
            values = self._regions(Set(CONTEXT, "age_years", PROBE), "years")
            yield Question(terms.label(AGE), "gives no age" if entries else "not recorded", tuple(values))
        if self.reads("sex") and not any(self.answer.run.atoms("sex")):
            named = [terms.label(sex) for sex in self._asked("sex", 2)]
            values = ((sex, Set(CONTEXT, "sex", sex)) for sex in named)
            yield Question(terms.label(SEX), "not usable" if self._of(SEX) else "not recorded", tuple(values))

    def _dates(self) -> Iterator[Question]:
        """An entry whose day the record does not give: as many days as rules tell apart, back from the last."""
        last = self.answer.at or day_after(self.answer)
        for entry in self.case.entries:
            if entry.term is not None and entry.list != "context":
                yield from self._day_of(entry, "date", "when", WHEN, last)

    def _day(self) -> Iterator[Question]:
        """The date of the assessment, where none was given: as many as the recorded dates tell apart."""
        if self.answer.at is not None or ("evaluation_day", 1) not in self.shape.asked:
            return
        starts = [
            day
            for predicate in DATED
            for fact in self.answer.run.atoms(predicate)
            for day in fact.args[2:]
            if isinstance(day, datetime.date)
        ]
        if not starts:
            return
        values = tuple(self._onwards(min(starts)))
        yield Question("the date of the assessment (--at)", "not given", values)

    def _onwards(self, day: datetime.date) -> Iterator[tuple[str, datetime.date]]:
        """A day of the assessment moved on from the first that is recorded, past one bound after another."""
        low: Bound | None = None
        for _ in range(_REGIONS):
            below, high = self._span(self.case, day, None, "evaluation_day")
            yield _days(low or below, high), day
            if high is None:
                return
            low = _beyond(high)
            after = nearest(low, day)
            if not isinstance(after, datetime.date):
                return  # no day is as late
            day = after
        self.cut = True


def _wanting(entry: Entry, key: str) -> str:
    """What a record says of a key of which it makes no fact."""
    return "not usable" if str(entry.keys.get(key, "")) else "not recorded"


def _found(label: str, more: Keys) -> Ways:
    """The ways to record a finding: in each state."""
    for said in (*_SAID, "unknown"):
        yield said, Add("findings", label, (("state", said), *more))


def _beyond(bound: Bound) -> Bound:
    """The other side of a bound."""
    return replace(bound, sign=NEGATED[bound.sign])


def _range(low: Bound | None, high: Bound | None, unit: str) -> str:
    """Between which numbers.

    >>> from citelog.values import Atom
    >>> size = Atom("size", ())
    >>> _range(Bound(size, 0, ">", Fraction(10)), Bound(size, 0, "<=", Fraction(25, 2)), "cm")
    'above 10 up to 12.5 cm'
    """
    words = {">": "above", ">=": "from", "<": "below", "<=": "up to", "=": "exactly"}
    return f"{_told(words, ((b.sign, _written(b.limit)) for b in (low, high) if b)) or 'any value'} {unit}".strip()


def _days(low: Bound | None, high: Bound | None) -> str:
    """Between which days; what lies outside the calendar bounds none.

    >>> from citelog.values import Atom
    >>> when, last = Atom("when", ()), datetime.date.max.toordinal()
    >>> _days(Bound(when, 0, ">=", Fraction(last - 1)), Bound(when, 0, "<", Fraction(last + 28)))
    'from 9999-12-30'
    >>> _days(Bound(when, 0, ">=", Fraction(9)), Bound(when, 0, "<=", Fraction(9)))
    'on 0001-01-09'
    """
    words = {">": "after", ">=": "from", "<": "before", "<=": "up to", "=": "on"}
    days = ((b.sign, b.limit.__floor__()) for b in (low, high) if b)
    shown = ((sign, str(datetime.date.fromordinal(day))) for sign, day in days if 0 < day <= _LAST)
    return _told(words, shown) or "any day"


_LAST = datetime.date.max.toordinal()


def _told(words: Mapping[str, str], bounds: Iterable[tuple[str, str]]) -> str:
    ends = list(bounds)
    if len(ends) > len({limit for _, limit in ends}):
        ends = [("=", ends[0][1])]
    return " to ".join(f"{words[sign]} {limit}" for sign, limit in ends).replace(" to up to ", " up to ")


def _written(limit: Fraction) -> str:
    value = decimal(limit)
    return number(value) if value is not None else str(limit)
