"""Proofs as trees to be read: each step once, and wherever it is met again, a link to where it stands.

Nothing is left out. Steps that encode no statement (they only read the record) are folded, not dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from citelog.proof.graph import Node, Proof

DEEPEST = 60
"""Levels of one tree; what lies deeper is a tree of its own, below it."""

WORDS = {
    "recorded": "record",
    "stated": "stated",
    "added": "convention",
    "given": "given",
    "comparison": "holds",
    "computation": "computed",
    "named": "named",
    "absence": "by absence",
}
"""What a leaf is called, by the kind of its step."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a proof, with the steps that it uses.

    `kind` is that of the proof's step, or `assumed` for an absence that the conclusion owns up to, `named` for a
    value that a rule only gives a name, `ways` for a fact that is reached in several ways. A fact that stands
    elsewhere, at the anchor `link`, is `concluded` where it has a proof of its own, else `above` or `below`.
    `rule` and `place` say which rule fired and where it is written; `folded` marks what only reads the record.
    `statements` are those that the step rests on, `quotes` those of them that nothing before it has quoted.
    """

    kind: str
    text: str
    anchor: str = ""
    link: str = ""
    rule: str = ""
    place: str = ""
    statements: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    folded: bool = False
    steps: tuple[Step, ...] = ()

    @property
    def word(self) -> str:
        """What a leaf is called."""
        return "gap" if self.kind == "assumed" else WORDS.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class Tree:
    """A proof to be read: its steps, how many rules fired in it, and how many of these only read the record.

    `statements` are those that its rules encode, and those that state a fact in it.
    """

    steps: tuple[Step, ...]
    rules: int
    reading: int
    statements: tuple[str, ...]


@dataclass(slots=True)
class Grove:
    """The trees of one page, which share their steps. `roots` maps the root of each proof to its anchor."""

    roots: Mapping[str, str]
    shown: dict[str, str] = field(default_factory=dict)

    def tree(self, proof: Proof, quoted: Iterable[str]) -> Tree:
        """The next tree; what stands in an earlier one is linked to. `quoted` are statements quoted beside it."""
        grown = _Growing(self, proof, set(quoted))
        steps = list(grown.firings(proof.root, 0))
        while grown.later:
            id_ = grown.later.pop(0)
            steps.append(grown.whole(id_, 0))
        reached = _reached(proof)
        firings = [n for n in reached if n.kind == "firing"]
        statements = dict.fromkeys(s for n in reached for s in n.details.get("statements", ()))
        reading = sum(not n.details["statements"] for n in firings)
        return Tree(tuple(steps), len(firings), reading, tuple(statements))


@dataclass(slots=True)
class _Growing:
    """One tree while it is made; `later` are the facts that lie too deep in it."""

    grove: Grove
    proof: Proof
    quoted: set[str]
    later: list[str] = field(default_factory=list)

    def firings(self, fact: str, depth: int, anchor: str = "") -> tuple[Step, ...]:
        return tuple(self.firing(node, depth, anchor) for node in self.proof.used_by(fact))

    def firing(self, node: Node, depth: int, anchor: str) -> Step:
        details = node.details
        statements = tuple(details["statements"])
        return Step(
            kind="firing",
            text=node.text,
            anchor=anchor,
            rule=details["rule"],
            place=f"{details['file']}:{details['line']}",
            statements=statements,
            quotes=self.first_quoted(statements),
            folded=(not statements or bool(details.get("muted"))) and depth > 0,
            steps=tuple(self.premise(used, depth + 1) for used in self.proof.used_by(node.id)),
        )

    def premise(self, node: Node, depth: int) -> Step:
        if node.kind not in ("derived", "conclusion"):
            return self.leaf(node)
        if node.id in self.grove.roots:
            return Step("concluded", self.said(node), link=self.grove.roots[node.id])
        if node.id in self.grove.shown:
            return Step("above", self.said(node), link=self.grove.shown[node.id])
        anchor = self.grove.shown[node.id] = f"step-{len(self.grove.shown) + 1}"
        if depth >= DEEPEST:
            self.later.append(node.id)
            return Step("below", self.said(node), link=anchor)
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

    def leaf(self, node: Node) -> Step:
        details = node.details
        statements = tuple(details.get("statements", ()))
        facts = tuple(zip(details.get("facts", ()), details.get("read_from", ()), strict=True))
        kind = "assumed" if details.get("assumed") else "named" if details.get("named") else node.kind
        said = node.idle or node.text
        return Step(kind, said, statements=statements, quotes=self.first_quoted(statements), facts=facts)

    def first_quoted(self, statements: tuple[str, ...]) -> tuple[str, ...]:
        new = tuple(s for s in statements if s not in self.quoted)
        self.quoted.update(new)
        return new


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
