"""What can be asked over the API, as types: the members of each request, what they hold, and what they mean.

A request is read by these types, and the OpenAPI description is made of them, so that neither can say something else.
msgspec reads and describes them (pydantic would cost each start more than deriving does), and hands over a record as
the bytes that were sent: its hash, its numbers and its places are those of the file that it may have been.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar

from msgspec import DecodeError, Meta, Raw, Struct, ValidationError, field
from msgspec.json import Decoder

from citelog.serve.http.limits import Refusal

RECORDS = ({"$ref": "#/components/schemas/case"}, {"$ref": "#/components/schemas/fhir"}, {"type": "string"})
NULL = {"type": "null"}
VALUE = {"type": ["string", "number", "boolean"]}
ENTRY = {"type": ["object", "string"]}

Case = Annotated[
    Raw,
    Meta(
        description="The patient's record: a case or a FHIR R4 Bundle or resource, as an object, or as the text of a "
        "file in YAML or JSON.",
        extra_json_schema={"oneOf": list(RECORDS)},
    ),
]
Value = Annotated[Raw, Meta(extra_json_schema=VALUE)]
Entry = Annotated[Raw, Meta(extra_json_schema=ENTRY)]
Day = Annotated[
    str | None,
    Meta(description="The day of the assessment, as 2026-03-15, for rules about time. The clock is never read."),
]
Patient = Annotated[
    str | None,
    Meta(description="Of a FHIR record about several patients, the id of the one who is meant; of `case` only."),
]
Id = Annotated[str, Meta(description="The id of a conclusion, as the assessment shows it: kind:value.", min_length=1)]


class Assess(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Every conclusion for a patient."""

    case: Case
    at: Day = None
    patient: Patient = None


class Why(Assess, frozen=True, kw_only=True):
    """The proof of one conclusion."""

    conclusion: Id


class WhyNot(Assess, frozen=True, kw_only=True):
    """Why a conclusion was not reached, and the smallest changes of the record that would reach it."""

    conclusion: Id


class WhatIf(Assess, frozen=True, kw_only=True):
    """What changes when facts change. Paths are those of the record as it is, in whatever order changes are given."""

    set: Annotated[
        dict[str, Value], Meta(description="Keys of entries that get another value, by path: labs[0].value.")
    ] = {}
    drop: Annotated[list[str], Meta(description="Paths of entries, or of keys of entries, that are left out.")] = []
    add: Annotated[
        list[Entry], Meta(description="Pieces of a case with the entries that are added, as objects or as YAML.")
    ] = []

    def __post_init__(self) -> None:
        if not (self.set or self.drop or self.add):
            raise ValueError("No change is given: one of `set`, `drop`, `add` is needed")


class Missing(Assess, frozen=True, kw_only=True):
    """Which unrecorded item could change the answer, and how, for each of its possible values."""

    conclusion: Annotated[
        str | None, Meta(description="One conclusion: then what could change it, and what it depends on.")
    ] = None


class Contrast(Assess, frozen=True, kw_only=True):
    """Why this conclusion and not that one (`first`, `second`); or why this patient and not that one (`other`)."""

    first: Annotated[str | None, Meta(description="The id of the one conclusion.")] = None
    second: Annotated[str | None, Meta(description="The id of the other.")] = None
    other: Annotated[
        Raw, Meta(description="The record of a second patient.", extra_json_schema={"oneOf": [*RECORDS, NULL]})
    ] = field(default_factory=lambda: Raw(b"null"))
    conclusion: Annotated[str | None, Meta(description="Beside `other`: what differs in this one conclusion only.")] = (
        None
    )

    def __post_init__(self) -> None:
        two = self.first is not None and self.second is not None
        if two != (bytes(self.other) == b"null") or (self.first is None) != (self.second is None):
            raise ValueError("Either `first` and `second` are needed, two conclusions, or `other`, a second record")
        if two and self.conclusion is not None:
            raise ValueError("`conclusion` stands beside `other` only")


class Query(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A SPARQL query over the knowledge, the cases, their conclusions and proofs."""

    name: Annotated[str | None, Meta(description="A query of the library, by its name.")] = None
    sparql: Annotated[str | None, Meta(description="Any other query: its text. It only reads.")] = None
    cases: Annotated[list[Case], Meta(description="The records that it is asked about.", max_length=100)] = []
    parameters: Annotated[dict[str, Value], Meta(description="Values for the parameters of the query, by name.")] = {}
    at: Day = None

    def __post_init__(self) -> None:
        if (self.name is None) == (self.sparql is None):
            raise ValueError("Either `name` is needed, a query of the library, or `sparql`, a query")


QUESTIONS: Mapping[str, type[Struct]] = {
    "assess": Assess,
    "why": Why,
    "why-not": WhyNot,
    "what-if": WhatIf,
    "missing": Missing,
    "contrast": Contrast,
    "query": Query,
}
"""The type of each request, by the last part of its address."""

EITHER: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "WhatIf": [{"required": [name]} for name in ("set", "drop", "add")],
    "Contrast": [{"required": ["first", "second"]}, {"required": ["other"]}],
    "Query": [{"required": ["name"]}, {"required": ["sparql"]}],
}
"""What the types alone do not say: one of these is needed."""

_READ = {name: Decoder(asked) for name, asked in QUESTIONS.items()}
_SEE = "see /api/openapi.json for what is asked how"
_CASE = 'send the record as {"case": …}; see /api/openapi.json for what else is asked'
_HIGH, _LOW = rb"\\u[dD][89abAB][0-9a-fA-F]{2}", rb"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_HALF = re.compile(rb"(?<!\\)(?:%b(?!%b)|(?<!\\u[dD][89abAB]..)%b)" % (_HIGH, _LOW, _LOW))
Asked = TypeVar("Asked", bound=Struct)


def read(name: str, data: bytes) -> Any:
    """The request that some bytes are. Raises Refusal.

    >>> read("why", b'{"case": {"labs": [{"value": 1.10}]}, "conclusion": "a:b"}').conclusion
    'a:b'
    >>> read("assess", b'{"labs": []}')
    Traceback (most recent call last):
    citelog.serve.http.limits.Refusal: Object contains unknown field `labs`
      = send the record as {"case": …}; see /api/openapi.json for what else is asked
    >>> read("why", b'{"case": {}, "conclusion": 1}')
    Traceback (most recent call last):
    citelog.serve.http.limits.Refusal: conclusion: Expected `str`, got `int`
      = see /api/openapi.json for what is asked how
    """
    try:
        asked = _READ[name].decode(data)
        json.loads(data, object_pairs_hook=_once, parse_int=str)  # of names alone: a number may have any length
    except ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        place = where.rstrip("`").removeprefix(".").replace("[...]", "")
        is_bare = not place and "case" in QUESTIONS[name].__struct_fields__  # most often a record by itself
        raise Refusal(400, what, _CASE if is_bare else _SEE, where=place) from error
    except (DecodeError, UnicodeDecodeError, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else _halved(data) or str(error)
        raise Refusal(400, f"this cannot be read as JSON: {what}", "send a JSON object, in UTF-8") from error
    return asked


def _halved(data: bytes) -> str:
    r"""That half a character stands in a text, of which the decoder says that the data was truncated; else empty.

    >>> _halved(rb'{"case": {"id": "\ud83d."}}'), _halved(rb'{"case": {"id": "\ud83d\ude00"'), _halved(b"{")
    ('half a character stands in it, \\ud83d', '', '')
    """
    half = _HALF.search(data)
    return f"half a character stands in it, {half[0].decode()}" if half else ""


def record(given: Raw, where: str) -> bytes:
    """The bytes of a record, as they were sent or as the text says. Raises Refusal."""
    data = bytes(given)
    if data[:1] == b'"':
        text: str = json.loads(data)
        return text.encode("utf-8", "surrogatepass")
    if data[:1] != b"{":
        raise Refusal(400, "a record is an object, or the text of a file", _SEE, where=where)
    return data


def value(given: Raw, where: str) -> str:
    """A single value as text, with the digits that were sent. Raises Refusal."""
    data = bytes(given)
    if data[:1] == b'"':
        return str(json.loads(data))
    if data[:1] in b"{[" or data == b"null":
        raise Refusal(400, "this is no single value", "send a text, a number, true or false", where=where)
    return data.decode()


def piece(given: Raw, where: str) -> str:
    """A piece of a case as text. Raises Refusal."""
    data = bytes(given)
    if data[:1] not in b'{"':
        raise Refusal(400, "this is no piece of a case", 'send {"findings": {…}}, or the same as YAML', where=where)
    return str(json.loads(data)) if data[:1] == b'"' else data.decode()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise Refusal(400, f'the key "{twice[:60]}" stands twice in one object', "keep one of the two")
    return found
