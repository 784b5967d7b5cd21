"""Between which bounds a recorded value leaves all that the rules say as it is."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace

from citelog.explain.model import Shape
from citelog.explain.near import Nearby, is_known
from citelog.explain.origin import NEGATED, Bound, Free, Line, exact, line, solve
from citelog.rules.program import (
    Aggregate,
    Comparison,
    Literal,
    Present,
    Rule,
    Variable,
)
from citelog.run.arithmetic import compare
from citelog.run.result import Run, value_of
from citelog.values import Atom, Value


def bounds(near: Nearby, predicate: str, record: Value | None) -> Iterator[Bound]:
    """Between which bounds a recorded value leaves every comparison that looks at it as it is.

    The value is that of the facts of a predicate, of one record where it is named. Comparisons that fail count as
    much as those that hold, wherever nothing but comparisons keeps their rule from firing. Where `near` is then `cut`,
    there may be others between these. That a value is not in some premise is no comparison.
    """
    run = near.model.run

    def free(fact: Atom) -> bool:
        return fact.predicate == predicate and record in (None, run.record(fact))

    changing = (rule for head, rules in near.shape.rules.items() if head in near.shape.changing for rule in rules)
    for rule in (_compared(rule, near.shape) for rule in changing):
        comparisons = [literal for literal in rule.body if isinstance(literal, Comparison)]
        for row in _rows(near, rule, record) if comparisons else ():
            for literal in comparisons:
                yield from _bound(literal, row, rule.body, run, free)
        for arg in rule.args:
            if isinstance(arg, Aggregate) and arg.function in ("max", "min"):
                rows = near.holding(rule, {})
                yield from _overtaken([line(Variable(arg.variables[0]), row, rule.body, run, free) for row in rows])


def _compared(rule: Rule, shape: Shape) -> Rule:
    """A rule with a comparison where two premises share a number or a date, which a record can change."""
    body: list[Literal] = []
    first: dict[str, bool] = {}  # each of these variables: whether a record can change its first premise
    equal: list[Literal] = []
    for literal in rule.body:
        if isinstance(literal, Present):
            args = list(literal.args)
            for place, type_ in enumerate(shape.types(literal.predicate)):
                arg, changes = args[place], literal.predicate in shape.changing
                if not isinstance(arg, Variable) or type_ not in ("number", "date"):
                    continue
                if arg.name in first and (first[arg.name] or changes):
                    args[place] = Variable(f"{arg.name} {len(body)} {place}")
                    equal.append(Comparison("=", arg, args[place]))
                first.setdefault(arg.name, changes)
            literal = replace(literal, args=tuple(args))
        body.append(literal)
    return replace(rule, body=(*body, *equal))


def _rows(near: Nearby, rule: Rule, record: Value | None) -> Iterator[Mapping[str, Value]]:
    """The bindings under which all of a rule holds but for its comparisons, of one record where it can be of no other.

    A value that is compared may be of the record although a premise names another: the last day of all, by a maximum.
    """
    names = {
        arg.name
        for literal in rule.body
        if isinstance(literal, Present)
        for arg, type_ in zip(literal.args, near.shape.types(literal.predicate), strict=True)
        if isinstance(arg, Variable) and type_ == "record"
    }
    given: dict[str, Value] = {}
    if len(names) == 1 and record is not None and not _measures_elsewhere(near.shape, rule, names):
        given = {names.pop(): record}
    others = tuple(literal for literal in rule.body if not isinstance(literal, Comparison))
    rest = replace(rule, body=others, plan=tuple(_order(rule, others)))
    yield from near.holding(rest, given)


def _measures_elsewhere(shape: Shape, rule: Rule, names: Set[str]) -> bool:
    """Whether a premise that names none of some records gives a number or a day that rules work out from a record."""
    return any(
        literal.predicate in shape.changing
        and not shape.is_recorded(literal.predicate)
        and not any(isinstance(arg, Variable) and arg.name in names for arg in literal.args)
        and any(
            isinstance(arg, Variable) and type_ in ("number", "date")
            for arg, type_ in zip(literal.args, shape.types(literal.predicate), strict=True)
        )
        for literal in rule.body
        if isinstance(literal, Present)
    )


def _bound(
    literal: Comparison, row: Mapping[str, Value], body: tuple[Literal, ...], run: Run, free: Free
) -> Iterator[Bound]:
    if not (is_known(literal.left, row) and is_known(literal.right, row)):
        return
    left, right = value_of(literal.left, row), value_of(literal.right, row)
    if left is None or right is None:
        return
    operator = literal.operator if compare(literal.operator, left, right) else NEGATED[literal.operator]
    yield from _solved(operator, *(line(side, row, body, run, free) for side in (literal.left, literal.right)))


def _overtaken(lines: Sequence[Line | None]) -> Iterator[Bound]:
    """Between which of the other values the value stays, of which a rule takes the greatest or the least."""
    moving = {one for one in lines if one is not None and one.fact is not None}
    others = {one for one in lines if one is not None and one.fact is None}
    for one, other in itertools.product(moving, others):
        operator = "<" if one.now < other.now else ">" if one.now > other.now else "="
        yield from _solved(operator, one, other)


def _solved(operator: str, left: Line | None, right: Line | None) -> Iterator[Bound]:
    found = solve(operator, left, right)
    if found is None:
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
