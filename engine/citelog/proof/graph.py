"""The proof of one conclusion, as a graph: every premise, comparison, count, absence, statement and record in it.

An edge points from what is used to what uses it: fact → firing → fact. Nothing of a firing is left out:
each literal of its rule is a node, in the author's order. Shared sub-proofs are one node. The graph holds
every way in which the conclusion can be reached; `Proof.tree` walks the first of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from citelog.knowledge.base import Citation, Knowledge
from citelog.patient.case import Case
from citelog.proof.words import Words, number, sentence
from citelog.rules.program import Absent, Assignment, Comparison, Constant, Expression, Operation, Present, Variable
from citelog.run.result import Firing, Run, instance, value_of
from citelog.values import Atom, Iri, Value, show

if TYPE_CHECKING:
    import networkx as nx

FORMAT = "citelog-proof/1"


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a proof.

    `kind` is `conclusion`, `derived`, `recorded` (read from the patient's record), `stated` (by a
    statement), `added` (by the encoder), `given` (with the call), `firing`, `comparison`, `computation`
    or `absence`. `text` is its sentence; `details` what a machine needs to check it.
    """

    id: str
    kind: str
    text: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Proof:
    """The proof of one conclusion. `graph` has a `Node` at each node under the key `node`, and edges with `place`."""

    conclusion: str
    root: str
    graph: nx.DiGraph[str]

    def node(self, id_: str) -> Node:
        """The step of an id."""
        found: Node = self.graph.nodes[id_]["node"]
        return found

    def used_by(self, id_: str) -> tuple[Node, ...]:
        """What a step uses directly, in order."""
        edges: list[tuple[str, str, int]] = sorted(
            self.graph.in_edges(id_, data="place"), key=lambda edge: (edge[2], edge[0])
        )
        return tuple(self.node(source) for source, _, _ in edges)

    def to_dict(self) -> dict[str, Any]:
        """The proof document: the steps, each with the ids of what it uses."""
        order = list(self._order())
        return {
            "format": FORMAT,
            "conclusion": self.conclusion,
            "root": self.root,
            "steps": [
                {"id": n.id, "kind": n.kind, "text": n.text, **n.details, "uses": [u.id for u in self.used_by(n.id)]}
                for n in map(self.node, order)
            ],
        }

    def _order(self) -> Iterator[str]:
        """The root first, then what it uses, each step once."""
        seen, open_ = {self.root}, [self.root]
        while open_:
            current = open_.pop(0)
            yield current
            for used in self.used_by(current):
                if used.id not in seen:
                    seen.add(used.id)
                    open_.append(used.id)


def prove(conclusion: str, atom: Atom, knowledge: Knowledge, case: Case, run: Run, words: Words) -> Proof:
    """The proof of a conclusion that was reached."""
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    builder = _Builder(graph, knowledge, case, run, words)
    return Proof(conclusion, builder.fact(atom, "conclusion"), graph)


@dataclass(slots=True)
class _Builder:
    graph: Any
    knowledge: Knowledge
    case: Case
    run: Run
    words: Words

    def add(self, id_: str, kind: str, text: str, **details: Any) -> str:
        self.graph.add_node(id_, node=Node(id_, kind, text, details))
        return id_

    def use(self, used: str, by: str, place: int) -> None:
        if not self.graph.has_edge(used, by):
            self.graph.add_edge(used, by, place=place)

    def fact(self, atom: Atom, kind: str = "derived") -> str:
        """The node of a fact, with everything under it; a walk with its own stack, since proofs can be deep."""
        root = self.known(atom, kind)
        open_ = [atom]
        done: set[Atom] = set()
        while open_:
            current = open_.pop()
            if current in done:
                continue
            done.add(current)
            for place, firing in enumerate(self.well_founded(current)):
                node = self.firing(firing)
                self.use(node, self.name(current), place)
                for premise in self.premises(firing, node):
                    self.known(premise)
                    open_.append(premise)
        return root

    def well_founded(self, atom: Atom) -> Iterator[Firing]:
        """The firings of a fact that do not rest on the fact itself: in a recursion, those that came before it."""
        held = self.run.round(atom)
        for firing in self.run.firings(atom):
            if not held or all(self.run.round(p) < held for row in firing.rows for p in _positive(firing, row)):
                yield firing

    def name(self, atom: Atom) -> str:
        return f"{Iri(atom.predicate).local}({', '.join(show(a) for a in atom.args)})"

    def known(self, atom: Atom, kind: str = "derived") -> str:
        id_ = self.name(atom)
        if id_ in self.graph:
            return id_
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
        return self.add(id_, kind, text, **shown)

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
        if rule.aggregate:
            details["aggregate"] = {"function": rule.aggregate.function, "rows": len(firing.rows)}
        return self.add(f"{rule.name}[{shown}]", "firing", text, **details)

    def premises(self, firing: Firing, node: str) -> Iterator[Atom]:
        """Each literal of each row as a node used by the firing; the facts among them are walked by the caller."""
        place = 0
        for row in firing.rows:
            for literal in firing.rule.body:
                place += 1
                if isinstance(literal, Present):
                    atom = instance(literal, row)
                    self.use(self.known(atom), node, place)
                    yield atom
                elif isinstance(literal, Absent):
                    self.use(self.absent(literal, row), node, place)
                else:
                    self.use(self.compared(literal, row), node, place)

    def absent(self, literal: Absent, row: Mapping[str, Value]) -> str:
        atom = instance(literal, row)
        args: tuple[Value | None, ...] = atom.args
        shown = ", ".join("_" if a is None else show(a) for a in args)
        text = sentence(self.words.absence(atom.predicate, args)) + "."
        id_ = f"~{Iri(atom.predicate).local}({shown})"
        looked_for = {"predicate": atom.predicate, "args": [None if a is None else _data(a) for a in args]}
        return self.add(id_, "absence", text, looked_for=looked_for, assumed=literal.assumed)

    def compared(self, literal: Comparison | Assignment, row: Mapping[str, Value]) -> str:
        if isinstance(literal, Assignment):
            value = row[literal.variable]
            text = f"{self.spelt(literal.expression, row)} = {self.shown(value)}"
            shown = {"expression": _written(literal.expression), "value": _data(value)}
            if isinstance(literal.expression, Constant):
                shown["named"] = literal.variable  # the rule only gives a constant a name
            return self.add(f"= {text}", "computation", text + ".", **shown)
        left, right = value_of(literal.left, row), value_of(literal.right, row)
        sides = [self.spelt(side, row) for side in (literal.left, literal.right)]
        sign = literal.operator
        if isinstance(left, Iri):  # terms have no order: they are the same or not
            sides, sign = [f"“{side}”" for side in sides], {"=": "is", "!=": "is not"}[sign]
        text = f"{sides[0]} {sign} {sides[1]}"
        return self.add(
            f"? {text}",
            "comparison",
            text + ".",
            operator=literal.operator,
            left=None if left is None else _data(left),
            right=None if right is None else _data(right),
        )

    def spelt(self, expression: Expression, row: Mapping[str, Value]) -> str:
        """An expression with its values in place: 80 × 1000."""
        match expression:
            case Variable(name):
                return self.shown(row[name])
            case Constant(value):
                return self.shown(value)
            case Operation(operator, left, right):
                sign = {"*": "×", "-": "−", "/": "÷"}.get(operator, operator)
                parts = [
                    f"({self.spelt(side, row)})" if isinstance(side, Operation) else self.spelt(side, row)
                    for side in (left, right)
                ]
                return f"{parts[0]} {sign} {parts[1]}"

    def shown(self, value: Value) -> str:
        return self.words.value(value)


def _positive(firing: Firing, row: Mapping[str, Value]) -> Iterator[Atom]:
    return (instance(x, row) for x in firing.rule.body if isinstance(x, Present))


def _data(value: Value) -> Any:
    """A value as JSON that keeps its type: a term, number or date is an object, the rest itself."""
    from decimal import Decimal

    match value:
        case Iri():
            return {"term": value.value}
        case bool() | int() | str():
            return value
        case Decimal():
            return {"number": number(value)}
        case _:
            return {"date": value.isoformat()}


def _written(expression: Expression) -> str:
    match expression:
        case Variable(name):
            return f"?{name}"
        case Constant(value):
            return show(value)
        case Operation(operator, left, right):
            return f"({_written(left)} {operator} {_written(right)})"
