"""The places of quotes, written into the files that quote: an author types the quote, and the rest follows from it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from citelog.layout.edits import Edit, edited
from citelog.layout.tokens import Block, Said, Token, blocks, iri, prefixes, tokens
from citelog.vocab import CL

Place = tuple[int, int, int]
"""The line of a quote, and the offsets at which it starts and ends."""

KEYS = ("line", "start", "end")


def placed(text: str, places: Mapping[str, Place]) -> tuple[str, list[str]]:
    """A file with the place of each quote filled in or put right, and the names of the statements that this changed.

    `places` are those of the statements, by their IRIs.

    >>> text = '@prefix cl: <https://w3id.org/citelog#> .\\n<https://example.org/S> cl:quote "Wait" .'
    >>> print(placed(text, {"https://example.org/S": (1, 0, 4)})[0].partition("\\n")[2])
    <https://example.org/S> cl:quote "Wait" ;
    cl:line 1 ; cl:start 0 ; cl:end 4 .
    """
    file = tokens(text)
    namespaces = prefixes(file)
    edits: list[Edit] = []
    changed: list[str] = []
    for block in blocks(file):
        place = places.get(iri(block.subject.text, namespaces))
        if place is not None and (made := _edits(text, file, block, namespaces, place)):
            edits += made
            changed.append(block.subject.text)
    return edited(text, edits), changed


def said_anew(text: str, values: Mapping[str, Mapping[str, str]]) -> str:
    """A file in which some things have other values: `values`, as they are written, by property, by subject (IRIs).

    Only what the file says of them outside of graphs is said anew; nothing is added.

    >>> text = '@prefix ex: <https://example.org/> .\\nex:a ex:line 1 ; ex:b 2 .'
    >>> print(said_anew(text, {"https://example.org/a": {"https://example.org/line": "7"}}).partition("\\n")[2])
    ex:a ex:line 7 ; ex:b 2 .
    """
    file = tokens(text)
    namespaces = prefixes(file)
    edits = [
        Edit(said.objects[0].start, said.objects[-1].end, value)
        for block in blocks(file)
        if (new := values.get(iri(block.subject.text, namespaces)))
        for said in block.said
        if said.objects and (value := new.get(iri(said.verb.text, namespaces))) is not None
    ]
    return edited(text, edits)


def _edits(text: str, file: list[Token], block: Block, namespaces: dict[str, str], place: Place) -> list[Edit]:
    """What makes the place in a block right: numbers that are wrong, and the properties that are not there."""
    said = {iri(s.verb.text, namespaces).removeprefix(CL): s for s in block.said}
    quote = said.get("quote")
    if quote is None:
        return []
    wanted = dict(zip(KEYS, map(str, place), strict=True))
    wrong = [
        Edit(said[key].objects[0].start, said[key].objects[-1].end, number)
        for key, number in wanted.items()
        if key in said and said[key].objects and [o.text for o in said[key].objects] != [number]
    ]
    missing = [f"{_verb(quote, key)} {number}" for key, number in wanted.items() if key not in said]
    if not missing:
        return wrong
    given = [said[key] for key in KEYS if key in said]
    after = max(given or [quote], key=lambda one: one.after)
    return [*wrong, _added(file, after, " ; ".join(missing), own_line=not given)]


def _verb(quote: Said, key: str) -> str:
    """A property of a place, as this file writes that of the quote."""
    return re.sub(r"quote(?=>?$)", key, quote.verb.text)


def _added(file: list[Token], after: Said, said: str, own_line: bool) -> Edit:
    """More said after something: on the line below, if the file breaks its lines there, and behind any comment."""
    sign = file[after.after]
    following = file[after.after + 1] if after.after + 1 < len(file) else None
    if sign.part != ";":
        at = after.objects[-1].end
        return Edit(at, at, f" ;{chr(10) if own_line else ' '}{said}")
    if own_line and following is not None:
        if following.part == "comment" and not following.breaks:
            return Edit(following.end, following.end, f"\n{said} ;")
        if following.breaks:
            return Edit(sign.end, sign.end, f"\n{said} ;")
    return Edit(sign.end, sign.end, f" {said} ;")
