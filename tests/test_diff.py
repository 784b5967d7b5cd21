"""`citelog diff`: two editions of B12 compared, by what an author would do to a copy, and what they would read then."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from citelog import home, schemas
from citelog.approval.release import Release
from citelog.cli.app import main
from citelog.compare.causes import smallest
from citelog.compare.changes import Change, changes
from citelog.compare.diff import Group, diff
from citelog.compare.editions import edition
from citelog.compare.effects import Subject
from citelog.compare.fates import Place
from citelog.compare.quotes import Quote, Support
from citelog.reports.compared import because, compared, supports
from citelog.reports.released import released
from citelog.reports.review import review

CASES = (
    "60-pmol-per-l-is-deficient-because-100-to-300-is-no-reference-band",
    "200-pmol-per-l-is-neither-normal-nor-simply-deficient",
    "every-four-weeks-is-maintenance",
    "a-homocysteine-result-excludes-nothing",
)
DEFICIENT, BETWEEN, MONTHLY, BIOMARKER = CASES
SOURCE = "source/000_1588d50b1994512c.txt"

Ran = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped knowledge base with a few of its cases; no test changes it."""
    folder = tmp_path_factory.mktemp("old") / "b12"
    shutil.copytree(home.knowledge("b12"), folder, ignore=shutil.ignore_patterns("cases"))
    (folder / "cases").mkdir()
    for name in CASES:
        shutil.copy(home.knowledge("b12") / "cases" / f"{name}.yaml", folder / "cases")
    return folder


@pytest.fixture
def new(old: Path, tmp_path: Path) -> Path:
    """A copy of it, to be edited."""
    return Path(shutil.copytree(old, tmp_path / "b12"))


@pytest.fixture
def ran(capsys: pytest.CaptureFixture[str]) -> Ran:
    """Runs a command: its status, standard output and standard error; pictures have tests of their own."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        more = ("--no-pictures",) if arguments[0] == "diff" else ()
        with pytest.raises(SystemExit) as ended:
            main(list(map(str, (*arguments, *more))))
        told = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, told.out, told.err

    return run


def edit(folder: Path, file: str, before: str, after: str) -> None:
    """One edit, at the first place."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert before in text, before
    path.write_text(text.replace(before, after, 1), encoding="utf-8")


def rule(folder: Path, file: str, name: str) -> str:
    """The text of a rule, with its tags."""
    text = (folder / file).read_text(encoding="utf-8")
    (found,) = (piece for piece in text.split("\n\n") if f'"{name}"' in piece)
    return found


def told(old: Path, new: Path) -> tuple[dict[str, Any], str]:
    """The diff as data, in its published form, and as text; compared once. For a review, the same is told."""
    found = diff(edition(old, "old"), edition(new, "new"))
    reviewed = review(found)
    names = [one.id for one in found.changes.listed if one.kind != "segment"]
    names += [one.statement for one in found.source.quotes if one.fate != "moved"] if found.source else []
    assert [name for name in names if f"`{name}`" not in reviewed] == []
    assert bool(found.unasked) == ("No case is compared: " in reviewed)
    document = found.to_dict()
    jsonschema.Draft202012Validator(schemas.schema("diff")).validate(document)
    return document, "".join(f"{line.lead}{line.text}\n" for line in compared(found))


def diffed(ran: Ran, old: Path, new: Path, *more: str) -> dict[str, Any]:
    """The diff as data, by the command; the status says whether anything differs."""
    status, out, err = ran("diff", old, new, "--format", "json", *more)
    assert err == ""
    document: dict[str, Any] = json.loads(out)
    jsonschema.Draft202012Validator(schemas.schema("diff")).validate(document)
    assert status == (0 if document["same"] else 1)
    return document


def changed(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(c["how"], c["kind"], c["id"]) for c in document["changes"]]


def caused(document: dict[str, Any]) -> dict[tuple[str, ...], set[tuple[str, str | None, str | None]]]:
    """The effects of each cause."""
    return {
        tuple(one["id"] for one in group["cause"]): {(e["how"], e["before"], e["after"]) for e in group["effects"]}
        for group in document["groups"]
    }


# by meaning


def test_nothing_but_layout(old: Path, new: Path, ran: Ran) -> None:
    """Blanks, comments, order, variables, the digits of a number and the places of quotes are no change."""
    for path in [*new.glob("*.ttl"), new / "statements.trig"]:
        text = path.read_text(encoding="utf-8")
        path.write_text(f"# a comment\n{re.sub(r' {3,}', '   ', text)}", encoding="utf-8")
    edit(new, "statements.trig", "lowEnd          100.0".replace("          ", "   "), "lowEnd 100.00")
    edit(new, "statements.trig", "cl:start 0 ;", "")
    path = new / "rules" / "60-cautions.rls"
    head, *rules = path.read_text(encoding="utf-8").split("\n\n%%%")
    path.write_text(
        "\n\n%%%".join([head, *reversed(rules)]).replace("?p", "?who").replace("?r", "?which"), encoding="utf-8"
    )
    status, out, _ = ran("diff", old, new)
    assert status == 0
    assert "Only the layout differs." in out and "rules/60-cautions.rls" in out and "statements.trig" in out
    assert "No conclusion differs in 4 cases" in out


def test_a_rule_is_the_same_whatever_its_order_and_its_variables(old: Path, new: Path, ran: Ran) -> None:
    file = "rules/60-cautions.rls"
    edit(
        new,
        file,
        "biomarker_result(?p, ?r) :- result(?p, ?r, ?analyte), b12:SecondLineBiomarker(?analyte) .",
        "biomarker_result(?who, ?what) :-\n    b12:SecondLineBiomarker(?of), result(?who, ?what, ?of) . % as before",
    )
    document = diffed(ran, old, new)
    assert document["same"] and document["layout"] == [file]


def test_a_renamed_rule_is_found_as_renamed(old: Path, new: Path, ran: Ran) -> None:
    """Under its new name, with other variables and other words beside; nobody's answer rests on anything else."""
    file = "rules/60-cautions.rls"
    edit(new, file, "biomarker-result", "second-line-result")
    edit(new, file, "biomarker_result(?p, ?r) :- result(?p, ?r, ?", "biomarker_result(?q, ?r) :- result(?q, ?r, ?")
    document = diffed(ran, old, new)
    (change,) = document["changes"]
    assert (change["how"], change["was"], change["id"]) == ("renamed", "biomarker-result", "second-line-result")
    assert change["details"] == [] and document["groups"] == []


def test_a_predicate_that_is_renamed_everywhere_is_one_change(old: Path, new: Path, ran: Ran) -> None:
    for path in [*new.glob("rules/*.rls"), new / "predicates.ttl"]:
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r"\bbiomarker_result\b", "second_line_result", text), encoding="utf-8")
    document = diffed(ran, old, new)
    (change,) = document["changes"]
    assert (change["how"], change["kind"]) == ("renamed", "predicate")
    assert (change["was"], change["id"]) == ("biomarker_result", "second_line_result")
    assert document["groups"] == []


def test_a_statement_says_which_property_changed(old: Path, new: Path, ran: Ran) -> None:
    edit(new, "statements.trig", 'cl:modality     "can" ;', 'cl:modality     "may" ;')
    edit(new, "statements.trig", "b12:certain_threshold  cl:variesWith       b12:laboratory , b12:overall_health .",
         "b12:certain_threshold  cl:variesWith       b12:laboratory .")  # fmt: skip
    (change,) = diffed(ran, old, new)["changes"]
    assert (change["kind"], change["id"], change["how"]) == ("statement", "R02", "changed")
    assert change["details"] == [
        {"name": "modality", "before": ["can"], "after": ["may"]},
        {"name": "b12:certain_threshold cl:variesWith", "before": ["b12:overall_health"], "after": []},
    ]


def test_a_value_of_another_type_is_a_change_although_it_reads_the_same(old: Path, new: Path, ran: Ran) -> None:
    edit(new, "statements.trig", "cl:value           4.0 ;", 'cl:value           "4.0" ;')
    (change,) = diffed(ran, old, new)["changes"]
    assert change["details"] == [{"name": "value", "before": ["4.0 (number)"], "after": ["4.0 (text)"]}]


# by case, and by cause


def test_a_threshold_that_moves_changes_what_lies_between(old: Path, new: Path, ran: Ran) -> None:
    """The encoder's limit between loading and maintenance: a term, without a rule touched."""
    edit(new, "statements.trig", "cl:value           4.0 ;", "cl:value           5.0 ;")
    document = diffed(ran, old, new)
    assert changed(document) == [("changed", "term", "maintenance_frequency")]
    assert document["compared"]["differing"] == [MONTHLY]
    effects = caused(document)[("maintenance_frequency",)]
    assert ("gained", None, "regimen:HYD-STD-LOAD") in effects
    (gained,) = (
        effect["shown"][0]
        for effect in document["groups"][0]["effects"]
        if (effect["how"], effect["after"]) == ("gained", "regimen:HYD-STD-LOAD")
    )
    assert gained["before"] is None and gained["after"]["conclusion"]["statements"] == ["G06"]
    assert any(reason["text"] == "28 < 35." for reason in gained["after"]["reasons"])
    assert "28 < 28" in json.dumps(gained["against"])


def test_a_rule_that_changed_is_tried_on_the_old_proof(old: Path, new: Path, ran: Ran) -> None:
    """What no longer holds is told of the rule as it is now, down to its comparison."""
    edit(new, "rules/40-treatment.rls", "?span >= ?limit .", "?span > ?limit .")
    status, out, _ = ran("diff", old, new)
    assert status == 1
    for part in (
        "~ rule phase-maintenance-by-frequency  (b12/rules/40-treatment.rls:",
        "needs: ?span >= ?limit → ?span > ?limit",
        "because of rule phase-maintenance-by-frequency (changed): 1 case",
        "~ treat:indicated becomes treat:undetermined",
        "holds: 28 >= 28.",
        "✗ needed: The phase of vitamin B12 treatment is maintenance. — false: “28 > 28”",
        "and not treat:indicated:",
    ):
        assert part in out, part
    assert max(map(len, out.splitlines())) <= 100


def test_a_rule_that_is_gone_and_one_that_is_new(old: Path, new: Path) -> None:
    """Two changes, each the cause of its own effect; a third that nobody's answer rests on is the cause of none."""
    file = "rules/60-cautions.rls"
    edit(new, file, rule(new, file, "caution-cutoffs-within") + "\n\n", "")
    made = rule(new, file, "caution-biomarkers")
    made = made.replace("caution-biomarkers", "caution-deficient").replace("#CA-BIOMARKERS", "#CA-CUTOFF-DEBATED")
    made = made.replace("biomarker_result(?p, ?r)", "status(?p, b12:below_all_cutoffs)")
    made = made.replace('display("', 'display("(By this edition.) ')
    (new / file).write_text(f"{(new / file).read_text(encoding='utf-8')}\n{made}\n", encoding="utf-8")
    edit(new, "terms.ttl", '"serum cobalamin" ;', '"serum cobalamin" , "cobalamin in serum" ;')
    document, out = told(old, new)
    assert changed(document) == [
        ("removed", "rule", "caution-cutoffs-within"),
        ("added", "rule", "caution-deficient"),
        ("changed", "term", "serum_b12"),
    ]
    assert caused(document) == {
        ("caution-cutoffs-within",): {("lost", "caution:CA-CUTOFF-DEBATED", None)},
        ("caution-deficient",): {("gained", None, "caution:CA-CUTOFF-DEBATED")},
    }
    assert "this edition has no rule caution-cutoffs-within" in out
    assert "this edition has no rule caution-deficient" in out
    assert re.search(r"\(By this edition\.\)[^─]*[└├]─ by caution-deficient", out)  # words in brackets end no proof


def test_changes_that_only_work_together_are_one_cause(old: Path, new: Path, ran: Ran) -> None:
    """A rule that needs a new predicate, which another rule gives: neither does anything alone."""
    edit(
        new,
        "predicates.ttl",
        "b12:predicate_biomarker_result a",
        'b12:predicate_worth_a_word a cl:DerivedPredicate ; cl:signature "worth_a_word(patient: patient)" ;\n'
        '    cl:sentence "the level is worth a word" ; cl:absence "the level is not worth a word" .\n\n'
        "b12:predicate_biomarker_result a",
    )
    path = new / "rules" / "60-cautions.rls"
    path.write_text(
        path.read_text(encoding="utf-8")
        + '\n%%% @cites R02\n#[name("worth-a-word")]\n'
        + "worth_a_word(?p) :- status(?p, b12:below_all_cutoffs) .\n"
        + '\n%%% @cites R02\n#[name("a-word")]\n#[display("A word.")]\n'
        + "caution(?p, <https://w3id.org/citelog/b12#CA-CUTOFF-DEBATED>) :- worth_a_word(?p) .\n",
        encoding="utf-8",
    )
    document = diffed(ran, old, new)
    ((cause, effects),) = caused(document).items()
    assert set(cause) == {"a-word", "worth-a-word", "worth_a_word"}
    assert effects == {("gained", None, "caution:CA-CUTOFF-DEBATED")}


def test_the_words_of_a_conclusion_are_compared_too(old: Path, new: Path, ran: Ran) -> None:
    edit(new, "rules/60-cautions.rls", "Second-line biomarkers (holo", "Biomarkers of the second line (holo")
    accepted = "%%% @accept rule-subsumed: it is the last that speaks of them.\n"
    edit(new, "rules/60-cautions.rls", "%%% @cites R05\n", f"%%% @cites R05 R06\n{accepted}")
    document = diffed(ran, old, new)
    (change,) = document["changes"]
    assert [detail["name"] for detail in change["details"]] == ["cites", "sentence", "accepts"]
    (group,) = document["groups"]
    (effect,) = group["effects"]
    assert (effect["how"], effect["cases"]) == ("changed", [BIOMARKER])
    assert [detail["name"] for detail in effect["shown"][0]["details"]] == ["sentence", "cites"]


def test_the_order_of_rules_changes_nothing_but_the_order_of_sentences(old: Path, new: Path) -> None:
    """Where a conclusion joins the sentences of several rules, their order is heard; it is the only cause left."""
    file = "rules/20-status.rls"
    first = rule(new, file, "status-below-all-cutoffs")
    other = first.replace("status-below-all-cutoffs", "status-below-again").replace("Below every", "Again: below every")
    for folder, rules in ((new, (other, first)), (both := new.parent / "both" / "b12", (first, other))):
        if folder == both:
            shutil.copytree(old, both)
        text = (old / file).read_text(encoding="utf-8").replace(first, "\n\n".join(rules))
        (folder / file).write_text(text, encoding="utf-8")
    document, out = told(both, new)
    assert document["changes"] == [] and not document["same"]
    assert set(caused(document)) == {()}
    assert "because of the order of the rules" in out


def test_an_edition_that_gives_a_patient_no_answer_is_told_so(old: Path, new: Path) -> None:
    """Two conclusions of a kind of which there is exactly one: the edition checks, and fails on a patient."""
    path = new / "rules" / "20-status.rls"
    made = '\n%%% @cites R04\n#[name("status-twice")]\nlevel_status(?p, b12:conflicting) :- level_recorded(?p) .\n'
    path.write_text(path.read_text(encoding="utf-8") + made, encoding="utf-8")
    document, out = told(old, new)
    assert caused(document) == {("status-twice",): {("fails", None, None)}}
    assert set(document["compared"]["differing"]) == {DEFICIENT, BETWEEN, BIOMARKER}
    assert "! no answer any more" in out and "gave 2 conclusions of the kind status" in out


def test_a_release_says_in_a_line_what_changed_since_the_last(old: Path, new: Path) -> None:
    def said() -> str:
        found = Release("2", "b12", (), (), {}, diff(edition(old, "1.0.0"), edition(new, "new")))
        return "".join(line.text for line in released(found, 200))

    edit(new, "terms.ttl", '"serum cobalamin" ;', '"serum cobalamin" ;  ')
    assert "nothing since 1.0.0 but layout" in said()
    edit(new, "rules/60-cautions.rls", "Second-line biomarkers (holo", "Biomarkers of the second line (holo")
    (new / "cases" / f"{DEFICIENT}.yaml").unlink()
    assert "since 1.0.0: 1 rule, 1 case; conclusions differ in 1 of 4 cases" in said()


# cases and other records


def test_cases_of_both_editions_are_compared_and_their_own_changes_told(old: Path, new: Path, ran: Ran) -> None:
    (new / "cases" / f"{BIOMARKER}.yaml").unlink()
    edit(new, f"cases/{DEFICIENT}.yaml", "value: 60", "value: 61")
    (new / "cases" / "nothing.yaml").write_text("labs: []\n", encoding="utf-8")
    edit(new, "rules/60-cautions.rls", "Second-line biomarkers (holo", "Biomarkers of the second line (holo")
    document = diffed(ran, old, new)
    assert [c for c in changed(document) if c[1] == "case"] == [
        ("changed", "case", DEFICIENT),
        ("removed", "case", BIOMARKER),
        ("added", "case", "nothing"),
    ]
    assert document["compared"]["cases"] == 6  # the changed one as it was, too
    assert document["compared"]["differing"] == [BIOMARKER]


def test_more_records_are_compared_and_one_that_cannot_be_read_is_named(
    old: Path, new: Path, tmp_path: Path, ran: Ran
) -> None:
    edit(new, "statements.trig", "cl:value           4.0 ;", "cl:value           5.0 ;")
    records = tmp_path / "records"
    records.mkdir()
    (records / "monthly.yaml").write_text(
        "medications: [{name: hydroxocobalamin, dose: 1 mg, frequency: every 4 weeks, status: current}]\n"
        "findings: [{name: neurological involvement, state: absent}]\n",
        encoding="utf-8",
    )
    (records / "broken.yaml").write_text("labs: [", encoding="utf-8")
    compared = diffed(ran, old, new, "--patients", str(records))["compared"]
    assert (compared["cases"], compared["patients"]) == (4, 1)
    assert compared["differing"] == [MONTHLY, str(records / "monthly.yaml")]
    assert [one["case"] for one in compared["unusable"]] == [str(records / "broken.yaml")]
    out = " ".join(ran("diff", old, new, "--patients", str(records))[1].split())
    assert f" not compared: {records / 'broken.yaml'}:2: not YAML" in out


def test_a_record_need_not_be_a_file(old: Path, new: Path) -> None:
    """The door for pictures: each comes as its smallest record, and is compared and grouped like a case."""
    edit(new, "statements.trig", "cl:value           4.0 ;", "cl:value           5.0 ;")
    taken = {"name": "hydroxocobalamin", "frequency": "every 4 weeks", "status": "current"}
    absent = {"name": "neurological involvement", "state": "absent"}
    picture = Subject("monthly", {"medications": [taken], "findings": [absent]}, "patient")
    found = diff(edition(old, "old"), edition(new, "new"), [picture])
    (group,) = found.groups
    assert [change.id for change in group.cause] == ["maintenance_frequency"]
    assert "monthly" in found.differing and "monthly" in group.cases


# the document


def repin(folder: Path) -> None:
    """The hash of the document as it is now."""
    data = (folder / SOURCE).read_bytes()
    about = folder / "about.ttl"
    text = re.sub(r'(cl:sha256\s+)"\w+"', rf'\1"{hashlib.sha256(data).hexdigest()}"', about.read_text(encoding="utf-8"))
    about.write_text(text, encoding="utf-8")


def test_a_new_document_says_which_quotes_moved_changed_and_vanished(old: Path, new: Path) -> None:
    """Nothing is encoded anew yet: the edition has errors, and what rests on the lost words is told."""
    edit(new, SOURCE, "From the Research\n", "From the Research\n\nWhat follows was reviewed.\n")
    edit(
        new,
        SOURCE,
        "depending on the laboratory and the individual's",
        "depending on the laboratory, the assay and the individual's",
    )
    text = (new / SOURCE).read_text(encoding="utf-8")
    lines = [line for line in text.split("\n") if "Diagnosis is often difficult" not in line]
    (new / SOURCE).write_text("\n".join(lines), encoding="utf-8")
    document, out = told(old, new)
    quotes = {quote["statement"]: quote for quote in document["source"]["quotes"]}
    assert quotes["R04"]["fate"] == "moved" and quotes["R04"]["after"]["line"] == quotes["R04"]["before"]["line"] + 2
    assert quotes["R02"]["fate"] == "changed"
    assert quotes["R02"]["differences"] == [{"before": "laboratory", "after": "laboratory, the assay"}] or quotes[
        "R02"
    ]["differences"][0]["after"].startswith("laboratory,")
    assert quotes["R05"]["fate"] == "vanished" and quotes["R05"]["now"] is None
    assert {"conclusion": "caution:CA-BIOMARKERS", "cites": True, "cases": [BIOMARKER]} in quotes["R05"]["supports"]
    assert {"conclusion": "caution:CA-CUTOFF-DEBATED", "cites": True, "cases": [BETWEEN]} in quotes["R02"]["supports"]
    assert "G01" not in quotes
    codes = {error["code"] for error in document["new"]["errors"]}
    assert {"source-changed", "quote-not-found"} <= codes
    assert "has errors" in document["compared"]["unasked"] and document["groups"] == []
    for part in (
        "R05 vanished",
        "lose support, in 1 case: caution:CA-BIOMARKERS (1 case)",
        "No case is compared",
        "source-changed",
    ):
        assert part in out, part


def test_a_statement_that_quotes_the_new_document_is_told_as_quoted_anew(old: Path, new: Path, ran: Ran) -> None:
    """The conclusions that cite it say so; the other answers stay."""
    words = "can vary depending on the laboratory and the individual's overall health"
    now = words.replace("vary", "differ").replace("individual's overall", "individual's\u00a0overall")
    edit(new, SOURCE, words, now)
    repin(new)
    for file in ("statements.trig", "segments.ttl"):
        edit(new, file, words, now)
    assert ran("fmt", "--kb", new)[0] == 0
    document, out = told(old, new)
    (quote,) = document["source"]["quotes"]
    assert (quote["fate"], quote["requoted"], quote["now"]) == ("changed", True, f"which {now}")
    assert quote["differences"] == [{"before": "vary", "after": "differ"}, {"before": " ", "after": "\u00a0"}]
    assert [c[1:] for c in changed(document)] == [("statement", "R02"), ("segment", changed(document)[1][2])]
    assert document["compared"]["differing"] == [] and document["compared"]["kept"] == [BETWEEN]
    assert list(caused(document)) == [("R02",)]
    assert ("kept", "caution:CA-CUTOFF-DEBATED", "caution:CA-CUTOFF-DEBATED") in caused(document)[("R02",)]
    for part in (
        "  ~ 1 segment changed: segment_43",
        "        “vary” → “differ”\n        a blank → a non-breaking blank\n",
        "      rest on it: 2 conclusions, in 1 case",
        "  1 more keeps its conclusions, for other reasons or with other quotes",
        "  = kept, with the new quote of R02: caution:CA-CUTOFF-DEBATED (1), conflict:CP03 (1)",
    ):
        assert part in out, part
    whole = ran("diff", old, new, "--all")[1]
    assert "= caution:CA-CUTOFF-DEBATED is kept, with the new quote of R02" in whole
    assert "is kept, for other reasons" not in whole


@pytest.mark.parametrize(
    ("resting", "said"),
    [
        ([("a", ["c", "d"], True)], "lose support, in 2 cases: a (2 cases)"),
        ([("a", ["c"], False)], "lose support, in 1 case: further down in the proofs of 1 conclusion"),
        (
            [("a", ["c"], True), ("b", ["c"], False), ("e", ["d"], False)],
            "lose support, in 2 cases: a (1 case), and further down in the proofs of 2 others",
        ),
    ],
)
def test_what_loses_support_is_named_where_it_cites_the_quote_and_counted_below(
    resting: list[tuple[str, list[str], bool]], said: str
) -> None:
    rests = tuple(Support(conclusion, tuple(cases), cites) for conclusion, cases, cites in resting)
    assert supports(Quote("R01", "vanished", "words", Place(1, 0, 5), "", None, supports=rests)) == said


@pytest.mark.parametrize(
    ("number", "tried", "said"),
    [
        (1, True, "rule 0 (changed)"),
        (2, True, "rule 0 (changed) and rule 1 (changed) together"),
        (2, False, "rule 0 (changed), rule 1 (changed) (read off the proofs, not tried)"),
        (7, True, "rule 5 (changed) and 1 more change together"),
        (9, True, "rule 5 (changed) and 3 more changes together"),
    ],
)
def test_of_a_cause_of_many_changes_six_are_named(number: int, tried: bool, said: str) -> None:
    cause = tuple(Change("rule", str(one), "changed", "") for one in range(number))
    assert because(Group(cause, tried, ())).endswith(said)


# revisions


@pytest.fixture
def repository(new: Path) -> Path:
    """A git repository with the knowledge base in a folder, and two commits: the second moves a threshold."""
    top = new.parent / "guidelines"
    top.mkdir()
    folder = Path(shutil.move(new, top / "b12"))

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=An Author", "-c", "user.email=author@example.org", "-c", "core.autocrlf=true"]
        subprocess.run(["git", "-C", str(top), *identity, *arguments], check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch=main")
    (top / ".gitattributes").write_text("b12/terms.ttl export-ignore\n", encoding="utf-8")
    git("add", ".")
    git("commit", "--quiet", "-m", "as it was")
    edit(folder, "statements.trig", "cl:value           4.0 ;", "cl:value           5.0 ;")
    git("commit", "--quiet", "-am", "a longer interval")
    return folder


def test_revisions_are_read_without_touching_the_checkout(repository: Path, ran: Ran) -> None:
    """A revision against the folder, two revisions, one by its path; also of a folder that is edited and not saved."""
    before = {path: path.stat().st_mtime_ns for path in repository.parent.rglob("*") if path.is_file()}
    status, out, _ = ran("diff", "HEAD~1", "--kb", repository, "--brief")
    assert status == 1 and "value: 4.0 → 5.0" in out and "HEAD~1:b12 (" in out
    assert ran("diff", "HEAD", "--kb", repository)[0] == 0
    assert ran("diff", "HEAD~1", "HEAD", "--kb", repository, "--brief")[0] == 1
    assert ran("diff", "HEAD:b12", repository, "--kb", repository)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in repository.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("no-such-thing",), "neither a folder nor a revision"),
        (("--upload-pack=touch",), "No such option"),
        (("HEAD:cases",), "it has no folder cases"),
        (("HEAD:b12/about.ttl",), "it has no folder b12/about.ttl"),
        (("HEAD:b12/rules",), "is no knowledge base"),
        (("HEAD", "--patients", "nobody.yaml"), "nobody.yaml: there is no such file"),
        (("HEAD", "--all", "--brief"), "give one of them"),
    ],
)
def test_what_cannot_be_compared_is_refused(repository: Path, ran: Ran, arguments: tuple[str, ...], told: str) -> None:
    status, out, err = ran("diff", *arguments, "--kb", repository)
    assert (status, out) == (2, "")
    assert told in err and "   = " in err


def test_a_folder_that_no_repository_holds_has_no_revisions(old: Path, ran: Ran) -> None:
    status, _, err = ran("diff", "HEAD", "--kb", old)
    assert status == 2 and "not a git repository" in err and "compare two folders" in err


def test_an_edition_with_errors_is_compared_as_far_as_it_can_be_read(old: Path, new: Path, ran: Ran) -> None:
    """A rule that cannot be understood and a changed term: the one is named as an error, the other as a change."""
    edit(new, "rules/60-cautions.rls", "b12:SecondLineBiomarker(?analyte) .", "b12:SecondLineBiomarkre(?analyte) .")
    edit(new, "terms.ttl", '"serum cobalamin" ;', '"serum cobalamin" , "cobalamin in serum" ;')
    document = diffed(ran, old, new)
    assert [error["code"] for error in document["new"]["errors"]] == ["undefined-predicate"]
    assert ("changed", "term", "serum_b12") in changed(document)
    assert document["unread"] == ["rule biomarker-result"] and len(document["changes"]) == 1
    assert document["compared"]["unasked"]


# Markdown


def test_the_review_folds_both_proofs_away_and_escapes_what_it_shows(old: Path, new: Path, ran: Ran) -> None:
    edit(new, "statements.trig", "cl:value           4.0 ;", "cl:value           5.0 ;")
    edit(new, "terms.ttl", '"serum cobalamin" ;', '"serum cobalamin" , "a <b>bold</b> *name* | `tick`" ;')
    status, out, _ = ran("diff", old, new, "--format", "markdown")
    assert status == 1
    assert r"a \<b\>bold\</b\> \*name\* \| \`tick\`" in out
    assert out.count("<details>") == out.count("</details>") > 0
    assert out.count("```text") * 2 == out.count("```")
    opened = [line for line in out.splitlines() if line.startswith("#")]
    assert opened[:3] == [opened[0], "### What changed", "### What it changes"]
    assert f"<summary>Both proofs, in {MONTHLY}</summary>" in out
    assert "<details>" not in ran("diff", old, new, "--format", "markdown", "--brief")[1]


# alone: rules side by side, and smallest sets


def test_two_rules_are_laid_side_by_side_as_like_as_they_can_be(old: Path, new: Path) -> None:
    """One literal of five differs, all variables have other names, and the order is another: one detail is told."""
    edit(
        new,
        "rules/20-status.rls",
        "disputed(?p, ?r) :- counts(?p, ?r), class_of(?p, ?r, ?class), class_counts(?p, ?other), ?class != ?other .",
        "disputed(?a, ?b) :- ?y = ?x, class_counts(?a, ?x), class_of(?a, ?b, ?y), counts(?a, ?b) .",
    )
    (change,) = changes(edition(old, "old"), edition(new, "new")).listed
    assert [d.to_dict() for d in change.details] == [
        {"name": "needs", "before": ["?class != ?other"], "after": ["?y = ?x"]}
    ]


@given(st.sets(st.integers(0, 30), min_size=1), st.integers(1, 31))
def test_a_smallest_set_suffices_and_has_nothing_to_spare(needed: set[int], size: int) -> None:
    """Whatever is needed of the items is found, and nothing else."""
    items = list(range(size))
    wanted = {item % size for item in needed}
    assert smallest(lambda some: wanted <= set(some), items) == sorted(wanted)
