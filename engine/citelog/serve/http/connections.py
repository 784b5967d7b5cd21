"""Connections: how long each may take for what, and which one gives way where too many are open.

One that nothing is asked over keeps nobody waiting, whoever has a thousand of them: it counts as open, and where one
more comes than may be open, the one that has been waited for longest ends. What is asked at a time the porter bounds.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import resource
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from citelog.diagnostics import CitelogError
from citelog.serve.http.limits import Limits
from citelog.serve.http.porter import LINGER, Porter

log = logging.getLogger(__name__)

_OWN = 48  # files of the server's own: what it listens on, and the ends of what leads to its workers
_LEAST = 8  # connections, or nobody could work with it
_SHORT = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""Why the system gives no connection, though one is there."""


def room(most: int) -> int:
    """How many connections may be open: `most`, or what files this process may have. It lets itself have those needed.

    That is twice as many: so many are taken at a time, before those end that give way. Raises CitelogError where the
    files are too few for anything.
    """
    may, at_most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * most + _OWN
    if may != resource.RLIM_INFINITY and may < wanted:
        raised = wanted if at_most == resource.RLIM_INFINITY else min(wanted, at_most)
        with contextlib.suppress(OSError, ValueError):  # a system that has another bound besides
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, at_most))
            may = raised
    if may == resource.RLIM_INFINITY:
        return most
    if may < 2 * _LEAST + _OWN:
        what = f"a server cannot do with {may} open files"
        raise CitelogError(what, f"let the process open more of them: ulimit -n {wanted}")
    return min(most, (may - _OWN) // 2)


def listen_on(loop: asyncio.AbstractEventLoop) -> None:
    """Where no connection can be taken, one line a second says so: of asyncio's own, there would be thousands."""
    told = False

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal told
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _SHORT:
            return loop.default_exception_handler(context)
        if not told:
            log.warning("connections wait: %s", error.strerror)
            told = True
            loop.call_later(1, again)

    def again() -> None:
        nonlocal told
        told = False

    loop.set_exception_handler(handle)


def protocol(limits: Limits, porter: Porter, most: int) -> type[asyncio.Protocol]:
    """uvicorn's HTTP protocol with a porter, of which `most` are open, and an end to patience.

    For the head of a request, for all of it with its answer, and for what of an answer its client does not take.
    """
    waiting: dict[Timed, None] = {}  # those that nothing is asked over, the longest first
    asked: set[Timed] = set()

    class Timed(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None
        _is_turned_away = False
        _is_untaken = False  # the deadline is for what was answered, and nothing has begun since

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if len(self.connections) > most and waiting:
                longest = next(iter(waiting))
                del waiting[longest]
                longest.transport.abort()
            self._waits()
            self._end_after(limits.head_seconds)

        def data_received(self, data: bytes) -> None:
            if self._is_turned_away or (self._head_missing and self._turned_away(data)):
                return
            if self._deadline is None or self._is_untaken:
                self._end_after(limits.head_seconds)
            was_asked = self._is_asked
            super().data_received(data)
            if self._is_asked and not was_asked:
                self._works()

        def on_response_complete(self) -> None:
            self._cancel()  # from here on uvicorn's own time for an idle connection counts
            self._waits()
            super().on_response_complete()
            if self._is_asked:  # the next had come already
                self._works()
            elif self.transport.get_write_buffer_size():
                self._is_untaken = True
                self._deadline = self.loop.call_later(limits.exchange_seconds, self._end_untaken)

        def send_400_response(self, msg: str) -> None:
            what = f"{msg} Its head is malformed, or longer than {limits.request:,} bytes.\n"
            super().send_400_response(f"{what}  = send a long query by POST\n")

        def connection_lost(self, exc: Exception | None) -> None:
            self._cancel()
            waiting.pop(self, None)
            asked.discard(self)
            super().connection_lost(exc)

        def _turned_away(self, data: bytes) -> bool:
            """Whether a request that begins is refused, unread.

            What is still on its way is taken and forgotten: a connection closed upon it would be reset, and the
            client might not see why.
            """
            refusal = porter.refusal((self.client or ("",))[0], len(asked))
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

        @property
        def _is_asked(self) -> bool:
            return self.cycle is not None and not self.cycle.response_complete

        def _waits(self) -> None:
            asked.discard(self)
            waiting[self] = None

        def _works(self) -> None:
            waiting.pop(self, None)
            asked.add(self)
            self._end_after(limits.exchange_seconds)

        def _end_after(self, seconds: float) -> None:
            self._cancel()
            self._deadline = self.loop.call_later(seconds, self.transport.abort)

        def _end_untaken(self) -> None:
            self._cancel()
            if self.transport.get_write_buffer_size():
                self.transport.abort()

        def _cancel(self) -> None:
            self._is_untaken = False
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return Timed
