"""The checked program: rules whose every name is resolved, in an order in which they can be run.

Nothing here knows how a program is executed. Each rule remembers the author's file and line, its
words for people, and the statements that it encodes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from citelog.diagnostics import Span
from citelog.values import Value


@dataclass(frozen=True, slots=True)
class Argument:
    """One place of a predicate: its name, and its type: patient, record, term, text, number, integer, boolean, date."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Predicate:
    """What ontology.ttl or a knowledge base declares of a predicate.

    `layer` is `knowledge` (triples of statements and vocabulary), `patient` (read from a record) or
    `derived` (the head of rules). `sentence` reads a fact aloud, `absence` reads that there is none;
    both name arguments in braces.
    """

    name: str
    arguments: tuple[Argument, ...]
    layer: str
    sentence: str = ""
    absence: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a rule. A name that starts with an underscore was written `_`."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that stands in a rule."""

    value: Value


@dataclass(frozen=True, slots=True)
class Operation:
    """Exact arithmetic: `+`, `-`, `*`, `/`. Between dates and whole numbers it counts days."""

    operator: str
    left: Expression
    right: Expression


Expression = Variable | Constant | Operation


@dataclass(frozen=True, slots=True)
class Present:
    """A positive literal."""

    predicate: str
    args: tuple[Variable | Constant, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """A negated literal; `assumed` where the conclusion must own up to it, unlike an exception among recorded facts."""

    predicate: str
    args: tuple[Variable | Constant, ...]
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """`=`, `!=`, `<`, `<=`, `>`, `>=` between two expressions whose variables are bound."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Assignment:
    """`?variable = expression`, where the variable is bound by nothing else."""

    variable: str
    expression: Expression


Literal = Present | Absent | Comparison | Assignment


def variables(part: Literal | Expression) -> frozenset[str]:
    """The names of the variables in a literal or an expression.

    >>> sorted(variables(Comparison("<", Variable("a"), Operation("+", Variable("b"), Constant(1)))))
    ['a', 'b']
    >>> sorted(variables(Assignment("sum", Operation("+", Variable("a"), Variable("b")))))
    ['a', 'b', 'sum']
    """
    match part:
        case Variable(name):
            return frozenset({name})
        case Constant():
            return frozenset()
        case Operation() | Comparison():
            return variables(part.left) | variables(part.right)
        case Assignment():
            return variables(part.expression) | {part.variable}
        case _:
            return frozenset(arg.name for arg in part.args if isinstance(arg, Variable))


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`#function(?variable, ?key…)` in a head: over the distinct tuples of all its variables in each group."""

    function: str
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A piece of advice that an author accepts: its code, the reason, and where that is written."""

    code: str
    reason: str
    span: Span


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    `variables` are all variables of the body in order of appearance: a firing is a value for each.
    `plan` lists positions in `body` in an order in which each literal finds its variables bound.
    `through` is the position of the premise whose citations and sentence are the conclusion's own.
    `licences` are the predicates whose absence the rule says that it rests on.
    `convention` says why a rule cites no statement, for those that cite none.
    """

    name: str
    doc: str
    display: str
    cites: tuple[str, ...]
    convention: str
    through: int | None
    muted: bool
    licences: tuple[str, ...]
    predicate: str
    args: tuple[Variable | Constant | Aggregate, ...]
    body: tuple[Literal, ...]
    variables: tuple[str, ...]
    plan: tuple[int, ...]
    text: str
    span: Span
    accepts: tuple[Acceptance, ...] = ()

    @property
    def aggregate(self) -> Aggregate | None:
        """The aggregate in the head, if there is one."""
        return next((arg for arg in self.args if isinstance(arg, Aggregate)), None)


@dataclass(frozen=True, slots=True)
class Component:
    """Rules whose heads depend on each other, run together; `recursive` where they must be run to a fixpoint."""

    rules: tuple[int, ...]
    recursive: bool


@dataclass(frozen=True, slots=True)
class Program:
    """Rules in the authors' order, and the order in which they are run.

    `fixed` components read nothing that a patient can change; `open` ones do. Both are ordered so
    that what a rule negates or counts is complete before it is asked.
    """

    predicates: dict[str, Predicate]
    rules: tuple[Rule, ...]
    fixed: tuple[Component, ...]
    open: tuple[Component, ...]

    @property
    def changing(self) -> frozenset[str]:
        """The predicates whose facts a patient's record can change: those read from it, and the heads of `open`."""
        heads = {self.rules[n].predicate for component in self.open for n in component.rules}
        return frozenset(heads | {name for name, p in self.predicates.items() if p.layer == "patient"})


def part(program: Program, kept: Callable[[Rule], bool]) -> Program:
    """The program of some of its rules; nothing that is kept may rest on what is not."""
    numbers = {old: new for new, old in enumerate(i for i, rule in enumerate(program.rules) if kept(rule))}

    def of(components: tuple[Component, ...]) -> tuple[Component, ...]:
        left = ((tuple(numbers[n] for n in c.rules if n in numbers), c.recursive) for c in components)
        return tuple(Component(rules, recursive) for rules, recursive in left if rules)

    rules = tuple(program.rules[old] for old in numbers)
    return Program(program.predicates, rules, of(program.fixed), of(program.open))


def resting(program: Program, wanted: Callable[[Rule], bool]) -> Program:
    """The program of some of its rules, and of all that these rest on: the rules that can give what they read."""
    open_ = [rule for rule in program.rules if wanted(rule)]
    kept, read = {rule.name for rule in open_}, set[tuple[object, ...]]()
    for rule in open_:  # grows
        for literal in rule.body:
            if (
                isinstance(literal, Present | Absent)
                and (asked := (literal.predicate, *_said(literal.args))) not in read
            ):
                read.add(asked)
                more = [other for other in program.rules if other.name not in kept and _may_give(other, literal)]
                open_ += more
                kept |= {other.name for other in more}
    return part(program, lambda rule: rule.name in kept)


def _said(args: Iterable[object]) -> Iterator[Value | None]:
    """The values that arguments say; None where anything may stand."""
    return (arg.value if isinstance(arg, Constant) else None for arg in args)


def _may_give(rule: Rule, literal: Present | Absent) -> bool:
    """Whether a fact that a rule gives can be one that a literal reads: no constant of theirs is another."""
    pairs = zip(_said(rule.args), _said(literal.args), strict=True)
    return rule.predicate == literal.predicate and all(a is None or b is None or a == b for a, b in pairs)
