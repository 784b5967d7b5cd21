"""Concepts, codes and quantities as FHIR R4 writes them.

A code is written only where the knowledge base has it for the very term, and a number only as the document prints it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from citelog.codes import split_code
from citelog.patient.elements import SYSTEMS
from citelog.values import Iri
from citelog.vocab import Terms, folded_unit

Node = dict[str, Any]
"""A part of a FHIR resource."""

Number = int | float

_UCUM = "http://unitsofmeasure.org"
_URIS = {system: uri for uri, system in reversed(SYSTEMS.items())}
_UNITS = {u: u for u in ("kg", "g", "mg", "ug", "ng", "mmol", "umol")} | {"ml": "mL", "l": "L", "iu": "[iU]"}


def concept(text: str, terms: Terms, kind: str) -> Node:
    """A CodeableConcept in the words given, with the codes of the term that they name among those of a kind.

    >>> route = Iri("https://w3id.org/citelog#oral")
    >>> concept("oral", Terms({"route": {"oral": route, "snomed:26643006": route}}), "route")
    {'coding': [{'system': 'http://snomed.info/sct', 'code': '26643006'}], 'text': 'oral'}
    >>> concept("oral or nasal", Terms(), "route")
    {'text': 'oral or nasal'}
    """
    term = terms.match(kind, text)
    codings = list(_single(notations(term, terms, kind))) if term else []
    return ({"coding": codings} if codings else {}) | {"text": text}


def notations(term: Iri, terms: Terms, kind: str) -> Iterator[Node]:
    """Every code that the knowledge base has for a term, as Codings in the order of their systems."""
    for name in sorted(n for n, named in terms.names.get(kind, {}).items() if named == term):
        system, code = split_code(terms.written.get(name, name))
        if system in _URIS:
            yield {"system": _URIS[system], "code": code}


def _single(codings: Iterator[Node]) -> Iterator[Node]:
    """The codes that are the only one of their system: of two, one means more or less than the term."""
    found = list(codings)
    systems = [coding["system"] for coding in found]
    return (coding for coding in found if systems.count(coding["system"]) == 1)


def own_code(term: Iri, terms: Terms) -> Node:
    """The Coding of a term in its own vocabulary: the knowledge base's namespace is the code system.

    >>> own_code(Iri("https://w3id.org/citelog/asthma#G01"), Terms())
    {'system': 'https://w3id.org/citelog/asthma#', 'code': 'G01'}
    """
    label = terms.labels.get(term)
    named: Node = {"system": term.value.removesuffix(term.local), "code": term.local}
    return named | ({"display": label} if label else {})


def quantity(value: Number, unit: str | None, code: str | None = None) -> Node:
    """A Quantity in the unit that the document prints, with its UCUM code where it has one.

    >>> quantity(100, "mcg")
    {'value': 100, 'unit': 'mcg', 'system': 'http://unitsofmeasure.org', 'code': 'ug'}
    >>> quantity(2, "tablets")
    {'value': 2, 'unit': 'tablets'}
    """
    code = code or _UNITS.get(folded_unit(unit or ""))
    coded = {"system": _UCUM, "code": code} if code else {}
    return {"value": value} | ({"unit": unit} if unit else {}) | coded


def extent(value: Number | tuple[Number, Number], unit: str | None, code: str | None = None) -> tuple[str, Node]:
    """A number as a Quantity, a pair of numbers as a Range; with the name of the choice.

    >>> extent((1, 2), "tablets")
    ('Range', {'low': {'value': 1, 'unit': 'tablets'}, 'high': {'value': 2, 'unit': 'tablets'}})
    """
    if isinstance(value, tuple):
        low, high = value
        return "Range", {"low": quantity(low, unit, code), "high": quantity(high, unit, code)}
    return "Quantity", quantity(value, unit, code)
