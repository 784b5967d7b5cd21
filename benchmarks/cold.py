"""The whole process, from cold: `citelog assess CASE`, against clingo's on the same program and patient.

Both are given a file and asked for everything; both write what they found to a pipe. What is kept between
starts was made by a start before the first that counts: Python's compiled modules, and citelog's compiled
knowledge (each start verifies the hash of every file). Then what the time goes to: imports by library,
and the steps of an assessment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from citelog.knowledge.base import Knowledge
from in_clingo import Translation
from measure import interleaved, table
from patients import AT, ROOT, patients

CITELOG = "citelog assess CASE"
JSON = "citelog assess CASE --format json"
BARE = "citelog without its command line (python -c)"
CLINGO = "clingo FILE (python -m clingo)"
SCRIPT = "clingo in a script (python -c, FILE)"
PYTHON = "python -c pass"
STAND_IN = """
import sys
from citelog.assess import assess
from citelog.knowledge.cache import open_knowledge
sys.stdout.write(assess(open_knowledge(), sys.argv[1], sys.argv[2]).to_json())
"""
CLINGO_SCRIPT = """
import clingo, sys
control = clingo.Control(["--warn=none"])
control.load(sys.argv[1])
control.ground([("base", [])])
with control.solve(yield_=True) as models:
    for model in models:
        print(model)
"""
STEPS = """
import time
started = time.perf_counter()
def step(name):
    global started
    now = time.perf_counter(); print(f"{name}\\t{(now - started) * 1e3:.3f}"); started = now
import sys
import citelog.assess
from citelog import patient
from citelog.knowledge.cache import open_knowledge
step("import citelog and what it needs")
knowledge = open_knowledge()
step("hash every file, read the compiled knowledge")
case = patient.read(sys.argv[1], knowledge.terms)
step("read the case file")
machine = sys.modules["citelog.answer"]._machine(knowledge)
step("make the machine ready: plans, what no patient changes")
found = sys.modules["citelog.assess"].assess_case(knowledge, case, sys.argv[2])
step("derive and conclude")
found.to_json()
step("write JSON")
"""


def run(knowledge: Knowledge, folder: Path, rounds: int) -> tuple[str, dict[str, Any]]:
    """Measure; the table, and the same as data."""
    shipped = patients(knowledge, folder, 0, 0)
    if not shipped:
        raise SystemExit(f"{folder / 'cases'} holds no case that could be measured")
    one = shipped[1]
    assert isinstance(one.source, Path)
    case = str(one.source)
    translation = Translation(knowledge.program, knowledge.stated, one.atoms)
    with tempfile.TemporaryDirectory() as scratch:
        program = Path(scratch) / "program.lp"
        program.write_text(translation.program + translation.knowledge + translation.facts(one.atoms), encoding="utf-8")
        command, how = citelog_command()
        commands: dict[str, Sequence[str]] = {
            CITELOG: [*command, "assess", case, "--at", AT],
            JSON: [*command, "assess", case, "--at", AT, "--format", "json"],
            BARE: [sys.executable, "-c", STAND_IN, case, AT],
            CLINGO: [sys.executable, "-m", "clingo", "--warn=none", str(program)],
            SCRIPT: [sys.executable, "-c", CLINGO_SCRIPT, str(program)],
            PYTHON: [sys.executable, "-c", "pass"],
        }
        times = interleaved({name: process(argv) for name, argv in commands.items()}, rounds)
    imports, steps = _imports(commands[CITELOG]), _steps(case)
    rows = [
        (name, f"{t.median * 1e3:.0f}", f"{min(t.seconds) * 1e3:.0f}", f"{t.ratio(times[CLINGO]):.2f}")
        for name, t in times.items()
    ]
    title = f"The process, cold ({one.name} patient): {rounds} interleaved rounds; citelog is {how}"
    text = table(title, ("", "median ms", "least ms", "/ clingo"), rows)
    text += "\n" + table(
        "Imports of `citelog assess` (self time, -X importtime, one process)", ("", "ms"), _ms(imports)
    )
    text += "\n" + table("Steps, without the command line (one process)", ("", "ms"), _ms(steps))
    low, high = times[CITELOG].spread(times[CLINGO])
    data = {
        "command": how,
        "times": {name: t.to_dict() for name, t in times.items()},
        "ratios": {
            "citelog / clingo": {
                "median": round(times[CITELOG].ratio(times[CLINGO]), 3), "lower quartile": round(low, 3),
                "upper quartile": round(high, 3),
            }
        },
        "imports_ms": imports,
        "steps_ms": steps,
    }  # fmt: skip
    return text, data


def _ms(parts: dict[str, float]) -> list[tuple[str, ...]]:
    return [(name, f"{ms:.1f}") for name, ms in parts.items()]


def citelog_command() -> tuple[list[str], str]:
    """How citelog is started here, and that in words."""
    script = Path(sys.executable).parent / "citelog"
    if script.exists():
        return [str(script)], "the console script"
    started = [sys.executable, "-c", "from citelog.cli.app import main; main()"]
    return started, "python -c: no console script is installed beside this Python"


def environment() -> dict[str, str]:
    """Ours, with this copy of the engine first if it is not installed."""
    paths = [str(ROOT / "engine"), os.environ.get("PYTHONPATH", "")]
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}  # or each start compiles anew
    return {**kept, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def process(argv: Sequence[str]) -> Callable[[], subprocess.CompletedProcess[bytes]]:
    """A task that runs a command; one that writes nothing ends the benchmark."""
    given = environment()

    def call() -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(argv, capture_output=True, check=False, env=given)
        if not done.stdout and argv[-1] != "pass":
            raise SystemExit(f"{' '.join(argv)}\n{done.stderr.decode(errors='replace')[-2000:]}")
        return done

    return call


def _imports(command: Sequence[str]) -> dict[str, float]:
    """What importing costs, by library: the modules' own times, summed."""
    argv = [sys.executable, "-X", "importtime", *(command[1:] if command[0] == sys.executable else command)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=environment())
    spent: dict[str, float] = defaultdict(float)
    for found in re.finditer(r"import time:\s+(\d+) \|\s+\d+ \|\s+(\S+)", done.stderr):
        top = found[2].split(".")[0]
        known = top in sys.stdlib_module_names or top.startswith("_")
        spent["standard library" if known else top] += int(found[1]) / 1e3
    return dict(sorted(((k, round(v, 2)) for k, v in spent.items() if v >= 0.3), key=lambda pair: -pair[1]))


def _steps(case: str) -> dict[str, float]:
    """The steps of an assessment in a new process, as the median of seven."""
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(7):
        done = subprocess.run(
            [sys.executable, "-c", STEPS, case, AT], capture_output=True, text=True, check=True, env=environment()
        )
        for line in done.stdout.splitlines():
            name, ms = line.split("\t")
            taken[name].append(float(ms))
    return {name: sorted(ms)[len(ms) // 2] for name, ms in taken.items()}
