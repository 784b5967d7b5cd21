"""Drawn patients, rule bases and programs by three roads: a long run that adds up.

    python tests/population_agreement.py --patients 100000 --programs 10000 --tally agreement.jsonl --jobs 2
    python tests/population_agreement.py --tally agreement.jsonl                    # only the sums

The roads are citelog for one patient, citelog for a population, and clingo, which is given the exported program; it is
left out where it cannot say it (numbers beyond 32 bits, texts that it cannot write, division), or would take long to
ground it, and that is counted.

A line of the tally (`tally.py`) counts only as long as the code stays the same that is run; batches of other code are
run again.

That roads agree says little where nothing is concluded. So the sums say how many conclusions there were (of programs:
facts and firings), how many differ from what a patient is told of whom nothing is recorded (the others are `idle`), how
many different answers there were, and in how many programs which kind of rule has fired. A batch in which nothing is
concluded at all is a difference.
"""

from __future__ import annotations

import datetime
import hashlib
import operator
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

import b12
import changed_records
import exported
import populations
import random_knowledge
import tally
from citelog.assess import Assessment
from citelog.export.clingo import Clingo
from citelog.export.datalog import Translation
from citelog.export.exact import ExportError
from citelog.knowledge.base import Knowledge
from citelog.patient.facts import PATIENT, facts
from citelog.rules.language import AGGREGATES
from citelog.rules.program import Absent, Assignment, Comparison, Rule
from citelog.run.datalog import Machine
from citelog.values import Atom, Iri
from oracle.random_cases import random_case
from random_programs import drawn
from tally import Line
from test_export import EX, bare
from test_population import both_roads

PATIENCE = 5.0
"""Seconds in which clingo is to have grounded a drawn program: most take a hundredth of one, a few never end."""

AT = (None, datetime.date(2026, 3, 15), datetime.date(2026, 1, 18))
CODE = ("population", "run", "rules", "patient", "answer.py", "conclusions.py", "assess.py")
"""What of the engine decides how the roads go."""

Answers = Mapping[str, Assessment]


def code() -> str:
    """A hash of the code that is run."""
    found = hashlib.sha256()
    engine = Path(__file__).parent.parent / "engine" / "citelog"
    for name in CODE:
        for path in sorted((engine / name).rglob("*.py")) if (engine / name).is_dir() else [engine / name]:
            found.update(path.read_bytes())
    return found.hexdigest()[:12]


# --- what is drawn -----------------------------------------------------------------------------------------------


def patients(first: int, count: int) -> Line:
    """Drawn records of two makes, on a day that the seed gives, over the shipped knowledge."""
    rng = random.Random(first)
    records: dict[str, populations.Record] = {}
    for number in range(first, first + count):
        made = {**random_case(rng), "id": None} if number % 3 else changed_records.random_record(number)[0]
        records[f"p{number}"] = made
    at = AT[first // count % len(AT)]
    said = f"seeds {first} to {first + count - 1}, {at}: "
    return _concluding(said, _by_three_roads(b12.knowledge(), records, at, said))


def knowledge(first: int, count: int) -> Line:
    """Drawn rule bases about records, each over twelve drawn records, with and without a day."""
    found = []
    for seed in range(first, first + count):
        made, _, records = random_knowledge.concluding(random.Random(seed), 12)
        found += [_by_three_roads(made, records, at, f"seed {seed}, {at}: ") for at in (None, random_knowledge.DAY)]
    sums = {key: reduce(operator.add, (one[key] for one in found)) for key in found[0]}
    return _concluding(f"seeds {first} to {first + count - 1}: ", sums)


def programs(first: int, count: int) -> Line:
    """Drawn programs over three drawn sets of facts each, facts and firings.

    Those with an odd number have only what clingo can say, but for few; the others have texts and numbers that hurt.
    """
    conclusions, in_clingo, concluding, differences, kinds = 0, 0, 0, list[str](), dict.fromkeys(USES, 0)
    for seed in range(first, first + count):
        found = both_roads(seed, plain=bool(seed % 2))
        conclusions += found.conclusions
        concluding += bool(found.conclusions)
        differences += [f"seed {seed}: {one}" for one in found.differences]
        third, fired = _in_clingo_alone(seed)
        in_clingo += third is not None
        differences += [f"seed {seed}: clingo: {one}" for one in sorted(third or ())]
        for kind in {kind for rule in fired for kind in _kinds(rule)}:
            kinds[kind] += 1
        kinds["recursion"] += _recurs(fired)
    return _concluding(f"seeds {first} to {first + count - 1}: ", {
        "compared": count, "conclusions": conclusions, "in_clingo": in_clingo, "idle": count - concluding,
        "differences": differences, **{f"fired_{kind}": n for kind, n in kinds.items()},
    })  # fmt: skip


def _concluding(said: str, made: Line) -> Line:
    """A batch, in which it is a difference if nothing is concluded."""
    nothing = [] if made["conclusions"] else [f"{said}nothing is concluded"]
    return made | {"differences": [*made["differences"], *nothing]}


# --- records by three roads --------------------------------------------------------------------------------------


def _by_three_roads(
    knowledge: Knowledge, records: Mapping[str, populations.Record], at: datetime.date | None, said: str
) -> Line:
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
        "idle": sum(found == nothing for found in concluded), "answers": len(set(concluded)),
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
    """Every fact of a drawn program that only clingo or only citelog derives, None where clingo cannot say it in time.

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
    theirs = exported.clingo_within(PATIENCE, text, translation)
    return None if theirs is None else exported.ours(run, translation) ^ theirs, rules


USES = ("rules", "negation", "comparison", "arithmetic", *sorted(AGGREGATES), "recursion")


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


KINDS: Mapping[str, tally.Kind] = {
    "patients": tally.Kind(patients, 1000, "records over the shipped knowledge", code()),
    "knowledge": tally.Kind(knowledge, 20, "rule bases, each over twelve records", code()),
    "programs": tally.Kind(programs, 50, "programs, each over three sets of facts", code()),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    return tally.main(__doc__ or "", KINDS, arguments)


if __name__ == "__main__":
    sys.exit(main())
