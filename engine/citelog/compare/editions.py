"""One edition of a knowledge base, taken apart into the things that an author would name.

A thing is a statement, a rule, a conflict, a predicate, a term …: whatever has an id of its own. What is said of it are
triples, each with the graph that it stands in; those in the graph of a statement belong to the statement. Where a
quote stands (line, offsets) is computed and says nothing, so it is no part of any of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from citelog import home
from citelog.diagnostics import Diagnostic, KnowledgeError, Span
from citelog.evidence.sources import Source
from citelog.knowledge.base import Knowledge
from citelog.knowledge.load import Opened, load
from citelog.knowledge.triples import TYPE, Triples
from citelog.listing import paths_in, read_whole
from citelog.rules.program import Rule
from citelog.rules.syntax import RuleFile
from citelog.trial.expectations import case_files
from citelog.values import Iri, Value, type_of
from citelog.vocab import CL

Key = tuple[str, str]
"""What tells the things of an edition apart: their kind, and their name: an IRI, or the name of a rule."""

KINDS: Mapping[str, str] = {
    CL + "Statement": "statement",
    CL + "Conflict": "conflict",
    CL + "DerivedPredicate": "predicate",
    CL + "ConclusionKind": "kind of conclusion",
    CL + "NoteKind": "kind of note",
    CL + "SafetyProperty": "safety property",
    CL + "Review": "review",
    CL + "Segment": "segment",
    CL + "Caveat": "caveat",
    CL + "SourceDocument": "document",
    CL + "KnowledgeBase": "knowledge base",
}
"""What a thing is called, by its class; any other is a term."""

_PLACES: Mapping[str, tuple[str, ...]] = {
    "statement": ("line", "start", "end"),
    "segment": ("line", "order"),
    "document": ("sha256", "file"),
    "term": ("line",),
}
"""What only says where something stands, or which bytes were read."""


@dataclass(frozen=True, slots=True)
class Said:
    """One triple; `graph` is the graph that it stands in, empty for none. 1, 1.0 and true are three values."""

    subject: str
    property: str
    type: str
    value: Value
    graph: str


@dataclass(frozen=True)
class Edition:
    """A knowledge base at one moment: its folder, what to call it, and what was read."""

    name: str
    folder: Path
    opened: Opened

    @property
    def knowledge(self) -> Knowledge | None:
        """The knowledge base; None where it has errors."""
        return self.opened.knowledge

    @property
    def source(self) -> Source | None:
        """The document; None where it cannot be read."""
        return self.opened.source

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What keeps it from being used."""
        return tuple(d for d in self.opened.diagnostics if d.severity == "error")

    @property
    def id(self) -> str:
        """The id that it gives itself, or the name of its folder."""
        return self.knowledge.id if self.knowledge else self.folder.name

    @cached_property
    def things(self) -> Mapping[Key, frozenset[Said]]:
        """What is said of each thing."""
        return _things(self.opened.triples)

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """The rules that could be understood, by name, in the authors' order."""
        return {rule.name: rule for rule in (self.opened.program.rules if self.opened.program else ())}

    @cached_property
    def written(self) -> Mapping[str, RuleFile]:
        """Each rule as the only one of a file, by name, in the authors' order."""
        found = {}
        for file in self.opened.files:
            for rule in file.rules:
                name = next((a.text for a in rule.attributes if a.name == "name"), "")
                found[name] = RuleFile(file.file, file.prefixes, (rule,), (), file.lines)
        return found

    @cached_property
    def unread(self) -> frozenset[str]:
        """What an edition with errors has and nobody could read: files by their paths in it, rules as `rule name`."""
        broken = {d.span.file.partition("/")[2] for d in self.errors if d.code in ("rdf-syntax", "not-utf-8")}
        text = "\n".join(file.text for file in self.opened.files)
        named = re.findall(r'(?m)^\s*#\[name\("([^"]*)"\)\]', text)
        return frozenset({*broken, *(f"rule {name}" for name in named if name not in self.rules)})

    @cached_property
    def files(self) -> Mapping[str, str]:
        """The hash of every file that an author writes, by its path in the folder."""
        patterns = ("*.ttl", "*.trig", "rules/*.rls", "properties.rls")
        paths = sorted(path for pattern in patterns for path in paths_in(self.folder, pattern))
        return {p.relative_to(self.folder).as_posix(): hashlib.sha256(read_whole(p)).hexdigest() for p in paths}

    @cached_property
    def cases(self) -> Mapping[str, Path]:
        """The files of its cases, by their paths in the folder."""
        return {path.relative_to(self.folder).as_posix(): path for path in case_files(self.folder)}

    def place(self, key: Key) -> Span | None:
        """Where a thing is written; None where it is not."""
        kind, name = key
        if kind == "rule":
            return self.rules[name].span if name in self.rules else None
        span, _ = self.opened.triples.span(name)
        return span if span.line else None

    def shown(self, value: Value) -> str:
        """A value as its author writes it."""
        if isinstance(value, Iri):
            return self.opened.triples.written(value.value)
        return str(value).lower() if isinstance(value, bool) else str(value)


def edition(folder: Path, name: str, ontology: Path | None = None) -> Edition:
    """The edition that stands in a folder, whether or not it has errors; `ontology` is another than today's.

    Raises KnowledgeError where the folder is no knowledge base at all.
    """
    opened = load(folder, ontology or home.ontology())
    if not opened.triples.instances(CL + "KnowledgeBase") and not any(
        d.code == "rdf-syntax" for d in opened.diagnostics
    ):
        message = f"{name} is no knowledge base: no Turtle file in it says cl:KnowledgeBase"
        hint = "name the folder that holds about.ttl, statements.trig and rules/"
        raise KnowledgeError([Diagnostic("unknown-knowledge", Span(name), message, hint)])
    return Edition(name, folder, opened)


def _things(triples: Triples) -> Mapping[Key, frozenset[Said]]:
    """All triples, by the thing that they belong to."""
    kinds = {subject: _kind(properties.get(TYPE, ())) for subject, properties in triples.subjects.items()}
    holders = {
        str(value): subject
        for subject, properties in triples.subjects.items()
        for values in properties.values()
        for value in values
        if _is_blank(str(value)) and isinstance(value, Iri)
    }
    found: dict[Key, set[Said]] = {}
    for (subject, property_, value), graphs in triples.graphs.items():
        for graph in graphs or [""]:
            owner = graph if kinds.get(graph) == "statement" else _holder(subject, holders)
            kind = kinds.get(owner, "term")
            if Iri(property_).local in _PLACES.get(kind, ()) and owner == subject and property_.startswith(CL):
                continue
            found.setdefault((kind, owner), set()).add(Said(subject, property_, type_of(value), value, graph))
    return {key: frozenset(said) for key, said in found.items()}


def _kind(classes: Iterable[Value]) -> str:
    names = {str(c) for c in classes}
    return next((kind for class_, kind in KINDS.items() if class_ in names), "term")


def _is_blank(name: str) -> bool:
    """Whether a name is of a node without one of its own (`[ … ]` in Turtle): those have no scheme."""
    return ":" not in name


def _holder(subject: str, holders: Mapping[str, str]) -> str:
    """The thing that a node without a name is written in."""
    seen = set()
    while _is_blank(subject) and subject in holders and subject not in seen:
        seen.add(subject)
        subject = holders[subject]
    return subject


def triples_of(said: Iterable[Said]) -> Triples:
    """Triples made anew; they stand in no file."""
    made = Triples()
    for one in sorted(said, key=lambda s: (s.subject, s.property, s.type, str(s.value), s.graph)):
        made.add(one.subject, one.property, one.value, one.graph or None)
    return made
