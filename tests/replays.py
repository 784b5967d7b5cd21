"""Receipts that are replayed elsewhere, in a long run that adds up (`tally`).

    python tests/replays.py --replayed 100000 --shuffled 10000 --tally tests/tally.jsonl

A batch draws records, and writes their receipts here. Another process, in another folder with a copy of the knowledge
base whose files were written backwards, under another hash seed, locale, time zone and optimisation, replays them all
and makes each anew: the replay must say `same`, and what is made must be the same bytes. CITELOG_PYTHONS may name other
Pythons with what is locked (separated by `:`), to take turns; theirs is another engine, and so another receipt.
"""

from __future__ import annotations

import copy
import json
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

import b12
import changed_records
import tally
from authoring import ROOT
from citelog import home, patient
from citelog.assess import assess_case
from citelog.diagnostics import CitelogError
from citelog.knowledge.base import Knowledge
from citelog.knowledge.load import load
from citelog.receipt import content
from citelog.receipt.manifest import Manifest, manifest
from oracle.random_cases import random_case

NIGHTS = ROOT / "examples" / "short-nights"
DAYS = (None, "2026-03-15", "2026-01-31", "2024-02-29")
LOCALES = ("C", "C.UTF-8", "POSIX", "tr_TR.UTF-8", "nowhere")
ZONES = ("Pacific/Kiritimati", "Etc/GMT+12", "Asia/Kathmandu", "America/St_Johns", "UTC")
FOLDERS = ("here", "a folder with blanks", "ordner-ä-目录", "x" * 60)

Drawn = tuple[str, bytes, str | None]
"""A record: the knowledge base that it is for, its bytes as a file would have them, and the day of its assessment."""


@cache
def _knowledge(name: str) -> tuple[Knowledge, Manifest]:
    if name == "b12":
        return b12.knowledge(), manifest(b12.FOLDER, home.ontology())
    opened = load(NIGHTS, home.ontology()).knowledge
    assert opened is not None
    return opened, manifest(NIGHTS, home.ontology())


def drawn(seed: int) -> Drawn:
    """One record in eight is a pupil's; of the others a third each is drawn to reach every row, drawn from all names,
    and a case of the library that was changed."""
    rng = random.Random(seed)
    at = rng.choice(DAYS)
    name = "b12"
    match rng.randrange(8):
        case 0:
            name, record = "short-nights", _pupil(rng)
        case 1 | 2:
            record, at = changed_records.random_record(seed)
        case 3 | 4:
            record = _changed(rng, rng.choice(list(b12.library().values())).record)
        case _:
            record = random_case(rng)
    plain = json.loads(json.dumps(record | {"id": f"drawn-{seed}"}, default=str))
    if rng.random() < 0.5:
        return name, json.dumps(plain, ensure_ascii=rng.random() < 0.5).encode(), at
    return name, yaml.safe_dump(plain, allow_unicode=True, sort_keys=rng.random() < 0.5).encode(), at


def _pupil(rng: random.Random) -> dict[str, Any]:
    value = rng.choice((6, 7, 7.99, 8, 8.5, 9, 10, 11, "480", "<8", ">9", "?"))
    night = {"analyte": "night", "value": value, "unit": rng.choice(("hours", "minutes", "h", ""))}
    names = ("falling asleep in lessons", "loud snoring")
    states = ("present", "absent", "unknown")
    return {
        "context": {"age_years": rng.choice((5, 11, 12, 13, 17))},
        "labs": [night | {"when": f"2026-03-{rng.randint(1, 14):02}"} for _ in range(rng.randint(0, 2))],
        "findings": [{"name": name, "state": rng.choice(states)} for name in names if rng.random() < 0.7],
    }


def _changed(rng: random.Random, record: Mapping[str, Any]) -> dict[str, Any]:
    """A record that lost an entry, or has one twice."""
    changed: dict[str, Any] = copy.deepcopy(dict(record))
    lists = [name for name, value in changed.items() if isinstance(value, list) and value]
    if lists:
        entries = changed[rng.choice(lists)]
        one = rng.randrange(len(entries))
        entries[one : one + 1] = [entries[one]] * rng.choice((0, 2))
    return changed


def _assessed(drawn: Drawn) -> Any:
    name, data, at = drawn
    knowledge, _ = _knowledge(name)
    return assess_case(knowledge, patient.from_bytes(data, "record", "record", knowledge.terms), at)


# receipts replayed


def replayed(first: int, count: int) -> tally.Line:
    """A batch of receipts, replayed by one process elsewhere."""
    rng, refused = random.Random(first), 0
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for seed in range(first, first + count):
            of = drawn(seed)
            try:
                receipt = content.of(_assessed(of), _knowledge(of[0])[1])
            except CitelogError:
                refused += 1
                continue
            place = folder / "receipts" / of[0]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{seed}.receipt.json").write_bytes(receipt)
        differences = list(_elsewhere(folder, rng))
        compared = len(list(folder.glob("receipts/*/*.json")))
    return {"compared": compared, "idle": refused, "differences": differences}


def _elsewhere(folder: Path, rng: random.Random) -> Iterator[str]:
    """What another process says of the receipts in a folder."""
    place = folder / rng.choice(FOLDERS)
    for base in (b12.FOLDER, NIGHTS):
        backwards(base, place / base.name)
    pythons = [sys.executable, *filter(None, os.environ.get("CITELOG_PYTHONS", "").split(":"))]
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(place),
        "PYTHONPATH": f"{ROOT / 'engine'}",
        "PYTHONHASHSEED": str(rng.randrange(1, 2**32)),
        "PYTHONOPTIMIZE": rng.choice(("", "1", "2")),
        "LC_ALL": rng.choice(LOCALES),
        "TZ": rng.choice(ZONES),
        "PYTHONUTF8": "0",
    }
    command = [rng.choice(pythons), Path(__file__).with_name("replayed_elsewhere.py"), folder / "receipts", place]
    ended = subprocess.run(command, cwd=place, env=environment, capture_output=True, check=False)
    told = {name: environment[name] for name in ("PYTHONHASHSEED", "PYTHONOPTIMIZE", "LC_ALL", "TZ")}
    if ended.returncode:
        yield f"{command[0]} {told}: {ended.stderr.decode(errors='replace')[-2000:]}"
    yield from (f"{line} {command[0]} {told}" for line in ended.stdout.decode(errors="replace").splitlines())


def backwards(folder: Path, to: Path) -> None:
    """A copy of a folder, its files written in the opposite order."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            (to / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to / path.relative_to(folder))


# records in another order


def shuffled(seed: int) -> int:
    """A record whose entries and keys stand in another order: all that is said but the places is the same."""
    name, data, at = drawn(seed)
    record = yaml.safe_load(data)
    other = _in_another_order(random.Random(-seed), record)
    try:
        one = _assessed((name, yaml.safe_dump(record, sort_keys=False).encode(), at))
    except CitelogError:
        return 0
    two = _assessed((name, yaml.safe_dump(other, sort_keys=False).encode(), at))
    assert _said(one.to_dict()) == _said(two.to_dict()), f"{record}\n{other}"
    return 1


def _in_another_order(rng: random.Random, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_another_order(rng, value[key]) for key in rng.sample(list(value), len(value))}
    if isinstance(value, list):
        return [_in_another_order(rng, one) for one in rng.sample(value, len(value))]
    return value


def _said(document: Mapping[str, Any]) -> Any:
    """An assessment without the places in its record, and without the hash of that."""
    text = json.dumps(document | {"case": None})
    return json.loads(re.sub(r"\b(labs|findings|medications|preferences|conditions)\[\d+\]", r"\1", text))


KINDS: Mapping[str, tally.Kind] = {
    "replayed": tally.Kind(replayed, 250, "receipts, replayed and made anew by a process elsewhere; idle: no record"),
    "shuffled": tally.Kind(partial(tally.each, shuffled), 250, "records in another order; idle: no record"),
}

if __name__ == "__main__":
    sys.exit(tally.main(__doc__ or "", KINDS))
