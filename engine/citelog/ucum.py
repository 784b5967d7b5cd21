"""Whether a unit's code is written as UCUM writes it, and what was probably meant where it is not.

UCUM's grammar is small, and here whole. Its some three hundred units are not: the table is UCUM's own to publish. So a
unit that is not among the common ones passes, unless it is so like one of them that it is a slip: `mcg` is `ug`,
`IU` is `[IU]`, `pmoll` is `pmol`.
"""

from __future__ import annotations

import re
from functools import cache

from citelog.diagnostics import nearest_name

PREFIXES = ("Y", "Z", "E", "P", "T", "G", "M", "k", "h", "da", "d", "c", "m", "u", "n", "p", "f", "a", "z", "y")
"""What may stand before a metric unit."""
METRIC = """
m s g rad K C cd mol sr Hz N Pa J W A V F Ohm S Wb Cel T H lm lx Bq Gy Sv l L ar t bar u eV kat U cal eq osm st Np B P
St Mx G Oe Gb sb Lmb ph Ci R Gal Bi Ky pc RAD REM gf dyn erg mho tex bit By Bd
"""
"""The metric units that need no brackets: the SI's, those that are used with it, and older ones."""
OTHERS = "% min h d a wk mo deg gon atm AU ' '' b att Ao g% cal_m sph circ bit_s mo_s mo_j mo_g a_t a_j a_g"
"""Units without brackets that no prefix stands before."""
_MEANT = {
    "mcg": "ug", "mcl": "uL", "mcmol": "umol", "gm": "g", "cc": "mL", "IU": "[IU]", "iU": "[iU]",
    "mIU": "m[IU]", "uIU": "u[IU]", "kIU": "k[IU]", "mmHg": "mm[Hg]", "pH": "[pH]", "degC": "Cel",
    "sec": "s", "secs": "s", "second": "s", "seconds": "s", "mins": "min", "minute": "min", "minutes": "min", "hr": "h",
    "hrs": "h", "hour": "h", "hours": "h", "day": "d", "days": "d", "week": "wk", "weeks": "wk", "month": "mo",
    "months": "mo", "yr": "a", "yrs": "a", "year": "a", "years": "a", "percent": "%", "litre": "L", "liter": "L",
    "gram": "g", "grams": "g", "mole": "mol", "moles": "mol", "lb": "[lb_av]", "oz": "[oz_av]",
}  # fmt: skip
"""What people write, and UCUM does not."""

_WORD = r"(?P<word>(?:\[[!-Z\\^-z|~]+\]|[A-Za-z%'_])+)"
_UNIT = rf"(?:(?:10[*^]|{_WORD})(?:[+-]?[1-9][0-9]*)?|[1-9][0-9]*)(?![^./(){{}}])"
_TOKEN = re.compile(rf"(?P<U>{_UNIT})|(?P<A>\{{[!-z|~]*\}})|[./()]")
_COMPONENT = r"(?:[UP]A*|A+)"
_TERM = rf"/?{_COMPONENT}(?:[./]{_COMPONENT})*"


def slip(code: str) -> tuple[str, str] | None:
    """What is wrong with a code, and the code as it was probably meant, if that can be told; None where nothing is.

    >>> slip("10*3/uL"), slip("mmol/(24.h)"), slip("[CFU]/mL")
    (None, None, None)
    >>> slip("mcg/L")
    ('mcg is no unit of UCUM', 'ug/L')
    >>> slip("pmoll/L")
    ('pmoll is no unit of UCUM', 'pmol/L')
    >>> slip("mg per dL")
    ('it is not written as UCUM writes units', '')
    """
    kinds, words, at = "", list[re.Match[str]](), 0
    while token := _TOKEN.match(code, at):
        kinds, at = kinds + (token.lastgroup or token[0]), token.end()
        words += [token] if token["word"] else []
    while (inner := re.sub(rf"\({_TERM}\)", "P", kinds)) != kinds:
        kinds = inner
    if at < len(code) or not re.fullmatch(_TERM, kinds):
        return "it is not written as UCUM writes units", ""
    for token in words:
        if meant := _meant(token["word"]):
            start, end = token.span("word")
            return f"{token['word']} is no unit of UCUM", f"{code[:start]}{meant}{code[end:]}"
    return None


def apart(code: str, printed: str) -> bool:
    """Whether a printed unit is another than a code: both are amounts that need no table to be told from each other.

    >>> apart("ug", "mg"), apart("mg/dL", "g/L"), apart("mL", "mg")
    (True, True, True)
    >>> apart("ug", "mcg"), apart("ug", "\u00b5g"), apart("mL", "ML"), apart("[iU]", "IU"), apart("mg", "tablet")
    (False, False, False, False, False)
    """
    one, other = _amounts(code), _amounts(printed)
    return bool(one and other) and one != other


def _amounts(text: str) -> tuple[str, ...]:
    """The amounts that a unit is made of, however they are spelt; none where it has something else in it."""
    parts = text.strip().replace("\u00b5", "u").replace("\u03bc", "u").split("/")
    found = tuple(_MEANT.get(part, part).casefold() for part in parts)
    return found if all(part in _plain() for part in found) else ()


@cache
def _plain() -> frozenset[str]:
    return frozenset(before + unit for before in ("", *"kdcmunp") for unit in ("g", "l", "mol"))


@cache
def _known() -> frozenset[str]:
    metric = METRIC.split()
    return frozenset((*metric, *OTHERS.split(), *(before + unit for before in PREFIXES for unit in metric)))


def _meant(word: str) -> str:
    """The unit that a word is a slip of; empty where it is a unit, or may be one."""
    if "[" in word or word in _known():
        return ""
    if word in _MEANT:
        return _MEANT[word]
    alike = sorted(one for one in _known() if one.casefold() == word.casefold())
    if alike:
        return min(alike, key=lambda one: (sum(a != b for a, b in zip(one, word, strict=True)), one))
    return nearest_name(word, _common()) if len(word) > 3 else ""


@cache
def _common() -> tuple[str, ...]:
    """The units with which one is compared that is like none: those of amounts in laboratories."""
    amounts = ("mol", "g", "L", "osm", "kat")
    return tuple(before + unit for before in ("", "m", "u", "n", "p", "f", "k") for unit in amounts)
