"""Why not, what if, what is missing and contrasts as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from citelog.conclusions import Conclusion
from citelog.diagnostics import proposal
from citelog.explain.contrast import Contrast, PatientContrast
from citelog.explain.missing import NOT_TRIED, Missing, Outcome
from citelog.explain.obstacles import Obstacle, Premise
from citelog.explain.what_if import Kept, WhatIf
from citelog.explain.why_not import NearMiss, WhyNot
from citelog.knowledge.base import Citation, Knowledge
from citelog.proof.compare import Reason
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.phrases import counted, said, short_citation
from citelog.render.proofs import Branch, drawn

_STATES = {
    "not recorded": "not recorded",
    "recorded absent": "recorded absent",
    "recorded unknown": "recorded unknown",
    "recorded otherwise": "recorded otherwise",
    "recorded": "recorded",
    "false": "false",
    "does not exist": "the document does not give it",
    "concluded": "it holds",
    "not concluded": "it does not hold",
}


def why_not(found: WhyNot, knowledge: Knowledge, width: int = WIDTH) -> Iterator[Line]:
    """Why a conclusion was not reached: the nearest ways to it, each tried."""
    yield Line(f"{found.conclusion} was not concluded", "bold")
    if not found.is_drawn:
        yield from wrapped("no rule of this knowledge base concludes it, for any record", width, "  ", "yellow")
        return
    for conclusion in found.instead:
        yield from wrapped(f"concluded instead: {conclusion.id}. {conclusion.sentence}", width, "  ")
    if found.near:
        text = "Hypothetical records that would reach it; no advice. Change a record only where it is wrong."
        yield from wrapped(text, width, "", "dim")
    for place, near in enumerate(found.near, start=1):
        yield Line("")
        yield from _near(place, near, knowledge, width)
    if found.obstacle is not None:
        yield from drawn([_Told(knowledge).obstacle(found.obstacle, quoted=True)], "", width)
    yield Line("")
    if not found.near:
        whole = "no change of this record that the rules ask for reaches it"
        part = "no change that was tried reaches it; there were more to try"
        yield from wrapped(whole if found.complete else part, width, "  ", "yellow")
    tried = counted(found.derived, "changed record was", "changed records were")
    told = "each way shown reaches the conclusion, and there may be others" if found.near else "none reaches it"
    yield from wrapped(f"({tried} derived again; {told})", width, " ", "dim")


def _tried(near: NearMiss) -> str:
    """The command that makes the changes; they are written as the shell wants them."""
    return " ".join((proposal("what-if", "CASE"), *map(str, near.changes)))


def _near(place: int, near: NearMiss, knowledge: Knowledge, width: int) -> Iterator[Line]:
    for i, (text, serves) in enumerate(zip(near.told, near.ranges, strict=True)):
        lead = f"{place}. " if i == 0 else "   and "
        yield from wrapped(f"{lead}{text}{f' ({serves} would give the same)' if serves else ''}", width, "   ", "bold")
    yield from wrapped(f"   gives {_headline(near.reached)}", width, "   ", "green")
    yield from drawn([_Told(knowledge).obstacle(near.obstacle, quoted=True)], "   ", width)
    for word, ids in (("also gained", near.gained), ("lost", near.lost)):
        if ids:
            yield from wrapped(f"   {word}: {', '.join(ids)}", width, "     ", "dim")
    yield Line(f"   try it: {_tried(near)}", "dim", proposes=True)


def _headline(conclusion: Conclusion) -> str:
    return f"{' · '.join((conclusion.id, *conclusion.tags.values()))}: {conclusion.sentence}"


def _cites(citations: Iterable[Citation], knowledge: Knowledge) -> str:
    told = [short_citation(knowledge.statements[c.statement]) for c in citations]
    return f"  [{'; '.join(told)}]" if told else ""


@dataclass(slots=True)
class _Told:
    """The obstacles of one answer, each told once; `quoted` where the first statements are quoted in full."""

    knowledge: Knowledge
    told: set[tuple[str, str]] = field(default_factory=set)

    def obstacle(self, found: Obstacle, quoted: bool = False) -> Branch:
        """A rule with its premises: ✓ holds, ✗ fails, ? waits for what fails."""
        cites = "" if quoted else _cites(found.citations, self.knowledge)
        text = f"{found.rule}{cites}{f': {found.text}' if found.fired else ' needs'}"
        if (found.rule, found.text) in self.told:
            return Branch(f"{text} (see above)", "dim")
        self.told.add((found.rule, found.text))
        quotes = [Branch(said(c), "italic cyan") for c in found.citations] if quoted else []
        return Branch(text, "magenta" if found.fired else "", (*quotes, *self.premises(found)))

    def premises(self, found: Obstacle) -> Iterator[Branch]:
        """Its premises; what only counts others is left out, and what says the same again stands under one line."""
        failing = [premise for premise in found.premises if not premise.holds]
        told: dict[str, Branch] = {}
        for premise in found.premises:
            counts = premise.kind in ("counted", "computation")
            if counts and (premise.holds or len(failing) > 1):
                continue
            for branch in self.premise(premise):
                said = told.setdefault(branch.text, branch)
                more = tuple(below for below in branch.branches if below not in said.branches)
                told[branch.text] = replace(said, branches=said.branches + more)
        yield from told.values()

    def premise(self, premise: Premise) -> Iterator[Branch]:
        """One premise, with the lines of the record or the cited rules that it comes down to."""
        if premise.state == "holds":
            yield Branch(f"✓ {premise.text}", "green")
        elif premise.state == "open":
            yield Branch(f"? {premise.text}", "dim")
        else:
            leaves, rules = _behind(premise)
            branches = tuple(self.obstacle(rule) for rule in rules)
            told = {tuple(e.id for e in leaf.entries) or leaf.text: _reason(leaf, premise) for leaf in reversed(leaves)}
            reasons = "; ".join(filter(None, dict.fromkeys(reversed(told.values()))))
            need = "in the way" if premise.is_in_the_way else "needed"
            yield Branch(f"✗ {need}: {premise.text}{f' — {reasons}' if reasons else ''}", "red", branches)


def against(found: Obstacle, knowledge: Knowledge, width: int, lead: str = "") -> Iterator[Line]:
    """What stands against a conclusion, as a tree."""
    return drawn([_Told(knowledge).obstacle(found, quoted=True)], lead, width)


def _behind(premise: Premise) -> tuple[list[Premise], list[Obstacle]]:
    """What a failing premise comes down to, through rules that only read the record: lines of it, and cited rules."""
    if premise.behind is None:
        return [premise], []
    if premise.behind.citations:
        return [], [premise.behind]
    leaves: list[Premise] = []
    rules: list[Obstacle] = []
    for below in premise.behind.premises:
        if not below.holds:
            more, cited = _behind(below)
            leaves += more
            rules += cited
    return leaves, rules


def _reason(leaf: Premise, premise: Premise) -> str:
    """Why a premise fails; nothing where its own words say that already: that something is not there."""
    if leaf is premise and leaf.is_gap and leaf.state == "not recorded":
        return ""
    entries = ", ".join(f"“{e.sentence}” [{e.read_from}]" for e in leaf.entries)
    told = _STATES.get(leaf.state, leaf.state) + (f": {entries}" if entries else "")
    about = leaf.text.removesuffix(".")
    return told if leaf is premise or leaf.entries else f"{told}: “{about}”"


def what_if(found: WhatIf, width: int = WIDTH) -> Iterator[Line]:
    """What changes with a record."""
    for text in found.told:
        yield from wrapped(text if text.startswith("without ") else f"with {text}", width, "  ", "bold")
    for note in found.notes:
        yield from wrapped(f"! {note.text} ({note.read_from})", width, "  ", "yellow")
    knowledge = found.after.knowledge
    if not (found.gained or found.lost or found.kept):
        yield Line("")
        yield Line("nothing changes", "yellow")
    if found.gained:
        yield Line("")
        yield Line("Gained", "bold green")
        for gained in found.gained:
            yield from _told("+", gained.conclusion, knowledge, width)
    if found.lost:
        yield Line("")
        yield Line("Lost", "bold red")
        told = _Told(knowledge)
        for lost in found.lost:
            yield from _told("-", lost.conclusion, knowledge, width)
            if lost.obstacle is not None:
                yield from drawn(list(told.premises(lost.obstacle)), "    ", width)
    if found.kept:
        yield Line("")
        yield Line("Kept, for another reason or in other words", "bold yellow")
        yield from _kept(found.kept, knowledge, width, ("before", "now"))
    yield Line("")
    yield from wrapped(
        f"({counted(len(found.same), 'conclusion stays as it is', 'conclusions stay as they are')})", width, " ", "dim"
    )


def _told(sign: str, conclusion: Conclusion, knowledge: Knowledge, width: int) -> Iterator[Line]:
    yield from wrapped(f"  {sign} {_headline(conclusion)}{_cites(conclusion.citations, knowledge)}", width, "    ")


def _kept(found: Iterable[Kept], knowledge: Knowledge, width: int, sides: tuple[str, str]) -> Iterator[Line]:
    """Conclusions that both answers give, those that differ in the same way told together."""
    groups: dict[tuple[Line, ...], list[str]] = {}
    for kept in found:
        groups.setdefault(tuple(_differs(kept, knowledge, width, sides)), []).append(kept.after.id)
    for lines, ids in groups.items():
        yield from wrapped(f"  ~ {', '.join(ids)}", width, "    ", "bold")
        yield from lines


def _differs(kept: Kept, knowledge: Knowledge, width: int, sides: tuple[str, str]) -> Iterator[Line]:
    keys = [k for k in kept.after.details if kept.before.details.get(k) != kept.after.details[k]]
    for key in keys:
        if isinstance(kept.after.details[key], str):
            yield Line(f"    {key}: {kept.before.details.get(key)} → {kept.after.details[key]}")
    if "also" in keys:
        told = [[_other(one) for one in c.details.get("also", ())] for c in (kept.before, kept.after)]
        for side, lines in zip(sides, told, strict=True):
            yield from wrapped(f"    {side}, also: {'; '.join(lines) or 'nothing else'}", width, "      ", "dim")
    for side, only in zip(sides, (kept.difference.first, kept.difference.second), strict=True):
        for reason in only:
            if reason.text != (kept.before if side == sides[0] else kept.after).sentence:
                yield from _reason_line(side, reason, knowledge, width)


def _other(one: dict[str, Any]) -> str:
    return f"{one['value']} [{' '.join(one['statements'])}]"


def _reason_line(side: str, reason: Reason, knowledge: Knowledge, width: int) -> Iterator[Line]:
    cites = "; ".join(short_citation(knowledge.statements[s]) for s in reason.statements)
    place = ", ".join(reason.read_from)
    marks = f"  [{cites or place}]" if cites or place else ""
    kind = "" if reason.kind == "rule" else f" {reason.kind}:"
    yield from wrapped(f"    {side}{kind} {reason.text}{marks}", width, "      ")


def missing(found: Missing, width: int = WIDTH) -> Iterator[Line]:
    """What is missing: what the answer itself asks for, then the items on which most hangs."""
    if found.conclusion is not None:
        yield Line(f"What {found.conclusion} depends on", "bold")
        for one in found.depends:
            if one.effect == NOT_TRIED:
                continue
            style = {"falls without it": "red", "is said otherwise without it": "yellow"}.get(one.effect, "dim")
            yield from wrapped(f"  {one.entry.sentence} [{one.entry.read_from}] {one.effect}", width, "    ", style)
        if not found.depends:
            yield Line("  no entry of the record")
        if untried := sum(one.effect == NOT_TRIED for one in found.depends):
            yield Line(f"  ({counted(untried, 'entry was', 'entries were')} not tried: the record is very long)", "dim")
        yield Line("")
        yield Line("What could change it", "bold")
    else:
        yield Line("What is missing, and could change the answer", "bold")
    if not found.items:
        yield Line("  nothing: no single item that the rules ask for would change it")
    told: set[str] = set()
    for item in found.items:
        yield Line("")
        weight = counted(item.weight, "conclusion hangs", "conclusions hang")
        yield from wrapped(f"  {item.text} ({item.state}; {weight} on it)", width, "    ", "bold")
        idle = [o.value for o in item.outcomes if o.is_idle]
        for outcome in item.outcomes:
            if not outcome.is_idle:
                yield from _outcome(outcome, told, width)
        if idle:
            yield from wrapped(f"    {', '.join(idle)}: nothing changes", width, "      ", "dim")
    yield Line("")
    tried = counted(found.tried, "changed record was", "changed records were")
    more = "" if found.complete else "; there were more to try: the record is very long, or rules tell very much apart"
    yield from wrapped(f"({tried} derived, of each range of values one{more})", width, " ", "dim")
    if found.undated:
        text = "(with the date of the assessment, --at, what rules hold to it is tried, too)"
        yield from wrapped(text, width, " ", "dim")


def _outcome(outcome: Outcome, told: set[str], width: int) -> Iterator[Line]:
    """What one value changes: each conclusion with what it says, of those `told` already the ids."""
    yield from wrapped(f"    {outcome.value}", width, "      ")
    if outcome.unanswered:
        yield from wrapped(f"      no answer would be given: {outcome.unanswered}", width, "        ")
    for sign, found in (("+", outcome.gained), ("-", outcome.lost)):
        for conclusion in (c for c in found if _headline(c) not in told):
            yield from wrapped(f"      {sign} {_headline(conclusion)}", width, "        ")
        if again := [c.id for c in found if _headline(c) in told]:
            yield from wrapped(f"      {sign} as told above: {', '.join(again)}", width, "        ")
        told |= {_headline(c) for c in found}
    for a, b in outcome.changed:
        turns = ", ".join(f" {a.tags[name]} → {said}" for name, said in b.tags.items() if a.tags[name] != said)
        yield from wrapped(f"      ~ {b.id}{turns}: {b.sentence}", width, "        ")


def contrast(found: Contrast, knowledge: Knowledge, width: int = WIDTH) -> Iterator[Line]:
    """Two conclusions of one patient, and only what tells them apart."""
    sides = (found.first, found.second)
    drawn_ = [side.conclusion is not None for side in sides]
    yield Line(
        f"{sides[0].id} beside {sides[1].id}"
        if all(drawn_)
        else f"Why {sides[0].id} and not {sides[1].id}?"
        if drawn_[0]
        else f"Why {sides[1].id} and not {sides[0].id}?"
        if drawn_[1]
        else f"Why neither {sides[0].id} nor {sides[1].id}?",
        "bold",
    )
    for side, only in zip(sides, _only(found), strict=True):
        yield Line("")
        if side.conclusion is not None:
            yield from wrapped(_headline(side.conclusion), width, "  ", "bold green")
            for reason in only if found.difference else side.reasons:
                yield from _reason_line("only here," if found.difference else "because", reason, knowledge, width)
            if found.difference and not only:
                yield Line("    nothing only here: all its reasons are reasons of the other, too", "dim")
        elif found.difference is None:
            assert side.why_not is not None
            yield from why_not(side.why_not, knowledge, width)
        else:
            assert side.why_not is not None
            near = side.why_not.near[0]
            yield Line(f"{side.id} was not concluded", "bold red")
            yield from wrapped(f"  it would be with {'; '.join(near.told)}, because of", width, "  ")
            for reason in only:
                yield from _reason_line("only there,", reason, knowledge, width)
            yield Line(f"  try it: {_tried(near)}", "dim", proposes=True)
    if found.difference:
        yield Line("")
        yield from wrapped(
            f"({counted(found.difference.shared, 'reason is', 'reasons are')} shared)", width, " ", "dim"
        )


def _only(found: Contrast) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """What only one side rests on, the entries of the record first: they are the difference."""
    if not found.difference:
        return ((), ())
    first, second = (
        tuple(sorted(only, key=lambda reason: reason.kind != "record"))
        for only in (found.difference.first, found.difference.second)
    )
    return (first, second)


def contrast_patients(found: PatientContrast, width: int = WIDTH) -> Iterator[Line]:
    """Two patients, and only what tells them apart."""
    knowledge = found.first.knowledge
    names = (found.first.case.id, found.second.case.id)
    yield Line(f"{names[0]} beside {names[1]}", "bold")
    for name, entries in zip(names, found.entries, strict=True):
        if entries:
            yield Line("")
            yield Line(f"Only {name} has on record", "bold cyan")
            for entry in entries:
                yield from wrapped(f"  {entry.sentence} [{entry.read_from}]", width, "    ")
    for name, told in zip(names, (found.only_first, found.only_second), strict=True):
        if told:
            yield Line("")
            yield Line(f"Only for {name}", "bold green")
            for conclusion, _ in told:
                yield from _told("+", conclusion, knowledge, width)
    if found.both:
        yield Line("")
        yield Line("For both, for different reasons or in other words", "bold yellow")
        yield from _kept(found.both, knowledge, width, names)
    yield Line("")
    yield from wrapped(
        f"({counted(len(found.same), 'conclusion is', 'conclusions are')} the same for both)", width, " ", "dim"
    )
