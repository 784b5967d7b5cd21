"""The figures of an audit: what is counted, and from where."""

from __future__ import annotations

from citelog.audit.model import Audit, Figure, Item
from citelog.knowledge.base import Knowledge


def audit(knowledge: Knowledge) -> Audit:
    """A knowledge base audited."""
    rules = knowledge.program.rules
    conventions = tuple(Item(r.name, r.doc or r.display, r.span, r.convention) for r in rules if r.convention)
    figures = (
        Figure(
            "rule-convention",
            "rules",
            "rules by convention",
            "A rule that encodes no statement: its reason is the encoder's.",
            "disclosed",
            len(rules),
            "rules",
            conventions,
        ),
    )
    return Audit(knowledge.id, knowledge.version, knowledge.sha256, knowledge.title, figures)
