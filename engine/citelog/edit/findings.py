"""Findings about a knowledge base at the stretches of text that they are about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from citelog.diagnostics import Diagnostic, Instead
from citelog.edit.lines import Lines
from citelog.knowledge.files import shown_name

_WORD = re.compile(r'\{[^{}\n]*\}?|f?"[^"\n]*"|<[^<>\s]*>|[#@?~]?[\w][\w:-]*|\S')
_LAST = re.compile(r"(?:[\w:?@#-]+|\S)\s*\Z")
_ELSEWHERE = re.compile(r"(?P<file>[\w./-]+\.(?:rls|ttl|trig)):(?P<line>\d+)")


@dataclass(frozen=True, slots=True)
class Located:
    """A finding, the file and the stretch that it is about, and the other places that it speaks of."""

    path: Path
    start: int
    end: int
    finding: Diagnostic
    elsewhere: tuple[tuple[Path, int, int], ...] = ()


def located(found: Iterable[Diagnostic], folder: Path, texts: Mapping[Path, str]) -> dict[Path, list[Located]]:
    """Each finding at its place, by file.

    One about no file that there is stands at the top of `about.ttl`, or of the first file.
    """
    named = {shown_name(path, folder): path for path in texts}
    fallback = folder / "about.ttl"
    if texts and fallback not in texts:
        fallback = next(iter(texts))
    placed: dict[Path, list[Located]] = {}
    for one in found:
        path = named.get(one.span.file, fallback)
        start, end = extent(texts.get(path, ""), one) if one.span.file in named else (0, 0)
        placed.setdefault(path, []).append(Located(path, start, end, one, _elsewhere(one, named, texts)))
    return placed


def extent(text: str, finding: Diagnostic) -> tuple[int, int]:
    """From where to where a finding goes: from its column to the end of the word there, or else all of its line.

    Without a column, what its hint would write otherwise is looked for in the line.

    >>> from citelog.diagnostics import Span
    >>> extent("a(?x) :- bee(?x) .", Diagnostic("undefined-predicate", Span("a.rls", 1, 10), "…"))
    (9, 12)
    >>> extent("ex:S1 { ex:sea a ex:Thing . }", Diagnostic("c", Span("a.trig", 1), "…", Instead("ex:sea", "ex:bee")))
    (8, 14)
    """
    lines = Lines(text)
    start, end = lines.extent(min(max(finding.span.line, 1), len(lines.starts)) - 1)
    line = text[start:end]
    if finding.span.column:
        at = min(finding.span.column - 1, len(line))
        if word := _WORD.match(line, at):
            return start + at, start + word.end()
        last = _LAST.search(line, 0, at)  # behind the last word: that is underlined
        return start + (last.start() if last else at), start + at
    if isinstance(finding.hint, Instead) and line.count(finding.hint.written) == 1:
        at = line.index(finding.hint.written)
        return start + at, start + at + len(finding.hint.written)
    blank = len(line) - len(line.lstrip())
    return start + blank, start + len(line.rstrip())


def _elsewhere(
    finding: Diagnostic, named: Mapping[str, Path], texts: Mapping[Path, str]
) -> tuple[tuple[Path, int, int], ...]:
    """The places that a finding names in its words."""
    places = []
    for match in _ELSEWHERE.finditer(f"{finding.message} {finding.hint}"):
        path = named.get(match["file"])
        if path is not None:
            lines = Lines(texts[path])
            line = int(match["line"]) - 1
            if line < len(lines.starts):
                places.append((path, *lines.extent(line)))
    return tuple(places)
