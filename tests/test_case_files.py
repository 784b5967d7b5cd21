"""Case files: what is read, what is refused and in which words, and what may not depend on how a file is written."""

from __future__ import annotations

import datetime
import gzip
import hashlib
import io
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citelog import patient
from citelog.diagnostics import CaseError
from citelog.patient.reading import DEEPEST, LARGEST
from patient_terms import TERMS, kb

EXAMPLE = """\
id: example-1
labs:
  - {analyte: serum ferritin, value: 80, unit: µg/L, when: 2026-03-02, flag: L}
findings:
  - {name: fatigue, state: present}
  - {name: neurological involvement, state: absent}
medications:
  - {name: folic acid, dose: 5 mg, frequency: daily, status: current, since: 2026-01-05}
preferences:
  - {topic: route, value: oral}
expect:
  include: ["status:low"]
"""


def write(folder: Path, text: str | bytes, name: str = "case.yaml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def sentences(case: patient.Case) -> list[str]:
    return [entry.sentence for entry in case.entries]


def refusal(source: Any) -> CaseError:
    with pytest.raises(CaseError) as caught:
        patient.read(source, TERMS)
    assert caught.value.where and caught.value.what and caught.value.remedy, "a refusal says where, what, and what next"
    return caught.value


# --- what is read ------------------------------------------------------------------------------------------------


def test_every_entry_becomes_a_fact_with_a_sentence_and_its_place(tmp_path: Path) -> None:
    case = patient.read(write(tmp_path, EXAMPLE), TERMS)
    assert case.id == "example-1"
    assert [(entry.id, entry.sentence, entry.read_from) for entry in case.entries] == [
        ("f1", "Serum ferritin: 80 µg/L (2026-03-02), flag L.", "labs[0]"),
        ("f2", "Fatigue: present.", "findings[0]"),
        ("f3", "Neurological involvement: absent.", "findings[1]"),
        ("f4", "Folic acid: 5 mg, daily, current, since 2026-01-05.", "medications[0]"),
        ("f5", "Route preference: oral.", "preferences[0]"),
    ]
    assert case.notes == ()
    assert case.expect == patient.Expectation(include=("status:low",))


def test_yaml_json_and_a_parsed_case_say_the_same(tmp_path: Path) -> None:
    tree = {
        "id": "one",
        "labs": [{"analyte": "serum ferritin", "value": 80, "unit": "µg/L", "when": datetime.date(2026, 3, 2)}],
        "findings": [{"name": "fatigue", "state": "present"}],
    }
    flow = """{id: one, labs: [{analyte: serum ferritin, value: 80, unit: µg/L, when: 2026-03-02}],
        findings: [{name: fatigue, state: present}]}"""
    cases = [
        patient.read(tree, TERMS),
        patient.read(write(tmp_path, json.dumps(tree, default=str), "one.json"), TERMS),
        patient.read(write(tmp_path, flow), TERMS),
        patient.read(write(tmp_path, "\ufeff" + flow, "bom.yaml"), TERMS),
    ]
    assert {(case.id, case.entries, case.records, case.notes) for case in map(hashable, cases)} == {
        (cases[0].id, hashable(cases[0]).entries, hashable(cases[0]).records, ())
    }


def hashable(case: patient.Case) -> patient.Case:
    """The case with nothing but sentences and terms in its entries, which a set can hold."""
    return patient.Case(
        case.id,
        "",
        entries=tuple((e.id, e.sentence, e.term, e.record) for e in case.entries),  # type: ignore[arg-type, misc]
        records=tuple((r.iri, len(r.entries)) for r in case.records),  # type: ignore[arg-type, misc]
        notes=case.notes,
    )


def test_standard_input_is_read_as_a_case_called_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"findings: [{name: fatigue, state: present}]")))
    assert patient.read("-", TERMS).id == "stdin"


def test_a_case_without_an_id_takes_its_files_name(tmp_path: Path) -> None:
    assert patient.read(write(tmp_path, "labs: []", "ward-7.yaml"), TERMS).id == "ward-7"
    assert patient.read({"labs": []}, TERMS).id == "case"


def test_the_hash_is_that_of_the_bytes_or_of_the_canonical_json(tmp_path: Path) -> None:
    path = write(tmp_path, EXAMPLE)
    assert patient.read(path, TERMS).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    canonical = hashlib.sha256(b'{"id":"a","labs":null}').hexdigest()
    assert patient.read({"id": "a", "labs": None}, TERMS).sha256 == canonical
    assert patient.read({"labs": None, "id": "a"}, TERMS).sha256 == canonical


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1.10", "1.10, no unit"),
        ("010", "010, no unit"),
        ("no", "no"),
        ("8:30", "8:30"),
        ("2026-03-02", "2026-03-02"),
        ('"<50"', "<50, no unit"),
        ("≤ 100", "≤ 100, no unit"),
        ("12,5", "12,5"),
        ("80 pmol/L", "“80 pmol/L”, no unit"),  # the unit is a part of the value, and no result of 80 pmol/L
        ("haemolysed", "haemolysed"),
        ("true", "true"),
        (".inf", ".inf"),
        ("~", "no value recorded"),
        ('""', "no value recorded"),
        ("{low: 1, high: 2}", '{"low":1,"high":2}'),
        ("[80]", "[80]"),
        ("9" * 450, "9" * 450),
    ],
)
def test_a_value_is_shown_exactly_as_it_is_written(tmp_path: Path, written: str, said: str) -> None:
    case = patient.read(write(tmp_path, f"labs:\n  - analyte: serum ferritin\n    value: {written}\n"), TERMS)
    assert sentences(case) == [f"Serum ferritin: {said}."]


def test_without_its_c_library_yaml_reads_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, EXAMPLE + "context: {smoker: no, pregnant: false, age_years: 71, note: 'true', none: ~}\n")
    fast = patient.read(path, TERMS)
    monkeypatch.delattr("yaml.CSafeLoader", raising=False)
    assert patient.read(path, TERMS) == fast
    assert fast.context == {"smoker": "no", "pregnant": False, "age_years": "71", "note": "true"}


def test_a_number_in_yamls_or_jsons_own_notation_is_that_number(tmp_path: Path) -> None:
    case = patient.read(write(tmp_path, '{"labs": [{"analyte": "ferritin", "value": 1.20e2}]}'), TERMS)
    assert sentences(case) == ["Serum ferritin: 120, no unit."]


def test_names_match_whatever_their_case_by_label_other_label_or_code() -> None:
    names = ("Serum  FERRITIN", "ferritin", "loinc:2276-4", "LOINC:2276-4")
    case = patient.read({"labs": [{"analyte": name, "value": 80} for name in names]}, TERMS)
    assert {entry.term for entry in case.entries} == {kb("ferritin")}
    assert len(case.records) == 1, "four spellings of one result are one record"


# --- what may not depend on how a file is written -----------------------------------------------------------------

LINES: list[tuple[str, dict[str, Any]]] = [
    ("labs", {"analyte": "serum ferritin", "value": 80, "unit": "µg/L"}),
    ("labs", {"analyte": "SERUM FERRITIN", "value": "80", "unit": "ug / l"}),
    ("labs", {"analyte": "serum ferritin", "value": "<80", "unit": "mmol/L", "colour": "red"}),
    ("labs", {"analyte": "ferritine", "value": 80, "when": "lately"}),
    ("findings", {"name": "fatigue", "state": "present", "when": "2025"}),
    ("findings", {"name": "fatigue", "state": "resolved"}),
    ("findings", {"name": "neurological involvement", "state": "entered in error"}),
    ("conditions", {"name": "fatigue", "state": "present", "when": "2025"}),
    ("medications", {"name": "folic acid", "frequency": "every 2–3 months", "route": "PO", "status": "current"}),
    ("medications", {"name": "folic acid", "status": "perhaps"}),
    ("preferences", {"topic": "injections", "value": "declined"}),
]


@given(st.lists(st.sampled_from(LINES), max_size=9), st.randoms(use_true_random=False))
def test_the_order_of_the_lists_changes_nothing_but_hash_ids_and_places(
    lines: list[tuple[str, dict[str, Any]]], shuffle: random.Random
) -> None:
    def said(rows: list[tuple[str, dict[str, Any]]]) -> object:
        tree: dict[str, Any] = {}
        for name, row in rows:
            tree.setdefault(name, []).append(row)
        case = patient.read(tree, TERMS)
        return (
            [(entry.id, entry.sentence, entry.record) for entry in case.entries],
            [note.text for note in case.notes],
            patient.facts(case, TERMS),
        )

    shuffled = list(lines)
    shuffle.shuffle(shuffled)
    assert said(lines) == said(shuffled)


def test_equal_entries_are_one_record_and_both_stay_facts() -> None:
    rows = [{"name": "fatigue", "state": "present"}, {"name": "Fatigue", "state": "PRESENT"}]
    case = patient.read({"findings": [*rows, {"name": "fatigue", "state": "absent"}]}, TERMS)
    assert sentences(case) == ["Fatigue: absent.", "Fatigue: present.", "Fatigue: present."]
    assert [[entry.id for entry in record.entries] for record in case.records] == [["f1"], ["f2", "f3"]]


def test_the_same_words_in_findings_and_in_conditions_are_two_records() -> None:
    row = {"name": "fatigue", "state": "present"}
    case = patient.read({"findings": [row], "conditions": [row]}, TERMS)
    assert len(case.records) == 2 and len({entry.term for entry in case.entries}) == 1


def test_true_and_the_text_true_are_two_different_values() -> None:
    case = patient.read(
        {"labs": [{"analyte": "ferritin", "value": True}, {"analyte": "ferritin", "value": "true"}]}, TERMS
    )
    assert len(case.records) == 2


# --- what is refused ---------------------------------------------------------------------------------------------


def bomb() -> str:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        pytest.param("", "empty", id="an empty file"),
        pytest.param("  \n\n", "empty", id="a file of blanks"),
        pytest.param("# nothing but a comment\n", "empty", id="a file of comments"),
        pytest.param("[1, 2]", "a list", id="a list"),
        pytest.param("- labs\n- findings\n", "a list", id="a YAML list"),
        pytest.param("hello", "a single value", id="a word"),
        pytest.param("42", "a single value", id="a number"),
        pytest.param("labs: [", "not YAML", id="neither YAML nor JSON"),
        pytest.param('{"labs": [}', "not JSON", id="broken JSON"),
        pytest.param('{"id": "a"}\n{"id": "b"}', "not JSON", id="two JSON documents"),
        pytest.param("id: a\n---\nid: b\n", "second YAML document", id="two YAML documents"),
        pytest.param("labz: []", 'unknown top-level key "labz"', id="an unknown top-level key"),
        pytest.param("id: a\nid: b\n", "stands twice", id="a key that stands twice"),
        pytest.param('{"id": "a", "id": "b"}', "stands twice", id="a JSON key that stands twice"),
        pytest.param("id: !!python/object/apply:os.system ['true']", "tag", id="a YAML tag"),
        pytest.param("id: !!str 5", "tag", id="a harmless YAML tag"),
        pytest.param("id: &x five", "anchors", id="a YAML anchor"),
        pytest.param(bomb(), "anchors", id="an alias bomb"),
        pytest.param("? [a, b]\n: c\n", "where a key should be", id="a list for a key"),
        pytest.param("labs: " + "[" * 5000 + "]" * 5000, "nested deeper", id="deep YAML"),
        pytest.param('{"labs": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested deeper", id="deep JSON"),
        pytest.param('{"labs": ' + "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1) + "}", "nested deeper", id="rather deep"),
        pytest.param("labs: [" + "a," * 300_000 + "]", "more than", id="too many values"),
        pytest.param('{"labs": [' + "1," * 1_100_000 + "1]}", "more than", id="too many JSON values"),
        pytest.param(b"id: caf\xe9\n", "not UTF-8", id="Latin-1"),
        pytest.param("id: a\n".encode("utf-16"), "UTF-8", id="UTF-16"),
        pytest.param(b"id: a\x00b\n", "U+0000", id="a NUL"),
        pytest.param(b"id: \x1b[31mred\n", "U+001B", id="an escape sequence"),
        pytest.param('{"id": "a\\u001b[31m"}', "U+001B", id="an escape sequence in a JSON escape"),
        pytest.param('{"id": "a\\ud800"}', "U+D800", id="half a character"),
        pytest.param("labs: {analyte: ferritin}", "a mapping, not a list", id="an entry where a list belongs"),
        pytest.param("labs: none", "a single value, not a list", id="a word where a list belongs"),
        pytest.param("id: [a]", "a list, not text", id="a list for an id"),
        pytest.param("context: old", "not a mapping", id="a word for the context"),
        pytest.param("expect: {includes: []}", 'unknown key "includes"', id="a misspelt expectation"),
        pytest.param("expect: [a]", "a list, not a mapping", id="a list of expectations"),
        pytest.param("expect: {include: status:low}", "not a list of conclusion ids", id="one expected conclusion"),
        pytest.param("expect: {steps: {LOAD: ' '}}", "not what stands beside", id="a step that is no word"),
        pytest.param("expect: {cites: [G01]}", "not a list of statements", id="citations of no conclusion"),
        pytest.param("labs:" + "".join(f"\n{' ' * i}- " for i in range(1, 200)), "nested deeper", id="deep lists"),
        pytest.param("{labs: &all [], findings: *all}", "anchors and aliases", id="an alias in braces"),
        pytest.param("<Bundle/>", "looks like XML", id="XML"),
        pytest.param('<?xml version="1.0"?>\n<Bundle><id value="a"/></Bundle>', "looks like XML", id="FHIR in XML"),
        pytest.param("labs:\n  - {analyte: x, value: >100}\n", "not YAML", id="an unquoted bound"),
        pytest.param("findings: [{name, state: present}]", '"name" has no value', id="a key alone in braces"),
        pytest.param(gzip.compress(b"labs: []"), "compressed (gzip)", id="a compressed file"),
        pytest.param('{"resourceType": "Bundle", "entry": [{"reso', "ends before it is complete", id="a cut string"),
        pytest.param('{"resourceType": "Bundle", "entry": [{"a": 1}', "ends before it is complete", id="a cut list"),
        pytest.param('{"resourceType": "Bundle", "id"', "ends before it is complete", id="a cut object"),
    ],
)
def test_what_is_no_case_is_refused_with_place_and_remedy(tmp_path: Path, text: str | bytes, what: str) -> None:
    path = write(tmp_path, text)
    error = refusal(path)
    assert what in error.what
    assert error.where.startswith(str(path))


def test_a_misspelt_key_is_answered_with_the_nearest_one() -> None:
    assert refusal({"medication": []}).remedy == "did you mean medications?"


def test_a_broken_line_is_named_by_its_number(tmp_path: Path) -> None:
    path = write(tmp_path, "id: a\nlabs: []\nlabs: []\n")
    assert refusal(path).where == f"{path}:3"


def test_an_unknown_key_is_named_by_its_line_where_it_stands_there_once(tmp_path: Path) -> None:
    for text, line in (
        ("id: a\nlabz: []\n", ":2"),
        ("labs: []\nexpect:\n  includes: []\n", ":3: expect"),
        ('{\n "id": "a",\n "labz": []\n}', ":3"),
        ("labz: []\nfindings: [{name: x, labz: y}]\n", ""),  # nothing is guessed
        ("labz: []", ""),
    ):
        path = write(tmp_path, text)
        assert refusal(path).where == f"{path}{line}", text


def test_an_unquoted_bound_is_answered_with_quotes(tmp_path: Path) -> None:
    assert '">100"' in refusal(write(tmp_path, "labs:\n  - {analyte: x, value: >100}\n")).remedy


def test_a_tab_in_front_of_a_line_is_answered_with_blanks(tmp_path: Path) -> None:
    assert refusal(write(tmp_path, "labs:\n\t- {analyte: x}\n")).remedy == "indent with blanks: a tab begins the line"


@pytest.mark.parametrize(
    ("recorded", "split"),
    [
        ("value: 1,234", '"1,234" would be read as "1"'),  # a high level, which must not become a low one
        ("value: 95,5", '"95,5" would be read as "95"'),
        ("value: '95',5", '"95,5" would be read as "95"'),
        ("value: 1,234 # with a remark: this one\n   ", '"1,234" would be read as "1"'),
        ("value: 80, flag: low, repeat", '"low,repeat" would be read as "low"'),
    ],
)
def test_a_comma_within_braces_does_not_shorten_a_value(tmp_path: Path, recorded: str, split: str) -> None:
    """YAML ends a value there and takes the rest for a key without a value: a thousandth would be read, or a tenth."""
    path = write(tmp_path, f"labs:\n  - {{analyte: 𝔵, {recorded}, unit: pg/mL}}\n")
    error = refusal(path)
    assert error.what == f"within {{ }} the comma ends the value: {split}"
    assert "quotes" in error.remedy and error.where.startswith(f"{path}:")


def test_a_key_whose_value_is_left_open_is_read_as_before(tmp_path: Path) -> None:
    path = write(
        tmp_path, "labs:\n  - {analyte: x, value: , unit: , flag: L}\n  - analyte: y\n    value:\n    unit: g/L\n"
    )
    first, second = patient.read(path, TERMS).entries
    assert (dict(first.keys), dict(second.keys)) == ({"flag": "L"}, {"unit": "g/L"})


def test_a_path_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "nowhere.yaml").what
    assert refusal("no\0where").what


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path).what


def test_a_file_of_200_mb_is_refused_without_being_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 200_000_000)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("opened"))
    assert "larger than" in refusal(path).what


def test_a_stream_without_an_end_is_refused_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self.given += len(buffer)
            assert self.given <= LARGEST + 1_000_000
            buffer[:] = b" " * len(buffer)
            return len(buffer)

    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    assert "larger than" in refusal("-").what


def test_a_parsed_case_is_distrusted_like_a_file() -> None:
    endless: dict[str, Any] = {}
    endless["context"] = endless
    assert "nested deeper" in refusal(endless).what
    assert "type set" in refusal({"labs": {1}}).what
    assert "not text" in refusal({1: []}).what
    assert "thousand digits" in refusal({"id": 10**2000}).what


# --- a bad item never stops the rest -----------------------------------------------------------------------------


def test_what_is_no_entry_is_noted_and_the_rest_is_read() -> None:
    case = patient.read({"findings": ["fatigue", ["fatigue"], None, {"name": "fatigue", "state": "present"}]}, TERMS)
    assert sentences(case) == ["Fatigue: present."]
    assert [(note.text, note.read_from) for note in case.notes] == [
        ('An item of findings that is a list and no entry is not read: ["fatigue"].', "findings[1]"),
        ('An item of findings that is a single value and no entry is not read: "fatigue".', "findings[0]"),
        ("An item of findings that is empty and no entry is not read: null.", "findings[2]"),
    ]


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["fatigue", "oral"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=8)
            | st.sampled_from(["name", "analyte", "value", "unit", "state", "when", "topic", "status"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
_keys = st.sampled_from(["labs", "findings", "conditions", "medications", "preferences", "context", "id"])


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_keys, _json | st.lists(_json, max_size=4), max_size=5))
def test_any_document_is_read_or_refused_and_nothing_vanishes(tree: dict[str, Any]) -> None:
    try:
        case = patient.read(tree, TERMS)
    except CaseError:
        return
    patient.facts(case, TERMS)
    places = {entry.read_from for entry in case.entries} | {note.read_from for note in case.notes}
    for name in ("labs", "findings", "conditions", "medications", "preferences"):
        for index in range(len(tree.get(name) or ())):
            assert f"{name}[{index}]" in places


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    stream = io.TextIOWrapper(io.BytesIO(data))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", stream)
        try:
            patient.read("-", TERMS)
        except CaseError as error:
            assert error.remedy
