"""One table says which key of which entries gives which fact: the ontology, the reader of records and it agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

import b12
from citelog import home, patient
from citelog.knowledge.load import load
from citelog.knowledge.triples import Triples
from citelog.patient.case import LISTS, NAME_KEY
from citelog.patient.predicates import DATED, NAMING, PREDICATES, key_of, keys_of, list_of
from citelog.values import Iri
from citelog.vocab import CL

OF_NO_ENTRY = {"patient", "evaluation_day"}
FINDINGS = ("findings", "conditions")


@cache
def triples() -> Triples:
    """All triples of the knowledge base, those of the ontology among them."""
    return load(b12.FOLDER, home.ontology()).triples


@cache
def signatures() -> dict[str, dict[str, str]]:
    """Of each predicate for records, as the ontology lists it: its arguments after patient and record, with types."""
    found = {}
    for iri in triples().instances(CL + "PatientPredicate"):
        name, inside = re.fullmatch(r"(\w+)\((.*)\)", triples().text(iri, CL + "signature")).groups()  # type: ignore[union-attr]
        pairs = [part.split(": ") for part in inside.split(", ")]
        found[name] = dict(pairs[2:])
    return found


def said(list_: str, entry: dict[str, Any]) -> dict[str, Iri | Any]:
    """The facts of an entry that is alone in its record, by predicate."""
    record = {"context": entry} if list_ == "context" else {list_: [entry]}
    case = patient.read(record, b12.knowledge().terms)
    return {atom.predicate: atom.args[2:] for atom, of in patient.facts(case, b12.knowledge().terms) if of is not None}


def entries() -> Iterator[tuple[str, dict[str, Any]]]:
    """All entries of the library's records, each once."""
    seen = set()
    for case in b12.library().values():
        for list_ in LISTS:
            for entry in case.record.get(list_, ()):
                if repr((list_, entry)) not in seen:
                    seen.add(repr((list_, entry)))
                    yield list_, entry


def test_the_table_holds_what_the_ontology_lists() -> None:
    assert set(PREDICATES) | OF_NO_ENTRY == set(signatures())
    assert [name for name in DATED if list(signatures()[name].values()) != ["date", "date"]] == []
    assert [name for name in NAMING if name not in PREDICATES] == []


@pytest.mark.parametrize("predicate", PREDICATES)
def test_each_argument_that_is_a_term_has_its_classes(predicate: str) -> None:
    terms = [argument for argument, type_ in signatures()[predicate].items() if type_ == "term"]
    assert list(PREDICATES[predicate].terms) == terms
    classes = {class_ for some in PREDICATES[predicate].terms.values() for class_ in some}
    assert [one for one in classes if not triples().instances(CL + one)] == []


def test_each_fact_of_an_entry_is_said_by_its_key_alone_and_its_terms_are_of_their_classes() -> None:
    met = set()
    for list_, entry in entries():
        name = NAME_KEY[list_]  # type: ignore[index]
        for predicate, args in said(list_, entry).items():
            met.add(predicate)
            assert list_of(predicate) in (None, "findings" if list_ in FINDINGS else list_)
            kept = {name, key_of(predicate)} if list_of(predicate) else set(entry)
            assert said(list_, {k: v for k, v in entry.items() if k in kept})[predicate] == args, (entry, predicate)
            for value, argument in zip(args, signatures()[predicate], strict=True):
                classes = PREDICATES[predicate].terms.get(argument, ())
                assert not classes or any(value.value in triples().instances(CL + one) for one in classes)
    assert met == set(PREDICATES) - {"age_years", "sex"}


def test_a_key_that_no_entry_has_says_nothing() -> None:
    """Every key that says a fact is one that entries of its list may have."""
    for list_ in LISTS:
        known = {*patient.case.OWN_KEYS[list_], *patient.case.SHARED_KEYS}
        assert set(keys_of("findings" if list_ in FINDINGS else list_)) <= known
