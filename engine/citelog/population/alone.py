"""One patient of a population, answered alone: the rows of the patient as a record, and the road of one patient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from citelog.patient import casefile
from citelog.patient.case import NAME_KEY, PARTS, Case, Gathered, Original
from citelog.patient.intake import assemble
from citelog.patient.reading import read_document
from citelog.population.entries import NONE, Written
from citelog.vocab import Terms


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a patient: its list, its place among all rows of that list, its frame, its number and its days."""

    list: int
    row: int
    written: Written
    digits: str = ""
    when: str = ""
    since: str = ""


def record(patient: str, lines: Iterable[Line]) -> tuple[dict[str, Any], dict[str, Sequence[str]]]:
    """The rows of a patient as a case file has them, and the codes of those that have any, by their places."""
    made: dict[str, Any] = {"id": patient}
    codes: dict[str, Sequence[str]] = {}
    for line in sorted(lines, key=lambda one: (one.list, one.row)):
        if line.written.frame is None:
            made.setdefault("context", {}).update(dict(line.written.context))
            continue
        said = line.written.frame.filled(line.digits)
        listed = made.setdefault(PARTS[line.list], [])
        if said.codes:
            codes[f"{said.list}[{len(listed)}]"] = said.codes
        entry: dict[str, Any] = {NAME_KEY[said.list]: said.name} | dict(said.keys)
        if said.when != NONE:
            entry["when"] = line.when
        if said.since != NONE:
            entry["since"] = line.since
        listed.append(entry)
    return made, codes


def case(patient: str, lines: Iterable[Line], terms: Terms) -> Case:
    """The rows of a patient, read as the record of one.

    Without codes, which no case file can hold, it is the case file that these rows make, and has a receipt like any.
    """
    made, codes = record(patient, lines)
    document = read_document(made)
    read = assemble(_coded(casefile.gather(document), codes), patient, document.sha256, terms)
    return read if codes else replace(read, original=Original(document.data, "case file"))


def _coded(gathered: Gathered, codes: Mapping[str, Sequence[str]]) -> Gathered:
    items = tuple(
        replace(item, codes=tuple(codes[item.read_from])) if item.read_from in codes else item
        for item in gathered.items
    )
    return replace(gathered, items=items)
