"""What an earlier run has done already: rows that are read, pictures that are found, files that stay as they are.

A run that is given an earlier one (`--since`) takes from it what cannot have changed. Where the data, the names and the
engine are the same, nothing is read again. Where besides the rules still see the same of every entry, everyone keeps
their picture, and the rules run on the pictures alone. A file of answers that would be the same is the same file.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog.knowledge import kept
from citelog.patient.reading import recorded
from citelog.population import entries, opened
from citelog.population.engine import Engine
from citelog.population.entries import Day, Reader, Wording, Written
from citelog.population.pictures import literal
from citelog.population.seen import Seen
from citelog.population.shares import Share
from citelog.population.tables import PATIENTS, Relation, Source
from citelog.population.wordings import load_day_rows, said_rows
from citelog.vocab import Terms


def reading_key(terms: Terms, at: object, duckdb: str, data: object) -> str:
    """A hash of everything that decides how data are read: the data, the names, the day, the engine."""
    names = sorted(
        (kind, sorted((name, term.value) for name, term in known.items())) for kind, known in terms.names.items()
    )
    labels = sorted((term.value, label) for term, label in terms.labels.items())
    whole = [names, labels, sorted(terms.written.items()), str(at), duckdb, kept.engine(), data]
    return hashlib.sha256(json.dumps(whole, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Earlier:
    """The folder of a finished run, and what its `run.json` says."""

    folder: Path
    document: dict[str, Any]

    def has_read(self, key: str) -> bool:
        """Whether it read the same data in the same way."""
        return bool(self.document["data"]["reading"] == key)

    def source(self, files: Sequence[Path]) -> Source:
        """What its reader had to say beside the rows, and who is in the data."""
        people = f"SELECT patient FROM read_parquet({self.path(f'{opened.PEOPLE}-*.parquet')})"
        rejected = f"SELECT * FROM read_parquet({self.path('rejected.parquet')})"
        notes = f"SELECT * FROM read_parquet({self.path(opened.READER_NOTES)})"
        return Source(self.document["data"]["form"], tuple(files), {PATIENTS: Relation(people, ())}, rejected, notes)

    def path(self, name: str) -> str:
        """One of its files, as SQL writes it."""
        return literal(str(self.folder / name))

    def shares(self, store: Path) -> list[Share]:
        """Its shares, whose rows are linked into another store."""
        count = self.document["shares"]
        some = [Share(number, count, store) for number in range(count)]
        for share in some:
            link(self.folder / opened.STORE / share.rows.name, share.rows)
        return some

    def days(self, duck: Engine) -> list[Day]:
        """Its days, as the table `days`."""
        found = [
            entries.day(text)
            for (text,) in duck.rows(f"SELECT text FROM read_parquet({self.path(opened.DAYS)}) ORDER BY id")
        ]
        load_day_rows(duck, found)
        return found

    def written(self, duck: Engine, terms: Terms, at: Any) -> list[Written]:
        """Its wordings, read."""
        reader, found = Reader(terms), []
        query = (
            f'SELECT wording, list, name, codes, keys, "when", since FROM read_parquet({self.path(opened.WORDINGS)})'
        )
        for hash_, list_, name, codes, keys, when, since in duck.rows(f"{query} ORDER BY wording"):
            pairs = tuple((key, recorded(value)) for key, value in json.loads(keys))
            if list_ == PATIENTS:
                found.append(Written(hash_, None, pairs, tuple(entries.read_context(dict(pairs), terms, at))))
            else:
                said = Wording(list_, name, tuple(codes), pairs, when, since)
                found.append(Written(hash_, said, (), (reader.read(said),)))
        return found

    def same_sight(self, duck: Engine, written: Sequence[Written], seen: Seen) -> Seen | None:
        """The codes under their earlier numbers; None where some entries are told apart that were not, or no longer."""
        query = f"SELECT wording, key, code, sees_when, sees_since FROM read_parquet({self.path(opened.SAID)})"
        before = {(wording, key): rest for wording, key, *rest in duck.rows(query)}
        to_old: dict[int, int] = {}
        for row in said_rows(written, seen):
            hash_, _, code, when, since, *_, key = row
            old = before.get((hash_, key))
            if old is None or (old[0] is None) != (code is None) or [when, since] != old[1:]:
                return None
            if code is not None and to_old.setdefault(code, old[0]) != old[0]:
                return None
        if len(set(to_old.values())) != len(to_old):
            return None
        return seen.renumbered(to_old)

    def give_people(self, duck: Engine, some: Sequence[Share]) -> None:
        """Make the tables of pictures and people as they were."""
        duck.keep(
            "pictures",
            f"SELECT picture, key::HUGEINT[] AS key, at_rank FROM read_parquet({self.path(opened.PICTURES)})",
        )
        for share in some:
            people = self.path(f"{opened.PEOPLE}-{share.number:03}.parquet")
            duck.keep(share.people, f"SELECT patient, picture, days, odd FROM read_parquet({people})")

    @property
    def lonely(self) -> str:
        """A query for those whom it answered alone."""
        return f"SELECT patient FROM read_parquet({self.path(f'{opened.PEOPLE}-*.parquet')}) WHERE alone"

    def is_same(self, duck: Engine, query: str, name: str) -> bool:
        """Whether a query gives what one of its files holds, whatever the order."""
        old = f"SELECT * FROM read_parquet({self.path(name)})"
        sums = "SELECT count(*), sum(hash(r)), sum(hash(r, 1)) FROM ({}) AS r"
        return duck.rows(sums.format(query)) == duck.rows(sums.format(old))


def earlier(folder: Path) -> Earlier:
    """The folder of an earlier run; raises CaseError where it is none."""
    answers = opened.opened(folder)
    return Earlier(answers.folder, answers.document)


def link(old: Path, new: Path, copy: Callable[[Path, Path], object] = shutil.copyfile) -> None:
    """Let a file stand under another name too; where the disk cannot do that, a copy."""
    if old.resolve() == new.resolve():
        return
    new.unlink(missing_ok=True)
    try:
        new.hardlink_to(old)
    except OSError:
        copy(old, new)
