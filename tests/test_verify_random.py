"""`citelog verify` against the engine: drawn rules, drawn records.

What is said to be kept, no record breaks; what a record shows, is among the pictures, with what the engine concludes.
"""

from __future__ import annotations

import datetime
import random
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from citelog import patient
from citelog.knowledge.base import Knowledge
from citelog.run.datalog import Machine
from citelog.verify import pictures
from citelog.verify.clauses import Entry
from citelog.verify.verdicts import Verifier, verify
from citelog.verify.witness import facts, holds, is_so
from random_knowledge import DAY, drawn, knowledge, record


def agree(base: Knowledge, rng: random.Random, records: int, looked: int) -> Counter[str]:
    """Compare what verification says with what the engine does on some records; of the first, all conclusions."""
    found = verify(base)
    told = Counter({"undecided": len(found.undecided), "broken": sum(not v.holds for v in found.properties)})
    told["kept"] = sum(v.holds for v in found.properties)
    kept = {v.about for v in (*found.properties, *found.kinds) if v.holds}
    left_out = {u.about for u in found.undecided}
    verifier = Verifier.of(base)
    ground = verifier.ground
    goals = {
        atom: name
        for name, atom in ground.numbers.items()
        if name[0] in ground.program.predicates
        and ground.program.predicates[name[0]].layer == "derived"
        and not any(isinstance(value, Entry | Decimal | datetime.date) for value in name[1])
        and atom in verifier.axes.reach  # others, no rule of a verdict reads
    }
    slice_ = verifier.axes.slice(goals)
    known = {axis: verifier.signatures(axis, atoms) for axis, atoms in slice_.frontier.items()}
    if any(_is_of_values(ground.atoms[atom]) for atoms in slice_.frontier.values() for atom in atoms):
        looked = 0  # one that stands for others stands in the picture, and no fact of the engine says so
    machine = Machine(base.guarded, base.stated)
    for number in range(records):
        case, at = record(rng)
        run = machine.run(patient.facts(patient.read(case, base.terms), base.terms, at))
        tables = facts(run)
        said = {row[1] for row in tables.of("t1")}
        shown = {"P"} if list(tables.of("violation")) else set()
        shown |= {"t: no conclusion"} if not said else {"t: more than one conclusion"} if len(said) > 1 else set()
        assert not shown & kept, (shown & kept, case, at)
        fired = {run.program.rules[n].name for rows in run.facts.values() for held in rows.values() for n, _ in held}
        assert not fired & set(found.idle), (fired & set(found.idle), case, at)
        if number >= looked:
            continue
        picture = {
            axis: frozenset(atom for atom in atoms if is_so(verifier.axes, atom, tables))
            for axis, atoms in slice_.frontier.items()
        }
        for axis, held in picture.items():
            assert held in known[axis], (verifier.axes.axes[axis].name, [ground.atoms[a] for a in held], case, at)
        rows = {atom: int(atom in held) for axis, held in picture.items() for atom in slice_.frontier[axis]}
        [block] = pictures.blocks(verifier.axes, slice_, {axis: (held,) for axis, held in picture.items()})
        concluded = {goals[atom] for atom in goals if block.rows.get(atom, rows.get(atom, 0))}
        told_by_engine = {goals[atom] for atom in goals if holds(ground, atom, tables)}
        assert concluded == told_by_engine, (concluded ^ told_by_engine, case, at)
    assert left_out <= {"P", "t"}
    return told


def _is_of_values(name: Any) -> bool:
    """Whether a number, a day or an entry stands in the name of an atom."""
    return isinstance(name, Decimal | datetime.date | Entry) or (
        isinstance(name, tuple) and any(map(_is_of_values, name))
    )


@pytest.mark.parametrize("seed", range(10))
def test_verification_and_engine_agree(seed: int) -> None:
    rng = random.Random(seed)
    made, _ = drawn(rng)
    agree(made, rng, records=120, looked=10)


@pytest.mark.long
@pytest.mark.parametrize("block", range(10, 60))
def test_verification_and_engine_agree_on_many(block: int) -> None:
    told: Counter[str] = Counter()
    for seed in range(block * 20, block * 20 + 20):
        rng = random.Random(seed)
        made, _ = drawn(rng)
        told += agree(made, rng, records=1000, looked=30)
    assert told["kept"] and told["undecided"]


# what was once said to be kept, or never ended, each with the record that breaks it


def lab(value: str = "1", analyte: str = "fe", **keys: str) -> dict[str, str]:
    return {"analyte": analyte, "value": value, **keys}


TIRED = {"name": "tired", "state": "present"}
UNDECIDED = {
    "different numbers are counted": (
        "c1(?p, #count(?n)) :- result_value(?p, _, ?n)",
        "violation(?p, ex:P) :- c1(?p, ?i), ?i > 1",
        [lab("1"), lab("2")],
    ),
    "a number that a rule carries on is not there again": (
        "m1(?p, ?n) :- result_value(?p, ?r, ?n), result_flag(?p, ?r, cl:low_flag)",
        "m2(?p, ?n) :- result_value(?p, ?r, ?n), result_flag(?p, ?r, cl:other_flag)",
        "violation(?p, ex:P) :- m1(?p, ?n), m2(?p, _), ~m2(?p, ?n)",
        [lab("1", flag="L"), lab("2", flag="H")],
    ),
    "a number of one entry is not another's": (
        "violation(?p, ex:P) :- result_value(?p, ?r, ?n), result_value(?p, ?q, _), ~result_value(?p, ?q, ?n)",
        [lab("1"), lab("2")],
    ),
    "two carried numbers are one": (
        "m1(?p, ?n) :- result_value(?p, ?r, ?n), result_flag(?p, ?r, cl:low_flag)",
        "m2(?p, ?n) :- result_value(?p, ?r, ?n), result_flag(?p, ?r, cl:other_flag)",
        "a1(?p) :- m1(?p, ?n), m2(?p, ?n)",
        "violation(?p, ex:P) :- m1(?p, _), m2(?p, _), ~a1(?p)",
        [lab("1", flag="L"), lab("2", flag="H")],
    ),
    "a number stands beside the record of another entry": (
        "ev(?p, ?r, ?n) :- result(?p, ?r, ex:fe), result_value(?p, ?q, ?n)",
        "violation(?p, ex:P) :- ev(?p, ?r, ?n), result_value(?p, ?r, ?m), ?n < ?m",
        [lab("1"), lab("2")],
    ),
    "the difference of two carried numbers": (
        "m1(?p, ?n) :- result_value(?p, ?r, ?n)",
        "violation(?p, ex:P) :- m1(?p, ?n), m1(?p, ?m), ?d = ?n - ?m, ?d > 0",
        [lab("1"), lab("2")],
    ),
    "the difference of two entries' numbers is carried": (
        "m1(?p, ?d) :- result_value(?p, ?r, ?n), result_value(?p, ?q, ?m), ?d = ?n - ?m",
        "violation(?p, ex:P) :- m1(?p, ?n), ?n > 0",
        [lab("1"), lab("2")],
    ),
    "a quotient is rounded where a number is long": (
        "a1(?p) :- result_value(?p, ?r, ?n), ex:low(ex:fe, ?l), ?n / (1 + 1) < ?l",
        "violation(?p, ex:P) :- result_value(?p, ?r, ?n), ex:low(ex:fe, ?l), ?n < ?l + ?l, ~a1(?p)",
        [lab("59." + "9" * 60)],
    ),
    "more often than a phrase can say, but by the hour": (
        "violation(?p, ex:P) :- medication_frequency(?p, ?r, ?n, _, cl:day), ex:low(ex:fe, ?l), ?n > ?l * ?l * ?l",
        {"medications": [{"name": "tablet", "frequency": "9999 times every hour"}]},
    ),
}
BROKEN = {
    "less than once in a day": (
        "violation(?p, ex:P) :- medication_frequency(?p, ?r, ?n, _, _), ex:low(ex:hb, ?l), ?n + ?l > 0, ?n < 1",
        {"medications": [{"name": "tablet", "frequency": "0.5 times every 1 days"}]},
    ),
    "the document names the number of a result": (
        "violation(?p, ex:P) :- result_value(?p, ?r, ?n), ex:low(ex:fe, ?n)",
        {"labs": [lab("30")]},
    ),
    "the document names a number that a rule computed": (
        "m1(?p, ?m) :- result_value(?p, ?r, ?n), ?m = ?n + 1",
        "violation(?p, ex:P) :- m1(?p, ?n), ex:low(_, ?n)",
        {"labs": [lab("29")]},
    ),
    "a key that no rule joins takes back what its absence said": (
        "e1(?p, ?r) :- result_unit(?p, ?r, ex:ug)",
        "a1(?p) :- result_value(?p, _, _)",
        "a2(?p) :- result_unreadable(?p, _)",
        "violation(?p, ex:P) :- a1(?p), ~a2(?p)",
        "violation(?p, ex:P) :- e1(?p, _), ~patient(?p)",
        {"labs": [lab("5")]},
    ),
    "a status that no rule joins": (
        "e1(?p, ?r) :- medication_route(?p, ?r, ex:oral)",
        "violation(?p, ex:P) :- medication_status(?p, _, cl:current), ~medication_status(?p, _, cl:status_unknown)",
        "violation(?p, ex:P) :- e1(?p, _), ~patient(?p)",
        {"medications": [{"name": "tablet", "status": "current"}]},
    ),
    "each group has a count of its own": (
        "c2(?p, ?x, #count(?s)) :- entry(?p, _, ?x, ?s)",
        "violation(?p, ex:P) :- entry(?p, _, ex:tired, cl:present), entry(?p, _, ex:pale, cl:absent), ~c2(?p, _, ?i), "
        "ex:points(ex:pale, ?i)",
        {"findings": [TIRED, {"name": "pale", "state": "absent"}]},
    ),
    "ages between the last limit that one can have and one that none can": (
        "violation(?p, ex:P) :- age_years(?p, ?r, ?n), ex:low(ex:fe, ?l), ?n > ?l + ?l + ?l + ?l, ?n < ?l * ?l",
        {"context": {"age_years": "125"}},
    ),
    "ages above a limit below nought": (
        "violation(?p, ex:P) :- age_years(?p, ?r, ?n), ex:low(ex:fe, ?l), ?n + ?l > 0, ?n < 1",
        {"context": {"age_years": "0.5"}},
    ),
    "a key of the context is written twice": (
        "violation(?p, ex:P) :- sex(?p, _, cl:female), sex(?p, _, cl:male)",
        {"context": {"sex": "female", "SEX": "male"}},
    ),
    "three ages": (
        "t2(?p, ex:tired) :- age_years(?p, _, ?n), ex:low(ex:fe, ?l), ?n > ?l",
        "t2(?p, ex:pale) :- age_years(?p, _, ?n), ex:low(ex:fe, ?l), ?n < ?l",
        "t2(?p, ex:fe) :- age_years(?p, _, ?n), ex:low(ex:fe, ?l), ?n = ?l",
        "violation(?p, ex:P) :- t2(?p, ex:tired), t2(?p, ex:pale), t2(?p, ex:fe)",
        {"context": {"age_years": "5", "Age_years": "30", "AGE_YEARS": "50"}},
    ),
    "days before the calendar begins": (
        "violation(?p, ex:P) :- recorded_when(?p, ?r, ?d, _), evaluation_day(?p, ?t), ex:days(ex:fe, ?k), "
        "?t - ?d < ?k * ?k * ?k * ?k * ?k * ?k",
        {"labs": [lab("5", when="2024-07-01")]},
    ),
    "a round of rules that never begins": (
        "a1(?p) :- patient(?p), ~patient(?p)",
        "t2(?p, ex:tired) :- a1(?p)",
        "t2(?p, ?y) :- t2(?p, ?x), ex:next(?x, ?y)",
        "violation(?p, ex:P) :- entry(?p, _, ex:tired, _), ~t2(?p, ex:tired)",
        {"findings": [TIRED]},
    ),
    "a rule finds out which property it breaks": (
        "violation(?p, ?x) :- entry(?p, _, ex:tired, _), ex:next(ex:P, ?x)",
        {"findings": [TIRED]},
    ),
    "a count is one that the document names": (
        "c1(?p, #count(?x)) :- entry(?p, _, ?x, _)",
        "violation(?p, ex:P) :- c1(?p, ?i), ex:points(_, ?i), result_value(?p, ?r, ?n), ex:low(ex:fe, ?l), ?n < ?l",
        {"findings": [TIRED], "labs": [lab("5")]},
    ),
}


@pytest.mark.parametrize("name", [*UNDECIDED, *BROKEN])
def test_what_was_once_said_to_be_kept(name: str) -> None:
    """The engine breaks it for the record beside it; verification says so, or names the rule that it cannot decide."""
    *rules, shown = (UNDECIDED | BROKEN)[name]
    made, wrong = knowledge([str(rule) for rule in rules])
    assert made, wrong
    case = shown if isinstance(shown, dict) else {"labs": shown}
    known = patient.facts(patient.read(case, made.terms), made.terms, DAY)
    assert list(facts(Machine(made.guarded, made.stated).run(known)).of("violation"))
    found = verify(made, ["P"])
    assert [u.about for u in found.undecided] == (["P"] if name in UNDECIDED else [])
    assert [v.holds for v in found.properties] == ([] if name in UNDECIDED else [False])


def test_conclusions_of_one_value_are_several_where_they_say_something_else_besides() -> None:
    """Where exactly one must be, the engine counts conclusions, and not their values."""
    made, wrong = knowledge(
        [
            "c2(?p, ex:tired, #count(?x)) :- entry(?p, _, ?x, _)",
            "c2(?p, ex:tired, ?i) :- patient(?p), ex:points(ex:tired, ?i)",
        ]
    )
    assert made, wrong
    [kind] = made.kinds
    told = {v.about: v for v in verify(replace(made, kinds=(replace(kind, predicate="c2"),))).kinds}
    assert told["t: no conclusion"].holds
    shown = told["t: more than one conclusion"].witness
    assert shown and len(shown.case["findings"]) == 2
