"""The way from each sentence to what is concluded from it and back, as lines of text and as a table of links."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from citelog.audit.trace import LEVELS, Node, Trace
from citelog.evidence.sources import Source
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted

MANY = 12
"""Names that are told one by one."""


def traced(found: Trace, source: Source, width: int = WIDTH) -> Iterator[Line]:
    """Each sentence forward, each conclusion back, and what has no way."""
    yield Line("From each sentence of the document to what is concluded from it", "bold")
    for sentence in found.of("sentence"):
        yield Line("")
        yield from _sentence(found, sentence, source, width)
    yield Line("")
    yield Line("From each conclusion back to the document", "bold")
    for conclusion in found.of("conclusion"):
        yield Line("")
        yield from _conclusion(found, conclusion, source, width)
    yield Line("")
    yield Line("From each member of the documents of an answer to the places of the page that show it", "bold")
    for member in found.of("member"):
        yield Line("")
        yield from _member(found, member, width)
    yield Line("")
    yield from orphans(found, width)


def orphans(found: Trace, width: int = WIDTH) -> Iterator[Line]:
    """What has no way back to the document, or on to an answer."""
    told = ", ".join(f"{len(found.of(level))} {name[:1].lower()}{name[1:]}" for level, name in LEVELS.items())
    yield from wrapped(f"{counted(len(found.orphans), 'orphan')} among {told}", width, "  ", "bold")
    for one in found.orphans:
        way = "back to the document" if one.towards == "document" else "on to an answer"
        yield Line(f"{one.node.level} {one.node.id}  {one.node.span}", "yellow", "  ", one.node.span.file)
        yield from wrapped(f"    no way {way}: {one.what}", width, "    ")


def _sentence(found: Trace, sentence: Node, source: Source, width: int) -> Iterator[Line]:
    line = source.line(sentence.at[0]) if sentence.at else 0
    yield from wrapped(f"line {line}  {sentence.text}", width, "  ", "bold")
    if sentence.reason:
        yield from wrapped(f"  set aside: {sentence.reason}", width, "    ", "dim")
    for one in found.forth(sentence, "statement"):
        yield Line(f"{one.id}  {one.span}", "cyan", "  ", one.span.file)
        yield from wrapped(f"    “{one.text}”", width, "    ")
        triples = found.forth(one, "triple")
        read = [t for t in triples if found.forth(t, "rule") or found.forth(t, "conclusion")]
        yield from wrapped(
            f"    says        {counted(len(triples), 'triple')}, {len(read)} of them read or shown", width, "    "
        )
        yield from _names("rules", found.forth(one, "rule"), width)
        conclusions = found.forth(one, "conclusion")
        yield from _told("conclusions", [_with_cases(found, c) for c in conclusions], width)
        yield from _names("properties", _unique(p for c in conclusions for p in found.forth(c, "property")), width)
        if one.reason:
            yield from wrapped(f"    besides     {one.reason}", width, " " * 16, "dim")


def _conclusion(found: Trace, conclusion: Node, source: Source, width: int) -> Iterator[Line]:
    yield Line(f"{_with_cases(found, conclusion)}  {conclusion.span}", "cyan", "", conclusion.span.file)
    yield from wrapped(f"    {conclusion.text}", width, "    ")
    yield from _names("rules", found.back(conclusion, "rule"), width)
    statements = found.back(conclusion, "statement")
    yield from _names("statements", statements, width)
    sentences = _unique(s for one in statements for s in found.back(one, "sentence"))
    lines = [f"line {source.line(one.at[0])} ({one.id})" for one in sentences if one.at]
    yield from _told("sentences", lines, width)
    yield from _names("properties", found.forth(conclusion, "property"), width)


def _member(found: Trace, member: Node, width: int) -> Iterator[Line]:
    yield Line(member.id, "cyan")
    yield from wrapped(f"    {member.text}", width, "    ") if member.text else ()
    yield from _names("shown at", found.forth(member, "element"), width)
    yield from _names("keeps", found.back(member, "member"), width)
    yield from _names("kept in", found.forth(member, "member"), width)
    yield from wrapped(f"    besides     {member.reason}", width, " " * 16, "dim") if member.reason else ()


def _with_cases(found: Trace, conclusion: Node) -> str:
    return f"{conclusion.id} ({counted(len(found.forth(conclusion, 'case')), 'case')})"


def _unique(nodes: Iterable[Node]) -> tuple[Node, ...]:
    return tuple({node.key: node for node in nodes}.values())


def _names(what: str, nodes: Iterable[Node], width: int) -> Iterator[Line]:
    yield from _told(what, [node.id for node in nodes], width)


def _told(what: str, names: list[str], width: int) -> Iterator[Line]:
    if names:
        more = f" and {len(names) - MANY} more" if len(names) > MANY else ""
        yield from wrapped(f"    {what:12}{', '.join(names[:MANY])}{more}", width, " " * 16)


COLUMNS = ("from", "from_id", "from_file", "from_line", "to", "to_id", "to_file", "to_line", "note")


def table(found: Trace) -> str:
    """Every link as a row of CSV, each end with its level, id and place; what has no link where one is due follows.

    A thing that gives a reason for having none has a row with the reason as its note, an orphan one with what is wrong.
    A name that a spreadsheet would run as a formula has an apostrophe before it.
    """
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one, other in found.links:
        rows.writerow((*_end(found.by_key[one]), *_end(found.by_key[other]), ""))
    for node in found.nodes:
        if node.reason:
            rows.writerow((*_end(node), "", "", "", "", f"reason: {node.reason}"))
    for orphan in found.orphans:
        rows.writerow((*_end(orphan.node), "", "", "", "", f"orphan towards the {orphan.towards}: {orphan.what}"))
    return out.getvalue()


def _end(node: Node) -> tuple[str, str, str, int]:
    return node.level, _text(node.id), _text(node.span.file), node.span.line


def _text(cell: str) -> str:
    """A cell that every spreadsheet takes for text.

    >>> _text("tired:PROBABLY"), _text("=HYPERLINK(1)")
    ('tired:PROBABLY', "'=HYPERLINK(1)")
    """
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
