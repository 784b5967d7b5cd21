"""What becomes of a card: the feedback that a system sends, read, and what of it may be kept.

A comment may say anything about a patient, so none is kept, only that there was one. What is kept says which
conclusion of the knowledge base was taken or overridden, when, and for which coded reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from citelog.hooks.request import UUID, RequestError, tree

Node = dict[str, Any]

MOST = 1_000  # cards in one message
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]00:00)")
_CODE = re.compile(r"\S{1,100}")
_SEE = "see https://cds-hooks.hl7.org/2.0/#feedback"


@dataclass(frozen=True, slots=True)
class Notice:
    """What became of one card; `conclusion` is empty where the card is of another edition of the knowledge."""

    service: str
    card: str
    conclusion: str
    outcome: str
    at: str
    accepted: tuple[str, ...] = ()
    reason: tuple[str, str] | None = None
    commented: bool = False

    def to_dict(self) -> Node:
        """The notice as it is kept."""
        told: Node = {"service": self.service, "card": self.card, "conclusion": self.conclusion or None}
        told |= {"outcome": self.outcome, "outcomeTimestamp": self.at}
        if self.accepted:
            told["acceptedSuggestions"] = list(self.accepted)
        if self.reason:
            told["reason"] = dict(zip(("system", "code"), self.reason, strict=True))
        return told | ({"userComment": "not kept"} if self.commented else {})


def read(service: str, data: bytes, cards: Mapping[str, str]) -> tuple[Notice, ...]:
    """The notices of a message; `cards` has the conclusion of each card, by its uuid. Raises RequestError.

    >>> sent = b'{"feedback": [{"card": "4e0a3a1e-3283-4575-ab82-028d55fe2719", "outcome": "overridden", ' \\
    ...        b'"overrideReason": {"userComment": "She says no."}, "outcomeTimestamp": "2026-03-15T10:05:31Z"}]}'
    >>> [(one.outcome, one.commented) for one in read("a-review", sent, {})]
    [('overridden', True)]
    """
    message = tree(data)
    rows = message.get("feedback") if isinstance(message, dict) else None
    if not isinstance(rows, list) or not rows:
        raise RequestError("feedback", "this is no list, or it is empty or missing", _SEE)
    if len(rows) > MOST:
        raise RequestError("feedback", f"it is about {len(rows):,} cards", f"send {MOST:,} at a time")
    return tuple(_read(service, rows, cards))


def _read(service: str, rows: list[object], cards: Mapping[str, str]) -> Iterator[Notice]:
    for number, row in enumerate(rows):
        place = f"feedback[{number}]"
        if not isinstance(row, dict):
            raise RequestError(place, "this is no object", _SEE)
        card, at = _uuid(row, "card", place), row.get("outcomeTimestamp")
        if not isinstance(at, str) or not _TIME.fullmatch(at):
            raise RequestError(f"{place}.outcomeTimestamp", "this is no time in UTC", "as in 2026-03-15T10:05:31Z")
        outcome = row.get("outcome")
        if outcome not in ("accepted", "overridden"):
            raise RequestError(f"{place}.outcome", "this is neither accepted nor overridden", _SEE)
        accepted = _accepted(row, place) if "acceptedSuggestions" in row or outcome == "accepted" else ()
        reason, commented = _reason(row.get("overrideReason"), f"{place}.overrideReason")
        yield Notice(service, card, cards.get(card, ""), outcome, at, accepted, reason, commented)


def _uuid(node: Node, key: str, place: str) -> str:
    value = node.get(key)
    if not isinstance(value, str) or not UUID.fullmatch(value):
        raise RequestError(f"{place}.{key}", "this is no uuid, or it is missing", _SEE)
    return value.lower()


def _accepted(row: Node, place: str) -> tuple[str, ...]:
    found = row.get("acceptedSuggestions")
    if not isinstance(found, list) or not found or not all(isinstance(one, dict) for one in found) or len(found) > 100:
        what = "this is no list of suggestions, or it is empty or missing"
        raise RequestError(f"{place}.acceptedSuggestions", what, _SEE)
    return tuple(_uuid(one, "id", f"{place}.acceptedSuggestions[{number}]") for number, one in enumerate(found))


def _reason(node: object, place: str) -> tuple[tuple[str, str] | None, bool]:
    """The coded reason, and whether there is a comment."""
    if node is None:
        return None, False
    if not isinstance(node, dict) or not (node.get("reason") or node.get("userComment")):
        raise RequestError(place, "this has neither a reason nor a comment", _SEE)
    coding = node.get("reason")
    if not coding:
        return None, True
    told = (coding.get("system", "-"), coding.get("code")) if isinstance(coding, dict) else (None, None)
    if not all(isinstance(one, str) and _CODE.fullmatch(one) for one in told):
        raise RequestError(f"{place}.reason", "this is no coding, with a code of at most 100 characters", _SEE)
    return (str(told[0]), str(told[1])), bool(node.get("userComment"))
