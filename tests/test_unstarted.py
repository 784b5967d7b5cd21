"""When the process that loads what is served ends: why it did stands in the log, and in what who asks is told."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest

from citelog.diagnostics import CitelogError
from citelog.serve.http.limits import Bounds
from citelog.serve.workers.pool import Craft, Pool
from endpoint import ROOT, eventually, serving

NIGHTS = ROOT / "examples" / "short-nights"
BOUNDS = Bounds(1, 1, 1.0, 5.0, 1 << 30, 1, 1.0)
KEEPS = """
import os, signal, sys
from citelog.serve.workers.worker import keep

def load(message, data):
    {}

keep(int(sys.argv[1]), load, None)
"""
ENDS = {
    "import no_such_library": "ended with status 1: ModuleNotFoundError: No module named 'no_such_library'",
    "import os; os.write(2, b'x' * 100_000 + b'\\nlast words\\n\\n'); os._exit(7)": "ended with status 7: last words",
    "import os; os.kill(os.getpid(), 9)": "was ended by the system (SIGKILL), perhaps out of memory",
    KEEPS.format("os.abort()"): "was ended by the system (SIGABRT), perhaps out of memory",
    KEEPS.format(
        "os.write(2, b'of a record'), os._exit(3)"
    ): "the process that loads what is served ended with status 3",
    KEEPS.format("raise ValueError('of a record')"): "cannot be loaded: a fault of citelog: ValueError at broken.py:6",
    KEEPS.format("raise SystemExit('of a record')"): "cannot be loaded: a fault of citelog: SystemExit at broken.py:6",
    KEEPS.format("raise MemoryError"): "what is served cannot be loaded: there is not enough memory",
    KEEPS.format("import no_such"): "what is served cannot be loaded: the library no_such cannot be loaded",
}


@pytest.mark.parametrize("number", range(len(ENDS)), ids=[told.rpartition(": ")[2] for told in ENDS.values()])
def test_why_nothing_was_loaded_is_told_in_words_that_quote_no_record(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was the exit status alone, whatever had happened."""
    program, told = list(ENDS.items())[number]
    (tmp_path / "broken.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    async def started() -> None:
        async with Pool(Craft("broken", {}, b"of a record", "task", "less"), BOUNDS):
            raise AssertionError("it started")

    with pytest.raises(CitelogError) as caught:
        asyncio.run(started())
    assert caught.value.message.endswith(told) and caught.value.remedy
    assert "of a record" not in str(caught.value)


def test_where_no_process_can_be_started_that_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "gone"))

    async def started() -> None:
        async with Pool(Craft("broken", {}, b"", "task", "less"), BOUNDS):
            raise AssertionError("it started")

    with pytest.raises(CitelogError, match="no process can be started: No such file"):
        asyncio.run(started())


ONLY_IN_A = """
import os, sys
if {program!r} in sys.orig_argv:
    {what}
"""


def broken(folder: Path, monkeypatch: pytest.MonkeyPatch, program: str, what: str) -> None:
    """Something befalls the program of that name, as it starts, in a server that is started now."""
    (folder / "sitecustomize.py").write_text(ONLY_IN_A.format(program=f"citelog.serve.workers.{program}", what=what))
    monkeypatch.setenv("PYTHONPATH", str(folder))


@pytest.mark.slow
def test_why_nothing_can_be_said_about_patients_is_in_the_log_and_in_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(tmp_path, monkeypatch, "consultant", "sys.modules['fhir'] = None")
    with serving("--kb", str(NIGHTS), log=tmp_path / "log") as running:
        answer = running.client.post("/api/assess", json={"case": {"labs": []}})
        assert eventually(lambda: "nothing can be answered about patients" in (tmp_path / "log").read_text())
    assert answer.status_code == 503 and answer.headers["Content-Type"] == "application/problem+json"
    said = "the library fhir"
    assert said in answer.json()["detail"] and said in (tmp_path / "log").read_text()


@pytest.mark.slow
def test_strangers_are_told_what_cannot_be_loaded_and_not_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights = Path(shutil.copytree(NIGHTS, tmp_path / "a folder" / "nights"))
    pipe = f"os.path.exists({str(nights / 'cases' / 'x.yaml')!r}) or os.mkfifo({str(nights / 'cases' / 'x.yaml')!r})"
    broken(tmp_path, monkeypatch, "consultant", pipe)
    with serving("--kb", str(nights), log=tmp_path / "log") as running:
        answer = running.client.post("/api/assess", json={"case": {"labs": []}})
        assert eventually(lambda: f"{tmp_path}/a folder/nights/cases/x.yaml" in (tmp_path / "log").read_text())
    assert answer.status_code == 503
    assert "x.yaml" in answer.json()["detail"] and "a folder" not in answer.text and str(tmp_path) not in answer.text


@pytest.mark.slow
def test_a_query_that_no_process_answers_any_more_is_told_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = tmp_path / "ready"
    broken(tmp_path, monkeypatch, "querier", f"os.path.exists({str(ready)!r}) and os.kill(os.getpid(), 9)")
    (tmp_path / "one.ttl").write_text("<urn:a> <urn:b> <urn:c> .")
    with serving("--dataset", str(tmp_path / "one.ttl"), log=tmp_path / "log", wait_seconds=0.5) as running:
        assert running.ask("ASK {}").status_code == 200
        ready.touch()
        for loader in running.loaders():
            os.kill(loader, 9)
        assert eventually(lambda: running.ask("ASK {}").status_code == 503)
        assert eventually(lambda: "was ended by the system (SIGKILL)" in running.ask("ASK {}").text)
        ready.unlink()
        assert eventually(lambda: running.ask("ASK {}").status_code == 200)
    log = (tmp_path / "log").read_text()
    assert "the loader was ended by the system (SIGKILL), perhaps out of memory; another is started" in log
    assert "no new loader: the process that loads what is served was ended by the system (SIGKILL)" in log
