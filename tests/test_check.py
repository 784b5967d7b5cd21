"""`citelog check` as a command and as what an editor calls: its forms, its exit statuses, texts that nobody saved."""

from __future__ import annotations

import difflib
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pyshacl
import pytest
import rdflib
from hypothesis import given, settings
from hypothesis import strategies as st
from shifty import PreparedValidator

import b12
from authoring import Command
from citelog import home
from citelog.advice.review import CODES as ADVICE
from citelog.advice.review import review
from citelog.diagnostics import nearest_name
from citelog.knowledge.check import CODES, check_folder
from citelog.knowledge.files import Drafts

HERE = Path(__file__).parent
LEAFLET = HERE / "language" / "leaflet"
SCHEMA = json.loads((HERE / "sarif-2.1.0.schema.json").read_text(encoding="utf-8"))
"""OASIS's own: https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"""

UNUSED = '    cl:accepts "statement-without-rule: left out of this small knowledge base" ;\n'
"""What the leaflet says, twice, of a statement that no rule cites."""


@pytest.fixture
def leaflet(tmp_path: Path) -> Path:
    """A copy of the leaflet: nothing is wrong with it, and three pieces of advice are accepted."""
    return Path(shutil.copytree(LEAFLET, tmp_path / "leaflet"))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


# exit statuses


def test_advice_alone_is_no_failure(citelog: Command, leaflet: Path) -> None:
    change(leaflet / "statements.trig", UNUSED, "")
    ended = citelog("check", "--kb", leaflet)
    assert (ended.status, ended.err) == (0, "")
    assert "advice[statement-without-rule]: nothing that is concluded rests on S2" in ended.out
    assert ended.out.endswith("leaflet: nothing wrong, 1 piece of advice, 2 accepted\n")


def test_advice_that_nobody_accepts_fails_where_it_is_asked_to(citelog: Command, leaflet: Path) -> None:
    assert citelog("check", "--kb", leaflet, "--strict").status == 0
    change(leaflet / "statements.trig", UNUSED, "")
    assert citelog("check", "--kb", leaflet, "--strict").status == 1


def test_errors_fail_whatever_is_asked(citelog: Command, leaflet: Path) -> None:
    change(leaflet / "statements.trig", "adults", "children")
    for options in ((), ("--strict",), ("--format", "json"), ("--format", "sarif")):
        assert citelog("check", "--kb", leaflet, *options).status == 1


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\x1b", "\x9b", "\x00"])
@pytest.mark.parametrize("file", ["terms.ttl", "rules/*.rls"])
def test_no_character_shows_a_reader_another_text_than_the_one_that_stands_there(
    file: str, character: str, citelog: Command, leaflet: Path
) -> None:
    """In comments too: what turns the direction of writing reaches over them. The finding itself has it in letters."""
    path = next(leaflet.glob(file))
    begin = "%" if path.suffix == ".rls" else "#"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{begin} {character}\n", encoding="utf-8")
    ended = citelog("check", "--kb", leaflet)
    assert ended.status == 1 and "error[hidden-character]" in ended.out
    assert character not in ended.out and f"\\u{ord(character):04x}" in ended.out


def test_a_folder_that_is_not_there_is_unusable(citelog: Command, tmp_path: Path) -> None:
    ended = citelog("check", "--kb", tmp_path / "none")
    assert (ended.status, ended.out) == (2, "")


# acceptances


@pytest.mark.parametrize("option", ["--accepted", "--acknowledged"])
def test_what_is_accepted_is_counted_and_shown_with_its_reason_on_request(
    citelog: Command, leaflet: Path, option: str
) -> None:
    assert citelog("check", "--kb", leaflet).out == "leaflet: nothing wrong, 3 accepted\n"
    shown = citelog("check", "--kb", leaflet, option)
    assert shown.status == 0
    assert shown.out.count("   = accepted: left out of this small knowledge base\n") == 2


def test_a_reason_may_hold_a_colon(citelog: Command, leaflet: Path) -> None:
    rules = leaflet / "rules" / "10-status.rls"
    change(rules, "unit-unasked: the unit is left out", "unit-unasked: asked elsewhere: the unit is left out")
    shown = citelog("check", "--kb", leaflet, "--strict", "--accepted")
    assert shown.status == 0
    assert "   = accepted: asked elsewhere: the unit is left out of this small knowledge base\n" in shown.out
    assert shown.out.endswith("leaflet: nothing wrong, 3 accepted\n")


def test_every_reason_is_shown_however_many_there_are(citelog: Command) -> None:
    """Of advice that nobody accepts, the first few of a code are told whole, and the places of the others."""
    shown = citelog("check", "--accepted").out
    assert shown.count("   = accepted: ") == int(shown.rsplit(" accepted", 1)[0].rsplit(" ", 1)[1]) > 10
    assert " more\n" not in shown


def test_of_much_advice_of_one_kind_the_first_few_are_told_whole(citelog: Command, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(b12.FOLDER, tmp_path / "mine"))
    path = folder / "statements.trig"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "cl:accepts  " not in line), encoding="utf-8")
    shown = citelog("check", "--kb", folder).out
    assert shown.count("advice[statement-without-rule]: nothing that") == 3
    assert "advice[statement-without-rule]: 10 more\n   mine/statements.trig:" in shown


def test_json_gives_the_reason_of_each_finding_that_is_accepted(citelog: Command, leaflet: Path) -> None:
    change(leaflet / "statements.trig", UNUSED, "")
    every = json.loads(citelog("check", "--kb", leaflet, "--format", "json").out)
    found = [d for d in every if d["file"].endswith("statements.trig")]
    assert [(d["code"], d["severity"], d["accepted"]) for d in found] == [
        ("statement-without-rule", "advice", None),
        ("statement-without-rule", "advice", "left out of this small knowledge base"),
    ]


# SARIF


def sarif(citelog: Command, folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(citelog("check", "--kb", folder, "--format", "sarif").out)
    jsonschema.Draft4Validator(SCHEMA).validate(document)
    return document


def test_sarif_is_what_oasis_says_it_is(citelog: Command, leaflet: Path) -> None:
    """Every code is a rule with words of help, and every finding refers to its rule."""
    change(leaflet / "statements.trig", UNUSED, "")
    change(leaflet / "rules" / "10-status.rls", "result_value(", "reslut_value(")
    change(leaflet / "terms.ttl", '    skos:prefLabel "fatigue" .', "    rdfs:label 3 .")
    (run,) = sarif(citelog, leaflet)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [*CODES, *ADVICE]
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)
    assert {result["ruleId"] for result in run["results"]} == {"undefined-predicate", "shape"}
    assert all(rules[result["ruleIndex"]]["id"] == result["ruleId"] for result in run["results"])


def test_sarif_points_at_the_line_and_the_character(citelog: Command, leaflet: Path) -> None:
    rules = leaflet / "rules" / "10-status.rls"
    change(rules, "result_value(", "reslut_value(")
    (result,) = sarif(citelog, leaflet)["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == rules.as_uri()
    line = rules.read_text(encoding="utf-8").split("\n")[place["region"]["startLine"] - 1]
    assert line == place["region"]["snippet"]["text"]
    assert line[place["region"]["startColumn"] - 1 :].startswith("reslut_value(")
    assert "Try: did you mean result_value?" in result["message"]["text"]


def test_sarif_suppresses_what_is_accepted_and_says_why(citelog: Command, leaflet: Path) -> None:
    change(leaflet / "statements.trig", UNUSED, "")
    results = sarif(citelog, leaflet)["runs"][0]["results"]
    assert [result["suppressions"] for result in results if result["ruleId"] == "statement-without-rule"] == [
        [],
        [{"kind": "inSource", "status": "accepted", "justification": "left out of this small knowledge base"}],
    ]


def test_sarif_names_a_file_below_the_working_directory_from_there(
    citelog: Command, leaflet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(leaflet.parent)
    results = sarif(citelog, Path("leaflet"))["runs"][0]["results"]
    uris = {r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in results}
    assert uris == {"leaflet/statements.trig", "leaflet/rules/10-status.rls"}


# drafts


def test_a_draft_stands_in_for_a_file_of_any_kind(leaflet: Path) -> None:
    """What an editor shows is checked, wherever it differs from what is saved; nothing is written."""
    before = {path: path.read_bytes() for path in leaflet.rglob("*") if path.is_file()}
    changes = {
        "statements.trig": ("adults", "children", "quote-not-found"),
        "terms.ttl": ("cl:factor 1.0 ;", "", "shape"),
        "segments.ttl": ("cl:order 5 ;", "cl:order 4 ;", "shape"),
        "conflicts.ttl": ('cl:sideA "S2"', 'cl:sideA "S9"', "unknown-reference"),
        "predicates.ttl": ("cl:signature", "cl:sinature", "bad-signature"),
        "rules/10-status.rls": ("@cites S1", "@cites S9", "unknown-statement"),
    }
    for name, (old, new, code) in changes.items():
        path = leaflet / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        assert code in {d.code for d in check_folder(leaflet, Drafts({path: text.replace(old, new, 1)}))}, name
    assert check_folder(leaflet) == ()
    assert {path: path.read_bytes() for path in leaflet.rglob("*") if path.is_file()} == before


def test_a_draft_can_be_right_where_the_file_is_wrong(leaflet: Path) -> None:
    path = leaflet / "statements.trig"
    right = path.read_text(encoding="utf-8")
    path.write_text("@prefix broken", encoding="utf-8")
    assert [d.code for d in check_folder(leaflet)] == ["rdf-syntax"]
    assert check_folder(leaflet, Drafts({path: right})) == ()
    found = review(leaflet, Drafts({path: right.replace(UNUSED, "")}))
    assert [d.code for d in found if not d.accepted] == ["statement-without-rule"] * 2


def test_a_rule_file_that_is_only_a_draft_is_checked_too(leaflet: Path) -> None:
    (found,) = check_folder(leaflet, Drafts({leaflet / "rules" / "20-new.rls": "p(?x) :- q(?x)"}))
    assert (found.code, found.span.file, found.span.line) == ("syntax", "leaflet/rules/20-new.rls", 1)


def test_the_last_line_of_a_file_is_shown_though_it_has_no_end(leaflet: Path) -> None:
    path = leaflet / "rules" / "10-status.rls"
    text = path.read_text(encoding="utf-8").rstrip()
    (found,) = check_folder(leaflet, Drafts({path: text.replace("?value < ?low .", "?vlaue < ?low .")}))
    assert found.code == "unsafe-variable" and found.text.endswith("?vlaue < ?low .")


def test_what_is_read_a_second_time_is_told_at_its_new_place(leaflet: Path) -> None:
    """A rule that was parsed before is not parsed again; its finding still stands where the rule stands now."""
    path = leaflet / "rules" / "10-status.rls"
    wrong = path.read_text(encoding="utf-8").replace("@cites S1", "@cites S9")
    (before,) = check_folder(leaflet, Drafts({path: wrong}))
    (after,) = check_folder(leaflet, Drafts({path: "%! one\n% two\n\n" + wrong}))
    assert (after.span.line, after.text) == (before.span.line + 3, before.text)


# the shapes


def reported(report: rdflib.Graph) -> set[tuple[str, str, str]]:
    """Focus, path and message of each result, as far as two validators can agree: addresses without brackets.

    pySHACL gives a result of a query the message of its shape as well; the query's own is longer or alone.
    """
    sh = rdflib.Namespace("http://www.w3.org/ns/shacl#")
    found = set()
    for result in report.subjects(rdflib.RDF.type, sh.ValidationResult):
        focus = report.value(result, sh.focusNode)
        messages = {str(m).replace("<", "").replace(">", "") for m in report.objects(result, sh.resultMessage)}
        shapes = {m for m in messages if m.startswith("A segment is either")} if len(messages) > 1 else set()
        (message,) = messages - shapes
        found.add(
            (
                str(focus),
                str(report.value(result, sh.resultPath)),
                message,
            )
        )
    return found


@pytest.mark.parametrize("seed", range(3))
def test_the_shapes_mean_what_the_reference_implementation_says(seed: int) -> None:
    """pySHACL and the validator that `check` uses report the same about a leaflet that is damaged in many places."""
    import random

    rng = random.Random(seed)
    data = rdflib.Graph()
    for path in [home.ontology(), *LEAFLET.glob("*.ttl"), LEAFLET / "statements.trig"]:
        dataset = rdflib.Dataset()
        dataset.parse(path, format="trig")
        for s, p, o, _ in dataset.quads():
            data.add((s, p, o))
    example = rdflib.Namespace("https://example.org/leaflet#")
    own = sorted((s, p, o) for s, p, o in data if str(s).startswith(example))
    assert len(own) > 100
    for s, p, o in rng.sample(own, 25):
        data.remove((s, p, o))
        match rng.randrange(4):
            case 0:
                continue
            case 1:
                data.add((s, p, rdflib.Literal("")))
            case 2:
                data.add((s, p, rdflib.Literal(-1)))
            case _:
                data.add((s, p, example.nothing))
                data.add((s, p, o))
    shapes = home.home() / "knowledge" / "shapes.ttl"
    _, expected, _ = pyshacl.validate(data, shacl_graph=rdflib.Graph().parse(shapes), advanced=True)
    validator = PreparedValidator(shapes.read_bytes())
    triples = data.serialize(format="nt", encoding="utf-8")
    conforms, given, _ = validator.validate(triples, graph_mode="data", infer=False)
    assert isinstance(expected, rdflib.Graph)
    assert reported(given) == reported(expected)
    assert len(reported(expected)) > 5
    assert validator.validate_algebra(triples, graph_mode="data", infer=False).conforms is conforms is False


def test_the_shapes_accept_what_is_shipped() -> None:
    assert [d for d in check_folder(b12.FOLDER) if d.code == "shape"] == []


NAMES = st.text("abB-", max_size=8)


@settings(max_examples=300)
@given(NAMES, st.lists(NAMES, max_size=8))
def test_the_name_that_is_suggested_is_the_one_that_comparing_with_all_gives(word: str, known: list[str]) -> None:
    folded = {name.casefold() for name in known}
    nearest = difflib.get_close_matches(word.casefold(), sorted(folded), n=1, cutoff=0.7)
    found = nearest_name(word, known)
    assert [found.casefold()] == nearest if nearest else found == ""
    assert not found or found in known


def test_a_slip_that_many_statements_have_is_told_three_times_and_then_by_its_places(
    citelog: Command, tmp_path: Path
) -> None:
    """A voice that nobody declares is one slip, however many statements name it; the data have each of them."""
    nights = Path(shutil.copytree(home.home() / "examples" / "short-nights", tmp_path / "nights"))
    change(nights / "about.ttl", "ex:voice a cl:Voice", "ex:voce a cl:Voice")
    ended = citelog("check", "--kb", nights)
    assert (ended.status, ended.out.count("ex:voice is none.")) == (1, 3)
    assert ended.out.count("did you mean ex:voce?") == 3
    assert "error[shape]: 11 more like that of nights/statements.trig:11\n   nights/statements.trig:" in ended.out
    assert ended.out.endswith("nights: 14 errors\n")
    found = json.loads(citelog("check", "--kb", nights, "--format", "json").out)
    assert len(found) == 14


# numbers as a document prints them


@pytest.mark.parametrize(
    ("printed", "sign", "said", "told"),
    [
        ("30.5", "", "30.5", ""),
        ("30,5", ",", "30.5", ""),
        ("30,5", ",", "5.0", "the quote prints 30.5:"),
        ("30,5", "", "30.5", 'say so in about.ttl: cl:decimalSign ","'),
        ("150,000", "", "150000.0", ""),
        ("150,000", "", "150.0", "the quote prints 150000: correct the value"),
        ("150.000", ",", "150000.0", ""),
        ("150.000", "", "150000.0", 'say so in about.ttl: cl:decimalSign ","'),
        ("1,250,000.5", ".", "1250000.5", ""),
        ("30", ";", "30.0", 'the sign is "," or "."'),
    ],
)
def test_a_number_is_that_of_the_quote_as_its_document_writes_numbers(
    citelog: Command, leaflet: Path, printed: str, sign: str, said: str, told: str
) -> None:
    document = leaflet / "source" / "leaflet.txt"
    before = hashlib.sha256(document.read_bytes()).hexdigest()
    change(document, "below 30 ", f"below {printed} ")
    change(leaflet / "about.ttl", before, hashlib.sha256(document.read_bytes()).hexdigest())
    if sign:
        change(leaflet / "about.ttl", "    cl:reviewStatus ", f'    cl:decimalSign "{sign}" ;\n    cl:reviewStatus ')
    change(leaflet / "statements.trig", "below 30 ", f"below {printed} ")
    change(leaflet / "statements.trig", "ex:lowEnd 30.0", f"ex:lowEnd {said}")
    change(leaflet / "segments.ttl", "below 30 ", f"below {printed} ")
    citelog("fmt", "--kb", leaflet)
    ended = citelog("check", "--kb", leaflet)
    assert told in ended.out if told else ended.status == 0, ended.out
    assert bool(ended.status) == bool(told)


@pytest.mark.parametrize("name", ["leaflet.txt", "leaflet.md", "leaflet", "2026/Leaflet (final).markdown"])
def test_a_changed_byte_of_the_document_stops_every_answer_whatever_the_document_is_called(
    citelog: Command, leaflet: Path, name: str
) -> None:
    document = leaflet / "source" / name
    document.parent.mkdir(exist_ok=True)
    (leaflet / "source" / "leaflet.txt").rename(document)
    change(leaflet / "about.ttl", "source/leaflet.txt", f"source/{name}")
    (leaflet / "case.yaml").write_text("labs: []\n", encoding="utf-8")
    assert citelog("assess", "--kb", leaflet, leaflet / "case.yaml").status == 0
    change(document, "not medical advice", "not  medical advice")
    ended = citelog("assess", "--kb", leaflet, leaflet / "case.yaml")
    assert (ended.status, ended.out) == (2, "") and "error[source-changed]" in ended.err


@pytest.mark.parametrize("name", ["leaflet.txt", "source/NOTICE.txt", "cases/leaflet.txt"])
def test_a_document_stands_in_the_folder_of_the_source_and_is_no_notice(
    citelog: Command, leaflet: Path, name: str
) -> None:
    (leaflet / name).parent.mkdir(exist_ok=True)
    (leaflet / "source" / "leaflet.txt").rename(leaflet / name)
    change(leaflet / "about.ttl", "source/leaflet.txt", name)
    ended = citelog("check", "--kb", leaflet)
    assert ended.status == 1 and f"the document {name} does not stand in the folder source" in ended.out
