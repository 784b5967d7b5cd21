"""The sections of a document: each heading stands on its line, and each statement under the headings that it names.

A citation says under which heading its sentence stands: who reads “From the FDA Drug Label” takes it for what the label
says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from citelog.diagnostics import Diagnostic
from citelog.evidence.sources import Source
from citelog.knowledge.base import Statement
from citelog.knowledge.load import Opened
from citelog.knowledge.triples import RDFS, Triples
from citelog.values import Iri
from citelog.vocab import CL

CODES: Mapping[str, str] = {
    "section-not-found": "a section whose heading does not stand on its line",
    "section-wrong": "a statement that stands under another heading than it says",
}
"""Every code of this module, with its meaning."""

Headings = Mapping[str, int]
"""The line of the heading of each section, in the order of the document."""


def check_sections(opened: Opened, source: Source) -> list[Diagnostic]:
    """What is wrong with the headings of a document, and with what statements say of those that they stand under."""
    found: list[Diagnostic] = []
    headings = _headings(opened.triples, source, found)
    for statement in opened.knowledge.statements.values() if opened.knowledge else ():
        found += _about(statement, headings, opened.triples)
    return found


def _headings(triples: Triples, source: Source, found: list[Diagnostic]) -> Headings:
    """Where each heading stands; one that does not stand on its line has no place."""
    headings: dict[str, int] = {}
    for section in triples.instances(CL + "Section"):
        heading, line = triples.text(section, RDFS + "label"), triples.whole(section, CL + "line")
        lines = [source.line(place) for place in source.places(heading) if _begins_its_line(place, source.text)]
        if line in lines:
            headings[section] = line
        elif heading and line:  # which the shapes ask for
            near, at = source.nearest(heading)
            message = f"the heading of {Iri(section).local} does not stand on line {line}: {heading!r}"
            hint = f"write cl:line {lines[0]}" if len(lines) == 1 else f"the nearest text is on line {at}: {near!r}"
            found.append(triples.finding("section-not-found", (section, CL + "line"), message, hint))
    return dict(sorted(headings.items(), key=lambda one: one[1]))


def _begins_its_line(place: int, text: str) -> bool:
    """Whether no word stands before a place on its line; a number or a mark may.

    >>> _begins_its_line(3, "1. Iron"), _begins_its_line(4, "The Iron")
    (True, False)
    """
    return not any(sign.isalpha() for sign in text[text.rfind("\n", 0, place) + 1 : place])


def _about(statement: Statement, headings: Headings, triples: Triples) -> Iterator[Diagnostic]:
    """What is wrong with the sections that a statement names."""
    above = [section for section, line in headings.items() if line <= statement.line]
    under = _and_around(above[-1], triples) if above else []
    for key, right in (("section", under[-1:]), ("subsection", under[:-1])):
        named = str(triples.one(statement.iri.value, CL + key))
        if named in headings and named not in under:
            told = f"stands under “{triples.label(under[0])}”" if under else "stands above all headings"
            message = f"statement {statement.id} {told}, not under “{triples.label(named)}”"
            hint = f"write cl:{key} {triples.written(right[0])}" if right else f"remove cl:{key}"
            yield triples.finding("section-wrong", (statement.iri.value, CL + key), message, hint)


def _and_around(section: str, triples: Triples) -> list[str]:
    """A section and those that it is part of, from the inside to the outside."""
    around = [section]
    while (whole := str(triples.one(around[-1], CL + "partOf"))) in triples.classes.get(CL + "Section", ()):
        if whole in around:
            break  # a circle
        around.append(whole)
    return around
