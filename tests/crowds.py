"""A small population, answered once: its summary, its lists and its pages are held to the patients one by one."""

from __future__ import annotations

import datetime
import json
import random
import tempfile
from functools import cache
from pathlib import Path

import b12
import populations
from citelog.assess import Assessment
from citelog.population.run import Options, run
from oracle.random_cases import random_case
from test_population import EDGES

AT = datetime.date(2026, 3, 15)
HOSTILE = 'a<b>"&%2F?\u202e'
"""An id that a page must show as it is, and that could break an address."""

_kept = tempfile.TemporaryDirectory(prefix="citelog-crowd-", ignore_cleanup_errors=True)


@cache
def records() -> dict[str, populations.Record]:
    """Cases of the library, records at the edges, drawn ones; some of them twice."""
    rng = random.Random(3)
    some: dict[str, populations.Record] = {n: c.record for n, c in list(b12.library().items())[::8]}
    drawn = {f"drawn {i}": {**random_case(rng), "id": None} for i in range(12)}
    hostile = {HOSTILE: {"labs": [{"analyte": "serum vitamin B12", "value": "<b>80", "unit": "pmol/L"}]}}
    twice = {**drawn, "superseded": EDGES["superseded"]}
    return {**some, **EDGES, **drawn, **{f"{name} again": record for name, record in twice.items()}, **hostile}


@cache
def answered() -> Path:
    """The folder of their answers, by a run in several shares; one row of the data could not be read."""
    folder = Path(_kept.name)
    populations.write(folder / "data", records())
    with (folder / "data" / "preferences.csv").open("a", encoding="utf-8") as file:
        file.write('"","route","oral"\n')
    run(b12.knowledge(), folder / "data", folder / "out", Options(AT, share_rows=150))
    assert json.loads((folder / "out" / "run.json").read_text())["shares"] > 1
    return folder / "out"


@cache
def one_by_one() -> dict[str, Assessment]:
    """The assessment of each of them alone."""
    return dict(zip(records(), populations.assessments(b12.knowledge(), records().values(), AT), strict=True))
