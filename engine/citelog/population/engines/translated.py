"""The queries of this room, which are written as DuckDB has them, as Spark has them.

sqlglot, with which Ibis writes SQL, reads and writes them. What it would write that means something else to Spark is
said otherwise here; and what is neither known to mean the same nor said otherwise is refused, never hoped for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping

import sqlglot
from sqlglot import exp

from citelog.population.program.queries import RefusedError

WHOLE = "DECIMAL(38, 0)"
"""What a packed number is in Spark, which has no whole numbers of 128 bits; its arithmetic is exact."""

SAME: frozenset[type[exp.Expr]] = frozenset(
    {
        exp.Select, exp.From, exp.Table, exp.Identifier, exp.Column, exp.Star, exp.Alias, exp.TableAlias, exp.Subquery,
        exp.Join, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Distinct, exp.Tuple,
        exp.Union, exp.Except, exp.With, exp.CTE, exp.Paren, exp.Literal, exp.Null, exp.Boolean, exp.Neg,
        exp.And, exp.Or, exp.Not, exp.Is, exp.In, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE,
        exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.IntDiv, exp.DPipe, exp.Case, exp.If, exp.Coalesce, exp.Cast,
        exp.DataType, exp.DataTypeParam, exp.Exists, exp.Count, exp.Min, exp.Max, exp.ArgMin, exp.ArgMax, exp.Greatest,
        exp.Least, exp.Window, exp.RowNumber, exp.Replace, exp.Chr, exp.Array, exp.ArrayAgg, exp.ArraySort, exp.Lambda,
        exp.Dot, exp.Struct, exp.PropertyEQ, exp.Anonymous, exp.Transform, exp.ArrayFilter, exp.ArrayDistinct,
        exp.Flatten, exp.BitwiseAnd, exp.Lateral, exp.Explode, exp.Posexplode,
    }
)  # fmt: skip
"""What a query may be made of once it has been said otherwise: each means the same to both."""

CALLED = frozenset({"array_position", "xxhash64", "size", "concat", "posexplode"})
"""The functions that are called by a name that Spark knows."""

TYPES = frozenset({"TINYINT", "SMALLINT", "INT", "BIGINT", "DECIMAL", "VARCHAR", "TEXT", "ARRAY", "BOOLEAN"})

POSITIVE = (1 << 63) - 1


@functools.lru_cache(4096)
def translated(query: str) -> str:
    """A query as Spark has it; raises RefusedError where it is made of something that is not known to mean the same.

    >>> translated("SELECT p.patient, len(key)::TINYINT AS n FROM pictures AS p SEMI JOIN lonely USING (patient)")
    'SELECT p.patient, CAST(SIZE(key) AS TINYINT) AS n FROM pictures AS p SEMI JOIN lonely USING (patient)'
    >>> translated("SELECT log(a) FROM t")
    Traceback (most recent call last):
    citelog.population.program.queries.RefusedError: Spark is not known to have the same Log as DuckDB: LOG(a)
    """
    tree: exp.Expr = _said(sqlglot.parse_one(query, read="duckdb"))
    for node in tree.walk():
        is_known = type(node) in SAME and not (isinstance(node, exp.Anonymous) and node.name.lower() not in CALLED)
        if not is_known or (isinstance(node, exp.DataType) and node.this.name not in TYPES):
            part = node.sql("duckdb")[:100]
            raise RefusedError(f"Spark is not known to have the same {type(node).__name__} as DuckDB: {part}")
    return str(tree.sql("spark"))


# --- said otherwise ----------------------------------------------------------------------------------------------


def _said(node: exp.Expr) -> exp.Expr:
    """A query or a part of one, said otherwise where it must be: from outside in, since what it is part of decides."""
    otherwise = _OTHERWISE.get(type(node))
    made = otherwise(node) if otherwise else node
    for part in list(made.iter_expressions()):
        part.replace(_said(part))
    return made


def _call(name: str, *args: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this=name, expressions=list(args))


def _power(bits: exp.Expr) -> exp.Expr:
    """Two to the power of a number of bits."""
    return exp.cast(exp.Literal.string(str(1 << int(bits.unnest().name))), WHOLE)


def _shift_left(node: exp.Expr) -> exp.Expr:
    return exp.cast(exp.Mul(this=node.this, expression=_power(node.expression)), WHOLE)


def _or(node: exp.Expr) -> exp.Expr:
    """Numbers that share no bit are put together by adding them."""
    return exp.cast(exp.Add(this=node.this, expression=node.expression), WHOLE)


def _masked(node: exp.Expr) -> exp.Expr:
    """Some bits of a packed number, which stand above others: first what is above them goes, then what is below."""
    shift, mask = node.this.unnest(), int(node.expression.name)
    if not isinstance(shift, exp.BitwiseRightShift):
        return node
    bits = int(shift.expression.unnest().name)
    above = exp.cast(exp.Literal.string(str((mask + 1) << bits)), WHOLE)
    low = exp.Paren(this=exp.Mod(this=shift.this, expression=above))
    return exp.Paren(this=exp.IntDiv(this=low, expression=_power(shift.expression)))


def _shift_right(node: exp.Expr) -> exp.Expr:
    """The highest bits of a packed number."""
    return exp.Paren(this=exp.IntDiv(this=node.this, expression=_power(node.expression)))


def _named(node: exp.Expr) -> exp.Expr:
    """Functions that sqlglot does not know by name."""
    name = node.name.lower()
    if name == "list_position":
        return _call("array_position", *node.expressions)
    if name == "hash":  # Spark passes nulls over, so that each value is made a text that is none
        parts = []
        for part in node.expressions:
            text = _call("concat", exp.Literal.string("="), exp.cast(part, "VARCHAR"))
            parts.append(exp.Coalesce(this=text, expressions=[exp.Literal.string("")]))
        return exp.Paren(this=exp.BitwiseAnd(this=_call("xxhash64", *parts), expression=exp.Literal.number(POSITIVE)))
    return node


def _select(node: exp.Expr) -> exp.Expr:
    """A list that is unnested beside its places, which Spark gives with it, counted from 0."""
    unnested = [(one, one.this.this) for one in node.expressions if isinstance(one.unalias(), exp.Explode)]
    places = [one for one, what in unnested if isinstance(what, exp.GenerateSeries)]
    lists = [(one, what) for one, what in unnested if not isinstance(what, exp.GenerateSeries)]
    if len(places) != 1 or len(lists) != 1:
        return node
    [place], [(item, listed)] = places, lists
    template = "SELECT nth + 1 AS place FROM t LATERAL VIEW POSEXPLODE(listed) AS nth, item"
    made = sqlglot.parse_one(template, read="spark")
    [lateral] = made.args["laterals"]
    lateral.this.set("this", listed.copy())
    lateral.args["alias"].columns[1].replace(exp.to_identifier(item.alias))
    place.replace(exp.alias_(made.expressions[0].this.copy(), place.alias))
    item.replace(exp.column(item.alias))
    node.set("laterals", [lateral])
    return node


def _table(node: exp.Expr) -> exp.Expr:
    """A Parquet file that is read like a table."""
    if isinstance(node.this, exp.ReadParquet) and isinstance(node.this.expressions[0], exp.Literal):
        path = exp.to_identifier(node.this.expressions[0].name, quoted=True)
        return exp.Table(this=path, db=exp.to_identifier("parquet"), alias=node.args.get("alias"))
    return node


def _type(node: exp.Expr) -> exp.Expr:
    names = {"INT128": WHOLE, "UBIGINT": "BIGINT"}
    return exp.DataType.build(names[node.this.name]) if node.this.name in names else node


_OTHERWISE: Mapping[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.BitwiseLeftShift: _shift_left,
    exp.BitwiseRightShift: _shift_right,
    exp.BitwiseOr: _or,
    exp.BitwiseAnd: _masked,
    exp.Length: lambda node: _call("size", node.this),  # of lists: no query asks for the length of a text
    exp.Anonymous: _named,
    exp.DataType: _type,
    exp.Table: _table,
    exp.Select: _select,
}
"""By the kind of a part of a query: what is said for it."""
