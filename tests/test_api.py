"""The JSON API: the commands' questions and the commands' documents, over HTTP; every refusal a problem of a kind.

One server answers all of it, from the shipped knowledge base, and keeps a log.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jsonschema_rs
import pytest

import b12
import literate
from citelog import schemas
from citelog.cli.app import main
from citelog.conclusions import DerivationError
from citelog.ledger.log import Log, reading
from citelog.ledger.proofs import find
from citelog.ledger.verified import verify
from citelog.serve.app import Served, application
from citelog.serve.consultation import Consultation
from citelog.serve.http import problems
from citelog.serve.http.limits import Limits, Refusal
from citelog.serve.http.operations import OPERATIONS
from citelog.serve.playground import Playground
from citelog.serve.workers import consultant
from citelog.serve.workers.pool import Pool
from citelog.serve.workers.worker import Bounded, NoResultError
from endpoint import ROOT, Server, serving

EXAMPLES = ROOT / "examples"
DESCRIPTION = ROOT / "docs" / "openapi.json"
PATIENT = (EXAMPLES / "patient.yaml").read_text(encoding="utf-8")
OTHER = (EXAMPLES / "other-patient.yaml").read_text(encoding="utf-8")
SECRET = "Zenobia-Featherstonehaugh-19410307"
DERIVATION = 1.0  # seconds of processor time
REACHED, UNREACHED = "treat:immediate", "regimen:HYD-NEURO-LOAD"


@dataclass(frozen=True, slots=True)
class Desk:
    """A server that answers about patients, the log that it keeps, and the file of its messages."""

    server: Server
    log: Path
    messages: Path

    def ask(self, name: str, body: object, **headers: str) -> httpx.Response:
        """A question, as a program asks it."""
        headers = {"Content-Type": "application/json", **headers}
        return self.server.client.post(f"/api/{name}", content=json.dumps(body), headers=headers)

    def entries(self) -> list[dict[str, Any]]:
        """What stands in the log."""
        with reading(self.log) as (_, rows):
            return [json.loads(rows.row(number).entry) for number in range(rows.size())]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    Log.make(folder / "log", "example.org/desk", "whole")
    limits = {"derivation_seconds": DERIVATION, "consultation_request": 1_000_000, "body_seconds": 1.0}
    limits |= {"quick_consultation": 15.0, "consultation_seconds": 60.0}  # for a busy machine
    with serving("--log", str(folder / "log"), log=folder / "messages", **limits) as server:
        deadline = time.monotonic() + 120
        while server.client.get("/health").status_code != 200:
            assert time.monotonic() < deadline, "it does not get ready"
            time.sleep(0.1)
        yield Desk(server, folder / "log", folder / "messages")


@pytest.fixture
def printed(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., bytes]:
    """What a command prints."""

    def run(*arguments: str) -> bytes:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        assert ended.value.code == 0
        sys.stdout.flush()
        return capfdbinary.readouterr().out

    return run


@cache
def description() -> dict[str, Any]:
    """The description of the API, as it is published."""
    found: dict[str, Any] = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    return found


@cache
def form(*path: str) -> jsonschema_rs.Draft202012Validator:
    """The schema at a place of the description."""
    registry = jsonschema_rs.Registry([("urn:description", description())])
    pointer = "/".join(part.replace("~", "~0").replace("/", "~1") for part in path)
    return jsonschema_rs.Draft202012Validator({"$ref": f"urn:description#/{pointer}"}, registry=registry)


def answer_form(name: str, media: str = "application/json") -> jsonschema_rs.Draft202012Validator:
    """The schema of an answer."""
    return form("paths", f"/api/{name}", "post", "responses", "200", "content", media, "schema")


def problem(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem that an answer is: of the published form, of one kind, and never with a trace of our code."""
    found: dict[str, Any] = answer.json()
    assert (answer.status_code, found["type"].rsplit("/", 1)[1]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert found["title"] == problems.PROBLEMS[code].title and status in problems.PROBLEMS[code].statuses
    form("components", "schemas", "problem").validate(found)
    assert "Traceback" not in answer.text and ".py" not in answer.text
    return found


# the same answers as the commands'

ASKED: Mapping[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "assess": ("assess", (), {}),
    "why": ("why", (REACHED,), {"conclusion": REACHED}),
    "why-not": ("why-not", (UNREACHED,), {"conclusion": UNREACHED}),
    "what-if": (
        "what-if",
        ("--set", "labs[0].value=120", "--drop", "findings[0]", "--add", "findings: {name: fatigue, state: present}"),
        {
            "set": {"labs[0].value": 120},
            "drop": ["findings[0]"],
            "add": [{"findings": {"name": "fatigue", "state": "present"}}],
        },
    ),
    "missing": ("missing", (), {}),
    "missing of one conclusion": ("missing", ("--of", REACHED), {"conclusion": REACHED}),
    "contrast of conclusions": ("contrast", (REACHED, UNREACHED), {"first": REACHED, "second": UNREACHED}),
    "contrast of patients": ("contrast", (str(EXAMPLES / "other-patient.yaml"),), {"other": OTHER}),
}


@pytest.mark.parametrize("name", ASKED)
def test_an_answer_is_what_the_command_prints_byte_for_byte(
    desk: Desk, printed: Callable[..., bytes], name: str
) -> None:
    command, arguments, members = ASKED[name]
    answer = desk.ask(command, {"case": PATIENT, **members})
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    expected = printed(command, str(EXAMPLES / "patient.yaml"), *arguments, "--format", "json")
    assert answer.content == expected
    answer_form(command).validate(answer.json())


@pytest.mark.parametrize(
    ("media", "form"), [("text/turtle", "prov"), ("application/ld+json", "jsonld"), ("application/fhir+json", "fhir")]
)
def test_an_assessment_comes_in_the_other_forms_of_the_command_too(
    desk: Desk, printed: Callable[..., bytes], media: str, form: str
) -> None:
    answer = desk.ask("assess", {"case": PATIENT}, Accept=media)
    assert answer.headers["content-type"].split(";")[0] == media
    expected = printed("assess", str(EXAMPLES / "patient.yaml"), "--format", form)
    assert answer.content.strip() == expected.strip()


def test_what_the_knowledge_base_holds_is_what_show_shows(desk: Desk, printed: Callable[..., bytes]) -> None:
    whole = desk.server.client.get("/api/knowledge")
    assert whole.content == printed("show", "--format", "json")
    form("components", "schemas", "knowledge").validate(whole.json())
    one = desk.server.client.get("/api/knowledge/G06")
    assert one.content == printed("show", "G06", "--format", "json")
    for id_ in ("G06", "CP01", whole.json()["rules"][0]["name"], whole.json()["terms"][0]["id"]):
        found = desk.server.client.get(f"/api/knowledge/{id_}").json()
        for document in found if isinstance(found, list) else [found]:
            form("components", "schemas", "found").validate(document)
    listed = desk.server.client.get("/api/query")
    assert listed.content == printed("query", "--list", "--format", "json")
    form("components", "schemas", "queries").validate(listed.json())


def test_a_query_of_the_library_and_one_of_ones_own_are_asked_about_the_records_that_come_with_them(
    desk: Desk, printed: Callable[..., bytes]
) -> None:
    asked = {"name": "proof", "cases": [PATIENT], "parameters": {"conclusion": REACHED}}
    for media, form in (("application/sparql-results+json", "json"), ("text/csv", "csv")):
        answer = desk.ask("query", asked, Accept=media)
        command = ("query", "proof", "--case", str(EXAMPLES / "patient.yaml"), "--param", f"conclusion={REACHED}")
        assert answer.content == printed(*command, "--format", form)
    count = "PREFIX cl: <https://w3id.org/citelog#> SELECT (COUNT(DISTINCT ?a) AS ?n) { ?a a cl:Assessment }"
    for cases, number in (([], "0"), ([PATIENT, OTHER], "2"), ([], "0")):
        found = desk.ask("query", {"sparql": count, "cases": cases}).json()
        assert found["results"]["bindings"][0]["n"]["value"] == number
    assert desk.ask("query", {"sparql": "ASK { ?s ?p 'nothing' }"}).json()["boolean"] is False
    graph = desk.ask("query", {"sparql": "CONSTRUCT WHERE { ?s a <https://w3id.org/citelog#Conflict> }"})
    assert graph.headers["content-type"] == "text/turtle; charset=utf-8" and "cl:Conflict" in graph.text


# records come as they are


def test_a_record_is_an_object_or_the_text_of_a_file_and_its_hash_is_that_of_the_bytes(desk: Desk) -> None:
    as_text = desk.ask("assess", {"case": PATIENT}).json()
    assert as_text["case"]["sha256"] == hashlib.sha256(PATIENT.encode()).hexdigest()
    written = '{"labs": [ {"analyte":"serum vitamin B12", "value": 99.90, "unit":"pmol/L"} ]}'
    body = f'{{"case": {written}, "at": "2026-03-15"}}'
    headers = {"Content-Type": "application/json"}
    as_object = desk.server.client.post("/api/assess", content=body, headers=headers).json()
    assert as_object["case"] == {"id": "case", "sha256": hashlib.sha256(written.encode()).hexdigest()}
    assert as_object["facts"][0]["sentence"] == "Serum vitamin B12: 99.90 pmol/L."


def test_of_a_record_about_several_patients_one_is_meant(desk: Desk) -> None:
    record = json.loads((ROOT / "tests/fhir/two-patients.json").read_text(encoding="utf-8"))
    refused = desk.ask("assess", {"case": record})
    assert refused.status_code == 422 and "Patient/ana, Patient/ben and Patient/cleo" in refused.json()["detail"]
    answer = desk.ask("assess", {"case": record, "patient": "ben"}).json()
    assert answer["case"]["id"] == "ben" and "410 pmol/L" in answer["facts"][0]["sentence"]


def test_a_number_keeps_the_digits_that_were_sent(desk: Desk) -> None:
    body = json.dumps({"case": PATIENT, "set": {"labs[0].value": 0}}).replace(": 0}", ": 120.50}")
    answer = desk.server.client.post("/api/what-if", content=body, headers={"Content-Type": "application/json"})
    assert answer.json()["changes"][0]["value"] == "120.50"


def test_a_number_longer_than_python_reads_is_no_fault_of_ours(desk: Desk) -> None:
    case = b'{"case": {"labs": [{"analyte": "serum vitamin B12", "value": %s, "unit": "pmol/L"}]}}' % (b"9" * 100_000)
    headers = {"Content-Type": "application/json"}
    assert desk.server.client.post("/api/assess", content=case, headers=headers).status_code == 200


def test_a_fhir_bundle_is_read_with_resources_of_any_type_in_it(desk: Desk) -> None:
    """Also of types that are not read, and contained in others: a worker can import nothing any more."""
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "contained": [{"resourceType": "Practitioner", "id": "who"}, {"resourceType": "Device", "id": "what"}],
        "performer": [{"reference": "#who"}],
        "device": {"reference": "#what"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "2132-9"}]},
        "valueQuantity": {"value": 80, "unit": "pmol/L", "system": "http://unitsofmeasure.org", "code": "pmol/L"},
    }
    others = [{"resourceType": kind} for kind in ("Encounter", "CarePlan", "Claim", "ImagingStudy", "Provenance")]
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": resource} for resource in (observation, *others)],
    }
    found = desk.ask("assess", {"case": bundle}).json()
    assert "status:below_all_cutoffs" in {one["id"] for one in found["conclusions"]}
    assert "1 Encounter resource is not read: no entry is made of this type." in {
        note["text"] for note in found["notes"]
    }
    alone = problem(desk.ask("assess", {"case": {"resourceType": "Encountre"}}), 422, "unusable-record")
    assert "FHIR R4 has no resource type" in alone["detail"]


# what cannot be answered

REFUSED: Mapping[str, tuple[str, object, int, str, str]] = {
    "no record": ("assess", {}, 400, "malformed-request", "case"),
    "a list": ("assess", [], 400, "malformed-request", "object"),
    "a record that is a number": ("assess", {"case": 80}, 400, "malformed-request", "record is an object"),
    "a member too many": ("assess", {"case": {}, "patient": 1}, 400, "malformed-request", "patient"),
    "a date that is a number": ("assess", {"case": {}, "at": 2026}, 400, "malformed-request", "at: Expected"),
    "no conclusion": ("why", {"case": {}}, 400, "malformed-request", "conclusion"),
    "no change": ("what-if", {"case": {}}, 400, "malformed-request", "`drop`"),
    "a change to nothing": ("what-if", {"case": {}, "set": {"a": None}}, 400, "malformed-request", "single"),
    "nothing to contrast": ("contrast", {"case": {}}, 400, "malformed-request", "`other`"),
    "one conclusion to contrast": ("contrast", {"case": {}, "first": REACHED}, 400, "malformed-request", "`second`"),
    "no query": ("query", {}, 400, "malformed-request", "`sparql`"),
    "two queries": ("query", {"name": "proof", "sparql": "ASK {}"}, 400, "malformed-request", "Either"),
    "a misspelt key": ("assess", {"case": {"lab": []}}, 422, "unusable-record", "did you mean labs?"),
    "text that is no YAML": ("assess", {"case": "labs: ["}, 422, "unusable-record", "case:2"),
    "an empty text": ("assess", {"case": ""}, 422, "unusable-record", "a case is a mapping"),
    "a type that FHIR R4 does not have": (
        "assess", {"case": {"resourceType": "MedicationUsage"}}, 422, "unusable-record", "MedicationStatement",
    ),
    "a record about two patients": (
        "assess",
        {"case": {"resourceType": "Bundle", "type": "collection", "entry": [
            {"resource": {"resourceType": "Patient", "id": id_}} for id_ in ("ana", "ben")
        ]}},
        422, "unusable-record", 'choose one, as in "patient": "ana"',
    ),
    "a second record that cannot be used": (
        "contrast", {"case": {}, "other": {"lab": 1}}, 422, "unusable-record", "other",
    ),
    "two records of one id to contrast": (
        "contrast", {"case": {"id": "a"}, "other": {"id": "a"}}, 422, "unusable-record", "other: the id a is taken",
    ),
    "a key twice in a text": ("assess", {"case": "labs: []\nlabs: []"}, 422, "unusable-record", "twice"),
    "half a character": ("assess", {"case": {"id": "\ud800"}}, 400, "malformed-request", "half a character"),
    "a control character": ("assess", {"case": "id: a\u0007"}, 422, "unusable-record", "U+0007"),
    "a date that is none": ("assess", {"case": {}, "at": "yesterday"}, 422, "unusable-date", "at: 'yesterday'"),
    "a change of what is not there": (
        "what-if", {"case": {}, "set": {"labs[0].value": 1}}, 422, "unusable-change", "no such entry",
    ),
    "a drop of what is not there": ("what-if", {"case": {}, "drop": ["labs[0]"]}, 422, "unusable-change", "drop"),
    "what nothing draws": ("why-not", {"case": {}, "conclusion": "treat:x"}, 422, "unknown-conclusion", "draw"),
    "why, of what was not": ("why", {"case": {}, "conclusion": REACHED}, 409, "not-concluded", "reached"),
    "what could change what was not concluded": (
        "missing", {"case": {}, "conclusion": REACHED}, 409, "not-concluded", "treat:undetermined",
    ),
    "why not, of what was concluded": (
        "why-not", {"case": PATIENT, "conclusion": REACHED}, 409, "concluded", "/api/why",
    ),
    "no SPARQL": ("query", {"sparql": "SELECT"}, 422, "unusable-query", "column 7"),
    "an update": ("query", {"sparql": "DROP ALL"}, 422, "unusable-query", "only read"),
    "another server": ("query", {"sparql": "ASK { SERVICE <http://e/> {} }"}, 422, "unusable-query", "SERVICE"),
    "a file": ("query", {"name": "/etc/passwd"}, 422, "unusable-query", "no query of the library"),
    "a file as a query": ("query", {"name": str(ROOT / "queries" / "proof.rq")}, 422, "unusable-query", "library"),
    "a parameter that is none": ("query", {"name": "doses", "parameters": {"x": 1}}, 422, "unusable-query", "x"),
    "a parameter without a value": ("query", {"name": "marker"}, 422, "unusable-query", "add parameters.marker = "),
    "a query about patients without one": ("query", {"name": "proof"}, 422, "unusable-query", "cases"),
    "two records of one id": (
        "query", {"sparql": "ASK {}", "cases": [PATIENT, PATIENT]}, 422, "unusable-record", "cases[1]",
    ),
    "a query nested deeper than a process can bear": (
        "query", {"sparql": "ASK { FILTER(" + "!" * 100_000 + "true) }"}, 422, "too-costly", "deeper",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_words_and_with_a_code(desk: Desk, name: str) -> None:
    question, body, status, code, words = REFUSED[name]
    found = problem(desk.ask(question, body), status, code)
    assert words in found["detail"] + found["try"]
    assert found["detail"].startswith(found.get("where", ""))


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"", {}, 400, "malformed-request"),
        (b"{", {}, 400, "malformed-request"),
        (b'{"case": {}, "case": {"labs": []}}', {}, 400, "malformed-request"),
        (b'{"case": {"labs": [], "labs": []}}', {}, 400, "malformed-request"),
        (b'{"case": "\xff"}', {}, 400, "malformed-request"),
        (b'{"case": {"labs": [{"value": NaN}]}}', {}, 400, "malformed-request"),
        (b'{"case": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}, 400, "malformed-request"),
        (b'{"case": {"labs": ' + b"[" * 200 + b"]" * 200 + b"}}", {}, 422, "unusable-record"),
        (b'{"case": "' + b"x" * 1_000_000 + b'"}', {}, 413, "request-too-large"),
        (b"labs: []", {"Content-Type": "application/yaml"}, 415, "wrong-media-type"),
        (b'{"case": {}}', {"Content-Type": "text/plain"}, 415, "wrong-media-type"),
        (b'{"case": {}}', {"Content-Encoding": "gzip"}, 415, "wrong-media-type"),
        (b'{"case": {}}', {"Content-Type": "application/json; charset=latin-1"}, 415, "wrong-media-type"),
        (b'{"case": {}}', {"Accept": "image/png"}, 406, "no-acceptable-form"),
        (b'{"case": {}}', {"Origin": "http://elsewhere.example"}, 403, "forbidden"),
        (b'{"case": {}}', {"Host": "elsewhere.example"}, 403, "forbidden"),
    ],
)
def test_a_request_that_is_none_of_ours_is_told_which_it_is(
    desk: Desk, content: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    headers = {"Content-Type": "application/json", **headers}
    problem(desk.server.client.post("/api/assess", content=content, headers=headers), status, code)


def test_an_address_that_is_none_and_a_method_that_is_none(desk: Desk) -> None:
    client = desk.server.client
    problem(client.get("/api/asses"), 404, "no-such-address")
    problem(client.get("/api/knowledge/nothing-of-this-name"), 404, "no-such-thing")
    answer = client.get("/api/assess")
    problem(answer, 405, "no-such-method")
    assert answer.headers["allow"] == "POST"
    problem(client.delete("/api/knowledge"), 405, "no-such-method")
    problem(client.get("/api/knowledge", headers={"Accept": "text/csv"}), 406, "no-acceptable-form")
    rows = desk.ask("query", {"sparql": "SELECT * {} LIMIT 1"}, Accept="text/turtle")
    problem(rows, 406, "no-acceptable-form")


def test_a_request_that_does_not_go_on_ends(desk: Desk) -> None:
    parts = urlsplit(desk.server.address)
    head = f"POST /api/assess HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\nContent-Length: 99"
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(f"{head}\r\n\r\n{{".encode())
        connection.settimeout(30)
        answer = ""
        while "}" not in answer:
            answer += connection.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 408 ") and "problem/request-too-slow" in answer


def test_a_fault_of_ours_is_told_by_an_id_and_says_nothing_of_the_patient(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The worker's side and the server's: no text of the error leaves the worker, not even for the log."""

    def failing(held: object, asked: object, data: bytes) -> consultant.Answered:
        raise KeyError(data.decode())

    monkeypatch.setattr(consultant, "_TASKS", {"assess": failing})
    with pytest.raises(NoResultError) as told:
        consultant._answer(None, {"task": "assess", "receipts": False}, SECRET.encode(), Bounded(1000))  # type: ignore[arg-type]
    assert told.value.kind == "fault" and SECRET not in str(told.value)

    async def ask(pool: Pool, *_: object) -> tuple[dict[str, str], bytes]:
        return {"kind": told.value.kind, "message": str(told.value)}, b""

    monkeypatch.setattr(Pool, "ask", ask)
    one, two = asyncio.run(posted(monkeypatch, Limits(), {"case": SECRET}, {"case": SECRET}))
    found = problem(one, 500, "fault")
    [id_] = re.findall(r"[0-9a-f]{8}", found["detail"])
    assert two.json() == found
    assert f"{id_}: KeyError at test_api.py:" in caplog.text and SECRET not in caplog.text


def test_what_the_rules_must_not_give_is_refused_in_words_and_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(held: object, asked: object, data: bytes) -> consultant.Answered:
        raise DerivationError("the rules gave 2 conclusions of the kind treat, not one", "let one give way")

    monkeypatch.setattr(consultant, "_TASKS", {"assess": failing})
    with pytest.raises(NoResultError) as told:
        consultant._answer(None, {"task": "assess", "receipts": False}, b"{}", Bounded(1000))  # type: ignore[arg-type]
    said = json.loads(str(told.value))
    assert told.value.kind == "refused"
    assert (said["status"], said["code"], said["remedy"]) == (422, "unusable", "let one give way")
    assert said["what"] == "the rules gave 2 conclusions of the kind treat, not one"


def test_a_fault_in_the_servers_own_process_has_the_form_of_its_address_and_an_id_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask(pool: Pool, *_: object) -> tuple[dict[str, str], bytes]:
        raise KeyError(SECRET)

    monkeypatch.setattr(Pool, "ask", ask)
    [answer] = asyncio.run(posted(monkeypatch, Limits(), {"case": SECRET}))
    [id_] = re.findall(r"[0-9a-f]{8}", problem(answer, 500, "fault")["detail"])
    assert caplog.text.count(f"{id_}: KeyError at ") == 1 and SECRET not in caplog.text + answer.text


async def posted(monkeypatch: pytest.MonkeyPatch, limits: Limits, *bodies: object) -> list[httpx.Response]:
    """Requests sent at once to an application whose workers need no start."""

    async def at_once(pool: Pool) -> Pool:
        return pool

    monkeypatch.setattr(Pool, "__aenter__", at_once)
    consultation = Consultation(ROOT, "", limits)
    consultation.start()
    served = Served(consultation, Playground(None, None))  # type: ignore[arg-type]  nobody asks it
    transport = httpx.ASGITransport(app=application(None, (), None, served))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        return await asyncio.gather(*(client.post("/api/assess", json=body) for body in bodies))


def test_one_client_cannot_have_more_under_way_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask(pool: Pool, *_: object) -> tuple[dict[str, str], bytes]:
        await asyncio.sleep(0.2)
        raise Refusal(504, "too long", "ask for less", "too-long")

    monkeypatch.setattr(Pool, "ask", ask)
    answers = asyncio.run(posted(monkeypatch, Limits(one_client=3), *[{"case": {}}] * 5))
    assert sorted(answer.status_code for answer in answers) == [429, 429, 504, 504, 504]
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert problem(refused, 429, "too-many-requests") and refused.headers["retry-after"] == "1"


# nobody keeps others waiting, and nobody is given what is another's


def test_many_clients_at_once_each_have_their_own_answer(desk: Desk) -> None:
    """Each sends a record with an id and a value of its own; no answer holds any other."""
    values = {f"patient-{SECRET}-{number}": 80 + number for number in range(48)}

    def ask(id_: str) -> tuple[str, httpx.Response]:
        lab = {"analyte": "serum vitamin B12", "value": values[id_], "unit": "pmol/L"}
        name = ("assess", "why", "what-if", "query")[values[id_] % 4]
        members: dict[str, Any] = {
            "assess": {"case": {"id": id_, "labs": [lab]}},
            "why": {"case": {"id": id_, "labs": [lab]}, "conclusion": "neuro:not_recorded"},
            "what-if": {"case": {"id": id_, "labs": [lab]}, "drop": ["labs[0]"]},
            "query": {"name": "conclusions", "cases": [{"id": id_, "labs": [lab]}]},
        }[name]
        return id_, desk.ask(name, members)

    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(ask, values))
    for id_, answer in answers:
        assert answer.status_code == 200, answer.text
        assert set(re.findall(rf"patient-{SECRET}-\d+", answer.text)) == {id_}


@pytest.mark.slow
def test_a_slow_patient_is_given_up_and_keeps_nobody_waiting(desk: Desk) -> None:
    """Thousands of results on thousands of days; while the rules work on them, others are answered as ever."""
    labs = [
        {"analyte": "serum vitamin B12", "value": 80 + n, "unit": "pmol/L", "when": f"{1900 + n % 120}-{1 + n % 12:02}"}
        for n in range(5000)
    ]
    with ThreadPoolExecutor(1) as aside:
        asked = {"json": {"case": {"labs": labs}}, "timeout": 120}  # for a busy machine
        slow = aside.submit(httpx.post, f"{desk.server.address}api/assess", **asked)
        others = []
        while not slow.done():
            others.append(desk.ask("assess", {"case": PATIENT}).status_code)
    found = problem(slow.result(), 504, "too-long")
    assert "longer for this record" in found["detail"] and "send a shorter record" in found["try"]
    assert len(others) > 5 and set(others) == {200}


def test_what_goes_wrong_for_one_does_not_change_the_answer_of_the_next(desk: Desk) -> None:
    def answers() -> list[bytes]:
        quick = (ASKED[name] for name in ("assess", "why", "what-if"))
        return [desk.ask(name, {"case": PATIENT, **members}).content for name, _, members in quick]

    before = answers()
    for question, body, *_ in REFUSED.values():
        desk.ask(question, body)
    assert answers() == before


# what is answered is in the log first


def test_every_assessment_is_in_the_log_before_its_answer_is_sent(desk: Desk) -> None:
    for name, members in (
        ("assess", {}), ("why", {"conclusion": REACHED}), ("why-not", {"conclusion": UNREACHED}), ("missing", {}),
        ("what-if", {"drop": ["labs[0]"]}), ("contrast", {"other": OTHER}),
    ):  # fmt: skip
        before = len(desk.entries())
        assert desk.ask(name, {"case": PATIENT, **members}).status_code == 200
        new = desk.entries()[before:]
        assert [entry["asked"] for entry in new] == [f"POST /api/{name}"] * (2 if name == "contrast" else 1)
        assert all(entry["knowledge"] == b12.knowledge().identity for entry in new)
    before = len(desk.entries())
    desk.ask("query", {"sparql": "ASK {}", "cases": [PATIENT, OTHER]})
    assert len(desk.entries()) == before + 2
    desk.ask("query", {"sparql": "ASK {}"})
    desk.server.client.get("/api/knowledge")
    desk.ask("why", {"case": PATIENT, "conclusion": UNREACHED})  # is refused, and says nothing of the patient but that
    assert len(desk.entries()) == before + 2
    assert verify(desk.log).holds


def test_the_receipt_in_the_log_replays(desk: Desk, tmp_path: Path, printed: Callable[..., bytes]) -> None:
    answer = desk.ask("assess", {"case": PATIENT, "at": "2026-03-15"})
    with reading(desk.log) as (_, rows):
        receipt = rows.row(rows.size() - 1).receipt
    assert receipt is not None
    file = tmp_path / "receipt.json"
    file.write_bytes(receipt)
    assert find(desk.log, receipt)
    assert json.loads(receipt)["assessment"] == answer.json()
    assert b"same" in printed("audit", "replay", str(file))


def test_where_the_log_cannot_be_written_nothing_is_answered(desk: Desk) -> None:
    (desk.log / "checkpoint").rename(desk.log / "away")
    try:
        found = problem(desk.ask("assess", {"case": PATIENT}), 503, "unwritten-log")
        assert "checkpoint is missing" in found["detail"] and "conclusions" not in found
        assert desk.server.client.get("/api/knowledge").status_code == 200
    finally:
        (desk.log / "away").rename(desk.log / "checkpoint")
    assert desk.ask("assess", {"case": PATIENT}).status_code == 200


def test_no_message_of_the_server_holds_anything_about_a_patient(desk: Desk) -> None:
    desk.ask("assess", {"case": {"id": SECRET, "labs": [{"analyte": SECRET, "value": SECRET}]}})
    desk.ask("assess", {"case": f"{SECRET}: ["})
    desk.server.client.get(f"/api/{SECRET}")
    desk.server.client.get(f"/api/knowledge/{SECRET}")
    desk.server.client.get("/health")
    time.sleep(0.2)
    said = desk.messages.read_text(encoding="utf-8")
    assert "POST /api/assess 200" in said and "POST /api/assess 422" in said
    assert SECRET not in said and "example-1" not in said


# the description


def test_the_published_description_is_what_the_server_serves(desk: Desk) -> None:
    """CITELOG_ACCEPT=1 renews it."""
    served = desk.server.client.get("/api/openapi.json")
    assert served.headers["content-type"] == "application/json"
    if os.environ.get("CITELOG_ACCEPT"):
        DESCRIPTION.write_bytes(served.content)
    assert served.content.decode() == DESCRIPTION.read_text(encoding="utf-8")


def test_every_reference_of_the_description_leads_somewhere_in_it() -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            for key, below in part.items():
                if key == "$ref" and isinstance(below, str):
                    yield below
                else:
                    yield from references(below)
        elif isinstance(part, list):
            for one in part:
                yield from references(one)

    found = set(references(description()))
    assert len(found) > 50
    for reference in found:
        part: Any = description()
        for step in reference.removeprefix("#/").split("/"):
            part = part[step.replace("~1", "/").replace("~0", "~")]
        assert isinstance(part, dict)


def test_the_schemas_of_the_description_are_the_published_ones() -> None:
    """But for where their references lead, and that their parts stand in one document."""
    for name in ("assessment", "proof", "problem"):
        ours, published = description()["components"]["schemas"][name], schemas.schema(name)
        assert ours["externalDocs"]["url"] == published["$id"]
        assert ours["$defs"].keys() == published["$defs"].keys() - {"common"}


def test_the_examples_of_the_description_are_answered_in_the_form_that_it_says(desk: Desk) -> None:
    for name in OPERATIONS:
        posted = description()["paths"][f"/api/{name}"]["post"]
        example = posted["requestBody"]["content"]["application/json"]["example"]
        form("paths", f"/api/{name}", "post", "requestBody", "content", "application/json", "schema").validate(example)
        answer = desk.ask(name, example)
        assert answer.status_code == 200, answer.text
        media = answer.headers["content-type"].split(";")[0]
        answer_form(name, media).validate(answer.json())


def test_every_kind_of_problem_is_in_the_description_and_its_status_where_it_can_come() -> None:
    responses = description()["components"]["responses"]
    for code, kind in problems.PROBLEMS.items():
        assert all(f"{code}: {kind.title}" in responses[str(status)]["description"] for status in kind.statuses)


# the page

PAGE = ROOT / "docs" / "API.md"


@dataclass(frozen=True, slots=True)
class Shown:
    """A request on the page, as curl sends it, and the answer that the page shows; a line … stands for any lines."""

    command: str
    answer: str

    def send(self, client: httpx.Client) -> str:
        """What the server answers."""
        words = shlex.split(self.command)
        assert words[:1] == ["curl"] and words[1].startswith(ADDRESS)
        options = dict(zip(words[2::2], words[3::2], strict=True))
        headers = {"Content-Type": "application/json", "Accept": "application/json"}  # what curl --json says
        if "-H" in options:
            headers |= [options["-H"].split(": ", 1)]
        path, content = words[1].removeprefix(ADDRESS), options.get("--json")
        answer = client.get(path) if content is None else client.post(path, content=content, headers=headers)
        return answer.text.rstrip("\n").replace("\r\n", "\n") + "\n"


ADDRESS = "http://127.0.0.1:8000"


def shown(page: Path = PAGE) -> list[Shown]:
    """Every request of a page."""
    blocks = (
        b.text for b in literate.blocks(page.read_text(encoding="utf-8")) if (b.kind, b.name) == ("console", "run")
    )
    return [Shown(*text.removeprefix("$ ").split("\n", 1)) for text in blocks]


@pytest.mark.parametrize("number", range(len(shown())))
def test_a_request_of_the_page_is_answered_as_it_shows(desk: Desk, number: int) -> None:
    one = shown()[number]
    given = one.send(desk.server.client)
    pattern = "".join("(?:.*\n)*" if line == "…" else re.escape(line) + "\n" for line in one.answer.splitlines())
    assert re.fullmatch(pattern, given), given[:2000]


def test_the_page_lists_every_kind_of_problem() -> None:
    """CITELOG_ACCEPT=1 renews the table."""
    rows = [
        f"| {status} | `{code}` | {kind.title} |"
        for code, kind in sorted(problems.PROBLEMS.items(), key=lambda one: (one[1].statuses, one[0]))
        for status in kind.statuses
    ]
    table = "\n".join(["| status | code | what |", "|---|---|---|", *rows]) + "\n"
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition("<!-- problems: begin -->\n")
    told, end, after = rest.partition("<!-- problems: end -->")
    if os.environ.get("CITELOG_ACCEPT"):
        PAGE.write_text(before + begin + table + end + after, encoding="utf-8")
    else:
        assert end and told == table


def test_the_page_says_the_bounds_that_hold() -> None:
    page, limits = PAGE.read_text(encoding="utf-8"), Limits()
    for row in (
        f"| one request | {limits.consultation_request >> 20} MiB |",
        f"| one answer | {limits.consultation_result >> 20} MiB |",
        f"| the body, from its first byte to its last | {limits.body_seconds:g} seconds |",
        f"| one run of the rules | {limits.derivation_seconds:g} seconds of computing |",
        f"| one answer, whatever it takes | {limits.consultation_seconds:g} seconds |",
        f"| memory, beyond what is loaded | {limits.consultation_memory >> 20} MiB |",
        f"| requests at a time | {limits.consultants}, of which {limits.long_consultations} may take long; "
        f"{limits.consultations_waiting} wait, for {limits.consultation_wait_seconds:g} seconds at most |",
        f"| requests of one client at a time | {limits.one_client} |",
        f"| requests of all at a time | {limits.under_way} |",
        f"| what of an answer its client does not take, since it was asked | {limits.exchange_seconds:g} seconds |",
        f"| connections that are open | {limits.connections:,} |",
    ):
        assert row in page
    for name in OPERATIONS:
        assert f"| `/api/{name}` |" in page


def schemathesis(address: str, folder: Path, *more: str) -> None:
    """Ask whatever the description allows, and what it does not: no answer may be a fault, or other than described."""
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", f"{address}api/openapi.json", "--checks", checks,
        "--seed", "1", "--no-color", *more,
    ]  # fmt: skip
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=3600, check=False)
    assert ended.returncode == 0, ended.stdout[-6000:]


@pytest.mark.slow
def test_schemathesis_finds_no_answer_that_is_not_described(desk: Desk, tmp_path: Path) -> None:
    schemathesis(desk.server.address, tmp_path, "--phases", "examples,fuzzing", "--max-time", "6")


@pytest.mark.long
def test_schemathesis_finds_none_in_a_long_run_either(desk: Desk, tmp_path: Path) -> None:
    """With what its coverage phase makes of each member, thousands of requests. CITELOG_SCHEMATHESIS=500 asks more."""
    most = os.environ.get("CITELOG_SCHEMATHESIS", "100")
    schemathesis(desk.server.address, tmp_path, "--phases", "examples,coverage,fuzzing", "--max-examples", most)
