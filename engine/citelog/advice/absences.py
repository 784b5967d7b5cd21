"""Advice about absences: where nothing is on record, a rule may go on as if the record had said no."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from citelog.advice.given import Advice, Given
from citelog.advice.reach import Pattern, Reach, pattern_of
from citelog.rules.program import Absent, Variable
from citelog.values import Iri

CODES: Mapping[str, str] = {
    "absence-hides-gap": "an absence, used as an exception, that holds as well where nothing was recorded or asked",
    "absence-too-wide": "an absence that is looked for of one thing, and that reads as if it were so of all",
}


def hidden(given: Given, reach: Reach) -> Iterator[Advice]:
    """Exceptions for a finding that the rule does not ask for otherwise, and that no question of the answer asks for.

    An absence that the answer owns up to (`@assumes`) hides nothing, nor one about an entry that the rule reads.
    """
    asked = _questions(given, reach)
    guiding = _guiding(given, reach)
    for rule in given.rules:
        if rule.predicate not in guiding:
            continue
        known = [p for p in reach.necessary(rule) if not p.negated]
        for literal in rule.body:
            if not isinstance(literal, Absent) or literal.assumed or _about_entry(given, literal):
                continue
            pattern = pattern_of(literal, {})
            assert pattern is not None
            terms = _excepted(reach, Pattern(pattern.predicate, pattern.args))
            missing = [t for t in sorted(terms) if t not in asked and not reach.asks(known, t)]
            if missing:
                names = " and ".join(given.label(term) for term in missing)
                local = Iri(literal.predicate).local
                message = f"rule {rule.name} holds as well where nothing is recorded of {names} (~{local})"
                hint = (
                    f"ask for it in the body, own up to the gap (%%% @assumes {local}), or raise a question where it"
                    " is not recorded"
                )
                yield Advice("absence-hides-gap", (rule.name,), given.rule(rule, literal), message, hint)


def too_wide(given: Given, reach: Reach) -> Iterator[Advice]:
    """Absences looked for of one entry or thing that the predicate's own words for its absence do not name."""
    for rule in given.rules:
        for literal in rule.body:
            if not isinstance(literal, Absent):
                continue
            declared = given.knowledge.program.predicates[literal.predicate]
            if declared.layer != "derived" or not declared.absence:
                continue
            fixed = [
                place.name
                for arg, place in zip(literal.args, declared.arguments, strict=True)
                if place.type != "patient" and not (isinstance(arg, Variable) and arg.name.startswith("_"))
            ]
            if unsaid := [f"{{{name}}}" for name in fixed if f"{{{name}}}" not in declared.absence]:
                local = Iri(literal.predicate).local
                of = " and ".join(unsaid)
                message = (
                    f"rule {rule.name} looks for no {local} of one {of}; its words say so of all: “{declared.absence}”"
                )
                hint = f"name {of} in its cl:absence, as in “… {unsaid[0]} …”"
                yield Advice("absence-too-wide", (rule.name,), given.rule(rule, literal), message, hint)


def _guiding(given: Given, reach: Reach) -> frozenset[str]:
    """The predicates that say what to do, and those that only lead to them."""
    names = frozenset().union(*(reach.cone(predicate) for predicate in given.directing))
    told = {kind.predicate for kind in given.knowledge.kinds}
    return given.directing | ({rule.predicate for rule in given.rules if rule.name in names} - told)


def _questions(given: Given, reach: Reach) -> set[Iri]:
    """The findings that the answer asks for where they are not recorded: the values of such conclusions."""
    about = {kind.predicate for kind in given.knowledge.kinds if kind.about_record}
    return {
        value
        for rule in given.rules
        if rule.predicate in about
        for value in reach.head(rule)
        if isinstance(value, Iri) and value in reach.recordable
    }


def _excepted(reach: Reach, pattern: Pattern) -> frozenset[Iri]:
    """The findings that an exception is about: those that it names, and those without which it never holds."""
    needed = [one for one in reach.of_pattern(pattern) if not one.negated]
    return frozenset(term for term in reach.recordable if reach.asks(needed, term))


def _about_entry(given: Given, literal: Absent) -> bool:
    """Whether an absence is about an entry that the rule reads anyway, such as one that is superseded."""
    places = given.knowledge.program.predicates[literal.predicate].arguments
    return any(
        place.type == "record" and isinstance(arg, Variable) and not arg.name.startswith("_")
        for arg, place in zip(literal.args, places, strict=True)
    )
