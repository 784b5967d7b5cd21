"""An assessment with the proofs of its conclusions: every conclusion that the rules give, no other, each as proved.

What a conclusion says beside its sentence comes from its atom and from the statements; its facts and assumptions are
those of its whole proof.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from citelog import patient
from citelog.checker import proof as proofs_
from citelog.checker.model import Firing, Model, premise
from citelog.checker.proof import Fault, Meanings, differences, judge, plain, shaped
from citelog.checker.steps import Steps
from citelog.knowledge.base import Field, Kind, Knowledge
from citelog.patient.case import Case
from citelog.rules.program import Absent, Present
from citelog.values import Atom, Iri, Value

FORMAT = "citelog-assessment/1"


def check_proof(
    document: Mapping[str, Any], knowledge: Knowledge, case: Case, at: datetime.date | None = None
) -> tuple[Fault, ...]:
    """Everything that is wrong with a proof document (`citelog-proof/1`) of a case; nothing, where it is accepted."""
    return Checker(knowledge, case, at).check_proof(document)


def certify(
    document: Mapping[str, Any],
    proofs: Iterable[Mapping[str, Any]],
    knowledge: Knowledge,
    case: Case,
    at: datetime.date | None = None,
) -> tuple[Fault, ...]:
    """Everything that is wrong with an assessment (`citelog-assessment/1`) and the proofs of its conclusions."""
    return Checker(knowledge, case, at).certify(document, proofs)


class Checker:
    """The checker for one patient, who is assessed on the day `at`: what follows is derived once, for all documents."""

    def __init__(self, knowledge: Knowledge, case: Case, at: datetime.date | None = None) -> None:
        self.knowledge, self.case, self.at = knowledge, case, at
        given = dict(patient.facts(case, knowledge.terms, at))
        self.model = Model.of(knowledge.program, (*knowledge.stated, *given))
        self.meanings = Meanings.of(self.model)
        self.steps = Steps(knowledge, given, {record.iri: record.entries for record in case.records})
        self.numbers = {rule.name: number for number, rule in enumerate(knowledge.program.rules)}
        self.concluded = {
            (kind.name, atom): f"{kind.name}:{self.value(kind, atom)}"
            for kind in knowledge.kinds
            for atom in self.model.atoms(kind.predicate)
        }

    def check_proof(self, document: Mapping[str, Any]) -> tuple[Fault, ...]:
        """Everything that is wrong with a proof document."""
        proof, wrong = shaped(document, proofs_.FORMAT)
        return wrong or tuple(self._judged(proof))

    def _judged(self, proof: Mapping[str, Any]) -> Iterator[Fault]:
        if self.root(proof) is None:
            yield Fault(proof["root"], f"this is no proof of {proof['conclusion']}: its root is no such conclusion")
        yield from differences("proof", {key: proof[key] for key in proofs_.WHOSE}, self.whose())
        yield from judge(proof, self.meanings, self.steps)

    def root(self, proof: Mapping[str, Any]) -> Atom | None:
        """The fact that a proof is about, if it may bear the id of the conclusion that the proof is for."""
        found = [self.meanings.meant(step) for step in proof["steps"] if step["id"] == proof["root"]]
        return next((a for a in found if isinstance(a, Atom) and proof["conclusion"] in self.ids(a)), None)

    def ids(self, atom: Atom) -> dict[str, str]:
        """The ids that a conclusion of a fact may have, each with its kind: numbered where several would share one."""
        shared = Counter(self.concluded.values())
        own = {id_: kind for (kind, each), id_ in self.concluded.items() if each == atom}
        return {
            f"{id_}#{n}" if shared[id_] > 1 else id_: kind
            for id_, kind in own.items()
            for n in range(1, shared[id_] + 1)
        }

    # assessments

    def certify(self, document: Mapping[str, Any], proofs: Iterable[Mapping[str, Any]]) -> tuple[Fault, ...]:
        """Everything that is wrong with an assessment document and the proofs of its conclusions."""
        told, wrong = plain(document, FORMAT)
        conclusions = told.get("conclusions") if told else None
        if not isinstance(conclusions, list) or not all(isinstance(c, dict) for c in conclusions):
            return wrong or (Fault("conclusions", "this is not laid out as an assessment is"),)
        return tuple(self._certified(told, conclusions, proofs))

    def _certified(self, told: Any, conclusions: list[Any], proofs: Iterable[Any]) -> Iterator[Fault]:
        yield from differences("assessment", told, self.frame(), "engine", "conclusions")
        proved: dict[str, Atom] = {}
        for document in proofs:
            proof, wrong = shaped(document, proofs_.FORMAT)
            wrong = wrong or tuple(self._judged(proof))
            yield from wrong
            if not wrong and (root := self.root(proof)):
                proved[proof["conclusion"]] = root
        reached: Counter[tuple[Any, Atom]] = Counter()
        for conclusion in conclusions:
            id_, atom = str(conclusion.get("id")), proved.get(str(conclusion.get("id")))
            kind = next((k for k in self.knowledge.kinds if k.name == conclusion.get("kind")), None)
            if atom is None or kind is None or self.ids(atom).get(id_) != kind.name:
                yield Fault(id_, "it has no proof that is accepted")
                continue
            reached[kind.name, atom] += 1
            yield from differences(id_, conclusion, self.conclusion(kind, atom))
        for key, id_ in self.concluded.items():
            if reached[key] != 1:
                yield Fault(id_, f"{key[1]} is a conclusion, and is listed {reached[key]} times")
        for id_, count in Counter(str(c.get("id")) for c in conclusions).items():
            if count > 1:
                yield Fault(id_, f"{count} conclusions have this id")

    def whose(self) -> dict[str, Any]:
        """Of which case a document is, by which knowledge, and what to beware of."""
        known, case = self.knowledge, self.case
        return {
            "case": {"id": case.id, "sha256": case.sha256},
            "knowledge": {"id": known.id, "version": known.version, "sha256": known.sha256},
            "caveats": [{"text": c.text, "statements": c.statements} for c in known.caveats],
        }

    def frame(self) -> dict[str, Any]:
        """What an assessment says beside its conclusions."""
        case = self.case
        return {
            "format": FORMAT,
            **self.whose(),
            "notes": [{"text": told, "read_from": place} for told, place in sorted(self.notes())],
            "facts": [{"id": e.id, "sentence": e.sentence, "read_from": e.read_from} for e in case.entries],
        }

    def notes(self) -> set[tuple[str, str]]:
        """What must be noted, and of which place: what was not read, put aside by a rule, or used by no conclusion."""
        noted = (*self.case.notes, *patient.notes_on(self.case, self.knowledge.terms, self.at))
        found = {(note.text, note.read_from) for note in noted}
        for atom in (a for predicate in self.knowledge.notes for a in self.model.atoms(predicate)):
            records = {arg for arg in atom.args if isinstance(arg, Iri)}
            found |= {(self.steps.aloud(atom), e.read_from) for e in self.case.entries if e.record in records}
        used = {id_ for _, atom in self.concluded for id_ in self.facts(self.model.below(atom))}
        told = {place for _, place in found}
        decided = [kind for kind in self.knowledge.kinds if kind.candidates]
        lines = [o for kind in decided for atom in self.model.atoms(kind.predicate) for o in self.others(kind, atom)]
        beside = {id_ for other in lines for id_ in self.facts(self.model.below(other))}
        idle = (e for e in self.case.entries if e.id not in used and e.read_from not in told)
        but = ', but a line under "also" does'
        return found | {
            (f"{e.sentence} No conclusion rests on it{but if e.id in beside else ''}.", e.read_from) for e in idle
        }

    # what a conclusion must say

    def conclusion(self, kind: Kind, atom: Atom) -> dict[str, Any]:
        """Everything that a conclusion says but its id."""
        places = self.knowledge.program.predicates[kind.predicate].arguments
        given = {place.name: arg for place, arg in zip(places, atom.args, strict=True)}
        shown = {place.name for place in places if place.type not in ("patient", "record")} - {"about"}
        said: dict[str, Any] = {name: _local(arg) for name, arg in given.items() if name in shown}
        said |= {"kind": kind.name, "value": self.value(kind, atom)}
        deciding, (facts, firings) = self.deciding(atom), self.model.under(atom)
        statements = list(dict.fromkeys(s for f in deciding for s in f.rule.cites))
        term = given["value"]
        fields = self.knowledge.fields.get(term, {}) if isinstance(term, Iri) else {}
        if kind.fields:
            said |= {name: _field(fields.get(name)) for name in kind.fields}
        if kind.candidates:
            said["also"] = self.also(kind, atom)
        if kind.sided and isinstance(term, Iri):
            sides = self.knowledge.conflicts[term.local].sides
            said["sides"] = [[s for s in side if s in statements] for side in sides]
            statements = [s for side in said["sides"] for s in side]
        stating = [s for one in kind.fields if (f := fields.get(one)) for s in (*f.statements, f.inherited_from) if s]
        said["review"] = self.review(facts, firings, stating)
        told = sorted({(self.numbers[f.rule.name], t) for f in deciding if (t := self.steps.told(f))})
        said["sentence"] = " ".join(dict.fromkeys(t for _, t in told)) or self.steps.aloud(atom)
        said |= {"rules": list(dict.fromkeys(f.rule.name for f in deciding)), "facts": self.facts(facts)}
        return said | {"assumes": self.assumes(firings)} | self.steps.cited(statements)

    def value(self, kind: Kind, atom: Atom) -> str:
        """The value of a conclusion as it is shown."""
        names = [place.name for place in self.knowledge.program.predicates[kind.predicate].arguments]
        value = atom.args[names.index("value")]
        return self.knowledge.terms.label(value) if kind.value_as_label and isinstance(value, Iri) else _local(value)

    def deciding(self, atom: Atom) -> list[Firing]:
        """The firings whose words and citations are the conclusion's own, in the order of the rules."""
        found: list[Firing] = []
        for firing in self.model.ways(atom):
            below = _through(firing)
            found += [f for passed in below for f in self.deciding(passed)] if below else [firing]
        return sorted(found, key=lambda firing: self.numbers[firing.rule.name])

    def facts(self, under: Iterable[Atom]) -> list[str]:
        """The entries of the record among some facts, in the order of the record."""
        records = {self.steps.given.get(atom) for atom in under}
        return [entry.id for entry in self.case.entries if entry.record in records]

    def assumes(self, firings: Iterable[Firing]) -> list[str]:
        """The absences that firings own up to, in words, in the order of their rules."""
        found: dict[str, int] = {}
        for firing in firings:
            for literal in firing.rule.body:
                if isinstance(literal, Absent) and literal.assumed:
                    for row in firing.rows:
                        found.setdefault(self.steps.absent(literal, row), self.numbers[firing.rule.name])
        return sorted(found, key=lambda told: (found[told], told))

    def review(self, facts: Iterable[Atom], firings: Iterable[Firing], shown: Iterable[str]) -> str:
        """The weakest state among the rules of firings, the statements that these cite, that state facts, and more."""
        known = self.knowledge
        ids = (
            {s for f in firings for s in f.rule.cites} | {s for a in facts for s in known.stated.get(a, ())} | {*shown}
        )
        parts = {known.statements[s].iri for s in ids} | {known.rule(f.rule.name) for f in firings}
        last = [known.reviews[part][-1] if known.reviews.get(part) else None for part in parts]
        states = {"draft" if review is None or review.outdated else review.state for review in last}
        return min(states, key=("draft", "reviewed", "approved").index)

    def others(self, kind: Kind, atom: Atom) -> list[Atom]:
        """The candidates that held beside the one that a conclusion was taken from."""
        taken = {passed for firing in self.model.ways(atom) for passed in _through(firing)}
        return [other for other in self.model.atoms(kind.candidates) if other not in taken]

    def also(self, kind: Kind, atom: Atom) -> list[dict[str, Any]]:
        """What a conclusion says of the other candidates, in the order of their ranks."""
        names = [place.name for place in self.knowledge.program.predicates[kind.candidates].arguments][1:]
        found = []
        for other in self.others(kind, atom):
            ranked = [self.knowledge.ranks.get(a, a.local) if isinstance(a, Iri) else a for a in other.args[1:]]
            cites = dict.fromkeys(s for f in self.deciding(other) for s in f.rule.cites)
            found.append(dict(zip(names, ranked, strict=True)) | {"statements": list(cites)})
        return sorted(found, key=lambda each: [str(v).rjust(9) for v in each.values()])


def _through(firing: Firing) -> list[Atom]:
    """The premises whose words and citations are the conclusion's own, if the rule passes one on: of each row."""
    if firing.rule.through is None:
        return []
    literal = firing.rule.body[firing.rule.through]
    assert isinstance(literal, Present)
    return list(dict.fromkeys(premise(literal, row) for row in firing.rows))


def _local(value: Value) -> str:
    return value.local if isinstance(value, Iri) else str(value)


def _field(said: Field | None) -> dict[str, Any] | None:
    """A field as its statement has it; numbers as JSON writes them."""
    if said is None:
        return None
    value = [_number(v) for v in said.value] if isinstance(said.value, tuple) else said.value and _number(said.value)
    return {"text": said.text, "value": value, "unit": said.unit, "inherited_from": said.inherited_from}


def _number(digits: str) -> int | float:
    return int(Decimal(digits)) if Decimal(digits) % 1 == 0 else float(digits)
