"""What an entry of a record can say: every form that the rules can tell from the others, each as it would be written.

The forms are not listed by hand. Each key of an entry takes every kind of value that the reader of records
distinguishes, and each combination is written as a record and read by that reader; what the rules can see of the facts
is the form, and combinations of which they see the same are one.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from citelog.knowledge.base import Knowledge
from citelog.patient import intake
from citelog.patient.case import NAME_KEY, ListName
from citelog.patient.context import GIVES, OLDEST
from citelog.patient.facts import PATIENT, facts
from citelog.patient.predicates import PREDICATES, keys_of
from citelog.patient.words import COURSES
from citelog.values import Atom, Iri, Value
from citelog.verify.cuts import Cuts
from citelog.vocab import Terms, cl

DAY = datetime.date(2024, 7, 1)
"""The day of the assessment in every picture that has one: rules see days by their distance to it."""

_SIGNS = ("", "<", "≤", ">", "≥")
_LISTS: tuple[tuple[ListName, str], ...] = (
    ("labs", "analyte"), ("findings", "finding"), ("medications", "drug"), ("preferences", "topic"),
    ("context", "context"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Family:
    """The entries of one name. A key of the context can be written under each of its `names`."""

    id: str
    list: ListName | None
    names: tuple[str, ...]
    term: Iri | None

    @property
    def name(self) -> str:
        """The name that its entries are written with."""
        return self.names[0]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of its entries; of the day of the assessment, none."""
        return keys_of(self.list) if self.list else ()

    @property
    def most(self) -> int | None:
        """How many of its entries a record can hold; None where there is no end."""
        return None if self.list else 1


@dataclass(frozen=True, slots=True)
class Said:
    """An entry as it would be written, by its keys, and the facts that the reader makes of it, about `RECORD`."""

    family: Family
    keys: tuple[tuple[str, str], ...]
    facts: tuple[Atom, ...]

    @property
    def cost(self) -> int:
        """How much it says: entries that say less are plainer."""
        return 1 + len(self.keys)

    @property
    def length(self) -> int:
        """How long its values are."""
        return sum(len(value) for _, value in self.keys)


_LAST = datetime.date.max.toordinal()
RECORD = Iri("urn:citelog:record:some")
DAY_FAMILY = Family("day of the assessment", None, (), None)


def families(terms: Terms) -> tuple[Family, ...]:
    """A family for each name that an entry can have, and one for the day of the assessment."""
    found = [DAY_FAMILY]
    for list_, kind in _LISTS:
        names: dict[Iri, list[str]] = {}
        for name, term in terms.names.get(kind, {}).items():
            names.setdefault(term, []).append(name)
        for term in sorted(names, key=lambda t: terms.label(t)):
            label = terms.label(term)
            written = label if terms.match(kind, label) == term else names[term][0]
            if list_ == "context":
                if term not in GIVES or term == cl("birth_date"):
                    continue  # a date of birth gives an age, whose family there is
                spelt = tuple(sorted(names[term], key=lambda name: " " in name))  # as the key of a case file first
                found.append(Family(f"context: {written}", list_, spelt, term))
            else:
                found.append(Family(f"{list_}: {written}", list_, (written,), term))
    return tuple(found)


# --- what each key can say ---------------------------------------------------------------------------------------


def plain_options(family: Family, key: str, terms: Terms) -> tuple[str, ...]:
    """Every kind of value of a key, numbers and days apart: those are given by one that stands for any."""
    return _options(family, key, terms, (Decimal(1),), ((DAY, DAY),), ((Decimal(1), Decimal(1)),))


def _options(
    family: Family,
    key: str,
    terms: Terms,
    numbers: Sequence[Decimal],
    days: Sequence[tuple[datetime.date, datetime.date]],
    rates: Sequence[tuple[Decimal, Decimal]],
) -> tuple[str, ...]:
    """The values of a key as they would be written; "" is a key left out."""
    match family.list, key:
        case "labs", "value":
            return ("", *(f"{sign}{number:f}" for number in numbers for sign in _SIGNS))
        case "labs", "unit":
            return ("", "unknown unit", *_labels(terms, "unit"))
        case "labs", "flag":
            return ("", "L", "H")
        case _, "when" | "since":
            return ("", *(f"{first}/{last}" if first != last else f"{first}" for first, last in days))
        case "findings", "state":
            return ("present", "absent", "unknown")
        case "medications", "status":
            return ("current", "stopped", "planned", "on hold", "unknown")
        case "medications", "route":
            return ("", *_labels(terms, "route"))
        case "medications", "course":
            return ("", *COURSES)
        case "medications", "frequency":
            return (
                "",
                *(_rate(times, period, unit) for times, period in rates for unit in ("day", "week", "month", "year")),
            )
        case "preferences", "value":
            return (*_labels(terms, "choice"), *_labels(terms, "route"))
        case "context", "value":
            known = _labels(terms, "sex")
            return (
                known
                if terms.match("context", family.name) == cl("sex")
                else tuple(f"{n:f}" for n in numbers if 0 <= n <= OLDEST)
            )
    return ("",)


def _rate(times: Decimal, period: Decimal, unit: str) -> str:
    return f"every {period:f} {unit}s" if times == 1 else f"{times:f} times every {period:f} {unit}s"


def _labels(terms: Terms, kind: str) -> tuple[str, ...]:
    found = {term: name for name, term in reversed(list(terms.names.get(kind, {}).items()))}
    return tuple(
        sorted(
            terms.label(term) if terms.match(kind, terms.label(term)) == term else name for term, name in found.items()
        )
    )


# --- reading what would be written -------------------------------------------------------------------------------


def read(family: Family, said: Sequence[Mapping[str, str]], terms: Terms) -> tuple[Said, ...]:
    """Entries of a family as the reader of records understands them; those that it makes nothing of are left out."""
    if family == DAY_FAMILY:
        return (Said(family, (), (Atom("evaluation_day", (PATIENT, DAY)),)),)
    if family.list == "context":
        cases = [{"context": {family.name: keys["value"]}} for keys in said]
        found = [facts(intake.read(case, terms), terms) for case in cases]
        return tuple(
            Said(
                family, tuple(keys.items()), tuple(_about(atom, record) for atom, record in known if record is not None)
            )
            for keys, known in zip(said, found, strict=True)
            if len(known) > 1
        )
    assert family.list is not None
    entries = [{NAME_KEY[family.list]: family.name, **{k: v for k, v in keys.items() if v}} for keys in said]
    case = intake.read({family.list: entries}, terms)
    by_record: dict[Value, list[Atom]] = {}
    for atom, record in facts(case, terms):
        if record is not None:
            by_record.setdefault(record, []).append(_about(atom, record))
    first: dict[Iri, int] = {}
    for entry in case.entries:
        index = int(entry.read_from.rpartition("[")[2].removesuffix("]"))
        first[entry.record] = min(index, first.get(entry.record, index))
    return tuple(
        Said(family, tuple((k, v) for k, v in said[index].items() if v), tuple(by_record[record]))
        for record, index in sorted(first.items(), key=lambda pair: pair[1])
        if record in by_record
    )


def _about(atom: Atom, record: Value) -> Atom:
    return Atom(atom.predicate, tuple(RECORD if arg == record else arg for arg in atom.args))


def case_of(said: Iterable[Said]) -> tuple[dict[str, Any], datetime.date | None]:
    """A case of these entries, and the day of the assessment if there is one among them."""
    case: dict[str, Any] = {}
    at = None
    for one in said:
        if one.family == DAY_FAMILY:
            at = DAY
        elif one.family.list == "context":
            names = case.setdefault("context", {})
            free = next(name for name in _spellings(one.family) if name not in names)
            names[free] = dict(one.keys)["value"]
        else:
            assert one.family.list is not None
            case.setdefault(one.family.list, []).append({NAME_KEY[one.family.list]: one.family.name, **dict(one.keys)})
    return case, at


def _spellings(family: Family) -> Iterator[str]:
    """Ways to write a key of the context, so that a record can hold it more than once: as case and blanks allow."""
    for blanks in itertools.count():
        for name in family.names:
            yield from dict.fromkeys(spelt + " " * blanks for spelt in (name, name.capitalize(), name.upper()))


# --- the values that stand for all others ------------------------------------------------------------------------


def probes(family: Family, terms: Terms) -> tuple[Said, ...]:
    """Entries that together give every kind of fact of a family, each key varied on its own, and all with one another
    where a fact can hang on it."""
    if family == DAY_FAMILY:
        return read(family, (), terms)
    keys = family.keys
    options = {key: plain_options(family, key, terms) for key in keys}
    plain = {key: next((o for o in values if o), "") for key, values in options.items()}
    varied = [{**plain, key: value} for key, values in options.items() for value in values]
    return read(family, [dict(t) for t in dict.fromkeys(tuple(one.items()) for one in varied)], terms)


def numbers(limits: Iterable[Fraction]) -> tuple[Decimal, ...]:
    """A number for each limit, each gap between two, and both ends, in order.

    >>> [str(n) for n in numbers([Fraction(100), Fraction(300)])]
    ['99', '100', '200', '300', '301']
    """
    ordered = sorted(limits)
    if not ordered:
        return (Decimal(1),)
    found: list[Fraction] = [Fraction(floor(ordered[0])) - (ordered[0] == floor(ordered[0]))]
    for i, limit in enumerate(ordered):
        found.append(limit)
        found.append(_between(limit, ordered[i + 1]) if i + 1 < len(ordered) else Fraction(floor(limit) + 1))
    return tuple(text for n in found if (text := _decimal(n)) is not None)


def _between(low: Fraction, high: Fraction) -> Fraction:
    """A number between two with as few decimal places as will do."""
    scale = 1
    while True:
        candidate = Fraction(floor((low + high) / 2 * scale), scale)
        if low < candidate < high:
            return candidate
        scale *= 10


def _decimal(number: Fraction) -> Decimal | None:
    """The number in decimals; None where it has no end, so that no record can give it."""
    rest, places = number.denominator, 0
    while rest % 10 == 0 or rest % 5 == 0 or rest % 2 == 0:
        rest = rest // 10 if rest % 10 == 0 else rest // 5 if rest % 5 == 0 else rest // 2
        places += 1
    if rest != 1:
        return None
    return Decimal(number.numerator * 10**places // number.denominator).scaleb(-places).normalize() + 0


def days(limits: Iterable[Fraction], latest: int) -> tuple[datetime.date, ...]:
    """Days for every order that the rules can see among the days of a record and `latest` computed ones.

    That takes `2·latest + 1` days in each gap between the limits, or all that there are.
    """
    within = [min(max(limit, Fraction(0)), Fraction(_LAST + 1)) for limit in limits]  # there are no other days
    whole = sorted({floor(limit) for limit in within} | {-floor(-limit) for limit in within})
    room = 2 * latest + 1
    if not whole:
        return tuple(DAY - datetime.timedelta(days=room - 1 - i) for i in range(room))
    found: set[int] = (
        set(range(whole[0] - room, whole[0])) | set(range(whole[-1] + 1, whole[-1] + 1 + room)) | set(whole)
    )
    for low, high in itertools.pairwise(whole):
        found |= set(range(low + 1, min(high, low + 1 + room)))
    return tuple(datetime.date.fromordinal(day) for day in sorted(found) if 0 < day <= _LAST)


def spans(known: Sequence[datetime.date]) -> tuple[tuple[datetime.date, datetime.date], ...]:
    """Every period from one of these days to another."""
    return tuple((first, last) for i, first in enumerate(known) for last in known[i:])


def options(family: Family, key: str, cuts: Cuts, terms: Terms) -> tuple[str, ...]:
    """The values of a key that stand for all others, by the limits that the rules set."""
    predicates = [name for name, one in PREDICATES.items() if one.key == key]
    here = {s: limits for s, limits in cuts.limits.items() if s[0] == family.id and s[1] in predicates}
    ratios = {pair: r for pair, r in cuts.ratios.items() if pair[0][0] == family.id and pair[0][1] in predicates}
    if key in ("when", "since"):
        latest, limits = cuts.clock(family.id)
        known = days(limits, latest)
        return _options(family, key, terms, (), spans(known) if known else (), ())
    if key == "frequency":
        return _options(family, key, terms, (), (), tuple(_rates(here, ratios)))
    ends = {Fraction(0), Fraction(OLDEST)} if family.list == "context" else set()
    return _options(family, key, terms, numbers({x for limits in here.values() for x in limits} | ends), (), ())


def _rates(
    here: Mapping[tuple[str, str, int], set[Fraction]],
    ratios: Mapping[tuple[tuple[str, str, int], tuple[str, str, int]], set[Fraction]],
) -> Iterator[tuple[Decimal, Decimal]]:
    """Times and period: by their ratio where the rules set them against each other, else each by its own limits."""
    if ratios:
        found = {v if one[2] == 3 else 1 / v for (one, _), values in ratios.items() for v in values if v > 0}
        ordered = sorted(found) or [Fraction(1)]
        gaps = [_between(low, high) for low, high in itertools.pairwise(ordered)]
        for rate in sorted([ordered[0] / 2, *ordered, *gaps, ordered[-1] + 1]):
            yield Decimal(rate.denominator), Decimal(rate.numerator)
        return
    own = {place: limits for (_, _, place), limits in here.items()}
    for times in numbers({*own.get(2, ()), Fraction(0)}):
        for period in numbers({*own.get(3, ()), Fraction(0)}):
            if times > 0 and period > 0:
                yield times, period


def combinations(family: Family, keys: Sequence[str], cuts: Cuts, knowledge: Knowledge) -> Iterator[dict[str, str]]:
    """Every combination of the values of some keys."""
    terms = knowledge.terms
    values = [options(family, key, cuts, terms) for key in keys]
    for chosen in itertools.product(*values):
        yield dict(zip(keys, chosen, strict=True))
