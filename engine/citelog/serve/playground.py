"""The playground: a page on which rules and a case are edited side by side, and what is asked from it.

Drafts are sent as JSON and come back tried: findings, conclusions with their proofs, what differs from the saved
files. Nothing is written but by `/playground/save`, which is there only where the server was told so, and answers
only to our own page: a request that names no origin, or another than ours, is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from citelog.knowledge.base import Knowledge
from citelog.serve.bench import Bench
from citelog.serve.http.limits import Refusal
from citelog.serve.http.requests import body_of, media_of, while_listening
from citelog.serve.pages import own
from citelog.serve.pages.shell import Shell

if TYPE_CHECKING:
    from starlette.requests import Request

JSON = "application/json"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
"""What the page may load: our own script and style, and nothing from elsewhere."""


@dataclass(frozen=True, slots=True)
class Playground:
    """The resources below /playground, for one knowledge base."""

    bench: Bench
    knowledge: Knowledge

    async def page(self, shell: Shell, request: Request) -> Response:
        """The page itself."""
        text = own.playground_page(shell, self.knowledge, self.bench.edit)
        return Response(text, headers={"Content-Security-Policy": POLICY}, media_type="text/html")

    async def files(self, request: Request) -> Response:
        """The files as they are saved, and their version."""
        state = self.bench.state()
        return JSONResponse({"version": state.version, "edit": self.bench.edit, "files": dict(state.texts)})

    async def one(self, request: Request) -> Response:
        """One case with drafts."""
        asked = await self._asked(request)
        case = _object(asked, "case")
        tried = {"drafts": _texts(asked, "drafts"), "case": {"name": _text(case, "name"), "text": _text(case, "text")}}
        return await self._answer(request, "one", asked, tried)

    async def all(self, request: Request) -> Response:
        """All cases with drafts."""
        asked = await self._asked(request)
        return await self._answer(request, "all", asked, {"drafts": _texts(asked, "drafts")})

    async def patch(self, request: Request) -> Response:
        """The drafts as a patch."""
        asked = await self._asked(request)
        return await self._answer(request, "patch", asked, {"drafts": _texts(asked, "drafts")})

    async def save(self, request: Request) -> Response:
        """Write the drafts to the files."""
        if not self.bench.edit:
            raise Refusal(403, "this server saves nothing", "start it with --edit")
        if (
            request.headers.get("origin") is None
            or request.headers.get("sec-fetch-site", "same-origin") != "same-origin"
        ):
            raise Refusal(403, "only our own page may save", "use the page")
        asked = await self._asked(request)
        self.bench.save(_texts(asked, "drafts"), _texts(asked, "started"))
        return await self.files(request)

    async def _asked(self, request: Request) -> Mapping[str, Any]:
        """The JSON object that a request brings. Raises Refusal."""
        if media_of(request) != JSON:
            raise Refusal(415, f"drafts come as {JSON}", "set Content-Type")
        limits = self.bench.limits
        data = await body_of(request, limits.draft_request, limits.body_seconds, "send fewer or shorter drafts")
        try:
            asked = json.loads(data.decode())
        except (ValueError, RecursionError) as error:
            raise Refusal(400, f"the request is no JSON: {error}", "send a JSON object") from error
        if not isinstance(asked, dict):
            raise Refusal(400, "the request is no JSON object", "send a JSON object")
        return asked

    async def _answer(
        self, request: Request, task: str, asked: Mapping[str, Any], tried: Mapping[str, Any]
    ) -> Response:
        request.state.form = task  # for the log
        found = await while_listening(request, self.bench.ask(task, _text(asked, "version"), tried))
        return Response(found, media_type=JSON)


def _object(asked: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = asked.get(key)
    if not isinstance(value, dict):
        raise Refusal(400, f"the request has no object {key}", "send one")
    return value


def _text(asked: Mapping[str, Any], key: str) -> str:
    value = asked.get(key)
    if not isinstance(value, str):
        raise Refusal(400, f"the request has no text {key}", "send one")
    return _whole(value)


def _texts(asked: Mapping[str, Any], key: str) -> dict[str, str]:
    found = _object(asked, key)
    if not all(isinstance(text, str) for text in found.values()):
        raise Refusal(400, f"something in {key} is no text", "send the texts of files, by their names")
    return {_whole(name): _whole(text) for name, text in found.items()}


def _whole(text: str) -> str:
    """A text of whole characters: JSON can write halves of them, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Refusal(400, "half a character (a surrogate) stands in a text", "send whole characters") from error
    return text
