"""Receipts and knowledge with one byte changed: each must be noticed, and the place named, before anything is derived.

Run as a program, it changes a byte a thousand times, half of them in receipts and half in the files of the knowledge
bases, and prints how many of each kind were noticed, and in how many the changed member or file was named.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from authoring import ROOT
from citelog import home, open
from citelog.diagnostics import CitelogError
from citelog.receipt import content
from citelog.receipt.content import DamagedReceiptError, Receipt
from citelog.receipt.editions import Place
from citelog.receipt.manifest import ONTOLOGY, group_of, manifest, names
from citelog.receipt.replay import differing

BASES = (ROOT / "knowledge" / "b12", ROOT / "examples" / "short-nights")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was said of one changed byte: what kind of place it is in, whether it was noticed, and named."""

    kind: str
    where: str
    noticed: bool
    named: bool


def verdicts(count: int, seed: int) -> Iterator[Verdict]:
    """A number of changed bytes, by turns in a receipt and in a file behind it, each drawn anew."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as kept:
        given = [subject for base in BASES for subject in subjects(base, Path(kept))]
        for number in range(count):
            subject = rng.choice(given)
            yield in_receipt(rng, subject) if number % 2 else in_knowledge(rng, subject)


@dataclass(frozen=True, slots=True)
class Subject:
    """A receipt, and a copy of the knowledge base that answered, to be changed."""

    data: bytes
    receipt: Receipt
    folder: Path
    ontology: Path


def subjects(base: Path, kept: Path) -> Iterator[Subject]:
    """Receipts of some cases of a knowledge base, which is copied."""
    folder, ontology = kept / base.name, kept / "ontology.ttl"
    shutil.copytree(base, folder)
    shutil.copy(home.ontology(), ontology)
    knowledge = open(folder)
    for path in sorted(folder.glob("cases/*.yaml"))[::90]:
        data = knowledge.receipt(knowledge.assess(path, "2026-03-15"))
        yield Subject(data, content.read(data, path.name), folder, ontology)


def other(rng: random.Random, data: bytes) -> tuple[int, bytes]:
    """Some bytes with one of them changed, and its place."""
    at = rng.randrange(len(data))
    return at, data[:at] + bytes([rng.choice([b for b in range(256) if b != data[at]])]) + data[at + 1 :]


def in_receipt(rng: random.Random, subject: Subject) -> Verdict:
    """A byte of a receipt; its member is the one of its line, and an end of a line belongs to either side."""
    at, changed = other(rng, subject.data)
    line = subject.data.count(b"\n", 0, at)
    members = ("frame", *content.MEMBERS, "hashes", "sha256", "frame")
    right = {members[line]} | ({members[line + 1]} if subject.data[at] == 10 and line + 1 < len(members) else set())
    try:
        content.read(changed, "the receipt")
    except DamagedReceiptError as error:
        return Verdict(f"receipt: {members[line]}", str(at), True, bool(right & {d.member for d in error.damage}))
    except CitelogError:
        return Verdict(f"receipt: {members[line]}", str(at), True, False)
    return Verdict(f"receipt: {members[line]}", str(at), False, False)


def in_knowledge(rng: random.Random, subject: Subject) -> Verdict:
    """A byte of a file of the knowledge base, or of the ontology; every sort of file is as likely."""
    groups: dict[str, list[str]] = {ONTOLOGY: [ONTOLOGY]}
    for file in names(subject.folder):
        groups.setdefault(group_of(file), []).append(file)
    group = rng.choice(list(groups))
    name = rng.choice(groups[group])
    path = subject.ontology if name == ONTOLOGY else subject.folder / name
    before = path.read_bytes()
    try:
        path.write_bytes(other(rng, before)[1])
        now = manifest(subject.folder, subject.ontology)
    finally:
        path.write_bytes(before)
    then = Place("then", subject.folder, subject.ontology, manifest(subject.folder, subject.ontology))
    found = list(differing(subject.receipt, Place("now", subject.folder, subject.ontology, now), then))
    right = [("ontology.ttl" if name == ONTOLOGY else name, group)]
    return Verdict(f"knowledge: {group}", name, bool(found), [(one.file, one.group) for one in found] == right)


def table(found: Iterable[Verdict]) -> str:
    """How many bytes were changed in each kind of place, how many noticed, and how often the place was named."""
    rows: dict[str, list[int]] = {}
    for verdict in found:
        counts = rows.setdefault(verdict.kind, [0, 0, 0])
        for place, yes in enumerate((True, verdict.noticed, verdict.named)):
            counts[place] += yes
    rows = dict(sorted(rows.items()))
    rows["all"] = [sum(column) for column in zip(*rows.values(), strict=True)]
    lines = [f"{'changed byte in':<24}{'changes':>9}{'noticed':>9}{'named':>7}"]
    return "\n".join([*lines, *(f"{name:<24}{a:>9}{b:>9}{c:>7}" for name, (a, b, c) in rows.items())])


if __name__ == "__main__":
    sys.stdout.write(table(verdicts(1000, seed=6)) + "\n")
