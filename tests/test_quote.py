"""`citelog quote`: where a passage stands, what already quotes it, and the statement that an author completes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from authoring import Command
from citelog import home
from citelog.author.new import new
from citelog.author.passages import Difference, search
from citelog.evidence.sources import Source
from citelog.knowledge.base import Knowledge
from citelog.knowledge.check import check_folder
from citelog.knowledge.load import load


def read(folder: Path) -> Knowledge:
    """The knowledge of a folder that is right."""
    opened = load(folder, home.ontology())
    assert opened.knowledge is not None, opened.diagnostics
    return opened.knowledge


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


def test_the_same_words_in_several_places_are_all_found(fern: Path, citelog: Command) -> None:
    found = search(fern, "water it")
    assert [p.line for p in found.passages] == [12, 15]
    shown = citelog("quote", "--kb", fern, "water it")
    assert (shown.status, shown.out.count(" a cl:Statement")) == (0, 2)
    shown = citelog("quote", "--kb", fern, "e")
    assert "with more of its words, one gets its statement" in shown.out
    assert " a cl:Statement" not in shown.out


def test_words_that_are_not_there_are_answered_with_the_passage_most_like_them(fern: Path, citelog: Command) -> None:
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


LONG = [f"word{i}" for i in range(3000)]
"""So many words that not every place of them is compared."""


@pytest.mark.parametrize("at", [0, 1500, 2990])
def test_in_a_long_document_a_passage_is_found_by_the_words_that_it_shares_with_the_quote(at: int) -> None:
    """Its first word is another; its second stands in many places, each other word in one more."""
    words = [*LONG]
    for n in range(1, 10):
        for place in range(20 * n, 20 * n + (12 if n == 1 else 1)):
            words[500 + place] = words[at + n]
    source = Source("long.txt", " ".join(words), "")
    quote = " ".join(["other", *words[at + 1 : at + 10]])
    start, end, ratio = source.nearest_place(quote)
    assert source.text[start:end].split() == words[at : at + 10] and 0.8 < ratio < 1


@pytest.mark.parametrize(("times", "found"), [(200, True), (201, False)])
def test_in_a_long_document_a_word_that_is_everywhere_tells_nothing_of_the_place(times: int, found: bool) -> None:
    words = ["fern" if i % 10 == 5 and i < 10 * times else word for i, word in enumerate(LONG)]
    start, end, ratio = Source("long.txt", " ".join(words), "").nearest_place("fern")
    assert (ratio, end > start) == ((1.0, True) if found else (0.0, False))


def test_words_like_nothing_in_the_document_get_no_passage(fern: Path, citelog: Command) -> None:
    for words in ("zzz qqq", "the price of gold today", "giraffes in space"):
        ended = citelog("quote", "--kb", fern, words)
        assert (ended.status, ended.out) == (1, "sample.txt has no such passage, and none like it\n"), words


def test_a_passage_with_quotation_marks_makes_a_block_that_can_be_read(fern: Path) -> None:
    (passage,) = search(fern, '"A wet fern is a sad fern,"').passages
    assert r'cl:quote        "\"A wet fern is a sad fern,\"" ;' in passage.block


def test_a_wrapped_line_and_what_cannot_be_seen_are_told(tmp_path: Path, citelog: Command) -> None:
    (tmp_path / "a.txt").write_bytes(
        "Take the bread out after it has been baked for one hour,\r\nat 200\u00a0°C.".encode()
    )
    folder = new(tmp_path / "kb", tmp_path / "a.txt").folder
    shown = citelog("quote", "--kb", folder, "for one hour, at 200 °C")
    assert shown.status == 1
    assert r'in place of " " the document has "\r\n"' in shown.out
    assert r'in place of " " the document has "\u00A0"' in shown.out
    assert r'cl:quote        "for one hour,\r\nat 200\u00A0°C' in shown.out


def test_the_answer_as_data_says_the_same(fern: Path, citelog: Command) -> None:
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


def test_bad_input_is_refused_with_what_to_do(fern: Path, citelog: Command) -> None:
    ended = citelog("quote", "--kb", fern, " ")
    assert (ended.status, ended.out) == (2, "")
    assert "there are no words to look for\n   = " in ended.err
    with (fern / "source" / "sample.txt").open("a", encoding="utf-8") as file:
        file.write("One more.")
    ended = citelog("quote", "--kb", fern, "Ferns like shade")
    assert (ended.status, ended.out) == (2, "")
    assert "source-changed" in ended.err


# what stands where


PAGE = Source.of("page.txt", b"Give 1 mg daily.\nThen 3.5 mg 3, 4.\nNo marker. Wait 12.\nWithout an end 7\n")


def test_a_place_stands_on_a_line_that_its_break_ends() -> None:
    assert [PAGE.line(at) for at in (0, 16, 17, 34, 35, len(PAGE.text))] == [1, 1, 2, 2, 3, 5]


def test_places_of_a_quote_may_overlap() -> None:
    assert Source("a.txt", "aaa", "").places("aa") == [0, 1]
    assert PAGE.places("nowhere") == PAGE.places("") == Source("a.txt", "", "").places("a") == []


def test_markers_are_those_of_the_sentence_that_an_offset_stands_in() -> None:
    marked = {
        words: PAGE.printed_markers(PAGE.text.index(words), PAGE.text.index(words) + len(words))
        for words in PAGE.text.split()
    }
    assert {words: found for words, found in marked.items() if found} == {
        "Then": ("3", "4"),
        "3.5": ("3", "4"),
        "3,": ("4",),
        "Wait": ("12",),
    }
    assert PAGE.printed_markers(0, 0) == ()


@pytest.mark.parametrize(
    ("sentence", "printed", "segments"),
    [
        ("Rest helps it 1, 2. So be it.", "1, 2", 2),
        ("Rest helps it.1,2 So be it.", "1, 2", 2),
        ("Rest helps it.¹˒² So be it.", "1, 2", 2),
        ("Rest helps it.1–3 So be it.", "1, 2, 3", 2),
        ("Rest helps it [1, 2]. So be it.", "1, 2", 2),
        ("Rest helps it.[1,2] So be it.", "1, 2", 2),
        ("Rest helps it. [2-4] So be it.", "2, 3, 4", 2),
        ("Rest [1] helps those who sing [2]. So be it [3].", "1, 2", 2),
        ("Rest helps it for 1.5 hours. So be it.", "", 2),
        ("Rest helps it (version 1.2). So be it.", "", 2),
        ("Rest helped them in 2024. So be it.", "", 2),
        ("Rest is not for those under 16. So be it.", "", 2),
        ("Rest for days, of which at least 3. So be it.", "", 2),
        ("Rest at www.voice.7b or not. So be it.", "", 2),
        ("Rest as Fig.2 In the morning shows it. So be it.", "", 2),
        ("Rest as the hours of Fig.2 and Tab.1 say.3 So be it.", "3", 2),
        ("Rest as it stands in Fig. 2. So be it.", "", 2),
        ("Rest for the hours of Table 1. So be it.", "", 2),
        ("Rest is drawn by Smith et al.1 So be it.", "1", 2),
        ("Rest as often as one would say no.1 So be it.", "1", 2),
    ],
)
def test_markers_are_read_in_the_forms_that_plain_text_prints(
    sentence: str, printed: str, segments: int, tmp_path: Path, citelog: Command
) -> None:
    """A document of such sentences is cut where they end, and a quote that goes on to its markers ends before them."""
    (tmp_path / "a.txt").write_text(f"Rest of the voice\n\n{sentence}\n", encoding="utf-8")
    made = new(tmp_path / "kb", tmp_path / "a.txt")
    assert (made.segments, check_folder(made.folder)) == (segments + 1, ())
    checked = citelog("check", "--kb", made.folder)
    assert "words-unquoted" not in checked.out
    (statement,) = read(made.folder).statements.values()
    assert ", ".join(statement.markers) == printed
    for words in (statement.quote, sentence.partition(" So be it")[0].rstrip(".")):
        (passage,) = search(made.folder, words).passages
        assert (passage.quote, passage.markers) == (statement.quote, statement.markers)
    assert Source("a.txt", f"{sentence}\n", "").nearest(statement.quote.replace("Rest", "Test")) == (statement.quote, 1)


def test_a_number_at_the_end_of_a_sentence_cites_nothing_where_its_author_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("The test is not for singers of age 16.\n", encoding="utf-8")
    folder = new(tmp_path / "kb", tmp_path / "a.txt").folder
    statements = folder / "statements.trig"
    assert read(folder).statements["S01"].markers == ("16",)
    kept = statements.read_text(encoding="utf-8")
    statements.write_text(kept.replace('"16"', '"none"'), encoding="utf-8")
    assert (check_folder(folder), read(folder).statements["S01"].markers) == ((), ())
    statements.write_text(re.sub(r'.*"16" ;\n', "", kept), encoding="utf-8")
    (said,) = check_folder(folder)
    assert (said.code, said.message) == ("marker-mismatch", "S01 gives the markers none; its sentence prints 16")
    assert str(said.hint).startswith('write cl:markers "16"; or "none"')


def test_the_passage_most_like_a_quote_is_as_many_words_long() -> None:
    assert PAGE.nearest("Then 4.5 mg") == ("Then 3.5 mg", 2)
    assert Source("a.txt", "Give factor X. Then", "").nearest("Give fictor X") == ("Give factor X", 1)
    assert PAGE.nearest_place("Then 3.5 mg") == (17, 28, 1.0)
    assert PAGE.nearest(f"{PAGE.text} and more of it") == (PAGE.text.rstrip(), 1)
    assert PAGE.nearest("marker. Wait") == ("marker. Wait", 3)
    for nothing in ("zzz", "", "  "):
        assert (PAGE.nearest_place(nothing), PAGE.nearest(nothing)) == ((0, 0, 0.0), ("", 1))
    assert Source("a.txt", "", "").nearest_place("a") == (0, 0, 0.0)


def test_of_two_passages_like_it_alike_the_first_is_shown_and_of_a_shorter_text_all() -> None:
    assert Source("a.txt", "Give it. Give it.", "").nearest_place("Give at.")[:2] == (0, 8)
    assert Source("a.txt", "acb bac", "").nearest_place("abc")[:2] == (0, 3)
    assert Source("a.txt", "x two tablets daily", "").nearest_place("two tablets daily now please")[:2] == (2, 19)


def test_the_passage_most_like_a_quote_has_a_full_stop_and_markers_where_the_quote_has() -> None:
    source = Source("a.txt", "Give one tablet daily.2 Then rest.", "")
    assert source.nearest("Give one tablet dally") == ("Give one tablet daily", 1)
    assert source.nearest("Give one tablet dally.") == ("Give one tablet daily.2", 1)


def test_a_long_quote_is_as_like_its_passage_as_a_short_one() -> None:
    """Letters that stand everywhere count: difflib leaves them out of a long text unless it is told not to."""
    days = " ".join(f"On day {day} one tablet is taken with water and not with milk." for day in range(1, 9))
    source = Source("a.txt", f"Of all this nothing. {days}", "")
    start, _, ratio = source.nearest_place(days[131:400].replace("milk", "silk", 1))
    assert start == source.text.index(days[131:400]) and ratio > 0.95


@pytest.mark.parametrize(
    ("quote", "behind"),
    [
        ("Wait for days.2,4", ""),
        ("Wait for days 2, 4.", ""),
        ("Wait for days [2, 4].", ""),
        ("Wait for days.[2, 4]", ""),
        ("Wait for days 2, 4", "."),
        ("Wait for days [2, 4]", "."),
        ("Wait", " for days.2,4"),
    ],
)
def test_markers_within_a_quote_are_those_of_its_own_sentence(quote: str, behind: str) -> None:
    """A quote that ended with its marker was given those of the next sentence, or none."""
    source = Source("a.txt", f"Rest.9 {quote}{behind} Then go on.7 So be it.", "")
    assert source.printed_markers(7, 7 + len(quote)) == ("2", "4")


def test_a_passage_of_a_long_document_is_found_by_its_words() -> None:
    """The word that stands everywhere leads nowhere; the others lead to it, at the distance that the quote has."""
    long = Source("long.txt", "\n".join(f"w{n} the" for n in range(3000)), "")
    quote = "w1500 the w1501 a w1502 the"
    assert long.nearest(quote) == ("w1500 the\nw1501 the\nw1502 the", 1501)
    assert long.nearest("W2999 the") == ("w2999 the", 3000) and long.nearest("w0 a w1 the") == ("w0 the\nw1 the", 1)
    assert long.nearest("x w0 the") == ("w0 the\nw1", 1)
    assert long.nearest_place("the the") == long.nearest_place("nothing of it") == (0, 0, 0.0)


def test_of_many_places_those_with_the_most_words_in_place_are_looked_at() -> None:
    """Each of its words stands alone in more places than are looked at, before the passage that has all three."""
    alone = " ".join(f"alpha a{n} beta b{n} gamma c{n}" for n in range(50))
    long = Source("long.txt", f"{alone}\nalpha beta gamma\n{' '.join(f'w{n}' for n in range(2000))}", "")
    assert long.nearest("alpha beta gamma.") == ("alpha beta gamma", 2)


def test_of_a_long_document_eight_places_are_compared_and_of_a_shorter_one_all() -> None:
    """Those that share most words with the quote come first; nearer by its letters is one that shares a single word."""
    some = "\n".join(f"alpha beta no{n} not{n} nor{n}" for n in range(8))
    for more, found in ((1950, ("alpha betas gammas deltas", 9)), (2000, ("alpha beta no0 not0", 1))):
        text = f"{some}\nalpha betas gammas deltas\n{' '.join(f'w{n}' for n in range(more))}"
        assert Source("a.txt", text, "").nearest("alpha beta gamma delta") == found
    words = [f"w{n}" for n in range(2000)]
    assert Source("a.txt", " ".join(words), "").nearest("W1999x") == ("w1999", 1)
    assert Source("a.txt", " ".join([*words, "w"]), "").nearest_place("W1999x") == (0, 0, 0.0)


def test_of_a_long_quote_the_beginning_is_compared() -> None:
    words = [f"word{n}" for n in range(100)]
    text = " ".join(words)
    start, end, likeness = Source("a.txt", f"first {text} last", "").nearest_place(f"{text[:600]} more")
    assert start == 6 and 0.99 < likeness < 1 and end == 6 + len(" ".join(words[: len(f"{text[:600]} more".split())]))
