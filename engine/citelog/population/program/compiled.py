"""Every rule of a plan as queries in an engine's own language, made once and kept.

Making them takes longer than running them on ten thousand patients, and depends on the rules alone: so the values that
stand in rules are numbered before any other, and the queries can be used again for whatever data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

from citelog.knowledge import kept as keeping
from citelog.knowledge.base import Knowledge
from citelog.population.program.plan import Plan, kept, of_one_patient
from citelog.population.program.queries import Firing, RefusedError
from citelog.population.program.values import Values
from citelog.rules.program import Absent, Component, Constant, Present, Program, Rule
from citelog.values import Value

LOCAL, JOINT = "e", "p"
"""What the tables about entries, and those about pictures, begin with."""

Key = tuple[str, int, int]
"""For tables with a prefix, the number of a rule, and the place in its body that reads only the newest facts, or -1."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The queries of every rule, and the values that they name by number: those come first."""

    firings: Mapping[Key, Firing]
    known: tuple[Value, ...]


@dataclass(frozen=True)
class Names:
    """What tables are called: a name for each predicate, with a prefix where its facts depend on the patient."""

    program: Program
    changing: frozenset[str]
    numbers: Mapping[str, int]

    @classmethod
    def of(cls, program: Program) -> Names:
        """The names for a program."""
        about_nobody = {name for name in program.predicates if not kept(program, name)}
        return cls(program, program.changing | about_nobody, {name: i for i, name in enumerate(program.predicates)})

    def table(self, predicate: str, prefix: str) -> str:
        """The table of a predicate's facts."""
        return f"{prefix if predicate in self.changing else 'k'}p{self.numbers[predicate]}"


@dataclass(frozen=True, slots=True)
class Apart:
    """The queries of one rule by the place that reads only the newest facts; values have stand-ins for numbers."""

    firings: Mapping[int, Firing]
    known: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """Rules that have been made into queries, by all that decides how they read."""

    rules: Mapping[str, Apart]


STAND_IN = 2_000_000_000
"""The first number that stands for a value of a rule, until all values of all rules have their own."""
_STAND_IN = re.compile(r"\b20000[0-9]{5}\b")
_MOST = 5_000


def compiled(
    knowledge: Knowledge,
    made: Plan,
    engine: str,
    sql: Callable[[Any], str],
    first: Iterable[Value] = (),
    tick: Callable[[], None] = lambda: None,
) -> Compiled:
    """The queries of every rule of a plan of a knowledge base; those that are kept in the cache folder are not made.

    `engine` names the engine and `sql` writes an expression as it has it; the values that are `first` have the first
    numbers. Raises RefusedError, with the rule's file and line, where a rule cannot be run on many.
    """
    name = keeping.key("population", knowledge.id, engine, version("ibis-framework"))
    known = keeping.read(name, Kept) or Kept({})
    used: dict[str, Apart] = {}
    found = of_components(made.program, {LOCAL: made.local, JOINT: made.joint}, sql, tick, known.rules, used, first)
    if not used.keys() <= known.rules.keys():
        others = {key: apart for key, apart in known.rules.items() if key not in used}
        keeping.write(name, Kept(dict(list(others.items())[: _MOST - len(used)]) | used))
    return found


def of_components(
    program: Program,
    components: Mapping[str, tuple[Component, ...]],
    sql: Callable[[Any], str],
    tick: Callable[[], None] = lambda: None,
    known: Mapping[str, Apart] = MappingProxyType({}),
    used: dict[str, Apart] | None = None,
    first: Iterable[Value] = (),
) -> Compiled:
    """The queries of the rules of some components, by the prefix of the tables that they run on.

    `known` are rules that need not be made again; `used` is told all that are there in the end.
    """
    values, names = Values(first), Names.of(program)
    firings: dict[Key, Firing] = {}
    for prefix, some in components.items():
        for component in some:
            inside = {program.rules[n].predicate for n in component.rules} if component.recursive else set[str]()
            for number in component.rules:
                rule = of_one_patient(program.rules[number], program)
                key = _key(prefix, number, rule, inside, names)
                apart = known.get(key) or _apart(prefix, number, rule, inside, names, sql)
                if used is not None:
                    used[key] = apart
                numbers = [values.number(value) for value in apart.known]
                for arg in rule.args:  # what its heads say has numbers before any rule is run, in whatever order
                    if isinstance(arg, Constant):
                        values.number(arg.value)
                for place, firing in apart.firings.items():
                    firings[prefix, number, place] = _numbered(firing, numbers)
                tick()
    return Compiled(firings, values.all)


def _key(prefix: str, number: int, rule: Rule, inside: set[str], names: Names) -> str:
    """All that decides how a rule reads as queries."""
    read = sorted({x.predicate for x in rule.body if isinstance(x, Present | Absent)})
    tables = [(name, names.table(name, prefix), kept(names.program, name)) for name in read]
    return repr((prefix, number, rule.args, rule.body, rule.variables, rule.plan, sorted(inside), tables))


def _apart(prefix: str, number: int, rule: Rule, inside: set[str], names: Names, sql: Callable[[Any], str]) -> Apart:
    """One rule made into queries."""
    from citelog.population.program.expressions import (
        Maker,  # with Ibis, which takes a second: only where a rule is new
    )

    values = Values()
    maker = Maker(
        names.program,
        prefix,
        lambda predicate: (names.table(predicate, prefix), predicate in names.changing),
        lambda predicate: kept(names.program, predicate),
        lambda value: STAND_IN + values.number(value),
        lambda stand_in: values.value(stand_in - STAND_IN),
    )
    places = [-1, *(i for i, x in enumerate(rule.body) if isinstance(x, Present) and x.predicate in inside)]
    made = {}
    for place in places:
        delta = f"{names.table(rule.body[place].predicate, prefix)}_new" if place >= 0 else ""  # type: ignore[union-attr]
        try:
            firing = maker.firing(number, rule, place, delta)
            queries = tuple(replace(query, expression=sql(query.expression)) for query in firing.queries)
        except RecursionError:
            message = f"{rule.span}: the rule {rule.name} is nested too deep to be run on many patients"
            raise RefusedError(message) from None
        made[place] = replace(firing, queries=queries)
    return Apart(made, values.all)


def _numbered(firing: Firing, numbers: Sequence[int]) -> Firing:
    """A rule's queries with the numbers of values in place of their stand-ins."""

    def constants(some: Mapping[str, int]) -> dict[str, int]:
        return {name: numbers[number - STAND_IN] for name, number in some.items()}

    queries = tuple(
        replace(
            query,
            expression=_STAND_IN.sub(lambda m: str(numbers[int(m[0]) - STAND_IN]), query.expression),
            then=replace(query.then, constants=constants(query.then.constants)) if query.then else None,
        )
        for query in firing.queries
    )
    return replace(firing, queries=queries, constants=constants(firing.constants))
