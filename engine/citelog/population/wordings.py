"""The days, numbers and frames of a population, each read once, as tables.

`days` has every text that stands where a day should; `said` has what each wording says: which record it is
(`content`), what can be seen of it (`code`, and whether its days can be), and whether anything about it makes a record
one that must be answered alone (`odd`); `spoken_of` has what is noted of it. Wordings are few beside rows, and frames
beside wordings: frames are read in Python, and what depends on their numbers is put together by DuckDB, near at hand.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from citelog.diagnostics import CitelogError
from citelog.patient.reading import recorded
from citelog.population import entries
from citelog.population.data.files import literal
from citelog.population.data.tables import PATIENTS
from citelog.population.engines.duck import Duck
from citelog.population.engines.engine import Engine
from citelog.population.entries import MEASURED, NONE, NUMBER, NUMBERED, Fact, Number, Reading, Written, is_read
from citelog.population.pictures import Wordings
from citelog.population.program.plan import SINCE_DAYS, WHEN_DAYS
from citelog.population.program.values import Values
from citelog.vocab import Terms

MARK = "\x03"
"""Stands for the sentence of an entry, without its full stop."""


# --- days --------------------------------------------------------------------------------------------------------


def load_days(engine: Engine, texts: str, at: datetime.date | None) -> None:
    """Make the table of days."""
    found = [entries.day(text, at) for (text,) in engine.rows(f"{texts} ORDER BY text")] if texts else []
    alike: dict[str, int] = {}
    for one in found:
        alike[one.compared] = alike.get(one.compared, 0) + 1
    engine.table(
        "days",
        pa.table(
            {
                "id": pa.array(range(len(found)), pa.int32()),
                "text": pa.array([one.text for one in found], pa.string()),
                "readable": pa.array([one.readable if one.text.strip() else 0 for one in found], pa.int32()),
                "first": pa.array([one.first for one in found], pa.int32()),
                "last": pa.array([one.last for one in found], pa.int32()),
                "shown": pa.array([one.shown for one in found], pa.string()),
                "odd": pa.array([alike[one.compared] > 1 for one in found], pa.bool_()),
            }
        ),
    )


# --- wordings, their numbers and their frames --------------------------------------------------------------------


def read_frames(
    engine: Engine, near: Duck, parts: Sequence[Wordings], terms: Terms, values: Values, at: datetime.date | None
) -> list[Written]:
    """Every frame of the data, read, in the order of their hashes.

    Makes two tables near at hand: `wordings` has the frame of each wording and its number, or -1; `numbers` has the
    digits of each and what they come to.
    """
    found: dict[int, Written] = {}
    numbers = _Numbers(values)
    queries = []
    engine.fetch({f"wording_{order}": part.distinct for order, part in enumerate(parts)})
    for order, part in enumerate(parts):
        name, key = f"wording_{order}", NUMBERED.get(part.list, "")
        column = f"c{part.columns.index(key)}" if key in part.columns else ""
        has_numbers = column and numbers.read(near, f"SELECT DISTINCT {column} FROM {name}")
        near.create(f"framed_{order}", _framed(part, name, column if has_numbers else ""))
        queries.append(f"SELECT wording, frame, number FROM framed_{order}")
        for hash_, *row in near.rows(f"SELECT DISTINCT * EXCLUDE (wording, number) FROM framed_{order} ORDER BY frame"):
            _check(hash_ not in found)
            found[hash_] = _read(part, hash_, row, terms, at)
    near.create("wordings", " UNION ALL ".join(queries) or _NO_WORDING)
    [(count, different)] = near.rows("SELECT count(*), count(DISTINCT wording) FROM wordings")
    _check(count == different)
    numbers.load(near)
    return [found[hash_] for hash_ in sorted(found)]


_NO_WORDING = "SELECT NULL::UBIGINT AS wording, NULL::UBIGINT AS frame, NULL::INTEGER AS number WHERE false"


def _framed(part: Wordings, name: str, key: str) -> str:
    """A query for wordings: the hash, the number and the hash of the frame of each, and the frame's columns.

    `key` is the column with numbers that are in the table `measured`, or empty.
    """
    number, join = "-1", ""
    columns = {f"c{i}": f"w.c{i}" for i in range(len(part.columns))}
    if key:
        number, join = "coalesce(m.number, -1)", f" LEFT JOIN measured AS m ON w.{key} = m.text"
        columns[key] = f"CASE WHEN m.number IS NULL THEN w.{key} ELSE m.sign || chr({ord(NUMBER)}) END"
    days = [f"readable{i}" for i in range(len(part.days))]
    frame = f"hash({', '.join((literal(part.name), *columns.values(), *days))}) AS frame"
    shown = (f"{sql} AS {column}" for column, sql in columns.items())
    picked = ", ".join(("w.wording", f"{number}::INTEGER AS number", frame, *shown, *days))
    return f"SELECT {picked} FROM {name} AS w{join}"


def _check(is_alone: bool) -> None:
    if not is_alone:
        raise CitelogError(
            "two wordings of the data have one hash, which happens once in billions of populations",
            "split the population in two folders",
        )


def _read(part: Wordings, hash_: int, row: Sequence[Any], terms: Terms, at: datetime.date | None) -> Written:
    """A frame as the data have it, read."""
    values = dict(zip(part.columns, row, strict=False))
    if part.list == PATIENTS:
        context = tuple(
            (key, kept) for key, value in values.items() if value is not None and (kept := recorded(value)) != ""
        )
        return Written(hash_, None, context, tuple(entries.read_context(dict(context), terms, at)))
    readable = dict(zip(part.days, row[len(part.columns) :], strict=True))
    said = entries.frame(part.list, values, readable.get("when", NONE), readable.get("since", NONE))
    return Written(hash_, said, (), (entries.read(said, terms, at),))


class _Numbers:
    """The numbers of a population, each read once: those with the same digits are one."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._numbers: dict[str, int] = {}
        self._value: list[int] = []

    def number(self, one: Number) -> int:
        """The number of some digits."""
        found = self._numbers.setdefault(one.digits, len(self._numbers))
        if found == len(self._value):
            self._value.append(self._values.number(one.value))
        return found

    def read(self, near: Duck, texts: str) -> bool:
        """Make the table `measured` of those texts that are numbers; whether there are any."""
        read = [(text, entries.number(text)) for (text,) in near.rows(f"{texts} ORDER BY ALL")]
        found = [(text, one) for text, one in read if one is not None]
        columns = {
            "text": pa.array([text for text, _ in found], pa.string()),
            "sign": pa.array([one.sign for _, one in found], pa.string()),
            "number": pa.array([self.number(one) for _, one in found], pa.int32()),
        }
        near.table("measured", pa.table(columns))
        return bool(found)

    def load(self, near: Duck) -> None:
        """Make the table `numbers`."""
        columns = {
            "number": pa.array(range(len(self._numbers)), pa.int32()),
            "digits": pa.array(list(self._numbers), pa.string()),
            "value": pa.array(self._value, pa.int32()),
        }
        near.table("numbers", pa.table(columns))


def load_numbers(near: Duck, digits: Sequence[str], values: Values) -> None:
    """Make the table `numbers` of some digits, in their order."""
    numbers = _Numbers(values)
    for one in digits:
        read = entries.number(one)
        assert read is not None
        numbers.number(read)
    numbers.load(near)


# --- what they say -----------------------------------------------------------------------------------------------


def load_readings(near: Duck, all_: Sequence[Written]) -> list[frozenset[Fact]]:
    """Make the tables `readings` and `noted`, near at hand, of what frames say; all sets of facts that they give.

    A frame that says nothing at all has a reading of its own. `same` tells readings of one content apart.
    """
    facts: dict[frozenset[Fact], int] = {}
    contents: dict[Any, int] = {}
    same: dict[Any, int] = {}
    rows: list[tuple[Any, ...]] = []
    notes: list[tuple[int, str]] = []
    for one in all_:
        for reading in one.readings or (_SILENCE,):
            said, frame = reading.sentence[:-1], one.frame
            notes += [(len(rows), text) for text in reading.notes]
            rows.append(
                (
                    len(rows),
                    one.hash,
                    facts.setdefault(reading.facts, len(facts)),
                    any(MEASURED in args for _, args in reading.facts),
                    contents.setdefault(reading.content, len(contents)),
                    same.setdefault((said, reading.facts), len(same)),
                    reading.is_entry,
                    WHEN_DAYS in reading.days and (frame is None or is_read(frame.when)),
                    SINCE_DAYS in reading.days and (frame is None or is_read(frame.since)),
                    bool(reading.notes),
                    said,
                    reading.key,
                )
            )
    names = (
        "reading",
        "frame",
        "facts",
        "measured",
        "content",
        "same",
        "is_entry",
        "dated",
        "begun",
        "noted",
        "sentence",
        "key",
    )
    whole, flag, text = pa.int32(), pa.bool_(), pa.string()
    types = (whole, pa.uint64(), whole, flag, whole, whole, flag, flag, flag, flag, text, text)
    near.table("readings", _columns(names, types, rows))
    near.table("noted", _columns(("reading", "text"), (whole, text), notes))
    return list(facts)


_SILENCE = Reading((), frozenset(), frozenset(), "", (), is_entry=False)

_UNITS = "w.frame = r.frame LEFT JOIN numbers AS n ON w.number = n.number"
UNITS = f"""SELECT DISTINCT r.facts, CASE WHEN r.measured THEN n.value ELSE -1 END AS value
FROM wordings AS w JOIN readings AS r ON {_UNITS}"""
"""A query for each set of facts with each value that stands in it, or with -1."""


BY_FACTS = "sight AS u ON u.facts = r.facts AND u.value = CASE WHEN r.measured THEN n.value ELSE -1 END"
"""What is seen of an entry, by the facts that it gives."""


def load_said(near: Duck, idle: str, sight: str = BY_FACTS) -> None:
    """Make the tables of what wordings say, near at hand: `said`, and `spoken_of` for their notes.

    `idle` is what is to be said of an entry of which no rule sees anything, with a mark for its sentence. `sight` is a
    relation `u`, and how it is joined to a wording `w`, a reading `r` and a number `n`: the code, and whether a day of
    the entry can be seen.
    """
    digits = f"chr({ord(NUMBER)}), coalesce(n.digits, '')"
    near.create(
        "said",
        f"""
SELECT *, min(same) OVER (PARTITION BY content) <> max(same) OVER (PARTITION BY content) AS odd FROM (
  SELECT w.wording, r.content::BIGINT * (SELECT count(*) + 1 FROM numbers) + n.number + 1 AS content, r.same, r.reading,
         CASE WHEN r.is_entry THEN u.code END AS code, r.is_entry AND r.dated AND u.dated AS sees_when,
         r.is_entry AND r.begun AND u.begun AS sees_since, r.noted, r.is_entry,
         replace(r.sentence, {digits}) AS sentence, r.key
  FROM wordings AS w JOIN readings AS r ON w.frame = r.frame
  JOIN (SELECT number, digits, value FROM numbers UNION ALL SELECT -1, '', -1) AS n ON w.number = n.number
  JOIN {sight})""",
    )
    near.create(
        "spoken_of",
        f"""
SELECT s.wording, replace(m.text, {digits}) AS text, s.key FROM said AS s JOIN noted AS m ON s.reading = m.reading
JOIN wordings AS w ON s.wording = w.wording LEFT JOIN numbers AS n ON w.number = n.number
UNION ALL
SELECT wording, replace({literal(idle)}, '{MARK}', sentence), key FROM said
WHERE is_entry AND code IS NULL AND NOT noted""",
    )


def _columns(names: Sequence[str], types: Sequence[Any], rows: Sequence[tuple[Any, ...]]) -> Any:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table({name: pa.array(one, type_) for name, type_, one in zip(names, types, columns, strict=True)})
