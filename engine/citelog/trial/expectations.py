"""The cases of a knowledge base, each run, and every expectation of its author that does not hold."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from citelog import disk, patient
from citelog.assess import Assessment, DerivationError
from citelog.diagnostics import CaseError, CitelogError, did_you_mean, proposal
from citelog.explain.catalogue import goal
from citelog.explain.model import Model, shape
from citelog.explain.obstacles import Obstacle, obstacle
from citelog.explain.plans import Planner
from citelog.knowledge.base import Knowledge
from citelog.knowledge.files import NO_DRAFTS, Drafts, read_bytes
from citelog.listing import paths_in
from citelog.patient.case import Entry, Expectation, Note
from citelog.patient.facts import nearest, unmatched
from citelog.proof.words import sentence
from citelog.run.datalog import DeadlineError
from citelog.values import Value


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that does not hold.

    `kind` is `unusable`, `missing`, `forbidden`, `step`, `citation`, `facts`, `proof`, or `fault` where the rules
    give what the knowledge base declares impossible. `lines` say more: what is there
    instead, or a difference line by line. `against` is what stands against a conclusion that is missing.
    """

    kind: str
    what: str
    lines: tuple[str, ...] = ()
    against: Obstacle | None = None

    def to_dict(self) -> dict[str, Any]:
        """The failure as data."""
        return {
            "kind": self.kind,
            "what": self.what,
            "lines": list(self.lines),
            "against": self.against.to_dict() if self.against else None,
        }


@dataclass(frozen=True, slots=True)
class Trial:
    """One case that was run: how many expectations it has, and those that do not hold.

    `slips` are notes of entries that look like a slip of the case's author: whatever is expected not to be concluded
    holds of an entry that nobody reads. Where something else is concluded than expected, they are all that was not
    understood.
    """

    case: str
    file: Path
    expectations: int
    failures: tuple[Failure, ...]
    slips: tuple[Note, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The trial as data."""
        return {
            "case": self.case,
            "file": str(self.file),
            "expectations": self.expectations,
            "failures": [failure.to_dict() for failure in self.failures],
            "slips": [{"text": note.text, "read_from": note.read_from} for note in self.slips],
        }


def case_files(folder: Path, wanted: Iterable[str] = ()) -> list[Path]:
    """The case files of a knowledge base, those whose name holds one of the wanted words; all, where none is given.

    Raises OSError where a folder of them may not be looked into.
    """
    found = [path for path in paths_in(folder, "cases/**/*") if path.suffix in (".yaml", ".yml", ".json")]
    words = tuple(wanted)
    return [path for path in found if not words or any(word in path.stem for word in words)]


def no_case(folder: Path, words: tuple[str, ...], hint: str | None = None) -> CitelogError:
    """The refusal where `case_files` has none for these words; `hint` is what else they may mean."""
    there = [file.stem for file in case_files(folder)]
    near = next(filter(None, (did_you_mean(word, there) for word in words)), "")
    named = f" of that name: {', '.join(words)}" if words else ""
    return CitelogError(f"{folder / 'cases'}: no case{named}", hint or near or "engine/CASES.md says how to write one")


def golden(file: Path, conclusion: str) -> Path:
    """Where the expected text of a proof is kept: beside the case, under the case's name."""
    return file.parent / "proofs" / file.stem / f"{conclusion.replace(':', '.').replace('#', '.')}.txt"


def tried(
    knowledge: Knowledge, file: Path, drafts: Drafts = NO_DRAFTS, *, explained: bool = True
) -> tuple[Trial, Assessment | None]:
    """Run one case; its assessment is None where the file cannot be used. `drafts` stand in for files.

    What stands against a conclusion that is missing is looked for only where it is to be `explained`: it takes longer
    than all else.
    """
    try:
        if file in drafts:
            case = patient.from_bytes(drafts[file].encode(), file.name, file.stem, knowledge.terms)
        else:
            case = patient.read(file, knowledge.terms)
        found = Assessment.of(knowledge, case, case.expect.at if case.expect else None)
    except (CaseError, DerivationError, DeadlineError) as error:
        return unanswered(file, error), None
    return judged(found, file, drafts, explained=explained), found


def unanswered(file: Path, error: Exception) -> Trial:
    """A case to which there is no answer: its file cannot be used, or it is a fault of the rules."""
    if isinstance(error, DerivationError):
        failure = Failure("fault", error.what, (error.remedy,))
    else:
        what, *more = str(error).splitlines() or [""]
        told = tuple(line.strip() for line in more)
        failure = Failure("unusable" if isinstance(error, CitelogError) else "fault", what, told)
    return Trial(file.stem, file, 1, (failure,))


def judged(found: Assessment, file: Path, drafts: Drafts = NO_DRAFTS, *, explained: bool = True) -> Trial:
    """An assessment held to what the case's author expects."""
    expect = found.case.expect or Expectation()
    failures = tuple(_failures(found, expect, file, drafts, explained))
    otherwise = any(failure.kind in ("missing", "forbidden", "step") for failure in failures)
    slips = _unread(found) if otherwise else _slips(found, expect)
    return Trial(found.case.id, file, expect.count, failures, tuple(dict.fromkeys(slips)))


def _unread(found: Assessment) -> Iterator[Note]:
    """What was not understood of any entry: where something else is concluded than expected, it may be the cause."""
    yield from sorted(
        {*found.case.notes, *patient.notes_on(found.case, found.knowledge.terms, found.at)}, key=_by_place
    )
    entries: Mapping[Value, Iterable[Entry]] = {record.iri: record.entries for record in found.case.records}
    for predicate in ("result_unreadable", "result_unit_missing"):
        for atom in found.run.atoms(predicate):
            text = f"{sentence(found.words.fact(atom))}."
            yield from (Note(text, entry.read_from) for record in atom.args for entry in entries.get(record, ()))


def _by_place(note: Note) -> tuple[str, str]:
    return note.read_from, note.text


def _slips(found: Assessment, expect: Expectation) -> Iterator[Note]:
    """What is noted of entries whose name nothing matches, where that is hardly on purpose.

    An author who tries what becomes of an unknown name takes one that is like no other, and expects something that is
    concluded all the same. So told are names that are near to a known one, and of a case that only excludes all.
    """
    only_excludes = 0 < len(expect.exclude) == expect.count
    for entry in found.case.entries:
        if entry.term is None and entry.name and (only_excludes or nearest(entry, found.knowledge.terms)):
            yield Note(unmatched(entry, found.knowledge.terms), entry.read_from)


def _failures(found: Assessment, expect: Expectation, file: Path, drafts: Drafts, explained: bool) -> Iterator[Failure]:
    for id_ in expect.include:
        if not found.reached(id_):
            yield _missing(found, id_, explained)
    for id_ in expect.exclude:
        try:
            goal(found.knowledge, id_)
        except CitelogError as error:
            yield Failure("missing", f"{id_} must not be concluded, and never can be", tuple(str(error).splitlines()))
        for reached in found.reached(id_):
            conclusion = found.by_id[reached]
            facts = [entry.sentence for entry in found.case.entries if entry.id in conclusion.facts]
            lines = (
                conclusion.sentence,
                f"from {'; '.join(facts) or 'no entry'}",
                f"cites {' '.join(conclusion.statements)}",
            )
            yield Failure("forbidden", f"{reached} is concluded, and must not be", lines)
    for value, told in expect.steps.items():
        yield from _step(found, value, told)
    for id_, statements in expect.cites.items():
        for reached in found.reached(id_) or ("",):
            cited = found.by_id[reached].statements if reached else ()
            known = found.knowledge.statements
            strangers = [_no_statement(one, known) for one in statements if one not in known]
            yield from _unlike("citation", reached or id_, statements, cited, "cite", strangers)
    places = {entry.id: entry.read_from for entry in found.case.entries}
    for id_, entries in expect.facts.items():
        for reached in found.reached(id_) or ("",):
            rests = tuple(places[fact] for fact in found.by_id[reached].facts) if reached else ()
            yield from _unlike("facts", reached or id_, entries, rests, "rest on")
    for id_ in expect.proofs:
        yield from _proof(found, id_, file, drafts)


def _missing(found: Assessment, id_: str, explained: bool) -> Failure:
    what = f"{id_} is expected, and is not concluded"
    try:
        wanted = goal(found.knowledge, id_)
    except CitelogError as error:
        return Failure("missing", what, tuple(str(error).splitlines()))
    instead = [
        f"concluded instead: {c.id}"
        for c in found.conclusions
        if c.kind == wanted.kind.name and wanted.kind.exactly_one
    ]
    if not explained:
        return Failure("missing", what, tuple(instead))
    planner = Planner(shape(found.knowledge), Model(found.run), stuck=True)
    miss = planner.nearest(wanted.kind.predicate, wanted.args)
    return Failure("missing", what, tuple(instead), obstacle(miss, found) if miss else None)


def _no_statement(id_: str, known: Iterable[str]) -> str:
    hint = did_you_mean(id_, known)
    return f"there is no statement {id_}{hint and f'; {hint}'}"


def _unlike(
    kind: str, id_: str, wanted: tuple[str, ...], there: tuple[str, ...], does: str, strangers: Iterable[str] = ()
) -> Iterator[Failure]:
    """What a conclusion should cite or rest on and does not, and what it should not and does."""
    lacking, more = ([one for one in a if one not in b] for a, b in ((wanted, there), (there, wanted)))
    if lacking or more:
        verb, _, rest = does.partition(" ")
        also = f"{verb}s{' ' if rest else ''}{rest} {' '.join(more)}, which is not expected"
        told = [f"does not {does} {' '.join(lacking)}"] if lacking else []
        what = f"{id_} {' and '.join([*told, *([also] if more else [])])}"
        now = f"it {verb}s{' ' if rest else ''}{rest} {' '.join(there)}" if there else "it is not concluded"
        yield Failure(kind, what, (now, *strangers))


def _step(found: Assessment, value: str, told: str) -> Iterator[Failure]:
    said = [" ".join(c.tags.values()) for c in found.conclusions if c.value == value and c.tags]
    if set(said) != {told}:
        what = (
            f"{value} is expected as {told}, and as nothing else" if told in said else f"{value} is expected as {told}"
        )
        yield Failure("step", what, (f"it is {' and '.join(said)}" if said else "it is not concluded",))


def proof_text(found: Assessment, id_: str) -> str:
    """The text of a proof as it is kept and compared: the brief form, 100 columns wide.

    Where rules stand is left out: it changes with every edit above them, and with the name of the folder.
    """
    from citelog.render.proofs import proof

    parts = []
    for reached in found.ids(id_):
        parts.append("".join(f"{line.lead}{line.text}\n" for line in proof(found.why(reached), found, places=False)))
    return "\n".join(parts)


def _proof(found: Assessment, id_: str, file: Path, drafts: Drafts) -> Iterator[Failure]:
    path = golden(file, id_)
    if not found.reached(id_):
        yield Failure("proof", f"{id_} has no proof: it is not concluded")
        return
    now = proof_text(found, id_)
    try:
        kept = read_bytes(path, drafts).decode("utf-8")
    except FileNotFoundError:
        writes = f"{proposal('test', '--accept', file.stem)} writes it"
        yield Failure("proof", f"no text of the proof of {id_} is kept", (writes,))
        return
    if kept != now:
        yield Failure("proof", f"the proof of {id_} has changed", _changes(kept, now))


def _changes(kept: str, now: str) -> tuple[str, ...]:
    return tuple(difflib.unified_diff(kept.splitlines(), now.splitlines(), "as kept", "now", lineterm="", n=2))


@dataclass(frozen=True, slots=True)
class Renewed:
    """A kept proof that was written anew: its file, and line by line what it says otherwise."""

    path: Path
    changes: tuple[str, ...]


def accept(found: Assessment, expect: Expectation, file: Path) -> Iterator[Renewed]:
    """Write the proofs that a case keeps as they are now; those that changed are given."""
    for id_ in expect.proofs:
        if found.reached(id_):
            path, now = golden(file, id_), proof_text(found, id_)
            kept = path.read_text(encoding="utf-8") if path.exists() else ""
            if kept != now:
                disk.folder(path.parent)
                disk.put(path, now.encode())
                yield Renewed(path, _changes(kept, now))
