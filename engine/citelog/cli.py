"""The commands. Results go to standard output, messages to standard error, and only this module prints.

Exit status: 0 done; 1 the command ran and its answer is "no"; 2 the input or the arguments cannot be
used, with a message that says where, what and what to try, and nothing on standard output; 3 a fault of
ours. No traceback reaches a user without --debug.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from citelog import home
from citelog.diagnostics import CaseError, CitelogError
from citelog.home import VERSION

if TYPE_CHECKING:
    from citelog.assess import Assessment
    from citelog.knowledge.base import Knowledge
    from citelog.render.text import Line


class No(Exception):
    """The command ran, and its answer is no: exit status 1."""


@click.group(epilog="Each command has --help with an example.")
@click.version_option(VERSION, message="citelog %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of a fault.")
def app(debug: bool) -> None:
    """Datalog that cites its sources: what a clinical document says about a patient, and why."""


_KB = click.option("--kb", metavar="NAME_OR_DIR", help="A knowledge base: a shipped one's name, or a folder.")
_AT = click.option("--at", metavar="DATE", help="The date of the assessment, as 2026-03-15. The clock is never read.")
_TEXT_OR_JSON = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to write it.",
)


@app.command(epilog="Example: citelog assess patient.yaml --format json")
@click.argument("cases", metavar="CASE…", nargs=-1, required=True)
@_KB
@_TEXT_OR_JSON
@_AT
def assess(cases: tuple[str, ...], kb: str | None, format_: str, at: str | None) -> None:
    """Every conclusion for a patient, each with its reasons and citations.

    CASE is a case file, a FHIR R4 record in JSON, or - for standard input.
    """
    found = _assess_all(_open(kb), cases, at)
    if format_ == "json":
        documents = [a.to_json() for a in found]
        _write(("[\n" + ",\n".join(documents) + "\n]" if len(cases) > 1 else documents[0]) + "\n")
        return
    from citelog.render import text

    lines: list[Line] = []
    for i, assessment in enumerate(found):
        lines += [text.Line("")] * (2 if i else 0)
        lines += text.assessment(assessment, _width())
    _print(lines)


@app.command(epilog="Example: citelog why patient.yaml regimen:HYD-STD-LOAD")
@click.argument("case", metavar="CASE")
@click.argument("conclusion", metavar="CONCLUSION")
@_KB
@_TEXT_OR_JSON
@click.option("--all", "every", is_flag=True, help="Show every step, also those that only read the record.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="Open the tree no deeper than this.")
@_AT
def why(
    case: str, conclusion: str, kb: str | None, format_: str, every: bool, depth: int | None, at: str | None
) -> None:
    """The proof of one conclusion: the record, the rules and the quoted sentences behind it.

    CONCLUSION is its id, as `citelog assess` shows it: kind:value.
    """
    from citelog.assess import NotConcludedError

    [assessment] = _assess_all(_open(kb), (case,), at)
    try:
        proofs = [assessment.why(id_) for id_ in assessment.ids(conclusion)]
    except NotConcludedError as error:
        raise No(str(error)) from error
    if format_ == "json":
        documents = [proof.to_dict() for proof in proofs]
        document = documents if len(documents) > 1 else documents[0]
        _write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        return
    from citelog.render import text

    lines: list[Line] = []
    for i, proof in enumerate(proofs):
        lines += [text.Line("")] * (1 if i else 0)
        lines += text.proof(proof, assessment, every, depth, _width())
    _print(lines)


@app.command(epilog="Example: citelog check --kb my-guideline/")
@_KB
@_TEXT_OR_JSON
def check(kb: str | None, format_: str) -> None:
    """Everything wrong with a knowledge base, in one run."""
    from citelog.knowledge.check import check_folder

    folder = home.knowledge(kb).resolve()
    found = check_folder(folder)
    errors = sum(d.severity == "error" for d in found)
    if format_ == "json":
        _write(json.dumps([d.to_dict() for d in found], ensure_ascii=False, indent=2) + "\n")
    else:
        from citelog.render import text

        lines = list(text.findings(found))
        summary = (
            f"{folder.name}: {errors} error{'' if errors == 1 else 's'}" if errors else f"{folder.name}: nothing wrong"
        )
        _print([*lines, text.Line(summary, "bold red" if errors else "bold green")])
    if errors:
        raise No("")


def main(arguments: list[str] | None = None) -> None:
    """Run a command and end the process with its status."""
    given = sys.argv[1:] if arguments is None else arguments
    asked = [a for a in given if a != "--debug"]  # it may stand anywhere
    status = _guarded(lambda: app.main(asked, prog_name="citelog", standalone_mode=False), "--debug" in given)
    if arguments is None:  # all is written: taking the modules apart would be a tenth of the time
        os._exit(status)
    sys.exit(status)


def _guarded(run: Callable[[], Any], debug: bool) -> int:
    """Run a command; every way in which it can end has a status and, where it is not 0, a message."""
    try:
        status = run()
        return status if isinstance(status, int) else 0
    except No as answer:
        if str(answer):
            _say(str(answer))
        return 1
    except CitelogError as error:
        if debug:
            traceback.print_exc()
        _say(str(error))
        return 2
    except click.ClickException as error:
        context = getattr(error, "ctx", None)
        message = error.format_message()
        told = message.startswith("Usage:")
        _say(message if told else f"{message}\n   = try: {context.command_path if context else 'citelog'} --help")
        return 2
    except (KeyboardInterrupt, click.Abort):
        _say("stopped")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: nothing more is written
        return 0
    except Exception as error:  # noqa: BLE001  the last resort: a fault of ours, told as one
        if debug:
            traceback.print_exc()
        _say(
            f"a fault of citelog: {type(error).__name__}: {error}\n   = run again with --debug and report what it shows"
        )
        return 3


# what the commands share


def _open(kb: str | None) -> Knowledge:
    from citelog.knowledge.cache import open_knowledge

    return open_knowledge(kb)


def _assess_all(knowledge: Knowledge, sources: tuple[str, ...], at: str | None) -> list[Assessment]:
    """All cases, or one error that names every unusable one."""
    from citelog import patient
    from citelog.assess import assess_case
    from citelog.patient.case import Case

    cases: list[Case] = []
    unusable: list[str] = []
    for source in sources:
        try:
            case = patient.read(source if source == "-" else Path(source), knowledge.terms)
            if any(case.id == other.id for other in cases):
                raise CaseError(
                    source, f"the id {case.id} is taken by another case of this call", "give each its own id"
                )
            cases.append(case)
        except CaseError as error:
            unusable.append(str(error))
    if unusable:
        raise CitelogError("\n".join(unusable))
    return [assess_case(knowledge, case, at) for case in cases]


def _say(text: str) -> None:
    """A message to people, on standard error; where that is closed or full, the status alone must tell."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(text, file=sys.stderr, flush=True)


def _write(text: str) -> None:
    """A result, on standard output, in UTF-8 whatever the locale."""
    remedy = "make room for it, or send it elsewhere"
    if sys.stdout is None:  # closed by the caller
        raise CitelogError(f"standard output: it is closed, and the answer has nowhere to go\n   = {remedy}")
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CitelogError(f"standard output: the answer cannot be written: {error.strerror}\n   = {remedy}") from error


def _width() -> int:
    from shutil import get_terminal_size

    return max(40, min(120, get_terminal_size((100, 24)).columns))


def _print(lines: Iterable[Line]) -> None:
    """Lines of text: in colour where a terminal reads them and NO_COLOR is not set, plain elsewhere."""
    if sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False, soft_wrap=True)
        for line in lines:
            console.print(Text.assemble(line.lead, (line.text, line.style)))
    else:
        _write("".join(f"{line.lead}{line.text}\n" for line in lines))
