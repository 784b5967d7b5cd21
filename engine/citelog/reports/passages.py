"""A passage that was looked for as lines of text: where it stands, what quotes it, and the statement to complete."""

from __future__ import annotations

from collections.abc import Iterator

from citelog.author.passages import Passage, Search, Segment
from citelog.author.turtle import literal
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted

FEW = 3
"""The most passages with the same words that each get a statement to complete."""


def passages(found: Search, width: int = WIDTH) -> Iterator[Line]:
    """Every passage with its place and its block; where the words are not in the document, what differs comes first."""
    if not found.passages:
        yield Line(f"{found.source} has no such passage, and none like it", "bold red")
        return
    if not found.exact:
        yield Line(f"not in {found.source}, letter for letter; the passage most like it:", "bold red")
        for difference in found.differences:
            yield from wrapped(f"  {_told(difference.asked, difference.document)}", width, "    ", "yellow")
    elif len(found.passages) > 1:
        more = "; with more of its words, one gets its statement" if len(found.passages) > FEW else ""
        yield Line(f"{counted(len(found.passages), 'passage')} with these words{more}", "bold")
    for i, passage in enumerate(found.passages):
        if i or len(found.passages) > 1 or not found.exact:
            yield Line("")
        yield from _passage(passage, found, width)


def _told(asked: str, document: str) -> str:
    """One difference in words; white space is spelt out."""
    if not asked:
        return f"the document also has {literal(document)}"
    if not document:
        return f"the document does not have {literal(asked)}"
    return f"in place of {literal(asked)} the document has {literal(document)}"


def _passage(passage: Passage, found: Search, width: int) -> Iterator[Line]:
    if passage.quote != found.asked:
        yield from wrapped(literal(passage.quote), width, "  ")
    section = f", in “{passage.section}”" if passage.section else ""
    where = f"{found.source}, line {passage.line}{section}, offsets {passage.start} to {passage.end}"
    yield from wrapped(where, width, "  ", "bold")
    if not passage.segments:
        yield Line("  in no segment: add it to segments.ttl", "yellow")
    for segment in passage.segments:
        yield from wrapped(f"  in {segment.name}, {_stands(segment)}", width, "    ")
    yield from wrapped(f"  quoted already by: {', '.join(passage.statements) or 'no statement'}", width, "    ")
    cites = f'{", ".join(passage.markers)} (cl:markers "none", if that cites nothing)' if passage.markers else "none"
    yield from wrapped(f"  markers printed in its sentence: {cites}", width, "    ")
    if len(found.passages) > FEW:
        return
    yield Line("")
    place = (
        "citelog fmt fills in the place, which may be left out"
        if len(found.passages) == 1
        else "its place tells it from the others, and citelog fmt keeps it"
    )
    yield Line(f"# for statements.trig: the quote is the document's, letter for letter; {place}", "dim")
    yield from (Line(line) for line in passage.block.rstrip("\n").split("\n"))
    if passage.segments:
        yield Line("")
        yield Line("# for segments.ttl", "dim")
        name = passage.block.split(" ", 1)[0]
        for segment in passage.segments:
            instead = " in place of cl:outOfScope" if segment.out_of_scope else ""
            yield Line(f"# {segment.name}: add cl:encodedAs {name}{instead}", "dim")


def _stands(segment: Segment) -> str:
    """How a segment stands: encoded, or set aside and why."""
    if segment.encoded_as:
        return f"which is encoded as {', '.join(segment.encoded_as)}"
    return (
        f"which is set aside: {segment.out_of_scope}"
        if segment.out_of_scope
        else "which is neither encoded nor set aside"
    )
