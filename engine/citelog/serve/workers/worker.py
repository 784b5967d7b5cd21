"""The processes that work for the server: one that loads what they all need, and workers forked from it.

A program of this kind (`querier`, `drafter`) calls `keep`. The loader takes what is to be loaded from one connection,
forks a worker for each of the others that it was given, and forks again when one ends: so everything is read once
and is in memory once. Work cannot be stopped from within Python, so the process that does it is what is bounded:

- a timer that no handler catches ends it when the work takes too long, whether or not anybody watches;
- once all is loaded, no further file descriptor can be had: no file opens and no connection is made, whatever
  is asked for;
- memory beyond what is loaded is limited; what needs more ends the process.

When the server goes, however it goes, the connections close, and the workers and then the loader end.
"""

from __future__ import annotations

import gc
import io
import json
import os
import resource
import signal
import struct
from collections.abc import Callable
from pathlib import Path
from traceback import extract_tb
from typing import Any, TypeVar

HEAD = struct.Struct(">II")
"""Before each message: the lengths of its JSON and of the bytes that follow the JSON."""

BEHIND = 10
"""The priority of workers; 0 is the server's. What it does for anybody is short, and everybody waits for it.

It counts where all run in one group of a service or a container. Elsewhere Linux weighs sessions (sched(7), autogroup),
and the workers are one of their own: in the server's, who works long would use up what the server is to be given.
"""

Message = dict[str, Any]
Held = TypeVar("Held")
Work = Callable[[Held, Message, bytes, "Bounded"], None]
"""What a worker does with what it holds, a message and the bytes after it: it writes a result."""


class UnreadableError(Exception):
    """Something cannot be loaded: `source` is its name."""

    def __init__(self, source: str, message: str) -> None:
        self.source = source
        super().__init__(message)


class NoResultError(Exception):
    """There is no result: the kind of reply that says why, and what there is to say."""

    def __init__(self, kind: str, message: str = "") -> None:
        self.kind = kind
        super().__init__(message)


class Bounded(io.BytesIO):
    """Takes what is written until it is too much."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def write(self, part: Any) -> int:
        """Take a part. Raises NoResultError."""
        if self.tell() + len(part) > self.most:
            raise NoResultError("large")
        return super().write(part)


def keep(
    control: int,
    load: Callable[[Message, bytes], tuple[Held, Message]],
    work: Work[Held],
) -> None:
    """Load what comes over a connection, say what it is, and keep a worker for each of the other connections.

    `load` gives what the workers hold, and what is said of it; it raises UnreadableError. `work` writes a result, or
    raises NoResultError. Until here the server hears what is said on standard error, and from here on nobody: what a
    crash says may quote what is loaded.
    """
    os.dup2(1, 2)  # where nobody listens
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    first = _receive(control)
    if first is None:
        return
    message, data = first
    try:
        held, told = load(message, data)
    except UnreadableError as error:
        _send(control, {"kind": "unreadable", "source": error.source, "message": str(error)})
        return
    except BaseException as error:  # noqa: BLE001  whatever it is, the server tells why nothing is answered
        _send(control, {"kind": "failed", "message": _cause(error)})
        return
    _send(control, {"kind": "loaded", **told})
    os.close(control)
    _confine(message["memory"])
    gc.freeze()  # what is loaded stays, and in memory once: in a worker the collector does not touch it
    connections = message["connections"]

    def forked(connection: int) -> int:
        """The id of a new process that answers what comes over a connection, until that closes."""
        worker = os.fork()
        if worker == 0:
            status = 1  # of a fault of ours
            try:
                for other in connections:
                    if other != connection:
                        os.close(other)
                _work(held, work, connection, message["seconds"])
                status = 0
            finally:
                os._exit(status)
        return worker

    workers = {forked(connection): connection for connection in connections}
    while workers:
        ended, status = os.wait()
        connection = workers.pop(ended)
        if status:  # or else its server has gone
            _send(connection, {"kind": "ended", "signal": os.WTERMSIG(status)})
            workers[forked(connection)] = connection


def place(error: BaseException) -> str:
    """What kind of fault it is, and where: not its text, which may hold what is in a record."""
    last = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"


def _cause(error: BaseException) -> str:
    """Why nothing could be loaded."""
    match error:
        case MemoryError():
            return "there is not enough memory"
        case ImportError(name=str(name)):
            return f"the library {name} cannot be loaded"
        case NoResultError(kind="fault"):
            return f"a fault of citelog: {error}"
    return f"a fault of citelog: {place(error)}"


def _work(held: Held, work: Work[Held], connection: int, seconds: float) -> None:
    os.nice(BEHIND)
    _send(connection, {"kind": "ready", "process": os.getpid()})
    while (received := _receive(connection)) is not None:
        asked, data = received
        _send(connection, {"kind": "begun", "number": asked["number"]})
        signal.setitimer(signal.ITIMER_REAL, seconds)
        kind, said, body = _done(held, work, asked, data)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _send(connection, {"kind": kind, "message": said, "number": asked["number"]}, body)


def _done(held: Held, work: Work[Held], asked: Message, data: bytes) -> tuple[str, str, bytes]:
    """The kind of reply, what there is to say, and the result."""
    output = Bounded(asked["most"])
    try:
        work(held, asked, data, output)
    except NoResultError as error:
        return error.kind, str(error), b""
    except (MemoryError, RecursionError):
        return "memory", "", b""
    return "answer", "", output.getvalue()


def _confine(memory: int) -> None:
    """From here on: no new file descriptor, no core file, and so much more memory."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # those that are open stay open
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + memory
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _receive(connection: int) -> tuple[Message, bytes] | None:
    """The next message; None when there is nobody any more to send one."""
    head = _read(connection, HEAD.size)
    if len(head) < HEAD.size:
        return None
    length, rest = HEAD.unpack(head)
    return json.loads(_read(connection, length)), _read(connection, rest)


def _read(connection: int, length: int) -> bytes:
    parts = []
    while length > 0 and (part := os.read(connection, min(length, 1 << 20))):
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _send(connection: int, message: Message, body: bytes = b"") -> None:
    rest = memoryview(pack(message, body))
    while rest:
        rest = rest[os.write(connection, rest) :]


def pack(message: Message, body: bytes = b"") -> bytes:
    """A message as it goes over the wire."""
    text = json.dumps(message).encode()
    return HEAD.pack(len(text), len(body)) + text + body
