"""Ctrl-C, from the first moment of the process to its last: it stops, says so, and nobody sees a traceback.

Python raises KeyboardInterrupt wherever it is, and only what runs within `guarded` (`cli.console`) is caught. Outside,
Ctrl-C ends the process by itself, with the same words and the same status. This is loaded before everything else, and
loads next to nothing.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

STATUS = 130
WORDS = "stopped"


NEEDED = {signal.SIGALRM, signal.SIGCHLD, signal.SIGPROF}
"""Signals by which work ends when its time is up, and by which it is known how another process has ended.

Whoever starts a process can leave it with signals ignored or blocked. Without these a query would never end, and every
program that is asked would seem to have ended well.
"""


def await_command() -> None:
    """From here on Ctrl-C ends the process; where whoever started it has it ignored, it stays so.

    What is `NEEDED` does what it does of itself, whatever whoever started it did with it.
    """
    for number in NEEDED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, NEEDED)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)


def interruptible(run: Callable[[], object]) -> object:
    """What `run` gives; while it runs, Ctrl-C raises KeyboardInterrupt, so that what it has begun is taken back."""
    if signal.getsignal(signal.SIGINT) is not _end:
        return run()
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return run()
    finally:
        signal.signal(signal.SIGINT, _end)


def _end(number: int, frame: FrameType | None) -> None:
    try:
        if sys.stderr is not None:  # closed by the caller: 2 may be any file of ours
            os.write(2, f"{WORDS}\n".encode())
    finally:
        os._exit(STATUS)
