"""Between which bounds a recorded value leaves all that the rules say as it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from citelog.explain.model import Model, Shape
from citelog.explain.near import Nearby, is_known
from citelog.explain.origin import NEGATED, Bound, exact, line, solve
from citelog.rules.program import (
    Comparison,
    Literal,
    Present,
    Rule,
    Variable,
)
from citelog.run.arithmetic import compare
from citelog.run.result import Run, value_of
from citelog.values import Value


def bounds(shape: Shape, model: Model, predicate: str, record: Value | None) -> Iterator[Bound]:
    """Between which bounds a recorded value leaves every comparison that looks at it as it is.

    The value is that of the facts of a predicate, of one record where it is named. Comparisons that fail count as
    much as those that hold, wherever nothing but comparisons keeps their rule from firing.
    """
    near = Nearby(shape, model)
    for rule in (rule for rules in shape.rules.values() for rule in rules):
        comparisons = [literal for literal in rule.body if isinstance(literal, Comparison)]
        if comparisons and rule.predicate in shape.changing:
            for row in _rows(near, rule, record):
                for literal in comparisons:
                    yield from _bound(literal, row, rule.body, model.run, predicate, record)


def _rows(near: Nearby, rule: Rule, record: Value | None) -> Iterator[Mapping[str, Value]]:
    """The bindings under which all of a rule holds but for its comparisons, of one record where it has one."""
    names = {
        arg.name
        for literal in rule.body
        if isinstance(literal, Present)
        for arg, type_ in zip(literal.args, near.shape.types(literal.predicate), strict=True)
        if isinstance(arg, Variable) and type_ == "record"
    }
    given = {names.pop(): record} if len(names) == 1 and record is not None else {}
    others = tuple(literal for literal in rule.body if not isinstance(literal, Comparison))
    rest = replace(rule, body=others, plan=tuple(_order(rule, others)))
    yield from (found.bindings for found in near.ways(rest, given) if not found.failed)


def _bound(
    literal: Comparison,
    row: Mapping[str, Value],
    body: tuple[Literal, ...],
    run: Run,
    predicate: str,
    record: Value | None,
) -> Iterator[Bound]:
    if not (is_known(literal.left, row) and is_known(literal.right, row)):
        return
    left, right = value_of(literal.left, row), value_of(literal.right, row)
    if left is None or right is None:
        return
    operator = literal.operator if compare(literal.operator, left, right) else NEGATED[literal.operator]
    found = solve(operator, *(line(side, row, body, run, predicate) for side in (literal.left, literal.right)))
    if found is None or (record is not None and run.record(found.fact) != record):
        return
    now = exact(found.fact.args[found.place])
    signs = ("<=", ">=") if found.sign == "=" else (found.sign,)
    if found.sign == "!=" and now is not None:
        signs = ("<",) if now < found.limit else (">",)
    yield from (replace(found, sign=sign) for sign in signs)


def _order(rule: Rule, literals: tuple[Literal, ...]) -> Iterator[int]:
    """The running order of some of a rule's literals, as places among these."""
    for position in rule.plan:
        if rule.body[position] in literals:
            yield literals.index(rule.body[position])
