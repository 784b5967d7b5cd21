"""A rule written in one way, whatever its layout: what a review of it is about.

Names stand in full, blanks and comments are gone, and each description or tag is one line. Two texts that give the same
here say the same; the other way round, a renamed variable or another order of premises is another text, which whoever
reviewed the rule has not seen.
"""

from __future__ import annotations

from collections.abc import Mapping

from citelog.rules.syntax import (
    AbsentSyntax,
    AggregateSyntax,
    AtomSyntax,
    ComparisonSyntax,
    Expression,
    OperationSyntax,
    RuleFile,
    RuleSyntax,
    Word,
)


def written(rule: RuleSyntax, prefixes: Mapping[str, str]) -> str:
    """A rule as canonical text; `prefixes` are those of its file.

    >>> from citelog.rules.syntax import parse
    >>> file = parse('''@prefix ex: <https://example.org/#> .
    ... %%%A short
    ... %%%   night. % not its last line
    ... %%% @cites S03
    ... #[name("short")]
    ... short(?p):-slept(?p, ?r, ex:night) , ?a<(?b+1),~<https://example.org/#told>(?r,"late") .  % a comment
    ... ''', "a.rls")
    >>> print(written(file.rules[0], file.prefixes))
    %%% A short night. % not its last line
    %%% @cites S03
    #[name("short")]
    short(?p) :- slept(?p, ?r, <https://example.org/#night>), ?a < (?b + 1), ~<https://example.org/#told>(?r, "late") .
    >>> file = parse('''@prefix ex: <https://example.org/#> .
    ... #[display(f"{?p} is up")]
    ... ex:up(?p), late(?p) :- slept(?p, ?n), ex:bed < ?n * ex:half - ex:most .
    ... night(ex:short) .
    ... ''', "b.rls")
    >>> print("\\n".join(written(rule, {"ex": "https://e/#"}) for rule in file.rules))
    #[display(f"{?p} is up")]
    <https://e/#up>(?p), late(?p) :- slept(?p, ?n), <https://e/#bed> < ((?n * <https://e/#half>) - <https://e/#most>) .
    night(<https://e/#short>) .
    """
    lines: list[str] = []
    for text in filter(None, (" ".join(doc.text.split()) for doc in rule.docs)):
        if text.startswith("@") or not lines:
            lines.append(f"%%% {text}")
        else:
            lines[-1] += f" {text}"
    for attribute in rule.attributes:
        lines.append(f'#[{attribute.name}({"f" if attribute.interpolated else ""}"{attribute.text}")]')
    head = ", ".join(_atom(atom, prefixes) for atom in rule.heads)
    body = "" if rule.body is None else " :- " + ", ".join(_literal(one, prefixes) for one in rule.body)
    return "\n".join([*lines, f"{head}{body} ."])


def named(file: RuleFile) -> dict[str, str]:
    """The canonical text of each rule of a file that has a name."""
    return {
        attribute.text: written(rule, file.prefixes)
        for rule in file.rules
        for attribute in rule.attributes
        if attribute.name == "name"
    }


def _literal(literal: AtomSyntax | AbsentSyntax | ComparisonSyntax, prefixes: Mapping[str, str]) -> str:
    match literal:
        case AtomSyntax():
            return _atom(literal, prefixes)
        case ComparisonSyntax(operator, left, right):
            return f"{_expression(left, prefixes)} {operator} {_expression(right, prefixes)}"
        case _:
            return f"~{_atom(literal.atom, prefixes)}"


def _atom(atom: AtomSyntax, prefixes: Mapping[str, str]) -> str:
    args = (
        f"#{arg.function}({', '.join(f'?{v}' for v in arg.variables)})"
        if isinstance(arg, AggregateSyntax)
        else _expression(arg, prefixes)
        for arg in atom.args
    )
    return f"{_expression(atom.name, prefixes)}({', '.join(args)})"


def _expression(expression: Expression, prefixes: Mapping[str, str]) -> str:
    if isinstance(expression, OperationSyntax):
        left, right = _expression(expression.left, prefixes), _expression(expression.right, prefixes)
        return f"({left} {expression.operator} {right})"
    return _word(expression, prefixes)


def _word(word: Word, prefixes: Mapping[str, str]) -> str:
    match word.sort:
        case "variable":
            return f"?{word.text}"
        case "text":
            return f'"{word.text}"'
        case "iri":
            return f"<{word.text}>"
        case "name":
            prefix, _, local = word.text.partition(":")
            return f"<{prefixes[prefix]}{local}>" if prefix in prefixes else word.text
        case _:
            return word.text
