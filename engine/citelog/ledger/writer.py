"""One writer for many threads: a server answers several at once, and a log has one order.

Whoever comes while another is writing waits, and is written together with all who wait: one commit for all of them, and
each is told its numbers when that commit is on the disk. So the disk is asked as often for many as for one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from citelog.diagnostics import CitelogError
from citelog.ledger.entry import Record
from citelog.ledger.log import Log

TOGETHER = 500
"""How many of those who wait are written in one commit, at most."""


@dataclass
class _Waiting:
    records: Sequence[Record]
    numbers: range | None = None
    error: Exception | None = None
    done: bool = False


@dataclass
class Writer:
    """Enters what any thread gives it."""

    log: Log
    _queue: deque[_Waiting] = field(default_factory=deque)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def append(self, records: Sequence[Record]) -> range:
        """Enter assessments, in this order, all or none; the numbers of their entries, once they are on the disk.

        Raises CitelogError as `Log.append`.
        """
        mine = _Waiting(records)
        self._queue.append(mine)
        while not mine.done:
            with self._turn:
                if not mine.done:
                    self._write([self._queue.popleft() for _ in range(min(TOGETHER, len(self._queue)))])
        if mine.error is not None:
            raise CitelogError(str(mine.error)) from mine.error
        assert mine.numbers is not None
        return mine.numbers

    def _write(self, waiting: list[_Waiting]) -> None:
        try:
            first = self.log.append([record for one in waiting for record in one.records]).numbers.start
            for one in waiting:
                one.numbers = range(first, first + len(one.records))
                first = one.numbers.stop
        except CitelogError as error:
            for one in waiting:
                one.error = error
        finally:
            for one in waiting:
                one.done = True
