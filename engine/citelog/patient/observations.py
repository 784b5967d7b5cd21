"""An Observation as the lines that a case file would have for it: of itself and of its components."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from citelog.patient.case import Note, Recorded
from citelog.patient.elements import (
    UNSAID,
    coded_state,
    concept_text,
    contradicting,
    missing,
    moment,
    rows,
    value,
)
from citelog.patient.entries import match
from citelog.patient.reading import as_text
from citelog.patient.resources import ALL, VALUE, Damage, Found, Resource, ambiguous, called, item_of, named, readable
from citelog.patient.words import is_low
from citelog.vocab import Terms

_COUNTS = ("final", "amended", "corrected")


def observation(resource: Resource, place: str, terms: Terms, damage: Damage) -> Found:
    status = as_text(resource.get("status")).casefold()
    parts = [(n, one) for n, one in enumerate(_list(resource.get("component"))) if isinstance(one, dict)]
    measured = any(_has_value(one) for one in (resource, *(part for _, part in parts)))
    if status == "cancelled" or (status == "registered" and not measured):
        yield Note(f"{called(resource)} is not read: its status is {status}, so there is no result.", place)
        return
    shared: dict[str, Recorded] = {"when": readable(_taken(resource), is_damaged=ALL in damage)}
    if status == "entered-in-error":
        shared["status"] = "entered in error"
    elif status == "preliminary":
        yield Note(f"{called(resource)} is preliminary: its result may still change.", place)
    elif status not in _COUNTS and ALL not in damage:
        told = f'the status "{status}"' if status else "no status"
        yield Note(f"{called(resource)} has {told}: it counts as recorded, and its result is not used.", place)
        damage = {VALUE, *(index for index, _ in parts)}
    if _has_value(resource) or not (parts or resource.get("hasMember")):
        yield from _measurement(resource, place, shared, terms, damage & {ALL, VALUE})
    elif not parts:
        left_out = (
            "Left out: it was entered in error" if "status" in shared else "Its members are read where they stand"
        )
        yield Note(f"{called(resource)} has no result of its own, only members. {left_out}.", place)
    for index, part in parts:
        yield from _measurement(part, f"{place}.component[{index}]", shared, terms, damage & {ALL, index})


def _list(node: object) -> list[Any]:
    return node if isinstance(node, list) else []


def _taken(resource: Resource) -> str:
    return moment(resource, "effective") or as_text(resource.get("issued"))


def _measurement(row: Resource, place: str, shared: Mapping[str, Recorded], terms: Terms, damage: Damage) -> Found:
    """An observation or a component of one: a laboratory result, or a finding where its name is one."""
    keys = {**shared, **({} if ALL in damage else {"flag": _flag(row)})}
    result = item_of("labs", row.get("code"), {**({} if damage else _result(row, terms)), **keys}, place)
    finding = item_of(
        "findings", row.get("code"), {"state": "unknown" if damage else _state(row, terms), **keys}, place
    )
    for item in (result, finding):
        if note := ambiguous(item, terms):
            yield note
            return
    if match(result, terms):
        amount = row.get("valueQuantity")
        if not damage and isinstance(amount, dict) and (units := contradicting(amount, terms)):
            text = f"{called({'resourceType': 'Observation', **row})} gives its unit twice, and differently: {units[0]}"
            yield Note(f"{text} as its code, {units[1]} in words. Neither is used.", place)
        if not damage and (reason := missing(row)) and reason != UNSAID and "value" not in result.keys:
            yield Note(f"{called({'resourceType': 'Observation', **row})} has no value: {reason}.", place)
        yield from named(result, terms, row.get("code"))
    elif match(finding, terms) or not damage:
        is_finding = match(finding, terms) or "valueBoolean" in row
        yield from named(finding if is_finding else result, terms, row.get("code"))


def _has_value(row: Resource) -> bool:
    return any(row.get(key) is not None for key in row if key.startswith(("value", "_value", "dataAbsentReason")))


def _result(row: Resource, terms: Terms) -> dict[str, Recorded]:
    keys, reason = value(row, terms), missing(row)
    if reason and keys.get("value", "") != "":  # a value and a reason why there is none: neither can be relied on
        keys["value"] = f"{keys['value']} ({reason})"
    return keys


def _state(row: Resource, terms: Terms) -> Recorded:
    if missing(row):
        return "unknown"
    said = coded_state(row.get("valueCodeableConcept")) or value(row, terms).get("value", "")
    return ("present" if said else "absent") if isinstance(said, bool) else said


def _flag(row: Resource) -> str:
    """The laboratory's interpretations; one that says low stands first, since a flag is judged by its first word."""
    flags = [_one_flag(one) for one in _list(row.get("interpretation"))]
    return ", ".join(sorted(dict.fromkeys(filter(None, flags)), key=lambda flag: not is_low(flag)))


def _one_flag(concept: object) -> str:
    codings = rows(concept.get("coding") if isinstance(concept, dict) else None)
    told = [*(as_text(one.get("code")) for one in codings), *(as_text(one.get("display")) for one in codings)]
    told = [text for text in (*told, concept_text(concept)) if text]
    return next((text for text in told if is_low(text)), told[0] if told else "")
