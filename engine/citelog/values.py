"""The constants of the language: terms, texts, numbers, integers, booleans, dates.

A term is an IRI; a number is an exact decimal; nothing is ever a binary float. 1, 1.0, true and "1"
are four different things, told apart by their Python types.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True, order=True)
class Iri:
    """A term: something that has a name on the web.

    >>> Iri("https://w3id.org/citelog/asthma#G01").local
    'G01'
    """

    value: str

    @property
    def local(self) -> str:
        """The part after the last `#` or `/` (the whole, for a `urn:`)."""
        return self.value.rsplit("#", 1)[-1].rsplit("/", 1)[-1]

    def __str__(self) -> str:
        return self.value


Value = Iri | str | Decimal | int | bool | datetime.date


@dataclass(frozen=True, slots=True)
class Atom:
    """A ground fact: a predicate's name (bare, or an IRI for an RDF property or class) and its arguments."""

    predicate: str
    args: tuple[Value, ...]

    def __str__(self) -> str:
        name = Iri(self.predicate).local
        return f"{name}({', '.join(show(arg) for arg in self.args)})"


def show(value: Value) -> str:
    """A value as a reader sees it where no label is known.

    >>> show(Iri("https://w3id.org/citelog/asthma#G01")), show(Decimal("7.350")), show("d3_50000"), show(True)
    ('G01', '7.350', '"d3_50000"', 'true')
    """
    if isinstance(value, Iri):
        return value.local
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime.date):
        return value.isoformat()
    return str(value)


def type_of(value: Value) -> str:
    """The type of a value, as predicates declare it.

    >>> [type_of(v) for v in (True, 1, Decimal("1.0"), "1", Iri("urn:one"), datetime.date(2026, 1, 1))]
    ['boolean', 'integer', 'number', 'text', 'term', 'date']
    """
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case Decimal():
            return "number"
        case str():
            return "text"
        case Iri():
            return "term"
        case _:
            return "date"
