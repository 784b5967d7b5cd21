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
from citelog.receipt.agreeing import MAPPING, misfit
from citelog.receipt.archive import Archive
from citelog.receipt.manifest import RELEASES, manifest
from citelog.receipt.sealed import LARGEST, unseal
from citelog.vocab import CL

FORMAT = "citelog-release/1"
_STATES = {MAPPING: int}
SHAPE: Mapping[str, Any] = {
    "format": str,
    "knowledge": {"id": str, "version": str, "sha256": str, "title": str},
    "source": {"file": str, "sha256": str},
    "engine": {"citelog": str, "reasoner": str},
    "by": str | None,
    "on": str | None,
    "note": str | None,
    "commit": str | None,
    "previous": dict | None,
    "gates": [{"gate": str, "said": str, "figures": dict}],
    "reviews": {"statement": _STATES, "rule": _STATES, "outdated": int},
    "changes": dict | None,
    "archive": {"sha256": str, "bytes": int},
    "folder": str,
    "ontology": str,
    "files": {MAPPING: str},
}
"""What a record says, in its order, and what each member is made of: whoever can seal can seal nonsense too."""

MEMBERS = tuple(SHAPE)

RECORD, ARCHIVE = ".json", ".tar"

_VERSION = re.compile(r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")


def number(version: str) -> tuple[int, ...]:
    """A version as numbers, to tell which is greater; raises CitelogError where it is none.

    >>> number("1.10.0") > number("1.9.3")
    True
    """
    parts = _VERSION.fullmatch(version)
    if parts is None:
        raise CitelogError(f"{version}: that is no version", "write three numbers, as in 1.0.0")
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

    @property
    def has_record(self) -> bool:
        """Whether there is a record: it is written last, so an archive alone may be of a release that was stopped."""
        return bool(self.sha256)

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
        raise CitelogError(f"{version}: it is not among the releases in {kept}", hint)
    return known[version]


def _frozen(kept: Path, version: str, earlier: dict[str, Frozen]) -> Frozen:
    path = kept / f"{version}{RECORD}"
    if not path.is_file():
        return Frozen(version, {}, "", (f"{path.name}: it is not there",))
    data = _bytes(path)
    opened = unseal(data, MEMBERS)
    misfits = {name: place for name, told in opened.members.items() if (place := misfit(told, SHAPE[name], name))}
    record = {name: told for name, told in opened.members.items() if name not in misfits}
    damage = [f"{path.name}, {one}" for one in opened.damage]
    damage += [f"{path.name}, {name}: {misfits[name]} is not what stands there in a record" for name in misfits]
    damage += _contradictions(version, record, kept / f"{version}{ARCHIVE}")
    if "previous" in record:
        damage += _unchained(path.name, record["previous"], earlier)
    return Frozen(version, record, hashlib.sha256(data).hexdigest(), tuple(damage))


def _unchained(name: str, previous: Mapping[str, Any] | None, earlier: dict[str, Frozen]) -> Iterator[str]:
    """Where the release that a record follows is not the one before it, as it stands there."""
    if previous is None:
        if earlier:
            yield f"{name}: it calls itself the first release, and {', '.join(earlier)} came before"
        return
    version, last = str(previous.get("version")), next(reversed(earlier), None)
    if version not in earlier:
        yield f"{version}{RECORD}: the release before it is not there"
    elif earlier[version].sha256 != previous.get("record"):
        yield f"{version}{RECORD}: it is not the record that {name.removesuffix(RECORD)} was released after"
    elif version != last:
        yield f"{name}: it was released after {version}, and not after {last}, which stands between"


def _contradictions(version: str, record: Mapping[str, Any], archived: Path) -> Iterator[str]:
    """Where the name of a record, what it says, and its archive disagree."""
    if (form := record.get("format", FORMAT)) != FORMAT:
        yield f"{version}{RECORD}: it is of the form {form}, and {FORMAT} is read here"
    said = record.get("knowledge")
    if said is not None and said["version"] != version:
        yield f"{version}{RECORD}: it is the record of {said['version']}"
    if not archived.is_file():
        yield f"{archived.name}: it is not there"
        return
    data = _bytes(archived)
    try:
        edition = archive.read(data, archived.name)
    except CitelogError as error:
        yield error.message
        return
    found = told_of(edition, data)
    apart = any(record[name] != found[name] for name in found if name in record)
    if apart or (said is not None and not edition.knowledge.items() <= said.items()):
        yield f"{archived.name}: it is another edition than the record is of"


def told_of(edition: Archive, data: bytes) -> dict[str, Any]:
    """What a record says of an archive and of the files in it; `data` are the bytes that it was read from."""
    return {
        "archive": {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)},
        "folder": edition.manifest.folder,
        "ontology": edition.manifest.ontology,
        "files": dict(edition.manifest.files),
    }


def called(folder: Path) -> str:
    """The version that the knowledge base in a folder calls itself by; empty where none can be read."""
    triples = read_triples(folder, home.ontology(), [])
    said = [triples.text(base, PAV + "version") for base in triples.instances(CL + "KnowledgeBase")]
    return said[0] if len(said) == 1 and _VERSION.fullmatch(said[0]) else ""


def strayed(folder: Path, found: Frozen) -> tuple[str, ...]:
    """The files in which a folder, and the ontology with it, are not what was frozen, though it goes by that version.

    One version is one edition. A folder with a greater version is a later one on its way, and strays from nothing; one
    with none that can be read is no excuse.
    """
    version = called(folder)
    if not {"files", "ontology"} <= found.record.keys() or (version and number(version) > number(found.version)):
        return ()
    now, then = manifest(folder, home.ontology()), found.record["files"]
    apart = {name for name in {*now.files, *then} if now.files.get(name) != then.get(name)}
    whose = f"the folder, which calls itself {version or 'by no version that can be read'}"
    told = [f"the ontology: another one is read with {whose}"] if now.ontology != found.record["ontology"] else []
    for name in sorted(apart):
        how = "changed" if name in now.files and name in then else "new" if name in now.files else "gone"
        told.append(f"{name}: {how} in {whose}")
    return tuple(told)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(LARGEST)
    except OSError as error:
        raise CitelogError(f"{path}: it cannot be read: {error.strerror}", "may you read it?") from error
