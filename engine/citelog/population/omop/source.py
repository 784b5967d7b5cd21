"""OMOP CDM: tables of events with concept ids, as the flat shape.

A concept id says nothing by itself. What it names is said by the vocabulary (`concept`: LOINC, SNOMED CT, RxNorm, UCUM
…) or by the site (`concept_mapping`: a name or a code for an id), which goes first. Each distinct concept is looked
up once; all else is DuckDB's. What the columns become is in docs/POPULATION-INPUTS.md, and what is not read.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from citelog.diagnostics import CaseError
from citelog.population.data import files
from citelog.population.data.files import located
from citelog.population.data.tables import Source
from citelog.population.omop import entries, spoken
from citelog.population.omop.tables import EVENTS, NAMES, Table, look, prepare
from citelog.vocab import Terms

if TYPE_CHECKING:
    import duckdb


def read(
    folder: Path,
    scratch: Path,
    database: duckdb.DuckDBPyConnection,
    terms: Terms,
    at: datetime.date | None = None,
) -> Source:
    """The OMOP tables of a folder; what has to be written on the way goes to `scratch`.

    Raises CaseError where a file cannot be used. Rows that cannot be used are set aside.
    """
    tables = look(folder, scratch, database)
    if not tables.keys() & {"concept", "concept_mapping"}:
        what = "no table says what its concept ids mean"
        raise CaseError(str(folder), what, "add concept.csv from Athena, or concept_mapping.csv (concept_id,name)")
    with database.cursor() as cursor:
        prepare(tables, scratch, cursor)
        vocabulary = spoken.vocabulary(tables, cursor, terms)
        relations = dict(entries.relations(tables, vocabulary, scratch, cursor, at))
        rejected, notes = scratch / "rejected.parquet", scratch / "notes.parquet"
        ((bad,),) = cursor.execute(f"COPY ({_REJECTED}) TO {located(rejected)} (FORMAT parquet)").fetchall()
        ((noted,),) = cursor.execute(f"COPY ({_notes(tables)}) TO {located(notes)} (FORMAT parquet)").fetchall()
        remarks = tuple(_remarks(folder, tables, cursor))
    return Source(
        form="omop",
        files=tuple(file for table in tables.values() for file in table.stored.files),
        relations=relations,
        rejected=f"SELECT * FROM read_parquet({located(rejected)})" if bad else None,
        notes=f"SELECT * FROM read_parquet({located(notes)})" if noted else None,
        remarks=remarks,
    )


_REJECTED = 'SELECT "table", "row", patient, fault AS reason FROM faults ORDER BY ALL'


def _notes(tables: Mapping[str, Table]) -> str:
    """A query for what is said to a patient: rows that were set aside, and events that cannot be told apart."""
    parts = [
        "SELECT patient, 'Row ' || \"row\" || ' of ' || \"table\" || ' is not read. ' || fault AS text, "
        '"table" || \', row \' || "row" AS read_from FROM faults WHERE patient IN (FROM people)'
    ]
    for table in (one for one in EVENTS if one in tables):
        shown = f"{[part.shown for part in tables[table].stored.parts]}[part + 1]"
        parts.append(
            f"SELECT patient, note, {shown} || ', row ' || (place + 1) FROM {table}_keyed AS row_ "
            f"JOIN (FROM {table}_things WHERE note <> '') AS thing "
            "ON row_.c = thing.c AND row_.s = thing.s AND row_.v = thing.v"
        )
    return " UNION ALL ".join(parts)


def _remarks(folder: Path, tables: Mapping[str, Table], cursor: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Tables that are not read, concepts that nothing names, numbers that have no digits of their own."""
    for path in sorted(folder.iterdir()):
        if files.stem(path) and files.stem(path).lower() not in NAMES:
            yield f"{path.name} is not read."
    for table in (one for one in EVENTS if one in tables):
        unnamed = cursor.execute(
            f"SELECT c, count(*) FROM {table}_keyed WHERE c <> 0 AND c NOT IN (SELECT concept_id FROM concepts "
            "WHERE is_named) GROUP BY c ORDER BY 2 DESC, 1"
        ).fetchall()
        shown = tables[table].stored.shown
        if unnamed:
            rows, most = sum(count for _, count in unnamed), ", ".join(f"{c} ({n:,})" for c, n in unnamed[:5])
            are = f"{_counted(rows, 'row')} of it {'is' if rows == 1 else 'are'} about"
            which = f"{_counted(len(unnamed), 'concept')}, most often {most}"
            yield f"{shown}: neither concept nor concept_mapping names what {are}; {which}."
        ((without,),) = cursor.execute(f"SELECT count(*) FROM {table}_keyed WHERE c = 0").fetchall()
        if without:
            has = "has" if without == 1 else "have"
            yield f"{shown}: {_counted(without, 'row')} {has} no concept, only a name of the source."
        column = tables[table].columns.get("value_as_number", "")
        if tables[table].stored.columns.get(column) in ("DOUBLE", "FLOAT"):
            yield f"{shown}: value_as_number is given by the shortest text that means the same number."


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
