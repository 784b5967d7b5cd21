"""Run the benchmarks: `python benchmarks/run.py`, a table for each, and all figures as JSON with `--json FILE`.

It needs the test extras (`pip install -e .[test]`). Times belong to the machine and the minute; what can be
compared are the ratios, which are taken between tasks that took turns.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "engine"))

import cold
import explaining
import explaining_cold
import testing
import warm
from citelog import home
from citelog.knowledge.cache import open_knowledge

BARS = (
    ("warm", "citelog / clingo", "at most", 3.0),
    ("warm", "pyDatalog in one base, rules ready, one query / citelog", "at least", 3.0),
    ("warm", "pyDatalog in one base, rules ready, a query a predicate / citelog", "at least", 3.0),
    ("warm", "pyDatalog in one base, everything anew / citelog", "at least", 3.0),
    ("cold", "citelog / clingo", "at most", 2.5),
    ("explaining", explaining.ALONE, "at most", 1.3),
    ("explaining", explaining.ALL_XCLINGO, "at least", 1.0),
    ("explaining", explaining.ALL_ONCE, "at least", 1.0),
    ("explaining", explaining.MANY, "at least", 2.0),
    ("explaining", explaining.MANY_ONCE, "at least", 2.0),
    ("explaining", explaining.WHY_NOT, "at most", 10.0),
    ("explaining", explaining_cold.WHY_NOT, "at most", 10.0),
    ("explaining", explaining.PAGE, "at most", 1.0),
    ("testing", testing.RATIO, "at most", 1.5),
    ("testing", testing.EDITED, "at most", 0.5),
)


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "which", nargs="*", choices=["warm", "cold", "explaining", "testing", []], help="which benchmarks (all)"
    )
    parser.add_argument("--rounds", type=int, default=30, help="rounds of the warm benchmark (30)")
    parser.add_argument("--starts", type=int, default=15, help="processes of the cold benchmark (15)")
    parser.add_argument("--random", type=int, default=5, help="random patients beside the shipped ones (5)")
    parser.add_argument("--patients", type=int, default=1000, help="explained one after another (1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the random patients (1)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    asked = parser.parse_args()
    which = asked.which or ["warm", "cold", "explaining", "testing"]
    knowledge, folder = open_knowledge(), home.knowledge()
    report: dict[str, Any] = {"machine": _machine(), "knowledge": {"id": knowledge.id, "sha256": knowledge.sha256}}
    print(" · ".join(f"{k} {v}" for k, v in report["machine"].items()) + f" · {len(knowledge.program.rules)} rules\n")
    if "warm" in which:
        text, report["warm"] = warm.run(knowledge, folder, asked.rounds, asked.random, asked.seed)
        print(text, flush=True)
    if "cold" in which:
        text, report["cold"] = cold.run(knowledge, folder, asked.starts)
        print(text, flush=True)
    if "explaining" in which:
        text, report["explaining"] = explaining.run(
            knowledge, folder, asked.rounds, asked.random, asked.seed, asked.patients
        )
        print(text, flush=True)
        text, processes = explaining_cold.run(knowledge, folder, asked.starts)
        report["explaining"]["ratios"] |= processes.pop("ratios")
        report["explaining"]["processes"] = processes
        print(text, flush=True)
    if "testing" in which:
        text, report["testing"] = testing.run(knowledge, folder, asked.starts)
        print(text, flush=True)
    for part, name, way, bar in BARS:
        if name in report.get(part, {"ratios": ()})["ratios"]:
            found = report[part]["ratios"][name]["median"]
            met = found <= bar if way == "at most" else found >= bar
            print(f"{'met ' if met else 'MISSED'}  {part}: {name}: {found:.2f} (bar: {way} {bar:g})")
    if asked.json:
        asked.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def _machine() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "cpus": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        **{name: _version(name) for name in ("clingo", "pyDatalog", "nemo-python", "xclingo")},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


if __name__ == "__main__":
    main()
