"""How far each statement and each rule of a knowledge base has been reviewed, and by whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from citelog.knowledge.base import STATES, Knowledge, Review, state_of
from citelog.values import Iri


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A statement or a rule (`kind`), its state, and its reviews, the last at the end; none, where nobody looked."""

    kind: str
    name: str
    iri: Iri
    state: str
    reviews: tuple[Review, ...]

    @property
    def last(self) -> Review | None:
        """The review that counts."""
        return self.reviews[-1] if self.reviews else None

    @property
    def stale(self) -> bool:
        """Whether it was changed since it was reviewed, and so is a draft again."""
        return self.last is not None and self.last.outdated

    def to_dict(self) -> dict[str, Any]:
        """The state as data; who, when and the note are those of the last review."""
        last = self.last
        return {
            "kind": self.kind,
            "name": self.name,
            "state": self.state,
            "by": last.name if last else None,
            "on": last.on.isoformat() if last else None,
            "note": (last.note or None) if last else None,
            "said": last.state if last else None,
            "stale": self.stale,
        }


def of(knowledge: Knowledge) -> tuple[Reviewed, ...]:
    """The state of every statement, in the order of the document, and of every rule, in that of the files."""
    statements = sorted(knowledge.statements.values(), key=lambda one: (one.start, one.end, one.id))
    things = [("statement", one.id, one.iri) for one in statements]
    things += [("rule", rule.name, knowledge.rule(rule.name)) for rule in knowledge.guarded.rules]
    return tuple(_reviewed(knowledge, *thing) for thing in things)


def _reviewed(knowledge: Knowledge, kind: str, name: str, iri: Iri) -> Reviewed:
    reviews = knowledge.reviews.get(iri, ())
    return Reviewed(kind, name, iri, state_of(reviews), reviews)


def counted(found: Iterable[Reviewed]) -> Mapping[str, Mapping[str, int]]:
    """How many statements and rules there are in each state."""
    counts = Counter((one.kind, one.state) for one in found)
    return {kind: {state: counts[kind, state] for state in STATES} for kind in ("statement", "rule")}
