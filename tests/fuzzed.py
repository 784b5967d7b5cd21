"""Whatever is read, given what it was never meant for: an answer or a refusal in words, in time, and nothing else.

    python tests/fuzzed.py --rules 100000 --records 100000 --jobs 2
    python tests/fuzzed.py --guided records --minutes 60          led by coverage (pip install atheris)

Each seed is one input: a file that is kept here, changed in one to eight places. What is allowed is in `TARGETS`: a
value, or the one exception that tells people what is wrong. Anything else is a difference, as is an input that takes
longer than two seconds of the processor, or a process that takes more than 768 megabytes.
"""

from __future__ import annotations

import json
import lzma
import os
import random
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache, partial
from io import BytesIO, TextIOWrapper
from pathlib import Path

import b12
import calls
import tally
from cdshooks import Exchange, violations
from citelog import home
from citelog.assess import assess_case
from citelog.checker import Checker
from citelog.cli.app import main as command
from citelog.conclusions import DerivationError
from citelog.diagnostics import CitelogError
from citelog.hooks import cards, request
from citelog.hooks.services import services
from citelog.knowledge.files import Drafts
from citelog.knowledge.load import load
from citelog.patient import intake
from citelog.patient.reading import json_object
from citelog.receipt import archive, content
from citelog.rules.check import check
from citelog.rules.language import Names
from citelog.rules.syntax import parse

ROOT = Path(__file__).parent.parent
NIGHTS = ROOT / "examples" / "short-nights"
RECEIPTS = ROOT / "tests" / "receipts"

SECONDS = 2.0
MEGABYTES = 768

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
                data = data[:end] + data[start:end] * rng.choice((1, 2, 30)) + data[end:]
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
                data = data.replace(rng.choice(words), rng.choice(words), rng.choice((1, -1)))
            case _:
                data = data[:start] if rng.random() < 0.3 else data
    return data[:1_000_000]


@dataclass(frozen=True, slots=True)
class Target:
    """Something that reads what strangers write: what is changed, who reads it, and how it may refuse."""

    about: str
    corpus: Callable[[], Sequence[bytes]]
    read: Callable[[bytes], object]
    refuses: type[Exception] = CitelogError


def files(*patterns: str) -> tuple[bytes, ...]:
    """The files of this repository that fit."""
    return tuple(path.read_bytes() for pattern in patterns for path in sorted(ROOT.glob(pattern)))


@cache
def names() -> Names:
    """What the rules of the shipped knowledge base may name."""
    known = b12.knowledge()
    return Names(known.program.predicates, frozenset(known.terms.labels), frozenset(known.statements))


def rules(data: bytes) -> object:
    text = data.decode("utf-8", "surrogateescape")
    return check([parse(text, "fuzzed.rls")], names())


def knowledge(data: bytes) -> object:
    """The first byte chooses which file of a knowledge base it is."""
    held = sorted(path for path in NIGHTS.rglob("*") if path.suffix in (".ttl", ".trig", ".rls", ".txt"))
    path = held[data[0] % len(held)] if data else held[0]
    return load(NIGHTS, home.ontology(), Drafts({path: data[1:].decode("utf-8", "replace")}))


@cache
def drafts() -> tuple[bytes, ...]:
    held = sorted(path for path in NIGHTS.rglob("*") if path.suffix in (".ttl", ".trig", ".rls", ".txt"))
    return tuple(bytes([number]) + path.read_bytes() for number, path in enumerate(held))


def record(data: bytes) -> object:
    case = intake.from_bytes(data, "fuzzed", "fuzzed", b12.knowledge().terms)
    try:
        return assess_case(b12.knowledge(), case, None)
    except DerivationError:
        return None  # a record that keeps the reasoner too long is refused in words


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


TARGETS: Mapping[str, Target] = {
    "rules": Target("the rule language, parsed and checked", partial(files, "knowledge/b12/rules/*.rls"), rules),
    "knowledge": Target("any file of a knowledge base", drafts, knowledge),
    "records": Target("case files", partial(files, "knowledge/b12/cases/*.yaml", "examples/*.yaml"), record),
    "fhir": Target("FHIR records", partial(files, "tests/fhir/**/*.json", "knowledge/b12/cases/*.json"), record),
    "hooks": Target("calls of CDS Hooks", hooked, hook),
    "receipts": Target("receipts", receipts, partial(content.read, name="fuzzed")),
    "archives": Target("archives of an edition", archives, partial(archive.read, name="fuzzed")),
    "proofs": Target("proofs, by the checker", proofs, proof),
    "arguments": Target("the command line", commands, arguments),
}


def once(name: str, data: bytes) -> None:
    """One input of one target; AssertionError, or whatever it raised that it must not."""
    target, began = TARGETS[name], time.process_time()
    try:
        target.read(data)
    except target.refuses as refused:
        assert str(refused).strip(), "it is refused without a word"
    seconds = time.process_time() - began
    assert seconds < SECONDS, f"{seconds:.1f} s of the processor for {len(data)} bytes"
    assert (most := largest()) < MEGABYTES, f"{most} MB"


def largest() -> int:
    """The most megabytes that this process ever held.

    Linux counts in `ru_maxrss` what the process that started this one held at that moment, so a program's own figure
    is read where it stands.
    """
    status = Path("/proc/self/status")
    if status.exists() and (peak := re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), re.MULTILINE)):
        return int(peak[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def drawn(name: str, seed: int) -> bytes:
    """The input of a seed."""
    rng, corpus = random.Random(f"{name} {seed}"), TARGETS[name].corpus()
    return changed(rng.choice(corpus), corpus, rng)


def seed_of(name: str, seed: int) -> int:
    """The check of a seed, as a tally wants it."""
    once(name, drawn(name, seed))
    return 1


KINDS: Mapping[str, tally.Kind] = {
    name: tally.Kind(partial(tally.each, partial(seed_of, name)), 500, target.about) for name, target in TARGETS.items()
}


def guided(name: str, minutes: float) -> None:
    """Inputs that reach new places of the code are kept and changed further, by atheris; it ends at the first fault."""
    import atheris

    def read(data: bytes) -> None:
        once(name, data)

    atheris.instrument_all()
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(TARGETS[name].corpus()):
            (Path(folder) / str(number)).write_bytes(data)
        limits = [
            f"-max_total_time={int(minutes * 60)}",
            "-max_len=200000",
            "-timeout=30",
            f"-rss_limit_mb={2 * MEGABYTES}",
        ]
        atheris.Setup([sys.argv[0], folder, *limits], read)
        atheris.Fuzz()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--guided"]:
        guided(sys.argv[2], float(sys.argv[4]) if len(sys.argv) > 4 else 60)
    else:
        sys.exit(tally.main(__doc__ or "", KINDS))
