"""Knowledge compiled once for each content: the next start reads one small file instead of all of them.

The key is a hash of every file that can change an answer, of the folder's name, with which each place begins, and of
the engine's own code, taken anew at each start, so a changed byte anywhere means loading and verifying again. The file
is the user's own, in the user's cache folder; one that others could have written is not read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import pickle
import stat
import sys
from pathlib import Path
from typing import Any

from citelog import home
from citelog.diagnostics import KnowledgeError
from citelog.knowledge.base import Knowledge
from citelog.knowledge.fingerprint import fingerprint


def open_knowledge(name_or_folder: str | Path | None = None) -> Knowledge:
    """A knowledge base by the name of a shipped one or by its folder, verified; raises KnowledgeError."""
    folder = home.knowledge(name_or_folder)
    content = f"{fingerprint(folder, home.ontology())} {_engine()} {sys.version} {folder.name}"
    key = hashlib.sha256(content.encode()).hexdigest()
    cache = _folder()
    kept = cache / f"{key}.pickle" if cache else None
    knowledge = _read(kept) if kept else None
    if knowledge is None:
        from citelog.knowledge.load import load

        opened = load(folder, home.ontology())
        if opened.knowledge is None:
            raise KnowledgeError(d for d in opened.diagnostics if d.severity == "error")
        knowledge = opened.knowledge
        if kept:
            _write(kept, knowledge)
    return knowledge


def _folder() -> Path | None:
    """The user's cache folder; None where there is no knowing it."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "citelog"
    except RuntimeError:  # a user without a home
        return None


def _engine() -> str:
    """A hash of the engine's code: another version of it compiles anew."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted([*package.rglob("*.py"), *package.rglob("*.lark")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> Knowledge | None:
    """What is kept; None where there is nothing whole, or where another user could have put it there."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            others = status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if others or not stat.S_ISREG(status.st_mode):
                return None
            hash_, kept = file.read(hashlib.sha256().digest_size), file.read()
    except OSError:
        return None  # there is none yet
    if hashlib.sha256(kept).digest() != hash_:
        return None  # cut short or damaged: it is made again
    found = pickle.loads(kept)
    return found if isinstance(found, Knowledge) else None


def _write(path: Path, knowledge: Knowledge) -> None:
    """Keep it, behind its hash, if that can be done; whole or not at all."""
    import io
    import tempfile  # only where something is written

    kept = io.BytesIO()
    _Pickler(kept, pickle.HIGHEST_PROTOCOL).dump(_shared(knowledge, {}))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(kept.getvalue()).digest() + kept.getvalue())
            os.replace(name, path)
        except OSError:
            os.unlink(name)
    except OSError:
        return  # a cache folder that cannot be written costs time at the next start, nothing else


class _Pickler(pickle.Pickler):
    """Writes a dataclass as a call of its class: read back in half the time of its state set field by field."""

    def reducer_override(self, value: Any) -> Any:
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return type(value), tuple(getattr(value, field.name) for field in dataclasses.fields(value))
        return NotImplemented


def _shared(value: Any, met: dict[tuple[type, str], Any]) -> Any:
    """The same value with equal parts made one object (`Variable("p")` stands in hundreds of rules): written once."""
    made: Any
    if isinstance(value, tuple):
        made = tuple(_shared(v, met) for v in value)
    elif isinstance(value, dict):
        return {_shared(k, met): _shared(v, met) for k, v in value.items()}
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        made = type(value)(*(_shared(getattr(value, f.name), met) for f in dataclasses.fields(value)))
    else:
        made = value
    return met.setdefault((type(made), repr(made)), made)
