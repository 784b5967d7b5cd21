"""A log for somebody else: the same folder at one moment, if wanted without the salts.

Whoever has the salts can try a guess: make the receipt of a record that might be, and see whether it is an entry's.
Without them nobody can, and everything else can be verified as before.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from citelog.diagnostics import CitelogError
from citelog.ledger.folder import FILES, Folder
from citelog.ledger.log import reading
from citelog.ledger.note import Checkpoint, Signed


def copy(path: Path, to: Path, salts: bool = True) -> Checkpoint:
    """Copy a log while nobody writes, whole or not at all; without `salts`, nothing that stands beside the entries.

    What was copied last is told by the checkpoint that is given back. Raises CitelogError where it cannot be done.
    """
    if to.exists():
        raise CitelogError(f"{to}: it is there already\n   = name another place")
    try:
        scratch = Path(tempfile.mkdtemp(dir=to.parent, prefix=f".{to.name}."))
    except OSError as error:
        raise CitelogError(
            f"{to.parent}: nothing can be made in it: {error.strerror}\n   = name another place"
        ) from error
    try:
        with reading(path) as (folder, rows):
            rows.copy(scratch / Folder(scratch).table.name, salts)
            for name in FILES[1:]:
                (scratch / name).write_bytes(folder.read(name))
            head = Signed.read(rows.head()).checkpoint
        os.rename(scratch, to)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise CitelogError(f"{to}: it cannot be written: {error.strerror}\n   = name another place") from error
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    return head
