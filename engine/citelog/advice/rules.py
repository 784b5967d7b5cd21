"""Advice about rules that change nothing: those that another holds for as well, and those that can never fire."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Set
from decimal import Decimal
from itertools import product

from citelog.advice.given import Advice, Given
from citelog.advice.reach import Pattern, Reach, pattern_of
from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Comparison,
    Constant,
    Expression,
    Literal,
    Operation,
    Present,
    Rule,
    Variable,
    variables,
)
from citelog.values import Iri, Value
from citelog.vocab import CL

CODES: Mapping[str, str] = {
    "rule-subsumed": "a rule that adds nothing: another gives the same conclusion wherever it fires",
    "rule-never-fires": "a rule that can fire for no patient",
}


# rules that another holds for as well


def subsumed(given: Given, _: Reach) -> Iterator[Advice]:
    """Rules whose conclusion another gives under fewer conditions, and that add neither words nor statements to it."""
    rules = given.rules
    having: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for i, rule in enumerate(rules):
        for key in {key for literal in rule.body for key in _keys(literal)}:
            having[key].append(i)
    for j, wide in enumerate(rules):
        keys = [key for literal in wide.body for key in _keys(literal)]
        if not keys or wide.aggregate:
            continue
        for i in min((having[key] for key in keys), key=len):  # a rule that it covers has each of them
            narrow = rules[i]
            if i == j or narrow.predicate != wide.predicate or narrow.aggregate:
                continue
            own_words = narrow.display and narrow.display != wide.display
            if own_words or not set(narrow.cites) <= set(wide.cites) or not _covers(wide, narrow):
                continue
            if j > i and _covers(narrow, wide):
                continue  # they say the same, and the later one is told
            message = f"rule {narrow.name} adds nothing: {wide.name} gives the same under fewer conditions"
            hint = f"remove it, or say why it is there: %%% @accept rule-subsumed: … (the other is {wide.span})"
            yield Advice("rule-subsumed", (narrow.name,), given.rule(narrow), message, hint)


def _keys(literal: Literal) -> Iterator[tuple[object, ...]]:
    """What another literal must have to be covered by this one: its predicate, and its constants at their places."""
    if isinstance(literal, Present):
        yield (literal.predicate,)
        for number, arg in enumerate(literal.args):
            if isinstance(arg, Constant):
                yield literal.predicate, number, type(arg.value), arg.value


def _covers(wide: Rule, narrow: Rule) -> bool:
    """Whether the wide rule fires, with the same conclusion, wherever the narrow one does: theta-subsumption."""
    bound: dict[str, Variable | Constant] = {}
    if not all(_match(a, b, bound) for a, b in zip(wide.args, narrow.args, strict=True)):
        return False
    return _embeds(list(wide.body), narrow.body, bound)


def _embeds(left: list[Literal], body: tuple[Literal, ...], bound: dict[str, Variable | Constant]) -> bool:
    if not left:
        return True
    first, *rest = left
    for literal in body:
        tried = dict(bound)
        if _same(first, literal, tried) and _embeds(rest, body, tried):
            return True
    return False


def _same(wide: Literal, narrow: Literal, bound: dict[str, Variable | Constant]) -> bool:
    if isinstance(wide, Present | Absent):
        return (
            type(wide) is type(narrow)
            and isinstance(narrow, Present | Absent)
            and wide.predicate == narrow.predicate
            and all(_match(a, b, bound) for a, b in zip(wide.args, narrow.args, strict=True))
        )
    if isinstance(wide, Comparison) and isinstance(narrow, Comparison):
        return wide.operator == narrow.operator and all(
            _match(a, b, bound) for a, b in ((wide.left, narrow.left), (wide.right, narrow.right))
        )
    if isinstance(wide, Assignment) and isinstance(narrow, Assignment):
        return _match(Variable(wide.variable), Variable(narrow.variable), bound) and _match(
            wide.expression, narrow.expression, bound
        )
    return False


def _match(wide: Expression | Aggregate, narrow: Expression | Aggregate, bound: dict[str, Variable | Constant]) -> bool:
    match wide, narrow:
        case Variable(name), Variable() | Constant():
            return bound.setdefault(name, narrow) == narrow
        case Constant(), Constant():
            return wide == narrow
        case Operation(), Operation():
            return (
                wide.operator == narrow.operator
                and _match(wide.left, narrow.left, bound)
                and _match(wide.right, narrow.right, bound)
            )
        case _:
            return False


# rules that can never fire


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
        elif why := _contradiction(given, reach, rule):
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


KINDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("entry", "name"): ("Finding", "Condition"),
    ("entry", "state"): ("State",),
    ("result", "analyte"): ("Analyte",),
    ("result_unit", "unit"): ("Unit",),
    ("result_bound", "sign"): ("Sign",),
    ("result_flag", "flag"): ("Flag",),
    ("medication", "drug"): ("Drug",),
    ("medication_status", "status"): ("MedicationStatus",),
    ("medication_route", "route"): ("Route",),
    ("medication_course", "course"): ("Course",),
    ("medication_frequency", "unit"): ("TimeUnit",),
    ("preference", "topic"): ("Topic",),
    ("preference", "choice"): ("Choice", "Route"),
    ("sex", "sex"): ("Sex",),
}
"""What kind of term a record can give at a place of a predicate."""


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
        classes = KINDS.get((predicate, declared.arguments[number].name))
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
            if not any(_fits(pattern, atom.args) for atom in facts):
                return f"no statement and no term says {name}({self._shown(literal)})"
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


def _fits(pattern: Pattern, args: tuple[Value, ...]) -> bool:
    return all(wanted is None or wanted == value for wanted, value in zip(pattern.args, args, strict=True))


# comparisons that cannot all hold

_NOT_BOTH = {
    ("<", ">"), ("<", ">="), ("<", "="), ("<=", ">"), (">", "="), ("=", "!="),
}  # fmt: skip
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
SHOWN = 8
"""Values that a place can have and that are told; of more, none is."""
MOST = 500
"""Ways to read the document's numbers that are tried; with more, nothing is said."""


def _contradiction(given: Given, reach: Reach, rule: Rule) -> str:
    """Why the comparisons of a rule, or a literal and its absence, cannot all hold; empty where they can."""
    present = {(x.predicate, x.args) for x in rule.body if isinstance(x, Present)}
    for literal in rule.body:
        if isinstance(literal, Absent) and (literal.predicate, literal.args) in present:
            return f"it asks for {Iri(literal.predicate).local} and for its absence"
    compared = [x for x in rule.body if isinstance(x, Comparison)]
    signs: dict[tuple[Expression, Expression], str] = {}
    for one in compared:
        if one.left == one.right and one.operator in ("<", ">", "!="):
            return f"nothing is {one.operator} itself"
        for key, sign in (((one.left, one.right), one.operator), ((one.right, one.left), _TURNED[one.operator])):
            if key in signs and ((signs[key], sign) in _NOT_BOTH or (sign, signs[key]) in _NOT_BOTH):
                return "two of its comparisons cannot both hold"
        signs[one.left, one.right] = one.operator
        signs[one.right, one.left] = _TURNED[one.operator]
    return _empty_span(given, reach, rule, compared)


def _empty_span(given: Given, reach: Reach, rule: Rule, compared: list[Comparison]) -> str:
    """Whether the document's own numbers leave no value between the limits of a rule."""
    layers = given.knowledge.program.predicates
    read = [x for x in rule.body if isinstance(x, Present) and layers[x.predicate].layer == "knowledge"]
    measured = {
        name
        for x in rule.body
        if isinstance(x, Present) and layers[x.predicate].layer != "knowledge"
        for name in variables(x)
    }
    bounded = [c for c in compared if _side(c, measured) is not None]
    if len(bounded) < 2 or not read:
        return ""
    ways = 0
    for bindings in _joined(reach, read, {}):
        ways += 1
        if ways > MOST:
            return ""
        spans: dict[str, list[tuple[str, Decimal]]] = defaultdict(list)
        for comparison in bounded:
            side = _side(comparison, measured)
            assert side is not None
            name, sign, other = side
            value = bindings.get(other.name) if isinstance(other, Variable) else None
            if isinstance(value, Decimal | int):
                spans[name].append((sign, Decimal(value)))
        if all(_open(limits) for limits in spans.values()):
            return ""
    return "no value lies between its limits, as the document gives them" if ways else ""


def _side(comparison: Comparison, measured: set[str]) -> tuple[str, str, Expression] | None:
    """A comparison as what is measured, the sign, and its limit; None where it compares something else."""
    for one, other, sign in (
        (comparison.left, comparison.right, comparison.operator),
        (comparison.right, comparison.left, _TURNED[comparison.operator]),
    ):
        if not isinstance(one, Variable) or not isinstance(other, Variable) or sign == "!=":
            continue
        if one.name in measured and other.name not in measured:
            return one.name, sign, other
    return None


def _joined(reach: Reach, read: list[Present], bound: Mapping[str, Value]) -> Iterator[Mapping[str, Value]]:
    """Every way in which the document's facts match some literals together."""
    if not read:
        yield bound
        return
    first, *rest = read
    for atom in reach.facts.get(first.predicate, ()):
        made = dict(bound)
        for arg, value in zip(first.args, atom.args, strict=True):
            if (arg.value if isinstance(arg, Constant) else made.setdefault(arg.name, value)) != value:
                break
        else:
            yield from _joined(reach, rest, made)


def _open(limits: list[tuple[str, Decimal]]) -> bool:
    """Whether some value keeps all limits."""
    return not any(
        (low_sign in (">", ">=", "=") and high_sign in ("<", "<=", "="))
        and (low > high or (low == high and (low_sign == ">" or high_sign == "<")))
        for (low_sign, low), (high_sign, high) in product(limits, repeat=2)
    )
