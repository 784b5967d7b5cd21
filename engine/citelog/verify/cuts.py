"""Where the rules cut numbers and days: every limit that a comparison can ever ask about.

All rules are run once on a record of which everything is possible at once: each family has one entry that says all that
an entry of it can say, with its numbers left open; what is negated is taken to be absent, and every comparison to hold.
So each comparison that any patient's record can lead to is met here, with its limits. Rules whose comparisons have no
such limits, because they set two entries of a record against each other, are refused by name (UndecidedError).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from citelog.rules.program import (
    Absent,
    Aggregate,
    Assignment,
    Comparison,
    Component,
    Constant,
    Expression,
    Operation,
    Predicate,
    Present,
    Program,
    Rule,
    Variable,
    variables,
)
from citelog.run import arithmetic
from citelog.run.arithmetic import compare
from citelog.values import Atom
from citelog.verify.matching import Bindings, Tables, matches
from citelog.verify.unknowns import ANY, Any_, Line, Open, UndecidedError, Unknown, check_countable, evaluate, line

Source = tuple[str, str, int]
"""Where an unknown stands: its family, and the predicate and place that give it."""


@dataclass(slots=True)
class Cuts:
    """The limits of each number and of the days of each family; the ratios of two numbers of one entry."""

    limits: dict[Source, set[Fraction]] = field(default_factory=dict)
    days: dict[str, set[Fraction]] = field(default_factory=dict)
    ratios: dict[tuple[Source, Source], set[Fraction]] = field(default_factory=dict)
    latest: dict[str, set[str]] = field(default_factory=dict)
    """For each computed day (the latest of some), the families whose days are compared with it or are among it."""

    def clock(self, family: str) -> tuple[int, frozenset[Fraction]]:
        """How many computed days the days of a family are ordered with, directly or by way of others; their limits."""
        families, names = {family}, set[str]()
        while True:
            more = {name for name, members in self.latest.items() if members & families}
            families |= {f for name in more for f in self.latest[name]}
            if more == names:
                break
            names = more
        return len(names), frozenset(limit for family in families for limit in self.days.get(family, ()))


def cuts(program: Program, knowledge: Tables, given: Iterable[tuple[str, Atom]]) -> Cuts:
    """Run all rules on facts left open; `given` are the facts of each family, numbers and days to be left open.

    Raises UndecidedError, naming the rule, where a comparison is about more than one entry.
    """
    found = Cuts()
    tables = knowledge.copy()
    for family, atom in given:
        tables.add(atom.predicate, _opened(family, atom, program.predicates[atom.predicate]))
    for rule in program.rules:
        with_name(rule, lambda rule=rule: check_apart(rule, program.predicates))
    for component in program.open:
        _solve(program, component, tables, found)
    return found


def with_name(rule: Rule, work: Any) -> None:
    """Do something, naming the rule in what is undecided."""
    try:
        work()
    except UndecidedError as trouble:
        raise UndecidedError(trouble.asks, rule) from None


def _opened(family: str, atom: Atom, predicate: Predicate) -> tuple[Open, ...]:
    """A fact with its numbers and days left open; the day of the assessment stays as it is."""
    if len(atom.args) < 3:
        return atom.args
    return tuple(
        Line(
            ((Unknown(family, atom.predicate, i, argument.type == "date"), Fraction(1)),),
            Fraction(),
            argument.type == "date",
        )
        if argument.type in ("number", "integer", "date")
        else value
        for i, (argument, value) in enumerate(zip(predicate.arguments, atom.args, strict=True))
    )


# --- running with what is open -----------------------------------------------------------------------------------


def _solve(program: Program, component: Component, tables: Tables, found: Cuts) -> None:
    meaning = _Loose(found, program.changing, tables)
    grown = True
    while grown:
        grown = False
        for number in component.rules:
            rule = program.rules[number]

            def work(rule: Rule = rule) -> None:
                nonlocal grown
                for bound, _ in list(matches(rule, tables, meaning)):
                    grown |= tables.add(rule.predicate, _head(rule, bound, program.predicates, found))

            with_name(rule, work)
        if not component.recursive:
            return


def _head(rule: Rule, bound: Bindings, predicates: Mapping[str, Predicate], found: Cuts) -> tuple[Open, ...]:
    row: list[Open] = []
    kinds = [a.type for a in predicates[rule.predicate].arguments]
    own = {a.name for a, kind in zip(rule.args, kinds, strict=True) if kind == "record" and isinstance(a, Variable)}
    owned = owners(rule, predicates)
    for arg in rule.args:
        if isinstance(arg, Constant):
            row.append(arg.value)
            continue
        name = arg.name if isinstance(arg, Variable) else arg.variables[0]
        value = bound[name] if isinstance(arg, Variable) else _aggregated(rule, arg, bound, predicates, found)
        stays = owned.get(name, frozenset()) == own  # the number of the entry that the head is about
        row.append(value if stays or not isinstance(value, Line) else _detached(value))
    return tuple(row)


def _detached(value: Line) -> Line:
    """A number or day that now stands for itself, apart from the entry that it came from."""
    terms = tuple((Unknown(u.family, u.predicate, u.place, u.is_day, u.latest, True), f) for u, f in value.terms)
    return Line(terms, value.offset, value.is_day)


def _aggregated(rule: Rule, arg: Aggregate, bound: Bindings, predicates: Mapping[str, Predicate], found: Cuts) -> Open:
    value: Open = bound[arg.variables[0]]
    group = tuple(bound[a.name] for a in rule.args if isinstance(a, Variable))
    if any(isinstance(one, Line) for one in group):
        raise UndecidedError("makes a group for each number or day of the record")
    if arg.function in ("count", "sum"):
        if arg.function == "sum" and not isinstance(value, Decimal | int):
            raise UndecidedError("adds up numbers of the record")
        if any(isinstance(bound[name], Line) for name in arg.variables):
            raise UndecidedError("counts different numbers or days of the record")
        return ANY
    if not isinstance(value, Line) or not value.is_day:
        return value
    if len(value.terms) != 1 or value.terms[0][1] != 1 or value.offset:
        raise UndecidedError("takes the latest of days that are computed")
    if any(a.type == "record" for a in predicates[rule.predicate].arguments):
        raise UndecidedError("takes the latest day of each entry")  # as many computed days as there are entries
    name = f"{rule.name} {group}"
    unknown = value.alone
    found.latest.setdefault(name, set()).add(unknown.family)
    return Line(
        ((Unknown(unknown.family, unknown.predicate, unknown.place, True, name, True), Fraction(1)),), Fraction(), True
    )


@dataclass(slots=True)
class _Loose:
    """What the parts of a body mean where everything possible is so."""

    found: Cuts
    open: frozenset[str]
    tables: Tables

    def evaluate(self, expression: Expression, bound: Bindings) -> Open | None:
        match expression:
            case Variable(name):
                return bound[name]  # type: ignore[no-any-return]
            case Constant(value):
                return value
            case Operation(operator, left, right):
                one, other = self.evaluate(left, bound), self.evaluate(right, bound)
                if one is None or other is None:
                    return None
                if isinstance(one, Line | Any_) or isinstance(other, Line | Any_):
                    return evaluate(operator, one, other)
                return arithmetic.evaluate(operator, one, other)

    def holds(self, comparison: Comparison, bound: Bindings) -> bool:
        left, right = self.evaluate(comparison.left, bound), self.evaluate(comparison.right, bound)
        return left is not None and right is not None and self.compared(comparison.operator, left, right)

    def compared(self, operator: str, left: Open, right: Open) -> bool:
        if isinstance(left, Any_) or isinstance(right, Any_):
            check_countable(left, right)
            return True
        if not isinstance(left, Line) and not isinstance(right, Line):
            return compare(operator, left, right)
        a, b = line(left), line(right)
        if any(u.detached for u, _ in (*a.terms, *b.terms)) and len(a.terms) + len(b.terms) > 1:
            self._ordered(a, b)
            return True
        difference = line(evaluate("-", a, b))
        sources = [((u.family, u.predicate, u.place), factor) for u, factor in difference.terms]
        match sources:
            case []:
                return True
            case [(source, factor)]:
                limit = -difference.offset / factor
                if any(source in pair for pair in self.found.ratios):
                    raise UndecidedError("compares a number that another rule compares with a second one of its entry")
                if difference.alone.is_day:
                    self.found.days.setdefault(source[0], set()).add(limit)
                else:
                    self.found.limits.setdefault(source, set()).add(limit)
            case [(one, factor), (other, divisor)] if one[:2] == other[:2] and not difference.offset and not a.is_day:
                if one in self.found.limits or other in self.found.limits:
                    raise UndecidedError("compares two numbers of an entry of which another rule compares one")
                self.found.ratios.setdefault((one, other), set()).add(-divisor / factor)
            case _:
                raise UndecidedError("compares numbers or days that the record gives in two places")
        return True

    def _ordered(self, a: Line, b: Line) -> None:
        """A day against the latest of days: only their order matters, as long as nothing is added to either."""
        plain = all(len(x.terms) == 1 and x.terms[0][1] == 1 and not x.offset and x.is_day for x in (a, b))
        names = {x.alone.latest for x in (a, b)} - {""} if plain else set()
        if not plain or not names or any(x.alone.detached and not x.alone.latest for x in (a, b)):
            raise UndecidedError("compares numbers or days of two entries")
        for name in names:
            self.found.latest[name] |= {a.alone.family, b.alone.family}

    def absent(self, literal: Absent, bound: Bindings) -> bool:
        args = [(i, a.value if isinstance(a, Constant) else bound.get(a.name)) for i, a in enumerate(literal.args)]
        known = [(i, v) for i, v in args if v is not None]
        if literal.predicate in self.open:
            for row in self.tables.of(literal.predicate):  # whether one of them is meant is a comparison like any other
                all(self.equal(value, row[i]) for i, value in sorted(known, key=lambda one: _is_open(row[one[0]])))
            return True
        if any(isinstance(v, Line | Any_) for _, v in known):
            raise UndecidedError("asks whether the document says a number that the record gives")
        return not list(self.tables.where(literal.predicate, tuple(i for i, _ in known), tuple(v for _, v in known)))

    def equal(self, one: Open, other: Open) -> bool:
        if isinstance(one, Line | Any_) or isinstance(other, Line | Any_):
            if isinstance(one, Line) and any(u.detached and not u.latest for u, _ in one.terms) and one == other:
                raise UndecidedError("joins two entries by a number or day")
            if one == other:
                return True
            return self.compared("=", one, other)
        return one == other and type(one) is type(other)


def _is_open(value: Open) -> bool:
    return isinstance(value, Line | Any_)


# --- what a rule may join ----------------------------------------------------------------------------------------


def owners(rule: Rule, predicates: Mapping[str, Predicate], absent: bool = False) -> Mapping[str, frozenset[str]]:
    """For each variable, the record variables of the literals that bind it; "" stands for literals about no record.

    With `absent`, of those that ask for its absence too.
    """
    found: dict[str, set[str]] = {}
    for literal in rule.body:
        if (
            isinstance(literal, Present | Absent if absent else Present)
            and predicates[literal.predicate].layer != "knowledge"
        ):
            kinds = [argument.type for argument in predicates[literal.predicate].arguments]
            records = {
                arg.name
                for arg, kind in zip(literal.args, kinds, strict=True)
                if kind == "record" and isinstance(arg, Variable)
            }
            for arg, kind in zip(literal.args, kinds, strict=True):
                if isinstance(arg, Variable) and kind != "patient":
                    found.setdefault(arg.name, set()).update(records or {""})
    for _ in rule.body:
        for literal in rule.body:
            if isinstance(literal, Assignment):
                inner = {o for v in variables(literal.expression) for o in found.get(v, ())}
                found.setdefault(literal.variable, set()).update(inner)
    return {name: frozenset(records) for name, records in found.items()}


def check_apart(rule: Rule, predicates: Mapping[str, Predicate]) -> None:
    """Refuse a rule that sets two entries against each other: their identity, their numbers, or their days."""
    kinds: dict[str, set[str]] = {}
    records: set[str] = set()
    for literal in rule.body:
        if not isinstance(literal, Present | Absent):
            continue
        arguments = predicates[literal.predicate].arguments
        inside = {
            arg.name
            for arg, argument in zip(literal.args, arguments, strict=True)
            if argument.type == "record" and isinstance(arg, Variable)
        }
        records |= inside
        if len(inside) > 1:
            raise UndecidedError("speaks of two entries in one literal")
        for arg, argument in zip(literal.args, arguments, strict=True):
            if isinstance(arg, Variable):
                kinds.setdefault(arg.name, set()).add(argument.type)
    owned = owners(rule, predicates)
    for name, of in owners(rule, predicates, absent=True).items():
        if len(of) > 1 and kinds.get(name, set()) & {"number", "integer", "date"}:
            raise UndecidedError(
                f"asks that the number or day ?{name} is the same in two places; limits are decided: give one place "
                f"a variable of its own, and compare the two (?other >= ?{name}, where none is greater)"
            )
    for literal in rule.body:
        if isinstance(literal, Comparison | Assignment):
            inside = set(variables(literal))
            if inside & records:
                raise UndecidedError("tells two entries apart")
            of = frozenset(o for v in inside for o in owned.get(v, ()) if o)
            if len(of) > 1 and any(kinds.get(v, {"number"}) & {"number", "integer", "date"} for v in inside):
                raise UndecidedError("compares numbers or days of two entries")


def read_places(rules: Iterable[Rule], asked: Iterable[tuple[str, int]] = ()) -> Mapping[str, frozenset[int]]:
    """The places of each predicate that some rule looks at, so that facts which differ elsewhere are one to them.

    A variable that stands nowhere else looks at nothing, and one that only reaches a place of a head which nobody looks
    at neither. `asked` are places that a question looks at.
    """
    listed = list(rules)
    read: dict[str, set[int]] = {
        x.predicate: set() for rule in listed for x in rule.body if isinstance(x, Present | Absent)
    }
    for predicate, place in asked:
        read.setdefault(predicate, set()).add(place)
    grown = True
    while grown:
        grown = False
        for rule in listed:
            for predicate, place in _looked_at(rule, read):
                places = read.setdefault(predicate, set())
                if place not in places:
                    places.add(place)
                    grown = True
    return {predicate: frozenset(places) for predicate, places in read.items()}


def _looked_at(rule: Rule, read: Mapping[str, set[int]]) -> Iterator[tuple[str, int]]:
    counts: dict[str, int] = {}

    def met(names: Iterable[str]) -> None:
        for name in names:
            counts[name] = counts.get(name, 0) + 1

    for i, arg in enumerate(rule.args):
        if i in read.get(rule.predicate, ()):
            met([arg.name] if isinstance(arg, Variable) else arg.variables if isinstance(arg, Aggregate) else [])
    if (counted := rule.aggregate) and rule.args.index(counted) in read.get(rule.predicate, ()):
        met(counted.variables)  # each distinct value counts
        for i, arg in enumerate(rule.args):  # and each group has a value of its own
            if isinstance(arg, Variable):
                met([arg.name, arg.name])
                yield rule.predicate, i
    for literal in rule.body:
        if isinstance(literal, Present | Absent):
            met(arg.name for arg in literal.args if isinstance(arg, Variable))
        else:
            met(variables(literal))
    for literal in rule.body:
        if isinstance(literal, Present | Absent):
            for i, arg in enumerate(literal.args):
                if isinstance(arg, Constant) or counts[arg.name] > 1:
                    yield literal.predicate, i


__all__ = ["Cuts", "Source", "check_apart", "cuts", "owners", "read_places"]
