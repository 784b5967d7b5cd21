"""./citelog and ./run-tests set up what they need, from anywhere, safely, once.

They are run for real (sh, venv, pip), on a stand-in for the project that needs no network: its build backend is its
own, and its command says what it was given.
"""

import copy
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PYPROJECT = """\
[build-system]
requires = []
build-backend = "backend"
backend-path = ["engine"]
[project]
name = "citelog"
version = "1"
"""

BACKEND = '''\
"""Builds an editable wheel with a `citelog` and a `pytest` command, or fails while a file named broken is there."""
import pathlib, zipfile

METADATA = "Metadata-Version: 2.1\\nName: citelog\\nVersion: 1\\nProvides-Extra: test\\n"
COMMANDS = "[console_scripts]\\ncitelog = standin:main\\npytest = standin:main\\n"

def build_editable(folder, config_settings=None, metadata_directory=None):
    with open("installs", "a") as log:
        log.write("installed\\n")
    if pathlib.Path("broken").exists():
        raise SystemExit("the stand-in is broken")
    name, info = "citelog-1-py3-none-any.whl", "citelog-1.dist-info/"
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w") as wheel:
        wheel.writestr("citelog.pth", str(pathlib.Path("engine").resolve()))
        wheel.writestr(info + "METADATA", METADATA)
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(info + "entry_points.txt", COMMANDS)
        wheel.writestr(info + "RECORD", "")
    return name
'''

COMMAND = """\
import os, sys
def main():
    print(os.path.basename(sys.argv[0]), *map(repr, sys.argv[1:]))
    sys.exit(1 if "no" in sys.argv else 0)
"""


class Clone:
    """A folder with the two commands and a stand-in for the project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "engine" / "locked").mkdir(parents=True)
        for name in ("run", "test"):
            (folder / "engine" / "locked" / f"{name}.txt").touch()
        for name in ("citelog", "run-tests", "engine/prepare.sh"):
            shutil.copy2(ROOT / name, folder / name)
        (folder / "pyproject.toml").write_text(PYPROJECT)
        (folder / "engine" / "backend.py").write_text(BACKEND)
        (folder / "engine" / "standin.py").write_text(COMMAND)
        (folder / "engine" / "citelog").mkdir()
        (folder / "engine" / "citelog" / "__init__.py").touch()

    def start(self, *command: str, cwd: Path, python: str = sys.executable) -> subprocess.Popen[str]:
        env = {"PATH": "/usr/bin:/bin", "HOME": str(cwd), "CITELOG_PYTHON": python}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=cwd, env=env, stdout=pipe, stderr=pipe, text=True, start_new_session=True)

    def run(self, name: str, *arguments: str, cwd: Path, python: str = sys.executable) -> tuple[int, str, str]:
        process = self.start(str(self.folder / name), *arguments, cwd=cwd, python=python)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def installs(self) -> int:
        log = self.folder / "installs"
        return len(log.read_text().splitlines()) if log.exists() else 0


NAME = "a clone with spaces, ümläut and 'quote'"


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path / NAME)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone that ./citelog set up, and beside it a copy: an environment knows the folder that it was made for."""
    made = Clone(tmp_path_factory.mktemp("once") / NAME)
    assert made.run("citelog", cwd=made.folder.parent)[0] == 0
    shutil.copytree(made.folder, made.folder.parent / "kept", symlinks=True)
    return made


@pytest.fixture
def ready(once: Clone) -> Clone:
    """A clone as ./citelog leaves it, each time anew, in the folder in which it was set up."""
    shutil.rmtree(once.folder, ignore_errors=True)
    shutil.copytree(once.folder.parent / "kept", once.folder, symlinks=True)
    return copy.copy(once)


@pytest.mark.slow
def test_the_first_run_sets_up_and_later_runs_cost_next_to_nothing(clone: Clone, tmp_path: Path) -> None:
    status, out, err = clone.run("citelog", "assess", "a b.yaml", "*", "", cwd=tmp_path)
    assert (status, out) == (0, "citelog 'assess' 'a b.yaml' '*' ''\n")
    assert "setting up .venv" in err
    assert clone.run("citelog", "no", cwd=Path("/")) == (1, "citelog 'no'\n", "")
    assert clone.installs() == 1

    link = tmp_path / "elsewhere"
    link.symlink_to(clone.folder / "citelog")
    process = clone.start(str(link), cwd=tmp_path)
    assert process.communicate() == ("citelog\n", "")

    def best_of_ten(command: str) -> float:
        """The processors' time, which says the same on a busy machine."""
        times = []
        for _ in range(10):
            before = os.times()
            clone.start(command, cwd=tmp_path).communicate()
            after = os.times()
            times.append(after.children_user + after.children_system - before.children_user - before.children_system)
        return min(times)

    wrapper = best_of_ten(str(clone.folder / "citelog")) - best_of_ten(str(clone.folder / ".venv" / "bin" / "citelog"))
    assert wrapper < 0.02  # seconds; 3 to 5 ms where it was written


@pytest.mark.long
def test_each_command_installs_what_it_lacks_and_no_more(ready: Clone, tmp_path: Path) -> None:
    status, out, _ = ready.run("run-tests", "-k", "x", cwd=tmp_path)
    assert (status, out, ready.installs()) == (0, "pytest '-k' 'x'\n", 2)
    assert ready.run("citelog", cwd=tmp_path)[2] == ready.run("run-tests", cwd=tmp_path)[2] == ""
    (ready.folder / "pyproject.toml").write_text(PYPROJECT + "# changed\n")
    assert "setting up" in ready.run("run-tests", cwd=tmp_path)[2]
    assert ready.run("citelog", cwd=tmp_path)[2] == ""
    assert ready.installs() == 3
    (ready.folder / "engine" / "locked" / "run.txt").write_text("# changed\n")
    assert "setting up" in ready.run("citelog", cwd=tmp_path)[2]
    assert (ready.run("citelog", cwd=tmp_path)[2], ready.installs()) == ("", 4)


@pytest.mark.long
def test_a_package_whose_hash_is_not_the_locked_one_is_not_installed(ready: Clone, tmp_path: Path) -> None:
    """A wheel that somebody put in the place of another: the set-up ends there, and nothing of it runs."""
    wheel = tmp_path / "locked-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("locked.py", "")
        archive.writestr("locked-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: locked\nVersion: 1\n")
        archive.writestr("locked-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("locked-1.dist-info/RECORD", "")
    locked, found = ready.folder / "engine" / "locked" / "run.txt", hashlib.sha256(wheel.read_bytes()).hexdigest()
    locked.write_text(f"{wheel.as_uri()} --hash=sha256:{'0' * 64}\n")
    status, out, err = ready.run("citelog", cwd=tmp_path)
    assert (status, out) == (3, "") and "DO NOT MATCH THE HASHES" in err and ready.installs() == 1
    locked.write_text(f"{wheel.as_uri()} --hash=sha256:{found}\n")
    assert ready.run("citelog", cwd=tmp_path)[:2] == (0, "citelog\n") and ready.installs() == 2


@pytest.mark.long
def test_a_failed_set_up_is_told_and_never_trusted(ready: Clone, tmp_path: Path) -> None:
    """A change that cannot be installed leaves neither the old set-up in its place nor, made afresh, one in part."""
    broken = ready.folder / "broken"
    broken.touch()
    (ready.folder / "pyproject.toml").write_text(PYPROJECT + "# changed\n")
    for _ in ("over the old one", "afresh"):
        status, out, err = ready.run("citelog", cwd=tmp_path)
        assert (status, out) == (3, "")
        assert "the stand-in is broken" in err
        assert "the set-up failed" in err
    assert ready.installs() == 3
    broken.unlink()
    assert ready.run("citelog", cwd=tmp_path)[:2] == (0, "citelog\n")


@pytest.mark.long
def test_two_at_once_set_up_once(clone: Clone, tmp_path: Path) -> None:
    started = [clone.start(str(clone.folder / "citelog"), str(n), cwd=tmp_path) for n in range(3)]
    answers = [process.communicate(timeout=120) for process in started]
    assert [out for out, _ in answers] == ["citelog '0'\n", "citelog '1'\n", "citelog '2'\n"]
    assert clone.installs() == 1
    assert sum("setting up .venv with" in err for _, err in answers) == 1


@pytest.mark.long
def test_a_killed_set_up_is_started_afresh(clone: Clone, tmp_path: Path) -> None:
    process = clone.start(str(clone.folder / "citelog"), cwd=tmp_path)
    python = clone.folder / ".venv" / "bin" / "python"
    while not python.exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)  # the command and all that it started
    process.communicate()
    status, out, err = clone.run("citelog", cwd=tmp_path)
    assert (status, out) == (0, "citelog\n")
    assert "setting up" in err


@pytest.mark.slow
def test_a_moved_clone_is_set_up_again(ready: Clone, tmp_path: Path) -> None:
    ready.folder = ready.folder.rename(tmp_path / "moved")
    status, out, err = ready.run("citelog", cwd=tmp_path)
    assert (status, out) == (0, "citelog\n")
    assert "setting up" in err
    assert str(ready.folder / "engine") in next((ready.folder / ".venv").rglob("citelog.pth")).read_text()


@pytest.mark.slow
def test_an_environment_made_by_someone_else_is_used_and_kept(ready: Clone, tmp_path: Path) -> None:
    for stamp in ("made-by-citelog", "citelog-run", "citelog-run.txt"):
        (ready.folder / ".venv" / stamp).unlink()
    mine = ready.folder / ".venv" / "mine"
    mine.touch()
    (ready.folder / "broken").touch()
    assert ready.run("citelog", cwd=tmp_path)[0] == 3
    (ready.folder / "broken").unlink()
    assert ready.run("citelog", cwd=tmp_path)[:2] == (0, "citelog\n") and ready.installs() == 3
    assert mine.exists()


def test_nothing_is_installed_through_a_link_out_of_the_folder(clone: Clone, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    (theirs / "bin").mkdir(parents=True)
    (theirs / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    (theirs / "made-by-citelog").touch()
    (clone.folder / ".venv").symlink_to(theirs)
    for command in ("citelog", "run-tests"):
        status, out, err = clone.run(command, cwd=tmp_path)
        assert (status, out) == (3, "")
        assert f"it is a link to {theirs}, and the citelog in it is not this folder's" in err
        assert f"= remove the link (rm '{clone.folder}/.venv')" in err
    assert sorted(path.name for path in theirs.rglob("*")) == ["bin", "made-by-citelog", "python"]
    assert not clone.installs() and not (clone.folder / ".venv.lock").exists()
    shutil.rmtree(theirs)
    assert "and there is nothing there" in clone.run("citelog", cwd=tmp_path)[2] and not theirs.exists()


@pytest.mark.slow
def test_an_environment_behind_a_link_is_used_where_it_runs_this_folders_citelog(ready: Clone, tmp_path: Path) -> None:
    theirs = (ready.folder / ".venv").rename(tmp_path / "theirs")
    (ready.folder / ".venv").symlink_to(theirs)
    (theirs / "citelog-run").unlink()  # by whomever it was made
    before = sorted(theirs.rglob("*"))
    assert ready.run("citelog", "x", cwd=tmp_path) == (0, "citelog 'x'\n", "")
    assert ready.run("run-tests", cwd=tmp_path) == (0, "pytest\n", "")
    other = Clone(tmp_path / "another clone")
    (other.folder / ".venv").symlink_to(theirs)
    assert other.run("citelog", cwd=tmp_path)[0] == 3
    assert ready.run("citelog", cwd=tmp_path)[0] == 0
    assert (ready.installs(), other.installs(), sorted(theirs.rglob("*"))) == (1, 0, before)


def test_no_python_is_said_with_the_way_out(clone: Clone, tmp_path: Path) -> None:
    status, out, err = clone.run("citelog", cwd=tmp_path, python=str(tmp_path / "python9"))
    assert (status, out) == (3, "")
    assert "needs Python 3.11 or later with venv" in err
    assert "CITELOG_PYTHON=/path/to/python3.11" in err
    assert not (clone.folder / ".venv").exists()


def test_an_old_python_is_named_with_its_version(clone: Clone, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\necho 'is Python 3.9' >&2; exit 1\n")
    old.chmod(0o755)
    status, out, err = clone.run("run-tests", cwd=tmp_path, python=str(old))
    assert (status, out) == (3, "")
    assert f"{old}: is Python 3.9" in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_said(clone: Clone, tmp_path: Path) -> None:
    clone.folder.chmod(0o555)
    status, out, err = clone.run("citelog", cwd=tmp_path)
    clone.folder.chmod(0o755)
    assert (status, out) == (3, "")
    assert "is not writable" in err
