"""The engine against an independent reading of the decision tables (oracle/tables.py), and against itself.

The two were written by different hands from the same specification. Where they may differ is said here, and why; all
else that a conclusion says, but its words and rules, must be the same. Then: what must not depend on how a record is
written down.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import b12
from citelog.assess import assess
from oracle import tables
from oracle.random_cases import random_at, random_case

Case = dict[str, Any]
Said = Mapping[str, Any]
Draw = tuple[int, Case, str | None]

MORE = ("role", "step", "severity", "agent", "dose", "route", "frequency", "duration", "also", "sides")
"""What a conclusion of some kind says beside its value."""

SELECTING = {
    "CP08": {tables.NEURO, tables.POSSIBLE, tables.SEVERE_NEURO},
    "CP09": {tables.NEURO, tables.POSSIBLE, tables.SEVERE_NEURO, *tables.B12_MEDICINES},
    "CP10": {tables.PERNICIOUS},
    "CP13": {tables.NEURO, tables.POSSIBLE, tables.SEVERE_NEURO, tables.PERNICIOUS},
}
"""Reading R19: the oracle names the facts that trigger a conflict; the engine also those that select its sides."""


def draws(number: int, seed: int) -> list[Draw]:
    """Cases with a date of assessment or none, each with its number."""
    rng = random.Random(seed)
    return [(n, random_case(rng), random_at(rng)) for n in range(number)]


def document(case: Case, at: str | None = None) -> dict[str, Any]:
    """The assessment document of a case."""
    return assess(b12.knowledge(), case, at).to_dict()


@cache
def few() -> list[tuple[Draw, dict[str, Any]]]:
    """Some cases, assessed."""
    return [(draw, document(draw[1], draw[2])) for draw in draws(100, seed=2026)]


# --- the engine and the oracle ----------------------------------------------------------------------------------------


def by_place(answer: Said) -> list[Case]:
    """The conclusions of an assessment with the places of their facts, as the oracle gives them."""
    places = {fact["id"]: fact["read_from"] for fact in answer["facts"]}
    return [{**made, "facts": sorted(places[fact] for fact in made["facts"])} for made in answer["conclusions"]]


def name_at(case: Case, place: str) -> str | None:
    """The name of the entry at a place, as the knowledge base spells it."""
    listed, _, index = place.rstrip("]").partition("[")
    entry = case[listed][int(index)]
    return tables.match(entry.get("name"), tables.FINDINGS + tables.CONDITIONS + tables.MEDICINES)


def brought_together(case: Case, issues: Iterable[Case]) -> list[Case]:
    """Reading R1: entries whose names differ in letter case only are equal to the engine, not to the oracle."""

    def content(places: list[str]) -> str:
        listed, _, index = places[0].rstrip("]").partition("[")
        entry = case[listed][int(index)]
        return json.dumps({**entry, "analyte": str(entry.get("analyte")).casefold()}, sort_keys=True, default=repr)

    groups: dict[str, Case] = {}
    rest = []
    for issue in issues:
        if issue["value"] == "DI-CONTRADICTORY":
            rest.append(issue)
            continue
        group = groups.setdefault(f"{issue['value']} {content(issue['facts'])}", {**issue, "facts": []})
        group["facts"] = sorted([*group["facts"], *issue["facts"]])
    return [*rest, *groups.values()]


def named(made: Said) -> str:
    """What tells the conclusions of one case apart: data issues are about something."""
    about = f" about {made['facts']}" if made["kind"] == "data-issue" else ""
    return f"{made['kind']}:{made['value']}{about}"


def differences(case: Case, at: str | None) -> list[str]:
    """Where the engine and the oracle differ about a case, in words."""
    answer = document(case, at)
    wanted = tables.conclusions(case, at)
    issues = [made for made in wanted if made["kind"] == "data-issue"]
    wanted = [made for made in wanted if made["kind"] != "data-issue"] + brought_together(case, issues)
    want, got = ({named(made): made for made in side} for side in (wanted, by_place(answer)))
    found = [f"{key}: only in the tables" for key in want.keys() - got.keys()]
    found += [f"{key}: only in the engine" for key in got.keys() - want.keys()]
    found += [] if len(answer["conclusions"]) == len(wanted) else ["one of the two says something twice"]
    for key in want.keys() & got.keys():
        for part in (*MORE, "statements", "assumes"):
            if want[key].get(part) != got[key].get(part):
                found.append(f"{key}, {part}: {want[key].get(part)} in the tables, {got[key].get(part)} in the engine")
        lacking, more = (set(a["facts"]) - set(b["facts"]) for a, b in ((want[key], got[key]), (got[key], want[key])))
        allowed = SELECTING.get(got[key]["value"], set()) if got[key]["kind"] == "conflict" else set()
        more = {place for place in more if name_at(case, place) not in allowed}
        found += [f"{key}, facts: {sorted(lacking)} only in the tables"] if lacking else []
        found += [f"{key}, facts: {sorted(more)} only in the engine"] if more else []
    silent = tables.noted(case, at) - {note["read_from"].partition(".")[0] for note in answer["notes"]}
    return found + [f"{place}: read, not used, and without a note" for place in sorted(silent)]


def all_agree(number: int, seed: int) -> None:
    """The whole list of differences over some random cases, with the first cases that show them."""
    found: dict[str, list[str]] = {}
    for n, case, at in draws(number, seed):
        for difference in differences(case, at):
            found.setdefault(difference.partition(":")[0], []).append(f"{n}: {difference}")
    assert not found, f"seed {seed}: " + "\n".join(lines[0] for lines in found.values())


@pytest.mark.slow
def test_the_engine_agrees_with_the_tables() -> None:
    all_agree(400, seed=1)


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


@pytest.mark.parametrize("change", [shuffled, respelt])
def test_neither_order_nor_letter_case_matters(change: Callable[[Case, random.Random], Case]) -> None:
    rng = random.Random(5)
    for (n, case, at), answer in few():
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
def test_yaml_json_and_parsed_cases_are_answered_alike(tmp_path: Path) -> None:
    path = tmp_path / "case"
    for (n, case, at), _ in few():
        record = writable(case)
        parsed = unplaced(document(record, at))
        for text in (
            json.dumps(record, ensure_ascii=False),
            yaml.safe_dump(record, allow_unicode=True),
            yaml.safe_dump(record, default_flow_style=True),
        ):
            path.write_text(text, encoding="utf-8")
            answer = assess(b12.knowledge(), path, at).to_dict()
            assert answer["case"]["id"] == case["id"]
            assert [fact["read_from"] for fact in answer["facts"]] == [
                fact["read_from"] for fact in document(record, at)["facts"]
            ], n
            assert unplaced(answer) == parsed, n


def test_an_entry_written_twice_changes_no_decision() -> None:
    rng = random.Random(6)
    for (n, case, at), answer in few():
        lists = [key for key in tables.LISTS if case.get(key)]
        if not lists:
            continue
        key = rng.choice(lists)
        again = {**case, key: [*case[key], dict(rng.choice(case[key]))]}

        def decided(said: Said) -> list[tuple[Any, ...]]:
            keys = ("id", "role", "step", "sentence", "statements", "assumes")
            return [tuple(c.get(part) for part in keys) for c in said["conclusions"]]

        assert decided(document(again, at)) == decided(answer), n
