"""What runs queries over many patients: the one interface of DuckDB and Spark."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pyarrow as pa

from citelog.population.data.tables import Source

T = TypeVar("T")
Row = tuple[Any, ...]

Tables = Mapping[str, tuple[Sequence[str], str]]
"""Tables of whole numbers that are to be made, of which none reads another: the columns and the query of each."""

Loaded = tuple[Sequence[str], Sequence[Row]]
"""A table of whole numbers of rows that are at hand: its columns, and the rows."""

Work = Generator[Tables, Mapping[str, int], None]
"""What asks for tables, one lot after another, and is told how many rows each has."""


class Engine(Protocol):
    """What runs queries: tables are made by name, and stay until they are dropped.

    Queries are written as DuckDB has them, but for those of rules: `sql` writes these from Ibis expressions.
    """

    @property
    def name(self) -> str:
        """What it is, with its version."""

    def sql(self, expression: Any) -> str:
        """An Ibis expression as a query of its own."""

    def create(self, name: str, query: str) -> int:
        """Make a table of a query's rows; how many there are."""

    def begin(self, tables: Tables) -> None:
        """Begin to make tables, beside others that were begun."""

    def finished(self) -> dict[str, int]:
        """Wait until some of the tables are made that were begun; how many rows each of these has."""

    def append(self, name: str, query: str) -> int:
        """Put a query's rows into a table; how many there are."""

    def load(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Make a table of whole numbers of rows that are at hand, in place of one that is there."""

    def load_all(self, tables: Mapping[str, Loaded]) -> None:
        """Load several tables at once."""

    def table(self, name: str, rows: pa.Table) -> None:
        """Make a table of Arrow's rows, in place of one that is there."""

    def view(self, name: str, query: str) -> None:
        """Let a query be read like a table."""

    def expect(self, units: int) -> None:
        """Let tables be about some units from here on, or about nobody knows how many (0)."""

    def rows(self, query: str) -> list[Row]:
        """The rows of a query."""

    def drop(self, name: str) -> None:
        """Forget a table, if it is there."""

    # what is small is worked out by DuckDB, near at hand

    def fetch(self, queries: Mapping[str, str]) -> None:
        """Make tables near at hand of the rows of queries, of which none reads another's table."""

    def spread(self, name: str) -> None:
        """Let a table that was made near at hand be one of this engine."""

    # what outlasts a run that is stopped, if the engine can keep it

    def keep(self, name: str, query: str) -> int:
        """Make a table that is kept; how many rows it has."""

    def has(self, name: str) -> bool:
        """Whether a table is kept."""

    def forget(self) -> None:
        """Forget all tables that are kept."""

    def whole(self) -> AbstractContextManager[None]:
        """Several steps of which all are kept, or none."""

    # files

    def brought(self, source: Source) -> Source:
        """A source in which every query can be run by this engine."""

    def write(self, query: str, path: Path) -> int:
        """Write a query's rows to a Parquet file, whole or not at all; how many there are."""

    def writing(self, query: str, path: Path) -> Future[int]:
        """Begin to write a query's rows, if it can be done beside something else."""


def create_all(engine: Engine, tables: Tables) -> dict[str, int]:
    """Make tables, while nothing else is begun; how many rows each has."""
    engine.begin(tables)
    counts: dict[str, int] = {}
    while len(counts) < len(tables):
        counts |= engine.finished()
    return counts


def done(result: T) -> Future[T]:
    """Something that was begun and is at its end."""
    future: Future[T] = Future()
    future.set_result(result)
    return future


__all__ = ["Engine", "Loaded", "Row", "Tables", "Work", "create_all", "done"]
