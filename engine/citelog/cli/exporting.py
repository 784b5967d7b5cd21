"""The command that writes a knowledge base, and what it concludes for a case, in the forms of other systems."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import click

from citelog import disk, home
from citelog.cli.console import AT, KB, assess_all, command, open_base, say, write
from citelog.diagnostics import CitelogError

FORMS = ("nquads", "trig", "nanopub", "fhir", "clingo", "nemo", "souffle", "swi", "archive")


@command("citelog export --to swi --case patient.yaml --out exported/")
@click.option("--to", "form", type=click.Choice(FORMS), required=True, help="The form: RDF, or a system's language.")
@click.option("--case", "cases", multiple=True, metavar="CASE", help="A patient's record, to be exported too: one.")
@click.option(
    "--out", default="-", show_default=True, metavar="DIR|FILE|-", help="A folder for the files; - prints them."
)
@KB
@AT
def export(form: str, cases: tuple[str, ...], out: str, kb: str | None, at: str | None) -> None:
    """The knowledge in other systems' forms; with a case, its facts and conclusions too.

    RDF: nquads, trig, and nanopub (unsigned nanopublications: of the statements, or of the case's conclusions).
    FHIR R4: the knowledge as PlanDefinition, ActivityDefinition and Library (docs/HOOKS.md).
    Programs that derive what citelog derives, with their citations: clingo, nemo, swi (SWI-Prolog); and souffle, which
    no test has run.
    An archive is one file with every file of this edition, the same on every machine (docs/RECEIPTS.md).
    """
    if form == "archive":
        _archive(out, kb, cases, at)
        return
    from citelog.export import forms
    from citelog.export.subject import Subject

    if len(cases) > 1:
        raise CitelogError(f"--case: {len(cases)} cases, and an export is of one", "export each by itself")
    from citelog.patient.dates import day

    knowledge = open_base(kb)
    assessment = assess_all(knowledge, cases, at)[0] if cases else None
    on = assessment.at if assessment else None if at is None else day(at, "--at")
    files = forms.export(form, Subject(knowledge, home.knowledge(kb), assessment, on))
    if out == "-":
        write("\n".join(file.text for file in files))
        return
    folder = Path(out)
    disk.folder(folder)
    disk.put_all({folder / file.name: file.text.encode() for file in files})
    say(f"{folder}: {len(files)} file{'' if len(files) == 1 else 's'} written")


def _archive(out: str, kb: str | None, cases: tuple[str, ...], at: str | None) -> None:
    from citelog.receipt import archive

    if cases:
        raise CitelogError("--case: an archive is of a knowledge base", "citelog assess --receipt keeps a case")
    if at is not None:
        raise CitelogError("--at: an archive is the same on any day", "leave it out")
    knowledge = open_base(kb)
    data = archive.archive(home.knowledge(kb), home.ontology(), knowledge)
    if out == "-":
        if sys.stdout is not None and sys.stdout.isatty():
            raise CitelogError("--out -: an archive is nothing for a terminal", "name a file with --out")
        write(data)
        return
    disk.keep(Path(out), data)
    say(f"{out}: {knowledge.id} {knowledge.version}, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


COMMANDS = (export,)
