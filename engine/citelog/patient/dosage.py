"""FHIR dosages in the words of a case file: dose, how often, since when.

Timing that is structured becomes the phrase that a person would write, so that a FHIR record and a case file of the
same treatment say the same; what cannot be put so stays as it stands, to be reported as unreadable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from citelog.patient.elements import concept_text, crossed, crossing, joined, quantity, rows, span, twice
from citelog.patient.frequency import frequency
from citelog.patient.reading import as_text, compact

_UNITS = {"s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month", "a": "year"}
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
_ADVERBS = {"hour": "hourly", "day": "daily", "week": "weekly", "month": "monthly", "year": "yearly"}
_WORDS = ("", "once", "twice", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_CODES = {
    "AM": "every morning", "PM": "every evening", "QD": "daily", "QOD": "alternate days", "BID": "twice daily",
    "TID": "three times daily", "QID": "four times daily", "WK": "weekly", "MO": "monthly",
    "Q1H": "hourly", "Q2H": "every 2 hours", "Q3H": "every 3 hours", "Q4H": "every 4 hours", "Q6H": "every 6 hours",
    "Q8H": "every 8 hours", "BED": "every night",
}  # fmt: skip
_BOUNDED = ("frequency", "period", "duration", "count")
"""Elements of a timing that have an upper bound, under their name and `Max`."""


def dosage_keys(dosages: object) -> dict[str, str]:
    """The keys `dose`, `frequency` and `since` of a medication, from its dosages.

    Several dosages that differ are all given, one after the other, and so are timing and text that do: only a human can
    say which applies.

    >>> dosage_keys([{"timing": {"repeat": {"frequency": 1, "period": 2, "periodMax": 3, "periodUnit": "mo"}}}])
    {'frequency': 'every 2–3 months'}
    """
    told = rows(dosages)
    found = {
        "dose": joined(_dose(row) for row in told),
        "frequency": joined(_frequency(row) for row in told),
        "since": joined(_start(row) for row in told),
    }
    return {key: text for key, text in found.items() if text}


def contradictions(dosages: object) -> Iterator[str]:
    """Where dosages contradict themselves, and so say nothing that could be used.

    >>> list(contradictions([{"timing": {"repeat": {"period": 3, "periodMax": 2, "periodUnit": "mo"}}}]))
    ['contradicts itself: its period is 3, and its periodMax 2. Neither is used.']
    """
    for dosage in rows(dosages):
        timing = dosage.get("timing")
        told = timing.get("repeat") if isinstance(timing, dict) else None
        repeat: Mapping[str, Any] = told if isinstance(told, dict) else {}
        for name in _crossed(repeat):
            low, high = as_text(repeat[name]), as_text(repeat[f"{name}Max"])
            yield f"contradicts itself: its {name} is {low}, and its {name}Max {high}. Neither is used."
        for row in rows(dosage.get("doseAndRate")):
            yield from dose_contradictions(row.get("doseQuantity"))
            if isinstance(amount := row.get("doseRange"), dict):
                yield from dose_contradictions(amount.get("low"))
                yield from dose_contradictions(amount.get("high"))
                if crossing(amount):
                    yield f"contradicts itself: its dose is {span(amount)}. Neither is used."


def dose_contradictions(amount: object) -> Iterator[str]:
    """The same, of one amount."""
    if isinstance(amount, dict) and (units := twice(amount)):
        told = f"{units[0]} as its code, {units[1]} in words"
        yield f"gives the unit of its dose twice, and differently: {told}. Neither is used."


def _crossed(repeat: Mapping[str, Any]) -> list[str]:
    """The elements of a timing of which the upper bound is below the lower."""
    return [name for name in _BOUNDED if crossed(repeat.get(name), repeat.get(f"{name}Max"))]


def _dose(dosage: Mapping[str, Any]) -> str:
    return joined(_one_dose(row) for row in rows(dosage.get("doseAndRate")))


def _one_dose(row: Mapping[str, Any]) -> str:
    if isinstance(amount := row.get("doseQuantity"), dict):
        return quantity(amount)
    return span(amount) if isinstance(amount := row.get("doseRange"), dict) else ""


def _frequency(dosage: Mapping[str, Any]) -> str:
    timing = dosage.get("timing")
    phrase = _timing(timing) if isinstance(timing, dict) else ""
    words = as_text(dosage.get("text"))
    told = f"{phrase}, in words {words}" if phrase and _says_otherwise(words, phrase) else phrase or words
    if dosage.get("asNeededBoolean") is True or "asNeededCodeableConcept" in dosage:
        return told if "as needed" in told.casefold() else f"{told} as needed".strip()
    return told


def _says_otherwise(words: str, phrase: str) -> bool:
    """Whether a text ends with another frequency than the structured one; four weeks and a month are the same.

    >>> _says_otherwise("1 mg every three months", "weekly"), _says_otherwise("1 mg monthly", "every 4 weeks")
    (True, False)
    """
    tail = words.split()[-12:]
    told = next((f for i in range(len(tail)) if (f := frequency(" ".join(tail[i:])))), None)
    meant = frequency(phrase)
    if told is None or meant is None:
        return False
    one, other = (each.period * _DAYS[each.unit] / each.times for each in (told, meant))
    return abs(one - other) * 10 > other


def _timing(timing: Mapping[str, Any]) -> str:
    repeat, code = timing.get("repeat"), timing.get("code")
    codes = [as_text(row.get("code")).upper() for row in rows(code.get("coding") if isinstance(code, dict) else None)]
    coded = next((_CODES[one] for one in codes if one in _CODES), "")
    if isinstance(repeat, dict) and (phrase := _repeat(repeat)):
        phrase += "" if phrase.startswith("{") else _how_long(repeat)
        count, most = as_text(repeat.get("count")), as_text(repeat.get("countMax"))
        times = "once" if count == "1" else f"{count} times"
        if most not in ("", count):
            is_crossed = "count" in _crossed(repeat)
            times = f"at least {count} times, at most {most} times" if is_crossed else f"{count}–{most} times"
        phrase = f"{phrase}, {times} in all" if count and not phrase.startswith("{") else phrase
        return f"{phrase}, coded as {coded}" if _says_otherwise(coded, phrase) else phrase
    if coded:
        return coded
    events = timing.get("event")
    moments = ", ".join(as_text(one) for one in (events if isinstance(events, list) else ()) if one is not None)
    return concept_text(code) or (f"on {moments}" if moments else "")


def _repeat(repeat: Mapping[str, Any]) -> str:
    """A FHIR Timing.repeat as a phrase; bounds say how long, not how often.

    Moments of a day that are more or fewer than the times that are told say something else, and so no phrase is made;
    nor is one of what is at most less often than it is at least.
    """
    if {"frequency", "period"} & {*_crossed(repeat)}:
        return compact(dict(repeat))
    low, high = as_text(repeat.get("frequency")) or "1", as_text(repeat.get("frequencyMax"))
    period, most = as_text(repeat.get("period")), as_text(repeat.get("periodMax"))
    unit = _UNITS.get(as_text(repeat.get("periodUnit")), "")
    days, *moments = (
        len(set(map(as_text, told))) if isinstance(told := repeat.get(key), list) else 0
        for key in ("dayOfWeek", "timeOfDay", "when")
    )
    if max(moments) > 1 and (low != str(max(moments)) or (days and unit != "day")):
        return compact(dict(repeat))
    if days:
        if (period or "1") != "1" or unit not in ("", "day", "week") or high or most or not low.isdecimal():
            return compact(dict(repeat))
        each = int(low) if unit == "day" or low == "1" else 0  # on each of these days; else so many in all
        low, period, unit = (str(each * days) if each else low), "1", "week"
    if not period and not unit:
        rest = {key: value for key, value in repeat.items() if not key.startswith("bounds")}
        return compact(rest) if rest else ""
    if not period or unit in ("", "second", "minute"):
        return compact(dict(repeat))
    times = _times(low, high)
    if period == "1" and not most:
        return f"{times} a {unit}" if times else _ADVERBS[unit]
    every = f"every {period}{'–' + most if most and most != period else ''} {unit}s"
    return f"{times} {every}".strip()


def _how_long(repeat: Mapping[str, Any]) -> str:
    """For how long, where the bounds give that in units of time; empty where they do not.

    >>> _how_long({"boundsRange": {"low": {"value": 2, "code": "wk"}, "high": {"value": 3, "code": "wk"}}})
    ' for 2–3 weeks'
    """
    duration, bounds = repeat.get("boundsDuration"), repeat.get("boundsRange")
    ends = [bounds.get("low"), bounds.get("high")] if isinstance(bounds, dict) else [duration]
    told = rows(ends)
    numbers = list(dict.fromkeys(as_text(end.get("value")) for end in told))
    units = {_UNITS.get(as_text(end.get("code"))) or as_text(end.get("unit")).removesuffix("s") for end in told}
    is_exact = len(told) == len(ends) and all(numbers) and not any("comparator" in end for end in told)
    if not is_exact or len(units) > 1 or not units < {*_UNITS.values()} or crossed(numbers[0], numbers[-1]):
        return ""
    return f" for {'–'.join(numbers)} {units.pop()}{'' if numbers == ['1'] else 's'}"


def _times(low: str, high: str) -> str:
    if high and high != low:
        return f"{low}–{high} times"
    if low == "1":
        return ""
    word = _WORDS[int(low)] if low in map(str, range(1, len(_WORDS))) else low
    return word if low == "2" else f"{word} times"


def _start(dosage: Mapping[str, Any]) -> str:
    timing = dosage.get("timing")
    repeat = timing.get("repeat") if isinstance(timing, dict) else None
    bounds = repeat.get("boundsPeriod") if isinstance(repeat, dict) else None
    return as_text(bounds.get("start")) if isinstance(bounds, dict) else ""
