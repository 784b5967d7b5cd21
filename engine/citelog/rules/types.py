"""The types of a rule's variables, and what may be computed and compared."""

from __future__ import annotations

from dataclasses import dataclass, field

from citelog.diagnostics import Span
from citelog.rules.findings import Findings
from citelog.rules.language import NUMERIC, ORDERED, TERMS
from citelog.rules.program import Comparison, Constant, Expression, Variable
from citelog.values import Value, type_of


@dataclass(slots=True)
class Types:
    """The type of each variable, as the first place that it stands at gives it."""

    findings: Findings
    _known: dict[str, tuple[str, Span]] = field(default_factory=dict)

    def bind(self, variable: str, type_: str, span: Span) -> None:
        """Note the type that a place gives a variable; the first place decides, and no type decides nothing."""
        if not type_:
            return
        known = self._known.get(variable)
        if known is None or (known[0] == "term" and type_ in TERMS):
            self._known[variable] = (type_, span)
        elif known[0] != type_ and not (known[0] in TERMS and type_ == "term"):
            self.findings.add(
                "wrong-type",
                span,
                f"?{variable} is {articled(known[0])} on line {known[1].line} and {articled(type_)} here",
                "use two variables, or correct the argument",
            )

    def of(self, expression: Expression, span: Span) -> str:
        """The type of what an expression at `span` comes to; empty where it is not known."""
        if isinstance(expression, Variable):
            return self._known.get(expression.name, ("", span))[0]
        if isinstance(expression, Constant):
            return type_of(expression.value)
        left, right = self.of(expression.left, span), self.of(expression.right, span)
        if not left or not right:
            return ""
        if left == right == "date" and expression.operator == "-":
            return "integer"
        if left == "date" and right == "integer" and expression.operator in "+-":
            return "date"
        if left in NUMERIC and right in NUMERIC:
            if expression.operator == "/" and left == right == "integer":
                self.findings.add(
                    "wrong-type",
                    span,
                    "one whole number is divided by another, which engines round differently",
                    "declare one of them as number, or write 1.0",
                )
            return "integer" if left == right == "integer" else "number"
        self.findings.add(
            "wrong-type",
            span,
            f"{articled(left)} {expression.operator} {articled(right)} has no meaning",
            "arithmetic is for numbers; a date minus a date is a count of days, a date plus an integer a date",
        )
        return ""

    def compare(self, literal: Comparison, span: Span) -> None:
        """Whether what a comparison compares can be compared."""
        left, right = self.of(literal.left, span), self.of(literal.right, span)
        numeric = left in NUMERIC and right in NUMERIC
        if not left or not right:
            return
        if literal.operator in ("=", "!=") and numeric and left != right:
            message = "an integer and a number are never the same thing: 1 is not 1.0"
            hint = "write 0.0 or 1.0 beside a number; else multiply by 1.0, or order them with <= and >="
            self.findings.add("wrong-type", span, message, hint)
        elif not (left == right or numeric or (left in TERMS and right in TERMS)):
            self.findings.add(
                "wrong-type", span, f"{articled(left)} is compared with {articled(right)}", "compare like with like"
            )
        elif literal.operator not in ("=", "!=") and left not in ORDERED:
            self.findings.add(
                "wrong-type", span, f"{articled(left)} has no order", "only numbers and dates are ordered"
            )


def articled(type_: str) -> str:
    """A type with its article.

    >>> articled("integer"), articled("date")
    ('an integer', 'a date')
    """
    return f"an {type_}" if type_[0] in "aeiou" else f"a {type_}"


def fits(value: Value, type_: str) -> bool:
    """Whether a value may stand at a place of a type."""
    given = type_of(value)
    return given == type_ or (given == "term" and type_ in TERMS)
