"""What the joint rules can see of an entry: the facts that one of them can meet, and whether its days.

Entries of which they see the same are one to them. A rule can meet a fact about an entry if all else that it asks of
that entry may hold too: it does not wait for other entries, nor for what is derived, of which nothing is known yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from citelog.population.program.plan import Place, Plan
from citelog.rules.program import Absent, Constant, Present, Program, Rule, Variable
from citelog.values import Value

Fact = tuple[str, tuple[Value, ...]]
"""A fact about an entry, without the patient's place; the entry itself is `ENTRY`."""

Args = tuple[object, ...]
"""The arguments of a fact, the entry among them."""

Known = Mapping[str, list[Args]]
"""The arguments of the facts about an entry, by their predicates."""


@dataclass(frozen=True, slots=True)
class Itself:
    """Stands for the entry that a fact is about."""


ENTRY = Itself()


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a literal asks of facts about an entry: where it stands, and which values stand beside it."""

    predicate: str
    entries: tuple[int, ...]
    values: tuple[tuple[int, Value], ...]

    @classmethod
    def of(cls, literal: Present | Absent, entry: str) -> _Asked:
        """By a literal in which a variable stands for the entry."""
        args = list(enumerate(literal.args))
        return cls(
            literal.predicate,
            tuple(i for i, arg in args if arg == Variable(entry)),
            tuple((i, arg.value) for i, arg in args if isinstance(arg, Constant)),
        )

    def meets(self, known: Known) -> Iterator[Args]:
        """The facts that it can be about."""
        for args in known.get(self.predicate, ()):
            if all(args[i] is ENTRY for i in self.entries) and all(
                args[i] == value and type(args[i]) is type(value) for i, value in self.values
            ):
                yield args


@dataclass(frozen=True, slots=True)
class _Look:
    """A look of a joint rule at an entry, by a variable that may stand for one.

    `needed` must be there for the rule to hold, `asked` are all its literals about the entry, `dated` those of days,
    and `heads` the places in which what it concludes names the entry.
    """

    needed: tuple[_Asked, ...]
    asked: tuple[_Asked, ...]
    dated: tuple[str, ...]
    heads: tuple[Place, ...]

    @classmethod
    def of(cls, rule: Rule, entry: str, dated: frozenset[str]) -> _Look:
        """Of a rule, where a variable stands for the entry."""
        about = [x for x in rule.body if isinstance(x, Present | Absent) and Variable(entry) in x.args]
        return cls(
            tuple(_Asked.of(x, entry) for x in about if isinstance(x, Present) and x.predicate not in dated),
            tuple(_Asked.of(x, entry) for x in about),
            tuple(sorted({x.predicate for x in about if x.predicate in dated})),
            tuple((rule.predicate, i) for i, arg in enumerate(rule.args) if arg == Variable(entry)),
        )

    def is_possible(self, known: Known, maybe: set[Place]) -> bool:
        """Whether all that it needs may hold, of what is known or of what may be derived of the entry."""
        return all(
            (one.predicate, one.entries[0]) in maybe or any(True for _ in one.meets(known)) for one in self.needed
        )


class Sight:
    """What the joint rules can see of an entry of which some facts are known."""

    def __init__(self, made: Plan) -> None:
        self.shown = made.shown
        dated = frozenset(
            name
            for name, predicate in made.program.predicates.items()
            if predicate.layer == "patient" and {"date", "record"} <= {a.type for a in predicate.arguments}
        )
        self._looks = [
            _Look.of(rule, entry, dated) for rule in made.joint_rules for entry in sorted(_entries(rule, made.program))
        ]

    @property
    def decided_by(self) -> list[object]:
        """All that decides what is seen of which facts, in an order that is the same in every run."""
        return [sorted(self.shown), sorted(set(map(repr, self._looks)))]

    def seen(self, facts: Iterable[tuple[str, Args]]) -> tuple[frozenset[tuple[str, Args]], frozenset[str]]:
        """Those of an entry's facts that some joint rule can meet, and the predicates of its days that one can."""
        known: dict[str, list[Args]] = {}
        for predicate, args in facts:
            known.setdefault(predicate, []).append(args)
        maybe = self._maybe(known)
        seen = {(predicate, args) for predicate, rows in known.items() if predicate in self.shown for args in rows}
        days: set[str] = set()
        for look in self._looks:
            if look.is_possible(known, maybe):
                days.update(look.dated)
                seen.update((one.predicate, args) for one in look.asked for args in one.meets(known))
        return frozenset(seen), frozenset(days)

    def _maybe(self, known: Known) -> set[Place]:
        """Where facts that joint rules derive may name the entry: nothing that they look for beside it is asked."""
        found: set[Place] = set()
        waiting = [look for look in self._looks if look.heads]
        while True:
            holding = [look for look in waiting if not found.issuperset(look.heads) and look.is_possible(known, found)]
            if not holding:
                return found
            found.update(place for look in holding for place in look.heads)


def _entries(rule: Rule, program: Program) -> set[str]:
    """The variables of a rule that may stand for an entry."""
    return {
        arg.name
        for literal in rule.body
        if isinstance(literal, Present | Absent)
        for arg, argument in zip(literal.args, program.predicates[literal.predicate].arguments, strict=True)
        if isinstance(arg, Variable) and argument.type in ("record", "term")
    }


__all__ = ["ENTRY", "Fact", "Itself", "Sight"]
