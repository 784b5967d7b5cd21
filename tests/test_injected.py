"""Texts that mean to be markup, code or the name of something else stay texts, wherever they are given."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from functools import cache, partial
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from pyoxigraph import RdfFormat

import b12
import citelog
import injected
import populations
from citelog import home
from citelog.assess import assess
from citelog.browse.shelf import KINDS, opened
from citelog.diagnostics import CitelogError
from citelog.export import forms
from citelog.export.subject import Subject
from citelog.graph.library import Query, library
from citelog.knowledge.cache import open_knowledge
from citelog.knowledge.files import Drafts
from citelog.knowledge.load import load
from citelog.knowledge.lookup import find
from citelog.serve.pages.knowledge import LEAVES, Book
from citelog.serve.pages.shell import Shell
from endpoint import ROOT, serving
from hostile import hostile
from injected import identifiers, markup, read_html
from literate import LEAFLET

NIGHTS = ROOT / "examples" / "short-nights"


def test_there_are_as_many_payloads_as_are_said() -> None:
    for payloads, least in ((markup(), 100), (identifiers(), 100), (injected.code(), 200)):
        assert len(set(payloads)) == len(payloads) >= least
        assert all(injected.PROBE in str(one) or "passwd" in str(one) or "nobody" in str(one) for one in payloads) or (
            payloads is identifiers()
        )


# --- markup -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sink", ["page", "pictures", "resources"])
def test_what_stands_in_a_record_is_text_in_all_that_is_made_of_it(sink: str) -> None:
    shown, wrong = injected.told(sink, injected.record(markup(), 0))
    assert wrong == [] and shown > injected.fields()


def test_each_field_has_each_payload_in_some_turn() -> None:
    met: dict[tuple[object, ...], set[str]] = {}
    for turn in injected.turns():
        for list_, entries in injected.record(markup(), turn).items():
            for n, entry in enumerate(entries):
                template = injected.FIELDS[list_][n % len(injected.FIELDS[list_])]
                pairs = zip(template.items(), entry.items(), strict=True)
                for place, (wanted, given) in enumerate(pairs):
                    for of, (one, text) in enumerate(zip(wanted, given, strict=True)):
                        if one == "*":
                            field = list_, n % len(injected.FIELDS[list_]), place, of
                            met.setdefault(field, set()).add(text)
    assert len(met) == injected.fields()
    assert all(texts == {*markup()} for texts in met.values())


@pytest.mark.long
@pytest.mark.parametrize("sink", injected.SINKS)
def test_every_payload_in_every_field_of_a_record_is_text_in_all_that_is_made_of_it(sink: str) -> None:
    told = [injected.told(sink, injected.record(markup(), turn)) for turn in injected.turns()]
    assert [one for _, wrong in told for one in wrong] == [] and min(shown for shown, _ in told) > injected.fields()


@pytest.mark.long
@pytest.mark.parametrize("sink", ["page", "graphs", "resources"])
def test_every_payload_that_is_said_of_a_person_is_text_in_all_that_is_made_of_it(sink: str) -> None:
    assert [one for payload in markup() for one in injected.told(sink, injected.person(payload))[1]] == []


def test_what_stands_in_a_call_is_text_on_every_card() -> None:
    _carded(range(0, len(markup()), 20))


@pytest.mark.long
def test_every_payload_in_a_call_is_text_on_every_card() -> None:
    _carded(range(len(markup())))


def _carded(turns: range) -> None:
    shown, wrong = zip(*map(injected.carded, turns), strict=True)
    assert [one for some in wrong for one in some] == [] and sum(shown) > 2 * len(turns)


@pytest.mark.parametrize("text", injected.control())
def test_what_would_steer_a_terminal_is_refused_in_words(text: str) -> None:
    for record in ({"findings": [{"name": text}]}, {"id": text}, {"labs": [{text: "x"}]}, {"context": {"sex": text}}):
        with pytest.raises(CitelogError, match=r"the character U\+00.. may not stand") as refused:
            assess(b12.knowledge(), record)
        assert injected.read_terminal(str(refused.value))[1] == []


def test_nothing_that_a_command_prints_steers_a_terminal(citelog: object, tmp_path: Path) -> None:
    (tmp_path / "case.json").write_text(json.dumps(injected.record(markup(), 20)), encoding="utf-8")
    for arguments in (("assess",), ("why", "treat:immediate")):
        command, *more = arguments
        ended = citelog(command, tmp_path / "case.json", *more)  # type: ignore[operator]
        assert ended.status == 0, ended.err
        assert injected.read_terminal(ended.out)[1] == []


@pytest.mark.parametrize(
    ("read", "bad"),
    [
        (read_html, "<!DOCTYPE html><title>x</title><p><a href='javascript:probe()'>x</a>"),
        (read_html, "<!DOCTYPE html><title>x</title><p onclick='probe()'>x"),
        (read_html, "<!DOCTYPE html><title>x</title><p><probe></probe>"),
        (injected.read_xml, "<svg><style>probe</style></svg>"),
        (injected.read_markdown, "[x](https://probe.example)"),
        (injected.read_markdown, "<img src=probe>"),
        (injected.read_clingo, "#script (python) probe #end."),
        (injected.read_terminal, "\x1b[2J"),
        (lambda text: injected.read_rdf(text, RdfFormat.TURTLE), "<urn:a> <urn:probe> 1 ."),
        (lambda text: injected.read_rdf(text, RdfFormat.TURTLE), "<urn:a> <urn:b> <urn:probe:x> ."),
    ],
)  # fmt: skip
def test_what_is_more_than_text_is_seen(read: object, bad: str) -> None:
    assert read(bad)[1]  # type: ignore[operator]


def _shelved(folder: Path) -> Book:
    known = open_knowledge(folder)
    return Book(Shell(known), opened(folder, known), None, "nothing is counted here")


@pytest.mark.long
@pytest.mark.parametrize("payload", markup())
def test_no_text_of_a_knowledge_base_is_more_than_text_on_its_pages(payload: str, tmp_path: Path) -> None:
    """Every blank of every text that an author writes is a payload: of the document, of labels, sentences, reasons."""
    folder = hostile(NIGHTS, tmp_path / "short-nights", re.sub(r"\s+", "", payload) + " ")
    if set(payload) & set(injected.STEERS):
        with pytest.raises(CitelogError, match="hidden-character"):
            open_knowledge(folder)
        return
    book = _shelved(folder)
    pages = [book.leaf(name) for name in LEAVES if name not in ("audit", "trace", "coverage", "cases")]
    for kind in KINDS:
        for id_ in [*book.shelf.ids(kind)][:4]:
            pages.append(book.thing(kind, id_, book.shelf.things(kind, id_)))
    read = [read_html(text) for text in pages]
    assert [one for _, wrong in read for one in wrong if one not in ("<form>",)] == []
    assert sum(injected.PROBE in words for words, _ in read) > len(read) // 2


# --- code -------------------------------------------------------------------------------------------------------------


def _tried(place: str, act: str, text: str, folder: Path) -> bool:
    """Whether a rule file was accepted; it is refused in words, or does what a rule does and nothing besides."""
    with injected.watched() as done:
        drafts = Drafts({LEAFLET / "rules" / "90-coded.rls": text})
        found = load(LEAFLET, home.ontology(), drafts)
        if found.knowledge is None:
            told = "\n".join(map(str, found.diagnostics))
            assert "90-coded.rls" in told, (place, act)
            assert injected.read_terminal(told)[1] == [], (place, act)
            assert done == [], (place, act)
            return False
        answer = assess(found.knowledge, {"findings": [{"name": "fatigue", "state": "present"}]})
        for one in answer.conclusions:
            answer.why(one.id).to_dict()
        assert read_html(injected.page.page(answer))[1] == [], (place, act)
        for form in ("clingo", "nemo", "souffle", "swi"):
            for file in forms.export(form, Subject(found.knowledge, LEAFLET, answer)):
                (folder / file.name).write_text(file.text, encoding="utf-8")
                if form == "clingo":
                    assert injected.read_clingo(file.text)[1] == [], (place, act)
        assert done == [], (place, act)
    return True


def test_code_in_a_rule_file_is_refused_or_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    accepted = [_tried(*one, tmp_path) for one in injected.code()[::9]]
    assert True in accepted and False in accepted
    assert not (tmp_path / injected.PROBE).exists()


@pytest.mark.long
@pytest.mark.parametrize("place", injected.PLACES)
def test_no_code_in_a_rule_file_is_run_by_us_or_by_who_reads_our_exports(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is accepted is also answered for a population, by DuckDB, and read by SWI-Prolog, which runs directives."""
    monkeypatch.chdir(tmp_path)
    for where, act, text in injected.code():
        if where == place and _tried(where, act, text, tmp_path):
            known = load(LEAFLET, home.ontology(), Drafts({LEAFLET / "rules" / "90-coded.rls": text})).knowledge
            assert known is not None
            records = {"p": {"findings": [{"name": "fatigue", "state": "present"}]}}
            found = populations.compare(known, records, tmp_path / "population", None)
            assert found.differences == [], act
            shutil.rmtree(tmp_path / "population")
            for file in tmp_path.glob("*.pl"):
                call = ["swipl", "-q", "-g", "halt", "-t", "halt", str(file)]
                if shutil.which("swipl"):
                    subprocess.run(call, cwd=tmp_path, capture_output=True, timeout=60, check=True)
            assert not (tmp_path / injected.PROBE).exists(), act


def test_what_a_text_must_never_do_is_seen(tmp_path: Path) -> None:
    with injected.watched() as done:
        compile("probe = 1", "x", "exec")
        with pytest.raises(FileNotFoundError):
            (tmp_path / injected.PROBE).open()
    assert [one.partition(" ")[0] for one in done] == ["compile", "open"]


# --- names ------------------------------------------------------------------------------------------------------------


def test_a_name_of_a_patient_is_no_address() -> None:
    """A graph holds as many facts as for a harmless name."""
    plain = _facts("harmless")
    for name in identifiers()[::20]:
        assert _facts(name) == plain, name


@pytest.mark.long
def test_no_name_of_a_patient_is_an_address_or_a_file() -> None:
    plain = _facts("harmless")
    for name in identifiers():
        assert _facts(name) == plain, name
        for sink in ("page", "programs"):
            assert injected.told(sink, {"id": name.strip(), "findings": [{"name": name}]})[1] == [], name


def _facts(name: str) -> int:
    found = assess(b12.knowledge(), {"id": name, "findings": [{"name": "fatigue", "state": "present"}]})
    assert found.case.id == " ".join(name.split())
    text = injected.prov.turtle(found)
    assert injected.read_rdf(text, RdfFormat.TURTLE)[1] == []
    return sum(1 for _ in injected.pyoxigraph.parse(text.encode(), RdfFormat.TURTLE))


@pytest.mark.long
def test_patients_are_told_by_the_names_that_they_have(tmp_path: Path) -> None:
    records = {name: {"findings": [{"name": "fatigue", "state": "present"}]} for name in identifiers()}
    populations.write(tmp_path / "data", records)
    said = populations.together(b12.knowledge(), tmp_path / "data", tmp_path / "out", None)
    assert {row[0] for row in said["conclusions"]} == {name.strip() for name in records}, "blanks around do not count"
    assert {path.name for path in tmp_path.iterdir()} == {"data", "out"}


@pytest.mark.parametrize("name", identifiers()[::33])
def test_no_name_is_found_that_is_not_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _not_found(name, tmp_path, monkeypatch)


@pytest.mark.long
@pytest.mark.parametrize("name", identifiers())
def test_no_such_name_is_found_that_is_not_there(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _not_found(name, tmp_path, monkeypatch)


@cache
def _base() -> citelog.KnowledgeBase:
    return citelog.open(NIGHTS)


def _rows(asked: Query, name: str) -> list[object]:
    """What a query of the library finds where a parameter is given a name."""
    [parameter] = asked.parameters
    answer = json.loads(_base().query(asked.name, parameters={parameter.name: name}, form="json"))
    return [row for row in answer["results"]["bindings"] if any(one["value"] for one in row.values())]


def _not_found(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a thing of a knowledge base, a conclusion, a form of export, a knowledge base, a value of a query."""
    monkeypatch.chdir(tmp_path)
    known = b12.knowledge()
    answer = b12.assessed(next(iter(b12.library())))
    with injected.watched() as done:
        for ask in (
            lambda: find(known, name),
            lambda: answer.why(name),
            lambda: answer.why_not(name),
            lambda: forms.export(name, Subject(known, b12.FOLDER)),
            *(partial(_rows, one, name) for one in library() if len(one.parameters) == 1),
        ):
            try:
                found = ask()
            except CitelogError as refused:
                assert injected.read_terminal(str(refused))[1] == []
            else:
                assert not found, found
    assert done == []
    assert not list(tmp_path.iterdir())


OUR_FORM = re.compile(r"<form(?: action=/patient\?then=[\w.%/~-]*)?>")
"""A form of a page: it may lead back to what was asked for, in escapes."""


@pytest.mark.long
def test_no_address_reaches_what_is_not_served() -> None:
    """Each name behind each address that takes one, written as an address writes it, and as it is."""
    paths = ("knowledge/rules/", "knowledge/statements/", "knowledge/terms/", "api/knowledge/rule/", "examples/")
    paths += ("patient/", "cds-services/", "fhir/", "log/entries/")
    asking = ("knowledge/search?words=", "sparql?query=", "?")
    with serving() as server:
        assert server.is_ready()
        for name in identifiers():
            for path in (*paths, *asking):
                answer = server.client.get(f"/{path}{quote(name, safe='')}", headers={"Accept": "text/html"})
                if answer.status_code == 307:  # the same address with a slash at its end
                    whole = urlsplit(answer.headers["location"])
                    assert whole.netloc == urlsplit(server.address).netloc and re.fullmatch(
                        f"/{path}[^/]+/", whole.path
                    )
                    answer = server.client.get(answer.headers["location"], headers={"Accept": "text/html"})
                assert answer.status_code < 500 and (path in asking or answer.status_code >= 400), (path, name)
                assert "root:" not in answer.text and "location" not in answer.headers, (path, name)
                if answer.headers.get("content-type", "").startswith("text/html"):
                    wrong = [one for one in read_html(answer.text)[1] if not OUR_FORM.fullmatch(one)]
                    assert wrong == [], (path, name)
