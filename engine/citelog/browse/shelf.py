"""A knowledge base to be read: what answers rest on, and every triple of its files, with what each is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from citelog import home
from citelog.diagnostics import CitelogError, did_you_mean
from citelog.knowledge.base import Knowledge
from citelog.knowledge.fingerprint import fingerprint
from citelog.knowledge.lookup import Found, find
from citelog.knowledge.triples import Triples, read_triples
from citelog.rules.program import Rule
from citelog.values import Iri, Value, show

KINDS = ("statement", "rule", "conflict", "predicate", "term")
"""What has a page of its own, by what it is: the kinds of `knowledge.lookup`."""


@dataclass(frozen=True, slots=True)
class Named:
    """A value as it is read, and the thing that it is: its kind (one of KINDS) and id; neither where it is none."""

    text: str
    kind: str = ""
    id: str = ""


@dataclass(frozen=True, eq=False)
class Shelf:
    """A knowledge base and every triple of its files; one is the same as another only if it is that very one."""

    knowledge: Knowledge
    triples: Triples

    @cached_property
    def said(self) -> Mapping[str, list[tuple[str, str, Value]]]:
        """The triples of each named graph, by the IRI of the graph."""
        found: dict[str, list[tuple[str, str, Value]]] = defaultdict(list)
        for triple, graphs in self.triples.graphs.items():
            for graph in graphs:
                found[graph].append(triple)
        return found

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """The rules by name: those that answer, then those of safety properties."""
        known = self.knowledge
        return {rule.name: rule for rules in (known.program.rules, known.guarded.rules) for rule in rules}

    @cached_property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The names and codes that are matched to each term, by its id."""
        found: dict[str, list[str]] = defaultdict(list)
        for known in self.knowledge.terms.names.values():
            for name, term in known.items():
                found[term.local].append(self.knowledge.terms.written.get(name, name))
        return {id_: tuple(dict.fromkeys(names)) for id_, names in found.items()}

    def things(self, kind: str, id_: str) -> tuple[Found, ...]:
        """Everything of a kind that has an id: one thing, or terms of several vocabularies that share it.

        Raises CitelogError, naming the nearest, where there is nothing.
        """
        known = self.ids(kind)
        if id_ not in known:
            hint = did_you_mean(id_, known) or "search for a word of it"
            raise CitelogError(f"{self.knowledge.id} has no {kind} of the name {id_[:80]}", hint)
        return tuple(one for one in find(self.knowledge, id_) if (one.kind, one.id) == (kind, id_))

    def ids(self, kind: str) -> Mapping[str, str]:
        """Every id of a kind, in the order of the document, the files, or the names, with what it says in short."""
        return self._ids[kind]

    @cached_property
    def _ids(self) -> Mapping[str, Mapping[str, str]]:
        known = self.knowledge
        statements = sorted(known.statements.values(), key=lambda one: (one.start, one.end, one.id))
        labels = sorted(known.terms.labels.items(), key=lambda pair: (pair[1].casefold(), pair[0]))
        predicates = {Iri(name).local: one.sentence for name, one in known.program.predicates.items()}
        return {
            "statement": {one.id: one.quote for one in statements},
            "rule": {name: rule.display or rule.doc or rule.convention for name, rule in self.rules.items()},
            "conflict": {id_: one.title for id_, one in sorted(known.conflicts.items())},
            "predicate": dict(sorted(predicates.items())),
            "term": {term.local: label for term, label in labels},
        }

    def iris(self, kind: str, id_: str) -> tuple[str, ...]:
        """The IRIs that an id of a kind names; none for a predicate, which the files know by its signature."""
        match kind:
            case "statement":
                return (self.knowledge.statements[id_].iri.value,)
            case "rule":
                return (self.knowledge.rule(id_).value,)
            case "conflict":
                return (self.knowledge.namespace + id_,)
            case "term":
                return tuple(sorted(term.value for term in self.knowledge.terms.labels if term.local == id_))
        return ()

    def named(self, value: Value) -> Named:
        """A value as it is read, with the thing of this knowledge base that it is, if it is one."""
        if not isinstance(value, Iri):
            return Named(value if isinstance(value, str) else show(value))
        own = value.local if value.value.startswith(self.knowledge.namespace) else ""
        if own in self.knowledge.statements:
            return Named(own, "statement", own)
        if own in self.knowledge.conflicts:
            return Named(own, "conflict", own)
        if value in self.knowledge.terms.labels:
            return Named(self.knowledge.terms.labels[value], "term", value.local)
        return Named(self.triples.label(value.value))


def opened(folder: Path, knowledge: Knowledge) -> Shelf:
    """The shelf of a knowledge base that was loaded from a folder. Raises CitelogError where it was changed since."""
    triples = read_triples(folder, home.ontology(), [])
    if fingerprint(folder, home.ontology()) != knowledge.sha256:
        raise CitelogError("the knowledge base was changed since it was opened", "start the server again")
    return Shelf(knowledge, triples)
