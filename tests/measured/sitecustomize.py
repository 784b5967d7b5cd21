"""In a run that measures which branches the tests reach: the server's workers are measured too.

Python imports this where its folder is on the path, which `conftest` sees to in such a run. A worker ends by a signal
and may open no file, so coverage can write its figures neither at the worker's end nor into a file of its own. Here
each appends what it has reached to a file that its loader opened before it was confined: whenever it stops its clock,
which is after each answer, and at its end, if it ends by itself. What it does for an answer that it never gives is
not counted.

Nothing of citelog knows of this, and a worker stays confined as it is.
"""

from __future__ import annotations

import atexit
import base64
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn


def measure(folder: Path) -> None:
    """Measure this process and those forked from it; append what each has reached, a line at a time, to a file."""
    import coverage

    if (begun := coverage.Coverage.current()) is not None:
        begun.stop()  # it opens a file when it writes
    measured = coverage.Coverage(data_file=None, config_file=False, branch=True, source_pkgs=["citelog"])
    kept = os.open(folder / str(os.getpid()), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    measured.get_data().dumps()  # it imports what it needs, while it may
    set_timer, end = signal.setitimer, os._exit

    def append() -> None:
        reached = measured.get_data()
        line = base64.b64encode(reached.dumps())
        os.write(kept, b"\n%d %s" % (len(line), line))  # a line of its own, should another have ended within one
        reached.erase()

    def timed(which: int, seconds: float, interval: float = 0.0) -> tuple[float, float]:
        before = set_timer(which, seconds, interval)
        if seconds == 0:
            append()
        return before

    def ended(status: int) -> NoReturn:
        append()
        end(status)

    signal.setitimer, os._exit = timed, ended
    atexit.register(append)
    measured.start()


if (_folder := os.environ.get("CITELOG_MEASURED")) and any("citelog.serve.workers." in word for word in sys.orig_argv):
    measure(Path(_folder))
