"""`citelog audit`: what a knowledge base rests on, counted, each thing with its place; no figure is one that stays."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from authoring import ROOT, citelog
from citelog.audit import gates
from citelog.audit.model import TOPICS, WEIGHTS, Audit, Figure
from citelog.audit.report import CODES, MEASURES, audited
from citelog.audit.subject import Subject, subject
from citelog.trial.coverage import Survey
from citelog.trial.expectations import case_files
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


def about(figure: Figure) -> list[str]:
    return [item.about for item in figure.items]


# --- the figures of the shipped knowledge base, by hand -------------------------------------------------------------


@pytest.mark.parametrize("code", INVENTORY)
def test_a_figure_of_b12_is_what_a_reader_of_the_document_counts(code: str) -> None:
    figure = of(B12).figure(code)
    assert (figure.count, figure.of) == INVENTORY[code]


def test_nothing_of_b12_is_broken_and_one_rule_is_open() -> None:
    assert of(B12).holds
    assert [(one.code, about(one)) for one in of(B12).figures if one.weight == "open" and one.items] == [
        ("rule-untried", ["unusable-unit-of-another-quantity"])
    ]


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


# --- the audit, check and coverage tell the same --------------------------------------------------------------------


@pytest.mark.parametrize("folder", [B12, NIGHTS], ids=["b12", "short-nights"])
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


# --- gates and the command --------------------------------------------------------------------------------------------


def test_a_gate_that_is_not_passed_says_so_with_its_figure_and_ends_with_one() -> None:
    ended = citelog("audit", "--kb", NIGHTS, "--fail-on", "conflict>0", "--fail-on", "marker-none>15")
    assert ended.status == 1
    assert ended.err == "gate conflict: 1 of 1 conflicts (places where the document disagrees with itself)\n"
    assert "1 of 1 conflicts" in ended.out


def test_a_code_that_no_figure_has_is_refused_with_the_nearest() -> None:
    ended = citelog("audit", "--kb", NIGHTS, "--fail-on", "markers-none")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "markers-none: there is no figure of that code\n   = did you mean marker-none?\n"


def test_the_document_is_of_the_published_form() -> None:
    ended = citelog("audit", "--kb", NIGHTS, "--format", "json")
    assert ended.status == 0
    document = json.loads(ended.out)
    assert problem(form("audit"), document) == ""
    assert [one["code"] for one in document["figures"]] == list(CODES)


def test_the_gates_of_b12_are_its_own_and_tight() -> None:
    held = gates.kept(seen(B12))
    assert len(held) == 15 and not gates.failed(of(B12), held)
    for one in held:
        assert of(B12).figure(one.code).count == one.most
        assert gates.failed(of(B12), [replace(one, most=one.most - 1)]), "one fewer would not be passed"
