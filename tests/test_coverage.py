"""`citelog coverage`: what the cases of a knowledge base never exercise, and cases that would."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
import yaml

import b12
from case_coverage import NEVER_FIRES
from changed_records import signs
from citelog import home, patient
from citelog.diagnostics import CitelogError
from citelog.explain.model import shape
from citelog.knowledge.base import Knowledge
from citelog.knowledge.load import load
from citelog.rules.shown import show_literal
from citelog.trial.coverage import (
    Coverage,
    Point,
    Survey,
    coverage,
    fired_by,
    run_of,
)
from citelog.trial.expectations import case_files
from citelog.trial.implied import is_implied
from citelog.trial.joined import holds, join, order
from citelog.trial.suggested import Suggestion, suggested
from test_trial import ran

LOW = "labs: [{analyte: ferritin, value: 20, unit: µg/L}]\n"
ENOUGH = "labs: [{analyte: ferritin, value: 50, unit: µg/L}]\n"


def leaflet(folder: Path, **cases: str) -> tuple[Knowledge, Path]:
    """The leaflet with rules about signs, and some cases."""
    knowledge = signs(folder)
    (folder / "leaflet" / "cases").mkdir()
    for name, text in cases.items():
        (folder / "leaflet" / "cases" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return knowledge, folder / "leaflet"


def survey(folder: Path, **cases: str) -> Survey:
    knowledge, kb = leaflet(folder, **cases)
    return Survey(knowledge, case_files(kb))


def point(found: Coverage, name: str, aspect: str = "") -> Point:
    return next(one for one in found.points if one.name == name and aspect in ("", one.aspect))


def gaps(found: Coverage, aspect: str) -> set[str]:
    return {one.name for one in found.gaps if one.aspect == aspect}


def sides(found: Coverage, literal: str) -> dict[str, tuple[str, ...]]:
    """The cases on each side of a limit."""
    of = [one for one in found.points if one.aspect == "side" and one.name.startswith(literal)]
    return {one.name.removeprefix(literal): one.cases for one in of}


def made(survey_: Survey, name: str) -> Suggestion:
    """The case that is suggested for one gap."""
    [one] = suggested(survey_, [point(survey_.coverage(), name)])
    return one


# rules


def test_a_rule_that_no_case_fires_is_a_gap_and_one_that_fires_names_its_cases(tmp_path: Path) -> None:
    found = survey(tmp_path, low=LOW, enough=ENOUGH).coverage()
    assert point(found, "ferritin-low").cases == ("low",)
    assert {"ferritin-high", "two-signs", "some-bleeding"} <= gaps(found, "rule")


def test_without_a_case_nothing_is_exercised(tmp_path: Path) -> None:
    knowledge, _ = leaflet(tmp_path)
    found = coverage(knowledge, [])
    assert found.gaps == found.points and found.percent == 0


def test_a_file_that_is_no_case_is_told_and_counts_for_nothing(tmp_path: Path) -> None:
    found = survey(tmp_path, low=LOW, broken="labs: {}\n").coverage()
    assert found.cases == ("low",)
    [told] = found.unusable
    assert "broken.yaml" in told and "not a list" in told


# literals


def test_a_literal_decides_where_it_alone_fails(tmp_path: Path) -> None:
    """Ferritin of 50 lacks nothing but being below 30; without it, a rule about a low value may have lost that."""
    assert point(survey(tmp_path / "a", low=LOW).coverage(), "ferritin-low/5").cases == ()
    assert point(survey(tmp_path / "b", low=LOW, enough=ENOUGH).coverage(), "ferritin-low/5").cases == ("enough",)


def test_an_exception_decides_where_it_stands_against_a_rule_that_would_fire(tmp_path: Path) -> None:
    sign = "findings: [{name: fatigue, state: present}]\n"
    explained = "findings: [{name: fatigue, state: present}, {name: transfusion, state: present}]\n"
    alone = "findings: [{name: transfusion, state: present}]\n"
    assert point(survey(tmp_path / "a", sign=sign, alone=alone).coverage(), "ask-a-haematologist/2").cases == ()
    found = survey(tmp_path / "b", sign=sign, explained=explained).coverage()
    assert point(found, "ask-a-haematologist/2").cases == ("explained",)
    assert point(found, "ask-a-haematologist/2").text == "~explained(?p)"


def test_what_only_looks_a_number_up_in_the_knowledge_is_not_counted(tmp_path: Path) -> None:
    found = survey(tmp_path, low=LOW).coverage()
    assert [one.text for one in found.points if one.aspect == "literal" and one.rule == "ferritin-low"] == [
        "result(?p, ?r, ferritin)",
        "result_value(?p, ?r, ?value)",
        "?value < ?low",
    ]


_AGAIN = """
%%% @cites S2
#[name("points-again")]
#[display("Signs, and their points.")]
status(?p, ex:ask) :- score(?p, ?points), signs(?p, ?n) .
"""


def test_a_premise_that_the_others_imply_is_not_counted(tmp_path: Path) -> None:
    """Points are counted of signs, so there are signs where there are points; a sign may have no points."""
    _, kb = leaflet(tmp_path)
    rules = kb / "rules" / "20-signs.rls"
    rules.write_text(rules.read_text(encoding="utf-8") + _AGAIN, encoding="utf-8")
    knowledge = load(kb, home.ontology()).knowledge
    assert knowledge is not None
    of = [one.text for one in coverage(knowledge, []).points if one.rule == "points-again"]
    assert of == ["Signs, and their points.", "score(?p, ?points)"]


def test_what_is_left_out_as_implied_decides_in_no_case() -> None:
    """Of the shipped rules: wherever the other literals hold, in any case of the library, so does the one left out."""
    of = shape(b12.knowledge())
    implied = [
        (rule, position)
        for rule in b12.knowledge().program.rules
        for position in range(len(rule.body))
        if is_implied(rule, position, of)
    ]
    assert len(implied) > 20
    for file in case_files(home.knowledge("b12"))[::6]:
        model = run_of(b12.knowledge(), file.stem, patient.read(file, b12.knowledge().terms)).model
        for rule, position in implied:
            others = order(tuple(part for at, part in enumerate(rule.body) if at != position))
            fails = [row for row in join(others, model) if not holds(rule.body[position], row, model)]
            assert not fails, (file.stem, rule.name, show_literal(rule.body[position]), fails[0])


# limits


def test_a_limit_is_tried_below_at_and_above(tmp_path: Path) -> None:
    at = "labs: [{analyte: ferritin, value: 30, unit: µg/L}]\n"
    found = survey(tmp_path / "a", low=LOW, enough=ENOUGH).coverage()
    assert sides(found, "ferritin-low/5/30/") == {"below": ("low",), "at": (), "above": ("enough",)}
    assert point(found, "ferritin-low/5/30/at").text == "?value at 30 in ?value < ?low"
    assert sides(survey(tmp_path / "b", at=at).coverage(), "ferritin-low/5/30/")["at"] == ("at",)


def test_a_limit_that_no_value_reaches_is_known_from_its_statement(tmp_path: Path) -> None:
    found = survey(tmp_path, nothing="labs: []\n").coverage()
    assert sides(found, "ferritin-low/5/30/") == {"below": (), "at": (), "above": ()}


def test_the_age_of_a_result_has_sides_too(tmp_path: Path) -> None:
    old = "labs: [{analyte: ferritin, value: 20, unit: µg/L, when: 2025-01-01}]\nexpect: {at: 2026-01-01}\n"
    found = survey(tmp_path, old=old).coverage()
    assert [side for side, cases in sides(found, "recent-result/6/90/").items() if cases] == ["above"]


# cases that would


def tried(survey_: Survey, one: Suggestion, folder: Path) -> Survey:
    """What a suggested case exercises by itself, read from a file."""
    path = folder / "suggested.yaml"
    path.write_text(one.text, encoding="utf-8")
    return Survey(survey_.knowledge, [path])


@pytest.mark.parametrize(
    "name", ["ferritin-high", "two-signs", "some-bleeding", "status:likely", "status:recent", "ferritin-low/5/30/at"]
)
def test_a_suggested_case_does_what_it_is_for_and_expects_what_it_gives(name: str, tmp_path: Path) -> None:
    dated = "labs: [{analyte: ferritin, value: 50, unit: µg/L, when: 2025-01-01}]\nexpect: {at: 2026-01-01}\n"
    base = survey(tmp_path, low=LOW, enough=ENOUGH, dated=dated)
    assert name in {one.name for one in base.coverage().gaps}
    one = made(base, name)
    assert one.changes and one.base in ("low", "enough", "dated")
    again = tried(base, one, tmp_path)
    assert point(again.coverage(), name).cases == ("suggested",)
    expect = yaml.safe_load(one.text)["expect"]
    include, exclude = (expect.get(key, []) for key in ("include", "exclude"))
    assert include or exclude, "a case that expects nothing notices nothing"
    assert [id_ for id_ in include if not point(again.coverage(), id_).cases] == []
    assert [id_ for id_ in exclude if point(again.coverage(), id_).cases] == []


def test_what_no_record_can_bring_about_has_no_case(tmp_path: Path) -> None:
    files = [home.knowledge("b12") / "cases" / f"{name}.yaml" for name in list(b12.library())[:3]]
    base = Survey(b12.knowledge(), files)
    assert suggested(base, [point(base.coverage(), "unusable-unit-of-another-quantity")]) == ()


# the shipped knowledge base


def test_the_shipped_cases_fire_every_rule_but_the_one_that_no_record_can() -> None:
    began = time.process_time()
    found = coverage(b12.knowledge(), case_files(home.knowledge("b12")))
    assert time.process_time() - began < 10
    assert gaps(found, "rule") == NEVER_FIRES
    assert {one.aspect for one in found.gaps} <= {"rule", "literal", "side"}


def test_the_rules_that_fire_are_those_of_the_runs() -> None:
    """The cases of a rule are told apart: each fires it, and no other does."""
    files = case_files(home.knowledge("b12"), ["neuro"])
    found = coverage(b12.knowledge(), files)
    runs = {f.stem: run_of(b12.knowledge(), f.stem, patient.read(f, b12.knowledge().terms)).run for f in files}
    for number, rule in enumerate(b12.knowledge().program.rules):
        fires = {name for name, run in runs.items() if number in fired_by(run)}
        assert set(point(found, rule.name, "rule").cases) == fires


# the command


def test_the_command_tells_the_counts_the_gaps_and_where_their_rules_stand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, kb = leaflet(tmp_path, low=LOW, enough=ENOUGH)
    status, out, _ = ran(capsys, "coverage", "--kb", str(kb))
    assert status == 0
    for part in (
        "leaflet: what 2 cases exercise",
        "Rules that never fire",
        "two-signs  leaflet/rules/20-signs.rls:",
        "?value at 30 in ?value < ?low",
        "Cases that would exercise some of this",
        "read the document before you keep one",
    ):
        assert part in out


def test_one_rule_is_told_with_the_case_that_exercises_each_part(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, kb = leaflet(tmp_path, low=LOW, enough=ENOUGH)
    status, out, _ = ran(capsys, "coverage", "--kb", str(kb), "--rule", "ferritin-low")
    assert status == 0
    assert "✓ fires in 1 case\n    low\n" in out
    assert "✓ decided by ?value < ?low: enough\n" in out
    assert "✗ ?value at 30 in ?value < ?low: no case\n" in out
    assert "two-signs" not in out
    status, out, err = ran(capsys, "coverage", "--kb", str(kb), "--rule", "feritin-low")
    assert (status, out) == (2, "") and "did you mean ferritin-low?" in err


def test_a_share_can_be_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, kb = leaflet(tmp_path, low=LOW)
    status, out, _ = ran(capsys, "coverage", "--kb", str(kb), "--format", "json")
    document = json.loads(out)
    done = sum(one["exercised"] for one in document["counts"].values())
    of = sum(one["of"] for one in document["counts"].values())
    assert status == 0 and document["percent"] == round(100 * done / of, 2) and 0 < done < of
    assert done == sum(bool(one["cases"]) for one in document["points"])
    assert ran(capsys, "coverage", "--kb", str(kb), "--fail-under", str(100 * done // of))[0] == 0
    status, _, err = ran(capsys, "coverage", "--kb", str(kb), "--fail-under", "99")
    assert status == 1 and "less than 99 %" in err


def test_a_knowledge_base_without_cases_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, kb = leaflet(tmp_path)
    status, out, err = ran(capsys, "coverage", "--kb", str(kb))
    assert (status, out) == (2, "") and "no case" in err


def test_the_nearest_rule_is_named_in_python_too(tmp_path: Path) -> None:
    with pytest.raises(CitelogError, match="did you mean two-signs"):
        survey(tmp_path, low=LOW).coverage().of_rule("two-sign")
