"""The pages: the shell of all of them, and a patient's, from a record that is typed to its answer, proofs and the rest.

By keyboard and without a script. A record is in no address and in no line of the log of requests, and nothing in one
becomes markup.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from citelog.ledger.log import Log
from citelog.serve.http.limits import Limits
from citelog.serve.kept import Kept
from citelog.serve.pages import views
from citelog.serve.pages.shell import environment
from endpoint import ROOT, Server, serving
from pages import NEEDED, at, broken_words, is_cut_off, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = NEEDED

EXAMPLE = ROOT / "examples" / "patient.yaml"
VIEWS = ("", "why/treat:immediate", "document", "record", "missing", "why-not", "what-if", "edit")
EVIL = '"><img src=x onerror=alert(1)></script><script>alert(2)</script>{{ 7*7 }}\u202e'
READER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
REFERENCE = re.compile(r"/patient/[\w-]{32}/")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log of requests of `server`."""
    return tmp_path_factory.mktemp("log") / "log"


@pytest.fixture(scope="module")
def server(log: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that also enters what it assesses in a log."""
    entries = Log.make(tmp_path_factory.mktemp("entries") / "log", "example.org/ward-7")
    with serving("--log", str(entries.folder.path), log=log) as started:
        assert started.is_ready()
        yield started


@pytest.fixture(scope="module")
def kept(server: Server) -> str:
    """The address of the example's pages, once it was entered."""
    return entered(server, EXAMPLE.read_text())


def entered(server: Server, record: str, then: str = "") -> str:
    """The address that leads on from a record that is pasted."""
    form = {"sort": "text", "record": record}
    answer = server.client.post("/patient", params={"then": then} if then else None, data=form)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def chosen(page: Page, legend: str, label: str) -> None:
    """Choose a state of a finding with the keyboard alone."""
    page.get_by_role("group", name=legend, exact=True).get_by_role("combobox").focus()
    page.keyboard.type(label)


# the shell


def test_the_first_page_has_doors_that_lead_somewhere(browser: Browser, server: Server) -> None:
    with at(browser, server.address, java_script_enabled=False) as page:
        assert page.get_by_role("heading", level=1).inner_text() == "Vitamin B12 deficiency: when and how to treat"
        doors = page.locator(".doors a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        places = page.locator("nav a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        assert set(places) <= set(doors)
        for place in doors:
            page.goto(f"{server.address.rstrip('/')}{place}")
            assert page.locator("h1").count() == 1


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
    assert 'start at <a href="/">the first page</a>' in page.text
    assert server.client.get("/nowhere").text.splitlines()[0] == "there is nothing at this address"
    problem = server.client.get("/api/nowhere", headers=READER)
    assert problem.headers["content-type"] == "application/problem+json"
    assert server.client.put("/", headers=READER).headers["allow"] == "GET, HEAD"


def test_a_style_sheet_that_changes_has_another_address(server: Server) -> None:
    address = server.client.get("/").text.partition('href="')[2].partition('"')[0]
    assert "immutable" in server.client.get(address).headers["cache-control"]
    assert server.client.get("/style.css").headers["cache-control"] == "no-store"


def test_a_style_sheet_holds_rules_and_nothing_that_would_swallow_the_next() -> None:
    """A browser takes a line that is no rule for the beginning of the next one, and drops both in silence."""
    own = [file for file in (ROOT / "engine" / "citelog").rglob("*.css") if file.name != "pico.css"]
    lines = [(file.name, line) for file in own for line in file.read_text("utf-8").splitlines()]
    assert lines and not [line for line in lines if not line[1].endswith(("{", "}", ";", ",", "*/"))]


def test_an_answer_about_a_patient_is_in_the_log_before_it_is_on_a_page(server: Server) -> None:
    before = server.client.get("/log", headers={"Accept": "application/json"}).json()["size"]
    assert server.client.get("/patient").status_code == 200  # nobody's answer
    assert (
        server.client.get("/examples/an-empty-record-is-answered-with-questions/why/neuro:not_recorded").status_code
        == 200
    )
    assert server.client.get("/log", headers={"Accept": "application/json"}).json()["size"] == before + 1


# a patient


def test_a_record_is_typed_and_the_answer_leads_to_the_sentences_of_the_document(
    browser: Browser, server: Server
) -> None:
    """Without a script, and with the keyboard alone."""
    with at(browser, f"{server.address}patient", java_script_enabled=False, expected="422") as page:
        row = page.get_by_role("group", name="serum vitamin B12", exact=True)
        row.get_by_label("Value").focus()
        page.keyboard.type("80")
        page.keyboard.press("Tab")
        page.keyboard.type("pmol/L")
        page.keyboard.press("Tab")
        page.keyboard.type("last spring")
        chosen(page, "neurological involvement", "absent")
        chosen(page, "symptoms attributed to vitamin B12 deficiency", "present")
        page.keyboard.press("Enter")
        with page.expect_navigation():
            page.get_by_role("button", name="See the answer").last.press("Enter")

        assert page.get_by_role("alert").count() == 1  # told at its row, and nothing that was typed is lost
        assert 'The date "last spring" cannot be read.' in row.inner_text()
        assert (row.get_by_label("Value").input_value(), row.get_by_label("Date").input_value()) == (
            "80",
            "last spring",
        )
        row.get_by_label("Date").fill("2026-03-02")
        with page.expect_navigation():
            row.get_by_label("Date").press("Enter")  # as one does in a form: it adds no row

        assert REFERENCE.search(page.url)
        assert page.locator("#kind-treat").count() == 1
        assert "pending human review" in page.locator(".standing").inner_text()
        with page.expect_navigation():
            page.locator(".says a", has_text="Hydroxocobalamin, 1 mg, intramuscular, three times a week").press("Enter")
        assert page.url.endswith("/why/regimen:HYD-STD-LOAD")
        assert "Neurological involvement: absent." in page.locator(".basis").first.inner_text()
        page.locator(".basis a.statement", has_text="G06").press("Enter")  # the document beside it, and the quote in it
        marked = page.locator("mark", has_text="hydroxocobalamin 1 mg intramuscularly").first
        assert marked.is_visible() and "G06" in (marked.get_attribute("data-quotes") or "")
        assert page.url.endswith("#quote-G06")
        page.locator(".basis a.entry").first.press("Enter")
        assert "#record-f" in page.url


def test_a_value_is_changed_and_the_answer_with_it(browser: Browser, server: Server, kept: str) -> None:
    with at(browser, f"{server.address}{kept[1:]}what-if", java_script_enabled=False, expected="422") as page:
        page.locator("[name='set:labs[0].value']").fill("500")
        page.locator("[name='drop:findings[0]']").check()
        with page.expect_navigation():
            page.get_by_role("button", name="See what changes").press("Enter")
        assert "instead of “Serum vitamin B12: 80 pmol/L (2026-03-02).”" in page.inner_text("main")
        assert page.get_by_role("heading", name="The answer changes").count() == 1
        assert "status:above_all_cutoffs" in page.locator(".gained").first.inner_text()
        assert page.locator("[name='set:labs[0].value']").input_value() == "500"
        page.get_by_text("Add an entry").click()
        page.locator("[name='add:1']").fill("colours: [blue]")
        with page.expect_navigation():
            page.get_by_role("button", name="See what changes").press("Enter")
        assert page.get_by_role("alert").count() == 1
        assert page.locator("[name='add:1']").input_value() == "colours: [blue]"
        assert page.locator("[name='set:labs[0].value']").input_value() == "500"


def test_what_is_emptied_in_a_what_if_says_nothing_and_is_told(browser: Browser, server: Server, kept: str) -> None:
    with at(browser, f"{server.address}{kept[1:]}what-if", java_script_enabled=False) as page:
        page.locator("[name='set:labs[0].unit']").fill("")
        with page.expect_navigation():
            page.get_by_role("button", name="See what changes").press("Enter")
        assert page.get_by_role("heading", name="The answer changes").count() == 1
        assert "status:uninterpretable" in page.locator(".gained").first.inner_text()
        assert page.locator("[name='set:labs[0].unit']").input_value() == ""
        assert page.locator("[name='set:labs[0].value']").input_value() == "80"


def test_a_proof_opens_at_its_beginning_on_a_phone_and_at_its_quote_beside_it(
    browser: Browser, server: Server, kept: str
) -> None:
    for width in (390, 1280):
        with at(browser, f"{server.address}{kept[1:]}why/regimen:HYD-STD-LOAD", width=width) as page:
            assert page.evaluate("scrollY") == 0, width
            standing, quote = page.locator(".standing").bounding_box(), page.locator("mark.cited").first.bounding_box()
            assert standing and quote and 0 <= standing["y"] < 200, "the review status, before anything else"
            assert width == 390 or 0 <= quote["y"] < 800


def test_the_record_beside_a_proof_says_of_each_entry_what_rests_on_it_here_or_elsewhere(
    server: Server, kept: str
) -> None:
    """No entry is said to bear nothing because the page shows one conclusion of many."""
    shown = {
        view: re.findall(r'<tr id="record-.*?</tr>', server.client.get(f"{kept}{view}").text, re.DOTALL)
        for view in ("record", "why/treat:immediate")
    }
    assert shown["why/treat:immediate"] == shown["record"] and len(shown["record"]) == 6
    assert "why/caution:CA-FOLATE-NOT-FIRST" in shown["record"][4]


def test_why_not_and_what_is_missing_lead_to_records_that_can_be_tried(
    browser: Browser, server: Server, kept: str
) -> None:
    with at(browser, f"{server.address}{kept[1:]}why-not", java_script_enabled=False) as page:
        with page.expect_navigation():
            page.get_by_role("link", name="Above all quoted cut-offs").press("Enter")
        assert "Status of the level: above all quoted cut-offs" in page.inner_text(".says")
        assert "Concluded instead: status:below_all_cutoffs" in page.inner_text("main")
        with page.expect_navigation():
            page.get_by_role("button", name="Try it").first.press("Enter")
        assert "status:above_all_cutoffs" in page.locator(".gained").first.inner_text()
        page.goto(f"{server.address}{kept[1:]}missing")
        with page.expect_navigation():
            page.get_by_role("button", name="Try it").first.press("Enter")
        assert page.get_by_role("heading", name="The answer changes").count() == 1


def test_an_example_has_an_address_of_its_own(browser: Browser, server: Server) -> None:
    with at(browser, f"{server.address}examples", java_script_enabled=False) as page:
        with page.expect_navigation():
            page.get_by_role("link", name="An empty record is answered with questions").press("Enter")
        assert page.url.endswith("/examples/an-empty-record-is-answered-with-questions/")
        assert page.locator("#kind-open-question").count() == 1
    assert server.client.get("/examples/nobody/").status_code == 404
    other = server.client.get("/examples/an-empty-record-is-answered-with-questions/why/neuro:present", headers=READER)
    assert other.status_code == 409 and '/why-not/neuro:present">/examples/' in other.text, "a link"
    assert "<h1>neuro:present was not concluded" in other.text, "an id as it is written"


def test_a_record_that_has_gone_is_asked_for_again_and_the_way_leads_back(server: Server) -> None:
    gone = server.client.get("/patient/nobody-gave-this/why/treat:immediate")
    assert gone.status_code == 410 and "The record is no longer here" in gone.text
    action = re.search(r'action="/patient\?then=([^"]*)"', gone.text)
    assert action and action[1] == "why/treat%3Aimmediate"
    assert entered(server, EXAMPLE.read_text(), "why/treat:immediate").endswith("/why/treat:immediate")
    for elsewhere in ("//evil.example", "\\evil", "a\r\nSet-Cookie: x"):
        assert REFERENCE.fullmatch(entered(server, "labs: []", elsewhere))


def test_the_way_back_never_leads_to_the_answer_about_another_record(server: Server, kept: str) -> None:
    other = kept.split("/")[2]
    for up in (f"../{other}/", f"why/../../{other}/", "..", ".", "a/.."):
        assert REFERENCE.fullmatch(entered(server, "id: somebody-else", up)), up
    location = entered(server, "id: somebody-else", f"%2e%2e/{other}/?a#b")  # browsers take %2e for a dot
    assert location.endswith(f"/%252e%252e/{other}/%3Fa%23b")


def test_what_cannot_be_read_is_told_at_its_line_and_kept_as_it_was_typed(server: Server) -> None:
    wrong = "labs: []\nfindings: [\n{]"
    page = server.client.post("/patient", data={"sort": "text", "record": wrong})
    assert page.status_code == 422 and "record:3" in page.text and f"{wrong}</textarea>" in page.text
    day = server.client.post("/patient", data={"sort": "text", "record": "labs: []", "at": "soon"})
    assert day.status_code == 422 and 'value="soon" aria-invalid' in day.text and "Day of the assessment" in day.text
    assert server.client.post("/patient", content=b"{}").status_code == 415
    broken = {"Content-Type": "multipart/form-data"}
    assert server.client.post("/patient", content=b"--x", headers=broken).status_code == 400
    encoded = {"Content-Type": "application/x-www-form-urlencoded"}
    twice = server.client.post("/patient", content=b"sort=text&record=labs: []&record=id: other", headers=encoded)
    assert twice.status_code == 400 and "sent with two values" in twice.text
    parts = [("record", (None, "labs: []")), ("record", (None, "id: other"))]
    assert server.client.post("/patient", files=parts).status_code == 400
    file = server.client.post("/patient", data={"sort": "text"}, files={"file": ("a.yaml", b"id: of-a-file\n")})
    assert "of-a-file" in server.client.get(file.headers["location"]).text


def test_two_findings_that_contradict_each_other_can_be_typed_and_neither_is_preferred(server: Server) -> None:
    page = server.client.post("/patient", data={"sort": "form", "more": "findings"}).text
    (known,) = re.findall(r'name="(findings\.\d+)\.known" value="neurological involvement"', page)
    (another,) = re.findall(r'name="(findings\.\d+)\.name"', page)
    typed = {f"{known}.known": "neurological involvement", f"{known}.state": "present"}
    typed |= {f"{another}.name": "neurological involvement", f"{another}.state": "absent"}
    answer = server.client.post("/patient", data={"sort": "form", "rows.findings": "1", **typed})
    assert "neuro:conflicting" in server.client.get(answer.headers["location"]).text


def test_the_form_asks_for_the_date_of_those_findings_of_which_a_rule_reads_it(server: Server) -> None:
    """The latest entry settles what two say of one finding; of an operation that is past, no rule asks when."""
    page = server.client.post("/patient", data={"sort": "form", "more": "findings"}).text
    keys = {name: key for key, name in re.findall(r'name="(findings\.\d+)\.known" value="([^"]+)"', page)}
    (another,) = re.findall(r'name="(findings\.\d+)\.name"', page)
    known = keys["neurological involvement"]
    assert f'name="{known}.when"' in page and f'name="{another}.when"' in page
    assert f'name="{keys["bariatric surgery (past)"]}.when"' not in page
    typed = {f"{known}.known": "neurological involvement", f"{known}.state": "present", f"{known}.when": "2026-01-10"}
    typed |= {
        f"{another}.name": "neurological involvement",
        f"{another}.state": "absent",
        f"{another}.when": "2026-02-10",
    }
    answer = server.client.post("/patient", data={"sort": "form", "rows.findings": "1", **typed})
    assert "neuro:absent" in server.client.get(answer.headers["location"]).text


PREFIXES = "".join(
    f"@prefix {name}: <{iri}> .\n"
    for name, iri in {"cl": "https://w3id.org/citelog#", "ex": "https://example.org/short-nights#"}.items()
)
MEDICINES = (
    PREFIXES
    + """
%%% @convention Reading the record: a spoon of the syrup.
#[name("spoon")]
spoon(?p, ?r) :- medication(?p, ?r, ex:syrup) .

%%% @cites S13
#[name("syrup-or-tea-today")]
#[display("Syrup or tea on the very day may keep the pupil awake.")]
caution(?p, ex:SYRUP_ON_THE_VERY_DAY_OF_THE_NIGHT) :-
    spoon(?p, ?r), recorded_when(?p, ?r, ?first, ?last), evaluation_day(?p, ?today), ?today - ?first < 1 .

%%% @cites S13
#[name("tea")]
#[display("Tea and a heavy satchel may keep the pupil awake.")]
caution(?p, ex:COLA) :-
    medication(?p, _, ex:tea), result(?p, ?r, ?what), result_unit(?p, ?r, ?unit), cl:acceptsUnit(?what, ?unit) .
"""
)
MEDICINE_TERMS = """
ex:syrup a cl:Drug ; skos:prefLabel "cough syrup" .
ex:tea a cl:Drug ; skos:prefLabel "black tea" .
ex:weight a cl:Analyte ; skos:prefLabel "weight of the satchel" ; cl:acceptsUnit ex:kg .
ex:kg a cl:Unit ; skos:prefLabel "kilograms" ; cl:ucum "kg" ; cl:factor 1.0 ; cl:comparedIn ex:kg .
"""
MEDICINE_WORDS = """
ex:SYRUP_ON_THE_VERY_DAY_OF_THE_NIGHT a cl:Code ; skos:prefLabel "syrup" .
ex:predicate_spoon a cl:DerivedPredicate ; cl:signature "spoon(patient: patient, record: record)" ;
    cl:sentence "{record} is a spoon of syrup" ; cl:absence "no syrup is on record" .
"""


@pytest.fixture(scope="module")
def medicines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of another knowledge base, whose rules read of a medicine no more than its date."""
    folder = Path(shutil.copytree(ROOT / "examples" / "short-nights", tmp_path_factory.mktemp("kb") / "short-nights"))
    (folder / "rules" / "40-medicines.rls").write_text(MEDICINES, encoding="utf-8")
    for name, more in (("terms.ttl", MEDICINE_TERMS), ("predicates.ttl", MEDICINE_WORDS)):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(more)
    with serving("--kb", str(folder)) as started:
        assert started.is_ready()
        yield started


def test_the_form_asks_of_a_medicine_for_what_the_rules_read_of_it(medicines: Server) -> None:
    """Its date by way of another rule; no route and no course, of which no rule has heard."""
    page = medicines.client.get("/patient").text
    keys = {name: key for key, name in re.findall(r'name="(medications\.\d+)\.known" value="([^"]+)"', page)}
    fields = {name: re.findall(rf'name="{key}\.(\w+)"', page) for name, key in keys.items()}
    assert fields == {
        "cough syrup": ["known", "status", "dose", "frequency", "when"],
        "black tea": ["known", "status", "dose", "frequency"],
    }
    syrup = keys["cough syrup"]
    typed = {f"{syrup}.known": "cough syrup", f"{syrup}.status": "current", f"{syrup}.when": "2026-03-09"}
    answer = medicines.client.post("/patient", data={"sort": "form", "at": "2026-03-09", **typed})
    assert "caution:SYRUP" in medicines.client.get(answer.headers["location"]).text, answer.text


def test_the_form_offers_for_a_result_the_units_that_it_is_reported_in(medicines: Server) -> None:
    page = medicines.client.get("/patient").text
    keys = {name: key for key, name in re.findall(r'name="(labs\.\d+)\.known" value="([^"]+)"', page)}
    offered = {
        name: re.findall(r'value="(\w+)"', re.findall(rf'(?s)name="{key}\.unit".*?</select>', page)[0])
        for name, key in keys.items()
    }
    assert offered == {"sleep of a night": ["hours", "minutes"], "weight of the satchel": ["kilograms"]}


def test_the_name_of_a_conclusion_is_whole_however_long(browser: Browser, medicines: Server) -> None:
    record = "medications: [{name: cough syrup, status: current, when: 2026-03-09}]"
    form = {"sort": "text", "record": record, "at": "2026-03-09"}
    to = medicines.client.post("/patient", data=form).headers["location"]
    with at(browser, f"{medicines.address}{to[1:]}why/caution:SYRUP_ON_THE_VERY_DAY_OF_THE_NIGHT") as page:
        (table,) = page.locator("table.record").all()
        assert "SYRUP_ON_THE_VERY_DAY_OF_THE_NIGHT" in table.inner_text()
        assert table.evaluate("t => t.parentElement.scrollWidth <= t.parentElement.clientWidth")


def test_what_no_case_shows_is_not_told_as_citing_nothing(medicines: Server) -> None:
    deadline, page = time.monotonic() + 60, ""
    while "Statements that it cites" not in page and time.monotonic() < deadline:
        page = medicines.client.get("/knowledge/conclusions", headers=READER).text
        time.sleep(0.5)
    (row,) = re.findall(r"(?s)<tr [^>]*>(?:(?!</tr>).)*SYRUP_ON_THE_VERY_DAY.*?</tr>", page)
    assert "No case shows it, nor what it would cite." in row
    assert page.count("No case shows it") == 1


def test_an_answer_says_at_its_top_which_entries_nothing_here_is_called(server: Server) -> None:
    page = server.client.get(entered(server, "findings: [{name: neurological involvment, state: absent}]")).text
    assert page.index('“neurological involvment”. <a href="#notes">') < page.index("status:not_assessed")
    assert "is called" not in server.client.get(entered(server, "labs: []")).text


def test_the_form_asks_first_for_what_the_rules_ask_for_first(server: Server) -> None:
    """Whoever fills in a form from its top enters what decides before what nothing rests on."""
    page = server.client.get("/patient").text
    asked = ["serum vitamin B12", "serum folate", "symptoms attributed to vitamin B12 deficiency"]
    asked += ["neurological involvement", "folate deficiency", "bariatric surgery (past)"]
    asked += ["hydroxocobalamin", "metformin"]
    places = [page.index(f"<legend>{name}</legend>") for name in asked]
    assert places == sorted(places)


def test_a_template_that_changes_beneath_a_server_is_not_opened_again() -> None:
    assert not environment().auto_reload, "a worker can open no file, and each of its pages would be a fault"


@pytest.mark.parametrize(("value", "told"), [("80,5", "The value “80,5” is not a number"), ("", "No value is given.")])
def test_a_value_that_is_no_number_is_told_at_its_row_and_never_repaired(server: Server, value: str, told: str) -> None:
    typed = {"sort": "form", "labs.0.known": "serum vitamin B12", "labs.0.value": value, "labs.0.unit": "pmol/L"}
    page = server.client.post("/patient", data=typed)
    assert page.status_code == 422 and told in page.text and f'name="labs.0.value" value="{value}"' in page.text
    answer = server.client.post("/patient", data={**typed, "anyway": "yes"})
    assert "status:uninterpretable" in server.client.get(answer.headers["location"]).text
    bound = server.client.post("/patient", data={**typed, "labs.0.value": "<50"})
    assert bound.status_code == 303


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_everybody_can_read_the_pages(browser: Browser, server: Server, kept: str, width: int, scheme: str) -> None:
    """All of them in the light and on a wide screen; in the dark and on a phone, one of each kind."""
    entry = [f"{server.address}{one}" for one in ("", "patient", "sparql", "examples", "nowhere", "patient/gone/")]
    about = [f"{server.address}{kept[1:]}{view}" for view in VIEWS]
    with at(browser, server.address, width, color_scheme=scheme, expected="4") as page:
        for address in (*entry, *about) if scheme == "light" else (*entry[:2], *about[:2], about[-2]):
            page.goto(address)
            assert not is_cut_off(page), address
            assert not broken_words(page), address
            assert page.locator("main").count() == 1, address
            for landmark in (".standing", "body > footer"):
                assert "pending human review" in page.inner_text(landmark), address
            assert not violations(page), address


def test_nothing_in_a_record_becomes_markup(browser: Browser, server: Server) -> None:
    entry = {"value": EVIL, "unit": EVIL, "when": EVIL, "state": EVIL, "flag": EVIL, "route": EVIL, EVIL[:40]: EVIL}
    record = {
        "id": EVIL.strip("\u202e"),
        "labs": [{"analyte": "serum vitamin B12", **entry}, {"analyte": EVIL, **entry}],
        "findings": [{"name": "neurological involvement", **entry}, {"name": EVIL, **entry}],
        "medications": [{"name": "folic acid", "dose": EVIL, "frequency": EVIL, "since": EVIL}],
        "preferences": [{"topic": "route", "value": EVIL}, {"topic": EVIL, "value": EVIL}],
        "context": {"age_years": EVIL},
    }
    address = entered(server, json.dumps(record))
    changed = server.client.post(f"{address}what-if", data={"add:1": json.dumps({"findings": [{"name": EVIL}]})})
    views = [*(address + view for view in VIEWS if not view.startswith("why/")), changed.headers["location"]]
    with at(browser, server.address) as page:
        for view in views:
            page.goto(f"{server.address}{view[1:]}")
            assert page.locator("main img, main script, main [onerror]").count() == 0
            assert "{{ 7*7 }}" in page.content(), view
        assert "alert(2)" in page.inner_text("main")
    typed = server.client.post(
        "/patient", data={"sort": "form", "labs.0.known": EVIL, "labs.0.value": EVIL, "at": EVIL, "id": EVIL}
    )
    assert typed.status_code == 422 and "<img" not in typed.text and "<script" not in typed.text


def test_no_word_of_a_record_is_in_an_address_or_in_the_log(server: Server, log: Path) -> None:
    address = entered(server, "id: Zenobia\nlabs: [{analyte: serum vitamin B12, value: 81.93, unit: pmol/L}]")
    for view in (view.replace("immediate", "indicated") for view in VIEWS if view != "missing"):  # which takes long
        answer = server.client.get(address + view)
        assert answer.headers["cache-control"] == "no-store" and "Zenobia" in answer.text
    written = log.read_text()
    assert "/patient/…" in written
    assert not [word for word in ("Zenobia", "81.93", address.split("/")[2], "treat:indicated") if word in written]


def test_an_answer_begins_with_what_there_is_in_it_and_a_doctor_is_led_to_each(server: Server, kept: str) -> None:
    answer = server.client.get(kept).text
    contents = answer[answer.index('aria-label="This answer"') : answer.index('class="kind answers"')]
    places = re.findall(r'href="#([^"]+)">([^<]+)<', contents)
    titles = re.findall(r'<h2 id="([^"]+)">([^<]+)</h2>', answer)
    assert places == titles and dict(places)["kind-conflict"] == "Conflicts"
    assert re.search(r'#kind-conflict">Conflicts</a> <span class="count">(\d+)', contents), "and how many"


def test_on_a_phone_the_answer_is_seen_first_and_a_line_above_it_leads_to_the_caveats_below(
    browser: Browser, server: Server, kept: str
) -> None:
    """On a wide screen the caveats stand above it, in full; nowhere are they folded away."""
    for width in (390, 1280):
        with at(browser, f"{server.address}{kept[1:]}", width=width, java_script_enabled=False) as page:
            caveats, further = page.locator("#caveats"), page.get_by_role("link", name="Before you rely on this")
            assert "exercise caution. M03" in caveats.inner_text() and "drafts" in caveats.inner_text()
            answers = page.locator(".answers article")
            first, last, told = (one.bounding_box() for one in (answers.first, answers.last, caveats))
            assert first and last and told and first["y"] < 600, width
            if width == 1280:
                assert told["y"] + told["height"] < first["y"] and not further.is_visible()
                continue
            assert told["y"] >= last["y"] + last["height"]
            assert "pending human review" in page.locator(".standing").inner_text()
            further.click()
            seen = caveats.bounding_box()
            assert seen and 0 <= seen["y"] < 800


def test_paper_shows_the_whole_answer(browser: Browser, server: Server, kept: str) -> None:
    with at(browser, f"{server.address}{kept[1:]}why/treat:immediate") as page:
        page.emulate_media(media="print")
        assert not page.locator("nav").first.is_visible()
        assert page.locator(".beware ul").is_visible() and page.locator(".proof ul").first.is_visible()
        assert page.pdf(format="A4").startswith(b"%PDF")


def test_the_page_about_the_pages_lists_every_view_and_the_bounds_that_hold() -> None:
    page, limits = (ROOT / "docs" / "PAGES.md").read_text(encoding="utf-8"), Limits()
    shown = {
        row.split("`")[1].removeprefix("/patient/…/") for row in page.splitlines() if row.startswith("| `/patient/…")
    }
    assert {one.partition("/")[0] for one in shown} == set(views._VIEWS)
    for row in (
        f"| a record, since somebody looked at it | {limits.kept_seconds / 60:g} minutes |",
        f"| records | {limits.kept_records:,}, and {limits.kept_bytes >> 20} MiB together; ",
        f"| one record, with its form | {limits.consultation_request >> 20} MiB |",
    ):
        assert row in page


def test_what_is_kept_is_bounded_in_number_size_and_time() -> None:
    time = [0.0]
    kept = Kept(Limits(kept_records=3, kept_bytes=10, kept_seconds=60.0), lambda: time[0])
    first, second, third = (kept.put(b"abc") for _ in range(3))
    assert len({first, second, third}) == 3 and kept.get(first) == b"abc"
    kept.put(b"d")
    assert kept.get(second) is None and kept.get(first) is not None  # nobody looked at the second for longest
    kept.put(b"0123456789")
    assert kept.get(first) is None and kept.get(third) is None
    time[0] = 61.0
    assert kept.put(b"late") is not None and len(kept._records) == 1
