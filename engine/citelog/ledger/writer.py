"""One writer for many threads: a server answers several at once, and a log has one order.

Whoever comes while another is writing waits, and is written together with all who wait: one commit for all of them, and
each is told its number when that commit is on the disk.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from citelog.diagnostics import CitelogError
from citelog.ledger.entry import Record
from citelog.ledger.log import Log

TOGETHER = 500
"""How many are written in one commit, at most."""


@dataclass
class _Waiting:
    record: Record
    number: int | None = None
    error: Exception | None = None
    done: bool = False


@dataclass
class Writer:
    """Enters what any thread gives it."""

    log: Log
    _queue: deque[_Waiting] = field(default_factory=deque)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def append(self, record: Record) -> int:
        """Enter an assessment; the number of its entry, once it is on the disk. Raises CitelogError as `Log.append`."""
        mine = _Waiting(record)
        self._queue.append(mine)
        while not mine.done:
            with self._turn:
                if not mine.done:
                    self._write([self._queue.popleft() for _ in range(min(TOGETHER, len(self._queue)))])
        if mine.error is not None:
            raise CitelogError(str(mine.error)) from mine.error
        assert mine.number is not None
        return mine.number

    def _write(self, waiting: list[_Waiting]) -> None:
        try:
            numbers = self.log.append([one.record for one in waiting]).numbers
            for one, number in zip(waiting, numbers, strict=True):
                one.number = number
        except CitelogError as error:
            for one in waiting:
                one.error = error
        finally:
            for one in waiting:
                one.done = True
