"""Components of a program, from the lowest up: those that do not read each other are run together."""

from __future__ import annotations

from collections.abc import Sequence

from citelog.population.derivation.asked import ask_all
from citelog.population.derivation.fixpoint import to_fixpoint
from citelog.population.derivation.heads import gather
from citelog.population.derivation.state import Derivation, Found
from citelog.rules.program import Absent, Component, Present, Program


def run(derivation: Derivation, components: Sequence[Component]) -> None:
    """Run components from the lowest up."""
    program = derivation.program
    for level in levels(program, components):
        if level[0].recursive:
            to_fixpoint(derivation, level[0])
            continue
        numbers = [number for component in level for number in component.rules]
        ask_all(derivation, numbers)
        by_head: dict[str, list[Found]] = {}
        for number in numbers:
            by_head.setdefault(program.rules[number].predicate, []).append(derivation.found[number])
        gather(derivation, by_head)


def levels(program: Program, components: Sequence[Component]) -> list[list[Component]]:
    """Components that do not read each other together, the lowest first; one that uses itself is by itself."""
    level: dict[str, int] = {}
    found: dict[tuple[int, bool, int], list[Component]] = {}
    for number, component in enumerate(components):
        rules = [program.rules[n] for n in component.rules]
        read = {x.predicate for rule in rules for x in rule.body if isinstance(x, Present | Absent)}
        own = 1 + max((level.get(predicate, 0) for predicate in read), default=0)
        level |= {rule.predicate: own for rule in rules}
        found.setdefault((own, component.recursive, number if component.recursive else 0), []).append(component)
    return [found[key] for key in sorted(found)]


__all__ = ["levels", "run"]
