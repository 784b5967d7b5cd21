"""Every mutant of some rules: one rule, changed in one place of its syntax tree.

What is put in a place is what stands in such a place elsewhere: a constant is swapped for one that some rule or term
has in the same place, a literal is added that some rule has beside the same head. So a mutant is a slip that an author
could make, and not noise. A negation goes together with the tag that licenses it: without that the checker would see
every one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from citelog.rules.syntax import (
    AbsentSyntax,
    AggregateSyntax,
    AtomSyntax,
    ComparisonSyntax,
    Doc,
    OperationSyntax,
    RuleFile,
    RuleSyntax,
    Word,
)
from citelog.rules.syntax import Expression as ExpressionSyntax

Literal = AtomSyntax | AbsentSyntax | ComparisonSyntax
Place = tuple[str, int]
"""A predicate and the number of an argument; of a comparison the sign `=` and the name of its variable."""

KINDS = {
    "drop a literal": "a condition is left out",
    "drop a negation": "an exception is left out, with its licence",
    "add a literal": "a condition is added that another rule of the same conclusion has",
    "add a negation": "an exception is added that another rule of the same conclusion has, with its licence",
    "negate a literal": "a condition is turned into its opposite, with a licence",
    "flip a comparison": "< becomes >=, = becomes !=, and the reverse",
    "shift a comparison": "< becomes <=, >= becomes >, and the reverse",
    "shift a limit": "a comparison is made with another number of the statements, or 0 with 1",
    "widen a population": "a constant becomes any value",
    "swap a statement": "a rule cites the neighbour of a statement in its place",
}
"""The kinds of edits; beside these `swap a …`, for a constant in the place of an argument, by that argument's name."""

FLIPPED = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "=": "!=", "!=": "="}
SHIFTED = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}


@dataclass(frozen=True, slots=True)
class Mutant:
    """One rule after one edit; `what` says the edit in the words of the rule."""

    rule: str
    kind: str
    what: str
    file: str
    syntax: RuleSyntax


@dataclass(frozen=True)
class Author:
    """What a careless author has at hand: all rule files, and the names that terms of one class share.

    `alike` maps a constant as written to those of its classes, for places where no rule has another; `statements` are
    the ids, in the document's order; `arguments` names the arguments of a predicate as written; `measures` are the
    properties whose values are numbers.
    """

    files: tuple[RuleFile, ...]
    alike: Mapping[str, tuple[str, ...]]
    statements: tuple[str, ...]
    arguments: Mapping[str, tuple[str, ...]]
    measures: tuple[str, ...]

    def mutants(self) -> Iterator[Mutant]:
        """Every mutant, in the order of the rules."""
        for file in self.files:
            for rule in file.rules:
                seen = {_text(rule)}
                for kind, what, syntax in self._of(rule):
                    if _text(syntax) not in seen:
                        seen.add(_text(syntax))
                        name = next(a.text for a in rule.attributes if a.name == "name")
                        yield Mutant(name, kind, what, file.file, syntax)

    def _of(self, rule: RuleSyntax) -> Iterator[tuple[str, str, RuleSyntax]]:
        yield from self._literals(rule)
        yield from self._added(rule)
        yield from self._comparisons(rule)
        yield from self._constants(rule)
        yield from self._statements(rule)

    # --- literals -----------------------------------------------------------------------------------------------------

    def _literals(self, rule: RuleSyntax) -> Iterator[tuple[str, str, RuleSyntax]]:
        body = rule.body or ()
        for at, literal in enumerate(body):
            rest = (*body[:at], *body[at + 1 :])
            if rest and isinstance(literal, AbsentSyntax):
                yield (
                    "drop a negation",
                    f"without {written(literal)}",
                    unlicensed(replace(rule, body=rest), literal.atom),
                )
            elif rest:
                yield "drop a literal", f"without {written(literal)}", replace(rule, body=rest)
            if isinstance(literal, AtomSyntax) and len(body) > 1:
                turned = AbsentSyntax(literal, literal.span)
                body_ = (*body[:at], turned, *body[at + 1 :])
                yield "negate a literal", f"{written(turned)}", licensed(replace(rule, body=body_), literal)

    def _added(self, rule: RuleSyntax) -> Iterator[tuple[str, str, RuleSyntax]]:
        body = rule.body or ()
        here = {written(literal) for literal in body}
        for literal in self._beside.get(written(rule.heads[0].name), ()):
            atom = literal.atom if isinstance(literal, AbsentSyntax) else literal
            if not {written(atom), f"~{written(atom)}"} & here and _variables(literal) <= _bound(body):
                more = replace(rule, body=(*body, literal))
                if isinstance(literal, AbsentSyntax):
                    yield "add a negation", f"with {written(literal)}", licensed(more, literal.atom)
                else:
                    yield "add a literal", f"with {written(literal)}", more

    @cached_property
    def _beside(self) -> Mapping[str, tuple[AtomSyntax | AbsentSyntax, ...]]:
        """The literals about nothing but the patient that stand in the rules of each head."""
        found: dict[str, dict[str, AtomSyntax | AbsentSyntax]] = {}
        for file in self.files:
            for rule in file.rules:
                for literal in rule.body or ():
                    if isinstance(literal, ComparisonSyntax) or written(literal) == "patient(?p)":
                        continue
                    if _variables(literal) == {"p"}:
                        found.setdefault(written(rule.heads[0].name), {})[written(literal)] = literal
        return {head: tuple(literals.values()) for head, literals in found.items()}

    # --- comparisons --------------------------------------------------------------------------------------------------

    def _comparisons(self, rule: RuleSyntax) -> Iterator[tuple[str, str, RuleSyntax]]:
        body = rule.body or ()
        for at, literal in enumerate(body):
            if isinstance(literal, ComparisonSyntax):
                for kind, signs in (("flip a comparison", FLIPPED), ("shift a comparison", SHIFTED)):
                    if literal.operator in signs:
                        edited = replace(literal, operator=signs[literal.operator])
                        what = f"{written(literal)} → {written(edited)}"
                        yield kind, what, replace(rule, body=(*body[:at], edited, *body[at + 1 :]))
                if isinstance(literal.right, Word) and literal.right.text == "0":
                    edited = replace(literal, right=replace(literal.right, text="1"))
                    what = f"{written(literal)} → {written(edited)}"
                    yield "shift a limit", what, replace(rule, body=(*body[:at], edited, *body[at + 1 :]))
            elif isinstance(literal, AtomSyntax) and literal.name.text in self.measures:
                for other in self.measures:
                    edited_ = replace(literal, name=replace(literal.name, text=other))
                    what = f"{written(literal)} → {written(edited_)}"
                    yield "shift a limit", what, replace(rule, body=(*body[:at], edited_, *body[at + 1 :]))

    # --- constants ----------------------------------------------------------------------------------------------------

    def _constants(self, rule: RuleSyntax) -> Iterator[tuple[str, str, RuleSyntax]]:
        for at, atom in enumerate((rule.heads[0], *(rule.body or ()))):
            where = "" if at else "the head's "

            def put(edited: Literal, at: int = at) -> RuleSyntax:
                if at == 0:
                    assert isinstance(edited, AtomSyntax)
                    return replace(rule, heads=(edited,))
                body = rule.body or ()
                return replace(rule, body=(*body[: at - 1], edited, *body[at:]))

            inner = atom.atom if isinstance(atom, AbsentSyntax) else atom
            if isinstance(inner, ComparisonSyntax):
                if isinstance(inner.left, Word) and isinstance(inner.right, Word) and _is_named(inner.right):
                    for other in self._others(("=", inner.left.text), inner.right):
                        edited = replace(inner, right=other)
                        argument = "regimen" if inner.left.text == "step" else inner.left.text
                        yield f"swap a {argument}", f"{written(inner)} → {written(edited)}", put(edited)
                continue
            for place, word in enumerate(inner.args):
                if not isinstance(word, Word) or not _is_named(word):
                    continue
                name = (self.arguments.get(inner.name.text) or ("name",) * 9)[place]
                for other in self._others((inner.name.text, place), word):
                    changed = _with(inner, place, other)
                    what = f"{where}{written(word)} → {written(other)} in {written(inner)}"
                    yield f"swap a {name}", what, put(_again(atom, changed))
                if at and isinstance(atom, AtomSyntax):
                    changed = _with(inner, place, Word("anonymous", "_", word.span))
                    yield "widen a population", f"{written(inner)} → {written(changed)}", put(changed)

    def _others(self, place: tuple[str, int | str], word: Word) -> Iterator[Word]:
        standing = self._standing.get(place, ())
        for text in standing if len(standing) > 1 else self.alike.get(written(word), ()):
            if text != written(word):
                yield Word("iri", text[1:-1], word.span) if text.startswith("<") else Word("name", text, word.span)

    @cached_property
    def _standing(self) -> Mapping[tuple[str, int | str], tuple[str, ...]]:
        """The constants that stand in each place of a predicate, or beside each variable of a comparison."""
        found: dict[tuple[str, int | str], dict[str, None]] = {}
        for file in self.files:
            for rule in file.rules:
                for literal in (*rule.heads, *(rule.body or ())):
                    inner = literal.atom if isinstance(literal, AbsentSyntax) else literal
                    if isinstance(inner, ComparisonSyntax):
                        if isinstance(inner.left, Word) and isinstance(inner.right, Word) and _is_named(inner.right):
                            found.setdefault(("=", inner.left.text), {})[written(inner.right)] = None
                        continue
                    for place, word in enumerate(inner.args):
                        if isinstance(word, Word) and _is_named(word):
                            found.setdefault((inner.name.text, place), {})[written(word)] = None
        return {place: tuple(texts) for place, texts in found.items()}

    # --- statements ---------------------------------------------------------------------------------------------------

    def _statements(self, rule: RuleSyntax) -> Iterator[tuple[str, str, RuleSyntax]]:
        """Each cited statement swapped for the one before it and the one after it."""
        for number, doc in enumerate(rule.docs):
            if not doc.text.startswith("@cites"):
                continue
            cited = doc.text.split()[1:]
            for id_ in cited:
                at = self.statements.index(id_)
                for other in (*self.statements[max(0, at - 1) : at], *self.statements[at + 1 : at + 2]):
                    if other not in cited:
                        text = re.sub(rf"\b{id_}\b", other, doc.text)
                        docs = (*rule.docs[:number], Doc(text, doc.span), *rule.docs[number + 1 :])
                        yield "swap a statement", f"cites {other} instead of {id_}", replace(rule, docs=docs)


# --- parts of a rule --------------------------------------------------------------------------------------------------


def _is_named(word: Word) -> bool:
    return word.sort in ("name", "iri")


def _with(atom: AtomSyntax, place: int, word: Word) -> AtomSyntax:
    return replace(atom, args=(*atom.args[:place], word, *atom.args[place + 1 :]))


def _again(literal: Literal, atom: AtomSyntax) -> Literal:
    return AbsentSyntax(atom, literal.span) if isinstance(literal, AbsentSyntax) else atom


def _words(part: object) -> Iterator[Word]:
    match part:
        case Word():
            yield part
        case AtomSyntax():
            for arg in part.args:
                yield from _words(arg)
        case AbsentSyntax():
            yield from _words(part.atom)
        case ComparisonSyntax() | OperationSyntax():
            yield from _words(part.left)
            yield from _words(part.right)


def _variables(*parts: Literal) -> set[str]:
    return {word.text for part in parts for word in _words(part) if word.sort in ("variable", "anonymous")}


def _bound(body: Iterable[Literal]) -> set[str]:
    return {name for literal in body if isinstance(literal, AtomSyntax) for name in _variables(literal)}


def predicates(rule: RuleSyntax) -> list[tuple[str, bool]]:
    """What a rule gives and reads: each predicate as written, and whether it is negated."""
    body = [part for part in rule.body or () if not isinstance(part, ComparisonSyntax)]
    read = [(p.atom.name.text, True) if isinstance(p, AbsentSyntax) else (p.name.text, False) for p in body]
    return [(rule.heads[0].name.text, False), *read]


def unlicensed(rule: RuleSyntax, atom: AtomSyntax) -> RuleSyntax:
    """The rule without the licence for an absence, unless another negation needs it."""
    name = atom.name.text
    if any(isinstance(x, AbsentSyntax) and x.atom.name.text == name for x in rule.body or ()):
        return rule
    docs = []
    for doc in rule.docs:
        if doc.text.startswith(("@unless", "@assumes")):
            tag, *names = doc.text.replace(",", " ").split()
            kept = [n for n in names if n != name]
            if not kept:
                continue
            doc = Doc(f"{tag} {', '.join(kept)}", doc.span)
        docs.append(doc)
    return replace(rule, docs=tuple(docs))


def licensed(rule: RuleSyntax, atom: AtomSyntax) -> RuleSyntax:
    """The rule with a licence for an absence, where that is a predicate's own name."""
    name = atom.name.text
    has = any(doc.text.startswith(("@unless", "@assumes")) and name in doc.text.split() for doc in rule.docs)
    if atom.name.sort != "bare" or has:
        return rule
    return replace(rule, docs=(*rule.docs, Doc(f"@unless {name}", rule.span)))


# --- a rule as text ---------------------------------------------------------------------------------------------------


def written(part: ExpressionSyntax | AggregateSyntax | Literal) -> str:
    """A part of a rule as text.

    >>> from citelog.rules.syntax import parse
    >>> [rule] = parse("a(?p, #max(?n)) :- b(?p, _, x:y), ?n = (?m + 1) * 2, ~c(?p, <urn:z>) .", "a.rls").rules
    >>> written(rule.heads[0]), *map(written, rule.body)
    ('a(?p, #max(?n))', 'b(?p, _, x:y)', '?n = (?m + 1) * 2', '~c(?p, <urn:z>)')
    """
    match part:
        case Word("variable", text):
            return f"?{text}"
        case Word("iri", text):
            return f"<{text}>"
        case Word("text", text):
            return f'"{text}"'
        case Word(_, text):
            return text
        case AggregateSyntax(function, names):
            return f"#{function}({', '.join(f'?{name}' for name in names)})"
        case OperationSyntax(sign, left, right):
            sides = [f"({written(s)})" if isinstance(s, OperationSyntax) else written(s) for s in (left, right)]
            return f" {sign} ".join(sides)
        case AtomSyntax(name, args):
            return f"{written(name)}({', '.join(map(written, args))})"
        case AbsentSyntax(atom):
            return f"~{written(atom)}"
        case ComparisonSyntax(sign, left, right):
            return f"{written(left)} {sign} {written(right)}"


def _text(rule: RuleSyntax) -> str:
    return rule_text(rule)


def rule_text(rule: RuleSyntax) -> str:
    """A rule as the text of a rule file."""
    lines = [f"%%% {doc.text}" for doc in rule.docs]
    for attribute in rule.attributes:
        lines.append(f'#[{attribute.name}({"f" if attribute.interpolated else ""}"{attribute.text}")]')
    body = f" :-\n    {', '.join(map(written, rule.body))}" if rule.body else ""
    return "\n".join((*lines, f"{', '.join(map(written, rule.heads))}{body} ."))
