"""Long runs that add up: batches of seeds, each a line in a file, so that no seed is run twice and none is forgotten.

A line holds the kind, the commit, the first seed, how many, how many things were compared in them, every difference,
and the processor's seconds. A run can be stopped at any time, and gone on with, on other machines too: tallies of other
seeds add up. At its end, lines that follow each other become one. Where a kind says what its lines depend on (`of`),
those of anything else are not added up, and their seeds are run again.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import subprocess
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn
from rich.table import Table

Line = dict[str, Any]
Batch = Callable[[int, int], Line]
"""From the first seed and how many: `compared`, `differences`, and what else is worth keeping."""

NAMING = ("kind", "of", "commit", "first")
SUMMED = ("count", "compared", "idle", "seconds")
"""What of a line is no sum, and the sums that every line has."""

PATIENCE = 120
"""Seconds for one seed: what takes longer hangs, and that is a difference."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One sort of comparison, how many seeds make a batch, and what it says of itself."""

    run: Batch
    size: int
    about: str
    of: str = ""
    """What its lines depend on, if they count only as long as that stays the same."""

    def has(self, name: str, line: Line) -> bool:
        """Whether a line counts as one of this kind, which is called so."""
        return bool(line["kind"] == name and line.get("of", "") == self.of)


def each(check: Callable[[int], int], first: int, count: int) -> Line:
    """A batch of seeds, checked one by one; a check gives how many things it compared, and fails by what it raises."""
    compared, idle, differences = 0, 0, []
    for seed in range(first, first + count):
        try:
            made = _in_time(partial(check, seed))
        except Exception as wrong:  # noqa: BLE001  whatever it is, the seed is told, and the others go on
            told = str(wrong) if isinstance(wrong, AssertionError) else "".join(traceback.format_exception(wrong))
            differences.append(f"seed {seed}: {told}")
        else:
            compared += made
            idle += not made
    return {"compared": compared, "idle": idle, "differences": differences}


class Hangs(AssertionError):
    """A seed that was not done in time."""


def _in_time(work: Callable[[], int]) -> int:
    def late(number: int, frame: FrameType | None) -> None:
        raise Hangs(f"not done in {PATIENCE} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    try:
        return work()
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def read(tally: Path) -> list[Line]:
    """The lines of a tally; none where there is no file yet. A last one that was not written to its end is cut off."""
    if not tally.exists():
        return []
    data = tally.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if whole != data:
        os.truncate(tally, len(whole))
    return [json.loads(line) for line in whole.decode().splitlines()]


def left(known: Sequence[Line], name: str, kind: Kind, first: int, total: int) -> Iterator[tuple[int, int]]:
    """The batches that are still to be run: first seed and how many, of seeds that no batch of the kind had."""
    done = {seed for one in known if kind.has(name, one) for seed in range(one["first"], one["first"] + one["count"])}
    run: list[int] = []
    for seed in range(first, first + total + 1):
        if run and (seed in done or seed == first + total or len(run) == kind.size):
            yield run[0], len(run)
            run = []
        if seed not in done:
            run.append(seed)


def joined(lines: Iterable[Line]) -> list[Line]:
    """The lines in the order of their seeds, those of one kind and commit that follow each other as one.

    >>> line = {"kind": "odd", "commit": "a", "count": 10, "compared": 5, "differences": []}
    >>> joined([line | {"first": 10}, line | {"first": 0}])
    [{'kind': 'odd', 'commit': 'a', 'count': 20, 'compared': 10, 'differences': [], 'first': 0}]
    """
    found: list[Line] = []
    for line in sorted(lines, key=lambda one: (one["kind"], one.get("of", ""), one["first"])):
        last = found[-1] if found else {}
        follows = last.get("first", 0) + last.get("count", 0) == line["first"]
        if follows and all(last.get(key) == line.get(key) for key in ("kind", "of", "commit")):
            found[-1] = last | {key: last[key] + line[key] for key in last if key not in NAMING}
        else:
            found.append(line)
    return found


def _commit() -> str:
    """What is checked out; `+` where files differ from it."""
    asked = ["git", "describe", "--always", "--dirty=+", "--abbrev=10"]
    return subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=True).stdout.strip()


def _spent() -> float:
    """The processor's seconds of this process and of those that it has ended."""
    return sum(os.times()[:4])


def _run(commit: str, name: str, kind: Kind, first: int, count: int) -> Line:
    began = _spent()
    of = {"of": kind.of} if kind.of else {}
    made = {"kind": name, **of, "commit": commit, "first": first, "count": count} | kind.run(first, count)
    return made | {"seconds": round(_spent() - began)}


Todo = tuple[str, str, Kind, int, int]


def _lines(todo: Sequence[Todo], jobs: int, minutes: float) -> Iterator[Line]:
    """Batches as they are done, none begun after so many minutes. One job runs here: not every caller may be forked."""
    until, waiting = time.monotonic() + 60 * minutes, iter(todo)
    if jobs == 1:
        for one in waiting:
            if time.monotonic() >= until:
                return
            yield _run(*one)
        return
    with ProcessPoolExecutor(jobs) as pool:
        running = {pool.submit(_run, *one) for one in islice(waiting, 2 * jobs)}
        while running:
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                yield future.result()
            if time.monotonic() < until:
                running |= {pool.submit(_run, *one) for one in islice(waiting, len(ended))}


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Here, and in what is forked meanwhile, the collector looks at what is new as ever, and at all that is old seldom.

    A quarter of a drawn program's time went into walking over what is loaded, and what is kept of rules that were read.
    """
    was = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(*was[:2], 1000)
    try:
        yield
    finally:
        gc.set_threshold(*was)
        gc.unfreeze()


def go_on(
    tally: Path, kinds: Mapping[str, Kind], wanted: Mapping[str, int], first: int, jobs: int, minutes: float
) -> list[Line]:
    """Run what is left, `jobs` batches at a time, for so many minutes; every line of the tally."""
    known, commit = read(tally), _commit()
    todo = [
        (commit, name, kind, *batch)
        for name, kind in kinds.items()
        for batch in left(known, name, kind, first, wanted.get(name, 0))
    ]
    todo.sort(key=lambda one: (one[3] - first) / wanted[one[1]])  # wherever it is stopped, some of each kind is done
    tally.parent.mkdir(parents=True, exist_ok=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        tally.open("a", encoding="utf-8") as file,
        Progress(*columns, console=Console(stderr=True), disable=not todo) as progress,
        _collecting_seldom(),
    ):
        bar = progress.add_task("batches", total=len(todo))
        for line in _lines(todo, jobs, minutes):
            known.append(line)
            file.write(json.dumps(line) + "\n")
            file.flush()
            progress.advance(bar)
    known = joined(known)
    new = tally.with_suffix(".new")
    new.write_text("".join(json.dumps(line) + "\n" for line in known), encoding="utf-8")
    new.replace(tally)
    return known


def main(about: str, kinds: Mapping[str, Kind], arguments: Sequence[str] | None = None) -> int:
    """The command line of a long run: 1 where anything differs, or where nothing was compared that was asked for."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, kind in kinds.items():
        parser.add_argument(f"--{name}", type=int, default=0, metavar="SEEDS", help=kind.about)
    parser.add_argument("--first", type=int, default=0, metavar="SEED", help="the first seed")
    parser.add_argument("--tally", type=Path, default=Path("build/tally.jsonl"), help="[default: %(default)s]")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="no batch is begun after that")
    given = parser.parse_args(arguments)
    known = go_on(given.tally, kinds, vars(given), given.first, given.jobs, given.minutes)
    table = Table("", "seeds", "compared", "idle", "differences", "minutes", title=str(given.tally))
    good = True
    for name, kind in kinds.items():
        of = [one for one in known if kind.has(name, one)]
        if other := sum(one["kind"] == name for one in known) - len(of):
            print(f"{name}: {other} lines of other code are not added up")
        if not of:
            continue
        keys = dict.fromkeys((*SUMMED, *(key for one in of for key in one if key not in (*NAMING, "differences"))))
        sums = {key: sum(one.get(key, 0) for one in of) for key in keys}
        differences = [two for one in of for two in one["differences"]]
        good &= not differences and bool(sums["compared"])
        numbers = (sums["count"], sums["compared"], sums["idle"], len(differences), round(sums["seconds"] / 60))
        table.add_row(name, *(f"{number:,}" for number in numbers))
        if more := [f"{key} {sums[key]:,}" for key in sums if key not in SUMMED]:
            print(f"{name}: {', '.join(more)}")
        print(*differences[:10], sep="\n", end="\n" if differences else "")
    Console().print(table)
    return 0 if good else 1
