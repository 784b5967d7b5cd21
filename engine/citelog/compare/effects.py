"""What becomes of the conclusions of one record from one edition to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from citelog import patient
from citelog.assess import Assessment
from citelog.compare.changes import Change, Detail, Renamed
from citelog.conclusions import Conclusion, DerivationError
from citelog.explain.what_if import paired
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Case
from citelog.proof.compare import Difference, Reason, reasons
from citelog.proof.graph import Proof
from citelog.proof.support import premises
from citelog.run.datalog import DeadlineError
from citelog.run.result import Run
from citelog.values import Atom
from citelog.vocab import Terms

Origin = Literal["case", "patient", "picture", "receipt"]
"""Where a record comes from: the cases of an edition, the caller, pictures of all that a record can say, a receipt."""

How = Literal["gained", "lost", "becomes", "changed", "kept", "fails", "works"]

Item = TypeVar("Item")

QUOTE = "quote of "
"""What the detail of a conclusion is called, before the statement, of which it cites other words."""


class Watch(Protocol):
    """Passes items through one by one, telling somebody who looks on how far the work is."""

    def __call__(self, items: Sequence[Item], what: str) -> Iterable[Item]:
        """The items, of the work that is called `what`."""


def unwatched(items: Sequence[Item], what: str) -> Iterable[Item]:
    """Nobody looks on."""
    return items


@dataclass(frozen=True, slots=True)
class Subject:
    """A record that both editions are asked about: a file, data or bytes; its name, the day of the assessment.

    Of a receipt that day is the one, whatever its record expects. `of` is the patient who is chosen of several.
    """

    name: str
    record: Path | Mapping[str, Any] | bytes
    origin: Origin
    at: str | None = None
    of: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an edition says about a record: its assessment, or why there is none."""

    assessment: Assessment | None
    fault: str = ""


def outcome(knowledge: Knowledge, subject: Subject) -> Outcome:
    """What a knowledge base says about a record, read with its own words; raises CaseError where it cannot be read."""
    case = read(subject, knowledge.terms)
    at = case.expect.at if case.expect and case.expect.at and subject.origin != "receipt" else subject.at
    try:
        return Outcome(Assessment.of(knowledge, case, at))
    except DerivationError as error:
        return Outcome(None, error.what)
    except DeadlineError as error:
        return Outcome(None, str(error) or "it takes too long")


def read(subject: Subject, terms: Terms) -> Case:
    """The record of a subject, read with some words; raises CaseError where it cannot be read."""
    if isinstance(subject.record, bytes):
        return patient.from_bytes(subject.record, subject.name, subject.name, terms, subject.of)
    return patient.read(subject.record, terms, subject.of)


@dataclass(frozen=True, slots=True)
class Effect:
    """What becomes of a conclusion: `before` and `after` are None where there is none.

    A conclusion `becomes` another of its kind where every patient has one of that kind. Of one that is `changed`,
    `details` say which property; one that is `kept` says the same, for other reasons or with other words of the
    document (`QUOTE` and the statement, in `details`). `reasons` are what only one of its two proofs rests on. An
    edition that gives no answer at all `fails`, or `works` now, and `details` say why.
    """

    how: How
    before: Conclusion | None
    after: Conclusion | None
    details: tuple[Detail, ...] = ()
    reasons: Difference | None = None

    @property
    def ids(self) -> tuple[str, str]:
        """The id before and after, without the numbers of conclusions that share one; empty for none."""
        return _base(self.before), _base(self.after)

    @property
    def alike(self) -> tuple[Any, ...]:
        """What it has in common with the same effect on another patient."""
        return (self.how, self.ids, tuple(detail.name for detail in self.details))


def _base(conclusion: Conclusion | None) -> str:
    return conclusion.id.partition("#")[0] if conclusion else ""


def effects(before: Outcome, after: Outcome, renamed: Renamed, touched: Touched) -> tuple[Effect, ...]:
    """What becomes of every conclusion; nothing for one that stays, rests on the same and is told in the same words."""
    if before.assessment is None or after.assessment is None:
        if before.fault == after.fault:
            return ()
        told = Detail("no answer", _some(before.fault), _some(after.fault))
        return (Effect("fails" if after.fault else "works", None, None, (told,)),)
    return tuple(_effects(before.assessment, after.assessment, renamed, touched))


def _some(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _effects(old: Assessment, new: Assessment, renamed: Renamed, touched: Touched) -> Iterator[Effect]:
    pairs, lost, gained = paired(old, new)
    ones = {kind.name for kind in old.knowledge.kinds if kind.exactly_one}
    for one in lost:
        heir = next((other for other in gained if other.kind == one.kind and one.kind in ones), None)
        if heir is not None:
            gained.remove(heir)
            yield Effect("becomes", one, heir)
        else:
            yield Effect("lost", one, None)
    yield from (Effect("gained", None, one) for one in gained)
    differing = _apart_in(old.run, new.run, renamed, touched)
    for one, other in pairs:
        details = tuple(_details(one, other, renamed))
        apart = None
        if details or one.atom in differing or other.atom in differing:
            apart = _apart(old.why(one.id), new.why(other.id), renamed)
        if details or apart:
            how: How = "kept" if all(detail.name.startswith(QUOTE) for detail in details) else "changed"
            yield Effect(how, one, other, details, apart)


def _details(one: Conclusion, other: Conclusion, renamed: Renamed) -> Iterator[Detail]:
    """Which properties of a conclusion differ."""
    cited = tuple(map(renamed.statement, one.statements))
    quotes = [{renamed.statement(c.statement): c.quote for c in x.citations} for x in (one, other)]
    changed = [s for s in quotes[0] if s in quotes[1] and quotes[0][s] != quotes[1][s]]
    for name, ours, theirs in (
        ("sentence", one.sentence, other.sentence),
        *((key, one.details.get(key), other.details.get(key)) for key in {**one.details, **other.details}),
    ):
        if ours != theirs:
            yield Detail(name, _some(_shown(ours)), _some(_shown(theirs)))
    if set(cited) != set(other.statements):
        yield Detail("cites", cited, other.statements)
    for statement in changed:
        yield Detail(f"{QUOTE}{statement}", (quotes[0][statement],), (quotes[1][statement],))
    if set(one.assumes) != set(other.assumes):
        yield Detail("rests on a gap", one.assumes, other.assumes)


def _shown(value: Any) -> str:
    """What a conclusion says of itself, in words."""
    match value:
        case None:
            return ""
        case {"text": str(text)}:
            return text
        case {"value": told, "statements": statements}:
            return f"{told} [{' '.join(statements)}]"
        case list() | tuple():
            return "; ".join(map(_shown, value))
        case _:
            return str(value)


def _apart(before: Proof, after: Proof, renamed: Renamed) -> Difference | None:
    """What only one of two proofs rests on, a rule being the same under its new name; None for nothing."""
    ones = {_key(reason, renamed.rules): reason for reason in reasons(before)}
    others = {_key(reason, {}): reason for reason in reasons(after)}
    found = Difference(
        tuple(reason for key, reason in ones.items() if key not in others),
        tuple(reason for key, reason in others.items() if key not in ones),
        len(ones.keys() & others.keys()),
    )
    return found or None


def _key(reason: Reason, rules: Mapping[str, str]) -> tuple[str, str, str]:
    return (reason.kind, reason.text, rules.get(reason.rule, reason.rule))


@dataclass(frozen=True, slots=True)
class Touched:
    """What can make two proofs differ although their facts are the same: rules by name, and facts of statements."""

    rules: frozenset[str]
    stated: frozenset[Atom]

    @classmethod
    def by(cls, listed: Iterable[Change], old: Knowledge, new: Knowledge) -> Touched:
        """What some changes touch; a rule is touched too where a statement that it cites is."""
        listed = tuple(listed)
        names = {name for c in listed if c.kind in ("rule", "statement") for name in (c.id, c.was)}
        rules = (*old.program.rules, *new.program.rules)
        stated = {a for a in {**old.stated, **new.stated} if old.stated.get(a) != new.stated.get(a)}
        return cls(frozenset(r.name for r in rules if r.name in names or names & set(r.cites)), frozenset(stated))


def _apart_in(old: Run, new: Run, renamed: Renamed, touched: Touched) -> frozenset[Atom]:
    """The facts under which anything differs in two runs.

    To write two proofs out in words costs more than to derive them, and most are the same.
    """
    used_by: dict[Atom, list[Atom]] = {}
    given: tuple[dict[Atom, set[Any]], dict[Atom, set[Any]]] = ({}, {})
    found: set[Atom] = set()
    for side, run, rules in ((0, old, renamed.rules), (1, new, {})):
        for predicate in dict.fromkeys(rule.predicate for rule in run.program.rules):
            for atom in run.atoms(predicate):
                for firing in run.firings(atom):
                    used = frozenset(premises(firing))
                    given[side].setdefault(atom, set()).add((rules.get(firing.rule.name, firing.rule.name), used))
                    for premise in used:
                        used_by.setdefault(premise, []).append(atom)
                    if firing.rule.name in touched.rules or used & touched.stated:
                        found.add(atom)
    found |= {atom for atom in {**given[0], **given[1]} if given[0].get(atom) != given[1].get(atom)}
    open_ = list(found)
    for atom in open_:
        more = set(used_by.get(atom, ())) - found
        found |= more
        open_ += more
    return frozenset(found)


State = tuple[Any, ...]
"""What an answer says about the conclusions of one id, to be compared."""


def state(found: Outcome, effect: Effect, renamed: Renamed) -> State:
    """What an answer says about the conclusion of an effect: as much of it as the effect changed.

    Of a conclusion that was gained or lost, whether it is there; of one that changed, what changed of it.
    """
    if found.assessment is None:
        return ("no answer", found.fault)
    by_base: dict[str, list[Conclusion]] = {}
    for conclusion in found.assessment.conclusions:
        by_base.setdefault(_base(conclusion), []).append(conclusion)
    if effect.how in ("fails", "works"):
        return ("an answer",)
    if effect.how not in ("changed", "kept"):
        said = {id_: sorted(c.sentence for c in by_base.get(id_, ())) for id_ in effect.ids if id_}
        numbered = any("#" in one.id for one in (effect.before, effect.after) if one is not None)
        return tuple((id_, tuple(told) if numbered else bool(told)) for id_, told in said.items())
    names = {detail.name for detail in effect.details}
    rules = renamed.rules
    told = []
    for conclusion in by_base.get(effect.ids[1], []):
        parts: list[Any] = []
        if names:
            parts = [_shown(conclusion.details.get(name)) for name in sorted(names)]
            parts += [conclusion.sentence] * ("sentence" in names)
            parts += [frozenset(map(renamed.statement, conclusion.statements))] * ("cites" in names)
            parts += [frozenset((renamed.statement(c.statement), c.quote) for c in conclusion.citations)] * any(
                name.startswith(QUOTE) for name in names
            )
            parts += [frozenset(conclusion.assumes)] * ("rests on a gap" in names)
        else:
            proof = found.assessment.why(conclusion.id)
            parts = [frozenset(_key(reason, rules) for reason in reasons(proof))]
        told.append(tuple(parts))
    return tuple(sorted(told, key=repr))
