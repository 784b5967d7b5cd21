"""When literals of a rule hold together: every way in which the facts of a case allow it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from citelog.explain.model import Model
from citelog.rules.program import (
    Absent,
    Assignment,
    Comparison,
    Constant,
    Literal,
    Present,
    Variable,
    variables,
)
from citelog.run.arithmetic import compare
from citelog.run.result import instance, value_of
from citelog.values import Value

ROWS = 5000
"""Ways in which the other literals of a rule hold that are looked at in one case, for one literal."""


def needs(literal: Literal) -> frozenset[str]:
    """The variables that a literal names and does not make."""
    if isinstance(literal, Assignment):
        return variables(literal.expression)
    return frozenset(name for name in variables(literal) if not name.startswith("_"))


def order(literals: Sequence[Literal]) -> tuple[Literal, ...]:
    """Literals in an order in which each finds its variables bound; those that never would are left out."""
    left, bound, found = list(literals), set[str](), []
    while left:
        ready = [part for part in left if not isinstance(part, Present) and needs(part) <= bound]
        premises = [part for part in left if isinstance(part, Present)]
        if not ready and not premises:
            break
        chosen = ready[0] if ready else max(premises, key=lambda part: _known(part, bound))
        left.remove(chosen)
        found.append(chosen)
        bound |= needs(chosen) | ({chosen.variable} if isinstance(chosen, Assignment) else set())
    return tuple(found)


def _known(literal: Present, bound: set[str]) -> float:
    """How much of a premise is settled."""
    settled = sum(isinstance(arg, Constant) or arg.name in bound for arg in literal.args)
    return settled / max(1, len(literal.args))


def join(
    literals: Sequence[Literal], model: Model, row: Mapping[str, Value] | None = None
) -> Iterator[dict[str, Value]]:
    """The bindings under which literals hold together, in the order of the facts; `literals` are in their order."""
    bound = dict(row or {})
    if not literals:
        yield bound
        return
    first, rest = literals[0], literals[1:]
    if isinstance(first, Present):
        names = [a.name if isinstance(a, Variable) else "" for a in first.args]
        for values in model.matching(first.predicate, instance(first, bound).args):
            more = dict(bound)
            if all(more.setdefault(name, value) == value for name, value in zip(names, values, strict=True) if name):
                yield from join(rest, model, more)
    elif isinstance(first, Assignment):
        value = value_of(first.expression, bound)
        if value is not None and bound.setdefault(first.variable, value) == value:
            yield from join(rest, model, bound)
    elif holds(first, bound, model):
        yield from join(rest, model, bound)


def holds(literal: Literal, row: Mapping[str, Value], model: Model) -> bool:
    """Whether a literal holds under some bindings; what they leave open in a premise may be anything."""
    match literal:
        case Present():
            return next(join((literal,), model, row), None) is not None
        case Absent():
            return not model.holds(literal.predicate, instance(literal, row).args)
        case Comparison():
            left, right = value_of(literal.left, row), value_of(literal.right, row)
            return left is not None and right is not None and compare(literal.operator, left, right)
        case Assignment():
            return value_of(literal.expression, row) is not None
