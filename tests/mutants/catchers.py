"""Who notices a mutant: the checker, the cases, the safety properties, the decision tables. Each is one function.

A mutant is tried only where it can matter (`citelog.trial.touched`): in the cases and records in which the changed rule
gives something else than before, judged on what was derived with the rule as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import agreement
from citelog.assess import Assessment, DerivationError
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Expectation
from citelog.rules.check import check
from citelog.trial.implied import is_implied
from citelog.trial.touched import Edit
from mutants import world
from mutants.edits import Mutant
from mutants.world import Record

MOST = 100
"""Records in which a mutant is compared with the decision tables, of those that it touches."""


@dataclass
class Suspect:
    """A mutant with what is worked out about it: what the checker says, and the knowledge base with it."""

    mutant: Mutant

    @cached_property
    def _checked(self) -> tuple[tuple[str, ...], Knowledge | None]:
        mutant, base = self.mutant, world.knowledge()
        files = [
            dataclasses.replace(file, rules=tuple(mutant.syntax if _name(r) == mutant.rule else r for r in file.rules))
            if file.file == mutant.file
            else file
            for file in world.files()
        ]
        program, found = check(files, world.names())
        codes = tuple(d.code for d in found if d.severity == "error")
        sha256 = f"{base.sha256} {mutant.rule} {mutant.what}"
        return codes, None if codes else dataclasses.replace(base, program=program, sha256=sha256)

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the checker's errors."""
        return self._checked[0]

    @property
    def knowledge(self) -> Knowledge:
        """The knowledge base with the mutant in it."""
        knowledge = self._checked[1]
        assert knowledge is not None, "the checker refuses it"
        return knowledge

    @cached_property
    def edit(self) -> Edit:
        """The rule before and after."""
        before = next(rule for rule in world.knowledge().program.rules if rule.name == self.mutant.rule)
        return Edit(before, next(rule for rule in self.knowledge.program.rules if rule.name == self.mutant.rule))

    def touched(self, records: tuple[Record, ...]) -> Iterator[Record]:
        """The records in which the mutant can matter."""
        return (record for record in records if self.edit.touches(record.model))


def caught_by_check(suspect: Suspect) -> str:
    """The first error that the checker reports."""
    return next(iter(suspect.codes), "")


def caught_by_test(suspect: Suspect) -> str:
    """The first case of the knowledge base with an expectation that does not hold."""
    for record in suspect.touched(world.cases()):
        if not holds(record, suspect.knowledge):
            return record.name
    return ""


def caught_by_verify(suspect: Suspect) -> str:
    """The first safety property that is violated; nothing verifies yet."""
    return ""


def caught_by_tables(suspect: Suspect) -> str:
    """The first difference from the independent reading of the decision tables, on cases and drawn records."""
    for record in islice(suspect.touched((*world.cases(), *world.drawn())), MOST):
        try:
            found = agreement.differences(record.raw, record.at, suspect.knowledge)
        except DerivationError as error:
            found = [str(error)]
        if found:
            return f"{record.name}: {found[0]}"
    return ""


def found_equivalent(suspect: Suspect) -> str:
    """Why nothing could notice it: proved, or found the same on every record that there is."""
    mutant = suspect.mutant
    if mutant.kind == "drop a literal":
        before = suspect.edit.before
        assert before is not None
        after = suspect.edit.after.body if suspect.edit.after else ()
        place = next(i for i, part in enumerate(before.body) if i >= len(after) or part != after[i])
        if is_implied(before, place, world.shape()):
            return "proved: the literal follows from the rest of its rule"
    records = (*world.cases(), *world.drawn())
    if not any(suspect.touched(records)):
        return f"the rule gives the same from the same premises in all of {len(records)} records"
    return ""


CATCHERS: Mapping[str, Callable[[Suspect], str]] = {
    "check": caught_by_check,
    "test": caught_by_test,
    "verify": caught_by_verify,
    "tables": caught_by_tables,
    "equivalent": found_equivalent,
}
"""In the order in which they are asked; each says how it noticed, or nothing. What none notices, survives."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who noticed a mutant first, and how; nobody where it survives."""

    mutant: Mutant
    by: str
    how: str


def judged(mutant: Mutant) -> Verdict:
    """Ask one after the other."""
    suspect = Suspect(mutant)
    for name, catcher in CATCHERS.items():
        if how := catcher(suspect):
            return Verdict(mutant, name, how)
    return Verdict(mutant, "", "")


def holds(record: Record, knowledge: Knowledge) -> bool:
    """Whether every expectation of a case holds, as `citelog test` judges it, without explaining what does not."""
    expect = record.case.expect or Expectation()
    try:
        found = Assessment.of(knowledge, record.case, expect.at)
    except DerivationError:
        return False
    said = {(c.value, f"{c.details['role']} {c.details['step']}") for c in found.conclusions if "step" in c.details}
    return (
        all(found.reached(id_) for id_ in expect.include)
        and not any(found.reached(id_) for id_ in expect.exclude)
        and all(step in said for step in expect.steps.items())
        and all(
            found.reached(id_) and all(set(cited) <= set(found.by_id[i].statements) for i in found.reached(id_))
            for id_, cited in expect.cites.items()
        )
    )


def _name(rule: object) -> str:
    return next(a.text for a in rule.attributes if a.name == "name")  # type: ignore[attr-defined]
