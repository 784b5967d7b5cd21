"""The entries that shown facts rest on, for all units at once: from the highest component down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from citelog.population.derivation.aggregates import counted, group
from citelog.population.derivation.components import below
from citelog.population.derivation.state import Derivation, Found
from citelog.population.derivation.together import together
from citelog.population.engines.engine import Work
from citelog.population.program.plan import kept
from citelog.population.program.queries import UNIT, column
from citelog.rules.program import Component, Constant, Present, Variable


def rested_on(derivation: Derivation, shown: Collection[str], components: Sequence[Component]) -> str:
    """A query (unit, entry) for the entries that some fact of the shown predicates rests on.

    Facts rest on the premises of all firings that give them, and on what those rest on. An entry is named by a shown
    fact itself, or by a premise.
    """
    program = derivation.program
    wanted = _Wanted(
        derivation, frozenset(shown), {program.rules[n].predicate for one in components for n in one.rules}
    )
    above: list[set[int]] = [set() for _ in components]
    for number, some in enumerate(below(program, components)):
        for one in some:
            above[one].add(number)
    together(derivation.engine, [wanted.below(component) for component in components], above)
    parts = list(wanted.entries.values())
    for predicate in sorted(shown):
        if derivation.rows_of(predicate) and (named := [f"a{place}" for place in _naming(derivation, predicate)]):
            parts.append(_entries(named, derivation.table_of(predicate)))
    nothing = f"SELECT NULL::INTEGER AS {UNIT}, NULL::INTEGER AS entry WHERE false"
    return f"SELECT DISTINCT * FROM ({' UNION ALL '.join(parts) or nothing}) AS e WHERE entry < 0"


def _naming(derivation: Derivation, predicate: str) -> list[int]:
    """The places of a predicate's arguments where an entry may stand."""
    arguments = derivation.program.predicates[predicate].arguments
    return [place for place in kept(derivation.program, predicate) if arguments[place].type in ("record", "term")]


def _entries(columns: Sequence[str], table: str) -> str:
    """A query for what stands in some columns, entries among it."""
    named = columns[0] if len(columns) == 1 else f"unnest([{', '.join(columns)}])"
    return f"SELECT {UNIT}, {named} AS entry FROM {table} AS t"


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which facts are rested on: all of the shown predicates, and of other derived ones those that queries give."""

    derivation: Derivation
    whole: frozenset[str]
    derived: Collection[str]
    queries: dict[str, list[str]] = field(default_factory=dict)
    entries: dict[int, str] = field(default_factory=dict)
    """By the number of each rule, a query for what its premises name where an entry may stand."""

    def below(self, component: Component) -> Work:
        """What the firings of a component's rules rest on."""
        if component.recursive:
            self._below_itself(component)
            return
        founds = [found for number in component.rules if (found := self.derivation.found[number]).count]
        made = {}
        for predicate in dict.fromkeys(found.rule.predicate for found in founds):
            if predicate in self.queries:
                name = f"{self.derivation.table_of(predicate)}_w"
                made[name] = self.derivation.columns(predicate), " UNION ".join(self.queries[predicate])
                self.queries[predicate] = [f"SELECT * FROM {name}"]
        if made:
            yield made
        for found in founds:
            predicate = found.rule.predicate
            if predicate in self.whole:
                self._add(found, f"SELECT * FROM {found.table}")
            elif predicate in self.queries:
                self._add(found, self._live(found, f"{self.derivation.table_of(predicate)}_w"))

    def _below_itself(self, component: Component) -> None:
        """What the firings of rules rest on that read each other, until no more facts are rested on."""
        inside = {self.derivation.program.rules[number].predicate for number in component.rules}
        sizes: dict[str, int] = {}
        while True:
            for number in component.rules:
                found = self.derivation.found[number]
                if not found.count:
                    continue
                if found.rule.predicate in self.whole:
                    self._add(found, f"SELECT * FROM {found.table}")
                elif name := self._table(found.rule.predicate):
                    self._add(found, self._live(found, name))
            grown = {}
            for predicate in inside - self.whole:
                if name := self._table(predicate):
                    [(grown[predicate],)] = self.derivation.engine.rows(f"SELECT count(*) FROM {name}")
            if grown == sizes:
                return
            sizes = grown

    def _table(self, predicate: str) -> str:
        """The table of the facts of a predicate that are rested on, up to date; an empty name for none."""
        queries = self.queries.get(predicate)
        if not queries:
            return ""
        engine, name = self.derivation.engine, f"{self.derivation.table_of(predicate)}_w"
        if queries != [f"SELECT * FROM {name}"]:
            engine.create(f"{name}2", " UNION ".join(queries))
            engine.drop(name)
            engine.create(name, f"SELECT * FROM {name}2")
            engine.drop(f"{name}2")
            self.queries[predicate] = [f"SELECT * FROM {name}"]
        return name

    def _live(self, found: Found, wanted: str) -> str:
        """The firings of a rule whose heads stand in a table."""
        derivation, rule = self.derivation, found.firing.rule
        on = [f"w.{UNIT} = f.{UNIT}", *(f"w.a{p} = {self._of(found, arg)}" for p, arg in group(derivation, found))]
        if rule.aggregate:  # of a group there may be several wanted heads from several rules; one is its own
            same = " AND ".join(f"w.{c} = h.{c}" for c in derivation.columns(rule.predicate))
            wanted = f"(SELECT w.* FROM {wanted} AS w JOIN {counted(derivation, found)} AS h ON {same})"
        return f"SELECT f.* FROM {found.table} AS f SEMI JOIN {wanted} AS w ON {' AND '.join(on)}"

    def _of(self, found: Found, arg: Variable | Constant) -> str:
        term = self.derivation.term(found, arg)
        return f"f.{term}" if term.startswith("v_") else term

    def _add(self, found: Found, live: str) -> None:
        """Let what some firings of a rule rest on be wanted."""
        derivation = self.derivation
        named: dict[str, None] = {}
        for literal in found.firing.rule.body:
            if not isinstance(literal, Present) or literal.predicate not in derivation.names.changing - self.whole:
                continue
            about = [literal.args[place] for place in _naming(derivation, literal.predicate)]
            named |= {column(a.name): None for a in about if isinstance(a, Variable) and a.name in found.firing.columns}
            if literal.predicate in self.derived:
                places = kept(derivation.program, literal.predicate)
                args = [f"{derivation.term(found, literal.args[place])} AS a{place}" for place in places]
                query = f"SELECT {', '.join([UNIT, *args])} FROM ({live}) AS l"
                self.queries.setdefault(literal.predicate, []).append(query)
        if named:
            self.entries[found.number] = _entries(list(named), f"({live})")


__all__ = ["rested_on"]
