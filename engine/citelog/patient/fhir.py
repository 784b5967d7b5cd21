"""FHIR R4: a Bundle or a single resource, as items.

Here a record is taken apart and judged as a whole: one release, one patient, each resource valid by itself. A
resource that is not valid, or of a type that is not read, never stops the others and never goes without a word. One
that is not valid is read all the same, as far as it can be relied on: a result with a fault in it is no missing one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

from citelog.diagnostics import CaseError, did_you_mean
from citelog.patient.case import Gathered, Item, Note, Recorded
from citelog.patient.dates import period
from citelog.patient.entries import match
from citelog.patient.numbers import LONGEST
from citelog.patient.reading import Document, Plain, as_text
from citelog.patient.releases import ONLY_R4, other_release
from citelog.patient.resources import ALL, REFERENCE, VALUE, Damage, Resource, called, read_resource
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
    notes = [*notes, *_one_patient(document, placed)]
    medications = _medications(document.tree, placed)
    items: list[Item] = []
    for place, resource in placed:
        if resource["resourceType"] not in (*READ, "Patient", "Medication"):
            continue
        read, remarks, problem = read_one(resource, place, terms, medications)
        if problem and document.tree is resource and not any(match(one, terms) for one in read):
            raise CaseError(f"{document.where}: {place}", f"not valid FHIR R4: {problem}", "correct the resource")
        items.extend(read)
        notes.extend(remarks)
    counts = Counter(resource["resourceType"] for _, resource in placed)
    for kind, count in counts.items():
        if kind not in (*READ, "Patient", "Medication"):
            one, are = ("resource", "is") if count == 1 else ("resources", "are")
            notes.append(Note(f"{count} {kind} {one} {are} not read.", str(document.tree["resourceType"])))
    context: dict[str, tuple[Recorded, str]] = {}
    for place, resource in placed:
        if resource["resourceType"] == "Patient" and (gender := as_text(resource.get("gender"))):
            context["sex"] = (gender, place)
    for place, resource in placed:
        born = as_text(resource.get("birthDate")) if resource["resourceType"] == "Patient" else ""
        if born and terms.match("context", "birth_date"):
            context["birth_date"] = (born, f"{place}.birthDate")
    return Gathered(tuple(items), tuple(notes), None, context)  # a record has no id of its own: its file names it


def read_one(
    resource: Resource, place: str, terms: Terms, medications: Mapping[str, Resource]
) -> tuple[list[Item], list[Note], str]:
    """What one resource of a record says, what of it is not used, and in one line what makes it invalid."""
    problem, damage = _problem(resource)
    found: list[Item | Note] = []
    is_read = resource["resourceType"] in READ
    if other := other_subject(resource):
        text = f"{called(resource, medications)} is about {other}, not about a patient, and is not read."
        found.append(Note(text, place))
    elif is_read:
        found, trouble = _read(resource, place, terms, medications, damage)
        problem, damage = problem or trouble, {ALL} if trouble else damage
    items = [one for one in found if isinstance(one, Item)]
    notes = [one for one in found if isinstance(one, Note)]
    if problem:
        fate = "It is read as it is"
        if damage and is_read:
            fate = "It counts as recorded, and what cannot be relied on is not used"
        fate = "It is not read" if is_read and not items else fate
        notes.append(Note(f"{called(resource, medications)} is not valid FHIR R4 ({problem}). {fate}.", place))
    return items, notes, problem


_TROUBLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


def _read(
    resource: Resource, place: str, terms: Terms, medications: Mapping[str, Resource], damage: Damage
) -> tuple[list[Item | Note], str]:
    """What a resource says, and why it could not be read where it is so malformed that only its name can be."""
    try:
        return list(read_resource(resource, place, terms, medications, damage)), ""
    except _TROUBLE:
        trouble = "its elements are not built as FHIR says"
    try:
        return list(read_resource(resource, place, terms, medications, {ALL})), trouble
    except _TROUBLE:
        return [], trouble


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


def _one_patient(document: Document, placed: _Placed) -> list[Note]:
    """Refuse a record that mixes two patients, naming both; note where only their names in words differ."""
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
            target = refers_to(resource, key)
            target = aliases.get(target, target)
            parts = REFERENCE.fullmatch(target)
            if not target or target.startswith("#") or (parts and parts[2] != "Patient"):
                continue
            name = f"Patient/{parts[3]}" if parts else target
            if parts and parts[1] and bases.setdefault(name, parts[1]) != parts[1]:
                seen = {f"{bases[name]}/{name}": None, f"{parts[1]}/{name}": None}
            else:
                seen[name] = None
    if len(seen) > 1:
        one, other, *_ = seen
        raise _two_patients(document, one, other)
    _one_identity(document, placed)
    told = [as_text(_part(resource, key).get("display")) for _, resource in placed for key in ("subject", "patient")]
    names = list({" ".join(name.casefold().split()): name for name in reversed(told) if name}.values())
    if len(names) < 2:
        return []
    shown = " and ".join(f'"{name}"' for name in sorted(names)[:2])
    text = f"The record calls its patient by different names, as in {shown}. It is read as the record of one patient."
    return [Note(text, str(document.tree["resourceType"]))]


def _two_patients(document: Document, one: str, other: str) -> CaseError:
    what = f"this record is about more than one patient: {one} and {other}"
    return CaseError(document.where, what, "give one patient's record; for many patients there is `citelog population`")


def refers_to(resource: Resource, key: str) -> str:
    """What a reference refers to; one that is plain text is not valid, and still says whom it means."""
    node = resource.get(key)
    return node if isinstance(node, str) else as_text(_part(resource, key).get("reference"))


def _one_identity(document: Document, placed: _Placed) -> None:
    """Refuse two patients that are told apart by their identifiers, or by the ids that they have inside resources."""
    known: dict[str, set[str]] = {}
    inside: dict[str, dict[str, set[str]]] = {}  # contained patients by their ids
    claims: list[dict[str, set[str]]] = []
    for _, resource in placed:
        if resource["resourceType"] == "Patient":
            claims.append(_identifiers(resource.get("identifier")))
    for _, resource in placed:
        contained = resource.get("contained")
        for key in ("subject", "patient"):
            node, target = _part(resource, key), refers_to(resource, key)
            parts = REFERENCE.fullmatch(target)
            if (parts[2] if parts else as_text(node.get("type")) or "Patient") != "Patient":
                continue
            claims.append(_identifiers([node.get("identifier")]))
            for one in contained if isinstance(contained, list) else ():
                is_it = isinstance(one, dict) and f"#{as_text(one.get('id'))}" == target
                if is_it and one.get("resourceType") == "Patient":
                    claims.append(_identifiers(one.get("identifier")))
                    inside[target] = claims[-1]
    for claim in claims:
        shared = known.keys() & claim.keys()
        if shared and not any(known[system] & claim[system] for system in shared):
            system = min(shared)
            raise _two_patients(
                document, f"{system}|{min(known[system])}".lstrip("|"), f"{system}|{min(claim[system])}".lstrip("|")
            )
        for system, values in claim.items():
            known.setdefault(system, set()).update(values)
    for one, first in inside.items():
        for other, second in inside.items():
            if one < other and not first.keys() & second.keys():
                raise _two_patients(document, one, other)


def _identifiers(rows: object) -> dict[str, set[str]]:
    """The values of identifiers by their systems."""
    found: dict[str, set[str]] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and (value := as_text(row.get("value"))):
            found.setdefault(as_text(row.get("system")), set()).add(value)
    return found


def other_subject(resource: Resource) -> str:
    """What a resource is about where that is no patient, such as a Group; else the empty text."""
    subject = _part(resource, "subject")
    parts = REFERENCE.fullmatch(refers_to(resource, "subject"))
    kind = parts[2] if parts else as_text(subject.get("type"))
    return "" if kind in ("", "Patient") else f"a {kind}"


def import_models() -> None:
    """Import the models of all types of FHIR, so that no record needs another file."""
    from fhir.resources.R4B import fhirtypes, get_fhir_model_class

    for name in dir(fhirtypes):
        if name.endswith("Type"):
            with suppress(ValueError):  # a primitive: it has no model
                get_fhir_model_class(name.removesuffix("Type"))


# --- validity ----------------------------------------------------------------------------------------------------


def _is_type(kind: str, where: str) -> None:
    """Refuse a single resource of a type that FHIR R4 does not have."""
    from fhir.resources.R4B import get_fhir_model_class

    if kind in (*READ, "Patient", "Medication", *ONLY_R4) or other_release({"resourceType": kind}):
        return
    try:
        get_fhir_model_class(kind)
    except (LookupError, ImportError, AttributeError, ValueError):
        hint = did_you_mean(kind, [*READ, "Bundle", "Patient"]) or "give a Bundle or a single resource of FHIR R4"
        raise CaseError(where, f'FHIR R4 has no resource type "{kind[:60]}"', hint) from None


def _problem(resource: Resource) -> tuple[str, Damage]:
    """What makes a resource invalid, in one line, and what of it is damaged by that; the empty text where it is valid.

    The damage is that of what is read: a fault beside it neither damages it nor hides another fault in it.
    """
    said, _ = _faults(resource)
    if not said:
        return "", frozenset()
    _, damage = _faults({key: value for key, value in resource.items() if key not in BESIDE or key == "interpretation"})
    return said, damage


def _faults(resource: Resource) -> tuple[str, Damage]:
    """The first fault of a resource, and what all of its faults make unreliable.

    The models are those of R4B, which has the same shapes for what is read here.
    """
    from fhir.resources.R4B import get_fhir_model_class

    try:
        get_fhir_model_class(resource["resourceType"]).model_validate(_python(resource))
    except _TROUBLE as trouble:
        errors = getattr(trouble, "errors", None)
        if not callable(errors):
            return " ".join(str(trouble).split())[:200], {ALL}
        found = errors(include_url=False, include_context=False, include_input=False)
        damage = {part for one in found for part in _damage(resource, one.get("loc", ()), str(one.get("type")))}
        first = found[0]
        place = ".".join(str(part) for part in first.get("loc", ()))
        said = " ".join(str(first.get("msg", "")).removeprefix("Value error, ").split())[:200].rstrip(".")
        return f"{place}: {said}" if place else said, damage
    return "", frozenset()


BESIDE = frozenset((
    "asserter", "basedOn", "bodySite", "category", "complication", "courseOfTherapyType", "derivedFrom",
    "detectedIssue", "device", "dispenseRequest", "encounter", "eventHistory", "evidence", "extension",
    "focalDevice", "followUp", "groupIdentifier", "hasMember", "id", "identifier", "informationSource",
    "instantiatesCanonical", "instantiatesUri", "insurance", "interpretation", "language", "location", "meta",
    "method", "note", "outcome", "partOf", "performer", "performerType", "priority", "priorPrescription",
    "reasonCode", "reasonReference", "recorder", "referenceRange", "report", "requester", "severity", "specimen",
    "stage", "statusReason", "substitution", "supportingInformation", "text", "usedCode", "usedReference",
))  # fmt: skip
"""Elements of the resources that are read in which a fault changes nothing of what is read."""

_ANYWHERE = frozenset(("extension", "id", "identifier", "meta", "note", "userSelected", "version"))
_DATES = ("abatement", "authoredOn", "dateAsserted", "effective", "issued", "onset", "performed", "recordedDate")
_CARRIES = ("value", "component", "dataabsent", "status", "clinical", "verification", "code", "medication", "dosage",
            "abatement", "donot", "intent", "subject", "focus", "modifier", "implicit")  # fmt: skip


def _damage(resource: Resource, loc: tuple[str | int, ...], fault: str) -> Damage:
    """What a fault at a place of a resource makes unreliable; nothing, where it stands beside what is read."""
    kind = resource["resourceType"]
    names = [part for part in loc if isinstance(part, str)]
    if not names:  # a choice of elements, of which one is too many or missing
        chosen = {"Observation": "value", "Condition": "abatement"}.get(kind, "medication")
        count = sum(key.startswith(chosen) and value is not None for key, value in resource.items())
        is_right = count == 1 if kind.startswith("Medication") else count < 2
        return frozenset() if is_right else {VALUE if kind == "Observation" else ALL}
    top, leaf = names[0], names[-1]
    where: Damage = {ALL}
    if kind == "Observation" and top.startswith(("value", "dataAbsentReason")):
        where = {VALUE}
    elif top == "component" and len(loc) > 1 and isinstance(loc[1], int):
        where = {loc[1]}
    if fault == "extra_forbidden":
        return where if leaf.casefold().startswith(_CARRIES) else frozenset()
    raw = _at(resource, loc)
    is_harmless = (
        top in BESIDE
        or (top == "component" and len(names) > 1 and names[1] in BESIDE)
        or top.startswith(_DATES)
        or not _ANYWHERE.isdisjoint(names)
        or (top == "contained" and not kind.startswith("Medication"))
        or (top == "subject" and (resource.get(top) is None or isinstance(resource[top], (dict, str))))
        or (leaf in ("start", "end") and isinstance(raw, str) and period(raw) is not None)
        or (leaf == "display" and isinstance(raw, str))
        or (leaf == "unit" and raw == "")
    )
    return frozenset() if is_harmless else where


def _at(node: Any, loc: tuple[str | int, ...]) -> Any:
    """What stands at a place of a resource; None where nothing does."""
    for part in loc:
        if isinstance(node, dict) and isinstance(part, str):
            node = node.get(part)
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            return None
    return node


def _python(node: Any) -> Any:
    """A tree with its numbers as numbers, as the models expect them."""
    if isinstance(node, dict):
        return {key: _python(item) for key, item in node.items()}
    if isinstance(node, list):
        return [_python(item) for item in node]
    if isinstance(node, Plain) and len(node) <= LONGEST:
        return int(node) if node.lstrip("-").isdecimal() else Decimal(node)
    return str(node) if isinstance(node, Plain) else node
