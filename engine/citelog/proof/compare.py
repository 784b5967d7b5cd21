"""What two proofs do not share: the difference of their reasons, in the order in which a reader meets them.

A reason is a step that claims something: a rule that cites a statement, a recorded entry, a comparison, an assumed
absence, a statement's own fact. Steps that only read the record stand between them and are no reasons.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from citelog.proof.graph import Node, Proof


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason of a conclusion.

    `kind` is that of the step; `statements` are what it cites; `read_from` where it was recorded.
    """

    kind: str
    text: str
    statements: tuple[str, ...] = ()
    read_from: tuple[str, ...] = ()
    rule: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The reason as data."""
        return {
            "kind": self.kind,
            "text": self.text,
            "statements": list(self.statements),
            "read_from": list(self.read_from),
            "rule": self.rule or None,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """The reasons of one proof that the other has not, both ways, and how many they share."""

    first: tuple[Reason, ...]
    second: tuple[Reason, ...]
    shared: int

    def __bool__(self) -> bool:
        return bool(self.first or self.second)

    def to_dict(self) -> dict[str, Any]:
        """The difference as data."""
        return {
            "only_first": [r.to_dict() for r in self.first],
            "only_second": [r.to_dict() for r in self.second],
            "shared": self.shared,
        }


def reasons(proof: Proof) -> tuple[Reason, ...]:
    """The reasons of a conclusion, nearest first, each once."""
    return tuple(dict.fromkeys(_reasons(proof)))


def _reasons(proof: Proof) -> Iterator[Reason]:
    for id_ in proof.order:
        node = proof.node(id_)
        if (reason := _reason(node)) is not None:
            yield reason


def _reason(node: Node) -> Reason | None:
    details = node.details
    match node.kind:
        case "firing" if details["statements"]:
            return Reason("rule", node.text, tuple(details["statements"]), (), details["rule"])
        case "recorded":
            return Reason("record", details["entry"], (), tuple(details["read_from"]))
        case "given":
            return Reason("given", node.text) if len(details["args"]) > 1 else None
        case "stated":
            return Reason("statement", node.text, tuple(details["statements"]))
        case "comparison":
            return Reason("comparison", node.text)
        case "computation" if "named" not in details:
            return Reason("computation", node.text)
        case "absence" if details["assumed"]:
            return Reason("assumption", node.text)
    return None


def difference(first: Proof, second: Proof) -> Difference:
    """What only one of two proofs rests on; where a record stands does not tell its entries apart."""
    ones, others = ({_key(r): r for r in reasons(proof)} for proof in (first, second))
    return Difference(
        tuple(r for key, r in ones.items() if key not in others),
        tuple(r for key, r in others.items() if key not in ones),
        len(ones.keys() & others.keys()),
    )


def _key(reason: Reason) -> tuple[str, str, str]:
    return (reason.kind, reason.text, reason.rule)
