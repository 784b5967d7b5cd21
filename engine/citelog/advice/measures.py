"""Advice about units: a value in two that disagree, a number in another than is printed, one that nobody asks for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from citelog.advice.given import Advice, Given
from citelog.advice.reach import Reach
from citelog.advice.units import plain_unit, printed, printed_twice, ratio, told
from citelog.knowledge.triples import SKOS
from citelog.rules.program import Assignment, Comparison, Present, Rule, Variable, variables
from citelog.values import Iri
from citelog.vocab import CL, folded_unit

CODES: Mapping[str, str] = {
    "units-disagree": "a value that is printed in two units, in which it is not the same",
    "unit-not-stated": "a number that is encoded or compared in another unit than its statement prints",
    "unit-unasked": "a rule that compares a measured value with a limit and does not ask in which unit it was measured",
}


# one value in two units


@dataclass(frozen=True, slots=True)
class Double:
    """A value in two units, and the statement that prints it."""

    statement: str
    one: Decimal
    unit: str
    other: Decimal
    other_unit: str

    def ratios(self) -> tuple[Decimal, Decimal]:
        """The least and the greatest ratio that the two can have, as each is printed rounded or cut."""
        a, b = _slack(self.one), _slack(self.other)
        return (self.other - b) / (self.one + a), (self.other + b) / (self.one - a)

    def __str__(self) -> str:
        return f"{told((self.one,), self.unit)} and {told((self.other,), self.other_unit)}"


def _slack(value: Decimal) -> Decimal:
    """By how much a printed number may differ from what is meant: its last digit; half of that for a short number."""
    digit = Decimal(1).scaleb(min(0, int(value.as_tuple().exponent)))
    return digit if value >= 20 * digit else digit / 2


def disagree(given: Given, _: Reach) -> Iterator[Advice]:
    """Values in two units: by what the one unit is in the other, else by the ratio of the document's other pairs."""
    alike: dict[tuple[str, str], list[Double]] = defaultdict(list)
    for double in dict.fromkeys(_doubles(given)):
        known = _known(given, double.unit, double.other_unit)
        if known is None:
            alike[plain_unit(double.unit), plain_unit(double.other_unit)].append(double)
        elif not _is(double, known):
            converted = told((double.one * known,), double.other_unit)
            yield _disagreeing(given, double, f"but {told((double.one,), double.unit)} is {converted}")
    for group in alike.values():
        middle = sorted(double.other / double.one for double in group)[(len(group) - 1) // 2]
        agreeing = [d for d in group if d.ratios()[0] <= middle <= d.ratios()[1]]
        if max(d.ratios()[0] for d in group) > min(d.ratios()[1] for d in group):
            for double in (d for d in group if d not in agreeing):
                usual = agreeing[0]
                ratios = [f"one to {d.other / d.one:.3g}" for d in (double, usual)]
                yield _disagreeing(given, double, f"{ratios[0]}; {usual} in {usual.statement} are {ratios[1]}")


def _is(double: Double, known: Decimal) -> bool:
    """Whether the two are the same, as far as the digits tell."""
    rounded = _slack(double.one) if len(double.one.normalize().as_tuple().digits) > 1 else Decimal(0)
    return abs(double.other - double.one * known) <= _slack(double.other) + rounded * known


def _disagreeing(given: Given, double: Double, why: str) -> Advice:
    hint = "if the document prints it so, keep each in its own unit, convert neither, and declare a cl:Conflict"
    place = given.statement(double.statement, "cl:quote")
    return Advice("units-disagree", (double.statement,), place, f"{double.statement} gives {double}, {why}", hint)


def _known(given: Given, one: str, other: str) -> Decimal | None:
    """What one unit is in another: by the factors of the terms, by powers of ten, or by spans of time."""
    names = given.knowledge.terms.names.get("unit", {})
    terms = [str(names.get(folded_unit(text), "")) for text in (one, other)]
    into = [given.triples.one(term, CL + "comparedIn") for term in terms]
    factors = [given.triples.one(term, CL + "factor") for term in terms]
    if into[0] == into[1] and all(isinstance(factor, Decimal | int) and factor for factor in factors):
        return Decimal(factors[0]) / Decimal(factors[1])
    return ratio(one, other)


def _doubles(given: Given) -> Iterator[Double]:
    for statement in given.knowledge.statements.values():
        for one, other in printed_twice(statement.quote, given.knowledge.source.decimal_sign):
            for a, b in zip(one.values, other.values, strict=True):
                if a and b:
                    yield Double(statement.id, a, one.unit, b, other.unit)


# a number in another unit than is printed


def not_stated(given: Given, reach: Reach) -> Iterator[Advice]:
    """Numbers that a statement prints with another unit than they are encoded in, and rules that ask for another."""
    triples = given.triples
    statements = {s.iri.value: s for s in given.knowledge.statements.values()}
    for (node, _property, value), graphs in triples.graphs.items():
        unit = triples.one(node, CL + "comparedIn") or triples.one(node, CL + "unit")
        if unit is None or isinstance(value, bool) or not isinstance(value, Decimal | int):
            continue
        inherited = triples.one(node, CL + "inheritedFrom")
        names = _names(given, unit)
        for graph in graphs:
            statement = statements.get(str(inherited or graph))
            if statement is None or graph not in statements:
                continue
            figures = printed(statement.quote, given.knowledge.source.decimal_sign)
            behind = [one.unit for one in figures if Decimal(value) in one.values]
            if behind and not names & {plain_unit(one) for one in behind}:
                shown = given.label(unit) if isinstance(unit, Iri) else str(unit)
                number = (Decimal(value),)
                encoded = f"{Iri(node).local} is encoded as {told(number, shown)}"
                message = f"{encoded}, and {statement.id} prints {told(number, behind[0])}"
                hint = "encode the number in the unit that is printed behind it, and convert nothing"
                place = given.said(Iri(graph).local, node, value)
                yield Advice("unit-not-stated", (statement.id, Iri(graph).local), place, message, hint)
    for rule in given.rules:
        yield from _asked_otherwise(given, reach, rule)


def _names(given: Given, unit: object) -> set[str]:
    """Every name of a unit: that of a text, or those of a term."""
    if not isinstance(unit, Iri):
        return {plain_unit(str(unit))}
    keys = (SKOS + "prefLabel", SKOS + "altLabel", CL + "ucum")
    return {plain_unit(str(name)) for key in keys for name in given.triples.all(unit.value, key)}


def _asked_otherwise(given: Given, reach: Reach, rule: Rule) -> Iterator[Advice]:
    """A rule that asks for a unit by name and reads a limit that is compared in another."""
    asked = {p.args[2] for p in reach.necessary(rule) if p.predicate == "result_unit" and not p.negated} - {None}
    into = {given.triples.one(str(unit), CL + "comparedIn") or unit for unit in asked}
    if not asked:
        return
    for literal in _limits(given, rule):
        subjects = {atom.args[0] for atom in reach.facts.get(literal.predicate, ())}
        limits = {given.triples.one(str(subject), CL + "comparedIn") for subject in subjects} - {None}
        if limits and not limits & (into | asked):
            names = " and ".join(sorted(given.label(unit) for unit in asked if isinstance(unit, Iri)))
            printed_in = " and ".join(sorted(given.label(unit) for unit in limits if isinstance(unit, Iri)))
            message = f"rule {rule.name} asks for results in {names}, and its limit is in {printed_in}"
            hint = "ask for the unit of the limit, or tie the two: cl:comparedIn(?limit, ?unit)"
            yield Advice("unit-not-stated", (rule.name,), given.rule(rule, literal), message, hint)


# a unit that nobody asks for


def unasked(given: Given, reach: Reach) -> Iterator[Advice]:
    """Rules that compare the number of a result with a limit of the document, whatever its unit.

    So does who multiplies it with the factor of whatever unit it has, where units of several kinds have one.
    """
    kinds = sorted({given.label(unit) for unit in _compared(given)})
    for rule in given.rules:
        if len(kinds) > 1 and (factor := _any_factor(rule)):
            few = f"{kinds[0]} and {kinds[1]}" + (" among them" if len(kinds) > 2 else "")
            message = f"rule {rule.name} takes the factor of whatever unit a result has: {few} are not told apart"
            hint = "ask that the unit is one of the analyte's: cl:acceptsUnit(ANALYTE, ?unit)"
            yield Advice("unit-unasked", (rule.name, *rule.cites), given.rule(rule, factor), message, hint)
        measured = [x for x in rule.body if isinstance(x, Present) and x.predicate in ("result_value", "result_bound")]
        if not measured or not (limits := _limits(given, rule, measured)):
            continue
        if not any(p.predicate == "result_unit" for p in reach.necessary(rule)):
            message = f"rule {rule.name} compares the number of a result with a limit, and does not ask for its unit"
            hint = "ask for it: result_unit(?p, ?r, ?unit), and tie it to the limit: cl:comparedIn(?limit, ?unit)"
            yield Advice("unit-unasked", (rule.name, *rule.cites), given.rule(rule, limits[0]), message, hint)


def _compared(given: Given) -> set[Iri]:
    """The units in which values are compared."""
    triples = given.triples
    into = (triples.one(unit, CL + "comparedIn") for unit in triples.instances(CL + "Unit"))
    return {unit for unit in into if isinstance(unit, Iri)}


def _any_factor(rule: Rule) -> Present | None:
    """The literal that takes the factor of the unit of a result, if nothing else is asked of that unit."""
    read = [x for x in rule.body if isinstance(x, Present) and x.predicate == "result_unit"]
    for unit in [x.args[2] for x in read if isinstance(x.args[2], Variable)]:
        asked = [x for x in rule.body if unit.name in variables(x) and x not in read]
        factors = [x for x in asked if isinstance(x, Present) and x.predicate == CL + "factor"]
        if factors and len(factors) == len(asked):
            return factors[0]
    return None


def _limits(given: Given, rule: Rule, measured: list[Present] | None = None) -> list[Present]:
    """The literals that give a limit: a number of the document that is compared, with what was measured if given."""
    tied = {x.variable: variables(x.expression) for x in rule.body if isinstance(x, Assignment)}

    def behind(names: frozenset[str]) -> frozenset[str]:
        return frozenset().union(names, *(behind(tied[name]) for name in names if name in tied))

    compared = [
        (behind(variables(x.left)), behind(variables(x.right)))
        for x in rule.body
        if isinstance(x, Comparison) and x.operator not in ("=", "!=")
    ]
    values = frozenset(name for x in measured or () for name in variables(x))
    found = []
    for literal in rule.body:
        if isinstance(literal, Present) and given.knowledge.program.predicates[literal.predicate].layer == "knowledge":
            declared = given.knowledge.program.predicates[literal.predicate].arguments
            numbers = [
                arg for arg, place in zip(literal.args, declared, strict=True) if place.type in ("number", "integer")
            ]
            names = frozenset(name for arg in numbers for name in variables(arg))
            sides = [(a, b) if names & b else (b, a) for a, b in compared if names & (a | b)]
            if any(measured is None or values & other for other, _ in sides):
                found.append(literal)
    return found
