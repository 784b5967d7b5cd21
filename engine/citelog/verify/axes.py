"""Which parts of a record a conclusion can hang on: families that meet in a rule about entries make one axis.

The dependency graph of the clauses says for each atom which families can reach it. A clause about an entry that reads
something about the patient glues their families together; all other clauses read of each axis only a few atoms about
the patient, its frontier. So a patient is, to such clauses, one set of frontier atoms for each axis, and what one axis
says sets no bounds to what another may say: every combination is some patient's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import networkx as nx

from citelog.verify.clauses import EITHER, Clause, Ground


@dataclass(frozen=True, slots=True)
class Axis:
    """Families whose entries rules set beside each other, and the forms of these entries."""

    number: int
    families: tuple[str, ...]
    forms: tuple[int, ...]

    @property
    def name(self) -> str:
        """The names of the families, without the lists that they stand in where there are several."""
        return (
            self.families[0]
            if len(self.families) == 1
            else " + ".join(f.partition(": ")[2] or f for f in self.families)
        )


@dataclass
class Axes:
    """The axes of a written-out program, and on which of them each atom can depend."""

    ground: Ground
    axes: tuple[Axis, ...] = ()
    reach: dict[int, frozenset[int]] = field(default_factory=dict)
    """For each atom that can hold, the axes that can change it."""

    @cached_property
    def by_head(self) -> dict[int, list[Clause]]:
        """The clauses of each atom."""
        found: dict[int, list[Clause]] = {}
        for clause in self.ground.clauses:
            found.setdefault(clause.head, []).append(clause)
        return found

    def is_inner(self, atom: int) -> bool:
        """Whether one axis alone settles the atom, or nothing of a record does."""
        return len(self.reach.get(atom, ())) <= 1

    def _is_about_patient(self, atom: int) -> bool:
        """Whether an atom has clauses, and these read nothing of any entry's own."""
        clauses = self.by_head.get(atom, ())
        return bool(clauses) and not any(
            self.ground.is_about_entry(a) for clause in clauses for a in (atom, *clause.positive, *clause.negative)
        )

    def slice(self, goals: Iterable[int]) -> Slice:
        """What some atoms can depend on."""
        open_ = list(dict.fromkeys(goals))
        asked, met = len(open_), set(open_)
        joint: dict[int, None] = {}
        frontier: dict[int, None] = {}
        for i, atom in enumerate(open_):
            if self.is_inner(atom) and not (i < asked and self._is_about_patient(atom)):
                frontier[atom] = None
                continue
            joint[atom] = None
            for clause in self.by_head.get(atom, ()):
                read = (*sorted(clause.positive), *sorted(clause.negative))
                open_ += [a for a in dict.fromkeys(read) if a not in met]
                met |= {*read}
        by_axis: dict[int, list[int]] = {}
        constant = []
        for atom in frontier:
            of = self.reach.get(atom, frozenset())
            if of:
                by_axis.setdefault(next(iter(of)), []).append(atom)
            else:
                constant.append(atom)
        return Slice(
            tuple(joint), {axis: tuple(sorted(atoms)) for axis, atoms in sorted(by_axis.items())}, tuple(constant)
        )

    def below(self, atoms: Iterable[int]) -> list[int]:
        """Some atoms and all that they can depend on."""
        open_ = list(dict.fromkeys(atoms))
        met = set(open_)
        for atom in open_:
            for clause in self.by_head.get(atom, ()):
                for other in clause.positive | clause.negative:
                    if other not in met:
                        met.add(other)
                        open_.append(other)
        return open_


@dataclass(frozen=True, slots=True)
class Slice:
    """What a question can depend on: atoms that several axes settle, and of each axis the atoms that those read."""

    joint: tuple[int, ...]
    frontier: dict[int, tuple[int, ...]]
    constant: tuple[int, ...]


def axes(ground: Ground) -> Axes:
    """The axes of a written-out program."""
    home = {form.number: form.family.id for form in ground.forms}
    reach = _reach(ground, home)
    made = tuple(
        Axis(i, tuple(families), tuple(f.number for f in ground.forms if f.family.id in families))
        for i, families in enumerate(_together(ground, home, reach))
    )
    of = {name: axis.number for axis in made for name in axis.families}
    found = Axes(ground, made, {atom: frozenset(of[f] for f in families) for atom, families in reach.items()})
    while _fold(found):
        pass
    return found


def _reach(ground: Ground, home: Mapping[int, str]) -> dict[int, frozenset[str]]:
    """The families that each fact can rest on, in however many steps."""
    reach = {atom: frozenset(home[form] for form in forms) for atom, forms in ground.given.items()}
    grown = True
    while grown:
        grown = False
        for clause in ground.clauses:
            met = reach.get(clause.head, frozenset()).union(
                *(reach.get(a, frozenset()) for a in clause.positive | clause.negative)
            )
            if clause.head not in reach or met != reach[clause.head]:
                reach[clause.head] = met
                grown = True
    return reach


def _together(
    ground: Ground, home: Mapping[int, str], reach: Mapping[int, frozenset[str]]
) -> Iterator[tuple[str, ...]]:
    """The families of each axis: those that something about one entry rests on together."""
    names = list(dict.fromkeys(home.values()))
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(names)
    for clause in ground.clauses:
        body = clause.positive | clause.negative
        if any(map(ground.is_about_entry, (clause.head, *body))):
            read = body | {clause.head} if ground.is_about_entry(clause.head) else body
            nx.add_path(graph, frozenset[str]().union(*(reach.get(a, frozenset()) for a in read)))
    for atom, forms in ground.given.items():  # an entry's own fact that no record variable tells apart
        if ground.is_about_entry(atom):
            nx.add_path(graph, {home[form] for form in forms})
    for found in nx.connected_components(graph):
        yield tuple(name for name in names if name in found)


def _fold(found: Axes) -> bool:
    """Read as one what no clause tells apart: atoms of one axis that stand, never negated, beside the same others."""
    ground = found.ground
    beside: dict[int, set[tuple[int, frozenset[int], frozenset[int]]]] = {}
    negated = {atom for clause in ground.clauses for atom in clause.negative}
    for clause in ground.clauses:
        if ground.atoms[clause.head][0] == EITHER:
            continue
        for atom in clause.positive:
            if atom not in negated and len(found.reach.get(atom, ())) == 1 and not ground.is_about_entry(atom):
                beside.setdefault(atom, set()).add((clause.head, clause.positive - {atom}, clause.negative))
    alike: dict[tuple[frozenset[int], frozenset[tuple[int, frozenset[int], frozenset[int]]]], list[int]] = {}
    for atom, contexts in beside.items():
        alike.setdefault((found.reach[atom], frozenset(contexts)), []).append(atom)
    one: dict[int, int] = {}
    for (reach, _), atoms in alike.items():
        if len(atoms) > 1:
            either = ground.number((EITHER, tuple(sorted(atoms))))
            one |= dict.fromkeys(atoms, either)
            found.reach[either] = reach
    if not one:
        return False
    clauses = ground.clauses
    ground.clauses, ground.made = [], {}
    for atom, either in one.items():
        ground.add(either, [atom], [])
    for clause in clauses:
        ground.add(clause.head, [one.get(a, a) for a in clause.positive], clause.negative)
    found.__dict__.pop("by_head", None)
    return True
