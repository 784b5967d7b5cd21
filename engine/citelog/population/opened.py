"""A folder of answers, opened again: one patient's own rows, and what was concluded from them.

The explanation of a row is the road of one patient, over that patient's own entries as the run read them. It must give
what the run gave; where it does not, that is an incident and no explanation (DisagreementError).
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb

from citelog.assess import Assessment, assess_case
from citelog.diagnostics import CaseError
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Case, ListName
from citelog.patient.reading import recorded
from citelog.population import alone
from citelog.population.data.files import check_path, first_line, located
from citelog.population.data.files import name as quoted
from citelog.population.data.tables import PATIENTS
from citelog.population.entries import Frame, Written
from citelog.run.datalog import DEADLINE
from citelog.values import Iri, Value

STORE = "store"
PEOPLE, ROWS = f"{STORE}/people", f"{STORE}/rows"
CONCLUDED, ALONE = f"{STORE}/concluded.parquet", f"{STORE}/alone.parquet"
SAID, SPOKEN, REMARKS = f"{STORE}/said.parquet", f"{STORE}/spoken.parquet", f"{STORE}/remarks.parquet"
CODES = f"{STORE}/codes.parquet"
PICTURES, READER_NOTES = f"{STORE}/pictures.parquet", f"{STORE}/reader_notes.parquet"
WORDINGS, FRAMES = f"{STORE}/wordings.parquet", f"{STORE}/frames.parquet"
DAYS = f"{STORE}/days.parquet"
FIRINGS, ENTRY_FIRINGS = "firings.parquet", "entry_firings.parquet"
VALUES = "values.parquet"
RULES, HARD = f"{STORE}/rules.parquet", f"{STORE}/hard.parquet"
OF_DATA = (DAYS, PICTURES, READER_NOTES, WORDINGS, FRAMES)
"""What stays as it is where the data do, and where rules see the same of them."""
OF_ENTRIES = (SAID, CODES, SPOKEN)
"""What stays as it is where besides what is seen of entries was taken over."""

Row = tuple[str, str, str | None]
"""A kind, a value and a role."""


class DisagreementError(Exception):
    """A patient of whom the stored answer and the one that is derived now are not the same: a fault of ours."""


@dataclass(frozen=True, slots=True)
class Person:
    """A patient of a run: the id that the data give, the share and the picture, and whether answered alone."""

    id: str
    share: int
    picture: int
    alone: bool


@dataclass(frozen=True)
class Opened:
    """The answers of one run."""

    folder: Path
    document: dict[str, Any]

    @property
    def at(self) -> datetime.date | None:
        """The day of the assessment that the run had."""
        at = self.document["at"]
        return datetime.date.fromisoformat(at) if at else None

    @cached_property
    def _database(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect()
        connection.execute("SET enable_progress_bar = false")  # only the command line writes to the terminal
        return connection

    def assessment(self, patient: str, knowledge: Knowledge) -> Assessment:
        """The assessment of one of the patients.

        Raises CaseError where there is no such patient, the knowledge is another, or the answers were written anew
        meanwhile; DisagreementError where the run concluded something else.
        """
        self.check(knowledge)
        try:
            return self.of(self.person(patient), knowledge)
        finally:
            if opened(self.folder).document != self.document:
                raise CaseError(str(self.folder), "its answers were written anew while they were read", "ask again")

    def of(self, person: Person, knowledge: Knowledge, deadline: float = DEADLINE) -> Assessment:
        """The assessment of somebody who was found; the knowledge is the run's own. Raises DisagreementError."""
        case = alone.case(person.id, self._lines(person), knowledge.terms)
        assessment = assess_case(knowledge, case, self.at, deadline)
        self._compare(case, Counter(self.concluded(person)), assessment)
        return assessment

    def record(self, person: Person) -> dict[str, Any]:
        """The record of somebody, as a case file has it."""
        made, _ = alone.record(person.id, self._lines(person))
        return made

    def check(self, knowledge: Knowledge) -> None:
        own = self.document["knowledge"]
        if own["sha256"] != knowledge.sha256:
            raise CaseError(
                str(self.folder),
                f"these answers come from {own['id']} {own['version']} ({own['sha256'][:12]}…), and the knowledge at "
                f"hand is {knowledge.id} {knowledge.version} ({knowledge.sha256[:12]}…)",
                "name that knowledge base with --kb, or run `citelog population` again",
            )

    def person(self, patient: str) -> Person:
        """A patient by the id that the data give; raises CaseError where there is none."""
        share = self.share(patient)
        found = self.look(f"{PEOPLE}-{share:03}.parquet", ("picture", "alone"), "patient", (patient,))
        if not found:
            raise CaseError(str(self.folder), f"nobody in it is called {patient}", "give an id as the data write it")
        [(picture, is_alone)] = found
        return Person(patient, share, picture, is_alone)

    def concluded(self, person: Person) -> list[Row]:
        """What the run concluded of somebody."""
        told = ("kind", "value", "role")
        if person.alone:
            return self.look(ALONE, told, "patient", (person.id,))
        return self.look(CONCLUDED, told, "picture", (person.picture,))

    def _lines(self, person: Person) -> list[alone.Line]:
        """The rows of somebody."""
        own = f"{ROWS}-{person.share:03}.parquet"
        rows = sorted(self.look(own, ("list", "row", "wording", "w", "s"), "patient", (person.id,)))
        wordings = sorted({wording for _, _, wording, _, _ in rows})
        said = self.look(WORDINGS, ("wording", "frame", "digits"), "wording", wordings)
        columns = ("frame", "list", "name", "codes", "keys", "when", "since")
        found = self.look(FRAMES, columns, "frame", sorted({frame for _, frame, _ in said}))
        frames = {frame[0]: written(*frame) for frame in found}
        by_wording = {wording: (frames[frame], digits or "") for wording, frame, digits in said}
        days = sorted({number for *_, when, since in rows for number in (when, since) if number >= 0})
        texts = dict(self.look(DAYS, ("id", "text"), "id", days))
        return [
            alone.Line(list_, row, *by_wording[wording], texts.get(when, ""), texts.get(since, ""))
            for list_, row, wording, when, since in rows
        ]

    def _compare(self, case: Case, stored: Counter[Row], assessment: Assessment) -> None:
        now = Counter((c.kind, c.value, c.details.get("role")) for c in assessment.conclusions)
        if now != stored:
            lost = ", ".join(f"{kind}:{value}" for kind, value, _ in (stored - now)) or "nothing"
            new = ", ".join(f"{kind}:{value}" for kind, value, _ in (now - stored)) or "nothing"
            raise DisagreementError(
                f"the two roads disagree about {case.id}: only stored: {lost}; only derived now: {new}. "
                f"Rely on neither, and report it with {self.folder / 'run.json'}"
            )

    # files

    def share(self, patient: str) -> int:
        """The share that a patient is in, if anybody is called so."""
        [(share,)] = self._rows("SELECT hash(?) % ?", (patient, self.document["shares"]))
        return int(share)

    def look(self, name: str, columns: Sequence[str], column: str, values: Sequence[Any]) -> list[Any]:
        """The rows of a file in which a column has one of some values."""
        if not values:
            return []
        shown = ", ".join(map(quoted, columns))
        file = located(self.folder / name)
        places = ", ".join("?" * len(values))
        return self._rows(f"SELECT {shown} FROM read_parquet({file}) WHERE {quoted(column)} IN ({places})", values)

    def _rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        with reading(self.folder):
            return self._database.execute(query, parameters).fetchall()


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Within, a file of answers that is gone or damaged becomes a CaseError."""
    try:
        yield
    except (duckdb.IOException, duckdb.InvalidInputException) as trouble:
        what = f"a file of these answers cannot be read: {first_line(trouble)}"
        raise CaseError(str(folder), what, "run `citelog population` again") from trouble
    except duckdb.OutOfMemoryException as trouble:
        raise MemoryError from trouble


def written(hash_: int, list_: ListName, name: str, codes: Sequence[str], keys: str, when: int, since: int) -> Written:
    """A frame as it is stored."""
    pairs = tuple((key, recorded(value)) for key, value in json.loads(keys))
    if list_ == PATIENTS:
        return Written(hash_, None, pairs, ())
    return Written(hash_, Frame(list_, name, tuple(codes), pairs, when, since), (), ())


def value(type_: str, text: str) -> Value:
    """A value as `values.parquet` has it."""
    match type_:
        case "term":
            return Iri(text)
        case "integer":
            return int(text)
        case "number":
            return Decimal(text)
        case "boolean":
            return text == "true"
        case "date":
            return datetime.date.fromisoformat(text)
    return text


def opened(folder: Path) -> Opened:
    """A folder that `citelog population` wrote; raises CaseError where it is none."""
    try:
        document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        assert document["format"].startswith("citelog-population/")
    except (OSError, ValueError, KeyError, TypeError, AssertionError):
        raise CaseError(
            str(folder), "no finished run is in this folder", "name the folder that `citelog population --out` wrote"
        ) from None
    check_path(folder)
    return Opened(folder, document)
