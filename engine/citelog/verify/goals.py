"""What is asked of a knowledge base: atoms that must never hold, and the clauses for those that no author wrote."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from citelog.knowledge.base import Kind, Knowledge
from citelog.knowledge.properties import VIOLATION
from citelog.rules.program import Constant, Program, Rule, Variable, resting
from citelog.values import Iri
from citelog.verify.clauses import FIRES, Ground


@dataclass(frozen=True, slots=True)
class Goal:
    """An atom that must never hold, and what is said of it."""

    about: str
    text: str
    atom: int


NONE, SEVERAL, BOTH = " none", " several", " both"
"""Names of the atoms that stand for what nobody asked; a blank begins them, so that no predicate has one."""

UNCOUNTED = "its conclusions speak of entries, numbers or days, of which a record can hold any number"
"""Why a kind is left out that `is_uncounted`."""


def is_uncounted(kind: Kind, knowledge: Knowledge) -> bool:
    """Whether a kind that has exactly one conclusion can have as many as a record has entries or values."""
    types = {argument.type for argument in knowledge.guarded.predicates[kind.predicate].arguments}
    return kind.exactly_one and bool(types & {"record", "number", "date"})


def arity(kind: Kind, knowledge: Knowledge) -> int:
    """How many arguments a conclusion of a kind has."""
    return len(knowledge.guarded.predicates[kind.predicate].arguments)


def of_properties(made: Ground, knowledge: Knowledge, chosen: Iterable[str] | None) -> Iterable[Goal]:
    """That a safety property is broken: of those that are chosen, or of all."""
    names = None if chosen is None else set(chosen)
    by_iri = {p.iri: p for p in knowledge.properties}
    for (predicate, row), atom in list(made.numbers.items()):
        if predicate == VIOLATION and isinstance(row[1], Iri) and row[1] in by_iri:
            one = by_iri[row[1]]
            if names is None or one.id in names:
                yield Goal(one.id, one.text, atom)


def ask_more(made: Ground, knowledge: Knowledge, names: set[str]) -> None:
    """Clauses for what nobody asked: no conclusion where one must be, several, and silent conflicts.

    Whether a conflict is silent is asked only where all that shows conflicts is asked about, which `names` says.
    """
    atoms: dict[str, list[int]] = {}
    for (predicate, _), atom in list(made.numbers.items()):
        atoms.setdefault(predicate, []).append(atom)
    _ask_of_kinds(made, knowledge, names, atoms)
    if all(kind.name in names for kind in knowledge.kinds if kind.sided):
        _ask_of_conflicts(made, knowledge, names, atoms)


def _ask_of_kinds(made: Ground, knowledge: Knowledge, names: set[str], by_predicate: Mapping[str, list[int]]) -> None:
    for kind in knowledge.kinds:
        if not kind.exactly_one or kind.name not in names:
            continue
        values: dict[Any, list[int]] = {}
        for atom in by_predicate.get(kind.predicate, ()):
            values.setdefault(made.atoms[atom][1][1:], []).append(atom)  # each is a conclusion of its own
        every = [made.number((" value", (kind.name, value))) for value in values]
        for one, atoms in zip(every, values.values(), strict=True):
            for atom in atoms:
                made.add(one, [atom], [])
        made.add(made.number((NONE, (kind.name,))), [], every)
        for i, one in enumerate(every):
            for other in every[:i]:
                made.add(made.number((SEVERAL, (kind.name,))), [one, other], [])


def _ask_of_conflicts(
    made: Ground, knowledge: Knowledge, names: set[str], by_predicate: Mapping[str, list[int]]
) -> None:
    fire: dict[str, list[tuple[Any, int]]] = {}
    for (predicate, row), atom in list(made.numbers.items()):
        if predicate == FIRES:
            fire.setdefault(row[0], []).append((row[1], atom))
    shown = {kind.predicate for kind in knowledge.kinds if kind.sided}
    telling = {
        kind.predicate for kind in knowledge.kinds if not kind.sided and not kind.about_record and kind.name in names
    }
    for conflict in knowledge.conflicts.values():
        said = [
            a
            for p in shown
            for a in by_predicate.get(p, ())
            if getattr(made.atoms[a][1][1], "local", "") == conflict.id
        ]
        for one, other in _opposed(made, fire, conflict.sides, telling):
            made.add(made.number((BOTH, (conflict.id,))), [one, other], said)


def _opposed(
    made: Ground,
    fire: dict[str, list[tuple[Any, int]]],
    sides: tuple[tuple[str, ...], tuple[str, ...]],
    telling: set[str],
) -> Iterable[tuple[int, int]]:
    """Firings of two rules that conclude different things of one kind, each by the words of one side only."""
    left, right = map(set, sides)
    rules = [rule for rule in made.program.rules if rule.predicate in telling]
    own = [rule for rule in rules if set(rule.cites) & left and not set(rule.cites) & right]
    others = [rule for rule in rules if set(rule.cites) & right and not set(rule.cites) & left]
    for one, other in itertools.product(own, others):
        if one.predicate == other.predicate:
            for (value, a), (different, b) in itertools.product(fire.get(one.name, ()), fire.get(other.name, ())):
                if value != different:
                    yield a, b


def of_kinds(made: Ground, knowledge: Knowledge) -> Iterable[Goal]:
    """That a kind which has exactly one conclusion has none, or several."""
    for kind in (kind for kind in knowledge.kinds if kind.exactly_one):
        for name, what in ((NONE, "no conclusion"), (SEVERAL, "more than one conclusion")):
            atom = made.numbers.get((name, (kind.name,)))
            if atom is not None:
                yield Goal(f"{kind.name}: {what}", f"every patient has exactly one {kind.name}", atom)


def of_disagreements(made: Ground, knowledge: Knowledge) -> Iterable[Goal]:
    """That rules of both sides of a conflict fire, and it is not shown."""
    for conflict in knowledge.conflicts.values():
        atom = made.numbers.get((BOTH, (conflict.id,)))
        if atom is not None:
            yield Goal(conflict.id, f"shown whenever rules of both its sides fire: {conflict.title}", atom)


def names_of(program: Program) -> set[str]:
    """The names of the rules of a program."""
    return {rule.name for rule in program.rules}


def part_of(program: Program, goals: Mapping[str, tuple[str, str]], knowledge: Knowledge) -> Program:
    """The rules that some goals can rest on."""
    known = {p.id: p.iri for p in knowledge.properties}
    heads = {predicate for predicate, _ in goals.values() if predicate != VIOLATION}
    broken = {known[name] for name, (predicate, _) in goals.items() if predicate == VIOLATION}

    def is_asked(rule: Rule) -> bool:
        if rule.predicate == VIOLATION:
            arg = rule.args[1]
            return isinstance(arg, Variable) or (isinstance(arg, Constant) and arg.value in broken)
        return rule.predicate in heads

    return resting(program, is_asked)
