"""What one chunk says, written in tables of its own."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citelog.diagnostics import CaseError
from citelog.patient.case import LISTS, OWN_KEYS, SHARED_KEYS
from citelog.population.bulk.chunks import Chunk, lines_of
from citelog.population.bulk.reader import Reader
from citelog.population.bulk.stencils import FILLED, Template
from citelog.population.data.tables import CODES

HANDFUL = 100_000
"""Rows that are written at a time."""

KEYS = tuple(dict.fromkeys((*(key for list_ in LISTS for key in OWN_KEYS[list_]), *SHARED_KEYS)))

TEXTS: Mapping[str, tuple[str, ...]] = {
    "entries": ("patient", "base", "value", "when", "since"),
    "templates": ("list", "name", CODES, *KEYS),
    "notes": ("patient", "base", "text", "place"),
    "patients": ("patient", "sex", "birth_date"),
    "broken": ("patient", "reason"),
    "lines": (),
}

NUMBERS: Mapping[str, tuple[str, ...]] = {
    "entries": ("row", "line", "template"), "templates": ("id",), "notes": ("line",), "patients": ("line",),
    "broken": ("line", "refuses"), "lines": ("line", "identity"),
}  # fmt: skip
"""The columns of the tables that a chunk is written out as: first the numbers, then the texts."""


@dataclass(slots=True)
class Count:
    """What was met in a chunk."""

    lines: int = 0
    readings: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


def read_chunk(reader: Reader, chunk: Chunk, scratch: Path) -> Count:
    """Read a chunk and write what it says, in tables of its own."""
    count = Count()
    reader.begin(chunk.number << 32)
    before = reader.readings
    gc.disable()  # rows wait in their thousands, and not one of them is in a cycle
    try:
        with Tables(chunk, scratch) as tables:
            for number, line in enumerate(lines_of(chunk)):
                count.lines += 1
                if line := line.strip():
                    _read_line(number, line, reader, tables, count)
            for template in reader.templates:
                tables.add("templates", template.id, *columns_of(template))
    finally:
        gc.enable()
    count.readings = reader.readings - before
    return count


def _read_line(number: int, line: bytes, reader: Reader, tables: Tables, count: Count) -> None:
    try:
        read = reader.read(line)
    except CaseError as trouble:
        tables.add("broken", number, 0, None, f"It cannot be read: {trouble.what}.")
        return
    count.kinds[read.kind] += not read.is_told
    stencil = read.stencil
    if read.fault or stencil.broken:
        tables.add("broken", number, 0, read.patient or None, read.fault or f"It cannot be read: {stencil.broken}.")
        return
    if stencil.refused:
        reason = f"This makes the whole record of the patient unusable: {stencil.refused}."
        tables.add("broken", number, 1, read.patient, reason)
    base = read.base or None
    if read.identity:
        tables.add("lines", number, read.identity)
    if read.kind == "Patient":
        said = (stencil.context.get(key, "") for key in ("sex", "birth_date"))
        tables.add("patients", number, read.patient, *(read.filled(text) or None for text in said))
    for template in stencil.templates:
        holes = [read.filled(str(template.item.keys[key])) if key in template.holes else None for key in FILLED]
        tables.add("entries", tables.row, number, template.id, read.patient, base, *holes)
        tables.row += 1
    for text, place in stencil.notes:
        tables.add("notes", number, read.patient, base, text, place)


def columns_of(template: Template) -> tuple[str | None, ...]:
    item = template.item
    told = (item.list, item.name, " ".join(item.codes), *(item.keys.get(key, "") for key in KEYS))
    return tuple((str(text).lower() if isinstance(text, bool) else text) or None for text in told)


class Tables:
    """The tables of one chunk while they are being written."""

    def __init__(self, chunk: Chunk, scratch: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.row = chunk.number << 32
        self._schemas = {
            table: pa.schema([*((n, pa.int64()) for n in NUMBERS[table]), *((t, pa.string()) for t in TEXTS[table])])
            for table in TEXTS
        }
        self._waiting: dict[str, list[tuple[Any, ...]]] = {table: [] for table in TEXTS}
        self._writers = {
            table: pq.ParquetWriter(path_of(scratch, table, chunk), schema) for table, schema in self._schemas.items()
        }

    def add(self, table: str, *row: object) -> None:
        """Add one row to a table."""
        waiting = self._waiting[table]
        waiting.append(row)
        if len(waiting) >= HANDFUL:
            self._write(table)

    def _write(self, table: str) -> None:
        import pyarrow as pa

        schema, rows = self._schemas[table], self._waiting[table]
        columns = list(zip(*rows, strict=True)) or [()] * len(schema)
        arrays = [pa.array(column, one.type) for column, one in zip(columns, schema, strict=True)]
        self._writers[table].write_table(pa.table(arrays, schema))
        rows.clear()

    def __enter__(self) -> Tables:
        return self

    def __exit__(self, *_: object) -> None:
        for table, writer in self._writers.items():
            self._write(table)
            writer.close()


def path_of(scratch: Path, table: str, chunk: Chunk) -> Path:
    return scratch / f"{table}.{chunk.number:06}.parquet"
