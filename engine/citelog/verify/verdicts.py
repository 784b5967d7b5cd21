"""What verification finds out: whether each safety property holds for every patient, and what was not asked.

Each verdict is reached twice, by two programs that share only the clauses: by counting the pictures in which the
property is broken, and by asking clingo for one record that breaks it. If they ever disagree, that is said, and nothing
else is.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from citelog.assess import assess
from citelog.knowledge.base import Kind, Knowledge
from citelog.knowledge.properties import VIOLATION
from citelog.run.datalog import Machine
from citelog.verify import pictures, solver
from citelog.verify.axes import Axes, axes
from citelog.verify.clauses import FIRES, Ground
from citelog.verify.goals import (
    NONE,
    SEVERAL,
    UNCOUNTED,
    Goal,
    arity,
    ask_more,
    is_uncounted,
    names_of,
    of_disagreements,
    of_kinds,
    of_properties,
    part_of,
)
from citelog.verify.ground import ground
from citelog.verify.unknowns import UndecidedError
from citelog.verify.witness import FaultError, Witness, facts, guarded, is_so, witness

MOST = 1 << 36
"""Pictures beyond which counting is left out and clingo's answer stands alone."""


@dataclass(frozen=True, slots=True)
class AxisCount:
    """An axis that a verdict depends on, and how many sets of its atoms a record can show."""

    name: str
    signatures: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether something that must never be is impossible; else in how many pictures it is, and the smallest record.

    `counted` is whether the pictures were counted too, and not only asked of clingo.
    """

    about: str
    text: str
    holds: bool
    pictures: int
    broken: int
    counted: bool
    axes: tuple[AxisCount, ...]
    witness: Witness | None

    def to_dict(self) -> dict[str, Any]:
        """The verdict as it stands in the document."""
        return {
            "about": self.about,
            "text": self.text,
            "holds": self.holds,
            "pictures": self.pictures,
            "broken": self.broken,
            "counted": self.counted,
            "axes": [{"name": axis.name, "signatures": axis.signatures} for axis in self.axes],
            "witness": None
            if self.witness is None
            else {"case": self.witness.case, "at": self.witness.at.isoformat() if self.witness.at else None},
        }


@dataclass(frozen=True, slots=True)
class Undecided:
    """A property that no verdict is given for, and why."""

    about: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Verification:
    """All that verification found out about a knowledge base.

    `properties` are the author's own, `kinds` that each kind which has exactly one conclusion has exactly one,
    `disagreements` that no rules of both sides of a declared conflict fire unless it is shown. `undeclared` are kinds
    that do not say so, and of which every patient has exactly one. `idle` are rules that fire for no patient. `axes`
    are all parts of a record; `all_pictures` is what they make together.
    """

    knowledge: str
    properties: tuple[Verdict, ...]
    undecided: tuple[Undecided, ...]
    kinds: tuple[Verdict, ...]
    disagreements: tuple[Verdict, ...]
    undeclared: tuple[str, ...]
    idle: tuple[str, ...]
    axes: tuple[AxisCount, ...]
    entries: int
    forms: int
    all_pictures: int
    looked_at: int

    @property
    def holds(self) -> bool:
        """Whether nothing that must not be is possible."""
        return all(v.holds for v in (*self.properties, *self.kinds))

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-verification/1`; what depends on the machine is not in it."""
        return {
            "format": "citelog-verification/1",
            "knowledge": self.knowledge,
            "holds": self.holds,
            "properties": [v.to_dict() for v in self.properties],
            "undecided": [{"about": u.about, "text": u.text, "reason": u.reason} for u in self.undecided],
            "kinds": [v.to_dict() for v in self.kinds],
            "disagreements": [v.to_dict() for v in self.disagreements],
            "undeclared": list(self.undeclared),
            "idle": list(self.idle),
            "axes": [{"name": axis.name, "signatures": axis.signatures} for axis in self.axes],
            "entries": self.entries,
            "forms": self.forms,
            "all_pictures": self.all_pictures,
        }


Tick = Callable[[str, int, int], None]
"""Told of progress: what is looked at, how much of it is done, and how much there is."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many pictures an atom can depend on, by the axes that they are made of, and in how many it holds.

    Where it is not `counted`, there are too many, and `holding` is 0.
    """

    pictures: int
    holding: int
    counted: bool
    axes: tuple[AxisCount, ...]


@dataclass
class Verifier:
    """A knowledge base written out, ready to be asked about."""

    knowledge: Knowledge
    ground: Ground
    axes: Axes
    left_out: tuple[Undecided, ...] = ()
    known: dict[tuple[int, tuple[int, ...]], tuple[frozenset[int], ...]] = field(default_factory=dict)
    looked_at: int = 0

    @classmethod
    def of(cls, knowledge: Knowledge, chosen: Iterable[str] | None = None) -> Verifier:
        """Write a knowledge base out for its properties and kinds; those that pictures cannot decide are left out.

        `chosen` are the ids of the properties to ask about; without it all, and all that is not asked.
        """
        names = {p.id for p in knowledge.properties} if chosen is None else set(chosen)
        broken = [p for p in knowledge.properties if p.id in names and not p.undecided]
        left_out = [Undecided(p.id, p.text, p.undecided) for p in knowledge.properties if p.id in names and p.undecided]
        goals: dict[str, tuple[str, str]] = {p.id: (VIOLATION, p.text) for p in broken}
        if chosen is None:
            goals |= {kind.name: (kind.predicate, _asked_of(kind)) for kind in knowledge.kinds if not kind.about_record}
            uncounted = [kind for kind in knowledge.kinds if kind.name in goals and is_uncounted(kind, knowledge)]
            left_out += [Undecided(kind.name, goals.pop(kind.name)[1], UNCOUNTED) for kind in uncounted]
        while True:
            program = part_of(knowledge.guarded, goals, knowledge)
            asked = {(VIOLATION, 1)} | {
                (kind.predicate, place)
                for kind in knowledge.kinds
                if kind.name in goals
                for place in (range(1, arity(kind, knowledge)) if kind.exactly_one else (1,))
            }
            try:
                made = ground(knowledge, program, sorted(asked))
                break
            except UndecidedError as trouble:
                if trouble.rule is None:
                    raise
                hit = [
                    g
                    for g in goals
                    if trouble.rule.name in names_of(part_of(knowledge.guarded, {g: goals[g]}, knowledge))
                ]
                left_out += [Undecided(g, goals.pop(g)[1], str(trouble)) for g in hit]
        ask_more(made, knowledge, set(goals))
        return cls(knowledge, made, axes(made), tuple(left_out))

    def verdict(self, goal: Goal, tick: Callable[[int, int], None] | None = None) -> Verdict:
        """Whether an atom can ever hold, found in two ways."""
        found = solver.smallest(self.axes, [goal.atom])
        many = self.count(goal.atom, MOST, tick)
        if many.counted and bool(many.holding) != (found is not None):
            raise FaultError(f"{goal.about}: counting pictures and clingo disagree")
        shown = witness(self.ground, found) if found is not None else None
        if shown and not is_so(self.axes, goal.atom, facts(shown.assessment.run)):
            raise FaultError(f"{goal.about}: the engine does not conclude it for {shown.case}")
        return Verdict(
            goal.about, goal.text, found is None, many.pictures, many.holding, many.counted, many.axes, shown
        )

    def count(self, atom: int, most: int, tick: Callable[[int, int], None] | None = None) -> Counted:
        """In how many of the pictures that matter to an atom it holds; not counted where they are more than `most`."""
        slice_ = self.axes.slice([atom])
        known = {axis: self.signatures(axis, atoms) for axis, atoms in slice_.frontier.items()}
        number = pictures.count(known)
        hits = done = 0
        if number <= most:
            for block in pictures.blocks(self.axes, slice_, known):
                hits += block.rows.get(atom, 0).bit_count()
                done += block.size
                if tick:
                    tick(done, number)
            self.looked_at += number
        axes_ = tuple(AxisCount(self.axes.axes[axis].name, len(s)) for axis, s in known.items())
        return Counted(number, hits, number <= most, axes_)

    def signatures(self, axis: int, atoms: tuple[int, ...]) -> tuple[frozenset[int], ...]:
        """The sets of an axis's atoms that some record shows."""
        key = (axis, atoms)
        if key not in self.known:
            self.known[key] = solver.signatures(self.axes, atoms)
        return self.known[key]


def _asked_of(kind: Kind) -> str:
    """What is asked of a kind of conclusion, in words."""
    return f"every patient has exactly one {kind.name}" if kind.exactly_one else f"{kind.title}: who can have which"


def verify(knowledge: Knowledge, chosen: Iterable[str] | None = None, tick: Tick | None = None) -> Verification:
    """Verify a knowledge base: the properties of these ids, or all and what nobody asked."""
    if tick:
        tick("reading every entry that a record can hold", 0, 1)
    supposed = _supposed(knowledge) if chosen is None else knowledge
    verifier = Verifier.of(supposed, chosen)
    made = verifier.ground
    goals = [*of_properties(made, knowledge, chosen), *(of_kinds(made, knowledge) if chosen is None else ())]
    sided = list(of_disagreements(made, knowledge)) if chosen is None else []
    told: list[Verdict] = []
    for i, goal in enumerate([*goals, *sided]):

        def within(done: int, of: int, i: int = i, goal: Goal = goal) -> None:
            if tick:
                tick(goal.about, i * 1000 + 1000 * done // of, 1000 * len([*goals, *sided]))

        told.append(verifier.verdict(goal, within))
    properties = {p.id for p in knowledge.properties}
    unreached = [
        Verdict(p.id, p.text, True, 0, 0, True, (), None)
        for p in knowledge.properties
        if not p.undecided and (chosen is None or p.id in chosen) and p.id not in {v.about for v in told}
        and p.id not in {u.about for u in verifier.left_out}
    ]  # fmt: skip
    everything = _everything(verifier) if chosen is None else []
    return Verification(
        knowledge.id,
        tuple(sorted([*(v for v in told[: len(goals)] if v.about in properties), *unreached], key=lambda v: v.about)),
        verifier.left_out,
        tuple(v for v in told[: len(goals)] if v.about not in properties),
        tuple(told[len(goals) :]),
        _undeclared(verifier, knowledge) if chosen is None else (),
        _idle(verifier) if chosen is None else (),
        tuple(AxisCount(name, number) for name, number in everything),
        made.written,
        len(made.forms),
        math.prod(number for _, number in everything),
        verifier.looked_at,
    )


def broken(knowledge: Knowledge) -> tuple[str, ...]:
    """What of all that must never be can be: ids of properties and kinds, by the solver alone and without a record.

    For those who ask about many knowledge bases that differ in little; `verify` says why, and reaches it twice.
    """
    verifier = Verifier.of(knowledge)
    goals = [*of_properties(verifier.ground, knowledge, None), *of_kinds(verifier.ground, knowledge)]
    can = solver.possible(verifier.axes, [goal.atom for goal in goals])
    return tuple(goal.about for goal in goals if goal.atom in can)


def _supposed(knowledge: Knowledge) -> Knowledge:
    """The knowledge base, where a kind of which an empty record has one conclusion is supposed to have exactly one."""
    found = Counter(one.kind for one in assess(guarded(knowledge), {"id": "nobody"}).conclusions)
    single = [replace(kind, exactly_one=kind.exactly_one or found[kind.name] == 1) for kind in knowledge.kinds]
    both = zip(knowledge.kinds, single, strict=True)
    return replace(knowledge, kinds=tuple(kind if is_uncounted(one, knowledge) else one for kind, one in both))


def _undeclared(verifier: Verifier, knowledge: Knowledge) -> tuple[str, ...]:
    """The kinds of which exactly one conclusion was only supposed, and is so for every patient."""
    numbers = verifier.ground.numbers
    both = zip(knowledge.kinds, verifier.knowledge.kinds, strict=True)
    supposed = [kind.name for kind, one in both if kind != one]
    asked = {name: [numbers[a] for a in ((NONE, (name,)), (SEVERAL, (name,))) if a in numbers] for name in supposed}
    can = solver.possible(verifier.axes, [atom for atoms in asked.values() for atom in atoms])
    return tuple(name for name, atoms in asked.items() if atoms and can.isdisjoint(atoms))


def _idle(verifier: Verifier) -> tuple[str, ...]:
    """Rules that fire for no patient; those of properties, which ought not to, are left out."""
    made = verifier.ground
    atoms = {atom: row[0] for (predicate, row), atom in made.numbers.items() if predicate == FIRES}
    can = solver.possible(verifier.axes, atoms)
    run = Machine(made.program, made.knowledge.stated).run([])
    fixed = {made.program.rules[n].name for rows in run.facts.values() for held in rows.values() for n, _ in held}
    fired = {name for atom, name in atoms.items() if atom in can} | made.fired | fixed
    answering = names_of(verifier.knowledge.program)
    return tuple(rule.name for rule in made.program.rules if rule.name in answering and rule.name not in fired)


def _everything(verifier: Verifier) -> list[tuple[str, int]]:
    """Every axis, and how many sets of atoms it can show to all that is ever asked."""
    asked = {VIOLATION, *(kind.predicate for kind in verifier.knowledge.kinds)}
    goals = [
        atom
        for (predicate, _), atom in verifier.ground.numbers.items()
        if predicate in asked and not verifier.ground.is_about_entry(atom)
    ]
    slice_ = verifier.axes.slice(goals)
    counted = {axis: len(verifier.signatures(axis, atoms)) for axis, atoms in slice_.frontier.items()}
    return [(axis.name, counted.get(axis.number, 1)) for axis in verifier.axes.axes]
