"""What all chunks say together: who is in the export, which version counts, and the tables of the flat shape."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from citelog.patient.case import LISTS, OWN_KEYS, SHARED_KEYS
from citelog.population.bulk.chunks import Chunk, lines_of
from citelog.population.bulk.reader import Reader
from citelog.population.bulk.stencils import FILLED
from citelog.population.bulk.versions import settle
from citelog.population.bulk.written import KEYS, TEXTS, Count, columns_of, path_of
from citelog.population.data.files import literal, located, name
from citelog.population.data.tables import CODES, PATIENTS, TABLES, Relation, TableName
from citelog.vocab import Terms

if TYPE_CHECKING:
    import duckdb

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


def gather(
    chunks: list[Chunk], counts: list[Count], scratch: Path, cursor: duckdb.DuckDBPyConnection, reader: Reader
) -> None:
    """Bring the tables of all chunks together, as far as they count, and find out who is in the export.

    `reader` reads again what stands in the export more than once.
    """
    _name_tables(chunks, counts, scratch, cursor)
    _settle(chunks, cursor, reader)
    cursor.execute(_ENTRIES)


def _name_tables(chunks: list[Chunk], counts: list[Count], scratch: Path, cursor: duckdb.DuckDBPyConnection) -> None:
    """Name the tables of all chunks together, and the lines before each chunk in its file."""
    before: Counter[Path] = Counter()
    rows = []
    for chunk, count in zip(chunks, counts, strict=True):
        rows.append(f"({chunk.number}, {literal(chunk.path.name)}, {before[chunk.path]})")
        before[chunk.path] += count.lines
    values = ", ".join(rows)
    cursor.execute(f"CREATE TEMP TABLE chunks AS SELECT * FROM (VALUES {values}) AS t(chunk, file, before)")
    sources = {}
    for table in TEXTS:
        listed = ", ".join(located(path_of(scratch, table, chunk)) for chunk in chunks)
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
        "said_templates": [(template.id, *columns_of(template)) for _, _, template in found.entries],
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
        for number, line in enumerate(lines_of(chunk)) if lines else ():
            if number in lines:
                yield (chunk.number, number), line.strip()


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


def relations(scratch: Path, cursor: duckdb.DuckDBPyConnection, terms: Terms) -> Iterator[tuple[TableName, Relation]]:
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
            f"TO {located(path)} (FORMAT parquet)"
        ).fetchall()
        if count:
            yield list_, Relation(f"SELECT * FROM read_parquet({located(path)})", columns)
        else:
            path.unlink()
    keys = ("sex", "birth_date") if terms.match("context", "birth_date") else ("sex",)
    said = ", ".join(f"CASE WHEN count(DISTINCT {key}) = 1 THEN min({key}) END AS {key}" for key in keys)
    path = scratch / "patients.parquet"
    cursor.execute(
        f'COPY (SELECT coalesce(min(chunk * 4294967296 + line), 0) AS "row", everyone.patient, {said} FROM everyone '
        f"LEFT JOIN all_patients USING (patient) GROUP BY ALL) TO {located(path)} (FORMAT parquet)"
    )
    yield PATIENTS, Relation(f"SELECT * FROM read_parquet({located(path)})", keys)
