"""The words of a knowledge base: what a record may name, by kind, and the other terms by what they are."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from citelog.browse.shelf import Shelf
from citelog.knowledge.triples import SKOS, TYPE
from citelog.values import Iri

KINDS = {
    "analyte": "Analytes",
    "finding": "Findings and conditions",
    "drug": "Medicines",
    "unit": "Units",
    "route": "Routes",
    "topic": "Topics of preferences",
    "choice": "Choices",
    "sex": "Sex",
    "context": "Keys of the context",
}
"""The kinds of names that a record may hold (`vocab.Terms`), with their headings."""


@dataclass(frozen=True, slots=True)
class Word:
    """A term: its id and label, the other names that are matched to it, and the codes that are."""

    id: str
    label: str
    names: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Words:
    """Terms under one heading; `matched` is whether a record's words are matched to them."""

    title: str
    words: tuple[Word, ...]
    matched: bool


def words(shelf: Shelf) -> tuple[Words, ...]:
    """Every term that has a label, once: first those that a record may name."""
    terms, met = shelf.knowledge.terms, set[Iri]()
    found = []
    for kind, names in sorted(terms.names.items(), key=lambda pair: [*KINDS, pair[0]].index(pair[0])):
        own = sorted({term for term in names.values() if term not in met}, key=lambda one: _order(shelf, one))
        met |= set(own)
        if own:
            found.append(Words(KINDS.get(kind, kind), tuple(_word(shelf, one) for one in own), True))
    others: dict[str, list[Iri]] = defaultdict(list)
    for term in sorted(set(terms.labels) - met, key=lambda one: _order(shelf, one)):
        classes = shelf.triples.all(term.value, TYPE)
        others[shelf.triples.label(str(classes[0])) if classes else "without a class"].append(term)
    found += [Words(title, tuple(_word(shelf, one) for one in own), False) for title, own in sorted(others.items())]
    return tuple(found)


def _order(shelf: Shelf, term: Iri) -> tuple[str, Iri]:
    return shelf.knowledge.terms.label(term).casefold(), term


def _word(shelf: Shelf, term: Iri) -> Word:
    label = shelf.knowledge.terms.label(term)
    names = (str(one) for one in shelf.triples.all(term.value, SKOS + "altLabel"))
    codes = (str(one) for one in shelf.triples.all(term.value, SKOS + "notation"))
    return Word(term.local, label, tuple(names), tuple(codes))
