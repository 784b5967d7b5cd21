"""What a run leaves behind: every fact with every firing that gives it.

A proof needs no second pass: each rule that held, for each set of bindings, is on record as soon as
the conclusions are. Facts are held with interned values (see datalog.py) and spelt out on request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from citelog.rules.program import (
    Absent,
    Expression,
    Literal,
    Operation,
    Present,
    Program,
    Rule,
    Variable,
)
from citelog.run.arithmetic import evaluate
from citelog.values import Atom, Value

Ids = tuple[int, ...]
"""The arguments of a fact, or the variables of a firing, each as its number in the run's table of values."""

Held = tuple[int, tuple[Ids, ...]]
"""A firing as it is stored: the rule's number, and one row of bindings (several, for an aggregate)."""


@dataclass(frozen=True, slots=True)
class Firing:
    """One rule that held for one set of bindings (or, with an aggregate, for one group of rows).

    `number` is the place of the rule in the program.
    """

    rule: Rule
    rows: tuple[Mapping[str, Value], ...]
    conclusion: Atom
    number: int

    @property
    def bindings(self) -> Mapping[str, Value]:
        """The first row: all there is where the rule has no aggregate."""
        return self.rows[0]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The least model of a program over given facts, with every firing.

    `stated` maps each fact of the knowledge to the statements that state it, `given` each fact of the
    patient's record to the record that it was read from (None for facts about the patient as a whole).
    `rounds` orders the facts of recursive components by when they first held.
    """

    program: Program
    values: Sequence[Value]
    ids: Mapping[tuple[type, Value], int]
    facts: Mapping[str, Mapping[Ids, Sequence[Held]]]
    stated: Mapping[tuple[str, Ids], tuple[str, ...]]
    given: Mapping[tuple[str, Ids], Value | None]
    rounds: Mapping[tuple[str, Ids], int]
    _spelt: dict[tuple[str, Ids], tuple[Firing, ...]] = field(default_factory=dict, repr=False)
    _circles: dict[Atom, int] = field(default_factory=dict, repr=False)

    def atoms(self, predicate: str) -> Iterator[Atom]:
        """Every fact of a predicate, in no promised order."""
        for ids in self.facts.get(predicate, ()):
            yield Atom(predicate, tuple(self.values[i] for i in ids))

    def key(self, atom: Atom) -> tuple[str, Ids] | None:
        """The stored form of an atom, or None where it does not hold."""
        try:
            ids = tuple(self.ids[type(arg), arg] for arg in atom.args)
        except KeyError:
            return None
        return (atom.predicate, ids) if ids in self.facts.get(atom.predicate, {}) else None

    def holds(self, atom: Atom) -> bool:
        """Whether the fact is in the model."""
        return self.key(atom) is not None

    def statements(self, atom: Atom) -> tuple[str, ...] | None:
        """The statements that state a fact of the knowledge; None for any other fact."""
        key = self.key(atom)
        return self.stated.get(key) if key else None

    def is_given(self, atom: Atom) -> bool:
        """Whether the fact was read from the patient's record."""
        return self.key(atom) in self.given

    def record(self, atom: Atom) -> Value | None:
        """The record that a given fact was read from."""
        key = self.key(atom)
        return self.given.get(key) if key else None

    def firings(self, atom: Atom) -> tuple[Firing, ...]:
        """Every firing that gives a fact, in the order of the rules; none for facts that are given or stated."""
        key = self.key(atom)
        if key is None:
            return ()
        if key in self._spelt:
            return self._spelt[key]
        found = []
        for number, rows in self.facts[key[0]][key[1]]:
            rule = self.program.rules[number]
            bindings = tuple({v: self.values[i] for v, i in zip(rule.variables, row, strict=True)} for row in rows)
            found.append(Firing(rule, bindings, atom, number))
        if len(found) > 1:
            found.sort(key=lambda f: (f.number, repr(f.rows)))
        self._spelt[key] = tuple(found)
        return self._spelt[key]

    def round(self, atom: Atom) -> int:
        """When a recursive fact first held; 0 for all others, which cannot support themselves."""
        key = self.key(atom)
        return self.rounds.get(key, 0) if key else 0

    def circle(self, atom: Atom) -> int:
        """The number that a recursive fact shares with those that it rests on and that rest on it in turn."""
        if atom not in self._circles:
            self._circles.update(_circles(self, atom))
        return self._circles[atom]


def well_founded(run: Run, atom: Atom) -> Iterator[Firing]:
    """The firings of a fact that do not rest on the fact itself.

    What cannot come back to it may be a reason whenever it held; where facts rest on each other in a circle, those
    that held before it.
    """
    held = run.round(atom)
    for firing in run.firings(atom):
        late = [premise for premise in premises(firing) if run.round(premise) >= held] if held else []
        if all(run.circle(premise) != run.circle(atom) for premise in late):
            yield firing


def _circles(run: Run, root: Atom) -> dict[Atom, int]:
    """The circles of a recursive fact and of all below it that are not known yet (Tarjan's strong components)."""
    circles, found, least, path = dict[Atom, int](), dict[Atom, int](), dict[Atom, int](), list[Atom]()
    first = len(run._circles)
    open_ = [(root, _recursive(run, root))]
    while open_:
        atom, below = open_[-1]
        if atom not in found:
            found[atom] = least[atom] = len(found)
            path.append(atom)
        for premise in below:
            if premise not in found and premise not in run._circles:
                open_.append((premise, _recursive(run, premise)))
                break
            if premise in found and premise not in circles:
                least[atom] = min(least[atom], found[premise])
        else:
            open_.pop()
            if open_:
                least[open_[-1][0]] = min(least[open_[-1][0]], least[atom])
            if least[atom] == found[atom]:
                while atom not in circles:
                    circles[path.pop()] = first + found[atom]
    return circles


def _recursive(run: Run, atom: Atom) -> Iterator[Atom]:
    """The recursive facts that a fact rests on directly."""
    return (premise for firing in run.firings(atom) for premise in premises(firing) if run.round(premise))


def premises(firing: Firing) -> Iterator[Atom]:
    """The positive premises of a firing, in the author's order; of every row, where the rule aggregates."""
    for row in firing.rows:
        for literal in firing.rule.body:
            if isinstance(literal, Present):
                yield instance(literal, row)


def instance(literal: Literal, bindings: Mapping[str, Value]) -> Atom:
    """A positive or negated literal with its variables replaced; unbound places of a negated one are `None`."""
    assert isinstance(literal, Present | Absent)
    args = tuple(bindings.get(a.name) if isinstance(a, Variable) else a.value for a in literal.args)
    return Atom(literal.predicate, args)  # type: ignore[arg-type]


def value_of(expression: Expression, bindings: Mapping[str, Value]) -> Value | None:
    """What an expression comes to under some bindings; None where it has no value (a division by zero).

    >>> from citelog.rules.program import Constant
    >>> half = Operation("/", Constant(1), Variable("n"))
    >>> less, more = Operation("-", Constant(1), half), Operation("-", half, Constant(1))
    >>> [value_of(each, {"n": n}) for n in (2, 0) for each in (less, more)]
    [Decimal('0.5'), Decimal('-0.5'), None, None]
    """
    match expression:
        case Variable(name):
            return bindings[name]
        case Operation(sign, left, right):
            a, b = value_of(left, bindings), value_of(right, bindings)
            return None if a is None or b is None else evaluate(sign, a, b)
        case _:
            return expression.value


__all__ = ["Firing", "Held", "Ids", "Run", "instance", "premises", "value_of", "well_founded"]
