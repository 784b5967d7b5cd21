"""A knowledge base beside a new edition of its document, as lines of text: figures first, then worst first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from citelog.compare.fates import Place
from citelog.diagnostics import shortened
from citelog.drift.found import STATEMENTS, Drifted, Heading, New, Part
from citelog.drift.report import Drift
from citelog.drift.resting import Resting
from citelog.drift.wording import TURNING, Apart
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted
from citelog.reports.audited import SIGNS, STYLES
from citelog.reports.compared import one_line, spelt

SORTED = {
    "figure": "number",
    "unit": "unit",
    "negation": "no",
    "strength": "firmness",
    "limit": "limit",
    "words": "words",
    "writing": "writing",
}
"""The sorts of a difference, in a word."""

FEW = 6
"""Names of a list that are told where not all are asked for."""

SHOWN = 300
"""Characters of a new sentence that are shown where not all is asked for: the whole of most."""


def drifted(found: Drift, full: bool = False, width: int = WIDTH) -> Iterator[Line]:
    """Everything that differs; `full` names every case and every moved quote, and not only the first."""
    yield from _heading(found, width)
    if found.same:
        yield Line("")
        yield Line("The same document, byte for byte.", "bold green")
        return
    yield from _table(found, width)
    for one in found.statements:
        if one.code not in ("", "quote-moved"):
            yield Line("")
            yield from _statement(one, full, width)
    yield from _moved(found, full, width)
    yield from _new(found.new, full, width)
    yield from _parts(found.segments, full, width)
    yield from _headings([one for one in found.headings if one.told], width)
    yield from _affected(found, full, width)


def _heading(found: Drift, width: int) -> Iterator[Line]:
    knowledge = found.edition.knowledge
    version = knowledge.version if knowledge else "with errors"
    old, new = found.documents.old, found.documents.new
    yield from wrapped(f"{found.edition.id} {version}, beside {new.file}", width, "  ", "bold")
    aligned = found.documents.aligned
    kept = f", {aligned.same} of them as they were" if not found.same else ""
    name = max(len(old.file), len(new.file))
    for word, source, told in (
        ("before", old, counted(len(aligned.before), "sentence")),
        ("now", new, f"{counted(len(aligned.after), 'sentence')}{kept}"),
    ):
        text = f"  {word:<6}  {source.file:<{name}}  SHA-256 {source.sha256[:16]}…  {told}"
        yield from wrapped(text, width, "          ")
    for note in found.notes:
        yield from wrapped(f"  ! {note}", width, "    ", "bold yellow")
    if found.unasked:
        yield from wrapped(f"  ! {found.unasked}", width, "    ", "bold yellow")


def _table(found: Drift, width: int) -> Iterator[Line]:
    told = [one for one in found.figures if one.count]
    yield Line("")
    if not told:
        yield Line("  Every quote stands where it stood, and no sentence is new.", "green")
        return
    code = max(len(one.code) for one in told)
    of = max(len(f"{one.count} of {one.of} {one.of_what}") for one in told)
    for one in told:
        count = f"{one.count} of {one.of} {one.of_what}"
        text = f"  {SIGNS[one.weight]} {one.code:<{code}}  {count:<{of}}  {one.title}"
        yield from wrapped(text, width, " " * (code + of + 8), STYLES[one.weight])


def called(one: Drifted) -> str:
    """All that can be said of a statement, in words."""
    return "; ".join(STATEMENTS[code].title for code in one.codes if code != "quote-moved")


def beside_it(one: Drifted) -> str:
    """What a statement is to the document, and that somebody had reviewed it, in brackets; empty for neither."""
    role = f"{' and '.join(one.roles)} of the document" if one.roles else ""
    review = one.review if one.review in ("reviewed", "approved") else ""
    told = ", ".join(filter(None, (role, review)))
    return f" ({told})" if told else ""


def where(before: Place | None, after: Place | None, section: str | None = None) -> str:
    """The lines that words stood and stand on."""
    below = f", in “{one_line(section)}”" if section else ""
    if before is None:
        return f"line {after.line}{below}" if after else ""
    if after is None:
        return f"was on line {before.line}{below}"
    same = after.line == before.line
    return f"line {before.line}{'' if same else f', now line {after.line}'}{below}"


def _statement(one: Drifted, full: bool, width: int) -> Iterator[Line]:
    weight = STATEMENTS[one.code].weight
    place = where(one.became.before, one.became.after, one.sections[1] if one.became.after else one.sections[0])
    head = f"{SIGNS[weight]} {one.statement}{beside_it(one)}  {called(one)}  ({place})"
    yield from wrapped(head, width, "    ", STYLES[weight])
    if one.became.fate == "changed":
        yield from wrapped(f"    - “{one_line(one.became.words)}”", width, "      ", "red")
        yield from wrapped(f"    + “{one_line(one.became.now)}”", width, "      ", "green")
    else:
        sign, style = ("-", "red") if one.became.fate == "vanished" else ("=", "dim")
        yield from wrapped(f"    {sign} “{one_line(one.became.words)}”", width, "      ", style)
    if one.became.fate == "vanished" and one.became.sentence:
        yield from wrapped(f"      its sentence is now: “{one_line(one.became.sentence)}”", width, "        ")
    for note in notes(one):
        yield from wrapped(f"      {note.text}", width, "        ", _STYLES.get(note.sort, ""))
    if one.affects:
        yield from _resting(one.resting, full, width, "      ")


@dataclass(frozen=True, slots=True)
class Note:
    """What is said beneath the words of a statement or a segment.

    `sort` is that of the difference that it tells; `quoted` if that stands in the quote of another statement,
    `elsewhere` if it tells other places; empty for anything else.
    """

    text: str
    sort: str = ""


def notes(one: Drifted) -> Iterator[Note]:
    """What differs in a quote, in its sentence and in what stands with it, first what can turn it round."""
    yield from _differences(one.differences)
    for beside in sorted(one.sentence, key=lambda b: (bool(b.quoted_by), b.apart.rank)):
        if beside.apart.sort != "writing":
            quoted = f", in the quote of {' and '.join(beside.quoted_by)}" if beside.quoted_by else ""
            sort = "quoted" if beside.quoted_by else beside.apart.sort
            yield Note(f"around it, {_difference(beside.apart)}{quoted}", sort)
    if "markers-changed" in one.codes:
        yield Note("markers: {} → {}".format(*(", ".join(side) or "none" for side in one.markers)))
    if one.other_section:
        sides = (f"“{one_line(side)}”" if side else "no heading" for side in one.sections)
        yield Note("heading: {} → {}".format(*sides))
    if one.became.also:
        yield Note(_elsewhere(one), "elsewhere")


def notes_of(part: Part) -> Iterator[Note]:
    """What differs in a segment, and beside it."""
    yield from _differences(part.differences)
    yield from _differences(part.sentence, "beside it, ")


def _differences(found: Iterable[Apart], lead: str = "") -> Iterator[Note]:
    for one in sorted(found, key=lambda one: one.rank):
        yield Note(f"{lead}{_difference(one)}", one.sort)


def _elsewhere(one: Drifted) -> str:
    """Where else the words of a quote stand, and what that means."""
    lines = ", ".join(str(place.line) for place in one.became.also[:FEW])
    if one.became.after is None or one.became.fate == "changed":
        return f"the same words stand on line {lines}, in a sentence that had them before"
    sure = "its own sentence tells which is meant" if one.became.sure else "which is meant, nobody can tell"
    return f"the same words stand on line {lines} too: {sure}"


def _difference(one: Apart) -> str:
    """One difference of words, with its sort."""
    return f"{SORTED[one.sort]}: {_changed(one)}"


def _changed(one: Apart) -> str:
    before, after = spelt(one.before), spelt(one.after)
    if not one.before:
        return f"new {after}"
    return f"{before} → {after}" if one.after else f"gone {before}"


_STYLES = {
    **dict.fromkeys(TURNING, "bold red"),
    **dict.fromkeys(("strength", "limit", "elsewhere"), "yellow"),
    "quoted": "dim",
}
"""How loud a note is, by its sort."""


def _resting(resting: Resting, full: bool, width: int, lead: str) -> Iterator[Line]:
    """What rests on a statement, line by line; what there is none of is not told."""
    lost = [str(triple) for triple in resting.triples if triple.lost]
    for word, told in (
        ("no longer in its words", "; ".join(lost)),
        ("rules that cite it", listed(resting.cited_by, full)),
        ("rules that read it", listed(resting.read_by, full)),
        ("conclusions", conclusions(resting, full)),
        ("no case shows", listed(resting.unshown, full)),
        (counted(len(resting.cases), "case"), listed(resting.cases, full, 2)),
        ("properties", listed(resting.properties, full)),
        ("conflicts", listed(resting.conflicts, full)),
        ("said with every answer", "; ".join(resting.caveats)),
    ):
        if told:
            yield from wrapped(f"{lead}{word}: {told}", width, f"{lead}  ")


def listed(names: Sequence[str], full: bool, few: int = FEW) -> str:
    """Names one after the other; of many the first, where not all are asked for."""
    if full or len(names) <= few + 1:
        return ", ".join(names)
    return f"{', '.join(names[:few])} and {len(names) - few} more"


def conclusions(resting: Resting, full: bool) -> str:
    """The conclusions that rest on a statement, those that cite it by name."""
    cites = [f"{one.conclusion} ({counted(len(one.cases), 'case')})" for one in resting.supports if one.cites]
    others = [one.conclusion for one in resting.supports if not one.cites]
    told = [listed(cites, full)] if cites else []
    if others and full:
        told.append(f"further down in the proofs of {', '.join(others)}")
    elif others:
        further = "further down in the proofs of"
        told.append(f"and {further} {counted(len(others), 'other')}" if cites else f"{further} {len(others)}")
    return "; ".join(told)


def _moved(found: Drift, full: bool, width: int) -> Iterator[Line]:
    moved = sorted((one for one in found.statements if one.became.fate == "moved"), key=_stood)
    in_order = [one for one in moved if one.became.in_order]
    beside = [one for one in moved if not one.became.in_order]
    if not moved:
        return
    yield Line("")
    yield Line(f"Moved, the same words: {len(moved)} of {counted(len(found.statements), 'quote')}", "bold cyan")
    if in_order:
        shifts = {one.became.after.line - one.became.before.line for one in in_order if one.became.after}
        told = listed([_shift(one) for one in in_order], full or len(shifts) > 1)
        if len(shifts) == 1 and not full:
            by, names = shifts.pop(), ", ".join(one.statement for one in in_order)
            told = f"{counted(abs(by), 'line')} {'down' if by > 0 else 'up'}: {names}"
        yield from wrapped(f"  in their order, {told}", width, "    ", "dim")
    if beside:
        yield from wrapped(f"  out of their order: {', '.join(map(_shift, beside))}", width, "    ", "yellow")


def _stood(one: Drifted) -> int:
    return one.became.before.start


def _shift(one: Drifted) -> str:
    assert one.became.after is not None
    return f"{one.statement} {one.became.before.line}→{one.became.after.line}"


def _new(new: Sequence[New], full: bool, width: int) -> Iterator[Line]:
    if not new:
        return
    yield Line("")
    figures = sum(one.figures for one in new)
    beside = f", {figures} with a number" if figures else ""
    yield Line(f"New, and accounted for by nothing: {counted(len(new), 'sentence')}{beside}", "bold cyan")
    yield from _by_section(new, full, width)


def _by_section(new: Sequence[New], full: bool, width: int) -> Iterator[Line]:
    section: str | None = ""
    few = new if full else new[: 4 * FEW]
    for one in few:
        if one.section != section:
            section = one.section
            yield Line(f"  in “{one_line(section)}”" if section else "  under no heading", "dim")
        text = one_line(one.text) if full else shortened(one_line(one.text), SHOWN)
        yield from wrapped(f"    + line {one.place.line}: “{text}”", width, "      ", "green")
    if len(new) > len(few):
        yield Line(f"    and {len(new) - len(few)} more (--all)", "dim")


def _parts(parts: Sequence[Part], full: bool, width: int) -> Iterator[Line]:
    if not parts:
        return
    yield Line("")
    yield Line(f"Changed in words that no statement quotes: {counted(len(parts), 'segment')}", "bold cyan")
    for one in parts if full else parts[: 4 * FEW]:
        place = where(one.became.before, one.became.after)
        sign = "~" if one.became.after else "-"
        yield from wrapped(f"  {sign} {one.segment} {became(one)}  ({place})", width, "      ", "yellow")
        if one.became.fate == "vanished":
            yield from wrapped(f"      - “{one_line(one.became.words)}”", width, "        ", "red")
        for note in notes_of(one):
            yield from wrapped(f"      {note.text}", width, "        ", _STYLES.get(note.sort, ""))
    if not full and len(parts) > 4 * FEW:
        yield Line(f"  and {len(parts) - 4 * FEW} more (--all)", "dim")


def became(one: Part) -> str:
    """What became of a segment, and how it was accounted for; one that stands is told for the words beside it."""
    fate = one.became.fate if one.became.fate in ("changed", "vanished") else "stands beside other words"
    stood = f"encoded as {', '.join(one.encoded_as)}" if one.encoded_as else f"set aside: {one.reason}"
    return f"{fate}, {stood}"


def _headings(told: Sequence[Heading], width: int) -> Iterator[Line]:
    if not told:
        return
    yield Line("")
    yield Line("Headings", "bold cyan")
    for one in told:
        yield from wrapped(f"  {heading(one)}", width, "    ")


def heading(one: Heading) -> str:
    """What became of a heading, in words."""
    if one.before is None:
        return f"+ new “{one_line(one.after or '')}”  (line {one.line_after})"
    if one.after is None:
        return f"- gone “{one_line(one.before)}”  (was on line {one.line_before})"
    lines = f"line {one.line_before}" + (f", now line {one.line_after}" if one.line_after != one.line_before else "")
    order = "" if one.in_order else ", in another place"
    if one.before == one.after:
        return f"→ “{one_line(one.before)}”{order}  ({lines})"
    return f"~ “{one_line(one.before)}” is now “{one_line(one.after)}”{order}  ({lines})"


def _affected(found: Drift, full: bool, width: int) -> Iterator[Line]:
    resting, affecting = found.affected, [one for one in found.statements if one.affects]
    if not affecting:
        return
    lost = [triple for triple in resting.triples if triple.lost]
    yield Line("")
    these = "this statement" if len(affecting) == 1 else f"these {len(affecting)} statements"
    yield Line(f"What rests on {these}", "bold cyan")
    rows: Iterable[tuple[int, str, str]] = (
        (len(lost), "value no longer in the words", "; ".join(map(str, lost))),
        (len(resting.cited_by), "rule that cites one", listed(resting.cited_by, full)),
        (len(resting.read_by), "rule that reads what one says", listed(resting.read_by, full)),
        (len(resting.supports), "conclusion", listed([one.conclusion for one in resting.supports], full)),
        (len(resting.unshown), "conclusion that no case shows", listed(resting.unshown, full)),
        (len(resting.cases), "case", listed(resting.cases, full, 2)),
        (len(resting.properties), "property", listed(resting.properties, full)),
        (len(resting.conflicts), "conflict", listed(resting.conflicts, full)),
        (len(resting.caveats), "caveat", "; ".join(resting.caveats)),
        (len(resting.terms), "term", listed(resting.terms, full)),
    )
    for count, noun, told in rows:
        if count:
            yield from wrapped(f"  {counted(count, noun, PLURALS.get(noun, ''))}: {told}", width, "    ")


PLURALS = {
    "value no longer in the words": "values no longer in the words",
    "rule that cites one": "rules that cite one",
    "rule that reads what one says": "rules that read what one says",
    "conclusion that no case shows": "conclusions that no case shows",
    "property": "properties",
}
