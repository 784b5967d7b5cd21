"""What of a rule looks at the record: the literals that a case can make true or false, and the limits it is held to."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from citelog.explain.model import Model, Shape
from citelog.proof.words import number
from citelog.rules.program import (
    Absent,
    Assignment,
    Comparison,
    Expression,
    Literal,
    Present,
    Rule,
    Variable,
    variables,
)
from citelog.run.arithmetic import compare
from citelog.run.result import value_of
from citelog.trial.implied import is_implied
from citelog.trial.joined import ROWS, join, needs, order
from citelog.values import Iri, Value, show

SIDES = {"below": "<", "at": "=", "above": ">"}
"""Where a value stands to a limit, and the sign that says so."""


def asking(rule: Rule, of: Shape) -> tuple[int, ...]:
    """The places of the literals that a record can make true or false.

    Left out are what merely looks a number up in the knowledge, computations, that there is a patient, that there is
    some conclusion of a kind of which there is always one, and premises that the others imply.
    """
    moved = _moved(rule, of.changing)
    found = []
    for position, literal in enumerate(rule.body):
        match literal:
            case Assignment():
                continue
            case Comparison():
                asks = bool(needs(literal) & moved)
            case Present() if literal.predicate in _always_one(of) and _is_open(literal, rule):
                asks = False
            case Present() | Absent() if literal.predicate in of.changing:
                asks = not (of.is_recorded(literal.predicate) and set(of.types(literal.predicate)) == {"patient"})
            case _:
                named = {a.name for a in literal.args if isinstance(a, Variable)}
                asks = bool(named) and named <= moved
        if asks and not is_implied(rule, position, of):
            found.append(position)
    return tuple(found)


@functools.lru_cache(maxsize=2048)
def _moved(rule: Rule, changing: frozenset[str]) -> frozenset[str]:
    """The variables of a rule that a record gives."""
    names: set[str] = set()
    for literal in rule.body:
        if isinstance(literal, Present) and literal.predicate in changing:
            names |= {arg.name for arg in literal.args if isinstance(arg, Variable)}
    for position in rule.plan:
        literal = rule.body[position]
        if isinstance(literal, Assignment) and variables(literal.expression) & names:
            names.add(literal.variable)
    return frozenset(names)


def _always_one(of: Shape) -> set[str]:
    return {kind.predicate for kind in of.knowledge.kinds if kind.exactly_one}


def _is_open(literal: Present, rule: Rule) -> bool:
    """Whether a premise holds of any value: no other premise, computation or constant says which."""
    others = {part.variable for part in rule.body if isinstance(part, Assignment)}
    for part in rule.body:
        if isinstance(part, Present) and part is not literal:
            others |= needs(part)
    return all(isinstance(arg, Variable) and arg.name not in others for arg in literal.args[1:])


@dataclass(frozen=True, slots=True)
class Measured:
    """A comparison that has an order: the value that is measured, and the limit, from the knowledge if `is_fixed`."""

    value: Expression
    limit: Expression
    is_fixed: bool

    @classmethod
    def of(cls, rule: Rule, position: int, shape_: Shape) -> Measured | None:
        """The literal at a place of a rule; None where it is no such comparison."""
        literal = rule.body[position]
        if not isinstance(literal, Comparison) or literal.operator in ("=", "!="):
            return None
        moved = _moved(rule, shape_.changing)
        if not variables(literal.left) & moved:
            return cls(literal.right, literal.left, True)
        return cls(literal.left, literal.right, not variables(literal.right) & moved)

    def limits(self, rule: Rule, of: Shape, model: Model | None) -> list[str]:
        """The limits that a rule or the statements give; one without a name where the record gives both sides."""
        if not self.is_fixed:
            return [""]
        names = variables(self.limit)
        values = {value_of(self.limit, {})} if not names else set()
        if names and model is not None:
            rows = join(order(_about(names, rule, of)), model)
            values = {value_of(self.limit, row) for row in islice(rows, ROWS) if names <= row.keys()}
        return [_named(value) for value in sorted((v for v in values if v is not None), key=_sorting)]

    def stands(self, row: Mapping[str, Value]) -> tuple[str, str]:
        """The limit, where it has a name, and on which side of it the value stands; no side without a value."""
        value, limit = value_of(self.value, row), value_of(self.limit, row)
        if value is None or limit is None:
            return "", ""
        side = next(side for side, sign in SIDES.items() if compare(sign, value, limit))
        return (_named(limit) if self.is_fixed else ""), side


def _about(names: frozenset[str], rule: Rule, of: Shape) -> tuple[Literal, ...]:
    """The premises about the knowledge that some variables come from, and those that share variables with these."""
    fixed = [part for part in rule.body if isinstance(part, Present) and part.predicate not in of.changing]
    moved, known, found = _moved(rule, of.changing), set(names), []
    while more := [part for part in fixed if part not in found and needs(part) & known]:
        found += more
        known |= {name for part in more for name in needs(part)}
    computed = [p for p in rule.body if isinstance(p, Assignment) and p.variable in names and p.variable not in moved]
    return (*found, *computed)


def _named(value: Value) -> str:
    return number(value) if isinstance(value, Decimal) else show(value)


def _sorting(value: Value) -> tuple[str, Any]:
    return ("", value) if not isinstance(value, Iri | str) else (type(value).__name__, str(value))
