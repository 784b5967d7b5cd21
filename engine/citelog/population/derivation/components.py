"""Components of a program, each run as soon as what it reads is there."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from citelog.population.derivation.asked import ask_all
from citelog.population.derivation.fixpoint import to_fixpoint
from citelog.population.derivation.heads import gather
from citelog.population.derivation.state import Derivation, Found
from citelog.population.engines.engine import Work
from citelog.rules.program import Absent, Component, Present, Program


def run(derivation: Derivation, components: Sequence[Component]) -> None:
    """Run components, which stand in an order in which none reads a later one."""
    engine, ahead = derivation.engine, _Ahead.of(derivation, components)
    works = [_work(derivation, component) for component in components]
    whose: dict[str, int] = {}
    counts: list[dict[str, int]] = [{} for _ in works]
    left = [0] * len(works)
    ready = deque(ahead.first())
    while ready or whose:
        while ready:
            number = ready.popleft()
            try:
                tables = works[number].send(counts[number]) if counts[number] else next(works[number])
            except StopIteration:
                ready.extend(ahead.after(number))
                continue
            engine.begin(tables)
            whose |= dict.fromkeys(tables, number)
            counts[number], left[number] = {}, len(tables)
        for name, count in engine.finished().items() if whose else ():
            number = whose.pop(name)
            counts[number][name] = count
            left[number] -= 1
            if not left[number]:
                ready.append(number)


def _work(derivation: Derivation, component: Component) -> Work:
    """What there is to do for a component: first its rules, then the predicates that they derive."""
    if component.recursive:
        to_fixpoint(derivation, component)
        return
    yield from ask_all(derivation, component.rules)
    by_head: dict[str, list[Found]] = {}
    for number in component.rules:
        by_head.setdefault(derivation.program.rules[number].predicate, []).append(derivation.found[number])
    yield from gather(derivation, by_head)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What is still to be done before each component, and who waits for it."""

    missing: list[int]
    waiting: list[list[int]]

    @classmethod
    def of(cls, derivation: Derivation, components: Sequence[Component]) -> _Ahead:
        """What components read of each other; and those that give values numbers do so in turn, always the same."""
        program = derivation.program
        maker = {program.rules[n].predicate: i for i, component in enumerate(components) for n in component.rules}
        waiting: list[list[int]] = [[] for _ in components]
        missing = [0] * len(components)
        last = None
        for i, component in enumerate(components):
            before = {maker[predicate] for predicate in read(program, component) if predicate in maker} - {i}
            if any(derivation.numbers(rule) for rule in component.rules):
                before |= set() if last is None else {last}
                last = i
            missing[i] = len(before)
            for one in before:
                waiting[one].append(i)
        return cls(missing, waiting)

    def first(self) -> list[int]:
        """Those that wait for nothing."""
        return [number for number, missing in enumerate(self.missing) if not missing]

    def after(self, done: int) -> list[int]:
        """Those that waited for nothing but one that is done."""
        for number in self.waiting[done]:
            self.missing[number] -= 1
        return [number for number in self.waiting[done] if not self.missing[number]]


def read(program: Program, component: Component) -> set[str]:
    """The predicates that the rules of a component read."""
    rules = [program.rules[number] for number in component.rules]
    return {x.predicate for rule in rules for x in rule.body if isinstance(x, Present | Absent)}


def levels(program: Program, components: Sequence[Component]) -> list[list[Component]]:
    """Components that do not read each other together, the lowest first; one that uses itself is by itself."""
    level: dict[str, int] = {}
    found: dict[tuple[int, bool, int], list[Component]] = {}
    for number, component in enumerate(components):
        own = 1 + max((level.get(predicate, 0) for predicate in read(program, component)), default=0)
        level |= {program.rules[n].predicate: own for n in component.rules}
        found.setdefault((own, component.recursive, number if component.recursive else 0), []).append(component)
    return [found[key] for key in sorted(found)]


__all__ = ["levels", "run"]
