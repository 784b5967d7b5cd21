"""The bodies of rules, matched against tables of facts: one join for all that verification has to find out.

The facts may be a run's, those that an entry of some form gives, or all that could ever be derived; what a comparison
or a negated literal means there is told by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from citelog.rules.program import Absent, Assignment, Comparison, Constant, Expression, Literal, Present, Rule, Variable
from citelog.run.arithmetic import compare
from citelog.run.result import value_of
from citelog.verify.unknowns import Any_, Line

Row = tuple[Any, ...]
Bindings = dict[str, Any]


@dataclass(slots=True)
class Tables:
    """Facts by predicate, in the order in which they came, found by any of their places; None is a place unread."""

    rows: dict[str, dict[Row, None]] = field(default_factory=dict)
    _index: dict[tuple[str, tuple[int, ...]], dict[Row, list[Row]]] = field(default_factory=dict)

    def add(self, predicate: str, row: Row) -> bool:
        """Make a fact known; False if it was."""
        rows = self.rows.setdefault(predicate, {})
        if row in rows:
            return False
        rows[row] = None
        for (name, places), found in self._index.items():
            if name == predicate:
                found.setdefault(tuple(row[i] for i in places), []).append(row)
        return True

    def of(self, predicate: str) -> Iterable[Row]:
        """All facts of a predicate."""
        return self.rows.get(predicate, ())

    def where(self, predicate: str, places: tuple[int, ...], values: Row) -> Iterable[Row]:
        """The facts that have these values at these places."""
        if not places:
            return self.of(predicate)
        key = (predicate, places)
        if key not in self._index:
            made = self._index[key] = {}
            for row in self.of(predicate):
                made.setdefault(tuple(row[i] for i in places), []).append(row)
        return self._index[key].get(values, ())

    def copy(self) -> Tables:
        """The same facts, to be added to."""
        return Tables({predicate: dict(rows) for predicate, rows in self.rows.items()})


class Meaning(Protocol):
    """What the parts of a body mean to the caller."""

    @property
    def open(self) -> frozenset[str]:
        """Predicates whose facts may hold values that are not known: they are compared one by one, by `equal`."""

    def evaluate(self, expression: Expression, bound: Bindings) -> Any:
        """What an expression comes to; None where it has no value."""

    def holds(self, comparison: Comparison, bound: Bindings) -> bool:
        """Whether a comparison can hold."""

    def absent(self, literal: Absent, bound: Bindings) -> bool:
        """Whether what is negated can be absent."""

    def equal(self, one: Any, other: Any) -> bool:
        """Whether two values can be one."""


def matches(rule: Rule, tables: Tables, meaning: Meaning) -> Iterator[tuple[Bindings, Mapping[int, Row]]]:
    """Every way to match the body of a rule: its bindings, and the row of each positive literal by its position."""
    yield from _matched(rule, tables, meaning, 0, {}, {})


def _matched(
    rule: Rule, tables: Tables, meaning: Meaning, step: int, bound: Bindings, used: dict[int, Row]
) -> Iterator[tuple[Bindings, Mapping[int, Row]]]:
    if step == len(rule.plan):
        yield bound, used
        return
    position = rule.plan[step]
    literal: Literal = rule.body[position]
    match literal:
        case Present():
            for row in list(_candidates(literal, tables, meaning, bound)):
                more = _unified(literal, row, meaning, bound)
                if more is not None:
                    yield from _matched(rule, tables, meaning, step + 1, more, {**used, position: row})
        case Absent():
            if meaning.absent(literal, bound):
                yield from _matched(rule, tables, meaning, step + 1, bound, used)
        case Comparison():
            if meaning.holds(literal, bound):
                yield from _matched(rule, tables, meaning, step + 1, bound, used)
        case Assignment():
            value = meaning.evaluate(literal.expression, bound)
            if value is not None:
                more = {**bound, literal.variable: value}
                yield from _matched(rule, tables, meaning, step + 1, more, used)


def _candidates(literal: Present, tables: Tables, meaning: Meaning, bound: Bindings) -> Iterable[Row]:
    known = [
        (i, arg.value if isinstance(arg, Constant) else bound[arg.name])
        for i, arg in enumerate(literal.args)
        if isinstance(arg, Constant) or arg.name in bound
    ]
    if literal.predicate in meaning.open or any(isinstance(value, Line | Any_) for _, value in known):
        return tables.of(literal.predicate)
    return tables.where(literal.predicate, tuple(i for i, _ in known), tuple(v for _, v in known))


def _unified(literal: Present, row: Row, meaning: Meaning, bound: Bindings) -> Bindings | None:
    more = dict(bound)
    for arg, value in zip(literal.args, row, strict=True):
        if value is None:
            continue
        wanted = arg.value if isinstance(arg, Constant) else more.get(arg.name)
        if wanted is None:
            assert isinstance(arg, Variable)
            more[arg.name] = value
        elif not meaning.equal(wanted, value):
            return None
    return more


@dataclass(frozen=True, slots=True)
class Exact:
    """What the parts of a body mean over facts that are known."""

    tables: Tables
    changing: frozenset[str]
    possible: bool
    open: frozenset[str] = frozenset()

    def evaluate(self, expression: Expression, bound: Bindings) -> Any:
        """Exact arithmetic."""
        return value_of(expression, bound)

    def holds(self, comparison: Comparison, bound: Bindings) -> bool:
        """Exact comparison."""
        left, right = value_of(comparison.left, bound), value_of(comparison.right, bound)
        return left is not None and right is not None and compare(comparison.operator, left, right)

    def absent(self, literal: Absent, bound: Bindings) -> bool:
        """Whether nothing such is known; where only what is possible is known, whether it need not be."""
        if self.possible and literal.predicate in self.changing:
            return True
        return not any(True for _ in matching(literal, bound, self.tables))

    def equal(self, one: Any, other: Any) -> bool:
        """Identity within a type: 1 and true are two things."""
        return one == other and type(one) is type(other)


def matching(literal: Absent | Present, bound: Bindings, tables: Tables) -> Iterable[Row]:
    """The facts that a literal speaks of under some bindings; places that no rule looks at are skipped."""
    args = [a.value if isinstance(a, Constant) else bound.get(a.name) for a in literal.args]
    some = next(iter(tables.of(literal.predicate)), None)
    if some is None:
        return
    places = tuple(i for i, value in enumerate(args) if value is not None and some[i] is not None)
    yield from tables.where(literal.predicate, places, tuple(args[i] for i in places))
