"""Numbers and days that a record leaves open, and what comes of computing with them.

An expression over one unknown is a straight line, so a comparison changes its answer at one point at most: a cut.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from citelog.rules.program import Rule
from citelog.values import Value


class UndecidedError(Exception):
    """A rule that asks what pictures do not tell; the message says what it asks, and `rule` which it is."""

    def __init__(self, asks: str, rule: Rule | None = None) -> None:
        self.asks, self.rule = asks, rule
        super().__init__(f"{rule.span}: rule {rule.name} {asks}" if rule else asks)


@dataclass(frozen=True, slots=True, order=True)
class Unknown:
    """A number or day of some entry: its family, and the predicate and place that give it.

    `latest` names the greatest or least of many days, where it is no single entry's own.
    """

    family: str
    predicate: str
    place: int
    is_day: bool
    latest: str = ""
    detached: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A sum of unknowns with factors, and an offset; days count from the calendar's first."""

    terms: tuple[tuple[Unknown, Fraction], ...]
    offset: Fraction
    is_day: bool

    @property
    def alone(self) -> Unknown:
        """The one unknown."""
        return self.terms[0][0]


@dataclass(frozen=True, slots=True)
class Any_:
    """A value of which nothing need be known, since there are finitely many (a sum or count of terms)."""


ANY = Any_()
Open = Value | Line | Any_


def line(value: Open) -> Line:
    """A value as a line; raises UndecidedError where it is neither a number nor a day."""
    if isinstance(value, Line):
        return value
    if isinstance(value, datetime.date):
        return Line((), Fraction(value.toordinal()), True)
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return Line((), Fraction(value), False)
    raise UndecidedError("computes with what is neither a number nor a day")


def check_countable(*values: Open) -> None:
    """Refuse a count or sum beside a number of the record: only what is known can be told apart from it."""
    if any(isinstance(value, Line) and value.terms for value in values):
        raise UndecidedError("sets a count or a sum against a number of the record")


def evaluate(operator: str, left: Open, right: Open) -> Open:
    """One step of arithmetic over what is open."""
    if left is ANY or right is ANY:
        check_countable(left, right)
        return ANY
    a, b = line(left), line(right)
    if a.terms and b.terms and any(u.detached for u, _ in (*a.terms, *b.terms)):
        raise UndecidedError("computes with numbers or days of two entries")
    if operator in "+-":
        sign = 1 if operator == "+" else -1
        terms: dict[Unknown, Fraction] = dict(a.terms)
        for unknown, factor in b.terms:
            terms[unknown] = terms.get(unknown, Fraction()) + sign * factor
        is_day = a.is_day != b.is_day
        return _made(terms, a.offset + sign * b.offset, is_day)
    if operator == "*":
        if a.terms and b.terms:
            raise UndecidedError("multiplies two numbers of the record")
        one, other = (a, b) if a.terms else (b, a)
        return _made({u: f * other.offset for u, f in one.terms}, one.offset * other.offset, False)
    if b.terms:
        raise UndecidedError("divides by a number of the record")
    if b.offset == 0:
        raise UndecidedError("divides by zero")
    quotients = (a.offset / b.offset, *(f / b.offset for _, f in a.terms))
    if any(not u.is_day for u, _ in a.terms) or not all(map(_ends, quotients)):
        raise UndecidedError("divides so that the result has to be rounded")  # a record's number has any length
    return _made({u: f / b.offset for u, f in a.terms}, a.offset / b.offset, False)


def _ends(number: Fraction) -> bool:
    """Whether the number has finitely many decimal places."""
    rest = number.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1


def _made(terms: Mapping[Unknown, Fraction], offset: Fraction, is_day: bool) -> Line:
    return Line(tuple(sorted((u, f) for u, f in terms.items() if f)), offset, is_day)
