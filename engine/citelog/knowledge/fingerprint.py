"""The one number that stands for all that a knowledge base can answer."""

from __future__ import annotations

import hashlib
from pathlib import Path

from citelog.knowledge.triples import NO_DRAFTS, Drafts, files_of, read_bytes

_PATTERNS = ("*.ttl", "*.trig", "*.rls", "rules/*.rls", "source/*.txt")


def answer_files(folder: Path, ontology: Path, drafts: Drafts = NO_DRAFTS) -> list[Path]:
    """The files that can change an answer: all but cases, change logs and notices."""
    return [ontology, *sorted(path for pattern in _PATTERNS for path in files_of(folder, pattern, drafts))]


def fingerprint(folder: Path, ontology: Path, drafts: Drafts = NO_DRAFTS) -> str:
    """SHA-256 over the names and bytes of every file that can change an answer, or of what stands in for it."""
    digest = hashlib.sha256()
    for path in answer_files(folder, ontology, drafts):
        name = path.name if path == ontology else path.relative_to(folder).as_posix()
        digest.update(f"{name} {hashlib.sha256(read_bytes(path, drafts)).hexdigest()}\n".encode())
    return digest.hexdigest()
