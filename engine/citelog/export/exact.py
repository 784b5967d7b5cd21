"""Decimals as whole numbers, for systems that compute with whole numbers or with binary floating point.

Each place of a predicate that holds decimals gets the smallest power of ten that makes all its values whole. Places
that a variable joins share one, and comparisons bring both sides to the same. What a system's whole numbers cannot hold
is refused before it is written: also what a rule would only compute on the way.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from citelog.diagnostics import CitelogError
from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Constant,
    Expression,
    Operation,
    Present,
    Program,
    Rule,
    Variable,
)
from citelog.run.result import value_of
from citelog.values import Atom, Value

Place = tuple[str, int]
"""A place of a predicate, or (with `rule 7 x` for the name) a variable of a rule."""

DAYS = 3_652_059
"""The number of the last day that a date can be, 9999-12-31; the first, 0001-01-01, is 1."""


class ExportError(CitelogError):
    """What the form that was asked for cannot say exactly."""


class Places:
    """How many decimals each place keeps, and how large the values are that rules compute.

    `model` holds every fact that the program is to derive or to be given: of knowledge alone, or of a case too. `spare`
    decimals are kept at the places of a patient's record, for facts that are added later. Raises ExportError for
    decimals that grow without end.
    """

    def __init__(self, program: Program, model: Iterable[Atom], spare: int = 0) -> None:
        self._program = program
        self._parent: dict[Place, Place] = {}
        self._digits: dict[Place, int] = {}
        self._model: dict[str, list[Atom]] = defaultdict(list)
        self._instances: dict[str, list[Mapping[str, Value]]] = {}
        for predicate in program.predicates.values():
            for i, argument in enumerate(predicate.arguments):
                if predicate.layer == "patient" and argument.type == "number":
                    self._widen((predicate.name, i), spare)
        for atom in model:
            self._model[atom.predicate].append(atom)
            for i, value in enumerate(atom.args):
                self._widen((atom.predicate, i), decimals(value))
        self._join_places()
        self._widen_assigned()

    def of(self, predicate: str, place: int) -> int:
        """The decimals that a place of a predicate keeps."""
        return self._digits.get(self._root((predicate, place)), 0)

    def expression(self, number: int, expression: Expression) -> int:
        """The decimals that an expression of a rule needs."""
        match expression:
            case Variable(name):
                return self.of(_variable(number, name), 0)
            case Constant(value):
                return decimals(value)
            case Operation("*", left, right):
                return self.expression(number, left) + self.expression(number, right)
            case Operation(_, left, right):
                return max(self.expression(number, left), self.expression(number, right))

    def largest(self, rule: Rule, expression: Expression) -> Decimal:
        """No value of an expression is further from nought than this, wherever the rule's positive premises hold."""
        if rule.name not in self._instances:
            self._instances[rule.name] = _instances(rule, self._model)
        values = (value_of(expression, row) for row in self._instances[rule.name])
        return max((abs(Decimal(v)) for v in values if isinstance(v, Decimal | int)), default=Decimal(0))

    def _join_places(self) -> None:
        for number, rule in enumerate(self._program.rules):
            for i, argument in enumerate(rule.args):
                if not isinstance(argument, Aggregate):
                    self._argument(number, (rule.predicate, i), argument)
                elif argument.function != "count":
                    self._join((rule.predicate, i), (_variable(number, argument.variables[0]), 0))
            for literal in rule.body:
                if isinstance(literal, Present | Absent):
                    for i, argument in enumerate(literal.args):
                        self._argument(number, (literal.predicate, i), argument)

    def _widen_assigned(self) -> None:
        found = [(n, x) for n, rule in enumerate(self._program.rules) for x in rule.body if isinstance(x, Assignment)]
        for _ in range(len(found) + 1):
            before = dict(self._digits)
            for number, literal in found:
                self._widen((_variable(number, literal.variable), 0), self.expression(number, literal.expression))
            if self._digits == before:
                return
        raise ExportError(
            "a recursive rule multiplies decimals, and whole numbers cannot keep them all", "try --to swi"
        )

    def _argument(self, number: int, place: Place, argument: Variable | Constant) -> None:
        if isinstance(argument, Variable):
            self._join(place, (_variable(number, argument.name), 0))
        else:
            self._widen(place, decimals(argument.value))

    def _widen(self, place: Place, digits: int) -> None:
        root = self._root(place)
        self._digits[root] = max(digits, self._digits.get(root, 0))

    def _root(self, place: Place) -> Place:
        while place in self._parent:
            place = self._parent[place]
        return place

    def _join(self, one: Place, other: Place) -> None:
        a, b = self._root(one), self._root(other)
        if a != b:
            self._parent[a] = b
            self._digits[b] = max(self._digits.pop(a, 0), self._digits.get(b, 0))

    def scaled(self) -> Iterator[tuple[str, str, int]]:
        """Every place of a predicate that keeps decimals: the predicate, the name of the argument, how many."""
        for predicate in self._program.predicates.values():
            for i, argument in enumerate(predicate.arguments):
                if self.of(predicate.name, i):
                    yield predicate.name, argument.name, self.of(predicate.name, i)


def _instances(rule: Rule, model: Mapping[str, Sequence[Atom]]) -> list[Mapping[str, Value]]:
    """The bindings under which all positive premises of a rule hold, whatever is compared or negated beside them."""
    rows: list[Mapping[str, Value]] = [{}]
    for position in rule.plan:
        match rule.body[position]:
            case Present(predicate, args):
                found = (_matched(args, atom, row) for row in rows for atom in model.get(predicate, ()))
                rows = [row for row in found if row is not None]
            case Assignment(variable, expression):
                computed = ((row, value_of(expression, row)) for row in rows)
                rows = [{**row, variable: value} for row, value in computed if value is not None]
    return rows


def _matched(args: Sequence[Variable | Constant], atom: Atom, row: Mapping[str, Value]) -> Mapping[str, Value] | None:
    """A row with what an atom adds to it; None where it does not match."""
    bound = dict(row)
    for argument, value in zip(args, atom.args, strict=True):
        known = bound.setdefault(argument.name, value) if isinstance(argument, Variable) else argument.value
        if known != value:
            return None
    return bound


def _variable(number: int, name: str) -> str:
    return f"rule {number} {name}"


def decimals(value: Value) -> int:
    """How many decimals a value needs.

    >>> decimals(Decimal("100.0")), decimals(Decimal("0.250")), decimals(7)
    (0, 2, 0)
    """
    if not isinstance(value, Decimal) or value == 0:
        return 0
    return max(0, -int(value.normalize().as_tuple().exponent))
