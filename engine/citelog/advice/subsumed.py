"""Advice about rules that change nothing, because another holds wherever they do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from citelog.advice.given import Advice, Given
from citelog.advice.reach import Reach
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

CODES: Mapping[str, str] = {
    "rule-subsumed": "a rule that adds nothing: another gives the same conclusion wherever it fires",
}


def subsumed(given: Given, _: Reach) -> Iterator[Advice]:
    """Rules whose conclusion another gives under fewer conditions, and that add neither words nor statements to it."""
    rules = given.rules
    having: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for i, rule in enumerate(rules):
        for key in {key for literal in rule.body for key in _keys(literal)}:
            having[key].append(i)
    for j, wide in enumerate(rules):
        keys = [key for literal in wide.body for key in _keys(literal)]
        if not keys or wide.aggregate:
            continue
        for i in min((having[key] for key in keys), key=len):  # a rule that it covers has each of them
            narrow = rules[i]
            if i == j or narrow.predicate != wide.predicate or narrow.aggregate:
                continue
            own_words = narrow.display and narrow.display != wide.display
            if own_words or not set(narrow.cites) <= set(wide.cites) or not _covers(wide, narrow):
                continue
            if j > i and _covers(narrow, wide):
                continue  # they say the same, and the later one is told
            message = f"rule {narrow.name} adds nothing: {wide.name} gives the same under fewer conditions"
            hint = f"remove it, or say why it is there: %%% @accept rule-subsumed: … (the other is {wide.span})"
            yield Advice("rule-subsumed", (narrow.name,), given.rule(narrow), message, hint)


def _keys(literal: Literal) -> Iterator[tuple[object, ...]]:
    """What another literal must have to be covered by this one: its predicate, and its constants at their places."""
    if isinstance(literal, Present):
        yield (literal.predicate,)
        for number, arg in enumerate(literal.args):
            if isinstance(arg, Constant):
                yield literal.predicate, number, type(arg.value), arg.value


def _covers(wide: Rule, narrow: Rule) -> bool:
    """Whether the wide rule fires, with the same conclusion, wherever the narrow one does: theta-subsumption."""
    bound: dict[str, Variable | Constant] = {}
    if not all(_match(a, b, bound) for a, b in zip(wide.args, narrow.args, strict=True)):
        return False
    return _embeds(list(wide.body), narrow.body, bound)


def _embeds(left: list[Literal], body: tuple[Literal, ...], bound: dict[str, Variable | Constant]) -> bool:
    if not left:
        return True
    first, *rest = left
    for literal in body:
        tried = dict(bound)
        if _same(first, literal, tried) and _embeds(rest, body, tried):
            return True
    return False


def _same(wide: Literal, narrow: Literal, bound: dict[str, Variable | Constant]) -> bool:
    if isinstance(wide, Present | Absent):
        return (
            type(wide) is type(narrow)
            and isinstance(narrow, Present | Absent)
            and wide.predicate == narrow.predicate
            and all(_match(a, b, bound) for a, b in zip(wide.args, narrow.args, strict=True))
        )
    if isinstance(wide, Comparison) and isinstance(narrow, Comparison):
        return wide.operator == narrow.operator and all(
            _match(a, b, bound) for a, b in ((wide.left, narrow.left), (wide.right, narrow.right))
        )
    if isinstance(wide, Assignment) and isinstance(narrow, Assignment):
        return _match(Variable(wide.variable), Variable(narrow.variable), bound) and _match(
            wide.expression, narrow.expression, bound
        )
    return False


def _match(wide: Expression | Aggregate, narrow: Expression | Aggregate, bound: dict[str, Variable | Constant]) -> bool:
    match wide, narrow:
        case Variable(name), Variable() | Constant():
            return bound.setdefault(name, narrow) == narrow
        case Constant(), Constant():
            return wide == narrow
        case Operation(), Operation():
            return (
                wide.operator == narrow.operator
                and _match(wide.left, narrow.left, bound)
                and _match(wide.right, narrow.right, bound)
            )
        case _:
            return False
