"""Which changes are the cause of an effect: a smallest set of them that, made alone, has it.

Each of those that stand in the two proofs is tried alone first, then the rest; where none suffices, the set of all is
halved until nothing can be left out of it (QuickXplain, Junker 2004). What is found was tried: the old edition with
these changes and no others says what the new one says. Where the editions have so little in common that trying would
not end, the changes that stand in the two proofs are named instead, and called untried.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from citelog.compare.changes import Renamed
from citelog.compare.effects import Effect, Outcome, Subject, outcome, state
from citelog.compare.mixed import Mixtures, Some
from citelog.proof.compare import reasons

MIXTURES = 150
"""Mixtures that are made before causes are only read off the proofs: as many as some half a minute makes."""

ANSWERS = 5_000
"""Answers that are derived from mixtures before that."""

NO_ANSWER = frozenset({"segment", "document", "safety property", "caveat", "review"})
"""Kinds of change that no answer can depend on by themselves."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Some of the changes, and whether they were tried; none of them is the order of the rules."""

    some: Some
    tried: bool = True


@dataclass
class Causes:
    """The causes of effects, one record after another; what was a cause before is tried first."""

    mixtures: Mixtures
    renamed: Renamed
    known: dict[Some, None] = field(default_factory=dict)
    candidates: tuple[int, ...] = field(init=False)
    answers: dict[Some, Outcome | None] = field(default_factory=dict)
    derived: int = 0

    def __post_init__(self) -> None:
        self.candidates = tuple(i for i, change in enumerate(self.mixtures.changes) if change.kind not in NO_ANSWER)

    def of(self, subject: Subject, effects: Sequence[Effect], old: Outcome, new: Outcome) -> list[Cause]:
        """The cause of each effect on a record."""
        self.answers.clear()
        return [self._cause(subject, effect, old, new) for effect in effects]

    def _cause(self, subject: Subject, effect: Effect, old: Outcome, new: Outcome) -> Cause:
        near = self._standing_in(effect, old, new)
        some = self._tried(subject, effect, new, near)
        if some is None:
            return Cause(frozenset(near or self.candidates), tried=False)
        self.known.pop(some, None)
        self.known = {some: None, **self.known}
        return Cause(some)

    def _tried(self, subject: Subject, effect: Effect, new: Outcome, near: list[int]) -> Some | None:
        """A smallest set that has the effect; None where it would take too long to find one."""
        wanted = state(new, effect, self.renamed)

        def suffices(some: Some) -> bool:
            found = self._answer(subject, some)
            return found is not None and state(found, effect, self.renamed) == wanted

        order = [*near, *(i for i in self.candidates if i not in near)]
        known = sorted(self.known, key=len)
        single = [some for some in known if len(some) == 1]
        for some in (*single, *self._alone(near), *known, *self._alone(order), frozenset[int]()):
            if self._is_spent:
                return None
            if suffices(some):
                return some
        found = frozenset(smallest(lambda some: suffices(frozenset(some)), order))
        if self._is_spent:
            return None
        return found if suffices(found) else frozenset(self.candidates)

    @property
    def _is_spent(self) -> bool:
        return len(self.mixtures.made) > MIXTURES or self.derived > ANSWERS

    def _alone(self, some: Iterable[int]) -> Iterator[Some]:
        return (frozenset({i}) for i in some)

    def _answer(self, subject: Subject, some: Some) -> Outcome | None:
        if self._is_spent:
            return None
        if some not in self.answers:
            self.derived += 1
            knowledge = self.mixtures.of(some)
            self.answers[some] = outcome(knowledge, subject) if knowledge is not None else None
        return self.answers[some]

    def _standing_in(self, effect: Effect, old: Outcome, new: Outcome) -> list[int]:
        """The changes of rules and statements that stand in either proof, those nearest to the conclusion first."""
        named: dict[str, None] = {}
        for found, conclusion in ((new, effect.after), (old, effect.before)):
            if found.assessment is not None and conclusion is not None:
                for reason in reasons(found.assessment.why(conclusion.id)):
                    named.update(dict.fromkeys((reason.rule, *reason.statements)))
        rank = {name: i for i, name in enumerate(named)}
        found_ = [(min(rank.get(n, len(rank)) for n in (c.id, c.was)), i) for i, c in enumerate(self.mixtures.changes)]
        return [i for place, i in sorted(found_) if place < len(rank) and i in self.candidates]


def smallest(suffices: Callable[[Iterable[int]], bool], items: Sequence[int]) -> list[int]:
    """Some of the items, none of which can be left out, that suffice; those named first are kept before others.

    >>> smallest(lambda some: {2, 5} <= set(some), [1, 2, 3, 4, 5])
    [2, 5]
    """

    def needed(kept: list[int], added: bool, rest: Sequence[int]) -> list[int]:
        if added and suffices(kept):
            return []
        if len(rest) == 1:
            return list(rest)
        half = len(rest) // 2
        first, second = rest[:half], rest[half:]
        of_second = needed([*kept, *first], bool(first), second)
        of_first = needed([*kept, *of_second], bool(of_second), first)
        return [*of_first, *of_second]

    return needed([], False, items) if items else []
