"""What is wrong with one rule, each thing at its place in the author's file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from citelog.diagnostics import Diagnostic, Hint, Instead, Span, nearest_name
from citelog.rules.syntax import RuleFile

SUGGESTED = 200
"""Words of a file for which a likely one is looked for: each takes as long as there are words that it may mean."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The findings about a rule of a file, in the order in which they are met.

    `rule` is its name, and `nearest` holds what unknown words are likely to mean: the rules of a file share it.
    """

    file: RuleFile
    rule: str
    nearest: dict[str, str]
    found: list[Diagnostic] = field(default_factory=list)

    def add(self, code: str, span: Span, message: str, hint: Hint = "", *about: str) -> None:
        """One more, about the rule, and about a name in it where there is one."""
        self.found.append(Diagnostic(code, span, message, hint, self.file.line(span.line), about=(self.rule, *about)))

    def at(self, span: Span, words: str) -> Span:
        """Where some words stand in the line of a tag or attribute that begins at `span`."""
        found = self.file.line(span.line).find(words, span.column)
        return Span(span.file, span.line, found + 1) if found != -1 else span

    def is_new(self, sort: str, word: str) -> bool:
        """Whether nothing in the file has asked yet what a word of a sort is likely to mean."""
        return f"{sort} {word}" not in self.nearest

    def meant(self, sort: str, word: str, known: Iterable[str], written: str = "") -> Instead | None:
        """`diagnostics.meant`, once for each word of a sort in a file, and for so many that somebody may read them all.

        `written` is how the word stands there, if it is another than is looked for.
        """
        key = f"{sort} {word}"
        if key not in self.nearest:
            self.nearest[key] = nearest_name(word, known) if len(self.nearest) < SUGGESTED else ""
        near = self.nearest[key]
        return Instead(written or word, near) if near else None
