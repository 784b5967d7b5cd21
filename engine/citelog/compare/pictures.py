"""Which patients, of all that there can be, gain or lose a conclusion from one edition to another.

Both editions are written out as one program over every form of entry that their rules tell apart (`citelog verify`
says how). Where a conclusion can hold in one edition and not in the other, clingo finds the smallest record for which
it does, and the engines of both editions are asked about that before anybody is told. Where none can, nobody gains or
loses it.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from citelog.answer import derive
from citelog.compare.both import Asked, Both, Side, both
from citelog.compare.changes import Renamed
from citelog.compare.effects import Subject, Watch, read, unwatched
from citelog.conclusions import spelt
from citelog.knowledge.base import Knowledge
from citelog.rules.program import Program
from citelog.values import Iri, Value
from citelog.verify import solver
from citelog.verify.axes import axes
from citelog.verify.clauses import Ground
from citelog.verify.forms import case_of
from citelog.verify.ground import ground
from citelog.verify.unknowns import UndecidedError
from citelog.verify.verdicts import Verifier
from citelog.verify.witness import FaultError

MOST = 1 << 22
"""Pictures beyond which those that gain or lose a conclusion are not counted."""

PATIENCE = 1_000
"""Conflicts of clingo's after which a record from which nothing can be left out is as good as the smallest."""

TOLD, APART = " told", " apart"

Row = tuple[Value, ...]
"""What a conclusion is told by: its value, and what stands beside it."""

Drawn = Mapping[str, frozenset[Row]]
"""The facts of each kind of conclusion, with all their places."""


@dataclass(frozen=True, slots=True)
class Gain:
    """A conclusion that some patients gain or lose: of `pictures`, how many, and the record that shows it.

    `beside` is what stands beside its value (role, step). Where it is not `counted`, `differing` is 0.
    """

    how: Literal["gained", "lost"]
    kind: str
    value: str
    beside: Mapping[str, str]
    pictures: int
    differing: int
    counted: bool
    record: str

    @property
    def id(self) -> str:
        """The id that the conclusion has where it is drawn."""
        return f"{self.kind}:{self.value}"

    def to_dict(self) -> dict[str, Any]:
        """The difference as data."""
        return {
            "how": self.how,
            "conclusion": self.id,
            "beside": dict(self.beside),
            "pictures": self.pictures,
            "differing": self.differing if self.counted else None,
            "record": self.record,
        }


@dataclass(frozen=True, slots=True)
class Unasked:
    """Kinds of conclusion that pictures cannot decide, and why."""

    kinds: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Pictures:
    """What pictures say of two editions.

    `asked` are the kinds of which every conclusion was asked, `undecided` those that could not be. `records` are the
    smallest ones, each for the conclusions that it shows. `names` are those that only one edition reads as it does: a
    record that uses one was not thought of.
    """

    asked: tuple[str, ...]
    undecided: tuple[Unasked, ...]
    gains: tuple[Gain, ...]
    records: tuple[Subject, ...]
    names: tuple[str, ...]

    @property
    def nobody(self) -> bool:
        """Whether nobody gains or loses any conclusion of any kind."""
        return not self.gains and not self.undecided

    def to_dict(self) -> dict[str, Any]:
        """The pictures as data."""
        return {
            "asked": list(self.asked),
            "undecided": [{"kinds": list(one.kinds), "why": one.why} for one in self.undecided],
            "gains": [gain.to_dict() for gain in self.gains],
            "records": [{"name": one.name, "record": one.record, "at": one.at} for one in self.records],
            "names": list(self.names),
        }


@dataclass(frozen=True, slots=True)
class _Goal:
    """That a conclusion holds in one edition, and not in the other."""

    how: Literal["gained", "lost"]
    asked: Asked
    row: Row
    atom: int


def pictures(old: Knowledge, new: Knowledge, renamed: Renamed, watch: Watch = unwatched) -> Pictures:
    """What becomes of the conclusions of every possible patient, by value and what stands beside it.

    Raises FaultError where the engine does not confirm what was found.
    """
    joined = both(old, new, renamed)
    made, asked, undecided = _written_out(joined)
    kinds = (*joined.same, *(one.kind for one in asked))
    if made is None:
        return Pictures(kinds, undecided, (), (), joined.names)
    goals = [goal for one in asked for goal in _goals(made, one)]
    verifier = Verifier(joined.knowledge, made, axes(made))
    can = solver.possible(verifier.axes, [goal.atom for goal in goals])
    records = _Records({"old": (old, renamed), "new": (new, Renamed({}, {}, {}))}, verifier)
    kind_of = {kind.name: kind for kind in (*old.kinds, *new.kinds)}
    gains = []
    for goal in watch(goals, "conclusions, for every possible patient"):
        many = verifier.count(goal.atom, MOST)
        if many.counted and bool(many.holding) != (goal.atom in can):
            raise FaultError(f"{goal.asked.kind}: counting pictures and clingo disagree")
        if goal.atom in can:
            value = spelt(goal.row[0], joined.knowledge, kind_of[goal.asked.kind])
            named = {name: _shown(v) for (_, name), v in zip(goal.asked.places[1:], goal.row[1:], strict=True)}
            record = records.showing(goal)
            gains.append(
                Gain(goal.how, goal.asked.kind, value, named, many.pictures, many.holding, many.counted, record)
            )
    return Pictures(kinds, undecided, tuple(gains), tuple(records.subjects), joined.names)


def _shown(value: Value) -> str:
    return value.local if isinstance(value, Iri) else str(value)


def _written_out(joined: Both) -> tuple[Ground | None, list[Asked], tuple[Unasked, ...]]:
    """The program of both over all forms, without the kinds that cannot be decided; None where nothing is left."""
    asked = list(joined.asked)
    undecided: list[Unasked] = []
    while True:
        program = joined.resting(head for one in asked for head in sorted(one.heads))
        trouble = _any_name(joined, program)
        try:
            if trouble is None and asked:
                made = ground(joined.knowledge, program, [(h, i) for a in asked for h in a.heads for i, _ in a.places])
                return made, asked, tuple(undecided)
        except UndecidedError as found:
            if found.rule is None:
                raise
            trouble = found
        if trouble is None or trouble.rule is None:
            return None, asked, tuple(undecided)
        name = trouble.rule.name
        hit = [one for one in asked if any(r.name == name for r in joined.resting(one.heads).rules)]
        asked = [one for one in asked if one not in hit]
        why = str(UndecidedError(trouble.asks, joined.authored[name]))
        undecided.append(Unasked(tuple(one.kind for one in hit), why))


def _any_name(joined: Both, program: Program) -> UndecidedError | None:
    """The first rule that looks at entries whatever they are called, while the editions know different ones."""
    rule = next((rule for rule in program.rules if rule.name in joined.any_name), None)
    asks = "looks at entries under any name, and the editions know different ones"
    return UndecidedError(asks, rule) if rule else None


def _goals(made: Ground, asked: Asked) -> Iterator[_Goal]:
    """Clauses for each conclusion that one edition draws and the other does not."""
    told = {side: _told(made, side, name, asked) for side, name in (("old", asked.old), ("new", asked.new))}
    for row in sorted({**told["new"], **told["old"]}, key=str):
        for how, here, there in (("gained", "new", "old"), ("lost", "old", "new")):
            if row in told[here]:
                atom = made.number((APART, (how, asked.kind, *row)))
                made.add(atom, [told[here][row]], [told[there][row]] if row in told[there] else [])
                yield _Goal(how, asked, row, atom)  # type: ignore[arg-type]


def _told(made: Ground, side: str, predicate: str | None, asked: Asked) -> dict[Row, int]:
    """For each conclusion of an edition, the atom that it is drawn."""
    by_row: dict[Row, list[int]] = {}
    for (name, row), atom in list(made.numbers.items()):
        if name == predicate:
            by_row.setdefault(tuple(row[i] for i, _ in asked.places), []).append(atom)
    found = {}
    for row, atoms in by_row.items():
        found[row] = made.number((TOLD, (side, asked.kind, *row)))
        for atom in atoms:
            made.add(found[row], [atom], [])
    return found


@dataclass
class _Records:
    """The smallest records, each with what the engines of both editions draw for it."""

    editions: Mapping[Side, tuple[Knowledge, Renamed]]
    verifier: Verifier
    subjects: list[Subject] = field(default_factory=list)
    drawn: list[Mapping[Side, Drawn]] = field(default_factory=list)

    def showing(self, goal: _Goal) -> str:
        """The name of a record that shows a difference: one that is there already, or the smallest that does."""
        for subject, drawn in zip(self.subjects, self.drawn, strict=True):
            if _is_so(goal, drawn):
                return subject.name
        forms = {form.number: form.said for form in self.verifier.ground.forms}
        found = solver.smallest(self.verifier.axes, [goal.atom], patience=PATIENCE)
        said, at = case_of(forms[number] for number in found or ())
        name = f"picture {len(self.subjects) + 1}"
        subject = Subject(name, {"id": name, **said}, "picture", at.isoformat() if at else None)
        drawn = {side: _drawn(subject, *edition) for side, edition in self.editions.items()}
        if found is None or not _is_so(goal, drawn):
            what = f"{goal.asked.kind}:{_shown(goal.row[0])} is not {goal.how}"
            raise FaultError(f"{what} by the engines of both editions for {said}")
        self.subjects.append(subject)
        self.drawn.append(drawn)
        return name


def _drawn(subject: Subject, knowledge: Knowledge, renamed: Renamed) -> Drawn:
    """What an engine draws for a record, with the new name of whatever was renamed."""
    case = read(subject, knowledge.terms)
    run = derive(knowledge, case, datetime.date.fromisoformat(subject.at) if subject.at else None)
    return {
        kind.name: frozenset(tuple(map(renamed.value, atom.args)) for atom in run.atoms(kind.predicate))
        for kind in knowledge.kinds
    }


def _is_so(goal: _Goal, drawn: Mapping[Side, Drawn]) -> bool:
    """Whether the engines confirm a difference."""
    has = {
        side: any(tuple(row[i] for i, _ in goal.asked.places) == goal.row for row in of.get(goal.asked.kind, ()))
        for side, of in drawn.items()
    }
    return has["new"] != has["old"] and has["new"] == (goal.how == "gained")
