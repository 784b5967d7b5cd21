"""A measure: what a figure is to count, before it has been counted in a knowledge base."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from dataclasses import dataclass

from citelog.audit.model import Figure, Item
from citelog.audit.subject import Subject, items

Of = int | Sized
"""Of how many things some are counted: a number, or the things."""


@dataclass(frozen=True, slots=True)
class Measure:
    """How a figure is counted: `among` gives the things that are looked at, `counted` those that it counts.

    `needs_rules` says that it can be counted only where nothing keeps the knowledge base from being used.
    """

    code: str
    topic: str
    weight: str
    title: str
    meaning: str
    of_what: str
    among: Callable[[Subject], Of]
    counted: Callable[[Subject], Iterable[Item]]
    needs_rules: bool = False

    def figure(self, subject: Subject) -> Figure:
        """The figure of a knowledge base."""
        of, found, uncounted = 0, tuple[Item, ...](), "there are errors, which come first"
        if subject.knowledge is not None or not self.needs_rules:
            among = self.among(subject)
            of, found, uncounted = among if isinstance(among, int) else len(among), items(self.counted(subject)), ""
        return Figure(self.code, self.topic, self.title, self.meaning, self.weight, of, self.of_what, found, uncounted)
