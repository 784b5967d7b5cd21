"""Logs for the tests: made quickly, damaged, forged, and written by processes that are ended.

As a program it is the process that has its children ended: `python ledgers.py TASK LOG …` (see `main`).
"""

from __future__ import annotations

import functools
import json
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog.diagnostics import CitelogError
from citelog.ledger import entry, verified
from citelog.ledger.entry import Record
from citelog.ledger.log import Log
from citelog.ledger.note import Checkpoint, NoteError, PrivateKey, PublicKey, Signed
from citelog.ledger.rows import DamagedLogError, Row, Rows, check_header
from citelog.ledger.tree import Edge, leaf_hash
from citelog.ledger.verified import SHOWN, Fault, Held, look, verify

HERE = Path(__file__).parent
KNOWLEDGE = {"id": "leaflet", "version": "1", "sha256": "ab" * 32}
ENGINE = {"citelog": "0.1.0", "reasoner": "pyDatalog 0.22.4"}


def record(name: object) -> Record:
    """An assessment that has a receipt of its own."""
    return Record("citelog assess", KNOWLEDGE, ENGINE, b"the receipt of %s" % str(name).encode())


def made(path: Path, assessments: int, keep: str = "hashes") -> Log:
    """A log with some entries beside the one that opens it."""
    log = Log.make(path, "ward", keep)
    if assessments:
        log.append([record(number) for number in range(1, assessments + 1)])
    return log


def checkpoint(path: Path) -> bytes:
    """The checkpoint that somebody would fetch and keep."""
    return (path / "checkpoint").read_bytes()


# the attacker, who can write every file


def stored(path: Path) -> list[Row]:
    """The entries as they stand."""
    with Rows.open(path / "log.sqlite") as rows:
        return list(rows.rows(rows.size()))


def numbered(rows: Iterable[Row]) -> list[Row]:
    """Entries in a new order, each saying the number that it now has."""
    found = []
    for number, row in enumerate(rows):
        said = json.loads(row.entry) | {"number": number}
        found.append(Row(number, b"", entry.canonical(said), row.salt, row.receipt))
    return found


def forge(path: Path, rows: Iterable[Row], key: PrivateKey) -> None:
    """The whole log written anew: every hash computed, everything signed, the public key replaced."""
    edge, written = Edge(), []
    for row in rows:
        edge, hashes = edge.add(leaf_hash(row.entry))
        written.append(Row(row.number, b"".join(hashes), row.entry, row.salt, row.receipt))
    note = key.sign(Checkpoint(key.name, edge.size, edge.root))
    (path / "log.sqlite").unlink()
    table = Rows.create(path / "log.sqlite")
    with table.transaction():
        table.append(written, note)
    table.connection.close()
    (path / "checkpoint").write_bytes(note)
    (path / "public-key").write_text(f"{key.public.text}\n")


# damage


@dataclass(frozen=True)
class Whole:
    """A log at rest as bytes, and what can be read from it."""

    table: bytes
    beside: bytes
    key: bytes
    rows: tuple[Row, ...]
    inside: bytes

    @classmethod
    def of(cls, path: Path) -> Whole:
        """The log in a folder."""
        files = ((path / name).read_bytes() for name in ("log.sqlite", "checkpoint", "public-key"))
        with Rows.open(path / "log.sqlite") as rows:
            return cls(*files, tuple(rows.rows(rows.size())), rows.head())

    def seen(
        self, table: bytes | None = None, beside: bytes | None = None, key: bytes | None = None, most: int = SHOWN
    ) -> Seen:
        """What a look at the log finds, with a file replaced."""
        try:
            own = PublicKey.read((self.key if key is None else key).decode("utf-8", "replace"))
        except NoteError as error:
            return Seen((Fault("other-key", str(error)),), (), b"")
        connection = sqlite3.connect(":memory:")
        try:
            looked_at = self.table if table is None else table
            check_header(looked_at[:100])
            connection.deserialize(looked_at)
            rows = Rows(connection)
            rows.check_form()
            held = Held(rows.size(), rows.head(), self.beside if beside is None else beside)
            found = look(rows, held, own, most=most)
            if not found.holds:
                return Seen(found.faults, (), b"")
            return Seen((), tuple(rows.rows(held.size)), rows.head())
        except DamagedLogError as error:
            return Seen((Fault("unreadable", error.what, error.number),), (), b"")
        except sqlite3.Error as error:  # deserialize takes no file of this length
            return Seen((Fault("unreadable", str(error), 0),), (), b"")
        finally:
            connection.close()

    def unchanged(self, seen: Seen) -> bool:
        """Whether every entry, everything beside it, and the checkpoint are read as they were, byte for byte."""
        return seen.rows == self.rows and seen.inside == self.inside

    def outcome(self, **replaced: bytes) -> str:
        """What comes of a damage: `named` (an entry), `noticed`, `unchanged`, or `missed`."""
        seen = self.seen(**replaced, most=1)
        if seen.faults:
            return "named" if any(fault.number is not None for fault in seen.faults) else "noticed"
        return "unchanged" if self.unchanged(seen) else "missed"


def remember() -> None:
    """Have functions that depend on nothing but bytes remember what they gave: a million looks are alike."""
    for module, name in (
        (entry, "read"),
        (verified, "leaf_hash"),
        (verified, "node_hash"),
        (Signed, "read"),
        (PublicKey, "verifies"),
        (PublicKey, "read"),
    ):
        setattr(module, name, functools.lru_cache(10_000)(getattr(module, name)))


@dataclass(frozen=True)
class Seen:
    """What was found wrong; where nothing was, what was read."""

    faults: tuple[Fault, ...]
    rows: tuple[Row, ...]
    inside: bytes


def flipped(data: bytes, bit: int) -> bytes:
    """Bytes with one bit changed."""
    changed = bytearray(data)
    changed[bit >> 3] ^= 1 << (bit & 7)
    return bytes(changed)


def counted(outcomes: Iterable[str]) -> dict[str, int]:
    """How often each outcome came."""
    return dict(Counter(outcomes))


# the disk


def faults_library(folder: Path) -> Path | None:
    """The library that makes a disk fail, compiled; None where there is no compiler."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or sys.platform != "linux":
        return None
    made = folder / "disk_faults.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", made, HERE / "disk_faults.c", "-ldl"]
    subprocess.run(command, check=True)
    return made


def run(*task: object, library: Path | None = None) -> Any:
    """What a task of this program found."""
    environment = {**os.environ, "PYTHONPATH": f"{HERE.parent / 'engine'}:{HERE}"}
    if library is not None:
        environment["LD_PRELOAD"] = str(library)
    command = [sys.executable, str(HERE / "ledgers.py"), *map(str, task)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# the tasks, in a process of their own


def kills(path: Path, times: int, seed: int) -> dict[str, Any]:
    """A child appends and says each number, until it is killed at a random moment; the log is looked at. And again."""
    draw, log = random.Random(seed), Log.open(path)
    acknowledged: dict[int, str] = {}
    wrong: list[str] = []
    left, behind = 0, 0
    for cycle in range(times):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            for i in range(1_000_000):
                number = log.append([record(f"{cycle}.{i}")]).numbers[0]
                os.write(write, struct.pack("II", number, i))
        os.close(write)
        started, many = time.monotonic(), draw.randrange(6)
        told = b"".join(os.read(read, 8) for _ in range(many))
        usual = (time.monotonic() - started) / many if many else 0.005
        time.sleep(draw.uniform(0.0, 1.5 * usual))  # somewhere in the next append, or the one after
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with os.fdopen(read, "rb") as pipe:
            told += pipe.read()
        for number, i in struct.iter_unpack("II", told[: len(told) // 8 * 8]):
            if number in acknowledged:
                wrong.append(f"cycle {cycle}: entry {number} was acknowledged twice")
            acknowledged[number] = f"{cycle}.{i}"
        left += log.folder.journal.exists()
        found = verify(path)
        behind += any("behind" in notice for notice in found.notices)
        wrong += [f"cycle {cycle}: {fault}" for fault in found.faults]
    rows = {row.number: row for row in stored(path)} if not log.folder.journal.exists() else {}
    if not rows:
        log.append([record("the last")])
        rows = {row.number: row for row in stored(path)}
    for number, name in acknowledged.items():
        if number not in rows or not is_of(rows[number], name):
            wrong.append(f"entry {number} was acknowledged as {name}, and is not there")
    return {
        "kills": times,
        "acknowledged": len(acknowledged),
        "entries": len(rows),
        "journals left": left,
        "checkpoints behind": behind,
        "wrong": wrong,
    }


def is_of(row: Row, name: str) -> bool:
    """Whether an entry is of a receipt that `record` made."""
    said = json.loads(row.entry)
    return bool(row.salt and entry.salted(row.salt, record(name).receipt).hex() == said.get("receipt"))


def faults(path: Path, kind: str, number: str) -> dict[str, Any]:
    """An append of eight entries to a copy of a log, once for each of its calls to the disk, at which a fault happens.

    `number` is that of an error, or empty. After each: what was acknowledged is there, the log verifies, and the next
    append succeeds.
    """
    wrong: list[str] = []
    ended: dict[str, int] = {}
    for at in range(1, 1000):
        copy = _copy(path)
        before = len(stored(copy))
        fault = f"{kind}:{at}:{number}" if number else f"{kind}:{at}"
        told, happened = _append_with(copy, fault)
        ended[told] = ended.get(told, 0) + 1
        wrong += [f"{fault}: {what}" for what in _after(copy, before, told)]
        shutil.rmtree(copy.parent)
        if not happened:
            return {"faults": at - 1, "ended": ended, "wrong": wrong}
    raise AssertionError("an append of eight entries has no thousand calls")


def _copy(path: Path) -> Path:
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="citelog-faults-"))
    shutil.copytree(path, folder / "log")
    shutil.copy2(f"{path}.key", folder / "log.key")
    return folder / "log"


def _append_with(path: Path, fault: str) -> tuple[str, bool]:
    """How an append ended (`acknowledged`, `refused`, `killed`), and whether the fault happened."""
    mark = path.with_name("it-happened")
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        log = Log.open(path)
        os.environ["FAULT_MARK"] = str(mark)
        os.environ["FAULT_FOLDER"] = str(path)
        os.environ["FAULT"] = fault
        try:
            log.append([record(f"new.{i}") for i in range(8)])
            told = b"acknowledged"
        except CitelogError as error:
            told = b"refused" if "\n   = " in str(error) else b"unclear"
        del os.environ["FAULT"]
        os.write(write, told)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        told = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    return "killed" if os.WIFSIGNALED(status) else told, mark.exists()


def _after(path: Path, before: int, told: str) -> Iterator[str]:
    """What is wrong with a log after an append that ended so."""
    found = verify(path)
    yield from (f"{fault.code} {fault.text}" for fault in found.faults)
    size = found.checkpoint.size if found.checkpoint else 0
    if size not in (before, before + 8):
        yield f"{size} entries: some of the eight, and not all"
    if told == "acknowledged" and size != before + 8:
        yield "what was acknowledged is not there"
    try:
        Log.open(path).append([record("after")])
    except CitelogError as error:
        yield f"the next append: {error}"
        return
    again = verify(path)
    yield from (f"after the next append: {fault.code} {fault.text}" for fault in again.faults)


def journals(path: Path, seed: int, each: int) -> dict[str, Any]:
    """What comes of a journal that an interrupted append left, if it is deleted, cut or changed before anyone looks.

    Every journal that an append of eight entries can leave, killed at each of its calls to the disk.
    """
    draw = random.Random(seed)
    outcomes: dict[str, int] = {}
    wrong: list[str] = []
    for at in range(1, 1000):
        copy = _copy(path)
        before = stored(copy)
        _, happened = _append_with(copy, f"kill:{at}")
        journal = copy / "log.sqlite-journal"
        if not happened:
            shutil.rmtree(copy.parent)
            break
        whole = journal.read_bytes() if journal.exists() else b""
        cuts = [draw.randrange(len(whole)) for _ in range(each)] if whole else []
        bits = [draw.randrange(8 * len(whole)) for _ in range(each)] if whole else []
        changed = [("cut", whole[:n]) for n in cuts] + [("flipped", flipped(whole, bit)) for bit in bits]
        for what, data in [("deleted", b""), *changed] if whole else []:
            journal.unlink(missing_ok=True)
            if what != "deleted":
                journal.write_bytes(data)
            found = verify(copy)
            came = "noticed" if found.faults else "whole"
            outcomes[f"{what}: {came}"] = outcomes.get(f"{what}: {came}", 0) + 1
            if not found.faults:
                rows = read(copy)
                if [r.entry for r in rows[: len(before)]] != [r.entry for r in before]:
                    wrong.append(f"kill:{at}, journal {what}: an acknowledged entry is another")
        shutil.rmtree(copy.parent)
    return {"outcomes": outcomes, "wrong": wrong}


def read(path: Path) -> list[Row]:
    """The entries, also where a writer was interrupted."""
    from citelog.ledger.log import reading

    with reading(path) as (_, rows):
        return list(rows.rows(rows.size()))


def trace(path: Path, file: Path) -> list[str]:
    """Every call to the disk of one append, in order."""
    file.unlink(missing_ok=True)
    told, _ = _append_with(path, f"trace:{file}")
    assert told == "acknowledged"
    return [line.replace(f"{path}", "LOG") for line in file.read_text().splitlines()]


def left(path: Path) -> int:
    """An append that is killed where it leaves a journal which has to be undone: before the journal is deleted."""
    copy = _copy(path)
    calls = trace(copy, copy.parent / "calls")
    shutil.rmtree(copy.parent)
    at = 1 + next(i for i, call in enumerate(calls) if call == "unlink LOG/log.sqlite-journal")
    _append_with(path, f"kill:{at}")
    return at


def flips(path: Path, slice_: int, of: int) -> dict[str, int]:
    """What comes of every single-bit flip of a slice of the table."""
    whole = Whole.of(path)
    remember()
    return counted(whole.outcome(table=flipped(whole.table, b)) for b in range(slice_, 8 * len(whole.table), of))


def cuts(path: Path, slice_: int, of: int) -> dict[str, int]:
    """What comes of every length of a slice to which the table is cut."""
    whole = Whole.of(path)
    remember()
    return counted(whole.outcome(table=whole.table[:length]) for length in range(slice_, len(whole.table), of))


def appends(path: Path, name: str, times: int) -> list[int]:
    """One writer of several: the numbers that it was told."""
    log = Log.open(path)
    return [log.append([record(f"{name}.{i}")]).numbers[0] for i in range(times)]


def full(path: Path, limit: int) -> dict[str, Any]:
    """Appends until no file may grow beyond `limit` bytes: the numbers that were told, and the message."""
    import resource

    log = Log.open(path)
    if limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    told: list[int] = []
    try:
        for i in range(10_000):
            told.append(log.append([record(f"full.{i}")]).numbers[0])
    except CitelogError as error:
        return {"told": told, "message": str(error)}
    raise AssertionError("it never was full")


def main(task: str, path: str, *more: str) -> None:
    """Run a task on a log, and print what it found as JSON."""
    log = Path(path)
    found: Any
    match task:
        case "kills":
            found = kills(log, int(more[0]), int(more[1]))
        case "faults":
            found = faults(log, more[0], more[1] if len(more) > 1 else "")
        case "journals":
            found = journals(log, int(more[0]), int(more[1]))
        case "flips":
            found = flips(log, int(more[0]), int(more[1]))
        case "cuts":
            found = cuts(log, int(more[0]), int(more[1]))
        case "left":
            found = left(log)
        case "trace":
            found = trace(log, Path(more[0]))
        case "appends":
            found = appends(log, more[0], int(more[1]))
        case "full":
            found = full(log, int(more[0]))
        case _:
            raise SystemExit(f"there is no task {task}")
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
