"""The process that listens: a socket, the HTTP server on it, and an orderly end."""

from __future__ import annotations

import asyncio
import errno
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address

import uvicorn

from citelog.diagnostics import CitelogError
from citelog.graph.library import Query as Stored
from citelog.serve.admission import Admission
from citelog.serve.app import Served, application
from citelog.serve.http import connections
from citelog.serve.http.guard import LOOPBACK
from citelog.serve.http.limits import Limits
from citelog.serve.http.porter import Porter
from citelog.serve.http.shares import Shares
from citelog.serve.queries import Queries
from citelog.serve.workers.dataset import Dataset

_OFTEN = 700, 10, 10
"""How many objects more than gone have the collector look at them: Python's own numbers."""


_REMEDIES = {
    errno.EADDRINUSE: "name another: --port N, or --port 0 for a free one",
    errno.EACCES: "name one that is not kept for root: --port N, of 1024 or more",
}
_HOST = "name an address of this machine: --host 127.0.0.1, or --host ::1"
"""What to try where a port is not to be had, or where it is the host."""


def serve(
    dataset: Dataset,
    library: Sequence[Stored],
    host: str,
    port: int,
    limits: Limits,
    started: Callable[[str, Queries], None],
    served: Served | None = None,
    admission: Admission | None = None,
    names: Sequence[str] = (),
) -> None:
    """Serve until SIGINT or SIGTERM; port 0 takes a free one. `started` is told the address once queries are answered.

    `served` is the knowledge base, where it is one, `admission` who is let in, where not everybody is. `names` are
    what those call this server who ask; without one, any will do where it listens to other machines.
    Raises CitelogError where the address is not to be had or the dataset cannot be read.
    """
    asyncio.run(_serve(dataset, library, host, port, limits, started, served, admission, names))


async def _serve(
    dataset: Dataset,
    library: Sequence[Stored],
    host: str,
    port: int,
    limits: Limits,
    started: Callable[[str, Queries], None],
    served: Served | None,
    admission: Admission | None,
    called: Sequence[str],
) -> None:
    most = connections.room(limits.connections)
    connections.listen_on(asyncio.get_running_loop())
    with _listener(host, port) as listener:
        async with Queries(dataset, limits) as queries, _ending(served):
            is_here = is_loopback(listener.getsockname()[0])
            names = LOOPBACK | {host.lower(), *called} if is_here or called else None
            shares = Shares(limits.one_client)
            proxies = admission.proxies if admission is not None and admission.header else frozenset[str]()
            config = uvicorn.Config(
                application(queries, library, names, served, admission, shares),
                http=connections.protocol(limits, Porter(limits, shares, proxies), most),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,  # its lines would hold the queries
                server_header=False,
                proxy_headers=False,
                backlog=most,
                timeout_graceful_shutdown=limits.closing_seconds,
                h11_max_incomplete_event_size=limits.request,
            )
            logging.getLogger("uvicorn").setLevel(logging.ERROR)
            _settle()
            started(f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}/", queries)
            if served is not None:
                served.consultation.start()  # and nobody waits for it but who asks about a patient
            await _Server(config).serve(sockets=[listener])


def _settle() -> None:
    """From here on the collector looks at what requests leave, and often; at what is loaded, which stays, no more.

    A command lets garbage be until it ends (`citelog.cli`). A server that did would hold the bodies of a thousand
    connections, and what they are cut from would not be given back.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_OFTEN)


@asynccontextmanager
async def _ending(served: Served | None) -> AsyncIterator[None]:
    """Afterwards, no worker of a knowledge base is left."""
    try:
        yield
    finally:
        if served is not None:
            await served.consultation.close()
            await served.playground.bench.close()
            if served.browsing is not None:
                await served.browsing.counting.close()


class _Server(uvicorn.Server):
    """uvicorn's server, but a signal that ends it is not raised again afterwards: the workers have to end first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def is_loopback(host: str) -> bool:
    """Whether only this machine can ask at an address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() in LOOPBACK


def _listener(host: str, port: int) -> socket.socket:
    try:
        if not host:  # which would be every address of this machine
            raise OSError("no address is named")
        socket.getaddrinfo(host, port)  # a name that can be none would leave a socket behind
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, UnicodeError) as error:
        what = (getattr(error, "strerror", None) or str(error)).partition(" (")[0]
        remedy = _REMEDIES.get(getattr(error, "errno", None) or 0, _HOST)
        raise CitelogError(f"--host {host} --port {port}: {what}", remedy) from error
    # asyncio does so only for sockets that say they are TCP; without it each answer waits 40 ms for an acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
