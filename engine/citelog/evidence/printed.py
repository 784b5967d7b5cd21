"""Numbers as a document prints them, in figures.

A document has one sign before its decimals, a full stop or a comma; the other sets off thousands, where three figures
stand behind each.
"""

from __future__ import annotations

import re
from decimal import Decimal

STOP, COMMA = ".", ","
SIGNS = (STOP, COMMA)
"""The signs that stand before decimals."""


def figure(sign: str) -> str:
    """A pattern for a number in figures, in a document whose decimals stand behind this sign."""
    thousands, decimals = (re.escape(one) for one in (other_sign(sign), sign))
    grouped = rf"[1-9]\d{{0,2}}(?:{thousands}\d{{3}})+(?!{thousands}?\d)"
    return rf"(?:{grouped}|\d+)(?:{decimals}\d+)?"


def number(written: str, sign: str) -> Decimal:
    """The number that a figure means.

    >>> number("150,000", "."), number("0,5", ","), number("1.200,5", ",")
    (Decimal('150000'), Decimal('0.5'), Decimal('1200.5'))
    """
    return Decimal(written.replace(other_sign(sign), "").replace(sign, STOP))


def figures(text: str, sign: str) -> set[Decimal]:
    """Every number that a text prints in figures.

    >>> sorted(figures("below 150,000 for 1,8 or 0.5 days", ".")), sorted(figures("unter 150.000 oder 0,5", ","))
    ([Decimal('0.5'), Decimal('1'), Decimal('8'), Decimal('150000')], [Decimal('0.5'), Decimal('150000')])
    """
    return {number(found, sign) for found in re.findall(figure(sign), text)}


def other_sign(sign: str) -> str:
    """The sign that is not before decimals."""
    return COMMA if sign == STOP else STOP
