"""Records that somebody is looking at: in this process's memory, for a while, under references that nobody can guess.

A record must not stand in an address, and a page of it must have one. So the address holds a reference: who has it can
read the record, for as long as it is kept. It is on no disk and in no log, and goes when nobody has looked at it for
`kept_seconds`, when others need the room, or with the process.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from citelog.serve.http.limits import Limits


def new_reference() -> str:
    """A reference that nobody can guess."""
    return secrets.token_urlsafe(24)


@dataclass
class Kept:
    """What is kept, by reference; the one that was looked at last stands last. `seconds` counts them.

    >>> time = [0.0]
    >>> kept = Kept(Limits(kept_records=2, kept_seconds=60.0), lambda: time[0])
    >>> first, second = kept.put(b"first"), kept.put(b"second")
    >>> time[0] = 50.0
    >>> kept.get(first), kept.get("nobody gave this")
    (b'first', None)
    >>> time[0] = 70.0
    >>> kept.get(second), kept.get(first)
    (None, b'first')
    """

    limits: Limits
    seconds: Callable[[], float]
    _records: OrderedDict[str, tuple[float, bytes]] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def put(self, record: bytes, reference: str = "") -> str:
        """Keep a record, under a new reference where none is given; its reference.

        What nobody has looked at for longest goes where there is no room.
        """
        reference = reference or new_reference()
        self._records[reference] = (self.seconds(), record)
        self._bytes += len(record)
        self._tidy()
        return reference

    def get(self, reference: str) -> bytes | None:
        """The record of a reference, None where it is kept no longer or never was."""
        self._tidy()
        found = self._records.get(reference)
        if found is None:
            return None
        self._records[reference] = (self.seconds(), found[1])
        self._records.move_to_end(reference)
        return found[1]

    def drop(self, reference: str) -> None:
        """Keep the record of a reference no longer, if it is kept."""
        if (found := self._records.pop(reference, None)) is not None:
            self._bytes -= len(found[1])

    def _tidy(self) -> None:
        oldest = self.seconds() - self.limits.kept_seconds
        while self._records:
            first = next(iter(self._records))
            seen, record = self._records[first]
            crowded = len(self._records) > self.limits.kept_records or self._bytes > self.limits.kept_bytes
            if seen > oldest and not crowded:
                break
            del self._records[first]
            self._bytes -= len(record)
