"""Ctrl-C at any moment between the start of a command and its end: it says `stopped`, with status 130, and no more."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT / "engine")}
STOPPED = (130, "stopped\n")

AT_EACH_LINE = """
import os, signal, sys
from citelog import __main__
from citelog.cli import app, console, interrupts

FILES = {one.__file__ for one in (__main__, app, console, interrupts)}

def at(line, told):
    passed, awaited = 0, False
    def trace(frame, event, argument):
        nonlocal passed, awaited
        if frame.f_code.co_filename not in FILES:
            return None
        awaited |= signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        if event == "line" and awaited:
            passed += 1
            if passed == line:
                sys.settrace(None)
                os.write(told, f"{frame.f_code.co_name} ".encode())
                os.kill(os.getpid(), signal.SIGINT)
        return trace
    return trace

line, where = 0, b"some"
while where:
    line += 1
    (hear, tell), (read, write) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(write, 2)
        sys.settrace(at(line, tell))
        __main__.main()
    os.close(tell), os.close(write)
    where, said = (open(end, "rb").read() for end in (hear, read))
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(status, where.decode(), said, flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="each line is tried in a copy of the process")
@pytest.mark.parametrize(("arguments", "status"), [("schema proof", 0), ("why no-such.yaml a", 2)])
def test_an_interrupt_at_any_line_of_the_way_in_and_out_ends_in_the_same_words(arguments: str, status: int) -> None:
    """Before the command was guarded and after it there was a traceback."""
    command = [sys.executable, "-c", AT_EACH_LINE, *arguments.split()]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=True)
    *lines, undisturbed = ended.stdout.splitlines()
    assert undisturbed.startswith(f"{status}  ")
    reached = set()
    for line in lines:
        code, where, said = line.split(" ", 2)
        assert code == "130" and said.endswith("stopped\\n'") and "Traceback" not in said, line
        reached.add(where)
    assert {"main", "interruptible", "guarded", "_run"} <= reached


ENTRY = """
import os, signal, sys

class At:
    def find_spec(name, path, target=None):
        if name == sys.argv[1]:
            sys.meta_path.remove(At)
            del sys.argv[1]
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, At)
"""
SCRIPT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]["citelog"]
ENTRIES = {
    "citelog": "from {} import {} as main; main()".format(*SCRIPT.split(":")),
    "python -m citelog": "import runpy; runpy.run_module('citelog', run_name='__main__', alter_sys=True)",
}
MODULES = ("citelog.cli.app", "click", "citelog.cli.console", "citelog.home", "citelog.cli.verifying")


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("module", MODULES)
def test_an_interrupt_while_modules_are_loaded_ends_in_the_same_words(entry: str, module: str) -> None:
    command = [sys.executable, "-c", ENTRY + ENTRIES[entry], module, "schema", "proof"]
    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr, ended.stdout) == (*STOPPED, "")


def test_an_interrupt_that_is_ignored_from_outside_stays_ignored() -> None:
    """As in the background of a script, where the terminal's Ctrl-C is meant for somebody else."""
    command = [sys.executable, "-c", ENTRY + ENTRIES["citelog"], "click", "schema", "proof"]
    ignoring = ["sh", "-c", 'trap "" INT; exec "$@"', "sh", *command]
    ended = subprocess.run(ignoring, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "") and ended.stdout


def test_where_standard_error_is_closed_the_status_alone_tells() -> None:
    """Its number may be that of any file that was opened since."""
    command = [sys.executable, "-c", ENTRY + ENTRIES["citelog"], "click", "schema", "proof"]
    closed = ["sh", "-c", 'exec "$@" 2>&-', "sh", *command]
    ended = subprocess.run(closed, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (130, "")
