"""The shipped B12 knowledge, loaded once for all tests, and the library of its cases."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from citelog import home, patient
from citelog.assess import Assessment, assess_case
from citelog.knowledge.base import Knowledge
from citelog.knowledge.load import load

FOLDER = home.knowledge("b12")
CASES = FOLDER / "cases"
NAMES = {"loinc:14685-2": "serum vitamin B12"}
"""Codes that a case uses for a name: the oracle knows names only."""


@cache
def knowledge() -> Knowledge:
    """The knowledge base, verified and ready."""
    opened = load(FOLDER, home.ontology()).knowledge
    assert opened is not None
    return opened


@cache
def source() -> str:
    """The document, as stored."""
    (path,) = (FOLDER / "source").glob("*.txt")
    return path.read_bytes().decode("utf-8")


@dataclass(frozen=True, slots=True)
class LibraryCase:
    """A case file: what its opening comment says, what it records (codes as names), and what its author expects.

    `shows` are the rows, catalogue entries, safety properties and traps that it is for; `steps` the regimens whose role
    and step it expects, as {value: (role, step)}.
    """

    path: Path
    comment: str
    shows: tuple[str, ...]
    steps: dict[str, tuple[str, str]]
    record: dict[str, Any]
    expect: dict[str, Any]

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def at(self) -> str | None:
        return str(self.expect["at"]) if "at" in self.expect else None


def _read(path: Path) -> LibraryCase:
    text = path.read_text(encoding="utf-8")
    opening = re.match(r"(?:#.*\n)*", text)
    comment = re.sub(r"\n# *", " ", "\n" + opening[0].rstrip()).strip() if opening else ""
    said, _, rest = comment.partition(" Shows: ")
    record = yaml.safe_load(text)
    expect = record.pop("expect")
    for lab in record.get("labs", ()):
        lab["analyte"] = NAMES.get(lab["analyte"], lab["analyte"])
    return LibraryCase(
        path=path,
        comment=said,
        shows=tuple(rest.rstrip(".").split("; ")),
        steps={value: tuple(both.split()) for value, both in expect.get("steps", {}).items()},
        record=record,
        expect=expect,
    )


@cache
def library() -> dict[str, LibraryCase]:
    """Every case of the library, by its name."""
    return {path.stem: _read(path) for path in sorted(CASES.glob("*.yaml"))}


@cache
def assessed(name: str) -> Assessment:
    """A case of the library, read by the engine and assessed on the day that it names."""
    case = patient.read(library()[name].path, knowledge().terms)
    return assess_case(knowledge(), case, case.expect.at if case.expect else None)
