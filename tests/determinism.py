"""The same bytes from every command, whatever must not count: hash seed, locale, time zone, threads, order, Python.

    python tests/determinism.py                                    this Python, all the settings
    python tests/determinism.py --python OTHER/bin/python          others too: environments of engine/locked/run.txt
    python tests/determinism.py --only assess --only why

Each command is run in every form that it has, and with what else it can be told, in a folder of its own; what counts is
what it prints, and the files that it leaves, by their names and bytes. A setting is one process that forks for each
command, so that what they all import is imported once. Each is printed, with the settings in which it differs; the exit
status is 1 where it does in any.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import yaml

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
    "query": ("conclusions", "--case", PATIENT),
    "export": ("--case", PATIENT),
    "population": (f"{GIVEN}/tables", "--out", "answers", "--at", "2026-03-15", "--sorted"),
    "summary": (f"{GIVEN}/answers",),
}
MORE: Mapping[str, Sequence[Sequence[str]]] = {
    "assess": (("--receipt", "kept.receipt.json"), ("--at", "2026-03-15")),
    "why": (("--all",), ("--shortest",), ("--quotes",), ("--depth", "2")),
    "what-if": (("--add", "findings: {name: fatigue, state: present}"),),
    "check": (("--strict",), ("--accepted",)),
    "test": (("--junit", "junit.xml"),),
    "show": (("G06",), ("result",)),
    "diff": (("--all",), ("--pictures",), ("--brief",)),
    "audit": (("--traceability",),),
    "audit replay": (("--brief",),),
    "audit drift": (("--all",),),
    "query": (("--list",),),
    "summary": (("--at-least", "3"),),
}
"""What else they can be told, beside their forms."""
GRAPH = ("proof-graph", "--case", PATIENT, "--param", "conclusion=treat:immediate")
INSTEAD: Mapping[tuple[str, str], Sequence[str | Path]] = {
    ("audit", "csv"): ("--traceability",),
    **{("query", form): GRAPH for form in ("turtle", "ntriples", "jsonld")},
    ("export", "archive"): ("--out", "archive.tar"),
}
"""What a command is given for a form that its arguments have not."""
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


def forms(name: str, command: click.Command) -> Iterator[Sequence[str | Path]]:
    """The arguments of a command, for each form that it can write; then with `MORE`."""
    choices = [p for p in command.params if p.name in ("form", "to") and isinstance(p.type, click.Choice)]
    for parameter in choices:
        for choice in map(str, parameter.type.choices):
            yield *INSTEAD.get((name, choice), ASKED[name]), parameter.opts[0], choice
    for more in ((),) * (not choices) + tuple(MORE.get(name, ())):
        yield *ASKED[name], *more


@dataclass(frozen=True, slots=True)
class Setting:
    """What must not count: a Python, what is in its environment, and how commands are run.

    `told` is what some commands are told beside. A Python that `differs` is another than the one that gave the receipt,
    which a replay has to say. A setting has a home of its own: its first command keeps the base that the others find.
    """

    name: str
    python: Path
    environment: Mapping[str, str]
    told: Mapping[str, Sequence[str]] = field(default_factory=dict)
    differs: bool = False


PLAIN = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
ORDERED = "CITELOG_ORDER"
"""In an environment: in which order folders list their files, and graphs their triples (`ORDER`)."""


def settings(pythons: Sequence[Path], seeds: int = 16) -> Iterator[Setting]:
    """The first is the one with which the others are compared."""
    own = Path(sys.executable)
    yield Setting("plain", own, PLAIN)
    for seed in range(1, seeds + 1):
        yield Setting(f"hash seed {seed}", own, PLAIN | {"PYTHONHASHSEED": str(seed)})
    for locale in ("C", "POSIX", "tr_TR.UTF-8", "de_DE.ISO-8859-1", "nowhere"):
        yield Setting(f"locale {locale}", own, PLAIN | {"LC_ALL": locale, "LANG": locale})
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "America/St_Johns"):
        yield Setting(f"time zone {zone}", own, PLAIN | {"TZ": zone})
    yield Setting("optimised, no asserts", own, PLAIN | {"PYTHONOPTIMIZE": "2"})
    yield Setting("development mode", own, PLAIN | {"PYTHONDEVMODE": "1", "PYTHONWARNINGS": "ignore"})
    for threads in ("1", "3"):
        limits = dict.fromkeys(("OMP_NUM_THREADS", "RAYON_NUM_THREADS"), threads)
        yield Setting(f"{threads} threads", own, PLAIN | limits, {"population": ("--threads", threads)})
    yield Setting("without a kept base", own, PLAIN | {"XDG_CACHE_HOME": "/dev/null/none"})
    for order in ("backwards", "drawn"):
        yield Setting(f"files and triples {order}", own, PLAIN | {ORDERED: order})
    for python in pythons:
        yield Setting(str(python), python, PLAIN | {"PYTHONHASHSEED": "17"}, differs=True)


ORDER = '''\
"""Loaded when a Python starts: where an order is asked for, no folder and no graph gives what it holds in its own."""

import os
import random

order = os.environ.get("CITELOG_ORDER")


def again(some):
    found = list(some)
    if order == "backwards":
        return found[::-1]
    random.Random(7).shuffle(found)
    return found


class Entries:
    """What os.scandir gives."""

    def __init__(self, path):
        with scandir(path) as found:
            self.found = iter(again(found))

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.found)

    def __enter__(self):
        return self

    def __exit__(self, *wrong):
        pass

    def close(self):
        pass


if order:
    listdir, scandir = os.listdir, os.scandir
    os.listdir = lambda path=".": again(listdir(path))
    os.scandir = lambda path=".": Entries(path)

    from rdflib.plugins.stores.memory import Memory

    triples = Memory.triples
    Memory.triples = lambda self, pattern, context=None: iter(again(triples(self, pattern, context)))
'''


def made(folder: Path) -> None:
    """What the commands are given: tables of patients, a receipt, an edited knowledge base and document, an order."""
    (folder / "order").mkdir()
    (folder / "order" / "sitecustomize.py").write_text(ORDER, encoding="utf-8")
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


def _of_any_python(data: bytes) -> bytes:
    """What was printed or kept, without the Python that it names and the hashes over that."""
    named = re.sub(rb"\b3\.\d+\.\d+\b", b"PYTHON", re.sub(rb"(?m)^  engine .*$", b"", data))
    return re.sub(rb'"(engine|hashes|sha256)":\s*(\{[^{}]*\}|"[0-9a-f]{64}")', rb'"\1":0', named)


SESSION = """
import importlib, json, os, pkgutil, sys

import citelog
from citelog.cli.app import main

for part in PARTS.split():
    for module in pkgutil.walk_packages(importlib.import_module(f"citelog.{part}").__path__, f"citelog.{part}."):
        importlib.import_module(module.name)
for line in sys.stdin:
    asked = json.loads(line)
    if not os.fork():
        status = 3
        try:
            os.chdir(asked["in"])
            for number, file in enumerate((os.devnull, asked["out"], asked["err"])):
                os.dup2(os.open(file, os.O_RDWR | os.O_CREAT), number)
            sys.argv = ["citelog", *asked["arguments"]]
            main()
        except SystemExit as ended:
            status = ended.code or 0
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)
    _, ended = os.wait()
    print(os.waitstatus_to_exitcode(ended), flush=True)
"""
PARTS = "audit checker compare explain export graph knowledge patient proof receipt render rules run verify"
"""What is imported before a command is run; not what starts threads, which do not outlive a fork."""
FEW = 5
"""Commands for which that does not pay."""


class Session:
    """The process of a setting, in which one command after another is run."""

    def __init__(self, setting: Setting, given: Path, parts: str = PARTS) -> None:
        self.setting, self.given = setting, given
        home = given / "homes" / re.sub(r"\W", "-", setting.name)
        environment = {"HOME": str(home), "PATH": "/usr/bin:/bin", "PYTHONPATH": f"{given / 'order'}:{ROOT / 'engine'}"}
        code = SESSION.replace("PARTS", repr(parts))
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [setting.python, "-c", code], env=environment | setting.environment, stdin=pipe, stdout=pipe, text=True
        )

    def answer(self, name: str, arguments: Sequence[str | Path]) -> Answer:
        """What a command prints, its status and the files that it leaves: as one hash, and without naming a Python."""
        told = (*name.split(), *arguments, *self.setting.told.get(name, ()))
        with TemporaryDirectory() as folder:
            work, out, err = (Path(folder) / one for one in ("work", "out", "err"))
            work.mkdir()
            asked = [str(one).replace(GIVEN, str(self.given)) for one in told]
            line = {"in": str(work), "out": str(out), "err": str(err), "arguments": asked}
            assert self.process.stdin and self.process.stdout
            print(json.dumps(line), file=self.process.stdin, flush=True)
            status = int(self.process.stdout.readline())
            left = [
                (str(path.relative_to(work)), path.read_bytes()) for path in sorted(work.rglob("*")) if path.is_file()
            ]
            left.append(("", b"%d\0" % status + out.read_bytes()))
        names = [one for one, _ in left if name == "audit replay" or one.endswith(".receipt.json")]
        free = [(one, _of_any_python(data) if one in names else data) for one, data in left]
        return Answer(status, _hash(left), _hash(free))


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, the hash of what was answered, and that of the same without the Python that it names."""

    status: int
    exact: str
    of_any_python: str

    def same(self, other: Answer, differs: bool) -> bool:
        """Whether two are the same, of Pythons that differ."""
        return self.of_any_python == other.of_any_python if differs else self.exact == other.exact


def _hash(files: Iterable[tuple[str, bytes]]) -> str:
    found = hashlib.sha256()
    for name, data in files:
        found.update(f"{name}\0".encode() + hashlib.sha256(data).digest())
    return found.hexdigest()


@contextmanager
def sessions(of: Iterable[Setting], given: Path, parts: str) -> Iterator[list[Session]]:
    """A process for each setting, for as long as they are wanted."""
    opened = [Session(setting, given, parts) for setting in of]
    try:
        yield opened
    finally:
        for session in opened:
            session.process.communicate()


def compare(pythons: Sequence[Path], only: Sequence[str] = (), seeds: int = 16, jobs: int | None = None) -> list[str]:
    """What differs, a line each: the command, its form and the setting."""
    wanted = [one for one in leaves() if one[0] in ASKED and (not only or one[0] in only)]
    asked = [(name, arguments) for name, command in wanted for arguments in forms(name, command)]
    differing = []
    with TemporaryDirectory() as given, ThreadPoolExecutor(jobs or os.cpu_count()) as pool:
        made(Path(given))
        parts = PARTS if len(asked) > FEW else ""
        with sessions(settings(pythons, seeds), Path(given), parts) as (plain, *others):
            for name, arguments in asked:
                found = [*pool.map(lambda one, of=(name, arguments): one.answer(*of), (plain, *others))]
                apart = [
                    one.setting.name
                    for one, told in zip(others, found[1:], strict=True)
                    if not told.same(found[0], one.setting.differs)
                ]
                if found[0].status > 1:
                    apart.append("it was refused")
                line = " ".join(map(str, (name, *arguments)))
                print(f"{line}: {', '.join(apart) or 'the same'}", flush=True)
                differing += [f"{line}: {one}" for one in apart]
    told = f"{len(asked)} commands and forms, {len(others)} settings beside {plain.setting.name}"
    print(f"{told}: {len(differing)} differ")
    return differing


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", type=Path, action="append", default=[], help="another Python with what is locked")
    parser.add_argument("--only", action="append", default=[], choices=ASKED, help="this command; may be given again")
    parser.add_argument("--seeds", type=int, default=16, help="how many other hash seeds [default: %(default)s]")
    parser.add_argument("--jobs", type=int, help="how many at a time [default: as many as there are processors]")
    given = parser.parse_args()
    sys.exit(bool(compare(given.python, given.only, given.seeds, given.jobs)))
