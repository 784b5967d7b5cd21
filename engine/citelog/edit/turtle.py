"""What a Turtle or TriG file names, whatever state it is in: subjects, verbs, objects, and ids in some texts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise

from citelog.edit.mentions import Mention, Thing, named, told
from citelog.layout.tokens import Token, iri, prefixes
from citelog.layout.tokens import tokens as read
from citelog.vocab import CL

_NAME = re.compile(r"(?:[A-Za-z][\w.-]*)?:[\w.%\\-]*|<[^<>\s]*>")
_SIGNATURE = re.compile(r"[a-z_][a-z0-9_]*(?=\()")
_ID = re.compile(r"[^\s,]+")

NAMING_PREDICATES = frozenset(CL + name for name in ("derivedBy", "candidates", "readAs"))
"""Properties whose text is the name of a predicate."""
NAMING_STATEMENTS = frozenset(CL + name for name in ("sideA", "sideB"))
"""Properties whose text is the ids of statements."""


@lru_cache(maxsize=64)
def tokens(text: str) -> tuple[Token, ...]:
    """The tokens of a file; where it is not whole, a name in the first column begins a block."""
    try:
        file = read(text)
    except (RuntimeError, IndexError):
        return tuple(read(text, broken=True))
    last = next((t for t in reversed(file) if t.part != "comment"), None)
    whole = last is None or (last.part in (".", "}", "directive") and not last.depth and not last.graph)
    garbled = any(a.part == b.part == "object" and a.depth == b.depth for a, b in pairwise(_said(file)))
    return tuple(file if whole and not garbled else read(text, broken=True))


def namespaces(text: str) -> dict[str, str]:
    """The prefixes that a file declares, without their colons."""
    return {name[:-1]: space for name, space in prefixes(list(tokens(text))).items()}


def mentions(text: str) -> Iterator[Mention]:
    """What a file names, in its order."""
    file, known = tokens(text), namespaces(text)
    spaces = {name + ":": space for name, space in known.items()}
    subject = verb = ""
    for comment in file:
        if comment.part == "comment":
            yield from told(comment.text, comment.start, known)
    said = _said(file)
    for token, following in zip(said, [*said[1:], None], strict=False):
        if token.part == "subject" and not token.depth:
            subject = iri(token.text, spaces)
        elif token.part == "verb":
            verb = iri(token.text, spaces)
        if token.part not in ("subject", "verb", "object"):
            continue
        if _NAME.fullmatch(token.text):
            yield named(token.text, token.start, known, _role(token, following))
        elif token.part == "object" and token.text[:1] in "\"'":
            yield from _in_text(token, subject, verb, known)


def _said(file: Iterable[Token]) -> list[Token]:
    return [token for token in file if token.part != "comment"]


def _role(token: Token, following: Token | None) -> str:
    if token.part != "subject" or token.depth:
        return "uses"
    if token.graph:
        return "describes"
    return "states" if following is not None and following.text == "{" else "declares"


def _in_text(token: Token, subject: str, verb: str, known: Mapping[str, str]) -> Iterator[Mention]:
    """What the text of some properties names."""
    quotes = 3 if token.text[:3] in ('"""', "'''") else 1
    start, inside = token.start + quotes, token.text[quotes:-quotes]
    if verb == CL + "quote" and subject:
        inner = (token.start, token.end)
        yield Mention(*inner, Thing("iri", subject), "quotes", inner)
    elif verb == CL + "signature" and (found := _SIGNATURE.match(inside.strip())):
        at = start + inside.index(found[0])
        inner = (at, at + len(found[0]))
        yield Mention(*inner, Thing("predicate", found[0]), "declares", inner)
    elif verb in NAMING_PREDICATES and inside.strip():
        inner = (start, start + len(inside))
        yield Mention(*inner, Thing("predicate", inside), "uses", inner)
    elif verb in NAMING_STATEMENTS:
        for found in _ID.finditer(inside):
            inner = (start + found.start(), start + found.end())
            yield Mention(*inner, Thing("statement", found[0]), "uses", inner)
    elif verb != CL + "quote":
        yield from told(inside, start, known)
