"""An audit as lines of text: a table of the figures first, then what each of them counts, with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from citelog.audit.model import TOPICS, WEIGHTS, Audit, Figure, Item, total
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted

FEW = 4
"""Items of a figure that are told where all figures are."""

STYLES = {"broken": "bold red", "open": "yellow", "disclosed": ""}
SIGNS = {"broken": "✗", "open": "?", "disclosed": "·"}


def audited(found: Audit, width: int = WIDTH) -> Iterator[Line]:
    """The figures as a table, then the first items of each that counts something."""
    yield from _heading(found, width)
    yield from _table(found.figures)
    for one in found.figures:
        if one.items:
            yield Line("")
            yield from _figure(one, width, FEW)


def figures(found: Iterable[Figure], width: int = WIDTH) -> Iterator[Line]:
    """Some figures, each with all its items."""
    for place, one in enumerate(found):
        if place:
            yield Line("")
        yield from _figure(one, width, len(one.items))


def _heading(found: Audit, width: int) -> Iterator[Line]:
    yield Line(f"{found.knowledge} {found.version}: {found.title}", "bold")
    if found.document:
        yield from wrapped(
            f"  document   {found.document}  SHA-256 {found.document_sha256[:16]}…", width, "             "
        )
    yield from wrapped(
        f"  status     {found.review_status or 'the document says nothing of its review'}", width, "             "
    )
    if found.sha256:
        yield from wrapped(f"  knowledge  SHA-256 {found.sha256[:16]}…", width, "             ")
    broken, open_, disclosed = (total(found.figures, weight) for weight in WEIGHTS)
    uncounted = sum(bool(one.uncounted) for one in found.figures)
    yield Line("")
    yield Line(f"  {counted(broken, 'broken link')}", STYLES["broken"] if broken else "green")
    yield Line(f"  {open_} open: {WEIGHTS['open']}", STYLES["open"] if open_ else "green")
    yield Line(f"  {disclosed} disclosed: {WEIGHTS['disclosed']}")
    if uncounted:
        yield Line(f"  {counted(uncounted, 'figure')} not counted", STYLES["broken"])


def _table(found: tuple[Figure, ...]) -> Iterator[Line]:
    count = max(len(str(one.count)) for one in found)
    of = max(len(f"of {one.of} {one.of_what}") for one in found)
    topic = ""
    for one in found:
        if one.topic != topic:
            topic = one.topic
            yield Line("")
            yield Line(TOPICS[topic], "bold")
        told = f"{one.count:>{count}} of {one.of} {one.of_what}" if not one.uncounted else f"{'–':>{count}} not counted"
        yield Line(f"  {_sign(one)} {told.ljust(count + 1 + of)}  {one.code}", _style(one))


def _sign(one: Figure) -> str:
    if one.uncounted:
        return "–"
    return SIGNS[one.weight] if one.count else "✓"


def _style(one: Figure) -> str:
    if one.uncounted:
        return STYLES["broken"]
    return STYLES[one.weight] if one.count else "green"


def _figure(one: Figure, width: int, most: int) -> Iterator[Line]:
    told = f"not counted, {one.uncounted}" if one.uncounted else f"{one.count} of {one.of} {one.of_what}"
    yield from wrapped(
        f"{one.code}  {told}", width, "  ", f"bold {_style(one) if one.weight != 'disclosed' else ''}".strip()
    )
    yield from wrapped(f"  {one.title[:1].upper()}{one.title[1:]}. {one.meaning}", width, "  ", "dim")
    for item in one.items[:most]:
        yield from _item(item, width)
    if len(one.items) > most:
        yield Line(f"  … and {len(one.items) - most} more: --figure {one.code}", "dim")


def _item(item: Item, width: int) -> Iterator[Line]:
    yield Line(f"{item.about}  {item.span}", "cyan", "  ", item.span.file)
    yield from wrapped(f"    {item.text}", width, "    ") if item.text else ()
    if item.reason:
        yield from wrapped(f"    reason: {item.reason}", width, "      ", "dim")
