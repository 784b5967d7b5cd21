"""The process that listens: a socket, the HTTP server on it, and an orderly end."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from ipaddress import ip_address
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from citelog.diagnostics import CitelogError
from citelog.graph.library import Query as Stored
from citelog.serve.admission import Admission
from citelog.serve.app import Served, application
from citelog.serve.http.guard import LOOPBACK
from citelog.serve.http.limits import Limits
from citelog.serve.http.porter import LINGER, Porter
from citelog.serve.http.shares import Shares
from citelog.serve.queries import Queries
from citelog.serve.workers.dataset import Dataset

_OFTEN = 700, 10, 10
"""How many objects more than gone have the collector look at them: Python's own numbers."""


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
    with _listener(host, port) as listener:
        async with Queries(dataset, limits) as queries, _ending(served):
            is_here = is_loopback(listener.getsockname()[0])
            names = LOOPBACK | {host.lower(), *called} if is_here or called else None
            shares = Shares(limits.one_client)
            proxies = admission.proxies if admission is not None and admission.header else frozenset[str]()
            config = uvicorn.Config(
                application(queries, library, names, served, admission, shares),
                http=_protocol(limits, Porter(limits, shares, proxies)),
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,  # its lines would hold the queries
                server_header=False,
                proxy_headers=False,
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
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as error:
        what = (getattr(error, "strerror", None) or str(error)).partition(" (")[0]
        raise CitelogError(
            f"{host} port {port}: {what}", "name another: --port N, or --port 0 for a free one"
        ) from error
    # asyncio does so only for sockets that say they are TCP; without it each answer waits 40 ms for an acknowledgement
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _protocol(limits: Limits, porter: Porter) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol with a porter, and an end to patience: for the head of a request, and for all of it."""

    class Timed(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None
        _is_turned_away = False

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._end_after(limits.head_seconds)

        def data_received(self, data: bytes) -> None:
            waited = self._head_missing
            if self._is_turned_away or (waited and self._turned_away(data)):
                return
            if self._deadline is None:
                self._end_after(limits.head_seconds)
            super().data_received(data)
            if waited and not self._head_missing:
                self._end_after(limits.exchange_seconds)

        def on_response_complete(self) -> None:
            self._cancel()  # from here on uvicorn's own time for an idle connection counts
            super().on_response_complete()

        def send_400_response(self, msg: str) -> None:
            what = f"{msg} Its head is malformed, or longer than {limits.request:,} bytes.\n"
            super().send_400_response(f"{what}  = send a long query by POST\n")

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel()
            super().connection_lost(exc)

        def _turned_away(self, data: bytes) -> bool:
            """Whether a request that begins is refused, unread.

            What is still on its way is taken and forgotten: a connection closed upon it would be reset, and the
            client might not see why.
            """
            refusal = porter.refusal((self.client or ("",))[0], len(self.connections))
            if refusal is None:
                return False
            self._is_turned_away = True
            self._end_after(LINGER)
            self.transport.write(porter.answer(refusal, data))
            self.transport.write_eof()
            return True

        @property
        def _head_missing(self) -> bool:
            return self.conn.their_state is h11.IDLE

        def _end_after(self, seconds: float) -> None:
            self._cancel()
            self._deadline = self.loop.call_later(seconds, self.transport.abort)

        def _cancel(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Timed
