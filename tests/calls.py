"""What a hospital system sends to CDS Hooks: resources, Bundles, and calls made of them."""

from __future__ import annotations

from typing import Any

Node = dict[str, Any]


def observation(value: object = 118, unit: str = "pg/mL", patient: str = "Patient/p1", **more: Any) -> Node:
    """A serum vitamin B12 result."""
    return {
        "resourceType": "Observation", "status": "final", "subject": {"reference": patient},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]}, "effectiveDateTime": "2025-04-01",
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}, **more,
    }  # fmt: skip


def condition(text: str = "neurological involvement", patient: str = "Patient/p1") -> Node:
    """A condition that is active, by its name."""
    status = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
    return {
        "resourceType": "Condition",
        "clinicalStatus": status,
        "code": {"text": text},
        "subject": {"reference": patient},
    }


def order(code: str = "4511", **more: Any) -> Node:
    """A medicine about to be ordered: folic acid, by its RxNorm code."""
    coding = {"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": code}
    return {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": {"coding": [coding]},
        **more,
    }


def bundle(*found: Node, **more: Any) -> Node:
    """What a search gives."""
    entries = {"entry": [{"resource": one} for one in found]} if found else {}
    return {"resourceType": "Bundle", "type": "searchset", **entries, **more}


def call(hook: str = "patient-view", orders: Node | None = None, **prefetch: Any) -> Node:
    """A call of a hook; `orders` are those about to be signed."""
    context: Node = {"userId": "Practitioner/example", "patientId": "p1"}
    if hook == "order-sign":
        context["draftOrders"] = bundle(order(), type="collection") if orders is None else orders
    made = {"hook": hook, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context}
    return made | ({"prefetch": prefetch} if prefetch else {})


PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1958-03-02"}
VIEW = call(patient=PATIENT, results=bundle(observation()), conditions=bundle(condition()), medications=None)
NOBODY = call(**dict.fromkeys(("results", "findings", "conditions", "procedures", "medications", "statements")))
