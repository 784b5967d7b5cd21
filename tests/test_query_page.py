"""The page for queries: those of the library that have parameters are asked there as the command asks them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

import html5lib
import pytest
from rdflib import Graph
from rdflib.compare import isomorphic

from authoring import citelog
from citelog.graph.library import Query, library
from commits import at_each_commit
from endpoint import ROOT, Server, serving

READER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PATIENT = ROOT / "examples" / "patient.yaml"
LIBRARY = {query.name: query for query in library()}
ASKING = [name for name, query in LIBRARY.items() if query.parameters]
LEFT = 'ASK { ?s ?p ?o FILTER(STRSTARTS(STR(?s), "urn:citelog:para")) }'
"""Whether a value is still in the dataset."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving("--case", str(PATIENT), workers=1) as running:
        yield running


def sent(query: Query, **given: str) -> dict[str, str]:
    """A form of the page, as a browser sends it: it ends lines in its own way."""
    values = {f"param-{name}": value for name, value in given.items()}
    return {"query": query.text.replace("\n", "\r\n"), "library": query.name, **values}


def example(query: Query) -> dict[str, str]:
    """The values in the first example of a query."""
    words = shlex.split(query.examples[0].command)
    return dict(words[i + 1].split("=", 1) for i, word in enumerate(words) if word == "--param")


@pytest.mark.parametrize("name", at_each_commit(ASKING))
def test_a_query_with_parameters_is_answered_on_the_page_as_by_the_command(name: str, server: Server) -> None:
    """It could not be asked there."""
    query = LIBRARY[name]
    given = example(query)
    form = "turtle" if "CONSTRUCT" in query.text else "csv"
    params = [word for key, value in given.items() for word in ("--param", f"{key}={value}")]
    told = citelog("query", name, "--case", PATIENT, *params, "--format", form)
    accept = {"csv": "text/csv", "turtle": "text/turtle"}[form]
    answer = server.client.post("/sparql", data=sent(query, **given), headers={"Accept": accept})
    assert answer.status_code == 200, answer.text
    assert len(answer.text.split("\n")) > 2
    if form == "csv":
        assert sorted(answer.text.splitlines()) == sorted(told.out.splitlines())
    else:
        here, there = (Graph().parse(data=text, format="turtle") for text in (answer.text, told.out))
        assert isomorphic(here, there)
    assert server.ask(LEFT).json()["boolean"] is False, "what was given is gone with the answer"


def test_the_page_has_a_field_for_each_parameter_and_keeps_what_was_given(server: Server) -> None:
    pages = server.client.get("/sparql", headers=READER).text
    tree = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(pages)
    forms = {
        field.get("value"): [one.get("name") for one in form.iter("input") if one.get("type") != "hidden"]
        for form in tree.iter("form")
        for field in form.iter("input")
        if field.get("name") == "library"
    }
    assert forms == {name: [f"param-{one.name}" for one in LIBRARY[name].parameters] for name in ASKING}
    page = server.client.post("/sparql", data=sent(LIBRARY["marker"], marker='4"<b>'), headers=READER).text
    first = next(html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(page).iter("form"))
    kept = {one.get("name"): one.get("value") for one in first.iter("input")}
    assert kept == {"library": "marker", "param-marker": '4"<b>'}


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("marker", {}, "marker has the parameter marker, and nothing is given for it: the number, as the document"),
        ("marker", {"marker": ""}, "give param-marker, a text"),
        ("marker", {"marker": "4", "more": "5"}, ""),
        ("statement-uses", {"statement": "G0X"}, "statement=G0X: there is no statement G0X"),
        ("text-range", {"start": "x", "end": "2"}, "start=x: 'x' is not an integer"),
        ("text-range", {"start": "1> . <a:a> <b:b> 2", "end": "2"}, "is not an integer"),
        ("proof", {"conclusion": "treat:no_basis"}, "there is no conclusion treat:no_basis"),
    ],
)
def test_what_cannot_be_given_is_refused_in_words(name: str, given: dict[str, str], said: str, server: Server) -> None:
    answer = server.client.post("/sparql", data=sent(LIBRARY[name], **given), headers={"Accept": "text/csv"})
    assert answer.status_code == (400 if said else 200) and said in answer.text


def test_a_query_of_the_library_that_was_changed_is_still_given_its_values(server: Server) -> None:
    fields = sent(LIBRARY["marker"], marker="4")
    fields["query"] += "\r\nLIMIT 1"
    answer = server.client.post("/sparql", data=fields, headers={"Accept": "text/csv"})
    assert answer.status_code == 200 and len(answer.text.splitlines()) == 2
    del fields["library"]
    assert server.client.post("/sparql", data=fields).status_code == 400


def test_without_a_knowledge_base_the_page_offers_no_fields() -> None:
    with serving("--dataset", str(ROOT / "ontology.ttl")) as running:
        page = running.client.get("/sparql", headers=READER).text
        assert "param-marker" not in page and "which the command fills in" in page
        answer = running.client.post("/sparql", data=sent(LIBRARY["marker"], marker="4"))
        assert answer.status_code == 400 and "has parameters" in answer.text
