"""`citelog fmt`: the places of quotes, the order and the layout of the files of a knowledge base, and what stays."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pyoxigraph
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from authoring import Command
from citelog import home
from citelog.author.new import new
from citelog.author.passages import search
from citelog.diagnostics import CitelogError, KnowledgeError
from citelog.knowledge.check import check_folder
from citelog.layout import rules, turtle
from citelog.layout.files import Laid, lay_out, write
from citelog.layout.order import ORDER, ordered
from citelog.layout.places import placed
from citelog.layout.tokens import tokens
from citelog.rules.syntax import RuleFile, parse
from citelog.rules.syntax import tokens as rule_tokens

LEAFLET = Path(__file__).parent / "language" / "leaflet"
B12 = home.home() / "knowledge" / "b12"
TURTLE = [*sorted(B12.glob("*.t*")), B12.parent / "shapes.ttl", home.ontology(), *sorted(LEAFLET.glob("*.t*"))]
RULES = [*sorted(B12.glob("rules/*.rls")), *sorted(LEAFLET.glob("rules/*.rls"))]
PREFIXES = "@prefix cl: <https://w3id.org/citelog#> .\n@prefix ex: <https://example.org/leaflet#> .\n"


def meaning(text: str) -> pyoxigraph.Dataset:
    """What a file says, whatever its blank nodes are called."""
    said = pyoxigraph.Dataset(
        quad for quad in pyoxigraph.parse(text.encode(), format=pyoxigraph.RdfFormat.TRIG, base_iri="urn:x-file:")
    )
    said.canonicalize(pyoxigraph.CanonicalizationAlgorithm.UNSTABLE)
    return said


def rules_of(text: str) -> str:
    """What the rules of a file say, without their places and the blanks of their source."""
    read: RuleFile = parse(text, "a.rls")
    assert read.diagnostics == ()
    told = re.sub(
        r"Span\([^)]*\)", "", repr((read.prefixes, [(r.docs, r.attributes, r.heads, r.body) for r in read.rules]))
    )
    return told + repr([re.sub(r"\s", "", rule.text) for rule in read.rules])


def comments(text: str) -> list[str]:
    """The comments of a Turtle file, in order."""
    return [token.text for token in tokens(text) if token.part == "comment"]


@pytest.fixture
def leaflet(tmp_path: Path) -> Path:
    """The small knowledge base, laid out."""
    folder = Path(shutil.copytree(LEAFLET, tmp_path / "leaflet"))
    write(lay_out(folder))
    return folder


# --- an author at work ---------------------------------------------------------------------------------------------


def test_an_author_types_the_quote_and_fmt_fills_in_its_place(leaflet: Path, citelog: Command) -> None:
    file = leaflet / "statements.trig"
    whole = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r"    cl:line .*\n", "", whole), encoding="utf-8")
    told = citelog("fmt", "--kb", leaflet)
    assert (told.status, told.out) == (
        0,
        "leaflet/statements.trig: laid out, with 4 places: ex:S1, ex:S2, ex:S3, ex:S4\n",
    )
    assert file.read_text(encoding="utf-8") == whole
    assert citelog("fmt", "--kb", leaflet).out == "7 files: nothing to change\n"


def test_places_that_are_wrong_are_put_right_and_check_says_by_what(leaflet: Path) -> None:
    file = leaflet / "statements.trig"
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace("cl:start 100 ;  cl:end 143", "cl:start 99 ;  cl:end 142"), encoding="utf-8")
    (found,) = check_folder(leaflet)
    assert (found.code, "citelog fmt" in found.hint) == ("offset-wrong", True)
    write(lay_out(leaflet))
    assert (file.read_text(encoding="utf-8"), check_folder(leaflet)) == (whole, ())


def test_a_block_that_quote_prints_needs_no_place(tmp_path: Path, citelog: Command) -> None:
    fern = new(tmp_path / "fern").folder
    told = citelog("quote", "Ferns like shade", "--kb", fern)
    assert "citelog fmt fills in the place" in told.out
    (passage,) = search(fern, "Ferns like shade").passages
    block = re.sub(r"    cl:line .*\n", "", passage.block)
    with (fern / "statements.trig").open("a", encoding="utf-8") as file:
        file.write("\n" + block)
    write(lay_out(fern))
    assert passage.block in (fern / "statements.trig").read_text(encoding="utf-8")


def test_what_new_makes_is_laid_out(tmp_path: Path) -> None:
    assert not [laid.diff() for laid in lay_out(new(tmp_path / "fern").folder) if laid.changed]


def test_check_shows_what_would_change_and_writes_nothing(leaflet: Path, citelog: Command) -> None:
    file = leaflet / "rules" / "10-status.rls"
    loose = file.read_text(encoding="utf-8").replace("?value < ?low .", "?value<?low.")
    file.write_text(loose, encoding="utf-8")
    told = citelog("fmt", "--check", file)
    assert (told.status, told.err) == (1, "1 of 1 file would change\n")
    assert [line for line in told.out.splitlines() if line.startswith(("---", "+++"))] == [
        "--- leaflet/rules/10-status.rls",
        "+++ leaflet/rules/10-status.rls",
    ]
    assert re.search(r"(?m)^\+.*\?value < \?low \.$", told.out)
    assert file.read_text(encoding="utf-8") == loose
    assert citelog("fmt", "--check", leaflet / "about.ttl").status == 0


def test_properties_at_the_root_are_rules_too(leaflet: Path) -> None:
    (leaflet / "properties.rls").write_text("a( ?x ):-b(?x) .\n", encoding="utf-8")
    (changed,) = (laid for laid in lay_out(leaflet) if laid.changed)
    assert (changed.path.name, changed.after) == ("properties.rls", "a(?x) :- b(?x) .\n")


# --- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "old", "new_", "code"),
    [
        (
            "statements.trig",
            'cl:quote     "Repeat the test after 3 months"',
            'cl:quote "Repeat the tests"',
            "quote-not-found",
        ),
        (
            "statements.trig",
            '"Repeat the test after 3 months" ;\n    cl:line      4 ;  cl:start 145 ;  cl:end 175',
            '"Repeat the test"',
            "quote-ambiguous",
        ),
        ("statements.trig", "ex:S3 a", "ex:S2 a", "ambiguous-name"),
        ("about.ttl", "cl:KnowledgeBase ;", "cl:KnowledgeBase", "rdf-syntax"),
        ("about.ttl", "421562488129e72a", "521562488129e72a", "source-changed"),
        ("rules/10-status.rls", "?value < ?low .", "?value < ?low", "syntax"),
    ],
)
def test_where_one_file_cannot_be_used_none_is_written(
    leaflet: Path, file: str, old: str, new_: str, code: str, citelog: Command
) -> None:
    loose = leaflet / "terms.ttl"
    loose.write_text(loose.read_text(encoding="utf-8") + "\n\n\n\n", encoding="utf-8")
    broken = leaflet / file
    text = broken.read_text(encoding="utf-8")
    assert old in text
    broken.write_text(text.replace(old, new_), encoding="utf-8")
    before = {path: path.read_bytes() for path in leaflet.rglob("*.*") if path.is_file()}
    told = citelog("fmt", "--kb", leaflet)
    assert (told.status, told.out) == (2, "")
    assert f"error[{code}]" in told.err
    assert {path: path.read_bytes() for path in leaflet.rglob("*.*") if path.is_file()} == before


def test_a_quote_that_stands_twice_is_placed_by_the_line_that_the_author_gives(leaflet: Path) -> None:
    file = leaflet / "statements.trig"
    text = file.read_text(encoding="utf-8")
    old = 'after 3 months" ;\n    cl:line      4 ;  cl:start 145 ;  cl:end 175'
    assert old in text
    file.write_text(text.replace(old, '" ;\n    cl:line 4').replace('test "', 'test"'), encoding="utf-8")
    write(lay_out(leaflet))
    assert "cl:line      4 ;  cl:start 145 ;  cl:end 160 ;" in file.read_text(encoding="utf-8")


def test_files_that_have_no_layout_are_refused(leaflet: Path, citelog: Command) -> None:
    document = leaflet / "source" / "leaflet.txt"
    for argument, said in ((document, "fmt does not know such files"), (leaflet / "none.ttl", "there is no such file")):
        told = citelog("fmt", argument)
        assert (told.status, told.out, said in told.err) == (2, "", True)
    told = citelog("fmt", leaflet / "about.ttl", "--kb", "b12")
    assert (told.status, "is not of the knowledge base" in told.err) == (2, True)


def test_a_file_that_somebody_saves_in_the_meantime_is_left_alone(leaflet: Path) -> None:
    for name in ("about.ttl", "terms.ttl"):
        (leaflet / name).write_text((leaflet / name).read_text(encoding="utf-8") + "\n\n", encoding="utf-8")
    laid = lay_out(leaflet)
    saved = (leaflet / "terms.ttl").read_text(encoding="utf-8") + "# saved\n"
    (leaflet / "terms.ttl").write_text(saved, encoding="utf-8")
    with pytest.raises(CitelogError, match="changed while"):
        write(laid)
    assert (leaflet / "terms.ttl").read_text(encoding="utf-8") == saved
    assert (leaflet / "about.ttl").read_text(encoding="utf-8").endswith("\n\n\n")
    assert [path.name for path in leaflet.iterdir() if path.name.startswith(".")] == []


# --- what stays ----------------------------------------------------------------------------------------------------


def test_permissions_links_and_line_ends_stay(leaflet: Path) -> None:
    file, link = leaflet / "terms.ttl", leaflet / "about.ttl"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n")
    file.chmod(0o640)
    target = leaflet / "kept" / "about.ttl"
    target.parent.mkdir()
    link.rename(target)
    link.symlink_to(target)
    target.write_text(target.read_text(encoding="utf-8") + "\n\n", encoding="utf-8")
    write(lay_out(leaflet))
    data = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o640
    assert data.count(b"\r\n") == data.count(b"\n") and data.endswith(b".\r\n")
    assert link.is_symlink() and target.read_text(encoding="utf-8").endswith(" .\n")
    assert not [laid for laid in lay_out(leaflet) if laid.changed]


def test_digits_escapes_prefixes_and_long_texts_are_written_as_they_were() -> None:
    text = (
        PREFIXES
        + "PREFIX un: <https://example.org/un#>\n"
        + 'ex:a   ex:b 1.10,+2 , 1e3 ,"caf\\u00E9"@fr,"1.0"^^<urn:x>;ex:c """one\n   two ;  # none\n""" ;\n'
        + "ex:d [ ex:e ( 1 [] ) ] .  # some; ex:x\n"
    )
    laid = turtle.layout(text)
    assert '1.10 , +2 , 1e3 , "caf\\u00E9"@fr , "1.0"^^<urn:x> ;' in laid
    assert '"""one\n   two ;  # none\n"""' in laid
    assert meaning(laid) == meaning(text)
    assert comments(laid) == ["# some; ex:x"]


def test_what_is_said_about_a_statement_is_put_in_order_with_its_comments() -> None:
    text = PREFIXES + (
        "ex:S1 a cl:Statement ;\n"
        "    cl:voice ex:v ;  # who\n"
        '    cl:quote "Wait" ;\n'
        "    ex:own 1 ;\n"
        '    cl:kind "advice" .  # what\n'
    )
    assert turtle.layout(ordered(text)) == PREFIXES + (
        "ex:S1 a cl:Statement ;\n"
        '    cl:kind   "advice" ;  # what\n'
        '    cl:quote  "Wait" ;\n'
        "    ex:own    1 ;\n"
        "    cl:voice  ex:v .  # who\n"
    )
    aside = text.replace("    ex:own", "    # about what follows\n    ex:own")
    assert ordered(aside) == aside


def test_the_order_is_that_of_the_shipped_statements() -> None:
    text = (B12 / "statements.trig").read_text(encoding="utf-8")
    assert ordered(text) == text
    assert {m[1] for m in re.finditer(r"(?m)^    cl:(\w+) {2,}", text)} <= {*ORDER}


def test_rules_are_parted_by_one_blank_and_stay_in_their_order() -> None:
    text = (
        "%! About.\n\n\n\n@prefix   ex:<https://example.org/#>.\n"
        '%%%   Words.\n%%%@cites S1\n  #[ name( "one" ) ]\n'
        "  ex:b( ?x,?y ):-ex:c(?x),% why\n% alone\n~ex:d(?x),?y=( ?x+1 )*-2,?n = #x ."
    ).replace(",?n = #x", "")
    assert rules.layout(text) == (
        "%! About.\n\n\n@prefix ex: <https://example.org/#> .\n"
        '%%% Words.\n%%% @cites S1\n#[name("one")]\n'
        "ex:b(?x, ?y) :- ex:c(?x),  % why\n    % alone\n    ~ex:d(?x), ?y = (?x + 1) * -2 .\n"
    )


# --- properties ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TURTLE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_files_made_by_hand_mean_the_same_laid_out(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    laid = turtle.layout(ordered(text))
    assert meaning(laid) == meaning(text)
    assert comments(laid) == comments(text)
    assert turtle.layout(ordered(laid)) == laid


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_rules_made_by_hand_say_the_same_laid_out(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    laid = rules.layout(text)
    assert rules_of(laid) == rules_of(text)
    assert rules.layout(laid) == laid


def test_the_shipped_files_are_laid_out() -> None:
    """What is made by hand and well is left as it is: that is what the layout was made for."""
    assert [laid.name for laid in lay_out(B12) if laid.changed] == []


@cache
def chunks() -> tuple[str, ...]:
    """Stretches of the files made by hand, each with the prefixes that it needs."""
    found = []
    for path in TURTLE:
        text = path.read_text(encoding="utf-8")
        head = "\n".join(re.findall(r"(?m)^@prefix.*$", text)) + "\n"
        body = re.sub(r"(?m)^@prefix.*\n", "", text)
        found += [head + chunk for chunk in re.split(r"\n{2,}(?=\S)", body) if len(chunk) < 3000]
    return tuple(found)


@cache
def rule_chunks() -> tuple[str, ...]:
    """Rules made by hand, one by one."""
    return tuple(chunk for path in RULES for chunk in path.read_text(encoding="utf-8").split("\n\n"))


def scrambled(words: list[tuple[str, str]], between: Callable[[], str]) -> str:
    """The same tokens with other white space between them, where there may be any; a comment ends its line."""
    text = ""
    for word, kind in words:
        glued = kind in ("ATTRIBUTE", "FSTRING")
        text += word + "\n" * (kind.lower() in ("comment", "doc")) + ("" if glued else between())
    return text


BLANKS = st.sampled_from(
    [" ", " ", " ", "  ", "     ", "\t", "\n", "\n    ", "\n\n\n\n", "  \n\t", "\n  # said\n", "  # said\n"]
)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_layout_of_triples_gives_the_same_triples_and_comments(data: st.DataObject) -> None:
    chunk = data.draw(st.sampled_from(chunks()))
    words = [(token.text, token.part) for token in tokens(chunk)]
    text = scrambled(words, lambda: data.draw(BLANKS))
    laid = turtle.layout(text)
    assert meaning(laid) == meaning(chunk)
    assert comments(laid) == comments(text)
    assert turtle.layout(laid) == laid
    again = ordered(laid)
    assert meaning(again) == meaning(chunk)
    assert sorted(comments(again)) == sorted(comments(text))
    whole = turtle.layout(again)
    assert turtle.layout(ordered(whole)) == whole


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_layout_of_rules_gives_the_same_rules_and_comments(data: st.DataObject) -> None:
    chunk = data.draw(st.sampled_from(rule_chunks()))
    blanks = st.sampled_from([" ", " ", "   ", "\t", "\n", "\n\n\n\n", "\n  % said\n", " % said\n"])
    text = scrambled([(word, kind) for kind, word, _, _ in rule_tokens(chunk)], lambda: data.draw(blanks))
    laid = rules.layout(text)
    assert rules_of(laid) == rules_of(text)
    assert [w.rstrip() for k, w, _, _ in rule_tokens(laid) if k == "COMMENT"] == [
        w.rstrip() for k, w, _, _ in rule_tokens(text) if k == "COMMENT"
    ]
    assert rules.layout(laid) == laid


@settings(max_examples=60, deadline=None)
@given(
    shown=st.sampled_from(["cl:", "other:", None]),
    ends=st.sampled_from([" .", " ;\n  ex:own 1 .", " ; ex:own 1 .", " ; # why\n ex:own 1 .", " ;\n ."]),
    given_=st.sampled_from([(), ("line",), ("start",), ("end", "line"), ("line", "start", "end")]),
)
def test_a_place_is_said_once_wherever_its_parts_were(shown: str | None, ends: str, given_: tuple[str, ...]) -> None:
    def verb(key: str) -> str:
        return f"<https://w3id.org/citelog#{key}>" if shown is None else f"{shown}{key}"

    prefixes = PREFIXES + "@prefix other: <https://w3id.org/citelog#> .\n"
    parts = "".join(f" ;\n {verb(key)} 7" for key in given_)
    text = f'{prefixes}ex:S a cl:Statement{parts} ;\n {verb("quote")} "Wait"{ends}\n'
    filled, named = placed(text, {"https://example.org/leaflet#S": (3, 20, 24)})
    assert named == ["ex:S"]
    right = "".join(f" ; {verb(key)} {n}" for key, n in (("line", 3), ("start", 20), ("end", 24)))
    assert meaning(filled) == meaning(f'{prefixes}ex:S a cl:Statement{right} ;\n {verb("quote")} "Wait"{ends}\n')
    assert comments(filled) == comments(text)
    assert placed(filled, {"https://example.org/leaflet#S": (3, 20, 24)}) == (filled, [])


def test_a_file_that_is_as_it_should_be_is_not_touched(leaflet: Path) -> None:
    before = {laid.path: laid.path.stat().st_mtime_ns for laid in lay_out(leaflet)}
    laid: list[Laid] = lay_out(leaflet)
    write(laid)
    assert {one.path: one.path.stat().st_mtime_ns for one in laid} == before


def test_a_folder_without_a_document_has_no_places(leaflet: Path) -> None:
    (leaflet / "source" / "leaflet.txt").unlink()
    with pytest.raises(KnowledgeError, match="file-missing"):
        lay_out(leaflet)
