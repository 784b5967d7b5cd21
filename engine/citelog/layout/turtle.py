"""A Turtle or TriG file laid out: indentation, blanks and columns, and nothing else.

Every token stays, in its order, and so do the line breaks (at most two empty lines in a row). A file is *in columns*,
as statements are: what is said line by line about one subject begins in one column, rows that stand together are a
table, and two blanks part what is said on one line. A file that parts it by one blank is *plain*: it has no columns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

from citelog.layout.columns import APART, agreed, settled
from citelog.layout.tokens import Token, tokens

INDENT = 4
EMPTY = 2
"""The most empty lines in a row."""

_PLACE = re.compile(r".*[:#](?:line|start|end)>?$")
"""The verbs of a place, which stand on one line in a plain file too."""


@dataclass(slots=True)
class _Line:
    """One line: its tokens, the blanks before each, the number of its block, and the comment that it ends with."""

    tokens: list[Token]
    gaps: list[int]
    block: int = 0
    comment: Token | None = None
    apart: int = 0
    """The blanks before the comment."""

    def end(self, i: int) -> int:
        """The column after the token."""
        column = 0
        for gap, token in zip(self.gaps[: i + 1], self.tokens, strict=False):
            above, _, last = token.text.rpartition("\n")  # a text of several lines ends on the last of them
            column = len(last) if above else column + gap + len(token.text)
        return column

    @property
    def first(self) -> str:
        return self.tokens[0].part if self.tokens else "comment"


def layout(text: str) -> str:
    """A file that can be parsed, laid out; what it says stays as it is, to the letter.

    >>> print(layout("ex:a a ex:A;\\n ex:dose 1.0; # one\\n  ex:name 'it'."))
    ex:a a ex:A ;
        ex:dose  1.0 ;  # one
        ex:name  'it' .
    <BLANKLINE>
    """
    file = tokens(text)
    if not file:
        return ""
    plain = _plain(file)
    lines = _lines(file, plain)
    _align_prefixes(lines)
    if not plain:
        _align_blocks(lines)
    for rows in _rows(lines):
        if plain:
            _keep_subjects_apart(rows)
        else:
            _align_rows(rows)
    _indent(lines)
    _align_comments(lines)
    return "".join(_written(line, i == 0) for i, line in enumerate(lines)) + "\n"


def _written(line: _Line, first: bool) -> str:
    head = line.tokens[0] if line.tokens else line.comment
    breaks = 0 if first or head is None else min(head.breaks, EMPTY + 1)
    words = "".join(" " * gap + token.text for gap, token in zip(line.gaps, line.tokens, strict=True))
    if line.comment is not None:
        words += " " * line.apart + line.comment.text
    return "\n" * breaks + words


def _plain(file: list[Token]) -> bool:
    """Whether most of what goes on after a semicolon on the same line does so after one blank."""
    gaps = Counter(
        token.gap >= APART
        for before, token in pairwise(file)
        if before.part == ";" and token.part == "verb" and not token.breaks and not _PLACE.match(token.text)
    )
    return gaps[False] > gaps[True]


def _lines(file: list[Token], plain: bool) -> list[_Line]:
    """The lines of a file, each with the blanks that part two words, not yet indented."""
    lines: list[_Line] = []
    block = 0
    for token in file:
        if not lines or token.breaks:
            lines.append(_Line([], [], block))
        line = lines[-1]
        if token.part == "comment":
            line.comment, line.apart = token, token.gap
            continue
        if token.depth == 0 and token.part in ("subject", "directive"):
            block += 1
            line.block = line.block if line.tokens else block
        line.gaps.append(_gap(line.tokens[-1], token, plain) if line.tokens else 0)
        line.tokens.append(token)
    return lines


def _gap(before: Token, token: Token, plain: bool) -> int:
    """The blanks between two words of a line: the author's, where they may make a column."""
    if before.text + token.text in ("[]", "()"):
        return 0
    if token.part == "directive" or (token.depth == 0 and (before.part, token.part) == ("subject", "verb")):
        return max(1, token.gap)
    if plain:
        return 1
    if before.part == ";" and token.part == "verb":
        return max(APART, token.gap) if before.depth == 0 else APART
    if token.depth == 0 and (before.part, token.part) == ("verb", "object"):
        return max(1, token.gap)
    return 1


# --- columns -------------------------------------------------------------------------------------------------------


def _align_prefixes(lines: list[_Line]) -> None:
    """The namespaces of neighbouring prefixes stand under one another."""
    for directive, run in groupby(lines, lambda line: [t.text[0] for t in line.tokens[2:3]] == ["<"]):
        if directive:
            _set(list(run), 2, apart=1)


def _align_blocks(lines: list[_Line]) -> None:
    """What is said about a subject, one verb to a line, begins in one column."""
    said = [line for line in lines if line.first == "verb" and line.tokens[0].depth == 0 and len(line.tokens) > 1]
    told = [list(run) for _, run in groupby(said, lambda line: line.block)]
    for graph in (False, True):
        same = [block for block in told if block[0].tokens[0].graph == graph]
        usual = Counter[int]()
        for block in same:
            if (column := agreed([_cell(line, 1) for line in block])) is not None:
                usual[column] += len(block)
        column = min(usual, key=lambda c: (-usual[c], c), default=None)
        for block in same:
            _set(block, 1, column)


def _rows(lines: list[_Line]) -> Iterator[list[_Line]]:
    """Runs of lines that each hold all that is said about a subject; any other line with a subject is a run alone."""
    run: list[_Line] = []
    for line in lines:
        told = [token.part for token in line.tokens[:3]] == ["subject", "verb", "object"] and not line.tokens[0].depth
        whole = told and line.tokens[-1].part == "."
        if run and not (whole and line.tokens[0].breaks == 1 and run[-1].tokens[-1].part == "."):
            yield run
            run = []
        if told:
            run.append(line)
    if run:
        yield run


def _keep_subjects_apart(rows: list[_Line]) -> None:
    """In a plain file a verb stays under or above another verb, and follows its subject after one blank elsewhere."""
    columns = [row.end(1) - len(row.tokens[1].text) for row in rows]
    for i, row in enumerate(rows):
        if columns[i] not in columns[max(0, i - 1) : i] + columns[i + 1 : i + 2]:
            row.gaps[1] = 1


def _align_rows(rows: list[_Line]) -> None:
    """Rows that stand together are a table: of subject, verb and object, or of what is said with each verb.

    A row that stands alone in a graph keeps its columns, which are those of the rows of other graphs.
    """
    if len(rows) == 1:
        if not rows[0].tokens[0].graph:
            rows[0].gaps[1:3] = [1, 1]
        return
    if len({row.end(0) + row.gaps[1] for row in rows}) > 1:
        _set(rows, 1)
    starts = [_starts(row) for row in rows]
    if all(len(verbs) == 1 for verbs in starts):
        _set(rows, 2)
        return
    for row in rows:
        row.gaps[2] = 1
    second = [(row, verbs[1]) for row, verbs in zip(rows, starts, strict=True) if len(verbs) > 1]
    _set_at(second)
    rest = [(row, at) for row, verbs in zip(rows, starts, strict=True) for at in verbs[2:]]
    for at, verb in sorted({(at, row.tokens[at].text) for row, at in rest}):
        _set_at([(row, i) for row, i in rest if (i, row.tokens[i].text) == (at, verb)])


def _starts(row: _Line) -> list[int]:
    """Where, among the tokens of a row, its verbs are."""
    return [i for i, token in enumerate(row.tokens) if token.part == "verb" and token.depth == 0]


def _cell(line: _Line, at: int) -> tuple[int, int]:
    return line.end(at - 1), line.gaps[at]


def _set(lines: list[_Line], at: int, usual: int | None = None, apart: int = APART) -> None:
    """Put the tokens with this index into one column."""
    cells = [_cell(line, at) for line in lines]
    for line, gap in zip(lines, settled(cells, usual, apart), strict=True):
        line.gaps[at] = gap


def _set_at(places: list[tuple[_Line, int]]) -> None:
    """Put tokens of several lines into one column; one alone stays where it is."""
    if len(places) > 1:
        cells = [_cell(line, at) for line, at in places]
        for (line, at), gap in zip(places, settled(cells), strict=True):
            line.gaps[at] = gap


def _align_comments(lines: list[_Line]) -> None:
    """Comments at the end of neighbouring lines stand under one another."""
    for trailing, run in groupby(lines, lambda line: bool(line.tokens) and line.comment is not None):
        if trailing:
            same = list(run)
            cells = [(line.end(len(line.tokens) - 1), line.apart) for line in same]
            for line, gap in zip(same, settled(cells), strict=True):
                line.apart = gap


# --- indentation ---------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Bracket:
    """What is open: where its sign is closed, where the lines in it begin, and where the latest verb's objects do."""

    close: int
    inside: int
    objects: int = 0


def _indent(lines: list[_Line]) -> None:
    """Indent each line as far as it stands within a block, a graph or brackets."""
    opened = [_Bracket(0, 0)]  # the first is the file
    for line in lines:
        if line.tokens:
            line.gaps[0] = _indentation(line.tokens[0], opened)
        for i, token in enumerate(line.tokens):
            at = line.end(i) - len(token.text)
            if token.part == "verb":
                opened[-1].objects = 0
            elif token.part == "object" and i and line.tokens[i - 1].part == "verb":
                opened[-1].objects = at
            if token.text in ("[", "("):
                last = token is line.tokens[-1]  # what it opens begins on the next line
                opened.append(_Bracket(line.gaps[0], line.gaps[0] + INDENT) if last else _Bracket(at, at + 2))
            elif token.text in ("]", ")"):
                opened.pop()
    _indent_comments(lines)


def _indentation(token: Token, opened: list[_Bracket]) -> int:
    base = INDENT if token.graph else 0
    if token.text in ("]", ")"):
        return opened[-1].close
    if token.part == "object" and opened[-1].objects:
        return opened[-1].objects
    if len(opened) > 1:
        return opened[-1].inside
    if token.part in ("subject", "directive", "{", "}"):
        return base
    if token.part == "object":
        return base + 2 * INDENT
    return base + INDENT


def _indent_comments(lines: list[_Line]) -> None:
    """A comment on a line of its own stands as far in as the line that it precedes, or as what that line closes."""
    indentation = 0
    for line in reversed(lines):
        if line.tokens:
            indentation = line.gaps[0] + {"}": INDENT, "]": 2, ")": 2}.get(line.first, 0)
        else:
            line.apart = indentation


def same_tokens(one: str, other: str) -> bool:
    """Whether two files differ in nothing but white space."""
    return _words(tokens(one)) == _words(tokens(other))


def _words(file: Iterable[Token]) -> list[str]:
    return [token.text for token in file]
