"""What can be wrong, as values: a place, a word-code, a sentence, and the next thing to try.

Findings are collected, so that one run shows all of them; raising is the caller's choice. The two
exceptions at the bottom are what reaches a user: one for knowledge, one for a patient's record.
"""

from __future__ import annotations

import copyreg
import difflib
import shlex
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Span:
    """A place in an author's file; line and column count from 1, 0 where unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Instead:
    """A hint that knows what to write: what is `right` in the place of what is `written`; `said` tells people.

    >>> str(Instead("covr", "cover"))
    'did you mean cover?'
    """

    written: str
    right: str
    said: str = ""

    def __str__(self) -> str:
        return self.said or f"did you mean {self.right}?"


Hint = str | Instead
"""What to try, in words, or as what to write."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about knowledge.

    `code` is a stable word, `message` says what is wrong, `hint` what to do, `text` is the author's
    line, and `severity` is `error` (loading stops) or `advice`. `accepted` is the reason with which an
    author accepts a piece of advice; it is empty where none does. `about` names what the finding is about: the
    rule or resource, then, where it is about one, its property, and the value.
    """

    code: str
    span: Span
    message: str
    hint: Hint = ""
    text: str = ""
    severity: str = "error"
    accepted: str = ""
    about: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, str | int | None]:
        """The finding as data."""
        return {
            "severity": self.severity,
            "code": self.code,
            "file": self.span.file,
            "line": self.span.line,
            "column": self.span.column,
            "message": self.message,
            "hint": str(self.hint),
            "accepted": self.accepted or None,
        }

    def lines(self) -> list[str]:
        """What people are shown: what is wrong, where, the author's line, and what to try."""
        lines = [f"{self.severity}[{self.code}]: {self.message}", f"   {self.span}"]
        if self.text:
            gutter = f"{self.span.line} | "
            text, column = _around(self.text, self.span.column)
            lines.append(f"{gutter}{text}")
            if column:
                lines.append(" " * (len(gutter) + column - 1) + "^")
        if self.accepted:
            lines.append(f"   = accepted: {self.accepted}")
        elif self.hint:
            lines.append(f"   = {self.hint}")
        return lines

    def __str__(self) -> str:
        return "\n".join(self.lines())


_WIDE = 400
"""Characters of a line that a finding shows: a line of a file may be the whole file, and have a thousand findings."""


def _around(text: str, column: int) -> tuple[str, int]:
    """What a finding shows of a line, and where in it the finding's column is then.

    >>> shown, column = _around("x" * 1000 + "!" + "x" * 1000, 1001)
    >>> len(shown), shown[:3], shown[column - 1]
    (404, '… x', '!')
    """
    start = max(0, min(column - 1 - _WIDE // 2, len(text) - _WIDE)) if len(text) > _WIDE else 0
    before, after = "… " * (start > 0), " …" * (start + _WIDE < len(text))
    return f"{before}{text[start : start + _WIDE]}{after}", max(0, column - start + len(before)) if column else 0


_ALIKE = 0.7
"""How like a known word a misspelt one is at least: 1 is the same, 0 has nothing in common."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question naming the known word nearest to a misspelt one, or the empty string.

    >>> did_you_mean("waterproof covr", ["waterproof cover", "plaster cast"])
    'did you mean waterproof cover?'
    >>> did_you_mean("g08", ["G08", "G10"])  # letter case does not matter
    'did you mean G08?'
    >>> did_you_mean("xyz", ["waterproof cover"])
    ''
    """
    return str(meant(word, known) or "")


def meant(word: str, known: Iterable[str]) -> Instead | None:
    """The known word nearest to a misspelt one, as a finding's hint; None where none is near."""
    near = nearest_name(word, known)
    return Instead(word, near) if near else None


def copied(sign: str, right: str) -> Instead:
    """The hint about a sign that came from a text of a word processor."""
    return Instead(sign, right, f"write {right} (word processors put {sign} in its place)")


def nearest_name(word: str, known: Iterable[str]) -> str:
    """The known word nearest to a misspelt one, as it is written; the empty string where none is near.

    A prefix that both have makes them no more alike. Of two that differ in nothing but letter case, the one is meant
    that is written like the word; of two that are as near, the one with the same letters, in another order.

    >>> nearest_name("qoute", ["route", "quote"])
    'quote'
    >>> nearest_name("ex:S01", ["ex:W1", "ex:T2"]), nearest_name("ex:coverr", ["ex:cover", "cl:Cover"])
    ('', 'ex:cover')
    >>> nearest_name("ex:kinked", ["ex:KINK", "ex:kink"]), nearest_name("ex:KINKED", ["ex:KINK", "ex:kink"])
    ('ex:kink', 'ex:KINK')
    """
    prefix, words = word[: word.rfind(":") + 1], set(known)
    beside = {one for one in words if prefix and one.startswith(prefix)}
    if beside and (near := nearest_name(word.removeprefix(prefix), {one.removeprefix(prefix) for one in beside})):
        return prefix + near
    written: dict[str, list[str]] = {}
    for one in sorted(words - beside):
        written.setdefault(one.casefold(), []).append(one)
    matcher = difflib.SequenceMatcher(b=word.casefold())
    bounds = []
    for one in written:
        matcher.set_seq1(one)
        if matcher.real_quick_ratio() >= _ALIKE and (bound := matcher.quick_ratio()) >= _ALIKE:
            bounds.append((bound, one))
    letters = sorted(word.casefold())
    best = (_ALIKE, False, "")
    for bound, one in sorted(bounds, reverse=True):
        if bound < best[0]:
            break  # to be compared is what costs, and no other can be nearer
        matcher.set_seq1(one)
        best = max(best, (matcher.ratio(), sorted(one) == letters, one))
    as_written = difflib.SequenceMatcher(b=word)

    def alike(one: str) -> float:
        as_written.set_seq1(one)
        return as_written.ratio()

    return max(written[best[2]], key=alike) if best[2] else ""


def shortened(text: str, room: int) -> str:
    """As much of a text as a message has room for, in characters, cut at a blank.

    >>> shortened("Serum ferritin is low", 20), shortened("Serum ferritin", 20)
    ('Serum ferritin is …', 'Serum ferritin')
    """
    return text if len(text) <= room else f"{text[:room].rsplit(' ', 1)[0]} …"


STEERING = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069"
"""What steers a terminal or turns the direction of writing, as the inside of a pattern's brackets."""


def unseen(character: str) -> tuple[str, str] | None:
    """What a character that looks like a blank or like nothing is, and what to do; None for any other.

    >>> unseen("\\u00a0"), unseen("x")
    (('a no-break space (U+00A0)', 'write a blank'), None)
    """
    if character in " \t\n\r\f" or unicodedata.category(character) not in ("Zs", "Zl", "Zp", "Cf", "Cc"):
        return None
    name = unicodedata.name(character, "control character").lower()
    called = f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    blank = unicodedata.category(character) in ("Zs", "Zl", "Zp")
    return f"{called} (U+{ord(character):04X})", "write a blank" if blank else "remove it"


def advised(what: str, remedy: str) -> str:
    """A message as people are shown it: what is wrong and, where there is anything, what to try.

    >>> print(advised("no document is called prof", "did you mean proof?"))
    no document is called prof
       = did you mean proof?
    """
    return f"{what}\n   = {remedy}" if remedy else what


def proposal(*words: str) -> str:
    """A command as a message proposes it, to be copied into a shell.

    How the reader named the record and the knowledge base is not known here: `CASE` stands for the one, and `--kb` is
    left out for whoever prints the message to add (`cli.proposed`). What is only spoken of, and not to be run as it
    stands, is written between backticks.

    >>> proposal("why", "CASE", "status:below all")
    "citelog why CASE 'status:below all'"
    """
    return shlex.join(("citelog", *words))


class CitelogError(Exception):
    """Anything a user can put right: what is wrong, what to try, and, where that is known by itself, the place."""

    where = ""

    def __init__(self, what: str, remedy: str = "") -> None:
        self.what, self.remedy = what, remedy
        super().__init__(what, remedy)

    @property
    def message(self) -> str:
        """What is wrong, after the place."""
        return f"{self.where}: {self.what}" if self.where else self.what

    def __str__(self) -> str:
        return advised(self.message, self.remedy)

    def __reduce__(self) -> tuple[Any, ...]:
        """What another process needs to raise it again: all that it knows, whatever it was made of."""
        return copyreg.__newobj__, (type(self),), self.__dict__  # type: ignore[attr-defined]


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
        super().__init__(what, remedy)
        self.where = where
