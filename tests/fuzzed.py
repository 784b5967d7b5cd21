"""Whatever is read, given what it was never meant for: an answer or a refusal in words, in time, and nothing else.

    python tests/fuzzed.py --rules 100000 --records 100000 --jobs 2
    python tests/guided.py records --minutes 60                   led by coverage (pip install atheris)

Each seed is one input: a file that is kept here, changed in one to eight places, its bytes or, where it is JSON, what
they say. What is allowed is in `TARGETS`: a value, or the one exception that tells people what is wrong, where, and
what to try. Anything else is a difference, as is an input that takes longer than two seconds of the processor, or a
process that takes more than 768 megabytes.

One process reads inputs one after the other, forked from this one when all is loaded; where an input goes wrong, it
ends, and another goes on. Whoever takes thirty seconds, or takes the process along, is told with where it was.
"""

from __future__ import annotations

import faulthandler
import gc
import hashlib
import json
import lzma
import multiprocessing
import os
import random
import re
import resource
import signal
import sys
import tarfile
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from io import BytesIO, TextIOWrapper
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import yaml

import b12
import calls
import tally
from cdshooks import Exchange, violations
from citelog import home
from citelog.assess import assess_case
from citelog.checker import Checker
from citelog.cli.app import main as command
from citelog.conclusions import DerivationError
from citelog.diagnostics import CitelogError, Diagnostic
from citelog.hooks import cards, request
from citelog.hooks.services import services
from citelog.knowledge.files import Drafts
from citelog.knowledge.load import load
from citelog.patient import intake
from citelog.patient.reading import json_object
from citelog.receipt import archive, content, manifest, sealed
from citelog.rules.check import check
from citelog.rules.language import Names
from citelog.rules.syntax import parse

ROOT = Path(__file__).parent.parent
NIGHTS = ROOT / "examples" / "short-nights"
RECEIPTS = ROOT / "tests" / "receipts"

SECONDS = 2.0
MEGABYTES = 768

MOST, LONG = 1_000_000, 60_000
"""Bytes of an input, and of what is said in it again and again."""

HOSTILE = (
    b"\x00", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", "\u202e".encode(), "e\u0301".encode(), b"\r\n", b"\x1b[2J",
    b"{{7*7}}", b"<script>", b"${jndi:x}", b"' OR 1=1 --", b"../../etc/passwd", b"%s%n", b"1e999", b"-0", b"NaN",
    b"99999999999999999999999999", b"0.1000000000000000055511151231257827", b"9999-12-31", b"0000-00-00", b"2026-02-30",
    b"null", b"true", b"[]", b"{}", b"!!python/object:os.system", b"&a", b"*a", b"<<: *a", b"[" * 2000,
    b"{\"a\":" * 2000, b"(" * 2000, b"a" * 100_000, b"#", b"%%%", b":-", b"~", b"@prefix", b"urn:x:y", b"resourceType",
)  # fmt: skip
"""What has hurt readers of all kinds."""


def changed(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """An input made of another, by one to eight edits."""
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5, 8))):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice((0, 1, 1, 2, 4, 16, 64, 400)))
        match rng.randrange(9):
            case 0:
                data = data[:start] + data[end:]
            case 1:
                times = rng.choice((1, 2, 30)) if rng.random() < 0.975 else LONG // (end - start + 1)
                data = data[:end] + data[start:end] * times + data[end:]
            case 2 | 3:
                data = data[:start] + rng.choice(HOSTILE) + data[start if rng.random() < 0.5 else end :]
            case 4:
                other = rng.choice(others)
                at = rng.randrange(len(other) + 1)
                data = data[:start] + other[at : at + rng.randrange(200)] + data[end:]
            case 5:
                data = data[:start] + bytes(b ^ (1 << rng.randrange(8)) for b in data[start:end]) + data[end:]
            case 6:
                data = re.sub(
                    rb"\d+", lambda m: rng.choice((m[0], b"0", b"-1", m[0] * 9)), data, count=rng.randrange(1, 4)
                )
            case 7:
                words = re.findall(rb"\w+", data) or [b""]
                old, new = rng.choice(words), rng.choice(words)
                data = data.replace(old, new, rng.choice((1, 1 + MOST // (1 + len(new)))))
            case _:
                data = data[:start] if rng.random() < 0.3 else data
    return data[:MOST]


VALUES = (
    None, True, False, 0, -1, 10**30, 1e-300, 1.5, "", " ", "\0", "\ud800", "\u202e", "<50", "1e999", "-0", "present",
    "9999-12-31", "2026-02-30", "0000-00-00", "2026-03-15T25:00:00+99:00", "a" * 100_000, [], {}, [[]], [None],
    {"": {}},
)  # fmt: skip
"""What has hurt readers of JSON."""


def turned(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """An input made of another one in JSON, by one to five edits of what it says: it is JSON still."""
    value = [json.loads(data)]
    for _ in range(rng.choice((1, 1, 1, 2, 3, 5))):
        _turn(value, rng, lambda: [json.loads(rng.choice(others))])
    return json.dumps(value[0] if value else None).encode()


Place = tuple[Any, Any]
"""A list or an object, and which of its members is meant."""


def _place(value: Any, rng: random.Random) -> Place:
    """Somewhere in a value, at any depth."""
    while True:
        at = rng.choice(list(value) if isinstance(value, dict) else range(len(value)))
        if not isinstance(value[at], dict | list) or not value[at] or rng.random() < 0.15:
            return value, at
        value = value[at]


def _turn(whole: list[Any], rng: random.Random, other: Callable[[], list[Any]]) -> None:
    if not whole:
        return
    within, at = _place(whole, rng)
    one = within[at]
    match rng.randrange(8):
        case 0:
            del within[at]
        case 1 | 2:
            within[at] = deepcopy(rng.choice(VALUES))
        case 3:
            there, key = _place(rng.choice((whole, other()))[:], rng)
            within[at] = deepcopy(there[key])
        case 4 if isinstance(within, list):
            within[at:at] = [one] * rng.choice((1, 2, 30))
        case 4:
            within[rng.choice((*within, "", "id", "x" * 1000, "\ud800"))] = one
        case 5:
            within[at] = rng.choice(([one], {"value": one}, [[[[one]]]], str(one)))
        case 6 if isinstance(one, int | float) and abs(one) < 1e15:
            within[at] = rng.choice((one + 1, -one, one / 3, one * 10**20, str(one)))
        case 7 if isinstance(within, list):
            rng.shuffle(within)
        case _:
            text = (one if isinstance(one, str) else json.dumps(one)).encode("utf-8", "replace")
            within[at] = changed(text, [b"mg pmol/L <= present"], rng).decode("utf-8", "replace")


def sealed_anew(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """A receipt made of another one by edits of what it says, sealed again, as one who changes it would do."""
    members = json.loads(turned(data, others, rng))
    for part in (sealed.HASHES, sealed.WHOLE):
        isinstance(members, dict) and members.pop(part, None)
    try:
        return sealed.seal(members)
    except (CitelogError, AttributeError):
        return changed(data, others, rng)  # what it would say can be sealed by nobody


PATHS = (
    "", "a", "kb", "../a", "kb/../a", "/kb/a", "kb/.git/config", "kb//a", "kb/a\n", "kb\\a", "KB/terms.ttl", "con",
    "x" * 90 + "/" + "y" * 99,
)  # fmt: skip
"""Names of files that have hurt those who unpack."""


def packed_anew(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """An archive made of another one by edits of its files, their names or its manifest, and sealed again."""
    with tarfile.open(fileobj=BytesIO(data)) as tar:
        held = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    told = json.loads(held.pop(archive.MANIFEST))
    for _ in range(rng.choice((1, 1, 2, 3))):
        one = rng.choice(list(held))
        match rng.randrange(4):
            case 0:
                held[one] = changed(held[one], [rng.choice(list(held.values()))], rng)
            case 1:
                held[rng.choice((*PATHS, f"{told['folder']}/{rng.choice(PATHS)}"))] = held[one]
            case 2 if len(held) > 1:
                del held[one]
    hashes = {name: hashlib.sha256(file).hexdigest() for name, file in sorted(held.items())}
    folder = f"{told['folder']}/"
    told["files"] = {name.removeprefix(folder): value for name, value in hashes.items() if name.startswith(folder)}
    told["ontology"] = hashes.get(archive.ONTOLOGY, "")
    told["knowledge"]["sha256"] = manifest.Manifest(told["folder"], told["ontology"], told["files"]).fingerprint
    said = sealed.seal({name: told[name] for name in archive.MEMBERS})
    if rng.random() < 0.4:
        said = sealed_anew(said, [said], rng)
    whole = BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, file in {archive.MANIFEST: said, **held}.items():
            about = tarfile.TarInfo(name)
            about.size, about.mode = len(file), 0o644
            tar.addfile(about, BytesIO(file))
    return whole.getvalue()


def as_json(data: bytes, others: Sequence[bytes], rng: random.Random) -> bytes:
    """A case file, turned; it may be written in JSON too."""
    return turned(_json(data), tuple(map(_json, rng.choices(others, k=2))), rng)


@lru_cache(1000)
def _json(data: bytes) -> bytes:
    return json.dumps(yaml.safe_load(data), default=str).encode()


Change = Callable[[bytes, Sequence[bytes], random.Random], bytes]


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads what strangers write: what is changed and how, who reads it, and how it may refuse."""

    about: str
    corpus: Callable[[], Sequence[bytes]]
    read: Callable[[bytes], object]
    refuses: type[Exception] = CitelogError
    changes: Sequence[Change] = (changed,)


@cache
def files(*patterns: str) -> tuple[bytes, ...]:
    """The files of this repository that fit."""
    return tuple(path.read_bytes() for pattern in patterns for path in sorted(ROOT.glob(pattern)))


@cache
def names() -> Names:
    """What the rules of the shipped knowledge base may name."""
    known = b12.knowledge()
    return Names(known.program.predicates, frozenset(known.terms.labels), frozenset(known.statements))


def told(found: Sequence[Diagnostic]) -> None:
    """Findings are refusals too: each says where, what, and what to try, in characters that can be written."""
    for one in found:
        assert one.span.file and one.message and (one.hint or one.accepted), one
        str(one).encode()


def rules(data: bytes) -> object:
    program, found = check([parse(data.decode("utf-8", "replace"), "fuzzed.rls")], names())
    told(found)
    return program


def knowledge(data: bytes) -> object:
    """The first byte chooses which file of a knowledge base it is."""
    held = sorted(path for path in NIGHTS.rglob("*") if path.suffix in (".ttl", ".trig", ".rls", ".txt"))
    path = held[data[0] % len(held)] if data else held[0]
    opened = load(NIGHTS, home.ontology(), Drafts({path: data[1:].decode("utf-8", "replace")}))
    told(opened.diagnostics)
    return opened


@cache
def drafts() -> tuple[bytes, ...]:
    held = sorted(path for path in NIGHTS.rglob("*") if path.suffix in (".ttl", ".trig", ".rls", ".txt"))
    return tuple(bytes([number]) + path.read_bytes() for number, path in enumerate(held))


def record(data: bytes) -> object:
    case = intake.from_bytes(data, "fuzzed", "fuzzed", b12.knowledge().terms)
    try:
        return json.dumps(assess_case(b12.knowledge(), case, None).to_dict(), ensure_ascii=False).encode()
    except DerivationError:
        return None  # a record that keeps the reasoner too long is refused in words


def edition(data: bytes) -> object:
    """An archive; each of its files has its place in the edition's own folder."""
    found = archive.read(data, "fuzzed")
    for name in found.files:
        place = f"/kept/{found.manifest.folder}/{name}"
        assert os.path.normpath(place) == place and not re.search(r"[\x00-\x1f\\]|/\.", place), place
    return found


@cache
def receipts() -> tuple[bytes, ...]:
    return tuple(lzma.decompress(path.read_bytes()) for path in sorted(RECEIPTS.glob("*/*.receipt.json.xz")))


@cache
def archives() -> tuple[bytes, ...]:
    return tuple(lzma.decompress(path.read_bytes()) for path in sorted(RECEIPTS.glob("*/edition.tar.xz")))


@cache
def proofs() -> tuple[bytes, ...]:
    answer = b12.assessed(next(iter(b12.library())))
    return tuple(json.dumps(answer.why(made.id).to_dict()).encode() for made in answer.conclusions[:8])


@cache
def checker() -> Checker:
    return Checker(b12.knowledge(), b12.assessed(next(iter(b12.library()))).case)


def proof(data: bytes) -> object:
    """JSON whatever it holds: the checker says what is wrong with it."""
    return checker().check_proof(json_object(data, "fuzzed"))


def hook(data: bytes) -> object:
    """A call of a hook, by the service that its text names, read and answered with cards that keep every clause."""
    view, orders = services(b12.knowledge())
    service = orders if b"order-sign" in data else view
    asked = request.read(service, data)
    case = intake.from_bytes(asked.record, "fuzzed", asked.instance, b12.knowledge().terms)
    answer = cards.response(asked, assess_case(b12.knowledge(), case, asked.at))
    broken = violations(Exchange(service.to_dict(), json.loads(data), 200, answer))
    assert not [name for name in broken if not name.startswith(("request", "cds-r-"))], broken
    return answer


@cache
def hooked() -> tuple[bytes, ...]:
    made = (calls.VIEW, calls.NOBODY, calls.call("order-sign", results=None), calls.call("order-sign"))
    return tuple(json.dumps(one).encode() for one in made)


ASKED = (
    b"assess", b"why", b"why-not", b"what-if", b"missing", b"contrast", b"certify", b"quote", b"show", b"schema",
    b"query", b"--format", b"json", b"text", b"--kb", b"b12", b"--at", b"2026-03-15", b"--set", b"labs[0].value=1",
    b"--add", b"findings: {name: x}", b"--drop", b"labs[0]", b"--of", b"--list", b"--param", b"id=S1", b"--case", b"-",
    b"--help", b"--brief", b"G06", b"treat:immediate", b"vitamin", b"--time-limit", b"0", b"--population",
)  # fmt: skip


def arguments(data: bytes) -> object:
    """A command, its arguments apart by NUL; it ends with a status that the contract has, and without a traceback."""
    given = [os.fsdecode(one).replace("\0", "") for one in data.split(b"\0")]
    if given[0] not in {os.fsdecode(one) for one in ASKED[:11]}:
        given.insert(0, "show")
    here, out, err = Path.cwd(), TextIOWrapper(BytesIO()), TextIOWrapper(BytesIO(), errors="backslashreplace")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            with redirect_stdout(out), redirect_stderr(err):
                command(given)
        except SystemExit as ended:
            err.seek(0)
            told = err.read()
            assert ended.code in (0, 1, 2) and "Traceback" not in told, (given, ended.code, told)
        finally:
            os.chdir(here)
    return None


@cache
def commands() -> tuple[bytes, ...]:
    patient = os.fsencode(ROOT / "examples" / "patient.yaml")
    rng = random.Random(0)
    return tuple(b"\0".join([rng.choice(ASKED[:11]), patient, *rng.choices(ASKED, k=n % 5)]) for n in range(200))


RULES, RECORDS = "knowledge/b12/rules/*.rls", ("knowledge/b12/cases/*.yaml", "examples/*.yaml")
RESOURCES = ("tests/fhir/**/*.json", "knowledge/b12/cases/*.json")
SAID = (changed, turned)

TARGETS: Mapping[str, Target] = {
    "rules": Target("the rule language, parsed and checked", partial(files, RULES), rules),
    "knowledge": Target("any file of a knowledge base", drafts, knowledge),
    "records": Target("case files", partial(files, *RECORDS), record, changes=(changed, as_json)),
    "fhir": Target("FHIR records", partial(files, *RESOURCES), record, changes=SAID),
    "hooks": Target("calls of CDS Hooks", hooked, hook, changes=SAID),
    "receipts": Target("receipts", receipts, partial(content.read, name="fuzzed"), changes=(changed, sealed_anew)),
    "archives": Target("archives of an edition", archives, edition, changes=(changed, packed_anew)),
    "proofs": Target("proofs, by the checker", proofs, proof, changes=SAID),
    "arguments": Target("the command line", commands, arguments),
}


def once(name: str, data: bytes) -> None:
    """One input of one target; AssertionError, or whatever it raised that it must not."""
    target, began = TARGETS[name], time.process_time()
    try:
        target.read(data)
    except content.DamagedReceiptError as damaged:
        assert damaged.damage  # what `citelog audit replay` answers: which members, and what is wrong with each
    except target.refuses as refused:
        assert _WORDS.search(str(refused)), f"it is refused without saying where, what, or what to try: {refused!r}"
    if (seconds := time.process_time() - began) >= SECONDS:
        raise Slow(f"{seconds:.1f} s of the processor for {len(data)} bytes")
    assert (most := largest()) < MEGABYTES, f"{most} MB"


_WORDS = re.compile(r"\A[^\n]+: [^\n]+\n(.*\n)*? +[=+] \S")


class Slow(AssertionError):
    """An input that took longer than any may."""


def largest() -> int:
    """The most megabytes that this process ever held.

    Linux counts in `ru_maxrss` what the process that started this one held at that moment, so where that is too much
    a program's own figure is read where it stands.
    """
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    status = Path("/proc/self/status")
    if most >= MEGABYTES and status.exists():
        peak = re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE)
        return int(peak[1]) // 1024 if peak else most
    return most


def drawn(name: str, seed: int) -> bytes:
    """The input of a seed."""
    rng, target = random.Random(f"{name} {seed}"), TARGETS[name]
    corpus = target.corpus()
    return rng.choice(target.changes)(rng.choice(corpus), corpus, rng)


@cache
def warm(name: str) -> None:
    """What is loaded at the first use is loaded; each process that is begun from here has it then, and no seed pays."""
    corpus = TARGETS[name].corpus()
    for data in corpus[:: len(corpus) // 20 + 1]:
        with suppress(Exception):  # it is drawn too, and told then
            TARGETS[name].read(data)


HANGS = 30
"""Seconds of the processor after which an input is given up, and with it the process that reads it."""

PATIENCE = 900
"""Seconds of the clock after which a process that has not even used these is ended."""

FORK = multiprocessing.get_context("fork")

Draw = Callable[[int], bytes]
"""The input of a number."""


def _asked(name: str, draw: Draw, numbers: range, at: Any, trace: int, told: Connection) -> None:
    """In a process of its own: inputs until one of them goes wrong, whose number and fault are told."""
    gc.freeze()  # what was there before is nothing to look at for each input
    faulthandler.enable(trace)
    faulthandler.register(signal.SIGXCPU, trace, chain=True)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (3 * MEGABYTES << 20, resource.RLIM_INFINITY))
    for number in numbers:
        at.value = number
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + HANGS, resource.RLIM_INFINITY))
        try:
            once(name, draw(number))
        except Exception as wrong:  # noqa: BLE001  whatever it is, it is told, and another process goes on
            said = str(wrong) if isinstance(wrong, AssertionError) else "".join(traceback.format_exception(wrong))
            return told.send((number, said or repr(wrong), isinstance(wrong, Slow)))
    return told.send(None)


def faults(name: str, draw: Draw, numbers: range) -> Iterator[tuple[int, str, bool]]:
    """The numbers of the inputs that go wrong, what is wrong with each, and whether it is only the time.

    A process reads them one after the other. It ends where one goes wrong, and another one goes on behind it; so
    whatever an input does to its process, no other input has to do with it.
    """
    while numbers:
        at, (ours, theirs) = FORK.Value("q", numbers[0], lock=False), FORK.Pipe(duplex=False)
        with tempfile.TemporaryFile() as trace:
            process = FORK.Process(target=_asked, args=(name, draw, numbers, at, trace.fileno(), theirs))
            process.start()
            theirs.close()
            before = -1
            while not ours.poll(PATIENCE) and before != at.value:
                before = at.value
            if not ours.poll():
                process.kill()
            try:
                told = ours.recv()
            except EOFError:
                process.join()
                trace.seek(0)
                told = at.value, f"{_ended(process.exitcode or 0)}\n{trace.read().decode()}", False
            process.join()
        if told is None:
            return
        yield told
        numbers = numbers[numbers.index(told[0]) + 1 :]


def _ended(status: int) -> str:
    if status == -signal.SIGXCPU:
        return f"not done in {HANGS} seconds of the processor"
    return f"its process ended with {signal.Signals(-status).name if status < 0 else status}"


def alone(name: str, data: bytes) -> str:
    """What goes wrong with an input in a process that has read nothing else; the empty string where all is well."""
    return next((said for _, said, _ in faults(name, lambda _: data, range(1))), "")


def batch(name: str, first: int, count: int) -> tally.Line:
    """The inputs of some seeds. Who was only slow among others is asked again alone, and may have been kept waiting."""
    warm(name)
    differences, again = [], 0
    for seed, said, slow in faults(name, partial(drawn, name), range(first, first + count)):
        again += slow
        if not slow or (said := alone(name, drawn(name, seed))):
            differences.append(f"seed {seed}: {said}")
    return {"compared": count - len(differences), "idle": 0, "differences": differences, "again": again}


KINDS: Mapping[str, tally.Kind] = {
    name: tally.Kind(partial(batch, name), 500, target.about) for name, target in TARGETS.items()
}


if __name__ == "__main__":
    sys.exit(tally.main(__doc__ or "", KINDS))
