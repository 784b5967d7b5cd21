"""How facts, absences and firings read aloud.

Every sentence comes from a template: of the rule, where it has one, else of the predicate. Values are
shown as the record or the statement has them; nothing is rounded, and nothing is added.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from citelog.knowledge.base import Field, Knowledge
from citelog.run.result import Firing
from citelog.values import Atom, Iri, Value, show

_PLACE = re.compile(r"\{\??([^{}]*)\}")


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
        return next((kind.fields for kind in self.knowledge.kinds if kind.fields), ())

    def fact(self, atom: Atom) -> str:
        """A fact as a sentence without its full stop."""
        predicate = self.knowledge.program.predicates.get(atom.predicate)
        if predicate is None or not predicate.sentence:
            return f"{Iri(atom.predicate).local}({', '.join(self.value(a) for a in atom.args)})"
        names = [a.name for a in predicate.arguments]
        given = dict(zip(names, map(self.value, atom.args), strict=True))
        return _PLACE.sub(lambda m: given[m[1]], predicate.sentence)

    def absence(self, predicate: str, args: tuple[Value | None, ...]) -> str:
        """How it reads that no such fact holds; a place that stands for anything reads "any" of its name."""
        declared = self.knowledge.program.predicates.get(predicate)
        places = [a.name for a in declared.arguments] if declared else []
        shown = [f"any {places[i]}" if a is None else self.value(a) for i, a in enumerate(args)]
        if declared is None or not declared.absence:
            return f"no {Iri(predicate).local}({', '.join(shown)})"
        given = dict(zip(places, shown, strict=True))
        return _PLACE.sub(lambda m: given[m[1]], declared.absence)

    def firing(self, firing: Firing) -> str:
        """The sentence of the rule for this firing; empty where the rule has none."""
        return sentence(_PLACE.sub(lambda m: self.value(firing.bindings[m[1]]), firing.rule.display))


def step(fields: Mapping[str, Field], order: tuple[str, ...]) -> str:
    """A regimen step in the statement's own words, field by field, saying what it does not state.

    >>> step({"dose": Field("100 mcg", "100.0", "mcg", None)}, ("agent", "dose"))
    '100 mcg; not stated: agent'
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


def number(value: Decimal) -> str:
    """A decimal without trailing zeros or exponent.

    >>> number(Decimal("100.0")), number(Decimal("0.50")), number(Decimal("1E+2"))
    ('100', '0.5', '100')
    """
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def sentence(text: str) -> str:
    """With a capital letter at the start.

    >>> sentence("no result is on record")
    'No result is on record'
    """
    return text[:1].upper() + text[1:]
