"""Pages: one to write a query on, with its answer below, and the playground. Nothing is from elsewhere, every value is
escaped, and only the playground has a script."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citelog.graph.library import Query
from citelog.knowledge.base import Knowledge
from citelog.render.template import stylesheet
from citelog.serve.limits import Refusal

if TYPE_CHECKING:
    from jinja2 import Environment

ROWS = 500
"""How many rows of a table a page shows."""


STATIC = {"codemirror.js": "text/javascript", "playground.js": "text/javascript", "playground.css": "text/css"}
"""What the playground loads, with its media type."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A result as it is set: a table, a truth value, or RDF as text."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Mapping[str, Any] | None, ...], ...] = ()
    total: int = 0
    truth: bool | None = None
    triples: str | None = None


def query_page(
    library: Sequence[Query],
    query: str = "",
    result: bytes | None = None,
    media: str = "",
    refusal: Refusal | None = None,
    playground: bool = False,
) -> str:
    """The page, with a query as it was sent and either its result (of the media type `media`) or why there is none."""
    answer = None if result is None else _answer(result, media)
    template = _environment().get_template("sparql.html")
    return template.render(library=library, query=query, answer=answer, refusal=refusal, playground=playground)


def playground_page(knowledge: Knowledge, edit: bool) -> str:
    """The playground of a knowledge base; `edit` says whether drafts can be saved."""
    return _environment().get_template("playground.html").render(knowledge=knowledge, edit=edit)


@cache
def static(name: str) -> tuple[bytes, str]:
    """A file that the playground loads, and its media type."""
    data = (Path(__file__).parent / "static" / name).read_bytes()
    if name == "playground.css":  # what it shows of proofs looks as it does on the page of an assessment
        data = stylesheet().encode() + data
    return data, STATIC[name]


def style() -> str:
    """The style sheet of all pages."""
    return _environment().get_template("style.css").render()


def _answer(result: bytes, media: str) -> Answer:
    if media == "text/turtle":
        return Answer(triples=result.decode())
    found = json.loads(result)
    if "boolean" in found:
        return Answer(truth=found["boolean"])
    columns, bindings = found["head"]["vars"], found["results"]["bindings"]
    rows = tuple(tuple(binding.get(column) for column in columns) for binding in bindings[:ROWS])
    return Answer(tuple(columns), rows, len(bindings))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("citelog.serve")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
