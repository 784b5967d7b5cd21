"""Dates as records give them: a day, a month, a year, a moment, or from one of these to another.

Each is the span of days it can mean. A moment counts as its calendar day as written, whatever its time zone;
anything that is not ISO 8601 stays unread, because 02/03/2026 is two different days in two countries.
"""

from __future__ import annotations

import calendar
import datetime
import re
from dataclasses import dataclass

from citelog.diagnostics import CaseError

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2})([T ].+)?)?)?")
_CLOCK = re.compile(
    r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-6][0-9](?:[.,][0-9]+)?)?\s?(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?"
)


@dataclass(frozen=True, slots=True)
class Period:
    """The days that a date can mean, both ends included."""

    first: datetime.date
    last: datetime.date


def period(text: str) -> Period | None:
    """The days that a recorded date can mean, or None where it cannot be read.

    >>> str(period("2026-03").last), str(period("2026-03-02T23:30:00-05:00").first), str(period("2026").first)
    ('2026-03-31', '2026-03-02', '2026-01-01')
    >>> str(period("2026-01-30/2026-02").last)
    '2026-02-28'
    >>> period("02/03/2026"), period("2026-02-30"), period("last spring")
    (None, None, None)
    """
    start, slash, end = text.strip().partition("/")
    first = _one(start)
    last = _one(end) if slash else first
    if first is None or last is None or last.last < first.first:
        return None
    return Period(first.first, last.last)


def day(text: str, where: str) -> datetime.date:
    """The one day that somebody names, as with an option. Raises CaseError, at `where`, for what may be several days.

    >>> str(day("2026-03-15", "--at"))
    '2026-03-15'
    >>> day("2026-03", "--at")
    Traceback (most recent call last):
    citelog.diagnostics.CaseError: --at: '2026-03' is not a day
    ...
    """
    days = period(text)
    if days is None or days.first != days.last:
        raise CaseError(where, f"{text!r} is not a day", "write it as in 2026-03-15")
    return days.first


def shown(text: str) -> str:
    """A date as a sentence gives it: a moment is cut to its day, all else is as recorded.

    >>> shown("2026-03-02T08:30:00+00:00"), shown("2026-03"), shown("last spring")
    ('2026-03-02', '2026-03', 'last spring')
    >>> shown("2026-03-02T08:30Z/2026-03-02T09:00Z")
    '2026-03-02'
    """
    return text if period(text) is None else to_the_day(text)


def to_the_day(text: str) -> str:
    """A date that can be read, its moments cut to their days."""
    ends = dict.fromkeys(end.strip()[:10] for end in text.split("/"))
    return "/".join(ends)


def _one(text: str) -> Period | None:
    parts = _DATE.fullmatch(text.strip())
    if parts is None or (parts[4] and not _CLOCK.fullmatch(parts[4])):
        return None
    year, *within = (int(part) for part in parts.groups()[:3] if part)
    try:
        match within:
            case [month, day]:
                return Period(datetime.date(year, month, day), datetime.date(year, month, day))
            case [month]:
                last = calendar.monthrange(year, month)[1]
                return Period(datetime.date(year, month, 1), datetime.date(year, month, last))
        return Period(datetime.date(year, 1, 1), datetime.date(year, 12, 31))
    except ValueError:  # a thirteenth month, a 30 February, the year 0; monthrange raises one of its kind
        return None
