"""What stands between two answers: a proof that one has, walked beside the other, with what fails there.

Of a near record it says what stands against the conclusion in the record as it is; of a conclusion that a change lost,
what it rested on and no longer holds. Either way the proof is real: it was derived, in one of the two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from citelog.answer import Answer
from citelog.explain.model import Model
from citelog.explain.near import is_known, is_measured
from citelog.explain.obstacles import Obstacle, Premise, kind_of, recorded
from citelog.knowledge.base import Citation
from citelog.patient.case import Entry
from citelog.patient.wanted import Args
from citelog.proof.support import Supports, premises
from citelog.proof.words import sentence
from citelog.rules.program import Absent, Assignment, Comparison, Constant, Literal, Present, Rule, Variable, variables
from citelog.run.arithmetic import compare
from citelog.run.result import Firing, instance, value_of
from citelog.values import Atom, Iri, Value

DEEPEST = 40
"""Rules under each other that are followed."""


def against(
    fact: Atom, there: Answer, here: Answer, as_here: Callable[[Firing], Firing] = lambda firing: firing
) -> Obstacle:
    """The proof of a fact that rules give `there` and not `here`, as an obstacle here.

    Where the two answers come from other rules, `as_here` gives a firing as the rules of here would have it. Of a count
    it is each row of which something fails. Where no premise can be told to fail, the first rule of the fact with all
    its premises.
    """
    beside = _Beside(there, here, as_here)
    firing = as_here(there.run.firings(fact)[0])
    return beside.obstacle(fact, DEEPEST) or beside.made(firing, tuple(beside.premises(firing, DEEPEST)), there)


@dataclass
class _Beside:
    there: Answer
    here: Answer
    as_here: Callable[[Firing], Firing]
    model: Model = field(init=False)
    places: dict[Value, Iri | None] = field(init=False)

    def __post_init__(self) -> None:
        self.model = Model(self.here.run)
        own = {entry.read_from: entry.record for entry in self.here.case.entries}
        self.places = {r.iri: own.get(r.entry.read_from) for r in self.there.case.records}

    def obstacle(self, fact: Atom, depth: int) -> Obstacle | None:
        """The firing of the fact of which least fails here, of an aggregate each row of which something fails."""
        found = []
        for firing in map(self.as_here, self.there.run.firings(fact)):
            rows = [(row, self.premises(replace(firing, rows=(row,)), depth)) for row in firing.rows]
            wanting = [(row, told) for row, told in rows if not all(premise.holds for premise in told)]
            if wanting:
                told = list[Premise]()
                for _, each in wanting:
                    told += [premise for premise in each if premise not in told]
                found.append((sum(not premise.holds for premise in told), firing, wanting[0][0], told))
        if not found or depth <= 0:
            return None
        failing, firing, row, told = min(found, key=lambda one: one[0])
        through = firing.rule.through
        if through is not None and failing == 1:
            inner = self.obstacle(instance(firing.rule.body[through], row), depth - 1)
            if inner is not None:
                return inner
        return self.made(firing, tuple(told), self.there)

    def made(self, firing: Firing, told: tuple[Premise, ...], answer: Answer, fired: bool = False) -> Obstacle:
        """A firing of an answer as an obstacle, in its words."""
        rule = firing.rule
        text = answer.words.firing(firing) or sentence(answer.words.fact(firing.conclusion)) + "."
        statements = {**answer.knowledge.statements, **self.here.knowledge.statements}  # with the words of here
        cited = tuple(Citation.of(statements[s]) for s in rule.cites)
        return Obstacle(rule.name, text, rule.span.file, rule.span.line, fired, cited, told)

    def premises(self, firing: Firing, depth: int) -> list[Premise]:
        """Each literal of a firing there, with what is to be said of it here."""
        row: dict[str, Value] = {}
        given = [self.present(x, firing, row, depth) if isinstance(x, Present) else None for x in firing.rule.body]
        told = []
        for literal, premise in zip(firing.rule.body, given, strict=True):
            if premise is not None:
                if not (premise.holds and _is_only_read(literal, firing.rule)):
                    told.append(premise)
            elif isinstance(literal, Absent):
                told += self.absent(literal, firing)
            elif isinstance(literal, Comparison):
                told.append(self.comparison(literal, firing, row))
            elif isinstance(literal, Assignment) and not isinstance(literal.expression, Constant):
                text = self.there.words.computation(literal, firing.bindings) + "."
                told.append(Premise(text, "holds", "computation"))
        return told

    def present(self, literal: Present, firing: Firing, row: dict[str, Value], depth: int) -> Premise:
        """A premise: whether it holds here, with the numbers and dates that the record has here."""
        atom = instance(literal, firing.bindings)
        kind = kind_of(literal, self.there.knowledge)
        wanted = tuple(self.places.get(a, a) if isinstance(a, Iri) else a for a in atom.args)
        open_: Args = tuple(None if is_measured(a) else a for a in wanted)
        gone = any(isinstance(a, Iri) and a in self.places and self.places[a] is None for a in atom.args)
        exactly = () if gone else tuple(self.model.matching(atom.predicate, wanted))
        found = exactly or (() if gone else tuple(self.model.matching(atom.predicate, open_)))
        if found:
            for arg, value in zip(literal.args, found[0], strict=True):
                if isinstance(arg, Variable):
                    row[arg.name] = value
            return Premise(sentence(self.here.words.pattern(atom.predicate, found[0])) + ".", "holds", kind)
        text = sentence(self.there.words.pattern(atom.predicate, atom.args)) + "."
        if self.there.run.firings(atom):
            return Premise(text, "not concluded", kind, behind=self.obstacle(atom, depth - 1))
        state, entries = recorded(atom.predicate, wanted, self.here.case)
        args: Args = atom.args
        places = self.there.knowledge.program.predicates[atom.predicate].arguments
        if any(
            arg is None and place.type == "record" for place, arg in zip(places, args, strict=True)
        ):  # it may be any
            text = sentence(self.there.words.absence(atom.predicate, args)) + "."
            return Premise(text, state, kind, entries, is_gap=True)
        return Premise(text, state, kind, entries)

    def comparison(self, literal: Comparison, firing: Firing, row: Mapping[str, Value]) -> Premise:
        """A comparison with the values of here, where they are known."""
        if not (is_known(literal.left, row) and is_known(literal.right, row)):
            computed = _computed(firing.rule, row)
            if not (is_known(literal.left, computed) and is_known(literal.right, computed)):
                return Premise(self.there.words.comparison(literal, firing.bindings) + ".", "open", "comparison")
            row = computed
        left, right = value_of(literal.left, row), value_of(literal.right, row)
        holds = left is not None and right is not None and compare(literal.operator, left, right)
        return Premise(self.here.words.comparison(literal, row) + ".", "holds" if holds else "false", "comparison")

    def absent(self, literal: Absent, firing: Firing) -> list[Premise]:
        """An absence there: does anything of the kind hold here, and what does it rest on?"""
        atom = instance(literal, firing.bindings)
        args: Args = atom.args
        wanted = tuple(self.places.get(a, a) if isinstance(a, Iri) else a for a in args)
        gone = any(isinstance(a, Iri) and a in self.places and self.places[a] is None for a in args)
        found = [] if gone else [Atom(atom.predicate, row) for row in self.model.matching(atom.predicate, wanted)]
        if not found:
            return [Premise(sentence(self.there.words.absence(atom.predicate, args)) + ".", "holds", "absence")]
        return self._in_the_way(found[0])

    def _in_the_way(self, fact: Atom) -> list[Premise]:
        """A fact that should not hold: once for each rule of a statement that gives it, with what is behind."""
        text = sentence(self.here.words.fact(fact)) + "."
        ways: dict[tuple[str, Atom], tuple[Firing, dict[str, Entry]]] = {}
        for cited in self._cited(fact, set()):
            rests = ways.setdefault((cited.rule.name, cited.conclusion), (cited, {}))[1]
            rests.update({entry.read_from: entry for entry in self._behind(*premises(cited))})
        if not ways:
            entries = self._behind(fact)
            return [Premise(text, "recorded" if entries else "concluded", "absence", entries)]
        told = []
        for cited, rests in ways.values():
            under = tuple(Premise(e.sentence, "recorded", "recorded", (e,)) for e in rests.values())
            behind = self.made(cited, under, self.here, fired=True)
            told.append(Premise(text, "concluded", "absence", (), behind))
        return told

    def _behind(self, *facts: Atom) -> tuple[Entry, ...]:
        """The entries here that some facts rest on: those that the other record lacks, if there are such."""
        supports = Supports(self.here.run, self.here.words)
        records = {record for fact in facts for record in supports.of(fact).records}
        entries = tuple(e for e in self.here.case.entries if e.record in records)
        there = {e.sentence for e in self.there.case.entries}
        return tuple(e for e in entries if e.sentence not in there) or entries

    def _cited(self, fact: Atom, seen: set[Atom]) -> list[Firing]:
        """The firings that encode a statement and give a fact, each way that it is given; the first under each.

        Under a rule that encodes none, only through what does not hold there: the rest is not what stands in the way.
        """
        found: list[Firing] = []
        seen.add(fact)
        for firing in self.here.run.firings(fact):
            if firing.rule.cites:
                found.append(firing)
            else:
                wanting = [one for one in premises(firing) if one not in seen and not self._holds_there(one)]
                found += next(filter(None, (self._cited(one, seen) for one in wanting)), [])
        return found

    def _holds_there(self, fact: Atom) -> bool:
        """Whether a fact of here holds in the other record too, of the entry at the same place."""
        there: dict[Value, Value] = {here: one for one, here in self.places.items() if here is not None}
        gone = any(entry.record in fact.args and entry.record not in there for entry in self.here.case.entries)
        return not gone and self.there.run.holds(Atom(fact.predicate, tuple(there.get(a, a) for a in fact.args)))


def _is_only_read(literal: Literal, rule: Rule) -> bool:
    """Whether a premise asks for nothing in particular: it only brings a value of which nothing is wanted."""
    if not isinstance(literal, Present) or any(isinstance(arg, Constant) for arg in literal.args):
        return False
    own = variables(literal)
    others = {arg.name for arg in rule.args if isinstance(arg, Variable)}
    others = others.union(*(variables(other) for other in rule.body if other is not literal))
    return bool(own - others) and len(own & others) <= 1


def _computed(rule: Rule, row: Mapping[str, Value]) -> dict[str, Value]:
    """Bindings with what the rule computes from them."""
    more = dict(row)
    for literal in rule.body:
        if isinstance(literal, Assignment) and is_known(literal.expression, more):
            value = value_of(literal.expression, more)
            if value is not None:
                more[literal.variable] = value
    return more
