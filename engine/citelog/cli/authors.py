"""The commands about a knowledge base and about what citelog writes: what is wrong with it, which form it has."""

from __future__ import annotations

import json
from pathlib import Path

import click

from citelog import home
from citelog.cli.console import KB, No, forms, open_base, print_lines, save, say, width, write
from citelog.diagnostics import CitelogError


@click.command(epilog="Example: citelog check --kb my-guideline/")
@KB
@forms("text", "json")
def check(kb: str | None, form: str) -> None:
    """Everything wrong with a knowledge base, in one run."""
    from citelog.knowledge.check import check_folder

    folder = home.knowledge(kb).resolve()
    found = check_folder(folder)
    errors = sum(d.severity == "error" for d in found)
    if form == "json":
        write(json.dumps([d.to_dict() for d in found], ensure_ascii=False, indent=2) + "\n")
    else:
        from citelog.render import text
        from citelog.render.lines import Line

        lines = list(text.findings(found))
        summary = (
            f"{folder.name}: {errors} error{'' if errors == 1 else 's'}" if errors else f"{folder.name}: nothing wrong"
        )
        print_lines([*lines, Line(summary, "bold red" if errors else "bold green")])
    if errors:
        raise No("")


@click.command(epilog="Example: citelog test --kb my-guideline/ symptoms")
@click.argument("words", metavar="[WORD…]", nargs=-1)
@KB
@forms("text", "json")
@click.option("--junit", metavar="FILE", help="Write the outcome as JUnit XML too.")
@click.option("--accept", is_flag=True, help="Renew the proofs that cases keep as text, to be reviewed.")
def test(words: tuple[str, ...], kb: str | None, form: str, junit: str | None, accept: bool) -> None:
    """A knowledge base tried on its own cases: what is expected, and whether it is so.

    WORD chooses the cases whose name holds it.
    """
    from citelog.trial import expectations

    knowledge, folder = open_base(kb), home.knowledge(kb)
    files = expectations.case_files(folder, words)
    if not files:
        raise CitelogError(
            f"{folder / 'cases'}: no case{' of that name' if words else ''}\n   = engine/CASES.md says how to write one"
        )
    found = []
    for file in files:
        trial, assessment = expectations.tried(knowledge, file)
        if accept and assessment is not None and assessment.case.expect is not None:
            for path in expectations.accept(assessment, assessment.case.expect, file):
                say(f"renewed {path}")
            trial, _ = expectations.tried(knowledge, file)
        found.append(trial)
    if junit is not None:
        from citelog.trial.junit import xml

        save(Path(junit), xml(found, knowledge.id))
    if form == "json":
        write(json.dumps([trial.to_dict() for trial in found], ensure_ascii=False, indent=2) + "\n")
    else:
        from citelog.render.trials import trials

        print_lines(trials(found, knowledge, width()), kb)
    if any(trial.failures for trial in found):
        raise No("")


@click.command(epilog="Example: citelog show G06")
@click.argument("id_", metavar="ID")
@KB
@forms("text", "json")
def show(id_: str, kb: str | None, form: str) -> None:
    """A statement, rule, conflict, predicate or term, with its quote and where it is used."""
    from citelog.knowledge.lookup import find

    knowledge = open_base(kb)
    found = find(knowledge, id_)
    if form == "json":
        documents = [one.to_dict() for one in found]
        write(json.dumps(documents if len(documents) > 1 else documents[0], ensure_ascii=False, indent=2) + "\n")
        return
    from citelog.render.text import found as lines

    print_lines(line for one in found for line in lines(one, knowledge, width()))


@click.command(epilog="Example: citelog schema proof")
@click.argument("name", metavar="NAME", required=False)
def schema(name: str | None) -> None:
    """The JSON Schema of a document that citelog writes; without NAME, the names that there are."""
    from citelog import schemas

    write(
        json.dumps(schemas.schema(name), ensure_ascii=False, indent=2) + "\n"
        if name
        else "\n".join(schemas.names()) + "\n"
    )


COMMANDS = (check, test, show, schema)
