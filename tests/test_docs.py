"""The documentation is run: every example of engine/LANGUAGE.md, the examples of README.md that say so, every code."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import literate
from citelog.knowledge.check import CODES
from citelog.rules.language import AGGREGATES, ATTRIBUTES, TAGS

ROOT = Path(__file__).parent.parent
LANGUAGE = ROOT / "engine" / "LANGUAGE.md"
README = ROOT / "README.md"


def examples() -> list[tuple[str, str, str]]:
    """(rules, facts, answer) of each example, in the order of the page."""
    found, rules, facts = [], "", ""
    for block in literate.blocks(LANGUAGE.read_text(encoding="utf-8")):
        if block.kind == "rules":
            rules, facts = block.text, ""
        elif block.kind == "facts":
            facts = block.text
        elif block.kind == "answer":
            found.append((rules, facts, block.text))
    return found


def named(kind: str) -> str:
    """The one block of a kind."""
    (block,) = [b for b in literate.blocks(LANGUAGE.read_text(encoding="utf-8")) if b.kind == kind]
    return block.text


def test_examples_were_found() -> None:
    """A change of the fences would otherwise pass in silence."""
    page = [b.kind for b in literate.blocks(LANGUAGE.read_text(encoding="utf-8"))]
    assert page.count("rules") == page.count("answer") == len(examples()) >= 7


@pytest.mark.parametrize("number", range(len(examples())))
def test_example(number: int) -> None:
    """An example gives what the page says; of diagnostics, each first line that is shown."""
    rules, facts, answer = examples()[number]
    fence = "```"
    document = "\n".join(
        f"{fence}{kind}\n{text}{fence}"
        for kind, text in (("declare", named("declare")), ("facts", facts), ("rules", named("prefixes") + rules))
    )
    given = literate.answer(document)
    if answer.startswith("error"):
        assert set(answer.splitlines()) <= set(given.splitlines())
    else:
        assert given == answer


def test_every_code_is_documented() -> None:
    """With its meaning, letter for letter, and nothing that is no code."""
    page = LANGUAGE.read_text(encoding="utf-8")
    told = dict(re.findall(r"(?m)^\| `([a-z0-9-]+)` \| (.*) \|$", page))
    assert told == dict(CODES)


def test_every_tag_attribute_and_aggregate_is_documented() -> None:
    """Each with its sign."""
    page = LANGUAGE.read_text(encoding="utf-8")
    signs = [*(f"@{tag}" for tag in TAGS), *(f"#[{a}(" for a in ATTRIBUTES), *(f"#{a}" for a in AGGREGATES)]
    assert [sign for sign in signs if sign not in page] == []


def commands() -> list[tuple[str, str]]:
    """(command, what it prints) of each README block fenced as `console run`: `$ citelog …`, then its output.

    A line `…` in the output stands for any number of lines.
    """
    if not README.exists():
        return []
    found = []
    for block in literate.blocks(README.read_text(encoding="utf-8")):
        if block.kind == "console" and block.name == "run":
            for piece in re.split(r"(?m)^\$ ", block.text)[1:]:
                command, _, output = piece.partition("\n")
                found.append((command, output))
    return found


@pytest.mark.parametrize("number", range(len(commands())))
def test_readme_command(number: int) -> None:
    """A command of the README prints what the README says."""
    command, output = commands()[number]
    words = shlex.split(command)
    assert words[0] in ("citelog", "./citelog"), "only citelog's own commands are run"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
    code = "import sys; from citelog.cli import main; sys.argv[0] = 'citelog'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *words[1:]], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    pattern = "".join(
        r"(?:.*\n)*" if line.strip() == "…" else re.escape(line) + "\n" for line in output.rstrip("\n").split("\n")
    )
    assert re.fullmatch(pattern, (done.stdout + done.stderr).rstrip("\n") + "\n"), done.stdout + done.stderr
