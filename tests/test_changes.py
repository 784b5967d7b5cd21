"""Changes of a record as people write them: what each does, and what is refused, with where, what and what to try."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

import b12
from changed_records import Record, as_options, fresh, ids, written
from citelog import patient
from citelog.assess import Assessment, assess
from citelog.cli.app import main
from citelog.diagnostics import CaseError
from citelog.patient.case import Case
from citelog.patient.changes import Add, Change, Drop, Set, apply, merged
from citelog.patient.written import check, parse_add, parse_drop, parse_set

RECORD: Record = {
    "labs": [{"analyte": "serum vitamin B12", "value": "80", "unit": "pmol/L", "when": "2026-03-02"}],
    "findings": [
        {"name": "symptoms attributed to vitamin B12 deficiency", "state": "present"},
        {"name": "neurological involvement", "state": "absent"},
    ],
    "medications": [{"name": "folic acid", "dose": "5 mg", "status": "current"}],
    "context": {"age_years": "71"},
}


def case(record: Record = RECORD) -> Case:
    return patient.read(record, b12.knowledge().terms)


def asked(record: Record = RECORD) -> Assessment:
    return assess(b12.knowledge(), record)


def parsed(option: str, text: str) -> list[Change]:
    if option == "--add":
        return list(parse_add(text, b12.knowledge().terms))
    return [parse_set(text, case()) if option == "--set" else parse_drop(text, case())]


@pytest.mark.parametrize(
    ("option", "text", "change"),
    [
        ("--set", "labs[0].value=120", Set("labs[0]", "value", "120")),
        ("--set", "labs[0].value=1.2e2", Set("labs[0]", "value", "120")),
        ("--set", "labs[0].value=1.10", Set("labs[0]", "value", "1.10")),
        ("--set", "labs[0].value=>400", Set("labs[0]", "value", ">400")),
        ("--set", "labs[0].value='<50'", Set("labs[0]", "value", "<50")),
        ("--set", "labs[0].value=a=b", Set("labs[0]", "value", "a=b")),
        ("--set", " labs[0].unit = µg/L", Set("labs[0]", "unit", "µg/L")),
        ("--set", "labs[0].flag=L", Set("labs[0]", "flag", "L")),
        ("--set", "labs[0].analyte=serum folate", Set("labs[0]", "analyte", "serum folate")),
        ("--set", "findings[0].name=<script>1</script>", Set("findings[0]", "name", "<script>1</script>")),
        ("--set", "findings[0].name=ألم", Set("findings[0]", "name", "ألم")),
        ("--set", "context.age_years=20", Set("context", "age_years", "20")),
        ("--set", "context.weight=20", Set("context", "weight", "20")),
        ("--drop", "labs[0]", Drop("labs[0]")),
        ("--drop", "labs[0].unit", Drop("labs[0]", "unit")),
        ("--drop", "context.age_years", Drop("context", "age_years")),
        ("--add", "findings: {name: fatigue, state: absent}", Add("findings", "fatigue", (("state", "absent"),))),
        ("--add", "findings: [{name: fatigue, state: absent}]", Add("findings", "fatigue", (("state", "absent"),))),
        ("--add", '{"name": "fatigue", "state": "absent"}', Add("findings", "fatigue", (("state", "absent"),))),
        ("--add", "{name: folic acid, dose: 5 mg}", Add("medications", "folic acid", (("dose", "5 mg"),))),
        ("--add", "{analyte: anything, value: 3}", Add("labs", "anything", (("value", "3"),))),
        ("--add", "{topic: route, value: oral}", Add("preferences", "route", (("value", "oral"),))),
    ],
)  # fmt: skip
def test_a_change_is_what_was_written(option: str, text: str, change: Change) -> None:
    assert parsed(option, text) == [change]


def test_several_entries_can_be_added_at_once() -> None:
    added = parsed("--add", "labs: [{analyte: serum folate, value: 3}]\nfindings: [{name: fatigue}, {name: fatigue}]")
    assert [change.list for change in added if isinstance(change, Add)] == ["labs", "findings", "findings"]


@pytest.mark.parametrize(
    ("option", "text", "what", "remedy"),
    [
        ("--set", "labs[9].value=3", "the record has no such entry", "did you mean labs[0]?"),
        ("--set", "labs[-1].value=3", "the record has no such entry", "did you mean labs[0]?"),
        ("--set", "labs[0].valeu=3", 'nothing reads "valeu" of labs', "did you mean value?"),
        ("--set", "labs[0].value.x=3", 'nothing reads "value.x" of labs', "did you mean value?"),
        ("--set", "labs[0]=3", "labs[0] is a whole entry", "name the key to set, as in labs[0].value"),
        ("--set", "labs[0].value=", "there is no value behind the =", "write --drop labs[0].value"),
        ("--set", "labs[0].value", "this is no PATH=VALUE", "--set 'labs[0].value=120'"),
        ("--set", "=3", "the record has no such entry", "it has findings[0]"),
        ("--set", "context=3", "the record has no such entry", "it has findings[0]"),
        ("--set", "labs[0].value=\x1b[2J", "the character U+001B may not stand in a record", "remove it"),
        ("--set", "labs[0].value=\udcff", "the character U+DCFF may not stand in a record", "remove it"),
        ("--drop", "labs[0].flag", 'labs[0] has no "flag"', "it has unit, value, when"),
        ("--drop", "labs[1]", "the record has no such entry", "did you mean labs[0]?"),
        ("--drop", "context.sex", 'context has no "sex"', "it has age_years"),
        ("--drop", "context.", 'context has no ""', "it has age_years"),
        ("--drop", "", "the record has no such entry", "it has findings[0]"),
        ("--add", "findings: {name: x, stat: present}", 'nothing reads "stat" of findings', "did you mean state?"),
        ("--add", "findings: []", "there is no entry in it", "findings: {name: …, state: present}"),
        ("--add", "findings: [fatigue]", "an item of findings that is no entry", "findings: {name: …}"),
        ("--add", "findings: {state: present}", "the entry names nothing", "give it name: …"),
        ("--add", "{name: nonesuch}", 'it is not plain which list "nonesuch" belongs to', "name the list before it"),
        ("--add", "{state: present}", "the entry names nothing", "name the list before it"),
        ("--add", "[1, 2]", "this is no entry", "findings: {name: …, state: present}"),
        ("--add", "{labs: {analyte: x}, finding: {}}", '"finding" is no list of a case', "did you mean findings?"),
        ("--add", "{a: b: c}", "not JSON", "correct that line"),
        ("--add", "!!python/object:os.system {name: x}", "is not read", "remove the tag"),
        ("--add", "&a {name: *a}", "anchors and aliases", "write the value out"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_is_refused_with_what_to_try(option: str, text: str, what: str, remedy: str) -> None:
    with pytest.raises(CaseError) as refused:
        parsed(option, text)
    message = str(refused.value)
    assert message.startswith(option) and what in message and remedy in message
    assert message.isprintable() or message.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    "texts",
    [
        ("--set", "labs[0].value=3", "--set", "labs[0].value=400"),
        ("--set", "labs[0].value=3", "--drop", "labs[0]"),
        ("--set", "labs[0].value=3", "--drop", "labs[0].value"),
        ("--drop", "labs[0]", "--drop", "labs[0]"),
    ],
)
def test_two_changes_of_the_same_thing_are_refused_in_either_order(texts: tuple[str, str, str, str]) -> None:
    one, other = parsed(texts[0], texts[1]) + parsed(texts[2], texts[3])
    for changes in ((one, other), (other, one)):
        with pytest.raises(CaseError, match=r"labs\[0\](\.value)? is changed twice"):
            asked().what_if(*changes)


def test_changes_of_different_keys_and_equal_additions_go_together() -> None:
    check(
        [Set("labs[0]", "value", "1"), Set("labs[0]", "unit", "ng/L"), Set("labs[1]", "value", "1"), Drop("labs[10]")]
    )
    fatigue = Add("findings", "fatigue", ())
    check([fatigue, fatigue])


SEVERAL = (
    "--set labs[0].value=350 --set labs[0].unit=ng/L --drop findings[0] --drop medications[0].dose "
    "--add '{name: fatigue}'"
)


def test_the_order_of_changes_means_nothing(tmp_path: Path) -> None:
    changes = as_options(SEVERAL, case())
    expected = fresh(written(RECORD, changes), tmp_path)
    for order in itertools.permutations(changes):
        after = asked().again(apply(case(), order, b12.knowledge().terms))
        assert [c.to_dict() for c in after.conclusions] == [c.to_dict() for c in expected.conclusions]


def test_paths_are_those_of_the_record_as_it_is_although_another_entry_is_dropped(tmp_path: Path) -> None:
    changes = as_options("--drop findings[0] --set findings[1].state=present", case())
    after = asked().what_if(*changes).after
    assert "neuro:present" in ids(after) and "symptomatic:not_recorded" in ids(after)
    assert ids(after) == ids(fresh(written(RECORD, changes), tmp_path))


words = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cn"]), min_size=1, max_size=20)


@given(words, words)
@example("d3_50000", "1000 µg")
@example("2–3", "-0.50")
@example("true", "null")
@example("'", '"')
@example("a: {b}", "# no comment, [x]")
@example("\u202eألم", "https://example.org/#a=b&c=d")
@settings(deadline=None, max_examples=60)
def test_a_change_written_as_an_option_is_read_as_the_same_change(name: str, value: str) -> None:
    name, value = " ".join(name.split()), " ".join(value.split())
    if name and value:
        added = Add("medications", name, (("dose", value),))
        assert as_options(str(added), case()) == [added]
    if (
        value and value.lower() not in ("null", "~", "true", "false") and value[0] not in "\"'"
    ):  # a case file reads no text there
        changed = Set("labs[0]", "unit", value)
        assert as_options(str(changed), case()) == [changed]


def test_a_value_is_kept_to_the_last_character(tmp_path: Path) -> None:
    for value in ("d3_50000", "1000 µg", "2–3", "-0.50", "https://example.org/#x", "\u202eألم", "<script>"):
        changes = as_options(str(Set("medications[0]", "dose", value)), case())
        told = asked().what_if(*changes)
        assert value in told.told[0]
        assert [e.sentence for e in told.after.case.entries] == [
            e.sentence for e in fresh(written(RECORD, changes), tmp_path).case.entries
        ]


def test_merged_changes_come_to_the_same_as_the_changes_one_after_the_other() -> None:
    start = case()
    first: tuple[Change, ...] = (Add("findings", "fatigue", (("state", "present"),)), Set("labs[0]", "value", "3"))
    then: tuple[Change, ...] = (
        Set("findings[2]", "state", "absent"),
        Set("labs[0]", "value", "4"),
        Drop("findings[0]"),
    )
    both = merged(start, first, then)
    assert both == (
        Add("findings", "fatigue", (("state", "absent"),)),
        Set("labs[0]", "value", "4"),
        Drop("findings[0]"),
    )
    terms = b12.knowledge().terms
    assert apply(start, both, terms).records == apply(start, (*first, *then), terms).records
    assert merged(start, first, (Drop("findings[2]"),)) == (Set("labs[0]", "value", "3"),)


BUNDLE: Record = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {
            "resource": {
                "resourceType": "Observation", "status": "final", "code": {"text": "serum vitamin B12"},
                "valueQuantity": {"value": 80, "unit": "pmol/L"},
            }
        },
        {
            "resource": {
                "resourceType": "Condition", "subject": {"display": "x"}, "code": {"text": "pernicious anaemia"},
            }
        },
    ],
}  # fmt: skip


def test_a_fhir_record_is_changed_by_the_places_that_its_assessment_shows() -> None:
    before = asked(BUNDLE)
    places = {entry.name: entry.read_from for entry in before.case.entries}
    assert "status:below_all_cutoffs" in ids(before)
    path = places["serum vitamin B12"]
    changes = as_options(f"--set '{path}.value=350' --drop '{places['pernicious anaemia']}'", before.case)
    after = before.what_if(*changes).after
    assert "status:above_all_cutoffs" in ids(after) and len(after.case.entries) == 1
    near = before.why_not("status:within_debated_cutoffs").near[0]
    assert as_options(" ".join(map(str, near.changes)), before.case) == list(near.changes)


@pytest.mark.parametrize("text", ["labs[9].value=3", "labs[0].value=\x1b", "labs[0].value=" + "9" * 500 + "\x07"])
def test_a_bad_change_ends_with_status_2_and_nothing_on_standard_output(
    text: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "case.yaml").write_text(yaml.safe_dump(RECORD))
    with pytest.raises(SystemExit) as ended:
        main(["what-if", str(tmp_path / "case.yaml"), "--set", text])
    shown = capfd.readouterr()
    assert ended.value.code == 2 and shown.out == ""
    assert shown.err.startswith("--set") and len(shown.err) < 500 and "\x1b" not in shown.err
