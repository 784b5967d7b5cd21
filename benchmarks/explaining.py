"""Explaining, warm in the process: what proofs cost beside deriving, and beside peers that explain the same facts.

citelog gives every way to every step, with absences, comparisons and citations; xclingo and Nemo give one way, without
absences. Before anything is timed the peers' conclusions are compared with ours, and the rules that an
explanation of theirs names must stand in our proof of the same conclusion.
"""

from __future__ import annotations

import itertools
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import in_xclingo
from citelog import patient
from citelog.assess import Assessment, assess, assess_case
from citelog.diagnostics import CaseError
from citelog.explain.catalogue import catalogue
from citelog.export.exact import ExportError as Untranslatable
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Case
from citelog.proof.graph import Proof
from citelog.render import explained, proofs
from citelog.render.page import page
from citelog.run.result import Run
from in_clingo import Translation, same_model, solve
from in_nemo_tracing import Tracing, modest
from in_xclingo import Xclingo
from measure import Times, interleaved, table
from patients import AT, Patient, patients, random_trees

ALL_XCLINGO = "xclingo, rules ready / citelog: one why"
ALL_WRITTEN = "xclingo, as written / citelog: one why"
ALL_NEMO = "Nemo, parsed anew / citelog: one why"
ALL_ONCE = "Nemo, parsed once / citelog: one why"
MANY = "Nemo, parsed anew / citelog: many patients, every proof"
MANY_ONCE = "Nemo, parsed once / citelog: many patients, every proof"
ALONE = "every proof as data / deriving"
BOTH = "deriving and every proof as data / deriving"
WHY_NOT = "why-not / why, each with its assessment"
WHY_NOT_ALONE = "why-not / why, of an assessment that is there"
PAGE = "largest page / 300 kB"
LARGEST = 300_000

Section = tuple[str, dict[str, "Spread"], dict[str, Any]]
"""A table as text, the ratios that it gives by name, and everything as data."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How a ratio is spread over patients or questions."""

    values: tuple[float, ...]

    def at(self, part: float) -> float:
        """The value that this part of all stays within."""
        return sorted(self.values)[min(len(self.values) - 1, int(part * len(self.values)))]

    def to_dict(self) -> dict[str, float]:
        """For the JSON report."""
        found = {"median": statistics.median(self.values), "p90": self.at(0.9)}
        found |= {"lowest": min(self.values), "highest": max(self.values)}
        return {name: round(value, 3) for name, value in found.items()}

    def row(self, name: str) -> tuple[str, ...]:
        """A line of a table."""
        return (name, str(len(self.values)), *(f"{value:.2f}" for value in self.to_dict().values()))


HEAD = ("", "n", "median", "p90", "lowest", "highest")


def run(
    knowledge: Knowledge, folder: Path, rounds: int, drawn: int, seed: int, many: int
) -> tuple[str, dict[str, Any]]:
    """Measure; the tables, and the same as data."""
    chosen = patients(knowledge, folder, drawn, seed)
    cases = shipped(knowledge, folder)
    sections: dict[str, Section] = {
        "proofs": _proofs(knowledge, chosen, cases, rounds),
        "one why": _one_why(knowledge, chosen, rounds),
        "many patients": _many(knowledge, folder, seed, many),
        "why not": _why_not(knowledge, chosen),
        "page": _pages(knowledge, cases),
    }
    ratios = {name: spread for _, found, _ in sections.values() for name, spread in found.items()}
    data: dict[str, Any] = {"ratios": {name: spread.to_dict() for name, spread in ratios.items()}}
    return "\n".join(text for text, _, _ in sections.values()), data | {
        name: section[2] for name, section in sections.items()
    }


def shipped(knowledge: Knowledge, folder: Path) -> list[Case]:
    """Every shipped case that can be read."""
    found = []
    for path in sorted((folder / "cases").glob("*.yaml")):
        with suppress(CaseError):  # a case that shows how an unusable record is refused
            found.append(patient.read(path, knowledge.terms))
    return found


def every_proof(found: Assessment) -> list[dict[str, Any]]:
    """The proofs of all conclusions as data."""
    return [proof.to_dict() for proof in _all_proofs(found)]


def _all_proofs(found: Assessment) -> list[Proof]:
    return [found.why(id_) for id_ in found.by_id]


def rules_of_proof(found: Assessment, conclusion: str) -> set[str]:
    """The rules of every way to a conclusion."""
    return {step["rule"] for step in found.why(conclusion).to_dict()["steps"] if step["kind"] == "firing"}


def told(found: Assessment, conclusion: str) -> str:
    """A proof as text, as `citelog why` shows it."""
    return "\n".join(line.text for line in proofs.proof(found.why(conclusion), found))


# what proofs cost beside deriving


def _proofs(knowledge: Knowledge, chosen: Sequence[Patient], cases: Sequence[Case], rounds: int) -> Section:
    derive, prove, spell = "derive and conclude", "every proof, its steps made", "every proof as data"
    both = "derive, then every proof as data"
    times: dict[str, dict[str, Times]] = {}
    for one in chosen:
        unasked = [_fresh(knowledge, one.case, rounds) for _ in range(2)]
        tasks: dict[str, Callable[[], object]] = {
            derive: lambda one=one: assess_case(knowledge, one.case, AT),
            prove: lambda asked=unasked[0]: _all_proofs(next(asked)),
            spell: lambda asked=unasked[1]: every_proof(next(asked)),
            both: lambda one=one: every_proof(assess_case(knowledge, one.case, AT)),
        }
        times[one.name] = interleaved(tasks, rounds)
    rows = [
        (
            name,
            *(f"{t[name].median * 1e3:.2f}" for t in times.values()),
            f"{_middle(t[name].ratio(t[derive]) for t in times.values()):.2f}",
        )
        for name in (derive, prove, spell, both)
    ]
    text = table(f"Proofs beside deriving: median ms of {rounds} interleaved rounds", ("", *times, "/ derive"), rows)
    alone, together = [], []
    for case in cases:
        asked = _fresh(knowledge, case, 3)
        taken = interleaved(
            {
                derive: lambda case=case: assess_case(knowledge, case, AT),
                spell: lambda asked=asked: every_proof(next(asked)),
                both: lambda case=case: every_proof(assess_case(knowledge, case, AT)),
            },
            3,
        )
        alone.append(taken[spell].ratio(taken[derive]))
        together.append(taken[both].ratio(taken[derive]))
    ratios = {ALONE: Spread(tuple(alone)), BOTH: Spread(tuple(together))}
    text += "\n" + _spreads(f"The same for every shipped case ({len(cases)}), three rounds each", ratios)
    return text, ratios, {"times": {name: _ms(t) for name, t in times.items()}}


def _fresh(knowledge: Knowledge, case: Case, rounds: int) -> Iterator[Assessment]:
    """Assessments that nothing was asked of yet, made before the clock starts: steps are kept once they are made."""
    return iter([assess_case(knowledge, case, AT) for _ in range(rounds + 2)])


# one why, beside xclingo and Nemo


def _one_why(knowledge: Knowledge, chosen: Sequence[Patient], rounds: int) -> Section:
    ours, full = "citelog: assess, one proof as text", "citelog: and the case file read"
    ready, written = "xclingo: ground, solve, explain (rules ready)", "xclingo: the same from annotated text"
    anew, once = "Nemo: parse, reason, trace", "Nemo: reason, trace (parsed once)"
    times: dict[str, dict[str, Times]] = {}
    goals, left_out = {}, []
    measured = [one for one in chosen if modest(one.atoms)]
    left_out += [f"{one.name}: numbers that the peers cannot hold" for one in chosen if one not in measured]
    assessed = {one.name: assess_case(knowledge, one.case, AT) for one in measured}
    with tempfile.TemporaryDirectory() as scratch:
        nemo = _nemo(knowledge, [found.run for found in assessed.values()], Path(scratch))
        for one in measured:
            found = assessed[one.name]
            goal = max(found.conclusions, key=lambda c: (len(found.why(c.id).order), c.id))
            facts = nemo.facts(one.atoms)
            nemo.put(one.atoms)
            _agree("Nemo", one.name, nemo.differs(found.run, facts))
            tasks: dict[str, Callable[[], object]] = {
                ours: lambda one=one, goal=goal: told(assess_case(knowledge, one.case, AT), goal.id),
                full: lambda one=one, goal=goal: told(assess(knowledge, one.source, AT), goal.id),
                anew: lambda facts=facts, goal=goal: nemo.trace(facts, [goal.atom]),
                once: lambda goal=goal: nemo.trace_files([goal.atom]),
            }
            if in_xclingo.INSTALLED:
                try:
                    translation = Translation(knowledge.program, knowledge.stated, one.atoms)
                    given = translation.facts(one.atoms)
                except Untranslatable as reason:
                    left_out.append(f"{one.name}: clingo cannot express {reason}")
                    continue
                model = solve([translation.program, translation.knowledge, given])
                _agree("clingo", one.name, same_model(found.run, translation, model))
                peer = Xclingo(translation, knowledge.program)
                for explain in (peer.explain, peer.explain_as_written):
                    [tree] = explain(given, [goal.atom])
                    named = in_xclingo.rules_of(tree)
                    _agree("xclingo", one.name, "" if named else f"no rule explains {goal.id}")
                    _agree("xclingo", one.name, ", ".join(named - rules_of_proof(found, goal.id)))
                tasks[ready] = lambda peer=peer, given=given, goal=goal: peer.explain(given, [goal.atom])
                tasks[written] = lambda peer=peer, given=given, goal=goal: peer.explain_as_written(given, [goal.atom])
            goals[one.name] = goal.id
            times[one.name] = interleaved(tasks, rounds)
    peers = {ALL_XCLINGO: ready, ALL_WRITTEN: written, ALL_NEMO: anew, ALL_ONCE: once}
    ratios = {
        name: Spread(tuple(t[row].ratio(t[ours]) for t in times.values()))
        for name, row in peers.items()
        if all(row in t for t in times.values())
    }
    rows = [
        (
            row,
            *(f"{t[row].median * 1e3:.2f}" for t in times.values()),
            f"{_middle(t[row].ratio(t[ours]) for t in times.values()):.1f}",
        )
        for row in (ours, full, ready, written, anew, once)
        if all(row in t for t in times.values())
    ]
    text = table(
        f"One why, of the conclusion with the largest proof: median ms of {rounds} interleaved rounds",
        ("", *times, "/ citelog"),
        rows,
    )
    text += "".join(f"left out: {line}\n" for line in left_out)
    if not in_xclingo.INSTALLED:
        text += f"not run: {in_xclingo.NOT_INSTALLED}\n"
    return text, ratios, {"goals": goals, "times": {name: _ms(t) for name, t in times.items()}, "left_out": left_out}


def _nemo(knowledge: Knowledge, runs: Sequence[Run], scratch: Path) -> Tracing:
    asked = [kind.predicate for kind in knowledge.kinds]
    return Tracing(knowledge.program, knowledge.stated, runs, asked, scratch)


# many patients with every proof


def _many(knowledge: Knowledge, folder: Path, seed: int, many: int) -> Section:
    """Each patient once: citelog from the record as it is parsed, Nemo from facts that are text or files already."""
    ours, anew, once = "citelog: assess, every proof as data", "Nemo: parse, reason, trace all", "Nemo: parsed once"
    spent: dict[str, list[float]] = {ours: [], anew: [], once: []}
    conclusions, differs, found = 0, 0, []
    for source in itertools.islice(_sources(knowledge, folder, seed, many), many):
        assessed = assess(knowledge, source, AT)
        atoms = [atom for atom, _ in patient.facts(assessed.case, knowledge.terms, assessed.at)]
        found.append((source, assessed, atoms))
    measured = [one for one in found if modest(one[2])]
    with tempfile.TemporaryDirectory() as scratch:
        nemo = _nemo(knowledge, [assessed.run for _, assessed, _ in measured], Path(scratch))
        for source, assessed, atoms in measured:
            goals, facts = [c.atom for c in assessed.conclusions], nemo.facts(atoms)
            nemo.put(atoms)
            if nemo.differs(assessed.run, facts):
                differs += 1
                continue
            taken = interleaved(
                {
                    ours: lambda source=source: every_proof(assess(knowledge, source, AT)),
                    anew: lambda facts=facts, goals=goals: nemo.trace(facts, goals),
                    once: lambda goals=goals: nemo.trace_files(goals),
                },
                rounds=1,
                warmup=0,
            )
            conclusions += len(goals)
            for name, one in taken.items():
                spent[name] += one.seconds
    total = {name: sum(seconds) for name, seconds in spent.items()}
    rows = [
        (name, f"{s:.2f}", f"{statistics.median(spent[name]) * 1e3:.2f}", f"{s / total[ours]:.2f}")
        for name, s in total.items()
    ]
    n = len(spent[ours])
    text = table(
        f"{n} patients with every proof ({conclusions} conclusions): each patient once, in turn",
        ("", "s in all", "ms, median patient", "/ citelog"),
        rows,
    )
    text += (
        f"left out: numbers that Nemo cannot hold: {len(found) - len(measured)}; Nemo concludes otherwise: {differs}\n"
    )
    ratios = {MANY: Spread((total[anew] / total[ours],)), MANY_ONCE: Spread((total[once] / total[ours],))}
    data = {"patients": n, "conclusions": conclusions, "seconds": total, "left_out": len(found) - n}
    return text, ratios, data


def _sources(knowledge: Knowledge, folder: Path, seed: int, many: int) -> Iterator[Mapping[str, Any]]:
    """Shipped cases as parsed trees, then random ones; those that are refused as unusable left out."""
    import yaml

    paths = sorted((folder / "cases").glob("*.yaml"))
    trees = (yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader) for path in paths)
    for tree in itertools.chain(trees, random_trees(seed, 2 * many)):
        with suppress(CaseError):
            patient.read(tree, knowledge.terms)
            yield tree


# why not


def _why_not(knowledge: Knowledge, chosen: Sequence[Patient]) -> Section:
    """Every conclusion that was not reached, beside a why of one that was, each conclusion in its turn."""
    whole, alone, slowest, failed = [], [], ("", 0.0), []
    seconds: dict[str, list[float]] = {"why": [], "why-not": []}
    for one in chosen:
        found = assess_case(knowledge, one.case, AT)
        reached = itertools.cycle(found.by_id)
        for asked in catalogue(knowledge):
            if any(id_.partition("#")[0] == asked for id_ in found.by_id):
                continue
            try:
                _told_not(found, asked)
            except CaseError as error:
                failed.append(f"{one.name}, {asked}: {str(error).partition(chr(10))[0]}")
                continue
            why = next(reached)
            unasked = [assess_case(knowledge, one.case, AT) for _ in range(2)]
            taken = interleaved(
                {
                    "why": lambda a=unasked[0], why=why: told(a, why),
                    "why-not": lambda a=unasked[1], asked=asked: _told_not(a, asked),
                    "assess, why": lambda one=one, why=why: told(assess_case(knowledge, one.case, AT), why),
                    "assess, why-not": lambda one=one, asked=asked: _told_not(
                        assess_case(knowledge, one.case, AT), asked
                    ),
                },
                rounds=1,
                warmup=0,
            )
            whole.append(taken["assess, why-not"].ratio(taken["assess, why"]))
            alone.append(taken["why-not"].ratio(taken["why"]))
            for name in seconds:
                seconds[name] += taken[name].seconds
            slowest = max(slowest, (f"{one.name}, {asked}", taken["why-not"].median), key=lambda pair: pair[1])
    ratios = {WHY_NOT: Spread(tuple(whole)), WHY_NOT_ALONE: Spread(tuple(alone))}
    ms = {name: Spread(tuple(1e3 * s for s in taken)) for name, taken in seconds.items()}
    text = _spreads(
        f"Why not, each goal that {len(chosen)} patients did not reach, beside a why, both as text",
        ratios | {f"{name} alone, ms": spread for name, spread in ms.items()},
    )
    text += f"slowest: {slowest[0]}\n" + "".join(f"failed: {line}\n" for line in failed)
    data = {"ms": {name: spread.to_dict() for name, spread in ms.items()}, "slowest": slowest[0], "failed": failed}
    return text, ratios, data


def _told_not(found: Assessment, conclusion: str) -> str:
    return "\n".join(line.text for line in explained.why_not(found.why_not(conclusion), found.knowledge))


# the page


def _pages(knowledge: Knowledge, cases: Sequence[Case]) -> Section:
    sizes: dict[str, int] = {}
    times, beside = [], []
    for case in cases:
        asked = _fresh(knowledge, case, 1)
        taken = interleaved(
            {
                "page": lambda asked=asked: page(next(asked)),
                "assess": lambda case=case: assess_case(knowledge, case, AT),
            },
            rounds=1,
        )
        times.append(taken["page"].median * 1e3)
        beside.append(taken["page"].ratio(taken["assess"]))
        sizes[case.id] = len(page(assess_case(knowledge, case, AT)).encode())
    largest = max(sizes, key=sizes.__getitem__)
    text = _spreads(
        f"The page of every shipped case ({len(cases)}), proofs and all",
        {
            "size, kB": Spread(tuple(size / 1e3 for size in sizes.values())),
            "ms": Spread(tuple(times)),
            "page / assess": Spread(tuple(beside)),
        },
    )
    text += f"largest: {largest}\n"
    data = {"largest": largest, "bytes": sizes[largest], "ms": Spread(tuple(times)).to_dict()}
    return text, {PAGE: Spread((sizes[largest] / LARGEST,))}, data


# tables


def _spreads(title: str, ratios: Mapping[str, Spread]) -> str:
    return table(title, HEAD, [spread.row(name) for name, spread in ratios.items()])


def _ms(times: Mapping[str, Times]) -> dict[str, Any]:
    return {row: one.to_dict() for row, one in times.items()}


def _middle(values: Iterable[float]) -> float:
    return statistics.median(values)


def _agree(peer: str, name: str, difference: str) -> None:
    if difference:
        raise SystemExit(f"{peer} and citelog disagree on the patient {name}; nothing was timed.\n{difference}")
