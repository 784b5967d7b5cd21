"""An assessment is certified whatever its conclusions say: ranks, numbers, fields that are not stated, assumptions."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from rdflib import RDF, Literal, URIRef

import citelog
from changed_records import spreading
from citelog import home
from citelog.assess import Assessment, assess
from citelog.checker import certify
from citelog.checker.steps import Steps
from citelog.compare.diff import diff
from citelog.compare.editions import edition
from citelog.compare.effects import Subject
from citelog.knowledge.base import Field, Knowledge, Review
from citelog.knowledge.load import load
from citelog.patient.facts import PATIENT
from citelog.proof.words import Words
from citelog.render import prov
from citelog.reports.compared import compared
from citelog.rules.program import Absent, Constant, Variable
from citelog.serve.pages.entered import Entered
from citelog.serve.pages.views import Desk, view
from citelog.values import Iri
from citelog.vocab import CL
from test_reviews import DAY, SHORT_NIGHTS, SPACE

PREDICATES = """
ex:kind_plan a cl:ConclusionKind ; cl:order 6 ; skos:notation "plan" ; cl:derivedBy "plan" ;
    cl:candidates "thought" ; cl:fields "dose route" .
ex:predicate_plan a cl:DerivedPredicate ; cl:signature "plan(patient: patient, value: term, weight: integer)" ;
    cl:sentence "the plan is {value}" ; cl:absence "the plan is not {value}" .
ex:predicate_thought a cl:DerivedPredicate ; cl:signature "thought(patient: patient, weight: integer, value: term)" ;
    cl:sentence "{value} comes to mind" ; cl:absence "{value} does not come to mind" .
"""
RULES = """
%! What comes to mind, each thing with its weight; the lightest are the plan.

@prefix ex: <https://example.org/short-nights#> .

%%% @cites S13
#[name("heaviest")]
thought(?p, ?weight, ex:COLA) :- tired(?p, ex:PROBABLY), ex:saysNothingAfter(ex:night, ?weight) .

%%% @cites S12
#[name("as-heavy-and-later")]
thought(?p, ?weight, ex:NOT_KNOWN) :- tired(?p, ex:PROBABLY), ex:countsFor(ex:time_zones, ?weight) .

%%% @cites S12
#[name("heavy")]
thought(?p, ?weight, ex:ASK_DOCTOR) :- tired(?p, ex:PROBABLY), ex:countsFor(ex:time_zones, ?weight) .

%%% @cites S10
#[name("light")]
thought(?p, ?weight, ex:BED_EARLIER) :- tired(?p, ex:PROBABLY), ex:atLeast(ex:ASK_DOCTOR, ?weight) .

%%% @cites S10
#[name("lightest")]
thought(?p, ?weight, ex:NAP) :-
    night(?p, ex:NOT_KNOWN), ex:minutes(ex:NAP, _), ex:earlierBy(ex:BED_EARLIER, ?weight) .

%%% @through thought
%%% @assumes caution, advice
#[name("the-plan")]
plan(?p, ?value, ?weight) :-
    thought(?p, ?weight, ?value), ex:tiredFrom(ex:score, ?most), ?weight <= ?most,
    ~caution(?p, ex:COLA), ~advice(?p, ex:ASK_DOCTOR) .
"""
RECORD = {"findings": [{"name": "falling asleep in lessons", "state": "present"}]}


@cache
def plans() -> Knowledge:
    """Short nights, with plans; of one of them the document gives half a dose, of the other nothing."""
    with TemporaryDirectory() as scratch:
        folder = Path(shutil.copytree(SHORT_NIGHTS, Path(scratch) / "short-nights"))
        (folder / "rules" / "60-plans.rls").write_text(RULES.lstrip(), encoding="utf-8")
        with (folder / "predicates.ttl").open("a", encoding="utf-8") as file:
            file.write(PREDICATES)
        opened = load(folder, home.ontology())
    assert opened.knowledge is not None, opened.diagnostics
    return replace(opened.knowledge, fields={Iri(SPACE + "NAP"): {"dose": Field("half", "0.5", None, None, ("S14",))}})


NEEDS_NO_SNORING = (
    "entry(?p, _, ex:cola, cl:present) .",
    "entry(?p, _, ex:cola, cl:present), ~entry(?p, _, ex:snoring, {}) .",
)
COLA = {"name": "cola in the afternoon", "state": "present"}


def without_snoring(folder: Path, state: str) -> Path:
    """Short nights, where the caution about cola asks in the end that snoring is not recorded with a state."""
    shutil.copytree(SHORT_NIGHTS, folder)
    rules = folder / "rules" / "30-advice.rls"
    before, after = NEEDS_NO_SNORING
    text = rules.read_text(encoding="utf-8").replace(before, after.format(state))
    text = text.replace('#[name("cola")]', '%%% @unless entry\n#[name("cola")]')
    rules.write_text(text, encoding="utf-8")
    return folder


def faults(found: Assessment) -> list[str]:
    """What the checker finds wrong with an assessment and its proofs."""
    proofs = [found.why(id_).to_dict() for id_ in found.by_id]
    said = certify(json.loads(found.to_json()), proofs, found.knowledge, found.case, found.at)
    return [str(fault) for fault in said]


def test_candidates_stand_in_the_order_of_their_ranks_and_numbers_as_numbers() -> None:
    found = assess(plans(), RECORD)
    plan = found.by_id["plan:NAP"].to_dict()
    assert [(one["weight"], one["value"]) for one in plan["also"]] == [
        (2, "BED_EARLIER"), (7, "ASK_DOCTOR"), (7, "NOT_KNOWN"), (14, "COLA"),
    ]  # fmt: skip
    assert (plan["weight"], plan["dose"]["value"], plan["route"]) == ("1", 0.5, None)
    assert faults(found) == []


def test_of_what_is_planned_nothing_may_be_stated_at_all() -> None:
    found = assess(plans(), RECORD)
    plan = found.by_id["plan:BED_EARLIER"].to_dict()
    assert (plan["dose"], plan["route"], plan["sentence"]) == (None, None, "The plan is going to bed earlier.")
    assert faults(found) == []


def test_what_is_assumed_stands_in_the_order_of_the_rules_and_then_of_words() -> None:
    found = assess(plans(), RECORD)
    assumed = found.by_id["plan:NAP"].to_dict()["assumes"]
    assert assumed == [
        "a night that counts, or the age, is not recorded",
        "the leaflet does not advise: asking the school doctor",
        "the leaflet does not warn of cola",
    ]
    assert faults(found) == []


def test_the_day_of_birth_beside_an_age_is_noted_as_of_the_day_of_the_assessment() -> None:
    found = assess(plans(), {"context": {"birth_date": "2014-05-01", "age_years": 12}}, "2026-03-09")
    assert [note.text for note in found.notes if "recorded age" in note.text] == [
        "Date of birth: 2014-05-01. The recorded age is used, not the 11 years of 2026-03-09."
    ]
    assert faults(found) == []


ALONE = {
    "the statement that a fact comes from": "S14",
    "a statement that a rule cites": "S10",
    "a statement that a field comes from": "S02",
    "a rule": "the-plan",
    "a rule under it": "night-not-known",
}


@pytest.mark.parametrize("state", ["reviewed", "draft"])
@pytest.mark.parametrize("part", ALONE)
def test_the_checker_finds_the_weakest_part_wherever_it_is(part: str, state: str) -> None:
    """All else is approved."""
    known = plans()
    fields = {Iri(SPACE + "NAP"): {"dose": Field("half", "0.5", None, None, ("S02",))}}
    iris = {id_: said.iri for id_, said in known.statements.items()}
    iris |= {rule.name: known.rule(rule.name) for rule in known.program.rules}
    said = {
        iri: tuple(
            Review(one, Iri(SPACE + "reader"), "Example Reader", DAY, "", "", False)
            for one in ("reviewed", "draft", state if name == ALONE[part] else "approved")
        )
        for name, iri in iris.items()
    }
    found = assess(replace(known, reviews=said, fields=fields), RECORD)
    assert found.by_id["plan:NAP"].review == state
    assert faults(found) == []
    assert {one.review for id_, one in found.by_id.items() if not id_.startswith("plan")} <= {"approved", state}


@pytest.mark.parametrize(
    ("state", "snoring", "said"),
    [
        ("cl:present", "absent", "Loud snoring is not recorded as present."),  # it is recorded, and as absent
        ("cl:present", None, "Loud snoring is not recorded as present."),
        ("_", None, "Loud snoring is not recorded."),
    ],
)
def test_a_proof_never_says_of_something_recorded_that_it_is_not_recorded(
    tmp_path: Path, state: str, snoring: str | None, said: str
) -> None:
    kb = citelog.open(without_snoring(tmp_path / "short-nights", state))
    found = kb.assess({"findings": [COLA, *([{"name": "loud snoring", "state": snoring}] if snoring else [])]})
    proof = json.dumps(found.why("caution:COLA").to_dict())
    assert (said in proof, proof.count("is not recorded")) == (True, 1)
    assert faults(found) == []


def test_what_a_new_premise_asks_for_is_told_as_not_recorded_so(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    shutil.copytree(SHORT_NIGHTS, old)
    rules = Path(shutil.copytree(SHORT_NIGHTS, new)) / "rules" / "30-advice.rls"
    before, also = NEEDS_NO_SNORING[0], "entry(?p, _, ex:cola, cl:present), entry(?p, _, ex:snoring, cl:present) ."
    rules.write_text(rules.read_text(encoding="utf-8").replace(before, also), encoding="utf-8")
    record = Subject("cola", {"findings": [COLA, {"name": "loud snoring", "state": "absent"}]}, "patient")
    found = diff(edition(old, "old"), edition(new, "new"), [record])
    told = " ".join(line.text.strip() for line in compared(found))
    assert "✗ in the way: Loud snoring is not recorded as present. — recorded absent: “Loud snoring: absent.”" in told


@pytest.mark.parametrize(
    ("predicate", "places", "said"),
    [
        ("entry", ("snoring", None), "loud snoring is not recorded"),
        ("entry", ("snoring", "cl:absent"), "loud snoring is not recorded as absent"),
        ("sex", (None,), "the sex is not recorded"),
        ("sex", ("cl:female",), "the sex is not recorded as female"),
        ("preference", (None, None), "no preference is on record"),
        ("preference", ("night", None), "no preference about sleep of a night is on record"),
        ("recorded_when", (None, None), "no record has any readable date"),
        ("result_flag", (None,), "no record carries any flag"),
        ("result_unit_unknown", (), "the unit of every record is known"),
    ],
)
def test_an_absence_speaks_of_nothing_that_was_not_asked_for(
    predicate: str, places: tuple[str | None, ...], said: str
) -> None:
    terms = [one and Iri(CL + one[3:] if one.startswith("cl:") else SPACE + one) for one in places]
    found = assess(plans(), {})
    assert found.words.absence(predicate, (PATIENT, None, *terms)) == said


def test_the_checker_reads_every_absence_aloud_as_the_proofs_do_whatever_in_it_stands_for_anything() -> None:
    """By code of its own: of all the predicates of the shipped knowledge base, each with any of its places open."""
    known = citelog.open().knowledge
    words, checked = Words(known, {}), Steps(known, {}, {})
    for predicate, declared in known.program.predicates.items():
        for closed in product((True, False), repeat=len(declared.arguments)):
            args = tuple(Constant(PATIENT) if one else Variable(f"_{i}") for i, one in enumerate(closed))
            said = words.absence(predicate, tuple(PATIENT if one else None for one in closed))
            assert checked.absent(Absent(predicate, args), {}) == said, (predicate, closed)


# what the shipped knowledge base has no like of: a conclusion that says something of another name beside its value

TOLD = """
ex:kind_told a cl:ConclusionKind ; cl:order 7 ; skos:notation "told" ; skos:prefLabel "Told" ; cl:derivedBy "told" .
ex:predicate_told a cl:DerivedPredicate ; cl:signature "told(patient: patient, value: term, points: integer)" ;
    cl:sentence "the pupil is {value} tired, by {points}" ; cl:absence "the pupil is not told to be {value} tired" .
"""
TELLS = """
%%% @cites S09
#[name("told")]
told(?p, ex:PROBABLY, ?sum) :- tired(?p, ex:PROBABLY), score(?p, ?sum) .
"""


def test_what_a_predicate_says_beside_its_value_is_on_the_pages_that_ask_further_and_in_the_graph(
    tmp_path: Path,
) -> None:
    folder = Path(shutil.copytree(SHORT_NIGHTS, tmp_path / "short-nights"))
    for file, more in (("predicates.ttl", TOLD), ("rules/20-tired.rls", TELLS)):
        (folder / file).write_text((folder / file).read_text(encoding="utf-8") + more, encoding="utf-8")
    kb = citelog.open(folder)
    desk = Desk(kb.knowledge, {}, lambda given: kb.assess(json.loads(given.case)))
    record, none = (Entered(case=json.dumps(one)) for one in (RECORD, {}))
    asked: dict[str, Any] = {"base": "/patient/x", "places": [], "about": "told:PROBABLY"}
    missing = view(desk, asked | {"view": "missing"}, record, desk.assessed(record)).text
    assert '<span class="tag">points 3 → 4</span>' in missing, "as snoring would make it"
    why_not = view(desk, asked | {"view": "why-not"}, none, desk.assessed(none)).text
    assert re.search(r'tired, by 3\. <span class="tag">3</span> <span class="hash from">told:PROBABLY', why_not)
    graph = prov.graph(desk.assessed(record), ["told:PROBABLY"])
    [conclusion] = graph.subjects(URIRef(f"{CL}conclusionValue"), Literal("PROBABLY"))
    said = {
        str(graph.value(one, URIRef(f"{CL}name"))): graph.value(one, RDF.value)
        for one in graph.objects(conclusion, URIRef(f"{CL}argument"))
    }
    assert said["points"] == Literal(3)


def spread(known: Knowledge, *recorded: str) -> Assessment:
    """What is concluded of a record of some signs."""
    return assess(known, {"findings": [{"name": name, "state": "present"} for name in recorded]})


def test_what_is_recorded_and_also_follows_has_both_as_reasons(tmp_path: Path) -> None:
    found = spread(spreading(tmp_path), "loud snoring", "dry mouth")
    mouth = found.by_id["sign:dry_mouth"]
    assert mouth.sentence == "Dry mouth, as recorded. Dry mouth, by way of morning headache."
    assert (mouth.statements, len(mouth.facts)) == (("S06", "S07"), 2)
    proof = found.why("sign:dry_mouth")
    assert {"sign(snoring)", "sign(headache)"} <= {id_.replace("urn:citelog:patient:1, ", "") for id_ in proof.order}
    assert faults(found) == []


def test_what_comes_round_to_itself_is_no_reason_for_itself(tmp_path: Path) -> None:
    found = spread(spreading(tmp_path, "ex:dry_mouth ex:leadsTo ex:snoring ."), "loud snoring", "dry mouth")
    snoring = found.by_id["sign:snoring"]
    assert snoring.sentence == "Loud snoring, as recorded."
    assert (snoring.statements, snoring.facts) == (("S06",), ("f2",))
    assert not [note for note in found.notes if "No conclusion rests on it" in note.text]
    assert faults(found) == []


def test_of_which_entry_a_conclusion_is_its_facts_say_and_nothing_beside_its_value(tmp_path: Path) -> None:
    days = ("2026-03-01", "2026-03-02")
    record = {"findings": [{"name": "loud snoring", "state": "present", "when": day} for day in days]}
    found = assess(spreading(tmp_path), record)
    both = [found.by_id[f"seen:snoring#{n}"] for n in (1, 2)]
    assert [one.facts for one in both] == [("f1",), ("f2",)]
    assert [(dict(one.tags), "entry" in one.to_dict()) for one in both] == [({}, False)] * 2
    assert faults(found) == []
