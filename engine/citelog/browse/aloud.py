"""A rule read aloud: what it concludes and what has to hold, in the words in which proofs speak of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from citelog.browse.shelf import Shelf
from citelog.proof.words import Words, sentence
from citelog.rules.program import Absent, Aggregate, Assignment, Comparison, Constant, Present, Rule, Variable
from citelog.values import Value


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that has to hold; `assumed` where it is only that nothing says otherwise."""

    text: str
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Aloud:
    """What a rule concludes where all of its conditions hold; what a place stands for, nothing but a case tells."""

    concludes: str
    conditions: tuple[Condition, ...]


def aloud(shelf: Shelf, rule: Rule) -> Aloud:
    """A rule in words; a variable reads "any" of its name."""
    words = Words(shelf.knowledge, {})
    concludes = words.pattern(rule.predicate, tuple(_values(rule.args)))
    return Aloud(sentence(concludes), tuple(_conditions(words, rule)))


def _conditions(words: Words, rule: Rule) -> Iterator[Condition]:
    for literal in rule.body:
        match literal:
            case Present():
                yield Condition(words.pattern(literal.predicate, tuple(_values(literal.args))))
            case Absent():
                yield Condition(words.absence(literal.predicate, tuple(_values(literal.args))), literal.assumed)
            case Comparison():
                yield Condition(words.comparison(literal, {}))
            case Assignment():
                yield Condition(words.computation(literal, {}))


def _values(args: Iterable[Variable | Constant | Aggregate]) -> Iterator[Value | None]:
    return (arg.value if isinstance(arg, Constant) else None for arg in args)
