"""A population, answered from start to end: data in, a folder of answers out."""

from __future__ import annotations

import datetime
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from citelog.answer import Answer
from citelog.diagnostics import CaseError
from citelog.home import VERSION
from citelog.knowledge.base import Knowledge
from citelog.patient.case import LISTS
from citelog.population import alone, answers, inputs, opened, pictures
from citelog.population.compiled import compiled
from citelog.population.duck import Duck
from citelog.population.entries import SINCE, WHEN, Day
from citelog.population.pictures import Shape, Wordings, literal
from citelog.population.plan import plan
from citelog.population.seen import knowledge_facts, look
from citelog.population.tables import PATIENTS, Source
from citelog.population.values import Values
from citelog.population.wordings import MARK, SINCE_DAYS, WHEN_DAYS, Written, load_days, load_said, read_all

FORMAT = "citelog-population/1"
SCRATCH = "scratch"

Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """How a population is run: the day of the assessment, how much memory DuckDB may take (as `2GB`), its threads."""

    at: datetime.date | None = None
    memory: str = "2GB"
    threads: int | None = None


@dataclass(slots=True)
class Report:
    """What a run did: counts, and seconds by step."""

    counts: dict[str, int] = field(default_factory=dict)
    times: dict[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def run(knowledge: Knowledge, data: Path, out: Path, options: Options, told: Told = lambda *_: None) -> Report:
    """Answer everyone in a folder of data, and write the answers into the folder `out`.

    Raises CaseError where the data cannot be used, CitelogError where a rule cannot be run on many.
    """
    report = Report()
    scratch = _prepared(out)
    settings: dict[str, Any] = {"memory_limit": options.memory, "temp_directory": str(scratch / "spilled")}
    if options.threads:
        settings["threads"] = options.threads
    with duckdb.connect(config=settings) as connection:
        connection.execute("SET preserve_insertion_order = true")
        _Population(knowledge, data, out, scratch, options, Duck(connection), report, told).answer()
    shutil.rmtree(scratch)
    return report


def _prepared(out: Path) -> Path:
    """The folder for answers, made ready: new, empty, or that of a run before, whose answers go; its scratch folder."""
    own = ("run.json", opened.STORE, SCRATCH)
    try:
        if out.exists() and not out.is_dir():
            raise CaseError(str(out), "this is a file", "name a folder for the answers")
        if out.is_dir() and any(out.iterdir()) and not any((out / name).exists() for name in own):
            raise CaseError(str(out), "this folder holds other things", "name a new folder for the answers")
        (out / "run.json").unlink(missing_ok=True)
        scratch = out / SCRATCH
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
    except OSError as trouble:
        raise CaseError(str(out), f"it cannot be written to: {trouble.strerror}", "name another folder") from None
    return scratch


@dataclass(slots=True)
class _Population:
    """One run, step by step."""

    knowledge: Knowledge
    data: Path
    out: Path
    scratch: Path
    options: Options
    duck: Duck
    report: Report
    told: Told
    days: list[Day] = field(default_factory=list)
    written: dict[int, Written] = field(default_factory=dict)
    shape: Shape = field(default_factory=Shape)
    parts: list[Wordings] = field(default_factory=list)

    def answer(self) -> None:
        terms, at, duck = self.knowledge.terms, self.options.at, self.duck
        made = plan(self.knowledge, has_day=at is not None)
        with self.step("compiling"):
            ready = compiled(self.knowledge, made, f"duckdb {duckdb.__version__}", duck.sql)
        values = Values(ready.known)
        with self.step("reading"):
            source = inputs.read(self.data, self.scratch, duck.connection, terms, at)
            known = [c for c in self._context_columns(source) if terms.match("context", c)]
            self.parts = parts = pictures.wordings(source, known)
            self.report.remarks = source.remarks
            self.days = load_days(duck, pictures.day_texts(source))
            self.written = {one.hash: one for one in read_all(duck, parts, terms, at, lambda: None)}
        with self.step("entries"):
            readings = [reading for one in self.written.values() for reading in one.readings]
            stated = knowledge_facts(self.knowledge)
            seen, _ = look(readings, made, ready, duck, values, stated, lambda: None)
            load_said(duck, self.written.values(), seen, answers.IDLE)
        day_ranked = "evaluation_day" in made.program.predicates and "evaluation_day" not in made.exact_days
        self.shape = Shape(
            WHEN_DAYS in made.exact_days, SINCE_DAYS in made.exact_days, pictures.ordinal(at) if day_ranked else 0
        )
        with self.step("pictures"):
            seen_of = duck.create("keys", pictures.keys(parts, "", self.shape))
            everyone = duck.create("everybody", pictures.everybody(parts, source, ""))
            nothing = f"SELECT []::HUGEINT[] AS key, {int(bool(self.shape.at))} AS at_rank WHERE {everyone > seen_of}"
            duck.create(
                "pictures",
                "SELECT row_number() OVER () AS picture, key, at_rank FROM "
                f"(SELECT DISTINCT key, at_rank FROM keys UNION {nothing})",
            )
            [(empty,)] = duck.rows("SELECT coalesce(max(picture), 0) FROM pictures WHERE len(key) = 0")
            duck.create("odd", pictures.oddities(parts, ""))
            duck.create(
                "people",
                f"SELECT e.patient, coalesce(q.picture, {empty})::INTEGER AS picture, k.days, "
                "o.patient IS NOT NULL AS odd "
                f"FROM everybody AS e LEFT JOIN keys AS k ON e.patient = k.patient "
                "LEFT JOIN pictures AS q ON k.key = q.key AND k.at_rank = q.at_rank "
                "LEFT JOIN odd AS o ON e.patient = o.patient",
            )
            duck.drop("keys")
            duck.drop("everybody")
        with self.step("rules"):
            derivation = answers.derive(duck, made, ready, seen, values, stated, at, lambda: None)
        with self.step("conclusions"):
            answers.conclude(duck, self.knowledge, derivation)
            answers.used(duck, made, self.knowledge, derivation)
            hard = answers.remark(duck, self.knowledge, derivation)
            self.answer_alone(hard)
        with self.step("writing"):
            self.write(source)
        self.finish(source)

    # steps

    def step(self, name: str) -> Any:
        return _Timed(self.report.times, name)

    def _context_columns(self, source: Source) -> tuple[str, ...]:
        people = source.relations.get(PATIENTS)
        return people.columns if people else ()

    def answer_alone(self, hard: set[int]) -> None:
        """Answer those one by one whose records cannot share a picture's answer."""
        duck = self.duck
        duck.load("hard", ("picture",), sorted((picture,) for picture in hard))
        condition = "odd OR picture IN (SELECT picture FROM hard)"
        concluded: list[tuple[str, str, str, str | None]] = []
        noted: list[tuple[str, str, str]] = []
        lines: dict[str, list[alone.Line]] = {}
        for patient, *row in duck.rows(
            f"SELECT r.* FROM ({pictures.every_row(self.parts, '')}) AS r "
            f"SEMI JOIN (SELECT patient FROM people WHERE {condition}) AS p ON r.patient = p.patient"
        ):
            lines.setdefault(patient, []).append(self.line(*row))
        for patient, own in sorted(lines.items()):
            case = alone.case(patient, own, self.knowledge.terms)
            answer = Answer.of(self.knowledge, case, self.options.at)
            concluded += [(patient, c.kind, c.value, c.details.get("role")) for c in answer.conclusions]
            noted += [(patient, note.text, note.read_from) for note in answer.notes]
        columns = list(zip(*concluded, strict=True)) or [()] * 4
        names = ("patient", "kind", "value", "role")
        duck.table(
            "alone",
            pa.table({name: pa.array(one, pa.string()) for name, one in zip(names, columns, strict=True)}),
        )
        columns = list(zip(*noted, strict=True)) or [()] * 3
        names_ = ("patient", "text", "read_from")
        duck.table(
            "noted_alone",
            pa.table({name: pa.array(one, pa.string()) for name, one in zip(names_, columns, strict=True)}),
        )
        duck.connection.execute(f"UPDATE people SET odd = {condition}")
        duck.create("lonely", "SELECT patient FROM people WHERE odd")

    def line(self, list_: int, row: int, wording: int, w: int, since: int) -> alone.Line:
        """A row of a patient."""
        when, began = (self.days[number].text if number >= 0 else "" for number in (w, since))
        return alone.Line(list_, row, self.written[wording], when, began)

    def write(self, source: Source) -> None:
        """The files that others read."""
        out = self.out
        self.report.counts["conclusions"] = self._copy(
            "SELECT p.patient, t.kind, t.value, t.role FROM people AS p JOIN concluded AS c ON p.picture = c.picture "
            "JOIN told AS t ON c.told = t.told WHERE NOT p.odd UNION ALL SELECT * FROM alone",
            out / "conclusions.parquet",
        )
        self._store()
        self.report.counts["notes"] = self._copy(self._notes(source), out / "notes.parquet")
        rejected = source.rejected or (
            'SELECT NULL::VARCHAR AS "table", NULL::BIGINT AS "row", NULL::VARCHAR AS patient, NULL::VARCHAR AS reason '
            "WHERE false"
        )
        self.report.counts["rejected"] = self._copy(rejected, out / "rejected.parquet")

    def _store(self) -> None:
        """What a patient is found again by."""
        store = self.out / opened.STORE
        store.mkdir(exist_ok=True)
        self._copy("SELECT patient, picture, odd FROM people", self.out / f"{opened.PEOPLE}-000.parquet")
        self._copy(pictures.every_row(self.parts, ""), self.out / f"{opened.ROWS}-000.parquet")
        self._copy(
            "SELECT c.picture, t.kind, t.value, t.role FROM concluded AS c JOIN told AS t USING (told) "
            "ORDER BY picture",
            self.out / opened.CONCLUDED,
        )
        self._copy("SELECT * FROM alone", self.out / opened.ALONE)
        self._copy("SELECT id, text FROM days ORDER BY id", self.out / opened.DAYS)
        rows = sorted(self.written.values(), key=lambda one: one.hash)
        said = [one.wording for one in rows]
        columns = {
            "wording": pa.array([one.hash for one in rows], pa.uint64()),
            "list": pa.array([one.list if one else "context" for one in said], pa.string()),
            "name": pa.array([one.name if one else "" for one in said], pa.string()),
            "codes": pa.array([list(one.codes) if one else [] for one in said], pa.list_(pa.string())),
            "keys": pa.array(
                [json.dumps(one.wording.keys if one.wording else one.context, ensure_ascii=False) for one in rows],
                pa.string(),
            ),
            "when": pa.array([one.when if one else 0 for one in said], pa.int32()),
            "since": pa.array([one.since if one else 0 for one in said], pa.int32()),
        }
        self.duck.table("wordings", pa.table(columns))
        self._copy("SELECT * FROM wordings", self.out / opened.WORDINGS)

    def _copy(self, query: str, path: Path) -> int:
        made = self.duck.connection.execute(
            f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        ).fetchone()
        return int(made[0]) if made else 0

    def _notes(self, source: Source) -> str:
        """What was read and not used: said by the reader, by rules that put an entry aside, and every idle entry."""
        when, since = f"chr({ord(WHEN)})", f"chr({ord(SINCE)})"
        dated = f"replace(replace({{}}, {when}, coalesce(dw.shown, '')), {since}, coalesce(ds.shown, ''))"
        lists = ", ".join(map(literal, LISTS))
        rows = pictures.every_row(self.parts, "")
        listed = pictures.every_row([part for part in self.parts if part.list != PATIENTS], "")
        query = f"""
WITH listed AS (SELECT patient, list, row FROM ({listed})),
firsts AS (
  SELECT patient, list, min(row) AS row, max(row) - min(row) + 1 = count(*) AS whole FROM listed GROUP BY patient, list
),
scattered AS (
  SELECT patient, list, row, row_number() OVER (PARTITION BY patient, list ORDER BY row) - 1 AS place
  FROM listed SEMI JOIN (SELECT * FROM firsts WHERE NOT whole) AS f USING (patient, list)
),
spoken AS (
  SELECT r.patient, r.list, r.row, r.wording, r.w, r.s, s.text, s.key
  FROM ({rows}) AS r JOIN spoken_of AS s ON r.wording = s.wording
  UNION ALL
  SELECT v.patient, v.list, v.row, v.wording, v.w, v.s, replace(m.words, '{MARK}', v.sentence), v.key
  FROM (SELECT r.*, s.sentence, s.key, p.picture,
               -list_position(q.key, {self.shape.key("p.days", "s.code", pictures.DAY_FIELDS)}) AS entry, s.noted
        FROM ({rows}) AS r JOIN said AS s ON r.wording = s.wording JOIN people AS p ON r.patient = p.patient
        JOIN pictures AS q ON p.picture = q.picture
        LEFT JOIN days AS dw ON dw.id = r.w LEFT JOIN days AS ds ON ds.id = r.s
        WHERE s.code IS NOT NULL) AS v
  JOIN picture_remarks AS m ON v.picture = m.picture AND v.entry = m.entry AND NOT (v.noted AND m.idle)
)
SELECT s.patient, {dated.format("s.text")} AS text,
       CASE WHEN s.key = '' THEN [{lists}][s.list + 1] || '[' || coalesce(c.place, s.row - f.row) || ']'
            ELSE s.key END AS read_from
FROM spoken AS s ANTI JOIN lonely AS l ON s.patient = l.patient
LEFT JOIN firsts AS f ON s.patient = f.patient AND s.list = f.list
LEFT JOIN scattered AS c ON s.patient = c.patient AND s.list = c.list AND s.row = c.row
LEFT JOIN days AS dw ON dw.id = s.w LEFT JOIN days AS ds ON ds.id = s.s
UNION ALL SELECT patient, text, read_from FROM noted_alone
"""
        if source.notes:
            query += f" UNION ALL SELECT patient, text, read_from FROM ({source.notes})"
        return query

    def finish(self, source: Source) -> None:
        [(self.report.counts["patients"],)] = self.duck.rows("SELECT count(*) FROM people")
        [(self.report.counts["pictures"],)] = self.duck.rows("SELECT count(*) FROM pictures")
        [(self.report.counts["alone"],)] = self.duck.rows("SELECT count(*) FROM people WHERE odd")
        document = {
            "format": FORMAT,
            "engine": {"citelog": VERSION, "engine": f"duckdb {duckdb.__version__}"},
            "knowledge": {
                "id": self.knowledge.id, "version": self.knowledge.version, "sha256": self.knowledge.sha256,
            },
            "shares": 1,
            "at": self.options.at.isoformat() if self.options.at else None,
            "counts": self.report.counts,
            "seconds": {name: round(took, 3) for name, took in self.report.times.items()},
        }  # fmt: skip
        (self.out / "run.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


@dataclass(slots=True)
class _Timed:
    times: dict[str, float]
    name: str
    began: float = 0.0

    def __enter__(self) -> None:
        self.began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.times[self.name] = self.times.get(self.name, 0.0) + time.perf_counter() - self.began
