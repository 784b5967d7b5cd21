"""What is missing: which one item that the record does not settle could change the answer, and how, for each value.

Items are found in the rules: whatever they ask of a record by name. Each value of each is recorded in turn, and the
answer derived again. A number has as many values as the rules can tell apart: it is moved past one bound after another.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from citelog.answer import Answer, Conclusion, derive
from citelog.explain.model import Model, shape
from citelog.explain.origin import NEGATED, Bound, decimal, nearest
from citelog.explain.plans import Planner
from citelog.explain.what_if import paired
from citelog.patient.case import Case, Entry
from citelog.patient.changes import CONTEXT, Add, Change, Set, apply, dropping, place_of, setting
from citelog.patient.context import AGE, BIRTH, SEX
from citelog.patient.numbers import reading
from citelog.patient.wanted import PROBE, measured, with_number
from citelog.patient.words import state, status
from citelog.proof.words import number
from citelog.rules.program import Absent, Constant, Present
from citelog.run.result import Run
from citelog.values import Iri, Value
from citelog.vocab import CL, cl

FORMAT = "citelog-missing/1"

_REGIONS = 12
"""Ranges of one number that are tried at most."""

_LONG = 500
"""Entries of a record up to which everything is tried."""

_TRIED = 150
"""Records that are derived from at most where a record has just more entries; fewer as it is longer."""

_OFTEN = ("daily", "weekly", "monthly", "every 3 months", "yearly")
"""Frequencies that stand for all: rules compare them with each other in many ways."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One value of an item: how to record it, and what then comes, goes, or is said otherwise.

    `changes` are empty for the date of the assessment, which is given with the call.
    """

    value: str
    changes: tuple[Change, ...]
    gained: tuple[Conclusion, ...]
    lost: tuple[Conclusion, ...]
    changed: tuple[tuple[Conclusion, Conclusion], ...]

    def to_dict(self) -> dict[str, Any]:
        """The outcome as data."""
        return {
            "value": self.value,
            "changes": [change.to_dict() for change in self.changes],
            "options": " ".join(map(str, self.changes)),
            "gained": [_short(c) for c in self.gained],
            "lost": [_short(c) for c in self.lost],
            "changed": [{"before": _short(a), "after": _short(b)} for a, b in self.changed],
        }


@dataclass(frozen=True, slots=True)
class Item:
    """Something that the record does not settle. `weight` is how many conclusions about the patient hang on it."""

    text: str
    state: str
    outcomes: tuple[Outcome, ...]
    weight: int

    def to_dict(self) -> dict[str, Any]:
        """The item as data."""
        return {
            "item": self.text,
            "state": self.state,
            "weight": self.weight,
            "values": [outcome.to_dict() for outcome in self.outcomes],
        }


@dataclass(frozen=True, slots=True)
class Depends:
    """A recorded entry and a conclusion: without the entry the conclusion falls, is said otherwise, or stays.

    Of a very long record the last entries are not tried, which `effect` then says.
    """

    entry: Entry
    effect: str

    def to_dict(self) -> dict[str, Any]:
        """The dependence as data."""
        return {
            "fact": self.entry.id,
            "sentence": self.entry.sentence,
            "read_from": self.entry.read_from,
            "effect": self.effect,
        }


@dataclass(frozen=True, slots=True)
class Missing:
    """The items, those on which most hangs first; for one conclusion also what it depends on.

    `tried` counts the records that were derived from; `complete` is false where a very long record left some out.
    """

    whose: Mapping[str, Any]
    conclusion: str | None
    items: tuple[Item, ...]
    depends: tuple[Depends, ...]
    tried: int
    complete: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-missing/1`."""
        return {
            "format": FORMAT,
            **self.whose,
            "conclusion": self.conclusion,
            "items": [item.to_dict() for item in self.items],
            "depends": [one.to_dict() for one in self.depends],
            "records_tried": self.tried,
            "search_complete": self.complete,
        }


def _short(conclusion: Conclusion) -> dict[str, Any]:
    details = {key: conclusion.details[key] for key in ("role", "step") if key in conclusion.details}
    return {"id": conclusion.id, **details, "sentence": conclusion.sentence}


@dataclass(frozen=True, slots=True)
class _Question:
    """An item that could be recorded, and the ways in which it could."""

    text: str
    state: str
    values: tuple[tuple[str, Change | tuple[Change, ...] | datetime.date], ...]


def missing(answer: Answer, conclusion: str | None = None) -> Missing:
    """What is missing; of one conclusion, which items could change it and which entries it depends on.

    Raises NotConcludedError where the conclusion was not reached.
    """
    asked = _Asked(answer)
    about = answer.ids(conclusion)[0] if conclusion is not None else None
    items = []
    for question in asked.questions():
        if asked.is_spent:
            break
        outcomes = [_outcome(answer, value, change, about) for value, change in question.values]
        asked.tried += len(outcomes)
        outcomes = [o for i, o in enumerate(outcomes) if not _is_finer(o, outcomes[:i])]
        weight = max((_weight(answer, o) for o in outcomes), default=0)
        if weight:
            items.append(Item(question.text, question.state, tuple(outcomes), weight))
    open_ = asked.open_questions()
    items.sort(key=lambda item: (item.text not in open_, -item.weight))
    complete = not asked.is_spent
    depends = tuple(_depends(answer, about, asked)) if about is not None else ()
    complete = complete and all(one.effect != NOT_TRIED for one in depends)
    return Missing(answer.whose, about, tuple(items), depends, asked.tried, complete)


def _outcome(
    answer: Answer, value: str, change: Change | tuple[Change, ...] | datetime.date, about: str | None
) -> Outcome:
    made: tuple[Change, ...] = ()
    if isinstance(change, datetime.date):
        after = type(answer).of(answer.knowledge, answer.case, change, answer.deadline)
    else:
        made = change if isinstance(change, tuple) else (change,)
        after = answer.again(apply(answer.case, made, answer.knowledge.terms))
    pairs, lost, gained = paired(answer, after)
    changed = [(a, b) for a, b in pairs if _said(a) != _said(b)]
    if about is not None:
        base = about.partition("#")[0]
        lost, gained = ([c for c in one if c.id.partition("#")[0] == base] for one in (lost, gained))
        changed = [(a, b) for a, b in changed if a.id.partition("#")[0] == base]
    return Outcome(value, made, tuple(gained), tuple(lost), tuple(changed))


def _is_finer(outcome: Outcome, others: list[Outcome]) -> bool:
    """Whether a value only adds a word to another ("taken" and "taken, loading") that comes to the same."""
    return any(
        outcome.value.startswith(f"{other.value},")
        and [c.id for c in outcome.gained + outcome.lost] == [c.id for c in other.gained + other.lost]
        and [b.id for _, b in outcome.changed] == [b.id for _, b in other.changed]
        for other in others
    )


def _said(conclusion: Conclusion) -> tuple[Any, ...]:
    return tuple(conclusion.details.get(key) for key in ("role", "step", "severity"))


def _weight(answer: Answer, outcome: Outcome) -> int:
    """How many conclusions about the patient come, go or change."""
    record = {kind.name for kind in answer.knowledge.kinds if kind.about_record}
    listed = (*outcome.gained, *outcome.lost, *(b for _, b in outcome.changed))
    return len({c.id for c in listed if c.kind not in record})


NOT_TRIED = "not tried"


def _depends(answer: Answer, about: str, asked: _Asked) -> Iterator[Depends]:
    """Each entry dropped in turn, those behind the conclusion first: does the conclusion fall?"""
    terms = answer.knowledge.terms
    behind = set(answer.by_id[about].facts)
    asked.tried_before = asked.tried
    for entry in sorted(answer.case.entries, key=lambda entry: entry.id not in behind):
        if entry.term is None:
            continue
        if asked.is_spent:
            yield Depends(entry, NOT_TRIED)
            continue
        asked.tried += 1
        after = answer.again(apply(answer.case, [dropping(entry)], terms))
        pairs, lost, _ = paired(answer, after)
        if any(c.id == about for c in lost):
            yield Depends(entry, "falls without it")
        elif any(a.id == about and (_said(a) != _said(b) or a.sentence != b.sentence) for a, b in pairs):
            yield Depends(entry, "is said otherwise without it")
        elif entry.id in behind:
            yield Depends(entry, "stays without it, for another reason")
        else:
            yield Depends(entry, "idle")


class _Asked:
    """What the rules ask of a record by name, and this record leaves open."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.case, self.knowledge = answer.case, answer.knowledge
        self.terms = answer.knowledge.terms
        self.shape = shape(answer.knowledge)
        self.tried = self.tried_before = 0

    @property
    def is_spent(self) -> bool:
        """Whether a record is so long that enough was tried of one part of the answer."""
        size = len(self.case.entries)
        return size > _LONG and self.tried - self.tried_before >= max(6, _TRIED * _LONG // (size * 2))

    def open_questions(self) -> set[str]:
        """What the answer itself asks for, by the labels of what it asks about."""
        asking = {kind.name for kind in self.knowledge.kinds if kind.about_record and kind.value_as_label}
        return {c.value for c in self.answer.conclusions if c.kind in asking}

    def questions(self) -> Iterator[_Question]:
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

    def _findings(self) -> Iterator[_Question]:
        for name in self._asked("entry", 2):
            entries = self._of(name)
            label = self.terms.label(name)
            if not entries:
                values = tuple((s, Add("findings", label, (("state", s),))) for s in ("present", "absent", "unknown"))
                yield _Question(label, "not recorded", values)
            for entry in entries:
                said = str(entry.keys.get("state", ""))
                if state(said) in (None, "unknown"):
                    yield _Question(
                        label if len(entries) == 1 else f"{label} ({entry.read_from})",
                        f"recorded as {said}" if said else "recorded without a state",
                        tuple((s, setting(entry, "state", s)) for s in ("present", "absent")),
                    )
            yield from self._contradiction(label, entries)

    def _contradiction(self, label: str, entries: list[Entry]) -> Iterator[_Question]:
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
            yield _Question(label, "recorded as present and as absent", values)

    def _results(self) -> Iterator[_Question]:
        for analyte in self._asked("result", 2):
            label, units = self.terms.label(analyte), self._units(analyte)
            entries = self._of(analyte)
            if not entries:
                shown = [self.terms.label(unit) for unit in units] or [""]
                values = [
                    one
                    for unit in shown
                    for one in self._regions(
                        Add("labs", label, (("value", PROBE), *((("unit", unit),) if unit else ()))), unit
                    )
                ]
                yield _Question(label, "not recorded", tuple(values))
            for entry in entries:
                unit = str(entry.keys.get("unit", ""))
                if reading(entry.keys.get("value")) is None:
                    values = list(self._regions(setting(entry, "value", PROBE), unit))
                    yield _Question(
                        f"the value of “{entry.sentence}” ({entry.read_from})", "not a number", tuple(values)
                    )
                elif self.terms.match("unit", unit) not in self._accepted(analyte):
                    yield _Question(
                        f"the unit of “{entry.sentence}” ({entry.read_from})",
                        "not usable" if unit else "not recorded",
                        tuple((self.terms.label(u), setting(entry, "unit", self.terms.label(u))) for u in units),
                    )
                if cl("low_flag") in self.shape.asked.get(("result_flag", 2), ()) and "flag" not in entry.keys:
                    yield _Question(
                        f"the laboratory's flag of “{entry.sentence}” ({entry.read_from})",
                        "not recorded",
                        (("low", setting(entry, "flag", "L")),),
                    )

    def _accepted(self, analyte: Iri) -> list[Iri]:
        stated = (atom for atom in self.knowledge.stated if atom.predicate == CL + "acceptsUnit")
        return sorted(atom.args[1] for atom in stated if atom.args[0] == analyte and isinstance(atom.args[1], Iri))

    def _units(self, analyte: Iri) -> list[Iri]:
        """The units in which the document prints its numbers, of those that an analyte is reported in."""
        compared = {atom.args for atom in self.knowledge.stated if atom.predicate == CL + "comparedIn"}
        accepted = self._accepted(analyte)
        return [unit for unit in accepted if (unit, unit) in compared] or accepted

    def _regions(self, change: Add | Set, unit: str) -> Iterator[tuple[str, Change]]:
        """A number moved past one bound of the rules after another; each range that they tell apart once."""
        low: Bound | None = None
        for _ in range(_REGIONS):  # down to the lowest
            below = max(self._ends(change, (">", ">=")), key=lambda b: (b.limit, b.sign), default=None)
            lower = nearest(_beyond(below), Decimal(PROBE)) if below else None
            if lower is None:
                break
            change = with_number(change, str(lower))
        for _ in range(_REGIONS):
            high = min(self._ends(change, ("<", "<=")), key=lambda b: (b.limit, b.sign), default=None)
            yield _range(low, high, unit), change
            if high is None:
                return
            low = _beyond(high)
            value = nearest(low, Decimal(PROBE))
            if value is None:
                return
            change = with_number(change, str(value))

    def _ends(self, change: Add | Set, signs: tuple[str, str]) -> list[Bound]:
        """Where the range of a changed number ends, on one side."""
        case = apply(self.case, [change], self.terms)
        run = derive(self.knowledge, case, self.answer.at, self.answer.deadline)
        self.tried += 1
        place = place_of(change, self.case.gathered)
        return [bound for bound in self._bounds(run, case, place, measured(change)) if bound.sign in signs]

    def _bounds(self, run: Run, case: Case, place: str | None, predicate: str) -> Iterator[Bound]:
        """Between which bounds a value of a changed record leaves all that the rules say as it is."""
        record = next((e.record for e in case.entries if e.read_from == place), None)
        return Planner(self.shape, Model(run)).bounds(predicate, record)

    def _medications(self) -> Iterator[_Question]:
        courses = [
            v for v in self.shape.asked.get(("medication_course", 2), ()) if v in (cl("loading"), cl("maintenance"))
        ]
        routes = self._asked("medication_route", 2)
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
                yield _Question(label, "not recorded", (*plain, *named))
            for entry in entries:
                yield from self._medication(entry, [c for c in courses if isinstance(c, Iri)], routes)

    def _medication(self, entry: Entry, courses: list[Iri], routes: list[Iri]) -> Iterator[_Question]:
        text = f"“{entry.sentence}” ({entry.read_from})"
        taken = status(str(entry.keys.get("status", "")))
        if taken is None:
            words = ("current", "stopped", "planned", "on hold")
            yield _Question(
                f"the status of {text}", "not recorded", tuple((w, setting(entry, "status", w)) for w in words)
            )
        if taken == "current" and "course" not in entry.keys:
            yield _Question(
                f"the course of {text}", "not recorded",
                tuple((self.terms.label(c), setting(entry, "course", c.local)) for c in courses),
            )  # fmt: skip
        if taken == "current" and "frequency" not in entry.keys and self._reads("medication_frequency"):
            yield _Question(
                f"the frequency of {text}", "not recorded",
                tuple((often, setting(entry, "frequency", often)) for often in _OFTEN),
            )  # fmt: skip
        if taken == "current" and "since" not in entry.keys and self.answer.at is not None:
            values = tuple(self._back(entry, "since", "medication_since", self.answer.at))
            yield _Question(f"the start of {text}", "not recorded", values)
        if taken == "current" and "route" not in entry.keys:
            yield _Question(
                f"the route of {text}", "not recorded",
                tuple((self.terms.label(r), setting(entry, "route", self.terms.label(r))) for r in routes),
            )  # fmt: skip

    def _reads(self, predicate: str) -> bool:
        return any(name == predicate for name, _ in self.shape.asked)

    def _back(self, entry: Entry, key: str, predicate: str, day: datetime.date) -> Iterator[tuple[str, Change]]:
        """A day of an entry moved back from the day of the assessment, past one bound after another."""
        high: Bound | None = None
        for _ in range(_REGIONS if self._reads(predicate) else 0):
            change = setting(entry, key, day.isoformat())
            case = apply(self.case, [change], self.terms)
            run = derive(self.knowledge, case, self.answer.at, self.answer.deadline)
            self.tried += 1
            low = max(
                (b for b in self._bounds(run, case, entry.read_from, predicate) if b.sign in (">", ">=")),
                key=lambda b: (b.limit, b.sign),
                default=None,
            )
            yield _days(low, high), change
            if low is None:
                return
            high = _beyond(low)
            before = nearest(high, day)
            if not isinstance(before, datetime.date):
                return
            day = before

    def _preferences(self) -> Iterator[_Question]:
        """Each topic that a rule asks about, with the choices that rules tell apart on it."""
        asked = {
            (x.args[2].value, x.args[3].value)
            for rule in self.knowledge.program.rules
            for x in rule.body
            if isinstance(x, Present | Absent) and x.predicate == "preference"
            if isinstance(x.args[2], Constant) and isinstance(x.args[3], Constant)
        }
        for topic in self._asked("preference", 2):
            if not self._of(topic):
                label = self.terms.label(topic)
                shown = sorted(self.terms.label(c) for t, c in asked if t == topic and isinstance(c, Iri))
                values = tuple((c, Add("preferences", label, (("value", c),))) for c in shown)
                yield _Question(f"{label} preference", "not recorded", values)

    def _context(self) -> Iterator[_Question]:
        """An age and a sex that rules read, where the record gives none that can be used."""
        terms = self.terms
        if self._reads("age_years") and not any(self.answer.run.atoms("age_years")):
            entries = [entry for key in (AGE, BIRTH) for entry in self._of(key)]
            values = self._regions(Set(CONTEXT, "age_years", PROBE), "years")
            yield _Question(terms.label(AGE), "gives no age" if entries else "not recorded", tuple(values))
        if self._reads("sex") and not any(self.answer.run.atoms("sex")):
            named = [terms.label(sex) for sex in self._asked("sex", 2)]
            values = ((sex, Set(CONTEXT, "sex", sex)) for sex in named)
            yield _Question(terms.label(SEX), "not usable" if self._of(SEX) else "not recorded", tuple(values))

    def _dates(self) -> Iterator[_Question]:
        """An entry without a date: before others of its name or after them, and as many days as rules tell apart."""
        for entry in self.case.entries:
            if entry.term is None or entry.list == "context" or "when" in entry.keys:
                continue
            days = [
                day
                for fact in self.answer.run.atoms("recorded_when")
                for day in fact.args[2:]
                if isinstance(day, datetime.date) and any(o.record == fact.args[1] for o in self._of(entry.term))
            ]
            values: list[tuple[str, Change]] = []
            if days and datetime.date.min < min(days) and max(days) < datetime.date.max:
                day = datetime.timedelta(days=1)
                for text, when in (
                    ("later than the others", max(days) + day),
                    ("earlier than the others", min(days) - day),
                ):
                    values.append((text, setting(entry, "when", when.isoformat())))
            if self.answer.at is not None:
                values += self._back(entry, "when", "recorded_when", self.answer.at)
            yield _Question(f"the date of “{entry.sentence}” ({entry.read_from})", "not recorded", tuple(values))

    def _day(self) -> Iterator[_Question]:
        """The date of the assessment, where none was given: as many as the recorded dates tell apart."""
        if self.answer.at is not None or ("evaluation_day", 1) not in self.shape.asked:
            return
        starts = [
            day
            for predicate in ("medication_since", "recorded_when")
            for fact in self.answer.run.atoms(predicate)
            for day in fact.args[2:]
            if isinstance(day, datetime.date)
        ]
        if not starts:
            return
        day: Value | None = min(starts)
        low: Bound | None = None
        values: list[tuple[str, datetime.date]] = []
        for _ in range(_REGIONS):
            if not isinstance(day, datetime.date):
                break
            run = derive(self.knowledge, self.case, day, self.answer.deadline)
            self.tried += 1
            high = min(
                (b for b in self._bounds(run, self.case, None, "evaluation_day") if b.sign in ("<", "<=")),
                key=lambda b: (b.limit, b.sign),
                default=None,
            )
            values.append((_days(low, high), day))
            if high is None:
                break
            low = _beyond(high)
            day = nearest(low, day)
        yield _Question("the date of the assessment (--at)", "not given", tuple(values))


def _beyond(bound: Bound) -> Bound:
    """The other side of a bound."""
    return replace(bound, sign=NEGATED[bound.sign])


_WORDS = {">": "above", ">=": "from", "<": "below", "<=": "up to"}


def _range(low: Bound | None, high: Bound | None, unit: str) -> str:
    parts = [f"{_WORDS[b.sign]} {_written(b.limit)}" for b in (low, high) if b is not None]
    return f"{' to '.join(parts) or 'any value'} {unit}".strip()


def _written(limit: Fraction) -> str:
    value = decimal(limit)
    return number(value) if value is not None else str(limit)


def _days(low: Bound | None, high: Bound | None) -> str:
    def shown(bound: Bound) -> str:
        return datetime.date.fromordinal(int(bound.limit)).isoformat()

    words = {">": "after", ">=": "from", "<": "before", "<=": "up to"}
    return " to ".join(f"{words[b.sign]} {shown(b)}" for b in (low, high) if b is not None) or "any day"
