"""In which order the literals of a rule are run, so that each finds its variables bound; and where none can be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from citelog.diagnostics import Span
from citelog.rules.findings import Findings
from citelog.rules.literals import Head
from citelog.rules.program import Absent, Aggregate, Assignment, Comparison, Literal, Present, Variable, variables
from citelog.rules.types import Types


def assignments(literals: Iterable[Literal], spans: Sequence[Span], findings: Findings) -> list[Literal]:
    """`?x = expression` gives ?x a value where no positive literal does (the other way round, Nemo refuses it)."""
    literals = list(literals)
    bound = {v for literal in literals if isinstance(literal, Present) for v in variables(literal)}
    result: list[Literal] = []
    for literal in literals:
        if isinstance(literal, Comparison) and literal.operator == "=":
            left, right = literal.left, literal.right
            if isinstance(left, Variable) and left.name not in bound | variables(right):
                literal = Assignment(left.name, right)
                bound.add(left.name)
        result.append(literal)
    for position, literal in enumerate(result):
        if isinstance(literal, Comparison) and literal.operator == "=":
            left, right = literal.left, literal.right
            if isinstance(right, Variable) and right.name not in bound | variables(left):
                hint = f"to give it a value, write it first: ?{right.name} = …"
                findings.add("unsafe-variable", spans[position], f"?{right.name} has no value yet", hint)
                result[position] = Assignment(right.name, left)
                bound.add(right.name)
    return result


def plan(literals: Sequence[Literal], spans: Sequence[Span], types: Types, findings: Findings) -> tuple[int, ...]:
    """An order in which each literal finds its variables bound, filters as early as they can be."""
    positions, bound, found = list(range(len(literals))), set[str](), list[int]()
    while positions:
        ready = [p for p in positions if not isinstance(literals[p], Present) and _needs(literals[p]) <= bound]
        chosen = ready[0] if ready else next((p for p in positions if isinstance(literals[p], Present)), None)
        if chosen is None:
            break
        literal, span = literals[chosen], spans[chosen]
        if isinstance(literal, Assignment):
            types.bind(literal.variable, types.of(literal.expression, span), span)
            bound.add(literal.variable)
        elif isinstance(literal, Comparison):
            types.compare(literal, span)
        elif isinstance(literal, Present):
            bound |= variables(literal)
        found.append(chosen)
        positions.remove(chosen)
    for position in positions:
        for name in sorted(_needs(literals[position]) - bound):
            _unbound(name, bound, spans[position], findings)
    return tuple(found)


def in_order(literals: Iterable[Literal]) -> tuple[str, ...]:
    """The variables that literals bind, in the order in which they are written."""
    order: dict[str, None] = {}
    for literal in literals:
        if isinstance(literal, Present):
            order.update(dict.fromkeys(arg.name for arg in literal.args if isinstance(arg, Variable)))
        elif isinstance(literal, Assignment):
            order[literal.variable] = None
    return tuple(order)


def look_at_head(head: Head, bound: Sequence[str], span: Span, findings: Findings) -> None:
    """Whether the body binds every variable of a head."""
    _, args = head
    used = {a.name for a in args if isinstance(a, Variable)}
    used |= {v for a in args if isinstance(a, Aggregate) for v in a.variables}
    for name in sorted(used - set(bound)):
        _unbound(name, bound, span, findings)


def _needs(literal: Literal) -> set[str]:
    """The variables that must be bound before a literal that binds none can be tested, or one be given its value."""
    if isinstance(literal, Absent):
        return {v for v in variables(literal) if not v.startswith("_")}
    return set(variables(literal.expression if isinstance(literal, Assignment) else literal))


def _unbound(name: str, bound: Iterable[str], span: Span, findings: Findings) -> None:
    near = findings.meant(f"variable at {span.line}:{span.column}", "?" + name, ("?" + v for v in bound))
    hint = near or f"add a literal, without ~, in which ?{name} stands"
    found = re.compile(rf"\?{name}\b").search(findings.file.line(span.line), span.column - 1)
    at = Span(span.file, span.line, found.start() + 1) if found else span
    findings.add("unsafe-variable", at, f"nothing gives ?{name} a value", hint)
