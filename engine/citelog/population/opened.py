"""A folder of answers, opened again: one patient's own rows, and what was concluded from them.

The explanation of a row is the road of one patient, over that patient's own entries as the run read them. It must give
what the run gave; where it does not, that is an incident and no explanation (DisagreementError).
"""

from __future__ import annotations

import datetime
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
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
from citelog.population.entries import Frame, Written
from citelog.population.pictures import literal
from citelog.population.tables import PATIENTS

STORE = "store"
PEOPLE, ROWS = f"{STORE}/people", f"{STORE}/rows"
CONCLUDED, ALONE = f"{STORE}/concluded.parquet", f"{STORE}/alone.parquet"
SAID, SPOKEN, REMARKS = f"{STORE}/said.parquet", f"{STORE}/spoken.parquet", f"{STORE}/remarks.parquet"
PICTURES, READER_NOTES = f"{STORE}/pictures.parquet", f"{STORE}/reader_notes.parquet"
WORDINGS, FRAMES = f"{STORE}/wordings.parquet", f"{STORE}/frames.parquet"
DAYS = f"{STORE}/days.parquet"
OF_DATA = (DAYS, PICTURES, READER_NOTES, WORDINGS, FRAMES)
"""What stays as it is where the data do, and where rules see the same of them."""

Row = tuple[str, str, str | None]
"""A kind, a value and a role."""


class DisagreementError(Exception):
    """A patient of whom the stored answer and the one that is derived now are not the same: a fault of ours."""


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
        return duckdb.connect()

    def assessment(self, patient: str, knowledge: Knowledge) -> Assessment:
        """The assessment of one of the patients.

        Raises CaseError where there is no such patient or the knowledge is another; DisagreementError where the run
        concluded something else.
        """
        self.check(knowledge)
        lines, stored = self._find(patient)
        case = alone.case(patient, lines, knowledge.terms)
        assessment = assess_case(knowledge, case, self.at)
        self._compare(case, stored, assessment)
        return assessment

    def check(self, knowledge: Knowledge) -> None:
        own = self.document["knowledge"]
        if own["sha256"] != knowledge.sha256:
            raise CaseError(
                str(self.folder),
                f"these answers come from {own['id']} {own['version']} ({own['sha256'][:12]}…), and the knowledge at "
                f"hand is {knowledge.id} {knowledge.version} ({knowledge.sha256[:12]}…)",
                "name that knowledge base with --kb, or run `citelog population` again",
            )

    def _find(self, patient: str) -> tuple[list[alone.Line], Counter[Row]]:
        """The rows of a patient, and what was concluded."""
        shares = self.document["shares"]
        [(share,)] = self._rows("SELECT hash(?) % ?", (patient, shares))
        people = self._path(f"{PEOPLE}-{share:03}.parquet")
        found = self._rows(f"SELECT picture, alone FROM read_parquet({people}) WHERE patient = ?", (patient,))
        if not found:
            raise CaseError(str(self.folder), f"nobody in it is called {patient}", "give an id as the data write it")
        [(picture, is_alone)] = found
        own = self._path(f"{ROWS}-{share:03}.parquet")
        rows = self._rows(
            f"SELECT list, row, wording, w, s FROM read_parquet({own}) WHERE patient = ? ORDER BY list, row", (patient,)
        )
        if is_alone:
            query = f"SELECT kind, value, role FROM read_parquet({self._path(ALONE)}) WHERE patient = ?"
            stored = Counter(self._rows(query, (patient,)))
        else:
            query = f"SELECT kind, value, role FROM read_parquet({self._path(CONCLUDED)}) WHERE picture = ?"
            stored = Counter(self._rows(query, (picture,)))
        return self._lines(rows), stored

    def _lines(self, rows: Sequence[tuple[int, int, int, int, int]]) -> list[alone.Line]:
        wanted = ", ".join(str(wording) for _, _, wording, _, _ in rows) or "NULL"
        query = f"""
SELECT w.wording, w.digits, f.* FROM read_parquet({self._path(WORDINGS)}) AS w
JOIN read_parquet({self._path(FRAMES)}) AS f USING (frame) WHERE w.wording IN ({wanted})"""
        said = {wording: (written(*frame), digits or "") for wording, digits, *frame in self._rows(query)}
        days = {number for *_, when, since in rows for number in (when, since) if number >= 0}
        listed = ", ".join(map(str, sorted(days))) or "NULL"
        texts = dict(self._rows(f"SELECT id, text FROM read_parquet({self._path(DAYS)}) WHERE id IN ({listed})"))
        return [
            alone.Line(list_, row, *said[wording], texts.get(when, ""), texts.get(since, ""))
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

    def _path(self, name: str) -> str:
        return literal(str(self.folder / name))

    def _rows(self, query: str, parameters: Sequence[Any] = ()) -> list[Any]:
        try:
            return self._database.execute(query, parameters).fetchall()
        except duckdb.IOException as trouble:
            raise CaseError(
                str(self.folder), f"a file of these answers cannot be read: {trouble}", "run `citelog population` again"
            ) from None


def written(hash_: int, list_: ListName, name: str, codes: Sequence[str], keys: str, when: int, since: int) -> Written:
    """A frame as it is stored."""
    pairs = tuple((key, recorded(value)) for key, value in json.loads(keys))
    if list_ == PATIENTS:
        return Written(hash_, None, pairs, ())
    return Written(hash_, Frame(list_, name, tuple(codes), pairs, when, since), (), ())


def opened(folder: Path) -> Opened:
    """A folder that `citelog population` wrote; raises CaseError where it is none."""
    try:
        document = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        assert document["format"].startswith("citelog-population/")
    except (OSError, ValueError, KeyError, TypeError, AssertionError):
        raise CaseError(
            str(folder), "no finished run is in this folder", "name the folder that `citelog population --out` wrote"
        ) from None
    return Opened(folder, document)
