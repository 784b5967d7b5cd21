"""A call of a service, read: one patient's record as a Bundle, and for each thing asked for, whether anybody looked.

The calling system may bring anything. A call that is not of the form that CDS Hooks gives it is refused with its
place; so is one whose resources are not, or cannot be seen to be, all about the patient of the context: nothing of
one patient is ever read for another. What was fetched goes into the record byte for byte: numbers keep their digits,
and what a Bundle says of itself is read with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from msgspec import DecodeError, Raw
from msgspec.json import Decoder

from citelog.diagnostics import CitelogError
from citelog.hooks.services import ORDER_SIGN, Query, Service
from citelog.patient.bundles import is_failure, part
from citelog.patient.elements import rows
from citelog.patient.people import refers_to, with_results
from citelog.patient.reading import Plain, as_text
from citelog.patient.resources import REFERENCE

Node = dict[str, Any]

RECORDED, NONE, PART, NOT = "recorded", "none recorded", "looked up in part", "not looked up"
"""What became of a query: something came; nothing is recorded; not all came; nobody looked, or nobody could."""

EXTENSION = "org.w3id.citelog"
"""The key, in reverse-domain style, under which our own members stand in an `extension`."""

_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_USER = re.compile(r"[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")
UUID = re.compile(r"(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SEE = "see https://cds-hooks.hl7.org/2.0/#calling-a-cds-service"
_LONGEST = 200  # characters of a reason that the calling system gives


class RequestError(CitelogError):
    """A call that is not answered: where, what is wrong, what to try; `mixed` where it is about another patient too."""

    def __init__(self, where: str, what: str, remedy: str = _SEE, mixed: bool = False) -> None:
        super().__init__(what, remedy)
        self.where, self.mixed = where, mixed


@dataclass(frozen=True, slots=True)
class Look:
    """What became of a query, `state` being one of the four words, and why where it is not the whole answer."""

    key: str
    query: Query
    state: str
    why: str = ""

    @property
    def whole(self) -> bool:
        """Whether what is not in it is not recorded."""
        return self.state in (RECORDED, NONE)


@dataclass(frozen=True, slots=True)
class Asked:
    """A call: the hook's own id of it, its patient, and the record that it brings, as a Bundle.

    `places` says of each entry of the Bundle where the call has it; `orders` is the place of the orders about to be
    signed, where there are any. `at` is the day of the assessment, where the call gives one.
    """

    service: Service
    instance: str
    patient: str
    record: bytes
    places: tuple[str, ...]
    looks: tuple[Look, ...]
    orders: str = ""
    at: str | None = None

    def placed(self, text: str) -> str:
        """A text in which places of the Bundle are those of the call."""
        return _ENTRY.sub(lambda found: self.places[int(found[1])], text)

    def is_drafted(self, place: str) -> bool:
        """Whether a place of the Bundle is in an order about to be signed."""
        found = _ENTRY.match(place)
        return found is not None and self.places[int(found[1])] == self.orders


_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\](?:\.resource)?")
_MEMBERS = Decoder(dict[str, Raw])


def read(service: Service, data: bytes) -> Asked:
    """The call of a service that some bytes are. Raises RequestError."""
    call = tree(data)
    if not isinstance(call, dict):
        raise RequestError("the request", "this is no JSON object", _SEE)
    raw = _pieces(data)
    hook, instance = (_text(call, key, "") for key in ("hook", "hookInstance"))
    if hook != service.hook:
        remedy = f"call a service of this hook: GET /cds-services lists them; {service.id} is for {service.hook}"
        raise RequestError("hook", f"{hook[:60]!r} does not call this service", remedy)
    if not UUID.fullmatch(instance):
        raise RequestError("hookInstance", "this is no UUID", "send a new one with each call")
    server = _server(call)
    context = call.get("context")
    if not isinstance(context, dict):
        raise RequestError("context", "this is no object, or it is missing", _SEE)
    patient = _patient(context)
    gathered = _Gathered(patient, server)
    prefetch = call.get("prefetch", {})
    if not isinstance(prefetch, dict):
        raise RequestError("prefetch", "this is no object", "leave it out where nothing was fetched")
    pieces = _pieces(raw["prefetch"]) if "prefetch" in raw else {}
    looks = [
        _looked(key, query, key in prefetch, prefetch.get(key), bytes(pieces.get(key, b"")), gathered)
        for key, query in service.queries.items()
    ]
    for key in sorted(prefetch.keys() - service.queries.keys()):  # not asked for: what it lacks says nothing
        _looked(key, None, True, prefetch[key], bytes(pieces[key]), gathered)
    orders = "context.draftOrders" if service.hook == ORDER_SIGN else ""
    if orders:
        drafts = _pieces(raw["context"]).get("draftOrders", Raw(b"null"))
        _bundle(orders, context.get("draftOrders"), bytes(drafts), gathered)
    record = b'{"resourceType":"Bundle","type":"collection","entry":[' + b",".join(gathered.entries) + b"]}"
    return Asked(
        service, instance, patient, record, tuple(gathered.places), tuple(looks), orders, _day(call.get("extension"))
    )


def tree(data: bytes) -> Any:
    """What some bytes of JSON say; a number is the text that was sent. Raises RequestError."""
    try:
        text = data.decode("utf-8")
        return json.loads(text, object_pairs_hook=_once, parse_int=Plain, parse_float=Plain, parse_constant=_no_number)
    except RequestError:
        raise
    except (ValueError, RecursionError) as error:
        what = "it is nested too deeply" if isinstance(error, RecursionError) else "this cannot be read as JSON"
        raise RequestError("the request", what, "send a JSON object, in UTF-8") from error


def _pieces(data: bytes | Raw) -> dict[str, Raw]:
    """The members of an object, each as the bytes that were sent."""
    try:
        return _MEMBERS.decode(data)
    except DecodeError as error:
        raise RequestError("the request", "this cannot be read as JSON", "send a JSON object, in UTF-8") from error


def _no_number(word: str) -> None:
    raise ValueError(word)


def _once(pairs: list[tuple[str, Any]]) -> Node:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise RequestError("the request", f'the key "{twice[:60]}" stands twice in one object', "keep one of the two")
    return found


def _text(node: Node, key: str, within: str) -> str:
    """A member that has to be there, and to be text that is not empty."""
    value = node.get(key)
    if not isinstance(value, str) or isinstance(value, Plain) or not value.strip():
        what = "it is missing" if key not in node else "this is no text, or it is empty"
        raise RequestError(f"{within}{key}", what, _SEE)
    return value


def _server(call: Node) -> str:
    """The base of the calling system's FHIR server, where it names one. It is never called."""
    server = _text(call, "fhirServer", "") if "fhirServer" in call else ""
    if "fhirAuthorization" in call and not server:
        raise RequestError("fhirServer", "it is missing, and fhirAuthorization is there", "send both, or neither")
    if not isinstance(call.get("fhirAuthorization", {}), dict):
        raise RequestError("fhirAuthorization", "this is no object", "leave it out: no server is called from here")
    return server.rstrip("/")


def _patient(context: Node) -> str:
    """The patient of the context; its other members are only looked at."""
    user, patient = (_text(context, key, "context.") for key in ("userId", "patientId"))
    if not _USER.fullmatch(user):
        raise RequestError("context.userId", "this is no type and id", "write it as in Practitioner/abc")
    if not _ID.fullmatch(patient):
        remedy = "send the id alone, as in abc" if "/" in patient else "send the FHIR id of the Patient"
        raise RequestError("context.patientId", "this is no FHIR id", remedy)
    if "encounterId" in context:
        _text(context, "encounterId", "context.")
    return patient


def _day(extension: object) -> str | None:
    """The day of the assessment, from our own extension of the request: the hooks have none, and no clock is read."""
    ours = extension.get(EXTENSION) if isinstance(extension, dict) else None
    if ours is None:
        return None
    if not isinstance(ours, dict) or ours.keys() - {"at"}:
        raise RequestError(
            f"extension.{EXTENSION}", "this is no object with the member at", 'as in {"at": "2026-03-15"}'
        )
    return _text(ours, "at", f"extension.{EXTENSION}.") if "at" in ours else None


# what was fetched


@dataclass
class _Gathered:
    """The entries of the record, each with its place in the call; all about one patient."""

    patient: str
    server: str
    entries: list[bytes] = field(default_factory=list)
    places: list[str] = field(default_factory=list)

    def add(self, place: str, resource: Node, raw: bytes) -> None:
        self.check(place, resource)
        self.entries.append(b'{"resource":' + raw + b"}")
        self.places.append(place)

    def check(self, place: str, resource: Node) -> None:
        """Refuse what is, or holds, a resource about another patient, or about one of whom nobody can tell."""
        if resource.get("resourceType") == "Bundle":
            for index, inner in _resources(resource):
                self.check(f"{place}.entry[{index}].resource", inner)
            return
        for one in with_results(resource):
            self._check(place, one)

    def _check(self, place: str, resource: Mapping[str, Any]) -> None:
        if resource.get("resourceType") == "Patient":
            if (id_ := as_text(resource.get("id"))) != self.patient:
                raise self._other(place, f"it is the Patient {id_[:70]}" if id_ else "it is a Patient without an id")
            return
        for key in ("subject", "patient"):
            node = resource.get(key)
            target = refers_to(resource, key)
            parts = REFERENCE.fullmatch(target)
            kind = parts[2] if parts else as_text(node.get("type")) if isinstance(node, dict) else ""
            if node is None or kind not in ("", "Patient"):
                continue  # the reader leaves a group, a device or the like out, and says so
            if parts is None:
                raise self._other(f"{place}.{key}", "it does not say about which Patient of the server it is")
            elsewhere = parts[1] and self.server and parts[1] != self.server
            if parts[3] != self.patient or elsewhere:
                raise self._other(f"{place}.{key}", f"it is about {target[:120]}")

    def _other(self, place: str, what: str) -> RequestError:
        remedy = "send resources of one patient only; nothing was read of any"
        return RequestError(place, f"{what}, and context.patientId is {self.patient}", remedy, mixed=True)


def _looked(key: str, query: Query | None, sent: bool, value: object, raw: bytes, gathered: _Gathered) -> Look:
    """What became of a query; of a key that nobody asked for (no query) only what it brings is taken."""
    asked = query or Query("", "?", frozenset())
    place = f"prefetch.{key[:60]}"
    if not sent:
        return Look(key, asked, NOT)
    if value is None:
        return Look(key, asked, NONE)
    kind = value.get("resourceType") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(kind, str):
        raise RequestError(place, "this is neither null nor a FHIR resource", "send null where nothing is recorded")
    if kind == "OperationOutcome":
        return Look(key, asked, NOT, _reason(value))
    if kind == "Bundle" and not asked.read:
        return Look(key, asked, *_bundle(place, value, raw, gathered))
    if query is not None and (kind != query.type or not query.read):
        remedy = f"send the {query.type}" if query.read else "send the Bundle that the search gives"
        raise RequestError(place, f"a {kind[:40]} is no answer to {query.template}", remedy)
    gathered.add(place, value, raw)
    return Look(key, asked, RECORDED)


def _bundle(place: str, value: object, raw: bytes, gathered: _Gathered) -> tuple[str, str]:
    """Take the entries of a Bundle, and say whether it is all that there is."""
    if not isinstance(value, dict) or value.get("resourceType") != "Bundle":
        raise RequestError(place, "this is no Bundle, or it is missing", _SEE)
    if value.get("type") not in ("searchset", "collection"):
        raise RequestError(f"{place}.type", "this is no searchset and no collection", "send the Bundle of a search")
    entries = value.get("entry", [])
    if not isinstance(entries, list):
        raise RequestError(f"{place}.entry", "this is no list", "send the entries as a list of objects")
    gathered.add(place, value, raw)
    why = next(_missing(value), "")
    return PART if why else RECORDED if entries else NONE, why


def _resources(bundle: Mapping[str, Any]) -> Iterator[tuple[int, Node]]:
    """The resources of a Bundle, by the numbers of their entries."""
    entries = bundle.get("entry")
    for index, row in enumerate(entries if isinstance(entries, list) else ()):
        resource = row.get("resource") if isinstance(row, dict) else None
        if isinstance(resource, dict):
            yield index, resource


def _missing(bundle: Mapping[str, Any]) -> Iterator[str]:
    """Why a Bundle does not hold all that there is."""
    if any(one.get("relation") == "next" for one in rows(bundle.get("link"))):
        yield "there are more pages"
    matches = [row for row in rows(bundle.get("entry")) if part(row, "search").get("mode", "match") == "match"]
    total = as_text(bundle.get("total"))
    if total.isdecimal() and len(total) < 10 and int(total) > len(matches):
        yield f"{len(matches)} of {int(total)} came"
    for _, resource in _resources(bundle):
        if resource.get("resourceType") == "Bundle":
            yield from _missing(resource)
        elif resource.get("resourceType") == "OperationOutcome" and is_failure(resource):
            yield _reason(resource)


def _reason(outcome: Mapping[str, Any]) -> str:
    """What an OperationOutcome says, in a line."""
    issues = rows(outcome.get("issue"))
    told = [as_text(part(one, "details").get("text")) or as_text(one.get("diagnostics")) for one in issues]
    return " ".join(next(filter(None, told), "the calling system gives an error").split())[:_LONGEST]
