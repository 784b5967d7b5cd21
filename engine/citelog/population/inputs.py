"""The door for data: which shape a folder of them has, and its reader.

The shape is told by the files alone: `labs.parquet` is flat, `*.ndjson` is FHIR Bulk Data, `measurement.parquet` is
OMOP. A folder of two shapes is refused, since its patients would be counted twice or halved.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from citelog.diagnostics import CaseError, did_you_mean
from citelog.listing import paths_in
from citelog.population.data import files, flat
from citelog.population.data.tables import Source
from citelog.population.omop import source as omop
from citelog.population.omop.tables import EVENTS
from citelog.vocab import Terms

if TYPE_CHECKING:
    import duckdb

SHAPES: Mapping[str, str] = {"flat": "flat tables", "fhir": "FHIR Bulk Data", "omop": "OMOP CDM"}
REMEDY = (
    "give a folder with labs.parquet, findings.parquet and so on (or .csv), with *.ndjson of FHIR Bulk Data, or with "
    "measurement.parquet and the other tables of OMOP"
)


def read(
    folder: Path,
    scratch: Path,
    database: duckdb.DuckDBPyConnection,
    terms: Terms,
    at: datetime.date | None = None,
    told: Callable[[int, int], None] = lambda *_: None,
) -> Source:
    """A population from a folder of data, read with as much care as it needs (see `read_ahead`)."""
    source = read_ahead(folder, scratch, database, terms, at, told)
    if source.doubt and source.doubt(database):
        return read_ahead(folder, scratch, database, terms, at, told, with_care=True)
    return replace(source, doubt=None)


def read_ahead(
    folder: Path,
    scratch: Path,
    database: duckdb.DuckDBPyConnection,
    terms: Terms,
    at: datetime.date | None = None,
    told: Callable[[int, int], None] = lambda *_: None,
    *,
    with_care: bool = False,
) -> Source:
    """A population from a folder of data, whatever its shape; without care, it may be left in doubt (`Source.doubt`).

    What has to be written on the way goes to the folder `scratch`, where the queries of the source read it; the
    connection is only for looking. Raises CaseError where the folder or a file of it cannot be used. Without the day
    of the assessment, no table of OMOP says whether a medicine is still taken. `told` hears how many pieces of an
    export are read, and of how many.
    """
    form = shape(folder)
    if form == "fhir":
        # with FHIR's models a fifth of a second: only where they are needed
        from citelog.population.bulk import source as bulk

        return bulk.read(folder, scratch, database, terms, told=told)
    if form == "omop":
        return omop.read(folder, scratch, database, terms, at)
    return flat.read(folder, scratch, database, with_care=with_care)


def shape(folder: Path) -> str:
    """Which shape the data in a folder have: `flat`, `fhir` or `omop`.

    Raises CaseError where there is no such folder, or where its files are of no shape, or of several.
    """
    if not folder.exists():
        raise CaseError(str(folder), "there is no such folder", "check the path, and the folder that you are in")
    if not folder.is_dir():
        raise CaseError(str(folder), "this is a file, not a folder of data", REMEDY)
    files.check_path(folder)
    with files.readable(folder):
        paths = paths_in(folder, "*", hidden=False)
    signs: dict[str, str] = {}
    for path in paths:
        if found := _sign(path):
            signs.setdefault(found, path.name)
    if len(signs) > 1:
        told = " and ".join(f"{SHAPES[form]} ({name})" for form, name in signs.items())
        raise CaseError(
            str(folder), f"this folder holds data of two shapes: {told}", "keep each in a folder of its own"
        )
    if signs:
        return next(iter(signs))
    raise CaseError(str(folder), _nothing(paths), _hint(paths))


def _sign(path: Path) -> str | None:
    """The shape that a file gives away."""
    if path.name.lower().endswith(files.LINES):
        return "fhir"
    if files.stem(path) in flat.NAMES:
        return "flat"
    return "omop" if files.stem(path).lower() in (*EVENTS, "person") else None


def _nothing(paths: list[Path]) -> str:
    if not paths:
        return "this folder is empty"
    names = ", ".join(path.name for path in paths[:5])
    return f"none of its files is known as data of patients ({names}{', …' if len(paths) > 5 else ''})"


def _hint(paths: list[Path]) -> str:
    for path in paths:
        stem = path.name.partition(".")[0]
        if path.suffix.lower() in (".xlsx", ".xls", ".ods") and (stem.lower() in flat.NAMES):
            return f"save {path.name} as {stem.lower()}.csv, in UTF-8"
        if path.suffix.lower() in (".json", ".jsonl"):
            return f"a FHIR Bundle is one patient's record: `citelog assess {path.name}`; Bulk Data end in .ndjson"
        if files.stem(path) and (near := did_you_mean(files.stem(path), flat.NAMES)):
            return f"{path.name}: {near}"
        if stem.lower() in flat.NAMES and path.is_file():
            return f"{path.name}: tables are .parquet or .csv"
    return REMEDY
