"""The SPARQL endpoint over real HTTP, against pyoxigraph in this process: what serving adds, what many clients wait.

Both answer the queries of the library that need no parameter from the same dataset, with the middle shipped case in
it. One client at a time gives what HTTP, the door and the worker process add to a query; sixteen at once give the
times that each of them waits; sixteen beside four that ask for too much, what those cost the others. Clients and
server share the machine, as in no real use.

    python benchmarks/endpoint.py [--rounds 50] [--seconds 10] [--json figures.json]
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pyoxigraph

from citelog import home
from citelog.assess import assess
from citelog.graph.dataset import dataset
from citelog.graph.library import library
from citelog.knowledge.cache import open_knowledge
from measure import interleaved, table
from patients import AT, patients

ADDED, WAITED = 5.0, 100.0  # the bars, in milliseconds
CLIENTS = 16
SERVE = "from citelog.cli.serving import serve; serve()"
COSTLY = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"


@contextmanager
def serving(file: Path) -> Iterator[tuple[str, float]]:
    """The address of a server of a dataset, and the seconds that its start took."""
    started = time.perf_counter()
    command = [sys.executable, "-c", SERVE, "--port", "0", "--dataset", str(file)]
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stderr=log) as process:
        try:
            while not (found := re.search(rb"(http://\S+)sparql answers", _read(log))):
                if process.poll() is not None:
                    raise SystemExit(_read(log).decode())
                time.sleep(0.005)
            yield found[1].decode(), time.perf_counter() - started
        finally:
            process.terminate()


def _read(log: Any) -> bytes:
    log.seek(0)
    read: bytes = log.read()
    return read


def asking(address: str, queries: list[str], begin: float, seconds: float) -> list[tuple[int, float]]:
    """One client that asks the queries in turn from a moment on, for some time: each answer's status and seconds."""
    found = []
    headers = {"Content-Type": "application/sparql-query"}
    with httpx.Client(base_url=address, timeout=60) as client:
        client.post("/sparql", content="ASK {}", headers=headers)
        time.sleep(max(0.0, begin - time.perf_counter()))
        while time.perf_counter() < begin + seconds:
            for query in queries:
                started = time.perf_counter()
                status = client.post("/sparql", content=query, headers=headers).status_code
                found.append((status, time.perf_counter() - started))
    return found


def at_once(address: str, queries: list[str], seconds: float, costly: int = 0) -> dict[str, Any]:
    """Sixteen clients at once, and `costly` more that ask for too much: what the sixteen waited, in milliseconds."""
    begin = time.perf_counter() + 3  # when all of them are there
    with ProcessPoolExecutor(CLIENTS + costly) as clients:
        for _ in range(costly):
            clients.submit(asking, address, [COSTLY], begin, seconds)
        futures = [clients.submit(asking, address, queries, begin, seconds) for _ in range(CLIENTS)]
        found = [one for future in futures for one in future.result()]
    ms = sorted(seconds * 1e3 for _, seconds in found)
    cuts = statistics.quantiles(ms, n=100)
    return {
        "answers": len(ms),
        "per second": round(len(ms) / seconds),
        "errors": sum(status != 200 for status, _ in found),
        "median ms": round(cuts[49], 2),
        "p99 ms": round(cuts[98], 2),
        "max ms": round(ms[-1], 2),
    }


def run(rounds: int, seconds: float) -> tuple[str, dict[str, Any]]:
    """Measure; the tables, and the same as data."""
    folder = home.knowledge()
    knowledge = open_knowledge()
    case = patients(knowledge, folder, 0, 0)[1]
    store = dataset(folder, knowledge, [assess(knowledge, case.source, AT)]).store
    queries = {query.name: query.text for query in library() if not query.parameters}
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "dataset.nq"
        file.write_bytes(store.dump(format=pyoxigraph.RdfFormat.N_QUADS) or b"")
        with serving(file) as (address, start), httpx.Client(base_url=address) as client:
            rows, added = [], {}
            for name, query in queries.items():
                here, there = _here(store, query), _there(client, query)
                if len(json.loads(here() or b"{}")) != len(json.loads(there())):
                    raise SystemExit(f"{name}: the endpoint answers otherwise than pyoxigraph")
                times = interleaved({"here": here, "there": there}, rounds)
                medians = [times[task].median * 1e3 for task in ("here", "there")]
                added[name] = medians[1] - medians[0]
                rows.append((name, *(f"{ms:.2f}" for ms in (*medians, added[name]))))
            many = at_once(address, list(queries.values()), seconds)
            beside = at_once(address, list(queries.values()), seconds, costly=4)
    title = f"The endpoint, {len(store):,} quads: {rounds} interleaved rounds of each query, one client"
    text = table(title, ("", "pyoxigraph ms", "endpoint ms", "added ms"), rows) + "\n"
    heads = ("", *many)
    both = [(f"{CLIENTS} clients", many), ("the same beside 4 that ask for too much", beside)]
    text += table("Many at once", heads, [(name, *(str(v) for v in found.values())) for name, found in both])
    text += f"\nFrom the command to the first answer possible: {start:.2f} s\n"
    most = max(added.values())
    bars = [
        (f"adds at most {ADDED:g} ms to a query", f"{most:.2f}", most <= ADDED),
        (f"{CLIENTS} clients without an error", str(many["errors"]), many["errors"] == 0),
        (f"{CLIENTS} clients: p99 at most {WAITED:g} ms", f"{many['p99 ms']:.2f}", many["p99 ms"] <= WAITED),
    ]
    text += "\n" + table("Bars", ("", "reached", ""), [(n, v, "met" if ok else "MISSED") for n, v, ok in bars])
    return text, {"added_ms": added, "at_once": many, "beside_costly": beside, "start_s": start}


def _here(store: pyoxigraph.Store, query: str) -> Callable[[], bytes]:
    def ask() -> bytes:
        found = store.query(query)
        if isinstance(found, pyoxigraph.QueryTriples):
            return found.serialize(format=pyoxigraph.RdfFormat.JSON_LD) or b""
        return found.serialize(format=pyoxigraph.QueryResultsFormat.JSON) or b""

    return ask


def _there(client: httpx.Client, query: str) -> Callable[[], bytes]:
    accept = "application/sparql-results+json, application/ld+json"
    headers = {"Content-Type": "application/sparql-query", "Accept": accept}

    def ask() -> bytes:
        return client.post("/sparql", content=query, headers=headers).raise_for_status().content

    return ask


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rounds", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long many clients ask at once")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    text, figures = run(given.rounds, given.seconds)
    print(text)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
