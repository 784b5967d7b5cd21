"""The days and wordings of a population, each read once, as tables of the engine.

`days` has every text that stands where a day should; `said` has what each wording says: which record it is (`content`),
what can be seen of it (`code`, and whether its days can be), and whether anything about it makes a record one that must
be answered alone (`odd`). Notes of wordings are kept apart.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from citelog.diagnostics import CitelogError
from citelog.patient.case import Recorded
from citelog.patient.reading import recorded
from citelog.population import entries
from citelog.population.duck import Duck
from citelog.population.entries import READ, Day, Reading, Wording
from citelog.population.pictures import Wordings
from citelog.population.seen import Seen
from citelog.population.tables import PATIENTS
from citelog.vocab import Terms

WHEN_DAYS, SINCE_DAYS = "recorded_when", "medication_since"


@dataclass(frozen=True, slots=True)
class Written:
    """A wording as it stands in the data: its hash, what it is, and what it says (of a context: several things)."""

    hash: int
    wording: Wording | None
    context: tuple[tuple[str, Recorded], ...]
    readings: tuple[Reading, ...]


def load_days(duck: Duck, texts: str) -> list[Day]:
    """Make the table of days, and give them as read."""
    found = [entries.day(text) for (text,) in duck.rows(f"{texts} ORDER BY text")] if texts else []
    alike: dict[str, int] = {}
    for one in found:
        alike[one.compared] = alike.get(one.compared, 0) + 1
    duck.table(
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
    return found


def read_all(
    duck: Duck, parts: Sequence[Wordings], terms: Terms, at: datetime.date | None, tick: Callable[[], None]
) -> list[Written]:
    """Every wording of the data, read."""
    found: dict[int, Written] = {}
    for part in parts:
        for hash_, *row in duck.rows(part.distinct):
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
                found[hash_] = Written(hash_, said, (), (entries.read(said, terms),))
            tick()
    return list(found.values())


def load_said(duck: Duck, all_: Iterable[Written], seen: Seen) -> None:
    """Make the tables of what wordings say: `said`, and `remarks` for their notes and sentences."""
    contents: dict[Any, int] = {}
    sentences: dict[int, set[tuple[str, frozenset[Any]]]] = {}
    rows: list[tuple[Any, ...]] = []
    remarks: list[tuple[Any, ...]] = []
    for one in all_:
        if not one.readings:
            rows.append((one.hash, 0, -1, None, False, False, False, False, ""))
        for number, reading in enumerate(one.readings):
            content = contents.setdefault(reading.content, len(contents))
            sentences.setdefault(content, set()).add((reading.sentence, reading.facts))
            code, days = seen.of(reading) if reading.is_entry else (None, frozenset())
            sees_when = WHEN_DAYS in days and (one.wording is None or one.wording.when == READ)
            sees_since = SINCE_DAYS in days and (one.wording is None or one.wording.since == READ)
            flags = (sees_when, sees_since, reading.is_entry, bool(reading.notes))
            rows.append((one.hash, number, content, code, *flags, reading.sentence))
            remarks += [(one.hash, number, text, reading.key) for text in reading.notes]
    odd = [len(sentences.get(row[2], ())) > 1 for row in rows]
    columns = list(zip(*rows, strict=True)) or [()] * 9
    keys = [reading.key for one in all_ for reading in one.readings or (None,) for reading in [reading or _NO_READING]]
    duck.table(
        "said",
        pa.table(
            {
                "wording": pa.array(columns[0], pa.uint64()),
                "item": pa.array(columns[1], pa.int32()),
                "content": pa.array(columns[2], pa.int32()),
                "code": pa.array(columns[3], pa.int32()),
                "sees_when": pa.array(columns[4], pa.bool_()),
                "sees_since": pa.array(columns[5], pa.bool_()),
                "is_entry": pa.array(columns[6], pa.bool_()),
                "noted": pa.array(columns[7], pa.bool_()),
                "sentence": pa.array(columns[8], pa.string()),
                "odd": pa.array(odd, pa.bool_()),
                "key": pa.array(keys, pa.string()),
            }
        ),
    )
    listed = list(zip(*remarks, strict=True)) or [()] * 4
    duck.table(
        "remarks",
        pa.table(
            {
                "wording": pa.array(listed[0], pa.uint64()),
                "item": pa.array(listed[1], pa.int32()),
                "text": pa.array(listed[2], pa.string()),
                "key": pa.array(listed[3], pa.string()),
            }
        ),
    )


_NO_READING = Reading((), frozenset(), frozenset(), "", ())
