"""Everything that citelog knows and derives, as one RDF dataset.

The default graph holds what citelog vouches for: the ontology, the knowledge base and its document, where each
statement stands, every rule, and for each case its entries, its notes, its conclusions and all their proofs. A named
graph holds what one statement says, and bears its name; the encoder's own graph stands beside them.

    STATEMENT    a named graph: what the statement says
    default      cl:Statement, cl:Segment, cl:Conflict …   the knowledge base, as its files have it
                 cl:Rule                                   every rule: its text, what it cites, reads and writes
                 cl:Assessment, cl:Conclusion, cl:Firing … each case and its proofs, as PROV-O (render.prov)

No name depends on the call: the same cases and knowledge give the same dataset, whatever the order of the cases.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citelog import home
from citelog.answer import Answer
from citelog.diagnostics import CitelogError
from citelog.graph import described
from citelog.knowledge.base import Knowledge
from citelog.knowledge.fingerprint import answer_files, fingerprint
from citelog.render import prov

if TYPE_CHECKING:
    from pyoxigraph import NamedNode, Quad, Store
    from rdflib import Graph
    from rdflib.term import Node

PARAMETER = "urn:citelog:parameter:"
"""Under this name and its own, a parameter of a query has its value: `<urn:citelog:parameter:marker> rdf:value "4"`."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset in memory: its quads in `store`, and the prefixes that its names are written with."""

    store: Store
    prefixes: Mapping[str, str]

    def digest(self) -> str:
        """SHA-256 of the dataset in its canonical form (RDFC-1.0): equal for equal datasets, on every machine."""
        from pyoxigraph import CanonicalizationAlgorithm
        from pyoxigraph import Dataset as Quads

        quads = Quads(self.store)
        quads.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
        return hashlib.sha256("".join(sorted(f"{quad} .\n" for quad in quads)).encode()).hexdigest()

    def joined(self, answers: Iterable[Answer]) -> Dataset:
        """A dataset of its own: what this one holds, and some cases with their answers. This one stays as it is."""
        from pyoxigraph import Store

        store = Store()
        store.extend(self.store)
        _add(store, answers)
        return Dataset(store, self.prefixes)


def dataset(folder: Path, knowledge: Knowledge, answers: Iterable[Answer] = ()) -> Dataset:
    """The dataset of a knowledge base and of any number of cases.

    `folder` is the one that `knowledge` was loaded from. Raises CitelogError where it was changed since.
    """
    from pyoxigraph import Store

    store, prefixes = Store(), dict(prov.PREFIXES)
    for path in answer_files(folder, home.ontology()):
        if path.suffix in (".ttl", ".trig"):
            store.extend(_read(path, prefixes))
    if fingerprint(folder, home.ontology()) != knowledge.sha256:
        raise CitelogError(f"{folder}: the knowledge base was changed while it was read", "ask again")
    store.extend(described.knowledge(knowledge, list(store)))
    _add(store, answers)
    return Dataset(store, prefixes)


def _add(store: Store, answers: Iterable[Answer]) -> None:
    for answer in sorted(answers, key=prov.assessment_iri):
        store.extend(_quads(prov.graph(answer)))
        store.extend(described.answer(answer))


def _read(path: Path, prefixes: dict[str, str]) -> list[Quad]:
    """The quads of a file. Its blank nodes get names that depend on nothing but the file."""
    from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Quad, RdfFormat, parse
    from pyoxigraph import Dataset as Quads

    format_ = RdfFormat.TRIG if path.suffix == ".trig" else RdfFormat.TURTLE
    parser = parse(path.read_text(encoding="utf-8"), format=format_)
    quads = list(parser)
    for prefix, namespace in parser.prefixes.items():
        prefixes.setdefault(prefix, namespace)
    if not any(isinstance(term, BlankNode) for quad in quads for term in quad):
        return quads
    whole = Quads(quads)
    whole.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)

    def own(term: Any) -> Any:
        return BlankNode(f"{path.stem}-{term.value}") if isinstance(term, BlankNode) else term

    renamed = (Quad(own(q.subject), q.predicate, own(q.object), own(q.graph_name)) for q in whole)
    return sorted(renamed, key=str)


def _quads(graph: Graph) -> Iterator[Quad]:
    """The triples of an rdflib graph without blank nodes, in the default graph, in an order of their own."""
    from pyoxigraph import Literal, NamedNode, Quad
    from rdflib import Literal as Written

    names: dict[Node, NamedNode] = {}

    def named(node: Node) -> NamedNode:
        return names.get(node) or names.setdefault(node, NamedNode(str(node)))

    for subject, predicate, object_ in sorted(graph):
        if isinstance(object_, Written):
            datatype = named(object_.datatype) if object_.datatype else None
            yield Quad(named(subject), named(predicate), Literal(str(object_), datatype=datatype))
        else:
            yield Quad(named(subject), named(predicate), named(object_))
