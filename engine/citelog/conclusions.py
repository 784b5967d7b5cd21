"""The conclusions of a run, spelt out: each in its sentence, with the facts, rules and statements that it rests on."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Any

from citelog.diagnostics import CitelogError
from citelog.knowledge.base import Citation, Field, Kind, Knowledge
from citelog.patient.case import Case, Entry
from citelog.proof.standing import Standing
from citelog.proof.support import Supports, deciding, passed_through, touched
from citelog.proof.words import Words, number, sentence
from citelog.rules.program import Rule
from citelog.run.result import Firing, Run
from citelog.values import Atom, Iri, Value


class DerivationError(CitelogError):
    """The rules gave what their knowledge base declares impossible: a fault of its author's, never of the record.

    `what` says what they gave, and by which rules; `remedy` what an author can try.
    """


def not_one(kind: Kind, knowledge: Knowledge, patient: str, given: Collection[tuple[str, str]]) -> DerivationError:
    """That a patient has none or several of a kind of which everyone has one.

    `given` has each conclusion's value, and the names and places of the rules that gave it, as far as they are known.
    """
    if given:
        told = [f"{value} by {rules}" if rules else value for value, rules in sorted(given)]
        why, remedy = "; ".join(told), "let the rules of one give way to the other's, with @unless"
    else:
        rules = [rule for rule in knowledge.program.rules if rule.predicate == kind.predicate]
        why = f"none of its rules held, {_named(rules)}" if rules else "it has no rules"
        remedy = "write a rule for those whom none of the others is about"
    what = f"the rules gave {len(given)} conclusions of the kind {kind.name}, not one, to {patient}: {why}"
    return DerivationError(what, f"{remedy}; citelog verify shows the smallest record of that sort")


def _named(rules: Iterable[Rule]) -> str:
    return ", ".join(dict.fromkeys(f"{rule.name} ({rule.span})" for rule in rules))


@dataclass(frozen=True, slots=True)
class Conclusion:
    """One conclusion. `details` holds what its kind says beside the value: role, step, dose, sides, …

    `tags` are those of the details that its predicate says, by the names of its further arguments, in their order.
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
    tags: Mapping[str, str]
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
class Drawing:
    """What conclusions are drawn from: a run, for one case, by one knowledge base, in its words."""

    knowledge: Knowledge
    case: Case
    run: Run
    words: Words

    def conclusions(self) -> tuple[Conclusion, ...]:
        """Every conclusion, kind by kind. Raises DerivationError where there is not one of a kind that has one."""
        return tuple(conclusion for kind in self.knowledge.kinds for conclusion in self._of_kind(kind))

    def others(self, kind: Kind, atom: Atom) -> list[tuple[Atom, list[Firing]]]:
        """The candidates that held beside the one that a conclusion was taken from, in the order of their ranks."""
        taken = set(passed_through(self.run, atom))
        found = [candidate for candidate in self.run.atoms(kind.candidates) if candidate not in taken]
        found.sort(key=lambda candidate: [str(self._ranked(value)).rjust(9) for value in candidate.args[1:]])
        return [(candidate, self._firings(candidate)) for candidate in found]

    def beside(self, conclusions: Iterable[Conclusion]) -> frozenset[str]:
        """The ids of the entries that candidates rest on which held beside the one that a conclusion was taken from."""
        kinds = {kind.name: kind for kind in self.knowledge.kinds if kind.candidates}
        decided = [(kinds[one.kind], one.atom) for one in conclusions if one.kind in kinds]
        held = [candidate for kind, atom in decided for candidate, _ in self.others(kind, atom)]
        return self.touched(held)

    def touched(self, atoms: Iterable[Atom]) -> frozenset[str]:
        """The ids of the entries that have some part in facts, be it by coming back to what they are a reason for."""
        if self.run.rounds:
            records = touched(self.run, atoms)
        else:  # nothing comes back to anything
            records = frozenset(record for atom in atoms for record in self._supports.of(atom).records)
        return frozenset(e.id for record in records for e in self._entries[record])

    def sentence(self, atom: Atom, firings: Iterable[Firing]) -> str:
        """What the rules of some firings say of a fact, in the order of rules, then of words; or else how it reads."""
        texts: dict[str, set[str]] = {}
        for firing in firings:
            if text := self.words.firing(firing):
                texts.setdefault(firing.rule.name, set()).add(text)
        told = dict.fromkeys(text for group in texts.values() for text in sorted(group))
        return " ".join(told) or f"{sentence(self.words.fact(atom))}."

    # --- what all conclusions share ------------------------------------------------------------------------------

    @cached_property
    def _supports(self) -> Supports:
        return Supports(self.run, self.words)

    @cached_property
    def _standing(self) -> Standing:
        return Standing(self.knowledge, self.run)

    @cached_property
    def _entries(self) -> Mapping[Iri, tuple[Entry, ...]]:
        """The entries of each record."""
        return {record.iri: record.entries for record in self.case.records}

    @cached_property
    def _places(self) -> Mapping[str, int]:
        """Where each entry stands among all, by its id."""
        return {entry.id: i for i, entry in enumerate(self.case.entries)}

    def _firings(self, atom: Atom) -> list[Firing]:
        return sorted(deciding(self.run, atom), key=lambda firing: firing.number)

    # --- one kind, one conclusion --------------------------------------------------------------------------------

    def _of_kind(self, kind: Kind) -> list[Conclusion]:
        """The conclusions of one kind, in the order of their ids."""
        found = [self._drawn(kind, atom) for atom in self.run.atoms(kind.predicate)]
        if kind.exactly_one and len(found) != 1:
            given = [(one.value, _named(firing.rule for firing in self._firings(one.atom))) for one in found]
            raise not_one(kind, self.knowledge, self.case.id, given)
        return _numbered(sorted(found, key=lambda one: (one.value, one.sentence, self._content(one.atom))))

    def _drawn(self, kind: Kind, atom: Atom) -> Conclusion:
        firings, support = self._firings(atom), self._supports.of(atom)
        places = self.knowledge.program.predicates[kind.predicate].arguments
        said = dict(zip([place.name for place in places], atom.args, strict=True))
        value = spelt(said.pop("value"), self.knowledge, kind)
        told_by_facts = {"about", *(place.name for place in places if place.type in ("patient", "record"))}
        facts = sorted((e.id for r in support.records for e in self._entries[r]), key=self._places.__getitem__)
        statements = tuple(dict.fromkeys(s for f in firings for s in f.rule.cites))
        sides = self._sides(kind, atom, statements)
        if sides is not None:
            statements = tuple(s for side in sides for s in side)
        fields = self._fields(kind, atom)
        tags = {name: _written(v) for name, v in said.items() if name not in told_by_facts}
        details: dict[str, Any] = tags | {name: _field(fields.get(name)) for name in kind.fields}
        details |= {"also": self._also(kind, atom)} if kind.candidates else {}
        details |= {"sides": sides} if sides is not None else {}
        return Conclusion(
            id=f"{kind.name}:{value}",
            kind=kind.name,
            value=value,
            sentence=self.sentence(atom, firings),
            rules=tuple(dict.fromkeys(f.rule.name for f in firings)),
            statements=statements,
            facts=tuple(facts),
            assumes=tuple(text for text, _ in support.assumes),
            review=self._standing.of(atom, fields.values()),
            citations=tuple(Citation.of(self.knowledge.statements[s]) for s in statements),
            tags=tags,
            details=details,
            atom=atom,
        )

    def _content(self, atom: Atom) -> str:
        """What the entries say that a conclusion rests on: it orders those that say the same."""
        records = sorted(self._supports.of(atom).records)
        content = [{"name": e.name, **e.keys} for r in records for e in self._entries[r]]
        return json.dumps(content, sort_keys=True, ensure_ascii=False)

    def _fields(self, kind: Kind, atom: Atom) -> dict[str, Field]:
        """The fields that a conclusion shows, and some statement states."""
        stated = self.knowledge.fields.get(atom.args[1], {}) if kind.fields and isinstance(atom.args[1], Iri) else {}
        return {name: stated[name] for name in kind.fields if name in stated}

    def _also(self, kind: Kind, atom: Atom) -> list[dict[str, Any]]:
        """The other candidates that held: each with its own statements."""
        names = [a.name for a in self.knowledge.program.predicates[kind.candidates].arguments][1:]
        also = []
        for candidate, firings in self.others(kind, atom):
            statements = dict.fromkeys(s for f in firings for s in f.rule.cites)
            said = {name: self._ranked(value) for name, value in zip(names, candidate.args[1:], strict=True)}
            also.append(said | {"statements": list(statements)})
        return also

    def _sides(self, kind: Kind, atom: Atom, statements: tuple[str, ...]) -> list[list[str]] | None:
        """The statements by the sides of the conflict that a conclusion shows; None where it shows none."""
        value = atom.args[1]
        if not kind.sided or not isinstance(value, Iri):
            return None
        if (conflict := self.knowledge.conflicts.get(value.local)) is None:
            what = f"{value.local} is concluded as a {kind.name}, and no cl:Conflict has that name"
            raise DerivationError(what, "declare the conflict, with its two sides; or conclude one that is declared")
        return [[s for s in side if s in statements] for side in conflict.sides]

    def _ranked(self, value: Value) -> Any:
        return self.knowledge.ranks.get(value, value.local) if isinstance(value, Iri) else value


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


def _field(field_: Field | None) -> dict[str, Any] | None:
    if field_ is None:
        return None
    value = field_.value
    shown: Any = [_number(v) for v in value] if isinstance(value, tuple) else None if value is None else _number(value)
    return {"text": field_.text, "value": shown, "unit": field_.unit, "inherited_from": field_.inherited_from}


def _number(text: str) -> int | float:
    number = Decimal(text)
    return int(number) if number == number.to_integral_value() else float(number)
