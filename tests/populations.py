"""Records written as flat tables, and what two roads say of them: one patient after another, and all at once."""

from __future__ import annotations

import csv
import datetime
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from citelog.assess import Assessment, assess
from citelog.knowledge.base import Knowledge
from citelog.patient.case import LISTS
from citelog.population.run import Options, run

Record = Mapping[str, Any]
Rows = dict[str, Counter[tuple[Any, ...]]]

FILES = {**{name: name for name in LISTS}, "context": "patients"}


def write(folder: Path, records: Mapping[str, Record]) -> None:
    """Write records as CSV, one file a list; all cells are text."""
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, list[dict[str, str]]] = {"patients": []}
    for patient, record in records.items():
        rows["patients"].append({"patient": patient} | {k: _text(v) for k, v in (record.get("context") or {}).items()})
        for name in LISTS:
            for entry in record.get(name) or ():
                rows.setdefault(name, []).append(
                    {"patient": patient} | {key: _text(value) for key, value in entry.items() if value is not None}
                )
    for name, some in rows.items():
        columns = list(dict.fromkeys(["patient", *(key for row in some for key in row)]))
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, quoting=csv.QUOTE_ALL, restval="")
            writer.writeheader()
            writer.writerows(some)


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def alone(knowledge: Knowledge, records: Mapping[str, Record], at: datetime.date | None) -> Rows:
    """What the road of one patient says of each record, its values as text, as a flat table has them."""
    return said(answered(knowledge, records, at))


def answered(knowledge: Knowledge, records: Mapping[str, Record], at: datetime.date | None) -> dict[str, Assessment]:
    """The assessment of each record."""
    return {patient: assess(knowledge, plain(record), at) for patient, record in records.items()}


def said(answers: Mapping[str, Assessment]) -> Rows:
    """The conclusions and notes of assessments, as a population's files have them."""
    conclusions: Counter[tuple[Any, ...]] = Counter()
    notes: Counter[tuple[Any, ...]] = Counter()
    for patient, answer in answers.items():
        conclusions.update((patient, c.kind, c.value, c.details.get("role")) for c in answer.conclusions)
        notes.update((patient, n.text, n.read_from) for n in answer.notes)
    return {"conclusions": conclusions, "notes": notes}


def plain(record: Record) -> dict[str, Any]:
    """A record of which every value is text."""
    made: dict[str, Any] = {
        name: [{k: _text(v) for k, v in entry.items() if v is not None} for entry in record[name]]
        for name in LISTS
        if record.get(name)
    }
    if record.get("context"):
        made["context"] = {k: _text(v) for k, v in record["context"].items()}
    return made


def together(knowledge: Knowledge, folder: Path, out: Path, at: datetime.date | None, **options: Any) -> Rows:
    """What a run over a folder of data says, as its files have it."""
    run(knowledge, folder, out, Options(at=at, **options))
    return written(out)


def written(out: Path) -> Rows:
    """The conclusions and notes in a folder of answers."""
    return {
        name: Counter(duckdb.sql(f"SELECT {columns} FROM read_parquet('{out / name}.parquet')").fetchall())
        for name, columns in (("conclusions", "patient, kind, value, role"), ("notes", "patient, text, read_from"))
    }


def everything(out: Path) -> dict[str, Counter[tuple[Any, ...]]]:
    """All that a folder of answers says, whatever numbers it uses: of firings, the rule and its values."""
    values = dict(duckdb.sql(f"SELECT value, type || ' ' || text FROM '{out}/values.parquet'").fetchall())
    known = f"JOIN '{out}/rules.parquet' USING (rule)"
    of_entries = f"SELECT entry, name, bindings FROM '{out}/entry_firings.parquet' {known}"
    of_patients = (
        f"SELECT patient, name, bindings FROM '{out}/store/people-*.parquet' JOIN '{out}/firings.parquet' "
        f"USING (picture) {known}"
    )
    firings = {
        name: Counter(
            (who, rule, *(values.get(number, "an entry") for number in bindings))
            for who, rule, bindings in duckdb.sql(query).fetchall()
        )
        for name, query in (("firings", of_patients), ("entry firings", of_entries))
    }
    counts = json.loads((out / "run.json").read_text())["counts"]
    return {**written(out), **firings, "counts": Counter(counts.items())}


def files(out: Path) -> dict[str, bytes]:
    """Every file in a folder of answers."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def differences(one: Rows, other: Rows) -> list[str]:
    """Where two roads differ, in words."""
    return [
        f"{name}: {way} {row} ×{count}"
        for name in one
        for way, left in (("only alone", one[name] - other[name]), ("only together", other[name] - one[name]))
        for row, count in sorted(left.items(), key=repr)
    ]


@dataclass(frozen=True, slots=True)
class Compared:
    """How many were compared, and where they differ."""

    patients: int
    conclusions: int
    differences: list[str]


def compare(
    knowledge: Knowledge, records: Mapping[str, Record], folder: Path, at: datetime.date | None, **options: Any
) -> Compared:
    """Both roads over some records."""
    write(folder / "data", records)
    one = alone(knowledge, records, at)
    other = together(knowledge, folder / "data", folder / "out", at, **options)
    return Compared(len(records), one["conclusions"].total(), differences(one, other))


def assessments(knowledge: Knowledge, records: Iterable[Record], at: datetime.date | None) -> list[Assessment]:
    """The assessments of some records, one by one."""
    return [assess(knowledge, plain(record), at) for record in records]
