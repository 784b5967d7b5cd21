"""`citelog query` as a user meets it: what it prints in each form, what it refuses, and with which status it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyoxigraph
import pytest
import rdflib

from citelog.cli.apart import MEMORY, apart, sealed
from citelog.diagnostics import CitelogError
from citelog.graph.library import AUDIENCES, library
from citelog.render.table import table

ROOT = Path(__file__).parent.parent
PATIENT, OTHER = (str(ROOT / "examples" / f"{name}.yaml") for name in ("patient", "other-patient"))


FORKS = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
"""For tests that leave this process, which pytest-xdist gives threads, by way of `apart`."""


@dataclass(frozen=True)
class Ended:
    """A command that has run."""

    status: int
    out: str
    err: str


def query(*arguments: str, text: str | None = None) -> Ended:
    """Runs `citelog query`."""
    command = [sys.executable, "-c", "from citelog.cli.app import main; main()", "query", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
    ended = subprocess.run(command, env=environment, input=text, capture_output=True, text=True, check=False)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], str]:
    """Writes a query to a file, and gives its path."""

    def write(text: str) -> str:
        path = tmp_path / "mine.rq"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


# forms


def test_rows_are_a_table_under_the_question() -> None:
    ended = query("unused-facts", "--case", str(ROOT / "knowledge/b12/cases/metformin-is-no-recorded-cause.yaml"))
    assert (ended.status, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "Which entries of a record does no conclusion rest on, and what was noted about them?"
    assert lines[2].split() == ["case", "readFrom", "entry", "note"] and set(lines[3]) == {"─", " "}
    assert lines[-1] == "1 row" and max(map(len, lines)) <= 100


def test_one_answer_in_each_form_for_rows_is_the_same_answer() -> None:
    forms = {form: query("conflicts", "--format", form).out for form in ("csv", "tsv", "json", "xml")}
    rows = list(csv.DictReader(io.StringIO(forms["csv"])))
    assert len(rows) == 19 and rows[0]["sideA"] == "G01 G10"
    told = json.loads(forms["json"])["results"]["bindings"]
    assert [{k: v["value"] for k, v in row.items()} for row in told] == rows
    for form, format_ in (("tsv", pyoxigraph.QueryResultsFormat.TSV), ("xml", pyoxigraph.QueryResultsFormat.XML)):
        parsed = pyoxigraph.parse_query_results(forms[form], format_)
        assert isinstance(parsed, pyoxigraph.QuerySolutions)
        assert [[term.value for term in row] for row in parsed] == [list(row.values()) for row in rows]


def test_a_graph_is_turtle_n_triples_or_json_ld_and_the_same_graph() -> None:
    asked = ("proof-graph", "--case", PATIENT, "--param", "conclusion=neuro:absent")
    turtle = query(*asked)
    assert turtle.status == 0 and turtle.out.startswith("@prefix")
    graphs = [
        set(rdflib.Graph().parse(data=query(*asked, "--format", form).out, format=parser))
        for form, parser in (("turtle", "turtle"), ("ntriples", "nt"), ("jsonld", "json-ld"))
    ]
    assert graphs[0] == graphs[1] == graphs[2] and len(graphs[0]) > 50
    assert query(*asked, "--format", "turtle").out == turtle.out


def test_describe_is_a_graph_too(written: Callable[[str], str]) -> None:
    ended = query(written("PREFIX b12: <https://w3id.org/citelog/b12#> DESCRIBE b12:G06"))
    assert ended.status == 0
    assert 'cl:kind "regimen step (loading, no neuro)"' in ended.out


def test_a_yes_ends_with_0_and_a_no_with_1(written: Callable[[str], str]) -> None:
    yes, no = query("all-cited", "--case", PATIENT), query(written("ASK { ?s <urn:none> ?o }"))
    assert (yes.status, yes.out.splitlines()[-1]) == (0, "yes")
    assert (no.status, no.out, no.err) == (1, "no\n", "")
    machine = query(written("ASK { ?s <urn:none> ?o }"), "--format", "json")
    assert machine.status == 1 and json.loads(machine.out)["boolean"] is False


def test_a_form_that_the_answer_cannot_have_is_refused(written: Callable[[str], str]) -> None:
    for text, form, told in (
        ("SELECT ?s { ?s ?p ?o } LIMIT 1", "turtle", "the answer has rows"),
        ("CONSTRUCT WHERE { ?s ?p ?o }", "csv", "the answer is a graph"),
        ("ASK {}", "csv", "the answer is yes or no"),
    ):
        ended = query(written(text), "--format", form)
        assert (ended.status, ended.out) == (2, "") and told in ended.err and "it can be written as" in ended.err


def test_an_answer_without_rows_says_so(written: Callable[[str], str]) -> None:
    assert query(written("SELECT ?s { ?s <urn:none> ?o }")).out == "no rows\n"


# cases


def test_several_cases_are_asked_about_together() -> None:
    ended = query("conclusions", "--case", PATIENT, "--case", OTHER, "--format", "csv")
    assert {row["case"] for row in csv.DictReader(io.StringIO(ended.out))} == {"example-1", "example-2"}


def test_a_case_is_read_from_standard_input() -> None:
    ended = query("conclusions", "--case", "-", "--format", "csv", text="labs: []")
    assert {row["case"] for row in csv.DictReader(io.StringIO(ended.out))} == {"stdin"}


def test_every_unusable_case_is_named_and_nothing_is_answered(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("lab: []")
    ended = query(
        "conclusions", "--case", str(tmp_path / "a.yaml"), "--case", str(tmp_path / "none.yaml"), "--case", PATIENT
    )
    assert (ended.status, ended.out) == (2, "")
    assert 'unknown top-level key "lab"' in ended.err and "none.yaml" in ended.err


def test_a_question_about_patients_wants_a_case() -> None:
    ended = query("unfired-rules")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err == "unfired-rules: it asks about patients, and no case is named\n   = add --case patient.yaml\n"


def test_the_day_of_the_assessment_is_given_to_the_rules(written: Callable[[str], str]) -> None:
    text = "PREFIX cl: <https://w3id.org/citelog#> SELECT ?day { ?assessment cl:onDay ?day }"
    ended = query(written(text), "--case", PATIENT, "--at", "2026-03-15", "--format", "csv")
    assert ended.out.splitlines() == ["day", "2026-03-15"]


# parameters

TYPED = "# @param x: {} — what is looked for\nPREFIX param: <urn:citelog:parameter:>\nSELECT ?x {{ param:x ?value ?x }}"

GOOD = {
    ("string", '"} UNION { ?s ?p ?x } #\\'): '"} UNION { ?s ?p ?x } #\\',
    ("integer", "-7"): "-7",
    ("decimal", "0.15"): "0.15",
    ("boolean", "true"): "true",
    ("date", "2026-02-28"): "2026-02-28",
    ("iri", "urn:x:y"): "urn:x:y",
    ("iri", "b12:G06"): "https://w3id.org/citelog/b12#G06",
    ("statement", "G06"): "https://w3id.org/citelog/b12#G06",
    ("conflict", "CP06"): "https://w3id.org/citelog/b12#CP06",
    ("rule", "class-below"): "https://w3id.org/citelog/b12#rule/class-below",
    ("term", "loinc:2132-9"): "https://w3id.org/citelog/b12#serum_b12",
    ("term", "NICE CKS"): "https://w3id.org/citelog/b12#NICE-CKS",
    ("term", "BOMSS"): "https://w3id.org/citelog/b12#BOMSS",
}


@pytest.mark.parametrize(("type_", "value"), GOOD)
def test_a_value_is_bound_as_a_term_of_its_type(type_: str, value: str, written: Callable[[str], str]) -> None:
    ended = query(written(TYPED.format(type_)), "--param", f"x={value}", "--format", "json")
    assert ended.status == 0, ended.err
    [row] = json.loads(ended.out)["results"]["bindings"]
    assert row["x"]["value"] == GOOD[type_, value]
    assert row["x"]["type"] == ("uri" if GOOD[type_, value].startswith(("urn:", "https:")) else "literal")
    datatype = {"string": None, "integer": "integer", "decimal": "decimal", "boolean": "boolean", "date": "date"}.get(
        type_
    )
    assert row["x"].get("datatype", "").rpartition("#")[2] == (datatype or "")


BAD = {
    ("integer", "7.0"): "'7.0' is not an integer\n   = give a whole number",
    ("integer", "٧"): "'٧' is not an integer",
    ("decimal", "1e3"): "'1e3' is not a decimal\n   = give a number, exact",
    ("boolean", "yes"): "'yes' is not a boolean\n   = give true or false",
    ("date", "2026-02-30"): "'2026-02-30' is not a date\n   = give a day, as 2026-03-15",
    ("iri", "G06"): "'G06' is not an iri",
    ("iri", "urn:x> ?p"): "is not an iri",
    ("statement", "g06"): "there is no statement g06\n   = did you mean G06?",
    ("conflict", "CP99"): "there is no conflict CP99\n   = did you mean CP",
    ("rule", "class-belwo"): "there is no rule class-belwo\n   = did you mean class-below?",
    ("term", "serum vitamin B13"): "there is no term serum vitamin B13\n   = did you mean serum vitamin B12?",
    ("conclusion", "treat:immediate"): "a conclusion is of a case\n   = name one: --case patient.yaml",
}


@pytest.mark.parametrize(("type_", "value"), BAD)
def test_a_value_that_is_not_of_its_type_is_refused(type_: str, value: str, written: Callable[[str], str]) -> None:
    ended = query(written(TYPED.format(type_)), "--param", f"x={value}")
    assert (ended.status, ended.out) == (2, "")
    assert ended.err.startswith(f"x={value}: ") and BAD[type_, value] in ended.err


UNUSABLE = {
    ("doses", "--param", "x=1"): "doses has no parameter x\n   = it has none",
    ("marker", "--param", "makrer=4"): "marker has no parameter makrer\n   = did you mean marker?",
    ("marker",): "marker needs the parameter marker: the number, as the document prints it\n   = add --param marker=",
    ("marker", "--param", "marker"): "--param marker: it has no name, or no value",
    ("marker", "--param", "marker=1", "--param", "marker=2"): "marker is given twice",
    ("dosse",): "dosse: no query of the library has this name\n   = did you mean doses?",
    ("none.rq",): "none.rq: No such file or directory",
    (): "query: no query is named",
    ("doses", "--time-limit", "0"): "--time-limit",
    ("proof", "--case", PATIENT, "--param", "conclusion=treat:imediate"): "did you mean treat:immediate?",
    ("doses", "--kb", "b13"): "there is no knowledge base b13",
}


@pytest.mark.parametrize("arguments", UNUSABLE)
def test_what_cannot_be_used_is_told_with_what_to_try(arguments: tuple[str, ...]) -> None:
    ended = query(*arguments)
    assert (ended.status, ended.out) == (2, "") and UNUSABLE[arguments] in ended.err


def test_a_file_declares_its_parameters_so(written: Callable[[str], str]) -> None:
    ended = query(written("ASK {}"), "--param", "x=1")
    assert ended.status == 2 and "a file declares one so: # @param x: string — what it means" in ended.err


# what is refused, and what is stopped


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "SELECT * {\n  SERVICE <http://127.0.0.1/> { ?s ?p ?o }\n}",
            "line 2: SERVICE would ask another server",
        ),
        (
            "PREFIX x: <http://127.0.0.1/> SELECT * { SERVICE:x { ?s ?p ?o } }",
            "line 1: SERVICE would ask another server",
        ),
        ("SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }", "is no graph of the dataset"),
        ("LOAD <file:///etc/passwd>", "LOAD is an update, and queries only read"),
        ("DROP ALL", "DROP is an update"),
        ("SELECT ?s {\n  ?s ?p", "line 2, column 8: this is no SPARQL query"),
        ("SELECT * { BIND(<urn:f>() AS ?x) }", "<urn:f> is not supported"),
        (
            "SELECT ?s\n{ ?s a ",
            "line 2, column 7: this is no SPARQL query: a variable, a name, a text or a number may stand here\n"
            "   2 | { ?s a \n             ^\n",
        ),
        (
            "ASK { ?s a cl:Rule }",
            "line 1: the prefix cl: is not declared\n   = write PREFIX cl: <https://w3id.org/citelog#>",
        ),
        ("", "this is no SPARQL query"),
        ("PREFIX x: <urn:x>\nSELCT ?s { ?s ?p ?o }", "line 2: no query begins with SELCT\n   = did you mean SELECT?"),
        ("PREFX x: <urn:x>\nASK {}", "line 1: no query begins with PREFX\n   = did you mean PREFIX?"),
        ("show me all", "line 1: no query begins with show\n   = a query begins with SELECT, ASK, CONSTRUCT or"),
    ],
)
def test_a_query_that_cannot_be_asked_is_told_by_file_and_line(
    text: str, told: str, written: Callable[[str], str]
) -> None:
    ended = query(written(text))
    assert (ended.status, ended.out) == (2, "") and told in ended.err and "mine.rq: " in ended.err


def test_a_name_that_nothing_has_is_told_beside_the_answer_with_the_nearest(written: Callable[[str], str]) -> None:
    cl = "PREFIX cl: <https://w3id.org/citelog#> PREFIX skos: <http://www.w3.org/2004/02/skos/core#>\n"
    ended = query(written(f"{cl}CONSTRUCT {{ ?s cl:mine ?x }} {{ ?s cl:cite ?x ; skos:prefLable ?y ; cl:quote ?z }}"))
    assert (ended.status, ended.out) == (0, "")
    cite, label = (line for line in ended.err.splitlines() if "mine.rq" in line)
    assert cite.endswith("mine.rq: line 2: cl:cite is neither in the ontology nor in the data")
    assert label.endswith("mine.rq: line 2: skos:prefLable is neither in the ontology nor in the data")
    assert "   = did you mean cl:cites?\n" in ended.err and "   = did you mean skos:prefLabel?\n" in ended.err


def test_a_variable_that_nothing_gives_a_value_is_told_beside_the_answer(written: Callable[[str], str]) -> None:
    """Its column would be empty, or its condition never hold, and either look like an answer."""
    cl = "PREFIX cl: <https://w3id.org/citelog#>\n"
    ended = query(written(f"{cl}SELECT ?s ?quotes {{\n ?s cl:quote ?quote FILTER(strlen(?qoute) > 3) }} LIMIT 1"))
    assert ended.status == 0
    assert "mine.rq: line 2: nothing gives ?quotes a value\n   = did you mean ?quote?" in ended.err
    assert "mine.rq: line 3: nothing gives ?qoute a value\n   = did you mean ?quote?" in ended.err
    ended = query(written(f"{cl}SELECT (COUNT(?s) AS ?n) {{ ?s cl:quote ?q FILTER(strlen(?q) > 3) }} HAVING (?n > 1)"))
    assert (ended.status, ended.err) == (0, "")


def test_a_query_that_would_take_for_ever_is_stopped(written: Callable[[str], str]) -> None:
    text = "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"
    began = time.monotonic()
    ended = query(written(text), "--time-limit", "0.5")
    assert (ended.status, ended.out) == (2, "")
    assert "no answer after 0.5 s of computing, and it was stopped" in ended.err
    assert time.monotonic() - began < 20


@pytest.mark.long
def test_a_query_that_would_fill_the_memory_is_stopped(written: Callable[[str], str]) -> None:
    text = "SELECT * { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i } ORDER BY ?a ?d ?g"
    ended = query(written(text), "--time-limit", "20")
    assert (ended.status, ended.out) == (2, "") and "it was" in ended.err


@FORKS
def test_a_sealed_process_opens_no_file_and_no_connection_and_has_so_much_memory() -> None:
    def work() -> int:
        with sealed(5):
            for attempt in (lambda: Path("/etc/hostname").read_bytes(), socket.socket):
                try:
                    attempt()
                except OSError:
                    continue
                return 1
            with suppress(MemoryError):
                bytearray(MEMORY)
                return 2
        Path("/etc/hostname").read_bytes()  # and afterwards it may again
        return 0

    assert apart(work, 5, "a test") == 0


@FORKS
def test_sparql_cannot_reach_out_of_a_sealed_process() -> None:
    """Should the check of the text ever miss a SERVICE, the engine asks nobody: the kernel gives it no socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        text = f"SELECT * {{ SERVICE SILENT <http://127.0.0.1:{server.getsockname()[1]}/> {{ ?s ?p ?o }} }}"

        def work() -> int:
            store = pyoxigraph.Store()
            with sealed(5):
                return len(list(store.query(text)))  # type: ignore[arg-type]

        assert apart(work, 5, "a test") == 1  # SILENT: one empty solution
        with pytest.raises(TimeoutError):
            server.accept()


def test_what_signals_whoever_started_it_has_ignored_or_blocked_changes_nothing(written: Callable[[str], str]) -> None:
    """With SIGPROF ignored a query took for ever; with SIGCHLD no query ended well, and git found what is not there."""

    def unheard() -> None:
        signal.signal(signal.SIGPROF, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPROF, signal.SIGCHLD})

    def run(*arguments: str) -> Ended:
        command = [sys.executable, "-m", "citelog", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine")}
        ended = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, preexec_fn=unheard, timeout=60
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    ended = run("query", written("SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i }"), "--time-limit", "0.5")
    assert (ended.status, ended.out) == (2, "") and "no answer after 0.5 s of computing" in ended.err
    assert run("query", written("ASK {}")) == Ended(0, "yes\n", "")
    ended = run("diff", "no-such-revision")
    assert ended.status == 2 and "no-such-revision: neither a folder nor a revision" in ended.err


@FORKS
def test_work_that_takes_too_long_or_dies_is_an_error_and_limits_are_its_own() -> None:
    def endless() -> int:
        with sealed(0.1):
            while True:
                pass

    def dies() -> int:
        os.kill(os.getpid(), 9)
        return 0

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pytest.raises(CitelogError, match=r"this work: no answer after 0\.1 s"):
        apart(endless, 0.1, "this work")
    with pytest.raises(CitelogError, match=r"ended by the system \(SIGKILL\)"):
        apart(dies, 1, "this work")
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


# the catalogue, and tables


def test_the_catalogue_shows_every_query_under_its_audience() -> None:
    ended = query("--list")
    assert ended.status == 0
    parts = ended.out.split("For the ")[1:]
    assert [part.split(",")[0] for part in parts] == list(AUDIENCES)
    for one in library():
        part = next(part for part in parts if part.startswith(one.audience))
        assert f"\n  {one.name}\n" in part and one.examples[0].command in part
        assert one.question in " ".join(part.split())
        assert all(f"--param {parameter.name}=…" in part for parameter in one.parameters)


def test_of_another_knowledge_base_the_catalogue_has_no_value_of_the_default_one() -> None:
    ended = query("--list", "--kb", "examples/short-nights")
    assert "$ citelog query --kb examples/short-nights statement-uses --param statement=…\n" in ended.out
    assert "$ citelog query --kb examples/short-nights proof --case CASE --param conclusion=…\n" in ended.out
    assert ".yaml" not in ended.out and "G10" not in ended.out


def lines(names: list[str], rows: list[list[str]], width: int) -> list[str]:
    return [line.text for line in table(names, rows, width)]


def test_a_table_is_as_wide_as_it_needs_to_be_and_no_wider_than_the_page() -> None:
    rows = [["a", "a long text of many words that goes on and on and on"], ["b", ""]]
    assert lines(["id", "text"], [["a", "b"]], 80) == ["id  text", "──  ────", "a   b"]
    for width in (40, 60, 100):
        assert max(map(len, lines(["id", "text"], rows, width))) <= width


def test_where_columns_do_not_fit_each_row_stands_by_itself_and_says_nothing_twice() -> None:
    long = "a text that is too long to be read in a narrow column"
    rows = [["x", f"{long} {n}", f"other {long} {n}"] for n in (1, 2)]
    assert lines(["id", "one", "two"], rows, 44) == [
        "id   x",
        "one  a text that is too long to be read in a",
        "     narrow column 1",
        "two  other a text that is too long to be",
        "     read in a narrow column 1",
        "",
        "one  a text that is too long to be read in a",
        "     narrow column 2",
        "two  other a text that is too long to be",
        "     read in a narrow column 2",
    ]
