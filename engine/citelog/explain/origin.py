"""Where a number or a date of a derivation comes from: a line `factor · x + offset` over one value of the record.

Conversions and differences in time are all that rules do with a recorded value before comparing it; a
comparison can therefore be solved for the value that the record would have to hold.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from citelog.rules.program import (
    Aggregate,
    Assignment,
    Constant,
    Expression,
    Literal,
    Operation,
    Present,
    Rule,
    Variable,
)
from citelog.run.result import Run, instance
from citelog.values import Atom, Value

Free = Callable[[Atom], bool]
"""Which of the facts that are given may say another value."""


@dataclass(frozen=True, slots=True)
class Line:
    """`factor · x + offset`, where x is the argument at `place` of a recorded fact; a constant where `fact` is None.

    Dates count as days.
    """

    offset: Fraction
    factor: Fraction = Fraction(0)
    fact: Atom | None = None
    place: int = 0

    @property
    def now(self) -> Fraction:
        """What it comes to with what is recorded."""
        x = None if self.fact is None else exact(self.fact.args[self.place])
        return self.offset + self.factor * (x or 0)

    def same_source(self, other: Line) -> bool:
        """Whether two lines are over the same recorded value."""
        return self.fact == other.fact and self.place == other.place


def line(
    expression: Expression, row: Mapping[str, Value], body: tuple[Literal, ...], run: Run, free: Free | None = None
) -> Line | None:
    """An expression of a rule, for one set of bindings, as a line; None where it is none.

    The line is over a value of the record, or over one of the facts that are `free`: all else is then a constant, as
    what was given with the call is in any case.
    """
    match expression:
        case Constant(value):
            return _constant(value)
        case Variable(name):
            return _variable(name, row, body, run, free)
        case Operation(operator, left, right):
            a, b = (line(side, row, body, run, free) for side in (left, right))
            return None if a is None or b is None else _combined(operator, a, b)


def _constant(value: Value) -> Line | None:
    number = exact(value)
    return None if number is None else Line(number)


def exact(value: Value) -> Fraction | None:
    """A number or a date (in days) as a fraction; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | Decimal):
        return Fraction(value)
    return Fraction(value.toordinal()) if isinstance(value, datetime.date) else None


def _variable(
    name: str, row: Mapping[str, Value], body: tuple[Literal, ...], run: Run, free: Free | None
) -> Line | None:
    if name not in row:
        return None
    for literal in body:
        if isinstance(literal, Assignment) and literal.variable == name:
            return line(literal.expression, row, body, run, free)
        if isinstance(literal, Present):
            for place, arg in enumerate(literal.args):
                if isinstance(arg, Variable) and arg.name == name:
                    return source(instance(literal, row), place, run, free)
    return None


def source(atom: Atom, place: int, run: Run, free: Free | None = None) -> Line | None:
    """Where an argument of a fact that holds comes from."""
    value = atom.args[place] if atom.args[place] is not None else None
    if value is None or exact(value) is None:
        return None
    if run.is_given(atom):
        moves = run.record(atom) is not None if free is None else free(atom)
        return Line(Fraction(0), Fraction(1), atom, place) if moves else _constant(value)
    for firing in run.firings(atom):
        arg = firing.rule.args[place]
        if isinstance(arg, Variable):
            return _variable(arg.name, firing.bindings, firing.rule.body, run, free)
        if isinstance(arg, Aggregate):
            return _extreme(arg, value, firing.rule, firing.rows, run, free)
    return _constant(value)


def _extreme(
    counted: Aggregate, value: Value, rule: Rule, rows: tuple[Mapping[str, Value], ...], run: Run, free: Free | None
) -> Line | None:
    """A maximum or minimum comes from the row that attains it; a sum or count from no single value."""
    if counted.function not in ("max", "min"):
        return None
    row = next(r for r in rows if r[counted.variables[0]] == value)
    return _variable(counted.variables[0], row, rule.body, run, free)


def _combined(operator: str, a: Line, b: Line) -> Line | None:
    if operator in "+-":
        if a.fact is not None and b.fact is not None and not a.same_source(b):
            return None
        sign = 1 if operator == "+" else -1
        over = a if a.fact is not None else b
        return Line(a.offset + sign * b.offset, a.factor + sign * b.factor, over.fact, over.place)
    if operator == "*" and (a.fact is None or b.fact is None):
        over, by = (a, b.offset) if b.fact is None else (b, a.offset)
        return Line(over.offset * by, over.factor * by, over.fact, over.place)
    if operator == "/" and b.fact is None and b.offset:
        return Line(a.offset / b.offset, a.factor / b.offset, a.fact, a.place)
    return None


_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
NEGATED = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "=": "!=", "!=": "="}


@dataclass(frozen=True, slots=True)
class Bound:
    """What a recorded value has to be: `sign` and a number (days, for a date)."""

    fact: Atom
    place: int
    sign: str
    limit: Fraction


def solve(operator: str, left: Line | None, right: Line | None) -> Bound | None:
    """The comparison as a bound on the recorded value in it; None where there is not exactly one."""
    if (
        left is None
        or right is None
        or (left.fact is not None and right.fact is not None and not left.same_source(right))
    ):
        return None
    factor, over = left.factor - right.factor, left if left.fact is not None else right
    if not factor or over.fact is None:
        return None
    limit = (right.offset - left.offset) / factor
    return Bound(over.fact, over.place, operator if factor > 0 else _FLIPPED[operator], limit)


def tightest(bounds: Iterable[Bound]) -> tuple[Bound | None, Bound | None]:
    """The highest lower bound and the lowest upper one; of two at one limit the one that leaves it out.

    >>> at_thirty = [Bound(Atom("size", ()), 0, sign, Fraction(30)) for sign in (">=", ">", "<=", "<")]
    >>> [bound.sign for bound in tightest(at_thirty) if bound]
    ['>', '<']
    """
    found = tuple(bounds)
    lower = (bound for bound in found if bound.sign in (">", ">="))
    upper = (bound for bound in found if bound.sign in ("<", "<="))
    return (
        max(lower, key=lambda bound: (bound.limit, bound.sign == ">"), default=None),
        min(upper, key=lambda bound: (bound.limit, bound.sign == "<="), default=None),
    )


def nearest(bound: Bound, now: Value) -> Value | None:
    """The value nearest to the limit that is within the bound, written no finer than limit and record need.

    >>> atom = Atom("size", ())
    >>> nearest(Bound(atom, 0, "<", Fraction(100)), Decimal("250"))
    Decimal('99')
    >>> nearest(Bound(atom, 0, "<", Fraction(1, 10)), Decimal("2"))
    Decimal('0.09')
    >>> nearest(Bound(atom, 0, ">=", Fraction(100)), Decimal("80.5"))
    Decimal('100')
    """
    if isinstance(now, datetime.date):
        day = (
            -(-bound.limit.numerator // bound.limit.denominator)
            if bound.sign in (">", ">=")
            else bound.limit.__floor__()
        )
        if bound.limit.denominator == 1 and bound.sign in ("<", ">", "!="):
            day += -1 if bound.sign == "<" else 1
        return datetime.date.fromordinal(day) if 0 < day <= datetime.date.max.toordinal() else None
    if not isinstance(now, Decimal):
        return None
    step = min(Fraction(1), Fraction(1, 10 ** _places(now)), Fraction(1, 10 ** _decimals(bound.limit)))
    while bound.limit and step * 10 > abs(bound.limit):
        step /= 10
    low = (bound.limit / step).__floor__() * step
    exactly = low == bound.limit
    value = {
        "<": low - step if exactly else low,
        "<=": low,
        ">": low + step,
        ">=": low if exactly else low + step,
        "=": bound.limit if exactly else None,
        "!=": low + step,
    }[bound.sign]
    return None if value is None else decimal(value)


def decimal(value: Fraction) -> Decimal | None:
    """A fraction as a decimal; None where it has no end."""
    digits = _decimals(value)
    return Decimal(int(value * 10**digits)).scaleb(-digits) if digits < 12 else None


def _decimals(value: Fraction) -> int:
    """The decimal places that a fraction needs; 12 where it has no end within them."""
    return next((n for n in range(12) if (value * 10**n).denominator == 1), 12)


def _places(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
