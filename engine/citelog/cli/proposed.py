"""Commands that an answer or a message proposes, completed so that they ask the same of the same.

Whoever proposes one, in whatever layer, writes it as it is without options: `citelog why CASE treat:immediate`
(`diagnostics.proposal`). Nobody there knows how the reader named the knowledge base and the record. Here that is put
in, from what the command was given that is running: so what is proposed can be copied, and does what is said of it. A
command between backticks is only spoken of, and stays as it is.
"""

from __future__ import annotations

import contextlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace

import click

from citelog.diagnostics import CitelogError, KnowledgeError

_CARRIED = ("--kb", "--at", "--patient", "--population")
"""Options that say of what, of whom and as of when something is asked, and mean the same in every command."""

_NAMED = ("CASE", "LOG")
"""What stands in a proposed command for the record or the log that was named."""

_PROPOSED = re.compile(r"(?<!`)\bcitelog(?P<path>(?: [a-z][a-z-]*)+)")


def completed(text: str) -> str:
    """A text, each command that it proposes completed with what was given to the one that is running."""
    running = click.get_current_context(silent=True)
    if running is None:
        return text
    done, end = "", 0
    for found in _PROPOSED.finditer(text):
        command, written = _meant(running.find_root().command, found["path"].split())
        if command is None:
            continue
        after = found.start() + len(f"citelog {written}")
        done += text[end:after]
        rest = re.split(r"\bcitelog\b", text[after:], maxsplit=1)[0]
        end = after + len(rest)
        given = "".join(
            f" {option} {shlex.quote(value)}"
            for option in _CARRIED
            if option not in rest and option in _options(command) and (value := _given(running, option))
        )
        for name in _NAMED:
            if value := _given(running, name):
                rest = rest.replace(f" {name}", f" {shlex.quote(value)}", 1)
        done += given + rest
    return done + text[end:]


@contextlib.contextmanager
def completing() -> Iterator[None]:
    """Within, whatever is refused proposes commands that are complete."""
    try:
        yield
    except CitelogError as error:
        complete(error)
        raise


def complete(error: CitelogError) -> CitelogError:
    """The same error, the commands completed that it proposes; what it says is wrong stays as it is."""
    error.remedy = completed(error.remedy)
    if isinstance(error, KnowledgeError):
        error.diagnostics = tuple(replace(one, hint=completed(str(one.hint))) for one in error.diagnostics)
        error.what = "\n".join(map(str, error.diagnostics))
    return error


def _meant(command: click.Command, words: list[str]) -> tuple[click.Command | None, str]:
    """The command that the first of some words name, and these words; None where they name none."""
    taken = 0
    while taken < len(words) and isinstance(command, click.Group) and words[taken] in command.commands:
        command = command.commands[words[taken]]
        taken += 1
    return (command if taken else None), " ".join(words[:taken])


def _options(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts}


def _given(running: click.Context, name: str) -> str:
    """What the running command was given for an option or, by its name in capitals, for a record or a log.

    Empty where it was given nothing, several, or what cannot be read twice.
    """
    for parameter in running.command.params:
        called = (parameter.metavar or "").strip("[]…")
        if name in parameter.opts or name == called:
            value = running.params.get(parameter.name or "")
            values = value if isinstance(value, tuple) else (value,)
            if len(values) == 1 and values[0] not in (None, "-"):
                return str(values[0])
    return ""
