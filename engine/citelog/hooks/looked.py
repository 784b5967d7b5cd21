"""What it means that something is not on the record: somebody looked and found none, or nobody looked.

A rule that rests on an absence says so (`@assumes`). Here each such absence is traced down to what is read of a
record, and from there to the queries that would have brought it. A conclusion for which nobody has looked at all is
not told as one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from citelog.answer import Answer
from citelog.conclusions import Conclusion
from citelog.hooks.request import NOT, PART, Look
from citelog.patient.predicates import list_of
from citelog.proof.support import assumed
from citelog.rules.program import Absent, Present, Program

LOOKED, UNASKED = "looked up, none recorded", "no query can ask for it"


@dataclass(frozen=True, slots=True)
class Gap:
    """An absence that a conclusion rests on: in words, what looking for it came to, and at which keys nobody looked."""

    text: str
    state: str
    missing: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The gap as a member of a document."""
        return {"text": self.text, "state": self.state, "keys": list(self.missing)}


@dataclass(frozen=True, slots=True)
class Looked:
    """The answer, and what became of each query."""

    found: Answer
    looks: tuple[Look, ...]

    @property
    def unlooked(self) -> tuple[Look, ...]:
        """The queries of which not everything came that rules would have read."""
        return tuple(look for look in self.looks if look.query.lists and not look.whole)

    def gaps(self, conclusion: Conclusion) -> tuple[Gap, ...]:
        """The absences that a conclusion rests on, in the order in which the conclusion says them."""
        words, program = self.found.words, self.found.knowledge.program
        said = {
            words.absence(atom.predicate, atom.args): self._state(lists_under(program, atom.predicate))
            for atom in assumed(self.found.run, conclusion.atom)
        }
        return tuple(Gap(text, *said[text]) for text in conclusion.assumes)

    def stands(self, conclusion: Conclusion) -> bool:
        """Whether somebody has looked, at least in part, for all that a conclusion takes for not recorded."""
        return all(gap.state != NOT for gap in self.gaps(conclusion))

    def _state(self, lists: frozenset[str]) -> tuple[str, tuple[str, ...]]:
        asked = [look for look in self.looks if look.query.lists & lists]
        missing = tuple(look.key for look in asked if not look.whole)
        if not asked:
            return UNASKED, ()
        if not missing:
            return LOOKED, ()
        return (NOT if all(look.state == NOT for look in asked) else PART), missing


def lists_under(program: Program, predicate: str) -> frozenset[str]:
    """The lists of a record that a predicate is derived from."""
    return frozenset(filter(None, map(list_of, _read_under(program, predicate))))


def _read_under(program: Program, predicate: str) -> Iterator[str]:
    heads: Mapping[str, list[str]] = _bodies(program)
    open_, seen = [predicate], {predicate}
    while open_:
        name = open_.pop()
        if program.predicates[name].layer == "patient":
            yield name
        new = [below for below in heads.get(name, ()) if below not in seen]
        seen.update(new)
        open_ += new


def _bodies(program: Program) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for rule in program.rules:
        names = (literal.predicate for literal in rule.body if isinstance(literal, Present | Absent))
        found.setdefault(rule.predicate, []).extend(names)
    return found
