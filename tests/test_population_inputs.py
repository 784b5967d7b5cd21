"""What hospitals have, as the flat shape: odd files and odd rows, each as a named case."""

from __future__ import annotations

import copy
import datetime
import gzip
import json
import multiprocessing
import os
import pickle
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import b12
import faults
import walked
from authoring import Command
from citelog import answer, patient
from citelog.diagnostics import CaseError
from citelog.patient.case import LISTS, OWN_KEYS, SHARED_KEYS
from citelog.patient.fhir import read_one
from citelog.patient.reading import json_object
from citelog.patient.releases import other_release
from citelog.patient.resources import READ as READ_TYPES
from citelog.population import inputs
from citelog.population.bulk import chunks, reader, written
from citelog.population.bulk import source as bulk
from citelog.population.bulk.reader import Medications, Reader
from citelog.population.data import files
from citelog.population.data.tables import PATIENTS, TABLES, Source
from citelog.population.omop import tables as omop
from citelog.population.run import Options, run
from patient_terms import TERMS
from test_fhir import (
    FHIR,
    LOINC,
    RECORDS,
    coded,
    condition,
    needs_records,
    observation,
    procedure,
    quantity,
    request,
    statement,
)
from test_population import _sessions

Files = Mapping[str, str | bytes]
Rows = list[dict[str, Any]]

ROW = "SELECT 'P1' AS patient, 'a' AS analyte"
LABS = "patient,analyte,value,unit\nP1,serum ferritin,80,µg/L\n"


def write(folder: Path, files: Files) -> Path:
    """A folder of files: text as UTF-8, bytes as they are; for a name in .parquet, a query that gives its rows."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".parquet") and isinstance(content, str):
            duckdb.sql(f"COPY ({content}) TO '{path}' (FORMAT parquet)")
        else:
            data = content.encode() if isinstance(content, str) else content
            path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return folder


class Found:
    """A source, read and shown."""

    def __init__(self, folder: Path) -> None:
        scratch = folder / ".scratch"
        scratch.mkdir()
        self.database = duckdb.connect()
        self.source: Source = inputs.read(folder, scratch, self.database, TERMS)

    def rows(self, query: str | None) -> Rows:
        if query is None:
            return []
        found = self.database.execute(query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def table(self, list_: Any) -> list[str]:
        """The rows of a table as `patient: key=value, …`, in their order."""
        relation = self.source.relations[list_]
        rows = sorted(self.rows(relation.query), key=lambda row: row["row"])
        assert all(set(row) >= {"row", "patient", *relation.columns} for row in rows)
        shown = []
        for row in rows:
            keys = ", ".join(f"{k}={row[k]}" for k in relation.columns if row[k] not in (None, ""))
            shown.append(f"{row['patient']}: {keys}")
        return shown

    @property
    def rejected(self) -> list[str]:
        return [f"{r['table']}:{r['row']} {r['patient']}: {r['reason']}" for r in self.rows(self.source.rejected)]

    @property
    def notes(self) -> list[str]:
        return sorted(f"{r['patient']}: {r['text']}" for r in self.rows(self.source.notes))


def found(folder: Path, files: Files) -> Found:
    return Found(write(folder, files))


# --- what stops the run: an error with the file, the trouble and what to try --------------------------------------

REFUSED: dict[str, tuple[Files, str, str]] = {
    # the folder
    "an empty folder": ({}, "this folder is empty", "labs.parquet"),
    "a folder of letters": ({"a.docx": b"x"}, "none of its files is known as data", "labs.parquet"),
    "tables of a spreadsheet": ({"labs.xlsx": b"x"}, "none of its files", "save labs.xlsx as labs.csv"),
    "a folder of bundles": ({"p1.json": b"{}"}, "none of its files", "citelog assess p1.json"),
    "a table by another name": ({"lab.csv": LABS}, "none of its files", "did you mean labs?"),
    "a table in capitals": ({"LABS.csv": LABS}, "none of its files", "did you mean labs?"),
    "tables with tabs and another ending": ({"labs.tsv": LABS}, "none of its files", ".parquet or .csv"),
    "two shapes in one folder": (
        {"labs.csv": LABS, "Patient.ndjson": "{}"},
        "two shapes: FHIR Bulk Data (Patient.ndjson) and flat tables (labs.csv)",
        "keep each in a folder of its own",
    ),
    "a table that is there twice": (
        {"labs.csv": LABS, "labs.parquet": f"{ROW}"},
        "labs is there twice: labs.csv and labs.parquet",
        "keep one",
    ),
    # its columns
    "no column for the patient": (
        {"labs.csv": "analyte,value\na,1\n"},
        'no column "patient"',
        "columns are analyte, value",
    ),
    "a patient's column by another name": (
        {"labs.csv": "patients,analyte\nP1,a\n"},
        'no column "patient"',
        "rename patients to patient",
    ),
    "no column for the analyte": ({"labs.csv": "patient,value\nP1,1\n"}, 'no column "analyte"', "add it"),
    "a column in capitals": (
        {"labs.csv": "patient,analyte,Unit\nP1,a,b\n"},
        '"unit" is written "Unit"',
        "rename it to unit",
    ),
    "a column twice": (
        {"labs.csv": "patient,analyte,value,value\nP1,a,1,2\n"},
        'the columns "value" twice',
        "keep one",
    ),
    "a column twice in other letters": (
        {"labs.csv": "patient,analyte,value,Value\nP1,a,1,2\n"},
        'the columns "value" and "Value"',
        "keep one",
    ),
    "a line that only Excel reads": ({"labs.csv": "sep=;\npatient;analyte\nP1;a\n"}, "is for Excel alone", "remove it"),
    "a column without a name": ({"labs.csv": ",patient,analyte\n0,P1,a\n"}, "a column has no name", "index=False"),
    "a column called row": ({"labs.csv": "patient,analyte,row\nP1,a,b\n"}, 'the column "row"', "rename or remove it"),
    "a control character in a column's name": (
        {"labs.csv": "patient,analyte,va\x07lue\nP1,a,1\n"},
        "the column 'va\\x07lue' has a control character",
        "rename the column",
    ),
    "values as floating-point numbers": (
        {"labs.parquet": f"{ROW}, 80.0::DOUBLE AS value"},
        'the column "value" is DOUBLE, in which 80, 80.0 and 1.10 are not kept as they were recorded',
        "write it as text",
    ),
    "patients as floating-point numbers": (
        {"labs.parquet": "SELECT 1::FLOAT AS patient, 'a' AS analyte"},
        'the column "patient" is FLOAT',
        "write it as text",
    ),
    "a list in a cell": (
        {"labs.parquet": "SELECT 'P1' AS patient, ['a', 'b'] AS analyte"},
        'the column "analyte" is VARCHAR[], not text',
        "one value in each cell",
    ),
    "patients that are true": (
        {"labs.parquet": "SELECT true AS patient, 'a' AS analyte"},
        "the column patient is BOOLEAN",
        "an id of its own",
    ),
    # its bytes
    "an empty file": ({"labs.csv": ""}, "the file is empty", "names of the columns"),
    "a file of blank lines": ({"labs.csv": "\n\n"}, "the first line has no names of columns", "patient,"),
    "Latin-1": (
        {"labs.csv": "patient,analyte\nP1,a\nP2,fähig\n".encode("latin-1")},
        "labs.csv:3: this is not UTF-8",
        "UTF-8",
    ),
    "UTF-16": ({"labs.csv": LABS.encode("utf-16")}, "this is UTF-16 text", "save the file as UTF-8"),
    "compressed, and not called so": (
        {"labs.csv": gzip.compress(LABS.encode())},
        "this is compressed (gzip)",
        "name it labs.csv.gz",
    ),
    "a quote that is never closed": (
        {"labs.csv": 'patient,analyte,value\nP1,a,1\nP2,"b,2\nP3,c,3\n'},
        "labs.csv:3: where this row ends cannot be told",
        "close each quote",
    ),
    "text behind a closing quote": (
        {"labs.csv": 'patient,analyte,value\nP1,a,1\nP2,"b"c,2\nP3,c,3\n'},
        "labs.csv:3: where this row ends cannot be told",
        "close each quote",
    ),
    "a file that is called Parquet": (
        {"labs.parquet": b"patient,analyte"},
        "no Parquet file that can be read",
        "again",
    ),
    "parts of a table with other columns": (
        {
            "labs.parquet/part-0.parquet": f"{ROW}",
            "labs.parquet/part-1.parquet": f"{ROW}, '1' AS value",
        },
        "part-1.parquet: its columns are not those of labs.parquet/part-0.parquet",
        "the same columns",
    ),
    "a folder without parts": ({"labs.parquet/_SUCCESS": b""}, "this folder has no parts of a table", "*.parquet"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_folder_that_cannot_be_used_is_refused(case: str, tmp_path: Path) -> None:
    files, what, remedy = REFUSED[case]
    with pytest.raises(CaseError) as caught:
        found(tmp_path, files)
    assert what in f"{caught.value.where}: {caught.value.what}"
    assert remedy in caught.value.remedy
    assert str(tmp_path) in caught.value.where


def test_a_file_that_is_called_gzip_and_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labs.csv.gz").write_bytes(LABS.encode())
    with pytest.raises(CaseError, match="cannot be read"):
        Found(tmp_path)


@pytest.mark.parametrize("name", ["labs.csv", "findings.csv/1.csv", "a.ndjson", "measurement.csv"])
def test_a_pipe_among_the_data_is_named_and_not_waited_for(name: str, tmp_path: Path) -> None:
    """Its end never came."""
    folder = write(tmp_path / "data", {"findings.csv/0.csv": LABS} if "/" in name else {})
    folder.mkdir(exist_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(CaseError, match="this is a pipe or a device, and no file\n   = take it away") as caught:
        inputs.read(folder, tmp_path, duckdb.connect(), TERMS)
    assert caught.value.where == str(folder / name)


@pytest.mark.skipif(sys.platform != "linux", reason="where root is not asked for its rights")
@pytest.mark.parametrize(
    "name", ["labs.csv", "labs.csv.gz", "labs.parquet", "findings.csv/1.csv", "findings.csv", "a.ndjson", "."]
)
def test_what_may_not_be_read_is_named(name: str, tmp_path: Path) -> None:
    """Of a file of Parquet it was said that it is none, and of a folder of parts that the disk failed."""
    there = {"labs.parquet": ROW, "a.ndjson": ndjson(someone())}.get(name, LABS)
    folder = write(tmp_path / "data", {"findings.csv/1.csv" if name in ("findings.csv", ".") else name: there})
    secret = folder / name
    secret.chmod(0)
    with ThreadPoolExecutor(1, initializer=faults.unprivileged) as somebody:
        read = somebody.submit(inputs.read, folder, tmp_path, duckdb.connect(), TERMS)
    secret.chmod(0o700)
    error = read.exception()
    assert isinstance(error, CaseError) and error.where == str(secret)
    what = "folder" if secret.is_dir() else "file"
    assert (error.what, error.remedy) == (f"this {what} may not be read", "give yourself the right to read it")


@pytest.mark.parametrize("name", ["no-such-folder", "labs.csv"])
def test_what_is_no_folder_is_refused(name: str, tmp_path: Path) -> None:
    write(tmp_path, {"labs.csv": LABS})
    with pytest.raises(CaseError):
        inputs.read(tmp_path / name, tmp_path, duckdb.connect(), TERMS)


def test_data_that_cannot_be_used_leave_no_folder_of_answers(tmp_path: Path) -> None:
    write(tmp_path / "data", {"labs.csv": "patient,value\nP1,1\n"})
    with pytest.raises(CaseError, match='no column "analyte"'):
        run(b12.knowledge(), tmp_path / "data", tmp_path / "out", Options())
    assert not (tmp_path / "out").exists()


# --- what is read as it stands ------------------------------------------------------------------------------------

READ: dict[str, tuple[Files, str, list[str]]] = {
    "every table may be missing but one": (
        {"labs.csv": LABS},
        "labs",
        ["P1: analyte=serum ferritin, value=80, unit=µg/L"],
    ),
    "a table without rows": ({"labs.csv": "patient,analyte\n"}, "labs", []),
    "semicolons": ({"labs.csv": "patient;analyte;value\nP1;a,b;1,5\n"}, "labs", ["P1: analyte=a,b, value=1,5"]),
    "tabs": ({"labs.csv": "patient\tanalyte\nP1\ta\n"}, "labs", ["P1: analyte=a"]),
    "a mark for UTF-8 at the beginning": (
        {"labs.csv": b"\xef\xbb\xbf" + LABS.encode()},
        "labs",
        ["P1: analyte=serum ferritin, value=80, unit=µg/L"],
    ),
    "lines that end as on Windows": ({"labs.csv": "patient,analyte\r\nP1,a\r\n"}, "labs", ["P1: analyte=a"]),
    "no end of the last line": ({"labs.csv": "patient,analyte\nP1,a"}, "labs", ["P1: analyte=a"]),
    "quotes, and a line within them": (
        {"labs.csv": 'patient,analyte\nP1,"a, ""b""\nc"\nP2,d\n'},
        "labs",
        ['P1: analyte=a, "b"\nc', "P2: analyte=d"],
    ),
    "a quote in the middle of a cell": (
        {"labs.csv": 'patient,analyte\nP1,5" needle\n'},
        "labs",
        ['P1: analyte=5" needle'],
    ),
    "blank lines": ({"labs.csv": "patient,analyte\n\nP1,a\n\n\nP2,b\n"}, "labs", ["P1: analyte=a", "P2: analyte=b"]),
    "numbers keep their text": (
        {"labs.csv": "patient,analyte,value\nP1,a,1.10\nP1,a,080\nP1,a,1e3\nP1,a,<50\n"},
        "labs",
        [
            "P1: analyte=a, value=1.10",
            "P1: analyte=a, value=080",
            "P1: analyte=a, value=1e3",
            "P1: analyte=a, value=<50",
        ],
    ),
    "NaN and NULL in a CSV file are what they say": (
        {"labs.csv": "patient,analyte,value\nP1,a,NaN\nP1,a,NULL\n"},
        "labs",
        ["P1: analyte=a, value=NaN", "P1: analyte=a, value=NULL"],
    ),
    "an empty cell and an empty text are no value": (
        {"labs.csv": 'patient,analyte,value\nP1,a,\nP1,a,""\n'},
        "labs",
        ["P1: analyte=a", "P1: analyte=a"],
    ),
    "whole numbers": (
        {"labs.parquet": "SELECT 17 AS patient, 'a' AS analyte, 80::BIGINT AS value"},
        "labs",
        ["17: analyte=a, value=80"],
    ),
    "decimals keep their digits": (
        {"labs.parquet": f"{ROW}, 80::DECIMAL(9,2) AS value"},
        "labs",
        ["P1: analyte=a, value=80.00"],
    ),
    "dates and moments": (
        {
            "labs.parquet": f"""{ROW}, DATE '2026-03-02' AS "when"
            UNION ALL SELECT 'P1', 'a', NULL"""
        },
        "labs",
        ["P1: analyte=a, when=2026-03-02", "P1: analyte=a"],
    ),
    "a moment with a zone counts in UTC": (
        {"labs.parquet": f"""{ROW}, TIMESTAMPTZ '2026-03-02 23:30:00-05:00' AS "when" """},
        "labs",
        ["P1: analyte=a, when=2026-03-03 04:30:00Z"],
    ),
    "true and false stay what they are": (
        {"findings.parquet": "SELECT 'P1' AS patient, 'a' AS name, true AS state"},
        "findings",
        ["P1: name=a, state=True"],
    ),
    "a list of choices is text": (
        {"findings.parquet": "SELECT 'P1' AS patient, 'a'::ENUM('a', 'b') AS name"},
        "findings",
        ["P1: name=a"],
    ),
    "a column that nobody knows is kept": (
        {"labs.csv": "patient,analyte,unt\nP1,a,mg\n"},
        "labs",
        ["P1: analyte=a, unt=mg"],
    ),
    "a column that nobody knows, of another type": (
        {"labs.parquet": f"{ROW}, [1, 2] AS more, 0.5::DOUBLE AS x"},
        "labs",
        ["P1: analyte=a, more=[1, 2], x=0.5"],
    ),
    "quotes in the name of a column": (
        {"labs.csv": "patient,analyte,it's\nP1,a,b\n"},
        "labs",
        ["P1: analyte=a, it's=b"],
    ),
    "codes go before the name": (
        {"labs.csv": "patient,analyte,codes\nP1,a,loinc:2276-4\n"},
        "labs",
        ["P1: analyte=a, codes=loinc:2276-4"],
    ),
    "the index that pandas writes": ({"labs.parquet": f"{ROW}, 7 AS __index_level_0__"}, "labs", ["P1: analyte=a"]),
    "the parts of a cluster, in their order": (
        {
            "labs.parquet/part-1.parquet": "SELECT 'P1' AS patient, 'c' AS analyte UNION ALL SELECT 'P1', 'd'",
            "labs.parquet/part-0.parquet": f"{ROW} UNION ALL SELECT 'P1', 'b'",
            "labs.parquet/_SUCCESS": b"",
        },
        "labs",
        ["P1: analyte=a", "P1: analyte=b", "P1: analyte=c", "P1: analyte=d"],
    ),
    "a compressed table": ({"labs.csv.gz": LABS}, "labs", ["P1: analyte=serum ferritin, value=80, unit=µg/L"]),
    "a patient without entries": ({"patients.csv": "patient\nP1\nP2\n"}, PATIENTS, ["P1: ", "P2: "]),
    "a folder with a quote in its name": (
        {"labs.csv": LABS},
        "labs",
        ["P1: analyte=serum ferritin, value=80, unit=µg/L"],
    ),
}


@pytest.mark.parametrize("case", READ)
def test_a_table_is_read_as_it_stands(case: str, tmp_path: Path) -> None:
    files, table, rows = READ[case]
    folder = tmp_path / ("it's here" if "quote in its name" in case else "data")
    folder.mkdir()
    read = found(folder, files)
    assert read.table(table) == rows
    assert read.rejected == read.notes == []
    assert [str(path.relative_to(folder)) for path in read.source.files] == sorted(
        n for n in files if "_SUCCESS" not in n
    )
    assert bool(read.source.remarks) == ("pandas" in case)


# --- rows that are set aside --------------------------------------------------------------------------------------

BELL = "holds the control character U+0007, which may not stand in a record."
ASIDE: dict[str, tuple[Files, list[str], list[str], list[str]]] = {
    # files, the patients that stay in labs, rejected rows, notes
    "a row without a patient": (
        {"labs.csv": "patient,analyte\nP1,a\n,b\n  ,c\n"},
        ["P1"],
        ["labs.csv:2 None: It names no patient.", "labs.csv:3 None: It names no patient."],
        [],
    ),
    "a row of a patient whom the table of patients does not name": (
        {"labs.csv": "patient,analyte\nP1,a\np1,b\n", "patients.csv": "patient\nP1\n"},
        ["P1"],
        ["labs.csv:2 p1: patients.csv names no such patient."],
        [],
    ),
    "blanks around an id do not count": (
        {"labs.csv": "patient,analyte\nP1 ,a\nP1,b\n", "patients.csv": "patient\n P1\n"},
        ["P1", "P1"],
        [],
        [],
    ),
    "blanks around an id without a table of patients": (
        {"labs.csv": "patient,analyte\nP1 ,a\nP1,b\n"},
        ["P1", "P1"],
        [],
        [],
    ),
    "a row with too few cells, and one with too many": (
        {"labs.csv": "patient,analyte,value\nP1,a\nP1,b,2\n\nP2,c,3,4\n"},
        ["P1"],
        ["labs.csv:1 P1: Line 2 has 2 cells, not 3.", "labs.csv:3 P2: Line 5 has 4 cells, not 3."],
        ["P1: Row 1 of labs.csv is not read. Line 2 has 2 cells, not 3."],
    ),
    "a control character": (
        {"labs.csv": "patient,analyte\nP1,a\x07b\nP1,c\n"},
        ["P1"],
        [f"labs.csv:1 P1: Its analyte {BELL}"],
        [f"P1: Row 1 of labs.csv is not read. Its analyte {BELL}"],
    ),
    "a NUL in an id": (
        {"labs.parquet": "SELECT 'P' || chr(0) AS patient, 'a' AS analyte"},
        [],
        ["labs.parquet:1 P\x00: Its patient holds the control character U+0000, which may not stand in a record."],
        [],
    ),
    "a cell of a million letters": (
        {"labs.parquet": "SELECT 'P1' AS patient, repeat('a', 1000001) AS analyte UNION ALL SELECT 'P1', 'b'"},
        ["P1"],
        ["labs.parquet:1 P1: Its analyte is longer than 1,000,000 bytes."],
        ["P1: Row 1 of labs.parquet is not read. Its analyte is longer than 1,000,000 bytes."],
    ),
    "a row of the second part": (
        {"labs.parquet/0.parquet": f"{ROW}", "labs.parquet/1.parquet": f"{ROW} UNION ALL SELECT NULL, 'b'"},
        ["P1", "P1"],
        ["labs.parquet/1.parquet:2 None: It names no patient."],
        [],
    ),
    "the same patient twice": (
        {"labs.csv": "patient,analyte\nP1,a\n", "patients.csv": "patient,sex\nP1,male\nP1,male\n"},
        ["P1"],
        ["patients.csv:2 P1: Another row before it is about the same patient."],
        ["P1: Row 2 of patients.csv is not read. Another row before it is about the same patient."],
    ),
    "the same patient twice, in a table without an order": (
        {"labs.csv": "patient,analyte\nP1,a\n", "patients.csv": "patient,sex\nP1,male\nP2,male\nP0,male\nP1,male\n"},
        ["P1"],
        ["patients.csv:4 P1: Another row before it is about the same patient."],
        ["P1: Row 4 of patients.csv is not read. Another row before it is about the same patient."],
    ),
}


@pytest.mark.parametrize("case", ASIDE)
def test_a_row_that_cannot_be_used_is_set_aside_and_stops_nothing(case: str, tmp_path: Path) -> None:
    files, patients, rejected, notes = ASIDE[case]
    read = found(tmp_path, files)
    assert [row.partition(":")[0] for row in read.table("labs")] == patients
    assert (read.rejected, read.notes) == (rejected, notes)


def test_rows_of_a_file_with_broken_ones_are_the_same_however_many_are_handed_on_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "patient,analyte\n" + "".join(f"P{i},a{',x' * (i % 3 == 1)}\n" for i in range(9))
    whole = found(tmp_path / "whole", {"labs.csv": text})
    monkeypatch.setattr(files, "HANDFUL", 2)
    parts = found(tmp_path / "parts", {"labs.csv": text})
    assert (parts.table("labs"), parts.rejected) == (whole.table("labs"), whole.rejected)
    assert (len(whole.table("labs")), len(whole.rejected)) == (6, 3)


def test_of_a_patient_who_stands_twice_only_what_both_rows_say_is_used(tmp_path: Path) -> None:
    rows = "patient,age_years,sex,ward\nP1,70,female,\nP1,71,female,\nP1,,,B\nP2,50,male,A\n"
    read = found(tmp_path, {"patients.csv": rows})
    assert read.table(PATIENTS) == ["P1: sex=female, ward=B", "P2: age_years=50, sex=male, ward=A"]
    assert "P1: Context, age_years: two rows about the patient say different things, and neither is used." in read.notes


# --- FHIR Bulk Data -----------------------------------------------------------------------------------------------


def ndjson(*resources: dict[str, Any] | str) -> str:
    """Resources as lines; a text is a line as it stands."""
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in resources)


def someone(id_: str = "p1", **elements: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id_, "gender": "female", **elements}


def ferritin(value: Any = 80, patient: Any = "Patient/p1", **elements: Any) -> dict[str, Any]:
    subject = {"reference": patient} if isinstance(patient, str) else patient
    return {**observation(valueQuantity=quantity(value), subject=subject), **elements}


def report(result: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "iron"},
            "subject": {"reference": "Patient/p1"}, "result": [{"reference": "#r"}],
            "contained": [{**result, "id": "r"}]}  # fmt: skip


FERRITIN = "analyte=2276-4, codes=loinc:2276-4"
BULK: dict[str, tuple[Files, list[str], list[str], list[str]]] = {
    # files, the results, rejected lines, notes
    "one resource a line, in files by type": (
        {"Patient.ndjson": ndjson(someone()), "Observation.ndjson": ndjson(ferritin(80), ferritin(90))},
        [f"p1: {FERRITIN}, value=80, unit=ug/L", f"p1: {FERRITIN}, value=90, unit=ug/L"], [], []),
    "a number keeps its digits": (
        {"a.ndjson": ndjson(someone(), json.dumps(ferritin(80)).replace("80", "80.10"))},
        [f"p1: {FERRITIN}, value=80.10, unit=ug/L"], [], []),
    "a compressed file": (
        {"a.ndjson.gz": ndjson(someone(), ferritin())}, [f"p1: {FERRITIN}, value=80, unit=ug/L"], [], []),
    "blank lines, Windows' ends of lines, a mark for UTF-8": (
        {"a.ndjson": b"\xef\xbb\xbf" + ndjson(someone(), "", ferritin()).replace("\n", "\r\n").encode()},
        [f"p1: {FERRITIN}, value=80, unit=ug/L"], [], []),
    "a number that is none, which JSON does not have": (
        {"a.ndjson": ndjson(someone(), ferritin(80), ferritin(float("nan")))},
        [f"p1: {FERRITIN}, value=80, unit=ug/L"], ["a.ndjson:3 None: It cannot be read: not JSON."], []),
    "a patient by an absolute address, a version, a uuid": (
        {"a.ndjson": ndjson(someone(), ferritin(1, "http://a/fhir/Patient/p1"), ferritin(2, "Patient/p1/_history/3"),
                            ferritin(3, "urn:uuid:p1"))},
        [f"p1: {FERRITIN}, value={n}, unit=ug/L" for n in (1, 2, 3)], [], []),
    "a patient of another server": (
        {"a.ndjson": ndjson(someone(), *[ferritin(1, "http://a/Patient/p1")] * 2, ferritin(2, "http://b/Patient/p1"))},
        [f"p1: {FERRITIN}, value=1, unit=ug/L"] * 2,
        ["a.ndjson:4 p1: Its patient is one of another server, http://b."], []),
    "a patient whom the export does not have": (
        {"a.ndjson": ndjson(someone(), ferritin(), ferritin(1, "Patient/p2"))},
        [f"p1: {FERRITIN}, value=80, unit=ug/L"],
        ["a.ndjson:3 p2: No Patient of the export is the one that it is about."], []),
    "an export without patients has those who are spoken of": (
        {"a.ndjson": ndjson(ferritin(1, "Patient/p2"))}, [f"p2: {FERRITIN}, value=1, unit=ug/L"], [], []),
    "no patient, a group, a patient inside, a name for a patient": (
        {"a.ndjson": ndjson(someone(), ferritin(1, None), ferritin(1, "Group/1"), ferritin(1, "#p"),
                            ferritin(1, {"display": "Ms P"}), ferritin(1, "Patient?identifier=1"))},
        [],
        ["a.ndjson:2 None: It names no patient.",
         "a.ndjson:3 None: It is about a Group, not about a patient.",
         "a.ndjson:4 None: Its patient stands inside the resource itself, so whose it is cannot be told.",
         "a.ndjson:5 None: It refers to its patient in a way that cannot be followed.",
         "a.ndjson:6 None: It refers to its patient in a way that cannot be followed."], []),
    "a result inside a report, of the report's patient and of another": (
        {"a.ndjson": ndjson(someone(), report(ferritin(1, None)), report(ferritin(2)),
                            report(ferritin(3, "Patient/p2")), report(ferritin(4, "#p")))},
        [f"p1: {FERRITIN}, value={n}, unit=ug/L" for n in (1, 2)],
        ["a.ndjson:4 None: A result inside it is about another patient, or nobody can tell about whom.",
         "a.ndjson:5 None: A result inside it is about another patient, or nobody can tell about whom."], []),
    "lines that are no resources": (
        {"a.ndjson": ndjson(someone(), '{"resourceType": "Observation"', "[1]", "7", "{}", '{"a": 1, "a": 2}',
                            '{"resourceType": 5}', "{a: 1}", '{"resourceType":"Observation","status":"\\u0007"}')},
        [],
        ["a.ndjson:2 None: It cannot be read: not JSON (Expecting ',' delimiter, column 31).",
         "a.ndjson:3 None: It cannot be read: this is a list, not a case.",
         "a.ndjson:4 None: It cannot be read: this is a single value, not a case.",
         "a.ndjson:5 None: It cannot be read: it has no resourceType.",
         'a.ndjson:6 None: It cannot be read: the key "a" stands twice in one object.',
         "a.ndjson:7 None: It cannot be read: it has no resourceType.",
         "a.ndjson:8 None: It cannot be read: not JSON (Expecting property name enclosed in double quotes, column 2).",
         "a.ndjson:9 None: It names no patient."], []),
    "a Bundle, which holds what would be missing": (
        {"a.ndjson": ndjson(someone(), {"resourceType": "Bundle", "entry": [{"resource": ferritin()}]}, ferritin(90))},
        [f"p1: {FERRITIN}, value=90, unit=ug/L"],
        ["a.ndjson:2 None: It cannot be read: a Bundle holds resources, and each has a line of its own here."], []),
    "a control character, and bytes that are no UTF-8": (
        {"a.ndjson": ndjson(someone(), json.dumps(ferritin(status="\x07")),
                            json.dumps(ferritin(status="x")).replace("x", "\x07")).encode()
                     + json.dumps(ferritin(status="y")).replace("y", "\xe4").encode("latin-1")},
        [],
        ["a.ndjson:2 p1: It cannot be read: the character U+0007 may not stand in a record.",
         "a.ndjson:3 None: It cannot be read: the control character U+0007 may not stand in a record.",
         "a.ndjson:4 None: It cannot be read: this is not UTF-8 text."],
        ["p1: A resource is not read. It cannot be read: the character U+0007 may not stand in a record."]),
    "bytes that are no UTF-8, in a comment of a line like one before": (
        {"a.ndjson": b"".join(json.dumps(ferritin(note=[{"text": "größer"}]), ensure_ascii=False).encode(code) + b"\n"
                              for code in ("utf-8", "latin-1"))},
        [f"p1: {FERRITIN}, value=80, unit=ug/L"],
        ["a.ndjson:2 None: It cannot be read: this is not UTF-8 text."],
        ['p1: Observation "2276-4" has a comment, which is not read.']),
    "a control character, written as an escape, in what is not looked at": (
        {"a.ndjson": ndjson(someone(), ferritin(note=[{"text": "\x07"}]), someone("p2", name=[{"text": "\x9b"}]),
                            ferritin(90, "Patient/p2"), ferritin(note=[{"text": "\n, ü \U0001f600"}]))},
        [f"p1: {FERRITIN}, value=80, unit=ug/L"],
        ["a.ndjson:2 p1: It cannot be read: the character U+0007 may not stand in a record.",
         "a.ndjson:3 p2: It cannot be read: the character U+009B may not stand in a record.",
         "a.ndjson:4 p2: No Patient of the export is the one that it is about."],
        ["p1: A resource is not read. It cannot be read: the character U+0007 may not stand in a record.",
         'p1: Observation "2276-4" has a comment, which is not read.']),
    "a letter that is not ASCII, and characters that may not stand in a record as they are": (
        {"a.ndjson": ndjson(someone(), *(json.dumps(ferritin(note=[{"text": said}]), ensure_ascii=False)
                                         for said in ("größer", "a\x85b", "a\x7fb")))},
        [f"p1: {FERRITIN}, value=80, unit=ug/L"],
        ["a.ndjson:3 None: It cannot be read: the control character U+0085 may not stand in a record.",
         "a.ndjson:4 None: It cannot be read: the control character U+007F may not stand in a record."],
        ['p1: Observation "2276-4" has a comment, which is not read.']),
    "a Patient without an id": ({"a.ndjson": ndjson(someone(), {"resourceType": "Patient"})}, [],
        ["a.ndjson:2 None: This Patient has no id."], []),
    "what was entered in error, and what was cancelled": (
        {"a.ndjson": ndjson(someone(), ferritin(1, status="entered-in-error"), ferritin(2, status="cancelled"))},
        [f"p1: {FERRITIN}, value=1, unit=ug/L, status=entered in error"], [],
        ['p1: Observation "2276-4" is not read: its status is cancelled, so there is no result.']),
    "a resource of another release makes the record of its patient unusable": (
        {"a.ndjson": ndjson(someone(), someone("p2"), ferritin(), ferritin(1, "Patient/p2"),
                            {**statement(subject={"reference": "Patient/p2"}), "taken": "y"})},
        [f"p1: {FERRITIN}, value=80, unit=ug/L"],
        ["a.ndjson:2 p2: Another resource makes the whole record of its patient unusable.",
         "a.ndjson:4 p2: Another resource makes the whole record of its patient unusable.",
         "a.ndjson:5 p2: This makes the whole record of the patient unusable: it is FHIR STU3 "
         '(a MedicationStatement with "taken").'], []),
    "two Patient resources of one id": (
        {"a.ndjson": ndjson(someone(), someone(gender="male"), ferritin())},
        [f"p1: {FERRITIN}, value=80, unit=ug/L"],
        ["a.ndjson:2 p1: Another Patient before it has the same id."],
        ["p1: Two Patient resources have the id of the patient and say different things; neither is used: sex"]),
    "of two versions the newer counts": (
        {"a.ndjson": ndjson(someone(), ferritin(800, id="o1", meta={"versionId": "1"})),
         "b.ndjson": ndjson(ferritin(80, id="o1", meta={"versionId": "2"}), ferritin(90, id="o2"))},
        [f"p1: {FERRITIN}, value=80, unit=ug/L", f"p1: {FERRITIN}, value=90, unit=ug/L"], [],
        ['p1: Observation "2276-4" (version 1) is an older version of a resource of the record, and is not read.']),
    "of two versions the one that cannot be read is none": (
        {"a.ndjson": ndjson(someone(), ferritin(800, id="o1", meta={"versionId": "1"}, note=[{"text": "\x07"}]),
                            ferritin(80, id="o1", meta={"versionId": "2"}))},
        [f"p1: {FERRITIN}, value=80, unit=ug/L"],
        ["a.ndjson:2 p1: It cannot be read: the character U+0007 may not stand in a record."],
        ["p1: A resource is not read. It cannot be read: the character U+0007 may not stand in a record."]),
    "nor is one that says something twice where nobody looks but to compare": (
        {"a.ndjson": ndjson(someone(), ferritin(80, id="o1", meta={"versionId": "1"}),
                            json.dumps(ferritin(800, id="o1", text="?")).replace('"?"', '{"div": 1, "div": 2}'))},
        [f"p1: {FERRITIN}, value=80, unit=ug/L"], [],
        ['p1: A resource is not read. It cannot be read: the key "div" stands twice in one object.']),
    "of two versions of which none is the newest none is relied on": (
        {"a.ndjson": ndjson(someone(), ferritin(800, id="o1"), ferritin(80, id="o1"), ferritin(90, id="o2"))},
        [f"p1: {FERRITIN}, value=90, unit=ug/L", f"p1: {FERRITIN}", f"p1: {FERRITIN}"], [],
        ['p1: Observation "2276-4" has 2 versions in the record, and nothing says which is the newest: '
         "it counts as recorded, and what it says is not used."] * 2),
    "the same resource twice counts once": (
        {"a.ndjson": ndjson(someone(), ferritin(80, id="o1"), ferritin(80, id="o1"))},
        [f"p1: {FERRITIN}, value=80, unit=ug/L"], [],
        ['p1: Observation "2276-4" stands in the record again, and counts once.']),
    "a resource that is not valid": (
        {"a.ndjson": ndjson(someone(), ferritin(status=None))}, [f"p1: {FERRITIN}"], [],
        ["p1: Observation \"2276-4\" is not valid FHIR R4 (status: Value for the field 'status' is required). "
         "It counts as recorded, and what cannot be relied on is not used."]),
}  # fmt: skip


@pytest.mark.parametrize("case", BULK)
def test_a_line_of_bulk_data_is_read_or_set_aside(case: str, tmp_path: Path) -> None:
    files, results, rejected, notes = BULK[case]
    read = found(tmp_path, files)
    assert (read.table("labs") if "labs" in read.source.relations else []) == results
    assert (read.rejected, read.notes) == (rejected, notes)
    assert not list((tmp_path / ".scratch").glob("entries*"))


def test_types_that_nothing_reads_are_counted(tmp_path: Path) -> None:
    visit = {"resourceType": "Encounter", "subject": {"reference": "Patient/p1"}}
    read = found(tmp_path, {"a.ndjson": ndjson(someone(), visit, visit, {"resourceType": "Claim"})})
    assert read.source.remarks == (
        "1 Claim resource is not read: a bill is no record of what was found.",
        "2 Encounter resources are not read: no entry is made of this type.",
    )


def test_a_medicine_that_a_patient_does_not_bear_is_noted_where_it_is_known(tmp_path: Path) -> None:
    def unborne(name: str, id_: str, patient: str | None = "Patient/p1", **elements: Any) -> dict[str, Any]:
        whose = {"reference": patient} if patient else {"display": "Ms P"}
        return {"resourceType": "AllergyIntolerance", "id": id_, "code": {"text": name}, "patient": whose, **elements}

    said = "is about folic acid. No rule reads it: whoever reads this has to weigh it."
    lines = ndjson(
        someone(),
        someone("p2"),
        unborne("folic acid", "1", clinicalStatus={"text": "active"}),
        unborne("peanuts", "2"),
        unborne("folic acid", "3", None),
        unborne("folic acid", "4", "Patient/p2", meta={"versionId": "1"}),
        unborne("peanuts", "4", "Patient/p2", meta={"versionId": "2"}),
        unborne("folic acid", "5", "Patient/p2"),
        unborne("folic acid", "5", "Patient/p2", criticality="high"),
    )
    read = found(tmp_path, {"a.ndjson": lines})
    assert read.notes == [
        f'p1: AllergyIntolerance "folic acid" (active) {said}',
        'p2: AllergyIntolerance "folic acid" (version 1) is an older version of a resource of the record, '
        "and is not read.",
        *[f'p2: AllergyIntolerance "folic acid" {said}'] * 2,  # of two versions, and nothing says which is the newest
    ]
    assert read.rejected == ["a.ndjson:5 None: It refers to its patient in a way that cannot be followed."]
    assert read.source.remarks == ("2 AllergyIntolerance resources are not read: no entry is made of this type.",)


def test_a_medicine_is_found_where_its_resource_stands(tmp_path: Path) -> None:
    medicine = {"resourceType": "Medication", "id": "m1", "code": {"text": "folic acid"}}
    orders = [{**request(), "medicationReference": {"reference": f"Medication/{id_}"}} for id_ in ("m1", "m2")]
    for order in orders:
        del order["medicationCodeableConcept"]
    read = found(tmp_path, {"MedicationRequest.ndjson": ndjson(*orders), "Medication.ndjson": ndjson(medicine)})
    assert read.table("medications") == [
        "p1: name=folic acid, status=current",
        "p1: name=Medication/m2, status=current",
    ]


@pytest.mark.parametrize("name", ["a.ndjson", "a.ndjson.gz"])
def test_a_medicine_is_found_behind_a_byte_order_mark(name: str, tmp_path: Path) -> None:
    medicine = {"resourceType": "Medication", "id": "m1", "code": {"text": "folic acid"}}
    order = {key: value for key, value in request().items() if key != "medicationCodeableConcept"}
    lines = ndjson(medicine, {**order, "medicationReference": {"reference": "Medication/m1"}})
    read = found(tmp_path, {name: "\ufeff" + lines})
    assert read.table("medications") == ["p1: name=folic acid, status=current"]


def test_a_medicine_with_more_days_than_can_be_stood_in_for_keeps_its_own(tmp_path: Path) -> None:
    """A line is read once for all that differ in days alone; in the month that stands in for them are 28."""
    taken = [{"timing": {"repeat": {"boundsPeriod": {"start": f"2025-03-{day:02}"}}}} for day in range(1, 30)]
    orders = [statement(effectivePeriod={"start": since}, dosage=taken) for since in ("2026-01-05", "2026-02-06")]
    signed = request(requester={"reference": "Practitioner/7"})
    shown = found(tmp_path, {"a.ndjson": ndjson(*orders, signed, signed)}).table("medications")
    assert [row.rpartition("since=")[2] for row in shown[:2]] == ["2026-01-05", "2026-02-06"]
    assert shown[2] == shown[3] and "Folic acid" in shown[2]


@pytest.mark.parametrize(
    ("versions", "name"), [(("1", "2"), "folic acid"), (("2", "1"), "iron"), ((None, None), "Medication/m1")]
)
def test_of_two_versions_of_a_medicine_the_newest_is_read_or_none(
    versions: tuple[str | None, str | None], name: str, tmp_path: Path
) -> None:
    order = {key: value for key, value in request().items() if key != "medicationCodeableConcept"}
    medicines = (
        {"resourceType": "Medication", "id": "m1", "code": {"text": text}} | ({"meta": {"versionId": v}} if v else {})
        for text, v in zip(("iron", "folic acid"), versions, strict=True)
    )
    lines = ndjson(*medicines, {**order, "medicationReference": {"reference": "Medication/m1"}})
    assert found(tmp_path, {"a.ndjson": lines}).table("medications") == [f"p1: name={name}, status=current"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "no line of its *.ndjson files says anything of a patient"),
        (ndjson({"resourceType": "Claim"}), "no line of its *.ndjson files says anything of a patient"),
        ("oh\n", "a.ndjson:1: It cannot be read: not JSON"),
        (ndjson({**condition(), "clinicalStatus": "active"}), "a.ndjson:1: This makes the whole record of the patient"),
    ],
)
def test_an_export_of_which_nothing_can_be_used_is_refused(content: str, what: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError) as caught:
        found(tmp_path, {"a.ndjson": content})
    assert what in caught.value.what and "FHIR R4" in caught.value.remedy


def test_what_comes_out_does_not_depend_on_where_files_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "HANDFUL", 4)
    monkeypatch.setattr(reader, "MOST", 0)
    whose = {"code": {"text": "folic acid"}, "patient": {"reference": "Patient/p1"}}
    not_borne = [{"resourceType": "AllergyIntolerance", "id": f"a{n}", **whose} for n in range(3)]
    lines = [someone(), "oh", "", *not_borne, *[ferritin(n) for n in range(9)], ferritin(7, None), someone("p2")]
    whole = found(tmp_path / "whole", {"a.ndjson": ndjson(*lines), "b.ndjson": ndjson(*lines[6:])})
    assert len(whole.table("labs")) == 18 and sum("folic acid" in note for note in whole.notes) == 3
    for size in (len(ndjson(*lines[:2])), 1000):
        monkeypatch.setattr(chunks, "CHUNK", size)
        cut = found(tmp_path / str(size), {"a.ndjson": ndjson(*lines), "b.ndjson": ndjson(*lines[6:])})
        assert cut.table("labs") == whole.table("labs")
        assert (cut.rejected, cut.notes) == (whole.rejected, whole.notes)


@pytest.mark.parametrize(
    ("damaged", "what"), [("cut", "ended before"), ("broken", "Error -3"), ("none", "Not a gzipped")]
)
def test_a_compressed_export_that_is_damaged_is_refused(damaged: str, what: str, tmp_path: Path) -> None:
    data = gzip.compress(ndjson(someone(), *[ferritin(n) for n in range(200)]).encode())
    data = {"cut": data[:-20], "broken": data[:60] + bytes(20) + data[80:], "none": b"{}"}[damaged]
    (tmp_path / "a.ndjson.gz").write_bytes(data)
    with pytest.raises(CaseError, match=what) as caught:
        Found(tmp_path)
    assert pickle.loads(pickle.dumps(caught.value)).remedy == caught.value.remedy  # as another process raises it


def test_hidden_files_are_no_data(tmp_path: Path) -> None:
    found(tmp_path, {"a.ndjson": ndjson(someone()), "._a.ndjson": b"\x00\x05\x16\x07"})


@pytest.mark.slow
def test_what_comes_out_does_not_depend_on_the_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write(tmp_path, {"a.ndjson": ndjson(someone(), *[ferritin(n) for n in range(9)], "oh")})
    monkeypatch.setattr(bulk, "SMALL", 0)
    monkeypatch.setattr(chunks, "CHUNK", 500)
    found_by = []
    for workers in (1, 2):
        scratch = tmp_path / str(workers)
        scratch.mkdir()
        database = duckdb.connect()
        source = bulk.read(folder, scratch, database, TERMS, workers)
        queries = [relation.query for relation in source.relations.values()]
        found_by.append([database.execute(f"FROM ({query}) ORDER BY ALL").fetchall() for query in queries])
    assert found_by[0] == found_by[1] and len(found_by[0][0]) == 9


@pytest.mark.slow
def test_a_process_that_is_ended_from_outside_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the system does where memory runs out."""
    folder = write(tmp_path, {"a.ndjson": ndjson(someone(), *[ferritin(n) for n in range(999)])})
    monkeypatch.setattr(bulk, "SMALL", 0)
    monkeypatch.setattr(chunks, "CHUNK", 500)

    def told(done: int, total: int) -> None:
        for process in multiprocessing.active_children():
            process.kill()
            process.join()

    with pytest.raises(
        CaseError, match=r"ended from outside\n   = see whether memory, the disk or the time to compute ran out"
    ):
        bulk.read(folder, tmp_path, duckdb.connect(), TERMS, 2, told)


def test_records_with_everything_that_occurs_say_the_same_in_an_export(tmp_path: Path) -> None:
    """Those of tests/fhir that need no more than their resources, each as another patient of one export."""
    items, lines = [], []
    for path in sorted((Path(__file__).parent / "fhir").glob("*.json")):
        text = path.read_text(encoding="utf-8").replace("Patient/ana", f"Patient/{path.stem}")
        record = json.loads(text.replace('"id": "ana"', f'"id": "{path.stem}"'))
        entries = record.get("entry", [{"resource": record}])
        if any(set(entry) != {"resource"} for entry in entries) or path.stem == "implicit-rules-of-a-bundle":
            continue
        resources = [entry["resource"] for entry in entries]
        read_ = [one for one in resources if one["resourceType"] in READ_TYPES]
        if any(one.get("subject", {}).get("reference", "#")[0] == "#" for one in read_):
            continue
        try:
            case = patient.read(record, TERMS)
        except CaseError:
            continue
        for one in resources:
            for key, kind in (("id", one["resourceType"]), ("medicationReference", "Medication")):
                if key in one and kind != "Patient" and one[key] != {"reference": "#m"}:
                    old = one[key] if key == "id" else one[key]["reference"].rpartition("/")[2]
                    new = f"{path.stem}.{old}"[-64:]
                    one[key] = new if key == "id" else {**one[key], "reference": f"Medication/{new}"}
        lines += [*resources, *([] if any(o["resourceType"] == "Patient" for o in resources) else [someone(path.stem)])]
        items += [
            (path.stem, item.list, {k: v for k, v in item.keys.items() if v != ""}) for item in case.gathered.items
        ]
    read = found(tmp_path, {"all.ndjson": ndjson(*lines)})
    got = []
    for list_ in LISTS:
        for row in read.rows(read.source.relations[list_].query) if list_ in read.source.relations else ():
            keys = {
                k: v for k, v in row.items() if k in (*OWN_KEYS[list_], *SHARED_KEYS, "status") and v not in (None, "")
            }
            got.append((row["patient"], list_, keys))

    def told(rows: list[tuple[str, str, dict[str, Any]]]) -> list[str]:
        return sorted(
            f"{who} {list_} {sorted((k, str(v).lower()) for k, v in keys.items())}" for who, list_, keys in rows
        )

    assert told(got) == told(items) and len({who for who, _, _ in items}) > 25


@needs_records
@pytest.mark.slow
def test_public_records_are_answered_as_each_would_be_alone(tmp_path: Path) -> None:
    """Records that nobody here wrote, taken apart into an export: the conclusions of `assess` for each."""
    alone: dict[str, set[tuple[str, str, str | None]]] = {}
    with (tmp_path / "all.ndjson").open("w") as export:
        for path in sorted(RECORDS.glob("r4-synthea-*.json")):
            resources = [entry["resource"] for entry in json.loads(path.read_text())["entry"]]
            export.writelines(json.dumps(one) + "\n" for one in resources)
            (who,) = (one["id"] for one in resources if one["resourceType"] == "Patient")
            told = answer.Answer.of(b12.knowledge(), patient.read(path, b12.knowledge().terms), None).conclusions
            alone[who] = {(one.kind, one.value, one.details.get("role")) for one in told}
    out = tmp_path / "out"
    run(b12.knowledge(), tmp_path, out, Options())
    found: dict[str, set[tuple[str, str, str | None]]] = {}
    for who, *conclusion in duckdb.sql(f"FROM '{out / 'conclusions.parquet'}'").fetchall():
        found.setdefault(who, set()).add((conclusion[0], conclusion[1], conclusion[2]))
    assert found == alone and len(alone) == 3


# --- OMOP ---------------------------------------------------------------------------------------------------------

CONCEPTS = """concept_id,concept_name,domain_id,vocabulary_id,concept_class_id,standard_concept,concept_code
1,Ferritin [Mass/volume] in Serum or Plasma,Measurement,LOINC,Lab Test,S,2276-4
2,C reactive protein [Mass/volume] in Serum or Plasma,Measurement,LOINC,Lab Test,S,1988-5
3,Body height,Measurement,LOINC,Clinical Observation,S,8302-2
4,Fatigue,Observation,SNOMED,Clinical Finding,S,84229001
5,Celiac disease,Condition,SNOMED,Clinical Finding,S,396331005
6,folic acid,Drug,RxNorm,Ingredient,S,4511
7,folic acid 5 MG Oral Tablet,Drug,RxNorm,Clinical Drug,S,315966
8,microgram per liter,Unit,UCUM,Unit,S,ug/L
9,milligram per liter,Unit,UCUM,Unit,S,mg/L
10,Oral,Route,SNOMED,Qualifier Value,S,26643006
11,Gastric bypass,Procedure,SNOMED,Procedure,S,442338001
12,Low,Meas Value,SNOMED,Qualifier Value,S,62482003
13,Celiac disease,Condition,ICD10CM,3-char nonbill code,,K90.0
4188539,Yes,Meas Value,SNOMED,Qualifier Value,S,373066001
4188540,No,Meas Value,SNOMED,Qualifier Value,S,373067005
32899,Preliminary diagnosis,Condition Status,Condition Status,Condition Status,S,OMOP4976975
32893,Confirmed diagnosis,Condition Status,Condition Status,Condition Status,S,OMOP4976969
77,Suspected,Meas Value,SNOMED,Qualifier Value,S,415684004
"""
TABS = CONCEPTS.replace(",", "\t")  # as Athena writes it
MEASURED = "person_id,measurement_concept_id,measurement_date,value_as_number,unit_concept_id"
FER = "Ferritin [Mass/volume] in Serum or Plasma"

OMOP: dict[str, tuple[Files, str, list[str]]] = {
    # files beside the concepts, a table, its rows
    "a result, its unit and its day": (
        {"measurement.csv": f"{MEASURED}\n17,1,2026-03-02,80.0,8\n"}, "labs",
        [f"17: analyte={FER}, codes=loinc:2276-4, value=80.0, unit=ug/L, when=2026-03-02"]),
    "numbers that are DOUBLE, and ids that pandas made DOUBLE": (
        {"measurement.parquet": """SELECT 17.0::DOUBLE AS person_id, 1.0::DOUBLE AS measurement_concept_id,
            DATE '2026-03-02' AS measurement_date, unnest([80.0::DOUBLE, 0.5, 'NaN'::DOUBLE, NULL]) AS value_as_number,
            8.0::DOUBLE AS unit_concept_id"""}, "labs",
        [f"17: analyte={FER}, codes=loinc:2276-4, {value}unit=ug/L, when=2026-03-02"
         for value in ("value=80, ", "value=0.5, ", "", "")]),
    "ids that are whole numbers": (
        {"measurement.parquet": "SELECT 1 AS person_id, 1 AS measurement_concept_id, '80' AS value_as_number"},
        "labs", [f"1: analyte={FER}, codes=loinc:2276-4, value=80"]),
    "columns and files in capitals": (
        {"MEASUREMENT.csv": f"{MEASURED.upper()}\n17,1,2026-03-02,80,8\n"}, "labs",
        [f"17: analyte={FER}, codes=loinc:2276-4, value=80, unit=ug/L, when=2026-03-02"]),
    "operators, and none": (
        {"measurement.csv": "person_id,measurement_concept_id,operator_concept_id,value_as_number\n" + "".join(
            f"1,1,{operator},50\n" for operator in ("", 0, 4172703, 4171756, 4171754, 4172704, 4171755, 99))}, "labs",
        [f"1: analyte={FER}, codes=loinc:2276-4, value={value}"
         for value in ("50", "50", "50", "<50", "<=50", ">50", ">=50", "(OMOP concept 99) 50")]),
    "a sign that only the source has is not lost": (
        {"measurement.csv": "person_id,measurement_concept_id,value_as_number,value_source_value\n"
         "1,1,50,<50\n1,1,50,≤ 50\n1,1,50,50 (see report)\n1,1,,haemolysed\n"}, "labs",
        [f"1: analyte={FER}, codes=loinc:2276-4, value={value}" for value in ("<50", "≤50", "50", "haemolysed")]),
    "a sign of the source that contradicts the operator makes no number": (
        {"measurement.csv": "person_id,measurement_concept_id,operator_concept_id,value_as_number,value_source_value\n"
         "1,1,4171756,50,>50\n1,1,4171754,50,≤50\n1,1,4172704,50,50\n"}, "labs",
        [f"1: analyte={FER}, codes=loinc:2276-4, value={value}"
         for value in ("(<, in the source >) 50", "<=50", ">50")]),
    "a sign that only the source of an observation has is not lost": (
        {"observation.csv": "person_id,observation_concept_id,value_as_number,value_as_string,value_source_value\n"
         "1,1,50,,<50\n1,1,50,>50,\n1,1,50,high,50\n"}, "labs",
        [f"1: analyte={FER}, codes=loinc:2276-4, value={value}" for value in ("<50", ">50", "50")]),
    "a value that is a concept, and a number with one": (
        {"measurement.csv": "person_id,measurement_concept_id,value_as_number,value_as_concept_id\n"
         "1,1,,12\n1,1,5,12\n"},
        "labs", [f"1: analyte={FER}, codes=loinc:2276-4, {said}" for said in ("value=Low", "value=5, flag=Low")]),
    "no concept: what the source called it": (
        {"measurement.csv": "person_id,measurement_concept_id,measurement_source_value,unit_source_value\n"
         "1,0,serum ferritin,µg/L\n1,,,\n"}, "labs", ["1: analyte=serum ferritin, unit=µg/L", "1: "]),
    "a concept that nothing names": (
        {"measurement.csv": "person_id,measurement_concept_id,measurement_source_value,unit_concept_id\n"
         "1,999,,998\n1,999,FER,\n"},
        "labs", ["1: analyte=OMOP concept 999, unit=OMOP concept 998", "1: analyte=FER"]),
    "the concept of the source is read too": (
        {"condition_occurrence.csv": "person_id,condition_concept_id,condition_source_concept_id\n1,0,13\n1,5,13\n"},
        "conditions", ["1: name=Celiac disease, codes=icd10cm:K90.0, state=present",
                       "1: name=Celiac disease, codes=snomed:396331005 icd10cm:K90.0, state=present"]),
    "two units that contradict each other": (
        {"measurement.csv": f"{MEASURED},unit_source_value,value_source_value\n1,1,2026-03-02,80,8,mg/L,80\n"
         "1,1,2026-03-02,80,8,mg/L,0.08\n1,1,2026-03-02,80,8,µg/L,80\n"}, "labs",
        [f"1: analyte={FER}, codes=loinc:2276-4, value=80, unit={unit}, when=2026-03-02"
         for unit in ("ug/L, printed as mg/L", "ug/L", "ug/L")]),
    "a finding among the observations: yes, no, and anything else": (
        {"observation.csv":
         "person_id,observation_concept_id,value_as_concept_id,value_as_string,qualifier_concept_id\n"
         "1,4,4188539,,\n1,4,4188540,,\n1,4,,severe,\n1,4,,,\n1,4,4188539,,77\n"}, "findings",
        [f"1: name=Fatigue, codes=snomed:84229001{said}"
         for said in (", state=present", ", state=absent", ", state=severe", "", ", state=present, Suspected")]),
    "what a diagnosis is, and that it ended": (
        {"condition_occurrence.csv": "person_id,condition_concept_id,condition_start_date,condition_end_date,"
         "condition_status_concept_id\n1,5,2019-01-01,,\n1,5,,,32893\n1,5,,,32899\n1,5,,2020-01-01,\n1,5,,,99\n"},
        "conditions",
        [f"1: name=Celiac disease, codes=snomed:396331005, state={state}"
         for state in ("present, when=2019-01-01", "present", "unknown", "resolved", "OMOP concept 99")]),
    "a procedure is a condition that is present": (
        {"procedure_occurrence.csv": "person_id,procedure_concept_id,procedure_date\n1,11,2015-06-01\n"}, "conditions",
        ["1: name=Gastric bypass, codes=snomed:442338001, state=present, when=2015-06-01"]),
    "a medicine, its route and its directions": (
        {"drug_exposure.csv": "person_id,drug_concept_id,drug_exposure_start_date,route_concept_id,sig,stop_reason\n"
         "1,6,2026-01-05,10,once daily,\n1,6,2026-01-05,,,side effects\n"}, "medications",
        ["1: name=folic acid, codes=rxnorm:4511, frequency=once daily, since=2026-01-05, route=oral",
         "1: name=folic acid, codes=rxnorm:4511, status=stopped, since=2026-01-05"]),
    "the one ingredient of a product": (
        {"drug_exposure.csv": "person_id,drug_concept_id\n1,7\n",
         "drug_strength.csv": "drug_concept_id,ingredient_concept_id\n7,6\n"}, "medications",
        ["1: name=folic acid 5 MG Oral Tablet, codes=rxnorm:315966 rxnorm:4511"]),
    "a product of two ingredients is neither": (
        {"drug_exposure.csv": "person_id,drug_concept_id\n1,7\n",
         "drug_strength.csv": "drug_concept_id,ingredient_concept_id\n7,6\n7,5\n"}, "medications",
        ["1: name=folic acid 5 MG Oral Tablet, codes=rxnorm:315966"]),
    "what the site says of a concept goes first": (
        {"measurement.csv": f"{MEASURED}\n1,3,2026-03-02,80,999\n",
         "concept_mapping.csv": "concept_id,name\n3,serum ferritin\n999,µg/L\n"}, "labs",
        ["1: analyte=serum ferritin, value=80, unit=µg/L, when=2026-03-02"]),
    "a code that the site gives": (
        {"measurement.csv": f"{MEASURED}\n1,999,2026-03-02,80,8\n",
         "concept_mapping.csv": "concept_id,name\n999,loinc:2276-4\n"}, "labs",
        ["1: analyte=loinc:2276-4, codes=loinc:2276-4, value=80, unit=ug/L, when=2026-03-02"]),
    "the patients": (
        {"person.csv": "person_id,gender_concept_id,gender_source_value\n1,8532,\n2,8507,\n3,0,X\n4,,\n"},
        PATIENTS, ["1: sex=female", "2: sex=male", "3: sex=X", "4: "]),
    "no table of persons": ({"measurement.csv": f"{MEASURED}\n2,1,,,\n1,1,,,\n"}, PATIENTS, ["1: ", "2: "]),
}  # fmt: skip


@pytest.mark.parametrize("case", OMOP)
def test_omop_becomes_the_entries_of_a_case(case: str, tmp_path: Path) -> None:
    files, table, rows = OMOP[case]
    read = found(tmp_path, {"CONCEPT.csv": TABS, **files})
    assert read.table(table) == rows
    assert read.rejected == []


def test_whether_a_medicine_is_taken_depends_on_the_day_of_the_assessment(tmp_path: Path) -> None:
    rows = (
        "2026-01-05,2026-04-05,",
        "2026-01-05,2026-02-05,",
        "2026-05-05,2026-06-05,",
        "2026-01-05,,",
        "2026-01-05,,2026-02-01",
    )
    head = "person_id,drug_concept_id,drug_exposure_start_date,drug_exposure_end_date,verbatim_end_date\n"
    write(tmp_path, {"concept.csv": CONCEPTS, "drug_exposure.csv": head + "".join(f"1,6,{row}\n" for row in rows)})
    (tmp_path / ".scratch").mkdir()
    database = duckdb.connect()
    source = inputs.read(tmp_path, tmp_path / ".scratch", database, TERMS, datetime.date(2026, 3, 15))
    query = f'SELECT status FROM ({source.relations["medications"].query}) ORDER BY "row"'
    assert [status for (status,) in database.execute(query).fetchall()] == [
        "current",
        "stopped",
        "planned",
        None,
        "stopped",
    ]


def test_rows_of_omop_that_cannot_be_used_are_set_aside(tmp_path: Path) -> None:
    measured = f"{MEASURED}\n1,1,2026-03-02,80,8\n,1,,,\nx,1,,,\n9,1,,,\n1,abc,,,\n1,1,,\x07,\n1,1,,1,1.5\n"
    person = "person_id,gender_concept_id\n1,8532\n1,8507\n"
    read = found(tmp_path, {"concept.csv": CONCEPTS, "measurement.csv": measured, "person.csv": person})
    assert len(read.table("labs")) == 1 and read.table(PATIENTS) == ["1: "]
    assert read.rejected == [
        "measurement.csv:2 None: It names no person by a whole number.",
        "measurement.csv:3 None: It names no person by a whole number.",
        "measurement.csv:4 9: The table person has no such person.",
        "measurement.csv:5 1: Its measurement_concept_id is no whole number.",
        "measurement.csv:6 1: Its value_as_number holds a control character.",
        "measurement.csv:7 1: Its unit_concept_id is no whole number.",
        "person.csv:2 1: Another row before it is about the same person.",
    ]
    assert "1: Row 5 of measurement.csv is not read. Its measurement_concept_id is no whole number." in read.notes


def test_an_event_whose_concepts_name_different_things_is_not_used_and_said(tmp_path: Path) -> None:
    measured = "person_id,measurement_concept_id,measurement_source_concept_id,value_as_number\n1,1,2,80\n"
    read = found(tmp_path, {"concept.csv": CONCEPTS, "measurement.csv": measured})
    assert "labs" not in read.source.relations
    what = "its concepts name different things, C-reactive protein and serum ferritin"
    assert read.notes == [f"1: {FER} is not used: {what}."]


def test_what_of_omop_is_not_read_is_counted(tmp_path: Path) -> None:
    read = found(
        tmp_path,
        {
            "concept.csv": CONCEPTS,
            "measurement.csv": f"{MEASURED}\n1,999,,,\n1,999,,,\n1,998,,,\n1,0,,,\n1,1,,,\n",
            "visit_occurrence.csv": "person_id\n1\n",
        },
    )
    assert read.source.remarks == (
        "visit_occurrence.csv is not read.",
        "measurement.csv: neither concept nor concept_mapping names what 3 rows of it are about; 2 concepts, "
        "most often 999 (2), 998 (1).",
        "measurement.csv: 1 row has no concept, only a name of the source.",
    )


OMOP_REFUSED: dict[str, tuple[Files, str, str]] = {
    "nothing says what concepts mean": (
        {"measurement.csv": MEASURED}, "no table says what its concept ids mean", "Athena"),
    "no person": (
        {"concept.csv": CONCEPTS, "measurement.csv": "measurement_concept_id\n"}, 'no column "person_id"', "add it"),
    "no concept": ({"concept.csv": CONCEPTS, "measurement.csv": "person_id\n"}, '"measurement_concept_id"', "add it"),
    "a name that is a number with no digits of its own": (
        {"concept.csv": CONCEPTS,
         "measurement.parquet": "SELECT 1 AS person_id, 1 AS measurement_concept_id, 1.5::DOUBLE AS unit_source_value"},
        'the column "unit_source_value" is DOUBLE', "write it as text"),
    "a mapping without a name": (
        {"measurement.csv": MEASURED, "concept_mapping.csv": "concept_id,name\n3,\n"},
        "concept_mapping.csv:2: this line has no whole number and name", "an id and a name or a code"),
    "a mapping with two names": (
        {"measurement.csv": MEASURED, "concept_mapping.csv": "concept_id,name\n3,a\n3,b\n"},
        "concept_mapping.csv:3: concept 3 has two names", "one line for each concept"),
    "a table twice": (
        {"concept.csv": CONCEPTS, "measurement.csv": MEASURED, "MEASUREMENT.csv": MEASURED},
        "measurement is there twice: MEASUREMENT.csv and measurement.csv", "keep one"),
    "OMOP and flat tables": (
        {"concept.csv": CONCEPTS, "measurement.csv": MEASURED, "labs.csv": LABS},
        "two shapes: flat tables (labs.csv) and OMOP", "a folder of its own"),
}  # fmt: skip


@pytest.mark.parametrize("case", OMOP_REFUSED)
def test_omop_tables_that_cannot_be_used_are_refused(case: str, tmp_path: Path) -> None:
    files, what, remedy = OMOP_REFUSED[case]
    with pytest.raises(CaseError) as caught:
        found(tmp_path, files)
    assert what in f"{caught.value.where}: {caught.value.what}"
    assert remedy in caught.value.remedy


# --- a stencil says what each of its lines would say --------------------------------------------------------------

RESOURCES = [one for entry in FHIR["entry"] if (one := entry["resource"])["resourceType"] in READ_TYPES] + [
    ferritin(effectivePeriod={"start": "2026-01-01", "end": "2026-01-05"}, issued="2026-01-05T10:00:00Z"),
    ferritin(code={"coding": [{"system": LOINC, "code": "2276-4"}, {"system": LOINC, "code": "1988-5"}]}),
    ferritin(valueQuantity=quantity(80, "mg/L", unit="ug/L"), performer=[{"reference": "Practitioner/1"}]),
    ferritin(note=[{"text": "x", "modifierExtension": [{"url": "u"}]}]),
    observation(component=[{"code": coded(LOINC, "2276-4"), "valueQuantity": quantity(n)} for n in (5, 5.0, 6)]),
    condition(onsetPeriod={"start": "2026-01-01", "end": "2025-01-05"}, recordedDate="2026-01-01"),
    procedure("completed", performedPeriod={"start": "2026-01-01T08:00:00Z", "end": "2026-01-01T09:00:00Z"}),
    statement(effectivePeriod={"start": "2026-01-01"}, dateAsserted="2026-01-01", dosage=[{"text": "2026-01-01"}]),
]
DATES = (
    "2026-03-02",
    "2026-03-02T08:30:00+02:00",
    "2025-01-01T00:00:00Z",
    "2026-03",
    "2019",
    "2026-02-29",
    "1601-01-01",
)
VALUES = (
    None,
    True,
    "1601-01-01",
    5,
    "",
    "x",
    [],
    {},
    ["x"],
    [{}],
    {"coding": 5},
    {"value": 7},
    "<5",
    120.25,
    -1,
    1e-7,
    *DATES,
)
READER = Reader(TERMS, Medications())  # one for all examples, so that stencils of the one are met by the other


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_stencil_says_of_each_line_what_the_line_says_by_itself(data: st.DataObject) -> None:
    resource = copy.deepcopy(data.draw(st.sampled_from(RESOURCES)))
    resource.setdefault("subject", {"reference": "Patient/p1"})
    for _ in range(data.draw(st.integers(0, 4))):
        path = data.draw(st.sampled_from(paths(resource)))
        if path not in (("resourceType",), ("subject",), ("subject", "reference")):
            node: Any = resource
            for key in path[:-1]:
                node = node[key]
            is_date = isinstance(node[path[-1]], str) and node[path[-1]][:2] == "20"
            node[path[-1]] = copy.deepcopy(data.draw(st.sampled_from(DATES if is_date else VALUES)))
    separators = data.draw(st.sampled_from([(",", ":"), (", ", ": "), (" ,", " : ")]))
    line = json.dumps(resource, separators=separators).encode()
    read = READER.read(line)
    if other_release(json_object(line, "the line")):
        assert read.stencil.refused
        return
    items, notes, _ = read_one(json_object(line, "the line"), "", TERMS, {})
    assert [(one.item.list, one.item.name, one.item.codes, one.item.read_from) for one in read.stencil.templates] == [
        (item.list, item.name, item.codes, item.read_from) for item in items
    ]
    for template, item in zip(read.stencil.templates, items, strict=True):
        keys = {k: read.filled(str(v)) if k in template.holes else v for k, v in template.item.keys.items()}
        assert keys == item.keys
    said = {(note.text, note.read_from) for note in notes if "not valid FHIR" not in note.text}
    assert {note for note in read.stencil.notes if "not valid FHIR" not in note[0]} == said


def paths(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [one for key, child in inner for one in ((*at, key), *paths(child, (*at, key)))]


# --- the page -----------------------------------------------------------------------------------------------------

PAGE = Path(__file__).parent.parent / "docs" / "POPULATION-INPUTS.md"


def test_the_page_does_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, citelog: Command) -> None:
    """docs/POPULATION-INPUTS.md, walked through; with CITELOG_ACCEPT=1 in the environment, written anew."""
    page = PAGE.read_text(encoding="utf-8")
    commands = list(walked.walk(page, tmp_path, citelog))
    monkeypatch.chdir(tmp_path)
    shown = _sessions(page)
    if os.environ.get("CITELOG_ACCEPT"):
        PAGE.write_text(shown(walked.renewed(page, commands)), encoding="utf-8")
        return
    assert [(c.line, c.printed) for c in commands if not c.agrees] == []
    assert shown(page) == page


def test_the_page_names_every_column_that_is_read() -> None:
    page = PAGE.read_text(encoding="utf-8")
    columns = {column for table in TABLES.values() for column in table.columns}
    columns |= {column for groups in omop.COLUMNS.values() for group in groups for column in group}
    assert [column for column in sorted(columns) if f"`{column}`" not in page] == []
