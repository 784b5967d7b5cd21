"""What rests on a statement: what it says, the rules, conclusions, cases, properties, conflicts and terms that read it.

Rules and properties are read off the program; conclusions and cases are those in whose proofs the statement stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar

from citelog.advice.given import directs
from citelog.compare.editions import Edition
from citelog.compare.effects import Watch, unwatched
from citelog.compare.quotes import Support
from citelog.compare.supports import rests
from citelog.conclusions import spelt
from citelog.evidence.printed import STOP
from citelog.knowledge.base import Knowledge
from citelog.knowledge.faithful import numbers
from citelog.knowledge.properties import VIOLATION
from citelog.rules.program import Absent, Aggregate, Constant, Present, Rule, Variable
from citelog.values import Atom, Iri, Value
from citelog.vocab import CL

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Triple:
    """A number or a text that a statement says, and whether it is still in the words that stand in place of its quote.

    `statement` is the one in whose graph it stands, which may have taken it over from the one that prints it.
    """

    statement: str
    subject: str
    property: str
    value: str
    lost: bool

    def __str__(self) -> str:
        return f"{self.subject} {self.property} {self.value}"

    def to_dict(self) -> dict[str, Any]:
        """The triple as data."""
        return {
            "statement": self.statement,
            "subject": self.subject,
            "property": self.property,
            "value": self.value,
            "lost": self.lost,
        }


@dataclass(frozen=True, slots=True)
class Resting:
    """What rests on a statement, or on several.

    `cited_by` are the rules that cite it, `read_by` those that only read what it says. `supports` are the conclusions
    of cases; `unshown` conclusions that such a rule draws by name and that no case shows. Of `caveats` the texts.
    """

    triples: tuple[Triple, ...] = ()
    cited_by: tuple[str, ...] = ()
    read_by: tuple[str, ...] = ()
    supports: tuple[Support, ...] = ()
    unshown: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    conflicts: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()

    @property
    def cases(self) -> tuple[str, ...]:
        """The cases whose answers rest on it."""
        return tuple(sorted({case for support in self.supports for case in support.cases}))

    def to_dict(self) -> dict[str, Any]:
        """What rests, as data."""
        return {
            "triples": [triple.to_dict() for triple in self.triples],
            "cited_by": list(self.cited_by),
            "read_by": list(self.read_by),
            "conclusions": [support.to_dict() for support in self.supports],
            "unshown": list(self.unshown),
            "cases": list(self.cases),
            "properties": list(self.properties),
            "conflicts": list(self.conflicts),
            "caveats": list(self.caveats),
            "terms": list(self.terms),
        }


NOTHING = Resting()


def together(all_: Iterable[Resting], knowledge: Knowledge | None) -> Resting:
    """What rests on any of some statements, in the order in which it is met; conclusions as `weighed`."""
    found = tuple(all_)
    supports: dict[str, tuple[dict[str, None], bool]] = {}
    for support in (one for resting in found for one in resting.supports):
        cases, cites = supports.setdefault(support.conclusion, ({}, False))
        supports[support.conclusion] = (cases | dict.fromkeys(support.cases), cites or support.cites)
    cited_by = _once(name for one in found for name in one.cited_by)
    shown = tuple(Support(id_, tuple(sorted(cases)), cites) for id_, (cases, cites) in supports.items())
    return Resting(
        _once(triple for one in found for triple in one.triples),
        cited_by,
        tuple(name for name in _once(n for one in found for n in one.read_by) if name not in cited_by),
        weighed(shown, knowledge),
        _once(name for one in found for name in one.unshown),
        _once(name for one in found for name in one.properties),
        _once(name for one in found for name in one.conflicts),
        _once(name for one in found for name in one.caveats),
        _once(name for one in found for name in one.terms),
    )


def weighed(found: Iterable[Support], knowledge: Knowledge | None) -> tuple[Support, ...]:
    """Conclusions in the order in which they matter: those that cite a statement themselves before others; those that
    say what to do before what is only on record; then by their kinds, and by how many cases show them."""
    order = {kind.name: (not directs(kind), kind.order) for kind in (knowledge.kinds if knowledge else ())}
    last = (True, len(order))
    return tuple(
        sorted(
            found,
            key=lambda s: (not s.cites, order.get(s.conclusion.partition(":")[0], last), -len(s.cases), s.conclusion),
        )
    )


def _once(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(found))


@dataclass(frozen=True)
class Ground:
    """An edition of which it is asked what rests on its statements; `watch` is told of the cases that are derived.

    Of one with errors only the triples are known.
    """

    edition: Edition
    watch: Watch = field(default=unwatched)

    def resting(self, statement: str, words: str, now: str) -> Resting:
        """What rests on a statement whose quote was `words`, and in whose place `now` stands; empty for nothing."""
        triples = tuple(self._triples(statement, words, now))
        knowledge = self.edition.knowledge
        if knowledge is None:
            return Resting(triples)
        said = [atom for atom, statements in knowledge.stated.items() if statement in statements]
        rules = knowledge.program.rules
        cited_by = tuple(rule.name for rule in rules if statement in rule.cites)
        supports = tuple(self._supports.get(statement, ()))
        named = dict.fromkeys(
            id_ for rule in rules if rule.name in cited_by and (id_ := _drawn(knowledge, rule.predicate, rule.args))
        )
        shown = {support.conclusion for support in supports}
        return Resting(
            triples,
            cited_by,
            tuple(rule.name for rule in rules if rule.name not in cited_by and _reads(rule, said)),
            weighed(supports, knowledge),
            tuple(id_ for id_ in named if id_ not in shown),
            tuple(self._properties(knowledge, said, {*named, *(s.conclusion for s in supports if s.cites)})),
            tuple(c.id for c in knowledge.conflicts.values() if any(statement in side for side in c.sides)),
            tuple(caveat.text for caveat in knowledge.caveats if statement in caveat.statements),
            tuple(knowledge.terms.labels[term] for term in self._terms(statement) if term in knowledge.terms.labels),
        )

    @cached_property
    def _supports(self) -> Mapping[str, list[Support]]:
        return rests(self.edition, self.watch)

    @cached_property
    def _graphs(self) -> Mapping[str, list[tuple[str, str, Value]]]:
        """The triples of each graph, by its local name."""
        found: dict[str, list[tuple[str, str, Value]]] = {}
        for triple, graphs in self.edition.opened.triples.graphs.items():
            for graph in graphs:
                found.setdefault(Iri(graph).local, []).append(triple)
        return found

    @cached_property
    def _inherited(self) -> Mapping[str, list[tuple[str, tuple[str, str, Value]]]]:
        """The triples that statements take over from another, by that one: each with the one that says it."""
        found: dict[str, list[tuple[str, tuple[str, str, Value]]]] = {}
        for graph, triples in self._graphs.items():
            for triple in triples:
                source = self.edition.opened.triples.one(triple[0], CL + "inheritedFrom")
                if isinstance(source, Iri):
                    found.setdefault(source.local, []).append((graph, triple))
        return found

    def _triples(self, statement: str, words: str, now: str) -> Iterator[Triple]:
        """The numbers and texts that a statement says, or that others took over from it, if its quote holds them."""
        own = [(statement, triple) for triple in self._graphs.get(statement, ())]
        taken_over = {triple for of in self._inherited.values() for _, triple in of}
        said = [(graph, triple) for graph, triple in own if triple not in taken_over]
        source = self.edition.opened.source
        sign = source.decimal_sign if source else STOP
        for graph, (subject, property_, value) in (*said, *self._inherited.get(statement, ())):
            if _held(property_, value, words, sign):
                triples = self.edition.opened.triples
                yield Triple(
                    graph,
                    triples.written(subject),
                    triples.written(property_),
                    self.edition.shown(value),
                    not _held(property_, value, now, sign),
                )

    @cached_property
    def _guards(self) -> Mapping[str, tuple[Rule, ...]]:
        """The rules of each safety property, those that its rules read among them; none of those that answer."""
        knowledge = self.edition.knowledge
        if knowledge is None:
            return {}
        answering = {rule.name for rule in knowledge.program.rules}
        guards = [rule for rule in knowledge.guarded.rules if rule.name not in answering]
        found = {}
        for property_ in knowledge.properties:
            mine = [r for r in guards if r.predicate == VIOLATION and Constant(property_.iri) in r.args]
            for rule in mine:
                below = {x.predicate for x in rule.body if isinstance(x, Present | Absent)}
                mine += [r for r in guards if r.predicate in below and r not in mine]
            found[property_.id] = tuple(mine)
        return found

    def _properties(self, knowledge: Knowledge, said: Sequence[Atom], conclusions: Set[str]) -> Iterator[str]:
        """The safety properties whose rules name something that a statement says, or a conclusion of its rules.

        What is only about the record (a question, a fault of it) is no such conclusion.
        """
        about_record = {kind.name for kind in knowledge.kinds if kind.about_record}
        named = {id_ for id_ in conclusions if id_.partition(":")[0] not in about_record}
        for id_, rules in self._guards.items():
            literals = (x for rule in rules for x in rule.body if isinstance(x, Present | Absent))
            if any(_reads(rule, said, by_name=True) for rule in rules) or any(
                _drawn(knowledge, x.predicate, x.args) in named for x in literals
            ):
                yield id_

    def _terms(self, statement: str) -> list[Iri]:
        """The terms that a statement speaks of, in the order of their names."""
        named = {Iri(subject) for subject, _, _ in self._graphs.get(statement, ())}
        named |= {value for _, _, value in self._graphs.get(statement, ()) if isinstance(value, Iri)}
        return sorted(named)


def _held(property_: str, value: Value, words: str, sign: str) -> bool:
    """Whether words print a number or a text; of anything else nobody can tell."""
    if isinstance(value, bool):
        return False
    if isinstance(value, Decimal | int):
        return Decimal(value) in numbers(words, sign)
    return isinstance(value, str) and property_ == CL + "text" and value.casefold() in words.casefold()


def _reads(rule: Rule, said: Sequence[Atom], by_name: bool = False) -> bool:
    """Whether some literal of a rule can be one of some facts; `by_name` where it names what the fact is about."""
    return any(
        literal.predicate == atom.predicate
        and (not by_name or any(isinstance(arg, Constant) for arg in literal.args))
        and all(
            not isinstance(arg, Constant) or arg.value == value
            for arg, value in zip(literal.args, atom.args, strict=True)
        )
        for literal in rule.body
        if isinstance(literal, Present | Absent)
        for atom in said
    )


def _drawn(knowledge: Knowledge, predicate: str, args: Sequence[Variable | Constant | Aggregate]) -> str:
    """The id of the conclusion that a literal or a head names; empty where it names none, or several."""
    kind = next((kind for kind in knowledge.kinds if kind.predicate == predicate), None)
    value = args[1] if kind is not None and len(args) > 1 else None
    return f"{kind.name}:{spelt(value.value, knowledge, kind)}" if kind and isinstance(value, Constant) else ""
