"""Who notices a mutant: the checker, the cases, the safety properties, the decision tables. Each is one function.

A mutant is tried only where it can matter (`citelog.trial.touched`): in the cases and records in which the changed rule
gives something else than before, judged on what was derived with the rule as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import islice
from pathlib import Path

import agreement
from citelog.assess import Assessment, Conclusion, DerivationError
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Expectation
from citelog.rules.check import check
from citelog.rules.lower import lowered
from citelog.rules.program import Rule
from citelog.rules.syntax import RuleFile, RuleSyntax
from citelog.trial.expectations import golden, proof_text
from citelog.trial.implied import is_implied
from citelog.trial.touched import Edit, given
from citelog.verify.verdicts import broken
from mutants import world
from mutants.edits import Mutant, predicates
from mutants.reasons import reason
from mutants.world import Record

MOST = 400
"""Records in which a mutant is compared with the decision tables, of those that it touches."""


@dataclass
class Suspect:
    """A mutant with what is worked out about it: what the checker says, and the knowledge base with it."""

    mutant: Mutant

    @cached_property
    def _checked(self) -> tuple[tuple[str, ...], Knowledge | None]:
        """The codes of the checker's errors, and the knowledge base where there are none.

        What the checker says of the rules together depends on the predicates that each reads alone: where an edit
        leaves those, the rule is checked by itself.
        """
        mutant, base = self.mutant, world.knowledge()
        file, before = world.rule(mutant.rule)
        if predicates(before) == predicates(mutant.syntax):
            one = lowered(file, mutant.syntax, world.names(), {})
            rule, found = one.rule, one.found
            rules = tuple(rule if rule and old.name == mutant.rule else old for old in base.program.rules)
            program = dataclasses.replace(base.program, rules=rules)
        else:
            files = [f if f is not file else _with(f, before, mutant.syntax) for f in world.files()]
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
    def guarded(self) -> Knowledge:
        """The same, with the rules of its safety properties beside the mutant."""
        mutant, base = self.mutant, world.knowledge()
        file, before = world.rule(mutant.rule)
        rules = [f if f is not file else _with(f, before, mutant.syntax) for f in world.files()]
        program, _ = check([*rules, world.properties()], world.names())
        return dataclasses.replace(
            self.knowledge, guarded=program, sha256=f"{self.knowledge.sha256} guarded", stated=base.stated
        )

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
    """The first safety property that some patient breaks, or kind of which some patient has none or several.

    Some ten seconds each, so it is asked only where that is wanted.
    """
    return next(iter(broken(suspect.guarded)), "")


def alone(mutant: Mutant) -> tuple[str, ...]:
    """Who notices a mutant, each asked by itself: the checker, the cases, the safety properties."""
    suspect = Suspect(mutant)
    if caught_by_check(suspect):
        return ("check",)  # with errors there is nothing to try or to verify
    return tuple(name for name, ask in (("test", caught_by_test), ("verify", caught_by_verify)) if ask(suspect))


def found_equivalent(suspect: Suspect) -> str:
    """Why no conclusion can differ: the literal that was left out is implied, or nothing differs in any record."""
    edit, kind = suspect.edit, suspect.mutant.kind
    assert edit.before is not None and edit.after is not None
    if kind == "drop a literal":
        after = edit.after.body
        place = next(i for i, part in enumerate(edit.before.body) if i >= len(after) or part != after[i])
        if is_implied(edit.before, place, world.shape()):
            return "proved: the literal follows from the rest of its rule"
    if kind == "add a literal" and is_implied(edit.after, len(edit.after.body) - 1, world.shape()):
        return "proved: the literal follows from the rest of its rule"
    if kind == "swap a statement":
        return ""
    records = (*world.cases(), *world.drawn())
    if all(_of_patient(edit.before, record) == _of_patient(edit.after, record) for record in records):
        return f"the rule gives the same from the same facts of the patient in all of {len(records)} records"
    return ""


def _of_patient(rule: Rule, record: Record) -> object:
    """What a rule gives, and from which facts that come from the record: all that a conclusion shows of it."""
    found = given(rule, record.model)
    if found is None:
        return None
    changing = world.shape().changing
    return {(head, frozenset(atom for atom in premises if atom.predicate in changing)) for head, premises in found}


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


CATCHERS: Mapping[str, Callable[[Suspect], str]] = {
    "check": caught_by_check,
    "test": caught_by_test,
    "verify": caught_by_verify,
    "equivalent": found_equivalent,
    "tables": caught_by_tables,
    "reasoned": lambda suspect: reason(suspect.mutant),
}
"""In the order in which they are asked; each says how it noticed, or nothing. What none notices, survives."""

SLOW = ("verify",)
"""Those that are asked only where that is wanted."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who noticed a mutant first, and how; nobody where it survives."""

    mutant: Mutant
    by: str
    how: str


def judged(mutant: Mutant, slow: bool = False) -> Verdict:
    """Ask one after the other, the slow ones too if wanted."""
    suspect = Suspect(mutant)
    for name, catcher in CATCHERS.items():
        if (slow or name not in SLOW) and (how := catcher(suspect)):
            return Verdict(mutant, name, how)
    return Verdict(mutant, "", "")


def holds(record: Record, knowledge: Knowledge) -> bool:
    """Whether every expectation of a case holds, as `citelog test` judges it, without explaining what does not."""
    expect = record.case.expect or Expectation()
    try:
        found = Assessment.of(knowledge, record.case, expect.at)
    except DerivationError:
        return False
    places = {entry.id: entry.read_from for entry in found.case.entries}
    said = {(c.value, f"{c.details['role']} {c.details['step']}") for c in found.conclusions if "step" in c.details}
    return (
        all(found.reached(id_) for id_ in expect.include)
        and not any(found.reached(id_) for id_ in expect.exclude)
        and all({step for v, step in said if v == value} == {told} for value, told in expect.steps.items())
        and all(_same(found, id_, cited, lambda c: c.statements) for id_, cited in expect.cites.items())
        and all(
            _same(found, id_, rests, lambda c: tuple(places[fact] for fact in c.facts))
            for id_, rests in expect.facts.items()
        )
        and all(
            found.reached(id_) and proof_text(found, id_) == _kept(golden(record.path, id_)) for id_ in expect.proofs
        )
    )


def _same(found: Assessment, id_: str, wanted: tuple[str, ...], there: Callable[[Conclusion], tuple[str, ...]]) -> bool:
    return bool(found.reached(id_)) and all(set(there(found.by_id[i])) == set(wanted) for i in found.reached(id_))


@cache
def _kept(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _with(file: RuleFile, before: RuleSyntax, after: RuleSyntax) -> RuleFile:
    return dataclasses.replace(file, rules=tuple(after if rule is before else rule for rule in file.rules))
