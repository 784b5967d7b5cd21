"""A whole knowledge base as one RDF dataset, with an assessment and its proofs where a case is named.

It is the dataset that queries are asked of (graph.dataset), written down: each statement says what it says in the named
graph of its name; all else, the vocabulary and the rules too, stands in the default graph.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from citelog.export.subject import File, Subject, heading
from citelog.graph.dataset import Dataset, dataset

if TYPE_CHECKING:
    from pyoxigraph import Quad


def nquads(subject: Subject) -> tuple[File, ...]:
    """The dataset as N-Quads, in the order of the lines."""
    lines = sorted(f"{quad} ." for quad in _whole(subject).store)
    return (File(f"{subject.stem}.nq", "".join(f"{line}\n" for line in [*_comments(subject), *lines])),)


def trig(subject: Subject) -> tuple[File, ...]:
    """The dataset as TriG: the default graph, then the named ones, each in the order of its subjects."""
    from pyoxigraph import RdfFormat, serialize

    whole = _whole(subject)
    prefixes = {**whole.prefixes, subject.knowledge.id: subject.knowledge.namespace}
    text = serialize(sorted(whole.store, key=_place), format=RdfFormat.TRIG, prefixes=dict(sorted(prefixes.items())))
    assert text is not None  # it is given back where no place to write it to is named
    comments = "".join(f"{line}\n" for line in _comments(subject))
    return (File(f"{subject.stem}.trig", f"{comments}\n{text.decode()}"),)


def _whole(subject: Subject) -> Dataset:
    answers = [subject.assessment] if subject.assessment else []
    return dataset(subject.folder, subject.knowledge, answers)


def _place(quad: Quad) -> tuple[str, str, bool, str, str]:
    from pyoxigraph import DefaultGraph

    graph = "" if isinstance(quad.graph_name, DefaultGraph) else str(quad.graph_name)
    kind = quad.predicate.value.endswith("#type")
    return graph, str(quad.subject), not kind, str(quad.predicate), str(quad.object)


def _comments(subject: Subject) -> list[str]:
    what = f"RDF dataset: what {subject.knowledge.id} says; each statement is a named graph"
    return [f"# {line}" for line in heading(what, subject)]
