"""`citelog verify`: pictures a minute, beside clingo that lists the same pictures and the engine that derives them.

The question is the largest that a knowledge base is asked without being asked: has every patient exactly one conclusion
of a kind? Its pictures are evaluated at once by citelog. clingo is given the same clauses and the same signatures, and
lists its answer sets, each of which is a picture. The engine derives the smallest record of one picture after another.
Times are the processor's own, for the evaluation alone.

    python benchmarks/verifying.py [--kb b12] [--kind treat] [--listed 20000] [--derived 200] [--json figures.json]
"""

from __future__ import annotations

import argparse
import json
import random
import time
from pathlib import Path

import clingo

from citelog import patient
from citelog.knowledge.cache import open_knowledge
from citelog.run.datalog import Machine
from citelog.verify import pictures, solver
from citelog.verify.forms import case_of
from citelog.verify.verdicts import Verifier, verify
from measure import table

RATE = 1_000_000  # pictures a minute: the bar
MINUTES = 10.0  # for all properties: the bar


def evaluated(verifier: Verifier, goals: list[int]) -> tuple[int, float, int]:
    """All pictures, by rows of bits: how many, the seconds, and how often a goal holds."""
    slice_ = verifier.axes.slice(goals)
    known = {axis: verifier.signatures(axis, atoms) for axis, atoms in slice_.frontier.items()}
    start, hits = time.process_time(), 0
    for block in pictures.blocks(verifier.axes, slice_, known):
        hits += sum(block.rows.get(goal, 0).bit_count() for goal in goals)
    return pictures.count(known), time.process_time() - start, hits


def listed(verifier: Verifier, goals: list[int], most: int) -> tuple[int, float]:
    """Pictures listed by clingo: one signature chosen for each axis, the joint clauses as they are."""
    slice_ = verifier.axes.slice(goals)
    known = {axis: verifier.signatures(axis, atoms) for axis, atoms in slice_.frontier.items()}
    control = clingo.Control([f"--models={most}", "--warn=none"])
    with control.backend() as backend:
        literal = {
            atom: backend.add_atom(clingo.Function("a", [clingo.Number(atom)]))
            for atom in (*slice_.joint, *slice_.constant, *(a for atoms in slice_.frontier.values() for a in atoms))
        }
        for signatures in known.values():
            chosen = [backend.add_atom() for _ in signatures]
            for one in chosen:
                backend.add_rule([one], [], True)
            for i, one in enumerate(chosen):
                for other in chosen[:i]:
                    backend.add_rule([], [one, other])
                for atom in signatures[i]:
                    backend.add_rule([literal[atom]], [one])
            backend.add_rule([], [-one for one in chosen])
        for atom in slice_.constant:
            backend.add_rule([literal[atom]], [])
        for atom in slice_.joint:
            for clause in verifier.axes.by_head.get(atom, ()):
                body = [literal[a] for a in clause.positive] + [-literal[a] for a in clause.negative]
                backend.add_rule([literal[atom]], body)
    start, count = time.process_time(), 0
    with control.solve(yield_=True) as handle:
        for _ in handle:
            count += 1
    return count, time.process_time() - start


def derived(verifier: Verifier, goals: list[int], most: int) -> tuple[int, float]:
    """Pictures derived by the engine, from the smallest record of each of their signatures."""
    slice_ = verifier.axes.slice(goals)
    known = {axis: verifier.signatures(axis, atoms) for axis, atoms in slice_.frontier.items()}
    by_number = {form.number: form for form in verifier.ground.forms}
    smallest: dict[tuple[int, frozenset[int]], tuple[int, ...]] = {}
    rng, cases = random.Random(1), []
    for _ in range(most):
        chosen: list[int] = []
        for axis, signatures in known.items():
            one = rng.choice(signatures)
            if (axis, one) not in smallest:
                found = solver.smallest(verifier.axes, one, set(slice_.frontier[axis]) - one)
                assert found is not None
                smallest[axis, one] = found
            chosen += smallest[axis, one]
        record, at = case_of(by_number[n].said for n in chosen)
        case = patient.read(record, verifier.knowledge.terms)
        cases.append(patient.facts(case, verifier.knowledge.terms, at))
    machine = Machine(verifier.ground.program, verifier.knowledge.stated)
    start = time.process_time()
    for given in cases:
        machine.run(given)
    return len(cases), time.process_time() - start


def main() -> None:
    """Measure, print, and say whether the bars are kept."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--kb", default="b12")
    asked.add_argument("--kind", default="treat")
    asked.add_argument("--listed", type=int, default=20_000, help="pictures that clingo lists")
    asked.add_argument("--derived", type=int, default=200, help="pictures that the engine derives")
    asked.add_argument("--json", type=Path)
    given = asked.parse_args()
    knowledge = open_knowledge(given.kb)
    start = time.process_time()
    found = verify(knowledge)
    whole = time.process_time() - start
    verifier = Verifier.of(knowledge)
    names = {(" none", (given.kind,)), (" several", (given.kind,))}
    goals = [atom for name, atom in verifier.ground.numbers.items() if name in names]
    rows, figures = [], {}
    number, seconds, _ = evaluated(verifier, goals)
    rate = number / seconds * 60
    for what, (count, took) in {
        "citelog, all at once": (number, seconds),
        "clingo, listing": listed(verifier, goals, given.listed),
        "the engine, one by one": derived(verifier, goals, given.derived),
    }.items():
        own = count / took * 60
        figures[what] = {"pictures": count, "seconds": took, "a_minute": own, "ratio": rate / own}
        rows.append((what, f"{count:,}", f"{took:.3f}", f"{own:,.0f}", f"{rate / own:,.1f}"))
    print(table(f"pictures of {given.kind}", ("", "pictures", "seconds", "a minute", "citelog is ×"), rows))
    decided = len(found.properties) + len(found.kinds) + len(found.disagreements)
    print(f"\nverify of all {knowledge.id}: {whole:.1f} s for {decided} verdicts, {found.looked_at:,} pictures")
    kept = rate >= RATE and whole <= MINUTES * 60
    told = f"{rate:,.0f} pictures a minute (≥ {RATE:,}), {whole / 60:.2f} minutes (≤ {MINUTES:g})"
    print(f"bars: {told}: {'kept' if kept else 'NOT KEPT'}")
    if given.json:
        document = {"pictures": figures, "verify_seconds": whole, "verdicts": decided, "looked_at": found.looked_at}
        given.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
