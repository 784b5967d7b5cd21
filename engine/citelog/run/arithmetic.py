"""Arithmetic and comparison as the language defines them: exact and typed.

Sums, differences and products of decimals are exact: where one had more than 100,000 digits, which nothing comes to
that a record can hold, an error is raised rather than a digit lost. A quotient is rounded half-even to 34 significant
digits (IEEE 754 decimal128). A division by zero has no value, so the literal does not hold.
"""

from __future__ import annotations

import datetime
import operator
from collections.abc import Callable, Iterable
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, Inexact
from typing import Any

from citelog.values import Value

_EXACT = Context(prec=100_000, Emin=MIN_EMIN, Emax=MAX_EMAX, traps=[Inexact])
_QUOTIENT = Context(prec=34, rounding=ROUND_HALF_EVEN)
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def evaluate(sign: str, left: Value, right: Value) -> Value | None:
    """One step of arithmetic; None where there is no value. Nought has no sign.

    >>> evaluate("+", Decimal("0.1"), Decimal("0.2")), evaluate("/", Decimal(1), 0), evaluate("*", 0, Decimal(-7))
    (Decimal('0.3'), None, Decimal('0'))
    >>> evaluate("-", datetime.date(2026, 3, 15), datetime.date(2026, 3, 1))
    14
    """
    if isinstance(left, datetime.date):
        try:
            if isinstance(right, datetime.date):
                return (left - right).days
            days = datetime.timedelta(days=int(right))  # type: ignore[arg-type]
            return left + days if sign == "+" else left - days
        except OverflowError:
            return None
    if isinstance(left, int) and isinstance(right, int):
        match sign:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
    a, b = Decimal(left), Decimal(right)  # type: ignore[arg-type]
    match sign:
        case "+":
            found = _EXACT.add(a, b)
        case "-":
            found = _EXACT.subtract(a, b)
        case "*":
            found = _EXACT.multiply(a, b)
        case _:
            if b == 0:
                return None
            found = _QUOTIENT.divide(a, b)
    return found or found.copy_abs()


def compare(sign: str, left: Value, right: Value) -> bool:
    """Whether a comparison holds: numbers by value, everything else by identity within its type.

    >>> compare("<", Decimal("6.999999999"), 7), compare("=", True, 1), compare("=", 1, Decimal("1.0"))
    (True, False, True)
    """
    if isinstance(left, bool) != isinstance(right, bool) or isinstance(left, str) != isinstance(right, str):
        return sign == "!="
    return _SIGNS[sign](left, right)


def aggregate(function: str, values: Iterable[Value]) -> Value:
    """`count`, `sum`, `min` or `max` of at least one value.

    >>> aggregate("sum", [Decimal("0.1"), Decimal("0.2")]), aggregate("max", [3, 7]), aggregate("count", ["a", "b"])
    (Decimal('0.3'), 7, 2)
    """
    items: list[Any] = list(values)
    match function:
        case "count":
            return len(items)
        case "sum":
            total: Any = items[0]
            for item in items[1:]:
                total = evaluate("+", total, item)
            return total  # type: ignore[no-any-return]
        case "min":
            return min(items)  # type: ignore[no-any-return]
        case _:
            return max(items)  # type: ignore[no-any-return]
