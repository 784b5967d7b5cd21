"""The commands of change control: who has looked at what, and an edition that is frozen."""

from __future__ import annotations

import json

import click

from citelog import home
from citelog.cli.console import KB, forms, print_lines, width, write
from citelog.diagnostics import CitelogError, KnowledgeError


@click.command(epilog="Example: citelog review S03 short-under --state reviewed --by reader --on 2026-03-15")
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
    from citelog.approval import record, states
    from citelog.knowledge.load import load

    folder = home.knowledge(kb).resolve()
    opened = load(folder, home.ontology())
    knowledge = opened.knowledge
    if knowledge is None:
        raise KnowledgeError(d for d in opened.diagnostics if d.severity == "error")
    chosen = record.chosen(knowledge, names) if names else list(states.of(knowledge))
    if state is None:
        if by is not None or on is not None or note:
            raise CitelogError(
                "--by, --on and --note: they go with a review\n   = say what it comes to: --state reviewed"
            )
        from citelog.approval.history import history

        told = history(folder, opened, [one.iri for one in chosen])
        if form == "json":
            listed = [one.to_dict() | told.origins[one.iri].to_dict() for one in chosen]
            which = {"id": knowledge.id, "version": knowledge.version, "sha256": knowledge.sha256}
            document = {
                "knowledge": which,
                "counts": states.counted(chosen),
                "git": told.untold or None,
                "reviews": listed,
            }
            write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        else:
            from citelog.render.standing import standing

            print_lines(standing(knowledge, chosen, told, width()), kb)
        return
    if not names:
        raise CitelogError(f"--state {state}: of what?\n   = name the statements and rules that were looked at")
    if by is None or on is None:
        raise CitelogError(
            f"--state {state}: a review says who made it and when\n   = give --by AGENT and --on DATE; no clock is read"
        )
    from citelog.layout.files import write as put

    said = record.Said(state, record.agent(opened.triples, by), record.day(on), " ".join(note.split()))
    laid = record.record(folder, opened, chosen, said)
    put([laid])
    if form == "json":
        write(json.dumps([one.name for one in chosen], ensure_ascii=False) + "\n")
    else:
        write("".join(f"{laid.name}: {one.name} is {state}\n" for one in chosen))


COMMANDS = (review,)
