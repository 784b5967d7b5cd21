"""Which knowledge base a file belongs to, and the texts of its files as their author sees them."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from citelog import home
from citelog.advice.review import review_opened
from citelog.diagnostics import Diagnostic, Span
from citelog.edit import cases
from citelog.edit.desk import Desk, Reading
from citelog.knowledge.files import NO_DRAFTS, Drafts, files_of, shown_name
from citelog.knowledge.load import load
from citelog.listing import folders_in
from citelog.vocab import CL

CASES = ("cases/**/*.yaml", "cases/**/*.yml", "cases/**/*.json")
PATTERNS = ("*.ttl", "*.trig", "rules/*.rls", "properties.rls", *CASES)
"""The files of a knowledge base that name its things; the document is one more, and `about.ttl` says which."""

_INSIDE = ("rules", "cases", "source")
_DEEP = 5
_BELOW = 3
_BASE = re.compile(r"(?m)^(?![ \t]*#)[^\n]*\sa\s[^\n.;]*\bKnowledgeBase\b")


def base_of(path: Path, drafts: Drafts = NO_DRAFTS) -> Path | None:
    """The folder of the knowledge base that a file belongs to; None where it belongs to none.

    A knowledge base is a folder with rules or statements, in which something is said to be a cl:KnowledgeBase. A file
    of it stands in it, or in its `rules`, `cases` or `source`.
    """
    inside: tuple[str, ...] = ()
    for folder in list(path.parents)[:_DEEP]:
        if (not inside or inside[-1] in _INSIDE) and is_base(folder, drafts):
            return folder
        inside = (*inside, folder.name)
    return None


def is_base(folder: Path, drafts: Drafts = NO_DRAFTS) -> bool:
    """Whether a folder is a knowledge base; one that may not be looked into is none."""
    if not os.path.isdir(folder / "rules") and not files_of(folder, "*.trig", drafts, []):
        return False
    return any(_BASE.search(text) for text in texts_of(folder, drafts, ("*.ttl",)).values())


def bases_in(folder: Path) -> tuple[list[Path], dict[Path, Diagnostic]]:
    """The knowledge bases that stand in a folder, itself or a few folders below; and what may not be looked into."""
    bases: list[Path] = []
    unseen: dict[Path, Diagnostic] = {}
    level = [folder]
    for depth in range(_BELOW + 1):
        below: list[Path] = []
        for place in level:
            try:
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    os.lstat(place / "about.ttl")
                    bases += [place] if is_base(place) else []
                below += folders_in(place) if depth < _BELOW else []
            except OSError as error:
                hint = "let it be read: a knowledge base in it would be passed over"
                span = Span(shown_name(place, folder))
                unseen[place] = Diagnostic("file-missing", span, str(error.strerror), hint, "", "information")
        level = below
    return bases, unseen


def texts_of(folder: Path, drafts: Drafts = NO_DRAFTS, patterns: tuple[str, ...] = PATTERNS) -> dict[Path, str]:
    """The texts of the files of a knowledge base that can be read, or their drafts, in a fixed order.

    What cannot is reported by whoever reads the knowledge base.
    """
    texts: dict[Path, str] = {}
    for pattern in patterns:
        for path in files_of(folder, pattern, drafts, []):
            if path in drafts:
                texts[path] = drafts[path]
            elif (text := text_of(path)) is not None:
                texts[path] = text
    return texts


def text_of(path: Path) -> str | None:
    """The text of a file; None where it is not there, or no text: `citelog check` says so."""
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def read(folder: Path, drafts: Drafts = NO_DRAFTS, before: Reading | None = None) -> tuple[Reading, list[Diagnostic]]:
    """What a knowledge base says, everything wrong with it and its cases, and the advice that nobody accepts.

    Where a file of its words or statements cannot be read, what it said `before` still helps its author.
    """
    opened = load(folder, home.ontology(), drafts)
    found = [one for one in review_opened(folder, opened) if not one.accepted]
    if opened.knowledge is not None:
        for path, text in texts_of(folder, drafts, CASES).items():
            found += cases.unreachable(opened.knowledge, text, shown_name(path, folder))
    unread = any(d.code in ("rdf-syntax", "not-utf-8") and not d.span.file.endswith(".rls") for d in found)
    return (before if unread and before is not None else Reading.of(opened)), found


def desk(folder: Path, drafts: Drafts, reading: Reading) -> Desk:
    """A knowledge base as it stands in the editor now."""
    texts, ontology = texts_of(folder, drafts), home.ontology()
    document = None
    for one in reading.triples.instances(CL + "SourceDocument"):
        document = folder / reading.triples.text(one, CL + "file")
        break
    for path in filter(None, (document, ontology)):
        if (text := drafts.get(path, text_of(path))) is not None:
            texts[path] = text
    return Desk(folder, texts, reading, ontology, document if document in texts else None)
