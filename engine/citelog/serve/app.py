"""The application: which address leads where. Each resource stands in a module of its own; all pass the guard."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from citelog.graph.library import Query as Stored
from citelog.serve import pages
from citelog.serve.guard import Guard, refused
from citelog.serve.limits import Refusal
from citelog.serve.pool import Pool
from citelog.serve.sparql import METHODS, Endpoint


def application(pool: Pool, library: Sequence[Stored], names: frozenset[str] | None) -> Guard:
    """Everything that is served: answers by `pool`, the `library` of queries; to hosts called `names` (None, any)."""
    endpoint = Endpoint(pool, library)
    resources = Starlette(
        routes=[
            Route("/", _home),
            Route("/sparql", endpoint.respond, methods=METHODS),
            Route("/sparql/", endpoint.respond, methods=METHODS),
            Route("/style.css", _style),
            Route("/health", _health),
        ],
        exception_handlers={Refusal: _refused, HTTPException: _no_resource},
    )
    return Guard(resources, names)


async def _home(request: Request) -> Response:
    return RedirectResponse("/sparql", 307)


async def _style(request: Request) -> Response:
    return Response(pages.style(), media_type="text/css")


async def _health(request: Request) -> Response:
    return Response("ok\n", media_type="text/plain")


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return refused(refusal)


async def _no_resource(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        allowed = ", ".join(sorted(dict(error.headers or {}).get("Allow", "").split(", ")))
        refusal = Refusal(405, f"{request.method} is no method of this resource", f"use one of {allowed}")
    else:
        refusal = Refusal(error.status_code, "there is nothing at this address", "start at /sparql")
    answer = refused(refusal)
    answer.headers.update(error.headers or {})
    return answer
