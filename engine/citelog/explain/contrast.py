"""Why this conclusion and not that one; why this patient and not that one: only what differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from citelog.answer import Answer
from citelog.conclusions import Conclusion
from citelog.explain.catalogue import goal
from citelog.explain.what_if import Kept, paired
from citelog.explain.why_not import WhyNot, why_not
from citelog.patient.case import Entry
from citelog.patient.changes import apply
from citelog.proof.compare import Difference, Reason, difference, reasons
from citelog.proof.graph import Proof

FORMAT = "citelog-contrast/1"


@dataclass(frozen=True, slots=True)
class Side:
    """One of two conclusions of a patient: why it was drawn, or why not."""

    id: str
    conclusion: Conclusion | None
    reasons: tuple[Reason, ...]
    why_not: WhyNot | None

    def to_dict(self) -> dict[str, Any]:
        """The side as data."""
        return {
            "id": self.id,
            "reached": self.conclusion is not None,
            "conclusion": self.conclusion.to_dict() if self.conclusion else None,
            "reasons": [r.to_dict() for r in self.reasons],
            "why_not": self.why_not.to_dict() if self.why_not else None,
        }


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two conclusions side by side, and what only one of their proofs rests on.

    Where one of them was not drawn, `difference` is between the proof of the other and its proof in the record that
    is changed least to reach it; where neither was, or none reaches it, there is no difference to show.
    """

    whose: Mapping[str, Any]
    first: Side
    second: Side
    difference: Difference | None

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-contrast/1`."""
        return {
            "format": FORMAT,
            **self.whose,
            "between": "conclusions",
            "first": self.first.to_dict(),
            "second": self.second.to_dict(),
            "difference": self.difference.to_dict() if self.difference else None,
        }


@dataclass(frozen=True, slots=True)
class PatientContrast:
    """Two patients side by side: what only one is told, what both are told for other reasons, and the entries.

    `entries` are those that the other record does not have; of one named conclusion, those of them that it rests on.
    """

    first: Answer
    second: Answer
    only_first: tuple[tuple[Conclusion, tuple[Reason, ...]], ...]
    only_second: tuple[tuple[Conclusion, tuple[Reason, ...]], ...]
    both: tuple[Kept, ...]
    same: tuple[str, ...]
    entries: tuple[tuple[Entry, ...], tuple[Entry, ...]]

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-contrast/1`."""

        def told(side: tuple[tuple[Conclusion, tuple[Reason, ...]], ...]) -> list[dict[str, Any]]:
            return [{"conclusion": c.to_dict(), "reasons": [r.to_dict() for r in why]} for c, why in side]

        return {
            "format": FORMAT,
            "knowledge": self.first.whose["knowledge"],
            "caveats": self.first.whose["caveats"],
            "between": "patients",
            "cases": [self.first.case.id, self.second.case.id],
            "only_first": told(self.only_first),
            "only_second": told(self.only_second),
            "both_for_other_reasons": [
                {"first": k.before.to_dict(), "second": k.after.to_dict(), "difference": k.difference.to_dict()}
                for k in self.both
            ],
            "same": list(self.same),
            "entries": [
                [{"fact": e.id, "sentence": e.sentence, "read_from": e.read_from} for e in side]
                for side in self.entries
            ],
        }


def contrast(answer: Answer, first: str, second: str) -> Contrast:
    """Why the one and why not the other. Raises CitelogError where the knowledge base can never draw one of them."""
    sides = tuple(_side(answer, id_) for id_ in (first, second))
    proofs = [_proof(answer, side) for side in sides]
    one, other = proofs
    drawn = any(side.conclusion for side in sides)
    return Contrast(answer.whose, sides[0], sides[1], difference(one, other) if drawn and one and other else None)


def _proof(answer: Answer, side: Side) -> Proof | None:
    """The proof of a side; in the record that is changed least, where it was not drawn."""
    if side.conclusion is not None:
        return answer.why(side.conclusion.id)
    if side.why_not is None or not side.why_not.near:
        return None
    near = side.why_not.near[0]
    return answer.again(apply(answer.case, near.changes, answer.knowledge.terms)).why(near.reached.id)


def _side(answer: Answer, id_: str) -> Side:
    if id_ in answer.by_id:
        return Side(id_, answer.by_id[id_], reasons(answer.why(id_)), None)
    wanted = goal(answer.knowledge, id_)
    if wanted.reached(answer.run):
        found = answer.by_id[answer.ids(wanted.id)[0]]
        return Side(found.id, found, reasons(answer.why(found.id)), None)
    return Side(wanted.id, None, (), why_not(answer, id_))


def contrast_patients(first: Answer, second: Answer, conclusion: str | None = None) -> PatientContrast:
    """What differs between two patients, in the record and in the answers.

    Where one conclusion is named, only that one, and of the record only what it rests on.
    """
    pairs, only_first, only_second = paired(first, second)
    if conclusion is not None:
        base = goal(first.knowledge, conclusion).id
        pairs = [pair for pair in pairs if pair[0].id.partition("#")[0] == base]
        only_first, only_second = (
            [c for c in one if c.id.partition("#")[0] == base] for one in (only_first, only_second)
        )
    kept, same = [], []
    for one, other in pairs:
        differs = difference(first.why(one.id), second.why(other.id))
        if differs or one.details != other.details or one.sentence != other.sentence:
            kept.append(Kept(one, other, differs))
        else:
            same.append(one.id)
    told = {e.sentence for e in first.case.entries}, {e.sentence for e in second.case.entries}
    rests = (
        {f for c in only_first for f in c.facts} | {f for k in kept for f in k.before.facts},
        {f for c in only_second for f in c.facts} | {f for k in kept for f in k.after.facts},
    )
    entries = tuple(
        tuple(
            e for e in answer.case.entries if e.sentence not in told[1 - i] and (conclusion is None or e.id in rests[i])
        )
        for i, answer in enumerate((first, second))
    )
    return PatientContrast(
        first,
        second,
        tuple((c, reasons(first.why(c.id))) for c in only_first),
        tuple((c, reasons(second.why(c.id))) for c in only_second),
        tuple(kept),
        tuple(same),
        (entries[0], entries[1]),
    )
