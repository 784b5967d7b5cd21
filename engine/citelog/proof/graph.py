"""The proof of one conclusion, as a graph: every premise, comparison, count, absence, statement and record in it.

An edge points from what is used to what uses it: fact → firing → fact. Nothing of a firing is left out:
each literal of its rule is a step, in the author's order. A sub-proof is one step wherever it is used, also
by the proofs of other conclusions. The graph holds every way in which a conclusion can be reached,
but none that comes back to what it is to be a reason for (`well_founded`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from citelog.knowledge.base import Citation, Knowledge
from citelog.patient.case import Case
from citelog.proof.support import passed_through, whose
from citelog.proof.words import Words, number, sentence
from citelog.rules.program import Absent, Assignment, Comparison, Constant, Expression, Operation, Present, Variable
from citelog.run.result import Firing, Run, instance, value_of, well_founded
from citelog.values import Atom, Iri, Value, show

if TYPE_CHECKING:
    import networkx as nx

FORMAT = "citelog-proof/1"

_walking = threading.Lock()  # several threads may ask one answer; whoever finds a step must find it whole


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a proof.

    `kind` is `conclusion`, `derived`, `recorded` (read from the patient's record), `stated` (by a
    statement), `added` (by the encoder), `given` (with the call), `firing`, `comparison`, `computation`
    or `absence`. `text` is its sentence; `details` what a machine needs to check it. A computation that reckons
    nothing, because it only gives a value a name or leaves a number as it was, says so in a sentence of its own,
    `idle`, which is for people and stands in no document.
    """

    id: str
    kind: str
    text: str
    details: Mapping[str, Any]
    idle: str = ""


@dataclass(frozen=True)
class Proof:
    """The proof of one conclusion: the steps under its root, in a graph that all proofs of an assessment share."""

    conclusion: str
    root: str
    steps: Steps = field(repr=False, compare=False)

    def node(self, id_: str) -> Node:
        """The step of an id."""
        node = self.steps.nodes[id_]
        return replace(node, kind="conclusion") if id_ == self.root else node

    def used_by(self, id_: str) -> tuple[Node, ...]:
        """What a step uses directly, in order."""
        return tuple(map(self.node, self.steps.uses.get(id_, ())))

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The ids of all steps: the root first, then what it uses, each once."""
        seen = {self.root: None}
        open_ = [self.root]
        for current in open_:
            for used in self.steps.uses.get(current, ()):
                if used not in seen:
                    seen[used] = None
                    open_.append(used)
        return tuple(seen)

    def shortest(self, root: bool = True) -> Proof:
        """The proof with one firing for each fact, the one that the fewest steps stand under, the first of equals.

        Without `root`, all firings of the conclusion itself are kept, and of what its words are passed through from.
        """
        import networkx as nx

        whole = frozenset() if root else self._own
        sizes: dict[str, int] = {}
        uses: dict[str, tuple[str, ...]] = {}
        for id_ in nx.topological_sort(self.graph):
            below = self.steps.uses.get(id_, ())
            if below and self.node(id_).kind in ("derived", "conclusion") and id_ not in whole:
                below = (min(below, key=lambda firing: sizes[firing]),)
            uses[id_] = below
            sizes[id_] = 1 + sum(sizes[used] for used in below)
        return Proof(self.conclusion, self.root, replace(self.steps, uses=uses))

    @property
    def _own(self) -> frozenset[str]:
        """The steps whose words are those of the conclusion: itself, and what its rules pass through."""
        atoms = [atom for atom, id_ in self.steps.names.items() if id_ == self.root]
        for atom in atoms:  # grows
            atoms += [one for one in passed_through(self.steps.run, atom) if one not in atoms]
        return frozenset(self.steps.names[atom] for atom in atoms if atom in self.steps.names)

    @cached_property
    def graph(self) -> nx.DiGraph[str]:
        """The steps for graph algorithms: a `Node` at each node under the key `node`, and edges with `place`."""
        import networkx as nx

        graph: nx.DiGraph[str] = nx.DiGraph()
        for id_ in self.order:
            graph.add_node(id_, node=self.node(id_))
        for id_ in self.order:
            for place, used in enumerate(self.steps.uses.get(id_, ())):
                graph.add_edge(used, id_, place=place)
        return graph

    def to_dict(self) -> dict[str, Any]:
        """The proof document: whose proof it is, and the steps, each with the ids of what it uses."""
        return {
            "format": FORMAT,
            **whose(self.steps.case, self.steps.knowledge),
            "conclusion": self.conclusion,
            "root": self.root,
            "steps": [self.steps.to_dict(self.node(id_)) for id_ in self.order],
        }


@dataclass(slots=True)
class Steps:
    """The steps of all proofs of one run, each made once, when the first proof that has it is asked for."""

    knowledge: Knowledge
    case: Case
    run: Run
    words: Words
    nodes: dict[str, Node] = field(default_factory=dict)
    uses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    names: dict[Atom, str] = field(default_factory=dict)
    meant: dict[str, object] = field(default_factory=dict)

    def prove(self, conclusion: str, atom: Atom) -> Proof:
        """The proof of a fact that holds, as that of a conclusion."""
        with _walking:
            return Proof(conclusion, self.fact(atom), self)

    def to_dict(self, node: Node) -> dict[str, Any]:
        """A step as data."""
        uses = list(self.uses.get(node.id, ()))
        return {"id": node.id, "kind": node.kind, "text": node.text, **node.details, "uses": uses}

    def add(self, id_: str, kind: str, text: str, idle: str = "", /, **details: Any) -> str:
        self.nodes[id_] = Node(id_, kind, text, details, idle)
        return id_

    def named(self, id_: str, meant: object) -> str:
        """An id that only this step has: ids are spelt for people, and two things can be spelt alike.

        1, 1.0, true and "1" never meet: each place of a predicate, and each variable of a rule, has one type.
        """
        candidate, count = id_, 1
        while self.meant.setdefault(candidate, meant) != meant:
            count += 1
            candidate = f"{id_} ({count})"
        return candidate

    def fact(self, atom: Atom) -> str:
        """The step of a fact, with everything under it; a walk with its own stack, since proofs can be deep."""
        root = self.known(atom)
        open_ = [atom]
        while open_:
            current = open_.pop()
            name = self.known(current)
            if name in self.uses:
                continue
            found = []
            for firing in well_founded(self.run, current):
                node = self.firing(firing)
                found.append(node)
                if node not in self.uses:
                    used: dict[str, None] = {}
                    open_ += self.premises(firing, used)
                    self.uses[node] = tuple(used)
            self.uses[name] = tuple(found)
        return root

    def known(self, atom: Atom) -> str:
        if atom in self.names:
            return self.names[atom]
        shown_as = f"{Iri(atom.predicate).local}({', '.join(show(a) for a in atom.args)})"
        id_ = self.names[atom] = self.named(shown_as, atom)
        shown: dict[str, Any] = {"predicate": atom.predicate, "args": [_data(a) for a in atom.args]}
        text = sentence(self.words.fact(atom)) + "."
        if self.run.is_given(atom):
            record = self.run.record(atom)
            entries = next((r.entries for r in self.case.records if r.iri == record), ())
            if not entries:
                return self.add(id_, "given", text, **shown)
            shown |= {"facts": [e.id for e in entries], "read_from": [e.read_from for e in entries]}
            shown["entry"] = entries[0].sentence
            return self.add(id_, "recorded", text, **shown)
        statements = self.run.statements(atom)
        if statements is not None:
            shown |= {"statements": list(statements), "citations": [self.citation(s) for s in statements]}
            return self.add(id_, "stated" if statements else "added", text, **shown)
        return self.add(id_, "derived", text, **shown)

    def citation(self, statement: str) -> dict[str, Any]:
        return Citation.of(self.knowledge.statements[statement]).to_dict()

    def firing(self, firing: Firing) -> str:
        rule = firing.rule
        bindings = [{v: _data(value) for v, value in row.items()} for row in firing.rows]
        shown = "; ".join(", ".join(f"?{v} = {show(value)}" for v, value in row.items()) for row in firing.rows)
        text = self.words.firing(firing) or sentence(self.words.fact(firing.conclusion)) + "."
        details: dict[str, Any] = {
            "rule": rule.name,
            "doc": rule.doc,
            "file": rule.span.file,
            "line": rule.span.line,
            "rule_text": rule.text,
            "bindings": bindings,
            "statements": list(rule.cites),
            "citations": [self.citation(s) for s in rule.cites],
        }
        if rule.convention:
            details["convention"] = rule.convention
        if rule.muted:
            details["muted"] = True
        if rule.aggregate:
            details["aggregate"] = {"function": rule.aggregate.function, "rows": len(firing.rows)}
        meant = (rule.name, firing.rows)
        return self.add(self.named(f"{rule.name}[{shown}]", meant), "firing", text, **details)

    def premises(self, firing: Firing, used: dict[str, None]) -> Iterator[Atom]:
        """Each literal of each row as a step used by the firing; the facts among them are walked by the caller."""
        for row in firing.rows:
            for literal in firing.rule.body:
                if isinstance(literal, Present):
                    atom = instance(literal, row)
                    used[self.known(atom)] = None
                    yield atom
                elif isinstance(literal, Absent):
                    used[self.absent(literal, row)] = None
                else:
                    used[self.compared(literal, row)] = None

    def absent(self, literal: Absent, row: Mapping[str, Value]) -> str:
        atom = instance(literal, row)
        args: tuple[Value | None, ...] = atom.args
        shown = ", ".join("_" if a is None else show(a) for a in args)
        text = sentence(self.words.absence(atom.predicate, args)) + "."
        id_ = self.named(f"~{Iri(atom.predicate).local}({shown})", (atom, literal.assumed))
        looked_for = {"predicate": atom.predicate, "args": [_data(a) for a in args]}
        return self.add(id_, "absence", text, looked_for=looked_for, assumed=literal.assumed)

    def compared(self, literal: Comparison | Assignment, row: Mapping[str, Value]) -> str:
        if isinstance(literal, Assignment):
            value = row[literal.variable]
            text, idle = self.words.computation(literal, row), ""
            shown = {"expression": _written(literal.expression), "value": _data(value)}
            if isinstance(literal.expression, Constant):
                shown["named"] = literal.variable  # the rule only gives a constant a name
                idle = f"?{literal.variable} is {self.words.value(value)}."
            elif _is_times_one(literal.expression, row):
                idle = f"{text}."
            id_ = self.named(f"= {text}", shown)
            return self.add(id_, "computation", f"{text}.", idle, **shown)
        text = self.words.comparison(literal, row)
        left, right = (_data(value_of(side, row)) for side in (literal.left, literal.right))
        compared = {"operator": literal.operator, "left": left, "right": right}
        return self.add(self.named(f"? {text}", compared), "comparison", text + ".", **compared)


def _is_times_one(expression: Expression, row: Mapping[str, Value]) -> bool:
    """Whether an expression is a number as it stands, multiplied by one."""
    if not isinstance(expression, Operation) or expression.operator != "*":
        return False
    plain = not isinstance(expression.left, Operation) and not isinstance(expression.right, Operation)
    return plain and value_of(expression.right, row) == 1


def _data(value: Value | None) -> Any:
    """A value as JSON that keeps its type: a term, number or date is an object, the rest itself; null for any value."""
    from decimal import Decimal

    match value:
        case Iri():
            return {"term": value.value}
        case None | bool() | int() | str():
            return value
        case Decimal():
            return {"number": number(value)}
        case _:
            return {"date": value.isoformat()}


def _written(expression: Expression) -> str:
    match expression:
        case Variable(name):
            return f"?{name}"
        case Operation(operator, left, right):
            return f"({_written(left)} {operator} {_written(right)})"
        case _:
            return show(expression.value)
