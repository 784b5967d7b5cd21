"""The playground's door: drafts come in as JSON and go out tried; hostile ones hurt nobody, and nothing is written.

The knowledge base is a copy of the tutorial's leaflet. A draft has two seconds here.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import literate
from authoring import citelog
from citelog.cli.app import main
from citelog.serve.http.limits import Limits
from endpoint import Server, serving

PAGE = (Path(__file__).parent.parent / "docs" / "PLAYGROUND.md").read_text(encoding="utf-8")

LEAFLET = Path(__file__).parent.parent / "examples" / "short-nights"
SECONDS = 2.0
SLACK = 4.0  # for a busy machine
NIGHT, CASE = "rules/10-night.rls", "cases/long-enough-at-eleven.yaml"


@dataclass(frozen=True, slots=True)
class Bench:
    """A server, the folder that it serves, and the state that a page would have started from."""

    server: Server
    folder: Path
    version: str
    files: dict[str, str]

    def send(self, path: str, body: object, **headers: str) -> httpx.Response:
        """A request as a page sends it."""
        return self.server.client.post(f"/playground/{path}", json=body, headers=headers)

    def one(self, drafts: dict[str, str], case: str = CASE, text: str | None = None) -> httpx.Response:
        """One case with drafts; its text as it is saved, unless another is given."""
        told = {"name": case, "text": self.files[case] if text is None else text}
        return self.send("one", {"version": self.version, "drafts": drafts, "case": told})

    def all(self, drafts: dict[str, str]) -> httpx.Response:
        """All cases with drafts."""
        return self.send("all", {"version": self.version, "drafts": drafts})

    def edited(self, name: str, old: str, new: str) -> dict[str, str]:
        """A draft of one file, in which some words are others."""
        assert old in self.files[name]
        return {name: self.files[name].replace(old, new)}


def started(server: Server, folder: Path) -> Bench:
    state = server.client.get("/playground/files").json()
    return Bench(server, folder, state["version"], state["files"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(shutil.copytree(LEAFLET, tmp_path_factory.mktemp("kb") / "short-nights"))


@pytest.fixture(scope="module")
def bench(folder: Path) -> Iterator[Bench]:
    with serving("--kb", str(folder), draft_seconds=SECONDS, body_seconds=1, draft_request=200_000) as server:
        yield started(server, folder)


@pytest.fixture
def editing(tmp_path: Path) -> Iterator[Bench]:
    """A server that saves, and a folder of its own."""
    folder = Path(shutil.copytree(LEAFLET, tmp_path / "short-nights"))
    with serving("--kb", str(folder), "--edit") as server:
        yield started(server, folder)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, byte for byte."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_without_drafts_a_case_says_what_the_command_says(bench: Bench) -> None:
    told = bench.one({}).json()
    assert told["diagnostics"] == []
    assert told["summary"].endswith("nothing differs from the saved version")
    assert "The night was long enough: it is not short at this age." in told["html"]
    assert bench.all({}).json()["summary"] == "8 cases: none differs, and every expectation is met"


def test_the_document_may_be_called_as_its_author_calls_it_and_end_its_lines_so(tmp_path: Path) -> None:
    """A knowledge base of a Markdown document with the line ends of Windows, and its PDF beside."""
    document = tmp_path / "nap.md"
    document.write_bytes(b"# Naps\r\n\r\n## What helps\r\n\r\nA nap helps.\r\n")
    assert citelog("new", tmp_path / "naps", "--document", document).status == 0
    (tmp_path / "naps" / "source" / "nap.pdf").write_bytes(b"%PDF-1.7\n\xff\xfe")
    with serving("--kb", str(tmp_path / "naps")) as server:
        told = started(server, tmp_path / "naps").all({}).json()
    assert told["summary"] == "1 case: none differs, and every expectation is met", told


def test_a_comparison_that_is_shifted_shows_in_this_case_and_in_all(bench: Bench) -> None:
    drafts = bench.edited(NIGHT, "?minutes < ?hours", "?minutes <= ?hours")
    told = bench.one(drafts).json()
    assert told["summary"] == "1 conclusion, 2 expectations not met; 1 gained, 1 lost"
    assert "night:SHORT is concluded, and must not be" in told["html"]
    assert "Where its proof breaks" in told["html"]
    every = bench.all(drafts).json()
    assert every["summary"] == "Of 8 cases, 1 differs, 1 fails"
    assert "long-enough-at-eleven" in every["html"]


def test_a_change_of_words_alone_is_a_change_and_no_failure(bench: Bench) -> None:
    drafts = bench.edited(NIGHT, "The night was long enough: it", "It was long enough: the night")
    told = bench.one(drafts).json()
    assert told["summary"] == "1 conclusion; 1 changed"
    assert "<del>The night was long enough: it is not short at this age.</del>" in told["html"]
    assert bench.all(drafts).json()["summary"] == "Of 8 cases, 2 differ, none fails"


def test_an_edited_case_is_compared_with_the_saved_one(bench: Bench) -> None:
    text = bench.files[CASE].replace("value: 9.0", "value: 8.9")
    assert bench.one({CASE: text}, text=text).json()["summary"].endswith("1 gained, 1 lost")
    assert bench.all({CASE: text}).json()["summary"] == "Of 8 cases, 1 differs, 1 fails"


def test_a_case_that_is_no_file_is_compared_with_what_the_saved_rules_say_of_it(bench: Bench) -> None:
    own = "cases/own.yaml", "findings: [{name: cola in the afternoon, state: present}]"
    assert bench.one({}, *own).json()["summary"] == "4 conclusions; nothing differs from the saved version"
    drafts = bench.edited("rules/30-advice.rls", "ex:cola, cl:present", "ex:cola, cl:absent")
    assert bench.one(drafts, *own).json()["summary"] == "3 conclusions; 1 lost"


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "code"),
    [
        (NIGHT, "?value * ?factor .", "?value * ?factor", 12, "syntax"),
        (NIGHT, "@cites S05", "@cites S99", 13, "unknown-statement"),
        ("predicates.ttl", 'cl:signature "', "cl:signature ", None, "rdf-syntax"),
    ],
)
def test_errors_are_told_at_their_lines(
    bench: Bench, name: str, old: str, new: str, line: int | None, code: str
) -> None:
    told = bench.one({name: bench.files[name].replace(old, new, 1)}).json()
    [first, *_] = told["diagnostics"]
    assert (first["file"], first["code"]) == (name, code)
    assert first["line"] == (line or bench.files[name][: bench.files[name].index(old)].count("\n") + 1)
    assert not told["derived"] and not told["html"]
    assert bench.all({name: bench.files[name].replace(old, new, 1)}).json() == {"summary": "", "html": ""}


def test_a_case_that_cannot_be_read_is_told_at_its_line(bench: Bench) -> None:
    trouble = bench.one({}, text="labs:\n  - {analyte: night, value: >8}\n").json()["trouble"]
    assert (trouble["line"], trouble["remedy"]) == (
        2,
        'put quotes around a value that begins with a sign, as in value: ">100"',
    )


def test_values_of_a_record_and_words_of_a_rule_are_escaped(bench: Bench) -> None:
    drafts = bench.edited(NIGHT, "Whether the night was short", "<script>alert()</script>")
    text = bench.files[CASE].replace("night, value", "'<img src=x onerror=alert(1)>', value")
    html = bench.one(drafts, "cases/nothing-recorded.yaml").json()["html"] + bench.one({}, text=text).json()["html"]
    assert "<script" not in html and "<img" not in html
    assert "&lt;script&gt;" in html


def test_drafts_come_back_as_a_patch_that_patch_would_take(bench: Bench) -> None:
    drafts = bench.edited(NIGHT, "?minutes < ?hours", "?minutes <= ?hours")
    patch = bench.send("patch", {"version": bench.version, "drafts": drafts}).json()["patch"]
    assert patch.startswith(f"--- a/{NIGHT}\n+++ b/{NIGHT}\n@@")
    assert [line for line in patch.splitlines() if line.startswith("+ ")] == [
        "+    ex:hours(?limit, ?hours), cl:factor(ex:hour, ?factor), ?minutes <= ?hours * ?factor ."
    ] * 2


RECORD = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {
            "resource": {
                "resourceType": "Observation",
                "status": "final",
                "meta": {"lastUpdated": "2026-03-01T08:00:00Z", "tag": [{"code": "x"}]},
                "text": {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>a night</div>"},
                "identifier": [{"system": "urn:x", "value": "1", "period": {"start": "2026-01-01"}}],
                "code": {"text": "night"},
                "subject": {"reference": "Patient/1"},
                "effectiveDateTime": "2026-03-08",
                "valueQuantity": {"value": 6.5, "unit": "hours"},
                "referenceRange": [{"low": {"value": 9, "unit": "hours"}, "age": {"high": {"value": 12, "unit": "a"}}}],
                "note": [{"text": "slept badly"}],
                "extension": [{"url": "urn:x", "valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 2}}}],
            }
        }
    ],
}


def test_a_case_may_be_fhir(bench: Bench) -> None:
    """Its models are imported late; where a draft is tried, nothing can be imported any more."""
    told = bench.one({}, "cases/own.json", json.dumps(RECORD)).json()
    assert "How old is the pupil?" in told["html"] and "6.5" in told["html"]


def test_what_cannot_be_loaded_any_more_is_told(bench: Bench) -> None:
    result = {"resourceType": "Observation", "status": "final", "code": {"text": "night"}}
    rare = {**result, "contained": [{"resourceType": "ValueSet", "status": "active"}]}
    answer = bench.one({}, "cases/own.json", json.dumps(rare))
    assert (answer.status_code, "a rare type of FHIR" in answer.text) == (422, True), answer.text


def test_a_statement_without_the_shape_of_one_is_told(bench: Bench) -> None:
    """The report on shapes needs what nothing else does."""
    told = bench.one({"statements.trig": bench.files["statements.trig"].replace('    cl:kind "definition" ;\n', "", 1)})
    assert "shape" in {found["code"] for found in told.json()["diagnostics"]}, told.text


def test_files_that_cannot_be_read_are_put_right_on_the_page(tmp_path: Path) -> None:
    """What is saved was broken after the start: there is nothing to compare with, but all else."""
    folder = Path(shutil.copytree(LEAFLET, tmp_path / "short-nights"))
    with serving("--kb", str(folder)) as server:
        words = (folder / "terms.ttl").read_text(encoding="utf-8")
        (folder / "terms.ttl").write_text(words.replace(" .", " ", 1), encoding="utf-8")
        bench = started(server, folder)
        assert {found["code"] for found in bench.one({}).json()["diagnostics"]} == {"rdf-syntax"}
        told = bench.one({"terms.ttl": words}).json()
        assert (told["diagnostics"], told["summary"]) == ([], "1 conclusion")
        assert (
            bench.all({"terms.ttl": words}).json()["summary"] == "8 cases: none differs, and every expectation is met"
        )


# --- who sends what is hostile, or merely clumsy -------------------------------------------------------------------

PREFIXES = "@prefix cl: <https://w3id.org/citelog#> .\n@prefix ex: <https://example.org/short-nights#> .\n"
RULES = "rules/50-questions.rls"


def rule(head: str, body: str) -> str:
    return f'%%% @convention Reading the record.\n#[name("hostile")]\n{head} :- {body} .\n'


JOIN = ", ".join(f"cl:factor(?u{i}, ?f{i}), ex:points(?s{i}, ?n{i})" for i in range(30)) + ", ?f0 > ?f29, ?f29 > ?f0"
NESTED = "(" * 9_000 + "1" + ")" * 9_000
HOSTILE: dict[str, tuple[str, str]] = {
    "rules that count for ever": (RULES, PREFIXES + rule("score(?p, ?x)", "score(?p, ?y), ?x = ?y + 1")),
    "a join of everything with everything": (RULES, PREFIXES + rule("judged(?p)", f"patient(?p), {JOIN}")),
    "parentheses in parentheses": (RULES, PREFIXES + rule("score(?p, ?x)", f"tired(?p, _), ?x = {NESTED}")),
    "ten thousand rules": (RULES, PREFIXES + rule("p(?x)", "q(?x)") * 2_500),
    "a megabyte of nothing": (RULES, "%" * 190_000),
    "blank nodes in blank nodes": ("terms.ttl", "<a:a> <a:b> " + "[ <a:b> " * 20_000 + "]" * 20_000 + " ."),
    "lists in lists": ("terms.ttl", "<a:a> <a:b> " + "(" * 60_000 + ")" * 60_000 + " ."),
    "a text that never ends": ("terms.ttl", "<a:a> <a:b> \"\"\"" + "\\\\" * 40_000),
    "quotation marks": ("terms.ttl", "\"'" * 40_000),
    "a document elsewhere": ("about.ttl", "source/leaflet.txt=../../../../../../etc/passwd"),
    "a document beside it": ("about.ttl", "source/leaflet.txt=cases/nothing-recorded.yaml"),
    "a NUL": (RULES, "\0"),
    "YAML in YAML": ("cases/own.yaml", "[" * 80_000),
    "YAML that multiplies": ("cases/own.yaml", "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]"),
    "YAML that makes objects": ("cases/own.yaml", "labs: !!python/object/apply:os.system ['true']"),
    "a number without end": ("cases/own.yaml", "labs: [{analyte: night, value: 1e999999999, unit: hours}]"),
    "many entries": ("cases/own.yaml", "findings:\n" + "- {name: cola, state: present}\n" * 6_000),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_draft_is_answered_in_time_and_hurts_nobody(bench: Bench, name: str) -> None:
    file, text = HOSTILE[name]
    if "=" in text and file == "about.ttl":
        text = bench.files[file].replace(*text.split("=", 1))
    began = time.monotonic()
    answer = bench.one({}, file, text) if file.startswith("cases/") else bench.one({file: text})
    assert time.monotonic() - began < SECONDS + SLACK
    assert answer.status_code in (200, 422), answer.text
    if answer.status_code == 200:
        told = answer.json()
        assert told["diagnostics"] or told["trouble"] or told["html"]
        assert "root:" not in answer.text
    else:
        assert "\n  = " in answer.text
    assert bench.one({}).status_code == 200


def body(**more: Any) -> dict[str, Any]:
    return {"version": "", "drafts": {}, "case": {"name": "cases/own.yaml", "text": ""}, **more}


REFUSED: dict[str, tuple[bytes, dict[str, str], int, str]] = {
    "another origin": (json.dumps(body()).encode(), {"Origin": "http://example.org"}, 403, "other sites"),
    "another port": (json.dumps(body()).encode(), {"Origin": "http://127.0.0.1:1"}, 403, "other sites"),
    "another host": (json.dumps(body()).encode(), {"Host": "example.org"}, 403, "this machine only"),
    "a form": (b"version=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "application/json"),
    "plain text": (json.dumps(body()).encode(), {"Content-Type": "text/plain"}, 415, "application/json"),
    "no JSON": (b"{", {}, 400, "no JSON"),
    "JSON in JSON": (b"[" * 100_000, {}, 400, "no JSON"),
    "a list": (b"[]", {}, 400, "no JSON object"),
    "no UTF-8": (b'{"version": "\xff"}', {}, 400, "no JSON"),
    "half a character": (json.dumps(body(drafts={"terms.ttl": "\ud800"})).encode(), {}, 400, "surrogate"),
    "no drafts": (json.dumps(body(drafts=None)).encode(), {}, 400, "no object drafts"),
    "a draft that is no text": (json.dumps(body(drafts={"terms.ttl": 1})).encode(), {}, 400, "no text"),
    "too much": (b" " * 300_000, {}, 413, "200,000"),
    "an older version": (json.dumps(body(version="0" * 64)).encode(), {}, 409, "have changed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_request_of_another_kind_is_refused_in_words(bench: Bench, name: str) -> None:
    data, headers, status, words = REFUSED[name]
    answer = bench.server.client.post(
        "/playground/one", content=data, headers={"Content-Type": "application/json", **headers}
    )
    assert (answer.status_code, words in answer.text) == (status, True), answer.text


@pytest.mark.parametrize(
    "name", ["source/leaflet.txt", "../short-nights/terms.ttl", "/etc/passwd", "rules/new.rls", ""]
)
def test_only_the_files_of_the_knowledge_base_have_drafts(bench: Bench, name: str) -> None:
    answer = bench.one({name: "x"})
    assert (answer.status_code, "is no file of this knowledge base" in answer.text) == (400, True)


def test_the_page_allows_no_script_but_its_own(bench: Bench) -> None:
    policy = bench.server.client.get("/playground").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert (
        "script-src"
        not in bench.server.client.get("/sparql", headers={"Accept": "text/html"}).headers["Content-Security-Policy"]
    )


def test_the_page_says_what_it_rests_on(bench: Bench) -> None:
    page = bench.server.client.get("/playground").text
    assert "Nobody has reviewed it" in page and "it does not prescribe" in page
    assert "The leaflet is invented, and no medical advice." in page


def test_where_only_rdf_files_are_served_there_is_no_playground() -> None:
    with serving("--dataset", str(LEAFLET / "terms.ttl")) as server:
        assert server.client.get("/playground").status_code == 404


# --- saving --------------------------------------------------------------------------------------------------------


def saving(bench: Bench, drafts: dict[str, str], **headers: str) -> httpx.Response:
    told = {"drafts": drafts, "started": {name: bench.files.get(name, "") for name in drafts}}
    origin = {"Origin": bench.server.address.rstrip("/"), **headers}
    return bench.send("save", told, **origin)


def test_without_edit_nothing_is_saved_and_nothing_is_written(bench: Bench) -> None:
    before = contents(bench.folder)
    drafts = bench.edited(NIGHT, "?minutes < ?hours", "?minutes <= ?hours")
    assert (bench.one(drafts).status_code, bench.all(drafts).status_code) == (200, 200)
    answer = saving(bench, drafts)
    assert (answer.status_code, "--edit" in answer.text) == (403, True)
    assert contents(bench.folder) == before == contents(LEAFLET)


def test_what_is_saved_is_what_the_next_draft_is_compared_with(editing: Bench) -> None:
    drafts = editing.edited(NIGHT, "?minutes < ?hours", "?minutes <= ?hours")
    before = contents(editing.folder)
    answer = saving(editing, drafts)
    assert answer.status_code == 200, answer.text
    assert contents(editing.folder) == {**before, NIGHT: drafts[NIGHT].encode()}
    assert editing.one({}).status_code == 409  # the page has to take up the new version
    again = started(editing.server, editing.folder)
    assert (
        again.one({}).json()["summary"]
        == "1 conclusion, 2 expectations not met; nothing differs from the saved version"
    )
    assert saving(editing, drafts).status_code == 409  # it was begun from a text that is no longer there


def test_all_drafts_are_saved_or_none(editing: Bench) -> None:
    drafts = {**editing.edited(NIGHT, "?minutes < ?hours", "?minutes <= ?hours"), CASE: "labs: []\n"}
    (editing.folder / CASE).write_text("labs: [] # somebody else's\n", encoding="utf-8")
    before = contents(editing.folder)
    answer = saving(editing, drafts)
    assert (answer.status_code, f"{CASE} has been changed since" in answer.text) == (409, True)
    assert contents(editing.folder) == before


def test_only_our_own_page_may_save(editing: Bench) -> None:
    before = contents(editing.folder)
    drafts = editing.edited(NIGHT, "?minutes < ?hours", "?minutes <= ?hours")
    told = {"drafts": drafts, "started": {NIGHT: editing.files[NIGHT]}}
    address = editing.server.address.rstrip("/")
    for headers in (
        {},  # a program that says nothing of itself
        {"Origin": "null"},
        {"Origin": "http://example.org"},
        {"Origin": address, "Sec-Fetch-Site": "cross-site"},
        {"Origin": address, "Host": "example.org"},
        {"Origin": "http://example.org", "Host": "example.org"},  # a name that somebody made resolve to this machine
    ):
        assert editing.send("save", told, **headers).status_code == 403, headers
    assert editing.send("save", {**told, "drafts": {"source/leaflet.txt": ""}}, Origin=address).status_code == 400
    assert contents(editing.folder) == before


def test_line_ends_stay_as_the_file_has_them(editing: Bench) -> None:
    path = editing.folder / NIGHT
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    again = started(editing.server, editing.folder)
    assert again.files[NIGHT] == editing.files[NIGHT]
    assert saving(again, again.edited(NIGHT, "?minutes < ?hours", "?minutes <= ?hours")).status_code == 200
    assert path.read_bytes() == (LEAFLET / NIGHT).read_bytes().replace(b"?minutes < ?", b"?minutes <= ?").replace(
        b"\n", b"\r\n"
    )


@pytest.mark.parametrize("arguments", [["--host", "0.0.0.0"], ["--dataset", str(LEAFLET / "terms.ttl")]])
def test_edit_is_for_a_knowledge_base_on_this_machine(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--port", "0", "--edit", *arguments])
    assert ended.value.code == 2
    assert "--edit" in capsys.readouterr().err


# --- the documentation ---------------------------------------------------------------------------------------------


def test_a_program_is_answered_as_the_documentation_says(bench: Bench) -> None:
    request, answer = (json.loads(b.text) for b in literate.blocks(PAGE) if b.kind == "json")
    drafts = {name: bench.files[name] for name in request["drafts"]}
    told = bench.send("one", {**request, "version": bench.version, "drafts": drafts}).json()
    assert {**told, "html": "…"} == answer


def test_the_documentation_knows_the_bounds() -> None:
    bounds = dict(re.findall(r"(?m)^\| ([a-z][^|]+) \| ([^|]+) \|$", PAGE))
    limits = Limits()
    assert bounds == {
        "one request": f"{limits.draft_request >> 20} MiB",
        "all cases, with drafts": f"{limits.draft_seconds:g} seconds",
        "memory, beyond what is loaded": f"{limits.draft_memory >> 20} MiB",
        "at a time": f"{limits.draft_workers} requests; others wait",
    }


def test_the_command_says_where_the_page_is(bench: Bench) -> None:
    [nothing, saved] = [line for line in PAGE.splitlines() if "is for trying changes of my-guideline" in line]
    assert nothing.endswith("nothing is saved") and saved.endswith("drafts can be saved")
    told = nothing.replace("http://127.0.0.1:8000/", bench.server.address).replace("my-guideline", "short-nights")
    assert told in bench.server.said.splitlines()
