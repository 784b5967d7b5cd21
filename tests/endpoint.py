"""A running `citelog serve` to send requests to: a process of its own, on a free port, that ends with the test."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
PROGRAM = """
import functools, json, sys
from citelog.cli.serving import serve
from citelog.serve.http import limits
limits.Limits = functools.partial(limits.Limits, **json.loads(sys.argv.pop(1)))
serve()
"""
START = 30.0  # seconds that a start may take on a busy machine


@dataclass(frozen=True, slots=True)
class Server:
    """The process, a client whose addresses begin at its root, and what it said when it started."""

    process: subprocess.Popen[bytes]
    address: str
    client: httpx.Client
    said: str

    def ask(self, query: str, **more: str) -> httpx.Response:
        """A query by POST, with more parameters."""
        return self.client.post("/sparql", data={"query": query, **more})

    def is_ready(self) -> bool:
        """Wait until it answers about patients, which it does a while after it has started."""
        deadline = time.monotonic() + 3 * START
        while time.monotonic() < deadline:
            if self.client.get("/health").status_code == 200:
                return True
            time.sleep(0.2)
        return False

    def loaders(self) -> set[int]:
        """The process that loaded the dataset."""
        return children(self.process.pid)

    def workers(self) -> set[int]:
        """The processes that answer queries."""
        return {worker for loader in self.loaders() for worker in children(loader)}

    def spent(self) -> float:
        """Seconds of a processor that it has taken, with all that it started and that we take to ask it."""
        own, loaders = [self.process.pid, *self.workers()], self.loaders()
        return time.process_time() + sum(map(_taken, own)) + sum(_taken(one, ended=True) for one in loaders)


def _taken(process: int, ended: bool = False) -> float:
    """Seconds of a processor that a process has taken; with those that its children had, as they ended, if wanted."""
    try:
        told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, told[11 : 15 if ended else 13])) / os.sysconf("SC_CLK_TCK")


def children(process: int) -> set[int]:
    """The ids of the children of a process."""
    try:
        return {int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()}
    except OSError:
        return set()


@contextmanager
def serving(*arguments: str, log: Path | None = None, **limits: float) -> Iterator[Server]:
    """A server started with some arguments and some limits; its log goes to a file, or nowhere."""
    path = os.pathsep.join(filter(None, (str(ROOT / "engine"), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, "-c", PROGRAM, json.dumps(limits), "--port", "0", *arguments]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, env=environment)
    assert process.stderr is not None
    with process, open(log or os.devnull, "wb") as kept:
        try:
            address, told = _address(process)
            with (
                subprocess.Popen(["cat"], stdin=process.stderr, stdout=kept),  # or a full pipe would stop the server
                httpx.Client(base_url=address, timeout=30) as client,
            ):
                try:
                    yield Server(process, address, client, told)
                finally:
                    process.send_signal(signal.SIGTERM)  # which ends the copying too
        finally:
            process.terminate()
            process.wait(10)


def _address(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    """Where it listens, once it says so; and all that it said."""
    assert process.stderr is not None
    said, deadline = b"", time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        if select.select([process.stderr], [], [], 0.1)[0]:
            said += os.read(process.stderr.fileno(), 65536)
        if found := re.search(rb"(http://\S+/)sparql answers", said):
            return found[1].decode(), said.decode()
    raise AssertionError(f"the server did not start: {said.decode(errors='replace')}")


def eventually(true: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether something comes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()
