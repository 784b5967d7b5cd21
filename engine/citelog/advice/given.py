"""What advice is given from: a knowledge base with the places of its rules and statements; and a piece of advice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from citelog.diagnostics import Span
from citelog.knowledge.base import Kind, Knowledge
from citelog.knowledge.triples import Text, Triples
from citelog.rules.program import Absent, Literal, Present, Rule
from citelog.values import Iri

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

    def resource(self, iri: Iri, words: str = "") -> Place:
        """Where something is said of a resource, or the line about it that holds some words."""
        return self.triples.span(iri.value, words)

    def rule(self, rule: Rule, literal: Literal | None = None) -> Place:
        """Where a rule stands, or one of its literals."""
        name = f"{Iri(literal.predicate).local}(" if isinstance(literal, Present | Absent) else ""
        for number in range(rule.span.line, rule.span.line + len(rule.text.split("\n")) + 8):
            line = self.line(rule.span.file, number)
            sign = "~" if isinstance(literal, Absent) else ""
            found = re.search(rf"{sign}(?<![\w])[\w:]*?{re.escape(name)}", line) if name else None
            if found and not line.lstrip().startswith("%"):
                return Span(rule.span.file, number, found.start() + 1), line
        return rule.span, self.line(rule.span.file, rule.span.line)

    def line(self, file: str, number: int) -> str:
        """A line of a rule file."""
        text = self.files.get(file)
        return text.line(number) if text else ""

    def label(self, term: Iri) -> str:
        """What a term is called."""
        return self.knowledge.terms.labels.get(term, term.local)


def directs(kind: Kind) -> bool:
    """Whether a kind of conclusion says what to do or to think, and not only what is on record."""
    return not kind.sided and not kind.about_record and (not kind.exactly_one or bool(kind.candidates))
