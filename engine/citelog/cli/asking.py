"""The command that asks in SPARQL: of a knowledge base, of cases, of their conclusions and proofs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from citelog import home
from citelog.cli.apart import apart, sealed
from citelog.cli.console import AT, KB, No, assess_all, command, open_base, print_lines, say, width, write
from citelog.cli.proposed import completed
from citelog.diagnostics import CitelogError
from citelog.graph.results import GRAPHS, ROWS

if TYPE_CHECKING:
    from citelog.graph.library import Query
    from citelog.render.lines import Line


@command("citelog query proof --case patient.yaml --param conclusion=treat:immediate")
@click.argument("asked", metavar="NAME_OR_FILE.rq", required=False)
@click.option("--case", "cases", multiple=True, metavar="CASE", help="A case to ask about; may be repeated.")
@click.option("--param", "given", multiple=True, metavar="NAME=VALUE", help="A value for a parameter of the query.")
@click.option(
    "--format", "form", type=click.Choice((*ROWS, *GRAPHS)), help="How to write it: a table or, of a graph, Turtle."
)
@click.option(
    "--time-limit",
    "seconds",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="Stop after so much computing.",
)
@click.option("--list", "listed", is_flag=True, help="The queries of the library: for whom they are, what they ask.")
@KB
@AT
def query(
    asked: str | None,
    cases: tuple[str, ...],
    given: tuple[str, ...],
    form: str | None,
    seconds: float,
    listed: bool,
    kb: str | None,
    at: str | None,
) -> int:
    """A SPARQL query over the knowledge, the cases, their conclusions and proofs.

    NAME_OR_FILE.rq is a query of the library (--list shows them) or a file. An ASK that is false ends with status 1.
    """
    from citelog.graph import library

    if listed and form == "json":
        from citelog.render.documents import written

        write(written([library.document(library.library())]))
        return 0
    if listed:
        print_lines(_catalogue(library.library(), kb))
        return 0
    if asked is None:
        raise CitelogError("query: no query is named", "name one of the library (--list shows them), or a file")
    chosen, values = library.find(asked), _values(given)
    if chosen.needs_case and not cases:
        raise CitelogError(f"{chosen.name}: it asks about patients, and no case is named", "add --case patient.yaml")
    return apart(lambda: _answer(chosen, values, cases, form, seconds, kb, at), seconds, asked)


def _values(given: tuple[str, ...]) -> dict[str, str]:
    """What --param gives, by name."""
    values: dict[str, str] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise CitelogError(f"--param {one}: it has no name, or no value", "write --param name=value")
        if name in values:
            raise CitelogError(f"--param {one}: {name} is given twice", "give it once")
        values[name] = value
    return values


def _answer(
    query: Query,
    values: dict[str, str],
    cases: tuple[str, ...],
    wanted: str | None,
    seconds: float,
    kb: str | None,
    at: str | None,
) -> int:
    """Load, ask, and write the answer; the exit status."""
    from citelog.graph import asked, results
    from citelog.graph.dataset import dataset
    from citelog.graph.parameters import Known, bind

    knowledge = open_base(kb)
    found = assess_all(knowledge, cases, at)
    data = dataset(home.knowledge(kb), knowledge, found)
    bound = bind(query, values, Known(knowledge, tuple(found), data.prefixes))
    columns = width()
    with sealed(seconds), asked.asked(data, query.name, query.text, bound) as answer:
        form = results.form(answer, wanted)
        yes = not results.is_no(answer)
        slips = (*asked.unknown(data, query.text), *asked.valueless(query.text, bound))
        if form == "table":
            lines = list(results.lines(answer, data.prefixes, columns))
        else:
            written = results.serialized(answer, form, data.prefixes)
    if form == "table":
        told = {name: results.shown(term, data.prefixes) for name, term in bound.items()}
        print_lines([*_heading(query, told, columns), *lines])
    else:
        write(written)
    for slip in slips:
        say(f"{query.name}: {completed(slip)}")
    if not yes:
        raise No("")
    return 0


def _heading(query: Query, told: dict[str, str], columns: int) -> Iterator[Line]:
    """The question in words, and what it was asked about."""
    from citelog.render.lines import Line, wrapped

    if query.question:
        about = f" ({', '.join(f'{name}: {value}' for name, value in told.items())})" if told else ""
        yield from wrapped(query.question + about, columns, "", "bold cyan")
        yield Line("")


def _catalogue(queries: tuple[Query, ...], kb: str | None) -> Iterator[Line]:
    """The library by audience: each query's name, question, parameters and an example, or how it is asked of `kb`."""
    from citelog.graph.library import AUDIENCES
    from citelog.render.lines import Line, wrapped

    is_default = home.knowledge(kb) == home.knowledge()
    for place, (audience, meaning) in enumerate(AUDIENCES.items()):
        yield from [Line("")] * bool(place)
        yield Line(f"For the {audience}, {meaning}", "bold cyan")
        for query in (q for q in queries if q.audience == audience):
            yield from [Line(""), Line(f"  {query.name}", "bold")]
            yield from wrapped(f"    {query.question}", width(), "    ")
            for parameter in query.parameters:
                default = f", {parameter.default} if not given" if parameter.default is not None else ""
                told = f"    --param {parameter.name}=…  {parameter.meaning} ({parameter.type}{default})"
                yield from wrapped(told, width(), "      ")
            lines = [one.command for one in query.examples] if is_default else [query.usage]
            yield from (Line(f"    $ {line}", "dim", proposes=True) for line in lines)


COMMANDS = (query,)
