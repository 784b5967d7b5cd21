"""What follows from a program and facts, worked out in the most obvious way: the checker's own opinion.

No plan, no pyDatalog: every rule, over every combination of facts, until nothing new comes; values are compared and
computed here, not in citelog.run. Every place of a predicate has one declared type, so 1, 1.0, true and "1" never meet.
"""

from __future__ import annotations

import datetime
import decimal
import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Literal,
    Operation,
    Present,
    Program,
    Rule,
    Variable,
)
from citelog.values import Atom, Value

Row = Mapping[str, Any]
"""A value for each variable of a rule."""


_EXACT = decimal.Context(100_000, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[decimal.Inexact])
_QUOTIENT = decimal.Context(34, decimal.ROUND_HALF_EVEN)
_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def value_of(expression: Expression, row: Row) -> Any:
    """What an expression comes to for a row; None where it has no value."""
    match expression:
        case Variable(name):
            return row[name]
        case Operation(sign, left, right):
            a, b = value_of(left, row), value_of(right, row)
            return None if a is None or b is None else computed(sign, a, b)
        case _:
            return expression.value


def computed(sign: str, a: Any, b: Any) -> Any:
    """One operation: exact, a quotient to 34 digits; None for a division by nought and for a day out of the calendar.

    >>> computed("+", Decimal("0.1"), Decimal("0.2")), computed("/", Decimal(1), 0)
    (Decimal('0.3'), None)
    """
    if isinstance(a, datetime.date):
        if isinstance(b, datetime.date):
            return a.toordinal() - b.toordinal()
        day = a.toordinal() + (b if sign == "+" else -b)
        return datetime.date.fromordinal(day) if 1 <= day <= datetime.date.max.toordinal() else None
    if sign == "/":
        return None if b == 0 else _QUOTIENT.divide(Decimal(a), Decimal(b))
    with decimal.localcontext(_EXACT):
        return _ARITHMETIC[sign](a, b)


def compares(sign: str, a: Any, b: Any) -> bool:
    """Whether a comparison holds; never where a side has no value. Only what has one type can be the same.

    >>> compares("<", Decimal("6.999999999"), 7), compares("=", 1, True), compares("!=", 1, True)
    (True, False, True)
    """
    if a is None or b is None:
        return False
    return _ORDER[sign](a, b) if sign in _ORDER else (type(a) is type(b) and a == b) == (sign == "=")


def total(function: str, values: Iterable[Any]) -> Any:
    """What an aggregate makes of its values, of which there is at least one."""
    match function:
        case "count":
            return len(list(values))
        case "sum":
            return functools.reduce(functools.partial(computed, "+"), values)
        case _:
            return min(values) if function == "min" else max(values)


@dataclass(frozen=True, slots=True, eq=False)
class Firing:
    """One rule that holds for one row of bindings; for each row of a group, where its head counts."""

    rule: Rule
    rows: tuple[Row, ...]
    head: Atom


@dataclass(slots=True)
class Model:
    """Every fact that holds, with the pass in which it first did, and every firing by its conclusion."""

    held: dict[Atom, int] = field(default_factory=dict)
    firings: dict[Atom, list[Firing]] = field(default_factory=dict)
    index: dict[tuple[str, int, Value | None], list[tuple[Value, ...]]] = field(default_factory=dict)
    used: dict[Atom, list[Atom]] = field(default_factory=dict)
    circles: dict[Atom, frozenset[Atom]] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Program, facts: Iterable[Atom]) -> Model:
        """The model of a program over given facts: its components one after the other, then all firings.

        Raises ValueError where the components stood in a wrong order: some rule gives what is not held, or something
        held has no reason.
        """
        model, turn = cls(), 0
        for atom in facts:
            model.add(atom, turn)
        for component in (*program.fixed, *program.open):
            new = True
            while new:
                turn += 1
                heads = [f.head for number in component.rules for f in model.fires(program.rules[number])]
                new = sum(model.add(head, turn) for head in heads) > 0 and component.recursive
        for rule in program.rules:
            for firing in model.fires(rule):
                model.firings.setdefault(firing.head, []).append(firing)
        closed = model.firings.keys() <= model.held.keys()
        if not closed or not all(model.is_reasoned(atom) for atom, turn in model.held.items() if turn):
            raise ValueError("the components of the program are not in an order in which they can be run")
        return model

    def add(self, atom: Atom, turn: int) -> bool:
        """Make a fact known; False if it was."""
        if atom in self.held:
            return False
        self.held[atom] = turn
        for key in ((-1, None), *enumerate(atom.args)):
            self.index.setdefault((atom.predicate, *key), []).append(atom.args)
        return True

    def fires(self, rule: Rule) -> list[Firing]:
        """Every firing of a rule over the facts as they are."""
        groups: dict[tuple[Any, ...], list[Row]] = {}
        for row in self.rows([x for x in rule.body if isinstance(x, Present)], {}):
            for position in rule.plan:
                literal = rule.body[position]
                if isinstance(literal, Assignment):
                    row[literal.variable] = value_of(literal.expression, row)
            if all(self.holds(literal, row) for literal in rule.body):
                head = tuple(None if isinstance(a, Aggregate) else _at(a, row) for a in rule.args)
                groups.setdefault(head if rule.aggregate else (*head, len(groups)), []).append(row)
        firings = []
        for key, rows in groups.items():
            args = key[: len(rule.args)]
            if counted := rule.aggregate:
                distinct = {tuple(row[v] for v in counted.variables) for row in rows}
                value = total(counted.function, [first for first, *_ in distinct])
                args = tuple(value if a is None else a for a in args)
            firings.append(Firing(rule, tuple(rows), Atom(rule.predicate, args)))
        return firings

    def rows(self, premises: Sequence[Present], row: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Every way to extend a row so that all premises are facts."""
        if not premises:
            yield dict(row)
            return
        for args in self.candidates(premises[0], row):
            more = _matched(premises[0].args, args, row)
            if more is not None:
                yield from self.rows(premises[1:], more)

    def candidates(self, literal: Present | Absent, row: Row) -> Sequence[tuple[Value, ...]]:
        """Facts among which all that fit a literal are: those with the rarest of its bound arguments."""
        bound = [(i, value) for i, a in enumerate(literal.args) if (value := _at(a, row)) is not None]
        return min((self.index.get((literal.predicate, *key), ()) for key in [(-1, None), *bound]), key=len)

    def atoms(self, predicate: str) -> list[Atom]:
        """Every fact of a predicate."""
        return [Atom(predicate, args) for args in self.index.get((predicate, -1, None), ())]

    def holds(self, literal: Literal, row: Row) -> bool:
        """Whether a literal holds for a row; an anonymous variable of a negated one stands for anything."""
        match literal:
            case Present():
                return premise(literal, row) in self.held
            case Absent():
                return all(_matched(literal.args, args, row) is None for args in self.candidates(literal, row))
            case Comparison(sign, left, right):
                return compares(sign, value_of(left, row), value_of(right, row))
            case _:
                return row[literal.variable] is not None

    def under(self, atom: Atom) -> tuple[tuple[Atom, ...], tuple[Firing, ...]]:
        """Every fact and every firing that a whole proof of a fact has."""
        facts, firings = {atom: None}, list[Firing]()
        for fact in (queue := [atom]):
            for firing in self.ways(fact):
                firings.append(firing)
                queue += [p for p in dict.fromkeys(premises(firing)) if p not in facts]
                facts |= dict.fromkeys(premises(firing))
        return tuple(facts), tuple(firings)

    def ways(self, atom: Atom) -> list[Firing]:
        """The firings of a fact whose premises held before it or never rest on it: nothing is a reason for itself."""
        return [
            firing
            for firing in self.firings.get(atom, ())
            if all(self.held[p] < self.held[atom] or p not in self.circle(atom) for p in premises(firing))
        ]

    def is_reasoned(self, atom: Atom) -> bool:
        """Whether some firing gives a fact from what held before it."""
        return any(
            all(self.held[p] < self.held[atom] for p in premises(firing)) for firing in self.firings.get(atom, ())
        )

    def circle(self, atom: Atom) -> frozenset[Atom]:
        """A fact and every other that it rests on and that rests on it."""
        if atom not in self.circles:
            if not self.used:
                for head, firings in self.firings.items():
                    for p in dict.fromkeys(p for firing in firings for p in premises(firing)):
                        self.used.setdefault(p, []).append(head)
            below, back = self.below(atom), {atom: None}
            for fact in (queue := [atom]):
                new = {head: None for head in self.used.get(fact, ()) if head in below and head not in back}
                queue += new
                back |= new
            self.circles |= dict.fromkeys(back, frozenset(back))
        return self.circles[atom]

    def below(self, atom: Atom) -> dict[Atom, None]:
        """A fact and every other that some way down from it comes to, through any firings."""
        seen = {atom: None}
        for fact in (queue := [atom]):
            new = {p: None for firing in self.firings.get(fact, ()) for p in premises(firing) if p not in seen}
            queue += new
            seen |= new
        return seen


def premise(literal: Present, row: Row) -> Atom:
    """The fact that a positive literal asks for."""
    return Atom(literal.predicate, arguments(literal, row))


def premises(firing: Firing) -> Iterator[Atom]:
    """The facts that a firing rests on."""
    for row in firing.rows:
        yield from (premise(x, row) for x in firing.rule.body if isinstance(x, Present))


def _at(arg: Variable | Constant, row: Row) -> Any:
    return row.get(arg.name) if isinstance(arg, Variable) else arg.value


def arguments(literal: Present | Absent, row: Row) -> tuple[Any, ...]:
    """The arguments of a literal for a row; None where an anonymous variable of a negated one stands for anything."""
    return tuple(_at(a, row) for a in literal.args)


def _matched(args: Sequence[Variable | Constant], values: Sequence[Value], row: Row) -> dict[str, Any] | None:
    """The row with what a fact adds to it; None where they do not fit."""
    more = dict(row)
    for arg, value in zip(args, values, strict=True):
        if (more.setdefault(arg.name, value) if isinstance(arg, Variable) else arg.value) != value:
            return None
    return more
