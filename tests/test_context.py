"""Ages, dates of birth and sexes: entries of the record where a rule reads them, and notes where none does."""

from __future__ import annotations

import datetime
import json
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import b12
import literate
from authoring import Command
from citelog import home, patient
from citelog.assess import Assessment, assess
from citelog.checker import certify
from citelog.knowledge.base import Knowledge
from citelog.knowledge.load import load
from citelog.patient.context import GIVES, OLDEST
from citelog.patient.dates import period

RULES = """
@prefix cl: <https://w3id.org/citelog#> .
@prefix ex: <https://example.org/leaflet#> .

%%% @cites S1
#[name("grown")]
#[display(f"The patient is grown, at {?years} years.")]
status(?p, ex:grown) :- age_years(?p, _, ?years), ex:Cutoff(?cutoff), ex:lowEnd(?cutoff, ?low), ?years >= ?low .

%%% @cites S2
#[name("woman")]
#[display("The patient is a woman.")]
status(?p, ex:woman) :- sex(?p, _, cl:female) .

%%% @cites S3
%%% @assumes age_years
#[name("ageless")]
#[display("No age is known.")]
status(?p, ex:ageless) :- patient(?p), ~age_years(?p, _, _) .
"""
VALUES = "".join(f'ex:{name} a cl:Code ; skos:prefLabel "{name}" .\n' for name in ("grown", "woman", "ageless"))


def made(folder: Path) -> Path:
    """The leaflet with rules about ages from 30 years, about women, and about those whose age is not known."""
    shutil.copytree(literate.LEAFLET, folder)
    (folder / "rules" / "20-context.rls").write_text(RULES, encoding="utf-8")
    with (folder / "predicates.ttl").open("a", encoding="utf-8") as file:
        file.write(VALUES)
    return folder


@cache
def known() -> Knowledge:
    with tempfile.TemporaryDirectory() as beside:
        opened = load(made(Path(beside) / "leaflet"), home.ontology())
    assert opened.knowledge is not None, opened.diagnostics
    return opened.knowledge


def answer(at: str | None = None, **context: Any) -> Assessment:
    return assess(known(), {"context": context}, at)


def said(found: Assessment) -> tuple[list[str], list[str]]:
    """The conclusions, and the notes."""
    return [c.value for c in found.conclusions], [note.text for note in found.notes]


# --- what is read ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "grown"),
    [(30, True), ("30", True), (71, True), ("29.999", False), (29, False), (0, False), (OLDEST, True), ("30.0", True)],
)
def test_an_age_is_read_exactly(age: Any, grown: bool) -> None:
    found, notes = said(answer(age_years=age))
    assert ("grown" in found, "ageless" in found) == (grown, False)
    assert notes == ([] if grown else [f"Age in years: {age}. No conclusion rests on it."])


@pytest.mark.parametrize("age", [-1, "-0.5", 131, 7100, ">65", "seventy", "71 years", True, "", "1,5", "NaN", [71]])
def test_what_is_no_age_is_a_note_and_no_fact(age: Any) -> None:
    found, (note,) = said(answer(age_years=age))
    assert found == ["ageless"]
    assert note.endswith("It is not used: an age is a number of years from 0 to 130.")


@pytest.mark.parametrize("word", ["female", "Female", "F", "woman"])
def test_a_sex_is_matched_like_other_names(word: str) -> None:
    found = answer(sex=word)
    assert "woman" in said(found)[0]
    assert found.case.entries[0].sentence == "Sex: female."


def test_a_sex_that_is_not_known_is_said() -> None:
    note = 'Sex: unknown. It is not used: no sex is known as "unknown"; write female, male, other.'
    assert said(answer(sex="unknown")) == (["ageless"], [note])


def test_a_key_that_no_rule_reads_stays_a_note_and_a_slip_is_seen() -> None:
    notes = said(answer(smoker=False, age=71, sexx="f"))[1]
    assert notes == [
        "Context, age: 71. Recorded, and read by no rule; did you mean age_years?",
        "Context, sexx: f. Recorded, and read by no rule; did you mean sex?",
        "Context, smoker: false. Recorded, and read by no rule.",
    ]


def test_where_no_rule_reads_it_the_context_is_no_entry() -> None:
    found = assess(b12.knowledge(), {"context": {"age_years": 71, "sex": "female", "birth_date": "1955"}})
    assert found.case.entries == ()
    assert "Context, age years: 71. Recorded, and read by no rule." in [note.text for note in found.notes]
    fhir = {"resourceType": "Patient", "gender": "female", "birthDate": "1955-04-03"}
    case = patient.read(fhir, b12.knowledge().terms)
    assert [note.text for note in case.notes] == ["Context, sex: female. Recorded, and read by no rule."]


# --- dates of birth ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "at", "age"),
    [
        ("1996-05-01", "2026-05-01", 30),
        ("1996-05-01", "2026-04-30", 29),
        ("2000-02-29", "2030-02-28", 29),
        ("2000-02-29", "2030-03-01", 30),
        ("1996-04", "2026-05-01", 30),
        ("1996-04", "2026-04-10", "it may mean 29 or 30 years"),
        ("1996", "2026-12-31", 30),
        ("1996", "2026-12-30", "it may mean 29 or 30 years"),
        ("2026", "2026-05-01", 0),
        ("2026-05-02", "2026-05-01", "No age follows from it on 2026-05-01, which is before it."),
        ("1796", "2026-05-01", "more than 130 years old"),
        ("1996-05-01", None, "No age follows from it without the day of the assessment: give it with --at."),
        ("01/05/1996", "2026-05-01", 'the date "01/05/1996" cannot be read'),
    ],
)
@pytest.mark.parametrize("fhir", [False, True], ids=["case file", "FHIR"])
def test_a_date_of_birth_gives_an_age_only_where_all_its_days_agree(
    born: str, at: str | None, age: int | str, fhir: bool
) -> None:
    record: Mapping[str, Any] = {"context": {"birth_date": born}}
    if fhir:
        patient_ = {"resourceType": "Patient", "id": "x", "birthDate": born}
        record = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient_}]}
    found = assess(known(), record, at)
    given = [atom.args[2] for atom in found.run.atoms("age_years")]
    if isinstance(age, int):
        assert given == [age]
    else:
        assert given == []
        assert any(age in note.text and note.text.startswith("Date of birth: ") for note in found.notes)


@given(
    born=st.dates(datetime.date(1890, 1, 1), datetime.date(2026, 1, 1)),
    at=st.dates(datetime.date(2020, 1, 1), datetime.date(2030, 1, 1)),
    kept=st.sampled_from([4, 7, 10]),
)
def test_a_partial_date_gives_what_each_of_its_days_gives(born: datetime.date, at: datetime.date, kept: int) -> None:
    text = born.isoformat()[:kept]
    days = period(text)
    assert days is not None
    ages = set()
    day = days.first
    while day <= min(days.last, at):
        birthday = (at.year - day.year) - ((at.month, at.day) < (day.month, day.day))
        ages.add(birthday)
        day += datetime.timedelta(days=1)
    case = patient.read({"context": {"birth_date": text}}, known().terms)
    given = {atom.args[2] for atom, _ in patient.facts(case, known().terms, at) if atom.predicate == "age_years"}
    assert given == (ages if len(ages) == 1 and max(ages) <= OLDEST else set())


def test_a_recorded_age_goes_before_a_date_of_birth() -> None:
    found = answer("2026-01-01", age_years=31, birth_date="2010-01-01")
    assert [atom.args[2] for atom in found.run.atoms("age_years")] == [31]
    assert said(found)[1] == ["Date of birth: 2010-01-01. The recorded age is used, not the 16 years of 2026-01-01."]


def test_in_fhir_both_are_read() -> None:
    found = assess(known(), {"resourceType": "Patient", "gender": "female", "birthDate": "1990-01-01"}, "2026-01-01")
    assert said(found) == (["grown", "woman"], [])
    assert [entry.sentence for entry in found.case.entries] == ["Date of birth: 1990-01-01.", "Sex: female."]


# --- what is explained -------------------------------------------------------------------------------------------


def test_an_answer_lists_it_as_an_entry_and_its_proof_ends_there() -> None:
    found = answer(age_years=71)
    document = found.to_dict()
    assert document["facts"] == [{"id": "f1", "sentence": "Age in years: 71.", "read_from": "context.age_years"}]
    assert found.by_id["status:grown"].facts == ("f1",)
    (leaf,) = [step for step in found.why("status:grown").to_dict()["steps"] if step["kind"] == "recorded"]
    assert (leaf["text"], leaf["read_from"]) == ("The age in years is 71.", ["context.age_years"])


def test_an_absence_of_an_age_is_an_assumption() -> None:
    assert answer().by_id["status:ageless"].assumes == ("no age is known",)


@pytest.mark.parametrize(
    ("record", "wanted", "change", "serves"),
    [
        ({}, "status:grown", "--set context.age_years=30", "any recorded value from 30"),
        ({"age_years": 12}, "status:grown", "--set context.age_years=30", "any recorded value from 30"),
        ({"age in years": 12}, "status:grown", "--set 'context.age in years=30'", ""),
        ({"birth_date": "2010"}, "status:grown", "--set context.age_years=30", "any recorded value from 30"),
        ({}, "status:woman", "--set context.sex=female", ""),
        ({"sex": "male"}, "status:woman", "--set context.sex=female", ""),
        ({"age_years": 12}, "status:ageless", "--drop context.age_years", ""),
        ({"birth_date": "1990-01-01"}, "status:ageless", "--drop context.birth_date", ""),
    ],
)
def test_why_not_finds_the_nearest_record_and_what_if_agrees(
    record: dict[str, Any], wanted: str, change: str, serves: str
) -> None:
    found = answer("2026-01-01", **record)
    near = found.why_not(wanted).near[0]
    assert " ".join(map(str, near.changes)) == change
    assert near.ranges[0].startswith(serves)
    assert wanted in [gained.conclusion.id for gained in found.what_if(*near.changes).gained]


def test_why_not_says_what_is_recorded_instead() -> None:
    (premise,) = [p for p in answer(sex="male").why_not("status:woman").near[0].obstacle.premises if not p.holds]
    assert (premise.text, premise.state) == ("The sex is female.", "recorded otherwise")
    assert [entry.sentence for entry in premise.entries] == ["Sex: male."]


def test_missing_asks_for_an_age_and_a_sex() -> None:
    told = {item.text: {outcome.value for outcome in item.outcomes} for item in answer().missing().items}
    assert told["age in years"] == {"from 30 years", "below 30 years"}
    assert told["sex"] == {"female"}
    assert [item.text for item in answer(age_years=3, sex="male").missing().items] == ["serum ferritin"]


def test_of_a_conclusion_missing_says_that_it_depends_on_the_age() -> None:
    depends = answer(age_years=71, sex="male").missing("status:grown").depends
    assert [(one.entry.sentence, one.effect) for one in depends] == [
        ("Age in years: 71.", "falls without it"),
        ("Sex: male.", "idle"),
    ]


def test_two_patients_differ_by_their_ages() -> None:
    contrast = answer(age_years=71).contrast(answer(age_years=12))
    text = json.dumps(contrast.to_dict(), ensure_ascii=False)
    assert "Age in years: 71." in text and "status:grown" in text


_contexts = st.fixed_dictionaries(
    {},
    optional={
        "age_years": st.one_of(st.integers(-5, 140), st.sampled_from(["71", "x", "7.5", ">3"])),
        "sex": st.sampled_from(["female", "m", "other", "unknown", ""]),
        "birth_date": st.sampled_from(["1955-04-03", "1996", "2026-01", "soon", "1700"]),
        "smoker": st.booleans(),
    },
)


@given(context=_contexts, at=st.sampled_from([None, "2026-01-15", "2026-12-31"]))
def test_the_checker_accepts_every_answer(context: dict[str, Any], at: str | None) -> None:
    found = answer(at, **context)
    proofs = [found.why(c.id).to_dict() for c in found.conclusions]
    day = datetime.date.fromisoformat(at) if at else None
    assert certify(found.to_dict(), proofs, known(), found.case, day) == ()
    places = {entry.read_from for entry in found.case.entries} | {note.read_from for note in found.notes}
    assert places == {f"context.{key}" for key in context}


@pytest.mark.slow
def test_what_other_systems_derive_is_the_same(tmp_path: Path, citelog: Command) -> None:
    folder = made(tmp_path / "leaflet")
    (tmp_path / "case.yaml").write_text("context: {age_years: 71, sex: f}\n", encoding="utf-8")
    ended = citelog("export", "--kb", folder, "--to", "clingo", "--case", tmp_path / "case.yaml", cwd=tmp_path)
    assert ended.status == 0
    assert "f1 context.age_years: Age in years: 71." in ended.out


def test_the_ontology_and_the_reader_name_the_same_keys() -> None:
    opened = load(b12.FOLDER, home.ontology())
    keys = {
        str(term): opened.triples.text(str(term), "https://w3id.org/citelog#readAs")
        for term in opened.triples.instances("https://w3id.org/citelog#ContextKey")
    }
    assert keys == {term.value: predicate for term, predicate in GIVES.items()}
