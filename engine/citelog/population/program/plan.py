"""Which rules can be run on an entry alone, and which on a picture.

A patient's record is looked at twice. *Local* rules speak of one entry and of nothing else of the patient: what they
give is the same for every patient who has that entry, so each distinct entry is run through them once. All other rules
are *joint*: they run once for each distinct picture, which is what they can see of the entries and of the order of
their days. Everything here is decided by the program alone; no table is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from citelog.knowledge.base import Knowledge
from citelog.patient.facts import PATIENT
from citelog.patient.predicates import DATED
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
    variables,
)

ENTRY_WIDE = "patient"
"""The one predicate that holds of everyone."""

DAY = "evaluation_day"
"""The predicate of the day of the assessment, which is the same for everyone."""

WHEN_DAYS, SINCE_DAYS = DATED
"""The predicates of the days of an entry: its own, and its start."""


def beside_today(predicate: str) -> str:
    """The predicate of the days of an entry that says of them only how they lie to the day of the assessment."""
    return f"{predicate} beside {DAY}"


Place = tuple[str, int]
"""A predicate, and one of its arguments."""


@dataclass(frozen=True)
class Plan:
    """A program split into what runs on entries and what runs on pictures."""

    program: Program
    local: tuple[Component, ...]
    joint: tuple[Component, ...]
    shown: frozenset[str]
    """The predicates whose facts become conclusions or notes: all of them is seen."""
    exact_days: frozenset[str]
    """The predicates read from records of which the days themselves are seen, not their order alone."""

    @cached_property
    def joint_rules(self) -> tuple[Rule, ...]:
        """The rules that run on pictures."""
        return tuple(self.program.rules[n] for component in self.joint for n in component.rules)

    def met(self, components: Iterable[Component]) -> frozenset[str]:
        """The predicates that the rules of some components read, and those that are shown."""
        rules = (self.program.rules[n] for component in components for n in component.rules)
        return self.shown | {x.predicate for rule in rules for x in rule.body if isinstance(x, Present | Absent)}


def kept(program: Program, predicate: str) -> tuple[int, ...]:
    """The places of a predicate's arguments but for the patient."""
    return tuple(i for i, a in enumerate(program.predicates[predicate].arguments) if a.type != "patient")


def plan(knowledge: Knowledge, has_day: bool = True) -> Plan:
    """How the program of a knowledge base is run on many patients, with a day of the assessment or without one.

    Without one, rules that need it hold for nobody, and are left out.
    """
    shown = frozenset({kind.predicate for kind in knowledge.kinds} | set(knowledge.notes))
    never = frozenset[str]() if has_day else frozenset({DAY})
    program = _beside_today(knowledge.program)
    besides = frozenset(map(beside_today, (WHEN_DAYS, SINCE_DAYS)))
    entry_place = {
        name: records[0]
        for name, predicate in program.predicates.items()
        if predicate.layer == "patient"
        and len(records := [i for i, a in enumerate(predicate.arguments) if a.type == "record"]) == 1
        and (name in besides or not any(a.type == "date" for a in predicate.arguments))
    }
    changing = program.changing
    local, joint = [], []
    for whole in program.open:
        component = Component(tuple(n for n in whole.rules if not _reads(program.rules[n], never)), whole.recursive)
        found = {n: _entry(program.rules[n], changing, entry_place) for n in component.rules if not component.recursive}
        inside = {n: place for n, place in found.items() if place is not None}
        outside = tuple(n for n in component.rules if n not in inside)
        if inside:
            local.append(Component(tuple(inside), False))
        if outside:
            joint.append(Component(outside, component.recursive))
        elif len(places := set(inside.values())) == 1:
            [entry_place[program.rules[component.rules[0]].predicate]] = places
    locally = {n for component in local for n in component.rules}
    rules = (rule if n in locally else knowledge.program.rules[n] for n, rule in enumerate(program.rules))
    program = replace(program, rules=tuple(rules))
    made = Plan(program, tuple(local), tuple(joint), shown, frozenset())
    return replace(made, exact_days=_exact_days(made))


def _reads(rule: Rule, predicates: frozenset[str]) -> bool:
    """Whether a rule needs a fact of some predicates."""
    return any(isinstance(x, Present) and x.predicate in predicates for x in rule.body)


def _entry(rule: Rule, changing: frozenset[str], entry_place: Mapping[str, int]) -> int | None:
    """Where the head of a local rule names its entry; None for a rule that is not local."""
    entries = set[str]()
    for literal in rule.body:
        if not isinstance(literal, Present | Absent) or literal.predicate not in changing:
            continue
        if literal.predicate in (ENTRY_WIDE, DAY) and isinstance(literal, Present):
            continue
        place = entry_place.get(literal.predicate)
        about = literal.args[place] if place is not None else None
        if not isinstance(about, Variable):
            return None
        entries.add(about.name)
    if len(entries) != 1 or rule.aggregate:
        return None
    [name] = entries
    if not any(
        isinstance(literal, Present)
        and literal.predicate in entry_place
        and literal.args[entry_place[literal.predicate]] == Variable(name)
        for literal in rule.body
    ):
        return None
    return next((i for i, a in enumerate(rule.args) if a == Variable(name)), None)


# --- days --------------------------------------------------------------------------------------------------------


def _beside_today(program: Program) -> Program:
    """The program with rules that hold the days of an entry to the day of the assessment alone reading them as that.

    Of such a day it is enough to know on which side of that day it lies, and nothing of its order among others: so the
    rule may be run on the entry. One that cannot be for another reason, as it counts, reads the days as they stand in a
    picture, where that day is one of them.
    """
    more = {beside_today(name): replace(program.predicates[name], name=beside_today(name)) for name in DATED}
    rules = tuple(_reading_beside(rule) if _asks_the_side(rule) else rule for rule in program.rules)
    return replace(program, predicates=program.predicates | more, rules=rules)


def _asks_the_side(rule: Rule) -> bool:
    """Whether a rule does nothing with days but to compare those of entries with the day of the assessment."""
    present = [x for x in rule.body if isinstance(x, Present)]
    today = {x.args[1] for x in present if x.predicate == DAY}
    days = [arg for x in present if x.predicate in (WHEN_DAYS, SINCE_DAYS) for arg in x.args[2:]]
    own = {*days, *today}
    if len(today) != 1 or not days or len(own) != len(days) + 1 or not all(isinstance(arg, Variable) for arg in own):
        return False
    names = {arg.name for arg in own if isinstance(arg, Variable)}
    sides = [{x.left, x.right} for x in rule.body if isinstance(x, Comparison) and not names.isdisjoint(variables(x))]
    others = [x for x in rule.body if not isinstance(x, Comparison)]
    others = [x for x in others if not (isinstance(x, Present) and x.predicate in (DAY, WHEN_DAYS, SINCE_DAYS))]
    elsewhere = {name for x in others for name in variables(x)} | {a.name for a in rule.args if isinstance(a, Variable)}
    elsewhere |= {name for a in rule.args if isinstance(a, Aggregate) for name in a.variables}
    return names.isdisjoint(elsewhere) and all(len(side & today) == 1 and len(side & {*days}) == 1 for side in sides)


def _reading_beside(rule: Rule) -> Rule:
    """A rule that reads the days of entries as they lie to the day of the assessment."""
    body = (
        Present(beside_today(x.predicate), x.args)
        if isinstance(x, Present) and x.predicate in (WHEN_DAYS, SINCE_DAYS)
        else x
        for x in rule.body
    )
    return replace(rule, body=tuple(body))


def _exact_days(made: Plan) -> frozenset[str]:
    """The recorded predicates whose days meet more than each other's order in some joint rule.

    Days that are compared with nothing but days of the same record keep their order in a picture, and nothing else.
    Where none does, there is no order for the day of the assessment to have a place in.
    """
    program = made.program
    classes: dict[Place, Place] = {}
    exact: set[Place] = set()

    def root(place: Place) -> Place:
        while classes.setdefault(place, place) != place:
            place = classes[place]
        return place

    def join(places: list[Place]) -> None:
        for other in places[1:]:
            classes[root(other)] = root(places[0])

    def is_day(place: Place) -> bool:
        return program.predicates[place[0]].arguments[place[1]].type == "date"

    for rule in made.joint_rules:
        at: dict[str, list[Place]] = {}
        for literal in rule.body:
            if isinstance(literal, Present | Absent):
                for i, arg in enumerate(literal.args):
                    if isinstance(arg, Variable) and is_day((literal.predicate, i)):
                        at.setdefault(arg.name, []).append((literal.predicate, i))
        for i, head in enumerate(rule.args):
            if is_day((rule.predicate, i)):  # no rule has a day as a constant
                for name in head.variables[:1] if isinstance(head, Aggregate) else variables(head):
                    at.setdefault(name, []).append((rule.predicate, i))
        computed = {name for literal in rule.body if isinstance(literal, Assignment) for name in variables(literal)}
        exact.update(place for name in computed for place in at.get(name, ()))
        for literal in rule.body:
            if isinstance(literal, Comparison):
                sides = (literal.left, literal.right)
                if computed.isdisjoint(variables(literal)) and all(isinstance(side, Variable) for side in sides):
                    join([place for side in sides for name in variables(side) for place in at.get(name, ())])
                else:
                    exact.update(place for name in variables(literal) for place in at.get(name, ()))
        for places in at.values():
            join(places)
    for name, predicate in program.predicates.items():
        places = [(name, i) for i in range(len(predicate.arguments)) if is_day((name, i))]
        if name in made.shown or predicate.layer == "knowledge":
            exact.update(places)
        elif predicate.layer == "patient":
            join(places)  # a picture has both ends of a record's days as they are, or both in their order
    roots = {root(one) for one in exact}
    found = frozenset(
        place[0] for place in list(classes) if root(place) in roots and program.predicates[place[0]].layer == "patient"
    )
    return found | {DAY} if found.issuperset(DATED) else found


# --- rules as they are run ---------------------------------------------------------------------------------------


def of_one_patient(rule: Rule, program: Program) -> Rule:
    """A rule with its variables for the patient replaced: a run knows one."""
    names = {
        arg.name
        for literal in rule.body
        if isinstance(literal, Present | Absent)
        for arg, argument in zip(literal.args, program.predicates[literal.predicate].arguments, strict=True)
        if argument.type == "patient" and isinstance(arg, Variable)
    }
    if not names:
        return rule

    def arg(one: Variable | Constant) -> Variable | Constant:
        return Constant(PATIENT) if isinstance(one, Variable) and one.name in names else one

    def part(one: Expression) -> Expression:
        if isinstance(one, Operation):
            return Operation(one.operator, part(one.left), part(one.right))
        return arg(one)

    body: list[Present | Absent | Comparison | Assignment] = []
    for literal in rule.body:
        match literal:
            case Present(predicate, args):
                body.append(Present(predicate, tuple(map(arg, args))))
            case Absent(predicate, args, assumed):
                body.append(Absent(predicate, tuple(map(arg, args)), assumed))
            case Comparison(sign, left, right):
                body.append(Comparison(sign, part(left), part(right)))
            case _:
                body.append(Assignment(literal.variable, part(literal.expression)))
    return replace(
        rule,
        args=tuple(one if isinstance(one, Aggregate) else arg(one) for one in rule.args),
        body=tuple(body),
        variables=tuple(v for v in rule.variables if v not in names),
    )


__all__ = ["Plan", "kept", "of_one_patient", "plan"]
