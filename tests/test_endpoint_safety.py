"""No query stops the endpoint, keeps others waiting, reaches out of it, or changes it; what it refuses, it says.

Every server here allows a query one second. Who sends what is hostile or merely clumsy makes no difference.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from citelog.serve.http.limits import Limits, Refusal
from citelog.serve.queries import Job, Queries
from citelog.serve.workers.dataset import of_files
from commits import at_each_commit
from endpoint import Server, eventually, serving

NODES = 400
LIMIT = 1.0
SLACK = 2.0  # for a busy machine
COMPUTED = 0.1  # seconds of a processor until which a query has only waited for one: then the load decides nothing
PATIENCE = 60.0  # on any machine
QUIET = 0.85  # of the processors that costly queries can use, the share that they have where nobody else wants one
STARVED = 0.1  # the share below which no query is quick, however it is treated
CHEAP = "PREFIX e: <http://e/> ASK { e:n0 e:next e:n1 }"
CROSS = "PREFIX e: <http://e/> SELECT (COUNT(*) AS ?n) { ?a e:next ?b . ?c e:next ?d . ?e e:next ?f . ?g e:next ?h }"


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph without an end: each node leads to the next, the last to the first."""
    file = tmp_path_factory.mktemp("data") / "ring.nt"
    file.write_text("".join(f"<http://e/n{i}> <http://e/next> <http://e/n{(i + 1) % NODES}> .\n" for i in range(NODES)))
    return file


@pytest.fixture(scope="module")
def server(ring: Path) -> Iterator[Server]:
    with serving("--dataset", str(ring), query_seconds=LIMIT, head_seconds=1, body_seconds=1) as running:
        yield running


@pytest.fixture(scope="module")
def listener() -> Iterator[tuple[str, list[object]]]:
    """An address on this machine, and everybody who has called it."""
    callers: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def listen() -> None:
            while True:
                try:
                    connection, caller = listening.accept()
                except OSError:
                    return
                callers.append(caller)
                connection.close()

        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", callers
        listening.shutdown(socket.SHUT_RDWR)


PREFIX = "PREFIX e: <http://e/> "
THREE = PREFIX + "SELECT * { ?a e:next ?b . ?c e:next ?d . ?e e:next ?f }"
GROWING = " ".join(f"BIND(CONCAT({','.join([f'?v{i}'] * 10)}) AS ?v{i + 1})" for i in range(9))
REFUSED = {
    "SERVICE": ("ASK { SERVICE <@/> { ?s ?p ?o } }", 403, "SERVICE"),
    "SERVICE SILENT": ("ASK { SERVICE SILENT <@/> { ?s ?p ?o } }", 403, "SERVICE"),
    "SERVICE in small letters": ("ask { service <@/> { ?s ?p ?o } }", 403, "SERVICE"),
    "SERVICE in a subquery": ("SELECT * { { SELECT ?s { SERVICE <@/> { ?s ?p ?o } } } }", 403, "SERVICE"),
    "SERVICE within EXISTS": ("ASK { FILTER NOT EXISTS { SERVICE <@/> { ?s ?p ?o } } }", 403, "SERVICE"),
    "SERVICE by a variable": ("ASK { VALUES ?g { <@/> } SERVICE ?g { ?s ?p ?o } }", 403, "SERVICE"),
    "SERVICE by a prefixed name": ("PREFIX : <@/> ASK { SERVICE:x { ?s ?p ?o } }", 403, "SERVICE"),
    "SERVICE glued to SILENT": ("ASK { SERVICESILENT<@/>{} }", 403, "SERVICE"),
    "SERVICE glued to a term": ("ASK { ?s ?p trueSERVICE<@/>{} }", 403, "SERVICE"),
    "SERVICE behind a hash in an address": (r"ASK { ?s <http://e/\u0061#> ?o . SERVICE <@/> {} }", 403, "SERVICE"),
    "SERVICE behind a quote in a name": (PREFIX + r"ASK { ?s e:a\'b ?o . SERVICE <@/> {} # '", 403, "SERVICE"),
    "a library query whose parameters nothing fills": (
        "PREFIX param: <urn:citelog:parameter:> SELECT * { ?s ?p ?o . param:marker ?q ?v }", 400, "parameters",
    ),
    "FROM a file": ("ASK FROM <file:///etc/passwd> { ?s ?p ?o }", 403, "file:///etc/passwd"),
    "FROM an address": ("ASK FROM <@/> { ?s ?p ?o }", 403, "no graph"),
    "FROM NAMED an address": ("ASK FROM NAMED <@/> { GRAPH ?g { ?s ?p ?o } }", 403, "no graph"),
    "FROM by a prefix": ("PREFIX f: <file:///etc/> ASK FROM f:passwd { ?s ?p ?o }", 403, "file:///etc/passwd"),
    "FROM in escapes": (r"ASK FROM <\u0066ile:///etc/passwd> { ?s ?p ?o }", 403, "file:///etc/passwd"),
    "FROM glued to ASK": ("ASKFROM<@/>{ ?s ?p ?o }", 400, "blank"),
    "FROM glued to a name": ("PREFIX : <@/> ASK FROM:x { ?s ?p ?o }", 400, "blank"),
    "LOAD": ("LOAD <@/>", 403, "update"),
    "LOAD a file": ("LOAD <file:///etc/passwd>", 403, "update"),
    "INSERT": ("INSERT DATA { <a:a> <a:a> <a:a> }", 403, "update"),
    "DELETE after a prefix": (PREFIX + "DELETE WHERE { ?s ?p ?o }", 403, "update"),
    "an update behind a query": ("ASK {} ; DROP ALL", 400, "cannot be read"),
    "a cross product counted": (CROSS, 422, "longer than 1 second"),
    "a cross product listed": (THREE, 422, "LIMIT"),
    "a cross product sorted": (f"{THREE} ORDER BY ?b", 422, "ask for less"),
    "a cross product constructed": ("CONSTRUCT { ?a ?c ?e } { ?a ?x ?b . ?q ?c ?d . ?e ?y ?f . ?g ?h ?i }", 422, ""),
    "an endless path": (PREFIX + "ASK { ?a (e:next*)* ?b . ?b (^e:next|e:next)* ?c FILTER(?a = 1) }", 422, "longer"),
    "a text that grows": (f"SELECT (STRLEN(?v9) AS ?n) {{ BIND('{'x' * 1000}' AS ?v0) {GROWING} }}", 422, ""),
    "brackets in brackets": ("ASK " + "{" * 5_000 + "}" * 5_000, 400, "nested deeper"),
    "parentheses in parentheses": ("ASK { FILTER(" + "(" * 5_000 + "1" + ")" * 5_000 + ") }", 400, "nested deeper"),
    "lists in lists": ("ASK { ?s ?p " + "(" * 3_000 + ")" * 3_000 + " }", 400, "nested deeper"),
    "thirty thousand times not": ("ASK { FILTER(" + "!" * 30_000 + "true) }", 422, "nested deeper"),
    "eight thousand alternatives": ("ASK {" + "UNION".join(["{}"] * 8_000) + "}", 422, "nested deeper"),
    "five thousand patterns": ("ASK {" + "?s ?p ?o . " * 5_000 + "}", 422, ""),
    "a megabyte": ("ASK { #" + "x" * 1_000_000 + "\n}", 413, "100,000"),
    "a NUL": ("ASK {} #\0", 400, "NUL"),
    "a slip, shown in its place": ("SELECT ?x\nWHERE {", 400, "line 2, column 8: this is no SPARQL query: a variable"),
    "a slip in a line that is long": ("ASK { " + "?s ?p ?o . " * 500 + "?s }", 400, "   1 |  ?p ?o . ?s ?p ?o . "),
    "a prefix that is not declared": ("ASK { ?s e:p ?o }", 400, "the prefix e: is not declared"),
    "an unknown function": ("SELECT (<http://e/f>(1) AS ?x) {}", 400, "http://e/f"),
    "nothing": ("", 400, "no query"),
    "prose": ("What should I take?", 400, "no query"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_time_and_in_words(server: Server, listener: tuple[str, list[object]], name: str) -> None:
    query, status, words = REFUSED[name]
    address, callers = listener
    started = time.monotonic()
    answer = server.ask(query.replace("@/", address))
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert "\n  = " in answer.text
    assert time.monotonic() - started < LIMIT + SLACK
    assert not callers
    assert server.ask(CHEAP).json()["boolean"] is True


NOT_REFUSED = {
    "in a comment": "ASK { # SERVICE <http://e/> { }\n }",
    "in a text": "ASK { FILTER('SERVICE <http://e/> {' != \"FROM <file:///etc/passwd>\") }",
    "in a long text": "ASK { FILTER(\"\"\"it's \"SERVICE\" {\"\"\" != '''LOAD ' FROM''') }",
    "in an address": "ASK { FILTER(<http://e/SERVICE#FROM> != <http://e/LOAD>) }",
    "as a variable": "ASK { BIND(1 AS ?service) BIND(2 AS $from) }",
    "as a name": "PREFIX e: <http://e/> ASK { FILTER(e:service != e:FROM) }",
    "as a prefix": "PREFIX service: <http://e/> PREFIX from: <http://e/> ASK { FILTER(service:a != from:b) }",
    "as the prefix of a graph": "PREFIX service: <a:> ASK { FILTER NOT EXISTS { GRAPH service:a { ?s ?p ?o } } }",
    "as a language": "ASK { FILTER('x'@service != 'x'@from) }",
}


@pytest.mark.parametrize("name", NOT_REFUSED)
def test_a_word_that_is_no_keyword_is_not_refused(server: Server, name: str) -> None:
    answer = server.ask(NOT_REFUSED[name])
    assert answer.status_code == 200, answer.text
    assert answer.json()["boolean"] is True


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_worker_cannot_connect_even_if_it_is_asked_to(
    host: str, ring: Path, listener: tuple[str, list[object]]
) -> None:
    """The process itself, without the door in front of it."""
    address, callers = listener

    async def asked() -> str:
        async with Queries(of_files([str(ring)]), Limits(workers=1)) as pool:
            query = f"ASK {{ SERVICE <{address.replace('127.0.0.1', host)}> {{ ?s ?p ?o }} }}"
            with pytest.raises(Refusal) as refusal:
                await pool.ask(Job(query, "http://b/", "text/csv", 1000, None, None, {}))
            return refusal.value.what

    assert "open files" in (told := asyncio.run(asked())) or "lookup" in told
    assert not callers


def test_a_query_in_the_address_may_not_be_endless_either(server: Server) -> None:
    said = raw(
        server, b"GET /sparql?query=ASK%20%7B%7D%23" + b"x" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    assert said[9:12] == b"400"
    assert b"POST" in said


def raw(server: Server, sent: bytes, patience: float = 10.0) -> bytes:
    """What the server says to bytes, until it closes the connection."""
    port = urlsplit(server.address).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        connection.sendall(sent)
        said = b""
        while part := connection.recv(65536):
            said += part
            if b"\r\n\r\n" in said and b"= " in said:
                break
        return said


def post(headers: str, body: bytes) -> bytes:
    """A request as bytes: a query as the body, with more headers."""
    head = f"POST /sparql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sparql-query\r\n{headers}\r\n\r\n"
    return head.encode() + body


RAW = {
    "half a body": (post("Content-Length: 99", b"ASK"), b"408"),
    "half a chunked body": (post("Transfer-Encoding: chunked", b"3\r\nASK\r\n"), b"408"),
    "half a head": (b"GET /sparql?query=ASK HTTP/1.1\r\nHost: loc", b""),
    "silence": (b"", b""),
    "no HTTP": (b"\x16\x03\x01 nonsense\r\n\r\n", b"400"),
    "no UTF-8 in the address": (b"GET /sparql?query=ASK%20%7B%ff%7D HTTP/1.1\r\nHost: localhost\r\n\r\n", b"400"),
    "no UTF-8 in the body": (post("Content-Length: 9", b"ASK {} #\xff"), b"400"),
    "a body that says it is too long, and does not come": (post("Content-Length: 99999999999", b""), b"413"),
    "a body that waits to be asked for, and is too long": (
        post("Expect: 100-continue\r\nContent-Length: 100001", b""), b"413",
    ),
    "a body that is too long": (post("Content-Length: 999999999", b"x" * 200_000), b"413"),
    "a body that is too long by far, whole": (post("Content-Length: 9000000", b"x" * 9_000_000), b"413"),
    "a compressed body": (post("Content-Encoding: gzip\r\nContent-Length: 1", b"x"), b"415"),
}  # fmt: skip


@pytest.mark.parametrize("name", at_each_commit(RAW))
def test_a_request_that_never_ends_does_end(server: Server, name: str) -> None:
    sent, status = RAW[name]
    started = time.monotonic()
    assert raw(server, sent)[9:12] == status
    assert time.monotonic() - started < 1 + SLACK


def test_costly_queries_do_not_keep_cheap_ones_waiting(ring: Path) -> None:
    """Twelve clients ask for too much, again and again; four others ask for little, and none of them waits long.

    It goes on until we have had the processors for four seconds, and what others have of them meanwhile is no wait.
    Where they have much, a few may be refused: those that could not be quick.
    """
    cores, done = min(4, len(os.sched_getaffinity(0))), threading.Event()

    def repeated(query: str) -> list[tuple[int, float]]:
        found = []
        while not done.is_set():
            started = time.monotonic()
            status = running.ask(query).status_code
            found.append((status, time.monotonic() - started))
        return found

    with serving("--dataset", str(ring)) as running, ThreadPoolExecutor(16) as clients:
        full(running)
        spent, began = running.spent(), time.monotonic()
        costly = [clients.submit(repeated, CROSS) for _ in range(12)]
        cheap = [clients.submit(repeated, CHEAP) for _ in range(4)]
        while (had := running.spent() - spent) < 4 * QUIET * cores and time.monotonic() < began + PATIENCE:
            time.sleep(0.1)
        share = min(1.0, had / cores / (time.monotonic() - began))
        done.set()
        answers = [one for future in cheap for one in future.result()]
        outcomes = {status for future in costly for status, _ in future.result()}
    if share < STARVED:
        pytest.skip(f"others leave us {share:.0%} of the processors: nothing can be told")
    refused = [seconds for status, seconds in answers if status == 503]
    if share < QUIET:
        assert all(seconds > Limits().quick for seconds in refused) and len(refused) < len(answers) / 4
        answers = [(status, seconds) for status, seconds in answers if status != 503]
    assert {status for status, _ in answers} == {200}
    assert outcomes == {422, 503} or (outcomes == {422} and share < QUIET)
    assert len(answers) > 20
    assert sorted(seconds for _, seconds in answers)[len(answers) * 9 // 10] < 2 / share


def test_sixteen_clients_at_once_are_all_answered(ring: Path) -> None:
    def repeated(_: int) -> list[int]:
        return [server.ask(CHEAP).status_code for _ in range(20)]

    with serving("--dataset", str(ring), computed=COMPUTED) as server, ThreadPoolExecutor(16) as clients:
        assert {status for found in clients.map(repeated, range(16)) for status in found} == {200}


def gone(process: int) -> bool:
    """Whether a process has ended, be it that nobody has asked how."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def full(server: Server) -> set[int]:
    """The workers, once all of them are there."""
    assert eventually(lambda: len(server.workers()) == 8)
    return server.workers()


def tell(processes: set[int], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def test_workers_that_are_killed_are_replaced(ring: Path) -> None:
    with serving("--dataset", str(ring)) as running:
        before = full(running)
        tell(before, signal.SIGKILL)
        assert running.ask(CHEAP).status_code == 200
        assert eventually(lambda: len(running.workers() - before) == 8)


def test_a_loader_that_is_killed_is_replaced_with_all_its_workers(ring: Path) -> None:
    with serving("--dataset", str(ring)) as running:
        before = full(running) | running.loaders()
        tell(running.loaders(), signal.SIGKILL)
        assert eventually(lambda: running.ask(CHEAP).status_code == 200)
        assert eventually(lambda: len(running.workers() - before) == 8)
        assert all(map(gone, before))


def test_a_query_whose_worker_is_killed_before_it_begins_is_answered_by_the_next(ring: Path) -> None:
    with serving("--dataset", str(ring)) as running, ThreadPoolExecutor(1) as client:
        workers = full(running)
        tell(workers, signal.SIGSTOP)
        asked = client.submit(running.ask, CHEAP)
        time.sleep(0.2)
        tell(workers, signal.SIGKILL)
        assert asked.result().json()["boolean"] is True


@pytest.mark.parametrize(("killings", "status"), [(1, 422), (2, 500)])
def test_a_query_whose_worker_is_killed_at_work_is_asked_once_more(ring: Path, killings: int, status: int) -> None:
    with serving("--dataset", str(ring), query_seconds=LIMIT) as running, ThreadPoolExecutor(1) as client:
        full(running)
        asked = client.submit(running.ask, CROSS)
        for _ in range(killings):
            time.sleep(0.4)
            tell(running.workers(), signal.SIGKILL)
        assert asked.result().status_code == status
        assert running.ask(CHEAP).status_code == 200


def test_a_worker_that_hangs_is_ended(ring: Path) -> None:
    with serving("--dataset", str(ring), query_seconds=LIMIT, workers=2) as running:
        assert eventually(lambda: len(running.workers()) == 2)
        workers = running.workers()
        tell(workers, signal.SIGSTOP)
        assert running.ask(CHEAP).status_code == 422
        tell(workers & running.workers(), signal.SIGCONT)
        assert running.ask(CHEAP).status_code == 200


@pytest.mark.long
def test_a_cheap_query_that_only_waits_for_a_processor_does_not_take_long(ring: Path) -> None:
    """On a busy machine its worker may get none for a while. That is no reason to refuse it, whoever takes long."""
    one = {"workers": 2, "long_queries": 1, "query_seconds": 4, "computed": 0.05}
    with serving("--dataset", str(ring), **one) as running, ThreadPoolExecutor(2) as clients:
        assert eventually(lambda: len(running.workers()) == 2)
        clients.submit(running.ask, CROSS)
        time.sleep(1)
        workers = running.workers()
        tell(workers, signal.SIGSTOP)
        cheap = clients.submit(running.ask, CHEAP)
        time.sleep(1)
        tell(workers, signal.SIGCONT)
        assert cheap.result().status_code == 200


def test_a_client_that_leaves_takes_its_query_with_it(ring: Path) -> None:
    with serving("--dataset", str(ring), query_seconds=30) as running:
        before = full(running)
        with pytest.raises(httpx.ReadTimeout):
            running.client.get("/sparql", params={"query": CROSS}, timeout=0.5)
        assert eventually(lambda: len(running.workers() - before) == 1, 5)


def test_an_answer_that_breaks_off_in_the_middle_is_not_taken_for_one(ring: Path) -> None:
    """The worker is killed while half of a large answer is on its way: what was asked is asked again."""
    large = "PREFIX e: <http://e/> SELECT * { ?a e:next ?b . ?c e:next ?d } LIMIT 30000"
    with serving("--dataset", str(ring)) as running, ThreadPoolExecutor(1) as client:
        workers, server = full(running), {running.process.pid}
        tell(workers, signal.SIGSTOP)
        asked = client.submit(running.ask, large)
        time.sleep(0.1)
        tell(server, signal.SIGSTOP)
        tell(workers, signal.SIGCONT)
        time.sleep(1)  # the worker has written what the connection holds, and waits for somebody to read it
        tell(workers, signal.SIGKILL)
        tell(server, signal.SIGCONT)
        assert len(asked.result().json()["results"]["bindings"]) == 30_000
        assert running.ask(CHEAP).status_code == 200


def test_told_to_stop_it_tells_a_client_whose_query_takes_too_long(ring: Path) -> None:
    """No traceback of ours in the log, and an answer that says what happened."""
    with serving("--dataset", str(ring)) as running, ThreadPoolExecutor(1) as client:
        workers = full(running)
        tell(workers, signal.SIGSTOP)
        asked = client.submit(running.ask, CHEAP)
        time.sleep(0.3)
        running.process.send_signal(signal.SIGTERM)
        answer = asked.result(timeout=20)
        tell(workers, signal.SIGCONT)
        assert answer.status_code == 503 and "the server stops" in answer.text
        assert running.process.wait(10) == 0


def test_told_to_stop_it_finishes_what_is_under_way_and_leaves_no_process(ring: Path) -> None:
    with serving("--dataset", str(ring)) as running, ThreadPoolExecutor(1) as client:
        workers = full(running)
        tell(workers, signal.SIGSTOP)
        asked = client.submit(running.ask, CHEAP)
        time.sleep(0.2)
        running.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        tell(workers, signal.SIGCONT)
        assert asked.result().json()["boolean"] is True
        assert running.process.wait(10) == 0
        assert all(map(gone, workers))


def test_killed_outright_it_leaves_no_process_for_longer_than_a_query_may_take(ring: Path) -> None:
    with serving("--dataset", str(ring), query_seconds=LIMIT) as running, ThreadPoolExecutor(1) as client:
        workers = full(running)
        asked = client.submit(running.ask, CROSS)
        time.sleep(0.4)
        running.process.kill()
        assert isinstance(asked.exception(), httpx.TransportError)
        assert eventually(lambda: all(map(gone, workers)), LIMIT + SLACK)


def test_only_this_machine_and_its_own_pages_are_answered(server: Server) -> None:
    def asked(**headers: str) -> httpx.Response:
        return server.client.get("/sparql", params={"query": "ASK {}"}, headers=headers)

    own = f"{urlsplit(server.address).scheme}://{urlsplit(server.address).netloc}"
    assert asked(Origin=own).status_code == 200
    assert asked(Host="localhost").status_code == 200
    assert asked(Host="rebound.example").status_code == 403
    for origin in ("https://elsewhere.example", "null", "https://[", own.replace("127.0.0.1", "localhost")):
        assert asked(Origin=origin).status_code == 403
    preflight = server.client.options("/sparql", headers={"Origin": own, "Access-Control-Request-Method": "POST"})
    assert not [name for name in preflight.headers if name.startswith("access-control-")]


def test_a_target_that_is_a_whole_address_is_answered_as_its_path_by_the_name_in_it(server: Server) -> None:
    """As a proxy sends it (RFC 9112, 3.2.2): the name in the header does not count then."""

    def asked(target: str, host: str) -> bytes:
        head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nAccept: text/csv\r\nConnection: close\r\n\r\n"
        return raw(server, head.encode())[9:12]

    query = "/sparql?query=SELECT%20%2A%20%7B%7D"
    assert asked(f"http://localhost{query}", "localhost") == asked(query, "localhost") == b"200"
    assert asked(f"http://localhost{query}", "elsewhere.example") == b"200"
    assert asked(f"http://elsewhere.example{query}", "localhost") == b"403"
    assert asked("http://localhost", "localhost") == asked("/", "localhost")
    assert asked("ftp://localhost/sparql", "localhost") == b"404"


def test_every_answer_has_its_headers(server: Server) -> None:
    answers = [server.client.get(path) for path in ("/sparql", "/style.css", "/nowhere", "/sparql?query=x")]
    answers.append(server.client.put("/sparql"))
    for answer in answers:
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "server" not in answer.headers


def test_the_page_shows_the_answer_and_nothing_in_it_can_act(server: Server) -> None:
    evil = "</textarea><script>alert(1)</script>"
    query = f'SELECT ("{evil}" AS ?x) ?unbound {{}}'
    page = server.client.post("/sparql", data={"query": query}, headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in page.text and "style=" not in page.text and "<style" not in page.text
    assert page.text.count("&lt;script&gt;alert(1)") == 2  # in the query, and in the table
    assert "1 row" in page.text
    refused = server.client.post("/sparql", data={"query": "ASK {"}, headers={"Accept": "text/html"})
    assert refused.status_code == 400
    assert "Not answered (400)" in refused.text and "ASK {</textarea>" in refused.text


def test_the_log_tells_what_was_done_and_nothing_of_what_was_asked(ring: Path, tmp_path: Path) -> None:
    secret, log = "MrsExample", tmp_path / "log"
    with serving("--dataset", str(ring), log=log) as running:
        running.client.get("/sparql", params={"query": f"ASK {{ ?s ?p '{secret}' }}"})
        running.client.get("/sparql", params={"query": f"ASK {{ {secret}"})
        running.client.get(f"/{secret}")
        running.client.get("/sparql", headers={"Host": secret})
    lines = log.read_text()
    assert secret not in lines
    assert "GET /sparql 200 ASK" in lines and "GET /sparql 400 ASK" in lines and "GET … 404" in lines


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--dataset", "nowhere.ttl"), ("nowhere.ttl", "No such file")),
        (("--dataset", "one.ttl", "--dataset", "two.nt"), ("one.ttl", "two.nt")),
        (("--dataset", "data.xlsx"), ("data.xlsx", "ending")),
        (("--dataset", "http://e/g=data.trig"), ("data.trig", "leave http://e/g= out")),
        (("stray.ttl",), ("stray.ttl", "--dataset")),
    ],
)
def test_what_cannot_be_served_is_told_at_once(arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    from citelog.cli.serving import serve
    from citelog.diagnostics import CitelogError

    with pytest.raises(CitelogError) as error:
        serve.main([*arguments, "--port", "0"], standalone_mode=False)
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize("host", ["192.0.2.1", "ä..b", ""])
def test_a_host_that_is_none_of_this_machine_is_told_with_what_to_try_instead_of_another_port(
    ring: Path, tmp_path: Path, host: str
) -> None:
    from citelog.cli.serving import serve
    from citelog.diagnostics import CitelogError

    token = tmp_path / "token"
    token.write_text("0123456789abcdef" * 3)
    token.chmod(0o600)
    with pytest.raises(CitelogError) as error:
        serve.main(["--dataset", str(ring), "--host", host, "--token-file", str(token)], standalone_mode=False)
    assert str(error.value).startswith(f"--host {host} --port 8000: ")
    assert "= name an address of this machine: --host 127.0.0.1, or --host ::1" in str(error.value)


def test_a_file_that_is_no_rdf_and_a_port_that_is_taken_are_told(tmp_path: Path, server: Server) -> None:
    from citelog.cli.serving import serve
    from citelog.diagnostics import CitelogError

    broken = tmp_path / "broken.ttl"
    broken.write_text("<a:a> <a:b> .\n")
    with pytest.raises(CitelogError, match=r"broken\.ttl: .*line 1"):
        serve.main(["--dataset", str(broken), "--port", "0"], standalone_mode=False)
    with pytest.raises(CitelogError, match="Address already in use"):
        serve.main(["--dataset", str(broken), "--port", str(urlsplit(server.address).port)], standalone_mode=False)


def test_with_too_many_requests_under_way_each_is_refused_at_once_and_told_when_to_ask_again(tmp_path: Path) -> None:
    """uvicorn's own refusal said neither why nor when."""
    (tmp_path / "one.ttl").write_text("<urn:a> <urn:b> <urn:c> .\n")
    limits = {"under_way": 4, "body_seconds": 20}
    with serving("--dataset", str(tmp_path / "one.ttl"), **limits) as server, contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(connected(server)).sendall(post("Content-Length: 9", b""))
        assert eventually(lambda: server.client.get("/").status_code == 503)
        refused = server.client.get("/")
        assert refused.status_code == 503 and refused.headers["retry-after"] == "1"
        assert refused.text == "too many ask at a time\n  = try again in a moment\n"
        stack.close()
        assert eventually(lambda: server.client.get("/").status_code == 307)


def connected(server: Server, **taken: int) -> socket.socket:
    """A connection over which nothing is asked yet; of the answers so many bytes are `taken` that nobody has read."""
    connection = socket.socket()
    if taken:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, taken["taken"])
    connection.connect(("127.0.0.1", int(urlsplit(server.address).port or 0)))
    return connection


def has_ended(connection: socket.socket) -> bool:
    """Whether the server has ended a connection over which it had nothing to say."""
    connection.settimeout(0)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("sent", [b"", b"GET / HT"])
def test_connections_over_which_nothing_is_asked_keep_nobody_waiting_however_many_they_are(
    tmp_path: Path, sent: bytes
) -> None:
    """With as many open as may ask at a time, everybody else was refused for ten seconds, and again for ten."""
    (tmp_path / "one.ttl").write_text("<urn:a> <urn:b> <urn:c> .\n")
    limits = {"under_way": 4, "connections": 20}
    with serving("--dataset", str(tmp_path / "one.ttl"), **limits) as server, contextlib.ExitStack() as stack:
        opened = [stack.enter_context(connected(server)) for _ in range(60)]
        for one in opened:
            with contextlib.suppress(OSError):
                one.sendall(sent)
        assert server.client.get("/").status_code == 307
        assert eventually(lambda: sum(map(has_ended, opened)) >= 40)
        assert [has_ended(one) for one in opened[-10:]] == [False] * 10  # those that were waited for longest have
        assert server.client.get("/").status_code == 307


@pytest.mark.parametrize(
    ("times", "more"), [(1, "Connection: close\r\n"), (400, ""), pytest.param(1, "", marks=pytest.mark.long)]
)
def test_a_client_that_does_not_take_its_answers_is_given_up(ring: Path, times: int, more: str) -> None:
    """An answer that was written counted as taken: what the client did not read was kept as long as it wished."""
    query = "SELECT * { ?a ?b ?c . ?d ?e ?f } LIMIT 70000" if times == 1 else "SELECT * { ?a ?b ?c }"
    path = "/sparql?" + str(httpx.QueryParams(query=query))
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/csv\r\n{more}\r\n".encode()
    kept_by_the_system = int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2])
    with serving("--dataset", str(ring), exchange_seconds=2, query_seconds=30) as server:
        answer = server.client.get(path, headers={"Accept": "text/csv"}).content
        if len(answer) * times <= kept_by_the_system:  # it would be rid of the answer
            pytest.skip(f"this system keeps {kept_by_the_system:,} bytes of what a client does not take")
        server.client.close()
        assert eventually(lambda: open_(server) == 0)
        with connected(server, taken=4096) as connection:
            connection.sendall(request * times)
            assert eventually(lambda: open_(server) == 1)
            assert eventually(lambda: open_(server) == 0, 30)


def open_(server: Server) -> int:
    """How many connections a server has open with clients."""
    port = f":{int(urlsplit(server.address).port or 0):04X}"
    rows = [line.split() for line in Path(f"/proc/{server.process.pid}/net/tcp").read_text().splitlines()[1:]]
    ours = {
        os.stat(f"/proc/{server.process.pid}/fd/{one}").st_ino for one in os.listdir(f"/proc/{server.process.pid}/fd")
    }
    return sum(row[1].endswith(port) and row[3] != "0A" and int(row[9]) in ours for row in rows)


def test_where_files_run_out_connections_wait_and_a_line_a_second_says_so(tmp_path: Path) -> None:
    """asyncio wrote two thousand tracebacks each second: a disk full of them."""
    (tmp_path / "one.ttl").write_text("<urn:a> <urn:b> <urn:c> .\n")
    log = tmp_path / "log"
    with serving("--dataset", str(tmp_path / "one.ttl"), log=log, head_seconds=1) as server:
        held = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (held + 10, held + 10))
        with contextlib.ExitStack() as stack:
            for _ in range(20):
                stack.enter_context(connected(server))
            assert server.client.get("/").status_code == 307  # as those before end that ask nothing
        told = log.read_text()
        assert "connections wait: Too many open files" in told
        assert "Traceback" not in told and told.count("connections wait") < 30


@pytest.mark.parametrize(("files", "told"), [(60, "a server cannot do with 60 open files"), (64, "sparql answers")])
def test_with_few_files_a_server_has_fewer_connections_or_says_that_it_cannot_do(
    tmp_path: Path, files: int, told: str
) -> None:
    (tmp_path / "one.ttl").write_text("<urn:a> <urn:b> <urn:c> .\n")
    ask = ["-m", "citelog", "serve", "--port", "0", "--dataset", str(tmp_path / "one.ttl")]
    limited = ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh", sys.executable, *ask]
    with subprocess.Popen(limited, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None and told in process.stderr.readline()
        finally:
            process.terminate()


def test_who_has_its_share_is_told_so_in_the_form_of_the_address_however_long_the_request_is(tmp_path: Path) -> None:
    """Nothing of it is read; but a connection that is closed upon what still comes would lose the refusal."""
    (tmp_path / "one.ttl").write_text("<urn:a> <urn:b> <urn:c> .\n")
    log = tmp_path / "log"
    with serving("--dataset", str(tmp_path / "one.ttl"), log=log, one_client=1, body_seconds=20) as server:
        port = int(server.address.rstrip("/").rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as first:
            first.sendall(post("Content-Length: 9", b""))
            assert eventually(lambda: server.client.get("/style.css").status_code == 429)
            forms = {
                "/sparql": "text/plain; charset=utf-8",
                "/api/assess": "application/problem+json",
                "/fhir/metadata": "application/fhir+json",
            }
            for path, form in forms.items():
                refused = server.client.post(path, content=b"x" * 3_000_000)
                assert refused.status_code == 429 and refused.headers["retry-after"] == "1", path
                assert refused.headers["content-type"] == form and "1 requests of this client" in refused.text
                assert "default-src 'none'" in refused.headers["content-security-policy"]
            assert server.client.head("/sparql").status_code == 429
            first.sendall(b"query=ASK")
        assert eventually(lambda: server.client.get("/").status_code == 307)
        assert eventually(lambda: "requests were turned away" in log.read_text())


def test_workers_come_after_the_process_that_listens_and_long_tasks_after_short_ones(ring: Path) -> None:
    """In a session of their own, and by priority: what counts depends on how the server was started."""
    with serving("--dataset", str(ring), query_seconds=3) as server:
        own, workers = server.process.pid, server.workers()
        ours = os.getpriority(os.PRIO_PROCESS, own)

        def behind() -> list[int]:
            return sorted(os.getpriority(os.PRIO_PROCESS, worker) - ours for worker in workers)

        assert eventually(lambda: behind() == [min(10, 19 - ours)] * len(workers))
        assert os.getsid(own) not in {os.getsid(worker) for worker in workers}
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(server.ask, CROSS)
            assert eventually(lambda: behind()[-1] == 19 - ours)
            assert answer.result().status_code == 422


SETTLED = """
import gc, sys
import citelog.cli
from citelog.serve.workers.dataset import of_files
from citelog.serve.http.limits import Limits
from citelog.serve.server import serve

def started(address, queries):
    print(gc.get_threshold()[0], gc.get_freeze_count() > 10_000)
    raise SystemExit

serve(of_files(sys.argv[1:]), (), "127.0.0.1", 0, Limits(workers=1), started)
"""


def test_a_server_has_the_collector_look_at_what_requests_leave_though_a_command_lets_it_be(ring: Path) -> None:
    """Or its memory grows: what connections leave in circles lay there by the ten thousand."""
    told = subprocess.run([sys.executable, "-c", SETTLED, str(ring)], capture_output=True, text=True, check=True)
    assert told.stdout == "700 True\n"
