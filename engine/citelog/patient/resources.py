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
from citelog.patient.dosage import concept_text, dosage_keys, joined
from citelog.patient.entries import match, match_route, sentence
from citelog.patient.reading import Plain, as_text, recorded
from citelog.patient.words import is_low, word
from citelog.vocab import Terms

Resource = Mapping[str, Any]
Found = Iterator[Item | Note]

Damage = Set[str | int]
"""What of a resource cannot be relied on: all of it, its own value, or its components by number."""

ALL, VALUE = "all", "value"
REFERENCE = re.compile(r"(?:(.*)/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?")

SYSTEMS = {
    "http://loinc.org": "loinc",
    "http://snomed.info/sct": "snomed",
    "http://hl7.org/fhir/sid/icd-10": "icd10",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd10cm",
    "http://www.whocc.no/atc": "atc",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "rxnorm",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "urn:oid:2.16.840.1.113883.6.3": "icd10",
    "urn:oid:2.16.840.1.113883.6.90": "icd10cm",
    "urn:oid:2.16.840.1.113883.6.73": "atc",
    "urn:oid:2.16.840.1.113883.6.88": "rxnorm",
}


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
    resource: Resource, place: str, terms: Terms, medications: Mapping[str, Resource], damage: Damage = frozenset()
) -> Found:
    """The entries that one resource stands for, or notes that say why it stands for none.

    What is damaged is on record and says nothing: a result without a value, a finding or a medicine whose state is
    unknown; of a resource that is damaged as a whole only what the knowledge base knows.
    """
    what = called(resource, medications)
    if resource.get("focus"):
        yield Note(f"{what} is about somebody or something else than the patient (focus), and is not read.", place)
        return
    reason = "implicit rules" if resource.get("implicitRules") is not None else ""
    if not reason and (url := _modifier(resource)) is not None:
        reason = f"a modifier extension ({url})"
    damage = {ALL} if reason else damage
    found: list[Item | Note]
    if resource["resourceType"] in ("MedicationRequest", "MedicationStatement"):
        found = list(_medication(resource, place, terms, medications, damage))
    else:
        found = list(_READERS[resource["resourceType"]](resource, place, terms, damage))
    if ALL in damage:
        found = [one for one in found if isinstance(one, Note) or match(one, terms)]
    if reason:
        is_kept = any(isinstance(one, Item) for one in found)
        fate = "it counts as recorded, and what it says is not used" if is_kept else "it is not read"
        yield Note(f"{what} has {reason}, which may change its meaning: {fate}.", place)
    yield from found


def _modifier(node: object) -> str | None:
    """The first modifier extension anywhere in a resource."""
    if isinstance(node, dict):
        if found := node.get("modifierExtension"):
            row = found[0] if isinstance(found, list) and isinstance(found[0], dict) else {}
            return as_text(row.get("url")) or "unnamed"
        node = list(node.values())
    if isinstance(node, list):
        return next((url for one in node if (url := _modifier(one)) is not None), None)
    return None


def _item(name: ListName, concept: object, keys: Mapping[str, Recorded], place: str) -> Item:
    kept = {key: value for key, value in keys.items() if value != ""}
    return Item(name, concept_text(concept), kept, place, _codes(concept))


def _named(item: Item, terms: Terms) -> Item | Note:
    """The item, or, where its codes name different things, a note that says which."""
    kind = KIND[item.list]
    found = {term for code in item.codes if (term := terms.match(kind, code))}
    if len(found) < 2:
        return item
    what = " and ".join(sorted(map(terms.label, found)))
    return Note(f"{sentence(item, None, terms)} Not used: its codes name different things, {what}.", item.read_from)


def _readable(when: str, *, is_damaged: bool) -> str:
    """A date; where the resource is damaged, only one that can be read."""
    return when if not is_damaged or period(when) else ""


def _codes(concept: object) -> tuple[str, ...]:
    """The codes of a concept as a case file writes them, those of known systems."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return tuple(
        f"{SYSTEMS[system]}:{as_text(row.get('code'))}"
        for row in (codings if isinstance(codings, list) else ())
        if isinstance(row, dict) and (system := as_text(row.get("system"))) in SYSTEMS
    )


# --- observations ------------------------------------------------------------------------------------------------


def _observation(resource: Resource, place: str, terms: Terms, damage: Damage) -> Found:
    status = as_text(resource.get("status")).casefold()
    components = resource.get("component")
    rows = list(enumerate(components)) if isinstance(components, list) else []
    parts = [(index, one) for index, one in rows if isinstance(one, dict)]
    measured = any(_has_value(one) for one in (resource, *(part for _, part in parts)))
    if status == "cancelled" or (status == "registered" and not measured):
        yield Note(f"{called(resource)} is not read: its status is {status}, so there is no result.", place)
        return
    when = _moment(resource, "effective") or as_text(resource.get("issued"))
    shared: dict[str, Recorded] = {"when": _readable(when, is_damaged=ALL in damage)}
    if status == "entered-in-error":
        shared["status"] = "entered in error"
    if _has_value(resource) or not (parts or resource.get("hasMember")):
        yield from _measurement(resource, place, shared, terms, damage & {ALL, VALUE})
    elif not parts:
        left_out = (
            "Left out: it was entered in error" if "status" in shared else "Its members are read where they stand"
        )
        yield Note(f"{called(resource)} has no result of its own, only members. {left_out}.", place)
    for index, part in parts:
        yield from _measurement(part, f"{place}.component[{index}]", shared, terms, damage & {ALL, index})


def _measurement(row: Resource, place: str, shared: Mapping[str, Recorded], terms: Terms, damage: Damage) -> Found:
    """An observation or a component of one: a laboratory result, or a finding where its name is one."""
    keys = {**shared, **({} if ALL in damage else {"flag": _flag(row)})}
    result = _item("labs", row.get("code"), {**({} if damage else _result(row, terms)), **keys}, place)
    finding = _item("findings", row.get("code"), {"state": "unknown" if damage else _state(row, terms), **keys}, place)
    for item in (result, finding):
        named = _named(item, terms)
        if isinstance(named, Note):
            yield named
            return
    if match(result, terms):
        quantity = row.get("valueQuantity")
        if not damage and isinstance(quantity, dict) and (units := _two_units(quantity, terms)):
            text = f"{called({'resourceType': 'Observation', **row})} gives its unit twice, and differently: {units[0]}"
            yield Note(f"{text} as its code, {units[1]} in words. Neither is used.", place)
        yield result
    elif match(finding, terms) or not damage:
        yield finding if match(finding, terms) or "valueBoolean" in row else result


def _has_value(row: Resource) -> bool:
    return any(row.get(key) is not None for key in row if key.startswith("value") or key == "dataAbsentReason")


def _result(row: Resource, terms: Terms) -> dict[str, Recorded]:
    keys = _value(row, terms)
    if "dataAbsentReason" in row and keys:  # a value and a reason why there is none: neither can be relied on
        keys["value"] = f"{keys.get('value', '')} ({concept_text(row['dataAbsentReason'])})"
    return keys


def _value(row: Resource, terms: Terms) -> dict[str, Recorded]:
    for key, value in row.items():
        if not key.startswith("value") or value is None:
            continue
        if key == "valueQuantity" and isinstance(value, dict):
            number = recorded(value.get("value"), is_number=True)
            return {"value": f"{as_text(value.get('comparator'))}{number}", "unit": _unit(value, terms)}
        if key == "valueCodeableConcept":
            return {"value": concept_text(value)}
        return {"value": recorded(value, is_number=isinstance(value, Plain))}
    return {}


_UCUM = ("http://unitsofmeasure.org", "urn:oid:2.16.840.1.113883.6.8")


def _unit(quantity: Resource, terms: Terms) -> str:
    """The UCUM code, else the unit in words, else a code of some other system; both where they contradict."""
    code, words = as_text(quantity.get("code")), as_text(quantity.get("unit"))
    if _two_units(quantity, terms):
        return f"{code}, printed as {words}"
    return (code if as_text(quantity.get("system")) in _UCUM else "") or words or code


def _two_units(quantity: Resource, terms: Terms) -> tuple[str, str] | None:
    """The UCUM code and the printed unit where both are known units, and not the same."""
    code, words = as_text(quantity.get("code")), as_text(quantity.get("unit"))
    if as_text(quantity.get("system")) not in _UCUM or not code or not words:
        return None
    coded, printed = terms.match("unit", code), terms.match("unit", words)
    return (code, words) if coded and printed and coded != printed else None


def _state(row: Resource, terms: Terms) -> Recorded:
    value = _value(row, terms).get("value", "")
    if "dataAbsentReason" in row:
        return "unknown"
    if isinstance(value, bool):
        return "present" if value else "absent"
    return value


def _flag(row: Resource) -> str:
    """The laboratory's interpretations; one that says low stands first, since a flag is judged by its first word."""
    rows = row.get("interpretation")
    flags = [_one_flag(one) for one in rows] if isinstance(rows, list) else []
    return ", ".join(sorted(dict.fromkeys(filter(None, flags)), key=lambda flag: not is_low(flag)))


def _one_flag(concept: object) -> str:
    codings = concept.get("coding") if isinstance(concept, dict) else None
    rows = [one for one in codings if isinstance(one, dict)] if isinstance(codings, list) else []
    told = [*(as_text(one.get("code")) for one in rows), *(as_text(one.get("display")) for one in rows)]
    told = [text for text in (*told, concept_text(concept)) if text]
    return next((text for text in told if is_low(text)), told[0] if told else "")


def _moment(resource: Resource, prefix: str) -> str:
    """When, from the choice of elements that begin with a prefix: effectiveDateTime, performedPeriod …"""
    chosen = [
        (key, value)
        for key, value in resource.items()
        if key.startswith(prefix) and key[len(prefix) :][:1].isupper() and value is not None
    ]
    if len(chosen) != 1:  # none, or several of which none can be preferred
        return ""
    key, value = chosen[0]
    if key.endswith("Period") and isinstance(value, dict):
        return "/".join(filter(None, [as_text(value.get("start")), as_text(value.get("end"))]))
    return as_text(value)


# --- conditions and procedures -----------------------------------------------------------------------------------

_VERIFICATION = ("unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error")
_CLINICAL = ("active", "recurrence", "relapse", "inactive", "remission", "resolved")
_OVER = {"inactive": "inactive", "resolved": "resolved", "remission": "in remission"}


def _condition(resource: Resource, place: str, terms: Terms, damage: Damage) -> Found:
    when = as_text(resource.get("recordedDate")) or _moment(resource, "onset")
    state = _condition_state(resource)
    if damage and state != "entered in error":
        state = "unknown"
    keys: dict[str, Recorded] = {"state": state, "when": _readable(when, is_damaged=bool(damage))}
    yield _named(_item("conditions", resource.get("code"), keys, place), terms)


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
    when = _readable(_moment(resource, "performed"), is_damaged=bool(damage))
    yield _named(_item("conditions", resource.get("code"), {"state": state, "when": when}, place), terms)


def _code(concept: object, system: str, known: tuple[str, ...]) -> str:
    """The code of a status: of the system that FHIR binds it to, else a code that is one of its own, else in words."""
    rows = concept.get("coding") if isinstance(concept, dict) else None
    codings = [
        (as_text(row.get("system")).rpartition("/")[2], as_text(row.get("code")).casefold())
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and as_text(row.get("code"))
    ]
    words = as_text(concept.get("text")) if isinstance(concept, dict) else ""
    text = word(words).replace(" ", "-")
    told = [code for where, code in codings if where == system] + [code for _, code in codings if code in known]
    if "entered-in-error" in (text, *(code for _, code in codings)):
        return "entered-in-error"
    if told or text in known:
        return told[0] if told else text
    return (words or next((code for _, code in codings), "") or concept_text(concept)).casefold()


_READERS: Mapping[str, Callable[[Resource, str, Terms, Damage], Found]] = {
    "Observation": _observation, "Condition": _condition, "Procedure": _procedure,
}  # fmt: skip


# --- medicines ---------------------------------------------------------------------------------------------------

_STATUS = {"active": "current", "on-hold": "on hold", "entered-in-error": "entered in error"}


def _medication(
    resource: Resource, place: str, terms: Terms, medications: Mapping[str, Resource], damage: Damage
) -> Found:
    if as_text(resource.get("doNotPerform")).casefold() == "true":
        yield Note(f"{called(resource, medications)} says not to give it, and is not read.", place)
        return
    is_request = resource["resourceType"] == "MedicationRequest"
    status = as_text(resource.get("status")).casefold()
    medication = _referenced(resource, medications)
    is_wrong = medication is not None and as_text(medication.get("status")).casefold() == "entered-in-error"
    if is_wrong or _modifier(medication) is not None:
        fault = "was entered in error" if is_wrong else "has a modifier extension"
        text = f"{called(resource, medications)} refers to a Medication that {fault}: what it says is not used."
        yield Note(text, place)
        damage = {ALL}
    if damage:
        when = as_text(resource.get("authoredOn" if is_request else "dateAsserted"))
        state = _STATUS[status] if status == "entered-in-error" else "unknown"
        keys: dict[str, Recorded] = {"status": state, "when": _readable(when, is_damaged=True)}
        yield _named(_item("medications", _medicine(resource, medications), keys, place), terms)
        return
    dosages = resource.get("dosageInstruction" if is_request else "dosage")
    keys = {**dosage_keys(dosages), "route": _route(dosages, terms)}
    keys["status"] = _STATUS.get(status, status)
    if is_request:
        if as_text(resource.get("intent")) in ("proposal", "plan", "option") and status in (
            "",
            "draft",
            "active",
            "unknown",
        ):
            keys["status"] = "planned"
        keys["when"] = as_text(resource.get("authoredOn"))
    else:
        keys["since"] = _since(resource) or keys.get("since", "")
        keys["when"] = as_text(resource.get("dateAsserted"))
    yield _named(_item("medications", _medicine(resource, medications), keys, place), terms)


def _since(resource: Resource) -> str:
    span = resource.get("effectivePeriod")
    return as_text(span.get("start")) if isinstance(span, dict) else as_text(resource.get("effectiveDateTime"))


def _route(dosages: object, terms: Terms) -> str:
    """The routes in the knowledge base's own words where a code names them, else in the record's."""
    told = []
    for dosage in dosages if isinstance(dosages, list) else ():
        concept = dosage.get("route") if isinstance(dosage, dict) else None
        text = concept_text(concept)
        coded = (terms.match("route", code) for code in _codes(concept))
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
    rows = medication.get("ingredient")
    only = rows[0] if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], dict) else {}
    return only.get("itemCodeableConcept")


def _referenced(resource: Resource, medications: Mapping[str, Resource]) -> Resource | None:
    """The Medication that a resource refers to, where the record holds it."""
    reference = resource.get("medicationReference")
    if resource.get("medicationCodeableConcept") is not None or not isinstance(reference, dict):
        return None
    target = as_text(reference.get("reference"))
    contained = resource.get("contained")
    for one in contained if isinstance(contained, list) else ():
        if isinstance(one, dict) and one.get("resourceType") == "Medication" and f"#{as_text(one.get('id'))}" == target:
            return one
    parts = REFERENCE.fullmatch(target)
    if target in medications or not parts or parts[2] != "Medication":
        return medications.get(target)
    found = medications.get(f"Medication/{parts[3]}")
    names = [REFERENCE.fullmatch(name) for name, one in medications.items() if one is found]
    bases = {name[1] for name in names if name and name[1]}
    return None if parts[1] and bases and parts[1] not in bases else found
