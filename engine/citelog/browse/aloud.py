"""A rule read aloud: what it concludes and what has to hold, in the words in which proofs speak of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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
    """A rule in words; a variable reads as the value that the rule itself gives it, or as it is written there."""
    words, row = Words(shelf.knowledge, {}), _given(rule)
    concludes = words.pattern(rule.predicate, tuple(_values(rule.args, row)))
    return Aloud(sentence(concludes), tuple(_conditions(words, rule, row)))


def _given(rule: Rule) -> dict[str, Value]:
    """What each variable reads as: the value that it is only a name for (`?step = ex:FIRST`), or its name."""
    names = {name: f"?{name}" for name in rule.variables if not name.startswith("_")}
    given = [part for part in rule.body if isinstance(part, Assignment) and isinstance(part.expression, Constant)]
    return names | {part.variable: part.expression.value for part in given if isinstance(part.expression, Constant)}


def _conditions(words: Words, rule: Rule, row: Mapping[str, Value]) -> Iterator[Condition]:
    for literal in rule.body:
        match literal:
            case Present():
                yield Condition(words.pattern(literal.predicate, tuple(_values(literal.args, row))))
            case Absent():
                absent = words.absence(literal.predicate, tuple(_values(literal.args, row)))
                yield Condition(absent, literal.assumed)
            case Comparison():
                yield Condition(words.comparison(literal, row))
            case Assignment(_, expression) if not isinstance(expression, Constant):
                yield Condition(words.computation(literal, row))


def _values(args: Iterable[Variable | Constant | Aggregate], row: Mapping[str, Value]) -> Iterator[Value | None]:
    for arg in args:
        match arg:
            case Constant(value):
                yield value
            case Variable(name):
                yield row.get(name)
            case _:
                yield None
