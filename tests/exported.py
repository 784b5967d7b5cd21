"""Exported programs given to the systems that they are for, and every fact that these derive.

A fact is compared as it is spelt in the system's own language; what the system prints is what the export would write.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from citelog.export.datalog import Translation
from citelog.export.nemo import Nemo
from citelog.run.result import Run

SWIPL = shutil.which("swipl")
"""SWI-Prolog, where it is installed (Debian: swi-prolog-nox)."""


def ours(run: Run, translation: Translation) -> set[str]:
    """Every fact of a run that the program is to have, but for those that no rule reads."""
    return {translation.atom(atom) for name in translation.used for atom in run.atoms(name)}


def derived(run: Run, translation: Translation) -> set[str]:
    """Every fact of a run that some rule gives."""
    return {translation.atom(atom) for name in translation.heads for atom in run.atoms(name)}


def clingo(text: str, translation: Translation) -> set[str]:
    """Every atom of the one stable model but those that only collect what is counted."""
    import clingo

    control = clingo.Control(["--warn=none", "0"])
    control.add("base", [], text)
    control.ground([("base", [])])
    models = []
    with control.solve(yield_=True) as found:
        for model in found:
            models.append({str(s) for s in model.symbols(atoms=True) if s.name not in translation.helpers.values()})
    assert len(models) == 1, "a stratified program has one stable model"
    return models[0]


def clingo_within(seconds: float, text: str, translation: Translation) -> set[str] | None:
    """The same, asked in a process of its own: where clingo takes longer to ground a program, it is ended."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)
    asked = context.Process(target=lambda: there.send(clingo(text, translation)))
    asked.start()
    there.close()
    try:
        return here.recv() if here.poll(seconds) else None  # type: ignore[no-any-return]
    finally:
        asked.kill()
        asked.join()


def nemo(text: str, translation: Translation) -> set[str]:
    """Every fact of every derived predicate."""
    import nmo_python

    names = [translation.names[name] for name in sorted(translation.heads)]
    asked = "".join(f"@output {name} .\n" for name in names if f"@output {name} ." not in text)
    engine = nmo_python.NemoEngine(nmo_python.load_string(text + asked))
    engine.reason()
    language = translation.language
    assert isinstance(language, Nemo)
    return {
        f"{name}({','.join(_from_nemo(value, translation) for value in row)})"
        for name in names
        for row in engine.result(name)
    }


def _from_nemo(value: Any, translation: Translation) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value.startswith("<"):
        return translation.language.term(value[1:-1], translation.prefixes)
    return str(value)


def swi(text: str, translation: Translation, folder: Path) -> set[str]:
    """Every fact of every derived predicate."""
    assert SWIPL
    program = translation.program
    goals = ",".join(
        f"{translation.names[name]}({','.join(['_'] * len(program.predicates[name].arguments))})"
        for name in sorted(translation.heads)
    )
    path = folder / "program.pl"
    path.write_text(text, encoding="utf-8")
    goal = f"forall((member(G,[{goals}]),G),(writeq(G),nl))"
    command = [SWIPL, "-q", "-g", goal, "-t", "halt", str(path)]
    done = subprocess.run(command, capture_output=True, check=True, env={"LANG": "C.UTF-8", "PATH": os.environ["PATH"]})
    assert not done.stderr, done.stderr.decode()
    printed = re.sub(r"\\x([0-9A-F]{3,})\\", lambda m: chr(int(m[1], 16)), done.stdout.decode())  # \x202E\ and the like
    return set(printed.splitlines())
