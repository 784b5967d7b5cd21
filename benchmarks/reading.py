"""How long the data of a population take to become flat tables, in each of their three shapes, beside the floor.

    python benchmarks/reading.py                      # 100,000 patients, run by itself
    python benchmarks/reading.py --patients 1000000 --rounds 1

The floor is the least that anybody must do who reads these files: DuckDB scanning every column of the tables; for Bulk
Data every line parsed, by DuckDB (in C++, on all processors), and by Python's `json` on one.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb

from citelog.knowledge.cache import open_knowledge
from citelog.population import inputs
from measure import interleaved, table
from populations import write


def reading(folder: Path) -> Callable[[], object]:
    """All of a folder read, as `citelog population` reads it."""
    terms = open_knowledge(None).terms

    def read() -> object:
        scratch = Path(tempfile.mkdtemp(dir=folder.parent))
        try:
            with duckdb.connect() as database:
                source = inputs.read(folder, scratch, database, terms)
                for relation in source.relations.values():
                    database.execute(f"SELECT count(*) FROM ({relation.query})").fetchall()
                return source.form
        finally:
            shutil.rmtree(scratch)

    return read


def scanned(folder: Path, ending: str) -> Callable[[], object]:
    """Every column of every table looked at, by DuckDB."""

    def scan() -> object:
        with duckdb.connect() as database:
            for path in sorted(folder.glob(f"*.{ending}")):
                database.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM '{path}'").fetchall()
        return None

    return scan


def parsed_by_duckdb(folder: Path) -> Callable[[], object]:
    """Every line parsed and its type taken out, by DuckDB."""

    def parse() -> object:
        with duckdb.connect() as database:
            query = (
                f"SELECT json ->> '$.resourceType', count(*) FROM read_ndjson_objects('{folder}/*.ndjson') GROUP BY 1"
            )
            return database.execute(query).fetchall()

    return parse


def parsed_by_python(folder: Path) -> Callable[[], object]:
    """Every line parsed, by Python."""

    def parse() -> object:
        count = 0
        for path in sorted(folder.glob("*.ndjson")):
            with path.open("rb") as file:
                for line in file:
                    count += "resourceType" in json.loads(line)
        return count

    return parse


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for shape in ("flat", "bulk", "omop"):
            write(root / shape, chosen.patients, shape)
        tasks = {
            "flat: read": reading(root / "flat"),
            "flat: every column scanned by DuckDB": scanned(root / "flat", "parquet"),
            "OMOP: read": reading(root / "omop"),
            "OMOP: every column scanned by DuckDB": scanned(root / "omop", "parquet"),
            "Bulk Data: read": reading(root / "bulk"),
            "Bulk Data: parsed by DuckDB": parsed_by_duckdb(root / "bulk"),
            "Bulk Data: parsed by Python": parsed_by_python(root / "bulk"),
        }
        lines = sum(1 for path in (root / "bulk").glob("*.ndjson") for _ in path.open("rb"))
        times = interleaved(tasks, chosen.rounds, warmup=0)
        rows = []
        for name, took in times.items():
            floor = times[
                next(other for other in tasks if other.startswith(name.partition(":")[0]) and "DuckDB" in other)
            ]
            each = lines if name.startswith("Bulk") else chosen.patients
            rows.append((name, f"{took.median:.2f} s", f"{each / took.median:,.0f} /s", f"{took.ratio(floor):.1f}"))
        what = f"{chosen.patients:,} patients, {lines:,} resources"
        print(table(what, ("", "time", "patients or resources", "over DuckDB"), rows))
        used = [resource.getrusage(who).ru_maxrss / 1e6 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        print(f"largest process: {max(used):.2f} GB")


if __name__ == "__main__":
    main()
