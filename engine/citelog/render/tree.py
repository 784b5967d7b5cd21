"""Proofs as trees to be read: each step once, and wherever it is met again, a link to where it stands.

Nothing is left out. Steps that encode no statement (they only read the record) are folded, not dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from citelog.proof.graph import Node, Proof

DEEPEST = 60
"""Levels of one tree; what lies deeper is a tree of its own, below it."""

WORDS = {
    "recorded": "record",
    "stated": "stated",
    "added": "encoder",
    "given": "given",
    "comparison": "holds",
    "computation": "computed",
    "absence": "absent",
}
"""What a leaf is called, by the kind of its step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a proof, with the steps that it uses.

    `kind` is that of the proof's step, or `assumed` for an absence that the conclusion owns up to, `ways` for a
    fact that is reached in several ways, `above` for one that stands elsewhere: then `link` is its anchor.
    `rule` and `place` say which rule fired and where it is written; `folded` marks what only reads the record.
    """

    kind: str
    text: str
    anchor: str = ""
    link: str = ""
    rule: str = ""
    place: str = ""
    statements: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    folded: bool = False
    steps: tuple[Step, ...] = ()

    @property
    def word(self) -> str:
        """What a leaf is called."""
        return "assumed" if self.kind == "assumed" else WORDS.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class Tree:
    """A proof to be read: its steps, how many rules fired in it, and how many of these only read the record.

    `citations` are those of its rules and of the facts that statements state, as data.
    """

    steps: tuple[Step, ...]
    rules: int
    reading: int
    citations: tuple[Mapping[str, Any], ...]


@dataclass(slots=True)
class Grove:
    """The trees of one page, which share their steps. `roots` maps the root of each proof to its anchor."""

    roots: Mapping[str, str]
    shown: dict[str, str] = field(default_factory=dict)

    def tree(self, proof: Proof) -> Tree:
        """The next tree; what stands in an earlier one is linked to."""
        grown = _Growing(self, proof)
        steps = list(grown.firings(proof.root, 0))
        while grown.later:
            id_ = grown.later.pop(0)
            steps.append(grown.whole(id_, 0))
        firings = [n for n in _reached(proof) if n.kind == "firing"]
        citations = [c for n in _reached(proof) for c in n.details.get("citations", ())]
        reading = sum(not n.details["statements"] for n in firings)
        return Tree(tuple(steps), len(firings), reading, tuple(citations))


@dataclass(slots=True)
class _Growing:
    """One tree while it is made; `later` are the facts that lie too deep in it."""

    grove: Grove
    proof: Proof
    later: list[str] = field(default_factory=list)

    def firings(self, fact: str, depth: int, anchor: str = "") -> tuple[Step, ...]:
        return tuple(self.firing(node, depth, anchor) for node in self.proof.used_by(fact))

    def firing(self, node: Node, depth: int, anchor: str) -> Step:
        details = node.details
        return Step(
            kind="firing",
            text=node.text,
            anchor=anchor,
            rule=details["rule"],
            place=f"{details['file']}:{details['line']}",
            statements=tuple(details["statements"]),
            folded=not details["statements"] and depth > 0,
            steps=tuple(self.premise(used, depth + 1) for used in self.proof.used_by(node.id)),
        )

    def premise(self, node: Node, depth: int) -> Step:
        if node.kind not in ("derived", "conclusion"):
            return _leaf(node)
        known = self.grove.roots.get(node.id) or self.grove.shown.get(node.id)
        if known:
            return Step("above", self.said(node), link=known)
        anchor = self.grove.shown[node.id] = f"step-{len(self.grove.shown) + 1}"
        if depth >= DEEPEST:
            self.later.append(node.id)
            return Step("above", self.said(node), link=anchor)
        return self.whole(node.id, depth)

    def whole(self, fact: str, depth: int) -> Step:
        """A derived fact: the rule that gives it, or each of several."""
        anchor = self.grove.shown[fact]
        ways = self.proof.used_by(fact)
        if len(ways) == 1:
            return self.firing(ways[0], depth, anchor)
        steps = self.firings(fact, depth + 1)
        return Step("ways", self.proof.node(fact).text, anchor, folded=all(s.folded for s in steps), steps=steps)

    def said(self, fact: Node) -> str:
        """A fact in the words of the rule that gives it, where there is one."""
        ways = self.proof.used_by(fact.id)
        return ways[0].text if len(ways) == 1 else fact.text


def _leaf(node: Node) -> Step:
    details = node.details
    facts = tuple(zip(details.get("facts", ()), details.get("read_from", ()), strict=True))
    kind = "assumed" if details.get("assumed") else node.kind
    return Step(kind, node.text, statements=tuple(details.get("statements", ())), facts=facts)


def _reached(proof: Proof) -> list[Node]:
    """Every step of a proof, once."""
    found = {proof.root: proof.node(proof.root)}
    open_ = [proof.root]
    while open_:
        for used in proof.used_by(open_.pop()):
            if used.id not in found:
                found[used.id] = used
                open_.append(used.id)
    return list(found.values())
