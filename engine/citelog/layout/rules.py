"""A rule file laid out: blanks and indentation, and nothing else.

The order of rules, of what stands above a rule and of its literals is the author's, because explanations follow it; so
are the line breaks (at most two empty lines in a row). What goes on from the line above is indented, and one blank
parts words, signs and arguments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from citelog.layout.columns import settled
from citelog.rules.syntax import tokens

INDENT = 4
EMPTY = 2
"""The most empty lines in a row."""

_NAMES = frozenset(["BARE", "PREFIXED", "IRI", "ATTRIBUTE"])
_ATTRIBUTE = "#["


@dataclass(frozen=True, slots=True)
class _Piece:
    """A token with the line breaks and the blanks before it; `within` a rule whose head has begun, or an attribute."""

    kind: str
    text: str
    breaks: int
    gap: int
    within: bool


@dataclass(slots=True)
class _Line:
    """One line, indented, with the comment at its end and the blanks before that."""

    text: str
    breaks: int
    comment: str = ""
    gap: int = 0


def layout(text: str) -> str:
    """A rule file that can be parsed, laid out; what its rules say stays as it is, to the letter.

    >>> print(layout('@prefix ex: <https://example.org/#>.\\nex:a( ?x ):-ex:b(?x,1),\\n~ex:c(?x),?x<2 . % one'), end="")
    @prefix ex: <https://example.org/#> .
    ex:a(?x) :- ex:b(?x, 1),
        ~ex:c(?x), ?x < 2 .  % one
    """
    lines: list[_Line] = []
    before: _Piece | None = None
    for piece in _pieces(text):
        if before is None or piece.breaks:
            lines.append(_Line(" " * INDENT * piece.within + piece.text, piece.breaks))
        elif piece.kind == "COMMENT":
            lines[-1].comment, lines[-1].gap = piece.text, piece.gap
        else:
            lines[-1].text += " " * _gap(before, piece) + piece.text
        before = piece
    for trailing, run in groupby(lines, lambda line: bool(line.comment)):
        if trailing:
            _align_comments(list(run))
    written = ("\n" * (min(line.breaks, EMPTY + 1) if i else 0) + _written(line) for i, line in enumerate(lines))
    return "".join(written) + "\n" if lines else ""


def _pieces(text: str) -> Iterator[_Piece]:
    at = statement = 0
    begun = attribute = False
    for kind, word, start, number in tokens(text):
        if number != statement:
            statement, begun, attribute = number, False, False
        blank = text[at:start]
        breaks = blank.count("\n")
        shown = f"%%% {word[3:].strip()}".rstrip() if kind == "DOC" else word.rstrip()
        yield _Piece(kind, shown, breaks, len(blank) - blank.rfind("\n") - 1, begun or attribute)
        at = start + len(word)
        if word == _ATTRIBUTE or attribute:
            attribute = word != "]"
        elif kind not in ("DOC", "COMMENT"):
            begun = True


def _gap(before: _Piece, piece: _Piece) -> int:
    """The blanks between two words of a line."""
    if piece.text == "(":
        return int(before.kind not in _NAMES and before.text != "(")
    after = before.text in ("(", "~", "#", _ATTRIBUTE) or before.kind == "FSTRING"
    return int(not after and piece.text not in (")", ",", "]"))


def _written(line: _Line) -> str:
    return line.text + (" " * line.gap + line.comment if line.comment else "")


def _align_comments(lines: list[_Line]) -> None:
    """Comments at the end of neighbouring lines stand under one another."""
    for line, gap in zip(lines, settled([(len(line.text), line.gap) for line in lines]), strict=True):
        line.gap = gap


def same_tokens(one: str, other: str) -> bool:
    """Whether two files differ in nothing but white space."""
    return _words(one) == _words(other)


def _words(text: str) -> list[str]:
    return [piece.text for piece in _pieces(text)]
