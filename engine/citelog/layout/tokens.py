"""A Turtle or TriG file as tokens, none of them lost: each with its line breaks, its comment and its part in a triple.

A parser of RDF gives triples, not where they were written, and drops the comments; so the little of the syntax that a
layout needs is read here. This module never judges a file: what is laid out has been parsed before, and what an author
is still writing is read as far as it can be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

_TOKEN = re.compile(
    r"""(?P<comment>\#[^\r\n]*)
    |(?P<iri><[^<>\s]*>)
    |(?P<literal>(?:"{3}(?:\\[\s\S]|"{0,2}[^"\\])*"{3} | '{3}(?:\\[\s\S]|'{0,2}[^'\\])*'{3}
        | "(?:\\.|[^"\\\r\n])*" | '(?:\\.|[^'\\\r\n])*')
        (?:@[A-Za-z][\w-]*|\^\^(?:<[^<>\s]*>|(?:\\.|[^\s<>"'()\[\]{};,\#.\\]|\.(?=[\w:%\\-]))+))?)
    |(?P<mark>[;,.{}()\[\]])
    |(?P<word>(?:\\.|[^\s<>"'()\[\]{};,\#.\\]|\.(?=[\w:%\\-]))+)
    |(?P<blank>\s+)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a file.

    `breaks` counts the line breaks before it and `gap` the blanks on its line before it; `start` is its offset in the
    file. `part` is `comment`, `directive`, `subject`, `verb`, `object`, or the sign itself; `depth` says in how many
    brackets of blank nodes and lists it stands, and `graph` whether it is between the braces of a graph.
    """

    text: str
    breaks: int
    gap: int
    start: int
    part: str
    depth: int
    graph: bool

    @property
    def end(self) -> int:
        """The offset after it."""
        return self.start + len(self.text)


@dataclass(slots=True)
class _Frame:
    """A pair of brackets, or the file, and what comes next in it."""

    sign: str
    next: str


def tokens(text: str, broken: bool = False) -> list[Token]:
    """The tokens of a file that has been parsed without an error.

    Of a `broken` one, those that there are: what begins no token is passed over, a bracket that was never opened means
    nothing, and a name in the first column begins anew.

    >>> [(t.part, t.text) for t in tokens("ex:a ex:b 1.0 . # one")]
    [('subject', 'ex:a'), ('verb', 'ex:b'), ('object', '1.0'), ('.', '.'), ('comment', '# one')]
    >>> [(t.part, t.text) for t in tokens('ex:a ex:b "1\\nex:c ex:d 2', broken=True)]
    [('subject', 'ex:a'), ('verb', 'ex:b'), ('object', '1'), ('subject', 'ex:c'), ('verb', 'ex:d'), ('object', '2')]
    """
    found: list[Token] = []
    frames = [_Frame("", "subject")]
    for word, breaks, gap, start in _pieces(text, broken):
        if broken and ((word in ("]", ")", "}") and len(frames) == 1) or (breaks and not gap and _ANEW.match(word))):
            frames = [_Frame("", "subject")]
            if not _ANEW.match(word):
                continue
        inner = [frame.sign for frame in frames if frame.sign in ("[", "(")]
        graph = any(frame.sign == "{" for frame in frames)
        part = _part(word, frames)
        if word in "])":  # it belongs to what its bracket opened
            inner = inner[:-1]
        found.append(Token(word, breaks, gap, start, part, len(inner), graph and word not in "{}"))
    return found


_ANEW = re.compile(r"@\w|[\w.-]*:|<[^<>\s]*>")
"""What begins a block, in a file whose blocks do not all end."""


def _pieces(text: str, broken: bool) -> Iterator[tuple[str, int, int, int]]:
    breaks = gap = at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            if broken:
                at, gap = at + 1, gap + 1
                continue
            raise RuntimeError(f"no token at offset {at}: {text[at : at + 20]!r}")
        at = match.end()
        if blank := match["blank"]:
            breaks += blank.count("\n")
            gap = len(blank) - blank.rfind("\n") - 1 if "\n" in blank else gap + len(blank)
            continue
        yield match[0].rstrip() if match["comment"] else match[0], breaks, gap, match.start()
        breaks = gap = 0


def _part(word: str, frames: list[_Frame]) -> str:
    """The part that a token plays, and what comes after it."""
    frame = frames[-1]
    if word.startswith("#"):
        return "comment"
    if word in ("]", ")", "}"):
        frames.pop()
        if word == "}":
            frames[-1].next = "subject"
        return word
    part = frame.next
    if word in ("[", "("):
        _go_on(frame)
        frames.append(_Frame(word, "verb" if word == "[" else "object"))
    elif word == "{":
        frames.append(_Frame(word, "subject"))
        return word
    elif word in (".", ";", ","):
        frame.next = {".": "subject", ";": "verb", ",": "object"}[word]
        return word
    elif part == "subject" and (word.lower() in ("prefix", "base") or word.startswith("@")):
        frame.next = "directive" if word.startswith("@") else "namespace"
        return "directive"
    elif part == "namespace":  # SPARQL's PREFIX ends with its IRI, without a full stop
        frame.next = "subject" if word.startswith("<") else "namespace"
        return "directive"
    elif not (part == "subject" and word.upper() == "GRAPH"):
        _go_on(frame)
    return part


def _go_on(frame: _Frame) -> None:
    frame.next = {"subject": "verb", "verb": "object"}.get(frame.next, frame.next)


# --- names and blocks ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """What a block says with one verb: the verb, and everything up to the sign that ends it."""

    verb: Token
    objects: tuple[Token, ...]
    after: int
    """The index, among the tokens of the file, of the sign or the token that comes next."""


@dataclass(frozen=True, slots=True)
class Block:
    """The triples written about one subject in one go, outside of all graphs."""

    subject: Token
    said: tuple[Said, ...] = field(default=())


def blocks(file: list[Token]) -> Iterator[Block]:
    """Every block about a subject that has a name, in the order of the file; what is in a graph is no block."""
    block: Block | None = None
    for i, token in enumerate(file):
        if token.depth or token.graph or token.part == "comment":
            continue
        if token.part == "subject":
            block = Block(token)
        elif token.part == "verb" and block is not None:
            after = next(
                (j for j in range(i + 1, len(file)) if file[j].part in (";", ".", "]", "}") and not file[j].depth),
                len(file),
            )
            objects = tuple(t for t in file[i + 1 : after] if t.part != "comment")
            block = replace(block, said=(*block.said, Said(token, objects, after)))
        elif token.part in (".", "{"):
            if block is not None and block.said:
                yield block
            block = None


def prefixes(file: list[Token]) -> dict[str, str]:
    """The namespaces of a file by their prefixes, each with its colon."""
    declared = [t.text for t in file if t.part == "directive"]
    return {name: iri[1:-1] for name, iri in pairwise(declared) if name.endswith(":") and iri.startswith("<")}


def iri(word: str, namespaces: dict[str, str]) -> str:
    """The IRI that a name stands for; the name itself where nothing declares its prefix.

    >>> iri("ex:iron", {"ex:": "https://example.org/#"}), iri("<https://example.org/>", {})
    ('https://example.org/#iron', 'https://example.org/')
    """
    if word.startswith("<"):
        return word[1:-1]
    prefix, colon, local = word.partition(":")
    return namespaces.get(prefix + colon, prefix + colon) + re.sub(r"\\(.)", r"\1", local)
