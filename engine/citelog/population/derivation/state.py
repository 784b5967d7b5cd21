"""A program on its way through many units: which tables its facts and firings stand in, and how large they are.

A unit is an entry or a picture: something that rules are run on without looking at any other. The facts of all units
stand in one table a predicate, and so do the firings of each rule. All values in them are numbers (`values`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from citelog.population.engines.engine import Engine, Row, create_all
from citelog.population.program.compiled import Compiled, Names
from citelog.population.program.plan import kept
from citelog.population.program.queries import ORDERED, UNIT, Firing, Query, column, places
from citelog.population.program.values import Values
from citelog.rules.program import Aggregate, Constant, Program, Rule, Variable


@dataclass(slots=True)
class Found:
    """The firings of one rule: the table, its number of rows, and how it is read."""

    number: int
    rule: Rule
    firing: Firing
    table: str
    count: int
    heads: str = ""
    """For a rule that counts: the table of its heads, as soon as there is one."""

    def every(self, unit: str) -> str:
        """A query for all of them: the unit, under a name, and the numbers of what the rule's variables stand for."""
        bound = [
            column(v) if v in self.firing.columns else str(self.firing.constants[v]) for v in self.firing.rule.variables
        ]
        return f"SELECT {UNIT} AS {unit}, [{', '.join(bound)}]::INTEGER[] AS bindings FROM {self.table}"


@dataclass(slots=True)
class Derivation:
    """A program on its way through the units of one sort, whose tables begin with `prefix`.

    `size` has the number of rows of each table of facts that there is, `found` the firings of each rule that was run.
    """

    engine: Engine
    names: Names
    compiled: Compiled
    values: Values
    prefix: str
    tick: Callable[[], None] = lambda: None
    size: dict[str, int] = field(default_factory=dict)
    found: dict[int, Found] = field(default_factory=dict)
    _ordered: int = -1

    @property
    def program(self) -> Program:
        """The program that is run."""
        return self.names.program

    # facts

    def table_of(self, predicate: str) -> str:
        """The table of a predicate's facts."""
        return self.names.table(predicate, self.prefix)

    def columns(self, predicate: str) -> tuple[str, ...]:
        """The columns of a predicate's table."""
        return ((UNIT,) if predicate in self.names.changing else ()) + places(kept(self.program, predicate))

    def rows_of(self, predicate: str) -> int:
        """How many facts of a predicate there are; 0 where there is no table of them."""
        return self.size.get(self.table_of(predicate), 0)

    def empty(self, predicates: Iterable[str]) -> None:
        """Make the tables that are not there yet, without rows."""
        missing = {self.table_of(one): self.columns(one) for one in predicates if self.table_of(one) not in self.size}
        self.engine.load_all({name: (columns, ()) for name, columns in missing.items()})
        self.size |= dict.fromkeys(missing, 0)

    def give(self, facts: Mapping[str, Sequence[str]]) -> None:
        """Let the rows of queries be the facts of predicates, of which there are none so far."""
        made = {self.table_of(one): (self.columns(one), " UNION ".join(queries)) for one, queries in facts.items()}
        if made:
            self.size |= create_all(self.engine, made)

    def state(self, facts: Mapping[str, Iterable[Row]]) -> None:
        """Make the tables of the knowledge: of each predicate, rows of values."""
        made = {}
        for predicate, rows in facts.items():
            if predicate not in self.names.changing:
                numbered = [tuple(self.values.number(value) for value in row) for row in rows]
                made[self.table_of(predicate)] = self.columns(predicate), numbered
        self.engine.load_all(made)
        self.size |= {name: len(rows) for name, (_, rows) in made.items()}
        self.empty(predicate for predicate in facts if predicate in self.names.changing)  # nothing derives it

    # firings

    def table_of_rule(self, number: int) -> str:
        """The table of a rule's firings."""
        return f"{self.prefix}r{number}"

    def firing(self, number: int, newest: int = -1) -> Firing:
        """How the firings of a rule are found, or those by the newest facts of one of its premises."""
        return self.compiled.firings[self.prefix, number, newest]

    def gives_numbers(self, number: int) -> bool:
        """Whether a rule comes to values that may be new, so that they are given numbers."""
        rule = self.program.rules[number]
        counts = [arg for arg in rule.args if isinstance(arg, Aggregate) and arg.function not in ("min", "max")]
        return bool(counts) or len(self.firing(number).queries) > 1

    def can_fire(self, firing: Firing) -> bool:
        """Whether something stands in each table that is read."""
        return bool(firing.queries) and all(self.size.get(read, 0) for read in firing.reads)

    def text(self, query: Query) -> str:
        """A query as it is asked."""
        text = str(query.expression)
        if ORDERED in text:
            self.order()
        return text

    def order(self) -> None:
        """Let the order of values be up to date."""
        if self._ordered != len(self.values):
            self.engine.load(ORDERED, ("id", "rank"), self.values.ordered())
            self._ordered = len(self.values)

    # arguments

    def args(self, rule: Rule) -> list[tuple[int, Variable | Constant | Aggregate]]:
        """The arguments of a rule's head that stand in a table, each with its place."""
        return [(place, rule.args[place]) for place in kept(self.program, rule.predicate)]

    def term(self, found: Found, arg: Variable | Constant) -> str:
        """An argument in terms of a rule's firings' table: a column of it, or a number."""
        if isinstance(arg, Constant):
            return str(self.values.number(arg.value))
        if arg.name in found.firing.constants:
            return str(found.firing.constants[arg.name])
        return column(arg.name)


__all__ = ["Derivation", "Found"]
