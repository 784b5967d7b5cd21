"""Assessments and findings as lines of text, each with a style for terminals that have colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from citelog.assess import Assessment, Conclusion
from citelog.diagnostics import Diagnostic, proposal
from citelog.evidence.sources import on_one_line
from citelog.knowledge.base import Citation, Knowledge
from citelog.knowledge.lookup import Found
from citelog.render.lines import WIDTH, Line, side_by_side, wrapped
from citelog.render.phrases import UNRESOLVED, alike, counted, place, reviewed, said, unmatched

PLACE = 90
"""Letters of a place that are shown."""

FEW = 20
"""Notes that are all shown; of more, those about entries that mean nothing here are counted."""


def assessment(found: Assessment, width: int = WIDTH) -> Iterator[Line]:
    """Everything that was concluded: conclusions by kind, then the record, the quotes, and what was not used."""
    knowledge = found.knowledge
    yield Line(f"{knowledge.title} ({knowledge.id} {knowledge.version})", "bold")
    yield Line(f"Patient record {found.case.id}")
    for caveat in knowledge.caveats:
        yield from wrapped(f"! {caveat.text} [{' '.join(caveat.statements)}]", width, "  ", "yellow")
    for standing in filter(None, (reviewed(found), unmatched(found))):
        yield from wrapped(f"! {standing}", width, "  ", "yellow")
    kind, titles = "", {kind.name: kind.title for kind in knowledge.kinds}
    for conclusion in found.conclusions:
        if conclusion.kind != kind:
            kind = conclusion.kind
            yield Line("")
            yield Line(titles[kind], "bold cyan")
        yield from _conclusion(conclusion, found, width)
    yield from _record(found, width)
    yield from _quotes(found, width)
    yield from _notes(found, width)
    if asked := _worth_asking(found):
        yield Line("")
        yield Line(f"Why? Ask of any id: {proposal('why', 'CASE', asked)}", "dim", proposes=True)


def _worth_asking(found: Assessment) -> str:
    """A conclusion about the patient: one that was decided among several, or else the first."""
    about = {kind.name for kind in found.knowledge.kinds if kind.about_record}
    decided = {kind.name for kind in found.knowledge.kinds if kind.candidates}
    told = sorted((c for c in found.conclusions if c.kind not in about), key=lambda c: c.kind not in decided)
    return told[0].id if told else ""


def _conclusion(conclusion: Conclusion, found: Assessment, width: int) -> Iterator[Line]:
    yield Line(f"  {' · '.join((conclusion.id, *conclusion.tags.values()))}", "bold")
    yield from wrapped(f"    {conclusion.sentence}", width, "    ")
    for value, told, statements in found.others(conclusion):
        yield from wrapped(f"    also {value}: {told} [{' '.join(statements)}]", width, "      ", "dim")
    if "sides" in conclusion.details:
        yield from _sides(conclusion, found.knowledge, width)
    facts = f"from {', '.join(conclusion.facts)}" if conclusion.facts else "from nothing on record"
    cites = f"cites {' '.join(conclusion.statements)}" if conclusion.statements else "no statement speaks of it"
    state = "" if alike(found) else f" · {conclusion.review}"
    yield from wrapped(f"    {facts} · {cites}{state}", width, "      ", "green")
    for assumption in conclusion.assumes:
        yield from wrapped(f"    rests on a gap: {assumption}", width, "      ", "yellow")


def _sides(conclusion: Conclusion, knowledge: Knowledge, width: int) -> Iterator[Line]:
    """The statements that disagree, side by side, with what kind of conflict it is."""
    conflict = knowledge.conflicts.get(conclusion.value)
    if conflict is not None:
        yield Line(f"    kind of conflict: {conflict.type}", "magenta")
    cited = {c.statement: c for c in conclusion.citations}
    left, right = ([said(cited[s]) for s in side] for side in conclusion.details["sides"])
    yield from side_by_side(left, right, width, "    ")


def _record(found: Assessment, width: int) -> Iterator[Line]:
    yield Line("")
    yield Line("The record", "bold cyan")
    known = [e for e in found.case.entries if e.term is not None]
    foreign = len(found.case.entries) - len(known)
    if not found.case.entries:
        yield Line("  no entries")
    size = max((len(e.id) for e in known), default=2)
    for entry in known:
        yield from wrapped(f"  {entry.id.ljust(size)}  {entry.sentence} ({entry.read_from})", width, " " * (size + 4))
    if foreign:
        more = counted(foreign, "entry names", "entries name")
        yield from wrapped(f"  {more} nothing that this knowledge base knows; see below", width, "  ", "dim")


def _notes(found: Assessment, width: int) -> Iterator[Line]:
    """What was read and not used: all of it where it is short, the foreign entries counted where it is long."""
    if not found.notes:
        return
    yield Line("")
    yield Line("Not used, or to be looked at", "bold cyan")
    foreign = {e.read_from for e in found.case.entries if e.term is None}
    shown = [n for n in found.notes if n.read_from not in foreign or len(found.notes) <= FEW]
    for note in shown:
        yield from wrapped(f"  {note.text} ({_place(note.read_from)})", width, "    ", "dim")
    if len(shown) < len(found.notes):
        rest = counted(len(found.notes) - len(shown), "note is", "notes are")
        about = "about entries that name nothing this knowledge base knows; --format json lists them"
        yield from wrapped(f"  {rest} {about}", width, "    ", "dim")


def _place(place: str) -> str:
    """A place; one that is many places is cut, and --format json has all of it."""
    return place if len(place) <= PLACE else f"{place[:PLACE].rpartition(',')[0]},…"


def _quotes(found: Assessment, width: int) -> Iterator[Line]:
    yield Line("")
    yield Line("What the document says", "bold cyan")
    cited: dict[str, Citation] = {}
    for conclusion in found.conclusions:
        cited.update((c.statement, c) for c in conclusion.citations)
        for field in conclusion.details.values():
            if isinstance(field, dict) and field.get("inherited_from"):
                taken = field["inherited_from"]
                cited[taken] = Citation.of(found.knowledge.statements[taken])
    for caveat in found.knowledge.caveats:
        cited.update((s, Citation.of(found.knowledge.statements[s])) for s in caveat.statements)
    for statement in sorted(cited, key=lambda s: cited[s].start):
        yield from citation(cited[statement], width)
    if found.knowledge.unresolved:
        yield from wrapped(f"  {UNRESOLVED}", width, "  ", "dim")


def citation(found: Citation, width: int) -> Iterator[Line]:
    """A quote with its place and its markers."""
    yield from wrapped(f"  {found.statement}  “{on_one_line(found.quote)}”", width, "       ", "italic")
    yield from wrapped(f"       {place(found)}", width, "       ", "dim")


def found(thing: Found, width: int = WIDTH) -> Iterator[Line]:
    """One thing of a knowledge base: what it says, its quotes, and where it is used."""
    yield from wrapped(f"{thing.kind} {thing.id}  {thing.title}", width, "  ", "bold")
    for name, value in thing.fields:
        if "\n" in value:
            yield Line(f"  {name}")
            yield from (Line(line, "cyan", "    ") for line in value.splitlines())
        else:
            yield from wrapped(f"  {name}: {value}", width, "    ")
    if thing.sides:
        cited = {c.statement: c for c in thing.citations}
        left, right = ([said(cited[s]) for s in side] for side in thing.sides)
        yield from side_by_side(left, right, width, "  ")
    else:
        for one in thing.citations:
            yield from citation(one, width)
    for how, ids in thing.uses.items():
        yield from wrapped(f"  {how}: {', '.join(ids)}", width, "    ", "green")


def contents(document: Mapping[str, Any], width: int = WIDTH) -> Iterator[Line]:
    """What a knowledge base holds, by the ids that each thing can be asked for by (`citelog-knowledge/1`)."""
    knowledge = document["knowledge"]
    yield from wrapped(f"{knowledge['id']} {knowledge['version']}  {document['title']}", width, "  ", "bold")
    yield from wrapped(f"  review: {document['review_status']}", width, "    ")
    yield Line(f"  document: {document['source']['file']}")
    for caveat in document["caveats"]:
        yield from wrapped(f"  ! {caveat['text']} [{' '.join(caveat['statements'])}]", width, "    ", "yellow")
    held = {
        "conclusions": document["conclusions"],
        "statements": [one["id"] for one in document["statements"]],
        "conflicts": [one["id"] for one in document["conflicts"]],
        "rules": [one["name"] for one in document["rules"]],
        "predicates": document["predicates"],
        "terms": [one["id"] for one in document["terms"]],
    }
    for what, ids in held.items():
        yield Line("")
        yield Line(f"{what} ({len(ids)})", "bold")
        yield from wrapped(f"  {', '.join(ids)}", width, "  ")


# findings


def findings(found: Iterable[Diagnostic], shown: int = 3) -> Iterator[Line]:
    """Findings about knowledge, each with its place, the author's line and what to try.

    All that is accepted; of other advice of one code, and of errors of one slip, the first few, and the places of the
    rest.
    """
    styles = {"error": "bold red", "advice": "bold yellow"}
    met: dict[tuple[str, ...], list[Diagnostic]] = {}
    for finding in found:
        alike = met.setdefault(_slip(finding), [])
        alike.append(finding)
        if len(alike) > shown and not finding.accepted:
            continue
        first, _, *rest = finding.lines()
        yield Line(first, "dim" if finding.accepted else styles[finding.severity])
        yield Line(str(finding.span), lead="   ", link=finding.span.file)
        yield from (Line(line, proposes=line.startswith("   = ")) for line in rest)
        yield Line("")
    for one, *others in met.values():
        if one.accepted or len(others) < shown:
            continue
        files: dict[str, list[int]] = {}
        for finding in others[shown - 1 :]:
            files.setdefault(finding.span.file, []).append(finding.span.line)
        like = f" like that of {one.span}" if one.severity == "error" else ""
        yield Line(f"{one.severity}[{one.code}]: {len(others) - shown + 1} more{like}", styles[one.severity])
        for file, numbers in files.items():
            yield from wrapped(f"   {file}:{', '.join(map(str, numbers))}", WIDTH, "   ")
        yield Line("")


def _slip(finding: Diagnostic) -> tuple[str, ...]:
    """What findings have in common that are told in short: the code of advice; what errors say, or say of a value."""
    if finding.severity == "advice":
        return finding.code, finding.accepted
    return (finding.code, *(finding.about[1:] if len(finding.about) > 2 else (finding.message,)))


def findings_counted(name: str, found: Iterable[Diagnostic]) -> Line:
    """How many findings there are about the knowledge base of a name, those apart that its authors accept."""
    listed = list(found)
    errors = sum(d.severity == "error" for d in listed)
    accepted = sum(bool(d.accepted) for d in listed)
    advice = len(listed) - errors - accepted
    told = [counted(errors, "error") if errors else "nothing wrong"]
    told += [counted(advice, "piece") + " of advice"] if advice else []
    told += [f"{accepted} accepted"] if accepted else []
    return Line(f"{name}: {', '.join(told)}", f"bold {'red' if errors else 'yellow' if advice else 'green'}")
