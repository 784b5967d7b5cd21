"""An edition of a knowledge base as one file: a tar of plain files in a fixed order, with a manifest that is sealed.

The same edition gives the same bytes on every machine: no time, no owner, no order of a disk is in it, and it is not
compressed, because compressors differ. It may be compressed by whoever keeps it (`xz`, `gzip`), and is read so too.

What is read is distrusted: the headers are walked here and only plain files are taken, a name leads nowhere but into
the edition's own folder, every size is bounded before anything is kept, and what was read must be, written again, what
was read. Only then are the hashes compared, and only then is anything written to a disk.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from citelog.diagnostics import CitelogError
from citelog.knowledge.base import Knowledge
from citelog.receipt.manifest import LARGEST, Manifest, is_name, names
from citelog.receipt.manifest import read as read_from
from citelog.receipt.sealed import Damage, seal, unseal

FORMAT = "citelog-edition/1"
MANIFEST, ONTOLOGY = "manifest.json", "ontology.ttl"
MEMBERS = ("format", "knowledge", "folder", "ontology", "files")

MEMORY = 128_000_000
"""Bytes that unpacking may take: what `xz -9` asks for, twice."""

MOST = 20_000
"""Files of an edition."""

_BLOCK = 512
_GZIP, _XZ = b"\x1f\x8b", b"\xfd7zXZ\x00"
_SIZE = re.compile(rb"([0-7]{11})\0")


class ArchiveError(CitelogError):
    """A file that is no archive of an edition, or not the one that was written."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}", "give a file that `citelog export --to archive` wrote, as it wrote it")


@dataclass(frozen=True)
class Archive:
    """An edition that was read from an archive and verified: its bytes by path, the ontology's among them."""

    manifest: Manifest
    knowledge: Mapping[str, str]
    ontology: bytes
    files: Mapping[str, bytes]


def archive(folder: Path, ontology: Path, knowledge: Knowledge) -> bytes:
    """The archive of the edition that stands in a folder.

    Raises CitelogError where these are no longer the files that the knowledge was opened from, and where the name of
    one is too long to be written.
    """
    files = {name: read_from(folder / name) for name in names(folder)}
    found = _manifest(folder.resolve().name, read_from(ontology), files)
    if found.fingerprint != knowledge.sha256:
        raise CitelogError(f"{knowledge.id}: its files were changed just now", "export it again")
    return _written(found, knowledge.identity, read_from(ontology), files)


def read(data: bytes, name: str) -> Archive:
    """An edition from the bytes of its archive, compressed or not; `name` is what messages call it.

    Raises ArchiveError where it is none, or not as it was written.
    """
    plain = _plain(data, name)
    members = dict(_members(plain, name))
    if not {MANIFEST, ONTOLOGY} <= members.keys():
        raise ArchiveError(name, f"it has no {MANIFEST} or no {ONTOLOGY}")
    told = unseal(members[MANIFEST], MEMBERS)
    if told.damage:
        raise ArchiveError(name, f"{MANIFEST}: {'; '.join(map(str, told.damage))}")
    if told.members["format"] != FORMAT:
        raise ArchiveError(name, f"it is of the form {told.members['format']}, and {FORMAT} is read here")
    folder = told.members["folder"]
    inside = {path.removeprefix(f"{folder}/"): got for path, got in members.items() if path.startswith(f"{folder}/")}
    found = _manifest(folder, members[ONTOLOGY], inside)
    if differences := "; ".join(map(str, _differences(found, told.members))):
        raise ArchiveError(name, f"it is not what was written: {differences}")
    if _written(found, told.members["knowledge"], members[ONTOLOGY], inside) != plain:
        raise ArchiveError(name, "it is not what was written: its members stand otherwise")
    return Archive(found, told.members["knowledge"], members[ONTOLOGY], inside)


def read_file(path: Path) -> Archive:
    """An edition from its archive; raises CitelogError where that cannot be read."""
    try:
        with path.open("rb") as file:
            return read(file.read(LARGEST + 1), str(path))
    except OSError as error:
        raise CitelogError(f"{path}: it cannot be read: {error.strerror}", "check the path") from error


@contextmanager
def unpacked(found: Archive) -> Iterator[tuple[Path, Path]]:
    """The folder of an edition and its ontology, for as long as they are wanted."""
    with tempfile.TemporaryDirectory(prefix="citelog-") as kept:
        ontology, folder = Path(kept) / ONTOLOGY, Path(kept) / found.manifest.folder
        ontology.write_bytes(found.ontology)
        for name, data in found.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        yield folder, ontology


def _manifest(folder: str, ontology: bytes, files: Mapping[str, bytes]) -> Manifest:
    return Manifest(folder, _sha256(ontology), {name: _sha256(data) for name, data in files.items()})


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# written


def _written(found: Manifest, knowledge: Mapping[str, str], ontology: bytes, files: Mapping[str, bytes]) -> bytes:
    sealed = seal(
        {
            "format": FORMAT,
            "knowledge": dict(knowledge),
            "folder": found.folder,
            "ontology": found.ontology,
            "files": dict(found.files),
        }
    )
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w", format=tarfile.USTAR_FORMAT, encoding="utf-8", errors="strict") as tar:
        inside = {f"{found.folder}/{name}": files[name] for name in sorted(files)}
        for name, data in {MANIFEST: sealed, ONTOLOGY: ontology, **inside}.items():
            about = tarfile.TarInfo(name)
            about.size, about.mode = len(data), 0o644
            try:
                tar.addfile(about, io.BytesIO(data))
            except ValueError as error:
                raise CitelogError(f"{name}: this name is too long for an archive", "shorten it") from error
    return whole.getvalue()


# read


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def _plain(data: bytes, name: str) -> bytes:
    """The bytes of the tar; no more of them are ever unpacked than are read."""
    unpacker: _Decompressor
    if data.startswith(_GZIP):
        unpacker = zlib.decompressobj(wbits=31)
    elif data.startswith(_XZ):
        unpacker = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)
    elif len(data) > LARGEST:
        raise ArchiveError(name, f"it is larger than {LARGEST // 1_000_000} MB")
    else:
        return data
    try:
        plain = unpacker.decompress(data, LARGEST + 1)
    except (zlib.error, lzma.LZMAError, MemoryError) as error:
        raise ArchiveError(name, f"it cannot be unpacked: {error}") from error
    if len(plain) > LARGEST:
        raise ArchiveError(name, f"unpacked it is larger than {LARGEST // 1_000_000} MB")
    if not unpacker.eof or unpacker.unused_data:
        raise ArchiveError(name, "it is cut short, or something stands behind it")
    return plain


def _members(plain: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    """The plain files of a tar; anything else in it is refused."""
    seen: set[str] = set()
    at = 0
    while at + _BLOCK <= len(plain) and any(header := plain[at : at + _BLOCK]):
        member = "/".join(filter(None, (_text(header[345:500]), _text(header[:100]))))
        sized = _SIZE.fullmatch(header[124:136])
        if sized is None or header[156:157] != b"0" or header[257:265] != b"ustar\x0000":
            raise ArchiveError(name, f"at byte {at} begins no plain file")
        size = int(sized[1], 8)
        if not _is_safe(member):
            raise ArchiveError(name, f"{member[:60]!r} leads out of the edition, or is no name of a file in it")
        above = {member[:i] for i, character in enumerate(member) if character == "/"}
        if member in seen or above & seen:
            raise ArchiveError(name, f"{member[:60]!r} stands in it twice")
        if size > len(plain) - at or len(seen) >= MOST:
            raise ArchiveError(name, f"{member[:60]!r} is larger than it, or one of too many")
        seen.add(member)
        at += _BLOCK
        yield member, plain[at : at + size]
        at += -(-size // _BLOCK) * _BLOCK


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("utf-8", "replace")


def _is_safe(member: str) -> bool:
    """Whether a name is one of an edition's own files: the manifest, the ontology, or one in its one folder.

    >>> [_is_safe(name) for name in ("ontology.ttl", "kb/a.ttl", "kb/../a", "/kb/a", "kb/.git/config", "a.ttl")]
    [True, True, False, False, False, False]
    """
    parts = member.split("/")
    plain = all(is_name(part) and not part.startswith(".") for part in parts)
    return plain and (len(parts) > 1 or member in (MANIFEST, ONTOLOGY))


def _differences(found: Manifest, told: Mapping[str, object]) -> Iterator[Damage]:
    """What the manifest says and the files do not bear out."""
    if not (isinstance(found.folder, str) and is_name(found.folder)):
        yield Damage("folder", "this is no name of one")
    if found.ontology != told["ontology"]:
        yield Damage(ONTOLOGY, "its hash is another")
    files = told["files"]
    if not isinstance(files, dict):
        yield Damage("files", "this is no list of files")
    else:
        for name in sorted({*files, *found.files}, key=str):
            if name not in found.files or name not in files:
                yield Damage(str(name), "it is not there" if name in files else "the manifest does not have it")
            elif found.files[name] != files[name]:
                yield Damage(name, "its hash is another")
    knowledge = told["knowledge"]
    shape = isinstance(knowledge, dict) and {key for key, v in knowledge.items() if isinstance(v, str)}
    if not isinstance(knowledge, dict) or shape != {"id", "version", "sha256"} or len(knowledge) != 3:
        yield Damage("knowledge", "it is not named")
    elif knowledge["sha256"] != found.fingerprint:
        yield Damage("knowledge", "its files make another hash")
