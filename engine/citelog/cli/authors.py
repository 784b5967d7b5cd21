"""The commands about a knowledge base and about what citelog writes: what is wrong with it, which form it has."""

from __future__ import annotations

import json

import click

from citelog import home
from citelog.cli.console import KB, No, forms, print_lines, write


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


COMMANDS = (check, schema)
