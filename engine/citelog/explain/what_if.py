"""What changes when a record changes: conclusions gained, lost, and kept for another reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from citelog.answer import Answer
from citelog.conclusions import Conclusion
from citelog.explain.against import against
from citelog.explain.obstacles import Obstacle
from citelog.patient.case import Note
from citelog.patient.changes import Change, apply, told
from citelog.patient.written import check
from citelog.proof.compare import Difference, Reason, difference, reasons

FORMAT = "citelog-what-if/1"


@dataclass(frozen=True, slots=True)
class Gained:
    """A conclusion that only the changed record gives, and why."""

    conclusion: Conclusion
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Lost:
    """A conclusion that only the record as it is gives: why it was drawn, and what stands against it now."""

    conclusion: Conclusion
    reasons: tuple[Reason, ...]
    obstacle: Obstacle | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A conclusion that both records give, with other words or for another reason."""

    before: Conclusion
    after: Conclusion
    difference: Difference


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The record changed, and what becomes of the answer; `same` counts the conclusions that nothing changes."""

    changes: tuple[Change, ...]
    told: tuple[str, ...]
    before: Answer
    after: Answer
    gained: tuple[Gained, ...]
    lost: tuple[Lost, ...]
    kept: tuple[Kept, ...]
    same: tuple[str, ...]

    @property
    def notes(self) -> tuple[Note, ...]:
        """What of the changed record is not used, or is to be looked at, and was not so before: a misspelt name."""
        known = {note.text for note in self.before.notes}
        return tuple(note for note in self.after.notes if note.text not in known)

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-what-if/1`."""
        return {
            "format": FORMAT,
            **self.before.whose,
            "changes": [c.to_dict() | {"text": text} for c, text in zip(self.changes, self.told, strict=True)],
            "gained": [
                {"conclusion": one.conclusion.to_dict(), "reasons": [r.to_dict() for r in one.reasons]}
                for one in self.gained
            ],
            "lost": [
                {
                    "conclusion": one.conclusion.to_dict(),
                    "reasons": [r.to_dict() for r in one.reasons],
                    "obstacle": one.obstacle.to_dict() if one.obstacle else None,
                }
                for one in self.lost
            ],
            "kept_for_another_reason": [
                {"before": one.before.to_dict(), "after": one.after.to_dict(), "difference": one.difference.to_dict()}
                for one in self.kept
            ],
            "same": list(self.same),
            "notes": [{"text": note.text, "read_from": note.read_from} for note in self.notes],
        }


def what_if(answer: Answer, changes: Iterable[Change]) -> WhatIf:
    """The answer for the changed record, compared with the answer for the record as it is.

    Raises CaseError where a change names an entry that is not there, or two are about the same thing.
    """
    listed = tuple(changes)
    check(listed)
    terms = answer.knowledge.terms
    steps = [told(change, apply(answer.case, listed[:i], terms), terms) for i, change in enumerate(listed)]
    after = answer.again(apply(answer.case, listed, terms))
    pairs, lost, gained = paired(answer, after)
    kept, same = [], []
    for old, new in pairs:
        changed = difference(answer.why(old.id), after.why(new.id))
        if changed or old.details != new.details or old.sentence != new.sentence:
            kept.append(Kept(old, new, changed))
        else:
            same.append(old.id)
    return WhatIf(
        listed,
        tuple(steps),
        answer,
        after,
        tuple(Gained(c, reasons(after.why(c.id))) for c in gained),
        tuple(Lost(c, reasons(answer.why(c.id)), against(c.atom, answer, after)) for c in lost),
        tuple(kept),
        tuple(same),
    )


def paired(
    before: Answer, after: Answer
) -> tuple[list[tuple[Conclusion, Conclusion]], list[Conclusion], list[Conclusion]]:
    """The conclusions of two answers that are the same one, and those that only the first or the second has.

    Conclusions that share an id but for their number are the same where they say the same.
    """
    left = list(after.conclusions)
    pairs, lost = [], []
    for old in before.conclusions:
        base = old.id.partition("#")[0]
        alike = [c for c in left if c.id.partition("#")[0] == base]
        numbered = len(alike) > 1 or "#" in old.id
        same = [c for c in alike if not numbered or c.sentence == old.sentence]
        if same:
            pairs.append((old, same[0]))
            left.remove(same[0])
        else:
            lost.append(old)
    return pairs, lost, left
