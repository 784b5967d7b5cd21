"""OMOP CDM: tables of events with concept ids, as the flat shape.

A concept id says nothing by itself. What it names is said by the vocabulary (`concept`: LOINC, SNOMED CT, RxNorm, UCUM
…) or by the site (`concept_mapping`: a name or a code for an id), which goes first. Each distinct concept is looked
up once; all else is DuckDB's. What the columns become is in docs/POPULATION-INPUTS.md, and what is not read.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from citelog.diagnostics import CaseError
from citelog.patient.case import ListName
from citelog.population.data import files
from citelog.population.data.concepts import SYSTEMS, Concept, Vocabulary
from citelog.population.data.files import FORBIDDEN, LONGEST, Stored, literal, name
from citelog.population.data.tables import CODES, PATIENTS, Relation, Source, TableName
from citelog.vocab import Terms

if TYPE_CHECKING:
    import duckdb

EVENTS = ("measurement", "observation", "condition_occurrence", "procedure_occurrence", "drug_exposure")
"""The tables that become entries, in the order of their rows among the entries of a list."""

NAMES = (*EVENTS, "person", "concept", "concept_mapping", "drug_strength")
"""Every table that is read."""

SIGNS = {4172703: "", 4171756: "<", 4171754: "<=", 4172704: ">", 4171755: ">="}
"""The operators of OMOP, by their concepts; none is "="."""

SEXES = {8507: "male", 8532: "female"}
ANSWERS = {"yes": "present", "no": "absent"}

STATUSES: Mapping[int, str] = {
    **dict.fromkeys((32890, 32893, 32896, 32898, 32900, 32901, 32902, 32903, 32907, 32908, 32909), "present"),
    **dict.fromkeys((32892, 32899, 32904, 32905), "unknown"),  # to be diagnosed, preliminary, a referral's
    32906: "resolved",
}
"""What the status of a diagnosis says of the condition; any other is said in words, and counts as unknown."""


def read(
    folder: Path,
    scratch: Path,
    database: duckdb.DuckDBPyConnection,
    terms: Terms,
    at: datetime.date | None = None,
) -> Source:
    """The OMOP tables of a folder; what has to be written on the way goes to `scratch`.

    Raises CaseError where a file cannot be used. Rows that cannot be used are set aside.
    """
    tables = _tables(folder, scratch, database)
    if not tables.keys() & {"concept", "concept_mapping"}:
        what = "no table says what its concept ids mean"
        raise CaseError(str(folder), what, "add concept.csv from Athena, or concept_mapping.csv (concept_id,name)")
    with database.cursor() as cursor:
        _prepare(tables, scratch, cursor)
        vocabulary = _vocabulary(tables, cursor, terms)
        relations = dict(_relations(tables, vocabulary, scratch, cursor, at))
        rejected, notes = scratch / "rejected.parquet", scratch / "notes.parquet"
        ((bad,),) = cursor.execute(f"COPY ({_REJECTED}) TO {literal(str(rejected))} (FORMAT parquet)").fetchall()
        ((noted,),) = cursor.execute(f"COPY ({_notes(tables)}) TO {literal(str(notes))} (FORMAT parquet)").fetchall()
        remarks = tuple(_remarks(folder, tables, cursor))
    return Source(
        form="omop",
        files=tuple(file for table in tables.values() for file in table.stored.files),
        relations=relations,
        rejected=f"SELECT * FROM read_parquet({literal(str(rejected))})" if bad else None,
        notes=f"SELECT * FROM read_parquet({literal(str(notes))})" if noted else None,
        remarks=remarks,
    )


# --- tables ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of OMOP; its columns may be written in any letters, as databases export them."""

    name: str
    stored: Stored
    columns: Mapping[str, str] = field(default_factory=dict)

    def kind(self, column: str) -> str:
        """The type of a column; empty where there is none."""
        return self.stored.columns[self.columns[column]] if column in self.columns else ""

    def whole(self, column: str) -> str:
        """A column of ids; what is no whole number is null."""
        if column not in self.columns:
            return "NULL::BIGINT"
        written = name(self.columns[column])
        kind = self.kind(column)
        if kind in ("DOUBLE", "FLOAT"):  # what pandas makes of ids of which some are missing
            return f"CASE WHEN {written} = floor({written}) THEN TRY_CAST({written} AS BIGINT) END"
        if kind == "VARCHAR":
            return (
                f"CASE WHEN regexp_full_match({written}, ' *-?[0-9]+(\\.0+)? *') THEN TRY_CAST({written} AS BIGINT) END"
            )
        return f"TRY_CAST({written} AS BIGINT)"

    def is_there(self, column: str) -> str:
        """That something stands in a column."""
        written = name(self.columns[column])
        if self.kind(column) in ("DOUBLE", "FLOAT"):
            return f"({written} IS NOT NULL AND NOT isnan({written}))"
        return f"({written} IS NOT NULL AND trim(CAST({written} AS VARCHAR)) <> '')"

    def text(self, column: str) -> str:
        """A column of text; an empty text is null."""
        if column not in self.columns:
            return "NULL::VARCHAR"
        written = self.columns[column]
        how = files.as_text(written, self.stored.columns[written])
        if how is None:
            raise files.inexact(self.stored.where, column, self.stored.columns[written])
        return f"nullif(trim(CAST({how} AS VARCHAR)), '')"

    def number(self, column: str) -> str:
        """A column of numbers as text: of a DOUBLE the shortest text that means the same number."""
        if column not in self.columns:
            return "NULL::VARCHAR"
        written = name(self.columns[column])
        if self.kind(column) not in ("DOUBLE", "FLOAT"):
            return self.text(column)
        return f"CASE WHEN NOT isnan({written}) THEN regexp_replace(CAST({written} AS VARCHAR), '\\.0$', '') END"


def _tables(folder: Path, scratch: Path, database: duckdb.DuckDBPyConnection) -> dict[str, _Table]:
    """The tables that are there, looked at."""
    found: dict[str, _Table] = {}
    needed: dict[str, tuple[str, ...]] = {table: (f"{_PREFIX[table]}_concept_id", "person_id") for table in EVENTS}
    needed |= {"person": ("person_id",), "concept": ("concept_id", "concept_name", "vocabulary_id", "concept_code")}
    needed |= {"concept_mapping": ("concept_id", "name")}
    needed |= {"drug_strength": ("drug_concept_id", "ingredient_concept_id")}
    for path in sorted(folder.iterdir()):
        table = files.stem(path).lower()
        if table not in NAMES or path.name.startswith("."):
            continue
        if table in found:
            both = f"{found[table].stored.shown} and {path.name}"
            raise CaseError(str(folder), f"{table} is there twice: {both}", "keep one of them in the folder")
        stored = files.store(path, scratch, database, is_quoted=table not in ("concept", "drug_strength"))
        files.check_names(list(stored.columns), stored.where, ())
        columns = {one.lower(): one for one in stored.columns}
        for column in needed[table]:
            if column not in columns:
                there = ", ".join(list(stored.columns)[:8])
                raise CaseError(stored.where, f'there is no column "{column}"', f"add it; the columns are {there} …")
        found[table] = _Table(table, stored, columns)
    return found


_PREFIX = {
    "measurement": "measurement", "observation": "observation", "condition_occurrence": "condition",
    "procedure_occurrence": "procedure", "drug_exposure": "drug",
}  # fmt: skip
COLUMNS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    # the ids, the texts and the numbers that are read besides the person, the concepts and the source's name
    "measurement": (
        ("operator_concept_id", "value_as_concept_id", "unit_concept_id"),
        ("measurement_date", "measurement_datetime", "unit_source_value", "value_source_value"),
        ("value_as_number",),
    ),
    "observation": (
        ("value_as_concept_id", "unit_concept_id", "qualifier_concept_id"),
        ("observation_date", "observation_datetime", "unit_source_value", "value_source_value", "value_as_string"),
        ("value_as_number",),
    ),
    "condition_occurrence": (
        ("condition_status_concept_id",),
        ("condition_start_date", "condition_start_datetime", "condition_end_date", "condition_end_datetime"),
        (),
    ),
    "procedure_occurrence": ((), ("procedure_date", "procedure_datetime"), ()),
    "drug_exposure": (
        ("route_concept_id",),
        ("drug_exposure_start_date", "drug_exposure_start_datetime", "drug_exposure_end_date", "verbatim_end_date",
         "stop_reason", "sig", "route_source_value"),
        (),
    ),
}  # fmt: skip


def _prepare(tables: Mapping[str, _Table], scratch: Path, cursor: duckdb.DuckDBPyConnection) -> None:
    """Make `measurement_rows` and so on: typed, with `fault` where a row cannot be used; and `people` and `faults`."""

    def made(table: str, query: str) -> None:
        path = literal(str(scratch / f"omop-{table}-rows.parquet"))
        cursor.execute(f"COPY ({query}) TO {path} (FORMAT parquet)")
        cursor.execute(f"CREATE TEMP VIEW {table}_rows AS FROM read_parquet({path})")

    person = tables.get("person")
    if person:
        made("person", _rows(person, _PERSON_IDS, _PERSON_TEXTS, (), known=False))
        cursor.execute("CREATE TEMP TABLE people AS SELECT DISTINCT patient FROM person_rows WHERE fault IS NULL")
    for table in EVENTS:
        if table in tables:
            ids, texts, numbers = COLUMNS[table]
            ids = ("concept_id", "source_concept_id", *ids)
            made(table, _rows(tables[table], ids, ("source_value", *texts), numbers, known=person is not None))
    parts = []
    for table in ("person", *EVENTS):
        if table in tables:
            shown = f"{[part.shown for part in tables[table].stored.parts]}[part + 1]"
            parts.append(f'SELECT {shown} AS "table", place + 1 AS "row", patient, fault FROM {table}_rows')
    faults = " UNION ALL ".join(parts)
    cursor.execute(f"CREATE TEMP TABLE faults AS FROM ({faults}) WHERE fault IS NOT NULL")
    if not person:
        everyone = " UNION ".join(f"SELECT patient FROM {t}_rows WHERE fault IS NULL" for t in EVENTS if t in tables)
        cursor.execute(f"CREATE TEMP TABLE people AS {everyone}")


_PERSON_IDS = ("gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth")
_PERSON_TEXTS = ("gender_source_value", "birth_datetime")


def _rows(table: _Table, ids: tuple[str, ...], texts: tuple[str, ...], numbers: tuple[str, ...], *, known: bool) -> str:
    prefix = _PREFIX.get(table.name, "")

    def column(short: str) -> str:
        own = short in ("concept_id", "source_concept_id", "source_value")
        return f"{prefix}_{short}" if own else short

    picked = ["CAST(" + table.whole("person_id") + " AS VARCHAR) AS patient"]
    picked += [f"{table.whole(column(one))} AS {one}" for one in ids]
    picked += [f"{table.text(column(one))} AS {one}" for one in texts]
    picked += [f"{table.number(one)} AS {one}" for one in numbers]
    cases = ["WHEN patient IS NULL THEN 'It names no person by a whole number.'"]
    for one in (one for one in ids if table.kind(column(one)) in ("VARCHAR", "DOUBLE", "FLOAT")):
        picked.append(f"{table.is_there(column(one))} AND ({table.whole(column(one))}) IS NULL AS bad_{one}")
        cases.append(f"WHEN bad_{one} THEN {literal(f'Its {column(one)} is no whole number.')}")
    for one in (one for one in (*texts, *numbers) if table.kind(column(one)) == "VARCHAR"):
        bad = f"regexp_matches({one}, {literal(FORBIDDEN)})"
        cases.append(f"WHEN {bad} THEN {literal(f'Its {column(one)} holds a control character.')}")
        cases.append(
            f"WHEN strlen({one}) > {LONGEST} THEN {literal(f'Its {column(one)} is longer than {LONGEST:,} bytes.')}"
        )
    if known:
        cases.append("WHEN patient NOT IN (SELECT patient FROM people) THEN 'The table person has no such person.'")
    elif table.name == "person":
        cases.append(
            'WHEN row_number() OVER (PARTITION BY patient ORDER BY "row") > 1 '
            "THEN 'Another row before it is about the same person.'"
        )
    return f"SELECT *, CASE {' '.join(cases)} END AS fault FROM ({table.stored.rows(', '.join(picked))})"


# --- concepts ----------------------------------------------------------------------------------------------------

_LISTS: Mapping[str, tuple[ListName, ...]] = {
    "measurement": ("labs", "findings"), "observation": ("labs", "findings"), "condition_occurrence": ("conditions",),
    "procedure_occurrence": ("conditions",), "drug_exposure": ("medications",),
}  # fmt: skip


def _vocabulary(tables: Mapping[str, _Table], cursor: duckdb.DuckDBPyConnection, terms: Terms) -> Vocabulary:
    """Look up every concept that is spoken of, and make the tables that say what it is: `things` and `concepts`."""
    events = [table for table in EVENTS if table in tables]
    ingredients: dict[int, int] = {}
    if strength := tables.get("drug_strength"):
        drug, ingredient = strength.whole("drug_concept_id"), strength.whole("ingredient_concept_id")
        rows = strength.stored.rows(f"{drug} AS drug, {ingredient} AS ingredient")
        taken = "SELECT concept_id FROM drug_exposure_rows" if "drug_exposure" in tables else "SELECT 0"
        ingredients = dict(
            cursor.execute(
                f"SELECT drug, min(ingredient) FROM ({rows}) WHERE drug IN ({taken}) AND ingredient IS NOT NULL "
                "GROUP BY drug HAVING count(DISTINCT ingredient) = 1"
            ).fetchall()
        )
    spoken: set[int] = set(ingredients.values())
    for table in ("person", *events):
        if table in tables:
            ids = _PERSON_IDS[:1] if table == "person" else ("concept_id", "source_concept_id", *COLUMNS[table][0])
            for one in ids:
                spoken.update(i for (i,) in cursor.execute(f"SELECT DISTINCT {one} FROM {table}_rows").fetchall() if i)
    vocabulary = Vocabulary(_concepts(tables, spoken, cursor), ingredients, terms)
    _load_concepts(vocabulary, spoken, cursor)
    for table in events:
        _load_things(table, vocabulary, cursor)
    return vocabulary


def _concepts(tables: Mapping[str, _Table], spoken: set[int], cursor: duckdb.DuckDBPyConnection) -> dict[int, Concept]:
    """The concepts that are spoken of, by their ids."""
    found: dict[int, Concept] = {}
    cursor.execute("CREATE TEMP TABLE spoken (concept_id BIGINT)")
    if spoken:
        cursor.execute("INSERT INTO spoken SELECT unnest(?)", [sorted(spoken)])
    if concept := tables.get("concept"):
        columns = ", ".join(concept.text(one) for one in ("concept_name", "vocabulary_id", "concept_code"))
        rows = concept.stored.rows(f"{concept.whole('concept_id')} AS id, {columns}")
        names = '("row", part, place, id, words, vocabulary, code)'
        query = f"SELECT id, words, vocabulary, code FROM ({rows}) AS t{names} SEMI JOIN spoken ON id = concept_id"
        for id_, words, vocabulary, code in cursor.execute(query).fetchall():
            system = "ucum" if vocabulary == "UCUM" else SYSTEMS.get(vocabulary or "", "")
            found[id_] = Concept(words or code or f"OMOP concept {id_}", f"{system}:{code}" if system and code else "")
    if mapping := tables.get("concept_mapping"):
        rows = mapping.stored.rows(f"{mapping.whole('concept_id')} AS id, {mapping.text('name')} AS words")
        where = mapping.stored.where
        for place, id_, words in cursor.execute(f'SELECT "row", id, words FROM ({rows}) ORDER BY ALL').fetchall():
            if id_ is None or not words:
                remedy = "write an id and a name or a code in each line, as in 3001122,loinc:2276-4"
                raise CaseError(f"{where}:{place + 2}", "this line has no whole number and name", remedy)
            if id_ in found and found[id_].is_mapped and found[id_].name != words:
                raise CaseError(
                    f"{where}:{place + 2}", f"concept {id_} has two names", "keep one line for each concept"
                )
            system = words.partition(":")[0]
            is_code = system in SYSTEMS.values() and " " not in words
            found[id_] = Concept(words, words if is_code else "", is_mapped=True)
    return found


def _load_concepts(vocabulary: Vocabulary, spoken: set[int], cursor: duckdb.DuckDBPyConnection) -> None:
    """Make `concepts`: what each concept that is spoken of is called, as a word, a unit and an answer."""
    rows = [
        (
            one,
            vocabulary.shown(one),
            vocabulary.unit(one),
            ANSWERS.get(vocabulary.shown(one).lower()),
            one in vocabulary.concepts,
        )
        for one in sorted(spoken)
    ]
    _load(cursor, "concepts", "concept_id BIGINT, shown VARCHAR, unit VARCHAR, answer VARCHAR, is_named BOOLEAN", rows)


def _load_things(table: str, vocabulary: Vocabulary, cursor: duckdb.DuckDBPyConnection) -> None:
    """Make `measurement_things` and so on: each distinct concept of the events, and what it is about."""
    key = (
        "coalesce(concept_id, 0) AS c, coalesce(source_concept_id, 0) AS s, CASE WHEN coalesce(concept_id, 0) IN "
        "(SELECT concept_id FROM concepts WHERE is_named) THEN '' ELSE coalesce(source_value, '') END AS v"
    )
    cursor.execute(f"CREATE TEMP VIEW {table}_keyed AS SELECT *, {key} FROM {table}_rows WHERE fault IS NULL")
    distinct = cursor.execute(f"SELECT DISTINCT c, s, v FROM {table}_keyed").fetchall()
    rows = [(*key, *vocabulary.thing(_LISTS[table], *key)) for key in distinct]
    columns = "c BIGINT, s BIGINT, v VARCHAR, list VARCHAR, name VARCHAR, codes VARCHAR, note VARCHAR"
    _load(cursor, f"{table}_things", columns, rows)


def _load(cursor: duckdb.DuckDBPyConnection, table: str, columns: str, rows: Sequence[tuple[object, ...]]) -> None:
    import pyarrow as pa

    cursor.execute(f"CREATE TEMP TABLE {table} ({columns})")
    if rows:
        handed = pa.table(
            [pa.array(column) for column in zip(*rows, strict=True)], [f"c{n}" for n in range(len(rows[0]))]
        )
        cursor.register("handed", handed)
        cursor.execute(f"INSERT INTO {table} FROM handed")
        cursor.unregister("handed")


# --- entries -----------------------------------------------------------------------------------------------------

_SIGN = r"^\s*(<=|>=|≤|≥|<|>)\s*[0-9]"
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
        SELECT {common}, coalesce(value_as_number, value_as_string, answer.shown, value_source_value) AS value,
            {unit} AS unit, coalesce(observation_date, observation_datetime) AS "when", qualifier.shown AS flag,
            nullif(concat_ws(', ', coalesce(answer.answer, answer.shown, value_as_string, value_as_number,
                value_source_value), qualifier.shown), '') AS state
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


def _relations(
    tables: Mapping[str, _Table],
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
            if list_ in _LISTS[table]
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
        f"COPY (SELECT * FROM ({query}) AS t({names})) TO {literal(str(path))} (FORMAT parquet)"
    ).fetchall()
    return Relation(f"SELECT * FROM read_parquet({literal(str(path))})", columns) if count else None


def _parts(at: datetime.date | None) -> dict[str, str]:
    """What several queries have in common, and what depends on the day of the assessment."""
    known = " ".join(f"WHEN {concept} THEN {literal(sign)}" for concept, sign in SIGNS.items())
    sign = (
        "CASE WHEN coalesce(operator_concept_id, 0) IN (0, 4172703) "
        f"THEN regexp_extract(coalesce(value_source_value, ''), {literal(_SIGN)}, 1) "
        f"ELSE CASE operator_concept_id {known} ELSE '(' || operator.shown || ') ' END END"
    )
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
    return {"sign": sign, "unit": unit, "statuses": statuses, "taken": taken}


def _load_pairs(tables: Mapping[str, _Table], vocabulary: Vocabulary, cursor: duckdb.DuckDBPyConnection) -> None:
    """Make `two_units`, units that contradict what the source says, and `routes`."""
    units: dict[tuple[int, str], str] = {}
    for table in ("measurement", "observation"):
        if table in tables:
            query = f"SELECT DISTINCT unit_concept_id, unit_source_value FROM {table}_rows WHERE unit_concept_id <> 0"
            for concept, source in cursor.execute(query).fetchall():
                if source and (both := vocabulary.two_units(concept, source)):
                    units[concept, source] = both
    _load(cursor, "two_units", "c BIGINT, v VARCHAR, shown VARCHAR", [(*key, both) for key, both in units.items()])
    routes: list[tuple[object, ...]] = []
    if "drug_exposure" in tables:
        query = (
            "SELECT DISTINCT coalesce(route_concept_id, 0), coalesce(route_source_value, '') FROM drug_exposure_rows"
        )
        routes = [(c, v, vocabulary.route(c, v)) for c, v in cursor.execute(query).fetchall()]
    _load(cursor, "routes", "c BIGINT, v VARCHAR, shown VARCHAR", routes)


def _people(
    tables: Mapping[str, _Table], vocabulary: Vocabulary, scratch: Path, cursor: duckdb.DuckDBPyConnection
) -> tuple[TableName, Relation]:
    """The table of the patients: everybody in `person`, or, without it, everybody who has an event."""
    if "person" not in tables:
        query = 'SELECT row_number() OVER (ORDER BY patient) - 1 AS "row", patient FROM people'
        path = scratch / "omop-people.parquet"
        cursor.execute(f"COPY ({query}) TO {literal(str(path))} (FORMAT parquet)")
        return PATIENTS, Relation(f"SELECT * FROM read_parquet({literal(str(path))})", ())
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


# --- what is set aside, and what is said --------------------------------------------------------------------------

_REJECTED = 'SELECT "table", "row", patient, fault AS reason FROM faults ORDER BY ALL'


def _notes(tables: Mapping[str, _Table]) -> str:
    """A query for what is said to a patient: rows that were set aside, and events that cannot be told apart."""
    parts = [
        "SELECT patient, 'Row ' || \"row\" || ' of ' || \"table\" || ' is not read. ' || fault AS text, "
        '"table" || \', row \' || "row" AS read_from FROM faults WHERE patient IN (FROM people)'
    ]
    for table in (one for one in EVENTS if one in tables):
        shown = f"{[part.shown for part in tables[table].stored.parts]}[part + 1]"
        parts.append(
            f"SELECT patient, note, {shown} || ', row ' || (place + 1) FROM {table}_keyed AS row_ "
            f"JOIN (FROM {table}_things WHERE note <> '') AS thing "
            "ON row_.c = thing.c AND row_.s = thing.s AND row_.v = thing.v"
        )
    return " UNION ALL ".join(parts)


def _remarks(folder: Path, tables: Mapping[str, _Table], cursor: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Tables that are not read, concepts that nothing names, numbers that have no digits of their own."""
    for path in sorted(folder.iterdir()):
        if files.stem(path) and files.stem(path).lower() not in NAMES:
            yield f"{path.name} is not read."
    for table in (one for one in EVENTS if one in tables):
        unnamed = cursor.execute(
            f"SELECT c, count(*) FROM {table}_keyed WHERE c <> 0 AND c NOT IN (SELECT concept_id FROM concepts "
            "WHERE is_named) GROUP BY c ORDER BY 2 DESC, 1"
        ).fetchall()
        shown = tables[table].stored.shown
        if unnamed:
            rows, most = sum(count for _, count in unnamed), ", ".join(f"{c} ({n:,})" for c, n in unnamed[:5])
            are = f"{_counted(rows, 'row')} of it {'is' if rows == 1 else 'are'} about"
            which = f"{_counted(len(unnamed), 'concept')}, most often {most}"
            yield f"{shown}: neither concept nor concept_mapping names what {are}; {which}."
        ((without,),) = cursor.execute(f"SELECT count(*) FROM {table}_keyed WHERE c = 0").fetchall()
        if without:
            has = "has" if without == 1 else "have"
            yield f"{shown}: {_counted(without, 'row')} {has} no concept, only a name of the source."
        column = tables[table].columns.get("value_as_number", "")
        if tables[table].stored.columns.get(column) in ("DOUBLE", "FLOAT"):
            yield f"{shown}: value_as_number is given by the shortest text that means the same number."


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"
