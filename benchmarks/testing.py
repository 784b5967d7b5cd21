"""An author's wait: every case of the knowledge base, and one edited rule; against clingo on the same cases.

clingo's script reads, for each case, the exported program and facts from a file written before the clock starts, and
writes its model. citelog reads the case, concludes, and judges every expectation and every proof that is kept as text.
Then the same knowledge base is watched: one rule is edited, to and fro, and looked at.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from citelog import patient
from citelog.knowledge.base import Knowledge
from citelog.knowledge.cache import open_knowledge
from citelog.trial.expectations import case_files
from citelog.trial.session import Session
from cold import citelog_command, process
from in_clingo import Translation
from measure import interleaved, table

TEST = "citelog test"
CLINGO = "clingo, every case in one script"
WATCH = "citelog test --watch, one rule edited"
RATIO = "citelog test / clingo, every case in one script"
EDITED = "one rule edited, looked at / citelog test"
SCRIPT = """
import clingo, sys
from pathlib import Path
for path in sorted(Path(sys.argv[1]).iterdir()):
    control = clingo.Control(["--warn=none"])
    control.load(str(path))
    control.ground([("base", [])])
    with control.solve(yield_=True) as models:
        for model in models:
            print(model)
"""
RULE = ("40-treatment.rls", "Treat immediately: symptoms", "Treat at once: symptoms")
"""A rule file, words of one of its rules, and what an edit makes of them: 39 of the first 186 cases say them."""


def run(knowledge: Knowledge, folder: Path, rounds: int) -> tuple[str, dict[str, Any]]:
    """Measure; the table, and the same as data."""
    files = case_files(folder)
    with tempfile.TemporaryDirectory() as scratch:
        programs, copy = Path(scratch) / "programs", Path(scratch) / folder.name
        programs.mkdir()
        shutil.copytree(folder, copy)
        for file in files:
            case = patient.read(file, knowledge.terms)
            at = date.fromisoformat(case.expect.at) if case.expect and case.expect.at else None
            atoms = [atom for atom, _ in patient.facts(case, knowledge.terms, at)]
            translation = Translation(knowledge.program, knowledge.stated, atoms)
            text = translation.program + translation.knowledge + translation.facts(atoms)
            (programs / f"{file.stem}.lp").write_text(text, encoding="utf-8")
        session = Session(copy, open_knowledge(copy))
        for _ in session.first():
            pass
        touched = 0

        def edit() -> None:
            nonlocal touched
            path = copy / "rules" / RULE[0]
            text = path.read_text(encoding="utf-8")
            old, new = RULE[1:] if RULE[1] in text else RULE[:0:-1]
            path.write_text(text.replace(old, new), encoding="utf-8")
            found = session.look()
            assert found is not None and found.news
            touched = len(found.news)

        command, how = citelog_command()
        tasks = {
            TEST: process([*command, "test"]),
            CLINGO: process([sys.executable, "-c", SCRIPT, str(programs)]),
            WATCH: edit,
        }
        times = interleaved(tasks, rounds, warmup=1)
    rows = [
        (name, f"{t.median * 1e3:.0f}", f"{min(t.seconds) * 1e3:.0f}", f"{t.ratio(times[CLINGO]):.2f}")
        for name, t in times.items()
    ]
    title = f"All {len(files)} cases; the edited rule touches {touched}: {rounds} interleaved rounds; citelog is {how}"
    ratios = {}
    for name, (a, b) in {RATIO: (TEST, CLINGO), EDITED: (WATCH, TEST)}.items():
        low, high = times[a].spread(times[b])
        ratios[name] = {
            "median": round(times[a].ratio(times[b]), 3),
            "lower quartile": round(low, 3),
            "upper quartile": round(high, 3),
        }
    data = {"command": how, "times": {name: t.to_dict() for name, t in times.items()}, "ratios": ratios}
    return table(title, ("", "median ms", "least ms", "/ clingo"), rows), data
