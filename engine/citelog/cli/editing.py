"""The command that an editor runs: a language server over standard input and output."""

from __future__ import annotations

import logging
import os
import sys

import click

from citelog.cli.console import check_extra, command
from citelog.diagnostics import CitelogError


@command("citelog lsp   (an editor runs it: engine/EDITORS.md says how to tell yours)")
@click.option("--stdio", is_flag=True, help="Over standard input and output; there is no other way.")
@click.option("--log", is_flag=True, help="Say on standard error what is going on.")
def lsp(stdio: bool, log: bool) -> None:
    """Answer an editor, in the Language Server Protocol: what is wrong while you type, what a name means, where it is.

    It knows rules, statements and terms of the knowledge base that a file belongs to, reads what you have not saved,
    and never writes a file.
    """
    check_extra("lsp", "edit", "pygls")
    if sys.stdin.isatty():
        raise CitelogError(
            "lsp is for an editor to run, not for a terminal", "engine/EDITORS.md says how to set yours up"
        )
    from citelog.edit.server import serve

    logging.basicConfig(stream=sys.stderr, level=logging.INFO if log else logging.ERROR)
    reader, writer = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever else would print: the protocol alone has the way out
    serve(reader, writer)


COMMANDS = (lsp,)
