"""Why not: what stands against a conclusion, and changes of the record that really reach it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import b12
from changed_records import (
    Record,
    as_options,
    divided,
    findings,
    fresh,
    ids,
    journeys,
    nights,
    random_record,
    signs,
    singles,
    soon_after,
    spreading,
    worries,
    written,
)
from citelog.answer import derive
from citelog.assess import Assessment, assess
from citelog.cli.app import main
from citelog.diagnostics import CitelogError
from citelog.explain.catalogue import catalogue
from citelog.explain.obstacles import Obstacle, Premise
from citelog.explain.why_not import NearMiss, ReachedError, WhyNot
from citelog.knowledge.base import Knowledge
from citelog.patient.changes import Change, Set, apply
from citelog.render import explained
from citelog.values import Value
from commits import at_each_commit
from test_schemas import form, problem

B12 = "serum vitamin B12"
SYMPTOMS = "symptoms attributed to vitamin B12 deficiency"


def answer(record: Record, at: str | None = None) -> Assessment:
    return assess(b12.knowledge(), record, at)


def lab(value: str, unit: str = "pmol/L") -> Record:
    return {"analyte": B12, "value": value, "unit": unit}


def finding(name: str, state: str = "present") -> Record:
    return {"name": name, "state": state}


def options(found: WhyNot) -> list[str]:
    return [" ".join(map(str, near.changes)) for near in found.near]


def text(found: WhyNot) -> str:
    return "\n".join(line.text for line in explained.why_not(found, b12.knowledge(), 1000))


def failing(obstacle: Obstacle) -> list[Premise]:
    """The premises that fail, down to the last."""
    found = []
    for premise in obstacle.premises:
        if not premise.holds:
            found += [premise, *(failing(premise.behind) if premise.behind else ())]
    return found


def hold_good(found: WhyNot, record: Record, at: str | None, folder: Path, knowledge: Knowledge) -> None:
    """All that is claimed of the near misses, each record written to a file and assessed afresh."""
    before = fresh(record, folder, at, knowledge)
    assert problem(form("why-not"), found.to_dict()) == ""
    assert len(found.near) <= 3
    counts = [len(near.changes) for near in found.near]
    assert counts == sorted(counts)
    for near in found.near:
        document = near.to_dict()
        after = fresh(written(record, near.changes), folder, at, knowledge)
        assert found.conclusion in ids(after), near.changes
        new, old = {c.id for c in after.conclusions}, {c.id for c in before.conclusions}
        assert set(near.gained) | {near.reached.id} == (new - old) | {near.reached.id}
        assert set(near.lost) == old - new
        changes = as_options(document["options"], before.case, knowledge)
        told = before.what_if(*changes)
        assert found.conclusion in {g.conclusion.id.partition("#")[0] for g in told.gained}
        assert tuple(changes) == near.changes
        fired = {f.rule.name for f in after.run.firings(after.by_id[after.ids(found.conclusion)[0]].atom)}
        assert near.obstacle.rule in fired | {f for c in after.ids(found.conclusion) for f in after.by_id[c].rules}
        for index in range(len(near.changes) if len(near.changes) > 1 else 0):
            fewer = near.changes[:index] + near.changes[index + 1 :]
            assert found.conclusion not in ids(fresh(written(record, fewer), folder, at, knowledge)), fewer


# of several words for one entry, the one that leaves the record soundest


def test_a_finding_recorded_as_absent_is_proposed_as_present_before_it_is_proposed_as_unknown() -> None:
    record = {"labs": [lab("80")], "findings": [finding("neurological involvement", "absent")]}
    assert options(answer(record).why_not("regimen:HYD-NEURO-LOAD"))[0] == "--set 'findings[0].state=present'"


def test_a_result_is_raised_or_left_out_rather_than_made_negative() -> None:
    record = {"labs": [lab("80")], "findings": [finding("neurological involvement", "absent")]}
    assert options(answer(record).why_not("treat:undetermined")) == ["--set 'labs[0].value=100'"]


def test_of_the_numbers_that_would_do_the_one_nearest_to_the_recorded_one_is_proposed() -> None:
    involved = [finding("neurological involvement")]
    found = options(answer({"labs": [lab("80")], "findings": involved}).why_not("treat:indicated"))
    raised = [one for one in found if "labs[0]" in one]
    assert raised
    assert all(one.startswith("--set 'labs[0].value=100' ") for one in raised)


# what stands in the way may stand there twice, or behind a change that was made for something else


def test_two_results_that_nothing_orders_have_both_to_be_others() -> None:
    record = {"labs": [lab("80"), lab("90")]}
    [found] = options(answer(record).why_not("status:above_all_cutoffs"))
    assert found == "--set 'labs[0].value=300' --set 'labs[1].value=300'"


def test_what_a_rule_needs_is_not_taken_away_to_clear_its_way() -> None:
    record = {"labs": [lab("150") | {"flag": "L"}], "findings": [finding(SYMPTOMS, "absent")]}
    assert "--set 'labs[0].value=300' --drop 'labs[0].flag'" in options(answer(record).why_not("treat:no_basis"))


def test_entries_that_all_have_to_go_go_together() -> None:
    record = {"findings": [finding(f"{prefix}neurological involvement") for prefix in ("", "possible ")] * 2}
    assert options(answer(record).why_not("neuro:not_recorded")) == [
        "--drop 'findings[0]' --drop 'findings[2]' --drop 'findings[1]' --drop 'findings[3]'"
    ]


def test_where_nothing_reaches_it_the_rule_that_could_give_it_is_shown_and_not_one_that_never_does() -> None:
    names = ("neurological involvement", "possible neurological involvement", "severe neurological symptoms")
    record = {"labs": [lab("80")], "findings": [finding(name, "unknown") for name in names]}
    obstacle = answer(record).why_not("treat:no_basis").obstacle
    assert obstacle is not None
    assert obstacle.rule == "treat-no-basis"


def test_an_entry_that_was_added_on_the_way_and_is_not_needed_leaves_no_key_behind() -> None:
    neuro = finding("neurological involvement") | {"when": "2026-01-01"}
    record = {"findings": [neuro, neuro | {"state": "resolved", "when": "2026-02-01"}]}
    assert options(answer(record).why_not("neuro:absent"))[0] == "--set 'findings[0].state=absent'"


# ten cases of the library, each asked for several conclusions

SESSION = sorted(b12.library())[::19][:10]


@pytest.mark.parametrize("name", at_each_commit(SESSION))
def test_a_session_on_a_case_of_the_library_proposes_only_what_reaches_the_goal(name: str, tmp_path: Path) -> None:
    case = b12.library()[name]
    assessed = b12.assessed(name)
    goals = [goal for goal in catalogue(b12.knowledge()) if goal not in ids(assessed)]
    for goal in goals[SESSION.index(name) :: 21]:
        hold_good(assessed.why_not(goal), case.record, case.at, tmp_path, b12.knowledge())


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(b12.library())[::6])
def test_every_conclusion_that_a_case_does_not_have_can_be_asked_for(name: str, tmp_path: Path) -> None:
    case = b12.library()[name]
    assessed = b12.assessed(name)
    for goal in catalogue(b12.knowledge()):
        if goal not in ids(assessed):
            hold_good(assessed.why_not(goal), case.record, case.at, tmp_path, b12.knowledge())


# minimality, against brute force


def reached_by_one(assessed: Assessment, record: Record) -> dict[str, Change]:
    """Each conclusion that some single change reaches, with one that does."""
    knowledge = assessed.knowledge
    found: dict[tuple[str, Value], Change] = {}
    for change in singles(record):
        run = derive(knowledge, apply(assessed.case, [change], knowledge.terms), assessed.at)
        for kind in knowledge.kinds:
            for atom in run.atoms(kind.predicate):
                found.setdefault((kind.name, atom.args[1]), change)
    goals = catalogue(knowledge).items()
    return {
        id_: found[goal.kind.name, goal.value]
        for id_, goal in goals
        if not goal.reached(assessed.run) and (goal.kind.name, goal.value) in found
    }


def not_minimal(seed: int, every: int = 1) -> dict[str, str]:
    record, at = random_record(seed)
    assessed = answer(record, at)
    wrong = {}
    for goal, change in list(reached_by_one(assessed, record).items())[::every]:
        near = assessed.why_not(goal).near
        if not near or len(near[0].changes) > 1:
            wrong[goal] = str(change)
    return wrong


@pytest.mark.slow
def test_where_a_single_change_reaches_a_conclusion_the_first_near_miss_has_one() -> None:
    assert not_minimal(3, every=6) == {}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 125))
def test_in_random_records_too_a_single_change_is_found_where_there_is_one(seed: int) -> None:
    assert not_minimal(seed) == {}


def test_one_entry_that_serves_two_premises_is_found_before_two_that_serve_one_each() -> None:
    """Pernicious anaemia both calls for treatment and is a recorded cause."""
    found = answer({"labs": [lab("200")]}).why_not("caution:CA-INDIVIDUALISE")
    assert len(found.near[0].changes) == 1
    assert options(found)[0] == "--add 'findings: {name: pernicious anaemia, state: present}'"


def test_two_wishes_about_one_number_are_one_change() -> None:
    """Below 100 must stop and 300 must be reached: 300 does both."""
    found = answer({"labs": [lab("80")], "findings": [finding(SYMPTOMS, "absent")]}).why_not("treat:no_basis")
    assert options(found)[0] == "--set 'labs[0].value=300'"


# what is said


def test_not_recorded_recorded_absent_and_recorded_unknown_are_told_apart() -> None:
    goal = "symptomatic:yes"
    states = {}
    for name, entries in {
        "none": [], "absent": [finding(SYMPTOMS, "absent")], "unknown": [finding(SYMPTOMS, "unknown")],
    }.items():  # fmt: skip
        [near, *_] = answer({"findings": entries}).why_not(goal).near
        states[name] = {premise.state for premise in failing(near.obstacle) if premise.kind == "recorded"}
    assert states == {"none": {"not recorded"}, "absent": {"recorded absent"}, "unknown": {"recorded unknown"}}


def test_the_blocking_rule_is_named_with_what_holds_what_fails_and_the_quote() -> None:
    found = answer({"labs": [lab("350")]}).why_not("status:below_all_cutoffs")
    [near, *_] = found.near
    assert near.obstacle.rule == "status-below-all-cutoffs"
    assert [c.statement for c in near.obstacle.citations] == ["R04", "R14"]
    assert {premise.state for premise in near.obstacle.premises} == {"holds", "not concluded"}
    assert "350 < 100." in [premise.text for premise in failing(near.obstacle)]
    shown = text(found)
    for words in ("350 < 100.", "“a serum vitamin B12 level of less than 100-300", "(labs[0])"):
        assert words in shown


def test_the_obstacle_is_of_the_rule_that_gives_the_conclusion_once_the_record_is_changed() -> None:
    record = {"labs": [lab("80")], "medications": [{"name": "hydroxocobalamin", "status": "stopped"}]}
    for near in answer(record).why_not("data-issue:DI-CONTRADICTORY").near:
        assert near.obstacle.rule in near.reached.rules


def test_each_rule_that_stands_in_the_way_has_only_its_own_entries_under_it() -> None:
    record = {
        "labs": [lab("400")],
        "findings": [finding(SYMPTOMS, "absent"), finding("neurological involvement", "absent")],
        "conditions": [finding("pernicious anaemia")],
        "medications": [{"name": "hydroxocobalamin", "status": "current", "frequency": "monthly"}],
    }
    found = answer(record).why_not("treat:no_basis")
    ways = {
        (premise.text, premise.behind.rule): {e.name for under in premise.behind.premises for e in under.entries}
        for premise in failing(found.near[0].obstacle)
        if premise.behind
    }
    line, support = (
        "A line that calls for treatment or judgement applies.",
        "Something else on record may support treatment.",
    )
    assert ways == {
        (line, "treat-maintenance"): {"hydroxocobalamin"},
        (line, "treat-maintenance-pernicious-anaemia"): {"hydroxocobalamin", "pernicious anaemia"},
        (line, "treat-pernicious-anaemia"): {"pernicious anaemia"},
        (support, "support-medicine"): {"hydroxocobalamin"},
        (support, "support-assessment"): {"pernicious anaemia"},
    }
    assert text(found).count("in the way: Something else on record may support treatment.") == 1


@pytest.mark.parametrize(
    ("goal", "value", "serves", "inside", "outside"),
    [
        ("status:below_all_cutoffs", "350", "from 0 and below 100", ["0", "99.999"], ["-0.001", "100"]),
        ("status:within_debated_cutoffs", "80", "from 100 and below 300", ["100", "299.9"], ["99.9", "300"]),
        ("status:above_all_cutoffs", "80", "from 300", ["300", "100000"], ["299.999"]),
        ("data-issue:DI-NEGATIVE", "80", "below 0", ["-0.001"], ["0"]),
    ],
)  # fmt: skip
def test_the_range_that_would_serve_ends_where_the_answer_changes(
    goal: str, value: str, serves: str, inside: list[str], outside: list[str], tmp_path: Path
) -> None:
    record = {"labs": [lab(value)]}
    near = next(n for n in answer(record).why_not(goal).near if isinstance(n.changes[0], Set))
    assert near.ranges == (f"any recorded value {serves}",)
    for other in (*inside, *outside):
        after = fresh({"labs": [lab(other)]}, tmp_path)
        assert (goal in ids(after)) == (other in inside), other


def test_a_conclusion_that_was_reached_is_refused_with_the_command_that_explains_it() -> None:
    with pytest.raises(ReachedError, match="citelog why CASE status:below_all_cutoffs"):
        answer({"labs": [lab("80")]}).why_not("status:below_all_cutoffs")


def test_a_conclusion_that_nothing_could_reach_is_refused_with_the_nearest() -> None:
    with pytest.raises(CitelogError, match="did you mean regimen:HYD-STD-LOAD"):
        answer({}).why_not("regimen:HYD-STD-LOD")


def test_a_conflict_of_the_document_that_no_rule_concludes_has_no_near_miss_and_says_why() -> None:
    found = answer({}).why_not("conflict:CP02")
    assert found.near == () and found.obstacle is None and not found.is_drawn and found.derived == 0
    assert problem(form("why-not"), found.to_dict()) == ""
    assert "no rule of this knowledge base concludes it" in text(found)


def test_what_no_record_can_change_is_said_to_be_out_of_reach() -> None:
    """With a date given, nothing on record makes the date an open question."""
    found = answer({"findings": [finding("neurological involvement", "absent")]}, "2026-03-15").why_not(
        "open-question:date of the assessment"
    )
    assert found.near == () and found.obstacle is not None
    assert "reaches it" in text(found)


def test_at_most_one_conclusion_of_its_kind_is_named_as_concluded_instead() -> None:
    assert [c.id for c in answer({}).why_not("treat:immediate").instead] == ["treat:undetermined"]
    assert answer({}).why_not("caution:CA-SCD").instead == ()


# the command


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., tuple[int, str, str]]:
    (tmp_path / "case.yaml").write_text(yaml.safe_dump({"labs": [lab("80")]}))

    def run(conclusion: str, *more: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["why-not", str(tmp_path / "case.yaml"), conclusion, *more])
        shown = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, shown.out, shown.err

    return run


@pytest.mark.parametrize(
    ("conclusion", "status", "words"),
    [
        ("treat:immediate", 0, ""),
        ("conflict:CP02", 0, ""),
        ("status:below_all_cutoffs", 1, "was concluded for this record"),
        ("status:below_all_cutofs", 2, "did you mean status:below_all_cutoffs?"),
        ("conflict:CP99", 2, "did you mean"),
        ("regimen:", 2, "of this kind are"),
        ("nothing", 2, "the kinds are status, "),
        ("", 2, "the kinds are status, "),
        ("<script>:\u202eevil", 2, "the kinds are status, "),
    ],
)
def test_the_exit_status_says_whether_there_was_anything_to_explain(
    run: Callable[..., tuple[int, str, str]], conclusion: str, status: int, words: str
) -> None:
    code, out, err = run(conclusion)
    assert code == status and words in err
    assert bool(out) == (status == 0)
    assert "Traceback" not in err


def test_json_of_the_command_is_the_document(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    code, out, _ = run("treat:immediate", "--format", "json")
    assert code == 0
    assert json.loads(out) == assess(b12.knowledge(), tmp_path / "case.yaml").why_not("treat:immediate").to_dict()
    assert problem(form("why-not"), json.loads(out)) == ""


def test_a_document_that_is_spoilt_is_refused() -> None:
    document = answer({"labs": [lab("80")]}).why_not("treat:immediate").to_dict()
    for spoilt in (
        document | {"reached": True},
        document | {"more": 1},
        document | {"near_misses": document["near_misses"] * 4},
        {key: value for key, value in document.items() if key != "search_complete"},
        document | {"near_misses": [document["near_misses"][0] | {"changes": []}]},
    ):
        assert problem(form("why-not"), spoilt)


# the same question, the same answer

MIXED: Record = {
    "labs": [lab("350"), {"analyte": "plasma homocysteine", "value": "20", "unit": "µmol/L"}],
    "findings": [finding("fatigue"), finding("neurological involvement", "absent"), finding(SYMPTOMS, "unknown")],
    "medications": [{"name": "folic acid", "status": "current"}, {"name": "metformin", "status": "stopped"}],
}


def without_paths(near: NearMiss, case: Assessment) -> list[str]:
    said = []
    for words in near.told:
        for entry in case.case.entries:
            words = words.replace(f"({entry.read_from})", "")
        said.append(words)
    return sorted(said)


@pytest.mark.parametrize(
    "goal",
    at_each_commit(["treat:immediate", "status:below_all_cutoffs", "conflict:CP07", "regimen:HYD-STD-LOAD"]),
)
def test_the_order_of_the_lists_changes_nothing_but_paths(goal: str) -> None:
    one = answer(MIXED)
    other = answer({key: value[::-1] for key, value in MIXED.items()})
    first, second = one.why_not(goal), other.why_not(goal)
    assert [without_paths(n, one) for n in first.near] == [without_paths(n, other) for n in second.near]
    assert [n.obstacle.rule for n in first.near] == [n.obstacle.rule for n in second.near]


@pytest.mark.slow
def test_the_same_bytes_whatever_the_seed_of_hashes(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text(yaml.safe_dump(MIXED, allow_unicode=True), encoding="utf-8")
    code = "import sys; from citelog.cli.app import main; main(['why-not', sys.argv[1], 'regimen:HYD-STD-LOAD'])"
    shown = set()
    for seed in ("0", "1", "77"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        ended = subprocess.run([sys.executable, "-c", code, path], capture_output=True, env=environment, check=True)
        shown.add(ended.stdout)
    assert len(shown) == 1


# records that mean harm


HOSTILE: dict[str, Record] = {
    "contradictions": {"findings": [finding(SYMPTOMS, s) for s in ("present", "absent", "unknown", "present")]},
    "duplicates": {"labs": [lab("80")] * 8, "findings": [finding("fatigue")] * 8},
    "huge numbers": {"labs": [lab("9" * 399), lab("-" + "9" * 300), lab("0." + "0" * 300 + "1")]},
    "markup and writing from right to left": {
        "findings": [finding("<script>alert(1)</script>"), finding("\u202eألم"), finding(SYMPTOMS, "<b>present")],
        "medications": [{"name": "d3_50000", "dose": "1000 µg", "status": "current", "frequency": "2–3 times"}],
    },
    "nothing": {},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_record_is_answered_like_any_other(name: str, tmp_path: Path) -> None:
    record = HOSTILE[name]
    assessed = answer(record)
    for goal in ("status:within_debated_cutoffs", "treat:immediate", "regimen:HYD-NEURO-LOAD", "status:not_assessed"):
        if goal not in ids(assessed):
            found = assessed.why_not(goal)
            hold_good(found, record, None, tmp_path, b12.knowledge())
            assert text(found)


def test_values_stand_in_the_words_as_they_were_recorded() -> None:
    record = {
        "labs": [lab("-80.50"), lab("1000", "d3_50000")],
    }
    for goal, words in (
        ("status:below_all_cutoffs", "Serum vitamin B12: -80.50 pmol/L."),
        ("status:not_assessed", "Serum vitamin B12: 1000 d3_50000."),
    ):
        found = answer(record).why_not(goal)
        assert words in "\n".join(told for near in found.near for told in near.told), goal


def long_record(entries: int) -> Record:
    """Half of it entries that rules read, every one of them about the level."""
    return {
        "labs": [lab(str(50 + i % 400)) | {"when": f"{1990 + i % 30}-{1 + i % 12:02}-11"} for i in range(entries // 3)],
        "findings": [finding(findings()[i % len(findings())] if i < 14 else f"no. {i}") for i in range(entries // 3)],
        "medications": [{"name": "folic acid", "dose": f"{i} mg", "status": "stopped"} for i in range(entries // 3)],
    }


@pytest.mark.long
def test_a_record_of_three_thousand_entries_is_answered_in_time() -> None:
    assessed = answer(long_record(3000))
    for goal in ("regimen:HYD-STD-LOAD", "status:not_assessed", "treat:no_basis"):
        began = time.thread_time()
        assessed.why_not(goal)
        assert time.thread_time() - began < 60, goal


def test_what_takes_twenty_changes_is_no_near_miss() -> None:
    found = answer(long_record(60)).why_not("status:not_assessed")
    assert found.near == () and not found.complete and "there were more to try" in text(found)


# another knowledge base


@pytest.fixture(scope="module")
def leaflet(tmp_path_factory: pytest.TempPathFactory) -> Knowledge:
    return signs(tmp_path_factory.mktemp("signs"))


FATIGUE: Record = {"findings": [finding("fatigue")]}


@pytest.mark.parametrize(
    ("record", "at", "goal", "first"),
    [
        (FATIGUE, None, "status:suspected", "--add 'findings: {name: headache, state: present}'"),
        ({}, None, "status:ask", "--add 'findings: {name: fatigue, state: present}'"),
        (FATIGUE, None, "status:bleeding", "--add 'findings: {name: bleeding of the gut, state: present}'"),
        ({"findings": [finding("fatigue"), finding("transfusion")]}, None,
         "status:ask", "--set 'findings[1].state=absent'"),
        ({"findings": [finding("fatigue"), finding("headache")]}, None, "status:unlikely", None),
        ({"labs": [{"analyte": "ferritin", "value": "50", "unit": "µg/L", "when": "2025-01-01"}]}, "2026-01-01",
         "status:recent", "--set 'labs[0].when=2025-10-03'"),
        ({"labs": [{"analyte": "ferritin", "value": "50"}]}, None, "status:low", "--set 'labs[0].value=29'"),
        ({"labs": [{"analyte": "ferritin", "value": "50"}]}, None, "status:high", "--set 'labs[0].value=301'"),
    ],
)  # fmt: skip
def test_counts_days_a_hierarchy_and_an_exception_have_their_smallest_change(
    record: Record, at: str | None, goal: str, first: str | None, leaflet: Knowledge, tmp_path: Path
) -> None:
    found = assess(leaflet, record, at).why_not(goal)
    assert len(found.near[0].changes) == 1
    assert first is None or options(found)[0] == first
    hold_good(found, record, at, tmp_path, leaflet)


def test_a_sum_may_need_two_more_and_a_count_from_nothing_too(leaflet: Knowledge, tmp_path: Path) -> None:
    for record, goal in ((FATIGUE, "status:likely"), ({}, "status:suspected")):
        found = assess(leaflet, record).why_not(goal)
        assert len(found.near[0].changes) == 2
        hold_good(found, record, None, tmp_path, leaflet)


def test_the_day_of_the_assessment_is_no_change_of_the_record(leaflet: Knowledge) -> None:
    """Without a date given, no entry can be recent."""
    record = {"labs": [{"analyte": "ferritin", "value": "50", "when": "2025-01-01"}]}
    found = assess(leaflet, record).why_not("status:recent")
    assert found.near == () and found.obstacle is not None and found.obstacle.rule == "recent-result"


def test_why_not_does_not_change_the_answer_it_was_asked_of() -> None:
    assessed = answer(MIXED)
    before = assessed.to_json()
    assessed.why_not("treat:immediate")
    assert assessed.to_json() == before


@pytest.mark.parametrize(("at", "day"), [(None, "2024-06-01"), ("2026-03-20", "2026-03-20")])
def test_an_entry_that_takes_the_place_of_others_is_proposed_with_a_later_date(
    at: str | None, day: str, tmp_path: Path
) -> None:
    """A doubt outlasts an absence without a date, and gives way to a later one: a single change."""
    record: Record = {"findings": [finding("possible neurological involvement", "unknown") | {"when": "2024-05"}]}
    found = answer(record, at).why_not("neuro:absent")
    assert options(found)[0] == f"--add 'findings: {{name: neurological involvement, state: absent, when: {day}}}'"
    hold_good(found, record, at, tmp_path, b12.knowledge())


def test_two_changes_are_found_after_every_single_one_was_tried_with_a_date_and_without(tmp_path: Path) -> None:
    record: Record = {
        "labs": [
            {"analyte": "serum folate", "value": "299.99", "unit": "µg/L"},
            {"analyte": "serum methylmalonic acid", "value": "1,5", "unit": "pmol/L", "when": "2026-03"},
            lab("<300") | {"flag": "low"},
        ],
        "findings": [
            finding("possible neurological involvement"),
            finding("further neurological improvement on treatment", "unknown"),
        ],
    }
    found = answer(record, "2026-03-20").why_not("regimen:LABEL-NORMABS-INIT")
    assert [len(near.changes) for near in found.near] == [2, 2, 2]
    hold_good(found, record, "2026-03-20", tmp_path, b12.knowledge())


def test_an_entry_is_proposed_without_a_date_where_it_needs_none() -> None:
    record: Record = {"findings": [finding("fatigue") | {"when": "2024-05"}]}
    assert options(answer(record).why_not("neuro:absent"))[0] == (
        "--add 'findings: {name: neurological involvement, state: absent}'"
    )


def test_an_entry_that_counts_only_with_a_date_is_proposed_with_one(tmp_path: Path) -> None:
    record: Record = {"context": {"age_years": 9}}
    found = assess(nights(), record, "2026-03-15").why_not("night:SHORT")
    night = "--add 'labs: {analyte: sleep of a night, value: 8.9, unit: hours, when: 2026-03-01}'"
    assert options(found)[0] == night and found.near[0].ranges == ("any recorded value from 8 and below 9",)
    hold_good(found, record, "2026-03-15", tmp_path, nights())


def test_of_a_count_it_is_told_what_was_not_counted(tmp_path: Path) -> None:
    """One of two worries is on record, and the near record has both: the other is what fails."""
    found = assess(worries(tmp_path), {"findings": [finding("loud snoring")]}).why_not("advice:ASK_DOCTOR")
    told = [[premise.text for premise in failing(near.obstacle)] for near in found.near]
    assert told == [["Cola in the afternoon: present."]]


def test_of_a_count_of_entries_one_that_is_not_counted_is_proposed_and_one_more(tmp_path: Path) -> None:
    """One of two journeys is too long ago. From none, two of different days are not looked for, and that is said."""
    kb, at = journeys(tmp_path), "2026-03-15"
    days = [finding("crossing time zones") | {"when": day} for day in ("2025-01-01", "2026-03-10")]
    found = assess(kb, {"findings": days}, at).why_not("advice:ASK_DOCTOR")
    added = "--add 'findings: {name: crossing time zones, state: present, when: 2026-03-01}'"
    assert options(found)[:2] == ["--set 'findings[0].when=2026-03-01'", added]
    hold_good(found, {"findings": days}, at, tmp_path, kb)
    none = assess(kb, {}, at).why_not("advice:ASK_DOCTOR")
    assert (none.near, none.complete) == ((), False)


def test_what_is_not_there_is_in_the_way_and_never_told_to_be_needed() -> None:
    """Without a day of the assessment no change of the record reaches it: what stands against it are gaps."""
    night = {"analyte": "sleep of a night", "value": "5", "unit": "hours", "when": "2026-03-08"}
    found = assess(nights(), {"context": {"age_years": "11"}, "labs": [night]}).why_not("night:SHORT")
    told = [line.text for line in explained.why_not(found, nights(), 1000)]
    assert "✗ in the way: No night on record counts." in told
    assert "✗ in the way: No date of the assessment is given." in told
    assert found.obstacle is not None
    assert {one.state for one in failing(found.obstacle)} == {"not concluded", "not recorded"}
    assert not [line for line in told if "needed: No" in line]


def test_a_record_to_which_no_answer_would_be_given_is_no_way_to_a_conclusion(tmp_path: Path) -> None:
    found = assess(divided(tmp_path), {"findings": [{"name": "cola in the afternoon", "state": "present"}]}).why_not(
        "tired:PROBABLY"
    )
    assert [near.told for near in found.near] == [("“Falling asleep in lessons: present.” in addition",)]


def test_of_what_is_recorded_already_it_is_not_said_that_it_is_not(tmp_path: Path) -> None:
    """A second journey is wanting: no other is there, which says nothing of the one that is, or of its day."""
    record: Record = {"findings": [{"name": "crossing time zones", "state": "present", "when": "2026-03-08"}]}
    found = assess(soon_after(tmp_path), record, "2026-03-09").why_not("advice:ASK_DOCTOR")
    assert found.near == () and found.obstacle is not None
    shown = [line.text for line in explained.why_not(found, nights(), 1000)]
    assert "✗ in the way: No other entry says this: crossing time zones: present." in shown
    assert "? Such an entry is of the time from any first to any last." in shown
    assert not [text for text in shown if "No record has any" in text or "recorded present" in text]


def test_a_number_that_rules_count_is_asked_about_like_any_value(tmp_path: Path) -> None:
    known = spreading(tmp_path)
    [near] = assess(known, {"labs": []}).why_not("extent:2").near
    assert near.told == ("“Morning headache: present.” in addition",)
    found = assess(known, {"findings": [{"name": "dry mouth", "state": "present"}]})
    shown = [line.text for line in explained.why_not(found.why_not("extent:2"), nights(), 1000)]
    assert "✗ needed: Signs: 2. — it does not hold" in shown  # and there is one: not that there is none
    with pytest.raises(CitelogError) as wrong:
        found.why_not("extent:two")
    assert wrong.value.remedy == "what follows extent: is a value of the type integer"
    with pytest.raises(CitelogError) as wrong:
        found.why_not("length:2")
    assert "extent" in wrong.value.remedy.removeprefix("the kinds are ").split(", ")


def test_of_what_is_counted_each_that_is_wanting_is_told(tmp_path: Path) -> None:
    found = assess(worries(tmp_path), {"labs": []}).why_not("advice:ASK_DOCTOR")
    shown = [line.text for line in explained.why_not(found, nights(), 1000)]
    wanting = {text for text in shown if text.startswith("✗ needed: ") and text.endswith("present. — not recorded")}
    assert wanting == {
        "✗ needed: Loud snoring: present. — not recorded",
        "✗ needed: Cola in the afternoon: present. — not recorded",
    }
