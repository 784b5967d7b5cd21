"""Two editions of a knowledge base compared: what changed in them, what that changes for whom, and why.

Patients come in as records (`effects.Subject`): the cases of both editions, whatever files the caller names, and by the
same door the smallest record for each conclusion that any possible patient gains or loses (`compare.pictures`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from citelog.assess import Assessment
from citelog.compare.alike import alike
from citelog.compare.cases import changed_cases, subjects
from citelog.compare.causes import MIXTURES, Cause, Causes
from citelog.compare.changes import Change, Changes, Renamed, changes
from citelog.compare.editions import Edition
from citelog.compare.effects import Effect, Outcome, Subject, Touched, Watch, effects, outcome, unwatched
from citelog.compare.mixed import Mixtures, Some
from citelog.compare.pictures import Pictures, pictures
from citelog.compare.quotes import SourceChange, source_change, supported
from citelog.compare.supports import rests
from citelog.conclusions import Conclusion
from citelog.diagnostics import CaseError
from citelog.explain.against import against
from citelog.explain.obstacles import Obstacle
from citelog.proof.compare import reasons
from citelog.run.result import Firing

FORMAT = "citelog-diff/1"


@dataclass(frozen=True)
class Shown:
    """An effect on one record, with what both editions say about it: what the two proofs are made of."""

    subject: Subject
    effect: Effect
    cause: tuple[Change, ...]
    renamed: Renamed
    old: Outcome
    new: Outcome

    @cached_property
    def against(self) -> Obstacle | None:
        """What stands against a conclusion in the edition that does not draw it; None where both draw it."""
        effect, rules = self.effect, self.renamed.rules
        if effect.how == "gained" and effect.after is not None:
            back = {after: before for before, after in rules.items()}
            return _against(effect.after, self.new.assessment, self.old.assessment, back)
        if effect.how in ("lost", "becomes") and effect.before is not None:
            return _against(effect.before, self.old.assessment, self.new.assessment, rules)
        return None

    def to_dict(self) -> dict[str, Any]:
        """The effect as data; the proofs as their reasons."""
        effect = self.effect
        return {
            "case": self.subject.name,
            "before": _drawn(effect.before, self.old),
            "after": _drawn(effect.after, self.new),
            "details": [detail.to_dict() for detail in effect.details],
            "difference": effect.reasons.to_dict() if effect.reasons else None,
            "against": self.against.to_dict() if self.against else None,
        }


def _drawn(conclusion: Conclusion | None, found: Outcome) -> dict[str, Any] | None:
    if conclusion is None or found.assessment is None:
        return None
    why = reasons(found.assessment.why(conclusion.id))
    return {"conclusion": conclusion.to_dict(), "reasons": [reason.to_dict() for reason in why]}


def _against(
    conclusion: Conclusion, there: Assessment | None, here: Assessment | None, renamed: Mapping[str, str]
) -> Obstacle | None:
    """What stands against a conclusion in the edition that does not draw it.

    The proof of the other edition is walked beside it, each rule as this edition has it (`renamed` says under which
    name), down to what fails, or to a rule that this edition does not have. None where nothing in it fails.
    """
    if there is None or here is None:
        return None
    rules = {rule.name: rule for rule in here.knowledge.program.rules}

    def as_here(firing: Firing) -> Firing:
        rule = rules.get(renamed.get(firing.rule.name, firing.rule.name))
        if rule is None or rule.body == firing.rule.body:
            return firing
        names = alike(firing.rule, rule).names
        rows = tuple({names[v]: value for v, value in row.items() if v in names} for row in firing.rows)
        return replace(firing, rule=rule, rows=rows)

    beside = against(conclusion.atom, there, here, as_here)
    return beside if any(not premise.holds for premise in beside.premises) else None


@dataclass(frozen=True)
class Told:
    """One effect and all the records that it is had on; `shown` are those whose proofs are shown: the first, or all."""

    effect: Effect
    cases: tuple[str, ...]
    shown: tuple[Shown, ...]

    def to_dict(self) -> dict[str, Any]:
        """The effect as data."""
        before, after = self.effect.ids
        return {
            "how": self.effect.how,
            "before": before or None,
            "after": after or None,
            "cases": list(self.cases),
            "shown": [one.to_dict() for one in self.shown],
        }


@dataclass(frozen=True)
class Group:
    """Effects with one cause: the changes that, made alone, have them. No change at all is the order of the rules.

    Where the editions have too little in common for that to be `tried`, the changes that stand in the proofs.
    """

    cause: tuple[Change, ...]
    tried: bool
    effects: tuple[Told, ...]

    @property
    def cases(self) -> tuple[str, ...]:
        """The records that it concerns, each once."""
        return tuple(dict.fromkeys(case for told in self.effects for case in told.cases))

    @property
    def differing(self) -> tuple[str, ...]:
        """Those of them that gain, lose or change a conclusion."""
        return tuple(dict.fromkeys(case for told in self.effects if told.effect.how != "kept" for case in told.cases))

    def to_dict(self) -> dict[str, Any]:
        """The group as data."""
        return {
            "cause": [{"kind": change.kind, "id": change.id} for change in self.cause],
            "tried": self.tried,
            "effects": [told.to_dict() for told in self.effects],
        }


@dataclass(frozen=True)
class Diff:
    """Two editions compared.

    `compared` are the records that both were asked about, `unusable` those that could not be read, with the reason.
    `cases` are changes of the cases themselves. An edition with errors is not asked (`unasked` says why). `pictures`
    say what becomes of the conclusions of every possible patient; None where that was not asked.
    """

    old: Edition
    new: Edition
    changes: Changes
    cases: tuple[Change, ...]
    source: SourceChange | None
    groups: tuple[Group, ...]
    compared: tuple[Subject, ...]
    unusable: Mapping[str, str] = field(default_factory=dict)
    unasked: str = ""
    pictures: Pictures | None = None

    @property
    def same(self) -> bool:
        """Whether nothing differs but layout."""
        errors = [d.code for e in (self.old, self.new) for d in e.errors]
        return not (self.changes.listed or self.cases or self.source or self.groups or errors)

    @property
    def silent(self) -> bool:
        """Whether no patient can be told anything else in any words: nothing changed but layout and names of rules."""
        old, new = self.old.rules, self.new.rules
        return (
            self.pictures is not None
            and self.pictures.nobody
            and self.source is None
            and all(c.how == "renamed" and c.kind in _UNHEARD and not c.details for c in self.changes.listed)
            and [self.changes.renamed.rules.get(name, name) for name in old] == list(new)
        )

    @property
    def asked(self) -> tuple[Subject, ...]:
        """The cases and records of somebody's: all that were compared but those that pictures made."""
        return tuple(subject for subject in self.compared if subject.origin != "picture")

    @property
    def differing(self) -> tuple[str, ...]:
        """Those of them that gain, lose or change a conclusion, in the order in which they were asked about."""
        found = {case for group in self.groups for case in group.differing}
        return tuple(subject.name for subject in self.asked if subject.name in found)

    @property
    def kept(self) -> tuple[str, ...]:
        """The other records with any effect: they keep their conclusions, for other reasons or with other quotes."""
        found = {case for group in self.groups for case in group.cases} - set(self.differing)
        return tuple(subject.name for subject in self.asked if subject.name in found)

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-diff/1`."""
        return {
            "format": FORMAT,
            "same": self.same,
            "old": _edition(self.old),
            "new": _edition(self.new),
            "changes": [change.to_dict() for change in (*self.changes.listed, *self.cases)],
            "layout": list(self.changes.layout),
            "unread": list(self.changes.unread),
            "source": self.source.to_dict() if self.source else None,
            "compared": {
                "cases": sum(subject.origin == "case" for subject in self.compared),
                "patients": sum(subject.origin == "patient" for subject in self.compared),
                "differing": list(self.differing),
                "kept": list(self.kept),
                "unusable": [{"case": name, "why": why} for name, why in self.unusable.items()],
                "unasked": self.unasked or None,
            },
            "pictures": self.pictures.to_dict() if self.pictures else None,
            "groups": [group.to_dict() for group in self.groups],
        }


def _edition(edition: Edition) -> dict[str, Any]:
    knowledge = edition.knowledge
    return {
        "name": edition.name,
        "id": edition.id,
        "version": knowledge.version if knowledge else None,
        "sha256": knowledge.sha256 if knowledge else None,
        "errors": [{k: v for k, v in d.to_dict().items() if k != "accepted"} for d in edition.errors],
    }


def diff(
    old: Edition,
    new: Edition,
    more: Iterable[Subject] = (),
    every: bool = False,
    watch: Watch = unwatched,
    possible: bool = False,
) -> Diff:
    """Compare two editions, on the cases of both on `more` records, and where `possible` for every possible patient.

    `every` keeps both proofs for every record, and not only for the first that an effect is had on.
    """
    found = changes(old, new)
    moved = source_change(old, new, found.renamed)
    asked_about = (*subjects(old, new), *more)
    cases = tuple(changed_cases(old, new))
    unasked = _unasked(old, new)
    unusable: dict[str, str] = {}
    if moved is not None and any(quote.fate != "moved" for quote in moved.quotes):
        moved = supported(moved, rests(old, watch, is_told=True))
    if unasked or (old.files == new.files and moved is None and old.folder == new.folder):
        return Diff(old, new, found, cases, moved, (), (), {}, unasked)
    assert old.knowledge is not None and new.knowledge is not None
    seen = pictures(old.knowledge, new.knowledge, found.renamed, watch) if possible else None
    asked_about = (*asked_about, *(seen.records if seen else ()))
    compared = _Compared(old, new, found, every)
    for subject in watch(asked_about, "cases under both editions"):
        try:
            compared.ask(subject)
        except CaseError as error:
            unusable[subject.name] = str(error)
    asked = tuple(subject for subject in asked_about if subject.name not in unusable)
    return Diff(old, new, found, cases, moved, compared.groups(), asked, unusable, pictures=seen)


@dataclass
class Comparison:
    """Two editions, to be compared on one record after another: what they have in common is worked out once."""

    old: Edition
    new: Edition
    known: dict[Some, None] = field(default_factory=dict)

    @cached_property
    def changes(self) -> Changes:
        """What changed from one edition to the other."""
        return changes(self.old, self.new)

    @cached_property
    def mixtures(self) -> Mixtures:
        """The editions between them, as far as they were wanted."""
        return Mixtures(self.old, self.new, self.changes.listed)

    def on(self, subject: Subject) -> Diff:
        """Their difference for a record and nothing else; raises CaseError where it cannot be read."""
        if unasked := _unasked(self.old, self.new):
            return Diff(self.old, self.new, self.changes, (), None, (), (), {}, unasked)
        if len(self.mixtures.made) > MIXTURES // 2:
            self.mixtures.made.clear()
        compared = _Compared(self.old, self.new, self.changes, every=False, mixtures=self.mixtures)
        compared.causes.known = self.known
        compared.ask(subject)
        self.known = compared.causes.known
        return Diff(self.old, self.new, self.changes, (), None, compared.groups(), (subject,))


def _unasked(*editions: Edition) -> str:
    """Which editions give no answers; empty where all do."""
    return "; ".join(f"{e.name} has errors, and gives no answers" for e in editions if e.knowledge is None)


@dataclass
class _Compared:
    """The effects found so far, by their cause."""

    old: Edition
    new: Edition
    changes: Changes
    every: bool
    mixtures: Mixtures | None = None
    found: dict[Cause, dict[tuple[Any, ...], list[Shown]]] = field(default_factory=dict)
    names: dict[tuple[Cause, tuple[Any, ...]], list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        listed = self.changes.listed
        assert self.old.knowledge is not None and self.new.knowledge is not None
        self.causes = Causes(self.mixtures or Mixtures(self.old, self.new, listed), self.changes.renamed)
        self.touched = Touched.by(listed, self.old.knowledge, self.new.knowledge)

    def ask(self, subject: Subject) -> None:
        """Both editions about one record; raises CaseError where it cannot be read."""
        assert self.old.knowledge is not None and self.new.knowledge is not None
        old, new = outcome(self.old.knowledge, subject), outcome(self.new.knowledge, subject)
        had = effects(old, new, self.changes.renamed, self.touched)
        for effect, cause in zip(had, self.causes.of(subject, had, old, new), strict=True):
            shown = self.found.setdefault(cause, {}).setdefault(effect.alike, [])
            if self.every or not shown:
                shown.append(Shown(subject, effect, self._changes(cause), self.changes.renamed, old, new))
            self.names.setdefault((cause, effect.alike), []).append(subject.name)

    def _changes(self, cause: Cause) -> tuple[Change, ...]:
        return tuple(self.changes.listed[i] for i in sorted(cause.some))

    def groups(self) -> tuple[Group, ...]:
        """The groups, those that concern most records first."""
        made = []
        for cause, by_effect in self.found.items():
            told = [
                Told(shown[0].effect, tuple(dict.fromkeys(self.names[cause, alike])), tuple(shown))
                for alike, shown in by_effect.items()
            ]
            told.sort(key=lambda one: (_HOW.index(one.effect.how), -len(one.cases), one.effect.ids))
            made.append(Group(self._changes(cause), cause.tried, tuple(told)))
        return tuple(sorted(made, key=lambda g: (-len(g.differing), -len(g.cases), [c.named for c in g.cause])))


_UNHEARD = ("rule", "predicate")
"""Kinds of things whose names no answer says."""

_HOW = ("fails", "works", "becomes", "lost", "gained", "changed", "kept")
