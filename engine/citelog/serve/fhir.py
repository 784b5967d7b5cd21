"""The resources of FHIR R4: what the server can do, the knowledge as definitions, and `$evaluate` about a record.

Everything is answered by the workers (`consultant`); nothing is kept of what is asked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from citelog.serve.consultation import Consultation
from citelog.serve.http.accept import chosen
from citelog.serve.http.limits import Refusal
from citelog.serve.http.operations import FHIR, JSON
from citelog.serve.http.requests import body_of, media_of, while_listening
from citelog.serve.workers.capability import SEARCHED

if TYPE_CHECKING:
    from starlette.requests import Request

FORMS = {"json": FHIR, FHIR: FHIR, JSON: JSON}
"""The forms of an answer, by what `_format` may say."""


class Fhir:
    """The resources below /fhir."""

    def __init__(self, consultation: Consultation) -> None:
        self.consultation = consultation

    def routes(self) -> Iterator[Route]:
        """What leads where."""
        yield Route("/fhir/metadata", self.metadata)
        yield Route("/fhir/$evaluate", self.evaluate, methods=["POST"])
        yield Route("/fhir/{type}", self.search)
        yield Route("/fhir/{type}/{id}", self.kept)

    async def metadata(self, request: Request) -> Response:
        """The CapabilityStatement."""
        return await self._told(request, "metadata")

    async def kept(self, request: Request) -> Response:
        """A resource that is kept."""
        return await self._told(request, f"{request.path_params['type']}/{request.path_params['id']}")

    async def search(self, request: Request) -> Response:
        """The resources of a type that are kept, those of an `_id` or a `url` where one is given."""
        given = {name: text for name, text in request.query_params.items() if name != "_format"}
        for name in given:
            if name not in SEARCHED:
                remedy = f"search by {' or '.join(SEARCHED)}; GET /fhir/metadata says so"
                raise Refusal(400, f"there is no search parameter {name[:60]}", remedy, where=name[:60])
        return await self._told(request, request.path_params["type"], json.dumps(given).encode())

    async def evaluate(self, request: Request) -> Response:
        """What the document says about a record: a GuidanceResponse, proposals, and where each comes from."""
        media = _form(request)
        if media_of(request) not in (FHIR, JSON):
            raise Refusal(415, f"a record comes as {FHIR}", f"set Content-Type: {FHIR}")
        limits = self.consultation.limits
        body = await body_of(request, limits.consultation_request, limits.body_seconds, "send a shorter record")
        asked = self.consultation.ask("evaluate", media, body, interface="POST /fhir/$evaluate")
        answered = await while_listening(request, asked)
        return Response(answered.data, headers={"Vary": "Accept"}, media_type=answered.media)

    async def _told(self, request: Request, id_: str, searched: bytes = b"") -> Response:
        media = _form(request)
        answered = await self.consultation.ask("definitions", media, searched, id_)
        return Response(answered.data, headers={"Vary": "Accept"}, media_type=answered.media)


def _form(request: Request) -> str:
    """The media type of the answer. Raises Refusal where what is wanted is not JSON."""
    named = request.query_params.get("_format")
    media = FORMS.get(named.split(";")[0].strip()) if named else chosen(request.headers.get("accept"), (FHIR, JSON))
    if media is None:
        raise Refusal(406, "FHIR is spoken in JSON here", f"accept {FHIR}")
    return media
