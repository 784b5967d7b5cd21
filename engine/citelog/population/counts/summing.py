"""A run summed up from its census, its notes and its rows: every count that a summary has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from citelog.knowledge.base import Kind, Knowledge
from citelog.population import opened
from citelog.population.counts.census import MEMORY, Census, census
from citelog.population.counts.covering import covered
from citelog.population.counts.summary import (
    Answer,
    Beside,
    Group,
    Held,
    Never,
    Reason,
    Rests,
    Sharing,
    Summary,
    Together,
    Told,
    size,
)
from citelog.population.data.files import files_in, located
from citelog.population.entries import SINCE, WHEN
from citelog.population.opened import Opened, Row, reading
from citelog.population.wordings import MARK
from citelog.proof.words import worded

FEW = 100
"""How many reasons, and how many answers, are listed at most: the most frequent."""

MANY = 1_000
"""How many of the things that a reader left out are looked at: they quote names of the data, and may be any number."""

ANSWERS = 10


def summary(answers: Opened, knowledge: Knowledge, at_least: int = 0, memory: str = MEMORY) -> Summary:
    """Sum up a folder of answers; no count below `at_least` can be seen in it.

    Raises CaseError where the answers are of another knowledge base, or cannot be read.
    """
    answers.check(knowledge)
    return summed(answers, knowledge, census(answers, knowledge, memory), at_least, memory)


def summed(answers: Opened, knowledge: Knowledge, counted: Census, at_least: int = 0, memory: str = MEMORY) -> Summary:
    """Sum up a folder of answers that has been counted."""
    whole = _Sum(answers, knowledge, counted).whole(memory)
    return whole if at_least < 2 else covered(whole, at_least)


@dataclass(slots=True)
class _Sum:
    answers: Opened
    knowledge: Knowledge
    census: Census

    def whole(self, memory: str) -> Summary:
        """Everything, as it is."""
        counts = self.answers.document["counts"]
        groups = tuple(group for kind in self.knowledge.kinds if (group := self._group(kind)))
        anything = np.zeros(len(self.census.weights), np.bool_)
        for some in self.census.told.values():
            anything |= some.marks
        with duckdb.connect(config={"memory_limit": memory}) as connection:
            connection.execute("SET enable_progress_bar = false")
            with reading(self.answers.folder):
                set_aside, unused = self._reasons(connection)
        rules = {rule.name: rule for rule in self.knowledge.program.rules}
        held = [
            Held(
                name,
                str(rules[name].span),
                rules[name].cites,
                rules[name].convention,
                self.census.count(self.census.held[name].marks) if name in self.census.held else None,
                None if name in self.census.held else self.census.entries[name],
            )
            for name in rules
            if name in self.census.held or name in self.census.entries
        ]
        never = (rules[name] for name in self.census.never)
        return Summary(
            run=self.answers.document,
            knowledge=self.knowledge,
            at_least=0,
            patients=self.census.patients,
            conclusions=counts["conclusions"],
            notes=counts["notes"],
            rejected=counts["rejected"],
            without=self.census.count(~anything),
            alone=counts["alone"],
            groups=groups,
            gaps=tuple(
                sorted(
                    (Rests(gap.text, gap.rules, self.census.count(gap.pictures.marks)) for gap in self.census.gaps),
                    key=lambda gap: (-size(gap.patients), gap.text),
                )
            ),
            held=tuple(sorted(held, key=lambda one: (-size(one.patients), -(one.entries or 0), one.rule))),
            never=tuple(Never(rule.name, str(rule.span), rule.cites, rule.convention) for rule in never),
            set_aside=set_aside,
            unused=unused[:FEW],
            unlisted=sum(size(one.count) for one in unused[FEW:]),
            answers=self._answers(),
            sharing=self._sharing(),
        )

    def _group(self, kind: Kind) -> Group | None:
        own = [(row, self.census.told[row].marks) for row in self.census.told if row[0] == kind.name]
        if not own:
            return None
        values: dict[str, NDArray[np.bool_]] = {}
        for row, marks in own:
            values[row[1]] = values[row[1]] | marks if row[1] in values else marks
        several = sum(marks.astype(np.int32) for marks in values.values())
        one = np.asarray(several == 1)
        told = [
            Told(
                f"{kind.name}:{row[1]}",
                row[1],
                row[2],
                worded(row[1], kind, self.knowledge),
                self.census.count(marks),
                self.census.count(marks & one),
                self._decided(marks) if _about(kind) == "question" else (),
            )
            for row, marks in own
        ]
        told.sort(key=lambda one: (-size(one.patients), one.value, one.role or ""))
        with_any = self.census.count(np.asarray(several > 0))
        return Group(kind.name, kind.title, _about(kind), kind.exactly_one, with_any, tuple(told))

    def _decided(self, marks: NDArray[np.bool_]) -> tuple[Beside, ...]:
        """What was decided about the patients of some pictures, the most frequent first."""
        deciding = {kind.name for kind in self.knowledge.kinds if kind.candidates}
        rows = [row for row in self.census.told if row[0] in deciding]
        counted = [Beside(_id(row), self.census.count(marks & self.census.told[row].marks)) for row in rows]
        return tuple(sorted((one for one in counted if one.patients), key=lambda one: (-size(one.patients), one.id)))

    def _answers(self) -> tuple[Answer, ...]:
        """The most frequent sets of conclusions about the patients themselves."""
        shown = {kind.name for kind in self.knowledge.kinds if not kind.about_record}
        rows = sorted((row for row in self.census.told if row[0] in shown), key=self._place)
        kinds, weights = self._sets(rows)
        order = np.argsort(-weights, kind="stable")[:ANSWERS]
        return tuple(
            Answer(tuple(_id(row) for row, mark in zip(rows, kinds[:, i], strict=True) if mark), int(weights[i]))
            for i in map(int, order)
        )

    def _place(self, row: Row) -> tuple[Any, ...]:
        order = {kind.name: kind.order for kind in self.knowledge.kinds}
        return order[row[0]], row[1], row[2] or ""

    def _sets(self, rows: Sequence[Row]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """The different sets of some conclusions that pictures have, a column each, and how many patients have each."""
        if not rows:
            return np.zeros((0, 0), np.bool_), np.zeros(0, np.int64)
        there = self.census.weights > 0
        marks = np.array([self.census.told[row].marks[there] for row in rows])
        packed = np.ascontiguousarray(np.packbits(marks, axis=0).T)
        keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
        _, first, which = np.unique(keys, return_index=True, return_inverse=True)
        weights = np.bincount(which, weights=self.census.weights[there].astype(np.float64)).astype(np.int64)
        return marks[:, first], weights

    def _sharing(self) -> Sharing:
        weights = np.sort(self.census.weights[self.census.weights > 0])[::-1]
        sums = np.cumsum(weights)
        _, answers = self._sets(list(self.census.told))
        half = int(np.searchsorted(sums, self.census.patients / 2)) + 1 if len(sums) else 0
        places = sorted({*(10**i for i in range(10) if 10**i < len(sums)), len(sums)} - {0})
        return Sharing(
            count=len(weights),
            half=half,
            single=int((weights == 1).sum()),
            answers=len(answers),
            curve=tuple(Together(place, int(sums[place - 1])) for place in places),
        )

    # what was not used

    def _reasons(self, connection: duckdb.DuckDBPyConnection) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
        """Why rows were set aside, and why entries were not used, the most frequent first."""
        rejected = connection.execute(
            f'SELECT "table", reason, count(*) FROM {self._file("rejected.parquet")} GROUP BY ALL ORDER BY ALL'
        ).fetchall()
        rows = files_in(self.answers.folder, f"{opened.ROWS}-*.parquet")
        said = connection.execute(
            f"SELECT f.list, s.text, sum(r.entries)::BIGINT FROM "
            f"(SELECT wording, count(*) AS entries FROM read_parquet({rows}) GROUP BY wording) AS r "
            f"JOIN {self._file(opened.SPOKEN)} AS s ON r.wording = s.wording "
            f"JOIN {self._file(opened.WORDINGS)} AS w ON r.wording = w.wording "
            f"JOIN {self._file(opened.FRAMES)} AS f ON w.frame = f.frame GROUP BY ALL"
        ).fetchall()
        weights = self.census.weights
        connection.register("weights", pa.table({"picture": pa.array(range(len(weights))), "n": pa.array(weights)}))
        said += connection.execute(
            f"SELECT '', words, sum(n)::BIGINT FROM {self._file(opened.REMARKS)} JOIN weights USING (picture) "
            "WHERE NOT idle GROUP BY words"
        ).fetchall()
        left = self._file(opened.READER_NOTES)  # what a reader left out itself: by its kind of resource or its table
        read = connection.execute(
            f"SELECT split_part(read_from, '.', 1), text, count(*) AS n FROM {left} GROUP BY ALL ORDER BY n DESC, text "
            f"LIMIT {MANY}"
        ).fetchall()
        found: dict[tuple[str, str], int] = {(where, text): count for where, text, count in read}
        for list_, text, count in said:
            reason = _HOLES.sub("…", reason_of(text.replace(f": {MARK}.", ".")))
            if reason not in IDLE:
                found[list_, reason] = found.get((list_, reason), 0) + count
        return _reasons(((table, text), count) for table, text, count in rejected), _reasons(found.items())

    def _file(self, name: str) -> str:
        return f"read_parquet({located(Path(self.answers.folder) / name)})"


IDLE = ("No conclusion rests on it.", 'No conclusion rests on it, but a line under "also" does.')
"""What is said of every entry that does no harm: no reason worth counting."""

_HOLES = re.compile(f"[{WHEN}{SINCE}{MARK}]")
_LAST = re.compile(r'(?:^|\. )((?:[^".]|\.(?! )|"[^"]*")*\.)$')


def reason_of(text: str) -> str:
    """The last sentence of a note, which says why; before it stands the entry as it was read.

    >>> reason_of('Serum ferritin: <5 µg/L (2026. 1). Not used: no analyte is known as "serum. ferritin".')
    'Not used: no analyte is known as "serum. ferritin".'
    """
    found = _LAST.search(text)
    return found[1] if found else text


def _reasons(counted: Any) -> tuple[Reason, ...]:
    made = [Reason(where, text, count) for (where, text), count in counted]
    return tuple(sorted(made, key=lambda one: (-size(one.count), one.where, one.text)))


def _about(kind: Kind) -> str:
    if kind.sided:
        return "conflict"
    if kind.about_record:
        return "question" if kind.value_as_label else "data"
    return "patient"


def _id(row: Row) -> str:
    kind, value, role = row
    return f"{kind}:{value}" + (f" ({role})" if role else "")
