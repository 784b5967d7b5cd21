"""The safety properties of the B12 knowledge base: which there are, that they hold, and that each of them bites.

Each of `EDITS` makes one mistake in the rules or statements; `verify` must then find the property of its name broken,
and the engine, given the smallest record that shows it, must conclude the same.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import b12
from citelog import home
from citelog.knowledge.base import Knowledge
from citelog.knowledge.files import Drafts
from citelog.knowledge.load import load
from citelog.verify.verdicts import verify

UNDECIDED = ("MN-AGE-RULE", "MN-APPROVED", "MN-BIBLIOGRAPHY", "MN-CITE-INVENT", "MN-JURISDICTION", "MN-OUTSIDE")

RESULTS, STATUS, FINDINGS, TREATMENT, REGIMENS, CAUTIONS, CONFLICTS, ISSUES = (
    f"rules/{name}.rls"
    for name in (
        "10-results", "20-status", "30-findings", "40-treatment", "50-regimens", "60-cautions", "70-conflicts",
        "90-data-issues",
    )
)  # fmt: skip
STATEMENTS = "statements.trig"

EDITS: dict[str, tuple[str, str, str]] = {
    "MN-NO-TREAT": (
        TREATMENT,
        "possible_support(?p, ?drug) :- b12_medicine(?p, ?r, ?drug) .",
        "possible_support(?p, ?drug) :- current_medicine(?p, ?r, ?drug) .",
    ),
    "MN-STD-BY-DEFAULT": (
        REGIMENS,
        "#HYD-STD-LOAD>, treated(?p), before_course(?p, b12:recommended), neuro(?p, cl:absent) .",
        "#HYD-STD-LOAD>, treated(?p), before_course(?p, b12:recommended), neuro(?p, b12:not_recorded) .",
    ),
    "MN-NEURO-REGIMEN": (
        REGIMENS,
        "#HYD-NEURO-LOAD>, treated(?p), before_course(?p, b12:recommended), neuro(?p, cl:present) .",
        "#HYD-NEURO-LOAD>, treated(?p), before_course(?p, b12:recommended), neuro(?p, b12:possible) .",
    ),
    "MN-STD-REGIMEN": (
        REGIMENS,
        "#HYD-STD-LOAD>, treated(?p), not_on_maintenance(?p), neuro(?p, cl:unknown) .",
        "#HYD-STD-LOAD>, treated(?p), not_on_maintenance(?p), neuro(?p, b12:possible) .",
    ),
    "MN-LEVEL-GATES": (
        TREATMENT,
        "b12:line_1, b12:immediate) :- symptomatic(?p, b12:yes) .",
        "b12:line_1, b12:immediate) :- symptomatic(?p, b12:yes), status(?p, b12:below_all_cutoffs) .",
    ),
    "MN-RULED-OUT": (
        STATUS,
        "class_of(?p, ?r, b12:above_all_cutoffs), ~some_dispute(?p)",
        "class_of(?p, ?r, b12:within_debated_cutoffs), ~some_dispute(?p)",
    ),
    "MN-BAND": (
        RESULTS,
        "b12:below_all_cutoffs) :- level(?p, ?r, ?value, ?range), cl:lowEnd(?range, ?low), ?value < ?low .",
        "b12:below_all_cutoffs) :- level(?p, ?r, ?value, ?range), cl:lowEnd(?range, ?low), ?value > ?low .",
    ),
    "MN-SINGLE-CUTOFF": (
        RESULTS,
        "allows(?p, ?r, b12:below_all_cutoffs) :- level(?p, ?r, ?value, ?range), cl:lowEnd",
        "allows(?p, ?r, b12:below_all_cutoffs) :- level(?p, ?r, ?value, ?range), cl:highEnd",
    ),
    "MN-MISSING-AS-VALUE": (
        STATUS,
        "level_status(?p, b12:not_assessed) :-",
        "level_status(?p, b12:above_all_cutoffs) :-",
    ),
    "MN-UNKNOWN-AS-ABSENT": (
        FINDINGS,
        "symptomatic(?p, b12:no) :- state(?p, b12:symptoms, cl:absent) .",
        "symptomatic(?p, b12:no) :- state(?p, b12:symptoms, cl:unknown) .",
    ),
    "MN-UNIT-COERCE": (
        RESULTS,
        "measured(?p, ?r), result_value(?p, ?r, ?recorded), result_unit(?p, ?r, ?unit),\n"
        "    cl:acceptsUnit(b12:serum_b12, ?unit), cl:factor(?unit, ?factor), cl:comparedIn(?unit, ?printed),\n"
        "    cl:CutoffRange(?range), cl:comparedIn(?range, ?printed),",
        "measured(?p, ?r), result_value(?p, ?r, ?recorded), result_unit(?p, ?r, ?unit),\n"
        "    cl:acceptsUnit(b12:serum_b12, ?unit), cl:factor(?unit, ?factor), cl:CutoffRange(?range),",
    ),
    "MN-SEVERE-FROM-NUMBER": (
        FINDINGS,
        "severe(?p) :- state(?p, b12:severe_deficiency, cl:present) .",
        "severe(?p) :- status(?p, b12:below_all_cutoffs) .",
    ),
    "MN-SEVERE-FROM-NEURO": (
        FINDINGS,
        "severe(?p) :- state(?p, b12:severe_deficiency, cl:present) .",
        "severe(?p) :- neuro_suspected(?p) .",
    ),
    "MN-BIOMARKER-CONFIRM": (
        TREATMENT,
        "deficiency(?p) :- status(?p, b12:below_all_cutoffs) .",
        "deficiency(?p) :- biomarker_result(?p, ?r) .",
    ),
    "MN-ANALYTE-SWAP": (
        RESULTS,
        "level_result(?p, ?r) :- result(?p, ?r, b12:serum_b12) .",
        "level_result(?p, ?r) :- result(?p, ?r, ?analyte) .",
    ),
    "MN-CAUSE-INFER": (
        CAUTIONS,
        "cause_matters(?p), b12:RecordedCause(?cause), state(?p, ?cause, cl:present) .",
        "cause_matters(?p), b12:RecordedCause(?cause), state(?p, ?cause, cl:unknown) .",
    ),
    "MN-PROPHYLAXIS": (
        TREATMENT,
        "treat_line(?p, b12:line_4, b12:indicated) :- state(?p, b12:significant_deficiency, cl:present) .",
        "treat_line(?p, b12:line_4, b12:indicated) :- state(?p, b12:malabsorption, cl:present) .",
    ),
    "MN-STOP-MAINT": (
        TREATMENT,
        "phase(?p, cl:maintenance), medicine_phase(?p, ?r, cl:maintenance), neuro(?p, ?neuro), ?neuro != cl:present .",
        "phase(?p, cl:maintenance), medicine_phase(?p, ?r, cl:maintenance), neuro(?p, ?neuro), ?neuro != cl:present,\n"
        "    status(?p, b12:below_all_cutoffs) .",
    ),
    "MN-RELOAD": (
        REGIMENS,
        "not_on_maintenance(?p) :- during(?p, cl:loading) .",
        "not_on_maintenance(?p) :- during(?p, ?course) .",
    ),
    "MN-FIXED-LOAD": (
        REGIMENS,
        "#HYD-NEURO-LOAD>, treated(?p), during(?p, cl:loading), neuro(?p, cl:present), improvement_ended(?p) .",
        "#HYD-NEURO-LOAD>, treated(?p), during(?p, cl:loading), neuro(?p, cl:present), loading_complete(?p) .",
    ),
    "MN-LOAD-FOREVER": (
        REGIMENS,
        "improvement_ended(?p) :- state(?p, b12:further_improvement, cl:absent) .",
        "improvement_ended(?p) :- state(?p, b12:further_improvement, cl:unknown) .",
    ),
    "MN-MAINT-EARLY": (
        REGIMENS,
        "#HYD-NEURO-MAINT>, treated(?p), during(?p, cl:loading), neuro(?p, cl:present), improvement_ended(?p) .",
        "#HYD-NEURO-MAINT>, treated(?p), during(?p, cl:loading), neuro(?p, cl:present) .",
    ),
    "MN-G05-FOR-LIFE": (
        CONFLICTS,
        "conflict(?p, b12:CP07) :- shown(?p, <https://w3id.org/citelog/b12#HYD-NEURO-MAINT>) .",
        "conflict(?p, b12:CP07) :- shown(?p, <https://w3id.org/citelog/b12#HYD-STD-MAINT>) .",
    ),
    "MN-F02-FOR-LIFE": (
        REGIMENS,
        "#LABEL-4>, treated(?p), not_on_maintenance(?p), state(?p, b12:pernicious_anaemia, cl:present),",
        "#LABEL-4>, treated(?p), not_on_maintenance(?p), state(?p, b12:normal_absorption, cl:present),",
    ),
    "MN-FOLATE-FIRST": (
        CAUTIONS,
        "#CA-FOLATE-NOT-FIRST>) :- folate_matters(?p) .",
        "#CA-FOLATE-NOT-FIRST>) :- severe(?p) .",
    ),
    "MN-FOLATE-STOP": (
        CAUTIONS,
        "#CA-FOLATE-WITH-IF-NEEDED>) :- folate_matters(?p) .",
        "#CA-FOLATE-WITH-IF-NEEDED>) :- severe(?p) .",
    ),
    "MN-FOLATE-DOSE": (
        STATEMENTS,
        'cl:timing          "concomitantly" ;',
        'cl:timing          "concomitantly" ;\n        cl:dose b12:LABEL-1-dose ;',
    ),
    "MN-ORAL-BARRED": (
        REGIMENS,
        "prefers_oral(?p) :- preference(?p, ?r, b12:injections, b12:declined) .",
        "prefers_oral(?p) :- preference(?p, ?r, b12:injections, b12:accepted) .",
    ),
    "MN-ORAL-FIRST-SEVERE": (
        FINDINGS,
        "severe(?p) :- state(?p, b12:severe_deficiency, cl:present) .",
        "severe(?p) :- state(?p, b12:severe_deficiency, cl:unknown) .",
    ),
    "MN-ORAL-FORM": (STATEMENTS, 'cl:text "vitamin B12" .', 'cl:text "vitamin B12" ;  cl:means b12:cyanocobalamin .'),
    "MN-NO-REFERRAL": (
        FINDINGS,
        "neuro_suspected(?p) :- neuro(?p, b12:possible) .",
        "neuro_suspected(?p) :- neuro(?p, cl:unknown) .",
    ),
    "MN-ONE-SPECIALIST": (
        STATEMENTS,
        "cl:adviceFrom      b12:neurologist , b12:haematologist ;",
        "cl:adviceFrom      b12:neurologist ;",
    ),
    "MN-REFER": (
        FINDINGS,
        "neuro_suspected(?p) :- neuro(?p, b12:conflicting) .",
        "neuro_suspected(?p) :- neuro(?p, cl:absent) .",
    ),
    "MN-REFER-BEFORE-TREAT": (
        TREATMENT,
        "deficiency(?p) :- state(?p, b12:diagnosed_deficiency, cl:present) .",
        "deficiency(?p) :- state(?p, b12:diagnosed_deficiency, cl:unknown) .",
    ),
    "MN-PICK-SILENTLY": (
        ISSUES,
        "b12:symptoms) :- symptomatic(?p, b12:conflicting) .",
        "b12:symptoms) :- symptomatic(?p, cl:unknown) .",
    ),
    "MN-FALSE-CONFLICT": (
        CONFLICTS,
        "conflict(?p, b12:CP01) :- symptomatic(?p, b12:yes),",
        "conflict(?p, b12:CP01) :- symptomatic(?p, b12:no),",
    ),
    "MN-DUPLICATE": (
        REGIMENS,
        "#HYD-STD-LOAD>, treated(?p), during(?p, cl:loading), neuro(?p, cl:absent), loading_complete(?p) .",
        "#HYD-STD-LOAD>, treated(?p), during(?p, cl:loading), neuro(?p, cl:absent) .",
    ),
    "MN-MERGE-DOSES": (
        REGIMENS,
        "#HYD-NEURO-MAINT>, treated(?p), before_course(?p, b12:recommended), neuro(?p, cl:present) .",
        "#HYD-NEURO-MAINT>, treated(?p), before_course(?p, b12:recommended), neuro(?p, cl:absent) .",
    ),
    "MN-MONITOR-INTERVAL": (
        STATEMENTS,
        'b12:MO-B12-REGULAR-frequency    cl:text "regularly" .',
        'b12:MO-B12-REGULAR-frequency    cl:text "regularly" ;  cl:timeUnit cl:month .',
    ),
    "MN-SYMPTOM-LIST": (
        FINDINGS,
        "symptomatic(?p, cl:unknown) :- state(?p, b12:fatigue, cl:present), ~symptoms_recorded(?p) .",
        "symptomatic(?p, b12:yes) :- state(?p, b12:fatigue, cl:present), ~symptoms_recorded(?p) .",
    ),
    "MN-BNF-AUTO": (
        REGIMENS,
        "#BNF-MALABS-MAINT>, treated(?p), not_on_maintenance(?p), state(?p, b12:malabsorption, cl:present),",
        "#BNF-MALABS-MAINT>, treated(?p), not_on_maintenance(?p), state(?p, b12:pernicious_anaemia, cl:present),",
    ),
    "MN-AGENT-NAMED": (
        STATEMENTS,
        "cl:forPopulation   b12:pernicious_anaemia ;\n        cl:dose            b12:LABEL-1-dose ;",
        "cl:forPopulation   b12:pernicious_anaemia ;\n        cl:agent b12:HYD-STD-LOAD-agent ;\n"
        "        cl:dose            b12:LABEL-1-dose ;",
    ),
}  # fmt: skip
"""For each property that is decided: a file, what stands there, and the mistake to make of it."""

QUICK = ("MN-ANALYTE-SWAP", "MN-UNIT-COERCE")
"""Those that need a small part of the rules, and so little time."""


def with_mistake(property_: str) -> Knowledge:
    """The knowledge base with the mistake that breaks a property."""
    name, text, mistake = EDITS[property_]
    path: Path = b12.FOLDER / name
    shipped = path.read_text(encoding="utf-8")
    assert shipped.count(text) == 1, f"{name} holds {shipped.count(text)} times: {text}"
    found = load(b12.FOLDER, home.ontology(), Drafts({path: shipped.replace(text, mistake)}))
    assert found.knowledge is not None, [str(d) for d in found.diagnostics]
    return found.knowledge


@cache
def declared() -> dict[str, str]:
    """The properties that are declared, each with its reason for being undecided, if it is."""
    return {one.id: one.undecided for one in b12.knowledge().properties}


def test_the_properties_are_those_of_the_decision_tables() -> None:
    """Each name of table 13 is declared, and each that is declared is in it; no other is undecided than these."""
    table = (b12.FOLDER / "decisions.md").read_text(encoding="utf-8").split("\n## 13.")[1]
    listed = [line.split(" | ")[0].strip("| ") for line in table.splitlines() if line.startswith("| MN-")]
    assert sorted(declared()) == sorted(listed) == sorted({*EDITS, *UNDECIDED})
    assert sorted(name for name, reason in declared().items() if reason) == sorted(UNDECIDED)


@pytest.mark.long
def test_every_property_holds_for_every_patient() -> None:
    """And all that verification asks of itself. The one idle rule is for units that terms.ttl has none of."""
    found = verify(b12.knowledge())
    assert [v.about for v in (*found.properties, *found.kinds) if not v.holds] == []
    assert sorted(v.about for v in found.properties) == sorted(EDITS)
    assert sorted(u.about for u in found.undecided) == sorted(UNDECIDED)
    assert found.idle == ("unusable-unit-of-another-quantity",)


def bites(name: str) -> None:
    """A mistake breaks the property, and the engine confirms it of the smallest record that shows it."""
    (verdict,) = verify(with_mistake(name), [name]).properties
    assert not verdict.holds
    assert verdict.witness is not None
    broken = [c.value for c in verdict.witness.assessment.conclusions if c.kind == "violation"]
    assert name in broken, f"{verdict.witness.case}: {broken}"


@pytest.mark.parametrize("name", QUICK)
def test_a_mistake_breaks_it(name: str) -> None:
    bites(name)


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(EDITS.keys() - set(QUICK)))
def test_a_mistake_breaks_each(name: str) -> None:
    bites(name)
