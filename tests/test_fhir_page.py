"""docs/FHIR-INPUT.md, run: each row of its tables of elements, and its commands."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import b12
import literate
import walked
from authoring import Command
from citelog import patient
from citelog.diagnostics import CaseError

PAGE = Path(__file__).parent.parent / "docs" / "FHIR-INPUT.md"
ROW = re.compile(r'(?m)^\| `(?P<elements>".*?)` \|(?P<told>.*)\|$')


def rows(page: str) -> Iterator[tuple[re.Match[str], dict[str, Any]]]:
    """Each row about an element, and the resource with that element in it."""
    bases = [(block.outer[0], json.loads(block.text)) for block in literate.blocks(page) if block.name == "base"]
    for row in ROW.finditer(page):
        base = [base for start, base in bases if start < row.start()][-1]
        changed = {**base, **json.loads("{" + row["elements"] + "}")}
        yield row, {key: value for key, value in changed.items() if value is not None}


def told(resource: dict[str, Any]) -> str:
    """The two cells of a row: what the resource becomes, and what is noted."""
    try:
        case = patient.read(resource, b12.knowledge().terms)
    except CaseError as refusal:
        return f" refused: {refusal.what} | "
    said = " ".join(entry.sentence for entry in case.entries)
    return f" {said} | {' '.join(note.text for note in case.notes)} "


def test_each_row_says_what_becomes_of_its_elements() -> None:
    """With CITELOG_ACCEPT=1 they are written anew."""
    page = PAGE.read_text(encoding="utf-8")
    found = [(row[0], f"| `{row['elements']}` |{told(resource)}|") for row, resource in rows(page)]
    assert len(found) > 60
    if os.environ.get("CITELOG_ACCEPT"):
        for old, new in found:
            page = page.replace(old, new, 1)
        PAGE.write_text(page, encoding="utf-8")
        return
    assert [new for old, new in found if old != new] == []


def test_the_commands_print_what_the_page_shows(tmp_path: Path, citelog: Command) -> None:
    page = PAGE.read_text(encoding="utf-8")
    commands = list(walked.walk(page, tmp_path, citelog))
    if os.environ.get("CITELOG_ACCEPT"):
        PAGE.write_text(walked.renewed(page, commands), encoding="utf-8")
        return
    assert len(commands) == 2 and [(c.line, c.printed) for c in commands if not c.agrees] == []
