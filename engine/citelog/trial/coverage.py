"""What the cases of a knowledge base exercise, and what none of them does.

Counted are rules (fires in some case), literals (fails in some case where all else of its rule holds, so that it
decides), the sides of comparisons (a value below, at and above each limit), statements (cited by some firing),
conflicts and conclusions (drawn in some case). A mistake in what no case exercises would be seen by no test.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from citelog import patient
from citelog.answer import derive
from citelog.diagnostics import CaseError, CitelogError, did_you_mean
from citelog.explain.catalogue import catalogue
from citelog.explain.model import Model, Shape, shape
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Case
from citelog.proof.words import number
from citelog.rules.program import (
    Absent,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Literal,
    Operation,
    Present,
    Rule,
    Variable,
    variables,
)
from citelog.run.arithmetic import compare
from citelog.run.result import Run, instance, value_of
from citelog.trial.implied import is_implied
from citelog.values import Iri, Value, show

ASPECTS = ("rule", "literal", "side", "statement", "conflict", "conclusion")
"""What is counted, in the order in which it is told."""

SIDES = {"below": "<", "at": "=", "above": ">"}
"""Where a value stands to a limit, and the sign that says so."""

ROWS = 5000
"""Ways in which the other literals of a rule hold that are looked at in one case, for one literal."""


@dataclass(frozen=True, slots=True)
class Point:
    """One thing that a case can exercise; `cases` are those that do, for a literal or a side the first.

    `name` is a rule's name, or an id; for a literal or a side it is the rule's name, the literal's place in the rule
    from 1, and for a side the limit (where the rule or a statement gives it) and where the value stands to it.
    """

    aspect: str
    name: str
    text: str
    rule: str = ""
    cases: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The point as data."""
        rule = {"rule": self.rule} if self.rule else {}
        return {"aspect": self.aspect, "name": self.name, **rule, "text": self.text, "cases": list(self.cases)}

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Point:
        """The point that was written as data."""
        return cls(data["aspect"], data["name"], data["text"], data.get("rule", ""), tuple(data["cases"]))


@dataclass(frozen=True, slots=True)
class Coverage:
    """What some cases exercise of a knowledge base; `unusable` are the files that are no cases, with the reason."""

    cases: tuple[str, ...]
    unusable: tuple[str, ...]
    points: tuple[Point, ...]

    @property
    def gaps(self) -> tuple[Point, ...]:
        """What no case exercises."""
        return tuple(point for point in self.points if not point.cases)

    def counts(self, aspect: str = "") -> tuple[int, int]:
        """How many points of an aspect (of all, where none is named) are exercised, and how many there are."""
        of = [point for point in self.points if aspect in ("", point.aspect)]
        return sum(bool(point.cases) for point in of), len(of)

    @property
    def percent(self) -> float:
        """The share of all points that some case exercises, in percent; 100 where there is nothing to exercise."""
        done, total = self.counts()
        return 100 * done / total if total else 100.0

    def of_rule(self, name: str) -> Coverage:
        """The points of one rule; raises CitelogError, naming the nearest, where there is no such rule."""
        points = tuple(point for point in self.points if point.rule == name)
        if not points:
            names = [point.name for point in self.points if point.aspect == "rule"]
            hint = did_you_mean(name, names) or "citelog show PREDICATE names the rules of a predicate"
            raise CitelogError(f"{name} is no rule of this knowledge base\n   = {hint}")
        return Coverage(self.cases, self.unusable, points)

    def to_dict(self) -> dict[str, Any]:
        """The coverage as data: the counts, and every point with the cases that exercise it."""
        counts = {aspect: self.counts(aspect) for aspect in ASPECTS}
        return {
            "cases": list(self.cases),
            "unusable": list(self.unusable),
            "percent": round(self.percent, 2),
            "counts": {aspect: {"exercised": done, "of": of} for aspect, (done, of) in counts.items()},
            "points": [point.to_dict() for point in self.points],
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Coverage:
        """The coverage that was written as data."""
        points = (Point.of_data(one) for one in data["points"])
        return cls(tuple(data["cases"]), tuple(data["unusable"]), tuple(points))


@dataclass(frozen=True, slots=True)
class Tried:
    """A case that was run, under the name of its file, and the day that it was assessed on."""

    name: str
    case: Case
    run: Run
    model: Model
    at: datetime.date | None


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a comparison was looked at: the case, and the bindings under which all else of its rule holds there."""

    tried: Tried
    row: Mapping[str, Value]


def coverage(knowledge: Knowledge, files: Iterable[Path]) -> Coverage:
    """What the cases in some files exercise."""
    return Survey(knowledge, files).coverage()


class Survey:
    """Every case run once, and what each was the first to exercise."""

    def __init__(self, knowledge: Knowledge, files: Iterable[Path]) -> None:
        self.knowledge = knowledge
        self.tried: list[Tried] = []
        self.unusable: list[str] = []
        for file in files:
            try:
                self.tried.append(run_of(knowledge, file.stem, patient.read(file, knowledge.terms)))
            except CaseError as error:
                self.unusable.append(str(error))
        self._shape = shape(knowledge)
        self._asking = {rule.name: asking(rule, self._shape) for rule in knowledge.program.rules}
        self._decided: dict[tuple[str, int], str] = {}
        self._sides: dict[tuple[str, int, str, str], str] = {}
        self.seen: dict[tuple[str, int, str], Seen] = {}
        for rule in knowledge.program.rules:
            for position in self._asking[rule.name]:
                self._look(rule, position)

    def coverage(self) -> Coverage:
        """What was found."""
        names = tuple(tried.name for tried in self.tried)
        points = tuple(self._points())
        ordered = sorted(points, key=lambda point: ASPECTS.index(point.aspect))
        return Coverage(names, tuple(self.unusable), tuple(ordered))

    # --- rules, their literals, the sides of their comparisons ------------------------------------------------------

    def _points(self) -> Iterator[Point]:
        rules = {rule.name: rule for rule in self.knowledge.program.rules}
        for point in reached(self.knowledge, [(tried.name, tried.run) for tried in self.tried]):
            yield point
            if point.aspect == "rule":
                for position in self._asking[point.name]:
                    yield from self._literal(rules[point.name], position)

    def _literal(self, rule: Rule, position: int) -> Iterator[Point]:
        literal, name = rule.body[position], f"{rule.name}/{position + 1}"
        case = self._decided.get((rule.name, position))
        yield Point("literal", name, written(literal), rule.name, (case,) if case else ())
        if measured := Measured.of(rule, position, self._shape):
            for limit in self._limits(rule, measured):
                for side in SIDES:
                    case = self._sides.get((rule.name, position, limit, side))
                    told = f"{expressed(measured.value)} {side} {limit or expressed(measured.limit)}"
                    where = "/".join(filter(None, (name, limit, side)))
                    yield Point("side", where, f"{told} in {written(literal)}", rule.name, (case,) if case else ())

    def _limits(self, rule: Rule, measured: Measured) -> list[str]:
        """The limits that a rule or the statements give; one without a name where the record gives both sides."""
        if not measured.is_fixed:
            return [""]
        model = self.tried[0].model if self.tried else None
        names = variables(measured.limit)
        values = {value_of(measured.limit, {})} if not names else set()
        if names and model is not None:
            rows = join(order(_about(names, rule, self._shape)), model)
            values = {value_of(measured.limit, row) for row in islice(rows, ROWS) if names <= row.keys()}
        return [_named(value) for value in sorted((v for v in values if v is not None), key=_sorting)]

    def _look(self, rule: Rule, position: int) -> None:
        """Every case, until nothing is left to find of a literal."""
        literal, measured = rule.body[position], Measured.of(rule, position, self._shape)
        others = order(tuple(part for at, part in enumerate(rule.body) if at != position))
        wanted = {(limit, side) for limit in self._limits(rule, measured) for side in SIDES} if measured else set()
        for tried in self.tried:
            if (rule.name, position) in self._decided and not wanted:
                return
            for row in islice(join(others, tried.model), ROWS):
                if not holds(literal, row, tried.model):
                    self._decided.setdefault((rule.name, position), tried.name)
                if measured:
                    limit, side = measured.stands(row)
                    self.seen.setdefault((rule.name, position, limit), Seen(tried, row))
                    self._sides.setdefault((rule.name, position, limit, side), tried.name)
                    wanted.discard((limit, side))
                if (rule.name, position) in self._decided and not wanted:
                    return

    def stands(self, rule: Rule, position: int, tried: Tried) -> set[tuple[str, str]]:
        """The limits of a comparison, and the sides on which a value stands to them in one case."""
        measured = Measured.of(rule, position, self._shape)
        others = order(tuple(part for at, part in enumerate(rule.body) if at != position))
        rows = islice(join(others, tried.model), ROWS) if measured else ()
        return {measured.stands(row) for row in rows} if measured else set()


# --- what is fired, cited and concluded -------------------------------------------------------------------------------


def reached(knowledge: Knowledge, runs: Sequence[tuple[str, Run]]) -> Iterator[Point]:
    """Every rule, statement that rules read, conflict that they show and conclusion, with the cases that reach it.

    `runs` are cases by name. Literals and the sides of limits, which take longer, are left to a Survey.
    """
    yield from _fired(knowledge, runs)
    yield from _statements(knowledge, runs)
    yield from _concluded(knowledge, runs)


def _fired(knowledge: Knowledge, runs: Sequence[tuple[str, Run]]) -> Iterator[Point]:
    fired = [(name, fired_by(run)) for name, run in runs]
    for place, rule in enumerate(knowledge.program.rules):
        cases = tuple(name for name, places in fired if place in places)
        yield Point("rule", rule.name, rule.display or rule.doc, rule.name, cases)


def _statements(knowledge: Knowledge, runs: Sequence[tuple[str, Run]]) -> Iterator[Point]:
    """The statements that a rule cites or reads a fact of, each with the cases where a firing does."""
    cited = [(name, set(_cited(run))) for name, run in runs]
    read = {s for statements in knowledge.stated.values() for s in statements}
    read |= {s for rule in knowledge.program.rules for s in rule.cites}
    for id_, statement in knowledge.statements.items():
        if id_ in read:
            cases = tuple(name for name, statements in cited if id_ in statements)
            yield Point("statement", id_, f"“{' / '.join(statement.quote.splitlines())}”", cases=cases)


def _concluded(knowledge: Knowledge, runs: Sequence[tuple[str, Run]]) -> Iterator[Point]:
    """The conflicts of the document that some rule shows for a patient, and every other conclusion."""
    goals = catalogue(knowledge)
    shown = {goal.value: goal for goal in goals.values() if goal.kind.sided}
    for id_, conflict in knowledge.conflicts.items():
        goal = shown.get(Iri(f"{knowledge.namespace}{id_}"))
        if goal is not None:
            yield Point("conflict", id_, conflict.title, cases=tuple(n for n, run in runs if goal.reached(run)))
    for id_, goal in goals.items():
        if not goal.kind.sided:  # those are counted as conflicts
            yield Point("conclusion", id_, goal.kind.title, cases=tuple(n for n, run in runs if goal.reached(run)))


def run_of(knowledge: Knowledge, name: str, case: Case) -> Tried:
    """A case, run on the day that it expects to be assessed on."""
    day = case.expect.at if case.expect else None
    at = datetime.date.fromisoformat(day) if day else None
    run = derive(knowledge, case, at)
    return Tried(name, case, run, Model(run), at)


def fired_by(run: Run) -> set[int]:
    """The places in the program of the rules that fired."""
    return {place for held in run.facts.values() for firings in held.values() for place, _ in firings}


def _cited(run: Run) -> Iterator[str]:
    """The statements that firings cite, or of which they read a fact."""
    for place in fired_by(run):
        yield from run.program.rules[place].cites
    read = {predicate for predicate, _ in run.stated}
    for held in run.facts.values():
        for firings in held.values():
            for place, rows in firings:
                rule = run.program.rules[place]
                for literal in rule.body:
                    if isinstance(literal, Present) and literal.predicate in read:
                        for row in rows:
                            known = dict(zip(rule.variables, row, strict=True))
                            args = (
                                known[a.name] if isinstance(a, Variable) else run.ids[type(a.value), a.value]
                                for a in literal.args
                            )
                            yield from run.stated.get((literal.predicate, tuple(args)), ())


# --- what of a rule looks at the record ------------------------------------------------------------------------------


def asking(rule: Rule, of: Shape) -> tuple[int, ...]:
    """The places of the literals that a record can make true or false.

    Left out are what merely looks a number up in the knowledge, computations, that there is a patient, that there is
    some conclusion of a kind of which there is always one, and premises that the others imply.
    """
    moved = _moved(rule, of.changing)
    found = []
    for position, literal in enumerate(rule.body):
        match literal:
            case Assignment():
                continue
            case Comparison():
                asks = bool(needs(literal) & moved)
            case Present() if literal.predicate in _always_one(of) and _is_open(literal, rule):
                asks = False
            case Present() | Absent() if literal.predicate in of.changing:
                asks = not (of.is_recorded(literal.predicate) and set(of.types(literal.predicate)) == {"patient"})
            case _:
                named = {a.name for a in literal.args if isinstance(a, Variable)}
                asks = bool(named) and named <= moved
        if asks and not is_implied(rule, position, of):
            found.append(position)
    return tuple(found)


@functools.lru_cache(maxsize=2048)
def _moved(rule: Rule, changing: frozenset[str]) -> frozenset[str]:
    """The variables of a rule that a record gives."""
    names: set[str] = set()
    for literal in rule.body:
        if isinstance(literal, Present) and literal.predicate in changing:
            names |= {arg.name for arg in literal.args if isinstance(arg, Variable)}
    for position in rule.plan:
        literal = rule.body[position]
        if isinstance(literal, Assignment) and variables(literal.expression) & names:
            names.add(literal.variable)
    return frozenset(names)


def _always_one(of: Shape) -> set[str]:
    return {kind.predicate for kind in of.knowledge.kinds if kind.exactly_one}


def _is_open(literal: Present, rule: Rule) -> bool:
    """Whether a premise holds of any value: no other premise, computation or constant says which."""
    others = {part.variable for part in rule.body if isinstance(part, Assignment)}
    for part in rule.body:
        if isinstance(part, Present) and part is not literal:
            others |= needs(part)
    return all(isinstance(arg, Variable) and arg.name not in others for arg in literal.args[1:])


@dataclass(frozen=True, slots=True)
class Measured:
    """A comparison that has an order: the value that is measured, and the limit, from the knowledge if `is_fixed`."""

    value: Expression
    limit: Expression
    is_fixed: bool

    @classmethod
    def of(cls, rule: Rule, position: int, shape_: Shape) -> Measured | None:
        """The literal at a place of a rule; None where it is no such comparison."""
        literal = rule.body[position]
        if not isinstance(literal, Comparison) or literal.operator in ("=", "!="):
            return None
        moved = _moved(rule, shape_.changing)
        if not variables(literal.left) & moved:
            return cls(literal.right, literal.left, True)
        return cls(literal.left, literal.right, not variables(literal.right) & moved)

    def stands(self, row: Mapping[str, Value]) -> tuple[str, str]:
        """The limit, where it has a name, and on which side of it the value stands; no side without a value."""
        value, limit = value_of(self.value, row), value_of(self.limit, row)
        if value is None or limit is None:
            return "", ""
        side = next(side for side, sign in SIDES.items() if compare(sign, value, limit))
        return (_named(limit) if self.is_fixed else ""), side


def _about(names: frozenset[str], rule: Rule, of: Shape) -> tuple[Literal, ...]:
    """The premises about the knowledge that some variables come from, and those that share variables with these."""
    fixed = [part for part in rule.body if isinstance(part, Present) and part.predicate not in of.changing]
    moved, known, found = _moved(rule, of.changing), set(names), []
    while more := [part for part in fixed if part not in found and needs(part) & known]:
        found += more
        known |= {name for part in more for name in needs(part)}
    computed = [p for p in rule.body if isinstance(p, Assignment) and p.variable in names and p.variable not in moved]
    return (*found, *computed)


def _named(value: Value) -> str:
    return number(value) if isinstance(value, Decimal) else show(value)


def _sorting(value: Value) -> tuple[str, Any]:
    return ("", value) if not isinstance(value, Iri | str) else (type(value).__name__, str(value))


# --- when literals hold together -------------------------------------------------------------------------------------


def needs(literal: Literal) -> frozenset[str]:
    """The variables that a literal names and does not make."""
    if isinstance(literal, Assignment):
        return variables(literal.expression)
    return frozenset(name for name in variables(literal) if not name.startswith("_"))


def order(literals: Sequence[Literal]) -> tuple[Literal, ...]:
    """Literals in an order in which each finds its variables bound; those that never would are left out."""
    left, bound, found = list(literals), set[str](), []
    while left:
        ready = [part for part in left if not isinstance(part, Present) and needs(part) <= bound]
        premises = [part for part in left if isinstance(part, Present)]
        if not ready and not premises:
            break
        chosen = ready[0] if ready else max(premises, key=lambda part: _known(part, bound))
        left.remove(chosen)
        found.append(chosen)
        bound |= needs(chosen) | ({chosen.variable} if isinstance(chosen, Assignment) else set())
    return tuple(found)


def _known(literal: Present, bound: set[str]) -> float:
    """How much of a premise is settled."""
    settled = sum(isinstance(arg, Constant) or arg.name in bound for arg in literal.args)
    return settled / max(1, len(literal.args))


def join(
    literals: Sequence[Literal], model: Model, row: Mapping[str, Value] | None = None
) -> Iterator[dict[str, Value]]:
    """The bindings under which literals hold together, in the order of the facts; `literals` are in their order."""
    bound = dict(row or {})
    if not literals:
        yield bound
        return
    first, rest = literals[0], literals[1:]
    if isinstance(first, Present):
        names = [a.name if isinstance(a, Variable) else "" for a in first.args]
        for values in model.matching(first.predicate, instance(first, bound).args):
            more = dict(bound)
            if all(more.setdefault(name, value) == value for name, value in zip(names, values, strict=True) if name):
                yield from join(rest, model, more)
    elif isinstance(first, Assignment):
        value = value_of(first.expression, bound)
        if value is not None and bound.setdefault(first.variable, value) == value:
            yield from join(rest, model, bound)
    elif holds(first, bound, model):
        yield from join(rest, model, bound)


def holds(literal: Literal, row: Mapping[str, Value], model: Model) -> bool:
    """Whether a literal holds under some bindings; what they leave open in a premise may be anything."""
    match literal:
        case Present():
            return next(join((literal,), model, row), None) is not None
        case Absent():
            return not model.holds(literal.predicate, instance(literal, row).args)
        case Comparison():
            left, right = value_of(literal.left, row), value_of(literal.right, row)
            return left is not None and right is not None and compare(literal.operator, left, right)
        case Assignment():
            return value_of(literal.expression, row) is not None


# --- literals as they are written ------------------------------------------------------------------------------------


def written(literal: Literal) -> str:
    """A literal as the author wrote it, without prefixes.

    >>> written(Absent("state", (Variable("p"), Constant(Iri("urn:x#fever")), Variable("_1"))))
    '~state(?p, fever, _)'
    """
    match literal:
        case Present(predicate, args):
            return f"{Iri(predicate).local}({', '.join(expressed(arg) for arg in args)})"
        case Absent(predicate, args):
            return f"~{Iri(predicate).local}({', '.join(expressed(arg) for arg in args)})"
        case Comparison(operator, left, right):
            return f"{expressed(left)} {operator} {expressed(right)}"
        case Assignment(variable, expression):
            return f"?{variable} = {expressed(expression)}"


def expressed(expression: Expression) -> str:
    """An expression as the author wrote it."""
    match expression:
        case Variable(name):
            return "_" if name.startswith("_") else f"?{name}"
        case Constant(value):
            return show(value)
        case Operation(sign, left, right):
            sides = [f"({expressed(s)})" if isinstance(s, Operation) else expressed(s) for s in (left, right)]
            return f"{sides[0]} {sign} {sides[1]}"
