"""Advice, tested as documents (language/advice): what a reviewer would say of an edit, a way out, and its acceptance.

`CITELOG_ACCEPT=1 ./run-tests tests/test_advice.py` writes the answers; read what it wrote before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import b12
import literate
from citelog import home
from citelog.advice.review import CODES, review
from citelog.diagnostics import Diagnostic

FOLDER = Path(__file__).parent / "language" / "advice"
ACCEPT = bool(os.environ.get("CITELOG_ACCEPT"))
BASES = (b12.FOLDER, home.home() / "examples" / "short-nights")


def advice(folder: Path) -> list[Diagnostic]:
    """The advice about a folder that nobody accepts; there is nothing wrong with it."""
    found = review(folder)
    assert [d for d in found if d.severity == "error"] == []
    return [d for d in found if not d.accepted]


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_document_that_shows_it_and_answers_it(code: str, tmp_path: Path) -> None:
    """Its edits bring the advice about, and each of its ways out answers it."""
    path = FOLDER / f"{code}.md"
    assert path.is_file(), f"write {path.name}"
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# "), "a document opens with a title"
    kinds = {block.kind for block in literate.blocks(text)}
    found = advice(literate.edited(text, tmp_path / "edited"))
    said = "".join(f"{d}\n" for d in found)
    if ACCEPT:
        literate.accept(path, said)
    else:
        assert next((b.text for b in literate.blocks(text) if b.kind == "answer"), None) == said
    assert {d.code for d in found} == {code}
    assert all(d.severity == "advice" and d.hint and d.span.line for d in found)
    assert "fix" in kinds
    for way in sorted(kinds & {"fix", "accept"}):
        folder = literate.edited(text, tmp_path / way, ("edit", way))
        assert advice(folder) == [], f"the {way} leaves advice"
        accepted = [d.code for d in review(folder) if d.accepted and d.code == code]
        assert (len(accepted) > len(KEPT.get(code, ()))) == (way == "accept")


KEPT = {"statement-without-rule": ("S2", "S3")}
"""What the unbroken leaflet accepts."""


def test_there_is_no_document_of_a_code_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(CODES)


def test_the_unbroken_leaflet_needs_no_advice(tmp_path: Path) -> None:
    """So whatever a document shows, its own edit has caused."""
    assert advice(literate.edited("", tmp_path)) == []


@pytest.mark.parametrize("folder", [base for base in BASES if base.is_dir()], ids=lambda folder: folder.name)
def test_nothing_is_advised_about_what_is_shipped_that_its_authors_have_not_answered(folder: Path) -> None:
    assert advice(folder) == []
