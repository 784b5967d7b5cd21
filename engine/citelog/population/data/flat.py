"""Flat files: the lists of a case file as tables, `labs.parquet` or `labs.csv` and so on, any of them missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from citelog.diagnostics import CaseError, did_you_mean
from citelog.population.data import files
from citelog.population.data.files import (
    BLANKS,
    FORBIDDEN,
    LONGEST,
    PANDAS_INDEX,
    Stored,
    as_text,
    literal,
    located,
    name,
)
from citelog.population.data.tables import CODES, PATIENTS, TABLES, Relation, Source, Table, TableName

if TYPE_CHECKING:
    import duckdb

NAMES = tuple(table.file for table in TABLES.values())
PLAIN = "[!-~]{1,100}"
"""An id in which nothing can be wrong; all others are looked at closely."""


def read(folder: Path, scratch: Path, database: duckdb.DuckDBPyConnection, *, with_care: bool = False) -> Source:
    """The flat files of a folder; what has to be written on the way goes to `scratch`.

    Raises CaseError where a file cannot be used. Rows that cannot be used are set aside; without care, whose the rows
    are is left in doubt (`Source.doubt`), as nearly always nothing is wrong with it.
    """
    tables = []
    for table in TABLES.values():
        if path := files.find(folder, table.file):
            stored = files.store(path, scratch, database)
            tables.append(_Flat(table, stored, _columns(table, stored)))
    doubt = None
    if not with_care and _is_clean(tables, database):
        relations = {flat.table.list: Relation(flat.rows(), flat.keys) for flat in tables}
        rejected = notes = None
        doubt = partial(_is_doubtful, tables)
    else:
        aside = scratch / "rejected.parquet"
        queries = " UNION ALL ".join(_faults(flat, tables) for flat in tables)
        database.execute(f"COPY ({queries}) TO {located(aside)} (FORMAT parquet)")
        relations = {flat.table.list: _good(flat, aside) for flat in tables}
        rejected = f'SELECT "table", "row", patient, reason FROM read_parquet({located(aside)}) ORDER BY ALL'
        notes = _notes(tables, relations, aside)
    files_read = tuple(file for flat in tables for file in flat.stored.files)
    return Source("flat", files_read, relations, rejected, notes, tuple(_remarks(tables)), doubt)


@dataclass(frozen=True, slots=True)
class _Flat:
    """A table, the files that it stands in, and each of its columns as it is read, `patient` first."""

    table: Table
    stored: Stored
    columns: dict[str, str]

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns after `patient`."""
        return tuple(self.columns)[1:]

    @property
    def texts(self) -> list[str]:
        """The columns in which anything may stand."""
        return [column for column in self.columns if self.stored.columns[column] == "VARCHAR"]

    def rows(self, *, is_trimmed: bool = False) -> str:
        """A query for everything that stands in the files; blanks around an id do not count."""
        patient = self.columns["patient"]
        if is_trimmed and "patient" in self.texts:
            patient = f"trim({patient}, {literal(BLANKS)})"
        others = (f"{how} AS {name(column)}" for column, how in self.columns.items() if column != "patient")
        return self.stored.rows(", ".join((f"{patient} AS patient", *others)))


# --- columns -----------------------------------------------------------------------------------------------------


def _columns(table: Table, stored: Stored) -> dict[str, str]:
    where, names = stored.where, list(stored.columns)
    needed = ("patient", *([table.name] if table.name else []))
    known = ("patient", *table.columns, CODES)
    files.check_names(names, where, known)
    for one in needed:
        if one not in names:
            near = next((other for other in names if did_you_mean(other, [one]) and other not in known), "")
            columns = ", ".join(names[:12])
            remedy = f"rename {near} to {one}" if near else f"add it; the columns are {columns}"
            raise CaseError(where, f'there is no column "{one}"', remedy)
    if "row" in names:
        raise CaseError(where, 'the column "row" has a name that is needed for something else', "rename or remove it")
    found = {}
    for one in ("patient", *(other for other in names if other != "patient")):
        kind = stored.columns[one]
        if PANDAS_INDEX.fullmatch(one):
            continue
        how = as_text(one, kind)
        if how is None and one in known:
            raise files.inexact(where, one, kind)
        if one == "patient" and kind == "BOOLEAN":
            raise CaseError(where, "the column patient is BOOLEAN", "give each patient an id of its own, as text")
        found[one] = how or f"CAST({name(one)} AS VARCHAR)"
    return found


# --- rows --------------------------------------------------------------------------------------------------------


def _is_clean(tables: list[_Flat], database: duckdb.DuckDBPyConnection) -> bool:
    """Whether every row of every table can be used as it stands, as far as that does not lie with its id."""
    if any(part.broken for flat in tables for part in flat.stored.parts):
        return False
    columns = [(name(column), flat.rows()) for flat in tables for column in flat.texts if column != "patient"]
    bad = f"bool_or({_bad('cell')})"
    return not _any(
        database, [f"SELECT 1 FROM (SELECT DISTINCT {c} AS cell FROM ({rows})) HAVING {bad}" for c, rows in columns]
    )


def _is_doubtful(tables: list[_Flat], database: duckdb.DuckDBPyConnection) -> bool:
    """Whether there is an id that cannot be used, one that stands twice where it must not, or one of nobody.

    One look at all ids, for which most populations pay no more.
    """
    looks = []
    known = next((flat for flat in tables if flat.table.list == PATIENTS), None)
    others = [flat for flat in tables if flat is not known]
    for flat in tables if known is None else [known]:
        doubtful = f"patient IS NULL OR NOT regexp_full_match(patient, {literal(PLAIN)})"
        faulty = f"coalesce(patient = '' OR patient <> trim(patient, {literal(BLANKS)}) OR {_bad('patient')}, true)"
        looks.append(f"SELECT 1 FROM (SELECT patient FROM ({flat.rows()}) WHERE {doubtful}) WHERE {faulty}")
    if known is not None:
        everyone = f"SELECT patient FROM ({known.rows()})"
        before = f"SELECT patient, lag(patient) OVER () AS before FROM ({everyone})"
        # where each id comes after the one before it, none stands twice, and need not be looked for
        if _any(database, [f"SELECT 1 FROM ({before}) WHERE NOT before < patient"]):
            looks.append(f"SELECT 1 FROM ({everyone}) HAVING count(*) <> count(DISTINCT patient)")
        if others:
            named = " UNION ALL ".join(f"SELECT patient FROM ({flat.rows()})" for flat in others)
            looks.append(f"SELECT 1 FROM ({named}) AS entry ANTI JOIN ({everyone}) AS known USING (patient)")
    return _any(database, looks)


def _any(database: duckdb.DuckDBPyConnection, looks: list[str]) -> bool:
    """Whether any of some queries has a row."""
    return any(database.execute(f"{look} LIMIT 1").fetchall() for look in looks)


def _bad(cell: str) -> str:
    return f"regexp_matches({cell}, {literal(FORBIDDEN)}) OR strlen({cell}) > {LONGEST}"


def _faults(flat: _Flat, tables: list[_Flat]) -> str:
    """A query for the rows of a table that cannot be used, each with its first fault; `nth` is its `row`."""
    table = literal(flat.table.list)
    shown = f"{[part.shown for part in flat.stored.parts]}[part + 1]"
    cases = ["WHEN patient IS NULL OR patient = '' THEN 'It names no patient.'"]
    for column in flat.texts:
        cell = name(column)
        sign = f"printf('U+%04X', unicode(regexp_extract({cell}, {literal(FORBIDDEN)})))"
        cases.append(
            f"WHEN regexp_matches({cell}, {literal(FORBIDDEN)}) THEN "
            f"{literal(f'Its {column} holds the control character ')} || {sign} || ', which may not stand in a record.'"
        )
        cases.append(
            f"WHEN strlen({cell}) > {LONGEST} THEN {literal(f'Its {column} is longer than {LONGEST:,} bytes.')}"
        )
    known = next((one for one in tables if one.table.list == PATIENTS), None)
    if flat is known:
        cases.append(
            'WHEN row_number() OVER (PARTITION BY patient ORDER BY "row") > 1 THEN '
            "'Another row before it is about the same patient.'"
        )
    elif known is not None:
        everyone = f"SELECT patient FROM ({known.rows(is_trimmed=True)}) WHERE patient IS NOT NULL"
        remark = literal(f"{known.stored.shown} names no such patient.")
        cases.append(f"WHEN patient NOT IN ({everyone}) THEN {remark}")
    whom = "nullif(patient, '')"
    reasons = f"CASE {' '.join(cases)} END AS reason"
    broken = [
        f'SELECT {table} AS list, {literal(part.shown)} AS "table", "row" + 1 AS "row", patient, reason, '
        f'{sum(one.rows for one in flat.stored.parts[:number])} + "row" AS nth '
        f"FROM read_parquet({located(part.broken)})"
        for number, part in enumerate(flat.stored.parts)
        if part.broken
    ]
    found = (
        f'SELECT {table} AS list, {shown} AS "table", place + 1 AS "row", {whom} AS patient, reason, "row" AS nth '
        f"FROM (SELECT *, {reasons} FROM ({flat.rows(is_trimmed=True)})) WHERE reason IS NOT NULL"
    )
    if not broken:
        return found
    lines = " UNION ALL ".join(broken)
    return f"{lines} UNION ALL ({found} AND nth NOT IN (SELECT nth FROM ({lines})))"


def _good(flat: _Flat, aside: Path) -> Relation:
    """The rows of a table that can be used."""
    faulty = f"SELECT nth FROM read_parquet({located(aside)}) WHERE list = {literal(flat.table.list)}"
    rows = flat.rows(is_trimmed=True)
    if flat.table.list != PATIENTS:
        return Relation(f'SELECT * FROM ({rows}) WHERE "row" NOT IN ({faulty})', flat.keys)
    keys = ", ".join(f"CASE WHEN count(DISTINCT {c}) = 1 THEN min({c}) END AS {c}" for c in map(name, flat.keys))
    good = f'min("row") AS "row", patient{", " + keys if keys else ""}'
    return Relation(f"SELECT {good} FROM ({rows}) WHERE {_usable(flat)} GROUP BY patient", flat.keys)


def _usable(flat: _Flat) -> str:
    """That a row of the patients' table is about somebody and can be read."""
    return " AND ".join(["patient <> ''", *(f"NOT coalesce({_bad(name(column))}, false)" for column in flat.texts)])


def _notes(tables: list[_Flat], relations: Mapping[TableName, Relation], aside: Path) -> str:
    """A query for what a patient's answer has to say: rows that were set aside, and what two rows say differently."""
    known = PATIENTS in relations
    everyone = [relation.query for list_, relation in relations.items() if not known or list_ == PATIENTS]
    patients = " UNION ALL ".join(f"SELECT patient FROM ({query})" for query in everyone)
    notes = [
        "SELECT patient, 'Row ' || \"row\" || ' of ' || \"table\" || ' is not read. ' || reason AS text, "
        f'"table" || \', row \' || "row" AS read_from FROM read_parquet({located(aside)}) '
        f"WHERE patient IN ({patients})"
    ]
    said = "two rows about the patient say different things, and neither is used."
    for flat in (one for one in tables if one.table.list == PATIENTS):
        notes += [
            f"SELECT patient, {literal(f'Context, {key}: {said}')} AS text, {literal(f'context.{key}')} AS read_from "
            f"FROM ({flat.rows(is_trimmed=True)}) WHERE {_usable(flat)} "
            f"GROUP BY patient HAVING count(DISTINCT {name(key)}) > 1"
            for key in flat.keys
        ]
    return " UNION ALL ".join(notes)


def _remarks(tables: list[_Flat]) -> list[str]:
    """What there is to say about whole files."""
    return [
        f"{flat.stored.shown}: the column {column} is the index that pandas wrote, and is not read."
        for flat in tables
        for column in flat.stored.columns
        if PANDAS_INDEX.fullmatch(column)
    ]
