"""What a fact rests on: the records of the patient and the assumed absences under the firings of its proof."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from citelog.knowledge.base import Knowledge
from citelog.patient.case import Case
from citelog.proof.words import Words
from citelog.rules.program import Absent
from citelog.run.result import Firing, Run, instance, premises, well_founded
from citelog.values import Atom, Iri


@dataclass(frozen=True, slots=True)
class Support:
    """The records that a fact rests on, and the assumptions in words, ordered by the rules that make them."""

    records: frozenset[Iri]
    assumes: tuple[tuple[str, int], ...]


@dataclass(slots=True)
class Supports:
    """The support of any fact of a run, each worked out once."""

    run: Run
    words: Words
    known: dict[Atom, Support] = field(default_factory=dict)

    def of(self, atom: Atom) -> Support:
        """Everything under a fact, through all the ways in which its proof reaches it."""
        if atom in self.known:
            return self.known[atom]
        records: set[Iri] = set()
        assumes: dict[str, int] = {}
        open_, seen = [atom], {atom}
        while open_:
            current = open_.pop()
            if current in self.known:
                done = self.known[current]
                records |= done.records
                assumes.update(dict(done.assumes))
                continue
            record = self.run.record(current)
            if isinstance(record, Iri):
                records.add(record)
            for firing in well_founded(self.run, current):
                assumes.update(self.assumptions(firing))
                for premise in premises(firing):
                    if premise not in seen:
                        seen.add(premise)
                        open_.append(premise)
        ordered = tuple(sorted(assumes.items(), key=lambda item: (item[1], item[0])))
        self.known[atom] = Support(frozenset(records), ordered)
        return self.known[atom]

    def assumptions(self, firing: Firing) -> Iterator[tuple[str, int]]:
        """The absences that a firing owns up to, in words, each with the place of its rule in the program."""
        for atom in absences(firing):
            yield self.words.absence(atom.predicate, atom.args), firing.number


def absences(firing: Firing) -> Iterator[Atom]:
    """The facts whose absence a firing owns up to, each once; of every row, where its rule aggregates."""
    owned = [literal for literal in firing.rule.body if isinstance(literal, Absent) and literal.assumed]
    yield from dict.fromkeys(instance(literal, row) for row in firing.rows for literal in owned)


def touched(run: Run, atoms: Iterable[Atom]) -> frozenset[Iri]:
    """The records under some facts through any firing, also one that comes back to what it is a reason for."""
    found = dict.fromkeys(atoms)
    for atom in (open_ := [*found]):
        new = [p for firing in run.firings(atom) for p in premises(firing) if p not in found]
        found |= dict.fromkeys(new)
        open_ += dict.fromkeys(new)
    return frozenset(record for record in map(run.record, found) if isinstance(record, Iri))


def under(run: Run, atom: Atom) -> Iterator[Firing]:
    """Every firing of the proof of a fact, each once."""
    open_, seen = [atom], {atom}
    while open_:
        for firing in well_founded(run, open_.pop()):
            yield firing
            new = [premise for premise in dict.fromkeys(premises(firing)) if premise not in seen]
            seen.update(new)
            open_ += new


def assumed(run: Run, atom: Atom) -> Iterator[Atom]:
    """The facts whose absence a fact rests on, where the rules own up to it; the first place of each is the patient."""
    for firing in under(run, atom):
        yield from absences(firing)


def whose(case: Case, knowledge: Knowledge) -> dict[str, Any]:
    """What every document about an answer says: of which case, by which knowledge, and what to beware of."""
    return {
        "case": {"id": case.id, "sha256": case.sha256},
        "knowledge": knowledge.identity,
        "caveats": [{"text": c.text, "statements": list(c.statements)} for c in knowledge.caveats],
    }


def deciding(run: Run, atom: Atom) -> Iterator[Firing]:
    """The firings whose citations and words are a fact's own: a rule that passes a premise through gives way to it."""
    open_, seen = [atom], {atom}
    while open_:
        below: list[Atom] = []
        for firing in well_founded(run, open_.pop()):
            if firing.rule.through is None:
                yield firing
            else:
                below += _through(firing, firing.rule.through)
        new = [premise for premise in dict.fromkeys(below) if premise not in seen]
        seen.update(new)
        open_ += reversed(new)


def passed_through(run: Run, atom: Atom) -> Iterator[Atom]:
    """The premises that a fact's citations and words come from."""
    for firing in well_founded(run, atom):
        if firing.rule.through is not None:
            yield from _through(firing, firing.rule.through)


def _through(firing: Firing, place: int) -> Iterator[Atom]:
    """The facts that a firing passes on; of every row, where its rule aggregates."""
    yield from dict.fromkeys(instance(firing.rule.body[place], row) for row in firing.rows)


__all__ = ["Support", "Supports", "assumed", "deciding", "passed_through", "premises", "touched", "under"]
