"""Shares of a population, each gathered by itself: what memory holds is a share, and what is finished stays.

A share is everyone whose id falls into one of some equal parts by its hash. Its rows are kept as they were read, which
is where a patient is found again; its pictures join those of the shares before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from citelog.population import pictures
from citelog.population.engine import Engine
from citelog.population.pictures import Shape, Wordings, literal
from citelog.population.tables import PATIENTS, Source


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
        return f"SELECT * FROM read_parquet({literal(str(self.rows))})"

    @property
    def condition(self) -> str:
        """The condition on `patient`; empty for all."""
        return f"hash(patient) % {self.of} = {self.number}" if self.of > 1 else ""


def everyone(source: Source, share: Share) -> str:
    """A query for the patients of a share; if there is a table of them, whoever has entries stands in it."""
    where = f" WHERE {share.condition}" if share.condition else ""
    people = source.relations.get(PATIENTS)
    relations = [people] if people else source.relations.values()
    all_ = " UNION ALL ".join(f"SELECT patient FROM ({relation.query})" for relation in relations)
    return f"SELECT DISTINCT patient FROM ({all_ or 'SELECT NULL::VARCHAR AS patient WHERE false'}){where}"


def keep_rows(engine: Engine, share: Share, parts: Sequence[Wordings]) -> None:
    """Write a share's rows, as they are read, unless they are there."""
    if not share.rows.exists():
        engine.write(pictures.every_row(parts, share.condition), share.rows)


def gather(engine: Engine, share: Share, parts: Sequence[Wordings], everyone: str, shape: Shape) -> None:
    """Find everyone's picture; what is there already is not made again.

    Makes or completes the table `pictures`: their numbers, their keys, and the rank of the day of the assessment.
    """
    if engine.has(share.people):
        return
    engine.create(
        "visible", "SELECT wording, content, code, sees_when, sees_since FROM said WHERE code IS NOT NULL"
    )
    with_seen = engine.create("keys", pictures.keys(parts, share.condition, shape))
    count = engine.create("everybody", everyone)
    rank = int(bool(shape.at))
    nothing = f"SELECT []::HUGEINT[] AS key, {rank} AS at_rank WHERE {count > with_seen}"
    has_odd = engine.rows("SELECT odd FROM said WHERE odd UNION SELECT odd FROM days WHERE odd")
    engine.create("odd", pictures.oddities(pictures.every_row(parts, share.condition)) if has_odd else "SELECT NULL::VARCHAR AS patient WHERE false")
    new = f"SELECT DISTINCT key, at_rank FROM keys WHERE key IS NOT NULL UNION {nothing}"
    with engine.whole():
        if not engine.has("pictures"):
            engine.keep(
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
        engine.keep(
            share.people,
            f"SELECT e.patient, coalesce(q.picture, CASE WHEN k.patient IS NULL THEN {empty} ELSE 0 END)::INTEGER "
            "AS picture, k.days, o.patient IS NOT NULL OR (k.patient IS NOT NULL AND k.key IS NULL) AS odd "
            "FROM everybody AS e LEFT JOIN keys AS k ON e.patient = k.patient "
            "LEFT JOIN pictures AS q ON k.key = q.key AND k.at_rank = q.at_rank "
            "LEFT JOIN odd AS o ON e.patient = o.patient",
        )
    for name in ("keys", "everybody", "odd", "visible"):
        engine.drop(name)


def bring_together(engine: Engine, some: Sequence[Share]) -> None:
    """Make the view `people` of all shares."""
    engine.view("people", " UNION ALL ".join(f"SELECT * FROM {share.people}" for share in some))


def all_rows(some: Sequence[Share]) -> str:
    """A query for the rows of all shares."""
    return " UNION ALL ".join(share.query for share in some)
