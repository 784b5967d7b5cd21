"""Trials of a knowledge base as lines of text: what does not hold, and why; then how many do; what an edit changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from citelog.knowledge.base import Knowledge
from citelog.render.explained import against
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted
from citelog.render.text import findings
from citelog.trial.expectations import Failure, Renewed, Trial
from citelog.trial.session import EXPLAINED, Moved, Round

_SIGNS = {"+": "green", "-": "red", "@": "cyan"}
_FEW = 4


def trials(found: Iterable[Trial], knowledge: Knowledge, width: int = WIDTH) -> Iterator[Line]:
    """The cases that do not hold, each with its failures; entries that are hardly unread on purpose; then the count."""
    listed = list(found)
    for trial in listed:
        if trial.failures:
            yield from _failing(trial, f"✗ {trial.case}", knowledge, width)
            yield Line("")
    for trial in listed:
        for note in trial.slips:
            yield from wrapped(f"! {trial.case}: {note.text} ({note.read_from})", width, "    ", "yellow")
    silent = [trial.case for trial in listed if not trial.expectations]
    if silent:
        yield from wrapped(f"without expectations: {', '.join(silent)}", width, "  ", "yellow")
    yield total(listed)


def total(listed: Collection[Trial]) -> Line:
    """How many cases there are, and how many of them do not hold."""
    bad = sum(bool(trial.failures) for trial in listed)
    expected = counted(sum(trial.expectations for trial in listed), "expectation")
    told = f"{bad} {'does' if bad == 1 else 'do'} not hold" if bad else "all hold"
    return Line(f"{counted(len(listed), 'case')}, {expected}: {told}", "bold red" if bad else "bold green")


def look(found: Round, knowledge: Knowledge, seconds: float, width: int = WIDTH) -> Iterator[Line]:
    """What an edit changed: faults of the knowledge, or the cases run again, those first that fail now."""
    named = ", ".join(found.edited[:_FEW]) + (f" and {len(found.edited) - _FEW} more" if found.edited[_FEW:] else "")
    yield Line("")
    yield from wrapped(f"── {named} edited" if named else "── the knowledge base again", width, "   ", "bold cyan")
    if found.findings:
        yield from findings(found.findings)
        errors = counted(len(found.findings), "error")
        yield Line(f"{errors}: nothing is run until the knowledge base can be read again", "bold red")
        return
    yield Line(f"{counted(len(found.news), 'case')} of {len(found.trials)} run again, in {seconds:.2f} s")
    failing = [one.after for one in found.news if one.fails_newly]
    for trial in failing[:EXPLAINED]:
        yield from _failing(trial, f"✗ fails now: {trial.case}", knowledge, width)
    if more := [trial.case for trial in failing[EXPLAINED:]]:
        yield from wrapped(f"✗ fails now too: {_listed(more)}", width, "  ", "red")
    still = [one.after.case for one in found.news if one.after.failures and not one.fails_newly]
    if still:
        yield from wrapped(f"✗ fails as before: {_listed(still)}", width, "  ", "red")
    if held := [one.after.case for one in found.news if one.holds_newly]:
        yield from wrapped(f"✓ holds now: {_listed(held)}", width, "  ", "green")
    if found.gone:
        yield from wrapped(f"no longer there: {_listed(found.gone)}", width, "  ", "yellow")
    groups: dict[Moved, list[str]] = {}
    for one in found.news:
        if one.moved:
            groups.setdefault(one.moved, []).append(one.after.case)
    for moved, cases in sorted(groups.items(), key=lambda group: -len(group[1]))[:_FEW]:
        yield from wrapped(f"~ concluded otherwise in {_listed(cases)}", width, "  ", "yellow")
        yield from _moved(moved, width)
    if len(groups) > _FEW:
        yield Line(f"~ and otherwise in {counted(sum(map(len, list(groups.values())[_FEW:])), 'more case')}", "yellow")
    if found.news and not groups and not any(one.fails_newly or one.holds_newly for one in found.news):
        yield Line("nothing is concluded otherwise", "dim")
    yield total(found.trials)


def _listed(cases: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(cases) - _FEW} more" if len(cases) > _FEW else ""
    return f"{', '.join(cases[:_FEW])}{more}"


def _moved(moved: Moved, width: int) -> Iterator[Line]:
    for sign, style, ids in (("-", "red", moved.lost), ("+", "green", moved.gained)):
        for id_ in ids:
            yield Line(f"{sign} {id_}", style, "    ")
    for id_, told in moved.turned:
        yield from wrapped(f"    ~ {id_}: {told}", width, "        ")


def _failing(trial: Trial, heading: str, knowledge: Knowledge, width: int) -> Iterator[Line]:
    yield Line(heading, "bold red", "", f"{knowledge.id}/cases/{trial.file.name}")
    for failure in trial.failures:
        yield from _failure(failure, knowledge, width)


def accepted(renewed: Iterable[Renewed], folder: Path) -> Iterator[Line]:
    """The proofs that were written anew, each with what it says otherwise: what is to be reviewed."""
    listed = list(renewed)
    for one in listed:
        name = one.path.relative_to(folder).as_posix()
        yield Line(f"renewed {name}", "bold yellow", "", f"{folder.name}/{name}")
        for line in one.changes[2:]:
            yield Line(line, _SIGNS.get(line[:1], ""), "    ")
    if listed:
        told = f"{counted(len(listed), 'proof')} renewed: read what changed before you keep it"
        yield from (Line(told, "bold yellow"), Line(""))


def _failure(failure: Failure, knowledge: Knowledge, width: int) -> Iterator[Line]:
    yield from wrapped(f"  {failure.what}", width, "    ", "red")
    for line in failure.lines:
        style = _SIGNS.get(line[:1], "") if failure.kind == "proof" else ""
        yield Line(line, style, "    ", proposes=line[:1] not in (" ", *_SIGNS))  # those are lines of a proof
    if failure.against is not None:
        yield from against(failure.against, knowledge, width, "    ")
