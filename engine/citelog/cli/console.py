"""What the commands share: how they end, what they read, and how they print. Only this module writes to the terminal.

Exit status: 0 done; 1 the command ran and its answer is "no"; 2 the input or the arguments cannot be
used, with a message that says where, what and what to try, and nothing on standard output; 3 a fault of
ours. No traceback reaches a user without --debug.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import click

from citelog import home
from citelog.cli import interrupts
from citelog.cli.proposed import complete, completed, completing
from citelog.diagnostics import STEERING, CaseError, CitelogError, advised, proposal

if TYPE_CHECKING:
    from citelog.assess import Assessment
    from citelog.knowledge.base import Knowledge
    from citelog.patient.case import Case
    from citelog.render.lines import Line


T = TypeVar("T")

_STEERING = re.compile(rf"[\r{STEERING}]")


def _seen(text: str) -> str:
    """A text in which nothing steers the terminal: messages repeat arguments, and lines repeat records.

    >>> print(_seen("two\\x1b[2J \\u202elines"))
    two\\x1b[2J \\u202elines
    """
    return _STEERING.sub(lambda m: f"\\x{ord(m[0]):02x}" if ord(m[0]) < 256 else f"\\u{ord(m[0]):04x}", text)


class No(Exception):
    """The command ran, and its answer is no: exit status 1."""


class Asked(click.Command):
    """A command; what it proposes where it refuses is completed with what it was given (`cli.proposed`)."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it, for `click`."""
        with completing():
            return super().invoke(ctx)


def command(line: str, name: str | None = None) -> Callable[[Callable[..., Any]], Asked]:
    """Make a function a command, whose help ends with `line`, an example; `name` it where it is not the function's."""
    return click.command(name, cls=Asked, epilog=example(line))


def example(line: str) -> str:
    """What the help of a command ends with: a line to copy, which is not broken however narrow the terminal is."""
    return f"\b\nExample: {line}"


class Listed(Asked, click.Group):
    """Commands, listed in sections if there are any, each with the whole sentence that says what it does."""

    command_class = Asked

    def __init__(self, *args: Any, sections: Mapping[str, Sequence[str]] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.sections = sections

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, for `click`."""
        size = max(map(len, self.commands))
        for title, names in (self.sections or {"Commands": sorted(self.commands)}).items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(size), self.commands[name].get_short_help_str(500)) for name in names])


KB = click.option(
    "--kb",
    metavar="NAME_OR_DIR",
    help="A knowledge base: a shipped one's name, or a folder; without it, the one that is shipped as the default.",
)
AT = click.option("--at", metavar="DATE", help="The date of the assessment, as 2026-03-15. The clock is never read.")

PATIENT = click.option(
    "--patient", "of", metavar="ID", help="Of a FHIR record about several patients, the one who is meant."
)

POPULATION = click.option(
    "--population",
    metavar="OUT",
    help="Answers that `citelog population` wrote: CASE is then the id of a patient in them.",
)


def forms(*names: str) -> Callable[[Any], Any]:
    """The option that chooses a form; the first is the default."""
    return click.option(
        "--format", "form", type=click.Choice(names), default=names[0], show_default=True, help="How to write it."
    )


def meant_as_kb(word: str, asked: str) -> str | None:
    """What to try where a folder is named, and no option says that it is a knowledge base; None for any other word."""
    meant = proposal(*asked.split(), "--kb", word)
    return f"a knowledge base stands after --kb: {meant}" if os.path.isdir(word) else None


def _remedy(message: str, error: click.ClickException) -> str:
    """What to try where click cannot use the arguments."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "citelog"
    extra = re.fullmatch(r"Got unexpected extra argument \((.*)\)", message)
    if context and extra and any(parameter.name == "kb" for parameter in context.command.params):
        remedy = meant_as_kb(extra[1], path.removeprefix("citelog "))
    else:
        remedy = None
    return remedy or f"try: {path} --help"


_SHORT = {
    errno.EMFILE: ("too many files are open", "let the process open more of them: ulimit -n"),
    errno.ENFILE: ("too many files are open on this machine", "see which program has them open"),
    errno.EAGAIN: ("there is no room for another process", "let the user have more of them: ulimit -u"),
    errno.ENOMEM: ("there is not enough memory", "let the process have more, or ask for less at a time"),
}
"""What a process has too few of, and what to try."""


def guarded(run: Callable[[], Any], debug: bool) -> int:
    """Run a command; every way in which it can end has a status and, where it is not 0, a message."""
    try:
        status = interrupts.interruptible(run)
        return status if isinstance(status, int) else 0
    except No as answer:
        if str(answer):
            say(str(answer))
        return 1
    except CitelogError as error:
        if debug:
            traceback.print_exc()
        say(str(error))
        return 2
    except click.ClickException as error:
        message = error.format_message()
        say(message if message.startswith("Usage:") else advised(message, _remedy(message, error)))
        return 2
    except (KeyboardInterrupt, click.Abort):
        say(interrupts.WORDS)
        return interrupts.STATUS
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads on: nothing more is written
        return 0
    except OSError as error:  # a name that no file can have, a folder without rights: refused where nobody foresaw it
        if debug:
            traceback.print_exc()
        if error.errno in _SHORT:
            say(advised(*_SHORT[error.errno]))
            return 2
        where = error.filename if error.filename is not None else "the output"
        remedy = getattr(error, "remedy", "see whether the path, the rights and the disk allow it")
        say(advised(f"{where}: {error.strerror or error}", remedy))
        return 2
    except MemoryError:
        return _starved("memory")
    except ImportError as error:
        if debug:
            traceback.print_exc()
        what = f"the library {error.name} cannot be loaded" if error.name else "a library cannot be loaded"
        remedy = "install citelog again, with what it needs; or let the process have more memory"
        say(advised(f"{what}: {error}", remedy))
        return 2
    except BaseException as error:  # noqa: BLE001  the last resort, a panic of Rust too: a fault of ours, told as one
        if _is_interrupt(error):
            say(interrupts.WORDS)
            return interrupts.STATUS
        if type(error).__name__ == "OutOfMemoryException":  # DuckDB's, whatever it was doing
            return _starved("memory")
        if str(error) == "can't start new thread":
            return _starved("memory for another thread")
        if debug:
            traceback.print_exc()
        what = f"a fault of citelog: {type(error).__name__}: {error}"
        say(advised(what, "run again with --debug and report what it shows"))
        return 3


def _is_interrupt(error: BaseException) -> bool:
    """Whether this is what DuckDB makes of Ctrl-C: as it computes, and as it asks Python for a table."""
    return str(error) == "Query interrupted" or (
        type(error).__module__ == "_duckdb" and "KeyboardInterrupt" in str(error)
    )


def _starved(of: str) -> int:
    say(advised(f"there is not enough {of}", "let the process have more, or ask for less at a time"))
    return 2


def tested_below(knowledge: Knowledge | None = None) -> None:
    """Refuse to go on where the reasoner or the checker is not what was tested; tell of libraries that are others."""
    from citelog import selftest

    selftest.check(knowledge)
    if others := selftest.untested():
        say(f"libraries other than those tested: {'; '.join(others)}")


def open_base(kb: str | None) -> Knowledge:
    """The knowledge base that --kb names."""
    from citelog.knowledge.cache import open_knowledge

    return open_knowledge(kb)


def assess_all(
    knowledge: Knowledge,
    sources: tuple[str, ...],
    at: str | None,
    population: str | None = None,
    of: str | None = None,
) -> list[Assessment]:
    """All cases, or one error that names every unusable one.

    With `population`, sources are ids of patients in it; `of` is the patient who is meant in each record.
    """
    if population is not None and of is not None:
        raise CitelogError("--patient: in a population, CASE is the patient already", "leave --patient out")
    if population is not None:
        return _of_population(knowledge, sources, at, population)
    from citelog import patient
    from citelog.assess import assess_case

    cases: list[Case] = []
    unusable: list[str] = []
    for place, source in enumerate(sources):
        try:
            if source == "-" in sources[:place]:
                raise CaseError("standard input", "it is named twice", "it holds one case: name the other by its file")
            case = patient.read(source if source == "-" else Path(source), knowledge.terms, of)
            if any(case.id == other.id for other in cases):
                raise CaseError(
                    source, f"the id {case.id} is taken by another case of this call", "give each its own id"
                )
            cases.append(case)
        except CaseError as error:
            unusable.append(str(complete(error)))
    if unusable:
        raise CitelogError("\n".join(unusable))
    return [assess_case(knowledge, case, at) for case in cases]


def _of_population(
    knowledge: Knowledge, patients: tuple[str, ...], at: str | None, population: str
) -> list[Assessment]:
    if at is not None:
        raise CitelogError("--at: the answers have a day of their own", "leave --at out")
    check_extra("--population", "population", "duckdb", "pyarrow", "ibis")
    from citelog.population.opened import opened

    answers = opened(Path(population))
    return [answers.assessment(patient, knowledge) for patient in patients]


def check_extra(what: str, extra: str, *modules: str) -> None:
    """Refuse what needs packages that are not installed; `extra` brings them."""
    from importlib.util import find_spec

    if missing := [name for name in modules if find_spec(name) is None]:
        remedy = f"pip install 'citelog[{extra}]'; in a clone: .venv/bin/pip install --editable '.[{extra}]'"
        raise CitelogError(f"{what} needs {', '.join(missing)}", remedy)


def say(text: str) -> None:
    """A message to people, on standard error; where that is closed or full, the status alone must tell."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            print(_seen(text), file=sys.stderr, flush=True)


def write_json(document: Any) -> None:
    """A document, on standard output."""
    write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")


def write(result: str | bytes) -> None:
    """A result, on standard output, text in UTF-8 whatever the locale."""
    remedy = "make room for it, or send it elsewhere"
    if sys.stdout is None:  # closed by the caller
        raise CitelogError("standard output: it is closed, and the answer has nowhere to go", remedy)
    try:
        sys.stdout.flush()
        # a file can have any name: what is no text of it is written as it is
        sys.stdout.buffer.write(result.encode(errors="surrogateescape") if isinstance(result, str) else result)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CitelogError(f"standard output: the answer cannot be written: {error.strerror}", remedy) from error


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """The items one by one, with a bar on standard error while they take long; only a terminal is shown it."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield from items
        return
    from rich.console import Console
    from rich.progress import track

    yield from track(items, what, total, console=Console(stderr=True), transient=True)


@contextlib.contextmanager
def meter() -> Iterator[Callable[[str, int, int], None]]:
    """A bar on standard error that is told what is done, how far, and of how much; only a terminal is shown it."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("")
        yield lambda what, done, total: shown.update(task, description=what, completed=done, total=total)


def address(path: Path) -> str:
    """A file as a URI: from the working directory if it is in it."""
    here = Path.cwd()
    return quote(path.relative_to(here).as_posix()) if path.is_relative_to(here) else path.as_uri()


def width() -> int:
    """The columns to write in."""
    from shutil import get_terminal_size

    return max(40, min(120, get_terminal_size((100, 24)).columns))


def print_lines(lines: Iterable[Line], kb: str | None = None) -> None:
    """Lines of text: in colour and with links where a terminal reads them and NO_COLOR is not set, plain elsewhere."""
    lines = (replace(line, text=completed(line.text)) if line.proposes else line for line in lines)
    if sys.stdout is not None and sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        from rich.console import Console
        from rich.text import Text

        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")  # as `write` has it, whatever the locale
        console = Console(highlight=False, soft_wrap=True)
        folder = home.knowledge(kb).resolve()
        for line in lines:
            link = f" link {(folder / line.link.partition('/')[2]).as_uri()}" if line.link else ""
            console.print(Text.assemble(line.lead, (_seen(line.text), f"{line.style}{link}".strip())))
    else:
        write("".join(f"{line.lead}{_seen(line.text)}\n" for line in lines))
