"""Exported programs derive what citelog derives, exported datasets hold what it holds, and both still cite.

clingo, Nemo and SWI-Prolog are given whole exported files, and every fact of every predicate is compared. Soufflé is
not run: no Soufflé can be installed where these tests run, and the module says so.
"""

from __future__ import annotations

import datetime
import random
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import pyoxigraph
import pytest
import rdflib
from click.testing import CliRunner

import b12
import exported
from citelog import patient
from citelog.assess import assess, assess_case
from citelog.cli import exporting
from citelog.cli.console import guarded
from citelog.diagnostics import CitelogError
from citelog.export import forms, programs, subject
from citelog.export.datalog import Translation
from citelog.export.exact import ExportError
from citelog.export.subject import Subject
from citelog.render import prov
from citelog.run.datalog import Machine
from citelog.run.result import Run
from citelog.values import Atom
from commits import at_each_commit
from literate import EX
from oracle.random_cases import random_at, random_case
from random_programs import drawn

ROOT = Path(__file__).parent.parent
NAMES = sorted(b12.library())
needs_swipl = pytest.mark.skipif(not exported.SWIPL, reason="swipl is not installed (Debian: swi-prolog-nox)")


def of_case(name: str) -> Subject:
    """A case of the library, to be exported."""
    found = b12.assessed(name)
    return Subject(b12.knowledge(), b12.FOLDER, found, found.at)


def of_drawn(seed: int) -> Subject:
    """A drawn case, to be exported."""
    rng = random.Random(f"export {seed}")
    case = patient.read(random_case(rng), b12.knowledge().terms)
    found = assess_case(b12.knowledge(), case, random_at(rng))
    return Subject(b12.knowledge(), b12.FOLDER, found, found.at)


def example(value: object = 80, at: str | None = None) -> Subject:
    """A case with one result."""
    record = {"id": "one", "labs": [{"analyte": "serum vitamin B12", "value": value, "unit": "pmol/L"}]}
    found = assess(b12.knowledge(), record, at)
    return Subject(b12.knowledge(), b12.FOLDER, found, found.at)


ALONE = Subject(b12.knowledge(), b12.FOLDER)


def program(name: str, of: Subject) -> tuple[str, Translation, Run]:
    """An exported program, its translation, and what citelog derives."""
    [file] = forms.export(name, of)
    assert of.assessment
    return file.text, programs.translated(programs.LANGUAGES[name], of), of.assessment.run


# the systems derive the same


def clingo_differs(of: Subject) -> set[str]:
    text, translation, run = program("clingo", of)
    return exported.ours(run, translation) ^ exported.clingo(text, translation)


def nemo_differs(of: Subject) -> set[str]:
    text, translation, run = program("nemo", of)
    return exported.derived(run, translation) ^ exported.nemo(text, translation)


def swi_differs(of: Subject, folder: Path) -> set[str]:
    text, translation, run = program("swi", of)
    return exported.derived(run, translation) ^ exported.swi(text, translation, folder)


@pytest.mark.parametrize("part", at_each_commit(range(12), every=12))
def test_clingo_has_the_same_model_for_every_case_of_the_library(part: int) -> None:
    assert not {name: found for name in NAMES[part::12] if (found := clingo_differs(of_case(name)))}


@pytest.mark.parametrize("seed", at_each_commit(range(4), every=4))
def test_clingo_has_the_same_model_for_drawn_cases(seed: int) -> None:
    assert not {n: found for n in range(30) if (found := clingo_differs(of_drawn(30 * seed + n)))}


@pytest.mark.slow
@pytest.mark.parametrize("part", at_each_commit(range(10), every=10))
def test_nemo_derives_the_same_from_the_exported_text(part: int) -> None:
    assert not {name: found for name in NAMES[part::30] if (found := nemo_differs(of_case(name)))}
    assert not {n: found for n in range(3) if (found := nemo_differs(of_drawn(100 * part + n)))}


@needs_swipl
@pytest.mark.slow
@pytest.mark.parametrize("part", at_each_commit(range(8), every=8))
def test_swi_prolog_derives_the_same_from_the_exported_text(part: int, tmp_path: Path) -> None:
    assert not {name: found for name in NAMES[part::16] if (found := swi_differs(of_case(name), tmp_path))}
    assert not {n: found for n in range(15) if (found := swi_differs(of_drawn(1000 * part + n), tmp_path))}


@pytest.mark.long
def test_every_system_agrees_on_a_thousand_drawn_cases(tmp_path: Path) -> None:
    for n in range(1000):
        of = of_drawn(10_000 + n)
        assert not clingo_differs(of) | nemo_differs(of), n
        assert not (exported.SWIPL and swi_differs(of, tmp_path)), n


def test_a_difference_would_be_seen(tmp_path: Path) -> None:
    """One fact less of the record, one rule more: each changes what the systems derive."""
    text, translation, run = program("clingo", of_case(NAMES[5]))
    without = re.sub(r"(?m)^result_value\(.*\n", "", text)
    assert exported.ours(run, translation) ^ exported.clingo(without, translation)
    text, translation, run = program("nemo", of_case(NAMES[5]))
    more = text + "no_basis(?p) :- patient(?p) .\n"
    assert exported.derived(run, translation) ^ exported.nemo(more, translation)
    if exported.SWIPL:
        text, translation, run = program("swi", of_case(NAMES[5]))
        assert exported.derived(run, translation) ^ exported.swi(text + "no_basis(nobody).\n", translation, tmp_path)


# programs of every kind, not only those that medicine has needed so far


def bare(translation: Translation, facts: list[Atom]) -> str:
    """A program without its comments."""
    used = set(translation.used)
    return "\n".join(
        [
            *translation.language.declarations(translation),
            *translation.rules(),
            translation.facts(a for a in facts if a.predicate in used),
        ]
    )


def drawn_differs(language: str, seed: int, ran: Callable[[str, Translation], set[str]]) -> set[str] | None:
    """What differs for a drawn program; None where the language refuses it."""
    case = drawn(random.Random(seed))
    stated = {a: () for a in case.facts if case.program.predicates[a.predicate].layer == "knowledge"}
    run = Machine(case.program, stated).run([(a, None) for a in case.facts if a not in stated])
    model = [atom for predicate in run.facts for atom in run.atoms(predicate)]
    try:
        translation = Translation(programs.LANGUAGES[language], case.program, model, {"ex": EX})
        text = bare(translation, list(case.facts))
    except ExportError:
        return None
    whole = exported.ours if language == "clingo" else exported.derived
    return whole(run, translation) ^ ran(text, translation)


@pytest.mark.parametrize("first", at_each_commit((0, 150)))
@pytest.mark.parametrize(
    ("language", "ran", "least"),
    [("clingo", exported.clingo, 50), ("nemo", exported.nemo, 60)],
    ids=["clingo", "nemo"],
)
def test_drawn_programs_are_the_same_or_refused(language: str, ran: Any, least: int, first: int) -> None:
    """Recursion, absences, aggregates, dates, decimals that hurt: whatever is exported derives the same."""
    found = {seed: drawn_differs(language, seed, ran) for seed in range(first, first + 150)}
    assert not {seed: different for seed, different in found.items() if different}
    assert sum(different is not None for different in found.values()) > least


@needs_swipl
def test_drawn_programs_are_the_same_in_swi_prolog_division_and_all(tmp_path: Path) -> None:
    found = {n: drawn_differs("swi", n, lambda text, t: exported.swi(text, t, tmp_path)) for n in range(1000, 1060)}
    assert not {seed: different for seed, different in found.items() if different}
    assert sum(different is not None for different in found.values()) > 40


@needs_swipl
@pytest.mark.parametrize(
    ("above", "below"), [("1", "3"), ("2", "3"), ("-2", "3"), ("1", "7"), ("0", "5"), ("1e40", "7"), ("1", "3e40")]
)
def test_a_quotient_has_34_digits_in_swi_prolog_as_here(above: str, below: str, tmp_path: Path) -> None:
    from literate import compiled

    declare = "knowledge ex:a(x: term, value: number)\nknowledge ex:b(x: term, value: number)\n"
    declare += "derived quotient(x: term, value: number)\n"
    rules = f'@prefix ex: <{EX}> .\n%%% @convention A probe.\n#[name("q")]\n'
    rules += "quotient(?x, ?q) :- ex:a(?x, ?a), ex:b(?x, ?b), ?q = ?a / ?b .\n"
    _, checked, wrong = compiled(declare, [("a.rls", rules)])
    assert not wrong
    from citelog.values import Iri

    facts = [Atom(EX + "a", (Iri(EX + "x"), Decimal(above))), Atom(EX + "b", (Iri(EX + "x"), Decimal(below)))]
    run = Machine(checked, dict.fromkeys(facts, ())).run([])
    assert list(run.atoms("quotient"))
    translation = Translation(programs.LANGUAGES["swi"], checked, (), {"ex": EX})
    assert exported.derived(run, translation) == exported.swi(bare(translation, facts), translation, tmp_path)


# nothing is rounded, and what cannot be said is refused


@pytest.mark.parametrize("value", ["99.9999", "100.0000", "0.000001", "299.999999"])
def test_a_value_keeps_every_decimal(value: str, tmp_path: Path) -> None:
    of = example(value)
    assert not clingo_differs(of) | nemo_differs(of)
    assert not (exported.SWIPL and swi_differs(of, tmp_path))


def test_what_32_bits_cannot_hold_is_refused_and_prolog_holds_it(tmp_path: Path) -> None:
    of = example("12345678901.25")
    with pytest.raises(ExportError, match="beyond its whole numbers, which end at 2147483647\n   = try --to swi"):
        forms.export("clingo", of)
    assert not nemo_differs(of)
    assert not (exported.SWIPL and swi_differs(of, tmp_path))


def test_what_would_only_overflow_on_the_way_is_refused_too() -> None:
    """3000000 fits, and so does 1000; the rules multiply them to bring nmol/L to pmol/L."""
    record = {"id": "one", "labs": [{"analyte": "serum vitamin B12", "value": 3000000, "unit": "nmol/L"}]}
    found = assess(b12.knowledge(), record)
    with pytest.raises(ExportError, match="beyond its whole numbers"):
        forms.export("clingo", Subject(b12.knowledge(), b12.FOLDER, found))


@pytest.mark.parametrize("name", programs.LANGUAGES)
def test_without_a_case_the_decimals_that_are_kept_are_said(name: str) -> None:
    [file] = forms.export(name, ALONE)
    assert ("result_value, value: by 1000" in file.text.casefold()) == (name != "swi")
    assert not re.search(r"(?im)^\W*result_value\(", file.text)


# it still cites


@pytest.mark.parametrize("name", programs.LANGUAGES)
def test_each_rule_carries_the_sentences_that_it_encodes(name: str) -> None:
    language = programs.LANGUAGES[name]
    [file] = forms.export(name, ALONE)
    plain = re.sub(rf"\n{re.escape(language.comment)}     *", " ", file.text)
    for rule in b12.knowledge().program.rules:
        start = plain.index(f"{language.comment} {rule.name} (")
        block = plain[start : plain.index(":-", start)]
        for id_ in rule.cites:
            words = " ".join(b12.knowledge().statements[id_].quote.split())
            assert f"@cites {id_} “{words}”" in block
        assert ("@convention" in block) == bool(rule.convention)


@pytest.mark.parametrize("name", programs.LANGUAGES)
def test_each_fact_names_its_statements_or_its_entry(name: str) -> None:
    [file] = forms.export(name, of_case(NAMES[5]))
    assert re.search(r"(?i)lowEnd\W.*  (%|//) R04 R14$", file.text, re.M)
    assert re.search(r"(?i)^result_value\(.*  (%|//) f1 labs\[0\]: ", file.text, re.M)


@pytest.mark.parametrize("form", forms.FORMS)
def test_every_file_says_what_it_is(form: str) -> None:
    for of in (ALONE, example(80, "2026-03-15")):
        for file in forms.export(form, of):
            for line in subject.heading("", of):
                assert line[:60] in file.text
            for told in (b12.knowledge().sha256, b12.knowledge().version, "Licence:"):
                assert told in file.text
            assert ("as confidential" in file.text) == (of is not ALONE)
            assert ("assessed on 2026-03-15" in file.text) == (of is not ALONE)


@pytest.mark.parametrize("form", forms.FORMS)
def test_the_same_gives_the_same_bytes(form: str) -> None:
    record = (ROOT / "examples" / "patient.yaml").read_text(encoding="utf-8")
    once, again = (
        forms.export(
            form, Subject(b12.knowledge(), b12.FOLDER, assess(b12.knowledge(), ROOT / "examples/patient.yaml"))
        )
        for _ in range(2)
    )
    assert once == again
    assert record not in once[0].text


def test_souffle_declares_every_relation_that_its_rules_name() -> None:
    """All that can be said without running it."""
    [file] = forms.export("souffle", of_case(NAMES[5]))
    code = re.sub(r"\s*//.*", "", re.sub(r'"(?:\\.|[^"\\])*"', '""', file.text))
    declared = dict(re.findall(r"(?m)^\.decl (\w+)\((.*)\)$", code))
    for name, arguments in re.findall(r"(?<![.\w])([A-Z]\w*)\(([^()]*)\)", re.sub(r"(?m)^\.decl.*$", "", code)):
        assert len(arguments.split(",")) == len(declared[name].split(",")), name
    assert code.count(":-") >= len(b12.knowledge().program.rules)
    assert "Nobody has run this export" in file.text


# RDF


def quads(text: str, format_: pyoxigraph.RdfFormat) -> set[Any]:
    return set(pyoxigraph.parse(text, format=format_))


@pytest.mark.parametrize("of", [ALONE, of_case(NAMES[5])], ids=["alone", "case"])
def test_n_quads_and_trig_are_one_dataset(of: Subject) -> None:
    [nquads], [trig] = forms.export("nquads", of), forms.export("trig", of)
    whole = quads(nquads.text, pyoxigraph.RdfFormat.N_QUADS)
    assert whole == quads(trig.text, pyoxigraph.RdfFormat.TRIG)
    other = rdflib.Dataset()
    other.parse(data=trig.text, format="trig")
    assert len(list(other.quads())) == len(whole)


def test_each_statement_is_a_named_graph_as_its_author_wrote_it() -> None:
    [file] = forms.export("nquads", ALONE)
    whole = quads(file.text, pyoxigraph.RdfFormat.N_QUADS)
    written = pyoxigraph.parse(
        (b12.FOLDER / "statements.trig").read_text(encoding="utf-8"), format=pyoxigraph.RdfFormat.TRIG
    )
    named = pyoxigraph.Store()  # which keeps 100.0 and 100 as one decimal
    named.extend(q for q in written if isinstance(q.graph_name, pyoxigraph.NamedNode))
    assert {q for q in whole if isinstance(q.graph_name, pyoxigraph.NamedNode)} == set(named)
    assert {g.value.rpartition("#")[2] for g in named.named_graphs()} >= set(b12.knowledge().statements)


def test_with_a_case_the_dataset_holds_its_proofs() -> None:
    of = of_case(NAMES[5])
    assert of.assessment
    [file] = forms.export("nquads", of)
    told = {(q.subject.value, q.predicate.value) for q in quads(file.text, pyoxigraph.RdfFormat.N_QUADS)}
    assert {(str(s), str(p)) for s, p, _ in prov.graph(of.assessment)} <= told


# the command


def run(*arguments: str) -> tuple[int, str, str]:
    """The status of `citelog export`, its output and its messages."""
    runner = CliRunner()

    @click.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
    @click.pass_context
    def call(context: click.Context) -> None:
        status = guarded(lambda: exporting.export.main(context.args, standalone_mode=False), debug=False)
        context.exit(status)

    done = runner.invoke(call, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_the_command_prints_or_writes_the_files(tmp_path: Path) -> None:
    case = str(ROOT / "examples" / "patient.yaml")
    status, printed, _ = run("--to", "clingo", "--case", case)
    assert status == 0
    status, nothing, told = run("--to", "clingo", "--case", case, "--out", str(tmp_path / "new"))
    assert (status, nothing) == (0, "") and "1 file written" in told
    [path] = (tmp_path / "new").iterdir()
    assert path.name == "b12-example-1.lp"
    assert path.read_text(encoding="utf-8") == printed


@pytest.mark.parametrize("form", forms.FORMS)
def test_a_hostile_name_leaves_neither_the_folder_nor_its_comment(form: str, tmp_path: Path) -> None:
    record = {"id": "../../x\ntreat(nobody).", "findings": [{"name": "fatigue", "state": "present\nno_basis(me)."}]}
    found = assess(b12.knowledge(), record)
    for file in forms.export(form, Subject(b12.knowledge(), b12.FOLDER, found)):
        assert (tmp_path / file.name).resolve().parent == tmp_path.resolve()
        assert not re.search(r"(?im)^\s*(treat\(nobody|no_basis\(me)", file.text)


def test_the_command_refuses_what_it_cannot_use(tmp_path: Path) -> None:
    for arguments, words in [
        (("--to", "prolog"), "is not one of"),
        (("--to", "swi", "--case", "nobody.yaml"), "nobody.yaml"),
        (("--to", "nanopub", "--at", "yesterday"), "is not a day"),
        (("--to", "swi", "--out", str(b12.FOLDER / "about.ttl")), "the folder cannot be made"),
    ]:
        status, printed, told = run(*arguments)
        assert (status, printed) == (2, "") and words in told


def test_the_command_names_every_form() -> None:
    assert set(exporting.FORMS) == {*forms.FORMS, "archive"}
    with pytest.raises(CitelogError, match="did you mean clingo"):
        forms.export("clinga", ALONE)


def test_the_days_of_a_case_are_day_numbers() -> None:
    of = example(80, "2026-03-15")
    [file] = forms.export("swi", of)
    assert f"evaluation_day('urn:citelog:patient:1',{datetime.date(2026, 3, 15).toordinal()})." in file.text
