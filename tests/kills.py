"""Writers of a log that are killed, in a long run that adds up (`tally`): what was acknowledged is there.

    python tests/kills.py --killed 10000 --served 500 --tally tests/tally.jsonl

Each seed is a `kill -9` at a drawn moment. What is compared are the entries that had been acknowledged.
"""

from __future__ import annotations

import json
import random
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

import endpoint
import ledgers
import tally
from authoring import ROOT
from citelog.ledger.verified import verify

NIGHTS = ROOT / "examples" / "short-nights"
CLIENTS = 6
GONE = 10.0
"""Seconds in which the workers of a server that was killed have to end by themselves."""


def killed(first: int, count: int) -> tally.Line:
    """A log whose writer is killed again and again (`ledgers.kills`)."""
    with TemporaryDirectory() as scratch:
        path = ledgers.made(Path(scratch) / "log", 3).folder.path
        found = ledgers.run("kills", path, count, first)
    more = {key: found[key] for key in ("journals left", "checkpoints behind")}
    return {"compared": found["acknowledged"], "idle": 0, "differences": found["wrong"], **more}


def served(first: int, count: int) -> tally.Line:
    """A server that is killed while many ask it, and started anew on the same log."""
    compared, idle, differences = 0, 0, list[str]()
    with TemporaryDirectory() as scratch:
        path = ledgers.made(Path(scratch) / "log", 0, "whole").folder.path
        asked, acknowledged = set[str](), set[str]()
        for seed in range(first, first + count):
            new = _killed_while_asked(path, seed, asked)
            differences += [f"seed {seed}: {what}" for what in new.wrong]
            acknowledged |= new.acknowledged
            compared, idle = compared + len(new.acknowledged), idle + (not new.acknowledged)
            differences += [f"seed {seed}: {what}" for what in _lost(path, asked, acknowledged)]
    return {"compared": compared, "idle": idle, "differences": differences}


class _Clients:
    """Clients of a server: whom they asked about, for whom they were answered, and what was wrong."""

    def __init__(self, address: str, seed: int, asked: set[str]) -> None:
        self.address, self.seed, self.asked = address, seed, asked
        self.acknowledged, self.wrong, self.is_ending = set[str](), list[str](), False

    def ask(self, client: int) -> None:
        """Ask about one after another, until nobody answers any more."""
        with httpx.Client(base_url=self.address, timeout=30) as http:
            for turn in range(1_000_000):
                id_ = f"killed-{self.seed}-{client}-{turn}"
                self.asked.add(id_)
                night = {"analyte": "night", "value": 6 + turn % 5, "unit": "hours", "when": "2026-03-08"}
                case = {"id": id_, "context": {"age_years": 11}, "labs": [night]}
                try:
                    answer = http.post("/api/assess", json={"case": case, "at": "2026-03-09"})
                except httpx.HTTPError as error:
                    if not self.is_ending:
                        self.wrong.append(f"{id_}: {error!r}")
                    return
                if answer.status_code == 200 and answer.json()["case"]["id"] == id_:
                    self.acknowledged.add(id_)
                else:
                    self.wrong.append(f"{id_}: {answer.status_code} {answer.text[:300]}")


def _killed_while_asked(path: Path, seed: int, asked: set[str]) -> _Clients:
    draw = random.Random(seed)
    with endpoint.serving("--kb", str(NIGHTS), "--log", str(path)) as server:
        assert server.is_ready()
        clients = _Clients(server.address, seed, asked)
        threads = [threading.Thread(target=clients.ask, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        many = draw.randrange(30)
        until = time.monotonic() + 30
        while len(clients.acknowledged) < many and time.monotonic() < until:
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.05))
        below = _below(server.process.pid)
        clients.is_ending = True
        server.process.kill()
        for thread in threads:
            thread.join()
        until = time.monotonic() + GONE
        while (left := [one for one in below if _is_alive(one)]) and time.monotonic() < until:
            time.sleep(0.05)
        clients.wrong += [f"{_called(one)} outlives the server by {GONE:g} seconds" for one in left]
    return clients


def _below(process: int) -> list[int]:
    """All processes below one."""
    return [two for one in endpoint.children(process) for two in (one, *_below(one))]


def _is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _called(process: int) -> str:
    return f"process {process}, {Path(f'/proc/{process}/cmdline').read_bytes().replace(bytes(1), b' ')[:200]!r}"


def _lost(path: Path, asked: set[str], acknowledged: set[str]) -> Iterator[str]:
    """What is wrong with a log after a kill."""
    yield from (f"{fault.code} {fault.text}" for fault in verify(path).faults)
    held: Counter[str] = Counter()
    for row in ledgers.read(path):
        if row.receipt is not None:
            held.update(re.findall(r"killed-\d+-\d+-\d+", json.loads(row.receipt)["record"]["text"]))
    yield from (f"{id_} was acknowledged, and is there {held[id_]} times" for id_ in acknowledged if held[id_] != 1)
    yield from (f"{id_} is there, and nobody asked" for id_ in held.keys() - asked)


KINDS: Mapping[str, tally.Kind] = {
    "killed": tally.Kind(killed, 100, "kills of a process that appends"),
    "served": tally.Kind(served, 5, "kills of a server that answers; idle: it had not answered yet"),
}

if __name__ == "__main__":
    sys.exit(tally.main(__doc__ or "", KINDS))
