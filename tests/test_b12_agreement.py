"""The engine against an independent reading of the decision tables (oracle/tables.py), and against itself.

The two were written by different hands from the same specification. Where they may differ is said here, and why; all
else that a conclusion says, but its words and rules, must be the same. Then: what must not depend on how a record is
written down.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import b12
from agreement import differences
from citelog.assess import assess
from commits import at_each_commit
from oracle import tables
from oracle.random_cases import random_at, random_case

Case = dict[str, Any]
Said = Mapping[str, Any]
Draw = tuple[int, Case, str | None]


def draws(number: int, seed: int) -> list[Draw]:
    """Cases with a date of assessment or none, each with its number."""
    rng = random.Random(seed)
    return [(n, random_case(rng), random_at(rng)) for n in range(number)]


def document(case: Case, at: str | None = None) -> dict[str, Any]:
    """The assessment document of a case."""
    return assess(b12.knowledge(), case, at).to_dict()


@cache
def some(number: int) -> list[tuple[Draw, dict[str, Any]]]:
    """Some cases, assessed."""
    return [(draw, document(draw[1], draw[2])) for draw in draws(number, seed=2026)]


OF_SOME = pytest.mark.parametrize("number", at_each_commit((50, 200)))


# --- the engine and the oracle ----------------------------------------------------------------------------------------


def all_agree(number: int, seed: int) -> None:
    """The whole list of differences over some random cases, with the first cases that show them."""
    found: dict[str, list[str]] = {}
    for n, case, at in draws(number, seed):
        for difference in differences(case, at):
            found.setdefault(difference.partition(":")[0], []).append(f"{n}: {difference}")
    assert not found, f"seed {seed}: " + "\n".join(lines[0] for lines in found.values())


@pytest.mark.slow
def test_the_engine_agrees_with_the_tables() -> None:
    all_agree(250, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_the_engine_agrees_with_the_tables_on_many(seed: int) -> None:
    all_agree(2000, seed)


@pytest.mark.parametrize("name", list(b12.library()))
def test_the_engine_agrees_with_the_tables_on_the_library(name: str) -> None:
    case = b12.library()[name]
    assert differences(case.record, case.at) == []


def test_this_comparison_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """A boundary moved by a hair, and a swapped statement, are both found."""
    case = {"labs": [{"analyte": tables.SERUM_B12, "value": 100, "unit": "pmol/L"}]}
    assert differences(case, None) == []
    monkeypatch.setitem(tables.UNITS, "pmol/l", (Decimal("100.01"), Decimal(300)))
    assert any(line.startswith("status:below_all_cutoffs") for line in differences(case, None))
    monkeypatch.undo()
    monkeypatch.setitem(tables.CONTRADICTED, tables.PERNICIOUS, ["F05"])
    both = [{"name": tables.PERNICIOUS, "state": state} for state in ("present", "absent")]
    assert any("F05" in line for line in differences({"conditions": both}, None))


# --- the engine and itself: what must not matter ----------------------------------------------------------------------


def unplaced(answer: dict[str, Any]) -> dict[str, Any]:
    """An assessment without what may differ: the hash of the case, ids of facts, places."""
    said = {fact["id"]: fact["sentence"] for fact in answer["facts"]}
    return {
        **{key: value for key, value in answer.items() if key not in ("case", "conclusions", "notes", "facts")},
        "conclusions": [{**c, "facts": [said[fact] for fact in c["facts"]]} for c in answer["conclusions"]],
        "notes": sorted(note["text"] for note in answer["notes"]),
        "facts": [fact["sentence"] for fact in answer["facts"]],
    }


def shuffled(case: Case, rng: random.Random) -> Case:
    """The same record with its lists, and the keys of its entries, in another order."""

    def mixed(entry: Any) -> Any:
        return dict(rng.sample(list(entry.items()), len(entry))) if isinstance(entry, dict) else entry

    return {
        key: rng.sample([mixed(entry) for entry in value], len(value)) if isinstance(value, list) else value
        for key, value in rng.sample(list(case.items()), len(case))
    }


def respelt(case: Case, rng: random.Random) -> Case:
    """The same record with its known names in other letters, large and small."""
    known = {name.casefold() for name in (*tables.ANALYTES, *tables.FINDINGS, *tables.CONDITIONS, *tables.MEDICINES)}

    def entry_respelt(entry: Case) -> Case:
        return {
            key: rng.choice((str.upper, str.lower, str.title))(value)
            if key in ("name", "analyte") and str(value).casefold() in known
            else value
            for key, value in entry.items()
        }

    return {key: [entry_respelt(e) for e in value] if isinstance(value, list) else value for key, value in case.items()}


@OF_SOME
@pytest.mark.parametrize("change", [shuffled, respelt])
def test_neither_order_nor_letter_case_matters(change: Callable[[Case, random.Random], Case], number: int) -> None:
    rng = random.Random(5)
    for (n, case, at), answer in some(number):
        changed, asked = (json.dumps(unplaced(said)) for said in (document(change(case, rng), at), answer))
        assert changed == asked, n  # as text: the order of everything counts


def writable(value: Any) -> Any:
    """A record as any format can hold it: numbers that are not finite become text, decimals the shortest float.

    The text "1e3" goes: PyYAML writes it bare, and bare it is a number to YAML 1.2 and to us.
    """
    if isinstance(value, dict):
        return {key: writable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [writable(item) for item in value]
    if isinstance(value, Decimal | float):
        return float(value) if abs(value) < 10**9 else str(value)
    return "pending" if value == "1e3" else value


@pytest.mark.slow
@OF_SOME
def test_yaml_json_and_parsed_cases_are_answered_alike(tmp_path: Path, number: int) -> None:
    path = tmp_path / "case"
    for (n, case, at), _ in some(number):
        record = writable(case)
        whole = document(record, at)
        parsed = unplaced(whole)
        for text in (
            json.dumps(record, ensure_ascii=False),
            yaml.safe_dump(record, allow_unicode=True),
            yaml.safe_dump(record, default_flow_style=True),
        ):
            path.write_text(text, encoding="utf-8")
            answer = assess(b12.knowledge(), path, at).to_dict()
            assert answer["case"]["id"] == case["id"]
            assert [fact["read_from"] for fact in answer["facts"]] == [fact["read_from"] for fact in whole["facts"]], n
            assert unplaced(answer) == parsed, n


@OF_SOME
def test_an_entry_written_twice_changes_no_decision(number: int) -> None:
    rng = random.Random(6)
    for (n, case, at), answer in some(number):
        lists = [key for key in tables.LISTS if case.get(key)]
        if not lists:
            continue
        key = rng.choice(lists)
        again = {**case, key: [*case[key], dict(rng.choice(case[key]))]}

        def decided(said: Said) -> list[tuple[Any, ...]]:
            keys = ("id", "role", "step", "sentence", "statements", "assumes")
            return [tuple(c.get(part) for part in keys) for c in said["conclusions"]]

        assert decided(document(again, at)) == decided(answer), n
