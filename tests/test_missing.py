"""What is missing: each value comes to what is said of it, and nothing that could change the answer is left out."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

import b12
import literate
import random_knowledge
from changed_records import (
    ANALYTES,
    DRUGS,
    OFTEN,
    PREFERENCES,
    STATES,
    VALUES,
    Record,
    divided,
    findings,
    fresh,
    ids,
    nights,
    random_record,
    signs,
    written,
)
from citelog.assess import Assessment, NotConcludedError, assess
from citelog.cli.app import main
from citelog.conclusions import Conclusion
from citelog.explain.missing import Item, Missing
from citelog.knowledge.base import Knowledge
from citelog.patient.changes import Add, Change, Drop, Set
from citelog.render import explained
from commits import at_each_commit
from test_schemas import form, problem

B12 = ANALYTES[0]


def answer(record: Record, at: str | None = None) -> Assessment:
    return assess(b12.knowledge(), record, at)


def item(found: Missing, name: str) -> Item:
    return next(one for one in found.items if one.text == name)


def text(found: Missing) -> str:
    return "\n".join(line.text for line in explained.missing(found, 1000))


def said(conclusion: Conclusion) -> tuple[object, ...]:
    return tuple(conclusion.details.get(key) for key in ("role", "step", "severity"))


def hold_good(found: Missing, record: Record, at: str | None, folder: Path, knowledge: Knowledge) -> None:
    """Each outcome is what a fresh assessment of the record with that value gives."""
    assert problem(form("missing"), found.to_dict()) == ""
    before = fresh(record, folder, at, knowledge)
    old = {c.id: c for c in before.conclusions}
    for one in found.items:
        for outcome in one.outcomes:
            if not outcome.changes:
                continue
            new = {c.id: c for c in fresh(written(record, outcome.changes), folder, at, knowledge).conclusions}
            if any("#" in id_ for id_ in (*old, *new)):
                continue  # numbers go by the words of the others
            assert {c.id for c in outcome.gained} == new.keys() - old.keys(), (one.text, outcome.value)
            assert {c.id for c in outcome.lost} == old.keys() - new.keys(), (one.text, outcome.value)
            otherwise = {id_ for id_ in old.keys() & new.keys() if said(old[id_]) != said(new[id_])}
            assert {a.id for a, _ in outcome.changed} == otherwise, (one.text, outcome.value)


def unrecorded(record: Record) -> Iterator[tuple[str, Change]]:
    """Every single thing that a record could say and does not, with what an item about it would be called."""
    terms = b12.knowledge().terms

    def named(list_: str, key: str) -> set[str]:
        return {str(entry[key]) for entry in record.get(list_, ())}

    for name in set(findings()) - named("findings", "name"):
        yield from ((name, Add("findings", name, (("state", state),))) for state in STATES)
    for analyte in set(ANALYTES) - named("labs", "analyte"):
        for unit in ("pmol/L", "ng/L"):
            yield from ((analyte, Add("labs", analyte, (("value", value), ("unit", unit)))) for value in VALUES)
    for drug in set(DRUGS) - named("medications", "name"):
        for keys in ((), (("course", "loading"),), (("route", "oral"),), (("frequency", OFTEN[0]),)):
            yield from ((drug, Add("medications", drug, (*keys, ("status", s)))) for s in ("current", "stopped"))
    for topic, value in PREFERENCES:
        if topic not in named("preferences", "topic"):
            yield topic, Add("preferences", topic, (("value", value),))
    keys_of = {
        "medications": {
            "course": ("loading",), "route": ("oral",), "frequency": OFTEN, "since": ("2020-01-01", "2026-03-10"),
        },
        "labs": {"flag": ("L",), "unit": ("pmol/L", "ng/L"), "when": ("2025-01-01", "2026-03-01")},
    }  # fmt: skip
    for list_, keys in keys_of.items():
        for index, entry in enumerate(record.get(list_, ())):
            for key, values in keys.items():
                if key not in entry:
                    yield from ((f"({list_}[{index}])", Set(f"{list_}[{index}]", key, value)) for value in values)
    for index, entry in enumerate(record.get("findings", ())):
        if entry["state"] == "unknown":
            term = terms.match("finding", entry["name"])
            assert term is not None
            yield from ((terms.label(term), Set(f"findings[{index}]", "state", state)) for state in STATES[:2])


def left_out(record: Record, at: str | None, most: int, seed: int = 0) -> list[str]:
    """Changes that change what is said of the patient although no item is about them."""
    before = answer(record, at)
    listed = " | ".join(one.text for one in before.missing().items)
    about = {kind.name for kind in b12.knowledge().kinds if kind.about_record}

    def of_the_patient(found: Assessment) -> set[tuple[object, ...]]:
        return {(c.kind, c.value, *said(c)) for c in found.conclusions if c.kind not in about}

    changes = sorted(unrecorded(record), key=str)
    chosen = random.Random(seed).sample(changes, min(most, len(changes)))
    return [
        str(change)
        for name, change in chosen
        if name not in listed and of_the_patient(answer(written(record, [change]), at)) != of_the_patient(before)
    ]


@pytest.mark.parametrize("seed", at_each_commit(range(8), every=4))
def test_every_outcome_is_what_an_assessment_of_the_record_with_it_gives(seed: int, tmp_path: Path) -> None:
    record, at = random_record(seed)
    hold_good(answer(record, at).missing(), record, at, tmp_path, b12.knowledge())


@pytest.mark.parametrize("seed", at_each_commit(range(4)))
def test_no_single_thing_that_would_change_the_answer_is_left_out(seed: int) -> None:
    record, at = random_record(seed)
    assert left_out(record, at, most=120, seed=seed) == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(100, 150))
def test_for_many_records_too_outcomes_are_true_and_nothing_is_left_out(seed: int, tmp_path: Path) -> None:
    record, at = random_record(seed)
    hold_good(answer(record, at).missing(), record, at, tmp_path, b12.knowledge())
    assert left_out(record, at, most=100_000) == []


# the ranges of a number


def test_the_ranges_of_a_number_meet_and_cover_every_value() -> None:
    ranges = [outcome.value for outcome in item(answer({}).missing(), B12).outcomes]
    assert ranges == [
        "from 0 to below 135 pg/mL", "from 135 to below 406 pg/mL", "from 406 pg/mL", "below 0 pg/mL",
        "from 0 to below 100 pmol/L", "from 100 to below 300 pmol/L", "from 300 pmol/L", "below 0 pmol/L",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "range_"),
    [
        ("-0.001", "below 0 pmol/L"), ("0", "from 0 to below 100 pmol/L"), ("99.999", "from 0 to below 100 pmol/L"),
        ("100", "from 100 to below 300 pmol/L"), ("100.000", "from 100 to below 300 pmol/L"),
        ("299.999", "from 100 to below 300 pmol/L"), ("300", "from 300 pmol/L"), ("1" + "0" * 30, "from 300 pmol/L"),
    ],
)  # fmt: skip
def test_a_value_at_the_end_of_a_range_comes_to_what_is_said_of_the_range(
    value: str, range_: str, tmp_path: Path
) -> None:
    record: Record = {"findings": [{"name": "fatigue", "state": "present"}]}
    before = answer(record)
    outcome = next(o for o in item(before.missing(), B12).outcomes if o.value == range_)
    lab = {"analyte": B12, "value": value, "unit": "pmol/L"}
    after = ids(fresh(record | {"labs": [lab]}, tmp_path))
    assert {c.id for c in outcome.gained} == after - ids(before)
    assert {c.id for c in outcome.lost} == ids(before) - after


LOADING: Record = {
    "findings": [
        {"name": "symptoms attributed to vitamin B12 deficiency", "state": "present"},
        {"name": "neurological involvement", "state": "absent"},
    ],
    "medications": [{"name": "hydroxocobalamin", "status": "current", "course": "loading"}],
}


@pytest.mark.parametrize(
    ("day", "step"), [("2026-04-01", "now"), ("2026-03-19", "now"), ("2026-03-18", "done"), ("2025-01-01", "done")]
)
def test_the_start_of_a_course_is_asked_for_with_the_day_on_which_the_answer_changes(
    day: str, step: str, tmp_path: Path
) -> None:
    found = answer(LOADING, "2026-04-01").missing()
    start = next(one for one in found.items if one.text.startswith("the start of"))
    assert [outcome.value for outcome in start.outcomes] == ["after 2026-03-18 up to 2026-04-01", "up to 2026-03-18"]
    record = written(LOADING, [Set("medications[0]", "since", day)])
    assert fresh(record, tmp_path, "2026-04-01").by_id["regimen:HYD-STD-LOAD"].details["step"] == step


def test_the_date_of_the_assessment_is_asked_for_with_every_day_on_which_the_answer_changes(tmp_path: Path) -> None:
    record = written(LOADING, [Set("medications[0]", "since", "2026-03-02")])
    day = item(answer(record).missing(), "the date of the assessment (--at)")
    assert [o.value for o in day.outcomes] == ["from 2026-03-02 to before 2026-03-16", "from 2026-03-16"]
    for at, step in (("2026-03-02", "now"), ("2026-03-15", "now"), ("2026-03-16", "done")):
        assert fresh(record, tmp_path, at).by_id["regimen:HYD-STD-LOAD"].details["step"] == step
    assert [len(fresh(record, tmp_path, at).notes) for at in ("2026-03-01", "2026-03-02")] == [1, 0]


# ranges of numbers and days, for small rules


def ruled(*rules: str, stated: str = random_knowledge.STATED) -> Knowledge:
    """A base of a few rules, that says all they derive."""
    drawn, wrong = random_knowledge.knowledge(rules)
    assert drawn, wrong
    facts = literate.facts(stated, literate.declared(random_knowledge.KNOWN))
    return replace(random_knowledge.answering(drawn), stated=dict.fromkeys(facts, ()), sha256=f"{rules} {stated}")


def ranges(found: Missing, name: str) -> dict[str, list[str]]:
    """What each range of an item gains."""
    return {o.value: [c.id for c in o.gained] for o in item(found, name).outcomes}


ENDED = (
    "t1(?p, ex:tired) :- medication(?p, ?r, ex:tablet), medication_since(?p, ?r, ?d, _), evaluation_day(?p, ?t), "
    "ex:days(ex:fe, ?k), ?t - ?d <= ?k"
)


def test_a_day_at_the_end_of_the_calendar_is_asked_about_like_any_other() -> None:
    """Records write 9999-12-31 for "no end", and a fortnight after it there is no day."""
    record: Record = {"medications": [{"name": "tablet", "status": "current", "since": "9999-12-20"}]}
    day = "the date of the assessment (--at)"
    assert ranges(assess(ruled(ENDED), record).missing(), day) == {"any day": ["t1:tired"]}
    record = {"medications": [{"name": "tablet", "status": "current"}]}
    start = "the start of “Tablet: current.” (medications[0])"
    assert ranges(assess(ruled(ENDED), record, "0001-01-05").missing(), start) == {"any day": ["t1:tired"]}


def limits(of: range) -> Knowledge:
    """A base of which one rule compares a result with every limit that statements give."""
    rule = "m1(?p, ?l) :- result(?p, ?r, ex:fe), result_value(?p, ?r, ?v), ex:low(_, ?l), ?v > ?l"
    return ruled(rule, stated="\n".join(f"ex:low(fe, {limit})" for limit in of))


def test_each_of_many_limits_that_one_rule_reads_ends_a_range() -> None:
    knowledge = limits(range(10, 210, 10))
    found = ranges(assess(knowledge, {}).missing(), "fe")
    between = [f"above {low} up to {low + 10}" for low in range(10, 200, 10)]
    assert {value: len(gained) for value, gained in found.items()} == {
        "up to 10": 0, **dict(zip(between, range(1, 20), strict=True)), "above 200": 20,
    }  # fmt: skip
    near = assess(knowledge, {}).why_not("m1:150").near[0]
    assert near.ranges == ("any recorded value above 150 and up to 160",)


def test_where_rules_tell_more_ranges_apart_than_are_tried_it_says_so() -> None:
    found = assess(limits(range(10, 600, 10)), {}).missing()
    assert not found.complete and "there were more to try" in text(found)
    assert ranges(found, "fe")["above 10 up to 20"] == ["m1:10"]


def test_of_two_limits_at_one_number_the_one_that_leaves_it_out_ends_the_range() -> None:
    rules = [
        f"t{n}(?p, ex:tired) :- result(?p, ?r, ex:fe), result_value(?p, ?r, ?v), ex:low(ex:fe, ?l), ?v {sign} ?l"
        for n, sign in ((1, ">"), (2, ">="))
    ]
    assert ranges(assess(ruled(*rules), {}).missing(), "fe") == {
        "below 30": [], "exactly 30": ["t2:tired"], "above 30": ["t1:tired", "t2:tired"],
    }  # fmt: skip


def test_two_entries_of_one_day_are_a_range_of_one_day() -> None:
    """What rules join compares as much as `=` does."""
    rule = (
        "t1(?p, ex:tired) :- entry(?p, ?r, ex:pale, _), recorded_when(?p, ?r, ?d, _), result(?p, ?q, ex:fe), "
        "recorded_when(?p, ?q, ?d, _)"
    )
    record: Record = {
        "labs": [{"analyte": "fe", "value": "1", "when": "2024-03-02"}],
        "findings": [{"name": "pale", "state": "present"}],
    }
    found = assess(ruled(rule), record, "2024-07-01").missing()
    assert ranges(found, "the date of “Pale: present.” (findings[0])") == {
        "after 2024-03-02": [], "on 2024-03-02": ["t1:tired"], "before 2024-03-02": [],
    }  # fmt: skip


def test_a_value_that_becomes_the_greatest_or_passes_another_begins_a_range() -> None:
    rules = (
        "m1(?p, #max(?v)) :- result(?p, ?r, ex:fe), result_value(?p, ?r, ?v)",
        "t1(?p, ex:tired) :- m1(?p, ?v), ex:low(ex:fe, ?l), ?v >= ?l",
        "t2(?p, ex:pale) :- result(?p, ?r, ex:fe), result_value(?p, ?r, ?v), result(?p, ?q, ex:hb), "
        "result_value(?p, ?q, ?w), ?v < ?w",
    )
    labs = [{"analyte": "fe", "value": "20"}, {"analyte": "hb", "value": "40"}, {"analyte": "fe", "value": "lost"}]
    found = assess(ruled(*rules), {"labs": labs}).missing()
    assert ranges(found, "the value of “Fe: lost.” (labs[2])") == {
        "below 20": [], "from 20 to below 30": [],
        "from 30 to below 40": ["t1:tired", "m1:30"], "from 40": ["t1:tired", "m1:40"],
    }  # fmt: skip


@pytest.mark.parametrize("over", ["resolved", "inactive", "in remission"])
def test_a_finding_of_which_only_entries_that_are_over_tell_is_asked_for_as_one_that_is_not_recorded(over: str) -> None:
    record = {"findings": [{"name": "symptoms attributed to vitamin B12 deficiency", "state": over}]}
    asked = item(answer(record).missing(), "symptoms attributed to vitamin B12 deficiency")
    assert (asked.state, [outcome.value for outcome in asked.outcomes]) == (
        "not recorded", ["present", "absent", "unknown"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("record", "asked"),
    [
        ({"labs": [{"analyte": B12, "value": "≥200", "unit": "pmol/L"}]}, B12),
        ({"labs": [{"analyte": B12, "value": v, "unit": "pmol/L", "when": "2026"} for v in ("80", "200")]}, B12),
        (
            {
                "labs": [{"analyte": B12, "value": "80", "unit": "pmol/L"}],
                "findings": [
                    {"name": "neurological involvement", "state": "absent", "when": "2026"},
                    {"name": "possible neurological involvement", "state": "present", "when": "2026-06"},
                ],
            },
            "neurological involvement",
        ),
    ],
)
def test_what_the_answer_itself_asks_for_is_an_item_also_where_an_entry_tells_of_it(
    record: Record, asked: str, tmp_path: Path
) -> None:
    found = answer(record).missing()
    assert f"open-question:{asked}" in ids(answer(record))
    assert found.items[0].text == asked or found.items[1].text == asked
    assert any(c.id == f"open-question:{asked}" for outcome in item(found, asked).outcomes for c in outcome.lost)
    hold_good(found, record, None, tmp_path, b12.knowledge())


def test_a_route_of_which_a_rule_asks_only_whether_it_is_recorded_is_tried_by_one_that_the_document_names() -> None:
    record = {"medications": [{"name": "cyanocobalamin", "status": "current", "frequency": "weekly"}]}
    route = item(answer(record).missing(), "the route of “Cyanocobalamin: weekly, current.” (medications[0])")
    gained = {outcome.value: {c.id for c in outcome.gained} for outcome in route.outcomes}
    assert set(gained) == {"oral", "intramuscular"}
    assert "treat:indicated" in gained["intramuscular"] - gained["oral"]


def test_the_laboratorys_flag_is_an_item_where_it_would_change_the_answer() -> None:
    record: Record = {
        "labs": [{"analyte": B12, "value": "350", "unit": "pmol/L"}],
        "findings": [{"name": "symptoms attributed to vitamin B12 deficiency", "state": "absent"}],
    }
    flag = next(one for one in answer(record).missing().items if "flag" in one.text)
    assert "treat:judgement" in [c.id for c in flag.outcomes[0].gained]


# of one conclusion


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.long)])
def test_a_conclusion_falls_without_an_entry_exactly_where_dropping_it_loses_the_conclusion(
    seed: int, tmp_path: Path
) -> None:
    record, at = random_record(seed)
    before = answer(record, at)
    for conclusion in before.conclusions[::4]:
        found = before.missing(conclusion.id)
        assert problem(form("missing"), found.to_dict()) == ""
        for one in found.depends:
            after = fresh(written(record, [Drop(one.entry.read_from)]), tmp_path, at)
            gone = conclusion.id.partition("#")[0] not in ids(after)
            if "#" not in conclusion.id:
                assert gone == (one.effect == "falls without it"), (conclusion.id, one)
            if one.effect == "idle":
                assert one.entry.id not in conclusion.facts


def test_of_one_conclusion_only_what_changes_it_is_listed() -> None:
    found = answer({}).missing("status:not_assessed")
    assert [one.text for one in found.items] == [B12]
    assert all(c.id == "status:not_assessed" for one in found.items for o in one.outcomes for c in o.lost)


def test_of_a_conclusion_that_was_not_reached_nothing_can_be_missing() -> None:
    with pytest.raises(NotConcludedError, match="treat:immediate was not concluded"):
        answer({}).missing("treat:immediate")


# the command, the forms, and records of other kinds


@pytest.mark.parametrize(
    ("of", "status"), [("status:not_assessed", 0), ("treat:immediate", 1), ("x", 2), ("\udcff", 2)]
)
def test_the_command_ends_as_it_should(of: str, status: int, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "case.yaml").write_text(yaml.safe_dump({"labs": []}))
    with pytest.raises(SystemExit) as ended:
        main(["missing", str(tmp_path / "case.yaml"), "--of", of, "--format", "json"])
    shown = capfd.readouterr()
    assert ended.value.code == status and bool(shown.out) == (status == 0)
    if shown.out:
        assert problem(form("missing"), json.loads(shown.out)) == ""


def test_the_order_of_the_lists_changes_nothing_but_paths() -> None:
    record, at = random_record(8)

    def shown(found: Missing) -> list[tuple[object, ...]]:
        return sorted((one.weight, [[c.id for c in o.gained] for o in one.outcomes]) for one in found.items)

    turned = {key: entries[::-1] for key, entries in record.items()}
    assert shown(answer(record, at).missing()) == shown(answer(turned, at).missing())


def test_a_record_that_means_harm_is_asked_like_any_other(tmp_path: Path) -> None:
    record: Record = {
        "labs": [{"analyte": B12, "value": "9" * 399, "unit": "pmol/L"}, {"analyte": B12, "value": "1e3"}],
        "findings": [{"name": "<script>", "state": "\u202eألم"}, {"name": "fatigue", "state": "?"}],
        "medications": [{"name": "hydroxocobalamin", "dose": "1000 µg", "frequency": "2–3", "status": "current"}],
    }  # fmt: skip
    found = answer(record).missing()
    hold_good(found, record, None, tmp_path, b12.knowledge())
    assert text(found)


def test_signs_that_count_bleedings_of_a_hierarchy_and_days_are_items_too(tmp_path: Path) -> None:
    knowledge = signs(tmp_path)
    record: Record = {
        "findings": [{"name": "fatigue", "state": "present"}],
        "labs": [{"analyte": "ferritin", "value": "50", "unit": "µg/L"}],
    }
    found = assess(knowledge, record, "2026-01-01").missing()
    hold_good(found, record, "2026-01-01", tmp_path, knowledge)
    texts = {one.text for one in found.items}
    assert {"headache", "pallor", "nosebleed", "bleeding ulcer", "bleeding of the gut", "transfusion"} <= texts
    date = next(one for one in found.items if one.text.startswith("the date of"))
    assert [o.value for o in date.outcomes] == ["from 2025-10-03", "before 2025-10-03"]
    level = item(assess(knowledge, {}).missing(), "serum ferritin")
    assert [o.value for o in level.outcomes] == ["below 30", "from 30 up to 300", "above 300"]


def test_an_entry_that_counts_only_with_a_date_is_tried_on_the_day_of_the_assessment(tmp_path: Path) -> None:
    """A night of the leaflet counts for fourteen days, in hours or in minutes: it says which units it has of no result,
    and so those are tried that its rules can do anything with."""
    leaflet, record = nights(), {"context": {"age_years": 9}}
    found = assess(leaflet, record, "2026-03-15").missing()
    hold_good(found, record, "2026-03-15", tmp_path, leaflet)
    night = item(found, "sleep of a night")
    day = "on 2026-03-15"
    assert [o.value for o in night.outcomes if "hours" in o.value] == [
        f"below 8 hours, {day}", f"from 8 to below 9 hours, {day}", f"from 9 hours, {day}"
    ]  # fmt: skip
    assert f"below 480 minutes, {day}" in [o.value for o in night.outcomes]
    undated = assess(leaflet, record).missing("night:NOT_KNOWN")
    assert undated.items == () and "--at" in text(undated)
    whole = assess(leaflet, record).missing()
    assert "sleep of a night" not in {one.text for one in whole.items} and "--at" in text(whole)
    assert "--at" not in text(found)


@pytest.mark.parametrize(("at", "day"), [(None, "2024-06-01"), ("2026-03-20", "2026-03-20")])
def test_a_value_that_changes_the_answer_only_if_it_is_later_than_others_is_told_with_a_date(
    at: str | None, day: str, tmp_path: Path
) -> None:
    """An absence without a date leaves a doubt of 2024 as it is; one that is recorded today does not."""
    record: Record = {
        "findings": [{"name": "possible neurological involvement", "state": "unknown", "when": "2024-05"}]
    }
    found = answer(record, at).missing()
    hold_good(found, record, at, tmp_path, b12.knowledge())
    present, absent, unknown = item(found, "neurological involvement").outcomes
    assert (present.value, absent.value, unknown.value) == ("present", f"absent, on {day}", "unknown")
    assert "neuro:absent" in {c.id for c in absent.gained} and unknown.is_idle


@pytest.mark.parametrize(("when", "day"), [({"when": "2024-01"}, "2026-03-20"), ({}, "2024-06-01")])
def test_what_is_recorded_as_unknown_is_settled_with_a_date_where_only_a_later_word_settles_it(
    when: Record, day: str, tmp_path: Path
) -> None:
    """An absence in place of the older doubt would leave the later one as it is."""
    at = day if when else None
    record: Record = {
        "findings": [
            {"name": "neurological involvement", "state": "unknown", **when},
            {"name": "possible neurological involvement", "state": "unknown", "when": "2024-05"},
        ]
    }
    found = answer(record, at).missing()
    hold_good(found, record, at, tmp_path, b12.knowledge())
    asked = item(found, "neurological involvement")
    assert asked.state == "recorded as unknown"
    assert [outcome.value for outcome in asked.outcomes] == ["present", f"absent, on {day}"]
    assert "neuro:absent" in {c.id for c in asked.outcomes[1].gained}


ABSENT: Record = {"name": "neurological involvement", "state": "absent"}
DOUBT: Record = {"name": "possible neurological involvement", "state": "unknown", "when": "2024-05"}
PRESENT: Record = {"name": "neurological involvement", "state": "present", "when": "2024-05-10"}


@pytest.mark.parametrize(
    ("entry", "other", "at", "state", "days"),
    [
        (ABSENT, DOUBT, None, "not recorded", {"after 2024-05-31": "2024-06-01", "up to 2024-05-31": "2024-05-31"}),
        (
            ABSENT | {"when": "last spring"}, DOUBT, "2026-01-01", "not usable",
            {"after 2024-05-31 up to 2026-01-01": "2024-06-01", "up to 2024-05-31": "2024-05-31"},
        ),
        (
            ABSENT | {"when": "2024"}, PRESENT, None, "not known to the day",
            {"after 2024-05-10": "2024-05-11", "on 2024-05-10": "2024-05-10", "before 2024-05-10": "2024-05-09"},
        ),
    ],
)  # fmt: skip
def test_a_date_that_the_record_does_not_give_is_asked_for_beside_those_of_other_names(
    entry: Record, other: Record, at: str | None, state: str, days: dict[str, str], tmp_path: Path
) -> None:
    record: Record = {"findings": [entry, other]}
    found = answer(record, at).missing()
    hold_good(found, record, at, tmp_path, b12.knowledge())
    date = next(one for one in found.items if one.text.startswith("the date of"))
    assert (date.state, [outcome.value for outcome in date.outcomes]) == (state, list(days))
    before = ids(answer(record, at))
    for outcome in date.outcomes:
        after = ids(fresh(written(record, [Set("findings[0]", "when", days[outcome.value])]), tmp_path, at))
        assert {c.id for c in outcome.gained} == after - before, outcome.value
        assert {c.id for c in outcome.lost} == before - after, outcome.value


def test_a_preference_that_is_no_choice_is_asked_for() -> None:
    record = written(LOADING, [Add("preferences", "route", (("value", "carrier pigeon"),))])
    asked = item(answer(record).missing(), "route preference")
    assert asked.state == "not usable"
    [oral] = [outcome for outcome in asked.outcomes if outcome.value == "oral"]
    assert "regimen:ORAL-HIGH" in {c.id for c in oral.gained}


def test_ranges_that_only_a_date_tells_apart_are_told_with_it() -> None:
    measured = "result(?p, ?r, ex:fe), result_value(?p, ?r, ?v)"
    knowledge = ruled(
        f"t1(?p, ex:tired) :- {measured}, recorded_when(?p, ?r, _, _), ex:low(ex:hb, ?l), ?v < ?l",
        f"t2(?p, ex:tired) :- {measured}, ex:low(ex:fe, ?l), ?v > ?l",
    )
    assert ranges(assess(knowledge, {}, "2024-07-01").missing(), "fe") == {
        "above 30": ["t2:tired"], "below 12, on 2024-07-01": ["t1:tired"], "from 12 up to 30, on 2024-07-01": [],
    }  # fmt: skip


@pytest.mark.long
def test_a_record_of_three_thousand_entries_is_answered_in_time() -> None:
    record: Record = {
        "labs": [
            {"analyte": B12, "value": str(i), "unit": "pmol/L", "when": f"{1990 + i % 30}-01-11"} for i in range(1000)
        ],
        "findings": [{"name": f"no. {i}", "state": "present"} for i in range(1000)],
        "medications": [{"name": "folic acid", "dose": f"{i} mg", "status": "stopped"} for i in range(1000)],
    }  # fmt: skip
    before = answer(record)
    for of in (None, before.conclusions[0].id):
        began = time.thread_time()
        found = before.missing(of)
        assert time.thread_time() - began < 120
        assert not found.complete and "very long" in text(found)
        assert problem(form("missing"), found.to_dict()) == ""


# what the answer itself asks for comes first, also where the record says something that settles nothing


def loading(**medicine: str) -> Record:
    return {
        "labs": [{"analyte": B12, "value": 200}],
        "findings": [
            {"name": "symptoms attributed to vitamin B12 deficiency", "state": "absent"},
            {"name": "neurological involvement", "state": "absent"},
        ],
        "medications": [{"name": "hydroxocobalamin", "status": "current", "route": "intramuscular", **medicine}],
    }


@pytest.mark.parametrize(("since", "state"), [("2026-03", "not known to the day"), ("last month", "not usable")])
def test_a_start_that_settles_nothing_is_asked_for_by_the_day(since: str, state: str) -> None:
    found = answer(loading(course="loading", since=since), "2026-04-05").missing()
    [start] = [one for one in found.items[:2] if one.text.startswith("the start of ")]
    assert start.state == state
    assert [outcome.value for outcome in start.outcomes] == ["after 2026-03-22 up to 2026-04-05", "up to 2026-03-22"]


def test_a_start_on_a_day_is_not_asked_for() -> None:
    found = answer(loading(course="loading", since="2026-03-01"), "2026-04-05").missing()
    assert not [one for one in found.items if one.text.startswith("the start of ")]


def test_a_unit_that_is_asked_for_comes_before_what_more_hangs_on() -> None:
    first, second, *_ = answer(loading(course="loading", since="2026-03-01")).missing().items
    assert first.text.startswith("the unit of ") and second.text.startswith("the date of the assessment")


def test_a_course_and_a_frequency_that_cannot_be_read_are_asked_for() -> None:
    found = answer(loading(course="initial", frequency="when needed")).missing()
    wanting = {one.text.partition(" of ")[0]: one.state for one in found.items if "Hydroxocobalamin" in one.text}
    assert wanting == {"the course": "not usable", "the frequency": "not usable"}


def test_a_value_with_which_there_would_be_no_answer_says_so(tmp_path: Path) -> None:
    found = assess(divided(tmp_path), {"findings": [{"name": "cola in the afternoon", "state": "present"}]}).missing()
    [present] = [one for one in item(found, "yawning in lessons").outcomes if one.unanswered]
    told = "the rules gave 2 conclusions of the kind night, not one, to"
    assert present.value == "present" and present.unanswered.startswith(told) and present.is_idle is False
    assert f"present\n      no answer would be given: {told}" in text(found)
    document = json.loads(json.dumps(found.to_dict()))
    assert problem(form("missing"), document) == ""


def test_a_conclusion_falls_without_what_an_answer_needs(tmp_path: Path) -> None:
    record: Record = {
        "findings": [{"name": "yawning in lessons", "state": "present"}],
        "labs": [{"analyte": "night", "value": 7, "unit": "h", "when": "2026-03-08"}],
        "context": {"age_years": 9},
    }
    sound = assess(divided(tmp_path), record, "2026-03-08")
    falls = {one.entry.sentence for one in sound.missing("night:SHORT").depends if one.effect == "falls without it"}
    assert falls == {"Sleep of a night: 7 hours (2026-03-08).", "Age in years: 9."}
