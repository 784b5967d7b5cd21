"""`citelog test --watch`, the real command in a process of its own: files are edited under it, it says what changed.

What it runs again is chosen by `citelog.trial.touched`; that nothing else could change is a property, tried last.
"""

from __future__ import annotations

import os
import pty
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from citelog import home
from citelog.assess import Assessment, DerivationError
from citelog.knowledge.base import Knowledge
from citelog.trial.touched import edits
from mutants import world
from mutants.catchers import Suspect

ENGINE = Path(__file__).parent.parent / "engine"
COMMAND = (sys.executable, "-c", "from citelog.cli.app import main; main()", "test", "--watch", "--kb")
PATIENCE = 60.0


class Watched:
    """The command at work on a folder; `told` is what it has written since the last edit."""

    def __init__(self, folder: Path, terminal: bool = False) -> None:
        self.folder, self.told = folder, ""
        environment = {**os.environ, "PYTHONPATH": str(ENGINE)}
        self._end, output = pty.openpty() if terminal else os.pipe()
        if terminal:
            environment |= {"TERM": "xterm"}
            environment.pop("NO_COLOR", None)
        self.process = subprocess.Popen([*COMMAND, str(folder)], stdout=output, stderr=output, env=environment)
        os.close(output)

    def until(self, words: str) -> str:
        """Read on until a line holds some words; everything since the last edit."""
        deadline = time.monotonic() + PATIENCE
        while words not in self.told.rpartition("\n")[0]:
            assert time.monotonic() < deadline, f"{words!r} was not said, but:\n{self.told}"
            if select.select([self._end], [], [], 0.2)[0]:
                piece = os.read(self._end, 65536)
                assert piece, f"it ended, having said:\n{self.told}"
                self.told += piece.decode()
        return self.told

    def edit(self, name: str, old: str, new: str) -> None:
        """A file edited as an editor saves it: written beside, and moved into its place."""
        path = self.folder / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def write(self, name: str, text: str) -> None:
        self.told = ""
        beside = self.folder / "saved~"
        beside.write_text(text, encoding="utf-8")
        beside.replace(self.folder / name)

    def stop(self) -> int:
        """Ctrl-C; the status that it ends with."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._end)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The shipped knowledge base with three cases of its own."""
    copy = tmp_path / "b12"
    shutil.copytree(home.knowledge("b12"), copy, ignore=shutil.ignore_patterns("cases"))
    (copy / "cases").mkdir()
    cases = {
        "symptoms": "findings: [{name: symptoms attributed to vitamin B12 deficiency, state: present}]\n"
        "expect: {include: ['treat:immediate']}\n",
        "low": "labs: [{analyte: serum vitamin B12, value: 99.9, unit: pmol/L}]\n"
        "expect: {include: ['treat:indicated', 'status:below_all_cutoffs']}\n",
        "nothing": "labs: []\nexpect: {include: ['treat:undetermined']}\n",
    }
    for name, text in cases.items():
        (copy / "cases" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return copy


@pytest.fixture
def watched(folder: Path) -> Iterator[Watched]:
    """The command, having run everything once."""
    at_work = Watched(folder)
    assert at_work.until("watching").splitlines()[0] == "3 cases, 4 expectations: all hold"
    yield at_work
    at_work.close()


def seconds_out(told: str) -> str:
    return re.sub(r"in \d+\.\d\d s", "in … s", told)


def test_an_authors_morning(watched: Watched) -> None:
    """A rule is broken, misspelt, repaired; a case is changed, added, removed; each time only that is run."""
    rule = "treat_line(?p, b12:line_5, b12:indicated) :- status(?p, b12:below_all_cutoffs)"
    wrong, unsafe = rule.replace("below", "above"), rule.replace("status(?p", "status(?q")
    watched.edit("rules/40-treatment.rls", rule, wrong)
    told = seconds_out(watched.until("expectations:"))
    assert told.startswith(
        "\n── rule treat-below-all-cutoffs edited\n1 case of 3 run again, in … s\n✗ fails now: low\n"
    )
    assert "✗ fails now: low\n  treat:indicated is expected, and is not concluded\n" in told
    assert "    concluded instead: treat:undetermined\n" in told
    assert "✗ in the way: " in told
    assert "~ concluded otherwise in low\n    - treat:indicated\n" in told and "    + treat:undetermined\n" in told
    assert told.endswith("3 cases, 4 expectations: 1 does not hold\n")

    watched.edit("rules/40-treatment.rls", wrong, unsafe)
    told = watched.until("nothing is run")
    assert "error[unsafe-variable]" in told and "b12/rules/40-treatment.rls:" in told and "fails" not in told

    watched.edit("rules/40-treatment.rls", unsafe, rule)
    told = watched.until("expectations:")
    assert "✓ holds now: low" in told and told.endswith("3 cases, 4 expectations: all hold\n")

    watched.edit("cases/nothing.yaml", "treat:undetermined", "treat:no_basis")
    told = watched.until("expectations:")
    assert "── b12/cases/nothing.yaml edited\n1 case of 3 run again" in told
    assert "✗ fails now: nothing" in told and "treat:no_basis is expected, and is not concluded" in told

    watched.write("cases/another.yaml", "labs: []\nexpect: {include: ['status:not_assessed']}\n")
    told = watched.until("expectations:")
    assert "✓ holds now: another" in told and told.endswith("4 cases, 5 expectations: 1 does not hold\n")

    watched.told = ""
    (watched.folder / "cases" / "nothing.yaml").unlink()
    told = watched.until("expectations:")
    assert "no longer there: nothing" in told and told.endswith("3 cases, 4 expectations: all hold\n")
    assert watched.stop() == 130


def test_conclusions_that_no_case_expects_are_told_too(watched: Watched) -> None:
    watched.edit(
        "rules/60-cautions.rls",
        "monitoring(?p, <https://w3id.org/citelog/b12#MO-B12-REGULAR>) :- treated(?p) .",
        "monitoring(?p, <https://w3id.org/citelog/b12#MO-B12-REGULAR>) :- treated(?p), severe(?p) .",
    )
    told = seconds_out(watched.until("expectations:"))
    assert told == (
        "\n── rule monitoring-when-treated edited\n"
        "2 cases of 3 run again, in … s\n"
        "~ concluded otherwise in low, symptoms\n"
        "    - monitoring:MO-B12-REGULAR\n"
        "3 cases, 4 expectations: all hold\n"
    )


def test_a_rule_that_is_only_laid_out_anew_touches_nothing(watched: Watched) -> None:
    watched.edit(
        "rules/20-status.rls",
        "level_recorded(?p) :- level_result(?p, ?r) .",
        "level_recorded(?p) :-\n    level_result(?p, ?r) .  % as it was",
    )
    assert "0 cases of 3 run again" in watched.until("expectations:")


def test_what_is_no_rule_touches_every_case(watched: Watched) -> None:
    watched.edit("terms.ttl", '"fatigue"', '"weariness"')
    told = watched.until("expectations:")
    assert "── b12/terms.ttl edited\n3 cases of 3 run again" in told and "nothing is concluded otherwise" in told


def test_a_terminal_is_shown_a_bar_and_colours(folder: Path) -> None:
    watched = Watched(folder, terminal=True)
    told = watched.until("watching")
    assert "cases run" in told and "\x1b[1;32m3 cases, 4 expectations: all hold" in told
    watched.edit("cases/nothing.yaml", "treat:undetermined", "treat:no_basis")
    assert "\x1b[1;31m✗ fails now: nothing" in watched.until("expectations:")
    assert watched.stop() == 130
    watched.close()


def test_what_a_run_is_for_is_not_asked_of_one_that_stays(folder: Path) -> None:
    ended = subprocess.run(
        [*COMMAND, str(folder), "--format", "json"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ENGINE)},
        timeout=PATIENCE,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "") and "--watch is for people" in ended.stderr


@pytest.mark.slow
def test_an_edit_changes_nothing_in_the_cases_that_it_does_not_touch() -> None:
    """Edits drawn from all mutants of the rules: in the other cases every word of the answer stays."""
    rng = random.Random(3)
    mutants = list(world.author().mutants())
    tried = 0
    for mutant in rng.sample(mutants, 30):
        suspect = Suspect(mutant)
        if suspect.codes:
            continue
        changed = edits(world.knowledge(), suspect.knowledge)
        assert changed is not None and {edit.name for edit in changed} <= {mutant.rule}
        untouched = [record for record in world.cases() if not any(edit.touches(record.model) for edit in changed)]
        for record in rng.sample(untouched, min(4, len(untouched))):
            tried += 1
            before, after = (_answer(record, k) for k in (world.knowledge(), suspect.knowledge))
            assert before == after, (mutant.rule, mutant.what, record.name)
    assert tried > 50


def _answer(record: world.Record, knowledge: Knowledge) -> object:
    try:
        found = Assessment.of(knowledge, record.case, record.at)
    except DerivationError as error:
        return str(error)
    return [c.to_dict() for c in found.conclusions], found.notes
