"""The resources of CDS Hooks 2.0: which services there are, their cards, and what became of these.

A worker reads a call and makes its cards, as for the API (`consultant`). What is here moves bytes, lets in whom it may,
and keeps feedback, which says nothing about a patient.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from citelog.hooks import notices
from citelog.hooks.request import RequestError
from citelog.serve.consultation import Consultation
from citelog.serve.http.feedback import Feedback
from citelog.serve.http.limits import Refusal
from citelog.serve.http.operations import JSON
from citelog.serve.http.requests import body_of, media_of, while_listening
from citelog.serve.http.tokens import Tokens
from citelog.serve.kept import Kept, new_reference

if TYPE_CHECKING:
    from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Callers:
    """Who may call: pages of these origins, beside programs; with `tokens`, only who signs each call."""

    origins: frozenset[str] = frozenset()
    tokens: Tokens | None = None


class Hooks:
    """The resources below /cds-services. Cards have links where records are `kept` for pages."""

    def __init__(
        self, consultation: Consultation, feedback: Feedback, callers: Callers, kept: Kept | None = None
    ) -> None:
        self.consultation, self.feedback, self.tokens, self.kept = consultation, feedback, callers.tokens, kept

    def routes(self) -> Iterator[Route]:
        """What leads where."""
        yield Route("/cds-services", self.discovery)
        yield Route("/cds-services/{id}", self.call, methods=["POST"])
        yield Route("/cds-services/{id}/feedback", self.take, methods=["POST"])
        yield Route("/cds-services/{id}/feedback", self.taken, methods=["GET"])

    async def discovery(self, request: Request) -> Response:
        """The services that there are, and what each asks for."""
        self._admit(request)
        return _sent({"services": list((await self._known())["services"])})

    async def call(self, request: Request) -> Response:
        """The cards of a call; the record is kept for a while, so that their links lead to its proofs."""
        self._admit(request)
        limits = self.consultation.limits
        body = await self._body(request, limits.consultation_request)
        service = await self._service(request)
        reference = new_reference()
        asked = self.consultation.ask(
            "hook", JSON, body, service, interface=f"POST /cds-services/{service}",
            address=f"{self._base(request)}/patient/{reference}" if self.kept is not None else "",
        )  # fmt: skip
        answered = await while_listening(request, asked)
        answer, _, record = answered.data.partition(b"\n")
        if self.kept is not None and record:
            self.kept.put(record, reference)
        return Response(answer + b"\n", media_type=answered.media)

    async def take(self, request: Request) -> Response:
        """Keep feedback."""
        self._admit(request)
        body = await self._body(request, self.consultation.limits.feedback_request)
        service, known = await self._service(request), await self._known()
        try:
            told = notices.read(service, body, known["cards"])
        except RequestError as error:
            raise Refusal(400, error.what, error.remedy, where=error.where) from error
        await run_in_threadpool(self.feedback.keep, told)
        return _sent({"kept": len(told)})

    async def taken(self, request: Request) -> Response:
        """How often cards were taken and overridden."""
        self._admit(request)
        return _sent(self.feedback.of(await self._service(request)))

    def _base(self, request: Request) -> str:
        """This server as callers know it."""
        return self.tokens.audience if self.tokens is not None else str(request.base_url).rstrip("/")

    def _admit(self, request: Request) -> None:
        if self.tokens is not None:
            self.tokens.admit(request.headers.get("authorization"), request.url.path)

    async def _body(self, request: Request, most: int) -> bytes:
        if media_of(request) != JSON:
            raise Refusal(415, f"a call comes as {JSON}", f"set Content-Type: {JSON}")
        return await body_of(request, most, self.consultation.limits.body_seconds, "send less at a time")

    async def _service(self, request: Request) -> str:
        """The service of an address. Raises Refusal where there is none."""
        id_ = str(request.path_params["id"])
        if id_ not in {service["id"] for service in (await self._known())["services"]}:
            raise Refusal(404, "there is no such service", "GET /cds-services lists them", "no-such-thing")
        return id_

    async def _known(self) -> Mapping[str, Any]:
        """The services, and the conclusion of each card by its uuid."""
        known: Mapping[str, Any] = (await self.consultation.told())["hooks"]
        return known


def _sent(document: Mapping[str, Any]) -> Response:
    return Response(json.dumps(document, ensure_ascii=False, indent=2) + "\n", media_type=JSON)
