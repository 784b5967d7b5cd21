"""One patient, warm in the process: a full assessment with all proofs, its parts, and the same program in peers.

citelog is timed with everything it gives: conclusions, sentences, citations, and every firing kept. Peers
are timed for the bare conclusions (pyDatalog, Nemo) or the bare model (clingo). Before anything is timed,
each peer's answer is compared with ours.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from citelog import patient
from citelog.assess import assess, assess_case
from citelog.knowledge.base import Knowledge
from citelog.run.datalog import Machine
from in_clingo import Translation, Untranslatable, same_model, solve
from in_nemo import Nemo
from in_pydatalog import OneBase
from measure import Times, interleaved, table
from patients import AT, Patient, patients

FULL = "citelog: case file to assessment, all proofs"
CLINGO = "clingo: parse, ground, solve (text ready)"
PYDATALOG = "pyDatalog, one base: rules ready, one query"
PYDATALOG_EACH = "pyDatalog, one base: rules ready, a query a predicate"
PYDATALOG_NEW = "pyDatalog, one base: everything given anew"
ROWS = (
    FULL,
    "  read the file",
    "  facts",
    "  derive, all firings",
    "  facts + derive + conclusions",
    "citelog: the same from a parsed record",
    "citelog: and the assessment document as JSON",
    "citelog: and every firing spelt out",
    CLINGO,
    "clingo: facts to text, then the same",
    PYDATALOG,
    PYDATALOG_EACH,
    PYDATALOG_NEW,
    "Nemo: parse, reason (text ready)",
)
NOT_RUN = {
    "SWI-Prolog": "as a process only, with proofs: explaining_cold.py",
    "SPARQL (pyoxigraph)": "predicates of three and more places would have to become triples: another program",
}


def run(knowledge: Knowledge, folder: Path, rounds: int, drawn: int, seed: int) -> tuple[str, dict[str, Any]]:
    """Measure; the table, and the same as data."""
    chosen = patients(knowledge, folder, drawn, seed)
    results, left_out = [], []
    for one in chosen:
        try:
            times, size = _one(knowledge, one, rounds)
        except Untranslatable as reason:
            left_out.append(f"{one.name}: clingo cannot express {reason}")
            continue
        results.append((one.name, size, times))
    names = [name for name, _, _ in results]
    rows = []
    for row in ROWS:
        ratio = sorted(times[FULL].ratio(times[row]) for _, _, times in results)
        middle = ratio[len(ratio) // 2]
        rows.append((row, *(f"{times[row].median * 1e3:.2f}" for _, _, times in results), f"{middle:.2f}"))
    sizes = [
        ("facts of the record", *(str(s["facts"]) for _, s, _ in results), ""),
        ("facts of the model", *(str(s["model"]) for _, s, _ in results), ""),
        ("conclusions", *(str(s["conclusions"]) for _, s, _ in results), ""),
        ("firings", *(str(s["firings"]) for _, s, _ in results), ""),
    ]
    title = (
        f"One patient, warm: median ms of {rounds} interleaved rounds; "
        "last column: citelog in full / this row, for the median patient"
    )
    text = table(title, ("", *names, "citelog / row"), [*sizes, *rows])
    text += "".join(f"left out: {line}\n" for line in left_out)
    text += "".join(f"not run: {name}: {reason}\n" for name, reason in NOT_RUN.items())
    ratios = {
        "citelog / clingo": [t[FULL].ratio(t[CLINGO]) for _, _, t in results],
        "pyDatalog in one base, rules ready, one query / citelog": [t[PYDATALOG].ratio(t[FULL]) for _, _, t in results],
        "pyDatalog in one base, rules ready, a query a predicate / citelog": [
            t[PYDATALOG_EACH].ratio(t[FULL]) for _, _, t in results
        ],
        "pyDatalog in one base, everything anew / citelog": [t[PYDATALOG_NEW].ratio(t[FULL]) for _, _, t in results],
    }
    data = {
        "patients": [
            {"name": name, **size, "times": {row.strip(): t.to_dict() for row, t in times.items()}}
            for name, size, times in results
        ],
        "ratios": {
            name: {"median": round(sorted(v)[len(v) // 2], 3), "lowest": round(min(v), 3), "highest": round(max(v), 3)}
            for name, v in ratios.items()
        },
        "left_out": left_out,
        "not_run": NOT_RUN,
    }
    return text, data


def _one(knowledge: Knowledge, one: Patient, rounds: int) -> tuple[dict[str, Times], dict[str, int]]:
    asked = [kind.predicate for kind in knowledge.kinds]
    assessment = assess_case(knowledge, one.case, AT)
    model = assessment.run
    translation = Translation(knowledge.program, knowledge.stated, one.atoms)
    fixed, facts = [translation.program, translation.knowledge], translation.facts(one.atoms)
    _agree("clingo", one, same_model(model, translation, solve([*fixed, facts])))
    base = OneBase(knowledge.program, knowledge.stated, asked)
    given = base.given(one.atoms, model)
    _agree("pyDatalog", one, base.same(model, base.ask(given)))
    _agree("pyDatalog, query by query", one, base.same(model, base.ask_each(given)))
    nemo = Nemo(knowledge.program, knowledge.stated, one.atoms, asked)
    written = nemo.facts(one.atoms)
    _agree("Nemo", one, nemo.same(model, nemo.solve(written)))
    machine = Machine(knowledge.program, knowledge.stated)
    source = one.source
    tree: Any = source
    if isinstance(source, Path):
        import yaml

        tree = yaml.load(source.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)

    def full() -> object:
        return assess(knowledge, source, AT)

    def spelt() -> object:
        found = assess(knowledge, source, AT)
        return [found.run.firings(atom) for predicate in found.run.facts for atom in found.run.atoms(predicate)]

    tasks: dict[str, Callable[[], object]] = dict(
        zip(
            ROWS,
            (
                full,
                lambda: patient.read(source, knowledge.terms),
                lambda: patient.facts(one.case, knowledge.terms),
                lambda: machine.run(one.facts),
                lambda: assess_case(knowledge, one.case, AT),
                lambda: assess(knowledge, tree, AT),
                lambda: assess(knowledge, source, AT).to_json(),
                spelt,
                lambda: solve([*fixed, facts]),
                lambda: solve([*fixed, translation.facts(one.atoms)]),
                lambda: base.ask(given),
                lambda: base.ask_each(given),
                lambda: OneBase(knowledge.program, knowledge.stated, asked).ask(given),
                lambda: nemo.solve(written),
            ),
            strict=True,
        )
    )
    size = {
        "facts": len(one.facts),
        "model": sum(len(rows) for rows in model.facts.values()),
        "conclusions": len(assessment.conclusions),
        "firings": sum(len(held) for rows in model.facts.values() for held in rows.values()),
    }
    return interleaved(tasks, rounds), size


def _agree(peer: str, one: Patient, difference: str) -> None:
    if difference:
        raise SystemExit(f"{peer} and citelog disagree on the patient {one.name}; nothing was timed.\n{difference}")
