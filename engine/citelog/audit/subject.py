"""What is audited: a knowledge base as read, what `check` says of it, and its cases, each run once.

A knowledge base with errors is audited too: what can be counted without it is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from citelog import home
from citelog.advice.review import review_opened
from citelog.answer import Answer
from citelog.audit.model import Item
from citelog.audit.written import line
from citelog.diagnostics import Diagnostic, Span
from citelog.knowledge.base import Knowledge, Statement
from citelog.knowledge.files import NO_DRAFTS, Drafts, shown_name
from citelog.knowledge.load import Opened, load
from citelog.knowledge.statements import read_statements
from citelog.knowledge.triples import TYPE, Triples, read_rdf
from citelog.trial.coverage import Point, reached
from citelog.trial.expectations import Trial, case_files, tried
from citelog.values import Iri, Value, show
from citelog.vocab import CL

ATTRIBUTED = "http://www.w3.org/ns/prov#wasAttributedTo"

Tick = Callable[[str, int, int], None]
"""Is told what is done, how far, and of how much."""


@dataclass(frozen=True, slots=True)
class Triple:
    """A triple of a knowledge base's own files, in one of the graphs that it stands in; `graph` is empty for none."""

    subject: str
    predicate: str
    value: Value
    graph: str
    file: str

    @property
    def says(self) -> str:
        """What it says of its subject: the class that it gives it, or the property."""
        return str(self.value) if self.predicate == TYPE else self.predicate


@dataclass(frozen=True, slots=True)
class Ran:
    """A case that was run: how its expectations fared, and the answer; None where the file is no case."""

    file: Path
    trial: Trial
    answer: Answer | None


@dataclass(frozen=True, eq=False)
class Subject:
    """A knowledge base to be audited; one is the same as another only if it is that very one."""

    folder: Path
    opened: Opened
    findings: tuple[Diagnostic, ...]
    ran: tuple[Ran, ...]

    @property
    def knowledge(self) -> Knowledge | None:
        """The knowledge base; None where it has errors."""
        return self.opened.knowledge

    @property
    def usable(self) -> Knowledge:
        """The knowledge base, where it is known to have no errors."""
        assert self.opened.knowledge is not None
        return self.opened.knowledge

    @property
    def triples(self) -> Triples:
        """Every triple of the knowledge base and of the ontology."""
        return self.opened.triples

    @cached_property
    def said(self) -> tuple[str, ...]:
        """Every statement that is declared, verified or not, by its IRI, in the order of the names."""
        return tuple(self.triples.instances(CL + "Statement"))

    @cached_property
    def verified(self) -> Mapping[str, Statement]:
        """The statements whose quote stands in the document, by id, in the order of the document."""
        found = read_statements(self.triples, self.opened.source, [])
        return dict(sorted(found.items(), key=lambda pair: (pair[1].start, pair[1].end, pair[0])))

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The segments, in the order that they have."""
        return tuple(
            sorted(self.triples.instances(CL + "Segment"), key=lambda one: self.triples.whole(one, CL + "order"))
        )

    @cached_property
    def own(self) -> tuple[Triple, ...]:
        """The triples of the knowledge base's own files, one for each graph that they stand in."""
        outside = shown_name(home.ontology(), self.folder)
        found = []
        for name, text in self.triples.files.items():
            if name != outside and not self._unreadable(name):
                for subject, predicate, value, graph in read_rdf(text.text, name.endswith(".trig")):
                    found.append(Triple(subject, predicate, value, graph or "", name))
        return tuple(found)

    def _unreadable(self, name: str) -> bool:
        return any(d.code == "rdf-syntax" and d.span.file == name for d in self.findings)

    @cached_property
    def named(self) -> frozenset[str]:
        """The ids of what findings can be about: statements, segments, conflicts, rules, properties."""
        kinds = ("Statement", "Segment", "Conflict", "SafetyProperty", "Caveat", "SourceDocument")
        ids = {Iri(iri).local for kind in kinds for iri in self.triples.instances(CL + kind)}
        return frozenset(ids | {rule.name for rule in self.opened.program.rules} if self.opened.program else ids)

    def told(self, *codes: str, accepted: bool | None = None) -> Iterator[Item]:
        """The findings of some codes as items; of every code where none is named."""
        for one in self.findings:
            if (not codes or one.code in codes) and accepted in (None, bool(one.accepted)):
                about = next((name for name in one.about if name in self.named), one.code)
                yield Item(about, one.message, one.span, one.accepted)

    def place(self, iri: str, words: str = "") -> Span:
        """Where something is described, or the line of it that holds some words."""
        return self.triples.span(iri, words)[0]

    def written(self, triple: Triple) -> str:
        """A triple as the files write it."""
        names = self.triples.written
        value = names(triple.value.value) if isinstance(triple.value, Iri) else show(triple.value)
        predicate = "a" if triple.predicate == TYPE else names(triple.predicate)
        return f"{names(triple.subject)} {predicate} {value}"

    def item(self, triple: Triple, reason: str = "") -> Item:
        """A triple as a thing that is counted: about its subject, as it is written, where it is written."""
        return Item(Iri(triple.subject).local, self.written(triple), self.where(triple), reason)

    def where(self, triple: Triple) -> Span:
        """Where a triple is written."""
        text = self.triples.files[triple.file].text
        return Span(triple.file, line(text, triple.graph, triple.subject, triple.predicate, triple.value))

    def vouches(self, graph: str) -> str:
        """Who vouches for what stands in a graph that is no statement, or in none: the name; empty for nobody."""
        whose = [graph] if graph else self.triples.instances(CL + "KnowledgeBase")
        return ", ".join(self.triples.label(str(who)) for one in whose for who in self.triples.all(one, ATTRIBUTED))

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """What the cases fire, cite, show and conclude, and what none of them does."""
        runs = [(ran.file.stem, ran.answer.run) for ran in self.ran if ran.answer is not None]
        return tuple(reached(self.usable, runs))


def subject(folder: Path, drafts: Drafts = NO_DRAFTS, tick: Tick = lambda *_: None) -> Subject:
    """A folder read for an audit, its cases run where it has no errors; `drafts` stand in for its files."""
    opened = load(folder, home.ontology(), drafts)
    findings = review_opened(folder, opened)
    ran: list[Ran] = []
    if opened.knowledge is not None:
        files = case_files(folder)
        for number, file in enumerate(files):
            tick("cases run", number, len(files))
            trial, answer = tried(opened.knowledge, file, drafts, explained=False)
            ran.append(Ran(file, trial, answer))
    return Subject(folder, opened, findings, tuple(ran))


def items(found: Iterable[Item]) -> tuple[Item, ...]:
    """Items in the order of their places."""
    return tuple(sorted(found, key=lambda one: (one.span.file, one.span.line, one.about, one.text)))
