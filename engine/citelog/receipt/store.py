"""A file written whole or not at all, and never in the place of another: what is sealed is kept."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

from citelog.diagnostics import CitelogError


def folder(path: Path) -> None:
    """Make a folder, if there is none; raises CitelogError where that cannot be done."""
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        remedy = "name a folder in one that you may write to"
        raise CitelogError(f"{path}: the folder cannot be made: {error.strerror}\n   = {remedy}") from error


def check(path: Path, data: bytes) -> None:
    """Raise CitelogError where a file could not be written there: another is, or there is no such folder."""
    if not path.parent.is_dir():
        raise CitelogError(f"{path}: there is no folder {path.parent}\n   = make it, or name another")
    if os.path.lexists(path) and (not path.is_file() or path.read_bytes() != data):
        raise _taken(path)


def keep(path: Path, data: bytes) -> None:
    """Write a file; on return it is on the disk, and after a crash it is there whole or not there.

    A file that is there already and has these bytes is left as it is. Raises CitelogError where there is another, or
    where it cannot be written.
    """
    check(path, data)
    if path.exists():
        return
    made = ""
    try:
        handle, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            os.fsync(file.fileno())
        _named(made, path)
        made = ""
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError:
        check(path, data)  # somebody was faster: with the same, or with another
    except OSError as error:
        remedy = "make room for it, or name another place"
        raise CitelogError(f"{path}: it cannot be written: {error.strerror}\n   = {remedy}") from error
    finally:
        if made:
            os.unlink(made)


def _named(made: str, path: Path) -> None:
    """Give a file its name, which no other may have; raises FileExistsError where one has it."""
    try:
        os.link(made, path)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        if path.exists():  # a disk without links: only here could somebody come between
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        os.rename(made, path)
        return
    os.unlink(made)


def _umask() -> int:
    current = os.umask(0o077)
    os.umask(current)
    return current


def _taken(path: Path) -> CitelogError:
    what = "is a folder" if path.is_dir() else "is another file, and is not overwritten"
    return CitelogError(f"{path}: there {what}\n   = name another, or put this one away first")
