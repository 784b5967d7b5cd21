"""Why the comparisons of a rule cannot all hold: by their signs alone, or by the numbers that the document gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import product

from citelog.advice.given import Given
from citelog.advice.reach import Reach
from citelog.rules.program import (
    Absent,
    Comparison,
    Constant,
    Expression,
    Present,
    Rule,
    Variable,
    variables,
)
from citelog.values import Iri, Value

_NOT_BOTH = {
    ("<", ">"), ("<", ">="), ("<", "="), ("<=", ">"), (">", "="), ("=", "!="),
}  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
MOST = 500
"""Ways to read the document's numbers that are tried; with more, nothing is said."""


def contradiction(given: Given, reach: Reach, rule: Rule) -> str:
    """Why the comparisons of a rule, or a literal and its absence, cannot all hold; empty where they can."""
    present = {(x.predicate, x.args) for x in rule.body if isinstance(x, Present)}
    for literal in rule.body:
        if isinstance(literal, Absent) and (literal.predicate, literal.args) in present:
            return f"it asks for {Iri(literal.predicate).local} and for its absence"
    compared = [x for x in rule.body if isinstance(x, Comparison)]
    signs: dict[tuple[Expression, Expression], str] = {}
    for one in compared:
        if one.left == one.right and one.operator in ("<", ">", "!="):
            return f"nothing is {one.operator} itself"
        for key, sign in (((one.left, one.right), one.operator), ((one.right, one.left), _TURNED[one.operator])):
            if key in signs and ((signs[key], sign) in _NOT_BOTH or (sign, signs[key]) in _NOT_BOTH):
                return "two of its comparisons cannot both hold"
        signs[one.left, one.right] = one.operator
        signs[one.right, one.left] = _TURNED[one.operator]
    return _empty_span(given, reach, rule, compared)


def _empty_span(given: Given, reach: Reach, rule: Rule, compared: list[Comparison]) -> str:
    """Whether the document's own numbers leave no value between the limits of a rule."""
    layers = given.knowledge.program.predicates
    read = [x for x in rule.body if isinstance(x, Present) and layers[x.predicate].layer == "knowledge"]
    measured = {
        name
        for x in rule.body
        if isinstance(x, Present) and layers[x.predicate].layer != "knowledge"
        for name in variables(x)
    }
    bounded = [c for c in compared if _side(c, measured) is not None]
    if len(bounded) < 2 or not read:
        return ""
    ways = 0
    for bindings in _joined(reach, read, {}):
        ways += 1
        if ways > MOST:
            return ""
        spans: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
        for comparison in bounded:
            side = _side(comparison, measured)
            assert side is not None
            name, sign, other = side
            value = bindings.get(other.name) if isinstance(other, Variable) else None
            if isinstance(value, Decimal | int):
                spans[name].append((sign, Decimal(value)))
        if all(_open(limits) for limits in spans.values()):
            return ""
    return "no value lies between its limits, as the document gives them" if ways else ""


def _side(comparison: Comparison, measured: set[str]) -> tuple[str, str, Expression] | None:
    """A comparison as what is measured, the sign, and its limit; None where it compares something else."""
    for one, other, sign in (
        (comparison.left, comparison.right, comparison.operator),
        (comparison.right, comparison.left, _TURNED[comparison.operator]),
    ):
        if not isinstance(one, Variable) or not isinstance(other, Variable) or sign == "!=":
            continue
        if one.name in measured and other.name not in measured:
            return one.name, sign, other
    return None


def _joined(reach: Reach, read: list[Present], bound: Mapping[str, Value]) -> Iterator[Mapping[str, Value]]:
    """Every way in which the document's facts match some literals together."""
    if not read:
        yield bound
        return
    first, *rest = read
    for atom in reach.facts.get(first.predicate, ()):
        made = dict(bound)
        for arg, value in zip(first.args, atom.args, strict=True):
            if (arg.value if isinstance(arg, Constant) else made.setdefault(arg.name, value)) != value:
                break
        else:
            yield from _joined(reach, rest, made)


def _open(limits: list[tuple[str, Decimal]]) -> bool:
    """Whether some value keeps all limits."""
    return not any(
        (low_sign in (">", ">=", "=") and high_sign in ("<", "<=", "="))
        and (low > high or (low == high and (low_sign == ">" or high_sign == "<")))
        for (low_sign, low), (high_sign, high) in product(limits, repeat=2)
    )
