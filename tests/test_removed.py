"""A share of the long runs of removed.py and rewritten.py: records with less, and records that mean the same."""

from __future__ import annotations

import random
from typing import Any

import pytest

import b12
import case_coverage
import removed
import rewritten
from citelog.assess import assess
from oracle import tables

SYMPTOMS, NEURO = tables.SYMPTOMS, tables.NEURO
Record = dict[str, Any]


def without(record: Record, item: removed.Item, at: str | None = None) -> list[tuple[str, str | None, str | None]]:
    """What is answered with an item and without it, where that differs."""
    whole = frozenset(removed.items(record))
    rests = [removed.left(record, rest) for rest in (whole, removed.less(whole, item))]
    with_, less = (removed.answers(assess(b12.knowledge(), rest, at)) for rest in rests)
    keys = sorted(with_.keys() | less.keys())
    return [(key, with_.get(key), less.get(key)) for key in keys if with_.get(key) != less.get(key)]


# --- one item less ----------------------------------------------------------------------------------------------------


def test_who_removes_what_is_known_is_told_that_it_is_unknown() -> None:
    record = {"findings": [{"name": SYMPTOMS, "state": "absent"}, {"name": NEURO, "state": "absent"}],
              "labs": [{"analyte": tables.SERUM_B12, "value": 350, "unit": "pmol/L"}]}  # fmt: skip
    assert without(record, ("findings", 0)) == [("symptomatic", "no", None), ("treat", "no_basis", None)]
    assert without(record, ("findings", 1)) == [("neuro", "absent", None)]
    assert without(record, ("findings", 1, "state")) == [("neuro", "absent", None), ("treat", "no_basis", None)]
    for item in (("labs", 0), ("labs", 0, "value"), ("labs", 0, "unit")):
        assert without(record, item) == [("status", "above_all_cutoffs", None), ("treat", "no_basis", None)]


EXAMPLES: dict[str, tuple[Record, removed.Item, str, str]] = {
    "2 a later result": (
        {"labs": [{"value": 80, "when": "2026-01-01"}, {"value": "<150", "when": "2026-02-01"}]},
        ("labs", 1), "status", "below_all_cutoffs",
    ),
    "2 undated results count": (
        {"labs": [{"value": 80, "when": "2026-01-01"}, {"value": "<150", "when": "2026-02-01"}]},
        ("labs", 0, "when"), "status", "below_all_cutoffs",
    ),
    "2 row 5": ({"labs": [{"value": 80}, {"value": 350}]}, ("labs", 0), "status", "above_all_cutoffs"),
    "3 a later entry": (
        {"findings": [{"name": SYMPTOMS, "state": "present", "when": "2025"},
                      {"name": SYMPTOMS, "state": "absent", "when": "2026-01-01"},
                      {"name": SYMPTOMS, "state": "unknown"}]},
        ("findings", 1), "symptomatic", "yes",
    ),
    "3.1 row 2": (
        {"findings": [{"name": SYMPTOMS, "state": "present"}, {"name": SYMPTOMS, "state": "absent"}]},
        ("findings", 0), "symptomatic", "no",
    ),
    "3.1 row 4": (
        {"findings": [{"name": SYMPTOMS, "state": "unknown"}, {"name": SYMPTOMS, "state": "absent"}]},
        ("findings", 0), "symptomatic", "no",
    ),
    "3.3 a later side": (
        {"findings": [{"name": NEURO, "state": "absent", "when": "2025"},
                      {"name": tables.POSSIBLE, "state": "present", "when": "2026-01-01"}]},
        ("findings", 1), "neuro", "absent",
    ),
    "3.3 row 1": (
        {"findings": [{"name": NEURO, "state": "absent"}, {"name": tables.POSSIBLE, "state": "present"}]},
        ("findings", 1), "neuro", "absent",
    ),
    "3.3 row 4": (
        {"findings": [{"name": NEURO, "state": "absent"}, {"name": tables.POSSIBLE, "state": "unknown"}]},
        ("findings", 1), "neuro", "absent",
    ),
    "4 row 2": (
        {"medications": [{"name": "hydroxocobalamin", "status": "current", "route": "oral", "frequency": "daily"}]},
        ("medications", 0, "route"), "treat", "indicated",
    ),
    "5.1": (
        {"labs": [{"value": 350}], "findings": [{"name": SYMPTOMS, "state": "absent"}],
         "medications": [{"name": "hydroxocobalamin", "status": "stopped"}]},
        ("medications", 0), "treat", "no_basis",
    ),
    "6.2 unplaced": (
        {"labs": [{"value": 80}], "findings": [{"name": NEURO, "state": "present"}],
         "medications": [{"name": "hydroxocobalamin", "status": "current"}]},
        ("medications", 0), "HYD-NEURO-LOAD", "recommended",
    ),
    "6.3": (
        {"findings": [{"name": NEURO, "state": "absent"}],
         "medications": [{"name": "hydroxocobalamin", "status": "current", "course": "loading", "since": "2026-01-01"},
                         {"name": "hydroxocobalamin", "status": "current", "course": "loading"}]},
        ("medications", 1), "loading", "done",
    ),
}  # fmt: skip
"""For each row of the tables by which one item less is an answer: a record, the item, and what is answered then."""


@pytest.mark.parametrize("row", removed.ROWS)
def test_an_absence_answers_where_a_row_of_the_tables_says_so(row: str) -> None:
    record, item, matter, answer = EXAMPLES[row]
    for lab in record.get("labs", ()):
        lab |= {"analyte": tables.SERUM_B12, "unit": "pmol/L"}
    assert (matter, None, answer) in without(record, item, "2026-03-15")
    gone = removed.Removal(record, "2026-03-15", item, matter, answer)
    assert row in [name for name, holds in removed.ROWS.items() if holds(gone)]
    other = removed.Removal(record, "2026-03-15", ("labs", 0), matter, answer)
    if item[0] != "labs" and record.get("labs"):
        assert not any(holds(other) for holds in removed.ROWS.values()), "a row is about what was removed"


def test_without_one_item_nothing_unknown_is_answered_but_by_a_row_of_the_tables() -> None:
    seen = removed.library(slice(60, None, 100))
    assert seen.differences == []
    assert seen.removals > 100 and seen.appeared


@pytest.mark.long
def test_no_record_of_the_library_comes_to_an_answer_by_an_absence() -> None:
    """Every rule that a record can reach is among those that fired, and no row of the tables is idle but on purpose."""
    seen = removed.library()
    assert seen.differences == []
    assert {rule.name for rule in b12.knowledge().program.rules} - seen.rules == case_coverage.NEVER_FIRES
    print(removed.table(seen))


def test_an_answer_that_no_row_explains_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    record = EXAMPLES["3.1 row 2"][0]
    assert removed.look(record, None, random.Random(0)).differences == []
    monkeypatch.setattr(removed, "ROWS", {})
    found = removed.look(record, None, random.Random(0)).differences
    assert any(one.startswith("symptomatic: no without ('findings', 0)") for one in found)


def test_of_a_small_record_everything_is_looked_at_and_of_a_large_one_a_share() -> None:
    entry = {"name": SYMPTOMS, "state": "absent", "when": "2026"}
    small, large = ({"findings": [entry] * count} for count in (4, 5))
    assert len(removed.items(small)) == 12 and len(removed.rests(small, random.Random(0))) == 5**4
    assert len(removed.items(large)) == 15 and len(removed.rests(large, random.Random(0))) == removed.SOME


# --- the same, said in another way ------------------------------------------------------------------------------------


def test_another_unit_of_the_same_sort_changes_no_conclusion() -> None:
    assert sum(map(rewritten.units, range(30))) > 12


@pytest.mark.parametrize(
    ("value", "powers", "other"),
    [("<100", -3, "<0.100"), (" 80.0 ", -3, " 0.0800 "), (80, 3, "8.0E+4"), ("-5", -1, "-0.5"), ("80 pmol/L", 3, None)],
)
def test_a_value_keeps_its_digits_in_another_unit(value: object, powers: int, other: str | None) -> None:
    made = rewritten.value_in(value, powers)
    assert (None if made is None else str(made)) == other


def test_a_unit_that_is_not_the_same_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    sort = dict(rewritten.SORTS[0]) | {"nmol/l": (-2, ("nmol/L", "NMOL/L", "nmol / L", "Nmol/l"))}
    monkeypatch.setattr(rewritten, "SORTS", (sort, rewritten.SORTS[1]))
    assert rewritten.tally.each(rewritten.units, 0, 30)["differences"]


@pytest.mark.long
def test_patients_in_another_order_and_fewer_of_them_are_told_the_same() -> None:
    made = rewritten.crowds(0, 24)
    assert made["differences"] == [] and made["conclusions"] > 100


def test_a_rule_that_nothing_reads_and_one_less_leave_alone_what_does_not_rest_on_them() -> None:
    for number in (0, 1):
        first = number * rewritten.EACH
        assert sum(map(rewritten.unrelated, range(first, first + 10))) == 10


def test_a_rule_that_is_read_is_no_unrelated_one() -> None:
    rules = b12.knowledge().program.rules
    assert {"status", "treat"} <= rewritten.above("level_result", rules)
    assert "status" not in rewritten.above("treat", rules)
