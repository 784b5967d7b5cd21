"""Where this installation keeps what it ships: the ontology, the knowledge bases, the query library.

They stand at the top of the repository, beside engine/, so that authors find them and no Python is mixed
in; a wheel carries them inside the package, as citelog/data. Everyone else asks here and need not know.
"""

from __future__ import annotations

from pathlib import Path

from citelog.diagnostics import Diagnostic, KnowledgeError, Span, did_you_mean

VERSION = "0.1.0"  # the build reads it here; asking importlib.metadata would cost each start some 20 ms

_PACKAGE = Path(__file__).resolve().parent


def home() -> Path:
    """The folder that holds ontology.ttl, knowledge/ and queries/.

    >>> (home() / "ontology.ttl").name
    'ontology.ttl'
    """
    in_wheel, in_tree = _PACKAGE / "data", _PACKAGE.parent.parent
    for folder in (in_wheel, in_tree):
        if (folder / "knowledge").is_dir():
            return folder
    what = "this copy of citelog has no knowledge folder, neither inside the package nor beside engine/"
    raise KnowledgeError([Diagnostic("incomplete-installation", Span(str(_PACKAGE)), what, "install it anew")])


def ontology() -> Path:
    """The engine's own vocabulary."""
    return home() / "ontology.ttl"


def queries() -> Path:
    """The folder of the SPARQL library."""
    return home() / "queries"


def manual() -> Path | None:
    """The language reference, which explains every code of a finding; None where this copy came without it."""
    places = (home() / "LANGUAGE.md", home() / "engine" / "LANGUAGE.md")
    return next((place for place in places if place.is_file()), None)


def shipped() -> tuple[str, ...]:
    """The names of the knowledge bases that come with citelog."""
    return tuple(sorted(entry.name for entry in (home() / "knowledge").iterdir() if entry.is_dir()))


def default_name() -> str:
    """The knowledge base that answers when none is named: the one that knowledge/DEFAULT names."""
    return (home() / "knowledge" / "DEFAULT").read_text(encoding="utf-8").strip()


def knowledge(name_or_folder: str | Path | None = None) -> Path:
    """The folder of a knowledge base: a shipped one by its bare name, any other by its path.

    A bare name that is shipped means the shipped one, whatever the current folder holds; `./name` means the
    folder. None means the default.

    >>> knowledge("no-such-knowledge")
    Traceback (most recent call last):
    citelog.diagnostics.KnowledgeError: error[unknown-knowledge]: there is no knowledge base no-such-knowledge
    ...
    """
    name = default_name() if name_or_folder is None else str(name_or_folder)
    names = shipped()
    if name in names:
        return home() / "knowledge" / name
    folder = Path(name)
    if name and folder.is_dir():
        return folder
    hint = did_you_mean(name, names) or f"give a folder, or one of: {', '.join(names)}"
    raise KnowledgeError([Diagnostic("unknown-knowledge", Span(name), f"there is no knowledge base {name}", hint)])
