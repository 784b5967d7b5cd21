"""The commands about many patients: to answer them all at once, and to sum up the answers."""

from __future__ import annotations

import re
from pathlib import Path

import click

from citelog.cli.console import AT, KB, check_extra, command, forms, meter, open_base, print_lines, say, width, write
from citelog.diagnostics import CitelogError
from citelog.render.phrases import counted

MEMORY = re.compile(r"[1-9][0-9]*(\.[0-9]+)?\s*[KMGT]i?B", re.IGNORECASE)


@command("citelog population data/ --out answers/ --at 2026-03-15")
@click.argument("data", metavar="DATA")
@click.option(
    "--out", required=True, metavar="DIR", help="The folder for the answers; a new one, or that of a run before."
)
@click.option(
    "--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True, help="What runs the rules."
)
@click.option("--master", metavar="URL", help="For Spark: the cluster, as spark://head:7077; else this machine.")
@click.option(
    "--memory", default="2GB", show_default=True, metavar="SIZE", help="What the engine may take; more is put on disk."
)
@click.option(
    "--threads", type=click.IntRange(min=1), metavar="N", help="How many processors may work; all, if not said."
)
@click.option("--sorted", "is_sorted", is_flag=True, help="Rows in order: the same bytes each time, somewhat later.")
@click.option("--since", metavar="RUN", help="A folder of answers: what cannot have changed is taken from it.")
@KB
@AT
def population(
    data: str,
    out: str,
    engine: str,
    master: str | None,
    memory: str,
    threads: int | None,
    is_sorted: bool,
    since: str | None,
    kb: str | None,
    at: str | None,
) -> None:
    """Every conclusion for every patient in a folder of data, as Parquet files.

    DATA holds labs.parquet, findings.parquet, conditions.parquet, medications.parquet, preferences.parquet and
    patients.parquet (or .csv; any may be missing): one row an entry, a column `patient`, and the keys of a case file.
    Or it holds FHIR Bulk Data (*.ndjson), or tables of OMOP CDM (measurement, condition_occurrence, drug_exposure …).

    Writes conclusions.parquet, notes.parquet, rejected.parquet and run.json. Any row can be opened again:
    citelog why --population DIR PATIENT CONCLUSION.
    """
    check_extra("population", "population", "duckdb", "pyarrow", "ibis", "msgspec")
    if not MEMORY.fullmatch(memory.strip()):
        raise CitelogError(f"--memory {memory}: this is no size", "write it as in --memory 2GB")
    from citelog.patient.dates import day

    on = None if at is None else day(at, "--at")
    chosen = _master(engine, master, threads, since)
    knowledge = open_base(kb)
    from citelog.population.run import Options, run

    options = Options(on, memory, threads, since=Path(since) if since else None, is_sorted=is_sorted, master=chosen)
    with meter() as told:
        report = run(knowledge, Path(data), Path(out), options, told)
    counts = report.counts
    write(
        f"{out}: {counted(counts['patients'], 'patient')}, {counted(counts['conclusions'], 'conclusion')}, "
        f"{counted(counts['notes'], 'note')}, {counted(counts['rejected'], 'row')} set aside\n"
    )
    for remark in report.remarks:
        say(remark)


def _master(engine: str, master: str | None, threads: int | None, since: str | None) -> str | None:
    """What Spark runs on; None where it is not wanted."""
    if engine != "spark":
        if master is not None:
            raise CitelogError("--master is for Spark", "add --engine spark")
        return None
    if since is not None:
        raise CitelogError("--since: Spark takes nothing over", "leave it out, or use --engine duckdb")
    if master is not None and threads is not None:
        raise CitelogError("--threads: the master says how many work", "leave it out, or write --master local[4]")
    check_extra("--engine spark", "spark", "pyspark", "sqlglot")
    from citelog.population.engines.spark import LOCAL, check, knock

    check()
    master = master or (f"local[{threads}]" if threads else LOCAL)
    knock(master)
    return master


@command("citelog summary answers/ --format html > summary.html")
@click.argument("out", metavar="OUT")
@click.option(
    "--at-least",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    help="Show no count of patients below N (as <N): a count of few could tell who they are.",
)
@KB
@forms("text", "json", "html")
def summary(out: str, at_least: int, kb: str | None, form: str) -> None:
    """What a population was answered, counted: conclusions, conflicts, open questions, rules, data that was not used.

    OUT is the folder that `citelog population` wrote its answers into.
    """
    check_extra("summary", "population", "duckdb", "pyarrow", "numpy")
    from citelog.population.counts.summing import summary as sum_up
    from citelog.population.opened import opened

    found = sum_up(opened(Path(out)), open_base(kb), at_least)
    if form == "json":
        from citelog.render.documents import written

        write(written([found.to_dict()]))
    elif form == "html":
        from citelog.render.summary_page import summary_page

        write(summary_page(found))
    else:
        from citelog.render import summed

        print_lines(summed.summary(found, width()), kb)


COMMANDS = (population, summary)
