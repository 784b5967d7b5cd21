"""What drafts would change, as pieces of a page: one case with its conclusions and proofs, and all cases in a table."""

from __future__ import annotations

from dataclasses import dataclass

from citelog.conclusions import Conclusion
from citelog.explain.what_if import Kept
from citelog.knowledge.base import Citation
from citelog.proof.compare import Reason
from citelog.render.page import Card, anchors_of, cards_of
from citelog.render.phrases import counted, markers, noted
from citelog.render.template import fill
from citelog.trial.drafted import AllCases, CaseChange, OneCase


@dataclass(frozen=True, slots=True)
class Difference:
    """A conclusion that both sides draw: what it said and was, where that differs, and reasons that only one has."""

    conclusion: Conclusion
    was: str
    details: tuple[tuple[str, str, str], ...]
    before: tuple[Reason, ...]
    after: tuple[Reason, ...]

    @classmethod
    def of(cls, kept: Kept) -> Difference:
        """What differs between a conclusion and the same as it was."""
        old, new = kept.before, kept.after
        return cls(
            new,
            old.sentence if old.sentence != new.sentence else "",
            tuple(
                (key, str(old.details.get(key)), str(value))
                for key, value in new.details.items()
                if isinstance(value, str) and old.details.get(key) != value
            ),
            tuple(r for r in kept.difference.first if r.text != old.sentence),
            tuple(r for r in kept.difference.second if r.text != new.sentence),
        )


def one(found: OneCase) -> str:
    """A case that could be run, as HTML; empty where it could not."""
    if found.tried is None or found.tried.found is None:
        return ""
    assessed, changes = found.tried.found, found.changes
    made = cards_of(assessed)
    knowledge = assessed.knowledge
    differences = tuple(Difference.of(kept) for kept in changes.kept) if changes else ()
    groups: list[tuple[str, tuple[Card, ...]]] = [
        (kind.title, own)
        for kind in knowledge.kinds
        if (own := tuple(card for card in made if card.conclusion.kind == kind.name))
    ]
    return fill(
        "drafted.html",
        changes=changes,
        differences=differences,
        gained={c.id for c in changes.gained} if changes else set(),
        differing={d.conclusion.id for d in differences},
        failures=found.tried.trial.failures,
        expectations=found.tried.trial.expectations,
        groups=groups,
        places={card.conclusion.id: card.anchor for card in made},
        notes=assessed.notes,
        noted_of=noted(assessed),
        anchors=anchors_of(knowledge.statements),
        citations={id_: Citation.of(statement) for id_, statement in knowledge.statements.items()},
        counted=counted,
        markers=markers,
    )


def summary(found: OneCase) -> str:
    """A case in a few words, to be read out."""
    if found.tried is None or found.tried.found is None:
        return ""
    told = counted(len(found.tried.found.conclusions), "conclusion")
    if failures := found.tried.trial.failures:
        told += f", {counted(len(failures), 'expectation')} not met"
    if found.changes is None:
        return told
    parts = [
        f"{number} {word}"
        for number, word in (
            (len(found.changes.gained), "gained"),
            (len(found.changes.lost), "lost"),
            (len(found.changes.kept), "changed"),
        )
        if number
    ]
    return f"{told}; {', '.join(parts) or 'nothing differs from the saved version'}"


def every(found: AllCases) -> str:
    """All cases as HTML: those that differ or fail."""
    return fill("drafted_cases.html", changes=found.changes, count=found.count, counted=counted)


def every_summary(found: AllCases) -> str:
    """All cases in a few words, to be read out."""
    failing = sum(bool(change.failures) for change in found.changes)
    differing = sum(_differs(change) for change in found.changes)
    if not found.changes:
        return f"{counted(found.count, 'case')}: none differs, and every expectation is met"
    told = f"Of {counted(found.count, 'case')}, {differing or 'none'} {'differ' if differing > 1 else 'differs'}"
    return f"{told}, {failing or 'none'} {'fail' if failing > 1 else 'fails'}"


def _differs(change: CaseChange) -> bool:
    return bool(change.gained or change.lost or change.changed)
