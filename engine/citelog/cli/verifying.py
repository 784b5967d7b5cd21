"""The command that proves: what can never be concluded, for any patient at all."""

from __future__ import annotations

import click

from citelog.cli.console import KB, No, command, forms, meter, open_base, print_lines, width, write_json
from citelog.diagnostics import CitelogError, did_you_mean


@command("citelog verify --kb my-guideline/ --property NO-DOSE-WITHOUT-AGE")
@KB
@click.option("--property", "names", metavar="NAME", multiple=True, help="Only this property; may be given again.")
@forms("text", "json")
def verify(kb: str | None, names: tuple[str, ...], form: str) -> None:
    """What can never be concluded: the safety properties of a knowledge base, for every possible patient.

    A property that can be broken is shown with the smallest record that breaks it, and the proof. Besides: patients
    without the conclusion that everyone has, rules that disagree while no conflict is shown, rules that never fire.
    """
    from citelog.verify.verdicts import verify as look

    knowledge = open_base(kb)
    known = [one.id for one in knowledge.properties]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or (f"there are: {', '.join(known)}" if known else "it declares none")
            raise CitelogError(f"{name}: {knowledge.id} has no such safety property", hint)
    with meter() as tick:
        found = look(knowledge, names or None, tick)
    if form == "json":
        write_json(found.to_dict())
    else:
        from citelog.reports.verified import verified

        print_lines(verified(found, knowledge, width()), kb)
    if not found.holds:
        raise No("")


COMMANDS = (verify,)
