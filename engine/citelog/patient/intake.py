"""The door of this layer: one record in, whatever its form, and one `Case` out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from citelog.diagnostics import CaseError
from citelog.patient import casefile, context
from citelog.patient.case import CHOSEN, Case, Gathered, Original
from citelog.patient.entries import sort
from citelog.patient.facts import notes
from citelog.patient.reading import Document, read_document
from citelog.patient.reading import document as document_of
from citelog.vocab import Terms


def read(source: str | Path | Mapping[str, Any], terms: Terms, of: str | None = None) -> Case:
    """Read a case file or a FHIR R4 record: a path, `-` for standard input, or either already parsed.

    `of` chooses one patient of a FHIR record about several, by id. Raises CaseError where the record cannot be used
    at all. Whatever is only partly usable is a note of the case.

    >>> case = read({"labs": [{"analyte": "serum ferritin", "value": "<5", "unit": "µg/L"}]}, Terms())
    >>> case.entries[0].sentence
    'Serum ferritin: <5 µg/L.'
    >>> case.notes[0].text
    'Serum ferritin: <5 µg/L. Not used: no analyte is known as "serum ferritin".'
    """
    return _case(read_document(source), terms, of)


def from_bytes(data: bytes, where: str, default_id: str, terms: Terms, of: str | None = None) -> Case:
    """Read a record that is at hand as bytes, as `read` does.

    `where` is what messages call it, `default_id` its id without one.
    """
    return _case(document_of(data, where, default_id), terms, of)


def _case(document: Document, terms: Terms, of: str | None) -> Case:
    if "resourceType" in document.tree:
        from citelog.patient.fhir import gather  # with its models a fifth of a second: only where a record is FHIR

        gathered, form = gather(document, terms, of), "FHIR R4" if of is None else CHOSEN
    elif of is not None:
        raise CaseError(
            document.where, f'a case file is about one patient, and "{of}" cannot be chosen', "leave it out"
        )
    else:
        gathered, form = casefile.gather(document), "case file"
    case = assemble(gathered, gathered.id or of or document.default_id, document.sha256, terms)
    return replace(case, original=Original(document.data, form))


def assemble(gathered: Gathered, id_: str, sha256: str, terms: Terms) -> Case:
    """The case that a reader's items and notes make."""
    sorted_ = sort((*gathered.items, *context.items(gathered.context, terms)), terms)
    remarks = {
        *gathered.notes,
        *sorted_.notes,
        *notes(sorted_.entries, terms),
        *context.notes(gathered.context, terms),
    }
    return Case(
        id=id_,
        sha256=sha256,
        entries=sorted_.entries,
        records=sorted_.records,
        notes=tuple(sorted(remarks)),
        expect=gathered.expect,
        context={key: value for key, (value, _) in gathered.context.items()},
        gathered=gathered,
    )
