"""The answer for one patient: every conclusion with its facts, rules and citations, and the run behind it.

An answer is made of what a run left behind; it decides nothing that the rules have not decided.
"""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from citelog import patient
from citelog.conclusions import Conclusion, Drawing, spelt
from citelog.diagnostics import CaseError, CitelogError, did_you_mean
from citelog.home import VERSION
from citelog.knowledge.base import Knowledge
from citelog.patient.case import Case, Note
from citelog.patient.dates import day
from citelog.proof.support import whose
from citelog.proof.words import Words, sentence
from citelog.run.datalog import DEADLINE, Machine, reasoner
from citelog.run.result import Run
from citelog.values import Iri

if TYPE_CHECKING:
    from citelog.proof.graph import Proof, Steps

FORMAT = "citelog-assessment/1"


class NotConcludedError(CitelogError):
    """A conclusion that was asked about and was not reached."""

    def __init__(self, conclusion: str, reached: tuple[str, ...]) -> None:
        self.conclusion = conclusion
        kind = conclusion.partition(":")[0]
        near = [c for c in reached if c.startswith(kind + ":")] or list(reached)
        hint = did_you_mean(conclusion, reached) or f"reached were: {', '.join(near)}"
        super().__init__(f"{conclusion} was not concluded for this record", hint)


@dataclass(frozen=True)
class Answer:
    """Everything that a knowledge base says about one patient, and the run that it comes from."""

    case: Case
    knowledge: Knowledge
    conclusions: tuple[Conclusion, ...]
    notes: tuple[Note, ...]
    run: Run = field(repr=False)
    words: Words = field(repr=False)
    at: datetime.date | None = None
    deadline: float = DEADLINE

    def __repr__(self) -> str:
        """Whose it is and what is concluded; not the whole knowledge base, which is part of it."""
        return f"{type(self).__name__}({self.case.id!r}, {self.knowledge!r}, {[c.id for c in self.conclusions]})"

    def again(self, case: Case) -> Self:
        """The answer for another case: the same knowledge, date and deadline."""
        return type(self).of(self.knowledge, case, self.at, self.deadline)

    @classmethod
    def of(
        cls, knowledge: Knowledge, case: Case, at: datetime.date | str | None = None, deadline: float = DEADLINE
    ) -> Self:
        """The answer for a case.

        `at` is the date of the assessment for rules about time; the clock is never read. Raises CaseError
        where it is no date.
        """
        day = _day(at)
        run = derive(knowledge, case, day, deadline)
        words = Words(knowledge, {record.iri: record.entry.sentence for record in case.records})
        drawing = Drawing(knowledge, case, run, words)
        conclusions = drawing.conclusions()
        notes = _notes(drawing, conclusions, day)
        return cls(case, knowledge, conclusions, notes, run, words, day, deadline)

    @cached_property
    def by_id(self) -> Mapping[str, Conclusion]:
        """The conclusions by their ids."""
        return {c.id: c for c in self.conclusions}

    @property
    def whose(self) -> dict[str, Any]:
        """What every document about an answer says: of which case, by which knowledge, and what to beware of."""
        return whose(self.case, self.knowledge)

    def to_dict(self) -> dict[str, Any]:
        """The assessment document, format `citelog-assessment/1`."""
        whose = self.whose
        return {
            "format": FORMAT,
            "case": whose["case"],
            "knowledge": whose["knowledge"],
            "engine": {"citelog": VERSION, "reasoner": reasoner()},
            "caveats": whose["caveats"],
            "conclusions": [c.to_dict() for c in self.conclusions],
            "notes": [{"text": n.text, "read_from": n.read_from} for n in self.notes],
            "facts": [{"id": e.id, "sentence": e.sentence, "read_from": e.read_from} for e in self.case.entries],
        }

    def reached(self, asked: str) -> tuple[str, ...]:
        """The ids that `kind:value` means: its own, or the numbered ones (`#1`, `#2` …) that share it, or none."""
        return (asked,) if asked in self.by_id else tuple(i for i in self.by_id if i.startswith(f"{asked}#"))

    def ids(self, asked: str) -> tuple[str, ...]:
        """The ids that `kind:value` means; raises NotConcludedError where nothing was concluded by that name."""
        found = self.reached(asked)
        if not found:
            raise NotConcludedError(asked, tuple(self.by_id))
        return found

    def others(self, conclusion: Conclusion) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """The other candidates beside a conclusion that was decided among several: value, sentence, statements."""
        kind = next(kind for kind in self.knowledge.kinds if kind.name == conclusion.kind)
        if not kind.candidates:
            return ()
        drawing = Drawing(self.knowledge, self.case, self.run, self.words)
        return tuple(
            (
                spelt(candidate.args[-1], self.knowledge, kind),
                drawing.sentence(candidate, firings),
                tuple(dict.fromkeys(s for f in firings for s in f.rule.cites)),
            )
            for candidate, firings in drawing.others(kind, conclusion.atom)
        )

    def why(self, conclusion: str) -> Proof:
        """The proof of a conclusion, by its id; raises NotConcludedError where it was not reached."""
        if conclusion not in self.by_id:
            raise NotConcludedError(conclusion, tuple(self.by_id))
        return self.steps.prove(conclusion, self.by_id[conclusion].atom)

    @cached_property
    def steps(self) -> Steps:
        """The steps that all proofs of this assessment share."""
        from citelog.proof.graph import Steps

        return Steps(self.knowledge, self.case, self.run, self.words)

    def to_json(self) -> str:
        """The assessment document as text: the same bytes on every machine, a line for each conclusion."""
        return _lines(self.to_dict())


def _lines(document: Mapping[str, Any]) -> str:
    """JSON with a line for each member of each list: as easy to compare as indented JSON, at a tenth of its cost.

    >>> print(_lines({"format": "x", "facts": [{"id": "f1"}, {"id": "f2"}]}))
    {
    "format": "x",
    "facts": [
      {"id": "f1"},
      {"id": "f2"}
    ]
    }
    """
    dump = json.JSONEncoder(ensure_ascii=False).encode
    parts = []
    for key, value in document.items():
        many = isinstance(value, list) and value
        shown = "[\n  " + ",\n  ".join(map(dump, value)) + "\n]" if many else dump(value)
        parts.append(f"{dump(key)}: {shown}")
    return "{\n" + ",\n".join(parts) + "\n}"


_machines = threading.local()
_KEPT = 16  # machines of a thread; who edits makes another with each change, who compares asks several in turn


def _machine(knowledge: Knowledge) -> Machine:
    """The thread's own machine for a knowledge base: what no patient can change is derived once.

    A copy in a folder of another name is another one: places in files begin with that name.
    """
    kept: dict[tuple[str, str], Machine] = _machines.__dict__.setdefault("kept", {})
    key = knowledge.sha256, next((rule.span.file for rule in knowledge.program.rules), "")
    machine = kept.pop(key, None) or Machine(knowledge.program, knowledge.stated)
    while len(kept) >= _KEPT:
        del kept[next(iter(kept))]  # the one that has been idle longest
    kept[key] = machine
    return machine


def derive(
    knowledge: Knowledge,
    case: Case,
    at: datetime.date | None,
    deadline: float = DEADLINE,
    wanted: str | None = None,
) -> Run:
    """Everything that the rules give for a case, without the conclusions spelt out.

    With `wanted`, only what facts of that predicate can rest on is derived.
    """
    return _machine(knowledge).run(patient.facts(case, knowledge.terms, at), deadline, wanted)


def _day(at: datetime.date | str | None) -> datetime.date | None:
    if isinstance(at, datetime.datetime):
        return at.date()
    if at is None or isinstance(at, datetime.date):
        return at
    if not isinstance(at, str):
        raise CaseError("--at", f"{at!r} is not a day", "write it as in 2026-03-15")
    return day(at, "--at")


def _notes(drawing: Drawing, conclusions: Iterable[Conclusion], at: datetime.date | None) -> tuple[Note, ...]:
    """What was read and not used: said by the reader, by rules that put a record aside, and every idle entry."""
    knowledge, case, run, words = drawing.knowledge, drawing.case, drawing.run, drawing.words
    notes = {*case.notes, *patient.notes_on(case, knowledge.terms, at)}
    entries = {record.iri: record.entries for record in case.records}
    for predicate in knowledge.notes:
        for atom in run.atoms(predicate):
            for record in atom.args:
                if isinstance(record, Iri) and record in entries:
                    text = sentence(words.fact(atom)) + "."
                    notes |= {Note(text, entry.read_from) for entry in entries[record]}
    used = drawing.touched(conclusion.atom for conclusion in conclusions)
    told = {note.read_from for note in notes}
    idle = [entry for entry in case.entries if entry.id not in used and entry.read_from not in told]
    beside = drawing.beside(conclusions) if idle else ()
    for entry in idle:
        but = ', but a line under "also" does' if entry.id in beside else ""
        notes.add(Note(f"{entry.sentence} No conclusion rests on it{but}.", entry.read_from))
    return tuple(sorted(notes, key=lambda n: (n.text, n.read_from)))
