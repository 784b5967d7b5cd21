"""From the rows of OMOP to the entries and the patients of the flat shape."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from citelog.patient.case import ListName
from citelog.population.data.files import literal, located, name
from citelog.population.data.tables import CODES, PATIENTS, Relation, TableName
from citelog.population.omop.concepts import Vocabulary
from citelog.population.omop.tables import EVENTS, LISTS, Table, load

if TYPE_CHECKING:
    import duckdb

SIGNS = {4172703: "", 4171756: "<", 4171754: "<=", 4172704: ">", 4171755: ">="}
"""The operators of OMOP, by their concepts; none is "="."""

SEXES = {8507: "male", 8532: "female"}

STATUSES: Mapping[int, str] = {
    **dict.fromkeys((32890, 32893, 32896, 32898, 32900, 32901, 32902, 32903, 32907, 32908, 32909), "present"),
    **dict.fromkeys((32892, 32899, 32904, 32905), "unknown"),  # to be diagnosed, preliminary, a referral's
    32906: "resolved",
}
"""What the status of a diagnosis says of the condition; any other is said in words, and counts as unknown."""


_SIGN = r"^\s*(<=|>=|≤|≥|<|>)\s*[0-9]"
_SOURCE = "coalesce(value_source_value, '')"
_SAID = f"regexp_extract({{}}, {literal(_SIGN)}, 1)"
"""The sign that a text begins with; empty where it begins with none."""
_ENTRIES: Mapping[str, str] = {
    "measurement": """
        SELECT {common}, CASE
                WHEN value_as_number IS NOT NULL THEN {sign} || value_as_number
                WHEN coalesce(value_as_concept_id, 0) <> 0 THEN answer.shown ELSE value_source_value END AS value,
            {unit} AS unit, coalesce(measurement_date, measurement_datetime) AS "when",
            CASE WHEN value_as_number IS NOT NULL THEN answer.shown END AS flag,
            CASE WHEN value_as_number IS NULL THEN coalesce(answer.answer, answer.shown, value_source_value)
                 ELSE {sign} || value_as_number END AS state
        FROM {rows}
        LEFT JOIN concepts AS answer ON answer.concept_id = value_as_concept_id
        LEFT JOIN concepts AS units ON units.concept_id = unit_concept_id
        LEFT JOIN concepts AS operator ON operator.concept_id = operator_concept_id
        LEFT JOIN two_units ON two_units.c = unit_concept_id AND two_units.v = unit_source_value""",
    "observation": """
        SELECT {common},
            coalesce({said} || value_as_number, value_as_string, answer.shown, value_source_value) AS value,
            {unit} AS unit, coalesce(observation_date, observation_datetime) AS "when", qualifier.shown AS flag,
            nullif(concat_ws(', ', coalesce(answer.answer, answer.shown, value_as_string,
                {said} || value_as_number, value_source_value), qualifier.shown), '') AS state
        FROM {rows}
        LEFT JOIN concepts AS answer ON answer.concept_id = value_as_concept_id
        LEFT JOIN concepts AS units ON units.concept_id = unit_concept_id
        LEFT JOIN concepts AS qualifier ON qualifier.concept_id = qualifier_concept_id
        LEFT JOIN two_units ON two_units.c = unit_concept_id AND two_units.v = unit_source_value""",
    "condition_occurrence": """
        SELECT {common}, CASE
                WHEN coalesce(condition_end_date, condition_end_datetime) IS NOT NULL THEN 'resolved'
                WHEN coalesce(condition_status_concept_id, 0) = 0 THEN 'present' {statuses}
                ELSE status.shown END AS state,
            coalesce(condition_start_date, condition_start_datetime) AS "when"
        FROM {rows} LEFT JOIN concepts AS status ON status.concept_id = condition_status_concept_id""",
    "procedure_occurrence": """
        SELECT {common}, 'present' AS state, coalesce(procedure_date, procedure_datetime) AS "when" FROM {rows}""",
    "drug_exposure": """
        SELECT {common}, sig AS frequency, {taken} AS status,
            coalesce(drug_exposure_start_date, drug_exposure_start_datetime) AS since, routes.shown AS route
        FROM {rows} LEFT JOIN routes ON routes.c = coalesce(route_concept_id, 0)
            AND routes.v = coalesce(route_source_value, '')""",
}
_KEYS: Mapping[ListName, tuple[str, ...]] = {
    "labs": ("value", "unit", "when", "flag"), "findings": ("state", "when"), "conditions": ("state", "when"),
    "medications": ("frequency", "status", "since", "route"),
}  # fmt: skip


def relations(
    tables: Mapping[str, Table],
    vocabulary: Vocabulary,
    scratch: Path,
    cursor: duckdb.DuckDBPyConnection,
    at: datetime.date | None,
) -> Iterator[tuple[TableName, Relation]]:
    """The tables of the flat shape, written out."""
    _load_pairs(tables, vocabulary, cursor)
    parts = _parts(at)
    first = 0
    made: dict[str, str] = {}
    for table in EVENTS:
        if table in tables:
            common = f'row_."row" + {first} AS "row", patient, thing.list, thing.name, thing.codes'
            rows = (
                f"(FROM {table}_keyed) AS row_ JOIN (FROM {table}_things WHERE note = '') AS thing "
                "ON row_.c = thing.c AND row_.s = thing.s AND row_.v = thing.v"
            )
            made[table] = _ENTRIES[table].format(common=common, rows=rows, **parts)
            first += sum(part.rows for part in tables[table].stored.parts)
    for list_, keys in _KEYS.items():
        picked = ", ".join(map(name, keys))
        queries = [
            f'SELECT "row", patient, name, codes, {picked} FROM ({query}) WHERE list = {literal(list_)}'
            for table, query in made.items()
            if list_ in LISTS[table]
        ]
        columns = ("analyte" if list_ == "labs" else "name", CODES, *keys)
        if queries and (relation := _written(list_, " UNION ALL ".join(queries), columns, scratch, cursor)):
            yield list_, relation
    yield _people(tables, vocabulary, scratch, cursor)


def _written(
    list_: str, query: str, columns: tuple[str, ...], scratch: Path, cursor: duckdb.DuckDBPyConnection
) -> Relation | None:
    path = scratch / f"omop-{list_}.parquet"
    names = ", ".join(('"row"', "patient", *map(name, columns)))
    ((count,),) = cursor.execute(
        f"COPY (SELECT * FROM ({query}) AS t({names})) TO {located(path)} (FORMAT parquet)"
    ).fetchall()
    return Relation(f"SELECT * FROM read_parquet({located(path)})", columns) if count else None


def _parts(at: datetime.date | None) -> dict[str, str]:
    """What several queries have in common, and what depends on the day of the assessment."""
    known = " ".join(f"WHEN {concept} THEN {literal(sign)}" for concept, sign in SIGNS.items())
    source = _SAID.format(_SOURCE)
    plain = f"replace(replace({source}, '≤', '<='), '≥', '>=')"
    operator = f"CASE operator_concept_id {known} END"
    sign = (
        f"CASE WHEN coalesce(operator_concept_id, 0) IN (0, 4172703) THEN {source} "
        f"WHEN {operator} IS NULL THEN '(' || operator.shown || ') ' "
        f"WHEN {plain} NOT IN ('', {operator}) THEN '(' || {operator} || ', in the source ' || {source} || ') ' "
        f"ELSE {operator} END"
    )
    string = _SAID.format("coalesce(value_as_string, '')")
    said = f"coalesce(nullif({source}, ''), {string})"
    printed = "regexp_extract(value_source_value, '[0-9]+(\\.[0-9]+)?')"
    same = f"TRY_CAST({printed} AS DOUBLE) = TRY_CAST(value_as_number AS DOUBLE)"
    unit = (
        f"CASE WHEN two_units.shown IS NOT NULL AND (value_source_value IS NULL OR {same}) THEN two_units.shown "
        "WHEN coalesce(unit_concept_id, 0) <> 0 THEN units.unit ELSE unit_source_value END"
    )
    statuses = " ".join(
        f"WHEN condition_status_concept_id = {one} THEN {literal(said)}" for one, said in STATUSES.items()
    )
    taken = "CASE WHEN stop_reason IS NOT NULL THEN 'stopped' END"
    if at is not None:
        day = f"DATE {literal(at.isoformat())}"
        begin = "TRY_CAST(coalesce(drug_exposure_start_date, drug_exposure_start_datetime) AS DATE)"
        end = "TRY_CAST(coalesce(verbatim_end_date, drug_exposure_end_date) AS DATE)"
        taken = (
            f"CASE WHEN {begin} > {day} THEN 'planned' WHEN stop_reason IS NOT NULL OR {end} < {day} THEN 'stopped' "
            f"WHEN {begin} <= {day} AND {end} >= {day} THEN 'current' END"
        )
    return {"sign": sign, "said": said, "unit": unit, "statuses": statuses, "taken": taken}


def _load_pairs(tables: Mapping[str, Table], vocabulary: Vocabulary, cursor: duckdb.DuckDBPyConnection) -> None:
    """Make `two_units`, units that contradict what the source says, and `routes`."""
    units: dict[tuple[int, str], str] = {}
    for table in ("measurement", "observation"):
        if table in tables:
            query = f"SELECT DISTINCT unit_concept_id, unit_source_value FROM {table}_rows WHERE unit_concept_id <> 0"
            for concept, source in cursor.execute(query).fetchall():
                if source and (both := vocabulary.two_units(concept, source)):
                    units[concept, source] = both
    load(cursor, "two_units", "c BIGINT, v VARCHAR, shown VARCHAR", [(*key, both) for key, both in units.items()])
    routes: list[tuple[object, ...]] = []
    if "drug_exposure" in tables:
        query = (
            "SELECT DISTINCT coalesce(route_concept_id, 0), coalesce(route_source_value, '') FROM drug_exposure_rows"
        )
        routes = [(c, v, vocabulary.route(c, v)) for c, v in cursor.execute(query).fetchall()]
    load(cursor, "routes", "c BIGINT, v VARCHAR, shown VARCHAR", routes)


def _people(
    tables: Mapping[str, Table], vocabulary: Vocabulary, scratch: Path, cursor: duckdb.DuckDBPyConnection
) -> tuple[TableName, Relation]:
    """The table of the patients: everybody in `person`, or, without it, everybody who has an event."""
    if "person" not in tables:
        query = 'SELECT row_number() OVER (ORDER BY patient) - 1 AS "row", patient FROM people'
        path = scratch / "omop-people.parquet"
        cursor.execute(f"COPY ({query}) TO {located(path)} (FORMAT parquet)")
        return PATIENTS, Relation(f"SELECT * FROM read_parquet({located(path)})", ())
    known = " ".join(f"WHEN {concept} THEN {literal(sex)}" for concept, sex in SEXES.items())
    sex = f"CASE gender_concept_id {known} ELSE coalesce(nullif(concepts.shown, ''), gender_source_value) END"
    born = (
        "coalesce(left(birth_datetime, 10), CAST(year_of_birth AS VARCHAR) || coalesce(printf('-%02d', month_of_birth) "
        "|| coalesce(printf('-%02d', day_of_birth), ''), ''))"
    )
    keys = {"sex": sex, "birth_date": born} if vocabulary.terms.match("context", "birth_date") else {"sex": sex}
    said = ", ".join(f"{how} AS {key}" for key, how in keys.items())
    once = ", ".join(f"CASE WHEN count(DISTINCT {key}) = 1 THEN min({key}) END AS {key}" for key in keys)
    rows = f'SELECT "row", patient, {said} FROM person_rows LEFT JOIN concepts ON concept_id = gender_concept_id'
    query = f'SELECT min("row") AS "row", patient, {once} FROM ({rows}) WHERE patient IN (FROM people) GROUP BY patient'
    relation = _written("people", query, tuple(keys), scratch, cursor)
    return PATIENTS, relation or Relation("SELECT 0 AS \"row\", '' AS patient WHERE false", ())
