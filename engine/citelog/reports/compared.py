"""Two editions compared, as lines of text: what changed, what becomes of the quotes, and what it changes for whom."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from citelog.compare.changes import Change, Detail
from citelog.compare.diff import Diff, Group, Shown, Told
from citelog.compare.editions import Edition
from citelog.compare.effects import QUOTE, Outcome
from citelog.compare.quotes import Quote, SourceChange
from citelog.proof.compare import Reason
from citelog.render.explained import against
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted
from citelog.render.proofs import proof
from citelog.reports.possible import possible, records

SIGNS = {"added": "+", "removed": "-", "changed": "~", "renamed": "→"}
STYLES = {"added": "green", "removed": "red", "changed": "yellow", "renamed": "cyan"}
SHORT = 60
"""Characters of a property that still go on one line with what it was."""

PROVED = 3
"""Effects of one cause, gained or lost, whose proofs are shown where not all are asked for."""

CAUSES = 6
"""Changes of one cause that are named; of more, the others are counted."""

NAMED = 3
"""Cases that are named; of more, the others are counted."""

HAD = {
    "becomes": "yellow",
    "lost": "red",
    "gained": "green",
    "changed": "yellow",
    "fails": "bold red",
    "works": "green",
}


def compared(found: Diff, full: bool = False, brief: bool = False, width: int = WIDTH) -> Iterator[Line]:
    """Everything that differs.

    `full` shows both proofs of every effect whole, `brief` none; otherwise those of what is gained or lost are shown,
    and of what is changed the reasons that only one proof has.
    """
    yield from wrapped(f"{heading(found.old)}  →  {heading(found.new)}", width, "  ", "bold")
    for edition in (found.old, found.new):
        yield from _errors(edition, width)
    yield from _changes(found, width)
    if found.source is not None:
        yield from _source(found.source, width)
    if found.unasked:
        yield Line("")
        yield from wrapped(f"No case is compared: {found.unasked}.", width, "  ", "bold yellow")
    elif found.asked or found.groups:
        yield from _answers(found, full, brief, width)
    for name, why in found.unusable.items():
        yield from wrapped(f"  not compared: {unusable(name, why)}", width, "    ", "yellow")


def unusable(name: str, why: str) -> str:
    """A record that cannot be used, and why; most reasons begin with its name, and a line of it."""
    told = why.splitlines()[0]
    return told if told.startswith(name) else f"{name}: {told}"


def heading(edition: Edition) -> str:
    """An edition in a few words."""
    version = edition.knowledge.version if edition.knowledge else "with errors"
    return f"{edition.id} {version}, {edition.name}"


def _errors(edition: Edition, width: int) -> Iterator[Line]:
    if not edition.errors:
        return
    yield Line("")
    told = f"{edition.name} has {counted(len(edition.errors), 'error')}; what could be read is compared"
    yield from wrapped(told, width, "  ", "bold red")
    for finding in edition.errors:
        yield from wrapped(f"  {finding.code}: {finding.message} ({finding.span})", width, "    ", "red")


# what changed


def _changes(found: Diff, width: int) -> Iterator[Line]:
    yield Line("")
    if found.changes.listed or found.cases:
        yield Line("What changed", "bold cyan")
        for change in (*found.changes.listed, *found.cases):
            if change.kind != "segment":
                yield from of_change(change, width)
        yield from _segments(found.changes.listed, width)
    else:
        yield Line(nothing(found), "bold" if found.same else "")
    if found.changes.unread:
        told = f"  cannot be read in both editions, and is not compared: {', '.join(found.changes.unread)}"
        yield from wrapped(told, width, "    ", "bold yellow")
    if found.changes.layout:
        told = f"  only the layout differs: {', '.join(found.changes.layout)}"
        yield from wrapped(told, width, "    ", "dim")


def _segments(listed: Iterable[Change], width: int) -> Iterator[Line]:
    """The segments by name: what they hold is said by the statements, or by the document."""
    for how, sign in SIGNS.items():
        names = [change.id for change in listed if change.kind == "segment" and change.how == how]
        if names:
            told = f"  {sign} {counted(len(names), 'segment')} {how}: {', '.join(names)}"
            yield from wrapped(told, width, "      ", STYLES[how])


def nothing(found: Diff) -> str:
    """What there is to say where no statement, rule or term changed."""
    if not found.same:
        return "No statement, rule, conflict or term says anything else."
    return "Only the layout differs." if found.changes.layout else "Nothing differs."


def of_change(change: Change, width: int) -> Iterator[Line]:
    """A change, its place, and what of the thing is not as it was."""
    span = change.after or change.before
    was = f", was {change.was}" if change.how == "renamed" else ""
    place = f"  ({span})" if span else ""
    yield from (
        replace(line, link=span.file if span and change.after else "")
        for line in wrapped(f"  {SIGNS[change.how]} {change.named}{was}{place}", width, "      ", STYLES[change.how])
    )
    if change.title and not any(change.title in (*d.before, *d.after) for d in change.details):
        yield from wrapped(f"      {one_line(change.title)}", width, "      ", "dim")
    for detail in change.details:
        yield from of_detail(detail, width, "      ")


def one_line(text: str) -> str:
    """A text on one line; a line break in it is shown as a stroke."""
    return " / ".join(line.strip() for line in text.splitlines())


def of_detail(detail: Detail, width: int, lead: str) -> Iterator[Line]:
    """One property: on one line where it is short, else what it was above what it is."""
    before, after = (", ".join(map(one_line, side)) for side in (detail.before, detail.after))
    if before and after and len(before) + len(after) <= SHORT:
        yield Line(f"{detail.name}: {before} → {after}", "", lead)
        return
    if before and after:
        yield Line(f"{detail.name}", "", lead)
        yield from wrapped(f"{lead}  - {before}", width, f"{lead}    ", "red")
        yield from wrapped(f"{lead}  + {after}", width, f"{lead}    ", "green")
    elif before:
        yield from wrapped(f"{lead}- {detail.name}: {before}", width, f"{lead}    ", "red")
    else:
        yield from wrapped(f"{lead}+ {detail.name}: {after}", width, f"{lead}    ", "green")


# the document


def _source(source: SourceChange, width: int) -> Iterator[Line]:
    yield Line("")
    yield Line("The source document changed", "bold cyan")
    yield from wrapped(f"  {fates(source)}", width, "    ")
    moved = [f"{q.statement} {q.before.line}→{q.after.line}" for q in source.quotes if q.fate == "moved" and q.after]
    if moved:
        yield from wrapped(f"  moved, the same words on another line: {', '.join(moved)}", width, "    ", "dim")
    for quote in source.quotes:
        if quote.fate != "moved":
            yield from _quote(quote, width)


def fates(source: SourceChange) -> str:
    """How many quotes are where they were, and how many are not."""
    found = [quote.fate for quote in source.quotes]
    told = "".join(f"; {found.count(fate)} {fate}" for fate in ("moved", "changed", "vanished") if fate in found)
    return f"{source.kept} of {counted(source.kept + len(found), 'quote')} where they were{told}"


def _quote(quote: Quote, width: int) -> Iterator[Line]:
    line = lines(quote)
    sign, style = ("~", "yellow") if quote.now else ("-", "red")
    yield from wrapped(f"  {sign} {quote.statement} {fate(quote)}  ({line})", width, "      ", style)
    yield from wrapped(f"      - “{one_line(quote.quote)}”", width, "        ", "red")
    if quote.now:
        yield from wrapped(f"      + “{one_line(quote.now)}”", width, "        ", "green")
    for apart in quote.differences:
        yield from wrapped(f"        {word_difference(apart.asked, apart.document)}", width, "          ")
    if quote.supports:
        yield from wrapped(f"      {supports(quote)}", width, "        ", "bold" if not quote.requoted else "")


def lines(quote: Quote) -> str:
    """The line that a quote stood on, and the one that what is now in its place stands on, where that is another."""
    moved = quote.after is not None and quote.after.line != quote.before.line
    return f"line {quote.before.line}{f', now line {quote.after.line}' if moved and quote.after else ''}"


def fate(quote: Quote) -> str:
    """What became of a quote, and whether its statement has been seen to."""
    if not quote.requoted:
        return quote.fate
    return f"{quote.fate}, and quoted anew" if quote.now else f"{quote.fate}, and so is the statement"


def word_difference(before: str, after: str) -> str:
    """One difference of words.

    >>> word_difference("two ", "one  "), word_difference("", " daily"), word_difference(" ", "\\u00a0")
    ('“two” → “one”', 'new: “daily”', 'a blank → a non-breaking blank')
    """
    told, now = (spelt(side.strip() or side) for side in (before, after))
    return f"new: {now}" if not before else f"{told} → {now}" if after else f"gone: {told}"


_UNSEEN = {
    "\u00a0": "non-breaking blank",
    "\u202f": "narrow non-breaking blank",
    "\ufeff": "byte order mark",
    "\u00ad": "soft hyphen",
    "\u200b": "zero-width blank",
    "\r": "carriage return",
    "\n": "line break",
    "\t": "tab",
}


def spelt(text: str) -> str:
    """Words in quotation marks; blanks and what nobody sees, where there is nothing else, in words.

    >>> spelt("2 mg"), spelt("\\u00a0"), spelt("  ")
    ('“2 mg”', 'a non-breaking blank', '2 blanks')
    """
    if text.strip() or not text:
        return f"“{one_line(text)}”"
    if set(text) == {" "}:
        return "a blank" if len(text) == 1 else f"{len(text)} blanks"
    return " and ".join(dict.fromkeys(f"a {_UNSEEN.get(character, 'blank')}" for character in text))


def supports(quote: Quote) -> str:
    """What rests on a quote that has lost its words, in one line."""
    cases = {case for support in quote.supports for case in support.cases}
    if quote.requoted:
        return f"rest on it: {counted(len(quote.supports), 'conclusion')}, in {counted(len(cases), 'case')}"
    told = [f"{s.conclusion} ({counted(len(s.cases), 'case')})" for s in quote.supports if s.cites]
    if others := len(quote.supports) - len(told):
        further = counted(others, "other" if told else "conclusion")
        told.append(f"{'and ' if told else ''}further down in the proofs of {further}")
    return f"lose support, in {counted(len(cases), 'case')}: {', '.join(told)}"


# what it changes


def _answers(found: Diff, full: bool, brief: bool, width: int) -> Iterator[Line]:
    yield Line("")
    whole = len(found.asked)
    what = counted(whole, "record") if any(s.origin == "patient" for s in found.asked) else counted(whole, "case")
    if not (found.differing or found.kept):
        yield Line(f"No conclusion differs in {what}", "bold green")
    else:
        yield Line(f"What it changes: {len(found.differing)} of {what}", "bold cyan")
    if found.kept:
        more = counted(len(found.kept), "more keeps its conclusions", "more keep their conclusions")
        more = f"  {more}, for other reasons or with other quotes"
        yield from wrapped(more, width, "    ", "dim")
    yield from possible(found, full, width)
    for group in found.groups:
        yield Line("")
        yield from _group(group, found, full, brief, width)
    if found.groups and not (full or brief):
        hint = "(proofs in brief, of the first effects of each cause, for one case: --all shows all, --brief none)"
        yield Line("")
        yield from wrapped(hint, width, " ", "dim")


def because(group: Group) -> str:
    """The cause of a group, in words."""
    if not group.cause:
        return "the order of the rules"
    told = [f"{change.named} ({change.how})" for change in group.cause]
    if len(told) > CAUSES:
        told[CAUSES:] = [counted(len(told) - CAUSES, "more change")]
    if not group.tried:
        return f"{', '.join(told)} (read off the proofs, not tried)"
    return f"{', '.join(told[:-1])} and {told[-1]} together" if len(told) > 1 else told[0]


def _group(group: Group, found: Diff, full: bool, brief: bool, width: int) -> Iterator[Line]:
    many = records(group.differing or group.cases, found)
    yield from wrapped(f"because of {because(group)}: {many}", width, "  ", "bold")
    proving, before = proved(group, full, brief), None
    for one in group.effects:
        if one.effect.how != "kept" or full:
            silent = brief or (one.effect.how != "changed" and one not in proving)
            yield from of_effect(one, found, full, silent, before == one.cases, width)
            before = one.cases
    for told, ids in () if full else kept(group):
        yield from wrapped(f"  = {told}: {', '.join(f'{id_} ({n})' for id_, n in ids)}", width, "    ", "dim")


def proved(group: Group, full: bool, brief: bool) -> list[Told]:
    """The effects of a cause whose proofs are shown: the first that are gained or lost, or all of them, or none."""
    moved = [one for one in group.effects if one.effect.how in ("becomes", "lost", "gained")]
    return [] if brief else list(group.effects) if full else moved[:PROVED]


def kept(group: Group) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """The conclusions that are kept, each with the number of its cases: for other reasons, or with which new quotes."""
    found: dict[str, list[tuple[str, int]]] = {}
    for one in group.effects:
        if one.effect.how == "kept":
            found.setdefault(_kept(one), []).append((one.effect.ids[1], len(one.cases)))
    yield from found.items()


def _kept(one: Told) -> str:
    quotes = ", ".join(detail.name.removeprefix(QUOTE) for detail in one.effect.details)
    return f"kept, with the new quote of {quotes}" if quotes else "kept, for other reasons"


def headline(one: Told) -> str:
    """An effect in words, without its cases."""
    before, after = one.effect.ids
    match one.effect.how:
        case "becomes":
            return f"~ {before} becomes {after}"
        case "lost":
            return f"- {before} is lost"
        case "gained":
            return f"+ {after} is gained"
        case "kept":
            return f"= {after} is {_kept(one)}"
        case "fails":
            return "! no answer any more"
        case "works":
            return "+ an answer again"
        case _:
            return f"~ {after} changes: {', '.join(detail.name for detail in one.effect.details)}"


def named(cases: Sequence[str]) -> str:
    """The cases of an effect: a few by name."""
    more = f" and {len(cases) - NAMED} more" if len(cases) > NAMED else ""
    return f"{', '.join(cases[:NAMED])}{more}"


def of_effect(one: Told, found: Diff, full: bool, brief: bool, same_cases: bool, width: int) -> Iterator[Line]:
    """An effect of a cause, and on the records that it is shown for what the two proofs are made of."""
    if not (brief and same_cases):
        yield Line("")
    yield from wrapped(f"  {headline(one)}", width, "    ", f"bold {HAD.get(one.effect.how, '')}".strip())
    if not same_cases:
        yield from wrapped(f"    {records(one.cases, found)}: {named(one.cases)}", width, "      ", "dim")
    for shown in one.shown:
        lines = list(effect(shown, found, full, brief, width - 6))
        if lines and (len(one.cases) > 1 or len(one.shown) > 1):
            yield from wrapped(f"    in {shown.subject.name}", width, "      ", "italic")
        yield from indented(lines, "      ")


def effect(shown: Shown, found: Diff, full: bool, brief: bool, width: int) -> Iterator[Line]:
    """One effect on one record: the properties that changed, then what the two proofs are made of."""
    for detail in shown.effect.details:
        yield from of_detail(detail, width, "")
    if brief or shown.effect.how in ("fails", "works"):
        return
    if shown.effect.how in ("changed", "kept") and not full:
        yield from _reasons(shown, width)
        return
    for side, lines in proofs(shown, found, width):
        yield Line(side, "underline")
        yield from indented(lines, "  ")


def proofs(shown: Shown, found: Diff, width: int) -> Iterator[tuple[str, list[Line]]]:
    """What each edition says, the old one first: the proof, or what stands against the conclusion there."""
    for side, edition, drawn, said in (
        ("before", found.old, shown.effect.before, shown.old),
        ("now", found.new, shown.effect.after, shown.new),
    ):
        lines = []
        knowledge = edition.knowledge
        if drawn is not None:
            lines += _proof(said, drawn.id, width - 5)
        if _stands_against(shown, side):
            if lines:
                lines.append(Line(f"and not {shown.effect.ids[0]}:"))
            gone = absent(shown, side)
            lines += [Line(f"this edition has no {named}", "red") for named in gone]
            if not gone and shown.against is not None and knowledge is not None:
                lines += against(shown.against, knowledge, width - 5)
        yield side, lines


def absent(shown: Shown, side: str) -> list[str]:
    """The causes of an effect that one edition does not have."""
    place = 0 if side == "before" else 1
    return [change.named for change in shown.cause if change.keys[place] is None]


def _stands_against(shown: Shown, side: str) -> bool:
    return shown.effect.how in ("gained", "lost", "becomes") and side == (
        "before" if shown.effect.how == "gained" else "now"
    )


def _proof(said: Outcome, id_: str, width: int) -> list[Line]:
    assert said.assessment is not None
    return list(proof(said.assessment.why(id_), said.assessment, width=width, remarks=False))  # told once, below


def _reasons(shown: Shown, width: int) -> Iterator[Line]:
    """What only one of two proofs rests on."""
    if shown.effect.reasons is None:
        return
    for side, only, style in (
        ("before", shown.effect.reasons.first, "red"),
        ("now", shown.effect.reasons.second, "green"),
    ):
        for reason in (one for one in only if one.kind != "computation"):
            yield from wrapped(f"{side}: {said(reason)}", width, "    ", style)


def said(reason: Reason) -> str:
    """A reason with what it cites."""
    cites = f"  [{' '.join(reason.statements)}]" if reason.statements else ""
    rule = f"  ← {reason.rule}" if reason.rule else ""
    return f"{reason.text}{rule}{cites}"


def indented(lines: Iterable[Line], lead: str) -> Iterator[Line]:
    """Lines further to the right."""
    return (replace(line, lead=f"{lead}{line.lead}") for line in lines)
