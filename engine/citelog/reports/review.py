"""Two editions compared, in Markdown for a review: what changed in lists, the two proofs folded away.

Proofs stand in fenced text, as the terminal shows them; whatever comes from a document, a rule or a record is escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from citelog.compare.changes import Change, Detail
from citelog.compare.diff import Diff, Group, Shown, Told
from citelog.compare.pictures import Pictures
from citelog.compare.quotes import Quote, SourceChange
from citelog.render.lines import Line
from citelog.render.phrases import counted
from citelog.reports.compared import (
    SIGNS,
    because,
    fate,
    fates,
    heading,
    headline,
    kept,
    lines,
    nothing,
    one_line,
    proofs,
    proved,
    supports,
    unusable,
    word_difference,
)
from citelog.reports.possible import beside, described, gained, records, verdict

WIDE = 100
"""Columns of a proof."""

FEW = 6
"""Cases that are listed; of more, the others are counted."""


def review(found: Diff, full: bool = False, brief: bool = False) -> str:
    """The whole comparison.

    `full` has the proofs of every effect, `brief` none; otherwise those of the first effects of each cause are there,
    so that it fits into a comment.
    """
    return "\n".join(_lines(found, full, brief)) + "\n"


def _lines(found: Diff, full: bool, brief: bool) -> Iterator[str]:
    yield f"## {text(heading(found.old))} → {text(heading(found.new))}"
    yield ""
    yield _summary(found)
    for edition in (found.old, found.new):
        if edition.errors:
            errors = counted(len(edition.errors), "error")
            yield from ("", f"> **{text(edition.name)} has {errors}**; what could be read is compared.", ">")
            yield from (f"> - {code(d.code)} {text(d.message)} ({code(str(d.span))})" for d in edition.errors)
    listed = (*found.changes.listed, *found.cases)
    if listed:
        yield from ("", "### What changed", "")
        for change in listed:
            if change.kind != "segment":
                yield from _change(change)
        for how in SIGNS:
            names = [code(change.id) for change in listed if change.kind == "segment" and change.how == how]
            if names:
                yield f"- **{how}** {counted(len(names), 'segment').split(' ')[1]} {', '.join(names)}"
    if found.changes.unread:
        yield from (
            "",
            f"Cannot be read in both editions, and is not compared: {', '.join(map(code, found.changes.unread))}.",
        )
    if found.changes.layout:
        yield from ("", f"Only the layout differs: {', '.join(map(code, found.changes.layout))}.")
    if found.source is not None:
        yield from _source(found.source)
    if found.unasked:
        yield from ("", f"No case is compared: {text(found.unasked)}.")
    if found.pictures is not None:
        yield from _possible(found.pictures)
    if found.groups:
        yield from ("", "### What it changes")
        for group in found.groups:
            yield from _group(group, found, full, brief)
    if found.unusable:
        yield from ("", "### Not compared", "")
        yield from (f"- {text(unusable(name, why))}" for name, why in found.unusable.items())


def _summary(found: Diff) -> str:
    listed = found.changes.listed
    parts = [counted(len(listed), "change")] if listed else [nothing(found).rstrip(".")]
    if found.source is not None:
        parts.append("the source document changed")
    if found.asked:
        whole = counted(len(found.asked), "case")
        differ = found.differing or found.kept
        parts.append(f"{len(found.differing)} of {whole} differ" if differ else f"no conclusion differs in {whole}")
    if found.pictures is not None:
        parts.append(verdict(found)[0].lower() + verdict(found)[1:])
    return f"**{'; '.join(parts)}.**"


def _change(change: Change) -> Iterator[str]:
    span = change.after or change.before
    was = f", was {code(change.was)}" if change.how == "renamed" else ""
    place = f" ({code(str(span))})" if span else ""
    title = f" — {text(one_line(change.title))}" if change.title and not _tells(change) else ""
    yield f"- **{change.how}** {change.kind} {code(change.id)}{was}{place}{title}"
    for detail in change.details:
        yield from _detail(detail, "  ")


def _tells(change: Change) -> bool:
    """Whether the details of a change show its title already."""
    return any(change.title in (*d.before, *d.after) for d in change.details)


def _detail(detail: Detail, lead: str) -> Iterator[str]:
    before, after = (", ".join(map(one_line, side)) for side in (detail.before, detail.after))
    if before and after:
        yield f"{lead}- {text(detail.name)}: ~~{text(before)}~~ → **{text(after)}**"
    elif before:
        yield f"{lead}- no longer {text(detail.name)}: ~~{text(before)}~~"
    else:
        yield f"{lead}- also {text(detail.name)}: **{text(after)}**"


def _source(source: SourceChange) -> Iterator[str]:
    yield from ("", "### The source document changed", "")
    yield f"{fates(source)}."
    moved = [
        f"{code(q.statement)} {q.before.line}→{q.after.line}" for q in source.quotes if q.fate == "moved" and q.after
    ]
    if moved:
        yield from ("", f"The same words on another line: {', '.join(moved)}.")
    yield ""
    for quote in source.quotes:
        if quote.fate != "moved":
            yield from _quote(quote)


def _quote(quote: Quote) -> Iterator[str]:
    yield f"- {code(quote.statement)} **{fate(quote)}** ({lines(quote)})"
    yield f"  - ~~{text(one_line(quote.quote))}~~"
    if quote.now:
        yield f"  - **{text(one_line(quote.now))}**"
        yield f"  - {'; '.join(text(word_difference(d.asked, d.document)) for d in quote.differences)}"
    if quote.supports:
        yield f"  - {text(supports(quote))}"


def _possible(found: Pictures) -> Iterator[str]:
    """What becomes of the conclusions of every possible patient, and the records that show it."""
    if found.gains or found.undecided or found.names:
        yield from ("", "### For every possible patient", "")
        for name, said, gains in described(found):
            yield f"- **{text(name)}**: {text(said)}"
            yield from (f"  - {text(gained(gain))}" for gain in gains)
        yield from (f"- {text(one)}" for one in beside(found))


def _group(group: Group, found: Diff, full: bool, brief: bool) -> Iterator[str]:
    yield from (
        "",
        f"#### Because of {text(because(group))}: {records(group.differing or group.cases, found)}",
        "",
    )
    proving = proved(group, full, brief)
    for one in group.effects:
        if one.effect.how != "kept" or full:
            yield from _told(one, found, one in proving)
    for told, ids in () if full else kept(group):
        yield f"- {text(told)}: {', '.join(f'{code(id_)} ({n})' for id_, n in ids)}"


def _told(one: Told, found: Diff, proving: bool) -> Iterator[str]:
    _, _, told = headline(one).partition(" ")
    listed = ", ".join(map(code, one.cases[:FEW]))
    more = f" and {len(one.cases) - FEW} more" if len(one.cases) > FEW else ""
    yield f"- **{text(told)}** in {records(one.cases, found)}: {listed}{more}"
    for shown in one.shown:
        yield from (line for detail in shown.effect.details for line in _detail(detail, "  "))
        if proving:
            yield from _proofs(shown, found)


def _proofs(shown: Shown, found: Diff) -> Iterator[str]:
    yield from ("", f"  <details><summary>Both proofs, in {html.escape(shown.subject.name)}</summary>", "")
    for side, drawn in proofs(shown, found, WIDE):
        yield from (f"  {side}", "")
        yield from _fenced(drawn, "  ")
        yield ""
    yield from ("  </details>", "")


def _fenced(lines: Iterable[Line], lead: str) -> Iterator[str]:
    """Lines as they are, in a fence that none of them can end."""
    listed = [f"{line.lead}{line.text}".rstrip() for line in lines]
    fence = "`" * max(3, 1 + max((len(run) for line in listed for run in re.findall("`+", line)), default=0))
    yield f"{lead}{fence}text"
    yield from (f"{lead}{line}".rstrip() for line in listed)
    yield f"{lead}{fence}"


def text(words: str) -> str:
    r"""Words from elsewhere, so that Markdown takes nothing in them for a sign.

    >>> text("a *b* <c> d_e")
    'a \\*b\\* \\<c\\> d\\_e'
    """
    return re.sub(r"([\\`*_\[\]<>#|~&])", r"\\\1", words)


def code(words: str) -> str:
    """A name in the type of code, whatever it holds.

    >>> code("G01"), code("a`b")
    ('`G01`', '`` a`b ``')
    """
    return f"`` {words} ``" if "`" in words else f"`{words}`"
