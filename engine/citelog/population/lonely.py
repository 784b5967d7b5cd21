"""Those who are answered alone: their records say something that no picture can share."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

import pyarrow as pa

from citelog.answer import Answer
from citelog.knowledge.base import Knowledge
from citelog.population import alone
from citelog.population.engines.duck import Duck
from citelog.population.engines.engine import Engine
from citelog.population.entries import Written
from citelog.run.datalog import DeadlineError


def answer_alone(
    engine: Engine,
    near: Duck,
    knowledge: Knowledge,
    written: Callable[[], Sequence[Written]],
    all_rows: str,
    hard: set[int],
    at: datetime.date | None,
) -> int:
    """Make the tables `lonely`, `alone` and `noted_alone`: who, their conclusions, their notes. How many they are.

    They are the patients with odd rows, and those whose pictures are `hard`.
    """
    engine.load("hard", ("picture",), sorted((picture,) for picture in hard))
    count = engine.create("lonely", "SELECT patient FROM people WHERE odd OR picture IN (SELECT picture FROM hard)")
    lines: dict[str, list[alone.Line]] = {patient: [] for (patient,) in engine.rows("SELECT patient FROM lonely")}
    if count:
        frames = {one.hash: one for one in written()}
        query = "SELECT w.wording, w.frame, n.digits FROM wordings AS w LEFT JOIN numbers AS n ON w.number = n.number"
        wordings = {wording: (frame, digits) for wording, frame, digits in near.rows(query)}
        query = (
            "SELECT r.patient, r.list, r.row, r.wording, coalesce(dw.text, ''), coalesce(ds.text, '') "
            f"FROM ({all_rows}) AS r SEMI JOIN lonely AS l ON r.patient = l.patient "
            "LEFT JOIN days AS dw ON dw.id = r.w LEFT JOIN days AS ds ON ds.id = r.s"
        )
        for patient, list_, row, wording, when, since in engine.rows(query):
            frame, digits = wordings[wording]
            lines[patient].append(alone.Line(list_, row, frames[frame], digits or "", when, since))
    concluded: list[tuple[str | None, ...]] = []
    noted: list[tuple[str | None, ...]] = []
    for patient, own in sorted(lines.items()):
        try:
            answer = Answer.of(knowledge, alone.case(patient, own, knowledge.terms), at)
        except DeadlineError as trouble:
            said = f"Nothing is concluded of {len(own):,} rows: {trouble}"
            noted.append((patient, said, ""))
            continue
        concluded += [(patient, c.kind, c.value, c.details.get("role")) for c in answer.conclusions]
        noted += [(patient, note.text, note.read_from) for note in answer.notes]
    _load(engine, "alone", ("patient", "kind", "value", "role"), concluded)
    _load(engine, "noted_alone", ("patient", "text", "read_from"), noted)
    return count


def _load(engine: Engine, name: str, columns: Sequence[str], rows: list[tuple[str | None, ...]]) -> None:
    listed = list(zip(*rows, strict=True)) or [()] * len(columns)
    engine.table(name, pa.table({c: pa.array(one, pa.string()) for c, one in zip(columns, listed, strict=True)}))
