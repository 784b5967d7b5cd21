"""What stands against a conclusion, in words: a rule, the premises that hold, and those that fail, with the reason.

"Not recorded", "recorded absent" and "does not exist" are three different reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from citelog.answer import Answer
from citelog.explain.model import Model, shape
from citelog.explain.near import is_known, is_measured
from citelog.explain.plans import Blocked, Miss
from citelog.knowledge.base import Citation, Knowledge
from citelog.patient.case import Case, Entry
from citelog.patient.context import GIVES
from citelog.patient.predicates import NAMING
from citelog.patient.wanted import SOME_RECORD, Args, entries_of
from citelog.proof.words import Words, sentence
from citelog.rules.program import Absent, Assignment, Comparison, Constant, Literal, Present
from citelog.run.result import instance
from citelog.values import Value


@dataclass(frozen=True, slots=True)
class Premise:
    """A literal of a rule for this record.

    `state` is `holds`, `open` (it waits for what fails), or why it fails: `not recorded`, `recorded absent`, `recorded
    unknown`, `recorded otherwise`, `not concluded` (other rules would have to fire: `behind`), `false` (a comparison)
    or `does not exist` (no statement and no rule gives it). Where a rule stands in the way because it fired, its
    premises that would have to fail are `recorded` or `concluded`. `entries` are the lines of the record behind it.
    `kind` is `recorded`, `derived`, `counted`, `stated`, `absence`, `comparison` or `computation`. `is_gap` says that
    `text` tells what is not there ("no age is recorded"); of others that fail it tells what would have to hold or fail.
    """

    text: str
    state: str
    kind: str
    entries: tuple[Entry, ...] = ()
    behind: Obstacle | None = None
    is_gap: bool = False

    @property
    def is_in_the_way(self) -> bool:
        """Whether `text` says what is so and should not be; else, of a premise that fails, what is needed."""
        return self.is_gap or self.state in ("recorded", "concluded")

    @property
    def holds(self) -> bool:
        """Whether nothing is wanting here."""
        return self.state in ("holds", "open")

    def to_dict(self) -> dict[str, Any]:
        """The premise as data."""
        return {
            "text": self.text,
            "kind": self.kind,
            "state": self.state,
            "entries": [{"fact": e.id, "sentence": e.sentence, "read_from": e.read_from} for e in self.entries],
            "behind": self.behind.to_dict() if self.behind else None,
        }


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A rule that did not fire, or one that did and stands in the way (`fired`), with all its premises."""

    rule: str
    text: str
    file: str
    line: int
    fired: bool
    citations: tuple[Citation, ...]
    premises: tuple[Premise, ...]

    def to_dict(self) -> dict[str, Any]:
        """The obstacle as data."""
        return {
            "rule": self.rule,
            "text": self.text,
            "file": self.file,
            "line": self.line,
            "fired": self.fired,
            "citations": [c.to_dict() for c in self.citations],
            "premises": [p.to_dict() for p in self.premises],
        }


def obstacle(miss: Miss, answer: Answer) -> Obstacle:
    """A missed rule in the words of an answer; where it only passes a premise through, the rule behind that."""
    rule, words = miss.rule, answer.words
    only = miss.blocked[0] if len(miss.blocked) == 1 else None
    if only and only.behind and rule.through is not None and only.literal is rule.body[rule.through]:
        return obstacle(only.behind, answer)
    failing = {id(blocked.literal): blocked for blocked in miss.blocked}
    premises = []
    for literal in rule.body:
        blocked = failing.get(id(literal))
        if blocked is not None:
            premises.append(_failed(blocked, miss, answer))
        elif not (isinstance(literal, Assignment) and isinstance(literal.expression, Constant)):
            state = "holds" if miss.fired or _is_settled(literal, miss.bindings) else "open"
            premises.append(Premise(_said(literal, miss.bindings, words), state, kind_of(literal, answer.knowledge)))
    return Obstacle(
        rule.name,
        words.rule(rule, miss.bindings) or rule.doc,
        rule.span.file,
        rule.span.line,
        miss.fired,
        tuple(Citation.of(answer.knowledge.statements[s]) for s in rule.cites),
        tuple(premises),
    )


def _is_settled(literal: Literal, row: Mapping[str, Value]) -> bool:
    """Whether all that a comparison or computation looks at is known."""
    match literal:
        case Comparison():
            return is_known(literal.left, row) and is_known(literal.right, row)
        case Assignment():
            return is_known(literal.expression, row)
        case _:
            return True


def kind_of(literal: Literal, knowledge: Knowledge) -> str:
    """What sort of premise a literal is."""
    if isinstance(literal, Present | Absent):
        layer = knowledge.program.predicates[literal.predicate].layer
        sort = {"patient": "recorded", "derived": "derived"}.get(layer, "stated")
        if any(rule.aggregate for rule in shape(knowledge).rules.get(literal.predicate, ())):
            sort = "counted"
        return sort if isinstance(literal, Present) else "absence"
    return "comparison" if isinstance(literal, Comparison) else "computation"


def _said(literal: Literal, row: Mapping[str, Value], words: Words) -> str:
    """A literal as it stands in a proof, where it holds."""
    match literal:
        case Present():
            return sentence(words.pattern(literal.predicate, _open(instance(literal, row).args))) + "."
        case Absent():
            return sentence(words.absence(literal.predicate, _open(instance(literal, row).args))) + "."
        case Comparison():
            return words.comparison(literal, row) + "."
        case Assignment():
            return words.computation(literal, row) + "."


def _open(args: Args) -> Args:
    return tuple(None if value == SOME_RECORD else value for value in args)


def _failed(blocked: Blocked, miss: Miss, answer: Answer) -> Premise:
    literal, row = blocked.literal, blocked.bindings
    kind = kind_of(literal, answer.knowledge)
    behind = obstacle(blocked.behind, answer) if blocked.behind else None
    if isinstance(literal, Comparison | Assignment):
        return Premise(_said(literal, row, answer.words), "concluded" if miss.fired else "false", kind, behind=behind)
    args = instance(literal, row).args
    if miss.fired == isinstance(literal, Present):  # it holds, and should not
        text = sentence(answer.words.pattern(literal.predicate, _open(args))) + "."
        return Premise(text, "concluded" if behind else "recorded", kind, _entries(args, answer.case), behind)
    text = sentence(answer.words.absence(literal.predicate, _open(args))) + "."
    if _is_otherwise(literal.predicate, args, answer):  # its absence says that there is none
        text = sentence(answer.words.pattern(literal.predicate, _open(args))) + "."
        return Premise(text, "not concluded", kind, behind=behind)
    if behind:
        return Premise(text, "not concluded", kind, behind=behind, is_gap=True)
    if SOME_RECORD in args and (another := _another(literal.predicate, args, kind, answer)):
        return another
    declared = answer.knowledge.program.predicates[literal.predicate]
    if declared.layer != "patient":
        return Premise(text, "does not exist", kind, is_gap=True)
    state, entries = recorded(literal.predicate, args, answer.case)
    return Premise(text, state, kind, entries, is_gap=True)


def _is_otherwise(predicate: str, args: Args, answer: Answer) -> bool:
    """Whether rules give a fact with another number or day than is wanted."""
    if answer.knowledge.program.predicates[predicate].layer != "derived":
        return False
    open_ = tuple(None if is_measured(arg) else arg for arg in _open(args))
    return open_ != _open(args) and any(True for _ in Model(answer.run).matching(predicate, open_))


def _another(predicate: str, args: Args, kind: str, answer: Answer) -> Premise | None:
    """What is wanting of an entry that would stand beside those that are there; None where none of its sort is there.

    Its name is not recorded once more, and what else it would say waits for it.
    """
    words = replace(answer.words, records={**answer.words.records, SOME_RECORD: "such an entry"})
    if predicate not in NAMING:
        return Premise(sentence(words.pattern(predicate, args)) + ".", "open", kind)
    if not any(True for _ in Model(answer.run).matching(predicate, _open(args))):
        return None
    said = [words.value(arg) for arg in args[2:] if arg is not None]
    return Premise(f"No other entry says this: {': '.join(said)}.", "not recorded", kind, is_gap=True)


def _entries(args: Args, case: Case) -> tuple[Entry, ...]:
    return tuple(entry for value in args for entry in entries_of(value, case))


def recorded(predicate: str, args: Args, case: Case) -> tuple[str, tuple[Entry, ...]]:
    """What the record says in place of a fact that it does not give."""
    name = args[2] if len(args) > 2 else None
    entries = _entries(args, case) or tuple(
        e for e in case.entries if e.term is not None and (e.term == name or GIVES.get(e.term) == predicate)
    )
    if not entries:
        return "not recorded", ()
    states = {str(entry.keys.get("state", "")).casefold() for entry in entries}
    said = "recorded as present and as absent" if {"present", "absent"} <= states else "recorded otherwise"
    said = next((f"recorded {state}" for state in ("present", "absent", "unknown") if states == {state}), said)
    return said if predicate == "entry" else "recorded otherwise", entries
