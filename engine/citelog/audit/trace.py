"""The way from each sentence of the document to what is concluded from it, the cases that show it, and back.

A trace is a graph of things in levels. Each link is one that an answer really takes: a rule leads to a conclusion where
it stands in the proof of that conclusion in some case. What has no link where one is due, and gives no reason, is an
orphan.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from citelog.advice.statements import NOT_READ
from citelog.audit import members
from citelog.audit.subject import Subject
from citelog.diagnostics import Span
from citelog.evidence.sources import on_one_line
from citelog.explain.catalogue import Goal, catalogue
from citelog.knowledge.files import shown_name
from citelog.knowledge.load import VIOLATION
from citelog.knowledge.lookup import constants
from citelog.knowledge.triples import TYPE
from citelog.proof.support import premises
from citelog.rules.program import Absent, Constant, Present, Rule
from citelog.run.result import Run
from citelog.values import Atom, Iri, Value
from citelog.vocab import CL

FORMAT = "citelog-trace/1"

LEVELS: Mapping[str, str] = {
    "sentence": "Sentences of the document",
    "statement": "Statements",
    "triple": "What statements say",
    "rule": "Rules",
    "conclusion": "Conclusions",
    "case": "Cases",
    "property": "Safety properties",
    "member": "Members of the documents of an answer",
    "element": "Places of the page",
}
"""The levels, from the document to what is tried and what is shown, with their headings."""

Key = tuple[str, str]
"""A level and an id."""


Place = tuple[int, int] | None
"""From where to where something stands in the document; None for what does not."""


@dataclass(frozen=True, slots=True)
class Node:
    """A thing that can be traced.

    `reason` says why it has no link where one would be due: a sentence that is set aside, a rule by convention. `at` is
    from where to where it stands in the document, in code points, for what stands there.
    """

    level: str
    id: str
    text: str
    span: Span
    reason: str = ""
    at: Place = None

    @property
    def key(self) -> Key:
        """What links name it by."""
        return self.level, self.id

    def to_dict(self) -> dict[str, Any]:
        """The thing as data."""
        return {
            "level": self.level,
            "id": self.id,
            "text": self.text,
            "file": self.span.file,
            "line": self.span.line,
            "reason": self.reason or None,
            "start": self.at[0] if self.at else None,
            "end": self.at[1] if self.at else None,
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Node:
        """The thing that was written as data."""
        at = None if data["start"] is None else (data["start"], data["end"])
        return cls(data["level"], data["id"], data["text"], Span(data["file"], data["line"]), data["reason"] or "", at)


@dataclass(frozen=True, slots=True)
class Orphan:
    """A thing without a link where one is due; `towards` says in which direction: `document` or `answer`."""

    node: Node
    towards: str
    what: str

    def to_dict(self) -> dict[str, Any]:
        """The orphan as data."""
        return {"level": self.node.level, "id": self.node.id, "towards": self.towards, "what": self.what}


@dataclass(frozen=True)
class Trace:
    """Everything that can be traced, in the order of levels and places, and every link from one thing to the next."""

    nodes: tuple[Node, ...]
    links: tuple[tuple[Key, Key], ...]

    @cached_property
    def by_key(self) -> Mapping[Key, Node]:
        """The things by what links name them."""
        return {node.key: node for node in self.nodes}

    @cached_property
    def _ways(self) -> tuple[Mapping[Key, list[Key]], Mapping[Key, list[Key]]]:
        forth: dict[Key, list[Key]] = defaultdict(list)
        back: dict[Key, list[Key]] = defaultdict(list)
        for one, other in self.links:
            forth[one].append(other)
            back[other].append(one)
        return forth, back

    def of(self, level: str) -> tuple[Node, ...]:
        """The things of a level."""
        return tuple(node for node in self.nodes if node.level == level)

    def forth(self, node: Node, level: str) -> tuple[Node, ...]:
        """What a thing leads to on another level, towards the answer."""
        return tuple(self.by_key[key] for key in self._ways[0].get(node.key, ()) if key[0] == level)

    def back(self, node: Node, level: str) -> tuple[Node, ...]:
        """What leads to a thing from another level, towards the document."""
        return tuple(self.by_key[key] for key in self._ways[1].get(node.key, ()) if key[0] == level)

    @cached_property
    def orphans(self) -> tuple[Orphan, ...]:
        """Every thing without a link where one is due, and without a reason."""
        return tuple(self._orphans())

    def _orphans(self) -> Iterator[Orphan]:
        for node in self.nodes:
            for due in _DUE:
                excused = due.level != node.level or (due.excused and node.reason)
                ways = self._ways[due.towards == "document"].get(node.key, ())
                if not excused and not any(key[0] in due.levels for key in ways):
                    yield Orphan(node, due.towards, due.otherwise)

    def to_dict(self) -> dict[str, Any]:
        """The trace as data: what the document of the format `citelog-trace/1` says beside whose it is."""
        return {
            "nodes": [node.to_dict() for node in self.nodes],
            "links": [{"from": {"level": a[0], "id": a[1]}, "to": {"level": b[0], "id": b[1]}} for a, b in self.links],
            "orphans": [one.to_dict() for one in self.orphans],
        }

    @classmethod
    def of_data(cls, data: Mapping[str, Any]) -> Trace:
        """The trace that was written as data."""
        nodes = tuple(Node.of_data(one) for one in data["nodes"])
        known = {node.key: node.key for node in nodes}  # a key is one object, whatever the number of its links
        ends = ((known[_key(one["from"])], known[_key(one["to"])]) for one in data["links"])
        return cls(nodes, tuple(ends))


def _key(data: Mapping[str, str]) -> Key:
    return data["level"], data["id"]


@dataclass(frozen=True, slots=True)
class Due:
    """A link that a thing of a level must have: towards what, to which levels, and what is so where it has none.

    `excused` says whether the reason that a thing gives stands for the link.
    """

    level: str
    towards: str
    levels: tuple[str, ...]
    otherwise: str
    excused: bool = False


NOTES: Key = ("member", "assessment.notes[].text")
"""What the rules lead to that say what is noted of a record."""

_DUE = (
    Due("sentence", "answer", ("statement",), "no statement encodes it, and no reason is given", excused=True),
    Due("statement", "document", ("sentence",), "it lies in no segment of the document that names it"),
    Due(
        "statement",
        "answer",
        ("rule", "conclusion", "statement"),
        "nothing rests on it, and no reason is given",
        excused=True,
    ),
    Due("triple", "document", ("statement",), "no statement says it, and nobody vouches for it", excused=True),
    Due("rule", "document", ("statement",), "it encodes no statement, and no reason is given", excused=True),
    Due("rule", "answer", ("conclusion", "property", "rule", "member"), "it stands in no proof of any case"),
    Due("conclusion", "document", ("rule",), "no rule gives it in any case"),
    Due("conclusion", "answer", ("case",), "no case shows it"),
    Due("case", "document", ("conclusion",), "it shows no conclusion"),
    Due("property", "document", ("conclusion", "rule"), "it looks at nothing, and no reason is given", excused=True),
    Due("member", "answer", ("element",), "no place of the page shows it, and no reason is given", excused=True),
    Due("element", "document", ("member",), "it shows no member of a document, and no reason is given", excused=True),
)


@lru_cache(maxsize=2)
def trace(of: Subject) -> Trace:
    """A knowledge base without errors traced, by the proofs of its cases."""
    made = _Made(of)
    order = {key: place for place, key in enumerate(made.nodes)}
    links = sorted(made.links, key=lambda link: (order[link[0]], order[link[1]]))
    return Trace(tuple(made.nodes.values()), tuple(links))


class _Made:
    """A trace being made."""

    def __init__(self, of: Subject) -> None:
        self.of = of
        self.knowledge = of.usable
        self.nodes: dict[Key, Node] = {}
        self.links: dict[tuple[Key, Key], None] = {}
        self.noting: set[int] = set()  # the numbers of the rules that notes of some case rest on
        self.goals = catalogue(self.knowledge)
        for part in (self._sentences, self._statements, self._triples, self._rules, self._conclusions):
            part()
        self._cases()
        self._properties()
        self._shown()

    def _node(self, level: str, id_: str, text: str, span: Span, reason: str = "", at: Place = None) -> None:
        self.nodes.setdefault((level, id_), Node(level, id_, text, span, reason, at))

    def _link(self, one: Key, other: Key) -> None:
        if one in self.nodes and other in self.nodes:
            self.links.setdefault((one, other))

    def _sentences(self) -> None:
        triples, end = self.of.triples, 0
        for iri in self.of.segments:
            aside, text = triples.text(iri, CL + "outOfScope"), triples.text(iri, CL + "text")
            reason = "" if aside.strip().casefold() == NOT_READ else aside
            start = self.knowledge.source.text.find(text, end)
            end = start + len(text)
            self._node("sentence", Iri(iri).local, text, self.of.place(iri), reason, (start, end))

    def _statements(self) -> None:
        triples = self.of.triples
        accepted = {
            one.span: one.accepted for one in self.of.findings if one.code == "statement-without-rule" and one.accepted
        }
        warned = {id_ for caveat in self.knowledge.caveats for id_ in caveat.statements}
        for id_, one in self.of.verified.items():
            span = self.of.place(one.iri.value)
            reason = "it stands as a caveat with every answer" if id_ in warned else accepted.get(span, "")
            self._node("statement", id_, on_one_line(one.quote), span, reason, (one.start, one.end))
        for iri in self.of.segments:
            for said in triples.all(iri, CL + "encodedAs"):
                self._link(("sentence", Iri(iri).local), ("statement", Iri(str(said)).local))
        for id_, one in self.of.verified.items():
            for again in triples.all(one.iri.value, CL + "restates"):
                self._link(("statement", id_), ("statement", Iri(str(again)).local))

    def _triples(self) -> None:
        """What statements say, and what the encoder adds in a graph, each with the rules that read it."""
        said = frozenset(self.of.said)
        reading = _reading(self.knowledge.guarded.rules)
        for one in self.of.own:
            if not one.graph:
                continue
            id_ = self.of.written(one)
            who = "" if one.graph in said else self.of.vouches(one.graph)
            self._node("triple", id_, id_, self.of.where(one), f"added by {who}" if who else "")
            if one.graph in said:
                self._link(("statement", Iri(one.graph).local), ("triple", id_))
            self._reads[id_] = [
                rule.name
                for rule in reading.get(one.says, ())
                if _may_read(rule, one.says, one.predicate == TYPE, one.subject, one.value)
            ]

    @cached_property
    def _reads(self) -> dict[str, list[str]]:
        return {}

    def _rules(self) -> None:
        for rule in self.knowledge.guarded.rules:
            reason = f"convention: {rule.convention}" if rule.convention else ""
            if rule.through is not None and isinstance(spoken := rule.body[rule.through], Present):
                reason = f"speaks with the statements of {Iri(spoken.predicate).local}"
            self._node("rule", rule.name, rule.display or rule.doc or rule.convention, rule.span, reason)
            for id_ in rule.cites:
                self._link(("statement", id_), ("rule", rule.name))
        for id_, names in self._reads.items():
            for name in names:
                self._link(("triple", id_), ("rule", name))

    def _conclusions(self) -> None:
        by_head: dict[str, list[Rule]] = defaultdict(list)
        for rule in self.knowledge.program.rules:
            by_head[rule.predicate].append(rule)
        for id_, goal in self.goals.items():
            giving = by_head[goal.kind.predicate]
            chosen = next((rule for rule in giving if goal.value in constants(rule)), giving[0] if giving else None)
            self._node("conclusion", id_, _title(goal, self.of), chosen.span if chosen else Span("?"))
            if goal.kind.fields and isinstance(goal.value, Iri):
                self._details(id_, goal.value.value, goal.kind.fields)

    def _details(self, id_: str, step: str, names: Iterable[str]) -> None:
        """What is said of a step beside the rules leads to the answer as a detail of it."""
        fields = {str(one) for name in names for one in self.of.triples.all(step, CL + name)}
        for one in self.of.own:
            if one.graph and (one.subject in fields or (one.subject == step and str(one.value) in fields)):
                self._link(("triple", self.of.written(one)), ("conclusion", id_))

    def _cases(self) -> None:
        """What each case concludes, and every rule in the proof of it, or of what kept another rule from firing."""
        asking: dict[str, list[str]] = defaultdict(list)
        for rule in self.knowledge.program.rules:
            for name in {part.predicate for part in rule.body if isinstance(part, Absent)}:
                asking[name].append(rule.name)
        kept: dict[str, set[int]] = defaultdict(set)
        shown: dict[Key, set[str]] = defaultdict(set)
        proved: dict[str, set[int]] = defaultdict(set)
        cited: dict[str, dict[str, None]] = defaultdict(dict)
        for ran in self.of.ran:
            name = ran.file.stem
            if ran.answer is None:
                continue
            self._node("case", name, name.replace("-", " "), Span(shown_name(ran.file, self.of.folder)))
            rules = _Rules(ran.answer.run)
            for conclusion in ran.answer.conclusions:
                id_ = conclusion.id.partition("#")[0]
                shown["conclusion", id_].add(name)
                for statement in conclusion.statements:
                    cited[id_].setdefault(statement)
                proved[id_] |= rules.under(conclusion.atom)
            for predicate in asking:
                for atom in ran.answer.run.atoms(predicate):
                    kept[predicate] |= rules.under(atom)
            for predicate in self.knowledge.notes:
                for atom in ran.answer.run.atoms(predicate):
                    self.noting |= rules.under(atom)
        order = {id_: place for place, id_ in enumerate(self.goals)}
        for id_ in sorted(proved, key=lambda one: order.get(one, len(order))):
            for number in sorted(proved[id_]):
                self._link(("rule", self.knowledge.program.rules[number].name), ("conclusion", id_))
            for statement in cited[id_]:
                self._link(("statement", statement), ("conclusion", id_))
        for predicate, numbers in kept.items():
            for number in sorted(numbers):
                for name in asking[predicate]:
                    self._link(("rule", self.knowledge.program.rules[number].name), ("rule", name))
        for key, names in shown.items():
            for name in sorted(names):
                self._link(key, ("case", name))

    def _properties(self) -> None:
        """What each safety property looks at: the conclusions that its rules read."""
        own = [rule for rule in self.knowledge.guarded.rules if rule not in self.knowledge.program.rules]
        kinds = {kind.predicate: kind.name for kind in self.knowledge.kinds}
        kinds |= {kind.candidates: kind.name for kind in self.knowledge.kinds if kind.candidates}
        for one in self.knowledge.properties:
            self._node("property", one.id, one.text, self.of.place(one.iri.value), one.undecided)
            heads = {VIOLATION}
            rules = [r for r in own if r.predicate == VIOLATION and one.iri in constants(r)]
            for rule in rules:  # grows: the rules behind those
                for part in rule.body:
                    if isinstance(part, Present | Absent) and part.predicate not in heads:
                        heads.add(part.predicate)
                        rules += [r for r in own if r.predicate == part.predicate]
            for rule in rules:
                self._link(("rule", rule.name), ("property", one.id))
                for part in rule.body:
                    if isinstance(part, Present | Absent) and part.predicate in kinds:
                        value = part.args[1].value if isinstance(part.args[1], Constant) else None
                        for id_, goal in self.goals.items():
                            if goal.kind.name == kinds[part.predicate] and value in (None, goal.value):
                                self._link(("conclusion", id_), ("property", one.id))

    def _shown(self) -> None:
        """Each member of the documents of an answer, where the page shows it, and what receipts and logs keep of it."""
        places = members.elements()
        said = {name for names, _ in places.values() for pattern in names for name in members.named(pattern)}
        for name, (words, span) in members.members().items():
            self._node("member", name, words, span, "" if name in said else members.unshown(name))
        for number in sorted(self.noting):
            self._link(("rule", self.knowledge.program.rules[number].name), NOTES)
        for name in members.members():
            for one in members.kept(name):
                self._link(("member", one), ("member", name))
        for place, (names, span) in places.items():
            beside = [members.BESIDE[name] for name in names if name in members.BESIDE]
            self._node("element", place, " ".join(names), span, ", ".join(beside))
            for pattern in names:
                for name in members.named(pattern):
                    self._link(("member", name), ("element", place))


class _Rules:
    """The rules under facts of a run, by their numbers."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.known: dict[Atom, frozenset[int]] = {}

    def under(self, atom: Atom) -> frozenset[int]:
        """Every rule that fired for a fact or for anything that it rests on."""
        if atom not in self.known:
            numbers: set[int] = set()
            open_, seen = [atom], {atom}
            while open_:
                current = open_.pop()
                if current is not atom and current in self.known:
                    numbers |= self.known[current]
                    continue
                for firing in self.run.firings(current):
                    numbers.add(firing.number)
                    for premise in premises(firing):
                        if premise not in seen:
                            seen.add(premise)
                            open_.append(premise)
            self.known[atom] = frozenset(numbers)
        return self.known[atom]


def _reading(rules: Iterable[Rule]) -> Mapping[str, list[Rule]]:
    """The rules that read each predicate."""
    found: dict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        for name in {part.predicate for part in rule.body if isinstance(part, Present | Absent)}:
            found[name].append(rule)
    return found


def _may_read(rule: Rule, predicate: str, typed: bool, subject: str, value: Value) -> bool:
    """Whether a literal of a rule fits a triple: its constants are those of the triple."""
    given = (Iri(subject),) if typed else (Iri(subject), value)
    return any(
        all(not isinstance(arg, Constant) or arg.value == own for arg, own in zip(part.args, given, strict=False))
        for part in rule.body
        if isinstance(part, Present | Absent) and part.predicate == predicate
    )


def _title(goal: Goal, of: Subject) -> str:
    value = of.usable.terms.labels.get(goal.value, goal.value.local) if isinstance(goal.value, Iri) else str(goal.value)
    return f"{goal.kind.title}: {value}"
