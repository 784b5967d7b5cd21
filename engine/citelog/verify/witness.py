"""From a picture to a patient: the smallest record that shows it, derived again by the engine and proved.

What verification found by its own means counts only if the engine, given that record, concludes the same.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from citelog.assess import Assessment, assess
from citelog.knowledge.base import Kind, Knowledge
from citelog.patient.context import GIVES
from citelog.patient.predicates import NAMING
from citelog.rules.program import Constant, Present, Rule, Variable
from citelog.run.result import Run
from citelog.verify.axes import Axes
from citelog.verify.clauses import EITHER, FIRES, GIVEN, SOME, Ground, Name
from citelog.verify.forms import case_of
from citelog.verify.matching import Bindings, Exact, Tables, matches


class FaultError(Exception):
    """The engine does not confirm what verification found: a fault of citelog, never of a knowledge base."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A record that shows something, the day of its assessment, and what the engine says of it."""

    case: dict[str, Any]
    at: datetime.date | None
    assessment: Assessment


def guarded(knowledge: Knowledge) -> Knowledge:
    """The knowledge base with its safety properties among what is concluded, and with nothing taken for granted."""
    broken = Kind("violation", "Broken safety properties", "violation", -1, False, False, False, False, "", ())
    kinds = (broken, *(replace(kind, exactly_one=False) for kind in knowledge.kinds))
    sha256 = f"{knowledge.sha256} guarded"  # by which the engine tells programs apart
    return replace(knowledge, sha256=sha256, program=knowledge.guarded, kinds=kinds)


def witness(ground: Ground, forms: Iterable[int]) -> Witness:
    """The record of some forms, assessed by the engine."""
    by_number = {form.number: form for form in ground.forms}
    case, at = case_of(by_number[number].said for number in forms)
    case = {"id": "smallest", **case}
    return Witness(case, at, assess(guarded(ground.knowledge), case, at))


def facts(run: Run) -> Tables:
    """What a run left behind, as tables."""
    tables = Tables()
    for predicate, rows in run.facts.items():
        for ids in rows:
            tables.add(predicate, tuple(run.values[i] for i in ids))
    return tables


def holds(ground: Ground, atom: int, tables: Tables) -> bool:
    """Whether an atom that no entry's identity stands in holds for a patient, by the facts of the engine's run."""
    if atom in ground.aside:
        part = ground.aside[atom]
        literals = [
            x if i in part.positions or _is_knowledge(ground, x) else None for i, x in enumerate(part.rule.body)
        ]
        plan = tuple(i for i in part.rule.plan if literals[i] is not None)
        rule = replace(part.rule, plan=plan)
        meaning = Exact(tables, frozenset(), possible=False)
        own = _records(ground, part.family, tables) if part.family else set()
        return any(
            all(bound.get(name, value) == value for name, value in part.bound)
            and (not part.family or bound[part.variable] in own)
            for bound, _ in matches(rule, tables, meaning)
        )
    predicate, row = ground.atoms[atom]
    if predicate == EITHER:
        return any(holds(ground, one, tables) for one in row)
    if predicate == GIVEN:
        family, predicate, row = row
        own = _records(ground, family, tables)
        return any(_fits(row, fact) and fact[1] in own for fact in tables.of(predicate))
    if predicate == SOME:
        predicate, row = row[0], row[1:]
    return any(_fits(row, fact) for fact in tables.of(predicate))


def is_so(axes: Axes, atom: int, tables: Tables) -> bool:
    """Whether an atom holds by the facts of the engine's run, also one that only verification has."""
    ground = axes.ground
    predicate, row = ground.atoms[atom]
    if predicate == FIRES:
        rule = next(rule for rule in ground.program.rules if rule.name == row[0])
        meaning = Exact(tables, frozenset(), possible=False)
        return any(row[1] in (None, _second(rule, bound)) for bound, _ in matches(rule, tables, meaning))
    if is_told(ground, atom):
        return holds(ground, atom, tables)
    return any(
        all(is_so(axes, a, tables) for a in clause.positive)
        and not any(is_so(axes, a, tables) for a in clause.negative)
        for clause in axes.by_head.get(atom, ())
    )


def _second(rule: Rule, bound: Bindings) -> Any:
    arg = rule.args[1]
    return arg.value if isinstance(arg, Constant) else bound[arg.name] if isinstance(arg, Variable) else None


def _records(ground: Ground, family: str, tables: Tables) -> set[Any]:
    """The records of a family among the facts of a run."""
    of = next(form.family for form in ground.forms if form.family.id == family)
    if of.list == "context":
        return {fact[1] for fact in tables.of(GIVES[of.term])}  # type: ignore[index]
    return {fact[1] for name in NAMING for fact in tables.of(name) if fact[2] == of.term}


def _is_knowledge(ground: Ground, literal: Any) -> bool:
    return isinstance(literal, Present) and literal.predicate not in ground.program.changing


def _fits(row: Sequence[Any], fact: Sequence[Any]) -> bool:
    return all(value is None or value == fact[i] for i, value in enumerate(row))


def is_told(ground: Ground, atom: int) -> bool:
    """Whether the engine's facts tell if an atom holds: not of atoms that only verification has."""
    name: Name = ground.atoms[atom]
    return atom in ground.aside or name[0] in (SOME, EITHER, GIVEN) or not name[0].startswith(" ")
