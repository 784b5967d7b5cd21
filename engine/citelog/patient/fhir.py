"""FHIR R4: a Bundle or a single resource, as items.

Here a record is taken apart and judged as a whole: one release, one patient, each resource valid by itself. A
resource that is not valid, or of a type that is not read, never stops the others and never goes without a word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from citelog.diagnostics import CaseError, did_you_mean
from citelog.patient.case import Gathered, Item, Note, Recorded
from citelog.patient.numbers import LONGEST
from citelog.patient.reading import Document, Plain, as_text
from citelog.patient.releases import other_release
from citelog.patient.resources import Resource, called, read_resource
from citelog.vocab import Terms

READ = ("Observation", "Condition", "Procedure", "MedicationRequest", "MedicationStatement")
"""The resource types that become entries; Patient and Medication are read beside them."""


def gather(document: Document, terms: Terms) -> Gathered:
    """Everything that a FHIR record says."""
    tree, where = document.tree, document.where
    kind = tree["resourceType"]
    if not isinstance(kind, str):
        raise CaseError(f"{where}: resourceType", "this is no resource type", "as in Bundle or Observation")
    if kind == "Bundle":
        placed, notes = _unpacked(tree, where)
    else:
        placed, notes = [(kind, tree)], []
        _is_type(kind, where)
    for place, resource in placed:
        if found := other_release(resource):
            release, sign = found
            remedy = "convert the record to FHIR R4, the only release that is read"
            raise CaseError(f"{where}: {place}", f"this is FHIR {release} ({sign})", remedy)
    return _gathered(document, terms, placed, notes)


_Placed = list[tuple[str, Resource]]


def _gathered(document: Document, terms: Terms, placed: _Placed, notes: list[Note]) -> Gathered:
    _one_patient(document, placed)
    medications = _medications(document.tree, placed)
    valid: _Placed = []
    for place, resource in placed:
        kind = resource["resourceType"]
        if kind not in (*READ, "Patient", "Medication"):
            continue
        if problem := _problem(resource):
            if document.tree is resource:
                raise CaseError(f"{document.where}: {place}", f"not valid FHIR R4: {problem}", "correct the resource")
            text = f"{called(resource, medications)} is not valid FHIR R4 ({problem}) and is not read."
            notes.append(Note(text, place))
        else:
            valid.append((place, resource))
    counts = Counter(resource["resourceType"] for _, resource in placed)
    for kind, count in counts.items():
        if kind not in (*READ, "Patient", "Medication"):
            one, are = ("resource", "is") if count == 1 else ("resources", "are")
            notes.append(Note(f"{count} {kind} {one} {are} not read.", str(document.tree["resourceType"])))
    items: list[Item] = []
    for place, resource in valid:
        if resource["resourceType"] not in READ:
            continue
        if other := _other_subject(resource):
            text = f"{called(resource, medications)} is about {other}, not about a patient, and is not read."
            notes.append(Note(text, place))
            continue
        for found in read_resource(resource, place, terms, medications):
            if isinstance(found, Item):
                items.append(found)
            else:
                notes.append(found)
    context: dict[str, tuple[Recorded, str]] = {}
    for place, resource in valid:
        if resource["resourceType"] == "Patient" and (gender := as_text(resource.get("gender"))):
            context["sex"] = (gender, place)
    return Gathered(tuple(items), tuple(notes), None, context)  # a record has no id of its own: its file names it


# --- bundles -----------------------------------------------------------------------------------------------------


def _unpacked(bundle: Resource, where: str) -> tuple[_Placed, list[Note]]:
    """The resources of a Bundle with their places, and what there is to say about the Bundle."""
    if found := other_release(bundle):
        raise CaseError(where, f"this is FHIR {found[0]} ({found[1]})", "convert the record to FHIR R4")
    if bundle.get("type") == "history":
        remedy = "give the current version of each resource, as in a searchset or collection"
        raise CaseError(f"{where}: Bundle.type", "a history holds several versions of the same resource", remedy)
    entries = bundle.get("entry")
    if entries is not None and not isinstance(entries, list):
        raise CaseError(f"{where}: Bundle.entry", "this is not a list", "give the entries as a list of objects")
    placed: _Placed = []
    notes = []
    links = bundle.get("link")
    if isinstance(links, list) and any(isinstance(one, dict) and one.get("relation") == "next" for one in links):
        text = "This Bundle is one page of several; what stands on the others is not read."
        notes.append(Note(text, "Bundle"))
    for index, entry in enumerate(entries or ()):
        place = f"Bundle.entry[{index}].resource"
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            notes.append(Note("An entry of the Bundle that holds no resource is not read.", f"Bundle.entry[{index}]"))
        elif as_text(_part(entry, "request").get("method")) == "DELETE":
            notes.append(Note(f"{called(resource)} is to be deleted, and is not read.", place))
        else:
            placed.append((place, resource))
    return placed, notes


def _part(node: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    part = node.get(key)
    return part if isinstance(part, dict) else {}


def _full_urls(tree: Resource) -> dict[int, str]:
    """The fullUrl of each resource of a Bundle, by the resource's identity."""
    entries = tree.get("entry")
    return {
        id(entry["resource"]): as_text(entry.get("fullUrl"))
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict)
    }


def _medications(tree: Resource, placed: _Placed) -> dict[str, Resource]:
    """Medication resources under every name by which a reference may call them."""
    urls = _full_urls(tree)
    found: dict[str, Resource] = {}
    for _, resource in placed:
        if resource["resourceType"] == "Medication":
            found[f"Medication/{as_text(resource.get('id'))}"] = resource
            found[urls.get(id(resource), "")] = resource
    found.pop("", None)
    return found


# --- one patient -------------------------------------------------------------------------------------------------

_REFERENCE = re.compile(r"(?:(.*)/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[^/]+)?")


def _one_patient(document: Document, placed: _Placed) -> str | None:
    """The id of the patient, where one is given; a record that mixes two patients is refused, naming both."""
    urls = _full_urls(document.tree)
    seen: dict[str, None] = {}  # each patient once, as "Patient/id" or by the reference
    bases: dict[str, str] = {}  # on which server a patient of that id stands
    aliases: dict[str, str] = {}  # what else the Bundle calls its Patient
    for place, resource in placed:
        if resource["resourceType"] == "Patient":
            name = f"Patient/{as_text(resource.get('id')) or place}"
            seen[name] = None
            aliases[urls.get(id(resource), "")] = name
    for _, resource in placed:
        for key in ("subject", "patient"):
            target = as_text(_part(resource, key).get("reference"))
            target = aliases.get(target, target)
            parts = _REFERENCE.fullmatch(target)
            if not target or target.startswith("#") or (parts and parts[2] != "Patient"):
                continue
            name = f"Patient/{parts[3]}" if parts else target
            if parts and parts[1] and bases.setdefault(name, parts[1]) != parts[1]:
                seen = {f"{bases[name]}/{name}": None, f"{parts[1]}/{name}": None}
            else:
                seen[name] = None
    if len(seen) > 1:
        one, other, *_ = seen
        what = f"this record is about more than one patient: {one} and {other}"
        remedy = "give one patient's record; for many patients there is `citelog population`"
        raise CaseError(document.where, what, remedy)
    return next((as_text(one.get("id")) or None for _, one in placed if one["resourceType"] == "Patient"), None)


def _other_subject(resource: Resource) -> str:
    """What a resource is about where that is no patient, such as a Group; else the empty text."""
    subject = _part(resource, "subject")
    parts = _REFERENCE.fullmatch(as_text(subject.get("reference")))
    kind = parts[2] if parts else as_text(subject.get("type"))
    return "" if kind in ("", "Patient") else f"a {kind}"


# --- validity ----------------------------------------------------------------------------------------------------


def _is_type(kind: str, where: str) -> None:
    """Refuse a single resource of a type that FHIR R4 does not have."""
    from fhir.resources.R4B import get_fhir_model_class

    if kind in (*READ, "Patient", "Medication") or other_release({"resourceType": kind}):
        return
    try:
        get_fhir_model_class(kind)
    except (LookupError, ImportError, AttributeError, ValueError):
        hint = did_you_mean(kind, [*READ, "Bundle", "Patient"]) or "give a Bundle or a single resource of FHIR R4"
        raise CaseError(where, f'FHIR R4 has no resource type "{kind[:60]}"', hint) from None


def _problem(resource: Resource) -> str:
    """What makes a resource invalid, in one line; the empty text where it is valid.

    The models are those of R4B, which has the same shapes for what is read here.
    """
    from fhir.resources.R4B import get_fhir_model_class

    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(_python(resource))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as trouble:
        errors = getattr(trouble, "errors", None)
        if not callable(errors):
            return " ".join(str(trouble).split())[:200]
        first = errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(part) for part in first.get("loc", ()))
        said = " ".join(str(first.get("msg", "")).removeprefix("Value error, ").split())[:200].rstrip(".")
        return f"{place}: {said}" if place else said
    return ""


def _python(node: Any) -> Any:
    """A tree with its numbers as numbers, as the models expect them."""
    if isinstance(node, dict):
        return {key: _python(item) for key, item in node.items()}
    if isinstance(node, list):
        return [_python(item) for item in node]
    if isinstance(node, Plain) and len(node) <= LONGEST:
        return int(node) if node.lstrip("-").isdecimal() else Decimal(node)
    return str(node) if isinstance(node, Plain) else node
