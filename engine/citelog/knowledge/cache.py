"""Knowledge compiled once for each content: the next start reads one small file instead of all of them.

The key is a hash of every file that can change an answer and of the engine's own code, taken anew at
each start, so a changed byte anywhere means loading and verifying again. The file is the user's own, in
the user's cache folder; one that others could have written is not read.
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
    key = hashlib.sha256(f"{fingerprint(folder, home.ontology())} {_engine()} {sys.version}".encode()).hexdigest()
    kept = _folder() / f"{key}.pickle"
    knowledge = _read(kept)
    if knowledge is None:
        from citelog.knowledge.load import load

        opened = load(folder, home.ontology())
        if opened.knowledge is None:
            raise KnowledgeError(d for d in opened.diagnostics if d.severity == "error")
        knowledge = opened.knowledge
        _write(kept, knowledge)
    return knowledge


def _folder() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "citelog"


def _engine() -> str:
    """A hash of the engine's code: another version of it compiles anew."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted([*package.rglob("*.py"), *package.rglob("*.lark")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _read(path: Path) -> Knowledge | None:
    """What is kept; None where there is nothing, or where another user could have put it there."""
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.getuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                return None
            found = pickle.load(file)
    except (OSError, EOFError, pickle.UnpicklingError, AttributeError, ImportError, TypeError, ValueError, IndexError):
        return None  # absent, cut short or of another make: it is made again
    return found if isinstance(found, Knowledge) else None


def _write(path: Path, knowledge: Knowledge) -> None:
    """Keep it if that can be done; whole or not at all."""
    import tempfile  # only where something is written

    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(_shared(knowledge, {}))
        os.replace(name, path)
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
