"""Which files a knowledge base has, each with its hash, grouped by what they are.

A group's hash is that of the lines that `sha256sum` prints for its files in the order of their names, so that an
auditor can have it without us. Of the cases, hundreds of files that no answer rests on, a receipt keeps only that hash.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from citelog.diagnostics import CitelogError
from citelog.knowledge.fingerprint import fingerprint_of
from citelog.listing import NoFileError, leads_out, paths_in, read_whole

ONTOLOGY = "ontology"
RELEASES = "releases"
"""The folder in a knowledge base that keeps its releases, a record and an archive of each; no edition holds others."""

GROUPS: Mapping[str, str] = {
    ONTOLOGY: r"(?!)",
    "source": r"source/.*",
    "statements": r"[^/]*\.trig",
    "rules": r"rules/.*",
    "terms": r"(terms|predicates)[^/]*\.ttl",
    "conflicts": r"conflicts[^/]*\.ttl",
    "properties": r"properties[^/]*|[^/]*\.rls",
    "description": r"[^/]*\.ttl",
    "cases": r"cases/.*",
    "other": r".*",
}
"""The groups, and the paths of their files: a file is in the first that it fits.

None is in that of the ontology, which is the engine's own and stands beside the knowledge bases.
"""

LARGEST = 200_000_000
"""Bytes of a file, and of an archive, uncompressed: a hundred times the largest archive that we have seen."""

COUNTED = ("cases",)
"""Groups of which a receipt says how many files there are, and not which."""


@dataclass(frozen=True)
class Manifest:
    """The hash of the ontology, and of every file of a knowledge base by its path in the folder.

    `folder` is the name of that folder: places in files begin with it. What all receipts of one edition say of its
    hundreds of files is worked out once.
    """

    folder: str
    ontology: str
    files: Mapping[str, str]

    @cached_property
    def fingerprint(self) -> str:
        """The number that stands for all that can change an answer: `knowledge.sha256` of every document."""
        return fingerprint_of(self.ontology, self.files)

    def groups(self) -> Mapping[str, Mapping[str, str]]:
        """The hash of each file, by its group and its path."""
        found: dict[str, dict[str, str]] = {group: {} for group in GROUPS}
        found[ONTOLOGY]["ontology.ttl"] = self.ontology
        for name in sorted(self.files):
            found[group_of(name)][name] = self.files[name]
        return {group: files for group, files in found.items() if files}

    @cached_property
    def document(self) -> Mapping[str, Any]:
        """What a receipt says of the files: of each group its hash, how many there are and, but for cases, which."""
        groups = {
            group: {"sha256": group_hash(files), "count": len(files)}
            | ({} if group in COUNTED else {"files": dict(files)})
            for group, files in self.groups().items()
        }
        return {"folder": self.folder, "groups": groups}


def group_of(name: str) -> str:
    """The group of a file of a knowledge base, by its path in the folder.

    >>> group_of("rules/10-results.rls"), group_of("CHANGELOG.md"), group_of("segments.ttl")
    ('rules', 'other', 'description')
    """
    return next(group for group, pattern in GROUPS.items() if re.fullmatch(pattern, name, re.S))


def is_name(text: str) -> bool:
    """Whether a text is the name of one file or folder, short enough for any disk, and leads nowhere else.

    >>> is_name("short-nights"), is_name(".."), is_name("a/b"), is_name(""), is_name("x" * 256)
    (True, False, False, False, False)
    """
    plain = re.fullmatch(r"[^/\\\x00-\x1f\x7f]+", text) is not None
    return plain and text not in (".", "..") and len(text.encode("utf-8", "replace")) <= 255


def group_hash(files: Mapping[str, str]) -> str:
    """The hash of the lines that `sha256sum` prints for some files, in the order of their paths."""
    return hashlib.sha256("".join(f"{files[name]}  {name}\n" for name in sorted(files)).encode()).hexdigest()


def manifest(folder: Path, ontology: Path) -> Manifest:
    """The manifest of a knowledge base's folder as it is now; raises CitelogError where a file cannot be read."""
    return Manifest(folder.resolve().name, _sha256(ontology), {name: _sha256(folder / name) for name in names(folder)})


def names(folder: Path) -> Iterator[str]:
    """The paths of all files of a knowledge base in its folder; not hidden ones, and not its releases.

    Raises CitelogError where a folder may not be looked into, and where a link stands for what is not in the folder.
    """
    try:
        paths = paths_in(folder, "**/*", hidden=False)
        found = [path.relative_to(folder) for path in paths if path.is_file()]
    except OSError as error:
        remedy = error.remedy if isinstance(error, NoFileError) else "let it be read: it is part of this"
        raise CitelogError(f"{error.filename}: {error.strerror}", remedy) from None
    for path in paths:
        if path.is_symlink() and (leads_out(path, folder) or (path.parent == folder and path.is_dir())):
            what = "a link to a folder" if path.is_dir() else "a link that leads out of the knowledge base"
            raise CitelogError(f"{path}: this is {what}", "put what it leads to in its place")
    return (path.as_posix() for path in found if path.parts[0] != RELEASES)


def read(path: Path) -> bytes:
    """A file of a knowledge base; raises CitelogError where it cannot be read."""
    try:
        return read_whole(path, LARGEST)
    except OSError as error:
        remedy = error.remedy if isinstance(error, NoFileError) else "is it there, and readable?"
        raise CitelogError(f"{path}: it cannot be read: {error.strerror}", remedy) from error


def _sha256(path: Path) -> str:
    return hashlib.sha256(read(path)).hexdigest()
