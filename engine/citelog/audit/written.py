"""Where each triple of a file is written: the line of its value, in the graph that it stands in."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from citelog.knowledge.triples import TYPE
from citelog.layout.tokens import Token, iri, prefixes, tokens
from citelog.values import Iri, Value

Said = tuple[str, str, str]
"""A graph (empty for none), a subject and a property, by their IRIs."""


def line(text: str, graph: str, subject: str, predicate: str, value: Value) -> int:
    """The line of a triple, counted from 1; 0 where it is not found.

    >>> line("@prefix a: <a#> .\\na:x a:p 1 ;\\n    a:q 2 .\\na:G {\\n    a:x a:q 3 .\\n}\\n", "a#G", "a#x", "a#q", 3)
    5
    """
    written = _places(text).get((graph, subject, predicate), ())
    if isinstance(value, Iri):
        found = (number for word, number in written if word == value.value)
    else:
        found = (number for word, number in written if str(value).casefold() in word.replace('\\"', '"').casefold())
    return next(found, written[0][1] if written else 0)


@lru_cache(maxsize=16)
def _places(text: str) -> Mapping[Said, list[tuple[str, int]]]:
    """The values of each property of each subject, as written or as IRIs, with their lines."""
    file = [token for token in tokens(text) if token.part != "comment"]
    namespaces = prefixes(file)
    found: dict[Said, list[tuple[str, int]]] = {}
    graph = subject = predicate = ""
    number, at = 1, 0
    for i, token in enumerate(file):
        number += text.count("\n", at, token.start)
        at = token.start
        if token.depth:
            continue
        if token.part == "subject":
            subject = iri(token.text, namespaces)
        elif token.part == "{":
            graph = subject if _is_name(file, i) else ""
        elif token.part == "}":
            graph = ""
        elif token.part == "verb":
            predicate = TYPE if token.text == "a" else iri(token.text, namespaces)
        elif token.part == "object":
            word = token.text if token.text[0] in "\"'" else iri(token.text, namespaces)
            found.setdefault((graph, subject, predicate), []).append((word, number))
    return found


def _is_name(file: list[Token], brace: int) -> bool:
    """Whether the graph that a brace opens has a name before it."""
    return brace > 0 and file[brace - 1].part == "subject"
