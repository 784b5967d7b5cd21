"""Every form that a knowledge base can be exported in, by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from citelog.diagnostics import CitelogError, did_you_mean
from citelog.export import fhir, nanopub, programs, rdf
from citelog.export.subject import File, Subject

FORMS: Mapping[str, Callable[[Subject], tuple[File, ...]]] = {
    "nquads": rdf.nquads,
    "trig": rdf.trig,
    "nanopub": nanopub.nanopubs,
    "fhir": fhir.bundle,
    **{name: partial(programs.program, name) for name in programs.LANGUAGES},
}


def export(form: str, subject: Subject) -> tuple[File, ...]:
    """The files of an export. Raises ExportError where the form cannot say exactly what the knowledge says.

    The same subject gives the same bytes on every machine.
    """
    if form not in FORMS:
        hint = did_you_mean(form, FORMS) or f"forms are {', '.join(FORMS)}"
        raise CitelogError(f"export: there is no form {form}", hint)
    return FORMS[form](subject)
