"""`citelog verify`: what can never be concluded, for any patient.

The documents of tests/verify edit a small knowledge base and show what the command answers. Then: every drawn patient's
picture is among the pictures, every picture is some patient's, and what is said of a picture is what the engine says.
"""

from __future__ import annotations

import datetime
import itertools
import json
import os
import random
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import b12
import literate
from authoring import Command
from citelog import home, patient
from citelog.approval import gates
from citelog.knowledge.base import Knowledge
from citelog.knowledge.load import load
from citelog.reports.verified import verified
from citelog.run.datalog import Machine
from citelog.verify import pictures, solver
from citelog.verify.clauses import Entry
from citelog.verify.forms import case_of
from citelog.verify.verdicts import Verifier, verify
from citelog.verify.witness import facts, holds
from oracle import random_cases
from test_schemas import form, problem

FOLDER = Path(__file__).parent / "verify"
EXAMPLE = home.ontology().parent / "examples" / "short-nights"
ASKED = (
    "violation",
    "treat",
    "status",
    "neuro",
    "symptomatic",
    "regimen",
    "conflict",
    "caution",
    "referral",
    "monitoring",
)


def opened(folder: Path) -> Knowledge:
    """A knowledge base that has no errors."""
    found = load(folder, home.ontology())
    assert found.knowledge is not None, [str(d) for d in found.diagnostics]
    return found.knowledge


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda p: p.stem)
def test_document(path: Path, tmp_path: Path) -> None:
    """What `citelog verify` says of a document's edits is its `answer`."""
    text = path.read_text(encoding="utf-8")
    knowledge = opened(literate.edited(text, tmp_path))
    said = "".join(f"{line.lead}{line.text}\n" for line in verified(verify(knowledge), knowledge))
    if os.environ.get("CITELOG_ACCEPT"):
        literate.accept(path, said)
    assert said == next(
        block.text for block in literate.blocks(path.read_text(encoding="utf-8")) if block.kind == "answer"
    )


def test_the_page_shows_what_the_documents_show() -> None:
    """engine/VERIFY.md has the answer of `broken` letter for letter, and its property."""
    page = (home.ontology().parent / "engine" / "VERIFY.md").read_text(encoding="utf-8")
    blocks = list(literate.blocks((FOLDER / "broken.md").read_text(encoding="utf-8")))
    answer = next(block.text for block in blocks if block.kind == "answer")
    assert f"begin -->\n```text\n{answer}```\n<!--" in page
    rule = next(block.text for block in blocks if block.name == "properties.rls").replace("\n+ ", "\n")
    assert rule[rule.index("%%% @convention") :].strip() in page


# pictures and patients


@cache
def written_out() -> Verifier:
    """The shipped knowledge base, written out once."""
    return Verifier.of(b12.knowledge())


class Asked:
    """All that is asked of the shipped knowledge base at once: its slice, and the signatures of each axis."""

    def __init__(self) -> None:
        self.verifier = written_out()
        ground = self.verifier.ground
        self.goals = {
            atom: name
            for name, atom in ground.numbers.items()
            if name[0] in ASKED and not any(isinstance(value, Entry) for value in name[1])
        }
        self.slice = self.verifier.axes.slice(self.goals)
        self.signatures = {axis: self.verifier.signatures(axis, atoms) for axis, atoms in self.slice.frontier.items()}

    def concluded(self, picture: Mapping[int, frozenset[int]]) -> frozenset[int]:
        """What the clauses say of one picture."""
        rows = {atom: int(atom in held) for axis, held in picture.items() for atom in self.slice.frontier[axis]}
        [block] = pictures.blocks(self.verifier.axes, self.slice, {axis: (held,) for axis, held in picture.items()})
        return frozenset(atom for atom in self.goals if block.rows.get(atom, rows.get(atom, 0)))


@cache
def asked() -> Asked:
    """Made once."""
    return Asked()


@pytest.mark.long
def test_the_picture_of_every_drawn_patient_is_among_the_pictures() -> None:
    """And what the clauses say of that picture is what the engine concludes for that patient."""
    everything, rng = asked(), random.Random(2026)
    ground = everything.verifier.ground
    machine = Machine(b12.knowledge().guarded, b12.knowledge().stated)
    for _ in range(12):
        record = random_cases.random_case(rng)
        at = rng.choice([None, datetime.date(2026, 3, 2)])
        case = patient.read(record, b12.knowledge().terms)
        known = facts(machine.run(patient.facts(case, b12.knowledge().terms, at)))
        picture = {
            axis: frozenset(atom for atom in atoms if holds(ground, atom, known))
            for axis, atoms in everything.slice.frontier.items()
        }
        for axis, held in picture.items():
            assert held in everything.signatures[axis], (everything.verifier.axes.axes[axis].name, record)
        concluded = {atom for atom in everything.goals if holds(ground, atom, known)}
        assert everything.concluded(picture) == concluded, record


@pytest.mark.long
def test_every_drawn_picture_is_some_patient_s() -> None:
    """Axes set each other no bounds: the smallest records of one signature each, put together, show the picture."""
    everything, rng = asked(), random.Random(2027)
    verifier, ground = everything.verifier, everything.verifier.ground
    machine = Machine(b12.knowledge().guarded, b12.knowledge().stated)
    by_number = {one.number: one for one in ground.forms}
    for _ in range(6):
        picture = {axis: rng.choice(known) for axis, known in everything.signatures.items()}
        chosen: list[int] = []
        for axis, held in picture.items():
            forms = solver.smallest(verifier.axes, held, set(everything.slice.frontier[axis]) - held)
            assert forms is not None
            chosen += forms
        record, at = case_of(by_number[number].said for number in chosen)
        case = patient.read(record, b12.knowledge().terms)
        known = facts(machine.run(patient.facts(case, b12.knowledge().terms, at)))
        concluded = {atom for atom in everything.goals if holds(ground, atom, known)}
        assert everything.concluded(picture) == concluded, record


def test_small_records_of_any_numbers_show_nothing_new() -> None:
    """Drawn records of a few entries, with numbers that no limit names: what they conclude was met in some picture."""
    knowledge = opened(EXAMPLE)
    verifier = Verifier.of(knowledge)
    goals = {
        atom: name
        for name, atom in verifier.ground.numbers.items()
        if name[0] in {k.predicate for k in knowledge.kinds}
    }
    slice_ = verifier.axes.slice(goals)
    known = {axis: verifier.signatures(axis, atoms) for axis, atoms in slice_.frontier.items()}
    met = {
        frozenset(atom for atom in goals if block.rows.get(atom, 0) >> i & 1)
        for block in pictures.blocks(verifier.axes, slice_, known)
        for i in range(block.size)
    }
    machine = Machine(knowledge.guarded, knowledge.stated)
    nights = [
        {"analyte": "sleep of a night", "value": value, "unit": unit, **({"when": when} if when else {})}
        for value, unit in (("6.99", "hours"), ("7", "hours"), ("421", "minutes"), ("8.0", "hours"), ("600", "minutes"))
        for when in ("", "2026-03-01", "2026-02-14", "2025-11", "2026-04-01")
    ]
    signs = [
        {"name": name, "state": state}
        for name, state in itertools.product(("yawning in lessons", "loud snoring", "dry mouth"), ("present", "absent"))
    ]
    rng = random.Random(7)
    for _ in range(250):
        record: dict[str, Any] = {
            "labs": rng.sample(nights, rng.randint(0, 2)),
            "findings": rng.sample(signs, rng.randint(0, 3)),
            "context": {"age_years": Decimal(rng.choice([3, 11, 12, 13, 40]))} if rng.random() < 0.7 else {},
        }
        case = patient.read(record, knowledge.terms)
        run = machine.run(patient.facts(case, knowledge.terms, rng.choice([None, datetime.date(2026, 3, 2)])))
        told = facts(run)
        assert frozenset(atom for atom in goals if holds(verifier.ground, atom, told)) in met, record


# the command


def test_the_command_ends_with_0_where_all_holds_and_1_where_not(tmp_path: Path, citelog: Command) -> None:
    kept = literate.edited((FOLDER / "kept.md").read_text(encoding="utf-8"), tmp_path / "kept")
    broken = literate.edited((FOLDER / "broken.md").read_text(encoding="utf-8"), tmp_path / "broken")
    assert citelog("verify", "--kb", kept).status == 0
    ended = citelog("verify", "--kb", broken, "--property", "LOW-UNMEASURED")
    assert ended.status == 1 and "✗ LOW-UNMEASURED" in ended.out
    document = json.loads(citelog("verify", "--kb", broken, "--format", "json").out)
    assert problem(form("verification"), document) == ""
    assert [one["holds"] for one in document["properties"]] == [False]


def test_that_there_are_no_properties_is_said_and_how_to_write_one() -> None:
    """Not that none of them holds, nor that all do: in the report, and at the gate of a release."""
    knowledge, said = (
        opened(literate.LEAFLET),
        "there are no safety properties (engine/VERIFY.md says how to write one)",
    )
    assert next(iter(verified(verify(knowledge), knowledge))).text == f"leaflet: {said}"
    gate = gates._verify(knowledge, lambda *_: None)
    assert (gate.passed, gate.said) == (True, said)


def test_a_property_that_there_is_not_is_told_with_the_nearest(tmp_path: Path, citelog: Command) -> None:
    kept = literate.edited((FOLDER / "kept.md").read_text(encoding="utf-8"), tmp_path)
    ended = citelog("verify", "--kb", kept, "--property", "LOW-UNMEASURD")
    assert (ended.status, ended.out) == (2, "") and "did you mean LOW-UNMEASURED?" in ended.err


@pytest.mark.slow
def test_the_shipped_knowledge_bases_hold_for_every_patient() -> None:
    """All that nobody asked, too; the properties of B12 have a test of their own."""
    found = verify(opened(EXAMPLE))
    assert found.holds and found.idle == ()
