"""`citelog serve --log` for hours: what grows, what is lost, and whether the same question still has the same answer.

Clients ask for everything that it answers about patients, and read pages and the knowledge; some leave in the middle.
The files of the knowledge base are edited meanwhile and put back, and once a minute a worker is killed. At the end the
server itself is killed while it answers, and started anew on the same log, under the edition that was edited last.

An answer that is not whole, is about another patient, is of no edition that was served, or is not what the same
question was answered with before, is wrong. So is an entry of the log that was acknowledged and is not there, or that
nobody asked for. Of memory, threads, open files, processes, latency and the processor's time a request, a line is
fitted through the minutes: what surely grows by more than its bar fails the run.

    PYTHONPATH=engine python benchmarks/soaking.py --minutes 60 --rate 4 --out soaked.jsonl
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import os
import random
import re
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import yaml
from rich.console import Console
from rich.table import Table

from citelog.ledger.log import Log
from citelog.ledger.rows import Rows
from citelog.ledger.verified import verify
from serving import ROOT, ask, memory, serving

SHARES = {
    "assess": 30, "why": 10, "why-not": 5, "what-if": 7, "missing": 3, "hook": 12, "evaluate": 8, "patient": 8,
    "query": 5, "sparql": 3, "knowledge": 5, "log": 3, "draft": 1,
}  # fmt: skip
"""Of a hundred requests; `patient` is a record entered on a page, and the page that it leads to."""
ENTERED = ("assess", "why", "why-not", "what-if", "missing", "hook", "evaluate", "patient")
"""What is in the log before it is answered."""
SAME = ("assess", "why", "why-not", "what-if", "missing", "hook", "query")
"""What has the same answer each time, but for the id; all that FHIR has is named by the hash of the record."""
NAMED = (*SAME, "patient")
"""Where an answer says whom it is about."""
LEAVES = 0.05
"""The share of clients that leave before they are answered."""
FULL = 1_000
"""Records whose pages a server keeps: it is full of them before anything is measured."""
SETTLED = 5
"""Minutes that no line is fitted through."""

ID = re.compile(rb"soak-\d+-\d+")
HASH = re.compile(rb"\b[0-9a-f]{64}\b")
REFERENCE = re.compile(rb"/patient/[\w-]+/")
EDITION = re.compile(rb'"knowledge":\s*\{[^{}]*"sha256":\s*"([0-9a-f]{64})"')

Answer = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: what it asks, which of the questions of its kind it is, and whom it is about."""

    kind: str
    number: int
    id: str
    path: str
    body: bytes | None = None
    media: str = "application/json"


class Questions:
    """What can be asked, about some cases of the knowledge base and calls of its hooks."""

    def __init__(self, folder: Path) -> None:
        paths = sorted((folder / "cases").glob("*.yaml"))
        read = [yaml.safe_load(path.read_bytes()) for path in paths[:: len(paths) // 20]]
        self.records = [{key: value for key, value in one.items() if key != "expect"} for one in read]
        self.rules = sorted((folder / "rules").glob("*.rls"))
        self.version = ""

    def draw(self, rng: random.Random, id_: str, kind: str = "") -> Asked:
        """A question about a patient whose id nobody else has."""
        if not kind:
            (kind,) = rng.choices([*SHARES], [*SHARES.values()])
        number = rng.randrange(len(self.records))
        case = self.records[number] | {"id": id_}
        about: Mapping[str, Any] = {"case": case, "at": "2026-03-15"}
        match kind:
            case "assess" | "missing":
                return Asked(kind, number, id_, f"/api/{kind}", _json(about))
            case "why":
                return Asked(kind, number, id_, "/api/why", _json({**about, "conclusion": "treat:immediate"}))
            case "why-not":
                return Asked(kind, number, id_, "/api/why-not", _json({**about, "conclusion": "regimen:HYD-STD-LOAD"}))
            case "what-if":
                lab = {"analyte": "serum vitamin B12", "value": "120", "unit": "pmol/L", "when": "2026-03-01"}
                return Asked(kind, number, id_, "/api/what-if", _json({**about, "add": [{"labs": lab}]}))
            case "hook":
                return Asked(kind, number, id_, "/cds-services/b12-review", _json(_call(id_, number)))
            case "evaluate":
                bundle = {"resourceType": "Bundle", "type": "collection"}
                entry = [{"resource": one} for one in (_patient(id_), _observation(id_, number))]
                return Asked(kind, number, id_, "/fhir/$evaluate", _json(bundle | {"entry": entry}))
            case "patient":
                form = urlencode({"record": _json(case).decode()}).encode()
                return Asked(kind, number, id_, "/patient", form, "application/x-www-form-urlencoded")
            case "query":
                return Asked(kind, number, id_, "/api/query", _json({"name": "conclusions", "cases": [case]}))
            case "sparql":
                query = quote("SELECT (COUNT(*) AS ?n) WHERE { GRAPH ?g { ?s ?p ?o } }")
                return Asked(kind, 0, "", f"/sparql?query={query}")
            case "knowledge":
                place = rng.choice(("", "/statements/G06", "/rules", "/coverage", "/search?q=folic", "/document"))
                return Asked(kind, 0, "", f"/knowledge{place}")
            case "log":
                return Asked(kind, 0, "", rng.choice(("/log", "/log/checkpoint", "/log/entries/1/proof")))
            case _:
                rule = rng.choice(self.rules)
                drafts = {f"rules/{rule.name}": rule.read_text(encoding="utf-8") + "% a draft\n"}
                asked = {"version": self.version, "drafts": drafts, "case": {"name": "x.yaml", "text": "labs: []\n"}}
                return Asked(kind, 0, "", "/playground/one", _json(asked))


def _json(value: object) -> bytes:
    return json.dumps(value, default=str).encode()


def _patient(id_: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_, "gender": "female", "birthDate": "1958-03-02"}


def _observation(id_: str, number: int) -> dict[str, Any]:
    """A result, another for each number."""
    quantity = {"value": 60 + 10 * number, "unit": "pmol/L", "system": "http://unitsofmeasure.org", "code": "pmol/L"}
    code = {"coding": [{"system": "http://loinc.org", "code": "14685-2"}]}
    of = {"status": "final", "subject": {"reference": f"Patient/{id_}"}, "effectiveDateTime": "2026-03-01"}
    return {"resourceType": "Observation", "code": code, "valueQuantity": quantity, **of}


def _call(id_: str, number: int) -> dict[str, Any]:
    """A call of a hook in which somebody has looked for everything."""
    results = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": _observation(id_, number)}]}
    nothing = dict.fromkeys(("findings", "conditions", "procedures", "medications", "statements"))
    return {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/a", "patientId": id_},
        "prefetch": {"patient": _patient(id_), "results": results, **nothing},
    }


@dataclass
class Seen:
    """What the clients saw, and what was wrong with it."""

    editions: set[str]
    took: list[tuple[str, float]] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    first: dict[tuple[str, int], Answer] = field(default_factory=dict)
    acknowledged: Counter[str] = field(default_factory=Counter)
    asked: set[str] = field(default_factory=set)
    left: int = 0
    wrong: list[str] = field(default_factory=list)
    is_ending: bool = False

    def answered(self, asked: Asked, answer: Answer) -> None:
        """Look at an answer."""
        status = answer[0]
        self.statuses[f"{asked.kind} {status}"] += 1
        self.wrong += [f"{asked.kind} {asked.number} of {asked.id}: {what}" for what in self._wrong(asked, answer)]
        if asked.kind in ENTERED and status == 200:
            self.acknowledged[asked.id] += 1

    def _wrong(self, asked: Asked, answer: Answer) -> Iterator[str]:
        status, body = answer
        if status in (503, 504):
            return  # refused, and said so: counted by its status
        if status >= 500 or status in (400, 404, 422, 429):
            yield f"{status} {body[:300]!r}"
            return
        if body[:1] in b"{[":
            try:
                json.loads(body)
            except ValueError as error:
                yield f"it is not whole: {error}"
        elif b"<!doctype html" in body[:200].lower() and not body.rstrip().endswith(b"</html>"):
            yield f"it is not whole: {body[-80:]!r}"
        if foreign := set(ID.findall(body)) - {asked.id.encode()}:
            yield f"it is about {foreign}"
        if status == 200 and asked.kind in NAMED and asked.kind != "hook" and asked.id.encode() not in body:
            yield "it is about nobody"
        if other := {found.decode() for found in EDITION.findall(body)} - self.editions:
            yield f"it is of an edition that was not served: {other}"
        if asked.kind in SAME:
            said = REFERENCE.sub(b"/patient/R/", HASH.sub(b"HASH", body.replace(asked.id.encode(), b"ID")))
            if self.first.setdefault((asked.kind, asked.number), (status, said)) != (status, said):
                yield "it is another than the first time"


async def _client(port: int, number: int, until: float, pause: float, questions: Questions, seen: Seen) -> None:
    """Ask, wait a little, ask the next; leave now and then."""
    rng, turn = random.Random(f"{port} {number}"), 0
    while time.monotonic() < until and not seen.is_ending:
        await asyncio.sleep(rng.expovariate(1 / pause))
        turn += 1
        await _one(port, rng, questions.draw(rng, f"soak-{number}-{turn}"), seen)


async def _one(port: int, rng: random.Random, asked: Asked, seen: Seen) -> None:
    seen.asked.add(asked.id)
    if rng.random() < LEAVES:
        seen.left += 1
        await _leave(port, rng, asked)
        return
    began = time.perf_counter()
    try:
        status, body = await _ask(port, asked)
        if asked.kind == "patient" and status == 303:
            seen.statuses["patient 303"] += 1
            place = Asked(asked.kind, asked.number, asked.id, body.decode())
            status, body = await _ask(port, place)
    except (OSError, EOFError, IndexError, ValueError) as error:
        if not seen.is_ending:
            seen.wrong.append(f"{asked.kind} of {asked.id}: no answer: {error!r}")
        return
    if seen.is_ending and not body:
        return  # cut off
    seen.took.append((asked.kind, time.perf_counter() - began))
    try:
        seen.answered(asked, (status, body))
    except ValueError:
        seen.wrong.append(f"{asked.kind} of {asked.id}: {body[:200]!r}")


def _head(asked: Asked, port: int) -> bytes:
    body = asked.body or b""
    method = "GET" if asked.body is None else "POST"
    head = f"{method} {asked.path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n"
    return f"{head}Content-Type: {asked.media}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def _ask(port: int, asked: Asked) -> Answer:
    """The status and the whole body; of a redirection, where it leads. Raises EOFError where it is cut off."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_head(asked, port))
        await writer.drain()
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if len(body) != int(fields.get(b"content-length", b"-1")):
        raise EOFError(f"{len(body)} bytes of {fields.get(b'content-length')!r}")
    status = int(head.split(b" ", 2)[1])
    if status == 303:
        (place,) = re.findall(rb"(?mi)^location: (\S+)", head)
        return status, place
    return status, body


async def _leave(port: int, rng: random.Random, asked: Asked) -> None:
    """Send some of a request, or all of it, and be gone."""
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        data = _head(asked, port)
        writer.write(data if rng.random() < 0.6 else data[: rng.randrange(len(data))])
        await asyncio.sleep(rng.uniform(0, 0.05))
        writer.transport.abort()


# the server, from outside


def _below(process: int) -> list[int]:
    """A process and all below it."""
    found = [process]
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for one in path.read_text().split():
                found += _below(int(one))
    return found


def _status(process: int, name: str) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0


def _processor(processes: Sequence[int]) -> float:
    """Seconds that the processor gave some processes, and those below them that have ended."""
    spent = 0
    for one in processes:
        with contextlib.suppress(OSError):
            told = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            spent += sum(map(int, told[11:15]))
    return spent / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Minute:
    """What a minute of the server was like: MiB, milliseconds, and counts."""

    minute: int
    answered: int
    p50: float
    p99: float
    assess: float
    cpu: float
    server: float
    all: float
    threads: int
    files: int
    processes: int
    entries: int
    left: int
    wrong: int


BARS: Mapping[str, tuple[str, float]] = {
    "server": ("MiB an hour, the server's own process", 10),
    "all": ("MiB an hour, all its processes", 30),
    "threads": ("threads an hour", 1),
    "files": ("open files an hour", 1),
    "processes": ("processes an hour", 1),
    "assess": ("of its mean an hour, median of assess", 0.1),
    "cpu": ("of its mean an hour, processor's time a request", 0.1),
}
"""What must not grow, and by how much it may for all that a run can tell."""


def minute(number: int, process: int, took: Sequence[tuple[str, float]], cpu: float, seen: Seen, log: Path) -> Minute:
    """What is seen of the server at the end of a minute."""
    every = sorted(seconds for _, seconds in took) or [math.nan]
    assess = [seconds for kind, seconds in took if kind == "assess"] or [math.nan]
    processes = _below(process)
    files = 0
    for one in processes[:1]:
        with contextlib.suppress(OSError):
            files += len(list(Path(f"/proc/{one}/fd").iterdir()))
    with Rows.open(log / "log.sqlite") as rows:
        entries = rows.size()
    return Minute(
        number,
        len(took),
        round(1e3 * statistics.median(every), 1),
        round(1e3 * every[len(every) * 99 // 100], 1),
        round(1e3 * statistics.median(assess), 1),
        round(1e3 * cpu / max(1, len(took)), 1),
        round(_own(process) / 1024, 2),
        round(memory(process) / 1024, 1),
        _status(process, "Threads"),
        files,
        len(processes),
        entries,
        seen.left,
        len(seen.wrong),
    )


def _own(process: int) -> int:
    """KiB that a process has for itself."""
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
        return sum(int(number) for number in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", text, re.M))
    return 0


@dataclass(frozen=True, slots=True)
class Drift:
    """How much something grows by the hour, with the half of an interval that holds it 99 times of 100."""

    what: str
    slope: float
    within: float
    bar: float

    @property
    def verdict(self) -> str:
        """Whether it stays below its bar; where the interval holds the bar, that cannot be told."""
        if self.slope - self.within > self.bar:
            return "grows"
        return "stays" if self.slope + self.within < self.bar else "cannot be told"


def drifts(minutes: Sequence[Minute]) -> list[Drift]:
    """A line through each of the figures, by least squares.

    >>> even = [Minute(n, 9, 5, 9, 5, 5, 50 + n % 2, 90, 8, 30, 9, n, 0, 0) for n in range(60)]
    >>> {drift.verdict for drift in drifts(even)}
    {'stays'}
    >>> leaking = [Minute(n, 9, 5, 9, 5, 5, 50 + n / 2, 90, 8, 30 + n // 4, 9, n, 0, 0) for n in range(60)]
    >>> [drift.what for drift in drifts(leaking) if drift.verdict == "grows"]
    ['MiB an hour, the server\\'s own process', 'open files an hour']
    """
    settled = [one for one in minutes if one.minute >= SETTLED]
    found = []
    for name, (what, bar) in BARS.items():
        pairs = [(one.minute / 60, float(getattr(one, name))) for one in settled]
        pairs = [(at, value) for at, value in pairs if not math.isnan(value)]
        if len(pairs) < 5:
            continue
        hours, values = zip(*pairs, strict=True)
        line = statistics.linear_regression(hours, values)
        rest = sum((value - line.slope * at - line.intercept) ** 2 for at, value in pairs)
        middle = statistics.fmean(hours)
        error = math.sqrt(rest / (len(pairs) - 2) / sum((at - middle) ** 2 for at in hours))
        scale = statistics.fmean(values) if bar < 1 else 1.0
        found.append(Drift(what, line.slope / scale, 2.7 * error / scale, bar))
    return found


# the run


@dataclass(frozen=True)
class Soak:
    """A knowledge base of its own, its log, and how hard it is asked."""

    folder: Path
    log: Path
    clients: int
    rate: float
    out: Path | None

    async def load(self, port: int, process: int, minutes: int, questions: Questions, seen: Seen) -> list[Minute]:
        """So many minutes of everything; at the end the server is killed while clients ask."""
        rng, found = random.Random(port), list[Minute]()
        _, files = await ask(port, "GET", "/playground/files", b"")
        questions.version = json.loads(files)["version"]
        for number in range(FULL):
            await _one(port, random.Random(number), questions.draw(rng, f"soak-0-{number}", "hook"), seen)
        pause = self.clients / self.rate
        until = time.monotonic() + 60 * minutes
        clients = [
            asyncio.create_task(_client(port, number, until + 60, pause, questions, seen))
            for number in range(1, self.clients + 1)
        ]
        for number in range(minutes):
            before, spent = len(seen.took), _processor(_below(process))
            begun = time.monotonic()
            await self._disturb(rng, process)
            await asyncio.sleep(max(0.0, begun + 60 - time.monotonic()))
            cpu = _processor(_below(process)) - spent
            found.append(minute(number, process, seen.took[before:], cpu, seen, self.log))
            print(json.dumps(asdict(found[-1])), flush=True)
            if self.out:
                with self.out.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(found[-1])) + "\n")
        seen.is_ending = True
        everything = _below(process)[1:]
        os.kill(process, signal.SIGKILL)
        await asyncio.gather(*clients)
        gone = time.monotonic() + 30
        while (alive := [one for one in everything if _status(one, "Threads")]) and time.monotonic() < gone:
            await asyncio.sleep(0.1)
        seen.wrong += [f"process {one} outlives the server by half a minute" for one in alive]
        seen.is_ending = False
        return found

    async def _disturb(self, rng: random.Random, process: int) -> None:
        """Within half a minute a file is edited and put back, and a worker is killed."""
        rule = rng.choice(sorted((self.folder / "rules").glob("*.rls")))
        whole = rule.read_bytes()
        await asyncio.sleep(rng.uniform(0, 10))
        rule.write_bytes(whole + b"% edited\n")
        await asyncio.sleep(rng.uniform(5, 15))
        rule.write_bytes(whole)
        os.utime(rule)
        workers = [one for one in _below(process)[1:] if not _below(one)[1:]]
        if workers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(rng.choice(workers), signal.SIGKILL)


def entered(log: Path, seen: Seen) -> list[str]:
    """What is wrong with a log: with itself, or with what was acknowledged."""
    wrong = [f"{fault.code} {fault.text}" for fault in verify(log).faults]
    held: Counter[str] = Counter()
    with Rows.open(log / "log.sqlite") as rows:
        for row in rows.rows(rows.size()):
            if row.receipt is not None:
                ids = {found.decode() for found in ID.findall(row.receipt)}
                wrong += [] if len(ids) == 1 else [f"entry {row.number} is about {ids}"]
                held.update(ids)
    wrong += [f"{id_} was acknowledged and is not there" for id_ in seen.acknowledged if held[id_] < 1]
    wrong += [f"{id_} is there, and nobody asked" for id_ in held.keys() - seen.asked]
    return wrong


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--rate", type=float, default=4, help="requests a second")
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--out", type=Path, help="a line of JSON for each minute")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, log = Path(scratch) / "b12", Path(scratch) / "soak.log"
        shutil.copytree(ROOT / "knowledge" / "b12", folder)
        Log.make(log, "soak", "whole")
        soak = Soak(folder, log, given.clients, given.rate, given.out)
        minutes, seen = _run(soak, given.minutes)
        wrong = seen.wrong + entered(log, seen)
        size = verify(log).read
    found = drifts(minutes)
    table = Table("", "an hour", "±", "bar", "")
    for one in found:
        table.add_row(one.what, f"{one.slope:.3f}", f"{one.within:.3f}", f"{one.bar:g}", one.verdict)
    Console().print(table)
    print(*wrong[:20], sep="\n", end="\n" if wrong else "")
    print(dict(sorted(seen.statuses.items())))
    print(f"{len(seen.took):,} answers, {seen.left:,} clients left, {len(wrong)} wrong")
    print(f"log: {size:,} entries, {seen.acknowledged.total():,} acknowledged")
    return int(bool(wrong) or any(one.verdict == "grows" for one in found))


def _run(soak: Soak, minutes: int) -> tuple[list[Minute], Seen]:
    """The long part under one edition, and a short one under the next."""
    from citelog.knowledge.cache import open_knowledge

    questions = Questions(soak.folder)
    seen = Seen({open_knowledge(soak.folder).sha256})
    where = ("--kb", soak.folder, "--log", soak.log)
    with serving(*where) as (port, process, _):
        found = asyncio.run(soak.load(port, process, minutes, questions, seen))
    rule = questions.rules[0]
    rule.write_bytes(rule.read_bytes() + b"% of the next edition\n")
    seen.editions = {open_knowledge(soak.folder).sha256}
    seen.first.clear()  # cards are named by the edition
    with serving(*where) as (port, process, _):
        asyncio.run(_next(port, soak, questions, seen))
    return found, seen


async def _next(port: int, soak: Soak, questions: Questions, seen: Seen) -> None:
    """The next edition, asked by as many clients for half a minute."""
    until = time.monotonic() + 30
    pause = soak.clients / soak.rate
    numbers = range(1_001, 1_001 + soak.clients)
    await asyncio.gather(*(_client(port, number, until, pause, questions, seen) for number in numbers))


if __name__ == "__main__":
    sys.exit(main())
