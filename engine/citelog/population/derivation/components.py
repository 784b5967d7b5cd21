"""Components of a program, each run as soon as what it reads is there."""

from __future__ import annotations

from collections.abc import Sequence

from citelog.population.derivation.asked import ask_all
from citelog.population.derivation.fixpoint import to_fixpoint
from citelog.population.derivation.heads import gather
from citelog.population.derivation.state import Derivation, Found
from citelog.population.derivation.together import together
from citelog.population.engines.engine import Work
from citelog.rules.program import Absent, Component, Present, Program


def run(derivation: Derivation, components: Sequence[Component]) -> None:
    """Run components, which stand in an order in which none reads a later one.

    Those that give values numbers do so in turn, so that these are always the same.
    """
    before = below(derivation.program, components)
    last = None
    for number, component in enumerate(components):
        if any(derivation.gives_numbers(rule) for rule in component.rules):
            before[number] |= set() if last is None else {last}
            last = number
    together(derivation.engine, [_work(derivation, component) for component in components], before)


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


def below(program: Program, components: Sequence[Component]) -> list[set[int]]:
    """The other components that each of them reads, by their places."""
    rules = [[program.rules[number] for number in component.rules] for component in components]
    place = {rule.predicate: number for number, some in enumerate(rules) for rule in some}
    read = ({x.predicate for rule in some for x in rule.body if isinstance(x, Present | Absent)} for some in rules)
    return [{place[one] for one in some if one in place} - {number} for number, some in enumerate(read)]


__all__ = ["below", "run"]
