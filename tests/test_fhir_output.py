"""The assessment as FHIR R4: valid, whole, and never more than the document says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

import b12
from changed_records import nights
from citelog import home
from citelog.assess import assess
from citelog.render import fhir
from citelog.render.coding import concept
from citelog.values import Iri
from citelog.vocab import Terms

Node = dict[str, Any]
EXAMPLE = home.home() / "examples" / "patient.yaml"
EXTENSIONS = "https://w3id.org/citelog/fhir/"
PROPOSALS = ("CarePlan", "MedicationRequest", "ServiceRequest")


@cache
def bundles() -> dict[str, Node]:
    """The Bundle of each case of the library."""
    return {name: fhir.bundle(b12.assessed(name)) for name in b12.library()}


@cache
def example(at: str | None = None) -> Node:
    return fhir.bundle(assess(b12.knowledge(), EXAMPLE, at))


def resources(bundle: Node, *types: str) -> list[Node]:
    found = [entry["resource"] for entry in bundle["entry"]]
    return [resource for resource in found if not types or resource["resourceType"] in types]


def every(*types: str) -> Iterator[tuple[str, Node]]:
    """Every resource of some types in the library, with the name of its case."""
    return ((name, resource) for name, bundle in bundles().items() for resource in resources(bundle, *types))


def nodes(tree: Any) -> Iterator[Any]:
    """A tree and everything in it."""
    yield tree
    below = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    for child in below:
        yield from nodes(child)


def about(resource: Node) -> str:
    """The id of the conclusion that a resource was made from."""
    (found,) = (e["valueString"] for e in resource["extension"] if e["url"] == EXTENSIONS + "conclusion")
    return str(found)


def regimen(value: str) -> Node:
    """A regimen step of the example."""
    (found,) = (r for r in resources(example(), "MedicationRequest") if about(r) == f"regimen:{value}")
    return found


def text(resource: Node) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", resource["text"]["div"]).split())


# --- the form ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_every_bundle_is_valid() -> None:
    """By the models of R4B, which has R4's shapes for all resources that are written."""
    model = get_fhir_model_class("Bundle")
    for name in b12.library():
        written = fhir.to_json(b12.assessed(name))
        model.model_validate(json.loads(written, parse_float=Decimal))
        assert json.loads(written) == bundles()[name]


def test_the_models_can_refuse() -> None:
    spoilt = json.loads(json.dumps(example()))
    resources(spoilt, "MedicationRequest")[0].pop("subject")
    with pytest.raises(ValueError, match="subject"):
        get_fhir_model_class("Bundle").model_validate(spoilt)


def test_every_reference_points_into_its_bundle_at_a_resource_of_its_type() -> None:
    for name, bundle in bundles().items():
        types = {entry["fullUrl"]: entry["resource"]["resourceType"] for entry in bundle["entry"]}
        assert len(types) == len(bundle["entry"]), name
        assert all(entry["fullUrl"] == f"urn:uuid:{entry['resource']['id']}" for entry in bundle["entry"])
        references = [node for node in nodes(bundle) if isinstance(node, dict) and "reference" in node]
        pointing = [node for node in references if isinstance(node["reference"], str) and "type" in node]
        assert pointing and all(types[node["reference"]] == node["type"] for node in pointing), name


def test_nothing_is_empty_and_every_id_is_one() -> None:
    for name, bundle in bundles().items():
        assert not [node for node in nodes(bundle) if node in (None, "", [], {})], name
        assert all(re.fullmatch(r"[A-Za-z0-9.-]{1,64}", resource["id"]) for resource in resources(bundle))


def test_a_requirement_names_a_path_and_a_timing_its_units() -> None:
    """The invariants of R4 that the models do not know: drq-1, rng-2, tim-2, tim-6, cpl-3."""
    for name, bundle in bundles().items():
        for node in nodes(bundle):
            if not isinstance(node, dict):
                continue
            assert all(("path" in f) != ("searchParam" in f) for f in node.get("codeFilter", ())), name
            assert ("period" in node) == ("periodUnit" in node), name
            assert "periodMax" not in node or node["periodMax"] > node["period"], name
            if node.keys() >= {"low", "high"}:
                assert node["low"]["value"] < node["high"]["value"] and node["low"]["unit"] == node["high"]["unit"]
            assert not ({"detail", "reference"} <= node.keys() and "resourceType" not in node), name


def test_the_same_assessment_gives_the_same_bytes_in_every_process() -> None:
    program = (
        "import citelog, sys; from citelog.render import fhir;"
        "sys.stdout.buffer.write(fhir.to_json(citelog.open('b12').assess(sys.argv[1], '2026-03-15')).encode())"
    )
    answers = set()
    for seed in ("0", "1", "31337"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(home.home() / "engine")}
        command = [sys.executable, "-c", program, str(EXAMPLE)]
        answers.add(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    assert len(answers) == 1
    assert json.loads(answers.pop()) == example("2026-03-15")


def test_two_records_with_one_id_are_two_patients() -> None:
    """A FHIR record may have no id of its own; its name in the call must not make it another patient's."""
    records = [{"id": "same", "findings": [{"name": "fatigue", "state": state}]} for state in ("present", "absent")]
    made = [fhir.bundle(assess(b12.knowledge(), record)) for record in records]
    one, other = (resources(bundle, "CarePlan")[0]["subject"]["identifier"] for bundle in made)
    assert one["value"] == other["value"] == "same" and one["system"] != other["system"]


def test_another_record_has_other_ids() -> None:
    ids = [resource["id"] for bundle in bundles().values() for resource in resources(bundle)]
    assert len(ids) == len(set(ids))


# --- proposals, from a document that nobody has reviewed ---------------------------------------------------------


def test_every_resource_says_that_the_document_is_unreviewed() -> None:
    for name, resource in every():
        (tag,) = resource["meta"]["tag"]
        assert tag["code"] == "pending human review", name
        for caveat in b12.knowledge().caveats:
            assert caveat.text in text(resource), (name, resource["resourceType"])


def test_a_proposal_carries_the_caveats_in_its_notes_too() -> None:
    """Where a narrative is thrown away, they are still there."""
    for name, resource in every(*PROPOSALS, "GuidanceResponse"):
        notes = " ".join(note["text"] for note in resource["note"])
        assert all(caveat.text in notes for caveat in b12.knowledge().caveats), name
    for name, issue in every("DetectedIssue"):
        assert all(caveat.text in issue["detail"] for caveat in b12.knowledge().caveats), name


def test_whatever_could_be_acted_upon_is_a_proposal_in_draft() -> None:
    for name, resource in every(*PROPOSALS):
        assert (resource["status"], resource["intent"]) == ("draft", "proposal"), name
        assert not resource.keys() & {"doNotPerform", "priority", "requester", "authoredOn", "author"}, name
    assert {issue["status"] for _, issue in every("DetectedIssue")} == {"preliminary"}
    assert not list(every("Flag", "Task", "Patient"))


def test_each_conclusion_is_written_once_and_has_its_provenance() -> None:
    for name, bundle in bundles().items():
        made = {c.id: c for c in b12.assessed(name).conclusions}
        provenances = [p for p in resources(bundle, "Provenance") if "extension" in p]
        assert sorted(map(about, provenances)) == sorted(made), name
        single = [about(r) for r in resources(bundle, "MedicationRequest", "ServiceRequest", "DetectedIssue")]
        assert len(single) == len(set(single)), name
        (plan,), (guidance,) = resources(bundle, "CarePlan"), resources(bundle, "GuidanceResponse")
        told = [note["text"] for note in (*plan["note"], *guidance["note"])]
        outcome = [i["details"]["text"] for o in resources(bundle, "OperationOutcome") for i in o["issue"]]
        for id_ in made.keys() - set(single):
            assert any(made[id_].sentence in line for line in (*told, *outcome)), (name, id_)


def test_the_role_and_the_step_of_a_regimen_are_seen_in_category_note_and_narrative() -> None:
    for name, request in every("MedicationRequest"):
        details = b12.assessed(name).by_id[about(request)].details
        assert [c["coding"][0]["code"] for c in request["category"]] == [details["role"], details["step"]], name
        for shown in (request["note"][0]["text"], text(request)):
            assert "not an order" in shown
            assert f"role: {details['role']}; step: {details['step']}" in shown, name


def test_a_step_that_is_done_is_told_in_the_plan_and_asked_for_by_nothing() -> None:
    done = [
        (name, c) for name in b12.library() for c in b12.assessed(name).conclusions if c.details.get("step") == "done"
    ]
    assert done
    for name, conclusion in done:
        bundle = bundles()[name]
        assert conclusion.id not in map(about, resources(bundle, "MedicationRequest"))
        assert conclusion.sentence in text(resources(bundle, "CarePlan")[0])


# --- doses -------------------------------------------------------------------------------------------------------


def numbers(node: Any) -> Iterator[float]:
    """The numbers of a dosage but for the 1 that FHIR writes for `once in each` and `in one`."""
    for part in nodes(node):
        if isinstance(part, dict):
            for key, number in part.items():
                if isinstance(number, int | float) and (key, number) not in {("frequency", 1), ("period", 1)}:
                    yield number


def test_every_number_of_a_dosage_is_one_that_the_document_states() -> None:
    for name, request in every("MedicationRequest"):
        details = b12.assessed(name).by_id[about(request)].details
        fields = [details[key] for key in ("dose", "frequency", "duration") if details[key]]
        values = [f["value"] if isinstance(f["value"], list) else [f["value"]] for f in fields]
        stated = {number for value in values for number in value}
        assert set(numbers(request.get("dosageInstruction"))) <= stated, (name, about(request))


def test_the_text_of_a_dosage_is_the_documents_and_says_what_is_not_stated() -> None:
    for name, request in every("MedicationRequest"):
        details = b12.assessed(name).by_id[about(request)].details
        for instruction in request.get("dosageInstruction", ()):
            told, _, missing = instruction["text"].partition("; not stated: ")
            for key in ("dose", "route", "frequency", "duration"):
                assert (details[key]["text"] in told) if details[key] else (key in missing), (name, key)


def test_a_dose_with_its_unit_times_a_week_and_a_length() -> None:
    (instruction,) = regimen("HYD-STD-LOAD")["dosageInstruction"]
    ucum = {"system": "http://unitsofmeasure.org"}
    assert instruction == {
        "text": "1 mg, intramuscular, three times a week, 2 weeks",
        "timing": {
            "repeat": {
                "boundsDuration": {"value": 2, "unit": "week", **ucum, "code": "wk"},
                "frequency": 3,
                "period": 1,
                "periodUnit": "wk",
            },
            "code": {"text": "three times a week, 2 weeks"},
        },
        "route": {"coding": [{"system": "http://snomed.info/sct", "code": "78421000"}], "text": "intramuscular"},
        "doseAndRate": [{"doseQuantity": {"value": 1, "unit": "mg", **ucum, "code": "mg"}}],
    }


def test_a_range_stays_a_range_and_words_without_a_number_stay_words() -> None:
    (oral,) = regimen("ORAL-HIGH")["dosageInstruction"]
    (amount,) = oral["doseAndRate"]
    assert [amount["doseRange"][end]["value"] for end in ("low", "high")] == [1, 2]
    assert oral["timing"] == {"code": {"text": "daily"}}
    (maintenance,) = regimen("HYD-STD-MAINT")["dosageInstruction"]
    assert maintenance["timing"]["repeat"] == {"frequency": 1, "period": 2, "periodMax": 3, "periodUnit": "mo"}
    (second,) = regimen("LABEL-2")["dosageInstruction"]
    assert second["timing"] == {"repeat": {"count": 7}, "code": {"text": "alternate days, seven doses"}}
    assert "route" not in second and second["text"].endswith("; not stated: route")
    (first,) = regimen("LABEL-1")["dosageInstruction"]
    assert first["route"] == {"text": "intramuscular or deep subcutaneous"}, "two routes are no code"


def test_an_agent_that_the_document_does_not_name_is_marked_as_absent() -> None:
    unnamed = regimen("LABEL-1")["medicationCodeableConcept"]
    assert unnamed["text"] == "The document does not state which agent." and "coding" not in unnamed
    assert unnamed["extension"][0]["valueCode"] == "unknown"
    assert regimen("ORAL-HIGH")["medicationCodeableConcept"] == {"text": "vitamin B12"}, "words that name no drug"


def test_a_field_that_was_taken_over_names_the_statement_that_has_it() -> None:
    dose = regimen("LABEL-3")["dosageInstruction"][0]["doseAndRate"][0]
    assert dose["extension"] == [{"url": EXTENSIONS + "inherited-from", "valueString": "F09"}]
    assert "100 mcg (from F09)" in regimen("LABEL-3")["dosageInstruction"][0]["text"]
    (origin,) = (p for p in resources(example(), "Provenance") if "regimen:LABEL-3" in text(p))
    marks = {e["what"]["identifier"]["value"]: e["extension"][1:] for e in origin["entity"] if "extension" in e}
    inherited = [{"url": EXTENSIONS + "inherited-field", "valueString": "dose"}]
    assert marks == {f"{b12.knowledge().namespace}F10": [], f"{b12.knowledge().namespace}F09": inherited}


def test_of_two_codes_of_one_system_none_is_written() -> None:
    """One of them means more or less than the term, and nothing says which."""
    drug = Iri("https://w3id.org/citelog/asthma#drug")
    names = dict.fromkeys(("drug", "rxnorm:1", "rxnorm:2", "atc:r03ac02"), drug)
    terms = Terms({"drug": names}, written={"atc:r03ac02": "atc:R03AC02"})
    assert concept("Drug", terms, "drug")["coding"] == [{"system": "http://www.whocc.no/atc", "code": "R03AC02"}]


# --- questions, conflicts, data ----------------------------------------------------------------------------------


def test_more_data_is_requested_exactly_where_a_question_is_open() -> None:
    for name, guidance in every("GuidanceResponse"):
        questions = [c for c in b12.assessed(name).conclusions if c.kind == "open-question"]
        assert guidance["status"] == ("data-requested" if questions else "success"), name
        notes = [note["text"] for note in guidance["note"]]
        assert all(f"Open question: {question.sentence}" in notes for question in questions), name
        coded = [q for q in questions if q.value == "serum vitamin B12"]
        assert len(guidance.get("dataRequirement", ())) == len(coded), name


def test_a_conflict_quotes_both_sides_and_implicates_the_proposals_that_rest_on_them() -> None:
    (issue,) = (r for r in resources(example(), "DetectedIssue") if about(r) == "conflict:CP08")
    assert [e["extension"][0]["valuePositiveInt"] for e in issue["evidence"]] == [1, 1, 2]
    assert "Side 2: “Maintenance treatment: 100 mcg monthly for life” [F11;" in issue["evidence"][2]["code"][0]["text"]
    implicated = {node["reference"] for node in issue["implicated"]}
    both = {f"urn:uuid:{regimen(value)['id']}" for value in ("HYD-STD-MAINT", "LABEL-4")}
    assert implicated == both
    own = f"urn:uuid:{issue['id']}"
    assert [r for r in resources(example(), "MedicationRequest") if f"urn:uuid:{r['id']}" in both] == [
        r
        for r in resources(example(), "MedicationRequest")
        if own in [d["reference"] for d in r.get("detectedIssue", ())]
    ]


def test_every_quote_is_the_document_at_its_place() -> None:
    source = b12.source()
    seen = 0
    for _, provenance in every("Provenance"):
        for entity in provenance["entity"]:
            for extension in entity.get("extension", ()):
                if extension["url"] == EXTENSIONS + "citation":
                    at = {e["url"]: next(v for k, v in e.items() if k != "url") for e in extension["extension"]}
                    assert source[at["start"] : at["end"]] == at["quote"]
                    assert entity["role"] == "quotation" and at["quote"] in entity["what"]["display"]
                    seen += 1
    assert seen > len(bundles())


def test_no_instant_is_made_up() -> None:
    """FHIR demands when a provenance was recorded; the clock is never read, so that is what it says."""
    for day, bundle in ((None, example()), ("2026-03-15", example("2026-03-15"))):
        for provenance in resources(bundle, "Provenance"):
            assert "recorded" not in provenance and provenance.get("occurredDateTime") == day
            assert provenance["_recorded"]["extension"][0]["valueCode"] == "unsupported"
        assert resources(bundle, "GuidanceResponse")[0].get("occurrenceDateTime") == day
        assert "timestamp" not in bundle


def test_data_issues_and_unused_entries_are_messages_of_the_evaluation() -> None:
    for name, bundle in bundles().items():
        found = b12.assessed(name)
        issues = [c for c in found.conclusions if c.kind == "data-issue"]
        told = [i for o in resources(bundle, "OperationOutcome") for i in o["issue"]]
        assert [i["details"]["text"] for i in told] == [c.sentence for c in issues] + [n.text for n in found.notes], (
            name
        )
        severities = ["information" if c.details["severity"] == "info" else "warning" for c in issues]
        assert [i["severity"] for i in told] == severities + ["information"] * len(found.notes), name
        assert ("evaluationMessage" in resources(bundle, "GuidanceResponse")[0]) == bool(told), name


def test_the_record_may_hold_anything() -> None:
    """Its words are shown as they are, and never become markup."""
    record = {"id": 'a<b>&"c', "labs": [{"analyte": "serum vitamin B12", "value": "<script>\n", "unit": "pmol/L"}]}
    bundle = fhir.bundle(assess(b12.knowledge(), record))
    get_fhir_model_class("Bundle").model_validate(bundle)
    assert all("<script" not in resource["text"]["div"] for resource in resources(bundle))
    assert resources(bundle, "CarePlan")[0]["subject"]["identifier"]["value"] == 'a<b>&"c'


def test_what_a_kind_is_decides_what_it_becomes_and_not_its_name_alone() -> None:
    """Advice that is called a regimen, and has no fields of one, asks for no medicine; two sides are a conflict."""
    names = {"advice": "regimen", "conflict": "disagreement"}
    kinds = tuple(replace(kind, name=names.get(kind.name, kind.name)) for kind in nights().kinds)
    record = {"findings": [{"name": "falling asleep in lessons", "state": "present"}]}
    found = assess(replace(nights(), kinds=kinds), record)
    assert {"regimen:NAP", "disagreement:CP01"} <= found.by_id.keys()
    bundle = fhir.bundle(found)
    assert resources(bundle, "MedicationRequest") == []
    assert [about(issue) for issue in resources(bundle, "DetectedIssue")] == ["disagreement:CP01"]
