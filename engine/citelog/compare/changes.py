"""What changed between two editions, by meaning: each thing that was added, removed, renamed or says something else.

Layout, comments, order and the names of variables mean nothing, and so does where a quote stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from citelog.compare.alike import alike, shape
from citelog.compare.editions import Edition, Key, Said
from citelog.diagnostics import Span
from citelog.knowledge.triples import DCTERMS, RDFS, SKOS, TYPE
from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Operation,
    Present,
    Rule,
)
from citelog.rules.program import Literal as Part
from citelog.rules.shown import show_expression, show_literal
from citelog.values import Iri, Value, show
from citelog.vocab import CL

How = Literal["added", "removed", "changed", "renamed"]

_TITLES = (CL + "quote", DCTERMS + "title", SKOS + "prefLabel", RDFS + "label", CL + "text", CL + "signature")
"""What a thing is recognised by, the first that it has."""

_NAMING = (CL + "derivedBy", CL + "candidates")
"""Properties whose value is the name of a predicate."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One property of a thing, before and after; either is empty where there is nothing."""

    name: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The detail as data."""
        return {"name": self.name, "before": list(self.before), "after": list(self.after)}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is not as it was.

    `id` is its name in the edition that has it, the later where both do; `was` is its old name, where it was
    renamed. `title` says what it is about. `keys` are the thing in either edition, None where it is not there.
    """

    kind: str
    id: str
    how: How
    title: str
    details: tuple[Detail, ...] = ()
    was: str = ""
    before: Span | None = None
    after: Span | None = None
    keys: tuple[Key | None, Key | None] = (None, None)

    @property
    def named(self) -> str:
        """The kind and the id: what a reader looks it up by."""
        return f"{self.kind} {self.id}"

    def to_dict(self) -> dict[str, Any]:
        """The change as data."""
        return {
            "kind": self.kind,
            "id": self.id,
            "how": self.how,
            "was": self.was or None,
            "title": self.title or None,
            "before": _place(self.before),
            "after": _place(self.after),
            "details": [detail.to_dict() for detail in self.details],
        }


def _place(span: Span | None) -> dict[str, Any] | None:
    return {"file": span.file, "line": span.line} if span else None


@dataclass(frozen=True, slots=True)
class Renamed:
    """Old names and the new ones: of terms and other resources by IRI, of rules and derived predicates by name."""

    iris: Mapping[str, str]
    predicates: Mapping[str, str]
    rules: Mapping[str, str]

    def value(self, value: Value) -> Value:
        """A value under its new name."""
        return Iri(self.iris.get(value.value, value.value)) if isinstance(value, Iri) else value

    def statement(self, id_: str) -> str:
        """The new id of a statement."""
        return self._locals.get(id_, id_)

    @property
    def _locals(self) -> Mapping[str, str]:
        return {Iri(old).local: Iri(new).local for old, new in self.iris.items()}

    def rule(self, rule: Rule) -> Rule:
        """A rule in which everything that it names has its new name."""
        if not self.iris and not self.predicates:
            return rule
        return replace(
            rule,
            predicate=self.predicate(rule.predicate),
            args=tuple(Constant(self.value(a.value)) if isinstance(a, Constant) else a for a in rule.args),
            body=tuple(map(self._part, rule.body)),
            cites=tuple(map(self.statement, rule.cites)),
        )

    def predicate(self, name: str) -> str:
        """The new name of a predicate."""
        return self.predicates.get(name, self.iris.get(name, name))

    def _part(self, part: Part) -> Part:
        if isinstance(part, Present | Absent):
            args = tuple(Constant(self.value(a.value)) if isinstance(a, Constant) else a for a in part.args)
            return replace(part, predicate=self.predicate(part.predicate), args=args)
        if isinstance(part, Comparison):
            return Comparison(part.operator, self._expression(part.left), self._expression(part.right))
        return Assignment(part.variable, self._expression(part.expression))

    def _expression(self, expression: Expression) -> Expression:
        match expression:
            case Constant(value):
                return Constant(self.value(value))
            case Operation(operator, left, right):
                return Operation(operator, self._expression(left), self._expression(right))
            case _:
                return expression


@dataclass(frozen=True, slots=True)
class Changes:
    """All that changed, in the order in which a reader meets it, and what was only renamed.

    `layout` are the files that differ and in which nothing changed but layout, comments and order; `unread` are the
    files and the rules that an edition with errors has and that could not be compared.
    """

    listed: tuple[Change, ...]
    renamed: Renamed
    layout: tuple[str, ...]
    unread: tuple[str, ...] = ()


_ORDER = ("document", "statement", "rule", "safety property", "conflict", "predicate", "term")


def changes(old: Edition, new: Edition) -> Changes:
    """What changed from one edition to another.

    Of an edition with errors, what could be read is compared.
    """
    ours, theirs = _plain(old), _plain(new)
    iris = dict(_same_things(ours, theirs))
    names = {
        before: after
        for (kind, iri), said in ours.items()
        if kind == "predicate" and (kind, iris.get(iri, iri)) in theirs
        for before, after in [(_signed(said)[0], _signed(theirs[kind, iris.get(iri, iri)])[0])]
        if before != after
    }
    renamed = Renamed(iris, names, {})
    rules = dict(_same_rules(old, new, renamed))
    renamed = replace(renamed, rules=rules)
    found = [*_of_things(old, new, ours, theirs, renamed), *_of_rules(old, new, renamed)]
    unread = {*old.unread, *new.unread}
    found = [change for change in found if not unread & {_file(change.before), _file(change.after), change.named}]
    rank = {kind: i for i, kind in enumerate(_ORDER)}
    found.sort(key=lambda c: (rank.get(c.kind, len(rank)), c.kind, c.id))
    layout = () if unread else tuple(_laid_out(old, new, found))
    return Changes(tuple(found), renamed, layout, tuple(sorted(unread)))


def _file(span: Span | None) -> str:
    """The file of a place, as its path in the knowledge base."""
    return span.file.partition("/")[2] if span else ""


# things, by what is said of them


def _plain(edition: Edition) -> Mapping[Key, frozenset[Said]]:
    """What is said of each thing; a node without a name is written out where it is used."""
    return {key: frozenset(_written_out(said)) for key, said in edition.things.items()}


def _written_out(said: frozenset[Said]) -> Iterator[Said]:
    inner: dict[str, list[Said]] = {}
    for one in said:
        if ":" not in one.subject:
            inner.setdefault(one.subject, []).append(one)
    if not inner:
        yield from said
        return

    def text(value: Value, above: tuple[str, ...] = ()) -> str:
        name = str(value)
        if name not in inner or name in above:
            return show(value)
        parts = (f"{Iri(one.property).local} {text(one.value, (*above, name))}" for one in inner[name])
        return f"[ {' ; '.join(sorted(parts))} ]"

    for one in said:
        if one.subject not in inner:
            yield replace(one, type="text", value=text(one.value)) if str(one.value) in inner else one


def _same_things(
    ours: Mapping[Key, frozenset[Said]], theirs: Mapping[Key, frozenset[Said]]
) -> Iterator[tuple[str, str]]:
    """Things that say the same under another name: statements by their quote, predicates by how they are declared."""
    gone = [key for key in ours if key not in theirs]
    come = {key: _essence(key, theirs[key]) for key in sorted(theirs) if key not in ours}
    for key in sorted(gone):
        essence = _essence(key, ours[key])
        match = next((k for k, other in come.items() if k[0] == key[0] and other == essence), None)
        if match is not None and essence:
            del come[match]
            yield key[1], match[1]


def _essence(key: Key, said: frozenset[Said]) -> frozenset[tuple[str, str]]:
    """What makes a thing the one that it is, apart from its name; empty where that is too little to know it again."""
    kind, iri = key
    if kind == "statement":
        return frozenset(("quote", str(one.value)) for one in said if one.property == CL + "quote")
    if kind == "predicate":
        told = {(one.property, str(one.value)) for one in said if one.property in (CL + "sentence", CL + "absence")}
        return frozenset({("arguments", _signed(said)[1]), *told}) if told else frozenset()
    named = any(one.property in _TITLES for one in said if one.subject == iri)
    essence = frozenset((one.property, str(one.value)) for one in said if one.subject == iri)
    return essence if named else frozenset()


def _signed(said: frozenset[Said]) -> tuple[str, str]:
    """The name that a predicate is declared under, and its arguments."""
    signature = next((str(one.value) for one in said if one.property == CL + "signature"), "")
    name, _, arguments = signature.partition("(")
    return name, arguments


def _of_things(
    old: Edition,
    new: Edition,
    ours: Mapping[Key, frozenset[Said]],
    theirs: Mapping[Key, frozenset[Said]],
    renamed: Renamed,
) -> Iterator[Change]:
    back = {(kind, renamed.iris.get(iri, iri)): (kind, iri) for kind, iri in ours}
    for key in sorted({*back, *theirs}):
        kind, iri = key
        was = back.get(key)
        before = frozenset(_under_new_names(ours[was], renamed)) if was else frozenset()
        after = theirs.get(key, frozenset())
        name = _name(key, after or before)
        old_name = _name(was, ours[was]) if was else name
        if before == after and old_name == name:
            continue
        how: How = "added" if not before else "removed" if not after else "changed"
        if was and after and old_name != name:
            how = "renamed"
        yield Change(
            kind,
            name,
            how,
            _title(iri, after or before),
            tuple(_details(iri, before, after, new)) if before and after else (),
            old_name if how == "renamed" else "",
            old.place(was) if was else None,
            new.place(key) if after else None,
            (was, key if after else None),
        )


def _under_new_names(said: frozenset[Said], renamed: Renamed) -> Iterator[Said]:
    if not renamed.iris:
        yield from said
        return
    for one in said:
        value = renamed.value(one.value)
        if one.property in _NAMING:
            value = renamed.predicates.get(str(value), value)
        elif one.property == CL + "signature":
            name, bracket, rest = str(value).partition("(")
            value = f"{renamed.predicates.get(name, name)}{bracket}{rest}"
        subject, property_, graph = (renamed.iris.get(x, x) for x in (one.subject, one.property, one.graph))
        yield Said(subject, property_, one.type, value, graph)


def _title(iri: str, said: frozenset[Said]) -> str:
    """What a thing is recognised by."""
    own = {one.property: str(one.value) for one in said if one.subject == iri}
    return next((own[p] for p in _TITLES if p in own), "")


def _details(iri: str, before: frozenset[Said], after: frozenset[Said], shown_by: Edition) -> Iterator[Detail]:
    """What is said of a thing no longer and newly, property by property; its own come first."""
    gone, come = before - after, after - before
    for _, subject, property_ in sorted({(one.subject != iri, one.subject, one.property) for one in (*gone, *come)}):
        sides = [[one for one in side if (one.subject, one.property) == (subject, property_)] for side in (gone, come)]
        told = [tuple(sorted(shown_by.shown(one.value) for one in side)) for side in sides]
        if told[0] == told[1]:  # the same words: as another type of value, or in another graph
            typed = {one.type for one in sides[0]} != {one.type for one in sides[1]}
            told = [
                tuple(f"{shown_by.shown(one.value)} ({one.type if typed else _vouched(one)})" for one in side)
                for side in sides
            ]
        name = "a" if property_ == TYPE else shown_by.shown(Iri(property_)) if subject != iri else Iri(property_).local
        about = "" if subject == iri else f"{shown_by.shown(Iri(subject))} "
        yield Detail(f"{about}{name}", told[0], told[1])


def _vouched(one: Said) -> str:
    return f"said by {Iri(one.graph).local}" if one.graph else "said by no graph"


def _name(key: Key, said: frozenset[Said]) -> str:
    """The name that an author knows a thing by: of a predicate, the one that rules write."""
    return (_signed(said)[0] if key[0] == "predicate" else "") or Iri(key[1]).local


# rules


def _same_rules(old: Edition, new: Edition, renamed: Renamed) -> Iterator[tuple[str, str]]:
    """Rules that say the same under another name; of several, the one whose words are most the same."""
    come = {name: rule for name, rule in new.rules.items() if name not in old.rules}
    for name, rule in old.rules.items():
        if name in new.rules:
            continue
        moved = renamed.rule(rule)
        same = [other for other in come.values() if shape(other) == shape(moved) and alike(moved, other).same]
        if same:
            chosen = min(same, key=lambda other: len(list(_differences(moved, other))))
            del come[chosen.name]
            yield name, chosen.name


def _of_rules(old: Edition, new: Edition, renamed: Renamed) -> Iterator[Change]:
    back = {after: before for before, after in renamed.rules.items()}
    for name, rule in old.rules.items():
        if name not in new.rules and name not in renamed.rules:
            yield Change("rule", name, "removed", _said(rule), before=rule.span, keys=(("rule", name), None))
    for name, rule in new.rules.items():
        was = back.get(name, name)
        if was not in old.rules:
            yield Change("rule", name, "added", _said(rule), after=rule.span, keys=(None, ("rule", name)))
            continue
        before = old.rules[was]
        details = tuple(_differences(renamed.rule(before), rule))
        if details or was != name:
            yield Change(
                "rule",
                name,
                "renamed" if was != name else "changed",
                _said(rule),
                details,
                was if was != name else "",
                before.span,
                rule.span,
                (("rule", was), ("rule", name)),
            )


def _said(rule: Rule) -> str:
    """What a rule is about: its sentence, its description, or why it encodes no statement."""
    return rule.display or rule.doc or rule.convention


def _differences(before: Rule, after: Rule) -> Iterator[Detail]:
    """What one rule says and another does not, part by part."""
    side = alike(before, after)
    if not side.same_head:
        yield Detail("concludes", (_head(before),), (_head(after),))
    gone, come = list(side.only_first), list(side.only_second)
    for literal in tuple(gone):
        partner = next((other for other in come if _is_of_a_kind(literal, other)), None)
        if partner is not None:
            gone.remove(literal)
            come.remove(partner)
            yield Detail("needs", (show_literal(literal),), (show_literal(partner),))
    yield from (Detail("needs", (show_literal(literal),), ()) for literal in gone)
    yield from (Detail("needs", (), (show_literal(literal),)) for literal in come)
    names = side.names
    for name, ours, theirs in (
        ("cites", before.cites, after.cites),
        ("assumes", _absent(before, True), _absent(after, True)),
        ("unless", _absent(before, False), _absent(after, False)),
        ("sentence", _text(_renamed(before.display, names)), _text(after.display)),
        ("description", _text(before.doc), _text(after.doc)),
        ("convention", _text(before.convention), _text(after.convention)),
        ("through", _through(before), _through(after)),
        ("accepts", _accepted(before), _accepted(after)),
        ("mute", ("yes",) * before.muted, ("yes",) * after.muted),
    ):
        if set(ours) != set(theirs):
            yield Detail(name, ours, theirs)


def _is_of_a_kind(one: Part, other: Part) -> bool:
    """Whether one literal can be told as the other, changed: of one predicate, or both comparisons or computations."""
    if isinstance(one, Present | Absent) and isinstance(other, Present | Absent):
        return one.predicate == other.predicate
    return type(one) is type(other) and not isinstance(one, Present | Absent)


def _head(rule: Rule) -> str:
    args = (
        f"#{a.function}({', '.join(f'?{v}' for v in a.variables)})" if isinstance(a, Aggregate) else show_expression(a)
        for a in rule.args
    )
    return f"{Iri(rule.predicate).local}({', '.join(args)})"


def _absent(rule: Rule, assumed: bool) -> tuple[str, ...]:
    parts = (Iri(x.predicate).local for x in rule.body if isinstance(x, Absent) and x.assumed == assumed)
    return tuple(dict.fromkeys(parts))


def _through(rule: Rule) -> tuple[str, ...]:
    if rule.through is None:
        return ()
    premise = rule.body[rule.through]
    return (Iri(premise.predicate).local,) if isinstance(premise, Present) else ()


def _accepted(rule: Rule) -> tuple[str, ...]:
    return tuple(f"{accepted.code}: {accepted.reason}" for accepted in rule.accepts)


def _text(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def _renamed(display: str, names: Mapping[str, str]) -> str:
    """A sentence with the new names of its variables."""
    return re.sub(r"\{\?(\w+)\}", lambda m: f"{{?{names.get(m[1], m[1])}}}", display)


# layout


def _laid_out(old: Edition, new: Edition, found: Iterable[Change]) -> Iterator[str]:
    """The files that differ in both editions and in which nothing changed."""
    touched = {_file(span) for change in found for span in (change.before, change.after)}
    if old.source and new.source and old.source.sha256 != new.source.sha256:  # then the pin of the document differs
        touched |= {_file(e.place(key)) for e in (old, new) for key in e.things if key[0] == "document"}
    for name in sorted({*old.files, *new.files}):
        if old.files.get(name) != new.files.get(name) and name not in touched:
            yield name
