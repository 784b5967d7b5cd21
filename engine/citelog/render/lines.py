"""Lines of text with a style for terminals that have colour: what every text form is made of."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

WIDTH = 100
"""Columns where the terminal does not say."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output, and its style in rich's words; empty for none. `lead` stands before it without style.

    `link` is the file that the line is about, as a path from the folder that holds the knowledge base. A line that
    `proposes` a command names it in general (`diagnostics.proposal`), for whoever prints it to complete.
    """

    text: str
    style: str = ""
    lead: str = ""
    link: str = ""
    proposes: bool = False


def wrapped(text: str, width: int, indent: str, style: str = "") -> Iterator[Line]:
    """A text in lines no wider than `width` where its words allow; lines after the first begin with `indent`."""
    first = text[: len(text) - len(text.lstrip())]
    for line in textwrap.wrap(
        text.strip(),
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        yield Line(line, style)


def side_by_side(left: list[str], right: list[str], width: int, indent: str = "") -> Iterator[Line]:
    """Two texts as a table of two columns, paragraph beside paragraph.

    >>> for line in side_by_side(["G01 “one”"], ["G02 “two words”"], 27, "  "): print(line.text)
      ┌───────────┬───────────┐
      │ G01 “one” │ G02 “two  │
      │           │ words”    │
      └───────────┴───────────┘
    """
    room = max(9, (width - len(indent) - 7) // 2)
    bar = "─" * (room + 2)
    yield Line(f"{indent}┌{bar}┬{bar}┐")
    for i, (a, b) in enumerate(zip_longest(left, right, fillvalue="")):
        if i:
            yield Line(f"{indent}├{bar}┼{bar}┤")
        for x, y in zip_longest(textwrap.wrap(a, room), textwrap.wrap(b, room), fillvalue=""):
            yield Line(f"{indent}│ {x.ljust(room)} │ {y.ljust(room)} │")
    yield Line(f"{indent}└{bar}┴{bar}┘")
