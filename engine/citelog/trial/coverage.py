"""What the cases of a knowledge base exercise, and what none of them does.

Counted are rules (fires in some case), literals (fails in some case where all else of its rule holds, so that it
decides), the sides of comparisons (a value below, at and above each limit), statements (cited by some firing),
conflicts and conclusions (drawn in some case). A mistake in what no case exercises would be seen by no test.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from citelog import patient
from citelog.answer import derive
from citelog.diagnostics import CaseError, CitelogError, did_you_mean
from citelog.evidence.sources import on_one_line
from citelog.explain.catalogue import catalogue
from citelog.explain.model import Model, shape
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Case
from citelog.rules.program import (
    Present,
    Rule,
    Variable,
)
from citelog.rules.shown import show_expression, show_literal
from citelog.run.result import Run
from citelog.trial.asking import SIDES, Measured, asking
from citelog.trial.joined import ROWS, holds, join, order
from citelog.values import Iri, Value

ASPECTS = ("rule", "literal", "side", "statement", "conflict", "conclusion")
"""What is counted, in the order in which it is told."""


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
            raise CitelogError(f"{name} is no rule of this knowledge base", hint)
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
        yield Point("literal", name, show_literal(literal), rule.name, (case,) if case else ())
        if measured := Measured.of(rule, position, self._shape):
            for limit in self._limits(rule, measured):
                for side in SIDES:
                    case = self._sides.get((rule.name, position, limit, side))
                    told = f"{show_expression(measured.value)} {side} {limit or show_expression(measured.limit)}"
                    where = "/".join(filter(None, (name, limit, side)))
                    yield Point("side", where, f"{told} in {show_literal(literal)}", rule.name, (case,) if case else ())

    def _limits(self, rule: Rule, measured: Measured) -> list[str]:
        return measured.limits(rule, self._shape, self.tried[0].model if self.tried else None)

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
            yield Point("statement", id_, f"“{on_one_line(statement.quote)}”", cases=cases)


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
