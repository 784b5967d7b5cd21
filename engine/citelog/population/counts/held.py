"""A folder of answers that is held: all of its files are mapped into memory once, and nothing is opened after that.

So a process that may open nothing any more (`serve.workers.worker`) can list rows and open them. pyarrow reads the
files there, in one thread: DuckDB opens files by itself, and its threads do not outlive a fork.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from citelog.diagnostics import CaseError
from citelog.population import opened
from citelog.population.opened import Opened


@dataclass(frozen=True)
class Held(Opened):
    """The answers of one run, read from memory. `files` are the mapped files, by their names in the folder."""

    files: Mapping[str, Any] = field(default_factory=dict)

    def share(self, patient: str) -> int:
        """The share that a patient is in; the last, if nobody is called so."""
        for share in range(self.document["shares"]):
            if self.look(f"{opened.PEOPLE}-{share:03}.parquet", ("picture",), "patient", (patient,)):
                return share
        return int(self.document["shares"]) - 1

    def look(self, name: str, columns: Sequence[str], column: str, values: Sequence[Any]) -> list[Any]:
        """The rows of a file in which a column has one of some values."""
        if not values:
            return []
        found: list[Any] = []
        for number, places in self._places(name, column, values):
            taken = self.files[name].read_row_group(number, columns=list(columns), use_threads=False).take(places)
            found += zip(*(taken.column(one).to_pylist() for one in columns), strict=True)
        return found

    def place(self, share: int, patient: str) -> int | None:
        """The place of a patient among those of a share, from 0; None where nobody in it is called so."""
        name = f"{opened.PEOPLE}-{share:03}.parquet"
        for number, places in self._places(name, "patient", (patient,)):
            before = sum(self.files[name].metadata.row_group(i).num_rows for i in range(number))
            return int(before) + int(places[0].as_py())
        return None

    def patients(self, share: int, places: Sequence[int]) -> list[str]:
        """The ids of the patients at some places of a share."""
        name, found, start = f"{opened.PEOPLE}-{share:03}.parquet", dict[int, str](), 0
        file = self.files[name]
        for number in range(file.metadata.num_row_groups):
            stop = start + file.metadata.row_group(number).num_rows
            own = sorted({place for place in places if start <= place < stop})
            if own:
                column = file.read_row_group(number, columns=["patient"], use_threads=False).column(0)
                found |= zip(own, column.take(pa.array([p - start for p in own])).to_pylist(), strict=True)
            start = stop
        return [found[place] for place in places]

    def _places(self, name: str, column: str, values: Sequence[Any]) -> Iterator[tuple[int, Any]]:
        """The places of the rows with one of some values, in each group of rows of a file that has any."""
        file = self.files[name]
        at = file.schema_arrow.names.index(column)
        wanted = pa.array(values, file.schema_arrow.field(at).type)
        low, high = min(values), max(values)
        for number in range(file.metadata.num_row_groups):
            known = file.metadata.row_group(number).column(at).statistics
            if known is not None and known.has_min_max and (known.max < low or high < known.min):
                continue
            rows = file.read_row_group(number, columns=[column], use_threads=False).column(0)
            places = pc.indices_nonzero(pc.is_in(rows, value_set=wanted))
            if len(places):
                yield number, places


def held(answers: Opened) -> Held:
    """A folder of answers with its files mapped; raises CaseError where one of them cannot be read."""
    shares = range(answers.document["shares"])
    names = [f"{one}-{share:03}.parquet" for share in shares for one in (opened.PEOPLE, opened.ROWS)]
    files = {}
    for name in (*names, opened.CONCLUDED, opened.ALONE, opened.WORDINGS, opened.FRAMES, opened.DAYS):
        path = Path(answers.folder) / name
        try:
            with path.open("rb") as file:
                mapped = pa.py_buffer(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            files[name] = pq.ParquetFile(pa.BufferReader(mapped), pre_buffer=False)
        except (OSError, ValueError, pa.ArrowInvalid) as trouble:
            raise CaseError(str(path), f"it cannot be read: {trouble}", "run `citelog population` again") from trouble
    return Held(answers.folder, answers.document, files)
