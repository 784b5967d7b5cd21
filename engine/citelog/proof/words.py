"""How facts, absences and firings read aloud.

Every sentence comes from a template: of the rule, where it has one, else of the predicate. Values are
shown as the record or the statement has them; nothing is rounded, and nothing is added.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from citelog.knowledge.base import Field, Kind, Knowledge
from citelog.rules.program import Assignment, Comparison, Constant, Expression, Operation, Predicate, Rule, Variable
from citelog.run.result import Firing
from citelog.values import Atom, Iri, Value, show

_PLACE = re.compile(r"\{\??([^{}]*)\}")
_PART = re.compile(r"\[([^\[\]]*)\]")
"""A part of a predicate's sentence that is left out where a place in it stands for anything."""
_DENIES = re.compile(r"\b(?:no|not|nor|nothing|nobody|none|neither|never|cannot|without)\b")
_BEGINS = re.compile(r"\{\??([^{}]*)\} (?!is no )(?:(\w+) (no|not)|(can)not) ")
"""An absence that begins with a place of which something is denied: {record} has no date."""


@dataclass(frozen=True, slots=True)
class Words:
    """The labels of one knowledge base and the sentences of one patient's records."""

    knowledge: Knowledge
    records: Mapping[Iri, str]

    def value(self, value: Value) -> str:
        """One value: a record by its sentence, a regimen step by its fields, a term by its label."""
        if isinstance(value, Iri):
            if value in self.records:
                return self.records[value].removesuffix(".")
            if value in self.knowledge.fields:
                return step(self.knowledge.fields[value], self._field_names())
            return self.knowledge.terms.label(value)
        if isinstance(value, Decimal):
            return number(value)
        return value if isinstance(value, str) else show(value)

    def _field_names(self) -> tuple[str, ...]:
        return next(kind.fields for kind in self.knowledge.kinds if kind.fields)

    def fact(self, atom: Atom) -> str:
        """A fact as a sentence without its full stop."""
        return self.pattern(atom.predicate, atom.args)

    def pattern(self, predicate: str, args: tuple[Value | None, ...]) -> str:
        """Facts of a pattern as a sentence; a place that stands for anything reads "any" of its name."""
        declared = self.knowledge.program.predicates[predicate]
        return self._aloud(declared, args, _without(declared.sentence, _open(declared, args)), "")

    def absence(self, predicate: str, args: tuple[Value | None, ...]) -> str:
        """How it reads that no such fact holds; of a place that stands for anything, that it is so of all of them."""
        declared = self.knowledge.program.predicates[predicate]
        open_ = _open(declared, args)
        return self._aloud(declared, args, denied(_without(declared.absence, open_), open_), "no ")

    def _aloud(self, declared: Predicate, args: tuple[Value | None, ...], template: str, otherwise: str) -> str:
        """A sentence with its places filled in; the fact as it is written, where no sentence is declared."""
        places = [place.name for place in declared.arguments]
        shown = [f"any {place}" if a is None else self.value(a) for place, a in zip(places, args, strict=True)]
        if not template:
            return f"{otherwise}{Iri(declared.name).local}({', '.join(shown)})"
        given = dict(zip(places, shown, strict=True))
        return _PLACE.sub(lambda m: given[m[1]], template)

    def firing(self, firing: Firing) -> str:
        """The sentence of the rule for this firing; empty where the rule has none."""
        return self.rule(firing.rule, firing.bindings)

    def rule(self, rule: Rule, row: Mapping[str, Value]) -> str:
        """The sentence of a rule under some bindings, "any" of what is open; empty where the rule has none."""
        return sentence(_PLACE.sub(lambda m: self.bound(m[1], row), rule.display))

    def bound(self, variable: str, row: Mapping[str, Value]) -> str:
        """What a variable stands for, or "any" and its name."""
        return self.value(row[variable]) if variable in row else f"any {variable.replace('_', ' ')}"

    def comparison(self, literal: Comparison, row: Mapping[str, Value]) -> str:
        """A comparison with its values in place: 80 < 100; terms have no order, and are the same or not."""
        sides = [self.expression(side, row) for side in (literal.left, literal.right)]
        sign = literal.operator
        values = [_known(side, row) for side in (literal.left, literal.right)]
        if any(isinstance(value, Iri) for value in values):
            sides, sign = [f"“{side}”" for side in sides], {"=": "is", "!=": "is not"}[sign]
        return f"{sides[0]} {sign} {sides[1]}"

    def computation(self, literal: Assignment, row: Mapping[str, Value]) -> str:
        """A computation with its values in place: 80 × 1000 = 80000."""
        return f"{self.expression(literal.expression, row)} = {self.bound(literal.variable, row)}"

    def expression(self, expression: Expression, row: Mapping[str, Value]) -> str:
        """An expression with its values in place: 80 × 1000."""
        match expression:
            case Variable(name):
                return self.bound(name, row)
            case Operation(operator, left, right):
                sign = {"*": "×", "-": "−", "/": "÷"}.get(operator, operator)
                parts = [
                    f"({self.expression(side, row)})" if isinstance(side, Operation) else self.expression(side, row)
                    for side in (left, right)
                ]
                return f"{parts[0]} {sign} {parts[1]}"
            case _:
                return self.value(expression.value)


def _open(declared: Predicate, args: tuple[Value | None, ...]) -> set[str]:
    """The places of a pattern that stand for anything."""
    return {place.name for place, a in zip(declared.arguments, args, strict=True) if a is None}


def _without(template: str, open_: set[str]) -> str:
    """A template without the parts in which a place stands for anything."""
    return _PART.sub(lambda m: "" if open_.intersection(_PLACE.findall(m[1])) else m[1], template)


def denied(template: str, open_: set[str]) -> str:
    """The template of an absence with its open places in words: what it denies is so of none of them.

    >>> denied("{record} has no readable date", {"record"}), denied("{record} is not {status}", {"record"})
    ('no record has any readable date', 'no record is {status}')
    >>> denied("the unit of {record} is another", {"record"}), denied("no {drug} is in {phase}", {"drug", "phase"})
    ('the unit of every record is another', 'no drug is in any phase')
    """
    begins = _BEGINS.match(template)
    if begins and begins[1] in open_ and not _DENIES.search(template, begins.end()):
        verb = begins[4] or (f"{begins[2]} any" if begins[3] == "no" else begins[2])
        template = f"no {{{begins[1]}}} {verb} {template[begins.end() :]}"

    def quantified(place: re.Match[str]) -> str:
        if place[1] not in open_:
            return place[0]
        before = template[: place.start()]
        if before.endswith(("no ", "any ", "a ", "an ", "the ")):
            return place[1]
        return f"{'any' if _DENIES.search(before) else 'every'} {place[1]}"

    return _PLACE.sub(quantified, template)


def _known(side: Expression, row: Mapping[str, Value]) -> Value | None:
    """What a side of a comparison is, where it is no computation and not open."""
    if isinstance(side, Variable):
        return row.get(side.name)
    return side.value if isinstance(side, Constant) else None


def step(fields: Mapping[str, Field], order: tuple[str, ...]) -> str:
    """A regimen step in the statement's own words, field by field, saying what it does not state.

    >>> step({"dose": Field("100 mcg", "100.0", "mcg", "S1")}, ("agent", "dose", "route"))
    '100 mcg (from S1); not stated: agent, route'
    """
    told = [
        f"{fields[name].text} (from {fields[name].inherited_from})"
        if fields[name].inherited_from
        else fields[name].text
        for name in order
        if name in fields
    ]
    missing = [name for name in order if name not in fields]
    return ", ".join(told) + (f"; not stated: {', '.join(missing)}" if missing else "")


def called(value: str, kind: Kind, knowledge: Knowledge) -> str:
    """What a knowledge base calls a conclusion, of any patient: by its kind, and the value that its id has."""
    if kind.sided and value in knowledge.conflicts:
        return knowledge.conflicts[value].title
    term = Iri(f"{knowledge.namespace}{value}")
    if kind.fields and term in knowledge.fields:
        return step(knowledge.fields[term], kind.fields)
    return knowledge.terms.labels.get(term, value.replace("_", " "))


def worded(value: str, kind: Kind, knowledge: Knowledge) -> str:
    """What a knowledge base calls a conclusion, where that says more than its value; empty where it does not."""
    label = called(value, kind, knowledge)
    return "" if label in (value, value.replace("_", " ")) else label


def number(value: Decimal) -> str:
    """A decimal without trailing zeros or exponent.

    >>> [number(Decimal(text)) for text in ("100.0", "0.50", "1E+2", "-1.5", "-0.0")]
    ['100', '0.5', '100', '-1.5', '0']
    """
    text = format(abs(value) if value.is_zero() else value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def sentence(text: str) -> str:
    """With a capital letter at the start.

    >>> sentence("no result is on record")
    'No result is on record'
    """
    return text[:1].upper() + text[1:]
