"""`citelog audit`: what a knowledge base rests on, counted, each thing with its place; no figure is one that stays."""

from __future__ import annotations

import csv
import html
import io
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import b12
import walked
from authoring import ROOT, Command
from citelog import home, schemas
from citelog.advice.review import review_opened
from citelog.audit import gates, members
from citelog.audit.model import TOPICS, WEIGHTS, Audit, Figure, total
from citelog.audit.report import CODES, MEASURES, audited
from citelog.audit.subject import Subject, subject
from citelog.audit.trace import LEVELS, Trace
from citelog.audit.tracing import trace
from citelog.knowledge.files import NO_DRAFTS, Drafts
from citelog.knowledge.load import load
from citelog.render import template
from citelog.render.page import page as assessment_page
from citelog.reports.audit_page import audit_page
from citelog.trial.coverage import Survey
from citelog.trial.expectations import case_files
from commits import at_each_commit
from test_schemas import form, problem

NIGHTS = (ROOT / "examples" / "short-nights").resolve()
B12 = (ROOT / "knowledge" / "b12").resolve()
INVENTORY = {  # what the page about the document says of its sentences, counted by hand
    "segment-set-aside": (19, 64),
    "quote-unverified": (0, 57),
    "statement-outside-segments": (0, 57),
    "marker-unresolved": (7, 7),  # the document prints 1 to 7 and has no bibliography
    "marker-none": (28, 57),  # M 6, G01 G02 G10–G13, F01–F05 F08–F12, D 6
    "marker-one": (20, 57),  # G03–G09 G14–G18, F06 F07, R08–R13
    "marker-inherited": (4, 57),  # the four bullets G10–G13, whose list has one marker, on its last
    "conflict": (19, 19),
    "detail-not-stated": (15, 60),
    "detail-inherited": (5, 60),
}


@cache
def seen(folder: Path) -> Subject:
    return subject(folder)


@cache
def of(folder: Path) -> Audit:
    return audited(seen(folder))


def bare(folder: Path, drafts: Drafts = NO_DRAFTS) -> Subject:
    """What is audited, without a run of its cases."""
    opened = load(folder, home.ontology(), drafts)
    return Subject(folder, opened, review_opened(folder, opened), ())


def about(figure: Figure) -> list[str]:
    return [item.about for item in figure.items]


# --- the figures of the shipped knowledge base, by hand ----------------------------------------------------------


@pytest.mark.parametrize("code", INVENTORY)
def test_a_figure_of_b12_is_what_a_reader_of_the_document_counts(code: str) -> None:
    figure = of(B12).figure(code)
    assert (figure.count, figure.of) == INVENTORY[code]


def test_nothing_of_b12_is_broken_and_one_rule_is_without_a_case() -> None:
    assert of(B12).holds
    assert [
        (one.code, about(one))
        for one in of(B12).figures
        if one.weight == "open" and one.items and one.code not in ("not-reviewed", "review-outdated", "not-approved")
    ] == [
        ("rule-untried", ["unusable-unit-of-another-quantity"]),
        ("orphan", ["unusable-unit-of-another-quantity"]),
    ]
    reviewed = of(B12).figure("not-reviewed")
    assert reviewed.of == 57 + len(seen(B12).usable.guarded.rules)


def test_an_inherited_number_is_never_told_as_a_printed_one() -> None:
    by = {item.about: item.text for item in of(B12).figure("marker-unresolved").items}
    printed, taken = by["[1]"].split("; ")[1].split(", ")
    assert printed == "printed in G03 G04 G05 G06 G07 G08 G09 G14 G15 G16 G17 G18"
    assert taken == "taken over in G10 G11 G12 G13"


def test_the_status_is_the_one_that_a_sentence_states_and_no_label_of_a_list() -> None:
    (status,) = of(B12).figure("document-status").items
    assert status.text == "pending human review, says M03: “Exercise caution as content is pending human review”"


def test_people_that_a_sentence_leaves_out_are_told_where_they_are_filled_in() -> None:
    assert about(of(B12).figure("population-differs")) == ["G02", "G04", "G07", "G09"]
    (added,) = of(B12).figure("encoder-population").items
    assert added.text == "b12:HYD-NEURO-MAINT cl:forPopulation b12:neuro_involvement"


def test_what_the_document_leaves_out_of_a_step_is_told_with_the_statements_of_the_step() -> None:
    missing = [(item.about, item.text.split(":")[0]) for item in of(B12).figure("detail-not-stated").items]
    assert ("regimen:HYD-NEURO-MAINT", "duration") in missing  # “for life” is G07's and G12's, not G05's
    assert sum(name.startswith("regimen:LABEL-") and what == "agent" for name, what in missing) == 5


def test_the_example_audits_fine() -> None:
    assert of(NIGHTS).holds
    assert about(of(NIGHTS).figure("conflict")) == ["CP01"]
    assert about(of(NIGHTS).figure("encoder-unnamed")) == ["minute", "hour"]  # its about.ttl names no encoder


# --- the audit, check and coverage tell the same ----------------------------------------------------------


@pytest.mark.parametrize("folder", [pytest.param(B12, marks=pytest.mark.slow), NIGHTS], ids=["b12", "short-nights"])
def test_what_is_untried_is_what_coverage_finds(folder: Path) -> None:
    knowledge = seen(folder).usable
    survey = Survey(knowledge, case_files(folder)).coverage()
    for aspect in ("rule", "statement", "conclusion", "conflict"):
        figure = of(folder).figure(f"{aspect}-untried")
        done, total = survey.counts(aspect)
        assert (figure.of - figure.count, figure.of) == (done, total)


@pytest.mark.parametrize("folder", [B12, NIGHTS], ids=["b12", "short-nights"])
def test_every_finding_of_check_is_in_one_figure_and_none_is_made_up(folder: Path) -> None:
    found = seen(folder).findings
    told = [of(folder).figure(code) for code in ("check-error", "advice-open", "advice-accepted")]
    assert sorted((str(i.span), i.text) for one in told for i in one.items) == sorted(
        (str(d.span), d.message) for d in found
    )


@pytest.mark.parametrize("folder", [B12, NIGHTS], ids=["b12", "short-nights"])
def test_every_item_stands_where_it_says(folder: Path) -> None:
    for figure in of(folder).figures:
        for item in figure.items:
            lines = (folder.parent / item.span.file).read_text(encoding="utf-8").splitlines()
            assert 0 < item.span.line <= len(lines), f"{figure.code}: {item}"
            near = "\n".join(lines[max(0, item.span.line - 60) : item.span.line])
            id_ = item.about.rpartition(":")[2].strip("[]")
            assert re.search(rf"(?<![\w-]){re.escape(id_)}(?![\w-])", near) or figure.code == "check-error", item


def test_each_figure_says_what_it_counts_and_what_that_means() -> None:
    assert len({one.code for one in MEASURES}) == len(MEASURES)
    for one in MEASURES:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.code)
        assert one.weight in WEIGHTS and one.topic in TOPICS
        assert one.meaning.endswith(".") and one.title[0].islower()


# --- damage: no figure is one that cannot change ----------------------------------------------------------

Edit = tuple[str, str, str]
"""A file, words of it, and what is written in their place."""

BY = "<http://www.w3.org/ns/prov#wasAttributedTo> ex:me"
EXPECTED = """
  include: ["night:NOT_KNOWN", "open-question:age in years", "open-question:sleep of a night"]
  exclude: ["night:SHORT", "night:LONG_ENOUGH"]"""
KB = "ex:kb a cl:KnowledgeBase ;"
REVIEW = """
ex:me a <http://www.w3.org/ns/prov#Agent> ; rdfs:label "a reader" .
ex:review_S13_1 a cl:Review ; cl:reviews ex:S13 ; cl:order 1 ; cl:reviewState cl:reviewed ;
    <http://www.w3.org/ns/prov#wasAttributedTo> ex:me ;
    dcterms:date "2026-03-15"^^<http://www.w3.org/2001/XMLSchema#date> ;
    cl:reviewedAs "ff0e01508574f3704588c44d615b3a9cd073d25708a2d7ac9bb2f9e8c08f3872" .
"""
STATEMENT, S13 = "ex:S06 a cl:Statement ;\n", "ex:S13 a cl:Statement ;\n"
DAMAGES: Mapping[str, Edit] = {
    "document-changed": ("source/leaflet.txt", "Sleep well!", "Sleep well."),
    "document-status": ("about.ttl", '    cl:reviewStatus       "Nobody has reviewed it" ;\n', ""),
    "segment-unaccounted": ("segments.ttl", '"Sleep well!"', '"Sleep"'),
    "segment-unread": ("segments.ttl", '"a greeting"', '"not yet read"'),
    "segment-set-aside": ("segments.ttl", 'cl:outOfScope  "a greeting"', "cl:encodedAs ex:S15"),
    "quote-unverified": ("statements.trig", '    cl:quote "Yawning in lessons counts 1 point" ;\n', ""),
    "place-wrong": ("statements.trig", "cl:start 335", "cl:start 336"),
    "place-unwritten": ("statements.trig", "cl:line 11 ; cl:start 335 ; cl:end 368 ;", ""),
    "statement-outside-segments": ("segments.ttl", "cl:encodedAs   ex:S06", "cl:encodedAs   ex:S07"),
    "statement-empty": ("statements.trig", "ex:S06 { ex:yawning ex:points 1 . }", ""),
    "value-not-in-quote": (
        "statements.trig",
        "ex:S06 { ex:yawning ex:points 1 . }",
        "ex:S06 { ex:yawning ex:points 2 . }",
    ),
    "triple-outside-statement": ("terms.ttl", "ex:cola a cl:Finding ;", "ex:cola ex:points 1 . ex:cola a cl:Finding ;"),
    "statement-without-rule": ("rules/30-advice.rls", "%%% @cites S13", "%%% @convention None."),
    "statement-set-aside": ("statements.trig", S13, S13 + '    cl:accepts "statement-without-rule: ours" ;\n'),
    "marker-mismatch": ("statements.trig", STATEMENT, STATEMENT + '    cl:markers "1" ;\n'),
    "marker-unresolved": ("statements.trig", STATEMENT, STATEMENT + '    cl:inherited "7" ;\n'),
    "marker-none": ("statements.trig", STATEMENT, STATEMENT + '    cl:markers "1" ;\n'),
    "marker-one": ("statements.trig", STATEMENT, STATEMENT + '    cl:markers "1" ;\n'),
    "marker-inherited": ("statements.trig", STATEMENT, STATEMENT + '    cl:inherited "7" ;\n'),
    "population-differs": ("statements.trig", 'cl:population "a tired pupil"', 'cl:population "a good pupil"'),
    "population-not-stated": ("statements.trig", '    cl:population "a tired pupil" ;\n', ""),
    "conflict": ("conflicts.ttl", "ex:CP01 a cl:Conflict ;", "ex:CP01 a skos:Concept ;"),
    "conflict-unreached": ("rules/30-advice.rls", "conflict(?p, ex:CP01) :-", "advice(?p, ex:NAP) :-"),
    "conflict-of-document": ("conflicts.ttl", '"patient"', '"document"'),
    "encoder-triple": (
        "statements.trig",
        "ex:S06 {",
        f"ex:mine {BY} .\nex:mine {{ ex:cola ex:points 1 . }}\nex:S06 {{",
    ),
    "encoder-fact": ("terms.ttl", "ex:cola a cl:Finding ;", "ex:cola ex:points 1 . ex:cola a cl:Finding ;"),
    "encoder-unnamed": ("about.ttl", "ex:kb a cl:KnowledgeBase ;", f"ex:kb a cl:KnowledgeBase ; {BY} ;"),
    "encoder-population": (
        "terms.ttl",
        "ex:cola a cl:Finding ;",
        "ex:NAP cl:forPopulation ex:cola . ex:cola a cl:Finding ;",
    ),
    "rule-convention": ("rules/30-advice.rls", "%%% @cites S13", "%%% @convention None."),
    "rule-assumes": ("rules/50-questions.rls", "%%% @assumes counts", "%%% @unless counts"),
    "rule-without-statement": ("rules/30-advice.rls", "%%% @cites S13\n", ""),
    "rule-wider-population": ("statements.trig", S13, S13 + '    cl:population "loud snoring" ;\n'),
    "rule-hedge-dropped": ("rules/30-advice.rls", "may keep the pupil awake", "keeps the pupil awake"),
    "case-failing": ("cases/nothing-recorded.yaml", 'exclude: ["night:SHORT"', 'exclude: ["night:NOT_KNOWN"'),
    "case-without-expectation": ("cases/nothing-recorded.yaml", EXPECTED, ""),
    "rule-untried": ("cases/tired-and-short.yaml", "cola in the afternoon", "yawning in lessons"),
    "statement-untried": ("cases/tired-and-short.yaml", "cola in the afternoon", "yawning in lessons"),
    "conclusion-untried": ("cases/tired-and-short.yaml", "cola in the afternoon", "yawning in lessons"),
    "conflict-untried": (
        "rules/30-advice.rls",
        "advice(?p, ex:NAP) .",
        "advice(?p, ex:NAP), entry(?p, _, ex:cola, cl:absent) .",
    ),
    "property-undecided": (
        "properties.ttl",
        "ex:NO_BLAME a",
        'ex:NO_SHAME a cl:SafetyProperty ; skos:definition "Shames." ; cl:undecided "Wording." .\n\nex:NO_BLAME a',
    ),
    "check-error": ("rules/30-advice.rls", "%%% @cites S13\n", ""),
    "advice-open": ("rules/30-advice.rls", "%%% @cites S13", "%%% @convention None."),
    "advice-accepted": ("statements.trig", S13, S13 + '    cl:accepts "statement-without-rule: ours" ;\n'),
    "not-reviewed": ("about.ttl", KB, REVIEW + KB),
    "review-outdated": ("statements.trig", S13, S13 + '    cl:remark "Changed." ;\n'),
    "not-approved": ("about.ttl", KB, REVIEW.replace("cl:reviewed ;", "cl:approved ;") + KB),
    "triple-unread": ("rules/30-advice.rls", "ex:DoctorSign(?sign), entry(", "entry("),
    "orphan": ("cases/tired-and-short.yaml", "cola in the afternoon", "yawning in lessons"),
}
"""For each figure an edit of the example that changes it."""


OF_B12: Mapping[str, Edit] = {
    "detail-not-stated": ("statements.trig", " ;\n        cl:duration        b12:HYD-STD-LOAD-duration .", " ."),
    "detail-inherited": ("statements.trig", "        cl:dose            b12:HYD-NEURO-MAINT-dose ;\n", ""),
}
FIRST: Mapping[str, tuple[Edit, ...]] = {
    "review-outdated": (("about.ttl", KB, REVIEW + KB),),
    "conflict-of-document": (
        ("rules/30-advice.rls", "conflict(?p, ex:CP01) :-", "advice(?p, ex:NAP) :-"),
    ),  # what is written before, so that there is something to damage
    "statement-set-aside": (("rules/30-advice.rls", "%%% @cites S13", "%%% @convention None."),),
    "advice-accepted": (("rules/30-advice.rls", "%%% @cites S13", "%%% @convention None."),),
}


@pytest.mark.parametrize("code", at_each_commit(CODES))
def test_a_figure_changes_with_an_edit_of_the_files(code: str) -> None:
    folder, edit = (B12, OF_B12[code]) if code in OF_B12 else (NIGHTS, DAMAGES[code])
    before = counted_after(code, folder, *FIRST.get(code, ()))
    after = counted_after(code, folder, *FIRST.get(code, ()), edit)
    assert not after.uncounted
    assert (before.count, before.of) != (after.count, after.of), "the edit changes nothing"
    assert [item.to_dict() for item in before.items] != [item.to_dict() for item in after.items]


def counted_after(code: str, folder: Path, *edits: Edit) -> Figure:
    """A figure of a folder in which words of files are replaced; the files themselves stay as they are."""
    drafts = Drafts()
    for name, old, new in edits:
        text = drafts.get(folder / name) or (folder / name).read_text(encoding="utf-8")
        assert old in text, f"{name} has no {old!r}"
        drafts[folder / name] = text.replace(old, new, 1)
    measure = next(one for one in MEASURES if one.code == code)
    if folder != NIGHTS:
        return measure.figure(bare(folder, drafts))
    return measure.figure(subject(folder, drafts) if drafts else seen(folder))


@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.data())
def test_a_line_less_is_seen_in_the_figures_or_in_the_trace(data: st.DataObject) -> None:
    """Whatever the hashes tell: no line of what is encoded can go without a figure or a link that differs."""
    name = data.draw(st.sampled_from(["statements.trig", "segments.ttl", "conflicts.ttl", "rules/30-advice.rls"]))
    lines = (NIGHTS / name).read_text(encoding="utf-8").split("\n")
    meant = [i for i, line in enumerate(lines) if line.strip() and not re.match(r"#|%(?!%% @)|@prefix", line)]
    gone = data.draw(st.sampled_from(meant))
    drafts = Drafts({NIGHTS / name: "\n".join(lines[:gone] + lines[gone + 1 :])})
    assert told(subject(NIGHTS, drafts)) != told(seen(NIGHTS)), f"{name}:{gone + 1} {lines[gone]}"


def told(of: Subject) -> object:
    figures = [one.to_dict() for one in audited(of).figures]
    return (figures, trace(of).to_dict()) if of.knowledge else figures


# --- the way from a sentence to a conclusion, and back ----------------------------------------------------------


def way(found: Trace, level: str, id_: str, towards: str) -> list[str]:
    node = found.by_key[level, id_]
    forth = list(LEVELS).index(towards) > list(LEVELS).index(level)
    return [one.id for one in (found.forth if forth else found.back)(node, towards)]


def test_a_sentence_leads_to_its_statements_rules_and_conclusions_and_these_lead_back() -> None:
    found = trace(seen(NIGHTS))
    (sentence,) = [one for one in found.of("sentence") if one.text.startswith("Cola")]
    assert way(found, "sentence", sentence.id, "statement") == ["S13"]
    assert way(found, "statement", "S13", "rule") == ["cola"]
    assert way(found, "rule", "cola", "conclusion") == ["caution:COLA"]
    assert way(found, "conclusion", "caution:COLA", "case") == ["tired-and-short"]
    assert way(found, "conclusion", "caution:COLA", "statement") == ["S13"]
    assert way(found, "statement", "S13", "sentence") == [sentence.id]


def test_a_rule_leads_to_a_conclusion_where_it_stands_in_its_proof() -> None:
    found, knowledge = trace(seen(NIGHTS)), seen(NIGHTS).usable
    proved: dict[str, set[str]] = {}
    for ran in seen(NIGHTS).ran:
        assert ran.answer is not None
        for one in ran.answer.conclusions:
            steps = ran.answer.why(one.id).to_dict()["steps"]
            proved.setdefault(one.id, set()).update(step["rule"] for step in steps if step["kind"] == "firing")
    for id_, rules in proved.items():
        assert set(way(found, "conclusion", id_, "rule")) == rules
    assert len(found.of("rule")) == len(knowledge.guarded.rules)


def test_a_rule_that_works_by_keeping_another_from_firing_is_no_orphan() -> None:
    found = trace(seen(NIGHTS))
    assert way(found, "rule", "crossed-lately", "conclusion") == []
    kept = [other[1] for one, other in found.links if one == ("rule", "crossed-lately")]
    assert kept == ["bed-earlier", *(name for name in kept if name != "bed-earlier")]
    assert not found.orphans


def test_the_one_orphan_of_b12_is_the_rule_that_no_record_can_reach() -> None:
    found = trace(seen(B12))
    assert [(one.node.level, one.node.id, one.towards) for one in found.orphans] == [
        ("rule", "unusable-unit-of-another-quantity", "answer")
    ]
    assert {one.text for one in found.of("sentence")} >= {
        "Approved",
        "Exercise caution as content is pending human review",
    }


CUT: Mapping[str, tuple[Edit, list[tuple[str, str, str]]]] = {
    "a sentence that nobody has read": (DAMAGES["segment-unread"], [("sentence", "segment_22", "answer")]),
    "a statement that nothing rests on": (DAMAGES["statement-without-rule"], [("statement", "S13", "answer")]),
    "a triple that nobody vouches for": (
        ("statements.trig", "ex:S06 {", "ex:mine { ex:cola ex:points 1 . }\nex:S06 {"),
        [("triple", "ex:cola ex:points 1", "document")],
    ),
    "a rule and its conclusion that no case shows": (
        DAMAGES["orphan"],
        [
            ("rule", "cola", "answer"),
            ("conclusion", "caution:COLA", "document"),
            ("conclusion", "caution:COLA", "answer"),
        ],
    ),
}


@pytest.mark.parametrize("what", CUT)
def test_where_a_link_is_cut_its_ends_are_orphans_and_nothing_else_is(what: str) -> None:
    (name, old, new), ends = CUT[what]
    text = (NIGHTS / name).read_text(encoding="utf-8")
    assert old in text
    found = trace(subject(NIGHTS, Drafts({NIGHTS / name: text.replace(old, new, 1)})))
    assert [(one.node.level, one.node.id, one.towards) for one in found.orphans] == ends


def test_what_a_step_shows_beside_the_rules_leads_to_it_too() -> None:
    found = trace(seen(B12))
    shown = way(found, "conclusion", "regimen:HYD-STD-LOAD", "triple")
    assert 'b12:HYD-STD-LOAD-duration cl:text "2 weeks"' in shown


def test_a_property_is_linked_to_the_conclusions_that_it_looks_at() -> None:
    found = trace(seen(NIGHTS))
    assert way(found, "property", "EARLIER_AFTER_JOURNEY", "conclusion") == ["advice:BED_EARLIER"]
    assert found.by_key["property", "NO_BLAME"].reason


def test_the_table_of_links_and_the_document_say_the_same(citelog: Command) -> None:
    rows = list(csv.DictReader(io.StringIO(citelog("audit", "--kb", NIGHTS, "--traceability", "--format", "csv").out)))
    document = json.loads(citelog("audit", "--kb", NIGHTS, "--traceability", "--format", "json").out)
    assert problem(form("trace"), document) == ""
    links = [
        (one["from"]["level"], one["from"]["id"], one["to"]["level"], one["to"]["id"]) for one in document["links"]
    ]
    assert [(r["from"], r["from_id"], r["to"], r["to_id"]) for r in rows if r["to"]] == links
    reasons = [(one["level"], one["id"]) for one in document["nodes"] if one["reason"]]
    assert [(r["from"], r["from_id"]) for r in rows if r["note"].startswith("reason: ")] == reasons


def test_no_name_in_the_table_is_a_formula_to_a_spreadsheet(tmp_path: Path, citelog: Command) -> None:
    folder = Path(shutil.copytree(NIGHTS, tmp_path / "nights"))
    (folder / "cases" / "tired-and-short.yaml").rename(folder / "cases" / "=HYPERLINK(0).yaml")
    told = citelog("audit", "--kb", folder, "--traceability", "--format", "csv").out
    cells = [cell for row in csv.reader(io.StringIO(told)) for cell in row]
    assert "'=HYPERLINK(0)" in cells and not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


# --- what an answer is written in, and where it is shown ----------------------------------------------------------


def test_every_member_of_the_documents_is_shown_or_says_why_not_and_every_value_of_the_page_is_a_member() -> None:
    found = trace(seen(NIGHTS))
    assert not [one for one in found.orphans if one.node.level in ("member", "element")]
    assert len(found.of("member")) > 100 and len(found.of("element")) > 50


def test_no_pattern_is_kept_for_a_member_that_is_not_there() -> None:
    for pattern in (*members.UNSHOWN, *members.KEEPS, *(one for names in members.KEEPS.values() for one in names)):
        assert members.named(pattern), pattern
    for place, (names, _) in members.elements().items():
        for name in names:
            assert name in members.BESIDE or members.named(name), f"{place}: {name}"


def test_a_value_without_a_member_and_a_member_without_a_value_are_orphans(monkeypatch: pytest.MonkeyPatch) -> None:
    page = template.source("parts.html").replace("{#: assessment.notes[].text #}", "")
    read = template.source
    monkeypatch.setattr(template, "source", lambda name: page if name == "parts.html" else read(name))
    members.elements.cache_clear()
    found = trace(bare(NIGHTS))
    members.elements.cache_clear()
    orphans = {one.node.id.split(":")[0] for one in found.orphans if one.node.level in ("member", "element")}
    assert orphans == {"assessment.notes[].text", "parts.html"}


def test_a_new_member_of_any_document_is_an_orphan_until_somebody_says_where_it_is_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A member is added to every object: excused are what the assessment has too, any name where a schema allows any,
    and the parts of a value, which is shown as one."""
    monkeypatch.setattr(schemas, "schema", lambda name, read=schemas.schema: with_a_new_member(read(name)))
    members.members.cache_clear()
    found = trace(bare(NIGHTS))
    members.members.cache_clear()
    new = {node.id for node in found.of("member") if node.id.endswith(".new_one")}
    orphans = {one.node.id for one in found.orphans if one.node.level == "member"}
    assert {name.partition(".")[0] for name in new & orphans} == set(members.DOCUMENTS)
    told_elsewhere = {"proof.case", "proof.knowledge", "proof.caveats[]", "proof.steps[].citations[]"}
    of_any_name = {"assessment.conclusions[].also[]", "log-entry.engine"}
    values = {f"proof.steps[].{x}" for x in ("args[]", "bindings[].*", "left", "looked_for.args[]", "right", "value")}
    excused = {name.removesuffix(".new_one") for name in new - orphans}
    assert excused == told_elsewhere | of_any_name | values


def with_a_new_member(part: object) -> Any:
    """A schema with one more member in each of its objects."""
    if isinstance(part, list):
        return [with_a_new_member(one) for one in part]
    if not isinstance(part, dict):
        return part
    made = {key: with_a_new_member(value) for key, value in part.items()}
    if "properties" in made:
        made["properties"] = {**made["properties"], "new_one": {"type": "string"}}
    return made


VERBATIM = (
    "id",
    "sentence",
    "quote",
    "section",
    "line",
    "assumes[]",
    "text",
    "read_from",
    "sha256",
    "source",
    "version",
)
AROUND = ("base.html", "alone.html", "page.css", "timeline.svg", "timeline.css")
MARKED, ENDED = "\ue000", "\ue001"


@pytest.mark.parametrize(
    "case", ["a-cause-matters-where-judgement-decides", "an-empty-record-is-answered-with-questions"]
)
def test_a_place_of_the_page_shows_what_it_says_that_it_shows(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page set once more with the names of members before their values: each value is one of that member."""
    plain = {name: template.source(name) for name in (*members.TEMPLATES, *AROUND)}
    marked = {name: members.SAID.sub(rf"{MARKED}\g<members>{ENDED}", text) for name, text in plain.items()}
    environment = template._environment().overlay(loader=jinja2.DictLoader(marked), cache_size=50)
    monkeypatch.setattr(template, "_environment", lambda: environment)
    found = b12.assessed(case)
    document, shown = found.to_dict(), assessment_page(found)
    monkeypatch.undo()
    told: dict[str, list[str]] = {}
    for names, value in re.findall(f"{MARKED}([^{ENDED}]*){ENDED}((?:<bdi>|</bdi>|[^<{MARKED}])*)", shown):
        for name in names.split():
            text = html.unescape(re.sub(r"</?bdi>", "", value))
            told.setdefault(name, []).append(" ".join(text.split()))
    seen_ = 0
    for name, texts in told.items():
        if name.startswith("assessment.") and name.rpartition(".")[2] in VERBATIM and "*" not in name:
            values = {" ".join(str(one).split()) for one in at(document, name.split(".")[1:]) if one is not None}
            for value in values:
                assert any(value in text or (text and text in value) for text in texts), f"{name}: {value}"
                seen_ += 1
    assert seen_ > 20


def at(part: object, path: list[str]) -> Iterator[object]:
    """The values of a member in a document."""
    if not path:
        yield part
        return
    name, many = path[0].removesuffix("[]"), path[0].endswith("[]")
    below = part.get(name) if isinstance(part, dict) else None
    for one in below if many and isinstance(below, list) else [below]:
        yield from at(one, path[1:])


# --- the page ----------------------------------------------------------


@cache
def page(folder: Path) -> str:
    return audit_page(of(folder), (), trace(seen(folder)), seen(folder).knowledge)


def test_the_page_stands_alone_and_every_link_in_it_leads_somewhere() -> None:
    text = page(B12)
    assert "<script" not in text and not re.search(r"(?:src|href)=\"(?!#)", text)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', text)) <= set(ids)


def test_the_page_holds_the_document_every_figure_and_every_thing_counted() -> None:
    text = html.unescape(re.sub(r"<[^>]+>", "", page(B12)))
    words = " ".join(text.split())
    for code in CODES:
        assert code in words
    for figure in of(B12).figures:
        for item in figure.items:
            assert " ".join(item.text.split()) in words, f"{figure.code}: {item.about}"
    for node in trace(seen(B12)).of("sentence"):
        assert " ".join(node.text.split()) in words


def test_the_page_claims_no_conformity() -> None:
    text = " ".join(page(NIGHTS).split())
    assert "It claims no conformity with any standard and no clearance by any authority" in text


def test_what_a_file_says_cannot_become_markup_or_style_of_the_page(tmp_path: Path, citelog: Command) -> None:
    folder = tmp_path / "nights"
    shutil.copytree(NIGHTS, folder)
    about = folder / "about.ttl"
    text = about.read_text(encoding="utf-8").replace('"short-nights"', '"</style><b>\\"}"').replace("0.1.0", "<i>1</i>")
    about.write_text(text, encoding="utf-8")
    made = citelog("audit", "--kb", folder, "--format", "html")
    assert "<b>" not in made.out and "<i>1" not in made.out
    assert made.out.count("</style>") == 2


# --- a knowledge base with errors ----------------------------------------------------------


def test_what_is_broken_is_told_with_its_place_and_what_cannot_be_counted_says_so(
    tmp_path: Path, citelog: Command
) -> None:
    folder = tmp_path / "nights"
    shutil.copytree(NIGHTS, folder)
    path = folder / "statements.trig"
    path.write_text(path.read_text(encoding="utf-8").replace("counts 1 point", "counts one point", 1), encoding="utf-8")
    ended = citelog("audit", "--kb", folder, "--fail-on", "rule-untried")
    assert ended.status == 1
    assert "quote-unverified  1 of 15 statements" in ended.out
    assert "S06  nights/statements.trig:" in ended.out
    assert "gate quote-unverified: 1 of 15 statements" in ended.err
    assert "gate rule-untried: not counted, there are errors, which come first" in ended.err
    assert citelog("audit", "--kb", folder, "--format", "html").status == 1
    traced = citelog("audit", "--kb", folder, "--traceability")
    assert (traced.status, traced.out) == (2, "") and "quote-not-found" in traced.err


def test_what_two_figures_count_is_counted_once_in_all() -> None:
    text = (NIGHTS / "statements.trig").read_text(encoding="utf-8").replace("Yawning", "X")
    found = audited(bare(NIGHTS, Drafts({NIGHTS / "statements.trig": text})))
    assert [(one.code, one.count) for one in found.figures if one.weight == "broken" and one.count] == [
        ("quote-unverified", 1),
        ("check-error", 1),
    ]
    assert total(found.figures, "broken") == 1


def test_the_ontology_is_nobodys_knowledge_base_wherever_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(NIGHTS, tmp_path / "nights")
    (tmp_path / "citelog").mkdir()
    ontology = Path(shutil.copy(home.ontology(), tmp_path / "citelog"))
    monkeypatch.setattr(home, "ontology", lambda: ontology)
    beside = audited(bare(tmp_path / "nights"))
    assert beside.figure("triple-outside-statement").of == of(NIGHTS).figure("triple-outside-statement").of


def test_a_file_that_cannot_be_read_is_no_audit(tmp_path: Path, citelog: Command) -> None:
    folder = tmp_path / "nights"
    shutil.copytree(NIGHTS, folder)
    (folder / "terms.ttl").write_text("ex:night a", encoding="utf-8")
    ended = citelog("audit", "--kb", folder)
    assert (ended.status, ended.out) == (2, "")
    assert "nights/terms.ttl:1" in ended.err


# --- gates and the command ----------------------------------------------------------


def test_a_gate_that_is_not_passed_says_so_with_its_figure_and_ends_with_one(citelog: Command) -> None:
    ended = citelog("audit", "--kb", NIGHTS, "--fail-on", "conflict>0", "--fail-on", "marker-none>15")
    assert ended.status == 1
    assert ended.err == "gate conflict: 1 of 1 conflicts (places where the document disagrees with itself)\n"
    assert "1 of 1 conflicts" in ended.out


def test_a_knowledge_base_is_held_to_its_own_gates_and_a_gate_that_cannot_be_read_stands_where_it_says(
    tmp_path: Path, citelog: Command
) -> None:
    folder = Path(shutil.copytree(NIGHTS, tmp_path / "nights"))
    about, text = folder / "about.ttl", (NIGHTS / "about.ttl").read_text(encoding="utf-8")
    about.write_text(text.replace(KB, f'{KB} cl:gate "conflict" ;'), encoding="utf-8")
    ended = citelog("audit", "--kb", folder, "--figure", "document-status")
    assert ended.status == 1
    assert ended.err == "gate conflict: 1 of 1 conflicts (places where the document disagrees with itself)\n"
    about.write_text(text.replace(KB, f'{KB} cl:gate "conflicts" ;'), encoding="utf-8")
    ended = citelog("audit", "--kb", folder)
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith("nights/about.ttl:9: conflicts: there is no figure of that code\n   = did you mean")


def test_nothing_that_is_not_approved_passes_the_gate_of_that_name_and_a_draft_is_not() -> None:
    (failed,) = gates.failed(of(NIGHTS), [gates.gate("not-approved")])
    drafts = of(NIGHTS).figure("not-reviewed")
    assert failed.figure.count == failed.figure.of == drafts.count > 0
    assert counted_after("not-approved", NIGHTS, DAMAGES["not-approved"]).count == drafts.count - 1
    assert counted_after("not-approved", NIGHTS, DAMAGES["not-reviewed"]).count == drafts.count


@pytest.mark.parametrize("limits", [("marker-none>1", "marker-none>3"), ("marker-none>3", "marker-none>1")])
def test_of_several_gates_of_one_figure_the_strictest_is_told(limits: tuple[str, ...]) -> None:
    (failed,) = gates.failed(of(NIGHTS), map(gates.gate, limits))
    assert str(failed).startswith("gate marker-none>1: 15 of 15 statements, more than 1")


def test_a_code_that_no_figure_has_is_refused_with_the_nearest(citelog: Command) -> None:
    ended = citelog("audit", "--kb", NIGHTS, "--fail-on", "markers-none")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "markers-none: there is no figure of that code\n   = did you mean marker-none?\n"


def test_the_document_is_of_the_published_form(citelog: Command) -> None:
    ended = citelog("audit", "--kb", NIGHTS, "--format", "json")
    assert ended.status == 0
    document = json.loads(ended.out)
    assert problem(form("audit"), document) == ""
    assert [one["code"] for one in document["figures"]] == list(CODES)


def test_the_gates_of_b12_are_its_own_and_tight() -> None:
    held = gates.kept(seen(B12))
    assert len(held) == 16 and not gates.failed(of(B12), held)
    for one in held:
        assert of(B12).figure(one.code).count == one.most
        assert gates.failed(of(B12), [replace(one, most=one.most - 1)]), "one fewer would not be passed"


# --- the page for auditors ------------------------------------------------------------------

AUDIT = ROOT / "docs" / "AUDIT.md"


def figures_table() -> str:
    """Every figure with its weight and what it means."""
    lines = ["| figure | weight | counts | what one means |", "|---|---|---|---|"]
    lines += [f"| `{one.code}` | {one.weight} | {one.title} | {one.meaning} |" for one in MEASURES]
    return "\n".join(lines) + "\n"


def test_every_figure_is_listed_in_the_page_for_auditors() -> None:
    """CITELOG_ACCEPT=1 renews the table."""
    text = AUDIT.read_text(encoding="utf-8")
    before, begin, rest = text.partition("<!-- figures: begin -->\n")
    told, end, after = rest.partition("<!-- figures: end -->")
    if os.environ.get("CITELOG_ACCEPT"):
        AUDIT.write_text(before + begin + figures_table() + end + after, encoding="utf-8")
        return
    assert end and told == figures_table()


@pytest.mark.slow
def test_the_page_for_auditors_is_followed_word_for_word(tmp_path: Path, citelog: Command) -> None:
    shutil.copytree(NIGHTS, tmp_path / "short-nights")
    commands = list(walked.walk(AUDIT.read_text(encoding="utf-8"), tmp_path, citelog))
    assert len(commands) >= 8
    for command in commands:
        assert command.agrees, f"$ {command.line}\n{command.printed}"
