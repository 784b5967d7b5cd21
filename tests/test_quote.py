"""`citelog quote`: where a passage stands, what already quotes it, and the statement that an author completes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from authoring import citelog
from citelog import home
from citelog.author.new import new
from citelog.author.passages import Difference, search
from citelog.knowledge.check import check_folder
from citelog.knowledge.load import load


@pytest.fixture
def fern(tmp_path: Path) -> Path:
    """The knowledge base that `new` makes of its sample."""
    return new(tmp_path / "fern").folder


def test_words_of_the_document_are_found_with_their_place(fern: Path) -> None:
    found = search(fern, "Ferns like shade")
    assert found.exact
    (passage,) = found.passages
    text = (fern / "source" / "sample.txt").read_text(encoding="utf-8")
    assert text[passage.start : passage.end] == "Ferns like shade"
    assert (passage.line, passage.section, passage.markers) == (7, "Light and place", ("1",))
    assert [(s.name, s.out_of_scope) for s in passage.segments] == [("ex:segment_04", "not yet read")]
    assert (passage.statements, passage.suggested) == ((), "S02")


def test_a_completed_block_makes_a_sound_knowledge_base(fern: Path) -> None:
    (passage,) = search(fern, "A fern that stands in the sun should be moved to a darker corner").passages
    (segment,) = passage.segments
    block = passage.block.replace('cl:kind         ""', 'cl:kind         "recommendation"')
    block = block.replace('cl:modality     ""', 'cl:modality     "should be"')
    block = block.replace("# TO DO: what the sentence says", f'ex:document ex:says "{passage.quote}" . #')
    statements, segments = fern / "statements.trig", fern / "segments.ttl"
    with statements.open("a", encoding="utf-8") as file:
        file.write("\n" + block)
    head, name, tail = segments.read_text(encoding="utf-8").partition(segment.name)
    tail = tail.replace('cl:outOfScope  "not yet read"', f"cl:encodedAs ex:{passage.suggested}", 1)
    segments.write_text(head + name + tail, encoding="utf-8")
    assert check_folder(fern) == ()
    opened = load(fern, home.ontology()).knowledge
    assert opened is not None
    assert (opened.statements["S02"].markers, opened.statements["S02"].section) == (("1", "2"), "Light and place")
    (again,) = search(fern, "darker corner").passages
    assert (again.statements, again.suggested) == (("S02",), "S03")


def test_a_block_that_nobody_completed_is_reported_by_check(fern: Path) -> None:
    (passage,) = search(fern, "Ferns like shade").passages
    with (fern / "statements.trig").open("a", encoding="utf-8") as file:
        file.write("\n" + passage.block)
    found = check_folder(fern)
    assert {"empty-statement", "statement-outside-segments"} & {d.code for d in found}
    said = " ".join(d.message for d in found)
    assert "A statement has one cl:kind" in said
    assert "A statement has one cl:modality" in said


def test_markers_at_the_end_are_given_as_markers_and_not_quoted(fern: Path) -> None:
    for words in ("Ferns like shade 1.", "Ferns like shade 1"):
        found = search(fern, words)
        assert found.exact
        assert [(p.quote, p.markers) for p in found.passages] == [("Ferns like shade", ("1",))]
    (days,) = search(fern, "Do not water it again within 3").passages
    assert (days.quote, days.markers) == ("Do not water it again within 3", ())


def test_the_same_words_in_several_places_are_all_found(fern: Path) -> None:
    found = search(fern, "water it")
    assert [p.line for p in found.passages] == [12, 15]
    shown = citelog("quote", "--kb", fern, "water it")
    assert (shown.status, shown.out.count(" a cl:Statement")) == (0, 2)
    shown = citelog("quote", "--kb", fern, "e")
    assert "with more of its words, one gets its statement" in shown.out
    assert " a cl:Statement" not in shown.out


def test_words_that_are_not_there_are_answered_with_the_passage_most_like_them(fern: Path) -> None:
    found = search(fern, "water a fern if soil is dry to touch")
    assert not found.exact
    assert [p.quote for p in found.passages] == ["Water the fern when the soil is dry to the touch"]
    assert Difference("if", "when the") in found.differences
    shown = citelog("quote", "--kb", fern, "Water  the fern")
    assert shown.status == 1
    assert 'in place of "  " the document has " "' in shown.out


def test_pages_with_a_slip_are_found_by_their_beginning_and_to_their_end() -> None:
    (text,) = (path.read_text(encoding="utf-8") for path in (home.knowledge() / "source").glob("*.txt"))
    start = text.index("Vitamin B12 deficiency typically requires")
    whole = text[start : start + 3000].rsplit(" ", 1)[0]
    found = search(home.knowledge(), whole.replace("deficiency", "deficit", 1))
    assert [(passage.start, passage.quote) for passage in found.passages] == [(start, whole)]
    assert found.differences == (Difference("deficit", "deficiency"),)


def test_words_like_nothing_in_the_document_get_no_passage(fern: Path) -> None:
    ended = citelog("quote", "--kb", fern, "zzz qqq")
    assert (ended.status, ended.out) == (1, "sample.txt has no such passage, and none like it\n")


def test_a_passage_with_quotation_marks_makes_a_block_that_can_be_read(fern: Path) -> None:
    (passage,) = search(fern, '"A wet fern is a sad fern,"').passages
    assert r'cl:quote        "\"A wet fern is a sad fern,\"" ;' in passage.block


def test_a_wrapped_line_and_what_cannot_be_seen_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(
        "Take the bread out after it has been baked for one hour,\r\nat 200\u00a0°C.".encode()
    )
    folder = new(tmp_path / "kb", tmp_path / "a.txt").folder
    shown = citelog("quote", "--kb", folder, "for one hour, at 200 °C")
    assert shown.status == 1
    assert r'in place of " " the document has "\r\n"' in shown.out
    assert r'in place of " " the document has "\u00A0"' in shown.out
    assert r'cl:quote        "for one hour,\r\nat 200\u00A0°C' in shown.out


def test_the_answer_as_data_says_the_same(fern: Path) -> None:
    ended = citelog("quote", "--kb", fern, "--format", "json", "Ferns like shade")
    assert ended.status == 0
    assert json.loads(ended.out) == search(fern, "Ferns like shade").to_dict()


def test_a_passage_of_the_shipped_knowledge_names_its_statement() -> None:
    found = search(home.knowledge(), "hydroxocobalamin 1 mg intramuscularly as the treatment of choice")
    (passage,) = found.passages
    assert passage.statements == ("G11",)
    assert passage.suggested.startswith("G")
    assert passage.suggested not in load(home.knowledge(), home.ontology()).triples.subjects
    assert passage.block.count("# cl:voice") > 1, "several voices: the author chooses"


def test_bad_input_is_refused_with_what_to_do(fern: Path) -> None:
    ended = citelog("quote", "--kb", fern, " ")
    assert (ended.status, ended.out) == (2, "")
    assert "there are no words to look for\n   = " in ended.err
    with (fern / "source" / "sample.txt").open("a", encoding="utf-8") as file:
        file.write("One more.")
    ended = citelog("quote", "--kb", fern, "Ferns like shade")
    assert (ended.status, ended.out) == (2, "")
    assert "source-changed" in ended.err
