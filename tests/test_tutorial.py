"""The tutorial, followed word for word in an empty folder; what comes out is the knowledge base in examples/."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

import walked
from authoring import Command
from citelog import home
from citelog.knowledge.check import check_folder
from citelog.knowledge.load import load
from citelog.trial import expectations

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "TUTORIAL.md"
FINISHED = ROOT / "examples" / "short-nights"


def files(folder: Path) -> dict[str, str]:
    """Every file under a folder."""
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.slow
def test_the_tutorial_is_followed_word_for_word(tmp_path: Path, citelog: Command) -> None:
    """With CITELOG_ACCEPT=1 the page is renewed where it leaves nothing out, and so is the finished knowledge base."""
    page = PAGE.read_text(encoding="utf-8")
    commands = list(walked.walk(page, tmp_path, citelog))
    if os.environ.get("CITELOG_ACCEPT"):
        PAGE.write_text(walked.renewed(page, commands), encoding="utf-8")
        shutil.rmtree(FINISHED, ignore_errors=True)
        shutil.copytree(tmp_path / "short-nights", FINISHED)
        return
    for command in commands:
        assert command.agrees, f"$ {command.line}\n{command.printed}"
    assert files(tmp_path / "short-nights") == files(FINISHED)


def test_the_finished_knowledge_base_is_sound() -> None:
    assert [found for found in check_folder(FINISHED) if found.severity == "error"] == []


def test_its_cases_hold() -> None:
    knowledge = load(FINISHED, home.ontology()).knowledge
    assert knowledge is not None
    tried = [expectations.tried(knowledge, file)[0] for file in expectations.case_files(FINISHED, ())]
    assert len(tried) >= 5
    assert [trial for trial in tried if trial.failures] == []
