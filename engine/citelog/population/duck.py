"""DuckDB, inside this process: larger than memory, within bounds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from ibis.backends.sql.compilers import DuckDBCompiler

from citelog.population.derive import Row


class Duck:
    """An engine (`derive.Engine`) that is a DuckDB database."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self._compiler = DuckDBCompiler()

    def sql(self, expression: Any) -> str:
        """An Ibis expression as DuckDB writes it."""
        return str(self._compiler.to_sqlglot(expression).sql("duckdb"))

    def create(self, name: str, query: str) -> int:
        """Make a table of a query's rows; how many there are."""
        made = self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}").fetchone()
        return int(made[0]) if made else 0

    def keep(self, name: str, query: str) -> int:
        """Make a table that outlasts the connection, if the database has a file; how many rows it has."""
        made = self.connection.execute(f"CREATE TABLE {name} AS {query}").fetchone()
        return int(made[0]) if made else 0

    def write(self, query: str, path: Path) -> int:
        """Write a query's rows to a Parquet file, whole or not at all; how many there are."""
        made = path.with_name(f"{path.name}.part")
        target = "'" + str(made).replace("'", "''") + "'"
        [count] = self.connection.execute(
            f"COPY ({query}) TO {target} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone() or (0,)
        made.replace(path)
        return int(count)

    def append(self, name: str, query: str) -> int:
        """Put a query's rows into a table; how many there are."""
        made = self.connection.execute(f"INSERT INTO {name} {query}").fetchone()
        return int(made[0]) if made else 0

    def load(self, name: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Make a table of whole numbers of rows that are at hand, in place of one that is there."""
        if not rows:
            shape = ", ".join(f"{column} INTEGER" for column in columns)
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} ({shape})")
            return
        arrays = [pa.array(values, pa.int32()) for values in zip(*rows, strict=True)]
        self.table(name, pa.table(arrays, names=list(columns)))

    def table(self, name: str, rows: pa.Table) -> None:
        """Make a table of Arrow's rows, in place of one that is there."""
        self.connection.register("arriving", rows)
        try:
            self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM arriving")
        finally:
            self.connection.unregister("arriving")

    def rows(self, query: str) -> list[Row]:
        """The rows of a query."""
        return self.connection.execute(query).fetchall()

    def drop(self, name: str) -> None:
        """Forget a table, if it is there."""
        self.connection.execute(f"DROP TABLE IF EXISTS {name}")
