"""The commands of an auditor: what a knowledge base rests on, counted; others are attached to the same group."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from citelog import home
from citelog.cli.console import KB, Listed, No, example, forms, meter, print_lines, width, write, write_json
from citelog.cli.logs import log
from citelog.diagnostics import CitelogError, KnowledgeError

if TYPE_CHECKING:
    from citelog.audit.gates import Failed
    from citelog.audit.model import Audit
    from citelog.audit.subject import Subject


@click.group(
    cls=Listed,
    invoke_without_command=True,
    epilog=example("citelog audit --kb my-guideline/ --fail-on advice-open"),
)
@KB
@forms("text", "json", "html", "csv")
@click.option("--figure", "codes", metavar="CODE", multiple=True, help="Only this figure, whole; may be given again.")
@click.option(
    "--fail-on",
    "limits",
    metavar="CODE[>N]",
    multiple=True,
    help="End with status 1 if the figure counts anything, or more than N; may be given again.",
)
@click.option("--traceability", is_flag=True, help="The way from each sentence to each conclusion, and back.")
@click.pass_context
def audit(
    context: click.Context,
    kb: str | None,
    form: str,
    codes: tuple[str, ...],
    limits: tuple[str, ...],
    traceability: bool,
) -> None:
    """What a knowledge base rests on, counted: from the sentences of its document to what is concluded, and back.

    Each figure has a code, a count, what it means, and the place of each thing that it counts. What is broken ends
    the command with status 1; so does every gate that is not passed, of --fail-on and of the knowledge base itself
    (cl:gate "CODE>N" in about.ttl). The page (--format html) prints as a document with numbered pages.
    """
    if (command := context.invoked_subcommand) is not None:
        _for_itself(context, command)
        return
    from citelog.audit import gates
    from citelog.audit.report import audited

    asked = [gates.gate(one) for one in limits]
    wanted = [gates.gate(one).code for one in codes]
    if form == "csv" and not traceability:
        raise CitelogError("--format csv is a table of links", "ask for it with --traceability")
    if wanted and (traceability or form == "html"):
        raise CitelogError("--figure chooses among figures in text and JSON", "leave it out here")
    of = _read(kb)
    asked += gates.kept(of)
    found = audited(of)
    failed = gates.failed(found, asked)
    if traceability:
        _print_trace(found, failed, of, form, kb)
    else:
        _print_audit(found, failed, of, form, wanted, kb)
    if failed:
        raise No("\n".join(map(str, failed)))


def _for_itself(context: click.Context, command: str) -> None:
    """Refuse options that stand before another command of the group: they would be read, and say nothing."""
    for option in context.command.params:
        if option.name and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE:
            written = option.opts[0]
            raise CitelogError(
                f"{written} stands before {command}, where it is for the report without a command",
                f"write it behind {command}; see `citelog audit {command} --help`",
            )


def _read(kb: str | None) -> Subject:
    """The knowledge base that --kb names, with its cases run."""
    from citelog.audit.subject import subject

    with meter() as tick:
        of = subject(home.knowledge(kb).resolve(), tick=tick)
    unread = [one for one in of.findings if one.code in ("rdf-syntax", "not-utf-8") and one.severity == "error"]
    if unread := [one for one in unread if one.span.file.endswith((".ttl", ".trig"))]:
        raise KnowledgeError(unread)
    return of


def _print_audit(
    found: Audit, failed: tuple[Failed, ...], of: Subject, form: str, wanted: list[str], kb: str | None
) -> None:
    if form == "json":
        chosen = [one for one in found.figures if not wanted or one.code in wanted]
        document = found.to_dict() | {"figures": [one.to_dict() for one in chosen]}
        write_json(document | {"failed": [one.to_dict() for one in failed]})
    elif form == "html":
        from citelog.audit.tracing import trace
        from citelog.reports.audit_page import audit_page

        write(audit_page(found, failed, trace(of) if of.knowledge else None, of.knowledge))
    else:
        from citelog.reports.audited import audited, figures

        print_lines(figures(map(found.figure, wanted), width()) if wanted else audited(found, width()), kb)


def _print_trace(found: Audit, failed: tuple[Failed, ...], of: Subject, form: str, kb: str | None) -> None:
    from citelog.audit.trace import FORMAT
    from citelog.audit.tracing import trace
    from citelog.diagnostics import KnowledgeError

    if of.knowledge is None:
        raise KnowledgeError(one for one in of.findings if one.severity == "error")
    traced = trace(of)
    if form == "json":
        whose = {"id": found.knowledge, "version": found.version, "sha256": found.sha256}
        write_json({"format": FORMAT, "knowledge": whose} | traced.to_dict())
    elif form == "csv":
        from citelog.reports.traced import table

        write(table(traced))
    elif form == "html":
        from citelog.reports.audit_page import audit_page

        write(audit_page(found, failed, traced, of.knowledge, whole=False))
    else:
        from citelog.reports.traced import traced as lines

        print_lines(lines(traced, of.knowledge.source, width()), kb)


audit.add_command(log)
COMMANDS = (audit,)
