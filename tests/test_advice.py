"""Advice, tested as documents (language/advice): what a reviewer would say of an edit, a way out, and its acceptance.

`CITELOG_ACCEPT=1 ./run-tests tests/test_advice.py` writes the answers; read what it wrote before you keep it.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import b12
import literate
from citelog import home
from citelog.advice.review import CODES, review
from citelog.diagnostics import Diagnostic

FOLDER = Path(__file__).parent / "language" / "advice"
ACCEPT = bool(os.environ.get("CITELOG_ACCEPT"))
BASES = (b12.FOLDER, home.home() / "examples" / "short-nights")


def advice(folder: Path) -> list[Diagnostic]:
    """The advice about a folder that nobody accepts; there is nothing wrong with it."""
    found = review(folder)
    assert [d for d in found if d.severity == "error"] == []
    return [d for d in found if not d.accepted]


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_document_that_shows_it_and_answers_it(code: str, tmp_path: Path) -> None:
    """Its edits bring the advice about, and each of its ways out answers it."""
    path = FOLDER / f"{code}.md"
    assert path.is_file(), f"write {path.name}"
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# "), "a document opens with a title"
    kinds = {block.kind for block in literate.blocks(text)}
    found = advice(literate.edited(text, tmp_path / "edited"))
    said = "".join(f"{d}\n" for d in found)
    if ACCEPT:
        literate.accept(path, said)
    else:
        assert next((b.text for b in literate.blocks(text) if b.kind == "answer"), None) == said
    assert {d.code for d in found} == {code}
    assert all(d.severity == "advice" and d.hint and d.span.line for d in found)
    assert "fix" in kinds
    for way in sorted(kinds & {"fix", "accept"}):
        folder = literate.edited(text, tmp_path / way, ("edit", way))
        assert advice(folder) == [], f"the {way} leaves advice"
        accepted = [d.code for d in review(folder) if d.accepted and d.code == code]
        assert (len(accepted) > len(KEPT.get(code, ()))) == (way == "accept")


KEPT = {"statement-without-rule": ("S2", "S3"), "unit-unasked": ("ferritin-low",)}
"""What the unbroken leaflet accepts."""


def test_there_is_no_document_of_a_code_that_is_gone() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(CODES)


def test_the_unbroken_leaflet_needs_no_advice(tmp_path: Path) -> None:
    """So whatever a document shows, its own edit has caused."""
    assert advice(literate.edited("", tmp_path)) == []


@pytest.mark.parametrize("folder", [base for base in BASES if base.is_dir()], ids=lambda folder: folder.name)
def test_nothing_is_advised_about_what_is_shipped_that_its_authors_have_not_answered(folder: Path) -> None:
    assert advice(folder) == []


# what a clinician might do to a knowledge base of real size; each single edit is told, and nothing else is

REGIMENS, TREATMENT, CAUTIONS = "rules/50-regimens.rls", "rules/40-treatment.rls", "rules/60-cautions.rls"
LOADING = "#HYD-STD-LOAD>, treated(?p), before_course(?p, b12:recommended)"
REFERRAL = "<https://w3id.org/citelog/b12#RF-NEURO-HAEM-URGENT>"
DOSE = 'cl:text "1000 µg" ;                cl:value 1000.0 ;  cl:unit '
QUOTE = '"Folic acid should be administered concomitantly{0}" ;\n    cl:line         46 ;  cl:start 3507 ;  cl:end {1}'
MALABSORPTION = "state(?p, b12:malabsorption, cl:present),"
NAMED = '%%% @cites R13\n{0}#[name("regimen-malabsorption-maintenance")]'

# what it is, its file, some of its words and what stands in their place, the code, and what the message names
EDITS = [
    ("a condition is dropped", REGIMENS, [(f"{LOADING}, neuro(?p, cl:absent) .", f"{LOADING} .")],
     "wider-population", "regimen-standard-loading"),
    ("a condition is turned round", REGIMENS, [
        (f"{LOADING}, neuro(?p, cl:absent)", f"{LOADING}, neuro(?p, cl:present)")],
     "wider-population", "regimen-standard-loading"),
    ("another finding is asked for", REGIMENS, [(MALABSORPTION, "state(?p, b12:fatigue, cl:present),")],
     "wider-population", "regimen-malabsorption-maintenance"),
    ("urgent advice is for all", CAUTIONS, [(f"{REFERRAL}) :- neuro_suspected(?p) .", f"{REFERRAL}) :- treated(?p) .")],
     "wider-population", "referral-neurologist-and-haematologist"),
    ("a reserve is lost in the sentence", TREATMENT, [("which, the document says, typically requires it, ", "")],
     "hedge-dropped", "treat-symptomatic"),
    ("a reserve is lost in the modality", "statements.trig", [('     "typically"', '     "asserted"')],
     "hedge-unsaid", "G01"),
    ("a word of another answer is asked for", TREATMENT, [
        ("symptomatic(?p, b12:yes) .", "symptomatic(?p, cl:present) .")],
     "rule-never-fires", "treat-symptomatic"),
    ("the ends of a range are exchanged", "rules/10-results.rls", [
        ("?value >= ?low, ?value < ?high .", "?value >= ?high, ?value < ?low .")],
     "rule-never-fires", "class-within"),
    ("a dose has another unit", "statements.trig", [(f'{DOSE}"µg"', f'{DOSE}"mg"')], "unit-not-stated", "R13"),
    ("a conflict is forgotten", "conflicts.ttl", [('"F01 F08 F09 F10"', '"F01"')], "numbers-differ", "G06"),
    ("a rule is copied", CAUTIONS, [
        ("%%% Treatment does not wait for it.",
         f'%%% @cites G13\n#[name("again")]\nreferral(?p, {REFERRAL}) :- neuro_suspected(?p), neuro(?p, ?neuro) .\n\n'
         "%%% Treatment does not wait for it.")],
     "rule-subsumed", "again"),
    ("a statement is no longer cited", "about.ttl", [("    cl:cites  b12:D02 .", "    cl:cites  b12:D04 .")],
     "statement-without-rule", "D02"),
    ("a quote is cut short", "statements.trig", [(QUOTE.format(" if needed.", 3565), QUOTE.format("", 3554))],
     "words-unquoted", "if needed"),
    ("what is not recorded is an exception", REGIMENS, [
        (NAMED.format(""), NAMED.format("%%% @unless state\n")),
        (MALABSORPTION, f"{MALABSORPTION} ~state(?p, b12:bariatric_surgery, cl:present),")],
     "absence-hides-gap", "bariatric surgery"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "edits", "code", "named"), [e[1:] for e in EDITS], ids=[e[0] for e in EDITS])
def test_an_edit_that_a_clinician_might_make_is_told_and_nothing_else(
    name: str, edits: list[tuple[str, str]], code: str, named: str
) -> None:
    text = (b12.FOLDER / name).read_text(encoding="utf-8")
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    found = [d for d in review(b12.FOLDER, {b12.FOLDER / name: text}) if not d.accepted]
    assert {d.code for d in found} == {code}, [str(d) for d in found]
    assert any(named in d.message for d in found)
    assert all(d.span.line and d.text and d.hint for d in found)
