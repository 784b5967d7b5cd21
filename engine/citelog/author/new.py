"""A knowledge base made from a document: the folder that `citelog new` makes, sound and with everything still to do.

The document is copied and pinned byte for byte and cut into segments. One statement that quotes a sentence of it, one
rule and one case stand as examples, so that all files have their form; they say nothing about any patient. The folder
is made beside its place, loaded, and moved there whole: nothing half-written is ever left.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from citelog import disk, home
from citelog.author.documents import LARGEST, of, read
from citelog.author.sentences import Piece, headings, pieces
from citelog.author.turtle import fill
from citelog.diagnostics import CitelogError
from citelog.evidence.markers import without
from citelog.knowledge.load import load
from citelog.layout.turtle import layout

SAMPLE = "sample.txt"
"""The document of those who bring none."""

_ID = re.compile(r"[a-z][a-z0-9-]*")
_FILES = {
    "about.ttl": "about.ttl",
    "segments.ttl": "segments.ttl",
    "statements.trig": "statements.trig",
    "predicates.ttl": "predicates.ttl",
    "terms.ttl": "terms.ttl",
    "conflicts.ttl": "conflicts.ttl",
    "10-example.rls": "rules/10-example.rls",
    "example.yaml": "cases/example.yaml",
}
"""Where what each template makes stands in the folder."""


@dataclass(frozen=True, slots=True)
class Made:
    """A knowledge base that was made: its folder and id, and what of its document was found."""

    folder: Path
    id: str
    title: str
    file: str
    segments: int
    sections: int
    quote: str


def new(folder: Path, document: Path | None = None, id_: str | None = None, title: str | None = None) -> Made:
    """Make a knowledge base in a folder that is not there yet, or is empty.

    Without a document, a short invented one is taken. Without an id, it is the folder's name; without a title, the
    document's first line. Raises CitelogError where the folder cannot be made or the document is no text.
    """
    folder = free(folder)
    id_ = _id(folder, id_)
    given = of(Path(SAMPLE), SAMPLE, fill(SAMPLE).encode()) if document is None else read(document, LARGEST)
    source, name = given.source, given.source.file
    found = pieces(source.text)
    title = _title(title, found[0])
    quoted, start, end = _example(found)
    sections = headings(source.text, found)
    values = {
        "id": id_,
        "title": title,
        "file": f"source/{name}",
        "sha256": source.sha256,
        "sections": [(_named(piece.text), piece.line) for piece in sections],
        "segments": found,
        "width": len(str(len(found))),
        "quoted": quoted,
        "quote": source.text[start:end],
        "line": source.line(start),
        "start": start,
        "end": end,
        "markers": ", ".join(source.printed_markers(start, end)),
    }
    texts = {path: _laid_out(path, fill(template, **values)).encode() for template, path in _FILES.items()}
    _put(folder, {**texts, f"source/{name}": given.data})
    return Made(folder, id_, title, name, len(found), len(sections), source.text[start:end])


def _laid_out(path: str, text: str) -> str:
    """What a template makes, with its tables in columns whatever their rows hold."""
    return layout(text) if path.endswith((".ttl", ".trig")) else text


def _put(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files into a folder beside the wanted one, load them as a knowledge base, and move it into place."""
    with disk.making(folder) as made:
        for name, data in files.items():
            (made / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).write_bytes(data)
        if wrong := load(made, home.ontology()).diagnostics:
            if wrong[0].code == "file-missing":  # the disk took it, and does not give it back
                raise CitelogError(str(wrong[0]))
            raise RuntimeError(f"what new makes of this document cannot be loaded: {wrong[0]}")


# --- what is asked for ---------------------------------------------------------------------------------------------


def free(folder: Path) -> Path:
    """The place of a folder that is to be made, if nothing stands there; raises CitelogError where something does."""
    try:
        place = Path(os.path.realpath(folder))
        if not place.parent.is_dir():
            what, remedy = f"there is no folder {place.parent} to make it in", "make that one first"
        elif place == Path.cwd():
            what, remedy = "this is the current folder, which cannot be put in place whole", "name a folder to be made"
        elif place.exists() and not place.is_dir():
            what, remedy = "this is a file, not a folder", "name a folder to be made"
        elif place.exists() and (held := next(place.iterdir(), None)) is not None:
            what, remedy = f"the folder is not empty: it holds {held.name}", "name a folder to be made, or an empty one"
        else:
            return place
    except OSError as error:
        what, remedy = f"it cannot be used: {error.strerror}", "name a folder to be made, where you may write"
    raise CitelogError(f"{folder}: {what}", remedy)


def _id(folder: Path, given: str | None) -> str:
    """The id that is given; otherwise the folder's name in small letters, with hyphens for what an id cannot have."""
    id_ = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") if given is None else given
    if not _ID.fullmatch(id_):
        where = f"--id {given}" if given is not None else f"{folder.name}"
        raise CitelogError(
            f"{where}: this makes no id of a knowledge base",
            "give --id with small letters, digits and hyphens, a letter first: --id my-guideline",
        )
    return id_


def _title(given: str | None, first: Piece) -> str:
    title = " ".join((given if given is not None else first.text[:120].lstrip("\ufeff# ")).split())
    if not title:
        raise CitelogError("--title: there is nothing in it", "say what the document is about, or leave --title out")
    return title


def _named(heading: str) -> str:
    """A heading without the signs by which Markdown knows it.

    >>> _named("## What to do ##"), _named("3. Dose"), _named("###")
    ('What to do', '3. Dose', '###')
    """
    marked = re.fullmatch(r"#+ *(.*?) *#*", heading)
    return (marked and marked[1]) or heading


def _example(found: tuple[Piece, ...]) -> tuple[Piece, int, int]:
    """The segment that the example statement quotes, and the place of the quote: the first whole sentence, if any.

    The quote leaves out the sign of a list item, the full stop and the markers before it, as statements do.
    """
    worded = [piece for piece in found if any(character.isalpha() for character in piece.text)]
    sentences = [p for p in worded if without(p.text).endswith(".") and "\n" not in p.text and len(p.text.split()) > 2]
    piece = next(iter(sentences or worded))
    match = re.match(r"(?s)\W*(?:\d+[.)]\s+)?(?P<quote>.*?)\.?$", without(piece.text))
    if match is None or not any(character.isalpha() for character in match["quote"]):
        return piece, piece.start, piece.end
    return piece, piece.start + match.start("quote"), piece.start + match.end("quote")
