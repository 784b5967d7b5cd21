"""The resources below /population: this process moves bytes, and the workers that hold the answers do the rest.

A patient's id comes in the body of a POST and never in an address: what leads back to a patient is the number of a row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from citelog.serve.accept import chosen
from citelog.serve.consultation import Answered, Consultation
from citelog.serve.limits import Refusal
from citelog.serve.operations import JSON
from citelog.serve.requests import body_of, media_of, while_listening
from citelog.serve.shell import POPULATION, Shell

if TYPE_CHECKING:
    from starlette.requests import Request

HTML = "text/html"
FORM = "application/x-www-form-urlencoded"


class Populations:
    """The pages of the population that the workers of a consultation hold."""

    def __init__(self, consultation: Consultation, shell: Shell) -> None:
        self.consultation, self.limits = consultation, consultation.limits
        self.places = [[place.address, place.title] for place in shell.places]

    def routes(self) -> Iterator[Route]:
        """What leads where."""
        yield Route(POPULATION.address, self.summary)
        yield Route(f"{POPULATION.address}/patients", self.patients)
        yield Route(f"{POPULATION.address}/find", self.find, methods=["POST"])
        yield Route(f"{POPULATION.address}/patients/{{row}}/{{view:path}}", self.row)

    async def summary(self, request: Request) -> Response:
        """The population summed up."""
        return _sent(await self._asked(request, "summary", accept=_form(request)))

    async def patients(self, request: Request) -> Response:
        """A list of patients."""
        return _sent(await self._asked(request, "patients", accept=_form(request), query=request.url.query))

    async def find(self, request: Request) -> Response:
        """Lead to the row of a patient whose id was sent."""
        if media_of(request) != FORM:
            raise Refusal(415, f"an id comes as {FORM}", "use the page")
        data = await body_of(request, self.limits.request, self.limits.body_seconds, "send one id")
        found = await self._asked(request, "find", data)
        return RedirectResponse(found.data.decode(), 303)

    async def row(self, request: Request) -> Response:
        """A view of one patient."""
        return _sent(await self._asked(request, request.path_params["view"], row=request.path_params["row"]))

    async def _asked(self, request: Request, view: str, data: bytes = b"", **more: Any) -> Answered:
        name, _, about = view.partition("/") if "row" in more else (view, "", "")
        if "row" in more and name in ("summary", "patients", "find"):
            raise Refusal(404, "there is nothing at this address", f"start at {POPULATION.address}")
        page = {"view": name, "about": about, "places": self.places, **more}
        return await while_listening(request, self.consultation.ask("population", data=data, page=page))


def _form(request: Request) -> str:
    form = chosen(request.headers.get("accept"), (JSON, HTML))
    if form is None:
        raise Refusal(406, f"{request.url.path} has no form that you accept", f"accept {HTML} or {JSON}")
    return form


def _sent(answered: Answered) -> Response:
    typed = f"{answered.media}; charset=utf-8" if answered.media.startswith("text/") else answered.media
    return Response(answered.data, answered.status, headers={"Vary": "Accept"}, media_type=typed)
