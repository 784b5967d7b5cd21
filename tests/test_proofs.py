"""Proofs: transcripts that a person reads, and what holds for the proof of every conclusion."""

from __future__ import annotations

import json
import random
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import networkx as nx
import pytest

import citelog
import literate
import test_checker
from changed_records import spreading
from citelog.assess import Assessment, NotConcludedError, assess
from citelog.checker.model import Model
from citelog.checker.proof import Meanings, judge
from citelog.checker.steps import Steps as CheckerSteps
from citelog.patient.case import Case
from citelog.proof import support
from citelog.proof.graph import Node, Proof, Steps
from citelog.proof.words import Words, called, worded
from citelog.render import proofs
from citelog.rules.program import Absent, Assignment, Comparison, Constant, Expression, Operation, Present, Variable
from citelog.run.datalog import Machine
from citelog.run.result import well_founded
from citelog.values import Atom
from oracle.random_cases import random_at, random_case

ROOT = Path(__file__).parent.parent
SOURCE = next((ROOT / "knowledge" / "b12" / "source").glob("*.txt")).read_text(encoding="utf-8")


TWO_REASONS = {
    "findings": [{"name": "severe deficiency (clinician-assessed)", "state": "present"}],
    "conditions": [{"name": "pernicious anaemia", "state": "present"}],
}
"""A record for which treatment is indicated by two rules."""


@pytest.fixture(scope="module")
def kb() -> citelog.KnowledgeBase:
    return citelog.open("b12")


def told(assessment: Assessment, conclusion: str, width: int = 100, **how: bool) -> list[str]:
    """The lines of a proof as the terminal shows them."""
    return [line.lead + line.text for line in proofs.proof(assessment.why(conclusion), assessment, width=width, **how)]


def test_a_regimen_is_traced_to_the_record_the_rules_and_the_sentences(kb: citelog.KnowledgeBase) -> None:
    assessment = kb.assess(ROOT / "examples" / "patient.yaml")
    shown = "\n".join(told(assessment, "regimen:HYD-STD-LOAD", quotes=True))
    for part in (
        "├─ G06 “For patients without neurological involvement, hydroxocobalamin 1 mg intramuscularly",
        "│  ├─ G01 “Vitamin B12 deficiency typically requires immediate treatment",
        "(From the Guidelines, line 24, uncited; marker 1 inherited from its list)",
        "record: Symptoms attributed to vitamin B12 deficiency: present.  [f3: findings[0]]",
        "record: Neurological involvement: absent.  [f2: findings[1]]",
        "9 exceptions looked for and not found; --all shows",
    ):
        assert part in shown


CITED = re.compile(
    r"\[.*line \d+.*\]$|\(.*line \d+.*\)$|\[f\d+.*\]$|\((shown|quoted) above\)$"
    r"|(gap|by absence|holds|computed|convention): "
)
"""How a line of a proof says where it comes from: a citation, a place in the record, or what kind of step it is."""


def test_a_regimen_is_explained_in_about_eight_lines_and_each_claim_is_cited(kb: citelog.KnowledgeBase) -> None:
    longest = 0
    for assessment in (kb.assess(ROOT / "examples" / "patient.yaml"), *assessments(kb, 40, 8)):
        for conclusion in assessment.conclusions:
            lines = [line for line in told(assessment, conclusion.id, width=10_000) if "─ " in line]
            claims = [line for line in lines if not re.search(r"─ (by )?.*\(\S+\.rls:\d+\)$", line)]
            assert [line for line in claims if not CITED.search(line) and "stated: " not in line] == []
            if conclusion.kind == "regimen" and conclusion.details["step"] != "done":
                longest = max(longest, len(lines))
    assert longest <= 30, "with doses, dates and a level in it; the plain ones are below"
    plain = kb.assess(ROOT / "examples" / "patient.yaml")
    assert all(len(told(plain, c.id, width=10_000)) <= 14 for c in plain.conclusions if c.kind == "regimen")


def test_a_value_that_a_rule_only_gives_a_name_is_told_by_that_name(kb: citelog.KnowledgeBase) -> None:
    shown = told(kb.assess(ROOT / "examples" / "patient.yaml"), "regimen:HYD-STD-LOAD", width=10_000, every=True)
    (named,) = [line for line in shown if "three times a week, 2 weeks" in line and "computed" in line]
    assert "computed: ?step is hydroxocobalamin, 1 mg, intramuscular, three times a week, 2 weeks." in named


def test_every_reason_of_a_conclusion_is_shown_and_what_other_ways_there_are_below_it_is_counted(
    kb: citelog.KnowledgeBase,
) -> None:
    found = kb.assess(TWO_REASONS)
    both = "\n".join(told(found, "treat:indicated", width=10_000))
    assert "← treat-pernicious-anaemia" in both and "← treat-severe-deficiency" in both and "other way" not in both
    for conclusion, how in (("monitoring:MO-B12-REGULAR", {}), ("treat:indicated", {"shortest": True})):
        assert "of 1 other way to what is shown;" in " ".join(told(found, conclusion, width=10_000, **how))


def test_the_shortest_proof_is_one_way_to_each_step(kb: citelog.KnowledgeBase) -> None:
    for assessment in assessments(kb, 20, 9):
        for conclusion in assessment.conclusions:
            whole = assessment.why(conclusion.id)
            short = whole.shortest()
            assert set(short.order) <= set(whole.order) and short.conclusion == conclusion.id
            facts = [n for n in nodes(short) if n.kind in ("derived", "conclusion")]
            assert all(len(short.used_by(fact.id)) == 1 for fact in facts)
            firings = (n for n in nodes(short) if n.kind == "firing")
            assert all(short.used_by(f.id) == whole.used_by(f.id) for f in firings)


def test_the_shortest_proof_is_the_one_that_the_fewest_steps_stand_under(kb: citelog.KnowledgeBase) -> None:
    """Counted anew, step by step; every rule whose words are the conclusion's can be kept, and no other way is."""
    chosen = kept = 0
    for assessment in (*assessments(kb, 20, 9), kb.assess(TWO_REASONS)):
        for conclusion in assessment.conclusions:
            whole = assessment.why(conclusion.id)
            least: dict[str, int] = {}
            for id_ in nx.topological_sort(whole.graph):
                below = [least[used.id] for used in whole.used_by(id_)]
                ways = whole.node(id_).kind in ("derived", "conclusion") and below
                least[id_] = 1 + (min(below) if ways else sum(below))
            short, open_ = whole.shortest(), whole.shortest(root=False)
            for proof in (short, open_):
                for node in nodes(proof):
                    ways, taken = whole.used_by(node.id), proof.used_by(node.id)
                    speaks = node.id == whole.root or {f.details.get("rule") for f in ways} & set(conclusion.rules)
                    if node.kind in ("derived", "conclusion") and not (proof is open_ and speaks):
                        assert [least[f.id] for f in taken] == [min(least[f.id] for f in ways)]
                        chosen += len({least[f.id] for f in ways}) > 1
            assert open_.used_by(whole.root) == whole.used_by(whole.root)
            assert set(conclusion.rules) <= {n.details["rule"] for n in nodes(open_) if n.kind == "firing"}
            kept += len(open_.used_by(whole.root)) == 1 < len(conclusion.rules)
    assert chosen and kept


ALIKE = """
```declare
patient   seen(x: term)
patient   ex:seen(x: term)
derived   gone(x: term)
derived   alike(x: term)
derived   many(n: integer)
terms     ex:a ex:b cl:a
statements S1
```
```rules
@prefix ex: <https://example.org/kb#> .
@prefix cl: <https://w3id.org/citelog#> .

%%% @cites S1
%%% @unless gone
#[name("alike")]
alike(?x) :- seen(?x), ex:seen(?x), ~gone(?x), ?x != ex:b, ?x = ?x, ?y = ?x .

%%% @cites S1
#[name("many")]
many(#count(?x)) :- alike(?x), ?one = 1 .
```
"""
SPELT = """
many(2)
many[?x = a, ?one = 1; ?x = a, ?one = 1]
alike(a)
= 1 = 1
alike(a) (2)
alike[?x = a, ?y = a] (2)
alike[?x = a, ?y = a]
seen(a) (3)
seen(a) (4)
~gone(a) (2)
? “a” is not “b” (2)
? “a” is “a” (2)
= a = a (2)
seen(a)
seen(a) (2)
~gone(a)
? “a” is not “b”
? “a” is “a”
= a = a
"""


def test_two_things_that_are_spelt_alike_are_two_steps() -> None:
    """Ids are for people: two terms and two predicates of one local name are not merged, nor what is said of them."""
    declare, rules = literate.blocks(ALIKE)
    known, program, wrong = literate.compiled(declare.text, [("a.rls", rules.text)])
    assert not wrong
    given = literate.facts("seen(ex:a)\nseen(cl:a)\nex:seen(ex:a)\nex:seen(cl:a)", known)
    base, ran = test_checker.knowledge(program, {}), Machine(program, {}).run([(fact, None) for fact in given])
    proof = Steps(base, Case("alike", ""), ran, Words(base, {})).prove("many", Atom("many", (2,)))
    assert list(proof.order) == SPELT.strip().split("\n")
    meanings = Meanings.of(Model.of(program, given))
    faults = judge(proof.to_dict(), meanings, CheckerSteps(base, dict.fromkeys(given), {}))
    assert list(faults) == []


def test_what_rests_on_itself_is_walked_through_once() -> None:
    """From anywhere in a circle one comes back to where one began; told is what is assumed in the proof."""
    declare = "patient next(x: term, y: term)\nderived shut(x: term)\nderived way(x: term, y: term)\nterms ex:a ex:b"
    rules = """@prefix ex: <https://example.org/kb#> .

%%% @convention A step.
%%% @assumes shut
#[name("step")]
way(?x, ?y) :- next(?x, ?y), ~shut(?y) .

%%% @convention A way.
#[name("way")]
way(?x, ?z) :- way(?x, ?y), way(?y, ?z) .
"""
    known, program, wrong = literate.compiled(declare, [("a.rls", rules)])
    assert not wrong
    given = literate.facts("next(a, b)\nnext(b, a)", known)
    base, way = test_checker.knowledge(program, {}), Atom("way", given[0].args)
    ran, words = Machine(program, {}).run([(fact, None) for fact in given]), Words(base, {})
    told = support.Supports(ran, words).of(way).assumes
    assert [text for text, _ in told] == ["no shut(b)"]
    proof = Steps(base, Case("circle", ""), ran, words).prove("way", way)
    assert proof.order == ("way(a, b)", "step[?x = a, ?y = b]", "next(a, b)", "~shut(b)")


def test_what_held_later_is_a_reason_where_it_is_no_circle_whoever_was_asked_before() -> None:
    """A fact that held earlier rests on a later one, which does not come back to it; others were asked about first."""
    declare = "patient first(x: term)\npatient next(x: term, y: term)\nderived on(x: term)\n"
    declare += f"terms {' '.join(f'ex:{name}' for name in 'sma cdef'.replace(' ', ''))}"
    rules = """@prefix ex: <https://example.org/kb#> .

%%% @convention Where one begins.
#[name("first")]
on(?x) :- first(?x) .

%%% @convention One step on.
#[name("next")]
on(?y) :- on(?x), next(?x, ?y) .
"""
    known, program, wrong = literate.compiled(declare, [("a.rls", rules)])
    assert not wrong
    steps = ("s m", "m a", "a c", "c d", "d e", "e f")
    stated = ["first(s)", "first(c)", *(f"next({', '.join(step.split())})" for step in steps)]
    given = literate.facts("\n".join(stated), known)
    on = {fact.args[-1].local: Atom("on", fact.args[-1:]) for fact in given}
    for asked in "a", "af", "afc", "m":
        ran = Machine(program, {}).run([(fact, None) for fact in given])
        assert len({ran.circle(on[name]) for name in asked}) == len(asked)
        ways = {name: [firing.number for firing in well_founded(ran, on[name])] for name in on}
        assert ways == {name: [0] if name == "s" else [0, 1] if name == "c" else [1] for name in on}


def test_under_facts_are_the_records_of_their_proofs(kb: citelog.KnowledgeBase) -> None:
    for seed in range(20):
        rng = random.Random(f"touched {seed}")
        found = kb.assess(random_case(rng), at=random_at(rng))
        run, atoms = found.run, [conclusion.atom for conclusion in found.conclusions]
        supports = support.Supports(run, found.words)
        assert support.touched(run, atoms) == {record for atom in atoms for record in supports.of(atom).records}


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("conflict", "CP13", "For life vs individualised by cause / initial only"),
        ("regimen", "HYD-STD-LOAD", "hydroxocobalamin, 1 mg, intramuscular, three times a week, 2 weeks"),
        ("status", "below_all_cutoffs", "below all quoted cut-offs"),
        ("caution", "CA-INDIVIDUALISE", "individualised by cause"),
        ("neuro", "present", ""),
        ("neuro", "not_recorded", ""),
        ("neuro", "of_no_such_name", ""),
        ("conflict", "of_no_such_name", ""),
        ("regimen", "of_no_such_name", ""),
        ("status", "CP13", ""),
        ("caution", "HYD-STD-LOAD", ""),
    ],
)
def test_a_value_is_put_in_words_where_they_say_more(
    kind: str, value: str, words: str, kb: citelog.KnowledgeBase
) -> None:
    kinds = {one.name: one for one in kb.knowledge.kinds}
    assert worded(value, kinds[kind], kb.knowledge) == words


def test_what_is_open_reads_any_and_in_an_absence_none(kb: citelog.KnowledgeBase) -> None:
    """A rule, a fact, an absence and a comparison of no patient in particular."""
    words, rules = Words(kb.knowledge, {}), {rule.name: rule for rule in kb.knowledge.program.rules}
    assert words.rule(rules["status-unusable-results"], {}) == "Any r: any issue."
    assert words.bound("last_day_seen", {}) == "any last day seen"
    assert words.pattern("result_value", (None, None, Decimal("80.0"))) == "the value of any record is 80"
    assert words.absence("result_bound", (None, None, None, None)) == "no record has any bound"
    (compared,) = (x for x in rules["treat-maintenance"].body if isinstance(x, Comparison))
    assert words.comparison(compared, {}) == "“any neuro” is not “present”"
    numbers = Comparison("<=", Operation("*", Variable("a"), Constant(2)), Variable("most"))
    assert words.comparison(numbers, {"a": 3}) == "3 × 2 <= any most"
    halves = Comparison("<=", Operation("/", Operation("-", Variable("a"), Constant(1)), Constant(2)), Variable("most"))
    assert words.comparison(halves, {"most": 3}) == "(any a − 1) ÷ 2 <= 3"


def test_a_computation_that_reckons_nothing_is_told_apart_from_one_that_does(kb: citelog.KnowledgeBase) -> None:
    answer = kb.assess({"labs": []})
    steps = Steps(kb.knowledge, answer.case, answer.run, Words(kb.knowledge, {}))
    amount, row = Variable("amount"), {"amount": Decimal(80), "one": 1, "two": 2}

    def idle(expression: Expression, value: Decimal) -> str:
        return steps.nodes[steps.compared(Assignment("made", expression), {**row, "made": value})].idle

    once = Operation("*", amount, Variable("one"))
    assert idle(Constant(Decimal(80)), Decimal(80)) == "?made is 80."
    assert idle(once, Decimal(80)) == "80 × 1 = 80."
    assert idle(Operation("*", amount, Variable("two")), Decimal(160)) == ""
    assert idle(Operation("/", amount, Variable("one")), Decimal(80)) == ""
    assert idle(Operation("*", once, Variable("one")), Decimal(80)) == ""
    assert idle(Operation("*", amount, Operation("-", Variable("two"), Variable("one"))), Decimal(80)) == ""
    assert idle(amount, Decimal(80)) == ""


def test_a_conclusion_of_any_patient_is_called_by_its_title_its_fields_its_label_or_its_value(
    kb: citelog.KnowledgeBase,
) -> None:
    kinds = {kind.name: kind for kind in kb.knowledge.kinds}
    names = {
        "conflict:CP08": "Maintenance interval across sources: 2-3 months / 2 months / monthly",
        "regimen:HYD-STD-LOAD": "hydroxocobalamin, 1 mg, intramuscular, three times a week, 2 weeks",
        "treat:no_basis": "no basis in the document",
        "treat:some_other_thing": "some other thing",
    }
    for name, told in names.items():
        kind, _, value = name.partition(":")
        assert called(value, kinds[kind], kb.knowledge) == told


def test_what_rests_on_nothing_being_on_record_says_so(kb: citelog.KnowledgeBase) -> None:
    shown = told(kb.assess({"labs": []}), "treat:undetermined")
    assert [line for line in shown if line.startswith("rests on a gap: ")] == [
        "rests on a gap: no serum B12 result is on record",
        "rests on a gap: symptoms attributed to vitamin B12 deficiency are not recorded",
        "rests on a gap: neurological involvement is not recorded",
    ]
    assert sum("─ gap: " in line for line in shown) == 3


def test_a_comparison_is_a_step_with_both_its_values(kb: citelog.KnowledgeBase) -> None:
    record = {"labs": [{"analyte": "serum vitamin B12", "value": "0.0999", "unit": "nmol/L"}]}
    shown = "\n".join(told(kb.assess(record), "status:below_all_cutoffs"))
    assert "computed: 0.0999 × 1000 = 99.9." in shown
    assert "stated: The low end of the range of cut-offs in pmol/L is 100.  [R04 R14]" in shown
    assert "holds: 99.9 < 100." in shown


def test_a_count_lists_the_rows_that_it_counts(kb: citelog.KnowledgeBase) -> None:
    results = [{"analyte": "serum vitamin B12", "value": v, "unit": "pmol/L"} for v in ("90", "80", "<70")]
    proof = kb.assess({"labs": results}).why("status:below_all_cutoffs")
    [count] = [n for n in nodes(proof) if n.kind == "firing" and n.details["rule"] == "results-read"]
    assert count.details["aggregate"] == {"function": "count", "rows": 3}
    assert len(proof.used_by(count.id)) == 3 and count.id.count("; ?p = ") == 2


def test_a_conclusion_that_was_not_reached_has_no_proof(kb: citelog.KnowledgeBase) -> None:
    with pytest.raises(NotConcludedError, match="treat:no_basis was not concluded"):
        kb.assess({"labs": []}).why("treat:no_basis")


def nodes(proof: Proof) -> Iterator[Node]:
    return (proof.node(id_) for id_ in proof.graph)


def assessments(kb: citelog.KnowledgeBase, count: int, seed: int) -> Iterator[Assessment]:
    draw = random.Random(seed)
    for _ in range(count):
        yield kb.assess(random_case(draw), random_at(draw))


def test_every_proof_is_well_founded_and_accounts_for_every_literal(kb: citelog.KnowledgeBase) -> None:
    """No cycle; a premise for each literal of each firing; leaves are records, statements, absences and comparisons;
    and the facts and assumptions of the conclusion are those in its proof."""
    rules = {rule.name: rule for rule in kb.knowledge.program.rules}
    checked = 0
    for assessment in assessments(kb, 60, 3):
        for conclusion in assessment.conclusions:
            proof = assessment.why(conclusion.id)
            assert nx.is_directed_acyclic_graph(proof.graph)
            assert dict(proof.graph.nodes(data="node")) == {id_: proof.node(id_) for id_ in proof.order}
            for id_ in proof.order:
                placed = sorted((place, used) for used, _, place in proof.graph.in_edges(id_, data="place"))
                assert [(place, used.id) for place, used in enumerate(proof.used_by(id_))] == placed
            records: set[str] = set()
            assumed: set[str] = set()
            for node in nodes(proof):
                used = proof.used_by(node.id)
                if node.kind == "firing":
                    rule = rules[node.details["rule"]]
                    facts = [u.details["predicate"] for u in used if "predicate" in u.details]
                    gone = [u.details["looked_for"]["predicate"] for u in used if u.kind == "absence"]
                    assert set(facts) == {x.predicate for x in rule.body if isinstance(x, Present)}
                    assert set(gone) == {x.predicate for x in rule.body if isinstance(x, Absent)}
                    held = {u.kind for u in used if u.kind in ("comparison", "computation")}
                    kinds = {Comparison: "comparison", Assignment: "computation"}
                    assert held == {kinds[type(x)] for x in rule.body if isinstance(x, Comparison | Assignment)}
                elif node.kind in ("derived", "conclusion"):
                    assert used, node.id
                else:
                    assert not used
                if node.kind == "recorded":
                    records |= set(node.details["facts"])
                if node.kind == "absence" and node.details["assumed"]:
                    assumed.add(node.text.rstrip("."))
            assert records == set(conclusion.facts)
            under = Counter(
                (f.rule.name, f.conclusion, repr(f.rows)) for f in support.under(assessment.run, conclusion.atom)
            )
            assert set(under.values()) == {1} and under.total() == sum(n.kind == "firing" for n in nodes(proof))
            assert {a[:1].upper() + a[1:] for a in conclusion.assumes} == assumed
            checked += 1
    assert checked > 500


def test_every_citation_in_a_proof_is_in_the_document_at_its_place(kb: citelog.KnowledgeBase) -> None:
    for assessment in assessments(kb, 20, 4):
        for conclusion in assessment.conclusions:
            for node in nodes(assessment.why(conclusion.id)):
                for cited in node.details.get("citations", ()):
                    assert SOURCE[cited["start"] : cited["end"]] == cited["quote"]


def test_the_proof_document_names_each_step_once_and_only_steps_that_it_holds(kb: citelog.KnowledgeBase) -> None:
    assessment = kb.assess(ROOT / "examples" / "patient.yaml")
    for conclusion in assessment.conclusions:
        document = json.loads(json.dumps(assessment.why(conclusion.id).to_dict()))
        ids = [step["id"] for step in document["steps"]]
        assert document["format"] == "citelog-proof/1" and ids[0] == document["root"]
        assert len(ids) == len(set(ids))
        assert {used for step in document["steps"] for used in step["uses"]} == set(ids[1:])


def test_the_same_case_gives_the_same_proof_whatever_the_order_of_its_lists(kb: citelog.KnowledgeBase) -> None:
    draw = random.Random(5)
    for _ in range(15):
        case = random_case(draw)
        shuffled = {k: draw.sample(v, len(v)) if isinstance(v, list) else v for k, v in case.items()}
        one, other = kb.assess(case), kb.assess(shuffled)
        for conclusion in one.conclusions:
            steps = [sorted(p.graph) for p in (one.why(conclusion.id), other.why(conclusion.id))]
            assert steps[0] == steps[1]


def test_several_threads_that_ask_one_answer_get_the_proofs_that_one_gets(kb: citelog.KnowledgeBase) -> None:
    def proved(assessment: Assessment) -> list[str]:
        return [json.dumps(assessment.why(c.id).to_dict()) for c in assessment.conclusions]

    record = ROOT / "examples" / "patient.yaml"
    expected = proved(kb.assess(record))
    interval, many = sys.getswitchinterval(), 4
    sys.setswitchinterval(1e-4)
    try:
        asked = kb.assess(record)
        with ThreadPoolExecutor(many) as threads:
            answers = list(threads.map(proved, [asked] * many))
    finally:
        sys.setswitchinterval(interval)
    assert all(answer == expected for answer in answers)


def test_a_step_that_its_author_muted_is_left_out_and_counted(tmp_path: Path) -> None:
    """Never for the conclusion itself, never under --all; and the checker holds the proof to it."""
    folder = tmp_path / "b12"
    shutil.copytree(ROOT / "knowledge" / "b12", folder)
    rules = folder / "rules" / "30-findings.rls"
    tag = '%%% @cites G01 R15\n#[name("symptomatic-yes")]'
    text = rules.read_text(encoding="utf-8")
    assert text.count(tag) == 1
    rules.write_text(text.replace(tag, f"%%% @mute\n{tag}"), encoding="utf-8")
    assessment = citelog.open(folder).assess(ROOT / "examples" / "patient.yaml")
    sentence = "Symptoms attributed to vitamin B12 deficiency are recorded as present."
    brief, whole = (told(assessment, "treat:immediate", every=every) for every in (False, True))
    assert not [line for line in brief if sentence in line]
    assert [line for line in brief if "record: Symptoms attributed" in line], "what the muted step rests on stays"
    assert [line for line in brief if "1 step that its author muted" in line]
    assert [line for line in whole if sentence in line] and not [line for line in whole if "muted" in line]
    assert sentence in told(assessment, "symptomatic:yes")
    proof = assessment.why("treat:immediate").to_dict()
    assert [step["rule"] for step in proof["steps"] if step.get("muted")] == ["symptomatic-yes"]
    checker = citelog.Checker(assessment.knowledge, assessment.case)
    assert checker.check_proof(proof) == ()
    for step in proof["steps"]:
        step.pop("muted", None)
    assert [fault.what for fault in checker.check_proof(proof)] == ["it does not say 'muted'"]


def test_an_entry_that_a_later_one_replaces_is_told_so_where_a_proof_names_it(kb: citelog.KnowledgeBase) -> None:
    """A finding recorded as present stands under "recorded as absent"; nobody may take it for a reason."""
    severe = {"name": "severe neurological symptoms", "state": "present", "when": "2024"}
    absent = {"name": "neurological involvement", "state": "absent", "when": "2026-05"}
    lines = told(kb.assess({"findings": [severe, absent]}), "neuro:absent", width=200)
    records = [line.partition("record: ")[2] for line in lines if "record: " in line]
    assert records == [
        "Neurological involvement: absent (2026-05).  [f1: findings[1]]",
        "Severe neurological symptoms: present (2024).  "
        "[f2: findings[0]; superseded by a later entry that says otherwise]",
    ]


def test_of_what_is_counted_each_is_shown_wherever_else_it_stands(tmp_path: Path) -> None:
    """Also where the rule that counts encodes no statement."""
    known = spreading(tmp_path, "ex:snoring ex:leadsTo ex:yawning .")
    found = assess(known, {"findings": [{"name": "loud snoring", "state": "present"}]})
    told = [f"{line.lead}{line.text}" for line in proofs.proof(found.why("extent:4"), found)]
    first = told.index("   └─ computed: Signs: 4.")
    assert told[first:-1] == [
        "   └─ computed: Signs: 4.",
        "      ├─ Dry mouth, by way of morning headache.  [S07 line 11, uncited]",
        "      │  └─ Morning headache, by way of loud snoring.  [S07 line 11, uncited]",
        "      │     └─ Loud snoring, as recorded.  [S06 line 11, uncited]",
        "      │        └─ record: Loud snoring: present.  [f1: findings[0]]",
        "      ├─ Morning headache, by way of loud snoring.  (shown above)",
        "      ├─ Loud snoring, as recorded.  (shown above)",
        "      └─ Yawning in lessons, by way of loud snoring.  [S07 line 11, uncited]",
        "         └─ Loud snoring, as recorded.  (shown above)",
    ]
