"""Figures as sentences print them, each with its unit; and what one unit is in another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from citelog.evidence.printed import SIGNS, STOP, figure, number
from citelog.vocab import folded_unit

_AND_SO = r"\s*[(=,]+\s*(?:or |i\.e\. )?"


def _measure(place: int, sign: str) -> str:
    """A pattern for a figure, or the two of a range, with a unit behind."""
    one = figure(sign)
    range_ = rf"(?P<low{place}>{one})(?:\s*(?:-|–|—|to|or|and)\s*(?P<high{place}>{one}))?"
    return rf"{range_}\s*(?P<unit{place}>[^\W\d_][\w%°]*(?:/[^\W\d_][\w%°]*)*|%)"


_APART = r"(?<![\w.])(?<!\d,)"
_PRINTED = {sign: re.compile(_APART + _measure(1, sign)) for sign in SIGNS}
_TWICE = {sign: re.compile(_APART + _measure(1, sign) + _AND_SO + _measure(2, sign)) for sign in SIGNS}

_PREFIXES = {"k": 3, "d": -1, "c": -2, "m": -3, "u": -6, "n": -9, "p": -12}
_BASES = frozenset(["g", "l", "mol", "iu", "eq", "osm", "kat", "cal", "j"])
_SPANS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}


@dataclass(frozen=True, slots=True)
class Printed:
    """A number, or the two of a range, with the unit that is printed behind it."""

    values: tuple[Decimal, ...]
    unit: str

    def __str__(self) -> str:
        return told(self.values, self.unit)


def told(values: tuple[Decimal, ...], unit: str = "") -> str:
    """A number or a range with its unit, without noughts that say nothing.

    >>> told((Decimal("2.0"), Decimal("3.5")), "mg"), told((Decimal("300.0"),))
    ('2–3.5 mg', '300')
    """
    return f"{'–'.join(f'{value.normalize():f}' for value in values)} {unit}".strip()


def printed(text: str, sign: str = STOP) -> list[Printed]:
    """Every figure of a text with what is printed behind it; `sign` stands before decimals.

    >>> [str(one) for one in printed("below 100-300 pmol/L (135-406 pg/mL), for 6 or 7 days")]
    ['100–300 pmol/L', '135–406 pg/mL', '6–7 days']
    """
    return [_read(match, 1, sign) for match in _PRINTED[sign].finditer(text)]


def printed_twice(text: str, sign: str = STOP) -> Iterator[tuple[Printed, Printed]]:
    """Every figure of a text that is followed by itself in another unit.

    >>> text = "below 100-300 pmol/L (135-406 pg/mL), for 2 weeks (14 days)"
    >>> [f"{one} = {other}" for one, other in printed_twice(text)]
    ['100–300 pmol/L = 135–406 pg/mL', '2 weeks = 14 days']
    """
    for match in _TWICE[sign].finditer(text):
        one, other = _read(match, 1, sign), _read(match, 2, sign)
        if len(one.values) == len(other.values) and plain_unit(one.unit) != plain_unit(other.unit):
            yield one, other


def _read(match: re.Match[str], place: int, sign: str) -> Printed:
    values = [match[f"low{place}"], match[f"high{place}"]]
    return Printed(tuple(number(v, sign) for v in values if v), match[f"unit{place}"])


def plain_unit(text: str) -> str:
    """A unit as it is compared: letter case, blanks and the plural of a word do not matter.

    >>> plain_unit("Weeks"), plain_unit("µg / L"), plain_unit("mcg")
    ('week', 'ug/l', 'ug')
    """
    folded = folded_unit(text)
    return folded[:-1] if len(folded) > 3 and folded.endswith("s") and "/" not in folded else folded


def ratio(one: str, other: str) -> Decimal | None:
    """How many of the other unit one unit is, where powers of ten or spans of time tell; None where they do not.

    >>> ratio("mg", "µg"), ratio("ng/mL", "ng/dL"), ratio("weeks", "days"), ratio("pmol/L", "pg/mL")
    (Decimal('1000'), Decimal('100'), Decimal('7'), None)
    """
    a, b = plain_unit(one), plain_unit(other)
    if a in _SPANS and b in _SPANS:
        return Decimal(_SPANS[a]) / Decimal(_SPANS[b])
    parts_a, parts_b = [_split(p) for p in a.split("/")], [_split(p) for p in b.split("/")]
    if [base for base, _ in parts_a] != [base for base, _ in parts_b] or any(not base for base, _ in parts_a):
        return None
    power = 0
    for i, ((_, up), (_, down)) in enumerate(zip(parts_a, parts_b, strict=True)):
        power += (up - down) * (1 if i == 0 else -1)
    return (Decimal(10) ** power).normalize() if power < 0 else Decimal(10**power)


def _split(unit: str) -> tuple[str, int]:
    """The base of a unit and its power of ten; no base where it is not known."""
    if unit in _BASES:
        return unit, 0
    if unit[:1] in _PREFIXES and unit[1:] in _BASES:
        return unit[1:], _PREFIXES[unit[0]]
    return "", 0
