"""A knowledge base that is edited while it is read: each answer is of one edition, whole, and its hash says which."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import endpoint
from authoring import Command, citelog
from citelog import disk, home
from citelog.diagnostics import CitelogError
from citelog.knowledge import load as loading
from citelog.knowledge.base import Knowledge
from citelog.knowledge.files import Drafts
from citelog.knowledge.load import load
from meanwhile import meanwhile

ROOT = Path(__file__).parent.parent
NIGHTS = ROOT / "examples" / "short-nights"
RECORD = {"context": {"age_years": 11}, "labs": [{"analyte": "night", "value": "8.5", "unit": "hours"}]}

Edition = dict[str, bytes]
"""The files that differ, by their names."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NIGHTS, tmp_path / "nights"))


def editions(folder: Path) -> tuple[Edition, Edition]:
    """Two that differ in two files: the version that it calls itself by, and the sentence of a conclusion."""
    old = {name: (folder / name).read_bytes() for name in ("about.ttl", "rules/30-advice.rls")}
    new = {
        "about.ttl": old["about.ttl"].replace(b'"0.1.0"', b'"0.2.0"'),
        "rules/30-advice.rls": old["rules/30-advice.rls"].replace(b"may keep", b"may well keep"),
    }
    assert all(old[name] != new[name] for name in old)
    return old, new


def put(folder: Path, edition: Edition) -> None:
    disk.put_all({folder / name: data for name, data in edition.items()})


def told(knowledge: Knowledge) -> tuple[str, bool]:
    """What is in it of either file."""
    return knowledge.version, "may well keep" in str(knowledge.program)


def whole(folder: Path) -> dict[str, tuple[str, bool]]:
    """What stands in the files, by its hash, for each state of the two files that there can be on the disk."""
    old, new = editions(folder)
    found = {}
    for about in (old, new):
        for rules in (old, new):
            drafts = {
                folder / "about.ttl": about["about.ttl"].decode(),
                folder / "rules/30-advice.rls": rules["rules/30-advice.rls"].decode(),
            }
            knowledge = load(folder, home.ontology(), Drafts(drafts)).knowledge
            assert knowledge is not None
            found[knowledge.sha256] = told(knowledge)
    assert len(found) == len(set(found.values())) == 4
    return found


@contextmanager
def edited(folder: Path) -> Iterator[list[int]]:
    """Within, somebody puts the one edition in the place of the other, again and again; how often.

    As long as it takes to read them twice, they stay as they are: who reads slowly could not tell them apart for ever.
    """
    times, both = [0], editions(folder)
    began = time.perf_counter()
    load(folder, home.ontology())
    pause = max(0.02, 2 * (time.perf_counter() - began))

    def edit() -> None:
        times[0] += 1
        put(folder, both[times[0] % 2])

    try:
        with meanwhile(edit, pause):
            yield times
    finally:
        put(folder, both[0])


def test_an_edit_between_two_files_that_are_read_is_noticed_and_all_is_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash was of the files after the edit, and half of what was read from before it."""
    states, (_, new), real, edits = whole(folder), editions(folder), loading.read_source, iter([True])

    def read_source(*given: object) -> object:
        if next(edits, False):
            put(folder, new)  # the triples are read, the rules are not
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(loading, "read_source", read_source)
    found = load(folder, home.ontology()).knowledge
    assert found is not None and told(found) == states[found.sha256] == ("0.2.0", True)


def test_what_is_compiled_is_kept_under_the_hash_of_what_was_read(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit while it was compiled left the new edition under the old one's name: going back to it had no effect."""
    from citelog.knowledge.cache import open_knowledge

    states, (old, new), real, edits = whole(folder), editions(folder), loading.read_triples, iter([True])

    def read_triples(*given: object) -> object:
        if next(edits, False):
            put(folder, new)  # the name is made, nothing is read
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(loading, "read_triples", read_triples)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # others have compiled this one already
    assert told(open_knowledge(folder)) == ("0.2.0", True)
    put(folder, old)
    again = open_knowledge(folder)
    assert told(again) == states[again.sha256] == ("0.1.0", False)


def test_files_that_never_stand_still_are_refused_in_words(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both, real, times = editions(folder), loading.read_source, [0]

    def read_source(*given: object) -> object:
        times[0] += 1
        put(folder, both[times[0] % 2])
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(loading, "read_source", read_source)
    with pytest.raises(CitelogError, match="its files change faster than they are read\n   = ask again"):
        load(folder, home.ontology())


def test_whoever_reads_while_another_writes_has_one_edition_whole(folder: Path) -> None:
    states, seen = whole(folder), set()
    with edited(folder) as times:
        while times[0] <= 5 or len(seen) < 2:
            knowledge = load(folder, home.ontology()).knowledge
            assert knowledge is not None and told(knowledge) == states[knowledge.sha256]
            seen.add(told(knowledge))


def test_commands_that_keep_what_they_compile_at_once_say_what_one_alone_says(folder: Path, tmp_path: Path) -> None:
    """Three processes, each with everything still to be compiled, in one cache folder."""
    alone = citelog("show", "--kb", folder, "--format", "json")
    code = "from citelog.cli.app import main; main()"
    command = [sys.executable, "-c", code, "show", "--kb", str(folder), "--format", "json"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "engine"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    started = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [one.communicate()[0] for one in started] == [alone.out] * 3
    assert not list((tmp_path / "cache").rglob(".*")), "nothing hidden is left"


def test_a_check_beside_a_layout_finds_what_it_finds_before_or_after(folder: Path, citelog: Command) -> None:
    laid = (folder / "terms.ttl").read_bytes()
    untidy = laid.replace(b" ;\n    ", b" ;\n  ")
    (folder / "terms.ttl").write_bytes(untidy)
    said = {citelog("check", "--kb", folder).out}
    command = [sys.executable, "-c", "from citelog.cli.app import main; main()", "fmt", "--kb", str(folder)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "engine")}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as formatter:
        during = []
        while formatter.poll() is None:
            during.append(citelog("check", "--kb", folder).out)
    said.add(citelog("check", "--kb", folder).out)
    assert formatter.returncode == 0 and set(during) <= said and (folder / "terms.ttl").read_bytes() == laid


@pytest.mark.long
def test_what_a_server_answers_while_its_files_are_edited_is_of_the_edition_that_it_names(folder: Path) -> None:
    """Many edits and requests; the hash, the version and the sentences of each answer agree."""
    states, seen = whole(folder), set()
    with endpoint.serving("--kb", str(folder)) as server:
        assert server.is_ready()
        until = time.monotonic() + 2
        with edited(folder) as times:
            while time.monotonic() < until or times[0] < 20:
                answer = server.client.post("/api/assess", json={"case": RECORD})
                if answer.status_code != 200:
                    assert answer.status_code in (409, 503) and answer.json()["detail"], answer.text
                    continue
                document = answer.json()
                version, _ = states[document["knowledge"]["sha256"]]
                assert document["knowledge"]["version"] == version
                contents = server.client.get("/api/knowledge").json()
                assert contents["knowledge"]["sha256"] in states
                seen.add(document["knowledge"]["sha256"])
    assert len(seen) == 1, "it answers from the edition that it was started with"
