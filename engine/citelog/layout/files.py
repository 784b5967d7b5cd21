"""The files of a knowledge base as they should be written, and the writing: all of them, or none.

A file that cannot be read, or a quote whose place is not certain, stops everything before a byte is written.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from citelog import disk, home
from citelog.diagnostics import CitelogError, Diagnostic, Hint, KnowledgeError
from citelog.knowledge.files import NO_DRAFTS, Drafts, files_of, read_bytes, read_text, shown_name
from citelog.knowledge.statements import name_clash, place_numbers, place_of, read_source
from citelog.knowledge.triples import Triples, read_triples
from citelog.layout import rules, turtle
from citelog.layout.order import ordered
from citelog.layout.places import Place, placed
from citelog.rules.syntax import parse
from citelog.vocab import CL

_KNOWN = "*.trig, *.ttl or *.rls"

PATTERNS = ("*.ttl", "*.trig", "rules/*.rls", "properties.rls")
"""The files of a knowledge base that have a layout."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A file, its name as shown to people, what is in it, what should be, and the statements with a new place.

    `new` is a file that is not there yet, and has nothing in it.
    """

    path: Path
    name: str
    before: str
    after: str
    places: tuple[str, ...] = ()
    new: bool = False

    @property
    def changed(self) -> bool:
        """Whether the file is not yet as it should be."""
        return self.before != self.after

    def diff(self) -> str:
        """What changes, as a unified diff; empty where nothing does."""
        before, after = self.before.splitlines(keepends=True), self.after.splitlines(keepends=True)
        lines = difflib.unified_diff(before, after, self.name, self.name)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def choose(files: Iterable[str], folder: Path | None = None) -> list[tuple[Path, list[Path] | None]]:
    """The knowledge bases that files belong to, each with those files; all files of a folder where none are named.

    A file belongs to the folder that it stands in, and rules to the one above. Raises CitelogError where a file has no
    layout, or stands outside of a folder that is given.
    """
    chosen: dict[Path, list[Path]] = {}
    for name in files:
        path = Path(name).absolute()
        base = path.parent.parent if path.suffix == ".rls" and path.parent.name == "rules" else path.parent
        if path.suffix not in (".ttl", ".trig", ".rls"):
            raise CitelogError(f"{name}: fmt does not know such files", f"name statements, words or rules: {_KNOWN}")
        if not path.is_file():
            raise CitelogError(f"{name}: there is no such file", f"name a file that is there: {_KNOWN}")
        if folder is not None and base.resolve() != folder:
            raise CitelogError(f"{name}: the file is not of the knowledge base {folder}", "leave --kb out, or the file")
        if path not in chosen.setdefault(base, []):
            chosen[base].append(path)
    return list(chosen.items()) if chosen or folder is None else [(folder, None)]


def lay_out(folder: Path, chosen: Iterable[Path] | None = None, drafts: Drafts = NO_DRAFTS) -> list[Laid]:
    """The files of a knowledge base, or only those chosen among them, as they should be; nothing is written.

    `drafts` stand in for files. Raises KnowledgeError where a file cannot be read, and where a quote is not in the
    document or is there twice.
    """
    paths = (
        [path for pattern in PATTERNS for path in files_of(folder, pattern, drafts)] if chosen is None else list(chosen)
    )
    found: list[Diagnostic] = []
    places: dict[str, Place] = {}
    if any(path.suffix != ".rls" for path in paths):
        triples = read_triples(folder, home.ontology(), found, drafts)
        if not found:
            places = _places(folder, triples, found, drafts)
    for path in paths:
        if path.suffix == ".rls" and (text := read_text(path, folder, found, drafts)):
            found += parse(text.text, text.name).diagnostics
    if found:
        raise KnowledgeError(found)
    return [_laid(path, shown_name(path, folder), places, drafts) for path in paths]


def _places(folder: Path, triples: Triples, found: list[Diagnostic], drafts: Drafts) -> dict[str, Place]:
    """The place of every quote, by the IRI of its statement."""
    quoting = [iri for iri in triples.instances(CL + "Statement") if triples.text(iri, CL + "quote")]
    source = read_source(folder, triples, found, drafts) if quoting else None
    if source is None or found:
        return {}
    places: dict[str, Place] = {}
    for iri in quoting:

        def report(code: str, message: str, hint: Hint, words: str, iri: str = iri) -> None:
            place, line = triples.span(iri, words)
            found.append(Diagnostic(code, place, message, hint, line))

        if clash := name_clash(triples, iri):
            found.append(clash)
        elif (start := place_of(triples, iri, source, report)) is not None:
            places[iri] = place_numbers(source, start, triples.text(iri, CL + "quote"))
    return places


def _laid(path: Path, name: str, places: dict[str, Place], drafts: Drafts) -> Laid:
    """One file as it should be: with its places, in order, laid out; its line ends are those of most of its lines."""
    before = read_bytes(path, drafts).decode("utf-8")
    ends = "\r\n" if 2 * before.count("\r\n") > before.count("\n") else "\n"
    text = re.sub(r"\r\n?", "\n", before)
    named: Sequence[str] = ()
    if path.suffix == ".rls":
        after, same = rules.layout(text), rules.same_tokens
    else:
        text, named = placed(text, places)
        text = ordered(text)
        after, same = turtle.layout(text), turtle.same_tokens
    if not same(text, after):
        raise RuntimeError(f"the layout of {path} would change more than white space")
    return Laid(path, name, before, after.replace("\n", ends), tuple(named))


# --- writing -------------------------------------------------------------------------------------------------------


def write(files: Iterable[Laid]) -> None:
    """Write the files that change. Raises CitelogError where one cannot be written, or was changed by someone else in
    the meantime; then none is.
    """
    changed = [laid for laid in files if laid.changed]
    disk.put_all(
        {laid.path: laid.after.encode() for laid in changed},
        {laid.path: None if laid.new else laid.before.encode() for laid in changed},
    )
