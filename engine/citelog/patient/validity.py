"""Whether a resource is valid FHIR, and if not, what of it cannot be relied on.

The models of `fhir.resources` judge, those of R4B, which has the same shapes as R4 for what is read here. They take a
third of a second to import and most of a millisecond for a resource, so they are asked only about what is not plainly
valid (`shapes`).
"""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal
from typing import Any

from citelog.diagnostics import CaseError, did_you_mean
from citelog.patient.dates import period
from citelog.patient.numbers import LONGEST
from citelog.patient.reading import Plain
from citelog.patient.releases import ONLY_R4, other_release
from citelog.patient.resources import ALL, READ, VALUE, Damage, Resource
from citelog.patient.shapes import TYPES, is_plain

TROUBLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError)
"""What can be raised where a resource is so malformed that its elements are not what their names say."""


def import_models() -> None:
    """Import the models of all types of FHIR, so that no record needs another file."""
    from fhir.resources.R4B import fhirtypes, get_fhir_model_class

    for name in dir(fhirtypes):
        if name.endswith("Type"):
            with suppress(ValueError):  # a primitive: it has no model
                get_fhir_model_class(name.removesuffix("Type"))


def is_type(kind: str) -> bool:
    """Whether some release of FHIR that is known here has a resource type; those of R4B, and R4's own."""
    return kind in TYPES or kind in ONLY_R4 or other_release({"resourceType": kind}) is not None


def check_type(kind: str, where: str) -> None:
    """Refuse a single resource of a type that FHIR R4 does not have."""
    if not is_type(kind):
        hint = did_you_mean(kind, [*READ, "Bundle", "Patient"]) or "give a Bundle or a single resource of FHIR R4"
        raise CaseError(where, f'FHIR R4 has no resource type "{kind[:60]}"', hint)


def problem(resource: Resource) -> tuple[str, Damage]:
    """What makes a resource invalid, in one line, and what of it is damaged by that; the empty text where it is valid.

    The damage is that of what is read: a fault beside it neither damages it nor hides another fault in it.
    """
    return ("", frozenset()) if is_plain(resource) else by_models(resource)


def by_models(resource: Resource) -> tuple[str, Damage]:
    """What `problem` says, by the models alone."""
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
    except TROUBLE as trouble:
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
    "asserter", "authorizingPrescription", "basedOn", "bodySite", "category", "complication",
    "courseOfTherapyType", "daysSupply", "derivedFrom", "destination", "detectedIssue", "device", "dispenseRequest",
    "encounter", "eventHistory", "evidence", "extension", "focalDevice", "followUp", "groupIdentifier", "hasMember",
    "id", "identifier", "informationSource", "instantiates", "instantiatesCanonical", "instantiatesUri", "insurance",
    "interpretation", "language", "location", "meta", "method", "note", "outcome", "partOf", "performer",
    "performerType", "priority", "priorPrescription", "quantity", "reasonCode", "reasonReference", "receiver",
    "recorder", "referenceRange", "report", "request", "requester", "severity", "specimen", "stage", "statusReason",
    "substitution", "supportingInformation", "text", "type", "usedCode", "usedReference",
))  # fmt: skip
"""Elements of the resources that are read in which a fault changes nothing of what is read."""

_ANYWHERE = frozenset(("extension", "id", "identifier", "meta", "note", "userSelected", "version"))
_DATES = (
    "abatement", "authoredOn", "dateAsserted", "effective", "issued", "onset", "performed", "recordedDate",
    "whenHandedOver", "whenPrepared",
)  # fmt: skip
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
