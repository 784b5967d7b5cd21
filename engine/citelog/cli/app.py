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
from citelog.cli.console import Listed, example, guarded, write
from citelog.home import VERSION

SECTIONS = {
    "About one patient": ("assess", "why", "why-not", "what-if", "missing", "contrast", "certify"),
    "About many patients": ("population", "summary"),
    "About what is known": ("show", "query"),
    "Writing a guideline": ("new", "quote", "check", "fmt", "test", "coverage", "verify", "diff", "lsp"),
    "Answering for it": ("review", "release", "audit"),
    "For other programs": ("serve", "export", "schema"),
}
"""The commands as they are listed: by who asks, what is asked most first."""


def _version(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    """Print the version, and whether what lies below is what was tested."""
    if not asked or context.resilient_parsing:
        return
    from citelog import selftest

    selftest.check()
    others = "; ".join(selftest.untested())
    libraries = f"other than tested: {others}" if others else "as tested"
    write(f"citelog {VERSION}\nlibraries: {libraries}\nself-test: passed\n")
    context.exit()


@click.group(
    cls=Listed,
    sections=SECTIONS,
    epilog=example("citelog assess examples/patient.yaml") + "\n\nEach command has --help with an example.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version, and whether the libraries below are as tested.",
)
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


def _run(asked: list[str]) -> object:
    """What click's own `main` does, which besides ends the process with 1, a no, where nobody reads on."""
    try:
        with app.make_context("citelog", asked) as context:
            return app.invoke(context)
    except click.exceptions.Exit as ended:  # of --help and --version
        return ended.exit_code


def main(arguments: list[str] | None = None) -> None:
    """Run a command and end the process with its status."""
    # of OpenBLAS nothing here needs threads, and where it gets none, it interrupts the process
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # no process that is started from here takes what lies in the working directory for a module
    os.environ["PYTHONSAFEPATH"] = "1"
    given = sys.argv[1:] if arguments is None else arguments
    asked = [a for a in given if a != "--debug"]  # it may stand anywhere
    status = guarded(lambda: _run(asked), "--debug" in given)
    if arguments is None:  # all is written: taking the modules apart would be a tenth of the time
        os._exit(status)
    sys.exit(status)
