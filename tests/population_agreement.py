"""Drawn patients and drawn programs by two roads, one after another and all at once, and a tally that adds up.

    python tests/population_agreement.py --patients 100000 --programs 10000 --first 0 --tally agreement.jsonl

Each line of the tally is a batch: its kind, its seeds, how many were compared, how many conclusions they have (of
programs: facts and firings), and every difference; a batch that stands in it is not run again, so that a run can be
stopped and gone on with. The exit status is 1 if anything differs, or if nothing was concluded that could.
"""

from __future__ import annotations

import argparse
import datetime
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import b12
import changed_records
import exported
import populations
import random_knowledge
from oracle.random_cases import random_case
from test_export import drawn_differs
from test_population import both_roads

AT = (None, datetime.date(2026, 3, 15), datetime.date(2026, 1, 18))
BATCH: Mapping[str, int] = {"patients": 1000, "knowledge": 20, "programs": 50}

Batch = dict[str, Any]


def patients(first: int, count: int) -> Batch:
    """Drawn records of two makes, on a day that the seed gives."""
    rng = random.Random(first)
    records: dict[str, populations.Record] = {}
    for number in range(first, first + count):
        drawn = {**random_case(rng), "id": None} if number % 3 else changed_records.random_record(number)[0]
        records[f"p{number}"] = drawn
    with tempfile.TemporaryDirectory() as folder:
        at = AT[first // count % len(AT)]
        found = populations.compare(b12.knowledge(), records, Path(folder), at)
    return {"compared": found.patients, "conclusions": found.conclusions, "differences": found.differences}


def knowledge(first: int, count: int) -> Batch:
    """Drawn rule bases about records, each over twelve drawn records, with and without a day."""
    compared, conclusions, differences = 0, 0, []
    for seed in range(first, first + count):
        made, _, records = random_knowledge.concluding(random.Random(seed), 12)
        for at in (None, random_knowledge.DAY):
            with tempfile.TemporaryDirectory() as folder:
                found = populations.compare(made, records, Path(folder), at)
            compared += found.patients
            conclusions += found.conclusions
            differences += [f"seed {seed}, {at}: {one}" for one in found.differences]
    return {"compared": compared, "conclusions": conclusions, "differences": differences}


def programs(first: int, count: int) -> Batch:
    """Drawn programs over three drawn sets of facts each, facts and firings; clingo too, where it has the language."""
    conclusions, in_clingo, differences = 0, 0, []
    for seed in range(first, first + count):
        found = both_roads(seed)
        conclusions += found.conclusions
        differences += [f"seed {seed}: {one}" for one in found.differences]
        third = drawn_differs("clingo", seed, exported.clingo)
        in_clingo += third is not None
        differences += [f"seed {seed}: clingo: {one}" for one in sorted(third or ())]
    return {"compared": count, "conclusions": conclusions, "in_clingo": in_clingo, "differences": differences}


KINDS: Mapping[str, Callable[[int, int], Batch]] = {
    "patients": patients, "knowledge": knowledge, "programs": programs,
}  # fmt: skip


def batches(kind: str, first: int, total: int) -> Iterator[tuple[int, int]]:
    """The first seed and the size of each batch."""
    for start in range(first, first + total, BATCH[kind]):
        yield start, min(BATCH[kind], first + total - start)


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--tally", type=Path, default=Path("agreement.jsonl"))
    chosen = parser.parse_args(arguments)
    known = [json.loads(line) for line in chosen.tally.read_text().splitlines()] if chosen.tally.exists() else []
    done = {(one["kind"], one["first"], one["count"]) for one in known}
    for kind, run in KINDS.items():
        for first, count in batches(kind, chosen.first, getattr(chosen, kind)):
            if (kind, first, count) in done:
                continue
            began = time.perf_counter()
            made = {"kind": kind, "first": first, "count": count} | run(first, count)
            made["seconds"] = round(time.perf_counter() - began, 1)
            known.append(made)
            with chosen.tally.open("a") as file:
                file.write(json.dumps(made, ensure_ascii=False) + "\n")
    agreed = True
    for kind in KINDS:
        of = [one for one in known if one["kind"] == kind]
        compared, conclusions = sum(one["compared"] for one in of), sum(one["conclusions"] for one in of)
        differences = [two for one in of for two in one["differences"]]
        agreed &= not differences and bool(conclusions or not of)
        print(f"{kind}: {compared:,} compared, {conclusions:,} conclusions, {len(differences)} differences")
        print(*differences[:10], sep="\n", end="\n" if differences else "")
    return 0 if agreed else 1


if __name__ == "__main__":
    sys.exit(main())
