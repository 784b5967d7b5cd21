"""Who has what in a folder of answers, as sets of pictures: a count is the pictures that have it, and their patients.

A picture is answered once, so everything that can be counted of millions of patients is counted of their pictures, and
weighed by how many patients have each. Whoever was answered alone has a picture of their own here, after all others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from citelog.knowledge.base import Knowledge
from citelog.population import opened
from citelog.population.data.files import located
from citelog.population.opened import Opened, Row, reading
from citelog.proof.words import Words, sentence
from citelog.rules.program import Absent, Rule, Variable
from citelog.values import Iri, Value

MEMORY = "1GB"
"""What DuckDB may take to count; what needs more is put on the disk."""

BATCH = 1 << 20

_ENTRY = Iri("urn:citelog:record:any")
"""In the place of the entry, another in each record, that a rule looks for something of."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """A set of pictures, a bit for each."""

    bits: NDArray[np.uint8]
    of: int

    @classmethod
    def marked(cls, marks: NDArray[np.bool_]) -> Pictures:
        """The pictures whose place is marked."""
        return cls(np.packbits(marks), len(marks))

    @property
    def marks(self) -> NDArray[np.bool_]:
        """A mark for each picture: whether it is in the set."""
        return np.unpackbits(self.bits, count=self.of).view(np.bool_)


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is not on record, in words, the rules that held because of it, and in which pictures."""

    text: str
    rules: tuple[str, ...]
    pictures: Pictures


@dataclass(frozen=True)
class Census:
    """What a run answered, counted.

    `pictures` has the number of the picture of each patient, in the order of the run: that of row 1 is the first.
    `weights` has how many patients have each picture. `told` has the pictures of each conclusion, `held` those in which
    each rule held; of rules that look at one entry alone, `entries` counts the different entries for which they held.
    `never` are the rules that were asked and never held. `bounds` are the first rows of the shares, and
    the number of all; pictures from `lonely` on are those of patients who were answered alone.
    """

    pictures: NDArray[np.int32]
    weights: NDArray[np.int64]
    told: Mapping[Row, Pictures]
    held: Mapping[str, Pictures]
    entries: Mapping[str, int]
    never: tuple[str, ...]
    gaps: tuple[Gap, ...]
    bounds: tuple[int, ...]
    lonely: int

    @property
    def patients(self) -> int:
        """How many there are."""
        return len(self.pictures)

    def count(self, some: NDArray[np.bool_]) -> int:
        """How many patients have one of the marked pictures."""
        return int(self.weights[some].sum())


def census(answers: Opened, knowledge: Knowledge, memory: str = MEMORY) -> Census:
    """Count a folder of answers. Raises CaseError where a file of it cannot be read."""
    with duckdb.connect(config={"memory_limit": memory}) as connection:
        connection.execute("SET enable_progress_bar = false")
        with reading(answers.folder):
            return _Counting(answers, knowledge, connection).counted()


@dataclass(slots=True)
class _Counting:
    answers: Opened
    knowledge: Knowledge
    connection: duckdb.DuckDBPyConnection

    def counted(self) -> Census:
        pictures, bounds, lonely = self._people()
        weights = np.bincount(pictures, minlength=1).astype(np.int64)
        size = len(weights)
        rules = dict(self._rows(f"SELECT rule, name FROM {self._file('rules.parquet')}"))
        held = self._held(rules, size)
        entries = dict(
            self._rows(
                f"SELECT name, count(DISTINCT entry) FROM {self._file('entry_firings.parquet')} "
                f"JOIN {self._file('rules.parquet')} USING (rule) GROUP BY name"
            )
        )
        never = tuple(name for _, name in sorted(rules.items()) if name not in held and name not in entries)
        gaps = tuple(self._gaps({name: number for number, name in rules.items()}, held, size))
        first = min(lonely.values(), default=size)
        return Census(pictures, weights, self._told(lonely, size), held, entries, never, gaps, bounds, first)

    def _people(self) -> tuple[NDArray[np.int32], tuple[int, ...], dict[str, int]]:
        """Everyone's picture, the first row of each share, and the own pictures of those who were answered alone."""
        parts: list[NDArray[np.int32]] = []
        bounds, alone = [0], []
        for share in range(self.answers.document["shares"]):
            name = f"{opened.PEOPLE}-{share:03}.parquet"
            found = self.connection.execute(f"SELECT picture, alone FROM {self._file(name)}").fetchnumpy()
            parts.append(found["picture"].astype(np.int32))
            own = np.flatnonzero(found["alone"])
            if len(own):
                rows = self._rows(f"SELECT patient FROM {self._file(name)} WHERE alone")
                alone += [(bounds[-1] + int(row), patient) for row, (patient,) in zip(own, rows, strict=True)]
            bounds.append(bounds[-1] + len(parts[-1]))
        pictures = np.concatenate(parts) if parts else np.zeros(0, np.int32)
        first = int(pictures.max(initial=0)) + 1
        lonely = {}
        for number, (row, patient) in enumerate(alone):
            pictures[row] = lonely[patient] = first + number
        return pictures, tuple(bounds), lonely

    def _told(self, lonely: Mapping[str, int], size: int) -> dict[Row, Pictures]:
        """The pictures of each conclusion."""
        concluded = self._file(opened.CONCLUDED)
        self.connection.execute(
            "CREATE TEMP TABLE told AS SELECT *, row_number() OVER (ORDER BY kind, value, role) - 1 AS told "
            f"FROM (SELECT DISTINCT kind, value, role FROM {concluded})"
        )
        rows = [tuple(row) for row in self._rows("SELECT kind, value, role FROM told ORDER BY told")]
        marks = self._marked(
            f"SELECT t.told, c.picture FROM {concluded} AS c JOIN told AS t ON c.kind = t.kind AND c.value = t.value "
            "AND c.role IS NOT DISTINCT FROM t.role",
            size,
        )
        found = {rows[number]: one for number, one in marks.items()}
        for patient, *row in self._rows(f"SELECT DISTINCT * FROM {self._file(opened.ALONE)}"):
            found.setdefault(tuple(row), np.zeros(size, np.bool_))[lonely[patient]] = True
        return {row: Pictures.marked(one) for row, one in found.items()}

    def _held(self, rules: Mapping[int, str], size: int) -> dict[str, Pictures]:
        """The pictures in which each rule held."""
        marks = self._marked(f"SELECT rule, picture FROM {self._file('firings.parquet')}", size)
        return {rules[number]: Pictures.marked(marks[number]) for number in sorted(marks)}

    def _marked(self, query: str, size: int) -> dict[int, NDArray[np.bool_]]:
        """The pictures of each number, from a query for both, in which equal numbers mostly stand together."""
        found: dict[int, NDArray[np.bool_]] = {}
        for batch in self.connection.sql(query).to_arrow_reader(BATCH):
            numbers, pictures = (batch.column(i).to_numpy(zero_copy_only=False) for i in (0, 1))
            order = np.argsort(numbers, kind="stable")
            numbers, pictures = numbers[order], pictures[order]
            starts = np.flatnonzero(np.diff(numbers, prepend=-1))
            for start, stop in zip(starts, [*starts[1:], len(numbers)], strict=True):
                found.setdefault(int(numbers[start]), np.zeros(size, np.bool_))[pictures[start:stop]] = True
        return found

    # gaps

    def _gaps(self, numbers: Mapping[str, int], held: Mapping[str, Pictures], size: int) -> Iterator[Gap]:
        """What the answers rest on that is not on record, in the order of the rules that own up to it."""
        found: dict[str, tuple[list[str], NDArray[np.bool_]]] = {}
        words = Words(self.knowledge, {_ENTRY: "an entry"})
        for rule in self.knowledge.program.rules:
            assumed = [part for part in rule.body if isinstance(part, Absent) and part.assumed]
            if rule.name not in held or not assumed:
                continue
            for absent in assumed:
                for text, marks in self._absences(rule, numbers[rule.name], absent, held[rule.name], words, size):
                    rules, whole = found.setdefault(text, ([], np.zeros(size, np.bool_)))
                    rules.append(rule.name)
                    whole |= marks
        for text, (rules, whole) in found.items():
            yield Gap(sentence(text) + ".", tuple(dict.fromkeys(rules)), Pictures.marked(whole))

    def _absences(
        self, rule: Rule, number: int, absent: Absent, held: Pictures, words: Words, size: int
    ) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        """What a literal of a rule found absent, in words, and in which pictures."""
        [(variables,)] = self._rows(f"SELECT variables FROM {self._file('rules.parquet')} WHERE rule = {number}")
        names = [arg.name for arg in absent.args if isinstance(arg, Variable) and arg.name in variables]
        if not names:  # only the patient, or what the rule itself names
            args = tuple(None if isinstance(arg, Variable) else arg.value for arg in absent.args)
            yield words.absence(absent.predicate, args), held.marks
            return
        columns = ", ".join(f"greatest(bindings[{variables.index(name) + 1}], -1)" for name in names)
        of_rule = f"{self._file('firings.parquet')} WHERE rule = {number}"
        bound = self._rows(f"SELECT DISTINCT {columns} FROM {of_rule}")
        values = self._values({part for row in bound for part in row})
        self.connection.execute("CREATE OR REPLACE TEMP TABLE bound (number INTEGER, part INTEGER[])")
        self.connection.executemany("INSERT INTO bound VALUES (?, ?)", [[i, list(row)] for i, row in enumerate(bound)])
        marks = self._marked(
            f"SELECT b.number, f.picture FROM (SELECT picture, [{columns}]::INTEGER[] AS part FROM {of_rule}) AS f "
            "JOIN bound AS b ON f.part = b.part",
            size,
        )
        for i, row in enumerate(bound):
            given = {name: values.get(part, _ENTRY) for name, part in zip(names, row, strict=True)}
            args = tuple(given.get(arg.name) if isinstance(arg, Variable) else arg.value for arg in absent.args)
            yield words.absence(absent.predicate, args), marks[i]

    def _values(self, numbers: set[int]) -> dict[int, Value]:
        """What numbers of values stand for; an entry (a negative one) has no name."""
        listed = ", ".join(str(number) for number in sorted(numbers) if number >= 0) or "NULL"
        query = f"SELECT value, type, text FROM {self._file(opened.VALUES)} WHERE value IN ({listed})"
        return {number: opened.value(type_, text) for number, type_, text in self._rows(query)}

    # files

    def _file(self, name: str) -> str:
        return f"read_parquet({located(Path(self.answers.folder) / name)})"

    def _rows(self, query: str) -> list[Any]:
        return self.connection.execute(query).fetchall()
