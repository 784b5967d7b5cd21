"""What stands in a folder, nothing passed over: one that may not be looked into is a failure, and not an empty one.

`pathlib` takes a folder without rights for an empty one when it looks for a pattern: rules would be missing, unseen.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

LARGEST = 50_000_000
"""Bytes of a file that is read whole: more than twice the largest document."""


class NoFileError(OSError):
    """What stands where a file should, and cannot be one; `remedy` is what to try."""

    def __init__(self, number: int, what: str, path: Path, remedy: str) -> None:
        super().__init__(number, what, _told(path))
        self.remedy = remedy


def paths_in(folder: Path, pattern: str, *, hidden: bool = True) -> list[Path]:
    """The files and folders in a folder by a pattern of their paths in it, sorted; none where the folder is not there.

    `**` stands for any number of folders, as in a glob; it follows no links. What is hidden, and what is in it, is left
    out if it is not wanted. Raises OSError, with the folder's name, where a folder may not be looked into that the
    pattern leads into, and NoFileError where that is no folder, and where what is found cannot be a file, or has a name
    that no text can tell.
    """
    found = sorted(set(_matching(folder, PurePath(pattern).parts, hidden)))
    for path in found:
        below = path.relative_to(folder)
        if _told(below) != str(below):
            raise NoFileError(errno.EILSEQ, "this name is not UTF-8", path, "give it another name")
    return found


def folders_in(folder: Path) -> list[Path]:
    """The folders in a folder, sorted, but those that are hidden. Raises OSError where it may not be looked into."""
    shown = (one for one in _entries(folder) if not one.name.startswith("."))
    return sorted(folder / one.name for one in shown if one.is_dir(follow_symlinks=False) or os.path.isdir(one))


def hold_to_files(path: Path, entry: os.DirEntry[str] | None = None) -> None:
    """Raise NoFileError for a pipe or a device: it may never come to an end."""
    one = entry or path
    if not one.is_file() and not one.is_dir() and path.exists():
        remedy = "take it away, or put a file in its place"
        raise NoFileError(errno.EINVAL, "this is a pipe or a device, and no file", path, remedy)


def read_whole(path: Path, largest: int = LARGEST) -> bytes:
    """A file that people write and keep. Raises OSError, and NoFileError for what is none or is beyond all measure."""
    hold_to_files(path)
    if path.stat().st_size > largest:
        what = f"larger than {largest // 1_000_000} MB, which no file here is"
        raise NoFileError(errno.EFBIG, what, path, "keep it elsewhere")
    return path.read_bytes()


def leads_out(path: Path, folder: Path) -> bool:
    """Whether a file of a folder is a link to one elsewhere, which is then no file of the folder."""
    whole, top = Path(os.path.realpath(path)), Path(os.path.realpath(folder))  # `resolve` fails where a link is a loop
    return path.is_relative_to(folder) and not whole.is_relative_to(top)


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
                hold_to_files(folder / entry.name, entry)
                yield folder / entry.name
            elif entry.is_dir():
                yield from _matching(folder / entry.name, rest, hidden)
            elif first == entry.name:
                remedy = "put a folder in its place: what it should hold would be passed over"
                raise NoFileError(errno.ENOTDIR, "this is no folder", folder / entry.name, remedy)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []


def _told(path: PurePath) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


__all__ = ["NoFileError", "folders_in", "hold_to_files", "leads_out", "paths_in", "read_whole"]
