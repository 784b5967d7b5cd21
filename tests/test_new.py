"""`citelog new`: from a document to a knowledge base that is checked and tried, whatever the document looks like."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from authoring import Command, Ended
from citelog import home
from citelog.author.new import LARGEST, new
from citelog.author.sentences import headings, pieces
from citelog.author.turtle import literal
from citelog.diagnostics import CitelogError
from citelog.knowledge.check import check_folder
from citelog.knowledge.load import load
from citelog.vocab import CL

HEADED = b"""What to do about rust

Tools

  \xe2\x80\xa2 Oil the tool after use, e.g. with linseed oil 1.
  \xe2\x80\xa2 Wipe it dry 2, 3. Hang it up.
    - Keep it away from salt

1. First, brush it.
2. Then oil it again, at 20 \xc2\xb0C (approx. 68 \xc2\xb0F).

A long line of this document was wrapped by the editor that wrote it, and goes on
with small letters on the next line. So it ends.
"""
ODD = (
    "\ufeffÜber das Brot\r\n\r\nDas Brot ruht 12\u00a0Stunden\u200b bei 4\u2009°C 1.\r\n"
    "Людям нравится хлеб. מחמצת היא חיה.\r\n"
    "🙂 Ein Tropfen Öl schadet nicht.\u2028Cafe\u0301 dazu."
).encode()
HOSTILE = rb'''She said: "It's done." . ex:evil a cl:Statement
"""Three quotes""" and \ a backslash \u0041 at the end \
{{ id }} {% raw %} ]} > <https://example.org/> # no comment
ex:S01 { ex:a ex:b "c" } .
'''
DOCUMENTS = {
    "headings and bullets": HEADED,
    "odd Unicode, CRLF, no final newline": ODD,
    "quotes, backslashes and Turtle": HOSTILE,
    "one word": b"Bread",
    "the same sentence thrice": b"Do it. Do it. Do it.\nDo it.\n",
    "old line ends": b"A title\r\rDo this at once. Then rest.\r",
    "markers and numbers": b"12\n\n3.5\n\nRise 1, 2. 4. 5.\n",
}


def made(citelog: Command, folder: Path, data: bytes, *more: str | Path, name: str = "document.txt") -> Ended:
    """Runs `new` on a document in a folder."""
    document = folder / name
    document.write_bytes(data)
    return citelog("new", folder / "made", "--document", document, *more)


def test_the_document_of_a_knowledge_base_is_taken_to_be_encoded_anew(tmp_path: Path, citelog: Command) -> None:
    made(citelog, tmp_path, HEADED)
    again = citelog("new", tmp_path / "again", "--kb", tmp_path / "made")
    assert again.out.startswith(f"{tmp_path / 'again'}: a knowledge base of “What to do about rust”\n")
    assert (tmp_path / "again" / "source" / "document.txt").read_bytes() == HEADED
    assert citelog("check", "--kb", tmp_path / "again").status == 0
    both = citelog("new", tmp_path / "both", "--kb", tmp_path / "made", "--document", tmp_path / "document.txt")
    assert (both.status, both.out) == (2, "") and "two documents" in both.err


@pytest.mark.slow
@pytest.mark.parametrize("data", DOCUMENTS.values(), ids=DOCUMENTS)
def test_what_is_made_of_a_document_is_checked_and_tried(data: bytes, tmp_path: Path, citelog: Command) -> None:
    ended = made(citelog, tmp_path, data, "--id", "my-kb", "--title", 'A "title" \\ of mine')
    assert (ended.status, ended.err) == (0, "")
    folder = tmp_path / "made"
    checked = citelog("check", "--kb", folder)
    assert checked.status == 0
    assert "made: nothing wrong" in checked.out and "error[" not in checked.out
    unread = (folder / "segments.ttl").read_text(encoding="utf-8").count('cl:outOfScope  "not yet read"')
    assert (f"advice[segment-unread]: {unread} segment" in checked.out) == (unread > 0)
    tried = citelog("test", "--kb", folder)
    assert (tried.status, tried.out) == (0, "1 case, 2 expectations: all hold\n")
    assert (folder / "source" / "document.txt").read_bytes() == data
    assert hashlib.sha256(data).hexdigest() in (folder / "about.ttl").read_text(encoding="utf-8")
    opened = load(folder, home.ontology()).knowledge
    assert opened is not None
    assert (opened.id, opened.title) == ("my-kb", 'A "title" \\ of mine')
    (statement,) = opened.statements.values()
    assert data.decode()[statement.start : statement.end] == statement.quote
    assert statement.markers == opened.source.printed_markers(statement.start, statement.end)


@pytest.mark.slow
def test_the_folder_and_its_documents_first_line_give_the_names(tmp_path: Path, citelog: Command) -> None:
    (tmp_path / "rust.txt").write_bytes(HEADED)
    assert citelog("new", "Rust & tools", "--document", "rust.txt", cwd=tmp_path).status == 0
    opened = load(tmp_path / "Rust & tools", home.ontology()).knowledge
    assert opened is not None
    assert (opened.id, opened.title) == ("rust-tools", "What to do about rust")


@pytest.mark.slow
def test_without_a_document_a_newcomer_gets_a_short_one(tmp_path: Path, citelog: Command) -> None:
    ended = citelog("new", "try", cwd=tmp_path)
    assert ended.status == 0
    assert "next: citelog check --kb try" in ended.out
    assert citelog("check", "--kb", "try", cwd=tmp_path).status == 0
    assert citelog("test", "--kb", "try", cwd=tmp_path).status == 0
    shown = citelog("assess", "--kb", "try", "try/cases/example.yaml", cwd=tmp_path)
    assert "Example, to be replaced" in shown.out
    why = citelog("why", "--kb", "try", "try/cases/example.yaml", "example:replace_me", cwd=tmp_path)
    assert "An example, to be replaced: it says nothing about the patient." in why.out
    assert "This is an invented text to try citelog with" in why.out
    assert [p.name for p in tmp_path.iterdir()] == ["try"]


def test_without_the_example_finding_nothing_is_concluded(tmp_path: Path, citelog: Command) -> None:
    new(tmp_path / "try")
    (tmp_path / "empty.yaml").write_text("findings: []\n", encoding="utf-8")
    ended = citelog("assess", "--kb", tmp_path / "try", tmp_path / "empty.yaml", "--format", "json")
    assert '"example:' not in ended.out


def test_a_heading_of_markdown_is_called_by_its_words(tmp_path: Path, citelog: Command) -> None:
    """A citation then says “What helps, line 7”, and check finds the heading on its line."""
    document = b"# Sleep\n\nA leaflet.\n\n## What helps ##\n\nA nap helps.\n\n### 2. C# and D\n\nNobody knows.\n"
    ended = made(citelog, tmp_path, document, name="sleep.md")
    assert ended.status == 0, ended.err
    about = (tmp_path / "made" / "about.ttl").read_text(encoding="utf-8")
    assert re.findall(r'cl:Section ; +rdfs:label +"([^"]*)" ; +cl:line (\d+)', about) == [
        ("What helps", "5"),
        ("2. C# and D", "9"),
    ]
    assert "section-not-found" not in citelog("check", "--kb", tmp_path / "made").out


def test_an_empty_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "made").mkdir()
    assert new(tmp_path / "made").segments > 5
    assert (tmp_path / "made" / "about.ttl").is_file()


REFUSED = {
    "a document that is not UTF-8": (b"Gr\xfc\xdfe aus\nK\xf6ln\n", (), "document.txt:1: byte 2 is not UTF-8"),
    "a binary file": (b"%PDF-1.7\n\x00\x01", (), "document.txt:2: the control character U+0000"),
    "a control character of the upper half": (
        b"Oil it.\nDry \xc2\x85 it.",
        (),
        "document.txt:2: the control character U+0085",
    ),
    "an empty document": (b"", (), "the document is empty"),
    "a document of blanks": (b" \n\t\n", (), "the document is empty"),
    "a document without words": (b"12 34.\n", (), "there is no word in the document"),
    "a document that is too long": (b"a " * LARGEST, (), "has more than"),
    "an id that is none": (b"Bread.\n", ("--id", "My KB"), "--id My KB: this makes no id"),
    "an empty title": (b"Bread.\n", ("--title", " "), "--title: there is nothing in it"),
}


@pytest.mark.parametrize(("data", "more", "said"), REFUSED.values(), ids=REFUSED)
def test_it_refuses(data: bytes, more: tuple[str, ...], said: str, tmp_path: Path, citelog: Command) -> None:
    ended = made(citelog, tmp_path, data, *more)
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err
    assert "\n   = " in ended.err
    assert [p.name for p in tmp_path.iterdir()] == ["document.txt"], "nothing is left"


def test_it_never_writes_into_a_folder_that_holds_something(tmp_path: Path, citelog: Command) -> None:
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "notes.txt").write_text("mine", encoding="utf-8")
    ended = citelog("new", "kb", cwd=tmp_path)
    assert ended.status == 2
    assert "kb: the folder is not empty: it holds notes.txt" in ended.err
    assert [p.name for p in (tmp_path / "kb").iterdir()] == ["notes.txt"]


def test_a_place_that_cannot_be_is_refused(tmp_path: Path, citelog: Command) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    for place, said in {"file": "this is a file", "no/kb": "there is no folder", ".": "this is the current"}.items():
        ended = citelog("new", place, "--id", "kb", cwd=tmp_path)
        assert (ended.status, ended.out) == (2, "")
        assert said in ended.err
    for document in ("missing.txt", "."):
        ended = citelog("new", "kb", "--document", document, cwd=tmp_path)
        assert ended.status == 2
        assert "the document cannot be read" in ended.err
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_document_that_would_give_something_unsound_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("citelog.author.new._example", lambda found: (found[0], 1, 0))
    with pytest.raises(RuntimeError, match="cannot be loaded"):
        new(tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


# --- segments ------------------------------------------------------------------------------------------------------


def test_sentences_items_and_headings_are_segments_of_their_own() -> None:
    found = pieces(HEADED.decode())
    assert [(p.line, p.text) for p in found] == [
        (1, "What to do about rust"),
        (3, "Tools"),
        (5, "• Oil the tool after use, e.g. with linseed oil 1."),
        (6, "• Wipe it dry 2, 3."),
        (6, "Hang it up."),
        (7, "- Keep it away from salt"),
        (9, "1. First, brush it."),
        (10, "2. Then oil it again, at 20 °C (approx. 68 °F)."),
        (
            12,
            "A long line of this document was wrapped by the editor that wrote it, and goes on\n"
            "with small letters on the next line.",
        ),
        (13, "So it ends."),
    ]
    assert [p.text for p in headings(HEADED.decode(), found)] == ["Tools"]


def test_a_short_line_right_above_sentences_is_a_heading_and_one_above_another_short_line_is_none() -> None:
    text = (
        "Rust\n\nWhen it is rust\nA brown spot is rust. So is a red one.\n\nMill Road 4\nOld Town\n\nTools\n- a brush\n"
    )
    assert [p.text for p in headings(text, pieces(text))] == ["When it is rust"]


def test_a_sentence_goes_on_after_a_word_that_is_shortened() -> None:
    text = "Take approx. 5 drops, max. ten a day, for 2 wks. or longer. Add 3 of these. 10 are too many."
    assert [piece.text for piece in pieces(text)] == [
        "Take approx. 5 drops, max. ten a day, for 2 wks. or longer.",
        "Add 3 of these.",
        "10 are too many.",
    ]


TEXTS = st.text(
    st.sampled_from("ab Aß1.2,!?;:•-\"'\\\n\r\t\u00a0\u2028é\u0301🙂א({#"), max_size=80
)  # no control character, which new refuses


@given(TEXTS)
def test_segments_leave_out_nothing_but_white_space(text: str) -> None:
    at = 0
    for piece in pieces(text):
        assert text[at : piece.start].strip() == ""
        assert text[piece.start : piece.end] == piece.text == piece.text.strip() != ""
        assert piece.line == text.count("\n", 0, piece.start) + 1
        at = piece.end
    assert text[at:].strip() == ""


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_a_text_comes_back_from_its_literal(text: str) -> None:
    from rdflib import Graph

    graph = Graph().parse(data=f"<urn:a> <urn:b> {literal(text)} .", format="turtle")
    assert [str(value) for value in graph.objects()] == [text]
    assert not re.search(r"[\n\r]", literal(text))


@pytest.mark.slow
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
def test_any_text_with_a_word_gives_a_sound_knowledge_base(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "a.txt").write_bytes(text.encode())
    try:
        made = new(folder / "kb", folder / "a.txt")
    except CitelogError:
        assert not any(character.isalpha() for character in text)
        return
    assert check_folder(made.folder) == ()
    opened = load(made.folder, home.ontology())
    assert len(opened.triples.instances(CL + "Segment")) == made.segments
