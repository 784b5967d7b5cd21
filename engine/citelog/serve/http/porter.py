"""Who is turned away before a request is read: whoever comes when all places are taken, and who has its share already.

Under ten times what can be answered, nearly all that the server's own process does is to refuse. Read as HTTP, told to
the application and written as HTTP, a refusal costs it more than twice as much as here, and all wait for one another.
"""

from __future__ import annotations

import asyncio
import logging
from functools import lru_cache

from citelog.serve.http.guard import HEADERS, refused
from citelog.serve.http.limits import Limits, Refusal
from citelog.serve.http.shares import Shares

log = logging.getLogger(__name__)

FORMS = ("/api/", "/health", "/cds-services", "/fhir")
"""How the addresses begin where only programs ask: what is refused there is told in their form (`guard.refused`)."""

LINGER = 2.0
"""Seconds for which the rest of a request that was refused is taken, and forgotten; then the connection ends."""

_CROWDED = "too many ask at a time", "try again in a moment"
_TOLD = 1.0  # seconds between two lines of the log, however many come


class Porter:
    """Who turns them away. Behind the addresses of `proxies` are users of their own, who each have a share."""

    def __init__(self, limits: Limits, shares: Shares, proxies: frozenset[str] = frozenset()) -> None:
        self.limits, self.shares, self.proxies = limits, shares, proxies
        self._turned = 0

    def refusal(self, client: str, under_way: int) -> Refusal | None:
        """Why nothing is read of what a client begins to send; None where it is. So many requests are under way.

        >>> porter = Porter(Limits(under_way=2), Shares(1))
        >>> porter.refusal("here", 1), str(porter.refusal("here", 2)).partition("\\n")[0]
        (None, 'too many ask at a time')
        """
        if under_way >= self.limits.under_way:
            return Refusal(503, *_CROWDED)
        return None if client in self.proxies else self.shares.refusal(client)

    def answer(self, refusal: Refusal, data: bytes) -> bytes:
        """A refusal as it goes over the wire, in the form of the address that `data` begins with."""
        self._count()
        method, _, rest = data[:64].partition(b" ")
        form = next((one for one in FORMS if rest.startswith(one.encode())), "/")
        head, body = _written(refusal.status, refusal.what, refusal.remedy, form)
        return head if method == b"HEAD" else head + body

    def _count(self) -> None:
        """A line for each would make the worst moment worse: one says how many there were."""
        if not self._turned:
            asyncio.get_running_loop().call_later(_TOLD, self._tell)
        self._turned += 1

    def _tell(self) -> None:
        log.warning("%d requests were turned away within %g s", self._turned, _TOLD)
        self._turned = 0


@lru_cache(16)
def _written(status: int, what: str, remedy: str, form: str) -> tuple[bytes, bytes]:
    """The head and the body of a refusal. Nothing of them is of the one who asked."""
    refusal = Refusal(status, what, remedy)
    answer = refused(refusal, form)
    headers = {**HEADERS, **answer.headers, "Connection": "close"}
    lines = [f"HTTP/1.1 {status} {refusal.status.phrase}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode(), bytes(answer.body)
