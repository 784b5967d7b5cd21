"""The log: what a tamper-evident append costs beside a bare one, what a look at all of it takes, and one proof.

The peers do less, and are given each entry ready made. *Bare SQLite* writes the same bytes into one table, each commit
as durable (`synchronous=EXTRA`, a rollback journal) or the batch in one transaction: no tree, no signature, no second
file. *pymerkle* keeps a Merkle tree in SQLite, leaves only, with SQLite's own defaults (`synchronous=FULL`); it signs
nothing, and cannot tell what was changed: to look at all is to compute its root from all leaves again, and its proofs
are computed from the leaves too. *The disk alone* makes the calls to the disk that an append of ours makes (six
`fsync`, two files that come and go) and nothing else: no log that is as careful can be below that.

Appends take turns in blocks, so a slow minute of the disk is slow for all; looks at a whole log are timed by the
processor's own clock.

    python benchmarks/log.py [--entries 100000] [--single 10000] [--receipt 1000] [--json figures.json]
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pymerkle

from citelog.ledger import entry, moment
from citelog.ledger.entry import Record
from citelog.ledger.log import Log
from citelog.ledger.proofs import check, prove
from measure import table

BLOCK = 500
PAGE = 4096
KNOWLEDGE = {"id": "knowledge", "version": "1.0.0", "sha256": "ab" * 32}
ENGINE = {"citelog": "0.1.0", "code": "cd" * 32, "python": "3.11.7", "reasoner": "pyDatalog 0.22.4"}


def record(number: int, size: int) -> Record:
    """An assessment whose receipt has some size."""
    return Record("citelog assess", KNOWLEDGE, ENGINE, b"%012d" % number + bytes(size - 12))


def leaf(number: int, size: int) -> tuple[bytes, bytes]:
    """The entry that the log would make of it, with its salt: what the peers are given."""
    salt = moment.salt()
    return entry.assessment(number, moment.stamp(), record(number, size), salt), salt


class Bare:
    """The same bytes in a table of SQLite, as durable."""

    def __init__(self, path: Path) -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.execute("PRAGMA synchronous=EXTRA")
        self.connection.execute("CREATE TABLE entries (n INTEGER PRIMARY KEY, entry BLOB, salt BLOB)")

    def append(self, leaves: list[tuple[bytes, bytes]]) -> None:
        """In one transaction."""
        self.connection.execute("BEGIN IMMEDIATE")
        self.connection.executemany("INSERT INTO entries (entry, salt) VALUES (?, ?)", leaves)
        self.connection.execute("COMMIT")


class Pymerkle:
    """pymerkle's tree in SQLite."""

    def __init__(self, path: Path) -> None:
        self.tree = pymerkle.SqliteTree(str(path), algorithm="sha256")

    def append(self, leaves: list[tuple[bytes, bytes]]) -> None:
        """One by one, or as a batch."""
        if len(leaves) == 1:
            self.tree.append_entry(leaves[0][0])
        else:
            self.tree.append_entries([text for text, _ in leaves])


class Disk:
    """The calls to the disk of one append, in their order (`ledgers.py trace` shows them), and nothing else."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder, self.table = folder, folder / "table"
        self.table.write_bytes(bytes(PAGE))

    def append(self, leaves: list[tuple[bytes, bytes]]) -> None:
        """As many bytes as the entries have, behind what is there."""
        data = b"".join(text for text, _ in leaves)
        new, journal = self.folder / "checkpoint.new", self.folder / "journal"
        with new.open("wb") as file:
            _synced(file, bytes(200))
        with journal.open("wb") as file:
            _synced(file, bytes(4 * PAGE))
            self._synced()
            file.seek(0)
            _synced(file, bytes(28))
        with self.table.open("ab") as file:
            _synced(file, data)
        journal.unlink()
        self._synced()
        new.replace(self.folder / "checkpoint")

    def _synced(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)


def _synced(file: BinaryIO, data: bytes) -> None:
    file.write(data)
    file.flush()
    os.fsync(file.fileno())


def appended(entries: int, size: int, batch: int, folder: Path) -> dict[str, Any]:
    """Entries appended by all of them, in blocks that take turns: the seconds of each, and for one by one the p99."""
    log = Log.make(folder / f"log-{batch}")
    bare, tree = Bare(folder / f"bare-{batch}"), Pymerkle(folder / f"pymerkle-{batch}")
    disk = Disk(folder / f"disk-{batch}")
    seconds: dict[str, list[float]] = {"citelog": [], "bare SQLite": [], "pymerkle": [], "the disk alone": []}
    for begin in range(0, entries, max(BLOCK, batch)):
        numbers = range(begin + 1, min(entries, begin + max(BLOCK, batch)) + 1)
        given = [record(number, size) for number in numbers]
        leaves = [leaf(number, size) for number in numbers]
        for name, append, things in (
            ("citelog", log.append, given),
            ("bare SQLite", bare.append, leaves),
            ("pymerkle", tree.append, leaves),
            ("the disk alone", disk.append, leaves),
        ):
            for i in range(0, len(things), batch):
                started = time.perf_counter()
                append(things[i : i + batch])  # type: ignore[operator]
                seconds[name].append(time.perf_counter() - started)
    return {
        name: {
            "per second": round(entries / sum(taken)),
            "p50 ms": round(statistics.median(taken) * 1e3, 2),
            "p99 ms": round(sorted(taken)[len(taken) * 99 // 100] * 1e3, 2),
        }
        for name, taken in seconds.items()
    }


def looked(path: Path) -> dict[str, Any]:
    """A look at all of a log in a process of its own: seconds, and the most memory that it took."""
    code = (
        "import json, sys, time; from pathlib import Path; from citelog.ledger.verified import verify\n"
        "started = time.process_time(); found = verify(Path(sys.argv[1])); assert found.holds\n"
        "taken = round(time.process_time() - started, 2)\n"
        "status = dict(line.split(':', 1) for line in Path('/proc/self/status').read_text().splitlines())\n"
        "peak = round(int(status['VmHWM'].split()[0]) / 1024)\n"
        "print(json.dumps({'seconds': taken, 'entries': found.read, 'peak MB': peak}))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def timed(work: Callable[[], object], times: int) -> float:
    """The median of some times of the processor, in milliseconds."""
    taken = []
    for _ in range(times):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return round(statistics.median(taken) * 1e3, 3)


def run(entries: int, single: int, size: int, place: Path | None) -> tuple[str, dict[str, Any]]:
    """Measure; the tables, and the same as data."""
    with tempfile.TemporaryDirectory(dir=place) as scratch:
        folder = Path(scratch)
        figures: dict[str, Any] = {"entries": entries, "receipt bytes": size}
        tables = []
        for what, number, batch in (("one by one", single, 1), ("a thousand a commit", entries, 1_000)):
            found = appended(number, size, batch, folder)
            figures[what] = found
            bare, disk = found["bare SQLite"]["p50 ms"], found["the disk alone"]
            rows = [
                (
                    name,
                    f"{of['per second']:,}",
                    f"{of['p50 ms']:.2f}",
                    f"{of['p99 ms']:.2f}",
                    f"{of['p50 ms'] / bare:.1f}",
                    f"{of['p50 ms'] / disk['p50 ms']:.1f}",
                    f"{of['p99 ms'] / disk['p99 ms']:.1f}",
                )
                for name, of in found.items()
            ]
            head = (what, "entries a second", "p50 ms", "p99 ms", "p50 / bare SQLite", "p50 / disk", "p99 / disk")
            tables.append(table(f"{number:,} appends, {what}", head, rows))
        path, peer = folder / "log-1000", folder / "pymerkle-1000"
        look = looked(path)
        tree = pymerkle.SqliteTree(str(peer), algorithm="sha256")
        middle = entries // 2
        root = timed(lambda: _root(peer), 3)
        ours = timed(lambda: prove(path, middle), 30)
        theirs = timed(lambda: tree.prove_inclusion(middle, entries), 3)
        proof, key = prove(path, middle), Log.open(path).key.public
        figures |= {
            "verify": look | {"pymerkle's root, seconds": round(root / 1e3, 2)},
            "prove one, ms": {"citelog": ours, "pymerkle": theirs},
            "check one, ms": timed(lambda: check(proof, key), 30),
            "bytes an entry": {
                "citelog": round((path / "log.sqlite").stat().st_size / (entries + 1)),
                "bare SQLite": round((folder / "bare-1000").stat().st_size / entries),
                "pymerkle": round(peer.stat().st_size / entries),
                "the entry itself": len(leaf(middle, size)[0]),
            },
        }
        hashed = timed(lambda: entry.salted(bytes(32), bytes(100_000)), 30)
        rate = look["entries"] / look["seconds"]
        rows = [
            ("look at all", f"{look['seconds']:.2f} s", f"{root / 1e3:.2f} s (the root alone)"),
            ("entries a second", f"{rate:,.0f}", f"{entries / root * 1e3:,.0f}"),
            ("most memory", f"{look['peak MB']} MB", "-"),
            ("prove one", f"{ours:.2f} ms", f"{theirs:.2f} ms"),
            ("check one", f"{figures['check one, ms']:.2f} ms", "-"),
            ("hash a receipt of 100,000 bytes", f"{hashed:.2f} ms", "-"),
            ("bytes an entry", *(f"{figures['bytes an entry'][name]}" for name in ("citelog", "pymerkle"))),
        ]
        tables.append(table(f"a log of {entries:,} entries", ("", "citelog", "pymerkle"), rows))
        return "\n".join(tables), figures


def _root(path: Path) -> bytes:
    """pymerkle's root, with nothing kept in memory from before."""
    with pymerkle.SqliteTree(str(path), algorithm="sha256") as tree:
        root: bytes = tree.get_root()
    return root


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000, help="of the log (100000)")
    parser.add_argument("--single", type=int, default=10_000, help="appended one by one (10000)")
    parser.add_argument("--receipt", type=int, default=1_000, help="bytes of each receipt (1000)")
    parser.add_argument("--folder", type=Path, help="on the disk that is meant (that of temporary files)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    asked = parser.parse_args()
    text, figures = run(asked.entries, asked.single, asked.receipt, asked.folder)
    print(text)
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
