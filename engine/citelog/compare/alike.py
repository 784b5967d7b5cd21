"""Two rules laid side by side, whatever their variables are called and in whatever order their parts stand.

What a rule says is its head and its literals, up to the names of its variables. Laying two rules side by side is
finding the renaming under which most of their literals are the same; where all are, the rules say the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Literal,
    Operation,
    Present,
    Rule,
    Variable,
)
from citelog.values import show, type_of

STEPS = 20_000
"""Attempts at pairing literals before the best found so far is taken; a rule of a dozen literals needs some dozens."""

_FLIPPED = {">": "<", ">=": "<="}
_EVEN = ("=", "!=", "+", "*")
"""Signs whose sides may change places."""


@dataclass(frozen=True, slots=True)
class Alike:
    """Two rules side by side: literals that are the same, those of one alone, and the new name of each old variable."""

    pairs: tuple[tuple[Literal, Literal], ...]
    only_first: tuple[Literal, ...]
    only_second: tuple[Literal, ...]
    same_head: bool
    names: Mapping[str, str]

    @property
    def same(self) -> bool:
        """Whether the two rules say the same."""
        return self.same_head and not self.only_first and not self.only_second


def shape(rule: Rule) -> tuple[object, ...]:
    """What two rules that say the same have in common, cheap to compare: predicates, signs and constants."""
    head = tuple(show(a.value) if isinstance(a, Constant) else type(a).__name__ for a in rule.args)
    return (rule.predicate, head, frozenset(Counter(map(_shape, dict.fromkeys(rule.body))).items()))


def _shape(literal: Literal) -> tuple[object, ...]:
    match literal:
        case Present(predicate, args) | Absent(predicate, args):
            constants = tuple(show(a.value) if isinstance(a, Constant) else "" for a in args)
            return (type(literal).__name__, predicate, constants)
        case Comparison(operator):
            return ("Comparison", _FLIPPED.get(operator, operator))
        case _:
            return ("Assignment",)


def alike(first: Rule, second: Rule) -> Alike:
    """Two rules side by side, as like as their variables can be named."""
    search = _Search(tuple(dict.fromkeys(first.body)), tuple(dict.fromkeys(second.body)))
    heads = list(_all(first.args, second.args, _Names())) if first.predicate == second.predicate else []
    for names in heads or [_Names()]:
        search.walk(0, {}, names)
    paired, names = search.best
    taken = set(paired.values())
    return Alike(
        tuple((search.ones[i], search.others[j]) for i, j in sorted(paired.items())),
        tuple(x for i, x in enumerate(search.ones) if i not in paired),
        tuple(x for j, x in enumerate(search.others) if j not in taken),
        bool(heads),
        names.there,
    )


@dataclass(frozen=True, slots=True)
class _Names:
    """Variables of one rule and the variables of the other that they are: one for one."""

    there: Mapping[str, str] = field(default_factory=dict)
    back: Mapping[str, str] = field(default_factory=dict)

    def with_(self, name: str, other: str) -> _Names | None:
        if name in self.there or other in self.back:
            return self if self.there.get(name) == other and self.back.get(other) == name else None
        return _Names({**self.there, name: other}, {**self.back, other: name})


@dataclass(slots=True)
class _Search:
    """The search for most pairs; it goes by equal names first, so that it seldom has to go far."""

    ones: tuple[Literal, ...]
    others: tuple[Literal, ...]
    best: tuple[dict[int, int], _Names] = field(default_factory=lambda: ({}, _Names()))
    found: bool = False
    steps: int = 0

    def walk(self, at: int, paired: dict[int, int], names: _Names) -> None:
        if not self.found or len(paired) > len(self.best[0]):
            self.best, self.found = (dict(paired), names), True
        left = min(len(self.ones) - at, len(self.others) - len(paired))
        if len(paired) + left <= len(self.best[0]) or self.steps > STEPS:
            return
        taken = set(paired.values())
        for j in sorted(range(len(self.others)), key=lambda j: self.others[j] != self.ones[at]):
            if j not in taken:
                for more in _literals(self.ones[at], self.others[j], names):
                    self.steps += 1
                    self.walk(at + 1, {**paired, at: j}, more)
        self.walk(at + 1, paired, names)


def _literals(one: Literal, other: Literal, names: _Names) -> Iterator[_Names]:
    """The ways in which two literals can be the same; whether an absence is assumed is told apart elsewhere."""
    match one, other:
        case (Present(a, ones), Present(b, others)) | (Absent(a, ones), Absent(b, others)):
            if a == b:
                yield from _all(ones, others, names)
        case Comparison(), Comparison():
            yield from _signed(one, other, names)
        case Assignment(), Assignment():
            if (named := names.with_(one.variable, other.variable)) is not None:
                yield from _expressions(one.expression, other.expression, named)


def _signed(one: Comparison | Operation, other: Comparison | Operation, names: _Names) -> Iterator[_Names]:
    """Two sides and a sign; `a > b` is `b < a`, and the sides of an even sign may change places."""
    signs, sides = [], []
    for side in (one, other):
        turned = side.operator in _FLIPPED
        signs.append(_FLIPPED.get(side.operator, side.operator))
        sides.append((side.right, side.left) if turned else (side.left, side.right))
    if signs[0] == signs[1]:
        yield from _all(sides[0], sides[1], names)
        if signs[0] in _EVEN:
            yield from _all(sides[0], sides[1][::-1], names)


def _all(
    ones: tuple[Expression | Aggregate, ...], others: tuple[Expression | Aggregate, ...], names: _Names
) -> Iterator[_Names]:
    if len(ones) != len(others):
        return
    if not ones:
        yield names
        return
    for more in _expressions(ones[0], others[0], names):
        yield from _all(ones[1:], others[1:], more)


def _expressions(one: Expression | Aggregate, other: Expression | Aggregate, names: _Names) -> Iterator[_Names]:
    match one, other:
        case Variable(), Variable():
            if (named := names.with_(one.name, other.name)) is not None:
                yield named
        case Constant(), Constant():
            if one.value == other.value and type_of(one.value) == type_of(other.value):
                yield names
        case Operation(), Operation():
            yield from _signed(one, other, names)
        case Aggregate(), Aggregate():
            if one.function == other.function:
                yield from _all(tuple(map(Variable, one.variables)), tuple(map(Variable, other.variables)), names)
