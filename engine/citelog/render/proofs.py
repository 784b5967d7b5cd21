"""Proofs as lines of text: what is claimed, each claim with its citation, down to the record.

The brief form quotes the statements that decide the conclusion and cites the others by number and line; it shows one
way to each step below the conclusion. What it leaves out is counted, and what is assumed never is.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from citelog.assess import Assessment
from citelog.knowledge.base import Knowledge
from citelog.proof.graph import Proof
from citelog.render.lines import WIDTH, Line, wrapped
from citelog.render.outline import Step, outline
from citelog.render.phrases import CALLED, UNRESOLVED, counted, noted, short_citation

_STYLES = {
    "record": "green", "given": "green", "stated": "cyan", "encoder": "dim", "absent": "yellow", "assumed": "yellow",
    "quote": "italic cyan", "quoted": "cyan", "above": "dim", "…": "dim",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Branch:
    """One line of a tree, and what hangs below it."""

    text: str
    style: str = ""
    branches: tuple[Branch, ...] = ()
    link: str = ""


def proof(
    found: Proof,
    assessed: Assessment,
    every: bool = False,
    depth: int | None = None,
    width: int = WIDTH,
    quotes: bool = False,
    shortest: bool = False,
    remarks: bool = True,
    places: bool = True,
) -> Iterator[Line]:
    """A proof as a tree.

    `every` shows every step of every way; `quotes` quotes every statement in place; `shortest` shows one way only,
    also to the conclusion itself. `depth` limits how many rules deep the tree is opened; `places` says where each rule
    stands. Below the tree stand `remarks`: what is left out of it, and what holds of all proofs of the knowledge base.
    """
    conclusion = assessed.by_id[found.conclusion]
    shown = found if every and not shortest else found.shortest(root=shortest)
    view = outline(shown, every, depth, places)
    yield Line(conclusion.id, "bold")
    yield from wrapped(conclusion.sentence, width, "")
    if "sides" in conclusion.details:
        yield Line("  against  ".join(" ".join(side) for side in conclusion.details["sides"]), "magenta")
    for assumption in conclusion.assumes:
        yield Line(f"rests on a gap: {assumption}", "yellow")
    full = every or quotes
    notes = noted(assessed)
    root = [_branch(_with_notes(s, notes), assessed.knowledge, full, True, conclusion.sentence) for s in view.steps]
    yield from drawn(root, "", width)
    if not remarks:
        return
    left_out = [view.left_out] if view.left_out else []
    if others := len(found.order) - len(shown.order):
        ways = sum(len(found.used_by(step)) - len(shown.used_by(step)) for step in shown.order)
        left_out.append(f"{counted(others, 'step')} of {counted(ways, 'other way')} to what is shown")
    if left_out:
        how = "without --shortest, --all shows them" if shortest else "--all shows them"
        yield from wrapped(f"(left out: {', '.join(left_out)}; {how})", width, " ", "dim")
    if assessed.knowledge.unresolved:
        yield from wrapped(f"({UNRESOLVED.removesuffix('.')})", width, " ", "dim")
    if view.cut:
        yield from wrapped("(… marks what is deeper than --depth opens)", width, " ", "dim")


def reviewed(found: Proof, assessed: Assessment) -> Line:
    """How far the whole of a proof has been reviewed; no part of its text, which a review would otherwise change."""
    return Line(f"(review of the encoding behind it: {assessed.by_id[found.conclusion].review})", "dim")


def _with_notes(step: Step, notes: Mapping[str, str]) -> Step:
    """A step with what is noted of the entries under it: one that is replaced would be read as a reason."""
    below = tuple(_with_notes(one, notes) for one in step.below)
    note = notes.get(step.text, "") if step.sort == "record" else ""
    place = f"{step.place}; {note}" if note else step.place
    return replace(step, below=below, place=place)


def _branch(step: Step, knowledge: Knowledge, full: bool, own: bool, said: str = "") -> Branch:
    """A step as a branch; `own` for the rules of the conclusion itself, whose quotes are always given."""
    below = [one for one in step.below if full or own or one.sort not in ("quote", "quoted")]
    branches = tuple(_branch(one, knowledge, full, False) for one in below)
    if step.sort == "rule":
        link = step.place.rpartition("(")[2].partition(":")[0]
        if full:
            return Branch(f"{step.text}  ← {step.place}", "bold" if step.cited else "", branches, link)
        if own:
            text = f"by {step.place}" if step.text == said else f"{step.text}  ← {step.place}"
            return Branch(text, "bold", branches, link)
        if not step.cited:
            return Branch(f"computed: {step.text}", "", branches, link)
        cited = [one.id or one.of for one in step.below if one.sort in ("quote", "quoted")]
        return Branch(f"{step.text}{_cited(cited, knowledge)}", "bold", branches, link)
    match step.sort:
        case "quote":
            text = f"{step.id} “{step.text}” ({step.place})"
            return Branch(text, _STYLES["quote"], (), f"{knowledge.id}/source/{knowledge.source.file}")
        case "quoted":
            text = f"{step.text} (quoted above)"
        case "above":
            text = f"{step.text}  (shown above)"
        case "…":
            text = "…"
        case "record" | "stated":
            text = f"{step.sort}: {step.text}  [{step.place}]"
        case _:
            text = f"{CALLED.get(step.sort, step.sort)}: {step.text}"
    return Branch(text, _STYLES.get(step.sort, ""), branches)


def _cited(statements: Iterable[str], knowledge: Knowledge) -> str:
    told = [short_citation(knowledge.statements[s]) for s in statements]
    return f"  [{'; '.join(told)}]" if told else ""


def drawn(branches: Iterable[Branch], prefix: str, width: int) -> Iterator[Line]:
    """Branches as a tree of lines."""
    listed = list(branches)
    for i, branch in enumerate(listed):
        last = i == len(listed) - 1
        lead, follow = ("└─ ", "   ") if last else ("├─ ", "│  ")
        room = max(40, width - len(prefix) - 3)
        bar = "│  " if branch.branches else "   "
        lines = textwrap.wrap(branch.text, room, break_long_words=False, break_on_hyphens=False) or [""]
        for j, text in enumerate(lines):
            yield Line(text, branch.style, prefix + (lead if j == 0 else follow + bar), branch.link)
        yield from drawn(branch.branches, prefix + follow, width)
