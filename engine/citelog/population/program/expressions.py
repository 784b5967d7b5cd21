"""A rule as Ibis expressions, so that every engine that Ibis knows can run it.

Facts stand in tables: a column `unit` (the entry or picture that they are about) and a column for each argument, each a
whole number that stands for a value. Joins compare these numbers, which is exact, because a value has one number. What
has an order is ordered by the table `ordered`; what is computed is computed outside, over the distinct operands, by the
same arithmetic that one patient has. So a rule is one query, or several with computations between them.

Nothing is approximated: what does not fit is refused (RefusedError), with the rule's file and line.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis

from citelog.population.program.queries import ORDERED, UNIT, Computed, Firing, Query, column, places
from citelog.rules.program import (
    Absent,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Operation,
    Present,
    Program,
    Rule,
    Variable,
    variables,
)
from citelog.run.arithmetic import compare, evaluate
from citelog.values import Value

_TESTS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def table(name: str, columns: Iterable[str]) -> Any:
    """A table of whole numbers by its name and columns."""
    return ibis.table(dict.fromkeys(columns, "int32"), name=name)


@dataclass(slots=True)
class Maker:
    """Makes the queries of rules, for units of one sort.

    `named` gives the table of a predicate's facts, and whether they differ between units; `number` the number of a
    value; `prefix` begins the names of tables that are made on the way.
    """

    program: Program
    prefix: str
    named: Callable[[str], tuple[str, bool]]
    kept: Callable[[str], tuple[int, ...]]
    number: Callable[[Value], int]
    value: Callable[[int], Value]

    def firing(self, number: int, rule: Rule, newest: int = -1, delta: str = "") -> Firing:
        """The queries of a rule, whose variables for the patient have been replaced.

        With `newest`, the literal at that place reads the table `delta`.
        """
        body = _Body(self, f"{self.prefix}r{number}" + (f"_{newest}" if newest >= 0 else ""), rule, newest, delta)
        return body.made()


@dataclass(slots=True)
class _Body:
    """A rule's body while it is put together, literal by literal in the order in which it is run."""

    maker: Maker
    name: str
    rule: Rule
    newest: int
    delta: str
    so_far: Any = None
    bound: dict[str, None] = field(default_factory=dict)
    constants: dict[str, int] = field(default_factory=dict)
    has_unit: bool = False
    queries: list[Query] = field(default_factory=list)
    reads: list[str] = field(default_factory=list)
    never: bool = False

    def made(self) -> Firing:
        order = list(self.rule.plan)
        if self.newest >= 0:  # the newest facts come first: there are few of them, and they narrow all that follows
            order.sort(key=lambda position: position != self.newest)
        for position in order:
            literal = self.rule.body[position]
            match literal:
                case Present():
                    self.present(literal, position)
                case Absent():
                    self.absent(literal)
                case Comparison():
                    self.comparison(literal)
                case _:
                    self.assignment(literal)
            if self.never:
                return Firing(self.rule, ())
        if not self.has_unit:
            self.join(table(f"{self.maker.prefix}units", [UNIT]), [], unit=True)
        columns = tuple(v for v in self.rule.variables if v in self.bound)
        final = self.so_far.select(UNIT, *map(column, columns))
        self.queries.append(Query(final, self.name, (UNIT, *map(column, columns))))
        return Firing(self.rule, tuple(self.queries), columns, dict(self.constants), tuple(self.reads))

    # literals

    def source(self, literal: Present | Absent, name: str) -> tuple[Any, list[tuple[str, str]], list[str], bool]:
        """The facts that a literal can be about: joined columns as (ours, theirs), and the variables that it binds."""
        found, varies = self.maker.named(literal.predicate)
        kept = self.maker.kept(literal.predicate)
        facts = table(name or found, ((UNIT,) if varies else ()) + places(kept))
        joined: list[tuple[str, str]] = []
        new: dict[str, str] = {}
        chosen: dict[str, Any] = {}
        conditions = []
        for place in kept:
            arg, at = literal.args[place], facts[f"a{place}"]
            if isinstance(arg, Constant):
                conditions.append(at == self.maker.number(arg.value))
            elif arg.name in self.constants:
                conditions.append(at == self.constants[arg.name])
            elif arg.name in self.bound:
                chosen[f"j{place}"] = at
                joined.append((column(arg.name), f"j{place}"))
            elif arg.name in new:
                conditions.append(at == facts[new[arg.name]])
            else:
                new[arg.name] = f"a{place}"
                if isinstance(literal, Present):
                    chosen[column(arg.name)] = at
        if conditions:
            facts = facts.filter(conditions)
        if varies:
            chosen["u" if self.has_unit else UNIT] = facts[UNIT]
            if self.has_unit:
                joined.append((UNIT, "u"))
        if not chosen:
            chosen["one"] = ibis.literal(1, "int32")
        return facts.select(**chosen), joined, list(new), varies

    def present(self, literal: Present, position: int) -> None:
        name = self.delta if position == self.newest else ""
        facts, joined, new, varies = self.source(literal, name)
        if varies:
            self.reads.append(name or self.maker.named(literal.predicate)[0])
        if not new and not varies and not joined:  # a fact of the knowledge that is there, or is not
            self.join(facts.limit(1), [], unit=False)
            return
        if (not new and not varies) or (not new and self.has_unit):
            self.so_far = self.so_far.semi_join(facts, joined)
            return
        self.join(facts, joined, unit=varies)
        self.bound |= dict.fromkeys(new)

    def join(self, facts: Any, joined: list[tuple[str, str]], unit: bool) -> None:
        """Join facts to what is there; of their columns, those for new variables and a first unit are kept."""
        if self.so_far is None:
            self.so_far = facts
        else:
            ours = self.so_far.columns
            kept = [name for name in facts.columns if name.startswith("v_") or name == UNIT]
            made = self.so_far.join(facts, joined) if joined else self.so_far.cross_join(facts)
            self.so_far = made.select(*ours, *kept)
        self.has_unit |= unit

    def absent(self, literal: Absent) -> None:
        _, varies = self.maker.named(literal.predicate)
        if varies and not self.has_unit:
            self.join(table(f"{self.maker.prefix}units", [UNIT]), [], unit=True)
        facts, joined, _, _ = self.source(literal, "")
        if joined:
            self.so_far = self.so_far.anti_join(facts, joined)
        else:  # a constant fact of the knowledge: kept if there is none
            first = facts.limit(1)
            counted = first.aggregate(some=first.count().cast("int32"))
            counted = counted.filter(counted.some == 0)
            self.join(counted, [], unit=False)

    def comparison(self, literal: Comparison) -> None:
        names = [v for v in sorted(variables(literal)) if v not in self.constants]
        if not names:
            one, other = self.known(literal.left), self.known(literal.right)
            holds = one is not None and other is not None and compare(literal.operator, one, other)
            self.never |= not holds
            return
        left, right = literal.left, literal.right
        if isinstance(left, Operation) or isinstance(right, Operation):
            self.compute(literal, tuple(names), "")
            return
        if literal.operator in ("=", "!="):
            a, b = self.side(left), self.side(right)
            self.so_far = self.so_far.filter(a == b if literal.operator == "=" else a != b)
            return
        x, y = self.rank(left, "x"), self.rank(right, "y")
        self.so_far = self.so_far.filter(_TESTS[literal.operator](self.so_far[x], self.so_far[y])).drop(x, y)

    def side(self, expression: Variable | Constant) -> Any:
        if isinstance(expression, Constant):
            return ibis.literal(self.maker.number(expression.value), "int32")
        if expression.name in self.constants:
            return ibis.literal(self.constants[expression.name], "int32")
        return self.so_far[column(expression.name)]

    def rank(self, expression: Variable | Constant, name: str) -> str:
        """Put the rank of a number or day beside what is there; the name of its column."""
        ordered = table(ORDERED, ["id", "rank"])
        if isinstance(expression, Constant) or expression.name in self.constants:
            number = (
                self.maker.number(expression.value)
                if isinstance(expression, Constant)
                else self.constants[expression.name]
            )
            ranks = ordered.filter(ordered.id == number).select(**{name: ordered["rank"]})
            self.so_far = self.so_far.cross_join(ranks).select(*self.so_far.columns, name)
        else:
            ranks = ordered.select(**{f"{name}_id": ordered.id, name: ordered["rank"]})
            made = self.so_far.join(ranks, [(column(expression.name), f"{name}_id")])
            self.so_far = made.select(*self.so_far.columns, name)
        return name

    def assignment(self, literal: Assignment) -> None:
        names = [v for v in sorted(variables(literal.expression)) if v not in self.constants]
        if not names:
            value = self.known(literal.expression)
            if value is None:
                self.never = True
            else:
                self.constants[literal.variable] = self.maker.number(value)
            return
        if isinstance(literal.expression, Variable):
            self.so_far = self.so_far.mutate(**{column(literal.variable): self.so_far[column(literal.expression.name)]})
        else:
            self.compute(literal, tuple(names), literal.variable)
        self.bound[literal.variable] = None

    def compute(self, literal: Comparison | Assignment, names: tuple[str, ...], into: str) -> None:
        """End a query here: what comes next needs values that are computed over its distinct operands."""
        number = len(self.queries)
        made = f"{self.name}_s{number}"
        columns = (*((UNIT,) if self.has_unit else ()), *map(column, self.bound))
        results = f"{self.name}_c{number}"
        self.queries.append(
            Query(
                self.so_far.select(*columns),
                made,
                columns,
                Computed(literal, names, into, results, dict(self.constants)),
            )
        )
        operands = [f"o{i}" for i in range(len(names))]
        self.so_far = table(made, columns)
        outcome = table(results, (*operands, *(["v"] if into else [])))
        joined = [(column(name), operand) for name, operand in zip(names, operands, strict=True)]
        if into:
            outcome = outcome.select(*operands, **{column(into): outcome.v})
            self.so_far = self.so_far.join(outcome, joined).select(*columns, column(into))
        else:
            self.so_far = self.so_far.semi_join(outcome, joined)

    def known(self, expression: Expression) -> Value | None:
        """What an expression without open variables comes to."""
        match expression:
            case Variable(name):
                return self.maker.value(self.constants[name])
            case Constant(value):
                return value
            case _:
                one, other = self.known(expression.left), self.known(expression.right)
                return None if one is None or other is None else evaluate(expression.operator, one, other)


__all__ = ["Maker", "table"]
