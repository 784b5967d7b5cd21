"""The fields of a regimen step as FHIR R4 has them: a medicine, and a Dosage.

The text is always the document's. Structure is added only where the document prints a number that means exactly that
structure: "daily" and "alternate days" print none, and stay words.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from citelog.knowledge.base import Field
from citelog.proof.words import step
from citelog.render.coding import Node, Number, concept, extent
from citelog.vocab import Terms

EXTENSIONS = "https://w3id.org/citelog/fhir/"
"""Where the extensions of these resources have their names."""

ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

_TOLD = ("dose", "route", "frequency", "duration")
_TIMES = {"minute": "min", "hour": "h", "day": "d", "week": "wk", "month": "mo", "year": "a"}


def medicine(fields: Mapping[str, Field], terms: Terms) -> Node:
    """The medicine in the document's words. FHIR demands one: where the document names none, that is what it says.

    >>> medicine({}, Terms())["text"]
    'The document does not state which agent.'
    """
    if agent := fields.get("agent"):
        return _marked(agent) | concept(agent.text, terms, "drug")
    absent = {"url": ABSENT, "valueCode": "unknown"}
    return {"extension": [absent], "text": "The document does not state which agent."}


def dosage(fields: Mapping[str, Field], terms: Terms) -> Node | None:
    """The Dosage of a step, saying what the document does not state of it; None where it states nothing.

    >>> days = Field("6 or 7 days", ("6.0", "7.0"), "day", None)
    >>> made = dosage({"duration": days}, Terms())
    >>> made["text"], made["timing"]["repeat"]["boundsRange"]["high"]["value"]
    ('6 or 7 days; not stated: dose, route, frequency', 7)
    """
    if not any(name in fields for name in _TOLD):
        return None
    made: Node = {"text": step(fields, _TOLD)}
    if timing := _timing(fields.get("frequency"), fields.get("duration")):
        made["timing"] = timing
    if route := fields.get("route"):
        made["route"] = _marked(route) | concept(route.text, terms, "route")
    if (dose := fields.get("dose")) and (value := _value(dose)) is not None:
        name, amount = extent(value, dose.unit)
        made["doseAndRate"] = [_marked(dose) | {f"dose{name}": amount}]
    return made


def _marked(*fields: Field) -> dict[str, Any]:
    """The extension that marks what stands in another statement than the one cited, and names that statement."""
    sources = dict.fromkeys(field.inherited_from for field in fields if field.inherited_from)
    marks = [{"url": EXTENSIONS + "inherited-from", "valueString": source} for source in sources]
    return {"extension": marks} if marks else {}


def _timing(frequency: Field | None, duration: Field | None) -> Node | None:
    """The words in `code`, which FHIR reads as the whole of the schedule; the numbers in `repeat`."""
    stated = [field for field in (frequency, duration) if field]
    if not stated:
        return None
    repeat = (_bounds(duration) if duration else {}) | (_often(frequency) if frequency else {})
    code = {"text": ", ".join(field.text for field in stated)}
    return _marked(*stated) | ({"repeat": repeat} if repeat else {}) | {"code": code}


def _often(field: Field) -> Node:
    """How often: so many times in a unit of time, or once in each so many units.

    >>> _often(Field("three times a week", "3.0", "per week", None))
    {'frequency': 3, 'period': 1, 'periodUnit': 'wk'}
    >>> _often(Field("every 2–3 months", ("2.0", "3.0"), "month", None))
    {'frequency': 1, 'period': 2, 'periodMax': 3, 'periodUnit': 'mo'}
    >>> _often(Field("alternate days", None, None, None))
    {}
    """
    value, unit = _value(field), field.unit or ""
    if value is None:
        return {}
    low, high = value if isinstance(value, tuple) else (value, None)
    if unit.startswith("per ") and (code := _time(unit.removeprefix("per "))):
        times = {"frequency": low} | ({} if high is None else {"frequencyMax": high})
        return times | {"period": 1, "periodUnit": code} if all(isinstance(n, int) for n in times.values()) else {}
    if code := _time(unit):
        return {"frequency": 1, "period": low} | ({} if high is None else {"periodMax": high}) | {"periodUnit": code}
    return {}


def _bounds(field: Field) -> Node:
    """For how long, or how many times in all.

    >>> _bounds(Field("seven doses", "7.0", "dose", None)), _bounds(Field("for life", None, None, None))
    ({'count': 7}, {})
    """
    value, unit = _value(field), field.unit or ""
    if value is None:
        return {}
    if code := _time(unit):
        name, length = extent(value, unit, code)
        return {"boundsRange" if name == "Range" else "boundsDuration": length}
    return {"count": value} if unit in ("dose", "doses") and isinstance(value, int) else {}


def _time(unit: str) -> str | None:
    return _TIMES.get(unit) or _TIMES.get(unit.removesuffix("s"))


def _value(field: Field) -> Number | tuple[Number, Number] | None:
    match field.value:
        case None:
            return None
        case (low, high):
            return _number(low), _number(high)
        case single:
            return _number(single)


def _number(text: str) -> Number:
    exact = Decimal(text)
    return int(exact) if exact == exact.to_integral_value() else float(exact)
