"""The concepts that OMOP speaks of: each distinct one is looked up once, and what it says stands in tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from citelog.diagnostics import CaseError
from citelog.population.omop.concepts import SYSTEMS, Concept, Vocabulary
from citelog.population.omop.tables import COLUMNS, EVENTS, LISTS, PERSON_IDS, Table, load
from citelog.vocab import Terms

if TYPE_CHECKING:
    import duckdb

ANSWERS = {"yes": "present", "no": "absent"}


def vocabulary(tables: Mapping[str, Table], cursor: duckdb.DuckDBPyConnection, terms: Terms) -> Vocabulary:
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
            ids = PERSON_IDS[:1] if table == "person" else ("concept_id", "source_concept_id", *COLUMNS[table][0])
            for one in ids:
                spoken.update(i for (i,) in cursor.execute(f"SELECT DISTINCT {one} FROM {table}_rows").fetchall() if i)
    vocabulary = Vocabulary(_concepts(tables, spoken, cursor), ingredients, terms)
    _load_concepts(vocabulary, spoken, cursor)
    for table in events:
        _load_things(table, vocabulary, cursor)
    return vocabulary


def _concepts(tables: Mapping[str, Table], spoken: set[int], cursor: duckdb.DuckDBPyConnection) -> dict[int, Concept]:
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
    load(cursor, "concepts", "concept_id BIGINT, shown VARCHAR, unit VARCHAR, answer VARCHAR, is_named BOOLEAN", rows)


def _load_things(table: str, vocabulary: Vocabulary, cursor: duckdb.DuckDBPyConnection) -> None:
    """Make `measurement_things` and so on: each distinct concept of the events, and what it is about."""
    key = (
        "coalesce(concept_id, 0) AS c, coalesce(source_concept_id, 0) AS s, CASE WHEN coalesce(concept_id, 0) IN "
        "(SELECT concept_id FROM concepts WHERE is_named) THEN '' ELSE coalesce(source_value, '') END AS v"
    )
    cursor.execute(f"CREATE TEMP VIEW {table}_keyed AS SELECT *, {key} FROM {table}_rows WHERE fault IS NULL")
    distinct = cursor.execute(f"SELECT DISTINCT c, s, v FROM {table}_keyed").fetchall()
    rows = [(*key, *vocabulary.thing(LISTS[table], *key)) for key in distinct]
    columns = "c BIGINT, s BIGINT, v VARCHAR, list VARCHAR, name VARCHAR, codes VARCHAR, note VARCHAR"
    load(cursor, f"{table}_things", columns, rows)
