"""The rule language and its messages, tested as documents (literate.py): language/good, language/bad, language/probes.

A new document needs no `answer` block: `CITELOG_ACCEPT=1 ./run-tests tests/test_language.py` writes it, and rewrites
every other that has changed. Read what it wrote before you keep it.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import literate
from citelog.diagnostics import Instead
from citelog.knowledge.check import CODES, check_folder
from citelog.rules.check import check
from citelog.rules.findings import SUGGESTED
from citelog.rules.language import TAGS
from citelog.rules.program import Absent, Program, resting
from citelog.rules.syntax import DEEPEST, parse

FOLDER = Path(__file__).parent / "language"
DOCUMENTS = sorted(path for folder in ("good", "bad", "probes") for path in (FOLDER / folder).glob("*.md"))
ACCEPT = bool(os.environ.get("CITELOG_ACCEPT"))
SECONDS = 20  # of wall-clock time for one document: nothing in them may hang


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Fail where something takes longer (the main thread of a POSIX process only, which is where pytest runs tests)."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"still running after {seconds} s")

    old = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)


def said(path: Path, folder: Path) -> str:
    """What citelog says to a document."""
    text = path.read_text(encoding="utf-8")
    if any(block.kind == "edit" for block in literate.blocks(text)):
        return "".join(f"{d}\n" for d in check_folder(literate.edited(text, folder)))
    return literate.answer(text)


RULES_ALONE = [path for path in DOCUMENTS if path.parent.name == "bad" and "```edit" not in path.read_text("utf-8")]
NAMED = ("undefined-predicate", "undefined-prefix", "unlicensed-negation")


@pytest.mark.parametrize("path", RULES_ALONE, ids=lambda p: p.stem)
def test_a_finding_names_what_it_is_about_and_a_hint_what_to_write_for_what(path: Path) -> None:
    """Editors write what a hint says, and a finding that follows from another is known by what both are about."""
    parts = literate.blocks(path.read_text(encoding="utf-8"))
    known = literate.declared("".join(block.text for block in parts if block.kind == "declare"))
    files = [literate.rule_file(block) for block in parts if block.kind == "rules"]
    written = "".join(text for _, text in files)
    for one in check([parse(text, name) for name, text in files], known.names)[1]:
        assert (one.about or one.code == "syntax") and all(one.about[1:]) and None not in one.about
        assert one.code not in NAMED or (len(one.about) == 2 and one.about[1] in one.text)
        if isinstance(one.hint, Instead):
            assert one.hint.written and one.hint.written in written and f"<{one.hint.written}>" not in one.text
            assert one.hint.right and one.hint.right != one.hint.written


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_document(path: Path, tmp_path: Path) -> None:
    """What a document gives is what its `answer` block says."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# "), "a document opens with a title"
    with limited(SECONDS):
        found = said(path, tmp_path)
    expected = next((b.text for b in literate.blocks(text) if b.kind == "answer"), None)
    if ACCEPT and found != expected:
        literate.accept(path, found)
    else:
        assert expected is not None, "no answer block yet: run with CITELOG_ACCEPT=1"
        assert found == expected


@pytest.mark.parametrize("digits", [400, 401, 5_000])
def test_a_number_that_is_too_long_to_be_read_is_shown_in_part(digits: int) -> None:
    """Up to 400 digits it is shown as it stands, like any number that belongs into a statement."""
    declare = "patient visits(p: patient, n: integer)\nderived low(p: patient)\n"
    rule = f'%%% @convention Long.\n#[name("long")]\nlow(?p) :- visits(?p, ?n), ?n < {"7" * digits} .\n'
    _, program, said = literate.compiled(declare, [("long.rls", rule)])
    told = "7" * digits if digits == 400 else f"{'7' * 20}… of {digits} characters"
    assert said.startswith(f"error[clinical-number]: the number {told} stands in the rule\n")
    assert said.count("error[") == 1
    assert len(program.rules) == (digits == 400), "of a number that nobody reads, none is made"


SAYING = """
%%% Rested, as far as
%%% anything is said.
%%% @cites S1, S2
%%%   S3
%%% @convention Note: the rest
%%% @convention is left out.
%%% @through patient
%%% @assumes tired
%%% @unless ex:ill
%%% @mute
%%% @accept unit-unasked: asked elsewhere: there it is
#[name("rested")]
#[display(f"{?p} is rested.")]
rested(?p) :- patient(?p), ~tired(?p, _, _), ~ex:ill(?p) .

%%% @convention Nothing more is said.
#[name("silent")]
rested(?p) :- tired(?p, _, _) .
"""


def test_what_a_rule_says_of_itself_is_kept() -> None:
    declare = """
        patient patient(p: patient)
        patient tired(p: patient, since: term, why: term)
        patient ex:ill(p: patient)
        derived rested(p: patient)
        statements S1 S2 S3
    """
    rules = f"@prefix ex: <{literate.EX}> .\n{SAYING}"
    _, program, wrong = literate.compiled(declare, [("saying.rls", rules)])
    assert wrong == "" and parse(rules, "saying.rls").file == "saying.rls"
    rested, silent = program.rules
    assert (rested.doc, rested.display) == ("Rested, as far as anything is said.", "{?p} is rested.")
    assert rested.cites == ("S1", "S2", "S3") and rested.convention == "Note: the rest is left out."
    assert rested.through == 0 and rested.muted and rested.licences == ("tired", f"{literate.EX}ill")
    assert [literal.assumed for literal in rested.body if isinstance(literal, Absent)] == [True, False]
    [accepted] = rested.accepts
    assert (accepted.code, accepted.reason) == ("unit-unasked", "asked elsewhere: there it is")
    assert (accepted.span.line, accepted.span.column) == (13, 13)
    assert rested.variables == ("p",) and silent.variables == ("p", "_1", "_2"), "each _ is a variable of its own"
    said = (silent.doc, silent.display, silent.cites, silent.through, silent.muted, silent.licences, silent.accepts)
    assert said == ("", "", (), None, False, (), ())


def test_a_misspelt_word_is_told_what_it_may_mean_where_it_stands() -> None:
    """One word as a statement and as a predicate, each like another; it begins a longer word before it."""
    declare = """
        patient patient(p: patient)
        derived rested(p: patient)
        statements restless
    """
    rules = """@prefix res: <https://example.org/other#> .
%%% @cites restled, restle  restless
#[name("one")]
rested(?p) :- restle(?p), patient(?p), re:b(?p) .

%%% @convention So is everybody.
%%% @accept rule-subsumed:
#[name("two")]
rested(?p) :- patient(?p) .
"""
    _, _, told = literate.compiled(declare, [("words.rls", rules)])
    lines = told.splitlines()
    places = [(line.index("^") - 4, lines[i + 1].strip()) for i, line in enumerate(lines) if line.strip() == "^"]
    assert places == [
        (11, "= did you mean restless?"),
        (20, "= did you mean restless?"),
        (14, "= did you mean rested?"),
        (39, "= did you mean res?"),
        (0, f"= {TAGS['accept']}"),
    ]


def test_what_a_misspelt_variable_may_mean_depends_on_what_its_own_rule_binds() -> None:
    """In the head, and in the sentence, which tells of so many variables as fit on some lines."""
    declare = "patient older(p: patient, other: patient)\npatient patient(p: patient)\nderived rested(p: patient)"
    many = ", ".join(f"patient(?pupil{i:03})" for i in range(50))
    rules = f"""%%% @convention a
#[name("one")] #[display(f"{{?pupyl}}")]
rested(?pupyl) :- patient(?pupil) .
%%% @convention a
#[name("two")] #[display(f"{{?pupyl}}")]
rested(?pupyl) :- older(?pupils, ?x) .
%%% @convention a
#[name("three")] #[display(f"{{?zzz}}")]
rested(?pupil000) :- {many} .
"""
    _, _, told = literate.compiled(declare, [("variables.rls", rules)])
    hints = [line.strip() for line in told.splitlines() if line.startswith("   = ")]
    assert hints[:4] == [f"= did you mean ?{name}?" for name in ("pupil", "pupil", "pupils", "pupils")]
    [binds] = hints[4:]
    assert binds.startswith("= the rule binds ?pupil000, ?pupil001, ") and 350 < len(binds) < 410


def test_a_likely_word_is_looked_for_so_often_that_somebody_may_read_them_all() -> None:
    declare = "patient patient(p: patient)\nderived rested(p: patient)\nstatements restless"
    words = " ".join(f"restles{i:03}" for i in range(SUGGESTED + 1))
    rules = f'%%% @cites {words}\n#[name("one")]\nrested(?p) :- patient(?p) .\n'
    _, _, told = literate.compiled(declare, [("words.rls", rules)])
    hints = [line.strip() for line in told.splitlines() if line.startswith("   = ")]
    assert hints == ["= did you mean restless?"] * SUGGESTED + ["= is the statement in statements.trig?"]


def test_a_file_may_begin_with_an_empty_line() -> None:
    """A slip in its second rule is told one line down, in the same column."""
    text = "low(?p) :- patient(?p) . low(?p) :- .\n"
    spans = [parse(before + text, "a.rls").diagnostics[0].span for before in ("", "\n")]
    assert [(span.line, span.column) for span in spans] == [(1, 37), (2, 37)]


NEEDS = """
        patient seen(x: term, n: integer)
        patient told(x: term, n: integer)
        derived a(x: term)
        derived b(x: term)
        derived c(x: term)
        derived d(x: term)
        derived e(x: term)
        derived far(x: term, n: integer)
        knowledge known(x: term)
        statements S1
"""


def ruled(*rules: str) -> Program:
    """A program of rules that are named by their places."""
    text = ""
    for i, one in enumerate(rules):
        text += "".join(f"%%% @unless {name}\n" for name in re.findall(r"~(\w+)", one))
        text += f'%%% @cites S1\n#[name("r{i}")]\n{one} .\n\n'
    _, program, wrong = literate.compiled(NEEDS, [("a.rls", text)])
    assert wrong == ""
    return program


def test_a_filter_is_run_as_soon_as_its_variables_are_known() -> None:
    program = ruled("a(?x) :- seen(?x, ?n), told(?x, ?n), ?n < 1")
    assert program.rules[0].plan == (0, 2, 1)


@settings(max_examples=25, deadline=None)
@example(list("dcabe"), [{"known", "seen", "told"}, {"seen"}, {"seen"}, {"told"}, {"known"}])
@given(st.permutations("abcde"), st.lists(st.sets(st.sampled_from(["seen", "told", "known"]), min_size=1), min_size=5))
def test_what_does_not_need_each_other_is_run_in_the_order_of_the_files(
    heads: list[str], reads: list[set[str]]
) -> None:
    """Of one predicate and of none that a patient can change alike: solvers are given rules in that order."""
    bodies = {"seen": "seen(?x, _)", "told": "told(?x, _)", "known": "known(?x)"}
    program = ruled(
        *(
            f"{head}(?x) :- {', '.join(bodies[one] for one in sorted(each))}"
            for head, each in zip(heads, reads, strict=False)
        )
    )
    for components in (program.fixed, program.open):
        assert [n for one in components for n in one.rules] == sorted(n for one in components for n in one.rules)
    open_ = {head for head, each in zip(heads, reads, strict=False) if each != {"known"}}
    assert program.changing == {"seen", "told"} | open_


def test_a_rule_rests_on_every_rule_of_what_it_reads_or_finds_absent() -> None:
    program = ruled(
        "a(?x) :- b(?x), ~c(?x)",
        "b(?x) :- seen(?x, _)",
        "b(?x) :- b(?x), d(?x)",
        "c(?x) :- told(?x, ?n), ?n < 1",
        "d(?x) :- known(?x)",
        "e(?x) :- a(?x)",
    )

    def under(head: str) -> list[str]:
        return [rule.name for rule in resting(program, lambda rule: rule.predicate == head).rules]

    assert [under(head) for head in "abcde"] == [
        ["r0", "r1", "r2", "r3", "r4"],
        ["r1", "r2", "r4"],
        ["r3"],
        ["r4"],
        ["r0", "r1", "r2", "r3", "r4", "r5"],
    ]
    assert resting(program, lambda rule: False).rules == ()


def test_a_rule_rests_on_none_that_gives_another_constant_than_it_reads() -> None:
    program = ruled(
        "a(?x) :- far(?x, 1)",
        "b(?x) :- far(?x, ?n), ?n < 1",
        "c(?x) :- seen(?x, _), ~far(?x, 0)",
        "far(?x, 1) :- known(?x)",
        "far(?x, 0) :- known(?x)",
        "far(?x, ?n) :- told(?x, ?n)",
    )

    def under(head: str) -> list[str]:
        return [rule.name for rule in resting(program, lambda rule: rule.predicate == head).rules]

    assert [under(head) for head in "abc"] == [
        ["r0", "r3", "r5"],
        ["r1", "r3", "r4", "r5"],
        ["r2", "r4", "r5"],
    ]


@pytest.mark.parametrize(("before", "after"), [("(", " + 1)"), ("(1 + ", ")")], ids=["left", "right"])
def test_a_hundred_operations_within_each_other_are_read_and_no_more(before: str, after: str) -> None:
    def read(deep: int) -> list[tuple[int, str]]:
        found = parse(f"a(?x) :- b(?x), ?x < {before * deep}2{after * deep} .", "a.rls")
        return [(one.span.column, one.message) for one in found.diagnostics]

    assert read(DEEPEST) == []
    [(column, message)] = read(DEEPEST + 1)
    assert message == "more than 100 operations stand within each other"
    assert column == 22 + DEEPEST * len(before) + 1  # where the innermost one begins, in its parentheses


def test_of_rules_on_one_line_each_has_its_columns() -> None:
    found = parse("%%% One.\na(?x) . b(?x) :- c(?x) .  d(?y) :-\n  e(?y) .", "a.rls")
    assert [(rule.span.line, rule.span.column) for rule in found.rules] == [(2, 1), (2, 9), (2, 27)]
    spans = [one.span for rule in found.rules for one in rule.body or ()]
    assert [(span.line, span.column) for span in spans] == [(2, 18), (3, 3)]


def test_documents_were_found() -> None:
    """A pattern that matches nothing would pass in silence."""
    counts = {name: sum(p.parent.name == name for p in DOCUMENTS) for name in ("good", "bad", "probes")}
    assert counts["bad"] >= 40 and counts["probes"] >= 20 and counts["good"] >= 5, counts


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_has_a_document(code: str) -> None:
    """bad/CODE.md shows how a finding reaches its author: what, where, and what to try."""
    path = FOLDER / "bad" / f"{code}.md"
    assert path.is_file(), f"write {path.relative_to(FOLDER)}"
    answer = next(b.text for b in literate.blocks(path.read_text(encoding="utf-8")) if b.kind == "answer")
    assert f"[{code}]:" in answer
    for finding in answer.split("\nerror[")[0:]:
        assert "\n   = " in finding, f"no hint: {finding}"


def test_the_unbroken_leaflet_is_sound(tmp_path: Path) -> None:
    """So whatever a document reports, its own edit has caused."""
    assert check_folder(literate.edited("", tmp_path)) == ()
