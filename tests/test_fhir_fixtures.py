"""Records as hospitals' systems write them: small ones in tests/fhir, each with what it must give.

`manifest.yaml` has a sentence for each, then what is read of it (`says`), what is not used and why (`notes`, with the
place), or why all of it is refused. With CITELOG_ACCEPT=1 it is written anew; then read every line of the difference.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

import b12
from citelog import patient
from citelog.diagnostics import CaseError

FOLDER = Path(__file__).parent / "fhir"
MANIFEST = FOLDER / "manifest.yaml"
ROWS: list[dict[str, Any]] = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))


def given(row: dict[str, Any]) -> dict[str, Any]:
    """What the reader makes of a fixture, as the manifest has it."""
    head = {key: row[key] for key in ("record", "sentence", "patient") if key in row}
    try:
        case = patient.read(FOLDER / f"{row['record']}.json", b12.knowledge().terms, row.get("patient"))
    except CaseError as refusal:
        return {**head, "refused": f"{refusal.where.removeprefix(f'{FOLDER}/')}: {refusal.what} = {refusal.remedy}"}
    said = [f"{entry.sentence} ({entry.read_from})" for entry in case.entries]
    return {**head, "says": said, "notes": [f"{note.text} ({note.read_from})" for note in case.notes]}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['record']}{' of ' if 'patient' in row else ''}")
def test_a_record_gives_what_the_manifest_says(row: dict[str, Any]) -> None:
    if not os.environ.get("CITELOG_ACCEPT"):
        assert given(row) == row


def test_every_record_is_in_the_manifest_once_with_a_sentence() -> None:
    if os.environ.get("CITELOG_ACCEPT"):
        MANIFEST.write_text("".join(written(given(row)) for row in ROWS), encoding="utf-8")
    files = sorted(path.stem for path in FOLDER.glob("*.json"))
    assert sorted({row["record"] for row in ROWS}) == files and len(files) >= 30
    assert all(row["sentence"].endswith(".") for row in ROWS)
    assert len({row["sentence"] for row in ROWS}) == len(ROWS)


def written(row: dict[str, Any]) -> str:
    """A row as it stands in the manifest."""
    return yaml.safe_dump([row], allow_unicode=True, sort_keys=False, width=1000) + "\n"
