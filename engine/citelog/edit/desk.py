"""A knowledge base on its author's desk: the texts as they stand in the editor, and what they said when last read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from citelog.diagnostics import Diagnostic
from citelog.edit import cases, rules, turtle
from citelog.edit.mentions import Mention, Thing
from citelog.evidence.sources import Source
from citelog.knowledge.base import Conflict, Statement
from citelog.knowledge.files import shown_name
from citelog.knowledge.load import Opened
from citelog.knowledge.statements import read_conflicts, read_statements
from citelog.knowledge.triples import SKOS, Triples
from citelog.rules.program import Predicate, Rule
from citelog.values import Iri
from citelog.vocab import CL


@dataclass(frozen=True, slots=True)
class Reading:
    """What the texts of a knowledge base said when they were last read.

    `ids` are the IRIs of statements by their ids, `kinds` the predicates of the kinds of conclusion by their names.
    """

    triples: Triples
    source: Source | None
    predicates: Mapping[str, Predicate]
    rules: tuple[Rule, ...]
    statements: Mapping[str, Statement]
    conflicts: Mapping[str, Conflict]
    namespace: str
    ids: Mapping[str, str]
    kinds: Mapping[str, str]

    @classmethod
    def of(cls, opened: Opened) -> Reading:
        """What a folder said, with or without errors."""
        triples, ignored = opened.triples, list[Diagnostic]()  # reported by whoever opened it
        statements = triples.instances(CL + "Statement")
        base = next(iter(triples.instances(CL + "KnowledgeBase")), "")
        kinds = triples.instances(CL + "ConclusionKind")
        program = opened.program
        return cls(
            triples,
            opened.source,
            program.predicates if program else {},
            program.rules if program else (),
            read_statements(triples, opened.source, ignored),
            read_conflicts(triples, frozenset(Iri(s).local for s in statements), ignored),
            base[: len(base) - len(Iri(base).local)],
            {Iri(s).local: s for s in statements},
            {triples.text(k, SKOS + "notation"): triples.text(k, CL + "derivedBy") for k in kinds},
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A mention in a file."""

    path: Path
    mention: Mention


@dataclass(frozen=True)
class Desk:
    """The texts of a knowledge base, the document and the ontology among them, and what they said.

    `reading` may be older than `texts`: the last in which every file could be read, if there was one.
    """

    folder: Path
    texts: Mapping[Path, str]
    reading: Reading
    ontology: Path
    document: Path | None

    def shown(self, path: Path) -> str:
        """A file as findings name it."""
        return shown_name(path, self.folder)

    def owned(self, path: Path) -> bool:
        """Whether a file is the author's to change: not the ontology, and not the document."""
        return path not in (self.ontology, self.document)

    @cached_property
    def _read(self) -> dict[Path, tuple[Mention, ...]]:
        """What was asked of a file is not read off it again."""
        return {}

    @cached_property
    def _places(self) -> dict[Thing, list[Place]]:
        """Where each thing is named; a variable means another thing in each file, and is no one's here."""
        found: dict[Thing, list[Place]] = {}
        for path in self.texts:
            for mention in self.mentions(path):
                if mention.thing.kind != "variable":
                    found.setdefault(mention.thing, []).append(Place(path, mention))
        return found

    def prefixes(self) -> dict[str, str]:
        """How the files write the knowledge base's own namespace and the engine's, without the colons."""
        found: dict[str, str] = {}
        for path, text in self.texts.items():
            if path.suffix in (".rls", ".ttl", ".trig"):
                found |= (rules if path.suffix == ".rls" else turtle).namespaces(text)
        return {name: space for name, space in found.items() if space in (self.reading.namespace, CL)}

    def mentions(self, path: Path) -> tuple[Mention, ...]:
        """What a file names, in its order."""
        if path not in self._read:
            self._read[path] = self._named(path, self.texts.get(path, ""))
        return self._read[path]

    def _named(self, path: Path, text: str) -> tuple[Mention, ...]:
        if path == self.document:
            return self._quoted(text)
        return tuple(
            replace(m, thing=thing)
            for m in _mentions_of(path.suffix, text)
            if (thing := self.settled(m.thing)) and (m.role != "tells" or thing.name in self.reading.triples.subjects)
        )

    def _quoted(self, text: str) -> tuple[Mention, ...]:
        """The passages of the document that statements quote."""
        found = []
        for one in self.reading.statements.values():
            if text[one.start : one.end] == one.quote:
                inner = (one.start, one.end)
                found.append(Mention(*inner, Thing("iri", one.iri.value), "quotes", inner))
        return tuple(sorted(found))

    def settled(self, thing: Thing) -> Thing | None:
        """A thing as a term, where only the knowledge base knows which; None for a word that names nothing."""
        reading = self.reading
        if thing.kind == "statement":
            return Thing("iri", reading.ids.get(thing.name, reading.namespace + thing.name))
        if thing.kind == "conclusion":
            kind, _, value = thing.name.partition(":")
            known = kind in reading.kinds and reading.namespace + value in reading.triples.subjects
            return Thing("iri", reading.namespace + value) if known else None
        if thing.kind == "word":
            return Thing("iri", iri) if (iri := reading.namespace + thing.name) in reading.triples.subjects else None
        return thing

    def at(self, path: Path, offset: int) -> Mention | None:
        """What is named at an offset, or ends there; of several, the shortest."""
        around = [m for m in self.mentions(path) if m.start <= offset <= m.end]
        return min(around, key=lambda m: (m.end == offset, m.end - m.start), default=None)

    def places(self, thing: Thing, path: Path) -> Iterator[Place]:
        """Everywhere that a thing is named, as seen from a file: a variable is named in its own rule alone."""
        if thing.kind == "variable":
            yield from (Place(path, m) for m in self.mentions(path) if m.thing == thing)
        else:
            yield from self._places.get(thing, ())

    def definitions(self, thing: Thing, path: Path) -> list[Place]:
        """Where a thing is declared, or else first described, or derived; for a variable, where it stands first."""
        places = list(self.places(thing, path))
        if thing.kind == "variable":
            return places[:1]
        for role in ("declares", "describes", "states", "derives"):
            if found := [place for place in places if place.mention.role == role]:
                return found if role == "declares" else found[:1]
        return []

    def passages(self, thing: Thing) -> list[Place]:
        """Where the document says what a statement quotes."""
        document = self.document
        if document is None:
            return []
        return [Place(document, m) for m in self.mentions(document) if m.thing == thing]


@lru_cache(maxsize=1024)
def _mentions_of(suffix: str, text: str) -> tuple[Mention, ...]:
    if suffix == ".rls":
        return tuple(rules.mentions(text))
    if suffix in (".ttl", ".trig"):
        return tuple(turtle.mentions(text))
    if suffix in (".yaml", ".yml", ".json"):
        return tuple(cases.mentions(text))
    return ()
