"""The commands as a user meets them: what they print, where, and with which status they end."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import authoring
from authoring import Command
from citelog.cli.app import SECTIONS, app

ROOT = Path(__file__).parent.parent
PATIENT = ROOT / "examples" / "patient.yaml"


# what the commands answer


def test_an_assessment_shows_each_conclusion_with_its_facts_and_its_quotes(citelog: Command) -> None:
    ended = citelog("assess", PATIENT)
    assert ended.status == 0 and ended.err == ""
    for line in (
        "! The source document is pending human review: exercise caution. [M03]",
        "  regimen:HYD-STD-LOAD · recommended · now",
        "    Hydroxocobalamin, 1 mg, intramuscular, three times a week, 2 weeks.",
        "    from f2, f3 · cites G06",
        "  f2  Neurological involvement: absent. (findings[1])",
        "       From the Guidelines, line 20, marker 1",
        "       From the Guidelines, line 24, uncited; marker 1 inherited from its list",
    ):
        assert line in ended.out.splitlines()


def test_one_case_gives_an_object_and_several_an_array_in_the_order_of_the_arguments(
    citelog: Command, tmp_path: Path
) -> None:
    for name in ("b", "a"):
        (tmp_path / f"{name}.yaml").write_text("labs: []\n")
    one = json.loads(citelog("assess", tmp_path / "a.yaml", "--format", "json").out)
    assert one["format"] == "citelog-assessment/1" and one["case"]["id"] == "a"
    two = json.loads(citelog("assess", tmp_path / "b.yaml", tmp_path / "a.yaml", "--format", "json").out)
    assert [document["case"]["id"] for document in two] == ["b", "a"]


@pytest.mark.parametrize("command", [("query",), ("show", "--kb"), ("assess",), ("diff",), ("quote",)], ids=" ".join)
def test_a_name_that_no_file_can_have_is_refused_and_no_fault(citelog: Command, command: tuple[str, ...]) -> None:
    """Found by tests/fuzzed.py: `query` called it a fault of citelog; words longer than the document took minutes."""
    ended = citelog(*command, "a" * 100_000)
    assert ended.status == (1 if command == ("quote",) else 2) and "a fault of citelog" not in ended.err


def test_a_word_too_many_that_no_folder_can_be_called_is_refused_and_no_traceback(citelog: Command) -> None:
    """Found by tests/fuzzed.py: whether a folder was meant was asked where nothing caught what the disk said."""
    ended = citelog("query", "quotes", "a" * 100_000)
    assert ended.status == 2 and ended.err.endswith("\n   = try: citelog query --help\n")


def test_a_safety_property_is_said_to_be_one_where_it_is_asked_for_as_something_else(citelog: Command) -> None:
    ended = citelog("show", "MN-STD-REGIMEN")
    told = "MN-STD-REGIMEN: it is a safety property\n   = ask for it: citelog verify --property MN-STD-REGIMEN\n"
    assert (ended.status, ended.err) == (2, told)


def test_what_turns_the_direction_of_writing_is_shown_and_as_data_kept(citelog: Command, tmp_path: Path) -> None:
    record = tmp_path / "case.yaml"
    record.write_text('findings: [{name: "tired \\u202eton", state: present}]\n', encoding="utf-8")
    told = citelog("assess", record).out
    assert "tired \\u202eton" in told.casefold() and "\u202e" not in told
    facts = json.loads(citelog("assess", record, "--format", "json").out)["facts"]
    assert [fact["sentence"] for fact in facts] == ["Tired \u202eton: present."]


def test_a_case_is_read_from_standard_input_and_called_stdin() -> None:
    """`python -m citelog` is the command, also for whoever has only the library on the path."""
    ended = subprocess.run(
        [sys.executable, "-m", "citelog", "assess", "-", "--format", "json"],
        input=b"labs: [{analyte: serum vitamin B12, value: 99.99, unit: pmol/L}]",
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "engine")},
        check=True,
    )
    document = json.loads(ended.stdout)
    assert document["case"]["id"] == "stdin"
    assert document["conclusions"][0]["id"] == "status:below_all_cutoffs"


def test_standard_input_holds_one_case_however_often_it_is_named(
    citelog: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"labs: []")))
    ended = citelog("assess", "-", "-")
    told = "standard input: it is named twice\n   = it holds one case: name the other by its file\n"
    assert (ended.status, ended.out, ended.err) == (2, "", told)


def test_what_is_asked_about_a_conclusion_that_was_not_reached_is_answered_with_no(citelog: Command) -> None:
    ended = citelog("why", PATIENT, "treat:no_basis")
    assert (ended.status, ended.out) == (1, "")
    assert "treat:no_basis was not concluded" in ended.err and "treat:immediate" in ended.err


def test_of_a_mistyped_conclusion_every_command_says_what_was_meant(citelog: Command) -> None:
    """No record reaches it: the argument cannot be used, and nobody is sent to ask why not."""
    told = "treat:nobasis is no conclusion that b12 can draw\n   = did you mean treat:no_basis?\n"
    for asked in (("why",), ("why-not",), ("missing", "--of"), ("contrast", "treat:immediate")):
        command, *first = asked
        ended = citelog(command, PATIENT, *first, "treat:nobasis")
        assert (ended.status, ended.out, ended.err) == (2, "", told), command


# what is proposed to be asked next


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A knowledge base and a record whose names no shell takes in one piece, and how they are named; on a day."""
    monkeypatch.chdir(tmp_path)
    kept = Path(shutil.copytree(ROOT / "examples" / "short-nights", tmp_path / "my nights"))
    shutil.copy(kept / "cases" / "back-from-a-journey.yaml", tmp_path / "tom's record.yaml")
    return ("--kb", "my nights", "--at", "2026-03-09", "tom's record.yaml")


_PROPOSING = {
    "why": (("assess",), (), "night:SHORT"),
    "why-not": (("why",), ("advice:BED_EARLIER",), "advice:BED_EARLIER was not concluded"),
    "why, of what was concluded": (("why-not",), ("night:SHORT",), "night:SHORT"),
    "what-if": (("why-not",), ("advice:BED_EARLIER",), "+ advice:BED_EARLIER"),
}


@pytest.mark.parametrize("proposed", _PROPOSING)
def test_a_command_that_is_proposed_can_be_copied_and_asks_of_the_same_record_by_the_same_knowledge_on_the_same_day(
    proposed: str, citelog: Command, nights: tuple[str, ...]
) -> None:
    command, conclusion, answer = _PROPOSING[proposed]
    ended = citelog(*command, *nights, *conclusion)
    [line] = [line for line in (ended.out + ended.err).splitlines() if " citelog " in line]
    copied = shlex.split("citelog" + line.partition(" citelog")[2])
    assert copied[:7] == ["citelog", proposed.partition(",")[0], *nights]
    again = citelog(*copied[1:])
    assert again.status == 0 and answer in again.out


def test_what_an_author_is_proposed_is_about_the_same_knowledge_base(
    citelog: Command, nights: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "my nights" / "cases" / "b.yaml").write_text("labs: []\nexpect: {proofs: ['night:NOT_KNOWN']}\n")
    asked = {
        ("show", "NO_BLAME"): "citelog verify --kb 'my nights' --property NO_BLAME\n",
        ("coverage", "--rule", "zzz"): "citelog show --kb 'my nights' PREDICATE names",
        ("review", "zzz"): "citelog review --kb 'my nights' lists",
        ("test", "b"): "citelog test --kb 'my nights' --accept b writes",
        ("query", "--list"): "$ citelog query --kb 'my nights' proof --case CASE",
    }
    for words, proposed in asked.items():
        ended = citelog(*words, *nights[:2])
        assert proposed in ended.out + ended.err, words
    assert citelog("check", "my nights").err.endswith("--kb: citelog check --kb 'my nights'\n")
    statements = tmp_path / "my nights" / "statements.trig"
    statements.write_text(re.sub(r"cl:line( +)7 ", r"cl:line\g<1>8 ", statements.read_text(encoding="utf-8")))
    for command in (("check",), ("assess", "tom's record.yaml")):
        ended = citelog(*command, *nights[:2])
        assert ended.status and (ended.out + ended.err).count("= citelog fmt --kb 'my nights' writes it: ") == 3


def test_where_the_default_is_asked_and_no_record_is_named_a_proposed_command_stays_as_it_is(
    citelog: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record of standard input is read once, and of several nobody can tell which is meant."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"labs: []")))
    for cases in (("-",), (PATIENT, PATIENT.with_name("other-patient.yaml"))):
        *_, last = citelog("assess", *cases).out.splitlines()
        assert last.startswith("Why? Ask of any id: citelog why CASE "), last


def test_check_says_that_the_shipped_knowledge_base_has_nothing_wrong(citelog: Command) -> None:
    ended = citelog("check")
    assert (ended.status, ended.out) == (0, "b12: nothing wrong, 17 accepted\n")


def test_check_shows_every_finding_with_its_line_and_ends_with_no(citelog: Command, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "broken"
    shutil.copytree(ROOT / "knowledge" / "b12", folder)
    rules = folder / "rules" / "60-cautions.rls"
    rules.write_text(rules.read_text().replace("neuro_suspected(?p)", "neuro_suspekted(?p)").replace("G13", "G99"))
    statements = folder / "statements.trig"
    statements.write_text(statements.read_text().replace("regardless of the exact serum level", "whatever the level"))
    ended = citelog("check", "--kb", folder)
    assert ended.status == 1
    for part in (
        "error[undefined-predicate]: there is no predicate neuro_suspekted",
        "   = did you mean neuro_suspected?",
        "error[unknown-statement]: there is no statement G99",
        "error[quote-not-found]: the quote of statement G01",
        "broken/rules/60-cautions.rls:",
    ):
        assert part in ended.out
    assert citelog("assess", PATIENT, "--kb", folder).status == 2


def test_a_changed_byte_of_the_source_stops_every_answer(citelog: Command, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "changed"
    shutil.copytree(ROOT / "knowledge" / "b12", folder)
    assert citelog("assess", PATIENT, "--kb", folder).status == 0  # and is compiled and kept
    source = next(folder.glob("source/*.txt"))
    source.write_bytes(source.read_bytes().replace(b"1 mg", b"2 mg", 1))
    ended = citelog("assess", PATIENT, "--kb", folder)
    assert (ended.status, ended.out) == (2, "")
    assert "error[source-changed]" in ended.err and "a6e28455d42b5fdd" in ended.err
    assert "error[quote-not-found]: the quote of statement G04" in ended.err
    assert "the nearest text is on line 20: 'hydroxocobalamin 2 mg" in ended.err


# what cannot be used: status 2, a message with place and remedy, nothing on standard output

UNUSABLE: dict[str, tuple[str, bytes, str]] = {
    "what is not YAML": ("a.yaml", b"labs: [1,", "not YAML"),
    "what is not JSON": ("a.json", b'{"labs": [}', "not"),
    "a list in place of a case": ("a.json", b"[]", "this is a list, not a case"),
    "an unknown top-level key": ("a.yaml", b"lab: []", 'unknown top-level key "lab"'),
    "FHIR of another release": (
        "a.json",
        b'{"resourceType": "Condition", "clinicalStatus": "active", "subject": {"reference": "Patient/1"}}',
        "this is FHIR STU3",
    ),
    "a deeply nested document": ("a.json", b"[" * 100_000, "nested deeper"),
    "deeply nested YAML": ("a.yaml", b"labs: " + b"[" * 5_000 + b"]" * 5_000, "nested deeper"),
    "what is not UTF-8": ("a.yaml", b"id: \xff\xfe", "not UTF-8"),
    "a YAML tag": ("a.yaml", b'labs: !!python/object/apply:os.system ["id"]', "YAML tag"),
    "a YAML alias": ("a.yaml", b"labs: &a [x]\nfindings: *a\n", "anchors and aliases"),
    "an empty file": ("a.yaml", b"", "this is empty, not a case"),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_it_refuses(what: str, citelog: Command, tmp_path: Path) -> None:
    name, data, message = UNUSABLE[what]
    path = tmp_path / name
    path.write_bytes(data)
    ended = citelog("assess", path)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err and str(path) in ended.err and "\n   = " in ended.err


def test_it_refuses_a_file_of_200_mb_without_reading_it(citelog: Command, tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    ended = citelog("assess", path)
    assert (ended.status, ended.out) == (2, "") and "larger than" in ended.err


def test_it_refuses_a_path_that_does_not_exist_and_a_folder(citelog: Command, tmp_path: Path) -> None:
    assert "there is no such file" in citelog("assess", tmp_path / "none.yaml").err
    ended = citelog("assess", tmp_path)
    assert (ended.status, ended.out) == (2, "") and "this is a folder" in ended.err


def test_one_unusable_file_among_several_keeps_all_back_and_every_one_is_named(
    citelog: Command, tmp_path: Path
) -> None:
    (tmp_path / "empty.yaml").write_text("")
    ended = citelog("assess", PATIENT, tmp_path / "empty.yaml", tmp_path / "none.yaml", "--format", "json")
    assert (ended.status, ended.out) == (2, "")
    assert "empty.yaml" in ended.err and "none.yaml" in ended.err


def test_ids_are_unique_within_a_call(citelog: Command) -> None:
    ended = citelog("assess", PATIENT, PATIENT)
    assert (ended.status, ended.out) == (2, "") and "example-1" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("assess",),
        ("asess", "x"),
        ("assess", str(PATIENT), "--format", "pdf"),
        ("assess", str(PATIENT), "--at", "yesterday"),
        ("assess", str(PATIENT), "--at", "2026-13-45"),
        ("assess", str(PATIENT), "--at", "2026-03"),
        ("assess", str(PATIENT), "--kb", "no-such"),
        ("why", str(PATIENT)),
    ],
)
def test_arguments_that_cannot_be_used_are_told_apart_from_a_no(arguments: tuple[str, ...], citelog: Command) -> None:
    ended = citelog(*arguments)
    assert (ended.status, ended.out) == (2, "") and "\n   = " in ended.err


NIGHTS = ROOT / "examples" / "short-nights"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("audit --format csv", "--format csv is a table of links"),
        ("audit --figure not-reviewed --format html", "--figure chooses among figures in text and JSON"),
        ("assess PATIENT {empty} --format html", "2 cases, and a page is of one patient"),
        ("certify {nowhere}", "there is no such file"),
        ("diff NIGHTS NIGHTS --patients EMPTY", "no record is in it"),
        ("export --to archive --case PATIENT", "--case: an archive is of a knowledge base"),
        ("export --to archive --at 2026-03-01", "--at: an archive is the same on any day"),
        ("population EMPTY --out OUT --memory lots", "--memory lots: this is no size"),
        ("population EMPTY --out OUT --since OUT", "--since names the folder for the answers itself"),
        ("population EMPTY --out OUT --master local", "--master is for Spark"),
        ("population EMPTY --out OUT --engine spark --since EMPTY", "--since: Spark takes nothing over"),
        ("population EMPTY --out OUT --engine spark --master local --threads 2", "the master says how many work"),
        ("query {latin}", "byte 5 is not UTF-8"),
        ("replay-of-nothing", "No such command"),
        ("serve --origin example.org/path", "this is no origin"),
        ("serve --jwt-issuer https://ehr.example.org", "there are no keys to verify tokens by"),
        ("serve --jwt-keys PATIENT --jwt-issuer https://ehr.example.org", "add --jwt-audience"),
        ("serve --jwt-keys PATIENT --jwt-audience https://cds.example.org", "add --jwt-issuer"),
        ("serve --jwt-keys PATIENT --jwt-issuer x --jwt-audience y", "this is no address"),
        ("serve --dataset PATIENT --feedback OUT", "--dataset answers from files, and hooks from a knowledge base"),
        ("test --watch no-such-case", "no case of that name: no-such-case"),
        ("why PATIENT treat:immediate --population OUT --at 2026-01-01", "the answers have a day of their own"),
        ("audit replay EMPTY", "Is a directory"),
    ],
)
def test_options_that_do_not_go_together_are_refused_in_words_with_what_to_try(
    line: str, said: str, citelog: Command, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty.yaml").write_text("labs: []\n")
    (tmp_path / "latin.rq").write_bytes("# café".encode("latin-1"))
    names = {"PATIENT": PATIENT, "NIGHTS": NIGHTS, "EMPTY": tmp_path / "empty", "OUT": tmp_path / "out"}
    files = {"{empty}": "empty.yaml", "{nowhere}": "nowhere.json", "{latin}": "latin.rq"}
    places = names | {word: tmp_path / file for word, file in files.items()}
    ended = citelog(*(places.get(word, word) for word in line.split()))
    assert (ended.status, ended.out) == (2, "")
    assert said in ended.err and "\n   = " in ended.err
    assert not (tmp_path / "out").exists()


# a terminal

_ESCAPE = re.compile(r"\x1b\]8;[^\x1b]*\x1b\\|\x1b\[[0-9;?]*[A-Za-z]")


def _on_terminal(*arguments: str | Path, **more: str) -> str:
    """What a command that ends well writes to a terminal that knows colours and links."""
    ours, its = os.openpty()
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-m", "citelog", *map(str, arguments)],
        stdin=its, stdout=its, stderr=its, start_new_session=True,
        env={**environment, "PYTHONPATH": str(ROOT / "engine"), "TERM": "xterm-256color", **more},
    )  # fmt: skip
    os.close(its)
    told = b""
    with contextlib.suppress(OSError), open(ours, "rb", buffering=0) as terminal:  # it is gone with who writes there
        while part := terminal.read(1 << 16):
            told += part
    assert process.wait() == 0
    return told.decode().replace("\r\n", "\n")


def test_a_terminal_is_shown_the_same_words_in_colour_and_with_links(citelog: Command) -> None:
    asked = ("why", NIGHTS / "cases" / "back-from-a-journey.yaml", "advice:NAP", "--kb", NIGHTS)
    shown, plain = _on_terminal(*asked), citelog(*asked).out
    assert "\x1b[1m" in shown and f"{NIGHTS.as_uri()}/rules/" in shown
    assert _ESCAPE.sub("", shown) == plain
    assert _on_terminal(*asked, NO_COLOR="1") == plain


def test_how_far_it_is_is_shown_on_a_terminal_and_is_gone_at_the_end(citelog: Command, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert citelog("audit", "log", "init", log).status == 0
    for asked, what in ((("test", "--kb", NIGHTS), "cases run"), (("audit", "log", "verify", log), "entries")):
        bar, _, left = _on_terminal(*asked).rpartition("\x1b[2K")
        assert f"{what} ━" in _ESCAPE.sub("", bar)
        assert _ESCAPE.sub("", left) == citelog(*asked).out


def test_an_editors_server_is_not_started_in_a_terminal(citelog: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, its = os.openpty()
    with open(ours), open(its) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        ended = citelog("lsp")
    assert (ended.status, ended.out) == (2, "") and "engine/EDITORS.md says how to set yours up" in ended.err


def test_a_proof_is_shown_in_every_form_and_a_picture_is_of_one_conclusion(citelog: Command, tmp_path: Path) -> None:
    begins = {
        "mermaid": "flowchart", "dot": "digraph", "svg": "<svg", "prov": "@prefix", "jsonld": "{", "json": "{",
        "text": "treat:",
    }  # fmt: skip
    for form, begin in begins.items():
        ended = citelog("why", PATIENT, "treat:immediate", "--format", form)
        assert (ended.status, ended.err) == (0, "") and begin in ended.out[:400], form
    shortest = citelog("why", PATIENT, "treat:immediate", "--shortest", "--depth", "1").out
    assert "(… marks what is deeper than --depth opens)" in shortest


def test_what_a_base_holds_is_listed_by_the_ids_it_can_be_asked_for_by(citelog: Command) -> None:
    ended = citelog("show", "--kb", NIGHTS)
    assert ended.status == 0
    for held in ("statements (", "conflicts (1)", "night-short", "advice:NAP", "! The leaflet is invented"):
        assert held in ended.out


def test_where_nothing_is_released_the_list_says_so(citelog: Command) -> None:
    ended = citelog("release", "--list", "--kb", NIGHTS)
    assert (ended.status, ended.out, ended.err) == (0, "nothing is released yet\n", "")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("Yawning in lessons counts often 1 point", 'the document does not have "often "'),
        ("Yawning lessons counts 1 point", 'the document also has " in"'),
        ("Yawning in lessons counts 2 point", 'in place of "2" the document has "1"'),
    ],
)
def test_what_a_quote_has_otherwise_than_the_document_is_told_word_by_word(
    words: str, told: str, citelog: Command
) -> None:
    ended = citelog("quote", "--kb", NIGHTS, words)
    assert ended.status == 1 and told in ended.out


def test_an_archive_to_standard_output_is_the_one_that_is_written_to_a_file(tmp_path: Path) -> None:
    command = (
        sys.executable,
        "-c",
        "from citelog.cli.app import main; main()",
        "export",
        "--to",
        "archive",
        "--kb",
        NIGHTS,
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
    shown, _ = (
        subprocess.run([*command, "--out", out], env=environment, capture_output=True, check=True)
        for out in ("-", str(tmp_path / "nights.tar"))
    )
    assert shown.stdout == (tmp_path / "nights.tar").read_bytes()


@pytest.mark.parametrize("command", ["check", "verify", "coverage", "test", "serve"])
def test_a_folder_that_no_option_names_is_taken_for_a_knowledge_base_and_the_option_is_told(
    command: str, citelog: Command, tmp_path: Path
) -> None:
    ended = citelog(command, str(tmp_path))
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.endswith(f"\n   = a knowledge base stands after --kb: citelog {command} --kb {tmp_path}\n")


def test_a_fault_of_ours_has_its_own_status_and_shows_no_traceback(
    citelog: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a wheel came off")

    monkeypatch.setattr("citelog.knowledge.cache.open_knowledge", broken)
    ended = citelog("assess", PATIENT)
    assert (ended.status, ended.out) == (3, "")
    assert "a wheel came off" in ended.err and "Traceback" not in ended.err
    assert "Traceback" in citelog("assess", PATIENT, "--debug").err


def test_nobody_reading_on_is_no_fault() -> None:
    command = f"{sys.executable} -c 'from citelog.cli.app import main; main()' assess {PATIENT} | head -1"
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "engine")},
        check=False,
    )
    assert ended.stderr == b"" and ended.returncode == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_an_answer_that_cannot_be_written_is_said() -> None:
    command = f"{sys.executable} -c 'from citelog.cli.app import main; main()' assess {PATIENT} --format json"
    for where in ("> /dev/full", ">&-"):
        ended = subprocess.run(
            ["sh", "-c", f"{command} {where}"],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "engine")},
            check=False,
        )
        assert ended.returncode == 2 and "standard output: " in ended.stderr and "Traceback" not in ended.stderr


def test_the_version_and_an_example_in_each_help(citelog: Command) -> None:
    assert citelog("--version").out.startswith("citelog ")
    for command in app.commands:
        ended = citelog(command, "--help")
        assert ended.status == 0 and f"  Example: citelog {command}" in ended.out


def test_the_help_lists_every_command_once_by_who_asks_with_the_whole_of_what_it_does(citelog: Command) -> None:
    assert sorted(name for names in SECTIONS.values() for name in names) == sorted(app.commands)
    out = citelog("--help").out
    assert "...\n" not in out.partition("\n")[2] and out.index("About one patient") < out.index("Writing a guideline")
    assert "Example: citelog assess examples/patient.yaml\n" in out
    for group in (("audit",), ("audit", "log")):
        assert "...\n" not in citelog(*group, "--help").out.partition("\n")[2]


def test_what_to_ask_next_stands_on_one_line_however_narrow_the_terminal_is(
    citelog: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two halves of a command, copied, are two commands."""
    monkeypatch.setenv("COLUMNS", "40")
    *_, last = citelog("assess", PATIENT).out.splitlines()
    assert last.startswith(f"Why? Ask of any id: citelog why {PATIENT} ")


def test_what_the_document_says_of_itself_is_as_narrow_as_the_terminal(
    citelog: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    told = citelog("why", PATIENT, "treat:immediate").out.rpartition("! ")[2]
    assert " ".join(told.split()) == "The source document is pending human review: exercise caution. [M03]"
    assert all(len(line) <= 50 for line in f"! {told}".splitlines())


def test_an_example_in_a_help_can_be_copied_in_one_piece(citelog: Command) -> None:
    assert " --param conclusion=treat:immediate\n" in citelog("query", "--help").out
    assert " advice:NAP advice:BED_EARLIER\n" in citelog("contrast", "--help").out


def test_entries_that_nothing_here_is_called_are_told_before_the_conclusions_misspelt_ones_first(
    citelog: Command, tmp_path: Path
) -> None:
    """They change nothing, and whoever reads only the top of an answer must not think that they did."""
    names = ["zinc", "iron", "iron", "neurological involvment"]
    case = tmp_path / "case.yaml"

    def above(names: list[str]) -> str:
        case.write_text(json.dumps({"findings": [{"name": name, "state": "absent"} for name in names]}))
        return citelog("assess", case).out.partition("\n\n")[0].replace("\n ", "")

    assert above(names).endswith(
        "\n! 4 entries are not used: nothing here is called “neurological involvment”, “iron” or “zinc”."
    )
    assert above([f"thing {i}" for i in range(9)]).endswith("“thing 3”, “thing 4” or by 4 other names.")
    assert above([f"thing {i}" for i in range(6)]).endswith("“thing 3”, “thing 4” or by 1 other name.")
    assert above(["", "zinc"]).endswith("nothing here is called “zinc”. 1 entry is not used for want of a name.")
    assert above(["neurological involvement"]).endswith("all of them are drafts.")


def test_a_state_that_is_none_is_told_before_the_conclusions_for_it_counts_as_unknown(
    citelog: Command, tmp_path: Path
) -> None:
    """Who types "yes" must not read further down that the record leaves it unknown, and not know why."""
    case = tmp_path / "case.yaml"
    case.write_text(
        "findings:\n"
        "  - {name: symptoms attributed to vitamin B12 deficiency, state: yes}\n"
        "  - {name: neurological involvement, state: No}\n"
        "  - {name: fatigue, state: true}\n"
        "  - {name: malabsorption, state: resolved}\n"
        "  - {name: pernicious anaemia}\n"
    )
    above = citelog("assess", case).out.partition("\n\n")[0]
    assert above.endswith("\n! 3 entries count as unknown: no state is called “true”, “no” or “yes”.")


def test_the_cache_is_not_believed_where_it_is_damaged_or_another_could_have_written_it(
    citelog: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    answer = citelog("assess", PATIENT).out
    files = list((tmp_path / "citelog").glob("*.pickle"))
    [kept] = [file for file in files if b"less than 100-300" in file.read_bytes()]
    whole = kept.read_bytes()
    for rules in files:  # as they were read
        if rules != kept:
            rules.write_bytes(rules.read_bytes().replace(b"cl", b"lc"))
    for damaged in (whole.replace(b"less than 100-300", b"less than 700-900"), whole[:-1], whole[:40], b""):
        kept.write_bytes(damaged)
        kept.chmod(0o600)
        assert citelog("assess", PATIENT).out == answer
    kept.write_bytes(whole)
    kept.chmod(0o666)
    assert citelog("assess", PATIENT).out == answer


def test_a_copy_under_another_name_speaks_of_its_own_files(tmp_path: Path) -> None:
    """The same content, and so nearly the same key: what is kept of the one is not told of the other."""
    places = []
    for name in ("one", "two"):
        copy = shutil.copytree(ROOT / "examples" / "short-nights", tmp_path / name)
        case = copy / "cases" / "nothing-recorded.yaml"
        places.append(authoring.citelog("why", case, "night:NOT_KNOWN", "--kb", copy).out)
    assert "one/rules/" in places[0] and "two/rules/" in places[1] and "one/rules/" not in places[1]


def test_a_folder_may_have_a_name_that_is_no_text_where_the_command_runs(tmp_path: Path) -> None:
    """A name in letters of another locale is bytes like any other: it is read by them, and printed as it is."""
    name = "n\u00e4chte".encode()
    folder = shutil.copytree(ROOT / "examples" / "short-nights", tmp_path / os.fsdecode(name))
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine"), "LC_ALL": "C", "PYTHONUTF8": "0"}
    command = f"{sys.executable} -c 'from citelog.cli.app import main; main()'"
    case = "n*/cases/nothing-recorded.yaml"
    for asked, said in (
        (f"check --kb {folder.name}", name),
        (f"why {case} night:NOT_KNOWN --kb n*", name + b"/rules/"),
    ):
        ended = subprocess.run(
            ["sh", "-c", f"{command} {asked}"], capture_output=True, env=environment, cwd=tmp_path, check=False
        )
        assert ended.returncode == 0 and ended.stderr == b"" and said in ended.stdout


def test_a_user_without_a_home_is_answered(citelog: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("citelog.knowledge.kept.Path.home", nowhere)
    ended = citelog("assess", PATIENT)
    assert (ended.status, ended.err) == (0, "")


def test_a_cache_folder_that_cannot_be_made_costs_only_time(citelog: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null/none")
    ended = citelog("assess", PATIENT)
    assert (ended.status, ended.err) == (0, "")


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_a_message_that_nobody_can_read_does_not_become_an_answer(closed: str) -> None:
    ended = subprocess.run(
        ["sh", "-c", f"{sys.executable} -c 'from citelog.cli.app import main; main()' assess no-such.yaml {closed}"],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "engine")},
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, b"")


def test_standard_input_that_is_closed_cannot_be_used() -> None:
    ended = subprocess.run(
        ["sh", "-c", f"{sys.executable} -c 'from citelog.cli.app import main; main()' assess - <&-"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "engine")},
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "") and "standard input" in ended.stderr


def test_kind_and_value_mean_every_numbered_conclusion_that_shares_them(citelog: Command, tmp_path: Path) -> None:
    path = tmp_path / "two.yaml"
    results = "".join(f"  - {{analyte: serum vitamin B12, value: {v}, unit: pmol/L}}\n" for v in ("<200", "<220"))
    path.write_text(f"labs:\n{results}")
    ended = citelog("why", path, "data-issue:DI-CENSORED")
    assert ended.status == 0
    assert "data-issue:DI-CENSORED#1" in ended.out and "data-issue:DI-CENSORED#2" in ended.out


def test_a_long_record_is_answered(citelog: Command, tmp_path: Path) -> None:
    """A diary of 800 entries, and 400 dated results: what is later is found by one maximum, not by all pairs."""
    path = tmp_path / "diary.yaml"
    days = [f"20{y:02}-{m:02}-{d:02}" for y in range(10, 20) for m in range(1, 9) for d in range(1, 11)]
    findings = "".join(f"  - {{name: fatigue, state: present, when: {day}}}\n" for day in days)
    labs = "".join(
        f"  - {{analyte: serum vitamin B12, value: {i}, unit: pmol/L, when: {day}}}\n"
        for i, day in enumerate(days[:400])
    )
    path.write_text(f"findings:\n{findings}labs:\n{labs}")
    ended = citelog("assess", path, "--format", "json")
    assert ended.status == 0 and '"status:above_all_cutoffs"' in ended.out
