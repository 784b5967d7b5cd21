"""Every value as a whole number, and back: what engines compare is a number, what it stands for is exact."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from decimal import Decimal

from citelog.values import Value


class Values:
    """The values of one run, numbered from 0 as they are met; 1, 1.0, true and "1" are four of them.

    Entries of a record have no number here: within a unit they are -1, -2, and so on.
    """

    def __init__(self, known: Iterable[Value] = ()) -> None:
        self._values: list[Value] = []
        self._numbers: dict[tuple[type, Value], int] = {}
        for value in known:
            self.number(value)

    def number(self, value: Value) -> int:
        """The number of a value.

        >>> values = Values()
        >>> [values.number(v) for v in (1, Decimal("1.0"), True, "1", Decimal("1.00"))]
        [0, 1, 2, 3, 1]
        """
        key = (type(value), value)
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self._values)
            self._values.append(value)
        return found

    def value(self, number: int) -> Value:
        """The value that a number stands for."""
        return self._values[number]

    @property
    def all(self) -> tuple[Value, ...]:
        """Every value, in the order of their numbers."""
        return tuple(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def ordered(self) -> list[tuple[int, int]]:
        """The number and the rank of each value that has an order; numbers that are equal share a rank.

        >>> Values([2, Decimal("0.5"), "text", Decimal("2.0"), Decimal("10")]).ordered()
        [(1, 1), (0, 2), (3, 2), (4, 3)]
        """
        numbers = [
            (value, i)
            for i, value in enumerate(self._values)
            if isinstance(value, int | Decimal) and not isinstance(value, bool)
        ]
        days = [(value, i) for i, value in enumerate(self._values) if isinstance(value, datetime.date)]
        found: list[tuple[int, int]] = []
        rank = 0
        for some in (sorted(numbers), sorted(days)):
            before: Value | None = None
            for value, i in some:
                rank += before is None or value != before
                found.append((i, rank))
                before = value
        return found
