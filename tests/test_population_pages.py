"""The pages of a population, through a browser and without one: from a count to the patients, to a proof, and back.

The same addresses below /api answer programs. No address and no line of the log names a patient.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import jsonschema_rs
import pytest

import b12
from authoring import Command
from citelog import schemas
from citelog.ledger.log import Log
from citelog.population.opened import opened
from crowds import HOSTILE, answered, records
from endpoint import ROOT, Server, eventually, serving
from pages import NEEDED, PATIENCE, at, broken_words, is_cut_off, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = NEEDED

SPOILT = "superseded"
"""Somebody of whom the run wrote down something else than what is derived."""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("population")
    shutil.copytree(answered(), folder, dirs_exist_ok=True)
    told, picture = folder / "store" / "concluded.parquet", opened(folder).person(SPOILT).picture
    duckdb.sql(
        f"COPY (SELECT picture, kind, CASE WHEN picture = {picture} AND kind = 'treat' THEN 'no_basis' ELSE value END "
        f"AS value, role FROM '{answered()}/store/concluded.parquet') TO '{told}'"
    )
    return folder


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log")


@pytest.fixture(scope="module")
def server(out: Path, log: Path) -> Iterator[Server]:
    """A server with a log of assessments, whose own messages are kept too."""
    Log.make(log / "assessments")
    arguments = "--population", str(out), "--log", str(log / "assessments")
    with serving(*arguments, log=log / "server.log", consultants=2) as started:
        ready(started)
        yield started


def ready(server: Server) -> None:
    """Wait until everything can be answered."""
    until = time.monotonic() + PATIENCE / 250
    while server.client.get("/health").status_code != 200:
        assert time.monotonic() < until, "the workers did not start"
        time.sleep(0.2)


def test_a_count_leads_to_the_patients_and_each_of_them_to_the_proof(
    browser: Browser, server: Server, out: Path, citelog: Command
) -> None:
    with at(browser, f"{server.address}population", java_script_enabled=False) as page:
        assert page.get_by_role("heading", level=1).inner_text() == f"{len(records())} patients, answered on 2026-03-15"
        assert "pending human review" in page.locator(".standing").inner_text()
        knowledge = page.locator("#rules ~ .wide .place a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        assert all(server.client.get(where).status_code == 200 for where in knowledge[:3]) and len(knowledge) > 20
        step = page.locator("section[aria-labelledby=kind-regimen] tbody tr").filter(has_text="HYD-STD-LOAD").first
        told = "hydroxocobalamin, 1 mg, intramuscular, three times a week, 2 weeks"
        assert step.get_by_role("link").inner_text() == told, "in words first, and then its name"
        row = page.locator("section[aria-labelledby=kind-treat] tbody tr").first
        count, name = row.locator("td.n").first.inner_text(), row.get_by_role("link").inner_text()
        row.get_by_role("link").click()
        assert page.get_by_role("heading", level=1).inner_text().startswith(f"{count} patients of {len(records())}")
        page.get_by_label("Order").select_option("most:conflict")
        page.get_by_role("button", name="Sort").click()
        assert "order=most:conflict" in page.url.replace("%3A", ":")
        page.get_by_text("Narrow this list").click()
        narrower = page.locator(".narrow li").filter(has_text="within_debated_cutoffs").first
        fewer = narrower.locator(".n").inner_text()
        narrower.get_by_role("link").first.click()
        assert page.get_by_role("heading", level=1).inner_text().startswith(f"{fewer} patient")
        status = page.locator(".rows tbody td[data-of^=Status]").first.inner_text().split("\n")
        assert status[0] == "within_debated_cutoffs" and status[1] in page.locator(".chips").inner_text()
        patient = page.locator(".rows tbody th").first.inner_text()
        page.locator(".rows tbody a").first.click()
        assert page.get_by_text(patient, exact=False).first.is_visible()
        page.get_by_role("link", name=re.compile("^Below some of the debated")).click()
        assert page.locator(".proof, .tree, article").first.is_visible()
        told = citelog("why", "--population", out, patient, "status:within_debated_cutoffs").out
        assert page.locator("article .says").first.inner_text() in " ".join(told.split())
        assert f"treat:{name}" in citelog("assess", "--population", out, patient).out
        page.get_by_role("link", name="The population", exact=True).first.click()
        page.get_by_role("textbox").fill(HOSTILE)
        page.get_by_role("button", name="Open").click()
        assert page.locator(".kicker bdi").first.inner_text() == HOSTILE
        assert re.fullmatch(r".*/population/patients/[0-9a-f]{8}-\d+/", page.url)


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), pytest.param(1280, "dark", marks=pytest.mark.long)])
def test_everybody_can_read_the_pages(browser: Browser, server: Server, width: int, scheme: str) -> None:
    listed = "population/patients?has=treat:indicated&order=rare"
    with at(browser, f"{server.address}population", width, color_scheme=scheme) as page:
        for place in ("population", listed, f"population/patients/{_first(server)}/"):
            page.goto(server.address + place)
            assert not is_cut_off(page), place
            assert not broken_words(page), place
            assert not violations(page), place


def _first(server: Server) -> str:
    """The name of a row whose answer is as it was, and not to treat at once; rows stand in no particular order."""
    listed = server.client.get("/api/population/patients?without=treat:immediate").json()["patients"]
    one = next(one for one in listed if not one["patient"].startswith(SPOILT))
    return str(one["address"].split("/")[3])


def test_programs_get_the_documents_and_go_through_a_list_by_its_links(server: Server, out: Path, log: Path) -> None:
    summary = server.client.get("/api/population").json()
    assert jsonschema_rs.validator_for(schemas.schema("population-summary")).is_valid(summary)
    address, found = "/api/population/patients?without=treat:immediate", []
    while address:
        listed = server.client.get(address).json()
        assert jsonschema_rs.validator_for(schemas.schema("population-list")).is_valid(listed)
        found += listed["patients"]
        assert len(listed["patients"]) <= 50
        address = listed["next"]
    assert len(found) == listed["total"] == len({one["patient"] for one in found})
    one = found[-1]
    page = server.client.get(f"/api{one['address'].rstrip('/')}")
    assert page.text == opened(out).assessment(one["patient"], b12.knowledge()).to_json() + "\n"
    described = server.client.get("/api/openapi.json").json()["paths"]
    assert {"/api/population", "/api/population/patients", "/api/population/patients/{row}"} <= set(described)
    server.client.post("/population/find", data={"patient": one["patient"]})
    assert eventually(lambda: "/population/find" in (log / "server.log").read_text())  # a line follows its answer
    told = (log / "server.log").read_text()
    assert not [name for name in records() if name in told]


def test_no_page_of_a_row_has_a_button_that_leads_nowhere(server: Server) -> None:
    found = server.client.post("/population/find", data={"patient": "nothing"})
    for view in ("missing", "why-not/neuro:present"):
        page = server.client.get(f"{found.headers['location']}{view}")
        assert page.status_code == 200 and ("gained" in page.text or "gives" in page.text)
        assert "<form" not in page.text, view


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/population/patients?has=nothing", 422, "no conclusion"),
        ("/population/patients?rule=nothing", 422, "no rule is called nothing"),
        ("/population/patients?order=best", 422, "no order"),
        ("/population/patients?after=0", 400, "the number of a row"),
        ("/population/patients?after=99999", 422, "there is no row"),
        ("/population/patients?patient=drawn-1", 400, "a list has no patient"),
        ("/population/patients?" + "&".join(["has=treat:indicated"] * 50), 400, "more than 40"),
        ("/population/patients/00000000-1/", 404, "another run"),
        ("/population/patients/drawn-1/", 404, "no such row"),
        ("/population/patients/{first}/edit", 404, "nothing at this address"),
        ("/population/patients/{first}/why/treat:nothing", 422, "no conclusion"),
        ("/population/patients/{first}/why/treat:immediate", 409, "not concluded"),
        ("/api/population/patients?has=nothing", 422, "no conclusion"),
        ("/api/population/patients/00000000-1", 404, "another run"),
    ],
)
def test_what_is_not_there_is_refused(server: Server, address: str, status: int, said: str) -> None:
    answer = server.client.get(address.replace("{first}", _first(server)))
    assert answer.status_code == status and said in answer.text
    assert ("application/problem+json" in answer.headers["content-type"]) == address.startswith("/api")
    two = server.client.post("/population/find", data={"patient": ["drawn 998", "drawn 999"]})
    assert two.status_code == 400 and "drawn" not in two.text, "neither is taken for the one that was meant"
    nobody = server.client.post("/population/find", data={"patient": "drawn 999"})
    assert nobody.status_code == 404 and "drawn 999" not in nobody.text


def test_a_folder_that_cannot_be_served_is_named_before_the_start(out: Path, citelog: Command, tmp_path: Path) -> None:
    ended = citelog("serve", "--population", tmp_path)
    assert (ended.status, ended.out) == (2, "") and "no finished run" in ended.err
    ended = citelog("serve", "--population", out, "--kb", ROOT / "examples" / "short-nights")
    assert ended.status == 2 and "come from b12" in ended.err
    ended = citelog("serve", "--population", out, "--dataset", ROOT / "ontology.ttl")
    assert ended.status == 2 and "leave --kb, --case and --population out" in ended.err


def test_an_answer_that_is_not_what_the_run_wrote_down_is_not_shown(server: Server) -> None:
    """And what is shown is entered in the log first."""

    def entered() -> int:
        return int(server.client.get("/log", headers={"Accept": "application/json"}).json()["size"])

    before = entered()
    found = server.client.post("/population/find", data={"patient": SPOILT})
    answer = server.client.get(found.headers["location"])
    assert (found.status_code, answer.status_code) == (303, 500)
    assert "not the same" in answer.text and "Treat" not in answer.text
    assert entered() == before
    assert server.client.get(f"/population/patients/{_first(server)}/").status_code == 200
    assert entered() == before + 1
