"""The folder of answers: the files that others read, and the store that a patient is found again in.

Every file is written under another name and renamed when it is whole; several are written at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from citelog.patient.case import LISTS, PARTS
from citelog.population import opened, pictures
from citelog.population.data.files import literal, located
from citelog.population.data.tables import PATIENTS, Source
from citelog.population.derivation.state import Derivation
from citelog.population.edited import ANEW, Edit, Entries, Known
from citelog.population.engines.duck import Duck
from citelog.population.engines.engine import Engine, done
from citelog.population.entries import SINCE, WHEN, Written
from citelog.population.pictures import Shape
from citelog.population.program.values import Values
from citelog.population.shares import Share
from citelog.population.since import Earlier, link
from citelog.population.wordings import MARK
from citelog.values import Iri, show, type_of

CONCLUSIONS, NOTES, REJECTED = "conclusions.parquet", "notes.parquet", "rejected.parquet"
CONTEXT = PARTS.index(PATIENTS)
CONCLUDED = "SELECT c.picture, t.kind, t.value, t.role FROM concluded AS c JOIN told AS t ON c.told = t.told"
AS_TEXT = f"SELECT picture, kind::VARCHAR AS kind, value::VARCHAR AS value, role::VARCHAR AS role FROM ({CONCLUDED})"
OF_ANEW = f"SEMI JOIN {ANEW} USING (picture)"
SAID_SO_FAR = "SELECT wording, key, code, sees_when, sees_since FROM said"


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes into a folder what the tables of a run hold."""

    engine: Engine
    near: Duck
    folder: Path
    scratch: Path
    earlier: Earlier | None = None
    """A run of which everyone has the same picture, and whose files may serve again."""
    edit: Edit | None = None
    """What has been edited since that run; None where all pictures are answered anew."""
    entries: Entries | None = None
    """What decides now what is seen of entries, where that may be taken over from that run."""
    recall: Callable[[], None] = lambda: None
    """Makes the tables of what wordings say, if they were not made so far."""
    _begun: dict[str, Future[int]] = field(default_factory=dict)
    """What has been begun to be written, by the names of files."""

    @property
    def _same_sight(self) -> Earlier | None:
        """The earlier run, where what was seen of entries was taken over from it."""
        before = self.earlier
        return before if before and self.entries and before.saw_by(self.entries) else None

    def rows(self) -> dict[str, int]:
        """Wait until all that was begun is written; how many rows each file has."""
        return {name: begun.result() for name, begun in self._begun.items()}

    def _write(self, engine: Engine, query: str, name: str) -> None:
        self._begun[name] = engine.writing(query, self.folder / name)

    def _write_again(self, earlier: Earlier, name: str, rows: int) -> None:
        link(earlier.folder / name, self.folder / name)
        self._begun[name] = done(rows)

    def conclusions(self) -> None:
        """`conclusions.parquet`: a row for each conclusion of each patient."""
        before = self.earlier
        if before and not self._alone() and self._is_same(before, AS_TEXT, opened.CONCLUDED):
            return self._write_again(before, CONCLUSIONS, before.document["counts"]["conclusions"])
        alone = self.engine.rows("SELECT count(*) FROM lonely")[0][0]
        query = (
            "SELECT p.patient, t.kind, t.value, t.role FROM people AS p JOIN concluded AS c ON p.picture = c.picture "
            "JOIN told AS t ON c.told = t.told"
        )
        if alone:
            query += " ANTI JOIN lonely AS l ON p.patient = l.patient UNION ALL SELECT * FROM alone"
        return self._write(self.engine, query, CONCLUSIONS)

    def _is_same(self, earlier: Earlier, query: str, name: str) -> bool:
        """Whether of all pictures the same is said as in an earlier run; of some it was taken over from there."""
        return earlier.is_same(self.engine, query, name, OF_ANEW if self.edit else "")

    def _alone(self) -> int:
        """How many were answered alone, in this run or the earlier one."""
        [(now,)] = self.engine.rows("SELECT count(*) FROM lonely")
        return int(now) + (int(self.earlier.document["counts"]["alone"]) if self.earlier else 0)

    def rejected(self, source: Source) -> None:
        """`rejected.parquet`: the rows that could not be used."""
        nothing = (
            'SELECT NULL::VARCHAR AS "table", NULL::BIGINT AS "row", NULL::VARCHAR AS patient, '
            "NULL::VARCHAR AS reason WHERE false"
        )
        self._write(self.engine, source.rejected or nothing, REJECTED)

    # notes

    def notes(self, source: Source, some: Sequence[Share], shape: Shape, told: Callable[[int], None]) -> None:
        """`notes.parquet`: what was read and not used, and why."""
        more = " UNION ALL SELECT patient, text, read_from FROM noted_alone"
        if source.notes:
            more += f" UNION ALL SELECT patient, text, read_from FROM ({source.notes})"
        before = self.earlier
        if before and (self._same_sight or before.is_same(self.engine, "SELECT * FROM spoken_of", opened.SPOKEN)):
            return self._notes_again(before, some, shape, more)
        if len(some) == 1:
            return self._write(self.engine, self._notes(some[0], shape) + more, NOTES)
        parts = []
        for share in some:
            told(share.number)
            part = self.scratch / f"notes-{share.number:03}.parquet"
            if not part.exists():
                self.engine.write(self._notes(share, shape), part)
            parts.append(located(part))
        return self._write(self.engine, f"SELECT * FROM read_parquet([{', '.join(parts)}]){more}", NOTES)

    def _notes_again(self, earlier: Earlier, some: Sequence[Share], shape: Shape, more: str) -> None:
        """The notes of an earlier run, but for patients of whose pictures something else is to be said."""
        before, of = earlier.path(opened.REMARKS), OF_ANEW if self.edit else ""
        now, then = f"SELECT * FROM picture_remarks {of}", f"SELECT * FROM read_parquet({before}) {of}"
        different = f"(({now}) EXCEPT ALL ({then})) UNION ALL (({then}) EXCEPT ALL ({now}))"
        lonely = "" if not self._alone() else f" UNION SELECT patient FROM lonely UNION {earlier.lonely}"
        others = f"SELECT patient FROM people WHERE picture IN (SELECT picture FROM ({different})){lonely}"
        is_same = not lonely and self._is_same(earlier, "SELECT * FROM picture_remarks", opened.REMARKS)
        if is_same or not self.engine.create("others", others):
            return self._write_again(earlier, NOTES, earlier.document["counts"]["notes"])
        self.recall()
        kept = f"SELECT n.* FROM read_parquet({earlier.path(NOTES)}) AS n ANTI JOIN others AS o USING (patient)"
        new = " UNION ALL ".join(
            f"SELECT * FROM ({self._notes(share, shape, 'SEMI JOIN others AS o USING (patient)')})" for share in some
        )
        rest = f"SELECT m.* FROM ({more.removeprefix(' UNION ALL ')}) AS m SEMI JOIN others AS o USING (patient)"
        return self._write(self.engine, f"{kept} UNION ALL {new} UNION ALL {rest}", NOTES)

    def _notes(self, share: Share, shape: Shape, of: str = "") -> str:
        """What is said by the reader of wordings, by rules that put an entry aside, and of every idle entry."""
        when, since = f"chr({ord(WHEN)})", f"chr({ord(SINCE)})"
        dated = f"replace(s.text, {when}, coalesce(dw.shown, ''))"
        dated = f"CASE WHEN s.s < 0 THEN {dated} ELSE replace({dated}, {since}, coalesce(ds.shown, '')) END"
        lists = " ".join(f"WHEN {number} THEN {literal(name)}" for number, name in enumerate(LISTS))
        return f"""
WITH rows AS (SELECT r.*, row * {len(PARTS)} + list AS line FROM ({share.query}) AS r {of}),
listed AS (SELECT * FROM rows WHERE list <> {CONTEXT}),
firsts AS (
  SELECT patient, list, min(row) AS row, max(row) - min(row) + 1 = count(*) AS whole FROM listed GROUP BY patient, list
),
scattered AS (
  SELECT line, row_number() OVER (PARTITION BY patient, list ORDER BY row) - 1 AS place
  FROM listed SEMI JOIN (SELECT * FROM firsts WHERE NOT whole) AS f USING (patient, list)
),
spoken AS (
  SELECT r.patient, r.list, r.row, r.line, r.w, r.s, s.text, s.key
  FROM listed AS r JOIN spoken_of AS s ON r.wording = s.wording
  UNION ALL
  SELECT v.patient, v.list, v.row, v.line, v.w, v.s, replace(m.words, '{MARK}', v.sentence), v.key
  FROM (SELECT r.*, s.sentence, s.key, p.picture,
               -list_position(q.key, {shape.key("p.days", "s.code", pictures.DAY_FIELDS)}) AS entry, s.noted
        FROM rows AS r JOIN said AS s ON r.wording = s.wording
        JOIN (SELECT * FROM {share.people} SEMI JOIN picture_remarks USING (picture)) AS p ON r.patient = p.patient
        JOIN pictures AS q ON p.picture = q.picture
        LEFT JOIN days AS dw ON dw.id = r.w LEFT JOIN days AS ds ON ds.id = r.s
        WHERE s.code IS NOT NULL) AS v
  JOIN picture_remarks AS m ON v.picture = m.picture AND v.entry = m.entry AND NOT (v.noted AND m.idle)
)
SELECT s.patient, {dated} AS text,
       CASE WHEN s.key = '' THEN CASE s.list {lists} END || '[' || coalesce(c.place, s.row - f.row) || ']'
            ELSE s.key END AS read_from
FROM spoken AS s ANTI JOIN lonely AS l ON s.patient = l.patient
LEFT JOIN firsts AS f ON s.patient = f.patient AND s.list = f.list
LEFT JOIN scattered AS c ON s.line = c.line
LEFT JOIN days AS dw ON dw.id = s.w LEFT JOIN days AS ds ON ds.id = s.s
UNION ALL
SELECT r.patient, s.text, s.key FROM rows AS r JOIN spoken_of AS s ON r.wording = s.wording
ANTI JOIN lonely AS l ON r.patient = l.patient WHERE r.list = {CONTEXT}
"""

    # firings

    def firings(self, joint: Derivation, local: Derivation, values: Values) -> None:
        """`firings.parquet` and `entry_firings.parquet`: every rule that held, once for each picture or entry.

        `bindings` are the numbers of the values of the rule's variables: `rules.parquet` names the variables and
        `values.parquet` the values. Entries have negative numbers: -1 is the first of the picture, or the entry itself.
        After an edit, pictures that it does not concern have the firings that they had; and so have entries, where what
        is seen of them was taken over.
        """
        [(units,)] = self.engine.rows("SELECT count(*) FROM pictures")
        joint.engine.expect(units)
        self._firings(joint)
        joint.engine.expect(0)
        self._entry_firings(local)
        rules = sorted((*joint.found.values(), *local.found.values()), key=lambda one: one.number)
        self.near.table(
            "rules",
            pa.table(
                {
                    "rule": pa.array([one.number for one in rules], pa.int32()),
                    "name": pa.array([one.rule.name for one in rules], pa.string()),
                    "variables": pa.array([list(one.firing.rule.variables) for one in rules], pa.list_(pa.string())),
                }
            ),
        )
        self._write(self.near, "SELECT * FROM rules ORDER BY rule", "rules.parquet")
        self.near.table(
            "all_values",
            pa.table(
                {
                    "value": pa.array(range(len(values)), pa.int32()),
                    "type": pa.array([type_of(value) for value in values.all], pa.string()),
                    "text": pa.array(
                        [v.value if isinstance(v, Iri) else v if isinstance(v, str) else show(v) for v in values.all],
                        pa.string(),
                    ),
                }
            ),
        )
        self._write(self.near, "SELECT * FROM all_values ORDER BY value", opened.VALUES)

    def _firings(self, joint: Derivation) -> None:
        """The firings on pictures; where none are others, and all rules have their numbers, it is the same file."""
        query, before, edit = _all_firings(joint, "picture"), self.earlier, self.edit
        if edit is None or before is None:
            return self._write(joint.engine, query, opened.FIRINGS)
        [(anew,)] = self.engine.rows(f"SELECT count(*) FROM {ANEW}")
        if not anew and edit.is_in_place:
            return self._write_again(before, opened.FIRINGS, before.document["counts"]["firings"])
        return self._write(joint.engine, f"{query} UNION ALL {before.firings(joint.engine, edit)}", opened.FIRINGS)

    def _entry_firings(self, local: Derivation) -> None:
        """The firings on entries; where none are others, and all rules have their numbers, it is the same file."""
        before, entries = self._same_sight, self.entries
        if before is None or entries is None:
            return self._write(local.engine, _all_firings(local, "entry"), opened.ENTRY_FIRINGS)
        renumbered = before.entry_firings(self.near, entries)
        if renumbered is None:
            return link(before.folder / opened.ENTRY_FIRINGS, self.folder / opened.ENTRY_FIRINGS)
        return self._write(local.engine, renumbered, opened.ENTRY_FIRINGS)

    # the store

    def store(
        self,
        source: Source,
        some: Sequence[Share],
        written: Callable[[], Sequence[Written]],
        codes: pa.Table,
        rules: Sequence[Known],
    ) -> None:
        """What a patient is found again by; what is as it was in an earlier run is the same file."""
        people = {share: f"{opened.PEOPLE}-{share.number:03}.parquet" for share in some}
        before = self.earlier
        if before:
            for name in (
                *opened.OF_DATA,
                *(() if self._alone() else people.values()),
                *(opened.OF_ENTRIES if self._same_sight else ()),
            ):
                link(before.folder / name, self.folder / name)
        else:
            self._store_data(source, written())
        if not self._same_sight:
            self._write(self.near, SAID_SO_FAR, opened.SAID)
            self.near.table("codes", codes)
            self._write(self.near, "SELECT * FROM codes ORDER BY code", opened.CODES)
            self._write(self.engine, "SELECT * FROM spoken_of", opened.SPOKEN)
        if not before or self._alone():
            for share, name in people.items():
                self._write(
                    self.engine,
                    "SELECT p.patient, p.picture, p.days, p.odd, l.patient IS NOT NULL AS alone "
                    f"FROM {share.people} AS p LEFT JOIN lonely AS l ON p.patient = l.patient",
                    name,
                )
        self._write(self.engine, f"{CONCLUDED} ORDER BY picture", opened.CONCLUDED)
        self._write(self.engine, "SELECT * FROM alone", opened.ALONE)
        self._write(self.engine, "SELECT * FROM picture_remarks", opened.REMARKS)
        self._write(self.engine, "SELECT picture FROM hard", opened.HARD)
        columns = {
            "number": pa.array([one.number for one in rules], pa.int32()),
            "key": pa.array([one.key for one in rules], pa.string()),
            "rests": pa.array([one.rests for one in rules], pa.string()),
        }
        self.near.table("known", pa.table(columns))
        self._write(self.near, "SELECT * FROM known ORDER BY number", opened.RULES)

    def _store_data(self, source: Source, written: Sequence[Written]) -> None:
        """What depends on the data, and on what rules see of them, alone (`opened.OF_DATA`)."""
        self._write(self.engine, "SELECT * FROM days ORDER BY id", opened.DAYS)
        self._write(
            self.engine,
            "SELECT picture, key::VARCHAR[] AS key, at_rank FROM pictures ORDER BY picture",
            opened.PICTURES,
        )
        reader = source.notes or (
            "SELECT NULL::VARCHAR AS patient, NULL::VARCHAR AS text, NULL::VARCHAR AS read_from WHERE false"
        )
        self._write(self.engine, f"SELECT patient, text, read_from FROM ({reader})", opened.READER_NOTES)
        self._write(
            self.near,
            "SELECT w.wording, w.frame, n.digits FROM wordings AS w LEFT JOIN numbers AS n ON w.number = n.number "
            "ORDER BY w.wording",
            opened.WORDINGS,
        )
        frames = [one.frame for one in written]
        columns = {
            "frame": pa.array([one.hash for one in written], pa.uint64()),
            "list": pa.array([one.list if one else PATIENTS for one in frames], pa.string()),
            "name": pa.array([one.name if one else "" for one in frames], pa.string()),
            "codes": pa.array([list(one.codes) if one else [] for one in frames], pa.list_(pa.string())),
            "keys": pa.array(
                [json.dumps(one.frame.keys if one.frame else one.context, ensure_ascii=False) for one in written],
                pa.string(),
            ),
            "when": pa.array([one.when if one else 0 for one in frames], pa.int32()),
            "since": pa.array([one.since if one else 0 for one in frames], pa.int32()),
        }
        self.near.table("frames", pa.table(columns))
        self._write(self.near, "SELECT * FROM frames ORDER BY frame", opened.FRAMES)


def _all_firings(derivation: Derivation, unit: str) -> str:
    """A query for the firings of all rules: the rule, the unit, and the numbers of what its variables stand for."""
    parts = [
        f"SELECT {number}::SMALLINT AS rule, * FROM ({found.every(unit)})"
        for number, found in sorted(derivation.found.items())
        if found.count
    ]
    nothing = f"SELECT NULL::SMALLINT AS rule, NULL::INTEGER AS {unit}, NULL::INTEGER[] AS bindings WHERE false"
    return " UNION ALL ".join(parts) or nothing
