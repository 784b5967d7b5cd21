"""Editions between two editions: the old one with some of the changes made, and no other.

Whether a change is the cause of a difference is tried, not argued: it is made alone, and everything is derived again.
A mixture goes through the same door as a folder does (`knowledge.load.assemble`), so that it means what the loader
says; one that does not check, because a change needs another, is no knowledge base and explains nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from citelog.compare.changes import Change
from citelog.compare.editions import Edition, Said, triples_of
from citelog.diagnostics import Diagnostic
from citelog.knowledge.base import Knowledge, Statement
from citelog.knowledge.load import assemble
from citelog.rules.syntax import RuleFile

Some = frozenset[int]
"""Some of the changes, by their places in the list."""


@dataclass
class Mixtures:
    """The knowledge bases between two editions, each made once; both editions are without errors."""

    old: Edition
    new: Edition
    changes: tuple[Change, ...]
    made: dict[Some, Knowledge | None] = field(default_factory=dict)

    def of(self, some: Some) -> Knowledge | None:
        """The old edition with some of the changes; None where that is no knowledge base.

        Rules stand in the order of the new edition, also where none is changed.
        """
        if some not in self.made:
            self.made[some] = self._make([self.changes[i] for i in sorted(some)])
        return self.made[some]

    def _make(self, chosen: list[Change]) -> Knowledge | None:
        assert self.old.knowledge is not None and self.new.knowledge is not None and self.old.source is not None
        found: list[Diagnostic] = []
        opened = assemble(
            self.old.folder.name,
            triples_of(self._said(chosen)),
            self.old.source,
            self._statements(chosen, self.old.knowledge.statements, self.new.knowledge.statements),
            tuple(self._rules(chosen)),
            found,
        )
        if opened.knowledge is None:
            return None
        named = "".join(f"{change.kind} {change.id}\n" for change in chosen)
        both = f"{self.old.knowledge.sha256} {self.new.knowledge.sha256} {named}"
        return replace(opened.knowledge, sha256=hashlib.sha256(both.encode()).hexdigest())

    def _said(self, chosen: Iterable[Change]) -> set[Said]:
        """The triples of the old edition, those of the chosen things taken from the new one."""
        things = dict(self.old.things)
        for change in chosen:
            before, after = change.keys
            if change.kind != "rule":
                if before is not None:
                    things.pop(before, None)
                if after is not None:
                    things[after] = self.new.things[after]
        return {said for one in things.values() for said in one}

    def _statements(
        self, chosen: Iterable[Change], ours: Mapping[str, Statement], theirs: Mapping[str, Statement]
    ) -> Mapping[str, Statement]:
        statements = dict(ours)
        for change in chosen:
            if change.kind == "statement":
                statements.pop(change.was or change.id, None)
                if change.id in theirs and change.how != "removed":
                    statements[change.id] = theirs[change.id]
        return statements

    def _rules(self, chosen: Iterable[Change]) -> list[RuleFile]:
        """The rules, each by itself: in the order of the new edition, those of the old one behind their neighbour."""
        ours, theirs = self.old.written, self.new.written
        mixed = dict(ours)
        for change in chosen:
            if change.kind == "rule":
                mixed.pop(change.was or change.id, None)
                if change.how != "removed":
                    mixed[change.id] = theirs[change.id]
        places = {name: (i, 0) for i, name in enumerate(theirs)}
        last, behind = -1, 0
        for name in ours:
            last, behind = (places[name][0], 0) if name in theirs else (last, behind + 1)
            places.setdefault(name, (last, behind))
        return [mixed[name] for name in sorted(mixed, key=lambda name: places[name])]
