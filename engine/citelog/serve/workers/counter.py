"""The program that counts a knowledge base: all cases are run as it is loaded, and that is all it does."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from citelog.browse.counts import counted
from citelog.diagnostics import CitelogError
from citelog.serve.workers.worker import Bounded, Message, UnreadableError, keep

_LOW = 10
"""The priority of counting; 0 is that of who waits for an answer."""


def _load(message: Message, data: bytes) -> tuple[None, Message]:
    """Nothing to hold, and the documents of the count."""
    os.nice(_LOW)
    folder = Path(message["folder"])
    try:
        return None, counted(folder)
    except (CitelogError, OSError) as error:
        raise UnreadableError(folder.name, str(error)) from error


def _work(held: None, asked: Message, data: bytes, output: Bounded) -> None:
    """Nobody asks for more."""
    raise AssertionError(f"a count was asked {asked}")


if __name__ == "__main__":
    keep(int(sys.argv[1]), _load, _work)
