"""FHIR Bulk Data: a folder of `*.ndjson`, several gigabytes of it, as the flat shape.

The files are cut into chunks of so many bytes, and each chunk is read by a process of its own, which keeps nothing
but the stencils that it met and writes what it found in handfuls. DuckDB then brings together what belongs together:
whose patient is in the export, which server the references name, what a template says. So the memory does not grow
with the export, and what comes out does not depend on how many processes there were.
"""

from __future__ import annotations

import gc
import gzip
import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from citelog.diagnostics import CaseError
from citelog.patient.bundles import Version, latest
from citelog.patient.case import LISTS, OWN_KEYS, SHARED_KEYS
from citelog.patient.fhir import JUDGED
from citelog.patient.unread import not_read
from citelog.population.data.files import LINES, literal, name, readable
from citelog.population.data.stencils import FILLED, Medications, Reader, Template, medication
from citelog.population.data.tables import CODES, PATIENTS, TABLES, Relation, Source, TableName
from citelog.population.data.versions import settle
from citelog.vocab import Terms

if TYPE_CHECKING:
    import duckdb

CHUNK = 64_000_000
"""Bytes of a file that are read at a time; a compressed file is read whole, since nobody can begin in its middle."""

SMALL = 20_000_000
"""Bytes of an export below which starting other processes costs more than it saves."""

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


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file: the lines that begin at `start` or after it, and before `end`."""

    number: int
    path: Path
    start: int
    end: int


@dataclass(slots=True)
class Count:
    """What was met in a chunk."""

    lines: int = 0
    readings: int = 0
    kinds: Counter[str] = field(default_factory=Counter)


def read(
    folder: Path,
    scratch: Path,
    database: duckdb.DuckDBPyConnection,
    terms: Terms,
    workers: int | None = None,
    told: Callable[[int, int], None] = lambda *_: None,
) -> Source:
    """The export in a folder; what has to be written on the way goes to `scratch`.

    `told` hears how many chunks are read, and of how many. Raises CaseError where a file cannot be read. Lines that
    cannot be used are set aside.
    """
    paths = [path for path in sorted(folder.iterdir()) if path.name.lower().endswith(LINES) and path.name[0] != "."]
    chunks = list(_chunks(paths))
    size = sum(path.stat().st_size for path in paths)
    count = min(workers or os.cpu_count() or 1, len(chunks)) if size > SMALL else 1
    medications = _medications(paths)
    counts: list[Count] = []
    if count == 1:
        reader = Reader(terms, medications)
        for chunk in chunks:
            counts.append(_read_chunk(reader, chunk, scratch))
            told(len(counts), len(chunks))
    else:
        spawn = multiprocessing.get_context("spawn")
        try:
            with ProcessPoolExecutor(count, spawn, _begin, (terms, medications, scratch)) as pool:
                for one in pool.map(_read_next, chunks):
                    counts.append(one)
                    told(len(counts), len(chunks))
        except BrokenProcessPool:
            what = "a process that read a part of it was ended from outside"
            raise CaseError(
                str(folder), what, "see whether memory or space on the disk ran out, and run it again"
            ) from None
    return _source(chunks, counts, scratch, database, terms, medications)


# --- files -------------------------------------------------------------------------------------------------------


def _chunks(paths: list[Path]) -> Iterator[Chunk]:
    number = 0
    for path in paths:
        with readable(path):
            size = path.stat().st_size
            with path.open("rb"):
                pass  # that it may be read is better known now
        step = size + 1 if path.name.endswith(".gz") else CHUNK
        for start in range(0, max(size, 1), step):
            yield Chunk(number, path, start, start + step)
            number += 1


def _lines(chunk: Chunk) -> Iterator[bytes]:
    with readable(chunk.path), _opened(chunk.path) as file:
        position = chunk.start
        if chunk.start:
            file.seek(chunk.start - 1)
            position += len(file.readline()) - 1  # the rest of a line that begins in the chunk before
        for line in file:
            if position >= chunk.end and not chunk.path.name.endswith(".gz"):
                return
            position += len(line)
            yield line


def _opened(path: Path) -> IO[bytes]:
    return gzip.open(path) if path.name.endswith(".gz") else path.open("rb")  # type: ignore[return-value]


def _medications(paths: list[Path]) -> Medications:
    """Every Medication of the export, which other resources refer to, each content once.

    Of several versions it is the newest; one of which that cannot be told is as one that is not there.
    """
    versions: dict[str, list[tuple[int, Version]]] = {}
    contents: dict[bytes, int] = {}
    for path in paths:
        for line in _lines_with(path, b'"Medication"'):
            if found := medication(line):
                id_, content, version = found
                versions.setdefault(id_, []).append((contents.setdefault(content, len(contents)), version))
    numbers = {}
    for id_, all_ in versions.items():
        newest = latest([version for _, version in all_])
        if len({number for number, _ in all_}) == 1 or newest is not None:
            numbers[id_] = all_[newest or 0][0]
    return Medications(numbers, tuple(contents))


def _lines_with(path: Path, word: bytes) -> Iterator[bytes]:
    """The lines of a file in which some bytes stand, without a look at the others."""
    with readable(path), _opened(path) as file:
        while block := file.read(16_000_000):
            block += file.readline()
            place = block.find(word)
            while place >= 0:
                end = block.find(b"\n", place) + 1 or len(block)
                yield block[block.rfind(b"\n", 0, place) + 1 : end]
                place = block.find(word, end)


# --- one chunk ---------------------------------------------------------------------------------------------------


_here: dict[str, Any] = {}
"""In a process that only reads: its reader, which meets the same stencils in every chunk, and the scratch folder."""


def _begin(terms: Terms, medications: Medications, scratch: Path) -> None:
    _here.update(reader=Reader(terms, medications), scratch=scratch)


def _read_next(chunk: Chunk) -> Count:
    return _read_chunk(_here["reader"], chunk, _here["scratch"])


def _read_chunk(reader: Reader, chunk: Chunk, scratch: Path) -> Count:
    """Read a chunk and write what it says, in tables of its own."""
    count = Count()
    reader.begin(chunk.number << 32)
    before = reader.readings
    gc.disable()  # rows wait in their thousands, and not one of them is in a cycle
    try:
        with Tables(chunk, scratch) as tables:
            for number, line in enumerate(_lines(chunk)):
                count.lines += 1
                if number == 0 and chunk.start == 0:
                    line = line.removeprefix(b"\xef\xbb\xbf")
                if line := line.strip():
                    _read_line(number, line, reader, tables, count)
            for template in reader.templates:
                tables.add("templates", template.id, *_columns(template))
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
    count.kinds[read.kind] += 1
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


def _columns(template: Template) -> tuple[str | None, ...]:
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
            table: pq.ParquetWriter(_path(scratch, table, chunk), schema) for table, schema in self._schemas.items()
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


def _path(scratch: Path, table: str, chunk: Chunk) -> Path:
    return scratch / f"{table}.{chunk.number:06}.parquet"


# --- all chunks --------------------------------------------------------------------------------------------------

_WRITTEN = """
CREATE TEMP VIEW written_entries AS SELECT *, "row" >> 32 AS chunk FROM {entries};
CREATE TEMP VIEW written_templates AS SELECT * FROM {templates};
CREATE TEMP VIEW written_notes AS SELECT *, {chunk} AS chunk FROM {notes};
CREATE TEMP VIEW written_patients AS SELECT *, {chunk} AS chunk FROM {patients};
CREATE TEMP VIEW all_broken AS SELECT *, {chunk} AS chunk FROM {broken};
CREATE TEMP VIEW all_lines AS SELECT *, {chunk} AS chunk FROM {lines};
"""

_ONCE = """
CREATE TEMP VIEW all_entries AS FROM written_entries;
CREATE TEMP VIEW templates AS FROM written_templates;
CREATE TEMP VIEW all_notes AS FROM written_notes;
CREATE TEMP VIEW all_patients AS FROM written_patients;
"""
"""What counts where no resource stands in the export twice, which is nearly always so."""

_SETTLED = """
CREATE TEMP VIEW all_entries AS FROM written_entries ANTI JOIN dropped USING (chunk, line)
    UNION ALL BY NAME FROM said_entries;
CREATE TEMP VIEW templates AS FROM written_templates UNION ALL BY NAME FROM said_templates;
CREATE TEMP VIEW all_notes AS FROM written_notes ANTI JOIN dropped USING (chunk, line)
    UNION ALL BY NAME FROM said_notes;
CREATE TEMP VIEW all_patients AS FROM written_patients ANTI JOIN dropped USING (chunk, line);
"""
"""What counts where some do: `dropped` lines do not, and what is said of them instead does."""

_TWICE = """
SELECT chunk, line FROM all_lines SEMI JOIN (
    SELECT identity FROM all_lines GROUP BY identity HAVING count(*) > 1
) USING (identity)
"""

_ENTRIES = """
-- the server that most references name is the one whose export this is
CREATE TEMP TABLE server AS SELECT base FROM all_entries WHERE base IS NOT NULL
    GROUP BY base ORDER BY count(*) DESC, base LIMIT 1;
CREATE TEMP TABLE refused AS SELECT DISTINCT patient FROM all_broken WHERE refuses = 1;
CREATE TEMP TABLE named AS SELECT DISTINCT patient FROM all_patients;
INSERT INTO named SELECT DISTINCT patient FROM (
    SELECT patient, base FROM all_entries UNION ALL SELECT patient, base FROM all_notes
) WHERE (base IS NULL OR base IN (FROM server)) AND NOT EXISTS (FROM all_patients);
CREATE TEMP TABLE everyone AS SELECT patient FROM named ANTI JOIN refused USING (patient);
"""
_GOOD = "(base IS NULL OR base IN (FROM server)) AND patient IN (FROM everyone)"


def _source(
    chunks: list[Chunk],
    counts: list[Count],
    scratch: Path,
    database: duckdb.DuckDBPyConnection,
    terms: Terms,
    medications: Medications,
) -> Source:
    """What all chunks say together."""
    paths = tuple(dict.fromkeys(chunk.path for chunk in chunks))
    with database.cursor() as cursor:
        _gather(chunks, counts, scratch, cursor)
        _settle(chunks, cursor, Reader(terms, medications))
        cursor.execute(_ENTRIES)
        if not cursor.execute("FROM everyone LIMIT 1").fetchall():
            raise _nobody(paths, cursor)
        relations = dict(_relations(scratch, cursor, terms))
        rejected, notes = scratch / "rejected.parquet", scratch / "notes.parquet"
        cursor.execute(f"COPY ({_REJECTED}) TO {literal(str(rejected))} (FORMAT parquet)")
        cursor.execute(f"COPY ({_NOTES}) TO {literal(str(notes))} (FORMAT parquet)")
        ((bad,),) = cursor.execute(f"SELECT count(*) FROM read_parquet({literal(str(rejected))})").fetchall()
    for table in TEXTS:
        for chunk in chunks:
            _path(scratch, table, chunk).unlink()
    return Source(
        form="fhir",
        files=paths,
        relations=relations,
        rejected=f"SELECT * FROM read_parquet({literal(str(rejected))})" if bad else None,
        notes=f"SELECT * FROM read_parquet({literal(str(notes))})",
        remarks=tuple(_remarks(counts)),
    )


def _nobody(paths: tuple[Path, ...], cursor: duckdb.DuckDBPyConnection) -> CaseError:
    """The refusal of an export of which nothing can be used, with the first reason that there is."""
    what = "no line of its *.ndjson files says anything of a patient that can be used"
    for file, line, reason in cursor.execute(
        "SELECT file, before + line + 1, reason FROM all_broken JOIN chunks USING (chunk) ORDER BY ALL LIMIT 1"
    ).fetchall():
        what = f"{what}; {file}:{line}: {reason}"
    return CaseError(str(paths[0].parent), what, "put the files of a FHIR R4 Bulk Data export into the folder")


def _gather(chunks: list[Chunk], counts: list[Count], scratch: Path, cursor: duckdb.DuckDBPyConnection) -> None:
    """Name the tables of all chunks together, and find out who is in the export."""
    before: Counter[Path] = Counter()
    rows = []
    for chunk, count in zip(chunks, counts, strict=True):
        rows.append(f"({chunk.number}, {literal(chunk.path.name)}, {before[chunk.path]})")
        before[chunk.path] += count.lines
    values = ", ".join(rows)
    cursor.execute(f"CREATE TEMP TABLE chunks AS SELECT * FROM (VALUES {values}) AS t(chunk, file, before)")
    sources = {}
    for table in TEXTS:
        listed = ", ".join(literal(str(_path(scratch, table, chunk))) for chunk in chunks)
        sources[table] = f"read_parquet([{listed}])"
    numbers = ", ".join(str(chunk.number) for chunk in chunks)
    cursor.execute(_WRITTEN.format(**sources, chunk=f"CAST([{numbers}] AS BIGINT[])[CAST(file_index AS BIGINT) + 1]"))


def _settle(chunks: list[Chunk], cursor: duckdb.DuckDBPyConnection, reader: Reader) -> None:
    """Find out which version counts of each resource that stands in the export more than once."""
    wanted: dict[int, set[int]] = {}
    for number, line in cursor.execute(_TWICE).fetchall():
        wanted.setdefault(number, set()).add(line)
    if not wanted:
        cursor.execute(_ONCE)
        return
    reader.begin(len(chunks) << 32)
    found = settle(_picked(chunks, wanted), reader)
    rows: dict[str, list[tuple[Any, ...]]] = {
        "dropped": found.dropped,
        "said_notes": [(*at, *whose, text, place) for at, whose, text, place in found.notes],
        "said_templates": [(template.id, *_columns(template)) for _, _, template in found.entries],
        "said_entries": [
            ((at[0] << 32) + (1 << 31) + nth, *at, template.id, *whose)
            for nth, (at, whose, template) in enumerate(found.entries)
        ],
    }
    for table, (numbers, texts) in _SAID.items():
        columns = ", ".join([*(f"{name(one)} BIGINT" for one in numbers), *(f"{name(one)} VARCHAR" for one in texts)])
        cursor.execute(f"CREATE TEMP TABLE {table} ({columns})")
        if rows[table]:
            cursor.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(numbers + texts))})", rows[table])
    cursor.execute(_SETTLED)


_SAID: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dropped": (("chunk", "line"), ()),
    "said_notes": (("chunk", "line"), ("patient", "base", "text", "place")),
    "said_templates": (("id",), TEXTS["templates"]),
    "said_entries": (("row", "chunk", "line", "template"), ("patient", "base")),
}
"""The columns of what is said of versions: first the numbers, then the texts."""


def _picked(chunks: list[Chunk], wanted: Mapping[int, set[int]]) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Some lines of an export, read once more."""
    for chunk in chunks:
        lines = wanted.get(chunk.number, set())
        for number, line in enumerate(_lines(chunk)) if lines else ():
            if number in lines:
                mark = b"\xef\xbb\xbf" if number == 0 and chunk.start == 0 else b""
                yield (chunk.number, number), line.removeprefix(mark).strip()


def _relations(scratch: Path, cursor: duckdb.DuckDBPyConnection, terms: Terms) -> Iterator[tuple[TableName, Relation]]:
    """The tables of the flat shape, written out."""
    for list_ in LISTS:
        known = (*OWN_KEYS[list_], *SHARED_KEYS)
        others = [key for key in KEYS if key not in known]  # such as the status of a result that was entered in error
        counts = ", ".join(f"count({name(key)})" for key in others)
        (met,) = cursor.execute(f"SELECT {counts} FROM templates WHERE list = {literal(list_)}").fetchall()
        more = [key for key, count in zip(others, met, strict=True) if count]
        columns = (TABLES[list_].name, CODES, *known, *more)
        how = {key: f"coalesce(entry.{name(key)}, template.{name(key)})" for key in FILLED}
        how[TABLES[list_].name] = "template.name"
        picked = ", ".join(f"{how.get(key, f'template.{name(key)}')} AS {name(key)}" for key in columns)
        path = scratch / f"{list_}.parquet"
        ((count,),) = cursor.execute(
            f'COPY (SELECT entry."row", entry.patient, {picked} FROM (FROM all_entries WHERE {_GOOD}) AS entry '
            f"JOIN (FROM templates WHERE list = {literal(list_)}) AS template ON entry.template = template.id) "
            f"TO {literal(str(path))} (FORMAT parquet)"
        ).fetchall()
        if count:
            yield list_, Relation(f"SELECT * FROM read_parquet({literal(str(path))})", columns)
        else:
            path.unlink()
    keys = ("sex", "birth_date") if terms.match("context", "birth_date") else ("sex",)
    said = ", ".join(f"CASE WHEN count(DISTINCT {key}) = 1 THEN min({key}) END AS {key}" for key in keys)
    path = scratch / "patients.parquet"
    cursor.execute(
        f'COPY (SELECT coalesce(min(chunk * 4294967296 + line), 0) AS "row", everyone.patient, {said} FROM everyone '
        f"LEFT JOIN all_patients USING (patient) GROUP BY ALL) TO {literal(str(path))} (FORMAT parquet)"
    )
    yield PATIENTS, Relation(f"SELECT * FROM read_parquet({literal(str(path))})", keys)


_REJECTED = """
WITH resources AS (
    SELECT DISTINCT chunk, line, patient, base FROM all_entries UNION
    SELECT chunk, line, patient, base FROM all_notes UNION
    SELECT chunk, line, patient, NULL FROM all_patients
), aside AS (
    SELECT chunk, line, patient, reason FROM all_broken
    UNION ALL
    SELECT chunk, line, patient, CASE
        WHEN base IS NOT NULL AND base NOT IN (FROM server)
            THEN 'Its patient is one of another server, ' || base || '.'
        WHEN patient NOT IN (FROM named) THEN 'No Patient of the export is the one that it is about.'
        ELSE 'Another resource makes the whole record of its patient unusable.' END
    FROM resources WHERE NOT ((base IS NULL OR base IN (FROM server)) AND patient IN (FROM everyone))
        AND (chunk, line) NOT IN (SELECT (chunk, line) FROM all_broken)
    UNION ALL
    SELECT chunk, line, patient, 'Another Patient before it has the same id.'
    FROM (SELECT *, row_number() OVER (PARTITION BY patient ORDER BY chunk, line) AS nth FROM all_patients)
    WHERE nth > 1 AND patient IN (FROM everyone)
)
SELECT file AS "table", before + line + 1 AS "row", patient, reason FROM aside JOIN chunks USING (chunk) ORDER BY ALL
"""

_NOTES = """
SELECT patient, text, file || ':' || (before + line + 1) || coalesce(place, '') AS read_from
FROM (FROM all_notes WHERE (base IS NULL OR base IN (FROM server)) AND patient IN (FROM everyone))
    JOIN chunks USING (chunk)
UNION ALL
SELECT patient, 'A resource is not read. ' || reason, file || ':' || (before + line + 1)
FROM all_broken JOIN chunks USING (chunk) WHERE patient IN (FROM everyone)
UNION ALL
SELECT patient, 'Two Patient resources have the id of the patient and say different things; neither is used: ' || what,
    'Patient/' || patient
FROM (SELECT patient, 'sex' AS what FROM all_patients GROUP BY patient HAVING count(DISTINCT sex) > 1 UNION ALL
      SELECT patient, 'date of birth' FROM all_patients GROUP BY patient HAVING count(DISTINCT birth_date) > 1)
WHERE patient IN (FROM everyone)
"""


def _remarks(counts: list[Count]) -> Iterator[str]:
    """How many resources of which types are not read."""
    kinds: Counter[str] = Counter()
    for count in counts:
        kinds.update(count.kinds)
    for kind, number in sorted(kinds.items()):
        if kind not in JUDGED:
            yield not_read(kind, number)
