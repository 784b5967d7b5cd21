"""What can befall a command, drawn: a failing disk, missing rights, a closed stream, a signal, a wrong clock.

    python tests/faults.py --disk 10000 --signal 1000 --minutes 60 --tally tests/tally.jsonl
    python tests/faults.py --show disk 17                          one seed, told whatever comes of it

Each seed is one command of `JOBS` and one fault, in a folder of its own. Afterwards each file must be what it was or
what an undisturbed run makes of it, whole; what is said must be the answer, or words; no process may be left; and the
same command, run again without the fault, must work. The processes are forked from one that holds the modules already,
with `disk_faults.c` loaded into it.
"""

from __future__ import annotations

import ctypes
import errno
import gc
import hashlib
import json
import os
import random
import re
import resource
import select
import shutil
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from importlib import import_module
from pathlib import Path

import click
import yaml

import citelog
import ledgers
import populations
import tally
from citelog.__main__ import main
from citelog.cli import interrupts
from citelog.cli.app import app
from citelog.diagnostics import CitelogError
from citelog.knowledge.kept import engine
from citelog.ledger.verified import verify

ROOT = Path(__file__).parent.parent
NIGHTS = ROOT / "examples" / "short-nights"
PATIENCE = 60.0
"""Seconds after which a command hangs."""


@dataclass(frozen=True, slots=True)
class Job:
    """A command as it is run: its arguments, what of the folder it is given, and what it writes there."""

    command: str
    arguments: str
    given: tuple[str, ...] = ("nights", "patient.yaml")
    writes: tuple[str, ...] = ()
    same: bool = True
    """Whether it prints the same each time."""
    cold: bool = False
    """Whether it keeps what it has compiled in the folder too."""
    judges: bool = False
    """Whether it may say no, with status 1, of what it cannot read."""


LOGGED = ("log", "log.key")
ABOUT = "patient.yaml --kb nights --at 2026-03-09"
JOBS: Mapping[str, Job] = {
    # what writes, the quick ones first: the share at each commit is theirs
    "begun": Job("audit log init", "begun --origin ward", (), writes=("begun", "begun.key"), same=False),
    "checkpoint": Job("audit log checkpoint", "log --out kept-note", LOGGED, writes=("kept-note",)),
    "copied": Job("audit log copy", "log copied", LOGGED, writes=("copied",)),
    "erased": Job("audit log erase", "log 2", LOGGED, writes=("log",)),
    "proof": Job("audit log prove", "log 2 --out proof", LOGGED, writes=("proof",)),
    "receipt": Job("assess", f"{ABOUT} --receipt p.receipt.json", writes=("p.receipt.json",)),
    "entered": Job("assess", f"{ABOUT} --log log", ("nights", "patient.yaml", *LOGGED), writes=("log",)),
    "accepted": Job("test", "--kb unkept --accept", ("unkept",), writes=("unkept/cases/proofs",), judges=True),
    "junit": Job("test", "--kb nights --junit tests.xml", writes=("tests.xml",), judges=True),
    "exported": Job("export", "--kb nights --to swi --out exported", writes=("exported",)),
    "archived": Job("export", "--kb nights --to archive --out nights.tar", writes=("nights.tar",)),
    "receipts": Job(
        "assess",
        "patient.yaml other.yaml --kb nights --receipt kept",
        ("nights", "patient.yaml", "other.yaml", "kept"),
        writes=("kept/patient.receipt.json", "kept/other.receipt.json"),
    ),
    "compiled": Job("assess", ABOUT, writes=("cache",), cold=True),
    "new": Job("new", "made --document leaflet.txt", ("leaflet.txt",), writes=("made",)),
    "reviewed": Job(
        "review", "S01 --kb nights --state reviewed --by Reader --on 2026-03-15", writes=("nights/reviews.ttl",)
    ),
    "fmt": Job("fmt", "--kb untidy", ("untidy",), writes=("untidy/terms.ttl", "untidy/about.ttl")),
    "pinned": Job(
        "audit drift", "leaflet.txt --kb nights --write pinned", ("nights", "leaflet.txt"), writes=("pinned",)
    ),
    "released": Job("release", "0.1.0 --kb nights", writes=("nights/releases",), judges=True),
    "population": Job(
        "population",
        "tables --kb nights --out out --at 2026-03-15 --threads 1",
        ("nights", "tables"),
        writes=("out",),
    ),
    # what reads, of each sort of reading
    "verified": Job("audit log verify", "log --format json", LOGGED, judges=True),
    "assess": Job("assess", ABOUT),
    "why": Job("why", f"{ABOUT.replace('yaml', 'yaml night:SHORT')} --format json"),
    "check": Job("check", "--kb nights --format json", judges=True),
    "query": Job("query", "conclusions --case patient.yaml --kb nights --format json"),
    "summary": Job("summary", "answers --kb nights --format json", ("nights", "answers")),
}

WRITTEN = {
    ("assess", "receipt"), ("assess", "log"), ("new", "dir_"), ("fmt", "files"), ("test", "junit"), ("test", "kb"),
    ("review", "kb"), ("release", "kb"), ("release", "out"), ("export", "out"), ("audit drift", "folder"),
    ("audit log init", "log"), ("audit log checkpoint", "out"), ("audit log prove", "out"), ("audit log copy", "copy"),
    ("audit log erase", "log"), ("population", "out"),
}  # fmt: skip
"""What a command is given that it writes to, or into; each command stands in `JOBS`."""

SERVED = {("serve", "log"), ("serve", "feedback"), ("serve", "kb")}
"""What a server is given so: tests of its own say what comes of faults there."""

READ = {
    *((name, "kb") for name in (
        "assess", "why", "why-not", "what-if", "missing", "contrast", "certify", "quote", "fmt", "check", "coverage",
        "show", "verify", "audit", "audit replay", "audit drift", "query", "export", "population", "summary",
    )),
    *((name, "population") for name in ("assess", "why", "why-not", "what-if", "missing", "serve")),
    ("assess", "cases"), ("assess", "log_key"), ("certify", "proofs"), ("contrast", "case"), ("contrast", "first"),
    *((name, "case") for name in ("why", "why-not", "what-if", "missing", "certify")), ("new", "document"),
    ("new", "kb"), ("diff", "old"), ("diff", "new"), ("audit replay", "receipts"), ("audit replay", "editions"),
    ("audit drift", "document"), ("query", "asked"), ("query", "cases"), ("export", "cases"), ("population", "data"),
    ("population", "since"), ("summary", "out"), ("serve", "files"), ("serve", "cases"), ("serve", "token_file"),
    ("serve", "log_key"), ("serve", "jwt_keys"), ("diff", "kb"), ("diff", "patients"),
    *((f"audit log {name}", "log") for name in (
        "verify", "show", "checkpoint", "find", "prove", "compare", "copy",
    )),
    ("audit log init", "log_key"), ("audit log erase", "log_key"), ("audit log verify", "checkpoint"),
    ("audit log verify", "public"), ("audit log find", "receipt"), ("audit log prove", "checkpoint"),
    ("audit log check", "proof"), ("audit log check", "checkpoint"), ("audit log check", "public"),
    ("audit log check", "receipt"), ("audit log compare", "old"), ("audit log compare", "new"),
    ("audit log compare", "public"),
}  # fmt: skip
"""What a command is given that it only reads."""

NOTHING = {"schema", "lsp"}
"""Commands that are given no place: one prints, the other leaves all writing to the editor."""

SWITCHES = {
    "why": "every shortest quotes", "fmt": "dry", "check": "strict accepted", "test": "accept watch",
    "diff": "every pictures brief", "release": "listing", "audit": "traceability", "audit log verify": "without_salts",
    "audit log copy": "without_salts", "audit replay": "brief", "audit drift": "every", "lsp": "stdio log",
    "query": "listed", "serve": "edit", "population": "is_sorted",
}  # fmt: skip
"""Every switch; `--accept` and `--edit` are those that have something written."""

_PLACE = re.compile(r"FILE|DIR|LOG|COPY|OUT|CASE|DATA|RUN|RECEIPT|PROOF|CHECKPOINT|REV|JWKS|DOCUMENT|OLD|NEW|\bOTHER\b")


def places() -> set[tuple[str, str]]:
    """Everything that a command can be given which names a file or a folder, by the command and the parameter."""
    return {
        (name, str(parameter.name))
        for name, command in leaves(app)
        for parameter in command.params
        if isinstance(parameter.type, click.Path) or _PLACE.search(parameter.make_metavar(click.Context(command)))
        if not isinstance(parameter.type, click.Choice) and not getattr(parameter, "is_flag", False)
    }


def leaves(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its name."""
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield path, command
    if isinstance(command, click.Group):
        for name, sub in command.commands.items():
            yield from leaves(sub, f"{path} {name}".strip())


# --- the folder ----------------------------------------------------------------------------------------------------


@cache
def template() -> Path:
    """A folder with everything that the jobs are given, and beside it what is kept between runs."""
    top = Path(tempfile.mkdtemp(prefix="citelog-faults-"))
    template_cache()  # before the first process needs it
    made = top / "given"
    nights = Path(shutil.copytree(NIGHTS, made / "nights"))
    (nights / "CHANGELOG.md").write_text("# Changes\n\n## 0.1.0\n\nFor the pupils of Harbour School.\n")
    about = (nights / "about.ttl").read_text()
    agent = 'ex:reader a prov:Agent ;\n    rdfs:label  "Reader" .\n'
    about = about.replace("@prefix rdfs:", "@prefix prov:    <http://www.w3.org/ns/prov#> .\n@prefix rdfs:")
    (nights / "about.ttl").write_text(f"{about}\n{agent}")
    untidy = Path(shutil.copytree(nights, made / "untidy"))
    for name in ("terms.ttl", "about.ttl"):
        (untidy / name).write_text((untidy / name).read_text().replace(" ;\n    ", " ;\n  ") + "\n\n")
    unkept = Path(shutil.copytree(nights, made / "unkept"))
    case = unkept / "cases" / "tired-and-short.yaml"
    case.write_text(case.read_text() + '  proofs: ["night:SHORT", "advice:NAP"]\n')
    patient = (nights / "cases" / "tired-and-short.yaml").read_text().partition("expect:")[0]
    (made / "patient.yaml").write_text(patient)
    (made / "other.yaml").write_text(patient.replace("8.5", "6.5"))
    (made / "kept").mkdir()
    leaflet = next((nights / "source").iterdir()).read_text()
    (made / "leaflet.txt").write_text(leaflet.replace("8 hours", "7 hours", 1))
    ledgers.made(made / "log", 3)
    people = {path.stem: yaml.safe_load(path.read_bytes()) for path in sorted((nights / "cases").glob("*.yaml"))}
    populations.write(made / "tables", people)
    job = Job("population", "tables --kb nights --out answers --at 2026-03-15", ())
    ended = run(job, made)
    assert ended.status == 0, ended.err
    return top


@contextmanager
def folder(job: Job) -> Iterator[Path]:
    """A folder of its own with what a job is given."""
    work = template() / f"work-{os.getpid()}"  # the same each time: what is compiled is kept by its path
    work.mkdir()
    try:
        for name in job.given:
            given = template() / "given" / name
            (shutil.copytree if given.is_dir() else shutil.copy2)(given, work / name)
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


Tree = Mapping[str, str]
"""What each file of a folder is, by its path."""


def tree(work: Path) -> Tree:
    """The files of a folder: of a log what it holds, of answers whether they are whole, of the rest the bytes."""
    found: dict[str, str] = {}
    apart = [path.parent for path in (*work.rglob("log.sqlite"), *work.rglob("run.json"))]
    apart += [path.parent for path in work.rglob("scratch") if not (path.parent / "run.json").exists()]
    for path in sorted(work.rglob("*")):
        name = path.relative_to(work).as_posix()
        if path.is_symlink():
            found[name] = f"→ {os.readlink(path)}"
        elif path.is_file() and not any(path.is_relative_to(one) for one in apart):
            data = b"a key" if path.suffix == ".key" else path.read_bytes()
            told = hashlib.sha256(data).hexdigest()[:16]
            found[f"cache/{told}" if path.suffix == ".pickle" else name] = told  # its name holds where the folder is
    for path in apart:
        name = path.relative_to(work).as_posix()
        if (path / "log.sqlite").exists() and not path.name.startswith(".") and not path.parent.name.startswith("."):
            found[name] = _log(path)
        elif (path / "run.json").exists():
            document = json.loads((path / "run.json").read_bytes()) | {"seconds": 0}
            told = [json.dumps(document), *(row for one in sorted(path.glob("*.parquet")) for row in _rows(one))]
            found[name] = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
    return found


def _rows(table: Path) -> list[str]:
    """What a table says, in an order of its own: a reading that goes another way finds the same in another order."""
    import pyarrow.parquet as pq

    return sorted(map(str, pq.read_table(table, use_threads=False, pre_buffer=False).to_pylist()))


def _log(path: Path) -> str:
    try:
        seen = verify(path, salts=path.name != "copied")
    except CitelogError as error:
        return str(error)
    size = seen.checkpoint.size if seen.checkpoint else 0
    return f"{size} entries" + "".join(f", {fault}" for fault in seen.faults)


def _hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


# --- running -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its status (negative: the signal), what it said, the seconds, and whether others stayed."""

    status: int
    out: str
    err: str
    seconds: float
    stayed: bool = False


@dataclass(slots=True)
class Fault:
    """What befalls a command: before it starts, in its process; to its folder, and how that is undone; as it runs."""

    name: str
    inside: Callable[[Path], None] = lambda work: None
    outside: Callable[[Path], None] = lambda work: None
    undo: Callable[[Path], None] = lambda work: None
    number: int = 0
    """A signal, after so many `seconds`."""
    seconds: float = 0.0
    leaves: bool = False
    """Whether hidden files may stay."""
    deaf: bool = False
    """Whether nobody hears what is said on standard output."""
    mute: bool = False
    """Whether nobody hears what is said on standard error."""
    alias: dict[str, str] = field(default_factory=dict)
    """Where what would be written goes instead."""


NONE = Fault("nothing")

GAVE_UP = "cannot allocate memory for thread-local data: ABORT"
"""What the C library says, and ends the process, where a thread has no room for its own variables."""


def run(job: Job, work: Path, fault: Fault = NONE) -> Ended:
    """A command in a folder, while something befalls it."""
    (out, out_of_it), (err, err_of_it) = os.pipe(), os.pipe()
    sys.stdout.flush()
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            _be(job, work, fault, out_of_it, err_of_it)
        except KeyboardInterrupt:  # before there was a command
            os.write(err_of_it, b"stopped\n")
            os._exit(130)
        finally:
            os._exit(71)  # whatever happens, what called this must not be gone on with here
    os.close(out_of_it)
    os.close(err_of_it)
    told: dict[int, bytes] = {out: b"", err: b""}
    ended, due, sent = os.pidfd_open(child), began + (fault.seconds if fault.number else PATIENCE), False
    waiting = {ended, out, err}
    while waiting:
        ready = select.select(list(waiting), [], [], max(0.0, due - time.monotonic()))[0]
        for one in ready:
            data = os.read(one, 1 << 16) if one != ended else b""
            if data:
                told[one] += data
            else:
                waiting.discard(one)
        if ended not in waiting and not ready:
            break  # somebody else holds its streams, and stays
        if ended in waiting and not ready:
            if sent or not fault.number:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
                raise AssertionError(f"{fault.name}: not done in {PATIENCE} seconds")
            os.kill(child, fault.number)
            sent, due = True, time.monotonic() + PATIENCE
        elif ended not in waiting:
            due = time.monotonic() + 3
    seconds = time.monotonic() - began
    _, status = os.waitpid(child, 0)
    for one in (ended, out, err):
        os.close(one)
    texts = (told[out].decode(errors="replace"), told[err].decode(errors="replace"))
    return Ended(os.waitstatus_to_exitcode(status), *texts, seconds, _stayed(child))


def _be(job: Job, work: Path, fault: Fault, out: int, err: int) -> None:
    """Be the process of a command, to its end."""
    os.setsid()
    signal.alarm(0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupts.await_command()  # what is done here stands for the start of Python
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    os.chdir(work)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.environ["XDG_CACHE_HOME"] = str(work / "cache" if job.cold else template_cache())
    os.environ["NO_COLOR"] = "1"
    os.environ["COLUMNS"] = "100"
    sys.argv = ["citelog", *job.command.split(), *job.arguments.split()]
    fault.inside(work)
    for number, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
        try:
            setattr(sys, name, open(number, "r" if number == 0 else "w", encoding="utf-8", closefd=False))  # noqa: SIM115
        except OSError:
            setattr(sys, name, None)  # as Python does with one that is closed
    try:
        main()
    except BaseException as error:  # noqa: BLE001  what nobody caught would be a traceback
        with suppress(OSError):
            os.write(2, f"Traceback: {type(error).__name__}: {error}\n".encode())
        os._exit(70)


@cache
def template_cache() -> Path:
    """Where what was compiled is kept, for all but those who keep it themselves."""
    return Path(tempfile.mkdtemp(prefix="citelog-faults-cache-"))


def _stayed(group: int) -> bool:
    """Whether processes of a group stay for more than three seconds; they are ended then."""
    for _ in range(60):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    os.killpg(group, signal.SIGKILL)
    return True


@dataclass(frozen=True, slots=True)
class Base:
    """What a job does where nothing befalls it."""

    before: Tree
    after: Tree
    ended: Ended


@cache
def base(name: str) -> Base:
    """A job undisturbed; the second time, when what is compiled once is."""
    job = JOBS[name]
    for _ in range(2):
        with folder(job) as work:
            before = tree(work)
            ended = run(job, work)
            after = tree(work)
    assert ended.status in (0, 1), (name, ended)
    changed = {one.partition("/")[0] for one in {*before, *after} if after.get(one) != before.get(one)}
    assert changed == {one.partition("/")[0] for one in job.writes}, (name, before, after)
    return Base(before, after, ended)


@cache
def calls(name: str, which: str) -> int:
    """How many calls to the disk a job makes."""
    with folder(JOBS[name]) as work, tempfile.NamedTemporaryFile() as told:
        run(JOBS[name], work, Fault("none", _asking(f"trace:{told.name}", which)))
        return len(Path(told.name).read_bytes().splitlines())


# --- faults --------------------------------------------------------------------------------------------------------


def _asking(fault: str, calls: str) -> Callable[[Path], None]:
    def inside(work: Path) -> None:
        os.environ["FAULT_FOLDER"] = str(work)
        os.environ["FAULT_CALLS"] = calls
        os.environ["FAULT"] = fault

    return inside


Draw = Callable[[random.Random, str], Fault | None]
"""A fault for the job of a name; None where none goes with it."""


def disk(rng: random.Random, name: str) -> Fault | None:
    """The n-th call that changes anything fails, or is done in part, or is the last of the process."""
    if not (most := calls(name, "all")):
        return None
    at, kind = rng.randrange(1, most + 1), rng.choice(("fail", "fail", "rest", "rest", "short", "kill", "torn"))
    code = rng.choice((errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS))
    fault = f"{kind}:{at}" + (f":{code}" if kind in ("fail", "rest") else "")
    told = f"{fault} ({errno.errorcode[code]})" if kind in ("fail", "rest") else fault
    return Fault(f"{told} of {most} calls", _asking(fault, "all"), leaves=True)


def reads(rng: random.Random, name: str) -> Fault | None:
    """A file is gone, or may not be read, when it is opened for the n-th time."""
    if not (most := calls(name, "reads")):
        return None
    at, code = rng.randrange(1, most + 1), rng.choice((errno.ENOENT, errno.EACCES, errno.EIO, errno.ESTALE))
    kind = rng.choice(("fail", "rest"))
    told = f"{kind}:{at} ({errno.errorcode[code]}) of {most} files"
    return Fault(told, _asking(f"{kind}:{at}:{code}", "reads"), leaves=kind == "rest")  # then no folder can be listed


def size(rng: random.Random, name: str) -> Fault | None:
    """No file may be larger than so much."""
    most = rng.choice((0, 1, 100, 1000, 4096, 5000, 10_000, 20_000, 50_000, 100_000))

    def inside(work: Path) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    return Fault(f"files of {most} bytes", inside, leaves=True)


def place(rng: random.Random, name: str) -> Fault | None:
    """Where something is to be written stands a folder, or a link to nothing, or there is no folder to write it in."""
    job, known = JOBS[name], base(name)
    if not job.writes:
        return None
    written = [one for one, told in known.after.items() if told != known.before.get(one)]
    chosen = rng.choice([one for one in written if not one.startswith("cache/")] or [""])

    def cleared(work: Path) -> None:
        """Take away the folders that were made for it, and are empty."""
        for path in ((work / chosen), *(work / chosen).parents):
            if work in path.parents and not (template() / "given" / path.relative_to(work)).exists():
                with suppress(OSError):
                    path.rmdir()

    match rng.choice(("folder", "full folder", "link", "gone")):
        case "link" if chosen and chosen not in known.before:

            def linked(work: Path) -> None:
                (work / chosen).parent.mkdir(parents=True, exist_ok=True)
                (work / chosen).symlink_to(work / "elsewhere")

            def unlinked(work: Path) -> None:
                (work / chosen).unlink(missing_ok=True) if (work / chosen).is_symlink() else None
                (work / "elsewhere").unlink(missing_ok=True)
                cleared(work)

            return Fault(f"{chosen} is a link to nothing", outside=linked, undo=unlinked, alias={"elsewhere": chosen})
        case "full folder" | "folder" as sort if (
            chosen and chosen not in known.before and "--receipt" not in job.arguments
        ):

            def full(work: Path) -> None:
                (work / chosen).mkdir(parents=True, exist_ok=True)
                if sort == "full folder":
                    (work / chosen / "in-the-way").mkdir()

            def empty(work: Path) -> None:
                shutil.rmtree(work / chosen, ignore_errors=True) if (work / chosen / "in-the-way").exists() else None
                cleared(work)

            return Fault(f"{chosen} is a {sort}", outside=full, undo=empty)
        case _:
            aside = rng.choice(job.given) if job.given else None
            if aside is None:
                return None

            def moved(work: Path) -> None:
                (work / aside).rename(work.parent / f"{work.name}-aside")

            def back(work: Path) -> None:
                (work.parent / f"{work.name}-aside").rename(work / aside)

            return Fault(f"{aside} is not there", outside=moved, undo=back)


def rights(rng: random.Random, name: str) -> Fault | None:
    """Missing rights: nothing may be written, or one thing not even read."""
    job = JOBS[name]
    secret = rng.choice((None, *job.given)) if job.given else None
    mode, draw = rng.choice((0o000, 0o400, 0o200)), rng.random()

    def outside(work: Path) -> None:
        if secret is None:
            chosen = [work, *(path for path in work.rglob("*") if path.is_dir())]
        else:
            held = [work / secret, *sorted((work / secret).rglob("*"))]
            chosen = [held[int(draw * len(held))]]
        for path in chosen:
            path.chmod(mode if secret else 0o555)

    def undo(work: Path) -> None:
        work.chmod(0o755)
        for given in job.given:
            top = template() / "given"
            for path in (top / given, *(top / given).rglob("*")):
                (work / path.relative_to(top)).chmod(path.stat().st_mode & 0o777)

    told = f"no rights to {secret}: {mode:o}" if secret else "no rights to write anything"
    return Fault(told, lambda work: unprivileged(), outside, undo)


def unprivileged() -> None:
    """Be somebody to whom the permissions of files say something: for root, they do so without its capabilities."""
    header, none = struct.pack("Ii", 0x20080522, 0), bytes(24)
    if os.getuid() == 0 and ctypes.CDLL(None, use_errno=True).capset(header, none):
        raise OSError(ctypes.get_errno(), "capset")


def stream(rng: random.Random, name: str) -> Fault | None:
    """A stream that is closed, full, or of which nobody reads more than a line."""
    number, how = rng.choice((0, 1, 1, 1, 2, 2)), rng.choice(("closed", "full", "broken"))

    def inside(work: Path) -> None:
        if how == "closed":
            os.close(number)
        elif how == "full":
            os.dup2(os.open("/dev/full", os.O_RDWR), number)
        else:
            reader, writer = os.pipe()
            os.close(reader)
            os.dup2(writer, number)

    named = ("standard input", "standard output", "standard error")[number]
    return Fault(f"{named} is {how}", inside, deaf=number == 1, mute=number == 2)


def signals(rng: random.Random, name: str) -> Fault | None:
    """A signal at any moment."""
    number = rng.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGKILL))
    usual = base(name).ended.seconds
    seconds = rng.random() * 1.2 * usual
    told = f"{number.name} after {seconds * 1000:.0f} of {usual * 1000:.0f} ms"
    return Fault(told, number=number, seconds=seconds, leaves=number == signal.SIGKILL)


def memory(rng: random.Random, name: str) -> Fault | None:
    """So many megabytes more than the process has when it begins."""
    more = rng.choice((1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 256))

    def inside(work: Path) -> None:
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + (more << 20), now + (more << 20)))

    return Fault(f"{more} megabytes", inside)


def files(rng: random.Random, name: str) -> Fault | None:
    """So many files may be open at once, beside the three streams."""
    most = rng.randrange(0, 14)

    def inside(work: Path) -> None:
        os.closerange(3, 1024)
        resource.setrlimit(resource.RLIMIT_NOFILE, (3 + most, 3 + most))

    return Fault(f"{most} open files", inside, leaves=True)  # none is left for a folder that is to be taken away


def clock(rng: random.Random, name: str) -> Fault | None:
    """A clock that is years ahead, or set back, though not beyond the year in which computers begin to count."""
    seconds = max(int(rng.choice((-1, 1)) * 10 ** rng.uniform(0, 9.3)), int(86_400 - time.time()))

    def inside(work: Path) -> None:
        os.environ["FAULT_CLOCK"] = str(seconds)

    return Fault(f"a clock {seconds:+,} seconds off", inside)


DRAWS: Mapping[str, Draw] = {
    "disk": disk, "reads": reads, "size": size, "place": place, "rights": rights, "stream": stream,
    "signal": signals, "memory": memory, "files": files, "clock": clock,
}  # fmt: skip


# --- judging -------------------------------------------------------------------------------------------------------


def wrong(job: Job, base: Base, fault: Fault, ended: Ended, now: Tree) -> Iterator[str]:
    """What must not come of a fault."""
    if ended.stayed:
        yield "a process is left"
    refuses = job.judges and ended.status == 1 and base.ended.status == 0 and bool(ended.out or ended.err)
    yield from misfits(base, fault, now, job.writes if refuses or (job.judges and ended.status == 2) else ())
    if "Traceback" in ended.err or ended.status in (3, 70):
        yield f"a fault of ours: {ended.err}"
    elif ended.status < 0:
        if -ended.status not in (fault.number, signal.SIGKILL if fault.leaves else 0):
            yield f"it was ended by {signal.Signals(-ended.status).name}: {ended.err}"
    elif ended.status == 130:
        if fault.number != signal.SIGINT or ended.err.splitlines()[-1:] != ["stopped"]:
            yield f"it stopped: {ended.err}"
    elif ended.status == 2:
        if ended.out and not fault.deaf:
            yield f"it printed something and failed: {ended.out[:200]!r}"
        if not fault.mute and not re.search(r".+\n   = .+", ended.err):
            yield f"it failed without a way out: {ended.err!r}"
    elif refuses or (ended.status == 127 and GAVE_UP in ended.err):
        return
    elif ended.status in (0, 1):
        if ended.status != base.ended.status and not fault.deaf:
            yield f"it ended with {ended.status} instead of {base.ended.status}: {ended.err}"
        elif job.same and not fault.deaf and ended.out != base.ended.out:
            yield f"it said something else: {ended.out[:200]!r}"
        if not fault.deaf and any(now.get(name) != told for name, told in base.after.items() if not job.cold):
            yield "it is done, and not all is there"
    else:
        yield f"it ended with {ended.status}"


def misfits(base: Base, fault: Fault, now: Tree, but: Sequence[str] = ()) -> Iterator[str]:
    """Files that are neither what they were nor what they become, `but` for those that tell of a fault."""
    for name in sorted({*base.before, *base.after, *now} - {*but}):
        told = now.get(name)
        if _hidden(name) and name not in base.before and name not in base.after:
            if told is not None and not fault.leaves:
                yield f"{name} is left"
        elif told not in (base.before.get(name), base.after.get(name)):
            yield f"{name} is {told}; it was {base.before.get(name)}, and becomes {base.after.get(name)}"


def again(job: Job, base: Base, now: Tree, work: Path) -> Iterator[str]:
    """What is wrong with the next run."""
    seen = {name: told for name, told in now.items() if not _hidden(name)}
    plain = {name: told for name, told in base.after.items() if not _hidden(name)}
    ended = run(job, work)
    if "Traceback" in ended.err or ended.status not in (0, 1, 2) or ended.stayed:
        yield f"run again, it ended with {ended.status}: {ended.err}"
    elif seen != plain or not job.writes:
        if ended.status != base.ended.status or (job.same and ended.out != base.ended.out and seen == base.before):
            yield f"run again, it ended with {ended.status}: {ended.err} {ended.out[:300]}"
        last = {name: told for name, told in tree(work).items() if not _hidden(name)}
        if last != plain and not job.cold:
            apart = {n for n in {*last, *plain} if last.get(n) != plain.get(n)}
            yield f"run again, it makes {[f'{n}: {last.get(n)} for {plain.get(n)}' for n in sorted(apart)]}"


def drawn(kind: str, seed: int) -> tuple[str, Fault | None]:
    """The job and the fault of a seed; None where the one does not go with the other."""
    rng = random.Random(f"{kind} {seed}")
    names = [name for name, job in JOBS.items() if job.writes or kind not in ("disk", "place")]
    name = names[seed % len(names)]
    return name, DRAWS[kind](rng, name)


def tried(kind: str, seed: int) -> int:
    """The check of a seed, as a tally wants it: how much it compared; AssertionError where something is wrong."""
    name, fault = drawn(kind, seed)
    if fault is None:
        return 0
    job, known = JOBS[name], base(name)
    with folder(job) as work:
        fault.outside(work)
        try:
            ended = run(job, work, fault)
            now = dict(tree(work))
        finally:
            fault.undo(work)
        for there, named in fault.alias.items():
            if there in now:
                now[named] = now.pop(there)
            elif now.get(named, "").startswith("→"):
                del now[named]
        if "is not there" in fault.name:
            now |= {n: told for n, told in tree(work).items() if n in known.before}
        found = [*wrong(job, known, fault, ended, now), *again(job, known, dict(tree(work)), work)]
    assert not found, f"{name}: {job.command} {job.arguments}; {fault.name}: " + "; ".join(found)
    return 1


ABOUTS = {kind: str(draw.__doc__).partition(".")[0] for kind, draw in DRAWS.items()}
KINDS: Mapping[str, tally.Kind] = {
    kind: tally.Kind(partial(tally.each, partial(tried, kind)), 25, about) for kind, about in ABOUTS.items()
}


@cache
def ready() -> None:
    """What every process needs is imported here once."""
    for path in sorted((ROOT / "engine" / "citelog").rglob("*.py")):
        parts = path.relative_to(ROOT / "engine").with_suffix("").parts
        if "spark" not in parts and parts[1] not in ("edit", "serve"):
            import_module(".".join(parts).removesuffix(".__init__"))
    case = yaml.safe_load((NIGHTS / "cases" / "tired-and-short.yaml").read_bytes())
    citelog.open(NIGHTS).assess(case)  # what is imported only where it is needed
    engine()
    gc.freeze()  # or each process would copy what the collector touches


def preloaded(arguments: Sequence[str]) -> None:
    """Be a process into which the faults of a disk are loaded."""
    if hasattr(ctypes.CDLL(None), "citelog_faults"):
        return
    with tempfile.TemporaryDirectory(prefix="citelog-faults-library-") as made:
        library = ledgers.faults_library(Path(made))
        if library is None:
            raise SystemExit("there is no compiler to make the faults of a disk with")
        child = os.fork()  # the library outlasts the program that is loaded with it
        if child == 0:
            os.environ["LD_PRELOAD"] = str(library)
            os.execv(sys.executable, [sys.executable, str(Path(__file__)), *arguments])
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    preloaded(sys.argv[1:])
    ready()
    try:
        template()
        if sys.argv[1:2] == ["--show"]:
            name, fault = drawn(sys.argv[2], int(sys.argv[3]))
            print(name, fault.name if fault else "nothing")
            tried(sys.argv[2], int(sys.argv[3]))
        else:
            sys.exit(tally.main(__doc__ or "", KINDS))
    finally:
        shutil.rmtree(template(), ignore_errors=True)
        shutil.rmtree(template_cache(), ignore_errors=True)
