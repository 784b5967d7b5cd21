"""A patient's pages: what is entered is kept under a reference, and every view of it has an address.

This process sees bytes: a worker reads what was entered, answers, and sets the page (`views`). A page of the record
that has gone asks for it again, and leads back to the same view.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from citelog.serve.consultation import Answered, Consultation
from citelog.serve.http.limits import Refusal
from citelog.serve.http.operations import FORM, JSON
from citelog.serve.http.requests import body_of, media_of, while_listening
from citelog.serve.kept import Kept
from citelog.serve.pages.shell import Shell

if TYPE_CHECKING:
    from starlette.requests import Request

FORMS = (FORM, "multipart/form-data")
_THEN = re.compile(r"(?!\.*(/|$)|.*/\.\.?(/|$))[^/\\\x00-\x1f][^\\\x00-\x1f]{0,300}")
"""A way back to a view of this record. It has no step up: that could lead to the answer about another."""


class Patients:
    """The resources below /patient and /examples."""

    def __init__(self, consultation: Consultation, kept: Kept, shell: Shell) -> None:
        self.consultation, self.kept, self.limits = consultation, kept, consultation.limits
        self.places = [[place.address, place.title] for place in shell.places]

    def routes(self) -> Iterator[Route]:
        """What leads where."""
        yield Route("/patient", self.entry)
        yield Route("/patient", self.enter, methods=["POST"])
        yield Route("/examples", self.examples)
        yield Route("/patient/{reference}/{view:path}", self.patient)
        yield Route("/patient/{reference}/what-if", self.change_patient, methods=["POST"])
        yield Route("/examples/{name}/{view:path}", self.example)
        yield Route("/examples/{name}/what-if", self.change_example, methods=["POST"])

    async def entry(self, request: Request) -> Response:
        """The page to enter a record on."""
        return await self._shown(request, "enter", b"")

    async def examples(self, request: Request) -> Response:
        """The cases of the knowledge base."""
        return await self._shown(request, "examples", b"")

    async def enter(self, request: Request) -> Response:
        """Keep what was entered, and lead to its page; or show what is wrong with it."""
        return await self._kept(request, "entered", b"")

    async def patient(self, request: Request) -> Response:
        """A view of a record that is kept; where it is kept no longer, the page that asks for it again."""
        reference, view = request.path_params["reference"], request.path_params["view"]
        record = self.kept.get(reference)
        if record is None:
            return await self._shown(request, "gone", b"", then=view)
        return await self._shown(request, view, record, base=f"/patient/{reference}")

    async def example(self, request: Request) -> Response:
        """A view of a case of the knowledge base."""
        name, view = request.path_params["name"], request.path_params["view"]
        return await self._shown(request, view, b"", base=f"/examples/{quote(name, safe='')}", example=name)

    async def change_patient(self, request: Request) -> Response:
        """Keep a record with changes, and lead to what they change."""
        reference = request.path_params["reference"]
        record = self.kept.get(reference)
        if record is None:
            return await self._shown(request, "gone", b"", then="what-if")
        return await self._kept(request, "changed", record, base=f"/patient/{reference}")

    async def change_example(self, request: Request) -> Response:
        """The same for a case of the knowledge base."""
        name = request.path_params["name"]
        return await self._kept(request, "changed", b"", base=f"/examples/{quote(name, safe='')}", example=name)

    async def _shown(self, request: Request, view: str, data: bytes, **more: str) -> Response:
        answered = await self._asked(request, view, data, **more)
        return Response(answered.data, answered.status, media_type=answered.media)

    async def _kept(self, request: Request, view: str, data: bytes, **more: str) -> Response:
        """What was sent, read by a worker: kept where it can be, and the page of what is wrong with it otherwise."""
        if media_of(request) not in FORMS:
            raise Refusal(415, f"a record is entered as {' or '.join(FORMS)}", "use the page, or /api/assess")
        body = await body_of(
            request, self.limits.consultation_request, self.limits.body_seconds, "enter a shorter record"
        )
        sent = {"media": request.headers["content-type"], "record": len(data)}
        then = request.query_params.get("then", "")
        answered = await self._asked(request, view, data + body, sent=sent, then=then, **more)
        if answered.media != JSON:
            return Response(answered.data, answered.status, media_type=answered.media)
        reference = self.kept.put(answered.data)
        if view == "changed":
            then = "what-if"
        return RedirectResponse(f"/patient/{reference}/{quote(then, safe='/:') if _THEN.fullmatch(then) else ''}", 303)

    async def _asked(self, request: Request, view: str, data: bytes, **more: Any) -> Answered:
        name, _, about = view.partition("/")
        page: Mapping[str, Any] = {"view": name, "about": about, "places": self.places, **more}
        return await while_listening(request, self.consultation.ask("page", data=data, page=page))
