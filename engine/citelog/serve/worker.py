"""The processes that hold the dataset: one that loads it, and workers forked from it that answer queries.

The server starts this file as a program of its own (it imports nothing of citelog). The loader takes the
dataset from one connection, forks a worker for each of the others that it was given, and forks again when one
ends: so the dataset is read once and is in memory once. A query cannot be stopped from within Python, so the
process that answers it is what is bounded:

- a timer that no handler catches ends it when a query takes too long, whether or not anybody watches;
- once the dataset is in memory, no further file descriptor can be had: no file opens and no connection is
  made, whatever a query asks for;
- memory beyond the dataset's is limited; what needs more ends the process.

When the server goes, however it goes, the connections close, and the workers and then the loader end.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import signal
import struct
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyoxigraph import QueryTriples, Store, Triple

HEAD = struct.Struct(">II")
"""Before each message: the lengths of its JSON and of the bytes that follow the JSON."""


class TooLargeError(Exception):
    """The result is larger than it may be."""


class UnwritableError(Exception):
    """The result cannot be written in the form asked for."""


class _Bounded(io.BytesIO):
    """Takes what is written until it is too much."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def write(self, part: Any) -> int:
        """Take a part. Raises TooLargeError."""
        if self.tell() + len(part) > self.most:
            raise TooLargeError
        return super().write(part)


def main(control: int) -> None:
    """Load the dataset that comes over a connection, say what is in it, and keep a worker for each of the others."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    first = _receive(control)
    if first is None:
        return
    message, data = first
    store = _load(control, message["sources"], data)
    if store is None:
        return
    graphs = sorted(graph.value for graph in store.named_graphs())
    _send(control, {"kind": "loaded", "graphs": graphs, "quads": len(store)})
    os.close(control)
    _confine(message["memory"])
    connections = message["connections"]
    workers = {_forked(store, connection, connections, message["seconds"]): connection for connection in connections}
    while workers:
        ended, status = os.wait()
        connection = workers.pop(ended)
        if status:  # or else its server has gone
            _send(connection, {"kind": "ended", "signal": os.WTERMSIG(status)})
            workers[_forked(store, connection, connections, message["seconds"])] = connection


def _forked(store: Store, connection: int, connections: list[int], seconds: float) -> int:
    """The id of a new process that answers what comes over a connection, until that closes."""
    worker = os.fork()
    if worker == 0:
        status = 1  # of a fault of ours
        try:
            for other in connections:
                if other != connection:
                    os.close(other)
            _work(store, connection, seconds)
            status = 0
        finally:
            os._exit(status)
    return worker


def _work(store: Store, connection: int, seconds: float) -> None:
    _send(connection, {"kind": "ready", "process": os.getpid()})
    while (received := _receive(connection)) is not None:
        asked, _ = received
        _send(connection, {"kind": "begun", "number": asked["number"]})
        signal.setitimer(signal.ITIMER_REAL, seconds)
        kind, said, body = _answer(store, asked)
        signal.setitimer(signal.ITIMER_REAL, 0)
        _send(connection, {"kind": kind, "message": said, "number": asked["number"]}, body)


def _load(control: int, sources: list[dict[str, Any]], data: bytes) -> Store | None:
    """The dataset; None where a source cannot be read, which is reported."""
    from pyoxigraph import NamedNode, RdfFormat, Store

    store, start = Store(), 0
    for source in sources:
        end = start + source["length"]
        try:
            form = RdfFormat.from_extension(source["form"])
            graph = NamedNode(source["graph"]) if source["graph"] else None
            store.bulk_load(data[start:end], form, base_iri=source["base"], to_graph=graph)
        except (SyntaxError, ValueError, OSError) as error:
            _send(control, {"kind": "unreadable", "source": source["name"], "message": str(error)})
            return None
        start = end
    return store


def _confine(memory: int) -> None:
    """From here on: no new file descriptor, no core file, and so much more memory."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))  # those that are open stay open
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 + memory
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _answer(store: Store, asked: dict[str, Any]) -> tuple[str, str, bytes]:
    """The kind of reply, what there is to say, and the result."""
    output = _Bounded(asked["most"])
    try:
        _evaluate(store, asked, output)
    except TooLargeError:
        return "large", "", b""
    except MemoryError:
        return "memory", "", b""
    except UnwritableError as error:
        return "unwritable", str(error), b""
    except SyntaxError as error:
        return "syntax", error.msg, b""
    except (ValueError, RuntimeError, OSError) as error:
        return "failed", str(error), b""
    return "answer", "", output.getvalue()


def _evaluate(store: Store, asked: dict[str, Any], output: _Bounded) -> None:
    from pyoxigraph import NamedNode, QueryResultsFormat, QueryTriples, RdfFormat, serialize

    default, named = asked["default_graphs"], asked["named_graphs"]
    found = store.query(
        asked["query"],
        base_iri=asked["base"],
        use_default_graph_as_union=asked["union"],
        default_graph=None if default is None else [NamedNode(graph) for graph in default],
        named_graphs=None if named is None else [NamedNode(graph) for graph in named],
    )
    if isinstance(found, QueryTriples):
        form = RdfFormat.from_media_type(asked["media"])
        triples = _nameable(found) if form == RdfFormat.RDF_XML else found
        serialize(triples, output, form, prefixes=asked["prefixes"])
    else:
        found.serialize(output, QueryResultsFormat.from_media_type(asked["media"]))


def _nameable(triples: QueryTriples) -> Iterator[Triple]:
    """The triples, as long as each predicate ends in what XML takes for a name."""
    for triple in triples:
        if not re.search(r"[^\W\d][\w.-]*$", triple.predicate.value):
            raise UnwritableError(f"RDF/XML has no way to write the property <{triple.predicate.value}>")
        yield triple


def _receive(connection: int) -> tuple[dict[str, Any], bytes] | None:
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


def _send(connection: int, message: dict[str, Any], body: bytes = b"") -> None:
    rest = memoryview(pack(message, body))
    while rest:
        rest = rest[os.write(connection, rest) :]


def pack(message: dict[str, Any], body: bytes = b"") -> bytes:
    """A message as it goes over the wire."""
    text = json.dumps(message).encode()
    return HEAD.pack(len(text), len(body)) + text + body


if __name__ == "__main__":
    main(int(sys.argv[1]))
