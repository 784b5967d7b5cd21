"""What a run answered, summed up: who was told what, what held, what is missing, what was not used.

Every count is one of patients, unless it says otherwise. Where counts that are small must not be seen (`at_least`),
they are covered here, once, for every form that the summary is written in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from citelog.knowledge.base import Kind, Knowledge
from citelog.population import opened
from citelog.population.census import MEMORY, Census, census
from citelog.population.entries import SINCE, WHEN
from citelog.population.opened import Opened, Row
from citelog.population.pictures import literal
from citelog.population.wordings import MARK
from citelog.proof.words import step
from citelog.values import Iri

FORMAT = "citelog-population-summary/1"

FEW = 100
"""How many reasons, and how many answers, are listed at most: the most frequent."""

MANY = 1_000
"""How many of the things that a reader left out are looked at: they quote names of the data, and may be any number."""

ANSWERS = 10

Count = int | str
"""A count; or `<5` where it is smaller than may be seen, `hidden` where another could be told from it."""

HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Beside:
    """A conclusion that some patients have too, by its id, and how many of them."""

    id: str
    patients: Count


@dataclass(frozen=True, slots=True)
class Told:
    """A conclusion, and how many patients it is about.

    `id` is its `kind:value`, `says` what the knowledge base calls it, empty where that adds nothing. `only` counts
    those of whom it is the one conclusion of its kind. Of something to ask, `decided` is what was decided about these
    patients while it is open, among the candidates that the knowledge base weighs.
    """

    id: str
    value: str
    role: str | None
    says: str
    patients: Count
    only: Count
    decided: tuple[Beside, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """The conclusions of one kind. `about` is `patient`, `question` (something to ask), `data` or `conflict`.

    `patients` counts those with any; `one_each` says that everyone has exactly one.
    """

    kind: str
    title: str
    about: str
    one_each: bool
    patients: Count
    told: tuple[Told, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A rule that held: where it stands, what it cites, and for how many patients, or for how many different entries.

    `convention` is what it is for, where it encodes no statement. One of the counts is None.
    """

    rule: str
    place: str
    statements: tuple[str, ...]
    convention: str
    patients: Count | None
    entries: int | None


@dataclass(frozen=True, slots=True)
class Never:
    """A rule that held for nobody."""

    rule: str
    place: str
    statements: tuple[str, ...]
    convention: str


@dataclass(frozen=True, slots=True)
class Rests:
    """What is not on record of patients, and the rules that held because it is not."""

    text: str
    rules: tuple[str, ...]
    patients: Count


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows or entries were not used, or not as they stand, and how many.

    `where` is the table of the rows, the list of the entries, or what a reader left out itself (a kind of resource);
    empty where rules put them aside, of whatever list.
    """

    where: str
    text: str
    count: Count


@dataclass(frozen=True, slots=True)
class Answer:
    """What some patients were told about themselves, all of it, and how many they are."""

    told: tuple[str, ...]
    patients: Count


@dataclass(frozen=True, slots=True)
class Sharing:
    """How patients share pictures: how many pictures there are (`count`), how many of them `half` of the patients have.

    `single` counts those that one patient alone has, `answers` the different sets of conclusions that they come to.
    `curve` has how many patients the most frequent 1, 10, 100 … pictures hold together, and all of them.
    """

    count: int
    half: int
    single: int
    answers: int
    curve: tuple[Together, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """How many patients the most frequent pictures hold together, of so many pictures."""

    pictures: int
    patients: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A run summed up. `without` counts patients of whom nothing was concluded, `alone` those answered alone."""

    run: Mapping[str, Any]
    knowledge: Knowledge = field(repr=False)
    at_least: int
    patients: Count
    conclusions: int
    notes: int
    rejected: int
    without: Count
    alone: Count
    groups: tuple[Group, ...]
    gaps: tuple[Rests, ...]
    held: tuple[Held, ...]
    never: tuple[Never, ...]
    set_aside: tuple[Reason, ...]
    unused: tuple[Reason, ...]
    unlisted: int
    answers: tuple[Answer, ...]
    sharing: Sharing

    def about(self, *names: str) -> tuple[Group, ...]:
        """The groups that are about something."""
        return tuple(group for group in self.groups if group.about in names)

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-population-summary/1`."""
        knowledge = self.knowledge
        return {
            "format": FORMAT,
            "knowledge": knowledge.identity,
            "engine": dict(self.run["engine"]),
            "data": self.run["data"]["form"],
            "at": self.run["at"],
            "caveats": [{"text": c.text, "statements": list(c.statements)} for c in knowledge.caveats],
            "review_status": knowledge.review_status,
            "at_least": self.at_least,
            "counts": {
                "patients": self.patients,
                "without": self.without,
                "alone": self.alone,
                "conclusions": self.conclusions,
                "notes": self.notes,
                "rejected": self.rejected,
            },
            "kinds": [_plain(group) for group in self.groups],
            "gaps": [_plain(gap) for gap in self.gaps],
            "rules": {"held": [_plain(one) for one in self.held], "never": [_plain(one) for one in self.never]},
            "rejected": [_plain(one) for one in self.set_aside],
            "unused": {"reasons": [_plain(one) for one in self.unused], "more": self.unlisted},
            "answers": [_plain(one) for one in self.answers],
            "pictures": _plain(self.sharing),
        }


def _plain(one: Any) -> Any:
    """A value as JSON has it: what is paired is an object, by what the pairs are of."""
    if isinstance(one, tuple):
        return [_plain(part) for part in one]
    if not is_dataclass(one):
        return one
    return {part.name: _plain(getattr(one, part.name)) for part in fields(one)}


def summary(answers: Opened, knowledge: Knowledge, at_least: int = 0, memory: str = MEMORY) -> Summary:
    """Sum up a folder of answers; no count below `at_least` can be seen in it.

    Raises CaseError where the answers are of another knowledge base, or cannot be read.
    """
    answers.check(knowledge)
    return summed(answers, knowledge, census(answers, knowledge, memory), at_least, memory)


def summed(answers: Opened, knowledge: Knowledge, counted: Census, at_least: int = 0, memory: str = MEMORY) -> Summary:
    """Sum up a folder of answers that has been counted."""
    whole = _Sum(answers, knowledge, counted).whole(memory)
    return whole if at_least < 2 else _covered(whole, at_least)


# counting


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
                    key=lambda gap: (-_size(gap.patients), gap.text),
                )
            ),
            held=tuple(sorted(held, key=lambda one: (-_size(one.patients), -(one.entries or 0), one.rule))),
            never=tuple(Never(rule.name, str(rule.span), rule.cites, rule.convention) for rule in never),
            set_aside=set_aside,
            unused=unused[:FEW],
            unlisted=sum(_size(one.count) for one in unused[FEW:]),
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
                self._says(kind, row),
                self.census.count(marks),
                self.census.count(marks & one),
                self._decided(marks) if _about(kind) == "question" else (),
            )
            for row, marks in own
        ]
        told.sort(key=lambda one: (-_size(one.patients), one.value, one.role or ""))
        with_any = self.census.count(np.asarray(several > 0))
        return Group(kind.name, kind.title, _about(kind), kind.exactly_one, with_any, tuple(told))

    def _decided(self, marks: NDArray[np.bool_]) -> tuple[Beside, ...]:
        """What was decided about the patients of some pictures, the most frequent first."""
        deciding = {kind.name for kind in self.knowledge.kinds if kind.candidates}
        rows = [row for row in self.census.told if row[0] in deciding]
        counted = [Beside(_id(row), self.census.count(marks & self.census.told[row].marks)) for row in rows]
        return tuple(sorted((one for one in counted if one.patients), key=lambda one: (-_size(one.patients), one.id)))

    def _says(self, kind: Kind, row: Row) -> str:
        """What the knowledge base calls a conclusion, where that says more than its value."""
        value = row[1]
        if kind.sided and value in self.knowledge.conflicts:
            return self.knowledge.conflicts[value].title
        term = Iri(f"{self.knowledge.namespace}{value}")
        if kind.fields and term in self.knowledge.fields:
            return step(self.knowledge.fields[term], kind.fields)
        label = self.knowledge.terms.label(term)
        return "" if label in (value, value.replace("_", " ")) else label

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
        said = connection.execute(
            f"SELECT f.list, s.text, sum(r.entries)::BIGINT FROM "
            f"(SELECT wording, count(*) AS entries FROM {self._file('store/rows-*.parquet')} GROUP BY wording) AS r "
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
            if reason != IDLE:
                found[list_, reason] = found.get((list_, reason), 0) + count
        return _reasons(((table, text), count) for table, text, count in rejected), _reasons(found.items())

    def _file(self, name: str) -> str:
        return f"read_parquet({literal(str(Path(self.answers.folder) / name))})"


IDLE = "No conclusion rests on it."
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
    return tuple(sorted(made, key=lambda one: (-_size(one.count), one.where, one.text)))


def _about(kind: Kind) -> str:
    if kind.sided:
        return "conflict"
    if kind.about_record:
        return "question" if kind.value_as_label else "data"
    return "patient"


def _id(row: Row) -> str:
    kind, value, role = row
    return f"{kind}:{value}" + (f" ({role})" if role else "")


# covering


def _covered(whole: Summary, least: int) -> Summary:
    """The same without counts below `least`."""

    def cover(count: Count | None) -> Any:
        return f"<{least}" if isinstance(count, int) and 0 < count < least else count

    def beside(one: Beside) -> Beside:
        return replace(one, patients=cover(one.patients))

    groups = []
    for group in whole.groups:
        told = [replace(one, only=cover(one.only), decided=tuple(map(beside, one.decided))) for one in group.told]
        hide = hidden([_size(one.patients) for one in told], least, group.one_each)
        told = [
            replace(one, patients=how, only=HIDDEN if how == HIDDEN else one.only)
            for one, how in zip(told, hide, strict=True)
        ]
        groups.append(replace(group, patients=cover(group.patients), told=tuple(told)))
    return replace(
        whole,
        at_least=least,
        patients=cover(whole.patients),
        without=cover(whole.without),
        alone=cover(whole.alone),
        groups=tuple(groups),
        gaps=tuple(replace(one, patients=cover(one.patients)) for one in whole.gaps),
        held=tuple(replace(one, patients=cover(one.patients)) for one in whole.held),
        set_aside=tuple(replace(one, count=cover(one.count)) for one in whole.set_aside),
        unused=tuple(replace(one, count=cover(one.count)) for one in whole.unused if _size(one.count) >= least),
        unlisted=whole.unlisted + sum(_size(one.count) for one in whole.unused if _size(one.count) < least),
        answers=tuple(one for one in whole.answers if _size(one.patients) >= least),
        sharing=replace(whole.sharing, curve=tuple(point for point in whole.sharing.curve if point.patients >= least)),
    )


def hidden(counts: Sequence[int], least: int, together: bool) -> list[Count]:
    """Counts, those below `least` covered; 0 is nobody, and is shown.

    Where `together` they make a number that is known, what is covered could be told by subtraction if it were one count
    alone, or less than `least` in all: so the next larger counts are hidden too, until it is neither.

    >>> hidden([90, 7, 2, 0], 5, together=True), hidden([90, 3, 2], 5, together=True), hidden([90, 2], 5, False)
    ([90, 'hidden', '<5', 0], [90, '<5', '<5'], [90, '<5'])
    """
    shown: list[Count] = [f"<{least}" if 0 < count < least else count for count in counts]
    gone = [count for count in counts if 0 < count < least]
    for place in sorted(range(len(counts)), key=lambda i: (counts[i], i)):
        if not together or not gone or (len(gone) > 1 and sum(gone) >= least):
            break
        if counts[place] >= least:
            gone.append(counts[place])
            shown[place] = HIDDEN
    return shown


def _size(count: Count | None) -> int:
    return count if isinstance(count, int) else 0
