"""A passage of the document as an author needs it: its place, what already quotes it, and the statement to complete."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog import home
from citelog.author.turtle import fill
from citelog.diagnostics import CitelogError, KnowledgeError
from citelog.evidence.sources import LONGEST, Source
from citelog.knowledge.base import Statement
from citelog.knowledge.load import load
from citelog.knowledge.statements import read_statements
from citelog.knowledge.triples import Triples
from citelog.values import Iri
from citelog.vocab import CL

LIKENESS = 0.5
"""How like some words a passage must be that may stand in their stead; 1 is the same text."""

TELLING = 0.68
"""How like the words asked for it must be to be shown to an author: of any other words, half the letters are alike."""

MORE = 3
"""How many words more or fewer, at either end, such a passage may have."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment that a passage lies in: its name, and its statements or the reason why it has none."""

    name: str
    encoded_as: tuple[str, ...]
    out_of_scope: str

    def to_dict(self) -> dict[str, Any]:
        """The segment as data."""
        return {"name": self.name, "encodedAs": list(self.encoded_as), "outOfScope": self.out_of_scope or None}


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage, letter for letter, with its place: `start` and `end` count code points, the end exclusive.

    `section` is the heading above it, where the knowledge base has sections. `statements` quote the passage or a part
    of it. `markers` are printed in its sentence. `block` is a statement about it in TriG, named `suggested`, an id
    that is free.
    """

    quote: str
    line: int
    start: int
    end: int
    section: str | None
    segments: tuple[Segment, ...]
    statements: tuple[str, ...]
    markers: tuple[str, ...]
    suggested: str
    block: str

    def to_dict(self) -> dict[str, Any]:
        """The passage as data."""
        return {
            "quote": self.quote,
            "line": self.line,
            "start": self.start,
            "end": self.end,
            "section": self.section,
            "segments": [segment.to_dict() for segment in self.segments],
            "statements": list(self.statements),
            "markers": list(self.markers),
            "suggested": self.suggested,
            "block": self.block,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """Where words asked for and a passage differ: the one has `asked`, the other `document`; either may be empty."""

    asked: str
    document: str

    def to_dict(self) -> dict[str, str]:
        """The difference as data."""
        return {"asked": self.asked, "document": self.document}


@dataclass(frozen=True, slots=True)
class Search:
    """What was found for some words: every place where they stand (`exact`), or the one passage most like them."""

    asked: str
    source: str
    exact: bool
    passages: tuple[Passage, ...]
    differences: tuple[Difference, ...]

    def to_dict(self) -> dict[str, Any]:
        """What was found, as data."""
        return {
            "asked": self.asked,
            "source": self.source,
            "exact": self.exact,
            "passages": [passage.to_dict() for passage in self.passages],
            "differences": [difference.to_dict() for difference in self.differences],
        }


def search(folder: Path, words: str) -> Search:
    """Find words in the pinned document of a knowledge base, which may have errors elsewhere.

    Raises CitelogError where there are no words, KnowledgeError where the document or a file cannot be read.
    """
    asked = words.strip()
    if not asked:
        raise CitelogError("quote: there are no words to look for", 'give some of the document: citelog quote "…"')
    opened = load(folder, home.ontology())
    source = opened.source
    bars = [d for d in opened.diagnostics if d.code in ("rdf-syntax", "not-utf-8", "file-missing", "source-changed")]
    if source is None or bars:
        raise KnowledgeError(bars or opened.diagnostics)
    base = _Base(opened.triples, source)
    if places := source.places(asked):
        return Search(asked, source.file, True, tuple(base.passage(at, at + len(asked)) for at in places), ())
    start, end = nearest(source, asked, TELLING)
    apart = tuple(differences(asked, source.text[start:end]))
    return Search(asked, source.file, False, (base.passage(start, end),) if start < end else (), apart)


def nearest(source: Source, asked: str, least: float = LIKENESS) -> tuple[int, int]:
    """From where to where the passage goes that is most like the words, a few more or fewer; nowhere if none is.

    `least` is how like them it must be.
    """
    start, end, likeness = source.nearest_place(asked)
    if likeness < LIKENESS:
        return 0, 0
    if len(asked) > LONGEST:
        return (start, end) if likeness >= least else (0, 0)
    before = [m.start() for m in re.finditer(r"\S+", source.text[:end])]
    after = [m.end() + start for m in re.finditer(r"\S+", source.text[start:])]
    first, last = before.index(start), after.index(end)
    matcher = difflib.SequenceMatcher(autojunk=False)
    matcher.set_seq2(asked)
    best = (likeness, start, end)
    for a in before[max(0, first - MORE) : first + MORE + 1]:
        for z in after[max(0, last - MORE) : last + MORE + 1]:
            if a < z:
                matcher.set_seq1(source.text[a:z])
                if matcher.ratio() > best[0]:
                    best = (matcher.ratio(), a, z)
    likeness, start, end = best
    if likeness < least:
        return 0, 0
    if asked[-1].isalnum():  # who asks for words means no full stop after them
        end = start + len(source.text[start:end].rstrip(".,;:!?"))
    return start, end


def differences(asked: str, document: str) -> Iterator[Difference]:
    """What differs, word by word; white space counts, because a quote must have the document's.

    >>> list(differences("Give two tablets", "Give one  tablets"))
    [Difference(asked='two ', document='one  ')]
    """
    here, there = (re.findall(r"\s+|\S+", text) for text in (asked, document))
    for change, a, b, c, d in difflib.SequenceMatcher(None, here, there, autojunk=False).get_opcodes():
        if change != "equal":
            yield Difference("".join(here[a:b]), "".join(there[c:d]))


class _Base:
    """What is known about the document's places: sections, segments, statements."""

    def __init__(self, triples: Triples, source: Source) -> None:
        self.triples, self.source = triples, source
        self.statements: Mapping[str, Statement] = read_statements(triples, source, [])
        self.segments = tuple(placed(triples, source))
        sections = [(triples.whole(s, CL + "line"), s) for s in triples.instances(CL + "Section")]
        self.sections = sorted((line, s) for line, s in sections if line)

    def passage(self, start: int, end: int) -> Passage:
        """Everything about the passage between two offsets; markers at its end are not quoted, but given as such."""
        end = self.source.before_markers(start, end)
        line, quote = self.source.line(start), self.source.text[start:end]
        section = next((s for at, s in reversed(self.sections) if at <= line), None)
        markers = self.source.printed_markers(start, end)
        suggested = self._free_id(start)
        return Passage(
            quote=quote,
            line=line,
            start=start,
            end=end,
            section=self.triples.label(section) if section else None,
            segments=tuple(segment for at, to, segment in self.segments if at < end and start < to),
            statements=tuple(
                s.id
                for s in sorted(self.statements.values(), key=lambda s: (s.start, s.id))
                if s.start < end and start < s.end
            ),
            markers=markers,
            suggested=suggested,
            block=self._block(suggested, quote, line, start, end, markers, section),
        )

    def _free_id(self, start: int) -> str:
        """The next number in the series of ids of the statement that stands before; S01 where there is none."""
        taken = {Iri(s).local for s in self.triples.subjects}
        before = [s for s in self.statements.values() if s.start <= start] or list(self.statements.values())
        near = [m for s in sorted(before, key=lambda s: (s.start, s.id)) if (m := re.fullmatch(r"(\D*)(\d+)", s.id))]
        series, width = (near[-1][1], len(near[-1][2])) if near else ("S", 2)
        numbers = [int(m[1]) for id_ in taken if (m := re.fullmatch(re.escape(series) + r"(\d+)", id_))]
        return f"{series}{max(numbers, default=0) + 1:0{width}d}"

    def _block(
        self, id_: str, quote: str, line: int, start: int, end: int, markers: tuple[str, ...], section: str | None
    ) -> str:
        triples = self.triples
        base = triples.instances(CL + "KnowledgeBase")
        namespace = base[0][: len(base[0]) - len(Iri(base[0]).local)] if base else "https://example.org/#"
        above = triples.text(section, CL + "partOf") if section else ""
        nested = above in triples.instances(CL + "Section")
        kinds = Counter(" ".join(s.kind.split()) for s in self.statements.values() if s.kind)
        return fill(
            "statement.trig",
            name=triples.written(namespace + id_),
            kinds=", ".join(kind for kind, _ in kinds.most_common(3)) or "definition, finding, recommendation",
            quote=quote,
            line=line,
            start=start,
            end=end,
            markers=", ".join(markers),
            section=triples.written(above if nested else section) if section else "",
            subsection=triples.written(section) if section and nested else "",
            voices=[triples.written(voice) for voice in triples.instances(CL + "Voice")],
        )


def placed(triples: Triples, source: Source) -> Iterator[tuple[int, int, Segment]]:
    """From where to where each segment goes, in order; one that is not where it says is left out."""
    at = 0
    for iri in sorted(triples.instances(CL + "Segment"), key=lambda s: triples.whole(s, CL + "order")):
        text = triples.text(iri, CL + "text")
        start = source.text.find(text, at) if text else -1
        if start >= 0:
            at = start + len(text)
            encoded = tuple(s.local for s in triples.all(iri, CL + "encodedAs") if isinstance(s, Iri))
            yield start, at, Segment(triples.written(iri), encoded, triples.text(iri, CL + "outOfScope"))
