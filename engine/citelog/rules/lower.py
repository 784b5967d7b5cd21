"""One rule from syntax to program: its names resolved, its types and variables checked, its literals put in order.

Everything wrong with the rule is reported, not only the first thing; a rule that cannot be understood gives none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from citelog.diagnostics import Diagnostic
from citelog.rules import order
from citelog.rules.above import Above, above, accepted, assumed, licences, look_at_sentence, named, through
from citelog.rules.findings import Findings
from citelog.rules.language import Names
from citelog.rules.literals import Literals
from citelog.rules.naming import Naming
from citelog.rules.program import Rule
from citelog.rules.syntax import (
    AbsentSyntax,
    AggregateSyntax,
    AtomSyntax,
    ComparisonSyntax,
    RuleFile,
    RuleSyntax,
    Word,
)
from citelog.rules.syntax import Expression as ExpressionSyntax
from citelog.rules.types import Types


@dataclass(frozen=True, slots=True)
class Lowered:
    """What became of a rule: None where a part of it cannot be understood; its name, and what is wrong with it."""

    rule: Rule | None
    name: str
    found: tuple[Diagnostic, ...]


def lowered(file: RuleFile, syntax: RuleSyntax, names: Names, nearest: dict[str, str]) -> Lowered:
    """One rule of a file, by itself; the rules of a file share what unknown names are likely to mean."""
    findings = Findings(file, named(syntax), nearest)
    over = above(syntax, names, findings)
    rule = _rule(syntax, over, Naming(names, findings), findings)
    return Lowered(rule, over.name, tuple(findings.found))


def _rule(syntax: RuleSyntax, over: Above, naming: Naming, findings: Findings) -> Rule | None:
    if syntax.body is None:
        hint = "facts of the guideline belong in a statement"
        findings.add("syntax", syntax.span, "a fact stands among the rules", hint)
        return None
    if len(syntax.heads) != 1:
        findings.add("syntax", syntax.heads[1].span, "a rule has one head", "write one rule for each head")
    types, spans = Types(findings), [literal.span for literal in syntax.body]
    parts = Literals(naming, types, findings)
    body = [parts.literal(literal) for literal in syntax.body]
    head = parts.head(syntax.heads[0])
    understood = [literal for literal in body if literal is not None]
    if len(understood) < len(body) or head is None or len(syntax.heads) != 1:
        if over.display:
            look_at_sentence(over.display, tuple(dict.fromkeys(_written(syntax.body))), findings)
        return None
    literals = order.assignments(understood, spans, findings)
    plan, variables = order.plan(literals, spans, types, findings), order.in_order(literals)
    order.look_at_head(head, variables, syntax.heads[0].span, findings)
    if over.display:
        look_at_sentence(over.display, variables, findings)
    return Rule(
        name=over.name,
        doc=over.doc,
        display=over.display.text if over.display else "",
        cites=over.cites,
        convention=over.convention,
        through=through(over, literals, naming, findings),
        muted=any(over.called("mute")),
        licences=licences(over, naming),
        predicate=head[0],
        args=head[1],
        body=tuple(assumed(literal, over, naming) for literal in literals),
        variables=variables,
        plan=plan,
        text=syntax.text,
        span=syntax.span,
        accepts=tuple(accepted(over, findings)),
    )


_Part = AtomSyntax | AbsentSyntax | ComparisonSyntax | ExpressionSyntax | AggregateSyntax
"""What a body is made of, to the last."""


def _written(body: Iterable[_Part]) -> Iterator[str]:
    """Every variable that a body writes, whether it is understood or not."""
    for part in body:
        if isinstance(part, Word):
            if part.sort == "variable":
                yield part.text
        elif isinstance(part, AtomSyntax):
            yield from _written(part.args)
        elif isinstance(part, AbsentSyntax):
            yield from _written(part.atom.args)
        elif isinstance(part, AggregateSyntax):
            yield from part.variables
        else:
            yield from _written((part.left, part.right))
