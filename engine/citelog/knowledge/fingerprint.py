"""The one number that stands for all that a knowledge base can answer."""

from __future__ import annotations

import hashlib
from pathlib import Path


def answer_files(folder: Path, ontology: Path) -> list[Path]:
    """The files that can change an answer: all but cases, change logs and notices."""
    chosen = [*folder.glob("*.ttl"), *folder.glob("*.trig"), *folder.glob("rules/*.rls"), *folder.glob("source/*.txt")]
    return [ontology, *sorted(chosen)]


def fingerprint(folder: Path, ontology: Path) -> str:
    """SHA-256 over the names and bytes of every file that can change an answer."""
    digest = hashlib.sha256()
    for path in answer_files(folder, ontology):
        name = path.name if path == ontology else path.relative_to(folder).as_posix()
        digest.update(f"{name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
