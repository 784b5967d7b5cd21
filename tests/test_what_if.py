"""What if: exactly the difference between the record as it is and the record written out with the changes."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import yaml

import b12
from changed_records import Record, as_options, fresh, ids, random_record, signs, singles, written
from citelog.assess import Assessment, assess
from citelog.cli.app import main
from citelog.diagnostics import CaseError
from citelog.explain.what_if import WhatIf
from citelog.patient.changes import Add, Change, Set
from citelog.patient.written import check
from citelog.render import explained
from test_schemas import form, problem

CASE: Record = {
    "labs": [{"analyte": "serum vitamin B12", "value": "80", "unit": "pmol/L"}],
    "findings": [{"name": "neurological involvement", "state": "absent"}],
    "conditions": [{"name": "pernicious anaemia", "state": "present"}],
    "context": {"age_years": "71"},
}


def asked(record: Record = CASE, at: str | None = None) -> Assessment:
    return assess(b12.knowledge(), record, at)


def told(options: str, record: Record = CASE) -> WhatIf:
    before = asked(record)
    return before.what_if(*as_options(options, before.case))


def text(found: WhatIf) -> str:
    return "\n".join(line.text for line in explained.what_if(found, 1000))


def is_the_difference(record: Record, changes: list[Change], at: str | None, folder: Path) -> None:
    """Gained, lost and kept are what two assessments of two files differ in."""
    before, after = fresh(record, folder, at), fresh(written(record, changes), folder, at)
    found = asked(record, at).what_if(*changes)
    assert problem(form("what-if"), found.to_dict()) == ""
    old, new = {c.id: c for c in before.conclusions}, {c.id: c for c in after.conclusions}
    numbered = {id_.partition("#")[0] for id_ in (*old, *new) if "#" in id_}
    plain = {id_ for id_ in (*old, *new) if id_.partition("#")[0] not in numbered}
    assert {g.conclusion.id for g in found.gained} & plain == (new.keys() - old.keys()) & plain
    assert {one.conclusion.id for one in found.lost} & plain == (old.keys() - new.keys()) & plain
    kept = {k.before.id for k in found.kept}
    assert (kept | set(found.same)) & plain == old.keys() & new.keys() & plain
    for id_ in set(found.same) & plain:
        assert (old[id_].sentence, old[id_].details) == (new[id_].sentence, new[id_].details)
    assert len(found.gained) + len(found.kept) + len(found.same) == len(after.conclusions)
    assert len(found.lost) + len(found.kept) + len(found.same) == len(before.conclusions)
    assert [c.to_dict() for c in found.after.conclusions] == [c.to_dict() for c in after.conclusions]


def random_changes(seed: int, record: Record) -> list[Change]:
    """One to four changes that go together."""
    draw = random.Random(seed)
    chosen: list[Change] = []
    for change in draw.sample(list(singles(record)), 12):
        try:
            check([*chosen, change])
        except CaseError:
            continue
        chosen.append(change)
    return chosen[: draw.randint(1, 4)]


@pytest.mark.parametrize("seed", range(12))
def test_what_is_gained_lost_and_kept_is_the_difference_of_two_assessments(seed: int, tmp_path: Path) -> None:
    record, at = random_record(seed)
    is_the_difference(record, random_changes(seed, record), at, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 400))
def test_for_many_records_too_it_is_the_difference_of_two_assessments(seed: int, tmp_path: Path) -> None:
    record, at = random_record(seed)
    is_the_difference(record, random_changes(seed, record), at, tmp_path)


def test_a_change_that_changes_nothing_says_so() -> None:
    for options in (
        "--set context.age_years=20",
        "--set labs[0].value=80",
        "--add '{name: metformin, status: stopped}'",
    ):
        found = told(options)
        assert not (found.gained or found.lost or found.kept)
        assert "nothing changes" in text(found)
        assert problem(form("what-if"), found.to_dict()) == ""


def test_a_change_that_cannot_be_used_is_no_change_that_changes_nothing() -> None:
    """Whoever misspells a name asks about something else: that is said above what becomes of the answer."""
    for options, said in (
        ("--add 'findings: {name: pernicous anaemia, state: present}'", "did you mean pernicious anaemia?"),
        ("--add 'medications: {name: cyanocobalamine, status: current}'", "did you mean cyanocobalamin?"),
        ("--set context.age=80", "read by no rule"),
    ):
        found = told(options)
        assert [said in note.text for note in found.notes] == [True]
        assert text(found).index(said) < text(found).index("nothing changes")
        assert problem(form("what-if"), found.to_dict()) == ""
    assert told("--set labs[0].value=90").notes == ()


def test_what_is_lost_says_why_it_was_drawn_and_what_stands_against_it_now() -> None:
    found = told("--set labs[0].value=350")
    lost = next(one for one in found.lost if one.conclusion.id == "status:below_all_cutoffs")
    assert any("80 pmol/L" in reason.text for reason in lost.reasons)
    assert lost.obstacle is not None and lost.obstacle.rule == "status-below-all-cutoffs"
    assert "350 < 100." in text(found)


def test_of_a_line_that_another_now_goes_before_the_other_is_named_and_not_the_line_itself() -> None:
    record: Record = {
        "findings": [{"name": "symptoms attributed to vitamin B12 deficiency", "state": "absent"}],
        "medications": [{"name": "hydroxocobalamin", "status": "current", "frequency": "monthly"}],
    }
    [lost] = [
        one for one in told("--set findings[0].state=present", record).lost if one.conclusion.id == "treat:indicated"
    ]
    [outranked] = [premise for premise in lost.obstacle.premises if not premise.holds]
    assert outranked.behind.rule == "treat-symptomatic"
    assert [[e.read_from for e in under.entries] for under in outranked.behind.premises] == [["findings[0]"]]


def test_what_is_kept_for_another_reason_shows_both_reasons() -> None:
    found = told("--drop conditions[0]")
    kept = next(k for k in found.kept if k.before.id == "treat:indicated")
    assert any("Pernicious anaemia" in reason.text for reason in kept.difference.first)
    assert any("80 pmol/L" in reason.text for reason in kept.difference.second)


def test_an_entry_that_is_added_and_the_same_entry_written_in_the_file_are_one() -> None:
    same = told("--add 'findings: {name: neurological involvement, state: absent}'")
    assert not (same.gained or same.lost)
    assert len(same.after.case.entries) == len(same.before.case.entries) + 1


def test_the_words_of_a_change_say_what_stands_there_now_and_what_stood_there() -> None:
    assert told("--set labs[0].value=120 --drop conditions[0] --add '{name: fatigue, state: present}'").told == (
        "“Serum vitamin B12: 120 pmol/L.” instead of “Serum vitamin B12: 80 pmol/L.” (labs[0])",
        "without “Pernicious anaemia: present.” (conditions[0])",
        "“Fatigue: present.” in addition",
    )


def test_an_entry_can_be_given_another_name_and_one_that_is_not_there_cannot_be_changed() -> None:
    found = told("--set findings[0].name=fatigue")
    assert "Fatigue" in text(found).partition("instead of")[0]
    with pytest.raises(CaseError, match="the record has no such entry"):
        asked().what_if(Set("labs[9]", "value", "3"))


def test_the_knowledge_of_signs_answers_what_if_as_well(tmp_path: Path) -> None:
    knowledge = signs(tmp_path)
    before = assess(knowledge, {"findings": [{"name": "fatigue", "state": "present"}]})
    found = before.what_if(
        Add("findings", "pallor", (("state", "present"),)), Add("findings", "transfusion", (("state", "present"),))
    )
    assert {g.conclusion.id for g in found.gained} == {"status:suspected"}
    assert {one.conclusion.id for one in found.lost} == {"status:ask", "status:unlikely"}
    assert problem(form("what-if"), found.to_dict()) == ""


def test_the_command_prints_the_document(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(yaml.safe_dump(CASE))
    with pytest.raises(SystemExit) as ended:
        main(["what-if", str(tmp_path / "case.yaml"), "--set", "labs[0].value=350", "--format", "json"])
    assert ended.value.code == 0
    document = json.loads(capfd.readouterr().out)
    assert problem(form("what-if"), document) == ""
    assert document["changes"][0]["set"] == "labs[0].value"
    with pytest.raises(SystemExit) as ended:
        main(["what-if", str(tmp_path / "case.yaml")])
    shown = capfd.readouterr()
    assert ended.value.code == 2 and shown.out == "" and "no change is given" in shown.err


def test_a_record_that_means_harm_is_changed_like_any_other(tmp_path: Path) -> None:
    record: Record = {
        "labs": [{"analyte": "serum vitamin B12", "value": "9" * 399, "unit": "pmol/L"}] * 3,
        "findings": [{"name": "<script>alert(1)</script>", "state": "\u202eألم"}],
    }
    found = told("--set labs[1].value=-1 --drop findings[0].state", record)
    assert ids(found.after) == ids(fresh(written(record, list(found.changes)), tmp_path)) and text(found)
