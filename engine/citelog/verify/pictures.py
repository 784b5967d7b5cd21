"""Every picture at once: one bit for each, and a clause is a handful of operations on whole rows of bits.

A picture is one signature for each axis that a question can depend on. The bits of an atom say in which pictures it
holds; the pictures are cut into blocks that fit a processor's cache.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import networkx as nx

from citelog.verify.axes import Axes, Slice
from citelog.verify.clauses import Clause

BLOCK = 1 << 20
"""Pictures that are looked at together."""

Signatures = Mapping[int, tuple[frozenset[int], ...]]
"""For each axis, the sets of its frontier atoms that are possible."""


@dataclass(frozen=True, slots=True)
class Block:
    """Pictures looked at together: how many, and for each atom a row of bits, one for each picture."""

    size: int
    rows: Mapping[int, int]

    @property
    def all(self) -> int:
        """The row in which every bit is set."""
        return (1 << self.size) - 1


def count(signatures: Signatures) -> int:
    """How many pictures there are."""
    return math.prod(len(known) for known in signatures.values())


def blocks(
    axes: Axes, slice_: Slice, signatures: Signatures, tick: Callable[[int], None] | None = None
) -> Iterator[Block]:
    """All pictures, block by block, with every atom of the slice evaluated."""
    order = sorted(signatures, key=lambda axis: len(signatures[axis]))
    inner: list[int] = []
    size = 1
    while order and size * len(signatures[order[0]]) <= BLOCK:
        axis = order.pop(0)
        size *= len(signatures[axis])
        inner.append(axis)
    base: dict[int, int] = {}
    stride = 1
    for axis in inner:
        base |= _spread(slice_.frontier[axis], signatures[axis], stride, size)
        stride *= len(signatures[axis])
    every = (1 << size) - 1
    fixed = _constant(axes, slice_.constant)
    for atom in slice_.constant:
        base[atom] = every if atom in fixed else 0
    steps = _steps(axes, slice_)
    for chosen in itertools.product(*(signatures[axis] for axis in order)):
        rows = dict(base)
        for axis, signature in zip(order, chosen, strict=True):
            rows |= {atom: every if atom in signature else 0 for atom in slice_.frontier[axis]}
        for atoms, clauses, again in steps:
            _evaluate(atoms, clauses, again, rows, every)
        if tick:
            tick(size)
        yield Block(size, rows)


def _spread(atoms: Sequence[int], known: Sequence[frozenset[int]], stride: int, size: int) -> dict[int, int]:
    """The rows of an axis's atoms: its signatures in turn, `stride` pictures each, over and over."""
    period = stride * len(known)
    times = size // period
    again = sum(1 << (i * period) for i in range(times)) if times < 64 else _repeated(period, times)
    run = (1 << stride) - 1
    return {
        atom: sum(run << (i * stride) for i, signature in enumerate(known) if atom in signature) * again
        for atom in atoms
    }


def _repeated(period: int, times: int) -> int:
    """A bit set at every multiple of a period."""
    made, length = 1, 1
    while length * 2 <= times:
        made |= made << (length * period)
        length *= 2
    if length < times:
        made |= _repeated(period, times - length) << (length * period)
    return made


def _constant(axes: Axes, atoms: Iterable[int]) -> set[int]:
    """Those of some atoms that hold whatever a record says: nothing of it can change them."""
    below = axes.below(atoms)
    slice_ = Slice(tuple(below), {}, ())
    rows: dict[int, int] = {}
    for inside, clauses, again in _steps(axes, slice_):
        _evaluate(inside, clauses, again, rows, 1)
    return {atom for atom in below if rows[atom]}


def _steps(axes: Axes, slice_: Slice) -> list[tuple[list[int], list[Clause], bool]]:
    """The joint atoms with their clauses, in an order in which what they read is settled."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(slice_.joint)
    inside = set(slice_.joint)
    for atom in slice_.joint:
        for clause in axes.by_head.get(atom, ()):
            graph.add_edges_from((a, atom) for a in clause.positive | clause.negative if a in inside)
    condensed = nx.condensation(graph)
    steps = []
    for part in nx.topological_sort(condensed):
        atoms = sorted(condensed.nodes[part]["members"])
        clauses = [clause for atom in atoms for clause in axes.by_head.get(atom, ())]
        steps.append((atoms, clauses, len(atoms) > 1))
    return steps


def _evaluate(atoms: Sequence[int], clauses: Sequence[Clause], again: bool, rows: dict[int, int], every: int) -> None:
    for atom in atoms:
        rows[atom] = 0
    changed = True
    while changed:
        changed = False
        for clause in clauses:
            row = every
            for atom in clause.positive:
                row &= rows.get(atom, 0)
                if not row:
                    break
            else:
                for atom in clause.negative:
                    row &= ~rows.get(atom, 0)
                if row & ~rows[clause.head]:
                    rows[clause.head] |= row
                    changed = again
