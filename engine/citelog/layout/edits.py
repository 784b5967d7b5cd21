"""What changes a text: stretches of it, and what is written in their stead."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """A stretch of a text, and what is written in its stead."""

    start: int
    end: int
    text: str


def edited(text: str, edits: Iterable[Edit]) -> str:
    """A text with all the edits made; they do not overlap.

    >>> edited("a(?x) .", [Edit(2, 4, "?y"), Edit(0, 1, "b")])
    'b(?y) .'
    """
    for edit in sorted(edits, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def differing(before: str, after: str) -> Iterator[Edit]:
    """The edits, by whole lines, that make one text of another."""
    old, new = _lines(before), _lines(after)
    starts = [0]
    for line in old:
        starts.append(starts[-1] + len(line))
    for tag, i, j, k, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            yield Edit(starts[i], starts[j], "".join(new[k:m]))


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)
