"""What the distinct wordings of a population say, and which code each has for the joint rules.

Local rules run here, once for each distinct set of facts that an entry can give. Codes are then the classes of entries
that no joint rule can tell apart.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from citelog.knowledge.base import Knowledge
from citelog.population.compiled import LOCAL, Compiled, Names
from citelog.population.derive import Derivation
from citelog.population.engine import Engine
from citelog.population.entries import Fact, Reading
from citelog.population.plan import ENTRY, Plan, Sight, kept
from citelog.population.queries import UNIT
from citelog.population.values import Values
from citelog.rules.program import Absent, Present
from citelog.run.datalog import Machine
from citelog.values import Value


@dataclass(slots=True)
class Seen:
    """Codes, and what each stands for.

    `unit` numbers the sets of facts that entries give. `codes` has the code of each (None where nothing of it can be
    seen), `days` the predicates of its days that can be seen, and `facts` what each code stands for.
    """

    unit: dict[frozenset[Fact], int] = field(default_factory=dict)
    codes: list[int | None] = field(default_factory=list)
    days: list[frozenset[str]] = field(default_factory=list)
    facts: list[frozenset[Fact]] = field(default_factory=list)

    def renumbered(self, numbers: Mapping[int, int]) -> Seen:
        """The same under other numbers for the codes; codes that have none stand after all others."""
        new = dict(numbers)
        free = max(new.values(), default=-1) + 1
        for code in range(len(self.facts)):
            if code not in new:
                new[code] = free
                free += 1
        facts: list[frozenset[Fact]] = [frozenset()] * free
        for code, some in enumerate(self.facts):
            facts[new[code]] = some
        return Seen(self.unit, [None if code is None else new[code] for code in self.codes], self.days, facts)

    def of(self, reading: Reading) -> tuple[int | None, frozenset[str]]:
        """The code of a reading, and the predicates of its days that can be seen."""
        unit = self.unit[reading.facts]
        return self.codes[unit], self.days[unit] & reading.days


def knowledge_facts(knowledge: Knowledge) -> Mapping[str, list[tuple[Value, ...]]]:
    """Every fact that no patient can change, stated or derived, by the road of one patient."""
    program = knowledge.program
    run = Machine(program, knowledge.stated).run(())
    changing = program.changing
    return {name: [atom.args for atom in run.atoms(name)] for name in program.predicates if name not in changing}


def numbered(fact: Fact, made: Plan, values: Values) -> tuple[int, ...]:
    """The arguments of a fact as numbers, without the patient; the entry is -1."""
    predicate, args = fact
    return tuple(-1 if args[i] is ENTRY else values.number(args[i]) for i in kept(made.program, predicate))


def look(
    readings: Iterable[Reading],
    made: Plan,
    compiled: Compiled,
    engine: Engine,
    values: Values,
    stated: Mapping[str, list[tuple[Value, ...]]],
    tick: Callable[[], None],
) -> tuple[Seen, Derivation]:
    """Run the local rules on the facts of all readings, and give codes to what can be seen of them."""
    seen = Seen()
    for reading in readings:
        seen.unit.setdefault(reading.facts, len(seen.unit))
    derivation = Derivation(engine, Names.of(made.program), compiled, values, LOCAL, tick)
    derivation.state(stated)
    engine.load(f"{LOCAL}units", (UNIT,), [(i,) for i in range(len(seen.unit))])
    given: dict[str, list[tuple[int, ...]]] = {}
    for facts, unit in seen.unit.items():
        for fact in facts:
            given.setdefault(fact[0], []).append((unit, *numbered(fact, made, values)))
    for predicate, rows in given.items():
        table = derivation.table_of(predicate)
        engine.load(table, derivation.columns(predicate), rows)
        derivation.size[table] = len(rows)
    everyone = derivation.table_of("patient")
    if "patient" in made.program.predicates:
        derivation.give("patient", f"SELECT {UNIT} FROM {LOCAL}units")
    derivation.empty(made.program.changing)
    derivation.run(made.local)
    met = _met(made)
    all_: list[list[Fact]] = [[] for _ in seen.unit]
    changing = made.program.changing
    for predicate in sorted(met & changing):
        table = derivation.table_of(predicate)
        if table == everyone or not derivation.size.get(table):
            continue
        places = kept(made.program, predicate)
        arity = len(made.program.predicates[predicate].arguments)
        for unit, *args in engine.rows(f"SELECT {', '.join(derivation.columns(predicate))} FROM {table}"):
            whole: list[Any] = [None] * arity
            for place, number in zip(places, args, strict=True):
                whole[place] = ENTRY if number < 0 else values.value(number)
            all_[unit].append((predicate, tuple(whole)))
    sight = Sight(made)
    known: dict[frozenset[Fact], tuple[frozenset[Fact], frozenset[str]]] = {}
    codes: dict[tuple[frozenset[Fact], frozenset[str]], int] = {}
    for facts_ in all_:
        key = frozenset(facts_)
        if key not in known:
            known[key] = sight.seen(key)
        visible, days = known[key]
        seen.days.append(days)
        if not visible and not days:
            seen.codes.append(None)
            continue
        code = codes.setdefault((visible, days), len(codes))
        seen.codes.append(code)
        if code == len(seen.facts):
            seen.facts.append(visible)
    return seen, derivation


def _met(made: Plan) -> set[str]:
    """The predicates that a joint rule reads, or that are shown."""
    found = set(made.shown)
    for rule in made.joint_rules:
        found |= {x.predicate for x in rule.body if isinstance(x, Present | Absent)}
    return found


def given_to_pictures(seen: Seen, made: Plan) -> Mapping[str, Sequence[tuple[int, Fact]]]:
    """For each predicate, the codes that give facts of it, and the facts."""
    found: dict[str, list[tuple[int, Fact]]] = {}
    for code, facts in enumerate(seen.facts):
        for fact in facts:
            found.setdefault(fact[0], []).append((code, fact))
    return found


def ordinal_day(ordinal: int) -> datetime.date:
    """A day by its ordinal; the ranks of days are days of the year 1."""
    return datetime.date.fromordinal(ordinal)
