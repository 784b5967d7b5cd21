"""The heads of rules that count, add up, or take the least or greatest.

The engine groups; what a group of values comes to is worked out in Python over the distinct groups, and is as exact as
for one patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from citelog.population.derivation.state import Derivation, Found
from citelog.population.program.queries import ORDERED, UNIT
from citelog.rules.program import Aggregate, Constant, Variable
from citelog.run.arithmetic import aggregate


def counted(derivation: Derivation, found: Found) -> str:
    """The table of the heads of a rule that counts, adds up, or takes the least or greatest."""
    if not found.heads:
        found.heads = _Groups.of(derivation, found).heads()
    return found.heads


def group(derivation: Derivation, found: Found) -> list[tuple[int, Variable | Constant]]:
    """What a rule's firings are grouped by: the arguments of its head, with their places, but for what is counted."""
    args = derivation.args(found.firing.rule)
    return [(place, arg) for place, arg in args if not isinstance(arg, Aggregate)]


@dataclass(frozen=True, slots=True)
class _Groups:
    """The firings of one rule, grouped: `firings` is a query for the group and the member of each of them.

    They are distinct where no two firings give the same member of a group.
    """

    derivation: Derivation
    counted: Aggregate
    table: str
    keys: str
    target: str
    columns: tuple[str, ...]
    firings: str
    is_distinct: bool

    @classmethod
    def of(cls, derivation: Derivation, found: Found) -> _Groups:
        rule = found.firing.rule
        [(target, counted)] = [(p, arg) for p, arg in derivation.args(rule) if isinstance(arg, Aggregate)]
        grouped = group(derivation, found)
        keys = [f"{derivation.term(found, arg)} AS a{place}" for place, arg in grouped]
        members = [f"{derivation.term(found, Variable(v))} AS m{i}" for i, v in enumerate(counted.variables)]
        shown = {arg.name for _, arg in grouped if isinstance(arg, Variable)} | set(counted.variables)
        return cls(
            derivation,
            counted,
            f"{derivation.prefix}h{found.number}",
            ", ".join([UNIT, *(f"a{place}" for place, _ in grouped)]),
            f"a{target}",
            derivation.columns(rule.predicate),
            f"SELECT {', '.join([UNIT, *keys, *members])} FROM {found.table}",
            set(found.firing.columns) <= shown,
        )

    @property
    def members(self) -> str:
        """A query for each distinct member of each group."""
        return self.firings if self.is_distinct else f"SELECT DISTINCT * FROM ({self.firings}) AS f"

    def heads(self) -> str:
        """The name of the table of heads, which is made."""
        if self.counted.function in ("min", "max"):
            self._chosen()
        elif self.counted.function == "count":
            self._number()
        else:
            self._lists()
        return self.table

    def _chosen(self) -> None:
        """The least or greatest by the order of values."""
        self.derivation.order()
        chosen = f"{self.counted.function}_by(m0, {ORDERED}.rank)"
        self.derivation.engine.create(
            self.table,
            f"SELECT {', '.join(self.columns)} FROM (SELECT {self.keys}, {chosen} AS {self.target} "
            f"FROM ({self.firings}) AS f JOIN {ORDERED} ON m0 = {ORDERED}.id GROUP BY {self.keys}) AS g",
        )

    def _number(self) -> None:
        """How many there are."""
        engine, values = self.derivation.engine, self.derivation.values
        groups, results = self._groups("count(*)"), f"{self.table}_v"
        numbers = [(m, values.number(int(m))) for m in self._distinct(groups)]
        engine.load(results, ("m", "v"), numbers)
        self._join(groups, results)
        engine.drop(results)

    def _lists(self) -> None:
        """What a list of values comes to; lists are brought back to the engine by their elements."""
        engine, values = self.derivation.engine, self.derivation.values
        groups = self._groups("array_sort(array_agg(m0))")
        lists, results = f"{self.table}_l", f"{self.table}_w"
        some = self._distinct(groups)
        come_to = [values.number(aggregate(self.counted.function, [values.value(one) for one in m])) for m in some]
        engine.load(lists, ("i", "one"), [(i, one) for i, m in enumerate(some) for one in m])
        engine.load(results, ("i", "v"), list(enumerate(come_to)))
        brought = f"SELECT i, array_sort(array_agg(one)) AS m FROM {lists} GROUP BY i"
        self._join(groups, f"(SELECT l.m, w.v FROM ({brought}) AS l JOIN {results} AS w ON l.i = w.i)")
        for name in (lists, results):
            engine.drop(name)

    def _groups(self, over: str) -> str:
        """The table of groups, each with what its members make, `m`."""
        name = f"{self.table}_g"
        made = f"SELECT {self.keys}, {over} AS m FROM ({self.members}) AS f GROUP BY {self.keys}"
        self.derivation.engine.create(name, made)
        return name

    def _distinct(self, groups: str) -> list[Any]:
        return [m for (m,) in self.derivation.engine.rows(f"SELECT DISTINCT m FROM {groups} ORDER BY m")]

    def _join(self, groups: str, results: str) -> None:
        """Make the heads of groups and of what each `m` comes to, `v`."""
        shown = ", ".join("r.v AS " + one if one == self.target else f"g.{one}" for one in self.columns)
        engine = self.derivation.engine
        engine.create(self.table, f"SELECT {shown} FROM {groups} AS g JOIN {results} AS r ON g.m = r.m")
        engine.drop(groups)


__all__ = ["counted", "group"]
