"""The workers as the server sees them: who is free, who has to wait, and what becomes of one that ends.

Whatever ends a worker (a query too costly, a client that left, somebody else's `kill`), the loader forks the next
in its place, over the same connection. A query whose worker was lost through no fault of the query is asked once
more of another. Should the loader end, another is started.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

from citelog.diagnostics import CitelogError
from citelog.serve.dataset import Dataset
from citelog.serve.limits import Limits, Refusal
from citelog.serve.worker import HEAD, pack

log = logging.getLogger(__name__)

_GRACE = 1.0  # beyond the time that a worker has set itself, until this process ends it
_TRANSFER = 5.0  # seconds for a reply that has begun to arrive
_LOW = 15  # the priority of a worker with a long query; 0 is that of others
_OVERRUN = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS}
"""How a process ends that runs out of memory or of stack."""

Reply = tuple[dict[str, Any], bytes]


class EndedError(Exception):
    """A worker ended while it was asked something: by a signal, or (0) by a fault of ours."""

    def __init__(self, number: int) -> None:
        self.signal = number
        super().__init__(f"signal {number}")


@dataclass(frozen=True, slots=True)
class Job:
    """A query as a worker needs it. Graphs that are None leave it to the query's own FROM, or to the dataset."""

    query: str
    base: str
    media: str
    most: int
    default_graphs: tuple[str, ...] | None
    named_graphs: tuple[str, ...] | None
    union: bool
    prefixes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contents:
    """What the workers hold: how many quads, and the names of the named graphs."""

    quads: int
    graphs: frozenset[str]


class Worker:
    """A worker and its successors, at the other end of one connection. `free` has it whenever it is idle.

    `broken` is called when nothing that it says can be understood any more.
    """

    def __init__(
        self,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        free: asyncio.LifoQueue[Worker],
        broken: Callable[[], None],
    ) -> None:
        self.reader, self.writer = streams
        self.free, self.broken = free, broken
        self.process = 0
        self.idle = False
        self._numbers = count(1)
        self._number = 0
        self._begun = self._lowered = self._stopped = self._arriving = False
        self._reply: asyncio.Future[Reply] | None = None
        self._listening = asyncio.create_task(self._listen())

    def ask(self, job: Job) -> asyncio.Future[Reply]:
        """The reply to come, or EndedError."""
        self.idle = False
        self._number, self._begun = next(self._numbers), False
        self._reply = asyncio.get_running_loop().create_future()
        self.writer.write(pack({**asdict(job), "number": self._number}))
        return self._reply

    def lower(self) -> None:
        """Let others go first from now on. It cannot be undone, so the process ends with what it is about."""
        self._lowered = True
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, self.process, _LOW)

    def stop(self) -> None:
        """End the process, whatever it is about; the next will be idle. A reply that is arriving may arrive, unread."""
        self._reply = None
        if self.process and not self._arriving:  # to the process 0, the signal would be for ourselves
            self._stopped = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)

    def close(self) -> None:
        """There is nobody at the other end any more."""
        self.idle = False
        self._listening.cancel()
        self.writer.close()
        self._settle(EndedError(signal.SIGKILL))

    async def _listen(self) -> None:
        with contextlib.suppress(EOFError, ConnectionError, ProcessLookupError):  # the pool notices the loader's end
            while True:
                length, rest = HEAD.unpack(await self.reader.readexactly(HEAD.size))
                self._arriving = True
                try:
                    async with asyncio.timeout(_TRANSFER):
                        message = json.loads(await self.reader.readexactly(length))
                        body = await self.reader.readexactly(rest)
                except (TimeoutError, ValueError):  # killed while it was writing: what follows cannot be told apart
                    return self.broken()
                self._arriving = False
                self._heard(message, body)

    def _heard(self, message: dict[str, Any], body: bytes) -> None:
        match message["kind"]:
            case "ready":
                self.process, self._lowered, self._stopped = message["process"], False, False
                if self._reply is None:
                    self._rest()
            case "begun":
                self._begun = message["number"] == self._number
            case "ended":
                if self._begun:  # or else the next in its place will read what was asked
                    self._settle(EndedError(message["signal"]))
            case _ if message["number"] == self._number and not self._stopped:
                self._settle((message, body))
                self.stop() if self._lowered else self._rest()

    def _settle(self, outcome: Reply | EndedError) -> None:
        reply, self._reply = self._reply, None
        if reply is None or reply.done():
            return
        if isinstance(outcome, EndedError):
            reply.set_exception(outcome)
        else:
            reply.set_result(outcome)

    def _rest(self) -> None:
        if not self.idle:
            self.idle = True
            self.free.put_nowait(self)


async def receive(reader: asyncio.StreamReader) -> Reply:
    """The next message of a loader or a worker. Raises EOFError or ConnectionError where none will come."""
    length, rest = HEAD.unpack(await reader.readexactly(HEAD.size))
    return json.loads(await reader.readexactly(length)), await reader.readexactly(rest)


class Pool:
    """Workers with one dataset in memory; open while used as an asynchronous context manager."""

    def __init__(self, dataset: Dataset, limits: Limits) -> None:
        self.dataset, self.limits = dataset, limits
        self.contents = Contents(0, frozenset())
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._workers: list[Worker] = []
        self._loader: asyncio.subprocess.Process | None = None
        self._guard: asyncio.Task[None] | None = None
        self._waiting = self._long = 0

    async def __aenter__(self) -> Pool:
        try:
            await self._load()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        self._guard = asyncio.create_task(self._guarded())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._guard is not None:
            self._guard.cancel()
            await asyncio.gather(self._guard, return_exceptions=True)
        if self._loader is not None and self._loader.returncode is None:
            self._loader.kill()
            await self._loader.wait()
        for worker in self._workers:
            worker.stop()
            worker.close()

    async def ask(self, job: Job) -> bytes:
        """The result of a query. Raises Refusal where there is none."""
        for _ in range(2):
            try:
                return _result(*await self._asked(await self._next(), job), job)
            except EndedError as error:
                if error.signal == signal.SIGALRM:
                    raise _too_long(self.limits) from error
                if error.signal in _OVERRUN:
                    raise _too_much() from error
                log.warning("a worker was lost: %s", error)
        raise Refusal(500, "two processes ended while they worked on this query", "report it: the fault is ours")

    async def _next(self) -> Worker:
        """A free worker, as soon as there is one."""
        if self._waiting >= self.limits.waiting:
            raise Refusal(503, f"{self._waiting} queries are waiting already", "try again in a moment")
        self._waiting += 1
        try:
            async with asyncio.timeout(self.limits.wait_seconds):
                while not (worker := await self._free.get()).idle:
                    pass  # its loader has ended since
            return worker
        except TimeoutError as error:
            raise Refusal(503, "no process became free for this query", "try again in a moment") from error
        finally:
            self._waiting -= 1

    async def _asked(self, worker: Worker, job: Job) -> Reply:
        """What a worker replies; where nobody waits for it any more, it ends."""
        reply = worker.ask(job)
        try:
            await asyncio.wait({reply}, timeout=self.limits.quick)
            if not reply.done():
                await self._long_wait(worker, reply)
            return reply.result()
        finally:
            if not reply.done():  # refused, or the client has gone and this task is cancelled
                reply.cancel()
                worker.stop()

    async def _long_wait(self, worker: Worker, reply: asyncio.Future[Reply]) -> None:
        if self._long >= self.limits.long_queries:
            what = f"{self._long} long queries are running, and this one would be another"
            raise Refusal(503, what, "try again in a moment, or ask for less")
        self._long += 1
        worker.lower()
        try:
            await asyncio.wait({reply}, timeout=self.limits.query_seconds + _GRACE)
        finally:
            self._long -= 1
        if not reply.done():
            raise _too_long(self.limits)

    async def _guarded(self) -> None:
        """Start a loader whenever there is none."""
        while self._loader is not None:
            status = await self._loader.wait()
            log.warning("the loader has ended (exit status %s), another is started", status)
            for worker in self._workers:
                worker.close()
            try:
                await self._load()
            except (CitelogError, OSError) as error:
                log.error("no new loader: %s", error)
                await asyncio.sleep(1)

    async def _load(self) -> None:
        """Start a loader and its workers. Raises CitelogError where the dataset cannot be read."""
        pairs = [socket.socketpair() for _ in range(1 + self.limits.workers)]
        ours, theirs = [our for our, _ in pairs], [their.fileno() for _, their in pairs]
        null = asyncio.subprocess.DEVNULL  # also for what a crash says: it may quote
        try:
            self._loader = await asyncio.create_subprocess_exec(
                sys.executable, "-P", str(Path(__file__).with_name("worker.py")), str(theirs[0]), pass_fds=theirs,
                stdin=null, stdout=null, stderr=null, start_new_session=True,  # Ctrl-C is for the server alone
            )  # fmt: skip
        finally:
            for _, their in pairs:
                their.close()
        self._workers = [
            Worker(await asyncio.open_connection(sock=our), self._free, self._loader.kill) for our in ours[1:]
        ]
        self.contents = await self._loaded(self._loader, ours[0], theirs[1:])

    async def _loaded(
        self, loader: asyncio.subprocess.Process, control: socket.socket, connections: list[int]
    ) -> Contents:
        """Hand the dataset to a loader; what it found in it."""
        sources, limits = self.dataset.sources, self.limits
        message = {
            "sources": [
                {"name": s.name, "form": s.form, "graph": s.graph, "base": s.base, "length": len(s.data)}
                for s in sources
            ],
            "connections": connections,
            "memory": limits.memory,
            "seconds": limits.query_seconds,
        }
        reader, writer = await asyncio.open_connection(sock=control)
        try:
            writer.write(pack(message, b"".join(s.data for s in sources)))
            await writer.drain()
            reply, _ = await receive(reader)
        except (EOFError, ConnectionError) as error:
            raise CitelogError(
                f"the process that reads the dataset ended (exit status {await loader.wait()})\n"
                "   = check that pyoxigraph is installed, and that there is memory for the dataset"
            ) from error
        finally:
            writer.close()
        if reply["kind"] == "unreadable":
            raise CitelogError(f"{reply['source']}: {reply['message']}\n   = correct the file")
        return Contents(reply["quads"], frozenset(reply["graphs"]))


def _result(reply: dict[str, Any], body: bytes, job: Job) -> bytes:
    """The result in a reply. Raises Refusal for a reply that has none."""
    said = str(reply["message"])
    match reply["kind"]:
        case "answer":
            return body
        case "syntax":
            raise Refusal(400, f"the query cannot be read: {said}", "correct it there (line:column)")
        case "failed":
            raise Refusal(400, f"the query cannot be evaluated: {said}", "correct it")
        case "unwritable":
            raise Refusal(406, said, "accept text/turtle")
        case "large":
            raise Refusal(422, f"the result is larger than {job.most:,} bytes", "ask for less, or add LIMIT and OFFSET")
        case "memory":
            raise _too_much()
    raise AssertionError(f"a worker replied {reply['kind']}")


def _too_long(limits: Limits) -> Refusal:
    remedy = "ask for less: bind more, join less, add LIMIT"
    return Refusal(422, f"the query took longer than {limits.query_seconds:g} seconds", remedy)


def _too_much() -> Refusal:
    what = "the query needs more memory, or is longer or nested deeper, than a process here can bear"
    return Refusal(422, what, "ask for less, or write it shorter")
