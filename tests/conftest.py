"""One world for every test, and for every process a test starts: fixed width, no colour, UTC, a cache of its own."""

from __future__ import annotations

import base64
import contextlib
import gc
import os
import signal
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from authoring import Command, Ended
from pages import browsing

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WORLD = {
    "COLUMNS": "100",
    "LINES": "40",
    "TERMINAL_WIDTH": "100",  # typer
    "NO_COLOR": "1",
    "TERM": "dumb",
    "TZ": "UTC",
}
NOT_IN_OUR_WORLD = ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "GITHUB_ACTIONS")  # rich and typer look at these

_world = pytest.MonkeyPatch()
_measured = tempfile.TemporaryDirectory(prefix="citelog-measured-", ignore_cleanup_errors=True)
_cache = tempfile.TemporaryDirectory(prefix="citelog-tests-", ignore_cleanup_errors=True)


def pytest_configure() -> None:
    """Before anything is imported for collection: doctests of engine modules live in this world too."""
    for name in NOT_IN_OUR_WORLD:
        _world.delenv(name, raising=False)
    for name, value in WORLD.items():
        _world.setenv(name, value)
    _world.setenv("XDG_CACHE_HOME", _cache.name)
    if "COVERAGE_PROCESS_CONFIG" in os.environ:  # --cov
        _world.setenv("CITELOG_MEASURED", _measured.name)
        _world.setenv("PYTHONPATH", str(Path(__file__).parent / "measured"), prepend=os.pathsep)
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts them behind it has it ignored
    gc.set_threshold(300_000, 20, 50)  # tests leave little behind, and to walk over all that they share takes long


@pytest.hookimpl(wrapper=True, trylast=True)  # within pytest-cov's, which then writes all that there is
def pytest_runtestloop() -> Generator[None, object, object]:
    """In a run that measures, add what the server's workers have reached: see `measured/sitecustomize.py`."""
    done = yield
    if files := list(Path(_measured.name).iterdir()):
        from coverage import Coverage, CoverageData

        measured = Coverage.current()
        assert measured is not None
        reached = measured.get_data()
        for line in (line for file in files for line in file.read_bytes().splitlines()):
            length, _, found = line.partition(b" ")
            if found and len(found) == int(length):  # or else its worker was ended within it
                part = CoverageData(no_disk=True)
                part.loads(base64.b64decode(found))
                reached.update(part)
    return done


def pytest_unconfigure() -> None:
    """Leave the process, which may be someone else's, as it was."""
    _world.undo()
    time.tzset()
    _cache.cleanup()
    _measured.cleanup()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The cluster's tests first: they take a minute, for which no other process should have to wait at the end."""
    items.sort(key=lambda item: item.path.name != "test_population_spark.py")


def pytest_report_header() -> str:
    """Where the tests keep what citelog would keep in the user's cache."""
    return f"cache: {os.environ['XDG_CACHE_HOME']}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser for the tests of a module; no longer, because Playwright's loop would be in the way of others."""
    with browsing() as started:
        yield started


@pytest.fixture
def citelog(capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Runs a command in this process, in a tenth of the time that one of its own takes."""
    from citelog.cli.app import main  # not before the world is as it should be

    def run(*arguments: str | Path, cwd: Path | None = None) -> Ended:
        with contextlib.chdir(cwd or "."), pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, captured.out.decode(), captured.err.decode())

    return run
