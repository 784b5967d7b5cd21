"""A receipt replayed: is it what was sealed, was it true, and would the same be said today?

Cheap questions come first. A seal and the hashes of files need nothing derived; a proof is checked, and an answer
derived again, under the edition that the receipt names, wherever that still is; and under today's.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from citelog import patient
from citelog.answer import Answer
from citelog.checker import Checker, Fault
from citelog.compare.changes import Detail
from citelog.compare.diff import Comparison, Diff, Group
from citelog.compare.editions import edition
from citelog.compare.effects import Subject
from citelog.conclusions import DerivationError
from citelog.diagnostics import CaseError, CitelogError, KnowledgeError
from citelog.knowledge.base import Knowledge
from citelog.knowledge.cache import open_knowledge
from citelog.receipt import content
from citelog.receipt.content import DamagedReceiptError, Receipt
from citelog.receipt.differences import Difference, Told, differences
from citelog.receipt.editions import Place, Shelf, Wanted
from citelog.receipt.manifest import COUNTED
from citelog.receipt.sealed import Damage
from citelog.run.datalog import DeadlineError

FORMAT = "citelog-replay/1"

Verdict = Literal["same", "differs", "unproved", "damaged"]


@dataclass(frozen=True, slots=True)
class Differing:
    """A file that is not the one that answered then; without a name a group of which no receipt lists the files."""

    group: str
    file: str
    how: Literal["added", "removed", "changed"]

    def to_dict(self) -> dict[str, Any]:
        """The file as data."""
        return {"group": self.group, "file": self.file or None, "how": self.how}


@dataclass(frozen=True)
class Asked:
    """What an edition says today about the record of a receipt.

    `fault` is why it gives no answer; `faults` are what the independent checker finds wrong with the proofs of the
    receipt, which only the edition that it names can be asked.
    """

    name: str
    knowledge: Mapping[str, str] | None
    fault: str = ""
    faults: tuple[Fault, ...] = ()
    differences: tuple[Difference, ...] = ()

    @property
    def same(self) -> bool:
        """Whether it says the same; a conclusion that is kept for other reasons says the same."""
        return not (self.fault or self.faults or any(found.how != "kept" for found in self.differences))

    def to_dict(self) -> dict[str, Any]:
        """The answer as data."""
        return {
            "edition": self.name,
            "knowledge": dict(self.knowledge) if self.knowledge else None,
            "same": self.same,
            "fault": self.fault or None,
            "faults": [{"step": fault.step, "what": fault.what} for fault in self.faults],
            "differences": [found.to_dict() for found in self.differences],
        }


@dataclass(frozen=True)
class Replay:
    """A receipt replayed.

    `receipt` is None where it is damaged, and then nothing else is asked. `then` is the edition that it names, None
    where that is not at hand; `now` the knowledge base at hand, None where there is none. Where they are two, `why` is
    their difference for this record. `remarks` say what was looked at in vain, and what the receipt does not say.
    """

    name: str
    sha256: str
    receipt: Receipt | None
    damage: tuple[Damage, ...] = ()
    engine: Mapping[str, str] | None = None
    files: tuple[Differing, ...] = ()
    then: Asked | None = None
    now: Asked | None = None
    why: Diff | None = None
    remarks: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Whether every edition that was asked says what the receipt says.

        It is unproved where the edition at hand says the same, and the one that the receipt names is nowhere: whoever
        forges its proofs names an edition that nobody has.
        """
        if self.receipt is None:
            return "damaged"
        if not all(asked.same for asked in (self.then, self.now) if asked is not None):
            return "differs"
        return "same" if self.then is not None else "unproved"

    @property
    def engine_differs(self) -> tuple[str, ...]:
        """What of the engine is another than then."""
        if self.receipt is None or self.engine is None:
            return ()
        return tuple(key for key, now in self.engine.items() if self.receipt.members["engine"][key] != now)

    def to_dict(self) -> dict[str, Any]:
        """The document, format `citelog-replay/1`."""
        members = self.receipt.members if self.receipt else None
        return {
            "format": FORMAT,
            "receipt": {"name": self.name, "sha256": self.sha256},
            "verdict": self.verdict,
            "damage": [{"member": damage.member, "what": damage.what} for damage in self.damage],
            "case": members["assessment"]["case"] if members else None,
            "at": members["at"] if members else None,
            "knowledge": members["knowledge"] if members else None,
            "engine": {"then": members["engine"], "now": dict(self.engine or {})} if members else None,
            "files": [file.to_dict() for file in self.files],
            "then": self.then.to_dict() if self.then else None,
            "now": self.now.to_dict() if self.now else None,
            "causes": [_cause(group) for group in self.why.groups] if self.why else [],
            "remarks": list(self.remarks),
        }


def _cause(group: Group) -> dict[str, Any]:
    """A group of effects as data: its changes, and what becomes of which conclusion."""
    told = [(one.effect.how, *one.effect.ids) for one in group.effects]
    return {
        "changes": [
            {"kind": c.kind, "id": c.id, "how": c.how, "details": [detail.to_dict() for detail in c.details]}
            for c in group.cause
        ],
        "tried": group.tried,
        "effects": [{"how": how, "before": before or None, "after": after or None} for how, before, after in told],
    }


@dataclass
class Desk:
    """Where receipts are replayed, one after another: editions are found, opened and compared once."""

    shelf: Shelf
    opened: dict[Path, tuple[Knowledge | None, str]] = field(default_factory=dict)
    compared: dict[Wanted, Comparison] = field(default_factory=dict)

    def replay(self, data: bytes, name: str) -> Replay:
        """Replay a receipt; `name` is what to call it.

        Raises CitelogError where the bytes are no receipt at all, what is given is no edition, or none is at hand of
        the knowledge base that the receipt is of.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        try:
            receipt = content.read(data, name)
        except DamagedReceiptError as error:
            return Replay(name, sha256, None, error.damage)
        id_ = receipt.members["knowledge"]["id"]
        wanted = Wanted.by(receipt.members["files"], receipt.members["knowledge"]["sha256"])
        place, remarks = self.shelf.edition(wanted)
        remarks += tuple(
            f"{key}: the receipt says nothing of it, as an earlier version would" for key in receipt.unsaid
        )
        today = self.shelf.today
        if place is None and today is None:
            hint = "name the knowledge base with --kb, or an archive of it with --edition"
            raise CitelogError(f"{name}: it is of {id_}, which is not at hand", hint)
        is_same = today is not None and today.manifest.fingerprint == wanted.sha256
        then = _asked(receipt, place, *self.knowledge_of(place), exact=True) if place is not None else None
        now = (
            then
            if is_same
            else _asked(receipt, today, *self.knowledge_of(today), exact=False)
            if today is not None
            else None
        )
        if now is not None and now.knowledge is not None and now.knowledge["id"] != id_:
            what = f"{name}: it is of {id_}, and --kb names {now.knowledge['id']}"
            raise CitelogError(what, "name the knowledge base that it is of")
        why = None
        if place and today and then and now and now.differences and not (is_same or then.fault or now.fault):
            subject = Subject(receipt.assessment["case"]["id"], receipt.record, "receipt", receipt.at, receipt.of)
            why = self.compare(wanted, place, today).on(subject)
        files = tuple(differing(receipt, today, place)) if today is not None else ()
        return Replay(name, sha256, receipt, (), content.engine(), files, then, now, why, remarks)

    def knowledge_of(self, place: Place) -> tuple[Knowledge | None, str]:
        """The knowledge of an edition; None, and the codes of its errors, where it has some."""
        if place.folder not in self.opened:
            try:
                self.opened[place.folder] = open_knowledge(place.folder.absolute(), place.ontology), ""
            except KnowledgeError as error:
                codes = dict.fromkeys(found.code for found in error.diagnostics)
                self.opened[place.folder] = None, f"it has errors: {', '.join(codes)}"
        return self.opened[place.folder]

    def compare(self, wanted: Wanted, then: Place, now: Place) -> Comparison:
        """The comparison of an edition with the one at hand."""
        if wanted not in self.compared:
            before, after = (edition(place.folder, place.name, place.ontology) for place in (then, now))
            self.compared[wanted] = Comparison(before, after)
        return self.compared[wanted]


@contextmanager
def desk(kb: Path | None, given: Sequence[str] = ()) -> Iterator[Desk]:
    """Where to replay receipts of a knowledge base, for as long as that is wanted.

    `kb` is the folder at hand, `given` are other editions of it: folders, archives, revisions.
    """
    with ExitStack() as kept:
        yield Desk(Shelf(kb, given, kept))


def differing(receipt: Receipt, now: Place, then: Place | None) -> Iterator[Differing]:
    """The files at hand that are not those that answered then; of cases their names, where that edition is at hand."""
    groups, present = receipt.members["files"]["groups"], now.manifest.document["groups"]
    for group in dict.fromkeys([*present, *groups]):
        ours, theirs = groups.get(group, {}), present.get(group, {})
        if ours.get("sha256") == theirs.get("sha256"):
            continue
        before, after = ours.get("files", {}), theirs.get("files", {})
        if group in COUNTED:
            before, after = (place.manifest.groups().get(group, {}) if place else {} for place in (then, now))
            if not before or before == after:
                yield Differing(group, "", "changed" if ours and theirs else "added" if theirs else "removed")
                continue
        for file in sorted({*before, *after}):
            if before.get(file) != after.get(file):
                yield Differing(
                    group, file, "added" if file not in before else "changed" if file in after else "removed"
                )


def _asked(receipt: Receipt, place: Place, knowledge: Knowledge | None, errors: str, exact: bool) -> Asked:
    """What an edition says about the record of a receipt; `exact` where it is the edition that the receipt names."""
    if knowledge is None:
        return Asked(place.name, None, errors)
    told = knowledge.identity
    day = datetime.date.fromisoformat(receipt.at) if receipt.at else None
    try:
        id_ = receipt.assessment["case"]["id"]
        case = patient.from_bytes(receipt.record, "the record", id_, knowledge.terms, receipt.of)
        answer = Answer.of(knowledge, case, day)
    except (CaseError, DerivationError, DeadlineError) as error:
        return Asked(place.name, told, f"it gives no answer: {error or 'it takes too long'}")
    document = answer.to_dict()
    said, proofs = receipt.completed(document), {proof["conclusion"]: proof for proof in receipt.proofs}
    faults = Checker(knowledge, case, day).certify(said, proofs.values()) if exact else ()
    again = {id_: answer.why(id_).to_dict() for id_ in answer.by_id}
    found = differences(Told(said, proofs), Told(document, again), exact)
    form = receipt.members["record"]["form"]
    if case.original is not None and case.original.form != form:
        found = (Difference("case", "changed", (Detail("form", (form,), (case.original.form,)),)), *found)
    return Asked(place.name, told, "", faults, found)
