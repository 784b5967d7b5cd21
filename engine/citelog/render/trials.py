"""Trials of a knowledge base as lines of text: what does not hold, and why; then how many do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from citelog.knowledge.base import Knowledge
from citelog.render.explained import against
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted
from citelog.trial.expectations import Failure, Trial

_SIGNS = {"+": "green", "-": "red", "@": "cyan"}


def trials(found: Iterable[Trial], knowledge: Knowledge, width: int = WIDTH) -> Iterator[Line]:
    """The cases that do not hold, each with its failures; then the count."""
    listed = list(found)
    bad = [trial for trial in listed if trial.failures]
    for trial in bad:
        yield Line(f"✗ {trial.case}", "bold red", "", f"{knowledge.id}/cases/{trial.file.name}")
        for failure in trial.failures:
            yield from _failure(failure, knowledge, width)
        yield Line("")
    silent = [trial.case for trial in listed if not trial.expectations]
    if silent:
        yield from wrapped(f"without expectations: {', '.join(silent)}", width, "  ", "yellow")
    total = counted(sum(trial.expectations for trial in listed), "expectation")
    told = f"{counted(len(listed), 'case')}, {total}: {f'{len(bad)} do not hold' if bad else 'all hold'}"
    yield Line(told, "bold red" if bad else "bold green")


def _failure(failure: Failure, knowledge: Knowledge, width: int) -> Iterator[Line]:
    yield from wrapped(f"  {failure.what}", width, "    ", "red")
    for line in failure.lines:
        style = _SIGNS.get(line[:1], "") if failure.kind == "proof" else ""
        yield Line(line, style, "    ")
    if failure.against is not None:
        yield from against(failure.against, knowledge, width, "    ")
