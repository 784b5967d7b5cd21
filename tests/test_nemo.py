"""Every rule file is a Nemo program as it stands: Nemo reads it, and derives what citelog derives.

Nemo is another engine, written by other people in another language. It is given the rule files unchanged; only the
facts and the @output lines are added, and @prefix lines that several files share are left in once.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import nemo
from citelog import home, patient
from citelog.knowledge.base import Knowledge
from citelog.knowledge.cache import open_knowledge
from citelog.rules.program import Present
from citelog.run.datalog import Machine
from citelog.run.result import Run
from citelog.values import Atom
from oracle.random_cases import random_at, random_case

FOLDER = home.knowledge("b12")
FILES = sorted((FOLDER / "rules").glob("*.rls"))
CASES = sorted((FOLDER / "cases").glob("**/*.yaml"))
DAY = "2026-03-15"


@cache
def knowledge() -> Knowledge:
    """The knowledge base."""
    return open_knowledge(FOLDER)


@cache
def machine() -> Machine:
    """The knowledge base, ready to run."""
    return Machine(knowledge().program, knowledge().stated)


def as_one(texts: Iterable[str]) -> str:
    """Rule files one after another. Nemo refuses a prefix that is declared twice."""
    seen: set[str] = set()
    lines = []
    for line in "\n".join(texts).splitlines():
        if not (line.startswith("@prefix") and line in seen):
            lines.append(line)
        seen.add(line)
    return "\n".join(lines)


@cache
def program() -> str:
    """All rules, and the facts that no patient changes."""
    text = as_one(nemo.spelt_out(path.read_text(encoding="utf-8")) for path in FILES)
    read = {x.predicate for rule in knowledge().program.rules for x in rule.body if isinstance(x, Present)}
    return f"{text}\n{nemo.facts(a for a in knowledge().stated if a.predicate in read)}"


def ran(case: Any, at: str | None) -> tuple[tuple[Atom, ...], Run]:
    """The facts of a case, and what citelog makes of them."""
    import datetime

    day = datetime.date.fromisoformat(at) if at else None
    facts = patient.facts(patient.read(case, knowledge().terms), knowledge().terms, day)
    return tuple(atom for atom, _ in facts), machine().run(facts)


def differences(case: Any, at: str | None) -> list[str]:
    """What only one of the two derives for a case."""
    given, run = ran(case, at)
    derived = dict.fromkeys(rule.predicate for rule in knowledge().program.rules)
    theirs = nemo.answers(f"{program()}\n{nemo.facts(given)}", derived)
    return nemo.differences({p: list(run.atoms(p)) for p in derived}, theirs, knowledge().program.predicates)


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_file_alone_is_a_nemo_program(path: Path) -> None:
    """Byte for byte, and what it derives from the facts of the other files is what it derives among them."""
    text = nemo.spelt_out(path.read_text(encoding="utf-8"))
    rules = [r for r in knowledge().program.rules if r.span.file.endswith(path.name)]
    heads = {rule.predicate for rule in rules}
    rng = random.Random(path.name)
    for _ in range(10):
        _, run = ran(random_case(rng), random_at(rng))
        own = {p: [a for a in run.atoms(p) if any(f.rule in rules for f in run.firings(a))] for p in heads}
        # what another file derives of the same predicates is given, and so is in the answer
        others = [a for p in heads for a in run.atoms(p) if any(f.rule not in rules for f in run.firings(a))]
        given = [a for p in run.facts if p not in heads for a in run.atoms(p)]
        theirs = nemo.answers(f"{text}\n{nemo.facts([*given, *others])}", heads)
        ours = {p: dict.fromkeys([*own[p], *(a for a in others if a.predicate == p)]) for p in heads}
        assert not nemo.differences(ours, theirs, knowledge().program.predicates)


def test_files_were_found() -> None:
    """A pattern that matches nothing would pass in silence; nor would Nemo mind an unknown escape."""
    assert len(FILES) >= 9
    for path in FILES:
        assert not re.search(r"\\", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("seed", range(12))
def test_drawn_cases(seed: int) -> None:
    """Every fact of every derived predicate, for drawn cases."""
    rng = random.Random(f"nemo {seed}")
    for number in range(25):
        case, at = random_case(rng), random_at(rng)
        assert not differences(case, at), (seed, number, case, at)


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_case_files(path: Path) -> None:
    """Every fact of every derived predicate, for the knowledge base's own cases."""
    assert not differences(path, DAY)


@pytest.mark.long
def test_many_drawn_cases() -> None:
    """The same for five thousand cases more."""
    rng = random.Random("many")
    for _ in range(5_000):
        case, at = random_case(rng), random_at(rng)
        assert not differences(case, at), (case, at)


def test_a_difference_would_be_seen() -> None:
    """A rule more or less in Nemo's program is a difference."""
    case = {"findings": [{"name": "symptoms attributed to vitamin B12 deficiency", "state": "present"}]}
    given, run = ran(case, None)
    without = re.sub(r'(?ms)^#\[name\("symptomatic-yes"\)\].*? \.$', "", program())
    derived = dict.fromkeys(rule.predicate for rule in knowledge().program.rules)
    theirs = nemo.answers(f"{without}\n{nemo.facts(given)}", derived)
    if without != program():
        assert nemo.differences({p: list(run.atoms(p)) for p in derived}, theirs, knowledge().program.predicates)
