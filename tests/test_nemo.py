"""Nemo derives from the rule files what citelog derives, for many patients at once.

Nemo is another engine, written by other people in another language, whose syntax the rule files have. It is given them
as they stand; only the facts and the @output lines are added, and an @prefix line that several files have is left in
once.
"""

from __future__ import annotations

import datetime
import random
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
from citelog.values import Atom, Iri, Value
from commits import at_each_commit
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
    text = as_one(path.read_text(encoding="utf-8") for path in FILES)
    read = {x.predicate for rule in knowledge().program.rules for x in rule.body if isinstance(x, Present)}
    return f"{text}\n{nemo.facts(a for a in knowledge().stated if a.predicate in read)}"


def ran(case: Any, at: str | None, number: int = 1) -> tuple[list[Atom], dict[str, list[Atom]]]:
    """The facts of a case, and all that citelog derives; the patient and the records are those of case `number`."""
    day = datetime.date.fromisoformat(at) if at else None
    given = patient.facts(patient.read(case, knowledge().terms), knowledge().terms, day)
    run = machine().run(given)
    facts = [_of(atom, number) for atom, _ in given]
    return facts, {p: [_of(atom, number) for atom in run.atoms(p)] for p in derived()}


def _of(atom: Atom, number: int) -> Atom:
    """An atom of case `number`, so that many cases can stand in one program."""
    return Atom(atom.predicate, tuple(_renamed(v, number) for v in atom.args))


def _renamed(value: Value, number: int) -> Value:
    own = isinstance(value, Iri) and value.value.startswith("urn:citelog:")
    return Iri(f"{value.value}:{number}") if own and isinstance(value, Iri) else value


@cache
def derived() -> tuple[str, ...]:
    """Every predicate that some rule derives."""
    return tuple(dict.fromkeys(rule.predicate for rule in knowledge().program.rules))


def differences(cases: Iterable[tuple[Any, str | None]], extra: str = "") -> list[str]:
    """What only one of the two derives for some cases, of which each sees only itself."""
    given: list[Atom] = []
    ours: dict[str, list[Atom]] = {p: [] for p in derived()}
    for number, (case, at) in enumerate(cases):
        facts, found = ran(case, at, number)
        given += facts
        for predicate, atoms in found.items():
            ours[predicate] += atoms
    assert any(ours.values())
    theirs = nemo.answers(f"{program()}\n{nemo.facts(given)}\n{extra}", derived())
    return nemo.differences(ours, theirs, knowledge().program.predicates)


def drawn(seed: int, count: int) -> list[tuple[Any, str | None]]:
    """Cases with their dates of assessment."""
    rng = random.Random(f"nemo {seed}")
    return [(random_case(rng), random_at(rng)) for _ in range(count)]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_file_alone(path: Path) -> None:
    """A file is a program by itself: from the facts of the others it derives what it derives among them."""
    text = path.read_text(encoding="utf-8")
    rules = [r for r in knowledge().program.rules if r.span.file.endswith(path.name)]
    heads = {rule.predicate for rule in rules}
    case, at = drawn(7, 1)[0]
    day = datetime.date.fromisoformat(at) if at else None
    run = machine().run(patient.facts(patient.read(case, knowledge().terms), knowledge().terms, day))
    own = {p: [a for a in run.atoms(p) if any(f.rule in rules for f in run.firings(a))] for p in heads}
    others = [a for p in heads for a in run.atoms(p) if any(f.rule not in rules for f in run.firings(a))]
    given = [a for p in run.facts if p not in heads for a in run.atoms(p)]
    ours = {p: list(dict.fromkeys([*own[p], *(a for a in others if a.predicate == p)])) for p in heads}
    theirs = nemo.answers(f"{text}\n{nemo.facts([*given, *others])}", heads)
    assert not nemo.differences(ours, theirs, knowledge().program.predicates)


def test_files_were_found() -> None:
    """A pattern that matches nothing would pass in silence."""
    assert len(FILES) >= 9


@pytest.mark.parametrize("seed", at_each_commit(range(6), every=6))
def test_drawn_cases(seed: int) -> None:
    """Every fact of every derived predicate, for a hundred drawn cases in one program."""
    assert not differences(drawn(seed, 100))


def test_case_files() -> None:
    """Every fact of every derived predicate, for the knowledge base's own cases."""
    assert not CASES or not differences((path, DAY) for path in CASES)


@pytest.mark.long
def test_many_drawn_cases() -> None:
    """The same for ten thousand cases more."""
    for seed in range(100, 150):
        assert not differences(drawn(seed, 200)), seed


def test_a_difference_would_be_seen() -> None:
    """One more rule in Nemo's program is a difference for each case."""
    predicate = next(p for p in derived() if len(knowledge().program.predicates[p].arguments) == 1)
    found = differences(drawn(0, 5), f"{nemo.name(predicate)}(?p) :- patient(?q), ?p = <urn:nobody> .")
    assert found == [f"only Nemo: {predicate}('<urn:nobody>',)"]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("r(1) :- p(?x), ~q(_, _) . p(1) . q(1, 2) .", [(1,)]),
        ("r(?x) :- p(?x), ~q(?x, _) . p(1) . q(1, 2) .", []),
        ("r(?y) :- p(?x), ?y = ?x / 2 . p(7) .", [(3,)]),
        ("r(?x) :- p(?x), ?x = 1 . p(1.0) .", []),
        ("r(?x) :- p(?x), ?x <= 1 . p(1.0) .", [(1.0,)]),
        ("r(?y) :- p(?x), ?y = ?x + 1 . p(9223372036854775807) .", []),
        ("@prefix ex: <http://ex#> . r(?x) :- p(?x, ex:a-b) . p(1, <http://ex#a-b>) .", []),
        ("@prefix ex: <http://ex#> . r(?x) :- p(?x, ex:a_b) . p(1, <http://ex#a_b>) .", [(1,)]),
    ],
)
def test_what_language_md_says_of_nemo(program: str, expected: list[tuple[Any, ...]]) -> None:
    """The differences in its last table, so that a release of Nemo that mends one is noticed."""
    assert nemo.answers(program, ["r"])["r"] == expected
