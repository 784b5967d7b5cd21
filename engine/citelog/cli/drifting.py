"""The command that lays a new edition of the document beside a knowledge base."""

from __future__ import annotations

from pathlib import Path

import click

from citelog import home
from citelog.cli.console import KB, No, command, forms, print_lines, progress, width, write, write_json
from citelog.diagnostics import CitelogError


@command("citelog audit drift guideline-2027.txt --kb my-guideline/")
@click.argument("document", metavar="NEW")
@KB
@forms("text", "json", "html")
@click.option("--all", "every", is_flag=True, help="Name every case and every quote, not only the first.")
@click.option(
    "--fail-on",
    "limits",
    metavar="CODE[>N]",
    multiple=True,
    help="End with status 1 only if a figure counts anything, or more than N, or a link is broken; again for more.",
)
@click.option("--write", "folder", metavar="DIR", help="Also make a copy of the knowledge base with NEW pinned in it.")
def drift(
    document: str,
    kb: str | None,
    form: str,
    every: bool,
    limits: tuple[str, ...],
    folder: str | None,
) -> None:
    """A new edition of the document: which quotes moved, changed or vanished, what is new, and what rests on it.

    NEW is a text file. Numbers, units and words that say no are marked before other words. Ends with status 1 where the
    documents differ; with --fail-on, where a gate is not passed or the words of a statement are no longer there.

    --write copies the knowledge base to DIR, pins NEW, and puts every quote that is still there in its place; what
    changed or vanished stays as it was, so that `citelog check --kb DIR` lists what is left to do.
    """
    from citelog.audit import gates
    from citelog.author.documents import read
    from citelog.compare.editions import edition
    from citelog.drift.compared import drift as compared
    from citelog.drift.report import CODES

    asked = [gates.gate(one, known=CODES) for one in limits]
    new = read(Path(document))
    before = edition(home.knowledge(kb).resolve(), kb or "the knowledge base")
    found = compared(before, new.source, progress)
    if folder is not None:
        from citelog.drift.pinned import pin

        if found.same:
            raise CitelogError(f"--write: {document} is the document that is pinned", "there is nothing to write")
        pinned = pin(found, new, Path(folder))
    failed = gates.failed(found, asked) if limits else ()
    if form == "json":
        data = found.to_dict() | {"failed": [one.to_dict() for one in failed]}
        write_json(data)
    elif form == "html":
        from citelog.reports.beside import page

        write(page(found))
    else:
        from citelog.reports.drifted import drifted

        print_lines(drifted(found, every, width()), kb)
    if folder is not None:
        from citelog.cli.console import say

        say(str(pinned))
    if failed:
        raise No("\n".join(map(str, failed)))
    if not found.same and not limits:
        raise No("")


COMMANDS = (drift,)
