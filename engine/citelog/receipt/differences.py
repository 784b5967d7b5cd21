"""What one answer says and another does not, from their documents alone: of the older, nothing else may be left."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from citelog.compare.changes import Detail
from citelog.evidence.sources import on_one_line

How = Literal["lost", "gained", "becomes", "changed", "kept"]

Document = Mapping[str, Any]

REST = ("case", "caveats", "notes", "facts")
"""What an assessment says beside its conclusions, and of the knowledge and the engine."""

_MOVES = ("line", "start", "end", "file", "source")
"""What a citation says of its place: in another edition the same words may stand elsewhere."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of one conclusion, of `case`, `caveats`, `notes` or `facts`, or of the order of the `conclusions`.

    A conclusion that `becomes` another of its kind has the id of the old one here and that of the new one in `now`;
    one that is `kept` says the same, for other reasons.
    """

    what: str
    how: How
    details: tuple[Detail, ...] = ()
    now: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The difference as data."""
        details = [detail.to_dict() for detail in self.details]
        return {"what": self.what, "how": self.how, "now": self.now or None, "details": details}


@dataclass(frozen=True)
class Told:
    """An answer as documents: the assessment, and the proofs of its conclusions by their ids."""

    assessment: Document
    proofs: Mapping[str, Document]

    @property
    def conclusions(self) -> dict[str, Document]:
        """The conclusions by their ids."""
        return {conclusion["id"]: conclusion for conclusion in self.assessment["conclusions"]}


def differences(then: Told, now: Told, exact: bool) -> tuple[Difference, ...]:
    """What became of an answer; `exact` where both are of one edition, and every letter must be the same.

    Of one edition nothing is `kept` for other reasons: it has the same ones.
    """
    return tuple(_differences(then, now, exact))


def _differences(then: Told, now: Told, exact: bool) -> Iterator[Difference]:
    ours, theirs = then.conclusions, now.conclusions
    gained = [id_ for id_ in theirs if id_ not in ours]
    for id_ in ours:
        if id_ not in theirs:
            kind = id_.partition(":")[0]
            heirs = [new for new in gained if new.partition(":")[0] == kind]
            alone = len(heirs) == 1 and sum(old.partition(":")[0] == kind for old in ours) == 1
            if alone and sum(new.partition(":")[0] == kind for new in theirs) == 1:
                gained.remove(heirs[0])
                yield Difference(id_, "becomes", now=heirs[0])
            else:
                yield Difference(id_, "lost")
    yield from (Difference(id_, "gained") for id_ in gained)
    for id_, one in ours.items():
        if id_ in theirs:
            details = tuple(_details(_plain(one, exact), _plain(theirs[id_], exact)))
            if details:
                yield Difference(id_, "changed", details)
            elif reasons := tuple(_reasons(then.proofs[id_], now.proofs[id_], exact)):
                yield Difference(id_, "changed" if exact else "kept", reasons)
    if exact and list(ours) != list(theirs) and ours.keys() == theirs.keys():
        yield Difference("conclusions", "changed", (Detail("order", tuple(ours), tuple(theirs)),))
    for key in REST:
        if then.assessment[key] != now.assessment[key]:
            yield Difference(key, "changed", tuple(_listed(key, then.assessment[key], now.assessment[key])))


def _plain(conclusion: Document, exact: bool) -> Document:
    """A conclusion, without what may be otherwise in another edition and says nothing."""
    if exact:
        return conclusion
    cited = [{k: v for k, v in citation.items() if k not in _MOVES} for citation in conclusion["citations"]]
    return {**conclusion, "citations": cited}


def _details(one: Document, other: Document) -> Iterator[Detail]:
    for key in dict.fromkeys([*one, *other]):
        if one.get(key) != other.get(key):
            yield from _listed(key, one.get(key), other.get(key))


def _listed(name: str, one: Any, other: Any) -> Iterator[Detail]:
    """A property before and after; of lists what only one of them has, or all where only the order differs."""
    if isinstance(one, list) and isinstance(other, list):
        gone, come = ([x for x in a if x not in b] for a, b in ((one, other), (other, one)))
        one, other = (gone, come) if gone or come else (one, other)
        yield Detail(name, tuple(map(shown, one)), tuple(map(shown, other)))
    else:
        yield Detail(name, *(() if value is None else (shown(value),) for value in (one, other)))


def shown(value: Any) -> str:
    """A value of a document in words."""
    match value:
        case str():
            return value
        case {"text": str(text)}:
            return text
        case {"statement": str(statement), "quote": str(quote)}:
            return f"{statement} “{on_one_line(quote)}”"
        case {"sentence": str(sentence)}:
            return sentence
        case _:
            return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _reasons(one: Document, other: Document, exact: bool) -> Iterator[Detail]:
    """The reasons that only one of two proofs has; of one edition also that a step says something else."""
    ours, theirs = (tuple(dict.fromkeys(_reasons_of(proof["steps"]))) for proof in (one, other))
    gone, come = (tuple(x for x in a if x not in b) for a, b in ((ours, theirs), (theirs, ours)))
    if gone or come:
        yield Detail("reasons", gone, come)
    elif exact and one != other:
        steps = [{step["id"]: step for step in proof["steps"]} for proof in (one, other)]
        ids = [id_ for id_ in {**steps[0], **steps[1]} if steps[0].get(id_) != steps[1].get(id_)]
        yield Detail("steps", *(tuple(id_ for id_ in ids if id_ in side) for side in steps))


def _reasons_of(steps: Iterable[Document]) -> Iterator[str]:
    """What a proof rests on, in words: rules that cite, entries of the record, statements, comparisons, gaps."""
    for step in steps:
        if step["kind"] in ("recorded", "stated", "comparison") or (step["kind"] == "absence" and step.get("assumed")):
            yield step["text"]
        elif step["kind"] == "firing" and step.get("statements"):
            yield f"{step['text']}  ← {step.get('rule')}"
