"""What rules read of a record: of which of its lists anything, which terms by name, and dates."""

from __future__ import annotations

import datetime

from citelog.answer import Answer
from citelog.knowledge.base import Knowledge
from citelog.patient.predicates import WHEN, list_of
from citelog.rules.program import Absent, Constant, Present
from citelog.values import Iri


def read_lists(knowledge: Knowledge) -> frozenset[str]:
    """The lists of a record, and its context, of which the rules read anything."""
    predicates = knowledge.program.predicates
    patient = (
        literal.predicate for literal in _literals(knowledge) if predicates[literal.predicate].layer == "patient"
    )
    return frozenset(name for name in map(list_of, patient) if name)


def read_terms(knowledge: Knowledge) -> frozenset[Iri]:
    """The terms that rules name, and those that the knowledge says something of that rules read."""
    literals = _literals(knowledge)
    used = {literal.predicate for literal in literals}
    named = [arg.value for literal in literals for arg in literal.args if isinstance(arg, Constant)]
    stated = [value for atom in knowledge.stated if atom.predicate in used for value in atom.args]
    return frozenset(value for value in (*named, *stated) if isinstance(value, Iri))


def day_after(answer: Answer) -> datetime.date | None:
    """The day after all that has a date; None where nothing has one, or where no day is later."""
    days = [day for fact in answer.run.atoms(WHEN) for day in fact.args[2:] if isinstance(day, datetime.date)]
    last = max(days, default=datetime.date.max)
    return last + datetime.timedelta(days=1) if last < datetime.date.max else None


def new_day(answer: Answer) -> datetime.date | None:
    """The day that an entry recorded now would have, where rules read dates: that of the assessment, else the next."""
    if not any(literal.predicate == WHEN for literal in _literals(answer.knowledge)):
        return None
    return answer.at or day_after(answer)


def _literals(knowledge: Knowledge) -> list[Present | Absent]:
    rules = knowledge.program.rules
    return [literal for rule in rules for literal in rule.body if isinstance(literal, Present | Absent)]
