"""What rests on each statement of an edition: the conclusions of its cases in whose proofs the statement stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from citelog.assess import Assessment
from citelog.compare.editions import Edition
from citelog.compare.effects import Subject, Watch, outcome, unwatched
from citelog.compare.quotes import Support
from citelog.conclusions import Conclusion
from citelog.diagnostics import CaseError
from citelog.proof.support import premises


def rests(old: Edition, watch: Watch = unwatched, *, is_told: bool = False) -> Mapping[str, list[Support]]:
    """For each statement the conclusions that rest on it, those that cite it first, with the cases in which they do.

    Raises CaseError for a case that cannot be used, unless that `is_told` elsewhere: without it, less seems to rest.
    """
    found: dict[str, dict[str, tuple[list[str], bool]]] = {}
    if old.knowledge is None:
        return {}
    for name, file in watch(tuple(old.cases.items()), "cases of the old edition"):
        try:
            assessment = outcome(old.knowledge, Subject(Path(name).stem, file, "case")).assessment
        except CaseError:
            if not is_told:
                raise
            assessment = None
        for conclusion in assessment.conclusions if assessment else ():
            for statement in _under(conclusion, assessment):
                of = found.setdefault(statement, {})
                cases, cites = of.get(conclusion.id.partition("#")[0], ([], False))
                of[conclusion.id.partition("#")[0]] = cases, cites or statement in conclusion.statements
                if Path(name).stem not in cases:
                    cases.append(Path(name).stem)
    return {
        statement: [
            Support(id_, tuple(cases), cites)
            for id_, (cases, cites) in sorted(of.items(), key=lambda one: (not one[1][1], one[0]))
        ]
        for statement, of in found.items()
    }


def _under(conclusion: Conclusion, assessment: Assessment | None) -> Iterator[str]:
    """Every statement that stands in the proof of a conclusion."""
    assert assessment is not None
    run, seen = assessment.run, {conclusion.atom: None}
    told: dict[str, None] = {}
    for atom in (open_ := [conclusion.atom]):
        told.update(dict.fromkeys(run.statements(atom) or ()))
        for firing in run.firings(atom):
            told.update(dict.fromkeys(firing.rule.cites))
            new = [premise for premise in premises(firing) if premise not in seen]
            seen.update(dict.fromkeys(new))
            open_ += new
    yield from told
