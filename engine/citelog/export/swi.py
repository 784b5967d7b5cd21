"""Rules and facts for SWI-Prolog: every derived predicate is tabled, and every number exact, a whole number or a ratio.

Tabling makes each derived relation a finite set whatever order its rules stand in. What is negated or counted lies in a
lower stratum, so its table is complete when it is asked.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from citelog.export.datalog import COLUMNS, Language, Part, Prefixes, Sign, Translation, divides, shortened

_TERMS: Mapping[Sign, str] = {"=": "==", "!=": "\\=="}
_NUMBERS: Mapping[Sign, str] = {"=": "=:=", "!=": "=\\=", "<": "<", "<=": "=<", ">": ">", ">=": ">="}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}
_QUOTIENT = """
% A quotient to 34 significant digits, rounded half to even: the arithmetic of the rule language (IEEE 754 decimal128).
quotient(_, B, _) :- B =:= 0, !, fail.
quotient(A, _, 0) :- A =:= 0, !.
quotient(A, B, Q) :-
    Exact is rationalize(A) rdiv rationalize(B), Size is abs(Exact), scale(Size, 0, E),
    Scaled is Size * 10 ** E, Down is floor(Scaled), Rest is Scaled - Down,
    (   ( Rest > 1 rdiv 2 ; Rest =:= 1 rdiv 2, Down mod 2 =:= 1 ) -> Digits is Down + 1 ; Digits = Down ),
    Q is sign(Exact) * Digits rdiv 10 ** E.

% The power of ten that brings a size to 34 digits before the point.
scale(Size, E, E) :- Size * 10 ** E >= 10 ** 33, Size * 10 ** E < 10 ** 34, !.
scale(Size, E0, E) :- ( Size * 10 ** E0 < 10 ** 33 -> E1 is E0 + 1 ; E1 is E0 - 1 ), scale(Size, E1, E).
"""


class Swi(Language):
    """The language of SWI-Prolog."""

    name, suffix, comment = "SWI-Prolog", "pl", "%"
    run = "swipl -g conclude -t halt FILE"
    whole = None
    absent = "\\+ "
    ordered = True
    reserved = frozenset(
        {"aggregate_all", "call", "conclude", "conclusion", "fail", "false", "forall", "is", "mod", "nl", "not"}
        | {"quotient", "rdiv", "scale", "true", "writeq"}
    )

    def predicate(self, name: str, prefixes: Prefixes) -> str:
        """The name of a predicate: its own; of a property or class, with its prefix, quoted."""
        if ":" in name:
            return self.term(name, prefixes)
        return name + "_" if name in self.reserved else name if name[0].islower() else f"'{name}'"

    def term(self, iri: str, prefixes: Prefixes) -> str:
        """A term, as a quoted atom: with its prefix where it has one."""
        return "'" + shortened(iri, prefixes).replace("\\", "\\\\").replace("'", "\\'") + "'"

    def text(self, text: str) -> str:
        """A string, escaped as SWI-Prolog itself writes it."""
        self.writable(text, "")
        return '"' + "".join(_ESCAPES.get(c) or (f"\\x{ord(c):x}\\" if ord(c) < 32 else c) for c in text) + '"'

    def number(self, value: Decimal | int, scale: int) -> str:
        """A whole number, or a ratio: 7r20 is 0.35."""
        above, below = Decimal(value).as_integer_ratio()
        return str(above) if below == 1 else f"{above}r{below}"

    def compare(self, sign: Sign, left: str, right: str, arithmetic: bool) -> str:
        """Numbers by value, terms and texts by identity."""
        return f"{left} {(_NUMBERS if arithmetic else _TERMS)[sign]} {right}"

    def assign(self, variable: str, value: str, arithmetic: bool) -> str:
        """Computed, or unified."""
        return f"{variable} {'is' if arithmetic else '='} {value}"

    def divide(self, left: str, right: str, fresh: str) -> Part:
        """By a goal, which fails for a division by nought."""
        return Part(f"Q{fresh}", (f"quotient({left}, {right}, Q{fresh})",))

    def aggregate(
        self, function: str, weights: Sequence[str], rows: str, some: str, result: str
    ) -> tuple[str, Sequence[str]]:
        """`latest(P,Result) :- rows(P,_), aggregate_all(max(V), rows(P,V), Result).`"""
        of = "count" if function == "count" else f"{function}({weights[0]})"
        return result, [some, f"aggregate_all({of}, {rows}, {result})"]

    def declarations(self, translation: Translation) -> Iterator[str]:
        """What is tabled, and what is given."""
        arities = {name: len(translation.program.predicates[name].arguments) for name in translation.used}
        names = {name: f"{translation.names[name]}/{arity}" for name, arity in arities.items()}
        heads = [
            f"{translation.names[name]}({','.join(['_'] * arity)})"
            for name, arity in arities.items()
            if ":" not in name
        ]
        tables = [shown for name, shown in names.items() if name in translation.heads]
        given = [shown for name, shown in names.items() if name not in translation.heads]
        rows = [f"{translation.helpers[number]}/{len(types)}" for number, types in translation.rows()]
        yield ":- encoding(utf8)."
        yield ":- set_prolog_flag(double_quotes, string)."
        yield ":- set_prolog_flag(prefer_rationals, true)."
        yield ":- style_check(-singleton)."
        yield ":- use_module(library(aggregate))."
        yield "% Prolog's own predicates give way to those of the same name here."
        yield from _directive("forall(member(P, [", heads, "]), redefine_system_predicate(P))")
        yield from _directive("table ", [*tables, *rows])
        yield from _directive("dynamic ", given)
        yield from _directive("discontiguous ", [*tables, *given])
        if divides(translation.program):
            yield _QUOTIENT.rstrip()

    def shown(self, predicates: Sequence[str], translation: Translation) -> Iterator[str]:
        """`conclude` prints every conclusion, one a line."""
        for name in predicates:
            blanks = ",".join(["_"] * len(translation.program.predicates[name].arguments))
            yield f"conclusion({translation.names[name]}({blanks}))."
        yield "conclude :- forall((conclusion(C), C), (writeq(C), nl))."


def _directive(words: str, items: Sequence[str], rest: str = "") -> Iterator[str]:
    if items:
        yield from textwrap.wrap(
            f":- {words}{', '.join(items)}{rest}.", COLUMNS, subsequent_indent="    ", break_long_words=False
        )
