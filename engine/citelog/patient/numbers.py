"""What a recorded value says as a number: a plain decimal, a bound such as `<50`, or nothing that can be used.

Exact and strict: a comma may be a decimal or a thousands sign, a unit inside the value may contradict the unit
beside it, and a plus may be a finding ("+", "++"), so all of these are left unread rather than guessed at. Nothing is
rounded and nothing becomes a float.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

LONGEST = 400  # characters; no measurement is that long, and exact arithmetic on a million digits is an attack

_DECIMAL = r"-?[0-9]+(?:\.[0-9]+)?"
_PLAIN = re.compile(_DECIMAL)
_BOUND = re.compile(rf"(<=|>=|≤|≥|<|>)\s*({_DECIMAL})")


class Sign(Enum):
    """Which way a bound points; the values are local names of the engine's vocabulary."""

    LESS_THAN = "less_than"
    AT_MOST = "at_most"
    GREATER_THAN = "greater_than"
    AT_LEAST = "at_least"


_SIGNS = {
    "<": Sign.LESS_THAN, "<=": Sign.AT_MOST, "≤": Sign.AT_MOST,
    ">": Sign.GREATER_THAN, ">=": Sign.AT_LEAST, "≥": Sign.AT_LEAST,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reading:
    """A number, and the sign in front of it where it is only a bound."""

    number: Decimal
    sign: Sign | None = None


def reading(recorded: str | bool | None) -> Reading | None:
    """What a value says as a number; None where there is no value or no number can be read from it.

    >>> reading("80"), reading("1.10").number
    (Reading(number=Decimal('80'), sign=None), Decimal('1.10'))
    >>> reading("≤ 100")
    Reading(number=Decimal('100'), sign=<Sign.AT_MOST: 'at_most'>)
    >>> [reading(text) for text in ("1,5", "80 pmol/L", "+80", "haemolysed", "1e3", "NaN", "", None, True)]
    [None, None, None, None, None, None, None, None, None]
    """
    if not isinstance(recorded, str):
        return None
    text = recorded.strip()
    if len(text) > LONGEST:
        return None
    if _PLAIN.fullmatch(text):
        return Reading(_exact(text))
    if bound := _BOUND.fullmatch(text):
        return Reading(_exact(bound[2]), _SIGNS[bound[1]])
    return None


def _exact(text: str) -> Decimal:
    number = Decimal(text)
    return abs(number) if number.is_zero() else number  # -0 is 0


_NOTATION = re.compile(r"[+-]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE]([+-]?[0-9]{1,3}))?")


def written_out(number: str) -> str:
    """A number that YAML or JSON wrote in a notation of its own, as a plain decimal.

    Only for unquoted numbers: by the format's own rules `1.2e2` is the number 120, while the text "1.2e2" is
    whatever somebody typed. What is no finite number of reasonable size is returned as it stands.

    >>> written_out("1.2e2"), written_out(".5"), written_out("1.10"), written_out("1e999"), written_out("0x10")
    ('120', '0.5', '1.10', '1e999', '0x10')
    """
    notation = _NOTATION.fullmatch(number)
    if _PLAIN.fullmatch(number) or notation is None or len(number) > LONGEST:
        return number
    if notation[1] and abs(int(notation[1])) > LONGEST:
        return number
    return format(Decimal(number), "f")
