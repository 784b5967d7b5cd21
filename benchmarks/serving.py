"""`citelog serve` under many clients at once: assessments, proofs, pages and queries, for as long as one likes.

Each client has patients of its own, whose ids nobody else has, and asks in a closed loop: the next request when the
last is answered. An answer that lacks its own patient's id, or holds another's, ends the run. What is printed: requests
a second, the median and the 99th percentile of each kind, what was refused, and the memory of the server's processes by
the minute. Clients and server share the machine, as in no real use.

    python benchmarks/serving.py [--clients 64] [--seconds 300] [--json figures.json]
    python benchmarks/serving.py --overload [--seconds 20]

With --overload: how many assessments a second can be sustained, by two clients; then ten times as many are sent for as
long, whatever becomes of those before; then one after another again. What is printed: what became of them and how soon,
whether each refusal says when to ask again, the memory, and the seconds until an answer is as quick as before.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
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
    lost: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    silent: int = 0
    """Refusals that do not say when to ask again."""


async def _assess(port: int, rng: random.Random, id_: str, sent: Sent) -> None:
    """One assessment, over a connection of its own."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(60):
            body = json.dumps({"case": _record(rng, id_)}).encode()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            head = f"POST /api/assess HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            answer = await reader.read()
            writer.close()
            status = int(answer.split(b" ", 2)[1])
    except (OSError, TimeoutError, IndexError) as error:
        sent.lost[type(error).__name__] += 1
        return
    took = time.perf_counter() - began
    sent.statuses[status] += 1
    if status == 200:
        if set(ID.findall(answer)) != {id_.encode()}:
            raise SystemExit(f"{id_} was answered with {set(ID.findall(answer)) or 'nobody'}")
        sent.answered.append(took)
    else:
        sent.refused.append(took)
        sent.silent += b"\nretry-after:" not in answer.lower().partition(b"\r\n\r\n")[0]


async def overload(port: int, process: int, seconds: float) -> bool:
    """Ten times what can be sustained; whether it was borne."""
    rng, usual, sent = random.Random(1), Sent(), Sent()

    async def steady(number: int, until: float) -> None:
        turn = 0
        while time.monotonic() < until:
            turn += 1
            await _assess(port, rng, f"load-{number}-{turn}", usual)

    until = time.monotonic() + seconds
    await asyncio.gather(*(steady(number, until) for number in range(2)))
    rate, before = len(usual.answered) / seconds, memory(process)
    tasks, began = set(), time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        while len(tasks) < now * 10 * rate:
            tasks.add(asyncio.create_task(_assess(port, rng, f"load-9-{len(tasks)}", sent)))
        await asyncio.sleep(0.005)
    during, stopped = memory(process), time.monotonic()
    quick = 2 * statistics.quantiles(usual.answered, n=20)[-1]
    back, last, turn = 0.0, Sent(), 0
    while time.monotonic() - stopped < 60:
        turn += 1
        await _assess(port, rng, f"load-8-{turn}", last)
        back = time.monotonic() - stopped
        if last.answered and last.answered[-1] <= quick:
            break
        last = Sent()
        await asyncio.sleep(0.05)
    await asyncio.gather(*tasks)
    for what, took in (("sustained", usual.answered), ("answered", sent.answered), ("refused", sent.refused)):
        marks = [1000 * mark for mark in statistics.quantiles(took, n=100)] if len(took) > 1 else [0.0] * 99
        told = f"{what}: {len(took):,}, {len(took) / seconds:,.0f} a second"
        print(f"{told}; p50 {marks[49]:,.0f} ms, p99 {marks[98]:,.0f} ms")
    became = f"statuses {dict(sent.statuses)}, lost {dict(sent.lost)}"
    print(f"sent: {len(tasks):,}, {len(tasks) / seconds:,.0f} a second; {became}")
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
            sys.exit(not asyncio.run(overload(port, process, given.seconds)))
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
