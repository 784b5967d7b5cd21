"""How a fact that does not hold could: which rules come nearest, which literals fail, and what would mend them.

A plan is a set of wishes about the record, with the rules and literals that ask for them. It is a proposal: nobody
has derived anything from it yet. Plans are found by following the rules backwards through what holds; only what
a record can change is ever wished for, never a statement of the document.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property

from citelog.explain.model import Model, Shape
from citelog.explain.near import Instance, Nearby
from citelog.explain.origin import NEGATED, line, nearest, solve
from citelog.patient.predicates import NAMING, list_of
from citelog.patient.wanted import (
    SOME_RECORD,
    Args,
    Make,
    Unmake,
    Wish,
    names_one_each,
    needed,
    target,
    valued,
)
from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Comparison,
    Constant,
    Literal,
    Present,
    Rule,
    Variable,
    variables,
)
from citelog.run.arithmetic import compare
from citelog.run.result import instance, value_of
from citelog.values import Atom, Value

KEPT = 10
"""Plans that are kept of each fact that is wanted or not wanted."""

_ALIKE = 2
"""Of these, how many may be about the same facts of the same records; twice as many about the same records."""

_FAR = 10**9
"""What is added to a count to see which way a comparison needs it."""

_COMBINED = 256
"""Combinations of plans of which the cheapest are kept."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A literal that fails for some bindings, and what stands behind that: a rule that did not fire, or one that did.

    Without `behind`, the record itself is what fails.
    """

    literal: Literal
    bindings: Mapping[str, Value]
    behind: Miss | None = None


@dataclass(frozen=True, slots=True)
class Miss:
    """A rule that would have to fire and does not (`fired` False), or fires and would have to stop."""

    rule: Rule
    bindings: Mapping[str, Value]
    blocked: tuple[Blocked, ...]
    fired: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What the record would have to say, and the rules and literals that ask for it."""

    wishes: frozenset[Wish]
    behind: Miss | None = None

    @property
    def cost(self) -> tuple[int, int]:
        """How many records the wishes are about, and how much they ask of them."""
        return _cost(self.wishes)


@functools.lru_cache(maxsize=4096)
def _cost(wishes: frozenset[Wish]) -> tuple[int, int]:
    least = needed(wishes)
    return len({target(wish) for wish in least}), len(least)


@dataclass
class Planner:
    """Plans for one run, each worked out once.

    With `stuck`, what no record can change may fail as well: such plans lead nowhere, and say what is in the way.
    `alone` are the wishes of every plan about one record that came up on the way, also where it was not kept.
    """

    shape: Shape
    model: Model
    stuck: bool = False
    alone: dict[frozenset[Wish], None] = field(default_factory=dict)
    left_out: bool = False
    _wanted: dict[tuple[str, Args], tuple[Plan, ...]] = field(default_factory=dict)
    _unwanted: dict[tuple[Atom, frozenset[Atom]], tuple[Plan, ...]] = field(default_factory=dict)

    @cached_property
    def near(self) -> Nearby:
        """How near each rule is to firing."""
        return Nearby(self.shape, self.model, self.stuck)

    @property
    def cut(self) -> bool:
        """Whether some plan was not kept, or something that might have led to one not looked at."""
        return self.left_out or self.near.cut

    def establish(self, predicate: str, args: Args) -> tuple[Plan, ...]:
        """Plans for a fact of the pattern to hold, the cheapest first; none where no record can bring it about."""
        key = (predicate, args)
        if key not in self._wanted:
            self._wanted[key] = ()  # a fact is no way to itself
            if self.shape.is_recorded(predicate):
                found = [self._plain(Make(predicate, args))] if self._can_be_said(predicate, args) else []
            elif predicate in self.shape.changing:
                found = [plan for rule in self.shape.rules.get(predicate, ()) for plan in self._fire(rule, args)]
            else:
                found = []
            self._wanted[key] = self._cheapest(found)
        return self._wanted[key]

    def _plain(self, wish: Wish) -> Plan:
        plan = Plan(frozenset({wish}))
        self.alone[plan.wishes] = None
        return plan

    def _can_be_said(self, predicate: str, args: Args) -> bool:
        """Whether an entry can say a fact: one that is there keeps its list and its name."""
        if "record" not in self.shape.types(predicate):
            return False
        if args[1] in (None, SOME_RECORD):
            return True
        named, own = self.model.names.get(args[1]), list_of(predicate)
        if named is None or (own is not None and list_of(named[0]) != own):
            return False
        if own == "context":
            return named[0] == predicate
        return named[0] != predicate or args[2] in (None, named[1])

    def fire(self, rule: Rule) -> tuple[Plan, ...]:
        """Plans for a rule that fires nowhere to fire, the cheapest first."""
        return self._cheapest(self._fired(rule, {}))

    def _fire(self, rule: Rule, args: Args) -> Iterator[Plan]:
        bound = _unified(rule, args)
        if bound is not None:
            yield from self._fired(rule, bound)

    def _fired(self, rule: Rule, bound: Mapping[str, Value]) -> Iterator[Plan]:
        """Plans for a rule to fire with some bindings with which it does not."""
        for found in self.near.instances(rule, bound):
            held = self._held(rule, found, bound)
            options = [self._mend(literal, found.bindings, rule, held) for literal in found.failed]
            for chosen in self._together(options):
                wishes = frozenset().union(*(plan.wishes for plan in chosen))
                blocked = tuple(
                    Blocked(literal, found.bindings, plan.behind)
                    for literal, plan in zip(found.failed, chosen, strict=True)
                )
                yield Plan(wishes, Miss(rule, found.bindings, blocked))

    def _held(self, rule: Rule, found: Instance, bound: Mapping[str, Value]) -> frozenset[Atom]:
        """What holds and no other fact could stand for, if the rule is to fire with these bindings."""
        return frozenset(
            instance(literal, bound)
            for literal in rule.body
            if isinstance(literal, Present) and literal not in found.failed
            if all(isinstance(arg, Constant) or arg.name in bound for arg in literal.args)
        )

    def defeat(self, atom: Atom, held: frozenset[Atom] = frozenset()) -> tuple[Plan, ...]:
        """Plans for a fact to hold no longer: each of its firings has to lose a literal, but none that is `held`."""
        key = (atom, held)
        if atom in held:
            return ()
        if key not in self._unwanted:
            self._unwanted[key] = ()
            run = self.model.run
            if self.shape.is_recorded(atom.predicate):
                found = [self._plain(Unmake(atom))] if run.record(atom) is not None else []
            elif atom.predicate not in self.shape.changing:
                found = []
            else:
                options = []
                for firing in run.firings(atom):
                    literals = sorted(firing.rule.body, key=self._counts)
                    breaks = [
                        [
                            Plan(plan.wishes, Miss(firing.rule, row, (Blocked(literal, row, plan.behind),), fired=True))
                            for plan in self._break(literal, row, firing.rule, held)
                        ]
                        for row in firing.rows
                        for literal in literals
                    ]
                    options.append(self._cheapest(_in_turn(breaks)))
                found = [
                    Plan(frozenset().union(*(plan.wishes for plan in chosen)), chosen[0].behind)
                    for chosen in self._together(options)
                    if chosen
                ]
            self._unwanted[key] = self._cheapest(found)
        return self._unwanted[key]

    def nearest(self, predicate: str, args: Args, above: frozenset[str] = frozenset()) -> Miss | None:
        """The rule that comes nearest to giving a fact, whether or not a record could make it fire.

        It is told down to what fails, but never a second time of a predicate that it is asked of `above`.
        """
        near = (
            (rule, one)
            for rule in self.shape.rules.get(predicate, ())
            if (bound := _unified(rule, args)) is not None
            for one in self.near.instances(rule, bound)
        )
        nearest_of_all = min(near, key=lambda pair: (self._is_vain(pair[1]), len(pair[1].failed)), default=None)
        if nearest_of_all is None:
            return None
        rule, one = nearest_of_all
        blocked = []
        for literal in one.failed:
            plans = self._mend(literal, one.bindings, rule)
            behind = plans[0].behind if plans else self._nearest(literal, one.bindings, above | {predicate})
            blocked.append(Blocked(literal, one.bindings, behind))
        return Miss(rule, one.bindings, tuple(blocked))

    def _is_vain(self, found: Instance) -> bool:
        """Whether a premise that fails is one that no rule gives with such a value, whatever is recorded."""
        return any(
            value is not None and (possible := self.shape.possible(literal.predicate, place)) and value not in possible
            for literal in found.failed
            if isinstance(literal, Present) and literal.predicate in self.shape.rules
            for place, value in enumerate(instance(literal, found.bindings).args)
        )

    def _nearest(self, literal: Literal, row: Mapping[str, Value], above: frozenset[str]) -> Miss | None:
        if not isinstance(literal, Present) or literal.predicate in above:
            return None
        atom = instance(literal, row)
        return self.nearest(atom.predicate, atom.args, above)

    # --- one literal -------------------------------------------------------------------------------------------

    def _mend(
        self, literal: Literal, row: Mapping[str, Value], rule: Rule, held: frozenset[Atom] = frozenset()
    ) -> tuple[Plan, ...]:
        """Plans for a literal that fails to hold; what its rule needs besides is not taken away for it."""
        if isinstance(literal, Present):
            atom = instance(literal, row)
            return self.establish(atom.predicate, atom.args)
        if isinstance(literal, Absent):
            atom = instance(literal, row)
            rows = list(self.model.matching(atom.predicate, atom.args))
            return self._cheapest(
                Plan(frozenset().union(*(plan.wishes for plan in chosen)), chosen[0].behind)
                for chosen in self._together([self.defeat(Atom(atom.predicate, args), held) for args in rows])
                if chosen
            )
        return self._turn(literal, row, rule, wanted=True)

    def _break(
        self, literal: Literal, row: Mapping[str, Value], rule: Rule, held: frozenset[Atom] = frozenset()
    ) -> tuple[Plan, ...]:
        """Plans for a literal that holds to fail."""
        if isinstance(literal, Present):
            return self.defeat(instance(literal, row), held) if literal.predicate in self.shape.changing else ()
        if isinstance(literal, Absent):
            atom = instance(literal, row)
            return self.establish(atom.predicate, _somewhere(atom.args, self.shape.types(atom.predicate)))
        return self._turn(literal, row, rule, wanted=False)

    def _turn(
        self, literal: Comparison | Assignment, row: Mapping[str, Value], rule: Rule, *, wanted: bool
    ) -> tuple[Plan, ...]:
        """Plans for a comparison to come out otherwise: another number on record, or another term in a premise."""
        if isinstance(literal, Assignment):
            return ()
        operator = literal.operator if wanted else NEGATED[literal.operator]
        run, body = self.model.run, rule.body
        bound = solve(operator, line(literal.left, row, body, run), line(literal.right, row, body, run))
        if bound is not None:
            value = nearest(bound, bound.fact.args[bound.place])
            return () if value is None else (self._plain(valued(bound.fact, bound.place, value)),)
        found = [
            plan
            for premise in body
            if isinstance(premise, Present) and premise.predicate in self.shape.changing
            for place, arg in enumerate(premise.args)
            if isinstance(arg, Variable) and arg.name in variables(literal)
            for plan in (
                *self._otherwise(premise, place, arg.name, literal, operator, row),
                *self._recounted(premise, place, arg.name, literal, operator, row),
            )
        ]
        return self._cheapest(found)

    def _otherwise(
        self, premise: Present, place: int, name: str, literal: Comparison, operator: str, row: Mapping[str, Value]
    ) -> Iterator[Plan]:
        """A premise with another value in the place that a comparison looks at."""
        for value in self.shape.possible(premise.predicate, place):
            other = {**row, name: value}
            left, right = value_of(literal.left, other), value_of(literal.right, other)
            if left is not None and right is not None and compare(operator, left, right):
                atom = instance(premise, other)
                if not self.model.holds(atom.predicate, atom.args):
                    yield from self.establish(atom.predicate, atom.args)

    def _recounted(
        self, premise: Present, place: int, name: str, literal: Comparison, operator: str, row: Mapping[str, Value]
    ) -> Iterator[Plan]:
        """A count or sum with one thing more or one less of what is counted, whichever the comparison needs."""
        now = row.get(name)
        if not isinstance(now, int | Decimal):
            return
        atom = instance(premise, row)
        for rule in self.shape.rules.get(premise.predicate, ()):
            counted = rule.args[place]
            if isinstance(counted, Aggregate) and counted.function in ("count", "sum"):
                if self._holds_far(literal, operator, {**row, name: now + _FAR}):
                    yield from self._one_more(rule, counted, _unified(rule, atom.args) or {})
                if self._holds_far(literal, operator, {**row, name: now - _FAR}):
                    for firing in self.model.run.firings(atom):
                        for one in firing.rows if firing.rule == rule else ():
                            yield from (plan for part in rule.body for plan in self._break(part, one, rule))

    def _holds_far(self, literal: Comparison, operator: str, row: Mapping[str, Value]) -> bool:
        left, right = value_of(literal.left, row), value_of(literal.right, row)
        return left is not None and right is not None and compare(operator, left, right)

    def _one_more(self, rule: Rule, counted: Aggregate, bound: Mapping[str, Value]) -> Iterator[Plan]:
        """One thing more that a rule counts: a name that none has yet, a record that is not there or is not counted."""
        name = counted.variables[-1]
        for literal in rule.body:
            if isinstance(literal, Present):
                for place, arg in enumerate(literal.args):
                    if isinstance(arg, Variable) and arg.name == name:
                        is_record = self.shape.types(literal.predicate)[place] == "record"
                        values = (SOME_RECORD,) if is_record else self.shape.possible(literal.predicate, place)
                        for value in values:
                            yield from self._fired(rule, {**bound, name: value})
                        if is_record:
                            self.left_out = True  # several that differ by their days alone are not looked for
                            yield from self._fired(rule, bound)

    def _counts(self, literal: Literal) -> bool:
        """Whether a premise only counts what others name: it is the last to be looked at for a reason."""
        return isinstance(literal, Present) and any(r.aggregate for r in self.shape.rules.get(literal.predicate, ()))

    def _cheapest(self, plans: Iterable[Plan]) -> tuple[Plan, ...]:
        """The plans that ask for least; of those about the same names few, so that different ways are kept."""
        best: dict[frozenset[Wish], Plan] = {}
        for plan in plans:
            if names_one_each(plan.wishes):
                best.setdefault(plan.wishes, plan)
        self.alone |= dict.fromkeys(plan.wishes for plan in best.values() if plan.cost[0] == 1)
        kept: list[Plan] = []
        alike: Counter[frozenset[object]] = Counter()
        for plan in sorted(best.values(), key=lambda plan: plan.cost):
            names: frozenset[object] = frozenset(map(self._name, plan.wishes))
            facts: frozenset[object] = names | {(wish.predicate, self._name(wish)) for wish in plan.wishes}
            alike.update((names, facts))
            if alike[names] <= 2 * _ALIKE and alike[facts] <= _ALIKE and len(kept) < KEPT:
                kept.append(plan)
            else:
                self.left_out = True
        return tuple(kept)

    def _together(self, options: list[tuple[Plan, ...]]) -> Iterator[tuple[Plan, ...]]:
        """One plan of each: the cheapest combinations first, as many as are kept."""
        if not all(options):
            return
        places = itertools.product(*(range(min(len(one), KEPT if len(options) < 3 else 2)) for one in options))
        ordered = sorted(itertools.islice(places, _COMBINED), key=lambda chosen: (sum(chosen), chosen))
        kept = ordered[: KEPT * 2]
        self.left_out = self.left_out or len(kept) < math.prod(map(len, options))
        for chosen in kept:
            yield tuple(option[place] for option, place in zip(options, chosen, strict=True))

    def _name(self, wish: Wish) -> Value | None:
        """What a wish is about: the record that it changes, or the name of one that is not there yet."""
        args = wish.args if isinstance(wish, Make) else wish.atom.args
        record = args[1] if len(args) > 1 else None
        if record not in (None, SOME_RECORD) and record in self.model.names:
            return record
        return args[2] if wish.predicate in NAMING else None


def _unified(rule: Rule, args: Args) -> dict[str, Value] | None:
    """The bindings under which a rule's head is an instance of a pattern; None where it is not."""
    bound: dict[str, Value] = {}
    for term, value in zip(rule.args, args, strict=True):
        if value is None or isinstance(term, Aggregate):
            continue
        if isinstance(term, Constant):
            if term.value != value:
                return None
        elif bound.setdefault(term.name, value) != value:
            return None
    return bound


def _in_turn(options: Iterable[Iterable[Plan]]) -> Iterator[Plan]:
    """The first plan of each option, then the second of each: where few are kept, no option is lost to another."""
    for row in itertools.zip_longest(*options):
        yield from (plan for plan in row if plan is not None)


def _somewhere(args: Args, types: tuple[str, ...]) -> Args:
    return tuple(SOME_RECORD if a is None and t == "record" else a for a, t in zip(args, types, strict=True))
