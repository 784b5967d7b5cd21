"""Which FHIR release a resource was written for, told by its shape.

A FHIR record does not say its release, and the same words mean different things in different releases, so what is
recognised as another one than R4 is refused by name and never read on a guess. R4B has the same shapes as R4 for
everything that is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES = {
    **dict.fromkeys(("Conformance", "DeviceUseRequest", "DiagnosticOrder", "ImagingObjectSelection", "MedicationOrder",
                     "Order", "OrderResponse"), "DSTU2"),
    **dict.fromkeys(("BodySite", "DataElement", "DeviceComponent", "EligibilityRequest", "ProcedureRequest",
                     "ProcessRequest", "ReferralRequest"), "DSTU2 or STU3"),
    **dict.fromkeys(("ExpansionProfile", "ImagingManifest", "Sequence", "ServiceDefinition"), "STU3"),
    **dict.fromkeys(("ActorDefinition", "ArtifactAssessment", "DeviceAssociation", "DeviceDispense", "DeviceUsage",
                     "EncounterHistory", "FormularyItem", "GenomicStudy", "ImagingSelection", "InventoryItem",
                     "InventoryReport", "NutritionIntake", "Permission", "Requirements", "TestPlan", "Transport"),
                    "R5"),
}  # fmt: skip

ONLY_R4 = (
    "EffectEvidenceSynthesis", "MedicinalProduct", "MedicinalProductAuthorization",
    "MedicinalProductContraindication", "MedicinalProductIndication", "MedicinalProductIngredient",
    "MedicinalProductInteraction", "MedicinalProductManufactured", "MedicinalProductPackaged",
    "MedicinalProductPharmaceutical", "MedicinalProductUndesirableEffect", "RiskEvidenceSynthesis",
    "SubstanceNucleicAcid", "SubstancePolymer", "SubstanceProtein", "SubstanceReferenceInformation",
    "SubstanceSourceMaterial", "SubstanceSpecification",
)  # fmt: skip
"""Resource types of R4 (4.0.1) that R4B, whose models are used here, no longer has."""

# Elements that only one release has, for the resources that are read.
_ELEMENTS: Mapping[str, Mapping[str, str]] = {
    "AllergyIntolerance": {"assertedDate": "STU3", "substance": "DSTU2"},
    "Condition": {"assertedDate": "STU3", "context": "STU3", "dateRecorded": "DSTU2", "participant": "R5"},
    "MedicationAdministration": {
        "medication": "R5", "occurenceDateTime": "R5", "occurencePeriod": "R5", "occurenceTiming": "R5",
        "notGiven": "STU3", "reasonNotGiven": "STU3", "prescription": "STU3", "wasNotGiven": "DSTU2",
    },
    "MedicationDispense": {
        "medication": "R5", "recorded": "R5", "renderedDosageInstruction": "R5", "notDone": "STU3",
        "notDoneCodeableConcept": "STU3", "notDoneReference": "STU3", "dispenser": "DSTU2",
    },
    "MedicationRequest": {"context": "STU3", "medication": "R5", "reason": "R5", "renderedDosageInstruction": "R5"},
    "MedicationStatement": {
        "taken": "STU3", "reasonNotTaken": "STU3", "wasNotTaken": "DSTU2", "medication": "R5", "adherence": "R5",
    },
    "Observation": {
        "comment": "STU3", "context": "STU3", "related": "STU3", "comments": "DSTU2",
        "triggeredBy": "R5", "bodyStructure": "R5", "instantiatesCanonical": "R5",
    },
    "Patient": {"animal": "STU3", "careProvider": "DSTU2"},
    "Procedure": {
        "context": "STU3", "notDone": "STU3", "notPerformed": "DSTU2",
        "occurrenceDateTime": "R5", "occurrencePeriod": "R5", "reportedBoolean": "R5", "reason": "R5",
    },
}  # fmt: skip

_NUMBERED = re.compile(r"(?:^|hl7\.org/fhir/StructureDefinition/[A-Za-z]+\||hl7\.org/fhir/(?=[0-9]))([0-9]+)\.([0-9]+)")
_NAMED = re.compile(r"hl7\.org/fhir/(DSTU2|STU3|R5|R6)/")


def other_release(resource: Mapping[str, Any]) -> tuple[str, str] | None:
    """The release of a resource that is not R4, and what gives it away; None where nothing does.

    >>> other_release({"resourceType": "Condition", "clinicalStatus": "active"})
    ('STU3', 'a Condition with a clinicalStatus that is plain text')
    >>> other_release({"resourceType": "MedicationOrder"})
    ('DSTU2', 'the resource type MedicationOrder')
    >>> other_release({"resourceType": "Condition", "clinicalStatus": {"text": "active"}})
    """
    return next(_signs(resource), None)


def _signs(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    kind = str(resource.get("resourceType"))
    yield from _stated(resource)
    if release := _TYPES.get(kind):
        yield release, f"the resource type {kind}"
    if kind in ("Condition", "AllergyIntolerance"):
        for key in ("clinicalStatus", "verificationStatus"):
            if isinstance(resource.get(key), str):
                dstu2 = kind == "Condition" and "patient" in resource
                yield "DSTU2" if dstu2 else "STU3", f"a {kind} with a {key} that is plain text"
    for element, release in _ELEMENTS.get(kind, {}).items():
        if element in resource:
            yield release, f'a {kind} with "{element}"'
    if kind == "Observation" and isinstance(resource.get("interpretation"), dict):
        yield "STU3", "an Observation with a single interpretation"
    if kind == "MedicationStatement" and "patient" in resource:
        yield "DSTU2", 'a MedicationStatement with "patient"'
    requester = resource.get("requester")
    if kind == "MedicationRequest" and isinstance(requester, dict) and "agent" in requester:
        yield "STU3", 'a MedicationRequest whose requester has an "agent"'
    for dosages in (resource.get("dosageInstruction"), resource.get("dosage")):
        for dosage in dosages if isinstance(dosages, list) else ():
            if isinstance(dosage, dict) and not {"doseQuantity", "doseRange"}.isdisjoint(dosage):
                yield "STU3", f"a {kind} whose dose stands outside doseAndRate"


def _stated(resource: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a resource says itself: a fhirVersion, or a base profile with a version."""
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    told = [resource.get("fhirVersion"), *(profiles if isinstance(profiles, list) else ())]
    for text in told:
        if not isinstance(text, str):
            continue
        if named := _NAMED.search(text):
            yield named[1], f"it names {text}"
        elif (numbered := _NUMBERED.search(text)) and (release := _release(int(numbered[1]))) != "R4":
            yield release, f"it names {text}"


def _release(major: int) -> str:
    return {0: "DSTU1", 1: "DSTU2", 2: "STU3", 3: "STU3", 4: "R4"}.get(major, f"R{major}")
