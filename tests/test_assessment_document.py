"""The assessment document: its form, its citations against the source, its order, and that it never varies.

The published schema says what the form is, and `assessment.schema.json` beside this file what the B12 knowledge base
makes of it; what a schema cannot say is said here.
"""

from __future__ import annotations

import copy
import json
import os
import random
import re
import subprocess
import sys
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import b12
from citelog import home, schemas
from citelog.assess import assess
from oracle.random_cases import random_at, random_case
from test_schemas import Form

HERE = Path(__file__).resolve().parent
SCHEMA = json.loads((HERE / "assessment.schema.json").read_text(encoding="utf-8"))
PUBLISHED = schemas.schema("assessment")
FORM = Form.of(SCHEMA, PUBLISHED, PUBLISHED["$defs"]["common"])
KINDS = (
    "status", "symptomatic", "neuro", "treat", "regimen", "caution", "referral", "monitoring", "conflict",
    "open-question", "data-issue",
)  # fmt: skip
LISTS = ("labs", "findings", "conditions", "medications", "preferences")
ABSENCES = (
    "no serum B12 result is on record",
    "symptoms attributed to vitamin B12 deficiency are not recorded",
    "neurological involvement is not recorded",
)
HEADINGS = ("From the Guidelines", "From the FDA Drug Label", "From the Research", "Professional Medical Disclaimer")


@cache
def documents() -> dict[str, dict[str, Any]]:
    """The answer to each case of the library, and to drawn ones."""
    rng = random.Random(31)
    found = {name: b12.assessed(name).to_dict() for name in b12.library()}
    for _ in range(60):
        case, at = random_case(rng), random_at(rng)
        found[case["id"]] = assess(b12.knowledge(), case, at).to_dict()
    return found


def conclusions() -> list[tuple[str, dict[str, Any]]]:
    """Every conclusion, with the name of its case."""
    return [(name, made) for name, document in documents().items() for made in document["conclusions"]]


def test_every_document_has_the_form() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert {name: said for name, document in documents().items() if (said := FORM.problem(document))} == {}


def test_the_form_can_be_missed() -> None:
    """A key too many, a key too few, a value of another kind: each is refused."""
    (document,) = (d for name, d in documents().items() if name.startswith("pernicious-anaemia-has"))
    for path, spoil in (
        ("treat", lambda made: made.pop("also")),
        ("treat", lambda made: made.update(value="advised")),
        ("treat", lambda made: made.update(role="recommended")),
        ("regimen", lambda made: made.update(step="later")),
        ("regimen", lambda made: made["dose"].update(value="1")),
        ("conflict", lambda made: made.update(sides=[["G01"], []])),
        ("status", lambda made: made["citations"].clear()),
    ):
        other = copy.deepcopy(document)
        spoil(next(made for made in other["conclusions"] if made["kind"] == path))
        assert FORM.problem(other), path


def test_each_record_has_one_status_and_one_answer_about_treatment() -> None:
    for name, document in documents().items():
        kinds = [made["kind"] for made in document["conclusions"]]
        assert [kinds.count(kind) for kind in KINDS[:4]] == [1, 1, 1, 1], name


def test_conclusions_stand_in_the_order_of_kind_and_id() -> None:
    for name, document in documents().items():
        order = [(KINDS.index(made["kind"]), made["id"]) for made in document["conclusions"]]
        assert order == sorted(set(order)), name


def test_ids_are_kind_and_value_numbered_where_they_are_shared() -> None:
    for name, document in documents().items():
        shared: dict[str, list[dict[str, Any]]] = {}
        for made in document["conclusions"]:
            shared.setdefault(f"{made['kind']}:{made['value']}", []).append(made)
        for id_, group in shared.items():
            numbered = [id_] if len(group) == 1 else [f"{id_}#{n}" for n in range(1, len(group) + 1)]
            assert sorted(made["id"] for made in group) == sorted(numbered), name
            group.sort(key=lambda made: int(made["id"].partition("#")[2] or 0))
            assert all(one["sentence"] <= other["sentence"] for one, other in pairwise(group)), name


def test_facts_are_every_entry_in_order() -> None:
    for name, document in documents().items():
        facts = document["facts"]
        assert [fact["id"] for fact in facts] == [f"f{n}" for n in range(1, len(facts) + 1)], name
        order = [(LISTS.index(fact["read_from"].partition("[")[0]), fact["sentence"]) for fact in facts]
        assert order == sorted(order), name
        assert len({fact["read_from"] for fact in facts}) == len(facts), name
        in_error = {n["read_from"] for n in document["notes"] if "in error" in n["text"]}
        if name in b12.library():
            record = b12.library()[name].record
            places = {f"{list_}[{i}]" for list_ in LISTS for i in range(len(record.get(list_, ())))}
            assert places - {fact["read_from"] for fact in facts} == in_error, name


def test_facts_of_a_conclusion_are_facts_of_the_case_in_order() -> None:
    ids = {name: [fact["id"] for fact in document["facts"]] for name, document in documents().items()}
    for name, made in conclusions():
        numbers = [ids[name].index(fact) for fact in made["facts"]]
        assert numbers == sorted(numbers), (name, made["id"])


def test_a_conclusion_rests_on_a_fact_or_says_what_it_assumes() -> None:
    for name, made in conclusions():
        assert set(made["assumes"]) <= set(ABSENCES), (name, made["id"])
        asks_for_date = made["value"] == "date of the assessment"
        assert made["facts"] or made["assumes"] or asks_for_date, (name, made["id"])


def test_what_is_said_to_be_recorded_is_recorded_under_that_name() -> None:
    """Severe symptoms count as involvement, but a sentence does not say that involvement was recorded."""
    told = re.compile(r"([\w ()-]+?) (?:is|are) recorded as (present|absent)")
    seen = set()
    for name, made in conclusions():
        facts = [fact["sentence"].casefold() for fact in documents()[name]["facts"]]
        for words, state in told.findall(made["sentence"]):
            what = re.split(r"^ ?Only | and |^ ", words)[-1].casefold()
            seen.add(what)
            assert any(f.startswith(what) and f": {state}" in f for f in facts), (name, made["sentence"])
    assert len(seen) >= 4


@pytest.mark.parametrize(
    ("name", "states", "id_", "says"),
    [
        ("severe neurological symptoms", ["present"], "neuro:present", "The record says that there is neuro"),
        ("severe neurological symptoms", ["present", "absent"], "neuro:possible", "The record raises the possibility"),
        ("possible neurological involvement", ["absent"], "treat:undetermined", "may support treatment: neurological"),
        (
            "symptoms attributed to vitamin B12 deficiency", ["present", "absent"],
            "treat:undetermined", "The record does not settle whether symptoms",
        ),
    ],
)  # fmt: skip
def test_an_entry_that_leaves_something_open_is_not_told_as_if_it_settled_it(
    name: str, states: list[str], id_: str, says: str
) -> None:
    entries = [{"name": name, "state": state} for state in states]
    made = {c.id: c for c in assess(b12.knowledge(), {"findings": entries}).conclusions}
    assert says in made[id_].sentence


def test_notes_stand_in_order_and_never_name_a_place_in_their_text() -> None:
    for name, document in documents().items():
        notes = [(note["text"], note["read_from"]) for note in document["notes"]]
        assert notes == sorted(set(notes)), name
        assert not [text for text, _ in notes if any(f"{list_}[" in text for list_ in LISTS)], name


@pytest.mark.parametrize(
    ("list_", "key", "written", "hint"),
    [
        ("labs", "analyte", "total vitamin B12", ""),  # not active vitamin B12, which is another analyte
        ("labs", "analyte", "serum vitamine B12", "did you mean serum vitamin B12?"),
        ("medications", "name", "methylcobalamin", ""),  # not hydroxocobalamin, which is another medicine
        ("medications", "name", "hydroxocobalmin", "did you mean hydroxocobalamin?"),
        ("findings", "name", "severe deficiency", "did you mean severe deficiency (clinician-assessed)?"),
    ],
)
def test_a_note_asks_for_a_name_that_was_misspelt_and_never_for_that_of_another_thing(
    list_: str, key: str, written: str, hint: str
) -> None:
    notes = [note.text for note in assess(b12.knowledge(), {list_: [{key: written}]}).notes]
    assert ["did you mean" in note for note in notes] == [bool(hint)] and hint in notes[0]


def test_every_entry_is_used_or_noted() -> None:
    """Nothing is silently lost."""
    for name, document in documents().items():
        used = {fact for made in document["conclusions"] for fact in made["facts"]}
        noted = {note["read_from"].partition(".")[0] for note in document["notes"]}
        lost = [fact for fact in document["facts"] if fact["id"] not in used and fact["read_from"] not in noted]
        assert not lost, name


BESIDE = 'No conclusion rests on it, but a line under "also" does.'


def test_an_entry_that_only_a_line_beside_the_treatment_rests_on_is_noted_as_such() -> None:
    """Symptoms decide; the diagnosis would have, and is cited beside them; the operation is read by no rule."""
    record = {
        "findings": [{"name": "symptoms attributed to vitamin B12 deficiency", "state": "present"}],
        "conditions": [
            {"name": "vitamin B12 deficiency (clinician diagnosis)", "state": "present"},
            {"name": "bariatric surgery (past)", "state": "present"},
        ],
    }
    told = assess(b12.knowledge(), record).to_dict()
    [treat] = [made for made in told["conclusions"] if made["kind"] == "treat"]
    assert (treat["facts"], treat["also"]) == (
        ["f1"],
        [{"line": 5, "value": "indicated", "statements": ["G08", "G15"]}],
    )
    assert [note["text"] for note in told["notes"]] == [
        "Bariatric surgery (past): present. No conclusion rests on it.",
        f"Vitamin B12 deficiency (clinician diagnosis): present. {BESIDE}",
    ]


def test_a_line_beside_the_treatment_is_spoken_of_only_where_there_is_one() -> None:
    found = [one for one in documents().values() if any(BESIDE in note["text"] for note in one["notes"])]
    assert found and all(made["also"] for one in found for made in one["conclusions"] if made["kind"] == "treat")


def test_citations_are_those_of_the_statements_and_stand_in_the_source() -> None:
    text = b12.source()
    lines = text.split("\n")
    starts = {heading: text.index(f"\n{heading}\n") for heading in HEADINGS}
    seen = set()
    for name, made in conclusions():
        assert [cited["statement"] for cited in made["citations"]] == made["statements"], (name, made["id"])
        for cited in made["citations"]:
            key = json.dumps(cited, sort_keys=True)
            if key in seen:
                continue
            seen.add(key)
            assert text[cited["start"] : cited["end"]] == cited["quote"]
            assert text.count("\n", 0, cited["start"]) + 1 == cited["line"]
            assert cited["quote"] in lines[cited["line"] - 1]
            assert (b12.FOLDER / "source" / cited["source"]).is_file()
            above = [heading for heading in HEADINGS if starts[heading] < cited["start"]]
            assert cited["section"] == above[-1]
    assert len(seen) == len({json.loads(key)["statement"] for key in seen}), "one statement, one citation"


def test_only_a_contradiction_that_no_statement_speaks_of_cites_none() -> None:
    for name, made in conclusions():
        assert made["statements"] or made["value"] == "DI-CONTRADICTORY", (name, made["id"])


def test_both_sides_of_a_conflict_are_its_statements() -> None:
    for name, made in conclusions():
        if made["kind"] == "conflict":
            assert [*made["sides"][0], *made["sides"][1]] == made["statements"], (name, made["id"])


def test_a_value_is_printed_in_the_text_of_its_field() -> None:
    """Never a number that the document does not give: each stands in the field's own text, in figures or in words."""
    words = {2: "two", 3: "three", 7: "seven"}
    for name, made in conclusions():
        for key in ("dose", "frequency", "duration"):
            field = made.get(key)
            if field is None:
                continue
            values = field["value"] if isinstance(field["value"], list) else [field["value"]]
            for value in values:
                told = value is None or str(value) in field["text"] or words.get(value, "?") in field["text"]
                assert told, (name, made["id"], key)


def test_the_three_caveats_are_always_there() -> None:
    for name, document in documents().items():
        assert [caveat["statements"] for caveat in document["caveats"]] == [["M03"], ["D02"], ["D04"]], name


def test_the_text_is_the_document() -> None:
    for name in list(b12.library())[::10]:
        assessment = b12.assessed(name)
        assert json.loads(assessment.to_json()) == documents()[name]
        assert "\\u" not in assessment.to_json(), "µ and – stand as they are"


WITH_SEED = """
import sys
from pathlib import Path
from citelog import home
from citelog.assess import assess
from citelog.knowledge.load import load
knowledge = load(home.knowledge("b12"), home.ontology()).knowledge
for path in sys.argv[1:]:
    sys.stdout.buffer.write(assess(knowledge, Path(path), "2026-03-15").to_json().encode())
"""


@pytest.mark.long
def test_the_same_bytes_in_every_process() -> None:
    """Python orders sets of texts anew in each process; no answer may depend on that."""
    paths = [str(case.path) for case in b12.library().values()]
    answers = set()
    for seed in ("0", "31337"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(home.home() / "engine")}
        command = [sys.executable, "-c", WITH_SEED, *paths]
        answers.add(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    assert len(answers) == 1
