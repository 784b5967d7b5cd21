"""The application: which address leads where. Each resource stands in a module of its own; all pass the guard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from citelog.graph.library import Query as Stored
from citelog.serve import pages
from citelog.serve.api import Api
from citelog.serve.consultation import Consultation
from citelog.serve.guard import Guard, refused
from citelog.serve.limits import Refusal
from citelog.serve.logged import Logged
from citelog.serve.playground import Playground
from citelog.serve.queries import Queries
from citelog.serve.sparql import METHODS, Endpoint


@dataclass(frozen=True, slots=True)
class Served:
    """A knowledge base as it is served: who answers about patients, where drafts are tried, and the log, if any."""

    consultation: Consultation
    playground: Playground
    logged: Logged | None = None

    def routes(self) -> Iterator[Route]:
        """What leads where."""
        yield from Api(self.consultation).routes()
        yield from _of_playground(self.playground)
        if self.logged is not None:
            yield Route("/log", self.logged.about)
            yield Route("/log/checkpoint", self.logged.checkpoint)


def application(
    queries: Queries, library: Sequence[Stored], names: frozenset[str] | None, served: Served | None = None
) -> Guard:
    """Everything that is served, to hosts called `names` (None, any).

    Queries, with a `library` of them, are answered by `queries`; without a knowledge base that is all.
    """

    async def health(request: Request) -> Response:
        return _health(served is None or served.consultation.ready)

    endpoint = Endpoint(queries, library, served is not None)
    resources = Starlette(
        routes=[
            Route("/", _home),
            Route("/sparql", endpoint.respond, methods=METHODS),
            Route("/sparql/", endpoint.respond, methods=METHODS),
            Route("/style.css", _style),
            Route("/health", health),
            *(served.routes() if served else ()),
        ],
        exception_handlers={Refusal: _refused, HTTPException: _no_resource},
    )
    return Guard(resources, names)


def _of_playground(playground: Playground) -> Iterator[Route]:
    yield Route("/playground", playground.page)
    yield Route("/playground/files", playground.files)
    for task in (playground.one, playground.all, playground.patch, playground.save):
        yield Route(f"/playground/{task.__name__}", task, methods=["POST"])
    for name in pages.STATIC:
        yield Route(f"/playground/{name}", _static)


async def _static(request: Request) -> Response:
    text, media = pages.static(request.url.path.rpartition("/")[2])
    return Response(text, media_type=media)


async def _home(request: Request) -> Response:
    return RedirectResponse("/sparql", 307)


async def _style(request: Request) -> Response:
    return Response(pages.style(), media_type="text/css")


def _health(well: bool) -> Response:
    body = b'{"status": "pass"}\n' if well else b'{"status": "fail"}\n'
    return Response(body, 200 if well else 503, media_type="application/health+json")


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return refused(refusal, request.url.path)


async def _no_resource(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = ", ".join(sorted(dict(error.headers or {}).get("Allow", "").split(", ")))
        refusal = Refusal(405, f"{request.method} is no method of this resource", f"use one of {allowed}")
    else:
        refusal = Refusal(error.status_code, "there is nothing at this address", "see /api/openapi.json, or start at /")
    answer = refused(refusal, request.url.path)
    answer.headers.update(error.headers or {})
    return answer
