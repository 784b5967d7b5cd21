"""Drawn patients, rule bases and programs by three roads, and a tally that adds up.

    python tests/population_agreement.py --patients 100000 --programs 10000 --tally agreement.jsonl --jobs 2
    python tests/population_agreement.py --tally agreement.jsonl                    # only the sums

The roads are citelog for one patient, citelog for a population, and clingo, which is given the exported program; it is
left out where it cannot say it (numbers beyond 32 bits, texts that it cannot write, division), and that is counted.

Each line of the tally is a batch: its kind, its seeds, the hash of the code that was run, how many were compared, how
many conclusions they have (of programs: facts and firings), and every difference. A batch that stands in it is not run
again while the code is the same, so that a run can be stopped and gone on with; of other code it is not added up.

That roads agree says little where nothing is concluded. So the sums say how many were not the same as a patient of whom
nothing is recorded, how many different answers there were, and in how many programs which kind of rule has fired. The
exit status is 1 if anything differs, or if nothing was concluded that could be.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path
from typing import Any

import b12
import changed_records
import exported
import populations
import random_knowledge
from citelog.assess import Assessment
from citelog.export.clingo import Clingo
from citelog.export.datalog import Translation
from citelog.export.exact import ExportError
from citelog.knowledge.base import Knowledge
from citelog.patient.facts import PATIENT, facts
from citelog.rules.program import Absent, Assignment, Comparison, Rule
from citelog.run.datalog import Machine
from citelog.values import Atom, Iri
from oracle.random_cases import random_case
from random_programs import drawn
from test_export import EX, bare
from test_population import both_roads

AT = (None, datetime.date(2026, 3, 15), datetime.date(2026, 1, 18))
BATCH: Mapping[str, int] = {"patients": 1000, "knowledge": 20, "programs": 50}
CODE = ("population", "run", "rules", "patient", "answer.py", "assess.py")
"""What of the engine decides how the roads go."""

Batch = dict[str, Any]
Answers = Mapping[str, Assessment]


@cache
def code() -> str:
    """A hash of the code that is run."""
    found = hashlib.sha256()
    engine = Path(__file__).parent.parent / "engine" / "citelog"
    for name in CODE:
        for path in sorted((engine / name).rglob("*.py")) if (engine / name).is_dir() else [engine / name]:
            found.update(path.read_bytes())
    return found.hexdigest()[:12]


# --- what is drawn -----------------------------------------------------------------------------------------------


def patients(first: int, count: int) -> Batch:
    """Drawn records of two makes, on a day that the seed gives, over the shipped knowledge."""
    rng = random.Random(first)
    records: dict[str, populations.Record] = {}
    for number in range(first, first + count):
        made = {**random_case(rng), "id": None} if number % 3 else changed_records.random_record(number)[0]
        records[f"p{number}"] = made
    return _by_three_roads(b12.knowledge(), records, AT[first // count % len(AT)], "")


def knowledge(first: int, count: int) -> Batch:
    """Drawn rule bases about records, each over twelve drawn records, with and without a day."""
    found = []
    for seed in range(first, first + count):
        made, _, records = random_knowledge.concluding(random.Random(seed), 12)
        found += [_by_three_roads(made, records, at, f"seed {seed}, {at}: ") for at in (None, random_knowledge.DAY)]
    return _sum(found)


def programs(first: int, count: int) -> Batch:
    """Drawn programs over three drawn sets of facts each, facts and firings.

    Those with an odd number have only what clingo can say, but for few; the others have texts and numbers that hurt.
    """
    conclusions, in_clingo, concluding, differences, kinds = 0, 0, 0, list[str](), Counter[str]()
    for seed in range(first, first + count):
        found = both_roads(seed, plain=bool(seed % 2))
        conclusions += found.conclusions
        concluding += bool(found.conclusions)
        differences += [f"seed {seed}: {one}" for one in found.differences]
        third, fired = _in_clingo_alone(seed)
        in_clingo += third is not None
        differences += [f"seed {seed}: clingo: {one}" for one in sorted(third or ())]
        kinds.update({kind for rule in fired for kind in _kinds(rule)})
        kinds["recursion"] += _recurs(fired)
    return {
        "compared": count, "conclusions": conclusions, "in_clingo": in_clingo, "not_empty": concluding,
        "fired": dict(sorted(kinds.items())), "differences": differences,
    }  # fmt: skip


KINDS: Mapping[str, Callable[[int, int], Batch]] = {
    "patients": patients, "knowledge": knowledge, "programs": programs,
}  # fmt: skip


def _sum(some: list[Batch]) -> Batch:
    """Several batches as one."""
    numbers = ("compared", "conclusions", "in_clingo", "not_empty", "answers")
    made: Batch = {name: sum(one[name] for one in some) for name in numbers}
    return made | {"differences": [two for one in some for two in one["differences"]]}


# --- records by three roads --------------------------------------------------------------------------------------


def _by_three_roads(
    knowledge: Knowledge, records: Mapping[str, populations.Record], at: datetime.date | None, said: str
) -> Batch:
    """Records by the road of one patient, by that of a population, and by clingo."""
    answers = populations.answered(knowledge, {**records, "": {}}, at)
    nothing = _conclusions(answers.pop(""))
    one = populations.said(answers)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        populations.write(folder / "data", records)
        other = populations.together(knowledge, folder / "data", folder / "out", at)
    in_clingo, differing = _in_clingo(knowledge, answers, at)
    concluded = [_conclusions(answer) for answer in answers.values()]
    return {
        "compared": len(records), "conclusions": one["conclusions"].total(), "in_clingo": in_clingo,
        "not_empty": sum(found != nothing for found in concluded), "answers": len(set(concluded)),
        "differences": [said + two for two in (*populations.differences(one, other), *differing)],
    }  # fmt: skip


def _conclusions(answer: Assessment) -> frozenset[str]:
    return frozenset(conclusion.id for conclusion in answer.conclusions)


def _in_clingo(knowledge: Knowledge, answers: Answers, at: datetime.date | None) -> tuple[int, list[str]]:
    """How many records clingo was given, all in one program; every fact that only one of the two derives.

    Where it cannot say them, halves of them are tried.
    """
    facts_of = {who: _facts(number, answer, at) for number, (who, answer) in enumerate(answers.items())}
    model = [*knowledge.stated, *(atom for derived, _ in facts_of.values() for atom in derived)]
    try:
        translation = Translation(Clingo(), knowledge.program, dict.fromkeys(model), {})
        given = dict.fromkeys(atom for _, given in facts_of.values() for atom in given)
        used = set(translation.used)
        text = bare(translation, [*(atom for atom in knowledge.stated if atom.predicate in used), *given])
    except ExportError:
        if len(answers) == 1:
            return 0, []
        listed = list(answers.items())
        halves = (dict(listed[: len(listed) // 2]), dict(listed[len(listed) // 2 :]))
        found = [_in_clingo(knowledge, half, at) for half in halves]
        return sum(count for count, _ in found), [one for _, some in found for one in some]
    theirs = exported.clingo(text, translation)
    ours = {translation.atom(atom) for atom in model if atom.predicate in used}
    return len(answers), [f"clingo: {one}" for one in sorted(ours ^ theirs)[:20]]


def _facts(number: int, answer: Assessment, at: datetime.date | None) -> tuple[list[Atom], list[Atom]]:
    """The facts of a patient's run, and those of the record, under names that no other patient has."""
    own: dict[Any, Iri] = {PATIENT: Iri(f"urn:p:{number}")}
    own |= {one.iri: Iri(f"urn:r:{number}.{place}") for place, one in enumerate(answer.case.records)}

    def renamed(atom: Atom) -> Atom:
        return Atom(atom.predicate, tuple(own.get(arg, arg) if isinstance(arg, Iri) else arg for arg in atom.args))

    derived = [renamed(atom) for name in answer.run.facts for atom in answer.run.atoms(name)]
    return derived, [renamed(atom) for atom, _ in facts(answer.case, answer.knowledge.terms, at)]


# --- programs ----------------------------------------------------------------------------------------------------


def _in_clingo_alone(seed: int) -> tuple[set[str] | None, list[Rule]]:
    """Every fact of a drawn program that only clingo or only citelog derives, None where clingo cannot say it.

    And the rules that have fired.
    """
    case = drawn(random.Random(seed), plain=bool(seed % 2))
    stated = {a: () for a in case.facts if case.program.predicates[a.predicate].layer == "knowledge"}
    run = Machine(case.program, stated).run([(a, None) for a in case.facts if a not in stated])
    model = [atom for predicate in run.facts for atom in run.atoms(predicate)]
    heads = {rule.predicate for rule in case.program.rules}
    fired = {firing.number for atom in model if atom.predicate in heads for firing in run.firings(atom) if firing.rows}
    rules = [case.program.rules[number] for number in sorted(fired)]
    try:
        translation = Translation(Clingo(), case.program, model, {"ex": EX})
        text = bare(translation, list(case.facts))
    except ExportError:
        return None, rules
    return exported.ours(run, translation) ^ exported.clingo(text, translation), rules


def _kinds(rule: Rule) -> Iterator[str]:
    """What a rule uses."""
    yield "rules"
    if rule.aggregate:
        yield rule.aggregate.function
    for literal in rule.body:
        match literal:
            case Absent():
                yield "negation"
            case Comparison():
                yield "comparison"
            case Assignment():
                yield "arithmetic"


def _recurs(fired: list[Rule]) -> bool:
    """Whether some of the rules use what they themselves give, in however many steps."""
    reads: dict[str, set[str]] = {}
    for rule in fired:
        reads.setdefault(rule.predicate, set()).update(x.predicate for x in rule.body if hasattr(x, "predicate"))
    for start in reads:
        open_, seen = [*reads[start]], set[str]()
        while open_:
            if (current := open_.pop()) not in seen:
                seen.add(current)
                open_ += reads.get(current, ())
        if start in seen:
            return True
    return False


# --- the tally ---------------------------------------------------------------------------------------------------


def batches(kind: str, first: int, total: int) -> Iterator[tuple[int, int]]:
    """The first seed and the size of each batch."""
    for start in range(first, first + total, BATCH[kind]):
        yield start, min(BATCH[kind], first + total - start)


def batch(kind: str, first: int, count: int) -> Batch:
    """One batch, as it stands in the tally."""
    began, used = time.perf_counter(), time.process_time()
    made = {"kind": kind, "first": first, "count": count, "code": code()} | KINDS[kind](first, count)
    times = {"seconds": time.perf_counter() - began, "processor": time.process_time() - used}
    return made | {name: round(took, 1) for name, took in times.items()}


def run(asked: list[tuple[str, int, int]], jobs: int) -> Iterator[Batch]:
    """Batches as they are finished; one at a time in this process, more in others."""
    if jobs == 1:
        yield from (batch(*one) for one in asked)
        return
    with ProcessPoolExecutor(jobs) as pool:
        for future in as_completed([pool.submit(batch, *one) for one in asked]):
            yield future.result()


def show(kind: str, of: list[Batch]) -> None:
    """The sums of one kind, and its first differences."""

    def total(name: str) -> int:
        return sum(one.get(name, 0) for one in of)

    differences = [two for one in of for two in one["differences"]]
    compared = total("compared")
    print(f"{kind}: {compared:,} compared, {total('conclusions'):,} conclusions, {len(differences)} differences")
    if compared:
        print(f"  seeds {_spans(of)}; code {code()}")
        own = total("not_empty") / compared
        print(f"  {total('in_clingo'):,} by clingo too; {own:.1%} conclude something that an empty record does not")
    if answers := total("answers"):
        print(f"  {answers:,} answers that differ within a batch")
    fired = sum((Counter(one.get("fired", {})) for one in of), Counter[str]())
    if fired:
        print("  programs in which a rule fired with " + ", ".join(f"{name} {n:,}" for name, n in fired.most_common()))
    for one in differences[:10]:
        print(one)


def _spans(of: list[Batch]) -> str:
    """The seeds of some batches, those that follow each other together."""
    spans: list[list[int]] = []
    for first, count in sorted((one["first"], one["count"]) for one in of):
        if spans and spans[-1][1] == first:
            spans[-1][1] = first + count
        else:
            spans.append([first, first + count])
    return ", ".join(f"{first:,}–{end - 1:,}" for first, end in spans)


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=1, help="batches at a time")
    parser.add_argument("--tally", type=Path, default=Path("agreement.jsonl"))
    chosen = parser.parse_args(arguments)
    lines = [json.loads(line) for line in chosen.tally.read_text().splitlines()] if chosen.tally.exists() else []
    known: list[Batch] = [one for one in lines if one["code"] == code()]
    done = {(one["kind"], one["first"], one["count"]) for one in known}
    asked = [(kind, *span) for kind in KINDS for span in batches(kind, chosen.first, getattr(chosen, kind))]
    asked.sort(key=lambda one: one[1] / getattr(chosen, one[0]))  # wherever it is stopped, some of each is done
    for made in run([one for one in asked if one not in done], chosen.jobs):
        known.append(made)
        with chosen.tally.open("a") as file:
            file.write(json.dumps(made, ensure_ascii=False) + "\n")
    if other := sum(one["code"] != code() for one in lines):
        print(f"{other} batches of other code are not added up")
    for kind in KINDS:
        show(kind, [one for one in known if one["kind"] == kind])
    return 1 if any(one["differences"] or not one["conclusions"] for one in known) else 0


if __name__ == "__main__":
    sys.exit(main())
