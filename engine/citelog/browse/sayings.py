"""What the files say of a thing, triple by triple, in words: property and value, and who says it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from citelog.browse.shelf import Named, Shelf
from citelog.knowledge.triples import PROV, TYPE
from citelog.values import Atom, Iri, Value
from citelog.vocab import CL

Triple = tuple[str, str, Value]


@dataclass(frozen=True, slots=True)
class Row:
    """A triple in words. `below` is what is said of the value, where it is only a part of this thing.

    `read` is whether some rule reads it.
    """

    property: str
    value: Named
    read: bool
    below: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Saying:
    """What one source says of one thing: a statement, or (`by` has no kind then) who vouches for it."""

    about: Named
    by: Named
    rows: tuple[Row, ...]


def of_statement(shelf: Shelf, id_: str) -> tuple[Saying, ...]:
    """What a statement says, of one thing after the other."""
    triples = shelf.said.get(shelf.knowledge.statements[id_].iri.value, [])
    by = Named(id_, "statement", id_)
    parts = _parts(shelf, triples)
    subjects = dict.fromkeys(subject for subject, _, _ in triples if subject not in parts)
    return tuple(Saying(_subject(shelf, one), by, _rows(shelf, triples, one, parts)) for one in subjects)


def of_thing(shelf: Shelf, iri: str) -> tuple[Saying, ...]:
    """What is said of a thing, by one source after the other: first by what stands in no graph."""
    found: dict[str, list[Triple]] = {"": []}
    for predicate, values in shelf.triples.subjects.get(iri, {}).items():
        for value in values:
            for graph in shelf.triples.graphs[iri, predicate, value] or [""]:
                found.setdefault(graph, []).append((iri, predicate, value))
    return tuple(
        Saying(_subject(shelf, iri), _source(shelf, graph), _rows(shelf, triples, iri, frozenset()))
        for graph, triples in found.items()
        if triples
    )


def _subject(shelf: Shelf, iri: str) -> Named:
    named = shelf.named(Iri(iri))
    return named if named.kind else Named(Iri(iri).local)


def _source(shelf: Shelf, graph: str) -> Named:
    if graph:
        named = shelf.named(Iri(graph))
        if named.kind == "statement":
            return named
    whose = [graph] if graph else shelf.triples.instances(CL + "KnowledgeBase")
    names = [shelf.triples.label(str(who)) for one in whose for who in shelf.triples.all(one, PROV + "wasAttributedTo")]
    return Named(", ".join(names) or "the knowledge base")


def _parts(shelf: Shelf, triples: Iterable[Triple]) -> frozenset[str]:
    """The subjects that are only a part of another: they have no name of their own, and one thing has them."""
    listed = list(triples)
    subjects = {subject for subject, _, _ in listed}
    had = Counter(value.value for _, _, value in listed if isinstance(value, Iri) and value.value in subjects)
    return frozenset(one for one, times in had.items() if times == 1 and not shelf.named(Iri(one)).kind)


def _rows(shelf: Shelf, triples: Iterable[Triple], subject: str, parts: frozenset[str]) -> tuple[Row, ...]:
    listed = list(triples)
    return tuple(
        _row(shelf, listed, triple, parts)
        for triple in sorted(listed, key=lambda one: _order(shelf, one))
        if triple[0] == subject
    )


def _order(shelf: Shelf, triple: Triple) -> tuple[int, str, str]:
    """What it is, then the document's own words for it, then the rest by the names of the properties."""
    first = (TYPE, CL + "text")
    return (first.index(triple[1]) if triple[1] in first else len(first)), _called(shelf, triple[1]), str(triple[2])


def _row(shelf: Shelf, triples: list[Triple], triple: Triple, parts: frozenset[str]) -> Row:
    subject, predicate, value = triple
    if predicate == TYPE and isinstance(value, Iri):
        kind = Named(shelf.triples.label(value.value))
        return Row("is a", kind, Atom(value.value, (Iri(subject),)) in shelf.knowledge.stated)
    read = Atom(predicate, (Iri(subject), value)) in shelf.knowledge.stated
    inner = isinstance(value, Iri) and value.value in parts
    below = _rows(shelf, triples, str(value), parts - {str(value)}) if inner else ()
    return Row(_called(shelf, predicate), shelf.named(value), read, below)


def _called(shelf: Shelf, predicate: str) -> str:
    """A property in words; one of another vocabulary by its name: `altLabel` is an alt label."""
    label = shelf.triples.label(predicate)
    return label if label != Iri(predicate).local else re.sub(r"(?<=[a-z])(?=[A-Z])", " ", label).lower()
