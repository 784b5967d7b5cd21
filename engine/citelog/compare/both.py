"""Two editions as one program: what both say alike stands in it once, what differs twice, each under its own name.

A predicate is shared where both editions state the same facts of it, derive it by rules that say the same, and these
read only what is shared. What is left is what an edit can reach; only that is written twice. Names of the old edition
that were renamed are read as they are now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from citelog.compare.alike import alike, shape
from citelog.compare.changes import Renamed
from citelog.knowledge.base import Knowledge
from citelog.patient.context import GIVES
from citelog.patient.predicates import NAMING
from citelog.rules.program import (
    Absent,
    Component,
    Constant,
    Predicate,
    Present,
    Program,
    Rule,
    Variable,
    resting,
)
from citelog.values import Atom, Iri, Value
from citelog.vocab import Terms

Side = Literal["old", "new"]

TELLING = frozenset({"term", "text", "boolean"})
"""Types of the places of a conclusion by which it is told from others: its value, and what stands beside it."""

_NAMED = ("analyte", "finding", "drug", "topic", "context")
"""Kinds of name that make an entry one of a family: where one edition alone knows a term, the other reads nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A kind of conclusion that the editions may draw differently.

    Its predicate in each edition, as the program of both calls it; None where an edition has no such kind. `places`
    are those by which conclusions are told apart, with their names, the value first.
    """

    kind: str
    old: str | None
    new: str | None
    places: tuple[tuple[int, str], ...]

    @property
    def heads(self) -> frozenset[str]:
        """Its predicates."""
        return frozenset(name for name in (self.old, self.new) if name is not None)


@dataclass(frozen=True)
class Both:
    """The program of two editions, as a knowledge base that can be written out.

    `asked` are the kinds that can differ, `same` those that cannot. `authored` has the rule that each rule was made
    of. `names` are those that only one edition reads, or each differently: no picture is written with one. `any_name`
    are rules that look at entries whatever they are called, while the editions know different ones.
    """

    knowledge: Knowledge
    asked: tuple[Asked, ...]
    same: tuple[str, ...]
    authored: Mapping[str, Rule]
    names: tuple[str, ...]
    any_name: frozenset[str]

    def resting(self, heads: Iterable[str]) -> Program:
        """The rules that some predicates can rest on."""
        wanted = frozenset(heads)
        return resting(self.knowledge.program, lambda rule: rule.predicate in wanted)


def both(old: Knowledge, new: Knowledge, renamed: Renamed) -> Both:
    """Two editions as one program."""
    ours, theirs = _Read.of(old, renamed), _Read.of(new, Renamed({}, {}, {}))
    shared = _shared(ours, theirs)
    terms, names = _terms(ours.terms, theirs.terms)
    program, authored = _joined(ours, theirs, shared)
    stated = {
        Atom(_called(side, atom.predicate, shared), atom.args): statements
        for side, read in (("old", ours), ("new", theirs))
        for atom, statements in read.stated.items()
    }
    asked = tuple(_asked(old, new, renamed, ours.program, theirs.program, shared))
    knowledge = replace(new, program=program, guarded=program, stated=stated, terms=terms, kinds=(), properties=())
    any_name = frozenset(
        rule.name
        for side, read, other in (("old", ours, theirs), ("new", theirs, ours))
        if (foreign := _foreign(other.terms, read.terms))
        for rule in program.rules
        if rule.predicate in shared or rule.name.startswith(f"{side} ")
        if _reads_any_name(authored[rule.name], read, foreign)
    )
    kinds = {kind.name for kind in (*old.kinds, *new.kinds)}
    return Both(knowledge, asked, tuple(sorted(kinds - {a.kind for a in asked})), authored, names, any_name)


@dataclass(frozen=True)
class _Read:
    """An edition, with the new name of whatever was renamed."""

    program: Program
    stated: Mapping[Atom, tuple[str, ...]]
    terms: Terms

    @classmethod
    def of(cls, knowledge: Knowledge, renamed: Renamed) -> _Read:
        program, terms = knowledge.program, knowledge.terms
        if not (renamed.iris or renamed.predicates):
            return cls(program, knowledge.stated, terms)
        predicates = {
            name: replace(p, name=name) for p in program.predicates.values() for name in [renamed.predicate(p.name)]
        }
        return cls(
            Program(predicates, tuple(map(renamed.rule, program.rules)), program.fixed, program.open),
            {
                Atom(renamed.predicate(a.predicate), tuple(map(renamed.value, a.args))): s
                for a, s in knowledge.stated.items()
            },
            Terms(
                {
                    kind: {name: _iri(renamed.value(term)) for name, term in known.items()}
                    for kind, known in terms.names.items()
                },
                {_iri(renamed.value(term)): label for term, label in terms.labels.items()},
                terms.written,
            ),
        )

    @property
    def facts(self) -> Mapping[str, frozenset[Atom]]:
        """What is stated, by predicate."""
        found: dict[str, set[Atom]] = {}
        for atom in self.stated:
            found.setdefault(atom.predicate, set()).add(atom)
        return {predicate: frozenset(atoms) for predicate, atoms in found.items()}


def _iri(value: Value) -> Iri:
    assert isinstance(value, Iri)
    return value


# what both say alike


def _shared(old: _Read, new: _Read) -> frozenset[str]:
    """The predicates of which both editions say the same, whatever a record says."""
    facts = old.facts, new.facts
    rules = _by_head(old.program), _by_head(new.program)
    good = {
        name
        for name, p in new.program.predicates.items()
        if (q := old.program.predicates.get(name)) is not None
        and (p.arguments, p.layer) == (q.arguments, q.layer)
        and facts[0].get(name) == facts[1].get(name)
        and _say_the_same(rules[0].get(name, []), rules[1].get(name, []))
    }
    while True:
        bad = {
            name
            for name in good
            if any(
                x.predicate not in good
                for rule in rules[1].get(name, ())
                for x in rule.body
                if isinstance(x, Present | Absent)
            )
        }
        if not bad:
            return frozenset(good)
        good -= bad


def _by_head(program: Program) -> Mapping[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in program.rules:
        found.setdefault(rule.predicate, []).append(rule)
    return found


def _say_the_same(ones: list[Rule], others: list[Rule]) -> bool:
    left = list(others)
    for one in ones:
        found = next((other for other in left if (one.args, one.body) == (other.args, other.body)), None) or next(
            (other for other in left if shape(one) == shape(other) and alike(one, other).same), None
        )
        if found is None:
            return False
        left.remove(found)
    return not left


# one program of two


def _called(side: str, name: str, shared: frozenset[str]) -> str:
    return name if name in shared else f"{side} {name}"


def _joined(old: _Read, new: _Read, shared: frozenset[str]) -> tuple[Program, Mapping[str, Rule]]:
    """The rules of both, those of shared predicates once, and the rule that each is made of."""
    predicates: dict[str, Predicate] = {}
    rules: list[Rule] = []
    authored: dict[str, Rule] = {}
    fixed: list[Component] = []
    open_: list[Component] = []
    for side, program, once in (("new", new.program, True), ("old", old.program, False), ("new", new.program, False)):
        for name, predicate in program.predicates.items():
            called = _called(side, name, shared)
            predicates[called] = replace(predicate, name=called)
        numbers: dict[int, int] = {}
        for i, rule in enumerate(program.rules):
            if (rule.predicate in shared) == once:
                numbers[i] = len(rules)
                rules.append(_renamed(rule, side, shared))
                authored[rules[-1].name] = rule
        for made, components in ((fixed, program.fixed), (open_, program.open)):
            left = ((tuple(numbers[n] for n in c.rules if n in numbers), c.recursive) for c in components)
            made += [Component(inside, recursive) for inside, recursive in left if inside]
    return Program(predicates, tuple(rules), tuple(fixed), tuple(open_)), authored


def _renamed(rule: Rule, side: str, shared: frozenset[str]) -> Rule:
    body = tuple(
        replace(x, predicate=_called(side, x.predicate, shared)) if isinstance(x, Present | Absent) else x
        for x in rule.body
    )
    name = rule.name if rule.predicate in shared else f"{side} {rule.name}"
    return replace(rule, name=name, predicate=_called(side, rule.predicate, shared), body=body)


def _asked(
    old: Knowledge, new: Knowledge, renamed: Renamed, ours: Program, theirs: Program, shared: frozenset[str]
) -> Iterator[Asked]:
    """The kinds of either edition whose conclusions can differ, in the order in which they are shown."""
    before = {kind.name: renamed.predicate(kind.predicate) for kind in old.kinds}
    after = {kind.name: kind.predicate for kind in new.kinds}
    for kind in dict.fromkeys([*after, *before]):
        named = [
            (_called(side, of[kind], shared), program.predicates[of[kind]].arguments) if kind in of else None
            for side, of, program in (("old", before, ours), ("new", after, theirs))
        ]
        one, other = named
        if one is not None and other is not None and one[0] == other[0]:
            continue
        arguments = [side[1] for side in named if side is not None]
        places = tuple(
            (i, argument.name)
            for i, argument in enumerate(arguments[0])
            if argument.type in TELLING and all(argument in side[i : i + 1] for side in arguments)
        )
        yield Asked(kind, one[0] if one else None, other[0] if other else None, places)


# the names of both


def _terms(old: Terms, new: Terms) -> tuple[Terms, tuple[str, ...]]:
    """What both read alike, and the entries that one alone reads; and the names that are left out."""
    names: dict[str, dict[str, Iri]] = {}
    out: dict[str, None] = {}
    written = {**old.written, **new.written}
    for kind in dict.fromkeys([*new.names, *old.names]):
        ours, theirs = old.names.get(kind, {}), new.names.get(kind, {})
        for name in dict.fromkeys([*theirs, *ours]):
            one, other = ours.get(name), theirs.get(name)
            known = ours if one is None else theirs
            term = other if one is None else one
            assert term is not None
            if one == other or (None in (one, other) and kind in _NAMED and term not in known.values()):
                names.setdefault(kind, {})[name] = term
            else:
                out[written.get(name, name)] = None
    return Terms(names, {**old.labels, **new.labels}, written), tuple(out)


def _foreign(known: Terms, to: Terms) -> frozenset[Iri]:
    """The terms of entries that one edition knows, and the other does not."""
    own = {term for kind in _NAMED[:-1] for term in to.names.get(kind, {}).values()}
    return frozenset(term for kind in _NAMED[:-1] for term in known.names.get(kind, {}).values()) - own


def _reads_any_name(rule: Rule, read: _Read, foreign: frozenset[Iri]) -> bool:
    """Whether a rule could see an entry under a name that its edition does not know.

    It cannot where each entry that it looks at has a name in the rule, or one that the knowledge gives.
    """
    predicates = read.program.predicates
    known: set[str] = set()
    for x in rule.body:
        if isinstance(x, Present) and predicates[x.predicate].layer == "knowledge":
            facts = [atom for atom in read.stated if atom.predicate == x.predicate]
            known |= {
                arg.name
                for i, arg in enumerate(x.args)
                if isinstance(arg, Variable) and not any(atom.args[i] in foreign for atom in facts)
            }

    def is_named(x: Present | Absent) -> bool:
        if x.predicate not in NAMING:
            return predicates[x.predicate].layer == "derived" or x.predicate in GIVES.values()
        name = x.args[2]
        return name.value not in foreign if isinstance(name, Constant) else name.name in known

    about = [x for x in rule.body if isinstance(x, Present | Absent)]
    records = {
        arg.name
        for x in about
        if isinstance(x, Present) and is_named(x)
        for arg, argument in zip(x.args, predicates[x.predicate].arguments, strict=True)
        if argument.type == "record" and isinstance(arg, Variable)
    }
    return any(
        predicates[x.predicate].layer == "patient"
        and not is_named(x)
        and any(
            argument.type == "record" and not (isinstance(arg, Variable) and arg.name in records)
            for arg, argument in zip(x.args, predicates[x.predicate].arguments, strict=True)
        )
        for x in about
    )
