"""Works that ask for tables, each begun as soon as those before it are done; the tables of several are made at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence

from citelog.population.engines.engine import Engine, Work


def together(engine: Engine, works: Sequence[Work], before: Sequence[Collection[int]]) -> None:
    """Do all works; `before` has the numbers of those that must be done before each, which are no circle."""
    missing = [len(some) for some in before]
    waiting: list[list[int]] = [[] for _ in works]
    for number, some in enumerate(before):
        for one in some:
            waiting[one].append(number)
    whose: dict[str, int] = {}
    counts: list[dict[str, int]] = [{} for _ in works]
    left = [0] * len(works)
    ready = deque(number for number, count in enumerate(missing) if not count)
    while ready or whose:
        while ready:
            number = ready.popleft()
            try:
                tables = works[number].send(counts[number]) if counts[number] else next(works[number])
            except StopIteration:
                for one in waiting[number]:
                    missing[one] -= 1
                    if not missing[one]:
                        ready.append(one)
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


__all__ = ["together"]
