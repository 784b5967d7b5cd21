"""A checked program and its facts, all in one pyDatalog base: what a user of pyDatalog alone would have.

Rules and knowledge are asserted once; a patient is asserted, asked about, and retracted. All conclusion
predicates are asked in one query (`goal`), so that pyDatalog may share what they have in common. Every
trap that is known is stepped around, to measure pyDatalog at its best: each anonymous variable has a
name of its own, literals stand in an order in which each finds its variables bound, every predicate is
declared, numbers are Decimals, dates are day numbers. Aggregates are not asked of it: the facts of
aggregated predicates are given, as the model has them.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from pyDatalog import Logic
from pyDatalog import pyEngine as engine

from citelog.rules.program import (
    Absent,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Operation,
    Present,
    Program,
    Variable,
)
from citelog.run.result import Run
from citelog.values import Atom, Iri, Value

_SIGNS = {"=": "==", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_PAD = "-"


class OneBase:
    """One pyDatalog base that holds the whole program and the knowledge."""

    def __init__(self, program: Program, stated: Iterable[Atom], asked: Sequence[str]) -> None:
        self._names = {predicate: f"p{i}" for i, predicate in enumerate(program.predicates)}
        self.aggregated = {rule.predicate for rule in program.rules if rule.aggregate}
        self._logic = Logic()
        for predicate in program.predicates.values():  # one that has neither rule nor fact would raise
            declared = engine.Pred(self._names[predicate.name], len(predicate.arguments))
            declared.prearity = len(predicate.arguments)
            engine.insert(declared)
        read = {x.predicate for rule in program.rules for x in rule.body if isinstance(x, Present | Absent)}
        for atom in stated:
            if atom.predicate in read:
                engine.assert_(self._fact(atom))
        for rule in program.rules:
            if rule.aggregate is None:
                head = self._literal(rule.predicate, [a for a in rule.args if isinstance(a, Variable | Constant)])
                engine.assert_(engine.Clause(head, [self._body(rule.body[i]) for i in rule.plan]))
        self._arities = arities = {name: len(program.predicates[name].arguments) for name in asked}
        self._asked = tuple(asked)
        width = max(arities.values())
        for name in asked:
            variables = [engine.Var(f"x{i}") for i in range(arities[name])]
            padded = [engine.Const(name), *variables, *[engine.Const(_PAD)] * (width - arities[name])]
            engine.assert_(
                engine.Clause(engine.Literal("goal", padded), [engine.Literal(self._names[name], variables)])
            )
        self._goal = [engine.Var(f"x{i}") for i in range(width + 1)]
        self._kept = Logic.tl.logic

    def ask(self, facts: Iterable[Atom]) -> list[tuple[Any, ...]]:
        """Assert a patient, ask for every conclusion at once, retract the patient."""
        return self._with(facts, lambda: _answers(engine.Literal("goal", self._goal)))

    def ask_each(self, facts: Iterable[Atom]) -> list[tuple[Any, ...]]:
        """The same with one query a conclusion predicate, as one would write it first."""

        def every() -> list[tuple[Any, ...]]:
            queries = {
                name: engine.Literal(self._names[name], self._goal[: self._arities[name]]) for name in self._asked
            }
            return [(name, *row) for name, query in queries.items() for row in _answers(query)]

        return self._with(facts, every)

    def _with(self, facts: Iterable[Atom], ask: Callable[[], list[tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
        Logic.tl.logic = self._kept  # before any literal is made: its predicate is looked up there
        clauses = [engine.assert_(self._fact(atom)) for atom in facts]
        try:
            return ask()
        finally:
            for clause in clauses:
                engine.retract(clause)

    def given(self, facts: Iterable[Atom], run: Run) -> list[Atom]:
        """What is asserted of a patient: the record's facts, and those of aggregated predicates."""
        return [*facts, *(atom for predicate in sorted(self.aggregated) for atom in run.atoms(predicate))]

    def same(self, run: Run, answers: Iterable[tuple[Any, ...]]) -> str:
        """What differs between our conclusions and pyDatalog's; empty where they agree."""
        ours = {(name, *map(_plain, atom.args)) for name in self._asked for atom in run.atoms(name)}
        theirs = {tuple(x for x in answer if x != _PAD) for answer in answers}
        return "; ".join(
            [*(f"only ours: {x}" for x in ours - theirs), *(f"only pyDatalog: {x}" for x in theirs - ours)]
        )

    def _fact(self, atom: Atom) -> Any:
        terms = [engine.Const(_plain(value)) for value in atom.args]
        return engine.Clause(engine.Literal(self._names[atom.predicate], terms), [])

    def _literal(self, predicate: str, args: Sequence[Variable | Constant], sign: str = "") -> Any:
        return engine.Literal(sign + self._names[predicate], [_term(a) for a in args])

    def _body(self, literal: Any) -> Any:
        match literal:
            case Present(predicate, args):
                return self._literal(predicate, args)
            case Absent(predicate, args):
                return self._literal(predicate, args, "~")
            case Comparison(sign, left, right):
                return engine.Literal(_SIGNS[sign], [_term(left), _term(right)])
            case Assignment(variable, expression):
                return engine.Literal("==", [engine.Var(variable), _term(expression)])


def _answers(query: Any) -> list[tuple[Any, ...]]:
    found = query.ask()
    return list(found) if isinstance(found, list) else []


def _term(expression: Expression) -> Any:
    match expression:
        case Variable(name):
            return engine.Var(name)
        case Constant(value):
            return engine.Const(_plain(value))
        case Operation(sign, left, right):
            return engine.Operation(_term(left), sign, _term(right))


def _plain(value: Value) -> str | int | Decimal:
    """A value as a user of pyDatalog would write it."""
    if isinstance(value, Iri):
        return value.value
    if isinstance(value, datetime.date):
        return value.toordinal()
    return value
