"""A population summed up as lines of text: each count with a bar, of all patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from citelog.population.counts.summary import Count, Group, Held, Never, Reason, Summary
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted

FEW = 12
"""How many of the rules, and of the reasons why something was not used, are listed where all would be a book."""

BAR = 40
"""How long a bar is for everybody, where there is room: bars of different lists can be compared."""

_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class Row:
    """A line with a count: what is counted, what is said of it below, in a line or some."""

    label: str
    count: Count
    below: str = ""


def summary(found: Summary, width: int = WIDTH) -> Iterator[Line]:
    """Everything that the summary says, the long lists by their beginnings."""
    yield from _head(found, width)
    whole = number(found.patients)
    for group in found.groups:
        yield Line("")
        yield from _headed(group, whole, width)
        yield from rows([Row(_label(one.value, one.role), one.patients, one.says) for one in group.told], whole, width)
        if group.about == "question":
            yield from _asking(group, found.words, width)
    if found.gaps:
        yield from _title("What answers rest on although it is not on record", "patients")
        yield from rows(
            [Row(gap.text, gap.patients, f"held: {', '.join(gap.rules)}") for gap in found.gaps], whole, width
        )
    yield from _answers(found, whole, width)
    yield from _rules(found, whole, width)
    yield from _unused(found, width)
    yield from _sharing(found, width)


def _head(found: Summary, width: int) -> Iterator[Line]:
    knowledge = found.knowledge
    at = f", on {found.run['at']}" if found.run["at"] else ""
    yield Line(f"{knowledge.title} ({knowledge.id} {knowledge.version})", "bold")
    yield Line(f"{people(found.patients)}{at}")
    for caveat in knowledge.caveats:
        yield from wrapped(f"! {caveat.text} [{' '.join(caveat.statements)}]", width, "  ", "yellow")
    rows = f"{counted(found.rejected, 'row')} set aside"
    yield Line(f"  {counted(found.conclusions, 'conclusion')}, {counted(found.notes, 'note')}, {rows}")
    yield Line(f"  nothing concluded: {shown(found.without)}; answered alone: {shown(found.alone)}")
    if found.at_least:
        yield from wrapped(f"  {covering(found)}", width, "  ", "yellow")


def covering(found: Summary) -> str:
    """What is not shown, where counts are covered."""
    return (
        f"Counts of patients below {found.at_least} are not shown; nor, where everyone has one conclusion of a kind, "
        "those from which they could be told by subtraction."
    )


def _title(text: str, of: str) -> Iterator[Line]:
    yield Line("")
    yield Line(f"{text} · {of}", "bold cyan")


def _headed(group: Group, whole: int, width: int) -> Iterator[Line]:
    of = "one each" if group.one_each else f"{people(group.patients)}{share(group.patients, whole, ', {}')}"
    yield Line(f"{group.title} · {of}", "bold cyan")


def _asking(group: Group, words: Mapping[str, str], width: int) -> Iterator[Line]:
    """What stands open where it is asked: for whom it is the only question, and what was decided meanwhile."""
    yield Line("")
    yield Line("  While it is open:", "dim")
    for one in group.told:
        decided = ", ".join(
            _named(f"{beside.id} {shown(beside.patients)}", words.get(beside.id)) for beside in one.decided
        )
        only = f"the only question for {shown(one.only)}"
        yield from wrapped(f"  {one.value}: {only}{'; ' if decided else ''}{decided}", width, "      ", "dim")


def _answers(found: Summary, whole: int, width: int) -> Iterator[Line]:
    if not found.answers:
        return
    yield from _title("The most frequent answers", "everything that is concluded about these patients")
    words = found.words
    yield from rows(
        [
            Row(f"{place}.", one.patients, "\n".join(_named(id_, words.get(id_)) for id_ in one.told) or "nothing")
            for place, one in enumerate(found.answers, 1)
        ],
        whole,
        width,
    )


def _named(told: str, words: str | None) -> str:
    """A conclusion, and what the knowledge base calls it."""
    return f"{told} · {words}" if words else told


def _rules(found: Summary, whole: int, width: int) -> Iterator[Line]:
    encoding = [one for one in found.held if not one.convention]
    yield from _title("Rules that held", f"{len(found.held)}, of which {len(encoding)} encode statements")
    shown_here = [one for one in encoding if one.patients is not None][:FEW]
    yield from rows([Row(one.rule, one.patients or 0, _cited(one)) for one in shown_here], whole, width)
    yield from _left_out(len(found.held) - len(shown_here), "rule", width)
    never = [one for one in found.never if not one.convention]
    if found.never:
        yield from _title("Rules that held for nobody", f"{len(found.never)}, of which {len(never)} encode statements")
        for one in never[:FEW]:
            yield from wrapped(f"  {one.rule}  {_cited(one)}", width, "      ")
        yield from _left_out(len(found.never) - len(never[:FEW]), "rule", width)


def _cited(one: Held | Never) -> str:
    return f"{one.place}{' · ' if one.statements else ''}{' '.join(one.statements)}"


def _unused(found: Summary, width: int) -> Iterator[Line]:
    for title, of, reasons in (
        ("Rows that were set aside", "rows", found.set_aside),
        ("Entries that were not used as they stand", "entries", found.unused),
    ):
        if reasons:
            yield from _title(title, of)
            yield from _reasons(reasons[:FEW], width)
            yield from _left_out(len(reasons) - len(reasons[:FEW]), "reason", width)
    if found.unlisted:
        yield Line(f"  and {counted(found.unlisted, 'entry', 'entries')} for other reasons", "dim")


def _reasons(reasons: Sequence[Reason], width: int) -> Iterator[Line]:
    size = max(len(shown(one.count)) for one in reasons)
    for one in reasons:
        lead = f"  {shown(one.count).rjust(size)}  "
        where = f"{one.where}: " if one.where else ""
        yield from wrapped(f"{lead}{where}{one.text}", width, " " * len(lead))


def _sharing(found: Summary, width: int) -> Iterator[Line]:
    sharing = found.sharing
    yield from _title("Pictures", "what rules can see of a patient")
    said = (
        f"{counted(sharing.count, 'distinct picture')}, {counted(sharing.answers, 'distinct answer')}. Half of the "
        f"patients have one of {counted(sharing.half, 'picture')}; {counted(sharing.single, 'picture')} "
        f"{'is that' if sharing.single == 1 else 'are those'} of one patient."
    )
    yield from wrapped(f"  {said}", width, "  ")
    whole = number(found.patients)
    yield from rows([Row(f"the first {one.pictures:,}", one.patients) for one in sharing.curve], whole, width)


def _left_out(count: int, noun: str, width: int) -> Iterator[Line]:
    if count > 0:
        yield Line(f"  and {count:,} {noun}{'' if count == 1 else 's'} more; --format json has all", "dim")


# rows with bars


def rows(some: Sequence[Row], whole: int, width: int = WIDTH) -> Iterator[Line]:
    """Counts under each other, each with its share of the whole and a bar as long as that.

    >>> for line in rows([Row("low", 30), Row("high", 2, "very"), Row("none", "<5")], 40, 40): print(line.text + "|")
      low   30   75.0 %  ███████████████|
      high   2    5.0 %  █|
          very|
      none  <5|
    """
    label = min(max((len(one.label) for one in some), default=0), width // 2)
    size = max((len(shown(one.count)) for one in some), default=0)
    room = max(8, min(BAR, width - label - size - 14))
    for one in some:
        told = f"  {one.label.ljust(label)}  {shown(one.count).rjust(size)}"
        if len(one.label) > label:  # too long to stand beside its count
            yield from wrapped(f"  {one.label}", width, "  ")
            told = f"  {' ' * label}  {shown(one.count).rjust(size)}"
        if whole and isinstance(one.count, int):
            told += f"  {percent(one.count, whole)}  {bar(one.count / whole, room)}"
        yield Line(told.rstrip())
        below = one.below.splitlines()
        for text in below:
            yield from wrapped(f"      {text}", width, " " * (8 if len(below) > 1 else 6), "dim")


def bar(part: float, room: int) -> str:
    """A bar of at most `room` characters; what is there at all is seen.

    >>> bar(0.5, 4), bar(0.0001, 4), bar(0, 4), bar(0.3, 4)
    ('██', '▏', '', '█▎')
    """
    eighths = round(part * room * 8)
    if part > 0 and eighths == 0:
        eighths = 1
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def percent(count: int, whole: int) -> str:
    """A share in percent, of a fixed width; what is there is never 0, and what is missing never nothing.

    >>> percent(1, 3), percent(0, 3), percent(1, 10_000), percent(9_999, 10_000), percent(3, 3)
    (' 33.3 %', '  0.0 %', ' <0.1 %', '>99.9 %', '100.0 %')
    """
    part = 100 * count / whole
    if 0 < part < 0.05:
        return " <0.1 %"
    if 99.95 <= part < 100:
        return ">99.9 %"
    return f"{part:5.1f} %"


def share(count: Count, whole: int, around: str = "{}") -> str:
    """A share in percent in a sentence; empty where the count is covered."""
    return around.format(percent(count, whole).strip()) if isinstance(count, int) and whole else ""


def shown(count: Count) -> str:
    """A count as it is printed.

    >>> shown(12345), shown("<5")
    ('12,345', '<5')
    """
    return f"{count:,}" if isinstance(count, int) else count


def people(count: Count) -> str:
    """A count of patients in words."""
    return f"{shown(count)} patient{'' if count == 1 else 's'}"


def number(count: Count) -> int:
    """A count as a number; 0 where it is covered."""
    return count if isinstance(count, int) else 0


def _label(value: str, role: str | None) -> str:
    return f"{value} · {role}" if role else value
