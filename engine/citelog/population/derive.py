"""A program run on many units at once: every rule of every component, from the lowest up, with all firings kept.

A unit is an entry or a picture: something that rules are run on without looking at any other. The facts of all units
stand in one table a predicate, and so do the firings of each rule. What is counted or added up, and what is computed,
goes through Python over the distinct operands, and is as exact as for one patient.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from citelog.population.engines.engine import Engine, Row
from citelog.population.program.compiled import Compiled, Names
from citelog.population.program.plan import kept, of_one_patient
from citelog.population.program.queries import (
    ORDERED,
    UNIT,
    Computed,
    Firing,
    Query,
    column,
    places,
)
from citelog.population.program.values import Values
from citelog.rules.program import Absent, Aggregate, Assignment, Component, Constant, Present, Program, Rule, Variable
from citelog.run.arithmetic import aggregate, compare
from citelog.run.result import value_of


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

    `units` is the table of the units; `given` maps a predicate to the number of its given facts, which stand in the
    table that `table_of` names.
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

    # tables

    def table_of(self, predicate: str) -> str:
        """The table of a predicate's facts."""
        return self.names.table(predicate, self.prefix)

    def columns(self, predicate: str) -> tuple[str, ...]:
        """The columns of a predicate's table."""
        return ((UNIT,) if predicate in self.names.changing else ()) + places(kept(self.program, predicate))

    def empty(self, predicates: Iterable[str]) -> None:
        """Make the tables that are not there yet, without rows."""
        for predicate in predicates:
            name = self.table_of(predicate)
            if name not in self.size:
                self.engine.load(name, self.columns(predicate), ())
                self.size[name] = 0

    def give(self, predicate: str, query: str) -> None:
        """Let a query's rows be facts of a predicate."""
        self.size[self.table_of(predicate)] = self.engine.create(self.table_of(predicate), query)

    def state(self, facts: Mapping[str, Iterable[Row]]) -> None:
        """Make the tables of the knowledge: of each predicate, rows of values."""
        for predicate, rows in facts.items():
            if predicate in self.names.changing:  # nothing derives it
                self.empty([predicate])
                continue
            made = [tuple(self.values.number(value) for value in row) for row in rows]
            self.engine.load(self.table_of(predicate), self.columns(predicate), made)
            self.size[self.table_of(predicate)] = len(made)

    # rules

    def run(self, components: Sequence[Component]) -> None:
        """Run components from the lowest up."""
        for level in self._levels(components):
            if level[0].recursive:
                self._repeat(level[0])
                continue
            by_head: dict[str, list[int]] = {}
            for number in (number for component in level for number in component.rules):
                by_head.setdefault(self.program.rules[number].predicate, []).append(number)
            self._all_once([number for numbers in by_head.values() for number in numbers])
            self._gather_all({predicate: [self.found[n] for n in numbers] for predicate, numbers in by_head.items()})

    def _levels(self, components: Sequence[Component]) -> list[list[Component]]:
        """Components that do not read each other together, the lowest first; one that uses itself is by itself."""
        level: dict[str, int] = {}
        found: dict[tuple[int, bool, int], list[Component]] = {}
        for number, component in enumerate(components):
            rules = [self.program.rules[n] for n in component.rules]
            read = {x.predicate for rule in rules for x in rule.body if isinstance(x, Present | Absent)}
            own = 1 + max((level.get(predicate, 0) for predicate in read), default=0)
            level |= {rule.predicate: own for rule in rules}
            found.setdefault((own, component.recursive, number if component.recursive else 0), []).append(component)
        return [found[key] for key in sorted(found)]

    def firing(self, number: int, newest: int = -1) -> Firing:
        """How the firings of a rule are found, or those by the newest facts of one of its premises."""
        return self.compiled.firings[self.prefix, number, newest]

    def _all_once(self, numbers: Sequence[int]) -> None:
        """Run rules that do not read each other."""
        plain = {}
        for number in numbers:
            firing = self.firing(number)
            if len(firing.queries) == 1 and all(self.size.get(read, 0) for read in firing.reads):
                [query] = firing.queries
                plain[f"{self.prefix}r{number}"] = query.columns, self._text(query)
        counts = self.engine.create_all(plain) if plain else {}
        for number in numbers:
            name = f"{self.prefix}r{number}"
            if name not in counts:
                self.ask(number)
                continue
            if not counts[name]:
                self.engine.drop(name)
            self._note(number, name, counts[name])

    def ask(self, number: int) -> Found:
        """Run one rule on the facts that are there."""
        name = f"{self.prefix}r{number}"
        self._note(number, name, self._ask(self.firing(number), name))
        return self.found[number]

    def _note(self, number: int, name: str, count: int) -> None:
        """Keep in mind what a rule has found."""
        firing = self.firing(number)
        self.found[number] = Found(number, self.program.rules[number], firing, name, count)
        self.tick()

    def _ask(self, firing: Firing, name: str) -> int:
        """Put the firings of a rule into a table; without one where there are none."""
        if not firing.queries or any(not self.size.get(read, 0) for read in firing.reads):
            return 0
        for query in firing.queries[:-1]:
            self.engine.create(query.table, self._text(query))
            assert query.then is not None
            self._compute(query.table, query.then)
        count = self.engine.create(name, self._text(firing.queries[-1]))
        for query in firing.queries[:-1]:
            self.engine.drop(query.table)
            assert query.then is not None
            self.engine.drop(query.then.table)
        if not count:
            self.engine.drop(name)
        return count

    def _text(self, query: Query) -> str:
        text = str(query.expression)
        if ORDERED in text:
            self._order()
        return text

    def _order(self) -> None:
        """Let the order of values be up to date."""
        if self._ordered != len(self.values):
            self.engine.load(ORDERED, ("id", "rank"), self.values.ordered())
            self._ordered = len(self.values)

    def _compute(self, made: str, computed: Computed) -> None:
        """Work out a computation for the distinct operands that stand in a table."""
        names = computed.names
        listed = ", ".join(column(name) for name in names)
        rows = []
        value = self.values.value
        for operands in self.engine.rows(f"SELECT DISTINCT {listed} FROM {made} ORDER BY {listed}"):
            row = {name: value(number) for name, number in zip(names, operands, strict=True)}
            row |= {name: value(number) for name, number in computed.constants.items()}
            if isinstance(computed.literal, Assignment):
                result = value_of(computed.literal.expression, row)
                if result is not None:
                    rows.append((*operands, self.values.number(result)))
            else:
                left, right = value_of(computed.literal.left, row), value_of(computed.literal.right, row)
                if left is not None and right is not None and compare(computed.literal.operator, left, right):
                    rows.append(operands)
        columns = (*(f"o{i}" for i in range(len(names))), *(["v"] if computed.into else []))
        self.engine.load(computed.table, columns, sorted(rows))

    # heads

    def heads(self, found: Found) -> str:
        """The query for the facts that a rule's firings give."""
        rule = found.firing.rule
        if rule.aggregate:
            return f"SELECT {', '.join(self.columns(rule.predicate))} FROM {self._counted(found)}"
        return f"SELECT {', '.join(self.head(found))} FROM {found.table}"

    def head(self, found: Found) -> list[str]:
        """The columns of a rule's head, in terms of its firings' table."""
        made = [UNIT]
        for place in kept(self.program, found.rule.predicate):
            arg = found.firing.rule.args[place]
            assert not isinstance(arg, Aggregate)
            made.append(f"{self.term(found, arg)} AS a{place}")
        return made

    def term(self, found: Found, arg: Variable | Constant) -> str:
        """An argument in terms of a rule's firings' table."""
        if isinstance(arg, Constant):
            return str(self.values.number(arg.value))
        if arg.name in found.firing.constants:
            return str(found.firing.constants[arg.name])
        return column(arg.name)

    def _is_injective(self, found: Found) -> bool:
        """Whether no two firings of a rule give the same fact."""
        rule = found.firing.rule
        shown = {arg.name for arg in rule.args if isinstance(arg, Variable)}
        return rule.aggregate is not None or set(found.firing.columns) <= shown

    def _are_apart(self, some: Sequence[Found]) -> bool:
        """Whether no two rules give the same fact: any two have different constants at some place."""
        constants = [
            {place: arg.value for place, arg in enumerate(found.firing.rule.args) if isinstance(arg, Constant)}
            for found in some
        ]
        return all(
            any(one[place] != other[place] for place in one.keys() & other.keys())
            for one, other in itertools.combinations(constants, 2)
        )

    def _gather_all(self, founds: Mapping[str, list[Found]]) -> None:
        """The facts of predicates: those that were given, and the heads of their rules."""
        made, given = {}, []
        for predicate, some in founds.items():
            name, columns = self.table_of(predicate), self.columns(predicate)
            having = [found for found in some if found.count]
            parts = [self.heads(found) for found in having]
            if not parts:
                continue
            once = all(map(self._is_injective, having)) and self._are_apart(having)
            if self.size.get(name, 0):
                given.append(f"{name}_given")
                self.engine.create(given[-1], f"SELECT * FROM {name}")
                parts.insert(0, f"SELECT {', '.join(columns)} FROM {given[-1]}")
                once = False
            if name in self.size:
                self.engine.drop(name)
            if once and len(parts) == 1:  # every firing is a fact of its own: they are read where they stand
                self.engine.view(name, parts[0])
                self.size[name] = having[0].count
                continue
            several = (" UNION ALL " if once else " UNION ").join(parts)
            made[name] = columns, several if len(parts) > 1 else f"SELECT DISTINCT * FROM ({several})"
        if made:
            self.size |= self.engine.create_all(made)
        for name in given:
            self.engine.drop(name)

    def _counted(self, found: Found) -> str:
        """The table of the heads of a rule that counts, adds up, or takes the least or greatest."""
        if not found.heads:
            found.heads = self._count(found)
        return found.heads

    def _count(self, found: Found) -> str:
        rule = found.firing.rule
        counted = rule.aggregate
        assert counted is not None
        name = f"{self.prefix}h{found.number}"
        groups = [
            (place, arg)
            for place, arg in zip(kept(self.program, rule.predicate), self._kept_args(rule), strict=True)
            if not isinstance(arg, Aggregate)
        ]
        target = next(
            place
            for place, arg in zip(kept(self.program, rule.predicate), self._kept_args(rule), strict=True)
            if isinstance(arg, Aggregate)
        )
        group_columns = [f"{self.term(found, arg)} AS a{place}" for place, arg in groups]
        members = [f"{self.term(found, Variable(v))} AS m{i}" for i, v in enumerate(counted.variables)]
        inner = f"SELECT DISTINCT {', '.join([UNIT, *group_columns, *members])} FROM {found.table}"
        keys = ", ".join([UNIT, *(f"a{place}" for place, _ in groups)])
        order = ", ".join(self.columns(rule.predicate))
        made = f"{name}_g"
        if counted.function in ("min", "max"):
            self._order()
            chosen = f"{counted.function}_by(m0, {ORDERED}.rank)"
            self.engine.create(
                name,
                f"SELECT {order} FROM (SELECT {keys}, {chosen} AS a{target} FROM ({inner}) AS f "
                f"JOIN {ORDERED} ON m0 = {ORDERED}.id GROUP BY {keys}) AS g",
            )
            return name
        over = "count(*)" if counted.function == "count" else "array_sort(array_agg(m0))"
        self.engine.create(made, f"SELECT {keys}, {over} AS m FROM ({inner}) AS f GROUP BY {keys}")
        rows: dict[Any, int] = {}
        for (m,) in self.engine.rows(f"SELECT DISTINCT m FROM {made} ORDER BY m"):
            if counted.function == "count":
                rows[m] = self.values.number(int(m))
            else:
                rows[tuple(m)] = self.values.number(aggregate(counted.function, [self.values.value(one) for one in m]))
        if counted.function == "count":
            self.engine.load(f"{name}_v", ("m", "v"), sorted(rows.items()))
            join = f"{name}_v AS r ON g.m = r.m"
        else:
            listed = [(i, one) for i, some in enumerate(rows) for one in some]
            self.engine.load(f"{name}_l", ("i", "one"), listed)
            self.engine.load(f"{name}_w", ("i", "v"), [(i, v) for i, v in enumerate(rows.values())])
            join = (
                f"(SELECT l.m, w.v FROM (SELECT i, array_sort(array_agg(one)) AS m FROM {name}_l GROUP BY i) AS l "
                f"JOIN {name}_w AS w ON l.i = w.i) AS r ON g.m = r.m"
            )
        shown = ", ".join(
            [f"g.{UNIT}", *(f"r.v AS a{p}" if p == target else f"g.a{p}" for p in kept(self.program, rule.predicate))]
        )
        self.engine.create(name, f"SELECT {shown} FROM {made} AS g JOIN {join}")
        for one in (made, f"{name}_v", f"{name}_l", f"{name}_w"):
            self.engine.drop(one)
        return name

    def _kept_args(self, rule: Rule) -> list[Variable | Constant | Aggregate]:
        return [rule.args[place] for place in kept(self.program, rule.predicate)]

    # rules that use themselves

    def _repeat(self, component: Component) -> None:
        """A component to its fixpoint, with the newest facts in one literal at a time."""
        rules = {n: of_one_patient(self.program.rules[n], self.program) for n in component.rules}
        inside = {rule.predicate for rule in rules.values()}
        self.empty(inside)
        for predicate in inside:
            self.engine.create(f"{self.table_of(predicate)}_new", f"SELECT * FROM {self.table_of(predicate)}")
        inner = {
            n: [i for i, x in enumerate(rule.body) if isinstance(x, Present) and x.predicate in inside]
            for n, rule in rules.items()
        }
        for number in component.rules:
            if inner[number]:
                name, firing = f"{self.prefix}r{number}", self.firing(number)
                self.engine.load(name, (UNIT, *map(column, firing.columns)), ())
                self.found[number] = Found(number, self.program.rules[number], firing, name, 0)
        first, newest = True, {p: self.size[self.table_of(p)] for p in inside}
        while first or any(newest.values()):
            fresh: dict[str, int] = dict.fromkeys(inside, 0)
            heads: dict[str, list[str]] = {p: [] for p in inside}
            made: list[str] = []
            for number, rule in rules.items():
                if not inner[number]:
                    if first:
                        self.ask(number)
                        if self.found[number].count:
                            heads[rule.predicate].append(self.heads(self.found[number]))
                    continue
                found = self.found[number]
                asked = []
                for place in inner[number]:
                    predicate = rule.body[place].predicate  # type: ignore[union-attr]
                    if not newest[predicate]:
                        continue
                    new = f"{self.table_of(predicate)}_new"
                    self.size[new] = newest[predicate]
                    firing = self.firing(number, place)
                    answers = f"{found.table}_a{place}"
                    if self._ask(firing, answers):
                        shown = [
                            column(v) if v in firing.columns else f"{firing.constants[v]} AS {column(v)}"
                            for v in found.firing.columns
                        ]
                        asked.append(f"SELECT {', '.join([UNIT, *shown])} FROM {answers}")
                        made.append(answers)
                if asked:
                    both = " UNION ".join(asked)
                    name = f"{found.table}_n"
                    made.append(name)
                    if self.engine.create(name, f"SELECT * FROM ({both}) AS n EXCEPT SELECT * FROM {found.table}"):
                        found.count += self.engine.append(found.table, f"SELECT * FROM {name}")
                        newer = Found(number, found.rule, found.firing, name, 1)
                        heads[rule.predicate].append(f"SELECT {', '.join(self.head(newer))} FROM {name}")
            for predicate in inside:
                known, new = self.table_of(predicate), f"{self.table_of(predicate)}_new"
                self.engine.drop(new)
                if heads[predicate]:
                    both = " UNION ".join(heads[predicate])
                    fresh[predicate] = self.engine.create(
                        new, f"SELECT * FROM ({both}) AS h EXCEPT SELECT * FROM {known}"
                    )
                else:
                    self.engine.load(new, self.columns(predicate), ())
            for predicate in inside:
                if fresh[predicate]:
                    known = self.table_of(predicate)
                    self.size[known] += self.engine.append(known, f"SELECT * FROM {known}_new")
            for name in made:
                self.engine.drop(name)
            newest, first = fresh, False
        for predicate in inside:
            self.engine.drop(f"{self.table_of(predicate)}_new")
        self.tick()

    # what is rested on

    def rested_on(self, shown: Collection[str], components: Sequence[Component]) -> Iterator[tuple[str, str]]:
        """For each predicate, a query for those of its facts that some shown fact rests on.

        Facts rest on the premises of all firings that give them, and on what those rest on.
        """
        wanted: dict[str, list[str]] = {}
        whole = set(shown)
        for level in reversed(self._levels(components)):
            if level[0].recursive:
                self._rest_again(level[0], wanted, whole)
                continue
            founds = [self.found[number] for component in level for number in component.rules]
            tables = self._all_wanted([found.rule.predicate for found in founds if found.count], wanted, whole)
            for found in founds:
                if found.count:
                    self._rest(found, tables[found.rule.predicate], wanted, whole)
        for predicate, queries in wanted.items():
            yield predicate, " UNION ".join(queries)
        yield from ((p, f"SELECT * FROM {self.table_of(p)}") for p in sorted(whole) if self.size.get(self.table_of(p)))

    def _all_wanted(
        self, predicates: Sequence[str], wanted: dict[str, list[str]], whole: set[str]
    ) -> dict[str, str | None]:
        """For each predicate, the table of its facts that are rested on; None for all, an empty name for none."""
        found: dict[str, str | None] = {}
        made = {}
        for predicate in dict.fromkeys(predicates):
            found[predicate] = None if predicate in whole else ""
            if predicate not in whole and wanted.get(predicate):
                found[predicate] = name = f"{self.table_of(predicate)}_w"
                made[name] = self.columns(predicate), " UNION ".join(wanted[predicate])
                wanted[predicate] = [f"SELECT * FROM {name}"]
        if made:
            self.engine.create_all(made)
        return found

    def _wanted(self, predicate: str, wanted: dict[str, list[str]], whole: set[str]) -> str | None:
        """The table of the facts of a predicate that are rested on; None for all, an empty name for none."""
        if predicate in whole:
            return None
        queries = wanted.get(predicate)
        if not queries:
            return ""
        name = f"{self.table_of(predicate)}_w"
        if len(queries) > 1 or queries[0] != f"SELECT * FROM {name}":
            self.engine.create(f"{name}2", " UNION ".join(queries))
            self.engine.drop(name)
            self.engine.create(name, f"SELECT * FROM {name}2")
            self.engine.drop(f"{name}2")
            wanted[predicate] = [f"SELECT * FROM {name}"]
        return name

    def _live(self, found: Found, name: str | None) -> str:
        """The firings of a rule whose heads are rested on."""
        if name is None:
            return f"SELECT * FROM {found.table}"
        rule = found.firing.rule
        if rule.aggregate:
            groups = [
                (place, arg)
                for place, arg in zip(kept(self.program, rule.predicate), self._kept_args(rule), strict=True)
                if not isinstance(arg, Aggregate)
            ]
            on = [f"w.{UNIT} = f.{UNIT}", *(f"w.a{place} = {self._of(found, arg)}" for place, arg in groups)]
            # of a group there may be several wanted heads from several rules; one is its own
            own = f"SELECT w.* FROM {name} AS w JOIN {self._counted(found)} AS h ON " + " AND ".join(
                f"w.{c} = h.{c}" for c in self.columns(rule.predicate)
            )
            return f"SELECT f.* FROM {found.table} AS f SEMI JOIN ({own}) AS w ON {' AND '.join(on)}"
        on = [f"w.{UNIT} = f.{UNIT}"]
        for place in kept(self.program, rule.predicate):
            arg = rule.args[place]
            assert not isinstance(arg, Aggregate)
            on.append(f"w.a{place} = {self._of(found, arg)}")
        return f"SELECT f.* FROM {found.table} AS f SEMI JOIN {name} AS w ON {' AND '.join(on)}"

    def _of(self, found: Found, arg: Variable | Constant) -> str:
        term = self.term(found, arg)
        return f"f.{term}" if term.startswith("v_") else term

    def _rest(self, found: Found, name: str | None, wanted: dict[str, list[str]], whole: set[str]) -> None:
        """Let what the firings of a rule rest on be wanted."""
        if name == "":
            return
        live = self._live(found, name)
        for literal in found.firing.rule.body:
            if (
                isinstance(literal, Present)
                and literal.predicate in self.names.changing
                and literal.predicate not in whole
            ):
                columns = [UNIT]
                for place in kept(self.program, literal.predicate):
                    columns.append(f"{self.term(found, literal.args[place])} AS a{place}")
                query = f"SELECT {', '.join(columns)} FROM ({live}) AS l"
                wanted.setdefault(literal.predicate, []).append(query)

    def _rest_again(self, component: Component, wanted: dict[str, list[str]], whole: set[str]) -> None:
        inside = {self.program.rules[n].predicate for n in component.rules}
        sizes: dict[str, int] = {}
        while True:
            for number in component.rules:
                found = self.found[number]
                if found.count:
                    self._rest(found, self._wanted(found.rule.predicate, wanted, whole), wanted, whole)
            grown = {}
            for predicate in inside:
                name = self._wanted(predicate, wanted, whole)
                if name:
                    [(grown[predicate],)] = self.engine.rows(f"SELECT count(*) FROM {name}")
            if grown == sizes:
                return
            sizes = grown


__all__ = ["Derivation", "Found"]
