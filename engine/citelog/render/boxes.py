"""The boxes of a diagram of a proof: what is written in each, and how each sort of step looks.

What sort of step a box is, a word says, and its shape and colour.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from citelog.render.outline import Outline, Step


@dataclass(frozen=True, slots=True)
class Look:
    """How a sort of step is drawn: its word; its brackets in Mermaid; its shape and style in Graphviz; its colours.

    `face` and `edge` are the colours of a box and of its border, on a light page and on a dark one.
    """

    word: str
    brackets: tuple[str, str]
    shape: str
    style: str
    face: tuple[str, str]
    edge: tuple[str, str]

    @property
    def name(self) -> str:
        """What a style sheet calls it."""
        return "k_" + self.word.replace(" ", "_")


_RULE = ("#e9f2f4", "#20343b"), ("#0b5a70", "#84c6d8")
_QUOTE = ("#f8f1df", "#3a3120"), ("#7d5708", "#e3bf74")
_RECORD = ("#e6f3e8", "#1f3624"), ("#22662f", "#8fd09c")
_SUM = ("#efeaf7", "#302941"), ("#5b3b93", "#c3abee")
_ABSENT = ("#fdecea", "#432420"), ("#a02818", "#f2a297")
_QUIET = ("#f1f0ed", "#2a2d31"), ("#565b62", "#a9adb4")

LOOKS: Mapping[str, Look] = {
    "conclusion": Look("conclusion", ("([", "])"), "box", "filled,rounded,bold", *_RULE),
    "rule": Look("rule", ("[", "]"), "box", "filled", *_RULE),
    "quote": Look("the document", ("[[", "]]"), "note", "filled", *_QUOTE),
    "stated": Look("stated", ("[[", "]]"), "note", "filled", *_QUOTE),
    "encoder": Look("convention", ("[[", "]]"), "component", "filled", *_QUIET),
    "record": Look("record", ("[(", ")]"), "folder", "filled", *_RECORD),
    "given": Look("given", ("[(", ")]"), "folder", "filled", *_RECORD),
    "holds": Look("holds", ("{{", "}}"), "octagon", "filled", *_SUM),
    "computed": Look("computed", ("{{", "}}"), "octagon", "filled", *_SUM),
    "absent": Look("by absence", ("(", ")"), "box", "filled,rounded,dashed", *_ABSENT),
    "assumed": Look("gap", ("[/", "\\]"), "tab", "filled,bold", *_ABSENT),
    "above": Look("shown above", ("[", "]"), "box", "filled,dashed", *_QUIET),
    "…": Look("not opened", ("[", "]"), "box", "filled,dashed", *_QUIET),
    "note": Look("left out", ("[", "]"), "box", "filled,dashed", *_QUIET),
}
"""The looks of the sorts of steps, and of the conclusion and the note of what was left out."""


@dataclass(frozen=True, slots=True)
class Box:
    """What is written in one box: the word for its sort and what the step is called, its text, and its place."""

    sort: str
    head: str
    text: str
    place: str = ""

    @property
    def look(self) -> Look:
        """How the box is drawn."""
        return LOOKS[self.sort]

    @classmethod
    def of(cls, step: Step) -> Box:
        """The box of a step."""
        word = LOOKS[step.sort].word
        match step.sort:
            case "rule":
                cited = [s.id or s.of for s in step.below if s.sort in ("quote", "quoted")]
                return cls("rule", word, step.text, step.place + (f" · cites {' '.join(cited)}" if cited else ""))
            case "quote":
                return cls("quote", f"{word}, {step.id}", f"“{step.text}”", step.place)
            case "stated":
                return cls("stated", f"{word} by {step.place}", step.text)
            case "…":
                return cls("…", word, "…")
            case _:
                return cls(step.sort, word, step.text, step.place)


def title(opened: Outline) -> str:
    """What a diagram is called, for who hears it."""
    return f"Proof of {opened.conclusion}"


def description(opened: Outline, sentence: str) -> str:
    """What a diagram shows, for who hears it; `sentence` stands in place of the root's, where there is one."""
    said = f"{sentence or opened.text} Each arrow points from what is used to what uses it."
    return f"{said} Left out: {opened.left_out}." if opened.left_out else said


_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def legible(text: str) -> str:
    """A text on one line, without what steers a program instead of being read.

    Control characters, halves of characters and overrides of the direction of writing become U+FFFD; line ends and
    tabs become blanks.

    >>> legible("a\\nb\\x07\\u202ec")
    'a b\\ufffd\\ufffdc'
    """
    return _UNSEEN.sub("\ufffd", re.sub(r"[\t\n\v\f\r\x85\u2028\u2029]+", " ", text))
