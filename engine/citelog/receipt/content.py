"""What a receipt says, and how one is made of an assessment.

A step of a proof stands once, however many proofs use it: together they would be five times as long. The proof of a
conclusion is its root and all that this uses, and `Receipt.proofs` writes them out, each as `citelog why` would.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from citelog.answer import Answer
from citelog.diagnostics import CitelogError
from citelog.home import VERSION
from citelog.knowledge import kept
from citelog.patient.case import CHOSEN
from citelog.proof.graph import FORMAT as PROOF
from citelog.receipt.agreeing import LATER, contradictions
from citelog.receipt.manifest import Manifest
from citelog.receipt.sealed import LARGEST, Damage, is_sealed, seal, unseal
from citelog.run.datalog import reasoner

FORMAT = "citelog-receipt/1"

MEMBERS = ("format", "record", "at", "engine", "knowledge", "files", "assessment", "proofs")
"""The members of a receipt, in their order."""


@dataclass(frozen=True)
class Receipt:
    """A receipt that is whole: what was sealed, and in agreement with itself. What it says can still be untrue.

    `seal` is its member `sha256`, which stands for all of it.
    """

    members: Mapping[str, Any]
    seal: str

    @property
    def record(self) -> bytes:
        """The record, byte for byte as it was read."""
        text: str = self.members["record"]["text"]
        return text.encode()

    @property
    def of(self) -> str | None:
        """The patient who was chosen, where the record is about several; it is called by that patient's id."""
        id_: str = self.assessment["case"]["id"]
        return id_ if self.members["record"]["form"] == CHOSEN else None

    @property
    def at(self) -> str | None:
        """The date of the assessment."""
        at: str | None = self.members["at"]
        return at

    @property
    def assessment(self) -> dict[str, Any]:
        """The assessment document."""
        document: dict[str, Any] = self.members["assessment"]
        return document

    def completed(self, now: Mapping[str, Any]) -> dict[str, Any]:
        """The assessment document with the `LATER` members that it has not, taken from a document of today."""
        later = {c["id"]: {key: c[key] for key in LATER if key in c} for c in now["conclusions"]}
        conclusions = [later.get(c["id"], {}) | c for c in self.assessment["conclusions"]]
        return self.assessment | {"conclusions": conclusions}

    @property
    def unsaid(self) -> tuple[str, ...]:
        """The `LATER` members that its conclusions do not have."""
        return tuple(key for key in LATER if any(key not in c for c in self.assessment["conclusions"]))

    @property
    def proofs(self) -> Iterator[dict[str, Any]]:
        """The proof documents of all conclusions."""
        steps, whose = self.members["proofs"]["steps"], {key: self.assessment[key] for key in WHOSE}
        for conclusion, root in self.members["proofs"]["roots"].items():
            order = {root: None}
            for id_ in (open_ := [root]):
                new = [used for used in steps[id_]["uses"] if used not in order]
                order.update(dict.fromkeys(new))
                open_ += new
            listed = [{"id": id_, **steps[id_]} | ({"kind": "conclusion"} if id_ == root else {}) for id_ in order]
            yield {"format": PROOF, **whose, "conclusion": conclusion, "root": root, "steps": listed}


WHOSE = ("case", "knowledge", "caveats")
"""What a proof document says beside the proof: it is what the assessment says."""


def engine() -> dict[str, str]:
    """What derives here: the version of citelog and the hash of its code, the reasoner, Python."""
    python = ".".join(map(str, sys.version_info[:3]))
    return {"citelog": VERSION, "code": kept.engine(), "python": python, "reasoner": reasoner()}


def of(assessment: Answer, files: Manifest) -> bytes:
    """The receipt of an assessment, by the files of its knowledge base.

    The same record, date, knowledge and engine give the same bytes. Raises CitelogError where the record is none that
    somebody wrote, where these files are not those that the knowledge was opened from, or where a number is too large.
    """
    case, knowledge = assessment.case, assessment.knowledge
    if case.original is None:
        raise CitelogError(f"{case.id}: a changed record is nobody's", "assess the record itself for a receipt")
    if files.fingerprint != knowledge.sha256:
        what = f"{knowledge.id}: its files are no longer those that this answer was derived from"
        raise CitelogError(what, "open the knowledge base again, and assess again")
    document = assessment.to_dict()
    return seal(
        {
            "format": FORMAT,
            "record": {"form": case.original.form, "sha256": case.sha256, "text": case.original.data.decode()},
            "at": assessment.at.isoformat() if assessment.at else None,
            "engine": engine(),
            "knowledge": document["knowledge"],
            "files": files.document,
            "assessment": document,
            "proofs": _proofs(assessment),
        }
    )


def _proofs(assessment: Answer) -> dict[str, Any]:
    """The steps of all proofs, each once, and the root of each proof."""
    steps: dict[str, Any] = {}
    roots: dict[str, str] = {}
    for conclusion in assessment.by_id:
        proof = assessment.why(conclusion)
        roots[conclusion] = proof.root
        for id_ in proof.order:
            if id_ not in steps:
                step = proof.steps.to_dict(proof.steps.nodes[id_])
                steps[id_] = {key: value for key, value in step.items() if key != "id"}
    return {"roots": roots, "steps": steps}


class DamagedReceiptError(CitelogError):
    """A receipt that is not what was sealed, or says two things at once; `damage` says where."""

    def __init__(self, name: str, damage: tuple[Damage, ...]) -> None:
        self.damage = damage
        super().__init__("\n".join(f"{name}: {found}" for found in damage))


def is_receipt(data: bytes) -> bool:
    """Whether some bytes are a receipt by their form, be it a damaged one."""
    return is_sealed(data, MEMBERS)


def read(data: bytes, name: str) -> Receipt:
    """A receipt from its bytes; `name` is what messages call it.

    Raises DamagedReceiptError where it was changed since it was sealed, or contradicts itself; CitelogError where it
    is none at all, or of another version.
    """
    if len(data) > LARGEST:
        raise too_large(name)
    if not is_receipt(data):
        raise CitelogError(f"{name}: this is no receipt", "give a file that `citelog assess --receipt` wrote")
    opened = unseal(data, MEMBERS)
    form = opened.members.get("format")
    if "format" in opened.members and form != FORMAT:
        raise CitelogError(f"{name}: it is of the form {form}, and {FORMAT} is read here", "take a newer citelog")
    damage = opened.damage or contradictions(opened.members)
    if damage:
        raise DamagedReceiptError(name, damage)
    return Receipt(opened.members, opened.seal)


def too_large(name: str) -> CitelogError:
    """Why a file is not even read."""
    return CitelogError(f"{name}: larger than {LARGEST // 1_000_000} MB", "no receipt of one patient is")
