"""The checker: it accepts every proof and every assessment of the engine, and no other that we could think of."""

from __future__ import annotations

import ast
import dataclasses
import datetime
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pytest

import b12
import damage
import literate
import naive
import test_reasoning
from changed_records import worries
from citelog import patient
from citelog.assess import Assessment, assess, assess_case
from citelog.checker import Checker, certify, check_proof, check_quotes
from citelog.checker.model import Model, compares, computed, total, value_of
from citelog.checker.proof import Meanings, judge
from citelog.checker.steps import Steps
from citelog.evidence.sources import Source
from citelog.home import ontology
from citelog.knowledge.base import Knowledge, Statement
from citelog.proof.graph import Steps as ProofSteps
from citelog.proof.support import Supports, assumed, deciding
from citelog.proof.words import Words
from citelog.rules.program import Absent, Constant, Operation, Program, Variable
from citelog.run.datalog import Machine
from citelog.run.result import Run
from citelog.values import Atom, Iri, Value
from citelog.vocab import Terms
from commits import at_each_commit
from oracle.random_cases import random_at, random_case
from random_programs import Drawn, drawn
from test_architecture import imports, tree

Document = dict[str, Any]
SEEDS = range(200)
PROVED = range(100)


@dataclasses.dataclass(frozen=True, slots=True)
class Patient:
    """A patient's documents as the engine writes them, and the checker."""

    name: str
    checker: Checker
    text: str
    proved: list[damage.Proved]

    @property
    def document(self) -> Document:
        """The assessment document, new each time."""
        document: Document = json.loads(self.text)
        return document

    def certified(self, document: Document | None = None) -> list[str]:
        """What is wrong with an assessment that goes with the true proofs."""
        faults = self.checker.certify(document or self.document, [p.document for p in self.proved])
        return [str(fault) for fault in faults]


def of(assessment: Assessment) -> Patient:
    checker = Checker(assessment.knowledge, assessment.case, assessment.at)
    proofs = [assessment.why(c.id).to_dict() for c in assessment.conclusions]
    proved = [damage.Proved(json.dumps(proof), checker) for proof in proofs]
    return Patient(assessment.case.id, checker, json.dumps(assessment.to_dict()), proved)


@cache
def records() -> tuple[tuple[patient.Case, str | None], ...]:
    """The shipped cases, and a hundred drawn ones, each with the day that it is assessed on."""
    knowledge, rng = b12.knowledge(), random.Random(7)
    drawn_ = [(random_case(rng), random_at(rng)) for _ in range(100)]
    shipped = [(b12.assessed(name).case, case.at) for name, case in b12.library().items()]
    return (*shipped, *((patient.read(case, knowledge.terms), at) for case, at in drawn_))


@cache
def member(number: int) -> Patient:
    return of(assess_case(b12.knowledge(), *records()[number]))


def patients(step: int = 1, start: int = 0) -> Iterator[Patient]:
    """Every patient, or one of so many."""
    return (member(number) for number in range(start, len(records()), step))


# what is right


@pytest.mark.parametrize("start", at_each_commit(range(30), every=5))
def test_every_assessment_is_certified_with_all_its_proofs(start: int) -> None:
    """The shipped cases, and a hundred drawn ones, with nine or ten proofs each."""
    found = list(patients(30, start))
    assert {p.name: said for p in found if (said := p.certified())} == {}
    assert len(records()) >= 286 and sum(len(p.proved) for p in found) > 80


def test_the_two_doors() -> None:
    """Of a patient of whom more follows on one day than on another."""
    dated = (b12.assessed(name) for name, case in b12.library().items() if case.at is not None)
    assessment = next(one for one in dated if one.conclusions != assess_case(one.knowledge, one.case).conclusions)
    proofs = [assessment.why(c.id).to_dict() for c in assessment.conclusions]
    known = (assessment.knowledge, assessment.case, assessment.at)
    assert [check_proof(proof, *known) for proof in proofs] == [()] * len(proofs)
    assert certify(assessment.to_dict(), proofs, *known) == ()


def test_the_corpus_has_what_proofs_are_made_of() -> None:
    """Dates, computations, counts of several rows, contradictions: else the tests above show little."""
    seen: Counter[str] = Counter()
    for proof in (proved.document for p in patients(4) for proved in p.proved):
        seen[proof["conclusion"].split(":")[0]] += 1
        for step in proof["steps"]:
            seen[step["kind"]] += 1
            seen["rows"] += len(step.get("bindings", ())) > 1
            seen["assumed"] += step.get("assumed", False)
            seen["dates"] += any("date" in v for v in step.get("bindings", [{}])[0].values() if isinstance(v, dict))
    kinds = [kind.name for kind in b12.knowledge().kinds]
    expected = [*kinds, *damage.FACTS, "firing", "comparison", "computation", "absence", "rows", "assumed", "dates"]
    assert {name: seen[name] for name in expected if seen[name] < 10} == {}


# the quotes


def test_every_quote_is_looked_up_again_in_the_source() -> None:
    knowledge = b12.knowledge()
    (file,) = {s.source for s in knowledge.statements.values()}
    assert check_quotes(knowledge, {file: b12.source()}) == ()
    assert len(check_quotes(knowledge, {file: " " + b12.source()})) == len(knowledge.statements)
    assert len(check_quotes(knowledge, {})) == len(knowledge.statements)


def test_a_quote_on_another_line_is_found() -> None:
    knowledge = b12.knowledge()
    name, first = next(iter(knowledge.statements.items()))
    moved = dataclasses.replace(knowledge, statements={name: dataclasses.replace(first, line=first.line + 1)})
    assert [fault.step for fault in check_quotes(moved, {first.source: b12.source()})] == [name]


def test_a_quote_below_an_empty_first_line_is_on_the_second() -> None:
    text = "\nA sentence."
    said = dataclasses.replace(SAID, line=2, start=1, end=12)
    known = dataclasses.replace(b12.knowledge(), statements={"S1": said})
    assert check_quotes(known, {"a.txt": text}) == ()
    for sources, read in (({"a.txt": text[1:]}, " sentence."), ({}, "")):
        assert [str(fault) for fault in check_quotes(known, sources)] == [
            f"S1: a.txt reads {read!r} there, on line 1, not 'A sentence.'"
        ]


# a thousand damaged proofs


@cache
def verdicts(count: int) -> list[damage.Verdict]:
    return list(damage.verdicts([proof for p in patients(2) for proof in p.proved], count, 1))


OF_MANY = pytest.mark.parametrize("count", at_each_commit((250, 1_000)))


@OF_MANY
def test_a_thousand_damaged_proofs_are_refused(count: int) -> None:
    print("\n" + damage.table(verdicts(count)))
    accepted = Counter(verdict.damage for verdict in verdicts(count) if not verdict.faults)
    assert len(verdicts(count)) == count and accepted == Counter()


@OF_MANY
def test_the_damaged_step_is_named(count: int) -> None:
    missed = [(v.damage, v.step, [str(f) for f in v.faults]) for v in verdicts(count) if not v.named]
    assert missed == []


def laid_out(*steps: Any, root: Any = "a") -> Document:
    whose = {"case": {}, "knowledge": {}, "caveats": []}
    return {"format": "citelog-proof/1", **whose, "conclusion": "a", "root": root, "steps": list(steps)}


NO_PROOFS: dict[str, Any] = {
    "a list": [],
    "a text": "proof",
    "nothing": {},
    "no steps": {"format": "citelog-proof/1"},
    "another format": {**laid_out(), "format": "citelog-proof/2"},
    "an object": {"format": object()},
    "an empty proof": laid_out(),
    "a number for a root": laid_out(root=1),
    "a number for an id": laid_out({"id": 1, "uses": []}),
    "no uses": laid_out({"id": "a"}),
    "no id": laid_out({"uses": []}),
    "a step that is none": laid_out("a"),
    "uses that are no ids": laid_out({"id": "a", "uses": [["a"]]}),
    "a step that is not there": laid_out({"id": "a", "uses": ["b"]}),
    "a step that uses itself": laid_out({"id": "a", "uses": ["a"]}),
    "a rule that is no name": laid_out({"id": "a", "uses": [], "rule": {}}),
    "bindings that are no rows": laid_out({"id": "a", "uses": [], "rule": "status", "bindings": [1, None]}),
    "a predicate that is no name": laid_out({"id": "a", "uses": [], "predicate": [1], "args": {}}),
}


@pytest.mark.parametrize("document", NO_PROOFS.values(), ids=NO_PROOFS)
def test_what_is_no_proof_at_all_is_refused_in_words(document: Any) -> None:
    assert member(0).checker.check_proof(document)
    assert member(0).checker.certify(document, [])


def test_the_proof_of_another_patient_is_refused() -> None:
    """But for the few that are, word for word, a proof of this patient too."""
    rng, refused = random.Random(3), 0
    for _ in range(200):
        one, two = map(member, rng.sample(range(0, len(records()), 11), 2))
        proof = rng.choice(two.proved).document
        faults = one.checker.check_proof(proof)
        assert bool(faults) != (proof in [mine.document for mine in one.proved])
        refused += bool(faults)
    assert refused > 150


# what is wrong is told in words

SMALL = (
    """patient level(x: term, n: number)
knowledge limit(n: number)
derived low(x: term)
derived told(x: term, n: number)
derived quiet(x: term)
terms ex:a
statements S1""",
    """@prefix ex: <https://example.org/kb#> .

%%% @cites S1
%%% @mute
#[name("low")]
low(?x) :- level(?x, ?n), limit(?m), ?n < ?m .

%%% @cites S1
%%% @assumes quiet
#[name("told")]
told(?x, ?d) :- low(?x), level(?x, ?n), ~quiet(?x), limit(?m), ?one = 1, ?d = (?n + ?m) * (?n - ?m) / ?one .
""",
)


@cache
def small() -> tuple[str, Meanings, Steps]:
    """A proof of ten steps, of every kind, and what judges it."""
    _, program, wrong = literate.compiled(SMALL[0], [("a.rls", SMALL[1])])
    assert not wrong
    stated = {Atom("limit", (Decimal("7.5"),)): ("S1",)}
    given: dict[Atom, None] = {Atom("level", (Iri(literate.EX + "a"), Decimal(7))): None}
    base = knowledge(program, dict(stated))
    ran = Machine(program, stated).run(given.items())
    explained = ProofSteps(base, patient.Case("small", ""), ran, Words(base, {}))
    root = Atom("told", (Iri(literate.EX + "a"), Decimal("-7.25")))
    proof = explained.prove("a", root).to_dict()
    return json.dumps(proof), Meanings.of(Model.of(program, [*stated, *given])), Steps(base, given, {})


TOLD = "told[?x = a, ?n = 7, ?m = 7.5, ?one = 1, ?d = -7.25]"
LOW = "low[?x = a, ?n = 7, ?m = 7.5]"


def at(document: Document, id_: str) -> Document:
    found: Document = next(step for step in document["steps"] if step["id"] == id_)
    return found


def _uses(id_: str, *uses: str) -> Callable[[Document], None]:
    return lambda d: at(d, id_).update(uses=[*uses])


def _says(id_: str, **said: Any) -> Callable[[Document], None]:
    return lambda d: at(d, id_).update(said)


TELLING: dict[str, tuple[Callable[[Document], Any], list[str]]] = {
    "nothing": (lambda d: None, []),
    "a step twice": (lambda d: d["steps"].append(at(d, "limit(7.5)")), ["limit(7.5): 2 steps have this id"]),
    "a step under a second id": (
        lambda d: d["steps"].append({**at(d, "limit(7.5)"), "id": "again"}),
        [
            "limit(7.5): another step is about the same",
            "again: another step is about the same",
            "again: nothing that uses it asks for this step",
        ],
    ),
    "a comparison under a second id": (
        lambda d: d["steps"].append({**at(d, "? 7 < 7.5"), "id": "again"}),
        ["again: nothing that uses it asks for this step"],
    ),
    "a premise used twice": (
        _uses(LOW, "level(a, 7)", "limit(7.5)", "limit(7.5)", "? 7 < 7.5"),
        [f"{LOW}: it uses a step twice"],
    ),
    "a premise left out": (_uses(LOW, "level(a, 7)", "? 7 < 7.5"), [f"{LOW}: it does not use limit(7.5)"]),
    "a comparison left out": (
        _uses(LOW, "level(a, 7)", "limit(7.5)"),
        [f"{LOW}: it does not use 7 < 7.5.", "? 7 < 7.5: nothing that uses it asks for this step"],
    ),
    "the reason left out": (
        _uses("low(a)"),
        [
            'low(a): it does not use a firing of low: {"m": {"number": "7.5"}, "n": {"number": "7"}, '
            '"x": {"term": "https://example.org/kb#a"}}',
            f"{LOW}: nothing that uses it asks for this step",
        ],
    ),
    "more than there is a place for": (
        _uses("limit(7.5)", "level(a, 7)"),
        ["limit(7.5): it uses level(a, 7), which has no place there"],
    ),
    "another order": (
        _uses(LOW, "limit(7.5)", "level(a, 7)", "? 7 < 7.5"),
        [f"{LOW}: it uses the literals of its rule in another order than the author's"],
    ),
    "a fact that does not hold": (
        _says("limit(7.5)", args=[{"number": "7.50"}]),
        [
            f"{TOLD}: it does not use limit(7.5)",
            f"{TOLD}: it uses limit(7.5), which has no place there",
            f"{LOW}: it does not use limit(7.5)",
            f"{LOW}: it uses limit(7.5), which has no place there",
            "limit(7.5): there is no such fact, or no such firing of such a rule",
            "limit(7.5): nothing that uses it asks for this step",
        ],
    ),
    "a conclusion that is called derived": (
        _says("told(a, -7.25)", kind="derived"),
        ['told(a, -7.25): \'kind\' is "derived", and must be "conclusion"'],
    ),
    "a step on the way that is called a conclusion": (
        _says("low(a)", kind="conclusion"),
        ['low(a): \'kind\' is "conclusion", and must be "derived"'],
    ),
    "another word": (
        _says("level(a, 7)", text="Level(µ)."),
        ['level(a, 7): \'text\' is "Level(µ).", and must be "Level(a, 7)."'],
    ),
    "something else than a text": (
        _says("low(a)", text={"en": "Low(a)."}),
        ['low(a): \'text\' is {"en": "Low(a)."}, and must be "Low(a)."'],
    ),
    "a key more": (_says("low(a)", certain=True), ["low(a): it must not say 'certain'"]),
    "a key less": (lambda d: at(d, LOW).pop("line"), [f"{LOW}: it does not say 'line'"]),
    "another number deep inside": (
        lambda d: at(d, "limit(7.5)")["citations"][0].update(end=12),
        ["limit(7.5): 'citations[0].end' is 12, and must be 11"],
    ),
    "one marker more": (
        lambda d: at(d, "limit(7.5)")["citations"][0]["markers"].append("2"),
        ['limit(7.5): \'citations[0].markers\' is ["1", "2"], and must be ["1"]'],
    ),
    "a text without an end": (
        _says("low(a)", text="a" * 119),
        [f'low(a): \'text\' is "{"a" * 118}…, and must be "Low(a)."'],
    ),
    "a text that is just short enough": (
        _says("low(a)", text="a" * 118),
        [f'low(a): \'text\' is "{"a" * 118}", and must be "Low(a)."'],
    ),
    "a fact that rests on its own conclusion": (
        _uses("level(a, 7)", LOW),
        [
            f"level(a, 7): it uses {LOW}, which has no place there",
            "level(a, 7): it rests on itself",
            f"{LOW}: it rests on itself",
        ],
    ),
}


@pytest.mark.parametrize("changed", TELLING)
def test_a_fault_says_where_it_is_what_stands_there_and_what_must(changed: str) -> None:
    proof, meanings, steps = small()
    document = json.loads(proof)
    edit, faults = TELLING[changed]
    edit(document)
    assert sorted(map(str, judge(document, meanings, steps))) == sorted(faults)


def test_what_is_wrong_with_the_frame_of_a_proof_is_told() -> None:
    one, two = member(0), member(0).proved[1].document
    checked = one.checker.check_proof
    other = one.proved[0].document["conclusion"]
    assert [str(f) for f in checked({**two, "conclusion": other})] == [
        f"{two['root']}: this is no proof of {other}: its root is no such conclusion"
    ]
    assert [str(f) for f in checked({**two, "case": {**two["case"], "id": "x"}})] == [
        f'proof: \'case.id\' is "x", and must be "{two["case"]["id"]}"'
    ]
    caveats = [*two["caveats"][:-1], {**two["caveats"][-1], "text": "x"}]
    assert [str(f) for f in checked({**two, "caveats": caveats})] == [
        f'proof: \'caveats[{len(caveats) - 1}].text\' is "x", and must be "{two["caveats"][-1]["text"]}"'
    ]
    assert [str(f) for f in checked({**two, "steps": {}})] == ["steps: this is not laid out as a proof document is"]
    assert [str(f) for f in checked([])] == ["format: the document is none of the format citelog-proof/1"]  # type: ignore[arg-type]
    [fault] = checked({"format": object()})
    assert str(fault) == "format: the document is no JSON: Object of type object is not JSON serializable"


def test_what_is_wrong_with_an_assessment_is_told() -> None:
    one = member(0)
    document, proofs = one.document, [proof.document for proof in one.proved]
    first, *others = document["conclusions"]
    said = [str(f) for f in one.checker.certify({**document, "conclusions": [first, first, *others]}, proofs)]
    assert len(said) == 2 and said[0].startswith(f"{first['id']}: ") and said[0].endswith(" and is listed 2 times")
    assert said[1] == f"{first['id']}: 2 conclusions have this id"
    said = [str(f) for f in one.checker.certify({**document, "conclusions": others}, proofs)]
    assert len(said) == 1 and said[0].startswith(f"{first['id']}: ") and said[0].endswith(" and is listed 0 times")
    said = [str(f) for f in one.checker.certify(document, proofs[1:])]
    assert f"{first['id']}: it has no proof that is accepted" in said
    assert [str(f) for f in one.checker.certify({**document, "format": "x"}, proofs)] == [
        "format: the document is none of the format citelog-assessment/1"
    ]
    assert [str(f) for f in one.checker.certify({**document, "conclusions": 1}, proofs)] == [
        "conclusions: this is not laid out as an assessment is"
    ]
    assert [str(f) for f in one.checker.certify({**document, "engine": {"version": "none"}}, proofs)] == []
    assert [str(f) for f in one.checker.certify({**document, "signed": 1}, proofs)] == [
        "assessment: it must not say 'signed'"
    ]


# damaged assessments


def told(document: Document, **wanted: Any) -> Document:
    """The first conclusion that has something to damage; StopIteration where there is none."""
    return next(c for c in document["conclusions"] if all(test(c) for test in wanted.values()))


def _dose(c: Document) -> bool:
    return bool(c.get("dose") and c["dose"]["value"])


def _change(key: str, value: Any) -> Callable[[Document], None]:
    return lambda d: told(d, at=lambda c: key in c).__setitem__(key, value)


def _shorten(key: str) -> Callable[[Document], None]:
    return lambda d: told(d, at=lambda c: c.get(key))[key].pop()


FORGED: dict[str, Callable[[Document], Any]] = {
    "a conclusion left out": lambda d: d["conclusions"].pop(),
    "a conclusion twice": lambda d: d["conclusions"].append(d["conclusions"][0]),
    "a conclusion invented": lambda d: d["conclusions"].append({**d["conclusions"][0], "id": "treat:nothing"}),
    "another value under the same id": _change("value", "nothing"),
    "another kind": _change("kind", "caution"),
    "a role changed": lambda d: told(d, at=lambda c: c.get("role") == "recommended").update(role="alternative"),
    "a step moved": lambda d: told(d, at=lambda c: c.get("step") == "next").update(step="now"),
    "a dose ten times as high": lambda d: (dose := told(d, at=_dose)["dose"]).update(value=[dose["value"], 10]),
    "a dose without its unit": lambda d: told(d, at=_dose)["dose"].update(unit=None),
    "a dose in other words": lambda d: told(d, at=_dose)["dose"].update(text="10 mg"),
    "a route where the document gives none": lambda d: told(d, at=lambda c: "route" in c).update(route={"text": "any"}),
    "a fact left out": _shorten("facts"),
    "a fact added": lambda d: told(d, at=lambda c: len(c["facts"]) < 9)["facts"].append("f99"),
    "a rule left out": _shorten("rules"),
    "a statement left out": _shorten("statements"),
    "a citation left out": _shorten("citations"),
    "an assumption left out": _shorten("assumes"),
    "an assumption added": lambda d: d["conclusions"][0]["assumes"].append("nothing else is wrong"),
    "another line of the table left out": _shorten("also"),
    "one side of a contradiction left out": lambda d: told(d, at=lambda c: c.get("sides"))["sides"][0].clear(),
    "another sentence": _change("sentence", "All is well."),
    "a quote reworded": lambda d: told(d, at=lambda c: c["citations"])["citations"][0].update(quote="Give more."),
    "a quote elsewhere": lambda d: told(d, at=lambda c: c["citations"])["citations"][0].update(line=1),
    "something more about a conclusion": lambda d: d["conclusions"][0].update(certainty="high"),
    "another record": lambda d: d["case"].update(sha256="0" * 64),
    "another version of the knowledge": lambda d: d["knowledge"].update(sha256="0" * 64),
    "a caveat left out": lambda d: d["caveats"].pop(),
    "an entry left out": lambda d: d["facts"].pop(),
    "an entry reworded": lambda d: d["facts"][0].update(sentence="All absent."),
    "a note left out": lambda d: d["notes"].pop(),
    "a note reworded": lambda d: d["notes"][0].update(text="Nothing of importance."),
    "a note invented": lambda d: d["notes"].append({"text": "All else is normal.", "read_from": "labs[0]"}),
    "a part of its own": lambda d: d.update(signature="valid"),
    "another format": lambda d: d.update(format="citelog-assessment/2"),
    "no list of conclusions": lambda d: d.update(conclusions={}),
}


@pytest.mark.parametrize("name", FORGED)
def test_a_damaged_assessment_is_not_certified(name: str) -> None:
    tried = 0
    for each in patients(11):
        document = each.document
        try:
            FORGED[name](document)
        except (StopIteration, IndexError):
            continue
        if document != each.document:
            tried += 1
            assert each.certified(document), each.name
        if tried == 4:
            break
    assert tried >= 3


def test_each_conclusion_needs_its_own_accepted_proof() -> None:
    for each in patients(80):
        proofs = [proof.document for proof in each.proved]
        for place, missing in enumerate(proofs[:4]):
            faults = each.checker.certify(each.document, proofs[:place] + proofs[place + 1 :])
            assert (missing["conclusion"], "it has no proof that is accepted") in [(f.step, f.what) for f in faults]
        assert each.checker.certify(each.document, [*proofs[1:], {**proofs[0], "root": proofs[0]["steps"][-1]["id"]}])


def test_every_fault_of_an_assessment_is_told_and_not_the_first_alone() -> None:
    one = member(0)
    document, proofs = one.document, [proof.document for proof in one.proved]
    ids = [c["id"] for c in document["conclusions"]]
    said = one.checker.certify(document, proofs[2:])
    assert [f.step for f in said if f.what == "it has no proof that is accepted"] == ids[:2]
    changed = json.loads(one.proved[0].text)
    changed["steps"][1]["text"] = "All is well."
    said = [str(f) for f in one.checker.certify(document, [changed, *proofs[1:]])]
    wrong = [str(f) for f in one.checker.check_proof(changed)]
    assert wrong and said[: len(wrong)] == wrong and said[len(wrong)] == f"{ids[0]}: it has no proof that is accepted"
    for kind in ("nothing", next(c["kind"] for c in document["conclusions"] if c["kind"] != ids[0].split(":")[0])):
        other = [{**document["conclusions"][0], "kind": kind}, *document["conclusions"][1:]]
        said = [str(f) for f in one.checker.certify({**document, "conclusions": other}, proofs)]
        assert said[0] == f"{ids[0]}: it has no proof that is accepted" and said[1].endswith(" and is listed 0 times")
        assert len(said) == 2


def test_what_rules_put_aside_is_noted_for_each_entry_that_it_is_about() -> None:
    one = of(b12.assessed("a-later-absence-of-involvement-settles-what-was-severe-or-open-before"))
    assert len(one.document["notes"]) == 2 and one.certified() == []


def test_conclusions_that_share_an_id_are_numbered() -> None:
    one = member(0).checker
    checker = Checker(one.knowledge, one.case, one.at)
    first, second, third, *_ = checker.concluded
    checker.concluded = {first: "a", second: "a", third: "b"}
    kinds = {"a#1", "a#2"}
    assert checker.ids(first[1]).keys() == checker.ids(second[1]).keys() == kinds
    assert checker.ids(first[1]) == dict.fromkeys(kinds, first[0]) and checker.ids(third[1]) == {"b": third[0]}


def test_an_answer_of_another_day_is_not_certified() -> None:
    """Where a day was given: without one, the rules about time say nothing, and the answer asks for it."""
    dated = [number for number, (_, at) in enumerate(records()) if at is not None]
    refused = 0
    for each in map(member, dated[:20]):
        proofs = [proof.document for proof in each.proved]
        later = Checker(each.checker.knowledge, each.checker.case, datetime.date(2031, 1, 1))
        refused += bool(later.certify(each.document, proofs))
    assert refused >= 5


# independence


ALLOWED = ("checker", "values", "vocab", "rules.program", "knowledge.base", "patient")


def test_the_checker_imports_neither_the_reasoner_nor_the_explainer() -> None:
    folder = Path(literate.__file__).parent.parent / "engine" / "citelog" / "checker"
    modules = ["checker" if p.stem == "__init__" else f"checker.{p.stem}" for p in folder.glob("*.py")]
    assert len(modules) == 5
    foreign = {
        (module, dotted)
        for module in modules
        for dotted in imports(tree(module))
        if dotted.split(".")[0] not in sys.stdlib_module_names
        and not any(f"{dotted}.".startswith(f"citelog.{allowed}.") for allowed in ALLOWED)
    }
    assert foreign == set()


def test_nor_does_anything_that_it_imports() -> None:
    forbidden = "pyDatalog", "citelog.run", "citelog.proof", "citelog.answer", "citelog.assess", "citelog.render"
    code = f"import citelog.checker, sys; print([m for m in sys.modules if m.startswith({forbidden!r})])"
    path = str(Path(ontology()).parent / "engine")
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_this_test_can_fail() -> None:
    syntax = ast.parse("def f():\n    from citelog.run.arithmetic import compare")
    assert not any(f"{dotted}.".startswith(f"citelog.{a}.") for dotted in imports(syntax) for a in ALLOWED)


# drawn programs: recursion, negation, aggregates and arithmetic that no shipped knowledge has


@dataclasses.dataclass(frozen=True, slots=True)
class Concluded:
    """A drawn program, its facts as they are given, and what the checker and the reasoner conclude from them."""

    case: Drawn
    stated: dict[Atom, tuple[str, ...]]
    given: dict[Atom, None]
    mine: Model
    ran: Run


@lru_cache(maxsize=1)
def concluded(seed: int) -> Concluded:
    case = drawn(random.Random(seed))
    known = [a for a in case.facts if case.program.predicates[a.predicate].layer == "knowledge"]
    stated = {a: ("S1",) * (i % 2) for i, a in enumerate(known)}  # every other one is the encoder's, and cites nothing
    given = {a: None for a in case.facts if a not in stated}
    ran = Machine(case.program, stated).run(given.items())
    return Concluded(case, stated, given, Model.of(case.program, case.facts), ran)


def follows(seed: int) -> None:
    """The facts of a drawn program, and all firings, one for one."""
    both = concluded(seed)
    case, mine, ran = both.case, both.mine, both.ran
    facts: naive.Model = {name: {naive.fact(a) for a in mine.atoms(name)} for name in case.program.predicates}
    assert facts == test_reasoning.model(ran), f"seed {seed}\n{case.text}"
    fired = Counter(test_reasoning.fired(f.rule, f.head, f.rows) for firings in mine.firings.values() for f in firings)
    assert fired == test_reasoning.firings(ran), f"seed {seed}\n{case.text}"


@pytest.mark.parametrize("seeds", [SEEDS[i::20] for i in range(20)], ids=lambda seeds: f"{len(seeds)} from {seeds[0]}")
def test_what_follows_is_what_the_reasoner_says(seeds: range) -> None:
    for seed in seeds:
        follows(seed)


SAID = Statement("S1", Iri("urn:S1"), "", "A sentence.", "a.txt", None, 1, 0, 11, ("1",), (), "", "", "")


def knowledge(program: Program, stated: dict[Atom, tuple[str, ...]]) -> Knowledge:
    """A knowledge base around a program, with one statement."""
    empty: Any = {}
    return Knowledge(
        "drawn", "1", "0", "", "", "", program, program, (), stated, Terms(), {"S1": SAID}, empty, (), empty,
        empty, empty, (), (), True, Source("drawn.txt", "", ""),
    )  # fmt: skip


def proves(seed: int) -> int:
    """The proof of every derived fact of a drawn program; how many there were."""
    both = concluded(seed)
    case, mine = both.case, both.mine
    base = knowledge(case.program, dict(both.stated))
    explained = ProofSteps(base, patient.Case("drawn", ""), both.ran, Words(base, {}))
    meanings, steps = Meanings.of(mine), Steps(base, both.given, {})
    derived = [a for a, turn in mine.held.items() if turn]
    for atom in derived:
        document = json.loads(json.dumps(explained.prove("a", atom).to_dict()))
        faults = [str(fault) for fault in judge(document, meanings, steps)]
        assert not faults, f"seed {seed}: {atom}\n{case.text}\n" + "\n".join(faults)
    return len(derived)


@pytest.mark.parametrize("seeds", [PROVED[i::10] for i in range(10)], ids=lambda seeds: f"{len(seeds)} from {seeds[0]}")
def test_the_proof_of_every_fact_of_a_drawn_program_is_accepted(seeds: range) -> None:
    assert sum(map(proves, seeds)) > 25


ABSENCES = (
    ("{drug} cannot be given by {route}", {"route": "mouth"}, "no drug can be given by mouth"),
    ("{drug} is not {route}", {"route": "oral"}, "no drug is oral"),
    ("{drug} has no {route}", {}, "no drug has any route"),
    ("{drug} has no {route}", {"drug": "iron"}, "iron has no route"),
    ("{drug} is no {route}", {"route": "way"}, "every drug is no way"),
    ("{drug} is not without {route}", {"route": "one"}, "every drug is not without one"),
    ("{drug} differs by {route}", {"drug": "iron"}, "iron differs by every route"),
    ("no {drug} is in {route}", {}, "no drug is in any route"),
    ("{drug} cannot without {route} be given", {"route": "food"}, "every drug cannot without food be given"),
    ("by {route} no {drug}, by {route} no other", {}, "by every route no drug, by any route no other"),
    ("{drug} is elsewhere[, not by {route}]", {}, "every drug is elsewhere"),
)


@pytest.mark.parametrize(("template", "row", "told"), ABSENCES, ids=[told for *_, told in ABSENCES])
def test_the_checker_says_for_itself_what_an_absence_denies(template: str, row: dict[str, Value], told: str) -> None:
    """What a literal leaves open is denied of all there is."""
    _, program, wrong = literate.compiled("patient gone(drug: text, route: text)", [("a.rls", "")])
    assert not wrong
    declared = dataclasses.replace(program.predicates["gone"], absence=template)
    base = knowledge(dataclasses.replace(program, predicates={"gone": declared}), {})
    literal = Absent("gone", (Variable("drug"), Variable("route")))
    assert Steps(base, {}, {}).absent(literal, row) == told
    assert Words(base, {}).absence("gone", (row.get("drug"), row.get("route"))) == told


SENTENCES = (
    ("{drug} is gone by {route}", ("iron", "mouth"), "iron is gone by mouth"),
    ("{drug} is gone by {route}", ("iron", None), "iron is gone by any route"),
    ("{drug} is gone[ by {route}]", ("iron", "mouth"), "iron is gone by mouth"),
    ("{drug} is gone[ by {route}]", ("iron", None), "iron is gone"),
    ("{drug} is gone[ by {route}]", (None, "mouth"), "any drug is gone by mouth"),
    ("", ("iron", None), "gone(iron, any route)"),
)


@pytest.mark.parametrize(("template", "args", "told"), SENTENCES, ids=[told for *_, told in SENTENCES])
def test_a_fact_is_read_aloud_without_the_parts_of_which_nothing_is_said(
    template: str, args: tuple[str | None, ...], told: str
) -> None:
    _, program, wrong = literate.compiled("patient gone(drug: text, route: text)", [("a.rls", "")])
    assert not wrong
    declared = dataclasses.replace(program.predicates["gone"], sentence=template)
    base = knowledge(dataclasses.replace(program, predicates={"gone": declared}), {})
    assert Words(base, {}).pattern("gone", args) == told


@pytest.mark.parametrize(("sign", "left", "right", "value"), test_reasoning.COMPUTED)
def test_the_checker_computes_for_itself(sign: str, left: Any, right: Any, value: Any) -> None:
    found = computed(sign, left, right)
    assert (type(found), found) == (type(value), value)
    operands = Constant(left), Constant(right)
    assert value_of(Operation(sign, *operands), {}) == value
    assert value_of(Operation("+", Operation(sign, *operands), Constant(0)), {}) == value
    assert value_of(Operation("+", Operation("/", Constant(1), Constant(0)), Constant(1)), {}) is None


@pytest.mark.parametrize(("less", "more"), test_reasoning.ORDERED)
def test_the_checker_compares_for_itself(less: Any, more: Any) -> None:
    wanted = {"<": (1, 0, 0), "<=": (1, 1, 0), ">": (0, 0, 1), ">=": (0, 1, 1), "=": (0, 1, 0), "!=": (1, 0, 1)}
    for sign, holds in wanted.items():
        if type(less) is type(more) or sign not in ("=", "!="):
            assert (compares(sign, less, more), compares(sign, less, less), compares(sign, more, less)) == holds, sign
        assert not compares(sign, None, less) and not compares(sign, less, None)


def test_the_checker_totals_for_itself() -> None:
    values = [Decimal("0.1"), Decimal("0.25"), Decimal("-3")]
    told = {name: total(name, iter(values)) for name in ("count", "sum", "min", "max")}
    assert told == {"count": 3, "sum": Decimal("-2.65"), "min": Decimal(-3), "max": Decimal("0.25")}


OFTEN = (
    """patient seen(x: term, r: term)
derived withdrawn(r: term)
derived seen_often(x: term, n: integer)
terms ex:a ex:r1 ex:r2
statements S1""",
    """@prefix ex: <https://example.org/kb#> .

%%% @cites S1
%%% @assumes withdrawn
#[name("often")]
seen_often(?x, #count(?r)) :- seen(?x, ?r), ~withdrawn(?r) .
""",
)


def often() -> tuple[Knowledge, list[Atom], Run, Atom]:
    """Two results are counted, of which nothing says that either was withdrawn: what is given, and what follows."""
    _, program, wrong = literate.compiled(OFTEN[0], [("a.rls", OFTEN[1])])
    assert not wrong
    a, *results = (Iri(literate.EX + name) for name in ("a", "r1", "r2"))
    given = [Atom("seen", (a, result)) for result in results]
    ran, counted = Machine(program, {}).run([(fact, None) for fact in given]), Atom("seen_often", (a, 2))
    assert ran.holds(counted)
    return knowledge(program, {}), given, ran, counted


def test_a_count_assumes_what_each_of_its_rows_assumes() -> None:
    """The answer owns up to both."""
    base, given, ran, counted = often()
    told = Supports(ran, Words(base, {})).of(counted).assumes
    assert told == (("no withdrawn(r1)", 0), ("no withdrawn(r2)", 0))
    assert set(assumed(ran, counted)) == {Atom("withdrawn", (fact.args[1],)) for fact in given}


def test_the_reason_of_a_count_is_named_with_each_of_its_rows() -> None:
    base, given, ran, counted = often()
    proof = ProofSteps(base, patient.Case("often", ""), ran, Words(base, {})).prove("a", counted).to_dict()
    meanings, steps = Meanings.of(Model.of(base.program, given)), Steps(base, dict.fromkeys(given), {})
    assert list(judge(proof, meanings, steps)) == []
    at(proof, proof["root"]).update(uses=[])
    said = next(fault.what for fault in judge(proof, meanings, steps))
    rows = "; ".join(
        f'{{"r": {{"term": "{literate.EX}{result}"}}, "x": {{"term": "{literate.EX}a"}}}}' for result in ("r1", "r2")
    )
    assert said == f"it does not use a firing of often: {rows}"


SMALLER = """
```declare
patient   patient(patient: patient)
patient   tired(patient: patient, since: term)
patient   ill(patient: patient)
patient   hurt(patient: patient)
patient   seen(patient: patient, by: term)
derived   called(patient: patient)
derived   written(patient: patient)
derived   known(patient: patient)
derived   well(patient: patient)
statements S1 S2
```
```rules
%%% @cites S1
#[name("called")]
called(?p) :- seen(?p, ?who) .

%%% @cites S2
#[name("written")]
written(?p) :- patient(?p) .

%%% @through called
#[name("known-by-call")]
known(?p) :- called(?p) .

%%% @through written
#[name("known-by-letter")]
known(?p) :- written(?p) .

%%% @cites S1
%%% @assumes tired, ill, hurt
#[name("well")]
well(?p) :- known(?p), ~tired(?p, _), ~ill(?p), ~hurt(?p) .
```
"""


def smaller() -> tuple[Knowledge, Run, Atom]:
    """Of somebody of whom nothing is recorded but that they were seen: what says that they are well."""
    declare, rules = literate.blocks(SMALLER)
    known, program, wrong = literate.compiled(declare.text, [("a.rls", rules.text)])
    assert not wrong
    given = literate.facts("patient(ann)\nseen(ann, bob)", known)
    return knowledge(program, {}), Machine(program, {}).run([(a, None) for a in given]), Atom("well", given[0].args)


def test_the_absence_of_anything_at_all_reads_any() -> None:
    base, ran, well = smaller()
    base = dataclasses.replace(base, statements={"S1": SAID, "S2": SAID})
    proof = ProofSteps(base, patient.Case("ann", ""), ran, Words(base, {})).prove("well", well)
    (gone,) = (step for step in proof.to_dict()["steps"] if step["id"].startswith("~tired"))
    assert gone["id"] == "~tired(ann, _)" and gone["text"] == "No tired(ann, any since)."
    assert proof.root == "well(ann)" and {"seen(ann, bob)", "called[?p = ann, ?who = bob]"} <= set(proof.order)
    assert gone["looked_for"] == {"predicate": "tired", "args": [{"term": f"{literate.EX}ann"}, None]}


def test_what_one_rule_assumes_stands_in_the_order_of_its_words() -> None:
    base, ran, well = smaller()
    told = Supports(ran, Words(base, {})).of(well).assumes
    assert [text for text, _ in told] == ["no hurt(ann)", "no ill(ann)", "no tired(ann, any since)"]


def test_every_rule_that_passes_a_premise_on_gives_way_to_it() -> None:
    """In the order of the rules, whichever of them stands first."""
    _, ran, well = smaller()
    known = Atom("known", well.args)
    assert [firing.rule.name for firing in deciding(ran, known)] == ["called", "written"]


def test_a_count_has_the_words_and_citations_of_each_thing_that_it_counts(tmp_path: Path) -> None:
    """Where a rule passes on a premise and counts it, in the assessment and for the checker."""
    record = {"findings": [{"name": name, "state": "present"} for name in ("loud snoring", "cola in the afternoon")]}
    assessment = assess(worries(tmp_path), record)
    (advice,) = (c for c in assessment.conclusions if c.id == "advice:ASK_DOCTOR")
    assert advice.sentence == "Loud snoring is present. Cola in the afternoon is present."
    assert [citation.statement for citation in advice.citations] == ["S12", "S13"]
    assert of(assessment).certified() == []


def test_of_nothing_nothing_follows() -> None:
    model_ = Model.of(drawn(random.Random(0)).program, [])
    assert (model_.held, model_.firings) == ({}, {})


def test_components_in_a_wrong_order_are_noticed() -> None:
    """The one thing of a program that decides what its absences mean."""
    declare = "patient b(x: term)\nderived c(x: term)\nderived d(x: term)\nterms ex:a\nstatements S1"
    rules = "@prefix ex: <https://example.org/kb#> .\n" + "".join(
        f'%%% @unless c\n%%% @cites S1\n#[name("{head}")]\n{head}(?x) :- {body} .\n\n'
        for head, body in (("d", "b(?x), ~c(?x)"), ("c", "b(?x)"))
    ).replace('%%% @unless c\n%%% @cites S1\n#[name("c")]', '%%% @cites S1\n#[name("c")]')
    _, program, wrong = literate.compiled(declare, [("a.rls", rules)])
    assert not wrong
    facts = [Atom("b", (Iri(literate.EX + "a"),))]
    assert {a.predicate for a in Model.of(program, facts).held} == {"b", "c"}
    upside_down = dataclasses.replace(program, open=program.open[::-1])
    with pytest.raises(ValueError, match=r"^the components of the program are not in an order .* can be run$"):
        Model.of(upside_down, facts)


def test_facts_that_hold_each_other_up_are_no_reason() -> None:
    """In a wrong order they began to hold by an absence that then ended: now each rests on the other alone."""
    declare = (
        "patient b(x: term)\nderived c(x: term)\nderived d(x: term)\nderived e(x: term)\nterms ex:a\nstatements S1"
    )
    bodies = {"d0": "b(?x), ~c(?x)", "d1": "e(?x)", "e0": "b(?x), ~c(?x)", "e1": "d(?x)", "c0": "b(?x)"}
    rules = "@prefix ex: <https://example.org/kb#> .\n"
    for name, body in bodies.items():
        said = "%%% @unless c" if "~" in body else "%%% Given."
        rules += f'{said}\n%%% @cites S1\n#[name("{name}")]\n{name[0]}(?x) :- {body} .\n\n'
    _, program, wrong = literate.compiled(declare, [("a.rls", rules)])
    assert not wrong
    facts = [Atom("b", (Iri(literate.EX + "a"),))]
    assert {a.predicate for a in Model.of(program, facts).held} == {"b", "c"}
    with pytest.raises(ValueError, match=r"^the components of the program are not in an order"):
        Model.of(dataclasses.replace(program, open=program.open[::-1]), facts)
