"""An audit as lines of text: the figures as a table, then what each of them counts, with its place."""

from __future__ import annotations

from collections.abc import Iterator

from citelog.audit.model import Audit
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.table import table


def audited(found: Audit, width: int = WIDTH) -> Iterator[Line]:
    """The figures, then every item of each."""
    yield Line(f"{found.knowledge} {found.version}: {found.title}", "bold")
    yield Line("")
    rows = [(one.code, one.uncounted or str(one.count), f"of {one.of} {one.of_what}") for one in found.figures]
    yield from table(("figure", "count", "of"), rows, width)
    for one in found.figures:
        yield Line("")
        yield Line(f"{one.code}: {one.title}", "bold")
        yield from wrapped(f"  {one.meaning}", width, "  ", "dim")
        for item in one.items:
            yield from wrapped(f"  {item.about}  {item.text}  {item.span}", width, "      ")
            if item.reason:
                yield from wrapped(f"      {item.reason}", width, "      ", "dim")
