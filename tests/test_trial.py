"""`citelog test`, `show` and `certify`, by command: a knowledge base tried, looked up, and not believed."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest

import citelog
from citelog import home
from citelog.author.new import new
from citelog.cli.app import main
from commits import at_each_commit

ROOT = Path(__file__).parent.parent
PATIENT = str(ROOT / "examples" / "patient.yaml")


def ran(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """A command's status, what it wrote to standard output, and what to standard error."""
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    told = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, told.out, told.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped knowledge base with no cases of its own."""
    copy = tmp_path / "b12"
    shutil.copytree(home.knowledge("b12"), copy, ignore=shutil.ignore_patterns("cases"))
    (copy / "cases").mkdir()
    return copy


def case(folder: Path, name: str, text: str) -> Path:
    path = folder / "cases" / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path


SYMPTOMS = "findings: [{name: symptoms attributed to vitamin B12 deficiency, state: present}]\n"


def test_the_shipped_cases_hold(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = ran(capsys, "test")
    assert status == 0
    assert out.rstrip().endswith("expectations: all hold")


def test_whatever_a_conclusion_says_beside_its_value_is_shown_and_expected(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its further arguments may have any names, and be of any number."""
    made = new(tmp_path / "fern").folder
    changes = {
        "predicates.ttl": ("value: term)", "value: term, place: term, how_soon: term)"),
        "rules/10-example.rls": ("example(?p, ex:replace_me)", "example(?p, ex:replace_me, ex:outside, ex:today)"),
        "cases/example.yaml": ("  cites:", "  steps: {replace_me: outside  today}\n  cites:"),
    }
    for name, (before, after) in changes.items():
        text = (made / name).read_text(encoding="utf-8")
        assert text.count(before) == 1
        (made / name).write_text(text.replace(before, after), encoding="utf-8")
    with (made / "predicates.ttl").open("a", encoding="utf-8") as file:
        for value in ("outside", "today"):
            file.write(f'\nex:{value} a cl:Code ; skos:prefLabel "{value}" .\n')
    assert ran(capsys, "test", "--kb", str(made))[:2] == (0, "1 case, 3 expectations: all hold\n")
    case = made / "cases" / "example.yaml"
    assert "  example:replace_me · outside · today\n" in ran(capsys, "assess", "--kb", str(made), str(case))[1]
    without = made / "cases" / "without.yaml"
    without.write_text("findings: []\nexpect: {steps: {replace_me: inside today}}\n", encoding="utf-8")
    assert (
        "+ example:replace_me · outside · today: "
        in ran(
            capsys,
            "what-if",
            "--kb",
            str(made),
            str(without),
            "--add",
            "findings: {name: example finding, state: present}",
        )[1]
    )
    without.write_text(case.read_text(encoding="utf-8").replace("outside  today", "inside"), encoding="utf-8")
    told = ran(capsys, "test", "--kb", str(made))[1]
    assert "replace_me is expected as inside\n    it is outside today\n" in told


def test_a_kept_proof_holds_wherever_its_rules_and_its_folder_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, moved = new(tmp_path / "fern").folder, tmp_path / "ferns-of-another-house"
    with (made / "cases" / "example.yaml").open("a", encoding="utf-8") as file:
        file.write('  proofs: ["example:replace_me"]\n')
    assert ran(capsys, "test", "--kb", str(made), "--accept")[0] == 0
    made.rename(moved)
    rules = moved / "rules" / "10-example.rls"
    rules.rename(rules.with_name("20-moved.rls"))
    assert ran(capsys, "test", "--kb", str(moved))[:2] == (0, "1 case, 3 expectations: all hold\n")


def test_what_is_missing_is_told_with_what_stands_against_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case(
        folder,
        "no-symptoms-recorded",
        "labs: []\nexpect: {include: ['treat:immediate'], exclude: ['treat:no_basis']}\n",
    )
    status, out, _ = ran(capsys, "test", "--kb", str(folder))
    assert status == 1
    for part in (
        "✗ no-symptoms-recorded",
        "treat:immediate is expected, and is not concluded",
        "concluded instead: treat:undetermined",
        "G01 “Vitamin B12 deficiency typically requires immediate treatment",
        "✗ in the way: ",
        "1 case, 2 expectations: 1 does not hold",
    ):
        assert part in out


def test_what_is_forbidden_is_told_with_its_facts_and_citations(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case(
        folder,
        "symptoms",
        SYMPTOMS + "expect: {exclude: ['treat:immediate'], steps: {HYD-STD-LOAD: recommended now}}\n",
    )
    status, out, _ = ran(capsys, "test", "--kb", str(folder), "--format", "json")
    [trial] = json.loads(out)
    forbidden, step = trial["failures"]
    assert status == 1
    assert forbidden["kind"] == "forbidden" and "cites G01 G10" in forbidden["lines"]
    assert "from Symptoms attributed to vitamin B12 deficiency: present." in forbidden["lines"]
    assert step["kind"] == "step" and step["lines"] == ["it is provisional now"]


def test_a_citation_can_be_expected(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case(folder, "cited", SYMPTOMS + "expect: {cites: {'treat:immediate': [G01, G08]}}\n")
    status, out, _ = ran(capsys, "test", "--kb", str(folder))
    assert status == 1
    assert "treat:immediate does not cite G08" in out and "it cites G01 G10" in out
    assert "there is no statement" not in out


def test_a_statement_that_there_is_not_is_told_where_expected(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case(folder, "cited", SYMPTOMS + "expect: {cites: {'treat:immediate': [g01, G10]}}\n")
    out = ran(capsys, "test", "--kb", str(folder))[1]
    assert "treat:immediate does not cite g01" in out and "there is no statement g01; did you mean G01?" in out


def test_the_text_of_a_proof_is_kept_and_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not there; accepted; the same; then changed by an edit of a rule's sentence, and shown line by line."""
    path = case(folder, "kept", SYMPTOMS + "expect: {proofs: ['treat:immediate']}\n")
    before = path.read_bytes()
    assert ran(capsys, "test", "--kb", str(folder))[0] == 1
    status, out, _ = ran(capsys, "test", "--kb", str(folder), "--accept")
    kept = folder / "cases" / "proofs" / "kept" / "treat.immediate.txt"
    assert status == 0 and "renewed cases/proofs/kept/treat.immediate.txt" in out
    assert "1 proof renewed: read what changed before you keep it" in out
    assert "G01 “Vitamin B12 deficiency typically" in kept.read_text(encoding="utf-8")
    assert ran(capsys, "test", "--kb", str(folder))[0] == 0
    rules = folder / "rules" / "40-treatment.rls"
    rules.write_text(
        rules.read_text(encoding="utf-8").replace("Treat immediately: symptoms", "Treat now: symptoms"),
        encoding="utf-8",
    )
    status, out, _ = ran(capsys, "test", "--kb", str(folder))
    assert status == 1
    assert "the proof of treat:immediate has changed" in out
    assert "    -Treat immediately: symptoms" in out and "    +Treat now: symptoms" in out
    status, out, _ = ran(capsys, "test", "--kb", str(folder), "--accept")
    assert status == 0
    assert "    -Treat immediately: symptoms" in out and "    +Treat now: symptoms" in out, "what is to be reviewed"
    status, out, _ = ran(capsys, "test", "--kb", str(folder), "--accept")
    assert status == 0 and "renewed" not in out
    assert path.read_bytes() == before, "a case is never rewritten"


def test_what_a_conclusion_rests_on_can_be_expected(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exactly: an entry too many is a failure as well as one that is lacking, and so with statements."""
    case(
        folder,
        "rests",
        SYMPTOMS.replace("]", ", {name: fatigue, state: present}]")
        + "expect: {facts: {'treat:immediate': ['findings[1]']}, cites: {'treat:immediate': [G01]}}\n",
    )
    status, out, _ = ran(capsys, "test", "--kb", str(folder))
    assert status == 1
    assert (
        "treat:immediate does not rest on findings[1] and rests on findings[0], which is not expected\n"
        "    it rests on findings[0]\n" in out
    )
    assert "treat:immediate cites G10, which is not expected\n    it cites G01 G10\n" in out
    case(folder, "rests", SYMPTOMS + "expect: {facts: {'treat:immediate': 'findings[0]'}}\n")
    status, out, _ = ran(capsys, "test", "--kb", str(folder))
    assert status == 1 and "this is not a list of entries for each conclusion" in " ".join(out.split())


def test_rules_that_give_two_answers_where_one_is_declared_fail_and_are_no_fault_of_citelog(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = SYMPTOMS + "expect: {include: ['treat:immediate']}\n"
    path = case(folder, "two", expected)
    case(folder, "sound", expected.replace("present", "unknown").replace("immediate", "undetermined"))
    rules = folder / "rules" / "30-findings.rls"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(
        text.replace(
            "symptomatic(?p, b12:no) :- state(?p, b12:symptoms, cl:absent)",
            "symptomatic(?p, b12:no) :- state(?p, b12:symptoms, cl:present)",
        ),
        encoding="utf-8",
    )
    status, out, _ = ran(capsys, "test", "--kb", str(folder))
    assert status == 1 and "✗ two" in out and out.endswith("2 cases, 2 expectations: 1 does not hold\n")
    what = "the rules gave 2 conclusions of the kind symptomatic, not one, to two: no by symptomatic-no "
    assert what in " ".join(out.split())
    status, out, err = ran(capsys, "assess", "--kb", str(folder), str(path))
    assert (status, out) == (2, "") and err.startswith(what)
    told = re.findall(r"(\w+) by symptomatic-\1 \(b12/rules/30-findings.rls:(\d+)\)", err)
    lines = text.splitlines()
    assert [lines[int(line) - 1].partition(")")[0] for _, line in told] == [
        f"symptomatic(?p, b12:{v}" for v in ("no", "yes")
    ]
    assert "\n   = let the rules of one give way to the other's, with @unless; citelog verify --kb " in err


def test_rules_that_give_no_answer_where_one_is_declared_are_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = case(folder, "none", SYMPTOMS)
    rules = folder / "rules" / "30-findings.rls"
    text = rules.read_text(encoding="utf-8")
    rules.write_text(
        text.replace(
            "symptomatic(?p, b12:yes) :- state(?p, b12:symptoms, cl:present)",
            "symptomatic(?p, b12:yes) :- state(?p, b12:symptoms, cl:unknown)",
        ),
        encoding="utf-8",
    )
    status, out, err = ran(capsys, "assess", "--kb", str(folder), str(path))
    assert (status, out) == (2, "")
    assert err.startswith(
        "the rules gave 0 conclusions of the kind symptomatic, not one, to none: none of its rules held, symptomatic-"
    )


def test_an_entry_that_is_hardly_unread_on_purpose_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A slip in a name would make every exclusion true; of a name that is like no other the author knows."""
    case(
        folder,
        "slip",
        "labs: [{analyte: serum vitamine B12, value: 80, unit: pmol/L}]\n"
        "expect: {include: ['status:not_assessed'], exclude: ['status:below_all_cutoffs']}\n",
    )
    unknown = "findings: [{name: sore tongue, state: present}]\nexpect: {exclude: ['treat:immediate']"
    case(folder, "excludes", unknown + "}\n")
    case(folder, "on-purpose", unknown + ", include: ['treat:undetermined']}\n")
    status, out, _ = ran(capsys, "test", "--kb", str(folder))
    told = " ".join(out.split())
    assert status == 0 and told.endswith("3 cases, 5 expectations: all hold") and "on-purpose" not in out
    assert (
        'excludes: Sore tongue: present. Not used: no finding or condition is known as "sore tongue". (findings[0])'
        in told
    )
    assert 'is known as "serum vitamine B12"; did you mean serum vitamin B12? (labs[0])' in told
    status, out, _ = ran(capsys, "test", "--kb", str(folder), "--format", "json")
    assert {trial["case"]: [slip["read_from"] for slip in trial["slips"]] for trial in json.loads(out)} == {
        "slip": ["labs[0]"],
        "excludes": ["findings[0]"],
        "on-purpose": [],
    }


def test_what_was_not_understood_is_told_where_something_else_is_concluded_than_expected(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A unit that nobody knows, a comma, a state that is none: each may be why, and none is told where all holds."""
    record = (
        "labs:\n- {analyte: serum vitamin B12, value: 80, unit: parts}\n"
        "- {analyte: serum vitamin B12, value: '8,5', unit: pmol/L}\n- {analyte: serum vitamin B12, value: 80}\n"
        "findings: [{name: fatigue, state: 'yes'}]\n"
    )
    case(folder, "not-so", record + "expect: {include: ['status:below_all_cutoffs']}\n")
    status, out, _ = ran(capsys, "test", "--kb", str(folder))
    told = " ".join(out.split())
    assert status == 1
    for said in (
        'The unit "parts" is not known. (labs[0])',
        "8,5 pmol/L is not a number that can be read. (labs[1])",
        "Serum vitamin B12: 80, no unit has no unit. (labs[2])",
        'The state "yes" counts as unknown: write present, absent or unknown. (findings[0])',
    ):
        assert said in told
    case(
        folder, "not-so", record + "expect: {exclude: ['status:below_all_cutoffs'], include: ['neuro:not_recorded']}\n"
    )
    assert "not known" not in ran(capsys, "test", "--kb", str(folder))[1]


def test_a_case_that_cannot_be_read_is_told_on_lines_of_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case(folder, "no-colon", "labs\n- {analyte: serum vitamin B12, value: 80}\n")
    _, out, _ = ran(capsys, "test", "--kb", str(folder))
    assert re.search(r"no-colon\.yaml:2:\s+not YAML\s[^=]*\n +(?== correct that line)", out)


def test_words_choose_cases_and_none_of_a_name_is_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case(folder, "one-case", SYMPTOMS + "expect: {include: ['treat:immediate']}\n")
    case(folder, "another", "labs: []\nexpect: {include: ['treat:immediate']}\n")
    assert ran(capsys, "test", "--kb", str(folder), "one")[0] == 0
    status, out, err = ran(capsys, "test", "--kb", str(folder), "third")
    assert (status, out) == (2, "") and "no case of that name: third" in err
    assert "did you mean one-case?" in ran(capsys, "test", "--kb", str(folder), "one-csae")[2]


def test_a_file_that_cannot_be_used_is_one_failure_and_hides_no_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case(folder, "broken", "labs: {}\n")
    case(folder, "sound", SYMPTOMS + "expect: {include: ['treat:immediate']}\n")
    status, out, _ = ran(capsys, "test", "--kb", str(folder), "--format", "json")
    told = {trial["case"]: trial["failures"] for trial in json.loads(out)}
    assert status == 1 and told["sound"] == []
    assert told["broken"][0]["kind"] == "unusable" and "not a list" in told["broken"][0]["what"]


def test_junit_xml_has_a_test_case_for_each_case(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case(folder, "sound", SYMPTOMS + "expect: {include: ['treat:immediate']}\n")
    case(folder, "wrong", "labs: []\nexpect: {include: ['treat:immediate']}\n")
    assert ran(capsys, "test", "--kb", str(folder), "--junit", str(tmp_path / "out.xml"))[0] == 1
    [suite] = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert {c.get("name"): len(c) for c in suite} == {"sound": 0, "wrong": 1}


def test_junit_xml_is_utf_8_wherever_it_is_written_and_holds_any_name_of_a_file(
    folder: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It said that it was written as the locale has it; a name that is no text was called a fault of citelog."""
    monkeypatch.setattr("locale.getencoding", lambda: "latin-1")
    odd = Path(shutil.copytree(folder, tmp_path / "\x01\udcff\u00e9"))
    case(odd, "someone", "labs: []\n")
    assert ran(capsys, "test", "--kb", str(odd), "--junit", str(tmp_path / "out.xml"))[0] == 0
    [found] = ElementTree.fromstring((tmp_path / "out.xml").read_bytes()).iter("testcase")
    assert found.attrib["file"].endswith("/\\u0001\\udcff\u00e9/cases/someone.yaml")


# citelog show


@pytest.mark.parametrize(
    ("id_", "parts"),
    [
        (
            "G06",
            ["“For patients without neurological involvement", "line 20, marker 1", "a side of the conflicts: CP09"],
        ),
        ("CP08", ["┌", "G07 “followed by maintenance", "R13 “According to", "concluded by the rules"]),
        ("treat-symptomatic", ["40-treatment.rls:", "G10", "gives the predicate: treat_line"]),
        ("treat_line", ["arguments: patient: patient, line: term", "given by the rules"]),
        ("pernicious anaemia", ["snomed:84027009", "named in the rules"]),
        ("SNOMED:84027009", ["term pernicious_anaemia"]),
        ("HYD-STD-MAINT", ["agent: hydroxocobalamin (from G06)", "every 2–3 months", "G07", "regimen-standard-maint"]),
        ("regimen:HYD-STD-MAINT", ["term HYD-STD-MAINT", "duration: for life"]),
        (
            "treat:immediate",
            ["by the rules: treat-symptomatic, treat-deficiency", "named in the rules: treated-immediate"],
        ),
        ("neuro:unknown", ["concluded by the rules: neuro-unknown, neuro-only-not-possible"]),
        ("conflict:CP08", ["conflict CP08"]),
        ("b12:G06", ["statement G06"]),
    ],
)
def test_show_says_what_a_thing_is_and_where_it_is_used(
    id_: str, parts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = ran(capsys, "show", id_)
    assert status == 0
    assert [part for part in parts if part not in out] == []
    document = json.loads(ran(capsys, "show", id_, "--format", "json")[1])
    assert document["id"] and document["kind"] in ("statement", "conflict", "rule", "predicate", "term")


@pytest.mark.parametrize("base", ["b12", "examples/short-nights"])
def test_of_every_conclusion_show_names_the_rules_that_conclude_it(base: str) -> None:
    kb = citelog.open(base)
    for id_ in kb.contents()["conclusions"]:
        (found,) = kb.show(id_)
        assert found.uses["concluded by the rules"], id_


def test_show_of_nothing_asks_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = ran(capsys, "show", "treat-symptomatics")
    assert (status, out) == (2, "") and "did you mean treat-symptomatic?" in err
    status, out, err = ran(capsys, "show", "data-issue:DI-UNIT-MISING")
    assert (status, out) == (2, "") and "did you mean DI-UNIT-MISSING?" in err
    status, out, err = ran(capsys, "show", "MN-RELOAD")
    assert (status, out) == (2, "") and "citelog verify --property MN-RELOAD" in err


# citelog certify


def test_an_assessment_is_certified_and_a_damaged_proof_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ran(capsys, "certify", PATIENT)[:2] == (
        0,
        "example-1: 19 conclusions are proved, and no rule is left unfired\n",
    )
    path = tmp_path / "proof.json"
    proof = json.loads(ran(capsys, "why", PATIENT, "treat:immediate", "--format", "json")[1])
    path.write_text(json.dumps(proof), encoding="utf-8")
    assert ran(capsys, "certify", PATIENT, str(path))[0] == 0
    cited = next(step for step in proof["steps"] if step["kind"] == "firing" and step["citations"])
    cited["citations"][0]["start"] += 1
    path.write_text(json.dumps(proof), encoding="utf-8")
    status, out, _ = ran(capsys, "certify", PATIENT, str(path))
    assert status == 1 and cited["id"] in out and "'citations[0].start'" in out


def test_what_is_no_proof_is_refused_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "proof.json"
    path.write_text("{", encoding="utf-8")
    status, out, err = ran(capsys, "certify", PATIENT, str(path))
    assert (status, out) == (2, "") and str(path) in err and "cannot be read as JSON" in err


def test_a_key_that_stands_twice_and_a_file_too_deep_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reader that takes the first of two keys would see another proof than the one that was checked."""
    path = tmp_path / "proof.json"
    proof = ran(capsys, "why", PATIENT, "treat:immediate", "--format", "json")[1]
    path.write_text(proof.replace('"root":', '"conclusion": "treat:judgement",\n  "root":', 1), encoding="utf-8")
    status, out, err = ran(capsys, "certify", PATIENT, str(path))
    assert (status, out) == (2, "") and "stands twice" in err
    path.write_text("[" * 100_000, encoding="utf-8")
    status, out, err = ran(capsys, "certify", PATIENT, str(path))
    assert (status, out) == (2, "") and "nested too deeply" in err


def test_the_proof_of_another_patient_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, other = tmp_path / "proof.json", tmp_path / "other.yaml"
    path.write_text(ran(capsys, "why", PATIENT, "treat:immediate", "--format", "json")[1], encoding="utf-8")
    other.write_text(Path(PATIENT).read_text(encoding="utf-8").replace("example-1", "somebody-else"), encoding="utf-8")
    status, out, _ = ran(capsys, "certify", str(other), str(path))
    assert status == 1 and "'case.id' is \"example-1\"" in out


@pytest.mark.parametrize("form", ["json", "prov", "jsonld"])
def test_a_proof_with_ways_left_out_is_not_written_for_programs(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = ran(capsys, "why", PATIENT, "treat:immediate", "--shortest", "--format", form)
    assert (status, out) == (2, "") and "leave --shortest out" in err


def test_a_misspelt_exclusion_does_not_hold_for_ever(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case(folder, "misspelt", "labs: []\nexpect: {exclude: ['treat:imediate']}\n")
    status, out, _ = ran(capsys, "test", "--kb", str(folder))
    assert status == 1 and "did you mean treat:immediate?" in out


def test_an_export_of_two_cases_is_refused_and_none_is_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    other = str(ROOT / "examples" / "other-patient.yaml")
    status, out, err = ran(capsys, "export", "--to", "swi", "--case", PATIENT, "--case", other)
    assert (status, out) == (2, "") and "an export is of one" in err


def test_what_an_argument_could_steer_a_terminal_with_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = ran(capsys, "why-not", PATIENT, "treat:\x1b[2J")
    assert status == 2 and "\x1b" not in err and "treat:\\x1b[2J" in err


EXPLAINING = (
    ("why", PATIENT, "treat:immediate"),
    ("missing", PATIENT),
    ("what-if", PATIENT, "--drop", "labs[0]"),
    ("why-not", PATIENT, "treat:judgement"),
    ("contrast", PATIENT, "treat:immediate", "treat:judgement"),
    ("contrast", PATIENT, str(ROOT / "examples" / "other-patient.yaml")),
)


@pytest.mark.parametrize("words", at_each_commit(EXPLAINING), ids=lambda words: words[0])
def test_every_explanation_says_that_its_source_is_unreviewed(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "! The source document is pending human review: exercise caution. [M03]" in ran(capsys, *words)[1]
