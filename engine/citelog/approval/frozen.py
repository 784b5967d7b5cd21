"""Editions that were released: for each a record and an archive, and whether they still are what was frozen.

A record is sealed (`receipt.sealed`): a changed byte is noticed, and its member named. It holds the hash of the archive
and of every file in it, and the hash of the record before it: whoever keeps the last one can tell whether any of the
earlier ones was exchanged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog import home
from citelog.diagnostics import CitelogError, did_you_mean
from citelog.knowledge.triples import PAV, read_triples
from citelog.receipt import archive
from citelog.receipt.manifest import RELEASES, manifest
from citelog.receipt.sealed import LARGEST, unseal
from citelog.vocab import CL

FORMAT = "citelog-release/1"
MEMBERS = (
    "format",
    "knowledge",
    "source",
    "engine",
    "by",
    "on",
    "note",
    "commit",
    "previous",
    "gates",
    "reviews",
    "changes",
    "archive",
    "folder",
    "ontology",
    "files",
)
"""What a record says, in its order."""

RECORD, ARCHIVE = ".json", ".tar"

_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


def number(version: str) -> tuple[int, ...]:
    """A version as numbers, to tell which is greater; raises CitelogError where it is none.

    >>> number("1.10.0") > number("1.9.3")
    True
    """
    parts = _VERSION.fullmatch(version)
    if parts is None:
        raise CitelogError(f"{version}: that is no version\n   = write three numbers, as in 1.0.0")
    return tuple(map(int, parts.groups()))


@dataclass(frozen=True, slots=True)
class Frozen:
    """A released edition: its version, what its record says (as far as it can be read), the SHA-256 of the record, and
    everything that is not as it was frozen.
    """

    version: str
    record: Mapping[str, Any]
    sha256: str
    damage: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The edition as data, its files left out."""
        told = {name: self.record.get(name) for name in ("knowledge", "by", "on", "note", "commit", "reviews")}
        return {"version": self.version, "record": self.sha256, **told, "damage": list(self.damage)}


def place(folder: Path) -> Path:
    """Where the releases of a knowledge base are kept."""
    return folder / RELEASES


def frozen(kept: Path) -> tuple[Frozen, ...]:
    """The releases in a folder, the first at the beginning; an archive without its record is told as damage.

    Raises CitelogError where one cannot be read at all.
    """
    paths = [path for path in (kept.iterdir() if kept.is_dir() else ()) if path.suffix in (RECORD, ARCHIVE)]
    versions = {path.stem for path in paths if _VERSION.fullmatch(path.stem)}
    found: list[Frozen] = []
    for version in sorted(versions, key=number):
        found.append(_frozen(kept, version, {one.version: one for one in found}))
    return tuple(found)


def one(kept: Path, version: str) -> Frozen:
    """The release of a version. Raises CitelogError where there is none."""
    number(version)
    known = {found.version: found for found in frozen(kept)}
    if version not in known:
        hint = did_you_mean(version, known) or (f"there are {', '.join(known)}" if known else "nothing is released yet")
        raise CitelogError(f"{version}: it is not among the releases in {kept}\n   = {hint}")
    return known[version]


def _frozen(kept: Path, version: str, earlier: Mapping[str, Frozen]) -> Frozen:
    path = kept / f"{version}{RECORD}"
    if not path.is_file():
        return Frozen(version, {}, "", (f"{path.name}: it is not there",))
    data = _bytes(path)
    opened = unseal(data, MEMBERS)
    damage = [f"{path.name}, {one}" for one in opened.damage]
    damage += _contradictions(version, opened.members, kept / f"{version}{ARCHIVE}")
    if isinstance(previous := opened.members.get("previous"), dict):
        before = earlier.get(str(previous.get("version")))
        if before is None:
            damage.append(f"{previous.get('version')}{RECORD}: the release before it is not there")
        elif before.sha256 != previous.get("record"):
            damage.append(f"{before.version}{RECORD}: it is not the record that {version} was released after")
    elif "previous" in opened.members and earlier:
        damage.append(f"{path.name}: it calls itself the first release, and {', '.join(earlier)} came before")
    return Frozen(version, opened.members, hashlib.sha256(data).hexdigest(), tuple(damage))


def _contradictions(version: str, record: Mapping[str, Any], archived: Path) -> Iterator[str]:
    """Where the name of a record, what it says, and its archive disagree."""
    if (form := record.get("format", FORMAT)) != FORMAT:
        yield f"{version}{RECORD}: it is of the form {form}, and {FORMAT} is read here"
    if (said := record.get("knowledge")) is not None and said.get("version") != version:
        yield f"{version}{RECORD}: it is the record of {said.get('version')}"
    if not archived.is_file():
        yield f"{archived.name}: it is not there"
        return
    data = _bytes(archived)
    try:
        edition = archive.read(data, archived.name)
    except CitelogError as error:
        yield str(error).partition("\n")[0]
        return
    wanted = record.get("archive") or {}
    if wanted and hashlib.sha256(data).hexdigest() != wanted.get("sha256"):
        yield f"{archived.name}: it is another edition than the record is of"
    elif any(name in record for name in ("files", "folder")) and (
        (edition.manifest.folder, edition.manifest.ontology, dict(edition.manifest.files))
        != tuple(record.get(name) for name in ("folder", "ontology", "files"))
    ):
        yield f"{archived.name}: its files are not those that the record lists"


def called(folder: Path) -> str:
    """The version that the knowledge base in a folder calls itself by; empty where none can be read."""
    triples = read_triples(folder, home.ontology(), [])
    said = [triples.text(base, PAV + "version") for base in triples.instances(CL + "KnowledgeBase")]
    return said[0] if len(said) == 1 and _VERSION.fullmatch(said[0]) else ""


def strayed(folder: Path, found: Frozen) -> tuple[str, ...]:
    """The files in which a folder is not what was frozen, though it calls itself by that version.

    One version is one edition. A folder with a greater version is a later one on its way, and strays from nothing; one
    with none that can be read is no excuse.
    """
    version = called(folder)
    if "files" not in found.record or (version and number(version) > number(found.version)):
        return ()
    now, then = manifest(folder, home.ontology()).files, found.record["files"]
    apart = {name for name in {*now, *then} if now.get(name) != then.get(name)}
    how = {name: "changed" if name in now and name in then else "new" if name in now else "gone" for name in apart}
    told = f"in the folder, which calls itself {version or 'by no version that can be read'}"
    return tuple(f"{name}: {how[name]} {told}" for name in sorted(apart))


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        raise CitelogError(f"{path}: it cannot be read: {error.strerror}\n   = may you read it?") from error
