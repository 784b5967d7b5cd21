"""The commands of an auditor: what a knowledge base rests on, counted; others are attached to the same group."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from citelog import home
from citelog.cli.console import KB, No, forms, meter, print_lines, width, write
from citelog.cli.logs import log
from citelog.diagnostics import CitelogError

if TYPE_CHECKING:
    from citelog.audit.model import Audit


@click.group(invoke_without_command=True, epilog="Example: citelog audit --kb my-guideline/ --fail-on advice-open")
@KB
@forms("text", "json")
@click.option("--figure", "codes", metavar="CODE", multiple=True, help="Only this figure, whole; may be given again.")
@click.option(
    "--fail-on",
    "limits",
    metavar="CODE[>N]",
    multiple=True,
    help="End with status 1 if the figure counts anything, or more than N; may be given again.",
)
@click.pass_context
def audit(context: click.Context, kb: str | None, form: str, codes: tuple[str, ...], limits: tuple[str, ...]) -> None:
    """What a knowledge base rests on, counted: from the sentences of its document to what is concluded, and back.

    Each figure has a code, a count, what it means, and the place of each thing that it counts. What is broken ends
    the command with status 1; so does every gate that is not passed, of --fail-on and of the knowledge base itself
    (cl:gate "CODE>N" in about.ttl).
    """
    if context.invoked_subcommand is not None:
        return
    from citelog.audit import gates
    from citelog.audit.report import audited
    from citelog.audit.subject import subject

    asked = [gates.gate(one) for one in limits]
    wanted = [gates.gate(one).code for one in codes]
    with meter() as tick:
        of = subject(home.knowledge(kb).resolve(), tick=tick)
    if unreadable := [
        one for one in of.findings if one.code in ("rdf-syntax", "not-utf-8") and _is_data(one.span.file)
    ]:
        raise CitelogError("\n".join(map(str, unreadable)))
    asked += gates.kept(of)
    found = audited(of)
    failed = gates.failed(found, asked)
    if form == "json":
        chosen = [one for one in found.figures if not wanted or one.code in wanted]
        document = found.to_dict() | {"figures": [one.to_dict() for one in chosen]}
        document["failed"] = [one.to_dict() for one in failed]
        write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
    else:
        _print(found, wanted, kb)
    if failed:
        raise No("\n".join(map(str, failed)))


def _is_data(file: str) -> bool:
    return file.endswith((".ttl", ".trig"))


def _print(found: Audit, wanted: list[str], kb: str | None) -> None:
    from citelog.render.audited import audited, figures

    print_lines(figures(map(found.figure, wanted), width()) if wanted else audited(found, width()), kb)


audit.add_command(log)
COMMANDS = (audit,)
