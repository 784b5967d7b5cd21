"""Literals and expressions of a checked rule as a reader sees them: as their author wrote them, without prefixes."""

from __future__ import annotations

from citelog.rules.program import (
    Absent,
    Comparison,
    Expression,
    Literal,
    Operation,
    Present,
    Variable,
)
from citelog.values import Iri, show


def show_literal(literal: Literal) -> str:
    """A literal as the author wrote it, without prefixes.

    >>> from citelog.rules.program import Constant
    >>> show_literal(Absent("state", (Variable("p"), Constant(Iri("urn:x#fever")), Variable("_1"))))
    '~state(?p, fever, _)'
    >>> show_literal(Present("born", (Variable("p"), Variable("d"))))
    'born(?p, ?d)'
    >>> show_literal(Comparison("<", Variable("a"), Constant(1)))
    '?a < 1'
    """
    match literal:
        case Present(predicate, args):
            return f"{Iri(predicate).local}({', '.join(show_expression(arg) for arg in args)})"
        case Absent(predicate, args):
            return f"~{Iri(predicate).local}({', '.join(show_expression(arg) for arg in args)})"
        case Comparison(operator, left, right):
            return f"{show_expression(left)} {operator} {show_expression(right)}"
        case _:
            return f"?{literal.variable} = {show_expression(literal.expression)}"


def show_expression(expression: Expression) -> str:
    """An expression as the author wrote it.

    >>> from citelog.rules.program import Assignment, Constant
    >>> sum = Operation("+", Variable("a"), Constant(1))
    >>> show_literal(Assignment("x", Operation("*", sum, Variable("b"))))
    '?x = (?a + 1) * ?b'
    """
    match expression:
        case Variable(name):
            return "_" if name.startswith("_") else f"?{name}"
        case Operation(sign, left, right):
            sides = [
                f"({show_expression(s)})" if isinstance(s, Operation) else show_expression(s) for s in (left, right)
            ]
            return f"{sides[0]} {sign} {sides[1]}"
        case _:
            return show(expression.value)
