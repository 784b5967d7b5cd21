"""How much one client may ask at a time, whatever the resource: so that one cannot keep all others waiting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from citelog.serve.http.guard import refused
from citelog.serve.http.limits import Refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Shares:
    """The requests that are under way, of each client at most `most`."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._asking: Counter[str] = Counter()

    def refusal(self, client: str) -> Refusal | None:
        """Why this client may not ask now, None where it may."""
        if self._asking.get(client, 0) < self.most:
            return None
        what = f"{self.most} requests of this client are under way"
        return Refusal(429, what, "wait for some of the answers, then ask again")

    @contextmanager
    def one(self, client: str) -> Iterator[None]:
        """Within, a request of this client is under way."""
        self._asking[client] += 1
        try:
            yield
        finally:
            self._asking[client] -= 1
            if not self._asking[client]:
                del self._asking[client]


class Shared:
    """An application of which each client has its share."""

    def __init__(self, app: ASGIApp, shares: Shares) -> None:
        self.app, self.shares = app, shares

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is more than the client's share, or pass on."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        client = (scope.get("client") or ("",))[0]
        if (refusal := self.shares.refusal(client)) is not None:
            return await refused(refusal, scope["path"])(scope, receive, send)
        with self.shares.one(client):
            await self.app(scope, receive, send)
