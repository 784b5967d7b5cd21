"""A population, answered from start to end: data in, a folder of answers out."""

from __future__ import annotations

import datetime
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
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
from citelog.population.pictures import Shape, literal
from citelog.population.plan import plan
from citelog.population.seen import knowledge_facts, look
from citelog.population.tables import PATIENTS, Source
from citelog.population.values import Values
from citelog.population.wordings import SINCE_DAYS, WHEN_DAYS, Written, load_days, load_said, read_all

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

    def answer(self) -> None:
        terms, at, duck = self.knowledge.terms, self.options.at, self.duck
        made = plan(self.knowledge, has_day=at is not None)
        with self.step("compiling"):
            ready = compiled(self.knowledge, made, f"duckdb {duckdb.__version__}", duck.sql)
        values = Values(ready.known)
        with self.step("reading"):
            source = inputs.read(self.data, self.scratch, duck.connection, terms, at)
            known = [c for c in self._context_columns(source) if terms.match("context", c)]
            parts = pictures.wordings(source, known)
            self.report.remarks = source.remarks
            self.days = load_days(duck, pictures.day_texts(source))
            self.written = {one.hash: one for one in read_all(duck, parts, terms, at, lambda: None)}
        with self.step("entries"):
            readings = [reading for one in self.written.values() for reading in one.readings]
            stated = knowledge_facts(self.knowledge)
            seen, _ = look(readings, made, ready, duck, values, stated, lambda: None)
            load_said(duck, self.written.values(), seen)
        day_ranked = "evaluation_day" in made.program.predicates and "evaluation_day" not in made.exact_days
        self.shape = Shape(
            WHEN_DAYS in made.exact_days, SINCE_DAYS in made.exact_days, pictures.ordinal(at) if day_ranked else 0
        )
        with self.step("pictures"):
            duck.create("patients", pictures.patients(parts, source, "true", self.shape))
            duck.create(
                "pictures",
                "SELECT row_number() OVER () AS picture, key, at_rank "
                "FROM (SELECT DISTINCT key, at_rank FROM patients)",
            )
            duck.create(
                "people",
                "SELECT p.patient, p.rows, p.odd, p.days, q.picture FROM patients AS p JOIN pictures AS q "
                "ON p.key = q.key AND p.at_rank = q.at_rank",
            )
            duck.drop("patients")
        with self.step("rules"):
            derivation = answers.derive(duck, made, ready, seen, values, stated, at, lambda: None)
        with self.step("conclusions"):
            answers.conclude(duck, self.knowledge, derivation)
            hard = answers.remark(duck, self.knowledge, derivation)
            answers.used(duck, made, self.knowledge, derivation)
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
        for patient, rows in duck.connection.execute(f"SELECT patient, rows FROM people WHERE {condition}").fetchall():
            case = alone.case(patient, self.lines(rows), self.knowledge.terms)
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

    def lines(self, rows: list[Mapping[str, Any]]) -> Iterator[alone.Line]:
        """The rows of a patient, as they stand in `people`."""
        for row in rows or ():
            when, since = (self.days[row[key]].text if row[key] >= 0 else "" for key in ("w", "s"))
            yield alone.Line(row["list"], row["row"], self.written[row["wording"]], when, since)

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
        self._copy("SELECT patient, picture, odd, rows FROM people", self.out / f"{opened.PEOPLE}-000.parquet")
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
        query = f"""
WITH lines AS (
  SELECT patient, picture, days, unnest(rows) AS line, unnest(list_transform(rows, lambda x, i:
         i - list_position(list_transform(rows, lambda y: y.list), x.list))) AS place
  FROM people WHERE NOT odd
),
placed AS (
  SELECT l.patient, l.picture, s.item, s.wording, s.is_entry, s.noted,
         CASE WHEN s.key = '' THEN [{lists}][l.line.list + 1] || '[' || l.place || ']' ELSE s.key END AS read_from,
         {dated.format("s.sentence")} AS sentence, dw.shown AS w, ds.shown AS s,
         -list_position(q.key, {self.shape.key("l.days", "s.code", pictures.DAY_FIELDS)}) AS entry
  FROM (SELECT * FROM lines) AS l JOIN said AS s ON l.line.wording = s.wording JOIN pictures AS q USING (picture)
  LEFT JOIN days AS dw ON dw.id = l.line.w LEFT JOIN days AS ds ON ds.id = l.line.s
)
SELECT DISTINCT patient, text, read_from FROM (
  SELECT p.patient, replace(replace(r.text, {when}, coalesce(p.w, '')), {since}, coalesce(p.s, '')) AS text,
         p.read_from
  FROM placed AS p JOIN remarks AS r ON p.wording = r.wording AND p.item = r.item
  UNION ALL
  SELECT p.patient, replace(t.words, '{answers.ITSELF}', left(p.sentence, -1)), p.read_from
  FROM placed AS p JOIN picture_remarks AS m ON p.picture = m.picture AND p.entry = m.entry
  JOIN remark_texts AS t ON m.text = t.text
  UNION ALL
  SELECT p.patient, p.sentence || ' No conclusion rests on it.', p.read_from FROM placed AS p
  ANTI JOIN used AS u ON p.picture = u.picture AND p.entry = u.entry
  ANTI JOIN picture_remarks AS m ON p.picture = m.picture AND p.entry = m.entry
  WHERE p.is_entry AND NOT p.noted
)
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
