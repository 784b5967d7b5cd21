"""What is asked of `$evaluate`: a record as FHIR has it, by itself or in Parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import DecodeError, Raw, Struct, ValidationError
from msgspec.json import Decoder

from citelog.hooks.request import RequestError, tree
from citelog.serve.http.limits import Refusal
from citelog.serve.workers.capability import DAY, INPUT, REQUEST, SUBJECT

_SEE = "GET /fhir/OperationDefinition/evaluate says what can be asked"


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A record, byte for byte as it came; the day, whose it is, and the caller's id of the request, if any."""

    record: bytes
    at: str | None = None
    subject: str | None = None
    id: str | None = None


class _Parameter(Struct):
    name: str
    resource: Raw = Raw(b"")
    valueDateTime: str | None = None
    valueDate: str | None = None
    valueString: str | None = None
    valueId: str | None = None


class _Parameters(Struct):
    parameter: list[_Parameter] = []


_PARAMETERS = Decoder(_Parameters)


def read(data: bytes) -> Evaluation:
    """What some bytes ask. Raises Refusal."""
    try:
        told = tree(data)
    except RequestError as error:
        raise Refusal(400, error.what, error.remedy) from error
    kind = told.get("resourceType") if isinstance(told, dict) else None
    if not isinstance(kind, str):
        raise Refusal(400, "this is no FHIR resource", "send Parameters, a Bundle, or a single resource", where="body")
    if kind != "Parameters":
        return Evaluation(data)
    try:
        parameters = _PARAMETERS.decode(data).parameter
    except (ValidationError, DecodeError) as error:
        raise Refusal(400, f"these Parameters cannot be read: {error}", _SEE, where="Parameters") from error
    return _asked(parameters)


def _asked(parameters: list[_Parameter]) -> Evaluation:
    resources: list[bytes] = []
    single: dict[str, str] = {}
    for number, one in enumerate(parameters):
        place = f"Parameters.parameter[{number}]"
        if one.name == INPUT and bytes(one.resource)[:1] == b"{":
            resources.append(bytes(one.resource))
            continue
        values = [one.valueDateTime, one.valueDate] if one.name == DAY else [one.valueString, one.valueId]
        value = next(filter(None, values), None)
        if one.name not in (DAY, SUBJECT, REQUEST) or value is None:
            known = one.name in (INPUT, DAY, SUBJECT, REQUEST)
            what = f"{one.name} has no value of its type" if known else f"there is no parameter {one.name[:60]}"
            raise Refusal(400, what, _SEE, where=place)
        if one.name in single:
            raise Refusal(400, f"{one.name} stands twice", "keep one of the two", where=place)
        single[one.name] = value
    if not resources:
        raise Refusal(400, f"no {INPUT} is given", "send the record as resources", where="Parameters")
    at = single.get(DAY, "").partition("T")[0]  # of a moment, its day as written
    return Evaluation(_together(resources), at or None, single.get(SUBJECT), single.get(REQUEST))


def _together(resources: list[bytes]) -> bytes:
    """Several resources as one record, each as it came: what a Bundle says of itself is read with it."""
    if len(resources) == 1:
        return resources[0]
    entries = (b'{"resource":' + data + b"}" for data in resources)
    return b'{"resourceType":"Bundle","type":"collection","entry":[' + b",".join(entries) + b"]}"


def identified(bundle: dict[str, Any], id_: str | None) -> dict[str, Any]:
    """The answer, with the caller's id of the request in its GuidanceResponse."""
    for entry in bundle["entry"]:
        if id_ and entry["resource"]["resourceType"] == "GuidanceResponse":
            entry["resource"]["requestIdentifier"] = {"value": id_}
    return bundle
