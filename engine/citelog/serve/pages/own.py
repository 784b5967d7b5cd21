"""Pages that this process sets itself: the first, one to write a query on with its answer below, and the playground."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from citelog.graph.library import TYPES, Query
from citelog.knowledge.base import Knowledge
from citelog.ledger.entry import read
from citelog.ledger.listed import Stretch
from citelog.ledger.note import in_base64
from citelog.ledger.proofs import Proof
from citelog.ledger.tree import leaf_hash
from citelog.reports.logged import KEEPS
from citelog.serve.http.limits import Refusal
from citelog.serve.pages.addresses import pages_of
from citelog.serve.pages.shell import LOG, PLAYGROUND, SPARQL, Shell
from citelog.serve.pages.shell import STATIC as FOLDER

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


def home_page(shell: Shell) -> str:
    """The first page: a door for each audience."""
    return shell.page("home.html", "/", doors=shell.doors)


def refusal_page(shell: Shell, refusal: Refusal) -> str:
    """The page of what is not answered."""
    return shell.page("refused.html", refusal=refusal)


def query_page(
    shell: Shell,
    library: Sequence[Query],
    query: str = "",
    result: bytes | None = None,
    media: str = "",
    refusal: Refusal | None = None,
    stored: Query | None = None,
    given: Mapping[str, str] = MappingProxyType({}),
    can_fill: bool = False,
) -> str:
    """The page, with a query as it was sent and either its result (of the media type `media`) or why there is none.

    `stored` is the query of the library that it was made of, with what is `given` for its parameters; `can_fill` says
    whether values can be given here at all.
    """
    answer = None if result is None else _answer(result, media)
    known = pages_of(shell.knowledge) if shell.knowledge else {}
    return shell.page(
        "sparql.html",
        SPARQL.address,
        library=library,
        query=query,
        answer=answer,
        refusal=refusal,
        known=known,
        can_fill=can_fill,
        stored=stored if can_fill else None,
        given=given,
        types=TYPES,
    )


def playground_page(shell: Shell, knowledge: Knowledge, edit: bool) -> str:
    """The playground of a knowledge base; `edit` says whether drafts can be saved."""
    return shell.page("playground.html", PLAYGROUND.address, knowledge=knowledge, edit=edit)


def log_page(shell: Shell, found: Stretch) -> str:
    """The page of a log: what it says of itself, and some of its entries."""
    return shell.page("log.html", LOG.address, found=found, base64=in_base64, keeps=KEEPS)


def entry_page(shell: Shell, proof: Proof) -> str:
    """The page of one entry, with its proof."""
    said = read(proof.entry)
    return shell.page(
        "entry.html",
        LOG.address,
        proof=proof,
        said={key: value for key, value in said.items() if key not in ("format", "kind", "number", "time")},
        kind=said["kind"],
        time=said["time"],
        leaf=leaf_hash(proof.entry).hex(),
        base64=in_base64,
    )


@cache
def static(name: str) -> tuple[bytes, str]:
    """A file that the playground loads, and its media type."""
    return (FOLDER / name).read_bytes(), STATIC[name]


def _answer(result: bytes, media: str) -> Answer:
    if media == "text/turtle":
        return Answer(triples=result.decode())
    found = json.loads(result)
    if "boolean" in found:
        return Answer(truth=found["boolean"])
    columns, bindings = found["head"]["vars"], found["results"]["bindings"]
    rows = tuple(tuple(binding.get(column) for column in columns) for binding in bindings[:ROWS])
    return Answer(tuple(columns), rows, len(bindings))
