"""The application: which address leads where. Each resource stands in a module of its own; all pass the guard."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from citelog.graph.library import Query as Stored
from citelog.serve.admission import Admission, Admitting
from citelog.serve.api import Api
from citelog.serve.browsing import Browsing
from citelog.serve.consultation import Consultation
from citelog.serve.fhir import Fhir
from citelog.serve.hooks import Callers, Hooks
from citelog.serve.http.accept import chosen
from citelog.serve.http.feedback import Feedback
from citelog.serve.http.guard import Guard, refused, unforeseen
from citelog.serve.http.limits import Refusal
from citelog.serve.http.porter import FORMS
from citelog.serve.http.shares import Shared, Shares
from citelog.serve.kept import Kept
from citelog.serve.logged import Logged
from citelog.serve.pages import own
from citelog.serve.pages.shell import LOG, PLACES, POPULATION, Shell, marks, style
from citelog.serve.patients import Patients
from citelog.serve.playground import Playground
from citelog.serve.populations import Populations
from citelog.serve.queries import Queries
from citelog.serve.sparql import METHODS, Endpoint

IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}
"""Of what has another address when it changes."""


@dataclass(frozen=True, slots=True)
class Served:
    """A knowledge base as it is served: who answers about patients, its own pages, where drafts are tried, any log.

    `feedback` is where that of cards goes, `callers` who may call the hooks.
    """

    consultation: Consultation
    playground: Playground
    logged: Logged | None = None
    browsing: Browsing | None = None
    feedback: Feedback = field(default_factory=Feedback)
    callers: Callers = field(default_factory=Callers)

    async def marks(self, request: Request) -> Response:
        """How a quote of the document is marked that a link leads to."""
        kept = IMMUTABLE if request.url.query else None
        return Response(marks(self.playground.knowledge), headers=kept, media_type="text/css")

    @property
    def shell(self) -> Shell:
        """What stands around its pages."""
        there = {LOG: self.logged is not None, POPULATION: self.consultation.population is not None}
        return Shell(self.playground.knowledge, tuple(place for place in PLACES if there.get(place, True)))

    def routes(self) -> Iterator[Route]:
        """What leads where."""
        yield from Api(self.consultation).routes()
        yield from Fhir(self.consultation).routes()
        kept = Kept(self.consultation.limits, _seconds)
        yield from Hooks(self.consultation, self.feedback, self.callers, kept).routes()
        yield from Patients(self.consultation, kept, self.shell).routes()
        if self.consultation.population is not None:
            yield from Populations(self.consultation, self.shell).routes()
        yield Route("/marks.css", self.marks)
        yield from _of_playground(self.playground, self.shell)
        if self.logged is not None:
            yield from self.logged.routes(self.shell)


def application(
    queries: Queries,
    library: Sequence[Stored],
    names: frozenset[str] | None,
    served: Served | None = None,
    admission: Admission | None = None,
    shares: Shares | None = None,
) -> Guard:
    """Everything that is served, to hosts called `names` (None, any), and to those whom `admission` knows (None, all).

    Of `shares` each client has one. Queries, with a `library` of them, are answered by `queries`; without a knowledge
    base that is all.
    """

    shell = served.shell if served else Shell()
    endpoint = Endpoint(queries, library, shell)

    async def home(request: Request) -> Response:
        return HTMLResponse(own.home_page(shell)) if served else RedirectResponse("/sparql", 307)

    async def health(request: Request) -> Response:
        return _health(served is None or served.consultation.ready)

    async def refusing(request: Request, error: Exception) -> Response:
        refusal, headers = _refusal(request, error)
        read = chosen(request.headers.get("accept"), ("text/plain", "text/html")) == "text/html"
        if not read or request.url.path.startswith(FORMS):
            answer = refused(refusal, request.url.path)
        else:
            answer = HTMLResponse(own.refusal_page(shell, refusal), refusal.status, refusal.headers)
        answer.headers.update(headers)
        return answer

    async def failing(request: Request, error: Exception) -> Response:
        return await refusing(request, unforeseen(error))

    resources = Starlette(
        routes=[
            Route("/", home),
            Route("/sparql", endpoint.respond, methods=METHODS),
            Route("/sparql/", endpoint.respond, methods=METHODS),
            Route("/style.css", _style),
            Route("/health", health),
            *(served.routes() if served else ()),
            *(served.browsing.routes(shell, queries) if served and served.browsing else ()),
        ],
        exception_handlers={Refusal: refusing, HTTPException: refusing, Exception: failing},
    )
    limits = served.consultation.limits if served else queries.limits
    shared = Shared(resources, shares or Shares(limits.one_client))
    asked = shared if admission is None else Admitting(shared, admission, limits, _seconds)
    return Guard(asked, names, served.callers.origins if served else frozenset())


def _of_playground(playground: Playground, shell: Shell) -> Iterator[Route]:
    yield Route("/playground", partial(playground.page, shell))
    yield Route("/playground/files", playground.files)
    for task in (playground.one, playground.all, playground.patch, playground.save):
        yield Route(f"/playground/{task.__name__}", task, methods=["POST"])
    for name in own.STATIC:
        yield Route(f"/playground/{name}", _static)


async def _static(request: Request) -> Response:
    text, media = own.static(request.url.path.rpartition("/")[2])
    return Response(text, media_type=media)


async def _style(request: Request) -> Response:
    return Response(style(), headers=IMMUTABLE if request.url.query else None, media_type="text/css")


def _seconds() -> float:
    return asyncio.get_running_loop().time()


def _health(well: bool) -> Response:
    body = b'{"status": "pass"}\n' if well else b'{"status": "fail"}\n'
    return Response(body, 200 if well else 503, media_type="application/health+json")


def _refusal(request: Request, error: Exception) -> tuple[Refusal, Mapping[str, str]]:
    """What is not answered, and the headers that say so."""
    if isinstance(error, Refusal):
        return error, {}
    assert isinstance(error, HTTPException)
    headers = error.headers or {}
    if error.status_code == 405:
        allowed = ", ".join(sorted(dict(headers).get("Allow", "").split(", ")))
        return Refusal(405, f"{request.method} is no method of this resource", f"use one of {allowed}"), {
            "Allow": allowed
        }
    what = "there is nothing at this address"
    return Refusal(error.status_code, what, "start at /, or, for programs, see /api/openapi.json"), headers
