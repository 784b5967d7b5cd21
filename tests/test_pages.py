"""The shell of all pages, through a browser and without one: its doors, its looks, and what is not answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from citelog.ledger.log import Log
from endpoint import ROOT, Server, serving
from pages import NEEDED, at, is_cut_off, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = NEEDED

READER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return Log.make(tmp_path_factory.mktemp("log") / "log", "example.org/ward-7")


@pytest.fixture(scope="module")
def server(log: Log) -> Iterator[Server]:
    """A server that enters what it assesses in a log."""
    with serving("--kb", str(ROOT / "examples" / "short-nights"), "--log", str(log.folder.path)) as started:
        assert started.is_ready()
        yield started


def test_the_first_page_has_doors_that_lead_somewhere(browser: Browser, server: Server) -> None:
    with at(browser, server.address, java_script_enabled=False) as page:
        assert page.get_by_role("heading", level=1).inner_text() == "Short nights: a leaflet of Harbour School"
        doors = page.locator(".doors a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        places = page.locator("nav a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        assert set(places) <= set(doors)
        for place in doors:
            page.goto(f"{server.address.rstrip('/')}{place}")
            assert page.locator("h1").count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_everybody_can_read_the_shell(browser: Browser, server: Server, width: int, scheme: str) -> None:
    with at(browser, server.address, width, color_scheme=scheme, expected="404") as page:
        for place in ("", "sparql", "nowhere"):
            page.goto(server.address + place)
            assert page.get_by_role("main").count() == 1
            assert "Review status" in page.locator(".standing").inner_text()
            assert not is_cut_off(page)
            assert not violations(page)


def test_the_skip_link_is_the_first_that_the_keyboard_meets(browser: Browser, server: Server) -> None:
    with at(browser, f"{server.address}sparql") as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.id") == "query"


def test_what_is_not_answered_is_a_page_for_people_and_two_lines_for_programs(server: Server) -> None:
    page = server.client.get("/nowhere", headers=READER)
    assert page.status_code == 404 and "<h1>There is nothing at this address</h1>" in page.text
    assert server.client.get("/nowhere").text.splitlines()[0] == "there is nothing at this address"
    problem = server.client.get("/api/nowhere", headers=READER)
    assert problem.headers["content-type"] == "application/problem+json"
    assert server.client.put("/", headers=READER).headers["allow"] == "GET, HEAD"


def test_a_style_sheet_that_changes_has_another_address(server: Server) -> None:
    address = server.client.get("/").text.partition('href="')[2].partition('"')[0]
    assert "immutable" in server.client.get(address).headers["cache-control"]
    assert server.client.get("/style.css").headers["cache-control"] == "no-store"


def test_an_answer_about_a_patient_is_in_the_log_before_it_is_on_a_page(server: Server) -> None:
    before = server.client.get("/log", headers={"Accept": "application/json"}).json()["size"]
    assert server.client.get("/patient").status_code == 200  # nobody's answer
    assert server.client.get("/examples/short-at-thirteen/why/night:SHORT").status_code == 200
    assert server.client.get("/log", headers={"Accept": "application/json"}).json()["size"] == before + 1
