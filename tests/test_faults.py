"""A share of the long run of tests/faults.py, and what it found: a fault ends in words, each file is old or new."""

import contextlib
import errno
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import authoring
import faults
import tally
from citelog import disk
from citelog import open as citelog_open
from citelog.diagnostics import CitelogError, KnowledgeError
from citelog.knowledge.check import check_folder
from citelog.ledger.log import Log
from citelog.ledger.rows import Rows
from citelog.listing import paths_in

HERE = Path(__file__).parent
SHARE = {
    "disk": 8, "reads": 5, "size": 4, "place": 7, "rights": 5, "stream": 6, "signal": 6, "memory": 4, "files": 4,
    "clock": 3,
}  # fmt: skip


# the table


def test_whatever_a_command_can_be_given_that_names_a_place_is_told_as_read_or_as_written() -> None:
    """A new option that names a file fails here, until it stands in `WRITTEN` with a job, or in `READ`."""
    assert faults.places() == faults.WRITTEN | faults.SERVED | faults.READ
    assert not faults.WRITTEN & faults.READ


def test_a_new_command_or_switch_must_say_whether_it_writes() -> None:
    named = {name for name, _ in faults.WRITTEN | faults.SERVED | faults.READ} | faults.NOTHING
    assert {name for name, _ in faults.leaves(faults.app)} == named
    switches = {
        name: " ".join(str(one.name) for one in command.params if getattr(one, "is_flag", False))
        for name, command in faults.leaves(faults.app)
    }
    assert {name: told for name, told in switches.items() if told} == faults.SWITCHES


def test_every_command_that_writes_has_a_job_that_does() -> None:
    assert {name for name, _ in faults.WRITTEN} == {job.command for job in faults.JOBS.values() if job.writes}
    options = {(job.command, word) for job in faults.JOBS.values() for word in job.arguments.split()}
    assert {("assess", "--log"), ("assess", "--receipt"), ("test", "--junit"), ("test", "--accept")} <= options


# the share


@pytest.mark.slow
def test_no_fault_of_a_share_leaves_a_file_in_part_or_a_user_without_words(tmp_path: Path) -> None:
    if shutil.which("cc") is None or sys.platform != "linux":
        pytest.skip("needs Linux and a compiler, to make a disk fail")
    assert faults.KINDS.keys() == SHARE.keys()
    asked = [part for name, count in SHARE.items() for part in (f"--{name}", str(count))]
    command = [sys.executable, HERE / "faults.py", *asked, "--tally", tmp_path / "tally.jsonl"]
    path = os.pathsep.join([str(HERE), str(HERE.parent / "engine")])
    ended = subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = tally.read(tmp_path / "tally.jsonl")
    assert {line["kind"]: line["count"] for line in lines} == SHARE
    assert all(2 * line["compared"] >= line["count"] for line in lines), lines


def test_what_is_wrong_after_a_fault_is_seen() -> None:
    """The judge, given what must never be."""
    job, usual = faults.JOBS["receipt"], faults.Ended(0, "an answer\n", "", 0.1)
    base = faults.Base({"a": "old"}, {"a": "old", "b": "new"}, usual)

    def told(ended: faults.Ended, now: dict[str, str], fault: faults.Fault = faults.NONE) -> str:
        return "; ".join(faults.wrong(job, base, fault, ended, now))

    done = {"a": "old", "b": "new"}
    refused = faults.Ended(2, "", "b: it cannot be written\n   = make room\n", 0.1)
    assert told(usual, done) == "" and told(refused, {"a": "old"}) == ""
    assert "b is half" in told(refused, {"a": "old", "b": "half"})
    assert "a is None" in told(refused, {})
    assert ".b-1-1-0 is left" in told(refused, {"a": "old", ".b-1-1-0": "half"})
    assert told(refused, {"a": "old", ".b-1-1-0": "half"}, faults.Fault("killed", leaves=True)) == ""
    assert "not all is there" in told(usual, {"a": "old"})
    assert "without a way out" in told(faults.Ended(2, "", "no\n", 0.1), {"a": "old"})
    assert "printed something" in told(faults.Ended(2, "an ans", refused.err, 0.1), {"a": "old"})
    assert "a fault of ours" in told(faults.Ended(3, "", "a fault of citelog", 0.1), {"a": "old"})
    assert "said something else" in told(faults.Ended(0, "an", "", 0.1), done)
    assert "SIGSEGV" in told(faults.Ended(-11, "", "", 0.1), {"a": "old"})
    assert "a process is left" in told(faults.Ended(0, "an answer\n", "", 0.1, True), done)


# what is read whole


UNSEEN = {
    "export --kb nights --to archive --out nights.tar": "nights/rules",
    "export --kb nights --to swi --out exported": "nights/rules",
    "assess patient.yaml --kb nights --receipt kept.receipt.json": "nights/cases",
    "check --kb nights": "nights/rules",
    "fmt --kb nights": "nights",
    "test --kb nights": "nights/cases",
    "diff nights other --patients people": "people/ward",
}
"""Commands, and a folder that each of them needs to look into."""


@pytest.mark.skipif(sys.platform != "linux", reason="root has to do without its rights, by a call of Linux")
def test_a_folder_that_may_not_be_looked_into_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    """An archive was made without the rules, a receipt of an edition without its cases; each said that all was well."""
    for name in ("nights", "other"):
        shutil.copytree(faults.NIGHTS, tmp_path / name)
    (tmp_path / "people" / "ward").mkdir(parents=True)
    for place in ("patient.yaml", "people/one.yaml", "people/ward/two.yaml"):
        (tmp_path / place).write_text("findings:\n- {name: tired, state: present}\n")
    before = sorted(tmp_path.rglob("*"))
    code = (
        "import io, sys, contextlib, pathlib, faults\n"
        "from citelog.cli.app import main\n"
        "faults.unprivileged()\n"
        "for command, folder in faults_to_see.items():\n"
        "    place, said = pathlib.Path(folder), io.TextIOWrapper(io.BytesIO(), 'utf-8', write_through=True)\n"
        "    place.chmod(0)\n"
        "    try:\n"
        "        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):\n"
        "            main(command.split())\n"
        "    except SystemExit as end:\n"
        "        print(end.code, *said.buffer.getvalue().decode().split())\n"
        "    finally:\n"
        "        place.chmod(0o755)\n"
    ).replace("faults_to_see", repr(UNSEEN))
    path = os.pathsep.join([str(HERE), str(HERE.parent / "engine")])
    command, environment = [sys.executable, "-c", code], os.environ | {"PYTHONPATH": path}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    for line, (command, folder) in zip(ended.stdout.splitlines(), UNSEEN.items(), strict=True):
        status = "1 " if command.startswith("check") else "2 "
        assert line.startswith(status) and folder in line and "Permission denied" in line, (command, line)
    assert sorted(tmp_path.rglob("*")) == before


PATTERNS = ("*", "*.ttl", "rules/*.rls", "cases/**/*", "cases/**/*.yaml", "**/*", "no-such-folder/*")


@pytest.mark.parametrize("pattern", PATTERNS)
def test_what_is_listed_is_what_a_glob_finds(pattern: str, tmp_path: Path) -> None:
    for name in ("a.ttl", ".b.ttl", "rules/10.rls", "rules/x/20.rls", "cases/a.yaml", "cases/w/x/b.yaml", ".git/c.ttl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "cases" / "link").symlink_to(tmp_path / "rules")
    (tmp_path / "cases" / "round").symlink_to(tmp_path)
    assert paths_in(tmp_path, pattern) == sorted(tmp_path.glob(pattern))
    seen = [path for path in tmp_path.glob(pattern) if not any(p[0] == "." for p in path.relative_to(tmp_path).parts)]
    assert paths_in(tmp_path, pattern, hidden=False) == sorted(seen)


ODD = {
    "rules/pipe.rls": ("rules/pipe.rls", "a pipe or a device, and no file"),
    "source/leaflet.txt": (
        "about.ttl:30",
        "source/leaflet.txt cannot be read: this is a pipe or a device, and no file",
    ),
    "rules/\udcff.rls": (r"rules/\xff.rls", "this name is not UTF-8"),
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_no_file_or_has_a_name_that_no_text_can_tell_is_refused(name: str, tmp_path: Path) -> None:
    """A command waited for the end of a pipe for ever; a name in another encoding was called a fault of citelog."""
    nights = Path(shutil.copytree(faults.NIGHTS, tmp_path / "nights"))
    (nights / name).unlink(missing_ok=True)
    place, what = ODD[name]
    (Path.touch if "UTF-8" in what else os.mkfifo)(nights / name)
    told = authoring.citelog("check", "--kb", nights)
    assert told.status == 1 and f"nights/{place}" in told.out and what in told.out


@pytest.mark.parametrize("asked", ["test", "assess patient.yaml --receipt kept"])
def test_nor_is_a_pipe_a_case(asked: str, tmp_path: Path) -> None:
    nights = Path(shutil.copytree(faults.NIGHTS, tmp_path / "nights"))
    (tmp_path / "patient.yaml").write_text("findings: []\n")
    os.mkfifo(nights / "cases" / "pipe.yaml")
    told = authoring.citelog(*asked.split(), "--kb", nights, cwd=tmp_path)
    assert told.status == 2 and "cases/pipe.yaml" in told.err and "no file" in told.err
    assert not (tmp_path / "kept").exists()


def _link(path: Path, to: str | Path) -> None:
    """Put a link in the place of what stands there."""
    (shutil.rmtree if path.is_dir() else Path.unlink)(path)
    path.symlink_to(to)


def _file_for(folder: Path) -> None:
    """Put a file in the place of a folder, as git does with a link where it makes none."""
    shutil.rmtree(folder)
    folder.write_text("elsewhere\n")


LOOP = "the source document source/leaflet.txt cannot be read: Too many levels of symbolic links"
STANDS = {
    "a file beyond all measure": (lambda top: os.truncate(top / "rules/10-night.rls", 10**10), "larger than 50 MB"),
    "a file for a folder": (lambda top: _file_for(top / "rules"), "nights/rules: this is no folder"),
    "a link to nothing for a folder": (lambda top: _link(top / "rules", "gone"), "nights/rules: this is no folder"),
    "a link to itself": (lambda top: _link(top / "source/leaflet.txt", "leaflet.txt"), LOOP),
}


@pytest.mark.parametrize("what", STANDS)
def test_what_cannot_be_what_it_stands_for_is_refused_and_not_passed_over(what: str, tmp_path: Path) -> None:
    """`check` found nothing wrong where `rules` was no folder; a link to itself was called a fault of citelog."""
    nights = Path(shutil.copytree(faults.NIGHTS, tmp_path / "nights"))
    make, told = STANDS[what]
    make(nights)
    [found] = check_folder(nights)
    assert told in f"{found.span.file}: {found.message}" and found.severity == "error"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("new loop", "loop: the folder cannot be made: Not a directory"),
        ("audit log init loop", "loop: the folder cannot be made: Not a directory"),
        ("population . --out answers --since loop", "loop: no finished run is in this folder"),
    ],
)
def test_a_link_to_itself_is_no_place_for_anything(
    asked: str, told: str, citelog: authoring.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was called a fault of citelog."""
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    Path("labs.csv").write_text("patient,analyte\n")
    ended = citelog(*asked.split())
    assert (ended.status, ended.out) == (2, "") and told in ended.err


@pytest.mark.parametrize("name", ["rules", "cases", "CHANGELOG.md"])
def test_what_a_link_leads_to_is_no_part_of_an_edition(
    name: str, citelog: authoring.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive lacked the cases behind a link; of rules behind one it was said that they had changed just now."""
    monkeypatch.chdir(tmp_path)
    nights = Path(shutil.copytree(faults.NIGHTS, "nights"))
    (nights / "CHANGELOG.md").touch()
    before = citelog_open(nights)
    (tmp_path / "patient.yaml").write_text("findings: []\n")
    (nights / name).rename(tmp_path / "elsewhere")
    (nights / name).symlink_to(tmp_path / "elsewhere")
    for asked in ("export --kb nights --to archive --out a.tar", "assess patient.yaml --kb nights --receipt a.json"):
        ended = citelog(*asked.split())
        assert (ended.status, ended.out) == (2, "") and "this is a link" in ended.err and f"nights/{name}" in ended.err
    if name == "rules":
        with pytest.raises(KnowledgeError, match="a link that leads out"):
            citelog_open(nights)
    else:
        assert citelog_open(nights) == before
    assert {path.name for path in tmp_path.iterdir()} == {"nights", "patient.yaml", "elsewhere"}


def test_a_copy_with_a_new_document_follows_no_link_that_goes_round(
    citelog: authoring.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was copied into itself until the system refused."""
    monkeypatch.chdir(tmp_path)
    nights = Path(shutil.copytree(faults.NIGHTS, "nights"))
    (nights / "cases" / "round").symlink_to("..")
    document = nights / "source" / "leaflet.txt"
    Path("leaflet.txt").write_bytes(document.read_bytes() + b"\n")
    assert citelog("audit", "drift", "leaflet.txt", "--kb", nights, "--write", "pinned").status < 2
    assert {*os.listdir("pinned/cases")} == {*os.listdir(nights / "cases")} - {"round"}


ODD_NAMES = ("~", "md:x", "x*[y]?")


@pytest.mark.slow
@pytest.mark.parametrize("name", ODD_NAMES)
def test_a_folder_of_answers_may_have_any_name_that_a_library_has_a_use_for(
    name: str, citelog: authoring.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB wrote into the user's home, or asked the network for an extension of itself."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    shutil.copytree(faults.NIGHTS, "nights")
    (tmp_path / name / "data").mkdir(parents=True)
    Path(name, "data", "findings.csv").write_text("patient,name,state\np1,tired,present\n")
    monkeypatch.chdir(tmp_path / name)
    for asked in (
        ("population", "data", "--out", name),
        ("summary", name),
        ("assess", "--population", name, "p1"),
        ("population", "data", "--out", "again", "--since", name),
    ):
        ended = citelog(*asked, "--kb", "../nights")
        assert ended.status == 0, ended.err
    assert not (tmp_path / "home").exists() and {*os.listdir()} == {"data", name, "again"}


@pytest.mark.parametrize(
    ("name", "told"), [("a\\b", "reads a backslash in a path as a slash"), ("\udcff", "its whole path is not UTF-8")]
)
def test_a_folder_of_answers_that_duckdb_would_take_for_another_is_refused(
    name: str, told: str, citelog: authoring.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = citelog("population", faults.NIGHTS, "--out", name)
    assert (ended.status, ended.out) == (2, "") and told in ended.err and not os.listdir()


# what is written whole


def test_a_file_is_replaced_whole_keeps_its_permissions_and_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "a").chmod(0o640)
    (tmp_path / "link").symlink_to("a")
    disk.put(tmp_path / "link", b"new")
    assert (tmp_path / "a").read_bytes() == b"new" and (tmp_path / "a").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "link").is_symlink() and {path.name for path in tmp_path.iterdir()} == {"a", "link"}


def test_of_several_files_none_is_written_where_one_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    with pytest.raises(CitelogError, match="b: it cannot be written: Is a directory\n   = name another"):
        disk.put_all({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_file_that_was_changed_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    """`citelog fmt` has read the file, and then somebody edits it, or makes it."""
    (tmp_path / "a").write_bytes(b"edited")
    for was in (b"old", None):
        with pytest.raises(CitelogError, match="a: it was changed while it was being worked on\n   = run the command"):
            disk.put_all({tmp_path / "b": b"new", tmp_path / "a": b"new"}, {tmp_path / "b": None, tmp_path / "a": was})
        assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"edited")]
    disk.put_all({tmp_path / "a": b"new"}, {tmp_path / "a": b"edited"})
    assert (tmp_path / "a").read_bytes() == b"new"


@contextlib.contextmanager
def full(size: int) -> Iterator[None]:
    """A disk on which no file may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_on_a_full_disk_nothing_is_left_of_what_was_begun(tmp_path: Path) -> None:
    told = "it cannot be written: File too large\n   = make room for it, or name another place"
    with full(10):
        with pytest.raises(CitelogError, match=f"b: {told}"):
            disk.put_all({tmp_path / "a": b"short", tmp_path / "b": bytes(99)})
        with pytest.raises(CitelogError, match=f"c: {told}"):
            disk.keep(tmp_path / "c", bytes(99))
        disk.spare(tmp_path / "d", bytes(99))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (
            errno.EINVAL,
            "the disk does not do it (Invalid argument)\n   = make room for it, or name a place on another disk",
        ),
        (
            errno.EIO,
            "the disk does not do it (Input/output error)\n   = make room for it, or name a place on another disk",
        ),
        (errno.ENOSPC, "No space left on device\n   = make room for it"),
        (errno.EROFS, "Read-only file system\n   = name another, in a folder that you may write to"),
    ],
)
@pytest.mark.parametrize("what", ["a file", "a folder"])
def test_a_disk_that_does_not_bring_to_itself_what_is_written_is_told_with_what_to_try(
    what: str, number: int, told: str, citelog: authoring.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    case = HERE.parent / "examples" / "patient.yaml"
    asked = ("assess", case, "--receipt", tmp_path / "r.json") if what == "a file" else ("new", tmp_path / "mine")
    ended = citelog(*asked)
    assert ended.status == 2 and told in ended.err and not list(tmp_path.iterdir())


def test_what_nobody_would_miss_is_given_up_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(beside: Path, path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "replace", fails)
    disk.spare(tmp_path / "a", b"whole")
    assert list(tmp_path.iterdir()) == []


def test_what_a_process_left_that_was_killed_is_in_nobodys_way(tmp_path: Path) -> None:
    left = {f".{name}-{os.getpid()}-{threading.get_native_id()}-0" for name in ("file", "folder")}
    for name in left:
        (tmp_path / name).mkdir()
    disk.put(tmp_path / "file", b"whole")
    with disk.making(tmp_path / "folder") as made:
        (made / "a").write_bytes(b"whole")
    assert {path.name for path in tmp_path.iterdir()} == {*left, "file", "folder"}


def test_what_is_no_file_is_written_to_as_it_is(tmp_path: Path) -> None:
    """`citelog test --junit /dev/stdout` is for a pipe."""
    command = "from citelog import disk; from pathlib import Path; disk.put(Path('/dev/stdout'), b'whole')"
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "engine")}
    assert subprocess.run([sys.executable, "-c", command], env=environment, capture_output=True).stdout == b"whole"
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    disk.put(tmp_path / "pipe", b"whole")
    assert os.read(reader, 10) == b"whole" and [path.name for path in tmp_path.iterdir()] == ["pipe"]
    os.close(reader)


def test_a_folder_that_could_not_be_filled_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), disk.making(tmp_path / "made") as made:
        (made / "part").write_text("part")
        raise ZeroDivisionError
    told = "made: the folder cannot be made: No space left"
    with pytest.raises(CitelogError, match=told), disk.making(tmp_path / "made"):
        raise OSError(28, "No space left on device")
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "link").symlink_to("nothing")
    with (
        pytest.raises(CitelogError, match=r"made: .* No such file or directory"),
        disk.making(tmp_path / "made") as made,
    ):
        shutil.copytree(tmp_path / "given", made / "given")
    assert [path.name for path in tmp_path.iterdir()] == ["given"]


def test_a_folder_is_made_in_any_thread_and_signals_are_left_to_the_first(tmp_path: Path) -> None:
    def make() -> None:
        with disk.making(tmp_path / "made") as made:
            seen.append(signal.getsignal(signal.SIGTERM))
            (made / "whole").write_text("whole")

    seen = [signal.getsignal(signal.SIGTERM)]
    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    assert (tmp_path / "made" / "whole").exists() and seen[0] is seen[1]


ASKED_TO_END = """
import os, signal
from pathlib import Path
from citelog import disk
from citelog import open as citelog_open

with disk.making(Path("made")) as made:
    (made / "part").write_text("part")
    os.kill(os.getpid(), signal.SIGTERM)
    raise SystemExit("it went on")
"""


@pytest.mark.parametrize(
    "asked",
    [
        ("assess", HERE.parent / "examples" / "patient.yaml", "--receipt", "link/made"),
        ("new", "link/made"),
        ("audit", "log", "init", "link/made", "--origin", "a.example/log"),
        ("export", "--to", "archive", "--out", "link/made"),
    ],
)
def test_what_is_kept_behind_a_link_to_a_folder_is_kept(
    asked: tuple[str, ...], citelog: authoring.Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A receipt was kept, and then told as one that cannot be written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to("elsewhere")
    assert citelog(*asked).status == 0 and (tmp_path / "elsewhere" / "made").exists()


def test_a_process_that_has_computed_for_longer_than_it_may_takes_back_a_folder_that_it_was_making(
    tmp_path: Path,
) -> None:
    code = ASKED_TO_END.replace("os.kill(os.getpid(), signal.SIGTERM)", "while True: pass")
    limited = ["sh", "-c", 'ulimit -S -t 1; exec "$@"', "sh", sys.executable, "-c", code]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "engine")}
    ended = subprocess.run(limited, env=environment, cwd=tmp_path, capture_output=True, check=False)
    assert (ended.returncode, ended.stderr, list(tmp_path.iterdir())) == (-signal.SIGXCPU, b"", [])


@pytest.mark.parametrize("is_first", [False, True], ids=["one of many", "the first of a container"])
def test_a_process_that_is_asked_to_end_takes_back_a_folder_that_it_was_making(is_first: bool, tmp_path: Path) -> None:
    """The first process of a container is ended by no signal, and told a fault of citelog."""
    apart = ["unshare", "--user", "--map-root-user", "--pid", "--fork"] if is_first else []
    if is_first and subprocess.run([*apart, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no namespace may be made here")
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "engine")}
    ended = subprocess.run(
        [*apart, sys.executable, "-c", ASKED_TO_END], env=environment, cwd=tmp_path, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (143 if is_first else -15, b"")
    assert list(tmp_path.iterdir()) == []


# found by it


@pytest.mark.parametrize("command", [("init", "made"), ("copy", "log", "made")])
def test_a_disk_that_is_full_while_a_log_is_made_is_told_in_words(command: tuple[str, ...], tmp_path: Path) -> None:
    """SQLite's own words were a fault of ours, or were told as damage of the log that was copied."""
    assert authoring.citelog("audit", "log", "init", "log", cwd=tmp_path).status == 0
    code = "from citelog.cli.app import main; main()"
    limited = ["sh", "-c", 'ulimit -f 10; exec "$@"', "sh", sys.executable, "-c", code, "audit", "log", *command]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "engine")}
    ended = subprocess.run(limited, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("made: the folder cannot be made: ") and "\n   = make room" in ended.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"log", "log.key"}


def test_where_nobody_reads_on_the_answer_is_not_no() -> None:
    """click ended such a command with 1, which is `the answer is no`."""
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-c", "from citelog.cli.app import main; main()", "schema", "proof"]
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "engine")}
    ended = subprocess.run(command, env=environment, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, b"")


def test_a_release_that_was_stopped_before_its_record_was_written_is_made_by_the_next_run(tmp_path: Path) -> None:
    """An archive without its record counted as a damaged release, and no other could ever be made."""
    nights = Path(shutil.copytree(faults.NIGHTS, tmp_path / "nights"))
    (nights / "CHANGELOG.md").write_text("# Changes\n\n## 0.1.0\n\nFor the pupils of Harbour School.\n")
    asked = ("release", "0.1.0", "--kb", nights)
    assert authoring.citelog(*asked).status == 0
    record = nights / "releases" / "0.1.0.json"
    whole = record.read_bytes()
    record.unlink()
    assert authoring.citelog("release", "--list", "--kb", nights).status == 1, (
        "what is there is not whole, and it says so"
    )
    assert authoring.citelog(*asked).status == 0 and record.read_bytes() == whole


@pytest.mark.parametrize(
    ("raised", "status", "words"),
    [
        ("MemoryError()", 2, "there is not enough memory\n   = let the process have more"),
        (
            "ImportError('x.so: failed to map', name='x')",
            2,
            "the library x cannot be loaded: x.so: failed to map\n   = ",
        ),
        ("ModuleNotFoundError('No lark', name='lark')", 2, "the library lark cannot be loaded: No lark\n   = install"),
        ("RuntimeError('Query interrupted')", 130, "stopped\n"),
        ("__import__('duckdb').InvalidInputException('the schema failed: KeyboardInterrupt: ')", 130, "stopped\n"),
        ('RuntimeError("can\'t start new thread")', 2, "there is not enough memory for another thread\n   = let"),
        ("OSError(24, 'Too many open files', 'x.csv')", 2, "too many files are open\n   = let the process open more"),
        ("OSError(11, 'Resource temporarily unavailable')", 2, "there is no room for another process\n   = let the"),
        ("__import__('duckdb').OutOfMemoryException('Allocation failure')", 2, "there is not enough memory\n   = let"),
    ],
)
def test_what_the_world_does_to_a_command_is_no_fault_of_ours(raised: str, status: int, words: str) -> None:
    """Each was told as a fault of citelog; DuckDB makes Ctrl-C an interrupted query, or an invalid table."""
    ended = guarded(raised)
    assert ended.returncode == status and ended.stderr.startswith(words)


@pytest.mark.parametrize("status", ["", "0", "1"])
def test_a_command_that_something_below_it_ends_has_not_answered(status: str) -> None:
    """Any such end was taken for that of a command to which nobody listens: status 0, without an answer."""
    ended = guarded(f"SystemExit({status})")
    assert ended.returncode == 3 and ended.stderr.startswith("a fault of citelog: SystemExit")


def guarded(raised: str) -> subprocess.CompletedProcess[str]:
    """How a command ends that raises something."""
    code = (
        f"from citelog.cli.console import guarded\ndef fails(): raise {raised}\nraise SystemExit(guarded(fails, False))"
    )
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "engine")}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("library", "arguments", "told"),
    [
        ("duckdb", "population tables --out out", "population needs duckdb\n   = pip install 'citelog[population]'"),
        ("ibis", "population tables --out out", "population needs ibis\n   = pip install 'citelog[population]'"),
        ("numpy", "summary out", "summary needs numpy\n   = pip install 'citelog[population]'"),
        ("pyspark", "population tables --out out --engine spark", "--engine spark needs pyspark\n   = pip install 'ci"),
        ("starlette", "serve", "serve needs starlette\n   = pip install 'citelog[serve]'"),
        ("pygls", "lsp", "lsp needs pygls\n   = pip install 'citelog[edit]'"),
    ],
)
def test_a_library_that_is_not_installed_is_named_with_the_extra_that_brings_it(
    library: str, arguments: str, told: str, tmp_path: Path
) -> None:
    (tmp_path / "tables").mkdir()
    code = f"import sys; sys.modules[{library!r}] = None\nfrom citelog.cli.app import main; main()"
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "engine")}
    command = [sys.executable, "-c", code, *arguments.split()]
    ended = subprocess.run(
        command, env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (2, "") and ended.stderr.startswith(told), ended.stderr


def test_a_population_that_was_stopped_as_its_database_was_made_begins_anew(tmp_path: Path) -> None:
    """What was left could not be read, and so no run ever ended in that folder."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "labs.csv").write_text("patient,analyte,value,unit\na,night,8.5,hours\n")
    scratch = tmp_path / "out" / "scratch"
    scratch.mkdir(parents=True)
    (scratch / "work.db").write_bytes(b"half a database")
    ended = authoring.citelog("population", "tables", "--kb", faults.NIGHTS, "--out", "out", cwd=tmp_path)
    assert ended.status == 0 and ended.out.startswith("out: 1 patient,") and not scratch.exists(), ended.err


@pytest.mark.parametrize("faster", [None, b"kept", b"another"])
def test_on_a_disk_without_links_what_is_kept_is_not_put_in_the_place_of_another(
    faster: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(beside: Path, path: Path) -> None:
        if faster is not None:  # somebody writes the file in between
            path.write_bytes(faster)
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", no_links)
    path = tmp_path / "receipt.json"
    if faster == b"another":
        with pytest.raises(CitelogError, match="is another file, and is not overwritten"):
            disk.keep(path, b"kept")
    else:
        disk.keep(path, b"kept")
    assert path.read_bytes() == (faster or b"kept") and list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("faster", [b"kept", b"another"])
def test_what_is_kept_is_not_put_in_the_place_of_what_somebody_kept_meanwhile(
    faster: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, link = tmp_path / "receipt.json", os.link

    def later(beside: Path, path: Path) -> None:
        path.write_bytes(faster)
        link(beside, path)

    monkeypatch.setattr(os, "link", later)
    with contextlib.nullcontext() if faster == b"kept" else pytest.raises(CitelogError, match="is another file"):
        disk.keep(path, b"kept")
    assert path.read_bytes() == faster and list(tmp_path.iterdir()) == [path]


def test_a_new_log_and_its_key_get_their_places_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 91 calls to the disk seven lay between them, and what ended the process there left the key alone."""
    place, key, seen = tmp_path / "log", tmp_path / "log.key", list[bool]()
    placed = disk._placed

    def watched(*given: Any) -> None:
        seen.append(key.exists())
        placed(*given)

    monkeypatch.setattr(disk, "_placed", watched)
    Log.make(place, "ward", key_file=key)
    assert seen == [False] and place.is_dir() and key.stat().st_mode & 0o777 == 0o600


def test_where_one_of_several_places_is_taken_none_is_given(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"another's")
    secrets = {tmp_path / "a": b"a", tmp_path / "b": b"b"}
    with (
        pytest.raises(CitelogError, match="made: the folder cannot be made"),
        disk.making(tmp_path / "made", 0o700, secrets),
    ):
        pass
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"b": b"another's"}


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells how many threads there are")
def test_a_library_that_wants_threads_of_its_own_interrupts_nothing() -> None:
    """Where OpenBLAS gets no thread it sends its process SIGINT, and a command said that it was stopped."""
    code = "import os\nfrom citelog.cli.app import main\ntry: main(['schema'])\nexcept SystemExit: pass\nimport numpy\n"
    environment = {key: value for key, value in os.environ.items() if key != "OPENBLAS_NUM_THREADS"}
    told = f"{code}print(len(os.listdir('/proc/self/task')))"
    environment["PYTHONPATH"] = str(HERE.parent / "engine")
    ended = subprocess.run([sys.executable, "-c", told], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "1"


TERMINALS: list[dict[str, str]] = [
    {"COLUMNS": "1"},
    {"COLUMNS": "10000", "TERM": "dumb"},
    {"PYTHONIOENCODING": "ascii", "COLUMNS": "text"},
]


@pytest.mark.slow
@pytest.mark.parametrize("terminal", TERMINALS, ids=lambda told: " ".join(told.values()))
def test_a_terminal_is_told_what_a_pipe_is(terminal: dict[str, str]) -> None:
    """One that is not UTF-8 was told the half of an answer, and then a fault of citelog."""
    command = [sys.executable, "-m", "citelog", "assess", faults.NIGHTS / "cases" / "nothing-recorded.yaml"]
    environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "TERM")}
    environment |= {"PYTHONPATH": str(HERE.parent / "engine"), "COLUMNS": "80", **terminal}
    ours, theirs = os.openpty()
    run = partial(subprocess.run, [*command, "--kb", faults.NIGHTS], env=environment, check=True, stdin=theirs)
    piped = run(stdout=subprocess.PIPE).stdout

    def show() -> None:
        try:
            run(stdout=theirs, stderr=theirs)
        finally:
            os.close(theirs)

    shown = threading.Thread(target=show)
    shown.start()
    told = b""
    with contextlib.suppress(OSError):  # the end of a terminal
        while data := os.read(ours, 1 << 16):
            told += data
    shown.join()
    os.close(ours)
    plain = re.sub(rb"\x1b\[[\d;]*m|\x1b\]8;[^\x1b]*\x1b\\", b"", told)
    assert plain.replace(b"\r\n", b"\n") == piped
    assert (b"\x1b" in told) == (terminal.get("TERM") != "dumb" and "NO_COLOR" not in terminal)


def test_a_copy_of_a_log_for_which_no_file_is_to_be_had_is_told_in_words(tmp_path: Path) -> None:
    """Where no more files could be open, SQLite's own words were a fault of ours."""
    Log.make(tmp_path / "log", "ward")
    with Rows.open(tmp_path / "log" / "log.sqlite") as rows, pytest.raises(OSError, match="unable to open database"):
        rows.copy(tmp_path / "no-such-folder" / "log.sqlite", salts=True)
