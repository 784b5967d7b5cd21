"""What the distinct wordings of a population say, and which code each has for the joint rules.

Local rules run here, once for each distinct set of facts that an entry can give. Codes are then the classes of entries
that no joint rule can tell apart.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from citelog.knowledge.base import Knowledge
from citelog.population.compiled import LOCAL, Compiled, Names
from citelog.population.derive import Derivation
from citelog.population.duck import Duck
from citelog.population.entries import MEASURED, Fact
from citelog.population.plan import ENTRY, Plan, Sight, kept
from citelog.population.queries import UNIT
from citelog.population.values import Values
from citelog.population.wordings import SINCE_DAYS, UNITS, WHEN_DAYS
from citelog.run.datalog import Machine
from citelog.values import Value


@dataclass(slots=True)
class Seen:
    """What each code stands for: facts of an entry."""

    facts: list[frozenset[Fact]] = field(default_factory=list)

    def renumbered(self, numbers: Mapping[int, int]) -> Seen:
        """The same under other numbers for the codes, of which none is left out."""
        found: list[frozenset[Fact]] = [frozenset()] * (max(numbers.values(), default=-1) + 1)
        for code, some in enumerate(self.facts):
            found[numbers[code]] = some
        return Seen(found)


def knowledge_facts(knowledge: Knowledge) -> Mapping[str, list[tuple[Value, ...]]]:
    """Every fact that no patient can change, stated or derived, by the road of one patient."""
    program = knowledge.program
    run = Machine(program, knowledge.stated).run(())
    changing = program.changing
    return {name: [atom.args for atom in run.atoms(name)] for name in program.predicates if name not in changing}


def look(
    sets: Sequence[frozenset[Fact]],
    made: Plan,
    compiled: Compiled,
    near: Duck,
    values: Values,
    stated: Mapping[str, list[tuple[Value, ...]]],
    tick: Callable[[], None],
) -> tuple[Seen, Derivation]:
    """Run the local rules on all sets of facts that entries give, and give codes to what can be seen of them.

    Makes the table `sight`: of each set with each value that stands in it, the code, if anything can be seen, and
    whether a day of the entry can.
    """
    units = f"{LOCAL}units"
    near.create("sets", f"SELECT (row_number() OVER (ORDER BY facts, value) - 1)::INTEGER AS {UNIT}, * FROM ({UNITS})")
    near.create(units, f"SELECT {UNIT} FROM sets")
    derivation = Derivation(near, Names.of(made.program), compiled, values, LOCAL, tick)
    met = made.met(made.local)
    derivation.state({name: rows for name, rows in stated.items() if name in met})
    given: dict[str, list[tuple[int | None, ...]]] = {}
    for number, facts in enumerate(sets):
        for predicate, args in facts:
            given.setdefault(predicate, []).append((number, *_numbered(predicate, args, made, values)))
    for predicate, rows in given.items():
        columns = derivation.columns(predicate)[1:]
        near.load("of_set", ("facts", *columns), rows)
        shown = ", ".join(f"coalesce(o.{column}, s.value) AS {column}" for column in columns)
        derivation.give(predicate, f"SELECT s.{UNIT}, {shown} FROM sets AS s JOIN of_set AS o ON s.facts = o.facts")
    if "patient" in made.program.predicates:
        derivation.give("patient", f"SELECT {UNIT} FROM {units}")
    derivation.empty(met & made.program.changing)
    derivation.run(made.local)
    return _coded(derivation, made), derivation


def _numbered(predicate: str, args: tuple[Any, ...], made: Plan, values: Values) -> Iterator[int | None]:
    """The arguments of a fact as numbers, without the patient; the entry is -1, its number left open."""
    for place in kept(made.program, predicate):
        arg = args[place]
        yield -1 if arg is ENTRY else None if arg is MEASURED else values.number(arg)


def _coded(derivation: Derivation, made: Plan) -> Seen:
    """What can be seen of each unit, and the table `sight`: units of which the same facts can be met are looked at once."""
    near, values, program = derivation.engine, derivation.values, made.program
    met = sorted(
        name
        for name in made.met(made.joint) & program.changing
        if name != "patient" and derivation.size.get(derivation.table_of(name))
    )
    parts = [
        f"SELECT {UNIT}, {order} AS predicate, [{', '.join(derivation.columns(name)[1:])}]::INTEGER[] AS args FROM {derivation.table_of(name)}"
        for order, name in enumerate(met)
    ]
    nothing = f"SELECT NULL::INTEGER AS {UNIT}, NULL::INTEGER AS predicate, []::INTEGER[] AS args WHERE false"
    near.create("met", " UNION ALL ".join(parts) or nothing)
    near.create(
        "met_facts",
        "SELECT (row_number() OVER (ORDER BY predicate, args) - 1)::INTEGER AS fact, * FROM (SELECT DISTINCT predicate, args FROM met)",
    )
    near.create(
        "met_sets",
        f"SELECT {UNIT}, list_sort(list(fact)) AS facts FROM met JOIN met_facts USING (predicate, args) GROUP BY {UNIT}",
    )
    facts = []
    for order, args in near.rows("SELECT predicate, args FROM met_facts ORDER BY fact"):
        whole: list[Any] = [None] * len(program.predicates[met[order]].arguments)
        for place, number in zip(kept(program, met[order]), args, strict=True):
            whole[place] = ENTRY if number < 0 else values.value(number)
        facts.append((met[order], tuple(whole)))
    sight = Sight(made)
    codes: dict[tuple[frozenset[Fact], frozenset[str]], int] = {}
    rows: list[tuple[Any, ...]] = []
    for (some,) in near.rows("SELECT DISTINCT facts FROM met_sets ORDER BY facts"):
        visible, days = sight.seen(facts[number] for number in some)
        code = codes.setdefault((visible, days), len(codes)) if visible or days else None
        rows.append((some, code, WHEN_DAYS in days, SINCE_DAYS in days))
    names, types = ("facts", "code", "dated", "begun"), (pa.list_(pa.int32()), pa.int32(), pa.bool_(), pa.bool_())
    columns = list(zip(*rows, strict=True)) or [()] * 4
    near.table(
        "classes",
        pa.table({name: pa.array(one, type_) for name, type_, one in zip(names, types, columns, strict=True)}),
    )
    near.create(
        "sight",
        "SELECT s.facts, s.value, c.code, coalesce(c.dated, false) AS dated, coalesce(c.begun, false) AS begun "
        f"FROM sets AS s LEFT JOIN met_sets AS m ON s.{UNIT} = m.{UNIT} LEFT JOIN classes AS c ON m.facts = c.facts",
    )
    return Seen([visible for visible, _ in codes])


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
