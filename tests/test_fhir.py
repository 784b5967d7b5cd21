"""FHIR R4 records: each resource as the line that a case file would have, and what is refused or noted instead."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from citelog import patient
from citelog.diagnostics import CaseError
from patient_terms import TERMS, kb

RECORDS = Path(__file__).parents[2] / "shared/fhir"
needs_records = pytest.mark.skipif(not RECORDS.is_dir(), reason="the public FHIR records are not beside this clone")

LOINC, SNOMED, RXNORM = "http://loinc.org", "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"


def coded(system: str, code: str, text: str = "") -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})}


def observation(**elements: Any) -> dict[str, Any]:
    base = {"resourceType": "Observation", "status": "final", "code": coded(LOINC, "2276-4")}
    return {**base, "subject": {"reference": "Patient/p1"}, **elements}


def quantity(value: Any, code: str = "ug/L", **more: Any) -> dict[str, Any]:
    return {"value": value, "unit": code, "system": UCUM, "code": code, **more}


def condition(verification: str | None = "confirmed", clinical: str | None = "active", **more: Any) -> dict[str, Any]:
    statuses = {"verificationStatus": verification, "clinicalStatus": clinical}
    return {
        "resourceType": "Condition",
        "subject": {"reference": "Patient/p1"},
        "code": {"text": "coeliac disease"},
        **{key: {"coding": [{"code": code}]} for key, code in statuses.items() if code},
        **more,
    }


def request(**elements: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "medicationCodeableConcept": coded(RXNORM, "4511", "Folic acid"),
        **elements,
    }


def statement(**elements: Any) -> dict[str, Any]:
    base = {key: value for key, value in request().items() if key != "intent"}
    return {**base, "resourceType": "MedicationStatement", **elements}


def procedure(status: str, **elements: Any) -> dict[str, Any]:
    base = {"resourceType": "Procedure", "status": status, "code": {"text": "gastric bypass"}}
    return {**base, "subject": {"reference": "Patient/p1"}, **elements}


def bundle(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries, **more}


def read(*resources: dict[str, Any]) -> patient.Case:
    return patient.read(resources[0] if len(resources) == 1 else bundle(*resources), TERMS)


def said(*resources: dict[str, Any]) -> list[str]:
    return [entry.sentence for entry in read(*resources).entries]


def notes(*resources: dict[str, Any]) -> list[str]:
    return [note.text for note in read(*resources).notes]


def facts(*resources: dict[str, Any]) -> list[str]:
    return [str(atom) for atom, record in patient.facts(read(*resources), TERMS) if record]


def refusal(source: Any) -> CaseError:
    with pytest.raises(CaseError) as caught:
        patient.read(source, TERMS)
    assert caught.value.remedy
    return caught.value


# --- a FHIR record says what the case file of the same patient says -------------------------------------------------

YAML = {
    "id": "p1",
    "labs": [
        {"analyte": "serum ferritin", "value": "80", "unit": "µg/L", "when": "2026-03-02", "flag": "L"},
        {"analyte": "C-reactive protein", "value": "<5.0", "unit": "mg/L"},
        {"analyte": "serum ferritin", "value": "haemolysed"},
        {"analyte": "serum ferritin"},
        {"analyte": "Body height", "value": "170.0", "unit": "cm"},
    ],
    "findings": [
        {"name": "fatigue", "state": "present"},
        {"name": "neurological involvement", "state": "absent", "when": "2026-03"},
        {"name": "neurological involvement", "state": "unknown"},
    ],
    "conditions": [
        {"name": "coeliac disease", "state": "present", "when": "2019"},
        {"name": "coeliac disease", "state": "resolved"},
        {"name": "gastric bypass", "state": "present", "when": "2015-06-01"},
    ],
    "medications": [
        {"name": "folic acid", "dose": "5 mg", "route": "oral", "frequency": "daily", "status": "current",
         "since": "2026-01-05"},
        {"name": "iron", "dose": "100–200 mg", "frequency": "every 2–3 days", "status": "completed", "when": "2025"},
    ],
    "context": {"sex": "female"},
}  # fmt: skip

FHIR = bundle(
    {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1955-01-01"},
    observation(
        valueQuantity=quantity(80),
        effectiveDateTime="2026-03-02T08:30:00+02:00",
        interpretation=[coded("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "L")],
    ),
    observation(code={"text": "c-reactive PROTEIN"}, valueQuantity=quantity(5.0, "mg/L", comparator="<")),
    observation(valueString="haemolysed"),
    observation(dataAbsentReason={"text": "not performed"}),
    observation(code={"text": "Body height"}, valueQuantity=quantity(170.0, "cm")),
    observation(code=coded(SNOMED, "84229001"), valueBoolean=True),
    observation(code={"text": "Neurological involvement"}, valueBoolean=False, effectiveDateTime="2026-03"),
    observation(code={"text": "Neurological involvement"}, dataAbsentReason={"text": "unknown"}),
    condition(code=coded(SNOMED, "396331005"), onsetDateTime="2019"),
    condition(clinical="resolved"),
    procedure("completed", performedDateTime="2015-06-01"),
    request(
        dosageInstruction=[
            {
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d",
                                      "boundsPeriod": {"start": "2026-01-05"}}},
                "route": coded(SNOMED, "26643006", "Oral route"),
                "doseAndRate": [{"doseQuantity": quantity(5, "mg")}],
            }
        ]
    ),
    statement(
        status="completed",
        medicationCodeableConcept={"text": "iron"},
        dateAsserted="2025",
        dosage=[
            {
                "timing": {"repeat": {"period": 2, "periodMax": 3, "periodUnit": "d"}},
                "doseAndRate": [{"doseRange": {"low": quantity(100, "mg"), "high": quantity(200, "mg")}}],
            }
        ],
    ),
)  # fmt: skip


def test_a_bundle_and_the_case_file_of_the_same_patient_agree_in_all_but_hash_and_places() -> None:
    one, other = patient.read(YAML, TERMS), patient.read(FHIR, TERMS)
    assert [entry.sentence for entry in one.entries] == [entry.sentence for entry in other.entries]
    why_none = 'Observation "2276-4" has no value: not performed.'  # FHIR says why, and a case file cannot
    assert [note.text for note in one.notes] == [note.text for note in other.notes if note.text != why_none]
    assert [(r.iri, len(r.entries)) for r in one.records] == [(r.iri, len(r.entries)) for r in other.records]
    assert one.context == other.context
    differing = {str(atom) for atom, _ in patient.facts(one, TERMS)} ^ {
        str(atom) for atom, _ in patient.facts(other, TERMS)
    }
    assert differing == set()


def test_the_place_of_an_entry_is_its_path_in_the_record() -> None:
    case = patient.read(FHIR, TERMS)
    assert {entry.read_from for entry in case.entries} == {f"Bundle.entry[{n}].resource" for n in range(1, 14)}
    assert read(observation(valueQuantity=quantity(80))).entries[0].read_from == "Observation"


def test_the_same_record_as_a_file_says_the_same(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps(FHIR))
    assert [e.sentence for e in patient.read(path, TERMS).entries] == [
        e.sentence for e in patient.read(FHIR, TERMS).entries
    ]


def test_a_fhir_record_is_called_by_its_file_as_a_case_file_without_an_id_is(tmp_path: Path) -> None:
    path = tmp_path / "ward-7.json"
    path.write_text(json.dumps(observation()))
    assert patient.read(path, TERMS).id == "ward-7"
    assert patient.read(FHIR, TERMS).id == "case"


# --- observations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("elements", "sentence"),
    [
        ({"valueQuantity": quantity(80)}, "Serum ferritin: 80 µg/L."),
        ({"valueQuantity": quantity(80, comparator=">=")}, "Serum ferritin: >=80 µg/L."),
        ({"valueQuantity": {"value": 80, "unit": "ug/L"}}, "Serum ferritin: 80 µg/L."),
        ({"valueQuantity": {"value": 80}}, "Serum ferritin: 80, no unit."),
        ({"valueQuantity": {"unit": "ug/L"}}, "Serum ferritin: no value recorded, unit µg/L."),
        ({"valueQuantity": quantity(80, "mmol/L", unit="ug/L")}, "Serum ferritin: 80 mmol/L, printed as ug/L."),
        ({"valueQuantity": quantity(80, "X1", system="http://local", unit="ug/L")}, "Serum ferritin: 80 µg/L."),
        ({"valueInteger": 80}, "Serum ferritin: 80, no unit."),
        ({"valueString": "see comment"}, "Serum ferritin: see comment."),
        ({"valueCodeableConcept": {"text": "low"}}, "Serum ferritin: low."),
        ({"valueBoolean": True}, "Serum ferritin: true."),
        ({"valueRange": {"low": {"value": 1}}}, "Serum ferritin: range from 1."),
        ({}, "Serum ferritin: no value recorded."),
        ({"valueQuantity": quantity(80), "status": "preliminary"}, "Serum ferritin: 80 µg/L."),
        ({"valueQuantity": quantity(80), "issued": "2026-03-02T08:30:00Z"}, "Serum ferritin: 80 µg/L (2026-03-02)."),
        (
            {"valueQuantity": quantity(80), "effectivePeriod": {"start": "2026-03-01", "end": "2026-03-02"}},
            "Serum ferritin: 80 µg/L (2026-03-01/2026-03-02).",
        ),
    ],
)
def test_a_laboratory_result_keeps_its_value_as_recorded(elements: dict[str, Any], sentence: str) -> None:
    assert said(observation(**elements)) == [sentence]


def test_a_value_with_a_reason_for_its_absence_is_no_number() -> None:
    both = observation(valueQuantity=quantity(80), dataAbsentReason={"text": "error"})
    assert said(both) == ["Serum ferritin: 80 (error) µg/L."]
    assert any("result_unreadable" in fact for fact in facts(both))


@pytest.mark.parametrize(
    ("elements", "state"),
    [
        ({"valueBoolean": True}, "present"),
        ({"valueBoolean": False}, "absent"),
        ({"dataAbsentReason": {"text": "asked but unknown"}}, "unknown"),
        ({"valueCodeableConcept": {"text": "Present"}}, "present"),
        ({"valueString": "absent"}, "absent"),
    ],
)
def test_an_observation_of_a_finding_says_its_state(elements: dict[str, Any], state: str) -> None:
    resource = observation(code={"text": "fatigue"}, **elements)
    assert said(resource) == [f"Fatigue: {state}."]
    assert notes(resource) == []


@pytest.mark.parametrize("elements", [{}, {"valueString": "maybe"}, {"valueQuantity": {"value": 1}}])
def test_an_observation_of_a_finding_that_says_no_state_is_unknown_with_a_note(elements: dict[str, Any]) -> None:
    resource = observation(code={"text": "fatigue"}, **elements)
    assert facts(resource)[0].endswith("fatigue, unknown)")
    assert len(notes(resource)) == 1


YES, NO = {"system": SNOMED, "code": "373066001"}, {"system": SNOMED, "code": "373067005"}


@pytest.mark.parametrize(
    ("concept", "told"),
    [
        ({"coding": [NO, YES], "text": "absent"}, "absent and present"),
        ({"coding": [NO | {"display": "Absent"}, YES | {"display": "Present"}]}, "absent and present"),
        ({"coding": [NO], "text": "Present"}, "absent and present"),
        ({"coding": [NO], "text": "yes"}, "absent and present"),
        ({"coding": [NO], "text": "unknown"}, "absent and unknown"),
        ({"coding": [{"code": "a", "display": "Absent"}, {"code": "b", "display": "Present"}]}, "absent and present"),
    ],
)
def test_codes_and_words_that_contradict_each_other_say_no_state_of_a_finding(
    concept: dict[str, Any], told: str
) -> None:
    resource = observation(code={"text": "fatigue"}, valueCodeableConcept=concept)
    assert facts(resource)[0].endswith("fatigue, unknown)")
    assert notes(resource) == [
        f'Fatigue: {told}. The state "{told}" counts as unknown: write present, absent or unknown.'
    ]


@pytest.mark.parametrize("concept", [{"coding": [NO], "text": "No"}, {"coding": [NO], "text": "Not seen in the ward"}])
def test_words_that_say_the_same_or_no_state_leave_a_code_as_it_is(concept: dict[str, Any]) -> None:
    assert said(observation(code={"text": "fatigue"}, valueCodeableConcept=concept)) == ["Fatigue: absent."]


def test_components_are_read_each_and_the_panel_itself_is_not() -> None:
    panel = observation(
        code={"text": "iron panel"},
        effectiveDateTime="2026-03-02",
        component=[
            {"code": coded(LOINC, "2276-4"), "valueQuantity": quantity(80)},
            {"code": {"text": "fatigue"}, "dataAbsentReason": {"text": "unknown"}},
        ],
    )
    case = read(panel)
    assert [(entry.sentence, entry.read_from) for entry in case.entries] == [
        ("Serum ferritin: 80 µg/L (2026-03-02).", "Observation.component[0]"),
        ("Fatigue: unknown (2026-03-02).", "Observation.component[1]"),
    ]


def test_what_was_entered_in_error_or_cancelled_is_no_fact_and_is_noted() -> None:
    wrong = observation(valueQuantity=quantity(80), status="entered-in-error")
    assert read(wrong).entries == ()
    assert notes(wrong) == ["Serum ferritin: 80 µg/L. Left out: it was entered in error."]
    assert notes(observation(code={"text": "Serum ferritin"}, status="cancelled")) == [
        'Observation "Serum ferritin" is not read: its status is cancelled, so there is no result.'
    ]
    assert notes(condition("entered-in-error", None)) == [
        "Coeliac disease: entered in error. Left out: it was entered in error."
    ]
    assert read(request(status="entered-in-error")).entries == ()


@pytest.mark.parametrize(
    ("concept", "flag"),
    [
        (coded("x", "L"), "L"),
        (coded("x", "LL"), "LL"),
        ({"text": "Below low normal"}, "Below low normal"),
        ({"coding": [{"code": "LU", "display": "Significantly low"}]}, "Significantly low"),
        (coded("x", "H"), "H"),
    ],
)
def test_an_interpretation_is_the_laboratorys_flag(concept: dict[str, Any], flag: str) -> None:
    assert said(observation(valueQuantity=quantity(80), interpretation=[concept])) == [
        f"Serum ferritin: 80 µg/L, flag {flag}."
    ]


def test_of_several_interpretations_the_low_one_stands_first() -> None:
    flags = [coded("x", "A"), coded("x", "L")]
    assert said(observation(interpretation=flags)) == ["Serum ferritin: no value recorded, flag L, A."]


def test_a_text_names_a_resource_only_where_no_code_does() -> None:
    assert read(observation(code=coded(LOINC, "2276-4", "C-reactive protein"))).entries[0].term == kb("ferritin")
    assert read(observation(code=coded(LOINC, "0000-0", "C-reactive protein"))).entries[0].term == kb("crp")
    assert read(observation(code={"coding": [{"system": "x", "code": "2276-4"}]})).entries[0].term is None


@pytest.mark.parametrize(
    ("coding", "stands"),
    [
        ({"system": "http://loinc.org/"}, 'as one of "http://loinc.org/"'),
        ({"system": "LN"}, 'as one of "LN"'),
        ({"system": "2.16.840.1.113883.6.1"}, 'as one of "2.16.840.1.113883.6.1"'),
        ({}, "without a system"),
    ],
)
def test_a_code_that_is_not_read_for_its_system_is_told_with_what_it_would_be(
    coding: dict[str, str], stands: str
) -> None:
    """It said only that nothing is known as "2276-4", which is the very code that the knowledge base has."""
    told = observation(code={"coding": [{**coding, "code": "2276-4"}]}, valueQuantity=quantity(80))
    what = f"The code 2276-4 stands {stands}, and is not read: of {LOINC} it would be serum ferritin."
    assert what in notes(told)
    assert read(told).entries[0].term is None
    beside = observation(code={"coding": [{**coding, "code": "2276-4"}], "text": "serum ferritin"})
    assert notes(beside) == [], "it is known by its words"
    local = observation(code=coded("http://lab.example.org", "2276-4"))
    assert [note for note in notes(local) if "would be" in note] == []


def test_a_code_without_a_system_that_several_systems_have_is_told_once() -> None:
    told = notes(condition(code={"coding": [{"code": "K90.0"}]}))
    assert [note for note in told if "would be" in note] == [
        "The code K90.0 stands without a system, and is not read: "
        "of http://hl7.org/fhir/sid/icd-10 it would be coeliac disease."
    ]


def test_a_medication_that_did_not_come_along_is_asked_for_where_nothing_else_names_it() -> None:
    gone = {**request(id="m"), "medicationReference": {"reference": "Medication/9"}}
    del gone["medicationCodeableConcept"]
    told = 'MedicationRequest "Medication/9" refers to a Medication that is not plainly in the record: send it along.'
    assert told in notes(gone)
    named = {**gone, "medicationReference": {"reference": "Medication/9", "display": "folic acid"}}
    along = {"resourceType": "Medication", "id": "9", "code": {"text": "folic acid"}}
    assert not any("send it along" in note for note in [*notes(named), *notes(gone, along)])


def test_what_a_document_or_a_list_names_and_the_record_does_not_hold_is_told() -> None:
    """A problem list whose conditions did not come along was called read where they stand."""
    named = [{"reference": reference} for reference in ("Condition/here", "Condition/gone", "urn:uuid:9", "#in")]
    section = {"title": "Problems", "section": [{"entry": [*named, {"reference": "Encounter/e"}]}]}
    composition = {"resourceType": "Composition", "status": "final", "section": [section, {"entry": [named[1]]}]}
    listed = {"resourceType": "List", "status": "current", "entry": [{"item": one} for one in named[:2]]}
    here = condition(id="here")
    told = "not here, such as Condition/gone: the record may be incomplete."
    assert f"The Composition names 2 resources that are {told}" in notes(composition, here)
    assert f"The List names 1 resource that is {told}" in notes(listed, here)
    whole = {**listed, "entry": [{"item": named[0]}]}
    assert not any("incomplete" in note for note in notes(whole, here))


def test_a_code_that_counts_although_the_words_name_another_thing_is_noted() -> None:
    resource = observation(code=coded(LOINC, "2276-4", "C-reactive protein"), valueQuantity=quantity(80))
    assert notes(resource) == [
        "Serum ferritin: 80 µg/L. Its code names that, its words name C-reactive protein: the code counts."
    ]
    assert notes(observation(code=coded(LOINC, "2276-4", "Ferritin, in blood"), valueQuantity=quantity(80))) == []


def test_codes_that_name_two_different_things_name_none_and_the_note_says_which() -> None:
    codings = [{"system": LOINC, "code": "2276-4"}, {"system": LOINC, "code": "1988-5"}]
    both = observation(code={"coding": codings, "text": "serum ferritin"}, valueQuantity=quantity(80))
    assert read(both).entries == ()
    assert notes(both) == [
        "Serum ferritin: 80 µg/L. Not used: its codes name different things, C-reactive protein and serum ferritin."
    ]


def test_a_unit_that_is_coded_and_printed_differently_is_neither_of_the_two() -> None:
    both = observation(valueQuantity=quantity(80, "ug/L", unit="mg/L"))
    assert said(both) == ["Serum ferritin: 80 ug/L, printed as mg/L."]
    assert any("ug/L as its code, mg/L in words" in note for note in notes(both))
    assert not any("ug-per-L" in fact or "mg-per-L" in fact for fact in facts(both))
    assert said(observation(valueQuantity=quantity(80, "ug/L", unit="µg/L"))) == ["Serum ferritin: 80 µg/L."]
    unknown = observation(valueQuantity=quantity(80, "ug/L", unit="mmol/L"))
    assert said(unknown) == ["Serum ferritin: 80 ug/L, printed as mmol/L."]
    assert not any("ug-per-L" in fact for fact in facts(unknown)), "the knowledge base knows no mmol/L"


def test_a_panel_that_has_only_members_gets_a_note() -> None:
    panel = observation(code={"text": "iron panel"}, hasMember=[{"reference": "Observation/1"}])
    member = observation(id="1", valueQuantity=quantity(80))
    assert notes(panel, member) == [
        'Observation "iron panel" has no result of its own, only members. Its members are read where they stand.'
    ]
    wrong = notes({**panel, "status": "entered-in-error"})
    assert len(wrong) == 1 and "Left out: it was entered in error" in wrong[0]


# --- conditions and procedures -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verification", "clinical", "state", "is_noted"),
    [
        ("confirmed", "active", "present", False),
        (None, "active", "present", False),
        ("confirmed", "recurrence", "present", False),
        ("confirmed", "relapse", "present", False),
        ("refuted", None, "absent", False),
        ("refuted", "active", "absent", False),
        ("unconfirmed", "active", "unknown", False),
        ("provisional", "active", "unknown", False),
        ("differential", None, "unknown", False),
        ("confirmed", "resolved", "resolved", True),
        ("confirmed", "inactive", "inactive", True),
        (None, "remission", "in remission", True),
        ("provisional", "resolved", "resolved", True),
        ("confirmed", None, "state not recorded", True),
        (None, None, "state not recorded", True),
        ("confirmed", "who knows", "who knows", True),
        ("who knows", "active", "who knows", True),
    ],
)
def test_a_condition_is_what_its_two_statuses_say_together(
    verification: str | None, clinical: str | None, state: str, is_noted: bool
) -> None:
    resource = condition(verification, clinical)
    assert said(resource) == [f"Coeliac disease: {state}."]
    assert bool(notes(resource)) is is_noted


def test_a_condition_that_has_ended_is_not_present() -> None:
    assert said(condition(None, None, abatementDateTime="2020")) == ["Coeliac disease: resolved."]
    assert facts(condition(abatementDateTime="2020"))[0].endswith("coeliac, unknown)")


def test_a_condition_is_of_the_day_it_was_recorded_else_of_its_onset() -> None:
    assert said(condition(recordedDate="2020-01-02", onsetDateTime="2010")) == [
        "Coeliac disease: present (2020-01-02)."
    ]
    assert said(condition(onsetDateTime="2010")) == ["Coeliac disease: present (2010)."]


def test_a_procedure_that_was_done_is_present_and_one_that_was_not_is_not_absent() -> None:
    assert said(procedure("completed", performedDateTime="2015")) == ["Gastric bypass: present (2015)."]
    assert said(procedure("not-done")) == []
    assert "was not done" in notes(procedure("not-done"))[0]
    assert facts(procedure("in-progress"))[0].endswith("bypass, unknown)")


# --- medicines ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "intent", "shown"),
    [
        ("active", "order", "current"),
        ("active", "plan", "planned"),
        ("active", "proposal", "planned"),
        ("stopped", "plan", "stopped"),
        ("on-hold", "order", "on hold"),
        ("completed", "order", "completed"),
        ("cancelled", "order", "cancelled"),
        ("draft", "order", "draft"),
        ("unknown", "order", "unknown"),
    ],
)
def test_the_status_of_a_request(status: str, intent: str, shown: str) -> None:
    assert said(request(status=status, intent=intent)) == [f"Folic acid: {shown}."]


@pytest.mark.parametrize(
    ("status", "shown"), [("active", "current"), ("intended", "intended"), ("not-taken", "not-taken")]
)
def test_the_status_of_a_statement(status: str, shown: str) -> None:
    assert said(statement(status=status)) == [f"Folic acid: {shown}."]


def test_a_request_not_to_give_a_medicine_is_no_medicine() -> None:
    assert said(request(doNotPerform=True)) == []
    assert notes(request(doNotPerform=True)) == ['MedicationRequest "Folic acid" says not to give it, and is not read.']


def repeat(**elements: Any) -> dict[str, Any]:
    return {"timing": {"repeat": elements}}


@pytest.mark.parametrize(
    ("dosage", "phrase", "meant"),
    [
        (repeat(frequency=1, period=1, periodUnit="d"), "daily", "1, 1, day"),
        (repeat(frequency=2, period=1, periodUnit="d"), "twice a day", "2, 1, day"),
        (repeat(frequency=3, period=1, periodUnit="wk"), "three times a week", "3, 1, week"),
        (repeat(frequency=2, frequencyMax=3, period=1, periodUnit="wk"), "2–3 times a week", "2, 1, week"),
        (repeat(frequency=1, period=2, periodUnit="d"), "every 2 days", "1, 2, day"),
        (repeat(period=2, periodMax=3, periodUnit="mo"), "every 2–3 months", "1, 2, month"),
        (repeat(frequency=2, period=3, periodUnit="wk"), "twice every 3 weeks", "2, 3, week"),
        (repeat(frequency=1, period=8, periodUnit="h"), "every 8 hours", "3, 1, day"),
        (repeat(dayOfWeek=["mon", "wed", "fri"]), "three times a week", "3, 1, week"),
        (repeat(frequency=1, period=1, periodUnit="d", dayOfWeek=["mon"]), "weekly", "1, 1, week"),
        (repeat(frequency=2, period=1, periodUnit="d", dayOfWeek=["mon", "thu"]), "four times a week", "4, 1, week"),
        (repeat(frequency=2, period=1, periodUnit="wk", dayOfWeek=["mon", "thu"]), "twice a week", "2, 1, week"),
        (repeat(frequency=1, period=1, periodUnit="d", when=["MORN"]), "daily", "1, 1, day"),
        (repeat(frequency=2, period=1, periodUnit="d", when=["MORN", "EVE"]), "twice a day", "2, 1, day"),
        ({"timing": {"code": {"text": "every 2 months"}}}, "every 2 months", "1, 2, month"),
        ({"timing": {"code": {"coding": [{"code": "QOD"}]}}}, "alternate days", "1, 2, day"),
        ({"timing": {"code": {"coding": [{"code": "BID", "display": "x"}]}}}, "twice daily", "2, 1, day"),
        ({"text": "every 3 months"}, "every 3 months", "1, 3, month"),
        ({"text": "10 mL when it suits"}, "10 mL when it suits", None),
        ({"asNeededBoolean": True}, "as needed", None),
        ({**repeat(frequency=1, period=1, periodUnit="d"), "asNeededBoolean": True}, "daily as needed", None),
        ({"asNeededCodeableConcept": {"text": "pain"}, "text": "weekly"}, "weekly as needed", None),
        ({"asNeededBoolean": True, "text": "Weekly, as needed"}, "Weekly, as needed", None),
        (
            {"timing": {"code": {"coding": [{"code": "BID"}]}, "repeat": {"period": 1, "periodUnit": "mo"}}},
            "monthly, coded as twice daily",
            None,
        ),
        (
            {"timing": {"code": {"coding": [{"code": "QD"}]}, "repeat": {"period": 24, "periodUnit": "h"}}},
            "every 24 hours",
            "1, 1, day",
        ),
        (
            repeat(frequency=3, period=1, periodUnit="wk", boundsDuration={"value": 2, "unit": "Wochen", "code": "wk"}),
            "three times a week for 2 weeks",
            "3, 1, week",
        ),
        (
            repeat(period=1, periodUnit="mo", boundsDuration={"value": 1.5, "unit": "years"}),
            "monthly for 1.5 years",
            "1, 1, month",
        ),
        (
            repeat(
                period=3,
                periodMax=4,
                periodUnit="d",
                boundsRange={"low": {"value": 2, "code": "wk"}, "high": {"value": 3, "code": "wk"}},
            ),
            "every 3–4 days for 2–3 weeks",
            "1, 3, day",
        ),
        (
            repeat(period=1, periodUnit="d", count=3, boundsDuration={"value": 1, "code": "wk"}),
            "daily for 1 week, 3 times in all",
            None,
        ),
        (repeat(frequency=1, period=1, periodUnit="d", count=1), "daily, once in all", None),
        (repeat(count=3), '{"count":3}', None),
        (repeat(period=1, periodUnit="d", count=3, countMax=5), "daily, 3–5 times in all", None),
    ],
)
def test_how_often_comes_from_the_timing_else_from_its_words(
    dosage: dict[str, Any], phrase: str, meant: str | None
) -> None:
    resource = request(dosageInstruction=[dosage])
    assert said(resource) == [f"Folic acid: {phrase}, current."]
    found = [fact for fact in facts(resource) if fact.startswith("medication_frequency")]
    assert [fact.endswith(f", {meant})") for fact in found] == ([True] if meant else [])
    assert bool(notes(resource)) is (meant is None)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param({"period": 2, "periodUnit": "wk", "dayOfWeek": ["mon"]}, id="a day of every second week"),
        pytest.param({"period": 1, "periodMax": 2, "periodUnit": "wk", "dayOfWeek": ["mon"]}, id="a week or two"),
        pytest.param({"period": 1, "periodUnit": "d", "when": ["MORN", "EVE"]}, id="once a day, and at two moments"),
        pytest.param({"dayOfWeek": ["mon", "thu"], "timeOfDay": ["08:00:00", "20:00:00"]}, id="two moments"),
        pytest.param({"frequency": 1, "period": 30, "periodUnit": "min"}, id="by the minute"),
        pytest.param({"frequency": 1, "periodUnit": "d"}, id="a unit without a number"),
    ],
)
def test_a_timing_that_is_no_single_rate_is_shown_as_it_stands_and_reported(told: dict[str, Any]) -> None:
    """Twice each on Monday and Thursday is not twice a week: half of the dose would be lost."""
    resource = request(dosageInstruction=[repeat(**told)])
    assert json.loads(said(resource)[0].removeprefix("Folic acid: ").removesuffix(", current.")) == told
    assert not any(fact.startswith("medication_frequency") for fact in facts(resource))
    assert "cannot be read" in notes(resource)[0]


@pytest.mark.parametrize("name", ["frequency", "period", "duration", "count"])
def test_an_upper_bound_of_a_timing_below_the_lower_is_no_bound_and_says_so(name: str) -> None:
    """It read `every 3–2 months`, and counted as every two."""
    rest = {"frequency": 1, "period": 1, "periodUnit": "mo"}
    told = {**rest, name: 3, f"{name}Max": 2}
    resource = request(dosageInstruction=[repeat(**told)])
    note = f'MedicationRequest "Folic acid" contradicts itself: its {name} is 3, and its {name}Max 2. Neither is used.'
    assert note in notes(resource)
    rated = any(fact.startswith("medication_frequency") for fact in facts(resource))
    if name in rest:
        assert json.loads(said(resource)[0].removeprefix("Folic acid: ").removesuffix(", current.")) == told
        assert not rated
    elif name == "count":
        assert said(resource) == ["Folic acid: monthly, at least 3 times, at most 2 times in all, current."]
        assert not rated, "it may be over"
    else:
        assert said(resource) == ["Folic acid: monthly, current."] and rated
    for most in (3, 4):
        assert not any(
            "contradicts" in note for note in notes(request(dosageInstruction=[repeat(**{**told, f"{name}Max": most})]))
        )


@pytest.mark.parametrize(
    ("low", "high", "told", "is_told"),
    [
        (quantity(5, "mg"), quantity(1, "mg"), "at least 5 mg, at most 1 mg", True),
        ({"value": 5}, quantity(1, "mg"), "at least 5, at most 1 mg", True),
        (quantity(500, "mg"), quantity(1, "g"), "at least 500 mg, at most 1 g", False),
        (quantity(1, "mg"), quantity(5, "mg"), "1–5 mg", False),
        (quantity(5, "mg"), quantity(5, "mg"), "5 mg", False),
    ],
)
def test_a_dose_that_is_at_most_less_than_at_least_says_both(
    low: dict[str, Any], high: dict[str, Any], told: str, is_told: bool
) -> None:
    resource = request(dosageInstruction=[{"doseAndRate": [{"doseRange": {"low": low, "high": high}}]}])
    assert said(resource) == [f"Folic acid: {told}, current."]
    note = f'MedicationRequest "Folic acid" contradicts itself: its dose is {told}. Neither is used.'
    assert notes(resource) == ([note] if is_told else [])


@pytest.mark.parametrize(
    ("code", "printed", "told"),
    [
        ("ug", "mg", "1 ug, printed as mg"),
        ("mg/mL", "g/L", "1 mg/mL, printed as g/L"),
        ("ug", "mcg", "1 mcg"),
        ("ug", "µg", "1 µg"),
        ("mg", "MG", "1 MG"),
        ("{tbl}", "tablet", "1 tablet"),
        ("[iU]", "U", "1 U"),
    ],
)
def test_a_dose_whose_unit_is_coded_and_printed_differently_is_shown_with_both(
    code: str, printed: str, told: str
) -> None:
    """As the result of a laboratory is; the printed unit alone was shown, a thousand times the dose."""
    amount = quantity(1, code, unit=printed)
    given = request(resourceType="MedicationAdministration", status="completed", dosage={"dose": amount})
    del given["intent"]
    ordered = request(dosageInstruction=[{"doseAndRate": [{"doseQuantity": amount}]}])
    ranged = request(dosageInstruction=[{"doseAndRate": [{"doseRange": {"low": amount, "high": amount}}]}])
    for resource in (given, ordered, ranged):
        assert said(resource)[0].startswith(f"Folic acid: {told}, ")
        found = [note for note in notes(resource) if "twice, and differently" in note]
        words = f"gives the unit of its dose twice, and differently: {code} as its code, {printed} in words"
        assert found == (
            [f'{resource["resourceType"]} "Folic acid" {words}. Neither is used.'] if "printed as" in told else []
        )


def test_two_different_dosages_are_both_shown_and_neither_is_chosen() -> None:
    both = request(dosageInstruction=[repeat(period=1, periodUnit="d"), repeat(period=1, periodUnit="mo")])
    assert said(both) == ["Folic acid: daily; monthly, current."]
    assert not any(fact.startswith("medication_frequency") for fact in facts(both))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 mg IM every three months", "three times a week, in words 1 mg IM every three months"),
        ("three times a week for 2 weeks, then every 3 months", None),
        ("1 mg three times weekly", "three times a week"),
        ("with food", "three times a week"),
    ],
)
def test_a_text_that_says_another_frequency_than_the_timing_is_shown_beside_it_and_neither_is_chosen(
    text: str, told: str | None
) -> None:
    told = told or f"three times a week, in words {text}"
    resource = request(dosageInstruction=[{**repeat(frequency=3, period=1, periodUnit="wk"), "text": text}])
    assert said(resource) == [f"Folic acid: {told}, current."]
    assert any(fact.startswith("medication_frequency") for fact in facts(resource)) is ("in words" not in told)
    assert bool(notes(resource)) is ("in words" in told)


@pytest.mark.parametrize(
    ("codes", "state"),
    [
        (["active", "resolved"], "active and resolved"),
        (["resolved", "active"], "resolved and active"),
        (["active", "recurrence"], "present"),
    ],
)
def test_codes_of_a_status_that_contradict_each_other_are_no_status(codes: list[str], state: str) -> None:
    resource = condition("confirmed", "active", clinicalStatus={"coding": [{"code": code} for code in codes]})
    assert said(resource) == [f"Coeliac disease: {state}."]
    assert any("counts as unknown" in note for note in notes(resource)) is (state != "present")


def test_since_is_the_start_and_not_the_day_of_writing() -> None:
    assert said(request(authoredOn="2026-01-01")) == ["Folic acid: current (2026-01-01)."]
    assert said(statement(effectivePeriod={"start": "2025-12"})) == ["Folic acid: current, since 2025-12."]
    assert said(statement(effectiveDateTime="2025-12-24")) == ["Folic acid: current, since 2025-12-24."]


def test_a_medicine_may_stand_in_place_or_inside_or_beside() -> None:
    medication = {"resourceType": "Medication", "id": "m1", "code": coded(RXNORM, "4511")}
    inside = request(contained=[medication], medicationReference={"reference": "#m1"})
    beside = request(medicationReference={"reference": "Medication/m1"})
    nowhere = request(medicationReference={"reference": "Medication/m2", "display": "some tablet"})
    for resource in (inside, beside, nowhere):
        del resource["medicationCodeableConcept"]
    assert said(inside) == ["Folic acid: current."]
    assert said(beside, medication) == ["Folic acid: current."]
    assert said(nowhere, medication) == ["Some tablet: current."]
    only = {"resourceType": "Medication", "ingredient": [{"itemCodeableConcept": {"text": "folic acid"}}]}
    by_url = request(medicationReference={"reference": "urn:uuid:1"})
    del by_url["medicationCodeableConcept"]
    pack = bundle(by_url)
    pack["entry"].append({"fullUrl": "urn:uuid:1", "resource": only})
    assert [entry.sentence for entry in patient.read(pack, TERMS).entries] == ["Folic acid: current."]


# --- what is not read, and says so -------------------------------------------------------------------------------


def test_resources_of_other_types_are_counted_one_note_for_each_type() -> None:
    claim = {"resourceType": "Claim"}
    case = read(claim, observation(), claim, {"resourceType": "AllergyIntolerance"})
    assert [(note.text, note.read_from) for note in case.notes] == [
        ("1 AllergyIntolerance resource is not read: no entry is made of this type.", "Bundle.entry[3].resource"),
        ("2 Claim resources are not read: a bill is no record of what was found.", "Bundle.entry[0,2].resource"),
    ]
    assert notes(claim) == ["1 Claim resource is not read: a bill is no record of what was found."]


@pytest.mark.parametrize(
    "fault",
    [
        {"effectiveDateTime": "2026-03-02T08:30:00"},
        {"effectivePeriod": {"start": "2026-03-02T08:30:00"}},
        {"id": "a_b"},
        {"code": {"coding": [{"system": LOINC, "code": "2276-4", "display": ""}]}},
        {"meta": {"lastUpdated": "2026-03-02"}},
        {"note": [{}]},
        {"text": "a narrative"},
        {"category": "laboratory"},
        {"identifier": {"value": "1"}},
        {"colour": "red"},
        {"subject": "Patient/p1"},
        {"contained": [{"resourceType": "Patient", "id": "a_b"}]},
        {"issued": "2026-03-02"},
    ],
)
def test_a_fault_beside_the_meaning_is_noted_and_the_resource_is_read(fault: dict[str, Any]) -> None:
    resource = observation(valueQuantity=quantity(80), **{key: value for key, value in fault.items() if key != "code"})
    resource["code"] = fault.get("code", resource["code"])
    for sources in ((resource,), (resource, {"resourceType": "Patient", "id": "p1"})):
        assert said(*sources)[0].startswith("Serum ferritin: 80 µg/L")
        assert [note for note in notes(*sources) if "not valid FHIR R4" in note]


def test_a_date_without_a_time_zone_still_says_its_day_and_one_that_nobody_can_read_is_noted() -> None:
    resource = observation(valueQuantity=quantity(80), effectiveDateTime="2026-03-02T08:30:00")
    assert said(resource) == ["Serum ferritin: 80 µg/L (2026-03-02)."]
    resource = observation(valueQuantity=quantity(80), effectiveDateTime="yesterday")
    assert said(resource) == ["Serum ferritin: 80 µg/L (yesterday)."]
    assert any('The date "yesterday" cannot be read' in note for note in notes(resource))
    assert not any(fact.startswith("recorded_when") for fact in facts(resource))


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ({"resourceType": "Observation", "code": {"text": "serum ferritin"}}, "Serum ferritin: no value recorded."),
        (observation(valueString="a", valueBoolean=True), "Serum ferritin: no value recorded."),
        (observation(valueQuantity=[80]), "Serum ferritin: no value recorded."),
        (observation(valueQuantity={"value": "60 or so", "unit": "ug/L"}), "Serum ferritin: no value recorded."),
        (observation(valueQuantity=quantity(6), status=["final"]), "Serum ferritin: no value recorded."),
        (observation(valueNumber=60), "Serum ferritin: no value recorded."),
        (observation(code={"text": "fatigue"}, valueBoolean=[True]), "Fatigue: unknown."),
        (condition(clinicalStatus=[{"text": "active"}]), "Coeliac disease: unknown."),
        (condition(subject=[{"reference": "Patient/p1"}]), "Coeliac disease: unknown."),
        (procedure("completed", statusX=5), "Gastric bypass: unknown."),
        (request(dosageInstruction={"text": "daily"}), "Folic acid: unknown."),
        (request(status=None), "Folic acid: unknown."),
    ],
)
def test_a_fault_in_the_meaning_leaves_an_entry_that_says_nothing(broken: dict[str, Any], sentence: str) -> None:
    for sources in ((broken,), (broken, {"resourceType": "Patient", "id": "p1"})):
        assert said(*sources) == [sentence]
        assert [note for note in notes(*sources) if "not valid FHIR R4" in note]


def test_a_result_that_lost_its_value_is_an_unreadable_result_and_keeps_its_readable_date() -> None:
    broken = observation(valueQuantity=[80], effectiveDateTime="2026-03-02T08:30:00")
    assert said(broken) == ["Serum ferritin: no value recorded (2026-03-02)."]
    assert any("result_unreadable" in fact for fact in facts(broken))


def test_a_fault_in_one_component_leaves_the_others_as_they_are() -> None:
    sound = {"code": {"text": "C-reactive protein"}, "valueQuantity": quantity(5, "mg/L")}
    panel = observation(component=[{"code": coded(LOINC, "2276-4"), "valueQuantity": {"value": "x"}}, sound])
    assert said(panel) == ["C-reactive protein: 5 mg/L.", "Serum ferritin: no value recorded."]


def test_an_invalid_resource_that_names_nothing_known_is_noted_and_alone_it_is_refused() -> None:
    broken = observation(code={"text": "shoe size"}, valueQuantity=[80])
    assert said(broken, observation(valueQuantity=quantity(80))) == ["Serum ferritin: 80 µg/L."]
    assert "It is not read" in notes(broken, observation(valueQuantity=quantity(80)))[0]
    assert "not valid FHIR R4" in refusal(broken).what


def test_an_invalid_resource_that_was_entered_in_error_is_still_left_out() -> None:
    assert said(observation(status="entered-in-error", valueQuantity=[80])) == []
    assert said(request(status="entered-in-error", dosageInstruction={"text": "daily"})) == []
    assert said(condition("entered-in-error", "active", clinicalStatus=[5])) == []


def test_what_might_change_the_meaning_leaves_an_entry_that_says_nothing() -> None:
    modifier = [{"url": "http://x/not", "valueBoolean": True}]
    changed = observation(valueQuantity=quantity(80), modifierExtension=modifier)
    assert said(changed) == ["Serum ferritin: no value recorded."]
    assert any("http://x/not" in note for note in notes(changed))
    assert said(condition(implicitRules="http://x")) == ["Coeliac disease: unknown."]
    assert said(request(modifierExtension=modifier)) == ["Folic acid: unknown."]
    assert said(observation(code={"text": "shoe size"}, modifierExtension=modifier)) == []


def test_what_is_about_somebody_else_is_not_read() -> None:
    foetus = observation(valueQuantity=quantity(80), focus=[{"display": "the foetus"}])
    assert said(foetus) == [] and "focus" in notes(foetus)[0]
    group = observation(valueQuantity=quantity(80), subject={"reference": "Group/ward"})
    assert said(group) == [] and "about a Group" in notes(group)[0]


def test_a_status_is_told_by_the_system_of_hl7_then_by_any_known_code_then_by_its_text() -> None:
    hl7 = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    local = {"system": "http://local", "code": "A"}
    told = [
        {"coding": [{"system": "http://local", "code": "resolved"}, {"system": hl7, "code": "active"}]},
        {"coding": [local, {"code": "active"}]},
        {"coding": [local], "text": "Active"},
    ]
    for status in told:
        assert said(condition(clinicalStatus=status)) == ["Coeliac disease: present."]
    wrong = {"coding": [{"code": "confirmed"}, {"code": "entered-in-error"}]}
    assert said(condition(verificationStatus=wrong)) == []


def referring(target: str) -> dict[str, Any]:
    resource = request(medicationReference={"reference": target})
    del resource["medicationCodeableConcept"]
    return resource


def test_a_medicine_is_found_by_an_absolute_or_versioned_reference_but_not_on_another_server() -> None:
    medication = {"resourceType": "Medication", "id": "m1", "code": coded(RXNORM, "4511")}
    for target in ("http://a/fhir/Medication/m1", "Medication/m1/_history/2", "http://a/fhir/Medication/m1/_history/2"):
        assert said(referring(target), medication) == ["Folic acid: current."]
    pack = bundle(referring("http://b/Medication/m1"))
    pack["entry"].append({"fullUrl": "http://a/Medication/m1", "resource": medication})
    assert patient.read(pack, TERMS).entries[0].term is None


def test_a_medication_that_was_entered_in_error_is_not_used_silently() -> None:
    medication = {"resourceType": "Medication", "id": "m1", "code": coded(RXNORM, "4511"), "status": "entered-in-error"}
    assert said(referring("Medication/m1"), medication) == ["Folic acid: unknown."]
    assert any(
        "a Medication that was entered in error" in note for note in notes(referring("Medication/m1"), medication)
    )


def test_a_resource_type_that_r4_has_and_r4b_has_not_is_not_read_and_not_refused() -> None:
    for kind in ("EffectEvidenceSynthesis", "MedicinalProductIngredient", "RiskEvidenceSynthesis"):
        assert notes({"resourceType": kind}) == [f"1 {kind} resource is not read: no entry is made of this type."]


def known_as(value: str, system: str = "http://mrn", **more: Any) -> dict[str, Any]:
    return {"identifier": {"system": system, "value": value}, **more}


def inside(name: str, *values: str) -> dict[str, Any]:
    rows = [{"system": "http://mrn", "value": value} for value in values]
    one = {"resourceType": "Patient", "id": name, "identifier": rows}
    return observation(contained=[one], subject={"reference": f"#{name}"})


def test_patients_are_told_apart_by_their_identifiers_and_inside_resources() -> None:
    whole = {"resourceType": "Patient", "id": "p1", "identifier": [{"system": "http://mrn", "value": "1"}]}
    for one, other in (
        (observation(subject=known_as("1")), observation(subject=known_as("2"))),
        (whole, observation(subject=known_as("2"))),
        (whole, inside("a", "2")),
        (inside("a", "1"), inside("b", "2")),
        (inside("a", "1"), inside("a", "2")),
        (inside("a"), inside("b")),
    ):
        assert "more than one patient" in refusal(bundle(one, other)).what
    same = (whole, observation(subject=known_as("1")), observation(subject=known_as("9", "http://other")))
    assert len(read(*same, inside("a", "1"), inside("b", "1")).entries) == 4


def test_patients_whose_names_alone_differ_are_noted() -> None:
    one, other = (observation(subject={"reference": "Patient/p1", "display": name}) for name in ("Ann", "Bob"))
    assert any('"Ann" and "Bob"' in note for note in notes(one, other))
    assert not any("different names" in note for note in notes(one, one))


def test_results_outside_of_a_report_in_error_count_by_their_own_status_and_the_report_is_noted() -> None:
    report = {
        "resourceType": "DiagnosticReport", "status": "entered-in-error", "code": {"text": "iron"},
        "result": [{"reference": "Observation/1"}],
    }  # fmt: skip
    result = observation(id="1", valueQuantity=quantity(80))
    assert said(report, result) == ["Serum ferritin: 80 µg/L."]
    assert 'DiagnosticReport "iron" was entered in error. Results that it names count as they stand.' in notes(
        report, result
    )


def test_what_people_wrote_beside_a_known_thing_is_noted_and_beside_an_unknown_one_is_not() -> None:
    comment = {"note": [{"text": "sample from another tube"}]}
    told = 'Observation "2276-4" has a comment, which is not read.'
    assert notes(observation(valueQuantity=quantity(80), **comment)) == [told]
    assert len(notes(observation(code={"text": "iron"}, valueQuantity=quantity(80), **comment))) == 1
    [note] = read(observation(valueQuantity=quantity(80), **comment)).notes
    assert note.read_from == "Observation.note"  # of its own: of the entry, it is still said if it is idle
    instruction = {"additionalInstruction": [{"text": "stop after a week"}], "patientInstruction": "ask"}
    assert notes(request(dosageInstruction=[{"text": "monthly", **instruction}]))[0].endswith(
        "has an instruction beside its dosage, which is not read: stop after a week; ask."
    )


def test_an_entry_without_a_resource_and_a_further_page_are_noted() -> None:
    page = bundle(observation(), link=[{"relation": "next", "url": "http://x"}])
    page["entry"] += [{}, "nothing", {"resource": {"status": "final"}}]
    page["entry"].append({"resource": observation(), "request": {"method": "DELETE", "url": "Observation/1"}})
    case = patient.read(page, TERMS)
    assert len(case.entries) == 1
    assert [note.read_from for note in case.notes] == [
        "Bundle.entry[1]",
        "Bundle.entry[2]",
        "Bundle.entry[3]",
        "Bundle.entry[4].resource",
        "Bundle",
    ]


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "release"),
    [
        ({"resourceType": "Condition", "clinicalStatus": "active", "subject": {}}, "STU3"),
        ({"resourceType": "Condition", "clinicalStatus": "active", "patient": {}}, "DSTU2"),
        ({"resourceType": "MedicationOrder"}, "DSTU2"),
        ({"resourceType": "MedicationRequest", "requester": {"agent": {}}}, "STU3"),
        ({"resourceType": "MedicationRequest", "dosageInstruction": [{"doseQuantity": {}}]}, "STU3"),
        ({"resourceType": "MedicationStatement", "taken": "y"}, "STU3"),
        ({"resourceType": "MedicationStatement", "medication": {"concept": {}}}, "R5"),
        ({"resourceType": "MedicationRequest", "medication": {"concept": {}}}, "R5"),
        ({"resourceType": "Procedure", "occurrenceDateTime": "2020"}, "R5"),
        ({"resourceType": "Observation", "interpretation": {"text": "L"}}, "STU3"),
        (observation(meta={"profile": ["http://hl7.org/fhir/StructureDefinition/Observation|5.0.0"]}), "R5"),
        (observation(meta={"profile": ["http://hl7.org/fhir/STU3/observation.html"]}), "STU3"),
        ({"resourceType": "CapabilityStatement", "fhirVersion": "3.0.1"}, "STU3"),
    ],
)
def test_another_release_is_refused_by_name_alone_and_in_a_bundle(resource: dict[str, Any], release: str) -> None:
    for source in (resource, bundle(observation(), resource)):
        error = refusal(source)
        assert f"FHIR {release}" in error.what and "R4" in error.remedy


FORBIDDEN = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "error", "code": "forbidden", "diagnostics": "No scope."}],
}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (FORBIDDEN, "The server says: error: No scope"),
        ({"resourceType": "OperationOutcome", "issue": [{"severity": "information"}]}, "The server says: information"),
        (bundle(FORBIDDEN), "The server says: error: No scope"),
        (
            {"resourceType": "Bundle", "type": "batch-response", "entry": [{"response": {"status": "403 Forbidden"}}]},
            "An entry of the Bundle was answered with 403 Forbidden",
        ),
    ],
)
def test_where_nobody_looked_nothing_is_answered(source: dict[str, Any], said: str) -> None:
    """To say that nothing is on record would be wrong."""
    assert refusal(source).what == f"this is no record. {said}"


def test_a_failure_beside_a_record_and_a_warning_alone_are_noted() -> None:
    warning = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-found"}]}
    for source, count in ((bundle(FORBIDDEN, observation()), 1), (bundle(warning), 0)):
        case = patient.read(source, TERMS)
        assert len(case.entries) == count
        assert [note.text for note in case.notes if "the record may be incomplete" in note.text]


def test_r4_and_r4b_and_other_peoples_versions_are_not_mistaken_for_another_release() -> None:
    for profile in (
        "http://hl7.org/fhir/StructureDefinition/Observation|4.0.1",
        "http://hl7.org/fhir/StructureDefinition/Observation|4.3.0",
        "http://hl7.org/fhir/us/core/StructureDefinition/us-core-observation-lab|9.0.0",
        "http://hl7.org/fhir/R4/observation.html",
    ):
        assert said(observation(meta={"profile": [profile]}))


@pytest.mark.parametrize(
    "resources",
    [
        ({"resourceType": "Patient", "id": "p1"}, {"resourceType": "Patient", "id": "p2"}),
        ({"resourceType": "Patient"}, {"resourceType": "Patient"}),
        ({"resourceType": "Patient", "id": "p1"}, observation(subject={"reference": "Patient/p2"})),
        (observation(subject={"reference": "Patient/p1"}), observation(subject={"reference": "urn:uuid:2"})),
        (condition(), {"resourceType": "Claim", "patient": {"reference": "Patient/p2"}}),
        (
            observation(subject={"reference": "http://a/Patient/p1"}),
            observation(subject={"reference": "http://b/Patient/p1"}),
        ),
    ],
)
def test_a_record_of_two_patients_is_refused_naming_both(resources: tuple[dict[str, Any], ...]) -> None:
    assert "more than one patient" in refusal(bundle(*resources)).what


def test_one_patient_may_be_called_by_several_names() -> None:
    record = bundle(
        observation(subject={"reference": "urn:uuid:9"}),
        observation(subject={"reference": "Patient/p1"}),
        observation(subject={"reference": "http://a/Patient/p1/_history/2"}),
        observation(),
    )
    record["entry"].append({"fullUrl": "urn:uuid:9", "resource": {"resourceType": "Patient", "id": "p1"}})
    assert len(patient.read(record, TERMS).entries) == 4


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ({"resourceType": "Obsevation"}, "no resource type"),
        ({"resourceType": 5}, "no resource type"),
        ({"resourceType": "Bundle", "entry": {}}, "not a list"),
        ({"resourceType": "Bundle", "type": "history", "entry": []}, "several versions"),
        ({"resourceType": "Parameters", "parameter": [{"name": "a", "resource": observation()}]}, "no record"),
    ],
)
def test_what_is_no_record_is_refused(source: dict[str, Any], what: str) -> None:
    assert what in refusal(source).what


# --- records that nobody here wrote --------------------------------------------------------------------------------


@needs_records
@pytest.mark.parametrize("name", [path.name for path in sorted(RECORDS.glob("r4-*.json"))])
def test_public_r4_records_are_read_whole(name: str) -> None:
    source = json.loads((RECORDS / name).read_text())
    case = patient.read(RECORDS / name, TERMS)
    assert not any("not valid FHIR R4" in note.text for note in case.notes)
    if source["resourceType"] != "Bundle":
        assert case.entries
        return
    places = {entry.read_from.split(".component")[0] for entry in case.entries}
    kinds = ("Observation", "Condition", "Procedure", "MedicationRequest", "MedicationStatement")
    for index, entry in enumerate(source["entry"]):
        if entry["resource"]["resourceType"] in kinds:
            assert f"Bundle.entry[{index}].resource" in places


@needs_records
def test_a_public_stu3_record_is_refused_by_name() -> None:
    assert "FHIR STU3" in refusal(RECORDS / "stu3-smart-1642068-pernicious-anemia.json").what


@needs_records
def test_a_blood_pressure_with_a_missing_half_is_said_as_such() -> None:
    case = patient.read(RECORDS / "r4-uscore-bp-data-absent.json", TERMS)
    assert [entry.sentence for entry in case.entries] == [
        "Diastolic blood pressure: no value recorded (1999-07-02).",
        "Systolic blood pressure: 109 mm[Hg] (1999-07-02).",
    ]


# --- anything at all -----------------------------------------------------------------------------------------------

_odd = st.sampled_from([None, True, 5, "", "x", [], {}, ["x"], [{}], [[]], {"coding": 5}, {"reference": "x"}])


def _paths(node: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [found for key, child in inner for found in (((*at, key)), *_paths(child, (*at, key)))]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_a_record_with_anything_wrong_in_it_is_read_or_refused(data: st.DataObject) -> None:
    record = copy.deepcopy(FHIR)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(_paths(record)))
        node: Any = record
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = copy.deepcopy(data.draw(_odd))
    try:
        case = patient.read(record, TERMS)
    except CaseError:
        return
    patient.facts(case, TERMS)


# --- what several servers, releases and codes can say -----------------------------------------------------------


def test_a_bundle_that_names_another_release_is_refused_whatever_is_in_it() -> None:
    older = bundle(observation(valueQuantity=quantity(80)), meta={"profile": ["http://hl7.org/fhir/STU3/bundle.html"]})
    assert "this is FHIR STU3" in refusal(older).what


def test_patients_of_one_id_on_two_servers_are_told_apart_by_the_whole_name() -> None:
    both = bundle(
        *(
            observation(subject={"reference": f"https://{server}.example/Patient/a"}, valueQuantity=quantity(value))
            for server, value in (("one", 80), ("two", 81))
        )
    )
    with pytest.raises(CaseError, match='several of its patients are called "a"'):
        patient.read(both, TERMS, "a")
    chosen = patient.read(both, TERMS, "https://two.example/Patient/a")
    assert [entry.sentence for entry in chosen.entries] == ["Serum ferritin: 81 µg/L."]


def test_codes_of_different_things_name_none_of_them() -> None:
    both = {"coding": [{"system": LOINC, "code": code} for code in ("2276-4", "1988-5")]}
    result = observation(code=both, valueQuantity=quantity(80))
    assert said(result) == []
    assert notes(result) == [
        "2276-4: 80 µg/L. Not used: its codes name different things, C-reactive protein and serum ferritin."
    ]


@pytest.mark.parametrize(
    ("timing", "when"),
    [
        ({"event": ["2020-01-01", "2019"]}, "2019/2020-01-01"),
        ({"repeat": {"boundsPeriod": {"start": "2020", "end": "2021"}}}, "2020/2021"),
        ({"repeat": {"frequency": 1}}, '{"repeat":{"frequency":1}}'),
    ],
)
def test_a_result_over_a_timing_has_its_first_and_last_day_else_the_timing(timing: dict[str, Any], when: str) -> None:
    result = observation(valueQuantity=quantity(80), effectiveTiming=timing)
    assert said(result) == [f"Serum ferritin: 80 µg/L ({when})."]
    assert bool(notes(result)) is when.startswith("{")
