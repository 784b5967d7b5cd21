"""A document as it comes from outside: read whole, bounded, and refused with a place where it is no plain text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from citelog.diagnostics import CitelogError
from citelog.evidence.sources import Source

LARGEST = 4_000_000
"""The bytes of the largest document that a knowledge base is made from: some thousand pages."""

LARGEST_EDITION = 20_000_000
"""The bytes of the largest that is laid beside one: whoever has to see what changed may have no choice."""

_PLAIN = "give it as plain text: save it as text in UTF-8, without markup"
_OTHER = (
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"%PDF", "a PDF"),
    (b"PK\x03\x04", "a Word file, or a zip"),
)
"""How other forms begin, and what they are called."""


@dataclass(frozen=True, slots=True)
class Document:
    """A document: its text with the hash, under the name that a knowledge base gives its file, and its bytes."""

    source: Source
    data: bytes


def read(document: Path, largest: int = LARGEST_EDITION) -> Document:
    """A document from its file; raises CitelogError where it cannot be read, is too large, or is no text."""
    return of(document, file_name(document), _bytes(document, largest))


def file_name(document: Path) -> str:
    """The document's own name, without what other systems cannot have in a name."""
    return re.sub(r"[^\w.-]+", "-", document.name).strip("-") or "document.txt"


def _bytes(document: Path, largest: int) -> bytes:
    """The bytes of the document, if they are not too many."""
    try:
        with document.open("rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise CitelogError(
            f"{document}: the document cannot be read: {error.strerror}", "give a file with its text"
        ) from error
    if len(data) > largest:
        raise CitelogError(
            f"{document}: the document has more than {largest} bytes", "give one guideline, or one part of it"
        )
    return data


def of(document: Path, name: str, data: bytes) -> Document:
    """A document from its bytes, if it is text with words in it; `document` is what messages call it."""
    looks = next((f"; it looks like {form}" for start, form in _OTHER if data.startswith(start)), "")
    try:
        source = Source.of(name, data)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CitelogError(
            f"{document}:{line}: byte {error.start} is not UTF-8, so this is no UTF-8 text{looks}", _PLAIN
        ) from error
    if odd := re.search(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]", source.text):
        where = f"{document}:{source.line(odd.start())}"
        what = f"the control character U+{ord(odd[0]):04X} is in no plain text{looks}"
        raise CitelogError(f"{where}: {what}", _PLAIN)
    if not any(character.isalpha() for character in source.text):
        what = "there is no word in the document" if source.text.strip() else "the document is empty"
        raise CitelogError(f"{document}: {what}", "give a document with at least one sentence")
    return Document(source, data)
