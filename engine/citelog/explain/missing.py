"""What is missing: which one item that the record does not settle could change the answer, and how, for each value.

Each value of each item (`explain.questions`) is recorded in turn, and the answer derived again.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from citelog.answer import Answer
from citelog.conclusions import Conclusion, DerivationError
from citelog.explain.questions import Question, Questions, Tries
from citelog.explain.what_if import paired
from citelog.patient.case import Entry
from citelog.patient.changes import Change, apply, dropping

FORMAT = "citelog-missing/1"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One value of an item: how to record it, and what then comes, goes, or is said otherwise.

    `changes` are empty for the date of the assessment, which is given with the call. `unanswered` says, of a value with
    which there would be no answer at all, why.
    """

    value: str
    changes: tuple[Change, ...]
    gained: tuple[Conclusion, ...]
    lost: tuple[Conclusion, ...]
    changed: tuple[tuple[Conclusion, Conclusion], ...]
    unanswered: str = ""

    @property
    def is_idle(self) -> bool:
        """Whether nothing changes."""
        return not (self.gained or self.lost or self.changed or self.unanswered)

    def to_dict(self) -> dict[str, Any]:
        """The outcome as data."""
        return {
            "value": self.value,
            "changes": [change.to_dict() for change in self.changes],
            "options": " ".join(map(str, self.changes)),
            "gained": [_short(c) for c in self.gained],
            "lost": [_short(c) for c in self.lost],
            "changed": [{"before": _short(a), "after": _short(b)} for a, b in self.changed],
        } | ({"unanswered": self.unanswered} if self.unanswered else {})


@dataclass(frozen=True, slots=True)
class Item:
    """Something that the record does not settle. `weight` is how many conclusions about the patient hang on it."""

    text: str
    state: str
    outcomes: tuple[Outcome, ...]
    weight: int

    def to_dict(self) -> dict[str, Any]:
        """The item as data."""
        return {
            "item": self.text,
            "state": self.state,
            "weight": self.weight,
            "values": [outcome.to_dict() for outcome in self.outcomes],
        }


@dataclass(frozen=True, slots=True)
class Depends:
    """A recorded entry and a conclusion: without the entry the conclusion falls, is said otherwise, or stays.

    Of a very long record the last entries are not tried, which `effect` then says.
    """

    entry: Entry
    effect: str

    def to_dict(self) -> dict[str, Any]:
        """The dependence as data."""
        return {
            "fact": self.entry.id,
            "sentence": self.entry.sentence,
            "read_from": self.entry.read_from,
            "effect": self.effect,
        }


@dataclass(frozen=True, slots=True)
class Missing:
    """The items, what the answer itself asks for and then those on which most hangs first; for one conclusion also what
    it depends on.

    `tried` counts the records that were derived from; `complete` is false where a very long record left some out,
    or where the rules tell too many ranges of a value apart. `undated` says that rules ask for the date of the
    assessment, that none was given, and that there is no item, or none for something that the answer itself asks for.
    """

    whose: Mapping[str, Any]
    conclusion: str | None
    items: tuple[Item, ...]
    depends: tuple[Depends, ...]
    tried: int
    complete: bool = True
    undated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-missing/1`."""
        return {
            "format": FORMAT,
            **self.whose,
            "conclusion": self.conclusion,
            "items": [item.to_dict() for item in self.items],
            "depends": [one.to_dict() for one in self.depends],
            "records_tried": self.tried,
            "search_complete": self.complete,
        }


def _short(conclusion: Conclusion) -> dict[str, Any]:
    return {"id": conclusion.id, **conclusion.tags, "sentence": conclusion.sentence}


def missing(answer: Answer, conclusion: str | None = None) -> Missing:
    """What is missing; of one conclusion, which items could change it and which entries it depends on.

    Raises NotConcludedError where the conclusion was not reached.
    """
    questions = Questions(answer)
    tries = questions.tries
    about = answer.ids(conclusion)[0] if conclusion is not None else None
    items = []
    for question in questions.all():
        if tries.are_spent:
            break
        item = _item(answer, question, about, tries)
        if question.dated is not None and any(outcome.is_idle for outcome in item.outcomes):
            later = replace(question, values=tuple(question.dated()))
            item = _with_dates(answer, item, _item(answer, later, about, tries))
        if item.weight:
            items.append(item)
    open_ = questions.open_questions
    asking = questions.asking()
    items.sort(key=lambda item: (item.text not in open_ and not _settles(item, asking), -item.weight))
    complete = not (tries.are_spent or questions.cut)
    depends = tuple(_depends(answer, about, tries)) if about is not None else ()
    complete = complete and all(one.effect != NOT_TRIED for one in depends)
    is_short = not items or not open_ <= {item.text for item in items}
    undated = is_short and answer.at is None and questions.reads("evaluation_day")
    return Missing(answer.whose, about, tuple(items), depends, tries.made, complete, undated)


def _settles(item: Item, asking: set[str]) -> bool:
    """Whether something that the answer asks for is settled by whichever of several values an item has."""
    settled = [any(lost.kind in asking for lost in outcome.lost) for outcome in item.outcomes]
    return len(settled) > 1 and all(settled)


def _item(answer: Answer, question: Question, about: str | None, tries: Tries) -> Item:
    outcomes = [_outcome(answer, value, change, about) for value, change in question.values]
    tries.made += len(outcomes)
    outcomes = [o for i, o in enumerate(outcomes) if not _is_finer(o, outcomes[:i])]
    weight = max((_weight(answer, o) for o in outcomes), default=0)
    return Item(question.text, question.state, tuple(outcomes), weight)


def _with_dates(answer: Answer, item: Item, dated: Item) -> Item:
    """An item with a date for each value that changes nothing without one: a later entry takes the place of others.

    Where dates tell other ranges of a number apart, these are told instead, and what changes something without a date.
    """
    if not item.weight:
        return dated
    plain = {outcome.value: outcome for outcome in item.outcomes}
    later = {outcome.value.rpartition(", on ")[0]: outcome for outcome in dated.outcomes}
    changing = {value: outcome for value, outcome in later.items() if not outcome.is_idle}
    if changing.keys() <= plain.keys():
        outcomes = [changing.get(value, one) if one.is_idle else one for value, one in plain.items()]
    else:
        plain = {value: outcome for value, outcome in plain.items() if not outcome.is_idle}
        outcomes = [*plain.values(), *(outcome for value, outcome in later.items() if value not in plain)]
    return replace(item, outcomes=tuple(outcomes), weight=max(_weight(answer, outcome) for outcome in outcomes))


def _outcome(
    answer: Answer, value: str, change: Change | tuple[Change, ...] | datetime.date, about: str | None
) -> Outcome:
    made: tuple[Change, ...] = ()
    try:
        if isinstance(change, datetime.date):
            after = type(answer).of(answer.knowledge, answer.case, change, answer.deadline)
        else:
            made = change if isinstance(change, tuple) else (change,)
            after = answer.again(apply(answer.case, made, answer.knowledge.terms))
    except DerivationError as error:
        return Outcome(value, made, (), (), (), error.what)
    pairs, lost, gained = paired(answer, after)
    changed = [(a, b) for a, b in pairs if _said(a) != _said(b)]
    if about is not None:
        base = about.partition("#")[0]
        lost, gained = ([c for c in one if c.id.partition("#")[0] == base] for one in (lost, gained))
        changed = [(a, b) for a, b in changed if a.id.partition("#")[0] == base]
    return Outcome(value, made, tuple(gained), tuple(lost), tuple(changed))


def _is_finer(outcome: Outcome, others: list[Outcome]) -> bool:
    """Whether a value only adds a word to another ("taken" and "taken, loading") that comes to the same."""
    return any(
        outcome.value.startswith(f"{other.value},")
        and outcome.unanswered == other.unanswered
        and [c.id for c in outcome.gained + outcome.lost] == [c.id for c in other.gained + other.lost]
        and [b.id for _, b in outcome.changed] == [b.id for _, b in other.changed]
        for other in others
    )


def _said(conclusion: Conclusion) -> tuple[Any, ...]:
    return tuple(conclusion.tags.values())


def _weight(answer: Answer, outcome: Outcome) -> int:
    """How many conclusions about the patient come, go or change; all of them, where there would be no answer."""
    if outcome.unanswered:
        return max(1, len(answer.conclusions))
    record = {kind.name for kind in answer.knowledge.kinds if kind.about_record}
    listed = (*outcome.gained, *outcome.lost, *(b for _, b in outcome.changed))
    return len({c.id for c in listed if c.kind not in record})


NOT_TRIED = "not tried"


def _depends(answer: Answer, about: str, tries: Tries) -> Iterator[Depends]:
    """Each entry dropped in turn, those behind the conclusion first: does the conclusion fall?"""
    terms = answer.knowledge.terms
    behind = set(answer.by_id[about].facts)
    tries.before = tries.made
    for entry in sorted(answer.case.entries, key=lambda entry: entry.id not in behind):
        if entry.term is None:
            continue
        if tries.are_spent:
            yield Depends(entry, NOT_TRIED)
            continue
        tries.made += 1
        try:
            after = answer.again(apply(answer.case, [dropping(entry)], terms))
        except DerivationError:  # no answer is given then
            yield Depends(entry, "falls without it")
            continue
        pairs, lost, _ = paired(answer, after)
        if any(c.id == about for c in lost):
            yield Depends(entry, "falls without it")
        elif any(a.id == about and (_said(a) != _said(b) or a.sentence != b.sentence) for a, b in pairs):
            yield Depends(entry, "is said otherwise without it")
        elif entry.id in behind:
            yield Depends(entry, "stays without it, for another reason")
        else:
            yield Depends(entry, "idle")
