"""Premises that cannot fail where the rest of their rule holds, because it rests on them already.

A fact of a derived predicate holds because some rule of it does; what all of these rules ask holds then as well.
Followed so far as positive premises go: what is found follows, but not all that follows is found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from citelog.explain.model import Shape
from citelog.rules.program import Aggregate, Constant, Present, Rule, Variable

DOWN = 9
"""Rules that are followed one behind the other to what a fact rests on."""

UP = 3
"""Rules that are followed one behind the other to what gives a fact."""


@dataclass(frozen=True, slots=True)
class Some:
    """A value of which nothing is known but that there is one; no two of them are taken for the same."""

    number: int


@dataclass(frozen=True, slots=True)
class Sought:
    """A value that is looked for."""

    name: str
    number: int = 0


Term = Variable | Constant | Some | Sought
"""In what is known and sought, a variable of the rule is a value of its own."""

Pattern = tuple[str, tuple[Term | None, ...]]
"""A predicate and its arguments; None stands for some value."""


def is_implied(rule: Rule, position: int, shape: Shape) -> bool:
    """Whether the premise at a place of a rule holds wherever the other premises do."""
    literal = rule.body[position]
    if not isinstance(literal, Present) or literal.predicate not in shape.changing:
        return False
    others = [part for at, part in enumerate(rule.body) if at != position and isinstance(part, Present)]
    bound = {arg for part in others for arg in part.args if isinstance(arg, Variable)}
    known: set[Pattern] = set()
    kept: Kept = {}
    for part in others:
        known |= _under((part.predicate, part.args), shape, DOWN, kept)
    args = tuple(arg if isinstance(arg, Constant) or arg in bound else Sought(arg.name) for arg in literal.args)
    return _Search(known, shape).finds(((literal.predicate, args),), {}, UP)


Kept = dict[tuple[Pattern, int], frozenset[Pattern]]


def _under(fact: Pattern, shape: Shape, depth: int, kept: Kept) -> frozenset[Pattern]:
    """A fact, and what holds wherever it does: what every rule that may give it asks."""
    if (fact, depth) not in kept:
        kept[fact, depth] = frozenset({fact}) | _common(fact, shape, depth, kept)
    return kept[fact, depth]


def _common(fact: Pattern, shape: Shape, depth: int, kept: Kept) -> set[Pattern]:
    """What every rule that may give a fact asks."""
    predicate, args = fact
    if depth == 0 or shape.is_recorded(predicate) or predicate not in shape.changing:
        return set()
    common: set[Pattern] | None = None
    for rule in shape.rules.get(predicate, ()):
        bound: dict[Variable, Term | None] = {}
        may = True
        for term, value in zip(rule.args, args, strict=True):
            if isinstance(term, Variable):
                bound[term] = bound.get(term) or value
            elif isinstance(term, Constant) and isinstance(value, Constant) and term != value:
                may = False
        if may:
            below: set[Pattern] = set()
            for part in rule.body:
                if isinstance(part, Present):
                    said = tuple(arg if isinstance(arg, Constant) else bound.get(arg) for arg in part.args)
                    below |= _under((part.predicate, said), shape, depth - 1, kept)
            common = below if common is None else common & below
    return common or set()


class _Search:
    """Whether facts can be found among those that are known, or by way of rules that ask nothing else."""

    def __init__(self, known: set[Pattern], shape: Shape) -> None:
        self.known, self.shape = sorted(known, key=repr), shape
        self._count = 0

    def finds(self, goals: Sequence[Pattern], found: Mapping[Sought, Term], depth: int) -> bool:
        """Whether all goals hold, with one value for each that is sought."""
        if not goals:
            return True
        (predicate, args), *rest = goals
        now = tuple(found.get(arg, arg) if isinstance(arg, Sought) else arg for arg in args)
        for known, values in self.known:
            more = self._matched(now, values, found) if known == predicate else None
            if more is not None and self.finds(rest, more, depth):
                return True
        if depth == 0 or self.shape.is_recorded(predicate) or predicate not in self.shape.changing:
            return False
        return any(
            self.finds((*body, *rest), more, depth - 1)
            for rule in self.shape.rules.get(predicate, ())
            for body, more in self._given(rule, now, found)
        )

    def _matched(
        self, args: Sequence[Term | None], values: Sequence[Term | None], found: Mapping[Sought, Term]
    ) -> Mapping[Sought, Term] | None:
        more = dict(found)
        for arg, value in zip(args, values, strict=True):
            if isinstance(arg, Sought):
                said = value if value is not None else self._some()
                if more.setdefault(arg, said) != said:
                    return None
            elif arg is None or arg != value:
                return None
        return more

    def _given(
        self, rule: Rule, args: Sequence[Term | None], found: Mapping[Sought, Term]
    ) -> Iterator[tuple[list[Pattern], Mapping[Sought, Term]]]:
        """What a rule asks for a fact, where it asks for premises only."""
        premises = [part for part in rule.body if isinstance(part, Present)]
        if len(premises) < len(rule.body):
            return
        self._count += 1
        number, more = self._count, dict(found)
        bound: dict[str, Term | None] = {}
        for term, arg in zip(rule.args, args, strict=True):
            if isinstance(term, Variable):
                if bound.setdefault(term.name, arg) != arg:
                    return
            elif not isinstance(arg, Sought):
                if term != arg:
                    return
            else:
                said = self._some() if isinstance(term, Aggregate) else term
                if more.setdefault(arg, said) != said:
                    return
        body: list[Pattern] = []
        for part in premises:
            said_ = (a if isinstance(a, Constant) else bound.get(a.name, Sought(a.name, number)) for a in part.args)
            body.append((part.predicate, tuple(said_)))
        yield body, more

    def _some(self) -> Some:
        self._count += 1
        return Some(self._count)
