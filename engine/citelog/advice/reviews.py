"""Advice about reviews: those that an edit has outdated, and approvals by whoever did the work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from citelog.advice.given import Advice, Given, Place
from citelog.advice.reach import Reach
from citelog.knowledge import states
from citelog.knowledge.encoders import encoders
from citelog.knowledge.states import Reviewed

CODES: Mapping[str, str] = {
    "review-outdated": "a statement or a rule that was changed since it was reviewed, and so is a draft again",
    "review-by-encoder": "an approval by whoever encoded it",
}


def outdated(given: Given, _: Reach) -> Iterator[Advice]:
    """What is not any more what somebody looked at."""
    for one in states.of(given.knowledge):
        if one.stale and (last := one.last):
            yield Advice(
                "review-outdated",
                (one.name,),
                _place(given, one),
                f"{one.name} was changed since {last.name} called it {last.state} on {last.on}: it is a draft again",
                f"compare it with the document, then: citelog review {one.name} --state {last.state} --by … --on …",
            )


def by_encoder(given: Given, _: Reach) -> Iterator[Advice]:
    """What is approved by the one who encoded it: a second pair of eyes has not seen it."""
    for one in states.of(given.knowledge):
        if one.state == "approved" and (last := one.last) and last.by in encoders(given.triples, one.iri):
            yield Advice(
                "review-by-encoder",
                (one.name,),
                _place(given, one),
                f"{one.name} is approved by {last.name}, who encoded it",
                "have somebody else approve it, or say whose work it is: prov:wasAttributedTo",
            )


def _place(given: Given, one: Reviewed) -> Place:
    if one.kind == "statement":
        return given.statement(one.name)
    return given.rule(next(rule for rule in given.knowledge.guarded.rules if rule.name == one.name))
