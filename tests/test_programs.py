"""Drawn programs under twelve changes, printed and read again; and the tally by which a long run adds up."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import naive
import programs
import tally
from random_programs import Drawn, drawn
from test_reasoning import model, run

SEEDS = range(0, 1000, 40)


def test_twelve_changes_of_a_program_change_nothing_or_what_is_said() -> None:
    assert len(programs.RELATIONS) == 12
    assert sum(map(programs.metamorphic, SEEDS)) > 11 * len(SEEDS)


def test_what_is_printed_of_a_rule_is_read_as_the_same_rule() -> None:
    assert sum(map(programs.syntax, SEEDS)) > 5 * len(SEEDS)


@pytest.mark.parametrize("relation", programs.RELATIONS, ids=lambda one: one.__name__)
def test_every_change_does_change_the_program_or_its_facts(relation: programs.Relation) -> None:
    for seed in range(20):
        case = drawn(random.Random(seed))
        made = relation(random.Random(seed), case, model(run(case)))
        if made and (made[0].text, made[0].facts, made[0].names) != (case.text, case.facts, case.names):
            return
    raise AssertionError("it changes nothing")


def test_a_change_that_does_matter_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def a_rule_less(rng: random.Random, case: Drawn, found: naive.Model) -> programs.Changed:
        above, some = programs.rules(case.text)
        return programs.again(programs.text_of(above, some[1:]), case.names, case.facts), found

    monkeypatch.setattr(programs, "RELATIONS", (a_rule_less,))
    line = tally.each(programs.metamorphic, 0, 20)
    assert len(line["differences"]) > 10 and "a_rule_less" in line["differences"][0]


def kinds(check: Callable[[int], int]) -> dict[str, tally.Kind]:
    return {"odd": tally.Kind(Batch(check), 10, "odd numbers")}


class Batch:
    """A batch that another process can be sent."""

    def __init__(self, check: Callable[[int], int]) -> None:
        self.check = check

    def __call__(self, first: int, count: int) -> dict[str, Any]:
        return tally.each(self.check, first, count)


def odd(seed: int) -> int:
    if seed == 7:
        raise AssertionError("seven")
    return seed % 2


def slow(seed: int) -> int:
    time.sleep(5)
    return 1


def test_a_seed_that_fails_or_hangs_is_a_difference_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tally.each(odd, 0, 10) == {"compared": 4, "idle": 5, "differences": ["seed 7: seven"]}
    (wrong,) = tally.each(lambda seed: 1 // (seed - 3), 3, 1)["differences"]
    assert wrong.startswith("seed 3: Traceback") and "ZeroDivisionError" in wrong
    monkeypatch.setattr(tally, "PATIENCE", 1)
    assert tally.each(slow, 4, 1)["differences"] == ["seed 4: not done in 1 seconds"]


def test_a_run_goes_on_where_it_was_stopped_and_no_seed_is_counted_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "tally.jsonl"

    def go(*arguments: str) -> int:
        return tally.main("", kinds(odd), ["--tally", str(path), *arguments])

    assert go("--odd", "25", "--first", "10") == 0
    assert [(one["first"], one["count"]) for one in tally.read(path)] == [(10, 25)]
    with path.open("a") as file:
        file.write('{"kind": "odd", "first": 40')  # killed while it wrote
    assert len(tally.read(path)) == 1 and path.read_text().endswith("\n")
    assert go("--odd", "45", "--first", "0") == 1, "seven is among them"
    done = [seed for one in tally.read(path) for seed in range(one["first"], one["first"] + one["count"])]
    assert sorted(done) == list(range(45))
    assert "seed 7: seven" in capsys.readouterr().out
    assert go("--odd", "45", "--first", "0", "--minutes", "0") == 1


def test_lines_of_other_code_are_run_again_and_not_added_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "tally.jsonl"

    def go(of: str) -> int:
        kind = tally.Kind(Batch(odd), 3, "odd numbers", of)
        return tally.main("", {"odd": kind}, ["--tally", str(path), "--odd", "6", "--first", "8"])

    path.write_text(json.dumps({"kind": "odd", "of": "old", "commit": "a", "first": 8, "count": 6, "compared": 3,
                                "idle": 3, "differences": ["of old"], "seconds": 0}) + "\n")  # fmt: skip
    assert go("new") == 0
    assert [(one["of"], one["first"], one["count"]) for one in tally.read(path)] == [("new", 8, 6), ("old", 8, 6)]
    assert "odd: 1 lines of other code are not added up" in capsys.readouterr().out
    assert go("old") == 1


def test_nothing_compared_is_no_agreement(tmp_path: Path) -> None:
    arguments = ["--odd", "1", "--first", "2", "--tally", str(tmp_path / "tally.jsonl")]
    assert tally.main("", kinds(odd), arguments) == 1
