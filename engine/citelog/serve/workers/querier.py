"""The program whose workers answer SPARQL queries from a dataset in memory."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from citelog.serve.workers.worker import Bounded, Message, NoResultError, UnreadableError, keep

if TYPE_CHECKING:
    from pyoxigraph import QueryTriples, Store, Triple


def _load(message: Message, data: bytes) -> tuple[Store, Message]:
    """The dataset, and what is in it."""
    from pyoxigraph import NamedNode, RdfFormat, Store

    store, start = Store(), 0
    for source in message["sources"]:
        end = start + source["length"]
        try:
            form = RdfFormat.from_extension(source["form"])
            graph = NamedNode(source["graph"]) if source["graph"] else None
            store.bulk_load(data[start:end], form, base_iri=source["base"], to_graph=graph)
        except (SyntaxError, ValueError, OSError) as error:
            raise UnreadableError(source["name"], str(error)) from error
        start = end
    graphs = sorted(graph.value for graph in store.named_graphs())
    return store, {"graphs": graphs, "quads": len(store)}


def _answer(store: Store, asked: Message, data: bytes, output: Bounded) -> None:
    """Write the result of a query. Raises NoResultError."""
    from pyoxigraph import RdfFormat, parse

    given = list(parse(asked["parameters"], RdfFormat.N_TRIPLES))
    store.extend(given)
    try:
        _evaluate(store, asked, output)
    except SyntaxError as error:
        raise NoResultError("syntax", error.msg) from error
    except (ValueError, RuntimeError, OSError) as error:
        raise NoResultError("failed", str(error)) from error
    finally:
        for one in given:
            store.remove(one)


def _evaluate(store: Store, asked: Message, output: Bounded) -> None:
    from pyoxigraph import NamedNode, QueryResultsFormat, QueryTriples, RdfFormat, serialize

    default, named = asked["default_graphs"], asked["named_graphs"]
    found = store.query(
        asked["query"],
        base_iri=asked["base"],
        default_graph=None if default is None else [NamedNode(graph) for graph in default],
        named_graphs=None if named is None else [NamedNode(graph) for graph in named],
    )
    if isinstance(found, QueryTriples):
        form = RdfFormat.from_media_type(asked["media"])
        triples = _nameable(found) if form == RdfFormat.RDF_XML else found
        serialize(triples, output, form, prefixes=asked["prefixes"])
    else:
        found.serialize(output, QueryResultsFormat.from_media_type(asked["media"]))


def _nameable(triples: QueryTriples) -> Iterator[Triple]:
    """The triples, as long as each predicate ends in what XML takes for a name."""
    for triple in triples:
        if not re.search(r"[^\W\d][\w.-]*$", triple.predicate.value):
            raise NoResultError("unwritable", f"RDF/XML has no way to write the property <{triple.predicate.value}>")
        yield triple


if __name__ == "__main__":
    keep(int(sys.argv[1]), _load, _answer)
