"""DuckDB, inside this process: larger than memory, within bounds."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any, TypeVar

import duckdb
import pyarrow as pa

from citelog.population.data.files import literal, located
from citelog.population.data.files import name as quoted
from citelog.population.data.tables import Source
from citelog.population.engines.engine import Loaded, Row, Tables, create_all

FILES = "COMPRESSION zstd, COMPRESSION_LEVEL 1, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 2000"
"""How files are written. Ids of patients, no two of them alike, are not looked at as a dictionary for long."""

CHEAP = ("build_side_probe_side", "unused_columns", "column_lifetime")
"""What DuckDB does to a query in no time, and to some effect however few rows there are."""

PASSING = "passing"
"""The database, in memory, of tables that do not outlast the connection: all its cursors see them, unlike TEMP ones."""

T = TypeVar("T")

ARRIVED = "arrived"
"""A table of the rows of several tables, as long as it takes to make these."""

LANES = 4
"""Small queries that run at once, at most: one for each processor, which a small query alone does not share."""


class Duck:
    """An engine (`engine.Engine`) that is a DuckDB database; to be closed before its connection is."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, is_sorted: bool = False) -> None:
        self.connection = connection
        self._is_sorted = is_sorted
        [(self._kept, threads)] = self.rows("SELECT current_database(), current_setting('threads')")
        connection.execute("SET preserve_insertion_order = false")  # all processors write
        connection.execute(f"ATTACH ':memory:' AS {PASSING}")
        self._lanes = [connection.cursor() for _ in range(min(threads, LANES))]
        for one in (connection, *self._lanes):
            one.execute("SET enable_progress_bar = false")  # only the command line writes to the terminal
            one.execute(f"SET search_path = '{PASSING}.main,{quoted(self._kept)}.main'")
        self._free: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
        for lane in self._lanes:
            self._free.put(lane)
        self._pool = ThreadPoolExecutor(len(self._lanes))
        self._begun: dict[Future[int], str] = {}

    def close(self) -> None:
        """Close what it has opened beside its connection; what is still being made is given up."""
        for lane in self._lanes:
            lane.interrupt()
        self._pool.shutdown(cancel_futures=True)
        for lane in self._lanes:
            lane.close()

    @property
    def name(self) -> str:
        """What it is, with its version."""
        return f"duckdb {duckdb.__version__}"

    def sql(self, expression: Any) -> str:
        """An Ibis expression as DuckDB writes it."""
        from ibis.backends.sql.compilers import DuckDBCompiler  # half a second: only where rules are made into queries

        return str(DuckDBCompiler().to_sqlglot(expression).sql("duckdb"))

    def create(self, name: str, query: str) -> int:
        """Make a table of a query's rows; how many there are."""
        return _made(self.connection, f"CREATE OR REPLACE TABLE {PASSING}.{name} AS {query}")

    def meanwhile(self, look: Callable[[duckdb.DuckDBPyConnection], bool]) -> Future[bool]:
        """Look at something beside whatever else is done; what was seen."""
        return self._pool.submit(self._on_a_lane, look)

    def _on_a_lane(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        lane = self._free.get()
        try:
            return work(lane)
        finally:
            self._free.put(lane)

    def begin(self, tables: Tables) -> None:
        """Begin to make tables, beside others that were begun: several at once."""
        for name, (_, query) in tables.items():
            statement = f"CREATE OR REPLACE TABLE {PASSING}.{name} AS {query}"
            self._begun[self._pool.submit(self._on_a_lane, partial(_made, statement=statement))] = name

    def finished(self) -> dict[str, int]:
        """Wait until some of the tables are made that were begun; how many rows each of these has."""
        done, _ = wait(self._begun, return_when=FIRST_COMPLETED)
        return {self._begun.pop(one): one.result() for one in done}

    def keep(self, name: str, query: str) -> int:
        """Make a table that outlasts the connection, if the database has a file; how many rows it has."""
        return _made(self.connection, f"CREATE TABLE {quoted(self._kept)}.{name} AS {query}")

    def write(self, query: str, path: Path) -> int:
        """Write a query's rows to a Parquet file, whole or not at all; how many there are.

        They stand in the query's order, if it has one, or, if this is a sorting one, in that of their columns from the
        left.
        """
        return self._write(self.connection, query, path)

    def writing(self, query: str, path: Path) -> Future[int]:
        """Begin to write a query's rows, beside what else is begun."""
        return self._pool.submit(self._on_a_lane, partial(self._write, query=query, path=path))

    def _write(self, lane: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
        if self._is_sorted:
            query = f"SELECT * FROM ({query}) ORDER BY ALL"
        made = path.with_name(f"{path.name}.part")
        count = _made(lane, f"COPY ({query}) TO {located(made)} (FORMAT parquet, {FILES})")
        made.replace(path)
        return count

    def append(self, name: str, query: str) -> int:
        """Put a query's rows into a table; how many there are."""
        return _made(self.connection, f"INSERT INTO {name} {query}")

    def load(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Make a table of whole numbers of rows that are at hand, in place of one that is there."""
        self.load_all({name: (columns, rows)})

    def load_all(self, tables: Mapping[str, Loaded]) -> None:
        """Load several tables at once: their rows arrive as one table, which each is then taken from."""
        empty = [
            f"CREATE OR REPLACE TABLE {PASSING}.{name} ({', '.join(f'{column} INTEGER' for column in columns)})"
            for name, (columns, rows) in tables.items()
            if not rows
        ]
        if empty:
            self.connection.execute("; ".join(empty))
        full = {name: table for name, table in tables.items() if table[1]}
        if len(full) == 1:
            [(name, (columns, rows))] = full.items()
            arrays = [pa.array(values, pa.int32()) for values in zip(*rows, strict=True)]
            self.table(name, pa.table(arrays, names=list(columns)))
        elif full:
            widest = max(len(columns) for columns, _ in full.values())
            arriving = [
                (number, *row, *[None] * (widest - len(row)))
                for number, (_, rows) in enumerate(full.values())
                for row in rows
            ]
            self.load(ARRIVED, ("made", *(f"c{i}" for i in range(widest))), arriving)
            create_all(
                self,
                {
                    name: (columns, f"SELECT {_renamed(columns)} FROM {ARRIVED} WHERE made = {number}")
                    for number, (name, (columns, _)) in enumerate(full.items())
                },
            )
            self.drop(ARRIVED)

    def table(self, name: str, rows: pa.Table) -> None:
        """Make a table of Arrow's rows, in place of one that is there; what is a dictionary in them stays one."""
        shown = ", ".join(map(_shown, rows.schema.names, rows.columns))
        self.connection.register("arriving", rows)
        try:
            self.connection.execute(f"CREATE OR REPLACE TABLE {PASSING}.{name} AS SELECT {shown} FROM arriving")
        finally:
            self.connection.unregister("arriving")

    def fetch(self, queries: Mapping[str, str]) -> None:
        """Make tables of the rows of queries: it is near at hand itself."""
        create_all(self, {name: ((), query) for name, query in queries.items()})

    def spread(self, name: str) -> None:
        """A table that was made near at hand is here."""

    def rows(self, query: str) -> list[Row]:
        """The rows of a query."""
        return self.connection.execute(query).fetchall()

    def view(self, name: str, query: str) -> None:
        """Let a query be read like a table."""
        self.connection.execute(f"CREATE OR REPLACE VIEW {PASSING}.{name} AS {query}")

    def expect(self, units: int) -> None:
        """What the tables to come are about does not matter to it."""

    def has(self, name: str) -> bool:
        """Whether a table is there that outlasts the connection."""
        return name in self._outlasting()

    def forget(self) -> None:
        """Forget all tables that outlast the connection."""
        for name in self._outlasting():
            self.connection.execute(f"DROP TABLE {quoted(self._kept)}.{name}")

    def _outlasting(self) -> set[str]:
        kept = f"SELECT table_name FROM duckdb_tables() WHERE database_name = {literal(self._kept)}"
        return {name for (name,) in self.rows(kept)}

    @contextlib.contextmanager
    def whole(self) -> Iterator[None]:
        """Several steps of which all are kept, or none."""
        self.connection.execute("BEGIN")
        yield
        self.connection.execute("COMMIT")

    @contextlib.contextmanager
    def small(self) -> Iterator[None]:
        """Let queries be run as they are written: over few rows, a better way takes longer to find than it saves."""
        names = (name for (name,) in self.rows("SELECT name FROM duckdb_optimizers()") if name not in CHEAP)
        self.connection.execute(f"SET disabled_optimizers = '{','.join(names)}'")
        try:
            yield
        finally:
            self.connection.execute("RESET disabled_optimizers")

    def brought(self, source: Source) -> Source:
        """A source in which every query can be run: it is one for DuckDB."""
        return source

    def drop(self, name: str) -> None:
        """Forget a table, if it is there."""
        self.connection.execute(f"DROP TABLE IF EXISTS {name}")


def _made(lane: duckdb.DuckDBPyConnection, statement: str) -> int:
    """Run a statement that makes rows; how many."""
    [count] = lane.execute(statement).fetchone() or (0,)
    return int(count)


def _renamed(columns: Sequence[str]) -> str:
    return ", ".join(f"c{i} AS {column}" for i, column in enumerate(columns))


def _shown(column: str, rows: pa.ChunkedArray) -> str:
    """A column of Arrow's as SQL has it: a dictionary is a type of its own, which is joined and written much faster."""
    if not pa.types.is_dictionary(rows.type):
        return quoted(column)
    known = sorted(rows.cast(rows.type.value_type).unique().drop_null().to_pylist())
    kind = f"ENUM ({', '.join(map(literal, known))})" if known else "VARCHAR"
    return f"{quoted(column)}::{kind} AS {quoted(column)}"
