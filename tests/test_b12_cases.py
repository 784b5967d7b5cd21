"""The library of cases: each file holds, says what it is for, and the whole of them leaves nothing out."""

from __future__ import annotations

import json
import random
import re
from collections import Counter

import pytest

import b12
import case_coverage
from citelog import patient
from citelog.answer import derive
from citelog.assess import assess
from citelog.diagnostics import CaseError
from citelog.explain.model import Model
from citelog.patient.dates import period
from citelog.trial.coverage import Survey
from citelog.trial.joined import holds, join, order
from oracle.random_cases import random_case

CASES = list(b12.library())
DOCUMENT_LEVEL = {"conflict:CP04"}
"""What a case may exclude although no case can ever include it."""


def test_the_library_is_there() -> None:
    assert 120 <= len(CASES) <= 300


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    """Every expected conclusion is there, none that is excluded, and regimens have the role and step that is said."""
    case, conclusions = b12.library()[name], b12.assessed(name).conclusions
    ids = {conclusion.id for conclusion in conclusions}
    answers = ids | {id_.partition("#")[0] for id_ in ids}  # without "#n", any of those that share an id
    expect = case.expect
    assert [id_ for id_ in expect.get("include", ()) if id_ not in answers] == []
    assert [id_ for id_ in expect.get("exclude", ()) if id_ in answers] == []
    shown = {c.value: (c.details["role"], c.details["step"]) for c in conclusions if c.kind == "regimen"}
    assert {value: shown.get(value) for value in case.steps} == case.steps


def test_each_name_is_a_sentence_of_its_own() -> None:
    for name in CASES:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+){3,}", name), name
    assert len({name.replace("-", "") for name in CASES}) == len(CASES)


@pytest.mark.parametrize("name", CASES)
def test_each_file_opens_with_what_it_shows(name: str) -> None:
    case = b12.library()[name]
    assert re.fullmatch(r"[A-Z0-9\"“].{20,}[.?]\)?", case.comment), "one or two plain sentences, and then Shows:"
    assert case.shows and len(set(case.shows)) == len(case.shows)
    assert all(len(line) <= 120 for line in case.path.read_text(encoding="utf-8").splitlines())
    assert "id" not in case.record, "the name of the file is the id"
    assert set(case.expect) <= {"at", "include", "exclude", "steps", "cites", "facts", "proofs"}
    assert case.expect.get("include")


@pytest.mark.parametrize("name", CASES)
def test_what_a_file_says_that_it_shows_is_shown(name: str) -> None:
    """A tag is a row, a property or a trap that exists, or a name that the case's own conclusions bear."""
    case, conclusions = b12.library()[name], b12.assessed(name).conclusions
    known = {*case_coverage.ROWS, *case_coverage.PROPERTIES, *case_coverage.TRAPS, "CP04"}
    values = {c.value for c in conclusions}
    values |= {" ".join((c.value, *(c.statements or ("without statements",)))) for c in conclusions}
    assert [tag for tag in case.shows if tag not in known | values] == []
    expected = {id_.partition(":")[2].partition("#")[0] for id_ in case.expect["include"]}
    assert [tag for tag in case.shows if tag not in known and tag.split()[0] not in expected] == []


def test_every_expectation_names_a_conclusion_that_exists() -> None:
    """An excluded id that nothing can ever bear would exclude nothing."""
    ids = {f"{c.kind}:{c.value}" for name in CASES for c in b12.assessed(name).conclusions} | DOCUMENT_LEVEL
    for case in b12.library().values():
        include, exclude = case.expect.get("include", []), case.expect.get("exclude", [])
        assert {id_.partition("#")[0] for id_ in (*include, *exclude)} <= ids, case.name
        assert not set(include) & set(exclude), case.name
        assert all(count == 1 for count in Counter([*include, *exclude]).values()), case.name


def test_no_two_cases_record_the_same() -> None:
    def content(case: b12.LibraryCase) -> str:
        lists = {
            key: sorted(json.dumps(entry, sort_keys=True, default=str) for entry in value)
            if isinstance(value, list)
            else value
            for key, value in case.record.items()
            if value
        }
        return json.dumps({**lists, "at": case.at}, sort_keys=True)

    groups: dict[str, list[str]] = {}
    for case in b12.library().values():
        groups.setdefault(content(case), []).append(case.name)
    assert [names for names in groups.values() if len(names) > 1] == []


def test_a_case_may_name_the_day_that_it_is_assessed_on() -> None:
    """Rules about time need one, and the clock is never read."""
    terms = b12.knowledge().terms
    read = patient.read({"expect": {"at": "2026-03-15", "include": ["status:not_assessed"]}}, terms).expect
    assert read == patient.Expectation(include=("status:not_assessed",), at="2026-03-15")
    for no_day in ("2026-03", 2026, "15/03/2026", "", ["2026-03-15"]):
        with pytest.raises(CaseError, match="is not a day") as caught:
            patient.read({"expect": {"at": no_day}}, terms)
        assert caught.value.where.endswith("expect.at") and "2026-03-15" in str(caught.value.remedy)


def test_what_is_dated_after_the_day_of_the_assessment_is_read_as_it_stands_and_noted() -> None:
    """No statement says that such an entry is invalid; that its date may be a slip, the answer says."""
    case = b12.library()["a-result-dated-after-the-day-of-the-assessment-is-read-as-it-stands"]

    def noted(at: str | None) -> list[tuple[str, str]]:
        notes = assess(b12.knowledge(), case.record, at).notes
        return [(note.read_from, note.text) for note in notes if "after the day of the assessment" in note.text]

    assert noted(case.at) == [
        (
            "labs[0]",
            "Dated after the day of the assessment, and read as it stands: Serum vitamin B12: 80 pmol/L (2028-03-02).",
        ),
        (
            "medications[0]",
            "Recorded as current, although it begins after the day of the assessment: "
            "Cyanocobalamin: oral, current, since 2027.",
        ),
    ]
    assert [place for place, _ in noted("2027-01-01")] == ["labs[0]"]  # a year may have begun on its first day
    assert noted("2028-03-02") == noted(None) == []


@pytest.mark.parametrize("name", [name for name in CASES if "when" in str(b12.library()[name].record)])
def test_a_date_after_the_day_of_the_assessment_is_noted_for_each_entry_that_is_used(name: str) -> None:
    """Whatever the library records, asked on a day before all of it: each dated entry that is used is noted, once."""
    record = b12.library()[name].record
    early = assess(b12.knowledge(), record, "1900-01-01")
    used = {fact for conclusion in early.conclusions for fact in conclusion.facts}
    dated = {e.read_from for e in early.case.entries if e.id in used and period(str(e.keys.get("when", "")))}
    noted = [note.read_from for note in early.notes if note.text.startswith("Dated after the day")]
    assert len(noted) == len(set(noted)) and dated <= set(noted)


def test_nothing_is_without_a_case() -> None:
    """The catalogue, the rows and cells of the tables, boundaries on both sides, properties, traps, and every rule."""
    assert case_coverage.missing() == []


@pytest.mark.slow
def test_what_no_case_exercises_is_what_no_record_can() -> None:
    """`citelog coverage` of the library: all sides of all limits, all conclusions, every literal that can decide."""
    files = [case.path for case in b12.library().values()]
    gaps = {point.name for point in Survey(b12.knowledge(), files).coverage().gaps}
    assert gaps == {*case_coverage.NEVER_DECIDE, *case_coverage.NEVER_FIRES}


@pytest.mark.slow
def test_no_drawn_record_makes_those_literals_decide() -> None:
    rng, knowledge = random.Random(11), b12.knowledge()
    rules = {rule.name: rule for rule in knowledge.program.rules}
    for _ in range(150):
        model = Model(derive(knowledge, patient.read(random_case(rng), knowledge.terms), None))
        for point in case_coverage.NEVER_DECIDE:
            name, _, place = point.rpartition("/")
            rest = [part for at, part in enumerate(rules[name].body) if at != int(place) - 1]
            literal = rules[name].body[int(place) - 1]
            assert all(holds(literal, row, model) for row in join(order(rest), model)), point


def test_the_rules_called_unreachable_are_not_reached() -> None:
    fired = {entry for name in CASES for entry in case_coverage.shown(name) if entry.startswith("rule ")}
    names = {rule.name for rule in b12.knowledge().program.rules}
    assert names >= case_coverage.NEVER_FIRES
    assert not {f"rule {name}" for name in case_coverage.NEVER_FIRES} & fired
