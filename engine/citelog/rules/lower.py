"""One rule from syntax to program: its names resolved, its types and variables checked, its literals put in order.

Everything wrong with the rule is reported, not only the first thing; a rule that cannot be understood gives none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile

from citelog.diagnostics import Diagnostic, Span, did_you_mean, shortened, unseen
from citelog.rules.language import AGGREGATES, ATTRIBUTES, NUMERIC, ORDERED, TAGS, TERMS, Names
from citelog.rules.program import (
    Absent,
    Acceptance,
    Aggregate,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Literal,
    Operation,
    Predicate,
    Present,
    Rule,
    Variable,
    variables,
)
from citelog.rules.syntax import (
    AbsentSyntax,
    AggregateSyntax,
    AtomSyntax,
    AttributeSyntax,
    ComparisonSyntax,
    OperationSyntax,
    RuleFile,
    RuleSyntax,
    Word,
)
from citelog.rules.syntax import Expression as ExpressionSyntax
from citelog.values import Iri, Value, type_of

_DIGITS = 400
"""What is written longer is no number that anybody reads, and Python makes none of it."""

_SUGGESTED = 200
"""Words of a file for which a likely one is looked for: each takes as long as there are words that it may mean."""

_BEGINS, _ENDS = re.compile(r"(?<![\w:-])"), re.compile(r"(?![\w-])")
"""Where a word of a tag can begin, and end."""


@dataclass(frozen=True, slots=True)
class _Tag:
    """A tag with the rest of its text, and its lines."""

    name: str
    text: str
    spans: tuple[Span, ...]

    @property
    def words(self) -> list[str]:
        return self.text.replace(",", " ").split()


class RuleChecker:
    """One rule on its way from syntax to program; `found` collects what is wrong with it.

    `meant` holds what names that are not known are likely to mean: the rules of a file often share one.
    """

    def __init__(self, file: RuleFile, syntax: RuleSyntax, names: Names, meant: dict[str, str]) -> None:
        self.file, self.syntax, self.names, self.meant = file, syntax, names, meant
        self.found: list[Diagnostic] = []
        self.types: dict[str, tuple[str, Span]] = {}
        self.anonymous = 0
        self.name = next((a.text for a in syntax.attributes if a.name == "name"), "")

    def report(self, code: str, span: Span, message: str, hint: str = "") -> None:
        self.found.append(Diagnostic(code, span, message, hint, self.file.line(span.line)))

    def at(self, span: Span, words: str) -> Span:
        """Where some words stand in the line of a tag or attribute that begins at `span`."""
        found = self.file.line(span.line).find(words, span.column)
        return Span(span.file, span.line, found + 1) if found != -1 else span

    def attribute_span(self, name: str) -> Span:
        return next(a.span for a in self.syntax.attributes if a.name == name)

    def rule(self) -> Rule | None:
        """The rule; None where a part of it cannot be understood."""
        syntax = self.syntax
        self.attributes()
        tags = self.tags()
        cites = self.cites(tags)
        convention = " ".join(tag.text for tag in tags if tag.name == "convention")
        if not cites and not convention and all(tag.name not in ("through", "cites") for tag in tags):
            self.report(
                "uncited-rule",
                syntax.span,
                "the rule names no statement",
                "add %%% @cites with statement ids, or %%% @convention with the reason for none",
            )
        if syntax.body is None:
            self.report(
                "syntax", syntax.span, "a fact stands among the rules", "facts of the guideline belong in a statement"
            )
            return None
        if len(syntax.heads) != 1:
            self.report("syntax", syntax.heads[1].span, "a rule has one head", "write one rule for each head")
        body = [self.literal(literal) for literal in syntax.body]
        head = self.head(syntax.heads[0])
        display = next((a for a in syntax.attributes if a.name == "display"), None)
        understood = [literal for literal in body if literal is not None]
        if len(understood) < len(body) or head is None or len(syntax.heads) != 1:
            if display:
                self.display(display, tuple(dict.fromkeys(_written(syntax.body))))
            return None
        literals = self.assignments(understood)
        plan, variables = self.plan(literals)
        self.head_is_safe(head[1], variables, syntax.heads[0])
        if display:
            self.display(display, variables)
        through = self.through(tags, literals)
        return Rule(
            self.name,
            " ".join(doc.text for doc in takewhile(lambda doc: not doc.text.startswith("@"), syntax.docs)).strip(),
            display.text if display else "",
            cites,
            convention,
            through,
            any(tag.name == "mute" for tag in tags),
            tuple(self.full(n) for tag in tags if tag.name in ("assumes", "unless") for n in tag.words),
            head[0],
            head[1],
            tuple(self.licensed(literal, tags) for literal in literals),
            variables,
            plan,
            syntax.text,
            syntax.span,
            tuple(self.accepts(tags)),
        )

    # tags and attributes

    def attributes(self) -> None:
        seen: set[str] = set()
        for attribute in self.syntax.attributes:
            span = self.at(attribute.span, attribute.name)
            if attribute.name not in ATTRIBUTES:
                hint = did_you_mean(attribute.name, ATTRIBUTES) or f"attributes are {', '.join(ATTRIBUTES)}"
                self.report("unknown-tag", span, f"unknown attribute {attribute.name}", hint)
            elif attribute.name in seen:
                self.report("syntax", span, f"the rule has a second {attribute.name}", "remove one of the two")
            seen.add(attribute.name)
        if not self.name:
            self.report("unnamed-rule", self.syntax.span, "the rule has no name", 'write #[name("…")] above it')

    def tags(self) -> list[_Tag]:
        """The tags; a line that does not start with @ goes on with the tag above it, or with the rule's description."""
        tags: list[_Tag] = []
        for doc in self.syntax.docs:
            if not doc.text.startswith("@"):
                if tags:
                    tags[-1] = _Tag(tags[-1].name, f"{tags[-1].text} {doc.text}".strip(), (*tags[-1].spans, doc.span))
                continue
            name, _, rest = doc.text[1:].partition(" ")
            span = self.at(doc.span, "@" + name)
            if hidden := next(filter(None, map(unseen, name)), None):
                self.report("syntax", span, *hidden)
            elif name not in TAGS:
                known = ", ".join("@" + t for t in TAGS)
                near = did_you_mean("@" + name, ["@" + t for t in TAGS])
                self.report("unknown-tag", span, f"unknown tag @{name}", near or f"tags are {known}")
            tags.append(_Tag(name, rest.strip(), (doc.span,)))
        for tag in tags:
            if tag.name in TAGS and tag.name != "mute" and not tag.text:
                span = self.at(tag.spans[0], "@" + tag.name)
                self.report("unknown-tag", span, f"@{tag.name} says nothing", TAGS[tag.name])
        return tags

    def word(self, tag: _Tag, word: str) -> Span:
        """Where a word of a tag stands."""
        for span in tag.spans:
            line = self.file.line(span.line)
            at = line.find(word, span.column - 1)
            while at != -1 and not (_BEGINS.match(line, at) and _ENDS.match(line, at + len(word))):
                at = line.find(word, at + 1)
            if at != -1:
                return Span(span.file, span.line, at + 1)
        return tag.spans[0]

    def cites(self, tags: list[_Tag]) -> tuple[str, ...]:
        cited: dict[str, None] = {}
        for tag in tags:
            for statement in tag.words if tag.name == "cites" else ():
                if statement not in self.names.statements:
                    near = self.near("statement", statement, self.names.statements)
                    hint = near or "is the statement in statements.trig?"
                    self.report(
                        "unknown-statement", self.word(tag, statement), f"there is no statement {statement}", hint
                    )
                cited[statement] = None
        return tuple(cited)

    def accepts(self, tags: list[_Tag]) -> Iterator[Acceptance]:
        for tag in tags:
            code, colon, reason = (part.strip() for part in tag.text.partition(":"))
            if tag.name == "accept" and colon and reason:
                yield Acceptance(code, reason, self.word(tag, code))
            elif tag.name == "accept" and tag.text:
                self.report("unknown-tag", tag.spans[0], "@accept gives no reason", TAGS["accept"])

    def through(self, tags: list[_Tag], literals: list[Literal]) -> int | None:
        chosen = None
        for tag in tags:
            if tag.name == "through" and tag.text:
                premises = {x.predicate: i for i, x in reversed(list(enumerate(literals))) if isinstance(x, Present)}
                chosen = premises.get(self.full(tag.text))
                if chosen is None:
                    hint = (
                        did_you_mean(tag.text, map(local_name, premises))
                        or f"it has {', '.join(map(local_name, premises))}"
                    )
                    message = f"@through names {tag.text}, which is no positive literal of the rule"
                    self.report("unused-licence", self.word(tag, tag.text), message, hint)
        return chosen

    def licensed(self, literal: Literal, tags: list[_Tag]) -> Literal:
        if isinstance(literal, Absent):
            for tag in tags:
                if tag.name == "assumes" and literal.predicate in map(self.full, tag.words):
                    return Absent(literal.predicate, literal.args, True)
        return literal

    def display(self, attribute: AttributeSyntax, variables: tuple[str, ...]) -> None:
        for number in re.findall(r"(?<!\w)\d+(?:[.,]\d+)*(?!\w)", re.sub(r"\{[^{}]*\}", "", attribute.text)):
            self.report(
                "clinical-number",
                self.at(attribute.span, number),
                f"the number {number} stands in the sentence",
                "put it into the statement that gives it, read it from there, and show the variable",
            )
        shown = re.findall(r"\{([^{}]*)\}", attribute.text)
        if shown and not attribute.interpolated:
            span = self.at(attribute.span, '"')
            self.report(
                "syntax", span, "the sentence shows a variable but is plain text", 'write an f before it: display(f"…")'
            )
        bound = [v for v in variables if not v.startswith("_")]
        binds = shortened("the rule binds " + (", ".join("?" + v for v in bound) or "no variable"), 400)
        known = set(bound)
        for written in shown:
            name = written.removeprefix("?")
            if not written.startswith("?") or name not in known:
                hint = binds
                if name in known:
                    hint = f"write {{?{name}}}"
                elif near := self.near(f"variable of line {attribute.span.line}", "?" + name, ("?" + v for v in bound)):
                    hint = near
                span = self.at(attribute.span, "{" + written)
                self.report(
                    "unknown-display-variable",
                    span,
                    f"the sentence shows {written}, which the rule does not bind",
                    hint,
                )

    # names and types

    def full(self, written: str) -> str:
        """A predicate's name with its prefix resolved; a bare name stays."""
        prefix, colon, local = written.partition(":")
        return self.file.prefixes.get(prefix, prefix + ":") + local if colon else written

    def short(self, name: str) -> str:
        """A name as this file writes it: with the prefix whose namespace it is in."""
        for prefix, namespace in self.file.prefixes.items():
            local = name.removeprefix(namespace)
            if name.startswith(namespace):
                return f"<{name}>" if "-" in local else f"{prefix}:{local}"
        return name

    def near(self, sort: str, word: str, known: Iterable[str]) -> str:
        """`did_you_mean`, once for each word of a sort in a file, and for so many that somebody may read them all."""
        key = f"{sort} {word}"
        if key not in self.meant:
            self.meant[key] = did_you_mean(word, known) if len(self.meant) < _SUGGESTED else ""
        return self.meant[key]

    def iri(self, word: Word) -> Iri | None:
        if word.sort == "iri":
            return Iri(word.text)
        prefix, _, local = word.text.partition(":")
        if prefix not in self.file.prefixes:
            near = self.near("prefix", prefix, self.file.prefixes)
            hint = near or f"add @prefix {prefix}: <…> . at the top of the file"
            self.report("undefined-prefix", word.span, f"the prefix {prefix}: is not declared", hint)
            return None
        if "-" in local:
            hint = f"write <{self.file.prefixes[prefix]}{local}>, or give the term a name with _"
            self.report("syntax", word.span, f"the hyphen in {word.text} is a minus sign to Nemo", hint)
            return None
        return Iri(self.file.prefixes[prefix] + local)

    def predicate(self, atom: AtomSyntax) -> Predicate | None:
        word = atom.name
        name = word.text
        if word.sort != "bare":
            iri = self.iri(word)
            if iri is None:
                return None
            name = iri.value
        predicate = self.names.predicates.get(name)
        if predicate is None:
            near = self.near("predicate", self.short(name), map(self.short, self.names.predicates))
            hint = near or "declare it in predicates.ttl: its arguments and its sentence"
            self.report("undefined-predicate", word.span, f"there is no predicate {word.text}", hint)
            return None
        if len(atom.args) != len(predicate.arguments):
            signature = f"{word.text}({', '.join(f'{a.name}: {a.type}' for a in predicate.arguments)})"
            given, wanted = len(atom.args), len(predicate.arguments)
            message = f"{word.text} takes {wanted} argument{'s' * (wanted != 1)}, not {given}"
            self.report("wrong-arity", word.span, message, f"it is {signature}")
            return None
        return predicate

    def constant(self, word: Word) -> Value | None:
        match word.sort:
            case "text":
                return word.text
            case "boolean":
                return word.text == "true"
            case "number":
                short = len(word.text) <= _DIGITS
                value = Decimal(word.text)
                if value not in (0, 1) or not short:
                    told = word.text if short else f"{word.text[:20]}… of {len(word.text)} characters"
                    self.report(
                        "clinical-number",
                        word.span,
                        f"the number {told} stands in the rule",
                        "put it into the statement that gives it, and read it from there",
                    )
                return value if "." in word.text else int(value) if short else None
            case "bare":
                hint = f'write ?{word.text} for a variable, prefix:{word.text} for a term, "{word.text}" for a text'
                self.report("syntax", word.span, f"{word.text} is no variable and no term", hint)
                return None
            case _:
                iri = self.iri(word)
                if iri is not None and iri not in self.names.terms:
                    near = self.near("term", self.short(iri.value), (self.short(t.value) for t in self.names.terms))
                    hint = near or "declare it in terms.ttl"
                    self.report("undefined-term", word.span, f"there is no term {word.text}", hint)
                    return None
                return iri

    def bind(self, variable: str, type_: str, span: Span) -> None:
        """Note the type that a place gives a variable; the first place decides, and no type decides nothing."""
        if not type_:
            return
        known = self.types.get(variable)
        if known is None or (known[0] == "term" and type_ in TERMS):
            self.types[variable] = (type_, span)
        elif known[0] != type_ and not (known[0] in TERMS and type_ == "term"):
            self.report(
                "wrong-type",
                span,
                f"?{variable} is {_a(known[0])} on line {known[1].line} and {_a(type_)} here",
                "use two variables, or correct the argument",
            )

    def argument(self, arg: ExpressionSyntax | AggregateSyntax, type_: str, place: str) -> Variable | Constant | None:
        if isinstance(arg, AggregateSyntax):
            self.report("syntax", arg.span, "an aggregate stands in a body", "aggregates belong in the head of a rule")
            return None
        if isinstance(arg, OperationSyntax):
            self.report(
                "syntax", arg.span, "arithmetic stands inside an atom", "name the result first: ?total = … in the body"
            )
            return None
        if arg.sort == "anonymous":
            self.anonymous += 1
            return Variable(f"_{self.anonymous}")
        if arg.sort == "variable":
            self.bind(arg.text, type_, arg.span)
            return Variable(arg.text)
        value = self.constant(arg)
        if value is None:
            return None
        if not _fits(value, type_):
            hint = "correct it, or use another predicate"
            if type_ == "number" and type_of(value) == "integer":
                hint = f"write {arg.text}.0"
            elif type_ in TERMS and isinstance(value, str):
                hint = "write a term with its prefix and without quotation marks"
            message = f"{arg.text} is {_a(type_of(value))}, and {place} asks for {_a(type_)}"
            self.report("wrong-type", arg.span, message, hint)
            return None
        return Constant(value)

    def atom(self, syntax: AtomSyntax) -> tuple[str, tuple[Variable | Constant, ...]] | None:
        predicate = self.predicate(syntax)
        if predicate is None:
            return None
        args = [
            self.argument(arg, place.type, f"{predicate.name}'s {place.name}")
            for arg, place in zip(syntax.args, predicate.arguments, strict=True)
        ]
        return None if any(a is None for a in args) else (predicate.name, tuple(a for a in args if a is not None))

    def literal(self, syntax: AtomSyntax | AbsentSyntax | ComparisonSyntax) -> Literal | None:
        if isinstance(syntax, AtomSyntax):
            atom = self.atom(syntax)
            return Present(*atom) if atom else None
        if isinstance(syntax, AbsentSyntax):
            atom = self.atom(syntax.atom)
            if atom and all(isinstance(a, Variable) and a.name.startswith("_") for a in atom[1]):  # Nemo calls it true
                message = f"the absence of any {syntax.atom.name.text} at all is tied to nothing in the rule"
                hint = f"derive a predicate that says there is some {syntax.atom.name.text} for ?x, and negate that"
                self.report("unsafe-variable", syntax.span, message, hint)
            return Absent(*atom) if atom else None
        left, right = self.expression(syntax.left), self.expression(syntax.right)
        if left is None or right is None:
            return None
        return Comparison(syntax.operator, left, right)

    def expression(self, syntax: ExpressionSyntax) -> Expression | None:
        if isinstance(syntax, OperationSyntax):
            left, right = self.expression(syntax.left), self.expression(syntax.right)
            return None if left is None or right is None else Operation(syntax.operator, left, right)
        if syntax.sort == "anonymous":
            self.report("unsafe-variable", syntax.span, "_ stands in a comparison", "give it a name, as in ?value")
            return None
        if syntax.sort == "variable":
            return Variable(syntax.text)
        value = self.constant(syntax)
        return None if value is None else Constant(value)

    # order, safety, and the types of comparisons

    def assignments(self, literals: list[Literal]) -> list[Literal]:
        """`?x = expression` gives ?x a value where no positive literal does (the other way round, Nemo refuses it)."""
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
                    self.report("unsafe-variable", self.literal_span(position), f"?{right.name} has no value yet", hint)
                    result[position] = Assignment(right.name, left)
                    bound.add(right.name)
        return result

    def plan(self, literals: list[Literal]) -> tuple[tuple[int, ...], tuple[str, ...]]:
        """An order in which each literal finds its variables bound, filters as early as they can be."""
        positions, bound, plan = list(range(len(literals))), set[str](), list[int]()
        while positions:
            ready = [p for p in positions if not isinstance(literals[p], Present) and self.ready(literals[p], bound)]
            chosen = ready[0] if ready else next((p for p in positions if isinstance(literals[p], Present)), None)
            if chosen is None:
                break
            literal = literals[chosen]
            if isinstance(literal, Assignment):
                self.bind(
                    literal.variable,
                    self.type_of(literal.expression, self.literal_span(chosen)),
                    self.literal_span(chosen),
                )
                bound.add(literal.variable)
            elif isinstance(literal, Comparison):
                self.comparison_types(literal, self.literal_span(chosen))
            elif isinstance(literal, Present):
                bound |= variables(literal)
            plan.append(chosen)
            positions.remove(chosen)
        for position in positions:
            for name in sorted(_needs(literals[position]) - bound):
                self.unbound(name, bound, self.literal_span(position))
        order: dict[str, None] = {}
        for literal in literals:
            if isinstance(literal, Present):
                order.update(dict.fromkeys(_in_order(literal)))
            elif isinstance(literal, Assignment):
                order[literal.variable] = None
        return tuple(plan), tuple(order)

    def literal_span(self, position: int) -> Span:
        assert self.syntax.body is not None
        return self.syntax.body[position].span

    def unbound(self, name: str, bound: Iterable[str], span: Span) -> None:
        near = self.near(f"variable at {span.line}:{span.column}", "?" + name, ("?" + v for v in bound))
        hint = near or f"add a literal, without ~, in which ?{name} stands"
        found = re.compile(rf"\?{name}\b").search(self.file.line(span.line), span.column - 1)
        at = Span(span.file, span.line, found.start() + 1) if found else span
        self.report("unsafe-variable", at, f"nothing gives ?{name} a value", hint)

    @staticmethod
    def ready(literal: Literal, bound: set[str]) -> bool:
        return _needs(literal) <= bound

    def type_of(self, expression: Expression, span: Span) -> str:
        if isinstance(expression, Variable):
            return self.types.get(expression.name, ("", span))[0]
        if isinstance(expression, Constant):
            return type_of(expression.value)
        left, right = self.type_of(expression.left, span), self.type_of(expression.right, span)
        if not left or not right:
            return ""
        if left == right == "date" and expression.operator == "-":
            return "integer"
        if left == "date" and right == "integer" and expression.operator in "+-":
            return "date"
        if left in NUMERIC and right in NUMERIC:
            if expression.operator == "/" and left == right == "integer":
                self.report(
                    "wrong-type",
                    span,
                    "one whole number is divided by another, which engines round differently",
                    "declare one of them as number, or write 1.0",
                )
            return "integer" if left == right == "integer" else "number"
        self.report(
            "wrong-type",
            span,
            f"{_a(left)} {expression.operator} {_a(right)} has no meaning",
            "arithmetic is for numbers; a date minus a date is a count of days, a date plus an integer a date",
        )
        return ""

    def comparison_types(self, literal: Comparison, span: Span) -> None:
        left, right = self.type_of(literal.left, span), self.type_of(literal.right, span)
        numeric = left in NUMERIC and right in NUMERIC
        if not left or not right:
            return
        if literal.operator in ("=", "!=") and numeric and left != right:
            message = "an integer and a number are never the same thing: 1 is not 1.0"
            hint = "write 0.0 or 1.0 beside a number; else multiply by 1.0, or order them with <= and >="
            self.report("wrong-type", span, message, hint)
        elif not (left == right or numeric or (left in TERMS and right in TERMS)):
            self.report("wrong-type", span, f"{_a(left)} is compared with {_a(right)}", "compare like with like")
        elif literal.operator not in ("=", "!=") and left not in ORDERED:
            self.report("wrong-type", span, f"{_a(left)} has no order", "only numbers and dates are ordered")

    def head(self, syntax: AtomSyntax) -> tuple[str, tuple[Variable | Constant | Aggregate, ...]] | None:
        predicate = self.predicate(syntax)
        if predicate is None:
            return None
        if predicate.layer != "derived":
            source = "the patient's record" if predicate.layer == "patient" else "statements"
            self.report(
                "not-derivable",
                syntax.name.span,
                f"only {source} can say {syntax.name.text}; a rule cannot derive it",
                "derive a predicate of your own, declared in predicates.ttl",
            )
            return None
        args: list[Variable | Constant | Aggregate] = []
        for arg, place in zip(syntax.args, predicate.arguments, strict=True):
            if isinstance(arg, AggregateSyntax):
                args.append(self.aggregate(arg, place.type))
            elif isinstance(arg, Word) and arg.sort == "anonymous":
                self.report("unsafe-variable", arg.span, "_ stands in the head", "give it a name that the body binds")
                return None
            else:
                value = self.argument(arg, place.type, f"{predicate.name}'s {place.name}")
                if value is None:
                    return None
                args.append(value)
        if sum(isinstance(a, Aggregate) for a in args) > 1:
            self.report("syntax", syntax.span, "a head has at most one aggregate", "write one rule for each")
        groups = {a.name for a in args if isinstance(a, Variable)}
        for aggregate in (a for a in args if isinstance(a, Aggregate)):
            for name in (v for v in aggregate.variables if v in groups):
                message = f"?{name} is counted and stands in the head as well"
                self.report(
                    "syntax",
                    syntax.span,
                    message,
                    "what is counted differs within a group: leave it out of one of the two",
                )
        return predicate.name, tuple(args)

    def aggregate(self, syntax: AggregateSyntax, type_: str) -> Aggregate:
        if syntax.function not in AGGREGATES:
            hint = (
                did_you_mean(syntax.function, AGGREGATES) or f"aggregates are {', '.join('#' + a for a in AGGREGATES)}"
            )
            self.report("syntax", syntax.span, f"unknown aggregate #{syntax.function}", hint)
        elif syntax.function == "count":
            if type_ != "integer":
                self.report("wrong-type", syntax.span, "a count is an integer", f"the place asks for {_a(type_)}")
        else:
            self.bind(syntax.variables[0], type_, syntax.span)
            if type_ not in ORDERED or (syntax.function == "sum" and type_ == "date"):
                takes = "numbers" if syntax.function == "sum" else "numbers and dates"
                self.report(
                    "wrong-type", syntax.span, f"the place asks for {_a(type_)}", f"#{syntax.function} gives {takes}"
                )
        return Aggregate(syntax.function, syntax.variables)

    def head_is_safe(
        self, args: tuple[Variable | Constant | Aggregate, ...], variables: tuple[str, ...], head: AtomSyntax
    ) -> None:
        used = {a.name for a in args if isinstance(a, Variable)}
        used |= {v for a in args if isinstance(a, Aggregate) for v in a.variables}
        for name in sorted(used - set(variables)):
            self.unbound(name, variables, head.span)


_Part = AtomSyntax | AbsentSyntax | ComparisonSyntax | ExpressionSyntax | AggregateSyntax
"""What a body is made of, to the last."""


def local_name(predicate: str) -> str:
    """A predicate's name without its namespace."""
    return Iri(predicate).local


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


def _a(type_: str) -> str:
    return f"an {type_}" if type_[0] in "aeiou" else f"a {type_}"


def _fits(value: Value, type_: str) -> bool:
    given = type_of(value)
    return given == type_ or (given == "term" and type_ in TERMS)


def _in_order(literal: Present | Absent) -> list[str]:
    return [a.name for a in literal.args if isinstance(a, Variable)]


def _needs(literal: Literal) -> set[str]:
    """The variables that must be bound before a literal that binds none can be tested, or one be given its value."""
    if isinstance(literal, Absent):
        return {v for v in variables(literal) if not v.startswith("_")}
    return set(variables(literal.expression if isinstance(literal, Assignment) else literal))
