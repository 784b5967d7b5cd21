"""What stands in a folder, nothing passed over: one that may not be looked into is a failure, and not an empty one.

`pathlib` takes a folder without rights for an empty one when it looks for a pattern: rules would be missing, unseen.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePath


def paths_in(folder: Path, pattern: str, *, hidden: bool = True) -> list[Path]:
    """The files and folders in a folder by a pattern of their paths in it, sorted; none where the folder is not there.

    `**` stands for any number of folders, as in a glob; it follows no links. What is hidden, and what is in it, is left
    out if it is not wanted. Raises OSError, with the name, where a folder may not be looked into that the pattern leads
    into, and where what is found is no file, as a pipe, or has a name that no text can tell.
    """
    return sorted(set(_matching(folder, PurePath(pattern).parts, hidden)))


def no_file(path: Path | os.DirEntry[str]) -> bool:
    """Whether a path is that of a pipe or a device, which may never come to an end."""
    return not path.is_file() and not path.is_dir() and os.path.exists(path)


def refusal(path: Path) -> OSError:
    """What is said of one."""
    return OSError(errno.EINVAL, "this is a pipe or a device, and no file", _told(path))


def _matching(folder: Path, parts: tuple[str, ...], hidden: bool) -> Iterator[Path]:
    first, rest = parts[0], parts[1:]
    entries = [entry for entry in _entries(folder) if hidden or not entry.name.startswith(".")]
    if first == "**":
        yield from _matching(folder, rest, hidden)
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _matching(folder / entry.name, parts, hidden)
        return
    for entry in entries:
        if fnmatchcase(entry.name, first):
            if not rest:
                yield _sound(folder / entry.name, entry)
            elif entry.is_dir():
                yield from _matching(folder / entry.name, rest, hidden)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _sound(path: Path, entry: os.DirEntry[str]) -> Path:
    if _told(path) != str(path):
        raise OSError(errno.EILSEQ, "this name is not UTF-8", _told(path))
    if no_file(entry):
        raise refusal(path)
    return path


def _told(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


__all__ = ["no_file", "paths_in", "refusal"]
