"""The lines on which each statement and each rule is written, so that it can be asked who wrote them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from citelog.knowledge.base import rule_iri
from citelog.layout.tokens import iri, prefixes, tokens
from citelog.rules.syntax import statements
from citelog.values import Iri

Lines = Mapping[Iri, tuple[range, ...]]
"""The lines about each thing, counted from 1."""

_NAME = re.compile(r'(?m)^\s*#\[name\("([^"\n]*)"\)\]')
_BEFORE = re.compile(r"(?:\s|%(?!%%(?!%))[^\n]*\n)*")
"""Blanks and comments before a rule, which are about no rule or about all that follow."""


def said_of(text: str) -> Lines:
    """The lines of a Turtle or TriG file on which something is said of each thing: its blocks, and its own graph.

    >>> found = said_of("@prefix ex: <urn:x#> .\\nex:a ex:b 1 ;\\n  ex:c 2 .\\n\\nex:a { ex:d ex:e 3 . }\\n")
    >>> found[Iri("urn:x#a")]
    (range(2, 4), range(5, 6))
    """
    file = tokens(text)
    namespaces = prefixes(file)
    found: dict[Iri, list[range]] = defaultdict(list)
    subject = None
    for token in file:
        if token.part == "subject" and not token.graph and not token.depth:
            subject = token
        elif subject is not None and token.part in (".", "}") and not token.graph and not token.depth:
            lines = range(_line(text, subject.start), _line(text, token.end) + 1)
            found[Iri(iri(subject.text, namespaces))].append(lines)
            subject = None
    return {thing: tuple(places) for thing, places in found.items()}


def ruled(text: str, namespace: str) -> Lines:
    """The lines of each rule of a file, its description, tags and attributes among them.

    >>> ruled('% all of them\\n\\n%%% One.\\n#[name("one")]\\na(?x) :- b(?x) .\\n', "https://example.org/#")
    {Iri(value='https://example.org/#rule/one'): (range(3, 6),)}
    """
    return dict(_ruled(text, namespace))


def _ruled(text: str, namespace: str) -> Iterator[tuple[Iri, tuple[range, ...]]]:
    for offset, piece in statements(text):
        if match := _NAME.search(piece):
            before = _BEFORE.match(piece)
            first = offset + (before.end() if before else 0)
            yield rule_iri(namespace, match[1]), (range(_line(text, first), _line(text, offset + len(piece)) + 1),)


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1
