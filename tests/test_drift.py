"""`citelog audit drift`: a new edition of the document beside a knowledge base, by what an edit of it must show.

Most of what is asked here needs no oracle: whoever puts in a paragraph knows what is new, whoever strikes a sentence
knows which quotes are gone. The edits are made to copies of the shipped document and of the leaflet of the tutorial.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import unicodedata
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import html5lib
import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authoring import Command, Ended
from citelog import home, schemas
from citelog.author.documents import LARGEST_EDITION
from citelog.author.sentences import pieces
from citelog.compare.aligned import aligned, plain
from citelog.compare.editions import Edition, edition
from citelog.compare.fates import Documents
from citelog.compare.quotes import quoted
from citelog.drift.compared import drift
from citelog.drift.found import STATEMENTS, Drifted
from citelog.drift.report import CODES, Drift
from citelog.drift.wording import SORTS, apart
from citelog.evidence.sources import Source
from citelog.knowledge.check import check_folder
from citelog.reports.audited import SIGNS
from citelog.reports.beside import page
from citelog.reports.drifted import drifted
from commits import at_each_commit

ROOT = Path(__file__).parent.parent
LEAFLET = ROOT / "examples" / "short-nights"
FOLDERS = {"b12": home.knowledge("b12"), "short-nights": LEAFLET}
EITHER = pytest.mark.parametrize("name", sorted(FOLDERS))


@cache
def base(name: str) -> Edition:
    """A knowledge base, read once; of the shipped one without its cases, all of which would be derived each time."""
    found = edition(FOLDERS[name].resolve(), name)
    return found if name == "short-nights" else replace(found, folder=ROOT / "docs")


@cache
def text(name: str) -> str:
    """Its document."""
    source = base(name).source
    assert source is not None
    return source.text


@cache
def quotes(name: str) -> tuple[tuple[str, int, int], ...]:
    """Its statements with the offsets of their quotes."""
    source = base(name).source
    assert source is not None
    return tuple(quoted(base(name).opened.triples, source))


def beside(name: str, new: str) -> Drift:
    """A knowledge base beside a document."""
    found = drift(base(name), Source.of("new.txt", new.encode()))
    is_told(found)
    return found


def edited(name: str, *changes: tuple[str, str]) -> Drift:
    """A knowledge base beside its own document with some words changed, each at the one place where they stand."""
    new = text(name)
    for before, after in changes:
        assert new.count(before) == 1, before
        new = new.replace(before, after)
    return beside(name, new)


def of(found: Drift, id_: str) -> Drifted:
    """What became of a statement."""
    (one,) = (one for one in found.statements if one.statement == id_)
    return one


def fates(found: Drift) -> dict[str, list[str]]:
    """The statements by what became of their quotes."""
    return {
        fate: sorted(one.statement for one in found.statements if one.became.fate == fate)
        for fate in {one.became.fate for one in found.statements}
    }


def counts(found: Drift) -> dict[str, int]:
    """The figures that count anything."""
    return {one.code: one.count for one in found.figures if one.count}


def told(found: Drift, full: bool = False) -> str:
    """The report as text."""
    return "".join(f"{line.lead}{line.text}\n" for line in drifted(found, full))


def is_told(found: Drift) -> None:
    """Whatever is found is written down where all is asked for, as text and as a page; else the first of many."""
    whole, html, brief = told(found, full=True), page(found), told(found)
    for name in (one.statement for one in found.statements if one.code):
        assert re.search(rf"\b{name}\b", whole) and re.search(rf"\b{name}\b", html), name
    for name in (one.segment for one in found.segments):
        assert name in whole and name in html, name
    assert len(re.findall(r"^    \+ line \d+: “", whole, re.MULTILINE)) == len(found.new)
    assert len(re.findall(r"^  [-+~→] (?:new |gone )?“", whole, re.MULTILINE)) == sum(
        one.told for one in found.headings
    )
    assert brief.count("\n") <= whole.count("\n") or "(--all)" in brief


def stands(found: Drift) -> None:
    """Every word of every quote stands where it is said to stand: before in the old document, now in the new one."""
    old, new = found.documents.old, found.documents.new
    for became in [one.became for one in (*found.statements, *found.parts)]:
        assert old.text[became.before.start : became.before.end] == became.words
        assert old.line(became.before.start) == became.before.line
        if became.after is not None:
            assert new.text[became.after.start : became.after.end] == became.now
            assert new.line(became.after.start) == became.after.line
        assert (became.fate in ("kept", "moved")) == (became.now == became.words)
        assert (became.fate == "vanished") == (became.after is None)
    for one in found.new:
        assert new.text[one.place.start : one.place.end] == one.text


# what an edit of the document must show, whatever the document says


@EITHER
def test_the_same_document_has_not_drifted(name: str) -> None:
    found = beside(name, text(name))
    assert found.same and found.statements == () and counts(found) == {}
    assert "The same document, byte for byte." in told(found)


WORDS = st.sampled_from(re.findall(r"\w+", "The office opens early on Mondays and nobody minds when tea is late"))
SENTENCES = st.lists(
    st.lists(WORDS, min_size=4, max_size=9, unique=True).map(lambda words: f"{' '.join(words).capitalize()}."),
    min_size=1,
    max_size=4,
    unique=True,
)


@EITHER
@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_a_paragraph_that_is_put_in_anywhere_is_new_and_moves_the_others(name: str, data: st.DataObject) -> None:
    """Nothing else: no quote changes, none is out of order, and exactly the sentences of the paragraph are new."""
    old, added = text(name), data.draw(SENTENCES)
    breaks = [m.end() for m in re.finditer(r"\n\n", old)]
    at = data.draw(st.sampled_from([0, *breaks, len(old)]))
    before = "\n\n" if at == len(old) else ""
    found = beside(name, f"{old[:at]}{before}{' '.join(added)}\n\n{old[at:]}")
    stands(found)
    assert set(fates(found)) <= {"kept", "moved"}
    assert all(one.became.in_order and one.became.sure and not one.differences for one in found.statements)
    assert [one.text for one in found.new] == added
    assert found.segments == () and not any(one.sentence for one in found.statements)


@EITHER
@pytest.mark.parametrize("part", at_each_commit(range(4), every=4))
def test_a_sentence_that_is_struck_takes_its_quotes_with_it_and_no_others(name: str, part: int) -> None:
    """Each sentence of the document, one after the other, in four parts."""
    old = text(name)
    for piece in pieces(old)[part::4]:
        found = beside(name, old[: piece.start] + old[piece.end :])
        stands(found)
        inside = {id_ for id_, start, end in quotes(name) if start < piece.end and piece.start < end}
        gone = {one.statement for one in found.statements if one.became.fate in ("changed", "vanished")}
        assert gone == inside, piece.text
        assert found.new == ()
        whole = {id_ for id_, start, end in quotes(name) if piece.start <= start and end <= piece.end}
        assert whole <= set(fates(found).get("vanished", [])), piece.text


@EITHER
def test_paragraphs_that_change_places_change_nothing_else(name: str) -> None:
    blocks = text(name).rstrip("\n").split("\n\n")
    for i, j in pairwise(range(1, len(blocks))):
        swapped = [*blocks[:i], blocks[j], blocks[i], *blocks[j + 1 :]]
        found = beside(name, "\n\n".join(swapped) + "\n")
        stands(found)
        assert set(fates(found)) <= {"kept", "moved"}, blocks[i]
        assert not any(one.differences or one.sentence for one in found.statements)
        assert found.new == () and found.segments == ()


IN_WORDS = (
    "once", "twice", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
)  # fmt: skip


def word_at(text: str, at: int) -> str:
    """The word that a letter stands in."""
    return next(m[0] for m in re.finditer(r"[^\W\d_]+|.", text, re.DOTALL) if m.start() <= at < m.end())


@EITHER
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_one_letter_changes_the_quotes_that_hold_it_and_no_others(name: str, data: st.DataObject) -> None:
    old = text(name)
    id_, start, end = data.draw(st.sampled_from(quotes(name)))
    at = data.draw(st.sampled_from([i for i in range(start, end) if old[i].isalnum()]))
    letter = data.draw(st.sampled_from([c for c in ("7" if old[at].isdigit() else "xqz") if c != old[at]] or ["3"]))
    # a sentence that begins with a small letter would go on with the one before
    letter = letter.upper() if old[at].isupper() else letter
    found = beside(name, old[:at] + letter + old[at + 1 :])
    stands(found)
    holding = {s for s, first, last in quotes(name) if first <= at < last}
    assert id_ in holding
    assert {one.statement for one in found.statements if one.became.fate in ("changed", "vanished")} == holding
    assert {one.statement for one in found.statements if one.differences} == holding
    for one in (of(found, s) for s in holding):
        (difference,) = one.differences
        is_number = old[at].isdigit() or letter.isdigit() or word_at(old, at).casefold() in IN_WORDS
        assert (difference.sort == "figure") == is_number


@pytest.mark.long
@EITHER
def test_every_letter_of_every_quote_changes_the_quotes_that_hold_it_and_no_others(name: str) -> None:
    """The same of all: 6,000 letters, each of which 57 and 15 quotes are asked about."""
    old, source = text(name), base(name).source
    assert source is not None
    for i in sorted({i for _, start, end in quotes(name) for i in range(start, end) if old[i].isalnum()}):
        letter = next(c for c in "7xQ"[i % 3 :] + "q" if c != old[i])
        documents = Documents(source, Source.of("new.txt", f"{old[:i]}{letter}{old[i + 1 :]}".encode()))
        for id_, start, end in quotes(name):
            became = documents.became(start, end)
            assert (became.fate in ("changed", "vanished")) == (start <= i < end), (id_, i)
            assert became.fate != "changed" or len(apart(became.words, became.now)) == 1, (id_, i)


@EITHER
def test_whatever_was_put_in_is_gone_on_the_way_back(name: str) -> None:
    """The sentences that are new from A to B are those that are gone from B to A."""
    old = text(name)
    new = old.replace("\n\n", "\n\nA line that nobody knows. Another one.\n\n", 3)
    there, back = (
        Documents(Source.of("a", a.encode()), Source.of("b", b.encode())) for a, b in ((old, new), (new, old))
    )
    alone = [there.aligned.after[j].text for j in there.aligned.alone]
    gone = [p.text for i, p in enumerate(back.aligned.before) if i not in back.aligned.became]
    assert alone == gone and len(alone) == 6


@given(st.lists(st.sampled_from("abcde"), max_size=12), st.lists(st.sampled_from("abcde"), max_size=12))
@settings(max_examples=60, deadline=None)
def test_no_sentence_is_in_two_pairs_and_the_same_are_paired_as_often_as_they_stand(
    ours: list[str], theirs: list[str]
) -> None:
    """Also where sentences stand several times, in any order."""
    spelt = {c: f"{c * 3} {c * 4} {c * 5}." for c in "abcde"}
    before, after = ("\n\n".join(spelt[c] for c in letters) for letters in (ours, theirs))
    found = aligned(before, after)
    assert len(set(found.became.values())) == len(found.became)
    same = sum(min(ours.count(c), theirs.count(c)) for c in "abcde")
    assert found.same == same
    kept = [new for old, new in sorted(found.became.items()) if old not in found.out_of_order]
    assert kept == sorted(kept)


# words, and what they can turn round

DIFFERENCES = (
    ("Give 1 mg", "Give 2 mg", "figure", "1", "2"),
    ("Give 1 mg", "Give 1 g", "unit", "mg", "g"),
    ("Give 1 mg", "Give 1 Mg", "unit", "mg", "Mg"),
    ("below 100 pmol/L", "below 100 nmol/L", "unit", "pmol", "nmol"),
    ("for 2 weeks", "for 2 months", "unit", "weeks", "months"),
    ("seven doses", "eight doses", "figure", "seven", "eight"),
    ("a dose of 1.0 mg", "a dose of 10 mg", "figure", "1.0", "10"),
    ("from 2-3 days", "from 2/3 days", "figure", "-", "/"),
    ("It may be given", "It should be given", "strength", "may", "should"),
    ("often considered deficient", "considered deficient", "strength", "often", ""),
    ("is advised now", "is not advised now", "negation", "", "not"),
    ("with involvement", "without involvement", "negation", "with", "without"),
    ("deficiency is likely", "deficiency is unlikely", "negation", "likely", "unlikely"),
    ("if absent, wait", "if present, wait", "negation", "absent", "present"),
    ("less than 100", "more than 100", "limit", "less", "more"),
    ("snoring or headache", "snoring and headache", "limit", "or", "and"),
    ("before meals", "after meals", "limit", "before", "after"),
    ("the treatment of choice", "the medicine of choice", "words", "treatment", "medicine"),
    ("Give it, then rest", "Give it; then rest", "writing", ",", ";"),
    ("Rest well", "rest well", "writing", "Rest", "rest"),
    ("every 2–3 months", "every 2-3 months", "writing", "–", "-"),
    ("1 mg", "1\u00a0mg", "writing", " ", "\u00a0"),
    ("no further", "no  further", "writing", " ", "  "),
    ("5 µg daily", "5 μg daily", "writing", "µg", "μg"),
)


@pytest.mark.parametrize(("before", "after", "sort", "gone", "come"), DIFFERENCES, ids=lambda value: repr(value))
def test_a_difference_is_of_the_sort_of_its_words(before: str, after: str, sort: str, gone: str, come: str) -> None:
    (one,) = apart(before, after)
    assert (one.sort, one.before, one.after) == (sort, gone, come)
    (back,) = apart(after, before)
    assert (back.sort, back.before, back.after) == (sort, come, gone)


@given(st.text("ab 1.\u00a0\nµ’(", max_size=40), st.text("ab 1.\u00a0\nµ’(", max_size=40))
@settings(max_examples=200, deadline=None)
def test_the_differences_are_all_that_differs(before: str, after: str) -> None:
    """Where each is taken back, the words of the one text become those of the other."""
    found = apart(before, after)
    made, at = "", 0
    for one in found:
        assert before[slice(*one.old)] == one.before and after[slice(*one.new)] == one.after
        made += before[at : one.old[0]] + one.after
        at = one.old[1]
    assert "".join((made + before[at:]).split()) == "".join(after.split())
    assert bool(found) == (before != after)


def test_differences_that_can_turn_a_sentence_round_are_told_first() -> None:
    found = edited(
        "b12", ("hydroxocobalamin 1 mg intramuscularly should", "Hydroxocobalamin 2 mg intramuscularly may not")
    )
    lines = [line.strip() for line in told(found).splitlines()]
    at = [lines.index(line) for line in ("number: “1” → “2”", "no: “should” → “may not”")]
    assert at == sorted(at) and at[1] < next(i for i, line in enumerate(lines) if line.startswith("writing: "))


# statements


def test_of_conclusions_that_only_rest_on_a_statement_none_is_called_another() -> None:
    found = edited("short-nights", ("without a reason counts 1 point.", "without a reason counts 1 point and a half."))
    assert "conclusions: further down in the proofs of 4\n" in told(found)


def test_a_number_in_a_quote_is_told_with_all_that_rests_on_it() -> None:
    found = edited("short-nights", ("From 2 points", "From 4 points"))
    one = found.statements[0]
    assert (one.statement, one.code, one.became.fate) == ("S09", "quote-figure", "changed")
    resting = one.resting
    assert [str(triple) for triple in resting.triples if triple.lost] == ["ex:score ex:tiredFrom 2"]
    assert resting.cited_by == ("tired",)
    assert [s.conclusion for s in resting.supports if s.cites] == ["tired:PROBABLY"]
    assert [s.conclusion for s in resting.supports if not s.cites] == [
        "advice:NAP", "advice:BED_EARLIER", "conflict:CP01",
    ]  # fmt: skip
    assert resting.cases == ("back-from-a-journey", "journey-without-a-date", "tired-and-short")
    assert found.affected == resting
    assert fates(found) == {"changed": ["S09"], "kept": sorted({id_ for id_, *_ in quotes("short-nights")} - {"S09"})}


def test_what_a_statement_takes_over_from_another_is_lost_with_the_words_of_that() -> None:
    """The dose of the maintenance steps is printed with the loading step."""
    found = edited("b12", ("hydroxocobalamin 1 mg intramuscularly administered", "hydroxocobalamin 5 mg administered"))
    lost = {(t.statement, str(t)) for t in of(found, "G04").resting.triples if t.lost}
    assert ("G05", "b12:HYD-NEURO-MAINT-dose cl:value 1.0") in lost
    assert ("G04", "b12:HYD-NEURO-LOAD-dose cl:value 1.0") in lost
    assert not any("agent" in triple for _, triple in lost)


def test_properties_conflicts_caveats_and_terms_are_told() -> None:
    found = edited("b12", ("pending human review", "approved"), ("a neurologist and haematologist", "a neurologist"))
    review, referral = of(found, "M03").resting, of(found, "G13").resting
    assert review.caveats == ("The source document is pending human review: exercise caution.",)
    assert review.conflicts == ("CP18",)
    assert referral.properties == ("MN-NO-REFERRAL", "MN-ONE-SPECIALIST")
    assert "haematologist" in referral.terms
    assert referral.unshown[0] == "referral:RF-NEURO-HAEM-URGENT" and referral.cases == ()


def test_the_review_status_and_the_date_of_the_document_are_figures_of_their_own() -> None:
    found = edited("b12", ("pending human review", "approved"), ("April 7, 2025", "May 1, 2026"))
    assert {"review-status-changed", "date-changed"} <= set(counts(found))
    assert of(found, "M03").roles == ("review status",) and of(found, "M06").roles == ("date",)
    assert "M06 (date of the document)" in told(found)
    assert not {"review-status-changed", "date-changed"} & set(counts(edited("b12", ("1 to 2 mg", "1 to 3 mg"))))


def test_that_somebody_had_approved_the_old_words_is_said(kb: Path, citelog: Command) -> None:
    """And a review of words that only moved still counts in the copy."""
    with (kb / "about.ttl").open("a") as file:
        file.write(
            '\n@prefix prov: <http://www.w3.org/ns/prov#> .\nex:reader a prov:Agent ; rdfs:label "A. Reader" .\n'
        )
    citelog("review", "S03", "S09", "--state", "approved", "--by", "reader", "--on", "2026-03-15", "--kb", kb)
    new = new_edition(kb, ("From 2 points", "From 4 points"), ("Harbour School\n", "Harbour School\n\n\n"))
    ended = citelog("audit", "drift", new, "--kb", kb, "--write", kb.parent / "copy")
    assert "✗ S09 (approved)  a number in the quote differs" in ended.out
    text_ = (kb.parent / "copy" / "statements.trig").read_text().replace("From 2 points", "From 4 points")
    (kb.parent / "copy" / "statements.trig").write_text(text_.replace("tiredFrom 2", "tiredFrom 4"))
    segments = kb.parent / "copy" / "segments.ttl"
    segments.write_text(
        re.sub("From 2 points", "From 4 points", segments.read_text()).replace("cl:line        11", "cl:line        13")
    )
    citelog("fmt", "--kb", kb.parent / "copy")
    states = {
        one["name"]: one["state"]
        for one in json.loads(citelog("review", "S03", "S09", "--kb", kb.parent / "copy", "--format", "json").out)[
            "reviews"
        ]
    }
    assert states == {"S03": "approved", "S09": "draft"}


def test_a_statement_may_be_counted_by_several_figures_and_stands_under_the_worst() -> None:
    found = edited(
        "b12", ("For patients without neurological", "For patients with neurological"), ("three times", "two times")
    )
    assert of(found, "G06").codes[:2] == ("quote-figure", "quote-negation")
    assert counts(found)["quote-figure"] == counts(found)["quote-negation"] == 1
    order = [list(STATEMENTS).index(one.code) for one in found.statements if one.code]
    assert order == sorted(order)


def test_words_around_a_quote_are_told_although_the_quote_stands() -> None:
    """What another quote holds is told there, and named here."""
    found = edited("b12", ("For patients without neurological", "For patients with neurological"))
    one = of(found, "G07")
    assert (one.became.fate, one.code) == ("kept", "sentence-changed")
    (difference,) = one.sentence
    assert (difference.apart.before, difference.apart.after, difference.quoted_by) == ("without", "with", ("G06",))


def test_a_no_before_a_quote_turns_it_round() -> None:
    """The quote stands, letter for letter, in a sentence that denies it."""
    found = edited(
        "b12", ("  • Oral administration of high-dose", "  • It is not true that Oral administration of high-dose")
    )
    one = of(found, "R10")
    assert (one.became.fate, one.code) == ("kept", "sentence-turned")
    assert found.statements[0] == one and one.affects and "regimen-oral-preferred" in one.resting.cited_by


def test_other_markers_are_told() -> None:
    found = edited("b12", ("and other complications 1.\n", "and other complications 4, 7.\n"))
    for id_ in ("G08", "G09"):
        one = of(found, id_)
        assert (one.code, one.became.fate, one.markers) == ("markers-changed", "kept", (("1",), ("4", "7")))
        assert one.sentence == ()
    assert counts(found) == {"markers-changed": 2}


def test_a_quote_that_stands_twice_now_is_told_and_its_own_sentence_tells_which_is_meant() -> None:
    again = "\n\nSummary\n\nAs was said, Cola in the afternoon may keep a pupil awake at home.\n"
    found = beside("short-nights", text("short-nights").rstrip("\n") + again)
    one = of(found, "S13")
    assert (one.became.fate, one.became.sure, one.code) == ("kept", True, "")
    assert [place.line for place in one.became.also] == [23]
    both = text("short-nights").replace(
        "Cola in the afternoon may keep a pupil awake.",
        "They say: Cola in the afternoon may keep a pupil awake, and Cola in the afternoon may keep a pupil awake.",
    )
    unsure = of(beside("short-nights", both), "S13")
    assert not unsure.became.sure and "quote-unsure" in unsure.codes


def test_the_same_words_in_a_sentence_that_had_them_before_are_no_place_to_move_to() -> None:
    """A quote whose sentence is struck is gone, although its words stand in another sentence, as they always did."""
    words, other = "A nap helps", "Everyone knows that A nap helps, and sleeps."
    old = Source.of("a", f"{words}.\n\nOne more line.\n\n{other}\n".encode())
    new = Source.of("b", f"One more line.\n\n{other}\n".encode())
    became = Documents(old, new).became(0, len(words))
    assert became.fate == "vanished" and [place.line for place in became.also] == [3]


def test_a_sentence_that_is_cut_in_two_keeps_the_quotes_that_stand_in_either() -> None:
    found = edited("b12", (" for 2 weeks, followed by maintenance", " for 2 weeks. It is followed by maintenance"))
    assert {of(found, id_).became.fate for id_ in ("G06", "G07")} == {"kept"}
    assert found.new == ()


def test_a_quote_that_moved_and_changed_is_found() -> None:
    old = text("b12")
    line = next(line for line in old.splitlines() if "Oral administration of high-dose" in line)
    changed = line.replace("1 to 2 mg", "1 to 3 mg")
    found = beside(
        "b12",
        old.replace(line + "\n", "").replace(
            "Definition of B12 Deficiency\n", f"Definition of B12 Deficiency\n\n{changed}\n"
        ),
    )
    one = of(found, "R10")
    assert (one.became.fate, one.code, one.became.in_order) == ("changed", "quote-figure", False)
    assert one.sections == ("Treatment of B12 Deficiency", "Definition of B12 Deficiency") and one.other_section


# sections, segments, what is new


def test_a_heading_that_is_renamed_takes_its_statements_along() -> None:
    found = edited("short-nights", ("Tired pupils\n", "Pupils who are tired\n"))
    assert [(h.before, h.after) for h in found.headings if h.told] == [("Tired pupils", "Pupils who are tired")]
    assert "section-changed" not in counts(found)
    assert of(found, "S09").sections == ("Tired pupils", "Pupils who are tired")


def test_headings_that_are_new_gone_or_in_another_place_are_told() -> None:
    blocks = text("short-nights").split("\n\n")
    new = "\n\n".join([*blocks[:2], *blocks[8:10], *blocks[2:6], "Snacks", *blocks[7:8]])
    found = beside("short-nights", new)
    by_name = {h.before or h.after: h for h in found.headings if h.told}
    assert not by_name["What teachers say"].in_order
    assert by_name["Snacks"].before is None and by_name["What can be done"].after is None
    assert of(found, "S10").other_section and of(found, "S10").sections == ("What can be done", "Snacks")


def test_a_segment_that_nobody_encoded_is_told_when_it_changes() -> None:
    found = edited(
        "short-nights", ("The first lesson begins too early, teachers also say.", "The first lesson begins at 8.")
    )
    (part,) = found.segments
    assert (part.segment, part.became.fate, part.encoded_as) == ("ex:segment_21", "changed", ())
    assert part.reason and counts(found) == {"segment-changed": 1}
    beside_it = edited("short-nights", ("Harbour School\n", "Harbour School, second printing\n"))
    (title,) = beside_it.segments
    assert (title.became.fate, [one.after for one in title.sentence]) == ("kept", [", second printing"])
    gone = edited("short-nights", (" Sleep well!", ""))
    assert counts(gone) == {"segment-vanished": 1}


def test_new_sentences_are_told_in_their_places_with_a_number_that_is_free() -> None:
    found = edited(
        "short-nights",
        ("Sleep well!", "Sleep well! Read 2 pages first."),
        ("Tired pupils\n\n", "Tired pupils\n\nBe kind. "),
    )
    assert [(one.text, one.section, one.figures) for one in found.new] == [
        ("Be kind.", "Tired pupils", False), ("Read 2 pages first.", "What teachers say", True),
    ]  # fmt: skip
    taken = set(found.orders.values())
    assert not taken & {one.order for one in found.new} and len(taken) == 22


# the file as a whole

WHOLE = {
    "lines that end in CR LF": (lambda t: t.replace("\n", "\r\n"), "it ends its lines with CR LF", 1),
    "a byte order mark": (lambda t: "\ufeff" + t, "it begins with a byte order mark", 0),
    "accents apart": (
        lambda t: unicodedata.normalize("NFD", t.replace("weeks", "wéeks")),
        "letters and their accents",
        2,
    ),
    "non-breaking blanks": (lambda t: t.replace("1 mg", "1\u00a0mg"), "it has non-breaking blanks", 5),
}


@pytest.mark.parametrize("how", WHOLE)
def test_another_way_to_write_the_file_is_named_and_is_no_other_wording(how: str) -> None:
    """Quotes stand letter for letter or not at all, so the author is told; but no word is said to be another."""
    written, note, changed = WHOLE[how]
    found = beside("b12", written(text("b12")))
    stands(found)
    assert any(note in one for one in found.notes)
    assert len(fates(found).get("changed", [])) == changed and "vanished" not in fates(found)
    if how != "accents apart":
        assert all({a.sort for a in one.differences} <= {"writing"} for one in found.statements)
        assert not any(one.affects for one in found.statements)
    assert found.new == ()


def test_letters_with_their_accents_apart_read_the_same() -> None:
    assert plain("fu\u0308rther µg") == plain("f\u00fcrther μg")
    (one,) = apart("a fu\u0308rther test", "a f\u00fcrther test")
    assert one.sort == "writing"


def test_another_document_is_asked_about_and_nothing_in_it_is_taken_for_a_quote() -> None:
    found = beside("b12", text("short-nights"))
    assert any("is it an edition of the same document?" in note for note in found.notes)
    assert set(fates(found)) == {"vanished"} and len(found.new) == 22
    assert not any("same document" in note for note in edited("b12", ("1 to 2 mg", "1 to 3 mg")).notes)


@pytest.mark.long
def test_a_document_a_thousand_times_as_long_is_read(tmp_path: Path) -> None:
    """Five megabytes around the old text, which is found in their middle."""
    filler = "\n\n".join(f"Paragraph {i} says nothing of note, as did the {i - 1} before it." for i in range(40_000))
    half = len(filler) // 2
    found = beside("short-nights", f"{filler[:half]}.\n\n{text('short-nights')}\n\n{filler[half:]}")
    assert set(fates(found)) == {"moved"} and len(found.new) > 39_990
    assert all(one.became.in_order and one.code == "quote-moved" for one in found.statements)


# the command


@pytest.fixture
def kb(tmp_path: Path) -> Path:
    """The leaflet's knowledge base, to be edited, with one of its cases."""
    folder = Path(shutil.copytree(LEAFLET, tmp_path / "short-nights", ignore=shutil.ignore_patterns("cases")))
    (folder / "cases").mkdir()
    shutil.copy(LEAFLET / "cases" / "tired-and-short.yaml", folder / "cases")
    return folder


def new_edition(kb: Path, *changes: tuple[str, str]) -> Path:
    """Its document with some words changed, beside it."""
    new = text("short-nights")
    for before, after in changes:
        assert new.count(before) == 1, before
        new = new.replace(before, after)
    path = kb.parent / "leaflet-2.txt"
    path.write_bytes(new.encode())
    return path


def hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def data(ended: Ended) -> dict[str, Any]:
    """The document that a command printed, in its published form."""
    found: dict[str, Any] = json.loads(ended.out)
    jsonschema.Draft202012Validator(schemas.schema("drift")).validate(found)
    return found


def test_a_case_that_cannot_be_used_is_refused_since_less_would_seem_to_rest(kb: Path, citelog: Command) -> None:
    """It was passed over: “no case shows” stood at a conclusion that only that case does."""
    case = kb / "cases" / "nothing-recorded.yaml"
    case.write_text("labs: [\n")
    told = citelog("audit", "drift", new_edition(kb, ("8 hours", "7 hours")), "--kb", kb)
    assert told.status == 2 and "nothing-recorded.yaml" in told.err and not told.out


def test_the_status_says_whether_the_documents_differ(kb: Path, citelog: Command) -> None:
    same = citelog("audit", "drift", kb / "source" / "leaflet.txt", "--kb", kb)
    assert (same.status, same.err) == (0, "") and "The same document, byte for byte." in same.out
    other = citelog("audit", "drift", new_edition(kb, ("8 hours", "7 hours")), "--kb", kb)
    assert other.status == 1 and "number: “8” → “7”" in other.out


def test_gates_say_what_ends_with_status_1(kb: Path, citelog: Command) -> None:
    """With --fail-on only gates do, and what is broken always."""
    more = new_edition(kb, ("Sleep well!", "Sleep well! Read a book. And another."))
    run = ("audit", "drift", more, "--kb", kb, "--format", "json")
    assert citelog(*run).status == 1
    passed = citelog(*run, "--fail-on", "sentence-new>2", "--fail-on", "segment-vanished")
    assert passed.status == 0 and data(passed)["failed"] == []
    failed = citelog(*run, "--fail-on", "sentence-new>1")
    assert failed.status == 1 and data(failed)["failed"] == [{"code": "sentence-new", "most": 1, "count": 2}]
    assert "gate sentence-new>1: 2 of 24 sentences" in failed.err
    broken = new_edition(kb, ("From 2 points", "From 4 points"))
    assert citelog("audit", "drift", broken, "--kb", kb, "--fail-on", "sentence-new").status == 1
    wrong = citelog("audit", "drift", broken, "--kb", kb, "--fail-on", "sentence-knew")
    assert (wrong.status, wrong.out) == (2, "") and "did you mean sentence-new?" in wrong.err


def test_the_data_is_in_its_published_form_and_says_what_the_text_says(kb: Path, citelog: Command) -> None:
    new = new_edition(
        kb, ("From 2 points", "From 4 points"), ("Nobody has", "Somebody has"), ("Sleep well!", "Sleep well! Read.")
    )
    found = data(citelog("audit", "drift", new, "--kb", kb, "--format", "json"))
    assert [one["statement"] for one in found["statements"]][:2] == ["S09", "S02"]
    assert {one["code"]: one["count"] for one in found["figures"] if one["count"]} == {
        "quote-figure": 1, "quote-negation": 1, "review-status-changed": 1, "sentence-new": 1,
    }  # fmt: skip
    assert [one["code"] for one in found["figures"]] == list(CODES)
    assert found["affected"]["conclusions"][0] == {
        "conclusion": "tired:PROBABLY", "cites": True, "cases": ["tired-and-short"],
    }  # fmt: skip
    assert found["before"]["sentences"] == 22 and found["kept_sentences"] == 20


UNUSABLE: dict[str, tuple[bytes | None, str]] = {
    "a file that is not there": (None, "the document cannot be read: No such file"),
    "an empty file": (b"", "the document is empty"),
    "blanks": (b" \n\n ", "the document is empty"),
    "no words": (b"1 2 3\n", "there is no word in the document"),
    "UTF-16": (
        "Sleep well".encode("utf-16"),
        ":1: byte 0 is not UTF-8, so this is no UTF-8 text; it looks like UTF-16",
    ),
    "Latin-1": ("Sleep well.\nA caf\u00e9 helps.".encode("latin-1"), ":2: byte 17 is not UTF-8"),
    "a PDF": (b"%PDF-1.7\n\x00\x01", "it looks like a PDF"),
    "a control character": (b"Sleep\nwell\x00", ":2: the control character U+0000"),
    "too much": (b"a " * (LARGEST_EDITION // 2 + 1), f"more than {LARGEST_EDITION} bytes"),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_file_that_is_no_text_is_refused_with_its_place_and_a_remedy(what: str, kb: Path, citelog: Command) -> None:
    content, message = UNUSABLE[what]
    path = kb.parent / "new.txt"
    if content is not None:
        path.write_bytes(content)
    ended = citelog("audit", "drift", path, "--kb", kb)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err and "new.txt" in ended.err and "\n   = give" in ended.err


def test_a_knowledge_base_whose_own_document_changed_is_refused(kb: Path, citelog: Command) -> None:
    new = new_edition(kb, ("8 hours", "7 hours"))
    shutil.copy(new, kb / "source" / "leaflet.txt")
    ended = citelog("audit", "drift", new, "--kb", kb)
    assert (ended.status, ended.out) == (2, "") and "error[source-changed]" in ended.err


def test_a_knowledge_base_with_errors_tells_the_quotes_and_not_what_rests_on_them(kb: Path, citelog: Command) -> None:
    rules = kb / "rules" / "20-tired.rls"
    rules.write_text(rules.read_text().replace("ex:tiredFrom", "ex:tiredForm"))
    ended = citelog(
        "audit", "drift", new_edition(kb, ("From 2 points", "From 4 points")), "--kb", kb, "--format", "json"
    )
    found = data(ended)
    assert "has errors" in found["unasked"]
    assert found["statements"][0]["resting"]["triples"][0]["lost"] and found["affected"]["conclusions"] == []


@pytest.mark.parametrize("option", [("--kb", "short-nights"), ("--format", "json"), ("--fail-on", "conflict")])
def test_an_option_before_the_command_is_refused_because_it_would_say_nothing(
    option: tuple[str, str], kb: Path, citelog: Command
) -> None:
    ended = citelog("audit", *option, "drift", kb / "source" / "leaflet.txt", "--kb", kb)
    assert (ended.status, ended.out) == (2, "")
    assert f"{option[0]} stands before drift" in ended.err and "write it behind" in ended.err


# the copy


def remaining(folder: Path) -> list[tuple[str, str]]:
    """What is left to do in a copy: the code of each finding, and what it is about."""
    return [
        (d.code, re.findall(r"\bS\d\d\b|segment_\d+|(?<=for ').{7}", d.message)[0])
        for d in check_folder(folder)
        if d.severity == "error"
    ]


def test_a_copy_whose_quotes_only_moved_is_a_sound_knowledge_base_that_answers_as_before(
    kb: Path, citelog: Command
) -> None:
    """Paragraphs in another order and with more room: everything can be computed, so nothing is left to do."""
    blocks = text("short-nights").rstrip("\n").split("\n\n")
    new = kb.parent / "leaflet-2.txt"
    new.write_text("\n\n\n".join([*blocks[:2], *blocks[8:10], *blocks[2:8]]) + "\n")
    before = hashes(kb)
    ended = citelog("audit", "drift", new, "--kb", kb, "--write", kb.parent / "copy")
    assert ended.status == 1 and "nothing is left to do" in ended.err
    assert hashes(kb) == before
    copy = kb.parent / "copy"
    assert check_folder(copy) == ()
    assert (copy / "source" / "leaflet-2.txt").read_bytes() == new.read_bytes()
    assert not (copy / "source" / "leaflet.txt").exists()
    assert citelog("fmt", "--check", "--kb", copy).status == 0
    case = kb / "cases" / "tired-and-short.yaml"
    answers = [
        json.loads(citelog("assess", case, "--kb", k, "--format", "json", "--at", "2026-03-09").out) for k in (kb, copy)
    ]
    said = [[(c["id"], c["sentence"], [q["quote"] for q in c["citations"]]) for c in a["conclusions"]] for a in answers]
    assert said[0] == said[1]
    assert citelog("audit", "drift", new, "--kb", copy).status == 0


def test_a_copy_leaves_to_its_author_what_changed_vanished_and_is_new_and_nothing_else(
    kb: Path, citelog: Command
) -> None:
    new = new_edition(
        kb,
        ("From 2 points", "From 4 points"),
        (" Cola in the afternoon may keep a pupil awake.", ""),
        ("Harbour School\n", "Harbour School\n\nSecond printing.\n"),
    )
    before = hashes(kb)
    ended = citelog("audit", "drift", new, "--kb", kb, "--write", kb.parent / "copy")
    assert hashes(kb) == before and ended.status == 1
    left = remaining(kb.parent / "copy")
    assert sorted(left) == [
        ("quote-not-found", "S09"),
        ("quote-not-found", "S13"),
        ("segment-missing", "Second "),
        ("segment-not-found", "segment_12"),
        ("segment-not-found", "segment_17"),
    ]
    assert "left to do: 2 quote-not-found, 1 segment-missing, 2 segment-not-found" in ended.err
    said = (kb.parent / "copy" / "statements.trig").read_text()
    assert 'cl:quote "From 2 points on, a pupil is probably tired"' in said
    assert "ex:S09 { ex:score ex:tiredFrom 2 . }" in said


def test_the_numbers_that_are_free_are_those_that_the_report_says(kb: Path, citelog: Command) -> None:
    new = new_edition(kb, ("Tired pupils\n\n", "Tired pupils\n\nBe kind. "))
    found = data(citelog("audit", "drift", new, "--kb", kb, "--write", kb.parent / "copy", "--format", "json"))
    copy = kb.parent / "copy"
    (sentence,) = found["new"]
    with (copy / "segments.ttl").open("a") as file:
        file.write(
            f"\nex:segment_new a cl:Segment ;\n    cl:order {sentence['order']} ;\n"
            f'    cl:line {sentence["place"]["line"]} ;\n    cl:text "{sentence["text"]}" ;\n'
            '    cl:outOfScope "no advice" .\n'
        )
    assert [d.code for d in check_folder(copy) if d.severity == "error"] == []


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("short-nights", "the folder is not empty"),
        ("short-nights/copy", "this lies in the knowledge base that is to be copied"),
        ("nowhere/copy", "there is no folder"),
        ("leaflet-2.txt", "this is a file, not a folder"),
    ],
)
def test_a_copy_is_made_only_where_nothing_stands(kb: Path, target: str, message: str, citelog: Command) -> None:
    new = new_edition(kb, ("8 hours", "7 hours"))
    before = hashes(kb.parent)
    ended = citelog("audit", "drift", new, "--kb", kb, "--write", kb.parent / target)
    assert (ended.status, ended.out) == (2, "") and message in ended.err
    assert hashes(kb.parent) == before


def test_a_copy_keeps_the_line_ends_of_its_files_and_lays_out_only_what_was_laid_out(
    kb: Path, citelog: Command
) -> None:
    statements, segments = kb / "statements.trig", kb / "segments.ttl"
    statements.write_bytes(statements.read_bytes().replace(b"\n", b"\r\n"))
    segments.write_bytes(segments.read_bytes().replace(b"    cl:line  ", b"  cl:line "))
    new = new_edition(kb, ("Harbour School\n", "Harbour School\n\n\n"))
    citelog("audit", "drift", new, "--kb", kb, "--write", kb.parent / "copy")
    for file in (statements, segments):
        old, now = (folder.joinpath(file.name).read_bytes().split(b"\n") for folder in (kb, kb.parent / "copy"))
        assert [re.sub(rb"\d+", b"", line) for line in old] == [re.sub(rb"\d+", b"", line) for line in now]
        assert old != now


def test_of_a_quote_that_stands_twice_no_place_is_chosen_in_the_copy(kb: Path, citelog: Command) -> None:
    words = "Cola in the afternoon may keep a pupil awake"
    new = new_edition(
        kb, (f"{words}.", f"They say: {words}, and {words}."), ("Harbour School\n", "Harbour School\n\n\n")
    )
    ended = citelog("audit", "drift", new, "--kb", kb, "--write", kb.parent / "copy")
    assert "= no place was chosen for S13: say cl:line, or quote more" in ended.err
    old, now = ((folder / "statements.trig").read_text() for folder in (kb, kb.parent / "copy"))
    block = old[old.index("ex:S13 a cl:Statement") : old.index("ex:S13 {")]
    assert block in now and old[: old.index(block)] not in now


def test_a_new_document_takes_no_place_of_another_file(kb: Path, citelog: Command) -> None:
    new = new_edition(kb, ("8 hours", "7 hours"))
    (kb / "source" / new.name).write_text("Notes of the author.\n")
    ended = citelog("audit", "drift", new, "--kb", kb, "--write", kb.parent / "copy")
    assert (ended.status, ended.out) == (2, "")
    assert "has another file source/leaflet-2.txt already\n   = give the new document another name" in ended.err
    assert not (kb.parent / "copy").exists()


def test_the_same_document_is_not_copied(kb: Path, citelog: Command) -> None:
    ended = citelog("audit", "drift", kb / "source" / "leaflet.txt", "--kb", kb, "--write", kb.parent / "copy")
    assert (ended.status, ended.out) == (2, "") and "there is nothing to write" in ended.err


def test_a_new_document_with_the_old_name_takes_its_place_in_the_copy(kb: Path, citelog: Command) -> None:
    new = new_edition(kb, ("8 hours", "7 hours"))
    new = new.rename(new.with_name("leaflet.txt"))
    citelog("audit", "drift", new, "--kb", kb, "--write", kb.parent / "copy")
    assert (kb.parent / "copy" / "source" / "leaflet.txt").read_bytes() == new.read_bytes()
    assert (kb / "source" / "leaflet.txt").read_text() == text("short-nights")


# the page


@cache
def shown() -> tuple[Drift, str]:
    """A drift with something of every sort in it, and its page."""
    found = edited(
        "short-nights",
        ("From 2 points", "From 4 points"),
        ("may keep a pupil awake", "keeps a <b>pupil</b> & others awake"),
        ("Tired pupils\n", "Pupils who are tired\n"),
        ("Sleep well!", "Sleep well! Read <script>alert(1)</script>."),
        ("Harbour School\n", "Harbour School\nSecond printing\n"),
    )
    return found, page(found)


def test_the_page_is_sound_and_stands_alone() -> None:
    found, html = shown()
    html5lib.HTMLParser(strict=True).parse(html)
    assert not re.findall(r"<(?:script|link|img|iframe|object)\b|\bsrc=|@import|url\(", html)
    assert "default-src 'none'" in html
    assert "keeps a &lt;b&gt;pupil&lt;/b&gt; &amp; others awake" in re.sub(r"</?ins[^>]*>|</?span[^>]*>", "", html)
    assert found.documents.new.sha256 in html and found.documents.old.sha256 in html


def test_the_page_shows_the_old_words_and_the_new_beside_each_other_and_marks_what_differs() -> None:
    _, html = shown()
    article = html[html.index('<article id="S09"') :].partition("</article>")[0]
    before, after = re.findall(r"<td>(.*?)</td>", article, re.S)
    assert '<del class="turns">2</del>' in before and '<ins class="turns">4</ins>' in after
    assert '<li class="turns">number: “2” → “4”</li>' in article
    assert "ex:score ex:tiredFrom 2" in article and "tired:PROBABLY (3 cases)" in article


def test_the_page_says_all_that_the_text_says_beneath_each_statement_and_segment() -> None:
    """Also of a quote that stands in a sentence that denies it now, and of a segment that stands beside other words."""
    found = edited(
        "short-nights",
        ("Cola in the afternoon", "It is not true that Cola in the afternoon"),
        ("Harbour School\n", "Harbour School, second printing\n"),
        ("From 2 points", "From 2.5 points"),
    )
    html = page(found)
    assert '<li class="turns">around it, no: new “It is not true that”</li>' in html
    assert "<li>beside it, words: new “, second printing”</li>" in html
    assert "stands beside other words, set aside: " in html
    lines = {line.strip() for line in told(found).splitlines()}
    beneath = re.findall(r"<li(?: class=\"turns\")?>(.*?)</li>", html[html.index('id="statements"') :])
    assert beneath and {line for line in lines if line.startswith(("number", "around it", "beside it"))} <= set(beneath)


def test_the_page_has_its_headings_in_order_and_a_name_for_each_part() -> None:
    _, html = shown()
    levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
    assert levels[0] == 1 and levels.count(1) == 1 and all(b <= a + 1 for a, b in pairwise(levels))
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'aria-labelledby="([^"]+)"', html)) <= set(ids)
    assert all(f">{sort}" in html or sort for sort in SORTS)


def test_every_figure_is_listed_in_the_documentation_with_its_weight_in_the_order_in_which_it_is_told() -> None:
    written = (ROOT / "docs" / "DRIFT.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[a-z-]+`(?:, `[a-z-]+`)*) \|.*\| (.) \|$", written, re.M)
    listed = [(code, sign) for codes, sign in rows for code in re.findall("[a-z-]+", codes)]
    figures = edited("short-nights", ("8 hours", "7 hours")).figures
    assert listed == [(one.code, SIGNS[one.weight]) for one in figures]
    assert [one.code for one in figures] == list(CODES)
