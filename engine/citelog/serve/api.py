"""The JSON API: the questions of the commands, about one patient a request, with the commands' documents as answers.

A record comes in the body of a POST and never in an address, and no line of the log holds any of it. A worker reads
the request and makes the answer (`consultant`); what is here moves bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from starlette.responses import Response
from starlette.routing import Route

from citelog.serve.consultation import Answered, Consultation
from citelog.serve.http.accept import chosen
from citelog.serve.http.limits import Refusal
from citelog.serve.http.operations import JSON, OPERATIONS, Operation
from citelog.serve.http.requests import body_of, media_of, while_listening

if TYPE_CHECKING:
    from starlette.requests import Request


class Api:
    """The resources below /api."""

    def __init__(self, consultation: Consultation) -> None:
        self.consultation, self.limits = consultation, consultation.limits
        self._description = b""

    def routes(self) -> Iterator[Route]:
        """What leads where."""
        yield Route("/api/openapi.json", self.description)
        yield Route("/api/knowledge", self.knowledge)
        yield Route("/api/knowledge/{id:path}", self.found)
        yield Route("/api/query", self.query, methods=["GET", "POST"])
        for name in OPERATIONS:
            if name != "query":
                yield Route(f"/api/{name}", self.answer, methods=["POST"])

    async def answer(self, request: Request) -> Response:
        """The answer to a question about a patient."""
        return await self._answered(request, OPERATIONS[request.url.path.rpartition("/")[2]])

    async def query(self, request: Request) -> Response:
        """The answer to a query; by GET, what can be asked by name."""
        if request.method == "POST":
            return await self._answered(request, OPERATIONS["query"])
        return _sent(await self._of_knowledge(request, "queries"))

    async def knowledge(self, request: Request) -> Response:
        """What the knowledge base holds."""
        return _sent(await self._of_knowledge(request, "knowledge"))

    async def found(self, request: Request) -> Response:
        """One thing of the knowledge base."""
        return _sent(await self._of_knowledge(request, "found", request.path_params["id"]))

    async def description(self, request: Request) -> Response:
        """The OpenAPI description, with requests as examples that can be sent to this server."""
        if not self._description:
            from citelog.serve.openapi import description

            with_population = self.consultation.population is not None
            made = description(await self.consultation.examples(), with_population)
            text = json.dumps(made, ensure_ascii=False, indent=2)
            self._description = text.encode() + b"\n"
        return Response(self._description, media_type=JSON)

    async def _answered(self, request: Request, operation: Operation) -> Response:
        accept = request.headers.get("accept", "*/*")
        form = chosen(accept, operation.forms)
        if form is None:
            what = f"{request.url.path} has no answer in a form that you accept"
            raise Refusal(406, what, f"accept {', '.join(operation.forms)}")
        if media_of(request) != JSON:
            raise Refusal(
                415, f"a request comes as {JSON}", f"set Content-Type: {JSON}; a record in YAML is a text in it"
            )
        limits = self.limits
        body = await body_of(request, limits.consultation_request, limits.body_seconds, "send a shorter record")
        asked = self.consultation.ask(operation.name, accept if operation.name == "query" else form, body)
        return _sent(await while_listening(request, asked))

    async def _of_knowledge(self, request: Request, task: str, id_: str = "") -> Answered:
        if chosen(request.headers.get("accept"), (JSON,)) is None:
            raise Refusal(406, f"{request.url.path} is there as JSON only", f"accept {JSON}")
        return await self.consultation.ask(task, id_=id_)


def _sent(answered: Answered) -> Response:
    media = answered.media
    typed = f"{media}; charset=utf-8" if media.startswith("text/") else media
    return Response(answered.data, headers={"Vary": "Accept"}, media_type=typed)
