"""Which cases an edit of the knowledge can change: those in which a changed rule gives something else than before.

Why no other case can change: the model of a case is built from the lowest rules up. Where each changed rule gives, from
the facts of that model, just what its old form gave, each step of the building is the same, and so the same model comes
out, with the same firings of the rules that were not changed. Only recursion could break this (facts that held each
other up would stay in the model without a ground), so an edit of a recursive rule touches every case.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from citelog.explain.model import Model
from citelog.knowledge.base import Knowledge
from citelog.rules.program import Aggregate, Present, Program, Rule, Variable
from citelog.run.result import instance
from citelog.trial.joined import join, order
from citelog.values import Atom, Value

MOST = 20_000
"""Firings of one rule in one case that are looked at; a case with more counts as touched."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A rule as it was and as it is; None where it was not there, or is no longer."""

    before: Rule | None
    after: Rule | None

    @property
    def name(self) -> str:
        """The rule's name."""
        rule = self.after or self.before
        return rule.name if rule else ""

    def touches(self, model: Model) -> bool:
        """Whether the rule gives something else than before in a case that was derived with its old form."""
        before, after = (given(rule, model) if rule else frozenset() for rule in (self.before, self.after))
        if before is None or after is None or before != after:
            return True
        return bool(after) and self._words

    @property
    def _words(self) -> bool:
        """Whether what the rule says of its conclusion has changed: its sentence, its citations, its licences."""
        assert self.before is not None and self.after is not None
        return _without_logic(self.before) != _without_logic(self.after)


def edits(before: Knowledge, after: Knowledge) -> tuple[Edit, ...] | None:
    """The rules that differ; None where anything else does too, or the edit of a rule can reach further than its head.

    A rule that only stands elsewhere in its file does not differ.
    """
    if _without_program(before) != _without_program(after) or before.program.predicates != after.program.predicates:
        return None
    old, new = ({rule.name: rule for rule in k.program.rules} for k in (before, after))
    if [name for name in old if name in new] != [name for name in new if name in old]:
        return None  # firings, and so sentences and citations, are told in the order of the rules
    found = tuple(
        Edit(old.get(name), new.get(name))
        for name in dict.fromkeys((*old, *new))
        if name not in old or name not in new or _placed(old[name]) != _placed(new[name])
    )
    recursive = _recursive(before.program) | _recursive(after.program)
    heads = {rule.predicate for edit in found for rule in (edit.before, edit.after) if rule}
    return None if heads & recursive else found


def given(rule: Rule, model: Model) -> frozenset[tuple[tuple[Value | None, ...], frozenset[Atom]]] | None:
    """What a rule gives in a model: each head with the premises that it rests on; None where that is very much.

    A row that an aggregate takes in stands for the head that it helps to make.
    """
    literals = order(rule.body)
    rows = list(islice(join(literals, model), MOST))
    if len(rows) == MOST or len(literals) < len(rule.body):
        return None
    names = [name for arg in rule.args for name in _names(arg)]
    constants = tuple(arg.value for arg in rule.args if not isinstance(arg, Variable | Aggregate))
    return frozenset(
        (
            (*constants, *(row[name] for name in names)),
            frozenset(instance(part, row) for part in rule.body if isinstance(part, Present)),
        )
        for row in rows
    )


def _names(arg: object) -> Iterable[str]:
    return (arg.name,) if isinstance(arg, Variable) else arg.variables if isinstance(arg, Aggregate) else ()


_NOT_READ = ("program", "sha256", "guarded", "properties")
"""What is compared rule by rule, and what no answer reads."""


def _without_program(knowledge: Knowledge) -> tuple[object, ...]:
    names = (field.name for field in dataclasses.fields(knowledge) if field.name not in _NOT_READ)
    return tuple(getattr(knowledge, name) for name in names)


def _placed(rule: Rule) -> Rule:
    """The rule without its place and its text, which may be laid out in many ways."""
    return dataclasses.replace(rule, text="", span=None)  # type: ignore[arg-type]


def _without_logic(rule: Rule) -> tuple[object, ...]:
    assumed = tuple(getattr(part, "assumed", False) for part in rule.body)
    return rule.doc, rule.display, rule.cites, rule.convention, rule.through, rule.muted, assumed


def _recursive(program: Program) -> set[str]:
    return {program.rules[n].predicate for c in program.open if c.recursive for n in c.rules}
