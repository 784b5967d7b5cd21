"""An order, a statement, a dispensing or a giving of a medicine as the line that a case file would have for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from citelog.patient.case import Note, Recorded
from citelog.patient.dosage import contradictions, dosage_keys, dose_contradictions
from citelog.patient.elements import codes, concept_text, joined, moment, quantity, rows
from citelog.patient.entries import match, match_route
from citelog.patient.reading import as_text
from citelog.patient.resources import (
    ALL,
    Damage,
    Found,
    Resource,
    called,
    item_of,
    medicine_of,
    modifier_extension,
    named,
    readable,
    referenced,
)
from citelog.vocab import Terms

_STATUS = {"active": "current", "on-hold": "on hold", "entered-in-error": "entered in error"}

_ORDERS = ("order", "original-order", "reflex-order", "filler-order", "instance-order")

_WISHES = ("proposal", "plan", "option")

_EVENTS = {"MedicationAdministration": "given", "MedicationDispense": "handed out"}
"""What was done once with a medicine; that says nothing of whether it is taken today."""

_NOT_DONE = ("not-done", "declined", "cancelled")

_WHEN = {"MedicationRequest": "authoredOn", "MedicationStatement": "dateAsserted"}


def medication(
    resource: Resource, place: str, terms: Terms, medications: Mapping[str, Resource], damage: Damage
) -> Found:
    kind, status = resource["resourceType"], as_text(resource.get("status")).casefold()
    what = called(resource, medications)
    if as_text(resource.get("doNotPerform")).casefold() == "true":
        yield Note(f"{what} says not to give it, and is not read.", place)
        return
    if kind in _EVENTS and status in _NOT_DONE:
        yield Note(f"{what} is not read: its status is {status}, so it was not {_EVENTS[kind]}.", place)
        return
    medication = referenced(resource, medications)
    is_wrong = medication is not None and as_text(medication.get("status")).casefold() == "entered-in-error"
    if is_wrong or modifier_extension(medication) is not None:
        fault = "was entered in error" if is_wrong else "has a modifier extension"
        yield Note(f"{what} refers to a Medication that {fault}: what it says is not used.", place)
        damage = {ALL}
    keys: dict[str, Recorded]
    if damage:
        state = _STATUS[status] if status == "entered-in-error" else "unknown"
        keys = {"status": state, "when": readable(_written(resource), is_damaged=True)}
    else:
        keys = {**_dosage(resource, terms), "status": _taken_as(resource, status), "when": _written(resource)}
        yield from (Note(f"{what} {told}", place) for told in dict.fromkeys(_contradictions(resource)))
    concept = medicine_of(resource, medications)
    item = item_of("medications", concept, keys, place)
    yield from named(item, terms, concept)
    if medication is None and _refers(resource) and not match(item, terms):
        yield Note(f"{what} refers to a Medication that is not plainly in the record: send it along.", place)


def _refers(resource: Resource) -> bool:
    reference = resource.get("medicationReference")
    is_coded = resource.get("medicationCodeableConcept") is not None
    return not is_coded and isinstance(reference, dict) and bool(reference.get("reference"))


def _written(resource: Resource) -> str:
    """When a medicine was ordered, told of, given or handed out."""
    kind = resource["resourceType"]
    if kind == "MedicationAdministration":
        return moment(resource, "effective")
    if kind == "MedicationDispense":
        return as_text(resource.get("whenHandedOver")) or as_text(resource.get("whenPrepared"))
    return as_text(resource.get(_WHEN[kind]))


def _dosage(resource: Resource, terms: Terms) -> dict[str, Recorded]:
    """How a medicine is taken, and since when."""
    kind = resource["resourceType"]
    if kind == "MedicationAdministration":
        once = resource.get("dosage")
        one = once if isinstance(once, dict) else {}
        return {"dose": quantity(one.get("dose")), "route": _route([one], terms)}
    dosages = resource.get("dosage" if kind == "MedicationStatement" else "dosageInstruction")
    keys: dict[str, Recorded] = {**dosage_keys(dosages), "route": _route(dosages, terms)}
    if kind == "MedicationStatement":
        keys["since"] = _since(resource) or keys.get("since", "")
    return keys


def _contradictions(resource: Resource) -> Iterator[str]:
    """Where the dosages of a medicine contradict themselves."""
    if resource["resourceType"] == "MedicationAdministration":
        once = resource.get("dosage")
        return dose_contradictions(once.get("dose") if isinstance(once, dict) else None)
    return contradictions(resource.get("dosage") or resource.get("dosageInstruction"))


def _taken_as(resource: Resource, status: str) -> str:
    """The status of a medicine in a case file's words; in words that no case file has, where it is none of those.

    A wish is planned and not taken; an active order or statement that names its last day may be over, which only
    somebody who knows the day could tell.
    """
    kind = resource["resourceType"]
    if kind in _EVENTS:
        done = _EVENTS[kind] if status == "completed" else f"{_EVENTS[kind]}, {status or 'status missing'}"
        return _STATUS[status] if status == "entered-in-error" else done
    if kind == "MedicationRequest":
        intent = as_text(resource.get("intent")).casefold()
        if intent in _WISHES and status in ("", "draft", "active", "unknown"):
            return "planned"
        if intent not in _ORDERS + _WISHES and status == "active":
            return f"active, intent {intent or 'missing'}"
    last = _last_day(resource)
    return f"active until {last}" if status == "active" and last else _STATUS.get(status, status)


def _last_day(resource: Resource) -> str:
    """The day until which a medicine is taken, where all of its dosages or its own period name one."""
    span = resource.get("effectivePeriod")
    if isinstance(span, dict):
        return as_text(span.get("end"))
    dosages = rows(resource.get("dosage")) or rows(resource.get("dosageInstruction"))
    ends = []
    for dosage in dosages:
        timing = dosage.get("timing")
        repeat = timing.get("repeat") if isinstance(timing, dict) else None
        bounds = repeat.get("boundsPeriod") if isinstance(repeat, dict) else None
        ends.append(as_text(bounds.get("end")) if isinstance(bounds, dict) else "")
    return max(ends) if ends and all(ends) else ""


def _since(resource: Resource) -> str:
    span = resource.get("effectivePeriod")
    return as_text(span.get("start")) if isinstance(span, dict) else as_text(resource.get("effectiveDateTime"))


def _route(dosages: object, terms: Terms) -> str:
    """The routes in the knowledge base's own words where they are known, else in the record's."""
    return joined(_one_route(dosage.get("route"), terms) for dosage in rows(dosages))


def _one_route(concept: object, terms: Terms) -> str:
    """A route; where codes, or codes and words, name different ones all are told, and none of them is known."""
    text = concept_text(concept)
    worded = match_route(terms, text)
    coded = list(dict.fromkeys(term for code in codes(concept) if (term := terms.match("route", code))))
    named = " and ".join(terms.label(term) for term in coded or filter(None, [worded]))
    return f"{named}, in words {text}" if coded and worded and worded not in coded else named or text
