"""What `b12_by_hand.sql` concludes, written by hand in plain Python: one pass over the rows, one function a patient.

It must give what citelog gives, to the last row. What is read again and again (days, values) is read once.
"""

from __future__ import annotations

import calendar
import datetime
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

DAY = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
NUMBER = re.compile(r"(?:(<=|>=|≤|≥|<|>)\s*)?([+-]?[0-9]+(?:\.[0-9]+)?)")
LOW = re.compile(r"\b(low|below)\b|^\W*ll?\b")
OVER = {"resolved", "inactive", "in remission", "remission", "entered in error"}
DAYS = {"every 3 months": 84.0, "three times a week": 7 / 3, "daily": 1.0, "twice daily": 0.5}
NEUROLOGICAL = {"neuro_involvement", "possible_neuro_involvement", "severe_neuro_symptoms"}

Period = tuple[datetime.date, datetime.date] | None
Entry = tuple[str, str, Period]
"""A term, its state, and its days."""


@lru_cache(None)
def period(text: str | None) -> Period:
    """The first and the last day that a text can mean."""
    found = DAY.fullmatch(text or "")
    if not found:
        return None
    year, month, day = (int(part) if part else None for part in found.groups())
    assert year is not None
    if day:
        assert month is not None
        only = datetime.date(year, month, day)
        return only, only
    if month:
        return datetime.date(year, month, 1), datetime.date(year, month, calendar.monthrange(year, month)[1])
    return datetime.date(year, 1, 1), datetime.date(year, 12, 31)


def latest(periods: Iterable[Period]) -> datetime.date | None:
    """The latest first day."""
    return max((one[0] for one in periods if one), default=None)


def is_earlier(one: Period, day: datetime.date | None) -> bool:
    """Whether a period ends before a day; what has no day does not."""
    return one is not None and day is not None and one[1] < day


class Units:
    """What a value in a unit allows."""

    def __init__(self, units: Sequence[Sequence[Any]]) -> None:
        self.known = {one[0]: tuple(one[2:]) for one in units}
        self.classes = lru_cache(None)(self._classes)

    def _classes(self, value: str | None, unit: str | None) -> frozenset[str]:
        """The classes that it allows; none, if it cannot be used."""
        found = NUMBER.fullmatch(value or "")
        factor, low, high = self.known.get((unit or "").lower(), (None, None, None))
        if not found or low is None:
            return frozenset()
        sign, number = found[1], Decimal(found[2])
        if number < 0 or (sign == "<" and number <= 0):
            return frozenset()
        v = number * factor
        match sign:
            case "<":
                ways = (True, v > low, v > high)
            case "<=" | "≤":
                ways = (True, v >= low, v >= high)
            case None:
                ways = (v < low, low <= v < high, v >= high)
            case _:
                ways = (v < low, v < high, True)
        names = ("below_all_cutoffs", "within_debated_cutoffs", "above_all_cutoffs")
        return frozenset(name for name, way in zip(names, ways, strict=True) if way)


def status(results: set[tuple[str | None, ...]], units: Units) -> tuple[str, bool, bool]:
    """The status, whether a laboratory flags it as low, and whether an unusable result leaves it in doubt."""
    if not results:
        return "not_assessed", False, False
    read = [(units.classes(value, unit), period(when), flag) for _, value, unit, when, flag in results]
    last = latest(days for classes, days, _ in read if classes)
    counting = [one for one in read if one[0] and not is_earlier(one[1], last)]
    newest = latest(days for _, days, _ in counting)
    low = any(flag is not None and LOW.search(flag.lower()) for _, _, flag in counting)
    doubtful = any(not classes and not is_earlier(days, newest) for classes, days, _ in read)
    single = {next(iter(classes)) for classes, _, _ in counting if len(classes) == 1}
    several = [classes for classes, _, _ in counting if len(classes) > 1]
    if len(single) > 1 or any(single - classes for classes in several):
        return "conflicting", low, doubtful
    return next(iter(single), "uninterpretable"), low, doubtful


def findings(entries: Sequence[Entry]) -> tuple[dict[str, str], str]:
    """The state of each name, and neurological involvement."""
    definite: dict[str, datetime.date] = {}
    for term, state, days in entries:
        if state != "unknown" and days and (term not in definite or days[0] > definite[term]):
            definite[term] = days[0]
    standing = [one for one in entries if not is_earlier(one[2], definite.get(one[0]))]
    said = defaultdict[str, set[str]](set)
    for term, state, _ in standing:
        said[term].add(state)
    states = {term: of(some) for term, some in said.items()}
    ways = [(way(term, state, states), days) for term, state, days in standing if term in NEUROLOGICAL]
    against = latest(days for one, days in ways if one == "against")
    pro = latest(days for one, days in ways if one in ("for", "suspect"))
    left = {
        one for one, days in ways if one == "not possible" or not is_earlier(days, pro if one == "against" else against)
    }
    return states, neuro(left)


def of(said: set[str]) -> str:
    """One state of all that is said."""
    if "present" in said:
        return "conflicting" if "absent" in said else "present"
    return "unknown" if "unknown" in said else "absent"


def way(term: str, state: str, states: Mapping[str, str]) -> str | None:
    """What an entry says of neurological involvement."""
    if term == "neuro_involvement":
        return {"present": "for", "absent": "against"}.get(state, "doubt")
    if term == "possible_neuro_involvement":
        return {"present": "suspect", "absent": "not possible"}.get(state, "doubt")
    if state != "present":
        return None
    return "suspect" if states[term] == "conflicting" else "for"


def neuro(left: set[str | None]) -> str:
    """Neurological involvement, of what is left."""
    if "against" in left and left & {"for", "suspect"}:
        return "conflicting"
    for one, said in (("for", "present"), ("suspect", "possible"), ("doubt", "unknown"), ("against", "absent")):
        if one in left:
            return said
    return "unknown" if "not possible" in left else "not_recorded"


def phase(medicines: Iterable[tuple[str, str | None, str | None, str | None]]) -> str:
    """The phase of treatment."""
    found = {"none"}
    for term, frequency, state, route in medicines:
        found.add("other")
        if (state or "").lower() != "current" or (route or "").lower() == "oral":
            continue
        days = DAYS.get((frequency or "").lower())
        if days is not None and not (term == "cyanocobalamin" and route is None):
            found.add("maintenance" if days >= 28 else "loading")
    return next(one for one in ("maintenance", "loading", "other", "none") if one in found)


def treat(
    level: tuple[str, bool, bool], symptomatic: str, neurological: str, states: Mapping[str, str], way: str
) -> str:
    """Whether to treat."""
    status, low_flag, doubtful = level
    deficient = status == "below_all_cutoffs" or states.get("diagnosed_deficiency") == "present"
    assessed = [states.get(x, "absent") for x in ("pernicious_anaemia", "severe_deficiency", "significant_deficiency")]
    if symptomatic == "yes" or (deficient and neurological in ("present", "possible", "conflicting")):
        return "immediate"
    if way in ("maintenance", "loading") or "present" in assessed or deficient:
        return "indicated"
    above = status == "above_all_cutoffs"
    if symptomatic == "no" and (status == "within_debated_cutoffs" or (above and low_flag)):
        return "judgement"
    supported = neurological not in ("absent", "not_recorded") or way != "none" or doubtful
    supported |= {*assessed, states.get("diagnosed_deficiency", "absent")} != {"absent"}
    return "no_basis" if above and symptomatic == "no" and not supported else "undetermined"


def symptoms(states: Mapping[str, str]) -> str:
    """Whether symptoms are attributed to the deficiency."""
    said = states.get("symptoms")
    if said is None:
        return "unknown" if states.get("fatigue") == "present" else "not_recorded"
    return {"present": "yes", "absent": "no"}.get(said, said)


def rows(path: Path, *columns: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a table."""
    for batch in pq.ParquetFile(path).iter_batches(columns=list(columns)):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def write(names: Mapping[str, Mapping[str, str]], units: Sequence[Sequence[Any]], data: Path, out: Path) -> None:
    """Conclude the four kinds for everyone in a folder of data; `names` and `units` are those of the knowledge base."""
    measured = Units(units)
    analytes = {name for name, term in names["analyte"].items() if term == "serum_b12"}
    labs = defaultdict[str, set[tuple[str | None, ...]]](set)
    for patient, analyte, *rest in rows(data / "labs.parquet", "patient", "analyte", "value", "unit", "when", "flag"):
        if analyte.lower() in analytes:
            labs[patient].add((analyte, *rest))
    entries = defaultdict[str, list[Entry]](list)
    known = names["finding"]
    for table in ("findings", "conditions"):
        for patient, name, state, when in rows(data / f"{table}.parquet", "patient", "name", "state", "when"):
            term = known.get(name.lower())
            if term and (state or "").lower() not in OVER:
                is_definite = (state or "").lower() in ("present", "absent")
                entries[patient].append((term, state.lower() if is_definite else "unknown", period(when)))
    medicines = defaultdict[str, list[Any]](list)
    drugs = names["drug"]
    columns = ("patient", "name", "frequency", "status", "route")
    for patient, name, *rest in rows(data / "medications.parquet", *columns):
        if (term := drugs.get(name.lower())) in ("hydroxocobalamin", "cyanocobalamin"):
            medicines[patient].append((term, *rest))
    patients, kinds, values = [], [], []
    for (patient,) in rows(data / "patients.parquet", "patient"):
        level = status(labs.get(patient, set()), measured)
        states, neurological = findings(entries.get(patient, ()))
        symptomatic = symptoms(states)
        way = phase(medicines.get(patient, ()))
        patients += [patient] * 4
        kinds += ["status", "symptomatic", "neuro", "treat"]
        values += [level[0], symptomatic, neurological, treat(level, symptomatic, neurological, states, way)]
    made = {"patient": patients, "kind": kinds, "value": values}
    pq.write_table(pa.table(made), out, compression="zstd")
