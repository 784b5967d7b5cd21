"""Work in a process of its own: the system ends it when its time is up, and while it is sealed it can open nothing.

A query can be made to run for ever, or to reach for a network, and no check of its text is the last word on that. So
the answer is made in a copy of this process: the kernel counts its processor time and ends it, and refuses it every
new file and connection, whatever the query engine is asked to do.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator

from citelog.cli.console import guarded
from citelog.cli.proposed import completing
from citelog.diagnostics import CitelogError

MEMORY = 4 * 2**30
"""Bytes of address space that the process may have."""


def apart(work: Callable[[], int], seconds: float, what: str) -> int:
    """The exit status of some work, done in a process of its own; raises CitelogError where it had to be ended.

    `seconds` is what `sealed` is given in it, and `what` the work's name, for messages.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # closed by the caller
            stream.flush()  # what is in its buffer would be written twice
    child = os.fork()
    if child == 0:
        status = 3
        try:
            status = guarded(completing()(work), "--debug" in sys.argv)
        finally:
            os._exit(status)
    try:
        _, ended = os.waitpid(child, 0)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    if os.WIFSIGNALED(ended):
        if os.WTERMSIG(ended) == signal.SIGPROF:
            raise CitelogError(
                f"{what}: no answer after {seconds:g} s of computing, and it was stopped",
                "ask for less, or allow more: --time-limit SECONDS",
            )
        raise CitelogError(
            f"{what}: it was ended by the system ({signal.Signals(os.WTERMSIG(ended)).name}), perhaps out of memory",
            "ask for less",
        )
    return os.WEXITSTATUS(ended)


@contextlib.contextmanager
def sealed(seconds: float) -> Iterator[None]:
    """Within, this process opens nothing, and has so many seconds of processor time and so much memory."""
    limits = {
        resource.RLIMIT_NOFILE: 0,  # those that are open stay open
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: MEMORY,
    }
    before = {limit: resource.getrlimit(limit) for limit in limits}
    for limit, most in limits.items():
        soft, hard = before[limit]
        resource.setrlimit(limit, (most if soft == resource.RLIM_INFINITY else min(most, soft), hard))
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        for limit, both in before.items():
            resource.setrlimit(limit, both)
