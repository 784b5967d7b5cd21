"""The patients of a run, listed by what was answered: those with some conclusions, or for whom some rules held.

A list is found by pictures, and is paged by its keys: a page begins after a row, wherever that row stands, so that the
pages of a list fit together whatever page is asked for first.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from citelog.diagnostics import CaseError, did_you_mean
from citelog.knowledge.base import Knowledge
from citelog.population.counts.census import Census
from citelog.population.counts.held import Held
from citelog.population.opened import Person, Row

RUN, RARE, MOST = "run", "rare", "most:"
"""Orders: that of the run; the rarest pictures first; those with most conclusions of a kind (`most:KIND`) first."""

ROWS = 50
"""Patients on a page."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a list is of, in which order, and the row that the page begins `after` or ends `before`.

    They have all conclusions of `has` and none of `without` (`kind:value`, or `kind:value role`), and each `rule` held.
    """

    has: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    rule: tuple[str, ...] = ()
    order: str = RUN
    after: int | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """One patient of a list: the number of the row, from 1, and what was concluded."""

    number: int
    person: Person
    told: tuple[Row, ...]
    alike: int
    """How many patients have the same picture."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list: how many patients the whole list has, and whether others stand before and after these.

    `narrower` counts, for each conclusion, the patients of the list that have it.
    """

    total: int
    rows: tuple[Listed, ...]
    is_first: bool
    is_last: bool
    narrower: Mapping[Row, int]


@dataclass(frozen=True)
class Lists:
    """The lists of one run."""

    answers: Held
    census: Census
    knowledge: Knowledge

    def page(self, asked: Asked, rows: int = ROWS) -> Page:
        """A page of a list. Raises CaseError for what no conclusion, rule or order is called."""
        marks = self._marks(asked)
        keys = self._keys(marks, asked.order)
        found, before, after = self._cut(keys, asked, rows)
        return Page(
            total=self.census.count(marks),
            rows=tuple(self._listed([int(key & 0xFFFFFFFF) for key in found])),
            is_first=before == 0,
            is_last=after == 0,
            narrower={row: self.census.count(marks & some.marks) for row, some in self.census.told.items()},
        )

    def person(self, number: int) -> Person:
        """The patient of a row, by its number. Raises CaseError where there is no such row."""
        if not 1 <= number <= self.census.patients:
            raise CaseError("row", f"there is no row {number}", f"the rows are 1 to {self.census.patients}")
        [one] = self._people([number - 1])
        return one

    def number(self, patient: str) -> int | None:
        """The number of a patient's row; None where nobody is called so."""
        for share in range(len(self.census.bounds) - 1):
            if (place := self.answers.place(share, patient)) is not None:
                return self.census.bounds[share] + place + 1
        return None

    # who

    def _marks(self, asked: Asked) -> NDArray[np.bool_]:
        marks = self.census.weights > 0
        for name in asked.has:
            marks = marks & self._told(name)
        for name in asked.without:
            marks = marks & ~self._told(name)
        for name in asked.rule:
            marks = marks & self._held(name)
        return marks

    def _told(self, name: str) -> NDArray[np.bool_]:
        """The pictures with a conclusion."""
        kind, colon, rest = name.partition(":")
        if not colon or kind not in {one.name for one in self.knowledge.kinds}:
            kinds = ", ".join(one.name for one in self.knowledge.kinds)
            raise CaseError("has", f"{name} is no conclusion", f"write kind:value; the kinds are {kinds}")
        marks = np.zeros(len(self.census.weights), np.bool_)
        for (of, value, role), some in self.census.told.items():
            if of == kind and rest in (value, f"{value} {role}"):
                marks |= some.marks
        return marks

    def _held(self, name: str) -> NDArray[np.bool_]:
        """The pictures in which a rule held."""
        if name in self.census.held:
            return self.census.held[name].marks
        if name in self.census.entries:
            raise CaseError("rule", f"{name} looks at one entry alone", "list patients by a rule that looks at them")
        names = [rule.name for rule in self.knowledge.program.rules]
        if name not in names:
            raise CaseError("rule", f"no rule is called {name}", did_you_mean(name, names) or "see the summary")
        return np.zeros(len(self.census.weights), np.bool_)

    # in which order

    def _keys(self, marks: NDArray[np.bool_], order: str) -> NDArray[np.int64]:
        """The keys of the rows of a list, not sorted but in the order of the run: a rank, and below it the row."""
        rows = np.flatnonzero(marks[self.census.pictures])
        if order == RUN:
            return rows
        return (self._ranks(order)[self.census.pictures[rows]] << 32) | rows

    def _ranks(self, order: str) -> NDArray[np.int64]:
        """The rank of each picture: the least comes first."""
        if order == RARE:
            return self.census.weights
        kind = order.removeprefix(MOST)
        if not order.startswith(MOST) or kind not in {one.name for one in self.knowledge.kinds}:
            raise CaseError("order", f"{order} is no order", f"take {RUN}, {RARE}, or {MOST} and a kind")
        several = np.zeros(len(self.census.weights), np.int64)
        for row, some in self.census.told.items():
            if row[0] == kind:
                several += some.marks
        return np.asarray(several.max(initial=0) - several)

    def _cut(self, keys: NDArray[np.int64], asked: Asked, count: int) -> tuple[NDArray[np.int64], int, int]:
        """The keys of one page in their order, and how many stand before and after them."""
        row = asked.after if asked.after is not None else asked.before
        at = -1
        if row is not None:
            if not 1 <= row <= self.census.patients:
                raise CaseError("after", f"there is no row {row}", f"the rows are 1 to {self.census.patients}")
            rank = 0 if asked.order == RUN else int(self._ranks(asked.order)[self.census.pictures[row - 1]])
            at = (rank << 32) | (row - 1)
        if asked.after is None and asked.before is not None:
            some = keys[keys < at]
            found = _first(-some, count) if len(some) else some
            found = -found[::-1]
            return found, len(some) - len(found), len(keys) - len(some)
        some = keys[keys > at]
        found = _first(some, count)
        return found, len(keys) - len(some), len(some) - len(found)

    # what is shown of them

    def _listed(self, rows: Sequence[int]) -> list[Listed]:
        found = []
        for row, person in zip(rows, self._people(rows), strict=True):
            told = tuple(sorted(set(self._concluded(int(self.census.pictures[row]))), key=self._place))
            alike = int(self.census.weights[self.census.pictures[row]])
            found.append(Listed(row + 1, person, told, alike))
        return found

    def _concluded(self, picture: int) -> list[Row]:
        byte, bit = picture >> 3, 0x80 >> (picture & 7)
        return [row for row, some in self.census.told.items() if some.bits[byte] & bit]

    def _place(self, row: Row) -> tuple[int, str, str]:
        order = next(kind.order for kind in self.knowledge.kinds if kind.name == row[0])
        return order, row[1], row[2] or ""

    def _people(self, rows: Sequence[int]) -> list[Person]:
        """The patients of some rows, counted from 0."""
        bounds = self.census.bounds
        by_share: dict[int, list[int]] = {}
        for row in rows:
            by_share.setdefault(bisect_right(bounds, row) - 1, []).append(row)
        found: dict[int, Person] = {}
        for share, own in by_share.items():
            ids = self.answers.patients(share, [row - bounds[share] for row in own])
            for row, id_ in zip(own, ids, strict=True):
                picture = int(self.census.pictures[row])
                found[row] = Person(id_, share, picture, picture >= self.census.lonely)
        return [found[row] for row in rows]


def _first(keys: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The least of some keys, in their order."""
    if len(keys) > count:
        keys = np.partition(keys, count - 1)[:count]
    return np.sort(keys)
