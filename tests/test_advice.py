"""Advice, tested as documents (language/advice): what a reviewer would say of an edit, a way out, and its acceptance.

`CITELOG_ACCEPT=1 ./run-tests tests/test_advice.py` writes the answers; read what it wrote before you keep it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

import b12
import literate
from citelog import home
from citelog.advice.review import CODES, review
from citelog.diagnostics import Diagnostic
from citelog.knowledge.files import Drafts

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
    found = [d for d in review(b12.FOLDER, Drafts({b12.FOLDER / name: text})) if not d.accepted]
    assert {d.code for d in found} == {code}, [str(d) for d in found]
    assert any(named in d.message for d in found)
    assert all(d.span.line and d.text and d.hint for d in found)


def told(folder: Path, *sentences: str) -> list[str]:
    """What is advised about the leaflet with some sentences more, each quoted as it stands."""
    source, about, segments, statements = (
        folder / name for name in ("source/leaflet.txt", "about.ttl", "segments.ttl", "statements.trig")
    )
    text = {path: path.read_text(encoding="utf-8") for path in (source, about, segments, statements)}
    pinned = hashlib.sha256(text[source].encode()).hexdigest()
    for i, sentence in enumerate(sentences, 7):
        text[source] += f"{sentence}.\n"
        text[segments] += (
            f'\nex:segment-{i} a cl:Segment ; cl:order {i} ; cl:line {i} ; cl:text "{sentence}." ;\n'
            f"    cl:encodedAs ex:S{i} .\n"
        )
        text[statements] += (
            f'\nex:S{i} a cl:Statement ; cl:kind "definition" ; cl:quote "{sentence}" ; cl:modality "asserted" ;\n'
            f'    cl:accepts "statement-without-rule: a test" ; cl:voice ex:voice .\n'
            f"ex:S{i} {{ ex:leaflet ex:asksFor ex:nothing . }}\n"
        )
    text[about] = text[about].replace(pinned, hashlib.sha256(text[source].encode()).hexdigest())
    for path, whole in text.items():
        path.write_text(whole, encoding="utf-8")
    return [d.message for d in advice(folder)]


@pytest.fixture
def leaflet(tmp_path: Path) -> Path:
    return literate.edited("", tmp_path)


def test_units_that_cannot_be_converted_are_held_against_the_other_pairs(leaflet: Path) -> None:
    """Nobody says what 1 µg/L is in pmol/L; three sentences agree, and the fourth does not."""
    (message,) = told(
        leaflet,
        "A ferritin of 30 µg/L (67 pmol/L) is low",
        "A ferritin of 100-200 µg/L (225-449 pmol/L) is usual",
        "A ferritin of 400 µg/L (989 pmol/L) is high",
    )
    assert message.startswith("S9 gives 400 µg/L and 989 pmol/L, one to 2.47")
    assert "one to 2.25" in message or "one to 2.23" in message


@pytest.mark.parametrize(
    "sentence",
    [
        "Take 1 g (1000 mg) with water",
        "Take 0.5 mg, 500 mcg at most",
        "Wait for 2 weeks (14 days)",
        "A ferritin of 30 µg/L (30 ng/mL) is low",
        "A ferritin of 30 µg/L (67 pmol/L) is low, and 300 µg/L (674 pmol/L) is not",
        "The age of 12 years (Section 4 of the leaflet) is a limit",
    ],
)
def test_a_value_that_is_rounded_or_has_no_other_unit_is_not_advised_about(leaflet: Path, sentence: str) -> None:
    assert told(leaflet, sentence) == []


def test_a_mistyped_conversion_is_told_with_what_it_should_be(leaflet: Path) -> None:
    messages = told(leaflet, "Wait for 2 weeks (15 days)", "Take 1 g (100 mg) with water")
    assert messages == [
        "S7 gives 2 weeks and 15 days, but 2 weeks is 14 days",
        "S8 gives 1 g and 100 mg, but 1 g is 1000 mg",
    ]
