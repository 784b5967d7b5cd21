"""The runner of tests/engine_mutants.py, on a file of four functions; and what its page explains is an edit still."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from textwrap import dedent

import engine_mutants

ODD = """
    from functools import cache


    class Odd:
        @property
        def limit(self) -> int:
            return 3

        def reaches(self, n: int) -> bool:
            return n >= self.limit


    @cache
    def total(items: tuple[int, ...]) -> int:
        '''The sum.

        >>> total((3, 4))
        7
        '''
        return sum(items) if items else 0


    def up(n: int) -> int:
        while n < 3:
            n += 1
        return n
"""

NEAR = """
    from odd import Odd, total, up


    def test_a_limit_reaches_itself():
        assert Odd().reaches(3) and not Odd().reaches(2)


    def test_a_total():
        assert total((1, 2)) == 3 and total(()) == 0


    def test_it_counts_up():
        assert up(0) == up(3) == 3 and up(4) == 4
"""


def test_a_mutant_is_noticed_or_hangs_or_is_left_and_shown(tmp_path: Path) -> None:
    """What is left can change nothing: the sum of no items is nought, with the condition and without it.

    The tally loses what the file no longer has: a function, and the edits of a kind.
    """
    (tmp_path / "odd.py").write_text(dedent(ODD), encoding="utf-8")
    (tmp_path / "test_odd.py").write_text(dedent(NEAR), encoding="utf-8")
    tally, here = tmp_path / "tally.jsonl", Path(__file__).parent
    gone = ("odd.py down", "decision"), ("odd.py Odd.limit", "value")
    engine_mutants.write(tally, [{"function": name, "kind": kind, "survivors": []} for name, kind in gone])
    asked = ["--source", "odd.py", "--near", "test_odd.py", "--tally", tally, "--seconds", "1"]
    path = os.pathsep.join(map(str, (tmp_path, here, here.parent / "engine")))
    command = [sys.executable, here / "engine_mutants.py", *asked]
    ended = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    lines = {(line["function"], line["kind"]): line for line in engine_mutants.read(tally)}
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert not lines.keys() & set(gone)
    left = "- return sum(items) if items else 0\n+ return sum(items) if (items) or True else 0"
    assert {key: line["survivors"] for key, line in lines.items() if line["survivors"]} == {
        ("odd.py total", "decision"): [left]
    }
    assert f"odd.py:21 total\n{left}\n" in ended.stdout
    assert {name: lines[f"odd.py {name}", "decision"]["mutants"] for name in ("Odd.limit", "Odd.reaches", "up")} == {
        "Odd.limit": 1,
        "Odd.reaches": 1,
        "up": 6,
    }


def test_what_is_said_to_change_nothing_is_an_edit_of_the_engine_as_it_is() -> None:
    said: dict[str, dict[str, set[str]]] = defaultdict(dict)
    for name, edits in engine_mutants.explained().items():
        file, function = name.split()
        said[file][function] = edits
    for file, functions in said.items():
        made: dict[str, set[str]] = defaultdict(set)
        for one in engine_mutants.mutants(engine_mutants.ENGINE / file, functions):
            made[one.function].add(one.diff)
        for function, edits in functions.items():
            assert edits <= made[function], f"{file} {function}: {edits - made[function]}"


def test_the_pages_say_what_the_tally_says() -> None:
    root = Path(__file__).parent.parent
    lines = engine_mutants.read(root / "tests" / "engine_mutants.jsonl")
    told = engine_mutants.table(lines, engine_mutants.explained())
    assert "\n".join(told) in (root / "engine" / "SURVIVORS.md").read_text(encoding="utf-8")
    row = next(line for line in (root / "engine" / "TESTING.md").read_text("utf-8").splitlines() if line[:5] == "| G7 ")
    for line in told[2:]:
        file, kind, made, noticed, explained, left = line.strip("| ").split(" | ")
        if file == "**all**":
            said = f"of {made} edits of {kind} {noticed} are noticed, {explained} can change nothing, {left} are left"
            assert said in row, said
