"""The command that replays receipts, and where `assess` puts them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from os import SEEK_END
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from citelog import home
from citelog.cli.console import KB, No, command, forms, print_lines, progress, width, write_json
from citelog.diagnostics import CitelogError

if TYPE_CHECKING:
    from citelog.assess import Assessment
    from citelog.render.lines import Line

ENDING = ".receipt.json"


def sealed(found: Sequence[Assessment], kb: str | None) -> list[bytes]:
    """The receipt of each assessment."""
    from citelog.receipt import content
    from citelog.receipt.manifest import manifest

    files = manifest(home.knowledge(kb), home.ontology())
    return [content.of(one, files) for one in found]


def placed(found: Sequence[Assessment], receipts: Sequence[bytes], to: str) -> dict[Path, bytes]:
    """The file of each receipt: of one the file that is named, of several, or in a folder, one a case.

    Raises CitelogError where one could not be written.
    """
    from citelog import disk

    place = Path(to)
    if to == "-":
        raise CitelogError("--receipt -: a receipt is a file beside the answer", "name a file, or a folder")
    if len(found) > 1 and not place.is_dir():
        raise CitelogError(f"--receipt {to}: {len(found)} cases, and this is no folder", "make it, and name it")
    named = [place / f"{quote(one.case.id, safe=' ')}{ENDING}" if place.is_dir() else place for one in found]
    files = dict(zip(named, receipts, strict=True))
    for path, data in files.items():
        disk.check(path, data)
    return files


def keep(files: Mapping[Path, bytes]) -> None:
    """Write receipts; they are on the disk when it returns."""
    from citelog import disk

    for path, data in files.items():
        disk.keep(path, data)


@command("citelog audit replay patient.receipt.json --edition releases/1.0.0.tar")
@click.argument("receipts", metavar="RECEIPT…", nargs=-1, required=True)
@KB
@click.option(
    "--edition",
    "editions",
    metavar="DIR|ARCHIVE|REV",
    multiple=True,
    help="Where the edition that answered may be: a folder, an archive, a git revision; may be given again.",
)
@click.option("--brief", is_flag=True, help="No proofs of what differs today.")
@forms("text", "json")
def replay(receipts: tuple[str, ...], kb: str | None, editions: tuple[str, ...], brief: bool, form: str) -> None:
    """Receipts of assessments: are they what was sealed, were they true, and is the same said today?

    Each is checked against its seal and against the files of the knowledge base; its proofs by the independent
    checker; and its answer is derived again, under the edition that it names and under the one at hand. The edition
    that it names is known by its hash: it is looked for at hand, in what --edition names, in the knowledge base's own
    folder `releases`, and in its git history. Ends with status 1 where anything differs.
    """
    from citelog.receipt.replay import Desk, desk
    from citelog.reports.replayed import replayed

    told: list[Any] = []  # kept as little as possible of each: there may be thousands
    verdicts: set[str] = set()
    desks: dict[Path | None, Desk] = {}
    with contextlib.ExitStack() as kept:
        for name in progress(receipts, "receipts"):
            data = _bytes(name)
            folder = _folder(data, name, kb)
            if folder not in desks:
                desks[folder] = kept.enter_context(desk(folder, editions))
            found = desks[folder].replay(data, name)
            verdicts.add(found.verdict)
            told.append(found.to_dict() if form == "json" else list(replayed(found, width(), brief)))
    if form == "json":
        write_json(told if len(told) > 1 else told[0])
    else:
        known = [str(folder) for folder in desks if folder is not None]
        print_lines((line for lines in _apart(told) for line in lines), known[0] if len(known) == 1 else kb)
    if verdicts != {"same"}:
        raise No("")


def _apart(parts: list[list[Line]]) -> Iterator[list[Line]]:
    """Parts with a blank line between them."""
    from citelog.render.lines import Line

    for i, part in enumerate(parts):
        yield [Line("")] * bool(i) + part


def _bytes(name: str) -> bytes:
    from citelog.receipt.content import too_large
    from citelog.receipt.sealed import LARGEST

    try:
        with Path(name).open("rb") as file:
            if file.seekable():
                if file.seek(0, SEEK_END) > LARGEST:
                    raise too_large(name)
                file.seek(0)
            return file.read(LARGEST + 1)
    except OSError as error:
        raise CitelogError(f"{name}: it cannot be read: {error.strerror}", "name a receipt") from error


def _folder(data: bytes, name: str, kb: str | None) -> Path | None:
    """The knowledge base at hand: the one that --kb names, or the shipped one that a receipt is of; or none."""
    from citelog.receipt.content import DamagedReceiptError, read

    if kb is not None:
        return home.knowledge(kb)
    try:
        id_ = read(data, name).members["knowledge"]["id"]
    except DamagedReceiptError:
        return None
    return home.knowledge(id_) if id_ in home.shipped() else None


COMMANDS = (replay,)
