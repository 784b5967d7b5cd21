"""Tables as hospitals have them: Parquet or CSV, in one file or in the parts that a cluster wrote.

A table is looked at before anything is read from it: what its columns are called, and whether they can be text as
recorded. A CSV file is written out as Parquet first. DuckDB reads one that has nothing wrong with it; where it finds
a fault, Python's `csv` reads the file again, slower, and can say in which line and why. A fault of one row sets the
row aside; a fault that makes the rows after it uncertain (an open quote, bytes that are no UTF-8) stops the run.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from citelog.diagnostics import CaseError
from citelog.listing import NoFileError, paths_in

if TYPE_CHECKING:
    import _csv

    import duckdb

LONGEST = 1_000_000
"""Characters of one cell; longer ones are no entry of a record but a document that got into the wrong column."""

FORBIDDEN = r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}]"
"""Control characters, which may not stand in a record; as DuckDB writes a pattern."""

HANDFUL = 50_000
"""Rows that are handed on at once, of a CSV file in which some are none."""

BLANKS = " \t\r\n\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
ENDINGS = (".parquet", ".csv", ".csv.gz")
LINES = (".ndjson", ".ndjson.gz")
PANDAS_INDEX = re.compile(r"__index_level_[0-9]+__")
DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a table: what it is called in its folder, the Parquet file that has its rows, and how many.

    `broken` is a Parquet file of the lines that are no rows (`row`, `patient`, `reason`), where there are any.
    """

    shown: str
    path: Path
    rows: int
    broken: Path | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """A table that is there: its parts in order, its columns with their types, and the files that were read."""

    path: Path
    parts: tuple[Part, ...]
    columns: Mapping[str, str]
    files: tuple[Path, ...]

    @property
    def where(self) -> str:
        """What errors call the table."""
        return str(self.path)

    @property
    def shown(self) -> str:
        """What the table is called where its folder is known."""
        return self.path.name

    def rows(self, columns: str) -> str:
        """A query for columns after three that say where a row is: `row` in the table, `part`, `place` in the part."""
        first = 0
        firsts = []
        for part in self.parts:
            firsts.append(first)
            first += part.rows
        row = (
            "file_row_number" if len(self.parts) == 1 else f"{firsts}[CAST(file_index AS BIGINT) + 1] + file_row_number"
        )
        paths = ", ".join(located(part.path) for part in self.parts)
        place = 'CAST(file_index AS BIGINT) AS "part", file_row_number AS "place"'
        return f'SELECT {row} AS "row", {place}, {columns} FROM read_parquet([{paths}])'


def literal(text: str) -> str:
    """A text in a query.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def plain(path: Path) -> str:
    """A path as DuckDB takes it for no other: it reads a `~` at the beginning as a home, and `md:` as what to fetch."""
    return str(path.absolute())


def located(path: Path) -> str:
    """A file in a query."""
    return literal(plain(path))


def check_path(path: Path, *, has_database: bool = False) -> None:
    """Raise CaseError for a folder that DuckDB cannot use by its whole name, as one where its own database shall be."""
    whole, remedy = plain(path), "name another folder"
    if any("\udc80" <= sign <= "\udcff" for sign in whole):
        raise CaseError(str(path), "its whole path is not UTF-8, as DuckDB needs it", remedy)
    if has_database and "\\" in whole:
        raise CaseError(str(path), "DuckDB reads a backslash in a path as a slash", remedy)


def files_in(folder: Path, pattern: str) -> str:
    """The files of a folder in a query, each by its name: the folder's own would be a pattern to DuckDB."""
    found = sorted(folder.glob(pattern))
    return f"[{', '.join(map(located, found))}]" if found else located(folder / pattern)


def name(text: str) -> str:
    """A column in a query."""
    return '"' + text.replace('"', '""') + '"'


# --- which files -------------------------------------------------------------------------------------------------


def stem(path: Path) -> str:
    """The name of the table that a file or a folder of parts holds; the empty text where it can be none.

    >>> stem(Path("labs.csv.gz")), stem(Path("notes.txt"))
    ('labs', '')
    """
    return next((path.name[: -len(ending)] for ending in ENDINGS if path.name.lower().endswith(ending)), "")


def find(folder: Path, table: str) -> Path | None:
    """The file of a table, or the folder of its parts; refused where it is there twice."""
    found = [path for path in sorted(folder.iterdir()) if stem(path) == table and path.name.endswith(ENDINGS)]
    if len(found) > 1:
        names = " and ".join(path.name for path in found)
        raise CaseError(str(folder), f"{table} is there twice: {names}", "keep one of them in the folder")
    return found[0] if found else None


def store(path: Path, scratch: Path, database: duckdb.DuckDBPyConnection, *, is_quoted: bool = True) -> Stored:
    """Look at a table and make it ready to be read; what a CSV file is written out as goes to `scratch`.

    Raises CaseError where the table cannot be used.
    """
    files = [path]
    if path.is_dir():
        with readable(path):
            files = [one for one in paths_in(path, "*") if one.name.endswith(ENDINGS)]
        if not files:
            raise CaseError(str(path), "this folder has no parts of a table", "put *.parquet or *.csv files into it")
    parts: list[Part] = []
    columns: dict[str, str] = {}
    for number, file in enumerate(files):
        shown = f"{path.name}/{file.name}" if path.is_dir() else path.name
        target = scratch / f"{stem(path)}.{number}.parquet"
        with readable(file), file.open("rb"):
            if file.name.endswith(".parquet"):
                part, found = _parquet(file, shown, database)
            else:
                part, found = _from_csv(file, shown, target, database, is_quoted)
        if parts and found != columns:
            what = f"its columns are not those of {parts[0].shown}"
            raise CaseError(str(file), what, "write all parts of a table with the same columns and types")
        parts.append(part)
        columns = found
    return Stored(path, tuple(parts), columns, tuple(files))


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What the system says of a file or a folder, as a refusal."""
    try:
        yield
    except NoFileError as trouble:
        raise CaseError(str(trouble.filename), str(trouble.strerror), trouble.remedy) from None
    except PermissionError:
        what = f"this {'folder' if path.is_dir() else 'file'} may not be read"
        raise CaseError(str(path), what, "give yourself the right to read it") from None
    except (OSError, EOFError, zlib.error) as trouble:  # the last two: a compressed file that is cut off or damaged
        raise CaseError(str(path), f"this file cannot be read ({trouble})", "check the file") from None


def check_names(names: list[str], where: str, known: tuple[str, ...]) -> None:
    """Refuse columns that have no name, the same name, or the name of another in other letters."""
    remedy = "give each column a name of its own"
    if "" in names:
        raise CaseError(where, "a column has no name", f"{remedy} (pandas writes its index so: use index=False)")
    if bad := next((one for one in names if re.search("[\x00-\x1f\x7f-\x9f]", one)), None):
        raise CaseError(where, f"the column {bad!r} has a control character in its name", "rename the column")
    folded: dict[str, str] = {}
    for one in names:
        if (other := folded.setdefault(one.casefold(), one)) is not one:
            both = f'"{one}" twice' if other == one else f'"{other}" and "{one}"'
            raise CaseError(where, f"there are the columns {both}", "keep one of the two, or rename it")
    for one in known:
        if one not in names and one.casefold() in folded:
            raise CaseError(where, f'the column "{one}" is written "{folded[one.casefold()]}"', f"rename it to {one}")


# --- Parquet -----------------------------------------------------------------------------------------------------


def _parquet(path: Path, shown: str, database: duckdb.DuckDBPyConnection) -> tuple[Part, dict[str, str]]:
    import duckdb

    source = f"read_parquet({located(path)})"
    try:
        schema = database.execute(f"SELECT name, num_children FROM parquet_schema({located(path)})").fetchall()
        names = list(_top(schema))
        check_names(names, str(path), ())
        columns = {str(row[0]): str(row[1]) for row in database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
        ((rows,),) = database.execute(f"SELECT count(*) FROM {source}").fetchall()
    except duckdb.Error as trouble:
        what = f"this is no Parquet file that can be read ({first_line(trouble)})"
        raise CaseError(str(path), what, "write the table again, as Parquet or as CSV") from None
    return Part(shown, path, rows), columns


def _top(schema: list[tuple[str, int | None]]) -> Iterator[str]:
    """The names of the columns from the tree of a Parquet schema, as they are written."""
    rows = iter(schema)
    _, count = next(rows)
    for _ in range(count or 0):
        column, children = next(rows)
        yield column
        below = children or 0
        while below:
            _, children = next(rows)
            below += (children or 0) - 1


def first_line(trouble: Exception) -> str:
    """What DuckDB says, without its advice."""
    return " ".join(str(trouble).splitlines()[0].split())[:200]


# --- CSV ---------------------------------------------------------------------------------------------------------


def _from_csv(
    path: Path, shown: str, target: Path, database: duckdb.DuckDBPyConnection, is_quoted: bool
) -> tuple[Part, dict[str, str]]:
    import duckdb

    names, delimiter = _header(path)
    check_names(names, str(path), ())
    is_quoted = is_quoted or delimiter != "\t"
    quote = "'\"'" if is_quoted else "''"
    columns = ", ".join(f"{literal(one)}: 'VARCHAR'" for one in names)
    options = f"delim={literal(delimiter)}, quote={quote}, escape={quote}, header=true, auto_detect=false"
    source = f"read_csv({located(path)}, {options}, columns={{{columns}}})"
    broken: Path | None = None
    try:
        copied = database.execute(f"COPY (SELECT * FROM {source}) TO {located(target)} (FORMAT parquet)")
        ((rows,),) = copied.fetchall()
    except duckdb.Error:
        broken = target.with_suffix(".broken.parquet")
        rows = _carefully(path, names, delimiter, target, broken, is_quoted)
    return Part(shown, target, rows, broken), dict.fromkeys(names, "VARCHAR")


def _header(path: Path) -> tuple[list[str], str]:
    """The names of the columns, and what stands between them: whatever gives the most."""
    with _opened(path) as file:
        try:
            start = file.read(LONGEST)
        except UnicodeDecodeError:
            start = ""  # the fault may stand anywhere in what was read: it is found where lines are counted
    if not start and path.stat().st_size == 0:
        raise CaseError(str(path), "the file is empty", "give at least the line with the names of the columns")
    if not start:
        _all_utf8(path)
    line = start.lstrip("\r\n").splitlines()[0] if start.strip() else ""
    if line.startswith("sep="):
        raise CaseError(str(path), f'the first line ("{line[:10]}") is for Excel alone', "remove it")
    rows = [(next(csv.reader([line], delimiter=one), []), one) for one in DELIMITERS]
    names, delimiter = max(rows, key=lambda row: len(row[0]))
    if not any(names):
        raise CaseError(str(path), "the first line has no names of columns", "begin the file with patient,…")
    return [one.strip() for one in names], delimiter


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as raw:
        yield TextIOWrapper(raw, encoding="utf-8-sig", newline="")


def _all_utf8(path: Path) -> None:
    """Refuse a file that is no UTF-8, with the line where it stops being it."""
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as raw:
        for number, line in enumerate(raw, start=1):
            if number == 1 and line[:2] == b"\x1f\x8b":
                raise CaseError(str(path), "this is compressed (gzip)", f"name it {path.name}.gz")
            if number == 1 and line[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise CaseError(str(path), "this is UTF-16 text", "save the file as UTF-8")
            try:
                line.decode()
            except UnicodeDecodeError:
                raise CaseError(f"{path}:{number}", "this is not UTF-8 text", "save the file as UTF-8") from None


def _carefully(path: Path, names: list[str], delimiter: str, target: Path, broken: Path, is_quoted: bool) -> int:
    """Write a CSV file out as Parquet, an empty row in the place of each that is none, and those beside it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    csv.field_size_limit(LONGEST)
    schema = pa.schema([(one, pa.string()) for one in names])
    faults = pa.schema([("row", pa.int64()), ("patient", pa.string()), ("reason", pa.string())])
    count = 0
    _all_utf8(path)
    with _opened(path) as file, pq.ParquetWriter(target, schema) as good, pq.ParquetWriter(broken, faults) as bad:
        reader = csv.reader(
            file, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE, strict=True
        )
        for batch, wrong in _batches(reader, str(path), names):
            good.write_table(pa.table([pa.array(column, pa.string()) for column in zip(*batch, strict=True)], schema))
            columns = [list(column) for column in zip(*wrong, strict=True)] or [[], [], []]
            bad.write_table(pa.table([pa.array(c, f.type) for c, f in zip(columns, faults, strict=True)], faults))
            count += len(batch)
    return count


def _batches(
    reader: _csv.Reader, where: str, names: list[str]
) -> Iterator[tuple[list[list[str | None]], list[tuple[int, str | None, str]]]]:
    """The rows of a CSV file in handfuls, and those among them that are none."""
    batch: list[list[str | None]] = []
    wrong: list[tuple[int, str | None, str]] = []
    patient = names.index("patient") if "patient" in names else -1
    number = -1  # the header
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as trouble:
            remedy = "close each quote, and write one that belongs to the text twice"
            raise CaseError(f"{where}:{line}", f"where this row ends cannot be told ({trouble})", remedy) from None
        if not cells:
            continue
        if number >= 0:
            if len(cells) == len(names):
                batch.append([cell or None for cell in cells])
            else:
                whom = cells[patient] or None if 0 <= patient < len(cells) else None
                wrong.append((number, whom, f"Line {line} has {len(cells)} cells, not {len(names)}."))
                batch.append([None] * len(names))
        number += 1
        if len(batch) == HANDFUL:
            yield batch, wrong
            batch, wrong = [], []
    yield batch, wrong


# --- columns -----------------------------------------------------------------------------------------------------

_EXACT = re.compile(
    r"VARCHAR|BOOLEAN|DATE|UUID|U?(?:TINY|SMALL|BIG|HUGE)?(?:INT|INTEGER)|DECIMAL\(.*|ENUM\(.*|\"?NULL\"?"
)


def as_text(column: str, kind: str) -> str | None:
    """A column as text, exactly as recorded; None where its type cannot be that.

    Numbers of a fixed size keep every digit. A DOUBLE has none: what was recorded as 80, 80.0 or 79.99999999999999999
    is the same in it, and so is whatever a program made of a missing value.
    """
    if kind in ("VARCHAR", "BOOLEAN"):
        return name(column)
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"CAST(make_timestamp(epoch_us({name(column)})) AS VARCHAR) || 'Z'"
    if _EXACT.fullmatch(kind) or kind.startswith("TIMESTAMP"):
        return f"CAST({name(column)} AS VARCHAR)"
    return None


def inexact(where: str, column: str, kind: str) -> CaseError:
    """The refusal of a column whose type cannot be text as recorded."""
    if kind in ("DOUBLE", "FLOAT"):
        what = f'the column "{column}" is {kind}, in which 80, 80.0 and 1.10 are not kept as they were recorded'
        remedy = "write it as text, just as it was recorded (in pandas, read the source with dtype=str), or as DECIMAL"
    else:
        what, remedy = f'the column "{column}" is {kind}, not text', "write one value in each cell, as text"
    return CaseError(where, what, remedy)
