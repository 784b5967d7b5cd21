"""The SPARQL 1.1 Protocol, its query operation only: what a request asks, in which form, of which graphs.

GET and POST, both ways of POST; content negotiation; the graphs that the request chooses take precedence over
the query's own FROM. Nothing is ever fetched: a graph is one that the dataset holds.

What cannot be answered is refused by whose doing it is: 400 for what is malformed, 403 for what no endpoint of
this kind may do (update, SERVICE, FROM of a graph that is not here), 422 for a query that asks for too much (a
client that tries 503 again would only ask for too much again), 503 where the server is busy and the same query
may well be answered a moment later, 500 for a fault of ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.responses import Response

from citelog.diagnostics import CitelogError
from citelog.graph.dataset import PARAMETER
from citelog.graph.library import TYPES
from citelog.graph.library import Query as Stored
from citelog.graph.parameters import bind
from citelog.knowledge.triples import RDF
from citelog.serve.http.accept import chosen
from citelog.serve.http.limits import Refusal
from citelog.serve.http.operations import FORM, HTML
from citelog.serve.http.requests import body_of, media_of, while_listening
from citelog.serve.pages import own
from citelog.serve.pages.shell import Shell
from citelog.serve.queries import Job, Queries
from citelog.serve.workers.query import Form, Query, read_only, read_query

if TYPE_CHECKING:
    from starlette.requests import Request

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
QUERY, UPDATE = "application/sparql-query", "application/sparql-update"
_GRAPHS = ("default-graph-uri", "named-graph-uri")
STORED, GIVEN = "library", "param-"
"""Fields of our own page: which query of the library is asked, and, before its name, the value of a parameter."""

_BOOLEAN = ("application/sparql-results+json", "application/sparql-results+xml", "application/json", "application/xml")
_TABLE = (*_BOOLEAN[:2], "text/csv", "text/tab-separated-values", *_BOOLEAN[2:])
_TRIPLES = ("text/turtle", "application/n-triples", "application/ld+json", "application/rdf+xml")
OFFERED: Mapping[Form, tuple[str, ...]] = {
    "SELECT": (*_TABLE, HTML),
    "ASK": (*_BOOLEAN, HTML),
    "CONSTRUCT": (*_TRIPLES, HTML),
    "DESCRIBE": (*_TRIPLES, HTML),
}
"""The forms of an answer, the one for clients without a wish first."""

_DESCRIPTION = """
PREFIX sd: <http://www.w3.org/ns/sparql-service-description#>
PREFIX f: <http://www.w3.org/ns/formats/>
CONSTRUCT {
  <> a sd:Service ; sd:endpoint <> ; sd:supportedLanguage sd:SPARQL11Query ;
    sd:resultFormat f:SPARQL_Results_JSON , f:SPARQL_Results_XML , f:SPARQL_Results_CSV , f:SPARQL_Results_TSV ,
      f:Turtle , f:N-Triples , f:JSON-LD , f:RDF_XML ;
    sd:defaultDataset _:dataset .
  _:dataset a sd:Dataset ; sd:defaultGraph [ a sd:Graph ] .
}
WHERE {}
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a request; the graphs are None where it chooses none."""

    query: str
    default_graphs: tuple[str, ...] | None = None
    named_graphs: tuple[str, ...] | None = None
    stored: str = ""
    """The query of the library that it is, by name, and what is `given` for its parameters; so our page sends it."""
    given: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The resource /sparql: workers that answer, and stored queries to choose from."""

    queries: Queries
    library: Sequence[Stored]
    shell: Shell

    async def respond(self, request: Request) -> Response:
        """The answer to a request, whatever its method. Raises Refusal where there is none."""
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": ", ".join(METHODS), "Accept-Post": f"{QUERY}, {FORM}"})
        page = chosen(request.headers.get("accept"), (_TRIPLES[0], HTML)) == HTML
        asked = None
        try:
            asked = await self._asked(request)
            return await (self._front(request, page) if asked is None else self._answered(request, asked))
        except Refusal as refusal:
            if not page:
                raise
            text = self._page(asked, refusal=refusal)
            return Response(text, refusal.status, refusal.headers, HTML)

    async def _asked(self, request: Request) -> Asked | None:
        """What is asked; None by a GET without any parameter."""
        fields = _fields(request.url.query)
        direct = None
        if request.method == "POST":
            media = media_of(request)
            if media == UPDATE:
                raise read_only()
            if media not in (QUERY, FORM):
                given = media or "no content type"
                raise Refusal(415, f"a query comes as {QUERY} or {FORM}, not as {given}", "set Content-Type")
            limits = self.queries.limits
            body = await body_of(request, limits.request, limits.body_seconds, "write a shorter query")
            if media == QUERY:
                direct = _decoded(body)
            else:
                fields += _fields(_decoded(body))
        if request.method != "POST" and not fields:
            return None
        return _parameters(fields, direct)

    async def _front(self, request: Request, page: bool) -> Response:
        """The page to write a query on, or for programs the description of the service (SPARQL 1.1, section 2)."""
        if page:
            return Response(self._page(None), media_type=HTML)
        return await self._answered(request, Asked(_DESCRIPTION))

    async def _answered(self, request: Request, asked: Asked) -> Response:
        limits = self.queries.limits
        base = str(request.url.replace(query=""))
        parameters = self._filled(asked)
        query = read_query(asked.query, base, limits, bool(parameters))
        media = _form_of_answer(request, query.form)
        request.state.form = query.form  # for the log
        page = media == HTML
        written = (_TRIPLES if query.form in ("CONSTRUCT", "DESCRIBE") else _TABLE)[0] if page else media
        job = Job(
            query=query.text,
            base=base,
            media=written,
            most=limits.page_result if page else limits.result,
            default_graphs=asked.default_graphs,
            named_graphs=asked.named_graphs,
            prefixes=query.prefixes,
            parameters=parameters,
        )
        unknown = self._unknown_graphs(query, asked)
        found = await while_listening(request, self.queries.ask(job))
        body = self._page(asked, found, written).encode() if page else found
        headers = {"Vary": "Accept"}
        if unknown:
            headers["Citelog-Unknown-Graph"] = ", ".join(f"<{graph}>" for graph in unknown)
        return Response(body, headers=headers, media_type=media if "+" in media else f"{media}; charset=utf-8")

    def _page(
        self, asked: Asked | None, found: bytes | None = None, media: str = "", refusal: Refusal | None = None
    ) -> str:
        query, stored, given = (asked.query, self._stored(asked), asked.given) if asked else ("", None, {})
        can_fill = self.queries.dataset.known is not None
        return own.query_page(self.shell, self.library, query, found, media, refusal, stored, given, can_fill)

    def _stored(self, asked: Asked) -> Stored | None:
        """The query of the library that this is, or was before somebody changed it, if it has parameters."""
        return next((one for one in self.library if one.name == asked.stored and one.parameters), None)

    def _filled(self, asked: Asked) -> str:
        """The values of the parameters of a query, as the triples that it reads; empty where it has none.

        Raises Refusal where one is missing, or is not what it is declared to be.
        """
        known, stored = self.queries.dataset.known, self._stored(asked)
        if known is None or stored is None or PARAMETER not in asked.query:
            return ""
        given = {one.name: asked.given[one.name] for one in stored.parameters if asked.given.get(one.name)}
        for one in stored.parameters:
            if one.name not in given and one.default is None:
                what = f"{stored.name} has the parameter {one.name}, and nothing is given for it: {one.meaning}"
                raise Refusal(400, what, f"give {GIVEN}{one.name}, {TYPES[one.type]}")
        try:
            bound = bind(stored, given, known)
        except CitelogError as error:
            raise Refusal(400, error.message, error.remedy) from error
        return "".join(f"<{PARAMETER}{name}> <{RDF}value> {term} .\n" for name, term in bound.items())

    def _unknown_graphs(self, query: Query, asked: Asked) -> tuple[str, ...]:
        """The graphs of the request's choice that are empty, because the dataset has none of that name.

        Raises Refusal where the query itself asks to read from such a graph, or the request from a file.
        """
        graphs, known = (*(asked.default_graphs or ()), *(asked.named_graphs or ())), self.queries.contents.graphs
        for graph in (*query.graphs, *graphs):
            if graph not in known and (graph in query.graphs or not graph.startswith(("http:", "https:", "urn:"))):
                what = f"the dataset has no graph <{graph}>, and nothing is read from elsewhere"
                raise Refusal(403, what, "name a graph of the dataset: SELECT DISTINCT ?g { GRAPH ?g {} }")
        return tuple(graph for graph in graphs if graph not in known)


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Refusal(400, f"byte {error.start} of the request is not UTF-8", "send it as UTF-8") from error


def _fields(encoded: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(encoded, keep_blank_values=True, errors="strict", max_num_fields=1000)
    except UnicodeDecodeError as error:
        raise Refusal(400, "a parameter is not UTF-8", "encode it as UTF-8, then percent-encode it") from error
    except ValueError as error:
        raise Refusal(400, "more than 1000 parameters", "send fewer") from error


def _parameters(fields: list[tuple[str, str]], direct: str | None) -> Asked:
    """The parameters that the protocol knows; others are the client's own affair, unless they look alike."""
    names = {name for name, _ in fields}
    if "update" in names:
        raise read_only()
    for name in sorted(names - set(_GRAPHS)):
        if name.startswith(("default-graph", "named-graph", "using-")):
            raise Refusal(400, f"a query has no parameter {name}", f"use {' or '.join(_GRAPHS)}")
    queries = [value for name, value in fields if name == "query"] + ([] if direct is None else [direct])
    if len(queries) != 1:
        raise Refusal(400, f"{len(queries) or 'no'} queries in one request", "send one, as query=…")
    chosen_graphs = [tuple(value for name, value in fields if name == graph) for graph in _GRAPHS]
    given = {name.removeprefix(GIVEN): value for name, value in fields if name.startswith(GIVEN)}
    default, named = chosen_graphs if any(chosen_graphs) else (None, None)
    return Asked(queries[0], default, named, dict(fields).get(STORED, ""), given)


def _form_of_answer(request: Request, form: Form) -> str:
    media = chosen(request.headers.get("accept"), OFFERED[form])
    if media is None:
        raise Refusal(406, f"{form} has no answer in a form that you accept", f"accept {', '.join(OFFERED[form])}")
    return media
