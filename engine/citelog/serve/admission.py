"""Who may ask, where others than this machine can: whoever has the token, and whom a reverse proxy has made sure of.

A program sends the token with each request. Somebody at a browser signs in with it once, and has a cookie from then on
that no script can read and no other site can have sent. A proxy says in a header who it let in, and is believed by its
own address alone. No message of the server holds a token, a cookie or a name.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from citelog.diagnostics import CitelogError
from citelog.serve.http.accept import chosen
from citelog.serve.http.guard import refused
from citelog.serve.http.limits import Limits, Refusal
from citelog.serve.http.operations import FORM
from citelog.serve.http.requests import body_of, media_of
from citelog.serve.kept import Kept
from citelog.serve.pages.entered import sent
from citelog.serve.pages.shell import Shell

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "citelog"
SIGN_IN, SIGN_OUT = "/sign-in", "/sign-out"
OPEN = frozenset({"/health", "/style.css"})
"""What everybody may have: whether the server is well, and what the page to sign in on looks like."""

SHORTEST = 32
"""Letters of a token: nobody guesses one that was drawn."""

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_NAME = re.compile(r"[!#$%&'*+.^`|~\w-]+", re.ASCII)
_USER = re.compile(r"[^\x00-\x1f\x7f]{1,200}")
_THEN = re.compile(r"/(?![/\\])[^\\\x00-\x1f\x7f]{0,600}")
_PROXIES = frozenset({"127.0.0.1", "::1"})
_SENT = 4_096  # bytes of a form that is signed in with
_REMEDY = "sign in at /sign-in, or send Authorization: Bearer and the token of this server"


@dataclass(frozen=True, slots=True)
class Admission:
    """Who is let in: by the SHA-256 of a token, by the `header` in which a proxy says whom it let in, or by either.

    `proxies` are the addresses from which that header is believed, and `apart` the addresses of this server behind
    which somebody else asks who it is.
    """

    digest: bytes = b""
    header: str = ""
    proxies: frozenset[str] = _PROXIES
    apart: tuple[str, ...] = ()

    @classmethod
    def read(cls, file: Path | None, header: str | None, proxies: frozenset[str]) -> Admission:
        """What the options say. Raises CitelogError where a token is short or public, or a name is no header's."""
        if header is not None and not _NAME.fullmatch(header):
            raise CitelogError(f"--trusted-user-header {header}: this is no name of a header", "as in X-Remote-User")
        digest = b"" if file is None else hashlib.sha256(_token(file).encode()).digest()
        return cls(digest, (header or "").lower(), proxies or _PROXIES)

    def knows(self, token: str) -> bool:
        """Whether this is the token. How long that takes says nothing of how much of it is right."""
        return bool(self.digest) and hmac.compare_digest(hashlib.sha256(token.encode()).digest(), self.digest)

    def user(self, request: Request) -> str | None:
        """Whom the proxy has let in, None where no proxy says so, or more than one name comes."""
        if not self.header or request.client is None or request.client.host not in self.proxies:
            return None
        names = request.headers.getlist(self.header)
        return names[0] if len(names) == 1 and _USER.fullmatch(names[0]) else None

    def is_apart(self, path: str) -> bool:
        """Whether somebody else asks who it is at an address."""
        return any(path == one or path.startswith(f"{one}/") for one in self.apart)


def _token(file: Path) -> str:
    try:
        if file.stat().st_mode & 0o077:
            raise CitelogError(f"{file}: others than its owner may read this token", f"chmod 600 {file}")
        token = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or "this is no token"
        raise CitelogError(f"{file}: {what}", f"openssl rand -hex 32 > {file}; chmod 600 {file}") from error
    if len(token) < SHORTEST or not _TOKEN.fullmatch(token):
        what = f"a token has {SHORTEST} letters and digits at least, and no blank"
        raise CitelogError(f"{file}: {what}", f"openssl rand -hex 32 > {file}")
    return token


class Admitting:
    """An application that only those can ask who are let in, and the page on which they sign in."""

    def __init__(self, app: ASGIApp, admission: Admission, limits: Limits, seconds: Callable[[], float]) -> None:
        self.app, self.admission, self.limits = app, admission, limits
        self.shell = Shell(places=())  # nothing of what is served
        self.sessions = Kept(replace(limits, kept_seconds=limits.session_seconds), seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what somebody asks who is known; show everybody else how to be."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        request = Request(scope, receive)
        answer: Response | None
        try:
            answer = await self._answer(request)
        except Refusal as refusal:
            answer = refused(refusal, scope["path"])
        if answer is not None:
            return await answer(scope, receive, send)
        if (
            user := self.admission.user(request)
        ) is not None:  # each has a share of its own, though all come by one way
            scope["client"] = f"user {user}", 0
        return await self.app(scope, receive, send)

    async def _answer(self, request: Request) -> Response | None:
        """What is answered here, None where the application is to answer."""
        path = request.url.path
        if path in (SIGN_IN, SIGN_OUT):
            request.scope["path_params"] = {}
        if path == SIGN_IN and request.method == "POST":
            return await self._signing_in(request)
        if path == SIGN_OUT and request.method == "POST":
            self.sessions.drop(request.cookies.get(COOKIE, ""))
            answer = RedirectResponse(SIGN_IN, 303)
            answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
            return answer
        known = self._is_known(request)
        if path == SIGN_IN:
            return self._page("/", signed_in=known)
        if known or path in OPEN or self.admission.is_apart(path):
            return None
        refusal = Refusal(401, "this server answers those whom it knows", _REMEDY)
        if self.admission.digest and chosen(request.headers.get("accept"), ("text/plain", "text/html")) == "text/html":
            then = path + (f"?{request.url.query}" if request.url.query else "")
            return self._page(then if request.method == "GET" else "/", refusal)
        return refused(refusal, path)

    def _is_known(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return (
            (scheme.lower() == "bearer" and self.admission.knows(token.strip()))
            or self.admission.user(request) is not None
            or self.sessions.get(request.cookies.get(COOKIE, "")) is not None
        )

    async def _signing_in(self, request: Request) -> Response:
        if media_of(request) != FORM:
            raise Refusal(415, f"a token is sent as {FORM}", "use the page, or Authorization: Bearer")
        body = await body_of(request, _SENT, self.limits.body_seconds, "send the token alone")
        fields = sent(FORM, body)
        then = fields.get("then", "")
        then = then if _THEN.fullmatch(then) else "/"
        if not self.admission.knows(fields.get("token", "").strip()):
            return self._page(then, Refusal(401, "this is not the token of this server", "ask whoever runs it"), True)
        answer = RedirectResponse(then, 303)
        is_secure = "https" in (request.url.scheme, request.headers.get("x-forwarded-proto"))
        answer.set_cookie(COOKIE, self.sessions.put(b""), secure=is_secure, httponly=True, samesite="strict")
        return answer

    def _page(
        self, then: str, refusal: Refusal | None = None, is_wrong: bool = False, signed_in: bool = False
    ) -> Response:
        page = self.shell.page("sign_in.html", then=then, is_wrong=is_wrong, signed_in=signed_in)
        return HTMLResponse(page, refusal.status if refusal else HTTPStatus.OK, refusal.headers if refusal else None)
