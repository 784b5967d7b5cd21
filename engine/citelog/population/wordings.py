"""The days and wordings of a population, each read once, as tables of the engine.

`days` has every text that stands where a day should; `said` has what each wording says: which record it is (`content`),
what can be seen of it (`code`, and whether its days can be), and whether anything about it makes a record one that must
be answered alone (`odd`). Notes of wordings are kept apart.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from citelog.diagnostics import CitelogError
from citelog.patient.reading import recorded
from citelog.population import entries
from citelog.population.engine import Engine
from citelog.population.entries import READ, Day, Reader, Reading, Written
from citelog.population.pictures import Wordings
from citelog.population.seen import Seen
from citelog.population.tables import PATIENTS
from citelog.vocab import Terms

WHEN_DAYS, SINCE_DAYS = "recorded_when", "medication_since"
MARK = "\x03"
"""Stands for the sentence of an entry, without its full stop."""


def load_days(engine: Engine, texts: str) -> list[Day]:
    """Make the table of days, and give them as read."""
    found = [entries.day(text) for (text,) in engine.rows(f"{texts} ORDER BY text")] if texts else []
    load_day_rows(engine, found)
    return found


def load_day_rows(engine: Engine, found: Sequence[Day]) -> None:
    """Make the table of days from days that are read, in their order."""
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


def read_all(engine: Engine, parts: Sequence[Wordings], terms: Terms, at: datetime.date | None) -> list[Written]:
    """Every wording of the data, read, in the order of their hashes."""
    found: dict[int, Written] = {}
    reader = Reader(terms)
    for part in parts:
        for hash_, *row in engine.rows(part.distinct):
            values = dict(zip(part.columns, row, strict=False))
            readable = row[len(part.columns) :]
            if hash_ in found:
                raise CitelogError(
                    "two wordings of the data have one hash, which happens once in billions of populations\n"
                    "   = split the population in two folders"
                )
            if part.list == PATIENTS:
                context = tuple(
                    (key, kept)
                    for key, value in values.items()
                    if value is not None and (kept := recorded(value)) != ""
                )
                readings = tuple(entries.read_context(dict(context), terms, at))
                found[hash_] = Written(hash_, None, context, readings)
            else:
                by_key = dict(zip(part.days, readable, strict=True))
                said = entries.wording(part.list, values, by_key.get("when", 0), by_key.get("since", 0))
                found[hash_] = Written(hash_, said, (), (reader.read(said),))
    return [found[hash_] for hash_ in sorted(found)]


def said_rows(all_: Iterable[Written], seen: Seen) -> Iterator[tuple[Any, ...]]:
    """What each wording says: its hash, content, code, whether its days are seen, whether it is noted; sentence, key.

    A wording that says nothing at all has a row of its own.
    """
    contents: dict[Any, int] = {}
    for one in all_:
        if not one.readings:
            yield one.hash, -1, None, False, False, False, "", ""
        for reading in one.readings:
            content = contents.setdefault(reading.content, len(contents))
            code, days = seen.of(reading) if reading.is_entry else (None, frozenset())
            sees_when = WHEN_DAYS in days and (one.wording is None or one.wording.when == READ)
            sees_since = SINCE_DAYS in days and (one.wording is None or one.wording.since == READ)
            said = reading.sentence[:-1]
            yield one.hash, content, code, sees_when, sees_since, bool(reading.notes), said, reading.key


def load_said(engine: Engine, all_: Sequence[Written], seen: Seen, idle: str) -> None:
    """Make the tables of what wordings say: `said`, and `spoken_of` for their notes.

    `idle` is what is to be said of an entry of which no rule sees anything, with a mark for its sentence.
    """
    rows = list(said_rows(all_, seen))
    sentences: dict[int, set[tuple[str, frozenset[Any]]]] = {}
    notes: list[tuple[Any, ...]] = []
    readings = (reading for one in all_ for reading in one.readings or (_SILENCE,))
    for (hash_, content, code, *_, said, key), reading in zip(rows, readings, strict=True):
        sentences.setdefault(content, set()).add((said, reading.facts))
        notes += [(hash_, text, key) for text in reading.notes]
        if reading.is_entry and code is None and not reading.notes:
            notes.append((hash_, idle.replace(MARK, said), key))
    odd = [len(sentences[row[1]]) > 1 for row in rows]
    types = (pa.uint64(), pa.int32(), pa.int32(), pa.bool_(), pa.bool_(), pa.bool_(), pa.string(), pa.string())
    names = ("wording", "content", "code", "sees_when", "sees_since", "noted", "sentence", "key")
    engine.table("said", _columns(names, types, rows).append_column("odd", pa.array(odd, pa.bool_())))
    engine.table("spoken_of", _columns(("wording", "text", "key"), (pa.uint64(), pa.string(), pa.string()), notes))


_SILENCE = Reading((), frozenset(), frozenset(), "", (), is_entry=False)


def _columns(names: Sequence[str], types: Sequence[Any], rows: Sequence[tuple[Any, ...]]) -> Any:
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.table({name: pa.array(one, type_) for name, type_, one in zip(names, types, columns, strict=True)})
