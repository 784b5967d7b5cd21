"""One FHIR R4 resource as the line that a case file would have for it.

What FHIR says in a structure (a verification status, a reason for missing data, a comparator) is put into the words
of a case file and goes the same way from there on. Whatever could change the meaning of a resource and is not
understood keeps it from being read, with a note.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from citelog.patient.case import KIND, Item, ListName, Note, Recorded
from citelog.patient.dates import period
from citelog.patient.dosage import dosage_keys
from citelog.patient.elements import (
    UNSAID,
    coded_state,
    codes,
    concept_text,
    contradicting,
    joined,
    missing,
    moment,
    quantity,
    rows,
    value,
)
from citelog.patient.entries import match, match_route, sentence
from citelog.patient.reading import as_text
from citelog.patient.words import is_low, word
from citelog.vocab import Terms

Resource = Mapping[str, Any]
Found = Iterator[Item | Note]

Damage = Set[str | int]
"""What of a resource cannot be relied on: all of it, its own value, or its components by number."""

READ = (
    "Observation", "Condition", "Procedure", "MedicationRequest", "MedicationStatement", "MedicationAdministration",
    "MedicationDispense",
)  # fmt: skip
"""The resource types that become entries; Patient and Medication are read beside them."""

HOLDERS = ("DiagnosticReport", "Observation")
"""The types that may hold results inside themselves."""

ALL, VALUE = "all", "value"
REFERENCE = re.compile(r"(?:(.*)/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?")


def called(resource: Resource, medications: Mapping[str, Resource] | None = None) -> str:
    """What a resource is about, in words, for a note."""
    if resource.get("resourceType") == "Patient":
        return "The Patient resource"
    concept = resource.get("code")
    if str(resource.get("resourceType")).startswith("Medication") and concept is None:
        concept = _medicine(resource, medications or {})
    name = concept_text(concept)
    return f'{resource.get("resourceType")} "{name}"' if name else f"{resource.get('resourceType')} without a name"


def read_resource(
    resource: Resource,
    place: str,
    terms: Terms,
    medications: Mapping[str, Resource],
    damage: Damage = frozenset(),
    doubt: str = "",
) -> Found:
    """The entries that one resource stands for, or notes that say why it stands for none.

    What is damaged is on record and says nothing: a result without a value, a finding or a medicine whose state is
    unknown; of a resource that is damaged as a whole only what the knowledge base knows. `doubt` is a reason outside
    of the resource why nothing that it says can be relied on. `medications` are those that it refers to, by the text
    of the reference.
    """
    what = called(resource, medications)
    if resource.get("focus"):
        yield Note(f"{what} is about somebody or something else than the patient (focus), and is not read.", place)
        return
    reason = doubt or doubtful(resource)
    damage = {ALL} if reason else damage
    found: list[Item | Note]
    if resource["resourceType"].startswith("Medication"):
        found = list(_medication(resource, place, terms, medications, damage))
    else:
        found = list(_READERS[resource["resourceType"]](resource, place, terms, damage))
    if ALL in damage:
        found = [one for one in found if isinstance(one, Note) or match(one, terms)]
    if reason:
        is_kept = any(isinstance(one, Item) for one in found)
        fate = "it counts as recorded, and what it says is not used" if is_kept else "it is not read"
        yield Note(f"{what} has {reason}: {fate}.", place)
    yield from found
    if any(isinstance(one, Item) and match(one, terms) for one in found):
        yield from (Note(f"{what} has {words}.", f"{place}.{key}") for key, words in _unread(resource))


def _unread(resource: Resource) -> Iterator[tuple[str, str]]:
    """What people wrote beside what is read, and under which key: it may say otherwise, and only a person can tell."""
    if rows(resource.get("note")):
        yield "note", "a comment, which is not read"
    for key in ("dosage", "dosageInstruction"):
        dosages = rows(resource.get(key))
        told = [concept_text(one) for dosage in dosages for one in rows(dosage.get("additionalInstruction"))]
        told += [as_text(dosage.get("patientInstruction")) for dosage in dosages]
        if said := joined(told):
            yield key, f"an instruction beside its dosage, which is not read: {said}"


def doubtful(resource: Resource) -> str:
    """What in a resource may change its meaning and is not understood; empty where nothing does."""
    if resource.get("implicitRules") is not None:
        return "implicit rules, which may change its meaning"
    url = modifier_extension(resource)
    return f"a modifier extension ({url}), which may change its meaning" if url is not None else ""


def modifier_extension(node: object, *, deep: bool = True) -> str | None:
    """The first modifier extension of an element or, where `deep`, of anything in it."""
    if isinstance(node, dict):
        if found := node.get("modifierExtension"):
            row = found[0] if isinstance(found, list) and isinstance(found[0], dict) else {}
            return as_text(row.get("url")) or "unnamed"
        node = list(node.values())
    if not deep or not isinstance(node, list):
        return None
    return next((url for one in node if (url := modifier_extension(one)) is not None), None)


def held(resource: Resource) -> Iterator[tuple[int, Resource, bool]]:
    """What could be an entry and stands inside a resource: its number, itself, and whether it is one of its results.

    A result that does not say whom it is about is about whom the whole is, and in error where the whole is.
    """
    inside = resource.get("contained")
    contained = {
        index: one
        for index, one in enumerate(inside if isinstance(inside, list) else ())
        if isinstance(one, dict) and one.get("resourceType") in READ
    }
    by_name: dict[str, list[int]] = {}
    for index, one in contained.items():
        by_name.setdefault(f"#{as_text(one.get('id'))}", []).append(index)
    reached: set[int] = set()
    waiting = _members(resource) if resource.get("resourceType") in HOLDERS else []
    while waiting:
        for index in by_name.pop(waiting.pop(), ()):
            reached.add(index)
            waiting += _members(contained[index])
    is_wrong = as_text(resource.get("status")).casefold() == "entered-in-error"
    for index, one in contained.items():
        inner = {"subject": resource["subject"], **one} if "subject" in resource else dict(one)
        yield index, inner | ({"status": "entered-in-error"} if is_wrong else {}), index in reached


def _members(resource: Resource) -> list[str]:
    return [as_text(row.get("reference")) for key in ("result", "hasMember") for row in rows(resource.get(key))]


def _item(name: ListName, concept: object, keys: Mapping[str, Recorded], place: str) -> Item:
    kept = {key: value for key, value in keys.items() if value != ""}
    return Item(name, concept_text(concept), kept, place, codes(concept))


def _named(item: Item, terms: Terms) -> Found:
    """The item, and a word where its code and its name differ; only a note where its codes name different things."""
    if note := _ambiguous(item, terms):
        yield note
        return
    yield item
    called_so, meant = terms.match(KIND[item.list], item.name) if item.name else None, match(item, terms)
    if called_so and meant and called_so != meant:
        what = f"Its code names that, its words name {terms.label(called_so)}: the code counts."
        key = "medication" if item.list == "medications" else "code"
        yield Note(f"{sentence(item, meant, terms)} {what}", f"{item.read_from}.{key}")


def _ambiguous(item: Item, terms: Terms) -> Note | None:
    """Which different things the codes of an item name; None where they name at most one."""
    kind = KIND[item.list]
    found = {term for code in item.codes if (term := terms.match(kind, code))}
    if len(found) < 2:
        return None
    what = " and ".join(sorted(map(terms.label, found)))
    return Note(f"{sentence(item, None, terms)} Not used: its codes name different things, {what}.", item.read_from)


def _readable(when: str, *, is_damaged: bool) -> str:
    """A date; where the resource is damaged, only one that can be read."""
    return when if not is_damaged or period(when) else ""


# --- observations ------------------------------------------------------------------------------------------------


_COUNTS = ("final", "amended", "corrected")


def _observation(resource: Resource, place: str, terms: Terms, damage: Damage) -> Found:
    status = as_text(resource.get("status")).casefold()
    parts = [(n, one) for n, one in enumerate(_list(resource.get("component"))) if isinstance(one, dict)]
    measured = any(_has_value(one) for one in (resource, *(part for _, part in parts)))
    if status == "cancelled" or (status == "registered" and not measured):
        yield Note(f"{called(resource)} is not read: its status is {status}, so there is no result.", place)
        return
    shared: dict[str, Recorded] = {"when": _readable(_taken(resource), is_damaged=ALL in damage)}
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
    result = _item("labs", row.get("code"), {**({} if damage else _result(row, terms)), **keys}, place)
    finding = _item("findings", row.get("code"), {"state": "unknown" if damage else _state(row, terms), **keys}, place)
    for item in (result, finding):
        if note := _ambiguous(item, terms):
            yield note
            return
    if match(result, terms):
        amount = row.get("valueQuantity")
        if not damage and isinstance(amount, dict) and (units := contradicting(amount, terms)):
            text = f"{called({'resourceType': 'Observation', **row})} gives its unit twice, and differently: {units[0]}"
            yield Note(f"{text} as its code, {units[1]} in words. Neither is used.", place)
        if not damage and (reason := missing(row)) and reason != UNSAID and "value" not in result.keys:
            yield Note(f"{called({'resourceType': 'Observation', **row})} has no value: {reason}.", place)
        yield from _named(result, terms)
    elif match(finding, terms) or not damage:
        yield from _named(finding if match(finding, terms) or "valueBoolean" in row else result, terms)


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


# --- conditions and procedures -----------------------------------------------------------------------------------

_VERIFICATION = ("unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error")
_CLINICAL = ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
_OVER = {"inactive": "inactive", "resolved": "resolved", "remission": "in remission"}
_FAMILIES = (
    frozenset({"active", "recurrence", "relapse"}), frozenset(_OVER),
    frozenset({"unconfirmed", "provisional", "differential"}),
)  # fmt: skip


def _condition(resource: Resource, place: str, terms: Terms, damage: Damage) -> Found:
    when = as_text(resource.get("recordedDate")) or moment(resource, "onset")
    state = _condition_state(resource)
    if damage and state != "entered in error":
        state = "unknown"
    keys: dict[str, Recorded] = {"state": state, "when": _readable(when, is_damaged=bool(damage))}
    yield from _named(_item("conditions", resource.get("code"), keys, place), terms)


def _condition_state(resource: Resource) -> str:
    verification = _code(resource.get("verificationStatus"), "condition-ver-status", _VERIFICATION)
    clinical = _code(resource.get("clinicalStatus"), "condition-clinical", _CLINICAL)
    if "entered-in-error" in (verification, clinical):
        return "entered in error"
    if verification == "refuted":
        return "absent"
    if clinical in _OVER:
        return _OVER[clinical]
    if verification in ("unconfirmed", "provisional", "differential"):
        return "unknown"
    has_ended = any(key.startswith("abatement") and value is not None for key, value in resource.items())
    if not clinical and has_ended:
        return "resolved"
    if verification not in ("", "confirmed"):
        return verification
    if clinical in ("active", "recurrence", "relapse"):
        return f"{clinical}, and ended" if has_ended else "present"
    return clinical


def _procedure(resource: Resource, place: str, terms: Terms, damage: Damage) -> Found:
    status = as_text(resource.get("status")).casefold()
    if status == "not-done":
        yield Note(f"{called(resource)} was not done, and is not read: that says nothing about another time.", place)
        return
    state = {"completed": "present", "entered-in-error": "entered in error"}.get(status, status)
    if damage and state != "entered in error":
        state = "unknown"
    when = _readable(moment(resource, "performed"), is_damaged=bool(damage))
    yield from _named(_item("conditions", resource.get("code"), {"state": state, "when": when}, place), terms)


def _code(concept: object, system: str, known: tuple[str, ...]) -> str:
    """The code of a status: of the system that FHIR binds it to, else a code that is one of its own, else in words.

    Codes of one standing that contradict each other, or the words, are all given: none of them is a status.
    """
    rows = concept.get("coding") if isinstance(concept, dict) else None
    codings = [
        (as_text(row.get("system")).rpartition("/")[2], as_text(row.get("code")).casefold())
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and as_text(row.get("code"))
    ]
    words = as_text(concept.get("text")) if isinstance(concept, dict) else ""
    text = word(words).replace(" ", "-")
    told = [code for where, code in codings if where == system] or [code for _, code in codings if code in known]
    if "entered-in-error" in (text, *(code for _, code in codings)):
        return "entered-in-error"
    if told:
        told += [text] if text in known else []
        agree = len(set(told)) == 1 or any(family.issuperset(told) for family in _FAMILIES)
        return told[0] if agree else " and ".join(dict.fromkeys(told))
    if text in known:
        return text
    return (words or next((code for _, code in codings), "") or concept_text(concept)).casefold()


_READERS: Mapping[str, Callable[[Resource, str, Terms, Damage], Found]] = {
    "Observation": _observation, "Condition": _condition, "Procedure": _procedure,
}  # fmt: skip


# --- medicines ---------------------------------------------------------------------------------------------------

_STATUS = {"active": "current", "on-hold": "on hold", "entered-in-error": "entered in error"}
_ORDERS = ("order", "original-order", "reflex-order", "filler-order", "instance-order")
_WISHES = ("proposal", "plan", "option")
_EVENTS = {"MedicationAdministration": "given", "MedicationDispense": "handed out"}
"""What was done once with a medicine; that says nothing of whether it is taken today."""

_NOT_DONE = ("not-done", "declined", "cancelled")
_WHEN = {"MedicationRequest": "authoredOn", "MedicationStatement": "dateAsserted"}


def _medication(
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
    medication = _referenced(resource, medications)
    is_wrong = medication is not None and as_text(medication.get("status")).casefold() == "entered-in-error"
    if is_wrong or modifier_extension(medication) is not None:
        fault = "was entered in error" if is_wrong else "has a modifier extension"
        yield Note(f"{what} refers to a Medication that {fault}: what it says is not used.", place)
        damage = {ALL}
    keys: dict[str, Recorded]
    if damage:
        state = _STATUS[status] if status == "entered-in-error" else "unknown"
        keys = {"status": state, "when": _readable(_written(resource), is_damaged=True)}
    else:
        keys = {**_dosage(resource, terms), "status": _taken_as(resource, status), "when": _written(resource)}
    yield from _named(_item("medications", _medicine(resource, medications), keys, place), terms)


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
    """The routes in the knowledge base's own words where a code names them, else in the record's."""
    told = []
    for dosage in rows(dosages):
        concept = dosage.get("route")
        text = concept_text(concept)
        coded = (terms.match("route", code) for code in codes(concept))
        term = next(filter(None, coded), None) or match_route(terms, text)
        told.append(terms.label(term) if term else text)
    return joined(told)


def _medicine(resource: Resource, medications: Mapping[str, Resource]) -> object:
    """The concept of the medicine: written in place, contained, or a resource of its own."""
    if (concept := resource.get("medicationCodeableConcept")) is not None:
        return concept
    reference = resource.get("medicationReference")
    if not isinstance(reference, dict):
        return None
    medication = _referenced(resource, medications)
    if medication is None:
        return {"text": as_text(reference.get("display")) or as_text(reference.get("reference"))}
    if (concept := medication.get("code")) is not None:
        return concept
    ingredients = rows(medication.get("ingredient"))
    return ingredients[0].get("itemCodeableConcept") if len(ingredients) == 1 else None


def _referenced(resource: Resource, medications: Mapping[str, Resource]) -> Resource | None:
    """The Medication that a resource refers to, where the record holds it."""
    reference = resource.get("medicationReference")
    if resource.get("medicationCodeableConcept") is not None or not isinstance(reference, dict):
        return None
    target = as_text(reference.get("reference"))
    for one in rows(resource.get("contained")):
        if one.get("resourceType") == "Medication" and f"#{as_text(one.get('id'))}" == target:
            return one
    return medications.get(target)
