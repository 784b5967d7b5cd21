"""Queries and rules that ask for more than there is end within their limit, and keep nobody waiting (exhausting.py)."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import test_endpoint_safety as safety
import test_playground as playground
from citelog import home
from citelog.knowledge.files import Drafts
from citelog.knowledge.load import load
from endpoint import Server, serving
from exhausting import GROWN, HEAD, NODES, QUERIES, RULES, rule
from meanwhile import meanwhile

LIMIT = 1.0
DRAFT = 3.0
CHEAP = "PREFIX e: <http://e/> ASK { e:n0 e:next e:n1 }"
FEW = ("what is replaced grows", "blanks of no width")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    file = tmp_path_factory.mktemp("data") / "ring.nt"
    file.write_text("".join(f"<http://e/n{i}> <http://e/next> <http://e/n{(i + 1) % NODES}> .\n" for i in range(NODES)))
    with serving("--dataset", str(file), query_seconds=LIMIT) as running:
        yield running


def ends(server: Server, query: str, limit: float) -> tuple[int, float]:
    """The status of an answer, which is one or a refusal in words, and the seconds until it was there."""
    began = time.monotonic()
    written = {"Content-Type": "application/sparql-query"}
    answer = server.client.post("/sparql", content=query.encode(), headers=written, timeout=60)
    seconds = time.monotonic() - began
    assert answer.status_code in (200, 400, 413, 422), answer.text[:500]
    assert answer.status_code == 200 or "\n  = " in answer.text, answer.text[:500]
    return answer.status_code, seconds


def test_with_those_asked_at_each_commit_there_are_more_than_a_hundred() -> None:
    queries = {*QUERIES.values(), *(query for query, *_ in safety.REFUSED.values())}
    rules = {*RULES.values(), *(text for _, text in playground.HOSTILE.values())}
    assert len(queries) >= 100 and len(rules) >= 40


@pytest.mark.parametrize("name", FEW)
def test_it_ends_within_its_limit(server: Server, name: str) -> None:
    _, seconds = ends(server, QUERIES[name], LIMIT)
    assert seconds < LIMIT + safety.SLACK
    assert server.ask(CHEAP).json()["boolean"] is True


def test_a_number_in_a_rule_that_is_longer_than_any_is_refused_in_words() -> None:
    for number in ("9" * 5_000, "0" * 5_000, "1." + "0" * 5_000):
        text = HEAD + rule("judged(?p)", f"patient(?p), ?x = {number}")
        found = load(playground.LEAFLET, home.ontology(), Drafts({playground.LEAFLET / playground.RULES: text}))
        assert found.knowledge is None
        [told] = [one for one in found.diagnostics if one.severity == "error"]
        assert told.code == "clinical-number" and "characters stands in the rule" in told.message


@contextmanager
def bystander(ask: Callable[[], httpx.Response]) -> Iterator[list[float]]:
    """Somebody who asks for little, again and again, and how long each answer took."""
    took: list[float] = []

    def once() -> None:
        began = time.monotonic()
        assert ask().status_code == 200
        took.append(time.monotonic() - began)

    with meanwhile(once):
        yield took


def p99(took: list[float]) -> float:
    return sorted(took)[len(took) * 99 // 100]


def told(before: list[float], beside: list[float], during: list[float]) -> None:
    """Print how long others waited."""
    for what, others in (("before", before), ("beside a loop of nothing", beside), ("during", during)):
        print(f"p99 of {len(others)} others {what} {p99(others) * 1000:.1f} ms")


@contextmanager
def nothing() -> Iterator[None]:
    """A process that turns in a circle at the lowest priority, in a session of its own: what any load does."""
    turning = "import os\nos.nice(19)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", turning], start_new_session=True) as process:
        try:
            yield
        finally:
            process.kill()


@pytest.mark.long
def test_each_query_ends_within_its_limit_and_a_second_and_keeps_nobody_waiting(server: Server) -> None:
    with httpx.Client(base_url=server.address, timeout=30) as other:

        def little() -> httpx.Response:
            return other.post("/sparql", data={"query": CHEAP})

        with bystander(little) as before:
            time.sleep(20)
        with bystander(little) as beside, nothing():
            time.sleep(20)
        with bystander(little) as during:
            took = {name: ends(server, query, LIMIT) for name, query in QUERIES.items()}
    slowest = sorted(took.items(), key=lambda one: -one[1][1])[:5]
    ratio = p99(during) / p99(before)
    print(f"{len(took)} queries, {sum(status == 200 for status, _ in took.values())} answered; slowest {slowest};")
    told(before, beside, during)
    assert slowest[0][1][1] < LIMIT + 1
    assert ratio < 2


@pytest.mark.long
def test_each_rule_ends_within_its_limit_and_a_second_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(playground.LEAFLET, tmp_path / "short-nights"))
    took = dict[str, tuple[int, float]]()
    with (
        serving("--kb", str(folder), draft_seconds=DRAFT) as running,
        httpx.Client(base_url=running.address, timeout=30) as other,
    ):
        bench = playground.started(running, folder)
        assert bench.one({}).status_code == 200

        def little() -> httpx.Response:
            return other.post("/sparql", data={"query": "ASK {}"})

        with bystander(little) as before:
            time.sleep(20)
        with bystander(little) as beside, nothing():
            time.sleep(20)
        with bystander(little) as during:
            _tried(bench, took)
    slowest = sorted(took.items(), key=lambda one: -one[1][1])[:5]
    print(f"{len(took)} rule files, {sum(status == 200 for status, _ in took.values())} answered; slowest {slowest}")
    told(before, beside, during)
    assert slowest[0][1][1] < DRAFT + 1
    assert p99(during) / p99(before) < 2


def _tried(bench: playground.Bench, took: dict[str, tuple[int, float]]) -> None:
    for name, text in RULES.items():
        began = time.monotonic()
        answer = bench.one({playground.RULES: text, "predicates.ttl": bench.files["predicates.ttl"] + GROWN})
        took[name] = answer.status_code, time.monotonic() - began
        assert answer.status_code in (200, 422), (name, answer.text[:500])
        if answer.status_code == 200:
            said = answer.json()
            assert said["diagnostics"] or said["trouble"] or said["html"], name
        assert bench.one({}).status_code == 200
