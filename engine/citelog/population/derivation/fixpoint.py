"""A component that uses itself, to its fixpoint: semi-naive, with the newest facts in one premise at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from citelog.population.derivation.asked import ask, firings
from citelog.population.derivation.heads import heads
from citelog.population.derivation.state import Derivation, Found
from citelog.population.program.plan import of_one_patient
from citelog.population.program.queries import UNIT, column
from citelog.rules.program import Component, Present

Heads = dict[str, list[str]]
"""For each predicate, queries for facts of it."""


def to_fixpoint(derivation: Derivation, component: Component) -> None:
    """Run the rules of a component until they derive nothing new."""
    recursion = _Recursion.of(derivation, component)
    newest = recursion.begin()
    made = recursion.once()
    while True:
        for number in recursion.premises:
            recursion.by_newest(number, newest, made)
        newest = recursion.fresh(made)
        if not any(newest.values()):
            break
        made = {}
    recursion.end()


@dataclass(frozen=True, slots=True)
class _Recursion:
    """A component: its predicates, the rules that read none of them, and the places where others do.

    The newest facts of each predicate stand in a table of their own.
    """

    derivation: Derivation
    predicates: Sequence[str]
    plain: Sequence[int]
    premises: Mapping[int, Mapping[int, str]]
    """For each rule that reads the component: the places in its body, and the predicate at each."""
    left: list[str] = field(default_factory=list)
    """Tables that are dropped at the end of a round."""

    @classmethod
    def of(cls, derivation: Derivation, component: Component) -> _Recursion:
        program = derivation.program
        rules = {number: of_one_patient(program.rules[number], program) for number in component.rules}
        inside = sorted({rule.predicate for rule in rules.values()})
        premises = {
            number: {
                place: x.predicate
                for place, x in enumerate(rule.body)
                if isinstance(x, Present) and x.predicate in inside
            }
            for number, rule in rules.items()
        }
        plain = [number for number, places in premises.items() if not places]
        return cls(derivation, inside, plain, {number: places for number, places in premises.items() if places})

    def _new(self, predicate: str) -> str:
        return f"{self.derivation.table_of(predicate)}_new"

    def begin(self) -> dict[str, int]:
        """Make the tables, with the facts that were given as the newest; how many of each predicate there are."""
        derivation, engine = self.derivation, self.derivation.engine
        derivation.empty(self.predicates)
        for predicate in self.predicates:
            engine.create(self._new(predicate), f"SELECT * FROM {derivation.table_of(predicate)}")
        for number in self.premises:
            firing, name = derivation.firing(number), derivation.table_of_rule(number)
            engine.load(name, (UNIT, *map(column, firing.columns)), ())
            derivation.found[number] = Found(number, derivation.program.rules[number], firing, name, 0)
        return {predicate: derivation.rows_of(predicate) for predicate in self.predicates}

    def once(self) -> Heads:
        """Run the rules that read nothing of the component."""
        made: Heads = {}
        for number in self.plain:
            found = ask(self.derivation, number)
            if found.count:
                made.setdefault(found.rule.predicate, []).append(heads(self.derivation, found))
        return made

    def by_newest(self, number: int, newest: Mapping[str, int], made: Heads) -> None:
        """Find the firings of a rule that rest on a newest fact, which none did before; add their heads."""
        derivation, engine, found = self.derivation, self.derivation.engine, self.derivation.found[number]
        asked = []
        for place, predicate in self.premises[number].items():
            derivation.size[self._new(predicate)] = newest[predicate]
            firing, answers = derivation.firing(number, place), f"{found.table}_a{place}"
            if firings(derivation, firing, answers):
                shown = [
                    column(v) if v in firing.columns else f"{firing.constants[v]} AS {column(v)}"
                    for v in found.firing.columns
                ]
                asked.append(f"SELECT {', '.join([UNIT, *shown])} FROM {answers}")
                self.left.append(answers)
        if not asked:
            return
        newer = replace(found, table=f"{found.table}_n")
        self.left.append(newer.table)
        engine.create(newer.table, " UNION ".join(asked))
        found.count += engine.append(found.table, f"SELECT * FROM {newer.table}")
        made.setdefault(found.rule.predicate, []).append(heads(derivation, newer))

    def fresh(self, made: Heads) -> dict[str, int]:
        """Let the heads that are no facts yet be the newest facts; how many of each predicate there are."""
        derivation, engine = self.derivation, self.derivation.engine
        newest = dict.fromkeys(self.predicates, 0)
        for predicate in self.predicates:
            known, new = derivation.table_of(predicate), self._new(predicate)
            engine.drop(new)
            if predicate in made:
                both = " UNION ".join(made[predicate])
                newest[predicate] = engine.create(new, f"SELECT * FROM ({both}) AS h EXCEPT SELECT * FROM {known}")
            else:
                engine.load(new, derivation.columns(predicate), ())
        for predicate, count in newest.items():
            if count:
                known = derivation.table_of(predicate)
                derivation.size[known] += engine.append(known, f"SELECT * FROM {self._new(predicate)}")
        for name in self.left:
            engine.drop(name)
        self.left.clear()
        return newest

    def end(self) -> None:
        for predicate in self.predicates:
            self.derivation.engine.drop(self._new(predicate))
        self.derivation.tick()


__all__ = ["to_fixpoint"]
