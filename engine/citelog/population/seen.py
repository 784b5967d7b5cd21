"""What the distinct wordings of a population say, and which code each has for the joint rules.

Local rules run here, once for each distinct set of facts that an entry can give. Codes are then the classes of entries
that no joint rule can tell apart.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from citelog.knowledge.base import Knowledge
from citelog.population.derivation import components
from citelog.population.derivation.state import Derivation
from citelog.population.engines.duck import Duck
from citelog.population.engines.engine import Loaded
from citelog.population.entries import MEASURED, Fact
from citelog.population.program.compiled import LOCAL, Compiled, Names
from citelog.population.program.plan import DAY, SINCE_DAYS, WHEN_DAYS, Plan, kept
from citelog.population.program.queries import UNIT
from citelog.population.program.sight import ENTRY, Sight
from citelog.population.program.values import Values
from citelog.population.wordings import UNITS
from citelog.rules.program import Program
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

    def table(self, made: Plan, values: Values) -> pa.Table:
        """The same as rows of numbers, to be kept: the code, the predicate and its arguments; without, no fact."""
        rows: list[tuple[int, str | None, list[int | None]]] = []
        for code, facts in enumerate(self.facts):
            shown = [(code, name, [*_numbered(name, args, made, values)]) for name, args in in_order(facts)]
            rows += shown or [(code, None, [])]
        columns = list(zip(*rows, strict=True)) or [()] * 3
        types = (pa.int32(), pa.string(), pa.list_(pa.int32()))
        names = ("code", "predicate", "args")
        return pa.table({name: pa.array(c, type_) for name, type_, c in zip(names, types, columns, strict=True)})

    @classmethod
    def of(cls, rows: Iterable[tuple[int, str | None, Sequence[int]]], program: Program, values: Values) -> Seen:
        """By rows that were kept, those of lower codes first."""
        found: list[set[Fact]] = []
        for code, predicate, args in rows:
            if code == len(found):
                found.append(set())
            if predicate is not None:
                found[code].add(_fact(predicate, args, program, values))
        return cls([frozenset(facts) for facts in found])


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
    at: datetime.date | None,
    tick: Callable[[], None],
) -> tuple[Seen, Derivation]:
    """Run the local rules on all sets of facts that entries give, and give codes to what can be seen of them.

    Makes the table `sight`: of each set with each value that stands in it, the code, if anything can be seen, and
    whether a day of the entry can.
    """
    units, program = f"{LOCAL}units", made.program
    near.create("sets", f"SELECT (row_number() OVER (ORDER BY facts, value) - 1)::INTEGER AS {UNIT}, * FROM ({UNITS})")
    near.create(units, f"SELECT {UNIT} FROM sets")
    derivation = Derivation(near, Names.of(program), compiled, values, LOCAL, tick)
    met = made.met(made.local)
    derivation.state({name: rows for name, rows in stated.items() if name in met})
    given: dict[str, list[tuple[int | None, ...]]] = {}
    for number, facts in enumerate(sets):
        for predicate, args in in_order(facts):
            given.setdefault(predicate, []).append((number, *_numbered(predicate, args, made, values)))
    tables: dict[str, Loaded] = {}
    queries: dict[str, list[str]] = {}
    for order, (predicate, rows) in enumerate(given.items()):
        columns = derivation.columns(predicate)[1:]
        tables[f"of_set_{order}"] = ("facts", *columns), rows
        shown = ", ".join(f"coalesce(o.{column}, s.value) AS {column}" for column in columns)
        queries[predicate] = [f"SELECT s.{UNIT}, {shown} FROM sets AS s JOIN of_set_{order} AS o ON s.facts = o.facts"]
    near.load_all(tables)
    queries["patient"] = [f"SELECT {UNIT} FROM {units}"]
    if at is not None:
        queries[DAY] = [f"SELECT {UNIT}, {values.number(at)} AS a1 FROM {units}"]
    derivation.give(queries)
    derivation.empty(met & program.changing)
    with near.small():
        components.run(derivation, made.local)
    return _coded(derivation, made), derivation


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """Facts in an order that is the same in every run: values are numbered as they are met.

    >>> in_order(frozenset((name, (name,)) for name in "geafbdc")) == [(name, (name,)) for name in "abcdefg"]
    True
    """
    return sorted(facts, key=repr)


def _numbered(predicate: str, args: tuple[Any, ...], made: Plan, values: Values) -> Iterator[int | None]:
    """The arguments of a fact as numbers, without the patient; the entry is -1, its number left open."""
    for place in kept(made.program, predicate):
        arg = args[place]
        yield -1 if arg is ENTRY else None if arg is MEASURED else values.number(arg)


def _fact(predicate: str, numbers: Sequence[int], program: Program, values: Values) -> Fact:
    """A fact by the numbers of its arguments, which are all but the patient; no value has a number below 0."""
    whole: list[Any] = [None] * len(program.predicates[predicate].arguments)
    for place, number in zip(kept(program, predicate), numbers, strict=True):
        whole[place] = ENTRY if number < 0 else values.value(number)
    return predicate, tuple(whole)


def _coded(derivation: Derivation, made: Plan) -> Seen:
    """What can be seen of each unit, and the table `sight`; units with the same facts to be met are looked at once."""
    near, values, program = derivation.engine, derivation.values, made.program
    tables = {name: derivation.table_of(name) for name in sorted(made.met(made.joint) & program.changing)}
    met = [name for name in tables if name != "patient" and derivation.rows_of(name)]
    parts = []
    for order, name in enumerate(met):
        args = ", ".join(derivation.columns(name)[1:])
        parts.append(f"SELECT {UNIT}, {order} AS predicate, [{args}]::INTEGER[] AS args FROM {tables[name]}")
    nothing = f"SELECT NULL::INTEGER AS {UNIT}, NULL::INTEGER AS predicate, []::INTEGER[] AS args WHERE false"
    near.create("met", " UNION ALL ".join(parts) or nothing)
    distinct = "SELECT DISTINCT predicate, args FROM met"
    number = "(row_number() OVER (ORDER BY predicate, args) - 1)::INTEGER"
    near.create("met_facts", f"SELECT {number} AS fact, * FROM ({distinct})")
    near.create(
        "met_sets",
        f"SELECT s.{UNIT}, list_sort(list_filter(list(f.fact), lambda x: x IS NOT NULL)) AS facts FROM sets AS s "
        f"LEFT JOIN met AS m ON s.{UNIT} = m.{UNIT} "
        f"LEFT JOIN met_facts AS f ON m.predicate = f.predicate AND m.args = f.args GROUP BY s.{UNIT}",
    )
    rows_met = near.rows("SELECT predicate, args FROM met_facts ORDER BY fact")
    facts = [_fact(met[order], args, program, values) for order, args in rows_met]
    sight = Sight(made)
    codes: dict[tuple[frozenset[Fact], frozenset[str]], int] = {}
    rows: list[tuple[Any, ...]] = []
    for (some,) in near.rows("SELECT DISTINCT facts FROM met_sets ORDER BY facts"):
        visible, days = sight.seen(facts[number] for number in some)
        code = codes.setdefault((visible, days), len(codes)) if visible or days else None
        rows.append((some, code, WHEN_DAYS in days, SINCE_DAYS in days))
    sets, *others = zip(*rows, strict=True) if rows else [()] * 4
    columns = dict(
        zip(("code", "dated", "begun"), map(pa.array, others, (pa.int32(), pa.bool_(), pa.bool_())), strict=True)
    )
    near.table("classes", pa.table({"facts": pa.array(sets, pa.list_(pa.int32()))} | columns))
    near.create(
        "sight",
        f"SELECT s.facts, s.value, c.code, c.dated, c.begun FROM sets AS s JOIN met_sets AS m ON s.{UNIT} = m.{UNIT} "
        "JOIN classes AS c ON m.facts = c.facts",
    )
    return Seen([visible for visible, _ in codes])


def given_to_pictures(seen: Seen, made: Plan) -> Mapping[str, Sequence[tuple[int, Fact]]]:
    """For each predicate, the codes that give facts of it, and the facts."""
    found: dict[str, list[tuple[int, Fact]]] = {}
    for code, facts in enumerate(seen.facts):
        for fact in in_order(facts):
            found.setdefault(fact[0], []).append((code, fact))
    return found
