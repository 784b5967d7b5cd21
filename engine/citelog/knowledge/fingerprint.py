"""The one number that stands for all that a knowledge base can answer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from citelog.knowledge.files import NO_DRAFTS, Drafts, files_of, fits, read_bytes

_PATTERNS = ("*.ttl", "*.trig", "*.rls", "rules/*.rls", "source/**/*")
_NOTICE = "NOTICE"
"""What a file beside the document is called that says whose it is."""


def answer_files(folder: Path, ontology: Path, drafts: Drafts = NO_DRAFTS) -> list[Path]:
    """The files that can change an answer: all but cases, change logs, notices, and what `releases` keeps of editions.

    Reviews are among them: a conclusion says how far what it rests on has been reviewed.
    """
    found = (path for pattern in _PATTERNS for path in files_of(folder, pattern, drafts))
    return [ontology, *sorted(p for p in found if answers(p.relative_to(folder).as_posix()) and not p.is_dir())]


def answers(name: str) -> bool:
    """Whether a file can change an answer, by its path in the folder. In `source` all can, for one is the document.

    >>> answers("rules/10-results.rls"), answers("source/leaflet.md"), answers("cases/a.yaml")
    (True, True, False)
    >>> answers("source/NOTICE.md"), answers("source/.leaflet.md.swp")
    (False, False)
    """
    path = PurePosixPath(name)
    beside = path.stem == _NOTICE or any(part.startswith(".") for part in path.parts)
    return any(fits(path, pattern) for pattern in _PATTERNS) and not (path.parts[0] == "source" and beside)


def fingerprint(folder: Path, ontology: Path, drafts: Drafts = NO_DRAFTS) -> str:
    """SHA-256 over the names and bytes of every file that can change an answer, or of what stands in for it."""
    paths = answer_files(folder, ontology, drafts)
    first, *others = (hashlib.sha256(read_bytes(path, drafts)).hexdigest() for path in paths)
    names = (path.relative_to(folder).as_posix() for path in paths[1:])
    return fingerprint_of(first, dict(zip(names, others, strict=True)))


def fingerprint_of(ontology: str, files: Mapping[str, str]) -> str:
    """The same number, from the hash of the ontology and those of the files, by their paths in the folder."""
    names = sorted(filter(answers, files), key=PurePosixPath)
    lines = [f"ontology.ttl {ontology}\n", *(f"{name} {files[name]}\n" for name in names)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
