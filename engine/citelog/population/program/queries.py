"""What a rule is as queries: of which tables and columns, and what is computed between them.

This is all that running rules needs to know; making the queries, with Ibis, is for `expressions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from citelog.diagnostics import CitelogError
from citelog.rules.program import Assignment, Comparison, Rule

UNIT = "unit"
ORDERED = "ordered"


class RefusedError(CitelogError):
    """A rule that cannot be run on many patients at once."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A computation between two queries: over the distinct values of some variables.

    Where `into` is empty, the rows are kept for which the comparison holds; else `into` is the variable that gets the
    value. `table` is where its results are put: a column for each of `names`, and one for `into`.
    """

    literal: Comparison | Assignment
    names: tuple[str, ...]
    into: str
    table: str
    constants: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Query:
    """One query; its result is `table`, unless it is the last of its rule. `then` is computed before the next one."""

    expression: Any
    table: str
    columns: tuple[str, ...]
    then: Computed | None = None


@dataclass(frozen=True, slots=True)
class Firing:
    """How the firings of a rule are found.

    `columns` are the variables that the result has a column for (`v_` and the name), after `unit`; `constants` are
    those that always stand for one value. Without queries, the rule can hold for nobody. `reads` are the tables of
    patient-dependent facts that must not be empty.
    """

    rule: Rule
    queries: tuple[Query, ...]
    columns: tuple[str, ...] = ()
    constants: Mapping[str, int] = field(default_factory=dict)
    reads: tuple[str, ...] = ()


def column(name: str) -> str:
    """The column of a variable."""
    return f"v_{name}"


def places(kept: Iterable[int]) -> tuple[str, ...]:
    """The columns of a predicate's arguments."""
    return tuple(f"a{i}" for i in kept)
