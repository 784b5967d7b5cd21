"""Populations: citelog beside everyone who can be installed here, on the same files, with the same conclusions.

    python benchmarks/population.py                                    # 10,000 and 100,000 patients
    python benchmarks/population.py --sizes 1000000 --rounds 2         # as large as you like; run it by itself
    python benchmarks/population.py --peers sql citelog-firings        # only these; `--list` says who there is
    python benchmarks/population.py --figures figures.jsonl            # goes on with what is in the file
    python benchmarks/population.py --figures figures.jsonl --show     # only the table

Each measurement is a process of its own (`population_peers.py`), which is made ready and answers a hundred patients
before the clock starts. Peers take turns; their conclusions are compared by a hash, and whose differ is not listed. A
measurement that takes longer than `--limit` or more than `--memory` is stopped, and larger sizes are not tried. Each is
a line of the file of figures, and counts as long as the files that it depends on stay the same.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import math
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

import population_peers as peers
from population_peers import AGAIN, ANEW, FACTORED, HAND, PEERS, SCAN, SPARK, SPARK_HAND, WHOLE, Peer
from populations import write

SMALL = 100
SIZES = (10_000, 100_000)
OURS = ("citelog", FACTORED, WHOLE, AGAIN, ANEW, SPARK)
NOT_BEATEN = (SCAN, HAND, *OURS, SPARK_HAND)
"""Who is no peer that every bar is held to: the floor, citelog itself, and those with a bar of their own."""
Line = dict[str, Any]


# --- measuring ---------------------------------------------------------------------------------------------------


@cache
def fingerprint(name: str) -> str:
    """A hash of the files that a measurement depends on."""
    found = hashlib.sha256(name.encode())
    for path in PEERS[name].files:
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(file.read_bytes())
    return found.hexdigest()[:12]


@dataclass
class Figures:
    """The file of figures."""

    path: Path
    lines: list[Line]

    @classmethod
    def of(cls, path: Path) -> Figures:
        """What is in a file, if it is there."""
        return cls(path, [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else [])

    def add(self, line: Line) -> None:
        """Keep a measurement."""
        self.lines.append(line)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def current(self, name: str, size: int, seed: int) -> list[Line]:
        """What is known of a peer at a size, of the files as they are now."""
        is_of = {"peer": name, "size": size, "seed": seed, "of": fingerprint(name)}
        return [line for line in self.lines if is_of.items() <= line.items()]


def measured(one: Peer, data: Path, small: Path, scratch: Path, limit: float, memory: float) -> Line:
    """One measurement: its figures, or why there are none."""
    place = Path(tempfile.mkdtemp(dir=scratch))
    command = [sys.executable, peers.__file__, one.name, data, small, place, repr(time.time())]
    try:
        with tempfile.TemporaryFile("w+") as said, subprocess.Popen(
            list(map(str, command)), stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True
        ) as process:  # fmt: skip
            most = 0.0
            try:
                while process.poll() is None:
                    time.sleep(0.2)
                    most, begun = max(most, resident(process.pid)), place / peers.BEGUN
                    if begun.exists() and time.time() - begun.stat().st_mtime > limit:
                        return {"stopped": f"after {limit:,.0f} s"}
                    if most > memory:
                        return {"stopped": f"at {memory / 1000:,.0f} GB"}
            finally:
                end(process.pid)
            out, _ = process.communicate()
            said.seek(0)
            if process.returncode:
                return {"stopped": (said.read().strip().splitlines() or ["without a word"])[-1][:200]}
            found: Line = json.loads(out.splitlines()[-1])
            return found
    finally:
        shutil.rmtree(place)


def in_session(leader: int) -> Iterator[int]:
    """The processes of a session."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[3]) == leader:
                yield int(stat.parent.name)


def resident(leader: int) -> float:
    """The memory that the processes of a session have now, in MB."""
    pages = 0
    for process in in_session(leader):
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def end(leader: int) -> None:
    """End what is left of a session that was started here."""
    for process in in_session(leader):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def population(folder: Path, size: int, seed: int) -> Path:
    """A folder with a population, drawn if it is not there."""
    data = folder / f"{size}-{seed}"
    if not data.exists():
        made = folder / f"{size}-{seed}.part"
        write(made, size, "flat", seed)
        made.rename(data)
    return data


def hopeless(name: str, size: int, figures: Figures, chosen: argparse.Namespace) -> str:
    """Why a size is not tried: a smaller one was stopped, or took so long that this one cannot be done in time."""
    for smaller in (line for line in figures.lines if line["peer"] == name and line["of"] == fingerprint(name)):
        if smaller["size"] >= size:
            continue
        if "stopped" in smaller:
            return f"not tried: {smaller['size']:,} were stopped {smaller['stopped']}"
        if smaller["wall"] * size / smaller["size"] > 1.5 * chosen.limit:
            return (
                f"not tried: {smaller['size']:,} took {smaller['wall']:,.0f} s, and the limit is {chosen.limit:,.0f} s"
            )
    return ""


def run(chosen: argparse.Namespace, figures: Figures, console: Console) -> None:
    """Every measurement that is missing, peers in turn."""
    scratch = chosen.scratch or Path(tempfile.gettempdir()) / "citelog-population"
    scratch.mkdir(parents=True, exist_ok=True)
    small = population(scratch, SMALL, chosen.seed)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    for size in chosen.sizes:
        data = population(scratch, size, chosen.seed)
        for turn in range(chosen.rounds):
            shift = turn % len(chosen.peers)
            for name in (*chosen.peers[shift:], *chosen.peers[:shift]):
                known = figures.current(name, size, chosen.seed)
                if len(known) > turn or any("stopped" in line for line in known):
                    continue
                if why := hopeless(name, size, figures, chosen):
                    if not turn:
                        console.print(f"[dim]{size:>12,}  {name}: {why}[/]")
                    continue
                with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
                    progress.add_task(f"{size:,} patients, round {turn + 1} of {chosen.rounds}: {PEERS[name].title}")
                    found = measured(PEERS[name], data, small, scratch, chosen.limit, chosen.memory * 1000)
                about = {"peer": name, "size": size, "seed": chosen.seed, "of": fingerprint(name)}
                figures.add(about | found)
                said = found.get("stopped") or f"{found['wall']:.2f} s, {found['cpu']:.2f} s of processors"
                console.print(f"[dim]{size:>12,}  {name}: {said}[/]")
    if chosen.scratch is None:
        shutil.rmtree(scratch)


# --- what was found ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What is known of a peer at a size: medians."""

    rounds: int
    wall: float
    cpu: float
    peak_mb: float
    start: float
    digest: str
    conclusions: int


def found(name: str, size: int, figures: Figures, seed: int) -> Found | str | None:
    """The medians of a peer at a size; or why there are none; or None, if it was not measured."""
    lines = figures.current(name, size, seed)
    if not lines:
        return None
    if stopped := next((line["stopped"] for line in lines if "stopped" in line), None):
        return f"stopped {stopped}"
    digests = {line.get("digest", "") for line in lines}
    if len(digests) > 1:
        return "its own answers differ from round to round"
    middle = {key: statistics.median(line[key] for line in lines) for key in ("wall", "cpu", "peak_mb", "start")}
    return Found(len(lines), **middle, digest=digests.pop(), conclusions=lines[0].get("conclusions", 0))


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    size: int
    of: Found | str
    to_hand: float | None = None
    to_hand_cpu: float | None = None
    growth: float | None = None


def rows(chosen: argparse.Namespace, figures: Figures) -> list[Row]:
    """The table: by size, the floor first, then the fastest first."""
    made: list[Row] = []
    for size in chosen.sizes:
        all_found = {name: found(name, size, figures, chosen.seed) for name in PEERS}
        hand = all_found[HAND]
        of_size: list[Row] = []
        for name, one in all_found.items():
            if one is None:
                if why := hopeless(name, size, figures, chosen):
                    of_size.append(Row(name, size, why))
                continue
            if isinstance(one, str):
                of_size.append(Row(name, size, one))
                continue
            if isinstance(hand, Found) and name != SCAN and one.digest != hand.digest:
                of_size.append(Row(name, size, f"not listed: {one.conclusions:,} conclusions that differ"))
                continue
            ratios = (one.wall / hand.wall, one.cpu / hand.cpu) if isinstance(hand, Found) else (None, None)
            of_size.append(Row(name, size, one, *ratios, growth(name, size, figures, chosen)))
        made += sorted(
            of_size,
            key=lambda row: (
                row.name != SCAN,
                isinstance(row.of, str),
                row.of.wall if isinstance(row.of, Found) else 0,
            ),
        )
    return made


def growth(name: str, size: int, figures: Figures, chosen: argparse.Namespace) -> float | None:
    """The exponent with which the time grows from the size before to this one: 1 is in proportion."""
    now = found(name, size, figures, chosen.seed)
    for smaller in sorted((one for one in chosen.sizes if one < size), reverse=True):
        then = found(name, smaller, figures, chosen.seed)
        if isinstance(now, Found) and isinstance(then, Found):
            return math.log(now.wall / then.wall) / math.log(size / smaller)
    return None


@dataclass(frozen=True)
class Bar:
    """What is to be reached, and what was."""

    says: str
    most: float
    reached: float
    processors: float | None = None
    """The same of processor time, of a ratio of times."""

    @property
    def is_met(self) -> bool:
        """Whether it was reached."""
        return self.reached <= self.most


def bars(chosen: argparse.Namespace, figures: Figures) -> list[Bar]:
    """The bars that can be told from the figures."""

    def of(name: str, size: int) -> Found | None:
        one = found(name, size, figures, chosen.seed)
        return one if isinstance(one, Found) else None

    made: list[Bar] = []

    def ratio(says: str, most: float, one: Found | None, other: Found | None, times: int = 1) -> None:
        if one and other:
            made.append(Bar(says, most, one.wall / other.wall / times, one.cpu / other.cpu / times))

    for size in chosen.sizes:
        ours, hand = of(FACTORED, size), of(HAND, size)
        ratio(f"{size:,}: with firings / SQL by hand without them", 1, ours, hand)
        others = {name: one for name in PEERS if name not in NOT_BEATEN and (one := of(name, size))}
        if others and size >= 100_000:
            fastest = min(others, key=lambda name: others[name].wall)
            ratio(f"{size:,}: with firings / the fastest other peer ({fastest})", 1, ours, others[fastest])
        says = "on Spark, with firings / Spark SQL by hand without them"
        ratio(f"{size:,}: {says}", 3, of(SPARK, size), of(SPARK_HAND, size))
        for edit, what in ((AGAIN, "nothing"), (ANEW, "some answers")):
            says = f"again after an edit that changes {what} / a whole run"
            ratio(f"{size:,}: {says}", 1 / 3, of(edit, size), of(WHOLE, size))
    for name in (FACTORED, WHOLE):
        if large := of(name, 10_000_000):
            made.append(Bar(f"10,000,000: memory of {name}, MB", 4096, large.peak_mb))
            says = f"{name}: a patient of 10,000,000 / one of 1,000,000"
            ratio(says, 1.2, large, of(name, 1_000_000), times=10)
    return made


HEAD = (
    "patients",
    "who",
    "patients/s",
    "s",
    "s of processors",
    "to SQL by hand",
    "processors",
    "growth",
    "MB",
    "start s",
)


def cells(row: Row) -> tuple[str, ...]:
    """A line of the table as text."""
    if isinstance(row.of, str):
        return f"{row.size:,}", PEERS[row.name].title, row.of, "", "", "", "", "", "", ""

    def ratio(value: float | None) -> str:
        return "" if value is None else f"{value:.2f}"

    one = row.of
    return (
        f"{row.size:,}", PEERS[row.name].title, f"{row.size / one.wall:,.0f}", f"{one.wall:.2f}", f"{one.cpu:.2f}",
        ratio(row.to_hand), ratio(row.to_hand_cpu), ratio(row.growth), f"{one.peak_mb:,.0f}", f"{one.start:.1f}",
    )  # fmt: skip


def show(console: Console, made: Sequence[Row], reached: Iterable[Bar], about: Mapping[str, str]) -> None:
    """The table and the bars, in the terminal."""
    for size in dict.fromkeys(row.size for row in made):
        table = Table(title=f"{size:,} patients", title_justify="left", header_style="bold", box=None, pad_edge=False)
        for number, name in enumerate(HEAD[1:]):
            table.add_column(name, justify="right" if number else "left", no_wrap=not number)
        of_size = [row for row in made if row.size == size]
        for row in of_size:
            if isinstance(row.of, Found):
                style = "bold green" if row.name in OURS else "dim" if row.name == SCAN else ""
                table.add_row(*cells(row)[1:], style=style)
        console.print(table)
        for row in of_size:
            if isinstance(row.of, str):
                console.print(f"[dim]{PEERS[row.name].title}: {row.of}[/]", highlight=False)
        console.print()
    bars = Table(title="Bars", title_justify="left", header_style="bold", box=None, pad_edge=False)
    for number, name in enumerate(("", "at most", "reached", "processors", "")):
        bars.add_column(name, justify="right" if number in (1, 2, 3) else "left")
    for bar in reached:
        said = "[green]met[/]" if bar.is_met else "[bold red]MISSED[/]"
        used = "" if bar.processors is None else f"{bar.processors:,.2f}"
        bars.add_row(bar.says, f"{bar.most:,.2f}", f"{bar.reached:,.2f}", used, said)
    console.print(bars, "")
    console.print("[dim]" + " · ".join(f"{key} {value}" for key, value in about.items()) + "[/]")


def markdown(made: Sequence[Row], reached: Iterable[Bar], about: Mapping[str, str]) -> str:
    """The same for a document."""
    lines = [f"| {' | '.join(HEAD)} |", f"|---:|---|{'---:|' * (len(HEAD) - 2)}"]
    lines += [f"| {' | '.join(cells(row))} |" for row in made]
    lines += ["", "| bar | at most | reached | processors | |", "|---|---:|---:|---:|---|"]
    for bar in reached:
        used = "" if bar.processors is None else f"{bar.processors:,.2f}"
        met = "met" if bar.is_met else "MISSED"
        lines.append(f"| {bar.says} | {bar.most:,.2f} | {bar.reached:,.2f} | {used} | {met} |")
    return "\n".join([*lines, "", ", ".join(f"{key} {value}" for key, value in about.items()) + ".", ""])


def machine() -> dict[str, str]:
    """Where it was measured, and with what."""
    names = ("duckdb", "polars", "pyspark", "clingo", "nemo-python")
    return {"processors": str(os.cpu_count()), "python": platform.python_version()} | {n: version(n) for n in names}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="how many patients (10000 100000)")
    parser.add_argument("--peers", nargs="+", choices=list(PEERS), default=list(PEERS), help="who (everyone)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each, of which the median counts (3)")
    parser.add_argument("--limit", type=float, default=600, help="seconds that one measurement may take (600)")
    parser.add_argument("--memory", type=float, default=12, help="gigabytes that it may take (12)")
    parser.add_argument("--seed", type=int, default=7, help="of the population (7)")
    parser.add_argument("--figures", type=Path, default=Path("population.jsonl"), help="file of the figures")
    parser.add_argument("--scratch", type=Path, help="folder for populations, which stay there")
    parser.add_argument("--markdown", type=Path, help="write the table to this file, too")
    parser.add_argument("--show", action="store_true", help="measure nothing: the table of what is known")
    parser.add_argument("--list", action="store_true", help="who there is")
    chosen = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 150)
    if chosen.list:
        for one in PEERS.values():
            console.print(f"{one.name:<18} {one.title} [dim]({one.gives})[/]")
        return
    chosen.sizes = sorted(set(chosen.sizes))
    figures = Figures.of(chosen.figures)
    if not chosen.show:
        run(chosen, figures, console)
    made, reached = rows(chosen, figures), bars(chosen, figures)
    show(console, made, reached, machine())
    if chosen.markdown:
        chosen.markdown.write_text(markdown(made, reached, machine()), encoding="utf-8")
    if differing := [row for row in made if isinstance(row.of, str) and "differ" in row.of]:
        sys.exit(f"the answers differ: {', '.join(row.name for row in differing)}")


if __name__ == "__main__":
    main()
