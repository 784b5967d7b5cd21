"""Rules, each run once on the facts that are there: the tables of their firings.

What is computed goes through Python over the distinct operands, and is as exact as for one patient.
"""

from __future__ import annotations

from collections.abc import Sequence

from citelog.population.derivation.state import Derivation, Found
from citelog.population.engines.engine import Work
from citelog.population.program.queries import Computed, Firing, column
from citelog.rules.program import Assignment
from citelog.run.arithmetic import compare
from citelog.run.result import value_of


def ask(derivation: Derivation, number: int) -> Found:
    """Run one rule."""
    name = derivation.table_of_rule(number)
    return _noted(derivation, number, firings(derivation, derivation.firing(number), name))


def ask_all(derivation: Derivation, numbers: Sequence[int]) -> Work:
    """Run rules that do not read each other: those of a single query all at once."""
    plain = {}
    for number in numbers:
        firing = derivation.firing(number)
        if len(firing.queries) == 1 and derivation.can_fire(firing):
            [query] = firing.queries
            plain[derivation.table_of_rule(number)] = query.columns, derivation.text(query)
    counts = (yield plain) if plain else {}
    for number in numbers:
        name = derivation.table_of_rule(number)
        if name in counts:
            _noted(derivation, number, counts[name])
        else:
            ask(derivation, number)


def _noted(derivation: Derivation, number: int, count: int) -> Found:
    """What a rule has found, kept in mind."""
    rule, firing = derivation.program.rules[number], derivation.firing(number)
    found = derivation.found[number] = Found(number, rule, firing, derivation.table_of_rule(number), count)
    derivation.tick()
    return found


def firings(derivation: Derivation, firing: Firing, name: str) -> int:
    """Put the firings of a rule into a table, and count them; where there are none, there may be no table."""
    if not derivation.can_fire(firing):
        return 0
    engine = derivation.engine
    *steps, last = firing.queries
    for step in steps:
        engine.create(step.table, derivation.text(step))
        assert step.then is not None
        _compute(derivation, step.table, step.then)
    count = engine.create(name, derivation.text(last))
    for step in steps:
        engine.drop(step.table)
        assert step.then is not None
        engine.drop(step.then.table)
    return count


def _compute(derivation: Derivation, made: str, computed: Computed) -> None:
    """Work out a computation for the distinct operands that stand in a table."""
    values, names, literal = derivation.values, computed.names, computed.literal
    constants = {name: values.value(number) for name, number in computed.constants.items()}
    listed = ", ".join(column(name) for name in names)
    rows = []
    for operands in derivation.engine.rows(f"SELECT DISTINCT {listed} FROM {made} ORDER BY {listed}"):
        row = {name: values.value(number) for name, number in zip(names, operands, strict=True)} | constants
        if isinstance(literal, Assignment):
            result = value_of(literal.expression, row)
            if result is not None:
                rows.append((*operands, values.number(result)))
        else:
            left, right = value_of(literal.left, row), value_of(literal.right, row)
            if left is not None and right is not None and compare(literal.operator, left, right):
                rows.append(operands)
    columns = (*(f"o{i}" for i in range(len(names))), *(["v"] if computed.into else []))
    derivation.engine.load(computed.table, columns, sorted(rows))


__all__ = ["ask", "ask_all", "firings"]
