"""What advice is given from: a knowledge base with the places of its rules and statements; and a piece of advice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from citelog.diagnostics import Span
from citelog.knowledge.base import Kind, Knowledge
from citelog.knowledge.files import Text
from citelog.knowledge.triples import Triples
from citelog.rules.program import Absent, Constant, Literal, Present, Rule
from citelog.values import Iri, Value

Place = tuple[Span, str]
"""Where something stands, and the author's line."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One piece of advice.

    `about` names what can accept it: rules and statements, by name and id. `hint` says what to try.
    """

    code: str
    about: tuple[str, ...]
    place: Place
    message: str
    hint: str


@dataclass(frozen=True)
class Given:
    """A knowledge base without errors, its triples, and the text of its rule files by the names that people see."""

    knowledge: Knowledge
    triples: Triples
    files: Mapping[str, Text]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule, in the order of the files."""
        return self.knowledge.program.rules

    @cached_property
    def directing(self) -> frozenset[str]:
        """The predicates whose facts say what to do or to think of the patient, and not only what is on record.

        Those of every kind of conclusion that is neither a conflict, nor about the record, nor a class that every
        patient has one of; a class that is decided among lines is one of them, and its lines.
        """
        chosen = [k for k in self.knowledge.kinds if directs(k)]
        return frozenset(p for kind in chosen for p in (kind.predicate, kind.candidates) if p)

    def statement(self, id_: str, words: str = "") -> Place:
        """Where a statement stands, or the line about it that holds some words."""
        return self.triples.span(self.knowledge.statements[id_].iri.value, words)

    def said(self, id_: str, node: str, value: object) -> Place:
        """Where a statement says a value of something: the line of its graph, or else where that is spoken of."""
        iri = self.knowledge.statements[id_].iri.value
        printed = re.compile(rf"(?<![\w.]){re.escape(str(value))}(?![\w.]*\w)")
        return self.triples.said(iri, node, printed) or self.triples.span(node, str(value))

    def rule(self, rule: Rule, literal: Literal | None = None) -> Place:
        """Where a rule stands, or one of the literals of its body."""
        if isinstance(literal, Present | Absent):
            constants = [arg.value for arg in literal.args if isinstance(arg, Constant)]
            held = "".join(rf"(?=[^()]*{re.escape(_written(value))})" for value in constants)
            sign = "~" if isinstance(literal, Absent) else r"(?<![~\w:#/<])"
            pattern = re.compile(rf"{sign}(?:\w+:|<[^<>]*[#/])?{re.escape(Iri(literal.predicate).local)}>?\({held}")
            body = False
            for number in range(rule.span.line, rule.span.line + len(rule.text.split("\n")) + 20):
                line = self.line(rule.span.file, number)
                start = 0 if body else line.find(":-")
                body = start >= 0
                found = pattern.search(line, start) if body and not line.lstrip().startswith("%") else None
                if found:
                    return Span(rule.span.file, number, found.start() + 1), line
        return rule.span, self.line(rule.span.file, rule.span.line)

    def sentence(self, rule: Rule) -> Place:
        """Where the sentence of a rule stands, above it; the rule, where that is not found."""
        for number in range(rule.span.line, max(0, rule.span.line - 20), -1):
            line = self.line(rule.span.file, number)
            if line.startswith("#[display"):
                return Span(rule.span.file, number, line.find('"') + 1), line
        return self.rule(rule)

    def line(self, file: str, number: int) -> str:
        """A line of a rule file."""
        text = self.files.get(file)
        return text.line(number) if text else ""

    def label(self, term: Iri) -> str:
        """What a term is called."""
        return self.knowledge.terms.labels.get(term, term.local)


def _written(value: Value) -> str:
    """What of a constant stands in a rule, however its name is written."""
    return value.local if isinstance(value, Iri) else str(value).lower() if isinstance(value, bool) else str(value)


def directs(kind: Kind) -> bool:
    """Whether a kind of conclusion says what to do or to think, and not only what is on record."""
    return not kind.sided and not kind.about_record and (not kind.exactly_one or bool(kind.candidates))
