"""How far the statements and rules of a knowledge base have been reviewed, as lines of text: the counts first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter

from citelog.approval.history import History, Origin
from citelog.knowledge import states
from citelog.knowledge.base import STATES, Knowledge
from citelog.knowledge.states import Reviewed
from citelog.render.lines import Line, wrapped
from citelog.render.phrases import counted
from citelog.render.table import table

NOBODY = "–"


def standing(knowledge: Knowledge, found: Sequence[Reviewed], told: History, width: int) -> Iterator[Line]:
    """The counts, then each statement and rule with its state, who looked at it, who encoded it and who changed it."""
    yield Line(f"{knowledge.title} ({knowledge.id} {knowledge.version})", "bold")
    for kind, counts in states.counted(found).items():
        total = sum(counts.values())
        if total:
            parts = ", ".join(f"{counts[state]} {state}" for state in STATES if counts[state])
            yield Line(f"  {counted(total, kind)}: {parts}")
    if stale := sum(one.stale for one in found):
        yield Line(
            f"  {counted(stale, 'review is', 'reviews are')} outdated: what was reviewed has changed since", "yellow"
        )
    if told.untold:
        yield from wrapped(f"  git knows nothing of who changed what: {told.untold}", width, "  ", "dim")
    said = any(told.origins[one.iri].encoders for one in found)
    if not said:
        yield Line("  nothing in the knowledge base says who encoded it (prov:wasAttributedTo)", "dim")
    yield Line("")
    columns: list[tuple[str, Callable[[Reviewed], str]]] = [
        ("", attrgetter("kind")),
        ("id", attrgetter("name")),
        ("state", attrgetter("state")),
        ("by", _review),
    ]
    columns += [("encoded by", lambda one: _encoders(told.origins[one.iri]))] if said else []
    columns += [("last change", lambda one: _change(told.origins[one.iri]))] if not told.untold else []
    yield from table([name for name, _ in columns], [[cell(one) for _, cell in columns] for one in found], width)


def _review(one: Reviewed) -> str:
    last = one.last
    if last is None:
        return NOBODY
    said = f"{last.name}, {last.on.isoformat()}"
    note = f": {last.note}" if last.note else ""
    return f"{last.state} before it was changed, {said}{note}" if one.stale else said + note


def _encoders(origin: Origin) -> str:
    return ", ".join(origin.encoders) or NOBODY


def _change(origin: Origin) -> str:
    touch = origin.touch
    change = f"{touch.author}, {touch.day.isoformat()} ({touch.commit})" if touch else ""
    if origin.open:
        return f"not committed; before that {change}" if change else "not committed"
    return change or NOBODY
