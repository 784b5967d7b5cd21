"""The tables of OMOP that are read, looked at, and their rows typed: what is no id or no text is a fault of its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from citelog.diagnostics import CaseError
from citelog.patient.case import ListName
from citelog.population.data import files
from citelog.population.data.files import FORBIDDEN, LONGEST, Stored, literal, located, name

if TYPE_CHECKING:
    import duckdb

EVENTS = ("measurement", "observation", "condition_occurrence", "procedure_occurrence", "drug_exposure")
"""The tables that become entries, in the order of their rows among the entries of a list."""

NAMES = (*EVENTS, "person", "concept", "concept_mapping", "drug_strength")
"""Every table that is read."""

LISTS: Mapping[str, tuple[ListName, ...]] = {
    "measurement": ("labs", "findings"), "observation": ("labs", "findings"), "condition_occurrence": ("conditions",),
    "procedure_occurrence": ("conditions",), "drug_exposure": ("medications",),
}  # fmt: skip
"""The lists in which an entry of a table may stand, the likeliest first."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table of OMOP; its columns may be written in any letters, as databases export them."""

    name: str
    stored: Stored
    columns: Mapping[str, str] = field(default_factory=dict)

    def kind(self, column: str) -> str:
        """The type of a column; empty where there is none."""
        return self.stored.columns[self.columns[column]] if column in self.columns else ""

    def whole(self, column: str) -> str:
        """A column of ids; what is no whole number is null."""
        if column not in self.columns:
            return "NULL::BIGINT"
        written = name(self.columns[column])
        kind = self.kind(column)
        if kind in ("DOUBLE", "FLOAT"):  # what pandas makes of ids of which some are missing
            return f"CASE WHEN {written} = floor({written}) THEN TRY_CAST({written} AS BIGINT) END"
        if kind == "VARCHAR":
            return (
                f"CASE WHEN regexp_full_match({written}, ' *-?[0-9]+(\\.0+)? *') THEN TRY_CAST({written} AS BIGINT) END"
            )
        return f"TRY_CAST({written} AS BIGINT)"

    def is_there(self, column: str) -> str:
        """That something stands in a column."""
        written = name(self.columns[column])
        if self.kind(column) in ("DOUBLE", "FLOAT"):
            return f"({written} IS NOT NULL AND NOT isnan({written}))"
        return f"({written} IS NOT NULL AND trim(CAST({written} AS VARCHAR)) <> '')"

    def text(self, column: str) -> str:
        """A column of text; an empty text is null."""
        if column not in self.columns:
            return "NULL::VARCHAR"
        written = self.columns[column]
        how = files.as_text(written, self.stored.columns[written])
        if how is None:
            raise files.inexact(self.stored.where, column, self.stored.columns[written])
        return f"nullif(trim(CAST({how} AS VARCHAR)), '')"

    def number(self, column: str) -> str:
        """A column of numbers as text: of a DOUBLE the shortest text that means the same number."""
        if column not in self.columns:
            return "NULL::VARCHAR"
        written = name(self.columns[column])
        if self.kind(column) not in ("DOUBLE", "FLOAT"):
            return self.text(column)
        return f"CASE WHEN NOT isnan({written}) THEN regexp_replace(CAST({written} AS VARCHAR), '\\.0$', '') END"


def look(folder: Path, scratch: Path, database: duckdb.DuckDBPyConnection) -> dict[str, Table]:
    """The tables that are there, looked at."""
    found: dict[str, Table] = {}
    needed: dict[str, tuple[str, ...]] = {table: (f"{PREFIX[table]}_concept_id", "person_id") for table in EVENTS}
    needed |= {"person": ("person_id",), "concept": ("concept_id", "concept_name", "vocabulary_id", "concept_code")}
    needed |= {"concept_mapping": ("concept_id", "name")}
    needed |= {"drug_strength": ("drug_concept_id", "ingredient_concept_id")}
    for path in sorted(folder.iterdir()):
        table = files.stem(path).lower()
        if table not in NAMES or path.name.startswith("."):
            continue
        if table in found:
            both = f"{found[table].stored.shown} and {path.name}"
            raise CaseError(str(folder), f"{table} is there twice: {both}", "keep one of them in the folder")
        stored = files.store(path, scratch, database, is_quoted=table not in ("concept", "drug_strength"))
        files.check_names(list(stored.columns), stored.where, ())
        columns = {one.lower(): one for one in stored.columns}
        for column in needed[table]:
            if column not in columns:
                there = ", ".join(list(stored.columns)[:8])
                raise CaseError(stored.where, f'there is no column "{column}"', f"add it; the columns are {there} …")
        found[table] = Table(table, stored, columns)
    return found


PREFIX = {
    "measurement": "measurement", "observation": "observation", "condition_occurrence": "condition",
    "procedure_occurrence": "procedure", "drug_exposure": "drug",
}  # fmt: skip
COLUMNS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    # the ids, the texts and the numbers that are read besides the person, the concepts and the source's name
    "measurement": (
        ("operator_concept_id", "value_as_concept_id", "unit_concept_id"),
        ("measurement_date", "measurement_datetime", "unit_source_value", "value_source_value"),
        ("value_as_number",),
    ),
    "observation": (
        ("value_as_concept_id", "unit_concept_id", "qualifier_concept_id"),
        ("observation_date", "observation_datetime", "unit_source_value", "value_source_value", "value_as_string"),
        ("value_as_number",),
    ),
    "condition_occurrence": (
        ("condition_status_concept_id",),
        ("condition_start_date", "condition_start_datetime", "condition_end_date", "condition_end_datetime"),
        (),
    ),
    "procedure_occurrence": ((), ("procedure_date", "procedure_datetime"), ()),
    "drug_exposure": (
        ("route_concept_id",),
        ("drug_exposure_start_date", "drug_exposure_start_datetime", "drug_exposure_end_date", "verbatim_end_date",
         "stop_reason", "sig", "route_source_value"),
        (),
    ),
}  # fmt: skip


def prepare(tables: Mapping[str, Table], scratch: Path, cursor: duckdb.DuckDBPyConnection) -> None:
    """Make `measurement_rows` and so on: typed, with `fault` where a row cannot be used; and `people` and `faults`."""

    def made(table: str, query: str) -> None:
        path = located(scratch / f"omop-{table}-rows.parquet")
        cursor.execute(f"COPY ({query}) TO {path} (FORMAT parquet)")
        cursor.execute(f"CREATE TEMP VIEW {table}_rows AS FROM read_parquet({path})")

    person = tables.get("person")
    if person:
        made("person", _rows(person, PERSON_IDS, PERSON_TEXTS, (), known=False))
        cursor.execute("CREATE TEMP TABLE people AS SELECT DISTINCT patient FROM person_rows WHERE fault IS NULL")
    for table in EVENTS:
        if table in tables:
            ids, texts, numbers = COLUMNS[table]
            ids = ("concept_id", "source_concept_id", *ids)
            made(table, _rows(tables[table], ids, ("source_value", *texts), numbers, known=person is not None))
    parts = []
    for table in ("person", *EVENTS):
        if table in tables:
            shown = f"{[part.shown for part in tables[table].stored.parts]}[part + 1]"
            parts.append(f'SELECT {shown} AS "table", place + 1 AS "row", patient, fault FROM {table}_rows')
    faults = " UNION ALL ".join(parts)
    cursor.execute(f"CREATE TEMP TABLE faults AS FROM ({faults}) WHERE fault IS NOT NULL")
    if not person:
        everyone = " UNION ".join(f"SELECT patient FROM {t}_rows WHERE fault IS NULL" for t in EVENTS if t in tables)
        cursor.execute(f"CREATE TEMP TABLE people AS {everyone}")


PERSON_IDS = ("gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth")
PERSON_TEXTS = ("gender_source_value", "birth_datetime")


def _rows(table: Table, ids: tuple[str, ...], texts: tuple[str, ...], numbers: tuple[str, ...], *, known: bool) -> str:
    prefix = PREFIX.get(table.name, "")

    def column(short: str) -> str:
        own = short in ("concept_id", "source_concept_id", "source_value")
        return f"{prefix}_{short}" if own else short

    picked = ["CAST(" + table.whole("person_id") + " AS VARCHAR) AS patient"]
    picked += [f"{table.whole(column(one))} AS {one}" for one in ids]
    picked += [f"{table.text(column(one))} AS {one}" for one in texts]
    picked += [f"{table.number(one)} AS {one}" for one in numbers]
    cases = ["WHEN patient IS NULL THEN 'It names no person by a whole number.'"]
    for one in (one for one in ids if table.kind(column(one)) in ("VARCHAR", "DOUBLE", "FLOAT")):
        picked.append(f"{table.is_there(column(one))} AND ({table.whole(column(one))}) IS NULL AS bad_{one}")
        cases.append(f"WHEN bad_{one} THEN {literal(f'Its {column(one)} is no whole number.')}")
    for one in (one for one in (*texts, *numbers) if table.kind(column(one)) == "VARCHAR"):
        bad = f"regexp_matches({one}, {literal(FORBIDDEN)})"
        cases.append(f"WHEN {bad} THEN {literal(f'Its {column(one)} holds a control character.')}")
        cases.append(
            f"WHEN strlen({one}) > {LONGEST} THEN {literal(f'Its {column(one)} is longer than {LONGEST:,} bytes.')}"
        )
    if known:
        cases.append("WHEN patient NOT IN (SELECT patient FROM people) THEN 'The table person has no such person.'")
    elif table.name == "person":
        cases.append(
            'WHEN row_number() OVER (PARTITION BY patient ORDER BY "row") > 1 '
            "THEN 'Another row before it is about the same person.'"
        )
    return f"SELECT *, CASE {' '.join(cases)} END AS fault FROM ({table.stored.rows(', '.join(picked))})"


def load(cursor: duckdb.DuckDBPyConnection, table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
    import pyarrow as pa

    cursor.execute(f"CREATE TEMP TABLE {table} ({columns})")
    if rows:
        handed = pa.table(
            [pa.array(column) for column in zip(*rows, strict=True)], [f"c{n}" for n in range(len(rows[0]))]
        )
        cursor.register("handed", handed)
        cursor.execute(f"INSERT INTO {table} FROM handed")
        cursor.unregister("handed")
