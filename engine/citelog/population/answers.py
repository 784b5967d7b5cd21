"""What each picture is answered: its conclusions, its notes about entries, and which entries conclusions rest on."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from citelog.conclusions import not_one, spelt
from citelog.knowledge.base import Kind, Knowledge
from citelog.patient.facts import PATIENT
from citelog.population import pictures
from citelog.population.derivation import components
from citelog.population.derivation.rested import rested_on
from citelog.population.derivation.state import Derivation
from citelog.population.engines.engine import Engine, Loaded, Row
from citelog.population.program.compiled import JOINT, Compiled, Names
from citelog.population.program.plan import DAY, SINCE_DAYS, WHEN_DAYS, Plan, kept
from citelog.population.program.queries import UNIT, RefusedError
from citelog.population.program.sight import ENTRY
from citelog.population.program.values import Values
from citelog.population.seen import Seen, given_to_pictures
from citelog.population.wordings import MARK
from citelog.proof import words
from citelog.proof.words import Words, sentence
from citelog.values import Atom, Iri, Value

IDLE = f"{MARK}. No conclusion rests on it."
BESIDE = f'{MARK}. No conclusion rests on it, but a line under "also" does.'

NEAR = 3_000_000
"""Pictures that DuckDB answers for an engine that is far away; of more it answers them itself."""

Told = tuple[str, str, str | None]
"""A kind, a value and a role."""

_ENTRY = Iri("urn:citelog:record:this")


def brought_near(engine: Engine, near: Engine) -> bool:
    """Whether the pictures of an engine that is far away are few; then they are now a table near at hand, too.

    Patients may be very many, but not their pictures; and rules are hundreds of small steps, each of which a cluster
    would take seconds for.
    """
    if engine is near:
        return False
    [(count,)] = engine.rows("SELECT count(*) FROM pictures")
    if count > NEAR:
        return False
    engine.fetch({"pictures": "SELECT picture, key, at_rank FROM pictures"})
    return True


def spread(engine: Engine) -> None:
    """Let what pictures were answered near at hand be known far away."""
    for name in ("told", "concluded", "picture_remarks"):
        engine.spread(name)


@dataclass(frozen=True, slots=True)
class Given:
    """Facts that are given of a predicate: a query over pictures and entries, and the rows of a table that it reads."""

    predicate: str
    query: str
    table: str = ""
    columns: tuple[str, ...] = ()
    rows: Sequence[Row] = ()


def given(seen: Seen, made: Plan, values: Values, at: datetime.date | None) -> list[Given]:
    """All facts that joint rules are given beside the knowledge."""
    program, found = made.program, []
    for order, (predicate, facts) in enumerate(given_to_pictures(seen, made).items()):
        places = kept(program, predicate)
        rows = [
            (code, *(None if args[i] is ENTRY else values.number(args[i]) for i in places)) for code, (_, args) in facts
        ]
        columns = ", ".join(f"coalesce(o.a{i}, e.entry) AS a{i}" for i in places)
        distinct = "" if all(ENTRY in args for _, (_, args) in facts) else "DISTINCT "
        table = f"given_{order}"
        query = f"SELECT {distinct}e.{UNIT}, {columns} FROM entries AS e JOIN {table} AS o ON e.code = o.code"
        found.append(Given(predicate, query, table, ("code", *(f"a{i}" for i in places)), rows))
    for predicate, first, last in ((WHEN_DAYS, "wf", "wl"), (SINCE_DAYS, "sf", "sl")):
        query = (
            f"SELECT e.{UNIT}, e.entry AS a1, f.id AS a2, l.id AS a3 FROM entries AS e "
            f"JOIN day_numbers AS f ON f.day = e.{first} JOIN day_numbers AS l ON l.day = e.{last} "
            f"WHERE e.{first} > 0"
        )
        found.append(Given(predicate, query))
    found.append(Given("patient", f"SELECT {UNIT} FROM {JOINT}units"))
    if at is not None:
        query = f"SELECT {UNIT}, {values.number(at)} AS a1 FROM {JOINT}units"
        if DAY not in made.exact_days:
            query = (
                f"SELECT u.{UNIT}, n.id AS a1 FROM {JOINT}units AS u JOIN pictures AS p ON u.{UNIT} = p.picture "
                "JOIN day_numbers AS n ON n.day = p.at_rank"
            )
        found.append(Given(DAY, query))
    return found


def give(derivation: Derivation, facts: Iterable[Given]) -> None:
    """Give a derivation its facts."""
    queries: dict[str, list[str]] = {}
    tables: dict[str, Loaded] = {}
    for one in facts:
        queries.setdefault(one.predicate, []).append(one.query)
        if one.table:
            tables[one.table] = one.columns, one.rows
    derivation.engine.load_all(tables)
    derivation.give(queries)


def begun(
    engine: Engine,
    made: Plan,
    compiled: Compiled,
    values: Values,
    stated: Mapping[str, list[tuple[Value, ...]]],
    tick: Callable[[], None],
    of: str = "pictures",
) -> Derivation:
    """A derivation about the pictures in a table, with the knowledge and nothing else given."""
    derivation = Derivation(engine, Names.of(made.program), compiled, values, JOINT, tick)
    met = made.met(made.joint)
    derivation.state({name: rows for name, rows in stated.items() if name in met})
    engine.expect(engine.create(f"{JOINT}units", f"SELECT picture::INTEGER AS {UNIT} FROM {of}"))
    engine.create("entries", pictures.records(of))
    _load_days(engine, values)
    return derivation


def derive(
    engine: Engine,
    made: Plan,
    compiled: Compiled,
    facts: Sequence[Given],
    values: Values,
    stated: Mapping[str, list[tuple[Value, ...]]],
    tick: Callable[[], None],
    of: str = "pictures",
) -> Derivation:
    """Run the joint rules on the pictures in a table, which are given some facts."""
    derivation = begun(engine, made, compiled, values, stated, tick, of)
    give(derivation, facts)
    derivation.empty(made.met(made.joint) & made.program.changing)
    components.run(derivation, made.joint)
    return derivation


def _load_days(engine: Engine, values: Values) -> None:
    """Number the days and ranks of days that stand in pictures."""
    days = [
        day
        for (day,) in engine.rows(
            "SELECT DISTINCT day FROM (SELECT unnest([wf, wl, sf, sl]) AS day FROM entries "
            "UNION ALL SELECT at_rank FROM pictures) WHERE day > 0 ORDER BY day"
        )
    ]
    engine.load("day_numbers", ("day", "id"), [(day, values.number(datetime.date.fromordinal(day))) for day in days])


# --- conclusions -------------------------------------------------------------------------------------------------


def conclude(
    engine: Engine, knowledge: Knowledge, derivation: Derivation, people: Engine, besides: Sequence[Told] = ()
) -> None:
    """Make the tables `concluded` (picture, told) and `told` (the kind, value and role of each).

    `people` is the engine that has the table of that name; `besides` are told of pictures that nothing was derived for.
    Raises DerivationError where a patient would get two conclusions, or none, of a kind of which everyone has one.
    """
    _check_one(engine, knowledge, derivation, people)
    told: dict[Told, int] = {}
    tables: dict[str, Loaded] = {}
    parts = []
    for order, rows in _values_shown(engine, knowledge, derivation).items():
        kind = knowledge.kinds[order]
        value, role = _places(knowledge, kind)
        numbered = []
        for number, part in rows:
            shown = _spelt(derivation.values, number, knowledge, kind)
            key = (kind.name, shown, _shown(derivation.values, part) if role else None)
            numbered.append((number, *([part] if role else []), told.setdefault(key, len(told))))
        tables[f"told_{order}"] = ("v", *(["r"] if role else []), "told"), numbered
        on = f"t.{value} = s.v" + (f" AND t.{role} = s.r" if role else "")
        table = derivation.table_of(kind.predicate)
        parts.append(f"SELECT t.{UNIT} AS picture, s.told FROM {table} AS t JOIN told_{order} AS s ON {on}")
    engine.load_all(tables)
    for key in besides:
        told.setdefault(key, len(told))
    engine.table(
        "told",
        pa.table(
            {
                "told": pa.array(told.values(), pa.int32()),
            }
            | {
                name: pa.array([key[place] for key in told], pa.string()).dictionary_encode()
                for place, name in enumerate(("kind", "value", "role"))
            }
        ),
    )
    nothing = "SELECT NULL::INTEGER AS picture, NULL::INTEGER AS told WHERE false"
    engine.create("concluded", f"{' UNION ALL '.join(parts) or nothing} ORDER BY picture, told")


def _places(knowledge: Knowledge, kind: Kind) -> tuple[str, str]:
    """The columns of a kind's value and role; an empty one where it has no role."""
    names = [argument.name for argument in knowledge.program.predicates[kind.predicate].arguments]
    return f"a{names.index('value')}", f"a{names.index('role')}" if "role" in names else ""


def _values_shown(engine: Engine, knowledge: Knowledge, derivation: Derivation) -> dict[int, list[Row]]:
    """The distinct values and roles that some picture is given, by the place of their kind."""
    parts = []
    for order, kind in enumerate(knowledge.kinds):
        if derivation.rows_of(kind.predicate):
            value, role = _places(knowledge, kind)
            columns = f"{order} AS kind, {value} AS v, {role or 'NULL::INTEGER'} AS r"
            parts.append(f"SELECT {columns} FROM {derivation.table_of(kind.predicate)}")
    found: dict[int, list[Row]] = {}
    every = f"SELECT DISTINCT kind, v, r FROM ({' UNION ALL '.join(parts)}) AS g ORDER BY kind, v, r"
    for order, *row in engine.rows(every) if parts else ():
        found.setdefault(order, []).append(tuple(row))
    return found


def _check_one(engine: Engine, knowledge: Knowledge, derivation: Derivation, people: Engine) -> None:
    tables = {}
    for order, kind in enumerate(knowledge.kinds):
        if kind.exactly_one:
            value, _ = _places(knowledge, kind)
            tables[order] = f"(SELECT {UNIT}, {value} AS v FROM {derivation.table_of(kind.predicate)})"
            if kind.predicate not in derivation.names.changing:  # no rule gives it to anybody
                tables[order] = f"(SELECT {UNIT}, 0 AS v FROM {JOINT}units WHERE false)"
    parts = [
        f"SELECT {order} AS kind, u.{UNIT} FROM {JOINT}units AS u LEFT JOIN {table} AS t ON u.{UNIT} = t.{UNIT} "
        f"GROUP BY u.{UNIT} HAVING count(t.{UNIT}) <> 1"
        for order, table in tables.items()
    ]
    every = f"SELECT kind, {UNIT} FROM ({' UNION ALL '.join(parts)}) AS g ORDER BY kind, {UNIT} LIMIT 1"
    for order, picture in engine.rows(every) if parts else ():
        kind = knowledge.kinds[order]
        [(patient,)] = people.rows(f"SELECT min(patient) FROM people WHERE picture = {picture}")
        given = engine.rows(f"SELECT v FROM {tables[order]} AS t WHERE {UNIT} = {picture}")
        values = [_spelt(derivation.values, number, knowledge, kind) for (number,) in given]
        raise not_one(kind, knowledge, patient, [(value, "") for value in values])


def _spelt(values: Values, number: int, knowledge: Knowledge, kind: Kind) -> str:
    if number < 0:
        raise RefusedError(f"the kind {kind.name} has an entry as its value, which has no name among many patients")
    return spelt(values.value(number), knowledge, kind)


def _shown(values: Values, number: int) -> str:
    value = values.value(number)
    if isinstance(value, Decimal):
        return words.number(value)
    return value.local if isinstance(value, Iri) else str(value)


# --- notes about entries -----------------------------------------------------------------------------------------


def remark(engine: Engine, knowledge: Knowledge, derivation: Derivation) -> set[int]:
    """Make `picture_remarks` (picture, entry, words, idle): what is to be said of the entries of pictures.

    Rules say it of entries that they put aside; where they say nothing and no conclusion rests on an entry (`used`), it
    is idle, whether a line `beside` a conclusion rests on it or none. Gives the pictures in which a rule speaks of more
    than one entry.
    """
    said = Words(knowledge, {_ENTRY: f"{MARK}."})
    hard: set[int] = set()
    texts: dict[str, int] = {IDLE: 0, BESIDE: 1}
    parts = []
    for order, predicate in enumerate(knowledge.notes):
        table = derivation.table_of(predicate)
        places = kept(knowledge.program, predicate)
        if not derivation.rows_of(predicate) or not places:
            continue
        columns = [f"a{i}" for i in places]
        masked = [f"greatest(t.{c}, -1)" for c in columns]
        rows = []
        distinct = f"SELECT DISTINCT {', '.join(f'{m} AS m{i}' for i, m in enumerate(masked))} FROM {table} AS t"
        for args in engine.rows(f"{distinct} ORDER BY {', '.join(f'm{i}' for i in range(len(masked)))}"):
            about = sum(number < 0 for number in args)
            if about > 1:
                same = " AND ".join(f"{m} = {n}" for m, n in zip(masked, args, strict=True))
                hard |= {unit for (unit,) in engine.rows(f"SELECT DISTINCT {UNIT} FROM {table} AS t WHERE {same}")}
            elif about:
                atom = _atom(predicate, places, args, knowledge, derivation.values)
                text = sentence(said.fact(atom)) + "."
                rows.append((*args, texts.setdefault(text, len(texts))))
        if rows:
            engine.load(f"noted_{order}", (*columns, "text"), rows)
            on = " AND ".join(f"n.{c} = {m}" for c, m in zip(columns, masked, strict=True))
            entry = f"least({', '.join(f't.{c}' for c in columns)})" if len(columns) > 1 else f"t.{columns[0]}"
            parts.append(
                f"SELECT t.{UNIT} AS picture, {entry} AS entry, n.text AS text FROM {table} AS t "
                f"JOIN noted_{order} AS n ON {on}"
            )
    engine.table(
        "remark_texts",
        pa.table({"text": pa.array(texts.values(), pa.int32()), "words": pa.array(list(texts), pa.string())}),
    )
    nothing = "SELECT NULL::INTEGER AS picture, NULL::INTEGER AS entry, NULL::INTEGER AS text WHERE false"
    engine.create("said_by_rules", f"SELECT DISTINCT * FROM ({' UNION ALL '.join(parts) or nothing})")
    engine.create(
        "picture_remarks",
        f"""
SELECT picture, entry, words, m.text <= 1 AS idle FROM (
  SELECT * FROM said_by_rules
  UNION ALL
  SELECT e.{UNIT}, e.entry, (b.entry IS NOT NULL)::INTEGER FROM entries AS e
  LEFT JOIN beside AS b ON e.{UNIT} = b.picture AND e.entry = b.entry
  ANTI JOIN used AS u ON e.{UNIT} = u.picture AND e.entry = u.entry
  ANTI JOIN said_by_rules AS s ON e.{UNIT} = s.picture AND e.entry = s.entry
) AS m JOIN remark_texts AS t ON m.text = t.text""",
    )
    engine.drop("said_by_rules")
    return hard


def _atom(predicate: str, places: tuple[int, ...], args: tuple[int, ...], knowledge: Knowledge, values: Values) -> Atom:
    whole: list[Any] = [PATIENT] * len(knowledge.program.predicates[predicate].arguments)
    for place, number in zip(places, args, strict=True):
        whole[place] = _ENTRY if number < 0 else values.value(number)
    return Atom(predicate, tuple(whole))


def used(engine: Engine, made: Plan, knowledge: Knowledge, derivation: Derivation) -> None:
    """Make `used` and `beside` (picture, entry): the entries that some conclusion rests on, or a line beside one."""

    def rested(shown: Collection[str]) -> str:
        return f"SELECT {UNIT} AS picture, entry FROM ({rested_on(derivation, shown, made.joint)}) AS r"

    engine.create("used", rested({kind.predicate for kind in knowledge.kinds}))
    parts = ["SELECT NULL::INTEGER AS picture, NULL::INTEGER AS entry WHERE false"]
    for order, kind in enumerate(knowledge.kinds):
        if kind.candidates:
            lines, own = rested({kind.candidates}), derivation.table_of(kind.predicate)
            is_drawn = derivation.rows_of(kind.predicate)
            where = f"SEMI JOIN {own} AS t ON r.picture = t.{UNIT}" if is_drawn else "WHERE false"
            engine.create(f"beside_{order}", f"SELECT r.* FROM ({lines}) AS r {where}")
            parts.append(f"SELECT * FROM beside_{order}")
    engine.create("beside", " UNION ".join(parts))
