"""The commands of an auditor: what a knowledge base rests on, counted; others are attached to the same group."""

from __future__ import annotations

import json

import click

from citelog.cli.console import KB, forms, open_base, print_lines, width, write


@click.group(invoke_without_command=True, epilog="Example: citelog audit --kb my-guideline/")
@KB
@forms("text", "json")
@click.pass_context
def audit(context: click.Context, kb: str | None, form: str) -> None:
    """What a knowledge base rests on, counted: from the sentences of its document to what is concluded, and back.

    Each figure has a code, a count, what it means, and the place of each thing that it counts.
    """
    if context.invoked_subcommand is not None:
        return
    from citelog.audit.figures import audit as figures

    found = figures(open_base(kb))
    if form == "json":
        write(json.dumps(found.to_dict(), ensure_ascii=False, indent=2) + "\n")
        return
    from citelog.render.audited import audited

    print_lines(audited(found, width()), kb)


COMMANDS = (audit,)
