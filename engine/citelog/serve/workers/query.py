"""What a query's text says before it is run: its form, graphs and prefixes, and whether it asks for what is refused.

The engine decides what is a query; here its tokens alone are looked at. A worker process could not reach out in
any case (`worker`); this is where the client is told so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal
from urllib.parse import urljoin, urlsplit

from citelog.graph.asked import UPDATES, Token, tokens
from citelog.graph.dataset import PARAMETER
from citelog.serve.http.limits import Limits, Refusal

Form = Literal["SELECT", "ASK", "CONSTRUCT", "DESCRIBE"]

FORMS: tuple[Form, ...] = ("SELECT", "ASK", "CONSTRUCT", "DESCRIBE")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\U([0-9A-Fa-f]{8})")
_NOTHING = Token("", "", 0)


@dataclass(frozen=True, slots=True)
class Query:
    """A query as far as its tokens tell.

    `graphs` are the addresses after FROM and FROM NAMED, resolved; `prefixes` those that the query declares.
    """

    text: str
    form: Form
    graphs: tuple[str, ...]
    prefixes: dict[str, str]


def read_query(text: str, base: str, limits: Limits, is_filled: bool = False) -> Query:
    """Look through a query; `base` is the address that relative ones are resolved against.

    `is_filled` says that its parameters, if it has any, have values.

    Raises Refusal for an update, for SERVICE, for brackets nested too deeply, for a NUL, and for what is no query.

    >>> text = "PREFIX e: <http://e/> ASK FROM e:g FROM NAMED <h> { ?s ?p 'SERVICE' }"
    >>> found = read_query(text, "http://b/", Limits())
    >>> found.form, found.graphs
    ('ASK', ('http://e/g', 'http://b/h'))
    >>> read_query("ASK { { SERVICE <http://elsewhere/> { ?s ?p ?o } } }", "http://b/", Limits())
    Traceback (most recent call last):
    citelog.serve.http.limits.Refusal: line 1: SERVICE asks another server, and this one asks nobody
    ...
    """
    if "\0" in text:
        raise Refusal(400, "the query holds a NUL character", "remove it")
    cut = list(tokens(text))
    form = _form(cut)
    _refuse_service(cut)
    if not is_filled:
        _refuse_parameters(text)
    _refuse_depth(cut, limits.depth)
    graphs, prefixes = _graphs(cut, base)
    return Query(text, form, graphs, prefixes)


def _refuse_parameters(text: str) -> None:
    """A library query whose parameters nothing fills would have no answer, and look as if there were none."""
    if PARAMETER in text:
        remedy = "put the value in the place of its variable; or ask on the page, or with citelog query and --param"
        raise Refusal(400, "this query of the library has parameters, and here nothing gives them values", remedy)


def read_only() -> Refusal:
    """The answer to every update, in whatever way it comes."""
    what = "this endpoint answers queries and changes nothing: an update is refused"
    return Refusal(403, what, "send a query; what the dataset holds is changed where it comes from")


def _form(cut: list[Token]) -> Form:
    word = next(
        (t.written for t in cut if t.kind == "word" and t.written.upper() not in ("BASE", "PREFIX", "VERSION")), ""
    )
    if word.casefold() in UPDATES:
        raise read_only()
    for form in FORMS:
        if word.upper().startswith(form):  # the engine needs no blank after a keyword
            return form
    raise Refusal(400, "this is no query", f"begin with one of {', '.join(FORMS)}, after any PREFIX and BASE")


def _refuse_service(cut: list[Token]) -> None:
    """SERVICE as a keyword, also glued to what stands beside it. A prefix may have that name, unless `{` follows."""
    for before, token, after in zip([_NOTHING, *cut], cut, [*cut[1:], _NOTHING], strict=False):
        if "service" not in token.written.split(":")[0].casefold():
            continue
        named = token.kind == "name" and (after.written != "{" or before.written.upper() == "GRAPH")
        if token.kind in ("word", "name") and not named:
            what = f"line {token.line}: SERVICE asks another server, and this one asks nobody"
            raise Refusal(403, what, "ask each server itself, and join the answers")


def _refuse_depth(cut: list[Token], most: int) -> None:
    depth = 0
    for token in cut:
        if token.kind == "sign":
            depth += (token.written in "([{") - (token.written in ")]}")
        if depth > most:
            what = f"line {token.line}: brackets are nested deeper than {most}"
            raise Refusal(400, what, "write the query with fewer levels")


def _graphs(cut: list[Token], base: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The addresses after FROM, and the prefixes; all of them stand before the first brace."""
    graphs: list[str] = []
    prefixes: dict[str, str] = {}
    words: list[str] = []  # since the last address
    for before, token in pairwise([_NOTHING, *cut]):
        if token.written == "{":
            break
        word = token.written.split(":")[0].upper()
        if token.kind == "word":
            words.append(word)
        if (token.kind == "word" and "FROM" in word and word != "FROM") or (
            token.kind == "name" and word in ("FROM", "NAMED") and words[-1:] != ["PREFIX"]
        ):
            what = f"line {token.line}: {token.written}: where FROM ends is not clear"
            raise Refusal(400, what, "write a blank on each side of FROM and NAMED")
        if token.kind == "iri" and words[-1:] == ["BASE"]:
            base = _resolved(token.written[1:-1], base)
        elif token.kind == "iri" and words[-1:] == ["PREFIX"]:
            prefixes[before.written[:-1]] = _resolved(token.written[1:-1], base)
        elif token.kind in ("iri", "name") and (words[-1:] == ["FROM"] or words[-2:] == ["FROM", "NAMED"]):
            graphs.append(_address(token, base, prefixes))
        else:
            continue
        words.clear()
    return tuple(graphs), prefixes


def _address(token: Token, base: str, prefixes: dict[str, str]) -> str:
    if token.kind == "iri":
        return _resolved(token.written[1:-1], base)
    prefix, _, local = token.written.partition(":")
    if prefix not in prefixes:
        raise Refusal(
            400, f"line {token.line}: the prefix {prefix}: is not declared", f"begin with PREFIX {prefix}: <…>"
        )
    return prefixes[prefix] + local.replace("\\", "")


def _resolved(written: str, base: str) -> str:
    try:
        address = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), written)
        address.encode()  # raises where an escape is half a character
        return address if urlsplit(address).scheme else urljoin(base, address)
    except (ValueError, OverflowError) as error:
        raise Refusal(400, f"<{written}> is no address", "correct it") from error
