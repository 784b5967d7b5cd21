"""The forms of the documents that citelog writes, as JSON Schema (2020-12). Every member is described there.

The files beside this one refer to each other by their `$id`; `schema` gives one that stands by itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from citelog.diagnostics import CitelogError, did_you_mean

FOLDER = Path(__file__).resolve().parent
ENDING = ".schema.json"
COMMON = "common"
"""The parts that the others share; no document has this form."""


def names() -> tuple[str, ...]:
    """The documents that have a schema.

    >>> "proof" in names()
    True
    """
    return tuple(name for name in sorted(_files()) if name != COMMON)


def schema(name: str) -> dict[str, Any]:
    """The schema of a document, with the shared parts in it under their own `$id`: nothing has to be fetched.

    Raises CitelogError where no document has the name.

    >>> schema("proof")["$id"]
    'https://w3id.org/citelog/schema/proof.schema.json'
    """
    if name not in names():
        hint = did_you_mean(name, names()) or f"the documents are {', '.join(names())}"
        raise CitelogError(f"no document is called {name}", hint)
    found, common = _read(name), _read(COMMON)
    return found | {"$defs": found["$defs"] | {COMMON: common}}


def _files() -> dict[str, Path]:
    return {path.name.removesuffix(ENDING): path for path in FOLDER.glob(f"*{ENDING}")}


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_files()[name].read_text(encoding="utf-8"))
    return found
