"""What a reader is shown of a proof, and in which order; how it is drawn is for the renderers.

The first level is for people who ask: the rules that encode the document with their quotes, the entries of the record,
what was compared and what is assumed. Steps that only read the record, and exceptions that were looked for and not
found, are left out and counted. The second level leaves out nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from citelog.evidence.sources import on_one_line
from citelog.knowledge.base import Citation
from citelog.proof.graph import Node, Proof
from citelog.render.phrases import counted, place

Sort = Literal[
    "rule", "quote", "record", "stated", "encoder", "given", "holds", "computed", "absent", "assumed",
    "above", "quoted", "…",
]  # fmt: skip
"""What a step of an outline is: a rule that held, the quote of a statement that it cites, a premise, or a step shown
above (`above`, or `quoted` for a quote); `…` stands for all that is deeper than the outline is opened."""

_SORTS: Mapping[str, Sort] = {
    "recorded": "record",
    "stated": "stated",
    "added": "encoder",
    "given": "given",
    "comparison": "holds",
    "computation": "computed",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One step as it is shown, and the steps that it rests on.

    `place` says where it comes from: the rule with its file and line, the quote's section and line, the entry's
    id and place in the record, the statements. `cited` is whether a rule encodes a statement. `id` is the step's
    own in the proof (for a quote, the statement's), `of` the fact that a rule gives, or what is shown above.
    Steps that say the same are equal, whatever their ids.
    """

    sort: Sort
    text: str
    place: str = ""
    cited: bool = False
    below: tuple[Step, ...] = ()
    id: str = field(default="", compare=False)
    of: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Outline:
    """A proof as it is shown: the conclusion, the steps under it, and how many steps were left out."""

    conclusion: str
    text: str
    steps: tuple[Step, ...]
    folded: int
    muted: int
    exceptions: int
    cut: bool

    @property
    def left_out(self) -> str:
        """What was left out, counted, in words; empty where nothing was."""
        said = []
        if self.folded:
            said.append(counted(self.folded, "step that only reads the record", "steps that only read the record"))
        if self.muted:
            said.append(counted(self.muted, "step that its author muted", "steps that their author muted"))
        if self.exceptions:
            said.append(f"{counted(self.exceptions, 'exception')} looked for and not found")
        return ", ".join(said)


def outline(proof: Proof, every: bool = False, depth: int | None = None, places: bool = True) -> Outline:
    """A proof as nested steps; `every` leaves out none, `depth` limits how many rules deep it is opened.

    `places` says of each rule where it stands.
    """
    opened = _Opened(proof, every, places)
    root = proof.node(proof.root)
    steps = tuple(_firings(opened, root, depth))
    return Outline(
        proof.conclusion, root.text, steps, len(opened.folded), len(opened.muted), len(opened.exceptions), opened.cut
    )


@dataclass(slots=True)
class _Opened:
    """How far a proof is opened, and what has been shown or left out on the way."""

    proof: Proof
    every: bool
    places: bool
    shown: set[str] = field(default_factory=set)
    quoted: set[str] = field(default_factory=set)
    folded: set[str] = field(default_factory=set)
    muted: set[str] = field(default_factory=set)
    exceptions: set[str] = field(default_factory=set)
    cut: bool = False


def _firings(opened: _Opened, fact: Node, depth: int | None) -> list[Step]:
    """What stands under a fact: the firings that give it, or, where they only read the record, their premises.

    One that makes one value of several is shown, too, with each of them: they are its reason.
    """
    firings = opened.proof.used_by(fact.id)
    if depth is not None and depth <= 0:
        opened.cut = opened.cut or bool(firings)
        return [Step("…", "")] if firings else []
    steps: list[Step] = []
    for firing in firings:
        cited = bool(firing.details["statements"])
        muted = bool(firing.details.get("muted")) and fact.kind != "conclusion"
        own = opened.every or ((cited or _gathers(firing)) and not muted)
        quotes = list(_quotes(opened, firing)) if own else []
        below = _below(opened, firing, depth if depth is None or not own else depth - 1)
        if own or (fact.kind == "conclusion" and not below):
            stands = f" ({firing.details['file']}:{firing.details['line']})" if opened.places else ""
            rule = f"{firing.details['rule']}{stands}"
            steps.append(Step("rule", firing.text, rule, cited, (*quotes, *below), firing.id, fact.id))
        else:
            (opened.muted if muted else opened.folded).add(firing.id)
            steps += below
    return _distinct(opened, steps)


def _quotes(opened: _Opened, firing: Node) -> Iterator[Step]:
    for cited in firing.details["citations"]:
        statement = cited["statement"]
        if statement in opened.quoted:
            yield Step("quoted", statement, of=statement)
        else:
            opened.quoted.add(statement)
            yield Step("quote", on_one_line(cited["quote"]), _place(cited), id=statement)


def _below(opened: _Opened, firing: Node, depth: int | None) -> list[Step]:
    """The premises of a firing."""
    steps: list[Step] = []
    premises = opened.proof.used_by(firing.id)
    reckoned = any(u.kind == "computation" and not u.idle for u in premises)
    own = firing in opened.proof.used_by(opened.proof.root)
    for used in premises:
        if used.kind == "derived":
            if used.id in opened.shown:
                if opened.every or any(f.details["statements"] for f in opened.proof.used_by(used.id)):
                    steps.append(Step("above", _said(opened, used), of=used.id))
                continue
            opened.shown.add(used.id)
            steps += _firings(opened, used, depth)
        elif (leaf := _leaf(opened, used, reckoned, own)) is not None:
            steps.append(leaf)
    return _distinct(opened, steps if opened.every or _gathers(firing) else _once(steps))


def _gathers(firing: Node) -> bool:
    """Whether a rule makes one value of several rows: which it was made of, nothing else would say."""
    return bool(firing.details.get("aggregate", {}).get("rows", 1) > 1)


def _distinct(opened: _Opened, steps: Iterable[Step]) -> list[Step]:
    """Each step once: by what it says, or, where none is left out, by which step of the proof it is."""
    if not opened.every:
        return list(dict.fromkeys(steps))
    kept: dict[tuple[str, ...], Step] = {}
    for step in steps:
        kept.setdefault((step.sort, step.text, step.id, step.of), step)
    return list(kept.values())


def _once(steps: list[Step]) -> list[Step]:
    """Steps without what another of them says already: one shown above, or a leaf that stands under a step."""
    told = {step.text for step in steps if step.below}
    under = {leaf for step in steps if step.below for leaf in _leaves(step)}
    return [s for s in steps if s.below or not ((s.sort == "above" and s.text in told) or s in under)]


def _leaves(step: Step) -> Iterator[Step]:
    for below in step.below:
        if below.below:
            yield from _leaves(below)
        else:
            yield below


def _said(opened: _Opened, fact: Node) -> str:
    """A derived fact in the words of the rule that gives it, where there is one."""
    firings = opened.proof.used_by(fact.id)
    return firings[0].text if len(firings) == 1 else fact.text


def _leaf(opened: _Opened, used: Node, reckoned: bool, own: bool) -> Step | None:
    """A premise that nothing stands under; None where it is left out.

    Kept are what the encoder adds to a reckoning, whose numbers it explains, and the exceptions of the
    conclusion's own rules, which are its reason.
    """
    if used.kind == "absence":
        assumed = used.details["assumed"]
        if not (assumed or opened.every or own):
            opened.exceptions.add(used.id)
            return None
        return Step("assumed" if assumed else "absent", used.text, id=used.id)
    if used.kind == "recorded":
        place = f"{', '.join(used.details['facts'])}: {', '.join(used.details['read_from'])}"
        return Step("record", used.text if opened.every else used.details["entry"], place, id=used.id)
    if used.kind == "stated":
        return Step("stated", used.text, " ".join(used.details["statements"]), id=used.id)
    aside = used.kind == "given" or bool(used.idle) or (used.kind == "added" and not reckoned)
    if aside and not opened.every:
        opened.folded.add(used.id)
        return None
    return Step(_SORTS[used.kind], used.idle or used.text, id=used.id)


def _place(cited: Mapping[str, Any]) -> str:
    """Where a quote stands in the document; `cited` is a citation as data (`Citation.to_dict`)."""
    fields: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in cited.items()}
    return place(Citation(**fields))
