"""The answer for one patient: every conclusion with its facts, rules and citations, and the run behind it.

An answer is made of what a run left behind; it decides nothing that the rules have not decided.
"""

from __future__ import annotations

import datetime
import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from citelog import patient
from citelog.diagnostics import CaseError, CitelogError, did_you_mean
from citelog.home import VERSION
from citelog.knowledge.base import Citation, Field, Kind, Knowledge
from citelog.patient.case import Case, Note
from citelog.patient.dates import day
from citelog.proof.standing import Standing
from citelog.proof.support import Supports, deciding, passed_through, whose
from citelog.proof.words import Words, number, sentence
from citelog.run.datalog import DEADLINE, Machine, reasoner
from citelog.run.result import Firing, Run
from citelog.values import Atom, Iri, Value

if TYPE_CHECKING:
    from citelog.proof.graph import Proof, Steps

FORMAT = "citelog-assessment/1"


class DerivationError(Exception):
    """The rules gave what they declare impossible: a fault of the knowledge base or the engine, never of the record."""


class NotConcludedError(CitelogError):
    """A conclusion that was asked about and was not reached."""

    def __init__(self, conclusion: str, reached: tuple[str, ...]) -> None:
        self.conclusion = conclusion
        kind, colon, _ = conclusion.partition(":")
        near = [c for c in reached if c.startswith(kind + ":")] or list(reached)
        hint = did_you_mean(conclusion, reached) or f"reached were: {', '.join(near)}"
        what = f"{conclusion} was not concluded for this record"
        super().__init__(f"{what if colon else f'{conclusion} is no id of a conclusion (kind:value)'}\n   = {hint}")


@dataclass(frozen=True, slots=True)
class Conclusion:
    """One conclusion. `details` holds what its kind says beside the value: role, step, dose, sides, …

    `review` is how far what it rests on has been reviewed: the weakest of `knowledge.base.STATES` in its proof.
    """

    id: str
    kind: str
    value: str
    sentence: str
    rules: tuple[str, ...]
    statements: tuple[str, ...]
    facts: tuple[str, ...]
    assumes: tuple[str, ...]
    review: str
    citations: tuple[Citation, ...]
    details: Mapping[str, Any]
    atom: Atom

    def to_dict(self) -> dict[str, Any]:
        """The conclusion as it stands in the assessment document."""
        head = {"id": self.id, "kind": self.kind, "value": self.value, **self.details, "sentence": self.sentence}
        return head | {
            "rules": list(self.rules),
            "statements": list(self.statements),
            "facts": list(self.facts),
            "assumes": list(self.assumes),
            "review": self.review,
            "citations": [c.to_dict() for c in self.citations],
        }


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
        supports, standing = Supports(run, words), Standing(knowledge, run)
        conclusions = tuple(
            c for kind in knowledge.kinds for c in _of_kind(kind, knowledge, case, run, words, supports, standing)
        )
        notes = _notes(knowledge, case, conclusions, run, words, day)
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
        told = []
        for candidate, firings in _others(kind, conclusion.atom, self.run, self.knowledge):
            said = (
                " ".join(dict.fromkeys(_sentences(firings, self.words))) or sentence(self.words.fact(candidate)) + "."
            )
            value = candidate.args[-1]
            shown = spelt(value, self.knowledge, kind)
            told.append((shown, said, tuple(dict.fromkeys(s for f in firings for s in f.rule.cites))))
        return tuple(told)

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


def _of_kind(
    kind: Kind, knowledge: Knowledge, case: Case, run: Run, words: Words, supports: Supports, standing: Standing
) -> list[Conclusion]:
    """The conclusions of one kind, in the order of their ids."""
    names = [a.name for a in knowledge.program.predicates[kind.predicate].arguments]
    entries = {record.iri: record.entries for record in case.records}
    numbers = {entry.id: i for i, entry in enumerate(case.entries)}
    found: list[tuple[tuple[str, str, str], Conclusion]] = []
    for atom in run.atoms(kind.predicate):
        said = dict(zip(names, atom.args, strict=True))
        value = spelt(said.pop("value"), knowledge, kind)
        firings = sorted(deciding(run, atom), key=lambda f: f.number)
        support = supports.of(atom)
        facts = sorted((e.id for r in support.records for e in entries[r]), key=numbers.__getitem__)
        statements = dict.fromkeys(s for f in firings for s in f.rule.cites)
        told = dict.fromkeys(_sentences(firings, words)) or {sentence(words.fact(atom)) + ".": None}
        details = _details(kind, knowledge, said, atom, run, tuple(statements))
        listed = tuple(details.pop("_statements", statements))
        conclusion = Conclusion(
            id=f"{kind.name}:{value}",
            kind=kind.name,
            value=value,
            sentence=" ".join(told),
            rules=tuple(dict.fromkeys(f.rule.name for f in firings)),
            statements=listed,
            facts=tuple(facts),
            assumes=tuple(text for text, _ in support.assumes),
            review=standing.of(atom, _fields(kind, knowledge, atom).values()),
            citations=tuple(Citation.of(knowledge.statements[s]) for s in listed),
            details=details,
            atom=atom,
        )
        content = [{"name": e.name, **e.keys} for r in sorted(support.records) for e in entries[r]]
        found.append(
            ((value, conclusion.sentence, json.dumps(content, sort_keys=True, ensure_ascii=False)), conclusion)
        )
    if kind.exactly_one and len(found) != 1:
        values = ", ".join(sorted(c.value for _, c in found)) or "none"
        raise DerivationError(f"the rules gave {len(found)} conclusions of the kind {kind.name} ({values}), not one")
    return _numbered([c for _, c in sorted(found, key=lambda pair: pair[0])])


def _sentences(firings: Iterable[Firing], words: Words) -> list[str]:
    """The sentences of firings: in the order of their rules, then of their words."""
    texts: dict[str, set[str]] = {}
    for firing in firings:
        text = words.firing(firing)
        if text:
            texts.setdefault(firing.rule.name, set()).add(text)
    return [text for group in texts.values() for text in sorted(group)]


def _numbered(conclusions: list[Conclusion]) -> list[Conclusion]:
    """Ids made unique: `#1`, `#2` … in the order given, where several conclusions share one."""
    shared = [c.id for c in conclusions]
    seen: dict[str, int] = {}
    numbered = []
    for conclusion in conclusions:
        if shared.count(conclusion.id) > 1:
            seen[conclusion.id] = seen.get(conclusion.id, 0) + 1
            conclusion = replace(conclusion, id=f"{conclusion.id}#{seen[conclusion.id]}")
        numbered.append(conclusion)
    return sorted(numbered, key=lambda c: c.id)


def spelt(value: Value, knowledge: Knowledge, kind: Kind) -> str:
    """The value of a conclusion as its id has it."""
    if isinstance(value, Iri) and kind.value_as_label:
        return knowledge.terms.label(value)
    return _written(value)


def _written(value: Value) -> str:
    """A value as documents have it; a number is spelt one way, whichever of its spellings was met first."""
    if isinstance(value, Iri):
        return value.local
    return number(value) if isinstance(value, Decimal) else str(value)


def _details(
    kind: Kind, knowledge: Knowledge, said: Mapping[str, Value], atom: Atom, run: Run, statements: tuple[str, ...]
) -> dict[str, Any]:
    """What a conclusion says beside its value. `_statements` puts its statements into another order."""
    details: dict[str, Any] = {
        name: _written(value) for name, value in said.items() if name not in ("patient", "about")
    }
    if kind.fields:
        fields = _fields(kind, knowledge, atom)
        details |= {name: _field(fields.get(name)) for name in kind.fields}
    if kind.candidates:
        details["also"] = _also(kind, knowledge, atom, run)
    if kind.sided and isinstance(atom.args[1], Iri):
        if (conflict := knowledge.conflicts.get(atom.args[1].local)) is None:
            raise DerivationError(
                f"{atom.args[1].local} is concluded as a {kind.name}, and no cl:Conflict has that name"
            )
        sides = [[s for s in side if s in statements] for side in conflict.sides]
        details["sides"] = sides
        details["_statements"] = [s for side in sides for s in side]
    return details


def _fields(kind: Kind, knowledge: Knowledge, atom: Atom) -> dict[str, Field]:
    """The fields that a conclusion shows, and some statement states."""
    stated = knowledge.fields.get(atom.args[1], {}) if kind.fields and isinstance(atom.args[1], Iri) else {}
    return {name: stated[name] for name in kind.fields if name in stated}


def _field(field_: Field | None) -> dict[str, Any] | None:
    if field_ is None:
        return None
    value = field_.value
    shown: Any = [_number(v) for v in value] if isinstance(value, tuple) else None if value is None else _number(value)
    return {"text": field_.text, "value": shown, "unit": field_.unit, "inherited_from": field_.inherited_from}


def _number(text: str) -> int | float:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)


def _also(kind: Kind, knowledge: Knowledge, atom: Atom, run: Run) -> list[dict[str, Any]]:
    """The other candidates that held: each with its own statements, in the order of their ranks."""
    names = [a.name for a in knowledge.program.predicates[kind.candidates].arguments][1:]
    also = []
    for candidate, firings in _others(kind, atom, run, knowledge):
        statements = dict.fromkeys(s for f in firings for s in f.rule.cites)
        said = {name: _ranked(value, knowledge) for name, value in zip(names, candidate.args[1:], strict=True)}
        also.append(said | {"statements": list(statements)})
    return also


def _others(kind: Kind, atom: Atom, run: Run, knowledge: Knowledge) -> list[tuple[Atom, list[Firing]]]:
    """The candidates that held beside the one that a conclusion was taken from, in the order of their ranks."""
    taken = set(passed_through(run, atom))
    found = [candidate for candidate in run.atoms(kind.candidates) if candidate not in taken]
    found.sort(key=lambda candidate: [str(_ranked(value, knowledge)).rjust(9) for value in candidate.args[1:]])
    return [(candidate, sorted(deciding(run, candidate), key=lambda f: f.number)) for candidate in found]


def _ranked(value: Value, knowledge: Knowledge) -> Any:
    if isinstance(value, Iri):
        return knowledge.ranks.get(value, value.local)
    return value


def _notes(
    knowledge: Knowledge,
    case: Case,
    conclusions: Iterable[Conclusion],
    run: Run,
    words: Words,
    at: datetime.date | None,
) -> tuple[Note, ...]:
    """What was read and not used: said by the reader, by rules that put a record aside, and every idle entry."""
    notes = {*case.notes, *patient.notes_on(case, knowledge.terms, at)}
    entries = {record.iri: record.entries for record in case.records}
    for predicate in knowledge.notes:
        for atom in run.atoms(predicate):
            for record in atom.args:
                if isinstance(record, Iri) and record in entries:
                    text = sentence(words.fact(atom)) + "."
                    notes |= {Note(text, entry.read_from) for entry in entries[record]}
    used = {fact for conclusion in conclusions for fact in conclusion.facts}
    told = {note.read_from for note in notes}
    for entry in case.entries:
        if entry.id not in used and entry.read_from not in told:
            notes.add(Note(f"{entry.sentence} No conclusion rests on it.", entry.read_from))
    return tuple(sorted(notes, key=lambda n: (n.text, n.read_from)))
