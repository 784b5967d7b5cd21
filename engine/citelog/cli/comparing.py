"""The command that compares two editions of a knowledge base."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from citelog import home
from citelog.cli.console import AT, KB, No, command, forms, print_lines, progress, width, write, write_json
from citelog.diagnostics import CitelogError
from citelog.listing import paths_in

if TYPE_CHECKING:
    from citelog.compare.editions import Edition
    from citelog.compare.effects import Subject


@command("citelog diff HEAD~1 --kb my-guideline/")
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="[NEW]", required=False)
@KB
@forms("text", "markdown", "json")
@click.option(
    "--patients", multiple=True, metavar="FILE|DIR", help="More records to compare on; a folder means all in it."
)
@click.option("--all", "every", is_flag=True, help="Both proofs of every effect, whole, for every case.")
@click.option(
    "--pictures/--no-pictures", default=True, help="Also compare on every possible patient (the default), or do not."
)
@click.option("--brief", is_flag=True, help="No proofs.")
@AT
def diff(
    old: str,
    new: str | None,
    kb: str | None,
    form: str,
    patients: tuple[str, ...],
    every: bool,
    pictures: bool,
    brief: bool,
    at: str | None,
) -> None:
    """Two editions of a knowledge base: what changed by meaning, and what that changes for whom, and why.

    OLD and NEW are folders, archives (citelog export --to archive) or git revisions (HEAD~1, a tag,
    REV:path/in/the/repository). A revision alone means the folder that --kb names as it was then; without NEW, OLD is
    compared with that folder as it is. Every case of both editions is derived under both, and so is the smallest
    record for each conclusion that any possible patient gains or loses; effects are grouped by the changes that, made
    alone, have them.
    """
    if every and brief:
        raise CitelogError("--all and --brief: one shows all proofs, the other none", "give one of them")
    from citelog.compare.diff import diff as compare

    with contextlib.ExitStack() as kept:
        before = kept.enter_context(_edition(old, kb))
        after = kept.enter_context(_edition(new, kb) if new is not None else _working(kb))
        found = compare(before, after, _subjects(patients, at), every, progress, pictures)
        if form == "json":
            write_json(found.to_dict())
        elif form == "markdown":
            from citelog.reports.review import review

            write(review(found, every, brief))
        else:
            from citelog.reports.compared import compared

            print_lines(compared(found, every, brief, width()), str(after.folder))
    if not found.same:
        raise No("")


@contextlib.contextmanager
def _edition(name: str, kb: str | None) -> Iterator[Edition]:
    """A shipped knowledge base by its name, a folder, an archive or a git revision: the first that there is."""
    from citelog.compare.editions import edition
    from citelog.compare.revisions import folder_of

    if name in home.shipped() or Path(name).is_dir():
        yield edition(home.knowledge(name).resolve(), name)
        return
    if Path(name).is_file():
        from citelog.receipt import archive

        with archive.unpacked(archive.read_file(Path(name))) as (folder, ontology):
            yield edition(folder, name, ontology)
        return
    revision, colon, path = name.partition(":")
    beside = home.knowledge(kb).resolve() if kb is not None or not colon else Path.cwd()
    with folder_of(revision, beside, path if colon else None) as (folder, told):
        yield edition(folder, told)


@contextlib.contextmanager
def _working(kb: str | None) -> Iterator[Edition]:
    """The folder that --kb names, as it is now."""
    from citelog.compare.editions import edition

    yield edition(home.knowledge(kb).resolve(), f"the folder {kb}" if kb else "the working folder")


def _subjects(patients: tuple[str, ...], at: str | None) -> list[Subject]:
    """The records that the caller names, each with a name of its own."""
    from citelog.compare.effects import Subject

    found: list[Subject] = []
    for name in patients:
        path = Path(name)
        if not path.exists():
            raise CitelogError(f"{name}: there is no such file or folder", "name a record, or a folder of records")
        endings = (".yaml", ".yml", ".json")
        files = [p for p in paths_in(path, "**/*") if p.suffix in endings] if path.is_dir() else [path]
        if not files:
            raise CitelogError(f"{name}: no record is in it", f"records end in {', '.join(endings)}")
        found += [Subject(str(file), file, "patient", at) for file in files]
    return found


COMMANDS = (diff,)
