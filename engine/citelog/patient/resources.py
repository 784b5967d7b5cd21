"""One FHIR R4 resource as the line that a case file would have for it.

What FHIR says in a structure (a verification status, a reason for missing data, a comparator) is put into the words
of a case file and goes the same way from there on. Whatever could change the meaning of a resource and is not
understood keeps it from being read, with a note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from citelog.patient.case import Item, ListName, Note, Recorded
from citelog.patient.dosage import concept_text, dosage_keys, joined
from citelog.patient.entries import match, match_route
from citelog.patient.reading import Plain, as_text, recorded
from citelog.patient.words import is_low
from citelog.vocab import Terms

Resource = Mapping[str, Any]
Found = Iterator[Item | Note]

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


def read_resource(resource: Resource, place: str, terms: Terms, medications: Mapping[str, Resource]) -> Found:
    """The entries that one resource stands for, or notes that say why it stands for none."""
    what = called(resource, medications)
    if "implicitRules" in resource or (url := _modifier(resource)) is not None:
        reason = "implicit rules" if "implicitRules" in resource else f"a modifier extension ({url})"
        yield Note(f"{what} has {reason}, which may change its meaning, and is not read.", place)
    elif resource.get("focus"):
        yield Note(f"{what} is about somebody or something else than the patient (focus), and is not read.", place)
    elif resource["resourceType"] in ("MedicationRequest", "MedicationStatement"):
        yield from _medication(resource, place, terms, medications)
    else:
        yield from _READERS[resource["resourceType"]](resource, place, terms)


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


def _codes(concept: object) -> tuple[str, ...]:
    """The codes of a concept as a case file writes them, those of known systems."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    return tuple(
        f"{SYSTEMS[system]}:{as_text(row.get('code'))}"
        for row in (codings if isinstance(codings, list) else ())
        if isinstance(row, dict) and (system := as_text(row.get("system"))) in SYSTEMS
    )


# --- observations ------------------------------------------------------------------------------------------------


def _observation(resource: Resource, place: str, terms: Terms) -> Found:
    status = as_text(resource.get("status"))
    components = resource.get("component")
    parts = [one for one in components if isinstance(one, dict)] if isinstance(components, list) else []
    measured = any(_has_value(one) for one in (resource, *parts))
    if status == "cancelled" or (status == "registered" and not measured):
        yield Note(f"{called(resource)} is not read: its status is {status}, so there is no result.", place)
        return
    shared: dict[str, Recorded] = {"when": _moment(resource, "effective") or as_text(resource.get("issued"))}
    if status == "entered-in-error":
        shared["status"] = "entered in error"
    if _has_value(resource) or not (parts or resource.get("hasMember")):
        yield _measurement(resource, place, shared, terms)
    for index, part in enumerate(parts):
        yield _measurement(part, f"{place}.component[{index}]", shared, terms)


def _measurement(row: Resource, place: str, shared: Mapping[str, Recorded], terms: Terms) -> Item:
    """An observation or a component of one: a laboratory result, or a finding where its name is one."""
    result = _item("labs", row.get("code"), {**_result(row), "flag": _flag(row), **shared}, place)
    finding = _item("findings", row.get("code"), {"state": _state(row), "flag": _flag(row), **shared}, place)
    if match(result, terms):
        return result
    return finding if match(finding, terms) or "valueBoolean" in row else result


def _has_value(row: Resource) -> bool:
    return any(row.get(key) is not None for key in row if key.startswith("value") or key == "dataAbsentReason")


def _result(row: Resource) -> dict[str, Recorded]:
    keys = _value(row)
    if "dataAbsentReason" in row and keys:  # a value and a reason why there is none: neither can be relied on
        keys["value"] = f"{keys.get('value', '')} ({concept_text(row['dataAbsentReason'])})"
    return keys


def _value(row: Resource) -> dict[str, Recorded]:
    for key, value in row.items():
        if not key.startswith("value") or value is None:
            continue
        if key == "valueQuantity" and isinstance(value, dict):
            number = recorded(value.get("value"), is_number=True)
            return {"value": f"{as_text(value.get('comparator'))}{number}", "unit": _unit(value)}
        if key == "valueCodeableConcept":
            return {"value": concept_text(value)}
        return {"value": recorded(value, is_number=isinstance(value, Plain))}
    return {}


def _unit(quantity: Resource) -> str:
    """The UCUM code, else the unit in words, else a code of some other system."""
    code, words = as_text(quantity.get("code")), as_text(quantity.get("unit"))
    is_ucum = as_text(quantity.get("system")) in ("http://unitsofmeasure.org", "urn:oid:2.16.840.1.113883.6.8")
    return (code if is_ucum else "") or words or code


def _state(row: Resource) -> Recorded:
    value = _value(row).get("value", "")
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
    for key, value in resource.items():
        if key.startswith(prefix) and key[len(prefix) :][:1].isupper() and value is not None:
            if key.endswith("Period") and isinstance(value, dict):
                ends = [as_text(value.get("start")), as_text(value.get("end"))]
                return "/".join(filter(None, ends))
            return as_text(value)
    return ""


# --- conditions and procedures -----------------------------------------------------------------------------------

_OVER = {"inactive": "inactive", "resolved": "resolved", "remission": "in remission"}


def _condition(resource: Resource, place: str, terms: Terms) -> Found:
    when = as_text(resource.get("recordedDate")) or _moment(resource, "onset")
    yield _item("conditions", resource.get("code"), {"state": _condition_state(resource), "when": when}, place)


def _condition_state(resource: Resource) -> str:
    verification, clinical = _code(resource.get("verificationStatus")), _code(resource.get("clinicalStatus"))
    if verification == "entered-in-error":
        return "entered in error"
    if verification == "refuted":
        return "absent"
    if clinical in _OVER:
        return _OVER[clinical]
    if verification in ("unconfirmed", "provisional", "differential"):
        return "unknown"
    has_ended = any(key.startswith("abatement") for key in resource)
    if not clinical and has_ended:
        return "resolved"
    if verification not in ("", "confirmed"):
        return verification
    if clinical in ("active", "recurrence", "relapse"):
        return f"{clinical}, and ended" if has_ended else "present"
    return clinical


def _procedure(resource: Resource, place: str, terms: Terms) -> Found:
    status = as_text(resource.get("status"))
    if status == "not-done":
        yield Note(f"{called(resource)} was not done, and is not read: that says nothing about another time.", place)
        return
    state = {"completed": "present", "entered-in-error": "entered in error"}.get(status, status)
    yield _item("conditions", resource.get("code"), {"state": state, "when": _moment(resource, "performed")}, place)


def _code(concept: object) -> str:
    """The code of a status."""
    rows = concept.get("coding") if isinstance(concept, dict) else None
    codes = [as_text(row.get("code")) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return next(filter(None, codes), concept_text(concept)).casefold()


_READERS: Mapping[str, Callable[[Resource, str, Terms], Found]] = {
    "Observation": _observation, "Condition": _condition, "Procedure": _procedure,
}  # fmt: skip


# --- medicines ---------------------------------------------------------------------------------------------------

_STATUS = {"active": "current", "on-hold": "on hold", "entered-in-error": "entered in error"}


def _medication(resource: Resource, place: str, terms: Terms, medications: Mapping[str, Resource]) -> Found:
    if resource.get("doNotPerform") is True:
        yield Note(f"{called(resource, medications)} says not to give it, and is not read.", place)
        return
    is_request = resource["resourceType"] == "MedicationRequest"
    dosages = resource.get("dosageInstruction" if is_request else "dosage")
    keys: dict[str, Recorded] = {**dosage_keys(dosages), "route": _route(dosages, terms)}
    status = as_text(resource.get("status"))
    keys["status"] = _STATUS.get(status, status)
    if is_request:
        if as_text(resource.get("intent")) in ("proposal", "plan", "option") and status in ("", "active", "unknown"):
            keys["status"] = "planned"
        keys["when"] = as_text(resource.get("authoredOn"))
    else:
        keys["since"] = _since(resource) or keys.get("since", "")
        keys["when"] = as_text(resource.get("dateAsserted"))
    yield _item("medications", _medicine(resource, medications), keys, place)


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
    target = as_text(reference.get("reference"))
    contained = resource.get("contained")
    inside = {
        f"#{as_text(one.get('id'))}": one
        for one in (contained if isinstance(contained, list) else ())
        if isinstance(one, dict) and one.get("resourceType") == "Medication"
    }
    medication = inside.get(target) or medications.get(target)
    if medication is None:
        return {"text": as_text(reference.get("display")) or target}
    if (concept := medication.get("code")) is not None:
        return concept
    rows = medication.get("ingredient")
    only = rows[0] if isinstance(rows, list) and len(rows) == 1 and isinstance(rows[0], dict) else {}
    return only.get("itemCodeableConcept")
