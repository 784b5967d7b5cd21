"""The commands. Results go to standard output, messages to standard error, and only this module prints.

Exit status: 0 done; 1 the command ran and its answer is "no"; 2 the input or the arguments cannot be
used, with a message that says where, what and what to try, and nothing on standard output; 3 a fault of
ours. No traceback reaches a user without --debug.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from citelog.diagnostics import CaseError, CitelogError

if TYPE_CHECKING:
    from citelog.assess import Assessment
    from citelog.knowledge.base import Knowledge
    from citelog.render.text import Line

app = typer.Typer(
    name="citelog",
    help="Datalog that cites its sources: what a clinical document says about a patient, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

KnowledgeOption = Annotated[
    str | None, typer.Option("--kb", metavar="NAME_OR_DIR", help="A knowledge base: a shipped one's name, or a folder.")
]
DateOption = Annotated[
    str | None,
    typer.Option("--at", metavar="DATE", help="The date of the assessment, as 2026-03-15. The clock is never read."),
]
CaseArgument = Annotated[
    str, typer.Argument(metavar="CASE", help="A case file, a FHIR R4 record in JSON, or - for standard input.")
]


class AssessFormat(StrEnum):
    """How an assessment is written."""

    text = "text"
    json = "json"


class WhyFormat(StrEnum):
    """How a proof is written."""

    text = "text"
    json = "json"


class No(Exception):
    """The command ran, and its answer is no: exit status 1."""


@app.callback(invoke_without_command=False)
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of a fault.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=lambda asked: _version(asked))
    ] = False,
) -> None:
    """Options of every command."""


@app.command(epilog="Example: citelog assess patient.yaml --format json")
def assess(
    cases: Annotated[
        list[str], typer.Argument(metavar="CASE…", help="Case files, FHIR R4 records in JSON, or - for standard input.")
    ],
    kb: KnowledgeOption = None,
    format: Annotated[AssessFormat, typer.Option(help="How to write the answer.")] = AssessFormat.text,
    at: DateOption = None,
) -> None:
    """Every conclusion for a patient, each with its reasons and citations."""
    knowledge = _open(kb)
    found = _assess_all(knowledge, cases, at)
    if format is AssessFormat.json:
        documents = [a.to_dict() for a in found]
        _write(json.dumps(documents if len(cases) > 1 else documents[0], ensure_ascii=False, indent=2) + "\n")
        return
    from citelog.render import text

    lines: list[Line] = []
    for i, assessment in enumerate(found):
        lines += [text.Line("")] * (2 if i else 0)
        lines += text.assessment(assessment, _width())
    _print(lines)


@app.command(epilog="Example: citelog why patient.yaml regimen:HYD-STD-LOAD")
def why(
    case: CaseArgument,
    conclusion: Annotated[str, typer.Argument(metavar="CONCLUSION", help="Its id, as in `assess`: kind:value.")],
    kb: KnowledgeOption = None,
    format: Annotated[WhyFormat, typer.Option(help="How to write the proof.")] = WhyFormat.text,
    every: Annotated[
        bool, typer.Option("--all", help="Show every step, also those that only read the record.")
    ] = False,
    depth: Annotated[int | None, typer.Option(min=1, help="Open the tree no deeper than this.")] = None,
    at: DateOption = None,
) -> None:
    """The proof of one conclusion: the record, the rules and the quoted sentences behind it."""
    from citelog.assess import NotConcludedError

    knowledge = _open(kb)
    [assessment] = _assess_all(knowledge, [case], at)
    try:
        proof = assessment.why(conclusion)
    except NotConcludedError as error:
        raise No(str(error)) from error
    if format is WhyFormat.json:
        _write(json.dumps(proof.to_dict(), ensure_ascii=False, indent=2) + "\n")
        return
    from citelog.render import text

    _print(text.proof(proof, assessment, every, depth, _width()))


@app.command(epilog="Example: citelog check --kb my-guideline/")
def check(
    kb: KnowledgeOption = None,
    format: Annotated[WhyFormat, typer.Option(help="How to write the findings.")] = WhyFormat.text,
) -> None:
    """Everything wrong with a knowledge base, in one run."""
    from citelog import home
    from citelog.knowledge.check import check_folder

    folder = home.knowledge(kb)
    found = check_folder(folder)
    errors = sum(d.severity == "error" for d in found)
    if format is WhyFormat.json:
        listed = [
            {
                "severity": d.severity,
                "code": d.code,
                "file": d.span.file,
                "line": d.span.line,
                "column": d.span.column,
                "message": d.message,
                "hint": d.hint,
            }
            for d in found
        ]
        _write(json.dumps(listed, ensure_ascii=False, indent=2) + "\n")
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
    debug = "--debug" in given
    arguments = [a for a in given if a != "--debug"]
    sys.exit(_guarded(lambda: app(arguments, standalone_mode=False, prog_name="citelog"), debug))


def _guarded(run: Callable[[], Any], debug: bool) -> int:
    """Run a command; every way in which it can end has a status and, where it is not 0, a message."""
    from typer.exceptions import TyperException

    try:
        status = run()
        sys.stdout.flush()
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
    except TyperException as error:
        context = getattr(error, "ctx", None)
        message = error.format_message()
        _say(
            message
            if "Usage:" in message
            else f"{message}\n   = try: {context.command_path if context else 'citelog'} --help"
        )
        return 2
    except (KeyboardInterrupt, typer.Abort):
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


def _version(asked: bool) -> None:
    if asked:
        from citelog.home import VERSION

        print(f"citelog {VERSION}")
        raise typer.Exit


def _open(kb: str | None) -> Knowledge:
    from citelog.knowledge.cache import open_knowledge

    return open_knowledge(kb)


def _assess_all(knowledge: Knowledge, sources: list[str], at: str | None) -> list[Assessment]:
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
    """A message to people, on standard error."""
    print(text, file=sys.stderr)


def _write(text: str) -> None:
    """A result, on standard output, in UTF-8 whatever the locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _width() -> int:
    from shutil import get_terminal_size

    return max(60, min(120, get_terminal_size((100, 24)).columns))


def _print(lines: Iterable[Line]) -> None:
    """Lines of text: in colour where a terminal reads them and NO_COLOR is not set, plain elsewhere."""
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        from rich.console import Console
        from rich.text import Text

        console = Console(highlight=False, soft_wrap=True)
        for line in lines:
            console.print(Text(line.text, style=line.style))
    else:
        _write("".join(f"{line.text}\n" for line in lines))
