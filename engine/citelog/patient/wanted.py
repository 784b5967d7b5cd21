"""From facts that are wanted, or not wanted, to the changes of a record that would make them so.

This is facts.py read backwards. What an entry would have to say is known exactly; whether a change leads anywhere is
for those who derive again.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from citelog.patient.case import Case, Entry, Record, Recorded
from citelog.patient.changes import CONTEXT, Add, Change, Drop, Set, dropping, setting
from citelog.patient.context import BIRTH, GIVES
from citelog.patient.numbers import Sign
from citelog.patient.predicates import DATED, NAMING, key_of, list_of
from citelog.patient.words import COURSES
from citelog.values import Atom, Iri, Value
from citelog.vocab import Terms, cl

SOME_RECORD = Iri("urn:citelog:record:some")
"""Stands for a record that would have to be there: an entry more, or one of the same name that says otherwise."""

PROBE = "1"
"""A value for a result of which only the presence is wanted; what it has to be is worked out from there."""

PROBE_DAY = "2000-01-01"
"""A date where any date serves."""

MOST = 8
"""Alternatives that are offered for one set of wishes."""

Args = tuple[Value | None, ...]


@dataclass(frozen=True, slots=True)
class Make:
    """A recorded fact that would have to hold; open arguments may be anything."""

    predicate: str
    args: Args


@dataclass(frozen=True, slots=True)
class Unmake:
    """A recorded fact that would have to go."""

    atom: Atom

    @property
    def predicate(self) -> str:
        """The predicate of the fact."""
        return self.atom.predicate


Wish = Make | Unmake


def valued(fact: Atom, place: int, value: Value) -> Make:
    """A recorded fact with another number or day at a place; a day is its own first and last."""
    if fact.predicate in DATED:
        return Make(fact.predicate, (*fact.args[:2], value, value))
    return Make(fact.predicate, (*fact.args[:place], value, *fact.args[place + 1 :]))


_SIGNS = {cl(sign.value): text for sign, text in zip(Sign, ("<", "≤", ">", "≥"), strict=True)}
_STATES = ("present", "absent", "unknown")
_STATUSES = ("stopped", "current", "planned", "on hold")


def target(wish: Wish) -> tuple[str, str]:
    """What a wish would have changed: a record that is there, or one of a list (and name) that is not."""
    predicate, args = (wish.predicate, wish.args) if isinstance(wish, Make) else (wish.atom.predicate, wish.atom.args)
    record = args[1] if len(args) > 1 else None
    if record not in (None, SOME_RECORD):
        return ("record", str(record))
    list_ = list_of(predicate)
    if list_ == "context":
        return (list_, predicate)
    return (list_ or predicate, str(args[2:]) if predicate in ("entry", "preference") else "")


def measured(change: Change) -> str:
    """The predicate of the number that a change records; empty where it records none."""
    if isinstance(change, Add):
        return "result_value" if change.list == "labs" else ""
    if isinstance(change, Drop):
        return ""
    if change.place == CONTEXT:
        return "age_years" if change.key == "age_years" else ""
    return "result_value" if change.key == "value" else ""


def with_number(change: Add | Set, value: str) -> Add | Set:
    """The change with another number in it."""
    if isinstance(change, Set):
        return Set(change.place, change.key, value)
    return Add(change.list, change.name, tuple((k, value if k == "value" else v) for k, v in change.keys))


def dated(change: Add, day: datetime.date) -> Add:
    """The entry with a date, unless it has one."""
    keys = dict(change.keys)
    keys.setdefault("when", day.isoformat())
    return Add(change.list, change.name, tuple(keys.items()))


def names_one_each(wishes: Iterable[Wish]) -> bool:
    """Whether no entry that would have to be made is wanted under two names."""
    named: dict[tuple[str, str], Value | None] = {}
    return all(
        named.setdefault(target(wish), wish.args[2]) == wish.args[2]
        for wish in wishes
        if isinstance(wish, Make) and wish.predicate in NAMING
    )


def ways(wishes: Iterable[Wish], case: Case, terms: Terms) -> tuple[tuple[Change, ...], ...]:
    """Sets of changes of which each would grant all wishes, as far as the record goes; none where nothing would.

    Of wishes that contradict each other (one number to be two), a set grants one.
    """
    listed = needed(sorted(set(wishes), key=repr))
    makes = [wish for wish in listed if isinstance(wish, Make)]
    unmakes = [wish.atom for wish in listed if isinstance(wish, Unmake)]
    choices = [list(choice) for choice in _made(makes, case, terms)]
    if not all(choices):
        return ()
    found: dict[tuple[Change, ...], None] = {}
    for made in itertools.islice(itertools.product(*choices), MOST):
        changes = tuple(dict.fromkeys(itertools.chain.from_iterable(made)))
        touched = {(change.place, change.key) for change in changes if isinstance(change, Set)}
        rest = [list(_unmade(atom, case)) for atom in unmakes if not _is_touched(atom, touched, case)]
        for unmade in itertools.islice(_alike_first(rest), MOST):
            both = _consistent(dict.fromkeys((*changes, *itertools.chain.from_iterable(unmade))))
            if both:
                found[both] = None
    return tuple(itertools.islice(found, MOST))


def needed(wishes: Collection[Wish]) -> list[Wish]:
    """Wishes without those that leave open what another says, or that unsay what another says otherwise."""
    makes = [wish for wish in wishes if isinstance(wish, Make)]

    def said(wish: Wish) -> bool:
        if isinstance(wish, Unmake):
            return any(_replaces(make, wish.atom) for make in makes)
        return any(
            other != wish and other.predicate == wish.predicate
            and all(a in (None, b) for a, b in zip(wish.args, other.args, strict=True))
            for other in makes
        )  # fmt: skip

    return [wish for wish in wishes if not said(wish)]


def _replaces(make: Make, atom: Atom) -> bool:
    """Whether the record of a fact comes to say something else in its place."""
    same = make.predicate == atom.predicate and len(atom.args) > 2 and make.args[1] == atom.args[1]
    return same and any(a not in (None, b) for a, b in zip(make.args, atom.args, strict=True))


def _consistent(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Changes that do not contradict each other, without what a dropped entry would have said; none otherwise."""
    listed = list(changes)
    dropped = {change.place for change in listed if isinstance(change, Drop) and not change.key}
    if any(isinstance(change, Set) and change.place in dropped for change in listed):
        return ()
    listed = [one for one in listed if not (isinstance(one, Drop) and one.key and one.place in dropped)]
    keys = [(change.place, change.key) for change in listed if not isinstance(change, Add)]
    return tuple(listed) if len(keys) == len(set(keys)) else ()


def _alike_first(options: list[list[tuple[Change, ...]]]) -> Iterator[tuple[tuple[Change, ...], ...]]:
    """One of each option: the first of all, the last of all (where each entry goes), and then any others."""
    alike = [tuple(option[place] for option in options) for place in (0, -1) if all(options)]
    yield from dict.fromkeys(alike)
    yield from (chosen for chosen in itertools.product(*options) if chosen not in alike)


def _record(record: Value | None, case: Case) -> Record | None:
    return next((known for known in case.records if known.iri == record), None)


# --- facts that are wanted ---------------------------------------------------------------------------------------


def _made(makes: list[Make], case: Case, terms: Terms) -> Iterator[list[tuple[Change, ...]]]:
    """For each record that is wanted, the ways to have it; what an entry of any list can say, each new one says."""
    groups: dict[tuple[str, str], list[Make]] = {}
    for make in makes:
        groups.setdefault(target(make), []).append(make)
    anywhere = [one for one in groups if one[0] != "record" and list_of(groups[one][0].predicate) is None]
    new = [one for one in groups if one not in anywhere and one[0] not in ("record", "context")]
    if new:
        more = [make for one in anywhere for make in groups.pop(one)]
        groups |= {one: [*groups[one], *more] for one in new}
    for (where, _), group in groups.items():
        if list_of(group[0].predicate) == "context":
            yield _in_context(group, case, terms)
        elif where == "record":
            record = _record(group[0].args[1], case)
            yield _as_sets(group, record, terms) if record else []
        else:
            yield _some(group, case, terms)


def _in_context(group: list[Make], case: Case, terms: Terms) -> list[tuple[Change, ...]]:
    """What the context would have to say, under the key that it has; an age goes before a date of birth."""
    predicate = group[0].predicate
    known = (e.name for e in case.entries if e.term not in (None, BIRTH) and GIVES.get(e.term) == predicate)
    key = next(known, predicate)
    return [tuple(Set(CONTEXT, key, value) for value in keys.values()) for keys in _wordings(group, terms)]


def _some(group: list[Make], case: Case, terms: Terms) -> list[tuple[Change, ...]]:
    """An entry of the same name that says otherwise, or one more."""
    names = {make.args[2] for make in group if make.predicate in NAMING}
    if len(names) != 1:
        return []
    [name] = names
    list_ = list_of(group[0].predicate)
    if list_ is None or not isinstance(name, Iri):
        return []
    found: list[tuple[Change, ...]] = []
    for record in case.records:
        if record.entry.term == name and (
            record.entry.list == list_ or {record.entry.list, list_} <= {"findings", "conditions"}
        ):
            found += _as_sets(group, record, terms)
    for keys in _wordings(group, terms):
        said = sorted(
            ((key, value) for key, value in keys.items() if value != ""), key=lambda one: _ORDER.index(one[0])
        )
        found.append((Add(list_, terms.label(name), tuple(said)),))
    return found


_ORDER = ("value", "unit", "state", "dose", "frequency", "route", "course", "status", "since", "when", "flag")


def _as_sets(group: list[Make], record: Record, terms: Terms) -> list[tuple[Change, ...]]:
    """The keys that a record that is there would have to have instead; none where that cannot be."""
    if any(make.predicate in NAMING and make.args[2] not in (None, record.entry.term) for make in group):
        return []
    sets = [
        tuple(
            setting(entry, key, value) if value != "" else dropping(entry, key)
            for entry in record.entries
            for key, value in keys.items()
            if entry.keys.get(key, "") != value
        )
        for keys in _wordings(group, terms)
    ]
    return [changes for changes in sets if changes]


def _wordings(group: list[Make], terms: Terms) -> list[dict[str, Recorded]]:
    """What an entry would have to say for the wishes of a group: one of the values that they want of each key."""
    wanted: dict[str, dict[Recorded, None]] = {}
    for make in group:
        said = _said(make, terms)
        if said is None:
            return []
        key, value = said
        if key:
            wanted.setdefault(key, {})[value] = None
    for values in wanted.values():
        if len(values) > 1:
            values.pop(PROBE, None)  # any number would do, and another wish names one
    chosen = itertools.islice(itertools.product(*wanted.values()), MOST)
    return [dict(zip(wanted, values, strict=True)) for values in chosen]


def _said(make: Make, terms: Terms) -> tuple[str, Recorded] | None:
    """The key that says a fact, and its value: `("", "")` where naming the entry is enough, None where nothing is."""
    rest = make.args[2:]
    match make.predicate, rest:
        case (("entry" | "preference"), (_, None)):
            return "", ""  # what it says does not matter
        case "entry", (_, Iri() as state):
            return "state", state.local
        case "preference", (_, Iri() as choice):
            return "value", terms.label(choice)
        case (("result" | "medication"), _):
            return "", ""
        case "age_years", (value,):
            return "age_years", format(value, "f") if isinstance(value, Decimal) else PROBE
        case "sex", (Iri() as sex,):
            return "sex", terms.label(sex)
        case "result_value", (value,):
            return "value", format(value, "f") if isinstance(value, Decimal) else PROBE
        case "result_bound", (sign, value):
            number = format(value, "f") if isinstance(value, Decimal) else PROBE
            return "value", f"{_SIGNS.get(sign, '<') if isinstance(sign, Iri) else '<'}{number}"
        case "result_unreadable", ():
            return "value", "not readable"
        case "result_unit", (Iri() as unit,):
            return "unit", terms.label(unit)
        case "result_unit_missing", ():
            return "unit", ""
        case "result_unit_unknown", ():
            return "unit", "unknown unit"
        case "result_flag", (Iri() as flag,):
            return "flag", "L" if flag == cl("low_flag") else "H"
        case "medication_status", (Iri() as status,):
            return "status", status.local.replace("_", " ").replace("status unknown", "unknown")
        case "medication_route", (Iri() as route,):
            return "route", terms.label(route)
        case "medication_course", (Iri() as course,):
            return "course", course.local
        case "medication_frequency", (Decimal() as times, Decimal() as period, Iri() as unit):
            return "frequency", _phrase(times, period, unit)
        case "medication_frequency", (None, None, Iri() as unit):
            return "frequency", _phrase(Decimal(1), Decimal(1), unit)
        case predicate, (day, _) if predicate in DATED:
            return key_of(predicate), day.isoformat() if isinstance(day, datetime.date) else PROBE_DAY
        case _:
            return None


def _phrase(times: Decimal, period: Decimal, unit: Iri) -> str:
    """A frequency as people write it.

    >>> _phrase(Decimal(1), Decimal(4), cl("week")), _phrase(Decimal(3), Decimal(1), cl("week"))
    ('every 4 weeks', '3 times every week')
    """
    often = "" if times == 1 else f"{times.normalize():f} times "
    span = unit.local if period == 1 else f"{period.normalize():f} {unit.local}s"
    return f"{often}every {span}"


# --- facts that are not wanted -----------------------------------------------------------------------------------


def _is_touched(atom: Atom, touched: set[tuple[str, str]], case: Case) -> bool:
    """Whether an entry is changed where it says a fact; one that is changed at all is not dropped as well."""
    record = _record(atom.args[1] if len(atom.args) > 1 else None, case)
    key = key_of(atom.predicate)
    if record is None:
        return False
    if record.entry.list == "context":
        return all((CONTEXT, entry.name) in touched for entry in record.entries)
    places = touched if key else {(place, "") for place, _ in touched}
    return all((entry.read_from, key) in places for entry in record.entries)


def _unmade(atom: Atom, case: Case) -> Iterator[tuple[Change, ...]]:
    """The ways to have a recorded fact no longer: another word in its place, the key dropped, the entry dropped."""
    record = _record(atom.args[1] if len(atom.args) > 1 else None, case)
    if record is None:
        return
    key = key_of(atom.predicate)
    words = {"state": _STATES, "status": _STATUSES, "course": COURSES}.get(key, ())
    for word in words:
        if word != str(record.entry.keys.get(key, "")).casefold():
            yield tuple(setting(entry, key, word) for entry in record.entries)
    if key in ("course", "route", "frequency", "since", "when", "flag"):
        yield tuple(dropping(entry, key) for entry in record.entries)
    yield tuple(dropping(entry) for entry in record.entries)


def entries_of(record: Value | None, case: Case) -> tuple[Entry, ...]:
    """The entries that say what a record says; none where it is no record of the case."""
    known = _record(record, case)
    return known.entries if known else ()
