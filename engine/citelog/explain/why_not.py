"""Why a conclusion was not reached, and the smallest changes of the record that would reach it.

Plans that follow the rules backwards propose changes; each is made to the record, everything is derived again, and
only what then reaches the conclusion is shown. Where a change is not enough, planning goes on from the record it gives.
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from citelog.answer import Answer, derive
from citelog.conclusions import Conclusion
from citelog.diagnostics import CitelogError, proposal
from citelog.explain.against import against
from citelog.explain.bounds import bounds
from citelog.explain.catalogue import Goal, goal
from citelog.explain.model import Model, shape
from citelog.explain.near import Nearby
from citelog.explain.obstacles import Obstacle, obstacle
from citelog.explain.origin import NEGATED, Bound, decimal, line, nearest, solve, tightest
from citelog.explain.plans import Planner
from citelog.explain.reading import new_day
from citelog.knowledge.base import Knowledge
from citelog.patient.case import KIND, Case, Recorded
from citelog.patient.changes import CONTEXT, Add, Change, Set, apply, merged, place_of, told
from citelog.patient.numbers import reading
from citelog.patient.wanted import PROBE, dated, measured, ways, with_number
from citelog.proof.support import premises
from citelog.proof.words import number
from citelog.rules.program import Comparison
from citelog.run.result import Run
from citelog.vocab import Terms

SHOWN = 3
"""Near misses at most."""

KEPT = 5
"""Near misses from which those that are shown are chosen."""

DERIVED = 40
"""Records that are derived from at most before the search gives up, and says so."""

SINGLE = 320
"""Of these, records with a single change are not counted, up to so many."""

PLANNED = 12
"""Records at most from which planning goes on."""

LONG = 100
"""Entries of a record up to which all this holds: of a longer one, as much less is tried as it is longer."""

MOST = 12
"""Changes of one way at most: what takes more is not near."""

_STEPS = 4
"""Bounds between a recorded number and another past which it is tried whether less of a change would do."""

_ROUND = 3
"""Changes that are tried of the same entries before others have their turn."""

FORMAT = "citelog-why-not/1"

_Subjects = frozenset[tuple[str, str]]


class ReachedError(CitelogError):
    """A conclusion of which it was asked why it was not reached, and which was."""


@dataclass(frozen=True, slots=True)
class NearMiss:
    """One way to the conclusion: what stands against it now, and changes of the record that were tried and reach it.

    `told` says each change in words, `ranges` what else would serve in place of a number, by the change's place.
    `reached` is the conclusion as it then stands; `gained` and `lost` are the other conclusions that come and go.
    """

    changes: tuple[Change, ...]
    told: tuple[str, ...]
    ranges: tuple[str, ...]
    obstacle: Obstacle
    reached: Conclusion
    gained: tuple[str, ...]
    lost: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The near miss as data."""
        return {
            "changes": [
                change.to_dict() | {"text": text} | ({"serves": serves} if serves else {})
                for change, text, serves in zip(self.changes, self.told, self.ranges, strict=True)
            ],
            "options": " ".join(map(str, self.changes)),
            "obstacle": self.obstacle.to_dict(),
            "reached": self.reached.to_dict(),
            "gained": list(self.gained),
            "lost": list(self.lost),
        }


@dataclass(frozen=True, slots=True)
class WhyNot:
    """Why a conclusion was not reached: the nearest ways to it, those first that change least.

    `instead` are the conclusions of its kind that were reached where there is exactly one. Without near misses,
    `obstacle` is what stands against it whatever is recorded; there is none where no rule concludes it (`is_drawn`
    false). `derived` counts the records that were tried;
    `complete` says that there was nothing else to try.
    """

    whose: Mapping[str, Any]
    conclusion: str
    instead: tuple[Conclusion, ...]
    near: tuple[NearMiss, ...]
    obstacle: Obstacle | None
    derived: int
    complete: bool
    is_drawn: bool = True

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-why-not/1`."""
        return {
            "format": FORMAT,
            **self.whose,
            "conclusion": self.conclusion,
            "reached": False,
            "some_rule_concludes_it": self.is_drawn,
            "instead": [{"id": c.id, "sentence": c.sentence} for c in self.instead],
            "near_misses": [near.to_dict() for near in self.near],
            "obstacle": self.obstacle.to_dict() if self.obstacle else None,
            "records_tried": self.derived,
            "search_complete": self.complete,
        }


def why_not(answer: Answer, conclusion: str) -> WhyNot:
    """Why a conclusion was not reached.

    Raises CitelogError where the knowledge base can never draw it, ReachedError where it was drawn.
    """
    wanted = goal(answer.knowledge, conclusion)
    if wanted.reached(answer.run):
        raise ReachedError(f"{wanted.id} was concluded for this record", f"ask {proposal('why', 'CASE', wanted.id)}")
    if not wanted.is_drawn:
        return WhyNot(answer.whose, wanted.id, (), (), None, 0, True, is_drawn=False)
    search = _Search(answer, wanted)
    near = search.nearest()
    instead = [c for c in answer.conclusions if c.kind == wanted.kind.name] if wanted.kind.exactly_one else []
    stands = None if near else search.standing()
    return WhyNot(answer.whose, wanted.id, tuple(instead), near, stands, search.derived, search.complete)


@dataclass(order=True, slots=True)
class _State:
    """A record to be tried: the changes that give it; `alone`: one change that no plan proposes by itself."""

    cost: int
    tries: int
    pains: int
    order: int
    changes: tuple[Change, ...]
    alone: bool = False


class _Search:
    """Changed records, those that change least first, until enough reach the goal or all were tried."""

    def __init__(self, answer: Answer, wanted: Goal) -> None:
        self.answer, self.goal = answer, wanted
        self.shape = shape(answer.knowledge)
        self.derived = self.planned = self.single = 0
        self.complete = True
        size = max(LONG, len(answer.case.entries))
        self._most, self._most_single = max(8, DERIVED * LONG // size), SINGLE * LONG // size
        self._planner = Planner(self.shape, Model(answer.run))
        self._queue: list[_State] = []
        self._seen: set[frozenset[Change]] = set()
        self._tries: Counter[_Subjects] = Counter()
        self._count = itertools.count()
        self._runs: dict[frozenset[Change], Run] = {}

    def nearest(self) -> tuple[NearMiss, ...]:
        """The near misses, verified: of those that change as much, first those that leave the record sound."""
        best: dict[_Subjects, tuple[tuple[Change, ...], int, tuple[str, ...]]] = {}
        for changes, troubles, ranges in self._found():
            best[_subjects(changes)] = changes, troubles, ranges
            if len(best) == KEPT:
                break
        found = sorted(best.values(), key=lambda one: (len(one[0]), one[1]))
        return tuple(self._near(changes, ranges) for changes, _, ranges in found[:SHOWN])

    def _found(self) -> Iterator[tuple[tuple[Change, ...], int, tuple[str, ...]]]:
        """Changes that reach the goal, each with how much is wrong with the changed record.

        Before two changes are tried together, each that any plan thought of is tried alone: it may serve two premises.
        Where changes leave more wrong with the record than there is, others of the same entries that leave less follow.
        """
        self._plan(self.answer.case, self.answer.run, ())
        accepted: dict[_Subjects, int] = {}
        sound = _wrong(self.answer.run, self.answer.knowledge)

        def is_known(subjects: _Subjects) -> bool:
            if subjects in accepted:
                return accepted[subjects] <= sound
            return any(one < subjects for one in accepted)

        swept = False
        while self._queue or not swept:
            if not swept and (not self._queue or self._queue[0].cost > 1):
                swept = True
                if not accepted:
                    self._queue_alone()
                continue
            state = heapq.heappop(self._queue)
            if accepted and state.cost > len(next(iter(accepted))) + (len(accepted) < SHOWN):
                return  # what is left changes more than what was found
            if is_known(_subjects(state.changes)):
                continue
            if state.cost == 1 and self.single < self._most_single:
                self.single += 1
            elif self.derived - self.single >= self._most:
                self.complete = False
                return
            case, run = self._derive(state.changes)
            if not self.goal.reached(run):
                if state.alone:
                    continue
                if self.planned < PLANNED:
                    self._plan(case, run, state.changes)
                else:
                    self.complete = False
                continue
            changes = self._smallest(state.changes)
            subjects = _subjects(changes)
            if is_known(subjects):
                continue  # the same with another word
            changes, ranges = self._ranged(changes)
            troubles = self._troubles(changes)
            if troubles is None:
                continue
            if subjects not in accepted or troubles < accepted[subjects]:
                accepted[subjects] = troubles
                yield changes, troubles, ranges

    def _troubles(self, changes: tuple[Change, ...]) -> int | None:
        """How many conclusions say that something is wrong with the changed record, or wanting.

        None where the rules give it none or several of a kind that has one: it has no answer, and reaches nothing.
        """
        case, _ = self._derive(changes)
        run = derive(self.answer.knowledge, case, self.answer.at, self.answer.deadline)
        single = [kind.predicate for kind in self.answer.knowledge.kinds if kind.exactly_one]
        return _wrong(run, self.answer.knowledge) if all(len(run.facts.get(p, ())) == 1 for p in single) else None

    def standing(self) -> Obstacle | None:
        """What stands against the goal whatever is recorded: the rule that comes nearest, and what it lacks."""
        planner = Planner(self.shape, Model(self.answer.run), stuck=True)
        miss = planner.nearest(self.goal.kind.predicate, self.goal.args)
        return obstacle(miss, self.answer) if miss else None

    # --- planning and trying -----------------------------------------------------------------------------------

    def _plan(self, case: Case, run: Run, changes: tuple[Change, ...]) -> None:
        terms = self.answer.knowledge.terms
        self.planned += 1
        planner = Planner(self.shape, Model(run)) if changes else self._planner
        for plan in planner.establish(self.goal.kind.predicate, self.goal.args):
            found = ways(plan.wishes, case, terms)
            self.complete = self.complete and bool(found)
            for way in found:
                both = merged(self.answer.case, changes, way)
                key = frozenset(both)
                if len(both) > MOST:
                    self.complete = False
                elif both and key not in self._seen:
                    self._seen.add(key)
                    pains = sum(_pain(change, self.answer.case, terms) for change in both)
                    subjects = _subjects(both)
                    tries = self._tries[subjects] // _ROUND
                    self._tries[subjects] += 1
                    heapq.heappush(self._queue, _State(len(both), tries, pains, next(self._count), both))
        self.complete = self.complete and not planner.cut

    def _queue_alone(self) -> None:
        """Each single change that any plan from the record as it is thought of, unless it was planned by itself.

        An entry that is added is tried with a date as well: a later one takes the place of others.
        """
        case, terms = self.answer.case, self.answer.knowledge.terms
        ways_ = [way for wishes in self._planner.alone for way in ways(wishes, case, terms) if len(way) == 1]
        day = new_day(self.answer)
        later = [(dated(change, day),) for [change] in ways_ if day and isinstance(change, Add)]
        for way in dict.fromkeys(way for way in (*ways_, *later) if frozenset(way) not in self._seen):
            self._seen.add(frozenset(way))
            heapq.heappush(self._queue, _State(1, 0, _pain(way[0], case, terms), next(self._count), way, alone=True))

    def _derive(self, changes: tuple[Change, ...]) -> tuple[Case, Run]:
        case = apply(self.answer.case, changes, self.answer.knowledge.terms)
        key = frozenset(changes)
        if key not in self._runs:
            self.derived += 1
            wanted = self.goal.kind.predicate  # what the goal cannot rest on is not derived
            self._runs[key] = derive(self.answer.knowledge, case, self.answer.at, self.answer.deadline, wanted)
        return case, self._runs[key]

    def _smallest(self, changes: tuple[Change, ...]) -> tuple[Change, ...]:
        """The changes without any that is not needed."""
        for change in changes if len(changes) > 1 else ():
            fewer = tuple(one for one in changes if one != change)
            if self.goal.reached(self._derive(fewer)[1]):
                return self._smallest(fewer)
        return changes

    # --- numbers: any within the same bounds would serve -------------------------------------------------------

    def _ranged(self, changes: tuple[Change, ...]) -> tuple[tuple[Change, ...], tuple[str, ...]]:
        """The changes with a probe moved to the bounds that the conclusion asks for, and those bounds in words."""
        ranges = []
        for index, change in enumerate(changes):
            bounds = self._bounds(changes, index)
            if bounds and _number(change) == PROBE:
                moved = self._moved(changes, index, bounds)
                if self.goal.reached(self._derive(moved)[1]):
                    changes = moved
            changes = self._nearer(changes, index)
            ranges.append(_range(self._within(changes, index)) if bounds else "")
        return changes, tuple(ranges)

    def _nearer(self, changes: tuple[Change, ...], index: int) -> tuple[Change, ...]:
        """The changes with the first number on the way from the recorded one that serves: past one bound, then more."""
        change = changes[index]
        if not isinstance(change, Set) or change.place == CONTEXT:
            return changes
        entry = next(entry for entry in self.answer.case.entries if entry.read_from == change.place)
        now, last = _plain(entry.keys.get(change.key)), _plain(change.value)
        if now is None or last is None:
            return changes
        tried = (*changes[:index], *changes[index + 1 :])
        for _ in range(_STEPS):
            lower, upper = tightest(self._leaving(tried, change))
            bound = upper if now < last else lower
            value = nearest(replace(bound, sign=NEGATED[bound.sign]), now) if bound else None
            if not isinstance(value, Decimal) or not min(now, last) < value < max(now, last):
                break
            tried = (*changes[:index], with_number(change, str(value)), *changes[index + 1 :])
            if self.goal.reached(self._derive(tried)[1]):
                return tried
            now = value
        return changes

    def _leaving(self, changes: tuple[Change, ...], change: Set) -> list[Bound]:
        """The bounds between which the number that a change is about leaves all as it is, after some changes."""
        case, run = self._derive(changes)
        record = next((e.record for e in case.entries if e.read_from == change.place), None)
        return list(bounds(Nearby(self.shape, Model(run)), measured(change), record)) if record else []

    def _within(self, changes: tuple[Change, ...], index: int) -> list[Bound]:
        """Between which bounds the number that a change records leaves everything as it is."""
        case, run = self._derive(changes)
        place = _place(self.answer.case, changes, index)
        record = next((e.record for e in case.entries if e.read_from == place), None)
        near = Nearby(self.shape, Model(run))
        found = list(bounds(near, measured(changes[index]), record)) if record else []
        return [] if near.cut else found  # where there may be others between them, no range is told

    def _bounds(self, changes: tuple[Change, ...], index: int) -> list[Bound]:
        """What the comparisons behind the goal ask of the number that a change records."""
        change = changes[index]
        over = measured(change)
        if not over:
            return []
        case, run = self._derive(changes)
        place = _place(self.answer.case, changes, index)
        record = next((e.record for e in case.entries if e.read_from == place), None)
        open_ = list(self.goal.reached(run))
        seen = set(open_)
        found: dict[tuple[str, Fraction], Bound] = {}
        while open_:
            for firing in run.firings(open_.pop()):
                body = firing.rule.body
                asked = [literal for literal in body if isinstance(literal, Comparison)]
                for literal, row in itertools.product(asked, firing.rows):
                    sides = (line(literal.left, row, body, run), line(literal.right, row, body, run))
                    bound = solve(literal.operator, *sides)
                    if bound and bound.fact.predicate == over and run.record(bound.fact) == record:
                        found[bound.sign, bound.limit] = bound
                new = [premise for premise in premises(firing) if premise not in seen]
                seen.update(new)
                open_ += new
        return list(found.values())

    def _moved(self, changes: tuple[Change, ...], index: int, bounds: list[Bound]) -> tuple[Change, ...]:
        upper = [bound for bound in bounds if bound.sign in ("<", "<=")]
        tightest = min(upper or bounds, key=lambda bound: bound.limit)
        value = nearest(tightest, Decimal(PROBE))
        change = changes[index]
        if value is None or not isinstance(change, Add | Set):
            return changes
        return (*changes[:index], with_number(change, str(value)), *changes[index + 1 :])

    def _near(self, changes: tuple[Change, ...], ranges: tuple[str, ...]) -> NearMiss:
        before, terms = self.answer, self.answer.knowledge.terms
        case, run = self._derive(changes)
        after = before.again(case)
        reached = next(c for c in after.conclusions if c.atom in self.goal.reached(run))
        ids = {c.id for c in after.conclusions}
        return NearMiss(
            changes,
            tuple(told(change, apply(before.case, changes[:i], terms), terms) for i, change in enumerate(changes)),
            ranges,
            against(reached.atom, after, before),
            reached,
            tuple(sorted(ids - set(before.by_id) - {reached.id})),
            tuple(sorted(set(before.by_id) - ids)),
        )


def _pain(change: Change, case: Case, terms: Terms) -> int:
    """What a change asks: least, to record what nobody has; most, to take back or contradict what is there."""
    vague = 2 * ("unknown" in [value for _, value in _said(change)])
    if isinstance(change, Add):
        term = terms.match(KIND[change.list], change.name)
        return vague + 3 * any(entry.term == term for entry in case.entries)
    return vague + (1 if isinstance(change, Set) and change.key != "unit" else 2)


def _said(change: Change) -> tuple[tuple[str, Recorded], ...]:
    return change.keys if isinstance(change, Add) else ((change.key, change.value),) if isinstance(change, Set) else ()


def _subject(change: Change) -> tuple[str, str]:
    """What a change is about, whatever it says of it."""
    if isinstance(change, Add):
        return change.list, change.name
    return change.place, change.key if change.place == CONTEXT else ""


def _subjects(changes: tuple[Change, ...]) -> _Subjects:
    return frozenset(map(_subject, changes))


def _wrong(run: Run, knowledge: Knowledge) -> int:
    """How many conclusions of a run say that something is wrong with the record, or wanting."""
    return sum(len(run.facts.get(kind.predicate, ())) for kind in knowledge.kinds if kind.about_record)


def _plain(value: Recorded | None) -> Decimal | None:
    """A recorded value as a number; None where it is none, or only a bound."""
    read = reading(value)
    return read.number if read and read.sign is None else None


def _number(change: Change) -> Recorded | None:
    """The number that a change records, where it adds it to the record."""
    if isinstance(change, Add):
        return dict(change.keys).get("value")
    return change.value if isinstance(change, Set) and change.place == CONTEXT else None


def _place(case: Case, changes: tuple[Change, ...], index: int) -> str:
    """The place of the entry that a change makes or changes."""
    return place_of(changes[index], apply(case, changes[:index], Terms()).gathered)


def _range(bounds: list[Bound]) -> str:
    """Bounds in words: which other numbers would do."""
    words = {">": "above", ">=": "from", "<": "below", "<=": "up to"}
    parts = [
        f"{words[b.sign]} {number(value)}" for b in tightest(bounds) if b and (value := decimal(b.limit)) is not None
    ]
    return f"any recorded value {' and '.join(parts)}" if parts else ""
