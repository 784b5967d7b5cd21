"""How far what a conclusion rests on has been reviewed: no further than the weakest part of its whole proof.

A proof is every way in which its conclusion was reached, so the weakest way counts, not the best one: whoever reads a
conclusion reads the words and the quotes of all of them. Looked at are the rule of each firing, the statements that it
cites, and the statements that state what it used. What the encoder adds (labels, units) states nothing of the document
and has no state; and what was looked for and not found has no part that could have been reviewed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from citelog.knowledge.base import STATES, Field, Knowledge, state_of
from citelog.run.result import Run, premises, well_founded
from citelog.values import Atom


@dataclass(slots=True)
class Standing:
    """The states of the conclusions of one run, each part of a proof looked at once."""

    knowledge: Knowledge
    run: Run
    known: dict[Atom, int] = field(default_factory=dict)
    rules: dict[str, int] = field(default_factory=dict)
    statements: dict[str, int] = field(default_factory=dict)

    def of(self, atom: Atom, fields: Iterable[Field] = ()) -> str:
        """The state of a conclusion, which shows the fields that some statements state.

        Nothing is looked at where nothing has been reviewed, and no further once it is as weak as any part can be.
        """
        if not self.knowledge.reviews:
            return STATES[0]
        shown = (s for one in fields for s in (*one.statements, *filter(None, [one.inherited_from])))
        return STATES[min(self._under(atom), self._cited(shown))]

    def _under(self, atom: Atom) -> int:
        weakest, open_, seen = len(STATES) - 1, [atom], {atom}
        least = STATES.index(self.knowledge.weakest)
        while open_ and weakest > least:
            current = open_.pop()
            if current in self.known:
                weakest = min(weakest, self.known[current])
                continue
            weakest = min(weakest, self._cited(self.run.statements(current) or ()))
            for firing in well_founded(self.run, current):
                weakest = min(weakest, self._rule(firing.rule.name, firing.rule.cites))
                new = [premise for premise in premises(firing) if premise not in seen]
                seen.update(new)
                open_ += new
        self.known[atom] = weakest
        return weakest

    def _rule(self, name: str, cites: Iterable[str]) -> int:
        if name not in self.rules:
            own = STATES.index(state_of(self.knowledge.reviews.get(self.knowledge.rule(name), ())))
            self.rules[name] = min(own, self._cited(cites))
        return self.rules[name]

    def _cited(self, statements: Iterable[str]) -> int:
        return min(map(self._statement, statements), default=len(STATES) - 1)

    def _statement(self, id_: str) -> int:
        if id_ not in self.statements:
            iri = self.knowledge.statements[id_].iri
            self.statements[id_] = STATES.index(state_of(self.knowledge.reviews.get(iri, ())))
        return self.statements[id_]
