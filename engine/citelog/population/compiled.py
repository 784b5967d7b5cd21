"""Every rule of a plan as queries in an engine's own language, made once and kept.

Making them takes longer than running them on ten thousand patients, and depends on the rules alone: so the values that
stand in rules are numbered before any other, and the queries can be used again for whatever data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

from citelog.knowledge import kept as keeping
from citelog.knowledge.base import Knowledge
from citelog.population.expressions import Firing, Maker, RefusedError
from citelog.population.plan import Plan, kept, of_one_patient
from citelog.population.values import Values
from citelog.rules.program import Component, Present, Program
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


def compiled(
    knowledge: Knowledge, made: Plan, engine: str, sql: Callable[[Any], str], tick: Callable[[], None] = lambda: None
) -> Compiled:
    """The queries of every rule of a plan of a knowledge base, from the user's cache folder if they are kept there.

    `engine` names the engine and `sql` writes an expression as it has it. Raises RefusedError, with the rule's file
    and line, where a rule cannot be run on many.
    """
    rules = ",".join(str(n) for part in (made.local, made.joint) for component in part for n in component.rules)
    key = keeping.key("population", knowledge.sha256, engine, version("ibis-framework"), rules)
    found = keeping.read(key, Compiled)
    if found is None:
        found = of_components(made.program, {LOCAL: made.local, JOINT: made.joint}, sql, tick)
        keeping.write(key, found)
    return found


def of_components(
    program: Program,
    components: Mapping[str, tuple[Component, ...]],
    sql: Callable[[Any], str],
    tick: Callable[[], None] = lambda: None,
) -> Compiled:
    """The queries of the rules of some components, by the prefix of the tables that they run on."""
    values, names = Values(), Names.of(program)
    firings: dict[Key, Firing] = {}
    for prefix, some in components.items():
        maker = Maker(
            program,
            prefix,
            lambda predicate, prefix=prefix: (names.table(predicate, prefix), predicate in names.changing),  # type: ignore[misc]
            lambda predicate: kept(program, predicate),
            values.number,
            values.value,
        )
        for component in some:
            inside = {program.rules[n].predicate for n in component.rules}
            for number in component.rules:
                rule = of_one_patient(program.rules[number], program)
                places = [-1]
                if component.recursive:
                    places += [i for i, x in enumerate(rule.body) if isinstance(x, Present) and x.predicate in inside]
                for place in places:
                    delta = f"{names.table(rule.body[place].predicate, prefix)}_new" if place >= 0 else ""  # type: ignore[union-attr]
                    try:
                        firing = maker.firing(number, rule, place, delta)
                        queries = tuple(replace(query, expression=sql(query.expression)) for query in firing.queries)
                    except RecursionError:
                        message = f"{rule.span}: the rule {rule.name} is nested too deep to be run on many patients"
                        raise RefusedError(message) from None
                    firings[prefix, number, place] = replace(firing, queries=queries)
                tick()
    return Compiled(firings, values.all)
