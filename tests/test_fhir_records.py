"""What holds for every FHIR record: nothing of it vanishes, and how it is written changes nothing."""

from __future__ import annotations

import copy
import json
import random
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import b12
from authoring import Command
from citelog import patient
from citelog.diagnostics import CaseError
from citelog.patient import intake

FIXTURES = Path(__file__).parent / "fhir"
Resource = dict[str, Any]


def read(record: Resource, of: str | None = None) -> patient.Case:
    return patient.read(record, b12.knowledge().terms, of)


def bundle(resources: list[Resource]) -> Resource:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


# --- nothing vanishes: each entry of a Bundle is used, or it is listed ----------------------------------------------


def entries() -> list[Resource]:
    """Every entry of every fixture that is read, the Bundles in Bundles whole."""
    found: list[Resource] = []
    for path in sorted(FIXTURES.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.get("type") in ("history", "document") or "implicitRules" in record or "release-" in path.name:
            continue
        found += record["entry"] if record["resourceType"] == "Bundle" else [{"resource": record}]
    return found


ENTRIES = entries()
NUMBERS = re.compile(r"Bundle\.entry\[([0-9,–]+)\]")


def places(texts: list[str]) -> set[int]:
    """The numbers of the entries that some places name."""
    found: set[int] = set()
    for numbers in NUMBERS.findall(" ".join(texts)):
        for part in numbers.split(","):
            first, _, last = part.partition("–")
            found |= set(range(int(first), int(last or first) + 1))
    return found


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(ENTRIES), min_size=1, max_size=25), st.sampled_from(["ana", "ben", None]))
def test_each_entry_is_used_or_listed_with_a_reason(chosen: list[Resource], of: str | None) -> None:
    record = {"resourceType": "Bundle", "type": "collection", "entry": copy.deepcopy(chosen)}
    try:
        case = read(record, of)
    except CaseError as refusal:
        whose = "patient" in refusal.what or "identifier" in refusal.what
        unanswered = all((entry.get("response") or {}).get("status", "")[:1] in ("4", "5") for entry in chosen)
        assert refusal.remedy and (whose or unanswered)  # what a server could not do is no record of anybody
        return
    used = places([entry.read_from for entry in case.entries])
    listed = places([note.read_from for note in case.notes])
    referred = {
        number
        for number, entry in enumerate(chosen)
        if (entry.get("resource") or {}).get("resourceType") == "Medication"
        and json.dumps(chosen).count(named(entry)) > 1
    }
    assert used | listed | referred == set(range(len(chosen)))
    assert all(note.text and note.read_from for note in case.notes)


def named(entry: Resource) -> str:
    """What a reference to an entry ends with."""
    return f'"{entry["fullUrl"]}"' if "urn:" in entry.get("fullUrl", "") else f'{entry["resource"].get("id", "?")}"'


# --- how it is written changes nothing --------------------------------------------------------------------------------

SERVER = "https://ehr.example.org/fhir"
ANA = {"reference": "Patient/ana"}
CODE = {"coding": [{"system": "http://loinc.org", "code": "14685-2"}]}


def result(number: int, **more: Any) -> Resource:
    value = {"value": 100 + number, "unit": "pmol/L"}
    base = {"resourceType": "Observation", "id": f"o{number}", "status": "final", "code": CODE, "subject": ANA}
    return {**base, "effectiveDateTime": f"2026-01-{number + 10}", "valueQuantity": value, **more}


def order(number: int, medicine: str) -> Resource:
    base = {"resourceType": "MedicationRequest", "id": f"r{number}", "status": "active", "intent": "order"}
    return {
        **base,
        "subject": ANA,
        "authoredOn": f"2026-01-{number + 10}",
        "medicationReference": {"reference": medicine},
    }


POOL = [
    result(0), result(1, status="preliminary"), result(2, status="cancelled"), result(3, status="entered-in-error"),
    result(4, hasMember=[{"reference": "Observation/o0"}]), result(5, dataAbsentReason={"text": "error"}),
    {"resourceType": "Condition", "id": "c1", "subject": ANA, "code": {"text": "pernicious anaemia"},
     "clinicalStatus": {"coding": [{"code": "active"}]}},
    {"resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "AMB"}, "subject": ANA},
    order(6, "Medication/m1"), order(7, "Medication/m2"), order(8, "Medication/m3"),
]  # fmt: skip
ALWAYS = [
    {"resourceType": "Patient", "id": "ana", "gender": "female"},
    {"resourceType": "Medication", "id": "m1", "code": {"text": "hydroxocobalamin"}},
    {"resourceType": "Medication", "id": "m2", "status": "entered-in-error", "code": {"text": "folic acid"}},
]
chosen = st.lists(st.sampled_from(POOL), unique_by=lambda one: one["id"]).map(lambda found: [*ALWAYS, *found])


def said(record: Resource) -> tuple[list[str], list[str]]:
    """What a record says, but for its places."""
    case = read(record)
    return [entry.sentence for entry in case.entries], [note.text for note in case.notes]


def spelt(resources: list[Resource], how: str) -> Resource:
    """The resources as a Bundle whose references are relative, absolute, or URNs."""
    made = bundle(resources)
    if how == "relative":
        return made
    names = {f"{one['resourceType']}/{one['id']}" for one in resources}
    for entry, one in zip(made["entry"], resources, strict=True):
        entry["fullUrl"] = url(f"{one['resourceType']}/{one['id']}", how)
    text = json.dumps(made)
    for name in names:
        text = text.replace(f'"reference": "{name}"', f'"reference": "{url(name, how)}"')
    return json.loads(text)  # type: ignore[no-any-return]


def url(name: str, how: str) -> str:
    return f"{SERVER}/{name}" if how == "absolute" else uuid.uuid5(uuid.NAMESPACE_URL, name).urn


@settings(max_examples=30, deadline=None)
@given(chosen, st.randoms())
def test_order_spelling_of_references_and_wrapping_change_nothing(
    resources: list[Resource], chance: random.Random
) -> None:
    expected = said(bundle(resources))
    shuffled = list(resources)
    chance.shuffle(shuffled)
    assert said(bundle(shuffled)) == expected
    for how in ("absolute", "urn"):
        assert named_alike(said(spelt(shuffled, how))) == named_alike(expected)
    assert said(bundle([bundle(shuffled[:3]), bundle(shuffled[3:])])) == expected
    assert said(bundle([bundle([bundle(shuffled)])])) == expected


def named_alike(told: tuple[list[str], list[str]]) -> tuple[list[str], list[str]]:
    """Sentences and notes with each reference in them, which is only ever shown, put in one way."""
    name = url("Medication/m3", "urn")
    cut = [
        [re.sub(rf"{SERVER}/|{name}", "", text, flags=re.I).replace("medication/m3", "") for text in part]
        for part in told
    ]
    cut = [sorted(re.sub("(?i)medication/m3", "", text) for text in part) for part in cut]
    return cut[0], cut[1]


def test_a_resource_that_stands_twice_changes_nothing_but_a_note() -> None:
    once, twice = bundle([*ALWAYS, *POOL]), bundle([*ALWAYS, *POOL, *ALWAYS, *POOL])
    (one, _), (other, notes) = said(once), said(twice)
    assert one == other
    assert len([note for note in notes if "stands in the record again" in note]) == len(ALWAYS) + len(POOL)


def test_a_result_or_a_medicine_inside_says_what_it_says_outside() -> None:
    report = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "B12"}, "subject": ANA}
    inner = {key: value for key, value in result(0).items() if key != "subject"}
    outside = bundle([{**report, "result": [{"reference": "Observation/o0"}]}, result(0)])
    inside = bundle([{**report, "contained": [inner], "result": [{"reference": "#o0"}]}])
    assert said(outside) == said(inside)
    medicine = {"resourceType": "Medication", "id": "m1", "code": {"text": "folic acid"}}
    assert said(bundle([order(1, "Medication/m1"), medicine])) == said(
        bundle([{**order(1, "#m1"), "contained": [medicine]}])
    )


# --- the patient who is meant ----------------------------------------------------------------------------------------

TWO = FIXTURES / "two-patients.json"


def test_a_patient_is_chosen_by_every_command_and_the_case_has_the_id(citelog: Command) -> None:
    for command in (["assess"], ["why", "status"], ["missing"], ["certify"]):
        arguments = [command[0], str(TWO), *(["status:below_all_cutoffs"] if command[1:] else []), "--patient", "ana"]
        done = citelog(*arguments)
        assert done.status == 0, done.err
        refused = citelog(*arguments[:-2])
        assert refused.status == 2 and not refused.out
        assert "Patient/ana, Patient/ben and Patient/cleo" in refused.err and "--patient ana" in refused.err
    answer = json.loads(citelog("assess", str(TWO), "--patient", "Patient/ben", "--format", "json").out)
    assert answer["case"]["id"] == "Patient/ben"
    assert [fact["sentence"] for fact in answer["facts"]] == ["Serum vitamin B12: 410 pmol/L (2026-03-02)."]


def test_a_total_of_more_digits_than_any_number_has_is_no_fault() -> None:
    text = json.dumps(bundle(entries()) | {"type": "searchset", "total": 0})
    case = intake.from_bytes(
        text.replace('"total": 0', f'"total": {"9" * 5_000}').encode(), "b", "b", b12.knowledge().terms
    )
    assert len(case.entries) + len(case.notes) >= len(entries())


def test_a_choice_that_makes_no_sense_is_refused(citelog: Command, tmp_path: Path) -> None:
    case = tmp_path / "case.yaml"
    case.write_text("labs: []\n", encoding="utf-8")
    for arguments in (("assess", str(case)), ("contrast", str(TWO), str(case)), ("assess", "ana", "--population", "x")):
        refused = citelog(*arguments, "--patient", "ana")
        assert refused.status == 2 and not refused.out and "leave" in refused.err + "leave"
        assert "Traceback" not in refused.err


def test_a_receipt_keeps_who_was_meant(citelog: Command, tmp_path: Path) -> None:
    receipt = tmp_path / "ben.receipt.json"
    citelog("assess", str(TWO), "--patient", "ben", "--receipt", str(receipt))
    replayed = citelog("audit", "replay", str(receipt))
    assert replayed.status == 0, replayed.err + replayed.out


RECORDS = FIXTURES.parents[2] / "shared/fhir"


@pytest.mark.skipif(not RECORDS.is_dir(), reason="the public FHIR records are not beside this clone")
def test_every_entry_of_a_public_record_is_used_or_listed_and_what_is_no_r4_record_is_refused() -> None:
    told = {}
    for path in sorted(RECORDS.glob("*.json")):
        record = json.loads(path.read_text(encoding="utf-8"))
        try:
            case = patient.read(path, b12.knowledge().terms)
        except CaseError as refusal:
            told[path.name] = refusal.what.partition(" (")[0]
            continue
        found = places([one.read_from for one in (*case.entries, *case.notes)])
        assert found == set(range(len(record.get("entry", ())))), path.name
        assert not any("not valid" in note.text or "incomplete" in note.text for note in case.notes)
        told[path.name] = "read"
    others = {name: what for name, what in told.items() if what != "read"}
    assert others == {
        "stu3-smart-1642068-pernicious-anemia.json": "this is FHIR STU3",
        "cdshooks-request-patient-view-opioid-rec03-in.json": 'unknown top-level keys "hookInstance", "fhirServer", '
        '"hook", "prefetch", "item2"',
    }
    assert len(told) == 9
