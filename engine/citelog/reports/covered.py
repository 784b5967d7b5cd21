"""What the cases of a knowledge base exercise, as lines of text: counts, every gap, and cases that would fill some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from citelog.knowledge.base import Knowledge
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted
from citelog.trial.coverage import ASPECTS, Coverage, Point
from citelog.trial.suggested import Suggestion

COUNTED = {
    "rule": ("rules", "that fire"),
    "literal": ("literals", "that decide: they fail where all else of the rule holds"),
    "side": ("sides of limits", "on which a value stands: below, at, above"),
    "statement": ("statements", "that a firing cites, of those that rules read"),
    "conflict": ("conflicts", "that are shown"),
    "conclusion": ("conclusions", "that are drawn"),
}
"""What each aspect counts, and what a case does to one of them."""

NEVER = {
    "rule": "Rules that never fire",
    "literal": "Literals that never decide (one that follows from the rest of its rule never can)",
    "side": "Limits that no value is tried at",
    "statement": "Statements that no firing cites",
    "conflict": "Conflicts that are never shown",
    "conclusion": "Conclusions that are never drawn",
}
"""The headings of what no case exercises."""


def covered(
    found: Coverage, suggestions: Iterable[Suggestion], knowledge: Knowledge, width: int = WIDTH
) -> Iterator[Line]:
    """The counts, what no case exercises, and cases that would."""
    many = len(found.cases)
    yield Line(f"{knowledge.id}: what {counted(many, 'case')} {'exercises' if many == 1 else 'exercise'}", "bold")
    yield from _counts(found)
    for told in found.unusable:
        yield from wrapped(f"  no case, and not counted: {told.splitlines()[0]}", width, "    ", "yellow")
    for aspect in ASPECTS:
        if gaps := [point for point in found.gaps if point.aspect == aspect]:
            yield Line("")
            yield Line(NEVER[aspect], "bold")
            yield from _gaps(gaps, knowledge, width)
    yield from _suggested(suggestions, width)


def rule(
    found: Coverage, suggestions: Iterable[Suggestion], knowledge: Knowledge, width: int = WIDTH
) -> Iterator[Line]:
    """One rule: which cases fire it, decide each of its literals, and stand on each side of its limits."""
    for point in found.points:
        if point.aspect == "rule":
            yield _heading(point, knowledge)
            yield from wrapped(
                f"  {_mark(point)} fires in {counted(len(point.cases), 'case')}", width, "    ", _style(point)
            )
            more = f" and {len(point.cases) - 3} more" if len(point.cases) > 3 else ""
            yield from wrapped(f"    {', '.join(point.cases[:3])}{more}", width, "    ") if point.cases else ()
            continue
        told = f"decided by {point.text}" if point.aspect == "literal" else point.text
        case = f": {point.cases[0]}" if point.cases else ": no case"
        yield from wrapped(f"  {_mark(point)} {told}{case}", width, "      ", _style(point))
    yield from _suggested(suggestions, width)


def _counts(found: Coverage) -> Iterator[Line]:
    for aspect in ASPECTS:
        done, of = found.counts(aspect)
        name, what = COUNTED[aspect]
        if of:
            yield Line(f"  {name:16} {done:4} of {of:4}  {what}", "green" if done == of else "yellow")
    done, of = found.counts()
    yield Line(f"  {'in all':16} {done:4} of {of:4}  {share(found.percent)} %", "bold")


def share(percent: float) -> str:
    """A share with one digit behind the point, never more than it is.

    >>> share(99.97), share(100.0)
    ('99.9', '100.0')
    """
    return f"{int(percent * 10) / 10:.1f}"


def _gaps(gaps: list[Point], knowledge: Knowledge, width: int) -> Iterator[Line]:
    for name, points in groupby(gaps, key=lambda point: point.rule):
        listed = list(points)
        if name:
            yield _heading(listed[0], knowledge)
        for point in listed:
            told = point.text if name else f"{point.name} {point.text}"
            if told:
                yield from wrapped(f"{'    ' if name else '  '}{told}", width, "      ")


def _heading(point: Point, knowledge: Knowledge) -> Line:
    span = next(rule.span for rule in knowledge.program.rules if rule.name == point.rule)
    return Line(f"{point.rule}  {span.file}:{span.line}", "cyan", "  ", span.file)


def _mark(point: Point) -> str:
    return "✓" if point.cases else "✗"


def _style(point: Point) -> str:
    return "green" if point.cases else "yellow"


def _suggested(suggestions: Iterable[Suggestion], width: int) -> Iterator[Line]:
    listed = list(suggestions)
    if not listed:
        return
    yield Line("")
    yield Line("Cases that would exercise some of this", "bold")
    yield from wrapped(
        "  Expected is what the rules give now: read the document before you keep one.", width, "  ", "yellow"
    )
    for one in listed:
        yield Line("")
        yield from wrapped(f"# {one.point.aspect} {one.point.name}, from {one.base}:", width, "#   ", "cyan")
        for change in one.changes:
            yield from wrapped(f"#   {change}", width, "#     ")
        for line in one.text.splitlines():
            yield Line(line)
