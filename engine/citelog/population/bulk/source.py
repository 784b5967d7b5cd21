"""FHIR Bulk Data: a folder of `*.ndjson`, several gigabytes of it, as the flat shape.

The files are cut into chunks of so many bytes, and each chunk is read by a process of its own, which keeps nothing
but the stencils that it met and writes what it found in handfuls. DuckDB then brings together what belongs together:
whose patient is in the export, which server the references name, what a template says. So the memory does not grow
with the export, and what comes out does not depend on how many processes there were.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citelog.diagnostics import CaseError
from citelog.patient.fhir import JUDGED
from citelog.patient.unread import not_read
from citelog.population.bulk import gathered
from citelog.population.bulk.chunks import Chunk, chunks_of, medications_of
from citelog.population.bulk.reader import Medications, Reader
from citelog.population.bulk.written import TEXTS, Count, path_of, read_chunk
from citelog.population.data.files import LINES, located
from citelog.population.data.tables import Source
from citelog.vocab import Terms

if TYPE_CHECKING:
    import duckdb

SMALL = 20_000_000
"""Bytes of an export below which starting other processes costs more than it saves."""


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
    chunks = list(chunks_of(paths))
    size = sum(path.stat().st_size for path in paths)
    count = min(workers or os.cpu_count() or 1, len(chunks)) if size > SMALL else 1
    medications = medications_of(paths)
    counts: list[Count] = []
    told(0, len(chunks))
    if count == 1:
        reader = Reader(terms, medications)
        for chunk in chunks:
            counts.append(read_chunk(reader, chunk, scratch))
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
                str(folder), what, "see whether memory, the disk or the time to compute ran out, and run it again"
            ) from None
    return _source(chunks, counts, scratch, database, terms, medications)


_here: dict[str, Any] = {}
"""In a process that only reads: its reader, which meets the same stencils in every chunk, and the scratch folder."""


def _begin(terms: Terms, medications: Medications, scratch: Path) -> None:
    _here.update(reader=Reader(terms, medications), scratch=scratch)


def _read_next(chunk: Chunk) -> Count:
    return read_chunk(_here["reader"], chunk, _here["scratch"])


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
        gathered.gather(chunks, counts, scratch, cursor, Reader(terms, medications))
        if not cursor.execute("FROM everyone LIMIT 1").fetchall():
            raise _nobody(paths, cursor)
        relations = dict(gathered.relations(scratch, cursor, terms))
        rejected, notes = scratch / "rejected.parquet", scratch / "notes.parquet"
        cursor.execute(f"COPY ({_REJECTED}) TO {located(rejected)} (FORMAT parquet)")
        cursor.execute(f"COPY ({_NOTES}) TO {located(notes)} (FORMAT parquet)")
        ((bad,),) = cursor.execute(f"SELECT count(*) FROM read_parquet({located(rejected)})").fetchall()
    for table in TEXTS:
        for chunk in chunks:
            path_of(scratch, table, chunk).unlink()
    return Source(
        form="fhir",
        files=paths,
        relations=relations,
        rejected=f"SELECT * FROM read_parquet({located(rejected)})" if bad else None,
        notes=f"SELECT * FROM read_parquet({located(notes)})",
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
        if number and kind not in JUDGED:
            yield not_read(kind, number)
