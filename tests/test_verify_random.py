"""`citelog verify` against the engine: drawn rules, drawn records.

What is said to be kept, no record breaks; what a record shows, is among the pictures, with what the engine concludes.
"""

from __future__ import annotations

import datetime
import random
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from citelog import patient
from citelog.knowledge.base import Knowledge
from citelog.run.datalog import Machine
from citelog.verify import pictures
from citelog.verify.clauses import Entry
from citelog.verify.verdicts import Verifier, verify
from citelog.verify.witness import facts, holds
from random_knowledge import drawn, record


def agree(knowledge: Knowledge, rng: random.Random, records: int, looked: int) -> Counter[str]:
    """Compare what verification says with what the engine does on some records; of the first, all conclusions."""
    found = verify(knowledge)
    told = Counter({"undecided": len(found.undecided), "broken": sum(not v.holds for v in found.properties)})
    told["kept"] = sum(v.holds for v in found.properties)
    kept = {v.about for v in (*found.properties, *found.kinds) if v.holds}
    left_out = {u.about for u in found.undecided}
    verifier = Verifier.of(knowledge)
    ground = verifier.ground
    goals = {
        atom: name
        for name, atom in ground.numbers.items()
        if name[0] in ground.program.predicates
        and ground.program.predicates[name[0]].layer == "derived"
        and not any(isinstance(value, Entry | Decimal | datetime.date) for value in name[1])
    }
    slice_ = verifier.axes.slice(goals)
    known = {axis: verifier.signatures(axis, atoms) for axis, atoms in slice_.frontier.items()}
    if any(_is_of_values(ground.atoms[atom]) for atoms in slice_.frontier.values() for atom in atoms):
        looked = 0  # one that stands for others stands in the picture, and no fact of the engine says so
    machine = Machine(knowledge.guarded, knowledge.stated)
    for number in range(records):
        case, at = record(rng)
        run = machine.run(patient.facts(patient.read(case, knowledge.terms), knowledge.terms, at))
        tables = facts(run)
        said = {row[1] for row in tables.of("t1")}
        shown = {"P"} if list(tables.of("violation")) else set()
        shown |= {"t: no conclusion"} if not said else {"t: more than one conclusion"} if len(said) > 1 else set()
        assert not shown & kept, (shown & kept, case, at)
        fired = {
            run.program.rules[n].name for rows in run.facts.values() for held in rows.values() for n, _ in held
        }
        assert not fired & set(found.idle), (fired & set(found.idle), case, at)
        if number >= looked:
            continue
        picture = {
            axis: frozenset(atom for atom in atoms if holds(ground, atom, tables))
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
    return isinstance(name, Decimal | datetime.date | Entry) or (isinstance(name, tuple) and any(map(_is_of_values, name)))
