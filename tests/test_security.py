"""engine/SECURITY.md is held to: each line names a test that is there, each header and bound is the one in the code.

What no other test attacks is attacked here: who is let in, what a log says after everything was asked, what a browser
asks on behalf of another site, links that lead out of a knowledge base.
"""

from __future__ import annotations

import ast
import asyncio
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

import citelog as api
from authoring import Command
from citelog.cli.app import main
from citelog.diagnostics import CitelogError
from citelog.ledger.log import Log
from citelog.ledger.writer import Writer
from citelog.serve.admission import Admission
from citelog.serve.app import Served, application
from citelog.serve.bench import Bench
from citelog.serve.browsing import Browsing
from citelog.serve.consultation import Consultation
from citelog.serve.http import guard
from citelog.serve.http.limits import Limits, Refusal
from citelog.serve.http.shares import Shared, Shares
from citelog.serve.logged import Logged
from citelog.serve.playground import Playground
from citelog.serve.queries import Queries
from citelog.serve.workers.dataset import of_files
from endpoint import Server, serving

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "engine" / "SECURITY.md").read_text(encoding="utf-8")
NIGHT = ROOT / "examples" / "short-nights"
TOKEN = "0123456789abcdef" * 3
CANARY = "Zenobia-81.93"

# the page


@cache
def names_of(file: str) -> frozenset[str]:
    """The names of the tests of a file."""
    syntax = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(syntax) if isinstance(node, ast.FunctionDef))


def rows(heading: str) -> list[list[str]]:
    """The rows of the table below a heading, without its head."""
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE, re.S | re.M)
    lines = [line for line in section.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if "---" not in line]


def test_every_line_of_the_threat_model_names_tests_that_are_there() -> None:
    lines = [row for row in rows("Threats") if row[0] != "threat"]
    assert len(lines) > 30
    for threat, defence, tests, got in lines:
        named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", tests)
        assert threat and defence and got and named, threat
        assert not [f"{file}::{name}" for file, name in named if name not in names_of(file)], threat


def test_every_header_and_every_bound_of_the_page_is_the_one_in_the_code() -> None:
    shown = {row[0].strip("`"): row[1].strip("`") for row in rows("Headers")[1:]}
    assert shown == dict(guard.HEADERS)
    limits = {field.name: getattr(Limits(), field.name) for field in fields(Limits)}
    told = {row[0].strip("`"): row[1].replace(",", "") for row in rows("Bounds")[1:]}
    assert len(told) > 15
    assert {name: str(limits[name]).removesuffix(".0") for name in told} == told


# who is let in


@dataclass(frozen=True, slots=True)
class Gate:
    """A server that lets in who has the token, or whom a proxy at 10.0.0.5 names; it has no workers."""

    admission: Admission | None

    def ask(self, path: str = "/", client: str = "10.0.0.9", **request: Any) -> httpx.Response:
        """What it says to a client at an address."""

        async def asked() -> httpx.Response:
            return await (await self._client(client)).request(request.pop("method", "GET"), path, **request)

        return asyncio.run(asked())

    def session(self, *asked: Callable[[httpx.AsyncClient], object]) -> list[httpx.Response]:
        """What it says to one browser, one request after another."""

        async def all_() -> list[httpx.Response]:
            client = await self._client("10.0.0.9")
            return [await one(client) for one in asked]  # type: ignore[misc]

        return asyncio.run(all_())

    async def _client(self, client: str) -> httpx.AsyncClient:
        queries = Queries(of_files([str(NIGHT / "terms.ttl")]), Limits())
        app = application(queries, (), None, None, self.admission)
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=app, client=(client, 1)), base_url="http://cds")


@pytest.fixture(scope="module")
def token_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("secret") / "token"
    file.write_text(TOKEN + "\n")
    file.chmod(0o600)
    return file


@pytest.fixture(scope="module")
def gate(token_file: Path) -> Gate:
    return Gate(Admission.read(token_file, "X-Remote-User", frozenset({"10.0.0.5"})))


IN = 307
"""Where no knowledge base is served, / leads to /sparql: then somebody is in."""


def test_nobody_is_let_in_but_with_the_token(gate: Gate) -> None:
    def bearer(token: str) -> int:
        return gate.ask(headers={"Authorization": token}).status_code

    assert bearer(f"Bearer {TOKEN}") == bearer(f"bearer {TOKEN}") == IN
    for wrong in (
        TOKEN,
        f"Basic {TOKEN}",
        "Bearer",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}0",
        f"Bearer {TOKEN.upper()}",
    ):
        assert bearer(wrong) == 401, wrong
    for path in ("/", "/sparql", "/api/assess", "/nowhere", "/style.css/", "/sign-in/", f"/?token={TOKEN}"):
        refused = gate.ask(path)
        assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer", path
        assert {name: refused.headers[name] for name in guard.HEADERS} == guard.HEADERS, path
    assert gate.ask("/health").status_code == gate.ask("/style.css").status_code == 200


def test_who_signs_in_has_a_cookie_that_no_script_reads_and_no_other_site_sends(gate: Gate) -> None:
    form, html = {"token": TOKEN, "then": "/sparql?query=ASK"}, {"Accept": "text/html"}
    asked, wrong, signed, inside, page, out, after = gate.session(
        lambda one: one.get("/sparql?query=ASK", headers=html),
        lambda one: one.post("/sign-in", data={**form, "token": "x" * 48}),
        lambda one: one.post("/sign-in", data=form),
        lambda one: one.get("/"),
        lambda one: one.get("/sign-in"),
        lambda one: one.post("/sign-out"),
        lambda one: one.get("/"),
    )
    assert (asked.status_code, 'name="then" value="/sparql?query=ASK"' in asked.text) == (401, True)
    assert wrong.status_code == 401 and "set-cookie" not in wrong.headers and 'role="alert"' in wrong.text
    assert (signed.status_code, signed.headers["location"]) == (303, "/sparql?query=ASK")
    value, *kinds = signed.headers["set-cookie"].lower().split("; ")
    assert {"httponly", "samesite=strict", "path=/"} <= set(kinds) and len(value) >= len("citelog=") + 32
    assert TOKEN not in signed.headers["set-cookie"]
    assert (inside.status_code, "signed in" in page.text, out.status_code, after.status_code) == (IN, True, 303, 401)
    again = gate.ask("/", headers={"Cookie": signed.headers["set-cookie"].split(";")[0]})
    assert again.status_code == 401, "a session is the server's own"


@pytest.mark.parametrize(
    "then", ["//evil.example.org", "https://evil.example.org", "/\\evil", "\r\nX: y", "javascript:x", ""]
)
def test_signing_in_leads_to_no_other_site(gate: Gate, then: str) -> None:
    signed = gate.ask("/sign-in", method="POST", data={"token": TOKEN, "then": then})
    assert (signed.status_code, signed.headers["location"]) == (303, "/")


def test_another_site_cannot_sign_anybody_in(gate: Gate) -> None:
    sent: dict[str, Any] = {"data": {"token": TOKEN}, "method": "POST"}
    for headers in ({"Origin": "https://evil.example.org"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert gate.ask("/sign-in", headers=headers, **sent).status_code == 403
    proxied = gate.ask("/sign-in", headers={"X-Forwarded-Proto": "https"}, **sent)
    assert "secure" in proxied.headers["set-cookie"].lower()
    assert gate.ask("/sign-in", method="POST", data={"token": "x" * 10_000}).status_code == 413
    assert gate.ask("/sign-in", method="POST", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_proxy_is_believed_by_its_own_address_alone(gate: Gate) -> None:
    anna = {"X-Remote-User": "anna"}
    assert gate.ask(client="10.0.0.5", headers=anna).status_code == IN
    for client in ("10.0.0.9", "127.0.0.1", "::1"):
        assert gate.ask(client=client, headers=anna).status_code == 401
        assert gate.ask(client=client, headers={**anna, "X-Forwarded-For": "10.0.0.5"}).status_code == 401
    twice = [("X-Remote-User", "anna"), ("X-Remote-User", "ben")]
    for unsaid in ({}, {"X-Remote-User": ""}, {"X-Remote-User": "a" * 201}, twice):
        assert gate.ask(client="10.0.0.5", headers=unsaid).status_code == 401
    here = Gate(Admission.read(None, "X-Remote-User", frozenset()))
    assert here.ask(client="127.0.0.1", headers=anna).status_code == IN
    assert here.ask(client="10.0.0.5", headers=anna).status_code == 401
    assert here.ask(headers={"Authorization": "Bearer "}).status_code == 401, "without a token, none is right"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--host", "0.0.0.0"], "--token-file"),
        (["--host", "0.0.0.0", "--jwt-keys", "keys.json"], "--token-file"),
        (["--trusted-proxy", "10.0.0.5"], "--trusted-user-header"),
        (["--trusted-user-header", "X-User", "--trusted-proxy", "proxy"], "this is no address"),
        (["--trusted-user-header", "X User"], "no name of a header"),
        (["--trusted-user-header", "X-User", "--edit"], "--edit"),
        (["--token-file", "{absent}"], "No such file"),
        (["--token-file", "{public}"], "chmod 600"),
        (["--token-file", "{short}"], "32 letters"),
    ],
)
def test_it_is_not_opened_to_others_but_for_those_it_can_know(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, mode, text in (("public", 0o644, TOKEN), ("short", 0o600, "letmein")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(mode)
    given = [one.format(**{name: tmp_path / name for name in ("absent", "public", "short")}) for one in arguments]
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", "0", *given])
    told = capsys.readouterr()
    assert (ended.value.code, told.out, said in told.err) == (2, "", True), told.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--origin", "https://ehr.example.org/"], "this is no origin"),
        (["--origin", "https://[ehr"], "this is no origin"),
        (["--jwt-audience", "https://a.example"], "--jwt-keys JWKS"),
        (["--jwt-issuer", "https://a.example"], "--jwt-keys JWKS"),
        (["--jwt-keys", "keys.json", "--jwt-issuer", "a"], "--jwt-audience URL"),
        (["--jwt-keys", "keys.json", "--jwt-audience", "https://a.example"], "--jwt-issuer ISS"),
        (["--jwt-keys", "keys.json", "--jwt-audience", "a.example", "--jwt-issuer", "a"], "this is no address"),
        (["--jwt-keys", "keys.json", "--jwt-audience", "https://[a", "--jwt-issuer", "a"], "this is no address"),
        (["--log-key", "a.key"], "--log LOG"),
        (["--at", "2026-03-15"], "--case CASE"),
        (["--dataset", "a.ttl", "--at", "2026-03-15"], "--case CASE"),
        (["--dataset", "a.ttl", "--origin", "*"], "leave out --dataset"),
    ],
)
def test_options_that_are_not_whole_are_refused_with_the_one_that_is_missing(
    arguments: list[str], said: str, citelog: Command
) -> None:
    ended = citelog("serve", "--port", "0", *arguments)
    assert (ended.status, ended.out) == (2, "") and said in ended.err


# what another site has a browser ask


@pytest.mark.parametrize(
    ("site", "mode", "dest", "method", "status"),
    [
        ("none", "navigate", "document", "GET", 200),
        ("same-origin", "cors", "empty", "GET", 200),
        ("cross-site", "navigate", "document", "GET", 200),
        ("cross-site", "navigate", "iframe", "GET", 403),
        ("cross-site", "no-cors", "image", "GET", 403),
        ("cross-site", "no-cors", "script", "GET", 403),
        ("same-site", "no-cors", "empty", "GET", 403),
        ("cross-site", "navigate", "document", "POST", 403),
        ("same-site", "navigate", "document", "POST", 403),
    ],
)
def test_what_another_site_has_a_browser_ask_is_refused_but_a_link(
    site: str, mode: str, dest: str, method: str, status: int
) -> None:
    """Another port of this machine is the same site: it is refused as well."""
    open_ = Gate(None)  # everybody is let in
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
    assert open_.ask("/health", method=method, headers=headers).status_code == status


# a share for each


def test_each_client_and_each_user_of_a_proxy_has_a_share_of_all_that_is_asked() -> None:
    async def slow(scope: object, receive: object, send: Callable[[dict[str, object]], object]) -> None:
        await asyncio.sleep(0.1)
        await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[misc]
        await send({"type": "http.response.body"})  # type: ignore[misc]

    async def asked() -> list[int]:
        shares = Shares(2)
        shared = Shared(slow, shares)  # type: ignore[arg-type]
        one, two = (httpx.ASGITransport(app=shared, client=(name, 1)) for name in ("user anna", "user ben"))
        clients = [httpx.AsyncClient(transport=way, base_url="http://cds") for way in (one, one, one, two)]
        found = await asyncio.gather(*(client.get("/knowledge/search") for client in clients))
        assert not shares._asking
        return [answer.status_code for answer in found]

    assert sorted(asyncio.run(asked())) == [204, 204, 204, 429]


PATIENCE = 30.0
"""Seconds that a busy machine may take."""


def test_pages_of_the_knowledge_are_set_a_few_at_a_time_and_many_are_told_to_wait() -> None:
    """So that searches of one client leave the process to the others."""
    count = most = begun = refused = 0
    counting, both, told = threading.Lock(), threading.Barrier(2, timeout=PATIENCE), threading.Event()

    def work(_: object) -> str:
        """Two end at once; the two after them when the others have been told."""
        nonlocal count, most, begun
        with counting:
            count, begun = count + 1, begun + 1
            most, number = max(most, count), begun
        both.wait() if number <= 2 else told.wait(PATIENCE)
        with counting:
            count -= 1
        return "set"

    async def asked() -> list[object]:
        nonlocal refused
        browsing = Browsing(NIGHT, api.open(NIGHT).knowledge, Limits(settings=2, wait_seconds=1.0))

        async def one() -> object:
            nonlocal refused
            try:
                return await browsing._in_turn(work, None)
            except Refusal as refusal:
                refused += 1
                if refused == 4:
                    told.set()
                return refusal.status

        return await asyncio.gather(*(one() for _ in range(8)))

    found = asyncio.run(asked())
    assert most == 2 and found.count("set") == 4 and found.count(503) == 4


# everything is asked, with a word in it that no message may have


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("messages") / "log"


@pytest.fixture(scope="module")
def server(token_file: Path, log: Path) -> Iterator[Server]:
    """It lets in who has the token, is called cds.example.org, and enters what it answers in a log."""
    Log.make(log.parent / "ledger", "example.org/security", "hashes")
    options = ("--kb", str(NIGHT), "--log", str(log.parent / "ledger"), "--token-file", str(token_file))
    with serving(*options, "--name", "cds.example.org", log=log) as running:
        running.client.headers["Authorization"] = f"Bearer {TOKEN}"
        assert running.is_ready()
        yield running


def routes(folder: Path) -> Iterator[tuple[str, str]]:
    """Every method and address of a server of a knowledge base with a log."""
    knowledge = api.open(NIGHT).knowledge
    Log.make(folder / "ledger", "example.org/routes", "hashes")
    limits = Limits()
    served = Served(
        Consultation(NIGHT, knowledge.sha256, limits),
        Playground(Bench(NIGHT, limits), knowledge),
        Logged(Writer(Log.open(folder / "ledger")), knowledge.identity),
        Browsing(NIGHT, knowledge, limits),
    )
    guarded = application(Queries(of_files([str(NIGHT / "terms.ttl")]), limits), (), None, served)
    assert isinstance(guarded.app, Shared) and isinstance(guarded.app.app, Starlette)
    for route in guarded.app.app.routes:
        for method in sorted(route.methods - {"HEAD"}):  # type: ignore[attr-defined]
            yield method, route.path  # type: ignore[attr-defined]


BODIES = {
    "application/json": f'{{"case": {{"id": "{CANARY}", "labs": [{{"analyte": "{CANARY}", "value": "{CANARY}"}}]}}}}',
    "application/x-www-form-urlencoded": f"sort=record&record=id: {CANARY}&query=ASK {{ ?s ?p '{CANARY}' }}&{CANARY}=1",
    "application/sparql-query": f"ASK {{ ?s ?p '{CANARY}' }}",
    "application/json; charset=utf-8": f'{{"case": "{CANARY}: ["}}',
    "text/plain": CANARY,
}


def test_whatever_is_asked_no_message_has_a_word_of_it_and_every_answer_has_its_headers(
    server: Server, log: Path, tmp_path: Path
) -> None:
    """Every address with every method; a word in the address, in the query, in the body and in headers."""
    client, asked, statuses = server.client, 0, set()
    for method, path in routes(tmp_path):
        for written in {path, re.sub(r"\{\w+(:path)?\}", CANARY, path)}:
            for media, body in (BODIES if method == "POST" else {"": ""}).items():
                headers = {"Content-Type": media, "Referer": f"http://{CANARY}/", "User-Agent": CANARY}
                answer = client.request(method, f"{written}?q={CANARY}", content=body, headers=headers)
                asked += 1
                statuses.add(answer.status_code)
                assert answer.status_code != 500, (method, written, media, answer.text)
                for name, value in guard.HEADERS.items():
                    if name not in ("Cache-Control", "Content-Security-Policy"):
                        assert answer.headers[name] == value, (method, written)
                assert "default-src 'none'" in answer.headers["content-security-policy"]
                assert "unsafe" not in answer.headers["content-security-policy"]
                stored = answer.headers["cache-control"]
                assert stored == "no-store" or (method == "GET" and answer.status_code == 200 and ".css" in path)
                assert "server" not in answer.headers and "set-cookie" not in answer.headers
    for method, path, headers in (
        ("GET", f"/{CANARY}", {}),
        ("GET", f"/sparql?query=ASK+{{+?s+?p+'{CANARY}'+", {}),
        ("DELETE", f"/knowledge/rules/{CANARY}", {}),
        ("GET", f"/knowledge/rules/{CANARY}", {"Authorization": f"Bearer {CANARY}"}),
        ("GET", f"/examples/{CANARY}/", {"Host": CANARY}),
        ("GET", f"/examples/{CANARY}/", {"Origin": f"http://{CANARY}"}),
        ("POST", f"/cds-services/{CANARY}/feedback", {"Cookie": f"citelog={CANARY}"}),
    ):
        asked += 1
        statuses.add(client.request(method, path, headers=headers).status_code)
    time.sleep(0.2)
    written = log.read_text(encoding="utf-8")
    assert asked > 80 and {200, 303, 401, 403, 404, 405, 415, 422} <= statuses
    assert len(written.splitlines()) >= asked
    assert CANARY not in written and TOKEN not in written
    assert "POST /api/assess 200" in written and "GET … 401" in written


def test_a_name_that_others_use_is_answered_and_any_other_is_not(server: Server) -> None:
    """So a name that somebody has lead to this machine gets nothing, token or not."""
    for host, status in (("cds.example.org", 200), ("127.0.0.1", 200), ("rebound.example.org", 403), ("", 403)):
        assert server.client.get("/knowledge", headers={"Host": host}).status_code == status, host
    own = {"Host": "cds.example.org", "Origin": "https://cds.example.org"}
    assert server.client.post("/patient", headers=own, data={"sort": "record", "record": "labs: []"}).status_code == 303


# a knowledge base is data


@pytest.mark.parametrize(("link", "said"), [("cases/leak.yaml", "cases/leak.yaml"), ("more.ttl", "more.ttl")])
def test_a_link_in_a_knowledge_base_shows_nobody_a_file_elsewhere(
    link: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, secret = tmp_path / "night", tmp_path / "secret"
    shutil.copytree(NIGHT, folder)
    secret.write_text(f"# {CANARY}\n")
    (folder / link).symlink_to(secret)
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", "0", "--kb", str(folder)])
    told = capsys.readouterr()
    assert ended.value.code == 2 and said in told.err and "leads out of the knowledge base" in told.err
    assert CANARY not in told.err + told.out


def test_a_document_outside_the_knowledge_base_is_not_read(tmp_path: Path) -> None:
    folder = tmp_path / "night"
    shutil.copytree(NIGHT, folder)
    (tmp_path / "secret.txt").write_text(CANARY)
    about = folder / "about.ttl"
    about.write_text(about.read_text().replace("source/leaflet.txt", "../secret.txt"))
    with pytest.raises(CitelogError) as refused:
        api.open(folder)
    assert "lies outside the knowledge base" in str(refused.value) and CANARY not in str(refused.value)


# where one stands

HOSTILE = ("json.py", "signal.py", "multiprocessing.py", "rdflib.py", "numpy/__init__.py", "sitecustomize.py")
BULK = """
from citelog.population.bulk import source
source.SMALL = 0  # so that several processes read
from citelog.cli.app import main
main()
"""


def test_nothing_that_lies_in_the_working_directory_is_a_module_of_ours(tmp_path: Path) -> None:
    """Records come in folders of somebody else's: with a `json.py` in one, its code was run."""
    folder = hostile(tmp_path)
    shutil.copy(ROOT / "examples" / "patient.yaml", folder / "case.yaml")
    ran = python(folder, "-m", "citelog", "assess", "case.yaml")
    assert (ran.returncode, ran.stderr) == (0, "") and "treat:immediate" in ran.stdout


@pytest.mark.slow
def test_nor_is_it_one_of_the_processes_that_read_many_records(tmp_path: Path) -> None:
    folder = hostile(tmp_path)
    for name in ("Patient", "Observation"):
        (folder / f"{name}.ndjson").write_text(f'{{"resourceType": "Patient", "id": "{name}"}}\n')
    ran = python(folder, "-P", "-c", BULK, "population", ".", "--out", str(tmp_path / "out"))
    assert (ran.returncode, ran.stderr) == (0, "") and "2 patients" in ran.stdout


def hostile(tmp_path: Path) -> Path:
    """A folder with files that are called as modules are, and tell when they are run."""
    folder = tmp_path / "theirs"
    for name in HOSTILE:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import sys\nsys.stderr.write('HOSTILE')\nraise SystemExit(9)\n")
    return folder


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python, as somebody starts it who stands in a folder."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
    environment.pop("PYTHONSAFEPATH", None)
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
