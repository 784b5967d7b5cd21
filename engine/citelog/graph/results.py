"""What a query found, written down: rows as a table, CSV, TSV, JSON or XML; a graph as Turtle, N-Triples or JSON-LD.

The W3C's forms are pyoxigraph's own work. Only the table is for people: names with their prefixes, texts as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from citelog.diagnostics import CitelogError
from citelog.render.lines import Line
from citelog.render.table import table

if TYPE_CHECKING:
    from pyoxigraph import BlankNode, Literal, NamedNode, QueryBoolean, QuerySolutions, QueryTriples

    Found = QueryBoolean | QuerySolutions | QueryTriples

ROWS = ("table", "csv", "tsv", "json", "xml")
GRAPHS = ("turtle", "ntriples", "jsonld")
TRUTH = ("table", "json", "xml")


def forms(found: Found) -> tuple[str, ...]:
    """The forms that an answer can be written in, the usual one first."""
    from pyoxigraph import QueryBoolean, QueryTriples

    if isinstance(found, QueryTriples):
        return GRAPHS
    return TRUTH if isinstance(found, QueryBoolean) else ROWS


def form(found: Found, wanted: str | None) -> str:
    """The form to write in: the wanted one, or the first of its kind; raises CitelogError where the answer has none."""
    offered = forms(found)
    if wanted is None:
        return offered[0]
    if wanted not in offered:
        what = {GRAPHS: "the answer is a graph", TRUTH: "the answer is yes or no", ROWS: "the answer has rows"}[offered]
        raise CitelogError(f"--format {wanted}: {what}", f"it can be written as {', '.join(offered)}")
    return wanted


def serialized(found: Found, form: str, prefixes: Mapping[str, str]) -> str:
    """An answer in a W3C form."""
    from pyoxigraph import QueryResultsFormat, QueryTriples, RdfFormat, serialize

    if isinstance(found, QueryTriples):
        graphs = {"turtle": RdfFormat.TURTLE, "ntriples": RdfFormat.N_TRIPLES, "jsonld": RdfFormat.JSON_LD}
        triples = dict(sorted((str(triple), triple) for triple in found))  # each once, subject by subject
        text = "\n".join(triples) if form == "turtle" else ""
        used = {prefix: namespace for prefix, namespace in prefixes.items() if f"<{namespace}" in text}
        return (serialize(triples.values(), format=graphs[form], prefixes=used) or b"").decode()
    rows = {"csv": "CSV", "tsv": "TSV", "json": "JSON", "xml": "XML"}
    written = (found.serialize(format=getattr(QueryResultsFormat, rows[form])) or b"").decode()
    return written if written.endswith("\n") else written + "\n"


def shown(term: NamedNode | BlankNode | Literal | None, prefixes: Mapping[str, str]) -> str:
    """A term for people: a name with its prefix, a literal as its text; empty where nothing is bound.

    >>> from pyoxigraph import Literal, NamedNode
    >>> shown(NamedNode("https://w3id.org/citelog#cites"), {"cl": "https://w3id.org/citelog#"})
    'cl:cites'
    >>> shown(Literal(80), {}), shown(None, {})
    ('80', '')
    """
    from pyoxigraph import NamedNode

    if term is None:
        return ""
    if not isinstance(term, NamedNode):
        return str(getattr(term, "value", term))
    fitting = [
        (len(ns), f"{prefix}:{term.value[len(ns) :]}") for prefix, ns in prefixes.items() if term.value.startswith(ns)
    ]
    return max(fitting)[1] if fitting else term.value


def is_no(found: Found) -> bool:
    """Whether the answer to an ASK is no."""
    from pyoxigraph import QueryBoolean

    return isinstance(found, QueryBoolean) and not found


def lines(found: Found, prefixes: Mapping[str, str], width: int) -> Iterator[Line]:
    """An answer for people: a table of rows and their number, or yes or no."""
    from pyoxigraph import QuerySolutions

    if not isinstance(found, QuerySolutions):
        yield Line("yes" if found else "no")
        return
    names = [variable.value for variable in found.variables]
    rows = [[shown(term, prefixes) for term in row] for row in found]
    if rows:
        yield from table(names, rows, width)
        yield Line("")
    yield Line(f"{len(rows) or 'no'} row{'' if len(rows) == 1 else 's'}", "dim")
