"""What is taken out of a line, and what stands in for it: whose it is, its dates in their order, its numbers.

Where a stand-in comes out of reading in anything else than the date or the value of an entry, it says so (`is_hole`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

_DATE = (
    rb"(?:19|20)[0-9]{2}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|"
    rb"(?:0[13578]|1[02])-31)"
)

_CLOCK = rb"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"

_MOMENT = re.compile(_DATE + b"(?:" + _CLOCK + b")?")

_ENDS = re.compile(rb'"(?:start|end)":\s?"([^"\\]*)"')

_NUMBERS = re.compile(rb'"value":(\s?)(-?(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,6})?)(?=\s?[,}])')

_NUMBER_FIRST = re.compile(rb"\{" + _NUMBERS.pattern)

DAY, NUMBER, CONTENT = b"1601-01-", b"91827364", b"Medication/~"
"""How the stand-ins begin; a line in which one of the first two stands already is read by itself."""

_STAND_IN = NUMBER + b"000"

_PROFILE = re.compile(rb'"profile":\s?(\[(?:\s?"[^"\\]*"\s?,?)*\])')


@dataclass(slots=True)
class Holes:
    """What is taken out of a line: its numbers with what stands in for each, and its dates.

    No date is, where a span has an end that cannot be taken out: which of the two is earlier would be lost.
    """

    numbers: dict[bytes, bytes] = field(default_factory=dict)
    dates: list[bytes] = field(default_factory=list)
    has_odd_span: bool = False


How = Callable[[Holes, bytes], bytes]


def _date(holes: Holes, value: bytes) -> bytes:
    if _MOMENT.fullmatch(value, 1, len(value) - 1):
        holes.dates.append(value[1:-1])
    return value


def _spans(holes: Holes, value: bytes) -> bytes:
    ends = _ENDS.findall(value)
    holes.has_odd_span |= value.count(b'"start"') + value.count(b'"end"') != len(ends)
    holes.has_odd_span |= not all(map(_MOMENT.fullmatch, ends))
    holes.dates += ends
    return value


def _numbers(holes: Holes, value: bytes) -> bytes:
    numbers = holes.numbers
    first = _NUMBER_FIRST.match(value)
    if first and not numbers and value.count(b'"value"') == 1:  # as nearly every quantity is written
        numbers[first[2]] = _STAND_IN
        return b'{"value":%s%s%s' % (first[1], _STAND_IN, value[first.end() :])

    def stand_in(found: re.Match[bytes]) -> bytes:
        return b'"value":%s%s' % (found[1], numbers.setdefault(found[2], b"%s%03d" % (NUMBER, len(numbers))))

    return _NUMBERS.sub(stand_in, value)


def _subject(_: Holes, value: bytes) -> bytes:
    return b'{"reference":"Patient/x"}' if value[:1] == b"{" else b'"Patient/x"'


def _meta(_: Holes, value: bytes) -> bytes:
    if b'"profile"' not in value and value[:1] == b"{":
        return b"{}"
    profile = _PROFILE.search(value)
    return b'{"profile":%s}' % profile[1] if profile else value


def _requester(_: Holes, value: bytes) -> bytes:
    return value if b'"agent"' in value else b'{"reference":"Practitioner/x"}'


def _comment(_: Holes, value: bytes) -> bytes:
    return b'[{"text":"x"}]' if value[:2] == b"[{" else value


def _members(_: Holes, value: bytes) -> bytes:
    return b'[{"reference":"Observation/x"}]' if value[:2] == b"[{" and b'"#' not in value else value


HOW: Mapping[str, How] = {
    **dict.fromkeys(("abatementDateTime", "authoredOn", "birthDate", "dateAsserted", "effectiveDateTime", "issued",
                     "effectiveInstant", "onsetDateTime", "performedDateTime", "recordedDate", "whenHandedOver",
                     "whenPrepared"), _date),
    **dict.fromkeys(("abatementPeriod", "dosage", "dosageInstruction", "effectivePeriod", "onsetPeriod",
                     "performedPeriod"), _spans),
    **dict.fromkeys(("component", "valueQuantity"), _numbers),
    "subject": _subject, "meta": _meta, "requester": _requester, "hasMember": _members,
    "note": _comment,
}  # fmt: skip
"""Elements that are not kept as they are written; all others are."""


def days_of(texts: list[bytes]) -> dict[bytes, bytes]:
    """Stand-ins for dates, in the order of their days; none where there are more than a month has days.

    >>> days_of([b"2026-03-02", b"2025-01-01T08:30:00Z"])
    {b'2025-01-01T08:30:00Z': b'1601-01-01T00:00:00Z', b'2026-03-02': b'1601-01-02'}
    """
    if len(texts) < 2:
        return {text: DAY + (b"01T00:00:00Z" if len(text) > 10 else b"01") for text in texts}
    days = {day: number for number, day in enumerate(sorted({text[:10] for text in texts}), start=1)}
    if len(days) > 28 or len(texts) > 59:
        return {}
    found = {}
    for number, text in enumerate(sorted(set(texts))):
        clock = b"T00:00:%02dZ" % number if len(text) > 10 else b""
        found[text] = b"%s%02d%s" % (DAY, days[text[:10]], clock)
    return found


def is_hole(value: str | bool) -> bool:
    return isinstance(value, str) and (DAY.decode() in value or NUMBER.decode() in value)
