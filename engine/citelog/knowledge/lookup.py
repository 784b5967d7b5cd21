"""One thing of a knowledge base by its id: a statement, rule, conflict, predicate or term, and where it is used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from citelog.diagnostics import CitelogError, did_you_mean, proposal
from citelog.knowledge.base import STATES, Citation, Field, Kind, Knowledge, looked_at, state_of
from citelog.rules.program import (
    Absent,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Operation,
    Present,
    Rule,
    Variable,
)
from citelog.values import Iri, Value, show

CONCLUDED = "concluded by the rules"

USES: Mapping[str, str] = {
    "cited by the rules": "rule",
    "a side of the conflicts": "conflict",
    "asks for the caveats": "caveat",
    CONCLUDED: "rule",
    "gives the predicate": "predicate",
    "reads": "predicate",
    "read by the rules": "rule",
    "given by the rules": "rule",
    "named in the rules": "rule",
    "named in the statements": "statement",
}
"""How one thing uses another, and of what kind the other is; the text of a caveat is no id."""


@dataclass(frozen=True, slots=True)
class Found:
    """What an id names: what it says (`fields`, in order), what it quotes, and what uses it, by how it does."""

    id: str
    kind: str
    title: str
    fields: tuple[tuple[str, str], ...]
    citations: tuple[Citation, ...]
    sides: tuple[tuple[str, ...], ...]
    uses: Mapping[str, tuple[str, ...]]

    def to_dict(self) -> dict[str, Any]:
        """What was found, as data."""
        return {
            "id": self.id,
            "kind": self.kind,
            "title": self.title,
            "fields": dict(self.fields),
            "citations": [c.to_dict() for c in self.citations],
            "sides": [list(side) for side in self.sides],
            "uses": {how: list(ids) for how, ids in self.uses.items()},
        }


def find(knowledge: Knowledge, asked: str) -> tuple[Found, ...]:
    """Everything that an id, a rule's name, a code, or a term's label names; raises CitelogError where nothing does.

    The id may stand as answers write it, with its kind (`regimen:…`), or as queries do, with its knowledge base.
    """
    found = tuple(_found(knowledge, asked, knowledge.kinds))
    prefix, _, rest = asked.partition(":")
    kinds = tuple(kind for kind in knowledge.kinds if kind.name == prefix)
    name = rest if rest and (kinds or prefix == knowledge.id) else asked
    if not found and name != asked:
        found = tuple(_found(knowledge, name, kinds or knowledge.kinds))
        found = tuple(one for one in found if kinds and CONCLUDED in one.uses) or found
    if not found:
        if any(asked == each.id for each in knowledge.properties):
            proved = proposal("verify", "--property", asked)
            raise CitelogError(f"{asked}: it is a safety property", f"ask for it: {proved}")
        hint = did_you_mean(name, _names(knowledge)) or "name a statement, a rule, a conflict, a predicate or a term"
        raise CitelogError(f"{asked}: {knowledge.id} has nothing of that name", hint)
    return found


def _names(knowledge: Knowledge) -> Iterator[str]:
    yield from knowledge.statements
    yield from knowledge.conflicts
    yield from (rule.name for rule in knowledge.guarded.rules)
    yield from (Iri(name).local for name in knowledge.program.predicates)
    yield from (step.local for step in knowledge.fields)
    for term, label in knowledge.terms.labels.items():
        yield from (term.local, label)


def _found(knowledge: Knowledge, asked: str, kinds: Iterable[Kind]) -> Iterator[Found]:
    """What a name names; of a term and a conflict, the rules that conclude it as one of some kinds."""
    if asked in knowledge.statements:
        yield _statement(knowledge, asked)
    if asked in knowledge.conflicts:
        yield _conflict(knowledge, asked, kinds)
    for rule in knowledge.guarded.rules:
        if rule.name == asked:
            yield _rule(knowledge, rule)
    for name in knowledge.program.predicates:
        if asked in (name, Iri(name).local):
            yield _predicate(knowledge, name)
    coded = {names[asked.casefold()] for names in knowledge.terms.names.values() if asked.casefold() in names}
    for term in sorted({*knowledge.terms.labels, *knowledge.fields}):
        label = knowledge.terms.labels.get(term, term.local)
        if asked in (term.value, term.local) or asked.casefold() == label.casefold() or term in coded:
            yield _term(knowledge, term, label, kinds)


def _statement(knowledge: Knowledge, id_: str) -> Found:
    found = knowledge.statements[id_]
    said = sorted(_atom(knowledge, a.predicate, a.args) for a, ids in knowledge.stated.items() if id_ in ids)
    fields = (
        ("kind", found.kind),
        ("voice", found.voice),
        ("modality", found.modality),
        ("population", found.population),
        ("offsets", f"{found.start} to {found.end} of {found.source}, in code points from 0, the end not counted"),
        ("read by the rules", "; ".join(said)),
        ("review", _review(knowledge, found.iri)),
    )
    uses = {
        "cited by the rules": [r.name for r in knowledge.program.rules if id_ in r.cites],
        "a side of the conflicts": [c.id for c in knowledge.conflicts.values() if any(id_ in side for side in c.sides)],
        "asks for the caveats": [c.text for c in knowledge.caveats if id_ in c.statements],
    }
    return _made(id_, "statement", found.quote, fields, [Citation.of(found)], (), uses)


def _conflict(knowledge: Knowledge, id_: str, kinds: Iterable[Kind]) -> Found:
    found = knowledge.conflicts[id_]
    fields = (("type", found.type), ("level", found.level), ("encoder's note", found.note))
    cited = [Citation.of(knowledge.statements[s]) for s in dict.fromkeys(s for side in found.sides for s in side)]
    value = Iri(knowledge.namespace + id_)
    uses = {CONCLUDED: concluding(knowledge, value, kinds)}
    return _made(id_, "conflict", found.title, fields, cited, found.sides, uses)


def _rule(knowledge: Knowledge, rule: Rule) -> Found:
    head, answers = Iri(rule.predicate).local, rule in knowledge.program.rules
    among = knowledge.program.rules if answers else knowledge.guarded.rules
    fields = (
        ("says", rule.display),
        ("about", rule.doc),
        ("encodes no statement", rule.convention),
        ("part of", "" if answers else "the safety properties, which no answer reads"),
        ("file", f"{rule.span.file}:{rule.span.line}"),
        ("text", rule.text),
        ("review", _review(knowledge, knowledge.rule(rule.name))),
    )
    cited = [Citation.of(knowledge.statements[s]) for s in rule.cites]
    gives = [other.name for other in among if rule.predicate in _read(other)]
    uses = {
        "gives the predicate": [head],
        "reads": sorted({Iri(p).local for p in _read(rule)}),
        "read by the rules": gives,
    }
    return _made(rule.name, "rule", rule.doc or rule.display or rule.convention, fields, cited, (), uses)


def _predicate(knowledge: Knowledge, name: str) -> Found:
    found = knowledge.program.predicates[name]
    arguments = ", ".join(f"{a.name}: {a.type}" for a in found.arguments)
    fields = (
        ("layer", found.layer),
        ("arguments", arguments),
        ("says", found.sentence),
        ("its absence says", found.absence),
    )
    rules: tuple[Rule, ...] = knowledge.program.rules
    if not any(name == rule.predicate or name in _read(rule) for rule in rules):  # then safety properties alone use it
        rules = knowledge.guarded.rules
    uses = {
        "given by the rules": [r.name for r in rules if r.predicate == name],
        "read by the rules": [r.name for r in rules if name in _read(r)],
    }
    return _made(Iri(name).local, "predicate", found.sentence, fields, [], (), uses)


def _term(knowledge: Knowledge, term: Iri, label: str, kinds: Iterable[Kind]) -> Found:
    names = sorted({n for kind in knowledge.terms.names.values() for n, t in kind.items() if t == term})
    stated = {s for atom, ids in knowledge.stated.items() if term in atom.args for s in ids}
    stands = knowledge.fields.get(term, {})
    order = dict.fromkeys(name for kind in knowledge.kinds for name in kind.fields)
    parts = {name: stands[name] for name in order if name in stands}
    fields = (
        ("iri", term.value),
        ("matches", ", ".join(names)),
        *((name, _part(part)) for name, part in parts.items()),
    )
    cited = dict.fromkeys(s for part in parts.values() for s in part.statements)
    concluded = concluding(knowledge, term, kinds)
    named = (rule.name for rule in knowledge.program.rules if term in constants(rule))
    uses = {
        CONCLUDED: concluded,
        "named in the rules": [name for name in named if name not in concluded],
        "named in the statements": sorted(stated),
    }
    return _made(term.local, "term", label, fields, [Citation.of(knowledge.statements[s]) for s in cited], (), uses)


def _part(part: Field) -> str:
    return part.text + (f" (from {part.inherited_from})" if part.inherited_from else "")


def _review(knowledge: Knowledge, iri: Iri) -> str:
    reviews = knowledge.reviews.get(iri, ())
    state = state_of(reviews)
    return f"{state}: {looked_at(reviews)}" if state == STATES[0] else looked_at(reviews)


def _made(
    id_: str,
    kind: str,
    title: str,
    fields: Iterable[tuple[str, str]],
    citations: Iterable[Citation],
    sides: tuple[tuple[str, ...], ...],
    uses: Mapping[str, Iterable[str]],
) -> Found:
    kept = {how: tuple(dict.fromkeys(ids)) for how, ids in uses.items()}
    return Found(
        id_,
        kind,
        title,
        tuple((k, v) for k, v in fields if v),
        tuple(citations),
        sides,
        {k: v for k, v in kept.items() if v},
    )


def _read(rule: Rule) -> set[str]:
    return {x.predicate for x in rule.body if isinstance(x, Present | Absent)}


def concluding(knowledge: Knowledge, value: Value, kinds: Iterable[Kind]) -> list[str]:
    """The rules that conclude a value as one of some kinds; of a rule that passes it on, those that it comes from."""
    places, found = [(kind.predicate, 1) for kind in kinds], []
    for predicate, place in places:  # grows: where a value that is passed on comes from
        for rule in (one for one in knowledge.program.rules if one.predicate == predicate):
            given: set[object] = {rule.args[place]}
            given |= {x.expression for x in rule.body if isinstance(x, Assignment) and Variable(x.variable) in given}
            if Constant(value) in given:
                found.append(rule)
            for literal in (x for x in rule.body if isinstance(x, Present)):
                passed = [at for at, arg in enumerate(literal.args) if isinstance(arg, Variable) and arg in given]
                places += [(literal.predicate, at) for at in passed if (literal.predicate, at) not in places]
    return [rule.name for rule in knowledge.program.rules if rule in found]


def constants(rule: Rule) -> set[Value]:
    """The values that a rule names."""
    found = {a.value for a in rule.args if isinstance(a, Constant)}
    for literal in rule.body:
        match literal:
            case Present() | Absent():
                found |= {a.value for a in literal.args if isinstance(a, Constant)}
            case Comparison():
                found |= _values(literal.left) | _values(literal.right)
            case Assignment():
                found |= _values(literal.expression)
    return found


def _values(expression: Expression) -> set[Value]:
    match expression:
        case Constant(value):
            return {value}
        case Operation(_, left, right):
            return _values(left) | _values(right)
        case _:
            return set()


def _atom(knowledge: Knowledge, predicate: str, args: tuple[Value, ...]) -> str:
    shown = [knowledge.terms.labels.get(a, a.local) if isinstance(a, Iri) else show(a) for a in args]
    return f"{Iri(predicate).local}({', '.join(shown)})"
