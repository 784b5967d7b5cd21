"""The folder of a log, and who may write to it: one at a time.

LOG/log.sqlite   the entries and the tree (`ledger.rows`)
LOG/checkpoint   the last signed checkpoint, once more: a file that is cut back to an earlier commit is behind it
LOG/public-key   what its signatures are verified with
LOG.key          the private key, beside the folder and not in it: whoever is given the folder cannot sign
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from citelog import disk
from citelog.diagnostics import CitelogError, proposal
from citelog.ledger import keys
from citelog.ledger.note import PrivateKey, PublicKey
from citelog.ledger.rows import Rows, check_beside, on_disk

PATIENCE = 10.0
"""Seconds for which a writer waits for its turn."""

FILES = ("log.sqlite", "checkpoint", "public-key")


@dataclass(frozen=True, slots=True)
class Folder:
    """Where a log lies."""

    path: Path

    @property
    def table(self) -> Path:
        """The SQLite file."""
        return self.path / "log.sqlite"

    @property
    def journal(self) -> Path:
        """What SQLite keeps while it writes; it stays where a writer was ended."""
        return self.path / "log.sqlite-journal"

    @property
    def key(self) -> Path:
        """Where the private key is unless another place is named."""
        return self.path.with_name(f"{self.path.name}.key")

    def check(self) -> None:
        """Raise CitelogError unless there is a log here."""
        if not self.path.is_dir():
            made = f"make one: {proposal('audit', 'log', 'init', str(self.path))}"
            what = "it is no folder" if self.path.exists() else "there is no such log"
            raise CitelogError(f"{self.path}: {what}", f"check the path, or {made}")
        missing = [name for name in FILES if not (self.path / name).is_file()]
        if missing:
            files = " and ".join(missing)
            raise CitelogError(
                f"{self.path}: {files} {'is' if len(missing) == 1 else 'are'} missing",
                "name the folder of a log, or bring the file back from a copy; nothing is made anew in its place",
            )

    def read(self, name: str) -> bytes:
        """A file of the log."""
        return keys.read(self.path / name)

    def public_key(self) -> PublicKey:
        """The key that the log itself names."""
        return keys.public_key(self.path / "public-key")

    def write_checkpoint(self, note: bytes) -> Path:
        """The next checkpoint, on the disk under a name of its own; `Path.replace` puts it in place."""
        new = self.path / "checkpoint.new"
        new.unlink(missing_ok=True)  # of an interrupted append; where it is a link, it is not written through
        with new.open("xb") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        return new

    @contextmanager
    def lock(self, write: bool) -> Iterator[None]:
        """Alone in the folder to write, or among readers only. The system ends the lock with the process.

        Raises CitelogError where somebody else stays longer than is waited.
        """
        try:
            handle = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise CitelogError(f"{self.path}: it cannot be opened: {error.strerror}", "check the path") from error
        try:
            until = time.monotonic() + PATIENCE
            while True:
                try:
                    fcntl.flock(handle, (fcntl.LOCK_EX if write else fcntl.LOCK_SH) | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > until:
                        raise CitelogError(
                            f"{self.path}: another process is writing to this log, and stays longer than is waited",
                            "nothing was entered; ask again, or see which process holds the folder",
                        ) from error
                    time.sleep(0.002)
                except OSError as error:
                    what = f"it cannot be locked: {error.strerror}"
                    raise CitelogError(f"{self.path}: {what}", "keep it on a disk of this machine") from error
            yield
        finally:
            os.close(handle)

    @contextmanager
    def table_to_read(self) -> Iterator[Rows]:
        """The table, for a reader, who writes nothing.

        Where a journal is left over, SQLite could only read on after undoing what was interrupted. That is done in a
        copy. Call it within a lock, or where nobody writes. Raises DamagedLogError.
        """
        if not self.journal.exists():
            with Rows.open(self.table) as rows:
                yield rows
            return
        check_beside(self.table)
        with tempfile.TemporaryDirectory(prefix="citelog-log-") as scratch:
            for path in (self.table, self.journal):
                shutil.copy2(path, scratch)
            with Rows.open(Path(scratch) / self.table.name, write=True) as rows:
                yield rows


def make(path: Path, key_file: Path, key: PrivateKey, fill: Callable[[Rows], bytes]) -> None:
    """A new folder with its files, whole or not at all, and the private key beside it.

    `fill` is given the empty table and writes the first entry; what it returns is the checkpoint over it.
    """
    with disk.making(path, 0o700, {key_file: keys.written(key)}) as made:
        folder = Folder(made)
        with on_disk():
            rows = Rows.create(folder.table)
            try:
                note = fill(rows)
            finally:
                rows.connection.close()
        (made / "public-key").write_text(f"{key.public.text}\n", encoding="utf-8")
        folder.write_checkpoint(note).replace(made / "checkpoint")
