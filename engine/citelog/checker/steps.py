"""What each step of a proof must say: every key of it but its id and what it uses.

A document is compared with what is written here as text, and none of its values is ever read, so that 1, 1.0, true
and "1" stay four things. Sentences are the templates of the knowledge base with the values in their places.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from citelog.checker.model import Firing, Row, arguments, premise, value_of
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Entry
from citelog.rules.program import Absent, Assignment, Comparison, Constant, Expression, Operation, Present, Variable
from citelog.values import Atom, Iri, Value, show

_CITED = ("quote", "source", "section", "line", "start", "end", "markers", "inherited")
_ENCODER = json.JSONEncoder(sort_keys=True)
_PLACE = re.compile(r"\{\??([^{}]*)\}")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_NO = ("no", "not", "nor", "nothing", "nobody", "none", "neither", "never", "cannot", "without")
Said = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Steps:
    """The words of one knowledge base about one record: its given facts, and its entries, by their record."""

    knowledge: Knowledge
    given: Mapping[Atom, Iri | None]
    entries: Mapping[Iri, tuple[Entry, ...]]

    def fact(self, atom: Atom) -> Said:
        """A fact: recorded, with its entries; stated, with its citations; added, given, or derived."""
        said = {"predicate": atom.predicate, "args": data(atom.args), "text": self.aloud(atom)}
        if atom in self.given:
            record = self.given[atom]
            if record is None:
                return said | {"kind": "given"}
            entries = self.entries[record]
            said |= {"facts": [e.id for e in entries], "read_from": [e.read_from for e in entries]}
            return said | {"kind": "recorded", "entry": entries[0].sentence}
        statements = self.knowledge.stated.get(atom)
        if statements is None:
            return said | {"kind": "derived"}
        return said | {"kind": "stated" if statements else "added"} | self.cited(statements)

    def cited(self, statements: Iterable[str]) -> Said:
        """Statements, with the words of each and where they stand."""
        found = [self.knowledge.statements[s] for s in statements]
        citations = [{"statement": s.id} | {key: getattr(s, key) for key in _CITED} for s in found]
        return {"statements": [s.id for s in found], "citations": citations}

    def firing(self, firing: Firing) -> Said:
        """A firing; its bindings are compared apart, since the rows of a count may stand in any order."""
        rule = firing.rule
        said: Said = {"kind": "firing", "text": self.told(firing) or self.aloud(firing.head), "rule": rule.name}
        said |= {"doc": rule.doc, "file": rule.span.file, "line": rule.span.line, "rule_text": rule.text}
        said |= self.cited(rule.cites)
        if rule.convention:
            said["convention"] = rule.convention
        if rule.muted:
            said["muted"] = True
        if rule.aggregate:
            said["aggregate"] = {"function": rule.aggregate.function, "rows": len(firing.rows)}
        return said

    def literals(self, firing: Firing, rows: Iterable[Row]) -> Iterator[Atom | str]:
        """What a firing must use: the fact of each premise, and of every other literal the whole step as text."""
        for row in rows:
            for literal in firing.rule.body:
                match literal:
                    case Present():
                        yield premise(literal, row)
                    case Absent():
                        yield text(self.absence(literal, row))
                    case Comparison():
                        yield text(self.comparison(literal, row))
                    case _:
                        yield text(self.computation(literal, row))

    def absence(self, literal: Absent, row: Row) -> Said:
        """An absence, with what was looked for."""
        looked_for = {"predicate": literal.predicate, "args": data(arguments(literal, row))}
        told = _capital(self.absent(literal, row)) + "."
        return {"kind": "absence", "looked_for": looked_for, "assumed": literal.assumed, "text": told}

    def comparison(self, literal: Comparison, row: Row) -> Said:
        """A comparison, with the values of both sides; of terms it says whether they are the same."""
        sign, left, right = literal.operator, value_of(literal.left, row), value_of(literal.right, row)
        words = [self.spelt(literal.left, row), self.spelt(literal.right, row)]
        if isinstance(left, Iri):
            sign, words = {"=": "is", "!=": "is not"}[sign], [f"“{word}”" for word in words]
        said = {"kind": "comparison", "operator": literal.operator, "text": f"{words[0]} {sign} {words[1]}."}
        return said | {"left": data(left), "right": data(right)}

    def computation(self, literal: Assignment, row: Row) -> Said:
        """A computation, with its value; it says where the rule only gives a constant a name."""
        value, expression = row[literal.variable], literal.expression
        said: Said = {"kind": "computation", "expression": _written(expression), "value": data(value)}
        said |= {"named": literal.variable} if isinstance(expression, Constant) else {}
        return said | {"text": f"{self.spelt(expression, row)} = {self.word(value)}."}

    # words

    def word(self, value: Value) -> str:
        """A value: a record by its sentence, a term that has fields by them, any other by its label."""
        if isinstance(value, Decimal):
            return str(data(value)["number"])
        if not isinstance(value, Iri):
            return value if isinstance(value, str) else show(value)
        if value in self.entries:
            return self.entries[value][0].sentence.removesuffix(".")
        fields = self.knowledge.fields.get(value)
        if fields is None:
            return self.knowledge.terms.label(value)
        order = next(kind.fields for kind in self.knowledge.kinds if kind.fields)
        told = [
            f.text + (f" (from {f.inherited_from})" if f.inherited_from else "") for n in order if (f := fields.get(n))
        ]
        missing = [name for name in order if name not in fields]
        return ", ".join(told) + (f"; not stated: {', '.join(missing)}" if missing else "")

    def aloud(self, atom: Atom) -> str:
        """A fact as a sentence."""
        declared, words = self.knowledge.program.predicates[atom.predicate], [self.word(a) for a in atom.args]
        read = _filled(_fitting(declared.sentence, ()), [place.name for place in declared.arguments], words)
        return _capital(read or f"{Iri(atom.predicate).local}({', '.join(words)})") + "."

    def absent(self, literal: Absent, row: Row) -> str:
        """How it reads that no such fact holds."""
        declared, args = self.knowledge.program.predicates[literal.predicate], arguments(literal, row)
        names = [place.name for place in declared.arguments]
        named = list(zip(names, args, strict=True))
        words = [f"any {name}" if a is None else self.word(a) for name, a in named]
        unsaid = [name for name, a in named if a is None]
        template = _of_none(_fitting(declared.absence, unsaid), unsaid)
        return _filled(template, names, words) or f"no {Iri(literal.predicate).local}({', '.join(words)})"

    def told(self, firing: Firing) -> str:
        """The sentence of a firing's rule, where the rule has one."""
        shown = _PLACE.findall(firing.rule.display)
        return _capital(_filled(firing.rule.display, shown, [self.word(firing.rows[0][name]) for name in shown]))

    def spelt(self, expression: Expression, row: Row, within: bool = False) -> str:
        """An expression with its values in place."""
        if not isinstance(expression, Operation):
            return self.word(value_of(expression, row))
        sign = {"*": "×", "-": "−", "/": "÷"}.get(expression.operator, expression.operator)
        spelt = f"{self.spelt(expression.left, row, True)} {sign} {self.spelt(expression.right, row, True)}"
        return f"({spelt})" if within else spelt


def data(value: Any) -> Any:
    """A value as it stands in documents; of a tuple, each.

    >>> data((Iri("urn:x"), Decimal("-1.50"), Decimal("1E+2"), Decimal("-0.0"), 1, None))
    [{'term': 'urn:x'}, {'number': '-1.5'}, {'number': '100'}, {'number': '0'}, 1, None]
    """
    match value:
        case tuple():
            return [data(each) for each in value]
        case Iri():
            return {"term": value.value}
        case Decimal():
            shown = format(abs(value) if value == 0 else value, "f")  # -0 is 0
            return {"number": shown.rstrip("0").rstrip(".") if "." in shown else shown}
        case datetime.date():
            return {"date": value.isoformat()}
    return value


def text(said: Any) -> str:
    """Data as text: equal for equal data only, and 1, 1.0, true and "1" are four."""
    return _ENCODER.encode(said)


def bound(row: Row) -> str:
    """A row of bindings as text."""
    return text({name: data(value) for name, value in row.items()})


def _fitting(template: str, open_: Iterable[str]) -> str:
    """A template without its brackets, and without what is in them where that speaks of something that is open."""
    gone = [f"{{{name}}}" for name in open_]
    return _BRACKETS.sub(lambda part: "" if any(name in part[1] for name in gone) else part[1], template)


def _of_none(template: str, open_: Iterable[str]) -> str:
    """The template of an absence: where it begins with what is open, of none is it so; else of any, or of every one."""
    first, _, rest = template.partition("} ")
    verb, _, rest = rest.partition(" ")
    sign, _, more = rest.partition(" ")
    places, told = [f"{{{name}}}" for name in open_], template
    if f"{first}}}" in places and not set(re.findall(r"\w+", more if sign in ("no", "not") else rest)) & {*_NO}:
        if verb == "cannot":
            told = f"no {first}}} can {rest}"
        elif sign == "not" or (sign == "no" and verb != "is"):
            told = f"no {first}}} {verb} {'any ' if sign == 'no' else ''}{more}"
    for place in places:
        before, found, after = told.partition(place)
        if found and before.endswith(("no ", "any ", "a ", "an ", "the ")):
            told = f"{before}{place[1:-1]}{after}"
        elif found and not set(re.findall(r"\w+", before)) & {*_NO}:
            told = f"{before}every {place[1:-1]}{after}"
    return told


def _filled(template: str, names: Iterable[str], words: Iterable[str]) -> str:
    given = dict(zip(names, words, strict=True))
    return _PLACE.sub(lambda place: given[place[1]], template)


def _capital(said: str) -> str:
    return said[:1].upper() + said[1:]


def _written(expression: Expression) -> str:
    match expression:
        case Variable(name):
            return f"?{name}"
        case Operation(sign, left, right):
            return f"({_written(left)} {sign} {_written(right)})"
        case _:
            return show(expression.value)
