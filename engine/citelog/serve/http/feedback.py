"""Where feedback goes: counted in memory, and with a file also written there, a line of JSON for each card."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from citelog.diagnostics import CitelogError
from citelog.hooks.notices import Notice
from citelog.serve.http.limits import Refusal

LARGEST = 64 << 20  # bytes of a file; then feedback is refused until the file is taken away


@dataclass
class Feedback:
    """What became of cards, by service, conclusion and outcome, since the server started; and the file, if any."""

    path: Path | None = None
    counts: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @classmethod
    def to(cls, path: Path) -> Feedback:
        """Feedback that is written to a file, which is made where it is not there. Raises CitelogError."""
        try:
            with path.open("ab"):
                return cls(path)
        except OSError as error:
            raise CitelogError(f"{path}: {error.strerror}", "name a file that can be written: --feedback") from error

    def keep(self, notices: Iterable[Notice]) -> None:
        """Keep all of some notices, or none. Raises Refusal where the file cannot take them."""
        kept = tuple(notices)
        if self.path is not None:
            lines = "".join(f"{json.dumps(one.to_dict(), ensure_ascii=False)}\n" for one in kept).encode()
            try:
                _append(self.path, lines)
            except OSError as error:
                what = f"the feedback cannot be written: {error.strerror or error}"
                raise Refusal(503, what, "tell who runs this server: nothing was kept", "unwritten-log") from error
        self.counts.update((one.service, one.conclusion or "of another edition", one.outcome) for one in kept)

    def of(self, service: str) -> dict[str, Any]:
        """What is known about the cards of a service, as a document."""
        rows = [
            {"conclusion": conclusion, "outcome": outcome, "count": count}
            for (one, conclusion, outcome), count in sorted(self.counts.items())
            if one == service
        ]
        return {"service": service, "kept": "file" if self.path else "memory", "feedback": rows}


def _append(path: Path, lines: bytes) -> None:
    """Append in one write, and have it on the disk."""
    with path.open("ab", buffering=0) as file:
        before = file.seek(0, os.SEEK_END)
        if before + len(lines) > LARGEST:
            raise OSError(f"the file is full ({LARGEST:,} bytes)")
        if file.write(lines) < len(lines):
            file.truncate(before)
            raise OSError("the disk is full")
        os.fsync(file.fileno())
