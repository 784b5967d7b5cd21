"""A knowledge base traced: every link found, by its files, its rules and the proofs of its cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from citelog.advice.statements import NOT_READ
from citelog.audit import members
from citelog.audit.subject import Subject
from citelog.audit.trace import Key, Node, Place, Trace
from citelog.diagnostics import Span
from citelog.evidence.sources import on_one_line
from citelog.explain.catalogue import Goal, catalogue
from citelog.knowledge.files import shown_name
from citelog.knowledge.lookup import constants
from citelog.knowledge.properties import VIOLATION
from citelog.knowledge.triples import TYPE
from citelog.proof.support import premises
from citelog.rules.program import Absent, Constant, Present, Rule
from citelog.run.result import Run
from citelog.values import Atom, Iri, Value
from citelog.vocab import CL

NOTES: Key = ("member", "assessment.notes[].text")
"""What the rules lead to that say what is noted of a record."""


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
        self.reading: dict[str, list[str]] = {}  # by each triple, the names of the rules that may read it
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
            self.reading[id_] = [
                rule.name
                for rule in reading.get(one.says, ())
                if _may_read(rule, one.says, one.predicate == TYPE, one.subject, one.value)
            ]

    def _rules(self) -> None:
        for rule in self.knowledge.guarded.rules:
            reason = f"convention: {rule.convention}" if rule.convention else ""
            if rule.through is not None and isinstance(spoken := rule.body[rule.through], Present):
                reason = f"speaks with the statements of {Iri(spoken.predicate).local}"
            self._node("rule", rule.name, rule.display or rule.doc or rule.convention, rule.span, reason)
            for id_ in rule.cites:
                self._link(("statement", id_), ("rule", rule.name))
        for id_, names in self.reading.items():
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
        proving: dict[Key, set[int]] = defaultdict(set)
        keeping: dict[str, set[int]] = defaultdict(set)
        for ran in self.of.ran:
            if ran.answer is None:
                continue
            case, run = ran.file.stem, ran.answer.run
            self._node("case", case, case.replace("-", " "), Span(shown_name(ran.file, self.of.folder)))
            rules = _Rules(run)
            for conclusion in ran.answer.conclusions:
                key = ("conclusion", conclusion.id.partition("#")[0])
                self._link(key, ("case", case))
                for statement in conclusion.statements:
                    self._link(("statement", statement), key)
                proving[key] |= rules.under(conclusion.atom)
            for predicate in asking:
                keeping[predicate] |= rules.under_all(predicate)
            for predicate in self.knowledge.notes:
                self.noting |= rules.under_all(predicate)
        for key, numbers in proving.items():
            for number in numbers:
                self._link(self._rule(number), key)
        for predicate, numbers in keeping.items():
            for number in numbers:
                for name in asking[predicate]:
                    self._link(self._rule(number), ("rule", name))

    def _rule(self, number: int) -> Key:
        return "rule", self.knowledge.program.rules[number].name

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
            self._link(self._rule(number), NOTES)
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

    def under_all(self, predicate: str) -> frozenset[int]:
        """Every rule that fired for any fact of a predicate, or for anything that it rests on."""
        return frozenset[int]().union(*map(self.under, self.run.atoms(predicate)))

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
