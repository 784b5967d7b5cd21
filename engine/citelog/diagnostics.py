"""What can be wrong, as values: a place, a word-code, a sentence, and the next thing to try.

Findings are collected, so that one run shows all of them; raising is the caller's choice. The two
exceptions at the bottom are what reaches a user: one for knowledge, one for a patient's record.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """A place in an author's file; line and column count from 1, 0 where unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about knowledge.

    `code` is a stable word, `message` says what is wrong, `hint` what to do, `text` is the author's
    line, and `severity` is `error` (loading stops) or `advice`.
    """

    code: str
    span: Span
    message: str
    hint: str = ""
    text: str = ""
    severity: str = "error"

    def to_dict(self) -> dict[str, str | int]:
        """The finding as data."""
        return {
            "severity": self.severity,
            "code": self.code,
            "file": self.span.file,
            "line": self.span.line,
            "column": self.span.column,
            "message": self.message,
            "hint": self.hint,
        }

    def __str__(self) -> str:
        lines = [f"{self.severity}[{self.code}]: {self.message}", f"   {self.span}"]
        if self.text:
            gutter = f"{self.span.line} | "
            lines.append(f"{gutter}{self.text}")
            if self.span.column:
                lines.append(" " * (len(gutter) + self.span.column - 1) + "^")
        if self.hint:
            lines.append(f"   = {self.hint}")
        return "\n".join(lines)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question naming the known word nearest to a misspelt one, or the empty string.

    >>> did_you_mean("hydroxycobalamin", ["hydroxocobalamin", "folic acid"])
    'did you mean hydroxocobalamin?'
    >>> did_you_mean("xyz", ["hydroxocobalamin"])
    ''
    """
    near = difflib.get_close_matches(word, sorted(set(known)), n=1, cutoff=0.7)
    return f"did you mean {near[0]}?" if near else ""


class CitelogError(Exception):
    """Anything a user can put right; its text says where, what, and what to do next."""


class KnowledgeError(CitelogError):
    """A knowledge base that cannot be used; `diagnostics` holds every finding of the run."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(str(d) for d in self.diagnostics))


class CaseError(CitelogError):
    """A patient's record that cannot be used at all.

    `where` is the file or place in it, `what` the trouble, `remedy` what to try.
    """

    def __init__(self, where: str, what: str, remedy: str) -> None:
        self.where, self.what, self.remedy = where, what, remedy
        super().__init__(f"{where}: {what}\n   = {remedy}")
