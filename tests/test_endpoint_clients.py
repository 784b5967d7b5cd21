"""Programs that others wrote, and that know nothing of citelog, ask the endpoint and understand its answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rdflib import Graph, URIRef
from SPARQLWrapper import CSV, JSON, N3, POST, TURTLE, XML, SPARQLWrapper
from SPARQLWrapper.SPARQLExceptions import QueryBadFormed

from endpoint import ROOT, Server, serving

COMUNICA = Path(os.environ.get("COMUNICA_HOME", ROOT / "build" / "comunica"))
"""Where Comunica is installed: `npm install --prefix build/comunica @comunica/query-sparql`."""

DATA = """
@prefix e: <http://e/> .
e:water e:boils 100 ; e:called "water"@en , "eau"@fr .
e:stated { e:water e:freezes 0.5 }
"""
CALLED = "PREFIX e: <http://e/> SELECT ?name { e:water e:called ?name } ORDER BY ?name"
FREEZES = "PREFIX e: <http://e/> SELECT ?g ?degrees { GRAPH ?g { e:water e:freezes ?degrees } }"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    file = tmp_path_factory.mktemp("data") / "water.trig"
    file.write_text(DATA)
    with serving("--dataset", str(file)) as running:
        yield running


def wrapper(server: Server, query: str, form: str, method: str) -> Any:
    client = SPARQLWrapper(f"{server.address}sparql")
    client.setQuery(query)
    client.setReturnFormat(form)
    client.setMethod(method)
    return client.queryAndConvert()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_sparqlwrapper_reads_tables(server: Server, method: str) -> None:
    found = wrapper(server, CALLED, JSON, method)["results"]["bindings"]
    assert [(row["name"]["value"], row["name"]["xml:lang"]) for row in found] == [("eau", "fr"), ("water", "en")]
    literals = wrapper(server, CALLED, XML, method).getElementsByTagName("literal")
    assert [literal.firstChild.data for literal in literals] == ["eau", "water"]
    assert wrapper(server, CALLED, CSV, method).decode().splitlines() == ["name", "eau", "water"]


@pytest.mark.parametrize("form", [TURTLE, N3])
def test_sparqlwrapper_reads_graphs(server: Server, form: str) -> None:
    found = wrapper(server, "DESCRIBE <http://e/water>", form, POST)
    graph = found if isinstance(found, Graph) else Graph().parse(data=found, format="turtle")
    assert len(graph) == 3
    assert (URIRef("http://e/water"), URIRef("http://e/boils"), None) in graph


def test_sparqlwrapper_understands_a_refusal(server: Server) -> None:
    with pytest.raises(QueryBadFormed, match="cannot be read"):
        wrapper(server, "SELECT {", JSON, POST)


def test_rdflib_takes_it_for_a_sparql_store(server: Server) -> None:
    from rdflib.plugins.stores.sparqlstore import SPARQLStore

    store = SPARQLStore(f"{server.address}sparql")
    assert [str(row[0]) for row in store.query(CALLED)] == ["eau", "water"]


@pytest.mark.skipif(
    not (COMUNICA / "node_modules/@comunica/query-sparql").is_dir() or shutil.which("node") is None,
    reason=f"Comunica is not installed: npm install --prefix {COMUNICA} @comunica/query-sparql",
)
@pytest.mark.slow
def test_comunica_finds_out_that_it_is_an_endpoint_and_asks_it(server: Server) -> None:
    command = COMUNICA / "node_modules/.bin/comunica-sparql"

    def ask(*source_and_query: str) -> list[dict[str, dict[str, str]]]:
        form = ("-t", "application/sparql-results+json")
        done = subprocess.run(
            [command, *source_and_query, *form], capture_output=True, text=True, timeout=60, check=True
        )
        found: list[dict[str, dict[str, str]]] = json.loads(done.stdout)["results"]["bindings"]
        return found

    address = f"{server.address}sparql"
    for source in (address, f"sparql@{address}"):  # discovered by its description; and told
        assert [row["name"]["value"] for row in ask(source, CALLED)] == ["eau", "water"]
        [row] = ask(source, FREEZES)
        assert (row["g"]["value"], row["degrees"]["value"]) == ("http://e/stated", "0.5")
        assert row["degrees"]["datatype"] == "http://www.w3.org/2001/XMLSchema#decimal"
