"""Every conclusion that a knowledge base can draw, by its id."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from citelog.conclusions import spelt
from citelog.diagnostics import CitelogError, did_you_mean
from citelog.explain.model import KEPT, Shape, shape
from citelog.knowledge.base import Kind, Knowledge
from citelog.patient.facts import PATIENT
from citelog.patient.wanted import Args
from citelog.run.result import Run
from citelog.values import Atom, Iri, Value


@dataclass(frozen=True, slots=True)
class Goal:
    """A conclusion by its id: its kind, and its value as the rules have it.

    `is_drawn` is false for what the knowledge base knows and no rule of it concludes.
    """

    id: str
    kind: Kind
    value: Value
    places: int
    is_drawn: bool = True

    @property
    def args(self) -> Args:
        """The pattern of its facts: the patient, the value, and anything in the other places."""
        return (PATIENT, self.value, *(None,) * (self.places - 2))

    def reached(self, run: Run) -> tuple[Atom, ...]:
        """The facts of a run that are this conclusion."""
        return tuple(atom for atom in run.atoms(self.kind.predicate) if atom.args[1] == self.value)


def catalogue(knowledge: Knowledge) -> Mapping[str, Goal]:
    """Every conclusion that the rules can draw, by id, in the order of kinds and names."""
    return _catalogue(shape(knowledge))


@lru_cache(maxsize=KEPT)
def _catalogue(of: Shape) -> Mapping[str, Goal]:
    knowledge, found = of.knowledge, dict[str, Goal]()
    for kind in knowledge.kinds:
        places = len(knowledge.program.predicates[kind.predicate].arguments)
        values = of.possible(kind.predicate, 1)
        named = sorted((f"{kind.name}:{spelt(value, knowledge, kind)}", value) for value in values)
        found |= {id_: Goal(id_, kind, value, places) for id_, value in named}
    return found


def goal(knowledge: Knowledge, conclusion: str) -> Goal:
    """The conclusion of an id; raises CitelogError, naming the nearest, where the knowledge base has none of it."""
    known = catalogue(knowledge)
    asked = conclusion.partition("#")[0]
    found = known.get(asked) or _undrawn(knowledge, asked) or _computed(knowledge, asked)
    if found is not None:
        return found
    kind = asked.partition(":")[0]
    same = [id_ for id_ in known if id_.startswith(f"{kind}:")]
    kinds = ", ".join(one.name for one in knowledge.kinds)
    type_ = next((_type(knowledge, one) for one in knowledge.kinds if one.name == kind), "term")
    if type_ in _READ:
        hint = f"what follows {kind}: is a value of the type {type_}"
    elif not (hint := did_you_mean(asked, known)):
        hint = f"of this kind are {', '.join(same)}" if same else f"the kinds are {kinds}"
    raise CitelogError(f"{conclusion} is no conclusion that {knowledge.id} can draw", hint)


def _undrawn(knowledge: Knowledge, asked: str) -> Goal | None:
    """A conflict of the document that no rule concludes for a patient."""
    name, _, value = asked.partition(":")
    for kind in knowledge.kinds:
        if kind.sided and kind.name == name and value in knowledge.conflicts:
            places = len(knowledge.program.predicates[kind.predicate].arguments)
            return Goal(asked, kind, Iri(f"{knowledge.namespace}{value}"), places, is_drawn=False)
    return None


_READ: Mapping[str, tuple[str, Callable[[str], Value]]] = {
    "integer": (r"-?\d{1,99}", int),
    "number": (r"-?\d{1,99}(\.\d{1,99})?", Decimal),
    "date": (r"\d{4}-\d\d-\d\d", datetime.date.fromisoformat),
    "text": (r".*", str),
}
"""How a value that rules compute is written in an id, and read from it."""


def _type(knowledge: Knowledge, kind: Kind) -> str:
    return knowledge.program.predicates[kind.predicate].arguments[1].type


def _computed(knowledge: Knowledge, asked: str) -> Goal | None:
    """A conclusion whose value rules compute: no list has them all."""
    name, _, value = asked.partition(":")
    for kind in knowledge.kinds:
        if kind.name == name and _type(knowledge, kind) in _READ:
            written, read = _READ[_type(knowledge, kind)]
            if not re.fullmatch(written, value, re.ASCII):
                return None
            try:
                meant = read(value)
            except ValueError:  # no day of the calendar
                return None
            places = len(knowledge.program.predicates[kind.predicate].arguments)
            return Goal(f"{name}:{spelt(meant, knowledge, kind)}", kind, meant, places)
    return None
