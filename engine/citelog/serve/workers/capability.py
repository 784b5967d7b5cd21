"""What the FHIR side of a server can do, in FHIR's own words: a CapabilityStatement, and the operation that it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from citelog.home import VERSION
from citelog.knowledge.base import Knowledge
from citelog.render.dosage import ABSENT

Node = dict[str, Any]

INPUT, DAY, SUBJECT, REQUEST = "inputData", "evaluateAtDateTime", "subject", "requestId"
"""The parameters of `$evaluate`: by the names of STU3's ServiceDefinition/$evaluate, and of R4's $apply (subject)."""

SEARCHED = ("_id", "url")
"""The search parameters of what is kept."""


def operation(knowledge: Knowledge) -> Node:
    """The OperationDefinition of `$evaluate`.

    R4 has no operation that asks a decision support service about a record that it is given: STU3's
    ServiceDefinition/$evaluate did, and gives this one its name and its parameters. R4's PlanDefinition/$apply is about
    a subject whose data the server holds, and gives a CarePlan, without what was missing or why.
    """
    url = f"{knowledge.namespace.rstrip('#/')}/OperationDefinition/evaluate"
    parameters = (
        (INPUT, "in", 1, "*", "Any", "A Bundle, or single resources: one patient's record."),
        (DAY, "in", 0, "1", "dateTime", "The day of the assessment, for rules about time. The clock is never read."),
        (
            SUBJECT,
            "in",
            0,
            "1",
            "string",
            "The patient who is meant, where the record is about several.",
        ),
        (REQUEST, "in", 0, "1", "string", "Comes back as the requestIdentifier of the GuidanceResponse."),
        ("return", "out", 1, "1", "Bundle", "A GuidanceResponse, its proposals, and a Provenance for each conclusion."),
    )
    return {
        "resourceType": "OperationDefinition",
        "id": "evaluate",
        "url": url,
        "version": knowledge.version,
        "name": "Evaluate",
        "title": "What the document says about a record",
        "status": "draft",
        "kind": "operation",
        "experimental": True,
        "description": "Derives every conclusion for one patient's record. Nothing is kept, and nothing is ordered.",
        "affectsState": False,
        "code": "evaluate",
        "system": True,
        "type": False,
        "instance": False,
        "parameter": [
            {"name": name, "use": use, "min": least, "max": most, "documentation": told, "type": type_}
            for name, use, least, most, type_, told in parameters
        ],
    }


def capability(knowledge: Knowledge, types: Iterable[str]) -> Node:
    """The CapabilityStatement of a server that keeps resources of some types."""
    searched: list[Mapping[str, str]] = [{"name": "_id", "type": "token"}, {"name": "url", "type": "uri"}]
    kept = [
        {
            "type": type_,
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": searched if type_ != "DocumentReference" else searched[:1],
        }
        for type_ in types
    ]
    evaluate = {"name": "evaluate", "definition": operation(knowledge)["url"]}
    return {
        "resourceType": "CapabilityStatement",
        "status": "draft",
        "experimental": True,
        "_date": {"extension": [{"url": ABSENT, "valueCode": "unsupported"}]},
        "kind": "instance",
        "software": {"name": "citelog", "version": VERSION},
        "implementation": {"description": f"{knowledge.title} ({knowledge.id} {knowledge.version})"},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [{"mode": "server", "resource": kept, "operation": [evaluate]}],
    }
