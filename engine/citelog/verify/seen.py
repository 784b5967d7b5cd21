"""What the rules can see of an entry: its form, which is all that tells it from others.

Rules that look at one entry alone are run on every entry that can be written; what the other rules read of the outcome
is the entry's form. So a thousand values of a result come down to a few forms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from citelog.knowledge.base import Knowledge
from citelog.patient.facts import PATIENT
from citelog.patient.frequency import frequency
from citelog.rules.program import Absent, Constant, Present, Program, Rule, Variable
from citelog.values import Atom
from citelog.verify.clauses import Entry, Form, Ground, Name
from citelog.verify.forms import RECORD, Family, Said, combinations, options, plain_options, read
from citelog.verify.matching import Exact, Row, Tables, matches
from citelog.verify.unknowns import UndecidedError


def about(atom: Atom, record: Any) -> Atom:
    """A fact about some entry as one about this."""
    return Atom(atom.predicate, tuple(record if arg == RECORD else arg for arg in atom.args))


def alone_rules(program: Program, changing: frozenset[str]) -> frozenset[str]:
    """The names of the rules that look at one entry, and at nothing else of the record.

    Their predicates are derived by such rules only, so what they conclude of an entry is settled by the entry.
    """
    good = {
        name
        for name, predicate in program.predicates.items()
        if predicate.layer == "patient" and any(a.type == "record" for a in predicate.arguments)
    }
    for component in program.open:
        predicates = {program.rules[n].predicate for n in component.rules}
        rules = [program.rules[n] for n in component.rules]
        others = {r.name for r in program.rules if r.predicate in predicates} - {r.name for r in rules}
        if not others and all(_is_alone(rule, good | predicates, program, changing) for rule in rules):
            good |= predicates
    return frozenset(rule.name for rule in program.rules if rule.predicate in good)


def _is_alone(rule: Rule, good: set[str], program: Program, changing: frozenset[str]) -> bool:
    if rule.aggregate:
        return False

    def record(predicate: str, args: Iterable[Any]) -> set[str]:
        kinds = program.predicates[predicate].arguments
        return {a.name for a, k in zip(args, kinds, strict=True) if k.type == "record" and isinstance(a, Variable)}

    own = record(rule.predicate, rule.args)
    if len(own) != 1:
        return False
    for literal in rule.body:
        if isinstance(literal, Present | Absent) and literal.predicate in changing:
            if literal.predicate == "patient" and isinstance(literal, Present):
                continue
            if literal.predicate not in good or record(literal.predicate, literal.args) != own:
                return False
    return True


def add_forms(made: Ground, family: Family, alone: frozenset[str], read_by_rest: Mapping[str, frozenset[int]]) -> int:
    """The forms of one family, and how many different entries were written to find them."""
    knowledge, program = made.knowledge, made.program
    rules = [r for c in program.open for n in c.rules if (r := program.rules[n]).name in alone]
    inside = {x.predicate for rule in rules for x in rule.body if isinstance(x, Present | Absent)}
    visible = inside | set(read_by_rest)
    keys = [key for key in family.keys if _gives(family, key, knowledge, visible)]
    if "frequency" in keys:
        _check_spelt(made, options(family, "frequency", made.cuts, knowledge.terms))
    joined = [key for key in keys if _gives(family, key, knowledge, inside)]
    passing = [key for key in keys if key not in joined]
    if family.list in ("findings", "preferences", "medications", "context") and not joined:
        joined, passing = keys, []
    if family.list and not keys:
        keys = joined = [family.keys[0]]
    needed = _needed(family, knowledge)

    def written(keys: list[str]) -> tuple[Said, ...]:
        chosen = combinations(family, keys, made.cuts, knowledge)
        return read(family, [{**needed, **one} for one in chosen], knowledge.terms)

    entries = written(joined)
    seen = _seen(made, entries, rules, read_by_rest)
    extras = _extras(written([])[0], written(passing), passing, read_by_rest) if passing else _NO_EXTRAS
    plainest: dict[frozenset[Name], Said] = {}
    for said, told in zip(entries, map(frozenset, seen), strict=True):
        if told not in plainest or plainness(said) < plainness(plainest[told]):
            plainest[told] = said
    kept: dict[frozenset[Name], Said] = {}
    for told, said in plainest.items():
        for keys_said, lost, extra in extras:
            if whole := (told - lost) | extra:
                both = Said(family, tuple({**dict(said.keys), **dict(keys_said)}.items()), said.facts)
                kept.setdefault(whole, both)
    for whole, said in kept.items():
        number = len(made.forms)
        made.forms.append(Form(number, family, said, whole))
    return len(entries) * len(extras)


def _check_spelt(made: Ground, phrases: Iterable[str]) -> None:
    """Refuse limits with a frequency beside them that no phrase spells: the pictures would lack it."""
    if any(phrase and frequency(phrase) is None for phrase in phrases):
        reads = (
            r for r in made.program.rules if any(getattr(x, "predicate", "") == "medication_frequency" for x in r.body)
        )
        raise UndecidedError("sets a limit beside which no frequency can be written", next(reads))


def plainness(said: Said) -> tuple[int, int, str]:
    """What makes one entry plainer than another of its form: it says less, in fewer words."""
    return said.cost, said.length, " ".join(value for _, value in said.keys)


def _needed(family: Family, knowledge: Knowledge) -> dict[str, str]:
    """What an entry must say to be read at all."""
    if family.list == "preferences":
        return {"value": plain_options(family, "value", knowledge.terms)[0]}
    return {"state": "unknown"} if family.list == "findings" else {}


def _gives(family: Family, key: str, knowledge: Knowledge, predicates: Iterable[str]) -> bool:
    """Whether a key of an entry gives facts of some predicates."""
    said = [{**_needed(family, knowledge), key: value} for value in plain_options(family, key, knowledge.terms)]
    told = [frozenset(one.facts) for one in read(family, said, knowledge.terms)]
    common = frozenset.intersection(*told) if told else frozenset()
    return any(atom.predicate in predicates for facts in told for atom in facts - common)


_NO_EXTRAS: list[tuple[tuple[tuple[str, str], ...], frozenset[Name], frozenset[Name]]] = [
    ((), frozenset(), frozenset())
]


def _extras(
    bare: Said, more: tuple[Said, ...], passing: list[str], read_by_rest: Mapping[str, frozenset[int]]
) -> list[tuple[tuple[tuple[str, str], ...], frozenset[Name], frozenset[Name]]]:
    """What the keys that no rule joins with others take from an entry that lacks them, and what they add."""

    def seen(atoms: Iterable[Atom]) -> frozenset[Name]:
        return frozenset(
            projected(a.predicate, about(a, None).args, read_by_rest) for a in atoms if a.predicate in read_by_rest
        )

    without = seen(bare.facts)
    found: dict[tuple[frozenset[Name], frozenset[Name]], tuple[tuple[str, str], ...]] = {}
    for one in more:
        told = seen(one.facts)
        change = (without - told, told - without)
        keys = tuple((k, v) for k, v in one.keys if k in passing)
        if change not in found or len(keys) < len(found[change]):
            found[change] = keys
    return [(keys, lost, added) for (lost, added), keys in found.items()]


def projected(predicate: str, row: Row, read_by: Mapping[str, frozenset[int]]) -> Name:
    """A fact without what no rule looks at."""
    places = read_by.get(predicate, frozenset())
    return predicate, tuple(value if i in places else None for i, value in enumerate(row))


def _seen(
    made: Ground, entries: tuple[Said, ...], rules: list[Rule], read_by_rest: Mapping[str, frozenset[int]]
) -> list[set[Name]]:
    """What the rest of the rules can see of each entry: its facts, and what follows of it alone."""
    tables = made.tables.copy()
    tables.add("patient", (PATIENT,))
    for number, said in enumerate(entries):
        for atom in said.facts:
            tables.add(atom.predicate, about(atom, Entry(number)).args)
    meaning = Exact(tables, frozenset(), possible=False)
    _fixpoint(made.program, rules, tables, meaning, made.fired)
    seen: list[set[Name]] = [set() for _ in entries]
    for predicate in read_by_rest:
        if predicate in made.tables.rows:
            continue
        for row in tables.of(predicate):
            entry = next((value for value in row if isinstance(value, Entry)), None)
            if entry is not None:
                bare = tuple(None if isinstance(value, Entry) else value for value in row)
                seen[entry.form].add(projected(predicate, bare, read_by_rest))
            elif predicate != "patient":
                for one in seen:  # the day of the assessment
                    one.add(projected(predicate, row, read_by_rest))
    return seen


def _fixpoint(program: Program, rules: list[Rule], tables: Tables, meaning: Exact, fired: set[str]) -> None:
    names = {rule.name for rule in rules}
    for component in program.open:
        inside = [program.rules[n] for n in component.rules if program.rules[n].name in names]
        grown = bool(inside)
        while grown:
            grown = False
            for rule in inside:
                for bound, _ in list(matches(rule, tables, meaning)):
                    fired.add(rule.name)
                    row = tuple(a.value if isinstance(a, Constant) else bound[a.name] for a in rule.args)  # type: ignore[union-attr]
                    grown |= tables.add(rule.predicate, row)
            if not component.recursive:
                break
