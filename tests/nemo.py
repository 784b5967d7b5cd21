"""Programs and facts given to Nemo (nmo_python), the rule engine whose syntax the rule language shares.

Terms become IRIs, numbers are written with a decimal point and integers without, dates are day numbers. Nemo computes
with binary floating point, so its numbers are compared with a tolerance.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from citelog.rules.program import Predicate
from citelog.values import Atom, Iri, Value

TOLERANCE = 1e-9


def written(value: Value) -> str:
    """A value in a Nemo program."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case Decimal():
            text = format(value, "f")
            return text if "." in text else text + ".0"
        case str():
            assert not re.search(r'["\\\n]', value), "Nemo knows no escapes"
            return f'"{value}"'
        case Iri():
            return f"<{value.value}>"
        case _:
            return str(value.toordinal())


def name(predicate: str) -> str:
    """A predicate's name: bare, or an IRI."""
    return f"<{predicate}>" if ":" in predicate else predicate


def facts(atoms: Iterable[Atom]) -> str:
    """Facts as lines of a program."""
    return "".join(f"{name(a.predicate)}({', '.join(map(written, a.args))}) .\n" for a in atoms)


def answers(text: str, predicates: Iterable[str]) -> dict[str, list[tuple[Any, ...]]]:
    """Run a program; the facts of each predicate, as Nemo returns them."""
    import nmo_python

    wanted = list(predicates)
    asked = "".join(f"@output {name(p)} .\n" for p in wanted)
    engine = nmo_python.NemoEngine(nmo_python.load_string(f"{text}\n{asked}"))
    engine.reason()
    return {p: [tuple(row) for row in engine.result(name(p).strip("<>"))] for p in wanted}


def returned(value: Value) -> Any:
    """What Nemo's Python gives back for a value of ours."""
    match value:
        case bool() | int():
            return value
        case Decimal():
            return float(value)
        case str():
            return f'"{value}"'
        case Iri():
            return f"<{value.value}>"
        case datetime.date():
            return value.toordinal()


def differences(
    ours: Mapping[str, Iterable[Atom]], theirs: Mapping[str, list[tuple[Any, ...]]], predicates: Mapping[str, Predicate]
) -> list[str]:
    """What only one of the two engines derives."""
    found = []
    for predicate, rows in theirs.items():
        numbers = [i for i, a in enumerate(predicates[predicate].arguments) if a.type == "number"]
        left: dict[tuple[Any, ...], list[tuple[Any, ...]]] = {}
        for row in rows:
            left.setdefault(_but(row, numbers), []).append(row)
        for atom in ours.get(predicate, ()):
            mine = tuple(returned(v) for v in atom.args)
            near = left.get(_but(mine, numbers), [])
            match = next((row for row in near if all(_close(mine[i], row[i]) for i in numbers)), None)
            if match is None:
                found.append(f"only citelog: {atom}")
            else:
                near.remove(match)
        found += [f"only Nemo: {predicate}{row}" for near in left.values() for row in near]
    return found


def _but(row: tuple[Any, ...], numbers: list[int]) -> tuple[Any, ...]:
    """A row without its numbers, each value with its Python type."""
    return tuple((type(v), v) for i, v in enumerate(row) if i not in numbers)


def _close(mine: float, other: Any) -> bool:
    return isinstance(other, float) and abs(mine - other) <= TOLERANCE * max(1.0, abs(mine))
