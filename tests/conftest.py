"""One world for every test, and for every process a test starts: fixed width, no colour, UTC, a cache of its own."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
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
_cache = tempfile.TemporaryDirectory(prefix="citelog-tests-", ignore_cleanup_errors=True)


def pytest_configure() -> None:
    """Before anything is imported for collection: doctests of engine modules live in this world too."""
    for name in NOT_IN_OUR_WORLD:
        _world.delenv(name, raising=False)
    for name, value in WORLD.items():
        _world.setenv(name, value)
    _world.setenv("XDG_CACHE_HOME", _cache.name)
    time.tzset()


def pytest_unconfigure() -> None:
    """Leave the process, which may be someone else's, as it was."""
    _world.undo()
    time.tzset()
    _cache.cleanup()


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

    def run(*arguments: str | Path) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        sys.stdout.flush()
        captured = capfdbinary.readouterr()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, captured.out.decode(), captured.err.decode())

    return run
