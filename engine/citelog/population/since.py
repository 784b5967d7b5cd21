"""What an earlier run has done already: rows that are read, pictures that are found, files that stay as they are.

A run that is given an earlier one (`--since`) takes from it what cannot have changed. Where the data, the names and the
engine are the same, nothing is read again. Where besides the rules still see the same of every entry, everyone keeps
their picture, and only pictures that the edit concerns are answered anew (`edited`). A file of answers that would be
the same is the same file.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from citelog.knowledge import kept
from citelog.population import edited, entries, opened
from citelog.population.answers import IDLE, Told
from citelog.population.data.files import files_in, located
from citelog.population.data.tables import PATIENTS, Relation, Source
from citelog.population.derivation.state import Derivation, Found
from citelog.population.edited import ANEW, Decided, Edit, Entries, Known
from citelog.population.engines.duck import Duck
from citelog.population.engines.engine import Engine
from citelog.population.entries import Written
from citelog.population.program.values import Values
from citelog.population.seen import Seen
from citelog.population.shares import Share
from citelog.population.wordings import load_numbers, load_said
from citelog.values import Value
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
        people = f"SELECT patient FROM read_parquet({files_in(self.folder, f'{opened.PEOPLE}-*.parquet')})"
        rejected = f"SELECT * FROM read_parquet({self.path('rejected.parquet')})"
        notes = f"SELECT * FROM read_parquet({self.path(opened.READER_NOTES)})"
        return Source(self.document["data"]["form"], tuple(files), {PATIENTS: Relation(people, ())}, rejected, notes)

    def path(self, name: str) -> str:
        """One of its files, as SQL writes it."""
        return located(self.folder / name)

    @property
    def rows(self) -> int:
        """How many rows it has read."""
        return int(self.document["counts"]["rows"])

    def shares(self, store: Path) -> list[Share]:
        """Its shares, whose rows are linked into another store."""
        count = self.document["shares"]
        some = [Share(number, count, store) for number in range(count)]
        for share in some:
            link(self.folder / opened.STORE / share.rows.name, share.rows)
        return some

    def values(self, near: Duck) -> list[Value]:
        """Its values, in the order of their numbers."""
        rows = near.rows(f"SELECT type, text FROM read_parquet({self.path(opened.VALUES)}) ORDER BY value")
        return [opened.value(*row) for row in rows]

    def decided(self, near: Duck) -> Decided:
        """What decided its answers."""
        rows = near.rows(f"SELECT number, key, rests FROM read_parquet({self.path(opened.RULES)}) ORDER BY number")
        return Decided(tuple(Known(*row) for row in rows), self.document["telling"])

    def give_days(self, duck: Engine) -> None:
        """Make the table `days` as it was."""
        duck.create("days", f"SELECT * FROM read_parquet({self.path(opened.DAYS)})")

    def written(self, near: Duck, terms: Terms, values: Values, at: datetime.date | None) -> list[Written]:
        """Its frames, read again; with the tables of its wordings and their numbers."""
        wordings, frames = self.path(opened.WORDINGS), self.path(opened.FRAMES)
        digits = near.rows(f"SELECT DISTINCT digits FROM read_parquet({wordings}) WHERE digits IS NOT NULL ORDER BY 1")
        load_numbers(near, [one for (one,) in digits], values)
        near.create(
            "wordings",
            f"SELECT w.wording, w.frame, coalesce(n.number, -1) AS number FROM read_parquet({wordings}) AS w "
            "LEFT JOIN numbers AS n ON w.digits = n.digits",
        )
        found = []
        for row in near.rows(f"SELECT * FROM read_parquet({frames}) ORDER BY frame"):
            one = opened.written(*row)
            says = (
                entries.read_context(dict(one.context), terms, at)
                if one.frame is None
                else [entries.read(one.frame, terms, at)]
            )
            found.append(replace(one, readings=tuple(says)))
        return found

    def same_sight(self, near: Duck, seen: Seen) -> Seen | None:
        """The codes under their earlier numbers, also in the table `said`.

        None where some entries are told apart that were not, or no longer.
        """
        old = f"read_parquet({self.path(opened.SAID)})"
        both = f"said AS n FULL JOIN {old} AS o ON n.wording = o.wording AND n.key = o.key"
        differ = "(n.code IS NULL) <> (o.code IS NULL) OR n.sees_when <> o.sees_when OR n.sees_since <> o.sees_since"
        if near.rows(f"SELECT 1 FROM {both} WHERE coalesce({differ}, true) LIMIT 1"):
            return None
        pairs = near.rows(f"SELECT DISTINCT n.code, o.code FROM {both} WHERE n.code IS NOT NULL")
        numbers: dict[int, int] = dict(pairs)
        if len(numbers) != len(pairs) or len(set(numbers.values())) != len(pairs) or len(pairs) != len(seen.facts):
            return None
        near.load("renumbered", ("code", "was"), pairs)
        near.create(
            "said", "SELECT s.* REPLACE (r.was AS code) FROM said AS s LEFT JOIN renumbered AS r ON s.code = r.code"
        )
        return seen.renumbered(numbers)

    def saw_by(self, now: Entries) -> bool:
        """Whether what decides now what is seen of entries decided it then."""
        return bool(self.document["entries"]["key"] == now.key)

    def look(self, near: Duck, now: Entries, local: Derivation) -> Seen:
        """What it saw of entries: its codes.

        Gives `local`, of which nothing is run, the firings that its rules had, by the numbers that these have now.
        """
        firings = f"read_parquet({self.path(opened.ENTRY_FIRINGS)})"
        held = edited.counts(near, firings)
        for number, was in zip(now.rules, self.document["entries"]["rules"], strict=True):
            rule, firing = local.program.rules[number], local.firing(number)
            table = edited.had(firings, "entry", was, firing)
            local.found[number] = Found(number, rule, firing, table, held.get(was, 0))
        query = f"SELECT code, predicate, args FROM read_parquet({self.path(opened.CODES)}) ORDER BY code"
        return Seen.of(near.rows(query), local.program, local.values)

    def load_said(self, near: Duck) -> None:
        """Make the tables of what its wordings say, with the codes that it had."""
        saw = f"SELECT * RENAME (sees_when AS dated, sees_since AS begun) FROM read_parquet({self.path(opened.SAID)})"
        load_said(near, IDLE, f"({saw}) AS u ON u.wording = w.wording AND u.key = r.key")

    def give_people(self, duck: Engine, some: Sequence[Share]) -> None:
        """Make the tables of pictures and people as they were."""
        duck.create(
            "pictures",
            f"SELECT picture, key::HUGEINT[] AS key, at_rank FROM read_parquet({self.path(opened.PICTURES)})",
        )
        for share in some:
            people = self.path(f"{opened.PEOPLE}-{share.number:03}.parquet")
            duck.create(share.people, f"SELECT patient, picture, days, odd FROM read_parquet({people})")

    def told(self, near: Duck) -> list[Told]:
        """All that it has told of pictures that are not `anew`."""
        return near.rows(f"SELECT DISTINCT kind, value, role FROM ({self._of_others(opened.CONCLUDED)}) ORDER BY ALL")

    def answer_others(self, duck: Engine) -> None:
        """Put into `concluded` and `picture_remarks` what it says of pictures that are not `anew`."""
        same = "o.kind = t.kind AND o.value = t.value AND o.role IS NOT DISTINCT FROM t.role"
        concluded = self._of_others(opened.CONCLUDED)
        duck.append("concluded", f"SELECT o.picture, t.told FROM ({concluded}) AS o JOIN told AS t ON {same}")
        duck.append("picture_remarks", self._of_others(opened.REMARKS))

    def _of_others(self, name: str) -> str:
        """What one of its files says of pictures that are not `anew`."""
        return f"SELECT o.* FROM read_parquet({self.path(name)}) AS o ANTI JOIN {ANEW} AS a ON o.picture = a.picture"

    def hard(self, near: Duck) -> set[int]:
        """Pictures that are not `anew` and whose patients had to be answered alone."""
        return {picture for (picture,) in near.rows(self._of_others(opened.HARD))}

    def firings(self, duck: Engine, edit: Edit) -> str:
        """A query for its firings of pictures that are not `anew`: no rule that is gone held of any of these."""
        others = self._of_others(opened.FIRINGS)
        return others if edit.is_in_place else _renumbered(duck, others, "picture", edit.numbers)

    def entry_firings(self, near: Duck, now: Entries) -> str | None:
        """A query for its firings on entries, where rules have other numbers now; None where they are the same."""
        numbers = dict(zip(now.rules, self.document["entries"]["rules"], strict=True))
        if all(number == was for number, was in numbers.items()):
            return None
        return _renumbered(near, f"SELECT * FROM read_parquet({self.path(opened.ENTRY_FIRINGS)})", "entry", numbers)

    @property
    def lonely(self) -> str:
        """A query for those whom it answered alone."""
        return f"SELECT patient FROM read_parquet({files_in(self.folder, f'{opened.PEOPLE}-*.parquet')}) WHERE alone"

    def is_same(self, duck: Engine, query: str, name: str, of: str = "") -> bool:
        """Whether a query gives what one of its files holds, whatever the order; or both do `of` some pictures."""
        old = f"SELECT * FROM read_parquet({self.path(name)})"
        sums = f"SELECT count(*), sum(hash(r)), sum(hash(r, 1)) FROM (SELECT * FROM ({{}}) {of}) AS r"
        return duck.rows(sums.format(query)) == duck.rows(sums.format(old))


def _renumbered(engine: Engine, firings: str, unit: str, numbers: Mapping[int, int]) -> str:
    """Firings under the numbers that rules have now; `numbers` has those, and the ones that they had."""
    engine.load(f"renumbered_{unit}", ("rule", "was"), sorted(numbers.items()))
    return (
        f"SELECT r.rule::SMALLINT AS rule, f.{unit}, f.bindings FROM ({firings}) AS f "
        f"JOIN renumbered_{unit} AS r ON f.rule = r.was"
    )


def earlier(folder: Path) -> Earlier:
    """The folder of an earlier run; raises CaseError where it is none."""
    answers = opened.opened(folder)
    return Earlier(answers.folder, answers.document)


def link(old: Path, new: Path) -> None:
    """Let a file stand under another name too; where the disk cannot do that, a copy."""
    new.unlink(missing_ok=True)
    try:
        new.hardlink_to(old)
    except OSError:
        shutil.copyfile(old, new)
