"""What every request and every answer passes, whatever its resource: the door, the headers, and the log.

A web page elsewhere may send requests to this machine through its visitor's browser. So a server on loopback
answers to loopback's names only (a foreign name that resolves to it gets nothing), a request that says it
comes from another origin is refused, and no answer carries a CORS header: no other site can read one. What a browser
asks on behalf of another site is refused even where it names no origin, but for a link that somebody follows. Hooks
alone may be called by pages of other origins, those that whoever starts the server has named.
The log says what was done and how long it took. A query may name a patient, so no line holds one.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping
from traceback import extract_tb
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, Response

from citelog.serve.http import outcomes, problems
from citelog.serve.http.limits import Refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # no-referrer would hide the origin of our own forms from us
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_PIECE = 64 << 10
"""Bytes of an answer that are sent at a time. It is under way until its client has taken all but the last of them."""


class Guard:
    """An application behind the door. `names` are the hosts that it answers to; None, any.

    Pages of `origins` may call its hooks (`*`: those of any).
    """

    def __init__(self, app: ASGIApp, names: frozenset[str] | None, origins: frozenset[str] = frozenset()) -> None:
        self.app, self.names, self.origins = app, names, origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on; either way the answer has its headers and a line in the log."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        scope = _in_origin_form(scope)
        started = time.perf_counter()
        status, length = 0, 0
        crossing = self._crossing(scope["path"], Headers(scope=scope))

        async def sent(message: Message) -> None:
            nonlocal status, length
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                if crossing:
                    headers.update(crossing)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)  # a page of ours may need a policy of its own
            body = message.get("body", b"")
            length += len(body)
            *starts, last = range(0, max(len(body), 1), _PIECE)
            for start in starts:
                await send({**message, "body": body[start : start + _PIECE], "more_body": True})
            await send({**message, "body": body[last:]} if starts else message)

        try:
            refusal = self._refusal(Headers(scope=scope), scope["method"], bool(crossing))
            if crossing and scope["method"] == "OPTIONS" and refusal is None:
                await Response(status_code=204)(scope, receive, sent)
            else:
                await (refused(refusal, scope["path"]) if refusal else self.app)(scope, receive, sent)
        except asyncio.CancelledError:  # the server stops: what is under way and takes too long is not finished
            if not status:
                stopped = Refusal(503, "the server stops", "ask again when it is back")
                await refused(stopped, scope["path"])(scope, receive, sent)
        except Exception as error:  # noqa: BLE001  the last resort: a fault of ours, told as one
            if not status:  # or else the resources have told it
                await refused(unforeseen(error), scope["path"])(scope, receive, sent)
        finally:
            form = scope.get("state", {}).get("form", "-")
            took = (time.perf_counter() - started) * 1e3
            path = _told(scope["path"], scope.get("path_params"), status)
            log.info("%s %s %s %s %.1f ms %d bytes", scope["method"], path, status or "left", form, took, length)

    def _crossing(self, path: str, headers: Headers) -> Mapping[str, str]:
        """What lets a page of another origin read an answer (https://fetch.spec.whatwg.org/#http-cors-protocol)."""
        origin = headers.get("origin", "")
        if not path.startswith("/cds-services") or not origin or not self.origins & {origin, "*"}:
            return {}
        return {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": "600",
            "Cross-Origin-Resource-Policy": "cross-origin",
            "Vary": "Origin",
        }

    def _refusal(self, headers: Headers, method: str, crossing: bool) -> Refusal | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if self.names is not None and _name(host) not in self.names:
            return Refusal(
                403, "this server answers on this machine only", f"ask one of {', '.join(sorted(self.names))}"
            )
        if origin is not None and not crossing and _place(origin) != host.lower():
            return Refusal(
                403, "requests from pages of other sites are refused", "ask from a program, or from our page"
            )
        if (
            not crossing
            and headers.get("sec-fetch-site") in ("cross-site", "same-site")
            and not _follows(headers, method)
        ):
            return Refusal(
                403, "another site has your browser ask this", "open the page itself, or follow a link to it"
            )
        return None


def _in_origin_form(scope: Scope) -> Scope:
    """A request whose target is a whole address, as proxies send it, as one that names the host in its header.

    The host of the target counts, whatever the header says (RFC 9112, 3.2.2).
    """
    if scope["path"].startswith("/"):
        return scope
    address = parts(scope["path"])
    if address.scheme not in ("http", "https") or not address.netloc:
        return scope
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {
        **scope,
        "path": "/" + scope["path"].partition("://")[2].partition("/")[2],
        "raw_path": b"/" + scope["raw_path"].partition(b"://")[2].partition(b"/")[2],
        "headers": [(b"host", address.netloc.encode("latin-1", "replace")), *others],
    }


def _follows(headers: Headers, method: str) -> bool:
    """Whether a browser opens a page for somebody who follows a link: in a window, and by GET.

    >>> _follows(Headers({"sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}), "GET")
    True
    >>> _follows(Headers({"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}), "GET")
    False
    """
    opens = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
    return method in ("GET", "HEAD") and opens == ("navigate", "document")


def _told(path: str, named: Mapping[str, str] | None, status: int) -> str:
    """A path as the log has it: what is no path of ours may say anything, and a reference leads to a patient's record.

    `named` is what stands in the path for the names in a route of ours, None where it was asked for by no route.

    >>> _told("/patient/q7Zk/why/a:b", {}, 200), _told("/patient", {}, 200), _told("/Mrs. Example", None, 403)
    ('/patient/…', '/patient', '…')
    >>> _told("/cds-services/Mrs. Example/feedback", {"id": "Mrs. Example"}, 415)
    '/cds-services/…/feedback'
    """
    if status in (0, 404) or named is None:
        return "…"
    if path.startswith("/patient/"):
        return "/patient/…"
    if status >= 400:  # nobody has found that what was named is ours
        for value in sorted(filter(None, named.values()), key=len, reverse=True):
            path = path.replace(value, "…")
    return path


def _name(host: str) -> str:
    """The name in a Host header.

    >>> _name("localhost:8000"), _name("[::1]:8000"), _name("nonsense:x:y")
    ('localhost', '::1', 'nonsense')
    """
    return parts(f"//{host}").hostname or ""


def _place(origin: str) -> str | None:
    """The name and the port of a site, as a Host header has them; None for what is no address, or has no host.

    >>> _place("https://Example.org:8000"), _place("null"), _place("https://"), _place("https://[")
    ('example.org:8000', None, None, None)
    """
    return parts(origin).netloc.lower() or None


def parts(address: str) -> SplitResult:
    """The parts of an address; what is none has none.

    >>> parts("https://example.org:8000/a").netloc, parts("https://[::1").netloc
    ('example.org:8000', '')
    """
    try:
        return urlsplit(address)
    except ValueError:  # a bracket that is not closed
        return urlsplit("")


def unforeseen(error: Exception) -> Refusal:
    """A fault of ours by where it came up, and not by its text: that may hold what is in a record."""
    last = extract_tb(error.__traceback__)[-1]
    return faulty(f"{type(error).__name__} at {last.filename}:{last.lineno}")


def faulty(place: str) -> Refusal:
    """A fault of ours, told without a word of what was asked: its id stands in the log, with its kind and place.

    The id is made of the place, so that one fault has one id, whoever meets it.
    """
    id_ = hashlib.sha256(place.encode()).hexdigest()[:8]
    log.error("a fault of citelog, %s: %s", id_, place)
    return Refusal(500, f"a fault of citelog, {id_}", "report this id, and what was asked, without the record")


def refused(refusal: Refusal, path: str) -> Response:
    """A refusal as an answer: problem details from the API, an OperationOutcome where FHIR is spoken, or two lines."""
    if path.startswith(("/api/", "/health")):
        return problems.answer(refusal)
    if path.startswith(("/cds-services", "/fhir")):
        return outcomes.answer(refusal)
    return PlainTextResponse(f"{refusal}\n", refusal.status, refusal.headers)
