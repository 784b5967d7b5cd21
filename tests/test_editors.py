"""The page about editors: its session is played with the real server, and every line that it shows is compared.

`python tests/test_editors.py` writes down what the server shows now, to be read before it is believed.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import tomllib
from pathlib import Path

from citelog.edit.server import editor as server
from editor import ROOT, Editor
from sessions import played, rewritten

PAGE = ROOT / "engine" / "EDITORS.md"
NIGHTS = ROOT / "examples" / "short-nights"


def test_the_session_on_the_page_is_what_happens(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(NIGHTS, tmp_path / "short-nights"))
    with Editor(folder) as editor:
        for step in played(PAGE.read_text(encoding="utf-8"), editor):
            assert step.answered == step.shown, step.done
    assert {p.name: p.read_bytes() for p in folder.rglob("*.rls")} == {
        p.name: p.read_bytes() for p in NIGHTS.rglob("*.rls")
    }


def test_the_settings_on_the_page_can_be_read() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (toml,) = re.findall(r"(?ms)^```toml\n(.*?)^```", text)
    assert tomllib.loads(toml)["language-server"]["citelog"] == {"command": "citelog", "args": ["lsp"]}
    assert json.dumps("citelog lsp") and text.count("citelog lsp") >= 3


def test_everything_that_the_page_promises_is_a_feature_of_the_server() -> None:
    offered = set(server().protocol.fm.features)
    wanted = (
        "hover",
        "definition",
        "declaration",
        "implementation",
        "references",
        "completion",
        "rename",
        "codeAction",
    )
    assert {f"textDocument/{one}" for one in (*wanted, "formatting", "documentHighlight", "documentSymbol")} <= offered


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as made,
        Editor(Path(shutil.copytree(NIGHTS, Path(made) / "short-nights"))) as seen,
    ):
        PAGE.write_text(rewritten(PAGE.read_text(encoding="utf-8"), seen), encoding="utf-8")
