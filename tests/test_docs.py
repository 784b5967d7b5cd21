"""The documentation is run: every example of engine/LANGUAGE.md and engine/CASES.md, those of README.md that say so.

The tables of codes and of names are compared with what the engine and the shipped knowledge base have.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

import b12
import literate
import walked
from authoring import Command
from citelog import home, patient
from citelog.advice.review import CODES as ADVICE
from citelog.assess import assess_case
from citelog.knowledge.check import CODES
from citelog.knowledge.load import load
from citelog.knowledge.triples import SKOS
from citelog.layout.files import lay_out, write
from citelog.patient.case import NAME_KEY
from citelog.patient.predicates import NAMING, PREDICATES, key_of, list_of
from citelog.rules.language import AGGREGATES, ATTRIBUTES, TAGS
from citelog.values import Iri
from citelog.vocab import CL, Terms, folded, folded_unit

ROOT = Path(__file__).parent.parent
LANGUAGE = ROOT / "engine" / "LANGUAGE.md"
README = ROOT / "README.md"
QUERIES = ROOT / "queries" / "README.md"
EXPLANATIONS = ROOT / "engine" / "EXPLANATIONS.md"
CASES = ROOT / "engine" / "CASES.md"
DIFF = ROOT / "docs" / "DIFF.md"
DRIFT = ROOT / "docs" / "DRIFT.md"
RELEASES = ROOT / "docs" / "RELEASES.md"


def examples() -> list[tuple[str, str, str]]:
    """(rules, facts, answer) of each example, in the order of the page."""
    found, rules, facts = [], "", ""
    for block in literate.blocks(LANGUAGE.read_text(encoding="utf-8")):
        if block.kind == "rules":
            rules, facts = block.text, ""
        elif block.kind == "facts":
            facts = block.text
        elif block.kind == "answer":
            found.append((rules, facts, block.text))
    return found


def named(kind: str) -> str:
    """The one block of a kind."""
    (block,) = [b for b in literate.blocks(LANGUAGE.read_text(encoding="utf-8")) if b.kind == kind]
    return block.text


def test_examples_were_found() -> None:
    """A change of the fences would otherwise pass in silence."""
    page = [b.kind for b in literate.blocks(LANGUAGE.read_text(encoding="utf-8"))]
    assert page.count("rules") == page.count("answer") == len(examples()) >= 7


@pytest.mark.parametrize("number", range(len(examples())))
def test_example(number: int) -> None:
    """An example gives what the page says; of diagnostics, each first line that is shown."""
    rules, facts, answer = examples()[number]
    fence = "```"
    document = "\n".join(
        f"{fence}{kind}\n{text}{fence}"
        for kind, text in (("declare", named("declare")), ("facts", facts), ("rules", named("prefixes") + rules))
    )
    given = literate.answer(document)
    if answer.startswith("error"):
        assert set(answer.splitlines()) <= set(given.splitlines())
    else:
        assert given == answer


def test_every_code_is_documented() -> None:
    """With its meaning, letter for letter, and nothing that is no code."""
    page = LANGUAGE.read_text(encoding="utf-8")
    told = dict(re.findall(r"(?m)^\| `([a-z0-9-]+)` \| (.*) \|$", page))
    assert told == {**CODES, **ADVICE}


def test_every_tag_attribute_and_aggregate_is_documented() -> None:
    """Each with its sign."""
    page = LANGUAGE.read_text(encoding="utf-8")
    signs = [*(f"@{tag}" for tag in TAGS), *(f"#[{a}(" for a in ATTRIBUTES), *(f"#{a}" for a in AGGREGATES)]
    assert [sign for sign in signs if sign not in page] == []


def test_the_grammar_is_shown_whole() -> None:
    """Letter for letter."""
    assert named("lark") == (ROOT / "engine" / "citelog" / "rules" / "grammar.lark").read_text(encoding="utf-8")


def predicates_table() -> str:
    """The predicates that rules read of a record, with their types and meaning, in the order of the ontology."""
    triples = load(b12.FOLDER, home.ontology()).triples
    lines = ["| predicate | said by | a fact says |", "|---|---|---|"]
    text = home.ontology().read_text(encoding="utf-8")
    for iri in sorted(
        triples.instances(CL + "PatientPredicate"), key=lambda iri: text.index(f"\ncl:{Iri(iri).local} ")
    ):
        signature, told = (triples.text(iri, key) for key in (CL + "signature", SKOS + "definition"))
        lines.append(f"| `{signature}` | {said_by(signature.partition('(')[0])} | {told} |")
    return "\n".join(lines) + "\n"


def said_by(predicate: str) -> str:
    """The keys and the list of the entries that say a fact."""
    if predicate not in PREDICATES:
        return {"patient": "the case", "evaluation_day": "`--at`"}[predicate]
    list_, key = list_of(predicate), key_of(predicate)
    if list_ == "context":
        return f"`context`, `{predicate}`"
    keys = [NAME_KEY[list_]] if list_ and predicate in NAMING else []
    return f"{f'`{list_}`' if list_ else 'any list'}, {' and '.join(f'`{one}`' for one in (*keys, key) if one)}"


def test_every_patient_predicate_is_listed() -> None:
    """With its types and its meaning. CITELOG_ACCEPT=1 renews the table."""
    page = LANGUAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition("<!-- patient predicates: begin -->\n")
    told, end, after = rest.partition("<!-- patient predicates: end -->")
    if os.environ.get("CITELOG_ACCEPT"):
        LANGUAGE.write_text(before + begin + predicates_table() + end + after, encoding="utf-8")
        return
    assert end and told == predicates_table()


def test_every_term_of_a_record_is_listed() -> None:
    """States, statuses, signs, flags, courses, routes, sexes and units of time."""
    page = LANGUAGE.read_text(encoding="utf-8")
    triples = load(b12.FOLDER, home.ontology()).triples
    classes = ("State", "MedicationStatus", "Sign", "Flag", "Course", "Route", "Sex", "TimeUnit")
    terms = [iri for class_ in classes for iri in triples.instances(CL + class_) if iri.startswith(CL)]
    assert [iri for iri in terms if f"`cl:{Iri(iri).local}`" not in page] == []
    assert len(terms) > 20


def names_table(terms: Terms) -> str:
    """What a knowledge base calls things, as the table of engine/CASES.md: a route is a choice, and told once."""
    lines = ["| kind | name | also | codes |", "|---|---|---|---|"]
    for kind in ("analyte", "unit", "finding", "drug", "route", "topic", "choice"):
        words: dict[str, list[str]] = {}
        for word, term in terms.names[kind].items():
            if kind != "choice" or term not in terms.names["route"].values():
                words.setdefault(terms.label(term), []).append(word)
        for label, all_words in sorted(words.items(), key=lambda row: folded(row[0])):
            own = (folded_unit if kind == "unit" else folded)(label)
            also = sorted(word for word in all_words if word != own and ":" not in word)
            codes = (word.partition(":") for word in sorted(all_words) if ":" in word)
            coded = (f"`{system}:{code.upper()}`" for system, _, code in codes)
            lines.append(f"| {kind} | {label} | {'; '.join(also)} | {' '.join(coded)} |".replace("|  |", "| |"))
    return "\n".join(lines).replace("|  |", "| |") + "\n"


def test_the_names_of_the_shipped_knowledge_base_are_listed() -> None:
    """Label by label, with every other name and every code."""
    page = CASES.read_text(encoding="utf-8")
    _, _, rest = page.partition("<!-- names: begin -->\n")
    told, end, _ = rest.partition("<!-- names: end -->")
    assert end and told == names_table(b12.knowledge().terms)


def case_examples() -> list[str]:
    """The cases that engine/CASES.md shows."""
    return [block.text for block in literate.blocks(CASES.read_text(encoding="utf-8")) if block.kind == "yaml"]


def test_case_examples_were_found() -> None:
    """A change of the fences would otherwise pass in silence."""
    assert len(case_examples()) == 2


@pytest.mark.parametrize("number", range(len(case_examples())))
def test_case_example(number: int, tmp_path: Path) -> None:
    """An example is read without a note, and is assessed as it expects."""
    path = tmp_path / "case.yaml"
    path.write_text(case_examples()[number], encoding="utf-8")
    case = patient.read(path, b12.knowledge().terms)
    assert case.expect is not None
    assert case.notes == ()
    answer = assess_case(b12.knowledge(), case, case.expect.at).to_dict()
    reached = {one["id"]: one for one in answer["conclusions"]}
    assert set(case.expect.include) <= set(reached)
    assert not set(case.expect.exclude) & set(reached)
    for step, told in case.expect.steps.items():
        assert told == f"{reached[f'regimen:{step}']['role']} {reached[f'regimen:{step}']['step']}"
    assert set(yaml.safe_load(case_examples()[number])) <= {*patient.case.LISTS, "id", "context", "expect"}


@dataclass(frozen=True)
class Shown:
    """A command that a document shows, and what it prints there; a line `…` stands for any number of lines."""

    document: Path
    command: str
    output: str

    def __str__(self) -> str:
        return f"{self.document.name}: {self.command}"


def shown() -> list[Shown]:
    """The commands of each block fenced as `console run`: `$ citelog …`, then its output."""
    found = []
    for document in (README, EXPLANATIONS, QUERIES):
        for block in literate.blocks(document.read_text(encoding="utf-8")):
            if block.kind == "console" and block.name == "run":
                for piece in re.split(r"(?m)^\$ ", block.text)[1:]:
                    command, _, output = piece.partition("\n")
                    found.append(Shown(document, command, output))
    return found


@pytest.mark.parametrize("one", shown(), ids=str)
def test_a_document_shows_what_the_command_prints(one: Shown) -> None:
    """With CITELOG_ACCEPT=1 the document is renewed where nothing in it stands for more lines."""
    words = shlex.split(one.command)
    assert words[0] in ("citelog", "./citelog"), "only citelog's own commands are run"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "engine"), "COLUMNS": "100"}
    code = "import sys; from citelog.cli.app import main; sys.argv[0] = 'citelog'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *words[1:]], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    printed = (done.stdout + done.stderr).rstrip("\n") + "\n"
    expected = one.output.rstrip("\n").split("\n")
    if os.environ.get("CITELOG_ACCEPT") and "…" not in map(str.strip, expected):
        text = one.document.read_text(encoding="utf-8")
        before = f"$ {one.command}\n{one.output.rstrip()}\n"
        assert before in text
        one.document.write_text(text.replace(before, f"$ {one.command}\n{printed}"), encoding="utf-8")
        return
    pattern = "".join(r"(?:.*\n)*" if line.strip() == "…" else re.escape(line) + "\n" for line in expected)
    assert re.fullmatch(pattern, printed), printed


def test_the_words_at_a_place_are_read_without_citelog_as_the_page_for_auditors_says() -> None:
    page = (ROOT / "docs" / "AUDIT.md").read_text(encoding="utf-8")
    (block,) = (one for one in literate.blocks(page) if (one.kind, one.name) == ("console", "by hand"))
    commands = [piece.partition("\n") for piece in re.split(r"(?m)^\$ ", block.text)[1:]]
    assert len(commands) == 3
    for command, _, output in commands:
        done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
        assert done.stdout == output


@pytest.mark.slow
def test_the_page_about_comparing_is_followed_word_for_word(tmp_path: Path, citelog: Command) -> None:
    """With CITELOG_ACCEPT=1 the page is renewed where it leaves nothing out."""
    for name in ("published", "short-nights"):
        shutil.copytree(ROOT / "examples" / "short-nights", tmp_path / name)
    page = DIFF.read_text(encoding="utf-8")
    commands = list(walked.walk(page, tmp_path, citelog))
    if os.environ.get("CITELOG_ACCEPT"):
        DIFF.write_text(walked.renewed(page, commands), encoding="utf-8")
        return
    assert len(commands) >= 6
    for command in commands:
        assert command.agrees, f"$ {command.line}\n{command.printed}"


@pytest.mark.slow
def test_the_page_about_a_new_document_is_followed_word_for_word(tmp_path: Path, citelog: Command) -> None:
    """With CITELOG_ACCEPT=1 the page is renewed where it leaves nothing out."""
    shutil.copytree(ROOT / "examples" / "short-nights", tmp_path / "short-nights")
    shutil.copytree(ROOT / "knowledge" / "b12", tmp_path / "b12")
    page = DRIFT.read_text(encoding="utf-8")
    commands = list(walked.walk(page, tmp_path, citelog))
    if os.environ.get("CITELOG_ACCEPT"):
        DRIFT.write_text(walked.renewed(page, commands), encoding="utf-8")
        return
    assert len(commands) >= 6
    for command in commands:
        assert command.agrees, f"$ {command.line}\n{command.printed}"


@pytest.mark.slow
def test_the_page_about_reviews_and_releases_is_followed_word_for_word(tmp_path: Path, citelog: Command) -> None:
    """With CITELOG_ACCEPT=1 the page is renewed where it leaves nothing out."""
    shutil.copytree(ROOT / "examples" / "short-nights", tmp_path / "short-nights")
    page = RELEASES.read_text(encoding="utf-8")
    commands = list(walked.walk(page, tmp_path, citelog))
    if os.environ.get("CITELOG_ACCEPT"):
        RELEASES.write_text(walked.renewed(page, commands), encoding="utf-8")
        return
    assert len(commands) >= 12
    for command in commands:
        assert command.agrees, f"$ {command.line}\n{command.printed}"


def test_the_statement_that_the_language_page_lays_out(tmp_path: Path) -> None:
    """What an author types, put in place of the statement of the small knowledge base, becomes what the page shows."""
    folder = Path(shutil.copytree(literate.LEAFLET, tmp_path / "leaflet"))
    file = folder / "statements.trig"
    file.write_text(
        re.sub(r"ex:S2 a [^.]*\.\n", lambda _: named("typed"), file.read_text(encoding="utf-8")), encoding="utf-8"
    )
    write(lay_out(folder))
    assert f"\n\n{named('laid-out')}\n" in file.read_text(encoding="utf-8")
