"""The commands about a log of assessments: make one, look whether it is what it was, and show others what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from citelog import disk
from citelog.cli.console import Listed, No, example, forms, meter, print_lines, say, width, write, write_json
from citelog.diagnostics import CitelogError, advised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from citelog.assess import Assessment
    from citelog.ledger.log import Log
    from citelog.ledger.note import PublicKey, Signed

LOG = click.argument("log", metavar="LOG", type=click.Path(path_type=Path))
PATH = click.Path(path_type=Path)
LOG_KEY = click.option("--log-key", type=PATH, metavar="FILE", help="The log's private key, where it is not LOG.key.")
TRUSTED = click.option(
    "--public-key", "public", type=PATH, metavar="FILE", help="The log's public key, as you were given it."
)


@click.group(cls=Listed, epilog=example("citelog audit log verify ward.log --checkpoint kept-in-may"))
def log() -> None:
    """A log of assessments in which a later change shows.

    `citelog assess --log LOG` and `citelog serve --log LOG` enter what they answer. Each entry is a leaf of a Merkle
    tree, and each time the whole is signed: who keeps one such checkpoint can tell later whether anything before it
    was changed, left out, put in or put elsewhere.
    """


@log.command(epilog=example("citelog audit log init ward.log --origin example.org/ward-7"))
@LOG
@click.option("--origin", metavar="NAME", help="What the log is called in its checkpoints; once, for ever.")
@click.option(
    "--keep",
    type=click.Choice(("hashes", "whole")),
    default="hashes",
    show_default=True,
    help="What is kept of a receipt: nothing about the patient, or all of it.",
)
@LOG_KEY
def init(log: Path, origin: str | None, keep: str, log_key: Path | None) -> None:
    """Make a log, and the key that it is signed with.

    LOG is a folder that is made. The private key is made beside it and not in it, as LOG.key, and stays with you.
    Give the public key, and each checkpoint, to somebody whom you could not persuade to change them.
    """
    from citelog.ledger.log import Log
    from citelog.reports.logged import overview

    made = Log.make(log, origin, keep, log_key)
    head = _head(log)
    print_lines(overview(made.key.public, keep, head.checkpoint, str(log)))
    say(f"{log_key or made.folder.key}: the private key; keep it, and give it to nobody")


@log.command(epilog=example("citelog audit log verify ward.log --checkpoint kept-in-may"))
@LOG
@click.option(
    "--checkpoint", type=PATH, metavar="FILE", help="A checkpoint that you kept: is what it signed unchanged?"
)
@TRUSTED
@click.option("--without-salts", is_flag=True, help="It is a copy that was made without the salts.")
@forms("text", "json")
def verify(log: Path, checkpoint: Path | None, public: Path | None, without_salts: bool, form: str) -> None:
    """Look at every entry, every stored hash and every signature of a log.

    Nothing is written. The first entry that is not as it was is named. With a checkpoint that you kept, also whether
    the log still begins with what it signed; with the public key, whether that key signed it.
    """
    from citelog.ledger.verified import verify as look

    earlier = _bytes(checkpoint)
    key = _key(public)
    with meter() as tick:
        found = look(log, earlier, key, not without_salts, tick)
    if form == "json":
        write_json(found.to_dict())
    else:
        from citelog.reports.logged import verification

        print_lines(verification(found, str(log), width()))
    if not found.holds:
        raise No("")


@log.command(epilog=example("citelog audit log show ward.log 17"))
@LOG
@click.argument("number", metavar="[N]", type=click.IntRange(min=0), required=False)
@forms("text", "json")
def show(log: Path, number: int | None, form: str) -> None:
    """A log, or one entry of it."""
    from citelog.ledger import entry
    from citelog.ledger.log import reading, said
    from citelog.ledger.proofs import prove
    from citelog.reports import logged

    if number is None:
        head = _head(log).checkpoint
        with reading(log) as (folder, rows):
            opened, key = said(rows.row(0)), folder.public_key()
        if form == "json":
            return write_json({**opened, "size": head.size, "root": head.root.hex()})
        return print_lines(logged.overview(key, opened["keep"], head, str(log)))
    proof = prove(log, number)  # what is shown is what was signed
    if form == "json":
        return write(proof.entry.decode() + "\n")
    with reading(log) as (_, rows):
        receipt = rows.row(number).receipt
    print_lines(logged.entry(number, entry.read(proof.entry), proof.salt, receipt))


@log.command(epilog=example("citelog audit log checkpoint ward.log --out kept-in-may"))
@LOG
@click.option("--out", type=PATH, metavar="FILE", help="Write it here.")
def checkpoint(log: Path, out: Path | None) -> None:
    """The signed checkpoint: how many entries there are, and one hash that stands for them all.

    Keep it where nobody who can write to the log can change it: a later `verify --checkpoint` needs nothing else.
    """
    _give(_head(log).note.decode(), out)


@log.command(epilog=example("citelog audit log find ward.log receipt.json"))
@LOG
@click.argument("receipt", metavar="RECEIPT", type=PATH)
@forms("text", "json")
def find(log: Path, receipt: Path, form: str) -> None:
    """The entry of a receipt: the salt of each entry is tried on it."""
    from citelog.ledger.proofs import find as look
    from citelog.receipt.content import is_receipt

    data = _whole(receipt)
    numbers = look(log, data)
    if form == "json":
        write_json(numbers)
    else:
        write("".join(f"entry {number}\n" for number in numbers))
    if not numbers:
        why = "it may have been changed by a byte, or its entry's salt erased"
        if not is_receipt(data):
            why = "it is no receipt: give a file that `citelog assess --receipt` wrote"
        raise No(advised(f"{receipt}: {log} has no entry of it", why))


@log.command(epilog=example("citelog audit log prove ward.log 17 --out entry-17.tlog-proof"))
@LOG
@click.argument("number", metavar="N", type=click.IntRange(min=0))
@click.option("--checkpoint", type=PATH, metavar="FILE", help="Prove it to this checkpoint, an earlier one.")
@click.option("--out", type=PATH, metavar="FILE", help="Write the proof here.")
def prove(log: Path, number: int, checkpoint: Path | None, out: Path | None) -> None:
    """Prove that an entry is in the log, to somebody who does not have the log.

    The proof holds the entry, its salt, and the hashes that lead from it to a checkpoint (the form tlog-proof).
    """
    from citelog.ledger.proofs import prove as make

    _give(make(log, number, _bytes(checkpoint)).text, out)


@log.command(
    epilog=example("citelog audit log check entry-17.tlog-proof --public-key public-key --receipt receipt.json")
)
@click.argument("proof", metavar="PROOF", type=PATH)
@click.option("--checkpoint", type=PATH, metavar="FILE", help="The checkpoint that you kept, which the proof is to.")
@TRUSTED
@click.option("--receipt", type=PATH, metavar="FILE", help="Also whether this receipt is the one that was entered.")
@forms("text", "json")
def check(proof: Path, checkpoint: Path | None, public: Path | None, receipt: Path | None, form: str) -> None:
    """Check a proof, with nothing but the proof and what you hold: a checkpoint, or the log's public key."""
    from citelog.ledger import entry
    from citelog.ledger.note import NoteError
    from citelog.ledger.proofs import Proof
    from citelog.ledger.proofs import check as look
    from citelog.reports.logged import checked

    if checkpoint is None and public is None:
        raise CitelogError(
            f"{proof}: a proof by itself shows nothing: anyone could have made it",
            "give what you hold of the log: --checkpoint FILE or --public-key FILE",
        )
    try:
        read = Proof.read(_whole(proof).decode("utf-8", "replace"))
    except NoteError as error:
        raise CitelogError(f"{proof}: it is no proof: {error}", "give what `citelog audit log prove` wrote") from error
    wrong = look(read, _key(public), _bytes(checkpoint), None if receipt is None else _whole(receipt))
    if form == "json":
        head = read.signed.checkpoint
        write_json({"holds": not wrong, "entry": read.number, "origin": head.origin, "size": head.size, "wrong": wrong})
    else:
        held = [f"{path}" for path in (checkpoint, public) if path]
        said = {} if wrong else entry.read(read.entry)
        by = " and ".join(held)
        print_lines(checked(read, wrong, said, by, None if receipt is None else str(receipt), width()))
    if wrong:
        raise No("")


@log.command(epilog=example("citelog audit log compare kept-in-may kept-in-june ward.log"))
@click.argument("old", metavar="OLD-CHECKPOINT", type=PATH)
@click.argument("new", metavar="NEW-CHECKPOINT", type=PATH)
@LOG
@TRUSTED
@forms("text", "json")
def compare(old: Path, new: Path, log: Path, public: Path | None, form: str) -> None:
    """Whether the log only grew from one checkpoint to the other.

    Shown by a consistency proof of the log, which is checked; otherwise what does not fit: a log that was rolled back,
    or that told two people two stories.
    """
    from citelog.ledger.proofs import compare as look

    found = look(log, _bytes(old) or b"", _bytes(new) or b"", _key(public))
    if form == "json":
        write_json(found.to_dict())
    else:
        from citelog.reports.logged import comparison

        print_lines(comparison(found, width()))
    if found.wrong:
        raise No("")


@log.command(epilog=example("citelog audit log copy ward.log for-the-auditor --without-salts"))
@LOG
@click.argument("copy", metavar="COPY", type=PATH)
@click.option("--without-salts", is_flag=True, help="Leave out what stands beside the entries: salts and receipts.")
def copy(log: Path, copy: Path, without_salts: bool) -> None:
    """Copy a log as it is at one moment, for somebody else or as a backup.

    Whoever has the salts can try a guess: whether the record of somebody whom they know is an entry. A copy without
    them can be verified as before (`verify --without-salts`), and tells nobody whose an entry is.
    """
    from citelog.ledger.copies import copy as make
    from citelog.render.phrases import counted

    head = make(log, copy, not without_salts)
    write(f"{copy}: {counted(head.size, 'entry', 'entries')}{', without salts' if without_salts else ''}\n")


@log.command(epilog=example("citelog audit log erase ward.log 17"))
@LOG
@click.argument("number", metavar="N", type=click.IntRange(min=0))
@LOG_KEY
def erase(log: Path, number: int, log_key: Path | None) -> None:
    """Erase what stands beside an entry: its salt, and the receipt if it is kept.

    Then nobody can tell any more whose entry it was. The entry itself stays, the tree verifies as before, and a further
    entry says that this was done.
    """
    from citelog.ledger.log import Log

    done = Log.open(log, log_key).erase(number)
    write(f"{log}: what stood beside entry {number} is erased; entry {done.numbers[0]} says so\n")
    for notice in done.notices:
        say(f"{log}: {notice}")


def check_key(log: str | None, log_key: Path | None) -> None:
    """Refuse a key where there is nothing to sign."""
    if log_key is not None and log is None:
        raise CitelogError("--log-key: no log is named that it could sign", "name it too: --log LOG")


def enter(found: Sequence[Assessment], receipts: Sequence[bytes], log: str, log_key: Path | None, asked: str) -> None:
    """Enter assessments in a log, by their receipts, all or none; they are on the disk when it returns."""
    from citelog.ledger.entry import Record
    from citelog.receipt.content import engine

    given = zip(found, receipts, strict=True)
    records = [Record(asked, one.knowledge.identity, engine(), receipt) for one, receipt in given]
    done = writable(log, log_key).append(records)
    for notice in done.notices:
        say(f"{log}: {notice}")
    first, last = done.numbers[0], done.numbers[-1]
    say(f"{log}: entry {first}" if first == last else f"{log}: entries {first} to {last}")


def writable(log: str, log_key: Path | None) -> Log:
    """A log that can be written to."""
    from citelog.ledger.log import Log

    return Log.open(Path(log), log_key)


def _head(log: Path) -> Signed:
    """The checkpoint of a log, signed by the key that the log names."""
    from citelog.ledger.log import head

    return head(log)


def _give(text: str, out: Path | None) -> None:
    if out is None:
        write(text)
    else:
        disk.put(out, text.encode())


def _whole(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CitelogError(f"{path}: it cannot be read: {error.strerror}", "check the path") from error


def _bytes(path: Path | None) -> bytes | None:
    """The text of a checkpoint that the caller names."""
    from citelog.ledger.keys import read

    return None if path is None else read(path)


def _key(path: Path | None) -> PublicKey | None:
    from citelog.ledger.keys import public_key

    return None if path is None else public_key(path)
