"""Advice about conflicts that rules conclude: whoever reads one has to see both its sides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from citelog.advice.given import Advice, Given
from citelog.advice.reach import Reach
from citelog.values import Iri
from citelog.vocab import CL

CODES: Mapping[str, str] = {
    "conflict-unsided": "a rule that concludes a conflict, of a kind of conclusion that does not show its sides",
}


def unsided(given: Given, reach: Reach) -> Iterator[Advice]:
    """Rules that conclude a conflict as if it were any other value: the statements of its sides are not shown."""
    conflicts = frozenset(given.triples.instances(CL + "Conflict"))
    unsided = {kind.predicate: kind.name for kind in given.knowledge.kinds if not kind.sided}
    for rule in given.rules:
        name = unsided.get(rule.predicate, "")
        for value in reach.head(rule) if name else ():
            if isinstance(value, Iri) and value.value in conflicts:
                message = f"rule {rule.name} concludes the conflict {value.local}, and “{name}” shows no sides"
                hint = f"write cl:sided true for the kind of conclusion “{name}”: both sides are then shown"
                yield Advice("conflict-unsided", (rule.name,), given.rule(rule), message, hint)
