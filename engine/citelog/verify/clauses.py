"""A program written out: atoms, clauses without variables, and the forms of entries that they are about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from citelog.knowledge.base import Knowledge
from citelog.rules.program import Program, Rule
from citelog.verify.cuts import Cuts
from citelog.verify.forms import Family, Said
from citelog.verify.matching import Row, Tables


@dataclass(frozen=True, slots=True)
class Form:
    """All that rules which look beyond one entry can see of it, and the plainest entry of which they see that."""

    number: int
    family: Family
    said: Said
    seen: frozenset[tuple[str, Row]]


@dataclass(frozen=True, slots=True)
class Entry:
    """Stands, in a row, for an entry of some form."""

    form: int


Name = tuple[str, Row]
"""A ground atom: a predicate and a row; None is a place that is not looked at. Names of our own begin with a blank."""


@dataclass(frozen=True, slots=True)
class Clause:
    """`head` holds if all of `positive` do and none of `negative`; atoms by their numbers."""

    head: int
    positive: frozenset[int]
    negative: frozenset[int]


@dataclass(slots=True)
class Ground:
    """A program written out: its atoms, its clauses from the lowest component up, and the forms that they are about."""

    knowledge: Knowledge
    program: Program
    tables: Tables
    cuts: Cuts
    forms: list[Form]
    written: int
    atoms: list[Name] = field(default_factory=list)
    numbers: dict[Name, int] = field(default_factory=dict)
    clauses: list[Clause] = field(default_factory=list)
    made: dict[Clause, None] = field(default_factory=dict)
    given: dict[int, list[int]] = field(default_factory=dict)
    """For each atom that an entry gives, the forms that give it; and the other way round."""
    gives: dict[int, list[int]] = field(default_factory=dict)
    fired: set[str] = field(default_factory=set)
    """The rules about one entry alone that fire for some entry."""
    aside: dict[int, Aside] = field(default_factory=dict)
    """What an atom of our own stands for: a part of a rule's body, and what its other variables are bound to."""

    def is_about_entry(self, atom: int) -> bool:
        """Whether an atom is about some entry's own, and not about the patient."""
        return any(isinstance(value, Entry) for value in self.atoms[atom][1])

    def number(self, name: Name) -> int:
        """The number of an atom."""
        found = self.numbers.get(name)
        if found is None:
            found = self.numbers[name] = len(self.atoms)
            self.atoms.append(name)
        return found

    def add(self, head: int, positive: Iterable[int], negative: Iterable[int]) -> None:
        """A clause more, if it is not there yet."""
        clause = Clause(head, frozenset(positive), frozenset(negative))
        if clause not in self.made and head not in clause.positive:
            self.made[clause] = None
            self.clauses.append(clause)


@dataclass(frozen=True, slots=True)
class Aside:
    """A part of a rule's body: the positions of its literals, and the bindings that others read.

    Where it is about an entry, `variable` stands for that and `family` is the entry's.
    """

    rule: Rule
    positions: frozenset[int]
    bound: tuple[tuple[str, Any], ...]
    variable: str = ""
    family: str = ""


FIRES = " fires"
"""A rule, and what it concludes: the second place of its head."""

GIVEN = " given"
"""A family, and an atom that some entry of it gives, where entries of others do as well."""

EITHER = " either"
"""Atoms that no clause tells apart: one of them holds."""

SOME = " some"
PARTIAL = " partial"
