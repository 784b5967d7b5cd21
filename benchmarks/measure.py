"""Timing that can be compared: every task of a round is run once, in turn, before any is run again.

A shared machine is fast one second and slow the next. Tasks that take turns meet the same weather, so
the quotient of two of them says more than either time; times alone are never claims.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Times:
    """The times of one task in seconds, one a round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The time that half of the rounds stayed under."""
        return statistics.median(self.seconds)

    def ratio(self, other: Times) -> float:
        """This task's median over another's."""
        return self.median / other.median

    def spread(self, other: Times) -> tuple[float, float]:
        """The middle half of the ratios taken round by round."""
        ratios = sorted(a / b for a, b in zip(self.seconds, other.seconds, strict=True))
        return ratios[len(ratios) // 4], ratios[(3 * len(ratios)) // 4]

    def to_dict(self) -> dict[str, Any]:
        """For the JSON report, in milliseconds."""
        ms = sorted(round(s * 1e3, 4) for s in self.seconds)
        return {"n": len(ms), "median_ms": round(self.median * 1e3, 4), "min_ms": ms[0], "max_ms": ms[-1]}


def interleaved(tasks: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 2) -> dict[str, Times]:
    """Every task once a round, each round starting with the next task; `warmup` rounds are not counted.

    >>> sorted(interleaved({"a": int, "b": str}, rounds=3))
    ['a', 'b']
    """
    names = list(tasks)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(-warmup, rounds):
        shift = turn % len(names)
        for name in (*names[shift:], *names[:shift]):
            task = tasks[name]
            gc.collect()  # no task pays for what another left behind
            started = time.perf_counter()
            kept = task()
            seconds = time.perf_counter() - started
            del kept
            if turn >= 0:
                taken[name].append(seconds)
    return {name: Times(tuple(seconds)) for name, seconds in taken.items()}


def table(title: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Columns of text, the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [title, ""]
    for row in [head, tuple("-" * w for w in widths), *rows]:
        lines.append(
            "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True)))
        )
    return "\n".join(lines) + "\n"
