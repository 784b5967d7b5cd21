"""How much one client may ask at a time, whatever the resource: so that one cannot keep all others waiting."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from citelog.serve.guard import refused
from citelog.serve.limits import Refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class Shares:
    """An application of which one client has at most `most` requests under way."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self.app, self.most = app, most
        self._asking: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse what is more than the client's share, or pass on."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        client = (scope.get("client") or ("",))[0]
        if self._asking[client] >= self.most:
            what = f"{self._asking[client]} requests of this client are under way"
            refusal = Refusal(429, what, "wait for some of the answers, then ask again")
            return await refused(refusal, scope["path"])(scope, receive, send)
        self._asking[client] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self._asking[client] -= 1
            if not self._asking[client]:
                del self._asking[client]
