"""A checked program and its facts as SWI-Prolog text, with a meta-interpreter that proves every conclusion.

Numbers are rationals, so all arithmetic is exact; dates are day numbers; terms are atoms. A rule is a clause whose
first goal is its name. Derived predicates are tabled: without that, each fact would be derived again wherever it is
used, which for a rich record takes minutes. `prove` is the interpreter that a textbook has, with a case more for each
thing that these rules use (a negated goal, a comparison, a count over a group). It lets the tables find the bindings of
a rule before it proves the premises, each once, and gives one proof of each conclusion, absences among its leaves.
Recursion and division are not translated: this program has neither.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from citelog.export.exact import ExportError as Untranslatable
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
    Program,
    Rule,
    Variable,
)
from citelog.values import Atom, Iri, Value

_SIGNS = {"=": "==", "!=": "\\==", "<": "<", "<=": "=<", ">": ">", ">=": ">="}

INTERPRETER = """
:- discontiguous rule_name/1.
prove((A, B), (P, Q)) :- !, prove(A, P), prove(B, Q).
prove(\\+ A, absent(A)) :- !.
prove(counted(Function, _, _, Body, N), counted(Function, N, Proofs)) :- !,
    findall(Proof, (Body, prove(Body, Proof)), Proofs).
prove(A, A) :- predicate_property(A, built_in), !.
prove(A, Proof) :- clause(A, Body), by_rule(Body, A, Proof), !.
by_rule(true, A, fact(A)).
by_rule((rule_quoted(Name), Body), A, by(Name, A, Proof)) :- call(Body), !, prove(Body, Proof).
rule_quoted(_).
counted(Function, Row, Outside, Body, N) :- setof(Row, Outside^Body, Rows), over(Function, Rows, N).
over(count, Rows, N) :- length(Rows, N).
over(max, [Row|Rows], N) :- arg(1, Row, X), foldl([R, A, B]>>(arg(1, R, Y), B is max(A, Y)), Rows, X, N).
over(min, [Row|Rows], N) :- arg(1, Row, X), foldl([R, A, B]>>(arg(1, R, Y), B is min(A, Y)), Rows, X, N).
main :- forall((asked(A), setof(A, A, As), member(One, As)), (prove(One, P), writeq(P), nl)), halt.
main :- halt(1).
"""


class Prolog:
    """The text of a program with its knowledge, ready to be loaded before a patient's facts."""

    def __init__(self, program: Program, stated: Iterable[Atom], asked: Sequence[str]) -> None:
        if any(component.recursive for component in (*program.fixed, *program.open)):
            raise Untranslatable("recursion")
        read = {x.predicate for rule in program.rules for x in rule.body if isinstance(x, Present | Absent)}
        heads = {rule.predicate for rule in program.rules}
        places = {name: f"{_quoted(name)}/{len(p.arguments)}" for name, p in program.predicates.items()}
        self._given = "".join(f":- dynamic {p}.\n:- multifile {p}.\n" for n, p in places.items() if n not in heads)
        derived = "".join(f":- table {p}.\n:- discontiguous {p}.\n" for n, p in places.items() if n in heads)
        goals = [f"asked({_quoted(p)}({', '.join('_' * len(program.predicates[p].arguments))})).\n" for p in asked]
        self.text = ":- style_check(-singleton).\n" + self._given + derived + "".join(goals) + INTERPRETER
        self.text += self._lines(atom for atom in stated if atom.predicate in read)
        self.text += "".join(map(_clause, program.rules))

    def facts(self, atoms: Iterable[Atom]) -> str:
        """A patient's facts as a file of their own."""
        return self._given + self._lines(atoms)

    def _lines(self, atoms: Iterable[Atom]) -> str:
        return "".join(f"{spelt(atom)}.\n" for atom in sorted(atoms, key=lambda atom: atom.predicate))


def spelt(atom: Atom) -> str:
    """A fact as SWI-Prolog's writeq writes it."""
    return f"{_quoted(atom.predicate)}({','.join(map(_value, atom.args))})"


def proofs(output: str) -> Mapping[str, set[str]]:
    """What was printed: each conclusion with the rules of its proof.

    >>> found = proofs("by(low,status(p,low),(by(read,level(p),fact(r(p))),80<100))")
    >>> [(goal, sorted(rules)) for goal, rules in found.items()]
    [('status(p,low)', ['low', 'read'])]
    """
    found: dict[str, set[str]] = {}
    for line in output.splitlines():
        head = re.match(r"by\(('[^']*'|\w+),(\w+\((?:'[^']*'|[^'()])*\)|'[^']*'\((?:'[^']*'|[^'()])*\)),", line)
        if head is None:
            raise SystemExit(f"SWI-Prolog printed what is no proof: {line[:200]}")
        found[head[2]] = {name.strip("'") for name in re.findall(r"\bby\(('[^']*'|\w+),", line)}
    return found


def _clause(rule: Rule) -> str:
    body = ", ".join(_literal(rule.body[i]) for i in rule.plan)
    counted = rule.aggregate
    head = ", ".join("N" if isinstance(a, Aggregate) else _argument(a) for a in rule.args)
    if counted is not None:
        if counted.function not in ("count", "max", "min"):
            raise Untranslatable(f"#{counted.function}")
        group = [a.name for a in rule.args if isinstance(a, Variable)]
        row = f"row({', '.join(map(_variable, counted.variables))})"
        outside = [_variable(v) for v in rule.variables if v not in group and v not in counted.variables]
        body = f"counted({counted.function}, {row}, [{', '.join(outside)}], ({body}), N)"
    return f"{_quoted(rule.predicate)}({head}) :- rule_quoted({_quoted(rule.name)}), {body}.\n"


def _literal(literal: Literal) -> str:
    match literal:
        case Present(predicate, args):
            return f"{_quoted(predicate)}({', '.join(map(_argument, args))})"
        case Absent(predicate, args):
            shown = ("_" if isinstance(a, Variable) and a.name.startswith("_") else _argument(a) for a in args)
            return f"\\+ {_quoted(predicate)}({', '.join(shown)})"
        case Comparison(sign, left, right):
            if sign in ("=", "!=") and (isinstance(left, Operation) or isinstance(right, Operation)):
                raise Untranslatable("equality of what has to be computed")
            return f"{_expression(left)} {_SIGNS[sign]} {_expression(right)}"
        case Assignment(variable, expression):
            made = "is" if isinstance(expression, Operation) else "="
            return f"{_variable(variable)} {made} {_expression(expression)}"


def _expression(expression: Expression) -> str:
    match expression:
        case Variable() | Constant():
            return _argument(expression)
        case Operation("/"):
            raise Untranslatable("division")
        case Operation(sign, left, right):
            return f"({_expression(left)} {sign} {_expression(right)})"


def _argument(argument: Variable | Constant | Aggregate) -> str:
    if isinstance(argument, Constant):
        return _value(argument.value)
    assert isinstance(argument, Variable)
    return _variable(argument.name)


def _variable(name: str) -> str:
    return f"V_{name}"


def _quoted(text: str) -> str:
    """An atom as writeq writes it."""
    return text if re.fullmatch(r"[a-z]\w*", text, re.ASCII) else "'" + re.sub(r"(['\\])", r"\\\1", text) + "'"


def _value(value: Value) -> str:
    if isinstance(value, Iri):
        return _quoted(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
    if isinstance(value, datetime.date):
        return str(value.toordinal())
    over, under = Decimal(value).as_integer_ratio()
    return f"{over}r{under}" if under != 1 else str(over)
