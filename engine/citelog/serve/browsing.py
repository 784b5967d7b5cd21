"""The knowledge base to be read: the resources below /knowledge, as pages, as JSON, and as RDF where there is some.

Nothing here is about a patient, so this process sets the pages itself: in a thread, and each once. What the cases show
is counted elsewhere (`counting`); pages say so until it is there.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.routing import Route

from citelog.browse.shelf import Shelf, opened
from citelog.diagnostics import CitelogError
from citelog.explain.contents import contents
from citelog.knowledge.base import Knowledge
from citelog.render.documents import written
from citelog.serve.counting import Counting
from citelog.serve.http.accept import chosen
from citelog.serve.http.limits import Limits, Refusal, without_folders
from citelog.serve.http.operations import HTML, JSON, JSONLD, TURTLE
from citelog.serve.http.requests import while_listening
from citelog.serve.pages.addresses import PATHS
from citelog.serve.pages.knowledge import LEAVES, Book, audit_style
from citelog.serve.pages.shell import Shell
from citelog.serve.queries import Job, Queries

if TYPE_CHECKING:
    from starlette.requests import Request

Asked = TypeVar("Asked")

RDF = (TURTLE, JSONLD, "application/n-triples", "application/rdf+xml")
COUNTED = ("coverage", "audit", "trace")
"""The pages that are documents of a count: without it, there is none of them as JSON."""
SEARCHED = 200
"""Characters that may be searched for."""
KEPT = 200
"""Pages that are kept when they have been set once."""

FOREVER = "public, max-age=31536000, immutable"

PREFIXES = {
    "cl": "https://w3id.org/citelog#",
    "dcterms": "http://purl.org/dc/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "skos": "http://www.w3.org/2004/02/skos/core#",
}
_DESCRIBED = """CONSTRUCT {{ ?thing ?property ?value }} WHERE {{
  {{ VALUES ?thing {{ {things} }} ?thing ?property ?value }}
  UNION {{ VALUES ?statement {{ {things} }} GRAPH ?statement {{ ?thing ?property ?value }} }}
}}"""
"""What is said of some things, and what the statements among them say."""


@dataclass
class Browsing:
    """The resources below /knowledge for one knowledge base, which was loaded from `folder`."""

    folder: Path
    knowledge: Knowledge
    limits: Limits
    _shelf: Shelf | None = None
    _kept: OrderedDict[tuple[str, bool], str] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        self._setting = asyncio.Semaphore(self.limits.settings)
        self.counting = Counting(self.folder, self.knowledge.sha256, self.limits)

    def routes(self, shell: Shell, queries: Queries) -> Iterator[Route]:
        """What leads where; `queries` answer what is asked for as RDF."""
        leaf, thing = partial(self._leaf, shell), partial(self._thing, shell, queries)
        for name in LEAVES:
            yield Route(f"/knowledge/{name}".removesuffix("/"), partial(leaf, name))
        yield Route("/knowledge/search", partial(self._search, shell))
        yield Route("/knowledge/audit.css", _audit_style)
        for kind, path in PATHS.items():
            yield Route(f"/knowledge/{path}/{{id:path}}", partial(thing, kind))

    async def _leaf(self, shell: Shell, name: str, request: Request) -> Response:
        """A page about the knowledge base as a whole."""
        form = _form(request, (HTML, JSON) if name in ("", *COUNTED) else (HTML,))
        shelf = await self._opened()
        if form == HTML:
            return await self._set(request, shell, shelf, name, lambda book: book.leaf(name))
        if not name:
            return Response(await run_in_threadpool(lambda: written([contents(shelf.knowledge)])), media_type=JSON)
        if (counts := self.counting.counts) is None:
            told = self.counting.trouble
            raise Refusal(503, told or "the cases are still being counted", "try again in a moment")
        of = {"coverage": counts.coverage.to_dict, "audit": counts.audit.to_dict, "trace": counts.trace.to_dict}[name]
        return Response(await run_in_threadpool(lambda: written([of()])), media_type=JSON)

    async def _thing(self, shell: Shell, queries: Queries, kind: str, request: Request) -> Response:
        """A page about one thing."""
        form = _form(request, (HTML, JSON, *(() if kind == "predicate" else RDF)))
        id_, shelf = request.path_params["id"], await self._opened()
        try:
            found = await run_in_threadpool(shelf.things, kind, id_)
        except CitelogError as error:
            raise Refusal(404, error.message, error.remedy, "no-such-thing") from error
        if form == HTML:
            return await self._set(request, shell, shelf, f"{kind}/{id_}", lambda book: book.thing(kind, id_, found))
        if form == JSON:
            text = written([one.to_dict() for one in found], several=len(found) > 1)
            return Response(text, media_type=JSON, headers={"Vary": "Accept"})
        return await self._described(request, queries, shelf.iris(kind, id_), form)

    async def _described(self, request: Request, queries: Queries, iris: tuple[str, ...], form: str) -> Response:
        """What the dataset says of some things, as RDF."""
        query = _DESCRIBED.format(things=" ".join(f"<{iri}>" for iri in iris))
        prefixes = {self.knowledge.id: self.knowledge.namespace, **PREFIXES}
        base = str(request.url.replace(query=""))
        job = Job(query, base, form, self.limits.result, None, None, prefixes)
        return Response(await while_listening(request, queries.ask(job)), media_type=form, headers={"Vary": "Accept"})

    async def _search(self, shell: Shell, request: Request) -> Response:
        """What holds some words. Nothing of a patient is searched here."""
        _form(request, (HTML,))
        words, shelf = request.query_params.get("q", "")[:SEARCHED], await self._opened()
        book = Book(shell, shelf, self.counting.counts, self.counting.trouble)
        return Response(await self._in_turn(book.search, words), media_type=HTML)

    async def _set(
        self, request: Request, shell: Shell, shelf: Shelf, name: str, page: Callable[[Book], str]
    ) -> Response:
        """A page, set once with what is counted until then."""
        self.counting.begin()
        counts = self.counting.counts
        key = name, counts is not None
        settled = counts is not None or bool(self.counting.trouble)
        if (text := self._kept.get(key)) is None:
            text = await self._in_turn(page, Book(shell, shelf, counts, self.counting.trouble))
            if settled:
                self._kept[key] = text
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
        return Response(text, media_type=HTML, headers={"Vary": "Accept"})

    async def _in_turn(self, work: Callable[[Asked], str], asked: Asked) -> str:
        """What work comes to, a few at a time: this process has others to answer. Raises Refusal where many wait."""
        try:
            async with asyncio.timeout(self.limits.wait_seconds):
                await self._setting.acquire()
        except TimeoutError as error:
            raise Refusal(503, "too many pages are asked for at a time", "try again in a moment") from error
        try:
            return await run_in_threadpool(work, asked)
        finally:
            self._setting.release()

    async def _opened(self) -> Shelf:
        """The knowledge base with all triples of its files, read once. Raises Refusal where it was changed since."""
        if self._shelf is None:
            try:
                self._shelf = await run_in_threadpool(opened, self.folder, self.knowledge)
            except CitelogError as error:
                raise Refusal(503, without_folders(error.message), error.remedy) from error
            except OSError as error:
                raise Refusal(503, without_folders(str(error)), "start the server again") from error
        return self._shelf


async def _audit_style(request: Request) -> Response:
    return Response(audit_style()[0], headers={"Cache-Control": FOREVER}, media_type="text/css")


def _form(request: Request, offered: tuple[str, ...]) -> str:
    form = chosen(request.headers.get("accept"), offered)
    if form is None:
        what = f"{request.url.path} has no form that you accept"
        raise Refusal(406, what, f"accept {', '.join(offered)}")
    return form
