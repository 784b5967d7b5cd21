"""Every single edit of the rules is noticed, or can change nothing: a sample here, all of them with `-m long`.

The edits are made and judged by `tests/mutants`; `engine/MUTANTS.md` has the table of a full run.
"""

from __future__ import annotations

import random
import shutil
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

import b12
from citelog import home
from citelog.cli.app import main
from citelog.rules.syntax import parse
from mutants import world
from mutants.__main__ import judge, table
from mutants.catchers import judged
from mutants.edits import KINDS, Mutant, rule_text
from mutants.reasons import REASONS


@cache
def mutants() -> tuple[Mutant, ...]:
    return tuple(world.author().mutants())


def the(rule: str, part: str) -> Mutant:
    """The one mutant of a rule whose words hold a part."""
    [found] = [m for m in mutants() if m.rule == rule and part in m.what]
    return found


def test_there_are_mutants_of_every_rule_and_of_every_kind() -> None:
    """But of a rule that passes one premise on, with nothing in it to leave out or to swap."""
    left = {rule.name for rule in b12.knowledge().program.rules} - {m.rule for m in mutants()}
    assert all(len(rule.body) <= 1 for rule in b12.knowledge().program.rules if rule.name in left)
    kinds = Counter(m.kind for m in mutants())
    assert (
        kinds.keys() >= KINDS.keys() and {"swap a role", "swap a step", "swap a route", "swap a sign"} <= kinds.keys()
    )
    assert len(mutants()) > 6000
    assert len({(m.rule, rule_text(m.syntax)) for m in mutants()}) == len(mutants())


def test_a_mutant_is_the_rule_but_for_one_edit() -> None:
    """A transcript: the rule as its author wrote it, and some of what is made of it."""
    _, before = world.rule("treat-loading")
    assert rule_text(before).splitlines()[-2:] == [
        "treat_line(?p, b12:line_3, b12:indicated) :-",
        "    phase(?p, cl:loading), medicine_phase(?p, ?r, cl:loading), neuro(?p, cl:absent) .",
    ]
    bodies = {m.what: rule_text(m.syntax).splitlines()[-1].strip() for m in mutants() if m.rule == "treat-loading"}
    assert bodies["without neuro(?p, cl:absent)"] == "phase(?p, cl:loading), medicine_phase(?p, ?r, cl:loading) ."
    assert bodies["neuro(?p, cl:absent) → neuro(?p, _)"].endswith("neuro(?p, _) .")
    assert bodies["cl:absent → cl:present in neuro(?p, cl:absent)"].endswith("neuro(?p, cl:present) .")
    assert "cites G05 instead of G06" in bodies


def test_mutants_are_text_that_an_author_could_have_written() -> None:
    for mutant in random.Random(4).sample(mutants(), 150):
        file, _ = world.rule(mutant.rule)
        prefixes = "\n".join(f"@prefix {name}: <{iri}> ." for name, iri in file.prefixes.items())
        read = parse(f"{prefixes}\n{rule_text(mutant.syntax)}", mutant.file)
        assert read.diagnostics == () and [rule_text(rule) for rule in read.rules] == [rule_text(mutant.syntax)]


@pytest.mark.parametrize(
    ("rule", "part", "by", "how"),
    [
        ("class-below", "?value < ?low → ?value <= ?low", "test", "exactly-100-pmol-per-l"),
        ("class-of-result", "without allows(?p, ?r, ?class)", "check", "unsafe-variable"),
        ("regimen-neuro-loading", "with not_on_maintenance(?p)", "equivalent", "proved"),
        ("class-above", "cites R03 instead of R04", "test", ""),
    ],
)
def test_each_catcher_catches(rule: str, part: str, by: str, how: str) -> None:
    verdict = judged(the(rule, part))
    assert verdict.by == by and how in verdict.how


@pytest.mark.long
def test_the_quick_judgement_is_that_of_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same mutants as files: `citelog check` refuses them, or `citelog test` names the case that fails."""
    for mutant in (
        the("class-below", "?value < ?low → ?value <= ?low"),
        the("class-of-result", "without allows(?p, ?r, ?class)"),
    ):
        verdict, folder = judged(mutant), tmp_path / "b12"
        shutil.copytree(home.knowledge("b12"), folder)
        path = folder.parent / mutant.file
        text = path.read_text(encoding="utf-8")
        start = _start(text, mutant.rule)
        end = text.index(" .\n", text.index(":-", start)) + 3
        path.write_text(f"{text[:start]}{rule_text(mutant.syntax)}\n{text[end:]}", encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            main(["test", "--kb", str(folder)])
        told = capsys.readouterr()
        if verdict.by == "check":
            assert ended.value.code == 2 and f"error[{verdict.how}]" in told.err
        else:
            assert ended.value.code == 1 and f"✗ {verdict.how}\n" in told.out
        shutil.rmtree(folder)


def _start(text: str, rule: str) -> int:
    """Where a rule begins, with its description."""
    before = text[: text.index(f'#[name("{rule}")]')]
    return len(before.rstrip("\n").rpartition("\n\n")[0]) + 2


@pytest.mark.slow
def test_of_a_sample_no_mutant_survives() -> None:
    verdicts = list(judge(random.Random(8).sample(mutants(), 2)))
    assert [(v.mutant.rule, v.mutant.what) for v in verdicts if not v.by] == []
    assert "| **all** | 2 |" in table(verdicts)


@pytest.mark.long
def test_no_mutant_survives() -> None:
    verdicts = list(judge(mutants(), 2))
    assert [(v.mutant.rule, v.mutant.what) for v in verdicts if not v.by] == []
    reasons = {why for v in verdicts if v.by == "reasoned" for why in (v.how,)}
    assert reasons == {why for _, _, why in REASONS}, "a reason that nothing needs is left"
