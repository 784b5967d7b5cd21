"""How often a medicine is given: phrases to "so many times in so many days, weeks, months or years".

A range counts by its low end, as recorded phrases such as "every 2–3 months" need one number. What could be
read in two ways ("biweekly", "3 weekly") is not read at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cache

LONGEST = 200  # characters; a longer text is a letter, not a phrase


@dataclass(frozen=True, slots=True)
class Frequency:
    """`times` in every `period` units; the unit is day, week, month or year."""

    times: Decimal
    period: Decimal
    unit: str


def frequency(phrase: str) -> Frequency | None:
    """How often a phrase says, or None where it cannot be read.

    >>> def show(f): return f and f"{f.times} in {f.period} {f.unit}"
    >>> show(frequency("three times a week")), show(frequency("every 2–3 months for life"))
    ('3 in 1 week', '1 in 2 month')
    >>> show(frequency("alternate days")), show(frequency("q8h")), show(frequency("as needed"))
    ('1 in 2 day', '3 in 1 day', None)
    >>> show(frequency("daily until better")), show(frequency("daily until better then weekly"))
    ('1 in 1 day', None)
    """
    if len(phrase) > LONGEST:
        return None
    text = _tidy(phrase)
    if text in _WORDS:
        times, period, unit = _WORDS[text]
        return Frequency(Decimal(times), Decimal(period), unit)
    for pattern, meaning in _patterns():
        if found := pattern.fullmatch(text):
            return meaning(found)
    return None


# --- one spelling for each thing ---------------------------------------------------------------------------------

_NUMBER_WORDS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_ORDINALS = {"other": 2, "alternate": 2, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6}
_UNITS = {
    "hour": (1, "hour"), "hr": (1, "hour"), "h": (1, "hour"),
    "day": (1, "day"), "d": (1, "day"),
    "week": (1, "week"), "wk": (1, "week"), "w": (1, "week"),
    "fortnight": (2, "week"),
    "month": (1, "month"), "mo": (1, "month"), "mth": (1, "month"),
    "quarter": (3, "month"),
    "year": (1, "year"), "yr": (1, "year"), "annum": (1, "year"),
}  # fmt: skip
_ADVERBS = {
    "hourly": "hour", "daily": "day", "nightly": "day", "weekly": "week", "fortnightly": "fortnight",
    "monthly": "month", "quarterly": "quarter", "yearly": "year", "annually": "year",
}  # fmt: skip

_ENDING = re.compile(
    r"[\s,]*(?:\(?(?:for life|lifelong|life-long)\)?|until [^;,]*"
    rf"|for [0-9a-z.]+(?:(?:-| to | or )[0-9a-z.]+)? (?:{'|'.join(_UNITS)})s?)$"
)
_CHANGES = {"then", "thereafter", "after", "afterwards", "followed"}  # words that say a second frequency follows


def _tidy(phrase: str) -> str:
    text = " ".join(phrase.split()).casefold().strip(" .")
    text = re.sub(r"\s*[-\u2010-\u2015\u2212]\s*", "-", text)
    return text if _CHANGES & set(re.findall(r"[a-z]+", text)) else _ENDING.sub("", text)


# --- what the phrases mean ---------------------------------------------------------------------------------------


def _low(text: str) -> Decimal:
    """The low end of a number or range; 0 where there is none that can be used."""
    ends = [
        Decimal(_NUMBER_WORDS.index(word) + 1) if word in _NUMBER_WORDS else Decimal(word)
        for word in re.split(r"\s*(?:-|\bto\b|\bor\b)\s*", text)
    ]
    return min(ends)


def _times(text: str | None) -> Decimal:
    if not text:
        return Decimal(1)
    if text in ("once", "twice", "thrice"):
        return Decimal(("once", "twice", "thrice").index(text) + 1)
    return _low(re.sub(r"\s*(?:times|time|x|×)$", "", text))


def _often(times: Decimal, count: Decimal, unit: str) -> Frequency | None:
    """`times` in `count` units; hours are turned into days exactly, and nothing happens zero times."""
    factor, base = _UNITS[unit.removesuffix("s")]
    if not times or not count:
        return None
    if base == "hour":
        share = Fraction(times) * 24 / (Fraction(count) * factor)
        return Frequency(Decimal(share.numerator), Decimal(share.denominator), "day")
    return Frequency(times, count * factor, base)


_WORDS = {
    **dict.fromkeys(("od", "o.d", "qd", "q.d", "mane", "nocte", "qhs", "every morning", "every evening",
                     "every night", "at night", "in the morning"), (1, 1, "day")),
    **dict.fromkeys(("bd", "b.d", "bid", "b.i.d"), (2, 1, "day")),
    **dict.fromkeys(("tds", "t.d.s", "tid", "t.i.d"), (3, 1, "day")),
    **dict.fromkeys(("qds", "q.d.s", "qid", "q.i.d"), (4, 1, "day")),
    **dict.fromkeys(("qod", "q.o.d", "eod", "alternate day", "alternate days", "on alternate days",
                     "on alternate day"), (1, 2, "day")),
    **dict.fromkeys(("alternate weeks", "on alternate weeks", "in alternate weeks"), (1, 2, "week")),
    **dict.fromkeys(("alternate months", "on alternate months", "in alternate months"), (1, 2, "month")),
}  # fmt: skip

_NUM = rf"(?:[0-9]{{1,4}}(?:\.[0-9]{{1,4}})?|{'|'.join(_NUMBER_WORDS)})"
_RANGE = rf"{_NUM}(?:(?:-| to | or ){_NUM})?"
_TIMES = rf"(?P<times>once|twice|thrice|{_RANGE}\s?(?:times|time|x|×))"
_COUNT = rf"(?P<count>{_RANGE})"
_UNIT = rf"(?P<unit>(?:{'|'.join(_UNITS)})s?)"
_ADVERB = rf"(?P<adverb>{'|'.join(_ADVERBS)})"

_Pattern = tuple[re.Pattern[str], Callable[[re.Match[str]], Frequency | None]]


@cache
def _patterns() -> tuple[_Pattern, ...]:
    """The phrases, compiled at the first one that is no plain word."""
    return (
        # daily; twice weekly
        (re.compile(rf"(?:{_TIMES} )?{_ADVERB}"),
         lambda m: _often(_times(m["times"]), Decimal(1), _ADVERBS[m["adverb"]])),
        # three times a week; 3x/week; once every month
        (re.compile(rf"{_TIMES}(?: (?:a|an|per|each|every|in a|in each) | ?/ ?){_UNIT}"),
         lambda m: _often(_times(m["times"]), Decimal(1), m["unit"])),
        # 3 per week
        (re.compile(rf"{_COUNT}(?: per | ?/ ?){_UNIT}"), lambda m: _often(_low(m["count"]), Decimal(1), m["unit"])),
        # every 2–3 months; once every two months; twice in 3 weeks
        (re.compile(rf"(?:(?:{_TIMES}|one) )?(?:every|each) {_COUNT} ?{_UNIT}"),
         lambda m: _often(_times(m["times"]), _low(m["count"]), m["unit"])),
        (re.compile(rf"{_TIMES} in (?:every )?{_COUNT} ?{_UNIT}"),
         lambda m: _often(_times(m["times"]), _low(m["count"]), m["unit"])),
        # every day; every other week; every third month
        (re.compile(rf"(?:(?:once|one) )?(?:every|each)(?: (?P<nth>{'|'.join(_ORDINALS)}))? {_UNIT}"),
         lambda m: _often(Decimal(1), Decimal(_ORDINALS.get(m["nth"], 1)), m["unit"])),
        # 3-monthly, two-weekly; without the hyphen "3 weekly" might be three times a week
        (re.compile(rf"{_COUNT}-(?P<adverb>hourly|weekly|monthly|yearly)"),
         lambda m: _often(Decimal(1), _low(m["count"]), _ADVERBS[m["adverb"]])),
        # q8h, q2w, q3mo, q 2-3 months
        (re.compile(rf"q ?{_COUNT} ?{_UNIT}"), lambda m: _often(Decimal(1), _low(m["count"]), m["unit"])),
    )  # fmt: skip
