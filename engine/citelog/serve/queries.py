"""The workers that answer queries: the dataset that they hold, what they are asked, and what their replies mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from types import TracebackType
from typing import Any

from citelog.graph.asked import slip
from citelog.serve.http.limits import Limits, Refusal
from citelog.serve.workers.dataset import Dataset
from citelog.serve.workers.pool import Craft, Pool


@dataclass(frozen=True, slots=True)
class Job:
    """A query as a worker needs it. Graphs that are None leave it to the query's own FROM, or to the dataset.

    `parameters` are triples, as N-Triples, that the dataset has for this query alone.
    """

    query: str
    base: str
    media: str
    most: int
    default_graphs: tuple[str, ...] | None
    named_graphs: tuple[str, ...] | None
    prefixes: Mapping[str, str]
    parameters: str = ""


@dataclass(frozen=True, slots=True)
class Contents:
    """What the workers hold: how many quads, and the names of the named graphs."""

    quads: int
    graphs: frozenset[str]


class Queries:
    """A pool of workers with one dataset in memory; open while used as an asynchronous context manager."""

    def __init__(self, dataset: Dataset, limits: Limits) -> None:
        self.dataset, self.limits = dataset, limits
        self.pool = Pool(_craft(dataset), limits.queries)

    async def __aenter__(self) -> Queries:
        await self.pool.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.pool.__aexit__(kind, error, trace)

    @property
    def contents(self) -> Contents:
        """What the workers hold; they do so while this is open."""
        return Contents(self.pool.told["quads"], frozenset(self.pool.told["graphs"]))

    async def ask(self, job: Job) -> bytes:
        """The result of a query. Raises Refusal where there is none."""
        reply, body = await self.pool.ask(asdict(job))
        if reply["kind"] == "syntax":
            raise Refusal(400, *slip(str(reply["message"]), job.query, self.dataset.prefixes))
        return _result(reply, body)


def _craft(dataset: Dataset) -> Craft:
    sources = [
        {"name": s.name, "form": s.form, "graph": s.graph, "base": s.base, "length": len(s.data)}
        for s in dataset.sources
    ]
    data = b"".join(s.data for s in dataset.sources)
    less = "ask for less: bind more, join less, add LIMIT and OFFSET, write it shorter"
    return Craft("citelog.serve.workers.querier", {"sources": sources}, data, "query", less)


def _result(reply: Mapping[str, Any], body: bytes) -> bytes:
    """The result in a reply. Raises Refusal for a reply that has none."""
    said = str(reply["message"])
    match reply["kind"]:
        case "answer":
            return body
        case "failed":
            raise Refusal(400, f"the query cannot be evaluated: {said}", "correct it")
        case "unwritable":
            raise Refusal(406, said, "accept text/turtle")
    raise AssertionError(f"a worker replied {reply['kind']}")
