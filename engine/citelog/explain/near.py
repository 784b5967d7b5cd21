"""How near a rule is to firing: what of it holds under some bindings, and which literals fail.

Nothing is wished for here, and nothing is changed: a rule is matched against a run, the most promising bindings first.
"""

from __future__ import annotations

import datetime
import heapq
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from citelog.explain.model import Model, Shape
from citelog.patient.predicates import list_of
from citelog.patient.wanted import SOME_RECORD, Args
from citelog.rules.program import (
    Absent,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Literal,
    Present,
    Rule,
    Variable,
    variables,
)
from citelog.run.arithmetic import compare
from citelog.run.result import instance, value_of
from citelog.values import Value

KEPT = 10
"""Ways of one rule that are kept."""

_FAILING = 4
"""Literals of one rule that may fail together, unless nothing fails less."""

_RECORDS = 12
"""Records of the patient of which it is asked what else they would have to say."""

_TRIED = 400
"""Partial bindings of one rule that are looked at."""

_HELD = 5_000
"""The same where only those are looked at of which all holds."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A rule with bindings for as many of its variables as hold, and the literals that fail."""

    bindings: Mapping[str, Value]
    failed: tuple[Literal, ...]


@dataclass
class Nearby:
    """The rules of a program beside one run.

    With `stuck`, what no record can change may fail as well. `cut` says that some way was not looked at, or not kept.
    """

    shape: Shape
    model: Model
    stuck: bool = False
    cut: bool = False

    def instances(self, rule: Rule, given: Mapping[str, Value]) -> list[Instance]:
        """The ways in which a rule comes nearest to firing: what holds is matched, what fails is noted.

        What fails leaves its variables open, except a record: that is then some record that is not there.
        """
        order = self._order(rule)
        found: list[Instance] = []
        count = itertools.count()
        open_: list[tuple[int, int, int, dict[str, Value], tuple[int, ...]]] = [(0, 0, next(count), dict(given), ())]
        tried = 0
        while open_ and tried < _TRIED:
            tried += 1
            failing, ahead, _, row, failed = heapq.heappop(open_)
            at = -ahead
            if found and failing > max(_FAILING, min(len(f.failed) for f in found)):
                self.cut = True
                break
            if at == len(order):
                found.append(Instance(row, tuple(rule.body[position] for position in sorted(failed))))
                if len(found) >= KEPT:
                    self.cut = self.cut or bool(open_)
                    break
                continue
            position = order[at]
            for more, holds in self._tried(rule.body[position], row):
                more_failed = failed if holds else (*failed, position)
                heapq.heappush(open_, (len(more_failed), -at - 1, next(count), more, more_failed))
        self.cut = self.cut or tried == _TRIED
        return [one for one in found if one.failed]

    def holding(self, rule: Rule, given: Mapping[str, Value]) -> Iterator[Mapping[str, Value]]:
        """Every binding under which all of a rule holds; where there are too many, `cut` says so."""
        order = self._order(rule)
        open_ = [(0, dict(given))]
        for _ in range(_HELD):
            if not open_:
                return
            at, row = open_.pop()
            if at == len(order):
                yield row
            else:
                open_ += [(at + 1, more) for more, holds in self._tried(rule.body[order[at]], row) if holds]
        self.cut = self.cut or bool(open_)

    def _order(self, rule: Rule) -> list[int]:
        return sorted(rule.plan, key=lambda position: self._place(rule.body[position]))

    def _place(self, literal: Literal) -> int:
        """What is fixed comes first: it binds, and nothing can change it."""
        fixed = isinstance(literal, Present) and literal.predicate not in self.shape.changing
        constant = isinstance(literal, Assignment) and isinstance(literal.expression, Constant)
        late = isinstance(literal, Absent | Comparison | Assignment)
        return 0 if fixed or constant else 2 if late else 1

    def _tried(self, literal: Literal, row: dict[str, Value]) -> Iterator[tuple[dict[str, Value], bool]]:
        """A literal under some bindings: each way in which it holds, and how it fails."""
        if isinstance(literal, Present):
            yield from self._tried_premise(literal, row)
        elif isinstance(literal, Absent):
            open_ = any(
                isinstance(a, Variable) and a.name not in row and not a.name.startswith("_") for a in literal.args
            )
            atom = instance(literal, row)
            if open_ or not self.model.holds(atom.predicate, atom.args):
                yield row, True
            elif self.stuck or atom.predicate in self.shape.changing:
                yield row, False
        elif isinstance(literal, Assignment):
            if is_known(literal.expression, row):
                value = value_of(literal.expression, row)
                if value is not None and row.get(literal.variable, value) == value:
                    yield {**row, literal.variable: value}, True
            else:
                yield row, True
        elif not (is_known(literal.left, row) and is_known(literal.right, row)):
            yield row, True  # it waits for what its variables will be
        else:
            left, right = value_of(literal.left, row), value_of(literal.right, row)
            yield row, left is not None and right is not None and compare(literal.operator, left, right)

    def _tried_premise(self, literal: Present, row: dict[str, Value]) -> Iterator[tuple[dict[str, Value], bool]]:
        atom = instance(literal, row)
        args: Args = atom.args  # of which some may be open
        names = [a.name if isinstance(a, Variable) else "" for a in literal.args]
        matched = False
        for values in self.model.matching(atom.predicate, atom.args):
            more = dict(row)
            if all(more.setdefault(name, value) == value for name, value in zip(names, values, strict=True) if name):
                matched = True
                yield more, True
        if self.stuck and not matched:
            yield row, False
            return
        if atom.predicate not in self.shape.changing or (matched and None not in args):
            return
        types = self.shape.types(atom.predicate)
        open_ = [i for i, value in enumerate(args) if value is None and types[i] == "record"]
        new = [names[i] for i in open_]
        if matched and not new:
            return
        yield {**row, **dict.fromkeys(filter(None, new), SOME_RECORD)}, False
        if len(new) == 1 and not matched:
            lists = self.shape.lists.get((atom.predicate, open_[0]), frozenset())
            known = (r for r, (named, _) in self.model.names.items() if list_of(named) in lists or "any" in lists)
            for record in itertools.islice(known, _RECORDS):
                yield {**row, new[0]: record}, False


def is_known(expression: Expression, row: Mapping[str, Value]) -> bool:
    """Whether every variable of an expression has a value."""
    return variables(expression) <= row.keys()


def is_measured(value: Value | None) -> bool:
    """Whether a value is a number or a day, of which another could stand in its place."""
    return isinstance(value, int | Decimal | datetime.date) and not isinstance(value, bool)
