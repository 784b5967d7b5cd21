"""`citelog serve` under many clients at once: assessments, proofs, pages and queries, for as long as one likes.

Each client has patients of its own, whose ids nobody else has, and asks in a closed loop: the next request when the
last is answered. An answer that lacks its own patient's id, or holds another's, ends the run. What is printed: requests
a second, the median and the 99th percentile of each kind, what was refused, and the memory of the server's processes by
the minute. Clients and server share the machine, as in no real use.

    python benchmarks/serving.py [--clients 64] [--seconds 300] [--json figures.json]
    python benchmarks/serving.py --overload [--seconds 20]

With --overload: how many assessments a second can be sustained, by two clients; then ten times as many are sent for as
long, whatever becomes of those before; then one after another again. What is printed: what became of them and how soon,
whether each refusal says when to ask again, the memory, and the seconds until an answer is as quick as before. Beside
it stand what the clients themselves cost and are late by, how long the server's process was ready and had no processor,
and a peer: the least application that uvicorn can serve, which refuses all, under the same load, while six clients keep
the server's workers busy.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROOT = Path(__file__).parent.parent
SERVE = "from citelog.cli.serving import serve; serve()"
SHARES = {"assess": 50, "why": 20, "page": 10, "knowledge": 10, "query": 10}
"""Of a hundred requests."""

ID = re.compile(rb"load-\d+-\d+")


@dataclass
class Seen:
    """What the clients saw."""

    took: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in SHARES})
    refused: Counter[tuple[str, int]] = field(default_factory=Counter)
    memory: list[int] = field(default_factory=list)


@contextmanager
def serving(*arguments: str | Path) -> Iterator[tuple[int, int, float]]:
    """The port of a server of the shipped knowledge base, its process, and the seconds until it answered."""
    started = time.perf_counter()
    command = [sys.executable, "-c", SERVE, "--port", "0", *arguments]
    with tempfile.TemporaryFile() as log, subprocess.Popen(command, stderr=log, cwd=ROOT) as process:
        try:
            while not (found := re.search(rb"http://127\.0\.0\.1:(\d+)/", _read(log))):
                if process.poll() is not None:
                    raise SystemExit(_read(log).decode())
                time.sleep(0.01)
            port = int(found[1])
            while asyncio.run(ask(port, "GET", "/health", b""))[0] != 200:
                time.sleep(0.02)
            yield port, process.pid, time.perf_counter() - started
        finally:
            process.terminate()


def _read(log: Any) -> bytes:
    log.seek(0)
    return bytes(log.read())


async def ask(port: int, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    """One request on a connection of its own: its status and its body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    answer = await reader.read()
    writer.close()
    head_of, _, rest = answer.partition(b"\r\n\r\n")
    return int(head_of.split(b" ", 2)[1]), rest


def _record(rng: random.Random, id_: str) -> dict[str, Any]:
    """A patient with an id of their own."""
    labs = [{"analyte": "serum vitamin B12", "value": str(rng.randrange(20, 99)), "unit": "pmol/L"}]
    state = rng.choice(("present", "absent", "unknown"))
    findings = [{"name": "symptoms attributed to vitamin B12 deficiency", "state": state}]
    return {"id": id_, "labs": labs, "findings": findings}


async def _client(port: int, number: int, until: float, seen: Seen) -> None:
    rng, turn = random.Random(number), 0
    while time.monotonic() < until:
        turn += 1
        id_ = f"load-{number}-{turn}"
        (kind,) = rng.choices([*SHARES], [*SHARES.values()])
        case = _record(rng, id_)
        asked = {
            "assess": ("POST", "/api/assess", {"case": case}),
            "why": ("POST", "/api/why", {"case": case, "conclusion": "status:below_all_cutoffs"}),
            "query": ("POST", "/api/query", {"name": "conclusions", "cases": [case]}),
            "page": ("GET", f"/examples/{rng.choice(EXAMPLES)}/", None),
            "knowledge": ("GET", f"/knowledge/statements/{rng.choice(('G06', 'G08', 'R04', 'M03'))}", None),
        }[kind]
        method, path, body = asked
        began = time.perf_counter()
        status, told = await ask(port, method, path, b"" if body is None else json.dumps(body).encode())
        if status != 200:
            seen.refused[kind, status] += 1
            continue
        seen.took[kind].append(time.perf_counter() - began)
        wanted = {id_.encode()} if kind in ("assess", "why", "query") else set()
        if set(ID.findall(told)) != wanted:
            raise SystemExit(f"{kind}: {id_} was answered with {set(ID.findall(told)) or 'nobody'}")


EXAMPLES = [path.stem for path in sorted((ROOT / "knowledge" / "b12" / "cases").glob("*.yaml"))][::20]


def memory(process: int) -> int:
    """Bytes that a process and all below it have for themselves, in KiB."""
    below = [int(one) for path in Path(f"/proc/{process}/task").glob("*/children") for one in path.read_text().split()]
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except (OSError, ProcessLookupError):
        return 0
    own = sum(int(number) for number in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", text, re.M))
    return own + sum(map(memory, below))


async def load(port: int, process: int, clients: int, seconds: float) -> Seen:
    """Everything that the clients saw in that time."""
    seen, until = Seen(), time.monotonic() + seconds
    tasks = [asyncio.create_task(_client(port, number, until, seen)) for number in range(clients)]
    for _ in track(range(int(seconds) // 10), "load", console=Console(stderr=True)):
        await asyncio.sleep(10)
        seen.memory.append(memory(process))
    await asyncio.gather(*tasks)
    return seen


@dataclass
class Sent:
    """What became of requests that did not wait for each other."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    """How much later than it was due each was sent: the clients' own delay."""
    lost: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    silent: int = 0
    """Refusals that do not say when to ask again."""
    seconds: float = 0.0
    """Of the processor, for the clients."""
    last: float = 0.0
    """When the last was sent."""

    def take(self, id_: str, answer: bytes, took: float) -> None:
        """An answer, whole."""
        status = int(answer.split(b" ", 2)[1])
        self.statuses[status] += 1
        if status == 200:
            if set(ID.findall(answer)) != {id_.encode()}:
                raise SystemExit(f"{id_} was answered with {set(ID.findall(answer)) or 'nobody'}")
            self.answered.append(took)
        else:
            self.refused.append(took)
            self.silent += b"\nretry-after:" not in answer.lower().partition(b"\r\n\r\n")[0]

    def told(self, what: str, seconds: float) -> None:
        """Print how many there were, and how soon."""
        for name, took in (("answered", self.answered), ("refused", self.refused)):
            if took:
                marks = [1000 * mark for mark in statistics.quantiles(took, n=100)] if len(took) > 1 else [0.0] * 99
                count = f"{len(took):,}, {len(took) / seconds:,.0f} a second"
                print(f"{what}, {name}: {count}; p50 {marks[49]:,.1f} ms, p99 {marks[98]:,.1f} ms")


def _asking(port: int, rng: random.Random, id_: str) -> bytes:
    body = json.dumps({"case": _record(rng, id_)}).encode()
    head = f"POST /api/assess HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
    return f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def steady(port: int, clients: int, seconds: float) -> Sent:
    """Some clients that each ask for one assessment after the other."""
    rng, sent, until = random.Random(1), Sent(), time.monotonic() + seconds

    async def one(number: int) -> None:
        turn = 0
        while time.monotonic() < until:
            turn += 1
            id_, began = f"load-{number}-{turn}", time.perf_counter()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(_asking(port, rng, id_))
            sent.take(id_, await reader.read(), time.perf_counter() - began)
            writer.close()

    await asyncio.gather(*(one(number) for number in range(clients)))
    return sent


@dataclass(slots=True)
class _Open:
    """A request that is not answered yet."""

    socket: socket.socket
    id: str
    began: float
    asking: bytes
    parts: list[bytes] = field(default_factory=list)


def burst(port: int, rate: float, seconds: float) -> Sent:
    """So many assessments a second, each when it is due, over connections of their own; waiting for none of them.

    It is written for little time of the processor, which the server would lack: a tenth of a millisecond each.
    """
    rng, sent, waiting, polled = random.Random(2), Sent(), dict[int, _Open](), select.epoll()
    spent, begun, number = time.process_time(), time.perf_counter(), 0
    while (now := time.perf_counter() - begun) < seconds or waiting:
        if now > seconds + 60:
            sent.lost["no answer"] += len(waiting)
            break
        while number < now * rate and now < seconds:
            sent.late.append(now - number / rate)
            number, sent.last = number + 1, time.monotonic()
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            id_ = f"load-9-{number}"
            waiting[one.fileno()] = _Open(one, id_, time.perf_counter(), _asking(port, rng, id_))
            polled.register(one.fileno(), select.EPOLLOUT)
            now = time.perf_counter() - begun
        for file, _ in polled.poll(0.002):
            _go_on(waiting, file, polled, sent)
    sent.seconds = time.process_time() - spent
    return sent


def _go_on(waiting: dict[int, _Open], file: int, polled: select.epoll, sent: Sent) -> None:
    """Send, or receive some more."""
    one = waiting[file]
    try:
        if one.asking:
            one.socket.send(one.asking)
            one.asking = b""
            return polled.modify(file, select.EPOLLIN)
        part = one.socket.recv(1 << 16)
        if part:
            return one.parts.append(part)
        sent.take(one.id, b"".join(one.parts), time.perf_counter() - one.began)
    except (OSError, IndexError) as error:
        sent.lost[type(error).__name__] += 1
    polled.unregister(file)
    one.socket.close()
    del waiting[file]


BARE = """
import sys
import uvicorn

async def app(scope, receive, send):
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"2"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": b"no"})

uvicorn.run(app, port=int(sys.argv[1]), http="h11", ws="none", lifespan="off", log_config=None, access_log=False)
"""


def bare(port: int, rate: float, seconds: float) -> Sent:
    """The same load upon the least application that refuses, while six clients keep the server's workers busy."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        peer = free.getsockname()[1]
    busy = f"import asyncio, serving; asyncio.run(serving.steady({port}, 6, {seconds + 2}))"
    at = {"cwd": Path(__file__).parent, "env": {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path[1:])}}
    with subprocess.Popen([sys.executable, "-c", BARE, str(peer)]) as process:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", peer)).close()
                    break
                except ConnectionRefusedError:
                    time.sleep(0.05)
            with subprocess.Popen([sys.executable, "-c", busy], **at):  # type: ignore[call-overload]
                time.sleep(1)
                return burst(peer, rate, seconds)
        finally:
            process.kill()


def _kept_waiting(process: int) -> float:
    """Seconds for which a process was ready to run, and had no processor."""
    return int(Path(f"/proc/{process}/schedstat").read_text().split()[1]) / 1e9


def overload(port: int, process: int, seconds: float) -> bool:
    """Ten times what can be sustained; whether it was borne."""
    asyncio.run(steady(port, 2, 1))
    usual = asyncio.run(steady(port, 2, seconds))
    rate, before, waited = 10 * len(usual.answered) / seconds, memory(process), _kept_waiting(process)
    sent = burst(port, rate, seconds)
    during, waited = memory(process), _kept_waiting(process) - waited
    quick = 2 * statistics.quantiles(usual.answered, n=20)[-1]
    back = 0.0
    while time.monotonic() - sent.last < 60:
        last = asyncio.run(steady(port, 1, 0.001))
        back = time.monotonic() - sent.last
        if last.answered and last.answered[-1] <= quick:
            break
        time.sleep(0.05)
    peer = bare(port, rate, seconds)
    usual.told("sustained", seconds)
    sent.told("ten times that", seconds)
    peer.told("a bare application", seconds)
    count = len(sent.late)
    late = [1000 * mark for mark in statistics.quantiles(sent.late, n=100)]
    print(f"sent: {count:,}, {count / seconds:,.0f} a second; statuses {dict(sent.statuses)}, lost {dict(sent.lost)}")
    own = f"{1000 * sent.seconds / count:.2f} ms of the processor each, sent late by p50 {late[49]:.1f} ms"
    print(f"the clients themselves: {own}, p99 {late[98]:.1f} ms")
    print(f"the server's own process was ready and had no processor for {waited:.1f} s of {seconds:g}")
    print(f"refusals without Retry-After: {sent.silent}; MiB before {before / 1024:,.0f}, during {during / 1024:,.0f}")
    print(f"as quick as before (within {1000 * quick:,.0f} ms) {back:.1f} s after the last was sent")
    return not sent.silent and not sent.lost and set(sent.statuses) <= {200, 429, 503} and back <= 5


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--overload", action="store_true", help="ten times what can be sustained")
    given = parser.parse_args()
    if given.overload:
        with serving() as (port, process, _):
            sys.exit(not overload(port, process, given.seconds))
    with serving() as (port, process, start):
        seen = asyncio.run(load(port, process, given.clients, given.seconds))
    table = Table("", "answered", "a second", "p50 ms", "p99 ms", "refused", title=f"{given.clients} clients")
    figures: dict[str, Any] = {"start": start, "memory_kib": seen.memory}
    for kind, took in seen.took.items():
        marks = statistics.quantiles(took, n=100) if len(took) > 1 else [0.0] * 99
        refused = {status: n for (k, status), n in seen.refused.items() if k == kind}
        figures[kind] = {"answered": len(took), "p50": marks[49], "p99": marks[98], "refused": refused}
        cells = (len(took) / given.seconds, 1000 * marks[49], 1000 * marks[98])
        table.add_row(kind, f"{len(took):,}", *(f"{cell:,.1f}" for cell in cells), str(refused or ""))
    Console().print(table)
    every = max(1, len(seen.memory) // 6)
    print(f"ready after {start:.1f} s; MiB by time: {', '.join(f'{kib / 1024:,.0f}' for kib in seen.memory[::every])}")
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2), encoding="utf-8")
    sys.exit(any(status >= 500 and status != 503 for _, status in seen.refused))


if __name__ == "__main__":
    main()
