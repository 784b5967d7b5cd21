"""A checked program and its facts in the language of another Datalog or logic programming system.

The walk over rules is here, once; how each system writes what it meets is a `Language` (clingo.py, nemo.py, souffle.py,
swi.py). Whether a translation is right is not argued but tested: the systems are run, and every fact compared.
"""

from __future__ import annotations

import datetime
import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from citelog.export.exact import DAYS, ExportError, Places
from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Literal,
    Operation,
    Present,
    Program,
    Rule,
    Variable,
)
from citelog.values import Atom, Iri, Value, type_of

COLUMNS = 120

Sign = str
Prefixes = Mapping[str, str]
"""Namespaces by their prefixes."""


@dataclass(frozen=True, slots=True)
class Part:
    """What an expression becomes: its text, and the goals that must hold before it has a value."""

    text: str
    goals: tuple[str, ...] = ()


class Language(ABC):
    """How one system writes what programs are made of.

    `whole` is the largest whole number that it computes with; None where numbers are exact and of any size.
    """

    name: str
    suffix: str
    run: str
    tried = "The tests of citelog run such exports, and compare every fact that they derive with citelog's."
    comment: str
    whole: int | None
    absent: str
    signs: Mapping[Sign, str] = {s: s for s in ("=", "!=", "<", "<=", ">", ">=")}
    reserved: frozenset[str] = frozenset()
    stop = "."
    ordered = False
    """Whether the parts of a body are read from left to right, and so must stand in the order of the rule's plan."""

    def predicate(self, name: str, prefixes: Prefixes) -> str:
        """The name of a predicate: its own; of a property or class, with its prefix."""
        plain = re.sub(r"\W", "_", shortened(name, prefixes), flags=re.ASCII)
        return plain if re.fullmatch(r"[a-z]\w*", plain, re.ASCII) and plain not in self.reserved else f"x_{plain}"

    def term(self, iri: str, prefixes: Prefixes) -> str:
        """A term, as quoted text: with its prefix where it has one."""
        return self.text(shortened(iri, prefixes))

    def text(self, text: str) -> str:
        """A text. Raises ExportError where it holds a character that the system has no way to write."""
        self.writable(text, {chr(n) for n in range(32)} - {"\n"})
        quoted = text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
        return f'"{quoted}"'

    def writable(self, text: str, refused: Iterable[str]) -> None:
        """Raise ExportError where a text holds a character that is refused, or half of one."""
        odd = next((c for c in text if c in refused or "\ud800" <= c <= "\udfff"), None)
        if odd is not None:
            raise ExportError(f"{self.name}: it has no way to write the character {odd!r} in the text {text!r}")

    def boolean(self, value: bool) -> str:
        """True or false."""
        return str(value).lower()

    def number(self, value: Decimal | int, scale: int) -> str:
        """A number at a place that keeps `scale` decimals."""
        whole = Decimal(value).scaleb(scale)
        if whole != whole.to_integral_value():
            raise ExportError(f"{self.name}: {value} has more decimals than the {scale} that its place keeps")
        self.fits(abs(whole), f"{value} with {scale} decimals")
        return str(int(whole))

    def fits(self, size: Decimal, what: str) -> None:
        """Raise ExportError where a whole number is too large."""
        if self.whole is not None and size > self.whole:
            raise ExportError(
                f"{self.name}: {what} is beyond its whole numbers, which end at {self.whole}", "try --to swi"
            )

    def variable(self, name: str, once: bool) -> str:
        """A variable; `once` where nothing else in the rule names it."""
        return ("_" if once else "") + name[0].upper() + name[1:]

    def fact(self, text: str) -> str:
        """A fact as a line."""
        return text + self.stop

    def rule(self, head: str, body: Sequence[str]) -> str:
        """A rule, on as many lines as it needs."""
        lines = [f"{head} :-"]
        for i, goal in enumerate(body):
            part = goal + ("," if i + 1 < len(body) else self.stop)
            if len(lines[-1]) + len(part) < COLUMNS:
                lines[-1] += f" {part}"
            else:
                lines.append(f"    {part}")
        return "\n".join(lines)

    def compare(self, sign: Sign, left: str, right: str, arithmetic: bool) -> str:
        """A comparison."""
        return f"{left} {self.signs[sign]} {right}"

    def assign(self, variable: str, value: str, arithmetic: bool) -> str:
        """A variable given a value."""
        return f"{variable} = {value}"

    def divide(self, left: str, right: str, fresh: str) -> Part:
        """A quotient, to 34 significant digits."""
        raise ExportError(f"{self.name}: a rule divides, which whole numbers cannot do exactly", "try --to swi")

    @abstractmethod
    def aggregate(
        self, function: str, weights: Sequence[str], rows: str, some: str, result: str
    ) -> tuple[str, Sequence[str]]:
        """What stands in the head for an aggregate, and the body below it.

        `rows` are the rows of one group, of which `weights` are counted; `some` says that there is one; `result` is a
        variable that the rule does not use.
        """

    def declarations(self, translation: Translation) -> Iterator[str]:
        """Lines before the rules."""
        yield from ()

    def shown(self, predicates: Sequence[str], translation: Translation) -> Iterator[str]:
        """Lines that say what the program is asked for."""
        yield from ()


class Translation:
    """One program in one language, exact for the given model.

    `model` holds every fact that the program is given and everything that it derives; `spare` as for `Places`.
    Raises ExportError where the language cannot say something exactly.
    """

    def __init__(
        self, language: Language, program: Program, model: Iterable[Atom], prefixes: Prefixes, spare: int = 0
    ) -> None:
        self.language, self.program, self.prefixes = language, program, prefixes
        self.places = Places(program, model, spare) if language.whole is not None else Places(program, ())
        self.names = self._names()
        self.read = {x.predicate for rule in program.rules for x in rule.body if isinstance(x, Present | Absent)}
        self.heads = {rule.predicate for rule in program.rules}
        self.helpers = {
            i: self._fresh(f"rows_of_{re.sub(r'[^a-z0-9]', '_', rule.name.lower())}")
            for i, rule in enumerate(program.rules)
            if rule.aggregate
        }
        self._types = [_types(rule, program) for rule in program.rules]

    @property
    def used(self) -> Iterator[str]:
        """Every predicate of the program that rules read or give, or that a record can say."""
        for name, predicate in self.program.predicates.items():
            if name in self.read or name in self.heads or predicate.layer == "patient":
                yield name

    def rules(self) -> Iterator[str]:
        """The rules, without their comments."""
        for number in range(len(self.program.rules)):
            yield from self.rule(number)

    def rows(self) -> Iterator[tuple[int, tuple[str, ...]]]:
        """The relations that collect what is counted: the number of their rule, and the types of their columns."""
        for number in self.helpers:
            rule, counted = self.program.rules[number], self.program.rules[number].aggregate
            if counted:
                columns = [*(a.name for a in rule.args if isinstance(a, Variable)), *counted.variables]
                yield number, tuple(self._types[number][name] for name in columns)

    def facts(self, atoms: Iterable[Atom]) -> str:
        """Facts as text, one a line."""
        return "".join(self.language.fact(self.atom(atom)) + "\n" for atom in atoms)

    def atom(self, atom: Atom) -> str:
        """A ground fact without its full stop."""
        args = (self.value(v, self._scale(atom.predicate, i)) for i, v in enumerate(atom.args))
        return f"{self.names[atom.predicate]}({','.join(args)})"

    def value(self, value: Value, scale: int) -> str:
        """A value, at a place that keeps `scale` decimals; dates are day numbers, 1 being 0001-01-01."""
        match value:
            case Iri():
                return self.language.term(value.value, self.prefixes)
            case bool():
                return self.language.boolean(value)
            case str():
                return self.language.text(value)
            case datetime.date():
                return str(value.toordinal())
            case _:
                return self.language.number(value, scale)

    def rule(self, number: int) -> Iterator[str]:
        """One rule; one with an aggregate becomes two, of which the first collects what is counted."""
        rule, language = self.program.rules[number], self.language
        order = rule.plan if language.ordered else range(len(rule.body))
        told = Counter(_named(rule))
        body: Sequence[str] = [goal for i in order for goal in self._literal(number, rule.body[i], told)]
        counted = rule.aggregate
        if counted is None:
            yield language.rule(self._head(number, rule.args, told), body)
            return
        kept = [a.name for a in rule.args if isinstance(a, Variable)]
        columns = [*kept, *counted.variables]
        told.update(columns)
        rows = f"{self.helpers[number]}({','.join(language.variable(v, False) for v in columns)})"
        yield language.rule(rows, body)
        result = language.variable("result", False)
        while result in {language.variable(v, False) for v in rule.variables}:
            result += "_"
        some = ",".join([*(language.variable(v, False) for v in kept), *["_"] * len(counted.variables)])
        weights = [language.variable(v, False) for v in counted.variables]
        shown, body = language.aggregate(counted.function, weights, rows, f"{self.helpers[number]}({some})", result)
        yield language.rule(self._head(number, rule.args, told, shown), body)

    def _head(
        self, number: int, args: Iterable[Variable | Constant | Aggregate], told: Counter[str], counted: str = ""
    ) -> str:
        rule = self.program.rules[number]
        shown = [
            counted if isinstance(a, Aggregate) else self._argument(rule.predicate, i, a, told)
            for i, a in enumerate(args)
        ]
        return f"{self.names[rule.predicate]}({','.join(shown)})"

    def _literal(self, number: int, literal: Literal, told: Counter[str]) -> Iterator[str]:
        language, rule, types = self.language, self.program.rules[number], self._types[number]
        match literal:
            case Present(predicate, args) | Absent(predicate, args):
                shown = ",".join(self._argument(predicate, i, a, told) for i, a in enumerate(args))
                yield f"{language.absent if isinstance(literal, Absent) else ''}{self.names[predicate]}({shown})"
            case Comparison(sign, left, right):
                scale = max(self._needs(number, left), self._needs(number, right))
                fresh = iter(range(1, 100))
                a, b = (self._at(number, x, scale, f"L{rule.body.index(literal)}", fresh) for x in (left, right))
                yield from (*a.goals, *b.goals)
                yield language.compare(sign, a.text, b.text, _arithmetic(left, types))
            case Assignment(variable, expression):
                scale = self._needs(number, Variable(variable))
                part = self._at(number, expression, scale, f"L{rule.body.index(literal)}", iter(range(1, 100)))
                yield from part.goals
                name = language.variable(variable, told[variable] == 1)
                yield language.assign(name, part.text, _arithmetic(expression, types))

    def _argument(self, predicate: str, place: int, argument: Variable | Constant, told: Counter[str]) -> str:
        if isinstance(argument, Constant):
            return self.value(argument.value, self._scale(predicate, place))
        if argument.name.startswith("_"):
            return "_"
        return self.language.variable(argument.name, told[argument.name] == 1)

    def _at(self, number: int, expression: Expression, scale: int, label: str, fresh: Iterator[int]) -> Part:
        """An expression, brought to a scale that is no smaller than its own."""
        rule, language = self.program.rules[number], self.language
        own = self._needs(number, expression)
        match expression:
            case Constant(value):
                return Part(self.value(value, scale))
            case Variable(name):
                part = Part(language.variable(name, False))
            case Operation(sign, left, right):
                inner = [self._needs(number, x) if sign in "*/" else own for x in (left, right)]
                a, b = (self._at(number, x, s, label, fresh) for x, s in zip((left, right), inner, strict=True))
                goals = (*a.goals, *b.goals)
                if sign == "/":
                    part = language.divide(a.text, b.text, f"{label}_{next(fresh)}")
                else:
                    part = Part(f"({a.text} {sign} {b.text})")
                if _type(expression, self._types[number]) == "date":
                    limits = (("1", "<="), (str(DAYS), ">="))
                    part = Part(part.text, tuple(language.compare(s, d, part.text, True) for d, s in limits))
                part = Part(part.text, (*goals, *part.goals))
        if language.whole is not None and _type(expression, self._types[number]) in ("number", "integer"):
            size = self.places.largest(rule, expression).scaleb(scale)
            language.fits(size, f"what the rule {rule.name} computes (with {scale} decimals, up to {size:f})")
        return part if own == scale else Part(f"{part.text} * {10 ** (scale - own)}", part.goals)

    def _needs(self, number: int, expression: Expression) -> int:
        return self.places.expression(number, expression) if self.language.whole is not None else 0

    def _scale(self, predicate: str, place: int) -> int:
        return self.places.of(predicate, place) if self.language.whole is not None else 0

    def _names(self) -> Mapping[str, str]:
        names: dict[str, str] = {}
        taken: set[str] = set()
        for predicate in self.program.predicates:
            name = self.language.predicate(predicate, self.prefixes)
            while name in taken:
                name += "_"
            taken.add(name)
            names[predicate] = name
        return names

    def _fresh(self, name: str) -> str:
        while name in self.names.values():
            name += "_"
        return name


def shortened(iri: str, prefixes: Prefixes) -> str:
    """An IRI with its prefix, where it has one.

    >>> shortened("https://example.org/kb#iron-tablets", {"ex": "https://example.org/kb#"})
    'ex:iron-tablets'
    """
    for prefix, namespace in prefixes.items():
        if iri.startswith(namespace) and re.fullmatch(r"[\w.-]+", iri[len(namespace) :]):
            return f"{prefix}:{iri[len(namespace) :]}"
    return iri


def divides(program: Program) -> bool:
    """Whether some rule divides."""
    waiting: list[object] = [literal for rule in program.rules for literal in rule.body]
    while waiting:
        match waiting.pop():
            case Comparison(_, left, right):
                waiting += [left, right]
            case Assignment(_, expression):
                waiting.append(expression)
            case Operation(sign, left, right):
                if sign == "/":
                    return True
                waiting += [left, right]
    return False


def _named(rule: Rule) -> Iterator[str]:
    """Every mention of a variable in a rule."""
    waiting: list[object] = list(rule.args)
    for literal in rule.body:
        match literal:
            case Present(_, args) | Absent(_, args):
                waiting += args
            case Comparison(_, left, right):
                waiting += [left, right]
            case Assignment(variable, expression):
                waiting += [Variable(variable), expression]
    while waiting:
        match waiting.pop():
            case Variable(name):
                yield name
            case Aggregate(_, variables):
                yield from variables
            case Operation(_, left, right):
                waiting += [left, right]


def _types(rule: Rule, program: Program) -> Mapping[str, str]:
    """The type of each variable of a rule."""
    types: dict[str, str] = {}
    for position in rule.plan:
        literal = rule.body[position]
        if isinstance(literal, Present):
            for argument, place in zip(literal.args, program.predicates[literal.predicate].arguments, strict=True):
                if isinstance(argument, Variable):
                    types[argument.name] = place.type
        elif isinstance(literal, Assignment):
            types[literal.variable] = _type(literal.expression, types)
    return types


def _type(expression: Expression, types: Mapping[str, str]) -> str:
    match expression:
        case Variable(name):
            return types[name]
        case Constant(value):
            return type_of(value)
        case Operation(sign, left, right):
            a, b = _type(left, types), _type(right, types)
            if a == "date":
                return "integer" if b == "date" else "date"
            return "integer" if a == b == "integer" and sign != "/" else "number"


def _arithmetic(expression: Expression, types: Mapping[str, str]) -> bool:
    return _type(expression, types) in ("number", "integer", "date")
