"""A log for somebody else: the same folder at one moment, if wanted without the salts.

Whoever has the salts can try a guess: make the receipt of a record that might be, and see whether it is an entry's.
Without them nobody can, and everything else can be verified as before.
"""

from __future__ import annotations

from pathlib import Path

from citelog import disk
from citelog.diagnostics import CitelogError
from citelog.ledger.folder import FILES, Folder
from citelog.ledger.log import reading
from citelog.ledger.note import Checkpoint, Signed


def copy(path: Path, to: Path, salts: bool = True) -> Checkpoint:
    """Copy a log while nobody writes, whole or not at all; without `salts`, nothing that stands beside the entries.

    What was copied last is told by the checkpoint that is given back. Raises CitelogError where it cannot be done.
    """
    if to.exists():
        raise CitelogError(f"{to}: it is there already", "name another place")
    with disk.making(to, 0o700) as made, reading(path) as (folder, rows):
        rows.copy(Folder(made).table, salts)
        for name in FILES[1:]:
            (made / name).write_bytes(folder.read(name))
        return Signed.read(rows.head()).checkpoint
