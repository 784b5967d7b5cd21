"""Cases that would exercise what no case does: the nearest case, changed as little as it takes, and tried.

A suggestion says what the rules give now, which is not what the document says until its author has read it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import yaml

from citelog import patient
from citelog.answer import derive
from citelog.assess import Assessment
from citelog.explain.catalogue import Goal, catalogue
from citelog.explain.model import Model, shape
from citelog.explain.near import Nearby
from citelog.explain.origin import line, nearest, solve
from citelog.explain.plans import Plan, Planner
from citelog.patient.case import LISTS, NAME_KEY, Case, Item, Recorded
from citelog.patient.changes import Change, apply, merged, told
from citelog.patient.wanted import valued, ways
from citelog.proof.support import premises
from citelog.rules.program import Constant, Rule, Variable
from citelog.run.result import Run
from citelog.trial.asking import SIDES, Measured
from citelog.trial.coverage import Point, Survey, Tried, fired_by, run_of
from citelog.values import Iri

AT_MOST = 8
"""Cases that are given; for at most three times as many gaps is one looked for."""

CLOSE = 3
"""Cases from which it is looked for."""

DERIVED = 24
"""Changed records that are tried for one gap, from one case."""

PLANNED = 4
"""Records from which planning goes on."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A case for one gap: the case that it is made from, the changes in words, and the new case's text."""

    point: Point
    base: str
    changes: tuple[str, ...]
    text: str

    def to_dict(self) -> dict[str, Any]:
        """The suggestion as data."""
        name = {"aspect": self.point.aspect, "name": self.point.name}
        return name | {"from": self.base, "changes": list(self.changes), "case": self.text}


def suggested(survey: Survey, gaps: Iterable[Point], most: int = AT_MOST) -> tuple[Suggestion, ...]:
    """Cases for the first gaps for which any is looked for: rules, sides, conflicts and conclusions.

    Each was read again and run, and does what it is for.
    """
    open_ = [point for point in gaps if point.aspect in ("rule", "side", "conflict", "conclusion")]
    found: dict[str, Suggestion] = {}
    for point in open_[: 3 * most]:
        if len(found) < most and (one := _case_for(point, survey)) is not None:
            found.setdefault(one.text, one)  # one case may do for several
    return tuple(found.values())


def _case_for(point: Point, survey: Survey) -> Suggestion | None:
    if point.aspect == "side":
        return _beside(point, survey)
    if point.aspect == "rule":
        rule = _rule(point, survey)
        return next(
            (made for tried in _closest([(rule, {})], survey) for made in _fired(point, rule, tried, survey)), None
        )
    known = catalogue(survey.knowledge)
    goal = known.get(point.name) or next(g for g in known.values() if g.kind.sided and _is_of(g, point))
    return next(
        (made for tried in _closest(_heads(goal, survey), survey) for made in _reached(point, goal, tried, survey)),
        None,
    )


def _is_of(goal: Goal, point: Point) -> bool:
    return isinstance(goal.value, Iri) and goal.value.local == point.name


def _rule(point: Point, survey: Survey) -> Rule:
    return next(rule for rule in survey.knowledge.program.rules if rule.name == point.rule)


def _heads(goal: Goal, survey: Survey) -> list[tuple[Rule, dict[str, Any]]]:
    """The rules that give a conclusion, with its value in place."""
    found: list[tuple[Rule, dict[str, Any]]] = []
    for rule in shape(survey.knowledge).rules.get(goal.kind.predicate, ()):
        value = rule.args[1]
        if isinstance(value, Variable):
            found.append((rule, {value.name: goal.value}))
        elif isinstance(value, Constant) and value.value == goal.value:
            found.append((rule, {}))
    return found


def _closest(rules: list[tuple[Rule, dict[str, Any]]], survey: Survey) -> list[Tried]:
    """The cases in which a rule lacks least, those with fewer entries first."""

    def lacking(tried: Tried) -> tuple[int, int]:
        near = Nearby(shape(survey.knowledge), tried.model)
        fails = [len(one.failed) for rule, bound in rules for one in near.instances(rule, bound)]
        return min(fails, default=len(survey.tried)), len(tried.case.entries)

    return sorted(survey.tried, key=lacking)[:CLOSE]


# --- changes, tried --------------------------------------------------------------------------------------------------


def _fired(point: Point, rule: Rule, tried: Tried, survey: Survey) -> Iterator[Suggestion]:
    """Cases in which a rule fires; where one change is not enough, planning goes on from the case that it gives."""
    place = survey.knowledge.program.rules.index(rule)
    open_: list[tuple[Change, ...]] = [()]
    derived = planned = 0
    while open_ and planned < PLANNED:
        before = open_.pop(0)
        now = _changed(tried, before, survey)
        planned += 1
        for way in _ways(Planner(shape(survey.knowledge), now.model).fire(rule), now, survey):
            changes = merged(tried.case, before, way)
            if derived == DERIVED or not changes:
                break
            derived += 1
            made = _made(tried, changes, survey)
            if place in fired_by(made.run):
                yield _suggestion(point, tried, changes, made, survey)
            open_.append(changes)


def _reached(point: Point, goal: Goal, tried: Tried, survey: Survey) -> Iterator[Suggestion]:
    for near in Assessment.of(survey.knowledge, tried.case, tried.at).why_not(goal.id).near:
        made = _made(tried, near.changes, survey)
        if goal.reached(made.run):
            yield _suggestion(point, tried, near.changes, made, survey, goal.id)


def _beside(point: Point, survey: Survey) -> Suggestion | None:
    """A case with another number or date where one stands on the other side of the limit."""
    rule = _rule(point, survey)
    place, *_ = point.name.removeprefix(f"{rule.name}/").split("/")
    position, side = int(place) - 1, point.name.rpartition("/")[2]
    limit = point.name.removeprefix(f"{rule.name}/{place}/").removesuffix(side).removesuffix("/")
    seen = survey.seen.get((rule.name, position, limit))
    measured = Measured.of(rule, position, shape(survey.knowledge))
    if seen is None or measured is None:
        return None
    run, tried = seen.tried.run, seen.tried
    bound = solve(SIDES[side], *(line(s, seen.row, rule.body, run) for s in (measured.value, measured.limit)))
    value = nearest(bound, bound.fact.args[bound.place]) if bound else None
    if bound is None or value is None:
        return None
    plan = Plan(frozenset({valued(bound.fact, bound.place, value)}))
    for changes in islice(_ways((plan,), tried, survey), DERIVED):
        made = _made(tried, changes, survey)
        if (limit, side) in survey.stands(rule, position, made):
            return _suggestion(point, tried, changes, made, survey)
    return None


def _ways(plans: Iterable[Plan], tried: Tried, survey: Survey) -> Iterator[tuple[Change, ...]]:
    seen = set()
    for plan in plans:
        for changes in ways(plan.wishes, tried.case, survey.knowledge.terms):
            if changes and frozenset(changes) not in seen:
                seen.add(frozenset(changes))
                yield changes


def _changed(tried: Tried, changes: tuple[Change, ...], survey: Survey) -> Tried:
    """The changed case; its entries keep their places."""
    case = apply(tried.case, changes, survey.knowledge.terms)
    run = derive(survey.knowledge, case, tried.at)
    return Tried(tried.name, case, run, Model(run), tried.at)


def _made(tried: Tried, changes: tuple[Change, ...], survey: Survey) -> Tried:
    """The changed case, as it is once it has been written down and read again."""
    case = apply(tried.case, changes, survey.knowledge.terms)
    tree = _tree(case) | ({"expect": {"at": tried.at.isoformat()}} if tried.at else {})
    return run_of(survey.knowledge, tried.name, patient.read(tree, survey.knowledge.terms))


def _suggestion(
    point: Point, tried: Tried, changes: tuple[Change, ...], made: Tried, survey: Survey, wanted: str = ""
) -> Suggestion:
    knowledge = survey.knowledge
    said = tuple(
        told(change, apply(tried.case, changes[:i], knowledge.terms), knowledge.terms)
        for i, change in enumerate(changes)
    )
    found = Assessment.of(knowledge, made.case, made.at)
    include = [wanted] if wanted else _by_rule(point.rule, found) or _decided(found) or _all(found)
    exclude = _not_by_rule(point.rule, found) if point.aspect == "side" else []
    expect: dict[str, Any] = {key: ids for key, ids in (("include", include), ("exclude", exclude)) if ids}
    expect |= {"at": tried.at.isoformat()} if tried.at else {}
    tree = _tree(made.case) | ({"expect": expect} if expect else {})
    text = yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, default_flow_style=None, width=10_000)
    return Suggestion(point, tried.name, said, text)


def _by_rule(name: str, found: Assessment) -> list[str]:
    """The conclusions that rest on a firing of a rule."""
    ids = (c.id.partition("#")[0] for c in found.conclusions if name in _under(c.atom, found.run))
    return list(dict.fromkeys(ids))


def _not_by_rule(name: str, found: Assessment) -> list[str]:
    """The conclusions that a rule gives, where nothing gives them: beyond a limit they are not to be had."""
    (rule,) = (rule for rule in found.knowledge.program.rules if rule.name == name)
    goals = catalogue(found.knowledge).values()
    given = [
        goal.id for goal in goals if goal.kind.predicate == rule.predicate and rule.args[1] == Constant(goal.value)
    ]
    return [id_ for id_ in given if id_ not in _all(found)]


def _all(found: Assessment) -> list[str]:
    """The conclusions, of several with one value the value once."""
    return list(dict.fromkeys(c.id.partition("#")[0] for c in found.conclusions))


def _decided(found: Assessment) -> list[str]:
    """The conclusions of which there is always one."""
    kinds = {kind.name for kind in found.knowledge.kinds if kind.exactly_one}
    return [c.id for c in found.conclusions if c.kind in kinds]


def _under(atom: Any, run: Run) -> set[str]:
    """The names of all rules under a fact."""
    names, open_, seen = set[str](), [atom], {atom}
    while open_:
        for firing in run.firings(open_.pop()):
            names.add(firing.rule.name)
            new = [premise for premise in premises(firing) if premise not in seen]
            seen.update(new)
            open_ += new
    return names


def _tree(case: Case) -> dict[str, Any]:
    """A case as a case file has it."""
    tree: dict[str, Any] = {}
    for list_ in LISTS:
        entries = [_entry(item) for item in case.gathered.items if item.list == list_]
        tree |= {list_: entries} if entries else {}
    context = {key: _plain("value", value) for key, (value, _) in case.gathered.context.items()}
    return tree | ({"context": context} if context else {}) or {"labs": []}


def _entry(item: Item) -> dict[str, Any]:
    name = next(iter(item.codes), item.name)
    return {NAME_KEY[item.list]: name, **{key: _plain(key, value) for key, value in item.keys.items()}}


def _plain(key: str, value: Recorded) -> Recorded | int | float:
    """A result without quotes where it keeps its digits so; any other value as it is."""
    if key == "value" and isinstance(value, str):
        for read in (int, float):
            with contextlib.suppress(ValueError):
                if str(read(value)) == value:
                    return read(value)
    return value
