"""The API described in OpenAPI 3.1, made of what it runs by: types of requests, published schemas, problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.json import schema_components

from citelog import schemas
from citelog.home import VERSION
from citelog.serve.http.operations import FORMS, JSON, OPERATIONS, Operation
from citelog.serve.http.problems import MEDIA, PROBLEMS
from citelog.serve.workers.questions import EITHER, QUESTIONS

Document = dict[str, Any]

DOCUMENTS: tuple[str, ...] = (
    "case", "assessment", "proof", "why-not", "what-if", "missing", "contrast",
    "knowledge", "queries", "found", "problem",
)  # fmt: skip
"""The published schemas that it refers to."""

POPULATION = ("population-summary", "population-list")
"""Those besides, where a population is served."""

LISTED: Mapping[str, str] = {
    "has": "A conclusion that all of them have: `kind:value`, or `kind:value role`.",
    "without": "A conclusion that none of them has.",
    "rule": "The name of a rule that held for all of them.",
    "order": "`run`; `rare`, the rarest pictures first; `most:KIND`, those with most conclusions of a kind first.",
    "after": "The row after which the page begins; `next` has it.",
    "before": "The row before which the page ends; `previous` has it.",
}
"""What a list of patients can be asked by."""

_INFO = {
    "title": "citelog",
    "version": VERSION,
    "summary": "What a document says about a patient, with facts, rules and quoted sentences",
    "description": "Each question of the command line, about one patient a request. The answers are the documents of "
    "`--format json`, byte for byte. Not a medical device: for review by people who can judge what is quoted.",
    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
}
_FHIR = {
    "title": "A FHIR R4 record",
    "description": "A Bundle or a single resource of FHIR R4. What is not used of it is listed in `notes`.",
    "type": "object",
    "required": ["resourceType"],
    "properties": {"resourceType": {"description": "The type of the resource.", "type": "string"}},
}
_HEALTH = {
    "title": "The health of the server",
    "type": "object",
    "additionalProperties": False,
    "required": ["status"],
    "properties": {"status": {"description": "Whether everything can be answered.", "enum": ["pass", "fail"]}},
}
_EVERYWHERE = (403, 406, 500, 503)
_POSTED = (400, 408, 413, 415, 422, 429, 504)


def description(examples: Mapping[str, Any], population: bool = False) -> Document:
    """The description; `examples` has a request for each question. A `population` is described where one is served."""
    paths = {f"/api/{one.name}": {"post": _asked(one, examples[one.name])} for one in OPERATIONS.values()}
    paths["/api/query"]["get"] = _told("queries", "The queries that can be asked by name", _of("queries"))
    paths["/api/knowledge"] = {"get": _told("knowledge", "What the knowledge base holds", _of("knowledge"))}
    paths["/api/knowledge/{id}"] = {"get": _thing()}
    paths["/api/openapi.json"] = {"get": _told("openapi", "This description", {"type": "object"})}
    paths["/health"] = {"get": _health()}
    documents = DOCUMENTS
    if population:
        paths |= _population()
        documents += POPULATION
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "paths": paths,
        "components": {
            "schemas": _schemas((*DOCUMENTS, *(POPULATION if population else ()))),
            "responses": _responses(),
        },
    }


def _asked(operation: Operation, example: Any) -> Document:
    asked = QUESTIONS[operation.name]
    schema = {"$ref": f"#/components/schemas/{asked.__name__}"}
    statuses = [*_EVERYWHERE, *_POSTED, *([409] if operation.name in ("why", "why-not", "missing") else [])]
    return {
        "operationId": operation.name,
        "summary": operation.title,
        "description": asked.__doc__,
        "requestBody": {"required": True, "content": {JSON: {"schema": schema, "example": example}}},
        "responses": {"200": _answer(operation), **_problems(statuses)},
    }


def _answer(operation: Operation) -> Document:
    content: Document = {form: {"schema": {}} for form in operation.forms}
    if operation.document:
        one = _of(operation.document)
        content[JSON] = {"schema": {"oneOf": [one, {"type": "array", "items": one}]} if operation.several else one}
    elif operation.name == "query":
        content = {form: {"schema": {"type": "object"} if "json" in FORMS[form] else {}} for form in FORMS}
    return {"description": operation.title, "content": content}


def _told(name: str, title: str, schema: Document) -> Document:
    """A resource that is got."""
    return {
        "operationId": name,
        "summary": title,
        "responses": {"200": {"description": title, "content": {JSON: {"schema": schema}}}, **_problems(_EVERYWHERE)},
    }


def _thing() -> Document:
    one = _of("found")
    told = _told("found", "One thing of the knowledge base", {"oneOf": [one, {"type": "array", "items": one}]})
    named = "The id of a statement or a conflict, the name of a rule or a predicate, the id or the label of a term."
    parameter = {"name": "id", "in": "path", "required": True, "description": named, "schema": {"type": "string"}}
    return {**told, "parameters": [parameter], "responses": told["responses"] | _problems([404, 429, 504])}


def _population() -> Document:
    summary = _told("population", "A population, summed up", _of("population-summary"))
    listed = _told("patients", "A list of patients of a population, a page of it", _of("population-list"))
    row = _told("row", "The assessment of one patient of a population", _of("assessment"))
    parameters = [
        {
            "name": name,
            "in": "query",
            "description": said,
            "schema": {"type": "array", "items": {"type": "string"}}
            if name in ("has", "without", "rule")
            else {"type": "string"}
            if name == "order"
            else {"type": "integer", "minimum": 1},
        }
        for name, said in LISTED.items()
    ]
    said = "A row, as a list names it: the run and a number, and never a patient."
    named = {"name": "row", "in": "path", "required": True, "description": said, "schema": {"type": "string"}}
    listed |= {"parameters": parameters, "responses": listed["responses"] | _problems([400, 422, 429, 504])}
    row |= {"parameters": [named], "responses": row["responses"] | _problems([404, 429, 504])}
    addresses = {"": summary, "/patients": listed, "/patients/{row}": row}
    return {f"/api/population{address}": {"get": one} for address, one in addresses.items()}


def _health() -> Document:
    media = "application/health+json"
    answers = {
        str(status): {"description": said, "content": {media: {"schema": _HEALTH}}}
        for status, said in ((200, "Everything can be answered"), (503, "Something is still starting, or cannot"))
    }
    return {"operationId": "health", "summary": "Whether everything can be answered", "responses": answers}


def _problems(statuses: Iterable[int]) -> Document:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)}


def _responses() -> Document:
    """For each status, what can be the matter."""
    found: Document = {}
    for code, problem in PROBLEMS.items():
        for status in problem.statuses:
            said = found.setdefault(str(status), {"description": "", "content": {MEDIA: {"schema": _of("problem")}}})
            said["description"] += f"{'; ' if said['description'] else ''}{code}: {problem.title}"
    for again in ("429", "503"):
        told = {"description": "Seconds after which to ask again.", "schema": {"type": "integer"}}
        found[again]["headers"] = {"Retry-After": told}
    return found


def _schemas(documents: Iterable[str]) -> Document:
    """The types of the requests, and the published schemas, with references into this description alone."""
    _, asked = schema_components(QUESTIONS.values(), ref_template="#/components/schemas/{name}")
    for name, either in EITHER.items():
        asked[name]["anyOf"] = list(either)
    found: Document = {**asked, "fhir": _FHIR}
    for name in documents:
        schema = schemas.schema(name)
        found[name] = _embedded(name, schema)
        found[schemas.COMMON] = _embedded(schemas.COMMON, schema["$defs"][schemas.COMMON])
    return found


def _embedded(name: str, schema: Document) -> Document:
    """A published schema as a part of this description."""
    parts = {key: part for key, part in schema["$defs"].items() if key != schemas.COMMON}
    rest = {key: part for key, part in schema.items() if key not in ("$schema", "$id", "$defs")}
    where = {"externalDocs": {"description": "As it is published", "url": schema["$id"]}}
    embedded: Document = _referring(name, {**rest, **where, "$defs": parts})
    return embedded


def _referring(name: str, part: Any) -> Any:
    """A part of a schema whose references lead to where the schemas stand in this description."""
    if isinstance(part, list):
        return [_referring(name, one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: re.sub(r"^(?:([\w-]+)\.schema\.json)?#/", lambda found: f"#/components/schemas/{found[1] or name}/", below)
        if key == "$ref" and isinstance(below, str)
        else _referring(name, below)
        for key, below in part.items()
    }


def _of(name: str) -> Document:
    return {"$ref": f"#/components/schemas/{name}"}
