"""A run as the explanations read it: facts by predicate, rules by head, and what a patient's record can change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from citelog.knowledge.base import Knowledge
from citelog.patient.context import GIVES
from citelog.patient.predicates import NAMING, list_of
from citelog.patient.wanted import Args
from citelog.rules.program import Absent, Assignment, Constant, Present, Program, Rule, Variable
from citelog.run.result import Run
from citelog.values import Value


@dataclass
class Model:
    """The facts of a run, asked by pattern."""

    run: Run
    _facts: dict[str, tuple[tuple[Value, ...], ...]] = field(default_factory=dict)

    def facts(self, predicate: str) -> tuple[tuple[Value, ...], ...]:
        """The arguments of every fact of a predicate, in an order that depends on nothing but them."""
        found = self._facts.get(predicate)
        if found is None:
            rows = (atom.args for atom in self.run.atoms(predicate))
            found = self._facts[predicate] = tuple(sorted(rows, key=lambda row: [str(v) for v in row]))
        return found

    def matching(self, predicate: str, args: Args) -> Iterator[tuple[Value, ...]]:
        """The facts that agree with a pattern."""
        wanted = [(i, a, type(a)) for i, a in enumerate(args) if a is not None]
        for row in self.facts(predicate):
            for i, a, type_ in wanted:
                if row[i] != a or type(row[i]) is not type_:
                    break
            else:
                yield row

    @cached_property
    def names(self) -> Mapping[Value, tuple[str, Value]]:
        """The records: for each the predicate that names what it is about, and that name."""
        naming = (*NAMING, *dict.fromkeys(GIVES.values()))
        return {row[1]: (predicate, row[2]) for predicate in naming for row in self.facts(predicate)}

    def holds(self, predicate: str, args: Args) -> bool:
        """Whether any fact agrees with a pattern."""
        return next(self.matching(predicate, args), None) is not None


@dataclass(frozen=True, eq=False)
class Shape:
    """What can be said of a program before any patient: which rules give what, what a record can change."""

    knowledge: Knowledge

    @property
    def program(self) -> Program:
        """The program itself."""
        return self.knowledge.program

    @cached_property
    def rules(self) -> Mapping[str, tuple[Rule, ...]]:
        """The rules of each predicate, in the authors' order."""
        found: dict[str, list[Rule]] = {}
        for rule in self.program.rules:
            found.setdefault(rule.predicate, []).append(rule)
        return {predicate: tuple(rules) for predicate, rules in found.items()}

    @cached_property
    def changing(self) -> frozenset[str]:
        """The predicates whose facts a patient's record can change."""
        return self.program.changing

    def is_recorded(self, predicate: str) -> bool:
        """Whether a predicate is read from a record (or given with the call)."""
        declared = self.program.predicates.get(predicate)
        return declared is not None and declared.layer == "patient"

    def types(self, predicate: str) -> tuple[str, ...]:
        """The types of a predicate's arguments."""
        return tuple(argument.type for argument in self.program.predicates[predicate].arguments)

    @cached_property
    def _stated(self) -> Mapping[str, tuple[tuple[Value, ...], ...]]:
        found: dict[str, list[tuple[Value, ...]]] = {}
        for atom in self.knowledge.stated:
            found.setdefault(atom.predicate, []).append(atom.args)
        return {predicate: tuple(rows) for predicate, rows in found.items()}

    def possible(self, predicate: str, place: int) -> tuple[Value, ...]:
        """The values that an argument can take, as far as the rules and the knowledge name them, in the order of names.

        Joins are not followed, so some of them may never be reached; none that can be reached by a name is left out.
        """
        return tuple(sorted(self._possible(predicate, place, frozenset()), key=str))

    def met(self, predicate: str, place: int) -> tuple[Value, ...]:
        """The values of an argument with which some rule that reads it can hold, as far as its premises name them."""
        found: set[Value] = set()
        for rule in (rule for some in self.rules.values() for rule in some):
            for literal in rule.body:
                if isinstance(literal, Present) and literal.predicate == predicate:
                    arg = literal.args[place]
                    found |= {arg.value} if isinstance(arg, Constant) else self._bound(rule, arg.name, frozenset())
        return tuple(sorted(found, key=str))

    def _possible(self, predicate: str, place: int, above: frozenset[tuple[str, int]]) -> set[Value]:
        if (predicate, place) in above:
            return set()
        above = above | {(predicate, place)}
        found: set[Value] = {row[place] for row in self._stated.get(predicate, ())}
        for rule in self.rules.get(predicate, ()):
            arg = rule.args[place]
            if isinstance(arg, Constant):
                found.add(arg.value)
            elif isinstance(arg, Variable):
                found |= self._bound(rule, arg.name, above)
        return found

    def _bound(self, rule: Rule, variable: str, above: frozenset[tuple[str, int]]) -> set[Value]:
        """The values that a variable of a rule can take: those that all its premises allow, where they name any."""
        named: set[Value] | None = None
        for literal in rule.body:
            if isinstance(literal, Assignment) and literal.variable == variable:
                return {literal.expression.value} if isinstance(literal.expression, Constant) else set()
            if isinstance(literal, Present):
                for place, arg in enumerate(literal.args):
                    if isinstance(arg, Variable) and arg.name == variable:
                        values = self._possible(literal.predicate, place, above)
                        if values and not self.is_recorded(literal.predicate):
                            named = values if named is None else (named & values or named)
        return named or set()

    @cached_property
    def lists(self) -> Mapping[tuple[str, int], frozenset[str]]:
        """The lists of a case whose records can stand in an argument."""
        found: dict[tuple[str, int], frozenset[str]] = {
            (name, place): frozenset({list_of(name) or "any"})
            for name, declared in self.program.predicates.items()
            if declared.layer == "patient"
            for place, argument in enumerate(declared.arguments)
            if argument.type == "record"
        }
        grown = True
        while grown:
            grown = False
            for rule in self.program.rules:
                for place, term in enumerate(rule.args):
                    if isinstance(term, Variable):
                        sets = [
                            found[literal.predicate, i]
                            for literal in rule.body
                            if isinstance(literal, Present)
                            for i, arg in enumerate(literal.args)
                            if arg == term and (literal.predicate, i) in found
                        ]
                        narrow = [one for one in sets if "any" not in one] or sets
                        reached = frozenset.intersection(*narrow) if narrow else frozenset()
                        known = found.get((rule.predicate, place), frozenset())
                        if not reached <= known:
                            found[rule.predicate, place] = known | reached
                            grown = True
        return found

    @cached_property
    def asked(self) -> Mapping[tuple[str, int], tuple[Value, ...]]:
        """What the rules ask of each argument by name: every constant that reaches it from above.

        A rule that asks for `state(?p, fever, present)` asks, by way of the rules of `state`, for entries of
        the name `fever`.
        """
        found: dict[tuple[str, int], set[Value]] = {}
        grown = True
        while grown:
            grown = False
            for rule in self.program.rules:
                heads: dict[str, set[Value]] = {}
                for place, arg in enumerate(rule.args):
                    if isinstance(arg, Variable):
                        heads.setdefault(arg.name, set()).update(found.get((rule.predicate, place), ()))
                for literal in rule.body:
                    if isinstance(literal, Present | Absent):
                        for place, term in enumerate(literal.args):
                            values = {term.value} if isinstance(term, Constant) else self._asked(rule, term.name, heads)
                            known = found.setdefault((literal.predicate, place), set())
                            grown = grown or not values <= known
                            known |= values
        return {key: tuple(sorted(values, key=str)) for key, values in found.items()}

    @cached_property
    def spoken_of(self) -> Mapping[Value, int]:
        """The number of the first rule that speaks of a value: that names it, or reads what is stated of it."""
        found: dict[Value, int] = {}
        for number, rule in enumerate(self.program.rules):
            for literal in rule.body:
                if isinstance(literal, Present | Absent):
                    named = (arg.value for arg in literal.args if isinstance(arg, Constant))
                    stated = (value for row in self._stated.get(literal.predicate, ()) for value in row)
                    for value in (*named, *stated):
                        found.setdefault(value, number)
        return found

    def _asked(self, rule: Rule, variable: str, heads: Mapping[str, set[Value]]) -> set[Value]:
        values = set(heads.get(variable, ()))
        for literal in rule.body:
            if isinstance(literal, Present) and literal.predicate not in self.changing:
                for place, arg in enumerate(literal.args):
                    if isinstance(arg, Variable) and arg.name == variable:
                        values |= self._possible(literal.predicate, place, frozenset())
        return values


_shapes: dict[str, Shape] = {}
KEPT = 4
"""Of how many knowledge bases the shape is kept: whoever writes one makes another with each edit."""


def shape(knowledge: Knowledge) -> Shape:
    """The shape of a knowledge base's program, worked out once."""
    found = _shapes.get(knowledge.sha256)
    if found is None:
        for oldest in list(_shapes)[: 1 - KEPT]:
            _shapes.pop(oldest, None)
        found = _shapes.setdefault(knowledge.sha256, Shape(knowledge))
    return found
