"""The application: which address leads where. Each resource stands in a module of its own; all pass the guard."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from citelog.graph.library import Query as Stored
from citelog.serve import pages
from citelog.serve.guard import Guard, refused
from citelog.serve.limits import Refusal
from citelog.serve.logged import Logged
from citelog.serve.playground import Playground
from citelog.serve.queries import Queries
from citelog.serve.sparql import METHODS, Endpoint


def application(
    queries: Queries,
    library: Sequence[Stored],
    names: frozenset[str] | None,
    playground: Playground | None = None,
    logged: Logged | None = None,
) -> Guard:
    """Everything that is served, to hosts called `names` (None, any).

    Queries, with a `library` of them, are answered by `queries`; without a knowledge base there is no playground, and
    without a log no checkpoint.
    """
    endpoint = Endpoint(queries, library, playground is not None)
    resources = Starlette(
        routes=[
            Route("/", _home),
            Route("/sparql", endpoint.respond, methods=METHODS),
            Route("/sparql/", endpoint.respond, methods=METHODS),
            Route("/style.css", _style),
            Route("/health", _health),
            *(_of_playground(playground) if playground else ()),
            *([Route("/log", logged.about), Route("/log/checkpoint", logged.checkpoint)] if logged else ()),
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
