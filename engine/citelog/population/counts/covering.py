"""A summary in which no count of few can be seen: covered here, once, for every form that it is written in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from citelog.population.counts.summary import HIDDEN, Beside, Count, Summary, size


def covered(whole: Summary, least: int) -> Summary:
    """The same without counts below `least`."""

    def cover(count: Count | None) -> Any:
        return f"<{least}" if isinstance(count, int) and 0 < count < least else count

    def beside(decided: Sequence[Beside]) -> Iterator[Beside]:
        for kind in dict.fromkeys(_kind(one) for one in decided):
            own = [one for one in decided if _kind(one) == kind]
            for one, how in zip(own, hidden([size(one.patients) for one in own], least, kind in one_each), strict=True):
                yield replace(one, patients=how)

    one_each = {group.kind for group in whole.groups if group.one_each}
    groups = []
    for group in whole.groups:
        told = [replace(one, only=cover(one.only), decided=tuple(beside(one.decided))) for one in group.told]
        hide = hidden([size(one.patients) for one in told], least, group.one_each)
        told = [
            replace(one, patients=how, only=HIDDEN if how == HIDDEN else one.only)
            for one, how in zip(told, hide, strict=True)
        ]
        groups.append(replace(group, patients=cover(group.patients), told=tuple(told)))
    return replace(
        whole,
        at_least=least,
        patients=cover(whole.patients),
        without=cover(whole.without),
        alone=cover(whole.alone),
        groups=tuple(groups),
        gaps=tuple(replace(one, patients=cover(one.patients)) for one in whole.gaps),
        held=tuple(replace(one, patients=cover(one.patients)) for one in whole.held),
        set_aside=tuple(replace(one, count=cover(one.count)) for one in whole.set_aside),
        unused=tuple(replace(one, count=cover(one.count)) for one in whole.unused if size(one.count) >= least),
        unlisted=whole.unlisted + sum(size(one.count) for one in whole.unused if size(one.count) < least),
        answers=tuple(one for one in whole.answers if size(one.patients) >= least),
        sharing=replace(whole.sharing, curve=tuple(point for point in whole.sharing.curve if point.patients >= least)),
    )


def _kind(one: Beside) -> str:
    return one.id.partition(":")[0]


def hidden(counts: Sequence[int], least: int, together: bool) -> list[Count]:
    """Counts, those below `least` covered; 0 is nobody, and is shown.

    Where `together` they make a number that is known, what is covered could be told by subtraction if it were one count
    alone, or less than `least` in all: so the next larger counts are hidden too, until it is neither.

    >>> hidden([90, 7, 2, 0], 5, together=True), hidden([90, 3, 2], 5, together=True), hidden([90, 2], 5, False)
    ([90, 'hidden', '<5', 0], [90, '<5', '<5'], [90, '<5'])
    """
    shown: list[Count] = [f"<{least}" if 0 < count < least else count for count in counts]
    gone = [count for count in counts if 0 < count < least]
    for place in sorted(range(len(counts)), key=lambda i: (counts[i], i)):
        if not together or not gone or (len(gone) > 1 and sum(gone) >= least):
            break
        if counts[place] >= least:
            gone.append(counts[place])
            shown[place] = HIDDEN
    return shown
