"""What kind of word each stretch of a text is, for editors that colour them: more than a grammar can tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from citelog.edit import rules, turtle
from citelog.edit.desk import Desk

KINDS = (
    "comment",
    "keyword",
    "string",
    "number",
    "variable",
    "function",
    "property",
    "class",
    "enumMember",
    "decorator",
)
"""The kinds, by the names that the protocol has for them."""

_WORDS = {
    "comment": "comment",
    "doc": "comment",
    "text": "string",
    "iri": "enumMember",
    "directive": "keyword",
    "name": "enumMember",
    "prefix": "keyword",
    "variable": "variable",
    "attribute": "decorator",
    "aggregate": "function",
    "number": "number",
    "boolean": "keyword",
}


def colours(desk: Desk, path: Path) -> list[tuple[int, int, str]]:
    """Every stretch of a file that has a colour: where it starts and ends, and its kind; none overlap."""
    text = desk.texts.get(path, "")
    if path.suffix == ".rls":
        return _cut(_in_rules(text))
    if path.suffix in (".ttl", ".trig"):
        return _cut(_in_turtle(desk, text))
    return []


def _in_rules(text: str) -> Iterator[tuple[int, int, str]]:
    predicates = {m.start: m for m in rules.mentions(text) if m.role in ("uses", "derives")}
    file = rules.words(text)
    for i, word in enumerate(file):
        following = file[i + 1].text if i + 1 < len(file) else ""
        kind = _WORDS.get(word.kind, "")
        if word.kind == "doc":
            named = text.find("@" + word.within, word.start, word.end) if word.within else -1
            if named >= 0:
                yield named, named + len(word.within) + 1, "keyword"
            words = [m for m in predicates.values() if word.start <= m.start < word.end]
            yield from ((m.start, m.end, "function" if m.thing.kind == "predicate" else "class") for m in words)
        elif word.within in ("head", "body") and following == "(" and word.kind in ("bare", "name", "iri"):
            kind = "function"
        if kind:
            yield word.start, word.end, kind


def _in_turtle(desk: Desk, text: str) -> Iterator[tuple[int, int, str]]:
    for token in turtle.tokens(text):
        kind = {"comment": "comment", "directive": "keyword", "verb": "property", "subject": "class"}.get(
            token.part, ""
        )
        if token.part == "verb" and token.text == "a":
            kind = "keyword"
        elif token.part == "object":
            first = token.text[:1]
            kind = "string" if first in "\"'" else "number" if first.isdigit() or first in "+-" else "enumMember"
        if kind:
            yield token.start, token.end, kind


def _cut(found: Iterator[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The stretches in order; one that holds others is cut around them."""
    made: list[tuple[int, int, str]] = []
    at = 0
    inner = sorted(found, key=lambda f: (f[0], -f[1]))
    stack: list[tuple[int, int, str]] = []

    def close(until: int) -> None:
        nonlocal at
        while stack and stack[-1][1] <= until:
            _, end, kind = stack.pop()
            if at < end:
                made.append((at, end, kind))
                at = end

    for start, end, kind in inner:
        close(start)
        if stack and at < start:
            made.append((at, start, stack[-1][2]))
        at = max(at, start)
        stack.append((start, end, kind))
    close(1 << 60)
    return made
