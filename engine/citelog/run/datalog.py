"""A program run by pyDatalog, one rule body at a time, from the lowest component up.

pyDatalog is driven through its engine objects, never by strings (its `load` is `exec`). It is given
one *firing relation* a rule, over all the rule's variables, whose body sees only plain facts; the
answers are the firings, and their heads are asserted as facts for what comes next. A recursive
component is repeated until nothing new comes, with the newest facts in one literal at a time, so
nothing recursive ever reaches pyDatalog, which would hang on it.

Every value reaches pyDatalog as a whole number, its place in a table of values. None of what
pyDatalog does to values (rounding floats, reading "True" as a boolean, taking 1 for true) can happen
to a number that stands for a value; comparison and arithmetic are ours (arithmetic.py).

Threads: pyDatalog keeps its state by thread. A Machine belongs to the thread that made it. It holds
the knowledge, which runs only read; each run works on a copy of the state with predicates of its own.
"""

from __future__ import annotations

import functools
import gc
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyDatalog import Logic
from pyDatalog import pyEngine as engine

from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Comparison,
    Component,
    Constant,
    Expression,
    Operation,
    Present,
    Program,
    Rule,
    Variable,
)
from citelog.run.arithmetic import aggregate, compare, evaluate
from citelog.run.result import Held, Ids, Run
from citelog.values import Atom, Value

DEADLINE = 10.0
"""Seconds of processor time that one run may take unless told otherwise, so that a busy machine answers the same.

What needs longer is an error, never a missing answer.
"""

_LARGE = 10_000
"""A body whose relations multiply to more rows than this looks at the clock after each literal."""


@functools.cache
def reasoner() -> str:
    """The reasoner and its version, as installed (the module's own version number is another)."""
    folder = Path(engine.__file__).parent.parent
    found = sorted(folder.glob("[pP]y[dD]atalog-*.dist-info"))  # pip spells it both ways
    if len(found) == 1:  # reading the metadata properly costs each start some 20 ms
        return f"pyDatalog {found[0].name.partition('-')[2].removesuffix('.dist-info')}"
    from importlib.metadata import version

    return f"pyDatalog {version('pyDatalog')}"


class DeadlineError(Exception):
    """A run that took longer than it may."""


Seen = tuple[str, int, int]
"""A value (its number) that stands in some fact of a predicate, at a place."""


@dataclass(slots=True)
class _Plan:
    """A rule made ready: its literals in running order, with pyDatalog's terms for their arguments.

    `needs` are the constants of its premises: a rule of which one stands in no fact is not asked.
    """

    number: int
    rule: Rule
    reads: tuple[str, ...]
    steps: list[Callable[[_Facts, str], Any]]
    goal: Any
    recursive: list[int]
    needs: tuple[Seen, ...]


class _Facts:
    """The facts of one run: ours, with their firings, and pyDatalog's, grown together."""

    def __init__(
        self,
        values: list[Value],
        ids: dict[tuple[type, Value], int],
        consts: list[Any],
        watched: Mapping[str, tuple[int, ...]],
    ) -> None:
        self.values, self.ids, self.consts, self.watched = values, ids, consts, watched
        self.table: dict[str, dict[Ids, list[Held]]] = {}
        self.rounds: dict[tuple[str, Ids], int] = {}
        self.seen: set[Seen] = set()
        self.deadline = 0.0
        self.counter = 0

    def intern(self, value: Value) -> int:
        key = (type(value), value)
        found = self.ids.get(key)
        if found is None:
            found = self.ids[key] = len(self.values)
            self.values.append(value)
            self.consts.append(engine.Const(found))
        return found

    def add(self, predicate: str, relation: str, ids: Ids) -> bool:
        """Make a fact known; False if it was."""
        rows = self.table.setdefault(predicate, {})
        if ids in rows:
            return False
        rows[ids] = []
        for place in self.watched.get(predicate, ()):
            self.seen.add((predicate, place, ids[place]))
        self.tell(relation, ids)
        return True

    def tell(self, relation: str, ids: Ids) -> None:
        engine.assert_(engine.Clause(engine.Literal(relation, [self.consts[i] for i in ids]), []))

    def check_clock(self) -> None:
        if time.thread_time() > self.deadline:
            raise DeadlineError("the derivation takes longer than it may; is the record that of one patient?")


class Machine:
    """A program and the knowledge under it, ready to be run for one patient after another in one thread."""

    def __init__(self, program: Program, stated: Mapping[Atom, tuple[str, ...]], deadline: float = DEADLINE) -> None:
        self.program = program
        self._relations = {name: f"p{i}" for i, name in enumerate(program.predicates)}
        self._logic = Logic()
        self._base = self._now = _Facts([], {}, [], _watched(program))
        self._firing: dict[int, Any] = {}
        self._asked: Any = None
        self._stated: dict[tuple[str, Ids], tuple[str, ...]] = {}
        self._below: dict[str, frozenset[str]] = {}
        changing = program.changing
        self._late: list[tuple[str, Ids]] = []
        read = {x.predicate for rule in program.rules for x in rule.body if isinstance(x, Present | Absent)}
        for atom, statements in stated.items():
            ids = tuple(self._base.intern(arg) for arg in atom.args)
            self._stated[atom.predicate, ids] = statements
            if atom.predicate in changing:
                self._late.append((atom.predicate, ids))
            elif atom.predicate in read:
                self._base.add(atom.predicate, self._relations[atom.predicate], ids)
            else:
                self._base.table.setdefault(atom.predicate, {})[ids] = []
        self._plans = [self._plan(i, rule) for i, rule in enumerate(program.rules)]
        self._base.deadline = time.thread_time() + deadline
        for component in program.fixed:
            self._solve(component, self._base)

    def run(
        self, given: Iterable[tuple[Atom, Value | None]], deadline: float = DEADLINE, wanted: str | None = None
    ) -> Run:
        """Derive everything for the given facts; with `wanted`, only what facts of that predicate can rest on.

        Raises DeadlineError after `deadline` seconds of processor time.
        """
        needed = self._rests_on(wanted) if wanted is not None else None
        base = self._base
        enabled = gc.isenabled()
        gc.disable()  # what a run makes is kept until it ends: the collector would only walk over it
        saved = Logic.tl.logic
        try:
            Logic(self._logic)
            facts = _Facts(base.values.copy(), base.ids.copy(), base.consts.copy(), base.watched)
            self._now = facts
            facts.deadline = time.thread_time() + deadline
            facts.table = dict(base.table)
            facts.rounds = base.rounds.copy()
            facts.counter = base.counter  # the names of relations go on: those of the knowledge are taken
            facts.seen = base.seen.copy()
            for predicate, ids in self._late:
                facts.add(predicate, self._relations[predicate], ids)
            read: dict[tuple[str, Ids], Value | None] = {}
            for atom, record in given:
                ids = tuple(facts.intern(arg) for arg in atom.args)
                facts.add(atom.predicate, self._relations[atom.predicate], ids)
                read[atom.predicate, ids] = record
            for component in self.program.open:
                if needed is None or not needed.isdisjoint(self.program.rules[n].predicate for n in component.rules):
                    self._solve(component, facts)
            return Run(self.program, facts.values, facts.ids, facts.table, self._stated, read, facts.rounds)
        finally:
            Logic.tl.logic = saved
            if enabled:
                gc.enable()

    def _rests_on(self, predicate: str) -> frozenset[str]:
        """A predicate, and every predicate that its facts can rest on."""
        if predicate not in self._below:
            found, open_ = {predicate}, [predicate]
            for current in open_:
                for rule in self.program.rules:
                    if rule.predicate == current:
                        read = {x.predicate for x in rule.body if isinstance(x, Present | Absent)}
                        open_ += sorted(read - found)
                        found |= read
            self._below[predicate] = frozenset(found)
        return self._below[predicate]

    # one component

    def _solve(self, component: Component, facts: _Facts) -> None:
        facts.check_clock()
        if not component.recursive:
            for number in component.rules:
                plan = self._plans[number]
                self._fire(plan, self._ask(plan, facts), facts, None, 0)
            return
        inside = {self.program.rules[n].predicate for n in component.rules}
        for predicate in inside:
            facts.table.setdefault(predicate, {})
        new: dict[str, list[Ids]] = {p: list(facts.table[p]) for p in inside}
        first, turn = True, max(facts.rounds.values(), default=0)  # one count: components rest on each other
        while first or any(new.values()):
            turn += 1
            fresh: dict[str, list[Ids]] = {p: [] for p in inside}
            marked = {}
            for predicate, rows in new.items():
                facts.counter += 1
                marked[predicate] = f"d{facts.counter}"
                for ids in rows:
                    facts.tell(marked[predicate], ids)
            answers: list[tuple[_Plan, list[Ids]]] = []
            for number in component.rules:
                plan = self._plans[number]
                places = [i for i in plan.recursive if plan.rule.body[i].predicate in inside]  # type: ignore[union-attr]
                if not places:
                    if first:
                        answers.append((plan, self._ask(plan, facts)))
                    continue
                found: dict[Ids, None] = {}
                for place in places:
                    predicate = plan.rule.body[place].predicate  # type: ignore[union-attr]
                    if new[predicate]:
                        found.update(dict.fromkeys(self._ask(plan, facts, place, marked[predicate])))
                answers.append((plan, list(found)))
            for plan, rows in answers:
                self._fire(plan, rows, facts, fresh, turn)
            new, first = fresh, False
            facts.check_clock()

    def _ask(self, plan: _Plan, facts: _Facts, place: int = -1, marked: str = "") -> list[Ids]:
        """The answers of a rule's firing relation, with the newest facts only in the literal at `place`."""
        if not facts.seen.issuperset(plan.needs):
            return []
        table = facts.table
        size = 1
        for predicate in plan.reads:
            rows = table.get(predicate)
            if not rows:
                return []
            size *= len(rows)
        watched = size > _LARGE
        body: list[Any] = []
        bound: dict[Any, Any] = {}
        steps = zip(plan.rule.plan, plan.steps, strict=True)
        # the newest facts come first: there are few of them, and they narrow all that follows
        for position, step in sorted(steps, key=lambda pair: pair[0] != place):
            literal = step(facts, marked if position == place else "")
            if literal is False:
                return []
            if literal is not None:
                body.append(literal)
                if watched:
                    bound.update((t.id, t) for t in literal.terms if not t.is_const())
                    body.append(_clock(facts, list(bound.values())))
        self._asked = engine.Clause(plan.goal, body)
        result = plan.goal.ask()
        return sorted(result or ())

    def _fire(self, plan: _Plan, rows: list[Ids], facts: _Facts, fresh: dict[str, list[Ids]] | None, turn: int) -> None:
        if not rows:
            return
        rule = plan.rule
        predicate, relation = rule.predicate, self._relations[rule.predicate]
        heads: dict[Ids, list[Ids]] = {}
        place = {v: i for i, v in enumerate(rule.variables)}
        getters = [
            place[a.name]
            if isinstance(a, Variable)
            else -1 - facts.intern(a.value)
            if isinstance(a, Constant)
            else None
            for a in rule.args
        ]
        for row in rows:
            head = tuple(-1 if g is None else row[g] if g >= 0 else -1 - g for g in getters)
            heads.setdefault(head, []).append(row)
        counted = rule.aggregate
        for head, members in heads.items():
            if counted:
                first = place[counted.variables[0]]
                keys = [place[v] for v in counted.variables]
                distinct = {tuple(row[k] for k in keys): row[first] for row in members}
                value = aggregate(counted.function, [facts.values[i] for i in distinct.values()])
                at = next(i for i, a in enumerate(rule.args) if isinstance(a, Aggregate))
                head = (*head[:at], facts.intern(value), *head[at + 1 :])
            if facts.add(predicate, relation, head) and fresh is not None:
                fresh[predicate].append(head)
                facts.rounds[predicate, head] = turn
            held = facts.table[predicate][head]
            if counted:
                held.append((plan.number, tuple(members)))
            else:
                held.extend((plan.number, (row,)) for row in members)

    # making a rule ready

    def _plan(self, number: int, rule: Rule) -> _Plan:
        reads, steps, recursive, needs = [], [], [], []
        for position in rule.plan:
            literal = rule.body[position]
            if isinstance(literal, Present):
                reads.append(literal.predicate)
                recursive.append(position)
                needs += [
                    (literal.predicate, place, self._base.intern(a.value))
                    for place, a in enumerate(literal.args)
                    if isinstance(a, Constant)
                ]
                steps.append(self._present(literal))
            elif isinstance(literal, Absent):
                steps.append(self._absent(literal))
            elif isinstance(literal, Comparison):
                steps.append(self._comparison(literal, f"c{number}_{position}"))
            else:
                steps.append(self._assignment(literal, f"a{number}_{position}"))
        arity = len(rule.variables)
        if arity not in self._firing:
            self._firing[arity] = _primitive(f"f{arity}", arity, self._fires)
        goal = engine.Literal(self._firing[arity], [engine.Var(v) for v in rule.variables])
        return _Plan(number, rule, tuple(reads), steps, goal, recursive, tuple(needs))

    def _fires(self, asked: Any, subgoal: Any) -> None:
        """What pyDatalog calls for a firing relation: its one clause, the body that is being asked."""
        subgoal.schedule((engine.ADD_CLAUSE, (subgoal, self._asked)))

    def _terms(self, args: Sequence[Variable | Constant]) -> list[Any]:
        return [
            engine.Var(a.name) if isinstance(a, Variable) else self._base.consts[self._base.intern(a.value)]
            for a in args
        ]

    def _present(self, literal: Present) -> Callable[[_Facts, str], Any]:
        relation, terms = self._relations[literal.predicate], self._terms(literal.args)
        return lambda facts, marked: engine.Literal(marked or relation, terms)

    def _absent(self, literal: Absent) -> Callable[[_Facts, str], Any]:
        predicate, relation, terms = literal.predicate, self._relations[literal.predicate], self._terms(literal.args)

        def step(facts: _Facts, marked: str) -> Any:
            # a predicate that has no facts is unknown to pyDatalog: its absence holds, and is not asked
            return engine.Literal("~" + relation, terms) if facts.table.get(predicate) else None

        return step

    def _comparison(self, literal: Comparison, name: str) -> Callable[[_Facts, str], Any]:
        order: dict[str, int] = {}
        left, right = _compiled(literal.left, order), _compiled(literal.right, order)
        terms, sign = [engine.Var(v) for v in order], literal.operator

        def holds(row: Sequence[Value]) -> bool:
            a, b = left(row), right(row)
            return a is not None and b is not None and compare(sign, a, b)

        if not terms:
            return lambda facts, marked: None if holds(()) else False

        def test(asked: Any, subgoal: Any) -> None:
            values = self._now.values
            if holds([values[t.id] for t in asked.terms]):
                subgoal.fact(True)

        made = engine.Literal(_primitive(name, len(terms), test), terms)
        return lambda facts, marked: made

    def _assignment(self, literal: Assignment, name: str) -> Callable[[_Facts, str], Any]:
        order: dict[str, int] = {}
        compute = _compiled(literal.expression, order)
        terms = [*(engine.Var(v) for v in order), engine.Var(literal.variable)]

        def produce(asked: Any, subgoal: Any) -> None:
            facts, given = self._now, asked.terms[:-1]
            value = compute([facts.values[t.id] for t in given])
            if value is not None:
                subgoal.fact(engine.Literal(asked.pred, [*given, facts.consts[facts.intern(value)]]))

        made = engine.Literal(_primitive(name, len(terms), produce), terms)
        return lambda facts, marked: made


def _watched(program: Program) -> Mapping[str, tuple[int, ...]]:
    """The places of each predicate at which some premise has a constant."""
    places: dict[str, set[int]] = {}
    for rule in program.rules:
        for literal in rule.body:
            if isinstance(literal, Present):
                constant = [i for i, a in enumerate(literal.args) if isinstance(a, Constant)]
                places.setdefault(literal.predicate, set()).update(constant)
    return {predicate: tuple(sorted(found)) for predicate, found in places.items()}


def _primitive(name: str, arity: int, function: Callable[[Any, Any], None]) -> Any:
    predicate = engine.Pred(name, arity)
    predicate.prearity = arity
    engine.insert(predicate).prim = function
    return predicate


def _clock(facts: _Facts, bound: list[Any]) -> Any:
    """A literal that always holds and looks at the clock, once for each binding of the variables before it."""

    def tick(asked: Any, subgoal: Any) -> None:
        facts.check_clock()
        subgoal.fact(True)

    facts.counter += 1
    return engine.Literal(_primitive(f"t{facts.counter}", len(bound), tick), bound)


def _compiled(expression: Expression, order: dict[str, int]) -> Callable[[Sequence[Value]], Value | None]:
    """An expression as a function of its variables' values, whose places it notes in `order`."""
    match expression:
        case Variable(name):
            place = order.setdefault(name, len(order))
            return lambda row: row[place]
        case Operation(sign, left, right):
            a, b = _compiled(left, order), _compiled(right, order)

            def compute(row: Sequence[Value]) -> Value | None:
                x, y = a(row), b(row)
                return None if x is None or y is None else evaluate(sign, x, y)

            return compute
        case _:
            value = expression.value
            return lambda row: value


__all__ = ["DEADLINE", "DeadlineError", "Machine", "reasoner"]
