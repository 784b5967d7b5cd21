"""What verification found out, as lines of text: verdicts first, then the records that show what should not be."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from citelog.knowledge.base import Knowledge
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted
from citelog.render.proofs import proof
from citelog.verify.verdicts import AxisCount, Undecided, Verdict, Verification


def verified(found: Verification, knowledge: Knowledge, width: int = WIDTH) -> Iterator[Line]:
    """Everything that was found out."""
    broken = sum(not verdict.holds for verdict in (*found.properties, *found.kinds))
    asked = counted(len(found.properties), "safety property", "safety properties")
    declared = {one.id for one in knowledge.properties if not one.undecided}
    untold = sum(one.about in declared for one in found.undecided)
    more = f"; {untold} could not be decided" if untold else ""
    if broken:
        yield Line(f"{knowledge.id}: {broken} of what must never be can be{more}", "bold red")
    elif found.properties:
        yield Line(f"{knowledge.id}: {asked}, kept for every patient{more}", "bold yellow" if more else "bold green")
    elif knowledge.properties:
        yield Line(f"{knowledge.id}: no safety property is decided", "bold")
    else:
        yield Line(f"{knowledge.id}: there are no safety properties (engine/VERIFY.md says how to write one)", "bold")
    for verdict in found.properties:
        yield from _verdict(verdict, width)
    if found.undecided:
        yield Line("")
        yield Line("Decided by no machine", "bold")
        for one in found.undecided:
            yield from _undecided(one, width)
    if found.kinds or found.disagreements or found.undeclared:
        yield Line("")
        yield Line("Asked of every knowledge base", "bold")
        for verdict in (*found.kinds, *found.disagreements):
            yield from _verdict(verdict, width, "not so in" if verdict in found.kinds else "look at it: not so in")
        for name in found.undeclared:
            told = f"  ? {name}  every patient has exactly one {name}, and no cl:exactlyOne of its kind says so"
            yield from wrapped(told, width, "      ", "yellow")
    if found.idle:
        yield Line("")
        yield Line("Rules that fire for no patient", "bold")
        by_name = {rule.name: rule for rule in knowledge.guarded.rules}
        for name in found.idle:
            span = by_name[name].span
            yield Line(f"  {name}  {span}", "yellow", link=span.file)
    if found.axes:
        yield Line("")
        yield from _pictures(found, width)


def _verdict(verdict: Verdict, width: int, otherwise: str = "in") -> Iterator[Line]:
    """A verdict; `otherwise` leads to the pictures where it is not kept, and has a "?" where that may be right."""
    asked = otherwise.startswith("look")
    mark, style = ("✓", "green") if verdict.holds else ("?", "yellow") if asked else ("✗", "red")
    if not verdict.counted:
        looked = f"{verdict.pictures:,} pictures, too many to count; clingo finds {'none' if verdict.holds else 'one'}"
    elif verdict.holds and not verdict.pictures:
        looked = "no rule can conclude it"
    elif verdict.holds:
        looked = f"{verdict.pictures:,} {'picture' if verdict.pictures == 1 else 'pictures'}"
    else:
        looked = f"{otherwise} {verdict.broken:,} of {verdict.pictures:,} pictures"
    yield from wrapped(f"  {mark} {verdict.about}  {verdict.text}  ({looked})", width, "      ", style)
    if verdict.witness is None:
        return
    yield Line("      the smallest record that shows it:")
    case = {key: value for key, value in verdict.witness.case.items() if key != "id"}
    written = yaml.safe_dump(case, allow_unicode=True, sort_keys=False, width=1000) if case else "(an empty record)\n"
    yield from (Line(f"        {text}") for text in written.splitlines())
    if verdict.witness.at:
        yield Line(f"        --at {verdict.witness.at}")
    shown = f"violation:{verdict.about}"
    assessed = verdict.witness.assessment
    if shown in assessed.by_id:
        for line in proof(assessed.why(shown), assessed, width=width - 6):
            yield Line(line.text, line.style, f"      {line.lead}", line.link)
    else:
        conflict = assessed.knowledge.conflicts.get(verdict.about)
        sides = {statement for side in conflict.sides for statement in side} if conflict else set()
        for conclusion in assessed.conclusions:
            if conclusion.kind == verdict.about.partition(":")[0] or sides.intersection(conclusion.statements):
                yield from wrapped(
                    f"        {conclusion.id}  by {', '.join(conclusion.rules)}", width, "          ", "dim"
                )


def _undecided(one: Undecided, width: int) -> Iterator[Line]:
    yield from wrapped(f"  - {one.about}  {one.text}", width, "      ")
    yield from wrapped(f"      {one.reason}", width, "      ", "dim")


def _pictures(found: Verification, width: int) -> Iterator[Line]:
    yield Line("Pictures", "bold")
    yield from wrapped(
        f"  {found.entries:,} different entries were read; the rules tell {counted(found.forms, 'form')} of them"
        f" apart, on {counted(len(found.axes), 'axis', 'axes')}.",
        width,
        "  ",
    )
    room = max(len(_cut(axis, width)) for axis in found.axes)
    for axis in found.axes:
        yield Line(f"    {_cut(axis, width):{room}}  {axis.signatures:5,}")
    told = f"  All axes together make {counted(found.all_pictures, 'picture')}."
    if found.properties or found.kinds or found.disagreements:
        looked = counted(found.looked_at, "picture was", "pictures were")
        told += f" Each verdict needs only the axes that can reach it; {looked} looked at, and each verdict was reached"
        told += " once more by clingo."
    yield from wrapped(told, width, "  ")


def _cut(axis: AxisCount, width: int) -> str:
    room = width - 14
    return axis.name if len(axis.name) <= room else f"{axis.name[: room - 1]}…"
