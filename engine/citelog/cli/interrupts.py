"""Signals, from the first moment of the process to its last: of Ctrl-C it stops, says so, and shows no traceback.

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


NEEDED = {signal.SIGCHLD, signal.SIGPROF}
"""Signals by which it is known how another process has ended, and by which work ends when its time is up.

A process starts with those ignored or blocked that its starter has. Without these a query would never end, or nobody
would know how, and every program that is asked would seem to have ended well.
"""


def heed() -> None:
    """Let the signals that are needed do what they do of themselves, whatever whoever started this process did."""
    for number in NEEDED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, NEEDED)


def await_command() -> None:
    """From here on Ctrl-C ends the process; where whoever started it has it ignored, it stays so."""
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
