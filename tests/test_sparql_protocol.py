"""The endpoint speaks the SPARQL 1.1 Protocol: a query is asked in any of its three ways, and an update in none.

The first part says in our own words what the W3C's 34 protocol tests ask for. The second runs the W3C's own
manifest, where CITELOG_SPARQL_PROTOCOL names its folder.
"""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import pytest
import rdflib
from rdflib import RDF, Graph, Namespace, URIRef
from rdflib.collection import Collection

from endpoint import Server, serving

DOCUMENT = "http://xmlns.com/foaf/0.1/Document"
ONE, TWO, THREE, OTHER = (f"http://example.org/documents/{name}" for name in ("one", "two", "three", "elsewhere"))
FORM, DIRECT, UPDATE = "application/x-www-form-urlencoded", "application/sparql-query", "application/sparql-update"
NAMED = f"ASK {{ GRAPH ?f {{ <{ONE}> a ?t }} GRAPH ?g {{ <{TWO}> a ?t }} }}"
INSIDE = "ASK { GRAPH ?g { ?s ?p ?o } }"
EVERYTHING = "ASK { ?s ?p ?o }"
BOTH = f"ASK {{ <{ONE}> a ?t . <{TWO}> a ?t }}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Three graphs, each saying of itself that it is a document."""
    file = tmp_path_factory.mktemp("data") / "documents.nq"
    file.write_text("".join(f"<{g}> <{RDF.type}> <{DOCUMENT}> <{g}> .\n" for g in (ONE, TWO, THREE)))
    with serving("--dataset", str(file)) as running:
        yield running


@dataclass(frozen=True)
class Asked:
    """A request: its method, its parameters in the address, its body and the body's media type."""

    name: str
    method: str = "GET"
    address: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    media: str | None = None
    truth: bool | None = field(default=True)

    def send(self, server: Server) -> httpx.Response:
        headers = {"Content-Type": self.media} if self.media else {}
        return server.client.request(
            self.method, f"/sparql?{urlencode(self.address)}", content=self.body, headers=headers
        )


def default(*graphs: str) -> tuple[tuple[str, str], ...]:
    return tuple(("default-graph-uri", graph) for graph in graphs)


def named(*graphs: str) -> tuple[tuple[str, str], ...]:
    return tuple(("named-graph-uri", graph) for graph in graphs)


def encoded(**fields: str) -> bytes:
    return urlencode(fields).encode()


ANSWERED = [
    Asked("a query in the address", address=(("query", "ASK {}"), *default(OTHER))),
    Asked("a query in a form", "POST", default(OTHER), encoded(query="ASK {}"), FORM),
    Asked("a query as the body", "POST", (), b"ASK {}", DIRECT),
    Asked("a query as the body, with its encoding", "POST", (), "ASK {} #ä".encode(), f"{DIRECT}; charset=UTF-8"),
    Asked("two graphs merged into the default graph, by address", address=(("query", BOTH), *default(ONE, TWO))),
    Asked("two graphs merged into the default graph, beside a body", "POST", default(ONE, TWO), BOTH.encode(), DIRECT),
    Asked("two named graphs, by address", address=(("query", NAMED), *named(ONE, TWO))),
    Asked("two named graphs, beside a body", "POST", named(ONE, TWO), NAMED.encode(), DIRECT),
    Asked(
        "a default graph and two named ones",
        "POST",
        (*default(THREE), *named(ONE, TWO)),
        f"ASK {{ <{THREE}> a ?t GRAPH ?f {{ <{ONE}> a ?t }} GRAPH ?g {{ <{TWO}> a ?t }} }}".encode(),
        DIRECT,
    ),
    Asked(
        "the request's graphs, and not those of FROM",
        "POST",
        named(ONE, TWO),
        f"ASK FROM <{THREE}> {{ GRAPH ?f {{ <{ONE}> a ?t }} GRAPH ?g {{ <{TWO}> a ?t }} }}".encode(),
        DIRECT,
    ),
    Asked(
        "no default graph where only named ones are chosen",
        "POST",
        named(ONE),
        f"ASK FROM <{THREE}> {{ ?s ?p ?o }}".encode(),
        DIRECT,
        truth=False,
    ),
    Asked("no named graph where only a default one is chosen", "GET", (("query", INSIDE), *default(ONE)), truth=False),
    Asked("the query's own FROM", address=(("query", f"ASK FROM <{ONE}> {{ <{ONE}> a ?t }}"),)),
    Asked("nothing in the default graph where all graphs are named", "GET", (("query", EVERYTHING),), truth=False),
    Asked("parameters that are the client's own affair", "GET", (("query", "ASK {}"), ("format", "json"))),
]  # fmt: skip


@pytest.mark.parametrize("asked", ANSWERED, ids=lambda asked: asked.name)
def test_it_answers(server: Server, asked: Asked) -> None:
    answer = asked.send(server)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/sparql-results+json"
    assert answer.json()["boolean"] is asked.truth


INSERT = f"INSERT DATA {{ GRAPH <{OTHER}> {{ <{ONE}> a <{DOCUMENT}> }} }}"
UTF16 = "CLEAR ALL".encode("utf-16")
MALFORMED = [
    (Asked("a method that asks nothing", "PUT", (("query", "ASK {}"),), b"", FORM), 405),
    (Asked("two queries", address=(("query", "ASK {}"), ("query", "SELECT * {}"))), 400),
    (Asked("a query in the address and one as the body", "POST", (("query", "ASK {}"),), b"ASK {}", DIRECT), 400),
    (Asked("no query, but graphs", address=default(ONE)), 400),
    (Asked("an empty form", "POST", (), b"", FORM), 400),
    (Asked("a query as plain text", "POST", (), b"ASK {}", "text/plain"), 415),
    (Asked("a form that does not say so", "POST", (), encoded(query="ASK {}")), 415),
    (Asked("a query that does not say so", "POST", (), b"ASK {}"), 415),
    (Asked("another encoding", "POST", (), "ASK {}".encode("utf-16"), f"{DIRECT}; charset=UTF-16"), 415),
    (Asked("bytes that are not UTF-8", "POST", (), b"ASK { FILTER('\xe4' = 'a') }", DIRECT), 400),
    (Asked("half a character in FROM", address=(("query", r"ASK FROM <http://x/\uD800> {}"),)), 400),
    (Asked("an address of FROM that is none", address=(("query", "ASK FROM <http://[x> {}"),)), 400),
    (Asked("a prefix in FROM that is not declared", address=(("query", "ASK FROM kb:one {}"),)), 400),
    (Asked("more parameters than anybody has", address=(("query", "ASK {}"),) * 1001), 400),
    (Asked("half a query", address=(("query", "ASK {"),)), 400),
    (Asked("two queries in one text", address=(("query", "ASK {} ASK {}"),)), 400),
    (Asked("a parameter that is nearly one of ours", address=(("query", "ASK {}"), ("default-graph", ONE))), 400),
    (Asked("the graphs of an update", address=(("query", "ASK {}"), ("using-graph-uri", ONE))), 400),
    (Asked("an update in the address", address=(("update", "CLEAR ALL"),)), 403),
    (Asked("an update in a form", "POST", (), encoded(update=INSERT), FORM), 403),
    (Asked("an update as the body", "POST", (), INSERT.encode(), UPDATE), 403),
    (Asked("an update with graphs of its own", "POST", (("using-graph-uri", ONE),), INSERT.encode(), UPDATE), 403),
    (Asked("two updates", "POST", (), b"update=CLEAR+NAMED&update=CLEAR+DEFAULT", FORM), 403),
    (Asked("an update that cannot be read", "POST", (), encoded(update="CLEAR XYZ"), FORM), 403),
    (Asked("an update as plain text", "POST", (), b"CLEAR NAMED", "text/plain"), 415),
    (Asked("an update that does not say so", "POST", (), encoded(update="CLEAR NAMED")), 415),
    (Asked("an update in another encoding", "POST", (), UTF16, f"{UPDATE}; charset=UTF-16"), 415),
    (Asked("an update called a query", "POST", (), encoded(query=INSERT), FORM), 403),
    (Asked("an update and a query", "POST", (), encoded(query="ASK {}", update=INSERT), FORM), 403),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "status"), MALFORMED, ids=lambda value: getattr(value, "name", ""))
def test_it_refuses_and_says_what_to_try(server: Server, asked: Asked, status: int) -> None:
    answer = asked.send(server)
    assert answer.status_code == status, answer.text
    what, remedy = answer.text.strip().split("\n  = ")
    assert what and remedy
    untouched = server.ask("SELECT (COUNT(*) AS ?n) { GRAPH ?g { ?s ?p ?o } }").json()
    assert untouched["results"]["bindings"][0]["n"]["value"] == "3"


JSON, XML = "application/sparql-results+json", "application/sparql-results+xml"
CSV, TSV = "text/csv; charset=utf-8", "text/tab-separated-values; charset=utf-8"
TURTLE, NT = "text/turtle; charset=utf-8", "application/n-triples; charset=utf-8"
SELECT = "SELECT (1 AS ?value) {}"
CONSTRUCT = "PREFIX e: <http://e/> CONSTRUCT { <s> e:p 1 } WHERE {}"
FORMS = [
    (SELECT, None, JSON),
    (SELECT, "*/*", JSON),
    (SELECT, "application/sparql-results+xml", XML),
    (SELECT, "application/xml", "application/xml; charset=utf-8"),
    (SELECT, "application/json", "application/json; charset=utf-8"),
    (SELECT, "text/csv", CSV),
    (SELECT, "text/csv;q=0.4, text/tab-separated-values;q=0.8", TSV),
    (SELECT, "text/*, text/csv;q=0, text/html;q=0", TSV),
    (SELECT, "image/png", None),
    ("ASK {}", None, JSON),
    ("ASK {}", "application/sparql-results+xml", XML),
    ("ASK {}", "text/csv", None),
    (CONSTRUCT, None, TURTLE),
    (CONSTRUCT, "application/n-triples", NT),
    (CONSTRUCT, "application/rdf+xml", "application/rdf+xml"),
    (CONSTRUCT, "application/ld+json", "application/ld+json"),
    (CONSTRUCT, "application/sparql-results+json", None),
    (f"DESCRIBE <{ONE}>", None, TURTLE),
    (f"DESCRIBE <{ONE}>", "text/turtle;q=0.1, application/n-triples;q=0.2", NT),
]


@pytest.mark.parametrize(("query", "accept", "media"), FORMS)
def test_the_answer_comes_in_the_form_that_the_client_likes_best(
    server: Server, query: str, accept: str | None, media: str | None
) -> None:
    answer = server.client.post("/sparql", data={"query": query}, headers={"Accept": accept} if accept else {})
    if media is None:
        assert answer.status_code == 406
        assert "accept " in answer.text
        return
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == media
    kind = media.partition(";")[0]
    if kind.endswith("json") and "ld" not in kind:
        assert json.loads(answer.content)
    elif kind.endswith("xml") and "rdf" not in kind:
        assert ET.fromstring(answer.content).tag.endswith("sparql")
    elif kind == "text/csv":
        assert answer.text.splitlines() == ["value", "1"]
    elif kind == "text/tab-separated-values":
        assert answer.text.splitlines() == ["?value", "1"]
    else:
        read = Graph().parse(data=answer.content, format=kind)
        assert len(read) == (1 if query == CONSTRUCT else 0)


def test_a_property_that_rdf_xml_cannot_write_is_not_written_wrongly(server: Server) -> None:
    query = "CONSTRUCT { <s> <http://e/1> 1 } WHERE {}"
    answer = server.client.post("/sparql", data={"query": query}, headers={"Accept": "application/rdf+xml"})
    assert answer.status_code == 406
    assert "<http://e/1>" in answer.text


def test_relative_addresses_are_the_endpoints(server: Server) -> None:
    answer = server.ask("SELECT (STR(<test>) AS ?t) {}").json()
    assert answer["results"]["bindings"][0]["t"]["value"] == f"{server.address}test"


def test_the_endpoint_describes_itself_to_programs(server: Server) -> None:
    sd = Namespace("http://www.w3.org/ns/sparql-service-description#")
    answer = server.client.get("/sparql")
    found = Graph().parse(data=answer.content, format="turtle")
    endpoint = URIRef(f"{server.address}sparql")
    assert (endpoint, RDF.type, sd.Service) in found
    assert (endpoint, sd.endpoint, endpoint) in found
    assert (endpoint, sd.supportedLanguage, sd.SPARQL11Query) in found
    assert len(set(found.objects(endpoint, sd.resultFormat))) == 8


def test_head_is_get_without_the_body_and_options_says_what_there_is(server: Server) -> None:
    got, head = (server.client.request(m, "/sparql", params={"query": "ASK {}"}) for m in ("GET", "HEAD"))
    assert head.status_code == 200 and head.content == b""
    assert head.headers["content-length"] == got.headers["content-length"]
    options = server.client.options("/sparql")
    assert options.status_code == 204
    assert options.headers["allow"] == "GET, HEAD, POST, OPTIONS"


def test_a_graph_that_is_not_here_is_empty_for_a_request_and_the_answer_says_so(server: Server) -> None:
    answer = server.client.get("/sparql", params={"query": "ASK { ?s ?p ?o }", "default-graph-uri": OTHER})
    assert answer.json()["boolean"] is False
    assert answer.headers["citelog-unknown-graph"] == f"<{OTHER}>"


# The W3C's own tests

HT, MF = (
    Namespace("http://www.w3.org/2011/http#"),
    Namespace("http://www.w3.org/2001/sw/DataAccess/tests/test-manifest#"),
)
UT, CNT = Namespace("http://www.w3.org/2009/sparql/tests/test-update#"), Namespace("http://www.w3.org/2011/content#")
FOLDER = os.environ.get("CITELOG_SPARQL_PROTOCOL")
WITHOUT = pytest.mark.skipif(
    FOLDER is None, reason="CITELOG_SPARQL_PROTOCOL names no folder with the W3C's manifest.ttl"
)


def manifest() -> Graph:
    return Graph().parse(Path(FOLDER) / "manifest.ttl") if FOLDER else Graph()


MANIFEST = manifest()
ENTRIES = [e for head in MANIFEST.objects(None, MF.entries) for e in Collection(MANIFEST, head)] or [URIRef("#absent")]


@pytest.fixture(scope="module")
def w3c() -> Iterator[Server]:
    assert FOLDER is not None
    graphs = {
        (str(MANIFEST.value(data, rdflib.RDFS.label)), Path(str(MANIFEST.value(data, UT.graph))).name)
        for data in MANIFEST.objects(None, UT.graphData)
    }
    with serving("--dataset", *(f"{name}={Path(FOLDER) / file}" for name, file in sorted(graphs))) as running:
        yield running


@WITHOUT
def test_the_manifest_has_34_tests() -> None:
    assert len(ENTRIES) == 34


@WITHOUT
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: str(entry).partition("#")[2])
def test_w3c(w3c: Server, entry: URIRef) -> None:
    """Each request gets the status, the truth value and the form that the manifest expects; an update is refused."""
    requests = MANIFEST.value(MANIFEST.value(entry, MF.action), HT.requests)
    assert requests is not None
    updates = "#update_" in entry
    for place, request in enumerate(Collection(MANIFEST, requests)):
        answer = sent(w3c, request)
        expected = MANIFEST.value(request, HT.resp)
        statuses = {str(status)[-3] for status in MANIFEST.objects(expected, MF.expectedStatus)}
        if updates and place == 0:
            assert answer.status_code == 403
            continue
        assert str(answer.status_code)[0] in statuses, answer.text
        truth = MANIFEST.value(expected, MF.expectedBoolean)
        if truth is not None:
            assert answer.json()["boolean"] is (truth.toPython() and not updates)
        form = MANIFEST.value(expected, MF.expectedFormat)
        media = answer.headers["content-type"].partition(";")[0]
        kinds = {
            "boolean": {JSON, XML},
            "tabular": {JSON, XML, "text/csv"},
            "RDF": {"text/turtle", "application/n-triples"},
        }
        assert form is None or media in kinds[str(form)]


def sent(server: Server, request: rdflib.term.Node) -> httpx.Response:
    def text(node: rdflib.term.Node | None, name: URIRef) -> str:
        return str(MANIFEST.value(node, name))

    body = MANIFEST.value(request, HT.body)
    listed = MANIFEST.value(request, HT.headers)
    headers = {
        text(header, HT.fieldName): text(header, HT.fieldValue)
        for header in (Collection(MANIFEST, listed) if listed is not None else ())
    }
    content = text(body, CNT.chars).encode(text(body, CNT.characterEncoding)) if body is not None else b""
    address = text(request, HT.absolutePath).replace("/sparql/", "/sparql", 1)
    return server.client.request(
        text(request, HT.methodName), quote(address, safe="/?=&%+"), content=content, headers=headers
    )
