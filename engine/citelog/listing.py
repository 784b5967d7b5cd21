"""What stands in a folder, nothing passed over: one that may not be looked into is a failure, and not an empty one.

`pathlib` takes a folder without rights for an empty one when it looks for a pattern: rules would be missing, unseen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePath


def paths_in(folder: Path, pattern: str, *, hidden: bool = True) -> list[Path]:
    """The files and folders in a folder by a pattern of their paths in it, sorted; none where the folder is not there.

    `**` stands for any number of folders, as in a glob; it follows no links. What is hidden, and what is in it, is left
    out if it is not wanted. Raises OSError, with the folder's name, where a folder may not be looked into that the
    pattern leads into.
    """
    return sorted(set(_matching(folder, PurePath(pattern).parts, hidden)))


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
                yield folder / entry.name
            elif entry.is_dir():
                yield from _matching(folder / entry.name, rest, hidden)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


__all__ = ["paths_in"]
