"""A population on a Spark cluster that loses a worker in the middle, beside DuckDB: whether the answers are the same.

    python benchmarks/cluster.py --patients 1000000 --after 100 --scratch /large/disk

A master and two workers listen to this machine alone. When so many tasks have ended, the first worker and its executor
are halted, so that what it has in hand cannot end, and then killed, as by a power cut. Every conclusion and every note
is compared with those that DuckDB has written, both ways and as often as each stands there. The times say what a
cluster of two processes on one machine costs, and nothing about a real one.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import duckdb

import populations

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tests"))
from clusters import Cluster, Executor, running  # noqa: E402

FILES = {"conclusions": "patient, kind, value, role", "notes": "patient, text, read_from"}
"""What is compared: files, and their columns."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; 1 where answers differ, or where nothing was lost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--patients", type=int, default=100_000)
    parser.add_argument("--after", type=int, default=100, help="tasks that end before a worker is lost (default 100)")
    parser.add_argument("--scratch", type=Path, help="a folder for data and answers (default: the system's)")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(dir=asked.scratch) as place:
        folder = Path(place)
        populations.write(folder / "data", asked.patients, "flat", 7)
        took = time.perf_counter()
        subprocess.run(command(folder, "duckdb"), check=True)
        print(f"DuckDB: {time.perf_counter() - took:.1f} s", flush=True)
        (folder / "cluster").mkdir()
        with running(folder / "cluster") as cluster:
            took = time.perf_counter()
            run = subprocess.Popen(command(folder, "spark", "--engine", "spark", "--master", cluster.master))
            gone = lose(cluster, run, asked.after)
            if run.wait():
                return 1
            print(f"Spark: {time.perf_counter() - took:.1f} s", flush=True)
            ended = Counter((task.executor, task.ended) for task in cluster.tasks())
        for (executor, how), count in sorted(ended.items()):
            was = "the executor that was killed" if gone and executor == gone.id else f"executor {executor}"
            print(f"{was}: {count} tasks, {how}")
        different = [differing(folder, name, columns) for name, columns in FILES.items()]
    return int(any(different) or gone is None)


def command(folder: Path, name: str, *options: str) -> list[str]:
    """The command for answers in a folder of that name."""
    out = ["--out", str(folder / name), "--at", "2026-03-15"]
    return [sys.executable, "-m", "citelog", "population", str(folder / "data"), *out, *options]


def lose(cluster: Cluster, run: subprocess.Popen[bytes], after: int) -> Executor | None:
    """Kill the first worker once so many tasks have ended; its executor, or None where the run ended before."""
    began, worker = time.perf_counter(), cluster.workers[0]
    while run.poll() is None:
        executor = worker.executor()
        if executor and len(cluster.tasks()) >= after:
            os.kill(executor.process, signal.SIGSTOP)
            time.sleep(2)  # until it is given something, if it has nothing in hand
            worker.kill(executor)
            print(f"a worker is killed after {time.perf_counter() - began:.1f} s", flush=True)
            return executor
        time.sleep(0.2)
    return None


def differing(folder: Path, name: str, columns: str) -> int:
    """How many rows of a file only one of the two has, told with how many there are."""
    ours, theirs = (f"SELECT {columns} FROM '{folder / who / name}.parquet'" for who in ("duckdb", "spark"))
    [(rows,)] = duckdb.sql(f"SELECT count(*) FROM ({ours})").fetchall()
    both = f"(({ours}) EXCEPT ALL ({theirs})) UNION ALL (({theirs}) EXCEPT ALL ({ours}))"
    [(count,)] = duckdb.sql(f"SELECT count(*) FROM ({both})").fetchall()
    print(f"{name}: {rows:,}, of which {count:,} differ", flush=True)
    return int(count)


if __name__ == "__main__":
    sys.exit(main())
