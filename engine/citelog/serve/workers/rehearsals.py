"""Calls of the hooks for a worker to answer once before it is asked: what is imported late is imported then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from citelog.hooks.services import ORDER_SIGN, Service


def calls(service: Service) -> Iterator[dict[str, Any]]:
    """A call with nothing on record, and one at which nobody looked."""
    order = {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/a"},
        "medicationCodeableConcept": {"text": "a medicine"},
    }
    context: dict[str, Any] = {"userId": "Practitioner/a", "patientId": "a"}
    if service.hook == ORDER_SIGN:
        context["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]}
    call = {"hook": service.hook, "hookInstance": "00000000-0000-4000-8000-000000000000", "context": context}
    yield {**call, "prefetch": dict.fromkeys(service.queries)}
    yield call
