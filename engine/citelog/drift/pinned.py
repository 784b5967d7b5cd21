"""A copy of a knowledge base with a new edition of its document pinned in it, and every quote put where it stands now.

Only what can be computed is written: the file and its hash, the places of quotes that are still there, the lines of
segments and headings, and numbers for the segments that leave one free for each new sentence. A quote that changed or
vanished stays as it was, and so does everything that a statement says: `citelog check` lists what is left to do.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from citelog import disk
from citelog.author.documents import Document
from citelog.author.new import free
from citelog.author.turtle import literal
from citelog.diagnostics import CitelogError, proposal
from citelog.drift.report import Drift
from citelog.knowledge.check import check_folder
from citelog.knowledge.triples import Triples
from citelog.layout import turtle
from citelog.layout.places import placed, said_anew
from citelog.values import Iri
from citelog.vocab import CL

Values = Mapping[str, Mapping[str, str]]
"""What is said anew: by subject and property, both IRIs."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A copy that was made: its folder as the caller named it, what stands in its place, and what is left to do.

    `left` counts the findings of `citelog check` by their codes. `unsure` are statements whose quote stands in several
    places, none of which was chosen.
    """

    folder: Path
    file: str
    quotes: int
    segments: int
    left: Mapping[str, int]
    unsure: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            f"{self.folder}: a copy with {self.file} pinned;"
            f" {self.quotes} quotes and {self.segments} segments stand in their new places"
        ]
        if self.unsure:
            lines.append(f"   = no place was chosen for {', '.join(self.unsure)}: say cl:line, or quote more")
        if self.left:
            told = ", ".join(f"{count} {code}" for code, count in self.left.items())
            lines.append(f"   = left to do: {told}; {proposal('check', '--kb', str(self.folder))} shows each")
        else:
            lines.append("   = nothing is left to do: `citelog check` finds nothing wrong")
        return "\n".join(lines)


def pin(found: Drift, document: Document, folder: Path) -> Pinned:
    """Copy the knowledge base, with the new document, into a folder that is not there yet, or is empty.

    The copy is made beside its place and moved there whole. Raises CitelogError where it cannot be made.
    """
    place, old = free(folder), found.edition.folder
    if place.is_relative_to(old):
        what = "this lies in the knowledge base that is to be copied"
        raise CitelogError(f"{folder}: {what}", "name a folder beside it")
    triples = found.edition.opened.triples
    was = triples.text(triples.instances(CL + "SourceDocument")[0], CL + "file")
    file = str(PurePosixPath(was).with_name(document.source.file))
    if file != was and (old / file).exists():
        what = f"the knowledge base has another file {file} already"
        raise CitelogError(f"{document.source.file}: {what}", "give the new document another name")
    quotes, values = _quotes(found, triples), dict(_values(found, triples, document, file))
    with disk.making(place) as made:
        shutil.copytree(old, made, ignore=partial(_left_out, old), dirs_exist_ok=True)
        (made / was).unlink()
        (made / file).write_bytes(document.data)
        for path in (*made.glob("*.ttl"), *made.glob("*.trig")):
            _write(path, quotes, values)
        left = Counter(finding.code for finding in check_folder(made) if finding.severity == "error")
    unsure = tuple(one.statement for one in found.statements if not one.became.sure)
    stand = sum(part.became.fate in ("kept", "moved") for part in found.parts)
    return Pinned(folder, file, len(quotes), stand, dict(sorted(left.items())), unsure)


def _left_out(top: Path, folder: str, names: Sequence[str]) -> list[str]:
    """What of a folder is not copied: what programs keep there, and further down links to folders, never followed."""
    kept = [name for name in names if name in (".git", "__pycache__")]
    here = [] if Path(folder) == top else [Path(folder, name) for name in names]
    return kept + [path.name for path in here if path.is_symlink() and path.is_dir()]


def _quotes(found: Drift, triples: Triples) -> dict[str, tuple[int, int, int]]:
    """The places of the quotes that are still there, where it is sure which place is meant."""
    iris = {Iri(iri).local: iri for iri in triples.instances(CL + "Statement")}
    return {
        iris[one.statement]: (after.line, after.start, after.end)
        for one in found.statements
        if one.became.fate in ("kept", "moved") and one.became.sure and (after := one.became.after)
    }


def _values(found: Drift, triples: Triples, document: Document, file: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """What else is said anew: the document, the lines of headings and segments, the numbers of segments."""
    pinned = {CL + "file": literal(file), CL + "sha256": literal(document.source.sha256)}
    yield triples.instances(CL + "SourceDocument")[0], pinned
    numbers = _numbers(found, triples)
    iris = {triples.written(iri): iri for iri in triples.instances(CL + "Segment")}
    for part in found.parts:
        said = {CL + "order": numbers[part.segment]} if part.segment in numbers else {}
        if part.became.fate in ("kept", "moved") and part.became.after:
            said[CL + "line"] = str(part.became.after.line)
        yield iris[part.segment], said
    for one in found.headings:
        if one.iri and one.before == one.after:
            yield one.iri, {CL + "line": str(one.line_after)}


def _numbers(found: Drift, triples: Triples) -> dict[str, str]:
    """New numbers for the segments, where their order is another or sentences came between them."""
    were = {triples.written(s): triples.whole(s, CL + "order") for s in triples.instances(CL + "Segment")}
    now = sorted(found.orders, key=lambda name: found.orders[name])
    if not found.new and now == sorted(now, key=lambda name: were[name]):
        return {}
    return {name: str(order) for name, order in found.orders.items()}


def _write(path: Path, quotes: Mapping[str, tuple[int, int, int]], values: Values) -> None:
    """One file with its new places; laid out again if it was, and with the line ends that it had."""
    before = path.read_bytes().decode("utf-8")
    ends = "\r\n" if 2 * before.count("\r\n") > before.count("\n") else "\n"
    text = re.sub(r"\r\n?", "\n", before)
    after = said_anew(placed(text, quotes)[0], values)
    if after != text:
        if turtle.layout(text) == text:
            after = turtle.layout(after)
        path.write_bytes(after.replace("\n", ends).encode("utf-8"))
