"""Explaining as a process: all conclusions of a patient by citelog, xclingo, Nemo and SWI-Prolog; why-not beside why.

Each is given files and writes to a pipe. What each can prepare stands ready: Python's compiled modules, citelog's
compiled knowledge, SWI-Prolog's rules compiled to .qlf, xclingo's own translation of the rules. The peers write one
proof of each conclusion without citations, citelog every way with its quotes.
"""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import in_xclingo
from citelog.assess import assess_case
from citelog.explain.catalogue import catalogue
from citelog.knowledge.base import Knowledge
from cold import citelog_command, process
from explaining import Spread, rules_of_proof
from in_clingo import Translation
from in_nemo_tracing import Tracing
from in_prolog import Prolog, proofs, spelt
from in_xclingo import Xclingo
from measure import interleaved, table
from patients import AT, Patient, patients

WHY_NOT = "citelog why-not / citelog why, as processes"
PROVED = "citelog: every proof as JSON (python -c)"
ONE = "citelog why CASE CONCLUSION, each in turn"
NOT = "citelog why-not CASE CONCLUSION, goals in turn"
PROV = "citelog assess CASE --format prov"
HTML = "citelog assess CASE --format html"
ALL_PROOFS = """
import json, sys
from citelog.assess import assess
from citelog.knowledge.cache import open_knowledge
found = assess(open_knowledge(), sys.argv[1], sys.argv[2])
json.dump([found.why(id_).to_dict() for id_ in found.by_id], sys.stdout, ensure_ascii=False)
"""
XCLINGO = """
import sys
from clingo import Control, parse_term
from xclingo import XclingoControl
text, ready, facts = (open(name).read() for name in sys.argv[1:4])
control = XclingoControl(["--warn=none"], n_explanations="1")
Control.add(control, "base", [], text)
control.explainer.add("base", [], ready)
control.add("base", [], facts)
for goal in sys.argv[4:]:
    control.add_show_trace(parse_term(goal))
control.ground([("base", [])])
for model in control.solve():
    for graph in model.explain_model():
        for symbol in graph.index and graph.show_trace:
            print(graph.explain(symbol).ascii_tree())
        break
"""
NEMO = """
import json, sys
import nmo_python
engine = nmo_python.NemoEngine(nmo_python.load_file(sys.argv[1]))
engine.reason()
json.dump([engine.trace(goal).dict() for goal in sys.argv[2:]], sys.stdout)
"""


def run(knowledge: Knowledge, folder: Path, rounds: int) -> tuple[str, dict[str, Any]]:
    """Measure; the table, and the same as data."""
    one = patients(knowledge, folder, 0, 0)[1]
    case = str(one.source)
    found = assess_case(knowledge, one.case, AT)
    goals = [c.atom for c in found.conclusions]
    command, how = citelog_command()
    unreached = [id_ for id_ in catalogue(knowledge) if id_ not in {name.partition("#")[0] for name in found.by_id}]
    commands: dict[str, Sequence[str]] = {
        PROVED: [sys.executable, "-c", ALL_PROOFS, case, AT],
        PROV: [*command, "assess", case, "--at", AT, "--format", "prov"],
        HTML: [*command, "assess", case, "--at", AT, "--format", "html"],
    }
    asked = [kind.predicate for kind in knowledge.kinds]
    not_run = {}
    with tempfile.TemporaryDirectory() as scratch:
        at = Path(scratch)
        nemo = Tracing(knowledge.program, knowledge.stated, [found.run], asked, at)
        (at / "program.rls").write_text(nemo.text + nemo.facts(one.atoms), encoding="utf-8")
        commands["Nemo: load, reason, trace all (python -c)"] = [
            sys.executable, "-c", NEMO, str(at / "program.rls"), *map(nemo.goal, goals)
        ]  # fmt: skip
        if in_xclingo.INSTALLED:
            translation = Translation(knowledge.program, knowledge.stated, one.atoms)
            peer = Xclingo(translation, knowledge.program)
            for name, text in (("text", peer.text), ("ready", peer.ready), ("facts", translation.facts(one.atoms))):
                (at / f"{name}.lp").write_text(text, encoding="utf-8")
            files = [str(at / f"{name}.lp") for name in ("text", "ready", "facts")]
            named = [translation.atom(goal) for goal in goals]
            commands["xclingo: all, rules ready (python -c)"] = [sys.executable, "-c", XCLINGO, *files, *named]
        else:
            not_run["xclingo"] = in_xclingo.NOT_INSTALLED
        swipl = shutil.which("swipl")
        if swipl:
            commands["SWI-Prolog: tables and a meta-interpreter, .qlf"] = _prolog(swipl, at, knowledge, one, asked)
        else:
            not_run["SWI-Prolog"] = "swipl is not installed (Debian: swi-prolog)"
        tasks = {name: process(argv) for name, argv in commands.items()}
        tasks[ONE] = _each([[*command, "why", case, c.id, "--at", AT] for c in found.conclusions])
        tasks[NOT] = _each([[*command, "why-not", case, id_, "--at", AT] for id_ in _spaced(unreached, rounds)])
        times = interleaved(tasks, rounds, warmup=1)
        sizes = {name: len(task().stdout) for name, task in tasks.items()}
    rows = [
        (name, f"{t.median * 1e3:.0f}", f"{min(t.seconds) * 1e3:.0f}", f"{sizes[name] / 1e3:.0f}",
         f"{t.ratio(times[PROVED]):.2f}")
        for name, t in times.items()
    ]  # fmt: skip
    text = table(
        f"Explaining as a process ({one.name} patient, {len(goals)} conclusions): {rounds} interleaved rounds; "
        f"citelog is {how}",
        ("", "median ms", "least ms", "writes kB", "/ every proof"),
        rows,
    )
    text += "".join(f"not run: {name}: {reason}\n" for name, reason in not_run.items())
    why = times[ONE].median
    data = {
        "times": {name: t.to_dict() for name, t in times.items()},
        "bytes": sizes,
        "not_run": not_run,
        "ratios": {WHY_NOT: Spread(tuple(s / why for s in times[NOT].seconds)).to_dict()},
    }
    return text, data


Task = Callable[[], "subprocess.CompletedProcess[bytes]"]


def _each(commands: Sequence[Sequence[str]]) -> Task:
    """A task that runs another of the commands each time."""
    tasks = itertools.cycle([process(argv) for argv in commands])
    return lambda: next(tasks)()


def _spaced(goals: Sequence[str], count: int) -> list[str]:
    """That many of the goals, from the first to the last."""
    return [goals[i * len(goals) // count] for i in range(count)]


def _prolog(swipl: str, at: Path, knowledge: Knowledge, one: Patient, asked: Sequence[str]) -> Sequence[str]:
    """The command, once its conclusions are ours and the rules of its proofs stand in ours."""
    program = Prolog(knowledge.program, knowledge.stated, asked)
    (at / "rules.pl").write_text(program.text, encoding="utf-8")
    (at / "facts.pl").write_text(program.facts(one.atoms), encoding="utf-8")
    subprocess.run([swipl, "-q", "-g", f"qcompile('{at / 'rules.pl'}')", "-t", "halt"], check=True, timeout=60)
    command = [swipl, "-q", "-g", "main", "-t", "halt", str(at / "rules.qlf"), str(at / "facts.pl")]
    theirs = proofs(process(command)().stdout.decode())
    found = assess_case(knowledge, one.case, AT)
    ours = {spelt(c.atom): rules_of_proof(found, c.id) for c in found.conclusions}
    if set(ours) != set(theirs):
        raise SystemExit(f"SWI-Prolog and citelog disagree; nothing was timed.\n{sorted(set(ours) ^ set(theirs))}")
    wrong = {goal: rules - ours[goal] for goal, rules in theirs.items() if rules - ours[goal]}
    if wrong:
        raise SystemExit(f"SWI-Prolog proves with rules that citelog does not; nothing was timed.\n{wrong}")
    return command
