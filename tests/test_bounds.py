"""Just below, at and just above every threshold, in every unit and form; and days at their ends.

What is expected stands here as it stands in the decision tables of the shipped knowledge base: limits as the document
prints them (1.4), units as powers of ten from those (1.3), four weeks (4), two weeks (6.3), days and periods (1.1).
"""

from __future__ import annotations

import datetime
import json
import re
import time
from collections.abc import Iterator
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import b12
from citelog.assess import Assessment, assess
from oracle.tables import NEURO, SERUM_B12

BELOW, WITHIN, ABOVE = "below_all_cutoffs", "within_debated_cutoffs", "above_all_cutoffs"
UNITS = {
    "pmol/L": (0, 100, 300), "nmol/L": (-3, 100, 300), "pg/mL": (0, 135, 406), "ng/L": (0, 135, 406),
    "ng/dL": (-1, 135, 406), "\u00b5g/L": (-3, 135, 406), "ng/mL": (-3, 135, 406),
}  # fmt: skip
"""1.3: the power of ten from the unit that is printed, and the limits that are printed in it."""
SIDES = (-1, 0, 1)
"""Below, at and above a limit, by one in the last place."""
LONGEST = 400
"""No number is longer."""


def told(record: dict[str, Any], at: str | None = None) -> Assessment:
    return assess(b12.knowledge(), record, at)


def value(found: Assessment, kind: str) -> str:
    [one] = [one.value for one in found.conclusions if one.kind == kind]
    return one


def observation(number: object, unit: str, **more: Any) -> dict[str, Any]:
    """The result as FHIR has it."""
    code = unit.replace("\u00b5", "u")
    return {
        "resourceType": "Observation", "status": "final", **more,
        "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
        "valueQuantity": {"value": number, "unit": unit, "system": "http://unitsofmeasure.org", "code": code},
    }  # fmt: skip


def status(number: object, unit: str) -> str:
    return value(told({"labs": [{"analyte": SERUM_B12, "value": number, "unit": unit}]}), "status")


# --- limits of the level ----------------------------------------------------------------------------------------------


def limits(places: tuple[int, ...]) -> Iterator[tuple[str, str, int, tuple[str, str]]]:
    """Each unit with a number below, at and above each limit, written in so many places more than the limit has.

    With each, the side on which it was meant to be, and the classes on both sides of the limit.
    """
    for unit, (power, low, high) in UNITS.items():
        for limit, classes in ((low, (BELOW, WITHIN)), (high, (WITHIN, ABOVE))):
            for more in places:
                with localcontext(prec=LONGEST):
                    last = Decimal(1).scaleb(power - more)
                    at = Decimal(limit).scaleb(power).quantize(last)
                    numbers = [f"{at + side * last:f}" for side in SIDES]
                yield from ((unit, number, side, classes) for number, side in zip(numbers, SIDES, strict=True))


def differing(places: tuple[int, ...]) -> tuple[int, list[str]]:
    """How many numbers, and those that are of another class than the tables say."""
    numbers = list(limits(places))
    found = ((unit, number, status(number, unit), classes[side >= 0]) for unit, number, side, classes in numbers)
    return len(numbers), [f"{number} {unit}: {one}" for unit, number, one, wanted in found if one != wanted]


def test_one_in_the_last_place_decides_at_each_limit_in_each_unit() -> None:
    assert differing((0, 12)) == (7 * 2 * 3 * 2, [])


@pytest.mark.long
def test_one_in_the_last_place_decides_however_many_places_there_are() -> None:
    assert differing((*range(41), 100, 200, LONGEST - 10)) == (7 * 2 * 3 * 44, [])


def test_a_number_is_the_same_in_every_form_that_it_can_have(tmp_path: Path) -> None:
    """Text, exact and binary numbers, JSON, YAML and FHIR, at and beside the lower limit of each unit."""
    for unit, number, side, classes in limits((1,)):
        if classes == (WITHIN, ABOVE):
            continue
        case = {"labs": [{"analyte": SERUM_B12, "value": "@", "unit": unit}]}
        forms = {
            "a.json": json.dumps(case).replace('"@"', number),
            "b.yaml": f"labs: [{{analyte: {SERUM_B12}, value: {number}, unit: {unit}}}]",
            "c.json": json.dumps(observation("@", unit)).replace('"@"', number),
        }
        for name, written in forms.items():
            (tmp_path / name).write_text(written, encoding="utf-8")
            assert value(assess(b12.knowledge(), tmp_path / name), "status") == classes[side >= 0], written
        assert status(Decimal(number), unit) == status(float(number), unit) == classes[side >= 0], number


BOUNDS = {
    (0, -1): {"<": BELOW, "<=": BELOW, ">": "", ">=": ""},
    (0, 0): {"<": BELOW, "<=": "", ">": "", ">=": ""},
    (0, 1): {"<": "", "<=": "", ">": "", ">=": ""},
    (1, -1): {"<": "", "<=": "", ">": "", ">=": ""},
    (1, 0): {"<": "", "<=": "", ">": ABOVE, ">=": ABOVE},
    (1, 1): {"<": "", "<=": "", ">": ABOVE, ">=": ABOVE},
}
"""1.2: of the lower and the upper limit, below, at and above: the class of all that a bound allows, or none."""


def test_a_bound_has_a_class_only_where_all_that_it_allows_lies_in_one() -> None:
    count = 0
    for unit, number, side, classes in limits((0,)):
        for sign, wanted in BOUNDS[int(classes[0] == WITHIN), side].items():
            found = told({"labs": [{"analyte": SERUM_B12, "value": f"{sign}{number}", "unit": unit}]})
            open_ = any(one.value == "DI-CENSORED" for one in found.conclusions)
            assert value(found, "status") == (wanted or "uninterpretable") and open_ != bool(wanted), f"{sign}{number}"
            count += 1
    assert count == 7 * 2 * 3 * 4


@settings(max_examples=40)
@given(number=st.decimals(-1, 2_000, places=6, allow_nan=False, allow_infinity=False), unit=st.sampled_from([*UNITS]))
def test_every_number_is_of_the_class_between_whose_limits_it_lies(number: Decimal, unit: str) -> None:
    power, low, high = UNITS[unit]
    moved = number.scaleb(-power)
    wanted = "uninterpretable" if number < 0 else BELOW if moved < low else WITHIN if moved < high else ABOVE
    assert status(f"{number:f}", unit) == wanted


# --- four weeks, and two ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frequency", "maintenance"),
    [
        ("every 27 days", False), ("every 28 days", True), ("every 29 days", True), ("every 3 weeks", False),
        ("every 4 weeks", True), ("every 5 weeks", True), ("every month", True), ("every 27\u201360 days", False),
        ("every 28\u201329 days", True), ("every 3-4 weeks", False), ("every 4-5 weeks", True), ("daily", False),
        ("fortnightly", False), ("every 365 days", True), ("every 1 month", True), ("every year", True),
    ],
)  # fmt: skip
def test_four_weeks_between_doses_are_maintenance_and_a_day_less_is_loading(frequency: str, maintenance: bool) -> None:
    medicine = {"name": "hydroxocobalamin", "status": "current", "route": "intramuscular", "frequency": frequency}
    shown = {one.value for one in told({"medications": [medicine]}).conclusions if one.kind == "regimen"}
    assert ("HYD-GEN-MAINT" in shown) == maintenance and ("HYD-NEURO-LOAD" in shown) != maintenance


def loading(since: str, at: datetime.date) -> tuple[str, bool]:
    """The step of loading under way since then on a day, and whether its start is asked for."""
    medicine = {"name": "hydroxocobalamin", "status": "current", "course": "loading", "since": since}
    record = {"findings": [{"name": NEURO, "state": "absent"}], "medications": [medicine]}
    found = told(record, at.isoformat())
    [step] = [one.details["step"] for one in found.conclusions if one.value == "HYD-STD-LOAD"]
    return step, "start of the vitamin B12 treatment" in {one.value for one in found.conclusions}


DAY = datetime.timedelta(days=1)


@pytest.mark.parametrize(
    ("since", "first", "last"),
    [
        ("2024-02-15", "2024-02-15", "2024-02-15"),  # two weeks later is the leap day
        ("2024-02-29", "2024-02-29", "2024-02-29"),
        ("2023-02-15", "2023-02-15", "2023-02-15"),  # and here the first of March
        ("1900-02-15", "1900-02-15", "1900-02-15"),
        ("2000-02-15", "2000-02-15", "2000-02-15"),
        ("2025-12-18", "2025-12-18", "2025-12-18"),  # New Year
        ("2026-03-15", "2026-03-15", "2026-03-15"),  # the clocks go forward
        ("2026-10-11", "2026-10-11", "2026-10-11"),  # and back
        ("2026-03-01T23:59:59-14:00", "2026-03-01", "2026-03-01"),
        ("2026-03-01T00:00:00+14:00", "2026-03-01", "2026-03-01"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2023-02", "2023-02-01", "2023-02-28"),
        ("2025-12", "2025-12-01", "2025-12-31"),
        ("2025", "2025-01-01", "2025-12-31"),
        ("2025-12-31/2026-01", "2025-12-31", "2026-01-31"),
    ],
)
def test_two_weeks_are_over_on_the_fourteenth_day_after_the_latest_that_is_meant(
    since: str, first: str, last: str
) -> None:
    earliest, latest = datetime.date.fromisoformat(first), datetime.date.fromisoformat(last)
    assert loading(since, latest + 13 * DAY)[0] == "now"
    assert loading(since, latest + 14 * DAY) == loading(since, latest + 15 * DAY) == ("done", False)
    assert loading(since, earliest + 13 * DAY) == ("now", False), "fewer than fourteen days, whichever day is meant"
    if earliest != latest:
        assert loading(since, earliest + 14 * DAY) == loading(since, latest + 13 * DAY) == ("now", True)


# --- earlier and later ------------------------------------------------------------------------------------------------

EARLIER = (
    ("2025-12-31", "2026-01-01"), ("2025-12-31", "2026"), ("2025", "2026-01-01"), ("2025", "2026"),
    ("2025-12", "2026-01"), ("2026-01-31", "2026-02"), ("2024-02-28", "2024-02-29"), ("2024-02-29", "2024-03-01"),
    ("2024-02", "2024-03-01"), ("2023-02", "2023-03-01"), ("2023-02-28", "2023-03"), ("2000-02-29", "2000-03"),
    ("1999-12-31", "2000"), ("2026-04-30", "2026-05"), ("0001-01-01", "9999-12-31"),
    ("2026-06-30T23:59:60Z", "2026-07-01T00:00:00Z"), ("2026-01-30/2026-01-31", "2026-02"),
    ("2026-03-28T23:59:59-14:00", "2026-03-29T00:00:00+14:00"),  # though it was later, by the clocks of the world
    ("2026-03-28T23:59:59+14:00", "2026-03-29T00:00:00-14:00"), ("2025-12-31T23:59:59-12:00", "2026"),
    ("2026-01-01T00:00:00+14:00", "2026-01-02"),
)  # fmt: skip
SAME = (
    ("2026-01", "2026-01-31"), ("2026-01", "2026-01-01"), ("2026", "2026-12-31"), ("2026", "2026-01"),
    ("2026", "2026"), ("2024-02", "2024-02-29"), ("2024", "2024-02-29"), ("2026-01-20", "2026-01-20T23:59:59Z"),
    ("2026-03-29T23:59:59-14:00", "2026-03-29T00:00:00+14:00"),
    ("2026-03-29T01:59:59+01:00", "2026-03-29T03:00:00+02:00"),  # a second apart: the clocks go forward
    ("2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"),  # an hour apart: they go back
    ("2026-01-30/2026-02-01", "2026-02"), ("2025-12-31/2026-01-01", "2026"),
)  # fmt: skip
"""Two dates that have a day in common, or of which none can be told from the other."""
UNREADABLE = (
    "2023-02-29", "1900-02-29", "2026-02-30", "2026-04-31", "2026-13", "2026-00", "2026-01-00", "2026-1-1", "20260101",
    "2026-W05", "2026-032", "0000", "0000-01-01", "2026-01-20T24:00:00Z", "2026-01-20T10:60:00Z", "26-01-20",
    "01/02/2026", "2026-01-20 to 2026-01-21", "2026-02/2026-01", "10000-01-01", "-2026", "\u0662\u0660\u0662\u0666",
)  # fmt: skip


def order(one: object, other: object, fhir: bool = False) -> str:
    """What two results say of a level, one below all limits and one above: the later one, or that they contradict."""
    if not fhir:
        pairs = ((80, one), (350, other))
        labs = [{"analyte": SERUM_B12, "value": number, "unit": "pmol/L", "when": when} for number, when in pairs]
        return value(told({"labs": labs}), "status")
    entries = []
    for number, when in ((80, one), (350, other)):
        start, slash, end = str(when).partition("/")
        timed = {"effectivePeriod": {"start": start, "end": end}} if slash else {"effectiveDateTime": start}
        entries.append({"resource": observation(number, "pmol/L", **timed)})
    return value(told({"resourceType": "Bundle", "type": "collection", "entry": entries}), "status")


@pytest.mark.parametrize("fhir", [False, True], ids=["case file", "FHIR"])
def test_a_date_is_earlier_only_where_it_ends_before_the_other_begins(fhir: bool) -> None:
    for one, other in EARLIER:
        assert (order(one, other, fhir), order(other, one, fhir)) == (ABOVE, BELOW), (one, other)
    for one, other in SAME:
        assert order(one, other, fhir) == order(other, one, fhir) == "conflicting", (one, other)


def test_a_date_that_cannot_be_read_is_neither_earlier_nor_later() -> None:
    for text in UNREADABLE:
        for other in ("1800", "2900"):
            assert order(text, other) == order(other, text) == "conflicting", text


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Berlin", "America/St_Johns"])
def test_the_time_zone_of_the_machine_changes_nothing(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert order(*EARLIER[17]) == order(*EARLIER[18]) == ABOVE and order(*SAME[8]) == "conflicting"
        assert loading("2024-02-15", datetime.date(2024, 2, 29)) == ("done", False)
    finally:
        monkeypatch.undo()
        time.tzset()


_days = st.dates(datetime.date(1890, 1, 1), datetime.date(2110, 12, 31))
_clocks = st.times().map(lambda one: one.isoformat("seconds"))
_zones = st.sampled_from(["Z", "+14:00", "-14:00", "+05:45", "-00:30", ""])
_kept = st.sampled_from([4, 7, 10, 19])


@settings(max_examples=60)
@given(one=_days, after=st.integers(-400, 400), kept=st.tuples(_kept, _kept),
       clocks=st.tuples(_clocks, _clocks), zones=st.tuples(_zones, _zones))  # fmt: skip
def test_of_two_written_days_the_order_is_that_of_what_is_written(
    one: datetime.date, after: int, kept: tuple[int, int], clocks: tuple[str, str], zones: tuple[str, str]
) -> None:
    days = one, one + after * DAY
    texts = [
        day.isoformat()[:some] + (f"T{clock}{zone}" if some == 19 else "")
        for day, some, clock, zone in zip(days, kept, clocks, zones, strict=True)
    ]
    common = min(10, *kept)
    first, second = (text[:common] for text in texts)
    wanted = ABOVE if first < second else BELOW if second < first else "conflicting"
    assert order(*texts) == wanted, texts


def test_a_year_that_is_a_number_and_a_day_that_is_a_date_mean_what_they_do_as_texts() -> None:
    midnight = datetime.datetime(2026, 1, 20)
    for text, other in (("2026", 2026), ("2026-01-20", datetime.date(2026, 1, 20)), ("2026-01-20", midnight)):
        assert order(text, "2026-01-21") == order(other, "2026-01-21"), text
        assert order("2025", text) == order("2025", other) == ABOVE, text


def test_the_units_here_are_those_of_the_decision_tables() -> None:
    tables = (b12.FOLDER / "decisions.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\w/, \u00b5]+) \| (?:as rec|× (\d+))[^|]*\| (\d+), (\d+) p", tables, re.MULTILINE)
    named = {
        unit.strip(): (1 - len(times or "1"), int(low), int(high))
        for names, times, low, high in rows
        for unit in names.split(",")
    }
    assert named == UNITS
