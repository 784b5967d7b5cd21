"""Trusty URIs: a name that holds the hash of what it names, so that nobody can change it unseen.

The hash of RDF (module RA of the specification, trustyuri.net): quads with the hash's own place left blank, in a fixed
order, as text, through SHA-256.
"""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from typing import NamedTuple

CODE = "~code~"
"""What stands in an IRI for the hash until it is known."""


class Text(NamedTuple):
    """A literal: its words and its datatype."""

    words: str
    datatype: str = "http://www.w3.org/2001/XMLSchema#string"


Quad = tuple[str, str, str, str | Text]
"""Graph, subject, predicate and object; IRIs are text."""


def code(quads: Iterable[Quad]) -> str:
    """The hash of some quads, in the IRIs of which `CODE` stands for it.

    >>> code([("http://ex/~code~#g", "http://ex/a", "http://ex/b", Text("c"))])
    'RAkh0KiBkAM40I_ByeqNUYFetgxL9J13rDJMi6GbQQ-_M'
    """
    blank = [(g.replace(CODE, " "), s.replace(CODE, " "), p, _blank(o)) for g, s, p, o in set(quads)]
    blank.sort(key=lambda quad: (*quad[:3], isinstance(quad[3], Text), quad[3]))
    text = "".join(f"{g}\n{s}\n{p}\n{_line(o)}\n" for g, s, p, o in blank)
    return "RA" + urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")


def filled(quads: Iterable[Quad], found: str) -> Iterable[Quad]:
    """The quads with the hash in its place."""
    for g, s, p, o in quads:
        yield g.replace(CODE, found), s.replace(CODE, found), p, o if isinstance(o, Text) else o.replace(CODE, found)


def _blank(term: str | Text) -> str | Text:
    return term if isinstance(term, Text) else term.replace(CODE, " ")


def _line(term: str | Text) -> str:
    if not isinstance(term, Text):
        return term
    words = term.words.replace("\\", "\\\\").replace("\n", "\\n")
    return f"^{term.datatype} {words}"
