"""The independent reading of the tables, checked against cases worked out by hand from the tables themselves."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest

from oracle import random_cases, tables

Entry = dict[str, Any]
INJECTED = {"name": "hydroxocobalamin", "status": "current", "route": "intramuscular"}


def lab(value: object, unit: object = "pmol/L", **more: object) -> Entry:
    return {"analyte": "serum vitamin B12", "value": value, "unit": unit, **more}


def said(name: str, state: str = "present", when: str | None = None) -> Entry:
    return {"name": name, "state": state} | ({"when": when} if when else {})


def of_kind(case: dict[str, Any], kind: str, at: str | None = None) -> dict[str, dict[str, Any]]:
    return {c["value"]: c for c in tables.conclusions(case, at) if c["kind"] == kind}


def only(case: dict[str, Any], kind: str, at: str | None = None) -> dict[str, Any]:
    (found,) = [c for c in tables.conclusions(case, at) if c["kind"] == kind]
    return found


@pytest.mark.parametrize(
    ("value", "unit", "classes", "issue"),
    [
        ("haemolysed", None, "", "DI-NOT-A-NUMBER"),  # row 1 before row 3
        ("80,5", "pmol/L", "", "DI-NOT-A-NUMBER"),
        ("80 pmol/L", "pmol/L", "", "DI-NOT-A-NUMBER"),
        (True, "pmol/L", "", "DI-NOT-A-NUMBER"),
        (float("inf"), "pmol/L", "", "DI-NOT-A-NUMBER"),
        ("1e3", "pmol/L", "", "DI-NOT-A-NUMBER"),
        ("<0", "mmol/L", "", "DI-NEGATIVE"),  # row 2 before row 4
        (-5, "", "", "DI-NEGATIVE"),
        (80, " ", "", "DI-UNIT-MISSING"),
        (80, "mmol/L", "", "DI-UNIT-IMPOSSIBLE"),
        (80, "\u00b5mol/L", "", "DI-UNIT-IMPOSSIBLE"),
        ("<100", "pmol/L", "b", None),  # row 5
        ("\u2264100", "pmol/L", "bw", "DI-CENSORED"),  # row 6
        ("\u2265300", "pmol/L", "a", None),
        (">=300", "pg/mL", "wa", "DI-CENSORED"),
        (">50", "pmol/L", "bwa", "DI-CENSORED"),
        ("<300", "pmol/L", "bw", "DI-CENSORED"),
        ("<=0", "pmol/L", "b", None),
        (0, "pmol/L", "b", None),  # row 7
        ("99.999", "pmol/L", "b", None),
        (100, "pmol/L", "w", None),
        (Decimal("0.29999"), "nmol/L", "w", None),
        (0.3, "nmol/L", "a", None),
        (134.9, "PG/ML", "b", None),
        (135, "ng/L", "w", None),
        ("40.59", "ng/dL", "w", None),
        (0.406, "\u03bcg/L", "a", None),
        (0.406, "\u00b5g / l", "a", None),
        ("0.1349", "mcg/L", "b", None),
    ],
)
def test_1_2_one_result(value: object, unit: object, classes: str, issue: str | None) -> None:
    full = {"b": "below_all_cutoffs", "w": "within_debated_cutoffs", "a": "above_all_cutoffs"}
    assert tables.read_result(value, unit) == (frozenset(full[c] for c in classes), issue)


def test_2_superseded_and_open_results() -> None:
    case = {"labs": [lab(80, when="2026-01"), lab("<=100", when="2026-02-01"), lab(200, when="2026-02-28")]}
    assert only(case, "status") == {
        "kind": "status", "value": "within_debated_cutoffs", "statements": ["R04", "R14", "R03"],
        "facts": ["labs[0]", "labs[1]", "labs[2]"], "assumes": [],
    }  # fmt: skip
    assert {"labs[0]", "labs[1]"} <= tables.noted(case)
    case["labs"][2]["when"] = "2026-02"  # the whole month holds 2026-02-01: neither is later
    case["labs"][1]["value"] = "<=99"
    assert only(case, "status")["value"] == "conflicting"
    assert only({"labs": [lab(">50")]}, "status")["statements"] == ["R01", "R04"]
    assert only({"labs": [lab("pending")]}, "status")["statements"] == ["R01"]
    assert only({}, "status")["assumes"] == ["no serum B12 result is on record"]


@pytest.mark.parametrize(
    ("mentions", "expected"),
    [
        ([], "not_recorded"),
        ([said("neurological involvement", "absent"), said("possible neurological involvement")], "conflicting"),
        ([said("severe neurological symptoms")], "present"),
        ([said("severe neurological symptoms"), said("severe neurological symptoms", "absent")], "possible"),
        ([said("possible neurological involvement"), said("neurological involvement", "unknown")], "possible"),
        ([said("possible neurological involvement", "unknown"), said("neurological involvement", "absent")], "unknown"),
        ([said("possible neurological involvement", "absent"), said("neurological involvement", "absent")], "absent"),
        ([said("possible neurological involvement", "absent")], "unknown"),
        ([said("severe neurological symptoms", "absent")], "not_recorded"),
        ([said("neurological involvement", "resolved")], "not_recorded"),
        # a later entry against supersedes; a later suspect one supersedes against
        ([said("severe neurological symptoms", "present", "2025"), said("neurological involvement", "absent", "2026")],
         "absent"),
        ([said("possible neurological involvement", "present", "2026-03-02"),
          said("neurological involvement", "absent", "2026-02")], "possible"),
        ([said("possible neurological involvement", "present", "2026-03-02"),
          said("neurological involvement", "absent", "2026-03")], "conflicting"),
    ],
)  # fmt: skip
def test_3_3_neuro(mentions: list[Entry], expected: str) -> None:
    found = only({"findings": mentions[:1], "conditions": mentions[1:]}, "neuro")
    assert found["value"] == expected
    assert found["assumes"] == (["neurological involvement is not recorded"] if expected == "not_recorded" else [])


def test_3_2_fatigue_is_no_attributed_symptom() -> None:
    assert only({"findings": [said("Fatigue")]}, "symptomatic")["value"] == "unknown"
    assert only({"findings": [said("Fatigue")]}, "symptomatic")["facts"] == ["findings[0]"]


@pytest.mark.parametrize(
    ("more", "phase"),
    [
        ({"course": "loading", "route": "oral"}, "loading"),
        ({"route": "oral", "frequency": "daily"}, "oral"),
        ({"frequency": "every 28 days"}, "maintenance"),
        ({"frequency": "every 27 days"}, "loading"),
        ({"frequency": "every 3\u20135 weeks"}, "loading"),
        ({"frequency": "once every two months"}, "maintenance"),
        ({"frequency": "three times a week"}, "loading"),
        ({"frequency": "as directed"}, "unplaced"),
        ({"status": "stopped", "frequency": "daily"}, None),
    ],
)
def test_4_phase(more: Entry, phase: str | None) -> None:
    case = {"medications": [{"name": "hydroxocobalamin", "status": "current", **more}]}
    assert tables.picture_of(case).phase == phase


def test_5_every_line_that_holds() -> None:
    case = {
        "labs": [lab(80)],
        "findings": [said("symptoms attributed to vitamin B12 deficiency"), said("neurological involvement")],
        "conditions": [said("pernicious anaemia"), said("vitamin B12 deficiency (clinician diagnosis)")],
    }
    treat = only(case, "treat")
    assert (treat["value"], treat["statements"], treat["facts"]) == ("immediate", ["G01", "G10"], ["findings[0]"])
    assert treat["also"] == [
        {"line": 2, "value": "immediate", "statements": ["G08"]},
        {"line": 4, "value": "indicated", "statements": ["F04"]},
        {"line": 5, "value": "indicated", "statements": ["R14", "G08", "G15"]},
    ]


NO_SYMPTOMS = said("symptoms attributed to vitamin B12 deficiency", "absent")


@pytest.mark.parametrize(
    "more",
    [
        {"findings": [NO_SYMPTOMS, said("possible neurological involvement", "absent")]},  # neuro unknown
        {"conditions": [said("pernicious anaemia", "unknown")]},
        {"conditions": [said("vitamin B12 deficiency (clinician diagnosis)", "unknown")]},
        {"medications": [{"name": "cyanocobalamin", "status": "stopped"}]},
        {"labs": [lab(350, when="2026-01-05"), lab("haemolysed", when="2026-01-05")]},
    ],
)
def test_5_1_keeps_line_7_from_applying(more: dict[str, list[Entry]]) -> None:
    base = {"labs": [lab(350, when="2026-01-05")], "findings": [NO_SYMPTOMS]}
    assert only(base, "treat")["value"] == "no_basis"
    assert only(base, "treat")["assumes"] == ["neurological involvement is not recorded"]
    treat = only({**base, **more}, "treat")
    assert (treat["value"], treat["statements"]) == ("undetermined", ["R15"])
    (place,) = [f"{name}[{len(items) - 1}]" for name, items in more.items()]
    assert place in treat["facts"]


def test_5_1_earlier_unusable_result_and_another_analyte_do_not() -> None:
    folate = {"analyte": "serum folate", "value": 2, "unit": "nmol/L"}
    labs = [lab(350, when="2026-01-05"), lab("haemolysed", when="2025-12"), folate]
    treat = only({"labs": labs, "findings": [NO_SYMPTOMS]}, "treat")
    assert (treat["value"], treat["facts"]) == ("no_basis", ["findings[0]", "labs[0]", "labs[1]"])


def test_5_line_6_low_flag() -> None:
    case = {"labs": [lab(350, flag="below range")], "findings": [NO_SYMPTOMS]}
    assert only(case, "treat")["statements"] == ["R03", "R15", "F06", "R02"]
    case["labs"][0]["flag"] = "lowered"
    assert only(case, "treat")["value"] == "no_basis"


@pytest.mark.parametrize(
    ("neuro", "more", "since", "at", "steps", "asked"),
    [
        ("present", [said("further neurological improvement on treatment", "absent")], None, None, "done now", None),
        ("present", [said("further neurological improvement on treatment")], None, None, "now next", None),
        ("present", [], None, None, "now next", "further neurological improvement on treatment"),
        ("absent", [], "2026-01-05", "2026-01-19", "done now", None),
        ("absent", [], "2026-01-05", "2026-01-18", "now next", None),
        ("absent", [], "2026-01", "2026-02-14", "done now", None),
        ("absent", [], "2026-01", "2026-01-14", "now next", None),
        ("absent", [], "2026-01", "2026-02-13", "now next", "start of the vitamin B12 treatment"),
        ("absent", [], "2026-01-05", None, "now next", "date of the assessment"),
        ("absent", [], "last spring", "2026-03-01", "now next", "start of the vitamin B12 treatment"),
    ],
)
def test_6_3_loading_under_way(
    neuro: str, more: list[Entry], since: str | None, at: str | None, steps: str, asked: str | None
) -> None:
    medicine = {**INJECTED, "course": "loading", "since": since}
    case = {
        "findings": [NO_SYMPTOMS, said("neurological involvement", neuro), *more],
        "labs": [lab(350)],
        "medications": [medicine],
    }
    found = of_kind(case, "regimen", at)
    name = "HYD-NEURO" if neuro == "present" else "HYD-STD"
    assert set(found) == {f"{name}-LOAD", f"{name}-MAINT"}
    assert f"{found[f'{name}-LOAD']['step']} {found[f'{name}-MAINT']['step']}" == steps
    assert set(of_kind(case, "open-question", at)) == ({asked} if asked else set())
    assert only(case, "treat", at)["statements"] == (["G04", "G05"] if neuro == "present" else ["G06", "G07"])


def test_6_2_and_8_pernicious_anaemia_without_a_word_on_neuro() -> None:
    case = {"conditions": [said("pernicious anaemia")], "preferences": [{"topic": "injections", "value": "declined"}]}
    found = of_kind(case, "regimen")
    assert {value: (c["role"], c["step"]) for value, c in found.items()} == {
        "HYD-NEURO-LOAD": ("provisional", "now"), "HYD-STD-LOAD": ("provisional", "now"),
        "LABEL-1": ("alternative", "now"), "LABEL-2": ("alternative", "next"), "LABEL-3": ("alternative", "next"),
        "LABEL-4": ("alternative", "next"), "ORAL-HIGH": ("evidence-option", "now"),
    }  # fmt: skip
    assert found["LABEL-3"]["dose"] == {"text": "100 mcg", "value": 100, "unit": "mcg", "inherited_from": "F09"}
    assert found["LABEL-3"]["route"] is None and found["LABEL-3"]["agent"] is None
    assert found["ORAL-HIGH"]["facts"] == ["conditions[0]", "preferences[0]"]
    assert {value: c["sides"] for value, c in of_kind(case, "conflict").items()} == {
        "CP08": [["G12"], ["F11"]],
        "CP09": [["G11"], ["F01", "F08", "F09", "F10"]],
        "CP10": [["G11"], ["R10", "F01"]],
    }


def test_6_2_maintenance_is_never_loaded_again() -> None:
    medicine = {**INJECTED, "frequency": "every 3 months"}
    found = of_kind({"medications": [medicine], "conditions": [said("malabsorption")]}, "regimen")
    assert {value: (c["role"], c["step"]) for value, c in found.items()} == {
        "HYD-GEN-MAINT": ("provisional", "now"),
        "BNF-MALABS-MAINT": ("alternative", "now"),
    }


def test_9_one_issue_for_equal_records_and_one_each_for_others() -> None:
    case = {"labs": [lab("haemolysed"), lab("haemolysed"), lab("pending"), lab(80, ""), lab(80, "mmol/L")]}
    found = [(c["value"], c["facts"]) for c in tables.conclusions(case) if c["kind"] == "data-issue"]
    assert sorted(found) == [
        ("DI-NOT-A-NUMBER", ["labs[0]", "labs[1]"]),
        ("DI-NOT-A-NUMBER", ["labs[2]"]),
        ("DI-UNIT-IMPOSSIBLE", ["labs[4]"]),
        ("DI-UNIT-MISSING", ["labs[3]"]),
    ]
    assert {"serum vitamin B12", "unit of the serum B12 result"} <= set(of_kind(case, "open-question"))


def test_notes() -> None:
    case = {
        "findings": [said("unlisted thing"), said("fatigue", "resolved"), said("neurological involvement", "maybe")],
        "medications": [{"name": "metformin", "status": "current"}, {"name": "cyanocobalamin", "status": "current"}],
        "preferences": [{"topic": "route", "value": "oral"}],
        "labs": [lab(80), lab(80, "mmol/L"), lab(80, comment="odd")],
    }
    assert tables.noted(case) == {
        "findings[0]", "findings[1]", "findings[2]", "medications[0]", "labs[1]", "labs[2]",
    }  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
def test_random_cases_reach_every_row(seed: int) -> None:
    counts = random_cases.coverage(3000, seed)
    assert random_cases.missing(counts) == set()
    assert set(counts) <= random_cases.EXPECTED


def test_order_of_lists_never_matters() -> None:
    rng = random.Random(5)
    for _ in range(300):
        case, at = random_cases.random_case(rng), random_cases.random_at(rng)
        turned = {key: value[::-1] if isinstance(value, list) else value for key, value in case.items()}

        def summary(drawn: dict[str, Any], day: str | None) -> list[str]:
            return sorted(f"{c['kind']}:{c['value']}:{c['statements']}:{c['assumes']}:{len(c['facts'])}:{c.get('step')}"
                          for c in tables.conclusions(drawn, day))  # fmt: skip

        assert summary(case, at) == summary(turned, at)
