"""Populations: citelog beside SQL written by hand, one join a rule without pictures, and the scan of the files.

    python benchmarks/population.py                             # 10,000 and 100,000 patients
    python benchmarks/population.py --patients 1000000          # as long as you like; run it by itself

The tasks take turns. Two programs are timed: all of the knowledge base as `citelog population` runs it, and the four
kinds that `b12_by_hand.sql` concludes too (`status`, `symptomatic`, `neuro`, `treat`), where the answers are compared
with it to the last row before anything is timed. Starting up is not timed: knowledge is open, its queries are made.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb

from citelog.knowledge.base import Knowledge
from citelog.knowledge.cache import open_knowledge
from citelog.population import answers, inputs, out, pictures, shares
from citelog.population.compiled import compiled
from citelog.population.duck import Duck
from citelog.population.plan import plan
from citelog.population.run import Options, run
from citelog.population.seen import knowledge_facts, look
from citelog.population.values import Values
from citelog.population.wordings import load_days, load_said, read_all
from citelog.rules.program import Absent, Present, part
from citelog.values import Atom, Iri
from citelog.vocab import cl
from measure import interleaved, table
from populations import write

AT = datetime.date(2026, 3, 15)
KINDS = ("status", "symptomatic", "neuro", "treat")
BY_HAND = Path(__file__).parent / "b12_by_hand.sql"


def four_kinds(knowledge: Knowledge) -> Knowledge:
    """The knowledge base with the kinds that the SQL by hand concludes, and the rules under them."""
    kinds = tuple(kind for kind in knowledge.kinds if kind.name in KINDS)
    needed, open_ = set[str](), [kind.predicate for kind in kinds]
    while open_:
        current = open_.pop()
        if current not in needed:
            needed.add(current)
            for rule in knowledge.program.rules:
                if rule.predicate == current:
                    open_ += [x.predicate for x in rule.body if isinstance(x, Present | Absent)]
    program = part(knowledge.program, lambda rule: rule.predicate in needed)
    return replace(knowledge, id="four-kinds", kinds=kinds, notes=(), program=program)


class Place:
    """A folder for what is written, anew each time."""

    def __init__(self, parent: Path) -> None:
        self.parent = parent

    def __enter__(self) -> Path:
        self.path = Path(tempfile.mkdtemp(dir=self.parent))
        return self.path

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.path)


def by_hand(knowledge: Knowledge, data: Path, parent: Path) -> Callable[[], None]:
    """The SQL by hand, its answers written to Parquet."""
    query = BY_HAND.read_text(encoding="utf-8").replace("{data}", str(data))

    def work() -> None:
        with Place(parent) as folder, duckdb.connect() as database:
            dictionary(database, knowledge)
            database.execute(f"COPY ({query}) TO '{folder}/conclusions.parquet' (FORMAT parquet, COMPRESSION zstd)")

    return work


def dictionary(database: duckdb.DuckDBPyConnection, knowledge: Knowledge) -> None:
    """The names and units of the knowledge base, as tables."""
    database.execute("CREATE TABLE names (kind VARCHAR, name VARCHAR, term VARCHAR)")
    rows = [(kind, n, term.local) for kind, known in knowledge.terms.names.items() for n, term in known.items()]
    database.executemany("INSERT INTO names VALUES (?, ?, ?)", rows)
    said: dict[str, dict[Iri, object]] = {}
    for atom in knowledge.stated:
        if len(atom.args) == 2 and isinstance(atom.args[0], Iri):
            said.setdefault(atom.predicate, {})[atom.args[0]] = atom.args[1]
    compared, factor = said[cl("comparedIn").value], said[cl("factor").value]
    lowest, highest = said[cl("lowEnd").value], said[cl("highEnd").value]
    ranges = {compared[it]: (low, highest[it]) for it, low in lowest.items()}
    database.execute(
        "CREATE TABLE units (name VARCHAR, unit VARCHAR, factor DECIMAL(9,1), low DECIMAL(9,1), high DECIMAL(9,1))"
    )
    for name, unit in knowledge.terms.names["unit"].items():
        accepted = Atom(cl("acceptsUnit").value, (Iri(knowledge.namespace + "serum_b12"), unit)) in knowledge.stated
        low, high = ranges[compared[unit]] if accepted else (None, None)
        database.execute("INSERT INTO units VALUES (?, ?, ?, ?, ?)", (name, unit.local, factor.get(unit), low, high))


def ours(
    knowledge: Knowledge, data: Path, parent: Path, with_firings: bool, with_pictures: bool = True
) -> Callable[[], None]:
    """The steps of a run that conclusions and firings need, without notes and without what `why` needs.

    Without pictures, everyone is a picture: one join a rule, over all patients.
    """

    def work() -> None:
        with Place(parent) as folder:
            conclude(knowledge, data, folder, with_firings, with_pictures)

    return work


def conclude(knowledge: Knowledge, data: Path, folder: Path, with_firings: bool, with_pictures: bool) -> None:
    """Conclusions, and firings if they are wanted, into a folder."""
    with duckdb.connect(str(folder / "work.db")) as connection:
        duck = Duck(connection)
        made = plan(knowledge)
        ready = compiled(knowledge, made, f"duckdb {duckdb.__version__}", duck.sql)
        values = Values(ready.known)
        source = inputs.read(data, folder, connection, knowledge.terms, AT)
        parts = pictures.wordings(source, [])
        load_days(duck, pictures.day_texts(source))
        written = read_all(duck, parts, knowledge.terms, AT)
        stated = knowledge_facts(knowledge)
        readings = [reading for one in written for reading in one.readings]
        seen, local = look(readings, made, ready, duck, values, stated, lambda: None)
        load_said(duck, written, seen, answers.IDLE)
        exact = made.exact_days
        shape = pictures.Shape("recorded_when" in exact, "medication_since" in exact)
        share = shares.Share(0, 1, folder)
        shares.gather(duck, share, parts, shares.everyone(source, share), shape)
        shares.bring_together(duck, [share])
        if not with_pictures:
            connection.execute(
                "CREATE TABLE everyone AS SELECT row_number() OVER ()::INTEGER AS picture, patient, key, at_rank "
                "FROM people JOIN pictures USING (picture)"
            )
            connection.execute("CREATE OR REPLACE TABLE pictures AS SELECT picture, key, at_rank FROM everyone")
            connection.execute("CREATE OR REPLACE TEMP VIEW people AS SELECT patient, picture FROM everyone")
        joint = answers.derive(duck, made, ready, seen, values, stated, AT, lambda: None)
        answers.conclude(duck, knowledge, joint)
        duck.create("lonely", "SELECT NULL::VARCHAR AS patient WHERE false")
        writer = out.Writer(duck, folder, folder)
        writer.conclusions()
        if with_firings:
            writer.firings(joint, local, values)


def whole(knowledge: Knowledge, data: Path, parent: Path) -> Callable[[], None]:
    """All that `citelog population` does: conclusions, firings, notes, and what each patient is found again by."""

    def work() -> None:
        with Place(parent) as folder:
            run(knowledge, data, folder / "out", Options(AT))

    return work


def scan(data: Path) -> Callable[[], None]:
    """The floor: every column of every table looked at."""

    def work() -> None:
        with duckdb.connect() as database:
            for path in sorted(data.glob("*.parquet")):
                database.execute(f"SELECT bit_xor(hash(COLUMNS(*))) FROM '{path}'").fetchall()

    return work


def differing(knowledge: Knowledge, data: Path, parent: Path) -> list[tuple[object, ...]]:
    """Rows that the SQL by hand and citelog do not have alike."""
    with Place(parent) as folder, duckdb.connect() as database:
        dictionary(database, knowledge)
        query = BY_HAND.read_text(encoding="utf-8").replace("{data}", str(data))
        conclude(knowledge, data, folder, False, True)
        theirs = f"SELECT patient, kind, value FROM ({query})"
        mine = f"SELECT patient, kind, value FROM '{folder}/conclusions.parquet'"
        [(count,)] = database.execute(f"SELECT count(*) FROM ({mine})").fetchall()
        print(f"{count:,} conclusions compared with those of the SQL by hand")
        return database.execute(
            f"(SELECT 'by hand', * FROM ({theirs} EXCEPT ALL {mine})) UNION ALL "
            f"(SELECT 'citelog', * FROM ({mine} EXCEPT ALL {theirs})) ORDER BY ALL LIMIT 20"
        ).fetchall()


def peak(name: str, data: Path, parent: Path) -> float:
    """The most memory that a task takes in a process of its own, in MB."""
    code = (  # not ru_maxrss, which a process has from the one that it was forked from
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]); import population as p\n"
        "tasks = p.tasks(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])); tasks[sys.argv[4]]()\n"
        "status = pathlib.Path('/proc/self/status').read_text().splitlines()\n"
        "print(next(int(line.split()[1]) / 1024 for line in status if line.startswith('VmHWM')))"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(data), str(parent), name]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()[-1])


def tasks(data: Path, parent: Path) -> dict[str, Callable[[], None]]:
    """What takes turns."""
    knowledge = open_knowledge(None)
    few = four_kinds(knowledge)
    return {
        "scan (the floor)": scan(data),
        "4 kinds: SQL by hand, no firings": by_hand(few, data, parent),
        "4 kinds: citelog, with firings": ours(few, data, parent, with_firings=True),
        "4 kinds: one join a rule, with firings": ours(few, data, parent, with_firings=True, with_pictures=False),
        "all: conclusions": ours(knowledge, data, parent, with_firings=False),
        "all: conclusions and firings": ours(knowledge, data, parent, with_firings=True),
        "all: citelog population, notes and all": whole(knowledge, data, parent),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--patients", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    report: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as place:
        parent = Path(place)
        for count in chosen.patients:
            data = parent / f"data-{count}"
            write(data, count, "flat", chosen.seed)
            if wrong := differing(four_kinds(open_knowledge(None)), data, parent):
                sys.exit(f"the answers differ: {wrong}")
            todo = tasks(data, parent)
            taken = interleaved(todo, chosen.rounds, warmup=1 if count <= 100_000 else 0)
            floor = taken["4 kinds: SQL by hand, no firings"]
            rows = []
            for name, times in taken.items():
                memory = peak(name, data, parent)
                report.setdefault(name, {})[str(count)] = {"seconds": times.median, "peak_mb": memory}
                low, high = times.spread(floor)
                rows.append(
                    (name, f"{times.median:.2f}", f"{count / times.median:,.0f}", f"{times.ratio(floor):.2f}",
                     f"{low:.2f}-{high:.2f}", f"{memory:,.0f}")
                )  # fmt: skip
            head = ("", "seconds", "patients/s", "to SQL by hand", "middle half", "peak MB")
            print(table(f"{count:,} patients, {chosen.rounds} rounds", head, rows))
            shutil.rmtree(data)
    if len(chosen.patients) > 1:
        first, last = min(chosen.patients), max(chosen.patients)
        rows = []
        for name, of in report.items():
            one, other = of[str(first)]["seconds"], of[str(last)]["seconds"]
            rows.append(
                (name, f"{math.log(other / one) / math.log(last / first):.2f}", f"{other / last / (one / first):.2f}")
            )
        head = ("", "growth exponent", "time per patient, last to first")
        print(table(f"from {first:,} to {last:,} patients", head, rows))
    if chosen.json:
        chosen.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
