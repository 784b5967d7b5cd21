"""A checked program and its facts as clingo text, so that clingo can be timed on the very same rules.

clingo has 32-bit integers and no decimals. Each place of a predicate that holds decimals gets the
smallest power of ten that makes all its values whole; places that a variable joins share one, and
comparisons bring both sides to the same. Dates are day numbers. What this cannot say exactly
(division, a number beyond 32 bits) raises Untranslatable; nothing is rounded. Whether the translation
is right is not argued but checked: `same_model` compares clingo's model with ours, fact for fact.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

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
from citelog.run.result import Run
from citelog.values import Atom, Iri, Value

_WHOLE = 2**31 - 1
_SIGNS = {"=": "=", "!=": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}

Place = tuple[str, int]
"""A place of a predicate, or (with `rule 7 x` for the name) a variable of a rule."""


class Untranslatable(Exception):
    """What clingo's integers cannot express exactly."""


class Translation:
    """One program in clingo's language, with scales wide enough for the given facts.

    `program` and `knowledge` are texts; `facts` and `atom` write further facts the same way.
    """

    def __init__(self, program: Program, stated: Iterable[Atom], facts: Iterable[Atom]) -> None:
        self._source = program
        self._names = _names(program)
        stated = list(stated)
        read = {x.predicate for rule in program.rules for x in rule.body if isinstance(x, Present | Absent)}
        self.known = [atom for atom in stated if atom.predicate in read]
        self._terms = _terms([*self.known, *facts], program)
        self._scales = _Scales(program, [*self.known, *facts])
        self.program = "\n".join(line for i, rule in enumerate(program.rules) for line in self._rule(i, rule)) + "\n"
        self.knowledge = self.facts(self.known)

    def facts(self, atoms: Iterable[Atom]) -> str:
        """Facts as text, one a line."""
        return "".join(f"{self.atom(atom)}.\n" for atom in atoms)

    def atom(self, atom: Atom) -> str:
        """A ground fact without its full stop, spelt as clingo spells it in a model."""
        args = ",".join(self._value(value, self._scales.of((atom.predicate, i))) for i, value in enumerate(atom.args))
        return f"{self._names[atom.predicate]}({args})"

    def helper(self, name: str) -> bool:
        """Whether a predicate of the clingo program is none of ours."""
        return name.startswith("group_")

    def _value(self, value: Value, scale: int) -> str:
        if isinstance(value, Iri):
            return f'"{self._terms.get(value, value.value)}"'
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, str):
            quoted = value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
            return f'text("{quoted}")'
        if isinstance(value, datetime.date):
            return str(value.toordinal())
        whole = Decimal(value).scaleb(scale)
        if whole != whole.to_integral_value() or abs(whole) > _WHOLE:
            raise Untranslatable(f"{value} at {scale} decimals")
        return str(int(whole))

    def _rule(self, number: int, rule: Rule) -> Iterable[str]:
        body = ", ".join(self._literal(number, literal) for literal in rule.body)
        counted = rule.aggregate
        name = self._names[rule.predicate]
        head = [
            "N" if isinstance(a, Aggregate) else self._argument(number, rule.predicate, i, a)
            for i, a in enumerate(rule.args)
        ]
        if counted is None:
            yield f"{name}({', '.join(head)}) :- {body}."
            return
        group = ", ".join(f"V_{a.name}" for a in rule.args if isinstance(a, Variable))
        of = f"group_{number}({group})" if group else f"group_{number}"
        weights = ", ".join(f"V_{v}" for v in counted.variables)
        yield f"{of} :- {body}."
        yield f"{name}({', '.join(head)}) :- {of}, N = #{counted.function} {{ {weights} : {body} }}."

    def _literal(self, number: int, literal: Literal) -> str:
        match literal:
            case Present(predicate, args) | Absent(predicate, args):
                shown = ", ".join(self._argument(number, predicate, i, a) for i, a in enumerate(args))
                return f"{'not ' if isinstance(literal, Absent) else ''}{self._names[predicate]}({shown})"
            case Comparison(sign, left, right):
                scale = max(self._scales.expression(number, left), self._scales.expression(number, right))
                return f"{self._at(number, left, scale)} {_SIGNS[sign]} {self._at(number, right, scale)}"
            case Assignment(variable, expression):
                scale = self._scales.of((f"rule {number} {variable}", 0))
                return f"V_{variable} = {self._at(number, expression, scale)}"

    def _argument(self, number: int, predicate: str, place: int, argument: Variable | Constant | Aggregate) -> str:
        if isinstance(argument, Constant):
            return self._value(argument.value, self._scales.of((predicate, place)))
        assert isinstance(argument, Variable)
        return "_" if argument.name.startswith("_") else f"V_{argument.name}"

    def _at(self, number: int, expression: Expression, scale: int) -> str:
        """An expression, brought to a scale that is no smaller than its own."""
        match expression:
            case Constant(value):
                return self._value(value, scale)
            case Variable(name):
                own, text = self._scales.expression(number, expression), f"V_{name}"
            case Operation("*", left, right):
                own = self._scales.expression(number, expression)
                parts = (self._at(number, x, self._scales.expression(number, x)) for x in (left, right))
                text = f"({' * '.join(parts)})"
            case Operation("/"):
                raise Untranslatable("division")
            case Operation(sign, left, right):
                own = self._scales.expression(number, expression)
                text = f"({self._at(number, left, own)} {sign} {self._at(number, right, own)})"
        return text if own == scale else f"{text} * {10 ** (scale - own)}"


class _Scales:
    """How many decimals each place keeps: as many as its values have, the same wherever a variable joins two places."""

    def __init__(self, program: Program, facts: Iterable[Atom]) -> None:
        self._parent: dict[Place, Place] = {}
        self._digits: dict[Place, int] = {}
        for atom in facts:
            for i, value in enumerate(atom.args):
                self._need((atom.predicate, i), value)
        for number, rule in enumerate(program.rules):
            for i, head in enumerate(rule.args):
                if isinstance(head, Aggregate):
                    if head.function != "count":
                        self._join((rule.predicate, i), (f"rule {number} {head.variables[0]}", 0))
                else:
                    self._argument(number, (rule.predicate, i), head)
            for literal in rule.body:
                if isinstance(literal, Present | Absent):
                    for i, argument in enumerate(literal.args):
                        self._argument(number, (literal.predicate, i), argument)
        assignments = [(n, x) for n, rule in enumerate(program.rules) for x in rule.body if isinstance(x, Assignment)]
        for _ in range(len(assignments) + 1):
            before = dict(self._digits)
            for number, literal in assignments:
                self._widen((f"rule {number} {literal.variable}", 0), self.expression(number, literal.expression))
            if self._digits == before:
                return
        raise Untranslatable("a recursive product of decimals")

    def of(self, place: Place) -> int:
        return self._digits.get(self._root(place), 0)

    def expression(self, number: int, expression: Expression) -> int:
        match expression:
            case Variable(name):
                return self.of((f"rule {number} {name}", 0))
            case Constant(value):
                return _decimals(value)
            case Operation("*", left, right):
                return self.expression(number, left) + self.expression(number, right)
            case Operation(_, left, right):
                return max(self.expression(number, left), self.expression(number, right))

    def _argument(self, number: int, place: Place, argument: Variable | Constant) -> None:
        if isinstance(argument, Variable):
            self._join(place, (f"rule {number} {argument.name}", 0))
        else:
            self._need(place, argument.value)

    def _need(self, place: Place, value: Value) -> None:
        self._widen(place, _decimals(value))

    def _widen(self, place: Place, digits: int) -> None:
        root = self._root(place)
        self._digits[root] = max(digits, self._digits.get(root, 0))

    def _root(self, place: Place) -> Place:
        while place in self._parent:
            place = self._parent[place]
        return place

    def _join(self, one: Place, other: Place) -> None:
        a, b = self._root(one), self._root(other)
        if a != b:
            self._parent[a] = b
            self._digits[b] = max(self._digits.pop(a, 0), self._digits.get(b, 0))


def _decimals(value: Value) -> int:
    """How many decimals a value needs.

    >>> _decimals(Decimal("100.0")), _decimals(Decimal("0.250")), _decimals(7)
    (0, 2, 0)
    """
    if not isinstance(value, Decimal) or value == 0:
        return 0
    exponent = value.normalize().as_tuple().exponent
    return max(0, -int(exponent))


def _names(program: Program) -> Mapping[str, str]:
    """A clingo name for each predicate: its own, or the local part of its IRI."""
    names: dict[str, str] = {}
    for predicate in program.predicates:
        plain = re.sub(r"\W", "_", Iri(predicate).local)
        name = plain if re.fullmatch(r"[a-z]\w*", plain, re.ASCII) and plain != "not" else f"x_{plain}"
        while name in names.values() or name.startswith("group_"):
            name = f"x_{name}"
        names[predicate] = name
    return names


def _terms(facts: Iterable[Atom], program: Program) -> Mapping[Iri, str]:
    """Short names for the terms: local where only one term has it. Long strings would cost clingo time."""
    used: dict[Iri, None] = {}
    for atom in facts:
        used.update(dict.fromkeys(a for a in atom.args if isinstance(a, Iri)))
    for rule in program.rules:
        for constant in _constants(rule):
            if isinstance(constant, Iri):
                used[constant] = None
    locals_: dict[str, list[Iri]] = {}
    for term in used:
        locals_.setdefault(term.local, []).append(term)
    return {terms[0]: local for local, terms in locals_.items() if len(terms) == 1}


def _constants(rule: Rule) -> Iterable[Value]:
    waiting: list[Any] = [*rule.args]
    for literal in rule.body:
        match literal:
            case Present(_, args) | Absent(_, args):
                waiting += args
            case Comparison(_, left, right):
                waiting += [left, right]
            case Assignment(_, expression):
                waiting.append(expression)
    while waiting:
        match waiting.pop():
            case Constant(value):
                yield value
            case Operation(_, left, right):
                waiting += [left, right]


def solve(texts: Sequence[str]) -> list[Any]:
    """Parse, ground and solve; every atom of the one stable model, as clingo's symbols."""
    import clingo

    control = clingo.Control(["--warn=none"])
    for text in texts:
        control.add("base", [], text)
    control.ground([("base", [])])
    with control.solve(yield_=True) as found:
        for model in found:
            return list(model.symbols(atoms=True))
    raise Untranslatable("no stable model")


def same_model(run: Run, translation: Translation, symbols: Iterable[Any]) -> str:
    """What differs between our model and clingo's; empty where they agree on every fact of every predicate."""
    read = {x.predicate for rule in run.program.rules for x in rule.body if isinstance(x, Present | Absent)}
    heads = {rule.predicate for rule in run.program.rules}
    ours = {
        translation.atom(atom)
        for predicate in run.facts
        if predicate in read or predicate in heads or run.program.predicates[predicate].layer == "patient"
        for atom in run.atoms(predicate)
    }
    theirs = {str(symbol) for symbol in symbols if not translation.helper(symbol.name)}
    return "; ".join(
        [*(f"only ours: {x}" for x in sorted(ours - theirs)), *(f"only clingo: {x}" for x in sorted(theirs - ours))]
    )
