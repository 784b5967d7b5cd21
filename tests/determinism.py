"""The same bytes from every command, whatever must not count: hash seed, locale, time zone, optimisation, Python.

    python tests/determinism.py                                    this Python, all the settings
    python tests/determinism.py --python OTHER/bin/python          others too: environments of engine/locked/run.txt
    python tests/determinism.py --only assess --only why

Each command is run in every form that it has, in a folder of its own; what counts is what it prints, and the files that
it leaves, by their names and bytes. What differs is printed, a line each; the exit status is 1 where anything does.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import yaml
from rich.progress import track

import populations
from citelog.cli.app import app

ROOT = Path(__file__).parent.parent
PATIENT = ROOT / "examples" / "patient.yaml"
NIGHTS = ROOT / "examples" / "short-nights"
LEAFLET = NIGHTS / "source" / "leaflet.txt"
B12 = ROOT / "knowledge" / "b12"
COMMAND = "from citelog.cli.app import main; main()"
GIVEN = "{given}"
"""In the arguments of a command: the folder of what was made for all of them."""

ASKED: Mapping[str, Sequence[str | Path]] = {
    "assess": (PATIENT,),
    "why": (PATIENT, "treat:immediate"),
    "why-not": (PATIENT, "regimen:HYD-STD-LOAD"),
    "what-if": (PATIENT, "--drop", "labs[0]"),
    "missing": (PATIENT,),
    "contrast": (PATIENT, "regimen:HYD-NEURO-LOAD", "regimen:HYD-STD-LOAD"),
    "certify": (PATIENT,),
    "new": ("made", "--document", LEAFLET),
    "quote": ("folic acid",),
    "fmt": ("--kb", NIGHTS, "--check"),
    "check": (),
    "test": ("--kb", NIGHTS),
    "coverage": (),
    "show": (),
    "schema": ("assessment",),
    "diff": (NIGHTS, f"{GIVEN}/nights"),
    "verify": ("--kb", NIGHTS),
    "review": (),
    "release": ("--list", "--kb", NIGHTS),
    "audit": (),
    "audit replay": (f"{GIVEN}/patient.receipt.json",),
    "audit drift": (f"{GIVEN}/leaflet.txt", "--kb", NIGHTS),
    "query": ("proof-graph", "--case", PATIENT),
    "export": ("--case", PATIENT),
    "population": (f"{GIVEN}/tables", "--out", "answers", "--at", "2026-03-15"),
    "summary": (f"{GIVEN}/answers",),
}
LOG = ("init", "verify", "show", "checkpoint", "find", "prove", "check", "compare", "copy", "erase")
OTHERWISE: Mapping[str, str] = {
    "lsp": "answers an editor for as long as it runs",
    "serve": "answers over HTTP for as long as it runs",
    **dict.fromkeys(
        ("audit log " + name for name in LOG),
        "an entry says when it was made, and has a salt of its own",
    ),
}
"""What is not run here, and why."""


def leaves(command: click.Command = app, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its name."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    if command.invoke_without_command:
        yield path, command
    for name, sub in command.commands.items():
        yield from leaves(sub, f"{path} {name}".strip())


def forms(command: click.Command) -> list[list[str]]:
    """The forms that a command can write, as arguments; one empty list where it has but one."""
    for parameter in command.params:
        if parameter.name in ("form", "to") and isinstance(parameter.type, click.Choice):
            return [[parameter.opts[0], str(choice)] for choice in parameter.type.choices]
    return [[]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What must not count: a Python, and what is in its environment."""

    name: str
    python: Path
    environment: Mapping[str, str]


PLAIN = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def settings(pythons: Sequence[Path]) -> Iterator[Setting]:
    """The first is the one with which the others are compared."""
    own = Path(sys.executable)
    yield Setting("plain", own, PLAIN)
    for seed in range(1, 17):
        yield Setting(f"hash seed {seed}", own, PLAIN | {"PYTHONHASHSEED": str(seed)})
    for locale in ("C", "POSIX", "tr_TR.UTF-8", "de_DE.ISO-8859-1", "nowhere"):
        yield Setting(f"locale {locale}", own, PLAIN | {"LC_ALL": locale, "LANG": locale})
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "America/St_Johns"):
        yield Setting(f"time zone {zone}", own, PLAIN | {"TZ": zone})
    yield Setting("optimised, no asserts", own, PLAIN | {"PYTHONOPTIMIZE": "2"})
    yield Setting("development mode", own, PLAIN | {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "ignore"})
    yield Setting("one thread", own, PLAIN | {"OMP_NUM_THREADS": "1", "RAYON_NUM_THREADS": "1"})
    yield Setting("without a kept base", own, PLAIN | {"XDG_CACHE_HOME": "/dev/null/none"})
    for python in pythons:
        yield Setting(str(python), python, PLAIN)


def made(folder: Path) -> None:
    """What the commands are given: tables of patients, a receipt, and an edited knowledge base and document."""
    records = {path.stem: yaml.safe_load(path.read_bytes()) for path in sorted((B12 / "cases").glob("*.yaml"))}
    populations.write(folder / "tables", records)
    for command in (
        ("assess", PATIENT, "--receipt", folder / "patient.receipt.json"),
        ("population", folder / "tables", "--out", folder / "answers", "--at", "2026-03-15"),
    ):
        subprocess.run([sys.executable, "-c", COMMAND, *command], check=True, capture_output=True)
    leaflet = LEAFLET.read_text(encoding="utf-8").replace("8 hours", "7 hours", 1)
    (folder / "leaflet.txt").write_text(leaflet, encoding="utf-8")
    nights = shutil.copytree(NIGHTS, folder / "nights")
    rules = next((nights / "rules").glob("*.rls"))
    rules.write_text(rules.read_text(encoding="utf-8").replace(" < ", " <= ", 1), encoding="utf-8")


def answer(name: str, form: Sequence[str], given: Path, setting: Setting) -> str:
    """What a command prints, its status and the files that it leaves, as one hash."""
    with TemporaryDirectory() as folder:
        work = Path(folder) / "work"
        work.mkdir()
        arguments = [str(one).replace(GIVEN, str(given)) for one in (*name.split(), *ASKED[name], *form)]
        environment = {"HOME": folder, "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / "engine")}
        ended = subprocess.run(
            [setting.python, "-c", COMMAND, *arguments],
            cwd=work,
            env=environment | setting.environment,
            capture_output=True,
            check=False,
        )
        if ended.returncode > 1:
            raise SystemExit(f"{setting.name}: citelog {' '.join(arguments)}: {ended.stderr.decode()}")
        told = hashlib.sha256(b"%d\0" % ended.returncode + ended.stdout)
        for path in sorted(path for path in work.rglob("*") if path.is_file()):
            told.update(f"{path.relative_to(work)}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        return told.hexdigest()


def compare(pythons: Sequence[Path], only: Sequence[str] = ()) -> list[str]:
    """What differs, a line each: the command, its form and the setting."""
    some, *others = settings(pythons)
    asked = [(n, form) for n, command in leaves() if n in ASKED and (not only or n in only) for form in forms(command)]
    differing = []
    with TemporaryDirectory() as given, ThreadPoolExecutor(os.cpu_count()) as pool:
        made(Path(given))
        for name, form in track(asked, "commands", disable=not sys.stderr.isatty()):
            want = answer(name, form, Path(given), some)
            told = pool.map(partial(answer, name, form, Path(given)), others)
            apart = [setting.name for setting, one in zip(others, told, strict=True) if one != want]
            differing += [f"{' '.join((name, *form))}: {setting}" for setting in apart]
    print(f"{len(asked)} commands and forms, {len(others)} settings beside {some.name}: {len(differing)} differ")
    return differing


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, action="append", default=[], help="another Python with what is locked")
    parser.add_argument("--only", action="append", default=[], choices=ASKED, help="this command; may be given again")
    given = parser.parse_args()
    found = compare(given.python, given.only)
    print(*found, sep="\n", end="\n" if found else "")
    sys.exit(bool(found))
