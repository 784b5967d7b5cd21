"""What was made of files once is kept, for the next start: in the user's cache folder, behind its hash.

A file there is the user's own; one that others could have written is not read. A folder that cannot be written costs
time at the next start, nothing else.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import hashlib
import os
import pickle
import stat
import sys
from pathlib import Path
from typing import Any, TypeVar

from citelog import disk
from citelog.diagnostics import CitelogError

T = TypeVar("T")


def key(*parts: str) -> str:
    """One name for a content: of everything that it is made of, this engine's code and this Python among it."""
    whole = " ".join((*parts, engine(), sys.version))
    return hashlib.sha256(whole.encode(errors="surrogateescape")).hexdigest()  # a folder can have any name


def read(name: str, class_: type[T]) -> T | None:
    """What is kept under a name; None where there is nothing whole, or where another user could have put it there."""
    folder = _folder()
    if folder is None:
        return None
    try:
        with open(os.open(folder / f"{name}.pickle", os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
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
    return found if isinstance(found, class_) else None


def write(name: str, value: object) -> None:
    """Keep a value, if that can be done; whole or not at all."""
    import io

    folder = _folder()
    if folder is None:
        return
    kept = io.BytesIO()
    _Pickler(kept, pickle.HIGHEST_PROTOCOL).dump(_shared(value, {}))
    data = hashlib.sha256(kept.getvalue()).digest() + kept.getvalue()
    with contextlib.suppress(CitelogError):
        disk.folder(folder, 0o700)
    disk.spare(folder / f"{name}.pickle", data)


def _folder() -> Path | None:
    """The user's cache folder; None where there is no knowing it, or not the same one each time."""
    try:
        said = Path(os.environ.get("XDG_CACHE_HOME", ""))
        cache = said if said.is_absolute() else Path.home() / ".cache"
    except RuntimeError:  # a user without a home
        return None
    return cache / "citelog" if cache.is_absolute() else None


@functools.cache
def engine() -> str:
    """A hash of the engine's code, the same wherever it is installed: another version of it compiles anew."""
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for path in sorted([*package.rglob("*.py"), *package.rglob("*.lark")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


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
