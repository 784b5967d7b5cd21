"""Shares of a population, each gathered by itself: what memory holds is a share, and what is finished stays.

A share is everyone whose id falls into one of some equal parts by its hash. Its rows are kept as they were read, which
is where a patient is found again; its pictures join those of the shares before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from citelog.population import pictures
from citelog.population.data.files import located
from citelog.population.data.tables import PATIENTS, Source
from citelog.population.engines.engine import Engine
from citelog.population.pictures import Shape, Wordings


@dataclass(frozen=True, slots=True)
class Share:
    """One of some equal parts of all patients."""

    number: int
    of: int
    store: Path

    @property
    def people(self) -> str:
        """The table of its patients: `patient`, `picture`, `days` (all days that their picture orders), `odd`."""
        return f"people_{self.number:03}"

    @property
    def rows(self) -> Path:
        """The file of its rows."""
        return self.store / f"rows-{self.number:03}.parquet"

    @property
    def query(self) -> str:
        """A query for its rows: patient, list, row, wording, w, s."""
        return f"SELECT * FROM read_parquet({located(self.rows)})"

    @property
    def condition(self) -> str:
        """The condition on `patient`; empty for all."""
        return f"hash(patient) % {self.of} = {self.number}" if self.of > 1 else ""


def everyone(source: Source, share: Share) -> str:
    """A query for the patients of a share: those of their table, or, without one, whoever has entries."""
    where = f" WHERE {share.condition}" if share.condition else ""
    if people := source.relations.get(PATIENTS):
        return f"SELECT patient FROM ({people.query}){where}"
    all_ = " UNION ALL ".join(f"SELECT patient FROM ({relation.query})" for relation in source.relations.values())
    return f"SELECT DISTINCT patient FROM ({all_ or 'SELECT NULL::VARCHAR AS patient WHERE false'}){where}"


def keep_rows(engine: Engine, share: Share, parts: Sequence[Wordings]) -> None:
    """Write a share's rows, unless they are there."""
    if not share.rows.exists():
        engine.write(pictures.every_row(parts, share.condition), share.rows)


def gather(engine: Engine, share: Share, parts: Sequence[Wordings], everyone: str, shape: Shape) -> None:
    """Find everyone's picture; what is there already is not made again.

    Makes or completes the table `pictures`: their numbers, their keys, and the rank of the day of the assessment. The
    rows are taken from `parts`, or, where there are none, from the file of the share.
    """
    if engine.has(share.people):
        return
    make = engine.keep if share.of > 1 else engine.create
    engine.create("visible", "SELECT wording, content, code, sees_when, sees_since FROM said WHERE code IS NOT NULL")
    seen = pictures.visible(parts, share.condition) if parts else pictures.visible_again(share.query)
    sees = engine.rows("SELECT DISTINCT sees_when, sees_since FROM visible")
    dated = [key for i, key in enumerate(("when", "since")) if any(row[i] for row in sees)]
    with_seen = engine.create("keys", pictures.keys(seen, shape, dated))
    count = engine.create("everybody", everyone)
    rank = int(bool(shape.at))
    nothing = f"SELECT []::HUGEINT[] AS key, {rank} AS at_rank WHERE {count > with_seen}"
    odd = "false"
    if engine.rows("SELECT odd FROM said WHERE odd UNION SELECT odd FROM days WHERE odd"):
        rows = pictures.every_row(parts, share.condition) if parts else share.query
        engine.create("odd", pictures.oddities(rows))
        odd = "p.patient IN (SELECT patient FROM odd)"
    new = f"SELECT DISTINCT key, at_rank FROM keys WHERE key IS NOT NULL UNION {nothing}"
    with engine.whole():
        if not engine.has("pictures"):
            make(
                "pictures",
                "SELECT NULL::INTEGER AS picture, []::HUGEINT[] AS key, NULL::INTEGER AS at_rank WHERE false",
            )
        engine.append(
            "pictures",
            "SELECT ((SELECT coalesce(max(picture), 0) FROM pictures) + row_number() OVER (ORDER BY key, at_rank))"
            f"::INTEGER AS picture, key, at_rank FROM ({new}) AS k "
            "ANTI JOIN pictures AS p ON k.key = p.key AND k.at_rank = p.at_rank",
        )
        [(empty,)] = engine.rows("SELECT coalesce(max(picture), 0) FROM pictures WHERE len(key) = 0")
        make(
            share.people,
            f"SELECT p.patient, p.picture, p.days, p.is_crowd OR {odd} AS odd FROM ("
            "SELECT k.patient, coalesce(q.picture, 0) AS picture, k.days, k.key IS NULL AS is_crowd "
            "FROM keys AS k LEFT JOIN pictures AS q ON k.key = q.key AND k.at_rank = q.at_rank UNION ALL "
            f"SELECT e.patient, {empty} AS picture, NULL::INTEGER[] AS days, false AS is_crowd "
            "FROM everybody AS e ANTI JOIN keys AS k ON e.patient = k.patient) AS p",
        )
    for name in ("keys", "everybody", "odd", "visible"):
        engine.drop(name)


def bring_together(engine: Engine, some: Sequence[Share]) -> None:
    """Make the view `people` of all shares."""
    engine.view("people", " UNION ALL ".join(f"SELECT * FROM {share.people}" for share in some))


def all_rows(some: Sequence[Share]) -> str:
    """A query for the rows of all shares."""
    return " UNION ALL ".join(share.query for share in some)
