"""The resources below /population: this process moves bytes, and the workers that hold the answers do the rest.

A patient's id comes in the body of a POST and never in an address: what leads back to a patient is the number of a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from citelog.serve.consultation import Answered, Consultation
from citelog.serve.http.accept import chosen
from citelog.serve.http.limits import Refusal
from citelog.serve.http.operations import FORM, HTML, JSON
from citelog.serve.http.requests import body_of, media_of, while_listening
from citelog.serve.pages.shell import POPULATION, Shell

if TYPE_CHECKING:
    from starlette.requests import Request


class Populations:
    """The pages of the population that the workers of a consultation hold."""

    def __init__(self, consultation: Consultation, shell: Shell) -> None:
        self.consultation, self.limits = consultation, consultation.limits
        self.places = [[place.address, place.title] for place in shell.places]

    def routes(self) -> Iterator[Route]:
        """What leads where: pages, and below /api the same as JSON."""
        yield Route(POPULATION.address, self.summary)
        yield Route(f"{POPULATION.address}/patients", self.patients)
        yield Route(f"{POPULATION.address}/find", self.find, methods=["POST"])
        yield Route(f"{POPULATION.address}/patients/{{row}}/{{view:path}}", self.row)
        yield Route(f"/api{POPULATION.address}", self.summary)
        yield Route(f"/api{POPULATION.address}/patients", self.patients)
        yield Route(f"/api{POPULATION.address}/patients/{{row}}", self.row)

    async def summary(self, request: Request) -> Response:
        """The population summed up."""
        return await self._answered(request, "summary")

    async def patients(self, request: Request) -> Response:
        """A list of patients."""
        return await self._answered(request, "patients", query=request.url.query)

    async def row(self, request: Request) -> Response:
        """A view of one patient, or the assessment."""
        name, _, about = request.path_params.get("view", "").partition("/")
        return await self._answered(request, name, row=request.path_params["row"], about=about)

    async def find(self, request: Request) -> Response:
        """Lead to the row of a patient whose id was sent."""
        if media_of(request) != FORM:
            raise Refusal(415, f"an id comes as {FORM}", "use the page")
        data = await body_of(request, self.limits.request, self.limits.body_seconds, "send one id")
        found = await self._asked(request, "find", data)
        return RedirectResponse(found.data.decode(), 303)

    async def _answered(self, request: Request, view: str, **more: str) -> Response:
        form = JSON if request.url.path.startswith("/api/") else HTML
        if chosen(request.headers.get("accept"), (form,)) is None:
            raise Refusal(406, f"{request.url.path} is there as {form} only", f"accept {form}")
        found = await self._asked(request, view, b"", accept=form, **more)
        typed = f"{found.media}; charset=utf-8" if found.media.startswith("text/") else found.media
        return Response(found.data, found.status, media_type=typed)

    async def _asked(self, request: Request, view: str, data: bytes, **more: str) -> Answered:
        page = {"view": view, "places": self.places, **more}
        return await while_listening(request, self.consultation.ask("population", data=data, page=page))
