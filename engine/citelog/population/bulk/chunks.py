"""The files of an export, cut into chunks of so many bytes, and its Medications, which other resources refer to."""

from __future__ import annotations

import gzip
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from citelog.patient.bundles import Version, latest
from citelog.population.bulk.reader import Medications, medication
from citelog.population.data.files import readable

CHUNK = 64_000_000
"""Bytes of a file that are read at a time; a compressed file is read whole, since nobody can begin in its middle."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file: the lines that begin at `start` or after it, and before `end`."""

    number: int
    path: Path
    start: int
    end: int


def chunks_of(paths: list[Path]) -> Iterator[Chunk]:
    number = 0
    for path in paths:
        with readable(path):
            size = path.stat().st_size
            with path.open("rb"):
                pass  # that it may be read is better known now
        step = size + 1 if path.name.endswith(".gz") else CHUNK
        for start in range(0, max(size, 1), step):
            yield Chunk(number, path, start, start + step)
            number += 1


def lines_of(chunk: Chunk) -> Iterator[bytes]:
    with readable(chunk.path), _opened(chunk.path) as file:
        if chunk.start:
            file.seek(chunk.start - 1)
            file.readline()  # the rest of a line that begins in the chunk before
        position = file.tell()
        for line in file:
            if position >= chunk.end and not chunk.path.name.endswith(".gz"):
                return
            position += len(line)
            yield line


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader | gzip.GzipFile]:
    """A file where its first line begins: behind a byte order mark, if there is one."""
    with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
        if file.peek(len(BOM_UTF8)).startswith(BOM_UTF8):
            file.seek(len(BOM_UTF8))
        yield file


def medications_of(paths: list[Path]) -> Medications:
    """Every Medication of the export, which other resources refer to, each content once.

    Of several versions it is the newest; one of which that cannot be told is as one that is not there.
    """
    versions: dict[str, list[tuple[int, Version]]] = {}
    contents: dict[bytes, int] = {}
    for path in paths:
        for line in _lines_with(path, b'"Medication"'):
            if found := medication(line):
                id_, content, version = found
                versions.setdefault(id_, []).append((contents.setdefault(content, len(contents)), version))
    numbers = {}
    for id_, all_ in versions.items():
        newest = latest([version for _, version in all_])
        if len({number for number, _ in all_}) == 1 or newest is not None:
            numbers[id_] = all_[newest or 0][0]
    return Medications(numbers, tuple(contents))


def _lines_with(path: Path, word: bytes) -> Iterator[bytes]:
    """The lines of a file in which some bytes stand, without a look at the others."""
    with readable(path), _opened(path) as file:
        while block := file.read(16_000_000):
            block += file.readline()
            place = block.find(word)
            while place >= 0:
                end = block.find(b"\n", place) + 1 or len(block)
                yield block[block.rfind(b"\n", 0, place) + 1 : end]
                place = block.find(word, end)
