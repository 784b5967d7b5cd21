"""What an edit changes for every possible patient, in words: who gains or loses what, and the smallest records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from citelog.compare.diff import Diff
from citelog.compare.pictures import Gain, Pictures
from citelog.render.lines import Line, wrapped
from citelog.render.phrases import counted

WORDS = "what they say, doses and citations are compared in the cases alone"


SHOWN = 4
"""Records that are shown where not all are asked for; of more, the others are counted."""


def possible(diff: Diff, full: bool, width: int) -> Iterator[Line]:
    """Every conclusion that some patient gains or loses, by the record that shows it; or that nobody does."""
    found = diff.pictures
    if found is None:
        return
    yield Line("")
    style = "bold cyan" if found.gains else "bold yellow" if found.undecided else "bold green"
    yield from wrapped(verdict(diff), width, "  ", style)
    if not found.gains and not diff.silent:
        yield from wrapped(f"  ({WORDS})", width, "    ", "dim")
    listed = list(described(found))
    shown = listed if full else listed[:SHOWN]
    for name, said, gains in shown:
        yield from wrapped(f"  {name}: {said}", width, "      ")
        for gain in gains:
            sign, style = ("+", "green") if gain.how == "gained" else ("-", "red")
            yield from wrapped(f"    {sign} {gained(gain)}", width, "        ", style)
    if left := listed[len(shown) :]:
        told = f"  and {counted(len(left), 'record')} more, for {counted(sum(len(g) for *_, g in left), 'conclusion')}"
        yield from wrapped(f"{told} (--all shows them)", width, "    ", "dim")
    for one in beside(found):
        yield from wrapped(f"  {one}", width, "    ", "bold yellow")


def verdict(diff: Diff) -> str:
    """What pictures come to, in a line."""
    found = diff.pictures
    if diff.silent or found is None:
        return "No patient is told anything else"
    if found.gains:
        conclusions = len({(gain.kind, gain.value) for gain in found.gains})
        return f"Of all patients that there can be, some gain or lose {counted(conclusions, 'conclusion')}"
    if found.undecided:
        return "Of what could be asked of every patient, no conclusion is gained or lost"
    return "No patient that there can be gains or loses a conclusion"


def gained(gain: Gain) -> str:
    """A conclusion that some gain or lose, with how many."""
    told = f" as {', '.join(gain.beside.values())}" if gain.beside else ""
    many = f"  (in {gain.differing:,} of {counted(gain.pictures, 'picture')})" if gain.counted else ""
    return f"{gain.id}{told} is {gain.how}{many}"


def beside(found: Pictures) -> Iterator[str]:
    """What was not asked, and why."""
    for one in found.undecided:
        yield f"not asked of every patient: {', '.join(one.kinds)}: {one.why}"
    if found.names:
        yield f"not thought of: a name that only one edition reads, or each otherwise: {', '.join(found.names)}"


def described(found: Pictures) -> Iterator[tuple[str, str, list[Gain]]]:
    """The smallest records by name, each in one line, as it would be written, with what it shows."""
    for subject in found.records:
        record = subject.record if isinstance(subject.record, Mapping) else {}
        said = [f"{key}: {_written(value)}" for key, value in record.items() if key != "id"]
        said += [f"on {subject.at}"] if subject.at else []
        shown = [gain for gain in found.gains if gain.record == subject.name]
        yield subject.name, "; ".join(said) or "nothing is recorded", shown


def _written(value: Any) -> str:
    """A list of entries, or the context, as in a case file."""
    entries = value if isinstance(value, list) else [value]
    return ", ".join(f"{{{', '.join(f'{k}: {v}' for k, v in entry.items())}}}" for entry in entries)


def records(names: Sequence[str], found: Diff) -> str:
    """How many cases, and how many records that pictures made."""
    made = {subject.name for subject in found.compared if subject.origin == "picture"}
    pictures = sum(name in made for name in names)
    told = [counted(many, what) for many, what in ((len(names) - pictures, "case"), (pictures, "picture")) if many]
    return " and ".join(told)
