"""What a rule rests on: what holds whenever it fires, by way of any other rule, and what it speaks of.

A literal is looked at as a *pattern*: its sign, its predicate, and its constants; None stands for any value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from citelog.advice.given import Given
from citelog.rules.program import Absent, Assignment, Constant, Literal, Present, Rule, Variable
from citelog.values import Atom, Iri, Value
from citelog.vocab import CL

FEW = 5
"""Findings that one predicate can be a name for; of more it is a conclusion."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A literal with its constants."""

    predicate: str
    args: tuple[Value | None, ...]
    negated: bool = False


@dataclass(frozen=True)
class Reach:
    """What the rules of a knowledge base rest on."""

    given: Given

    @cached_property
    def by_head(self) -> Mapping[str, tuple[Rule, ...]]:
        """The rules of each predicate."""
        found: dict[str, list[Rule]] = {}
        for rule in self.given.rules:
            found.setdefault(rule.predicate, []).append(rule)
        return {name: tuple(rules) for name, rules in found.items()}

    @cached_property
    def facts(self) -> Mapping[str, tuple[Atom, ...]]:
        """What statements and vocabulary say, by predicate."""
        found: dict[str, list[Atom]] = {}
        for atom in self.given.knowledge.stated:
            found.setdefault(atom.predicate, []).append(atom)
        return {name: tuple(atoms) for name, atoms in found.items()}

    @cached_property
    def recordable(self) -> frozenset[Iri]:
        """What a record can name as a finding or a condition."""
        return frozenset(self.given.knowledge.terms.names.get("finding", {}).values())

    @cached_property
    def states(self) -> frozenset[Iri]:
        """What a record can say of a finding."""
        return frozenset(Iri(state) for state in self.given.triples.instances(CL + "State"))

    # what holds whenever a rule fires

    def head(self, rule: Rule) -> tuple[Value | None, ...]:
        """The constants of a rule's head, those among them to which its body sets a variable."""
        return _fixed(rule.args, _set(rule))

    def necessary(self, rule: Rule) -> frozenset[Pattern]:
        """Every pattern that holds whenever a rule fires, of its own body and of all that this rests on."""
        return self._of_rule(rule, {}, frozenset())

    def of_pattern(self, pattern: Pattern) -> frozenset[Pattern]:
        """Every pattern that holds whenever this one does, itself among them."""
        return self._of_pattern(pattern, frozenset()) | {pattern}

    @cached_property
    def _known(self) -> dict[Pattern, frozenset[Pattern]]:
        return {}

    def _of_rule(self, rule: Rule, bound: Mapping[str, Value], open_: frozenset[Pattern]) -> frozenset[Pattern]:
        found: set[Pattern] = set()
        for pattern in patterns(rule, bound):
            found.add(pattern)
            if not pattern.negated:
                found |= self._of_pattern(pattern, open_)
        return frozenset(found)

    def _of_pattern(self, pattern: Pattern, open_: frozenset[Pattern]) -> frozenset[Pattern]:
        """What all rules that can give it have in common; a circle adds nothing to what the way into it needs."""
        if pattern in self._known:
            return self._known[pattern]
        common: frozenset[Pattern] | None = None
        for rule, bound in self.giving(pattern):
            if not any(p in open_ or p == pattern for p in patterns(rule, bound)):
                needed = self._of_rule(rule, bound, open_ | {pattern})
                common = needed if common is None else common & needed
        found = common or frozenset()
        if not open_ or pattern.predicate not in self._circular:  # within a circle it depends on the way in
            self._known[pattern] = found
        return found

    @cached_property
    def _circular(self) -> frozenset[str]:
        """The predicates that are derived from themselves."""
        program = self.given.knowledge.program
        components = [c for c in (*program.fixed, *program.open) if c.recursive]
        return frozenset(program.rules[i].predicate for c in components for i in c.rules)

    def giving(self, pattern: Pattern) -> Iterator[tuple[Rule, dict[str, Value]]]:
        """The rules that can give a pattern, and what its constants set their variables to."""
        for rule in self.by_head.get(pattern.predicate, ()):
            bound: dict[str, Value] = {}
            for arg, fixed, wanted in zip(rule.args, self.head(rule), pattern.args, strict=True):
                if wanted is None:
                    continue
                if fixed is not None and fixed != wanted:
                    break
                if isinstance(arg, Variable) and bound.setdefault(arg.name, wanted) != wanted:
                    break
            else:
                yield rule, bound

    # what is asked for

    def asks(self, found: Iterable[Pattern], term: Iri) -> set[Iri | None]:
        """In which states some patterns ask for a finding, None among them where they say none; empty: not at all.

        It is asked for by its name, by a class that it is in, and by a predicate that is no more than a name for it
        and a few others.
        """
        asked: set[Iri | None] = set()
        for pattern in found:
            states = self._named(pattern).get(term) or self._means(pattern).get(term) or frozenset()
            asked |= {None} if pattern.negated and states else states
        return asked

    def _named(self, pattern: Pattern) -> Mapping[Iri, frozenset[Iri | None]]:
        """The findings that a literal names itself, by name or by class, each with the states that it asks for."""
        named = {arg for arg in pattern.args if isinstance(arg, Iri)}
        for atom in self.facts.get(pattern.predicate, ()):
            if all(wanted is None or wanted == v for wanted, v in zip(pattern.args, atom.args, strict=True)):
                named |= {arg for arg in atom.args if isinstance(arg, Iri)}
        states = frozenset(arg for arg in pattern.args if isinstance(arg, Iri) and arg in self.states)
        return {term: states or frozenset({None}) for term in named & self.recordable}

    @cached_property
    def _meanings(self) -> dict[Pattern, Mapping[Iri, frozenset[Iri | None]]]:
        return {}

    def _means(self, pattern: Pattern) -> Mapping[Iri, frozenset[Iri | None]]:
        """The findings that a predicate is a name for: every way to it asks for one of them, and they are few."""
        if pattern.negated:
            pattern = Pattern(pattern.predicate, pattern.args)
        if pattern not in self._meanings:
            self._meanings[pattern] = {}  # in a circle, what is on the way round adds nothing
            self._meanings[pattern] = self._meaning(pattern)
        return self._meanings[pattern]

    def _meaning(self, pattern: Pattern) -> Mapping[Iri, frozenset[Iri | None]]:
        means: dict[Iri, frozenset[Iri | None]] = {}
        for rule, bound in self.giving(pattern):
            ways = [(self._named(p) or self._means(p), p.negated) for p in patterns(rule, bound)]
            if not any(way for way, _ in ways):
                return {}
            for way, negated in ways:
                for term, states in way.items():
                    means[term] = means.get(term, frozenset()) | (frozenset({None}) if negated else states)
        return means if len(means) <= FEW else {}

    def falls_back(self, rule: Rule, statement: str) -> bool:
        """Whether a rule holds where the rules of a statement do not: it looks for the absence of what they give."""
        citing = self._citing.get(statement, frozenset()) - {rule.name}
        return any(citing & self.cone(x.predicate) for x in rule.body if isinstance(x, Absent))

    @cached_property
    def _citing(self) -> Mapping[str, frozenset[str]]:
        """The names of the rules that cite each statement."""
        found: dict[str, set[str]] = {}
        for rule in self.given.rules:
            for statement in rule.cites:
                found.setdefault(statement, set()).add(rule.name)
        return {statement: frozenset(names) for statement, names in found.items()}

    @cached_property
    def _cones(self) -> dict[str, frozenset[str]]:
        return {}

    def cone(self, predicate: str) -> frozenset[str]:
        """The names of all rules on the way to a predicate."""
        if predicate not in self._cones:
            open_, met, found = [predicate], {predicate}, set[str]()
            while open_:
                for rule in self.by_head.get(open_.pop(), ()):
                    found.add(rule.name)
                    below = {x.predicate for x in rule.body if isinstance(x, Present | Absent)} - met
                    met |= below
                    open_ += below
            self._cones[predicate] = frozenset(found)
        return self._cones[predicate]


def _set(rule: Rule) -> dict[str, Value]:
    """The constants that a body sets variables to."""
    return {
        x.variable: x.expression.value
        for x in rule.body
        if isinstance(x, Assignment) and isinstance(x.expression, Constant)
    }


def _fixed(args: Iterable[object], bound: Mapping[str, Value]) -> tuple[Value | None, ...]:
    return tuple(
        arg.value if isinstance(arg, Constant) else bound.get(arg.name) if isinstance(arg, Variable) else None
        for arg in args
    )


def fits(pattern: Pattern, args: tuple[Value, ...]) -> bool:
    """Whether the arguments of a fact are those that a pattern of the same predicate asks for."""
    return all(wanted is None or wanted == value for wanted, value in zip(pattern.args, args, strict=True))


def pattern_of(literal: Literal, bound: Mapping[str, Value]) -> Pattern | None:
    """A literal as a pattern, where some variables are bound; None for comparisons."""
    if not isinstance(literal, Present | Absent):
        return None
    return Pattern(literal.predicate, _fixed(literal.args, bound), isinstance(literal, Absent))


def patterns(rule: Rule, bound: Mapping[str, Value]) -> list[Pattern]:
    """The literals of a rule's body as patterns."""
    known = {**_set(rule), **bound}
    return [pattern for literal in rule.body if (pattern := pattern_of(literal, known)) is not None]
