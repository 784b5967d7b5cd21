"""The published schemas: each stands by itself, describes every member, and is kept by every document."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from referencing import Registry, Resource

import b12
from citelog import schemas
from citelog.diagnostics import CitelogError

Document = dict[str, Any]
KINDS = (
    "conclusion", "derived", "recorded", "given", "stated", "added", "firing", "comparison", "computation", "absence",
)  # fmt: skip


@dataclass(frozen=True)
class Form:
    """A schema by two validators: the quick one says whether a document has the form, the other where it has not."""

    quick: jsonschema_rs.Draft202012Validator
    telling: jsonschema.Draft202012Validator

    @classmethod
    def of(cls, schema: Mapping[str, Any], *parts: Mapping[str, Any]) -> Form:
        """The form of a schema; `parts` are other schemas that it refers to by their ids."""
        registry = Registry().with_resources([(s["$id"], Resource.from_contents(s)) for s in parts]).crawl()
        quick = jsonschema_rs.Registry([(s["$id"], s) for s in parts])
        return cls(
            jsonschema_rs.Draft202012Validator(schema, registry=quick),
            jsonschema.Draft202012Validator(schema, registry=registry),
        )

    def problem(self, document: Any) -> str:
        """What is wrong with a document, in a line; empty where nothing is."""
        if self.quick.is_valid(document):
            return ""
        error = jsonschema.exceptions.best_match(self.telling.iter_errors(document))
        assert error, f"one validator refuses it, the other does not: {document}"
        return f"{error.json_path}: {error.message}"


@cache
def form(name: str) -> Form:
    """The form of a document."""
    return Form.of(schemas.schema(name))


@cache
def form_of_a_step(kind: str) -> Form:
    """The form of a step of a proof."""
    return Form.of(schemas.schema("proof") | {"$ref": f"#/$defs/{kind}"})


def problem(kept: Form, document: Any) -> str:
    """What is wrong with a document, in a line; empty where nothing is."""
    return kept.problem(document)


def proof(name: str, conclusion: str) -> Document:
    return b12.assessed(name).why(conclusion).to_dict()


def first(document: Document, kind: str) -> Document:
    """The first step of a kind."""
    step: Document = next(step for step in document["steps"] if step["kind"] == kind)
    return step


def proof_with(kind: str) -> Document:
    """Some proof of the library that has a step of a kind."""
    for name in b12.library():
        for made in b12.assessed(name).conclusions:
            document = proof(name, made.id)
            if any(step["kind"] == kind for step in document["steps"]):
                return document
    raise AssertionError(f"no proof has a step of the kind {kind}")


def parts(schema: Any, place: str = "") -> Iterator[tuple[str, Document]]:
    """Every member that a schema names, with its place."""
    if isinstance(schema, dict):
        for key, below in schema.items():
            if key == "properties":
                for name, part in below.items():  # a member may be called "properties" too
                    yield f"{place}/{name}", part
                    yield from parts(part, f"{place}/{name}")
            else:
                yield from parts(below, f"{place}/{key}")
    elif isinstance(schema, list):
        for i, below in enumerate(schema):
            yield from parts(below, f"{place}/{i}")


@pytest.mark.parametrize("name", schemas.names())
def test_a_schema_is_one_of_2020_12_and_has_its_published_name(name: str) -> None:
    schema = schemas.schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == f"https://w3id.org/citelog/schema/{name}.schema.json"
    assert schema["title"] and schema["description"]


@pytest.mark.parametrize("name", schemas.names())
def test_every_member_is_described(name: str) -> None:
    """Where it is named, or where what it refers to is defined."""
    schema = schemas.schema(name)
    known = schema["$defs"] | {f"common:{key}": part for key, part in schema["$defs"]["common"]["$defs"].items()}
    for place, part in parts(schema):
        if part.keys() & {"const", "maxItems", "minItems"} and not part.keys() & {"type", "$ref"}:
            continue  # says more about a member that is described elsewhere
        reference = str(part.get("$ref", ""))
        in_common = reference.startswith("common") or "/common/" in place
        target = known.get(("common:" if in_common else "") + reference.rsplit("/", 1)[-1], {})
        assert part.get("description") or target.get("description"), place


def test_a_name_that_no_document_has_is_refused_with_the_names_that_there_are() -> None:
    with pytest.raises(CitelogError, match="did you mean proof"):
        schemas.schema("prof")
    with pytest.raises(CitelogError, match="the documents are assessment, "):
        schemas.schema("common")


def test_every_assessment_has_the_published_form() -> None:
    validator = form("assessment")
    assert {name: said for name in b12.library() if (said := problem(validator, b12.assessed(name).to_dict()))} == {}


def test_a_kind_that_the_schema_does_not_know_may_have_details_of_its_own() -> None:
    """Kinds are the knowledge base's: words and fields are expected of them, anything else is not."""
    document = b12.assessed(next(iter(b12.library()))).to_dict()
    validator = form("assessment")
    document["conclusions"][0] |= {"kind": "follow-up", "urgency": "soon", "interval": None}
    assert problem(validator, document) == ""
    document["conclusions"][0]["urgency"] = ["soon"]
    assert "urgency" in problem(validator, document)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda d: d.pop("caveats"),
        lambda d: d.update(more=1),
        lambda d: d["case"].update(sha256="A" * 64),
        lambda d: d["conclusions"][0].pop("citations"),
        lambda d: d["conclusions"][0].update(rules=[]),
        lambda d: d["conclusions"][0]["citations"][0].update(line=0),
        lambda d: d["conclusions"][0]["citations"][0].pop("inherited"),
    ],
)
def test_an_assessment_that_is_spoilt_is_refused(spoil: Callable[[Document], object]) -> None:
    document = b12.assessed("60-pmol-per-l-is-deficient-because-100-to-300-is-no-reference-band").to_dict()
    validator = form("assessment")
    assert problem(validator, document) == ""
    document = copy.deepcopy(document)
    spoil(document)
    assert problem(validator, document)


@pytest.mark.slow
def test_proofs_of_every_case_have_the_published_form() -> None:
    """Of each case the first of each kind of conclusion; among them is a step of every kind."""
    validator = form("proof")
    seen: set[str] = set()
    kinds: set[str] = set()
    for name in b12.library():
        answer = b12.assessed(name)
        for id_ in {made.kind: made.id for made in reversed(answer.conclusions)}.values():
            document = answer.why(id_).to_dict()
            assert problem(validator, document | {"steps": document["steps"][:1]}) == "", (name, id_)
            for step in document["steps"]:
                text = json.dumps(step, sort_keys=True)
                if text not in seen:
                    seen.add(text)
                    kinds.add(step["kind"])
                    assert problem(form_of_a_step(step["kind"]), step) == "", (name, id_)
    assert kinds == set(KINDS)


@pytest.mark.parametrize("name", ["assessment", "proof"])
def test_a_schema_stands_by_itself(name: str) -> None:
    """A whole document, checked with what `schema` gives and nothing else."""
    case = next(iter(b12.library()))
    document = proof(case, b12.assessed(case).conclusions[0].id) if name == "proof" else b12.assessed(case).to_dict()
    assert list(jsonschema.Draft202012Validator(schemas.schema(name)).iter_errors(document)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_with_a_member_too_many_or_too_few_is_refused(kind: str) -> None:
    document = proof_with(kind)
    validator = form("proof")
    step = first(document, kind)
    required = schemas.schema("proof")["$defs"][kind].get("required", ["uses"])
    document["steps"] = [step]
    assert problem(validator, document) == ""
    for spoilt in (step | {"surplus": 1}, *({k: v for k, v in step.items() if k != name} for name in required)):
        document["steps"] = [spoilt]
        assert problem(validator, document), spoilt.keys() ^ step.keys()


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("text", True), (7, True), (True, True), ({"number": "0.5"}, True), ({"number": "100"}, True),
        ({"date": "2026-03-15"}, True), ({"term": "https://w3id.org/citelog#oral"}, True),
        (0.5, False), ({"number": 0.5}, False), ({"number": "0.50"}, False), ({"number": "1E2"}, False),
        ({"date": "15 March"}, False), ({"term": "oral"}, False), (None, False), ({}, False),
    ],
)  # fmt: skip
def test_a_value_keeps_its_type(value: object, is_one: bool) -> None:
    refers = Form.of(schemas.schema("proof") | {"$ref": "common.schema.json#/$defs/value"})
    assert refers.quick.is_valid(value) is is_one
