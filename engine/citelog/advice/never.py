"""Advice about rules that can fire for no patient: a literal that nothing matches, or limits with nothing between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set

from citelog.advice.contradictions import contradiction
from citelog.advice.given import Advice, Given
from citelog.advice.reach import Reach, fits, pattern_of
from citelog.patient.predicates import PREDICATES
from citelog.rules.program import (
    Aggregate,
    Assignment,
    Constant,
    Literal,
    Present,
    Rule,
    Variable,
)
from citelog.values import Atom, Iri, Value
from citelog.vocab import CL

CODES: Mapping[str, str] = {
    "rule-never-fires": "a rule that can fire for no patient",
}

SHOWN = 8
"""Values that a place can have and that are told; of more, none is."""


def dead(given: Given, reach: Reach) -> Iterator[Advice]:
    """Rules with a literal that nothing can match, or with comparisons that cannot all hold.

    Those that only rest on another such rule are counted there: they come alive with it.
    """
    worlds = _Values(given, reach)
    found: list[tuple[Rule, Literal | None, str]] = []
    resting: list[Rule] = []
    for rule in given.rules:
        wrong = [(x, why) for x in rule.body if isinstance(x, Present) and (why := worlds.impossible(rule, x))]
        if own := [(x, why) for x, why in wrong if not worlds.rests_on_dead(x)]:
            found.append((rule, *own[0]))
        elif wrong:
            resting.append(rule)
        elif why := contradiction(given, reach, rule):
            found.append((rule, None, why))
    for rule, literal, why in found:
        below = reach.cone(literal.predicate) if isinstance(literal, Present) else frozenset()
        if any(root.name in below for root, _, _ in found if root is not rule):
            continue
        others = sum(rule.name in reach.cone(other.predicate) for other in resting)
        also = f"; nor {counted(others)} on it" if others else ""
        hint = "correct the name, the value or the comparison; or remove the rule"
        message = f"rule {rule.name} never fires{also}: {why}"
        yield Advice("rule-never-fires", (rule.name,), given.rule(rule, literal), message, hint)


def counted(others: int) -> str:
    """How many rules rest on something."""
    return "does a rule that rests" if others == 1 else f"do {others} rules that rest"


NOTHING: frozenset[Value] = frozenset()


class _Values:
    """Which terms can stand at each place of each predicate; None where that is not known."""

    def __init__(self, given: Given, reach: Reach) -> None:
        self.given, self.reach = given, reach
        self.fixed: dict[tuple[str, int], frozenset[Value] | None] = {}
        self.derived: dict[tuple[str, int], set[Value] | None] = {}
        self.alive: set[str] = set()
        self._settle()

    def place(self, predicate: str, number: int) -> Set[Value] | None:
        """The values that can stand at a place."""
        if self.given.knowledge.program.predicates[predicate].layer == "derived":
            return self.derived.get((predicate, number), NOTHING)
        if (predicate, number) not in self.fixed:
            self.fixed[predicate, number] = self._fixed(predicate, number)
        return self.fixed[predicate, number]

    def _fixed(self, predicate: str, number: int) -> frozenset[Value] | None:
        """What the document, or a record, can give at a place."""
        declared = self.given.knowledge.program.predicates[predicate]
        if declared.layer == "knowledge":
            return frozenset(atom.args[number] for atom in self.reach.facts.get(predicate, ()))
        said = PREDICATES.get(predicate)
        classes = said.terms.get(declared.arguments[number].name) if said else None
        if classes is None:
            return None
        return frozenset(Iri(s) for name in classes for s in self.given.triples.instances(CL + name))

    def _settle(self) -> None:
        """From below: what rules give, until nothing new is given."""
        rules = [rule for c in self._components() for rule in c]
        changed = True
        while changed:
            changed = False
            for rule in rules:
                if any(isinstance(x, Present) and self.impossible(rule, x) for x in rule.body):
                    continue
                changed |= rule.name not in self.alive
                self.alive.add(rule.name)
                for number, arg in enumerate(rule.args):
                    changed |= self._add((rule.predicate, number), self._given(rule, arg))

    def _add(self, key: tuple[str, int], new: Set[Value] | None) -> bool:
        """Let more values stand at a place; whether any of them is new."""
        old = self.derived.setdefault(key, set())
        if old is None:
            return False
        if new is None:
            self.derived[key] = None
            return True
        size = len(old)
        old |= new
        return len(old) > size

    def _components(self) -> list[list[Rule]]:
        program = self.given.knowledge.program
        return [[program.rules[i] for i in c.rules] for c in (*program.fixed, *program.open)]

    def _given(self, rule: Rule, arg: Variable | Constant | Aggregate) -> Set[Value] | None:
        if isinstance(arg, Constant):
            return frozenset({arg.value})
        if isinstance(arg, Aggregate):
            return None
        return self._variable(rule, arg.name)

    def _variable(self, rule: Rule, name: str) -> Set[Value] | None:
        """The values that a variable of a rule can have: those that every literal which binds it allows."""
        allowed: Set[Value] | None = None
        for literal in rule.body:
            if isinstance(literal, Present):
                for number, arg in enumerate(literal.args):
                    if arg == Variable(name) and (here := self.place(literal.predicate, number)) is not None:
                        allowed = here if allowed is None else allowed & here
            elif isinstance(literal, Assignment) and literal.variable == name:
                if not isinstance(literal.expression, Constant):
                    return None
                here = frozenset({literal.expression.value})
                allowed = here if allowed is None else allowed & here
        return allowed

    def impossible(self, rule: Rule, literal: Present) -> str:
        """Why nothing can match a literal; empty where something can."""
        name = Iri(literal.predicate).local
        declared = self.given.knowledge.program.predicates[literal.predicate]
        if declared.layer == "knowledge":
            pattern = pattern_of(literal, {})
            assert pattern is not None
            facts = self.reach.facts.get(literal.predicate, ())
            if not any(fits(pattern, atom.args) for atom in facts):
                return f"no statement and no term says {name}({self._shown(literal)}){self._said_of(literal, facts)}"
        elif declared.layer == "derived" and not any(True for _ in self._giving(literal)):
            return f"no rule gives {name}({self._shown(literal)}){self._instead(literal)}"
        for number, arg in enumerate(literal.args):
            allowed = self.place(literal.predicate, number)
            if allowed is None:
                continue
            if isinstance(arg, Constant) and arg.value not in allowed:
                wrong = self._written(arg.value)
                return f"{wrong} is no {declared.arguments[number].name} that {name} can have{self._instead(literal)}"
            if isinstance(arg, Variable) and not arg.name.startswith("_"):
                both = self._variable(rule, arg.name)
                if both is not None and not both and allowed:
                    return f"nothing that {name} gives as ?{arg.name} can stand in the other places of ?{arg.name}"
        return ""

    def _said_of(self, literal: Present, facts: Iterable[Atom]) -> str:
        """What else it is said of, where that is little: one of them may be misspelt."""
        others = sorted({self._written(atom.args[0]) for atom in facts})
        few = isinstance(literal.args[0], Constant) and 0 < len(others) <= SHOWN
        return f"; it is said of {', '.join(others)}" if few else ""

    def _instead(self, literal: Present) -> str:
        """The values that could stand in place of the first constant that cannot, where they are few."""
        for number, arg in enumerate(literal.args):
            allowed = self.place(literal.predicate, number)
            if isinstance(arg, Constant) and allowed and arg.value not in allowed and len(allowed) <= SHOWN:
                return f"; it can be {', '.join(sorted(self._written(value) for value in allowed))}"
        return ""

    def _written(self, value: Value) -> str:
        return self.given.triples.written(value.value) if isinstance(value, Iri) else str(value)

    def rests_on_dead(self, literal: Present) -> bool:
        """Whether a rule would give what a literal asks for, if it could fire itself."""
        pattern = pattern_of(literal, {})
        assert pattern is not None
        return any(rule.name not in self.alive for rule, _ in self.reach.giving(pattern))

    def _giving(self, literal: Present) -> Iterator[Rule]:
        pattern = pattern_of(literal, {})
        assert pattern is not None
        for rule, _ in self.reach.giving(pattern):
            if rule.name in self.alive:
                yield rule

    def _shown(self, literal: Present) -> str:
        parts = []
        for arg in literal.args:
            if isinstance(arg, Constant):
                parts.append(self._written(arg.value))
            else:
                parts.append("_" if arg.name.startswith("_") else f"?{arg.name}")
        return ", ".join(parts)
