"""Populations to measure with: drawn from a seed, in the shapes that hospitals have, a million patients in seconds.

    python benchmarks/populations.py OUT --patients 1000000                  # flat Parquet
    python benchmarks/populations.py OUT --patients 10000 --shape bulk       # FHIR Bulk Data
    python benchmarks/populations.py OUT --patients 10000 --shape omop       # OMOP CDM

Most patients have results that no guideline asked for, a third were tested, some are treated, a few are a mess:
results without a unit or with one that nobody knows, `<50`, `haemolysed`, the same line twice, a finding present and
absent, dates that are missing or cannot be read, names in free text. Patient n is the same whatever the number of
patients, and in every shape. The draws are DuckDB's `hash`, so they are the same for one release of DuckDB.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import duckdb

Row = tuple[object, ...]

ANALYTES: tuple[Row, ...] = (
    # id, what it is, the name in a flat table, LOINC code, the name in words
    (1, "b12", "serum vitamin B12", "14685-2", "Vitamin B12"),
    (2, "b12", "loinc:2132-9", "2132-9", "Cobalamin (Vitamin B12) [Mass/volume] in Serum or Plasma"),
    (3, "b12", "Serum B12", None, "Serum B12"),
    (4, "b12", "VIT B12 (SERUM)", None, "VIT B12 (SERUM)"),  # matches nothing
    (5, "other", "loinc:718-7", "718-7", "Hemoglobin [Mass/volume] in Blood"),
    (6, "other", "loinc:787-2", "787-2", "MCV [Entitic mean volume] in Red Blood Cells by Automated count"),
    (7, "other", "loinc:2160-0", "2160-0", "Creatinine [Mass/volume] in Serum or Plasma"),
    (8, "folate", "serum folate", "2284-8", "Folate [Mass/volume] in Serum or Plasma"),
    (9, "second", "serum methylmalonic acid", "13964-2", "Methylmalonate [Moles/volume] in Serum or Plasma"),
    (10, "second", "plasma homocysteine", "13965-9", "Homocysteine [Moles/volume] in Serum or Plasma"),
)
B12_NAMES = [1] * 12 + [2] * 5 + [3] * 2 + [4]
OTHER_NAMES = [5] * 4 + [6] * 2 + [7] * 4

FINDINGS: tuple[Row, ...] = (
    # id, name, SNOMED code
    (1, "symptoms attributed to vitamin B12 deficiency", None),
    (2, "neurological involvement", None),
    (3, "possible neurological involvement", None),
    (4, "fatigue", "84229001"),
    (5, "severe neurological symptoms", None),
    (6, "tired all the time", None),  # matches nothing
)
CONDITIONS: tuple[Row, ...] = (
    # id, name, SNOMED code
    (1, "pernicious anaemia", "84027009"),
    (2, "bariatric surgery (past)", None),
    (3, "malabsorption", None),
    (4, "vitamin B12 deficiency", "190634004"),
    (5, "folate deficiency", None),
    (6, "Essential hypertension", "59621000"),  # matches nothing
    (7, "Diabetes mellitus type 2", "44054006"),  # matches nothing
)
MEDICINES: tuple[Row, ...] = (
    # id, name, RxNorm code, dose, unit of the dose, frequency, times, every, unit of time, route
    (1, "hydroxocobalamin", "5514", "1", "mg", "every 3 months", 1, 3, "mo", "intramuscular"),
    (2, "hydroxocobalamin", "5514", "1", "mg", "three times a week", 3, 1, "wk", "intramuscular"),
    (3, "cyanocobalamin", "11248", "50", "mcg", "daily", 1, 1, "d", "oral"),
    (4, "folic acid", "4511", "5", "mg", "daily", 1, 1, "d", "oral"),
    (5, "metformin", "6809", "500", "mg", "twice daily", 2, 1, "d", "oral"),
    (6, "Lisinopril 10 MG Oral Tablet", "314076", "10", "mg", "daily", 1, 1, "d", "oral"),  # matches nothing
)
UNITS = ["pmol/L"] * 11 + ["pg/mL"] * 5 + ["ng/L"] * 2 + ["ng/dL", "mg/dL"]

BASE = """
CREATE MACRO u(i, k, salt) AS (hash(i, k, salt, {seed}) >> 11) / 9007199254740992.0;
CREATE MACRO pick(choices, x) AS choices[1 + CAST(floor(x * len(choices)) AS INTEGER)];

CREATE TABLE people AS
SELECT i, printf('P%08d', i) AS patient,
       CASE WHEN x < 0.52 THEN 'untested' WHEN x < 0.78 THEN 'tested' WHEN x < 0.86 THEN 'low'
            WHEN x < 0.92 THEN 'treated' WHEN x < 0.97 THEN 'metformin' ELSE 'mess' END AS profile,
       CAST(18 + floor(78 * sqrt(u(i, 0, 'age'))) AS INTEGER) AS age,
       CASE WHEN u(i, 0, 'sex') < 0.51 THEN 'female' WHEN u(i, 0, 'sex') < 0.995 THEN 'male' END AS sex,
       CAST(floor(20 * u(i, 0, 'site')) AS INTEGER) AS site
FROM (SELECT range AS i, u(range, 0, 'profile') AS x FROM range({patients}));

CREATE VIEW lab_slots AS
SELECT *, unnest(range(CAST(CASE profile
    WHEN 'untested' THEN floor(4 * u(i, 0, 'others')) WHEN 'mess' THEN 3 + floor(6 * u(i, 0, 'tests'))
    ELSE 2 + floor(4 * u(i, 0, 'tests') ^ 2) END AS INTEGER))) AS k
FROM people;

CREATE VIEW lab_kinds AS
SELECT *, CASE WHEN profile = 'untested' OR k % 2 = 1 THEN pick({other_names}, u(i, k, 'analyte'))
               WHEN profile IN ('low', 'mess') AND u(i, k, 'second') < 0.10 THEN pick([8, 9, 10], u(i, k, 'analyte'))
               ELSE pick({b12_names}, u(i, k, 'analyte')) END AS analyte,
       CASE WHEN u(i, k, 'dated') < 0.96
            THEN DATE '2020-01-01' + CAST(floor(2200 * u(i, k, 'day')) AS INTEGER) END AS day
FROM lab_slots;

-- a repeated line is the line before it, drawn once more
CREATE TABLE labs AS
SELECT i, patient, k, analyte, day,
       CASE WHEN analyte IN (5, 6, 7) THEN CAST(round(40 + 120 * u(i, k, 'value')) AS INTEGER)
            WHEN analyte > 7 THEN CAST(round(1 + 30 * u(i, k, 'value')) AS INTEGER)
            WHEN profile IN ('low', 'treated') THEN CAST(round(40 + 110 * u(i, k, 'value') ^ 2) AS INTEGER)
            ELSE CAST(round(90 + 600 * u(i, k, 'value') ^ 2) AS INTEGER) END AS number,
       CASE WHEN x < 0.94 THEN 'plain' WHEN x < 0.96 THEN 'decimal' WHEN x < 0.975 THEN 'below'
            WHEN x < 0.985 THEN 'above' WHEN x < 0.995 THEN 'spoilt' ELSE 'none' END AS way,
       CASE WHEN analyte IN (5, 6, 7) THEN pick(['g/L', 'fL', 'umol/L'], (analyte - 4.5) / 3)
            WHEN analyte = 8 THEN 'ug/L' WHEN analyte > 8 THEN 'umol/L'
            WHEN profile = 'mess' AND u(i, k, 'unit') < 0.2 THEN NULL
            ELSE {units}[1 + site] END AS unit,
       CASE WHEN profile = 'low' AND u(i, k, 'flag') < 0.6 THEN 'L' END AS flag
FROM (SELECT *, u(i, k, 'way') AS x FROM lab_kinds);
INSERT INTO labs SELECT * FROM labs WHERE u(i, k, 'twice') < 0.01;

CREATE TABLE findings AS
SELECT i, patient, k, pick([1, 1, 1, 2, 2, 2, 3, 4, 4, 5, 6], u(i, k, 'finding')) AS finding,
       pick(['present', 'present', 'absent', 'absent', 'absent', 'unknown'], u(i, k, 'state')) AS state,
       CASE WHEN u(i, k, 'finding-day') < 0.8
            THEN DATE '2020-01-01' + CAST(floor(2200 * u(i, k, 'finding-on')) AS INTEGER) END AS day
FROM (SELECT *, unnest(range(CAST(CASE profile
    WHEN 'untested' THEN floor(1.1 * u(i, 0, 'told')) WHEN 'mess' THEN 2 + floor(4 * u(i, 0, 'told'))
    ELSE floor(2.6 * u(i, 0, 'told')) END AS INTEGER))) AS k FROM people);

CREATE TABLE conditions AS
SELECT i, patient, k,
       CASE WHEN profile IN ('low', 'treated', 'mess') AND u(i, k, 'ours') < 0.5
            THEN pick([1, 1, 2, 3, 4, 4, 5], u(i, k, 'condition'))
            ELSE pick([6, 6, 7], u(i, k, 'condition')) END AS condition,
       pick(['present', 'present', 'present', 'present', 'resolved', 'absent', 'unknown'], u(i, k, 'is')) AS state,
       CASE WHEN u(i, k, 'condition-day') < 0.8
            THEN DATE '2008-01-01' + CAST(floor(6500 * u(i, k, 'condition-on')) AS INTEGER) END AS day
FROM (SELECT *, unnest(range(CAST(floor(2.5 * u(i, 0, 'ill')) AS INTEGER))) AS k FROM people);

CREATE TABLE medications AS
SELECT i, patient, k,
       CASE WHEN profile = 'treated' AND k = 0 THEN pick([1, 1, 1, 2, 3], u(i, k, 'medicine'))
            WHEN profile = 'metformin' AND k = 0 THEN 5
            WHEN profile = 'mess' THEN pick([1, 2, 3, 4, 5, 6], u(i, k, 'medicine'))
            ELSE pick([4, 5, 6, 6, 6, 6], u(i, k, 'medicine')) END AS medicine,
       pick(['current', 'current', 'current', 'stopped', 'planned'], u(i, k, 'status')) AS status,
       DATE '2018-01-01' + CAST(floor(2900 * u(i, k, 'since')) AS INTEGER) AS since
FROM (SELECT *, unnest(range(CAST(CASE WHEN profile IN ('treated', 'metformin', 'mess')
    THEN 1 + floor(2 * u(i, 0, 'taken')) ELSE floor(1.4 * u(i, 0, 'taken')) END AS INTEGER))) AS k FROM people);

CREATE TABLE preferences AS
SELECT i, patient, pick(['route', 'route', 'injections'], u(i, 0, 'topic')) AS topic,
       CASE WHEN u(i, 0, 'topic') < 2 / 3
            THEN pick(['oral', 'intramuscular'], u(i, 0, 'choice')) ELSE 'declined' END AS value
FROM people WHERE u(i, 0, 'asked') < 0.02;
"""


def draw(patients: int, seed: int, folder: Path | None = None) -> duckdb.DuckDBPyConnection:
    """A database with everything that is drawn about the patients, in no shape yet."""
    database = duckdb.connect()
    if folder is not None:
        database.execute(f"SET temp_directory = {text(str(folder))}")
    for name, columns, rows in (
        ("analytes", "id, kind, name, code, words", ANALYTES),
        ("finding_names", "id, name, code", FINDINGS),
        ("condition_names", "id, name, code", CONDITIONS),
        ("medicines", "id, name, code, dose, dose_unit, frequency, times, every, period, route", MEDICINES),
    ):
        values = ", ".join(f"({', '.join(map(text, row))})" for row in rows)
        database.execute(f"CREATE TABLE {name} AS SELECT * FROM (VALUES {values}) AS t({columns})")
    said = {"patients": patients, "seed": seed, "b12_names": B12_NAMES, "other_names": OTHER_NAMES, "units": UNITS}
    database.execute(BASE.format(**said))
    return database


def text(value: object) -> str:
    """A value as SQL writes it.

    >>> text("it's"), text(None), text(1)
    ("'it''s'", 'NULL', '1')
    """
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


# --- the flat shape ----------------------------------------------------------------------------------------------

VALUE = """CASE way WHEN 'plain' THEN CAST(number AS VARCHAR) WHEN 'decimal' THEN number || '.5'
    WHEN 'below' THEN '<' || number WHEN 'above' THEN '>' || number WHEN 'spoilt' THEN 'haemolysed' END"""
DAY = """CASE WHEN u(i, k, 'written') < 0.96 THEN CAST(day AS VARCHAR) WHEN u(i, k, 'written') < 0.99
    THEN strftime(day, '%Y-%m') ELSE strftime(day, '%d/%m/%Y') END"""

FLAT: Mapping[str, str] = {
    "patients": "SELECT patient, age AS age_years, sex FROM people",
    "labs": f"""SELECT patient, name AS analyte, {VALUE} AS value, unit, {DAY} AS "when", flag
        FROM labs JOIN analytes ON analyte = id""",
    "findings": f"""SELECT patient, name, state, {DAY} AS "when" FROM findings JOIN finding_names ON finding = id""",
    "conditions": f"""SELECT patient, name, state, {DAY} AS "when"
        FROM conditions JOIN condition_names ON condition = id""",
    "medications": """SELECT patient, name, dose || ' ' || dose_unit AS dose, frequency, status,
        CAST(since AS VARCHAR) AS since, route FROM medications JOIN medicines ON medicine = id""",
    "preferences": "SELECT patient, topic, value FROM preferences",
}


def flat(database: duckdb.DuckDBPyConnection, folder: Path, ending: str = "parquet") -> None:
    """The lists of a case file as tables."""
    for name, query in FLAT.items():
        database.execute(f"COPY ({query}) TO {text(str(folder / f'{name}.{ending}'))}")


# --- FHIR Bulk Data ----------------------------------------------------------------------------------------------

LINES = 1_000_000
"""The most resources in one file of an export."""

PIECES: Mapping[str, str] = {
    "$id": """'"id":"' || i || '-' || k || '-' || copy || '","meta":{"versionId":"1",'
        || '"lastUpdated":"2026-03-01T04:00:00.000+00:00"}'""",
    "$about": """'"subject":{"reference":"Patient/' || patient || '"}'""",
    "$moment": """strftime(day, '%Y-%m-%d') || 'T'
        || printf('%02d:%02d:%02d+01:00', hash(i, k) % 24, hash(k, i) % 60, i % 60)""",
    "$concept": """'{' || coalesce('"coding":[{"system":"' || system || '","code":"' || code || '","display":'
        || to_json(name) || '}],', '') || '"text":' || to_json(name) || '}'""",
    "$statuses": """CASE WHEN state = 'absent' THEN '' ELSE '"clinicalStatus":{"coding":[{"system":'
        || '"http://terminology.hl7.org/CodeSystem/condition-clinical","code":"'
        || if(state = 'resolved', 'resolved', 'active') || '"}]},' END
        || '"verificationStatus":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/condition-ver-status",'
        || '"code":"' || CASE state WHEN 'absent' THEN 'refuted' WHEN 'unknown' THEN 'provisional' ELSE 'confirmed' END
        || '"}]}'""",
    "$quantity": """'"valueQuantity":{"value":' || number || CASE way WHEN 'decimal' THEN '.50'
        WHEN 'below' THEN ',"comparator":"<"' WHEN 'above' THEN ',"comparator":">"' ELSE '' END
        || coalesce(',"unit":"' || unit || '","system":"http://unitsofmeasure.org","code":"' || unit || '"', '')
        || '}'""",
    "$flag": """'"interpretation":[{"coding":[{"system":'
        || '"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"' || flag || '"}]}]'""",
    "$dosage": """'{"timing":{"repeat":{"boundsPeriod":{"start":"' || since || '"},"frequency":' || times
        || ',"period":' || every || ',"periodUnit":"' || period || '"}},"route":{"text":"' || route
        || '"},"doseAndRate":[{"doseQuantity":{"value":' || dose || ',"unit":"' || dose_unit || '"}}]}'""",
}
"""What several resources have, by the words that stand for it below."""

BULK: Mapping[str, str] = {
    "Patient": """
        SELECT '{"resourceType":"Patient","id":"' || patient || '","active":true'
            || coalesce(',"gender":"' || sex || '"', '') || ',"birthDate":"' || (2026 - age) || '-01-01"}' AS line
        FROM people""",
    "Observation": """
        SELECT '{"resourceType":"Observation",' || $id || ',"status":"final","category":[{"coding":[{"system":'
            || '"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":'
            || $concept || ',' || $about || ',"encounter":{"reference":"Encounter/' || i || '-' || k || '"}'
            || coalesce(',"effectiveDateTime":"' || $moment || '"', '')
            || CASE way WHEN 'spoilt' THEN ',"valueString":"haemolysed"'
                        WHEN 'none' THEN ',"dataAbsentReason":{"text":"not performed"}' ELSE ',' || $quantity END
            || coalesce(',' || $flag, '') || '}' AS line
        FROM (SELECT * EXCLUDE (name), words AS name, 'http://loinc.org' AS system,
                     row_number() OVER (PARTITION BY i, k) AS copy FROM labs JOIN analytes ON analyte = id)
        UNION ALL
        SELECT '{"resourceType":"Observation",' || $id || ',"status":"final","code":' || $concept || ',' || $about
            || coalesce(',"effectiveDateTime":"' || $moment || '"', '')
            || CASE state WHEN 'present' THEN ',"valueBoolean":true' WHEN 'absent' THEN ',"valueBoolean":false'
                          ELSE ',"dataAbsentReason":{"text":"unknown"}' END || '}'
        FROM (SELECT *, 'http://snomed.info/sct' AS system, 'f' AS copy
              FROM findings JOIN finding_names ON finding = id)""",
    "Condition": """
        SELECT '{"resourceType":"Condition",' || $id || ',' || $statuses || ',"code":' || $concept || ',' || $about
            || coalesce(',"onsetDateTime":"' || $moment || '"', '') || '}' AS line
        FROM (SELECT *, 'http://snomed.info/sct' AS system, 'c' AS copy
              FROM conditions JOIN condition_names ON condition = id)""",
    "MedicationRequest": """
        SELECT '{"resourceType":"MedicationRequest",' || $id || ',"status":"'
            || CASE status WHEN 'current' THEN 'active' WHEN 'stopped' THEN 'stopped' ELSE 'draft' END
            || '","intent":"order","medicationCodeableConcept":' || $concept || ',' || $about || ',"authoredOn":"'
            || since || '","dosageInstruction":[' || $dosage || ']}' AS line
        FROM (SELECT *, 'http://www.nlm.nih.gov/research/umls/rxnorm' AS system, 'm' AS copy
              FROM medications JOIN medicines ON medicine = id)""",
}


def bulk(database: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """An export as a FHIR server makes it: one resource a line, files by type, a new file after so many lines."""
    for name, query in BULK.items():
        for word, piece in PIECES.items():
            query = query.replace(word, piece)
        database.execute(f"CREATE OR REPLACE TABLE lines AS {query}")
        ((count,),) = database.execute("SELECT count(*) FROM lines").fetchall()
        for number in range(math.ceil(count / LINES)):
            part = f"SELECT line FROM lines WHERE rowid >= {number * LINES} AND rowid < {(number + 1) * LINES}"
            path = text(str(folder / f"{name}.{number:03}.ndjson"))
            database.execute(f"COPY ({part}) TO {path} (FORMAT csv, {PLAIN_LINES})")
    database.execute("DROP TABLE IF EXISTS lines")


PLAIN_LINES = "HEADER false, QUOTE '', ESCAPE '', DELIMITER '\x1f'"
"""A line as it is: nothing in it is quoted, and no delimiter stands in it."""


# --- OMOP CDM ----------------------------------------------------------------------------------------------------

OWN = 2_000_000_000
"""Where the ids of concepts begin that a site makes itself; the real ones of these codes differ."""

CONCEPTS = f"""
    SELECT {OWN} + id AS concept_id, words AS concept_name, 'LOINC' AS vocabulary_id, code AS concept_code
    FROM analytes WHERE code IS NOT NULL
    UNION ALL SELECT {OWN} + 100 + id, name, 'SNOMED', coalesce(code, 'site-' || id) FROM finding_names
    UNION ALL SELECT {OWN} + 200 + id, name, 'SNOMED', coalesce(code, 'site-' || id) FROM condition_names
    UNION ALL SELECT {OWN} + 300 + min(id), name, 'RxNorm', code FROM medicines GROUP BY name, code
    UNION ALL SELECT {OWN} + 400 + row_number() OVER (ORDER BY unit), unit, 'UCUM', unit
    FROM (SELECT DISTINCT unit FROM labs WHERE unit IS NOT NULL)
    UNION ALL SELECT {OWN} + 500, 'oral', 'SNOMED', '26643006'
    UNION ALL SELECT {OWN} + 501, 'intramuscular', 'SNOMED', '78421000'
    UNION ALL SELECT 4188539, 'Yes', 'SNOMED', '373066001' UNION ALL SELECT 4188540, 'No', 'SNOMED', '373067005'
    UNION ALL SELECT 8507, 'MALE', 'Gender', 'M' UNION ALL SELECT 8532, 'FEMALE', 'Gender', 'F'"""

OMOP: Mapping[str, str] = {
    "concept": CONCEPTS,
    "person": """SELECT i AS person_id, CASE sex WHEN 'male' THEN 8507 WHEN 'female' THEN 8532 ELSE 0 END
        AS gender_concept_id, 2026 - age AS year_of_birth FROM people""",
    "measurement": f"""SELECT i AS person_id, if(code IS NULL, 0, {OWN} + id) AS measurement_concept_id,
            day AS measurement_date, CASE way WHEN 'below' THEN 4171756 WHEN 'above' THEN 4172704 END
            AS operator_concept_id,
            CASE WHEN way NOT IN ('spoilt', 'none') THEN number + if(way = 'decimal', 0.5, 0) END AS value_as_number,
            if(way = 'spoilt', 'haemolysed', NULL) AS value_source_value, coalesce(concept_id, 0) AS unit_concept_id,
            unit AS unit_source_value, words AS measurement_source_value
        FROM labs JOIN analytes ON analyte = id
        LEFT JOIN concepts ON vocabulary_id = 'UCUM' AND concept_code = unit""",
    "observation": f"""SELECT i AS person_id, {OWN} + 100 + finding AS observation_concept_id, day AS observation_date,
            CASE state WHEN 'present' THEN 4188539 WHEN 'absent' THEN 4188540 END AS value_as_concept_id
        FROM findings""",
    "condition_occurrence": f"""SELECT i AS person_id, {OWN} + 200 + condition AS condition_concept_id,
            coalesce(day, DATE '2015-01-01') AS condition_start_date,
            if(state = 'resolved', DATE '2025-01-01', NULL) AS condition_end_date,
            if(state = 'unknown', 32899, 0) AS condition_status_concept_id
        FROM conditions WHERE state <> 'absent'""",
    "drug_exposure": f"""SELECT i AS person_id, concept_id AS drug_concept_id, since AS drug_exposure_start_date,
            CASE status WHEN 'stopped' THEN since + 30 WHEN 'current' THEN DATE '2027-01-01' END
            AS drug_exposure_end_date, frequency AS sig,
            if(route = 'oral', {OWN} + 500, {OWN} + 501) AS route_concept_id
        FROM medications JOIN medicines ON medicine = id
        JOIN concepts ON vocabulary_id = 'RxNorm' AND concept_name = name""",
}


def omop(database: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Tables of OMOP, with the concepts that they need; what OMOP cannot say (an absence, a preference) is left out."""
    database.execute(f"CREATE OR REPLACE TABLE concepts AS {CONCEPTS}")
    for name, query in OMOP.items():
        database.execute(f"COPY ({query}) TO {text(str(folder / f'{name}.parquet'))}")


# --- all of them -------------------------------------------------------------------------------------------------

WRITERS: Mapping[str, Callable[[duckdb.DuckDBPyConnection, Path], None]] = {"flat": flat, "bulk": bulk, "omop": omop}


def write(folder: Path, patients: int, shape: str = "flat", seed: int = 7) -> None:
    """Draw a population and write it into a folder, which is made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    with draw(patients, seed) as database:
        WRITERS[shape](database, folder)


def main(arguments: Iterable[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--patients", type=int, default=10_000)
    parser.add_argument("--shape", choices=sorted(WRITERS), default="flat")
    parser.add_argument("--seed", type=int, default=7)
    chosen = parser.parse_args(None if arguments is None else list(arguments))
    start = time.perf_counter()
    write(chosen.folder, chosen.patients, chosen.shape, chosen.seed)
    took = time.perf_counter() - start
    size = sum(path.stat().st_size for path in chosen.folder.iterdir())
    print(f"{chosen.patients:,} patients, {size / 1e6:,.1f} MB in {took:.1f} s: {chosen.folder}")


if __name__ == "__main__":
    main()
