"""Literals and heads from syntax: every word resolved, every argument of the type that its place asks for."""

from __future__ import annotations

from dataclasses import dataclass

from citelog.diagnostics import Hint, Instead, meant
from citelog.rules.findings import Findings
from citelog.rules.language import AGGREGATES, ORDERED, TERMS
from citelog.rules.naming import Naming
from citelog.rules.program import (
    Absent,
    Aggregate,
    Comparison,
    Constant,
    Expression,
    Literal,
    Operation,
    Present,
    Variable,
)
from citelog.rules.syntax import (
    AbsentSyntax,
    AggregateSyntax,
    AtomSyntax,
    ComparisonSyntax,
    OperationSyntax,
    Word,
)
from citelog.rules.syntax import Expression as ExpressionSyntax
from citelog.rules.types import Types, articled, fits
from citelog.values import Value, type_of

Head = tuple[str, tuple[Variable | Constant | Aggregate, ...]]
"""A predicate and the arguments of a head."""


@dataclass(slots=True)
class Literals:
    """The parts of one rule, each understood or None; variables that were written `_` are numbered."""

    naming: Naming
    types: Types
    findings: Findings
    anonymous: int = 0

    def literal(self, syntax: AtomSyntax | AbsentSyntax | ComparisonSyntax) -> Literal | None:
        """One literal of a body."""
        if isinstance(syntax, AtomSyntax):
            atom = self._atom(syntax)
            return Present(*atom) if atom else None
        if isinstance(syntax, AbsentSyntax):
            atom = self._atom(syntax.atom)
            if atom and all(isinstance(a, Variable) and a.name.startswith("_") for a in atom[1]):  # Nemo calls it true
                message = f"the absence of any {syntax.atom.name.text} at all is tied to nothing in the rule"
                hint = f"derive a predicate that says there is some {syntax.atom.name.text} for ?x, and negate that"
                self.findings.add("unsafe-variable", syntax.span, message, hint)
            return Absent(*atom) if atom else None
        left, right = self._expression(syntax.left), self._expression(syntax.right)
        if left is None or right is None:
            return None
        return Comparison(syntax.operator, left, right)

    def head(self, syntax: AtomSyntax) -> Head | None:
        """The head."""
        predicate = self.naming.predicate(syntax)
        if predicate is None:
            return None
        if predicate.layer != "derived":
            source = "the patient's record" if predicate.layer == "patient" else "statements"
            self.findings.add(
                "not-derivable",
                syntax.name.span,
                f"only {source} can say {syntax.name.text}; a rule cannot derive it",
                "derive a predicate of your own, declared in predicates.ttl",
            )
            return None
        args: list[Variable | Constant | Aggregate] = []
        for arg, place in zip(syntax.args, predicate.arguments, strict=True):
            if isinstance(arg, AggregateSyntax):
                args.append(self._aggregate(arg, place.type))
            elif isinstance(arg, Word) and arg.sort == "anonymous":
                hint = "give it a name that the body binds"
                self.findings.add("unsafe-variable", arg.span, "_ stands in the head", hint)
                return None
            else:
                value = self._argument(arg, place.type, f"{predicate.name}'s {place.name}")
                if value is None:
                    return None
                args.append(value)
        if sum(isinstance(a, Aggregate) for a in args) > 1:
            self.findings.add("syntax", syntax.span, "a head has at most one aggregate", "write one rule for each")
        groups = {a.name for a in args if isinstance(a, Variable)}
        for aggregate in (a for a in args if isinstance(a, Aggregate)):
            for name in (v for v in aggregate.variables if v in groups):
                message = f"?{name} is counted and stands in the head as well"
                hint = "what is counted differs within a group: leave it out of one of the two"
                self.findings.add("syntax", syntax.span, message, hint)
        return predicate.name, tuple(args)

    def _atom(self, syntax: AtomSyntax) -> tuple[str, tuple[Variable | Constant, ...]] | None:
        predicate = self.naming.predicate(syntax)
        if predicate is None:
            return None
        args = [
            self._argument(arg, place.type, f"{predicate.name}'s {place.name}")
            for arg, place in zip(syntax.args, predicate.arguments, strict=True)
        ]
        return None if any(a is None for a in args) else (predicate.name, tuple(a for a in args if a is not None))

    def _argument(self, arg: ExpressionSyntax | AggregateSyntax, type_: str, place: str) -> Variable | Constant | None:
        if isinstance(arg, AggregateSyntax):
            hint = "aggregates belong in the head of a rule"
            self.findings.add("syntax", arg.span, "an aggregate stands in a body", hint)
            return None
        if isinstance(arg, OperationSyntax):
            hint = "name the result first: ?total = … in the body"
            self.findings.add("syntax", arg.span, "arithmetic stands inside an atom", hint)
            return None
        if arg.sort == "anonymous":
            self.anonymous += 1
            return Variable(f"_{self.anonymous}")
        if arg.sort == "variable":
            self.types.bind(arg.text, type_, arg.span)
            return Variable(arg.text)
        value = self.naming.constant(arg)
        if value is None:
            return None
        if not fits(value, type_):
            message = f"{arg.text} is {articled(type_of(value))}, and {place} asks for {articled(type_)}"
            self.findings.add("wrong-type", arg.span, message, _to_try(arg.text, value, type_))
            return None
        return Constant(value)

    def _expression(self, syntax: ExpressionSyntax) -> Expression | None:
        if isinstance(syntax, OperationSyntax):
            left, right = self._expression(syntax.left), self._expression(syntax.right)
            return None if left is None or right is None else Operation(syntax.operator, left, right)
        if syntax.sort == "anonymous":
            self.findings.add(
                "unsafe-variable", syntax.span, "_ stands in a comparison", "give it a name, as in ?value"
            )
            return None
        if syntax.sort == "variable":
            return Variable(syntax.text)
        value = self.naming.constant(syntax)
        return None if value is None else Constant(value)

    def _aggregate(self, syntax: AggregateSyntax, type_: str) -> Aggregate:
        if syntax.function not in AGGREGATES:
            known = ", ".join("#" + function for function in AGGREGATES)
            hint = meant(syntax.function, AGGREGATES) or f"aggregates are {known}"
            self.findings.add("syntax", syntax.span, f"unknown aggregate #{syntax.function}", hint)
        elif syntax.function == "count":
            if type_ != "integer":
                self.findings.add(
                    "wrong-type", syntax.span, "a count is an integer", f"the place asks for {articled(type_)}"
                )
        else:
            self.types.bind(syntax.variables[0], type_, syntax.span)
            if type_ not in ORDERED or (syntax.function == "sum" and type_ == "date"):
                takes = "numbers" if syntax.function == "sum" else "numbers and dates"
                hint = f"#{syntax.function} gives {takes}"
                self.findings.add("wrong-type", syntax.span, f"the place asks for {articled(type_)}", hint)
        return Aggregate(syntax.function, syntax.variables)


def _to_try(written: str, value: Value, type_: str) -> Hint:
    """What to try where a value is not of the type that its place asks for."""
    if type_ == "number" and type_of(value) == "integer":
        return Instead(written, f"{written}.0", f"write {written}.0")
    if type_ in TERMS and isinstance(value, str):
        return "write a term with its prefix and without quotation marks"
    return "correct it, or use another predicate"
