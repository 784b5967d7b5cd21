"""The edition that a receipt was made with, wherever it still is: at hand, named, kept with the knowledge base, in git.

An edition is known by its hash alone (`knowledge.sha256`), whatever it is called and wherever it was found.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from citelog import home
from citelog.compare.revisions import file_at, folder_of, revision_with
from citelog.diagnostics import CitelogError
from citelog.knowledge.fingerprint import answers
from citelog.listing import paths_in
from citelog.receipt import archive
from citelog.receipt.manifest import COUNTED, ONTOLOGY, RELEASES, Manifest, manifest


@dataclass(frozen=True, slots=True)
class Place:
    """An edition at hand: what to call it, its folder, its ontology, and the hashes of all its files."""

    name: str
    folder: Path
    ontology: Path
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a receipt says of the edition that it was made with."""

    sha256: str
    folder: str
    ontology: str = field(compare=False)
    files: Mapping[str, str] = field(compare=False)

    @classmethod
    def by(cls, files: Mapping[str, Any], sha256: str) -> Wanted:
        """From the members `files` and `knowledge` of a receipt."""
        groups = files["groups"]
        listed = {
            n: h for group in groups if group not in (ONTOLOGY, *COUNTED) for n, h in groups[group]["files"].items()
        }
        return cls(sha256, files["folder"], groups[ONTOLOGY]["files"]["ontology.ttl"], listed)


@dataclass
class Shelf:
    """All editions at hand, each looked for once, for as long as the files of `kept` are there.

    Looked through are the folder `kb`, what is `given` (a folder, an archive, or a revision of `kb`'s repository), the
    archives in `kb`'s own folder `releases`, and all of its history.
    """

    kb: Path | None
    given: Sequence[str]
    kept: ExitStack
    found: dict[Wanted, tuple[Place | None, tuple[str, ...]]] = field(default_factory=dict)

    @cached_property
    def today(self) -> Place | None:
        """The edition that stands in the folder now; None where none is named."""
        if self.kb is None:
            return None
        return Place(f"the folder {self.kb.name}", self.kb, home.ontology(), manifest(self.kb, home.ontology()))

    def edition(self, wanted: Wanted) -> tuple[Place | None, tuple[str, ...]]:
        """The edition that is wanted, None where it is not at hand; and what was looked at in vain, and why.

        Raises CitelogError where what is given is no folder, no archive and no revision.
        """
        if wanted not in self.found:
            remarks: list[str] = []
            place = next(_matching(wanted, self.kb, self.given, remarks, self.kept), None)
            named = place and _under_its_name(place, wanted.folder, self.kept)
            self.found[wanted] = named, tuple(remarks)
        return self.found[wanted]


def _matching(
    wanted: Wanted, kb: Path | None, given: Sequence[str], remarks: list[str], kept: ExitStack
) -> Iterator[Place]:
    if kb is not None:
        yield from _made(f"the folder {kb.name}, as it is", kb, [home.ontology()], wanted)
    for name in given:
        yield from _given(name, kb, wanted, kept)
        remarks.append(f"{name}: this is not the edition that answered")
    for path in paths_in(kb / RELEASES, "*.tar*") if kb is not None else ():
        try:
            yield from _archived(path, f"{RELEASES}/{path.name}", wanted, kept)
        except CitelogError as error:
            remarks.append(error.message)
    if kb is not None:
        yield from _in_history(kb, wanted, kept)


def _made(name: str, folder: Path, ontologies: Sequence[Path], wanted: Wanted) -> Iterator[Place]:
    for ontology in ontologies:
        if ontology.is_file() and (found := manifest(folder, ontology)).fingerprint == wanted.sha256:
            yield Place(name, folder, ontology, found)
            return


def _given(name: str, kb: Path | None, wanted: Wanted, kept: ExitStack) -> Iterator[Place]:
    path = Path(name)
    if path.is_dir():
        yield from _made(name, path, [home.ontology(), path.parent / "ontology.ttl"], wanted)
    elif path.is_file():
        yield from _archived(path, name, wanted, kept)
    elif kb is None:
        what = f"{name}: neither a folder nor an archive, and no knowledge base is at hand whose revision it could be"
        raise CitelogError(what, "name the knowledge base with --kb")
    else:
        folder, told = kept.enter_context(folder_of(name, kb, None))
        yield from _made(told, folder, [home.ontology(), *_ontology_at(name, kept)], wanted)


def _archived(path: Path, name: str, wanted: Wanted, kept: ExitStack) -> Iterator[Place]:
    found = archive.read_file(path)
    if found.manifest.fingerprint == wanted.sha256:
        folder, ontology = kept.enter_context(archive.unpacked(found))
        yield Place(name, folder, ontology, found.manifest)


def _in_history(kb: Path, wanted: Wanted, kept: ExitStack) -> Iterator[Place]:
    files = {name: hash_ for name, hash_ in wanted.files.items() if answers(name)}
    commit = revision_with(kb, files, answers)
    if commit is None:
        return
    ontologies = [home.ontology()]
    of_ontology = revision_with(
        home.home(), {"ontology.ttl": wanted.ontology}, lambda name: name == "ontology.ttl", "ontology.ttl"
    )
    if of_ontology is not None:
        ontologies += _ontology_at(of_ontology, kept)
    folder, _ = kept.enter_context(folder_of(commit, kb, None))
    yield from _made(f"revision {commit[:10]} of its git history", folder, ontologies, wanted)


def _ontology_at(revision: str, kept: ExitStack) -> list[Path]:
    data = file_at(revision, home.ontology())
    if data is None:
        return []
    path = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="citelog-"))) / "ontology.ttl"
    path.write_bytes(data)
    return [path]


def _under_its_name(found: Place, folder: str, kept: ExitStack) -> Place:
    """An edition in a folder of the name that it had: places in its files begin with it."""
    if found.folder.resolve().name == folder:
        return found
    link = Path(kept.enter_context(tempfile.TemporaryDirectory(prefix="citelog-"))) / folder
    link.symlink_to(found.folder.resolve(), target_is_directory=True)
    return Place(found.name, link, found.ontology, found.manifest)
