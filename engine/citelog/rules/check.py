"""From syntax to a program, or to everything that keeps it from being one.

Each finding has a word-code, the author's line, and what to do. All findings of all files come back
in one list; a rule with an error is left out of the program, and the program is not to be run then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from citelog.diagnostics import Diagnostic, Span, did_you_mean
from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Comparison,
    Component,
    Constant,
    Expression,
    Literal,
    Operation,
    Predicate,
    Present,
    Program,
    Rule,
    Variable,
)
from citelog.rules.syntax import (
    AbsentSyntax,
    AggregateSyntax,
    AtomSyntax,
    ComparisonSyntax,
    OperationSyntax,
    RuleFile,
    RuleSyntax,
    Word,
)
from citelog.rules.syntax import Expression as ExpressionSyntax
from citelog.values import Iri, Value

CODES: Mapping[str, str] = {
    "syntax": "the text is not a rule",
    "undefined-prefix": "a prefix is used that the file does not declare",
    "undefined-predicate": "a predicate that nothing declares",
    "undefined-term": "a term that nothing declares",
    "not-derivable": "a rule derives what only a record or a statement can say",
    "wrong-arity": "a predicate with too many or too few arguments",
    "wrong-type": "a value or variable of another type than the place asks for",
    "unsafe-variable": "a variable that no positive literal binds",
    "not-stratified": "a rule that depends on its own absence, or on its own count",
    "unbounded-recursion": "a recursive rule that makes new numbers and could go on for ever",
    "uncited-rule": "a rule that names no statement and gives no reason for it",
    "unknown-statement": "a statement that the knowledge base does not hold",
    "clinical-number": "a number other than 0 and 1 in a rule",
    "unknown-display-variable": "a sentence that shows a variable which the rule does not bind",
    "unlicensed-negation": "an absence in a record used without the rule saying so",
    "unused-licence": "a tag that names a predicate which the rule does not use so",
    "unnamed-rule": "a rule without a name",
    "duplicate-rule-name": "two rules with one name",
    "unknown-tag": "a tag or attribute that the language does not have",
}
"""Every code of this module, with its meaning. The knowledge loader adds its own (knowledge/load.py)."""

TAGS = ("cites", "convention", "through", "assumes", "unless", "mute")
ATTRIBUTES = ("name", "display")
AGGREGATES = ("count", "sum", "min", "max")
NUMERIC = ("number", "integer")
TERMS = ("term", "patient", "record")
ORDERED = (*NUMERIC, "date")


@dataclass(frozen=True, slots=True)
class Names:
    """What rules may speak of: declared predicates by written or full name, terms, and statements by id."""

    predicates: Mapping[str, Predicate]
    terms: frozenset[Iri]
    statements: frozenset[str]


def check(files: Iterable[RuleFile], names: Names) -> tuple[Program, tuple[Diagnostic, ...]]:
    """The program of all `files`, and every finding, ordered by file and line."""
    found: list[Diagnostic] = []
    rules: list[Rule] = []
    spans: dict[str, Span] = {}
    for file in files:
        found += file.diagnostics
        for syntax in file.rules:
            checker = _RuleChecker(file, syntax, names)
            rule = checker.rule()
            found += checker.found
            name = checker.name
            if name and name in spans:
                at = checker.attribute_span("name")
                found.append(
                    Diagnostic(
                        "duplicate-rule-name", at, f"the name {name} is taken at {spans[name]}", "choose another"
                    )
                )
            spans.setdefault(name, syntax.span)
            if rule is not None:
                rules.append(rule)
    components, more = _components(rules, names)
    found += more
    found += _licences(rules, names)
    patient = _patient_dependent(rules, names)
    fixed = tuple(c for c in components if rules[c.rules[0]].predicate not in patient)
    open_ = tuple(c for c in components if rules[c.rules[0]].predicate in patient)
    program = Program(dict(names.predicates), tuple(rules), fixed, open_)
    return program, tuple(sorted(found, key=lambda d: (d.span.file, d.span.line, d.span.column, d.code, d.message)))


class _RuleChecker:
    """One rule on its way from syntax to program; `found` collects what is wrong with it."""

    def __init__(self, file: RuleFile, syntax: RuleSyntax, names: Names) -> None:
        self.file, self.syntax, self.names = file, syntax, names
        self.found: list[Diagnostic] = []
        self.types: dict[str, tuple[str, Span]] = {}
        self.anonymous = 0
        self.name = next((a.text for a in syntax.attributes if a.name == "name"), "")

    def report(self, code: str, span: Span, message: str, hint: str = "") -> None:
        shown = self.syntax.text.splitlines()[max(0, span.line - self.syntax.span.line)] if span.line else ""
        if span.line < self.syntax.span.line:
            shown = ""
        elif span.line == self.syntax.span.line:
            shown = " " * (self.syntax.span.column - 1) + shown
        self.found.append(Diagnostic(code, span, message, hint, shown))

    def attribute_span(self, name: str) -> Span:
        return next((a.span for a in self.syntax.attributes if a.name == name), self.syntax.span)

    def rule(self) -> Rule | None:
        syntax = self.syntax
        for attribute in syntax.attributes:
            if attribute.name not in ATTRIBUTES:
                hint = did_you_mean(attribute.name, ATTRIBUTES) or f"attributes are {', '.join(ATTRIBUTES)}"
                self.report("unknown-tag", attribute.span, f"unknown attribute {attribute.name}", hint)
        if not self.name:
            self.report("unnamed-rule", syntax.span, "the rule has no name", 'write #[name("…")] above it')
        if syntax.body is None:
            self.report(
                "syntax", syntax.span, "a fact stands among the rules", "facts of the guideline belong in a statement"
            )
            return None
        if len(syntax.heads) != 1:
            self.report("syntax", syntax.heads[1].span, "a rule has one head", "write one rule for each head")
            return None
        tags = self.tags()
        body = [self.literal(literal) for literal in syntax.body]
        head = self.head(syntax.heads[0])
        if any(literal is None for literal in body) or head is None or any(d.code == "syntax" for d in self.found):
            return None
        literals = self.assignments([literal for literal in body if literal is not None])
        plan, variables = self.plan(literals)
        self.head_is_safe(head[1], variables, syntax.heads[0].span)
        display = next((a for a in syntax.attributes if a.name == "display"), None)
        if display:
            self.display(display.text, display.interpolated, variables, display.span)
        through = self.through(tags, literals)
        cites = self.cites(tags)
        convention = " ".join(text for tag, text, _ in tags if tag == "convention")
        if not cites and not convention and through is None:
            self.report(
                "uncited-rule",
                syntax.span,
                "the rule names no statement",
                "add %%% @cites with statement ids, or %%% @convention with the reason for none",
            )
        literals = [self.licensed(literal, tags) for literal in literals]
        if self.found:
            return None
        doc = " ".join(d.text for d in syntax.docs if not d.text.startswith("@")).strip()
        return Rule(
            self.name,
            doc,
            display.text if display else "",
            cites,
            convention,
            through,
            any(tag == "mute" for tag, _, _ in tags),
            tuple(n for tag, text, _ in tags if tag in ("assumes", "unless") for n in text.replace(",", " ").split()),
            head[0],
            head[1],
            tuple(literals),
            variables,
            plan,
            syntax.text,
            syntax.span,
        )

    # tags and attributes

    def tags(self) -> list[tuple[str, str, Span]]:
        """(tag, rest of its text, place); a line that does not start with @ goes on with a tag begun above it."""
        tags: list[tuple[str, str, Span]] = []
        for doc in self.syntax.docs:
            if not doc.text.startswith("@"):
                continue
            tag, _, rest = doc.text[1:].partition(" ")
            if tag not in TAGS:
                known = ", ".join("@" + t for t in TAGS)
                self.report("unknown-tag", doc.span, f"unknown tag @{tag}", did_you_mean(tag, TAGS) or f"tags: {known}")
            tags.append((tag, rest.strip(), doc.span))
        return tags

    def cites(self, tags: list[tuple[str, str, Span]]) -> tuple[str, ...]:
        cited: list[str] = []
        for tag, text, span in tags:
            if tag != "cites":
                continue
            for statement in text.replace(",", " ").split():
                if statement not in self.names.statements:
                    hint = did_you_mean(statement, self.names.statements) or "is the statement in statements.trig?"
                    self.report("unknown-statement", span, f"there is no statement {statement}", hint)
                elif statement not in cited:
                    cited.append(statement)
        return tuple(cited)

    def through(self, tags: list[tuple[str, str, Span]], literals: list[Literal]) -> int | None:
        for tag, text, span in tags:
            if tag == "through":
                for position, literal in enumerate(literals):
                    if isinstance(literal, Present) and literal.predicate == self.full(text):
                        return position
                self.report("unused-licence", span, f"@through names {text}, which is no positive literal of the rule")
        return None

    def licensed(self, literal: Literal, tags: list[tuple[str, str, Span]]) -> Literal:
        if isinstance(literal, Absent):
            for tag, text, _ in tags:
                if tag == "assumes" and literal.predicate in [self.full(p) for p in text.replace(",", " ").split()]:
                    return Absent(literal.predicate, literal.args, True)
        return literal

    def display(self, text: str, interpolated: bool, variables: tuple[str, ...], span: Span) -> None:
        shown = re.findall(r"\{\??([^{}]*)\}", text)
        if shown and not interpolated:
            self.report("syntax", span, "the sentence shows variables but is plain text", 'write display(f"…")')
        for name in shown:
            if name not in variables or name.startswith("_"):
                hint = did_you_mean(name, variables) or f"the rule binds {', '.join('?' + v for v in variables)}"
                self.report("unknown-display-variable", span, f"the sentence shows ?{name}", hint)

    # names and types

    def full(self, written: str) -> str:
        """A predicate's name with its prefix resolved; a bare name stays."""
        prefix, colon, local = written.partition(":")
        return self.file.prefixes.get(prefix, prefix + ":") + local if colon else written

    def iri(self, word: Word) -> Iri | None:
        if word.sort == "iri":
            return Iri(word.text)
        prefix, _, local = word.text.partition(":")
        if prefix not in self.file.prefixes:
            hint = did_you_mean(prefix, self.file.prefixes) or f"add @prefix {prefix}: <…> . at the top of the file"
            self.report("undefined-prefix", word.span, f"the prefix {prefix}: is not declared", hint)
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
            local = {Iri(n).local: n for n in self.names.predicates}
            hint = (
                did_you_mean(Iri(name).local, local) or "declare it in predicates.ttl: its arguments and its sentence"
            )
            self.report("undefined-predicate", word.span, f"there is no predicate {word.text}", hint)
            return None
        if len(atom.args) != len(predicate.arguments):
            signature = f"{word.text}({', '.join(a.name for a in predicate.arguments)})"
            given, wanted = len(atom.args), len(predicate.arguments)
            self.report(
                "wrong-arity", word.span, f"{word.text} takes {wanted} arguments, not {given}", f"it is {signature}"
            )
            return None
        return predicate

    def constant(self, word: Word) -> Value | None:
        match word.sort:
            case "text":
                return word.text
            case "boolean":
                return word.text == "true"
            case "number":
                value: Decimal | int = Decimal(word.text) if "." in word.text else int(word.text)
                if value not in (0, 1):
                    self.report(
                        "clinical-number",
                        word.span,
                        f"the number {word.text} stands in the rule",
                        "put it into the statement that gives it, and read it from there",
                    )
                return value
            case "bare":
                self.report("syntax", word.span, f"the constant {word.text} has no prefix", "write it as prefix:name")
                return None
            case _:
                iri = self.iri(word)
                if iri is not None and iri not in self.names.terms:
                    local = {t.local for t in self.names.terms}
                    hint = did_you_mean(iri.local, local) or "declare it in terms.ttl"
                    self.report("undefined-term", word.span, f"there is no term {word.text}", hint)
                    return None
                return iri

    def bind(self, variable: str, type_: str, span: Span) -> None:
        """Note the type that a place gives a variable; the first place decides."""
        known = self.types.get(variable)
        if known is None or (known[0] == "term" and type_ in TERMS):
            self.types[variable] = (type_, span)
        elif known[0] != type_ and not (known[0] in TERMS and type_ == "term"):
            self.report(
                "wrong-type",
                span,
                f"?{variable} is {_a(known[0])} at line {known[1].line} and {_a(type_)} here",
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
            name = f"_{self.anonymous}"
            self.types[name] = (type_, arg.span)
            return Variable(name)
        if arg.sort == "variable":
            self.bind(arg.text, type_, arg.span)
            return Variable(arg.text)
        value = self.constant(arg)
        if value is None:
            return None
        if not _fits(value, type_):
            hint = (
                f"write {arg.text}.0"
                if type_ == "number" and isinstance(value, int)
                else f"{place} asks for {_a(type_)}"
            )
            self.report("wrong-type", arg.span, f"{arg.text} is {_a(_type_of(value))}", hint)
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
            self.report("unsafe-variable", syntax.span, "_ stands in a comparison", "name the variable")
            return None
        if syntax.sort == "variable":
            return Variable(syntax.text)
        value = self.constant(syntax)
        return None if value is None else Constant(value)

    # order, safety, and the types of comparisons

    def assignments(self, literals: list[Literal]) -> list[Literal]:
        """`?x = expression` binds ?x where no positive literal does."""
        bound = {v for literal in literals if isinstance(literal, Present) for v in _variables(literal)}
        result: list[Literal] = []
        for literal in literals:
            if isinstance(literal, Comparison) and literal.operator == "=":
                for side, other in ((literal.left, literal.right), (literal.right, literal.left)):
                    if isinstance(side, Variable) and side.name not in bound:
                        if side.name not in _expression_variables(other):
                            literal = Assignment(side.name, other)
                            bound.add(side.name)
                        break
            result.append(literal)
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
                self.assign_type(literal)
                bound.add(literal.variable)
            elif isinstance(literal, Comparison):
                self.comparison_types(literal)
            elif isinstance(literal, Present):
                bound |= set(_variables(literal))
            plan.append(chosen)
            positions.remove(chosen)
        assert self.syntax.body is not None
        for position in positions:
            missing = sorted(_needs(literals[position]) - bound)
            span = self.syntax.body[position].span
            listed = " and ".join("?" + v for v in missing)
            self.report("unsafe-variable", span, f"no positive literal binds {listed}", "add a literal that binds it")
        order: dict[str, None] = {}
        for literal in literals:
            if isinstance(literal, Present):
                order.update(dict.fromkeys(_variables(literal)))
            elif isinstance(literal, Assignment):
                order[literal.variable] = None
        return tuple(plan), tuple(order)

    @staticmethod
    def ready(literal: Literal, bound: set[str]) -> bool:
        return _needs(literal) <= bound

    def type_of(self, expression: Expression) -> str:
        if isinstance(expression, Variable):
            return self.types.get(expression.name, ("term", self.syntax.span))[0]
        if isinstance(expression, Constant):
            return _type_of(expression.value)
        left, right = self.type_of(expression.left), self.type_of(expression.right)
        if left == right == "date" and expression.operator == "-":
            return "integer"
        if left == "date" and right == "integer" and expression.operator in "+-":
            return "date"
        if left in NUMERIC and right in NUMERIC:
            if expression.operator == "/" and left == right == "integer":
                self.report(
                    "wrong-type",
                    self.syntax.span,
                    "one whole number is divided by another, which engines round differently",
                    "declare one of them as number",
                )
            return "integer" if left == right == "integer" else "number"
        self.report(
            "wrong-type",
            self.syntax.span,
            f"{_a(left)} {expression.operator} {_a(right)} has no meaning",
            "arithmetic is for numbers; a date minus a date is a count of days",
        )
        return "number"

    def assign_type(self, literal: Assignment) -> None:
        self.bind(literal.variable, self.type_of(literal.expression), self.syntax.span)

    def comparison_types(self, literal: Comparison) -> None:
        left, right = self.type_of(literal.left), self.type_of(literal.right)
        same = left == right or (left in NUMERIC and right in NUMERIC) or (left in TERMS and right in TERMS)
        if not same:
            self.report(
                "wrong-type", self.syntax.span, f"{_a(left)} is compared with {_a(right)}", "compare like with like"
            )
        elif literal.operator not in ("=", "!=") and left not in ORDERED:
            self.report(
                "wrong-type", self.syntax.span, f"{_a(left)} has no order", "only numbers and dates are ordered"
            )

    def head(self, syntax: AtomSyntax) -> tuple[str, tuple[Variable | Constant | Aggregate, ...]] | None:
        predicate = self.predicate(syntax)
        if predicate is None:
            return None
        if predicate.layer != "derived":
            source = "a patient's record" if predicate.layer == "patient" else "statements"
            self.report(
                "not-derivable",
                syntax.name.span,
                f"{syntax.name.text} is said by {source} alone",
                "derive a predicate of your own, declared in predicates.ttl",
            )
            return None
        args: list[Variable | Constant | Aggregate] = []
        for arg, place in zip(syntax.args, predicate.arguments, strict=True):
            if isinstance(arg, AggregateSyntax):
                args.append(self.aggregate(arg, place.type))
            elif isinstance(arg, Word) and arg.sort == "anonymous":
                self.report("unsafe-variable", arg.span, "_ stands in the head", "name the variable and bind it")
                return None
            else:
                value = self.argument(arg, place.type, f"{predicate.name}'s {place.name}")
                if value is None:
                    return None
                args.append(value)
        if sum(isinstance(a, Aggregate) for a in args) > 1:
            self.report("syntax", syntax.span, "a head has at most one aggregate", "write one rule for each")
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
                self.report("wrong-type", syntax.span, f"#{syntax.function} of {_a(type_)}", "it takes numbers")
        return Aggregate(syntax.function, syntax.variables)

    def head_is_safe(
        self, args: tuple[Variable | Constant | Aggregate, ...], variables: tuple[str, ...], span: Span
    ) -> None:
        used = {a.name for a in args if isinstance(a, Variable)}
        used |= {v for a in args if isinstance(a, Aggregate) for v in a.variables}
        for name in sorted(used - set(variables)):
            hint = did_you_mean(name, variables) or "add a literal that binds it"
            self.report("unsafe-variable", span, f"no positive literal binds ?{name}", hint)


def _a(type_: str) -> str:
    return f"an {type_}" if type_[0] in "aeiou" else f"a {type_}"


def _type_of(value: Value) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case Decimal():
            return "number"
        case str():
            return "text"
        case Iri():
            return "term"
        case _:
            return "date"


def _fits(value: Value, type_: str) -> bool:
    given = _type_of(value)
    return given == type_ or (given == "term" and type_ in TERMS)


def _variables(literal: Present | Absent) -> list[str]:
    return [a.name for a in literal.args if isinstance(a, Variable)]


def _expression_variables(expression: Expression) -> set[str]:
    if isinstance(expression, Variable):
        return {expression.name}
    if isinstance(expression, Operation):
        return _expression_variables(expression.left) | _expression_variables(expression.right)
    return set()


def _needs(literal: Literal) -> set[str]:
    """The variables that must be bound before a literal can be tested."""
    if isinstance(literal, Absent):
        return {v for v in _variables(literal) if not v.startswith("_")}
    if isinstance(literal, Comparison):
        return _expression_variables(literal.left) | _expression_variables(literal.right)
    if isinstance(literal, Assignment):
        return _expression_variables(literal.expression)
    return set()


def _edges(rules: list[Rule]) -> dict[tuple[str, str], tuple[Rule, bool]]:
    """(read, derived) → a rule that has the dependency, and whether it needs the read predicate complete."""
    edges: dict[tuple[str, str], tuple[Rule, bool]] = {}
    for rule in rules:
        for literal in rule.body:
            if isinstance(literal, Present | Absent):
                strict = isinstance(literal, Absent) or rule.aggregate is not None
                key = (literal.predicate, rule.predicate)
                if key not in edges or (strict and not edges[key][1]):
                    edges[key] = (rule, strict)
    return edges


def _components(rules: list[Rule], names: Names) -> tuple[list[Component], list[Diagnostic]]:
    """Strongly connected components of the predicates, lowest first."""
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(dict.fromkeys(rule.predicate for rule in rules))
    edges = _edges(rules)
    graph.add_edges_from(edges)
    order = {rule.predicate: i for i, rule in reversed(list(enumerate(rules)))}
    condensed = nx.condensation(graph)
    ranked = nx.lexicographical_topological_sort(
        condensed, key=lambda c: min((order.get(p, -1) for p in condensed.nodes[c]["members"]), default=-1)
    )
    components, found = [], []
    for component in ranked:
        members = condensed.nodes[component]["members"]
        chosen = tuple(i for i, rule in enumerate(rules) if rule.predicate in members)
        if not chosen:
            continue
        inside = [(key, rule) for key, (rule, _) in edges.items() if key[0] in members and key[1] in members]
        for (read, derived), (rule, strict) in edges.items():
            if strict and read in members and derived in members:
                path = nx.shortest_path(graph.subgraph(members), derived, read)
                story = " → ".join(Iri(p).local for p in [*path, derived])
                what = (
                    "counts"
                    if rule.aggregate and not any(isinstance(x, Absent) and x.predicate == read for x in rule.body)
                    else "negates"
                )
                found.append(
                    Diagnostic(
                        "not-stratified",
                        rule.span,
                        f"rule {rule.name} {what} {Iri(read).local}, which depends on {Iri(derived).local} ({story})",
                        "what is negated or counted must be settled before: break the circle",
                        rule.text.splitlines()[0],
                    )
                )
        for _, rule in inside:
            made = {literal.variable for literal in rule.body if isinstance(literal, Assignment)}
            if any(isinstance(a, Variable) and a.name in made for a in rule.args):
                found.append(
                    Diagnostic(
                        "unbounded-recursion",
                        rule.span,
                        f"rule {rule.name} feeds a computed value back into itself",
                        "compute outside the recursion, or count with an aggregate",
                        rule.text.splitlines()[0],
                    )
                )
        components.append(Component(chosen, bool(inside)))
    return components, list(dict.fromkeys(found))


def _patient_dependent(rules: list[Rule], names: Names) -> set[str]:
    dependent = {name for name, p in names.predicates.items() if p.layer == "patient"}
    while True:
        more = {
            rule.predicate
            for rule in rules
            if any(isinstance(x, Present | Absent) and x.predicate in dependent for x in rule.body)
        }
        if more <= dependent:
            return dependent
        dependent |= more


def _licences(rules: list[Rule], names: Names) -> list[Diagnostic]:
    """Negation over what a record says, or fails to say, must be named by the rule; and a licence must be used."""
    dependent = _patient_dependent(rules, names)
    found = []
    for rule in rules:
        licensed = set(rule.licences)
        negated = {x.predicate for x in rule.body if isinstance(x, Absent)}
        for predicate in sorted(negated & dependent):
            if Iri(predicate).local not in licensed:
                local = Iri(predicate).local
                found.append(
                    Diagnostic(
                        "unlicensed-negation",
                        rule.span,
                        f"rule {rule.name} rests on the absence of {local}, which comes from the patient's record",
                        f"say so: %%% @assumes {local} (reaches the answer as an assumption), or %%% @unless {local}"
                        " (an exception among what is recorded)",
                        rule.text.splitlines()[0],
                    )
                )
        for name in sorted(licensed - {Iri(p).local for p in negated}):
            found.append(
                Diagnostic(
                    "unused-licence",
                    rule.span,
                    f"rule {rule.name} has a licence for the absence of {name}, which it does not negate",
                    did_you_mean(name, [Iri(p).local for p in negated]) or "remove the tag",
                    rule.text.splitlines()[0],
                )
            )
    return found
