"""The program whose workers try drafts of a knowledge base that is in memory as it is saved.

All that an answer may need has been imported, read and compiled before the first worker is forked: a worker can open
nothing any more, not even a module of ours.
"""

from __future__ import annotations

import difflib
import json
import re
import sys
from pathlib import Path
from typing import Any

from citelog.diagnostics import CitelogError, Diagnostic
from citelog.knowledge.check import prepare
from citelog.patient.resources import READ
from citelog.reports import drafted as shown
from citelog.serve.workers.worker import Bounded, Message, NoResultError, keep
from citelog.trial.drafted import Desk

_SHARE = 0.8
"""Of the time that a task has, what deriving for one case may take: the rest is for saying so."""

_FHIR = (
    *READ, "Bundle", "Medication", "Patient", "Address", "Age", "Annotation", "Attachment", "CodeableConcept", "Coding",
    "ContactPoint", "Count", "Distance", "Dosage", "Duration", "Extension", "HumanName", "Identifier", "Meta", "Money",
    "Narrative", "Period", "Quantity", "Range", "Ratio", "Reference", "SampledData", "Signature", "Timing",
)  # fmt: skip
"""The types of FHIR whose models are imported here or never: what is read, and what it is made of."""

_PATIENCE = 60.0
"""Seconds that deriving may take in a rehearsal."""


def _load(message: Message, data: bytes) -> tuple[Desk, Message]:
    """The knowledge base, and whether it can be used as it is saved."""
    texts = json.loads(data)
    folder, ontology = Path("/") / message["folder"], Path("/ontology.ttl")
    desk = Desk(folder, ontology, texts["files"], texts["ontology"])
    _rehearse(desk)
    if desk.saved.knowledge is None:  # then nothing has been derived yet, and a draft may put it right
        _rehearse(Desk(folder, ontology, texts["sound"], texts["ontology"]))
    return desk, {"errors": sum(d.severity == "error" for d in desk.saved.diagnostics)}


def _rehearse(desk: Desk) -> None:
    """Ask once for everything that can be asked, well and badly: what is imported late is imported now."""
    from fhir.resources.R4B import get_fhir_model_class

    prepare()
    for kind in _FHIR:
        get_fhir_model_class(kind)
    names = desk.cases(desk.files)
    rules = next((name for name in desk.files if name.endswith(".rls")), "rules/rules.rls")
    words = next((name for name in desk.files if name.endswith(".ttl")), "about.ttl")
    name = names[0] if names else "cases/none.yaml"
    text = desk.files.get(name, "labs: []")
    bundle = '{"resourceType": "Bundle", "type": "collection", "entry": []}'
    for drafts, record in (
        ({}, text), ({}, bundle), ({}, "labs: ["), ({rules: "p(?x) :- q"}, text), ({words: "<a> <b>"}, text),
    ):  # fmt: skip
        _one(desk, {"drafts": drafts, "case": {"name": name, "text": record}, "seconds": _PATIENCE})
    _all(desk, {"drafts": {}, "seconds": _PATIENCE})
    _patch(desk, {"drafts": {rules: "p(?x) :- q ."}})


def _answer(desk: Desk, asked: Message, data: bytes, output: Bounded) -> None:
    """Write what came of one task, as JSON."""
    task = {"one": _one, "all": _all, "patch": _patch}[asked["task"]]
    try:
        result = task(desk, {**asked, **json.loads(data)})
    except OSError as error:  # something is imported only now, and nothing can be opened
        raise NoResultError("sealed") from error
    output.write(json.dumps(result, ensure_ascii=False).encode())


def _one(desk: Desk, asked: Message) -> Message:
    """One case with drafts: findings, what came of it, and the difference from the saved version."""
    found = desk.one(asked["drafts"], asked["case"]["name"], asked["case"]["text"], asked["seconds"] * _SHARE)
    trouble = found.tried.trouble if found.tried else None
    return {
        "diagnostics": [_diagnostic(d, desk) for d in found.diagnostics],
        "trouble": _trouble(trouble) if trouble else None,
        "derived": found.tried is not None,
        "summary": shown.summary(found),
        "html": shown.one(found),
    }


def _all(desk: Desk, asked: Message) -> Message:
    """All cases with drafts: which differ, and which fail."""
    found = desk.all(asked["drafts"], asked["seconds"] * _SHARE)
    if found is None:
        return {"summary": "", "html": ""}
    return {"summary": shown.every_summary(found), "html": shown.every(found)}


def _patch(desk: Desk, asked: Message) -> Message:
    """The drafts as a patch of the saved files, for `patch -p1` in the folder of the knowledge base."""
    parts: list[str] = []
    for name, text in sorted(asked["drafts"].items()):
        before, after = desk.files.get(name, "").splitlines(keepends=True), text.splitlines(keepends=True)
        for line in difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"):
            parts.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return {"patch": "".join(parts)}


def _diagnostic(found: Diagnostic, desk: Desk) -> dict[str, Any]:
    document = found.to_dict()
    return {**document, "file": str(document["file"]).removeprefix(f"{desk.folder.name}/")}


def _trouble(error: CitelogError) -> dict[str, Any]:
    """Why a case cannot be used: the line, where it is known, what is wrong, and what to try."""
    line = re.search(r":(\d+)$", error.where)
    return {"line": int(line[1]) if line else 0, "what": error.what, "remedy": error.remedy, "where": error.where}


if __name__ == "__main__":
    keep(int(sys.argv[1]), _load, _answer)
