"""A query asked of a dataset: what it may not do, and what comes back.

pyoxigraph answers; nothing is added to the query as it stands. Queries read. What would reach out of
the dataset is refused before it is asked: SERVICE, whatever stands in FROM that is no graph of the dataset, and
updates. To find these, the query is cut into the tokens of the SPARQL grammar, so that the word in a text, an IRI, a
name or a comment is not taken for the keyword. (The command asks in a process that can open nothing besides.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from citelog.diagnostics import CitelogError, did_you_mean
from citelog.graph.dataset import PARAMETER, Dataset
from citelog.knowledge.triples import RDF

if TYPE_CHECKING:
    from pyoxigraph import Literal, NamedNode, QueryBoolean, QuerySolutions, QueryTriples

    Found = QueryBoolean | QuerySolutions | QueryTriples

_TOKEN = re.compile(
    r"""
    (?P<iri>     <[^<>"{}|^`\x00-\x20]*> )
  | (?P<text>    \"{3}(?:(?:\"|\"\")?(?:[^"\\]|\\.))*\"{3} | '{3}(?:(?:'|'')?(?:[^'\\]|\\.))*'{3}
               | \"(?:[^"\\\n\r]|\\.)*\" | '(?:[^'\\\n\r]|\\.)*' )
  | (?P<var>     [?$]\w+ )
  | (?P<name>    (?:[^\W\d_](?:[\w.-]*[\w-])?)?
                :(?:(?:[\w:.-]|%[0-9A-Fa-f]{2}|\\[^\w\s])*(?:[\w:-]|%[0-9A-Fa-f]{2}|\\[^\w\s]))? )
  | (?P<tag>     @[A-Za-z-]+ )
  | (?P<word>    \w+ )
  | (?P<blank>   (?:\s+|\#[^\n\r]*)+ )
  | (?P<sign>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
"""The terminals of the SPARQL grammar, as far as they tell keywords from the rest; every character is in one."""

UPDATES = frozenset(["insert", "delete", "load", "clear", "create", "drop", "copy", "move", "add", "with"])
"""The words that updates begin with."""


class Token(NamedTuple):
    """A token of a query: its kind (`iri`, `text`, `var`, `name`, `word`, `sign` …), how it is written, its line."""

    kind: str
    written: str
    line: int


def tokens(text: str) -> Iterator[Token]:
    """The tokens of a query, without blanks and comments.

    >>> [(t.kind, t.written) for t in tokens("ASK { ?s a:b 'SERVICE' } # SERVICE")][1:5]
    [('sign', '{'), ('var', '?s'), ('name', 'a:b'), ('text', "'SERVICE'")]
    """
    line = 1
    for found in _TOKEN.finditer(text):
        kind, written = str(found.lastgroup), found[0]
        if kind != "blank":
            yield Token(kind, written, line)
        line += written.count("\n")


@contextmanager
def asked(data: Dataset, name: str, text: str, bound: Mapping[str, NamedNode | Literal]) -> Iterator[Found]:
    """What a query finds, to be read within the context; `name` is for messages, `bound` has the parameters' values.

    Raises CitelogError where the query cannot be read, or asks for what it may not have.
    """
    from pyoxigraph import NamedNode, Quad

    check(data, name, text, bound)
    value = NamedNode(RDF + "value")
    parameters = [Quad(NamedNode(PARAMETER + key), value, term) for key, term in bound.items()]
    data.store.extend(parameters)
    try:
        yield data.store.query(text)
    except SyntaxError as error:
        raise CitelogError(f"{name}: {_told(error, text)}") from error
    except (RuntimeError, OSError) as error:
        raise CitelogError(
            f"{name}: the query cannot be answered: {error}\n   = use the functions of SPARQL"
        ) from error
    finally:
        for quad in parameters:
            data.store.remove(quad)


def _told(error: SyntaxError, text: str) -> str:
    """Why a query cannot be read: it is an update, which pyoxigraph's queries do not know, or there is a slip in it."""
    cut = list(tokens(text))
    first = _after_prologue([token.written.casefold() if token.kind == "word" else "" for token in cut])
    for token in cut[first : first + 1]:
        if token.written.casefold() in UPDATES:
            what = f"{token.written} is an update, and queries only read"
            return f"line {token.line}: {what}\n   = to change the knowledge, edit its files"
    place = re.match(r"error at (\d+):(\d+): (.*)", str(error), re.DOTALL)
    if place is None:
        return f"this is no SPARQL query: {error}\n   = https://www.w3.org/TR/sparql11-query/ has the grammar"
    line, column, what = int(place[1]), int(place[2]), place[3]
    lines = text.split("\n")
    gutter = f"   {line} | "
    return (
        f"line {line}, column {column}: this is no SPARQL query: {what}\n"
        f"{gutter}{lines[line - 1] if line <= len(lines) else ''}\n{' ' * (len(gutter) + column - 1)}^\n"
        "   = it cannot be read on from there"
    )


def check(data: Dataset, name: str, text: str, declared: Iterable[str] = ()) -> None:
    """Refuse what reaches out of the dataset, and a parameter that nothing declares."""
    folded = text.casefold()
    if not any(letters in folded for letters in ("service", "from", PARAMETER)):
        return  # the words are not in it, whatever the tokens
    from pyoxigraph import NamedNode

    cut, declared = list(tokens(text)), set(declared)
    words = [token.written.casefold() if token.kind == "word" else "" for token in cut]
    prefixes = _prefixes(cut, words)
    for at, token in enumerate(cut):
        # glued to whatever: no other word of SPARQL has these letters, and a prefix of that name stands before no {
        prefix = token.written.partition(":")[0].casefold() if token.kind == "name" else ""
        opens = cut[at + 1].written == "{" if at + 1 < len(cut) else False
        glued = "service" in prefix and opens and (at == 0 or words[at - 1] != "graph")
        if "service" in words[at] or glued:
            what = "SERVICE would ask another server, and nothing here reaches a network"
            raise CitelogError(f"{name}: line {token.line}: {what}\n   = ask that server yourself, and compare")
        iri = _iri(token, prefixes) if token.kind in ("iri", "name") else None
        if iri is None:
            continue
        if iri.startswith(PARAMETER) and iri.removeprefix(PARAMETER) not in {"", *declared}:
            wanted = iri.removeprefix(PARAMETER)
            what = f"reads the parameter {wanted}, which is not declared"
            hint = did_you_mean(wanted, declared) or f"declare it: # @param {wanted}: string — what it means"
            raise CitelogError(f"{name}: line {token.line}: {what}\n   = {hint}")
        dataset_clause = words[at - 1 : at] == ["from"] or words[max(0, at - 2) : at] == ["from", "named"]
        if dataset_clause and not data.store.contains_named_graph(NamedNode(iri)):
            what = f"FROM {token.written} is no graph of the dataset, and nothing is loaded"
            hint = "leave FROM out, or name the graph of a statement"
            raise CitelogError(f"{name}: line {token.line}: {what}\n   = {hint}")


def _after_prologue(words: Sequence[str]) -> int:
    """The place of the first token after BASE, PREFIX and VERSION."""
    at = 0
    while words[at : at + 1] in (["prefix"], ["base"], ["version"]):
        at += 3 if words[at] == "prefix" else 2
    return at


def _prefixes(cut: Sequence[Token], words: Sequence[str]) -> dict[str, str]:
    found = {}
    for word, name, iri in zip(words, cut[1:], cut[2:], strict=False):
        if word == "prefix" and (name.kind, iri.kind) == ("name", "iri"):
            found[name.written.removesuffix(":")] = iri.written[1:-1]
    return found


def _iri(token: Token, prefixes: Mapping[str, str]) -> str | None:
    """The IRI that a token names, if it names one."""
    if token.kind == "iri":
        return token.written[1:-1]
    prefix, _, local = token.written.partition(":")
    return prefixes[prefix] + local.replace("\\", "") if token.kind == "name" and prefix in prefixes else None
