"""What advice is given from: a knowledge base with the places of its rules and statements; and a piece of advice."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from citelog.diagnostics import Hint, Span
from citelog.knowledge.base import Kind, Knowledge
from citelog.knowledge.triples import Triples
from citelog.rules.program import Literal, Rule
from citelog.rules.syntax import RuleFile, RuleSyntax
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
    hint: Hint


@dataclass(frozen=True)
class Given:
    """A knowledge base without errors, its triples, and its rule files by the names that people see."""

    knowledge: Knowledge
    triples: Triples
    files: Mapping[str, RuleFile]

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
        body = self._syntax(rule).body if literal is not None else None
        return self._place(body[rule.body.index(literal)].span if body and literal is not None else rule.span)

    def sentence(self, rule: Rule) -> Place:
        """Where the sentence of a rule stands, above it; the rule, where it has none."""
        displays = (one for one in self._syntax(rule).attributes if one.name == "display")
        if (display := next(displays, None)) is None:
            return self.rule(rule)
        span, line = self._place(display.span)
        return Span(span.file, span.line, line.find('"') + 1), line

    def _syntax(self, rule: Rule) -> RuleSyntax:
        """A rule as it is written."""
        return next(one for one in self.files[rule.span.file].rules if one.span == rule.span)

    def _place(self, span: Span) -> Place:
        return span, self.files[span.file].line(span.line)

    def label(self, term: Iri) -> str:
        """What a term is called."""
        return self.knowledge.terms.labels.get(term, term.local)


def directs(kind: Kind) -> bool:
    """Whether a kind of conclusion says what to do or to think, and not only what is on record."""
    return not kind.sided and not kind.about_record and (not kind.exactly_one or bool(kind.candidates))
