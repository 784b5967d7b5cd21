"""What the API can be asked, where, and in which forms it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

HTML, FORM, JSON = "text/html", "application/x-www-form-urlencoded", "application/json"
TURTLE, JSONLD, FHIR = "text/turtle", "application/ld+json", "application/fhir+json"

FORMS: Mapping[str, str] = {
    "application/sparql-results+json": "json",
    JSON: "json",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/sparql-results+xml": "xml",
    TURTLE: "turtle",
    "application/n-triples": "ntriples",
    JSONLD: "jsonld",
}
"""The forms of the answer to a query (graph.results), by media type: of rows, of yes or no, or of a graph."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A question about patients: the last part of its address, its schema, and the forms of its answer.

    `document` is the published schema of the answer in JSON, None for those of SPARQL. What is `slow` derives many
    times; `several` is whether the answer can be an array, where one name means several conclusions.
    """

    name: str
    title: str
    document: str | None
    forms: tuple[str, ...] = (JSON,)
    slow: bool = False
    several: bool = False


OPERATIONS: Mapping[str, Operation] = {
    one.name: one
    for one in (
        Operation(
            "assess", "Every conclusion, with its reasons and citations", "assessment", (JSON, FHIR, TURTLE, JSONLD)
        ),
        Operation("why", "The proof of a conclusion", "proof", (JSON, TURTLE, JSONLD), several=True),
        Operation("why-not", "Why a conclusion was not reached, and what would reach it", "why-not", slow=True),
        Operation("what-if", "What changes when the record changes", "what-if", slow=True),
        Operation("missing", "Which unrecorded item could change the answer", "missing", slow=True),
        Operation("contrast", "Why this and not that", "contrast", slow=True),
        Operation("query", "A SPARQL query", None, tuple(FORMS), slow=True),
    )
}
