"""The commands of change control: who has looked at what, and an edition that is frozen."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from citelog import home
from citelog.cli.console import KB, No, command, forms, meter, print_lines, width, write, write_json
from citelog.diagnostics import CitelogError, KnowledgeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from citelog.approval.release import Claim
    from citelog.knowledge.base import Knowledge
    from citelog.knowledge.load import Opened
    from citelog.knowledge.states import Reviewed


@command("citelog review S03 short-under --state reviewed --by reader --on 2026-03-15")
@click.argument("names", metavar="[ID…]", nargs=-1)
@click.option(
    "--state",
    type=click.Choice(("draft", "reviewed", "approved")),
    help="What is said of them; without it, they are listed.",
)
@click.option("--by", metavar="AGENT", help="Who says so: a prov:Agent that the knowledge base declares.")
@click.option("--on", metavar="DATE", help="On which day, as 2026-03-15. The clock is never read.")
@click.option("--note", metavar="TEXT", default="", help="A remark that is kept with it.")
@KB
@forms("text", "json")
def review(
    names: tuple[str, ...], state: str | None, by: str | None, on: str | None, note: str, kb: str | None, form: str
) -> None:
    """How far statements and rules have been reviewed, by whom, and who encoded them; or a review, written down.

    A review holds the hash of what was reviewed: when that is edited, it is a draft again. ID is a statement or the
    name of a rule; without any, all are listed.
    """
    from citelog.approval import record
    from citelog.knowledge import states
    from citelog.knowledge.load import load

    folder = home.knowledge(kb).resolve()
    opened = load(folder, home.ontology())
    knowledge = opened.knowledge
    if knowledge is None:
        raise KnowledgeError(d for d in opened.diagnostics if d.severity == "error")
    chosen = record.chosen(knowledge, names) if names else list(states.of(knowledge))
    if state is None:
        if by is not None or on is not None or note:
            raise CitelogError("--by, --on and --note: they go with a review", "say what it comes to: --state reviewed")
        return _tell(folder, opened, knowledge, chosen, kb, form)
    if not names:
        raise CitelogError(f"--state {state}: of what?", "name the statements and rules that were looked at")
    if by is None or on is None:
        what = f"--state {state}: a review says who made it and when"
        raise CitelogError(what, "give --by AGENT and --on DATE; no clock is read")
    from citelog.layout.files import write as put
    from citelog.patient.dates import day

    said = record.Said(state, record.agent(opened.triples, by), day(on, "--on"), " ".join(note.split()))
    laid = record.record(folder, opened, chosen, said)
    put([laid])
    if form == "json":
        write(json.dumps([one.name for one in chosen], ensure_ascii=False) + "\n")
    else:
        write("".join(f"{laid.name}: {one.name} is {state}\n" for one in chosen))


def _tell(
    folder: Path, opened: Opened, knowledge: Knowledge, chosen: Sequence[Reviewed], kb: str | None, form: str
) -> None:
    """How far some statements and rules have been reviewed, and who encoded them."""
    from citelog.approval.history import history
    from citelog.knowledge import states
    from citelog.reports.standing import standing

    told = history(folder, opened, [one.iri for one in chosen])
    if form != "json":
        return print_lines(standing(knowledge, chosen, told, width()), kb)
    write_json(
        {
            "knowledge": knowledge.identity,
            "counts": states.counted(chosen),
            "git": told.untold or None,
            "reviews": [one.to_dict() | told.origins[one.iri].to_dict() for one in chosen],
        }
    )


@command("citelog release 1.0.0 --by reader --on 2026-03-15")
@click.argument("version", metavar="[VERSION]", required=False)
@click.option("--by", metavar="AGENT", help="Who releases it: a prov:Agent that the knowledge base declares.")
@click.option("--on", metavar="DATE", help="On which day, as 2026-03-15. The clock is never read.")
@click.option("--note", metavar="TEXT", help="A remark that is recorded with it.")
@click.option(
    "--out", metavar="DIR", help="Where releases are kept; without it in the folder releases of the knowledge base."
)
@click.option("--list", "listing", is_flag=True, help="The releases that there are.")
@click.option("--check", "checked", metavar="VERSION", help="Whether a release is still what was frozen.")
@KB
@forms("text", "json")
def release(
    version: str | None,
    by: str | None,
    on: str | None,
    note: str | None,
    out: str | None,
    listing: bool,
    checked: str | None,
    kb: str | None,
    form: str,
) -> None:
    """An edition frozen: its files as one archive, and a record of what it is, what it met and what changed.

    Refused, with status 1 and nothing written, where a gate is not passed: the version, the releases before it, an
    entry in CHANGELOG.md, git without uncommitted changes, check, test, verify, and the gates of the audit.
    """
    if (version is not None) + listing + (checked is not None) != 1:
        raise CitelogError("release: one thing at a time", "give a VERSION to be released, --list, or --check VERSION")
    from citelog.approval import frozen

    folder = home.knowledge(kb).resolve()
    kept = Path(out) if out is not None else frozen.place(folder)
    if version is None:
        if by is not None or on is not None or note is not None:
            raise CitelogError("--by, --on and --note: they go with a release", "give the VERSION that is released")
        _look(folder, kept, checked, kb, form)
        return
    from citelog import disk
    from citelog.approval import release as releasing

    claim = _claim(folder, by, on, note)
    with meter() as tick:
        found = releasing.release(folder, kept, version, claim, tick)
    if found.passed:
        disk.folder(kept)
        for name, data in found.files.items():
            disk.keep(kept / name, data)
    if form == "text":
        from citelog.reports.released import released

        print_lines(released(found, width()), kb)
    else:
        gates = [gate.to_dict() | {"passed": gate.passed, "remedy": gate.remedy or None} for gate in found.gates]
        document = {"version": version, "released": found.passed, "gates": gates, "not_asked": list(found.left)}
        document["files"] = {name: hashlib.sha256(data).hexdigest() for name, data in found.files.items()}
        write_json(document)
    if not found.passed:
        raise No("")


def _claim(folder: Path, by: str | None, on: str | None, note: str | None) -> Claim:
    """What the caller says of a release, verified."""
    from citelog.approval import record
    from citelog.approval.release import Claim
    from citelog.knowledge.encoders import name
    from citelog.knowledge.triples import read_triples
    from citelog.patient.dates import day

    triples = read_triples(folder, home.ontology(), [])
    who = name(triples, record.agent(triples, by)) if by is not None else None
    return Claim(who, day(on, "--on").isoformat() if on is not None else None, note)


def _look(folder: Path, kept: Path, version: str | None, kb: str | None, form: str) -> None:
    """The releases that there are, or whether one of them is as it was frozen."""
    from citelog.approval import frozen
    from citelog.reports import released

    if version is None:
        found = frozen.frozen(kept)
        if form == "json":
            write_json([one.to_dict() for one in found])
        else:
            apart = frozen.strayed(folder, found[-1]) if found and not found[-1].damage else ()
            print_lines(released.listed(found, apart, width()), kb)
        if any(one.damage for one in found):
            raise No("")
        return
    one = frozen.one(kept, version)
    strayed = frozen.strayed(folder, one)
    if form == "json":
        write_json(one.to_dict() | {"folder": frozen.called(folder) or None, "strayed": list(strayed)})
    else:
        print_lines(released.compared(one, strayed, frozen.called(folder), width()), kb)
    if one.damage or strayed:
        raise No("")


COMMANDS = (review, release)
