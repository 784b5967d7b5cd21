"""The pages of a knowledge base: every link leads somewhere, nothing becomes markup, and all say what the commands say.

Most of it is asked of one server, over a knowledge base whose every text tries to be markup (`hostile`).
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import html5lib
import pytest
from rdflib import Dataset, Graph, URIRef

import citelog
from citelog.browse import document, searched
from citelog.browse.aloud import aloud
from citelog.browse.counts import Counts, counted, counts
from citelog.browse.shelf import KINDS, Shelf, opened
from citelog.diagnostics import CitelogError
from citelog.knowledge.cache import open_knowledge
from citelog.knowledge.lookup import USES, find
from citelog.ledger.log import Log, reading
from citelog.ledger.proofs import Proof, check
from citelog.reports.covered import COUNTED, share
from citelog.serve.pages.addresses import PATHS, address
from citelog.serve.pages.knowledge import LEAVES, Book
from citelog.serve.pages.shell import Shell
from endpoint import ROOT, Server, serving
from hostile import CASE, TAGS, hostile
from pages import NEEDED, at, broken_words, is_cut_off, violations

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LEAFLET = ROOT / "examples" / "short-nights"
READER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
FEW = 6  # things of a kind whose pages are opened
MANY = (*(f"/knowledge/{path}/" for path in PATHS.values()), "/api/knowledge/")
XHTML = "{http://www.w3.org/1999/xhtml}"


@dataclass(frozen=True)
class Opened:
    """A page that was fetched: its status, its media type and its tree."""

    status: int
    media: str
    tree: Any

    def text(self) -> str:
        """What can be read on it, each run of blanks as one."""
        return " ".join(" ".join(self.tree.itertext()).split())

    def all(self, name: str) -> list[Any]:
        """The elements of a name."""
        return list(self.tree.iter(XHTML + name))

    @property
    def ids(self) -> set[str]:
        """What a fragment can name."""
        return {one.get("id") for one in self.tree.iter() if one.get("id")}


def parsed(html: str) -> Any:
    """The tree of a page; an error where it is no valid HTML."""
    return html5lib.HTMLParser(strict=True).parse(html)


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile(LEAFLET, tmp_path_factory.mktemp("hostile") / "short-nights")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log") / "ward.log"
    Log.make(path, "example.org/ward-7")
    return path


@pytest.fixture(scope="module")
def server(evil: Path, log: Path) -> Iterator[Server]:
    """A server whose cases are counted; until then its pages said so."""
    with serving("--kb", str(evil), "--log", str(log), "--case", str(evil / "cases" / CASE)) as started:
        assert "cases are being run" in started.client.get("/knowledge/audit", headers=READER).text
        early = started.client.get("/knowledge/audit", headers={"Accept": "application/json"})
        assert early.status_code == 503 and early.headers["retry-after"]
        counted_now(started)
        yield started


def counted_now(server: Server) -> None:
    """Wait until the cases have been counted."""
    deadline = time.monotonic() + 120
    while "cases are being run" in server.client.get("/knowledge/audit", headers=READER).text:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture(scope="module")
def site(server: Server) -> dict[str, Opened]:
    """Every page that links lead to; of the things of a kind only some."""
    return crawled(server, FEW)


def crawled(server: Server, few: float) -> dict[str, Opened]:
    """Every page that links lead to, from the first on; of the things of a kind so many."""
    found: dict[str, Opened] = {}
    waiting = ["/"]
    while waiting:
        path = waiting.pop()
        alike = sum(one.startswith(path.rpartition("/")[0] + "/") for one in found) if path.startswith(MANY) else 0
        if path in found or alike >= few or _elsewhere(path):
            continue
        answer = server.client.get(path, headers=READER)
        media = answer.headers["content-type"].partition(";")[0]
        tree = parsed(answer.text) if media == "text/html" else parsed("<!DOCTYPE html><title>none</title>")
        found[path] = Opened(answer.status_code, media, tree)
        waiting += [link for link, _ in links(path, found[path])]
    return found


def _elsewhere(path: str) -> bool:
    """Whether a page has tests of its own: of what is asked about the cases, one alone is opened."""
    return path.startswith("/examples/") and not path.startswith(f"/examples/{CASE.removesuffix('.yaml')}/")


def links(path: str, page: Opened) -> Iterator[tuple[str, str]]:
    """Where the links of a page lead: the address and the fragment."""
    for one in page.all("a"):
        target = urljoin(path, one.get("href"))
        assert not urlsplit(target).netloc, f"{path} leads out of the house: {target}"
        whole, fragment = urldefrag(target)
        yield whole, unquote(fragment)


# every page


def test_every_link_leads_somewhere_and_no_page_is_an_orphan(site: dict[str, Opened], evil: Path) -> None:
    reached = connected(site, evil)
    assert {"/", "/sparql", "/playground", "/log", "/log/checkpoint", "/log/entries/1"} <= reached


def connected(site: dict[str, Opened], folder: Path) -> set[str]:
    """Every address that some page leads to, each of which is there, with the place that the link names."""
    assert [path for path, page in site.items() if page.status != 200] == []
    shelf = opened(folder, open_knowledge(folder))
    things = {address(kind, id_) for kind in KINDS for id_ in shelf.ids(kind)}
    linked = {(link, fragment) for path, page in site.items() for link, fragment in links(path, page)}
    for link, fragment in linked:
        assert link in things or link in site or link.startswith(("/api/knowledge/", "/examples/")), link
        assert not fragment or link not in site or fragment in site[link].ids, f"{link}#{fragment}"
    reached = {link for link, _ in linked}
    assert things <= reached
    assert {f"/knowledge/{name}".removesuffix("/") for name in LEAVES} <= reached
    return reached


def test_every_address_that_is_documented_is_there(server: Server, site: dict[str, Opened], evil: Path) -> None:
    shelf = opened(evil, open_knowledge(evil))
    first = {PATHS[kind]: next(iter(shelf.ids(kind))) for kind in KINDS}
    told = re.findall(r"`(/(?:knowledge|log)[^`]*)`", (ROOT / "docs" / "PAGES.md").read_text(encoding="utf-8"))
    for one in told:
        path = one.replace("/N", "/1").replace("/ID", f"/{first.get(one.split('/')[2] if '/ID' in one else '', '')}")
        assert server.client.get(path.replace("WORDS", "night"), headers=READER).status_code == 200, one
    named = "".join(told)
    assert all(f"/knowledge/{name}" in named for name in LEAVES)


@pytest.mark.long
def test_every_page_of_the_shipped_knowledge_base_is_there() -> None:
    with serving() as started:
        counted_now(started)
        site = crawled(started, float("inf"))
        connected(site, ROOT / "knowledge" / "b12")
        assert len(site) > 1000 and not any(page.all("script") for path, page in site.items() if path != "/playground")


def test_no_text_of_a_knowledge_base_becomes_markup(site: dict[str, Opened]) -> None:
    pages = {path: page for path, page in site.items() if page.media == "text/html"}
    assert sum(TAGS.strip() in page.text() for page in pages.values()) > 20
    for path, page in pages.items():
        assert not page.all("img"), path
        assert len(page.all("script")) == (path == "/playground"), path
        assert not [one for one in page.tree.iter() for name in one.attrib if name.startswith("on")], path


def test_every_page_says_how_far_it_can_be_relied_on(site: dict[str, Opened]) -> None:
    for path, page in site.items():
        if page.media == "text/html":
            assert "Review status" in page.text(), path
            assert len(page.all("h1")) == 1 and len(page.all("main")) == 1 and page.all("title")[0].text, path


# what is said


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return opened(LEAFLET, open_knowledge(LEAFLET))


@pytest.fixture(scope="module")
def documents() -> dict[str, Any]:
    return counted(LEAFLET)


@pytest.fixture(scope="module")
def counting(documents: dict[str, Any]) -> Counts:
    return counts(json.loads(json.dumps(documents)))


@pytest.fixture(scope="module")
def book(shelf: Shelf, counting: Counts) -> Book:
    return Book(Shell(shelf.knowledge), shelf, counting, "")


@pytest.mark.parametrize(
    ("kind", "id_"),
    [
        ("statement", "S03"),
        ("rule", "bed-earlier"),
        ("rule", "judged-without-age"),  # of a safety property
        ("conflict", "CP01"),
        ("predicate", "short"),
        ("term", "yawning"),
    ],
)
def test_the_page_of_a_thing_says_all_that_show_says(book: Book, shelf: Shelf, kind: str, id_: str) -> None:
    [found] = [one for one in find(shelf.knowledge, id_) if one.kind == kind]
    page = Opened(200, "", parsed(book.thing(kind, id_, [found])))
    text = page.text()
    for name, value in found.fields:
        if name != "read by the rules":  # which is the encoding below, property by property
            assert " ".join(value.split()) in text, name
    for cited in found.citations:
        assert cited.quote in text and f"line {cited.line}" in text
    targets = {link for link, _ in links("/", page)}
    for how, ids in found.uses.items():
        assert USES[how] == "caveat" or {address(USES[how], one) for one in ids} <= targets


def test_no_list_says_of_a_rule_nothing_but_a_variable_or_of_a_section_what_it_is_not(book: Book, shelf: Shelf) -> None:
    listed = book.leaf("rules")
    said = re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a></th><td>(.*?)</td>', listed, re.DOTALL)
    assert {name for name, _ in said} == set(shelf.rules)
    assert [name for name, text in said if not re.sub(r"<.*?>|\{.*?\}|by convention:|\W", "", text)] == []
    headings = re.findall(r"<h2 id=.section-\d+.>([^<]*)</h2>", book.leaf("statements"))
    assert len(headings) == len(set(headings)) and "Before the first section" not in headings[1:]


def test_a_statement_stands_in_its_place_with_what_it_says_and_who_tests_it(book: Book, shelf: Shelf) -> None:
    page = Opened(200, "", parsed(book.thing("statement", "S03", shelf.things("statement", "S03"))))
    [mark] = page.all("mark")
    assert "".join(mark.itertext()) == shelf.knowledge.statements["S03"].quote
    assert "the limit for the younger hours 9 under age 12" in page.text()
    assert "/knowledge/cases" in {link for link, _ in links("/", page)}


def test_a_rule_is_read_aloud_in_the_words_of_its_proofs(book: Book, shelf: Shelf) -> None:
    text = Opened(200, "", parsed(book.thing("rule", "bed-earlier", shelf.things("rule", "bed-earlier")))).text()
    read = aloud(shelf, shelf.rules["bed-earlier"])
    assert read.concludes == "The leaflet advises: going to bed earlier"
    assert "the night was short" in [condition.text for condition in read.conditions]
    assert [condition.text for condition in read.conditions if condition.assumed] == [
        "no lately crossed time zone is recorded"
    ]
    assert all(condition.text in text for condition in read.conditions)


def test_the_document_is_there_whole_with_every_quote_marked_in_place(book: Book, shelf: Shelf) -> None:
    tree = parsed(book.leaf("document"))
    source = shelf.knowledge.source.text
    lines = document.lines(shelf)
    assert "".join(run.text for line in lines for run in line.runs) == source
    for statement in shelf.knowledge.statements.values():
        marked = "".join(run.text for line in lines for run in line.runs if statement.id in run.statements)
        assert marked == statement.quote
    marks = list(tree.iter(XHTML + "mark"))
    assert {mark[0].get("href") for mark in marks} == {address("statement", id_) for id_ in shelf.knowledge.statements}
    aside = [one for one in document.segments(shelf) if one.reason]
    assert all(one.reason in Opened(200, "", tree).text() for one in aside) and aside


def test_the_figures_are_those_of_the_commands(book: Book, counting: Counts, documents: dict[str, Any]) -> None:
    for name, value in (("audit", counting.audit), ("trace", counting.trace), ("coverage", counting.coverage)):
        assert value.to_dict() == documents[name]  # what came from another process is what was counted there
    audit, coverage = (Opened(200, "", parsed(book.leaf(name))) for name in ("audit", "coverage"))
    for figure in counting.audit.figures:
        assert f"{figure.count} {figure.title} of {figure.of} {figure.of_what}" in audit.text()
        assert not figure.items or f"figure-{figure.code}" in audit.ids
    assert f"{share(counting.coverage.percent)} %" in coverage.text()
    for aspect, (name, what) in COUNTED.items():
        done, of = counting.coverage.counts(aspect)
        assert f"{name.capitalize()} {done} {of} {what}" in coverage.text()
    for gap in counting.coverage.gaps:
        assert gap.text in coverage.text()


def test_a_search_finds_what_holds_all_words(shelf: Shelf) -> None:
    def found(words: str) -> list[tuple[str, str]]:
        return [(hit.kind, hit.id) for hit in searched.searched(shelf, words)]

    assert found("s03")[0] == ("statement", "S03")
    assert found("NIGHT of short")[:2] == [("statement", "S03"), ("statement", "S04")]
    assert ("rule", "short-under-age") in found("S03")  # which it cites
    assert found("night unicorn") == found("  ") == []
    assert "ßẞ" not in "".join(text for hit in searched.searched(shelf, "ss") for text, _ in hit.title)


def test_a_knowledge_base_that_was_changed_meanwhile_is_not_read(tmp_path: Path) -> None:
    folder = hostile(LEAFLET, tmp_path / "short-nights")
    knowledge = open_knowledge(folder)
    (folder / "terms.ttl").write_text((folder / "terms.ttl").read_text() + "\n# changed\n")
    with pytest.raises(CitelogError, match="changed since"):
        opened(folder, knowledge)


# other forms


def test_a_thing_is_there_as_the_commands_write_it_and_as_rdf(server: Server, evil: Path) -> None:
    kb = citelog.open(evil)
    asked = server.client.get("/knowledge/statements/S03", headers={"Accept": "application/json"})
    assert asked.json() == kb.show("S03")[0].to_dict() and asked.headers["vary"] == "Accept"
    for media, form in (("text/turtle", "turtle"), ("application/ld+json", "json-ld")):
        answer = server.client.get("/knowledge/statements/S03", headers={"Accept": media})
        assert answer.headers["content-type"].startswith(media)
        graph = Graph() if form == "turtle" else Dataset(default_union=True)
        graph.parse(data=answer.text, format=form)
        quotes = list(graph.objects(kb.knowledge.statements["S03"].iri and _iri(kb, "S03"), _cl("quote")))
        assert [str(one) for one in quotes] == [kb.knowledge.statements["S03"].quote]
        assert list(graph.objects(_own(kb, "limit_under"), _own(kb, "hours")))  # what the statement says
    assert server.client.get("/knowledge", headers={"Accept": "application/json"}).json() == kb.contents()
    audit = server.client.get("/knowledge/audit", headers={"Accept": "application/json"}).json()
    assert audit["format"] == "citelog-audit/1" and audit["knowledge"]["sha256"] == kb.knowledge.sha256


def _iri(kb: Any, id_: str) -> URIRef:
    return URIRef(kb.knowledge.statements[id_].iri.value)


def _own(kb: Any, name: str) -> URIRef:
    return URIRef(kb.knowledge.namespace + name)


def _cl(name: str) -> URIRef:
    return URIRef(f"https://w3id.org/citelog#{name}")


def test_what_a_query_names_leads_to_its_page(server: Server) -> None:
    query = "SELECT ?s { ?s a <https://w3id.org/citelog#Statement> } ORDER BY ?s LIMIT 1"
    page = Opened(200, "", parsed(server.client.get("/sparql", params={"query": query}, headers=READER).text))
    assert "/knowledge/statements/S01" in {link for link, _ in links("/sparql", page)}


def test_what_is_not_there_is_told_with_what_is_near(server: Server) -> None:
    answer = server.client.get("/knowledge/rules/short-under-ages", headers=READER)
    assert answer.status_code == 404 and "short-under-age?" in answer.text
    assert server.client.get("/knowledge/rules/x", headers={"Accept": "image/png"}).status_code == 406
    assert server.client.post("/knowledge").status_code == 405


# the log


def test_the_log_is_shown_without_what_could_tell_whose_an_entry_is(server: Server, log: Path) -> None:
    client = server.client
    with reading(log) as (folder, rows):
        row, key, size = rows.row(1), folder.public_key(), rows.size()
    page = client.get("/log/entries/1", headers=READER).text
    assert row.salt and hashlib.sha256(row.salt).hexdigest() in page
    proof = client.get("/log/entries/1/proof")
    read = Proof.read(proof.text)
    assert check(read, key) == [] and read.salt is None and read.entry == row.entry
    for shown in (page, client.get("/log", headers=READER).text, proof.text, client.get("/log/entries/1").text):
        assert row.salt.hex() not in shown and str(base64.b64encode(row.salt), "ascii") not in shown
    assert client.get("/log/entries/1").content == row.entry  # what `audit log show --format json` prints
    assert client.get(f"/log/entries/{size}").status_code == 404
    assert client.get("/log?before=1", headers=READER).text.count('<tr><th scope="row">') == 1
    for before in ("0", "999", "-1", "x", "²", "9" * 99):
        assert client.get("/log", params={"before": before}, headers=READER).status_code == 404


# through a browser


class TestThroughABrowser:
    pytestmark = NEEDED

    PLACES = ("knowledge", "knowledge/document", "knowledge/statements", "knowledge/statements/S03",
              "knowledge/rules/bed-earlier", "knowledge/conflicts/CP01", "knowledge/terms", "knowledge/conclusions",
              "knowledge/cases", "knowledge/coverage", "knowledge/audit", "knowledge/trace", "knowledge/search?q=night",
              "log", "log/entries/1")  # fmt: skip
    SOME = (0, 1, 3, 5, 9, 14)  # which are looked at closely; the others are made of the same parts

    @pytest.mark.parametrize(
        ("width", "scheme", "closely"),
        [
            (1280, "light", SOME[::2]),
            (390, "dark", SOME[1::2]),
            pytest.param(1280, "dark", range(99), marks=pytest.mark.long),
            pytest.param(390, "light", range(99), marks=pytest.mark.long),
        ],
    )
    def test_everybody_can_read_them(
        self, browser: Browser, server: Server, width: int, scheme: str, closely: Collection[int]
    ) -> None:
        with at(browser, server.address, width, color_scheme=scheme) as page:
            for number, place in enumerate(self.PLACES):
                page.goto(server.address + place)
                assert not is_cut_off(page), place
                assert not broken_words(page), place
                assert number not in closely or not violations(page), place
            page.goto(f"{server.address}knowledge/audit")
            page.emulate_media(media="print")
            assert page.locator(".standing summary").is_visible(), "on paper, too"

    def test_the_keyboard_is_enough(self, browser: Browser, server: Server) -> None:
        with at(browser, f"{server.address}knowledge", java_script_enabled=False) as page:
            page.get_by_role("searchbox").focus()
            page.keyboard.type("S03")
            page.keyboard.press("Enter")
            page.get_by_role("link", name="S03", exact=True).focus()
            page.keyboard.press("Enter")
            page.wait_for_url("**/knowledge/statements/S03")
            page.get_by_role("link", name=re.compile("^line ")).first.focus()
            page.keyboard.press("Enter")
            page.wait_for_url("**/knowledge/document#S03")
            assert page.locator("#S03").is_visible()

    def test_paper_has_the_text_and_not_the_way_around(self, browser: Browser, server: Server) -> None:
        with at(browser, f"{server.address}knowledge/statements/S03") as page:
            page.emulate_media(media="print")
            assert page.locator("h1").is_visible() and page.locator(".standing").is_visible()
            assert not page.locator(".leaves").is_visible() and not page.locator(".steps").is_visible()
