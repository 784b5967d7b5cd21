"""The workers as the server sees them: who is free, who has to wait, and what becomes of one that ends.

Whatever ends a worker (a task too costly, a client that left, somebody else's `kill`), the loader forks the next
in its place, over the same connection. A task whose worker was lost through no fault of the task is given once
more to another. Should the loader end, another is started.
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
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

from citelog.diagnostics import CitelogError
from citelog.serve.http.limits import Bounds, Refusal, without_folders
from citelog.serve.workers.worker import HEAD, pack

log = logging.getLogger(__name__)

_GRACE = 1.0  # beyond the time that a worker has set itself, until this process ends it
_TRANSFER = 5.0  # seconds for a reply that has begun to arrive
_LOWEST = 19  # the priority of a worker whose task takes long; that of others is worker.BEHIND
_SAID = 4096  # of what a process says as it ends, the last so many bytes
_OVERRUN = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS}
"""How a process ends that runs out of memory or of stack."""

Reply = tuple[dict[str, Any], bytes]


class EndedError(Exception):
    """A worker ended while it was asked something: by a signal, or (0) by a fault of ours."""

    def __init__(self, number: int) -> None:
        self.signal = number
        super().__init__(f"signal {number}")


@dataclass(frozen=True, slots=True)
class Craft:
    """What the workers of a pool do: the program that they run, and what its loader is to load.

    `noun` is what messages call one task, `less` what to try where one asks for too much.
    """

    program: str
    message: Mapping[str, Any]
    data: bytes
    noun: str
    less: str


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
        self._before = 0.0  # what its process had taken of a processor when it was asked
        self._begun = self._lowered = self._stopped = self._arriving = False
        self._reply: asyncio.Future[Reply] | None = None
        self._listening = asyncio.create_task(self._listen())

    def ask(self, message: Mapping[str, Any], data: bytes) -> asyncio.Future[Reply]:
        """The reply to come, or EndedError."""
        self.idle = False
        self._number, self._begun = next(self._numbers), False
        self._before = _taken(self.process)
        self._reply = asyncio.get_running_loop().create_future()
        self.writer.write(pack({**message, "number": self._number}, data))
        return self._reply

    @property
    def worked(self) -> float:
        """Seconds of a processor that the process has taken for what it was asked, however long it waited for one."""
        return _taken(self.process) - self._before

    def lower(self) -> None:
        """Let others go first from now on. It cannot be undone, so the process ends with what it is about."""
        self._lowered = True
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, self.process, _LOWEST)

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
                self._before = _taken(self.process)
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
    """Workers that hold the same; open while used as an asynchronous context manager. `told` is what they hold."""

    def __init__(self, craft: Craft, bounds: Bounds) -> None:
        self.craft, self.bounds = craft, bounds
        self.told: Mapping[str, Any] = {}
        self._free: asyncio.LifoQueue[Worker] = asyncio.LifoQueue()
        self._workers: list[Worker] = []
        self._loader: asyncio.subprocess.Process | None = None
        self._guard: asyncio.Task[None] | None = None
        self._trouble: CitelogError | None = None
        self._waiting = 0
        self._long = asyncio.Semaphore(bounds.long)

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

    async def ask(self, message: Mapping[str, Any], data: bytes = b"", slow: bool = False) -> Reply:
        """What a worker replies to a task. Raises Refusal where it needs too much, or no worker is to be had.

        A task that is known to be `slow` waits until fewer than the bounds allow take long; any other that turns out
        to be is refused where they do already.
        """
        if not slow:
            return await self._tried(message, data, slow)
        with self._queued():
            async with asyncio.timeout(self.bounds.wait_seconds):
                await self._long.acquire()
        try:
            return await self._tried(message, data, slow)
        finally:
            self._long.release()

    async def _tried(self, message: Mapping[str, Any], data: bytes, slow: bool) -> Reply:
        """What a worker replies; where one is lost, another is asked, once."""
        noun = self.craft.noun
        for _ in range(2):
            try:
                reply, body = await self._asked(await self._next(), message, data, slow)
            except EndedError as error:
                if error.signal == signal.SIGALRM:
                    raise self._too_long() from error
                if error.signal in _OVERRUN:
                    raise self._too_much() from error
                log.warning("a worker was lost: %s", error)
                continue
            if reply["kind"] == "memory":
                raise self._too_much()
            if reply["kind"] == "large":
                what = f"the result is larger than {message['most']:,} bytes"
                raise Refusal(422, what, self.craft.less, "result-too-large")
            return reply, body
        raise Refusal(500, f"two processes ended while they worked on this {noun}", "report it: the fault is ours")

    def _too_long(self) -> Refusal:
        what = f"the {self.craft.noun} took longer than {self.bounds.seconds:g} seconds"
        return Refusal(422, what, self.craft.less, "too-long")

    def _too_much(self) -> Refusal:
        what = f"the {self.craft.noun} needs more memory, or is longer or nested deeper, than a process here can bear"
        return Refusal(422, what, self.craft.less, "too-costly")

    async def _next(self) -> Worker:
        """A free worker, as soon as there is one."""
        with self._queued():
            async with asyncio.timeout(self.bounds.wait_seconds):
                while not (worker := await self._free.get()).idle:
                    pass  # its loader has ended since
        return worker

    @contextlib.contextmanager
    def _queued(self) -> Iterator[None]:
        """Within, a task waits; not too many do, and none too long."""
        if self._waiting >= self.bounds.waiting:
            raise Refusal(503, f"{self._waiting} others are waiting already", "try again in a moment")
        self._waiting += 1
        try:
            yield
        except TimeoutError as error:
            if self._trouble is not None:
                raise unstarted(self._trouble) from error
            raise Refusal(503, f"no process became free for this {self.craft.noun}", "try again in a moment") from error
        finally:
            self._waiting -= 1

    async def _asked(self, worker: Worker, message: Mapping[str, Any], data: bytes, slow: bool) -> Reply:
        """What a worker replies; where nobody waits for it any more, it ends."""
        reply = worker.ask(message, data)
        try:
            await self._quick(worker, reply)
            if not reply.done():
                await self._long_wait(worker, reply, slow)
            return reply.result()
        finally:
            if not reply.done():  # refused, or the client has gone and this task is cancelled
                reply.cancel()
                worker.stop()

    async def _quick(self, worker: Worker, reply: asyncio.Future[Reply]) -> None:
        """Wait for as long as a task can be quick. On a machine that is busy with other things it has computed less."""
        bounds, loop = self.bounds, asyncio.get_running_loop()
        end = loop.time() + bounds.seconds
        await asyncio.wait({reply}, timeout=bounds.quick)
        while not reply.done() and worker.worked < bounds.computed and loop.time() < end:
            await asyncio.wait({reply}, timeout=bounds.quick / 4)

    async def _long_wait(self, worker: Worker, reply: asyncio.Future[Reply], slow: bool) -> None:
        if not slow:
            if self._long.locked():
                what = f"{self.bounds.long} others take long already, and this {self.craft.noun} does too"
                raise Refusal(503, what, "try again in a moment, or ask for less")
            await self._long.acquire()  # at once: it is not locked
        worker.lower()
        try:
            await asyncio.wait({reply}, timeout=self.bounds.seconds + _GRACE)
        finally:
            if not slow:
                self._long.release()
        if not reply.done():
            raise self._too_long()

    async def _guarded(self) -> None:
        """Start a loader whenever there is none."""
        while self._loader is not None:
            log.warning("the loader %s; another is started", _end(await self._loader.wait()))
            for worker in self._workers:
                worker.close()
            try:
                await self._load()
                self._trouble = None
            except CitelogError as error:
                self._trouble = error
                log.error("no new loader: %s", error)
                await asyncio.sleep(1)

    async def _load(self) -> None:
        """Start a loader and its workers. Raises CitelogError where it cannot be started, or load."""
        try:
            control, voice, handed = await self._launched()
        except OSError as error:
            remedy = "see how many processes and files the server may have, and whether there is memory for more"
            raise CitelogError(f"no process can be started: {error.strerror or error}", remedy) from error
        assert self._loader is not None
        self.told = await self._loaded(self._loader, control, voice, handed)

    async def _launched(self) -> tuple[socket.socket, socket.socket, list[int]]:
        """Start a loader: our end of its connection, what it says as it starts, and what its workers are handed."""
        pairs = [socket.socketpair() for _ in range(2 + self.bounds.workers)]
        ours, (its, error, *connections) = [our for our, _ in pairs], [their.fileno() for _, their in pairs]
        command = sys.executable, "-P", "-m", self.craft.program, str(its)
        null = asyncio.subprocess.DEVNULL
        try:
            self._loader = await asyncio.create_subprocess_exec(
                *command, pass_fds=(its, *connections), env=_environment(),
                stdin=null, stdout=null, stderr=error,  # until it loads (worker.keep)
                start_new_session=True,  # Ctrl-C is for the server alone; and Linux weighs sessions, not processes
            )  # fmt: skip
        except OSError:
            for our in ours:
                our.close()
            raise
        finally:
            for _, their in pairs:
                their.close()
        self._workers = [
            Worker(await asyncio.open_connection(sock=our), self._free, self._loader.kill) for our in ours[2:]
        ]
        return ours[0], ours[1], connections

    async def _loaded(
        self, loader: asyncio.subprocess.Process, control: socket.socket, voice: socket.socket, connections: list[int]
    ) -> Mapping[str, Any]:
        """Hand a loader what it is to load; what it says of it."""
        bounds = self.bounds
        message = {
            **self.craft.message,
            "connections": connections,
            "memory": bounds.memory,
            "seconds": bounds.seconds,
        }
        reader, writer = await asyncio.open_connection(sock=control)
        said = asyncio.create_task(_last_words(voice))
        try:
            writer.write(pack(message, self.craft.data))
            await writer.drain()
            reply, _ = await receive(reader)
        except (EOFError, ConnectionError) as error:
            words = await said
            what = f"the process that loads what is served {_end(await loader.wait())}"
            remedy = "check that all packages of citelog[serve] are installed, and that there is memory for it"
            raise CitelogError(f"{what}{words and ': '}{words}", remedy) from error
        finally:
            said.cancel()
            writer.close()
        match reply["kind"]:
            case "unreadable":
                raise CitelogError(f"{reply['source']}: {reply['message']}", "correct the file")
            case "failed":
                remedy = "see that citelog[serve] is installed as a whole, and has memory; or else report it"
                raise CitelogError(f"what is served cannot be loaded: {reply['message']}", remedy)
        return reply


def unstarted(error: CitelogError) -> Refusal:
    """What who asks is told where there are no workers, and why."""
    return Refusal(503, without_folders(error.message), without_folders(error.remedy))


def _end(status: int) -> str:
    """How a process ended, by its exit status as asyncio has it.

    >>> _end(1), _end(-9)
    ('ended with status 1', 'was ended by the system (SIGKILL), perhaps out of memory')
    """
    if status >= 0:
        return f"ended with status {status}"
    return f"was ended by the system ({signal.Signals(-status).name}), perhaps out of memory"


async def _last_words(voice: socket.socket) -> str:
    """The last line that a process says, to its end."""
    reader, writer = await asyncio.open_connection(sock=voice)
    said = b""
    try:
        while part := await reader.read(_SAID):
            said = (said + part)[-_SAID:]
    finally:
        writer.close()
    lines = said.decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _taken(process: int) -> float:
    """Seconds of a processor that a process has taken, by its clock (clock_getcpuclockid), or else by ours.

    >>> time.process_time() <= _taken(os.getpid()) <= time.process_time()
    True
    """
    try:
        return time.clock_gettime(~process << 3 | 2)
    except OSError:  # it has ended, or this system counts its clocks in another way
        return time.monotonic()


def _environment() -> dict[str, str]:
    """Ours, with the place from which citelog was imported here: the workers are to run the same.

    Arrow is to take memory as it needs it: by itself it reserves a gigabyte, which counts as if it were used.
    """
    package = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "ARROW_DEFAULT_MEMORY_POOL": "system"}
