"""The patients that are measured: the smallest, a middling and the largest shipped case, and some drawn at random."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog import patient
from citelog.diagnostics import CaseError
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Case
from citelog.values import Atom, Iri

AT = "2026-03-15"
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Patient:
    """A record to be measured: as its file or tree, as read, and as facts."""

    name: str
    source: Path | Mapping[str, Any]
    case: Case
    facts: tuple[tuple[Atom, Iri | None], ...]

    @property
    def atoms(self) -> list[Atom]:
        """The facts without their records."""
        return [atom for atom, _ in self.facts]


def patients(knowledge: Knowledge, folder: Path, drawn: int, seed: int) -> list[Patient]:
    """Three shipped cases by size, then `drawn` random ones."""
    import datetime

    at = datetime.date.fromisoformat(AT)

    def made(name: str, source: Path | Mapping[str, Any]) -> Patient:
        case = patient.read(source, knowledge.terms)
        return Patient(name, source, case, patient.facts(case, knowledge.terms, at))

    shipped = []
    for path in sorted((folder / "cases").glob("*.yaml")):
        try:
            shipped.append(made(path.stem, path))
        except CaseError:
            continue  # a case that shows how an unusable record is refused
    shipped.sort(key=lambda p: (len(p.facts), p.name))
    found = []
    if shipped:
        for name, p in (("small", shipped[0]), ("typical", shipped[len(shipped) // 2]), ("rich", shipped[-1])):
            found.append(Patient(name, p.source, p.case, p.facts))
    found += [made(f"random {i}", tree) for i, tree in enumerate(random_trees(seed, drawn), 1)]
    return found


def random_trees(seed: int, drawn: int) -> Iterator[Mapping[str, Any]]:
    """Records such as the tests draw."""
    sys.path.append(str(ROOT / "tests"))
    try:
        from oracle.random_cases import random_case
    finally:
        sys.path.pop()
    rng = random.Random(seed)
    for _ in range(drawn):
        yield random_case(rng)
