"""Clauses asked of clingo: which sets of atoms can hold together, and the smallest record for one of them.

clingo decides what sets of entries are possible. That the answer sets of stratified clauses are what the rules derive
is all that is taken from it, and what it finds is derived again by the engine before anybody is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import clingo

from citelog.verify.axes import Axes
from citelog.verify.clauses import Ground


@dataclass(slots=True)
class Solver:
    """Everything that some atoms can depend on, as a program of clingo's."""

    ground: Ground
    control: clingo.Control
    literal: dict[int, int]
    forms: dict[int, int]

    @classmethod
    def of(
        cls, axes: Axes, atoms: Iterable[int], *options: str, project: Sequence[int] = (), smallest: bool = False
    ) -> Solver:
        """The program of some atoms; `project` are the atoms by which answers are told apart."""
        ground = axes.ground
        control = clingo.Control(["--warn=none", *options])
        needed = axes.below(atoms)
        with control.backend() as backend:
            literal = {atom: backend.add_atom(clingo.Function("atom", [clingo.Number(atom)])) for atom in needed}
            used = dict.fromkeys(f for atom in needed for f in ground.given.get(atom, ()))
            forms = {form: backend.add_atom(clingo.Function("form", [clingo.Number(form)])) for form in used}
            for variable in forms.values():
                backend.add_rule([variable], [], True)
            for atom in needed:
                for form in ground.given.get(atom, ()):
                    backend.add_rule([literal[atom]], [forms[form]])
                for clause in axes.by_head.get(atom, ()):
                    body = [literal[a] for a in sorted(clause.positive)] + [
                        -literal[a] for a in sorted(clause.negative)
                    ]
                    backend.add_rule([literal[atom]], body)
            for family, members in _limited(ground, forms):
                backend.add_weight_rule([], family + 1, [(forms[m], 1) for m in members])
            if project:
                backend.add_project([literal[a] for a in project])
            if smallest:
                costs = {form.number: 1000 * form.said.cost + form.said.length for form in ground.forms}
                backend.add_minimize(2, [(variable, 1) for variable in forms.values()])
                backend.add_minimize(1, [(variable, costs[form]) for form, variable in forms.items()])
                backend.add_minimize(0, [(variable, form) for form, variable in forms.items()])  # always the same one
        return cls(ground, control, literal, forms)

    def holding(self, model: clingo.Model, atoms: Iterable[int]) -> frozenset[int]:
        """Those of some atoms that hold in an answer."""
        return frozenset(atom for atom in atoms if model.is_true(self.literal[atom]))

    def entries(self, model: clingo.Model) -> tuple[int, ...]:
        """The forms of the entries of an answer."""
        return tuple(form for form, variable in self.forms.items() if model.is_true(variable))


def _limited(ground: Ground, forms: Iterable[int]) -> list[tuple[int, list[int]]]:
    """The families of which a record holds only so many entries, with their forms."""
    by_number = {form.number: form for form in ground.forms}
    members: dict[str, list[int]] = {}
    for form in forms:
        if by_number[form].family.most is not None:
            members.setdefault(by_number[form].family.id, []).append(form)
    return [
        (by_number[m[0]].family.most or 0, m) for m in members.values() if len(m) > (by_number[m[0]].family.most or 0)
    ]


def signatures(axes: Axes, frontier: Sequence[int]) -> tuple[frozenset[int], ...]:
    """All sets of these atoms of one axis that hold together for some record, the empty one too, in a fixed order."""
    solver = Solver.of(axes, frontier, "--models=0", "--project=project", project=frontier)
    found: list[frozenset[int]] = []
    with solver.control.solve(yield_=True) as handle:
        for model in handle:
            found.append(solver.holding(model, frontier))
    return tuple(sorted(set(found), key=lambda s: (len(s), sorted(s))))


def smallest(
    axes: Axes, holds: Iterable[int], fails: Iterable[int] = (), patience: int | None = None
) -> tuple[int, ...] | None:
    """The forms of the smallest record for which some atoms hold and others do not; None where there is none.

    With `patience`, after so many conflicts of clingo's, a record from which no entry can be left out will do.
    """
    yes, no = list(holds), list(fails)
    options = ["--models=0", "--opt-mode=opt", "--opt-strategy=usc"]
    options += [f"--solve-limit={patience}"] if patience is not None else []
    solver = Solver.of(axes, [*yes, *no], *options, smallest=True)
    with solver.control.backend() as backend:
        for atom in yes:
            backend.add_rule([], [-solver.literal[atom]])
        for atom in no:
            backend.add_rule([], [solver.literal[atom]])
    best: tuple[int, ...] | None = None
    with solver.control.solve(yield_=True) as handle:
        for model in handle:
            best = solver.entries(model)
        if handle.get().exhausted:
            return best
    return _spare(axes, yes, no)


def _spare(axes: Axes, yes: list[int], no: list[int]) -> tuple[int, ...] | None:
    """The forms of some record from which no entry can be left out; None where there is no record at all."""
    solver = Solver.of(axes, [*yes, *no], "--models=1")
    wanted = [*(solver.literal[atom] for atom in yes), *(-solver.literal[atom] for atom in no)]

    def within(forms: Iterable[int]) -> tuple[int, ...] | None:
        """The entries of a record that has none but these."""
        left = set(forms)
        without = [-variable for form, variable in solver.forms.items() if form not in left]
        with solver.control.solve(assumptions=[*wanted, *without], yield_=True) as handle:
            return next((solver.entries(model) for model in handle), None)

    kept = within(solver.forms)
    for form in kept or ():
        if kept and form in kept:
            kept = within(other for other in kept if other != form) or kept
    return kept


def possible(axes: Axes, goals: Iterable[int]) -> frozenset[int]:
    """Those of some atoms that hold for some record."""
    wanted = list(goals)
    solver = Solver.of(axes, wanted, "--models=1")
    found: set[int] = set()
    for goal in wanted:
        if goal in found:
            continue
        with solver.control.solve(assumptions=[(solver.literal[goal])], yield_=True) as handle:
            for model in handle:
                found |= solver.holding(model, wanted)
                break
    return frozenset(found)
