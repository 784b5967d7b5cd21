"""What a program means, computed in the most obvious way: try every combination of facts, again and again.

Slow, and independent of citelog.run: strata by raising levels, arithmetic on fractions, no index and no pyDatalog.
A value is held as (its type, itself), so that 1, 1.0, true and "1" cannot be taken for one another.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any

from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Operation,
    Present,
    Program,
    Rule,
    Variable,
)
from citelog.values import Atom, Iri, Value

Held = tuple[str, Any]
Fact = tuple[Held, ...]
Model = dict[str, set[Fact]]
Row = dict[str, Held]


@lru_cache(maxsize=10_000, typed=True)
def held(value: Value) -> Held:
    """A value with its type.

    >>> held(Decimal("1.50")), held(True)
    (('number', Fraction(3, 2)), ('boolean', True))
    """
    match value:
        case bool():
            return "boolean", value
        case int():
            return "integer", value
        case Decimal():
            return "number", Fraction(value)
        case str():
            return "text", value
        case Iri():
            return "term", value.value
        case _:
            return "date", value


def fact(atom: Atom) -> Fact:
    """The arguments of an atom."""
    return tuple(held(a) for a in atom.args)


def model(program: Program, given: Iterable[Atom]) -> Model:
    """Every fact that holds."""
    facts: Model = {name: set() for name in program.predicates}
    for atom in given:
        facts[atom.predicate].add(fact(atom))
    levels = strata(program)
    for level in sorted(set(levels.values())):
        rules = [rule for rule in program.rules if levels[rule.predicate] == level]
        while rules:
            new = [(rule.predicate, head) for rule in rules for head in heads(rule, facts)]
            grown = {predicate for predicate, head in new if head not in facts[predicate]}
            for predicate, head in new:
                facts[predicate].add(head)
            # what reads nothing that has grown says what it said
            rules = [r for r in program.rules if levels[r.predicate] == level and not grown.isdisjoint(reads(r))]
    return facts


def reads(rule: Rule) -> set[str]:
    """The predicates in the body of a rule."""
    return {literal.predicate for literal in rule.body if isinstance(literal, Present | Absent)}


def strata(program: Program) -> dict[str, int]:
    """A level for each predicate: no lower than what its rules read, higher than what they negate or count."""
    level = dict.fromkeys(program.predicates, 0)
    for _ in range(len(level) + 1):
        before = dict(level)
        for rule in program.rules:
            for literal in rule.body:
                if isinstance(literal, Present | Absent):
                    strict = isinstance(literal, Absent) or rule.aggregate is not None
                    level[rule.predicate] = max(level[rule.predicate], level[literal.predicate] + strict)
        if level == before:
            return level
    raise ValueError("not stratified")


def heads(rule: Rule, facts: Model) -> set[Fact]:
    """What a rule derives from the facts as they are."""
    groups: dict[tuple[Held | None, ...], list[Row]] = {}
    for row in rows(rule, facts):
        key = tuple(
            row[a.name] if isinstance(a, Variable) else held(a.value) if isinstance(a, Constant) else None
            for a in rule.args
        )
        groups.setdefault(key, []).append(row)
    return {
        tuple(aggregated(rule.aggregate, group) if k is None and rule.aggregate else k for k in key)  # type: ignore[misc]
        for key, group in groups.items()
    }


def aggregated(aggregate: Aggregate, group: list[Row]) -> Held:
    """The first variable of an aggregate over the distinct tuples of all its variables."""
    distinct = {tuple(row[v] for v in aggregate.variables) for row in group}
    if aggregate.function == "count":
        return "integer", len(distinct)
    first = [t[0] for t in distinct]
    values = [v for _, v in first]
    chosen = {"sum": sum, "min": min, "max": max}[aggregate.function](values)
    return first[0][0], chosen


def rows(rule: Rule, facts: Model) -> Iterator[Row]:
    """Every way to make the body of a rule true, as a value for each of its variables."""
    found: Iterable[Row] = [{}]
    for literal in rule.body:
        if isinstance(literal, Present):
            found = joined(found, literal, facts[literal.predicate])
    rest = [x for x in rule.body if not isinstance(x, Present)]
    for row in found:
        full = satisfied(rest, row, facts)
        if full is not None:
            yield full


def joined(before: Iterable[Row], literal: Present, candidates: set[Fact]) -> Iterator[Row]:
    """Each row with each fact that fits it."""
    for row in before:
        for candidate in candidates:
            more = matched(literal.args, candidate, row)
            if more is not None:
                yield more


def matched(args: tuple[Variable | Constant, ...], candidate: Fact, row: Row) -> Row | None:
    """The row with what a fact adds to it; None where they do not fit."""
    more = dict(row)
    for arg, value in zip(args, candidate, strict=True):
        if (more.setdefault(arg.name, value) if isinstance(arg, Variable) else held(arg.value)) != value:
            return None
    return more


def satisfied(rest: list[Any], row: Row, facts: Model) -> Row | None:
    """The row with every assignment made, if every comparison and absence holds."""
    waiting, row = [x for x in rest if isinstance(x, Assignment)], dict(row)
    while waiting:
        literal = next(x for x in waiting if variables(x.expression) <= row.keys())
        value = computed(literal.expression, row)
        if value is None:
            return None
        row[literal.variable] = value
        waiting.remove(literal)
    for literal in rest:
        if isinstance(literal, Comparison) and not compared(literal, row):
            return None
        if isinstance(literal, Absent) and any(
            matched(literal.args, f, row) is not None for f in facts[literal.predicate]
        ):
            return None
    return row


def variables(expression: Expression) -> set[str]:
    """The variables of an expression."""
    match expression:
        case Variable(name):
            return {name}
        case Operation(_, left, right):
            return variables(left) | variables(right)
        case _:
            return set()


def computed(expression: Expression, row: Row) -> Held | None:
    """The value of an expression; None where it has none."""
    match expression:
        case Variable(name):
            return row[name]
        case Constant(value):
            return held(value)
        case Operation(sign, left, right):
            a, b = computed(left, row), computed(right, row)
            return None if a is None or b is None else step(sign, a, b)


def step(sign: str, a: Held, b: Held) -> Held | None:
    """One operation."""
    if a[0] == "date":
        if b[0] == "date":
            return "integer", a[1].toordinal() - b[1].toordinal()
        day = a[1].toordinal() + (b[1] if sign == "+" else -b[1])
        return ("date", datetime.date.fromordinal(day)) if 1 <= day <= datetime.date.max.toordinal() else None
    type_ = "integer" if a[0] == b[0] == "integer" else "number"
    if sign == "/":
        return None if b[1] == 0 else ("number", rounded(Fraction(a[1]) / b[1]))
    result = {"+": a[1] + b[1], "-": a[1] - b[1], "*": a[1] * b[1]}[sign]
    return type_, result if type_ == "integer" else Fraction(result)


def rounded(value: Fraction, digits: int = 34) -> Fraction:
    """A fraction to so many significant decimal digits, ties to even.

    >>> rounded(Fraction(2, 3), 2), rounded(Fraction(125, 1000), 2), rounded(Fraction(-1, 8), 5)
    (Fraction(67, 100), Fraction(3, 25), Fraction(-1, 8))
    """
    if value == 0:
        return value
    scale = Fraction(1)
    while abs(value) * scale >= 10**digits:
        scale /= 10
    while abs(value) * scale < 10 ** (digits - 1):
        scale *= 10
    return Fraction(round(value * scale)) / scale


def compared(literal: Comparison, row: Row) -> bool:
    """Whether a comparison holds; never where a side has no value."""
    left, right = computed(literal.left, row), computed(literal.right, row)
    if left is None or right is None:
        return False
    if literal.operator in ("=", "!="):
        return (left == right) == (literal.operator == "=")
    a, b = left[1], right[1]
    return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[literal.operator]
