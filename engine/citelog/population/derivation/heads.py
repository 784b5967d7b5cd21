"""From firings to facts: the heads of rules, and the tables of predicates that several rules derive."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from citelog.population.derivation.aggregates import counted
from citelog.population.derivation.state import Derivation, Found
from citelog.population.engines.engine import Work
from citelog.population.program.queries import UNIT
from citelog.rules.program import Aggregate, Constant, Variable


def heads(derivation: Derivation, found: Found) -> str:
    """The query for the facts that a rule's firings give."""
    if found.firing.rule.aggregate:
        columns = derivation.columns(found.rule.predicate)
        return f"SELECT {', '.join(columns)} FROM {counted(derivation, found)}"
    made = [UNIT]
    for place, arg in derivation.args(found.firing.rule):
        assert not isinstance(arg, Aggregate)
        made.append(f"{derivation.term(found, arg)} AS a{place}")
    return f"SELECT {', '.join(made)} FROM {found.table}"


def gather(derivation: Derivation, founds: Mapping[str, Sequence[Found]]) -> Work:
    """The facts of predicates: those that were given, and the heads of their rules."""
    engine, size = derivation.engine, derivation.size
    made, given = {}, []
    for predicate, some in founds.items():
        name, columns = derivation.table_of(predicate), derivation.columns(predicate)
        having = [found for found in some if found.count]
        parts = [heads(derivation, found) for found in having]
        if not parts:
            continue
        once = all(map(_is_injective, having)) and _are_apart(having)
        if size.get(name, 0):
            given.append(f"{name}_given")
            engine.create(given[-1], f"SELECT * FROM {name}")
            parts.insert(0, f"SELECT {', '.join(columns)} FROM {given[-1]}")
            once = False
        if once and len(parts) == 1:  # every firing is a fact of its own: they are read where they stand
            engine.drop(name)
            engine.view(name, parts[0])
            size[name] = having[0].count
            continue
        several = (" UNION ALL " if once else " UNION ").join(parts)
        made[name] = columns, several if len(parts) > 1 else f"SELECT DISTINCT * FROM ({several})"
    if made:
        size |= yield made
    for name in given:
        engine.drop(name)


def _is_injective(found: Found) -> bool:
    """Whether no two firings of a rule give the same fact."""
    rule = found.firing.rule
    shown = {arg.name for arg in rule.args if isinstance(arg, Variable)}
    return rule.aggregate is not None or set(found.firing.columns) <= shown


def _are_apart(some: Sequence[Found]) -> bool:
    """Whether no two rules give the same fact: any two have different constants at some place."""
    constants = [
        {place: arg.value for place, arg in enumerate(found.firing.rule.args) if isinstance(arg, Constant)}
        for found in some
    ]
    return all(
        any(one[place] != other[place] for place in one.keys() & other.keys())
        for one, other in itertools.combinations(constants, 2)
    )


__all__ = ["gather", "heads"]
