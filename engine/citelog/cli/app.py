"""`citelog`: the commands brought together, and the way in and out of the process."""

from __future__ import annotations

import os
import sys

import click

from citelog.cli import (
    approving,
    asking,
    auditing,
    authors,
    comparing,
    drifting,
    editing,
    exporting,
    patients,
    populating,
    replaying,
    serving,
    verifying,
)
from citelog.cli.console import guarded
from citelog.home import VERSION


@click.group(epilog="Each command has --help with an example.")
@click.version_option(VERSION, message="citelog %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of a fault.")
def app(debug: bool) -> None:
    """Datalog that cites its sources: what a clinical document says about a patient, and why."""


for command in (
    *patients.COMMANDS,
    *authors.COMMANDS,
    *comparing.COMMANDS,
    *verifying.COMMANDS,
    *approving.COMMANDS,
    *auditing.COMMANDS,
    *editing.COMMANDS,
    *asking.COMMANDS,
    *exporting.COMMANDS,
    *populating.COMMANDS,
    *serving.COMMANDS,
):
    app.add_command(command)
for command in (*replaying.COMMANDS, *drifting.COMMANDS):
    auditing.audit.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run a command and end the process with its status."""
    given = sys.argv[1:] if arguments is None else arguments
    asked = [a for a in given if a != "--debug"]  # it may stand anywhere
    status = guarded(lambda: app.main(asked, prog_name="citelog", standalone_mode=False), "--debug" in given)
    if arguments is None:  # all is written: taking the modules apart would be a tenth of the time
        os._exit(status)
    sys.exit(status)
