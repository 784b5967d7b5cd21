"""Examples of requests for the description of the API: about a knowledge base's own first case, so they can be sent."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from citelog.assess import Assessment
from citelog.diagnostics import CaseError
from citelog.explain.catalogue import catalogue
from citelog.graph.library import Query
from citelog.listing import paths_in
from citelog.patient.case import LISTS
from citelog.patient.reading import read_document

EMPTY: dict[str, Any] = {"labs": []}


def record(files: Iterable[Path]) -> dict[str, Any]:
    """The first case that can be read and needs no date, as a request may bring it; an empty one if there is none."""
    for file in files:
        try:
            tree = read_document(file).tree
        except CaseError:
            continue
        expected = tree.get("expect") or {}
        if any(tree.get(name) for name in LISTS) and "at" not in expected:
            return {"id": file.stem, **{key: told for key, told in tree.items() if key != "expect"}}
    return EMPTY


def cases(folder: Path) -> dict[str, str]:
    """The texts of the cases of a knowledge base, by their names; without those that are no text."""
    found = {file.stem: file.read_bytes() for file in paths_in(folder, "**/*.yaml")}
    return {name: text for name, data in found.items() if (text := data.decode(errors="replace")).encode() == data}


def requests(record: dict[str, Any], answer: Assessment, library: Iterable[Query]) -> dict[str, dict[str, Any]]:
    """A request for each question about a record, of which `answer` is the answer, by the last part of its address."""
    reached = next(iter(answer.by_id))
    kind = f"{answer.by_id[reached].kind}:"
    others = [id_ for id_ in catalogue(answer.knowledge) if not answer.reached(id_)]
    other = next((id_ for id_ in others if id_.startswith(kind)), others[0])
    place = next((f"{name}[0]" for name in LISTS if record.get(name)), None)
    asked = next(q for q in library if q.needs_case and all(p.default is not None for p in q.parameters))
    case = {"case": record}
    return {
        "assess": case,
        "why": {**case, "conclusion": reached},
        "why-not": {**case, "conclusion": other},
        "what-if": {**case, **({"drop": [place]} if place else {"add": [{"labs": {}}]})},
        "missing": case,
        "contrast": {**case, "first": reached, "second": other},
        "query": {"name": asked.name, "cases": [record]},
    }
