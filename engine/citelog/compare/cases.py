"""The cases of two editions: the records that both are asked about, and what changed in the cases themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from citelog import patient
from citelog.compare.changes import Change, Detail
from citelog.compare.editions import Edition
from citelog.compare.effects import Subject
from citelog.diagnostics import CaseError
from citelog.patient.case import Case, Expectation
from citelog.vocab import Terms


def subjects(old: Edition, new: Edition) -> Iterator[Subject]:
    """Every case of either edition; one whose record is not what it was, both as it was and as it is."""
    for name in sorted({*old.cases, *new.cases}):
        stem = Path(name).stem
        if name in new.cases:
            yield Subject(stem, new.cases[name], "case")
        if name in old.cases and (name not in new.cases or _record(old, name) != _record(new, name)):
            yield Subject(f"{stem} (as it was)" if name in new.cases else stem, old.cases[name], "case")


def _read(edition: Edition, name: str) -> Case | None:
    """A case of an edition; None where it cannot be read."""
    try:
        return patient.read(edition.cases[name], edition.knowledge.terms if edition.knowledge else Terms())
    except CaseError:
        return None


def _record(edition: Edition, name: str) -> tuple[str, ...]:
    """What a case records, line by line, in an order of its own."""
    case = _read(edition, name)
    if case is None:
        return ()
    lines = []
    for item in case.gathered.items:
        keys = ", ".join(f"{key}: {value}" for key, value in sorted(item.keys.items()))
        lines.append(f"{item.list}: {' '.join((*item.codes, item.name))}{f', {keys}' if keys else ''}")
    lines += [f"context: {key}: {value}" for key, (value, _) in case.gathered.context.items()]
    return tuple(sorted(lines))


def _expected(edition: Edition, name: str) -> tuple[str, ...]:
    """What the author of a case expects, line by line."""
    case = _read(edition, name)
    expect = case.expect if case and case.expect else Expectation()
    lines = [
        *(f"include {id_}" for id_ in expect.include),
        *(f"exclude {id_}" for id_ in expect.exclude),
        *(f"{id_}: {step}" for id_, step in expect.steps.items()),
        *(f"{id_} cites {' '.join(cited)}" for id_, cited in expect.cites.items()),
        *(f"proof of {id_}" for id_ in expect.proofs),
        *([f"at {expect.at}"] if expect.at else []),
    ]
    return tuple(sorted(lines))


def changed_cases(old: Edition, new: Edition) -> Iterator[Change]:
    """Each case that only one edition has, or that records or expects something else."""
    for name in sorted({*old.cases, *new.cases}):
        stem = Path(name).stem
        if name not in new.cases or name not in old.cases:
            yield Change("case", stem, "removed" if name in old.cases else "added", "")
        elif old.cases[name].read_bytes() != new.cases[name].read_bytes():
            details = tuple(
                Detail(about, tuple(x for x in ours if x not in theirs), tuple(x for x in theirs if x not in ours))
                for about, of in (("record", _record), ("expect", _expected))
                for ours, theirs in [(of(old, name), of(new, name))]
                if ours != theirs
            )
            if details:
                yield Change("case", stem, "changed", "", details)
