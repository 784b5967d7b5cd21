"""Assessments, proofs and findings as lines of text, each with a style for terminals that have colour."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from citelog.assess import Assessment, Conclusion
from citelog.diagnostics import Diagnostic
from citelog.knowledge.base import Citation
from citelog.proof.graph import Node, Proof

WIDTH = 100
"""Columns where the terminal does not say."""

FEW = 20
"""Notes that are all shown; of more, those about entries that mean nothing here are counted."""

TITLES = {"treat": "Treatment", "neuro": "Neurological involvement", "open-question": "Open questions"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of output, and its style in rich's words; empty for none. `lead` stands before it without style."""

    text: str
    style: str = ""
    lead: str = ""


def assessment(found: Assessment, width: int = WIDTH) -> Iterator[Line]:
    """Everything that was concluded: conclusions by kind, then the record, the quotes, and what was not used."""
    knowledge = found.knowledge
    yield Line(f"{knowledge.title} ({knowledge.id} {knowledge.version})", "bold")
    yield Line(f"Patient record {found.case.id}")
    for caveat in knowledge.caveats:
        yield from _wrapped(f"! {caveat.text} [{' '.join(caveat.statements)}]", width, "  ", "yellow")
    kind = ""
    for conclusion in found.conclusions:
        if conclusion.kind != kind:
            kind = conclusion.kind
            yield Line("")
            yield Line(_title(kind, found), "bold cyan")
        yield from _conclusion(conclusion, width)
    yield from _record(found, width)
    yield from _quotes(found, width)
    yield from _notes(found, width)
    yield Line("")
    yield Line("Why? citelog why CASE ID, for example: citelog why CASE treat:" + _value_of(found, "treat"), "dim")


def _value_of(found: Assessment, kind: str) -> str:
    return next((c.value for c in found.conclusions if c.kind == kind), "VALUE")


def _title(kind: str, found: Assessment) -> str:
    words = {"status": "Status of the level", "regimen": "Regimens", "caution": "Cautions", "conflict": "Conflicts"}
    words |= {"data-issue": "Data issues", "monitoring": "Monitoring", "referral": "Referral"}
    return (TITLES | words).get(kind, kind.replace("-", " ").capitalize())


def _conclusion(conclusion: Conclusion, width: int) -> Iterator[Line]:
    tags = [str(conclusion.details[key]) for key in ("role", "step", "severity") if key in conclusion.details]
    head = conclusion.id + (f" · {' · '.join(tags)}" if tags else "")
    yield Line(f"  {head}", "bold")
    yield from _wrapped(f"    {conclusion.sentence}", width, "    ")
    for other in conclusion.details.get("also", ()):
        by = ", ".join(f"{k} {v}" for k, v in other.items() if k not in ("value", "statements"))
        also = f"    also {other['value']}, by {by} [{' '.join(other['statements'])}]"
        yield from _wrapped(also, width, "      ", "dim")
    if "sides" in conclusion.details:
        yield Line(f"    {_sides(conclusion)}", "magenta")
    facts = f"from {', '.join(conclusion.facts)}" if conclusion.facts else "from no entry of the record"
    cites = f"cites {' '.join(conclusion.statements)}" if conclusion.statements else "no statement speaks of it"
    yield from _wrapped(f"    {facts} · {cites}", width, "      ", "green")
    for assumption in conclusion.assumes:
        yield from _wrapped(f"    assumes: {assumption}", width, "      ", "yellow")


def _sides(conclusion: Conclusion) -> str:
    return "  against  ".join(" ".join(side) for side in conclusion.details["sides"])


def _record(found: Assessment, width: int) -> Iterator[Line]:
    yield Line("")
    yield Line("The record", "bold cyan")
    known = [e for e in found.case.entries if e.term is not None]
    foreign = len(found.case.entries) - len(known)
    if not found.case.entries:
        yield Line("  no entries")
    size = max((len(e.id) for e in known), default=2)
    for entry in known:
        yield from _wrapped(f"  {entry.id.ljust(size)}  {entry.sentence} ({entry.read_from})", width, " " * (size + 4))
    if foreign:
        more = _counted(foreign, "entry", "names", "name", plural="entries")
        yield from _wrapped(f"  {more} nothing that this knowledge base knows; see below", width, "  ", "dim")


def _notes(found: Assessment, width: int) -> Iterator[Line]:
    """What was read and not used: all of it where it is short, the foreign entries counted where it is long."""
    if not found.notes:
        return
    yield Line("")
    yield Line("Read and not used, or not used alone", "bold cyan")
    foreign = {e.read_from for e in found.case.entries if e.term is None}
    shown = [n for n in found.notes if n.read_from not in foreign or len(found.notes) <= FEW]
    for note in shown:
        yield from _wrapped(f"  {note.text} ({note.read_from})", width, "    ", "dim")
    if len(shown) < len(found.notes):
        rest = _counted(len(found.notes) - len(shown), "note", "is", "are")
        about = "about entries that name nothing this knowledge base knows; --format json lists them"
        yield from _wrapped(f"  {rest} {about}", width, "    ", "dim")


def _quotes(found: Assessment, width: int) -> Iterator[Line]:
    yield Line("")
    yield Line("What the document says", "bold cyan")
    cited: dict[str, Citation] = {}
    for conclusion in found.conclusions:
        cited.update((c.statement, c) for c in conclusion.citations)
    for caveat in found.knowledge.caveats:
        cited.update((s, Citation.of(found.knowledge.statements[s])) for s in caveat.statements)
    for statement in sorted(cited, key=lambda s: cited[s].start):
        yield from citation(cited[statement], width)


def citation(found: Citation, width: int) -> Iterator[Line]:
    """A quote with its place and its markers."""
    place = ", ".join(filter(None, (found.section, f"line {found.line}", _markers(found))))
    yield from _wrapped(f"  {found.statement}  “{' / '.join(found.quote.splitlines())}”", width, "       ", "italic")
    yield from _wrapped(f"       {place}", width, "       ", "dim")


def _markers(found: Citation) -> str:
    if found.markers:
        numbers = ", ".join(found.markers)
        return f"marker{'s' if len(found.markers) > 1 else ''} {numbers} (the document lists no sources)"
    if found.inherited:
        return f"uncited; marker {', '.join(found.inherited)} inherited from its list"
    return "uncited"


def _wrapped(text: str, width: int, indent: str, style: str = "") -> Iterator[Line]:
    first = text[: len(text) - len(text.lstrip())]
    for line in textwrap.wrap(
        text.strip(),
        width,
        initial_indent=first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    ):
        yield Line(line, style)


# proofs

_SIGNS = {
    "recorded": ("record", "green"),
    "stated": ("stated", "cyan"),
    "added": ("encoder", "dim"),
    "given": ("given", "green"),
    "comparison": ("holds", ""),
    "computation": ("computed", ""),
    "absence": ("absent", "yellow"),
}


@dataclass(frozen=True, slots=True)
class _Branch:
    """One line of the tree, and what hangs below it."""

    text: str
    style: str
    branches: tuple[_Branch, ...] = ()


@dataclass(slots=True)
class _Opened:
    """How far a tree is opened, and what has been shown or left out on the way."""

    proof: Proof
    every: bool
    shown: set[str] = field(default_factory=set)
    quoted: set[str] = field(default_factory=set)
    folded: set[str] = field(default_factory=set)
    exceptions: set[str] = field(default_factory=set)
    cut: bool = False


def proof(
    found: Proof, assessed: Assessment, every: bool = False, depth: int | None = None, width: int = WIDTH
) -> Iterator[Line]:
    """A proof as a tree: what is claimed, the rule and the quotes that it rests on, and its premises.

    Unless `every` is set, steps that only read the record are folded into the step above, and exceptions
    that were looked for and not found are left out; both are counted. What is assumed is always shown.
    `depth` limits how far the tree is opened.
    """
    conclusion = assessed.by_id[found.conclusion]
    yield Line(conclusion.id, "bold")
    yield from _wrapped(conclusion.sentence, width, "")
    if "sides" in conclusion.details:
        yield Line(_sides(conclusion), "magenta")
    for assumption in conclusion.assumes:
        yield Line(f"assumes: {assumption}", "yellow")
    opened = _Opened(found, every)
    yield from _drawn(_firings(opened, found.node(found.root), depth), "", width)
    left_out = []
    if opened.folded:
        left_out.append(_counted(len(opened.folded), "step", "that only reads the record", "that only read the record"))
    if opened.exceptions:
        left_out.append(_counted(len(opened.exceptions), "exception", "looked for and not found"))
    if left_out:
        yield from _wrapped(f"(left out: {', '.join(left_out)}; --all shows them)", width, " ", "dim")
    if opened.cut:
        yield from _wrapped("(… marks what is deeper than --depth opens)", width, " ", "dim")


def _counted(count: int, noun: str, one: str, many: str = "", plural: str = "") -> str:
    """`2 entries name …`: a count, its noun and what is said of it.

    >>> _counted(1, "step", "that only reads", "that only read"), _counted(2, "entry", "names", "name", "entries")
    ('1 step that only reads', '2 entries name')
    """
    return f"1 {noun} {one}" if count == 1 else f"{count} {plural or noun + 's'} {many or one}"


def _firings(opened: _Opened, fact: Node, depth: int | None) -> list[_Branch]:
    """What stands under a fact: the firings that give it, or, where they only read the record, their premises."""
    firings = opened.proof.used_by(fact.id)
    if depth is not None and depth <= 0:
        opened.cut = opened.cut or bool(firings)
        return [_Branch("…", "dim")] if firings else []
    branches: list[_Branch] = []
    for firing in firings:
        cited = opened.every or bool(firing.details["statements"])
        quotes = list(_quotes_of(opened, firing)) if cited else []
        below = _below(opened, firing, depth if depth is None or not cited else depth - 1)
        if cited or (fact.kind == "conclusion" and not below):
            told = f"{firing.text}  ← {firing.details['rule']} ({firing.details['file']}:{firing.details['line']})"
            style = "bold" if firing.details["statements"] else ""
            branches.append(_Branch(told, style, (*quotes, *below)))
        else:
            opened.folded.add(firing.id)
            branches += below
    return list(dict.fromkeys(branches))


def _quotes_of(opened: _Opened, firing: Node) -> Iterator[_Branch]:
    for cited in firing.details["citations"]:
        if cited["statement"] in opened.quoted:
            yield _Branch(f"{cited['statement']} (quoted above)", "cyan")
        else:
            opened.quoted.add(cited["statement"])
            yield _Branch(_quoted(cited), "italic cyan")


def _below(opened: _Opened, firing: Node, depth: int | None) -> list[_Branch]:
    """The premises of a firing."""
    branches: list[_Branch] = []
    premises = opened.proof.used_by(firing.id)
    reckoned = any(u.kind == "computation" and "named" not in u.details for u in premises)
    own = firing in opened.proof.used_by(opened.proof.root)
    for used in premises:
        if used.kind == "derived":
            if used.id in opened.shown:
                if opened.every or any(f.details["statements"] for f in opened.proof.used_by(used.id)):
                    branches.append(_Branch(f"{_said(opened, used)}  (shown above)", "dim"))
                continue
            opened.shown.add(used.id)
            branches += _firings(opened, used, depth)
        elif (leaf := _leaf(opened, used, reckoned, own)) is not None:
            branches.append(leaf)
    return list(dict.fromkeys(branches)) if opened.every else _once(branches)


def _once(branches: list[_Branch]) -> list[_Branch]:
    """Branches without what another of them says already: a step shown again, or a leaf that stands under a step."""
    steps = [b for b in branches if b.branches]
    told = {b.text.partition("  ← ")[0] + "  (shown above)" for b in steps}
    under = {leaf for step in steps for leaf in _leaves(step)}
    kept = [b for b in branches if b.branches or (b.text not in told and b not in under)]
    return list(dict.fromkeys(kept))


def _leaves(branch: _Branch) -> Iterator[_Branch]:
    for below in branch.branches:
        if below.branches:
            yield from _leaves(below)
        else:
            yield below


def _said(opened: _Opened, fact: Node) -> str:
    """A derived fact in the words of the rule that gives it, where there is one."""
    firings = opened.proof.used_by(fact.id)
    return firings[0].text if len(firings) == 1 else fact.text


def _leaf(opened: _Opened, used: Node, reckoned: bool, own: bool) -> _Branch | None:
    """A premise that nothing stands under; None where it is left out.

    Kept are what the encoder adds to a reckoning, whose numbers it explains, and the exceptions of the
    conclusion's own rules, which are its reason.
    """
    word, style = _SIGNS[used.kind]
    text = used.text
    if used.kind == "absence":
        if not (used.details["assumed"] or opened.every or own):
            opened.exceptions.add(used.id)
            return None
        word = "assumed" if used.details["assumed"] else "absent"
    elif used.kind == "recorded":
        text = used.text if opened.every else used.details["entry"]
        text += f"  [{', '.join(used.details['facts'])}: {', '.join(used.details['read_from'])}]"
    elif used.kind == "stated":
        text += f"  [{' '.join(used.details['statements'])}]"
    elif not opened.every and (
        used.kind == "given" or used.details.get("named") or (used.kind == "added" and not reckoned)
    ):
        opened.folded.add(used.id)
        return None
    return _Branch(f"{word}: {text}", style)


def _quoted(cited: dict[str, object]) -> str:
    given = Citation(**{k: tuple(v) if isinstance(v, list) else v for k, v in cited.items()})  # type: ignore[arg-type]
    place = ", ".join(filter(None, (given.section, f"line {given.line}", _markers(given))))
    return f"{given.statement} “{' / '.join(given.quote.splitlines())}” ({place})"


def _drawn(branches: Iterable[_Branch], prefix: str, width: int) -> Iterator[Line]:
    listed = list(branches)
    for i, branch in enumerate(listed):
        last = i == len(listed) - 1
        lead, follow = ("└─ ", "   ") if last else ("├─ ", "│  ")
        room = max(40, width - len(prefix) - 3)
        bar = "│  " if branch.branches else "   "
        for j, line in enumerate(
            textwrap.wrap(branch.text, room, break_long_words=False, break_on_hyphens=False) or [""]
        ):
            yield Line(line, branch.style, prefix + (lead if j == 0 else follow + bar))
        yield from _drawn(branch.branches, prefix + follow, width)


# findings


def findings(found: Iterable[Diagnostic]) -> Iterator[Line]:
    """Findings about knowledge, each with its place, the author's line and what to try."""
    for finding in found:
        first, *rest = str(finding).splitlines()
        yield Line(first, "bold red" if finding.severity == "error" else "bold yellow")
        yield from (Line(line) for line in rest)
        yield Line("")
