"""The flat shape of a population: one table for each list of a case file, one row an entry, every value as recorded.

Readers of whatever hospitals have (flat files, FHIR Bulk Data, OMOP) end here, and everything else begins here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from citelog.patient.case import LISTS, NAME_KEY, OWN_KEYS, SHARED_KEYS, ListName

if TYPE_CHECKING:
    import duckdb

TableName = ListName
"""A list of a case file; `context` is the table of the patients themselves, `patients.parquet`."""

PATIENTS: TableName = "context"
CODES = "codes"
"""The one column that a case file has no key for: codes such as `loinc:2132-9`, between blanks, that go before the
name. FHIR gives them; a flat file may."""


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its file's name without ending, and its columns after `patient`, all of them text.

    `name` is the column that says what an entry is about; the patients' table has none, each of its columns is a key
    of the context. Any other column is a key that nobody knows: it is kept, and noted where it has a value.
    """

    list: TableName
    file: str
    name: str
    columns: tuple[str, ...]


def _table(list_: TableName) -> Table:
    name = NAME_KEY[list_]
    return Table(list_, list_, name, (name, *dict.fromkeys((*OWN_KEYS[list_], *SHARED_KEYS))))


TABLES: Mapping[TableName, Table] = {
    **{list_: _table(list_) for list_ in LISTS},
    PATIENTS: Table(PATIENTS, "patients", "", ("age_years", "birth_date", "sex")),
}
"""Every table, in the order of the lists of a case.

>>> [table.file for table in TABLES.values()]
['labs', 'findings', 'conditions', 'medications', 'preferences', 'patients']
>>> TABLES["labs"].columns
('analyte', 'value', 'unit', 'when', 'flag', 'route')
"""


@dataclass(frozen=True, slots=True)
class Relation:
    """One table of a source: a query for DuckDB, and the columns that it gives after `row` and `patient`.

    `row` (BIGINT, from 0) is the place of a row in its table. It orders a patient's entries, so that the one with the
    lowest `row` is `labs[0]`; a row that is set aside has none of these places. `patient` (VARCHAR) is never null. All
    other columns are VARCHAR, or BOOLEAN where a source says true or false without quotes; null and the empty text
    say that there is no value.
    """

    query: str
    columns: tuple[str, ...]


Doubt = Callable[["duckdb.DuckDBPyConnection"], bool]
"""A look at a source that is left for later: whether something is wrong with whose its rows are."""


@dataclass(frozen=True, slots=True)
class Source:
    """A population as readers give it.

    `form` is `flat`, `fhir` or `omop`; `files` is all that was read, for hashes. A table that the source has not is
    not in `relations`; in the patients' table, if there is one, everyone who has entries stands once. `rejected` is a
    query for DuckDB that gives the rows that were set aside: `table` (VARCHAR, a file's name), `row` (BIGINT, counted
    in the file), `patient` (VARCHAR or null) and `reason` (VARCHAR, a sentence); None where none was.

    `notes`, likewise, gives what a reader itself did not use of a patient: `patient`, `text`, `read_from`. `remarks`
    are sentences about whole files: what was not read, and how much of it.

    Where there is a `doubt`, the source has been read as if nothing were wrong with whose its rows are: the doubt looks
    at that, with a connection of its own, and says whether it is to be read again, with care.
    """

    form: str
    files: tuple[Path, ...]
    relations: Mapping[TableName, Relation] = field(default_factory=dict)
    rejected: str | None = None
    notes: str | None = None
    remarks: tuple[str, ...] = ()
    doubt: Doubt | None = None
